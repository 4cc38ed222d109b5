//! The adapter of a running Kea, on a real pair: reading, reading again, and every way of writing.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use common::pair::{Mode, Pair, PairOptions, Side, Version};
use scopesync::backend::kea::live::{LiveServer, Policy, WriterChoice};
use scopesync::backend::kea::socket::{Limits, Socket};
use scopesync::engine::approval::{Approved, Questions, Switches};
use scopesync::engine::port::{Control, Done, Fingerprints, Reading, Saved, Server, Work};
use scopesync::engine::{ErrorKind, drift, fingerprint};
use scopesync::model::{Scope, ScopeId, ServerName};
use serde_json::json;

const MEMORY: &str = "memory";

fn server(pair: &Pair, side: Side) -> LiveServer {
    let name = ServerName::from(pair.server(side).name.as_str());
    LiveServer::new(
        name,
        Socket::new(pair.socket(side), Limits::default()),
        Policy { read_only: false, save: true, ..Policy::default() },
    )
}

fn approved() -> Approved {
    let switches = Switches { force: true, ..Switches::default() };
    let questions = Questions::new("plan", vec!["pair".into()], "a test", switches, BTreeSet::new());
    questions.into_approved().pop().expect("approved by force")
}

async fn read(server: &LiveServer) -> Reading {
    server.read(&Control::free()).await.expect("a reading")
}

fn opened(reading: &Reading) -> BTreeMap<ScopeId, Scope> {
    let open = |id: &ScopeId, raw: &scopesync::engine::port::Entry| (*id, raw.raw.open().expect("a scope"));
    reading.scopes.iter().map(|(id, entry)| open(id, entry)).collect()
}

/// What a run would do for every scope that differs, from A to B.
fn work(source: &Reading, target: &Reading) -> Vec<Arc<Work>> {
    let (ours, theirs) = (opened(source), opened(target));
    let one = |(id, ours): (&ScopeId, &Scope)| {
        let before = theirs.get(id).cloned();
        let changes = match &before {
            Some(before) => drift::compare(ours, before),
            None => drift::create_all(ours, &target.levels.parents(ours.network())),
        };
        let work = || Work {
            id: *id,
            want: Some(drift::want(ours, before.as_ref(), &changes, target.levels.as_ref())),
            expect: Fingerprints {
                source: Some(fingerprint::of(ours, &source.context)),
                target: before.as_ref().map(|before| fingerprint::of(before, &target.context)),
            },
            before: before.clone(),
            changes: changes.clone(),
            leaves_out: false,
        };
        (!changes.is_empty()).then(|| Arc::new(work()))
    };
    ours.iter().filter_map(one).collect()
}

/// Replicates everything from A to B and proves that nothing differs afterwards.
async fn replicate(pair: &Pair) -> Vec<Arc<Work>> {
    let (a, b) = (server(pair, Side::A), server(pair, Side::B));
    let work = work(&read(&a).await, &read(&b).await);
    let ctl = Control::free();
    let writer = b.writer(&ctl).await.expect("a writer");
    let before = pair.config_hashes();
    let assessment = writer.assess(&work, &ctl).await.expect("an assessment");
    assert_eq!(pair.config_hashes(), before, "assessing reads only");
    assert!(assessment.refusals.is_empty(), "{:?}", assessment.refusals);
    for (work, done) in work.iter().zip(writer.write(&work, &approved(), &(), &ctl).await) {
        assert!(matches!(done, Done::Applied), "{}: {done:?}", work.id);
    }
    assert_eq!(pair.config_hashes()[0], before[0], "the source is never written");
    for work in &work {
        let again = b.reread(&[work.id], &ctl).await.expect("read back");
        let now = again[&work.id].as_ref().expect("the scope is there");
        let left = work.residual(Some(now));
        assert!(left.is_empty(), "{}: {left:#?}", work.id);
    }
    let left = self::work(&read(&a).await, &read(&b).await);
    assert!(left.is_empty(), "{left:#?}");
    work
}

#[tokio::test]
async fn a_reading_tells_what_is_there() {
    let Some(pair) = Pair::up(PairOptions { leases: 5, ..PairOptions::default() }) else { return };
    let server = server(&pair, Side::B);
    let reading = read(&server).await;
    assert_eq!(reading.version.map(|version| version.to_string()), Some(pair.version().to_owned()));
    assert_eq!(reading.scopes.len(), 10);
    assert_eq!(reading.pulse, server.pulse(&Control::free()).await.expect("a pulse"));
    // what watching asks of a server that has not moved, at most once a minute
    let (began, rounds) = (std::time::Instant::now(), 20);
    for _ in 0..rounds {
        server.pulse(&Control::free()).await.expect("a pulse");
        server.health(&Control::free()).await.expect("its health");
    }
    let each = began.elapsed() / rounds;
    println!("a round of watching takes an unchanged server {each:?} at most");
    assert!(each < std::time::Duration::from_millis(600), "under 1 % of its time, not {each:?} a minute");
    let [membership] = reading.health.memberships.as_slice() else { panic!("{:?}", reading.health) };
    assert_eq!(membership.this_server.raw(), "server2");
    assert!(membership.state.as_ref().is_some_and(|state| state.is_normal(&membership.mode)), "{membership:?}");
    assert!(membership.partner_state.as_ref().is_some_and(|state| state.is_normal(&membership.mode)), "{membership:?}");
    assert_eq!(membership.clock_skew, Some(0));
    let clock = reading.health.clock.expect("a clock");
    assert!(clock.as_secs().abs() <= 2, "{clock:?}");
    assert_eq!(server.addresses(), ["server2"]);
    let used = server.utilisation(&Control::free()).await.expect("numbers").expect("stat_cmds is loaded");
    assert_eq!(used.len(), 10);
    assert_eq!(used.values().map(|one| one.assigned).sum::<u64>(), 5);
    assert!(used.values().all(|one| one.total == 63));
}

#[tokio::test]
async fn scopes_read_again_are_the_same() {
    let options =
        PairOptions { subnets: 12, reservations: 60, ..PairOptions::with_drift(&["option43", "hidden-text"]) };
    let Some(pair) = Pair::up(options) else { return };
    let server = server(&pair, Side::B);
    let reading = read(&server).await;
    let ids: Vec<ScopeId> = reading.scopes.keys().copied().collect();
    let all_at_once = server.reread(&ids, &Control::free()).await.expect("read again");
    for (id, scope) in opened(&reading) {
        let again = server.reread(&[id], &Control::free()).await.expect("read again");
        for again in [&again[&id], &all_at_once[&id]] {
            let again = again.as_ref().expect("it is there");
            assert_eq!(again.items, scope.items, "{id}");
            assert_eq!(
                (&again.needs, &again.unreadable, again.network()),
                (&scope.needs, &scope.unreadable, scope.network())
            );
            assert_eq!(fingerprint::of(again, &reading.context), fingerprint::of(&scope, &reading.context));
        }
    }
    let missing: ScopeId = "192.0.2.0/24".parse().expect("a scope id");
    assert!(server.reread(&[missing], &Control::free()).await.expect("read again")[&missing].is_none());
}

#[tokio::test]
async fn everything_that_can_be_replicated_is() {
    let drift = [
        "pool-range",
        "pool-class",
        "pool-missing",
        "pool-extra",
        "pool-option",
        "option-value",
        "option-missing",
        "option-extra",
        "lifetime",
        "comment",
        "hidden-text",
        "relay",
        "subnet-class",
        "reservation-missing",
        "reservation-extra:6",
        "reservation-changed",
        "reservation-client",
        "reservation-hostname",
        "reservation-option",
        "reservation-class",
        "subnet-missing",
        "subnet-id:8",
        "network-member",
    ];
    let options = PairOptions { subnets: 12, reservations: 60, ..PairOptions::with_drift(&drift) };
    let Some(pair) = Pair::up(options) else { return };
    let work = replicate(&pair).await;
    assert!(work.len() >= 10, "{}", work.len());
}

#[tokio::test]
async fn reservations_that_move_and_swap_never_collide() {
    let Some(pair) = Pair::up(PairOptions { subnets: 6, reservations: 60, ..PairOptions::default() }) else { return };
    let hosts = |side| pair.ok(side, "reservation-get-all", json!({"subnet-id": 1}))["hosts"].take();
    let all = hosts(Side::A);
    let all: Vec<_> = all.as_array().expect("hosts").clone();
    assert_eq!(all.len(), 10);
    let forget = |host: &serde_json::Value| {
        let arguments = json!({"operation-target": MEMORY, "subnet-id": 1, "identifier-type": "hw-address", "identifier": host["hw-address"]});
        pair.ok(Side::B, "reservation-del", arguments);
    };
    let keep = |host: &serde_json::Value, address: &serde_json::Value| {
        let mut host = host.clone();
        host["ip-address"] = address.clone();
        pair.ok(Side::B, "reservation-add", json!({"operation-target": MEMORY, "reservation": host}));
    };
    // a ring of three, a swap of two, one that moved into the place of one that is gone
    all.iter().take(7).for_each(forget);
    for (host, at) in [(0, 1), (1, 2), (2, 0), (3, 4), (4, 3), (5, 6)] {
        keep(&all[host], &all[at]["ip-address"]);
    }
    // clients that are no hardware address, with and without an address
    for (kind, id, address) in [
        ("client-id", "'abc'", None),
        ("flex-id", "'x y'", Some("10.0.0.101")),
        ("duid", "01:02:03:04", Some("10.0.0.102")),
    ] {
        for (side, hostname) in [(Side::A, "new"), (Side::B, "old")] {
            let mut host = json!({"subnet-id": 1, kind: id, "hostname": format!("{hostname}-{kind}")});
            if let Some(address) = address {
                host["ip-address"] = address.into();
            }
            pair.ok(side, "reservation-add", json!({"operation-target": MEMORY, "reservation": host}));
        }
    }
    let work = replicate(&pair).await;
    assert_eq!(work.len(), 1);
    let sorted = |side| {
        let mut hosts: Vec<String> = hosts(side).as_array().expect("hosts").iter().map(ToString::to_string).collect();
        hosts.sort();
        hosts
    };
    assert_eq!(sorted(Side::A), sorted(Side::B));
}

#[tokio::test]
async fn what_was_written_outlives_a_restart_only_when_saved() {
    let Some(pair) = Pair::up(PairOptions::with_drift(&["lifetime"])) else { return };
    replicate(&pair).await;
    let b = server(&pair, Side::B);
    let ctl = Control::free();
    let writer = b.writer(&ctl).await.expect("a writer");
    let on_disk = || pair.config_on_disk(Side::B);
    let before = on_disk();
    writer.prepare(&approved(), &ctl).await.expect("the old configuration is kept");
    assert_eq!(on_disk(), before);
    writer.prepare(&approved(), &ctl).await.expect("the old configuration is kept again");
    let folder = pair.config_path(Side::B).parent().expect("a folder").to_owned();
    let names = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let kept = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("scopesync-before-");
    assert_eq!(names.filter(kept).count(), 2, "each is kept under a name of its own");
    assert_eq!(writer.save(&ctl).await, Saved::Saved);
    assert_ne!(on_disk(), before);
}

#[tokio::test]
async fn a_server_that_may_not_write_its_file_says_so() {
    let Some(pair) = Pair::up(PairOptions { no_write: true, subnets: 2, reservations: 2, ..PairOptions::default() })
    else {
        return;
    };
    let ctl = Control::free();
    let writer = server(&pair, Side::B).writer(&ctl).await.expect("a writer");
    let Saved::NotSaved(error) = writer.save(&ctl).await else { panic!("it was saved") };
    assert!(error.what.contains("config-write was refused: Error during config-write"), "{error}");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("_kea")), "{error:?}");
    let not_kept = writer.prepare(&approved(), &ctl).await.expect_err("it may not write");
    assert!(not_kept.hint.is_some() && not_kept.hint != error.hint, "said twice: {not_kept:?}");
}

#[tokio::test]
async fn without_the_hooks_there_is_no_writer() {
    let options =
        PairOptions { no_hook: vec!["subnet_cmds".into()], subnets: 2, reservations: 2, ..PairOptions::default() };
    let Some(pair) = Pair::up(options) else { return };
    let policy = Policy { read_only: false, save: true, writer: WriterChoice::Commands };
    let name = ServerName::from("kea-2");
    let b = LiveServer::new(name, Socket::new(pair.socket(Side::B), Limits::default()), policy);
    let Err(error) = b.writer(&Control::free()).await else { panic!("there is a writer") };
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("libdhcp_subnet_cmds.so")), "{error:?}");
    // and scopes are read again from the whole configuration
    let ids: Vec<ScopeId> = read(&b).await.scopes.keys().copied().collect();
    let again = b.reread(&ids[..1], &Control::free()).await.expect("read again");
    assert!(again[&ids[0]].is_some());
}

/// Names of the refusals by scope, for everything that differs from A to B.
async fn refusals(pair: &Pair) -> BTreeMap<String, Vec<&'static str>> {
    let (a, b) = (server(pair, Side::A), server(pair, Side::B));
    let work = work(&read(&a).await, &read(&b).await);
    let ctl = Control::free();
    let writer = b.writer(&ctl).await.expect("a writer");
    let assessment = writer.assess(&work, &ctl).await.expect("an assessment");
    assessment
        .refusals
        .into_iter()
        .map(|(id, refusals)| (id.to_string(), refusals.iter().map(|refusal| refusal.name).collect()))
        .collect()
}

#[tokio::test]
async fn what_must_not_be_written_is_refused_by_name() {
    let drift =
        ["option43:0", "lifetime:0", "optdef-missing", "network-missing", "subnet-missing:8", "subnet-missing:1"];
    let options = PairOptions { subnets: 12, reservations: 24, ..PairOptions::with_drift(&drift) };
    let Some(pair) = Pair::up(options) else { return };
    let add =
        |id: u32, prefix: &str| pair.ok(Side::B, "subnet4-add", json!({"subnet4": [{"id": id, "subnet": prefix}]}));
    add(9, "172.16.0.0/24");
    add(77, "10.0.1.128/25");
    let expected = [
        ("10.0.0.0/24", vec!["option-43"]),
        ("10.0.1.0/24", vec!["overlap"]),
        // the definition of their option site-code is missing
        ("10.0.3.0/24", vec!["option-definition-missing"]),
        ("10.0.7.0/24", vec!["option-definition-missing"]),
        ("10.0.8.0/24", vec!["id-taken"]),
        ("10.0.10.0/24", vec!["network-missing"]),
        ("10.0.11.0/24", vec!["option-definition-missing", "network-missing"]),
    ];
    let expected: BTreeMap<String, Vec<&str>> = expected.map(|(scope, names)| (scope.to_owned(), names)).into();
    assert_eq!(refusals(&pair).await, expected);
}

#[tokio::test]
async fn leases_refuse_renumbering_and_shrinking() {
    let options =
        PairOptions { reservations: 10, ..PairOptions::with_drift(&["subnet-id:0", "pool-extra:3", "pool-extra:4"]) };
    let Some(pair) = Pair::up(options) else { return };
    assert_eq!(refusals(&pair).await, BTreeMap::new());
    let lease = |address: &str| {
        let lease = json!({"ip-address": address, "hw-address": "02:aa:00:00:00:01", "force-create": true});
        pair.ok(Side::B, "lease4-add", lease);
    };
    // in the renumbered scope, in the range that goes, and in one that stays
    ["10.0.0.200", "10.0.3.180", "10.0.4.200"].into_iter().for_each(lease);
    let expected = [("10.0.0.0/24", vec!["renumber-leases"]), ("10.0.3.0/24", vec!["shrink-leases"])];
    let expected: BTreeMap<String, Vec<&str>> = expected.map(|(scope, names)| (scope.to_owned(), names)).into();
    assert_eq!(refusals(&pair).await, expected);
    // also when the lease came after the preview
    let (a, b) = (server(&pair, Side::A), server(&pair, Side::B));
    let work = work(&read(&a).await, &read(&b).await);
    let ctl = Control::free();
    let hash = pair.config_hash(Side::B);
    let done = b.writer(&ctl).await.expect("a writer").write(&work[..1], &approved(), &(), &ctl).await;
    let [Done::Rejected(error)] = done.as_slice() else { panic!("{done:?}") };
    assert!(error.what.starts_with("renumber-leases: "), "{error}");
    assert_eq!(pair.config_hash(Side::B), hash);
}

#[tokio::test]
async fn a_scope_that_moved_since_the_preview_is_not_written() {
    let Some(pair) = Pair::up(PairOptions::with_drift(&["lifetime:0", "subnet-missing:1"])) else { return };
    let (a, b) = (server(&pair, Side::A), server(&pair, Side::B));
    let work = work(&read(&a).await, &read(&b).await);
    assert_eq!(work.len(), 2);
    let ctl = Control::free();
    let writer = b.writer(&ctl).await.expect("a writer");
    // the id now belongs to another prefix, and the missing scope has come
    pair.ok(Side::B, "subnet4-del", json!({"id": 1}));
    pair.ok(Side::B, "subnet4-add", json!({"subnet4": [{"id": 1, "subnet": "192.0.2.0/24"}]}));
    pair.ok(Side::B, "subnet4-add", json!({"subnet4": [{"id": 88, "subnet": "10.0.1.0/24"}]}));
    let hash = pair.config_hash(Side::B);
    for done in writer.write(&work, &approved(), &(), &ctl).await {
        let Done::Rejected(error) = done else { panic!("{done:?}") };
        assert_eq!(error.kind, ErrorKind::Moved, "{error}");
    }
    assert_eq!(pair.config_hash(Side::B), hash);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_told_apart() {
    let Some(pair) = Pair::up(PairOptions::with_drift(&["lifetime"])) else { return };
    let limits = Limits { read: Duration::from_millis(300), write: Duration::from_millis(300), ..Limits::default() };
    let name = ServerName::from("kea-2");
    let policy = Policy { read_only: false, save: true, ..Policy::default() };
    let b = LiveServer::new(name, Socket::new(pair.socket(Side::B), limits), policy);
    let work = work(&read(&server(&pair, Side::A)).await, &read(&b).await);
    let ctl = Control::free();
    let writer = b.writer(&ctl).await.expect("a writer");
    pair.freeze(Side::B);
    let frozen = b.read(&ctl).await.expect_err("it is frozen");
    assert_eq!((frozen.kind, frozen.in_doubt), (ErrorKind::TimedOut, false));
    let done = writer.write(&work, &approved(), &(), &ctl).await;
    assert!(matches!(done.as_slice(), [Done::Rejected(error)] if error.kind == ErrorKind::TimedOut), "{done:?}");
    // a request that changes something and was taken may still be carried out
    let saved = writer.save(&ctl).await;
    assert!(matches!(&saved, Saved::NotSaved(error) if error.in_doubt), "{saved:?}");
    pair.thaw(Side::B);
    pair.kill(Side::B);
    let dead = b.read(&ctl).await.expect_err("it is dead");
    assert_eq!(dead.kind, ErrorKind::Unreachable);
    assert_eq!(dead.server.as_ref().map(ServerName::as_str), Some("kea-2"));
    assert!(dead.hint.is_some());
}

#[tokio::test]
async fn an_old_kea_is_read_in_full() {
    let old =
        PairOptions { version: Version::Installed, mode: Mode::HotStandby, ..PairOptions::with_drift(&["lifetime"]) };
    let Some(pair) = Pair::up(old) else { return };
    let (a, b) = (server(&pair, Side::A), server(&pair, Side::B));
    let (ours, theirs) = (read(&a).await, read(&b).await);
    assert_eq!(theirs.version.as_ref().map(ToString::to_string), Some(pair.version().to_owned()));
    let membership = &theirs.health.memberships[0];
    assert_eq!(membership.this_server.raw(), "server2");
    assert_eq!(membership.state.as_ref().map(|state| state.0.raw()), Some("hot-standby"));
    assert_eq!(membership.partner_state.as_ref().map(|state| state.0.raw()), Some("hot-standby"));
    assert_ne!(ours.identity, theirs.identity);
    assert_eq!((&theirs.pulse, b.pulse(&Control::free()).await), (&None, Ok(None)));
    let work = work(&ours, &theirs);
    let [only] = work.as_slice() else { panic!("{work:?}") };
    let again = b.reread(&[only.id], &Control::free()).await.expect("read again");
    assert_eq!(again[&only.id].as_ref().map(|scope| &scope.items), only.before.as_ref().map(|scope| &scope.items));
    let writer = b.writer(&Control::free()).await.expect("a writer");
    assert_eq!(writer.abilities().name, "Kea whole configuration");
}

#[tokio::test]
async fn a_scope_follows_its_shared_network_in_and_out() {
    let options = PairOptions { subnets: 12, reservations: 24, ..PairOptions::with_drift(&["subnet-id:10"]) };
    let Some(pair) = Pair::up(options) else { return };
    replicate(&pair).await;
    let roof = json!({"name": "roof", "valid-lifetime": 9000, "renew-timer": 1111, "next-server": "192.0.2.9"});
    for side in Side::BOTH {
        pair.ok(side, "network4-add", json!({"shared-networks": [roof]}));
        // a scope without values of its own
        pair.ok(side, "subnet4-add", json!({"subnet4": [{"id": 90, "subnet": "172.16.0.0/24"}]}));
    }
    let join = |name: &str, id: u32| pair.ok(Side::A, "network4-subnet-add", json!({"name": name, "id": id}));
    let leave = |name: &str, id: u32| pair.ok(Side::A, "network4-subnet-del", json!({"name": name, "id": id}));
    for change in [&|| join("roof", 1), &|| leave("floor-1", 11), &|| join("roof", 90)] as [&dyn Fn() -> _; 3] {
        change();
        assert_eq!(replicate(&pair).await.len(), 1);
    }
    leave("roof", 1);
    join("floor-1", 1);
    leave("roof", 90);
    assert_eq!(replicate(&pair).await.len(), 2);
    assert_eq!(pair.subnet(Side::A, "10.0.0.0/24"), pair.subnet(Side::B, "10.0.0.0/24"));
    assert_eq!(pair.subnet(Side::A, "172.16.0.0/24"), pair.subnet(Side::B, "172.16.0.0/24"));
}
