//! What is said of the session's runs when the screen is gone.

use crate::engine::outcome::{Outcome, RelationshipRun, RunReport, ScopeRun};
use crate::model::{Foreign, ScopeId};
use crate::show::{self, Line, Role};

use super::runs::{Ended, Kind, Run};
use super::state::AppState;

/// The runs that the operator should still hear of: all that did not end good, unless later ones have made that
/// good, and those whose end was never on the screen. `name` gives a run's name in the journal, where it has
/// one by now.
pub fn farewell(state: &AppState, name: impl Fn(&Run) -> Option<String>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, run) in state.runs.all.iter().enumerate() {
        let rest = run
            .handed_to
            .map(|job| Line::of(0, Role::Good, format!("job {job} does the rest of it: `scopesync jobs wait {job}`")));
        let called = || match name(run) {
            Some(name) => format!("run {name} ({})", run.title()),
            None => format!("the run of {}", run.title()),
        };
        match &run.result {
            Some(Ok(ended)) if run.seen && run.cancelled.is_none() && ended.is_good() => {}
            Some(_) if run.seen && is_made_good(run, &state.runs.all[at + 1..]) => {}
            Some(Ok(Ended::Reset(report))) => lines.extend(show::reset_report(report)),
            Some(Ok(Ended::Replicated(report))) => {
                lines.extend(show::report(report, &state.names));
                lines.push(show::report_summary(report));
            }
            Some(Err(reason)) => lines.push(Line::of(
                0,
                Role::Critical,
                format!("{} failed: {reason}; what it {} {}", called(), deed(run).0, deed(run).1),
            )),
            // The journal names a run before the first write.
            None => {
                let wrote = match name(run) {
                    Some(_) => format!("what it {} {}", deed(run).0, deed(run).1),
                    None => "it had not begun".to_owned(),
                };
                let text = format!("{} was left before it ended: {wrote}", called());
                lines.push(Line::of(0, Role::Critical, text));
            }
        }
        lines.extend(rest);
    }
    let handed = |id: &i64| state.runs.all.iter().any(|run| run.handed_to == Some(*id));
    let is_over = |id: &i64| state.runs.jobs.iter().any(|job| job.id == *id && job.state.is_over());
    for job in state.handing.started.iter().filter(|id| !handed(id) && !is_over(id)) {
        let text = format!("job {job} runs on by itself: `scopesync jobs wait {job}`");
        lines.push(Line::of(0, Role::Good, text));
    }
    lines
}

/// Whether later runs did all that a replication left undone or in doubt.
fn is_made_good(run: &Run, later: &[Run]) -> bool {
    let reports = || {
        later.iter().filter(|run| run.kind == Kind::Replication).filter_map(|run| match &run.result {
            Some(Ok(Ended::Replicated(report))) => Some(report.as_ref()),
            _ => None,
        })
    };
    let is_done = |name: &Foreign, target: &str, id: ScopeId| reports().any(|report| did(report, name, target, id));
    let is_saved = |target: &str| {
        let mut told = reports().flat_map(|report| &report.relationships).filter(|told| told.target == target);
        told.next_back().is_some_and(|told| !told.unsaved)
    };
    let is_good_by_now = |told: &RelationshipRun| {
        let mut left = told.scopes.iter().filter(|scope| !scope.is_good());
        let is_all_done = left.all(|scope| is_done(&told.name, &told.target, scope.id));
        told.still_terminated.is_none() && is_all_done && (!told.unsaved || is_saved(&told.target))
    };
    match &run.result {
        Some(Ok(ended)) if ended.is_good() => false,
        Some(Ok(Ended::Replicated(report))) if run.kind == Kind::Replication => {
            report.relationships.iter().all(is_good_by_now)
        }
        Some(Err(_)) if run.kind == Kind::Replication => {
            run.routes.iter().all(|route| route.scopes.iter().all(|id| is_done(&route.name, &route.target, *id)))
        }
        _ => false,
    }
}

/// Whether after a run the target has all of a scope, for good.
fn did(report: &RunReport, name: &Foreign, target: &str, id: ScopeId) -> bool {
    let has_all = |scope: &ScopeRun| {
        let is_there = matches!(scope.outcome, Outcome::Replicated | Outcome::Unchanged);
        scope.id == id && is_there && scope.is_good() && scope.left_out.is_empty()
    };
    let of_it = report.relationships.iter().filter(|told| told.name == *name && told.target == target);
    of_it.filter(|told| !told.unsaved).any(|told| told.scopes.iter().any(has_all))
}

/// What a run does, and where to see what became of it.
fn deed(run: &Run) -> (&'static str, &'static str) {
    match run.kind {
        Kind::Replication | Kind::Undo => ("wrote is unknown.", HISTORY),
        Kind::Reset => ("reset is unknown.", "`scopesync relationships` shows the states of both servers."),
    }
}

const HISTORY: &str = "`scopesync drift` shows how the scopes are now; the history has them as they were.";
