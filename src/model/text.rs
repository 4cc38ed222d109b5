//! Text that a server sent.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Text from a server: kept raw for comparing and writing, shown only cleaned.
///
/// `Display` shows control, bidirectional and invisible characters as escapes,
/// so that no server can move the cursor or reorder what the operator reads.
///
/// ```
/// use scopesync::model::Foreign;
/// let text = Foreign::from("site\u{202e}1\n");
/// assert_eq!(text.to_string(), "site\\u{202e}1\\n");
/// assert_eq!(text.raw(), "site\u{202e}1\n");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Foreign(Arc<str>);

impl Foreign {
    /// The text exactly as the server sent it: for comparing and writing, never for showing.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Text of others as it is shown, where it is not kept.
    pub fn cleaned(text: &str) -> String {
        Foreign::from(text).to_string()
    }

    /// Every character that is not plain ASCII is escaped, and the text is quoted:
    /// for two texts that differ but look the same.
    pub fn escaped(&self) -> String {
        let mut out = String::with_capacity(self.0.len() + 2);
        out.push('"');
        for c in self.0.chars() {
            if c.is_ascii_graphic() || c == ' ' { out.push(c) } else { out.extend(c.escape_default()) }
        }
        out.push('"');
        out
    }

    /// Shows two texts so that a difference between them can be seen.
    pub fn side_by_side(left: &Foreign, right: &Foreign) -> (String, String) {
        let plain = (left.to_string(), right.to_string());
        if left == right || skeleton(&plain.0) != skeleton(&plain.1) {
            return plain;
        }
        (left.escaped(), right.escaped())
    }
}

/// What is left of a text when everything that the eye may miss is taken out.
fn skeleton(text: &str) -> String {
    let ascii: String = text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    ascii.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that would move the cursor, reorder the line or not be seen at all.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.chars().any(is_harmful) {
            return f.pad(&self.0);
        }
        let mut clean = String::with_capacity(self.0.len() + 8);
        for c in self.0.chars() {
            if is_harmful(c) { clean.extend(c.escape_default()) } else { clean.write_char(c)? }
        }
        f.pad(&clean)
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.escaped())
    }
}

/// Maps with such keys can be asked by plain text.
impl std::borrow::Borrow<str> for Foreign {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Foreign {
    fn from(text: &str) -> Self {
        Foreign(text.into())
    }
}

impl From<String> for Foreign {
    fn from(text: String) -> Self {
        Foreign(text.into())
    }
}

/// Programs get the raw text; JSON's own escapes make it harmless there.
impl Serialize for Foreign {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Foreign {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Foreign::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_that_cannot_be_seen_are_escaped() {
        let shown = |a: &str, b: &str| Foreign::side_by_side(&a.into(), &b.into());
        assert_eq!(shown("a", "b"), ("a".into(), "b".into()));
        assert_eq!(shown("floor 1", "floor 1 "), ("\"floor 1\"".into(), "\"floor 1 \"".into()));
        let (latin, cyrillic) = shown("voip é", "voip е");
        assert_ne!(latin, cyrillic);
        assert_eq!(cyrillic, "\"voip \\u{435}\"");
    }

    proptest::proptest! {
        #[test]
        fn nothing_shown_can_move_the_cursor(text in ".*") {
            let shown = Foreign::from(text.as_str()).to_string();
            proptest::prop_assert!(!shown.chars().any(is_harmful));
        }
    }
}
