//! Other keys than the table's: sequences, confirmations, and what the screen says of them.

use scopesync::app::keymap::{Keymap, named};

use super::*;

/// The program with other keys for some actions.
fn with_keys(keys: &[(&str, &[&str])]) -> Program {
    let (mut program, _servers) = ready();
    let keymap: &mut Keymap = &mut program.state.setting.keymap;
    for (name, keys) in keys {
        keymap.bind(named(name).unwrap(), keys.iter().map(|key| key.parse().unwrap()).collect());
    }
    assert_eq!(scopesync::app::keymap::faults(keymap), []);
    program.draw();
    program
}

#[test]
fn the_screen_names_the_keys_in_force_and_only_they_work() {
    let mut program = with_keys(&[("preview", &["b"]), ("mark-all", &["x a"]), ("yes", &["Y"]), ("force", &[])]);
    let hints = program.text();
    assert!(hints.contains("b replicate") && hints.contains("x a mark all drifted"), "{hints}");
    assert!(!hints.contains("Force"), "{hints}");
    program.press("F r a");
    assert!(!program.state.force && program.preview().is_none() && program.state.marked() == 0);
    program.press("x");
    assert!(program.text().contains("x ... x a mark-all"), "{}", program.text());
    program.press("a");
    assert_eq!(program.state.marked(), 4);
    program.press("b");
    program.wait(300);
    program.press("y");
    assert!(program.preview().is_some(), "y confirms nothing any more");
    program.wait(300);
    program.press("Y");
    assert!(program.asked.iter().any(|asked| asked.starts_with("run")), "{:?}", program.asked);
}

#[test]
fn a_sequence_that_means_nothing_does_nothing() {
    let mut program = with_keys(&[("first", &["g g", "Home"]), ("filter", &["Ctrl-w /"])]);
    program.press("Enter Down Down g");
    assert!(program.state.begun.is_some());
    program.press("a");
    assert_eq!(program.state.marked(), 0, "a was the end of something that is not there");
    assert!(program.text().contains("g a: means nothing here"), "{}", program.text());
    let position = |program: &Program| highlighted(&program.state);
    let before = position(&program);
    program.press("g Esc");
    assert_eq!(program.state.place(), Place::Scopes, "Esc gives up what was begun, and no more");
    assert_eq!(position(&program), before);
    program.press("g g");
    assert_eq!(program.state.tree.position(), Some(0));
    program.press("Ctrl-w / g");
    assert!(program.state.filtering, "a letter is text there");
    assert_eq!(program.state.tree.filter, "g");
}

#[test]
fn what_was_begun_in_the_lists_does_not_confirm_in_the_preview() {
    let mut program = with_keys(&[("yes", &["x y"]), ("swap", &["x s"])]);
    program.press("a");
    program.type_keys("r x");
    program.settle();
    program.wait(300);
    program.type_keys("y");
    assert!(!program.asked.iter().any(|asked| asked.starts_with("run")), "{:?}", program.asked);
    program.wait(300);
    program.press("x y");
    assert!(program.asked.iter().any(|asked| asked.starts_with("run")), "{:?}", program.asked);
}
