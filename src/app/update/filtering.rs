//! Typing a filter for the focused list.

use crossterm::event::KeyCode;

use super::super::action::Action;
use super::super::effect::Effect;
use super::super::filter::{self, Typed};
use super::super::fleet;
use super::super::key::Key;
use super::super::list::Scroll;
use super::super::state::{AppState, Tone};
use super::{commanding, recalling, searching};

/// Nobody types more; a paste might.
const LONGEST: usize = 200;

/// Whether a key is for the list or the program even while a filter is typed.
pub(super) fn leaves_typing(state: &AppState, key: Key) -> bool {
    let edits = [KeyCode::Enter, KeyCode::Esc, KeyCode::Backspace].into_iter().any(|code| key.is(code));
    if edits || key.typed().is_some() || "Ctrl-u".parse() == Ok(key) {
        return false;
    }
    let does = state.setting.keymap.does(state.place(), key).map(|verb| verb.action);
    use Action::{Down, NextMatch, PageDown, PageUp, PreviousMatch, Quit, Repaint, Suspend, Up};
    matches!(does, Some(Up | Down | PageUp | PageDown | NextMatch | PreviousMatch | Quit | Suspend | Repaint))
}

/// Takes a key into the filter.
pub(super) fn key(state: &mut AppState, key: Key) -> Vec<Effect> {
    if key.is(KeyCode::Enter) {
        state.filtering = false;
        // the title has room for what is wrong, not for why
        if let Some(fault) = filter::focused(state).1.faults.first() {
            state.say(Tone::Warning, fault.to_string());
        } else {
            searching::keep(state);
        }
    } else if key.is(KeyCode::Esc) {
        state.filtering = false;
        return change(state, String::clear);
    } else if key.is(KeyCode::Backspace) {
        return change(state, |filter| {
            filter.pop();
        });
    } else if "Ctrl-u".parse() == Ok(key) {
        return change(state, String::clear);
    } else if let Some(c) = key.typed() {
        return change(state, |filter| push(filter, c));
    }
    Vec::new()
}

/// Takes pasted text into the filter, where one is being typed; else nothing happens.
pub(super) fn paste(state: &mut AppState, text: &str) -> Vec<Effect> {
    if state.is_commanding() {
        commanding::change(state, |typed| text.chars().for_each(|c| push(typed, c)));
    }
    if !state.filtering || state.is_commanding() {
        return Vec::new();
    }
    change(state, |filter| text.chars().for_each(|c| push(filter, c)))
}

pub(super) fn push(filter: &mut String, c: char) {
    if !c.is_control() && filter.chars().count() < LONGEST {
        filter.push(c);
    }
}

/// Changes the filter of the focused list, of which the cursor stays on its line if that is shown; or what is
/// searched for in the focused text, of which the cursor goes to the first match.
pub(super) fn change(state: &mut AppState, change: impl FnOnce(&mut String)) -> Vec<Effect> {
    state.hush();
    match Typed::at(state) {
        Typed::Fleet => {
            change(&mut state.tree.filter);
            fleet::filtered(state);
        }
        Typed::PastRuns => {
            change(&mut state.history.list.filter);
            return recalling::refilter(state);
        }
        Typed::PastScopes => {
            if let Some(opened) = &mut state.history.opened {
                change(&mut opened.scopes.filter);
                opened.refilter();
            }
        }
        Typed::Help => {
            if let Some(help) = &mut state.help {
                change(&mut help.filter);
                help.scroll = Scroll { height: help.scroll.height, ..Scroll::default() };
            }
        }
        Typed::Jobs => state.runs.change_filter(change),
        Typed::Log => {
            if let Some(log) = &mut state.log {
                log.change_filter(change);
            }
        }
        Typed::Drift | Typed::Preview => searching::change(state, change),
    }
    Vec::new()
}
