//! Whether later runs made good what an earlier one left.

use super::{Ended, Kind, Route, Run};
use crate::engine::outcome::{Outcome, RelationshipRun, ScopeRun};
use crate::model::{Foreign, ScopeId};

impl Run {
    /// Whether later runs did all that a replication left undone or in doubt.
    pub fn is_made_good(&self, later: &[Run]) -> bool {
        let is_done = |name: &Foreign, target: &str, id: ScopeId| later.iter().any(|run| run.did(name, target, id));
        // the last that had to do with it knows
        let is_saved = |target: &str| {
            let told = |run: &Run| {
                let mut of_it = run.replicated().filter(|told| told.target == target).peekable();
                of_it.peek().is_some().then(|| of_it.all(|told| !told.unsaved))
            };
            later.iter().rev().find_map(told) == Some(true)
        };
        let is_good_by_now = |told: &RelationshipRun| {
            let left: Vec<&ScopeRun> = told.scopes.iter().filter(|scope| !scope.is_good()).collect();
            let is_all_done = left.iter().all(|scope| is_done(&told.name, &told.target, scope.id));
            let is_kept = !told.unsaved && left.is_empty() || is_saved(&told.target);
            told.still_terminated.is_none() && is_all_done && is_kept
        };
        match &self.result {
            Some(Ok(ended)) if ended.is_good() => false,
            Some(Ok(Ended::Replicated(report))) if self.kind == Kind::Replication => {
                report.relationships.iter().all(is_good_by_now)
            }
            Some(Err(_)) if self.kind == Kind::Replication => {
                let is_done = |route: &Route| route.scopes.iter().all(|id| is_done(&route.name, &route.target, *id));
                self.routes.iter().all(|route| is_done(route) && is_saved(&route.target))
            }
            _ => false,
        }
    }

    /// Whether after it the target has all of a scope, saved or not.
    fn did(&self, name: &Foreign, target: &str, id: ScopeId) -> bool {
        let has_all = |scope: &ScopeRun| {
            let is_there = matches!(scope.outcome, Outcome::Replicated | Outcome::Unchanged);
            scope.id == id && is_there && scope.is_good() && scope.left_out.is_empty()
        };
        let mut of_it = self.replicated().filter(|told| told.name == *name && told.target == target);
        of_it.any(|told| told.scopes.iter().any(has_all))
    }

    /// What a replication that has ended tells of what was approved; of the rest it has looked at nothing.
    fn replicated(&self) -> impl Iterator<Item = &RelationshipRun> {
        let report = match &self.result {
            Some(Ok(Ended::Replicated(report))) if self.kind == Kind::Replication => Some(report),
            _ => None,
        };
        report.into_iter().flat_map(|report| {
            let told = |route: &Route| report.relationships.get(route.index);
            self.routes.iter().filter_map(told)
        })
    }
}
