//! Escape sequences, after their introducer.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{ESCAPE, LONGEST_SEQUENCE, Token, typed};

/// A control sequence, after `ESC [`: parameters, intermediates, one final byte.
pub(super) fn control(bytes: &[u8]) -> Token {
    match bytes {
        // Function keys 1 to 5 of the Linux console.
        [b'[', key @ b'A'..=b'E', ..] => {
            return Token::Key(2, Some(KeyCode::F(key - b'A' + 1).into()));
        }
        [b'['] => return Token::Part,
        // The oldest mouse protocol: three bytes of any value follow.
        [b'M', ..] => {
            return if bytes.len() < 4 { Token::Part } else { Token::Key(4, None) };
        }
        _ => {}
    }
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            0x20..=0x3f if at < LONGEST_SEQUENCE => {}
            // rxvt ends a shifted key with a dollar, which is a parameter byte elsewhere.
            0x40..=0x7e => return controlled(&bytes[..at], byte, at + 1),
            // Cut off by another sequence, or nonsense: what was read so far means nothing.
            ESCAPE => return Token::Key(at, None),
            _ => return Token::Key(at + 1, None),
        }
    }
    Token::Part
}

fn controlled(parameters: &[u8], last: u8, length: usize) -> Token {
    let Some(parameters) = Parameters::parse(parameters) else {
        return Token::Key(length, None);
    };
    if last == b'~' && parameters.number(0) == Some(200) {
        return Token::Paste(length);
    }
    let code = match last {
        b'~' if parameters.number(0) == Some(27) => {
            // xterm's modifyOtherKeys: 27 ; modifiers ; code ~
            parameters.number(2).and_then(code_point)
        }
        b'~' => parameters.number(0).and_then(numbered),
        b'u' => parameters.number(0).and_then(code_point),
        b'Z' => Some(KeyCode::BackTab),
        // Answers to questions end like keys; they have other first parameters.
        _ if parameters.number(0).unwrap_or(1) != 1 => None,
        _ => lettered(last),
    };
    Token::Key(length, code.and_then(|code| parameters.apply(code)))
}

/// A single shift three, after `ESC O`.
pub(super) fn single_shift(bytes: &[u8]) -> Token {
    match bytes.first() {
        None => Token::Part,
        Some(b'M') => Token::Key(1, Some(KeyCode::Enter.into())),
        Some(&key @ 0x40..=0x7e) => Token::Key(1, lettered(key).map(KeyEvent::from)),
        Some(&ESCAPE) => Token::Key(0, Some(KeyEvent::new(KeyCode::Char('O'), alt_shift()))),
        Some(_) => Token::Key(1, None),
    }
}

fn alt_shift() -> KeyModifiers {
    KeyModifiers::ALT | KeyModifiers::SHIFT
}

/// A string of the terminal, up to BEL or `ESC \`.
pub(super) fn text(bytes: &[u8]) -> Token {
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            0x07 => return Token::Key(at + 1, None),
            ESCAPE => {
                return match bytes.get(at + 1) {
                    None => Token::Part,
                    Some(b'\\') => Token::Key(at + 2, None),
                    Some(_) => Token::Key(at, None),
                };
            }
            _ if at >= 16 * LONGEST_SEQUENCE => return Token::Key(at, None),
            _ => {}
        }
    }
    Token::Part
}

fn lettered(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P'..=b'S' => KeyCode::F(last - b'P' + 1),
        _ => return None,
    })
}

fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F((number - 10) as u8),
        17..=21 => KeyCode::F((number - 11) as u8),
        23..=26 => KeyCode::F((number - 12) as u8),
        28..=29 => KeyCode::F((number - 13) as u8),
        31..=34 => KeyCode::F((number - 14) as u8),
        _ => return None,
    })
}

fn code_point(number: u32) -> Option<KeyCode> {
    Some(match number {
        9 => KeyCode::Tab,
        13 => KeyCode::Enter,
        27 => KeyCode::Esc,
        127 => KeyCode::Backspace,
        // Control characters have names of their own; kitty's private range is media keys
        // and modifiers by themselves.
        0..32 | 57344..=63743 => return None,
        _ => KeyCode::Char(char::from_u32(number)?),
    })
}

/// Numbers separated by `;`, each with parts separated by `:`.
struct Parameters<'a>(Vec<&'a str>);

impl<'a> Parameters<'a> {
    /// Nothing where there is anything but numbers, as in private sequences.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let numeric = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'));
        numeric.then(|| Self(text.split(';').collect()))
    }

    fn part(&self, index: usize, part: usize) -> Option<u32> {
        self.0.get(index)?.split(':').nth(part)?.parse().ok()
    }

    fn number(&self, index: usize) -> Option<u32> {
        self.part(index, 0)
    }

    /// The key with the modifiers and the kind that the second parameter says.
    fn apply(&self, code: KeyCode) -> Option<KeyEvent> {
        let mask = self.number(1).unwrap_or(1).saturating_sub(1);
        let mut modifiers = KeyModifiers::NONE;
        for (bit, modifier) in [
            (1, KeyModifiers::SHIFT),
            (2, KeyModifiers::ALT),
            (4, KeyModifiers::CONTROL),
            (8, KeyModifiers::SUPER),
            (16, KeyModifiers::HYPER),
            (32, KeyModifiers::META),
        ] {
            if mask & bit != 0 {
                modifiers |= modifier;
            }
        }
        let kind = match self.part(1, 1) {
            None | Some(1) => KeyEventKind::Press,
            Some(2) => KeyEventKind::Repeat,
            Some(3) => KeyEventKind::Release,
            Some(_) => return None,
        };
        let code = match code {
            KeyCode::BackTab | KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            KeyCode::BackTab => {
                modifiers |= KeyModifiers::SHIFT;
                KeyCode::BackTab
            }
            // The protocols send the key without Shift; we want the character that is typed.
            KeyCode::Char(letter) if modifiers.contains(KeyModifiers::SHIFT) => match typed_with_shift(letter) {
                Some(upper) => KeyCode::Char(upper),
                None => code,
            },
            KeyCode::Char(letter) => {
                modifiers |= typed(letter).modifiers;
                code
            }
            _ => code,
        };
        Some(KeyEvent::new_with_kind(code, modifiers, kind))
    }
}

fn typed_with_shift(letter: char) -> Option<char> {
    let mut upper = letter.to_uppercase();
    let first = upper.next()?;
    upper.next().is_none().then_some(first)
}
