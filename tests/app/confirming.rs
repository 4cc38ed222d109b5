//! From the preview to a yes: what confirms, what does not, and what is refused.

use super::*;

#[test]
fn keys_before_the_preview_was_drawn_and_shortly_after_confirm_nothing() {
    let (mut program, servers) = ready();
    program.press("Enter");
    // Typed ahead, while the plan is still being made.
    program.type_keys("r y y a");
    while program.happen() {}
    program.type_keys("y a");
    assert!(program.preview().is_some() && program.asked.is_empty());
    program.draw();
    program.now += std::time::Duration::from_millis(200);
    program.event(Event::Key(event_of("y")));
    assert!(program.preview().is_some() && program.asked.is_empty());
    assert!(message(&program.state).contains("300 ms"), "{}", message(&program.state));
    // A paste never counts, nor does Enter, nor a key that is held down.
    program.wait(400);
    program.event(Event::Paste("y".into()));
    program.press("Enter");
    let mut held = event_of("y");
    (held.kind, held.state) = (KeyEventKind::Repeat, KeyEventState::NONE);
    program.event(Event::Key(held));
    assert!(program.preview().is_some() && program.asked.is_empty());
    assert!(servers.1.writes().is_empty());
    program.wait(400);
    program.press("y");
    assert_eq!(program.asked, ["run one-two"]);
}

#[test]
fn a_key_typed_in_time_and_handled_late_confirms_nothing() {
    let (mut program, _) = ready();
    program.press("Enter r");
    // The loop was held up: the key was typed before the gate opened, and no tick came between.
    program.now += std::time::Duration::from_secs(5);
    program.event(Event::Key(event_of("y")));
    assert!(program.preview().is_some() && program.asked.is_empty());
}

#[test]
fn a_preview_that_was_covered_has_to_be_read_again() {
    let (mut program, _) = ready();
    program.press("Enter r");
    program.wait(300);
    program.press("?");
    program.press("Esc y");
    assert!(program.preview().is_some() && program.asked.is_empty(), "the help had covered it");
    program.wait(300);
    program.resize(40, 10);
    program.resize(100, 30);
    program.press("y");
    assert!(program.preview().is_some() && program.asked.is_empty(), "the window was too small to show it");
    program.wait(300);
    program.event(Event::Resumed);
    program.press("y");
    assert!(program.preview().is_some() && program.asked.is_empty(), "the screen was away");
}

#[test]
fn under_what_if_nothing_can_be_confirmed_whatever_else_is_set() {
    for keys in ["W", "F W", "W F"] {
        let (mut program, servers) = ready();
        program.press("Enter");
        program.press(keys);
        program.press("a r");
        assert!(program.text().contains("WHATIF: nothing is written"), "{}", program.text());
        program.wait(1000);
        for answer in ["y", "a"] {
            program.press(answer);
            assert!(message(&program.state).contains("WhatIf is on"), "{}", message(&program.state));
            program.wait(1000);
        }
        program.press("n");
        assert!(matches!(program.state.view, View::Browse));
        assert!(program.asked.is_empty() && servers.1.writes().is_empty() && servers.0.writes().is_empty());
    }
}

#[test]
fn with_force_it_runs_as_soon_as_the_plan_stands() {
    let (mut program, servers) = ready();
    assert!(!program.state.force, "off at the start");
    program.press("Enter F");
    assert!(program.text().contains("FORCE: r does not ask"), "{}", program.text());
    program.press("r");
    assert_eq!(program.asked, ["run one-two"]);
    assert_eq!(servers.1.writes().iter().filter(|call| call.starts_with("write")).count(), 1, "the highlighted scope");
}

#[test]
fn read_only_can_be_lifted_by_no_key() {
    let (mut program, servers) = ready();
    program.state.setting.read_only = true;
    for key in ["W", "F"] {
        program.press(key);
        assert!(message(&program.state).contains("read-only"), "{}", message(&program.state));
    }
    program.press("Enter a r");
    assert!(program.text().contains("READ-ONLY"), "{}", program.text());
    program.wait(1000);
    program.press("y");
    assert!(message(&program.state).contains("read-only"), "{}", message(&program.state));
    assert!(program.asked.is_empty() && servers.1.writes().is_empty());
}

#[test]
fn force_does_not_answer_for_what_is_refused() {
    let (one, mut two) = servers();
    two.read_only = true;
    let mut program = Program::ready(Fleet::new(vec![Arc::new(one), Arc::new(two.clone())]), 100, 30);
    program.press("Enter F a r");
    assert!(program.text().contains("BLOCKED, read-only"), "{}", program.text());
    program.wait(1000);
    for key in ["y", "J"] {
        program.press(key);
        assert!(message(&program.state).contains("nothing of this plan can be written"), "{}", message(&program.state));
    }
    let text = program.text();
    assert_eq!(
        text.lines().last().map(str::trim),
        Some("w save  / search  ? help  : commands  q quit"),
        "what cannot work is not offered: {text}"
    );
    assert!(program.asked.is_empty() && two.writes().is_empty());
}

#[test]
fn the_plan_is_made_of_both_servers_as_they_are_now() {
    let (mut program, servers) = ready();
    servers.1.meddle("10.0.1.0/24", |theirs| *theirs = numbered(1, 77));
    program.press("Enter r");
    assert!(program.text().contains("now 77, will be 3600"), "{}", program.text());
}

#[test]
fn a_scope_that_moves_under_the_preview_is_not_written() {
    let (mut program, servers) = ready();
    program.press("Enter r");
    servers.1.meddle("10.0.1.0/24", |theirs| *theirs = numbered(1, 77));
    program.wait(300);
    program.press("y");
    assert!(program.text().contains("LOOK: one-two: 1 rejected"), "{}", program.text());
    // it refuses all others too, for a reason that is told once
    program.press("R a r");
    servers.1.meddle("10.0.1.0/24", |theirs| *theirs = numbered(1, 78));
    program.wait(300);
    program.press("y J");
    let text = program.text();
    assert!(text.contains("4 scopes rejected: nothing was written: scope 10.0.1.0/24: the target has"), "{text}");
    assert_eq!(text.matches("nothing was written").count(), 1, "{text}");
    assert!(!servers.1.writes().iter().any(|call| call.starts_with("write")));
}

#[test]
fn outcomes_that_are_not_good_are_said_in_words() {
    let (mut program, servers) = ready();
    servers.1.script("10.0.1.0/24", Script::Refuse);
    servers.1.script("10.0.2.0/24", Script::LoseRequest);
    program.press("Enter a r");
    program.wait(300);
    program.press("y J");
    let text = program.text();
    assert!(text.contains("10.0.1.0        rejected"), "{text}");
    assert!(text.contains("10.0.3.0        replicated"), "one failing scope leaves the others going:\n{text}");
    assert!(program.state.notices.is_empty(), "seen in the jobs");
}

#[test]
fn declining_writes_nothing() {
    for key in ["n", "Esc", "l"] {
        let (mut program, servers) = ready();
        program.press("Enter a r");
        program.wait(300);
        program.press(key);
        assert!(matches!(program.state.view, View::Browse), "{key}");
        assert_eq!(message(&program.state), "declined: nothing was written");
        assert_eq!(program.asked, ["declined"], "it is taken down");
        assert!(servers.1.writes().is_empty());
        assert_eq!(marks(&program.state).len(), 4, "the marks are kept");
    }
}

/// A scope with a refusal that the operator may override.
fn refused() -> (Program, (FakeServer, FakeServer)) {
    let servers = servers();
    let refusal = Refusal {
        name: "option-43",
        message: "a value would be wiped".into(),
        hint: "define code 43".into(),
        overridable: true,
    };
    servers.1.inner().refusals.insert(id("10.0.1.0/24"), vec![refusal]);
    (Program::ready(fake::fleet(&servers), 100, 40), servers)
}

fn written(server: &FakeServer) -> Vec<String> {
    server.writes().into_iter().filter(|call| call.starts_with("write")).collect()
}

#[test]
fn what_is_refused_is_not_written_and_said_first() {
    let (mut program, servers) = refused();
    program.press("Enter a r");
    let text = program.text();
    let (refusal, change) = (text.find("REFUSED 10.0.1.0, option-43").unwrap(), text.find("~ update").unwrap());
    assert!(refusal < change && text.contains("[o: overrides it]"), "{text}");
    assert!(text.contains("in 3 scopes; 1 scope refused"), "{text}");
    program.wait(300);
    program.press("y");
    assert_eq!(written(&servers.1), ["write 10.0.2.0/24", "write 10.0.3.0/24", "write 10.0.5.0/24"]);
}

#[test]
fn a_refusal_is_overridden_by_name_and_asked_about_anew() {
    let (mut program, servers) = refused();
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("o");
    program.type_keys("y");
    assert!(message(&program.state).contains("made anew"), "{}", message(&program.state));
    program.settle();
    let text = program.text();
    assert!(text.contains("overridden 10.0.1.0, option-43") && text.contains("in 4 scopes?"), "{text}");
    program.press("y");
    assert!(program.asked.is_empty(), "another plan has to be read first");
    program.press("o");
    assert!(program.text().contains("REFUSED 10.0.1.0, option-43"), "it stands again:\n{}", program.text());
    program.press("o");
    program.wait(300);
    program.press("y");
    assert_eq!(written(&servers.1).len(), 4, "{:?}", servers.1.writes());
}

#[test]
fn with_force_what_is_refused_is_left_out_and_told_with_the_result() {
    let (mut program, servers) = refused();
    program.press("Enter F a r");
    assert_eq!(program.asked, ["run one-two"], "as soon as the plan stands");
    assert_eq!(written(&servers.1), ["write 10.0.2.0/24", "write 10.0.3.0/24", "write 10.0.5.0/24"]);
    assert!(program.text().contains("LOOK: one-two: 1 rejected, 3 replicated"), "{}", program.text());
    program.press("J");
    assert!(program.text().contains("option-43: a value would be wiped"), "{}", program.text());
}

#[test]
fn with_force_a_plan_of_which_nothing_can_be_written_is_shown() {
    let (mut program, servers) = refused();
    program.press("Enter F r");
    assert!(program.text().contains("REFUSED 10.0.1.0"), "{}", program.text());
    assert!(program.asked.is_empty() && written(&servers.1).is_empty());
}

/// Two relationships, each with one deletion, which is one too many.
fn with_a_name_to_type() -> (Program, [FakeServer; 4]) {
    let (mut program, servers) = two_pairs();
    program.state.setting.screen.type_name_above = 0;
    (program, servers)
}

/// Types a text letter by letter.
fn typed(text: &str) -> String {
    text.chars().map(|c| format!("{c} ")).collect()
}

#[test]
fn many_deletions_are_confirmed_by_typing_the_name() {
    let (mut program, servers) = with_a_name_to_type();
    program.press("Enter a r");
    program.wait(300);
    assert!(program.text().contains("(then the name is asked for)"), "{}", program.text());
    program.press("y");
    let text = program.text();
    assert!(text.contains("1 deletion: type the name, one-two, and Enter. Esc leaves.") && text.contains("name: _"));
    // Another name, none, a part of it; a paste, and what only looks typed.
    for wrong in ["", "y", "one-tw", "one-two2", "One-Two"] {
        program.press(&format!("Ctrl-u {} Enter", typed(wrong)));
        assert!(message(&program.state).contains("not the name"), "{}", message(&program.state));
    }
    program.press("Ctrl-u");
    program.event(Event::Paste("one-two".into()));
    assert!(message(&program.state).contains("a paste is not taken"), "{}", message(&program.state));
    for c in "one-two".chars() {
        program.now += std::time::Duration::from_millis(5);
        program.event(Event::Key(event_of(&c.to_string())));
    }
    program.press("Enter");
    assert!(message(&program.state).contains("pasted?"), "{}", message(&program.state));
    assert!(program.asked.is_empty() && servers[1].writes().is_empty());
    program.press("Esc");
    assert!(program.preview().is_some_and(|preview| preview.naming.is_none()), "Esc leaves the name, not the preview");
    program.wait(300);
    program.press(&format!("y {} Backspace {} Enter", typed("one-twx"), typed("o")));
    assert_eq!(program.asked, ["run one-two"]);
}

#[test]
fn a_name_that_was_covered_while_it_was_typed_has_to_be_read_again() {
    let (mut program, _) = with_a_name_to_type();
    program.press("Enter a r");
    program.wait(300);
    program.press(&format!("y {}", typed("one-two")));
    program.event(Event::Resumed);
    program.press("Enter");
    assert!(program.asked.is_empty(), "the screen was away");
    program.wait(300);
    program.press("Enter");
    assert_eq!(program.asked, ["run one-two"]);
}

#[test]
fn a_yes_to_all_asks_for_each_name_that_has_to_be_typed() {
    let (mut program, _) = with_a_name_to_type();
    program.press("a Down a r");
    program.wait(300);
    assert!(program.text().contains("(1 of 2)"), "{}", program.text());
    let first = program.preview().unwrap().asking().unwrap().1.name.to_string();
    program.press(&format!("a {} Enter", typed(&first)));
    assert!(program.asked.is_empty() && program.text().contains("(2 of 2)"), "{}", program.text());
    program.wait(1000);
    let second = program.preview().unwrap().asking().unwrap().1.name.to_string();
    assert_ne!(first, second);
    program.press(&format!("y {} Enter", typed(&first)));
    assert!(program.asked.is_empty(), "it is the name of another one");
    program.press(&format!("Ctrl-u {} Enter", typed(&second)));
    assert_eq!(program.asked, [format!("run {first} {second}")]);
}
