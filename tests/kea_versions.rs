//! Two versions of Kea in one pair: what says the same in the words of either is no drift, and
//! what is written is in the words of the server that it is written to.
//!
//! `tests/data/config-get-VERSION.json` are what real servers answered to one configuration,
//! each key of it in its own words, without what is a server's alone.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used)] // helpers of tests

mod common;

use std::collections::BTreeSet;

use common::bench::plain_subnets;
use common::pair::{Mode, Pair, PairOptions, Side, Version};
use common::program::Home;
use scopesync::backend::kea::config::{self, How, KeaConfig};
use scopesync::backend::kea::subnet::{self, Style};
use scopesync::engine::drift;
use scopesync::model::Scope;
use serde_json::{Value, json};

/// Both versions, the older one first.
const RECORDED: [&str; 2] = [include_str!("data/config-get-2.2.0.json"), include_str!("data/config-get-3.0.4.json")];

fn recorded() -> [Value; 2] {
    RECORDED.map(|text| serde_json::from_str::<Value>(text).expect("JSON")["Dhcp4"].take())
}

fn read(dhcp4: &Value) -> KeaConfig {
    config::read(&serde_json::to_vec(dhcp4).expect("JSON"), How::Live).expect("a configuration")
}

fn scopes(config: &KeaConfig) -> Vec<Scope> {
    config.scopes.values().map(|entry| entry.raw.open().expect("a scope")).collect()
}

#[test]
fn one_configuration_in_the_words_of_two_versions_is_one() {
    let [old, new] = recorded().map(|dhcp4| read(&dhcp4));
    for (a, b) in scopes(&old).iter().zip(&scopes(&new)) {
        assert_eq!((a.id, drift::compare(a, b), drift::compare(b, a)), (b.id, vec![], vec![]));
        assert_eq!(a.needs, b.needs);
    }
    assert_eq!(old.context, new.context);
}

#[test]
fn a_scope_goes_over_in_the_words_of_the_other_version() {
    let configs = recorded();
    for (from, to) in [(0, 1), (1, 0)] {
        let (here, there) = (read(&configs[from]), read(&configs[to]));
        let known = words(&configs[to]);
        for (source, recorded) in scopes(&here).iter().zip(scopes(&there)) {
            let parents = there.surroundings.parents(source.network()).clone();
            let changes = drift::create_all(source, &parents);
            let made = drift::want(source, None, &changes, there.surroundings.as_ref());
            let made = subnet::render(&made, Style::Create, &there.surroundings).whole();
            let unknown: Vec<_> = words(&made).difference(&known).cloned().collect();
            assert_eq!(unknown, Vec::<String>::new(), "{made:#}");
            let made = subnet::open(&made, source.network(), &there.surroundings).expect("a scope");
            assert_eq!(drift::compare(&recorded, &made), [], "{}", source.id);
        }
    }
}

/// Every key that is anywhere in it.
fn words(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(words).collect(),
        Value::Object(map) => {
            map.iter().flat_map(|(key, value)| words(value).into_iter().chain([key.clone()])).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// A pair of two versions with the recorded configuration, each in its words.
struct Mixed {
    pair: Pair,
    home: Home,
    recorded: [Value; 2],
}

impl Mixed {
    fn up(versions: [Version; 2]) -> Option<Mixed> {
        let options = PairOptions {
            version: versions[0],
            version_b: Some(versions[1]),
            mode: Mode::HotStandby,
            heartbeat: 100,
            subnets: 1,
            ..PairOptions::default()
        };
        let pair = Pair::up(options)?;
        let [old, new] = recorded();
        let recorded = versions.map(|version| if version == Version::Newest { new.clone() } else { old.clone() });
        let home = Home::of(&pair);
        let mixed = Mixed { pair, home, recorded };
        for (side, recorded) in Side::BOTH.into_iter().zip(&mixed.recorded) {
            mixed.set(side, recorded);
        }
        Some(mixed)
    }

    /// Sets what is recorded, with what is the server's alone.
    fn set(&self, side: Side, scopes: &Value) {
        let own = [
            "interfaces-config",
            "control-socket",
            "control-sockets",
            "hooks-libraries",
            "lease-database",
            "multi-threading",
            "loggers",
        ];
        let mut config = self.pair.config(side);
        let object = config.as_object_mut().expect("an object");
        object.retain(|key, _| own.contains(&key.as_str()));
        object.extend(scopes.as_object().expect("an object").clone());
        self.pair.ok(side, "config-set", json!({ "Dhcp4": config }));
        self.pair.wait_in_service();
    }

    fn drift(&self, source: &str, code: i32) -> Value {
        let line = ["drift", "--computer-name", source, "--json"];
        self.home.run(&line).expect_code(code).json()["relationships"][0].take()
    }

    /// From one server to the other, whose words it must then be in.
    fn replicate(&self, source: &str, target: Side, scopes: &str) {
        let run = self.home.run(&["replicate", "--computer-name", source, "--force"]).expect_code(0);
        assert_eq!(run.stdout, scopes, "{}", run.stderr);
        self.pair.wait_in_service();
        let now = plain_subnets(&self.pair.config(target));
        let wanted = plain_subnets(&self.recorded[target as usize]);
        for (id, wanted) in &wanted {
            assert_eq!(now[id], *wanted, "{id}: {:#}\n{wanted:#}", now[id]);
        }
        for source in ["kea-1", "kea-2"] {
            let findings = self.drift(source, 0)["findings"].take();
            assert!(
                findings.as_array().is_some_and(|all| all.iter().all(|f| f["kind"] == "toward-primary")),
                "{findings:#}"
            );
        }
    }
}

/// In one go: no drift; a scope made anew in the target's words; a scope changed in them.
fn replicated_in_either_words(mixed: &Mixed) {
    for (source, target) in [("kea-1", Side::B), ("kea-2", Side::A)] {
        mixed.drift(source, 0);
        let mut without = mixed.recorded[target as usize].clone();
        let subnets = without["subnet4"].as_array_mut().expect("subnets");
        subnets.retain(|subnet| subnet["subnet"] != "10.0.0.0/24");
        mixed.set(target, &without);
        mixed.replicate(source, target, "10.0.0.0\n");

        let mut changed = mixed.recorded[target as usize].clone();
        let subnet =
            changed["subnet4"].as_array_mut().expect("subnets").iter_mut().find(|s| s["subnet"] == "10.0.0.0/24");
        let object = subnet.and_then(Value::as_object_mut).expect("the subnet");
        let renamed = ["client-class", "client-classes", "require-client-classes", "evaluate-additional-classes"];
        object.retain(|key, _| !renamed.contains(&key.as_str()) && !key.starts_with("ddns-"));
        object["pools"][0].as_object_mut().expect("a pool").retain(|key, _| !renamed.contains(&key.as_str()));
        mixed.set(target, &changed);
        mixed.replicate(source, target, "10.0.0.0\n");
    }
}

#[test]
fn the_newer_server_is_the_primary() {
    let Some(mixed) = Mixed::up([Version::Newest, Version::Installed]) else { return };
    replicated_in_either_words(&mixed);

    // what the older server has no words for stays where it is, and the rest goes on
    let mut changed = mixed.recorded[0].clone();
    let subnets = changed["subnet4"].as_array_mut().expect("subnets");
    subnets
        .iter_mut()
        .filter(|subnet| subnet["subnet"] == "10.0.1.0/24")
        .for_each(|s| s["allocator"] = "random".into());
    subnets
        .iter_mut()
        .filter(|subnet| subnet["subnet"] == "10.0.2.0/24")
        .for_each(|s| s["valid-lifetime"] = 250.into());
    mixed.set(Side::A, &changed);
    let run = mixed.home.run(&["replicate", "--computer-name", "kea-1", "--force"]).expect_code(3);
    assert_eq!(run.stdout, "10.0.2.0\n", "{}", run.stderr);
    assert!(run.stderr.contains("10.0.1.0  rejected") && run.stderr.contains("'allocator'"), "{}", run.stderr);
}

#[test]
fn the_older_server_is_the_primary() {
    let Some(mixed) = Mixed::up([Version::Installed, Version::Newest]) else { return };
    replicated_in_either_words(&mixed);
}
