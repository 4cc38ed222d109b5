//! How new items look: as their neighbours do.

use std::ops::Range;

use serde_json::Value as Json;

use super::super::print::{self, Style};
use super::list::{List, Slot};

/// How new items look.
pub(super) struct Layout {
    /// Each on a line of its own.
    pub(super) lines: bool,
    /// An item may have several lines.
    whole: bool,
    pub(super) indent: String,
    /// The indentation of the brackets' line.
    pub(super) outer: String,
}

impl Layout {
    pub(super) fn item(&self, key: Option<&str>, value: &Json, style: &Style) -> String {
        let mut out = String::new();
        if let Some(key) = key {
            print::string(&mut out, key);
            out.push_str(": ");
        }
        out.push_str(&if self.whole { style.pretty(value, &self.indent) } else { print::inline(value) });
        out
    }
}

impl List<'_> {
    /// The look of the new items among the slots.
    pub(super) fn layout(&self, slots: &[Slot]) -> Layout {
        let text = self.document.text();
        let outer = line_indent(text, self.inner.start);
        let known: Vec<&Range<usize>> = self.items.iter().flatten().collect();
        let has_line = |range: &Range<usize>| text[range.clone()].contains(&b'\n');
        let new =
            || slots.iter().filter_map(|slot| if let Slot::New(key, value) = slot { Some((key, value)) } else { None });
        let big = new().any(|(_, value)| value.is_object() || value.is_array());
        let (lines, whole) = match known.first() {
            None => (has_line(&self.inner) || big, true),
            Some(first) => {
                let lines = has_line(&(self.inner.start..first.start))
                    || known.windows(2).any(|pair| has_line(&(pair[0].end..pair[1].start)));
                // Members of an object differ in kind: the others tell nothing about a new one.
                let in_object = new().any(|(key, _)| key.is_some());
                let whole = if in_object { lines } else { known.iter().any(|item| has_line(item)) };
                (lines, whole)
            }
        };
        let indent = known.iter().find_map(|item| indent_of(text, item.start)).unwrap_or_else(|| match lines {
            true => format!("{outer}{}", self.style.unit),
            false => outer.clone(),
        });
        Layout { lines, whole, indent, outer }
    }
}

/// The indentation of what stands here, if it is the first of its line.
pub(super) fn indent_of(text: &[u8], at: usize) -> Option<String> {
    let indent = line_indent(text, at);
    let starts_at = at.checked_sub(indent.len())?;
    (starts_at == 0 || text[starts_at - 1] == b'\n').then_some(indent)
}

/// The white space at the beginning of this line.
pub(super) fn line_indent(text: &[u8], at: usize) -> String {
    let start = text[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    text[start..at].iter().take_while(|b| matches!(b, b' ' | b'\t')).map(|b| char::from(*b)).collect()
}
