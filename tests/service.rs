//! Clients are served while scopes are written: DISCOVERs for a scope that both servers have
//! go on all the time, and none stays without an answer.
//!
//! What is measured is new clients of one scope, 50 a second, each asking both servers, while
//! that scope's properties, ranges, options and reservations change on one of them, and other
//! scopes there are changed, created and renumbered. A scope that gets another number is absent
//! on its server for a moment; the preview says so, and the last test counts its clients.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr)] // helpers of tests, and what they measure

mod common;

use std::time::Duration;

use common::bench::{Bench, Form};
use common::pair::{Pair, PairOptions, Side, Version};
use common::traffic::{Answers, Traffic};
use serde_json::{Value, json};

/// The scope that clients ask for, and what of it kea-pair makes differ.
const SCOPE: &str = "10.0.0.1";
const DRIFT: &[&str] = &[
    "pool-range:0",
    "pool-extra:0",
    "option-value:0",
    "option-extra:0",
    "lifetime:0",
    "relay:0",
    "comment:0",
    "reservation-missing:0",
    "reservation-changed:0",
    "reservation-extra:0",
    "pool-class:1",
    "pool-missing:2",
    "option-missing:3",
    "lifetime:4",
    "subnet-class:5",
    "reservation-client:6",
    "reservation-option:7",
    "subnet-missing:8",
    "subnet-id:9",
    "network-member",
];

// the drift is put in before the servers start; nobody has a lease yet
fn bench(form: Form, version: Version, drift: &[&str]) -> Option<Bench> {
    let drift = drift.iter().map(|kind| (*kind).to_owned()).collect();
    let options = PairOptions { version, subnets: 14, reservations: 56, dhcp: true, drift, ..PairOptions::default() };
    Bench::up(form, options)
}

fn live(bench: &Bench) -> &Pair {
    bench.pair().expect("a live pair")
}

/// Another difference in the scope that clients ask for: one of every sort, on one server.
fn differ(pair: &Pair, side: Side, round: u32) {
    let mut subnet = pair.subnet(side, "10.0.0.0/24").expect("the scope");
    let object = subnet.as_object_mut().expect("an object");
    object.retain(|key, _| ["id", "subnet", "option-data", "pools", "relay", "user-context"].contains(&key.as_str()));
    subnet["valid-lifetime"] = json!(4000 + round);
    subnet["user-context"]["comment"] = json!(format!("round {round}"));
    subnet["option-data"] = json!([{"name": "routers", "data": format!("10.0.0.{}", 2 + round % 100)}]);
    subnet["pools"] = json!([{"pool": format!("10.0.0.{}-10.0.0.223", 180 + round % 8)}, {"pool": "10.0.0.224/27"}]);
    pair.ok(side, "subnet4-update", json!({ "subnet4": [subnet] }));
    let client = "02:aa:00:00:00:01";
    let who =
        json!({"subnet-id": 1, "identifier-type": "hw-address", "identifier": client, "operation-target": "memory"});
    pair.cmd(side, "reservation-del", who);
    let host = json!({"subnet-id": 1, "hw-address": client, "ip-address": format!("10.0.0.{}", 30 + round % 100)});
    pair.ok(side, "reservation-add", json!({"operation-target": "memory", "reservation": host}));
}

/// A scope to create and one to renumber, which no client asks for.
fn disarrange(pair: &Pair, side: Side) {
    pair.ok(side, "subnet4-del", json!({"id": 9}));
    pair.ok(side, "subnet4-del", json!({"id": 10}));
    pair.ok(side, "subnet4-add", json!({"subnet4": [{"id": 7010, "subnet": "10.0.9.0/24"}]}));
}

/// Replicates again and again, each time with something to do, until the clients are enough.
fn replicate_under_traffic(bench: &Bench, source: Side, clients: u32) -> Answers {
    let name = if source == Side::A { "kea-1" } else { "kea-2" };
    let traffic = Traffic::start(live(bench), SCOPE, Duration::from_secs(60));
    let began = std::time::Instant::now();
    let mut runs = 0;
    while runs == 0 || began.elapsed().as_secs_f64() * 50.0 < f64::from(clients) {
        let run = bench.run(&format!("replicate --computer-name {name} --force")).expect_code(0);
        assert!(run.stdout.contains("10.0.0.0\n"), "{}", run.stderr);
        runs += 1;
        differ(live(bench), source, runs);
    }
    let answers = traffic.finish();
    eprintln!("{source:?} as source, {runs} runs: {answers:?}");
    answers
}

fn no_client_is_lost(form: Form) {
    let Some(bench) = bench(form, Version::Newest, DRIFT) else { return };
    for (source, clients) in [(Side::A, 200), (Side::B, 200)] {
        if source == Side::B {
            differ(live(&bench), source, 99);
            disarrange(live(&bench), Side::A);
        }
        let answers = replicate_under_traffic(&bench, source, clients);
        assert_eq!(answers.unanswered, 0, "{form:?}, {source:?} as source: {answers:?}");
        assert!(answers.sent >= clients / 2, "{answers:?}");
        assert!(live(&bench).in_service());
    }
}

#[test]
fn load_balancing_loses_no_client_in_either_direction() {
    no_client_is_lost(Form::LoadBalancing);
}

#[test]
fn hot_standby_loses_no_client_in_either_direction() {
    no_client_is_lost(Form::HotStandby);
}

/// What the preview says: the scope is absent for a moment while its id changes.
#[test]
fn a_scope_that_is_renumbered_is_away_for_a_moment_only() {
    let Some(bench) = bench(Form::LoadBalancing, Version::Newest, &["subnet-id:0"]) else { return };
    let plan = bench.run("replicate --computer-name kea-1 --what-if --json").expect_code(0).json();
    let cost = plan["relationships"][0]["cost_to_service"].as_str().expect("a cost");
    assert!(cost.contains("absent for a moment"), "{cost}");
    let traffic = Traffic::start(live(&bench), SCOPE, Duration::from_secs(30));
    bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    let answers = traffic.finish();
    eprintln!("renumbered: {answers:?}");
    assert!(answers.unanswered <= 5 && answers.longest_gap < 0.1, "{answers:?}");
    let id = |side| live(&bench).subnet(side, "10.0.0.0/24").map(|mut subnet| subnet["id"].take());
    assert_eq!((id(Side::A), id(Side::B)), (Some(Value::from(1)), Some(Value::from(1))));
}

/// One replication by whole configuration while clients ask, and what its preview said.
fn set_whole_configuration(form: Form, version: Version) -> Option<(Answers, String)> {
    let bench = bench(form, version, &["lifetime:1", "subnet-missing:8"])?;
    bench.configure("writer = \"whole-configuration\"");
    let plan = bench.run("replicate --computer-name kea-1 --what-if --json").expect_code(0).json();
    let planned = &plan["relationships"][0];
    assert_eq!(planned["writer"], "Kea whole configuration");
    let traffic = Traffic::start(live(&bench), SCOPE, Duration::from_secs(60));
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    let answers = traffic.finish();
    assert_eq!(run.stdout, "10.0.1.0\n10.0.8.0\n");
    assert!(live(&bench).in_service());
    eprintln!("whole configuration, {form:?}, {version:?}: {answers:?}");
    Some((answers, planned["cost_to_service"].as_str().expect("a cost").to_owned()))
}

#[test]
fn a_whole_configuration_toward_a_standby_loses_no_client() {
    for version in [Version::Installed, Version::Newest] {
        let Some((answers, cost)) = set_whole_configuration(Form::HotStandby, version) else { continue };
        assert_eq!(answers.unanswered, 0, "{version:?}: {answers:?}");
        assert!(cost.contains("nobody waits") || cost.contains("no client waits"), "{cost}");
    }
}

/// The target's half of the clients, for a heartbeat and the time to load: no client longer
/// than that, and none of the other half.
#[test]
fn a_whole_configuration_in_load_balancing_costs_no_more_than_its_preview_says() {
    for version in [Version::Installed, Version::Newest] {
        let Some((answers, cost)) = set_whole_configuration(Form::LoadBalancing, version) else { continue };
        assert!(cost.contains("half"), "{cost}");
        assert!(answers.longest_gap < 2.0 && answers.answered * 2 > answers.sent, "{version:?}: {answers:?}");
    }
}

/// The measure itself: what takes a server out of service, as no writer here does, is seen.
#[test]
fn a_server_that_reloads_loses_clients_and_that_is_counted() {
    let Some(bench) = bench(Form::LoadBalancing, Version::Newest, &[]) else { return };
    let traffic = Traffic::start(live(&bench), SCOPE, Duration::from_secs(30));
    for _ in 0..5 {
        live(&bench).ok(Side::B, "config-reload", Value::Null);
        live(&bench).wait_in_service();
    }
    let answers = traffic.finish();
    eprintln!("five reloads: {answers:?}");
    assert!(answers.unanswered > 0, "{answers:?}");
}
