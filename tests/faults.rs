//! What goes wrong on real servers: stopped, frozen, not allowed to save; and what ends a run or
//! forbids it. What is said of every scope must be true, nothing may be lost, and nothing may
//! hang. What happens in the middle of a run is in `stages.rs`.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr)] // helpers of tests, and what they measure

mod common;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::bench::{Bench, Form, kept_by_run, plain, plain_subnets};
use common::pair::{Pair, PairOptions, Side};
use common::program::{Finished, NAMES};
use serde_json::Value;

/// Lifetimes that differ in so many scopes that something can happen in the middle.
fn many_lifetimes(scopes: u32) -> PairOptions {
    let drift = (0..scopes).map(|at| format!("lifetime:{at}")).collect();
    PairOptions { subnets: scopes, reservations: scopes, drift, ..PairOptions::default() }
}

fn few(drift: &[&str]) -> PairOptions {
    let drift = drift.iter().map(|kind| (*kind).to_owned()).collect();
    PairOptions { subnets: 6, reservations: 12, drift, ..PairOptions::default() }
}

const IMPATIENT: &str = "connect_timeout = 1\nread_timeout = 1\nwrite_timeout = 1";

fn live(bench: &Bench) -> &Pair {
    bench.pair().expect("a live pair")
}

fn hash(bench: &Bench, side: Side) -> String {
    live(bench).config_hash(side)
}

/// Starts a replication that something will happen to.
fn start(bench: &Bench, arguments: &str) -> Child {
    let mut command = bench.home.scopesync(&arguments.split_whitespace().collect::<Vec<_>>());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("scopesync runs")
}

fn finish(child: Child) -> Finished {
    Finished::from(child.wait_with_output().expect("scopesync ends"))
}

/// Waits until a run is in the middle. One that does not come there says how far it came.
fn wait_for_writes(bench: &Bench, run: &mut Child, scopes: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut kept = 0;
    while kept < scopes {
        let ended = run.try_wait().expect("scopesync was started");
        kept = kept_by_run(bench).len();
        if kept < scopes && (ended.is_some() || Instant::now() > deadline) {
            let how = if ended.is_some() { "ended too early" } else { "hangs" };
            run.kill().expect("it ends");
            let (mut said, mut output) = (String::new(), run.stderr.take().expect("standard error"));
            output.read_to_string(&mut said).expect("UTF-8");
            panic!("the run {how}, {kept} scopes are in the history: {said}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn scopes(document: &Value) -> BTreeMap<String, &Value> {
    let scopes = document["relationships"][0]["scopes"].as_array().expect("scopes").iter();
    let id = |scope: &Value| format!("{}/{}", scope["scope_id"].as_str().expect("an id"), scope["prefix_length"]);
    scopes.map(|scope| (id(scope), scope)).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn a_stopped_partner_makes_drift_unknown_and_nothing_is_written() {
    let Some(bench) = Bench::up(Form::LoadBalancing, few(&["lifetime:0", "subnet-missing:2"])) else { return };
    let pair = live(&bench);
    pair.stop(Side::B);
    let before = hash(&bench, Side::A);
    let run = bench.run("drift --json").expect_code(3);
    let report = run.json();
    assert_eq!((&report["servers"][0]["reachable"], &report["servers"][1]["reachable"]), (&true.into(), &false.into()));
    assert!(text(&report["servers"][1], "reason").contains("kea-2"), "{report:#}");
    assert_eq!((&report["summary"]["unknown"], &report["summary"]["scopes"]), (&6.into(), &6.into()));
    for (id, scope) in scopes(&report) {
        assert_eq!((&scope["drift"], scope["changes"].as_array().map(Vec::len)), (&"unknown".into(), Some(0)), "{id}");
        assert!(text(scope, "reason").contains("kea-2"), "{scope:#}");
    }
    assert!(run.stderr.contains("not read: kea-2"), "{}", run.stderr);
    // neither as source nor as target
    for source in NAMES {
        let run = bench.run(&format!("replicate --computer-name {source} --force")).expect_code(1);
        assert!(run.stdout.is_empty() && run.stderr.contains("kea-2"), "{}", run.stderr);
    }
    bench.run("replicate --computer-name kea-1 --what-if").expect_code(3);
    assert_eq!(hash(&bench, Side::A), before);
    assert_eq!(bench.home.runs(), 0);

    pair.start(Side::B);
    pair.wait_in_service();
    bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    bench.run("drift").expect_code(0);
}

#[test]
fn a_frozen_partner_is_given_up_in_time() {
    let Some(bench) = Bench::up(Form::HotStandby, few(&["lifetime:0"])) else { return };
    bench.configure(IMPATIENT);
    let pair = live(&bench);
    pair.freeze(Side::B);
    let began = Instant::now();
    let report = bench.run("drift --json").expect_code(3).json();
    assert!(text(&report["servers"][1], "reason").contains("no answer within 1s"), "{report:#}");
    assert!(scopes(&report).values().all(|scope| scope["drift"] == "unknown"), "{report:#}");
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(1);
    assert!(run.stdout.is_empty() && run.stderr.contains("no answer within 1s"), "{}", run.stderr);
    // two commands, each of which waits for one answer
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(bench.home.runs(), 0);
    pair.thaw(Side::B);
    bench.run("drift").expect_code(2);
}

#[test]
fn a_signal_ends_a_run_after_the_scope_in_flight() {
    let Some(bench) = Bench::up(Form::LoadBalancing, many_lifetimes(100)) else { return };
    let (before, want) = (bench.subnets(Side::B), bench.subnets(Side::A));
    let mut child = start(&bench, "replicate --computer-name kea-1 --force --json");
    wait_for_writes(&bench, &mut child, 5);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
    let run = finish(child).expect_code(3);
    assert!(run.stderr.contains("stopping after the scope in flight"), "{}", run.stderr);
    let now = bench.subnets(Side::B);
    let mut said = BTreeMap::<String, usize>::new();
    for (id, scope) in scopes(&run.json()) {
        *said.entry(text(scope, "outcome").to_owned()).or_default() += 1;
        match (text(scope, "outcome"), text(scope, "saved")) {
            ("replicated", "saved") => assert_eq!(now[&id], want[&id], "{scope:#}"),
            ("cancelled", "not_applicable") => assert_eq!(now[&id], before[&id], "{scope:#}"),
            other => panic!("{other:?}: {scope:#}"),
        }
    }
    assert!(said["replicated"] >= 5 && said["cancelled"] >= 5, "{said:?}");
}

#[test]
fn the_journal_holds_the_scopes_of_the_target_as_they_were() {
    let drift = ["lifetime:0", "reservation-changed:1", "subnet-missing:2", "network-member", "comment:5"];
    let Some(bench) = Bench::up(Form::HotStandby, few(&drift)) else { return };
    let pair = live(&bench);
    let before = plain_subnets(&pair.config(Side::B));
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    let kept = kept_by_run(&bench);
    assert_eq!(
        kept.keys().map(|id| id.split('/').next().expect("an id")).collect::<Vec<_>>(),
        run.stdout.lines().collect::<Vec<_>>()
    );
    for (id, native) in kept {
        match before.get(&id) {
            None => assert_eq!((id.as_str(), native), ("10.0.2.0/24", Value::Null)),
            Some(scope) => assert_eq!(plain(native), *scope, "in Kea's own words, as the configuration had it"),
        }
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(bench.home.history().path().expect("a store")).expect("the file").permissions(),
    );
    assert_eq!(mode & 0o077, 0, "only its owner may read it");
}

#[test]
fn without_a_journal_nothing_is_written() {
    for form in [Form::LoadBalancing, Form::Files] {
        let Some(bench) = Bench::up(form, few(&["lifetime:0"])) else { return };
        let before = bench.marks();
        std::fs::create_dir_all(bench.home.state()).expect("the state folder");
        std::fs::create_dir(bench.home.state().join("history.db")).expect("a folder in the way");
        let run = bench.run("replicate --computer-name kea-1 --force").expect_code(1);
        assert!(run.stdout.is_empty() && run.stderr.contains("state/history.db"), "{}", run.stderr);
        assert_eq!(bench.marks(), before);
        // reading needs no journal
        bench.run("drift").expect_code(2);
        bench.run("replicate --computer-name kea-1 --what-if").expect_code(0);
    }
}

#[test]
fn a_target_that_may_not_save_is_running_and_not_saved() {
    let options = PairOptions { no_write: true, ..few(&["lifetime:0", "option-value:1", "comment:2"]) };
    let Some(bench) = Bench::up(Form::LoadBalancing, options) else { return };
    let on_disk = live(&bench).config_on_disk(Side::B);
    let run = bench.run("replicate --computer-name kea-1 --scope-id 10.0.0.0 --force --json").expect_code(3);
    let document = run.json();
    let scope = scopes(&document)["10.0.0.0/24"];
    assert_eq!(
        (&scope["outcome"], &scope["saved"], &scope["verified"]),
        (&"replicated".into(), &"not_saved".into(), &true.into())
    );
    let remarks = document["relationships"][0]["remarks"].to_string();
    assert!(remarks.contains("running but not saved") && remarks.contains("user _kea"), "{remarks}");
    assert!(run.stderr.contains("running, not saved") && run.stderr.contains("user _kea"), "{}", run.stderr);

    // nothing is left to replicate, but what runs is still not saved, and every command says so
    let run = bench.run("relationships").expect_code(0);
    assert!(run.stderr.contains("kea-2: what an earlier run changed is running but not saved"), "{}", run.stderr);
    let run = bench.run("replicate --computer-name kea-1 --scope-id 10.0.0.0 --force").expect_code(3);
    assert!(run.stdout.is_empty() && run.stderr.contains("running but not saved"), "{}", run.stderr);

    let run = bench.run("replicate --computer-name kea-1 --scope-id 10.0.1.0 --force").expect_code(3);
    assert_eq!(run.stdout, "10.0.1.0\n");

    // the same, as the configuration wants it
    bench.configure("save = \"never\"");
    let run = bench.run("replicate --computer-name kea-1 --force --json").expect_code(0).json();
    assert_eq!(scopes(&run)["10.0.2.0/24"]["saved"], "never");
    bench.run("drift").expect_code(0);
    assert_eq!(live(&bench).config_on_disk(Side::B), on_disk);
}

#[test]
fn a_read_only_server_is_never_a_target() {
    for form in [Form::LoadBalancing, Form::Files] {
        let Some(bench) = Bench::up(form, few(&["lifetime:0"])) else { return };
        let before = bench.marks();
        let refused = |arguments: &str| {
            let run = bench.run(arguments).expect_code(1);
            assert!(run.stdout.is_empty() && run.stderr.contains("read-only"), "{}", run.stderr);
            assert_eq!(bench.marks(), before, "{arguments}");
        };
        refused("--read-only replicate --computer-name kea-1 --force");
        refused("replicate --computer-name kea-2 --force --read-only");
        bench.run("replicate --computer-name kea-1 --what-if --read-only").expect_code(3);

        let config = std::fs::read_to_string(bench.home.config()).expect("the configuration");
        bench.home.write_config(&config.replace("name = \"kea-2\"", "name = \"kea-2\"\nread_only = true"));
        refused("replicate --computer-name kea-1 --force");
        refused("replicate --computer-name kea-1 --force --override read-only");
        bench.run("drift").expect_code(2);
        assert_eq!(bench.home.runs(), 0);
        // as a source it may be what it is
        bench.run("replicate --computer-name kea-2 --force").expect_code(0);
        assert_eq!(bench.mark(Side::B), before[1]);
    }
}

#[test]
fn two_entries_for_one_server_are_an_error() {
    let Some(bench) = Bench::up(Form::LoadBalancing, few(&["lifetime:0"])) else { return };
    let pair = live(&bench);
    let (a, b) = (pair.socket(Side::A).to_owned(), pair.socket(Side::B).to_owned());
    let (link, way) = (bench.home.path().join("link.sock"), bench.home.path().join("way.sock"));
    std::os::unix::fs::symlink(&a, &link).expect("a link");
    common::faults::other_way(&a, &way);
    let before = bench.marks();
    let entry = |name: &str, socket: &PathBuf| {
        format!("[[server]]\nname = \"{name}\"\nkind = \"kea\"\nsocket = {:?}\n", socket.display().to_string())
    };
    for second in [&a, &link, &way] {
        for third in [None, Some(&b)] {
            let config =
                entry("kea-1", &a) + &entry("again", second) + &third.map(|b| entry("kea-2", b)).unwrap_or_default();
            bench.home.write_config(&config);
            for source in NAMES.iter().take(1 + usize::from(third.is_some())) {
                let run = bench.run(&format!("replicate --computer-name {source} --force")).expect_code(1);
                assert!(run.stdout.is_empty() && run.stderr.contains("again"), "{}", run.stderr);
            }
            // also where it is found on reading only, and another server was read
            let run = bench.run("drift").expect_code(1);
            assert!(run.stderr.contains("again"), "{}", run.stderr);
        }
    }
    assert_eq!(bench.marks(), before);
}

#[test]
fn a_scope_that_kea_would_refuse_is_left_out_of_the_file() {
    let Some(bench) = Bench::up(Form::Files, few(&["lifetime:0", "option-value:1", "comment:2"])) else { return };
    let [source, target] = bench.files().expect("files");
    let text = std::fs::read_to_string(source).expect("the file");
    std::fs::write(source, text.replace("\"10.0.1.1\"", "\"no address\"")).expect("a mistake");
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(3);
    assert_eq!(run.stdout, "10.0.0.0\n10.0.2.0\n");
    assert!(run.stderr.contains("10.0.1.0  rejected") && run.stderr.contains("no address"), "{}", run.stderr);
    assert_eq!(common::pair::kea_takes_pair_file(target), Some(Ok(())));
    let report = bench.run("drift --json").expect_code(2).json();
    assert_eq!(report["summary"]["drifted"], 1);
}

#[test]
fn a_file_that_kea_refuses_already_is_not_written_scope_by_scope() {
    let Some(bench) = Bench::up(Form::Files, few(&["lifetime:0", "option-value:1", "comment:2"])) else { return };
    let (script, asked) = (bench.home.path().join("refuses"), bench.home.path().join("asked"));
    std::fs::write(&script, format!("#!/bin/sh\necho >>'{}'\necho 'too old for this' >&2\nexit 1\n", asked.display()))
        .expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).expect("an executable script");
    let config = std::fs::read_to_string(bench.home.config()).expect("the configuration");
    bench.home.write_config(&config.replace("kea-dhcp4-check", "refuses"));
    let before = bench.marks();
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(1);
    assert!(run.stderr.contains("too old for this") && run.stderr.contains("check = \"off\""), "{}", run.stderr);
    assert_eq!((bench.marks(), std::fs::read_to_string(asked).expect("asked").lines().count()), (before, 2));
}
