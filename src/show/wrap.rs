//! Text in lines that fit.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::on_screen;

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { on_screen(text).width() }
}

/// Breaks a text into lines of at most so many columns, at spaces where there are any. The
/// indentation of the text is kept on every line.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    fold(text, columns, true)
}

/// The same, and a word that is longer stays whole, on a line of its own: a fingerprint or a
/// path is there to be copied.
pub fn wrap_words(text: &str, columns: usize) -> Vec<String> {
    fold(text, columns, false)
}

fn fold(text: &str, columns: usize, breaks_words: bool) -> Vec<String> {
    let text = on_screen(text);
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
            if breaks_words && width(&line) + c.width().unwrap_or(0) > columns && line.len() > indent.len() {
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
