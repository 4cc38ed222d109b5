//! A hub with two spokes: each relationship for itself, whatever their scopes are called, and
//! never two writes to the hub at once.
#![cfg(all(unix, feature = "kea", feature = "program"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::bench::plain_subnets;
use common::library;
use common::pair::{Pair, PairOptions, Side, wait_for};
use common::program::{Finished, Home};
use scopesync::engine::outcome::Outcome;
use scopesync::engine::port::Control;
use serde_json::{Value, json};

/// The hub holds ten scopes: 0, 2, 4, 6 and the network of 8 and 9 with spoke b, the others with c.
struct Site {
    home: Home,
    pair: Pair,
}

const B: &str = "spoke-b-hub-b";
const C: &str = "spoke-c-hub-c";

impl Site {
    fn up(drift: &[&str]) -> Option<Site> {
        let pair = Pair::up(PairOptions { hub: true, heartbeat: 100, ..PairOptions::with_drift(drift) })?;
        let entry = |(name, side): (&str, Side)| {
            let socket = pair.socket(side).display().to_string();
            format!("[[server]]\nname = \"{name}\"\nkind = \"kea\"\nsocket = {socket:?}\n")
        };
        let home = Home::new();
        home.write_config(&[("hub", Side::A), ("spoke-b", Side::B), ("spoke-c", Side::C)].map(entry).concat());
        Some(Site { home, pair })
    }

    fn run(&self, line: &str) -> Finished {
        self.home.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// The drift of a relationship, the hub being the source or not.
    fn drift(&self, name: &str, source: &str, code: i32) -> Value {
        let report = self.run(&format!("drift {name} --computer-name {source} --json")).expect_code(code).json();
        report["relationships"][0].clone()
    }

    /// Changes the context of a scope of the hub, and nothing else.
    fn name_on_hub(&self, at: u32, name: Option<&str>) {
        let mut subnet = self.pair.ok(Side::A, "subnet4-get", json!({"id": at + 1}))["subnet4"][0].take();
        subnet.as_object_mut().expect("a subnet").remove("shared-network-name");
        let context = &mut subnet["user-context"];
        match name {
            Some(name) => context["ha-server-name"] = name.into(),
            None => drop(context.as_object_mut().expect("a context").remove("ha-server-name")),
        }
        self.pair.ok(Side::A, "subnet4-update", json!({ "subnet4": [subnet] }));
    }

    fn named_on_hub(&self, at: u32) -> Value {
        self.context(Side::A, at)["ha-server-name"].take()
    }

    fn context(&self, side: Side, at: u32) -> Value {
        self.pair.subnet(side, &format!("10.0.{at}.0/24")).expect("the scope")["user-context"].take()
    }

    fn hashes(&self) -> Vec<String> {
        self.pair.sides().map(|side| self.pair.config_hash(side)).collect()
    }
}

fn scopes<'a>(drift: &'a Value, state: &str) -> Vec<&'a str> {
    let scopes = drift["scopes"].as_array().expect("scopes").iter().filter(|scope| scope["drift"] == state);
    scopes.map(|scope| scope["scope_id"].as_str().expect("an id")).collect()
}

#[test]
fn relationships_of_a_hub_are_read_and_replicated_each_for_itself() {
    let drift = ["lifetime:0", "comment:3", "reservation-missing:2", "subnet-missing:5", "pool-range:8@b"];
    let Some(site) = Site::up(&drift) else { return };
    let listed = site.run("relationships --json").expect_code(0).json();
    let told: Vec<_> = listed["relationships"].as_array().expect("relationships").iter().map(of_relationship).collect();
    let (hot, b, c) = ("hot-standby", "spoke-b", "spoke-c");
    assert_eq!(
        told,
        [
            json!([B, [b, "primary", hot, 6], ["hub", "standby", hot, 6]]),
            json!([C, [c, "primary", hot, 3], ["hub", "standby", hot, 4]])
        ]
    );

    // a name that both sides mean alike is no drift
    let report = site.run("drift --computer-name hub --json").expect_code(2).json();
    let [of_b, of_c] = report["relationships"].as_array().expect("relationships").as_slice() else {
        panic!("{report:#}")
    };
    assert_eq!(scopes(of_b, "drifted"), ["10.0.0.0", "10.0.2.0", "10.0.8.0"]);
    assert_eq!((scopes(of_c, "drifted"), scopes(of_c, "only_on_source")), (vec!["10.0.3.0"], vec!["10.0.5.0"]));
    assert_eq!((of_b["scopes"].as_array().map(Vec::len), of_c["scopes"].as_array().map(Vec::len)), (Some(6), Some(4)));
    let kinds: BTreeSet<&str> =
        of_b["findings"].as_array().expect("findings").iter().filter_map(|f| f["kind"].as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["toward-primary"]));

    // one relationship: the other spoke and the hub are left alone
    let before = site.hashes();
    let run = site.run(&format!("replicate {C} --computer-name hub --force")).expect_code(0);
    assert_eq!(run.stdout, "10.0.3.0\n10.0.5.0\n");
    let after = site.hashes();
    assert_eq!((&before[..2], before[2] == after[2]), (&after[..2], false));
    assert_eq!(site.context(Side::C, 5), json!({"comment": "site 5"}), "the name is the hub's own");
    assert_eq!(scopes(&site.drift(C, "hub", 0), "in_sync").len(), 4);

    // the hub as a target: its scopes keep their names, and other relationships theirs
    let hub = plain_subnets(&site.pair.config(Side::A));
    let run = site.run("replicate --computer-name spoke-b --force").expect_code(0);
    assert_eq!(run.stdout, "10.0.0.0\n10.0.2.0\n10.0.8.0\n");
    let now = plain_subnets(&site.pair.config(Side::A));
    let changed: Vec<&str> = now.iter().filter(|(id, scope)| hub[*id] != **scope).map(|(id, _)| id.as_str()).collect();
    assert_eq!(changed, ["10.0.0.0/24", "10.0.2.0/24", "10.0.8.0/24"]);
    assert_eq!([0, 2].map(|at| site.named_on_hub(at)), ["hub-b", "hub-b"]);
    assert_eq!(site.context(Side::A, 8).get("ha-server-name"), None, "its network names it");
    site.run("drift").expect_code(0);

    // one partner down: its relationship says so, and the other goes on
    site.pair.stop(Side::C);
    wait_for("the hub alone for spoke c", Duration::from_secs(30), || {
        site.pair.ha_states(Side::A) == ["hot-standby", "partner-down"]
    });
    let listed = site.run("relationships --json").expect_code(3).json();
    let hub = |at: usize| &listed["relationships"][at]["members"][1];
    assert_eq!(
        (&hub(0)["server"], &hub(0)["state"], &hub(1)["state"]),
        (&"hub".into(), &hot.into(), &"partner-down".into())
    );
    site.run(&format!("drift {B}")).expect_code(0);

    // both partners down, and nobody has read them before: the hub tells who they are
    site.pair.kill(Side::B);
    let listed = site.run("relationships --json").expect_code(3).json();
    assert_eq!([0, 1].map(|at| listed["relationships"][at]["members"][0]["server"].clone()), ["spoke-b", "spoke-c"]);
}

fn of_relationship(relationship: &Value) -> Value {
    let member = |member: &Value| json!([member["server"], member["role"], member["state"], member["scopes"]]);
    let members = relationship["members"].as_array().expect("members");
    json!([relationship["name"], member(&members[0]), member(&members[1])])
}

#[test]
fn a_scope_in_another_relationship_or_in_none_is_told_first_and_repaired() {
    let Some(site) = Site::up(&["subnet-missing:6", "pool-range:4"]) else { return };
    // scope 0 names nobody, 1 names what is not there, 2 has moved; scope 9000 is on the hub alone
    site.name_on_hub(0, None);
    site.name_on_hub(1, Some("spoke-x"));
    site.name_on_hub(2, Some("spoke-c"));
    site.pair.ok(Side::A, "subnet4-add", json!({"subnet4": [{"id": 9000, "subnet": "172.16.0.0/24"}]}));

    let seen = |drift: &Value| -> Vec<(String, String, String, Value)> {
        let of = |finding: &Value, key: &str| finding[key].as_str().expect("text").to_owned();
        let findings = drift["findings"].as_array().expect("findings").iter();
        findings.map(|f| (of(f, "severity"), of(f, "kind"), of(f, "side"), f["scopes"].clone())).collect()
    };
    let expected = |severity: &str, kind: &str, side: &str, scopes: Value| {
        (severity.to_owned(), kind.to_owned(), side.to_owned(), scopes)
    };
    let of_b = site.drift(B, "spoke-b", 2);
    let found = seen(&of_b);
    assert_eq!(
        found,
        [
            expected("critical", "membership-differs", "target", json!(["10.0.0.0"])),
            expected("critical", "membership-differs", "target", json!(["10.0.2.0"])),
            expected("critical", "scope-on-one-side", "source", json!(["10.0.6.0"])),
            expected("warning", "membership-differs", "target", json!(["172.16.0.0"])),
        ]
    );
    let of_c = site.drift(C, "hub", 2);
    let unknown = expected("critical", "membership-differs", "source", json!(["10.0.1.0"]));
    assert_eq!(seen(&of_c)[0], unknown);
    let message = of_c["findings"][0]["message"].as_str().expect("a message");
    assert!(message.contains("spoke-x") && message.contains("answers no client"), "{message}");
    assert_eq!(scopes(&of_c, "only_on_source"), ["10.0.2.0"]);

    // what the source has elsewhere is refused by name; the rest goes on, and the moved scope comes
    let before = site.hashes();
    let run = site.run("replicate --computer-name hub --force").expect_code(3);
    assert_eq!(run.stdout, "10.0.4.0\n10.0.6.0\n10.0.2.0\n", "{}", run.stderr);
    assert_eq!(run.stderr.matches("other-relationship").count(), 6, "in the preview and in the end: {}", run.stderr);
    assert_eq!(site.hashes()[0], before[0]);
    assert_eq!(site.context(Side::C, 2), json!({"comment": "site 2"}));

    // the spokes put their scopes where they belong, in the hub's own words
    let run = site.run(&format!("replicate {C} --computer-name spoke-c --force")).expect_code(0);
    assert_eq!(run.stdout, "10.0.1.0\n");
    let run = site.run("replicate --computer-name spoke-b --scope-id 10.0.0.0 --force").expect_code(0);
    assert_eq!(run.stdout, "10.0.0.0\n");
    assert_eq!([0, 1, 2].map(|at| site.named_on_hub(at)), ["hub-b", "hub-c", "spoke-c"]);

    // the scope that moved is deleted where it was by its operator alone
    assert_eq!(scopes(&site.drift(B, "spoke-b", 2), "drifted"), ["10.0.2.0"]);
    site.pair.ok(Side::B, "subnet4-del", json!({"id": 3}));
    site.drift(B, "spoke-b", 0);
    site.drift(C, "spoke-c", 0);
}

/// Replacing the whole configuration interrupts all of the hub's relationships: once for both.
#[test]
fn the_whole_configuration_of_a_hub_is_replaced_once() {
    let Some(site) = Site::up(&["lifetime:0", "reservation-missing:2", "comment:3", "subnet-extra:1", "relay:5"])
    else {
        return;
    };
    let config = std::fs::read_to_string(site.home.config()).expect("config.toml");
    site.home.write_config(&config.replace("kind = ", "writer = \"whole-configuration\"\nkind = "));
    let others = |config: Value| -> Vec<Value> {
        ["hooks-libraries", "client-classes", "option-def", "loggers"].map(|key| config[key].clone()).into()
    };
    let before = others(site.pair.config(Side::A));
    let run = site.run("replicate --cim-session spoke-b,spoke-c --force").expect_code(0);
    let done: BTreeSet<&str> = run.stdout.lines().collect();
    assert_eq!(done, BTreeSet::from(["10.0.0.0", "10.0.2.0", "10.0.3.0", "10.0.5.0", "172.31.1.0"]));
    let log = std::fs::read_to_string(&site.pair.server(Side::A).log).expect("the hub's log");
    assert_eq!(log.matches("COMMAND_RECEIVED Received command 'config-set'").count(), 1);
    assert_eq!(others(site.pair.config(Side::A)), before, "nothing else of the hub is touched");
    let created = site.pair.subnet(Side::A, "172.31.1.0/24").expect("the new scope");
    assert_eq!(created["user-context"], json!({"ha-server-name": "hub-c"}));
    assert_eq!([0, 2, 3, 5].map(|at| site.named_on_hub(at)), ["hub-b", "hub-b", "hub-c", "hub-c"]);
    assert!(site.pair.in_service());
    site.run("drift").expect_code(0);
}

/// Two runs from different spokes in one process: the hub is written by one, then by the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hub_is_never_written_by_two_runs_at_once() {
    let drift: Vec<String> = (0..8).map(|at| format!("lifetime:{at}")).collect();
    let drift: Vec<&str> = drift.iter().map(String::as_str).collect();
    let Some(site) = Site::up(&drift) else { return };
    let fleet = library::fleet(&site.home);
    let plans = [library::plan_from(&fleet, "spoke-b").await, library::plan_from(&fleet, "spoke-c").await];
    let ctl = Control::free();
    let (of_b, of_c) = tokio::join!(
        library::execute(&site.home, &fleet, &plans[0], &ctl),
        library::execute(&site.home, &fleet, &plans[1], &ctl)
    );
    for report in [&of_b, &of_c] {
        assert_eq!((report.exit_status(), report.counts()[&Outcome::Replicated]), (0, 4), "{report:?}");
    }
    // the hub's own log has the updates in the order in which they came
    let log = std::fs::read_to_string(&site.pair.server(Side::A).log).expect("the hub's log");
    let updated = log.lines().filter_map(|line| line.split_once("SUBNET_CMDS_SUBNET_UPDATE ")?.1.split("10.0.").nth(1));
    let spokes: Vec<u32> = updated.filter_map(|rest| Some(rest.split('.').next()?.parse::<u32>().ok()? % 2)).collect();
    assert_eq!(spokes.len(), 8, "{spokes:?}");
    assert!(spokes.is_sorted() || spokes.iter().rev().is_sorted(), "one run after the other: {spokes:?}");

    // and both relationships in one run, from the hub
    let plan = library::plan_from(&fleet, "hub").await;
    assert_eq!(plan.scopes_to_write(), 0);
}
