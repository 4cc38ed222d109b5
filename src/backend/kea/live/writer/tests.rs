//! The order of requests, and the truth of what is said about them, against a small Kea in memory
//! that can refuse, hang up or be cancelled at any request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::intent::Intent;
use super::session::Session;
use crate::backend::kea::command::Channel;
use crate::backend::kea::config::Surroundings;
use crate::backend::kea::fake::Fake;
use crate::backend::kea::socket::{Limits, Socket};
use crate::backend::kea::subnet;
use crate::engine::drift;
use crate::engine::error::AGAIN;
use crate::engine::port::{Done, Fingerprints, Refusal, Work};
use crate::model::{Foreign, ItemKey, ReservationKey, Scope};

const PREFIX: &str = "10.0.0.0/24";

/// A client with or without an address, and its host name.
type Client = (u8, Option<u8>, u8);

fn mac(client: u8) -> String {
    format!("02:00:00:00:00:{client:02x}")
}

fn host((client, address, name): Client) -> Value {
    let mut host = json!({ "hw-address": mac(client), "hostname": format!("h{name}") });
    if let Some(address) = address {
        host["ip-address"] = format!("10.0.0.{address}").into();
    }
    host
}

fn scope(id: u32, network: Option<&str>, lifetime: u32, clients: &[Client]) -> Scope {
    let hosts: Vec<Value> = clients.iter().copied().map(host).collect();
    let json = json!({ "id": id, "subnet": PREFIX, "valid-lifetime": lifetime, "reservations": hosts });
    subnet::open(&json, network.map(Foreign::from).as_ref(), &Surroundings::default()).unwrap()
}

fn work(before: Option<Scope>, source: &Scope) -> Work {
    let around = Surroundings::default();
    let changes = match &before {
        Some(before) => drift::compare(source, before),
        None => drift::create_all(source, around.parents(source.network())),
    };
    Work {
        id: source.id,
        want: Some(drift::want(source, before.as_ref(), &changes, &around)),
        before,
        changes,
        expect: Fingerprints { source: None, target: None },
        leaves_out: false,
    }
}

/// What goes wrong, and at which request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    None,
    Refuse(usize),
    /// This request and all after it.
    RefuseFrom(usize),
    HangUp(usize),
    Cancel(usize),
}

/// One subnet's worth of Kea: hosts by client, as Kea 3.0 was seen to keep them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Mini {
    subnet: Option<(u64, Value)>,
    network: Option<String>,
    hosts: BTreeMap<String, Value>,
}

impl Mini {
    fn of(scope: &Scope) -> Mini {
        let native = &*scope.native;
        let hosts = native["reservations"].as_array().into_iter().flatten();
        Mini {
            subnet: Some((native["id"].as_u64().unwrap(), native["valid-lifetime"].clone())),
            network: scope.network().map(|name| name.raw().to_owned()),
            hosts: hosts.map(|host| (host["hw-address"].as_str().unwrap().to_owned(), host.clone())).collect(),
        }
    }

    fn carry_out(&mut self, command: &str, arguments: &Value, refuse: bool) -> i64 {
        let subnet = &arguments["subnet4"][0];
        let id = arguments["id"].as_u64().or_else(|| subnet["id"].as_u64());
        let own = self.subnet.as_ref().map(|(own, _)| *own);
        match command {
            "reservation-get" => match self.hosts.contains_key(arguments["identifier"].as_str().unwrap()) {
                true => 0,
                false => 3,
            },
            "reservation-update" => {
                let host = &arguments["reservation"];
                let Some(old) = self.hosts.remove(host["hw-address"].as_str().unwrap()) else { return 1 };
                assert_eq!(old["ip-address"], host["ip-address"], "an update must not be able to collide");
                if refuse { 1 } else { self.add(host) }
            }
            _ if refuse => 1,
            "reservation-add" => self.add(&arguments["reservation"]),
            "reservation-del" => match self.hosts.remove(arguments["identifier"].as_str().unwrap()) {
                Some(_) => 0,
                None => 3,
            },
            "subnet4-add" if own.is_none() => {
                self.subnet = Some((id.unwrap(), subnet["valid-lifetime"].clone()));
                0
            }
            "subnet4-update" if own == id => {
                assert!(subnet.get("reservations").is_none());
                self.subnet = Some((id.unwrap(), subnet["valid-lifetime"].clone()));
                0
            }
            "subnet4-del" if own == id => {
                *self = Mini::default();
                0
            }
            "network4-subnet-add" if own == id && self.network.is_none() => {
                self.network = arguments["name"].as_str().map(str::to_owned);
                0
            }
            "network4-subnet-del" if own == id && self.network.as_deref() == arguments["name"].as_str() => {
                self.network = None;
                0
            }
            _ => 1,
        }
    }

    fn add(&mut self, host: &Value) -> i64 {
        let client = host["hw-address"].as_str().unwrap();
        let taken = |other: &Value| other.get("ip-address").is_some_and(|at| Some(at) == host.get("ip-address"));
        let strange = host["subnet-id"].as_u64() != self.subnet.as_ref().map(|(id, _)| *id);
        if strange || self.hosts.contains_key(client) || self.hosts.values().any(taken) {
            return 1;
        }
        let mut host = host.clone();
        host.as_object_mut().unwrap().shift_remove("subnet-id");
        self.hosts.insert(client.to_owned(), host);
        0
    }

    /// Whether a change is made here: what `key` names is as it is in `like`.
    fn agrees(&self, like: &Mini, key: &ItemKey) -> bool {
        let at = |mini: &Mini, key: &ReservationKey| match key {
            ReservationKey::Address(address) | ReservationKey::Shared(address, ..) => {
                let address = address.to_string();
                mini.hosts.values().find(|host| host["ip-address"].as_str() == Some(&address)).cloned()
            }
            ReservationKey::Client(_, id) => {
                mini.hosts.get(id.raw()).filter(|host| host.get("ip-address").is_none()).cloned()
            }
        };
        let number = |mini: &Mini| mini.subnet.as_ref().map(|(id, _)| *id);
        let lifetime = |mini: &Mini| mini.subnet.as_ref().map(|(_, lifetime)| lifetime.clone());
        match key.in_reservation() {
            Some(key) => at(self, key) == at(like, key),
            None if *key == super::intent::id_key() => number(self) == number(like),
            None if *key == super::intent::network_key() => self.network == like.network,
            None => lifetime(self) == lifetime(like),
        }
    }
}

struct Played {
    done: Done,
    kea: Mini,
    commands: Vec<String>,
}

async fn play(before: Mini, work: &Work, trouble: Trouble) -> Played {
    let kea = Arc::new(Mutex::new(before));
    let hard = CancellationToken::new();
    let (behind, cancel) = (kea.clone(), hard.clone());
    let mut at = 0;
    let fake = Fake::script(move |request| {
        if trouble == Trouble::Cancel(at) {
            cancel.cancel();
        }
        let command = request["command"].as_str().unwrap();
        let refuse = match trouble {
            Trouble::Refuse(this) => at == this,
            Trouble::RefuseFrom(first) => at >= first,
            _ => false,
        };
        let result = behind.lock().unwrap().carry_out(command, &request["arguments"], refuse);
        let hang_up = trouble == Trouble::HangUp(at);
        at += 1;
        (!hang_up).then(|| json!({ "result": result, "text": format!("{command} gave {result}") }))
    });
    let channel = Channel::new("target".into(), Socket::new(fake.path(), Limits::default()));
    let intent = Intent::new(work, &Surroundings::default()).unwrap();
    let done = Session::new(&channel, work.id, &hard).write(&intent).await;
    let requests: Vec<String> = fake.requests().iter().map(ToString::to_string).collect();
    let distinct: BTreeSet<&String> = requests.iter().collect();
    let repeatable = matches!(trouble, Trouble::Refuse(_) | Trouble::RefuseFrom(_));
    assert!(repeatable || distinct.len() == requests.len(), "sent twice: {requests:#?}");
    let kea = kea.lock().unwrap().clone();
    Played { done, kea, commands: fake.commands() }
}

/// What is said to be done is done, and nothing else is.
fn assert_true(work: &Work, want: &Mini, played: &Played) {
    let said = match &played.done {
        Done::Applied => work.changes.iter().map(|change| change.key.clone()).collect(),
        Done::Partial { done, .. } => done.clone(),
        Done::Rejected(_) | Done::Cancelled => BTreeSet::new(),
        // nothing is said
        Done::Unknown(_) => return,
    };
    for change in &work.changes {
        let made = played.kea.agrees(want, &change.key);
        assert_eq!(said.contains(&change.key), made, "{}: {:?} {:?}", change.key, played.done, played.kea);
    }
}

/// Every kind of change to reservations in one work.
fn busy() -> (Scope, Scope) {
    let before = [(1, Some(1), 0), (2, Some(2), 0), (3, Some(3), 0), (4, Some(4), 0), (5, Some(5), 0), (6, None, 0)];
    let after = [(1, Some(2), 0), (2, Some(1), 0), (3, Some(3), 9), (7, Some(4), 0), (5, Some(8), 0), (9, None, 0)];
    (scope(1, None, 1000, &before), scope(1, None, 2000, &after))
}

async fn every_trouble(before: &Scope, source: &Scope, check: impl Fn(Trouble, &Played)) {
    let work = work(Some(before.clone()), source);
    let want = Mini::of(source);
    let fine = play(Mini::of(before), &work, Trouble::None).await;
    assert!(matches!(fine.done, Done::Applied), "{:?}", fine.done);
    assert_eq!(fine.kea, want);
    for at in 0..fine.commands.len() {
        for trouble in [Trouble::Refuse(at), Trouble::HangUp(at), Trouble::Cancel(at)] {
            let played = play(Mini::of(before), &work, trouble).await;
            assert_true(&work, &want, &played);
            match trouble {
                Trouble::HangUp(_) => assert!(matches!(played.done, Done::Unknown(_)), "{trouble:?} {:?}", played.done),
                Trouble::Refuse(_) => assert!(!matches!(played.done, Done::Applied | Done::Unknown(_))),
                _ => assert!(!matches!(played.done, Done::Unknown(_) | Done::Rejected(_))),
            }
            check(trouble, &played);
        }
    }
}

#[tokio::test]
async fn whatever_goes_wrong_is_told_as_it_is() {
    let (before, source) = busy();
    every_trouble(&before, &source, |trouble, played| {
        if let Trouble::Refuse(0) = trouble {
            assert!(matches!(played.done, Done::Rejected(_)), "{:?}", played.done);
        }
    })
    .await;
}

#[tokio::test]
async fn a_refused_update_does_not_cost_the_reservation() {
    let before = scope(1, None, 1000, &[(1, Some(1), 0), (2, Some(2), 0)]);
    let source = scope(1, None, 1000, &[(1, Some(1), 5), (2, Some(2), 0)]);
    let played = play(Mini::of(&before), &work(Some(before.clone()), &source), Trouble::Refuse(0)).await;
    assert_eq!(played.kea, Mini::of(&before));
    assert_eq!(played.commands, ["reservation-update", "reservation-get", "reservation-add"]);
    let Done::Partial { done, cause } = played.done else { panic!("{:?}", played.done) };
    assert!(done.is_empty() && cause.what.ends_with("the old reservation was put back"), "{cause}");
}

#[tokio::test]
async fn a_scope_whose_number_changes_is_never_left_out() {
    let clients = [(1, Some(1), 0), (2, Some(2), 0), (3, None, 0)];
    let before = scope(1, Some("floor"), 1000, &clients);
    let source = scope(7, Some("floor"), 2000, &clients);
    every_trouble(&before, &source, |trouble, played| {
        if let Trouble::HangUp(_) = trouble {
            return;
        }
        assert!(played.kea.subnet.is_some(), "{trouble:?} {:?}", played.done);
        let lost = 3 - played.kea.hosts.len();
        assert!(lost <= usize::from(matches!(trouble, Trouble::Refuse(_))), "{trouble:?} {:?}", played.done);
    })
    .await;
}

#[tokio::test]
async fn a_scope_that_is_left_out_is_named_with_the_remedies() {
    let (before, source) = (scope(1, Some("floor"), 1000, &[(1, Some(1), 0)]), scope(7, Some("floor"), 1000, &[]));
    let work = work(Some(before.clone()), &source);
    // update, delete, then the scope under its new number and again under its old one
    let cases = [
        (Trouble::RefuseFrom(2), "the target LACKS the scope now", false),
        (Trouble::HangUp(1), "the target may LACK the scope now", false),
        (Trouble::HangUp(2), "the target may LACK the scope now", true),
    ];
    for (trouble, says, there) in cases {
        let played = play(Mini::of(&before), &work, trouble).await;
        assert_eq!(played.kea.subnet.is_some(), there, "{trouble:?}");
        let (Done::Partial { cause: error, .. } | Done::Unknown(error)) = played.done else { panic!("{trouble:?}") };
        assert!(error.what.starts_with(says), "{trouble:?} {error}");
        let hint = error.hint.unwrap_or_default();
        assert!(hint.contains(AGAIN) && hint.contains("config-reload"), "{trouble:?} {hint}");
    }
    // an undo puts other words there
    assert!(super::BROUGHT_BACK.contains(AGAIN));
    // outside of its network is not gone
    let played = play(Mini::of(&before), &work, Trouble::Refuse(2)).await;
    let Done::Partial { cause, .. } = played.done else { panic!("{:?}", played.done) };
    assert!(played.kea == Mini::of(&before) && cause.what.ends_with("was put back under id 1"), "{cause}");
}

#[tokio::test]
async fn a_scope_that_changes_its_network_falls_back_into_the_old_one() {
    let before = scope(1, Some("floor"), 1000, &[]);
    let source = scope(1, Some("roof"), 1000, &[]);
    every_trouble(&before, &source, |trouble, played| {
        if let Trouble::Refuse(_) = trouble {
            assert_eq!(played.kea.network.as_deref(), Some("floor"));
        }
    })
    .await;
    let out = scope(1, None, 1000, &[]);
    every_trouble(&before, &out, |_, _| {}).await;
    every_trouble(&out, &before, |_, _| {}).await;
}

#[tokio::test]
async fn a_missing_scope_is_made_with_all_that_is_in_it() {
    let source = scope(4, Some("floor"), 2000, &[(1, Some(1), 0), (2, None, 3)]);
    let work = work(None, &source);
    let want = Mini::of(&source);
    let fine = play(Mini::default(), &work, Trouble::None).await;
    assert!(matches!(fine.done, Done::Applied), "{:?}", fine.done);
    assert_eq!(fine.kea, want);
    assert_eq!(fine.commands, ["subnet4-add", "network4-subnet-add", "reservation-add", "reservation-add"]);
    for at in 0..4 {
        for trouble in [Trouble::Refuse(at), Trouble::Cancel(at), Trouble::HangUp(at)] {
            assert_true(&work, &want, &play(Mini::default(), &work, trouble).await);
        }
    }
}

#[tokio::test]
async fn a_scope_is_deleted_by_one_request_with_all_that_is_in_it() {
    let before = scope(1, Some("floor"), 1000, &[(1, Some(1), 0), (2, None, 0)]);
    let work = Work { want: None, changes: drift::target_only(&before), ..work(Some(before.clone()), &before) };
    let fine = play(Mini::of(&before), &work, Trouble::None).await;
    assert!(matches!(fine.done, Done::Applied), "{:?}", fine.done);
    assert_eq!((fine.kea, fine.commands), (Mini::default(), vec!["subnet4-del".to_owned()]));
    let refused = play(Mini::of(&before), &work, Trouble::Refuse(0)).await;
    assert!(matches!(refused.done, Done::Rejected(_)), "{:?}", refused.done);
    let lost = play(Mini::of(&before), &work, Trouble::HangUp(0)).await;
    assert!(matches!(lost.done, Done::Unknown(_)), "{:?}", lost.done);
}

fn clients() -> impl Strategy<Value = Vec<Client>> {
    // distinct clients; of those with one address, the first keeps it
    proptest::collection::btree_map(0..6u8, (proptest::option::of(1..6u8), 0..3u8), 0..6).prop_map(|map| {
        let mut taken = BTreeSet::new();
        let free = |at: Option<u8>, taken: &mut BTreeSet<u8>| at.filter(|at| taken.insert(*at));
        map.into_iter().map(|(client, (at, name))| (client, free(at, &mut taken), name)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reservations_never_collide(before in clients(), after in clients(), trouble in 0..12usize) {
        let (before, source) = (scope(1, None, 1000, &before), scope(1, None, 1000, &after));
        let work = work(Some(before.clone()), &source);
        let want = Mini::of(&source);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fine = play(Mini::of(&before), &work, Trouble::None).await;
            assert!(matches!(fine.done, Done::Applied), "{:?}", fine.done);
            assert_eq!(fine.kea, want);
            assert!(!fine.commands.iter().any(|command| command == "subnet4-update"));
            assert_true(&work, &want, &play(Mini::of(&before), &work, Trouble::Refuse(trouble)).await);
        });
    }
}

#[test]
fn refused_scopes_cost_nothing_unless_they_are_overridden() {
    let works: Vec<Arc<Work>> = (0..3u8)
        .map(|at| {
            let numbered = |id: u32| {
                let json = json!({ "id": id, "subnet": format!("10.0.{at}.0/24") });
                subnet::open(&json, None, &Surroundings::default()).unwrap()
            };
            Arc::new(work(Some(numbered(1)), &numbered(7)))
        })
        .collect();
    let refusal = |overridable| Refusal { name: "some", message: String::new(), hint: String::new(), overridable };
    let cost = |refused: &[(usize, &[bool])]| {
        let against = |all: &[bool]| all.iter().copied().map(refusal).collect();
        super::cost_to_service(&works, &refused.iter().map(|(at, all)| (works[*at].id, against(all))).collect())
    };
    let (one, all) =
        ("one scope is absent for a moment while its id changes", "3 scopes are absent, each for a moment");
    assert!(cost(&[]).starts_with(all) && !cost(&[]).contains("overridden"));
    let none: &[bool] = &[false, true];
    assert_eq!(cost(&[(0, none), (1, none), (2, none)]), "none: no client waits");
    assert_eq!(cost(&[(0, none), (1, &[true]), (2, none)]), format!("none: no client waits; if overridden, {one}"));
    let both = format!("{one}; no other client waits; if overridden, in addition {one}");
    assert_eq!(cost(&[(0, none), (1, &[true])]), both);
}
