//! The command on file pairs and on running Keas, with both of their writers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use common::bench::{Bench, Form, plain_subnets};
use common::pair::{PairOptions, Side};
use common::program::Home;
use scopesync::backend::kea::dialect::{self, Document, Node};
use scopesync::engine::port::RunKind;
use scopesync::history::RunFilter;
use serde_json::{Value, json};

use super::common;

/// One of every sort of change; the scope that the target lacks is created, and deleted again.
const DRIFT: [&str; 14] = [
    "subnet-missing:7",
    "pool-range:0",
    "pool-missing:1",
    "option-value:2",
    "option-extra:3",
    "lifetime:4",
    "comment:5",
    "relay:6",
    "reservation-missing:8",
    "reservation-extra:9",
    "reservation-client:10",
    "reservation-option:11",
    "subnet-id:12",
    "network-member",
];
const SCOPES: usize = DRIFT.len();

fn up(form: Form) -> Option<Bench> {
    let drift = DRIFT.map(str::to_owned).to_vec();
    Bench::up(form, PairOptions { subnets: 18, reservations: 60, drift, ..PairOptions::default() })
}

#[track_caller]
fn assert_same(now: &BTreeMap<String, Value>, then: &BTreeMap<String, Value>) {
    assert_eq!(now.keys().collect::<Vec<_>>(), then.keys().collect::<Vec<_>>());
    for (id, scope) in now {
        assert_eq!(scope, &then[id], "{id}");
    }
}

fn outcomes(report: &Value) -> Vec<&str> {
    let scopes = report["relationships"][0]["scopes"].as_array().unwrap();
    scopes.iter().map(|scope| scope["outcome"].as_str().unwrap()).collect()
}

/// There, back, there again and back again; and only what the run changed is touched.
fn there_and_back(bench: &Bench, writer: &str) {
    let before = bench.subnets(Side::B);
    let marks = bench.marks();
    bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    let after = bench.subnets(Side::B);
    assert_ne!(before, after);
    let [run] = &bench.home.history().runs(&RunFilter::default()).unwrap()[..] else { panic!("one run") };

    let between = bench.marks();
    let text = bench.run("undo latest --what-if").expect_code(0).stdout;
    let created = bench.drift[0].scope.as_deref().unwrap().split('/').next().unwrap();
    let line =
        text.lines().position(|line| line.contains("deleted on kea-2: ") && line.contains(" of them with 1 scope"));
    let named = text.lines().position(|line| line.contains(created) && line.contains("- delete  the whole scope"));
    assert!(line.is_some() && line.map(|line| line + 1) == named, "{text}");
    assert!(text.contains("kea-1 stays as it is, and then kea-2 differs from it by"), "{text}");
    let plan = bench.run("undo latest --what-if --json").expect_code(0).json();
    assert_eq!((&plan["undoes"], &plan["summary"]["scopes"]), (&json!(run.id), &json!(SCOPES)));
    assert_eq!(plan["relationships"][0]["writer"], writer);
    assert_eq!(bench.marks(), between, "what if writes nothing");
    assert_eq!(bench.home.runs(), 1);

    // one scope alone, then the others; what is done already is left alone
    let some = bench.drift[4].scope.as_deref().unwrap();
    let report = bench.run(&format!("undo {} --scope-id {some} --force --json", &run.id[..12])).expect_code(0).json();
    assert_eq!(outcomes(&report), ["replicated"]);
    let now = bench.subnets(Side::B);
    assert!(now.iter().all(|(id, scope)| *scope == if id == some { &before[id] } else { &after[id] }.clone()));
    let report = bench.run("undo latest --force --json").expect_code(0).json();
    assert_eq!(outcomes(&report), ["replicated"], "an undo is a run, and undone itself");
    assert_same(&bench.subnets(Side::B), &after);

    let report = bench.run(&format!("undo {} --force --json", run.id));
    // the run is not the last to have written that scope, and yet it is as that run left it
    let report = report.expect_code(0).json();
    assert_eq!(outcomes(&report), ["replicated"; SCOPES]);
    assert_same(&bench.subnets(Side::B), &before);
    assert_eq!(bench.mark(Side::A), marks[0], "the partner is never written");
    let again = bench.run(&format!("undo {} --force", run.id)).expect_code(0);
    assert!(again.stderr.contains("there is nothing to undo"), "{}", again.stderr);

    let runs = bench.home.history().runs(&RunFilter::default()).unwrap();
    let kinds: Vec<bool> = runs.iter().map(|one| one.kind == RunKind::Undo { of: run.id.clone() }).collect();
    assert_eq!(kinds, [true, false, true, false]);
    bench.run("undo latest --force").expect_code(0);
    assert_same(&bench.subnets(Side::B), &after);
    bench.run("drift --computer-name kea-1").expect_code(0);
    // all that was ever done is still there, and each of it can be undone
    bench.run("undo latest --force").expect_code(0);
    assert_same(&bench.subnets(Side::B), &before);
    match bench.pair() {
        Some(pair) => {
            pair.wait_in_service();
            assert_same(&plain_subnets(&pair.config_on_disk(Side::B)["Dhcp4"]), &before);
        }
        None => {
            let touched: BTreeSet<&str> = bench.drift.iter().filter_map(|drift| drift.scope.as_deref()).collect();
            let [then, now] = [&marks[1], &bench.mark(Side::B)].map(|text| texts(text));
            let left_alone = then.iter().filter(|(id, _)| !touched.contains(id.as_str()));
            assert!(left_alone.clone().count() > 2);
            left_alone.for_each(|(id, text)| assert_eq!(now[id], *text, "byte for byte"));
        }
    }
}

#[test]
fn files() {
    let Some(bench) = up(Form::Files) else { return };
    there_and_back(&bench, "Kea file");
}

#[test]
fn by_commands_and_what_clients_hold_is_not_lost() {
    let Some(bench) = up(Form::LoadBalancing) else { return };
    there_and_back(&bench, "Kea subnet and host commands");
    let pair = bench.pair().unwrap();

    // somebody leases an address of the scope that the run created, and changes one that it changed
    bench.run("replicate --computer-name kea-1 --force").expect_code(0);
    let (created, changed) = (bench.drift[0].scope.clone().unwrap(), bench.drift[5].scope.clone().unwrap());
    let number = |prefix: &str| pair.subnet(Side::B, prefix).unwrap()["id"].clone();
    let address = created.replace(".0/24", ".50");
    let lease = json!({"ip-address": address, "hw-address": "02:00:00:00:00:99", "subnet-id": number(&created)});
    pair.ok(Side::B, "lease4-add", lease);
    let host = json!({"hw-address": "02:00:00:00:0c:01", "hostname": "since", "subnet-id": number(&changed)});
    pair.ok(Side::B, "reservation-add", json!({"reservation": host, "operation-target": "memory"}));
    let before = pair.config(Side::B);
    let refused = bench.run(&format!("undo latest --force --scope-id {created},{changed}")).expect_code(1).stderr;
    for wanted in [
        "shrink-leases: the scope is deleted on the target under 1 lease",
        "changed-since-run: the scope has changed since the run",
        "then (not set), after the run (not set), now since",
    ] {
        assert!(refused.contains(wanted), "{wanted}: {refused}");
    }
    assert_eq!(pair.config(Side::B), before);
    let overridden = "--override shrink-leases --override changed-since-run";
    let report = bench.run(&format!("undo latest --force --json --scope-id {created},{changed} {overridden}"));
    assert_eq!(outcomes(&report.expect_code(0).json()), ["replicated"; 2]);
    assert_eq!(pair.subnet(Side::B, &created), None);
    let hosts = pair.subnet(Side::B, &changed).unwrap()["reservations"].to_string();
    assert!(!hosts.contains("02:00:00:00:0c:01"), "{hosts}");
}

#[test]
fn by_the_whole_configuration() {
    let Some(bench) = up(Form::HotStandby) else { return };
    bench.configure("writer = \"whole-configuration\"");
    there_and_back(&bench, "Kea whole configuration");
}

#[test]
fn the_demo_pair_at_the_command_line() {
    let home = Home::new();
    let run = |line: &str| home.run(&line.split_whitespace().collect::<Vec<_>>());
    let none = run("--demo undo latest --force").expect_code(1);
    assert!(none.stderr.contains("the history holds no run yet"), "{}", none.stderr);
    for line in ["history show latest", "history export latest", "recover latest"] {
        let none = run(&format!("--demo {line}")).expect_code(1);
        assert!(none.stderr.contains("the history holds no run yet"), "{line}: {}", none.stderr);
    }
    run("--demo demo reset").expect_code(0);
    let relationships = run("--demo relationships --json").expect_code(0).json();
    let source = relationships["relationships"][0]["members"][0]["server"].as_str().unwrap_or("berlin").to_owned();
    let file = |name: &str| fs::read(home.state().join("demo").join(format!("{name}.conf"))).unwrap();
    let target = if source == "berlin" { "hamburg" } else { "berlin" };
    let before = [file(&source), file(target)];
    run(&format!("--demo replicate --computer-name {source} --force"));
    assert_ne!(file(target), before[1]);

    for (line, says) in [
        ("undo", "RUN"),
        ("undo latest", "nobody can be asked"),
        ("undo nowhere --force", "no run is called nowhere"),
        ("undo latest --force --scope-id 192.0.2.0", "has not changed scope 192.0.2.0"),
        ("undo latest --force --override changed", "no refusal that can be overridden is called \"changed\""),
        ("--read-only undo latest --force", "--read-only was given"),
    ] {
        let refused = run(&format!("--demo {line}")).expect_code(1);
        assert!(refused.stderr.contains(says), "{line}: {}", refused.stderr);
    }
    let done = run("--demo undo latest --force").expect_code(0);
    assert!(done.stderr.contains("verified, saved, not running until reload"), "{}", done.stderr);
    assert!(done.stdout.lines().count() > 5);
    // what was taken out of the middle of a list stands at its end now; Kea reads the same
    let [now, then] =
        [file(target), before[1].clone()].map(|text| plain_subnets(&document(&text).root().to_json()["Dhcp4"]));
    assert_same(&now, &then);
    assert_eq!(file(&source), before[0]);
}

fn document(text: &[u8]) -> Document {
    dialect::parse("f", text.to_vec(), |_| Err("there is no include".into())).unwrap()
}

/// Each scope's bytes.
fn texts(text: &[u8]) -> BTreeMap<String, String> {
    let document = document(text);
    let root = document.root().get("Dhcp4").unwrap();
    let networks = root.get("shared-networks").into_iter().flat_map(Node::elements);
    let subnets = networks.chain([root]).flat_map(|holder| holder.get("subnet4").unwrap().elements());
    let of = |subnet: &Node| {
        let prefix = subnet.get("subnet").unwrap().to_json().as_str().unwrap().to_owned();
        let bytes = &text[subnet.start.offset()..subnet.end.offset()];
        (prefix, String::from_utf8(bytes.to_vec()).unwrap())
    };
    subnets.map(of).collect()
}
