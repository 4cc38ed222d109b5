//! Two operators at once: two runs, or a run and somebody at a server's console. Nobody's change is lost,
//! and who comes too late is told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::pair::{Side, wait_for};
use crate::common::report::text;
use crate::common::terminal::{Start, Terminal};
use crate::common::windows::WindowsOptions;
use crate::lab::{DIRECT, Lab, NATIVE, REPLICATION, finish, names};

fn three_names() -> WindowsOptions {
    WindowsOptions { scopes: 6, reservations: 6, ..WindowsOptions::with_drift(&["name:0", "name:2", "name:4"]) }
}

/// Where a writer's calls go.
fn told(writer: &str) -> Side {
    if writer == NATIVE { Side::A } else { Side::B }
}

/// Somebody describes a scope anew.
fn by_hand(lab: &Lab, side: Side, scope: u32) {
    let inputs = json!({"ScopeId": format!("10.0.{scope}.0"), "Description": "by hand"});
    lab.bench.pair.by_hand(side, "PS_DhcpServerv4Scope", "SetByWithoutRange", inputs);
}

fn description(lab: &Lab, side: Side, scope: u32) -> Value {
    lab.now(side)[&format!("10.0.{scope}.0/24")]["properties"]["Description"].clone()
}

/// How often each server is asked for something meanwhile.
fn reads(lab: &Lab, act: impl Fn()) -> [u64; 2] {
    let before = Side::BOTH.map(|side| lab.bench.pair.call_count(side));
    act();
    Side::BOTH.map(|side| lab.bench.pair.call_count(side) - before[side as usize])
}

#[test]
fn two_runs_at_once_are_kept_apart_and_the_second_is_told() {
    let Some(lab) = Lab::up(three_names()) else { return };
    for writer in [NATIVE, DIRECT] {
        let side = told(writer);
        for second in [Side::A, Side::B] {
            lab.restore(writer);
            let line = lab.command(second, "");
            let to_plan = reads(&lab, || drop(lab.bench.run(&format!("{line} --what-if"))));
            let mark = lab.mark(side);
            lab.bench.pair.rules(side, json!([{"do": "hold", "writes": true}]));
            let first = lab.start(&lab.command(Side::A, ""));
            lab.wait_until_held(side);
            // all that the second plans with is of before the first has written
            let before = Side::BOTH.map(|side| lab.bench.pair.call_count(side));
            let second = lab.start(&line);
            wait_for("both to have read", Duration::from_secs(30), || {
                let read = |side: Side| lab.bench.pair.call_count(side) - before[side as usize];
                Side::BOTH.iter().all(|side| read(*side) >= to_plan[*side as usize])
            });
            lab.bench.pair.rules(side, json!([]));
            let before = lab.origin(Side::B);
            lab.is_true(Side::A, &before, &finish(first).expect_code(0), writer);
            let second = finish(second);
            assert_eq!((lab.now(Side::A), lab.now(Side::B)), (lab.origin(Side::A), lab.origin(Side::A)));
            assert_eq!(names(&lab.writes_since(side, mark)).len(), 3, "{writer} {line}: nothing was written twice");
            assert!(second.code == Some(1) && second.stderr.contains("since the plan was made"), "{}", second.stderr);
        }
    }
}

/// The program at the command line, with its question on the screen.
fn asked(lab: &Lab) -> Terminal {
    let line = "replicate --computer-name dhcp1";
    let args = ["--config".into(), lab.bench.home.config()];
    let args = args.into_iter().chain(line.split(' ').map(Into::into));
    let terminal = Start::scopesync().args(args).home(&lab.bench.home).size(110, 60).start();
    terminal.wait_for_text("default is \"N\"");
    terminal
}

#[test]
fn what_somebody_changes_by_hand_meanwhile_is_kept() {
    let Some(lab) = Lab::up(three_names()) else { return };
    for writer in [NATIVE, DIRECT] {
        // between the preview and the answer, on either side
        for (side, words) in [(Side::B, "the target has changed"), (Side::A, "the source has changed")] {
            lab.restore(writer);
            let mark = Side::BOTH.map(|side| lab.mark(side));
            let mut terminal = asked(&lab);
            by_hand(&lab, side, 2);
            terminal.keys("y Enter");
            let end = terminal.wait_for_end();
            assert!(end.view.contains(words) && end.code() == Some(1), "{writer}: {}", end.view);
            assert_eq!(description(&lab, side, 2), "by hand");
            for side in Side::BOTH {
                assert_eq!(names(&lab.writes_since(side, mark[side as usize])), Vec::<String>::new(), "{writer}");
            }
        }
        // once the run has begun, this scope alone
        lab.restore(writer);
        lab.bench.pair.rules(told(writer), json!([{"do": "hold", "writes": true, "times": 1}]));
        let run = lab.start(&lab.command(Side::A, ""));
        lab.wait_until_held(told(writer));
        by_hand(&lab, Side::B, 2);
        let before = lab.now(Side::B);
        lab.bench.pair.rules(told(writer), json!([]));
        let run = finish(run).expect_code(3);
        let outcomes = lab.is_true(Side::A, &before, &run, writer);
        assert_eq!(outcomes["10.0.2.0/24"], "rejected", "{writer}\n{}", run.stderr);
        assert_eq!(outcomes.values().filter(|outcome| *outcome == "replicated").count(), 2, "{writer}");
        assert_eq!(description(&lab, Side::B, 2), "by hand");
    }
    // a scope that has left its relationship meanwhile is not sent to whoever has it now
    lab.restore(NATIVE);
    lab.bench.pair.rules(Side::A, json!([{"do": "hold", "writes": true, "times": 1}]));
    let run = lab.start(&lab.command(Side::A, ""));
    lab.wait_until_held(Side::A);
    let mut state = lab.bench.pair.state(Side::A);
    state["relationships"][0]["ScopeId"] = json!(["10.0.0.0", "10.0.4.0"]);
    lab.bench.pair.set_state(Side::A, &state);
    let mark = lab.mark(Side::A);
    lab.bench.pair.rules(Side::A, json!([]));
    let run = finish(run).expect_code(3).json();
    let scope = &run["relationships"][0]["scopes"][1];
    assert_eq!((text(scope, "scope_id"), text(scope, "outcome")), ("10.0.2.0", "rejected"), "{run:#}");
    let calls = lab.writes_since(Side::A, mark);
    assert!(calls.iter().all(|call| call.inputs["ScopeId"] != json!(["10.0.2.0"])), "{:?}", names(&calls));
    assert_eq!(names(&calls), [REPLICATION; 2]);
}

#[test]
fn on_the_screen_a_run_is_previewed_confirmed_and_watched_to_its_end() {
    let Some(lab) = Lab::up(WindowsOptions {
        scopes: 6,
        reservations: 6,
        ..WindowsOptions::with_drift(&["name:0", "name:2", "state:2"])
    }) else {
        return;
    };
    // what a source leaves behind is told by whoever asked it; written directly, all of it is there
    for (writer, words, state) in [(NATIVE, "native", "1/3 drifted"), (DIRECT, "direct", "in sync, 3 scopes")] {
        lab.restore(writer);
        lab.bench.pair.set(Side::A, json!({"replication": {"state": false}}));
        // all of the preview is in sight
        let args = ["--config".into(), lab.bench.home.config()];
        let mut terminal = Start::scopesync().args(args).home(&lab.bench.home).size(110, 60).start();
        terminal.wait_for_text("2/3 drifted");
        terminal.keys("Enter a r");
        let view = terminal.wait_for_text("y yes   a yes to all   n no");
        let is_marked = view.contains("not known to be carried");
        assert!(view.contains(words) && is_marked == (writer == NATIVE), "{view}");
        lab.bench.pair.rules(told(writer), json!([{"do": "hold", "writes": true}]));
        terminal.keys("y");
        lab.wait_until_held(told(writer));
        terminal.wait_for_text("running 0 %");
        lab.bench.pair.rules(told(writer), json!([]));
        terminal.wait_for_text("2 replicated");
        terminal.wait_for_text(state);
        if writer == NATIVE {
            terminal.keys("J");
            terminal.wait_for_text("did not carry");
        }
        terminal.keys("q");
        let end = terminal.wait_for_end();
        end.assert_restored();
        assert_eq!(end.code(), Some(0), "{}", end.view);
    }
    assert_eq!(lab.now(Side::A), lab.now(Side::B));
}
