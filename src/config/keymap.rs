//! `[keys]`: other keys for the actions of the interactive program.

use toml::de::DeTable;

use super::keys;
use super::read::{At, Fields, Problems, Span};
use crate::app::action::{VERBS, Verb};
use crate::app::keymap::{Fault, Keymap, Sequence, faults};

/// The presets by name, each a `[keys]` of its own. The first is the program's own table.
pub const PRESETS: [(&str, &str); 3] = [
    ("default", ""),
    ("vim", include_str!("../../assets/keymaps/vim.toml")),
    ("plain", include_str!("../../assets/keymaps/plain.toml")),
];

/// The keys of one action, as written in the file.
struct Written {
    verb: &'static Verb,
    span: Span,
    sequences: Vec<At<Sequence>>,
}

/// Reads the section: a preset, and other keys for single actions over it.
pub(super) fn read(fields: Fields<'_, '_, '_>) -> Keymap {
    let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    let (name, text) = PRESETS[fields.word("preset", &names).unwrap_or_default()];
    let mut keymap = preset(text);
    let Some(written) = overlay(&fields, &mut keymap) else {
        // Half a keymap would be blamed for what the other half mends.
        finish(fields);
        return Keymap::default();
    };
    for fault in faults(&keymap) {
        let (span, message) = explain(&fields, &fault, &written, name);
        fields.problem(&span, message);
    }
    finish(fields);
    keymap
}

fn finish(fields: Fields<'_, '_, '_>) {
    let actions: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
    fields.finish(&actions);
}

/// The keymap of a preset. What is wrong with one is found by the tests.
fn preset(text: &str) -> Keymap {
    let mut keymap = Keymap::default();
    let (root, _) = DeTable::parse_recoverable(text);
    if let Some(table) = root.get_ref().get(keys::KEYS.name).and_then(|section| section.get_ref().as_table()) {
        let problems = Problems::new(text);
        let fields = Fields::new(&keys::KEYS, keys::KEYS.heading(), root.span(), table, &problems);
        overlay(&fields, &mut keymap);
    }
    keymap
}

/// Binds what is written; `None` if any of it is no key.
fn overlay(fields: &Fields<'_, '_, '_>, keymap: &mut Keymap) -> Option<Vec<Written>> {
    let mut all = Some(Vec::new());
    for verb in VERBS {
        let Some(found) = fields.one_or_more(verb.name, "a key in quotes, or a list of keys") else { continue };
        let read = |text: At<String>| match text.value.parse::<Sequence>() {
            Ok(value) => Some(At { value, span: text.span }),
            Err(error) => {
                fields.problem(&text.span, format!("`{}` in {}: {error}", verb.name, fields.place));
                None
            }
        };
        let sequences = found.value.and_then(|texts| texts.into_iter().map(read).collect::<Option<Vec<_>>>());
        match sequences {
            Some(sequences) => {
                keymap.bind(verb, sequences.iter().map(|at| at.value.clone()).collect());
                all.iter_mut().for_each(|all: &mut Vec<Written>| {
                    all.push(Written { verb, span: found.span.clone(), sequences: sequences.clone() });
                });
            }
            None => all = None,
        }
    }
    all
}

/// Where in the file a fault is, and what to say of it there: both places of a conflict.
fn explain(fields: &Fields<'_, '_, '_>, fault: &Fault, written: &[Written], preset: &str) -> (Span, String) {
    let place = |name: &str, sequence: Option<&Sequence>| {
        let found = written.iter().find(|written| written.verb.name == name)?;
        let at = found.sequences.iter().find(|at| Some(&at.value) == sequence);
        Some(at.map_or(found.span.clone(), |at| at.span.clone()))
    };
    let unwritten = || match preset {
        "default" => "by default".to_owned(),
        name => format!("in the preset {name}"),
    };
    let own = place(fault.verb, fault.sequence.as_ref());
    let Some((name, sequence)) = fault.other() else {
        return (own.unwrap_or(fields.span.clone()), fault.to_string());
    };
    let (span, partner) = match (own, place(name, Some(sequence))) {
        (Some(own), Some(other)) => {
            let (first, last) = if own.start < other.start { (own, other) } else { (other, own) };
            let (line, column) = fields.position(&first);
            (last, format!("the other one is at {line}:{column}"))
        }
        (Some(own), None) => (own, format!("`{name}` has it {}", unwritten())),
        (None, Some(other)) => (other, format!("`{}` has it {}", fault.verb, unwritten())),
        (None, None) => (fields.span.clone(), unwritten()),
    };
    (span, format!("{fault}; {partner}: give one of them another key"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::keymap::named;
    use crate::config::Config;

    fn keymap(text: &str) -> Result<Keymap, String> {
        let parsed = Config::parse(text, Path::new("/etc/c.toml"));
        parsed.map(|config| config.keymap).map_err(|error| error.to_string())
    }

    fn words(keymap: &Keymap, name: &str) -> Vec<String> {
        keymap.words(named(name).unwrap())
    }

    #[test]
    fn one_key_several_and_none() {
        let read = keymap("[keys]\nmark-all = 'F2'\nfirst = ['F3 g', 'Home']\nforce = []\n").unwrap();
        assert_eq!(words(&read, "mark-all"), ["F2"]);
        assert_eq!(words(&read, "first"), ["F3 g", "Home"]);
        assert!(words(&read, "force").is_empty());
        assert_eq!(words(&read, "preview"), ["r"]);
    }

    #[test]
    fn presets_are_without_fault_and_the_operator_s_keys_go_before_them() {
        for (name, text) in PRESETS {
            assert_eq!(keymap(text).unwrap(), preset(text), "{name}");
            assert_eq!(keymap(&format!("[keys]\npreset = '{name}'")).unwrap(), preset(text), "{name}");
            assert!(text.is_empty() || preset(text) != Keymap::default(), "{name}");
        }
        let read = keymap("[keys]\npreset = 'vim'\nlast = 'F2'\n").unwrap();
        assert_eq!(
            (words(&read, "first"), words(&read, "last")),
            (vec!["g g".into(), "Home".into()], vec!["F2".into()])
        );
    }

    #[test]
    fn both_places_of_a_conflict_are_named() {
        for (text, message) in [
            (
                "[keys]\nswap = 'F2'\nforce = ['F', 'F2']",
                "3:15: `F2` means `force` and `swap` in relationships; the other one is at 2:8: give one of them another key",
            ),
            (
                "[keys]\nswap = 'r'",
                "2:8: `r` means `swap` and `preview` in relationships; `preview` has it by default: give one of them \
                 another key",
            ),
            (
                "[keys]\npreset = 'vim'\nmark-all = 'g'",
                "3:12: `g g` of `first` and `g` of `mark-all` begin alike in relationships; `first` has it in the preset \
                 vim: give one of them another key",
            ),
            ("[keys]\nyes = 'Enter'", "2:7: `Enter` must not mean `yes`, which confirms: `Enter` is pressed by habit"),
            (
                "[keys]\npreview = 'F2'\nyes = 'F2'",
                "3:7: `F2` must not mean `yes`, which confirms: `F2` opens the question; the other one is at 2:11: give \
                 one of them another key",
            ),
            ("[keys]\nquit = []", "2:8: `quit` must have a key"),
            ("[keys]\nswop = 'S'", "2:1: unknown key `swop` in [keys]: did you mean `swap`?"),
            ("[keys]\npreset = 'vi'", "2:10: unknown `preset` \"vi\" in [keys]: did you mean \"vim\"?"),
            ("[keys]\nswap = 3", "2:8: `swap` in [keys] must be a key in quotes, or a list of keys"),
        ] {
            assert_eq!(keymap(text).unwrap_err(), format!("/etc/c.toml:{message}"));
        }
        let error = keymap("[keys]\nswap = 'Entr'").unwrap_err();
        assert!(error.contains("2:8: `swap` in [keys]: \"Entr\" is no key: write"), "{error}");
    }
}
