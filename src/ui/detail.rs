//! One change or finding in full, over the lists.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::detail::Detail;
use crate::app::drawn::Window;

/// Draws the text, wrapped.
pub(super) fn draw(detail: &Detail, theme: &Theme, frame: &mut Frame<'_>, body: Rect) -> Window {
    let width = body.width.saturating_sub(4).min(110);
    let lines: Vec<String> = detail
        .paragraphs
        .iter()
        .map(|line| theme.glyphs.arrows(line))
        .flat_map(|line| text::wrap(&line, usize::from(width.saturating_sub(4))))
        .collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(body.height);
    let title = text::fit(&detail.title, usize::from(width.saturating_sub(4)), theme.glyphs.more).into_owned();
    let inside = pane::popup(frame, theme, body, width, height, &title);
    let height = usize::from(inside.height.max(1));
    let top = detail.scroll.top.min(lines.len().saturating_sub(height));
    for (line, y) in lines.iter().skip(top).zip(inside.top()..inside.bottom()) {
        text::put(frame, inside.x, y, inside.width, line, Style::new());
    }
    Window { top, height, len: lines.len(), area: inside, ..Window::default() }
}
