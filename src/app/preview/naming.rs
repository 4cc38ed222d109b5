//! Confirming many deletions: the relationship's name is typed, letter by letter.

use super::Preview;
use crate::app::entry::{Entry, Typed};
use crate::app::key::Key;
use crate::engine::approval::Answer;

/// The question for the name.
pub struct Naming {
    /// What is typed.
    pub entry: Entry,
    /// What it confirms: yes, or yes to all.
    pub answer: Answer,
    /// How many of its keys came faster than anybody types.
    fast: usize,
}

impl Naming {
    /// Nothing is typed yet.
    pub fn new(answer: Answer) -> Self {
        Naming { entry: Entry::default(), answer, fast: 0 }
    }

    /// Takes a key; `is_fast`: faster than anybody types.
    pub fn key(&mut self, key: Key, is_fast: bool) -> Typed {
        let typed = self.entry.key(key);
        self.fast = if self.entry.text().is_empty() { 0 } else { self.fast + usize::from(is_fast) };
        typed
    }

    /// Whether it was typed. Where no terminal tells a paste from keys, its keys come all at once; over a slow
    /// line so do some of those that are typed.
    pub fn is_typed(&self) -> bool {
        self.fast * 2 <= self.entry.text().chars().count()
    }
}

impl Preview {
    /// How many deletions the relationship that is asked about has, where its name has to be typed for them.
    pub fn deletions_to_name(&self) -> Option<usize> {
        let (_, asked) = self.asking()?;
        Some(asked.deletions(&self.plan.overrides)).filter(|count| *count > self.type_name_above)
    }

    /// Whether what was typed is the name, as it is shown.
    pub fn is_named(&self) -> bool {
        let typed = self.naming.as_ref().map(|naming| naming.entry.text().trim());
        typed.zip(self.asking()).is_some_and(|(typed, (_, asked))| typed == asked.name_to_type())
    }
}
