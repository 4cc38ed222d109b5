//! What can be done right now, and why the rest cannot.

use super::action::{Action, Place};
use super::compared;
use super::filter::Filter;
use super::fleet::marks;
use super::gate::{Gate, READING_TIME};
use super::pick;
use super::runs::{self, Cancelled, Kind, Run};
use super::state::{AppState, Pane, Quitting, View};
use super::update::{copying, drifting, handing, logging, recalling, searching};
use crate::config::Grouping;
use crate::engine::approval::Manner;
use crate::show::some;

/// Whether an action would do something; `Err` tells why not.
pub fn available(state: &AppState, action: Action) -> Result<(), String> {
    match action {
        Action::Preview => pick::pickable(state),
        Action::MarkAll | Action::MarkShown | Action::Invert
            if !Filter::fleet(&state.tree.filter, &state.survey).faults.is_empty() =>
        {
            Err("the filter was not understood: mend it first, as it may show more than is meant".into())
        }
        Action::Mark if state.tree.range.is_some() => Ok(()),
        Action::Mark | Action::MarkAll => marking(state, action),
        Action::MarkShown | Action::Invert => marking_shown(state),
        Action::Range if state.tree.row().is_none() => Err("there is nothing here".into()),
        Action::Fold | Action::FoldAll if state.focus == Pane::List => match state.tree.grouping {
            Grouping::None => Err("all scopes stand in one list: nothing can be folded".into()),
            Grouping::Relationship | Grouping::Server => Ok(()),
        },
        Action::Unmark if state.marked() == 0 => Err("nothing is marked".into()),
        Action::Seen if state.relations.values().all(|relation| relation.news.count() == 0) => {
            Err("no scope is told to be new or changed".into())
        }
        Action::Swap => swap(state),
        Action::WhatIf if state.setting.read_only => Err("everything is read-only: nothing can be written".into()),
        Action::Force if state.setting.read_only => Err("everything is read-only: nothing can be written".into()),
        Action::Reload if state.reports.is_empty() => Err("there is no server".into()),
        Action::Findings if state.current().is_none() => Err("there is no relationship here".into()),
        Action::NextChange
        | Action::PreviousChange
        | Action::Fold
        | Action::FoldAll
        | Action::Everything
        | Action::Compare => drifting::can(state, action),
        Action::NextMatch | Action::PreviousMatch => searching::can(state),
        Action::Reset => reset(state),
        Action::Undo => recalling::can_undo(state),
        Action::Finish | Action::LeaveRun => recalling::can_settle(state, action),
        Action::Enter if state.beneath() == Place::History && state.history.current().is_none() => {
            Err("there is no run here".into())
        }
        _ if action.is_of_copying() => copying::can(state, action),
        Action::LogMore | Action::LogLess => logging::can(state, action),
        Action::Cancel => cancel(state),
        Action::Retry => runs::retry(state).map(drop),
        Action::OnlyFailed if state.runs.current().is_none() => Err("there is no run with scopes here".into()),
        Action::Yes | Action::YesToAll | Action::NoToAll => question(state, action),
        Action::Override => overriding(state),
        Action::AsJob => as_job(state),
        Action::LeaveOut => leaving_out(state),
        Action::Stay | Action::QuitAfterRuns | Action::QuitCancelling | Action::HandOver
            if state.quitting != Some(Quitting::Asking) =>
        {
            Err("nothing is asked".into())
        }
        Action::HandOver => handing::can_hand_over(state),
        Action::QuitCancelling if is_cut_short(state) => {
            Err(format!("it is cancelled after the request in flight: {} leaves now", state.key(Action::LeaveNow)))
        }
        Action::LeaveNow if !is_cut_short(state) => {
            let (cancel, quit) = (state.key(Action::QuitCancelling), state.key(Action::Quit));
            Err(format!("cancel first: {cancel}, then {quit} and {cancel} once more"))
        }
        _ => Ok(()),
    }
}

/// Whether nothing more can be cancelled of what is under way.
fn is_cut_short(state: &AppState) -> bool {
    state.running().all(|run| run.cancelled == Some(Cancelled::Hard))
}

fn marking(state: &AppState, action: Action) -> Result<(), String> {
    let Some((relationship, relation)) = state.current() else {
        return Err(match state.current_server() {
            Some(server) => pick::server_words(server),
            None => "there is no relationship here".into(),
        });
    };
    if let Some(reason) = &relationship.unsupported {
        return Err(reason.clone());
    }
    if relation.turned {
        return Err(format!("{} is still being compared", relationship.name));
    }
    if action == Action::Mark && state.beneath() == Place::Scopes {
        let scope = state.current_scope().ok_or("there is no scope here")?;
        if relation.marks.contains(&scope.id) {
            return Ok(());
        }
        if state.in_flight(&relationship.name).any(|id| id == scope.id) {
            return Err(format!("{} is being replicated", state.names.name(scope.id)));
        }
        return pick::can_replicate(state, scope);
    }
    if relation.tally.markable > 0 {
        return Ok(());
    }
    if state.is_stale(relationship) || relation.compared.as_ref().is_none_or(|compared| compared.pending) {
        return Err(format!("{} is still being read", relationship.name));
    }
    let filter = if relation.fits.is_some() { " among those that the filter shows" } else { "" };
    let why = relation.compared.as_ref().map(|compared| match relation.fits {
        // asked at every frame: not of each scope
        None => compared.left_out.clone(),
        Some(_) => compared.left_out(relation.shown().map(|(_, scope)| scope)),
    });
    let why = compared::left_out_words(&why.unwrap_or_default());
    Err(format!("no scope of {} can be replicated{filter}{why}", relationship.name))
}

fn marking_shown(state: &AppState) -> Result<(), String> {
    if marks::markable(state).next().is_some() {
        return Ok(());
    }
    if !state.reading.is_empty() {
        return Err(format!("still being read: {}", some(state.reading.keys())));
    }
    if state.relations.values().any(|relation| relation.comparing.is_some()) {
        return Err("drift is still being compared".into());
    }
    Err(match state.tree.filter.trim() {
        "" => "no scope can be replicated".into(),
        _ => "no scope that the filter shows can be replicated".into(),
    })
}

fn swap(state: &AppState) -> Result<(), String> {
    let Some((relationship, _)) = state.current() else { return Err("there is no relationship here".into()) };
    if let Some(reason) = &relationship.unsupported {
        return Err(reason.clone());
    }
    match relationship.members.iter().find(|member| member.server().is_none()) {
        Some(member) => Err(format!("{}: {}", member.shown(), member.absent().unwrap_or_default())),
        None => Ok(()),
    }
}

fn reset(state: &AppState) -> Result<(), String> {
    let Some((relationship, _)) = state.current() else { return Err("there is no relationship here".into()) };
    if state.setting.read_only {
        return Err("everything is read-only: nothing can be reset".into());
    }
    if let Some(reason) =
        relationship.unsupported.clone().or_else(|| relationship.members.iter().find_map(|m| m.absent()))
    {
        return Err(reason);
    }
    let is_reset =
        |run: &Run| run.kind == Kind::Reset && run.routes.iter().any(|route| route.name == relationship.name);
    if state.running().any(is_reset) {
        return Err(format!("{} is being reset", relationship.name));
    }
    match relationship.trouble() {
        Some(_) => Ok(()),
        None => Err(format!("{} is not terminated: there is nothing to reset", relationship.name)),
    }
}

fn as_job(state: &AppState) -> Result<(), String> {
    let View::Preview(preview) = &state.view else { return Err("there is no preview".into()) };
    let is_interrupted = |run: &str| state.interrupted.iter().any(|waiting| waiting.id == run);
    match preview.plan.undoes() {
        // how far it came was found out by reading its servers, and is written nowhere yet
        Some(run) if is_interrupted(run) => Err("an interrupted run is undone here, not as a job".into()),
        _ => asked(state),
    }
}

fn cancel(state: &AppState) -> Result<(), String> {
    if let Some(job) = state.runs.current_job() {
        return if job.state.is_over() { Err("this job is over".into()) } else { Ok(()) };
    }
    match state.runs.current() {
        None => Err("there is no run".into()),
        Some(run) if run.result.is_some() => Err("this run has ended".into()),
        Some(_) => Ok(()),
    }
}

/// Whether there is a question.
fn asked(state: &AppState) -> Result<(), String> {
    let (preview, manner) = match &state.view {
        View::Preview(preview) => (Some(preview), preview.manner),
        View::Reset(reset) => (None, reset.manner),
        _ => return Err("there is no preview".into()),
    };
    if manner == Manner::ShowOnly {
        return Err(match state.setting.read_only {
            true => "everything is read-only: nothing can be written".into(),
            false => {
                let (back, off) = (state.key(Action::No), state.key(Action::WhatIf));
                format!("WhatIf is on: nothing can be written ({back}, then {off} turns it off)")
            }
        });
    }
    if let View::Reset(reset) = &state.view
        && !reset.is_asking()
    {
        return Err("the reset is refused: the reasons stand in the text".into());
    }
    if preview.is_some_and(|preview| preview.overriding.is_some()) {
        return Err("the plan is being made anew".into());
    }
    if preview.is_some_and(|preview| preview.asking().is_none()) {
        return Err("nothing of this plan can be written".into());
    }
    Ok(())
}

fn question(state: &AppState, action: Action) -> Result<(), String> {
    asked(state)?;
    if action != Action::NoToAll && !state.gate().is_some_and(Gate::is_open) {
        let time = READING_TIME.as_millis();
        return Err(format!("answers count {time} ms after the question is on the screen: read it, then press again"));
    }
    Ok(())
}

fn leaving_out(state: &AppState) -> Result<(), String> {
    let View::Preview(preview) = &state.view else { return Err("there is no preview".into()) };
    if preview.overriding.is_some() && !preview.is_leaving_out {
        return Err("the plan is being made anew".into());
    }
    preview.toggled().map(drop)
}

fn overriding(state: &AppState) -> Result<(), String> {
    if let View::Reset(reset) = &state.view {
        let nothing = || "nothing stands here that can be overridden".to_owned();
        return (!reset.plan.overridable().is_empty()).then_some(()).ok_or_else(nothing);
    }
    let View::Preview(preview) = &state.view else { return Err("there is no preview".into()) };
    if preview.overriding.is_some() {
        return Err("the plan is being made anew".into());
    }
    preview.next_overrides().map(drop).ok_or_else(|| "nothing in this plan can be overridden".into())
}
