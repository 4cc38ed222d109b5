//! Jobs: what was approved is carried out by a process of its own, and nothing else is.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::bench::{Bench, Form};
use common::pair::{PairOptions, Side, wait_for};
use common::program::{Finished, Home, by_sockets};
use common::proxy::{Gate, Point, Proxy};
use common::terminal::{Signal, Start};
use rustix::process::{Pid, getsid, kill_process};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

fn run(home: &Home, line: &str) -> Finished {
    home.run(&line.split_whitespace().collect::<Vec<_>>())
}

/// A job as `jobs show` has it; with `--demo ` one of the demo's.
fn job(home: &Home, demo: &str, id: u32) -> Value {
    run(home, &format!("{demo}jobs show {id} --json")).expect_code(0).json()
}

fn wait(home: &Home, demo: &str, id: u32) -> Finished {
    run(home, &format!("{demo}jobs wait {id} --timeout 60"))
}

#[test]
fn a_job_replicates_what_was_approved_and_gives_its_output_once() {
    let home = Home::new();
    assert!(run(&home, "--demo jobs").expect_code(0).stderr.contains("there are no jobs"));
    assert!(!home.state().join("demo/history.db").exists(), "who only looks makes nothing");

    run(&home, "--demo replicate --computer-name berlin --force --as-job --what-if").expect_code(3);
    assert!(run(&home, "--demo jobs --json").json()["jobs"].as_array().is_some_and(Vec::is_empty), "what if: no job");

    let line = "--demo replicate --computer-name berlin --force --as-job --override option-43 --override shrink-leases";
    let started = run(&home, line).expect_code(0);
    let rows: Vec<Vec<&str>> = started.stdout.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["Id", "Name", "PSJobTypeName", "State", "HasMoreData", "Location", "Command"]);
    assert_eq!(rows[1][..3], ["1", "Job1", "BackgroundJob"]);
    assert_eq!(rows[1][6..], [&["scopesync"][..], &line.split_whitespace().collect::<Vec<_>>()].concat());

    let waited = wait(&home, "--demo ", 1);
    let ended = job(&home, "--demo ", 1);
    let status = ended["report"]["exit_status"].as_i64().map(|status| status as i32);
    assert_eq!(waited.code, status, "{ended:#}");
    assert_eq!(
        (ended["state"].as_str(), ended["has_more_data"].as_bool()),
        (Some("Completed"), Some(true)),
        "{ended:#}"
    );
    let run_name = ended["run"].as_str().expect("a run");
    assert_eq!(ended["report"]["run"]["run"], run_name);

    let kept = run(&home, "--demo jobs receive 1 --keep");
    let received = run(&home, "--demo jobs receive 1");
    let again = run(&home, "--demo jobs receive 1");
    assert_eq!((&kept.stdout, &kept.code), (&received.stdout, &status), "{}", kept.stderr);
    let mut replicated: Vec<&str> = received.stdout.lines().collect();
    assert!(!replicated.is_empty() && received.stderr.contains("replicated"), "{}", received.stderr);
    assert_eq!((again.stdout.as_str(), again.code), ("", status), "{}", again.stderr);
    assert_eq!(job(&home, "--demo ", 1)["has_more_data"], false);

    // the same, by hand: nothing of it differs any more
    let drift = run(&home, "--demo drift --computer-name berlin --json").json();
    let scopes = drift["relationships"].as_array().expect("relationships").iter();
    let scopes: Vec<&Value> = scopes.flat_map(|one| one["scopes"].as_array().expect("scopes")).collect();
    replicated.retain(|id| !scopes.iter().any(|scope| scope["scope_id"] == *id && scope["drift"] == "in_sync"));
    assert!(replicated.is_empty(), "{replicated:?} {drift:#}");

    // and back, in another one: what this one replicated differs again
    let line = format!("--demo undo {run_name} --force --as-job --override shrink-leases --json");
    assert_eq!(run(&home, &line).expect_code(0).json()["id"], 2);
    wait(&home, "--demo ", 2).expect_code(0);
    let undone = job(&home, "--demo ", 2);
    assert_eq!(undone["state"], "Completed", "{undone:#}");
    let back: Vec<String> =
        run(&home, "--demo jobs receive 2").expect_code(0).stdout.lines().map(str::to_owned).collect();
    let again = run(&home, "--demo drift --computer-name berlin --json").json();
    assert!(
        !back.is_empty() && again["summary"]["drifted"].as_u64() > drift["summary"]["drifted"].as_u64(),
        "{back:?}"
    );

    assert!(run(&home, "--demo jobs wait 1 3").expect_code(1).stderr.contains("there is no job 3"));
    assert!(run(&home, "--demo jobs cancel 1").expect_code(0).stderr.contains("has ended: Completed"));
}

#[test]
fn what_is_left_out_is_left_out_by_the_job_as_well() {
    let home = Home::new();
    let line = "--demo replicate --computer-name berlin --scope-id 10.22.12.0,10.20.11.0 --force --as-job --json";
    let left = "10.22.12.0:properties/renew-timer";
    let refused = run(&home, &format!("{line} --leave-out 10.22.12.0:properties/t1"));
    assert!(refused.expect_code(1).stderr.contains("nothing of this plan is called 10.22.12.0:properties/t1"));
    run(&home, &format!("{line} --leave-out {left} --leave-out 10.20.11.0")).expect_code(0);
    wait(&home, "--demo ", 1).expect_code(0);
    let ended = job(&home, "--demo ", 1);
    let scopes = ended["report"]["run"]["relationships"][0]["scopes"].as_array().expect("scopes");
    let of =
        |scope: &Value| (scope["scope_id"].clone(), scope["outcome"].clone(), scope["left_out"][0]["item"].clone());
    let told: Vec<_> = scopes.iter().map(of).filter(|(_, outcome, _)| outcome == "replicated").collect();
    assert_eq!(told, [(json!("10.22.12.0"), json!("replicated"), json!("renew-timer"))], "{ended:#}");
    let drift = run(&home, "--demo drift --computer-name berlin --scope-id 10.22.12.0,10.20.11.0 --json").json();
    let scopes = drift["relationships"][0]["scopes"].as_array().expect("scopes").iter();
    let items: Vec<_> = scopes.flat_map(|scope| scope["changes"].as_array().expect("changes")).collect();
    let items: Vec<&str> = items.iter().filter_map(|change| change["item"].as_str()).collect();
    assert_eq!(items, ["dhcp4/3", "renew-timer"], "{drift:#}");
}

#[test]
fn what_a_job_left_undone_is_planned_once_more_on_the_screen() {
    let home = Home::new();
    run(&home, "--demo replicate --computer-name berlin --force --as-job").expect_code(0);
    wait(&home, "--demo ", 1).expect_code(3);
    let mut terminal = Start::scopesync().args(["--demo"]).home(&home).size(120, 50).start();
    terminal.wait_for_text("drifted");
    terminal.keys("J");
    terminal.wait_for_text("job 1: ");
    terminal.keys("r");
    terminal.wait_for("what it left alone", |view| {
        view.contains("relationship berlin-hamburg") && view.contains("10.42.10.0") && !view.contains("10.20.10.0")
    });
}

/// Two files, and the program at its question about them in a terminal.
fn at_the_question(bench: &Bench, line: &str) -> common::terminal::Terminal {
    let terminal = Start::scopesync().home(&bench.home).size(160, 50).args(line.split_whitespace()).start();
    terminal.wait_for_text("default is \"N\"");
    terminal
}

/// Gives a scope of a file another lifetime.
fn change(file: &Path, prefix: &str) {
    let mut text: Value = serde_json::from_slice(&fs::read(file).expect("the file")).expect("JSON");
    let subnets = text.pointer_mut("/Dhcp4/subnet4").and_then(Value::as_array_mut).expect("subnets");
    let subnet = subnets.iter_mut().find(|subnet| subnet["subnet"] == prefix).expect("the scope");
    subnet["valid-lifetime"] = 7777.into();
    fs::write(file, serde_json::to_string_pretty(&text).expect("JSON")).expect("the file");
}

#[test]
fn what_has_moved_since_the_answer_is_not_written() {
    let drift = ["lifetime:0", "lifetime:1"];
    let options = || PairOptions { subnets: 4, reservations: 5, ..PairOptions::with_drift(&drift) };
    // what was approved, on either side, and what was in sync
    for (side, prefix, state, words) in [
        (Side::B, "10.0.1.0/24", "Failed", "10.0.1.0/24: the target has changed since the plan was approved"),
        (Side::A, "10.0.0.0/24", "Failed", "10.0.0.0/24: the source has changed since the plan was approved"),
        (Side::A, "10.0.3.0/24", "Completed", "not-approved: it was not part of what was approved"),
    ] {
        let Some(bench) = Bench::up(Form::Files, options()) else { return };
        let files = bench.files().expect("two files");
        let mut terminal = at_the_question(&bench, "replicate --computer-name kea-1 --as-job");
        change(&files[side as usize], prefix);
        let before = bench.subnets(Side::B);
        terminal.keys("y Enter");
        terminal.wait_for_text("BackgroundJob");
        assert_eq!(terminal.wait_for_end().code(), Some(0));
        let waited = wait(&bench.home, "", 1);
        let ended = job(&bench.home, "", 1);
        assert_eq!(ended["state"], state, "{ended:#}");
        let messages = ended["report"]["messages"].to_string();
        assert!(messages.contains(words), "{messages}");
        let after = bench.subnets(Side::B);
        match state {
            "Failed" => assert_eq!((waited.code, after), (Some(1), before), "{messages}"),
            _ => {
                let source = bench.subnets(Side::A);
                let same = |prefix: &str| after[prefix] == source[prefix];
                let same = ["10.0.0.0/24", "10.0.1.0/24", "10.0.3.0/24"].map(same);
                assert_eq!((waited.code, same), (Some(3), [true, true, false]), "{messages}");
            }
        }
    }
}

#[test]
fn a_job_that_cannot_begin_is_told_at_once() {
    let home = Home::new();
    fs::write(home.state(), "a file in the place of the folder").expect("a file");
    let mut command = home.scopesync(&["replicate", "--computer-name", "berlin", "--force", "--as-job", "--demo"]);
    let refused = Finished::from(command.output().expect("scopesync runs")).expect_code(1);
    assert!(refused.stderr.contains("the state folder") && refused.stdout.is_empty(), "{}", refused.stderr);
    // nobody but this program starts its job process; by hand it says no and does nothing
    let home = Home::new();
    let by_hand = run(&home, "job-process 1").expect_code(1);
    assert!(by_hand.stdout.contains("cannot be read"), "{}", by_hand.stdout);
    let help = run(&home, "--help").stdout + &run(&home, "man").stdout;
    assert!(help.contains("jobs") && !help.contains("job-process"), "{help}");
}

/// A live pair behind proxies.
struct Live {
    bench: Bench,
    proxies: [Proxy; 2],
    origin: Value,
}

impl Live {
    fn up() -> Option<Live> {
        let drift = ["lifetime:0", "lifetime:1", "lifetime:2"];
        let options = PairOptions { subnets: 5, reservations: 5, ..PairOptions::with_drift(&drift) };
        let bench = Bench::up(Form::LoadBalancing, options)?;
        let pair = bench.pair().expect("a live pair");
        let proxies = Side::BOTH.map(|side| Proxy::socket(pair.socket(side)));
        let sockets = proxies.each_ref().map(Proxy::path);
        bench.home.write_config(&by_sockets(sockets.each_ref().map(PathBuf::as_path)));
        let origin = pair.config(Side::B);
        Some(Live { bench, proxies, origin })
    }

    fn target(&self) -> &Proxy {
        &self.proxies[1]
    }

    /// Whether each of the drifted scopes is as on the source.
    fn replicated(&self) -> [bool; 3] {
        let (source, target) = (self.bench.subnets(Side::A), self.bench.subnets(Side::B));
        ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"].map(|prefix| source[prefix] == target[prefix])
    }

    fn restore(&self) {
        let pair = self.bench.pair().expect("a live pair");
        pair.ok(Side::B, "config-set", json!({ "Dhcp4": self.origin }));
        pair.wait_in_service();
        self.proxies.iter().for_each(|proxy| _ = proxy.calm());
    }

    fn start(&self, line: &str) -> u32 {
        let started = run(&self.bench.home, &format!("replicate --computer-name kea-1 --force --as-job --json {line}"));
        started.expect_code(0).json()["id"].as_u64().and_then(|id| u32::try_from(id).ok()).expect("a number")
    }
}

fn process(job: &Value) -> Pid {
    job["process"].as_i64().and_then(|pid| Pid::from_raw(pid as i32)).expect("a process")
}

#[test]
fn jobs_outlive_their_terminal_end_when_asked_and_wait_for_each_other() {
    let Some(live) = Live::up() else { return };
    let home = &live.bench.home;

    // the terminal is closed while the job is at its first write
    let gate = live.target().pause(Point::before("subnet4-update"));
    let mut terminal = at_the_question(&live.bench, "replicate --computer-name kea-1 --as-job");
    terminal.keys("y Enter");
    terminal.wait_for_text("BackgroundJob");
    assert_eq!(terminal.wait_for_end().code(), Some(0), "it returns while the job is at work");
    gate.reached();
    let running = job(home, "", 1);
    assert_eq!(running["state"], "Running", "{running:#}");
    let pid = process(&running);
    assert_eq!(getsid(Some(pid)).expect("its session"), pid, "a session of its own");
    terminal.hang_up();
    assert!(fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())).is_ok_and(|cwd| cwd == Path::new("/")));
    // who waits may stop waiting
    let mut waiting = Start::scopesync().home(home).args(["jobs", "wait", "1"]).start();
    waiting.wait_for_text("kea-2");
    waiting.keys("Ctrl-c");
    assert_eq!(waiting.wait_for_end().code(), Some(4));
    assert!(waiting.view().contains("job 1 goes on"), "{}", waiting.view());
    let impatient = run(home, "jobs wait 1 --timeout 0").expect_code(4);
    assert!(impatient.stderr.contains("job 1 has not ended yet"), "{}", impatient.stderr);
    run(home, "jobs receive 1").expect_code(4);

    // a second job waits for the first, and says for whom
    let second = live.start("--scope-id 10.0.2.0");
    wait_for("the second job to wait", SOON, || {
        job(home, "", second)["progress"]["doing"].as_str().is_some_and(|doing| doing.contains("waiting for kea-"))
    });
    assert_eq!(live.replicated(), [false; 3]);
    gate.open();
    wait(home, "", 1).expect_code(0);
    assert_eq!(live.replicated(), [true; 3]);
    // what it was to write the first one has written
    wait(home, "", second).expect_code(1);
    let told = job(home, "", second)["report"]["messages"].to_string();
    assert!(told.contains("the target has changed since the plan was made"), "{told}");
    assert_eq!(run(home, "jobs receive 1").expect_code(0).stdout, "10.0.0.0\n10.0.1.0\n10.0.2.0\n");

    // asked to end, it ends after the scope in flight
    live.restore();
    let gate = live.target().pause(Point::before("subnet4-update"));
    let id = live.start("");
    reached(&gate, home, id);
    let asked = run(home, &format!("jobs cancel {id}")).expect_code(0);
    assert!(asked.stderr.contains("ends after the scope in flight"), "{}", asked.stderr);
    wait_for("the job to hear it", SOON, || job(home, "", id)["asked_to_end"] == 1 && is_cancelled(home));
    gate.open();
    wait(home, "", id).expect_code(3);
    let ended = job(home, "", id);
    assert_eq!(ended["state"], "Stopped", "{ended:#}");
    assert_eq!(live.replicated(), [true, false, false], "{ended:#}");

    // a signal ends it as well, and what kills it is seen
    live.restore();
    let gate = live.target().pause(Point::before("subnet4-update"));
    let id = live.start("");
    reached(&gate, home, id);
    wait_for("the name of its run", SOON, || job(home, "", id)["run"].is_string());
    kill_process(process(&job(home, "", id)), Signal::KILL).expect("the job's process");
    wait_for("its end to be seen", SOON, || job(home, "", id)["state"] == "Failed");
    gate.open();
    let lost = wait(home, "", id).expect_code(3);
    assert_eq!(lost.stdout, "");
    let shown = run(home, &format!("jobs show {id}")).expect_code(0).stdout;
    assert!(shown.contains("its process ended") && shown.contains("history show"), "{shown}");
}

/// Waits until the job comes to the gate.
fn reached(gate: &Gate, home: &Home, id: u32) {
    let at_gate = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| gate.reached()));
    assert!(at_gate.is_ok(), "{:#}", job(home, "", id));
}

/// Whether the log says that the newest job heard that it shall end.
fn is_cancelled(home: &Home) -> bool {
    let logs = fs::read_dir(home.state().join("logs")).into_iter().flatten().flatten();
    logs.map(|entry| fs::read_to_string(entry.path()).unwrap_or_default()).any(|log| log.contains("asked to end"))
}
