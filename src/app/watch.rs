//! Watch mode: servers are asked again at an interval, by the cheapest question first.
//!
//! A server whose mark and health are those of its last reading costs these two questions, and
//! nothing is compared. What has changed meanwhile is marked until it was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::compared::Compared;
use super::effect::{Effect, ReadOutcome, Ticket};
use super::reading;
use super::state::{AppState, Moment, Tone};
use crate::config::ScreenConfig;
use crate::model::{ScopeId, ServerName};

/// The interval where the configuration names none.
pub const INTERVAL: Duration = Duration::from_secs(300);

/// How often the title is told anew how long ago servers were asked.
const TOLD: Duration = Duration::from_secs(30);

/// How watching stands.
#[derive(Debug, Default)]
pub struct Watch {
    /// Servers are asked again and again.
    pub on: bool,
    /// When they are asked next.
    due: Option<Instant>,
    /// Servers that are being asked.
    asking: BTreeMap<ServerName, Ticket>,
    /// When a server was found to be as it was read.
    confirmed: BTreeMap<ServerName, Timestamp>,
}

/// What has become of a scope since it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It was not there.
    New,
    /// Its drift was another one.
    Changed,
}

impl Since {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Since::New => "new",
            Since::Changed => "changed",
        }
    }
}

impl Watch {
    /// As the configuration wants it.
    pub fn new(screen: &ScreenConfig) -> Self {
        Watch { on: screen.watch.is_some(), ..Watch::default() }
    }

    /// When something is to be done or told anew.
    pub fn next_tick(&self, now: Instant) -> Option<Instant> {
        self.on.then(|| self.due.map_or(now, |due| due.min(now + TOLD)))
    }
}

/// How long there is between two rounds.
pub fn interval(state: &AppState) -> Duration {
    state.setting.screen.watch.unwrap_or(INTERVAL)
}

/// Watches from now on, or no longer.
pub fn toggle(state: &mut AppState, now: Moment) {
    let minutes = interval(state).as_secs() / 60;
    state.watch.on = !state.watch.on;
    state.watch.due = state.watch.on.then(|| now.at + interval(state));
    let words = if state.watch.on {
        format!("watching: servers are asked every {minutes} min whether anything has moved")
    } else {
        "no longer watching".to_owned()
    };
    state.say(Tone::Plain, words);
}

/// Asks the servers whose turn it is; never one that is being read, or that a run writes to.
pub fn poll(state: &mut AppState, now: Moment) -> Vec<Effect> {
    if !state.watch.on || state.watch.due.is_some_and(|due| due > now.at) {
        return Vec::new();
    }
    let is_first = state.watch.due.is_none();
    state.watch.due = Some(now.at + interval(state));
    // the start reads everything itself
    if is_first {
        return Vec::new();
    }
    let mut effects = Vec::new();
    for report in state.reports.clone() {
        if is_busy(state, &report.name) || state.watch.asking.contains_key(&report.name) {
            continue;
        }
        let ticket = state.ticket();
        state.watch.asking.insert(report.name.clone(), ticket);
        effects.push(Effect::Watch(ticket, report.name.clone(), report.reading().cloned()));
    }
    effects
}

/// Takes an answer; `None` says that nothing has moved.
pub fn answered(
    state: &mut AppState,
    ticket: Ticket,
    server: &ServerName,
    outcome: Option<ReadOutcome>,
    now: Moment,
) -> Vec<Effect> {
    if state.watch.asking.get(server) != Some(&ticket) {
        return Vec::new();
    }
    state.watch.asking.remove(server);
    // what a run is writing meanwhile is read when that has ended
    if is_busy(state, server) {
        return Vec::new();
    }
    state.watch.confirmed.insert(server.clone(), now.clock);
    outcome.map_or_else(Vec::new, |outcome| reading::refresh(state, server.clone(), outcome))
}

/// A question ended without an answer.
pub fn failed(state: &mut AppState, ticket: Ticket) -> bool {
    let before = state.watch.asking.len();
    state.watch.asking.retain(|_, asked| *asked != ticket);
    state.watch.asking.len() < before
}

fn is_busy(state: &AppState, server: &ServerName) -> bool {
    let written: BTreeSet<&ServerName> =
        state.running().flat_map(|run| &run.routes).flat_map(|route| &route.servers).collect();
    // of jobs it is not known here what they write
    let jobs = state.runs.jobs.iter().any(|job| !job.state.is_over());
    state.reading.contains_key(server) || written.contains(server) || jobs
}

/// Takes note of the scopes that a comparison tells otherwise than the one before.
pub fn note(old: &Compared, new: &Compared, news: &mut BTreeMap<ScopeId, Since>) {
    if old.pending || new.pending || old.drift.source != new.drift.source {
        return;
    }
    let mut before = old.drift.scopes.iter().peekable();
    for scope in &new.drift.scopes {
        while before.next_if(|other| other.id < scope.id).is_some() {}
        match before.next_if(|other| other.id == scope.id) {
            None => drop(news.insert(scope.id, Since::New)),
            Some(other) if other.state != scope.state || other.changes != scope.changes => {
                news.entry(scope.id).or_insert(Since::Changed);
            }
            Some(_) => {}
        }
    }
    news.retain(|id, _| new.scope(*id).is_some());
}

/// What the cursor stands on was looked at.
pub fn looked(state: &mut AppState) {
    let Some(id) = state.current_scope().map(|scope| scope.id) else { return };
    if let Some(relation) = state.current_mut() {
        relation.news.remove(&id);
    }
}

/// When the servers were asked last, in words: of several the one that is longest ago.
pub fn words(state: &AppState) -> Option<String> {
    let asked = state.reports.iter().filter_map(|report| {
        let read = report.reading()?.at;
        Some(state.watch.confirmed.get(&report.name).map_or(read, |confirmed| read.max(*confirmed)))
    });
    let minutes = |at: Timestamp| state.clock.duration_since(at).as_secs().max(0) / 60;
    let age = match asked.min().map(minutes) {
        None => String::new(),
        Some(0) => ", read just now".to_owned(),
        Some(minutes) => format!(", read {minutes} min ago"),
    };
    state.watch.on.then(|| format!("watching{age}"))
}
