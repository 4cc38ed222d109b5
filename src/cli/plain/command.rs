//! A line of the operator, and what it orders.

use crate::cli::Failure;
use crate::config::LogLevel;
use crate::show::{Line, Role};

/// What the operator wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// An empty line.
    Nothing,
    /// What can be ordered.
    Help,
    /// The list: what this filter leaves; with the scopes in sync if all is wanted.
    List { filter: String, all: bool },
    /// The drift of these.
    Drift(Vec<String>),
    /// What a replication of these would do.
    Preview(Vec<String>),
    /// Their replication.
    Replicate(Vec<String>),
    /// These scopes and changes left out of the next replication, or brought back.
    Leave(Vec<String>),
    /// Source and target exchanged, in these relationships.
    Swap(Vec<String>),
    /// All servers again.
    Reload,
    /// WhatIf on or off; turned over without a word.
    WhatIf(Option<bool>),
    /// Force on or off; turned over without a word.
    Force(Option<bool>),
    /// The refusals that do not hold from now on.
    Override(Vec<String>),
    /// The newest messages of the log, from this level up.
    Log(LogLevel),
    /// A command of the command line.
    CommandLine(Vec<String>),
    /// The end.
    Quit,
}

/// Name, shortest spelling, what it takes, what it does.
const ORDERS: [(&str, &str, &str, &str); 13] = [
    ("list", "l", "[FILTER | all]", "relationships and scopes that differ; those that FILTER leaves; all"),
    ("drift", "d", "[WHAT]", "how scopes differ, change by change"),
    ("preview", "p", "WHAT", "what a replication would do; nothing is written"),
    ("replicate", "r", "WHAT", "shows the plan, asks, and makes the target's scopes equal to the source's"),
    (
        "leave",
        "x",
        "[SCOPE | CHANGE | nothing]",
        "leaves scopes or changes out of the next replication; again: brings them back; tells what is left out",
    ),
    ("swap", "s", "[WHAT]", "exchanges source and target of relationships"),
    ("reload", "R", "", "reads all servers again"),
    ("whatif", "W", "[on | off]", "plans are shown and nothing can be written"),
    ("force", "F", "[on | off]", "replicate does not ask; refusals for safety stand"),
    ("override", "o", "[NAME ...]", "refusals that do not hold from now on; none without names"),
    ("log", "L", "[LEVEL]", "the newest messages of the program's own log, from LEVEL up; info without one"),
    ("help", "h", "", "this"),
    ("quit", "q", "", "ends, as exit does"),
];

/// The commands of the command line that a session passes on.
const COMMAND_LINE: [&str; 7] = ["relationships", "scopes", "history", "undo", "recover", "jobs", "ha-reset"];

impl Order {
    /// Understands a line.
    ///
    /// # Errors
    /// Nothing is called so, or a quotation mark has no partner.
    pub(super) fn read(line: &str) -> Result<Self, Failure> {
        let words = shlex::split(line.trim()).ok_or_else(|| {
            Failure::new("a quotation mark has no partner").hint("write a quotation mark within quotes as \\\"")
        })?;
        let Some((name, rest)) = words.split_first() else { return Ok(Order::Nothing) };
        let rest = rest.to_vec();
        if COMMAND_LINE.contains(&name.as_str()) {
            return Ok(Order::CommandLine(words));
        }
        let known = |(long, short, ..): &&(&str, &str, &str, &str)| name == short || name.eq_ignore_ascii_case(long);
        Ok(match ORDERS.iter().find(known).map(|(long, ..)| *long) {
            Some("list") => {
                let all = rest.as_slice() == ["all"];
                // the filter has quotes of its own
                let filter = line.trim().split_once(char::is_whitespace).map_or("", |(_, filter)| filter.trim());
                Order::List { filter: if all { String::new() } else { filter.to_owned() }, all }
            }
            Some("drift") => Order::Drift(rest),
            Some("preview") => Order::Preview(rest),
            Some("replicate") => Order::Replicate(rest),
            Some("leave") => Order::Leave(rest),
            Some("log") => Order::Log(level(&rest)?),
            Some("swap") => Order::Swap(rest),
            Some("reload") => Order::Reload,
            Some("whatif") => Order::WhatIf(switch(&rest)?),
            Some("force") => Order::Force(switch(&rest)?),
            Some("override") => Order::Override(rest),
            Some("help") => Order::Help,
            Some("quit") => Order::Quit,
            _ if name == "?" => Order::Help,
            _ if name.eq_ignore_ascii_case("exit") => Order::Quit,
            _ => {
                let shown = crate::model::Foreign::from(name.as_str());
                return Err(Failure::new(format!("no command is called \"{shown}\"")).hint("help lists them"));
            }
        })
    }
}

fn level(words: &[String]) -> Result<LogLevel, Failure> {
    match words {
        [] => Ok(LogLevel::default()),
        [word] if let Some(level) = LogLevel::from_name(&word.to_ascii_lowercase()) => Ok(level),
        _ => Err(Failure::new("a level is wanted here").hint(LogLevel::NAMES.join(", "))),
    }
}

fn switch(words: &[String]) -> Result<Option<bool>, Failure> {
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        ["on"] => Ok(Some(true)),
        ["off"] => Ok(Some(false)),
        _ => Err(Failure::new("on or off is wanted here").hint("without a word it is turned over")),
    }
}

/// What can be ordered.
pub(super) fn help() -> Vec<Line> {
    let mut lines: Vec<Line> = ORDERS
        .iter()
        .map(|(long, short, takes, about)| {
            let name = format!("{long} ({short})");
            let takes = if takes.is_empty() { String::new() } else { format!(" {takes}") };
            Line::of(0, Role::Title, format!("{name}{takes}: ")).with(Role::Plain, *about)
        })
        .collect();
    lines.extend(
        [
            "WHAT is a number of the list such as 1 or 1.3, a range such as 1.3-7, the id of a scope, the name of \
             a relationship, or all. Several are separated by blanks.",
            "FILTER is made of words, which are looked for in all columns, and of drift:, state:, server:, \
             relationship:, section: and name: with what is wanted, and of used: with a percentage such as >80, for \
             which the servers are asked; - before one wants the others.",
            "SCOPE is as in WHAT; CHANGE is a number that drift tells, such as 1.3.2, a range such as 1.3.2-4, or a \
             name such as 10.0.0.0:reservations/10.0.0.9. A SCOPE is left out with what comes to differ in it later.",
            "As on the command line, with its arguments: relationships, scopes, history, undo, recover, jobs, \
             ha-reset.",
        ]
        .map(|text| Line::of(0, Role::Plain, text)),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_long_and_short() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (line, order) in [
            ("", Order::Nothing),
            ("  \n", Order::Nothing),
            ("l\n", Order::List { filter: String::new(), all: false }),
            ("list all", Order::List { filter: String::new(), all: true }),
            ("list two name:\"a b\"", Order::List { filter: "two name:\"a b\"".into(), all: false }),
            ("r 1.3 1.5-7", Order::Replicate(words("1.3 1.5-7"))),
            ("Preview \"Bonn 2\"", Order::Preview(vec!["Bonn 2".into()])),
            ("R", Order::Reload),
            ("W on", Order::WhatIf(Some(true))),
            ("x 1.3.2-4 10.0.0.0", Order::Leave(words("1.3.2-4 10.0.0.0"))),
            ("leave", Order::Leave(Vec::new())),
            ("L", Order::Log(LogLevel::Info)),
            ("log Debug", Order::Log(LogLevel::Debug)),
            ("force", Order::Force(None)),
            ("history list --json", Order::CommandLine(words("history list --json"))),
            ("?", Order::Help),
            ("quit", Order::Quit),
            ("exit\n", Order::Quit),
            ("Q", Order::Nothing),
        ] {
            match (Order::read(line), line) {
                (Err(_), "Q") => {}
                (read, _) => assert_eq!(read.map_err(|failure| failure.message), Ok(order), "{line:?}"),
            }
        }
        for wrong in ["w maybe", "force maybe", "replicat 1", "log loud", "log warn info", "drift \"1", "y"] {
            assert!(Order::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_two_orders_are_spelled_alike() {
        let mut names: Vec<&str> = ORDERS.iter().flat_map(|(long, short, ..)| [*long, *short]).collect();
        names.extend(COMMAND_LINE);
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
