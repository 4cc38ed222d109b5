//! What is promised of every pair, whatever it is made of: drift of every kind is found and
//! named, replication repairs what it brings, and tells the cure for what it does not.
//!
//! The same tests run on two files and on pairs of every version, mode and way to reach them:
//! all of them on the plainest forms, of the others those that their difference can break.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use common::bench::Bench;
use common::bench::Form::{self, *};
use common::expected::{self, ELSEWHERE, IN_SCOPES, OUTSIDE, WHOLE_SCOPES};
use common::pair::{Mode, PairOptions, Side, Version, kinds};
use common::report::{self, scopes};
use common::traffic::offered;
use serde_json::{Value, json};

macro_rules! on_these {
    ($($form:ident: $which:expr => [$($test:ident),+ $(,)?])+) => { $(
        mod $form {
            #[allow(unused_imports)] // some forms have no mode
            use super::{Form::*, Mode};
            $(#[test] fn $test() { super::$test($which) })+
        }
    )+ };
}

on_these!(
    files: Files => [
        what_replication_brings_is_found_and_repaired,
        the_other_direction,
        what_stays_is_found_with_its_cure,
        scopes_of_a_network_that_the_target_lacks_are_refused,
    ]
    load_balancing: LoadBalancing => [
        what_replication_brings_is_found_and_repaired,
        the_other_direction,
        what_stays_is_found_with_its_cure,
        scopes_of_a_network_that_the_target_lacks_are_refused,
    ]
    hot_standby: HotStandby => [
        what_replication_brings_is_found_and_repaired,
        the_other_direction,
        what_stays_is_found_with_its_cure,
        scopes_of_a_network_that_the_target_lacks_are_refused,
    ]
    https_load_balancing: Https(Mode::LoadBalancing) => [the_other_direction]
    https_hot_standby: Https(Mode::HotStandby) => [
        what_replication_brings_is_found_and_repaired,
        what_stays_is_found_with_its_cure,
    ]
    old_socket_load_balancing: OldSocket(Mode::LoadBalancing) => [
        what_replication_brings_is_found_and_repaired,
        what_stays_is_found_with_its_cure,
        scopes_of_a_network_that_the_target_lacks_are_refused,
    ]
    old_socket_hot_standby: OldSocket(Mode::HotStandby) => [
        what_replication_brings_is_found_and_repaired,
        the_other_direction,
    ]
    old_agent_load_balancing: OldAgent(Mode::LoadBalancing) => [the_other_direction]
    old_agent_hot_standby: OldAgent(Mode::HotStandby) => [what_replication_brings_is_found_and_repaired]
    hub: Hub => [what_replication_brings_is_found_and_repaired, the_other_direction]
    two_versions_load_balancing: Mixed(Mode::LoadBalancing) => [what_replication_brings_is_found_and_repaired]
    two_versions_hot_standby: Mixed(Mode::HotStandby) => [the_other_direction]
);

#[test]
fn every_kind_of_drift_is_in_a_table() {
    let inside = IN_SCOPES.iter().map(|(kind, _)| *kind);
    let whole = WHOLE_SCOPES.iter().map(|(kind, _)| *kind);
    let outside = OUTSIDE.iter().map(|(kind, _)| *kind);
    let ours: BTreeSet<String> =
        inside.chain(whole).chain(outside).chain(ELSEWHERE.iter().copied()).map(str::to_owned).collect();
    assert_eq!(ours, kinds().into_iter().collect());
}

/// More subnets than kinds of drift, the last two in a shared network; four reservations each.
const SUBNETS: u32 = 26;

fn options(drift: Vec<String>) -> PairOptions {
    PairOptions { subnets: SUBNETS, reservations: 4 * SUBNETS, drift, ..PairOptions::default() }
}

/// Every kind of drift in scopes, each in a scope of its own.
fn all_in_scopes() -> Vec<String> {
    let each = IN_SCOPES.iter().enumerate();
    each.map(|(at, (kind, _))| if *kind == "network-member" { (*kind).to_owned() } else { format!("{kind}:{at}") })
        .collect()
}

fn drift(bench: &Bench, arguments: &str, code: i32) -> Value {
    bench.run(&format!("drift --json {arguments}")).expect_code(code).json()
}

/// What was found, but for the warning that a server that is in service is written: kind by kind.
fn findings(report: &Value) -> Vec<&Value> {
    report::all(report, "findings").into_iter().filter(|finding| finding["kind"] != "toward-primary").collect()
}

fn short(id: &str) -> &str {
    id.split('/').next().expect("an address")
}

/// Every injected drift is found as what it is, and nothing else is.
#[track_caller]
fn assert_found(bench: &Bench, report: &Value, reversed: bool) {
    let scopes = scopes(report);
    let mut clean: BTreeSet<&String> = scopes.keys().collect();
    for drift in &bench.drift {
        let Some(id) = &drift.scope else { continue };
        let scope = scopes.get(id).unwrap_or_else(|| panic!("{drift:?}: the scope is not shown"));
        if let Some(state) = expected::one_sided(drift, reversed) {
            assert_eq!(scope["drift"], state, "{drift:?}: {scope:#}");
            let change = if state == "only_on_source" { "create" } else { "delete" };
            assert!(scope["changes"].as_array().expect("changes").iter().all(|found| found["change"] == change));
            clean.remove(id);
        } else if let Some(changes) = expected::changes(drift, reversed) {
            assert_eq!(expected::shown_changes(scope), changes, "{drift:?}");
            if !changes.is_empty() {
                assert_eq!(scope["drift"], "drifted", "{drift:?}");
                clean.remove(id);
            }
        }
    }
    for id in clean {
        assert_eq!((&scopes[id]["drift"], &scopes[id]["changes"]), (&"in_sync".into(), &Value::Array(vec![])), "{id}");
    }
}

/// Both values stand beside every field of an update, and they differ.
#[track_caller]
fn assert_both_values(report: &Value) {
    for scope in scopes(report).values() {
        for change in scope["changes"].as_array().expect("changes").iter().filter(|c| c["change"] == "update") {
            let fields = change["fields"].as_array().expect("fields");
            assert!(!fields.is_empty() && fields.iter().all(|field| field["source"] != field["target"]), "{change:#}");
        }
    }
}

#[track_caller]
fn assert_same(ours: &BTreeMap<String, Value>, theirs: &BTreeMap<String, Value>) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (id, scope) in ours {
        assert_eq!(scope, &theirs[id], "{id}: {scope:#}\n{:#}", theirs[id]);
    }
}

fn what_replication_brings_is_found_and_repaired(form: Form) {
    let mut drift_kinds = all_in_scopes();
    drift_kinds.push("subnet-missing:23".to_owned());
    let Some(bench) = Bench::up(form, options(drift_kinds)) else { return };
    let forward = bench.from(Side::A);
    let report = drift(&bench, forward, 2);
    assert_found(&bench, &report, false);
    assert_both_values(&report);
    let found: BTreeSet<(&str, &str)> = findings(&report)
        .into_iter()
        .map(|f| (f["severity"].as_str().expect("text"), f["kind"].as_str().expect("text")))
        .collect();
    assert_eq!(found, BTreeSet::from([("critical", "scope-on-one-side"), ("critical", "scope-id-differs")]));

    // what if: the whole plan, and nothing happens
    let before = bench.marks();
    let plan = bench.run("replicate --computer-name kea-1 --what-if --force --json").expect_code(0).json();
    assert_eq!((&plan["schema"], &plan["summary"]["blocked"]), (&"scopesync.plan/1".into(), &0.into()));
    let drifted: BTreeSet<&str> =
        bench.drift.iter().filter(|d| d.kind != "order").filter_map(|d| Some(short(d.scope.as_deref()?))).collect();
    assert_eq!(plan["summary"]["scopes"], drifted.len());
    assert_eq!(bench.marks(), before, "what if writes nothing");
    assert_eq!(bench.home.runs(), 0);

    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    assert_eq!(run.stdout.lines().collect::<BTreeSet<_>>(), drifted);
    let saved = if form == Files { "saved, not running until reload" } else { "verified, saved" };
    assert_eq!(run.stderr.matches(saved).count(), drifted.len(), "{}", run.stderr);
    assert_eq!(bench.home.runs(), 1);
    assert_eq!(bench.mark(Side::A), before[0], "the source is never written");
    assert_same(&bench.subnets(Side::A), &bench.subnets(Side::B));
    let report = drift(&bench, forward, 0);
    assert_eq!(findings(&report), Vec::<&Value>::new());
    assert_eq!((&report["summary"]["in_sync"], &report["summary"]["scopes"]), (&SUBNETS.into(), &SUBNETS.into()));

    // and there is nothing left to do
    let before = bench.marks();
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    assert_eq!(run.stdout, "");
    assert_eq!(bench.marks(), before);
    assert_eq!(bench.home.runs(), 1);
    if let Some(pair) = bench.pair() {
        assert!(pair.in_service());
        // what is said to be saved outlives a restart
        let running = bench.subnets(Side::B);
        pair.stop(Side::B);
        pair.start(Side::B);
        pair.wait_in_service();
        assert_same(&running, &bench.subnets(Side::B));
        drift(&bench, forward, 0);
    }
}

fn the_other_direction(form: Form) {
    let mut drift_kinds = all_in_scopes();
    drift_kinds.extend(["subnet-missing:23", "subnet-extra:7"].map(str::to_owned));
    let Some(bench) = Bench::up(form, options(drift_kinds)) else { return };
    let before = bench.marks();
    let back = bench.from(Side::B);
    // drift without a source is seen from the primaries, which a hub's spokes are
    let seen = if form == Hub { "" } else { back };
    let report = drift(&bench, seen, 2);
    assert_found(&bench, &report, true);
    let toward_primary = |f: &Value| f["kind"] == "toward-primary" && f["severity"] == "warning";
    let told = report::all(&report, "findings").into_iter().any(toward_primary);
    // a hub is the standby of its spokes
    assert_eq!(told, form.mode() == Mode::HotStandby && form != Hub, "{report:#}");

    // a scope that only the target has does not count
    let run = bench.run(&format!("replicate {back} --force")).expect_code(0);
    assert!(run.stdout.contains("172.31.7.0\n") && !run.stdout.contains("10.0.23.0"), "{}", run.stdout);
    assert_eq!(bench.mark(Side::B), before[1], "the source is never written");
    let mut ours = bench.subnets(Side::A);
    assert!(ours.remove("10.0.23.0/24").is_some(), "never deleted by a replication");
    assert_same(&ours, &bench.subnets(Side::B));
    let report = drift(&bench, seen, 2);
    assert_eq!((&report["summary"]["drifted"], &report["summary"]["only_on_target"]), (&0.into(), &1.into()));
}

fn what_stays_is_found_with_its_cure(form: Form) {
    let outside: Vec<&str> = OUTSIDE.iter().map(|(kind, _)| *kind).filter(|kind| *kind != "network-missing").collect();
    let mut drift_kinds: Vec<String> = outside.iter().map(|kind| (*kind).to_owned()).collect();
    drift_kinds.extend(["subnet-extra:7", "lifetime:1", "option-missing:8"].map(str::to_owned));
    let Some(bench) = Bench::up(form, options(drift_kinds)) else { return };
    let report = drift(&bench, "", 2);
    let check = |report: &Value| {
        let findings = &report["relationships"][0]["findings"];
        outside.iter().for_each(|kind| {
            expected::finding(kind, findings);
        });
        let extra = findings.as_array().expect("findings").iter().find(|f| f["kind"] == "scope-on-one-side");
        let extra = extra.expect("a finding for the scope that only the target has");
        assert_eq!((&extra["side"], &extra["scopes"][0]), (&"source".into(), &"172.31.7.0".into()));
        assert!(extra["hint"].as_str().is_some_and(|cure| cure.contains("never deleted by a replication")));
        assert_eq!(findings.as_array().map(Vec::len), Some(outside.len() + 1), "{findings:#}");
    };
    check(&report);
    // an inherited value that differs is one finding, not drift of every scope
    let site_code: BTreeSet<String> = (3..SUBNETS).step_by(4).map(|at| format!("10.0.{at}.0/24")).collect();
    let drifted: BTreeSet<String> =
        scopes(&report).into_iter().filter(|(_, scope)| scope["drift"] == "drifted").map(|(id, _)| id).collect();
    let mut expected_drifted = site_code.clone();
    expected_drifted.extend(["10.0.1.0/24", "10.0.8.0/24"].map(str::to_owned));
    assert_eq!(drifted, expected_drifted);
    let definition = expected::finding("optdef-missing", &report["relationships"][0]["findings"]);
    assert_eq!(definition["scopes"].as_array().map(Vec::len), Some(site_code.len()));

    // one that can be brought is, and what the target alone has does not count
    let run = bench.run("replicate --computer-name kea-1 --scope-id 10.0.1.0,172.31.7.0 --force").expect_code(0);
    assert_eq!(run.stdout, "10.0.1.0\n");

    // the rest is brought where it can be; what needs the definition is refused by name
    let run = bench.run("replicate --computer-name kea-1 --force --json").expect_code(3).json();
    for scope in run["relationships"][0]["scopes"].as_array().expect("scopes") {
        let id = scope["scope_id"].as_str().expect("an id");
        let outcome = match id {
            "10.0.8.0" => "replicated",
            "172.31.7.0" => "skipped",
            id if site_code.contains(&format!("{id}/24")) => "rejected",
            _ => "unchanged",
        };
        assert_eq!(scope["outcome"], outcome, "{scope:#}");
        if outcome == "rejected" {
            let message = scope["message"].as_str().expect("a message");
            assert!(
                message.contains("option-definition-missing") && message.contains("add the definition"),
                "{message}"
            );
        }
    }
    let report = drift(&bench, "", 2);
    check(&report);
    assert_eq!(
        (&report["summary"]["drifted"], &report["summary"]["only_on_target"]),
        (&site_code.len().into(), &1.into())
    );

    // nothing is left that could be written: refused before any write
    let before = bench.marks();
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(1);
    assert!(run.stdout.is_empty() && run.stderr.contains("option-definition-missing"), "{}", run.stderr);
    assert_eq!(bench.marks(), before);
}

fn scopes_of_a_network_that_the_target_lacks_are_refused(form: Form) {
    let kinds = ["network-missing", "lifetime:0", "lifetime:24"].map(str::to_owned).to_vec();
    let Some(bench) = Bench::up(form, options(kinds)) else { return };
    let report = drift(&bench, "", 2);
    let finding = expected::finding("network-missing", &report["relationships"][0]["findings"]);
    assert_eq!(finding["scopes"], json!(["10.0.24.0", "10.0.25.0"]));
    let membership = "create properties property shared-network of scope";
    for id in ["10.0.24.0/24", "10.0.25.0/24"] {
        assert!(expected::shown_changes(scopes(&report)[id]).contains(membership), "{id}");
    }
    let plan = bench.run("replicate --computer-name kea-1 --what-if --json").expect_code(3).json();
    assert_eq!((&plan["summary"]["scopes"], &plan["summary"]["blocked"]), (&1.into(), &2.into()));
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(3);
    assert_eq!(run.stdout, "10.0.0.0\n");
    assert!(
        run.stderr.contains("network-missing") && run.stderr.contains("to the target's configuration first"),
        "{}",
        run.stderr
    );
    let report = drift(&bench, "", 2);
    assert_eq!(report["summary"]["drifted"], 2);
}

/// The bytes of option 43 that `kea-pair` puts into a subnet.
const RAW_43: [u8; 6] = [1, 4, 192, 0, 2, 1];

/// Raw option 43 is served by a running Kea and shown empty by its API: only an OFFER proves
/// that it is still there.
#[test]
fn raw_option_43_is_never_wiped_unless_it_is_overridden() {
    let kinds = ["option43:0", "lifetime:0", "option43:1", "reservation-hostname:1", "option43:2", "lifetime:3"];
    let kinds = kinds.map(str::to_owned).to_vec();
    let options = PairOptions { subnets: 4, reservations: 8, dhcp: true, drift: kinds, ..PairOptions::default() };
    let Some(bench) = Bench::up(LoadBalancing, options) else { return };
    let pair = bench.pair().expect("a live pair");
    // the same bytes on the other side, but in scope 2
    for (id, prefix) in [(1, "10.0.0.0/24"), (2, "10.0.1.0/24")] {
        let option = json!({"code": 43, "csv-format": false, "data": "0104C0000201"});
        let subnet = json!({"id": id, "subnet": prefix, "option-data": [option]});
        pair.ok(Side::A, "subnet4-delta-add", json!({ "subnet4": [subnet] }));
    }
    let served = |at: u8| offered(pair, Side::B, Ipv4Addr::new(10, 0, at, 1), 43);
    let still_there = || (0..3).all(|at| served(at).as_deref() == Some(RAW_43.as_slice()));
    assert!(still_there(), "{:?} {:?} {:?}", served(0), served(1), served(2));

    let report = drift(&bench, "", 2);
    let scopes_now = scopes(&report);
    let state = |id: &str| scopes_now[id]["drift"].as_str().expect("a state").to_owned();
    let removed = "delete options option dhcp4/43 of scope";
    assert_eq!(["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"].map(state), ["drifted"; 3]);
    assert!(expected::shown_changes(scopes_now["10.0.2.0/24"]).contains(removed));

    // what writes no option of the scope goes on; the rest is refused by name, and nothing is lost
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(3);
    assert_eq!(run.stdout, "10.0.1.0\n10.0.3.0\n");
    assert!(
        run.stderr.contains("option-43") && run.stderr.contains("vendor-encapsulated-options-space"),
        "{}",
        run.stderr
    );
    assert!(still_there());

    // equal text that may hide a difference is unknown, never in sync
    let report = drift(&bench, "", 3);
    let scope = scopes(&report)["10.0.1.0/24"];
    assert_eq!(scope["drift"], "unknown");
    assert!(scope["reason"].as_str().is_some_and(|reason| reason.contains("does not reveal")), "{scope:#}");
    let findings = report["relationships"][0]["findings"].as_array().expect("findings");
    assert!(findings.iter().any(|f| f["kind"] == "unreadable" && f["scopes"][0] == "10.0.1.0"), "{findings:#?}");

    // nothing of it is written without the override, and only what it names with it
    bench.run("replicate --computer-name kea-1 --scope-id 10.0.0.0 --force").expect_code(1);
    assert!(still_there());
    let run = bench.run("replicate --computer-name kea-1 --scope-id 10.0.0.0 --force --override option-43");
    assert_eq!(run.stdout, "10.0.0.0\n", "{}", run.stderr);
    assert_eq!(pair.subnet(Side::B, "10.0.0.0/24").expect("the scope")["valid-lifetime"], 3600);
    assert_eq!(served(2).as_deref(), Some(RAW_43.as_slice()));
    assert!(served(0).is_none_or(|bytes| bytes.is_empty()), "what was overridden has been wiped, as was said");
}

/// Each has its own name, and only that name lifts it.
#[test]
fn what_would_hurt_active_leases_is_refused_by_name() {
    let kinds = ["subnet-id:0", "pool-extra:1"].map(str::to_owned).to_vec();
    let options = PairOptions { subnets: 4, drift: kinds, ..PairOptions::default() };
    let Some(bench) = Bench::up(LoadBalancing, options) else { return };
    let pair = bench.pair().expect("a live pair");
    let number = pair.subnet(Side::B, "10.0.0.0/24").expect("the scope")["id"].take();
    for (id, address) in [(number, "10.0.0.200"), (2.into(), "10.0.1.175"), (3.into(), "10.0.2.200")] {
        let lease = json!({"subnet-id": id, "ip-address": address, "hw-address": "02:77:00:00:00:01"});
        pair.ok(Side::B, "lease4-add", lease);
    }
    let before = bench.marks();
    let refused = |arguments: &str, names: &[&str]| {
        let run = bench.run(&format!("replicate --computer-name kea-1 --force {arguments}")).expect_code(1);
        assert!(names.iter().all(|name| run.stderr.contains(name)), "{}", run.stderr);
        assert_eq!(bench.marks(), before);
    };
    refused("", &["renumber-leases", "shrink-leases", "10.0.1.175"]);
    refused("--scope-id 10.0.0.0 --override shrink-leases", &["renumber-leases"]);
    refused("--override shrink", &["no refusal that can be overridden is called \"shrink\""]);

    let run = bench.run("replicate --computer-name kea-1 --force --override shrink-leases").expect_code(3);
    assert_eq!(run.stdout, "10.0.1.0\n");
    let run = bench.run("replicate --computer-name kea-1 --force --override renumber-leases").expect_code(0);
    assert_eq!(run.stdout, "10.0.0.0\n");
    drift(&bench, "", 0);
}

/// Debian's older Kea has no commands for scopes: its drift is found all the same, and where
/// it must not be written in another way, it is not written.
#[test]
fn an_old_kea_is_read_and_not_written() {
    let mut kinds = all_in_scopes();
    kinds.extend(["subnet-missing:23", "class-def", "global-value", "ha-parameter"].map(str::to_owned));
    let Some(bench) = Bench::up(LoadBalancing, PairOptions { version: Version::Installed, ..options(kinds) }) else {
        return;
    };
    let report = drift(&bench, "", 2);
    assert_found(&bench, &report, false);
    for kind in ["class-def", "global-value", "ha-parameter"] {
        expected::finding(kind, &report["relationships"][0]["findings"]);
    }
    let pair = bench.pair().expect("a live pair");
    let config = std::fs::read_to_string(bench.home.config()).expect("config.toml");
    bench.home.write_config(&config.replace("kind = ", "writer = \"commands\"\nkind = "));
    let before = Side::BOTH.map(|side| pair.config(side));
    let plan = bench.run("replicate --computer-name kea-1 --what-if --json").expect_code(3).json();
    assert_eq!(plan["relationships"][0]["blocked"]["name"], "no-writer");
    let run = bench.run("replicate --computer-name kea-1 --force").expect_code(1);
    assert!(run.stdout.is_empty() && run.stderr.contains("libdhcp_subnet_cmds.so"), "{}", run.stderr);
    assert_eq!(Side::BOTH.map(|side| pair.config(side)), before);
    assert_eq!(bench.home.runs(), 0);
}

/// A file hides nothing: raw option 43 is replicated as it is, in both directions.
#[test]
fn raw_option_43_in_files_is_an_option_like_others() {
    for (source, change) in [("kea-1", "delete"), ("kea-2", "create")] {
        let Some(bench) = Bench::up(Files, options(vec!["option43:0".to_owned()])) else { return };
        let report = drift(&bench, &format!("--computer-name {source}"), 2);
        let expected = BTreeSet::from([format!("{change} options option dhcp4/43 of scope")]);
        assert_eq!(expected::shown_changes(scopes(&report)["10.0.0.0/24"]), expected);
        bench.run(&format!("replicate --computer-name {source} --force")).expect_code(0);
        for side in Side::BOTH {
            let kept = bench.subnets(side)["10.0.0.0/24"].to_string().contains("0104C0000201");
            assert_eq!(kept, source == "kea-2");
        }
        drift(&bench, "", 0);
    }
}

/// One side by its file, the other running: what Kea fills in and inherits is no drift.
#[test]
fn a_file_and_a_running_server_are_compared_by_meaning() {
    let mut kinds = all_in_scopes();
    kinds.extend(["subnet-missing:23", "global-value", "class-def", "network-option"].map(str::to_owned));
    let Some(bench) = Bench::up(LoadBalancing, options(kinds)) else { return };
    let pair = bench.pair().expect("a live pair");
    let entry = |name: &str, side: Side, file: bool| {
        let (key, path) = if file { ("file", pair.config_path(side)) } else { ("socket", pair.socket(side)) };
        let check = if file { "check = \"off\"\n" } else { "" };
        format!("[[server]]\nname = \"{name}\"\nkind = \"kea\"\n{check}{key} = {:?}\n", path.display().to_string())
    };
    // the file as the source, then as the target
    let config = |files: [bool; 2]| entry("kea-1", Side::A, files[0]) + &entry("kea-2", Side::B, files[1]);
    for files in [[true, false], [false, true]] {
        bench.home.write_config(&config(files));
        let report = drift(&bench, "", 2);
        assert_found(&bench, &report, false);
        let findings = &report["relationships"][0]["findings"];
        for kind in ["global-value", "class-def", "network-option"] {
            expected::finding(kind, findings);
        }
        assert_eq!(findings.as_array().map(Vec::len), Some(5), "{findings:#}");
    }
    bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    assert_eq!(drift(&bench, "", 2)["summary"]["in_sync"], SUBNETS);
    bench.home.write_config(&config([true, false]));
    bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    assert_eq!(drift(&bench, "", 2)["summary"]["in_sync"], SUBNETS);
}
