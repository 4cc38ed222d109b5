//! What is promised of the store, tried out.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::engine::outcome::Outcome;
use crate::engine::port::{
    Fingerprints, Hold, Journal, Kept, Place, ReadBack, RunKind, RunServer, RunStart, ServerRole, Unsaved, Work,
};
use crate::model::{Complete, Scope, ScopeId, ServerName};

/// A state folder, and a history in it.
pub(super) fn site() -> (TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let history = open(&folder);
    (folder, history)
}

/// As another process opens it.
pub(super) fn open(folder: &TempDir) -> History {
    History::new(&StateFolder::at(folder.path().join("state")))
}

pub(super) fn start(run: &str) -> RunStart {
    let server = |role, name| RunServer { role, name: ServerName::from(name), identity: Some("id".into()) };
    RunStart {
        run: run.to_owned(),
        started: jiff::Timestamp::now(),
        kind: RunKind::Replication,
        asked: json!({"scopes": ["10.0.0.0"]}),
        overrides: BTreeSet::from(["option-43".to_owned()]),
        approvals: Vec::new(),
        plan: json!({"schema": "scopesync.plan/1"}),
        servers: BTreeSet::from([server(ServerRole::Source, "one"), server(ServerRole::Target, "two")]),
    }
}

pub(super) fn place(run: &str) -> Place {
    Place { run: run.to_owned(), target: ServerName::from("two"), identity: None, relationship: "pair".into() }
}

fn scope(id: &str, native: Value) -> Scope {
    Scope {
        id: id.parse().unwrap(),
        name: None,
        native: Arc::new(native),
        items: Default::default(),
        parents: Arc::default(),
        needs: BTreeSet::new(),
        unreadable: BTreeSet::new(),
        complete: Complete::Whole,
    }
}

pub(super) fn work(id: &str, before: Option<Value>) -> Arc<Work> {
    let expect = Fingerprints { source: Some("1:s".into()), target: before.as_ref().map(|_| "1:t".to_owned()) };
    let want = scope(id, json!({}));
    Arc::new(Work {
        id: want.id,
        before: before.map(|native| scope(id, native)),
        want: Some(want),
        changes: Vec::new(),
        expect,
        leaves_out: false,
    })
}

fn kept(id: &str, after: ReadBack) -> Kept {
    Kept { id: id.parse().unwrap(), outcome: Outcome::Replicated, record: json!({"outcome": "replicated"}), after }
}

#[test]
fn a_run_is_kept_with_its_scopes_as_they_were_and_as_they_are() {
    let (folder, history) = site();
    assert_eq!(history.runs(&RunFilter::default()).unwrap(), []);
    assert!(!folder.path().join("state").exists(), "who reads makes nothing");
    history.begin(&start("r1")).unwrap();
    let was = json!({"z": 1, "a": 2.50, "subnet": "10.0.0.0/24"});
    let created = ("10.0.1.0/24", None);
    let works = [work("10.0.0.0/24", Some(was.clone())), work(created.0, created.1)];
    history.before(&place("r1"), &works).unwrap();

    let reader = open(&folder);
    let run = reader.run("latest").unwrap();
    assert_eq!((run.id.as_str(), run.ended, run.servers.len()), ("r1", None, 2));
    let snapshots = reader.snapshots(&run, None).unwrap();
    assert!(snapshots.iter().all(|snapshot| snapshot.end.is_none()));
    let native = snapshots[0].native.clone().unwrap();
    assert_eq!(native.to_string(), was.to_string(), "in the server's words, in their order");
    assert_eq!((&snapshots[1].native, &snapshots[1].before.target), (&None, &None));

    let there = ReadBack::There { scope: scope("10.0.0.0/24", json!({"z": 3})), fingerprint: "1:n".into() };
    history.after(&place("r1"), &[kept("10.0.0.0/24", there), kept(created.0, ReadBack::Missing)]).unwrap();
    history.end("r1", &json!({"summary": {"replicated": 2}})).unwrap();
    let run = reader.run("r").unwrap();
    assert_eq!((run.ended.is_some(), run.summary["replicated"]), (true, 2));
    let ends: Vec<_> = reader.snapshots(&run, None).unwrap().into_iter().map(|one| one.end.unwrap()).collect();
    assert_eq!((ends[0].fingerprint.as_deref(), &ends[0].native), (Some("1:n"), &Some(json!({"z": 3}))));
    assert_eq!((ends[1].was_read, &ends[1].native), (true, &None));
    let id: ScopeId = created.0.parse().unwrap();
    assert_eq!(reader.snapshots(&run, Some(&[id])).unwrap().len(), 1);
    assert_eq!(reader.documents(&run).unwrap().asked["scopes"][0], "10.0.0.0");
    assert_eq!(reader.check().unwrap(), Vec::<String>::new());
}

#[test]
fn runs_are_in_the_order_in_which_they_began_whatever_the_clock_says() {
    let (_folder, history) = site();
    for (at, name) in ["b", "a", "c"].iter().enumerate() {
        let earlier = jiff::Timestamp::from_second(1_000_000 - at as i64 * 86_400).unwrap();
        history.begin(&RunStart { started: earlier, ..start(name) }).unwrap();
    }
    let page = |before, limit| history.runs(&RunFilter { before, limit, ..RunFilter::default() }).unwrap();
    let names = |runs: &[RunRecord]| runs.iter().map(|run| run.id.clone()).collect::<String>();
    let first = page(None, 2);
    assert_eq!((names(&first), names(&page(Some(first[1].seq), 2))), ("ca".to_owned(), "b".to_owned()));
    assert_eq!(history.run("latest").unwrap().id, "c");
}

#[test]
fn a_name_is_taken_once() {
    let (folder, history) = site();
    let alive = history.enter("r1").unwrap();
    assert!(alive.is_some() && open(&folder).enter("r1").unwrap().is_none());
    history.begin(&start("r1")).unwrap();
    drop(alive);
    assert!(open(&folder).enter("r1").unwrap().is_none(), "it is in the history");
    assert!(history.begin(&start("r1")).is_err(), "a second run must not write into the first one's record");
    history.begin(&start("r11")).unwrap();
    assert_eq!(history.run("r1").unwrap().id, "r1", "a whole name is not the beginning of another");
    let error = history.run("r").unwrap_err();
    assert!(error.hint.unwrap().contains("r1, r11"));
    assert!(history.run("r2").unwrap_err().to_string().contains("r2"));
    assert!(history.run("").is_err());
}

#[test]
fn a_server_is_held_by_one_run_at_a_time_and_others_hear_by_whom() {
    let (folder, history) = site();
    let Hold::Mine(held) = history.hold("a at http://192.0.2.1/", "r1").unwrap() else {
        panic!("nobody else is there")
    };
    let other = open(&folder);
    let Hold::Other(owner) = other.hold("a at http://192.0.2.1/", "r2").unwrap() else { panic!("held twice") };
    assert_eq!((owner.run.as_str(), owner.process), ("r1", std::process::id()));
    assert!(owner.to_string().starts_with("run r1 of "), "{owner}");
    assert!(matches!(other.hold("b", "r2").unwrap(), Hold::Mine(_)));
    drop(held);
    assert!(matches!(other.hold("a at http://192.0.2.1/", "r2").unwrap(), Hold::Mine(_)), "its owner is gone");
}

#[test]
fn a_run_whose_process_is_gone_before_its_end_was_interrupted() {
    let (folder, history) = site();
    let alive = history.enter("r1").unwrap();
    history.begin(&start("r1")).unwrap();
    let names = || open(&folder).interrupted().unwrap().into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(names(), Vec::<String>::new(), "it lives");
    drop(alive);
    assert_eq!(names(), ["r1"]);
    history.end("r1", &json!({})).unwrap();
    assert_eq!(names(), Vec::<String>::new());
}

#[test]
fn a_run_that_ends_while_it_is_looked_at_was_not_interrupted() {
    let (_folder, history) = site();
    history.begin(&start("r1")).unwrap();
    let read = history.run("r1").unwrap();
    assert_eq!(
        (history.state(&read), history.still_open(vec![read.clone()]).unwrap().len()),
        (RunState::Interrupted, 1)
    );
    history.end("r1", &json!({})).unwrap();
    assert_eq!((history.state(&read), history.still_open(vec![read]).unwrap().len()), (RunState::Ended, 0));
}

#[test]
fn a_run_that_goes_on_without_its_audit_keeps_its_snapshots() {
    let (folder, history) = site();
    std::fs::create_dir_all(folder.path().join("state/audit.jsonl")).unwrap();
    assert!(history.begin(&start("refused")).is_err());
    let overrides = BTreeSet::from(["no-snapshot".to_owned()]);
    let error = history.begin(&RunStart { overrides, ..start("r1") }).unwrap_err();
    assert!(error.to_string().contains("audit"), "{error}");
    history.before(&place("r1"), &[work("10.0.0.0/24", None)]).unwrap();
    assert!(history.end("r1", &json!({})).is_err());
    let runs = history.runs(&RunFilter::default()).unwrap();
    assert_eq!((runs.len(), history.snapshots(&runs[0], None).unwrap().len(), runs[0].ended.is_some()), (1, 1, true));
}

#[cfg(unix)]
#[test]
fn a_store_that_cannot_be_looked_at_is_not_an_empty_history() {
    let (folder, history) = site();
    std::fs::create_dir(folder.path().join("state")).unwrap();
    std::os::unix::fs::symlink(FILE, history.path().unwrap()).unwrap();
    assert!(history.runs(&RunFilter::default()).is_err());
    assert!(history.would_drop().is_err());
}

#[test]
fn what_a_killed_run_has_left_goes_when_it_is_settled() {
    let (folder, history) = site();
    history.begin(&start("r1")).unwrap();
    let locks = folder.path().join("state/locks");
    std::fs::create_dir_all(&locks).unwrap();
    for end in ["lock", "owner"] {
        std::fs::write(locks.join(format!("run-r1.{end}")), "").unwrap();
    }
    history.settle("r1", Settlement::Left, "alice", None).unwrap();
    assert_eq!(std::fs::read_dir(&locks).unwrap().count(), 0);
}

#[test]
fn what_is_not_saved_stays_known_also_from_the_first_version() {
    let (folder, history) = site();
    let (one, two) = (ServerName::from("kea-1"), ServerName::from("a/b"));
    let old = folder.path().join("state/journal");
    std::fs::create_dir_all(&old).unwrap();
    // as the first version wrote it: a digest of "kea-1"
    std::fs::write(old.join("unsaved-c7ba15b39f685f1f"), "broken\n").unwrap();
    std::fs::write(old.join("20260101T000000Z-00000000.jsonl"), "").unwrap();
    assert_eq!((history.unsaved(&one), history.unsaved(&two)), (Some(Unsaved::Broken), None));
    assert_eq!(history.old_journals().len(), 1);
    for amiss in [Unsaved::Running, Unsaved::Broken, Unsaved::Running] {
        history.remember_unsaved(&two, Some(amiss)).unwrap();
        assert_eq!(open(&folder).unsaved(&two), Some(amiss));
    }
    let lost = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<std::collections::BTreeSet<_>>();
    for ids in [&["10.0.0.0/24", "10.0.1.0/25"][..], &["10.0.1.0/25"]] {
        history.remember_lost(&two, &lost(ids)).unwrap();
        history.remember_unsaved(&two, Some(Unsaved::Running)).unwrap();
        assert_eq!((open(&folder).lost(&two), open(&folder).lost(&one)), (lost(ids), lost(&[])));
    }
    for target in [&one, &two, &two] {
        history.remember_unsaved(target, None).unwrap();
    }
    assert_eq!((open(&folder).unsaved(&one), open(&folder).unsaved(&two)), (None, None));
    assert_eq!(open(&folder).lost(&two), lost(&[]), "what is saved has lost nothing");
}

#[test]
fn nothing_is_written_into_a_store_that_was_deleted_or_replaced() {
    let away: [fn(&std::path::Path); 3] = [
        |store| std::fs::remove_file(store).unwrap(),
        |store| {
            std::fs::copy(store, store.with_extension("copy")).unwrap();
            std::fs::rename(store.with_extension("copy"), store).unwrap();
        },
        |store| std::fs::remove_file(store.with_extension("db-wal")).unwrap(),
    ];
    for away in away {
        let (folder, history) = site();
        history.begin(&start("r1")).unwrap();
        away(&history.path().unwrap());
        for error in [
            history.before(&place("r1"), &[work("10.0.0.0/24", None)]).unwrap_err(),
            history.after(&place("r1"), &[]).unwrap_err(),
            history.end("r1", &json!({})).unwrap_err(),
        ] {
            assert!(error.to_string().contains("deleted or replaced"), "{error}");
        }
        // a target's mark finds its way, and does not make the run go on
        history.remember_unsaved(&ServerName::from("two"), Some(Unsaved::Running)).unwrap();
        assert_eq!(open(&folder).unsaved(&ServerName::from("two")), Some(Unsaved::Running));
        let known = history.run("r1").is_ok();
        assert_eq!(history.before(&place("r1"), &[work("10.0.0.0/24", None)]).is_ok(), known);
        history.begin(&start("r2")).unwrap();
        history.before(&place("r2"), &[work("10.0.0.0/24", None)]).unwrap();
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_its_reason() {
    let refused = |make: fn(&std::path::Path), words: &str| {
        let (_folder, history) = site();
        history.begin(&start("r1")).unwrap();
        let path = history.path().unwrap();
        drop(history);
        make(&path);
        let before = std::fs::read(&path).ok();
        let history = History::new(&StateFolder::at(path.parent().unwrap()));
        for error in [history.ready().unwrap_err(), history.runs(&RunFilter::default()).unwrap_err()] {
            assert!(error.to_string().contains(words), "{error}");
            assert!(error.hint.is_some());
        }
        assert_eq!(std::fs::read(&path).ok(), before, "and left as it is");
    };
    refused(|path| pragma(path, "user_version = 99"), "it has version 99, and this program knows versions up to");
    refused(|path| pragma(path, "application_id = 7"), "another program's file");
    refused(|path| std::fs::write(path, "no database at all, but some text").unwrap(), "damaged");
}

fn pragma(path: &std::path::Path, pragma: &str) {
    Connection::open(path).unwrap().execute_batch(&format!("PRAGMA {pragma}")).unwrap();
}

#[test]
fn a_busy_store_is_refused_in_time() {
    let (folder, history) = site();
    history.begin(&start("r1")).unwrap();
    let other = Connection::open(history.path().unwrap()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for history in [history, open(&folder)] {
        let mut history = history;
        (history.patience, *history.store()) = (Duration::from_millis(200), None);
        let error = history.begin(&start("r2")).unwrap_err();
        assert!(error.to_string().contains("busy: others have kept it for more than 200ms"), "{error}");
        assert_eq!(history.runs(&RunFilter::default()).unwrap().len(), 1, "reading needs no turn");
    }
}

#[test]
fn many_may_begin_at_once_where_there_is_no_store_yet() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|threads| {
            for name in ["a", "b", "c", "d"] {
                let folder = &folder;
                threads.spawn(move || open(folder).begin(&start(name)).unwrap());
            }
        });
        assert_eq!(open(&folder).runs(&RunFilter::default()).unwrap().len(), 4);
    }
}

#[test]
fn a_job_is_given_up_only_where_no_process_has_taken_it() {
    let (folder, history) = site();
    let report = json!({"reason": "silent"});
    let new_job = || history.create_job(&NewJob { title: "replicate".into() }).unwrap();
    let (silent, slow) = (new_job(), new_job());
    assert!(history.give_up_job(silent, &report).unwrap());
    assert!(open(&folder).take_job(silent).is_err(), "its process comes too late");
    assert_eq!(history.job(silent).unwrap().state, JobState::Failed);

    let _alive = open(&folder).take_job(slow).unwrap();
    assert!(!history.give_up_job(slow, &report).unwrap());
    assert_eq!(history.job(slow).unwrap().state, JobState::Running);
}

#[cfg(unix)]
#[test]
fn it_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let (folder, history) = site();
    history.begin(&start("r1")).unwrap();
    let state = folder.path().join("state");
    let all = ["", "-wal", "-shm"].map(|end| state.join(format!("history.db{end}")));
    assert!(mode(&state) == 0o700 && all.iter().all(|path| mode(path) == 0o600));

    // what was opened to others meanwhile is closed again
    let open_up =
        |path: &std::path::Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    open_up(&state, 0o755);
    all.iter().for_each(|path| open_up(path, 0o644));
    open(&folder).begin(&start("r2")).unwrap();
    assert!(mode(&state) == 0o700 && all.iter().all(|path| mode(path) == 0o600));

    // what all may use is not taken from them
    open_up(&state, 0o1777);
    let error = open(&folder).begin(&start("r3")).unwrap_err().to_string();
    assert!(error.contains("others use it as well (mode 1777") && error.contains("SCOPESYNC_STATE"), "{error}");
    assert_eq!(mode(&state), 0o1777);
}
