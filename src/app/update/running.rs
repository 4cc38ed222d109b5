//! Runs under way and the jobs view.

use std::collections::BTreeSet;

use crate::engine::outcome::RelationshipRun;
use crate::model::{Foreign, ScopeId, ServerName};

use super::super::action::{Action, Place};
use super::super::effect::{Effect, Ticket};
use super::super::fleet::marks;
use super::super::notice::Notice;
use super::super::reading;
use super::super::runs::{Cancelled, Ended, Entry, Kind};
use super::super::state::{AppState, Moment, Tone, View};
use super::{handing, recalling};

/// Everything that concerns the jobs view.
pub(super) fn act(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Jobs if matches!(state.view, View::Jobs) => leave(state),
        Action::Jobs => {
            state.view = View::Jobs;
            state.notices.clear();
            return handing::list(state);
        }
        Action::Cancel => return cancel(state),
        Action::OnlyFailed => state.runs.toggle_failed(),
        Action::In | Action::NextPane => state.runs.step(-1),
        _ => state.runs.step(1),
    }
    Vec::new()
}

/// Leaves the jobs view, where all could be seen.
pub(super) fn leave(state: &mut AppState) {
    state.view = View::Browse;
    state.notices.clear();
}

fn cancel(state: &mut AppState) -> Vec<Effect> {
    // the same key again means the same one
    state.runs.pin();
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
    let Some(run) = state.runs.find(ticket).filter(|run| run.result.is_none()) else { return Vec::new() };
    run.result = Some(result);
    run.ended = Some(now.clock);
    run.scroll = Default::default();
    let servers: BTreeSet<ServerName> = run.routes.iter().flat_map(|route| route.servers.iter().cloned()).collect();
    state.runs.lay(ticket);
    mark_again(state, ticket);
    no_news(state, ticket);
    // What the start of it said is over.
    state.hush();
    let mut effects = reading::read(state, servers);
    let told = told(state, ticket).map(|(tone, text)| Notice { tone, text, run: Some(ticket) });
    effects.extend(told.and_then(|notice| announce(state, notice, Entry::Run(ticket))));
    let runs = &state.runs.all;
    state.notices.forget(|of| {
        let at = runs.iter().position(|run| run.ticket == of);
        at.is_some_and(|at| runs[at].is_made_good(&runs[at + 1..]))
    });
    effects.extend(recalling::refresh(state));
    effects.extend(handing::go_on(state, ticket));
    effects
}

/// What a run did not bring as it was wanted is marked as before, unless that could mislead.
fn mark_again(state: &mut AppState, ticket: Ticket) {
    let Some(run) = state.runs.find(ticket) else { return };
    let taken = std::mem::take(&mut run.marks);
    let well: BTreeSet<(Foreign, ScopeId)> = match &run.result {
        Some(Ok(Ended::Replicated(report))) => {
            let good = |told: &RelationshipRun| {
                let scopes = told.scopes.iter().filter(|scope| scope.is_good());
                scopes.map(|scope| (told.name.clone(), scope.id)).collect::<Vec<_>>()
            };
            report.relationships.iter().flat_map(good).collect()
        }
        _ => BTreeSet::new(),
    };
    marks::put_back(state, taken, |name, id| well.contains(&(name.clone(), id)));
}

/// What a run has brought is not told as a change that was watched.
fn no_news(state: &mut AppState, ticket: Ticket) {
    let run = state.runs.all.iter().find(|run| run.ticket == ticket);
    let Some(Ok(Ended::Replicated(report))) = run.and_then(|run| run.result.as_ref()).filter(|_| state.watch.on) else {
        return;
    };
    for told in &report.relationships {
        let Some(relation) = state.relations.get_mut(&told.name) else { continue };
        let written = told.scopes.iter().filter(|scope| scope.verified.is_some() || scope.changes_done > 0);
        written.for_each(|scope| relation.news.wrote(scope.id, scope.verified == Some(true)));
    }
}

/// What has become of a run, and how good that is.
fn told(state: &AppState, ticket: Ticket) -> Option<(Tone, String)> {
    let [jobs, reset] = [Action::Jobs, Action::Reset].map(|action| state.key(action));
    let run = state.runs.all.iter().find(|run| run.ticket == ticket)?;
    let (tone, text) = match run.result.as_ref()? {
        Ok(ended) => ended.summary(&reset),
        // What was done before it failed is not known.
        Err(reason) => (Tone::Bad, format!("the run failed: {reason}; what it did is unknown until it is read back")),
    };
    Some((tone, format!("{}: {text} ({jobs} shows more)", run.title())))
}

/// Something about a run that has ended is no longer so: where it is told of, it is told as it is now.
pub(super) fn tell_anew(state: &mut AppState, ticket: Ticket) {
    if let Some((tone, text)) = told(state, ticket) {
        state.notices.revise(ticket, (tone, &text));
    }
}

/// Tells the operator, wherever they look, that something has come to its end, unless they see that.
pub(super) fn announce(state: &mut AppState, notice: Notice, of: Entry) -> Option<Effect> {
    let is_seen = state.place() == Place::Jobs && !state.drawn.too_small && state.runs.shown() == Some(of);
    match is_seen {
        true => notice.log(),
        false => state.notices.tell(notice),
    }
    state.setting.screen.bell.then_some(Effect::Bell)
}
