//! The lines of a run's list: stages while it goes on, then outcomes with their reasons.

use super::{Ended, Kind, Run, outcome_words};
use crate::app::filter::Filter;
use crate::engine::outcome::{Outcome, RelationshipRun, ScopeRun};

/// A line of a run's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunRow {
    /// A relationship of the report.
    Relationship(usize),
    /// A remark on a relationship.
    Remark(usize, usize),
    /// That a relationship still is terminated, and what ends that: a line of it.
    StillTerminated(usize, usize),
    /// A server that was reset.
    Server(usize),
    /// A remark on a reset.
    ResetRemark(usize),
    /// What a reset under way is waiting for.
    Waiting,
    /// Why nothing was written for several scopes.
    Shared(usize, usize),
    /// A scope of the report.
    Scope(usize, usize),
    /// Why a scope is as it is.
    Message(usize, usize),
    /// What still differs after reading back.
    Residual(usize, usize, usize),
    /// A scope of a run under way.
    Stage(usize),
    /// Why that one has failed.
    Reason(usize),
    /// Nothing has failed or was cancelled, where only that is listed.
    NothingFailed,
    /// The run itself failed.
    Failed,
}

/// What of a run is listed.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Only what failed or was cancelled, which another try would do.
    pub only_failed: bool,
    /// Only what the filter of the jobs leaves.
    pub filter: Filter,
}

impl Run {
    /// Lists it anew.
    pub fn lay(&mut self, listed: &Listed) {
        let words = self.words();
        let fits = |scope: &str| listed.filter.terms.is_empty() || listed.filter.run(self, &words, scope);
        let mut fitting = fits("");
        let mut fits = |scope: &dyn Fn() -> String, is_undone: bool| {
            let is_left = listed.filter.terms.is_empty() || fits(&scope());
            fitting |= is_left;
            is_left && (!listed.only_failed || is_undone)
        };
        let rows = match &self.result {
            Some(Ok(Ended::Reset(report))) => {
                let servers = (0..report.sides.len()).map(RunRow::Server);
                servers.chain((0..report.remarks.len()).map(RunRow::ResetRemark)).collect()
            }
            Some(Ok(Ended::Replicated(report))) => {
                let all = report.relationships.iter().enumerate();
                let mut rows: Vec<RunRow> = all.flat_map(|(at, told)| relationship(at, told, &mut fits)).collect();
                if listed.only_failed && !report.scopes().any(is_undone) {
                    rows.push(RunRow::NothingFailed);
                }
                rows
            }
            Some(Err(_)) => vec![RunRow::Failed],
            None if self.kind == Kind::Reset => vec![RunRow::Waiting],
            None => self.under_way(listed.only_failed, &mut fits),
        };
        (self.rows, self.is_left) = (rows, fitting);
    }

    /// What its line of the list says, for the filter.
    fn words(&self) -> String {
        let result = match &self.result {
            Some(Ok(ended)) => ended.summary("").1,
            Some(Err(reason)) => reason.clone(),
            None => String::new(),
        };
        format!("{} {} {result}", self.head("→"), self.standing().word())
    }

    fn under_way(&self, only_failed: bool, fits: Fits<'_>) -> Vec<RunRow> {
        let mut rows = Vec::new();
        for (at, (relationship, id, _)) in self.status.stages.iter().enumerate() {
            let outcome = self.status.outcomes.get(&(*relationship, *id));
            let is_undone = outcome.is_some_and(|(one, _)| one.is_failure() || *one == Outcome::Cancelled);
            let words = || match outcome {
                Some((outcome, reason)) => format!("{id} {} {}", outcome.word(), reason.as_deref().unwrap_or_default()),
                None => id.to_string(),
            };
            if fits(&words, is_undone) {
                rows.push(RunRow::Stage(at));
                rows.extend(outcome.filter(|(_, reason)| reason.is_some()).map(|_| RunRow::Reason(at)));
            }
        }
        if only_failed && rows.is_empty() {
            rows.push(RunRow::NothingFailed);
        }
        rows
    }
}

fn is_undone(scope: &ScopeRun) -> bool {
    scope.has_failed() || scope.outcome == Outcome::Cancelled
}

/// Whether a scope is listed of which these are the words, and whether it is undone.
type Fits<'a> = &'a mut dyn FnMut(&dyn Fn() -> String, bool) -> bool;

fn relationship(at: usize, told: &RelationshipRun, fits: Fits<'_>) -> Vec<RunRow> {
    let mut rows = vec![RunRow::Relationship(at)];
    rows.extend((0..told.remarks.len()).map(|remark| RunRow::Remark(at, remark)));
    let left = told.still_terminated.iter().map(|left| left.reset.steps.len() + 2);
    rows.extend(left.flat_map(|lines| (0..lines).map(|line| RunRow::StillTerminated(at, line))));
    let shared = told.shared();
    rows.extend((0..shared.len()).map(|reason| RunRow::Shared(at, reason)));
    for (scope, run) in told.scopes.iter().enumerate() {
        let words = || format!("{} {} {}", run.id, outcome_words(run), run.message.as_deref().unwrap_or_default());
        if !fits(&words, is_undone(run)) {
            continue;
        }
        rows.push(RunRow::Scope(at, scope));
        let is_told = run.refusal().is_some_and(|message| shared.contains_key(message));
        rows.extend(run.message.iter().filter(|_| !is_told).map(|_| RunRow::Message(at, scope)));
        rows.extend((0..run.residual.len()).map(|change| RunRow::Residual(at, scope, change)));
    }
    rows
}
