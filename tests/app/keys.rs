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
    let mut program = with_keys(&[("preview", &["p"]), ("mark-all", &["z a"]), ("yes", &["Y"]), ("force", &[])]);
    let hints = program.text();
    assert!(hints.contains("p replicate") && hints.contains("z a mark all drifted"), "{hints}");
    assert!(!hints.contains("Force"), "{hints}");
    program.press("F r a");
    assert!(!program.state.force && program.preview().is_none() && program.state.marked() == 0);
    program.press("z");
    assert!(program.text().contains("z ... z a mark-all"), "{}", program.text());
    program.press("a");
    assert_eq!(program.state.marked(), 4);
    program.press("p");
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
    let position = |program: &Program| program.state.current().unwrap().1.current().unwrap().id.short();
    let before = position(&program);
    program.press("g Esc");
    assert_eq!(program.state.focus, Pane::Scopes, "Esc gives up what was begun, and no more");
    assert_eq!(position(&program), before);
    program.press("g g");
    assert_eq!(position(&program), "10.0.1.0");
    program.press("Ctrl-w / g");
    assert!(program.state.filtering, "a letter is text there");
    assert_eq!(program.state.current().unwrap().1.scopes.filter, "g");
}

#[test]
fn what_was_begun_in_the_lists_does_not_confirm_in_the_preview() {
    let mut program = with_keys(&[("yes", &["z y"]), ("swap", &["z s"])]);
    program.press("a");
    program.type_keys("r z");
    program.settle();
    program.wait(300);
    program.type_keys("y");
    assert!(!program.asked.iter().any(|asked| asked.starts_with("run")), "{:?}", program.asked);
    program.wait(300);
    program.press("z y");
    assert!(program.asked.iter().any(|asked| asked.starts_with("run")), "{:?}", program.asked);
}
