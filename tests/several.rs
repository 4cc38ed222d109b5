//! Several pairs in one configuration: told apart though their servers carry the same names,
//! selected by name, server and scope, and never written by mistake.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::os::unix::net::UnixStream;
use std::time::Duration;

use common::pair::{Mode, Pair, PairOptions, Side, wait_for};
use common::program::{Finished, Home};
use serde_json::{Value, json};

/// Two pairs whose servers are all called server1 and server2, and a server without a partner.
struct Site {
    home: Home,
    small: Pair,
    large: Pair,
    lone: Pair,
}

const SMALL: &str = "server1-server2 (b-1, b-2)";
const LARGE: &str = "server1-server2 (h-1, h-2)";

impl Site {
    fn up() -> Option<Site> {
        let options = |subnets, mode, drift: &[&str]| PairOptions {
            subnets,
            mode,
            heartbeat: 100,
            reservations: subnets,
            drift: drift.iter().map(|kind| (*kind).to_owned()).collect(),
            ..PairOptions::default()
        };
        let small = Pair::up(options(4, Mode::LoadBalancing, &["lifetime:0", "comment:1"]))?;
        let large = Pair::up(options(8, Mode::HotStandby, &["lifetime:0", "comment:1", "relay:5"]))?;
        let alone = PairOptions {
            no_hook: vec!["ha".into()],
            more: vec!["--no-wait".into()],
            ..options(12, Mode::LoadBalancing, &[])
        };
        let lone = Pair::up(alone)?;
        let listening = || UnixStream::connect(lone.socket(Side::A)).is_ok();
        wait_for("the server without a partner", Duration::from_secs(20), listening);
        let site = Site { home: Home::new(), small, large, lone };
        site.configure("");
        Some(site)
    }

    fn configure(&self, more: &str) {
        let servers = [
            ("b-1", &self.small, Side::A),
            ("h-1", &self.large, Side::A),
            ("lone", &self.lone, Side::A),
            ("h-2", &self.large, Side::B),
            ("b-2", &self.small, Side::B),
        ];
        let entry = |(name, pair, side): (&str, &Pair, Side)| {
            let socket = pair.socket(side).display().to_string();
            format!("[[server]]\nname = \"{name}\"\nkind = \"kea\"\nsocket = {socket:?}\n")
        };
        self.home.write_config(&(servers.map(entry).concat() + more));
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        self.home.run(arguments)
    }

    /// Fails with this reason, and nothing is written anywhere.
    #[track_caller]
    fn refused(&self, arguments: &[&str], reason: &str) {
        let before = self.hashes();
        let run = self.run(arguments).expect_code(1);
        assert!(run.stderr.contains(reason), "{arguments:?}: {}", run.stderr);
        assert_eq!((run.stdout.as_str(), self.hashes()), ("", before), "{arguments:?}");
    }

    fn hashes(&self) -> [[String; 2]; 2] {
        [self.small.config_hashes(), self.large.config_hashes()]
    }
}

fn names(report: &Value) -> Vec<&str> {
    let relationships = report["relationships"].as_array().expect("relationships");
    relationships.iter().map(|relationship| relationship["name"].as_str().expect("a name")).collect()
}

#[test]
fn pairs_and_scopes_are_told_apart() {
    let Some(site) = Site::up() else { return };
    listed_by_their_servers(&site);
    wrong_names_write_nothing(&site);
    named_by_the_configuration(&site);
    one_pair_at_a_time(&site);
    two_scopes_on_one_address(&site);
    both_pairs_in_one_run(&site);
}

fn listed_by_their_servers(site: &Site) {
    let listed = site.run(&["relationships", "--json"]).expect_code(0).json();
    assert_eq!(names(&listed), [SMALL, LARGE]);
    let modes: Vec<_> = listed["relationships"].as_array().expect("relationships").iter().map(|r| &r["mode"]).collect();
    assert_eq!(modes, ["load-balancing", "hot-standby"]);

    let all = site.run(&["drift", "--json"]).expect_code(2).json();
    assert_eq!((names(&all), &all["summary"]["scopes"]), (vec![SMALL, LARGE], &12.into()));
    let one = site.run(&["drift", LARGE, "--json"]).expect_code(2).json();
    assert_eq!(
        (names(&one), &one["summary"]["scopes"], &one["summary"]["drifted"]),
        (vec![LARGE], &8.into(), &3.into())
    );
    // the source need not be the primary
    let one = site.run(&["drift", "--computer-name", "h-2", "--json"]).expect_code(2).json();
    assert_eq!((names(&one), &one["relationships"][0]["source"]["server"]), (vec![LARGE], &"h-2".into()));
    let one = site.run(&["drift", "--scope-id", "10.0.5.0", "--json"]).expect_code(2).json();
    assert_eq!((names(&one), &one["summary"]["scopes"]), (vec![LARGE], &1.into()));
}

fn wrong_names_write_nothing(site: &Site) {
    let replicate = |more: &[&'static str], reason: &str| {
        site.refused(&[&["replicate", "--force"], more].concat(), reason);
    };
    replicate(&["server1-server2", "--computer-name", "b-1"], "no failover relationship is called \"server1-server2\"");
    replicate(&[LARGE, "--computer-name", "b-1"], "no failover relationship is called");
    replicate(&["Berlin", "--computer-name", "b-1"], "there is: server1-server2 (b-1, b-2)");
    replicate(&["--computer-name", "server1"], "\"server1\" means several servers");
    replicate(&["--computer-name", "server1"], "b-1, h-1");
    replicate(&["--computer-name", "b-3"], "no server is called \"b-3\"");
    replicate(&[], "--computer-name is missing");
    replicate(&["--cim-session", "b-1,h-1,h-2"], "h-1 and h-2 are partners in server1-server2 (h-1, h-2)");
    replicate(&["--cim-session", "b-1,lone"], "lone is in no failover relationship");
    replicate(&["--computer-name", "lone"], "lone is in no failover relationship");
    // a scope in no relationship, at all or of this source, beside one that is right
    replicate(
        &["--computer-name", "b-1", "--scope-id", "10.0.0.0,10.0.11.0"],
        "scope 10.0.11.0 is in no failover relationship",
    );
    replicate(&["--computer-name", "b-1", "--scope-id", "10.0.0.0,10.0.11.0"], "it is on lone");
    replicate(
        &["--computer-name", "b-1", "--scope-id", "10.0.0.0,10.0.5.0"],
        "10.0.5.0 is in no failover relationship of b-1",
    );
    replicate(
        &["--computer-name", "b-1", "--scope-id", "10.0.0.0", "--scope-id", "10.9.9.0"],
        "there is no scope 10.9.9.0",
    );
    replicate(&["--computer-name", "b-1", "--scope-id", "10.0.0.0/25"], "there is no scope 10.0.0.0/25");
    replicate(&["--computer-name", "b-1", "--scope-id", "10.0.0.0/33"], "10.0.0.0/33");
    replicate(&[SMALL, "--computer-name", "b-1", "--scope-id", "10.0.0.0,10.0.5.0"], "10.0.5.0");
    site.refused(&["drift", "--scope-id", "10.0.11.0"], "scope 10.0.11.0 is in no failover relationship");
    site.refused(&["drift", "Berlin"], "\"Berlin\"");
}

fn two_scopes_on_one_address(site: &Site) {
    let second = json!({"id": 900, "subnet": "10.0.0.0/25", "valid-lifetime": 5000});
    for side in Side::BOTH {
        site.large.ok(side, "subnet4-add", json!({ "subnet4": [second] }));
    }
    site.refused(&["drift", "--computer-name", "h-1", "--scope-id", "10.0.0.0"], "10.0.0.0 means several scopes");
    site.refused(&["drift", "--computer-name", "h-1", "--scope-id", "10.0.0.0"], "10.0.0.0/24, 10.0.0.0/25");
    let drift = |id: &str, code| {
        let report =
            site.run(&["drift", "--computer-name", "h-1", "--scope-id", id, "--json"]).expect_code(code).json();
        let scopes = report["relationships"][0]["scopes"].as_array().expect("scopes").clone();
        assert_eq!(scopes.len(), 1);
        scopes[0]["prefix_length"].clone()
    };
    assert_eq!((drift("10.0.0.0/25", 0), drift("10.0.0.0/24", 2)), (25.into(), 24.into()));
    let run = site.run(&["replicate", "--computer-name", "h-1", "--scope-id", "10.0.0.0/24", "--force"]).expect_code(0);
    assert_eq!(run.stdout, "10.0.0.0/24\n", "shown so that it can be told");
}

fn both_pairs_in_one_run(site: &Site) {
    let mut subnet = site.small.subnet(Side::B, "10.0.2.0/24").expect("a scope");
    subnet.as_object_mut().expect("an object").remove("reservations");
    subnet["renew-timer"] = 111.into();
    site.small.ok(Side::B, "subnet4-update", json!({ "subnet4": [subnet] }));
    let sources = ["-CimSession", "b-1, h-1", "-Force"];
    let run = site.run(&[&["Invoke-DhcpServerv4FailoverReplication"], &sources[..]].concat()).expect_code(0);
    assert_eq!(run.stdout, "10.0.2.0\n10.0.1.0\n10.0.5.0\n");
    site.run(&["drift"]).expect_code(0);
}

fn named_by_the_configuration(site: &Site) {
    site.configure("[[relationship]]\nname = \"Hamburg\"\nservers = [\"h-2\", \"h-1\"]\n");
    let listed = site.run(&["relationships", "--json"]).expect_code(0).json();
    assert_eq!(names(&listed), ["server1-server2", "Hamburg"]);
    let one = site.run(&["drift", "hamburg", "--json"]).expect_code(2).json();
    assert_eq!((names(&one), &one["relationships"][0]["source"]["server"]), (vec!["Hamburg"], &"h-1".into()));
    assert_eq!(names(&site.run(&["drift", "server1-server2", "--json"]).expect_code(2).json()), ["server1-server2"]);
    site.configure("");
}

fn one_pair_at_a_time(site: &Site) {
    let before = site.hashes();
    let run = site.run(&["replicate", "--computer-name", "b-1", "--force"]).expect_code(0);
    assert_eq!(run.stdout, "10.0.0.0\n10.0.1.0\n");
    let after = site.hashes();
    assert_eq!(
        (&after[0][0], &after[1]),
        (&before[0][0], &before[1]),
        "the source and the other pair are as they were"
    );
    assert_ne!(after[0][1], before[0][1]);
    site.run(&["drift", SMALL]).expect_code(0);
    site.run(&["drift"]).expect_code(2);
}
