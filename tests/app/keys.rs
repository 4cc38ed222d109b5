//! Other keys than the table's: sequences, confirmations, and what the screen says of them.

use scopesync::app::action::VERBS;
use scopesync::app::keymap::{Keymap, named};

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use scopesync::app::action::Place;

use crate::common::screen::Past;

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
    let mut program = with_keys(&[("preview", &["F2"]), ("mark-all", &["F3 a"]), ("yes", &["F4"]), ("force", &[])]);
    let hints = program.text();
    assert!(hints.contains("F2 replicate") && hints.contains("F3 a mark drifted"), "{hints}");
    assert!(!hints.contains("Force"), "{hints}");
    program.press("F r a");
    assert!(!program.state.force && program.preview().is_none() && program.state.marked() == 0);
    program.press("F3");
    assert!(program.text().contains("F3 ... F3 a mark-all"), "{}", program.text());
    program.press("a");
    assert_eq!(program.state.marked(), 4);
    program.press("F2");
    program.wait(300);
    program.press("y");
    assert!(program.preview().is_some(), "y confirms nothing any more");
    program.wait(300);
    program.press("F4");
    assert!(program.asked.iter().any(|asked| asked.starts_with("run")), "{:?}", program.asked);
}

#[test]
fn a_sequence_that_means_nothing_does_nothing() {
    let mut program = with_keys(&[("first", &["F2 g", "Home"]), ("filter", &["F3 /"])]);
    program.press("Enter Down Down F2");
    assert!(program.state.begun.is_some());
    program.press("a");
    assert_eq!(program.state.marked(), 0, "a was the end of something that is not there");
    assert!(program.text().contains("F2 a: means nothing here"), "{}", program.text());
    let position = |program: &Program| highlighted(&program.state);
    let before = position(&program);
    program.press("F2 Esc");
    assert_eq!(program.state.place(), Place::Scopes, "Esc gives up what was begun, and no more");
    assert_eq!(position(&program), before);
    program.press("F2 g");
    assert_eq!(program.state.tree.position(), Some(0));
    program.press("F3 / g");
    assert!(program.state.filtering, "a letter is text there");
    assert_eq!(program.state.tree.filter, "g");
}

#[test]
fn what_was_begun_in_the_lists_does_not_confirm_in_the_preview() {
    let mut program = with_keys(&[("yes", &["F2 y"]), ("swap", &["F2 s"])]);
    program.press("a");
    program.type_keys("r F2");
    program.settle();
    program.wait(300);
    program.type_keys("y");
    assert!(!program.asked.iter().any(|asked| asked.starts_with("run")), "{:?}", program.asked);
    program.wait(300);
    program.press("F2 y");
    assert!(program.asked.iter().any(|asked| asked.starts_with("run")), "{:?}", program.asked);
}

#[test]
fn the_palette_finds_actions_by_name_and_tells_why_one_cannot_be_taken() {
    let mut program = with_keys(&[]);
    program.press(":");
    program.press("m a r k Space a");
    let text = program.text();
    let line = |words: &str| text.lines().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{text}"));
    assert!(line("mark-all") < line("mark-shown"), "{text}");
    program.press("Enter");
    assert_eq!((program.state.place(), program.state.marked()), (Place::Relationships, 4));
    program.press(": u n d o Enter");
    assert_eq!(program.state.place(), Place::Palette, "it stays open");
    assert!(program.text().contains("undo: works in: history, past run"), "{}", program.text());
    program.press("Ctrl-u q u i Down Esc");
    assert_eq!(program.state.place(), Place::Relationships);
    program.press(": z z z");
    assert!(program.text().contains("no action is called so"), "{}", program.text());
}

#[test]
fn the_palette_answers_no_question() {
    let mut program = with_keys(&[]);
    program.press("a r");
    program.wait(300);
    program.press(": y e s");
    assert!(program.text().contains("a question is answered by its key alone: y"), "{}", program.text());
    program.press("Enter Down Enter Esc");
    program.press("y");
    assert!(!program.asked.iter().any(|asked| asked.starts_with("run")), "it was covered, and has to be read again");
    program.wait(300);
    program.press("y");
    assert!(program.asked.iter().any(|asked| asked.starts_with("run")), "{:?}", program.asked);
}

/// The mouse on the first row that holds this text.
fn mouse(program: &mut Program, kind: MouseEventKind, text: &str) {
    let screen = program.text();
    let row = screen.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text} in {screen}"));
    let event = MouseEvent { kind, column: 4, row: u16::try_from(row).unwrap(), modifiers: KeyModifiers::NONE };
    program.event(Event::Mouse(event));
    program.draw();
}

#[test]
fn the_mouse_points_where_somebody_wants_it_to_and_confirms_nothing() {
    const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
    let mut program = with_keys(&[]);
    program.press("Enter");
    let scope = |program: &Program| program.state.current_scope().map(|scope| scope.id.short());
    let before = scope(&program);
    mouse(&mut program, CLICK, "10.0.5.0");
    assert_eq!(scope(&program), before, "it is off");
    program.press("M");
    assert_eq!(program.asked.last().map(String::as_str), Some("mouse true"));
    assert!(program.text().lines().next().unwrap().contains("MOUSE"), "{}", program.text());
    mouse(&mut program, CLICK, "10.0.5.0");
    assert_eq!(scope(&program).as_deref(), Some("10.0.5.0"));
    assert_eq!(program.state.focus, Pane::List);
    program.wait(1000);
    mouse(&mut program, CLICK, "10.0.5.0");
    assert_eq!(program.state.focus, Pane::List, "a second click is too late for a double one");
    mouse(&mut program, CLICK, "10.0.5.0");
    assert_eq!(program.state.focus, Pane::Drift, "a double click goes in");
    mouse(&mut program, MouseEventKind::ScrollUp, "10.0.5.0");
    assert_eq!(program.state.focus, Pane::List);
    assert_ne!(scope(&program).as_deref(), Some("10.0.5.0"), "the wheel scrolls what is under it");
    program.press("a r");
    program.wait(300);
    for row in 0..30 {
        let event = |kind| MouseEvent { kind, column: 10, row, modifiers: KeyModifiers::NONE };
        (0..3).for_each(|_| program.event(Event::Mouse(event(CLICK))));
        program.event(Event::Mouse(event(MouseEventKind::ScrollDown)));
    }
    program.settle();
    assert!(program.preview().is_some() && !program.asked.iter().any(|asked| asked.starts_with("run")));
    program.press("M");
    assert_eq!(program.asked.last().map(String::as_str), Some("mouse false"));
}

#[test]
fn the_mouse_does_not_end_what_is_being_typed() {
    const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
    for kind in [CLICK, MouseEventKind::ScrollDown] {
        // the filter of the list, with the pointer on the drift
        let (mut program, _servers) = ready();
        program.press("M F Enter / b e");
        let there = program.state.drawn.drift.unwrap().area;
        let event = |x, y| Event::Mouse(MouseEvent { kind, column: x, row: y, modifiers: KeyModifiers::NONE });
        program.event(event(there.x + 1, there.y + 1));
        program.press("r l");
        assert_eq!((program.state.tree.filter.as_str(), program.state.filtering), ("berl", true), "{kind:?}");
        // a search in the drift, with the pointer on the list
        program.press("Esc Tab / b e");
        let (there, cursor) = (program.state.drawn.fleet.unwrap().area, program.state.tree.key());
        program.event(event(there.x + 1, there.y + 3));
        program.press("r l");
        assert_eq!((program.state.drift.search.text.as_str(), program.state.focus), ("berl", Pane::Drift), "{kind:?}");
        assert_eq!(program.state.tree.key(), cursor);
        // the name of a file
        program.press("Esc E");
        assert!(program.state.is_exporting(), "{}", program.text());
        program.event(event(there.x + 1, there.y + 3));
        assert_eq!(program.state.tree.key(), cursor);
        assert_eq!(program.begun, [""; 0], "{kind:?}");
    }
}

#[test]
fn a_filter_that_is_not_understood_marks_nothing() {
    let (mut program, _servers) = ready();
    program.press("/ b o g u s : x Enter");
    assert!(message(&program.state).contains("bogus:x filters nothing: valid here"), "{}", message(&program.state));
    for key in ["A", "a", "i"] {
        program.press(key);
        assert!(message(&program.state).contains("not understood"), "{key}: {}", message(&program.state));
        assert_eq!(program.state.marked(), 0);
    }
    program.press("Esc a");
    assert!(program.state.marked() > 0);
}

#[test]
fn the_mouse_points_at_what_is_drawn_where_it_is() {
    const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
    let mut program = with_keys(&[]);
    program.past = Past::sample();
    program.press("M Enter Enter z");
    // both values of a field below each other: two rows of the screen are one line
    program.resize(66, 24);
    let current = |program: &Program| program.state.drift.scroll.position(program.state.drift.rows.len());
    mouse(&mut program, CLICK, "target 1800");
    let field = current(&program);
    mouse(&mut program, CLICK, "+ 10.0.1.7");
    assert!(current(&program) > field, "{}", program.text());
    mouse(&mut program, CLICK, "source 3600");
    assert_eq!(current(&program), field, "{}", program.text());
    // the preview: its cursor goes there, and nothing else happens
    program.press("Esc Esc a r");
    program.wait(300);
    (0..3).for_each(|_| mouse(&mut program, CLICK, "delete reservation 10.0.5.9"));
    let preview = program.preview().unwrap();
    let line = preview.line(preview.rows[preview.scroll.position(preview.rows.len())]).1;
    assert!(line.contains("delete reservation 10.0.5.9"), "{line}");
    mouse(&mut program, CLICK, "yes to all");
    assert!(program.preview().is_some() && program.asked == ["mouse true"], "{:?}", program.asked);
    // the jobs: the run under the pointer is shown
    program.press("y");
    program.wait(800);
    program.press("s Home a r");
    program.wait(300);
    program.press("y J");
    let shown = |program: &Program| program.state.runs.shown();
    let newest = shown(&program);
    mouse(&mut program, CLICK, "  03:04:05 done");
    assert_ne!(shown(&program), newest, "{}", program.text());
    mouse(&mut program, MouseEventKind::ScrollUp, "  03:04:05 done");
    assert_eq!(shown(&program), newest, "{}", program.text());
    // the menu of what can be copied: a double click takes the line
    program.press("c");
    mouse(&mut program, CLICK, "all of its outcomes");
    assert!(program.state.copying.is_some());
    mouse(&mut program, CLICK, "all of its outcomes");
    assert!(
        program.state.copying.is_none() && program.asked.last().unwrap().starts_with("copy "),
        "{:?}",
        program.asked
    );
}

/// The words of the screen that are a key of the table, where every action has another one.
fn old_keys(program: &Program) -> Vec<String> {
    let is_old = |word: &str| VERBS.iter().any(|verb| verb.keys.contains(&word));
    // words of the language, units, punctuation, the sign of a fold or a sort
    let innocent = ["a", "s", ":", "-", "+", "/", "=", "v", "^", "?", "home", "end"];
    let text = program.text();
    // what a border touches is cut off
    let whole = text.split_whitespace().filter(|word| !word.contains(['│', '…']));
    let words = whole.flat_map(|word| word.split(|c: char| "()[],;.".contains(c)));
    let words = words.map(|word| word.strip_suffix(':').unwrap_or(word));
    words.filter(|word| is_old(word) && !innocent.contains(word)).map(str::to_owned).collect()
}

/// The other keys of some actions, as they are pressed.
fn pressed(keymap: &Keymap, names: &str) -> String {
    let key = |name: &str| keymap.of(named(name).unwrap())[0].to_string();
    names.split(' ').map(key).collect::<Vec<_>>().join(" ")
}

#[test]
fn no_key_that_is_not_in_force_is_named_anywhere() {
    let servers = servers();
    let refusal = Refusal { name: "option-43", message: "why".into(), hint: "cure".into(), overridable: true };
    servers.1.inner().refusals.insert(id("10.0.1.0/24"), vec![refusal]);
    for server in [&servers.0, &servers.1] {
        server.inner().state = Some("terminated");
    }
    let mut program = Program::ready(fake::fleet(&servers), 120, 45);
    program.past = Past::sample();
    let keymap: &mut Keymap = &mut program.state.setting.keymap;
    for (at, verb) in VERBS.iter().enumerate() {
        keymap.bind(verb, vec![format!("F{} F{}", at / 10 + 2, at % 10 + 1).parse().unwrap()]);
    }
    let keymap = keymap.clone();
    program.draw();
    for (names, words) in [
        ("mouse", "the mouse is used here"),
        ("enter mark-all", "4 marked"),
        ("force", "replicates 4 marked scopes WITHOUT asking"),
        ("force what-if preview yes", "WhatIf is on: nothing can be written"),
        ("no what-if preview", "OVERWRITES"),
        ("as-job", "AS JOB"),
        ("as-job override", "overridden 10.0.1.0"),
        ("leave-out", "there is no change on this line"),
        ("yes", "STILL TERMINATED"),
        ("jobs", "still terminated"),
        ("retry cancel", "this run has ended"),
        ("back reset", "Refused as things stand"),
        ("override", "overridden, drift"),
        ("no history", "INTERRUPTED"),
        ("open", "what the run destroyed"),
        ("history findings", "critical"),
        ("copy", "the whole line"),
        ("back palette", ":_"),
        ("close log", "log"),
        ("back help", "help"),
    ] {
        program.press(&pressed(&keymap, names));
        program.wait(300);
        let text = program.text();
        assert!(text.contains(words), "{names}: {text}");
        assert_eq!(old_keys(&program), [""; 0], "after {names}:\n{text}");
    }
}

#[test]
fn the_help_is_filtered_by_words() {
    let (mut program, _) = ready();
    program.press("? / w h a t i f - f o r c e");
    program.press("Backspace Backspace Backspace Backspace Backspace Backspace Enter");
    let text = program.text();
    assert!(text.contains("[help /whatif]") && text.contains("WhatIf: the plan is shown"), "{text}");
    assert!(!text.contains("Signs: + create"), "{text}");
    program.press("/ Ctrl-u n o : s u c h");
    assert!(program.text().contains("nothing in it fits the filter (Esc takes it away)"), "{}", program.text());
    program.press("Enter Esc");
    assert!(program.text().contains("[help]"), "{}", program.text());
    program.press("Esc");
    assert_eq!(program.state.place(), Place::Relationships);
}
