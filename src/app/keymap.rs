//! From keys and a place to what they mean there.

mod fault;
mod sequence;

use std::fmt::Write as _;

use super::action::{Action, Place, VERBS, Verb};
use super::key::Key;

pub use fault::{Fault, FaultKind, faults};
pub use sequence::{Begun, Sequence};

/// The keys of every action, as they are in force: those of the table, unless the operator
/// has chosen others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    /// Of each of [`VERBS`], in its order.
    of: Vec<Vec<Sequence>>,
}

impl Default for Keymap {
    /// The keys of the table.
    fn default() -> Self {
        let of = |verb: &Verb| verb.keys.iter().filter_map(|text| text.parse().ok()).collect();
        Keymap { of: VERBS.iter().map(of).collect() }
    }
}

/// What keys pressed one after another mean.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// This.
    Does(&'static Verb),
    /// The beginning of something.
    Begins,
    /// Nothing.
    Nothing,
}

impl Keymap {
    /// Gives an action these keys instead of its own; none take its keys away.
    pub fn bind(&mut self, verb: &Verb, sequences: Vec<Sequence>) {
        if let Some(at) = position(verb) {
            self.of[at] = sequences;
        }
    }

    /// The keys of an action.
    pub fn of(&self, verb: &Verb) -> &[Sequence] {
        position(verb).and_then(|at| self.of.get(at)).map_or(&[], Vec::as_slice)
    }

    /// What these keys mean here.
    pub fn meaning(&self, place: Place, keys: &[Key]) -> Meaning {
        let mut meaning = Meaning::Nothing;
        for (verb, sequences) in VERBS.iter().zip(&self.of).filter(|(verb, _)| verb.places.contains(&place)) {
            for sequence in sequences.iter().filter(|sequence| sequence.keys().starts_with(keys)) {
                if sequence.keys().len() == keys.len() {
                    return Meaning::Does(verb);
                }
                meaning = Meaning::Begins;
            }
        }
        meaning
    }

    /// What this one key does here.
    pub fn does(&self, place: Place, key: Key) -> Option<&'static Verb> {
        match self.meaning(place, &[key]) {
            Meaning::Does(verb) => Some(verb),
            Meaning::Begins | Meaning::Nothing => None,
        }
    }

    /// What goes on from these keys here: the sequences with what they do.
    pub fn begun(&self, place: Place, keys: &[Key]) -> impl Iterator<Item = (&Sequence, &'static Verb)> {
        let here = VERBS.iter().zip(&self.of).filter(move |(verb, _)| verb.places.contains(&place));
        let all = here.flat_map(|(verb, sequences)| sequences.iter().map(move |sequence| (sequence, verb)));
        all.filter(move |(sequence, _)| sequence.keys().starts_with(keys))
    }

    /// The key to name for an action; the way by the palette where it has none.
    pub fn key(&self, action: Action) -> String {
        let of = |action| VERBS.iter().filter(move |verb| verb.action == action);
        let first = |action| of(action).find_map(|verb| self.of(verb).first());
        match (first(action), of(action).next()) {
            (Some(sequence), _) => sequence.to_string(),
            (None, Some(verb)) => verb.name.to_owned(),
            (None, None) => String::new(),
        }
    }

    /// All keys of an action.
    pub fn words(&self, verb: &Verb) -> Vec<String> {
        self.of(verb).iter().map(Sequence::to_string).collect()
    }

    /// The actions that deserve a hint here with their first key, in the order of the table.
    pub fn hints(&self, place: Place) -> impl Iterator<Item = (&Sequence, &'static Verb)> {
        let hinted = VERBS.iter().zip(&self.of).filter(move |(verb, _)| !verb.hint.is_empty());
        let here = hinted.filter(move |(verb, _)| verb.places.contains(&place));
        here.filter_map(|(verb, sequences)| Some((sequences.first()?, verb)))
    }
}

fn position(verb: &Verb) -> Option<usize> {
    VERBS.iter().position(|known| known.name == verb.name)
}

/// The action of this name.
pub fn named(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

/// The table of keys for the README.
pub fn markdown() -> String {
    let mut text = String::from("| key | action | where | what |\n|---|---|---|---|\n");
    for verb in VERBS {
        let keys: Vec<String> = verb.keys.iter().map(|key| format!("`{key}`")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} | `{}` | {} | {} |", keys.join(" "), verb.name, places(verb), verb.about);
    }
    text
}

/// Where an action works, in words.
pub fn places(verb: &Verb) -> String {
    if verb.places.len() == Place::ALL.len() {
        return "everywhere".into();
    }
    let words: Vec<&str> = verb.places.iter().map(|place| place.words()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(texts: &[&str]) -> Vec<Sequence> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn bound(keys: &[(&str, &[&str])]) -> Keymap {
        let mut keymap = Keymap::default();
        keys.iter().for_each(|(name, keys)| keymap.bind(named(name).unwrap(), sequences(keys)));
        keymap
    }

    #[test]
    fn every_key_is_spelled_right_and_means_one_thing_in_one_place() {
        assert_eq!(faults(&Keymap::default()), []);
        for verb in VERBS {
            assert_eq!(Keymap::default().words(verb), verb.keys, "{}", verb.name);
        }
    }

    #[test]
    fn no_words_name_a_key_that_could_be_another_one() {
        for verb in VERBS {
            let is_key = |word: &str| VERBS.iter().any(|other| other.keys.contains(&word));
            let mut words = verb.about.split(|c: char| !c.is_alphanumeric() && c != '-');
            let named = words.find(|word| *word != "a" && *word != "s" && *word != "-" && is_key(word));
            assert_eq!(named, None, "{}", verb.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), VERBS.len());
    }

    #[test]
    fn the_issue_s_keys() {
        use super::super::action::Action::*;
        let keymap = Keymap::default();
        let means = |place, key: &str| keymap.does(place, key.parse().unwrap()).map(|verb| verb.action);
        for (key, action) in [
            ("Enter", Enter),
            ("Esc", Back),
            ("/", Filter),
            ("Space", Mark),
            ("a", MarkAll),
            ("s", Swap),
            ("W", WhatIf),
            ("F", Force),
            ("r", Preview),
            ("R", Reload),
            ("J", Jobs),
            ("?", Help),
            ("q", Quit),
        ] {
            assert_eq!(means(Place::Scopes, key), Some(action), "{key}");
        }
        for (key, action) in [("y", Yes), ("a", YesToAll), ("n", No), ("Esc", No), ("l", NoToAll), ("o", Override)] {
            assert_eq!(means(Place::Preview, key), Some(action), "{key}");
        }
        assert_eq!(means(Place::Preview, "Enter"), None);
        assert_eq!(means(Place::Jobs, "x"), Some(Cancel));
    }

    #[test]
    fn keys_one_after_another() {
        let keymap = bound(&[("first", &["F2 g", "Home"]), ("swap", &["F2 s"])]);
        assert_eq!(faults(&keymap), []);
        let means = |keys: &str| keymap.meaning(Place::Scopes, keys.parse::<Sequence>().unwrap().keys());
        assert!(matches!(means("F2"), Meaning::Begins));
        assert!(matches!(means("F2 g"), Meaning::Does(verb) if verb.name == "first"));
        assert!(matches!(means("F2 x"), Meaning::Nothing));
        let keys = sequences(&["F2"]);
        let begun: Vec<&str> = keymap.begun(Place::Scopes, keys[0].keys()).map(|(_, verb)| verb.name).collect();
        assert_eq!(begun, ["swap", "first"]);
        assert_eq!(keymap.key(Action::Swap), "F2 s");
    }

    #[test]
    fn a_key_that_means_two_things_is_a_fault() {
        let said = |keys: &[(&str, &[&str])]| {
            let faults = faults(&bound(keys));
            let faults = faults.iter();
            faults.map(Fault::to_string).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(said(&[("swap", &["r"])]), "`r` means `swap` and `preview` in relationships");
        assert_eq!(said(&[("swap", &["r s"])]), "`r s` of `swap` and `r` of `preview` begin alike in relationships");
    }

    #[test]
    fn nothing_that_is_pressed_by_habit_confirms() {
        for keys in
            ["Enter", "Space", "Ctrl-m", "Ctrl-j", "Alt-Enter", "Down", "k", "Tab", "r", "H", "u", "F2 Enter", "F2 r"]
        {
            let keymap = bound(&[("yes", &[keys]), ("no-to-all", &["F3"])]);
            let found = faults(&keymap).into_iter().any(|fault| matches!(fault.kind, FaultKind::TooEasy { .. }));
            assert!(found, "{keys} confirms");
        }
        for keys in ["F2", "Ctrl-y", "F2 y"] {
            assert_eq!(faults(&bound(&[("yes", &[keys])])), [], "{keys}");
        }
        let moved = faults(&bound(&[("preview", &["F2"]), ("yes", &["F2"])]));
        assert!(matches!(moved.as_slice(), [Fault { verb: "yes", kind: FaultKind::TooEasy { .. }, .. }]), "{moved:?}");
    }

    #[test]
    fn there_is_always_a_way_out() {
        let none = faults(&bound(&[("quit", &[]), ("no", &[]), ("force", &[])]));
        let names: Vec<&str> = none.iter().map(|fault| fault.verb).collect();
        assert_eq!(names, ["no", "quit"]);
    }

    #[test]
    fn the_table_for_documents() {
        let table = markdown();
        assert!(table.contains("| `F` | `force` | relationships, scopes, drift, jobs, history, past run |"), "{table}");
        assert_eq!(table.lines().count(), VERBS.len() + 2);
    }
}
