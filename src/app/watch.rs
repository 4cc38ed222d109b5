//! Watch mode: servers are asked again at an interval, by the cheapest question first.
//!
//! A server whose mark and health are those of its last reading costs these two questions, and
//! nothing is compared. One without a mark is asked for its health, and read as a whole as seldom
//! as that takes a hundredth of its time. What has changed meanwhile is marked until it was looked at.

mod noted;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::effect::{Effect, ReadOutcome, Ticket};
use super::reading;
use super::state::{AppState, Moment, Tone};
use crate::config::ScreenConfig;
use crate::engine::port::Reading;
use crate::engine::survey::ServerReport;
use crate::model::ServerName;
use crate::show::{plural, some};

pub use noted::Noted;

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
    let known = state.survey.reading(server);
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
    let is_written = || state.running().flat_map(|run| &run.routes).any(|route| route.servers.contains(server));
    // of jobs it is not known here what they write
    let jobs = state.runs.jobs.iter().any(|job| !job.state.is_over());
    state.reading.contains_key(server) || jobs || is_written()
}

/// What the cursor stands on was looked at.
pub fn looked(state: &mut AppState) {
    let Some(id) = state.current_scope().map(|scope| scope.id) else { return };
    if let Some(relation) = state.current_mut().filter(|relation| relation.news.of(id).is_some()) {
        relation.news.seen(id);
    }
}

/// All that is new or has changed was looked at.
pub fn looked_at_all(state: &mut AppState) {
    let mut count = 0;
    for relation in state.relations.values_mut() {
        count += relation.news.all_seen();
    }
    state.say(Tone::Plain, format!("{} no longer told to be new or changed", plural(count, "scope")));
}

/// When the servers were asked last, in words: of several the one that is longest ago, and before
/// all those that could not be read. In full, and what matters of it.
pub fn words(state: &AppState) -> Option<[String; 2]> {
    if !state.watch.on {
        return None;
    }

    let is_silent = |report: &&ServerReport| matches!(report.outcome, Some(Err(_)));
    let silent: Vec<&ServerReport> = state.reports.iter().filter(is_silent).collect();
    let minutes = |reports: &[&ServerReport]| {
        let heard = reports.iter().filter_map(|report| state.watch.heard.get(&report.name)).min()?;
        Some(state.clock.duration_since(*heard).as_secs().max(0) / 60)
    };
    if silent.is_empty() {
        let age = match minutes(&state.reports.iter().collect::<Vec<_>>()) {
            None => String::new(),
            Some(0) => ", read just now".to_owned(),
            Some(minutes) => format!(", read {minutes} min ago"),
        };
        return Some([format!("watching{age}"), "watching".to_owned()]);
    }
    let names = some(silent.iter().map(|report| &report.name));
    let short = format!("NOT READ: {names}");
    Some(match minutes(&silent) {
        None | Some(0) => [format!("watching, {short}"), short],
        Some(minutes) => [format!("watching, NOT READ for {minutes} min: {names}"), short],
    })
}
