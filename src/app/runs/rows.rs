//! The lines of a run's list: stages while it goes on, then outcomes with their reasons.

use super::{Ended, Kind, Run};
use crate::engine::outcome::{Outcome, RelationshipRun};

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
    /// Nothing has failed, where only that is listed.
    NothingFailed,
    /// The run itself failed.
    Failed,
}

impl Run {
    /// Lists it anew.
    pub fn lay(&mut self, only_failed: bool) {
        self.rows = match &self.result {
            Some(Ok(Ended::Reset(report))) => {
                let servers = (0..report.sides.len()).map(RunRow::Server);
                servers.chain((0..report.remarks.len()).map(RunRow::ResetRemark)).collect()
            }
            Some(Ok(Ended::Replicated(report))) => {
                let all = report.relationships.iter().enumerate();
                let mut rows: Vec<RunRow> = all.flat_map(|(at, told)| relationship(at, told, only_failed)).collect();
                if only_failed && !report.scopes().any(|scope| scope.has_failed()) {
                    rows.push(RunRow::NothingFailed);
                }
                rows
            }
            Some(Err(_)) => vec![RunRow::Failed],
            None if self.kind == Kind::Reset => vec![RunRow::Waiting],
            None => self.under_way(only_failed),
        };
    }

    fn under_way(&self, only_failed: bool) -> Vec<RunRow> {
        let mut rows = Vec::new();
        for (at, (relationship, id, _)) in self.status.stages.iter().enumerate() {
            let outcome = self.status.outcomes.get(&(*relationship, *id));
            let has_failed = outcome.is_some_and(|(outcome, _)| is_failure(*outcome));
            if !only_failed || has_failed {
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

/// Whether this outcome alone says that something failed.
fn is_failure(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Partial | Outcome::Rejected | Outcome::Unknown)
}

fn relationship(at: usize, told: &RelationshipRun, only_failed: bool) -> Vec<RunRow> {
    let mut rows = vec![RunRow::Relationship(at)];
    rows.extend((0..told.remarks.len()).map(|remark| RunRow::Remark(at, remark)));
    let left = told.still_terminated.iter().map(|left| left.reset.steps.len() + 2);
    rows.extend(left.flat_map(|lines| (0..lines).map(|line| RunRow::StillTerminated(at, line))));
    let shared = told.shared();
    rows.extend((0..shared.len()).map(|reason| RunRow::Shared(at, reason)));
    for (scope, run) in told.scopes.iter().enumerate().filter(|(_, run)| !only_failed || run.has_failed()) {
        rows.push(RunRow::Scope(at, scope));
        let is_told = run.refusal().is_some_and(|message| shared.contains_key(message));
        rows.extend(run.message.iter().filter(|_| !is_told).map(|_| RunRow::Message(at, scope)));
        rows.extend((0..run.residual.len()).map(|change| RunRow::Residual(at, scope, change)));
    }
    rows
}
