//! What all panes share: a rule with a title, rows, a cursor, a hint that there is more.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::Theme;
use super::text;
use crate::app::drawn::Window;

/// What is cut off of a line takes at most so many of its own.
const MOST_OF_CUT: u16 = 3;

/// Draws the rule with the title and returns the room below it.
pub(super) fn head(frame: &mut Frame<'_>, theme: &Theme, area: Rect, title: &str, focused: bool) -> Rect {
    let rule = theme.glyphs.horizontal.repeat(usize::from(area.width));
    text::put(frame, area.x, area.y, area.width, &rule, theme.quiet);
    let style = if focused { theme.focused } else { theme.heading };
    let title = text::fit(title, usize::from(area.width.saturating_sub(4)), theme.glyphs.more);
    // Reverse video alone would be lost where a terminal shows none.
    let title = if focused { format!("[{title}]") } else { format!(" {title} ") };
    text::put(frame, area.x + 1, area.y, area.width.saturating_sub(1), &title, style);
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

/// A vertical rule at the right edge; returns the room left of it.
pub(super) fn divide(frame: &mut Frame<'_>, theme: &Theme, area: Rect) -> Rect {
    let x = area.right().saturating_sub(1);
    for y in area.top()..area.bottom() {
        text::put(frame, x, y, 1, theme.glyphs.vertical, theme.quiet);
    }
    Rect { width: area.width.saturating_sub(2), ..area }
}

/// Says at the right end of the pane's rule which lines are shown, where there are more.
pub(super) fn extent(frame: &mut Frame<'_>, theme: &Theme, head: Rect, window: Window) {
    if window.len <= window.height {
        return;
    }
    let last = (window.top + window.height).min(window.len);
    let label = format!(" {}-{last} of {} ", window.top + 1, window.len);
    let width = u16::try_from(text::width(&label)).unwrap_or(0);
    if width + 12 < head.width {
        let x = head.right() - width;
        let before = frame.buffer_mut().cell(Position::new(x.saturating_sub(1), head.y)).cloned();
        text::put(frame, x, head.y, width, &label, theme.quiet);
        // a title that goes on below it
        if let Some(cell) = before.filter(|cell| ![theme.glyphs.horizontal, " "].contains(&cell.symbol())) {
            let sign = theme.glyphs.more;
            let columns = u16::try_from(text::width(sign)).unwrap_or(1);
            text::put(frame, x.saturating_sub(columns), head.y, columns, sign, cell.style());
        }
    }
}

/// How many lines the longest of these texts takes that is cut off, at most as many as are worth the room.
pub(super) fn lines_of_cut(cut: impl IntoIterator<Item = String>, columns: u16) -> u16 {
    let lines = cut.into_iter().map(|words| text::wrap(&words, columns.into()).len()).max().unwrap_or(0);
    u16::try_from(lines).unwrap_or(u16::MAX).min(MOST_OF_CUT)
}

/// Says in full, in the last lines of a popup, what of the highlighted line is cut off.
pub(super) fn tell_cut(frame: &mut Frame<'_>, theme: &Theme, foot: Rect, words: &str, style: Style) {
    let lines = text::wrap_at_most(words, foot.width.into(), foot.height.into(), theme.glyphs.more);
    for (line, y) in lines.iter().zip(foot.top()..foot.bottom()) {
        text::put(frame, foot.x, y, foot.width, line, style);
    }
}

/// Splits so many lines off at the bottom.
pub(super) fn split_foot(area: Rect, lines: u16) -> (Rect, Rect) {
    let height = area.height.saturating_sub(lines);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// Lays a style over a whole row.
pub(super) fn shade(frame: &mut Frame<'_>, area: Rect, y: u16, style: Style) {
    for x in area.left()..area.right() {
        if let Some(cell) = frame.buffer_mut().cell_mut(Position::new(x, y)) {
            cell.set_style(style);
        }
    }
}

/// A box in the middle, emptied, with a frame of rules above and below.
pub(super) fn popup(frame: &mut Frame<'_>, theme: &Theme, body: Rect, width: u16, height: u16, title: &str) -> Rect {
    use ratatui::widgets::{Block, BorderType, Clear};
    let width = width.min(body.width);
    let height = height.min(body.height);
    let area = Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 2, width, height };
    frame.render_widget(Clear, area);
    let mut block = Block::bordered().title(format!("[{title}]")).title_style(theme.focused);
    if theme.glyphs == super::Glyphs::ASCII {
        block = block.border_set(ratatui::symbols::border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        });
    } else {
        block = block.border_type(BorderType::Plain);
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}
