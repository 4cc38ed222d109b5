//! A pair behind proxies, and the comparison of what the program said with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::bench::{Bench, Form, plain_subnets};
use crate::common::pair::{Pair, PairOptions, Side, Version, wait_for};
use crate::common::program::{Finished, by_sockets, by_urls};
use crate::common::proxy::Proxy;

pub const WHOLE: &str = "writer = \"whole-configuration\"";
pub const REPLICATE: &str = "replicate --computer-name kea-1 --force --json";

/// Subnets by prefix, in the plain form.
pub type Subnets = BTreeMap<String, Value>;

/// How the program reaches the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Socket,
    Http,
}

/// A pair whose servers the program reaches through proxies only.
pub struct Upset {
    pub bench: Bench,
    pub proxies: [Proxy; 2],
    /// The target's subnets, running and saved, before the first run.
    pub before: Subnets,
    /// The source's.
    pub want: Subnets,
    origin: Value,
    /// It has no commands for single scopes.
    older: bool,
    /// The writer interrupts service, and wants to find it undisturbed.
    whole: bool,
}

impl Upset {
    /// Brings a pair up. `lines` go into both entries of the configuration.
    pub fn up(way: Way, options: PairOptions, lines: &str) -> Option<Upset> {
        let older = options.version == Version::Installed;
        let bench = Bench::up(Form::LoadBalancing, options)?;
        let pair = bench.pair().expect("a live pair");
        let proxies = Side::BOTH.map(|side| match way {
            Way::Socket => Proxy::socket(pair.socket(side)),
            Way::Http => Proxy::http(&pair.server(side).http),
        });
        let config = match way {
            Way::Socket => by_sockets(proxies.each_ref().map(Proxy::path).each_ref().map(PathBuf::as_path)),
            Way::Http => by_urls(proxies.each_ref().map(Proxy::url).each_ref().map(String::as_str)),
        };
        bench.home.write_config(&config.replace("kind = ", &format!("{lines}\nkind = ")));
        // on the disk as Kea itself writes it, so that running and saved can be compared
        pair.ok(Side::B, "config-write", Value::Null);
        let origin = pair.config(Side::B);
        let (before, want) = (plain_subnets(&origin), bench.subnets(Side::A));
        let whole = older || lines.contains(WHOLE);
        Some(Upset { bench, proxies, before, want, origin, older, whole })
    }

    pub fn pair(&self) -> &Pair {
        self.bench.pair().expect("a live pair")
    }

    pub fn proxy(&self, side: Side) -> &Proxy {
        &self.proxies[side as usize]
    }

    pub fn now(&self) -> Subnets {
        self.bench.subnets(Side::B)
    }

    pub fn on_disk(&self) -> Subnets {
        plain_subnets(&self.pair().config_on_disk(Side::B)["Dhcp4"])
    }

    /// Makes the target what it was, running and saved, and forgets the traffic so far. Where
    /// that can be done, without touching its failover.
    pub fn restore(&self) {
        match self.older {
            true => drop(self.pair().ok(Side::B, "config-set", json!({ "Dhcp4": self.origin }))),
            false => self.restore_by_commands(),
        }
        assert_eq!(self.now(), self.before);
        self.ready();
        self.tidy_up();
    }

    fn restore_by_commands(&self) {
        let pair = self.pair();
        let (now, origin) = (pair.config(Side::B), by_prefix(&self.origin));
        let running = plain_subnets(&now);
        let drifted = |prefix: &String| running.get(prefix) != self.before.get(prefix);
        for (prefix, subnet) in by_prefix(&now) {
            if drifted(&prefix) {
                pair.ok(Side::B, "subnet4-del", json!({"id": subnet["id"]}));
            }
        }
        let there = by_prefix(&pair.config(Side::B));
        for (prefix, mut subnet) in origin.into_iter().filter(|(prefix, _)| !there.contains_key(prefix)) {
            let reservations = subnet["reservations"].take();
            subnet.as_object_mut().expect("a subnet").remove("reservations");
            let id = subnet["id"].clone();
            pair.ok(Side::B, "subnet4-add", json!({"subnet4": [subnet]}));
            for mut reservation in reservations.as_array().cloned().unwrap_or_default() {
                reservation["subnet-id"] = id.clone();
                let arguments = json!({"operation-target": "memory", "reservation": reservation});
                pair.ok(Side::B, "reservation-add", arguments);
            }
            let network = &self.before[&prefix]["shared-network"];
            if !network.is_null() {
                pair.ok(Side::B, "network4-subnet-add", json!({"name": network, "id": id}));
            }
        }
    }

    fn tidy_up(&self) {
        let pair = self.pair();
        self.proxies.iter().for_each(|proxy| _ = proxy.calm());
        pair.ok(Side::B, "config-write", Value::Null);
        let folder = pair.config_path(Side::B).parent().expect("a folder");
        for entry in std::fs::read_dir(folder).expect("the folder").flatten() {
            if entry.file_name().to_string_lossy().starts_with("scopesync-before-") {
                std::fs::remove_file(entry.path()).expect("a kept configuration");
            }
        }
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.bench.home.state().join(format!("history.db{end}")));
        }
    }

    /// Waits until both servers answer; for a writer that needs it, until they serve as a pair.
    pub fn ready(&self) {
        let pair = self.pair();
        match self.whole {
            true => pair.wait_in_service(),
            false => wait_for("both servers to answer", Duration::from_secs(30), || {
                Side::BOTH.iter().all(|side| pair.ha_state(*side).is_some())
            }),
        }
    }

    /// Starts a run that something will happen to.
    pub fn start(&self) -> Child {
        self.start_as(REPLICATE)
    }

    pub fn start_as(&self, arguments: &str) -> Child {
        let mut command = self.bench.home.scopesync(&arguments.split_whitespace().collect::<Vec<_>>());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("scopesync runs")
    }

    /// Holds every word of a run with `--json` against the target; gives the outcomes.
    #[track_caller]
    pub fn is_true(&self, run: &Finished, when: &str) -> BTreeMap<String, String> {
        let (now, disk) = (self.now(), self.on_disk());
        let told = format!("{when}\n{}\n{}", run.stdout, run.stderr);
        let mut outcomes = BTreeMap::new();
        if run.code == Some(1) {
            assert_eq!((&now, &disk), (&self.before, &self.before), "status 1 with something written: {told}");
        }
        let scopes = if run.stdout.is_empty() { Value::Null } else { run.json()["relationships"][0]["scopes"].take() };
        for scope in scopes.as_array().into_iter().flatten() {
            let id = format!("{}/{}", scope["scope_id"].as_str().expect("an id"), scope["prefix_length"]);
            let word = |key: &str| scope[key].as_str().unwrap_or_default();
            let [is, was, shall] = [&now, &self.before, &self.want].map(|subnets| subnets.get(&id));
            let told = format!("{id} {scope:#}\n{told}");
            match word("outcome") {
                "replicated" | "unchanged" => assert_eq!(is, shall, "{told}"),
                "rejected" | "cancelled" => assert_eq!(is, was, "{told}"),
                "partial" => assert!(is != was && is != shall, "{told}"),
                "unknown" => {}
                other => panic!("{other}: {told}"),
            }
            match word("saved") {
                "saved" => assert_eq!(disk.get(&id), is, "{told}"),
                // the answer to config-write may be what was lost
                "not_saved" => assert_eq!(run.code, Some(3), "{told}"),
                other => assert_eq!(other, "not_applicable", "{told}"),
            }
            if word("outcome") != "replicated" && word("outcome") != "unchanged" {
                assert!(!word("message").is_empty(), "{told}");
            }
            outcomes.insert(id, word("outcome").to_owned());
        }
        outcomes
    }
}

pub fn finish(child: Child) -> Finished {
    Finished::from(child.wait_with_output().expect("scopesync ends"))
}

/// What the run said of saving, the same for every scope that it wrote.
#[track_caller]
pub fn saved(run: &Finished) -> String {
    let document = run.json();
    let scopes = document["relationships"][0]["scopes"].as_array().expect("scopes").iter();
    let told = scopes.map(|scope| scope["saved"].as_str().expect("a word")).filter(|word| *word != "not_applicable");
    let told: BTreeSet<&str> = told.collect();
    assert_eq!(told.len(), 1, "{document:#}");
    told.into_iter().collect()
}

fn by_prefix(config: &Value) -> BTreeMap<String, Value> {
    let subnets = crate::common::pair::subnets(config);
    subnets.into_iter().map(|subnet| (subnet["subnet"].as_str().expect("a prefix").to_owned(), subnet)).collect()
}
