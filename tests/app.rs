//! The interactive program, driven by keys, on servers in memory.

// Helpers of tests may fail as a test may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

#[path = "app/confirming.rs"]
mod confirming;
#[path = "app/copying.rs"]
mod copying;
#[path = "app/exporting.rs"]
mod exporting;
#[path = "app/fleet.rs"]
mod fleet_list;
#[path = "app/history.rs"]
mod history;
#[path = "app/jobs.rs"]
mod jobs;
#[path = "app/keys.rs"]
mod keys;
#[path = "app/leaving_out.rs"]
mod leaving_out;
#[path = "app/parts.rs"]
mod parts;
#[path = "app/running.rs"]
mod running;
#[path = "app/watch.rs"]
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::fake::{self, FakeServer, Script, pair, reserve, scope};
use common::screen::{Past, Program, event_of};
use crossterm::event::{KeyEventKind, KeyEventState};
use scopesync::app::action::Place;
use scopesync::app::fleet;
use scopesync::app::runs::{Run, terminal_title};
use scopesync::app::state::{Demo, Pane, Quitting, View};
use scopesync::app::{AppState, Effect, Event, News, Ticket};
use scopesync::engine::fleet::Fleet;
use scopesync::engine::port::Refusal;
use scopesync::engine::progress::{Stage, Status, Waiting};
use scopesync::model::{Item, ItemKey, KeyName, Kind, Owner, Scope, ScopeId};
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

fn highlighted(state: &AppState) -> String {
    state.current_scope().map(|scope| scope.id.short()).unwrap_or_default()
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
    assert!(text.contains(" one OVERWRITES two: ") && text.contains("relationship one-two"), "{text}");
    program.wait(300);
    program.press("y");
    assert_eq!(program.asked, ["run one-two"]);
    assert_eq!(servers.1.writes().iter().filter(|call| call.starts_with("write")).count(), 4);
    let text = program.text();
    assert!(text.contains("done: one-two: 4 replicated"), "{text}");
    assert!(text.contains("1/10 drifted"), "drift was read again:\n{text}");
    assert!(marks(&program.state).is_empty(), "what is in sync needs no mark");
    program.press("J");
    assert!(program.text().contains("10.0.5.0        replicated, 1 change, verified, saved"), "{}", program.text());
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
    assert!(program.text().contains(">  ▸ one-two"), "{}", program.text());
    program.press("Down");
    assert!(program.text().contains(">  ▸ three-four"), "{}", program.text());
    program.press("R");
    assert!(program.text().contains(">  ▸ three-four"), "{}", program.text());
}

#[test]
fn a_partner_that_cannot_be_read_makes_drift_unknown() {
    let servers = servers();
    servers.1.inner().gone = true;
    let mut program = Program::ready(fake::fleet(&servers), 120, 30);
    let text = program.text();
    assert!(text.contains("one → two NOT READ") && text.contains("(secondary): not read: two: no answer"), "{text}");
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
    program.press("Home Down Down Down Down Space");
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
    assert_eq!(program.state.place(), Place::Scopes, "the filter goes first");
    assert!(program.text().contains("10.0.9.0"));
    program.press("/");
    program.event(Event::Paste("-drift:drifted sever:one".into()));
    program.draw();
    let text = program.text();
    assert!(text.contains("sever:one filters nothing: did you mean \"server:\"?"), "told beside the field:\n{text}");
    assert!(text.contains("10.0.9.0") && !text.contains("10.0.3.0 "), "the rest of it holds:\n{text}");
    // where there is no room beside it, below it
    program.resize(60, 15);
    let text = program.text();
    assert!(text.contains("sever:one_\n sever:one filters nothing: did you mean \"server:\"?"), "{text}");
    program.resize(100, 30);
    program.press("Enter");
    let text = program.text();
    assert!(text.contains("NOT FILTERED by sever:one, /-drift:drifted sever:one: 5 "), "{text}");
    program.press("/ Ctrl-u");
    program.event(Event::Paste("sever:one".into()));
    program.press("Enter");
    assert!(program.text().contains("NOT FILTERED by /sever:one: "), "{}", program.text());
    program.press("/ Ctrl-u");
    program.event(Event::Paste("\"floor 3\n\u{1b}".into()));
    program.press("Enter");
    assert_eq!(highlighted(&program.state), "10.0.3.0", "a paste is text here");
}

#[test]
fn what_is_known_stays_while_it_is_read_again_and_says_so() {
    let mut program = Program::start(Some(fake::fleet(&servers())), 100, 30);
    program.type_keys("A");
    assert_eq!(message(&program.state), "A: still being read: one, two");
    program.settle();
    program.press("Enter");
    program.type_keys("R");
    program.draw();
    let text = program.text();
    assert!(text.contains("checking: 2 critical, 5/10 drifted") && text.contains("? drifted +1 ~1"), "{text}");
    assert!(text.contains("? in sync") && text.contains("? only on target"), "{text}");
    program.type_keys("A");
    assert_eq!(marks(&program.state).len(), 4);
    program.settle();
    let text = program.text();
    assert!(text.contains("5/10 drifted") && !text.contains("checking") && !text.contains("? in sync"), "{text}");
    assert_eq!(marks(&program.state).len(), 4);
    // of the other direction nothing is known
    program.type_keys("s a");
    program.draw();
    assert_eq!(message(&program.state), "a: one-two is still being compared");
    assert!(
        program.text().contains("checking 10 scopes") && !program.text().contains("? in sync"),
        "{}",
        program.text()
    );
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
fn what_the_target_is_known_to_refuse_is_left_out_of_all() {
    use scopesync::app::compared::Compared;
    use scopesync::model::{Finding, FindingKind, FindingSide, Severity};
    let (mut program, _) = ready();
    let relation = program.state.relations.values().next().unwrap();
    let mut drift = relation.compared.as_ref().unwrap().drift.clone();
    drift.findings.push(Finding {
        severity: Severity::Critical,
        kind: FindingKind::OptionDefinition,
        side: FindingSide::Target,
        scopes: vec![id("10.0.1.0/24"), id("10.0.9.0/24")],
        message: "option definition dhcp4/222 is missing on the target".into(),
        hint: "add it".into(),
    });
    let all_refused = {
        let mut drift = drift.clone();
        drift.scopes.retain(|scope| [id("10.0.1.0/24"), id("10.0.4.0/24")].contains(&scope.id));
        Compared::of(drift, false)
    };
    let name = relation.compared.as_ref().unwrap().drift.name.clone();
    fleet::compared(&mut program.state, &name, Arc::new(Compared::of(drift, false)));
    program.type_keys("Enter a");
    program.draw();
    let text = program.text();
    assert!(text.contains("in sync, critical") && text.contains("drifted, critical +1 ~1"), "{text}");
    assert_eq!(marks(&program.state), ["10.0.2.0", "10.0.3.0", "10.0.5.0"]);
    let told = "3 drifted scopes marked; 1 left out: option definition dhcp4/222 is missing on the target; \
                1 left out: only on the target, never deleted by a replication";
    assert_eq!(message(&program.state), told);
    program.type_keys("a");
    assert!(marks(&program.state).is_empty());
    // by itself it can be marked, which says so, and inverting takes that mark like any other
    program.press("Home Down Space");
    assert_eq!(marks(&program.state), ["10.0.1.0"]);
    let told = message(&program.state);
    assert_eq!(told, "marked, and not replicated as it stands: option definition dhcp4/222 is missing on the target");
    program.type_keys("i");
    assert_eq!(marks(&program.state), ["10.0.2.0", "10.0.3.0", "10.0.5.0"]);
    assert_eq!(message(&program.state), "3 drifted scopes marked, 1 no longer");
    program.type_keys("i");
    assert!(marks(&program.state).is_empty());
    // what is left after a run says why it is
    fleet::compared(&mut program.state, &name, Arc::new(all_refused));
    program.type_keys("Esc");
    program.draw();
    let text = program.text();
    assert!(text.contains("2/2 drifted, f: why"), "{text}");
    assert!(text.contains("1 scope cannot be replicated: option definition dhcp4/222 is missing"), "{text}");
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
    assert_eq!(program.asked, ["declined", "declined"], "that was a no");
}

#[test]
fn the_start_page_offers_the_demo() {
    let mut program = Program::start(None, 80, 24);
    let text = program.text();
    assert!(text.contains("/home/op/.config/scopesync/config.toml") && text.contains("d  opens the demo"), "{text}");
    program.press("d");
    assert_eq!(program.state.demo, Demo::Failed("no room for it".into()));
    program.demo = Some(Arc::new(fake::fleet(&servers())));
    // what was kept of servers is nothing to the demo, whose history is another one
    program.state.interrupted = Past::sample().runs;
    program.press("d");
    let text = program.text();
    assert!(text.contains("DEMO") && text.contains("5/10 drifted"), "{text}");
    assert!(program.state.interrupted.is_empty() && !text.contains("interrupted"), "{text}");
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
    assert_eq!(program.state.place(), Place::Scopes);
    program.press("Esc");
    assert_eq!(program.state.place(), Place::Relationships);
    program.press("f Down Down Down Down Enter");
    assert!(program.text().contains("What to do:"), "{}", program.text());
}
