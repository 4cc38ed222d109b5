//! What is not to be brought, what is not read, what has been verified, and several targets in one run.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::pair::{Side, wait_for};
use crate::common::report::{all, scopes, text};
use crate::common::windows::{WindowsOptions, WindowsPair};
use crate::lab::{AUTO, DIRECT, Lab, NATIVE, REPLICATION, finish, names};

fn few(drift: &[&str]) -> WindowsOptions {
    WindowsOptions { scopes: 6, reservations: 6, ..WindowsOptions::with_drift(drift) }
}

/// A source brings whole scopes: where a rule ignores something it is passed by, or the scope is refused.
#[test]
fn what_a_rule_ignores_no_source_brings() {
    let Some(lab) = Lab::up(few(&["name:0", "name:2", "reservation-missing:2", "reservation-missing:4"])) else {
        return;
    };
    const IGNORE: &str = "[[ignore]]\nsection = \"reservations\"\nreason = \"kept apart\"\n";
    for (lines, exit, native) in [(AUTO, 0, 1), (NATIVE, 3, 1), (DIRECT, 0, 0)] {
        lab.restore(lines);
        lab.bench.home.write_config(&(lab.bench.pair.config(lines) + IGNORE));
        let marks = Side::BOTH.map(|side| lab.mark(side));
        let plan = lab.bench.run("replicate --computer-name dhcp1 --what-if --json").expect_code(exit).json();
        let scope = scopes(&plan)["10.0.2.0/24"].clone();
        let refusals = scope["refusals"].as_array().expect("refusals");
        match lines {
            NATIVE => assert_eq!(text(&refusals[0], "name"), "whole-scopes-only", "{scope:#}"),
            AUTO => assert!(text(&scope, "writer_reason").contains("ignored or left out"), "{scope:#}"),
            _ => assert_eq!(refusals.len(), 0, "{scope:#}"),
        }
        let run = lab.bench.run(&lab.command(Side::A, "")).expect_code(exit);
        let calls = Side::BOTH.map(|side| lab.writes_since(side, marks[side as usize]));
        assert_eq!(names(&calls[0]), vec![REPLICATION; native], "{lines}");
        assert!(calls[0].iter().all(|call| call.inputs["ScopeId"] == json!(["10.0.0.0"])), "{lines}");
        let direct =
            ["DhcpServerv4Scope.SetByWithoutRange"].repeat(usize::from(exit == 0) + usize::from(lines == DIRECT));
        assert_eq!(names(&calls[1]), direct, "{lines}");
        let (now, was, shall) = (lab.now(Side::B), lab.origin(Side::B), lab.origin(Side::A));
        let of = |all: &crate::lab::Plain, part: &str| all["10.0.2.0/24"][part].clone();
        assert_eq!(of(&now, "reservations"), of(&was, "reservations"), "{lines}");
        let name = if exit == 0 { &shall } else { &was };
        assert_eq!(of(&now, "properties"), of(name, "properties"), "{lines}");
        assert_eq!((&now["10.0.0.0/24"], &now["10.0.4.0/24"]), (&shall["10.0.0.0/24"], &was["10.0.4.0/24"]), "{lines}");
        if lines == NATIVE {
            assert!(run.stderr.contains("whole-scopes-only"), "{}", run.stderr);
        }
    }
}

/// Lines say it as the preview does: why a change cannot be left out, and that a scope can.
#[test]
fn of_what_a_source_brings_only_whole_scopes_are_left_out_in_lines() {
    let Some(lab) = Lab::up(few(&["name:0"])) else { return };
    lab.restore(NATIVE);
    let told = lab.bench.home.in_lines("leave 1.1.1\nleave 1.1\npreview 1.1\nq\n");
    assert!(told.contains("copies whole scopes: only all of a scope can be left out"), "{told}");
    assert!(told.contains("1 scope left out of the next replication"), "{told}");
    assert!(told.contains("left out, not written:") && told.contains("1.1.1  ~ update"), "{told}");
}

/// A source would overwrite what nobody has seen.
#[test]
fn what_was_not_read_of_a_target_no_source_overwrites() {
    let Some(lab) = Lab::up(few(&["name:0", "name:2"])) else { return };
    lab.restore(NATIVE);
    let refused = |inputs: Value| {
        let class = "DhcpServerv4Reservation";
        json!([{"do": "error", "code": "WIN32 5", "category": "PermissionDenied", "class": class, "where": inputs}])
    };
    lab.bench.pair.rules(Side::B, refused(json!({"ScopeId": "10.0.2.0"})));
    let mark = lab.mark(Side::A);
    let run = lab.bench.run(&lab.command(Side::A, "")).expect_code(3);
    assert!(run.stderr.contains("10.0.2.0") && run.stderr.contains("DHCP server refused"), "{}", run.stderr);
    let calls = lab.writes_since(Side::A, mark);
    assert_eq!((names(&calls), &calls[0].inputs["ScopeId"]), (vec![REPLICATION.to_owned()], &json!(["10.0.0.0"])));
    let now = lab.now(Side::B);
    assert_eq!(now["10.0.2.0/24"], lab.origin(Side::B)["10.0.2.0/24"]);
    // a server that does not answer at all
    lab.restore(NATIVE);
    lab.bench.pair.stop(Side::B);
    let mark = lab.mark(Side::A);
    lab.bench.run(&lab.command(Side::A, "")).expect_code(1);
    assert_eq!(names(&lab.writes_since(Side::A, mark)), Vec::<String>::new());
    lab.bench.pair.start(Side::B);

    // what the operator has verified is not warned of any more, and nothing else is taken from the preview
    for (lines, is_warned) in [(NATIVE.to_owned(), true), (format!("{NATIVE}\nverified = true"), false)] {
        lab.restore(&lines);
        let plan = lab.bench.run("replicate --computer-name dhcp1 --what-if --json").expect_code(0).json();
        let told: Vec<&str> = all(&plan, "findings").into_iter().map(|found| text(found, "message")).collect();
        assert_eq!(told.iter().any(|text| text.contains("not yet seen on a real")), is_warned, "{told:?}");
        assert!(told.iter().any(|text| text.contains("no way back")), "{told:?}");
    }
}

/// Another pair, whose servers have names and addresses of their own.
fn others(drift: &[&str]) -> Option<WindowsPair> {
    let pair = WindowsPair::up(few(drift))?;
    for side in Side::BOTH {
        let mut state = pair.state(side).to_string();
        for (old, new) in [("dhcp1", "dhcp3"), ("dhcp2", "dhcp4"), ("DHCP1", "DHCP3"), ("DHCP2", "DHCP4")] {
            state = state.replace(old, new);
        }
        for (old, new) in [("192.0.2.10", "192.0.2.20"), ("192.0.2.11", "192.0.2.21"), ("dhcp-master", "second-master")]
        {
            state = state.replace(old, new);
        }
        pair.set_state(side, &serde_json::from_str(&state).expect("JSON"));
    }
    Some(pair)
}

#[test]
fn targets_are_written_side_by_side_up_to_the_limit() {
    let drift = ["name:0", "name:2", "name:4"];
    let (Some(lab), Some(others)) = (Lab::up(few(&drift)), others(&drift)) else { return };
    let state = others.state(Side::B);
    let pairs = [&lab.bench.pair, &others];
    let course = |limit: u32, meanwhile: &dyn Fn()| {
        lab.restore(DIRECT);
        others.set_state(Side::B, &state);
        let theirs = others.config(DIRECT).replace("\"dhcp1\"", "\"dhcp3\"").replace("\"dhcp2\"", "\"dhcp4\"");
        lab.bench.home.write_config(&(lab.bench.pair.config(DIRECT) + &theirs));
        let marks = pairs.map(|pair| pair.calls(Side::B).len());
        let line = format!("replicate --cim-session dhcp1,dhcp3 --throttle-limit {limit} --force --json");
        if limit > 1 {
            pairs.iter().for_each(|pair| pair.rules(Side::B, json!([{"do": "hold", "writes": true}])));
        }
        let run = lab.start(&line);
        meanwhile();
        finish(run).expect_code(0);
        let written = |at: usize| {
            let calls = pairs[at].calls(Side::B).into_iter().skip(marks[at]).filter(|call| call.writes());
            calls.map(|call| call.time).collect::<Vec<_>>()
        };
        [0, 1].map(written)
    };
    // both are at it at once
    course(2, &|| {
        let held = || pairs.iter().all(|pair| pair.held(Side::B) == 1);
        wait_for("a call to each target", Duration::from_secs(30), held);
        pairs.iter().for_each(|pair| pair.rules(Side::B, json!([])));
    });
    // one after the other
    let [first, second] = course(1, &|| ());
    assert_eq!((first.len(), second.len()), (3, 3));
    assert!(first.last() < second.first() || second.last() < first.first(), "{first:?} {second:?}");
}
