//! The program is killed in the middle of a run: what `recover` then tells is what the target has, and the
//! run is finished, undone or replaced without a trace.

use serde_json::{Value, json};

use crate::common::pair::Side;
use crate::common::report::text;
use crate::common::windows::WindowsOptions;
use crate::lab::{DIRECT, Lab, NATIVE, finish};

/// In scopes of one relationship: four changes by direct calls, three scopes by native ones.
fn three_scopes() -> WindowsOptions {
    let drift = ["name:0", "reservation-missing:2", "option-value:2", "exclusion-extra:4"];
    WindowsOptions { scopes: 6, reservations: 6, ..WindowsOptions::with_drift(&drift) }
}

/// The runs that wait.
#[track_caller]
fn waiting(lab: &Lab) -> Vec<Value> {
    let mut document = lab.bench.run("recover --json").expect_code(0).json();
    document["runs"].as_array_mut().map(std::mem::take).expect("runs")
}

/// The scopes that may still be written.
fn under_way(run: &Value) -> Vec<&Value> {
    let scopes = run["relationships"][0]["scopes"].as_array().expect("scopes");
    let under_way: Vec<&Value> = scopes.iter().filter(|scope| scope["may_go_on"] == true).collect();
    assert!(under_way.iter().all(|scope| text(scope, "message").contains("it may still be carried out")), "{run:#}");
    under_way
}

/// Every word about the scopes of an interrupted run, against what the target has: how many stand how.
#[track_caller]
fn is_true(lab: &Lab, run: &Value, when: &str) -> [usize; 3] {
    let (is, was, shall) = (lab.now(Side::B), lab.origin(Side::B), lab.origin(Side::A));
    let mut counts = [0; 3];
    for scope in run["relationships"][0]["scopes"].as_array().expect("scopes") {
        let id = format!("{}/{}", text(scope, "scope_id"), scope["prefix_length"]);
        let told = format!("{when}: {id} {scope:#}");
        match text(scope, "standing") {
            "done" => (counts[0] += 1, assert_eq!(is[&id], shall[&id], "{told}")),
            "partial" => (counts[1] += 1, assert!(is[&id] != was[&id] && is[&id] != shall[&id], "{told}")),
            "not_done" => (counts[2] += 1, assert_eq!(is[&id], was[&id], "{told}")),
            other => panic!("{other}: {told}"),
        };
    }
    counts
}

/// Kills a run at each of its writing calls, before or after the effect, and does something about it.
fn kill_everywhere(writer: &str, told: Side, calls: usize) {
    let Some(lab) = Lab::up(three_scopes()) else { return };
    let (pair, mut seen) = (&lab.bench.pair, [0; 3]);
    for at in 0..calls {
        let is_done = at % 2 == 1;
        let when = format!("{writer} killed {} writing call {at}", if is_done { "after" } else { "before" });
        lab.restore(writer);
        let hold = json!({"do": "hold", "writes": true, "skip": at});
        let cut = json!({"do": "cut-before", "writes": true, "skip": at});
        pair.rules(told, if is_done { json!([hold]) } else { json!([hold, cut]) });
        let mark = lab.mark(told);
        let mut child = lab.start(&lab.command(Side::A, ""));
        lab.wait_until_held(told);
        child.kill().expect("it dies");
        assert_eq!(finish(child).code, None);
        let [run] = &waiting(&lab)[..] else { panic!("{when}: one run waits") };
        is_true(&lab, run, &when);
        assert!(!under_way(run).is_empty(), "{when}: the call is not over: {run:#}");
        if at == 0 {
            // that there is nothing to take back of it yet is no end of it
            let early = lab.bench.run("recover --undo --force").expect_code(3);
            assert!(early.stderr.contains("may still come to write"), "{when}\n{}", early.stderr);
            assert_eq!(waiting(&lab).len(), 1, "{when}");
        }
        lab.let_go(told, mark, at + 1);

        let runs = waiting(&lab);
        let [run] = runs.as_slice() else { panic!("{when}: {runs:#?}") };
        let warned = lab.bench.run("relationships").stderr;
        assert!(warned.contains("was interrupted") && warned.contains("scopesync recover"), "{when}\n{warned}");
        for (count, more) in seen.iter_mut().zip(is_true(&lab, run, &when)) {
            *count += more;
        }
        let (command, end) = match at % 3 {
            0 => ("recover --undo --force".to_owned(), lab.origin(Side::B)),
            1 => ("recover --finish --force".to_owned(), lab.origin(Side::A)),
            _ => (lab.command(Side::A, ""), lab.origin(Side::A)),
        };
        // nobody can tell a call that comes to nothing from one that comes late
        let stays = at % 3 == 0 && under_way(run).iter().any(|scope| scope["standing"] == "not_done");
        let settled = lab.bench.run(&command).expect_code(if stays { 3 } else { 0 });
        assert_eq!(lab.now(Side::B), end, "{when}: {command}\n{}", settled.stderr);
        if stays {
            lab.bench.run("recover --leave --force").expect_code(0);
        }
        assert_eq!(waiting(&lab), Vec::<Value>::new(), "{when}: {command}");
    }
    assert!(seen[0] > 0 && seen[2] > 0 && (writer == NATIVE || seen[1] > 0), "{seen:?}: it never came to that");
}

#[test]
fn a_program_killed_while_the_source_replicates_is_told_truly_and_finished_or_undone() {
    kill_everywhere(NATIVE, Side::A, 3);
}

#[test]
fn so_is_one_killed_while_it_writes_itself() {
    kill_everywhere(DIRECT, Side::B, 4);
}
