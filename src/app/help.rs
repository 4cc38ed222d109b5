//! The help: the table of actions, and what the words and signs mean.

use super::action::{Action, Place, VERBS, Verb};
use super::filter::{Filter, Searched};
use super::keymap::{self, Keymap};
use super::list::Scroll;

const NOTES: &[&str] = &[
    "",
    "Signs: + create, ~ update, - delete, each on the target. The target is overwritten by the source.",
    "+2 at the end of the titles of the columns: so many columns find no room in this window. One that has nothing to \
     show in any line gives its room to the others.",
    "By drift: critical, unknown, on one side only, drifted (what deletes most first), checking, in sync.",
    "Marks: * before a scope, a bar before a range. {preview} replicates the marked scopes, or the highlighted one if none \
     is marked.",
    "Force: {preview} runs as soon as the plan stands. Refusals for safety stand all the same. Off at every start.",
    "WhatIf: the plan is shown and nothing can be written, whatever else is set.",
    "A scope that only the target has is counted as drift and never deleted by a replication.",
    "Definitions, classes, shared networks and global values are reported as findings, never written.",
];

/// The help over everything.
#[derive(Debug, Default)]
pub struct HelpView {
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// What its lines are filtered by, as it was typed.
    pub filter: String,
}

impl HelpView {
    /// How its title tells of the filter, where there is one.
    pub fn title(&self) -> String {
        match self.filter.is_empty() {
            true => "help".to_owned(),
            false => format!("help {}", self.understood().title(&self.filter)),
        }
    }

    /// Lines below the keys that the filter leaves.
    pub fn notes(&self, keymap: &Keymap) -> Vec<String> {
        let preview = keymap.key(Action::Preview);
        let notes = NOTES.iter().map(|note| note.replace("{preview}", &preview));
        notes.filter(|note| self.leaves(note)).collect()
    }

    /// One line for each action that the filter leaves, those that work in this place first: its keys as they are
    /// in force, where, what.
    pub fn lines(&self, keymap: &Keymap, place: Place) -> Vec<(String, String, &'static str)> {
        let (here, elsewhere): (Vec<&Verb>, Vec<&Verb>) = VERBS.iter().partition(|verb| verb.places.contains(&place));
        let left = here.into_iter().chain(elsewhere).filter_map(|verb| {
            let (keys, places) = (keymap.words(verb).join("  "), keymap::places(verb));
            let says = format!("{keys} {} {} {places}", verb.name, verb.about);
            self.leaves(&says).then_some((keys, places, verb.about))
        });
        left.collect()
    }

    fn leaves(&self, text: &str) -> bool {
        self.filter.is_empty() || self.understood().line(&Searched { text: text.to_owned(), ..Searched::default() })
    }

    fn understood(&self) -> Filter {
        Filter::read(&self.filter, &[])
    }
}
