//! Bytes of a terminal to keys and pastes.
//!
//! Understands what xterm and its relatives send (ECMA-48 control sequences with xterm's
//! parameters), the Linux console, rxvt, and keys in the form of kitty's keyboard protocol.
//! What it does not understand it swallows whole, so that no tail of a sequence is taken for
//! keys that were typed.

mod sequence;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::Event;
use super::input::accepts;

const ESCAPE: u8 = 0x1b;
const PASTE_END: &[u8] = b"\x1b[201~";

/// Longer sequences are nonsense.
const LONGEST_SEQUENCE: usize = 256;

/// Of a paste no more than this is kept; the screen has no field that takes as much.
const LONGEST_PASTE: usize = 1 << 20;

/// Keeps what has begun and not ended yet.
#[derive(Default)]
pub(super) struct Parser {
    pending: Vec<u8>,
    paste: Option<Vec<u8>>,
}

/// What the beginning of the pending bytes is.
enum Token {
    /// Not complete yet.
    Part,
    /// So many bytes, that mean a key or nothing.
    Key(usize, Option<KeyEvent>),
    /// So many bytes, after which a paste begins.
    Paste(usize),
}

impl Parser {
    /// Whether silence now would mean something: a lone Escape, a sequence cut short.
    pub(super) fn is_waiting(&self) -> bool {
        self.paste.is_none() && !self.pending.is_empty()
    }

    /// Takes bytes as they were read.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.pending.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut at = 0;
        loop {
            if self.paste.is_some() {
                match self.collect_paste(at) {
                    Some((next, event)) => {
                        events.push(event);
                        at = next;
                    }
                    None => return events,
                }
            }
            match token(&self.pending[at..]) {
                Token::Part => break,
                Token::Key(length, key) => {
                    events.extend(key.filter(accepts).map(Event::Key));
                    at += length;
                }
                Token::Paste(length) => {
                    self.paste = Some(Vec::new());
                    at += length;
                }
            }
        }
        self.pending.drain(..at);
        events
    }

    /// Takes note that nothing more came for a while.
    pub(super) fn silence(&mut self) -> Vec<Event> {
        if !self.is_waiting() {
            return Vec::new();
        }
        let pending = std::mem::take(&mut self.pending);
        let key = match pending[..] {
            [ESCAPE] => Some(KeyEvent::from(KeyCode::Esc)),
            // Alt with a character that also begins a sequence.
            [ESCAPE, byte] if byte.is_ascii() => {
                let (_, key) = plain(byte);
                key.map(|key| KeyEvent { modifiers: key.modifiers | KeyModifiers::ALT, ..key })
            }
            _ => None,
        };
        key.map(Event::Key).into_iter().collect()
    }

    /// Moves pending bytes from `at` on into the paste; the paste when its end was among them.
    fn collect_paste(&mut self, at: usize) -> Option<(usize, Event)> {
        let paste = self.paste.as_mut()?;
        let rest = &self.pending[at..];
        let end = rest.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        // Without an end, its first bytes may be here already.
        let take = end.unwrap_or(rest.len().saturating_sub(PASTE_END.len() - 1));
        let room = LONGEST_PASTE.saturating_sub(paste.len());
        paste.extend_from_slice(&rest[..take.min(room)]);
        if end.is_none() {
            self.pending.drain(..at + take);
            return None;
        }
        let text = String::from_utf8_lossy(paste).into_owned();
        self.paste = None;
        Some((at + take + PASTE_END.len(), Event::Paste(text)))
    }
}

fn token(bytes: &[u8]) -> Token {
    match bytes {
        [] => Token::Part,
        [ESCAPE] => Token::Part,
        // The first Escape was the key.
        [ESCAPE, ESCAPE, ..] => Token::Key(1, Some(KeyCode::Esc.into())),
        [ESCAPE, b'[', rest @ ..] => shift(2, sequence::control(rest)),
        [ESCAPE, b'O', rest @ ..] => shift(2, sequence::single_shift(rest)),
        // Answers of the terminal that nobody asked for.
        [ESCAPE, b']' | b'P' | b'X' | b'^' | b'_', rest @ ..] => shift(2, sequence::text(rest)),
        [ESCAPE, rest @ ..] => match character(rest) {
            Token::Key(length, Some(key)) => {
                let modifiers = key.modifiers | KeyModifiers::ALT;
                Token::Key(length + 1, Some(KeyEvent { modifiers, ..key }))
            }
            other => shift(1, other),
        },
        _ => character(bytes),
    }
}

fn shift(by: usize, token: Token) -> Token {
    match token {
        Token::Part => Token::Part,
        Token::Key(length, key) => Token::Key(length + by, key),
        Token::Paste(length) => Token::Paste(length + by),
    }
}

/// One character, which is one byte or several in UTF-8.
fn character(bytes: &[u8]) -> Token {
    let Some(&first) = bytes.first() else {
        return Token::Part;
    };
    if first.is_ascii() {
        let (length, key) = plain(first);
        return Token::Key(length, key);
    }
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Token::Key(1, None),
    };
    let present = &bytes[..length.min(bytes.len())];
    match std::str::from_utf8(present) {
        Ok(text) => Token::Key(length, text.chars().next().map(typed)),
        Err(error) if error.error_len().is_none() => Token::Part,
        Err(_) => Token::Key(1, None),
    }
}

/// One ASCII byte, as a terminal in raw mode sends it.
fn plain(byte: u8) -> (usize, Option<KeyEvent>) {
    let control = |base: u8, offset: u8| KeyEvent::new(KeyCode::Char((base + offset) as char), KeyModifiers::CONTROL);
    let key = match byte {
        b'\r' => KeyCode::Enter.into(),
        b'\t' => KeyCode::Tab.into(),
        0x7f => KeyCode::Backspace.into(),
        ESCAPE => KeyCode::Esc.into(),
        0 => KeyEvent::new(KeyCode::Char(' '), KeyModifiers::CONTROL),
        0x01..=0x1a => control(b'a', byte - 0x01),
        0x1c..=0x1f => control(b'4', byte - 0x1c),
        _ => typed(byte as char),
    };
    (1, Some(key))
}

fn typed(character: char) -> KeyEvent {
    let modifiers = if character.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    KeyEvent::new(KeyCode::Char(character), modifiers)
}

#[cfg(test)]
mod tests;
