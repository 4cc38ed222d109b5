//! The runs of this session.

mod caption;
mod mended;
mod retry;
mod rows;
mod standing;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::approval::Approved;
use crate::engine::outcome::{RunReport, ScopeRun};
use crate::engine::plan::Plan;
use crate::engine::progress::Status;
use crate::engine::reset::{ResetPlan, ResetReport};
use crate::model::{Foreign, ScopeId, ServerName};

use super::detached::DetachedJob;
use super::effect::Ticket;
use super::filter::Filter;
use super::fleet::marks::Marks;
use super::list::Scroll;
use super::state::Tone;

pub use caption::terminal_title;
pub use retry::{Retry, retry};
pub use rows::{Listed, RunRow};
pub use standing::{Standing, outcome_words, summary};

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

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Writes scopes.
    Replication,
    /// Writes scopes back as they were before a run.
    Undo,
    /// Resets both servers of a relationship.
    Reset,
}

/// What became of a run that came to its end.
#[derive(Clone, Debug)]
pub enum Ended {
    /// Scopes were written.
    Replicated(Arc<RunReport>),
    /// Servers were reset.
    Reset(Arc<ResetReport>),
}

impl Ended {
    /// Whether nothing is left to do or to worry about.
    pub fn is_good(&self) -> bool {
        match self {
            Ended::Replicated(report) => {
                let is_left = report.relationships.iter().any(|told| told.unsaved || told.still_terminated.is_some());
                !is_left && report.scopes().all(ScopeRun::is_good)
            }
            Ended::Reset(report) => report.is_good(),
        }
    }

    /// How much of what was to be done is done, from 0 to 1.
    fn share(&self) -> f64 {
        let [done, left] = match self {
            _ if self.is_good() => [1, 0],
            Ended::Replicated(report) => [
                report.scopes().map(|scope| scope.changes_done).sum(),
                report.scopes().map(|scope| scope.changes_left).sum(),
            ],
            Ended::Reset(_) => [0, 1],
        };
        if done + left == 0 { 0.0 } else { done as f64 / (done + left) as f64 }
    }

    /// It in one line, and how good it is; `reset` is the key that resets servers.
    pub fn summary(&self, reset: &str) -> (Tone, String) {
        match self {
            Ended::Replicated(report) => summary(report, reset),
            Ended::Reset(report) => {
                let sides = report.sides.iter().map(|side| format!("{} {}", side.server, side.words(&report.mode)));
                let parts: Vec<String> = report.remarks.iter().cloned().chain(sides).collect();
                (if report.is_good() { Tone::Good } else { Tone::Bad }, parts.join("; "))
            }
        }
    }
}

/// One run.
pub struct Run {
    /// Its work.
    pub ticket: Ticket,
    /// What it does.
    pub kind: Kind,
    /// When it was approved.
    pub began: jiff::Timestamp,
    /// The relationships that were approved.
    pub routes: Vec<Route>,
    /// How far it is.
    pub status: Status,
    /// How far it was cancelled.
    pub cancelled: Option<Cancelled>,
    /// What became of it; `None` while it is under way.
    pub result: Option<Result<Ended, String>>,
    /// When it ended.
    pub ended: Option<jiff::Timestamp>,
    /// What was approved, for whoever is to go on with it.
    pub approved: Option<(Arc<Plan>, Vec<Approved>)>,
    /// The marks that went into it: what does not go well may be marked again.
    pub marks: Marks,
    /// The job that goes on with it.
    pub handed_to: Option<i64>,
    /// Its end was on the screen.
    pub seen: bool,
    /// The lines of its list.
    pub rows: Vec<RunRow>,
    /// The filter leaves it, or one of its scopes.
    pub is_left: bool,
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
                servers: planned.servers().cloned().collect(),
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
        let kind = if plan.undoes().is_some() { Kind::Undo } else { Kind::Replication };
        Run::begin(ticket, kind, routes, status)
    }

    /// A reset that begins now.
    pub fn of_reset(ticket: Ticket, plan: &ResetPlan, clock: jiff::Timestamp) -> Self {
        let [source, target] = plan.sides.each_ref().map(|side| side.shown.clone());
        let servers = plan.sides.iter().filter_map(|side| side.server.clone()).collect();
        let route = Route { index: 0, name: plan.name.clone(), source, target, servers, scopes: BTreeSet::new() };
        Run::begin(ticket, Kind::Reset, vec![route], Status { started: clock, ..Status::new() })
    }

    fn begin(ticket: Ticket, kind: Kind, routes: Vec<Route>, status: Status) -> Self {
        Run {
            ticket,
            kind,
            began: status.started,
            routes,
            status,
            cancelled: None,
            result: None,
            ended: None,
            approved: None,
            marks: Marks::default(),
            handed_to: None,
            seen: false,
            rows: Vec::new(),
            is_left: true,
            scroll: Scroll::default(),
        }
    }

    /// What it replicates, undoes or resets, in words.
    pub fn title(&self) -> String {
        let names: Vec<String> = self.routes.iter().map(|route| route.name.to_string()).collect();
        match self.kind {
            Kind::Replication => names.join(", "),
            Kind::Undo => format!("undo in {}", names.join(", ")),
            Kind::Reset => format!("reset of {}", names.join(", ")),
        }
    }

    /// The same with the way it goes, where it writes scopes.
    pub fn head(&self, arrow: &str) -> String {
        let route = |route: &Route| match self.kind {
            Kind::Replication | Kind::Undo => format!("{}: {} {arrow} {}", route.name, route.source, route.target),
            Kind::Reset => format!("{}: reset of {} and {}", route.name, route.source, route.target),
        };
        self.routes.iter().map(route).collect::<Vec<_>>().join(", ")
    }

    /// How far it is, from 0 to 1; of one that has ended, how much of it is done. A wait has no end that is sure.
    pub fn ratio(&self, now: jiff::Timestamp) -> f64 {
        if let Some(Ok(ended)) = &self.result {
            return ended.share();
        }
        if let Some(expected) = self.status.waiting.as_ref().and_then(|waiting| waiting.expected) {
            let elapsed = now.duration_since(self.status.started).as_secs_f64();
            return (elapsed / expected.as_secs_f64().max(0.1)).clamp(0.0, 0.99);
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

/// A line of the jobs view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A run of this session.
    Run(Ticket),
    /// A job of a process of its own.
    Job(i64),
}

/// All runs and jobs, and the one that the jobs view shows.
#[derive(Default)]
pub struct Runs {
    /// The runs of this session, oldest first.
    pub all: Vec<Run>,
    /// The jobs, oldest first.
    pub jobs: Vec<DetachedJob>,
    /// The one that is shown; `None` for the newest.
    pub chosen: Option<Entry>,
    /// The one that the cursor was on when the filter was set, or since: it stays until the cursor leaves it, as
    /// the keys would else go to another one when it changes.
    held: Option<Entry>,
    /// Where the list of the job that is shown stands.
    pub job_scroll: Scroll,
    /// What of runs and jobs is listed.
    pub listed: Listed,
    /// What they are filtered by, as it was typed.
    pub filter: String,
    /// Where the runs begin that were under way together, the newest of all.
    together: usize,
}

impl Runs {
    /// Runs and jobs that the filter leaves, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        let runs = self.all.iter().filter(|run| run.is_left).map(|run| (run.began, Entry::Run(run.ticket)));
        let jobs = self.jobs.iter().filter(|job| self.held == Some(Entry::Job(job.id)) || self.listed.filter.job(job));
        let jobs = jobs.map(|job| (job.created, Entry::Job(job.id)));
        let mut entries: Vec<_> = jobs.chain(runs).collect();
        entries.sort_by_key(|(at, _)| *at);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Changes what is typed as the filter.
    pub fn change_filter(&mut self, change: impl FnOnce(&mut String)) {
        change(&mut self.filter);
        self.listed.filter = Filter::jobs(&self.filter);
        self.held = None;
        self.lay_all();
        self.held = self.shown().filter(|_| !self.filter.is_empty());
    }

    /// How the title of the list tells of the filter, where there is one.
    pub fn filter_title(&self) -> Option<String> {
        let (left, all) = (self.entries().len(), self.all.len() + self.jobs.len());
        (!self.filter.is_empty()).then(|| format!("{}: {left} of {all}", self.listed.filter.title(&self.filter)))
    }

    /// A run begins; it is shown, whatever was filtered.
    pub fn begin(&mut self, mut run: Run) {
        if self.all.iter().all(|run| run.result.is_some()) {
            self.together = self.all.len();
        }
        self.change_filter(String::clear);
        run.lay(&self.listed);
        self.all.push(run);
        self.chosen = None;
    }

    /// A run is so far.
    pub fn heard(&mut self, ticket: Ticket, status: Status) {
        let Some(run) = self.find(ticket).filter(|run| run.result.is_none()) else { return };
        run.status = status;
        self.lay(ticket);
    }

    /// Lists a run anew.
    pub fn lay(&mut self, ticket: Ticket) {
        let held = self.held;
        self.all.iter_mut().filter(|run| run.ticket == ticket).for_each(|run| lay(run, &self.listed, held));
    }

    /// Lists only what is not done, or all again.
    pub fn toggle_failed(&mut self) {
        self.listed.only_failed = !self.listed.only_failed;
        self.lay_all();
    }

    fn lay_all(&mut self) {
        for run in &mut self.all {
            lay(run, &self.listed, self.held);
            run.scroll = Scroll { height: run.scroll.height, ..Scroll::default() };
        }
    }

    /// What is shown.
    pub fn shown(&self) -> Option<Entry> {
        let entries = self.entries();
        let there = |entry: &Entry| entries.contains(entry);
        self.held.filter(there).or(self.chosen.filter(there)).or_else(|| entries.last().copied())
    }

    /// The run that is shown.
    pub fn current(&self) -> Option<&Run> {
        let Entry::Run(ticket) = self.shown()? else { return None };
        self.all.iter().find(|run| run.ticket == ticket)
    }

    /// The job that is shown.
    pub fn current_job(&self) -> Option<&DetachedJob> {
        let Entry::Job(id) = self.shown()? else { return None };
        self.jobs.iter().find(|job| job.id == id)
    }

    /// The list of what is shown, to scroll it.
    pub fn scroll_mut(&mut self) -> Option<&mut Scroll> {
        match self.shown()? {
            Entry::Job(_) => Some(&mut self.job_scroll),
            Entry::Run(ticket) => self.find(ticket).map(|run| &mut run.scroll),
        }
    }

    /// The run that is shown, to change it.
    pub fn current_mut(&mut self) -> Option<&mut Run> {
        let Entry::Run(ticket) = self.shown()? else { return None };
        self.find(ticket)
    }

    /// The run of this work.
    pub fn find(&mut self, ticket: Ticket) -> Option<&mut Run> {
        self.all.iter_mut().find(|run| run.ticket == ticket)
    }

    /// A relationship is back in service: no run leaves it terminated any more. Returns those that did.
    pub fn forget_termination(&mut self, name: &Foreign) -> Vec<Ticket> {
        let mut revised = Vec::new();
        for run in &mut self.all {
            let Some(Ok(Ended::Replicated(report))) = &mut run.result else { continue };
            let mut left = report.relationships.iter().filter(|one| one.still_terminated.is_some());
            if left.any(|one| one.name == *name) {
                let all = &mut Arc::make_mut(report).relationships;
                all.iter_mut().filter(|one| one.name == *name).for_each(|one| one.still_terminated = None);
                lay(run, &self.listed, self.held);
                revised.push(run.ticket);
            }
        }
        revised
    }

    /// Shows a newer run or job, or an older one.
    pub fn step(&mut self, by: isize) {
        let entries = self.entries();
        let Some(at) = self.shown().and_then(|shown| entries.iter().position(|entry| *entry == shown)) else { return };
        self.choose(entries.get(at.saturating_add_signed(by).min(entries.len() - 1)).copied());
    }

    /// Shows the one on this line of their list, the newest first.
    pub fn go(&mut self, line: usize) {
        self.choose(self.entries().into_iter().rev().nth(line));
    }

    /// Keeps what is shown where it is, whatever becomes of it or begins beside it.
    pub fn pin(&mut self) {
        self.chosen = self.shown();
        self.held = self.chosen.filter(|_| !self.filter.is_empty());
    }

    fn choose(&mut self, entry: Option<Entry>) {
        self.chosen = entry;
        let left = std::mem::replace(&mut self.held, entry.filter(|_| !self.filter.is_empty()));
        if let Some(Entry::Run(ticket)) = left {
            self.lay(ticket);
        }
        self.job_scroll = Scroll { height: self.job_scroll.height, ..Scroll::default() };
    }
}

/// Lists a run anew; the one that is held as if there were no filter, where that would drop it.
fn lay(run: &mut Run, listed: &Listed, held: Option<Entry>) {
    run.lay(listed);
    if !run.is_left && held == Some(Entry::Run(run.ticket)) {
        run.lay(&Listed { only_failed: listed.only_failed, filter: Filter::default() });
    }
}
