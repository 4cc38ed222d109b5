//! The help: the table of actions, and what the words and signs mean.

use super::action::{Action, Place, VERBS, Verb};
use super::keymap::{self, Keymap};

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

/// Lines below the keys.
pub fn notes(keymap: &Keymap) -> Vec<String> {
    let preview = keymap.key(Action::Preview);
    NOTES.iter().map(|note| note.replace("{preview}", &preview)).collect()
}

/// One line for each action, those that work in this place first: its keys as they are in
/// force, where, what.
pub fn lines(keymap: &Keymap, place: Place) -> Vec<(String, String, &'static str)> {
    let (here, elsewhere): (Vec<&Verb>, Vec<&Verb>) = VERBS.iter().partition(|verb| verb.places.contains(&place));
    let all = here.into_iter().chain(elsewhere);
    all.map(|verb| (keymap.words(verb).join("  "), keymap::places(verb), verb.about)).collect()
}
