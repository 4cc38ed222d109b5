//! No snapshot, no replication; and one run at a time on each server.

#![cfg(all(unix, feature = "kea"))]
// A helper of a test may fail as a test may.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use common::disk::Disk;
use common::fake;
use common::program::{Finished, Home, by_file};
use rusqlite::Connection;
use scopesync::engine::approval::{Consent, Questions, Switches};
use scopesync::engine::outcome::Outcome;
use scopesync::engine::plan::Plan;
use scopesync::engine::port::{Approval, Control, Hold, Journal as _, RunKind, RunServer, RunStart, ServerRole};
use scopesync::engine::progress::Progress;
use scopesync::engine::run;
use scopesync::engine::select::{Selection, select};
use scopesync::history::RunFilter;
use scopesync::model::ServerName;
use serde_json::json;

const REPLICATE: [&str; 6] = ["replicate", "--computer-name", "kea-1", "--force", "--scope-id", "10.20.10.0"];
const WITHOUT: [&str; 2] = ["--override", "no-snapshot"];

/// The demo pair's files in a place of their own, and a state folder that a test may spoil.
struct Site {
    home: Home,
    files: [PathBuf; 2],
}

impl Site {
    fn new() -> Site {
        let home = Home::new();
        home.run(&["demo", "reset"]).expect_code(0);
        let files = ["berlin.conf", "hamburg.conf"].map(|name| {
            let file = home.path().join(name);
            std::fs::copy(home.state().join("demo").join(name), &file).unwrap();
            file
        });
        std::fs::remove_dir_all(home.state()).unwrap();
        let config = by_file([&files[0], &files[1]]).replace("kind = ", "check = \"off\"\nkind = ");
        home.write_config(&config);
        Site { home, files }
    }

    fn target(&self) -> Vec<u8> {
        std::fs::read(&self.files[1]).unwrap()
    }

    /// A run that must end before anything is written.
    fn refused(&self, why: &str) -> Finished {
        let before = self.target();
        let run = self.home.run(&REPLICATE).expect_code(1);
        assert!(self.target() == before, "{}", run.stderr);
        assert!(run.stdout.is_empty() && run.stderr.contains("no-snapshot"), "{}", run.stderr);
        assert!(run.stderr.contains("history.db") || run.stderr.contains("state"), "{}", run.stderr);
        assert!(run.stderr.contains(why), "{}", run.stderr);
        run
    }

    /// The same run by the operator's explicit word.
    fn goes_on_without(&self) {
        let before = self.target();
        let run = self.home.run(&[&REPLICATE[..], &WITHOUT].concat()).expect_code(0);
        assert_eq!(run.stdout, "10.20.10.0\n", "{}", run.stderr);
        assert!(self.target() != before && run.stderr.contains("may not be undone"), "{}", run.stderr);
    }
}

#[test]
fn a_store_from_a_newer_version_stops_every_write_and_stays_as_it_is() {
    let site = Site::new();
    std::fs::create_dir(site.home.state()).unwrap();
    let store = site.home.state().join("history.db");
    Connection::open(&store).unwrap().execute_batch("PRAGMA user_version = 99; CREATE TABLE new (a)").unwrap();
    Connection::open(&store).unwrap().execute_batch("PRAGMA application_id = 1936947566").unwrap();
    let before = std::fs::read(&store).unwrap();
    let run = site.refused("it has version 99");
    assert!(run.stderr.contains("a newer scopesync has written it"), "{}", run.stderr);
    site.home.run(&["drift"]).expect_code(2);
    site.goes_on_without();
    assert!(std::fs::read(&store).unwrap() == before);
}

#[test]
fn a_state_folder_that_others_use_or_that_is_none_is_refused() {
    let site = Site::new();
    std::fs::write(site.home.state(), "a file in the way").unwrap();
    site.refused("state");
    std::fs::remove_file(site.home.state()).unwrap();
    std::fs::create_dir(site.home.state()).unwrap();
    std::fs::set_permissions(site.home.state(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    site.refused("others use it as well");
    site.goes_on_without();
}

#[test]
fn on_a_full_disk_or_one_that_may_not_be_written_nothing_begins() {
    let Some(disk) = Disk::mount(1) else { return };
    let site = Site::new();
    std::os::unix::fs::symlink(disk.path(), site.home.state()).unwrap();
    disk.leave(0);
    site.refused("No space left");
    // room to make a store in, and none for the run
    disk.free();
    site.home.history().ready().unwrap();
    disk.leave(0);
    site.refused("No space left");
    disk.free();
    site.home.run(&REPLICATE).expect_code(0);
    assert_eq!(site.home.runs(), 1);

    disk.freeze();
    let history = site.home.history();
    let run = history.run("latest").unwrap();
    assert_eq!(history.snapshots(&run, None).unwrap().len(), 1, "what may not be written may be read");
    let run = site.home.run(&["replicate", "--computer-name", "kea-1", "--force"]).expect_code(1);
    assert!(run.stderr.contains("no-snapshot") && run.stderr.contains("history.db"), "{}", run.stderr);
}

#[test]
fn what_cannot_be_kept_is_refused_in_the_preview_of_every_command() {
    let site = Site::new();
    site.home.run(&REPLICATE).expect_code(0);
    let audit = site.home.state().join("audit.jsonl");
    std::fs::remove_file(&audit).unwrap();
    std::fs::create_dir(&audit).unwrap();
    let refused = |arguments: &[&str]| {
        let before = site.target();
        let run = site.home.run(arguments).expect_code(1);
        assert!(run.stderr.contains("no-snapshot: ") && run.stderr.contains("refused"), "{}", run.stderr);
        assert!(run.stderr.contains("the reasons stand above"), "{}", run.stderr);
        assert!(site.target() == before, "{}", run.stderr);
    };
    refused(&["undo", "latest", "--force"]);
    // the same run, had it died
    let store = Connection::open(site.home.state().join("history.db")).unwrap();
    store.execute_batch("UPDATE run SET ended = NULL, report = NULL, summary = NULL").unwrap();
    refused(&["recover", "latest", "--undo", "--force"]);
}

#[tokio::test]
async fn a_later_run_that_died_first_is_not_replaced_by_an_earlier_one() {
    let home = Home::new();
    let scopes = |lifetime| vec![fake::scope("10.0.0.0/24", &[("id", json!(1)), ("valid-lifetime", json!(lifetime))])];
    let servers = fake::pair(scopes(1000), scopes(2000));
    let (fleet, ctl) = (fake::fleet(&servers), Control::free());
    let survey = fleet.survey(&ctl).await;
    let picked = select(&survey, &Selection::All, &[ServerName::from("one")]).unwrap();
    let plan = Plan::make(&fleet, &survey, &picked, BTreeSet::new(), &ctl).await;
    let planned = &plan.relationships[0];
    let history = home.history();
    let start = |run: &str| RunStart {
        run: run.to_owned(),
        started: jiff::Timestamp::now(),
        kind: RunKind::Replication,
        asked: json!(null),
        overrides: BTreeSet::new(),
        approvals: vec![Approval { relationship: planned.name.clone(), by: "ann".into(), answer: Consent::Yes }],
        plan: plan.to_json(),
        servers: BTreeSet::from([RunServer { role: ServerRole::Target, name: "two".into(), identity: None }]),
    };
    let report = json!({"relationships": [{"name": "one-two", "target": "two", "scopes": [
        {"scope_id": "10.0.0.0", "prefix_length": 24, "outcome": "replicated", "verified": true}]}]});
    let waiting = || -> Vec<String> { history.interrupted().unwrap().into_iter().map(|run| run.id).collect() };
    history.begin(&start("first")).unwrap();
    // in the moment between the last write of the first and its end
    history.begin(&start("second")).unwrap();
    history.end("first", &report).unwrap();
    assert_eq!(waiting(), ["second"]);
    history.begin(&start("third")).unwrap();
    history.end("third", &report).unwrap();
    assert_eq!(waiting(), [""; 0]);
}

#[tokio::test]
async fn a_run_waits_for_another_and_says_for_whom_also_when_it_is_cancelled() {
    let home = Home::new();
    let scopes = |lifetime| vec![fake::scope("10.0.0.0/24", &[("id", json!(1)), ("valid-lifetime", json!(lifetime))])];
    let servers = fake::pair(scopes(1000), scopes(2000));
    let fleet = fake::fleet(&servers);
    let ctl = Control::free();
    let survey = fleet.survey(&ctl).await;
    let picked = select(&survey, &Selection::All, &[ServerName::from("one")]).unwrap();
    let plan = Plan::make(&fleet, &survey, &picked, BTreeSet::new(), &ctl).await;
    let approved = || {
        let switches = Switches { force: true, ..Switches::default() };
        let names = plan.relationships.iter().map(|relationship| relationship.name.clone()).collect();
        Questions::new(&plan.digest, names, "test", switches, BTreeSet::new()).into_approved()
    };
    let target = plan.relationships[0].identities[1].clone().unwrap();
    let (other, history) = (home.history(), home.history());
    let Hold::Mine(mut held) = other.hold(target.raw(), "20260101T000000Z-other").unwrap() else {
        panic!("it is free")
    };

    for cancel in [true, false] {
        let (progress, mut status) = Progress::channel();
        let ctl = Control { progress, ..Control::free() };
        let run = run::run(&fleet, &plan, approved(), &history, &ctl);
        let meanwhile = async {
            let waits = status.wait_for(|status| status.waiting.is_some());
            let status = tokio::time::timeout(Duration::from_secs(30), waits).await.unwrap().unwrap().clone();
            let told = status.waiting.unwrap().for_what;
            let process = format!("process {}", std::process::id());
            assert!(told.contains("run 20260101T000000Z-other of ") && told.contains(&process), "{told}");
            if cancel {
                ctl.soft.cancel();
            } else {
                // its owner ends
                drop(held);
                return None;
            }
            Some(held)
        };
        let (report, kept) = tokio::join!(run, meanwhile);
        let scope = report.scopes().next().unwrap();
        if cancel {
            let message = scope.message.clone().unwrap();
            assert!(message.contains("run 20260101T000000Z-other of "), "{message}");
            assert_eq!((scope.outcome, history.runs(&RunFilter::default()).unwrap().len()), (Outcome::Cancelled, 0));
            assert!(servers.1.writes().is_empty());
        } else {
            assert_eq!((scope.outcome, history.runs(&RunFilter::default()).unwrap().len()), (Outcome::Replicated, 1));
        }
        match kept {
            Some(again) => held = again,
            None => break,
        }
    }
}
