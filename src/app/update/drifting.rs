//! Moving through the drift of a scope, and opening what of it is not known yet.

use std::sync::Arc;

use super::super::action::{Action, Place};
use super::super::drift::{Opened, Subject};
use super::super::effect::{Effect, Texts, Ticket};
use super::super::state::{AppState, Pane, Tone};
use crate::model::ScopeId;

/// Why an action of the drift pane would do nothing.
pub(in super::super) fn can(state: &AppState, action: Action) -> Result<(), String> {
    let drift = &state.drift;
    let has = |what: bool, lack: &str| if what { Ok(()) } else { Err(lack.to_owned()) };
    let has_scope =
        || has(drift.subject.as_ref().is_some_and(|subject| subject.scope.is_some()), "there is no scope here");
    match action {
        Action::NextChange => has(drift.next_change(true).is_some(), "no change follows"),
        Action::PreviousChange => has(drift.next_change(false).is_some(), "no change stands before"),
        Action::Fold => has(drift.section().is_some(), "there is no section here"),
        Action::FoldAll => has(drift.has_sections(), "there is no section here"),
        Action::Compare if state.setting.screen.diff.is_empty() => {
            Err("no program that compares texts is configured: set diff = [\"vimdiff\"] in [screen]".to_owned())
        }
        Action::Everything | Action::Compare => has_scope(),
        _ => Ok(()),
    }
}

/// Does it.
pub(super) fn act(state: &mut AppState, action: Action) -> Vec<Effect> {
    let drift = &mut state.drift;
    match action {
        Action::NextChange | Action::PreviousChange => {
            if let Some(at) = drift.next_change(action == Action::NextChange) {
                drift.scroll.cursor = at;
            }
        }
        Action::Fold => drift.section().into_iter().for_each(|section| drift.fold(section)),
        Action::FoldAll => drift.fold_all(),
        Action::FullScreen => {
            drift.full = !drift.full;
            state.focus = Pane::Drift;
        }
        Action::Everything => {
            drift.show_everything(!drift.everything);
            let words = if drift.everything { "everything is shown" } else { "only what changes is shown" };
            state.say(Tone::Plain, words);
        }
        Action::Compare => return texts(state).into_iter().collect(),
        _ => {}
    }
    Vec::new()
}

/// Opens the scope that is shown, where everything of it is to be shown: one at a time, for each may
/// be large and the cursor may be on its way.
pub(super) fn open(state: &mut AppState) -> Option<Effect> {
    let subject = state.drift.unopened()?.clone();
    let (at, source, id) = place(state, &subject)?;
    let ticket = state.ticket();
    state.drift.opening = Some((ticket, subject));
    Some(Effect::Open(ticket, Arc::clone(&state.survey), at, source, id))
}

/// The relationship and the source of what is shown, as places in the survey.
fn place(state: &AppState, subject: &Subject) -> Option<(usize, usize, ScopeId)> {
    let name = &subject.compared.drift.name;
    let at = state.survey.relationships.iter().position(|relationship| relationship.name == *name)?;
    Some((at, state.source_member(&state.survey.relationships[at]), subject.scope?))
}

fn texts(state: &mut AppState) -> Option<Effect> {
    let (at, source, id) = place(state, state.drift.subject.as_ref()?)?;
    let ticket = state.ticket();
    state.drift.comparing = Some(ticket);
    Some(Effect::Texts(ticket, Arc::clone(&state.survey), at, source, id))
}

/// Gives the texts of both sides away, unless the operator has gone elsewhere meanwhile.
pub(super) fn compare(state: &mut AppState, ticket: Ticket, texts: Arc<Texts>) -> Vec<Effect> {
    let is_here = matches!(state.place(), Place::Relationships | Place::Scopes | Place::Drift);
    if !is_here || state.drift.comparing != Some(ticket) {
        return Vec::new();
    }
    vec![Effect::View(ticket, texts, state.setting.screen.diff.clone())]
}

/// What was opened could not be, or the program that compares could not be started.
pub(super) fn failed(state: &mut AppState, ticket: Ticket, reason: &str) -> bool {
    if state.drift.comparing == Some(ticket) {
        state.say(Tone::Bad, reason);
        return true;
    }
    let is_opening = state.drift.opening.as_ref().is_some_and(|(opening, _)| *opening == ticket);
    state.drift.opened(ticket, Opened::Failed(reason.to_owned()));
    is_opening
}
