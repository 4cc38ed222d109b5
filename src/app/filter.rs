//! The one filter language of all lists, and of what is searched for in texts.
//!
//! ```text
//! office -drift:in-sync server:berlin name:"floor 3"
//! ```
//!
//! Words are looked for in all columns; `key:value` asks one thing; `-` or `!` before either
//! wants those of which it does not hold. Quotes keep blanks, colons and signs together. A line
//! is left where all of it holds. What is not understood filters nothing away, and is told.

pub mod fleet;
mod listed;
pub mod past;

pub use listed::Searched;

use std::fmt;

use super::action::Place;
use super::state::{AppState, View};
use crate::config::nearest;

/// What can be asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// How a scope stands.
    Drift,
    /// How a relationship's servers, or a run, stand.
    State,
    /// A part of a server's name.
    Server,
    /// A part of a relationship's name.
    Relationship,
    /// A section in which something differs.
    Section,
    /// A part of the name.
    Name,
    /// How many of a scope's addresses are in use, in percent.
    Used,
    /// How much a message matters.
    Level,
}

impl Key {
    /// How it is written, without its colon.
    pub fn word(self) -> &'static str {
        match self {
            Key::Drift => "drift",
            Key::State => "state",
            Key::Server => "server",
            Key::Relationship => "relationship",
            Key::Section => "section",
            Key::Name => "name",
            Key::Used => "used",
            Key::Level => "level",
        }
    }
}

/// A key that a list knows, and what can be asked for by it.
#[derive(Clone, Debug)]
pub struct Question {
    /// The key.
    pub key: Key,
    /// The words that it takes; a beginning of one stands for all that begin so.
    pub words: &'static [&'static str],
    /// What else it takes.
    pub parts: Parts,
}

/// What a key takes besides its words.
#[derive(Clone, Debug)]
pub enum Parts {
    /// Nothing.
    None,
    /// Any text.
    Any,
    /// A part of one of these.
    Of(Vec<String>),
    /// A number of percent, or what is above or below one.
    Percent,
}

/// What is asked of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Whether any column has this text, in small letters.
    Text(String),
    /// Whether one of these words of the key holds: a bit for each, the first the lowest.
    Words(Key, u32),
    /// Whether what the key names has this text, in small letters.
    Part(Key, String),
    /// Whether at least and at most so many percent of the addresses are in use.
    Used(u8, u8),
}

/// One test, and whether it has to hold or not to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// It must not hold.
    pub negated: bool,
    /// What is asked.
    pub test: Test,
}

impl Term {
    /// Whether it asks how many addresses are in use.
    fn is_of_use(&self) -> bool {
        matches!(self.test, Test::Used(..))
    }
}

/// Whether what follows this, the beginning of a line of a scope, belongs to the prefix length of its id: the lists
/// seldom show that, so it is found by its stroke alone.
pub fn is_in_prefix_length(before: &str) -> bool {
    before.contains('/') && !before.contains(' ')
}

/// A part of a filter that is not understood, and so filters nothing away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// As it was written.
    pub written: String,
    /// What to write instead.
    pub hint: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} filters nothing: {}", self.written, self.hint)
    }
}

/// A filter as it was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// All of these hold for what it leaves.
    pub terms: Vec<Term>,
    /// What was not understood.
    pub faults: Vec<Fault>,
}

impl Filter {
    /// Understands what was typed, for a list that knows these keys.
    pub fn read(text: &str, questions: &[Question]) -> Self {
        let mut filter = Filter::default();
        for Written { negated, key, value, whole } in split(text) {
            let test = match key {
                _ if value.is_empty() && key.is_none() => continue,
                None => Ok(Test::Text(value.to_lowercase())),
                // where nothing is asked by a key, a colon is one
                Some(key) if questions.is_empty() => Ok(Test::Text(format!("{key}:{value}").to_lowercase())),
                Some(key) => understand(&key, &value, questions),
            };
            match test {
                Ok(test) => filter.terms.push(Term { negated, test }),
                Err(hint) => filter.faults.push(Fault { written: whole, hint }),
            }
        }
        filter
    }

    /// How a list's title tells of it, by what was typed.
    pub fn title(&self, text: &str) -> String {
        let wrong: Vec<&str> = self.faults.iter().map(|fault| fault.written.as_str()).collect();
        match wrong.is_empty() {
            true => format!("/{text}"),
            // what must not be cut off first; what is wrong with all of it needs no second naming
            false if self.terms.is_empty() => format!("NOT FILTERED by /{text}"),
            false => format!("NOT FILTERED by {}, /{text}", wrong.join(" ")),
        }
    }

    /// Whether it leaves a line of which `has` tells what holds.
    pub fn fits(&self, has: impl Fn(&Test) -> bool) -> bool {
        self.terms.iter().all(|term| has(&term.test) != term.negated)
    }
}

/// What is typed into: the filter of a list, or what is searched for in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The filter of the fleet.
    Fleet,
    /// That of the help.
    Help,
    /// That of the past runs.
    PastRuns,
    /// That of the scopes of one of them.
    PastScopes,
    /// That of the runs and jobs.
    Jobs,
    /// That of the log.
    Log,
    /// What is searched for in the drift.
    Drift,
    /// What is searched for in the preview.
    Preview,
}

impl Typed {
    /// What is typed into where the keys go to.
    pub fn at(state: &AppState) -> Self {
        if state.help.is_some() {
            return Typed::Help;
        }
        match state.beneath() {
            Place::History => Typed::PastRuns,
            Place::PastRun => Typed::PastScopes,
            Place::Jobs => Typed::Jobs,
            Place::Log => Typed::Log,
            Place::Drift => Typed::Drift,
            Place::Preview => Typed::Preview,
            _ => Typed::Fleet,
        }
    }

    /// Whether nothing is filtered away by it.
    pub fn is_search(self) -> bool {
        matches!(self, Typed::Drift | Typed::Preview)
    }

    /// Its word for the line that is typed.
    pub fn word(self) -> &'static str {
        if self.is_search() { "search" } else { "filter" }
    }

    fn questions(self, state: &AppState) -> Vec<Question> {
        match self {
            Typed::Fleet => fleet::questions(&state.survey),
            Typed::Help => Vec::new(),
            Typed::PastRuns => past::of_runs(),
            Typed::PastScopes => past::of_scopes(),
            Typed::Jobs => listed::of_jobs(),
            Typed::Log => listed::of_messages(),
            Typed::Drift | Typed::Preview => listed::of_lines(),
        }
    }

    fn text(self, state: &AppState) -> &str {
        match (self, &state.view) {
            (Typed::Fleet, _) => &state.tree.filter,
            (Typed::Help, _) => state.help.as_ref().map_or("", |help| &help.filter),
            (Typed::PastRuns | Typed::PastScopes, _) => state.history.filter(),
            (Typed::Jobs, _) => &state.runs.filter,
            (Typed::Log, _) => state.log.as_ref().map_or("", |log| &log.filter),
            (Typed::Drift, _) => &state.drift.search.text,
            (Typed::Preview, View::Preview(preview)) => &preview.search.text,
            (Typed::Preview, _) => "",
        }
    }
}

/// What keys are typed into: as it was typed, and as it was understood.
pub fn focused(state: &AppState) -> (&str, Filter) {
    let typed = Typed::at(state);
    (typed.text(state), Filter::read(typed.text(state), &typed.questions(state)))
}

/// What can be typed there: `words, or drift: state:; - before one: not`.
pub fn syntax(state: &AppState) -> String {
    let questions = Typed::at(state).questions(state);
    let keys: Vec<String> = questions.iter().map(|question| format!("{}:", question.key.word())).collect();
    let keys = if keys.is_empty() { String::new() } else { format!(", or {}", keys.join(" ")) };
    format!("words{keys}; - before one: not")
}

/// A part of a filter as it was written.
struct Written {
    negated: bool,
    key: Option<String>,
    value: String,
    whole: String,
}

/// Splits at blanks outside of quotes. A quote that is still open goes to the end.
fn split(text: &str) -> Vec<Written> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return found;
        }
        let sign = chars.next_if(|c| matches!(c, '-' | '!'));
        let (mut key, mut value, mut whole) = (None, String::new(), String::from_iter(sign));
        let (mut quoted, mut was_quoted) = (false, false);
        while let Some(c) = chars.next_if(|c| quoted || !c.is_whitespace()) {
            whole.push(c);
            match c {
                '"' => {
                    quoted = !quoted;
                    was_quoted = true;
                }
                '\\' if quoted => {
                    if let Some(c) = chars.next() {
                        whole.push(c);
                        value.push(c);
                    }
                }
                ':' if key.is_none() && !was_quoted && !value.is_empty() => key = Some(std::mem::take(&mut value)),
                c => value.push(c),
            }
        }
        found.push(Written { negated: sign.is_some(), key, value, whole });
    }
}

/// From how many percent to how many: `>80`, `>=80`, `<10`, `<=10`, `90`, each with or without its sign.
fn percent(text: &str) -> Option<(u8, u8)> {
    const MOST: u8 = 200;
    let number = |text: &str| text.trim().trim_end_matches('%').trim_end().parse::<u8>().ok().filter(|n| *n <= MOST);
    Some(match text {
        _ if text.starts_with(">=") => (number(&text[2..])?, MOST),
        _ if text.starts_with("<=") => (0, number(&text[2..])?),
        _ if text.starts_with('>') => (number(&text[1..])?.saturating_add(1), MOST),
        _ if text.starts_with('<') => (0, number(&text[1..])?.checked_sub(1)?),
        _ => (number(text)?, number(text)?),
    })
}

fn understand(key: &str, value: &str, questions: &[Question]) -> Result<Test, String> {
    let Some(question) = questions.iter().find(|question| question.key.word().eq_ignore_ascii_case(key)) else {
        let keys: Vec<String> = questions.iter().map(|question| format!("{}:", question.key.word())).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        return Err(format!("{} text with a colon goes in quotes", nearest(&format!("{key}:"), &keys, '"')));
    };
    let Question { key, words, parts } = question;
    let value = value.to_lowercase();
    let word = value.replace([' ', '_'], "-");
    let bits = |fits: &dyn Fn(&str) -> bool| {
        let places = (0u32..).zip(*words).filter(|(_, known)| fits(known));
        places.fold(0, |bits, (at, _)| bits | 1 << at)
    };
    let exact = bits(&|known| known == word);
    let wanted = if exact != 0 || word.is_empty() { exact } else { bits(&|known| known.starts_with(&word)) };
    if wanted != 0 {
        return Ok(Test::Words(*key, wanted));
    }
    let known: &[String] = match parts {
        Parts::Any if !value.is_empty() => return Ok(Test::Part(*key, value)),
        Parts::Of(names) if !value.is_empty() && names.iter().any(|name| name.to_lowercase().contains(&value)) => {
            return Ok(Test::Part(*key, value));
        }
        Parts::Percent => {
            let hint = "a number of percent is wanted, such as 90, >80, <=10";
            return percent(&value).map(|(least, most)| Test::Used(least, most)).ok_or_else(|| hint.to_owned());
        }
        Parts::Of(names) => names,
        Parts::Any | Parts::None => &[],
    };
    let valid: Vec<&str> = words.iter().copied().chain(known.iter().map(String::as_str)).collect();
    Err(match valid.as_slice() {
        [] if matches!(parts, Parts::Any) => format!("a part of the {} is wanted", key.word()),
        [] => format!("there is no {} yet", key.word()),
        valid => nearest(&value, valid, '"'),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn questions() -> Vec<Question> {
        let names = vec!["Berlin".to_owned(), "bonn 2".to_owned()];
        vec![
            Question { key: Key::Drift, words: &["in-sync", "drifted", "delete"], parts: Parts::None },
            Question { key: Key::Server, words: &[], parts: Parts::Of(names) },
            Question { key: Key::Name, words: &[], parts: Parts::Any },
        ]
    }

    fn read(text: &str) -> (Vec<(bool, Test)>, Vec<String>) {
        let Filter { terms, faults } = Filter::read(text, &questions());
        let terms = terms.into_iter().map(|term| (term.negated, term.test));
        (terms.collect(), faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn words_keys_signs_and_quotes() {
        let text = |text: &str| Test::Text(text.into());
        for (written, expected) in [
            ("", vec![]),
            ("  - ! \"\" ", vec![]),
            ("Office 3", vec![(false, text("office")), (false, text("3"))]),
            ("-office !lab", vec![(true, text("office")), (true, text("lab"))]),
            ("\"floor 3\" \"-3\" \"a:b\"", vec![(false, text("floor 3")), (false, text("-3")), (false, text("a:b"))]),
            ("drift:in-sync", vec![(false, Test::Words(Key::Drift, 1))]),
            ("DRIFT:\"In Sync\"", vec![(false, Test::Words(Key::Drift, 1))]),
            ("-drift:d", vec![(true, Test::Words(Key::Drift, 6))]),
            ("server:BON", vec![(false, Test::Part(Key::Server, "bon".into()))]),
            ("!server:\"bonn 2\"", vec![(true, Test::Part(Key::Server, "bonn 2".into()))]),
            ("name:\"say \\\"a:b\\\" \\\\", vec![(false, Test::Part(Key::Name, "say \"a:b\" \\".into()))]),
            (":x x-y", vec![(false, text(":x")), (false, text("x-y"))]),
        ] {
            assert_eq!(read(written), (expected, vec![]), "{written:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_and_filters_nothing_away() {
        for (written, told) in [
            (
                "drfit:in-sync",
                "drfit:in-sync filters nothing: did you mean \"drift:\"? text with a colon goes in quotes",
            ),
            ("-drift:dleete", "-drift:dleete filters nothing: did you mean \"delete\"?"),
            ("drift:", "drift: filters nothing: valid here: \"in-sync\", \"drifted\", \"delete\""),
            ("server:brelin", "server:brelin filters nothing: did you mean \"Berlin\"?"),
            ("name:", "name: filters nothing: a part of the name is wanted"),
        ] {
            assert_eq!(read(written), (vec![], vec![told.to_owned()]), "{written:?}");
            let (terms, _) = read(&format!("office {written}"));
            assert_eq!(terms, [(false, Test::Text("office".into()))], "the rest of it holds");
        }
        let (_, faults) = read("aa:bb");
        assert!(faults[0].contains("valid here: \"drift:\", \"server:\", \"name:\""), "{faults:?}");
    }

    proptest! {
        #[test]
        fn anything_can_be_typed_and_is_found_in_quotes(text in ".{0,40}", value in "[^\\s].{0,20}") {
            Filter::read(&text, &questions());
            let quoted = format!("name:\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(read(&quoted), (vec![(false, Test::Part(Key::Name, value.to_lowercase()))], vec![]));
        }

        #[test]
        fn a_term_and_its_opposite_share_the_lines(word in "[a-z]{1,3}", line in "[a-z ]{0,12}") {
            let fits = |text: &str| Filter::read(text, &[]).fits(|test| matches!(test, Test::Text(text) if line.contains(text)));
            prop_assert_ne!(fits(&word), fits(&format!("-{word}")));
            prop_assert_eq!(fits(&format!("{word} {word}")), fits(&word));
        }
    }
}
