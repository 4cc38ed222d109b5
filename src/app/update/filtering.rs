//! Typing a filter for the focused list.

use crossterm::event::KeyCode;

use super::super::key::Key;
use super::super::reading;
use super::super::state::{AppState, Pane};

/// Nobody types more; a paste might.
const LONGEST: usize = 200;

/// Whether a key is for the list or the program even while a filter is typed.
pub(super) fn leaves_typing(key: Key) -> bool {
    let moves = [KeyCode::Up, KeyCode::Down, KeyCode::PageUp, KeyCode::PageDown];
    moves.into_iter().any(|code| key.is(code))
        || ["Ctrl-c", "Ctrl-z", "Ctrl-l"].iter().any(|text| text.parse() == Ok(key))
}

/// Takes a key into the filter.
pub(super) fn key(state: &mut AppState, key: Key) {
    if key.is(KeyCode::Enter) {
        state.filtering = false;
    } else if key.is(KeyCode::Esc) {
        state.filtering = false;
        change(state, String::clear);
    } else if key.is(KeyCode::Backspace) {
        change(state, |filter| {
            filter.pop();
        });
    } else if "Ctrl-u".parse() == Ok(key) {
        change(state, String::clear);
    } else if let Some(c) = key.typed() {
        change(state, |filter| push(filter, c));
    }
}

/// Takes pasted text into the filter, where one is being typed; else nothing happens.
pub(super) fn paste(state: &mut AppState, text: &str) {
    if state.filtering {
        change(state, |filter| text.chars().for_each(|c| push(filter, c)));
    }
}

fn push(filter: &mut String, c: char) {
    if !c.is_control() && filter.chars().count() < LONGEST {
        filter.push(c);
    }
}

/// Changes the filter of the focused list. The cursor stays on its line if that is shown.
pub(super) fn change(state: &mut AppState, change: impl FnOnce(&mut String)) {
    if state.focus == Pane::Relationships {
        change(&mut state.left_list.filter);
        reading::rebuild_left(state);
        return;
    }
    let Some(relation) = state.current_mut() else { return };
    change(&mut relation.scopes.filter);
    relation.refilter();
}
