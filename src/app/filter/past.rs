//! What a filter can ask of past runs and of their scopes.

use jiff::tz::TimeZone;

use super::fleet::SECTIONS;
use super::{Filter, Key, Parts, Question, Test, is_in_prefix_length};
use crate::app::history::{Fate, PastRun, PastScope};
use crate::model::{ChangeKind, Section};

/// The words of `state:` for runs: how a run stands, then outcomes that scopes of it have.
const RUN: [&str; 12] = [
    "under-way",
    "interrupted",
    "settled",
    "ended",
    "undone",
    "replicated",
    "unchanged",
    "partial",
    "rejected",
    "unknown",
    "skipped",
    "cancelled",
];

/// The words of `state:` for a scope of a run: those of outcomes alone.
const OUTCOMES: &[&str] = RUN.split_at(5).1;

/// The words of `drift:` for a scope of a run: what it did there.
pub(super) const DONE: [&str; 3] = ["create", "update", "delete"];

/// What can be asked of runs.
pub(super) fn of_runs() -> Vec<Question> {
    let state = Question { key: Key::State, words: &RUN, parts: Parts::None };
    vec![state, part_of(Key::Server), part_of(Key::Name)]
}

/// What can be asked of a run's scopes.
pub(super) fn of_scopes() -> Vec<Question> {
    let of = |key, words| Question { key, words, parts: Parts::None };
    let words = [of(Key::State, OUTCOMES), of(Key::Drift, &DONE), of(Key::Section, &SECTIONS)];
    words.into_iter().chain([Key::Server, Key::Relationship, Key::Name].map(part_of)).collect()
}

pub(super) fn part_of(key: Key) -> Question {
    Question { key, words: &[], parts: Parts::Any }
}

impl Filter {
    /// Understands a filter of runs.
    pub fn past_runs(text: &str) -> Self {
        Filter::read(text, &of_runs())
    }

    /// Understands a filter of a run's scopes.
    pub fn past_scopes(text: &str) -> Self {
        Filter::read(text, &of_scopes())
    }

    /// Whether it leaves a run.
    pub fn past_run(&self, run: &PastRun, zone: &TimeZone) -> bool {
        self.fits(|test| match test {
            Test::Text(text) => run.words(zone).to_lowercase().contains(text),
            Test::Words(Key::State, bits) => has_word(&RUN, *bits, |word| match word {
                "under-way" => run.fate == Fate::UnderWay,
                "interrupted" => run.fate == Fate::Interrupted,
                "settled" => run.fate == Fate::Settled,
                "ended" => run.fate == Fate::Ended,
                "undone" => run.undone_by.is_some(),
                outcome => run.counts.iter().any(|(known, _)| known == outcome),
            }),
            Test::Part(Key::Server, text) => run.sources.iter().chain(&run.targets).any(|name| is_part(text, name)),
            Test::Part(Key::Name, text) => is_part(text, &run.id),
            Test::Words(..) | Test::Part(..) | Test::Used(..) => false,
        })
    }

    /// Whether it leaves a scope of a run.
    pub fn past_scope(&self, scope: &PastScope) -> bool {
        let changes = || scope.kept.iter().flat_map(|kept| &kept.changes);
        self.fits(|test| match test {
            Test::Text(text) => is_part_of_scope(text, &scope.words()),
            Test::Words(Key::State, bits) => has_word(OUTCOMES, *bits, |word| scope.outcome.as_deref() == Some(word)),
            Test::Words(Key::Drift, bits) => changes().any(|change| is_done(*bits, change.change)),
            Test::Words(Key::Section, bits) => Section::ALL
                .iter()
                .any(|section| bits & 1 << *section as u32 != 0 && changes().any(|c| c.section == *section)),
            Test::Part(Key::Server, text) => is_part(text, scope.target.as_str()),
            Test::Part(Key::Relationship, text) => is_part(text, &scope.relationship.to_string()),
            Test::Part(Key::Name, text) => is_part(text, &scope.name),
            Test::Words(..) | Test::Part(..) | Test::Used(..) => false,
        })
    }
}

/// Whether what was done to an item is among these words of `drift:`.
pub(super) fn is_done(bits: u32, change: ChangeKind) -> bool {
    has_word(&DONE, bits, |word| word == change.word())
}

pub(super) fn has_word(words: &[&str], bits: u32, has: impl Fn(&str) -> bool) -> bool {
    (0u32..).zip(words).any(|(at, word)| bits & 1 << at != 0 && has(word))
}

/// Whether a text in small letters is a part of a name.
pub(super) fn is_part(text: &str, name: &str) -> bool {
    name.to_lowercase().contains(text)
}

/// The same of a line that begins with the id of a scope, of which the prefix length is seldom shown.
pub(super) fn is_part_of_scope(text: &str, line: &str) -> bool {
    let line = line.to_lowercase();
    line.match_indices(text).any(|(at, _)| !is_in_prefix_length(&line[..at]))
}
