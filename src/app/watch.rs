//! Watch mode: servers are asked again at an interval, by the cheapest question first.
//!
//! A server whose mark and health are those of its last reading costs these two questions, and
//! nothing is compared. One without a mark is asked for its health, and read as a whole as seldom
//! as that takes a hundredth of its time. What has changed meanwhile is marked until it was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::compared::Compared;
use super::effect::{Effect, ReadOutcome, Ticket};
use super::reading;
use super::state::{AppState, Moment, Tone};
use crate::config::ScreenConfig;
use crate::engine::compare::ScopeDrift;
use crate::engine::port::Reading;
use crate::engine::survey::ServerReport;
use crate::model::{Change, DriftState, ScopeId, ServerName};
use crate::show::{plural, some};

/// The interval where the configuration names none.
pub const INTERVAL: Duration = Duration::from_secs(300);

/// How often the title is told anew how long ago servers were asked.
const TOLD: Duration = Duration::from_secs(30);

/// A server rests so many times as long as its answers took: they take a hundredth of its time at most.
const ANSWER_TO_REST: u32 = 99;

/// How watching stands.
#[derive(Debug, Default)]
pub struct Watch {
    /// Servers are asked again and again.
    pub on: bool,
    /// When each of them is asked next.
    due: BTreeMap<ServerName, Instant>,
    /// Servers that are being asked.
    asking: BTreeMap<ServerName, Asked>,
    /// Until when servers without a mark are not read as a whole.
    rests: BTreeMap<ServerName, Instant>,
    /// When a server answered last, whether or not it does so now.
    heard: BTreeMap<ServerName, Timestamp>,
}

/// A question under way.
#[derive(Debug)]
struct Asked {
    ticket: Ticket,
    at: Instant,
    /// A server without a mark is read as a whole for it.
    thoroughly: bool,
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
        self.on.then(|| self.due.values().copied().chain([now + TOLD]).min()).flatten()
    }

    /// Takes note of when a server was read.
    pub fn heard(&mut self, server: &ServerName, at: Timestamp) {
        let heard = self.heard.entry(server.clone()).or_insert(at);
        *heard = at.max(*heard);
    }
}

/// How long there is between two questions to a server.
pub fn interval(state: &AppState) -> Duration {
    state.setting.screen.watch.unwrap_or(INTERVAL)
}

/// Watches from now on, or no longer.
pub fn toggle(state: &mut AppState, now: Moment) {
    state.watch.on = !state.watch.on;
    state.watch.due.clear();
    let words = if state.watch.on {
        // what is shown may be old
        state.watch.due = state.reports.iter().map(|report| (report.name.clone(), now.at)).collect();
        let interval = SignedDuration::try_from(interval(state)).unwrap_or_default();
        format!("watching: servers are asked every {interval:#} whether anything has moved")
    } else {
        state.relations.values_mut().for_each(|relation| relation.news.forget());
        "no longer watching".to_owned()
    };
    state.say(Tone::Plain, words);
}

/// Asks the servers whose turn it is; never one that is being read, or that a run writes to.
pub fn poll(state: &mut AppState, now: Moment) -> Vec<Effect> {
    if !state.watch.on {
        return Vec::new();
    }
    let is_due = |report: &&ServerReport| state.watch.due.get(&report.name).is_none_or(|due| *due <= now.at);
    let due: Vec<(ServerName, Option<Arc<Reading>>)> =
        state.reports.iter().filter(is_due).map(|report| (report.name.clone(), report.reading().cloned())).collect();
    let next = now.at + interval(state);
    let mut effects = Vec::new();
    for (server, reading) in due {
        let is_first = state.watch.due.insert(server.clone(), next).is_none();
        // the start reads everything itself
        if is_first || is_busy(state, &server) || state.watch.asking.contains_key(&server) {
            continue;
        }
        let ticket = state.ticket();
        let thoroughly = state.watch.rests.get(&server).is_none_or(|until| *until <= now.at);
        state.watch.asking.insert(server.clone(), Asked { ticket, at: now.at, thoroughly });
        effects.push(Effect::Watch(ticket, server, reading, thoroughly));
    }
    effects
}

/// Takes an answer, and how long the server was busy with the questions; `None` says that nothing
/// has moved.
pub fn answered(
    state: &mut AppState,
    ticket: Ticket,
    server: &ServerName,
    (outcome, took): (Option<ReadOutcome>, Duration),
    now: Moment,
) -> Vec<Effect> {
    if state.watch.asking.get(server).is_none_or(|asked| asked.ticket != ticket) {
        return Vec::new();
    }
    let Some(asked) = state.watch.asking.remove(server) else { return Vec::new() };
    rest(state, server, took, now);
    // what a run is writing meanwhile is read when that has ended
    if is_busy(state, server) {
        return Vec::new();
    }
    let known = state.reports.iter().find(|report| report.name == *server).and_then(|report| report.reading());
    let (was_read, has_mark) = (known.is_some(), known.is_some_and(|known| known.pulse.is_some()));
    if (asked.thoroughly || has_mark) && !matches!(outcome, Some(Err(_))) {
        state.watch.heard(server, now.clock);
    }
    let Some(outcome) = outcome else { return Vec::new() };
    if asked.thoroughly && outcome.as_ref().is_ok_and(|reading| reading.pulse.is_none()) {
        let rest = (now.at - asked.at) * ANSWER_TO_REST;
        state.watch.rests.insert(server.clone(), now.at + rest);
    }
    match &outcome {
        Err(error) if was_read => state.say(Tone::Bad, format!("can no longer be read: {error}")),
        Ok(_) if !was_read => state.say(Tone::Good, format!("{server} can be read again")),
        _ => {}
    }
    reading::refresh(state, server.clone(), outcome)
}

/// Leaves a server alone for as long as its answers cost it too much.
fn rest(state: &mut AppState, server: &ServerName, took: Duration, now: Moment) {
    let rest = took * ANSWER_TO_REST;
    if took + rest > interval(state) {
        tracing::info!("{server} takes {took:.1?} to say whether anything has moved: not asked again for {rest:.0?}");
    }
    if let Some(due) = state.watch.due.get_mut(server) {
        *due = (*due).max(now.at + rest);
    }
}

/// A question ended without an answer.
pub fn failed(state: &mut AppState, ticket: Ticket) -> bool {
    let before = state.watch.asking.len();
    state.watch.asking.retain(|_, asked| asked.ticket != ticket);
    state.watch.asking.len() < before
}

fn is_busy(state: &AppState, server: &ServerName) -> bool {
    let written: BTreeSet<&ServerName> =
        state.running().flat_map(|run| &run.routes).flat_map(|route| &route.servers).collect();
    // of jobs it is not known here what they write
    let jobs = state.runs.jobs.iter().any(|job| !job.state.is_over());
    state.reading.contains_key(server) || written.contains(server) || jobs
}

/// What has become of the scopes of a relationship since the operator looked at them.
#[derive(Debug, Default)]
pub struct Noted {
    notes: BTreeMap<ScopeId, Note>,
    /// All scopes were known once: one that nothing is known of is new.
    is_complete: bool,
}

/// How a scope was when it was known and looked at last.
#[derive(Debug)]
struct Note {
    /// `None` where it was not there.
    was: Option<(DriftState, Vec<Change>)>,
    /// What to tell of it; nothing while nobody knows how it stands.
    since: Option<Since>,
}

impl Noted {
    /// What to tell of a scope.
    pub fn of(&self, id: ScopeId) -> Option<Since> {
        self.notes.get(&id)?.since
    }

    /// How many scopes there is something to tell of.
    pub fn count(&self) -> usize {
        self.notes.values().filter(|note| note.since.is_some()).count()
    }

    /// Forgets everything: what comes next is the first that is known.
    pub fn forget(&mut self) {
        *self = Noted::default();
    }

    /// Compares what is known now with what was known last, in the same direction. That nobody
    /// knows how a scope stands, or whether it is there, is no change.
    pub fn take(&mut self, old: &Compared, new: &Compared) {
        let is_open = |compared: &Compared| compared.pending || compared.is_unread();
        self.is_complete |= !is_open(old);
        let mut before = old.drift.scopes.iter().peekable();
        for scope in &new.drift.scopes {
            while let Some(gone) = before.next_if(|other| other.id < scope.id) {
                self.remember(old, gone);
            }
            let was = before.next_if(|other| other.id == scope.id);
            if new.pending || !is_known(scope) {
                match was {
                    Some(was) => self.remember(old, was),
                    None if self.is_complete => self.keep(scope.id, None),
                    None => {}
                }
                continue;
            }
            self.judge(was.map(|was| (was, !old.pending && is_known(was))), scope);
        }
        before.for_each(|gone| self.remember(old, gone));
        if !is_open(new) {
            self.notes.retain(|id, _| new.scope(*id).is_some());
            self.is_complete = true;
        }
    }

    /// Keeps how a scope was, until it is known again how it stands.
    fn remember(&mut self, old: &Compared, was: &ScopeDrift) {
        if !old.pending && is_known(was) {
            self.keep(was.id, Some(was));
        } else if let Some(note) = self.notes.get_mut(&was.id) {
            note.since = None;
        }
    }

    fn keep(&mut self, id: ScopeId, was: Option<&ScopeDrift>) {
        let note = self.notes.entry(id).or_insert_with(|| Note { was: was.map(standing), since: None });
        note.since = None;
    }

    /// Tells a scope that is known from how it was; of that it is told whether it was known.
    fn judge(&mut self, was: Option<(&ScopeDrift, bool)>, scope: &ScopeDrift) {
        let is_same =
            |(state, changes): (&DriftState, &Vec<Change>)| *state == scope.state && *changes == scope.changes;
        match (self.notes.get_mut(&scope.id), was) {
            (Some(Note { was: Some((state, changes)), .. }), _) if is_same((state, changes)) => {
                self.notes.remove(&scope.id);
            }
            (Some(note), _) => note.since = Some(if note.was.is_some() { Since::Changed } else { Since::New }),
            (None, Some((was, true))) if !is_same((&was.state, &was.changes)) => {
                self.notes.insert(scope.id, Note { was: Some(standing(was)), since: Some(Since::Changed) });
            }
            (None, None) if self.is_complete => {
                self.notes.insert(scope.id, Note { was: None, since: Some(Since::New) });
            }
            (None, _) => {}
        }
    }
}

fn standing(scope: &ScopeDrift) -> (DriftState, Vec<Change>) {
    (scope.state.clone(), scope.changes.clone())
}

fn is_known(scope: &ScopeDrift) -> bool {
    !matches!(scope.state, DriftState::Unknown | DriftState::Checking)
}

/// What the cursor stands on was looked at.
pub fn looked(state: &mut AppState) {
    let Some(id) = state.current_scope().map(|scope| scope.id) else { return };
    if let Some(relation) = state.current_mut().filter(|relation| relation.news.of(id).is_some()) {
        relation.news.notes.remove(&id);
    }
}

/// All that is new or has changed was looked at.
pub fn looked_at_all(state: &mut AppState) {
    let mut count = 0;
    for relation in state.relations.values_mut() {
        count += relation.news.count();
        relation.news.notes.retain(|_, note| note.since.is_none());
    }
    state.say(Tone::Plain, format!("{} no longer told to be new or changed", plural(count, "scope")));
}

/// When the servers were asked last, in words: of several the one that is longest ago, and before
/// all those that could not be read.
pub fn words(state: &AppState) -> Option<String> {
    let is_silent = |report: &&ServerReport| matches!(report.outcome, Some(Err(_)));
    let silent: Vec<&ServerReport> = state.reports.iter().filter(is_silent).collect();
    let minutes = |reports: &[&ServerReport]| {
        let heard = reports.iter().filter_map(|report| state.watch.heard.get(&report.name)).min()?;
        Some(state.clock.duration_since(*heard).as_secs().max(0) / 60)
    };
    let age = if silent.is_empty() {
        match minutes(&state.reports.iter().collect::<Vec<_>>()) {
            None => String::new(),
            Some(0) => ", read just now".to_owned(),
            Some(minutes) => format!(", read {minutes} min ago"),
        }
    } else {
        let names = some(silent.iter().map(|report| &report.name));
        match minutes(&silent) {
            None | Some(0) => format!(", NOT READ: {names}"),
            Some(minutes) => format!(", NOT READ for {minutes} min: {names}"),
        }
    };
    state.watch.on.then(|| format!("watching{age}"))
}
