//! Writing by replacing the whole configuration, on the older Kea that has nothing else and on
//! the newest one where its entry asks for it: what is pinned, what is put back, and what it
//! waits for. That everything is found and repaired is shown by the contract.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use common::bench::{Bench, Form, plain_subnets};
use common::pair::{Pair, PairOptions, Side, Version};
use common::program::{Finished, by_sockets};
use common::proxy::{Fault, Point, Proxy};
use common::traffic::offered;
use serde_json::{Value, json};

/// A pair that the program reaches through proxies and writes as a whole.
struct Site {
    bench: Bench,
    proxies: [Proxy; 2],
}

impl Site {
    fn up(form: Form, options: PairOptions) -> Option<Site> {
        let bench = Bench::up(form, options)?;
        let pair = bench.pair().expect("a live pair");
        let proxies = Side::BOTH.map(|side| Proxy::socket(pair.socket(side)));
        let config = by_sockets(proxies.each_ref().map(Proxy::path).each_ref().map(PathBuf::as_path));
        bench.home.write_config(&config.replace("kind = ", "writer = \"whole-configuration\"\nkind = "));
        Some(Site { bench, proxies })
    }

    fn pair(&self) -> &Pair {
        self.bench.pair().expect("a live pair")
    }

    fn target(&self) -> &Proxy {
        &self.proxies[Side::B as usize]
    }

    fn replicate(&self, more: &str) -> Finished {
        self.bench.run(&format!("replicate --computer-name kea-1 --force {more}"))
    }

    /// Sets the configuration of a server by hand, changed by this.
    fn set(&self, side: Side, change: impl FnOnce(&mut Value)) {
        let mut config = self.pair().config(side);
        change(&mut config);
        self.pair().ok(side, "config-set", json!({ "Dhcp4": config }));
    }
}

fn few(version: Version, drift: &[&str]) -> PairOptions {
    PairOptions { version, subnets: 8, reservations: 16, ..PairOptions::with_drift(drift) }
}

/// Every way of saying what a scope inherits, or not: networks that repeat, change and bound
/// the global values, and scopes in them that do the same.
fn elaborate(config: &mut Value, version: Version) {
    let extend = |object: &mut Value, more: Value| {
        object.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    };
    extend(
        config,
        json!({
            "valid-lifetime": 5000, "min-valid-lifetime": 1000, "max-valid-lifetime": 9000, "renew-timer": 800,
            "calculate-tee-times": true, "t1-percent": 0.4, "t2-percent": 0.8, "store-extended-info": true,
            "next-server": "192.0.2.1", "ddns-qualifying-suffix": "example.org.", "cache-threshold": 0.1,
        }),
    );
    let subnet = |id: u32, more: Value| {
        let mut subnet = json!({"id": id, "subnet": format!("172.16.{id}.0/24")});
        extend(&mut subnet, more);
        subnet
    };
    let mut levels = vec![
        json!({}),
        json!({"valid-lifetime": 5000}),
        json!({"valid-lifetime": 3000, "min-valid-lifetime": 3000}),
        json!({"renew-timer": 801, "t1-percent": 0.41, "min-valid-lifetime": 2000}),
        json!({"next-server": "192.0.2.1", "ddns-send-updates": false, "relay": {"ip-addresses": ["192.0.2.7"]}}),
        json!({"store-extended-info": false, "rebind-timer": 1999, "max-valid-lifetime": 6000}),
    ];
    if version == Version::Newest {
        config["allocator"] = json!("random");
        levels.extend([json!({"allocator": "iterative"}), json!({"cache-max-age": 7, "cache-threshold": 0.2})]);
    }
    let mut id = 100;
    let mut each = |levels: &[Value]| -> Vec<Value> {
        let all = levels.iter().map(|level| {
            id += 1;
            subnet(id, level.clone())
        });
        all.collect()
    };
    let network = |(at, level): (usize, &Value)| {
        let mut network = json!({"name": format!("net-{at}"), "subnet4": each(&levels)});
        extend(&mut network, level.clone());
        network
    };
    let networks: Vec<Value> = levels.iter().enumerate().map(network).collect();
    for (key, more) in [("subnet4", each(&levels)), ("shared-networks", networks)] {
        config[key].as_array_mut().expect("a list").extend(more);
    }
}

/// What said the same as the level above it still does, and what did not is as it was.
fn follows(before: &Value, after: &Value, keys: &[&str]) {
    let list = |home: &Value, key: &str| home[key].as_array().cloned().unwrap_or_default();
    let check = |above: [&Value; 2], below: [&Value; 2]| {
        for key in keys {
            let inherits = below[0][key] == above[0][key];
            let expected = if inherits { &above[1][key] } else { &below[0][key] };
            assert_eq!(&below[1][key], expected, "{key} of {}", below[0]);
        }
    };
    let inside = |above: [&Value; 2]| {
        let [was, is] = above.map(|home| list(home, "subnet4"));
        was.iter().zip(&is).for_each(|(was, is)| check(above, [was, is]));
        was.len()
    };
    let [was, is] = [before, after].map(|config| list(config, "shared-networks"));
    let mut scopes = inside([before, after]);
    for (was, is) in was.iter().zip(&is) {
        check([before, after], [was, is]);
        scopes += inside([was, is]);
    }
    assert!(scopes > 40, "{scopes}");
}

/// Nothing but the chosen scopes changes, in no more requests than it takes; what is inherited
/// stays inherited.
fn nothing_else_is_changed_or_pinned(form: Form, version: Version) {
    let drift = ["lifetime:0", "reservation-changed:1", "subnet-id:2", "subnet-missing:3", "network-member"];
    let Some(site) = Site::up(form, few(version, &drift)) else { return };
    for side in Side::BOTH {
        site.set(side, |config| elaborate(config, version));
        site.pair().wait_in_service();
    }
    let [source, before] = Side::BOTH.map(|side| site.pair().config(side));
    let run = site.replicate("").expect_code(0);
    assert_eq!(run.stdout, "10.0.0.0\n10.0.1.0\n10.0.2.0\n10.0.3.0\n10.0.6.0\n", "{}", run.stderr);
    assert_eq!(site.target().times("config-set"), 1);
    let gets = if version == Version::Newest { 2 } else { 4 };
    assert_eq!(site.target().times("config-get"), gets, "no more than it takes: {:?}", site.target().passed());
    let after = site.pair().config(Side::B);
    assert_eq!(plain_subnets(&after), plain_subnets(&source));
    for (key, value) in before.as_object().expect("an object") {
        let lists = ["subnet4", "shared-networks"];
        assert!(lists.contains(&key.as_str()) || after[key] == *value, "{key}: {value} became {}", after[key]);
    }

    // what was sent is filled in to the same, and follows a global value that is raised
    let mut sent = site.target().last_set().expect("what was sent");
    let raised = [("renew-timer", 803), ("valid-lifetime", 5001), ("min-valid-lifetime", 1001)];
    for (key, value) in raised {
        sent["Dhcp4"][key] = json!(value);
    }
    site.pair().ok(Side::B, "config-set", sent);
    follows(&after, &site.pair().config(Side::B), &raised.map(|(key, _)| key));
}

#[test]
fn nothing_else_is_changed_or_pinned_on_an_old_hot_standby_pair() {
    nothing_else_is_changed_or_pinned(Form::HotStandby, Version::Installed);
}

#[test]
fn nothing_else_is_changed_or_pinned_on_a_new_load_balancing_pair() {
    nothing_else_is_changed_or_pinned(Form::LoadBalancing, Version::Newest);
}

/// A refused `config-set` leaves Kea 2.2 without an answer for any client, whatever its state
/// says; here the test before it is made to lie.
#[test]
fn an_old_kea_that_refuses_the_configuration_answers_clients_again() {
    let options = PairOptions { dhcp: true, ..few(Version::Installed, &["lifetime:0", "comment:1"]) };
    let Some(site) = Site::up(Form::LoadBalancing, options) else { return };
    // two reservations for one address, which the target does not allow
    site.set(Side::A, |config| {
        config["ip-reservations-unique"] = json!(false);
        let hosts = config["subnet4"][2]["reservations"].as_array_mut().expect("a list");
        let twin = json!({"hw-address": "02:aa:bb:cc:dd:ee", "ip-address": hosts[0]["ip-address"]});
        hosts.push(twin);
    });
    site.pair().wait_in_service();
    let before = site.pair().config(Side::B);
    let served = || offered(site.pair(), Side::B, Ipv4Addr::new(10, 0, 0, 1), 3).is_some();
    assert!(served());
    site.target().upset(Point::before("config-test"), Fault::Instead(json!({"result": 0, "text": "a lie"})));
    let run = site.replicate("--json").expect_code(1);
    let document = run.json();
    for scope in document["relationships"][0]["scopes"].as_array().expect("scopes") {
        let told = scope["message"].as_str().unwrap_or_default();
        let rejected = scope["outcome"] == "rejected" && told.contains("put back by a second config-set");
        assert!(scope["outcome"] == "unchanged" || rejected, "{scope:#}");
    }
    assert_eq!(site.target().times("config-set"), 2);
    assert_eq!(site.pair().config(Side::B), before);
    assert!(served() && site.pair().in_service());

    // the truth about the same: only the offender is left out, in the server's own words
    let run = site.replicate("").expect_code(3);
    assert_eq!(run.stdout, "10.0.0.0\n10.0.1.0\n", "{}", run.stderr);
    assert!(run.stderr.contains("config-test was refused: failed to add new host"), "{}", run.stderr);
    assert!(served());
}

/// What the API hides is emptied anywhere on the server, also in scopes that nobody chose.
#[test]
fn option_43_of_another_scope_refuses_it() {
    let options = PairOptions { dhcp: true, ..few(Version::Newest, &["lifetime:0", "option43:1"]) };
    let Some(site) = Site::up(Form::LoadBalancing, options) else { return };
    let served = || offered(site.pair(), Side::B, Ipv4Addr::new(10, 0, 1, 1), 43);
    let there = served();
    assert!(there.as_ref().is_some_and(|bytes| !bytes.is_empty()));
    let run = site.replicate("--scope-id 10.0.0.0").expect_code(1);
    assert!(run.stderr.contains("option-43: ") && run.stderr.contains("scope 10.0.1.0/24"), "{}", run.stderr);
    assert_eq!((site.target().times("config-set"), served()), (0, there));
    let run = site.replicate("--scope-id 10.0.0.0 --override option-43").expect_code(0);
    assert_eq!(run.stdout, "10.0.0.0\n");
    assert!(served().is_none_or(|bytes| bytes.is_empty()), "as it was said");
}

/// The states of both sides count, in the preview and right before the interruption.
#[test]
fn a_pair_that_is_not_well_is_not_interrupted() {
    let Some(site) = Site::up(Form::LoadBalancing, few(Version::Installed, &["lifetime:0"])) else { return };
    let before = site.pair().config(Side::B);
    let refused = |run: Finished, name: &str| {
        assert!(run.stderr.contains(name) && run.stdout.is_empty(), "{}", run.stderr);
        assert_eq!((site.target().times("config-set"), site.pair().config(Side::B)), (0, before.clone()));
    };
    site.pair().ok(Side::A, "ha-maintenance-start", Value::Null);
    refused(site.replicate("").expect_code(1), "state-not-normal");
    site.pair().ok(Side::A, "ha-maintenance-cancel", Value::Null);
    site.pair().wait_in_service();
    // the partner goes between the test and the moment of truth
    let gate = site.target().pause(Point::after("config-test"));
    let mut command = site.bench.home.scopesync(&["replicate", "--computer-name", "kea-1", "--force"]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    gate.reached();
    site.pair().stop(Side::A);
    site.proxies[0].refuse();
    gate.open();
    let output = child.expect("scopesync runs").wait_with_output().expect("scopesync ends");
    refused(Finished::from(output).expect_code(1), "partner-unreachable");
}
