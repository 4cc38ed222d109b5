//! The history: opening it, reading on, looking into a run, undoing one.

use std::sync::Arc;

use super::super::action::Action;
use super::super::effect::{Effect, Ticket, ToldScope};
use super::super::history::{Fate, Level, Older, Opened, Page, PastRun, PastScope, RunDetail};
use super::super::list::Scroll;
use super::super::notice::Notice;
use super::super::state::{AppState, Tone, View};
use super::filtering;
use crate::engine::port::RunKind;
use crate::show::ScopeNames;

/// Opens the history, or closes it. Where an interrupted run waits, the cursor goes there.
pub(super) fn toggle(state: &mut AppState) -> Vec<Effect> {
    let covered = !matches!(state.view, View::Browse);
    state.view = View::Browse;
    if state.history.open && !covered {
        state.history.open = false;
        return Vec::new();
    }
    state.history.open = true;
    state.history.level = Level::Runs;
    state.notices.clear();
    if let Some(run) = state.interrupted.first() {
        let seq = run.seq;
        if !state.history.list.filter.is_empty() {
            filtering::change(state, String::clear);
        }
        state.history.list.seek(seq);
    }
    refresh(state)
}

/// Reads the newest runs again, and which were interrupted: after the start, after a run, and
/// whenever somebody looks.
pub(in crate::app) fn refresh(state: &mut AppState) -> Vec<Effect> {
    let mut effects = vec![Effect::Interrupted(state.ticket())];
    if let Some(fleet) = state.fleet.clone() {
        let servers = fleet.servers().iter().map(|server| server.name().clone()).collect();
        effects.push(Effect::Unsaved(state.ticket(), servers));
    }
    if !state.history.open {
        return effects;
    }
    let ticket = state.ticket();
    let view = &mut state.history;
    match view.older {
        Older::Unread | Older::Failed(_) => view.older = Older::Reading(ticket),
        // What is being read from the top is new enough.
        Older::Reading(_) if view.runs.is_empty() => return effects,
        _ => effects.extend(view.fresh.replace(ticket).map(Effect::Abandon)),
    }
    effects.push(Effect::Runs(ticket, None, view.list.filter.clone()));
    effects
}

/// Reads older runs when the cursor comes near them.
pub(super) fn read_on(state: &mut AppState) -> Vec<Effect> {
    if !state.history.open {
        return Vec::new();
    }
    let Some(before) = state.history.wanted() else { return Vec::new() };
    let ticket = state.ticket();
    state.history.older = Older::Reading(ticket);
    vec![Effect::Runs(ticket, Some(before), state.history.list.filter.clone())]
}

/// The filter of the runs has changed: they are read anew.
pub(super) fn refilter(state: &mut AppState) -> Vec<Effect> {
    let ticket = state.ticket();
    let view = &mut state.history;
    view.runs.clear();
    let mut effects: Vec<Effect> = view.fresh.take().map(Effect::Abandon).into_iter().collect();
    if let Older::Reading(old) = std::mem::replace(&mut view.older, Older::Reading(ticket)) {
        effects.push(Effect::Abandon(old));
    }
    effects.push(Effect::Runs(ticket, None, view.list.filter.clone()));
    effects
}

/// A page was read.
pub(super) fn listed(state: &mut AppState, ticket: Ticket, page: Page) {
    state.history.take(ticket, page);
}

/// The runs that wait were read: whoever has not heard of them does now.
pub(super) fn interrupted(state: &mut AppState, ticket: Ticket, runs: Vec<PastRun>) -> Vec<Effect> {
    if let Some((_, run)) = state.history.leaving.take_if(|(leaving, _)| *leaving == ticket) {
        state.history.level = Level::Runs;
        state.say(Tone::Plain, format!("run {run} is left as it is: it no longer waits"));
    }
    let known = |run: &PastRun| state.interrupted.iter().any(|old| old.id == run.id);
    if let Some(run) = runs.iter().find(|run| !known(run)).filter(|_| !state.history.open) {
        let more = if runs.len() > 1 { format!(" (and {} more)", runs.len() - 1) } else { String::new() };
        let (key, run) = (state.key(Action::History), run.begun_by(&state.setting.zone()));
        let text = format!("a run was interrupted{more}, {key} opens it: {run}");
        if state.notices.is_empty() {
            state.notices.tell(Notice { tone: Tone::Warning, text, run: None });
        }
    }
    let settled = state.interrupted.iter().any(|old| runs.iter().all(|run| run.id != old.id));
    state.interrupted = runs;
    // What the list says of one that no longer waits is old.
    if settled && state.history.open && state.history.fresh.is_none() { refresh(state) } else { Vec::new() }
}

/// The scopes of a run were read.
pub(super) fn opened(state: &mut AppState, ticket: Ticket, detail: Result<Arc<RunDetail>, String>) {
    let Some(opened) = state.history.opened.as_mut().filter(|opened| opened.ticket == ticket) else { return };
    opened.detail = Some(detail);
    opened.refilter();
    let told = std::mem::take(&mut opened.told);
    let run = opened.run.id.clone();
    if let Some((scopes, service)) = told {
        self::told(state, &run, scopes, service);
    }
}

/// The servers of an interrupted run have told how far it came: also of scopes that it had not
/// come to.
pub(super) fn told(state: &mut AppState, run: &str, scopes: Vec<ToldScope>, service: Vec<String>) {
    let names = ScopeNames::of_ids(scopes.iter().map(|scope| scope.id));
    let Some(opened) = state.history.opened.as_mut().filter(|opened| opened.run.id == run) else { return };
    let Some(Ok(detail)) = &mut opened.detail else {
        // It was faster than the disk.
        opened.told = Some((scopes, service));
        return;
    };
    let detail = Arc::make_mut(detail);
    detail.remarks.extend(service);
    for told in scopes {
        let known = detail.scopes.iter_mut().find(|scope| scope.id == told.id && scope.target == told.target);
        let standing = Some((told.words, told.is_done));
        match known {
            Some(scope) => (scope.told, scope.message) = (standing, told.message),
            None => detail.scopes.push(PastScope {
                id: told.id,
                name: names.name(told.id),
                target: told.target,
                relationship: told.relationship,
                outcome: None,
                told: standing,
                saved: None,
                message: told.message,
                kept: None,
            }),
        }
    }
    detail.scopes.sort_by(|a, b| (&a.target, a.id).cmp(&(&b.target, b.id)));
    opened.refilter();
}

/// Whether a job that failed was one of these.
pub(super) fn failed(state: &mut AppState, ticket: Ticket, reason: &str) -> bool {
    let view = &mut state.history;
    if view.older == Older::Reading(ticket) {
        view.older = Older::Failed(reason.to_owned());
        return true;
    }
    if view.fresh == Some(ticket) {
        view.fresh = None;
        state.say(Tone::Bad, format!("the history could not be read again: {reason}"));
        return true;
    }
    if let Some((_, run)) = view.leaving.take_if(|(leaving, _)| *leaving == ticket) {
        state.say(Tone::Bad, format!("run {run} still waits: {reason}"));
        return true;
    }
    if view.opened.as_ref().is_some_and(|opened| opened.ticket == ticket) {
        opened(state, ticket, Err(reason.to_owned()));
        return true;
    }
    false
}

/// Everything that moves about in the history.
pub(super) fn act(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Enter | Action::In => return enter(state),
        Action::Back => return back(state),
        Action::Out => out(state),
        Action::NextPane | Action::PreviousPane => {
            let view = &mut state.history;
            view.level = if view.level == Level::Scopes { Level::Destroyed } else { Level::Scopes };
        }
        Action::Filter => {
            state.filtering = true;
            if state.history.level == Level::Destroyed {
                state.history.level = Level::Scopes;
            }
        }
        Action::Undo => return undo(state),
        Action::Finish => return finish(state),
        Action::LeaveRun => {
            let Some(run) = state.history.subject().map(|run| run.id.clone()) else { return Vec::new() };
            if state.history.asked_to_leave.take().as_ref() != Some(&run) {
                let again = state.key(Action::LeaveRun);
                state.say(
                    Tone::Warning,
                    format!("{again} again: run {run} is left as it is, and nothing of it waits any more"),
                );
                state.history.asked_to_leave = Some(run);
                return Vec::new();
            }
            let ticket = state.ticket();
            state.history.leaving = Some((ticket, run.clone()));
            return vec![Effect::LeaveRun(ticket, run)];
        }
        _ => {}
    }
    Vec::new()
}

fn enter(state: &mut AppState) -> Vec<Effect> {
    match state.history.level {
        Level::Scopes => state.history.level = Level::Destroyed,
        Level::Destroyed => {}
        Level::Runs => {
            let Some(run) = state.history.current().cloned() else { return Vec::new() };
            let ticket = state.ticket();
            let view = &mut state.history;
            view.level = Level::Scopes;
            let known = view.opened.as_ref().filter(|opened| opened.run == run && opened.run.fate == Fate::Ended);
            if known.is_some_and(|opened| opened.detail().is_some()) {
                return Vec::new();
            }
            let (id, fate) = (run.id.clone(), run.fate);
            view.opened = Some(Opened::new(run, ticket));
            let mut effects = vec![Effect::OpenRun(ticket, id.clone())];
            if fate == Fate::Interrupted {
                effects.push(Effect::Tell(state.ticket(), id));
            }
            return effects;
        }
    }
    Vec::new()
}

fn out(state: &mut AppState) {
    let view = &mut state.history;
    view.level = if view.level == Level::Destroyed { Level::Scopes } else { Level::Runs };
}

fn back(state: &mut AppState) -> Vec<Effect> {
    let view = &state.history;
    let filtered = match view.level {
        Level::Runs => !view.list.filter.is_empty(),
        Level::Scopes => view.opened.as_ref().is_some_and(|opened| !opened.scopes.filter.is_empty()),
        Level::Destroyed => false,
    };
    if filtered {
        return filtering::change(state, String::clear);
    }
    match view.level {
        Level::Runs => state.history.open = false,
        _ => out(state),
    }
    Vec::new()
}

/// Moves the cursor of what the keys go to.
pub(super) fn scroll(state: &mut AppState, distance: impl Fn(usize) -> isize) {
    let view = &mut state.history;
    match (view.level, &mut view.opened) {
        (Level::Runs, _) => view.list.step(&view.runs, distance(view.list.height)),
        (Level::Scopes, Some(opened)) => {
            opened.scopes.step(&opened.shown, distance(opened.scopes.height));
            opened.scroll = Scroll { height: opened.scroll.height, ..Scroll::default() };
        }
        (Level::Destroyed, Some(opened)) => opened.scroll.pan(distance(opened.scroll.height)),
        _ => {}
    }
}

/// Whether the highlighted run, or the scope of it, can be undone; `Err` tells why not.
pub(in crate::app) fn can_undo(state: &AppState) -> Result<(), String> {
    let view = &state.history;
    let run = view.subject().ok_or("there is no run here")?;
    match (&run.kind, run.fate) {
        (RunKind::Reset, _) => return Err("a reset cannot be undone: it wrote no scope".into()),
        (_, Fate::UnderWay) => {
            return Err(format!("it is still under way: {} shows how far it is", state.key(Action::Jobs)));
        }
        (_, Fate::Ended) if run.written() == 0 => return Err("it wrote nothing: there is nothing to undo".into()),
        _ => {}
    }
    if view.level == Level::Runs {
        return Ok(());
    }
    let scope = view.opened.as_ref().and_then(Opened::current).ok_or("there is no scope here")?;
    match scope.can_be_undone() {
        true => Ok(()),
        false => Err(format!("nothing was written to {}: there is nothing to undo", scope.name)),
    }
}

/// Has a plan made back to the snapshot of the run, or of one scope of it: shown and asked about, always.
fn undo(state: &mut AppState) -> Vec<Effect> {
    let Some(run) = state.history.subject().map(|run| run.id.clone()) else { return Vec::new() };
    let scope = match (&state.history.level, &state.history.opened) {
        (Level::Scopes | Level::Destroyed, Some(opened)) => opened.current(),
        _ => None,
    };
    let (scope, what) = match scope {
        Some(scope) => (Some((scope.target.clone(), scope.id)), format!("scope {} of {}", scope.name, scope.target)),
        None => (None, "all its scopes".to_owned()),
    };
    let ticket = state.ticket();
    state.view = planned(ticket, format!("undo of run {run}: {what}, back to the snapshot"));
    vec![Effect::PlanUndo(ticket, Arc::clone(&state.survey), run, scope)]
}

/// Whether the highlighted run can be finished, or left; `Err` tells why not.
pub(in crate::app) fn can_settle(state: &AppState, action: Action) -> Result<(), String> {
    let run = state.history.subject().ok_or("there is no run here")?;
    match (run.fate, &run.kind) {
        (Fate::Interrupted, RunKind::Reset) if action == Action::Finish => {
            let (reset, leave) = (state.key(Action::Reset), state.key(Action::LeaveRun));
            Err(format!(
                "it was a reset: {reset} resets the relationship again where it is terminated, {leave} leaves it"
            ))
        }
        (Fate::Interrupted, RunKind::Verification) if action == Action::Finish => {
            Err("it was a verification: undo it, which puts its scope back, or leave it".into())
        }
        (Fate::Interrupted, _) => Ok(()),
        (Fate::UnderWay, _) => Err("it is still under way".into()),
        (Fate::Ended | Fate::Settled, _) => Err("it does not wait: it has ended, or was settled".into()),
    }
}

fn planned(ticket: Ticket, picked: String) -> View {
    View::Planning { ticket, picked, waits_for: "the servers of that run".to_owned(), asks: true, from_jobs: false }
}

/// Has a plan made of what an interrupted run had not come to: shown and asked about, always.
fn finish(state: &mut AppState) -> Vec<Effect> {
    let Some(run) = state.history.subject().map(|run| run.id.clone()) else { return Vec::new() };
    let ticket = state.ticket();
    state.view = planned(ticket, format!("the rest of run {run}"));
    vec![Effect::PlanFinish(ticket, run)]
}
