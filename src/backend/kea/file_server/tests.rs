//! File pairs through the whole engine: drift, plan, run, and what is left of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::super::file::{Check, Checked};
use super::*;
use crate::engine::approval::{Approved, Questions, Switches};
use crate::engine::fleet::Fleet;
use crate::engine::outcome::{Outcome, RunReport, SavedState};
use crate::engine::plan::Plan;
use crate::engine::port::{Journal, Kept, Place, RunStart, Topic, Unsaved, Verdict, Work, Writer};
use crate::engine::select::{self, Selection};
use crate::engine::{compare, run};
use crate::model::{DriftState, KeyName, Kind};

struct NoJournal;

impl Journal for NoJournal {
    fn begin(&self, _start: &RunStart) -> Result<()> {
        Ok(())
    }
    fn before(&self, _place: &Place, _work: &[Arc<Work>]) -> Result<()> {
        Ok(())
    }
    fn after(&self, _place: &Place, _kept: &[Kept]) -> Result<()> {
        Ok(())
    }
    fn end(&self, _run: &str, _report: &Json) -> Result<()> {
        Ok(())
    }

    fn unsaved(&self, _target: &ServerName) -> Option<Unsaved> {
        None
    }

    fn remember_unsaved(&self, _target: &ServerName, _unsaved: Option<Unsaved>) -> Result<()> {
        Ok(())
    }

    fn lost(&self, _target: &ServerName) -> BTreeSet<ScopeId> {
        BTreeSet::new()
    }

    fn remember_lost(&self, _target: &ServerName, _lost: &BTreeSet<ScopeId>) -> Result<()> {
        Ok(())
    }
}

const HEAD: &str = r#"// the head stays
{ "Dhcp4": { # and so does this
    "valid-lifetime": 4000, "control-socket": {"socket-type": "unix", "socket-name": "NAME.sock"},
    "hooks-libraries": [{"library": "libdhcp_ha.so", "parameters": {"high-availability": [{
        "this-server-name": "NAME", "mode": "load-balancing", "peers": [
        {"name": "one", "url": "http://192.0.2.1:8000/", "role": "primary"},
        {"name": "two", "url": "http://192.0.2.2:8000/", "role": "secondary"}]}]}}],
"#;

struct Pair {
    folder: TempDir,
    check: Check,
}

impl Pair {
    fn new(one: &str, two: &str) -> Self {
        let pair = Pair { folder: tempfile::tempdir().unwrap(), check: Check::Off };
        for (name, rest) in [("one", one), ("two", two)] {
            fs::write(pair.path(name), format!("{}{rest}}} }} # end\n", HEAD.replace("NAME", name))).unwrap();
        }
        pair
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.conf"))
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn server(&self, name: &str) -> FileServer {
        let mut policy = FilePolicy::default();
        policy.options.check = self.check.clone();
        FileServer::new(name.into(), self.path(name), policy)
    }

    fn fleet(&self) -> Fleet {
        Fleet::new(["one", "two"].map(|name| Arc::new(self.server(name)) as Arc<dyn Server>).to_vec())
    }
}

async fn plan(fleet: &Fleet, source: &str) -> Plan {
    let ctl = Control::free();
    let survey = fleet.survey(&ctl).await;
    let picked = select::select(&survey, &Selection::All, &[source.into()]).unwrap();
    Plan::make(fleet, &survey, &picked, BTreeSet::new(), &ctl).await
}

fn approved(plan: &Plan) -> Vec<Approved> {
    let names = plan.relationships.iter().map(|r| r.name.clone()).collect();
    let force = Switches { force: true, ..Switches::default() };
    Questions::new(&plan.digest, names, "test", force, BTreeSet::new()).into_approved()
}

async fn replicate(fleet: &Fleet, source: &str) -> RunReport {
    let plan = plan(fleet, source).await;
    run::run(fleet, &plan, approved(&plan), &NoJournal, &Control::free()).await
}

fn demo() -> Pair {
    let pair = Pair { folder: tempfile::tempdir().unwrap(), check: Check::Off };
    fs::write(pair.path("one"), include_bytes!("../../../../assets/demo/berlin.conf")).unwrap();
    fs::write(pair.path("two"), include_bytes!("../../../../assets/demo/hamburg.conf")).unwrap();
    pair
}

#[tokio::test]
async fn the_demo_pair_is_replicated_both_ways() {
    for (source, target) in [("one", "two"), ("two", "one")] {
        let pair = demo();
        let fleet = pair.fleet();
        let before = [source, target].map(|name| pair.text(name));
        let first = plan(&fleet, source).await;
        assert!(first.scopes_to_write() > 5, "{:#?}", first.to_json());
        let report = replicate(&fleet, source).await;
        let refused =
            |id| first.relationships[0].scopes.iter().any(|scope| scope.id == id && !scope.refusals.is_empty());
        for scope in report.scopes() {
            match scope.outcome {
                Outcome::Replicated => assert_eq!(scope.saved, SavedState::NeedsReload),
                Outcome::Unchanged | Outcome::Skipped => {}
                _ => assert!(refused(scope.id), "{source}: {scope:?}"),
            }
        }
        let rest = plan(&fleet, source).await;
        assert_eq!(rest.scopes_to_write(), 0, "{:#?}", rest.to_json());
        assert_eq!(pair.text(source), before[0], "the source was written");
        let now = pair.text(target);
        let is_comment = |line: &&str| ["//", "#", "/*"].iter().any(|sign| line.trim_start().starts_with(sign));
        for comment in before[1].lines().filter(is_comment) {
            assert!(now.contains(comment), "{comment}");
        }
    }
}

const SCOPES: &str = r#"
    "subnet4": [
        // first
        { "subnet": "10.0.0.0/24", "id": 1, /* its id */ "valid-lifetime": 3600,
          "pools": [ { "pool": "10.0.0.10 - 10.0.0.20" } ] },
        { "subnet": "10.0.1.0/24", "id": 2 } // second
    ]
"#;

#[tokio::test]
async fn only_the_bytes_that_differ_change() {
    let pair = Pair::new(SCOPES, &SCOPES.replace("3600", "7200").replace(".20\"", ".30\""));
    let before = pair.text("two");
    let report = replicate(&pair.fleet(), "one").await;
    assert_eq!(report.exit_status(), 0, "{report:?}");
    assert_eq!(pair.text("two"), before.replace("7200", "3600").replace(".30\"", ".20\""));
}

#[tokio::test]
async fn scopes_are_created_moved_and_renumbered_in_one_replacement() {
    let one = r#"
    "shared-networks": [ { "name": "floor", "valid-lifetime": 5000, "subnet4": [
        { "subnet": "10.0.0.0/24", "id": 1, "comment": "moves in" } ] } ],
    "subnet4": [
        { "subnet": "10.0.1.0/24", "id": 7, "interface": "eth0" },
        { "subnet": "10.0.2.0/24", "id": 8, "interface": "eth0",
          "reservations": [ { "hw-address": "02:00:00:00:00:01", "ip-address": "10.0.2.9" } ] },
        { "subnet": "10.0.3.0/24", "id": 2, "valid-lifetime": 4000 }
    ]
"#;
    let two = r#"
    "shared-networks": [ { "name": "floor", "valid-lifetime": 5000 } ],
    "subnet4": [
        { "subnet": "10.0.0.0/24", "id": 1, "comment": "moves in" },
        { "subnet": "10.0.1.0/24", "id": 2, "interface": "ens3" }, // swaps
        { "subnet": "10.0.3.0/24", "id": 7 }
    ]
"#;
    let pair = Pair::new(one, two);
    let fleet = pair.fleet();
    let report = replicate(&fleet, "one").await;
    assert_eq!(report.exit_status(), 0, "{report:?}");
    assert_eq!(report.counts(), BTreeMap::from([(Outcome::Replicated, 4)]));
    let file = ConfigFile::read(pair.path("two"), &Limits::default()).unwrap();
    let dhcp4 = file.document().root().get("Dhcp4").unwrap().to_json();
    assert_eq!(
        dhcp4["shared-networks"][0]["subnet4"],
        json!([{"subnet": "10.0.0.0/24", "id": 1, "comment": "moves in"}])
    );
    let scopes = dhcp4["subnet4"].as_array().unwrap();
    assert_eq!(scopes[0], json!({"subnet": "10.0.1.0/24", "id": 7, "interface": "ens3"}));
    // a device of the other machine is not copied
    let host = json!({"hw-address": "02:00:00:00:00:01", "ip-address": "10.0.2.9"});
    assert!(scopes.contains(&json!({"subnet": "10.0.2.0/24", "id": 8, "reservations": [host]})), "{scopes:?}");
    assert!(pair.text("two").contains("// swaps"));
    assert_eq!(plan(&fleet, "one").await.scopes_to_write(), 0);
}

#[tokio::test]
async fn what_stands_in_an_included_file_is_shown_and_refused() {
    let pair = Pair::new(SCOPES, "");
    let part = pair.folder.path().join("part.json");
    fs::write(&part, "{ \"subnet\": \"10.0.0.0/24\", \"id\": 1 }").unwrap();
    let rest = format!(
        "\"subnet4\": [ <?include \"{}\"?>, {{ \"subnet\": \"10.0.1.0/24\", \"id\": 9 }} ] }} }}",
        part.display()
    );
    fs::write(pair.path("two"), format!("{}{rest}", HEAD.replace("NAME", "two"))).unwrap();
    let fleet = pair.fleet();
    let plan = plan(&fleet, "one").await;
    let refused: Vec<(String, Vec<&str>)> = plan.relationships[0]
        .scopes
        .iter()
        .map(|scope| (scope.id.to_string(), scope.refusals.iter().map(|refusal| refusal.name).collect()))
        .collect();
    assert_eq!(refused, [("10.0.0.0/24".to_owned(), vec!["included-file"]), ("10.0.1.0/24".to_owned(), vec![])]);
    let report = run::run(&fleet, &plan, approved(&plan), &NoJournal, &Control::free()).await;
    assert_eq!(report.counts().get(&Outcome::Replicated), Some(&1), "{report:?}");
    assert_eq!(fs::read_to_string(&part).unwrap(), "{ \"subnet\": \"10.0.0.0/24\", \"id\": 1 }");
}

#[tokio::test]
async fn a_taken_number_and_a_missing_network_are_refused() {
    let one = r#""shared-networks": [ { "name": "floor", "subnet4": [ { "subnet": "10.0.0.0/24", "id": 1 } ] } ],
        "subnet4": [ { "subnet": "10.0.1.0/24", "id": 2 } ]"#;
    let two = r#""subnet4": [ { "subnet": "10.0.0.0/24", "id": 1 }, { "subnet": "10.0.9.0/24", "id": 2 } ]"#;
    let pair = Pair::new(one, two);
    let plan = plan(&pair.fleet(), "one").await;
    let names = |scope: &str| -> Vec<&str> {
        let scopes = plan.relationships[0].scopes.iter();
        scopes.filter(|s| s.id.to_string() == scope).flat_map(|s| s.refusals.iter().map(|r| r.name)).collect()
    };
    assert!(!names("10.0.0.0/24").is_empty());
    assert_eq!(names("10.0.1.0/24"), ["id-taken"]);
}

#[tokio::test]
async fn a_file_that_moved_since_the_preview_is_not_written() {
    let pair = Pair::new(SCOPES, &SCOPES.replace("3600", "7200"));
    let fleet = pair.fleet();
    let plan = plan(&fleet, "one").await;
    let moved = pair.text("two").replace("7200", "7300");
    fs::write(pair.path("two"), &moved).unwrap();
    let report = run::run(&fleet, &plan, approved(&plan), &NoJournal, &Control::free()).await;
    assert_eq!(report.exit_status(), 1, "{report:?}");
    assert_eq!(pair.text("two"), moved);
}

/// Kea's test stands in for a program that refuses one of two scopes.
#[cfg(unix)]
#[tokio::test]
async fn only_the_scope_that_offends_kea_is_left_out() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut pair =
        Pair::new(SCOPES, &SCOPES.replace("3600", "7200").replace("\"id\": 2", "\"id\": 2, \"renew-timer\": 9"));
    let program = pair.folder.path().join("kea");
    // by another process: a file that is open for writing cannot be run
    let script = "#!/bin/sh\n! grep -q 3600 \"$2\" || { echo bad lifetime >&2; exit 1; }\n";
    let made = std::process::Command::new("/bin/sh")
        .args(["-c", "printf %s \"$1\" > \"$0\""])
        .arg(&program)
        .arg(script)
        .status();
    assert!(made.unwrap().success());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    pair.check = Check::Always(program);
    let tested = async |name| {
        let points = pair.server(name).examine(false, &Control::free()).await;
        points.into_iter().find(|point| point.topic == Topic::Test).unwrap()
    };
    let (one, two) = (tested("one").await, tested("two").await);
    assert!(one.verdict == Verdict::Failed && one.found.contains("one.conf as it stands: bad lifetime"), "{one:?}");
    assert!(one.hint.as_deref().is_some_and(|hint| hint.contains("of the version that will read it")), "{one:?}");
    assert_eq!(two.verdict, Verdict::Ok, "{two:?}");
    let report = replicate(&pair.fleet(), "one").await;
    let outcomes: Vec<Outcome> = report.scopes().map(|scope| scope.outcome).collect();
    assert_eq!(outcomes, [Outcome::Rejected, Outcome::Replicated], "{report:?}");
    assert!(report.scopes().any(|scope| scope.message.as_deref().is_some_and(|m| m.contains("bad lifetime"))));
    assert!(pair.text("two").contains("7200") && !pair.text("two").contains("renew-timer"));
}

#[tokio::test]
async fn an_untested_file_is_remarked_and_a_missing_test_that_was_asked_for_ends_it() {
    let mut pair = Pair::new(SCOPES, &SCOPES.replace("3600", "7200"));
    let writer = writer::FileWriter::new(pair.server("two"));
    for silent in [Checked::Off, Checked::Accepted("kea-dhcp4".into())] {
        writer.note(&silent);
        assert!(writer.remarks().is_empty());
    }
    writer.note(&Checked::NotInstalled);
    let remarks = writer.remarks();
    assert!(remarks.len() == 1 && remarks[0].contains("no Kea has tested"), "{remarks:?}");

    let before = pair.text("two");
    pair.check = Check::WhenPresent("no-such-kea".into());
    let report = replicate(&pair.fleet(), "one").await;
    let told = |message: &str| message.contains("cannot run no-such-kea -t") && message.contains("check = \"off\"");
    assert!(report.scopes().any(|scope| scope.message.as_deref().is_some_and(told)), "{report:?}");
    assert_eq!(pair.text("two"), before);
}

#[tokio::test]
async fn a_read_only_file_has_no_writer_and_a_strange_one_no_reading() {
    let pair = Pair::new(SCOPES, SCOPES);
    let policy = FilePolicy { read_only: true, ..FilePolicy::default() };
    let server = FileServer::new("one".into(), pair.path("one"), policy);
    assert!(server.writer(&Control::free()).await.is_err());
    let reading = server.read(&Control::free()).await.unwrap();
    assert_eq!(reading.identity.as_ref().map(ToString::to_string).as_deref(), Some("one at http://192.0.2.1:8000/"));
    assert_eq!(server.pulse(&Control::free()).await.unwrap(), reading.pulse);
    assert_eq!(server.addresses(), ["one"]);
    fs::write(pair.path("one"), "{ \"Dhcp6\": {} }").unwrap();
    let error = server.read(&Control::free()).await.unwrap_err();
    assert!(error.to_string().contains("Dhcp4"), "{error}");
}

#[tokio::test]
async fn the_demo_has_every_kind_of_drift() {
    let fleet = demo().fleet_and_keep();
    let survey = fleet.1.survey(&Control::free()).await;
    let drift = compare::relationship(&survey, &survey.relationships[0], 0, &[]);
    let states: BTreeSet<String> = drift.scopes.iter().map(|scope| format!("{:?}", scope.state)).collect();
    let want = [DriftState::Drifted, DriftState::InSync, DriftState::OnlyOnSource, DriftState::OnlyOnTarget];
    assert_eq!(states, want.iter().map(|state| format!("{state:?}")).collect());
    let kinds: BTreeSet<Kind> = drift.scopes.iter().flat_map(|s| &s.changes).map(|change| change.key.kind).collect();
    assert_eq!(kinds, [Kind::Property, Kind::Range, Kind::Reservation, Kind::Option, Kind::Policy].into());
    let named = |name: &str| {
        let name = KeyName::Name(name.into());
        drift.scopes.iter().flat_map(|s| &s.changes).any(|change| change.key.name == name)
    };
    assert!(named("shared-network") && named("valid-lifetime"));
    for (name, server) in ["one", "two"].map(|name| (name, fleet.0.server(name))) {
        let [read, now] =
            [server.read(&Control::free()).await.unwrap().health, server.health(&Control::free()).await.unwrap()];
        assert_eq!(read, now, "{name}: who watches it takes it for what it was");
        assert_eq!(now.memberships.len(), 1);
    }
}

impl Pair {
    fn fleet_and_keep(self) -> (Self, Fleet) {
        let fleet = self.fleet();
        (self, fleet)
    }
}
