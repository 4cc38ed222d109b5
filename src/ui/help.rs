//! The help, made from the table of actions.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::action::Action;
use crate::app::drawn::Window;
use crate::app::help::HelpView;
use crate::app::state::AppState;

/// Columns of the keys.
const KEYS: usize = 15;

/// Draws the help over everything.
pub(super) fn draw(state: &AppState, help: &HelpView, theme: &Theme, frame: &mut Frame<'_>, body: Rect) -> Window {
    let inside = pane::popup(frame, theme, body, body.width.min(100), body.height, &help.title());
    let width = usize::from(inside.width);
    let mut lines: Vec<(String, Style)> = Vec::new();
    for (keys, places, about) in help.lines(&state.setting.keymap, state.beneath()) {
        let text = text::wrap(&format!("{about} ({places})"), width.saturating_sub(KEYS));
        for (at, line) in text.into_iter().enumerate() {
            let keys = if at == 0 { keys.as_str() } else { "" };
            lines.push((format!("{keys:<KEYS$}{line}"), Style::new()));
        }
    }
    lines.extend(
        help.notes(&state.setting.keymap)
            .iter()
            .flat_map(|note| text::wrap(note, width))
            .map(|line| (line, theme.quiet)),
    );
    let height = usize::from(inside.height.max(1));
    if lines.is_empty() {
        let words = format!("nothing in it fits the filter ({} takes it away)", state.key(Action::Back));
        lines.push((words, theme.quiet));
    }
    let top = help.scroll.top.min(lines.len().saturating_sub(height));
    for ((line, style), y) in lines.iter().skip(top).zip(inside.top()..inside.bottom()) {
        text::put(frame, inside.x, y, inside.width, line, *style);
    }
    let window = Window { top, height, len: lines.len(), area: inside, ..Window::default() };
    pane::extent(frame, theme, Rect { width: inside.width.saturating_sub(2), y: body.y, ..inside }, window);
    window
}
