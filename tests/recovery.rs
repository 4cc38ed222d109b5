//! An interrupted run is told by what it had stored and what its servers say, on servers in memory.

#![allow(clippy::unwrap_used)] // helpers of tests may fail as tests may

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::fake::{self, FakeJournal, FakeServer};
use scopesync::app::{News, recover};
use scopesync::engine::approval::{Consent, Questions, Switches};
use scopesync::engine::plan::{LeftItem, Plan};
use scopesync::engine::port::{Approval, Control, Journal as _, Place, RunKind, RunServer, RunStart, ServerRole, Work};
use scopesync::engine::recovery::{Interrupted, Standing, Told};
use scopesync::engine::run;
use scopesync::engine::select::{Selection, select};
use scopesync::engine::undo::{Left, Past, Undo, Words};
use scopesync::history::{History, Settlement};
use scopesync::model::{Item, ItemKey, KeyName, Kind, Owner, ReservationKey, Scope, ScopeId, ServerName, Value};
use scopesync::state::StateFolder;
use serde_json::json;

const A: &str = "10.0.0.0/24";
const B: &str = "10.0.1.0/24";
const C: &str = "10.0.2.0/24";

fn shall() -> Scope {
    let mut scope = fake::scope(A, &[("id", json!(1)), ("valid-lifetime", json!(3600))]);
    fake::reserve(&mut scope, "10.0.0.10", "02:00:00:00:00:01");
    fake::reserve(&mut scope, "10.0.0.11", "02:00:00:00:00:02");
    scope
}

fn was() -> Scope {
    let mut scope = fake::scope(A, &[("id", json!(9)), ("valid-lifetime", json!(7200))]);
    fake::reserve(&mut scope, "10.0.0.11", "02:00:00:00:00:02");
    scope
}

/// One scope that differs, one that must be made, and one that the run does not come to.
fn servers() -> (FakeServer, FakeServer) {
    let scope =
        |id: &str, number, lifetime| fake::scope(id, &[("id", json!(number)), ("valid-lifetime", json!(lifetime))]);
    fake::pair(vec![shall(), scope(B, 2, 1000), scope(C, 3, 1000)], vec![was(), scope(C, 3, 2000)])
}

async fn plan(servers: &(FakeServer, FakeServer)) -> Plan {
    let (fleet, ctl) = (fake::fleet(servers), Control::free());
    let survey = fleet.survey(&ctl).await;
    let picked = select(&survey, &Selection::All, &[ServerName::from("one")]).unwrap();
    Plan::make(&fleet, &survey, &picked, BTreeSet::new(), &ctl).await
}

/// The run as it is kept when it dies after it has stored A and B.
fn kept(servers: &(FakeServer, FakeServer), plan: &Plan) -> Interrupted {
    let planned = &plan.relationships[0];
    let past = planned.scopes.iter().filter(|scope| scope.id.to_string() != C).map(|scope| Past {
        target: "two".into(),
        identity: Some("two".into()),
        relationship: planned.name.clone(),
        id: scope.id,
        outcome: None,
        before: scope
            .work
            .as_ref()
            .unwrap()
            .before
            .as_ref()
            .map(|before| Words { network: None, native: servers.1.keep(before).into() }),
        after: Left::Unknown,
        later: None,
        is_kept: true,
    });
    let server = |role, name: &str| RunServer { role, name: name.into(), identity: Some(name.into()) };
    let approval = Approval { relationship: planned.name.clone(), by: "ann".into(), answer: Consent::Yes };
    let servers = [server(ServerRole::Source, "one"), server(ServerRole::Target, "two")];
    Interrupted::new("a-run", RunKind::Replication, &plan.to_json(), &[approval], &servers, past.collect()).unwrap()
}

async fn told(servers: &(FakeServer, FakeServer), run: &Interrupted) -> Told {
    servers.0.inner().calls.clear();
    servers.1.inner().calls.clear();
    let told = run.tell(&fake::fleet(servers), &FakeJournal::default(), &Control::free()).await;
    assert_eq!((servers.0.writes(), servers.1.writes()), (vec![], vec![]), "telling writes");
    told
}

fn standings(told: &Told) -> Vec<Standing> {
    told.scopes().map(|scope| scope.standing).collect()
}

fn put(server: &FakeServer, scope: Scope) {
    server.inner().scopes.insert(scope.id, scope);
}

fn take_out(server: &FakeServer, id: &str) {
    server.inner().scopes.remove(&id.parse::<ScopeId>().unwrap());
}

fn set(scope: &mut Scope, name: &str, value: serde_json::Value) {
    scope.items.insert(ItemKey::property(name), scopesync::model::Item::single(Value::own(value)));
}

#[tokio::test]
async fn every_state_that_a_target_can_be_left_in_is_told() {
    use Standing::*;
    let half = || {
        let mut scope = was();
        set(&mut scope, "valid-lifetime", json!(3600));
        scope
    };
    let anew = || fake::scope(A, &[("id", json!(1)), ("valid-lifetime", json!(3600))]);
    let other = |mut scope: Scope| {
        set(&mut scope, "interface", json!("eth9"));
        scope
    };
    let third = || {
        let mut scope = was();
        set(&mut scope, "valid-lifetime", json!(5555));
        scope
    };
    type State = Option<Scope>;
    let states: [(&str, State, Standing, usize, &str); 9] = [
        ("as before", Some(was()), NotDone, 0, ""),
        ("as planned", Some(shall()), Done, 3, ""),
        ("the first of its changes", Some(half()), Partial, 1, ""),
        ("taken out", None, Partial, 0, "LACKS"),
        ("put in anew without its reservations", Some(anew()), Partial, 2, ""),
        ("a step on the way", Some(third()), Partial, 0, ""),
        ("another's change", Some(other(was())), Unknown, 0, "another way"),
        ("as planned, and another's change", Some(other(shall())), Done, 3, "nothing to do with"),
        ("half of it, and another's change", Some(other(half())), Partial, 1, "nothing to do with"),
    ];
    for (what, state, standing, done, words) in states {
        let servers = servers();
        let plan = plan(&servers).await;
        let run = kept(&servers, &plan);
        match state {
            Some(scope) => put(&servers.1, scope),
            None => take_out(&servers.1, A),
        }
        let told = told(&servers, &run).await;
        let scope = told.scopes().next().unwrap();
        assert_eq!((scope.standing, scope.changes_done), (standing, done), "{what}: {scope:?}");
        assert!(scope.message.as_deref().unwrap_or_default().contains(words), "{what}: {scope:?}");
        assert_eq!(standings(&told)[1..], [NotDone, NotDone], "{what}");
        let is_done = standing == Done || standing == Unknown;
        assert_eq!(told.to_finish().contains(&("two".into(), A.parse().unwrap())), !is_done, "{what}");
    }
}

/// No call changes a policy so: it is removed and added again, then what belongs to it, and the others move.
#[tokio::test]
async fn what_is_removed_and_added_again_is_a_step_on_the_way() {
    let name = |name: &str| KeyName::Name(name.into());
    let policy = |name_: &str, lease: u32, rank| {
        let key = ItemKey { owner: Owner::Scope, kind: Kind::Policy, name: name(name_) };
        let fields = [("lease-duration".into(), Value::own(json!(lease)))].into();
        (key, Item { fields, rank: Some(rank), label: None })
    };
    let part = |owner: &str| {
        let owner = Owner::Policy(owner.into());
        let range = KeyName::Range("10.0.0.5".parse().unwrap(), "10.0.0.6".parse().unwrap());
        (ItemKey { owner, kind: Kind::Range, name: range }, Item::default())
    };
    let scope = |lifetime: u32, items: Vec<(ItemKey, Item)>| {
        let mut scope = fake::scope(A, &[("id", json!(1)), ("valid-lifetime", json!(lifetime))]);
        scope.items.extend(items);
        scope
    };
    let was = || scope(1, vec![policy("a", 1, 1), part("a"), policy("b", 1, 2), part("b")]);
    let shall = scope(1, vec![policy("a", 2, 1), part("a"), policy("b", 1, 2), part("b")]);
    let (gone, bare) = (vec![policy("b", 1, 1), part("b")], vec![policy("a", 1, 1), policy("b", 1, 2), part("b")]);
    let servers = fake::pair(vec![shall], vec![was()]);
    let run = kept(&servers, &plan(&servers).await);
    for (what, state, standing, words) in [
        ("removed", scope(1, gone), Standing::Partial, ""),
        ("added, and bare", scope(1, bare), Standing::Partial, ""),
        (
            "another's part",
            scope(1, vec![policy("a", 1, 1), part("a"), policy("b", 1, 2)]),
            Standing::Unknown,
            "1 item",
        ),
    ] {
        put(&servers.1, state);
        let told = told(&servers, &run).await;
        let scope = told.scopes().next().unwrap();
        let message = scope.message.as_deref().unwrap_or_default();
        assert_eq!((scope.standing, message.is_empty()), (standing, words.is_empty()), "{what}: {scope:?}");
        assert!(message.contains(words), "{what}: {message}");
    }
}

#[tokio::test]
async fn a_scope_that_must_be_made_is_told_too() {
    let servers = servers();
    let plan = plan(&servers).await;
    let run = kept(&servers, &plan);
    put(&servers.1, fake::scope(B, &[("id", json!(2))]));
    assert_eq!(standings(&told(&servers, &run).await), [Standing::NotDone, Standing::Partial, Standing::NotDone]);
    put(&servers.1, fake::scope(B, &[("id", json!(2)), ("valid-lifetime", json!(1000))]));
    assert_eq!(standings(&told(&servers, &run).await), [Standing::NotDone, Standing::Done, Standing::NotDone]);
}

#[tokio::test]
async fn what_cannot_be_read_is_unknown_and_nothing_is_planned_for_it() {
    let servers = servers();
    let plan = plan(&servers).await;
    let run = kept(&servers, &plan);
    let survey = fake::fleet(&servers).survey(&Control::free()).await;
    servers.1.inner().gone = true;
    let gone = told(&servers, &run).await;
    servers.1.inner().gone = false;
    servers.1.inner().identity = Some("another");
    let another = told(&servers, &run).await;
    for (told, reason) in [(gone, "no answer"), (another, "not the server")] {
        assert_eq!(standings(&told), [Standing::Unknown; 3]);
        assert!(told.scopes().all(|scope| scope.message.as_ref().unwrap().contains(reason)), "{told:?}");
        assert!(told.finish(&survey).is_err() && told.past().is_err(), "{told:?}");
    }
}

#[tokio::test]
async fn finishing_plans_for_what_is_left_and_undoing_goes_back() {
    let servers = servers();
    let before = plan(&servers).await;
    let run = kept(&servers, &before);
    let mut made = shall();
    made.native = servers.1.keep(&made).into();
    put(&servers.1, made);
    let told = told(&servers, &run).await;
    let (fleet, ctl) = (fake::fleet(&servers), Control::free());
    let survey = fleet.survey(&ctl).await;
    let rest = Plan::make(&fleet, &survey, &told.finish(&survey).unwrap(), BTreeSet::new(), &ctl).await;
    let ids: Vec<String> = rest.relationships[0].scopes.iter().map(|scope| scope.id.to_string()).collect();
    assert_eq!((ids, rest.scopes_to_write()), (vec![B.to_owned(), C.to_owned()], 2));

    // without the reading nobody knows that nothing else has changed
    let back = |past: Vec<Past>| Undo::new("a-run", past, &[]).unwrap();
    let back = back(told.past().unwrap()).plan(&fleet, &survey, BTreeSet::new(), &ctl).await;
    assert_eq!((back.scopes_to_write(), back.is_blocked_anywhere()), (1, false), "{:#}", back.to_json());
}

#[tokio::test]
async fn what_was_left_out_of_a_run_is_left_out_when_it_is_finished() {
    let servers = servers();
    let (fleet, ctl) = (fake::fleet(&servers), Control::free());
    let whole = plan(&servers).await;
    let planned = &whole.relationships[0];
    let reservation = ItemKey::reservation(ReservationKey::Address([10, 0, 0, 10].into()));
    let left_out = [LeftItem::new(planned, A.parse().unwrap(), &reservation)].into();
    let told = told(&servers, &kept(&servers, &whole.leaving_out(&fleet, &left_out, &ctl).await)).await;
    let survey = fleet.survey(&ctl).await;
    let rest = told.finish_plan(Vec::new(), &fleet, &survey, BTreeSet::new(), &ctl).await.unwrap();
    assert_eq!((rest.left_out(), rest.scopes_to_write()), (left_out, 3));
}

#[tokio::test]
async fn a_run_that_is_finished_in_the_program_waits_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let history = Arc::new(History::new(&StateFolder::at(folder.path().join("state"))));
    let servers = servers();
    let before = plan(&servers).await;
    let planned = &before.relationships[0];
    let server = |role, name: &str| RunServer { role, name: name.into(), identity: Some(name.into()) };
    let approval = Approval { relationship: planned.name.clone(), by: "ann".into(), answer: Consent::Yes };
    let run = "20261122T040000Z-00000001".to_owned();
    let alive = history.enter(&run).unwrap();
    let start = RunStart {
        run: run.clone(),
        started: jiff::Timestamp::now(),
        kind: RunKind::Replication,
        asked: json!({}),
        overrides: BTreeSet::new(),
        approvals: vec![approval],
        plan: before.to_json(),
        servers: BTreeSet::from([server(ServerRole::Source, "one"), server(ServerRole::Target, "two")]),
    };
    history.begin(&start).unwrap();
    let place = Place {
        run: run.clone(),
        target: "two".into(),
        identity: Some("two".into()),
        relationship: planned.name.clone(),
    };
    let mut first = Work::clone(planned.scopes[0].work.as_ref().unwrap());
    let before = first.before.as_mut().unwrap();
    before.native = servers.1.keep(before).into();
    history.before(&place, &[Arc::new(first)]).unwrap();
    put(&servers.1, shall());
    drop(alive);
    assert_eq!(history.interrupted().unwrap().len(), 1);

    let fleet = fake::fleet(&servers);
    let ctl = Control::free();
    let News::Planned(plan, _) = recover::finish(Arc::clone(&history), &fleet, &run, &ctl).await else {
        panic!("no plan")
    };
    assert_eq!(plan.scopes_to_write(), 2, "one is done: {:#}", plan.to_json());
    let names = plan.relationships.iter().map(|planned| planned.name.clone()).collect();
    let switches = Switches { force: true, ..Switches::default() };
    let questions = Questions::new(&plan.digest, names, "ann", switches, BTreeSet::new());
    let report = run::run(&fleet, &plan, questions.into_approved(), &*history, &ctl).await;
    assert_eq!(report.exit_status(), 0, "{report:?}");
    assert!(plan.settles.is_some(), "every scope is known");
    recover::settle(Arc::clone(&history), plan, Arc::new(report)).await;
    assert!(history.interrupted().unwrap().is_empty());
    assert_eq!(history.run(&run).unwrap().settled.unwrap().how, Settlement::Finished);
}
