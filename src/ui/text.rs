//! Text that fits.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::style::Style;
use unicode_width::UnicodeWidthChar;

use crate::model::Foreign;
use crate::show::on_screen;
pub(super) use crate::show::{width, wrap};

/// The text, cut off with a sign where it is too long.
pub(super) fn fit<'a>(text: &'a str, columns: usize, more: &str) -> Cow<'a, str> {
    let text = on_screen(text);
    if text.len() <= columns || width(&text) <= columns {
        return text;
    }
    let room = columns.saturating_sub(width(more));
    let mut cut = String::with_capacity(columns + 4);
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        cut.push(c);
    }
    if width(more) <= columns {
        cut.push_str(more);
    }
    Cow::Owned(cut)
}

/// Breaks a text into at most so many lines; what is left is cut off with a sign.
pub(super) fn wrap_at_most(text: &str, columns: usize, most: usize, more: &str) -> Vec<String> {
    let mut lines = wrap(text, columns);
    if lines.len() > most.max(1) {
        let rest = lines.split_off(most.max(1) - 1).join(" ");
        lines.push(fit(&rest, columns, more).into_owned());
    }
    lines
}

/// The text without its first columns.
pub(super) fn skip(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        if used >= columns {
            return &text[at..];
        }
        used += c.width().unwrap_or(0);
    }
    if used >= columns && columns == 0 { text } else { "" }
}

/// Writes a text into a row, over whatever stands there; returns the column behind it.
pub(super) fn put(frame: &mut Frame<'_>, x: u16, y: u16, columns: u16, text: &str, style: Style) -> u16 {
    let area = frame.area();
    if y >= area.bottom() || x >= area.right() {
        return x;
    }
    let columns = usize::from(columns.min(area.right() - x));
    frame.buffer_mut().set_stringn(x, y, on_screen(text), columns, Style::reset().patch(style)).0
}

/// A line that is being typed, of which the end is shown.
pub(super) fn typed(lead: &str, entry: &str, columns: usize) -> String {
    let typed = on_screen(&Foreign::cleaned(entry)).into_owned();
    let hidden = width(&typed).saturating_sub(columns.saturating_sub(width(lead) + 1));
    format!("{lead}{}_", skip(&typed, hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_and_says_that_there_is_more() {
        assert_eq!(fit("abcdef", 6, "…"), "abcdef");
        assert_eq!(fit("abcdef", 4, "…"), "abc…");
        assert_eq!(fit("日本語", 4, "…"), "日…");
        assert_eq!(fit("abc", 0, "…"), "");
        assert_eq!(skip("abcdef", 2), "cdef");
        assert_eq!(skip("abc", 9), "");
    }
}
