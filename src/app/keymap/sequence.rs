//! Keys pressed one after another.

use std::fmt;
use std::str::FromStr;

use super::super::action::Place;
use super::super::key::{Key, KeyError};

/// More than these nobody remembers.
const LONGEST: usize = 4;

/// One key, or several that are pressed one after another: `r`, `g g`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence(Vec<Key>);

impl Sequence {
    /// The keys, at least one.
    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// Whether whoever presses the one has pressed the other as well, or can no longer reach it.
    pub fn hides(&self, other: &Sequence) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }
}

impl From<Key> for Sequence {
    fn from(key: Key) -> Self {
        Sequence(vec![key])
    }
}

impl FromStr for Sequence {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let keys = text.split(' ').filter(|key| !key.is_empty()).map(str::parse).collect::<Result<Vec<Key>, _>>()?;
        if keys.is_empty() || keys.len() > LONGEST {
            return Err(KeyError(text.escape_debug().to_string()));
        }
        Ok(Sequence(keys))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&joined(&self.0))
    }
}

/// Keys that were pressed and begin something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Where.
    pub place: Place,
    /// The keys.
    pub keys: Vec<Key>,
}

impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&joined(&self.keys))
    }
}

fn joined(keys: &[Key]) -> String {
    keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
}
