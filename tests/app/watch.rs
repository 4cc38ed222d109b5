//! Watch mode: what it costs the servers, what it shows, and what it leaves alone.

use super::*;

/// What a server was asked since the last look at it, less the questions of the start.
fn asked(server: &FakeServer) -> Vec<String> {
    std::mem::take(&mut server.inner().calls)
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
    let before = program.text();
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
fn no_server_is_asked_while_a_run_writes_to_it() {
    let (mut program, servers) = ready();
    program.press("Ctrl-r Enter a r");
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
