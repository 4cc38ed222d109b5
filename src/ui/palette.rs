//! The command palette, over the lists.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::drawn::Window;
use crate::app::palette::{self, Entry, Palette};
use crate::app::state::AppState;

/// Columns of the names.
const NAMES: usize = 17;

/// Columns of the keys.
const KEYS: usize = 9;

/// Draws the palette: what is typed, and below it what fits.
pub(super) fn draw(state: &AppState, palette: &Palette, theme: &Theme, frame: &mut Frame<'_>, body: Rect) -> Window {
    let width = body.width.min(100);
    let inside = pane::popup(frame, theme, body, width, body.height.min(20), "command");
    text::put(frame, inside.x, inside.y, inside.width, &format!(":{}_", palette.typed), theme.heading);
    let list = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    let entries = palette::entries(state, &palette.typed);
    let cut = |entry: &Entry| (text::width(&line(state, entry)) > usize::from(list.width)).then(|| words(entry));
    let below = pane::lines_of_cut(entries.iter().filter_map(cut), list.width);
    let (list, foot) = pane::split_foot(list, below);
    let height = usize::from(list.height.max(1));
    let top = palette.scroll.window(entries.len(), height);
    let cursor = palette.scroll.position(entries.len());
    for ((at, entry), y) in entries.iter().enumerate().skip(top).zip(list.top()..list.bottom()) {
        let style = if entry.refused.is_none() { Style::new() } else { theme.unavailable };
        let line = line(state, entry);
        text::put(frame, list.x, y, list.width, &text::fit(&line, usize::from(list.width), theme.glyphs.more), style);
        if at == cursor {
            pane::shade(frame, list, y, theme.cursor);
        }
    }
    if let Some(words) = entries.get(cursor).and_then(cut) {
        pane::tell_cut(frame, theme, foot, &words, theme.quiet);
    }
    if entries.is_empty() {
        text::put(frame, list.x, list.y, list.width, "no action is called so", theme.quiet);
    }
    Window { top, height, len: entries.len(), area: list, ..Window::default() }
}

/// What an action does, or why it cannot be taken now.
fn words(entry: &Entry) -> String {
    match &entry.refused {
        None => entry.verb.about.to_owned(),
        Some(reason) => format!("not now: {reason}"),
    }
}

fn line(state: &AppState, entry: &Entry) -> String {
    let keys = state.setting.keymap.of(entry.verb).first().map(ToString::to_string).unwrap_or_default();
    let danger = if entry.verb.dangerous { "!" } else { " " };
    format!("{danger} {:<NAMES$} {keys:<KEYS$} {}", entry.verb.name, words(entry))
}
