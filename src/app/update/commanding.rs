//! Typing in the palette, and taking an action from it.

use crossterm::event::KeyCode;

use super::super::effect::Effect;
use super::super::key::Key;
use super::super::list::Scroll;
use super::super::palette;
use super::super::state::{AppState, Moment, Tone};
use super::{carry_out, filtering};

/// Whether a key is text for the palette.
pub(super) fn takes(state: &AppState, key: Key) -> bool {
    let edits = key.typed().is_some() || key.is(KeyCode::Backspace) || "Ctrl-u".parse() == Ok(key);
    state.is_commanding() && edits
}

/// Takes a key into what is typed.
pub(super) fn key(state: &mut AppState, key: Key) {
    if key.is(KeyCode::Backspace) {
        change(state, |typed| {
            typed.pop();
        });
    } else if let Some(c) = key.typed() {
        change(state, |typed| filtering::push(typed, c));
    } else {
        change(state, String::clear);
    }
}

/// Changes what is typed; the cursor goes to what fits best.
pub(super) fn change(state: &mut AppState, change: impl FnOnce(&mut String)) {
    let Some(palette) = &mut state.palette else { return };
    change(&mut palette.typed);
    palette.scroll = Scroll { height: palette.scroll.height, ..Scroll::default() };
    state.hush();
}

/// Does what the cursor stands on, as its key would.
pub(super) fn choose(state: &mut AppState, now: Moment) -> Vec<Effect> {
    let Some(entry) = palette::current(state) else { return Vec::new() };
    if let Some(reason) = entry.refused {
        state.say(Tone::Warning, format!("{}: {reason}", entry.verb.name));
        return Vec::new();
    }
    state.palette = None;
    carry_out(state, entry.verb, entry.verb.name, None, now)
}
