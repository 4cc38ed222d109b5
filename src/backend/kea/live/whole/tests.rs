//! What becomes of a configuration, against a small Kea in memory that refuses, hangs up,
//! forgets its failover or changes its mind at any `config-set`.

mod ahead;
mod fixpoint;
mod mini;
mod refused;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use self::mini::{Act, Kea, Shared, scope_of};
use super::part::{self, Part};
use super::*;
use crate::backend::kea::socket::{Limits, Socket};
use crate::engine::approval::{Questions, Switches};
use crate::engine::port::{Fingerprints, Gate};
use crate::engine::{drift, fingerprint};
use crate::model::Foreign;

/// Four scopes, the last in a shared network; `change` makes the source of it.
fn base() -> Value {
    json!({
        "valid-lifetime": 4000, "renew-timer": 900,
        "subnet4": [
            {"id": 1, "subnet": "10.0.1.0/24", "reservations": [{"hw-address": "02:00:00:00:00:01"}]},
            {"id": 2, "subnet": "10.0.2.0/24", "valid-lifetime": 100},
            {"id": 3, "subnet": "10.0.3.0/24"},
        ],
        "shared-networks": [{"name": "floor", "renew-timer": 77, "subnet4": [{"id": 4, "subnet": "10.0.4.0/24"}]}],
    })
}

fn approved(overrides: &[&str]) -> Approved {
    let switches = Switches { force: true, ..Switches::default() };
    let overrides = overrides.iter().map(|name| (*name).to_owned()).collect();
    Questions::new("plan", vec!["pair".into()], "a test", switches, overrides).into_approved().pop().unwrap()
}

struct Bench {
    kea: Shared,
    server: LiveServer,
    writer: WholeWriter,
    work: Vec<Arc<Work>>,
    ctl: Control,
}

impl Bench {
    /// A target that runs `kea`, and what makes it like the source that runs `source`.
    async fn new(kea: Kea, source: &Value) -> Bench {
        let kea = Shared::new(kea);
        let limits =
            Limits { read: Duration::from_millis(500), write: Duration::from_millis(500), ..Limits::default() };
        let policy = super::super::Policy { save: true, ..Default::default() };
        let server = LiveServer::new("target".into(), Socket::new(kea.path(), limits), policy);
        let millis = Duration::from_millis;
        let pace = Pace { look: millis(2), poll: millis(2), grace: millis(200), silence: millis(50) };
        let writer = WholeWriter { pace, ..WholeWriter::new(server.clone()) };
        let ctl = Control::free();
        let ours = mini::reading(source);
        let theirs = server.configuration(&ctl).await.unwrap().0.config;
        let work = |id: &ScopeId, source: &crate::model::Scope| {
            let before = theirs.scopes.get(id).map(|entry| entry.raw.open().unwrap());
            let levels = &*theirs.surroundings;
            let changes = match &before {
                Some(before) => drift::compare(source, before),
                None => drift::create_all(source, levels.parents(source.network())),
            };
            let target = before.as_ref().map(|before| fingerprint::of(before, &theirs.context));
            Work {
                id: *id,
                want: Some(drift::want(source, before.as_ref(), &changes, levels)),
                before,
                changes,
                expect: Fingerprints { source: None, target },
                leaves_out: false,
            }
        };
        let work = ours.scopes.iter().map(|(id, entry)| work(id, &entry.raw.open().unwrap()));
        let work = work.filter(|work| !work.changes.is_empty()).map(Arc::new).collect();
        Bench { kea, server, writer, work, ctl }
    }

    async fn write(&self) -> Vec<Done> {
        self.writer.write(&self.work, &approved(&[]), &(), &self.ctl).await
    }

    /// How often each of these was sent.
    fn sent(&self, commands: &[&str]) -> Vec<usize> {
        let sent = self.kea.commands();
        commands.iter().map(|name| sent.iter().filter(|one| one == name).count()).collect()
    }
}

/// What the source has otherwise: everything that one `config-set` can bring about at once.
fn rearranged() -> Value {
    json!({
        "valid-lifetime": 4000, "renew-timer": 900,
        "subnet4": [
            // swapped numbers
            {"id": 2, "subnet": "10.0.1.0/24", "reservations": [{"hw-address": "02:00:00:00:00:02"}]},
            {"id": 1, "subnet": "10.0.2.0/24", "valid-lifetime": 200},
            // out of the network, and a new one
            {"id": 4, "subnet": "10.0.4.0/24"},
            {"id": 9, "subnet": "10.0.9.0/24", "renew-timer": 5},
        ],
        "shared-networks": [{"name": "floor", "renew-timer": 77, "subnet4": [{"id": 3, "subnet": "10.0.3.0/24"}]}],
    })
}

#[tokio::test]
async fn scopes_are_created_renumbered_swapped_and_moved_at_once() {
    let bench = Bench::new(Kea::new(base()), &rearranged()).await;
    assert_eq!(bench.work.len(), 5);
    let listed = part::listed(&bench.server.last_known().unwrap());
    for work in &bench.work {
        let known = bench.server.last_known().unwrap();
        let refusals = refusals::by_configuration(work, &bench.work, &known, &listed);
        assert!(refusals.is_empty(), "{}: {refusals:?}", work.id);
    }
    let done = bench.write().await;
    assert!(done.iter().all(|done| matches!(done, Done::Applied)), "{done:?}");
    assert_eq!(bench.sent(&["config-test", "config-set", "config-reload"]), [1, 1, 0]);
    assert_eq!(bench.kea.lock().config, Kea::new(rearranged()).config);
    // nothing that is inherited was said
    let said = bench.kea.lock().sent.clone().unwrap();
    assert_eq!(scope_of(&said, "10.0.3.0/24"), json!({"id": 3, "subnet": "10.0.3.0/24"}));
    assert_eq!(scope_of(&said, "10.0.9.0/24")["renew-timer"], 5);
    assert_eq!(said["shared-networks"][0].get("valid-lifetime"), None);
    assert_eq!(said["hooks-libraries"], bench.kea.lock().config["hooks-libraries"]);
    assert!(bench.writer.settle(&bench.ctl).await.is_ok());
    assert_eq!(bench.writer.save(&bench.ctl).await, Saved::Saved);
    let kea = bench.kea.lock();
    assert_eq!(kea.file, kea.config);
}

#[tokio::test]
async fn scopes_are_taken_out_of_networks_too_and_nothing_else_is() {
    let mut bench = Bench::new(Kea::new(base()), &base()).await;
    let config = bench.server.configuration(&bench.ctl).await.unwrap().0.config;
    for prefix in ["10.0.2.0/24", "10.0.4.0/24"] {
        let before = config.scopes[&prefix.parse::<ScopeId>().unwrap()].raw.open().unwrap();
        let changes = drift::target_only(&before);
        let expect = Fingerprints { source: None, target: None };
        let (id, before) = (before.id, Some(before));
        bench.work.push(Arc::new(Work { id, before, want: None, changes, expect, leaves_out: false }));
    }
    // this Kea cannot tell whether clients hold leases there
    let done = bench.write().await;
    assert!(done.iter().all(|done| matches!(done, Done::Rejected(_))), "{done:?}");
    let done = bench.writer.write(&bench.work, &approved(&["shrink-leases"]), &(), &bench.ctl).await;
    assert!(done.iter().all(|done| matches!(done, Done::Applied)), "{done:?}");
    let mut left = base();
    left["subnet4"].as_array_mut().unwrap().remove(1);
    left["shared-networks"][0]["subnet4"] = json!([]);
    assert_eq!(bench.kea.lock().config, Kea::new(left).config);
    let seen = bench.writer.seen(&bench.work.iter().map(|work| work.id).collect::<Vec<_>>()).unwrap();
    assert!(seen.values().all(Option::is_none), "{seen:?}");
}

/// What is expected to become of the scopes, and what of the server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Planned,
    Before,
}

#[tokio::test]
async fn whatever_config_set_comes_to_the_server_is_left_working_and_the_truth_is_told() {
    use Act::*;
    type Case = (bool, &'static [Act], End, [usize; 2], &'static str);
    let cases: &[Case] = &[
        (true, &[Refuse], End::Before, [1, 0], "config-set was refused: so it is"),
        // Kea before 2.4 is dead after it
        (false, &[Refuse], End::Before, [2, 0], "put back by a second config-set"),
        (false, &[Refuse, Refuse], End::Before, [2, 1], "put back by config-reload"),
        (false, &[HangUp], End::Before, [2, 0], "put back by a second config-set"),
        (true, &[LoseFailover], End::Before, [2, 0], "after config-set the high-availability hook is gone"),
        (true, &[Fatal], End::Before, [2, 0], "the high-availability hook is gone"),
        (false, &[Fatal, Fatal], End::Before, [2, 1], "put back by config-reload"),
        (true, &[Meddle], End::Before, [2, 0], "renew-timer has another value than before"),
        (true, &[MeddleInScope], End::Before, [2, 0], "another value than the one written"),
        (true, &[RefuseInForce], End::Before, [2, 0], "and yet it is in force"),
        (true, &[Fatal, TakeHangUp], End::Before, [2, 0], "put back by a second config-set"),
        (true, &[Ignore], End::Before, [1, 0], "what ran before runs on"),
        (true, &[TakeHangUp], End::Planned, [1, 0], "without an answer"),
        (true, &[HangUp], End::Before, [1, 0], "without an answer"),
    ];
    for (hash, acts, end, sent, says) in cases {
        let kea = Kea { hash: *hash, acts: acts.to_vec(), ..Kea::new(base()) };
        let bench = Bench::new(kea, &rearranged()).await;
        let before = bench.kea.lock().config.clone();
        let done = bench.write().await;
        let case = format!("{hash} {acts:?}: {done:?}");
        assert_eq!(bench.sent(&["config-set", "config-reload"]), sent, "{case}");
        let told = |done: &Done| match (end, done) {
            (End::Planned, Done::Unknown(error)) => error.in_doubt && error.what.contains(says),
            (End::Before, Done::Unknown(error)) => acts[0] == HangUp && error.what.contains(says),
            (End::Before, Done::Rejected(error)) => error.what.contains(says) && !error.in_doubt,
            _ => false,
        };
        assert!(done.len() == 5 && done.iter().all(told), "{case}");
        let settled = bench.writer.settle(&bench.ctl).await;
        let saved = bench.writer.save(&bench.ctl).await;
        let kea = bench.kea.lock();
        assert!(kea.serves && kea.failover && settled.is_ok(), "{case} {settled:?}");
        match end {
            End::Planned => {
                assert_eq!((&kea.config, &saved), (&Kea::new(rearranged()).config, &Saved::Saved), "{case}")
            }
            End::Before => {
                assert_eq!(kea.config, before, "{case}");
                assert!(matches!(saved, Saved::NotSaved(_)), "nothing of the plan runs: {case}");
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_put_back_is_told_as_it_is() {
    let kea = Kea { hash: false, acts: vec![Act::Refuse, Act::Refuse], bad_file: true, ..Kea::new(base()) };
    let bench = Bench::new(kea, &rearranged()).await;
    let done = bench.write().await;
    let Done::Rejected(error) = &done[0] else { panic!("{done:?}") };
    assert!(error.what.contains("putting back what ran before failed"), "{error}");
    assert!(error.hint.as_deref().unwrap().contains("may answer no client"), "{error:?}");

    // the file is older than what ran
    let mut file = Kea::new(base()).config;
    file["renew-timer"] = json!(901);
    let kea = Kea { acts: vec![Act::Fatal, Act::Refuse], file, ..Kea::new(base()) };
    let bench = Bench::new(kea, &rearranged()).await;
    let done = bench.write().await;
    let Done::Rejected(error) = &done[0] else { panic!("{done:?}") };
    assert!(error.what.contains("what ran and was not saved is gone"), "{error}");

    // gone for good
    let bench = Bench::new(Kea { acts: vec![Act::Die], ..Kea::new(base()) }, &rearranged()).await;
    let done = bench.write().await;
    let Done::Unknown(error) = &done[0] else { panic!("{done:?}") };
    assert!(error.in_doubt && error.what.contains("could not be read again"), "{error}");
    assert_eq!(bench.sent(&["config-set", "config-reload"]), [1, 0], "nothing is sent before it is understood");
    assert!(bench.writer.settle(&bench.ctl).await.is_err());
    assert!(matches!(bench.writer.save(&bench.ctl).await, Saved::NotSaved(_)));
    assert_eq!(bench.sent(&["config-write"]), [1], "the copy of before, and nothing after it");
}

#[tokio::test]
async fn what_changes_between_test_and_set_is_neither_lost_nor_overwritten() {
    for hash in [false, true] {
        // a global value, and one of the chosen scopes
        let kea = Kea { hash, ..Kea::new(base()) };
        let bench = Bench::new(kea, &rearranged()).await;
        bench.kea.lock().after_test = Some(Box::new(|config| {
            config["echo-client-id"] = json!(false);
            for subnet in config["subnet4"].as_array_mut().unwrap() {
                if subnet["subnet"] == "10.0.1.0/24" {
                    subnet["renew-timer"] = json!(1);
                }
            }
            *config = mini::flat(config);
        }));
        let done = bench.write().await;
        let by_id = |id: &str| {
            let at = bench.work.iter().position(|work| work.id.to_string() == id).unwrap();
            &done[at]
        };
        let Done::Rejected(moved) = by_id("10.0.1.0/24") else { panic!("{done:?}") };
        assert_eq!(moved.kind, ErrorKind::Moved);
        // the scope that wants its number is refused by the server, the others are written
        let Done::Rejected(taken) = by_id("10.0.2.0/24") else { panic!("{done:?}") };
        assert!(taken.what.contains("id 1 twice"), "{taken}");
        assert_eq!(done.iter().filter(|done| matches!(done, Done::Applied)).count(), 3, "{done:?}");
        let kea = bench.kea.lock();
        assert_eq!((&kea.config["echo-client-id"], kea.sets), (&json!(false), 1));
        assert_eq!(scope_of(&kea.config, "10.0.1.0/24")["renew-timer"], 1);
    }
}

#[tokio::test]
async fn a_configuration_that_never_stands_still_is_left_alone() {
    let bench = Bench::new(Kea { restless: true, ..Kea::new(base()) }, &rearranged()).await;
    let done = bench.write().await;
    let Done::Rejected(error) = &done[0] else { panic!("{done:?}") };
    assert!(error.what.contains("keeps changing"), "{error}");
    assert_eq!(bench.sent(&["config-set"]), [0]);
}

#[tokio::test]
async fn a_cancel_before_config_set_cancels_all_and_none_comes_after_it() {
    let bench = Bench::new(Kea::new(base()), &rearranged()).await;
    let cancel = bench.ctl.soft.clone();
    bench.kea.lock().after_test = Some(Box::new(move |_| cancel.cancel()));
    let done = bench.write().await;
    assert!(done.iter().all(|done| matches!(done, Done::Cancelled)), "{done:?}");
    assert_eq!(bench.sent(&["config-set", "config-write"]), [0, 0]);

    let bench = Bench::new(Kea::new(base()), &rearranged()).await;
    let cancel = bench.ctl.hard.clone();
    bench.kea.lock().after_set = Some(Box::new(move |_| cancel.cancel()));
    let done = bench.write().await;
    assert!(done.iter().all(|done| matches!(done, Done::Applied)), "{done:?}");
    assert!(bench.writer.settle(&bench.ctl).await.is_ok());
}

#[tokio::test]
async fn what_somebody_else_changes_right_after_it_is_left_alone() {
    let elsewhere = |config: &mut Value| config["renew-timer"] = json!(901);
    // taken: what is there is told by reading back; lost: nobody can tell, and nothing is saved
    for (acts, refused, lost) in
        [(vec![], false, false), (vec![Act::Refuse], true, false), (vec![Act::HangUp], true, true)]
    {
        let bench = Bench::new(Kea { acts: acts.clone(), ..Kea::new(base()) }, &rearranged()).await;
        bench.kea.lock().after_set = Some(Box::new(elsewhere));
        let done = bench.write().await;
        let as_told = |done: &Done| match done {
            Done::Applied => !refused,
            Done::Rejected(error) => refused && !lost && error.what.contains("somebody else changed it"),
            Done::Unknown(error) => lost && error.what.contains("somebody else changed it"),
            _ => false,
        };
        assert!(done.iter().all(as_told), "{acts:?}: {done:?}");
        assert_eq!(bench.sent(&["config-set", "config-reload"]), [1, 0], "{acts:?}");
        assert_eq!(bench.kea.lock().config["renew-timer"], 901, "{acts:?}");
        assert_eq!(bench.writer.save(&bench.ctl).await == Saved::Saved, !refused, "{acts:?}");
    }
}

#[tokio::test]
async fn coming_back_is_waited_for_and_not_coming_back_is_told() {
    let bench = Bench::new(Kea { waits: 5, ..Kea::new(base()) }, &rearranged()).await;
    assert!(bench.writer.settle(&bench.ctl).await.is_ok(), "nothing was interrupted");
    bench.write().await;
    assert_ne!(bench.kea.lock().state(), "load-balancing");
    assert!(bench.writer.settle(&bench.ctl).await.is_ok());
    assert_eq!(bench.kea.lock().state(), "load-balancing");

    for (state, says, saved) in [
        ("waiting", "answers no client as long as it waits", false),
        ("partner-down", "serves all clients alone", true),
        ("terminated", "reset the relationship", true),
    ] {
        let bench = Bench::new(Kea { waits: usize::MAX, waiting: state, ..Kea::new(base()) }, &rearranged()).await;
        bench.write().await;
        let error = bench.writer.settle(&bench.ctl).await.unwrap_err();
        assert!(error.what.contains(state) && error.hint.as_deref().unwrap().contains(says), "{error:?}");
        assert_eq!(bench.writer.save(&bench.ctl).await == Saved::Saved, saved, "{state}");
    }
    // where the partner was gone before, serving alone is as good as it gets
    let kea = Kea { waits: usize::MAX, waiting: "partner-down", starts: "partner-down", ..Kea::new(base()) };
    let bench = Bench::new(kea, &rearranged()).await;
    bench.write().await;
    assert!(bench.writer.settle(&bench.ctl).await.is_ok());
}

#[tokio::test]
async fn the_cost_is_told_with_who_waits_and_how_long() {
    let cases = [
        ("load-balancing", "secondary", "half of the clients wait, for up to 1 ms"),
        ("hot-standby", "standby", "no client waits"),
        ("hot-standby", "primary", "all clients wait, for up to 100 ms"),
    ];
    for (mode, role, says) in cases {
        let bench = Bench::new(Kea::in_mode(base(), mode, role), &rearranged()).await;
        let cost = bench.writer.assess(&bench.work, &bench.ctl).await.unwrap().cost_to_service;
        assert!(cost.contains(says) && cost.contains("nobody is served for"), "{cost}");
    }
}

#[tokio::test]
async fn passwords_in_the_kept_configuration_are_shown_by_no_formatter() {
    let mut config = base();
    config["lease-database"] = json!({"type": "mysql", "password": "hush-hush"});
    let bench = Bench::new(Kea::new(config), &rearranged()).await;
    bench.write().await;
    let shown = format!("{:?} {:?}", bench.server, bench.writer.course());
    assert!(shown.contains("Packed("), "{shown}");
    assert!(!shown.contains("hush-hush"));
}

#[tokio::test]
async fn reservations_of_a_database_are_not_written_into_the_configuration() {
    let mut config = base();
    config["hosts-database"] = json!({"type": "mysql"});
    let mut source = rearranged();
    source["subnet4"] = json!([{"id": 1, "subnet": "10.0.1.0/24", "valid-lifetime": 7}]);
    source["shared-networks"] = json!([]);
    let stored = json!({"subnet-id": 1, "hw-address": "02:00:00:00:00:77"});
    let bench = Bench::new(Kea { stored: vec![stored], ..Kea::new(config) }, &source).await;
    let only_lifetime: Vec<Arc<Work>> = bench
        .work
        .iter()
        .map(|work| {
            let mut work = (**work).clone();
            work.changes.retain(|change| change.key.in_reservation().is_none());
            let before = work.before.clone().unwrap();
            let known = bench.server.last_known().unwrap();
            let ours = mini::scope(&source, work.id);
            work.want = Some(drift::want(&ours, Some(&before), &work.changes, &*known.surroundings));
            Arc::new(work)
        })
        .collect();
    assert!(
        only_lifetime[0].want.as_ref().unwrap().items.keys().any(|key| key.to_string().contains("02:00:00:00:00:77"))
    );
    let done = bench.writer.write(&only_lifetime, &approved(&[]), &(), &bench.ctl).await;
    assert!(matches!(done[0], Done::Applied), "{done:?}");
    let hosts = scope_of(bench.kea.lock().sent.as_ref().unwrap(), "10.0.1.0/24")["reservations"].clone();
    assert_eq!(hosts, json!([{"hw-address": "02:00:00:00:00:01"}]));
}
