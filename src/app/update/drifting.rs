//! Moving through the drift of a scope: changes, sections, the whole window.

use super::super::action::Action;
use super::super::effect::Effect;
use super::super::state::{AppState, Pane};

/// Why an action of the drift pane would do nothing.
pub(in super::super) fn can(state: &AppState, action: Action) -> Result<(), String> {
    let drift = &state.drift;
    let has = |what: bool, lack: &str| if what { Ok(()) } else { Err(lack.to_owned()) };
    match action {
        Action::NextChange => has(drift.next_change(true).is_some(), "no change follows"),
        Action::PreviousChange => has(drift.next_change(false).is_some(), "no change stands before"),
        Action::Fold => has(drift.section().is_some(), "there is no section here"),
        Action::FoldAll => has(drift.has_sections(), "there is no section here"),
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
        _ => {}
    }
    Vec::new()
}
