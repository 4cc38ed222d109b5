//! From a key and a place to what it means there.

use std::fmt::Write as _;

use super::action::{Place, VERBS, Verb};
use super::key::Key;

/// What this key does here.
pub fn lookup(place: Place, key: Key) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.places.contains(&place) && keys(verb).any(|bound| bound == key))
}

/// The keys of an action.
pub fn keys(verb: &Verb) -> impl Iterator<Item = Key> {
    verb.keys.iter().filter_map(|text| text.parse().ok())
}

/// The actions that deserve a hint here, in the order of the table.
pub fn hints(place: Place) -> impl Iterator<Item = &'static Verb> {
    VERBS.iter().filter(move |verb| !verb.hint.is_empty() && verb.places.contains(&place))
}

/// The table of keys for the README.
pub fn markdown() -> String {
    let mut text = String::from("| key | where | what |\n|---|---|---|\n");
    for verb in VERBS {
        let keys: Vec<String> = verb.keys.iter().map(|key| format!("`{key}`")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} | {} | {} |", keys.join(" "), places(verb), verb.about);
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
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_key_is_spelled_right_and_means_one_thing_in_one_place() {
        for place in Place::ALL {
            let mut taken: BTreeMap<String, &str> = BTreeMap::new();
            for verb in VERBS.iter().filter(|verb| verb.places.contains(&place)) {
                assert_eq!(keys(verb).count(), verb.keys.len(), "{} has a key that is none", verb.name);
                for key in keys(verb) {
                    let other = taken.insert(key.to_string(), verb.name);
                    assert_eq!(other, None, "{key} in {} also means {}", place.words(), verb.name);
                }
            }
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
        let means = |place, key: &str| lookup(place, key.parse().unwrap()).map(|verb| verb.action);
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
    fn the_table_for_documents() {
        let table = markdown();
        assert!(table.contains("| `F` | relationships, scopes, drift, jobs, history, past run |"), "{table}");
        assert_eq!(table.lines().count(), VERBS.len() + 2);
    }
}
