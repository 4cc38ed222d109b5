//! What became of a run: per scope one outcome, whether it is saved, and whether it was verified.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::port::Saved;
use super::report::ChangeReport;
use super::reset::StillTerminated;
use crate::model::{Change, Foreign, ScopeId};

/// The schema of a run's JSON.
pub const SCHEMA: &str = "scopesync.run/1";

/// What became of one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything planned was written.
    Replicated,
    /// There was nothing to write.
    Unchanged,
    /// Some changes were written, some were not.
    Partial,
    /// Nothing was written.
    Rejected,
    /// What was written could not be read back.
    Unknown,
    /// Not part of the run: declined, refused, or only on the target.
    Skipped,
    /// The operator cancelled before its turn.
    Cancelled,
}

impl Outcome {
    /// The word for screens.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Replicated => "replicated",
            Outcome::Unchanged => "unchanged",
            Outcome::Partial => "partial",
            Outcome::Rejected => "rejected",
            Outcome::Unknown => "unknown",
            Outcome::Skipped => "skipped",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// Whether another try is of use for a scope that came to this: not all that was planned is there, or nobody knows.
    pub fn is_to_retry(self, verified: Option<bool>, uncarried: bool) -> bool {
        self.is_failure() || self == Outcome::Cancelled || verified == Some(false) && !uncarried
    }

    /// Whether it alone says that something failed.
    pub fn is_failure(self) -> bool {
        matches!(self, Outcome::Partial | Outcome::Rejected | Outcome::Unknown)
    }
}

/// How often each outcome came, in words, the worst first: a narrow window shows only the beginning.
pub fn counts_in_words<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>) -> Vec<String> {
    let mut counts: Vec<(&str, u64)> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    // words of other families, such as those of a reset, stand between what failed and what went well
    counts.sort_by_key(|(word, _)| match *word {
        "unknown" => 0,
        "partial" => 1,
        "rejected" => 2,
        "cancelled" => 3,
        "replicated" | "in service" => 5,
        "skipped" => 6,
        "unchanged" => 7,
        _ => 4,
    });
    counts.into_iter().map(|(word, count)| format!("{count} {}", Foreign::from(word))).collect()
}

/// Whether what was applied will outlive a restart of the target, and whether it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SavedState {
    /// Nothing was written.
    NotApplicable,
    /// In the server's file.
    Saved,
    /// Running but not saved.
    NotSaved,
    /// Running, and the server's file is incomplete.
    Broken,
    /// Running; the configuration says never to save.
    Never,
    /// Saved, and not running until the server reloads.
    NeedsReload,
}

impl SavedState {
    /// Whether a restart of the server loses what runs: another run saves it.
    pub fn is_to_retry(self) -> bool {
        matches!(self, SavedState::NotSaved | SavedState::Broken)
    }

    /// The words for screens.
    pub fn words(self) -> &'static str {
        match self {
            SavedState::NotApplicable => "",
            SavedState::Saved => "saved",
            SavedState::NotSaved => "running, not saved",
            SavedState::Broken => "running, and the server's FILE IS BROKEN",
            SavedState::Never => "running, not saved (save = \"never\")",
            SavedState::NeedsReload => "saved, not running until reload",
        }
    }
}

impl SavedState {
    /// The words for a scope of which perhaps nobody knows what became: what is not known to run is not said
    /// to, nor what is not known to be there to be saved.
    pub fn words_of(self, is_known: bool) -> &'static str {
        match (is_known, self) {
            (false, SavedState::NotSaved) => "not saved",
            (false, SavedState::Saved) => "",
            (_, saved) => saved.words(),
        }
    }
}

impl From<&Saved> for SavedState {
    fn from(saved: &Saved) -> Self {
        match saved {
            Saved::Saved => SavedState::Saved,
            Saved::NotSaved(_) => SavedState::NotSaved,
            Saved::Broken(_) => SavedState::Broken,
            Saved::Never => SavedState::Never,
            Saved::NeedsReload => SavedState::NeedsReload,
        }
    }
}

/// One scope of a run.
#[derive(Clone, Debug)]
pub struct ScopeRun {
    /// Which scope.
    pub id: ScopeId,
    /// What became of it.
    pub outcome: Outcome,
    /// Planned changes that the target has now.
    pub changes_done: usize,
    /// Planned changes that it does not have.
    pub changes_left: usize,
    /// Whether it will outlive a restart.
    pub saved: SavedState,
    /// Whether reading back showed what was planned; `None` when it was not read back.
    pub verified: Option<bool>,
    /// Why it is as it is, and what to do; safe to show.
    pub message: Option<String>,
    /// What still differs from the plan after reading back.
    pub residual: Vec<Change>,
    /// All that still differs is what the writer was not known to carry.
    pub uncarried: bool,
    /// What the operator left out: it differs as before, and that is no failure.
    pub left_out: Vec<Change>,
    /// Whether it counts toward the exit status; scopes that only the target has do not.
    pub counts: bool,
    /// A request that changes something was sent and its answer was lost.
    pub in_doubt: bool,
    /// The target had the scope before and lacks it now.
    pub gone: bool,
}

impl ScopeRun {
    /// A scope that nothing was written for.
    pub fn untouched(id: ScopeId, outcome: Outcome, changes_left: usize, message: Option<String>) -> Self {
        ScopeRun {
            id,
            outcome,
            changes_done: 0,
            changes_left,
            saved: SavedState::NotApplicable,
            verified: None,
            message,
            residual: Vec::new(),
            uncarried: false,
            left_out: Vec::new(),
            counts: true,
            in_doubt: false,
            gone: false,
        }
    }

    /// Whether it is saved, in words for screens.
    pub fn saved_words(&self) -> &'static str {
        self.saved.words_of(self.outcome != Outcome::Unknown)
    }

    /// Why nothing was written.
    pub fn refusal(&self) -> Option<&str> {
        self.message.as_deref().filter(|_| self.outcome == Outcome::Rejected)
    }

    /// Whether another try is of use: not all that was planned is there, or nobody knows, or it is not saved.
    pub fn is_to_retry(&self) -> bool {
        self.outcome.is_to_retry(self.verified, self.uncarried) || self.saved.is_to_retry()
    }

    /// Whether it failed in any way; what was skipped or cancelled has not.
    pub fn has_failed(&self) -> bool {
        !self.is_good() && !matches!(self.outcome, Outcome::Skipped | Outcome::Cancelled)
    }

    /// Whether nothing is left to do or to worry about.
    pub fn is_good(&self) -> bool {
        match self.outcome {
            Outcome::Replicated => {
                self.verified == Some(true) && !matches!(self.saved, SavedState::NotSaved | SavedState::Broken)
            }
            Outcome::Unchanged => true,
            _ => !self.counts,
        }
    }
}

/// One relationship of a run.
#[derive(Clone, Debug)]
pub struct RelationshipRun {
    /// Its name.
    pub name: Foreign,
    /// The server that was copied from.
    pub source: String,
    /// The server that was written.
    pub target: String,
    /// What made the way to its servers unsafe.
    pub caveats: Vec<String>,
    /// The scopes, in plan order.
    pub scopes: Vec<ScopeRun>,
    /// What else the operator should know, such as how to mend saving.
    pub remarks: Vec<String>,
    /// What this run or an earlier one changed on the target is running but not saved.
    pub unsaved: bool,
    /// The relationship was terminated before and still is: what ends it.
    pub still_terminated: Option<StillTerminated>,
}

impl RelationshipRun {
    /// Why nothing was written, where several scopes were rejected for one and the same reason, and
    /// how many: a scope that has changed since the plan was made refuses all of it.
    pub fn shared(&self) -> BTreeMap<&str, usize> {
        let mut shared = BTreeMap::new();
        for message in self.scopes.iter().filter_map(ScopeRun::refusal) {
            *shared.entry(message).or_default() += 1;
        }
        shared.retain(|_, count| *count > 1);
        shared
    }
}

/// What became of a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The run's name in the journal.
    pub run: String,
    /// The history knows it by that name: it came to its first write. Of any other only the audit tells.
    pub begun: bool,
    /// The relationships, in plan order.
    pub relationships: Vec<RelationshipRun>,
    /// When it began.
    pub started: jiff::Timestamp,
    /// When it ended.
    pub ended: jiff::Timestamp,
}

impl RunReport {
    /// All scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &ScopeRun> {
        self.relationships.iter().flat_map(|relationship| &relationship.scopes)
    }

    /// How many scopes had which outcome.
    pub fn counts(&self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        for scope in self.scopes() {
            *counts.entry(scope.outcome).or_default() += 1;
        }
        counts
    }

    /// The same in words, the worst first.
    pub fn counts_in_words(&self) -> Vec<String> {
        counts_in_words(self.counts().iter().map(|(outcome, count)| (outcome.word(), *count as u64)))
    }

    /// Whether anything was written to a server.
    pub fn wrote(&self) -> bool {
        let written = |s: &ScopeRun| matches!(s.outcome, Outcome::Replicated | Outcome::Partial | Outcome::Unknown);
        self.scopes().any(|scope| written(scope) || scope.in_doubt)
    }

    /// Whether all that was begun went well, and stays: what was declined is as the operator wanted it.
    pub fn ended_well(&self) -> bool {
        let is_well = |scope: &ScopeRun| scope.is_good() || scope.outcome == Outcome::Skipped;
        self.scopes().all(is_well) && !self.relationships.iter().any(|relationship| relationship.unsaved)
    }

    /// The exit status of `replicate`: 0 good, 1 failed before any write, 3 otherwise.
    pub fn exit_status(&self) -> u8 {
        if self.relationships.iter().any(|relationship| relationship.unsaved) {
            return 3;
        }
        if self.scopes().all(ScopeRun::is_good) {
            return 0;
        }
        let declined = self.scopes().any(|scope| scope.outcome == Outcome::Skipped && scope.counts);
        if self.wrote() || declined { 3 } else { 1 }
    }

    /// The run as JSON, schema `scopesync.run/1`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(Document::new(self)).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    run: &'a str,
    started: String,
    ended: String,
    relationships: Vec<RelationshipLine<'a>>,
    summary: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct RelationshipLine<'a> {
    name: &'a Foreign,
    source: &'a str,
    target: &'a str,
    caveats: &'a [String],
    scopes: Vec<ScopeLine<'a>>,
    remarks: &'a [String],
    still_terminated: Option<&'a StillTerminated>,
}

#[derive(Serialize)]
struct ScopeLine<'a> {
    scope_id: String,
    prefix_length: u8,
    outcome: Outcome,
    changes_done: usize,
    changes_left: usize,
    saved: SavedState,
    verified: Option<bool>,
    message: Option<&'a str>,
    residual: Vec<ChangeReport<'a>>,
    /// All of that the writer was not known to carry.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    uncarried: bool,
    /// What differs as before because the operator left it out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<ChangeReport<'a>>,
}

impl<'a> Document<'a> {
    fn new(report: &'a RunReport) -> Self {
        let mut summary = BTreeMap::from([("scopes", report.scopes().count())]);
        for outcome in [
            Outcome::Replicated,
            Outcome::Unchanged,
            Outcome::Partial,
            Outcome::Rejected,
            Outcome::Unknown,
            Outcome::Skipped,
            Outcome::Cancelled,
        ] {
            summary.insert(outcome.word(), report.counts().get(&outcome).copied().unwrap_or(0));
        }
        Document {
            schema: SCHEMA,
            run: &report.run,
            started: report.started.to_string(),
            ended: report.ended.to_string(),
            relationships: report
                .relationships
                .iter()
                .map(|relationship| RelationshipLine {
                    name: &relationship.name,
                    source: &relationship.source,
                    target: &relationship.target,
                    caveats: &relationship.caveats,
                    scopes: relationship.scopes.iter().map(ScopeLine::new).collect(),
                    remarks: &relationship.remarks,
                    still_terminated: relationship.still_terminated.as_ref(),
                })
                .collect(),
            summary,
        }
    }
}

impl<'a> ScopeLine<'a> {
    fn new(scope: &'a ScopeRun) -> Self {
        ScopeLine {
            scope_id: scope.id.short(),
            prefix_length: scope.id.prefix_length,
            outcome: scope.outcome,
            changes_done: scope.changes_done,
            changes_left: scope.changes_left,
            saved: scope.saved,
            verified: scope.verified,
            message: scope.message.as_deref(),
            residual: scope.residual.iter().map(ChangeReport::new).collect(),
            uncarried: scope.uncarried,
            left_out: scope.left_out.iter().map(ChangeReport::new).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_outcome_is_told_first() {
        let words = ["partial", "rejected", "replicated", "scattered", "unchanged", "unknown"];
        let told = counts_in_words(words.into_iter().map(|word| (word, 1)).chain([("skipped", 0)]));
        assert_eq!(told.join(", "), "1 unknown, 1 partial, 1 rejected, 1 scattered, 1 replicated, 1 unchanged");
    }

    #[test]
    fn of_what_nobody_knows_nothing_is_said_to_be_saved() {
        let words = [SavedState::Saved, SavedState::NotSaved, SavedState::Broken].map(|saved| saved.words_of(false));
        assert_eq!(words, ["", "not saved", SavedState::Broken.words()]);
        assert_eq!(SavedState::Saved.words_of(true), "saved");
    }
}
