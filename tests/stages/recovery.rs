//! The program is killed at every boundary of a run: what `recover` then tells of each scope is
//! what the servers have, and the run is finished, undone or replaced without a trace.

use std::time::Duration;

use serde_json::Value;

use crate::common::bench::plain;
use crate::common::pair::{PairOptions, Side, Version, wait_for};
use crate::common::program::Finished;
use crate::common::proxy::Point;
use crate::connection::{every_kind, points};
use crate::upset::{REPLICATE, Upset, WHOLE, Way, finish};

/// Kills a run at a request to the target: before it has left, or once it was carried out.
/// `false` where the run was over before: how often it asks whether failover is back is chance.
fn kill(upset: &Upset, at: usize, carried_out: bool) -> bool {
    let gate = upset.proxy(Side::B).pause(Point::request(at + 1, carried_out));
    let mut child = upset.start();
    while !gate.is_reached(Duration::from_millis(100)) {
        if child.try_wait().expect("a child").is_some() {
            gate.drop_request();
            return false;
        }
    }
    child.kill().expect("it dies");
    assert_eq!(finish(child).code, None);
    gate.drop_request();
    true
}

fn recover(upset: &Upset, arguments: &str) -> Finished {
    upset.bench.run(&format!("recover {arguments}"))
}

/// The runs that wait.
#[track_caller]
fn waiting(upset: &Upset) -> Vec<Value> {
    let mut document = recover(upset, "--json").expect_code(0).json();
    document["runs"].as_array_mut().map(std::mem::take).expect("runs")
}

/// Every word about the scopes of an interrupted run, against what the target has and what the
/// history kept of it. How many stand how.
#[track_caller]
fn is_true(upset: &Upset, run: &Value, when: &str) -> (usize, usize, usize) {
    let (now, disk) = (upset.now(), upset.on_disk());
    let (mut done, mut partial, mut not_done) = (0, 0, 0);
    let history = upset.bench.home.history();
    let record = history.run(run["run"].as_str().expect("a name")).expect("the run");
    let snapshots = history.snapshots(&record, None).expect("snapshots");
    for scope in run["relationships"][0]["scopes"].as_array().expect("scopes") {
        let id = format!("{}/{}", scope["scope_id"].as_str().expect("an id"), scope["prefix_length"]);
        let told = format!("{when}: {id} {scope:#}\nis {:#?}", now.get(&id));
        let [is, was, shall] = [&now, &upset.before, &upset.want].map(|subnets| subnets.get(&id));
        match scope["standing"].as_str().expect("a word") {
            "done" => (done += 1, assert_eq!(is, shall, "{told}")),
            "not_done" => (not_done += 1, assert_eq!(is, was, "{told}")),
            "partial" => (partial += 1, assert!(is != was && is != shall, "{told}")),
            other => panic!("{other}: {told}"),
        };
        if scope["saved"] == "saved" {
            assert_eq!(disk.get(&id), is, "{told}");
        }
        let kept = snapshots.iter().find(|kept| kept.scope.to_string() == id);
        assert_eq!(kept.is_some(), scope["begun"] == true, "{told}");
        if let Some(kept) = kept {
            let mut native = kept.native.clone().unwrap_or_default();
            if native.is_object() {
                native["shared-network"] = kept.network.as_ref().map_or(Value::Null, |network| network.raw().into());
            }
            let was = was.cloned().unwrap_or_default();
            assert_eq!(if native.is_null() { native } else { plain(native) }, was, "{told}");
        } else {
            assert_eq!(is, was, "written without a snapshot: {told}");
        }
    }
    (done, partial, not_done)
}

/// Does something about an interrupted run; then nothing of it is left, on the server and on
/// its disk.
#[track_caller]
fn settle(upset: &Upset, way: usize, when: &str) {
    let (command, end) = match way % 3 {
        0 => ("recover --finish --force", &upset.want),
        1 => ("recover --undo --force", &upset.before),
        _ => (REPLICATE, &upset.want),
    };
    upset.ready();
    let run = upset.bench.run(command);
    assert_eq!(run.code, Some(0), "{when}: {command}\n{}\n{}", run.stdout, run.stderr);
    assert_eq!((&upset.now(), &upset.on_disk()), (end, end), "{when}: {command}\n{}", run.stderr);
    assert_eq!(waiting(upset), Vec::<Value>::new(), "{when}: {command}");
}

/// Kills the program everywhere, each time in a run of its own.
fn kill_everywhere(upset: &Upset, is_chosen: impl Fn(&[String], usize) -> bool) {
    upset.bench.run(REPLICATE).expect_code(0);
    let course = upset.proxy(Side::B).passed();
    let (mut seen, mut way) = ((0, 0, 0), 0);
    for (at, carried_out) in points(&course) {
        if !is_chosen(&course, at) {
            continue;
        }
        let side = if carried_out { "after" } else { "before" };
        let when = format!("killed {side} request {at}, {}", course[at]);
        upset.restore();
        if !kill(upset, at, carried_out) {
            continue;
        }
        let runs = waiting(upset);
        let [run] = runs.as_slice() else {
            // it died before it had begun, or when all was done but its last words
            assert_eq!((upset.now(), runs.len()), (upset.before.clone(), 0), "{when}");
            continue;
        };
        let warned = upset.bench.run("relationships").stderr;
        assert!(warned.contains("was interrupted") && warned.contains("scopesync recover"), "{when}\n{warned}");
        let counts = is_true(upset, run, &when);
        seen = (seen.0 + counts.0, seen.1 + counts.1, seen.2 + counts.2);
        settle(upset, way, &when);
        way += 1;
        let silent = upset.bench.run("relationships").stderr;
        assert!(!silent.contains("interrupted") && !silent.contains("not saved"), "{when}\n{silent}");
    }
    assert!(way >= 3 && seen.0 > 0 && seen.2 > 0, "{way} {seen:?}: it never came to that");
}

#[test]
fn a_program_killed_at_any_request_is_told_truly_and_finished_or_undone() {
    let Some(upset) = Upset::up(Way::Socket, every_kind(), "") else { return };
    let chosen = |course: &[String], at: usize| {
        let begun = course.iter().position(|command| command == "config-write").expect("it is kept");
        at >= begun || course[at] == "config-hash-get"
    };
    kill_everywhere(&upset, chosen);
}

/// The boundaries of a run that replaces the configuration.
fn of_the_whole(course: &[String], at: usize) -> bool {
    let set = course.iter().position(|command| command == "config-set").expect("it is set");
    matches!(course[at].as_str(), "config-test" | "config-set" | "config-write") || at == set + 1
}

fn few() -> PairOptions {
    let drift = ["lifetime:0", "reservation-missing:1", "subnet-missing:2"];
    PairOptions { subnets: 4, reservations: 4, ..PairOptions::with_drift(&drift) }
}

#[test]
fn so_is_one_killed_while_the_whole_configuration_is_replaced() {
    let Some(upset) = Upset::up(Way::Http, few(), WHOLE) else { return };
    kill_everywhere(&upset, of_the_whole);
}

#[test]
fn so_is_one_killed_while_that_of_an_older_server_is() {
    let Some(upset) = Upset::up(Way::Http, PairOptions { version: Version::Installed, ..few() }, "") else { return };
    kill_everywhere(&upset, |course, at| of_the_whole(course, at) && course[at] != "config-test");

    // the same Kea answers nobody after a refused configuration: what cannot be read is said
    upset.restore();
    let set = upset.proxy(Side::B);
    let gate = set.pause(Point::before("config-set"));
    let mut child = upset.start();
    gate.reached();
    child.kill().expect("it dies");
    assert_eq!(finish(child).code, None);
    gate.drop_request();
    let told = recover(&upset, "").expect_code(0);
    assert!(told.stdout.contains("answers no client once it has refused"), "{}", told.stdout);
    recover(&upset, "--leave").expect_code(0);
    assert_eq!(waiting(&upset), Vec::<Value>::new());
}

#[test]
fn nothing_is_sent_for_a_run_whose_server_cannot_be_read() {
    let Some(upset) = Upset::up(Way::Socket, few(), "") else { return };
    let gate = upset.proxy(Side::B).pause(Point::before("subnet4-update"));
    let mut child = upset.start();
    gate.reached();
    // while it lives it does not wait
    assert_eq!(waiting(&upset), Vec::<Value>::new());
    child.kill().expect("it dies");
    assert_eq!(finish(child).code, None);
    gate.drop_request();
    wait_for("the run to wait", Duration::from_secs(10), || !waiting(&upset).is_empty());

    upset.proxy(Side::B).refuse();
    let told = recover(&upset, "--json").expect_code(3).json();
    let scopes = told["runs"][0]["relationships"][0]["scopes"].as_array().expect("scopes");
    assert!(scopes.iter().all(|scope| scope["standing"] == "unknown" && scope["message"].is_string()), "{told:#}");
    for way in ["--finish", "--undo"] {
        let run = recover(&upset, &format!("{way} --force")).expect_code(1);
        assert!(run.stderr.contains("kea-2"), "{}", run.stderr);
    }
    assert_eq!(upset.now(), upset.before);
    upset.proxy(Side::B).listen();
    upset.proxies.iter().for_each(|proxy| _ = proxy.calm());

    // looking changes nothing, and neither does an answer that is not given
    for arguments in ["", "--finish --what-if", "--undo --what-if", "--leave --what-if"] {
        recover(&upset, arguments).expect_code(0);
    }
    recover(&upset, "--finish").expect_code(1);
    assert_eq!((waiting(&upset).len(), upset.now()), (1, upset.before.clone()));
    let previewed = upset.bench.run("replicate --computer-name kea-1 --what-if").expect_code(0);
    assert!(previewed.stdout.contains("was interrupted while it wrote to kea-2"), "{}", previewed.stdout);

    recover(&upset, "--leave --json").expect_code(0);
    assert_eq!(waiting(&upset), Vec::<Value>::new());
    let run = upset.bench.home.history().run("latest").expect("the run");
    let settled = run.settled.expect("it is settled");
    assert_eq!((settled.how.words(), settled.run), ("left as it was", None));
    assert!(recover(&upset, &run.id).expect_code(1).stderr.contains("left as it was"));
}
