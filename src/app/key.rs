//! Keys as the action table, the help and the documents spell them.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key with its modifiers. Letters carry their case, so shift is part of the letter:
/// `W` and `w` are two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    control: bool,
    alt: bool,
}

impl Key {
    /// A key without modifiers.
    pub fn plain(code: KeyCode) -> Self {
        Key { code, control: false, alt: false }
    }

    /// The character that it types into a text field.
    pub fn typed(&self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.control && !self.alt => Some(c),
            _ => None,
        }
    }

    /// The key behind Alt, or behind an Escape that came right before it: terminals send the
    /// same for both. `None` for a key without.
    pub fn behind_alt(&self) -> Option<Key> {
        self.alt.then_some(Key { alt: false, ..*self })
    }

    /// Whether it is this key without modifiers.
    pub fn is(&self, code: KeyCode) -> bool {
        *self == Key::plain(code)
    }

    /// The same key without its modifiers.
    pub fn code(&self) -> KeyCode {
        self.code
    }

    /// The key as every terminal sends it: with Ctrl the case of a letter is not told, and
    /// some letters are keys of their own.
    fn as_sent(mut self) -> Key {
        if let (true, KeyCode::Char(c)) = (self.control, self.code) {
            let own = [('i', KeyCode::Tab), ('m', KeyCode::Enter), ('[', KeyCode::Esc)];
            self.code = KeyCode::Char(c.to_ascii_lowercase());
            if let Some((_, code)) = own.iter().find(|(letter, _)| self.code == KeyCode::Char(*letter)) {
                (self.code, self.control) = (*code, false);
            }
        }
        self
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let code = match event.code {
            KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::SHIFT) && c.is_ascii_lowercase() => {
                KeyCode::Char(c.to_ascii_uppercase())
            }
            KeyCode::Char('\r' | '\n') => KeyCode::Enter,
            // Some terminals send the one, some the other.
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        Key { code, control, alt: event.modifiers.contains(KeyModifiers::ALT) }.as_sent()
    }
}

/// The names of keys that are no character.
const NAMES: [(&str, KeyCode); 28] = [
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Shift-Tab", KeyCode::BackTab),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("Space", KeyCode::Char(' ')),
    ("Backspace", KeyCode::Backspace),
    ("Del", KeyCode::Delete),
    ("Ins", KeyCode::Insert),
    ("F1", KeyCode::F(1)),
    ("F2", KeyCode::F(2)),
    ("F3", KeyCode::F(3)),
    ("F4", KeyCode::F(4)),
    ("F5", KeyCode::F(5)),
    ("F6", KeyCode::F(6)),
    ("F7", KeyCode::F(7)),
    ("F8", KeyCode::F(8)),
    ("F9", KeyCode::F(9)),
    ("F10", KeyCode::F(10)),
    ("F11", KeyCode::F(11)),
    ("F12", KeyCode::F(12)),
];

/// A text that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no key: write a character, a name such as Enter, PgDn or F5, or either with Ctrl- or Alt- before \
     it; keys pressed one after another are separated by spaces, as in \"g g\""
)]
pub struct KeyError(pub String);

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut rest = text;
        let mut key = Key::plain(KeyCode::Null);
        loop {
            // `-` itself may be the key, so a prefix needs something behind it.
            if let Some(after) = rest.strip_prefix("Ctrl-").filter(|after| !after.is_empty()) {
                (key.control, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("Alt-").filter(|after| !after.is_empty()) {
                (key.alt, rest) = (true, after);
            } else {
                break;
            }
        }
        let named = NAMES.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code);
        let mut characters = rest.chars();
        let single = match (characters.next(), characters.next()) {
            (Some(c), None) if !c.is_control() => Some(KeyCode::Char(c)),
            _ => None,
        };
        key.code = named.or(single).ok_or_else(|| KeyError(text.escape_debug().to_string()))?;
        Ok(key.as_sent())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if self.control {
            text.push_str("Ctrl-");
        }
        if self.alt {
            text.push_str("Alt-");
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => text.push_str(name),
            (None, KeyCode::Char(c)) => text.push(c),
            (None, other) => text.push_str(&other.to_string()),
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelled_as_it_is_read() {
        for text in
            ["a", "W", "?", "/", "-", "Enter", "Space", "PgDn", "Ctrl-c", "Shift-Tab", "Ctrl-Alt-x", "Alt--", "F", "F5"]
        {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        for bad in ["", "enter", "Ctrl-", "F13", "ab"] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_terminals_send_for_one_key_is_one_key() {
        for (text, same) in [("Ctrl-M", "Enter"), ("Ctrl-i", "Tab"), ("Ctrl-[", "Esc"), ("Ctrl-R", "Ctrl-r")] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), same);
        }
        let event = KeyEvent::new(KeyCode::Char('R'), KeyModifiers::CONTROL | KeyModifiers::SHIFT);
        assert_eq!(Key::from(event), "Ctrl-r".parse().unwrap());
    }

    #[test]
    fn case_tells_keys_apart_however_the_terminal_says_it() {
        let event = |c, modifiers| Key::from(KeyEvent::new(KeyCode::Char(c), modifiers));
        assert_ne!(event('w', KeyModifiers::NONE), event('W', KeyModifiers::SHIFT));
        assert_eq!(event('w', KeyModifiers::SHIFT), event('W', KeyModifiers::SHIFT));
        assert_eq!(event('W', KeyModifiers::NONE), event('W', KeyModifiers::SHIFT));
        assert_eq!(event('?', KeyModifiers::SHIFT), "?".parse().unwrap());
    }
}
