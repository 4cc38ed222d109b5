//! Runs under way and the jobs view.

use std::collections::BTreeSet;

use crate::model::ServerName;

use super::super::action::Action;
use super::super::effect::{Effect, Ticket};
use super::super::reading;
use super::super::runs::{Cancelled, Ended, Kind};
use super::super::state::{AppState, Moment, Tone, View};
use super::{handing, recalling};

/// Everything that concerns the jobs view.
pub(super) fn act(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Jobs if matches!(state.view, View::Jobs) => state.view = View::Browse,
        Action::Jobs => {
            state.view = View::Jobs;
            state.banner = None;
            return handing::list(state);
        }
        Action::Cancel => return cancel(state),
        Action::OnlyFailed => state.runs.toggle_failed(),
        Action::In | Action::NextPane => state.runs.step(-1),
        _ => state.runs.step(1),
    }
    Vec::new()
}

fn cancel(state: &mut AppState) -> Vec<Effect> {
    if let Some(effects) = handing::cancel(state) {
        return effects;
    }
    let key = state.key(Action::Cancel);
    let Some(run) = state.runs.current_mut() else { return Vec::new() };
    let step = further(run.cancelled);
    run.cancelled = Some(step);
    let text = match step {
        _ if run.kind == Kind::Reset => "no longer waiting for the servers; what was sent cannot be taken back".into(),
        Cancelled::Soft => format!("cancelling after the scope in flight; {key} again: after the request in flight"),
        Cancelled::Hard => "cancelling after the request in flight".to_owned(),
    };
    let ticket = run.ticket;
    state.say(Tone::Warning, text);
    vec![Effect::Cancel(ticket)]
}

/// Cancels every run one step further: after the scope in flight, then after the request.
pub(super) fn cancel_all(state: &mut AppState) -> Vec<Effect> {
    let running = state.runs.all.iter_mut().filter(|run| run.result.is_none());
    running
        .map(|run| {
            run.cancelled = Some(further(run.cancelled));
            Effect::Cancel(run.ticket)
        })
        .collect()
}

fn further(cancelled: Option<Cancelled>) -> Cancelled {
    match cancelled {
        None => Cancelled::Soft,
        Some(_) => Cancelled::Hard,
    }
}

/// A run has ended: its result is told and its servers are read again.
pub(super) fn ended(state: &mut AppState, ticket: Ticket, result: Result<Ended, String>, now: Moment) -> Vec<Effect> {
    let jobs = state.key(Action::Jobs);
    let only_failed = state.runs.only_failed;
    let Some(run) = state.runs.find(ticket).filter(|run| run.result.is_none()) else { return Vec::new() };
    let (tone, text) = match &result {
        Ok(report) => report.summary(),
        // What was done before it failed is not known.
        Err(reason) => (Tone::Bad, format!("the run failed: {reason}; what it did is unknown until it is read back")),
    };
    // What the start of it said is over.
    state.message = None;
    let text = format!("{}: {text} ({jobs} shows more)", run.title());
    run.result = Some(result);
    run.ended = Some(now.clock);
    run.scroll = Default::default();
    run.lay(only_failed);
    let servers: BTreeSet<ServerName> = run.routes.iter().flat_map(|route| route.servers.iter().cloned()).collect();
    let mut effects = reading::read(state, servers);
    effects.extend(announce(state, tone, &text));
    effects.extend(recalling::refresh(state));
    effects.extend(handing::go_on(state, ticket));
    effects
}

/// A notice longer than this says no more of those before it.
const LONG: usize = 300;

/// Tells the operator, wherever they look, that something has come to its end. What needs a look
/// is not covered by what went well.
pub(super) fn announce(state: &mut AppState, tone: Tone, text: &str) -> Option<Effect> {
    let new = format!("{}: {text}", if tone == Tone::Good { "done" } else { "LOOK" });
    let old = state.banner.take().filter(|(old, text)| *old != Tone::Good && text.len() < LONG);
    state.banner = Some(match old {
        Some((old_tone, old)) if tone == Tone::Good => (old_tone, format!("{old}; {new}")),
        Some((_, old)) => (tone, format!("{new}; {old}")),
        None => (tone, new),
    });
    state.setting.screen.bell.then_some(Effect::Bell)
}
