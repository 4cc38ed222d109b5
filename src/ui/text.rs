//! Text that fits.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::style::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// The text, cut off with a sign where it is too long.
pub(super) fn fit<'a>(text: &'a str, columns: usize, more: &str) -> Cow<'a, str> {
    if text.len() <= columns || width(text) <= columns {
        return Cow::Borrowed(text);
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
    frame.buffer_mut().set_stringn(x, y, text, columns, Style::reset().patch(style)).0
}

/// Breaks a text into lines of at most so many columns, at spaces where there are any. The
/// indentation of the text is kept on every line.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let indent = text.len() - text.trim_start_matches(' ').len();
    let indent = " ".repeat(indent.min(columns / 2));
    let mut lines = Vec::new();
    let mut line = indent.clone();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let gap = usize::from(line.len() > indent.len());
        if width(&line) + gap + width(word) <= columns {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if line.len() > indent.len() {
            lines.push(std::mem::replace(&mut line, indent.clone()));
        }
        for c in word.chars() {
            if width(&line) + c.width().unwrap_or(0) > columns && line.len() > indent.len() {
                lines.push(std::mem::replace(&mut line, indent.clone()));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
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

    proptest::proptest! {
        #[test]
        fn wrapping_loses_nothing_but_spaces(text in "[ -~äé日]{0,80}", columns in 2usize..40) {
            let lines = wrap(&text, columns);
            proptest::prop_assert!(lines.iter().all(|line| width(line) <= columns.max(4)), "{lines:?}");
            let without = |text: &str| text.replace(' ', "");
            proptest::prop_assert_eq!(without(&lines.concat()), without(&text));
        }
    }
}
