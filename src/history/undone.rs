//! How much of a run another one took back.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::outcome::counts_in_words;
use crate::model::Foreign;

/// How far an undo came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Taken {
    /// All that the run had written is as it was before.
    All,
    /// A part of it, or of its scopes.
    Part,
    /// Nothing of it.
    Nothing,
    /// It has not ended, or not told how.
    Open,
}

/// The run that took another one back, or tried to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoneBy {
    /// Its name.
    pub run: String,
    /// How far it came.
    pub taken: Taken,
    /// Its scopes by outcome, but for those that it had nothing to do with.
    outcomes: String,
}

impl UndoneBy {
    /// From the summaries of an undo and of the run that it undid.
    pub fn new(run: String, undo: &BTreeMap<String, u64>, undone: &BTreeMap<String, u64>) -> Self {
        let count = |summary: &BTreeMap<String, u64>, words: &[&str]| -> u64 {
            words.iter().filter_map(|word| summary.get(*word)).sum()
        };
        let written = ["replicated", "partial", "unknown"];
        let failed = count(undo, &["partial", "unknown", "rejected", "skipped", "cancelled"]);
        let taken = match count(undo, &written) {
            _ if undo.is_empty() => Taken::Open,
            0 if failed > 0 => Taken::Nothing,
            _ if failed > 0 || count(undo, &["replicated", "unchanged"]) < count(undone, &written) => Taken::Part,
            _ => Taken::All,
        };
        let outcomes = undo.iter().filter(|(word, _)| !matches!(word.as_str(), "scopes" | "unchanged"));
        let outcomes = counts_in_words(outcomes.map(|(word, count)| (word.as_str(), *count)));
        UndoneBy { run, taken, outcomes: outcomes.join(", ") }
    }

    /// `undone by run …`, `undo tried by run …: 2 rejected`.
    pub fn words(&self) -> String {
        let run = Foreign::cleaned(&self.run);
        match self.taken {
            Taken::All => format!("undone by run {run}"),
            Taken::Part => format!("partly undone by run {run}: {}", self.outcomes),
            Taken::Nothing => format!("undo tried by run {run}: {}", self.outcomes),
            Taken::Open => format!("undo begun by run {run}"),
        }
    }

    /// The same in a word or two.
    pub fn mark(&self) -> &'static str {
        match self.taken {
            Taken::All => "undone",
            Taken::Part => "partly undone",
            Taken::Nothing => "undo tried",
            Taken::Open => "undo begun",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undo_is_told_by_what_it_wrote() {
        let summary =
            |counts: &[(&str, u64)]| counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect();
        let run = summary(&[("scopes", 3), ("replicated", 2), ("rejected", 1)]);
        for (undo, words) in [
            (summary(&[("scopes", 2), ("replicated", 2)]), "undone by run u"),
            (summary(&[("replicated", 1), ("unchanged", 1)]), "undone by run u"),
            (summary(&[("replicated", 1)]), "partly undone by run u: 1 replicated"),
            (summary(&[("replicated", 2), ("partial", 1)]), "partly undone by run u: 1 partial, 2 replicated"),
            (summary(&[("rejected", 2), ("replicated", 0)]), "undo tried by run u: 2 rejected"),
            (summary(&[]), "undo begun by run u"),
        ] {
            assert_eq!(UndoneBy::new("u".into(), &undo, &run).words(), words);
        }
    }
}
