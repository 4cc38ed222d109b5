//! Watch mode: what it costs the servers, what it shows, and what it leaves alone.

use scopesync::app::watch;
use scopesync::engine::compare::ScopeDrift;

use super::*;

/// What a server was asked since the last look at it, less the questions of the start.
fn asked(server: &FakeServer) -> Vec<String> {
    std::mem::take(&mut server.inner().calls)
}

fn at_once(program: &mut Program) {
    program.wait(0);
    program.settle();
}

fn round(program: &mut Program) {
    program.wait(300_000);
    program.settle();
}

#[test]
fn an_unchanged_server_costs_two_questions_a_round_and_nothing_moves() {
    let (mut program, servers) = ready();
    program.press("Down");
    drop((asked(&servers.0), asked(&servers.1)));
    round(&mut program);
    assert!(asked(&servers.0).is_empty(), "nobody wants it yet");
    program.press("Ctrl-r");
    assert!(program.text().contains("watching, read"), "{}", program.text());
    assert!(message(&program.state).contains("asked every 5m"), "{}", message(&program.state));
    let before = program.text();
    at_once(&mut program);
    assert_eq!(asked(&servers.0), ["read pulse", "read health"], "what is shown may be old");
    drop(asked(&servers.1));
    for _ in 0..3 {
        round(&mut program);
        assert_eq!(asked(&servers.0), ["read pulse", "read health"]);
        assert_eq!(asked(&servers.1), ["read pulse", "read health"]);
    }
    let below = |text: &str| text.lines().skip(1).take(18).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(below(&program.text()), below(&before));
    program.press("Ctrl-r");
    round(&mut program);
    assert!(asked(&servers.0).is_empty() && !program.text().contains("watching, "), "{}", program.text());
}

#[test]
fn what_has_changed_is_read_and_marked_until_it_was_looked_at() {
    let (mut program, servers) = ready();
    program.press("Ctrl-r Down Down");
    let place = highlighted(&program.state);
    for server in [&servers.0, &servers.1] {
        drop(asked(server));
    }
    servers.1.inner().scopes.insert(id("10.0.6.0/24"), numbered(6, 60));
    servers.1.inner().scopes.insert(id("10.0.77.0/24"), numbered(77, 60));
    servers.1.inner().pulse += 1;
    round(&mut program);
    assert_eq!(asked(&servers.0), ["read pulse", "read health"]);
    assert!(asked(&servers.1).iter().any(|call| call == "read"), "only this one has moved");
    let text = program.text();
    assert!(text.contains("changed: drifted") && text.contains("new: only on target"), "{text}");
    assert_eq!(highlighted(&program.state), place);
    while highlighted(&program.state) != "10.0.6.0" {
        program.press("Down");
    }
    assert!(program.text().contains("changed: drifted"), "{}", program.text());
    program.press("Down");
    let text = program.text();
    assert!(!text.contains("changed: drifted") && text.contains("new: only on target"), "{text}");
    // a state has no mark, and is told nevertheless
    servers.0.inner().state = Some("terminated");
    round(&mut program);
    assert!(!asked(&servers.0).iter().any(|call| call == "read"));
    assert!(program.text().contains("one TERMINATED"), "{}", program.text());
}

#[test]
fn a_server_without_a_mark_is_read_as_seldom_as_that_is_a_hundredth_of_its_time() {
    let (mut program, servers) = ready();
    servers.1.inner().is_unmarked = true;
    program.press("R Ctrl-r");
    drop(asked(&servers.1));
    // a reading that takes 6 s, and 594 s of rest: one whole round within
    program.wait(300_000);
    program.now += std::time::Duration::from_secs(6);
    program.settle();
    assert_eq!(asked(&servers.1).iter().filter(|call| *call == "read").count(), 1);
    servers.1.inner().state = Some("partner-down");
    round(&mut program);
    assert_eq!(asked(&servers.1), ["read health"]);
    assert!(program.text().contains("two PARTNER-DOWN"), "{}", program.text());
    round(&mut program);
    assert!(asked(&servers.1).iter().any(|call| call == "read"));
}

#[test]
fn a_server_that_fails_is_told_of_once_and_what_has_changed_meanwhile_when_it_is_back() {
    let (mut program, servers) = ready();
    program.press("Ctrl-r Down Down");
    servers.1.inner().gone = true;
    round(&mut program);
    assert_eq!(message(&program.state), "can no longer be read: two: no answer");
    let text = program.text();
    assert!(text.contains("NOT READ: two") && text.contains("→ two NOT READ") && text.contains("10 unknown"), "{text}");
    assert!(!text.contains("changed: unknown") && !text.contains("new:"), "{text}");
    program.press("Down");
    round(&mut program);
    assert!(!message(&program.state).contains("can no longer"), "{}", message(&program.state));
    servers.1.inner().scopes.insert(id("10.0.6.0/24"), numbered(6, 60));
    servers.1.inner().gone = false;
    round(&mut program);
    assert_eq!(message(&program.state), "two can be read again");
    let text = program.text();
    assert!(!text.contains("NOT READ") && text.matches("changed: ").count() == 1, "{text}");
    assert!(program.state.current().unwrap().1.news.of(id("10.0.6.0/24")).is_some());
}

#[test]
fn no_server_is_asked_while_a_run_writes_to_it() {
    let (mut program, servers) = ready();
    program.press("Ctrl-r");
    at_once(&mut program);
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("y");
    assert_eq!(program.state.running().count(), 1);
    drop(asked(&servers.1));
    program.wait(300_000);
    let asks = |effect: &Effect| matches!(effect, Effect::Watch(..));
    assert!(!program.pending.iter().any(asks), "the run has not ended");
    program.settle();
    program.wait(300_000);
    assert!(program.pending.iter().any(asks));
}

#[test]
fn that_a_server_cannot_be_read_is_told_and_is_no_change_of_its_scopes() {
    let (mut program, servers) = ready();
    program.press("Ctrl-r Enter");
    let signs = |program: &Program| -> Vec<String> {
        let text = program.text();
        text.lines().filter(|line| line.starts_with("  !  10.0.")).map(str::to_owned).collect()
    };
    let scopes = |program: &Program| -> Vec<(String, Option<String>)> {
        let compared = program.state.relations.values().filter_map(|relation| relation.compared.as_ref());
        let told = |scope: &ScopeDrift| (scope.id.short(), scope.reason.clone());
        compared.flat_map(|compared| compared.drift.scopes.iter().map(told)).collect()
    };
    let before = scopes(&program);
    servers.1.inner().gone = true;
    round(&mut program);
    assert!(program.text().contains("watching, NOT READ: two"), "{}", program.text());
    let after = scopes(&program);
    assert!(before.iter().map(|(id, _)| id).eq(after.iter().map(|(id, _)| id)), "{before:?} {after:?}");
    let only_there = after.iter().find(|(id, _)| id == "10.0.4.0").and_then(|(_, reason)| reason.as_deref());
    assert!(only_there.is_some_and(|reason| reason.contains("two")), "{only_there:?}");
    assert_eq!(signs(&program), Vec::<String>::new());
    // it is found, and not replicated, with the reason
    program.type_keys("Home / 1 0 . 0 . 4 . 0 Space d r i f t : u n k Enter Down r");
    program.draw();
    assert!(program.text().contains("10.0.4.0        floor 4"), "{}", program.text());
    assert!(message(&program.state).contains("two: no answer"), "{}", message(&program.state));
    assert!(program.preview().is_none() && !program.pending.iter().any(|effect| matches!(effect, Effect::Plan(..))));
    program.type_keys("Esc Home");
    program.state.clock += Duration::from_secs(3600 * 24 * 36_500);
    assert!(watch::words(&program.state).unwrap()[0].contains(" min: two"), "{:?}", watch::words(&program.state));
    servers.1.inner().gone = false;
    servers.1.inner().scopes.insert(id("10.0.6.0/24"), numbered(6, 60));
    servers.1.inner().scopes.insert(id("10.0.77.0/24"), numbered(77, 60));
    round(&mut program);
    let text = program.text();
    assert!(text.contains("watching, read") && text.contains("new: only on target"), "{text}");
    assert!(signs(&program).len() == 2 && text.contains("changed: drifted"), "{text}");
    servers.1.inner().scopes.insert(id("10.0.6.0/24"), numbered(6, 3600));
    servers.1.inner().pulse += 1;
    round(&mut program);
    assert!(signs(&program).len() == 1 && signs(&program)[0].contains("new:"), "as it was:\n{}", program.text());
    program.type_keys("C");
    program.draw();
    assert_eq!((signs(&program).len(), message(&program.state)), (0, "1 scope no longer told to be new or changed"));
    program.type_keys("C");
    assert_eq!(message(&program.state), "C: no scope is told to be new or changed");
}

#[test]
fn what_a_run_of_ours_brings_is_no_news_and_what_somebody_else_does_is() {
    let (mut program, servers) = ready();
    program.press("Ctrl-r Enter a r");
    program.wait(300);
    program.press("y");
    round(&mut program);
    let text = program.text();
    assert!(text.contains("in sync") && !text.contains("changed:") && !text.contains("  !  "), "{text}");
    servers.1.meddle("10.0.1.0/24", |scope| reserve(scope, "10.0.1.99", "02:00:00:00:00:99"));
    servers.1.inner().pulse += 1;
    round(&mut program);
    assert!(program.text().contains("changed: drifted -1"), "{}", program.text());
    // what was told of before is as we want it now
    program.press("Space r");
    program.wait(300);
    program.press("y");
    round(&mut program);
    assert!(!program.text().contains("changed:"), "{}", program.text());
}

#[test]
fn a_server_that_takes_long_to_answer_is_asked_less_often() {
    let (mut program, _) = ready();
    program.press("Ctrl-r");
    program.wait(0);
    let asked = |program: &Program| -> Vec<String> {
        let server = |effect: &Effect| match effect {
            Effect::Watch(_, server, ..) => Some(server.to_string()),
            _ => None,
        };
        program.pending.iter().filter_map(server).collect()
    };
    assert_eq!(asked(&program), ["one", "two"]);
    while let Some(Effect::Watch(ticket, server, ..)) = program.pending.pop_front() {
        let took = Duration::from_secs(if server.as_str() == "two" { 4 } else { 3 });
        program.event(Event::News(ticket, News::Watched(server, None, took)));
    }
    program.wait(300_000);
    assert_eq!(asked(&program), ["one"]);
    program.wait(95_000);
    assert_eq!(asked(&program), ["one"]);
    program.wait(1_000);
    assert_eq!(asked(&program), ["one", "two"], "99 times as long as its answers took");
}
