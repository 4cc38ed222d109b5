//! Writing by replacing the whole configuration: Debian's older Kea, which has nothing else,
//! and the newest one where its entry asks for it.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use common::bench::{Bench, Form};
use common::pair::{PairOptions, Side, Version};
use serde_json::Value;

const SUBNETS: u32 = 26;

/// Drift of every kind that a replication brings, each in a scope of its own.
fn drift() -> Vec<String> {
    let kinds = common::expected::IN_SCOPES.iter().enumerate();
    let mut all: Vec<String> = kinds
        .map(|(at, (kind, _))| if *kind == "network-member" { (*kind).to_owned() } else { format!("{kind}:{at}") })
        .collect();
    all.push("subnet-missing:23".to_owned());
    all
}

fn bench(form: Form, version: Version, drift: Vec<String>) -> Option<Bench> {
    let options = PairOptions { subnets: SUBNETS, reservations: 4 * SUBNETS, drift, version, ..PairOptions::default() };
    let bench = Bench::up(form, options)?;
    let config = std::fs::read_to_string(bench.home.config()).expect("config.toml");
    bench.home.write_config(&config.replace("kind = ", "writer = \"whole-configuration\"\nkind = "));
    Some(bench)
}

fn the_main_road(form: Form, version: Version) {
    let Some(bench) = bench(form, version, drift()) else { return };
    let pair = bench.pair().expect("a live pair");
    let ours = pair.config(Side::A);
    let plan = bench.run("replicate --computer-name kea-1 --what-if --json").expect_code(0).json();
    assert_eq!(plan["relationships"][0]["writer"], "Kea whole configuration");
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    assert_eq!(run.stdout.lines().count(), 23, "{}", run.stderr);
    assert_eq!(pair.config(Side::A), ours, "the source is never written");
    assert_eq!(bench.subnets(Side::A), bench.subnets(Side::B));
    assert!(pair.in_service());
    let report = bench.run("drift --json").expect_code(0).json();
    assert_eq!(report["relationships"][0]["findings"], Value::Array(vec![]));
}

#[test]
fn the_main_road_on_an_old_load_balancing_pair() {
    the_main_road(Form::LoadBalancing, Version::Installed);
}

#[test]
fn the_main_road_on_an_old_hot_standby_pair() {
    the_main_road(Form::HotStandby, Version::Installed);
}

#[test]
fn the_main_road_on_a_new_load_balancing_pair() {
    the_main_road(Form::LoadBalancing, Version::Newest);
}
