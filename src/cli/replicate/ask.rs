//! The question, as PowerShell asks it: yes, yes to all, no, no to all; default no.

use std::fs::File;
use std::io::{self, IsTerminal};

use super::typed::Lines;
use crate::cli::args::Way;
use crate::cli::console::Console;
use crate::engine::approval::Answer;
use crate::engine::plan::{PlannedRelationship, PlannedScope, Source};
use crate::show::{Counts, Line, Role, plural};
use crate::signals::Signals;

/// What is asked about: one relationship's part of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// One line: which scopes, from where to where, and what happens to them.
    pub text: String,
    /// What the answers mean, a line each.
    pub help: &'static str,
}

impl Question {
    /// The question about these scopes of a relationship.
    pub fn new(relationship: &PlannedRelationship, scopes: &[&PlannedScope]) -> Self {
        let counts = Counts::of(scopes.iter().flat_map(|scope| &scope.changes));
        let PlannedRelationship { name, source, target, route, .. } = relationship;
        let (many, counts) = (plural(scopes.len(), "scope"), counts.words());
        match route.as_ref().map(|route| &route.source) {
            Some(Source::Snapshot(run)) => Question {
                text: format!("Undo run {run} in {many} of {name} on {target}, overwriting {target}: {counts}?"),
                help: UNDO_HELP,
            },
            _ => Question {
                text: format!("Replicate {many} of {name} from {source} to {target}, overwriting {target}: {counts}?"),
                help: HELP,
            },
        }
    }
}

/// Who answers.
pub trait Ask {
    /// The answer to a question.
    ///
    /// # Errors
    /// No answer can be had.
    fn ask(&mut self, question: &Question, console: &mut Console) -> io::Result<Answer>;

    /// Whether a relationship with so many deletions is confirmed by typing its name, each by itself.
    fn wants_name(&self, _deletions: usize) -> bool {
        false
    }

    /// Whether the name of such a relationship was typed.
    ///
    /// # Errors
    /// No answer can be had.
    fn is_named(&mut self, _name: &str, _deletions: usize, _console: &mut Console) -> io::Result<bool> {
        Ok(false)
    }

    /// What to do about an interrupted run; `None` is nothing, and nothing is the default.
    ///
    /// # Errors
    /// No answer can be had.
    fn choose(&mut self, _run: &str, _console: &mut Console) -> io::Result<Option<Way>> {
        Ok(None)
    }
}

/// The operator at the terminal.
#[derive(Debug)]
pub struct AtTerminal {
    /// From more deletions than this on, the relationship's name is typed.
    type_name_above: usize,
    /// What they type.
    lines: Lines,
}

/// The terminal from which the program was started.
#[cfg(unix)]
const DEVICE: &str = "/dev/tty";
#[cfg(not(unix))]
const DEVICE: &str = "CONIN$";

impl AtTerminal {
    /// The operator, who types the name of a relationship above so many deletions.
    pub fn new(type_name_above: usize) -> Self {
        AtTerminal { type_name_above, lines: Lines::default() }
    }

    /// The operator, whose answers do not come from standard input.
    pub fn beside_input(mut self) -> Self {
        self.lines.device = Some(DEVICE);
        self
    }

    /// Whether there is a terminal to answer at.
    pub fn is_there(&self) -> bool {
        match self.lines.device {
            Some(device) => File::open(device).is_ok_and(|device| device.is_terminal()),
            None => io::stdin().is_terminal(),
        }
    }
}

const CHOICES: &str = "[Y] Yes  [A] Yes to All  [N] No  [L] No to All  [?] Help (default is \"N\"): ";

const HELP: &str = "\
Y - Replicate these scopes.
A - Replicate these scopes and those of all further relationships.
N - Leave these scopes as they are and go on with the next relationship.
L - Leave these scopes and those of all further relationships as they are.";

const UNDO_HELP: &str = "\
Y - Bring these scopes back to what they were before the run.
A - Bring these scopes back, and those of all further relationships.
N - Leave these scopes as they are and go on with the next relationship.
L - Leave these scopes and those of all further relationships as they are.";

impl Ask for AtTerminal {
    fn ask(&mut self, question: &Question, console: &mut Console) -> io::Result<Answer> {
        self.answer(&question.text, CHOICES, question.help, Answer::NoToAll, meaning, console)
    }

    fn wants_name(&self, deletions: usize) -> bool {
        deletions > self.type_name_above
    }

    fn is_named(&mut self, name: &str, deletions: usize, console: &mut Console) -> io::Result<bool> {
        let text = format!("{}: type the name, {name}. An empty line leaves.", plural(deletions, "deletion"));
        let named = |line: &str| match line.trim() {
            "" => Some(false),
            typed => (typed == name).then_some(true),
        };
        let help = "That is not the name: nothing is confirmed.";
        self.answer(&text, "name: ", help, false, named, console)
    }

    fn choose(&mut self, run: &str, console: &mut Console) -> io::Result<Option<Way>> {
        let text = format!("What shall be done about run {run}?");
        self.answer(&text, WAYS, WAYS_HELP, None, way, console)
    }
}

impl AtTerminal {
    /// The next line of the operator; empty at the end of the input.
    ///
    /// # Errors
    /// It cannot be read; [`io::ErrorKind::Interrupted`] after a signal that asks for an end.
    pub(in crate::cli) fn line(&mut self) -> io::Result<String> {
        self.lines.next(Signals::listen())
    }

    /// Asks until the line has a meaning; at the end of the input the answer is `at_end`.
    fn answer<T>(
        &mut self,
        text: &str,
        choices: &str,
        help: &str,
        at_end: T,
        meaning: impl Fn(&str) -> Option<T>,
        console: &mut Console,
    ) -> io::Result<T> {
        console.aside(&Line::of(0, Role::Title, text));
        loop {
            // What was typed before the question could be read is no answer to it.
            self.lines.forget();
            // A signal may come as soon as the question is seen.
            let signals = Signals::listen();
            console.prompt(choices);
            let line = match self.lines.next(signals) {
                Ok(line) => line,
                Err(error) => {
                    console.aside(&Line::new(0));
                    return Err(error);
                }
            };
            if line.is_empty() {
                console.aside(&Line::new(0));
                return Ok(at_end);
            }
            match meaning(&line) {
                Some(answer) => return Ok(answer),
                None => help.lines().for_each(|line| console.aside(&Line::of(0, Role::Plain, line))),
            }
        }
    }
}

const WAYS: &str = "[F] Finish  [U] Undo  [L] Leave as it is  [N] Nothing  [?] Help (default is \"N\"): ";

const WAYS_HELP: &str = "\
F - Write what is not done, from the same source; it is shown and asked about first.
U - Take back what was written; it is shown and asked about first.
L - Leave everything as it is, and be told of this run no more.
N - Do nothing now; the run waits.";

/// The answer that a line means; `None` for a call for help and for anything else.
fn meaning(line: &str) -> Option<Answer> {
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(Answer::Yes),
        "a" | "yes to all" => Some(Answer::YesToAll),
        "" | "n" | "no" => Some(Answer::No),
        "l" | "no to all" => Some(Answer::NoToAll),
        _ => None,
    }
}

/// What is to be done by a line, in the same manner.
fn way(line: &str) -> Option<Option<Way>> {
    match line.trim().to_ascii_lowercase().as_str() {
        "f" | "finish" => Some(Some(Way::Finish)),
        "u" | "undo" => Some(Some(Way::Undo)),
        "l" | "leave" => Some(Some(Way::Leave)),
        "" | "n" | "nothing" => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        for (line, answer) in [
            ("y\n", Some(Answer::Yes)),
            ("Yes\r\n", Some(Answer::Yes)),
            (" A \n", Some(Answer::YesToAll)),
            ("\n", Some(Answer::No)),
            ("n\n", Some(Answer::No)),
            ("L\n", Some(Answer::NoToAll)),
            ("?\n", None),
            ("yy\n", None),
            ("\u{1b}[Ay\n", None),
        ] {
            assert_eq!(meaning(line), answer, "{line:?}");
        }
    }
}
