//! The menu of what can be copied.

use super::super::action::Action;
use super::super::copy::{self, What};
use super::super::effect::Effect;
use super::super::state::{AppState, Tone};

/// Opens the menu, or does what a key means in it.
pub(super) fn act(state: &mut AppState, action: Action) -> Vec<Effect> {
    let chosen = match action {
        Action::Copy => {
            state.copying = Some(0);
            return Vec::new();
        }
        Action::CopyThis => highlighted(state),
        action => what(action),
    };
    // where a key copies without the menu, none is open
    state.copying = None;
    chosen.map(|what| copy(state, what)).unwrap_or_default()
}

/// Moves the cursor of the menu.
pub(super) fn scroll(state: &mut AppState, by: isize) {
    let last = copy::offers(state).len().saturating_sub(1);
    if let Some(at) = &mut state.copying {
        *at = (*at).min(last).saturating_add_signed(by).min(last);
    }
}

fn copy(state: &mut AppState, what: What) -> Vec<Effect> {
    match copy::take(state, what) {
        Ok((words, text)) => {
            // No terminal says whether it took it.
            let words = if matches!(what, What::Cell(_)) { text.clone() } else { words };
            state.say(Tone::Plain, format!("sent to the terminal's clipboard: {words}"));
            vec![Effect::Copy(text)]
        }
        Err(reason) => {
            state.say(Tone::Warning, format!("not copied: {reason}"));
            Vec::new()
        }
    }
}

fn highlighted(state: &AppState) -> Option<What> {
    let offers = copy::offers(state);
    let at = state.copying?.min(offers.len().checked_sub(1)?);
    offers.get(at).map(|offer| offer.what)
}

/// What an action copies wherever it works.
pub(in crate::app) fn what(action: Action) -> Option<What> {
    Some(match action {
        Action::CopyRow => What::Row,
        Action::CopyMarked => What::Marked,
        Action::CopyText => What::Text,
        Action::CopyJson => What::Json,
        Action::CopyCommand => What::Command,
        Action::CopyCmdlet => What::Cmdlet,
        _ => return None,
    })
}

/// Whether there is such a thing to copy; `Err` tells why not.
pub(in crate::app) fn can(state: &AppState, action: Action) -> Result<(), String> {
    let offers = copy::offers(state);
    let chosen = match action {
        Action::Copy if offers.is_empty() => return Err("there is nothing here to copy".into()),
        Action::Copy => return Ok(()),
        Action::CopyThis => highlighted(state),
        action => what(action),
    };
    let offer = offers.into_iter().find(|offer| Some(offer.what) == chosen);
    offer.map_or_else(|| Err("nothing of that kind is here".into()), |offer| offer.can)
}
