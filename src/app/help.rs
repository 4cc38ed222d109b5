//! The help: the table of actions, and what the words and signs mean.

use super::action::VERBS;
use super::keymap;

/// Lines below the keys.
pub const NOTES: &[&str] = &[
    "",
    "Signs: + create, ~ update, - delete, each on the target. The target is overwritten by the source.",
    "! before the counts of a relationship: it has critical findings.",
    "By drift: critical, unknown, on one side only, drifted (what deletes most first), checking, in sync.",
    "Marks: * before a scope, a bar before a range. r replicates the marked scopes, or the highlighted one if none is marked.",
    "Force: r runs as soon as the plan stands. Refusals for safety stand all the same. Off at every start.",
    "WhatIf: the plan is shown and nothing can be written, whatever else is set.",
    "A scope that only the target has is counted as drift and never deleted by a replication.",
    "Definitions, classes, shared networks and global values are reported as findings, never written.",
];

/// One line for each action: keys, where, what.
pub fn lines() -> Vec<(String, String, &'static str)> {
    VERBS.iter().map(|verb| (verb.keys.join(" "), keymap::places(verb), verb.about)).collect()
}
