//! The interactive program, driven by keys, on servers in memory.

// Helpers of tests may fail as a test may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

#[path = "app/history.rs"]
mod history;
#[path = "app/jobs.rs"]
mod jobs;

use std::sync::Arc;

use common::fake::{self, FakeServer, Script, pair, reserve, scope};
use common::screen::{Program, event_of};
use crossterm::event::{KeyEventKind, KeyEventState};
use scopesync::app::runs::Run;
use scopesync::app::state::{Demo, Pane, Quitting, View};
use scopesync::app::{AppState, Effect, Event};
use scopesync::engine::fleet::Fleet;
use scopesync::engine::port::Refusal;
use scopesync::model::{Scope, ScopeId};
use serde_json::json;

fn id(text: &str) -> ScopeId {
    text.parse().unwrap()
}

fn numbered(n: u32, lifetime: u32) -> Scope {
    let properties = [("id", json!(n)), ("valid-lifetime", json!(lifetime))];
    let mut scope = scope(&format!("10.0.{n}.0/24"), &properties);
    scope.name = Some(format!("floor {n}").as_str().into());
    scope
}

/// Ten scopes: 1 and 2 drifted, 3 only on `one`, 4 only on `two`, 5 with a deletion.
fn servers() -> (FakeServer, FakeServer) {
    let mut ours: Vec<Scope> = (1..=10).filter(|n| *n != 4).map(|n| numbered(n, 3600)).collect();
    let mut theirs: Vec<Scope> =
        (1..=10).filter(|n| *n != 3).map(|n| numbered(n, if n <= 2 { 1800 } else { 3600 })).collect();
    reserve(ours.iter_mut().find(|s| s.id == id("10.0.1.0/24")).unwrap(), "10.0.1.7", "02:00:00:00:00:07");
    reserve(theirs.iter_mut().find(|s| s.id == id("10.0.5.0/24")).unwrap(), "10.0.5.9", "02:00:00:00:00:09");
    pair(ours, theirs)
}

fn ready() -> (Program, (FakeServer, FakeServer)) {
    let servers = servers();
    (Program::ready(fake::fleet(&servers), 100, 30), servers)
}

fn highlighted(state: &AppState) -> String {
    state.current().and_then(|(_, relation)| relation.current()).map(|s| s.id.short()).unwrap_or_default()
}

fn marks(state: &AppState) -> Vec<String> {
    state.relations.values().flat_map(|relation| relation.marks.iter().map(ScopeId::short)).collect()
}

fn message(state: &AppState) -> &str {
    state.message.as_ref().map_or("", |(_, text)| text)
}

#[test]
fn the_main_job_with_six_keys() {
    let (mut program, servers) = ready();
    assert!(program.text().contains("5/10 drifted"), "{}", program.text());
    program.press("Enter a r");
    let text = program.text();
    let (deletions, creations) = (text.find("delete reservation 10.0.5.9").unwrap(), text.find("+ create").unwrap());
    assert!(deletions < creations, "deletions come first:\n{text}");
    assert!(text.contains("one → two"), "{text}");
    program.wait(300);
    program.press("y");
    assert_eq!(program.asked, ["run one-two"]);
    assert_eq!(servers.1.writes().iter().filter(|call| call.starts_with("write")).count(), 4);
    let text = program.text();
    assert!(text.contains("done: one-two: 4 replicated"), "{text}");
    assert!(text.contains("1/10 drifted"), "drift was read again:\n{text}");
    assert!(marks(&program.state).is_empty(), "what is in sync needs no mark");
    program.press("J");
    assert!(
        program.text().contains("10.0.5.0        replicated, 1 of 1 changes, verified, saved"),
        "{}",
        program.text()
    );
}

#[test]
fn lists_fill_while_other_servers_are_still_being_read() {
    let mut program = Program::start(Some(fake::fleet(&servers())), 100, 30);
    assert!(program.text().contains("server one"), "{}", program.text());
    program.happen();
    while !matches!(program.pending.front(), Some(Effect::Compare(..))) {
        program.pending.rotate_left(1);
    }
    program.happen();
    program.draw();
    let text = program.text();
    assert!(text.contains("two being read") && text.contains("10.0.1.0 "), "{text}");
    assert!(text.contains("checking"), "{text}");
    assert!(!text.contains("in sync") && !text.contains("only on source") && !text.contains("unknown"), "{text}");
    program.press("Enter");
    program.type_keys("Down Down");
    assert_eq!(highlighted(&program.state), "10.0.3.0");
    program.settle();
    assert_eq!(highlighted(&program.state), "10.0.3.0", "the cursor stays on its scope when others come");
    assert!(program.text().contains("only on source"), "{}", program.text());
}

#[test]
fn the_length_is_shown_only_where_two_scopes_share_an_address() {
    let (mut program, servers) = ready();
    assert!(!program.text().contains("/24"), "{}", program.text());
    servers.0.inner().scopes.insert(id("10.0.1.0/25"), scope("10.0.1.0/25", &[("id", json!(99))]));
    servers.0.inner().pulse += 1;
    program.press("R Enter Down");
    let text = program.text();
    assert!(text.contains("10.0.1.0/24") && text.contains("drift of 10.0.1.0/25"), "{text}");
    assert!(!text.contains("10.0.2.0/24"), "{text}");
}

#[test]
fn until_a_key_is_pressed_the_first_relationship_is_highlighted() {
    let (mut program, _) = two_pairs();
    assert!(program.text().contains("> one-two"), "{}", program.text());
    program.press("Down");
    assert!(program.text().contains("> three-four"), "{}", program.text());
    program.press("R");
    assert!(program.text().contains("> three-four"), "{}", program.text());
}

#[test]
fn a_partner_that_cannot_be_read_makes_drift_unknown() {
    let servers = servers();
    servers.1.inner().gone = true;
    let mut program = Program::ready(fake::fleet(&servers), 120, 30);
    let text = program.text();
    assert!(text.contains("two not read: two: no answer"), "{text}");
    assert!(text.contains("unknown") && !text.contains("in sync") && !text.contains("only on source"), "{text}");
    program.press("Enter Space");
    assert!(message(&program.state).contains("10.0.1.0 is unknown"), "{}", message(&program.state));
    servers.1.inner().gone = false;
    program.press("R");
    assert!(program.text().contains("5/10 drifted"), "{}", program.text());
}

#[test]
fn marks_and_cursor_survive_reading_again_and_what_was_repaired_elsewhere() {
    let (mut program, servers) = ready();
    program.press("Enter Down Space");
    assert_eq!(
        (highlighted(&program.state).as_str(), marks(&program.state)),
        ("10.0.2.0", vec!["10.0.2.0".to_owned()])
    );
    // Two scopes appear before it, and it stays what it is.
    servers.0.inner().scopes.insert(id("10.0.0.0/24"), numbered(0, 1));
    servers.0.inner().scopes.insert(id("10.0.0.128/25"), scope("10.0.0.128/25", &[("id", json!(99))]));
    servers.0.inner().pulse += 1;
    program.press("R");
    assert_eq!(
        (highlighted(&program.state).as_str(), marks(&program.state)),
        ("10.0.2.0", vec!["10.0.2.0".to_owned()])
    );
    // The partner is away for a moment.
    servers.1.inner().gone = true;
    program.press("R");
    assert_eq!(marks(&program.state), ["10.0.2.0"]);
    servers.1.inner().gone = false;
    servers.1.meddle("10.0.2.0/24", |theirs| *theirs = numbered(2, 3600));
    program.press("R");
    assert!(marks(&program.state).is_empty(), "somebody has repaired it");
    assert_eq!(highlighted(&program.state), "10.0.2.0");
}

#[test]
fn only_what_a_replication_would_change_can_be_marked() {
    let (mut program, _) = ready();
    program.press("Enter End Space");
    assert!(message(&program.state).contains("10.0.10.0 is in sync"), "{}", message(&program.state));
    program.press("Home Down Down Down Space");
    assert_eq!(highlighted(&program.state), "10.0.4.0");
    assert!(message(&program.state).contains("never deleted by a replication"), "{}", message(&program.state));
    program.press("a");
    assert_eq!(marks(&program.state), ["10.0.1.0", "10.0.2.0", "10.0.3.0", "10.0.5.0"]);
    program.press("a");
    assert!(marks(&program.state).is_empty());
}

#[test]
fn the_filter_limits_the_list_and_what_is_marked() {
    let (mut program, _) = ready();
    program.press("Enter / d r i f t");
    assert!(program.text().contains("filter: /drift_"), "{}", program.text());
    program.press("Enter a");
    assert_eq!(marks(&program.state), ["10.0.1.0", "10.0.2.0", "10.0.3.0", "10.0.5.0"]);
    let text = program.text();
    assert!(text.contains("10.0.4.0"), "what one side has alone is drift:\n{text}");
    assert!(!text.contains("10.0.9.0"), "{text}");
    program.press("Esc");
    assert_eq!(program.state.focus, Pane::Scopes, "the filter goes first");
    assert!(program.text().contains("10.0.9.0"));
    program.press("/");
    program.event(Event::Paste("floor 3\n\u{1b}".into()));
    program.press("Enter");
    assert_eq!(highlighted(&program.state), "10.0.3.0", "a paste is text here");
}

#[test]
fn swapping_turns_the_direction_and_clears_the_marks() {
    let (mut program, _) = ready();
    program.press("Enter a s");
    assert!(marks(&program.state).is_empty());
    let text = program.text();
    assert!(text.contains("[two → one]") && text.contains("its marks are gone"), "{text}");
    assert!(text.contains("10.0.4.0 ") && text.contains("only on source +"), "{text}");
    program.press("R");
    assert!(program.text().contains("[two → one]"), "the direction stays when everything is read again");
}

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
    program.press("y");
    assert!(message(&program.state).contains("nothing of this plan can be written"), "{}", message(&program.state));
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
    assert!(program.state.banner.is_none(), "seen in the jobs");
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
        assert!(program.asked.is_empty() && servers.1.writes().is_empty());
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
    assert!(text.contains("overwrite 3 scopes on two"), "{text}");
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
    assert!(text.contains("overridden 10.0.1.0, option-43") && text.contains("overwrite 4 scopes"), "{text}");
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
    assert!(program.text().contains("LOOK: one-two: 3 replicated, 1 rejected"), "{}", program.text());
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

fn farewell(state: &AppState) -> String {
    let name = |_: &Run| Some("20260102T030405Z-1f3a09c7".to_owned());
    scopesync::app::farewell::farewell(state, name).iter().map(|line| line.text() + "\n").collect()
}

#[test]
fn what_became_of_runs_is_told_when_the_screen_is_gone() {
    let (mut program, _) = ready();
    program.press("Enter a r");
    assert_eq!(farewell(&program.state), "", "nothing was run");
    program.wait(300);
    program.type_keys("y");
    let text = farewell(&program.state);
    assert!(text.contains("run 20260102T030405Z-1f3a09c7 (one-two) was left before it ended"), "{text}");
    assert!(text.contains("unknown") && text.contains("history"), "{text}");
    // Left at once when it ends: its end is on no frame.
    program.type_keys("q w");
    while program.happen() {}
    assert_eq!(program.asked.last().unwrap(), "quit");
    let text = farewell(&program.state);
    assert!(text.contains("10.0.5.0  replicated, verified, saved") && text.contains("4 replicated"), "{text}");
    program.draw();
    assert_eq!(farewell(&program.state), "", "it ended well, and that was seen");

    let (mut program, servers) = ready();
    servers.1.script("10.0.1.0/24", Script::Refuse);
    program.press("Enter a r");
    program.wait(300);
    program.press("y J");
    let text = farewell(&program.state);
    assert!(text.contains("10.0.1.0  rejected") && text.contains("3 replicated, 1 rejected"), "seen or not:\n{text}");
}

/// Two relationships: one-two and three-four.
fn two_pairs() -> (Program, [FakeServer; 4]) {
    let (one, two) = servers();
    let (mut three, mut four) = servers();
    (three.name, three.partner) = ("three".into(), "four");
    (four.name, four.partner) = ("four".into(), "three");
    let all = [one, two, three, four];
    let fleet = Fleet::new(all.iter().map(|server| Arc::new(server.clone()) as _).collect());
    (Program::ready(fleet, 100, 40), all)
}

#[test]
fn each_relationship_is_asked_about() {
    let (mut program, servers) = two_pairs();
    program.press("Space Down Space r");
    assert!(program.text().contains("(1 of 2) Replicate one-two"), "{}", program.text());
    program.wait(300);
    program.press("n");
    assert!(program.text().contains("(2 of 2) Replicate three-four"), "{}", program.text());
    // The same key at once is a key that is held down.
    program.press("y");
    assert!(program.asked.is_empty());
    program.wait(800);
    program.press("y");
    assert_eq!(program.asked, ["run three-four"]);
    assert!(servers[1].writes().is_empty() && !servers[3].writes().is_empty());

    let (mut program, servers) = two_pairs();
    program.press("Space Down Space r");
    program.wait(300);
    program.press("a");
    assert_eq!(program.asked, ["run one-two three-four"]);
    assert!(!servers[1].writes().is_empty() && !servers[3].writes().is_empty());

    let (mut program, servers) = two_pairs();
    program.press("Space Down Space r");
    program.wait(300);
    program.press("y");
    program.wait(800);
    program.press("l");
    assert_eq!(program.asked, ["run one-two"]);
    assert!(servers[3].writes().is_empty());
}

#[test]
fn a_key_that_is_held_down_answers_one_question_only() {
    let (mut program, _) = two_pairs();
    program.press("Space Down Space r");
    program.wait(300);
    for _ in 0..100 {
        program.wait(30);
        program.event(Event::Key(event_of("y")));
        program.draw();
    }
    assert!(program.asked.is_empty(), "the second question stands");
    assert!(program.text().contains("(2 of 2)"), "{}", program.text());
}

#[test]
fn browsing_goes_on_during_a_run_which_can_be_cancelled() {
    let (mut program, _) = ready();
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("y");
    assert!(program.text().contains("one-two") && program.state.running().count() == 1);
    program.type_keys("End");
    assert_eq!(highlighted(&program.state), "10.0.10.0");
    program.type_keys("J x");
    assert_eq!(program.asked, ["run one-two", "cancel"]);
    program.type_keys("x");
    assert_eq!(program.asked, ["run one-two", "cancel", "cancel"]);
    program.draw();
    assert!(program.text().contains("cancelling after the request in flight"), "{}", program.text());
    program.settle();
    program.press("x");
    assert!(message(&program.state).contains("this run has ended"), "{}", message(&program.state));
}

#[test]
fn quitting_asks_while_a_run_is_under_way_and_stays_by_default() {
    let (mut program, _) = ready();
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("y");
    for stay in ["Enter", "Esc", "n"] {
        program.type_keys("q");
        assert_eq!(program.state.quitting, Some(Quitting::Asking));
        program.draw();
        assert!(program.text().contains("Still under way: one-two"), "{}", program.text());
        program.type_keys(stay);
        assert_eq!(program.state.quitting, None, "{stay}");
    }
    program.type_keys("Ctrl-c c");
    assert_eq!(program.asked, ["run one-two", "cancel"]);
    program.draw();
    assert!(program.text().contains("QUITTING when the run has ended"), "{}", program.text());
    program.type_keys("q c");
    assert_eq!(program.asked, ["run one-two", "cancel", "cancel"], "the second time further");
    program.type_keys("q");
    program.draw();
    let text = program.text();
    assert!(text.contains("waiting for the server's answer") && text.contains("l  leave now"), "{text}");
    program.type_keys("n q w");
    program.settle();
    assert_eq!(program.asked.last().unwrap(), "quit");

    let (mut program, _) = ready();
    program.press("q");
    assert_eq!(program.asked, ["quit"]);
}

#[test]
fn what_hangs_after_cancelling_twice_can_be_left() {
    let (mut program, _) = ready();
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("y q l");
    assert!(message(&program.state).contains("cancel first"), "{}", message(&program.state));
    program.type_keys("c q");
    program.draw();
    assert!(program.text().contains("c  cancel after the request in flight"), "{}", program.text());
    program.type_keys("l");
    assert_eq!(program.asked, ["run one-two", "cancel"]);
    program.type_keys("c q l");
    assert_eq!(program.asked, ["run one-two", "cancel", "cancel", "leave"]);
}

#[test]
fn scopes_that_are_being_replicated_are_neither_marked_nor_planned_again() {
    let (mut program, _) = ready();
    program.press("Enter Space Down Space r");
    program.wait(300);
    program.type_keys("y");
    assert!(marks(&program.state).is_empty(), "they go into the run");
    for key in ["Space", "r"] {
        program.type_keys(key);
        assert!(message(&program.state).contains("10.0.2.0"), "{}", message(&program.state));
        assert!(message(&program.state).contains("is being replicated"), "{}", message(&program.state));
    }
    program.type_keys("a");
    assert_eq!(marks(&program.state), ["10.0.3.0", "10.0.5.0"]);
    assert!(message(&program.state).contains("2 being replicated"), "{}", message(&program.state));
    program.type_keys("u Esc r");
    assert!(message(&program.state).contains("2 scopes of one-two"), "{}", message(&program.state));
    assert_eq!(program.asked, ["run one-two"]);
    program.settle();
    program.press("Enter Down Space");
    assert_eq!(marks(&program.state).len(), 1, "it has ended: {}", message(&program.state));
}

#[test]
fn what_the_target_is_known_to_refuse_is_left_out_of_all() {
    use scopesync::app::compared::Compared;
    use scopesync::model::{Finding, FindingKind, FindingSide, Severity};
    let (mut program, _) = ready();
    let relation = program.state.relations.values_mut().next().unwrap();
    let mut drift = relation.compared.as_ref().unwrap().drift.clone();
    drift.findings.push(Finding {
        severity: Severity::Critical,
        kind: FindingKind::OptionDefinition,
        side: FindingSide::Target,
        scopes: vec![id("10.0.1.0/24"), id("10.0.9.0/24")],
        message: "option definition dhcp4/222 is missing on the target".into(),
        hint: "add it".into(),
    });
    relation.compared = Some(Arc::new(Compared::of(drift, false)));
    relation.refilter();
    program.type_keys("Enter a");
    assert_eq!(marks(&program.state), ["10.0.2.0", "10.0.3.0", "10.0.5.0"]);
    let told = "3 drifted scopes marked; 1 left out: option definition dhcp4/222 is missing on the target";
    assert_eq!(message(&program.state), told);
    program.type_keys("a");
    assert!(marks(&program.state).is_empty());
}

#[test]
fn escape_and_a_key_right_after_it_are_two_keys() {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    let (mut program, _) = ready();
    program.press("Enter r");
    program.wait(300);
    // As the terminal tells it.
    program.event(Event::Key(KeyEvent::new(KeyCode::Char('W'), KeyModifiers::ALT)));
    assert!(matches!(program.state.view, View::Browse) && program.state.what_if);
    program.press("W r");
    program.wait(300);
    program.event(Event::Key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::ALT)));
    assert!(program.asked.is_empty(), "that was a no");
}

#[test]
fn the_start_page_offers_the_demo() {
    let mut program = Program::start(None, 80, 24);
    let text = program.text();
    assert!(text.contains("/home/op/.config/scopesync/config.toml") && text.contains("d  opens the demo"), "{text}");
    program.press("d");
    assert_eq!(program.state.demo, Demo::Failed("no room for it".into()));
    program.demo = Some(Arc::new(fake::fleet(&servers())));
    program.press("d");
    let text = program.text();
    assert!(text.contains("DEMO") && text.contains("5/10 drifted"), "{text}");
}

#[test]
fn giving_up_a_plan_leaves_it_without_effect() {
    let (mut program, _) = ready();
    program.press("Enter F");
    program.type_keys("r Esc");
    assert_eq!(program.asked, ["abandon"]);
    program.settle();
    assert_eq!(program.asked, ["abandon"], "the plan came too late, Force or not");
    assert!(program.preview().is_none());
}

#[test]
fn a_job_that_breaks_is_told_and_nothing_hangs() {
    use scopesync::app::News;
    let mut program = Program::start(Some(fake::fleet(&servers())), 100, 30);
    let Some(Effect::Read(ticket, server)) = program.pending.pop_front() else { panic!("a read comes first") };
    program.event(Event::News(ticket, News::Failed("internal error: boom".into())));
    program.settle();
    assert!(!program.state.reading.contains_key(&server));
    assert!(program.text().contains("internal error: boom"), "{}", program.text());
}

#[test]
fn enter_and_escape_go_in_and_out() {
    let (mut program, _) = ready();
    program.press("Enter Enter Down Down");
    assert_eq!(program.state.focus, Pane::Drift);
    program.press("Enter");
    assert!(matches!(program.state.view, View::Detail(_)));
    assert!(program.text().contains("source one:"), "{}", program.text());
    program.press("Esc Esc");
    assert_eq!(program.state.focus, Pane::Scopes);
    program.press("Esc");
    assert_eq!(program.state.focus, Pane::Relationships);
    program.press("f Down Down Down Enter");
    assert!(program.text().contains("What to do:"), "{}", program.text());
}
