//! The menu of what can be copied, over everything but the help.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::action::{Action, VERBS};
use crate::app::copy::{self, Offer, What};
use crate::app::drawn::Window;
use crate::app::list::window;
use crate::app::state::AppState;

/// Columns of the keys.
const KEYS: usize = 3;

/// Draws the menu, with its cursor on this line.
pub(super) fn draw(state: &AppState, cursor: usize, theme: &Theme, frame: &mut Frame<'_>, body: Rect) -> Window {
    let offers = copy::offers(state);
    let cursor = cursor.min(offers.len().saturating_sub(1));
    let width = body.width.saturating_sub(4).min(80);
    // inside the frame, behind the keys
    let room = usize::from(width.saturating_sub(2)).saturating_sub(KEYS + 1);
    let cut = |offer: &Offer| Some(words(offer)).filter(|words| text::width(words) > room);
    let below = pane::lines_of_cut(offers.iter().filter_map(cut), width.saturating_sub(2));
    let height = u16::try_from(offers.len()).unwrap_or(u16::MAX).saturating_add(2 + below).min(body.height);
    let (inside, foot) = pane::split_foot(pane::popup(frame, theme, body, width, height, "copy"), below);
    let top = window(0, cursor, offers.len(), usize::from(inside.height));
    for ((at, offer), y) in offers.iter().enumerate().skip(top).zip(inside.top()..inside.bottom()) {
        line(state, theme, frame, Rect { y, height: 1, ..inside }, offer);
        if at == cursor {
            pane::shade(frame, inside, y, theme.cursor);
        }
    }
    if let Some(words) = offers.get(cursor).and_then(cut) {
        pane::tell_cut(frame, theme, foot, &words, theme.quiet);
    }
    let height = usize::from(inside.height.max(1));
    let window = Window { top, height, len: offers.len(), area: inside, ..Window::default() };
    let head = Rect { y: inside.y.saturating_sub(1), width: inside.width.saturating_sub(2), ..inside };
    pane::extent(frame, theme, head, window);
    window
}

/// What it copies, or why it cannot.
fn words(offer: &Offer) -> String {
    match &offer.can {
        Ok(()) => offer.words.clone(),
        Err(reason) => format!("{}: {reason}", offer.words),
    }
}

fn line(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, offer: &Offer) {
    let [style, key_style] = match offer.can {
        Ok(()) => [Style::new(), theme.key],
        Err(_) => [theme.unavailable; 2],
    };
    let key = key(state, offer.what);
    let x = text::put(frame, area.x, area.y, area.width, &format!("{key:<KEYS$} "), key_style);
    let room = area.right().saturating_sub(x);
    text::put(frame, x, area.y, room, &text::fit(&words(offer), usize::from(room), theme.glyphs.more), style);
}

/// The key that copies this; cells have none but that of the cursor.
fn key(state: &AppState, what: What) -> String {
    let action = match what {
        What::Cell(_) => return String::new(),
        What::Row => Action::CopyRow,
        What::Marked => Action::CopyMarked,
        What::Text => Action::CopyText,
        What::Json => Action::CopyJson,
        What::Command => Action::CopyCommand,
        What::Cmdlet => Action::CopyCmdlet,
    };
    let verb = VERBS.iter().find(|verb| verb.action == action);
    let keys = verb.map_or(&[][..], |verb| state.setting.keymap.of(verb));
    keys.first().map(ToString::to_string).unwrap_or_default()
}
