//! Who writes which scope, what is said of it beforehand, and what a source's replication came to.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::backend::exchange::Limits;
use crate::backend::web::{Address, Trust, Web};
use crate::backend::windows::access::{Access, Replicating};
use crate::backend::windows::server::Policy;
use crate::engine::approval::{Questions, Switches};
use crate::engine::drift;
use crate::engine::port::{Fingerprints, Replicator};
use crate::model::{Complete, Foreign, Item, ItemKey, KeyName, Kind, Membership, Mode, Owner, Scope, Timing, Value};

type Told = Result<Vec<Foreign>>;

/// A source that answers as it is told to, and keeps what it was asked.
struct Source {
    reached: Result<()>,
    answers: Mutex<VecDeque<Told>>,
    asked: Mutex<Vec<Vec<ScopeId>>>,
}

#[async_trait]
impl Replicator for Source {
    async fn reaches_partner(&self, _membership: &Membership, _ctl: &Control) -> Result<()> {
        self.reached.clone()
    }

    async fn replicate(&self, _membership: &Membership, scopes: &[ScopeId], _ok: &Approved) -> Told {
        self.asked.lock().unwrap().push(scopes.to_vec());
        self.answers.lock().unwrap().pop_front().expect("no more calls than answers")
    }
}

fn source(reached: Result<()>, answers: Vec<Told>) -> Arc<Source> {
    Arc::new(Source { reached, answers: Mutex::new(answers.into()), asked: Mutex::default() })
}

fn native(replicator: Arc<Source>) -> Native {
    let membership = Membership {
        name: Some("a-b".into()),
        mode: Mode::LoadBalancing,
        this_server: "a".into(),
        peers: Vec::new(),
        state: None,
        partner_state: None,
        clock_skew: None,
        contact: None,
        timing: Timing::default(),
    };
    Native { source: "a".into(), replicator, membership }
}

fn target(by: Replication) -> WindowsServer {
    let web = Web {
        address: Address::parse("http://b:5985/wsman").unwrap(),
        login: None,
        trust: Trust::System,
        identity: None,
    };
    let replicating = Replicating { by, at_once: 2, is_verified: by == Replication::Direct };
    WindowsServer::new("b".into(), Access::new(web), Limits::default(), Policy { read_only: false, replicating })
}

async fn writer(by: Replication, source: &Arc<Source>) -> WindowsWriter {
    WindowsWriter::choose(target(by), Some(native(source.clone())), &Control::free()).await.unwrap()
}

fn scope(n: u8, properties: &[(&str, &str)]) -> Scope {
    let items =
        properties.iter().map(|(name, value)| (ItemKey::property(*name), Item::single(Value::own(json!(value)))));
    Scope {
        id: format!("10.0.{n}.0/24").parse().unwrap(),
        name: None,
        native: Arc::new(json!({"Scope": {
            "SubnetMask": "255.255.255.0",
            "StartRange": format!("10.0.{n}.1"),
            "EndRange": format!("10.0.{n}.9"),
        }})),
        items: items.collect(),
        parents: Arc::default(),
        needs: BTreeSet::new(),
        unreadable: BTreeSet::new(),
        complete: Complete::Whole,
    }
}

fn with_policy(mut scope: Scope, enabled: bool) -> Scope {
    let key = ItemKey { owner: Owner::Scope, kind: Kind::Policy, name: KeyName::Name("p".into()) };
    let fields = [("enabled".into(), Value::own(json!(enabled)))].into();
    scope.items.insert(key, Item { fields, rank: Some(1), label: None });
    scope
}

fn work(want: Scope, before: Option<Scope>) -> Work {
    let changes = match &before {
        Some(before) => drift::compare(&want, before),
        None => drift::target_only(&want),
    };
    let expect = Fingerprints { source: None, target: None };
    Work { id: want.id, before, want: Some(want), changes, expect, leaves_out: false }
}

fn renamed(n: u8) -> Work {
    work(scope(n, &[("name", "new"), ("state", "Active")]), Some(scope(n, &[("name", "old"), ("state", "Inactive")])))
}

/// Nothing of it is in doubt.
fn named(n: u8) -> Work {
    work(scope(n, &[("name", "new")]), Some(scope(n, &[("name", "old")])))
}

fn approved() -> Approved {
    let switches = Switches { force: true, ..Switches::default() };
    Questions::new("digest", vec!["a-b".into()], "test", switches, BTreeSet::new()).into_approved().remove(0)
}

fn refused(kind: ErrorKind) -> Error {
    Error::new(kind, "no")
}

#[tokio::test]
async fn who_writes_is_chosen_by_the_configuration_and_by_what_the_source_reaches() {
    let denied = || Err(refused(ErrorKind::Refused).hint("credssp"));
    for (by, reached, name, reason) in [
        (Replication::Auto, Ok(()), NATIVE, "auto: a gets through to its partner by itself"),
        (Replication::Auto, denied(), DIRECT, "auto: a does not get through to its partner by itself: no"),
        (Replication::Native, Ok(()), NATIVE, "replication = \"native\""),
        (Replication::Native, denied(), NATIVE, "replication = \"native\""),
        (Replication::Direct, Ok(()), DIRECT, "replication = \"direct\""),
    ] {
        let is_reached = reached.is_ok();
        let writer = writer(by, &source(reached, Vec::new())).await;
        // under auto a doubt alone would let the scope be written directly
        let one = if by == Replication::Auto { named(0) } else { renamed(0) };
        let told = writer.assess(&[Arc::new(one)], &Control::free()).await.unwrap();
        assert_eq!((writer.abilities().name, told.way), (name, Some(Way { writer: name, reason: reason.to_owned() })));
        let kinds: Vec<FindingKind> = told.findings.iter().map(|finding| finding.kind).collect();
        let has = |kind| kinds.contains(&kind);
        assert_eq!(has(FindingKind::Partner), by == Replication::Native && !is_reached, "told before it is refused");
        assert_eq!(has(FindingKind::NoWayBack), by == Replication::Native);
        assert_eq!(has(FindingKind::Unproven), by != Replication::Direct, "that entry is verified");
        let uncertain: Vec<String> = told.uncertain[&renamed(0).id].keys().map(|key| key.name.to_string()).collect();
        assert_eq!(uncertain, if by == Replication::Native { vec!["state"] } else { vec![] });
        assert_eq!(WindowsWriter::alone(target(by)).is_err(), by == Replication::Native, "an undo has no source");
    }
    let cancelled = source(Err(refused(ErrorKind::Cancelled)), Vec::new());
    let given_up = WindowsWriter::choose(target(Replication::Auto), Some(native(cancelled)), &Control::free()).await;
    assert_eq!(given_up.map(drop).unwrap_err().kind, ErrorKind::Cancelled);
    let alone = async |by| WindowsWriter::choose(target(by), None, &Control::free()).await;
    assert!(alone(Replication::Native).await.is_err());
    assert_eq!(alone(Replication::Auto).await.unwrap().abilities().name, DIRECT);
}

#[tokio::test]
async fn a_scope_that_its_source_may_not_copy_as_a_whole_is_written_directly() {
    let part = |n| Arc::new(Work { leaves_out: true, ..renamed(n) });
    let disabled = |n| {
        let [new, old] = ["new", "old"].map(|name| with_policy(scope(n, &[("name", name)]), false));
        Arc::new(work(new, Some(old)))
    };
    let created = |n| Arc::new(work(scope(n, &[("name", "new")]), None));
    let some = [part(0), Arc::new(renamed(1)), disabled(2), Arc::new(named(3)), created(4)];
    let reached = source(Ok(()), Vec::new());
    let auto = writer(Replication::Auto, &reached).await;
    let told = auto.assess(&some, &Control::free()).await.unwrap();
    let reasons: Vec<&str> = told.otherwise.values().map(|way| way.reason.as_str()).collect();
    assert_eq!((told.way.unwrap().writer, reasons), (NATIVE, vec![LEFT_OUT, NOT_ALL_CARRIED, DISABLED]));
    assert!(told.otherwise.keys().eq(some[..3].iter().map(|one| &one.id)) && told.refusals.is_empty());
    let of_created = |kind| told.findings.iter().any(|found| found.kind == kind && found.scopes == [some[4].id]);
    assert!(of_created(FindingKind::Unproven) && of_created(FindingKind::NoWayBack), "{:?}", told.findings);

    let alike = auto.assess(&[part(0), part(1)], &Control::free()).await.unwrap();
    assert_eq!((alike.way, alike.otherwise.len()), (Some(Way { writer: DIRECT, reason: LEFT_OUT.to_owned() }), 0));

    let alone = writer(Replication::Native, &reached).await;
    let told = alone.assess(&some, &Control::free()).await.unwrap();
    let refusals: Vec<_> = told.refusals.iter().map(|(id, all)| (*id, all[0].name)).collect();
    assert_eq!((refusals, told.otherwise.len()), (vec![(some[0].id, "whole-scopes-only")], 0));
    assert!(told.findings.iter().any(|found| found.scopes == [some[2].id] && found.message.contains("disabled")));
    let of_suffixes = |found: &&Finding| found.message.contains("suffixes");
    let scopes = |found: &Finding| found.scopes.clone();
    assert_eq!(
        told.findings.iter().filter(of_suffixes).map(scopes).collect::<Vec<_>>(),
        [[some[2].id]],
        "it has a policy"
    );
    let gone = [
        Arc::new(work(scope(6, &[]), Some(with_policy(scope(6, &[]), true)))),
        Arc::new(work(with_policy(scope(7, &[]), true), Some(scope(7, &[])))),
    ];
    let direct = writer(Replication::Direct, &reached).await.assess(&gone, &Control::free()).await.unwrap();
    assert_eq!(direct.findings.iter().filter(of_suffixes).map(scopes).collect::<Vec<_>>(), [[gone[0].id]]);
    let part_of_new = [Arc::new(Work { leaves_out: true, ..work(scope(5, &[("name", "new")]), None) })];
    for writer in [&auto, &alone] {
        let told = writer.assess(&part_of_new, &Control::free()).await.unwrap();
        assert_eq!(told.refusals[&part_of_new[0].id][0].name, "cannot-create");
    }
}

/// What nobody knows of is uncertain, and so is all that hangs on a disabled policy.
#[test]
fn what_is_not_published_is_not_known_to_be_carried() {
    let properties =
        ["name", "description", "type", "lease-duration", "state", "delay", "superscope-name", "Unheard-of"];
    let dns = ItemKey { owner: Owner::Scope, kind: Kind::DnsSetting, name: KeyName::Name("dynamic-updates".into()) };
    let policy = |name: &str| Owner::Policy(name.into());
    let range = |owner| ItemKey { owner, ..ItemKey::range("10.0.0.1".parse().unwrap(), "10.0.0.9".parse().unwrap()) };
    let mut want = with_policy(scope(0, &properties.map(|name| (name, "x"))), false);
    for key in [dns.clone(), range(Owner::Scope), range(policy("p")), range(policy("q"))] {
        want.items.insert(key, Item::single(Value::own(json!("x"))));
    }
    let uncertain: BTreeSet<ItemKey> = Native::uncertain(&work(want, Some(scope(0, &[])))).keys().cloned().collect();
    let named = |name: &str| ItemKey::property(name);
    let disabled = ItemKey { owner: Owner::Scope, kind: Kind::Policy, name: KeyName::Name("p".into()) };
    let mut expected: BTreeSet<ItemKey> = properties[4..].iter().map(|name| named(name)).collect();
    expected.extend([dns, range(policy("p")), disabled]);
    assert_eq!(uncertain, expected);
}

async fn written(
    works: &[Arc<Work>],
    answers: Vec<Told>,
    gate: &dyn Gate,
    ctl: &Control,
) -> (Vec<Done>, Vec<Vec<ScopeId>>) {
    let source = source(Ok(()), answers);
    let done = writer(Replication::Native, &source).await.write(works, &approved(), gate, ctl).await;
    let asked = source.asked.lock().unwrap().clone();
    (done, asked)
}

fn pair() -> [Arc<Work>; 2] {
    [Arc::new(renamed(1)), Arc::new(renamed(0))]
}

#[tokio::test]
async fn an_outcome_is_of_the_return_value_and_of_the_scopes_that_are_named() {
    let scopes = |named: &[&str]| -> Told { Ok(named.iter().map(|text| Foreign::from(*text)).collect()) };
    let failed = |kind, in_doubt| -> Told { Err(Error { in_doubt, ..refused(kind) }) };
    let name = |done: &Done| match done {
        Done::Applied => "applied",
        Done::Partial { done, .. } if done.is_empty() => "in parts",
        Done::Partial { .. } => "partial",
        Done::Rejected(_) => "rejected",
        Done::Unknown(_) => "unknown",
        Done::Cancelled => "cancelled",
    };
    for (told, outcomes) in [
        (scopes(&["10.0.1.0", "10.0.0.0"]), ["applied", "applied"]),
        (scopes(&[]), ["applied", "applied"]),
        (scopes(&["something else"]), ["applied", "applied"]),
        (scopes(&[" 10.0.1.0 "]), ["applied", "in parts"]),
        (failed(ErrorKind::TimedOut, true), ["unknown", "unknown"]),
        (failed(ErrorKind::Garbled, true), ["unknown", "unknown"]),
        (failed(ErrorKind::Unreachable, true), ["unknown", "unknown"]),
        (failed(ErrorKind::Refused, true), ["in parts", "in parts"]),
        (failed(ErrorKind::Unreachable, false), ["rejected", "rejected"]),
        (failed(ErrorKind::Moved, false), ["rejected", "rejected"]),
    ] {
        let (done, asked) = written(&pair(), vec![told.clone()], &(), &Control::free()).await;
        let done: Vec<&str> = done.iter().map(name).collect();
        assert_eq!(
            (done, asked),
            (outcomes.to_vec(), vec![pair().map(|one| one.id).to_vec()]),
            "{told:?}: order is kept"
        );
    }
}

/// Only these scopes are still as planned.
struct Still(Vec<ScopeId>);

#[async_trait]
impl Gate for Still {
    async fn ask(&self, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    async fn unmoved(&self, ids: &[ScopeId], _ctl: &Control) -> Result<BTreeSet<ScopeId>> {
        Ok(ids.iter().copied().filter(|id| self.0.contains(id)).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn another_replication_is_waited_for_and_only_what_has_not_moved_is_asked_for_once_more() {
    let busy = || -> Told { Err(refused(ErrorKind::Busy).in_doubt()) };
    let [one, two] = pair();
    let both = vec![one.id, two.id];
    let (done, asked) = written(&pair(), vec![busy(), Ok(vec![])], &(), &Control::free()).await;
    assert!(matches!(done[..], [Done::Applied, Done::Applied]) && asked == [both.clone(), both.clone()], "{done:?}");

    let (done, asked) = written(&pair(), vec![busy(), busy()], &(), &Control::free()).await;
    let [Done::Partial { cause, .. }, Done::Partial { .. }] = &done[..] else { panic!("{done:?}") };
    assert!(asked.len() == 2 && cause.what.ends_with("asked for twice"), "{cause}");

    let (done, asked) = written(&pair(), vec![busy(), Ok(vec![])], &Still(vec![two.id]), &Control::free()).await;
    let [Done::Partial { cause, .. }, Done::Applied] = &done[..] else { panic!("{done:?}") };
    assert!(cause.what.ends_with("it has changed meanwhile"), "{cause}");
    assert_eq!(asked, [both.clone(), vec![two.id]]);

    let (_, asked) = written(&pair(), vec![busy()], &Still(Vec::new()), &Control::free()).await;
    assert_eq!(asked.len(), 1);

    let ctl = Control::free();
    let (cancel, progress) = (ctl.soft.clone(), ctl.clone());
    let works = pair();
    let answers = vec![busy()];
    let waits = written(&works, answers, &(), &progress);
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        cancel.cancel();
    };
    let ((done, asked), ()) = tokio::join!(waits, stop);
    assert!(matches!(done[..], [Done::Partial { .. }, Done::Partial { .. }]) && asked.len() == 1, "{done:?}");
}
