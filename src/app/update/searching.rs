//! Searching in the drift and in the preview.

use std::collections::BTreeSet;

use super::super::action::{Action, Place};
use super::super::drift;
use super::super::list::Scroll;
use super::super::search::Search;
use super::super::state::{AppState, Tone, View};

/// What is searched for in the text that the keys go to, and that text's cursor and length.
fn here(state: &mut AppState) -> Option<(&mut Search, &mut Scroll, usize)> {
    match (state.place(), &mut state.view) {
        (Place::Drift, _) => {
            let pane = &mut state.drift;
            Some((&mut pane.search, &mut pane.scroll, pane.rows.len()))
        }
        (Place::Preview, View::Preview(preview)) => {
            Some((&mut preview.search, &mut preview.scroll, preview.rows.len()))
        }
        _ => None,
    }
}

/// Changes what is searched for: the cursor goes to the first match from where it is.
pub(super) fn change(state: &mut AppState, change: impl FnOnce(&mut String)) {
    let Some((search, ..)) = here(state) else { return };
    search.change(change);
    settle(state);
    let Some((search, scroll, len)) = here(state) else { return };
    if let Some(at) = search.first(scroll.position(len)) {
        scroll.cursor = at;
    }
}

/// Looks through texts that have changed, and opens what is folded where something is found.
pub(super) fn settle(state: &mut AppState) {
    if let View::Preview(preview) = &mut state.view {
        preview.look();
    }
    if std::mem::take(&mut state.drift.search.unfolds) {
        let folded = state.drift.folded.clone();
        state.drift.open_only(if state.drift.search.is_on() { folded } else { BTreeSet::new() });
        if !state.drift.opened.is_empty() {
            look(state);
            let pane = &state.drift;
            let found: BTreeSet<_> = pane.search.lines().iter().filter_map(|at| pane.section_of(*at)).collect();
            let opened = pane.opened.intersection(&found).copied().collect();
            state.drift.open_only(opened);
        }
    }
    if state.drift.search.is_stale {
        look(state);
    }
}

fn look(state: &mut AppState) {
    let mut search = std::mem::take(&mut state.drift.search);
    search.look(state.drift.rows.iter().map(|row| drift::searched(state, *row)));
    state.drift.search = search;
}

/// Whether there is a match to go to; `Err` tells why not.
pub(in super::super) fn can(state: &AppState) -> Result<(), String> {
    let search = match (state.beneath(), &state.view) {
        (Place::Preview, View::Preview(preview)) => &preview.search,
        _ => &state.drift.search,
    };
    if !search.is_on() {
        return Err(format!("nothing is searched for: {} begins", state.key(Action::Filter)));
    }
    match search.lines().is_empty() {
        true => Err(format!("nothing is found of {}", search.text)),
        false => Ok(()),
    }
}

/// Goes to the next match or the one before.
pub(super) fn step(state: &mut AppState, down: bool) {
    let Some((search, scroll, len)) = here(state) else { return };
    let Some((at, is_round)) = search.next(scroll.position(len), down) else { return };
    scroll.cursor = at;
    let round = match (is_round, down) {
        (false, _) => "",
        (true, true) => ", round to the first",
        (true, false) => ", round to the last",
    };
    let words = format!("/{}: {}{round}", search.text, search.count(at));
    tell(state, &words);
}

/// The line that is typed is done: the search stays until it is taken away.
pub(super) fn keep(state: &mut AppState) {
    let Some((search, scroll, len)) = here(state).filter(|(search, ..)| search.is_on()) else { return };
    let words = format!("/{}: {}", search.text, search.count(scroll.position(len)));
    tell(state, &words);
}

fn tell(state: &mut AppState, words: &str) {
    let [next, previous] = [Action::NextMatch, Action::PreviousMatch].map(|action| state.key(action));
    state.say(Tone::Plain, format!("{words} ({next} next, {previous} the one before, Esc takes it away)"));
}

/// Takes away what is searched for; `false` where nothing is.
pub(super) fn clear(state: &mut AppState) -> bool {
    let is_typed = here(state).is_some_and(|(search, ..)| !search.text.is_empty());
    if is_typed {
        state.hush();
        change(state, String::clear);
    }
    is_typed
}
