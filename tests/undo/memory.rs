//! What is planned back, refused and told, on servers in memory and on files.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use scopesync::backend::kea::file::Check;
use scopesync::backend::kea::file_server::{FilePolicy, FileServer};
use scopesync::engine::drift;
use scopesync::engine::fleet::Fleet;
use scopesync::engine::outcome::Outcome;
use scopesync::engine::plan::{LeftItem, LeftOut};
use scopesync::engine::port::{Control, Server};
use scopesync::engine::select::ScopeSelector;
use scopesync::engine::undo::{Left, Past, Undo, Words};
use scopesync::model::{DriftState, ItemKey, Scope, ScopeId};
use scopesync::show::{self, ScopeNames};
use serde_json::{Value, json};

use super::common::fake::{self, FakeServer, Script};
use super::past::{execute, native, plan_back, plan_from, works};

const A: &str = "10.0.0.0/24";
const B: &str = "10.0.1.0/24";
const NEW: &str = "10.0.9.0/24";

/// A differs, B is the same, and the target lacks one.
fn drifted() -> (FakeServer, FakeServer) {
    let mut ours = fake::scope(A, &[("id", json!(1)), ("valid-lifetime", json!(3600))]);
    fake::reserve(&mut ours, "10.0.0.10", "02:00:00:00:00:01");
    let mut theirs = fake::scope(A, &[("id", json!(1)), ("valid-lifetime", json!(7200)), ("odd-key", json!([1]))]);
    fake::reserve(&mut theirs, "10.0.0.77", "02:00:00:00:00:77");
    let same = || fake::scope(B, &[("id", json!(2))]);
    let new = fake::scope(NEW, &[("id", json!(9)), ("valid-lifetime", json!(1))]);
    fake::pair(vec![ours, same(), new], vec![theirs, same()])
}

fn words(server: &FakeServer) -> impl Fn(&Scope) -> Words + '_ {
    |scope| Words { network: None, native: Arc::new(server.keep(scope)) }
}

fn items(server: &FakeServer) -> BTreeMap<ScopeId, String> {
    server.inner().scopes.iter().map(|(id, scope)| (*id, format!("{:?}", scope.items))).collect()
}

fn preview(plan: &scopesync::engine::plan::Plan) -> String {
    let lines = show::plan(plan, &ScopeNames::default());
    lines.iter().map(|line| line.text() + "\n").collect()
}

#[tokio::test]
async fn an_undo_deletes_first_brings_everything_back_and_is_itself_undone() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let to_words = words(&servers.1);
    let before = items(&servers.1);
    let (_, past) = execute(&fleet, &plan_from(&fleet, "one").await, &to_words).await;
    let after = items(&servers.1);
    assert!(past.len() == 2 && before != after);

    // the server that was copied from is not needed
    servers.0.inner().gone = true;
    let back = plan_back(&fleet, past, &[]).await;
    assert_eq!(back.undoes(), Some("a-run"));
    let order: Vec<(String, bool)> = works(&back).iter().map(|w| (w.id.to_string(), w.want.is_none())).collect();
    assert_eq!(order, [(NEW.to_owned(), true), (A.to_owned(), false)]);
    let text = preview(&back);
    let deleted = text.find("deleted on two: 3 items, 2 of them with 1 scope").expect(&text);
    let named = text.find("10.0.9.0  - delete  the whole scope").expect(&text);
    let updated = text.find("~ update  valid-lifetime: source 7200, target 3600").expect(&text);
    assert!(deleted < named && named < updated && text.contains("before run a-run → two"), "{text}");
    assert!(text.contains("the undo changes two alone: one stays as it is"), "{text}");
    let told = back.to_json();
    assert_eq!(told["undoes"], "a-run");
    let scopes = told["relationships"][0]["scopes"].as_array().unwrap();
    assert_eq!(scopes.iter().map(|scope| scope["deleted"] == true).collect::<Vec<_>>(), [true, false]);

    let calls = servers.0.inner().calls.len();
    let (report, of_undo) = execute(&fleet, &back, &to_words).await;
    assert_eq!(servers.0.inner().calls.len(), calls, "the source was asked");
    assert_eq!(report.exit_status(), 0, "{report:?}");
    assert!(report.scopes().all(|scope| scope.outcome == Outcome::Replicated && scope.verified == Some(true)));
    assert_eq!(items(&servers.1), before);

    let redo = plan_back(&fleet, of_undo, &[]).await;
    execute(&fleet, &redo, &to_words).await;
    assert_eq!(items(&servers.1), after);
}

#[tokio::test]
async fn all_parts_of_the_preview_of_an_undo_count_items() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let (_, past) = execute(&fleet, &plan_from(&fleet, "one").await, &words(&servers.1)).await;
    let back = plan_back(&fleet, past, &[]).await;
    let part = &back.relationships[0];
    let counts = show::Counts::of(part.scopes.iter().flat_map(|scope| &scope.changes));
    assert_eq!((counts.deletes, part.deletions(&back.overrides), back.changes_to_write()), (3, 3, 6));
    let text = preview(&back);
    for told in [&counts.words(), "deleted on two: 3 items, ", "differs from it by 6 changes"] {
        assert!(text.contains(told), "{told}:\n{text}");
    }
}

#[tokio::test]
async fn nobody_is_told_to_replicate_what_was_just_undone() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let to_words = words(&servers.1);
    let (_, past) = execute(&fleet, &plan_from(&fleet, "one").await, &to_words).await;
    let back = plan_back(&fleet, past, &[]).await;
    servers.1.script(A, Script::Lose);
    let (report, _) = execute(&fleet, &back, &to_words).await;
    let told = &report.relationships[0];
    let lost = told.scopes.iter().find(|scope| scope.id == A.parse().unwrap()).unwrap();
    for text in [lost.message.as_deref().unwrap(), &told.remarks[0]] {
        assert!(text.contains("undo again (scopesync undo a-run)") && !text.contains("replicate"), "{text}");
    }
}

#[tokio::test]
async fn what_is_left_out_of_an_undo_stays_as_the_run_left_it() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let to_words = words(&servers.1);
    let (_, past) = execute(&fleet, &plan_from(&fleet, "one").await, &to_words).await;
    let back = plan_back(&fleet, past, &[]).await;
    let part = &back.relationships[0];
    let lifetime = ItemKey::property("valid-lifetime");
    let items = |id: &str, keys: &[&ItemKey]| -> LeftOut {
        keys.iter().map(|key| LeftItem::new(part, id.parse().unwrap(), key)).collect()
    };
    // a scope that the run created goes as a whole or stays as a whole
    let ctl = Control::free();
    let less = back.leaving_out(&fleet, &items(NEW, &[&lifetime]), &ctl).await;
    assert_eq!((less.left_out().len(), less.digest), (0, back.digest.clone()));
    let new = items(NEW, &[&lifetime, &ItemKey::property("id")]);
    let less = back.leaving_out(&fleet, &new.into_iter().chain(items(A, &[&lifetime])).collect(), &ctl).await;
    assert_eq!(works(&less).iter().map(|work| work.id.to_string()).collect::<Vec<_>>(), [A]);
    let (report, _) = execute(&fleet, &less, &to_words).await;
    assert_eq!(report.exit_status(), 0, "{report:?}");
    let scopes = servers.1.inner().scopes.clone();
    assert!(scopes.contains_key(&NEW.parse().unwrap()));
    let mut expected = drifted().1.inner().scopes[&A.parse().unwrap()].items.clone();
    expected.insert(
        lifetime,
        drifted().0.inner().scopes[&A.parse().unwrap()].items[&ItemKey::property("valid-lifetime")].clone(),
    );
    assert_eq!(scopes[&A.parse().unwrap()].items, expected);
}

#[tokio::test]
async fn what_changed_since_is_refused_with_all_three_and_only_that() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let to_words = words(&servers.1);
    let before = items(&servers.1);
    let (_, mut past) = execute(&fleet, &plan_from(&fleet, "one").await, &to_words).await;
    servers.1.meddle(A, |scope| *scope = Scope { items: relifed(scope, 5), ..scope.clone() });
    past[0].later = Some("another-run".into());

    let back = plan_back(&fleet, past.clone(), &[]).await;
    let refused = &back.relationships[0].scopes[1];
    assert_eq!((refused.refusals[0].name, refused.refusals[0].overridable), ("changed-since-run", true));
    let text = preview(&back);
    assert!(text.contains("valid-lifetime: then 7200, after the run 3600, now 5"), "{text}");
    assert!(text.contains("run another-run wrote it later") && text.contains("undo run another-run first"), "{text}");
    let told = back.to_json()["relationships"][0]["scopes"][1]["since"]["items"][0].clone();
    assert_eq!([&told["then"], &told["after"], &told["now"]], ["7200", "3600", "5"]);
    let (report, _) = execute(&fleet, &back, &to_words).await;
    let outcomes: Vec<Outcome> = report.scopes().map(|scope| scope.outcome).collect();
    assert_eq!((outcomes, report.exit_status()), (vec![Outcome::Rejected, Outcome::Replicated], 3));

    let back = plan_back(&fleet, past.clone(), &["changed-since-run"]).await;
    assert_eq!(back.scopes_to_write(), 1, "{}", preview(&back));
    assert!(preview(&back).contains("now 5"), "also when it is overridden");
    execute(&fleet, &back, &to_words).await;
    assert_eq!(items(&servers.1), before);
    // now it is as it was, and nobody minds what came between
    let back = plan_back(&fleet, past, &[]).await;
    assert_eq!((back.scopes_to_write(), back.relationships[0].in_sync.len()), (0, 2));
}

fn relifed(scope: &Scope, lifetime: u32) -> BTreeMap<scopesync::model::ItemKey, scopesync::model::Item> {
    fake::scope(A, &[("id", json!(1)), ("valid-lifetime", json!(lifetime))])
        .items
        .into_iter()
        .chain(
            scope.items.iter().filter(|(key, _)| key.in_reservation().is_some()).map(|(k, i)| (k.clone(), i.clone())),
        )
        .collect()
}

#[tokio::test]
async fn what_cannot_be_undone_is_told_and_nothing_is_written() {
    let servers = drifted();
    servers.1.script(A, Script::Half);
    let fleet = fake::fleet(&servers);
    let to_words = words(&servers.1);
    let (_, past) = execute(&fleet, &plan_from(&fleet, "one").await, &to_words).await;
    assert_eq!(past[0].outcome, Some(Outcome::Partial));
    let writes = servers.1.writes();

    let named = |text: &str| text.parse::<ScopeSelector>().unwrap();
    let error = Undo::new("a-run", past.clone(), &[named("10.0.1.0")]).unwrap_err();
    assert_eq!(error.what, "run a-run has not changed scope 10.0.1.0");
    let elsewhere = Past { target: "another".into(), ..past[0].clone() };
    let both: Vec<Past> = past.iter().cloned().chain([elsewhere]).collect();
    let error = Undo::new("a-run", both.clone(), &[named(A)]).unwrap_err();
    assert_eq!(error.what, format!("run a-run has changed scope {A} on several servers: two, another"));
    let of_one = Undo::new("a-run", both, &[]).unwrap().only(&[("another".into(), past[0].id)].into());
    assert_eq!(of_one.targets(), ["another".into()].into());

    let dropped: Vec<Past> = past.iter().map(|past| Past { is_kept: false, ..past.clone() }).collect();
    let error = Undo::new("a-run", dropped.clone(), &[named(A)]).unwrap_err();
    assert_eq!(error.what, format!("what scope {A} was before run a-run is no longer kept"));
    let back = plan_back(&fleet, dropped, &[]).await;
    assert_eq!((back.scopes_to_write(), back.is_blocked_anywhere()), (0, true));
    assert!(preview(&back).contains("what it was before run a-run is no longer kept"), "{}", preview(&back));

    let rejected: Vec<Past> =
        past.iter().map(|past| Past { outcome: Some(Outcome::Rejected), ..past.clone() }).collect();
    assert_eq!(Undo::new("a-run", rejected, &[]).unwrap_err().what, "run a-run has changed no scope");

    // what the run left is not known: it was cut short, or could not read back
    let unknown: Vec<Past> =
        past.iter().map(|past| Past { outcome: None, after: Left::Unknown, ..past.clone() }).collect();
    let blocked = unknown.iter().map(|past| Past { identity: Some("three".into()), ..past.clone() }).collect();
    let told = preview(&plan_back(&fleet, blocked, &[]).await);
    assert!(told.contains("  changed-since-run: ") && !told.contains("overridden, "), "nobody overrode it\n{told}");
    let back = plan_back(&fleet, unknown, &[]).await;
    assert_eq!(back.scopes_to_write(), 0);
    assert!(back.relationships[0].scopes.iter().all(|scope| scope.refusals[0].name == "changed-since-run"));
    assert!(preview(&back).contains("what the run left there is not known"));

    let other: Vec<Past> = past.iter().map(|past| Past { identity: Some("three".into()), ..past.clone() }).collect();
    let back = plan_back(&fleet, other, &["changed-since-run"]).await;
    assert_eq!(back.relationships[0].blocked.as_ref().unwrap().name, "another-server");
    let elsewhere: Vec<Past> = past.iter().map(|past| Past { target: "gone".into(), ..past.clone() }).collect();
    let back = plan_back(&fleet, elsewhere, &[]).await;
    assert_eq!(back.relationships[0].blocked.as_ref().unwrap().name, "not-read");
    let lost: Vec<Past> = past.iter().map(|past| Past { before: Some(nothing()), ..past.clone() }).collect();
    let back = plan_back(&fleet, lost, &[]).await;
    assert!(back.relationships[0].scopes.iter().all(|scope| scope.state == DriftState::Unknown));

    // moved between the plan and the run: only the target is looked at, and it refuses
    let back = plan_back(&fleet, past, &[]).await;
    servers.1.meddle(A, |scope| scope.items.clear());
    let (report, _) = execute(&fleet, &back, &to_words).await;
    assert!(report.scopes().all(|scope| scope.outcome == Outcome::Rejected), "{report:?}");
    let changed = |calls: Vec<String>| calls.into_iter().filter(|call| call.starts_with("write")).count();
    assert_eq!(changed(servers.1.writes()), changed(writes));
}

fn nothing() -> Words {
    Words { network: None, native: Arc::new(json!("nowhere")) }
}

const HEAD: &str = r#"// the head stays
{ "Dhcp4": { # and so does this
    "valid-lifetime": 4000, "control-socket": {"socket-type": "unix", "socket-name": "NAME.sock"},
    "hooks-libraries": [{"library": "libdhcp_ha.so", "parameters": {"high-availability": [{
        "this-server-name": "NAME", "mode": "load-balancing", "peers": [
        {"name": "one", "url": "http://192.0.2.1:8000/", "role": "primary"},
        {"name": "two", "url": "http://192.0.2.2:8000/", "role": "secondary"}]}]}}],
"#;

struct Files(tempfile::TempDir);

impl Files {
    fn new(texts: [String; 2]) -> Self {
        let files = Files(tempfile::tempdir().unwrap());
        for (name, text) in ["one", "two"].into_iter().zip(texts) {
            fs::write(files.path(name), text).unwrap();
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.conf"))
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn fleet(&self) -> Fleet {
        let server = |name: &str| {
            let mut policy = FilePolicy::default();
            policy.options.check = Check::Off;
            Arc::new(FileServer::new(name.into(), self.path(name), policy)) as Arc<dyn Server>
        };
        Fleet::new(["one", "two"].map(server).to_vec())
    }
}

/// Replicates, takes it back, and compares: nothing differs from what was there. Returns how many
/// scopes were written.
async fn there_and_back(files: &Files, from: &str, to: &str) -> usize {
    let fleet = files.fleet();
    let before = files.text(to);
    let plan = plan_from(&fleet, from).await;
    let (_, past) = execute(&fleet, &plan, &native).await;
    if past.is_empty() {
        return 0;
    }
    let written = past.len();
    let between = files.text(to);
    let back = plan_back(&fleet, past, &[]).await;
    let (report, of_undo) = execute(&fleet, &back, &native).await;
    assert!(report.scopes().all(|scope| scope.outcome == Outcome::Replicated), "{report:#?}\n{before}\n{between}");
    let reading = fleet.servers().iter().find(|server| server.name().as_str() == to).unwrap();
    let reading = reading.read(&scopesync::engine::port::Control::free()).await.unwrap();
    for work in works(&plan) {
        let now = reading.scopes.get(&work.id).map(|entry| entry.raw.open().unwrap());
        match (&work.before, &now) {
            (None, None) => {}
            (Some(then), Some(now)) => {
                assert!(drift::compare(then, now).is_empty());
                assert_eq!(then.native, now.native, "keys that nobody knows come back too");
            }
            _ => panic!("{}: {:?} {:?}", work.id, work.before, now),
        }
    }
    let value = |text: &str| {
        let document = scopesync::backend::kea::dialect::parse("f", text.as_bytes().to_vec(), |_| Err("none".into()));
        sorted(document.unwrap().root().to_json())
    };
    assert_eq!(value(&files.text(to)), value(&before), "{before}\n{between}\n{}", files.text(to));
    let redo = plan_back(&fleet, of_undo, &[]).await;
    execute(&fleet, &redo, &native).await;
    assert_eq!(plan_from(&fleet, from).await.changes_to_write(), 0);
    written
}

/// A scope that was taken out of the middle of a list and put back stands at its end.
fn sorted(mut config: Value) -> Value {
    let dhcp4 = &mut config["Dhcp4"];
    let of_networks = dhcp4["shared-networks"].as_array().map_or(0, Vec::len);
    let ways = (0..of_networks).map(|at| format!("/shared-networks/{at}/subnet4")).chain(["/subnet4".to_owned()]);
    for subnets in ways {
        let Some(Value::Array(subnets)) = dhcp4.pointer_mut(&subnets) else { continue };
        subnets.sort_by_key(|subnet| subnet["subnet"].to_string());
        for hosts in subnets.iter_mut().filter_map(|subnet| subnet.get_mut("reservations")?.as_array_mut()) {
            hosts.sort_by_key(ToString::to_string);
        }
    }
    config
}

#[tokio::test]
async fn the_demo_pair_goes_there_and_back_in_both_directions() {
    for (from, to) in [("one", "two"), ("two", "one")] {
        let [one, two] =
            ["berlin", "hamburg"].map(|name| format!("{}/assets/demo/{name}.conf", env!("CARGO_MANIFEST_DIR")));
        let files = Files::new([one, two].map(|path| fs::read_to_string(path).unwrap()));
        assert!(there_and_back(&files, from, to).await > 5);
    }
}

/// One scope of a generated file.
fn a_scope() -> impl Strategy<Value = Option<Value>> {
    let hosts = proptest::collection::btree_map(1_u8..6, 0_u8..3, 0..4);
    let extra = prop_oneof![Just(None), Just(Some(json!({"odd": [1, null]}))), Just(Some(json!("Ünseen")))];
    let whole = (prop::option::of(1_u32..4), hosts, extra, 0_u8..3, any::<bool>()).prop_map(
        |(lifetime, hosts, extra, pools, flat)| {
            let mut scope = serde_json::Map::new();
            if flat {
                scope.insert("user-context".into(), json!({"b": 1, "a": extra}));
            }
            lifetime.map(|n| scope.insert("valid-lifetime".into(), json!(n * 1000)));
            extra.map(|extra| scope.insert("x-unknown".into(), extra));
            let pools: Vec<Value> =
                (0..pools).map(|n| json!({"pool": format!("10.0.N.{}0-10.0.N.{}5", n + 1, n + 1)})).collect();
            scope.insert("pools".into(), pools.into());
            let host = |(client, name): (u8, u8)| {
                json!({"hw-address": format!("02:00:00:00:00:0{client}"), "ip-address": format!("10.0.N.{client}"),
                       "hostname": format!("h{name}"), "option-data": [{"name": "routers", "data": "10.0.N.1"}]})
            };
            scope.insert("reservations".into(), hosts.into_iter().map(host).collect());
            Value::Object(scope)
        },
    );
    prop::option::weighted(0.8, whole)
}

/// The text of a server with these scopes, those of odd number in a shared network.
fn file(name: &str, scopes: &[Option<Value>]) -> String {
    let subnet = |(n, scope): (usize, &Option<Value>)| {
        let mut scope = scope.clone()?;
        scope["id"] = json!(n + 1);
        scope["subnet"] = json!(format!("10.0.{n}.0/24"));
        Some((n, scope.to_string().replace("10.0.N.", &format!("10.0.{n}."))))
    };
    let (inside, outside): (Vec<_>, Vec<_>) =
        scopes.iter().enumerate().filter_map(subnet).partition(|(n, _)| n % 2 == 1);
    let list = |subnets: Vec<(usize, String)>| {
        subnets.into_iter().map(|(n, text)| format!("  # scope {n}\n        {text}")).collect::<Vec<_>>().join(",\n")
    };
    format!(
        "{}    \"subnet4\": [\n{}\n    ],\n    \"shared-networks\": [{{\"name\": \"floor\", \"renew-timer\": 7, \"subnet4\": [\n{}\n    ]}}] }} }}\n",
        HEAD.replace("NAME", name),
        list(outside),
        list(inside)
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn files_come_back_as_they_were(
        one in proptest::collection::vec(a_scope(), 4),
        two in proptest::collection::vec(a_scope(), 4),
    ) {
        let files = Files::new([file("one", &one), file("two", &two)]);
        let _ = tokio::runtime::Runtime::new().unwrap().block_on(there_and_back(&files, "one", "two"));
    }

    #[test]
    fn servers_in_memory_come_back_as_they_were(
        one in proptest::collection::vec((0_u8..6, 0_u32..4, 0_u8..4), 0..6),
        two in proptest::collection::vec((0_u8..6, 0_u32..4, 0_u8..4), 0..6),
    ) {
        let scopes = |made: Vec<(u8, u32, u8)>| {
            let scope = |(n, lifetime, hosts): (u8, u32, u8)| {
                let lifetime = ("valid-lifetime", json!(lifetime));
                let mut scope = fake::scope(&format!("10.0.{n}.0/24"), &[("id", json!(n + 1)), lifetime]);
                (0..hosts).for_each(|host| fake::reserve(&mut scope, &format!("10.0.{n}.{host}"), "02:00:00:00:00:01"));
                scope
            };
            made.into_iter().map(scope).collect()
        };
        let servers = fake::pair(scopes(one), scopes(two));
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let fleet = fake::fleet(&servers);
            let before = items(&servers.1);
            let to_words = words(&servers.1);
            let (_, past) = execute(&fleet, &plan_from(&fleet, "one").await, &to_words).await;
            if !past.is_empty() {
                execute(&fleet, &plan_back(&fleet, past, &[]).await, &to_words).await;
            }
            assert_eq!(items(&servers.1), before);
        });
    }
}
