//! The test servers themselves: a pair comes up, and what it says of its drift is true.
#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::path::Path;
use std::time::Duration;

use common::pair::{Mode, Pair, PairOptions, Side, Version, kea_takes, subnets, wait_for};
use common::traffic::Traffic;
use serde_json::{Value, json};

/// What differs between the two servers in one subnet, as names of its keys.
fn differing_keys(pair: &Pair, scope: &str) -> Vec<String> {
    let (Some(a), Some(b)) = (pair.subnet(Side::A, scope), pair.subnet(Side::B, scope)) else {
        return vec!["subnet".to_owned()];
    };
    let keys = a.as_object().into_iter().chain(b.as_object()).flat_map(|object| object.keys());
    let mut keys: Vec<String> = keys.filter(|key| a[*key] != b[*key]).cloned().collect();
    keys.sort();
    keys.dedup();
    keys
}

#[test]
fn the_drift_of_a_pair_is_where_its_oracle_says() {
    let Some(pair) = Pair::up(PairOptions::with_drift(&["demo"])) else {
        return;
    };
    assert!(pair.in_service());
    assert_eq!(pair.drift.len(), 9);
    for drift in &pair.drift {
        let expected = match drift.kind.as_str() {
            "pool-range" | "pool-class" => "pools",
            "option-value" => "option-data",
            "lifetime" => "valid-lifetime",
            kind if kind.starts_with("reservation-") => "reservations",
            kind if kind.starts_with("subnet-") => "subnet",
            other => panic!("no such kind in the demo: {other}"),
        };
        let scope = drift.scope.as_deref().expect("every drift of the demo is about one scope");
        let differing = differing_keys(&pair, scope);
        assert!(differing.iter().any(|key| key == expected), "{drift:?}: differs in {differing:?}");
    }
    let drifted: Vec<_> = pair.drift.iter().filter_map(|drift| drift.scope.clone()).collect();
    for subnet in subnets(&pair.config(Side::A)) {
        let scope = subnet["subnet"].as_str().expect("a prefix");
        if !drifted.iter().any(|drifted| drifted == scope) {
            assert_eq!(differing_keys(&pair, scope), Vec::<String>::new(), "{scope}");
        }
    }
}

#[test]
fn a_stopped_killed_or_frozen_server_comes_back() {
    let options = PairOptions { mode: Mode::HotStandby, subnets: 2, ..PairOptions::default() };
    let Some(pair) = Pair::up(options) else {
        return;
    };
    pair.stop(Side::B);
    assert_eq!(pair.ha_state(Side::B), None);
    pair.start(Side::B);
    pair.wait_in_service();
    pair.kill(Side::A);
    assert_eq!(pair.ha_state(Side::A), None);
    pair.start(Side::A);
    pair.wait_in_service();
    pair.freeze(Side::B);
    assert_eq!(pair.ha_state(Side::A).as_deref(), Some("hot-standby"));
    pair.thaw(Side::B);
    pair.wait_in_service();
}

#[test]
fn a_pair_without_write_refuses_config_write_and_still_serves() {
    let options = PairOptions { no_write: true, subnets: 2, ..PairOptions::default() };
    let Some(pair) = Pair::up(options) else {
        return;
    };
    let answer = pair.cmd(Side::B, "config-write", Value::Null);
    assert_eq!(answer["result"], 1, "{answer}");
    assert!(pair.in_service());
}

#[test]
fn traffic_is_answered_and_a_dead_pair_is_noticed() {
    let options = PairOptions { dhcp: true, subnets: 2, ..PairOptions::default() };
    let Some(pair) = Pair::up(options) else {
        return;
    };
    let answers = Traffic::start(&pair, "10.0.0.1", Duration::from_secs(30)).finish();
    assert!(answers.answered >= 10, "{answers:?}");
    assert_eq!(answers.unanswered, 0, "{answers:?}");
    let traffic = Traffic::start(&pair, "10.0.0.1", Duration::from_secs(2));
    pair.freeze(Side::A);
    pair.freeze(Side::B);
    let answers = traffic.run_out();
    assert!(answers.unanswered > 5, "{answers:?}");
}

/// The hub holds all scopes and names a relationship for each; a spoke has its own.
#[test]
fn a_hub_serves_with_both_of_its_spokes() {
    let options = PairOptions { hub: true, ..PairOptions::with_drift(&["lifetime:0", "lifetime:3", "comment:4@b"]) };
    let Some(hub) = Pair::up(options) else {
        return;
    };
    assert_eq!(hub.ha_states(Side::A), ["hot-standby"; 2]);
    let of = |side| subnets(&hub.config(side)).len();
    assert_eq!((of(Side::A), of(Side::B), of(Side::C)), (10, 6, 4));
    let drifted: Vec<_> = hub.drift.iter().map(|drift| drift.server.as_str()).collect();
    assert_eq!(drifted, ["b", "c", "b"]);
    hub.stop(Side::C);
    wait_for("the hub alone for one spoke", Duration::from_secs(30), || {
        hub.ha_states(Side::A) == ["hot-standby", "partner-down"]
    });
}

/// Whichever of them is the primary.
#[test]
fn two_versions_make_a_pair() {
    for (version, version_b, mode) in [
        (Version::Newest, Version::Installed, Mode::LoadBalancing),
        (Version::Installed, Version::Newest, Mode::HotStandby),
    ] {
        let options = PairOptions { version, version_b: Some(version_b), mode, subnets: 2, ..PairOptions::default() };
        let Some(pair) = Pair::up(options) else {
            return;
        };
        assert!(pair.in_service());
        let told = Side::BOTH.map(|side| pair.cmd(side, "version-get", Value::Null)["text"].take());
        assert_ne!(told[0], told[1]);
    }
}

/// What a scope that the partner lacks, or knows by another id, does to a pair in production.
#[test]
fn drift_can_bring_a_relationship_down() {
    let options = |version, mode, heartbeat, kind| PairOptions {
        version,
        mode,
        heartbeat,
        dhcp: true,
        subnets: 2,
        ..PairOptions::with_drift(&[kind])
    };
    for (mode, kind) in [(Mode::HotStandby, "subnet-id:1"), (Mode::LoadBalancing, "subnet-missing:0")] {
        let Some(pair) = Pair::up(options(Version::Newest, mode, 100, kind)) else {
            return;
        };
        assert_eq!(pair.terminate(), ["terminated"; 2], "{kind}");
        let told = pair.cmd(Side::A, "status-get", Value::Null);
        assert_eq!(told["arguments"]["high-availability"][0]["ha-servers"]["local"]["state"], "terminated");
    }
    let old = options(Version::Installed, Mode::LoadBalancing, 500, "subnet-missing:0");
    let Some(pair) = Pair::up(old) else {
        return;
    };
    let states = pair.terminate();
    assert!(states.contains(&"communication-recovery".to_owned()), "{states:?}");
    pair.wait_in_service();
}

/// Kea stores strings as bytes: it answers each byte beyond ASCII as an escape of its own, and
/// takes both that form and plain UTF-8.
#[test]
fn kea_answers_text_byte_by_byte() {
    let Some(pair) = Pair::up(PairOptions::default()) else {
        return;
    };
    let subnet = pair.subnet(Side::A, "10.0.8.0/24").expect("the ninth subnet");
    assert_eq!(subnet["user-context"]["comment"], "site 8, Z\u{c3}\u{bc}rich");
    let change = json!({"subnet4": [{"id": 9, "subnet": "10.0.8.0/24", "user-context": {"comment": "Zürich"}}]});
    pair.ok(Side::A, "subnet4-delta-add", change);
    let subnet = pair.subnet(Side::A, "10.0.8.0/24").expect("the ninth subnet");
    assert_eq!(subnet["user-context"]["comment"], "Z\u{c3}\u{bc}rich");
}

#[test]
fn the_installed_kea_makes_a_pair_too() {
    let options = PairOptions { version: Version::Installed, ..PairOptions::with_drift(&["lifetime:0"]) };
    let Some(pair) = Pair::up(options) else {
        return;
    };
    assert!(differing_keys(&pair, "10.0.0.0/24").contains(&"valid-lifetime".to_owned()));
}

#[test]
fn kea_takes_both_files_of_the_demo() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    for file in ["berlin.conf", "hamburg.conf"] {
        let Some(verdict) = kea_takes(&demo.join(file)) else { return };
        assert_eq!(verdict, Ok(()), "{file}");
    }
}
