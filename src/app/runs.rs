//! The runs of this session.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::outcome::{Outcome, RunReport, SavedState, ScopeRun};
use crate::engine::plan::Plan;
use crate::engine::progress::Status;
use crate::model::{Foreign, ScopeId, ServerName};

use super::effect::Ticket;
use super::list::Scroll;
use super::state::Tone;

/// How far a run was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cancelled {
    /// It ends after the scope in flight.
    Soft,
    /// It ends after the request in flight.
    Hard,
}

/// One relationship of a run.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its place in the plan.
    pub index: usize,
    /// Its name.
    pub name: Foreign,
    /// The server that is copied from.
    pub source: String,
    /// The server that is written.
    pub target: String,
    /// Both servers, source first.
    pub servers: Vec<ServerName>,
    /// The scopes that are to be written.
    pub scopes: BTreeSet<ScopeId>,
}

/// One run.
pub struct Run {
    /// Its work.
    pub ticket: Ticket,
    /// The relationships that were approved.
    pub routes: Vec<Route>,
    /// How far it is.
    pub status: Status,
    /// How far it was cancelled.
    pub cancelled: Option<Cancelled>,
    /// What became of it; `None` while it is under way.
    pub result: Option<Result<Arc<RunReport>, String>>,
    /// When it ended.
    pub ended: Option<jiff::Timestamp>,
    /// Its end was on the screen.
    pub seen: bool,
    /// Where its list stands.
    pub scroll: Scroll,
}

impl Run {
    /// A run that begins now.
    pub fn new(ticket: Ticket, plan: &Plan, approved: &BTreeSet<usize>, clock: jiff::Timestamp) -> Self {
        let routes: Vec<Route> = plan
            .relationships
            .iter()
            .enumerate()
            .filter(|(index, _)| approved.contains(index))
            .map(|(index, planned)| Route {
                index,
                name: planned.name.clone(),
                source: planned.source.clone(),
                target: planned.target.clone(),
                servers: planned.servers.iter().flatten().cloned().collect(),
                scopes: planned.to_write(&plan.overrides).map(|scope| scope.id).collect(),
            })
            .collect();
        let to_write = || routes.iter().flat_map(|route| plan.relationships[route.index].to_write(&plan.overrides));
        let status = Status {
            scopes_total: to_write().count(),
            changes_total: to_write().map(|scope| scope.changes.len()).sum(),
            started: clock,
            ..Status::new()
        };
        Run {
            ticket,
            status,
            routes,
            cancelled: None,
            result: None,
            ended: None,
            seen: false,
            scroll: Scroll::default(),
        }
    }

    /// What it replicates, in words.
    pub fn title(&self) -> String {
        let names: Vec<String> = self.routes.iter().map(|route| route.name.to_string()).collect();
        names.join(", ")
    }

    /// The lines of its list.
    pub fn rows(&self) -> Vec<RunRow> {
        let mut rows = Vec::new();
        match &self.result {
            Some(Ok(report)) => {
                for (at, relationship) in report.relationships.iter().enumerate() {
                    rows.push(RunRow::Relationship(at));
                    rows.extend((0..relationship.remarks.len()).map(|remark| RunRow::Remark(at, remark)));
                    for (scope, run) in relationship.scopes.iter().enumerate() {
                        rows.push(RunRow::Scope(at, scope));
                        rows.extend(run.message.iter().map(|_| RunRow::Message(at, scope)));
                        rows.extend((0..run.residual.len()).map(|change| RunRow::Residual(at, scope, change)));
                    }
                }
            }
            Some(Err(_)) => rows.push(RunRow::Failed),
            None => rows.extend((0..self.status.stages.len()).map(RunRow::Stage)),
        }
        rows
    }

    /// How far it is, from 0 to 1.
    pub fn ratio(&self) -> f64 {
        if self.result.is_some() {
            return 1.0;
        }
        match (self.status.changes_total, self.status.scopes_total) {
            (0, 0) => 0.0,
            (0, scopes) => (self.status.scopes_done as f64 / scopes as f64).clamp(0.0, 1.0),
            (changes, _) => (self.status.changes_done as f64 / changes as f64).clamp(0.0, 1.0),
        }
    }

    /// The name of a relationship by its place in the plan.
    pub fn route(&self, index: usize) -> Option<&Route> {
        self.routes.iter().find(|route| route.index == index)
    }
}

/// A line of a run's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunRow {
    /// A relationship of the report.
    Relationship(usize),
    /// A remark on a relationship.
    Remark(usize, usize),
    /// A scope of the report.
    Scope(usize, usize),
    /// Why a scope is as it is.
    Message(usize, usize),
    /// What still differs after reading back.
    Residual(usize, usize, usize),
    /// A scope of a run under way.
    Stage(usize),
    /// The run itself failed.
    Failed,
}

/// All runs, and the one that the jobs view shows.
#[derive(Default)]
pub struct Runs {
    /// The runs, oldest first.
    pub all: Vec<Run>,
    /// The one that is shown, by its work; `None` for the newest.
    pub chosen: Option<Ticket>,
}

impl Runs {
    /// The place of the run that is shown.
    pub fn position(&self) -> Option<usize> {
        let chosen = self.chosen.and_then(|ticket| self.all.iter().position(|run| run.ticket == ticket));
        chosen.or_else(|| self.all.len().checked_sub(1))
    }

    /// The run that is shown.
    pub fn current(&self) -> Option<&Run> {
        self.all.get(self.position()?)
    }

    /// The run that is shown, to change it.
    pub fn current_mut(&mut self) -> Option<&mut Run> {
        let at = self.position()?;
        self.all.get_mut(at)
    }

    /// The run of this work.
    pub fn find(&mut self, ticket: Ticket) -> Option<&mut Run> {
        self.all.iter_mut().find(|run| run.ticket == ticket)
    }

    /// Shows a newer run, or an older one.
    pub fn step(&mut self, by: isize) {
        let Some(at) = self.position() else { return };
        let at = at.saturating_add_signed(by).min(self.all.len() - 1);
        self.chosen = self.all.get(at).map(|run| run.ticket);
    }
}

/// A run's result in one line, and how good it is.
pub fn summary(report: &RunReport) -> (Tone, String) {
    let counts: Vec<String> =
        report.counts().iter().map(|(outcome, count)| format!("{count} {}", outcome.word())).collect();
    let counts = if counts.is_empty() { "no scopes".to_owned() } else { counts.join(", ") };
    let unsaved = report.scopes().filter(|scope| scope.saved == SavedState::NotSaved).count();
    let broken = report.scopes().filter(|scope| scope.saved == SavedState::Broken).count();
    let reload = report.scopes().filter(|scope| scope.saved == SavedState::NeedsReload).count();
    let residual = report.scopes().filter(|scope| scope.verified == Some(false)).count();
    let mut text = counts;
    for (count, words) in [
        (unsaved, "running but not saved"),
        (broken, "on a server whose FILE IS BROKEN: do not restart it"),
        (reload, "saved, not running until the server reloads"),
        (residual, "not as planned after reading back"),
    ] {
        if count > 0 {
            text.push_str(&format!("; {count} {words}"));
        }
    }
    let tone = match report.exit_status() {
        0 => Tone::Good,
        _ if report.scopes().any(|scope| matches!(scope.outcome, Outcome::Rejected | Outcome::Unknown)) => Tone::Bad,
        _ => Tone::Warning,
    };
    (tone, text)
}

/// A scope's outcome in words.
pub fn outcome_words(scope: &ScopeRun) -> String {
    let mut words = scope.outcome.word().to_owned();
    if scope.changes_done + scope.changes_left > 0 {
        words.push_str(&format!(", {} of {} changes", scope.changes_done, scope.changes_done + scope.changes_left));
    }
    match scope.verified {
        Some(true) => words.push_str(", verified"),
        Some(false) => words.push_str(", residual drift"),
        None => {}
    }
    if scope.saved != SavedState::NotApplicable {
        words.push_str(", ");
        words.push_str(scope.saved.words());
    }
    words
}

/// The scope of a list's line, for the stage of a run under way.
pub fn stage_scope(run: &Run, at: usize) -> Option<(usize, ScopeId)> {
    run.status.stages.get(at).map(|(relationship, id, _)| (*relationship, *id))
}
