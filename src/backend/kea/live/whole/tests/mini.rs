//! A whole Kea in memory: it holds a configuration, fills in what is inherited, and does with
//! each `config-set` what it is told to.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Map, Value, json};

use crate::backend::kea::config::{self, How, KeaConfig};
use crate::backend::kea::fake::Fake;
use crate::model::{Scope, ScopeId};

/// What becomes of a `config-set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Said no; before 2.4 the server answers no client after that.
    Refuse,
    /// Result 5: said no, and the failover hook is gone.
    Fatal,
    /// Said no, and in force.
    RefuseInForce,
    /// Said yes, and the failover hook is gone.
    LoseFailover,
    /// Said yes, and a global value is another.
    Meddle,
    /// Said yes, and a value of a written scope is another.
    MeddleInScope,
    /// Said yes, and nothing happened.
    Ignore,
    /// Nothing happened, and the answer was lost.
    HangUp,
    /// In force, and the answer was lost.
    TakeHangUp,
    /// Never heard of again.
    Die,
}

type Meddling = Box<dyn FnOnce(&mut Value) + Send>;

pub(super) struct Kea {
    /// What runs, in the flat form.
    pub(super) config: Value,
    /// What it would load again.
    pub(super) file: Value,
    pub(super) bad_file: bool,
    /// Knows `config-hash-get`.
    pub(super) hash: bool,
    /// What becomes of the first `config-set`s; the others are taken.
    pub(super) acts: Vec<Act>,
    pub(super) after_test: Option<Meddling>,
    pub(super) after_set: Option<Meddling>,
    /// Changes with every test.
    pub(super) restless: bool,
    /// So many looks at its state until it is normal after a `config-set`.
    pub(super) waits: usize,
    pub(super) waiting: &'static str,
    /// Its state before.
    pub(super) starts: &'static str,
    /// Reservations in its database.
    pub(super) stored: Vec<Value>,
    pub(super) serves: bool,
    pub(super) failover: bool,
    pub(super) sets: usize,
    /// What was sent last.
    pub(super) sent: Option<Value>,
    pub(super) dead: bool,
    pub(super) left: usize,
    pub(super) mode: &'static str,
}

impl Kea {
    pub(super) fn new(config: Value) -> Self {
        Kea::in_mode(config, "load-balancing", "secondary")
    }

    /// `role` is that of this server.
    pub(super) fn in_mode(mut config: Value, mode: &'static str, role: &str) -> Self {
        let other = match role {
            "primary" if mode == "hot-standby" => "standby",
            "primary" => "secondary",
            _ => "primary",
        };
        config["hooks-libraries"] = json!([{"library": "/lib/ha.so", "parameters": {"high-availability": [{
        "mode": mode, "this-server-name": "own", "heartbeat-delay": 100, "max-response-delay": 2000,
        "sync-timeout": 0, "peers": [
            {"name": "own", "role": role, "url": "http://127.0.0.1:1/"},
            {"name": "other", "role": other, "url": "http://127.0.0.1:2/"},
        ]}]}}]);
        // brings the limit of waiting down to what a test can bear
        if mode == "load-balancing" {
            config["hooks-libraries"][0]["parameters"]["high-availability"][0]["heartbeat-delay"] = json!(1);
            config["hooks-libraries"][0]["parameters"]["high-availability"][0]["max-response-delay"] = json!(100);
        }
        let config = flat(&config);
        Kea {
            file: config.clone(),
            config,
            bad_file: false,
            hash: true,
            acts: Vec::new(),
            after_test: None,
            after_set: None,
            restless: false,
            waits: 0,
            waiting: "waiting",
            starts: mode,
            stored: Vec::new(),
            serves: true,
            failover: true,
            sets: 0,
            sent: None,
            dead: false,
            left: 0,
            mode,
        }
    }

    pub(super) fn state(&self) -> &'static str {
        match (self.sets, self.left) {
            (0, _) => self.starts,
            (_, 0) => self.mode,
            _ => self.waiting,
        }
    }

    fn digest(&self) -> String {
        use sha2::Digest as _;
        crate::engine::fingerprint::hex(&sha2::Sha256::digest(self.config.to_string()))
    }

    fn answer(&mut self, command: &str, arguments: &Value) -> Option<Value> {
        if self.dead {
            return None;
        }
        let fine = |arguments: Value| Some(json!({"result": 0, "text": "fine", "arguments": arguments}));
        match command {
            "list-commands" => {
                let mut names = [
                    "config-get",
                    "config-test",
                    "config-set",
                    "config-reload",
                    "config-write",
                    "status-get",
                    "stat-lease4-get",
                ]
                .to_vec();
                names.extend(self.hash.then_some("config-hash-get"));
                names.extend((!self.stored.is_empty()).then_some("reservation-get-page"));
                fine(json!(names))
            }
            "config-get" if self.hash => fine(json!({"Dhcp4": self.config, "hash": self.digest()})),
            "config-get" => fine(json!({"Dhcp4": self.config})),
            "config-hash-get" => fine(json!({"hash": self.digest()})),
            "status-get" => {
                let state = self.state();
                self.left = self.left.saturating_sub(1);
                let pair = json!([{"ha-mode": self.mode, "ha-servers": {
                    "local": {"state": state, "server-name": "own"},
                    "remote": {"last-state": self.mode, "server-name": "other"}}}]);
                fine(if self.failover { json!({"high-availability": pair}) } else { json!({}) })
            }
            "reservation-get-page" if arguments["from"] == 0 => {
                fine(json!({"hosts": self.stored, "next": {"from": 1, "source-index": 1}, "count": 1}))
            }
            "reservation-get-page" => Some(json!({"result": 3, "text": "no more"})),
            "stat-lease4-get" => Some(json!({"result": 3, "text": "none"})),
            "config-test" => {
                let refused = judge(&arguments["Dhcp4"]);
                if self.restless {
                    self.config["renew-timer"] = json!(self.config["renew-timer"].as_u64().unwrap() + 1);
                }
                if let Some(meddle) = self.after_test.take() {
                    meddle(&mut self.config);
                }
                match refused {
                    Some(text) => Some(json!({"result": 1, "text": text})),
                    None => fine(Value::Null),
                }
            }
            "config-set" => self.set(&arguments["Dhcp4"]),
            "config-reload" if self.bad_file => Some(json!({"result": 1, "text": "no such file"})),
            "config-reload" => {
                self.config = self.file.clone();
                (self.serves, self.failover) = (true, true);
                fine(Value::Null)
            }
            "config-write" => {
                if arguments.get("filename").is_none() {
                    self.file = self.config.clone();
                }
                fine(json!({"size": 1}))
            }
            _ => Some(json!({"result": 2, "text": format!("'{command}' command not supported.")})),
        }
    }

    /// From 2.4 on with the mark of what runs from then on.
    fn set(&mut self, config: &Value) -> Option<Value> {
        self.sets += 1;
        self.sent = Some(config.clone());
        let act = self.acts.get(self.sets - 1).copied();
        let refused = Some(json!({"result": 1, "text": "so it is"}));
        let answer = match act {
            None => Some(json!({"result": 0, "text": "fine", "arguments": {}})),
            Some(Act::Refuse | Act::RefuseInForce) => refused,
            Some(Act::Fatal) => Some(json!({"result": 5, "text": "so it is"})),
            Some(Act::HangUp | Act::TakeHangUp | Act::Die) => None,
            Some(Act::LoseFailover | Act::Meddle | Act::MeddleInScope | Act::Ignore) => {
                Some(json!({"result": 0, "arguments": {}}))
            }
        };
        let takes = !matches!(act, Some(Act::Refuse | Act::Fatal | Act::HangUp | Act::Die | Act::Ignore));
        if takes {
            self.config = flat(config);
            (self.serves, self.failover, self.left) = (true, true, self.waits);
        }
        match act {
            Some(Act::Refuse) if !self.hash => self.serves = false,
            // a lost answer may have been a refusal
            Some(Act::HangUp) if !self.hash => self.serves = false,
            Some(Act::Fatal | Act::LoseFailover) => self.failover = false,
            Some(Act::Meddle) => self.config["renew-timer"] = json!(12345),
            Some(Act::MeddleInScope) => {
                for subnet in self.config["subnet4"].as_array_mut().unwrap() {
                    if subnet["subnet"] == "10.0.9.0/24" {
                        subnet["renew-timer"] = json!(6);
                    }
                }
            }
            Some(Act::Die) => self.dead = true,
            _ => {}
        }
        let marked = answer.map(|mut answer| {
            if let (true, Some(arguments)) = (self.hash, answer.get_mut("arguments")) {
                arguments["hash"] = self.digest().into();
            }
            answer
        });
        if let Some(meddle) = self.after_set.take() {
            meddle(&mut self.config);
        }
        marked
    }
}

/// What a test says of a configuration: numbers must be unique, and one lifetime is evil.
fn judge(config: &Value) -> Option<String> {
    let mut seen = BTreeSet::new();
    for subnet in all_subnets(config) {
        if subnet["valid-lifetime"] == 666 {
            return Some("666 is evil".to_owned());
        }
        if !seen.insert(subnet["id"].as_u64().unwrap()) {
            return Some(format!("id {} twice", subnet["id"]));
        }
    }
    None
}

fn all_subnets(config: &Value) -> impl Iterator<Item = &Value> {
    let networks = config["shared-networks"].as_array().into_iter().flatten();
    std::iter::once(config).chain(networks).flat_map(|home| home["subnet4"].as_array().into_iter().flatten())
}

/// The subnet of this prefix.
pub(super) fn scope_of(config: &Value, prefix: &str) -> Value {
    all_subnets(config).find(|subnet| subnet["subnet"] == prefix).unwrap().clone()
}

/// A configuration as `config-get` shows it: what is inherited is said in networks and
/// subnets, bounds are filled in, subnets are sorted by number. As Kea does it, but by other means.
pub(super) fn flat(config: &Value) -> Value {
    let mut config = config.clone();
    config.as_object_mut().unwrap().entry("valid-lifetime").or_insert(json!(7200));
    let globals = config.as_object().unwrap().clone();
    if let Some(subnets) = config.get_mut("subnet4") {
        flatten(subnets, &globals);
    }
    for network in config.get_mut("shared-networks").and_then(Value::as_array_mut).into_iter().flatten() {
        let network = network.as_object_mut().unwrap();
        // what the text of the network says, before the bounds are filled in
        derive(network, &globals);
        let level = network.clone();
        if let Some(subnets) = network.get_mut("subnet4") {
            flatten(subnets, &level);
        }
        bounds(network);
    }
    config
}

fn flatten(subnets: &mut Value, level: &Map<String, Value>) {
    let subnets = subnets.as_array_mut().unwrap();
    for subnet in subnets.iter_mut() {
        let subnet = subnet.as_object_mut().unwrap();
        derive(subnet, level);
        bounds(subnet);
    }
    subnets.sort_by_key(|subnet| subnet["id"].as_u64());
}

fn derive(object: &mut Map<String, Value>, level: &Map<String, Value>) {
    for key in
        ["renew-timer", "rebind-timer", "valid-lifetime", "min-valid-lifetime", "max-valid-lifetime", "t1-percent"]
    {
        if let (Some(value), false) = (level.get(key), object.contains_key(key)) {
            object.insert(key.to_owned(), value.clone());
        }
    }
}

fn bounds(object: &mut Map<String, Value>) {
    let lifetime = object["valid-lifetime"].clone();
    for key in ["min-valid-lifetime", "max-valid-lifetime"] {
        object.entry(key).or_insert_with(|| lifetime.clone());
    }
    object.sort_keys();
}

/// What is read of a server that runs this, in the same relationship.
pub(super) fn reading(config: &Value) -> KeaConfig {
    config::read(Kea::new(config.clone()).config.to_string().as_bytes(), How::Live).unwrap()
}

pub(super) fn scope(config: &Value, id: ScopeId) -> Scope {
    reading(config).scopes[&id].raw.open().unwrap()
}

/// A Kea behind a control socket.
pub(super) struct Shared {
    kea: Arc<Mutex<Kea>>,
    fake: Fake,
}

impl Shared {
    pub(super) fn new(kea: Kea) -> Self {
        let kea = Arc::new(Mutex::new(kea));
        let behind = kea.clone();
        let fake = Fake::script(move |request| {
            behind.lock().unwrap().answer(request["command"].as_str().unwrap(), &request["arguments"])
        });
        Shared { kea, fake }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Kea> {
        self.kea.lock().unwrap()
    }

    pub(super) fn path(&self) -> PathBuf {
        self.fake.path()
    }

    pub(super) fn commands(&self) -> Vec<String> {
        self.fake.commands()
    }
}
