//! A line that is typed as the answer to a question.

use crossterm::event::KeyCode;

use super::key::Key;

/// Nobody types more.
const LONGEST: usize = 500;

/// What a key came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// It goes on.
    More,
    /// The line is meant as it stands.
    Done,
    /// The question is left.
    Left,
}

/// The line as far as it is typed.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    text: String,
}

impl Entry {
    /// A line that has something to begin with.
    pub fn new(text: String) -> Self {
        Entry { text }
    }

    /// What stands in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Typed {
        if key.is(KeyCode::Enter) {
            return Typed::Done;
        } else if key.is(KeyCode::Esc) {
            return Typed::Left;
        } else if key.is(KeyCode::Backspace) {
            self.text.pop();
        } else if "Ctrl-u".parse() == Ok(key) {
            self.text.clear();
        } else if let Some(c) = key.typed() {
            self.push(c);
        }
        Typed::More
    }

    /// Takes a pasted text.
    pub fn paste(&mut self, text: &str) {
        text.chars().for_each(|c| self.push(c));
    }

    fn push(&mut self, c: char) {
        if !c.is_control() && self.text.chars().count() < LONGEST {
            self.text.push(c);
        }
    }
}
