//! Readings that come in parts: lists fill, and nothing that is not read yet is taken for missing.

use std::collections::BTreeSet;

use scopesync::app::{News, Ticket};
use scopesync::engine::port::{Control, Reading, Server};
use scopesync::engine::{Error, ErrorKind};
use scopesync::model::{Complete, Kind, ServerName};

use super::*;

/// What was asked for of this kind, and still waits.
fn reads(program: &Program) -> Vec<(Ticket, ServerName)> {
    let read = |effect: &Effect| match effect {
        Effect::Read(ticket, server) => Some((*ticket, server.clone())),
        _ => None,
    };
    program.pending.iter().filter_map(read).collect()
}

fn comparisons(program: &Program) -> usize {
    program.pending.iter().filter(|effect| matches!(effect, Effect::Compare(..))).count()
}

/// Lets only the comparisons happen.
fn compare(program: &mut Program) {
    while comparisons(program) > 0 {
        while !matches!(program.pending.front(), Some(Effect::Compare(..))) {
            program.pending.rotate_left(1);
        }
        program.happen();
    }
    program.draw();
}

/// The server's reading, of which only these scopes are whole.
fn part_of(server: &FakeServer, whole: &[u32]) -> Arc<Reading> {
    let scopes: Vec<ScopeId> = server.inner().scopes.keys().copied().collect();
    let is_whole = |scope: &ScopeId| whole.iter().any(|n| *scope == id(&format!("10.0.{n}.0/24")));
    let to_come = Complete::Pending(BTreeSet::from([Kind::Reservation, Kind::Option]));
    server.inner().lacking =
        scopes.into_iter().filter(|scope| !is_whole(scope)).map(|scope| (scope, to_come.clone())).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let reading = runtime.block_on(server.read(&Control::free())).unwrap();
    server.inner().lacking.clear();
    Arc::new(reading)
}

fn hear_part(program: &mut Program, server: &FakeServer, whole: &[u32]) {
    let (ticket, name) = reads(program).into_iter().find(|(_, name)| *name == server.name).unwrap();
    program.event(Event::News(ticket, News::Part(name, part_of(server, whole))));
}

fn line(program: &Program, scope: &str) -> String {
    let text = program.text();
    text.lines().find(|line| line.contains(scope)).unwrap_or_else(|| panic!("no {scope} in\n{text}")).to_owned()
}

#[test]
fn scopes_appear_with_the_first_part_and_are_told_one_by_one() {
    let servers = servers();
    let mut program = Program::start(Some(fake::fleet(&servers)), 120, 30);
    hear_part(&mut program, &servers.0, &[]);
    compare(&mut program);
    assert!(line(&program, "10.0.3.0").contains("checking"), "{}", program.text());
    let text = program.text();
    assert!(text.contains("two being read") && text.contains("checking 9 scopes"), "{text}");
    assert!(!text.contains("only on") && !text.contains("unknown"), "the partner is still being read:\n{text}");

    program.type_keys("Enter Down Down Down Down Down Space");
    assert!(message(&program.state).contains("10.0.7.0 is still being checked"), "{}", message(&program.state));
    hear_part(&mut program, &servers.1, &[1, 4, 7]);
    program.wait(1000);
    compare(&mut program);
    assert!(line(&program, "10.0.4.0").contains("only on target"), "a scope that is whole, and that the other lacks");
    assert!(line(&program, "10.0.1.0").contains("checking"), "whole on one side only:\n{}", program.text());
    assert_eq!(highlighted(&program.state), "10.0.7.0", "the cursor stays on its scope");

    hear_part(&mut program, &servers.0, &[1, 6, 7]);
    program.wait(1000);
    compare(&mut program);
    let text = program.text();
    assert!(line(&program, "10.0.1.0").contains("drifted +1 ~1"), "{text}");
    assert!(line(&program, "10.0.7.0").contains("in sync"), "{text}");
    assert!(
        line(&program, "10.0.6.0").contains("checking") && line(&program, "10.0.3.0").contains("checking"),
        "{text}"
    );
    assert!(text.contains("checking 7 of 10, 1 critical, 2/10 drifted"), "{text}");
    program.type_keys("a");
    assert_eq!(marks(&program.state), ["10.0.1.0"], "what is known to differ");
    hear_part(&mut program, &servers.1, &[1, 3, 4, 6, 7]);
    program.wait(1000);
    compare(&mut program);
    assert!(line(&program, "10.0.6.0").contains("in sync"), "{}", program.text());
    assert!(line(&program, "10.0.1.0").contains("* "), "{}", program.text());

    program.settle();
    let text = program.text();
    assert!(text.contains("5/10 drifted") && !text.contains("checking"), "{text}");
    assert_eq!(highlighted(&program.state), "10.0.7.0");
    assert_eq!(marks(&program.state), ["10.0.1.0"]);
}

#[test]
fn parts_come_before_the_whole_through_the_same_door() {
    let servers = servers();
    servers.0.inner().parts = vec![BTreeMap::new(), BTreeMap::new()];
    let mut program = Program::ready(fake::fleet(&servers), 100, 30);
    assert_eq!(servers.0.inner().calls.iter().filter(|call| *call == "read").count(), 3);
    program.wait(1000);
    program.settle();
    assert!(program.text().contains("5/10 drifted"), "{}", program.text());
}

#[test]
fn many_parts_are_compared_seldom() {
    let servers = servers();
    let mut program = Program::start(Some(fake::fleet(&servers)), 100, 30);
    for _ in 0..100 {
        hear_part(&mut program, &servers.0, &[]);
        hear_part(&mut program, &servers.1, &[1]);
    }
    assert_eq!(comparisons(&program), 1, "one at a time");
    compare(&mut program);
    program.event(Event::Tick);
    assert_eq!(comparisons(&program), 0, "and a pause after each");
    let due = program.state.next_tick(program.now).unwrap();
    assert!(due > program.now && due <= program.now + std::time::Duration::from_secs(1));
    program.wait(1000);
    assert_eq!(comparisons(&program), 1, "what came meanwhile is compared then, without a further part");
    compare(&mut program);
    program.wait(1000);
    assert_eq!(comparisons(&program), 0, "and nothing twice");
    assert!(line(&program, "10.0.1.0").contains("checking"), "{}", program.text());
}

#[test]
fn what_the_operator_sees_is_read_first() {
    let servers = servers();
    let mut program = Program::start(Some(fake::fleet(&servers)), 100, 18);
    assert!(program.looked_at.is_empty());
    hear_part(&mut program, &servers.0, &[]);
    compare(&mut program);
    program.type_keys("Enter");
    let page = program.looked_at.len();
    assert_eq!(program.looked_at[..3], ["10.0.1.0", "10.0.2.0", "10.0.3.0"]);
    assert!(page < 9, "not what is out of sight: {page}");
    program.type_keys("Down Down");
    assert_eq!(program.looked_at[..3], ["10.0.3.0", "10.0.1.0", "10.0.2.0"]);
    program.type_keys("End");
    program.draw();
    program.event(Event::Tick);
    assert_eq!(program.looked_at[0], "10.0.10.0");
    assert!(!program.looked_at.contains(&"10.0.1.0".to_owned()), "{:?}", program.looked_at);
    program.settle();
    let before = program.looked_at.clone();
    program.press("Home");
    assert_eq!(program.looked_at, before, "nothing is being read any more");
}

#[test]
fn a_whole_reading_is_not_given_up_for_parts_of_the_next_one() {
    let (mut program, servers) = ready();
    program.type_keys("R");
    program.draw();
    servers.0.meddle("10.0.6.0/24", |scope| reserve(scope, "10.0.6.6", "02:00:00:00:00:06"));
    hear_part(&mut program, &servers.0, &[]);
    assert_eq!(comparisons(&program), 0);
    let (old, name) = reads(&program)[0].clone();
    program.type_keys("R");
    program.event(Event::News(old, News::Part(name, part_of(&servers.0, &[]))));
    assert_eq!(comparisons(&program), 0, "nobody waits for that any more");
    program.settle();
    assert!(line(&program, "10.0.6.0").contains("drifted +1"), "{}", program.text());
}

#[test]
fn a_reading_that_breaks_off_leaves_nothing_missing() {
    let servers = servers();
    let mut program = Program::start(Some(fake::fleet(&servers)), 120, 30);
    for server in [&servers.0, &servers.1] {
        hear_part(&mut program, server, &[1, 2]);
    }
    compare(&mut program);
    program.wait(1000);
    compare(&mut program);
    assert!(line(&program, "10.0.1.0").contains("drifted"), "{}", program.text());
    let (ticket, name) = reads(&program).into_iter().find(|(_, name)| name.as_str() == "two").unwrap();
    let error = Error::new(ErrorKind::Unreachable, "connection lost").on(&name);
    program.event(Event::News(ticket, News::Read(name, Err(error))));
    program.pending.retain(|effect| !matches!(effect, Effect::Read(_, name) if name.as_str() == "two"));
    program.settle();
    let text = program.text();
    assert!(text.contains("two NOT READ") && line(&program, "10.0.1.0").contains("unknown"), "{text}");
    assert!(!text.contains("only on") && !text.contains("in sync"), "{text}");
}

#[test]
fn a_plan_is_made_of_whole_readings() {
    let servers = servers();
    let mut program = Program::start(Some(fake::fleet(&servers)), 100, 30);
    for server in [&servers.0, &servers.1] {
        hear_part(&mut program, server, &[1]);
    }
    compare(&mut program);
    program.wait(1000);
    compare(&mut program);
    let waiting: Vec<Effect> = program.pending.drain(..).collect();
    program.press("r");
    assert_eq!(program.preview().unwrap().plan.scopes_to_write(), 4, "{}", program.text());
    program.pending.extend(waiting);
}
