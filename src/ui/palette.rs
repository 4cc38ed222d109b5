//! The command palette, over the lists.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::drawn::Window;
use crate::app::palette::{self, Palette};
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
    let height = usize::from(list.height.max(1));
    let top = palette.scroll.window(entries.len(), height);
    let cursor = palette.scroll.position(entries.len());
    for ((at, entry), y) in entries.iter().enumerate().skip(top).zip(list.top()..list.bottom()) {
        let keys = state.setting.keymap.of(entry.verb).first().map(ToString::to_string).unwrap_or_default();
        let (style, words) = match &entry.refused {
            None => (Style::new(), entry.verb.about.to_owned()),
            Some(reason) => (theme.unavailable, format!("not now: {reason}")),
        };
        let danger = if entry.verb.dangerous { "!" } else { " " };
        let line = format!("{danger} {:<NAMES$} {keys:<KEYS$} {words}", entry.verb.name);
        let line = text::fit(&line, usize::from(list.width), theme.glyphs.more);
        text::put(frame, list.x, y, list.width, &line, style);
        if at == cursor {
            pane::shade(frame, list, y, theme.cursor);
        }
    }
    if entries.is_empty() {
        text::put(frame, list.x, list.y, list.width, "no action is called so", theme.quiet);
    }
    Window { top, height, len: entries.len(), area: list, ..Window::default() }
}
