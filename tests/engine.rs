//! The engine on servers in memory: what is asked, written, verified and told.

// Helpers of tests may fail as a test may.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

#[path = "engine/left_out.rs"]
mod left_out;
#[path = "engine/named.rs"]
mod named;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::fake::{self, FakeJournal, FakeServer, Script};
use scopesync::engine::ErrorKind;
use scopesync::engine::approval::{Answer, Questions, Switches};
use scopesync::engine::compare::{self, Summary};
use scopesync::engine::fleet::Fleet;
use scopesync::engine::outcome::{Outcome, RunReport, SavedState};
use scopesync::engine::plan::Plan;
use scopesync::engine::port::{Batch, Control, Refusal, Unsaved};
use scopesync::engine::progress::Progress;
use scopesync::engine::run;
use scopesync::engine::select::{self, Selection};
use scopesync::model::{Complete, DriftState, ItemKey, Kind, ServerName, Value};
use scopesync::show::{self, Line, ScopeNames};
use serde_json::json;

const A: &str = "10.0.0.0/24";
const B: &str = "10.0.1.0/24";
const C: &str = "10.0.2.0/24";

/// Two scopes that differ and one that is the same.
fn drifted() -> (FakeServer, FakeServer) {
    let mut a = fake::scope(A, &[("id", json!(1)), ("valid-lifetime", json!(3600))]);
    fake::reserve(&mut a, "10.0.0.10", "02:00:00:00:00:01");
    let old = fake::scope(A, &[("id", json!(1)), ("valid-lifetime", json!(7200))]);
    let b = |lifetime| fake::scope(B, &[("id", json!(2)), ("valid-lifetime", json!(lifetime))]);
    let c = || fake::scope(C, &[("id", json!(3))]);
    fake::pair(vec![a, b(1000), c()], vec![old, b(2000), c()])
}

async fn plan(fleet: &Fleet) -> Plan {
    let ctl = Control::free();
    let survey = fleet.survey(&ctl).await;
    let picked = select::select(&survey, &Selection::All, &[ServerName::from("one")]).unwrap();
    Plan::make(fleet, &survey, &picked, BTreeSet::new(), &ctl).await
}

async fn execute(fleet: &Fleet, plan: &Plan, switches: Switches, journal: &FakeJournal) -> RunReport {
    let names = plan.relationships.iter().map(|r| r.name.clone()).collect();
    let mut questions = Questions::new(&plan.digest, names, "test", switches, BTreeSet::new());
    questions.answer(Answer::Yes);
    run::run(fleet, plan, questions.into_approved(), journal, &Control::free()).await
}

fn outcomes(report: &RunReport) -> Vec<(String, Outcome)> {
    report.scopes().map(|scope| (scope.id.to_string(), scope.outcome)).collect()
}

#[tokio::test]
async fn a_run_ends_drift_and_the_next_plan_is_empty() {
    for batch in [Batch::One, Batch::WholeServer] {
        let mut servers = drifted();
        servers.1.batch = batch;
        let fleet = fake::fleet(&servers);
        let first = plan(&fleet).await;
        assert_eq!((first.scopes_to_write(), first.changes_to_write()), (2, 3));
        let journal = FakeJournal::default();
        let report = execute(&fleet, &first, Switches::default(), &journal).await;
        assert_eq!(
            outcomes(&report),
            [(A.into(), Outcome::Replicated), (B.into(), Outcome::Replicated), (C.into(), Outcome::Unchanged)]
        );
        assert!(report.scopes().all(|scope| scope.is_good()), "{report:?}");
        assert_eq!(report.exit_status(), 0);
        assert!(servers.0.writes().iter().all(|call| call.starts_with("reread")), "the source was written");
        assert_eq!(plan(&fleet).await.scopes_to_write(), 0);
        let records = journal.records.lock().unwrap().clone();
        assert!(records[0].starts_with("begin") && records[1].starts_with("before"), "{records:?}");
    }
}

#[tokio::test]
async fn nothing_is_written_without_an_approval_or_under_what_if() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet).await;
    let what_if = Switches { what_if: true, force: true, confirm: false };
    let report = execute(&fleet, &plan, what_if, &FakeJournal::default()).await;
    assert!(report.scopes().all(|scope| matches!(scope.outcome, Outcome::Skipped | Outcome::Unchanged)));
    assert!(servers.1.writes().is_empty(), "{:?}", servers.1.writes());
}

#[tokio::test]
async fn an_approval_is_good_for_one_plan_only() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let old = plan(&fleet).await;
    servers.1.meddle(B, |scope| fake::reserve(scope, "10.0.1.9", "02:00:00:00:00:09"));
    let new = plan(&fleet).await;
    let force = Switches { force: true, ..Switches::default() };
    let approved = Questions::new(&old.digest, vec!["r".into()], "test", force, BTreeSet::new()).into_approved();
    let report = run::run(&fleet, &new, approved, &FakeJournal::default(), &Control::free()).await;
    assert!(report.scopes().all(|scope| scope.outcome != Outcome::Replicated));
    assert!(servers.1.writes().is_empty());
}

#[tokio::test]
async fn a_scope_that_moved_before_the_first_write_refuses_the_whole_plan() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet).await;
    servers.1.meddle(B, |scope| fake::reserve(scope, "10.0.1.9", "02:00:00:00:00:09"));
    let journal = FakeJournal::default();
    let report = execute(&fleet, &plan, Switches::default(), &journal).await;
    let expected = [(A.into(), Outcome::Rejected), (B.into(), Outcome::Rejected), (C.into(), Outcome::Unchanged)];
    assert_eq!(outcomes(&report), expected);
    assert!(servers.1.writes().is_empty());
    assert!(journal.records.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_change_elsewhere_does_not_refuse_the_plan() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet).await;
    servers.1.meddle(C, |scope| fake::reserve(scope, "10.0.2.9", "02:00:00:00:00:09"));
    let report = execute(&fleet, &plan, Switches::default(), &FakeJournal::default()).await;
    assert_eq!(report.counts().get(&Outcome::Replicated), Some(&2));
}

/// The reservations of A are still to come, those of C were refused.
fn half_read(server: &FakeServer) {
    server.inner().lacking = BTreeMap::from([
        (A.parse().unwrap(), Complete::Pending(BTreeSet::from([Kind::Reservation]))),
        (C.parse().unwrap(), Complete::Failed("its reservations: access denied".into())),
    ]);
}

#[tokio::test]
async fn what_is_not_read_as_a_whole_is_neither_compared_nor_planned() {
    for side in [0, 1] {
        let servers = drifted();
        half_read([&servers.0, &servers.1][side]);
        let fleet = fake::fleet(&servers);
        let survey = fleet.survey(&Control::free()).await;
        let drift = compare::relationship(&survey, &survey.relationships[0], 0, &[]);
        let states: Vec<(&DriftState, usize)> = drift.scopes.iter().map(|s| (&s.state, s.changes.len())).collect();
        assert_eq!(states, [(&DriftState::Checking, 0), (&DriftState::Drifted, 1), (&DriftState::Unknown, 0)]);
        let reason =
            format!("{}'s scope could not be read as a whole: its reservations: access denied", ["one", "two"][side]);
        assert_eq!(drift.scopes[2].reason.as_ref(), Some(&reason));
        let sum = Summary::of(&drift.scopes);
        assert_eq!((sum.checking, sum.unknown, sum.untold()), (1, 1, 2));
        let plan = plan(&fleet).await;
        assert_eq!(plan.scopes_to_write(), 1);
        assert!(plan.is_blocked_anywhere());
        let reasons: Vec<&str> = plan.relationships[0].scopes.iter().filter_map(|s| s.reason.as_deref()).collect();
        assert_eq!(reasons, ["it is still being read: only what was read as a whole is written", &reason]);
    }
}

#[tokio::test]
async fn what_is_no_longer_read_as_a_whole_is_not_written_and_its_outcome_is_not_known() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let first = plan(&fleet).await;
    half_read(&servers.1);
    let report = execute(&fleet, &first, Switches::default(), &FakeJournal::default()).await;
    assert_eq!(outcomes(&report)[0], (A.into(), Outcome::Rejected));
    let message = report.scopes().next().unwrap().message.clone().unwrap();
    assert!(message.contains("the target could not be read as a whole: it is still being read"), "{message}");
    servers.1.inner().lacking.clear();
    servers.1.script(A, Script::Blur);
    let report = execute(&fleet, &plan(&fleet).await, Switches::default(), &FakeJournal::default()).await;
    let first = report.scopes().next().unwrap();
    assert_eq!(first.outcome, Outcome::Unknown, "{first:?}");
    assert!(
        first.message.as_ref().unwrap().contains("it could not be read back: scope 10.0.0.0/24: its options"),
        "{first:?}"
    );
}

#[tokio::test]
async fn no_journal_no_write() {
    for stage in ["begin", "unsaved", "before"] {
        let servers = drifted();
        let fleet = fake::fleet(&servers);
        let plan = plan(&fleet).await;
        let journal = FakeJournal { fails_at: Some(stage), ..FakeJournal::default() };
        let report = execute(&fleet, &plan, Switches::default(), &journal).await;
        assert_eq!(report.counts().get(&Outcome::Rejected), Some(&2), "{stage}");
        assert_eq!(report.exit_status(), 1, "refused before any write");
        let told = show::report_summary(&report).text();
        assert_eq!(told.contains(&report.run), stage != "begin", "what the history does not know has no name: {told}");
        assert!(!servers.1.writes().iter().any(|call| call.starts_with("write")), "{stage}");
        let stored = journal.records.lock().unwrap().iter().any(|record| record.starts_with("before"));
        assert_eq!(stored, stage == "before", "{stage}: what is stored and has no outcome is taken for written");
        assert!(journal.unsaved.lock().unwrap().is_empty(), "{stage}");
    }
}

#[tokio::test]
async fn what_is_there_outweighs_what_the_writer_told() {
    let cases = [
        (Script::Refuse, Outcome::Rejected, None),
        (Script::Waver, Outcome::Rejected, None),
        (Script::Half, Outcome::Partial, Some(false)),
        (Script::LoseAnswer, Outcome::Replicated, Some(true)),
        (Script::LoseRequest, Outcome::Rejected, None),
        (Script::Delay, Outcome::Unknown, None),
        (Script::Lie, Outcome::Rejected, None),
        (Script::Vanish, Outcome::Unknown, None),
    ];
    // of a server that goes on although the connection breaks, that nothing is there yet proves nothing
    let outliving = cases.clone().map(|(script, outcome, verified)| match script {
        Script::LoseRequest => (script, Outcome::Unknown, verified),
        _ => (script, outcome, verified),
    });
    let cases = cases.map(|case| (false, case)).into_iter().chain(outliving.map(|case| (true, case)));
    for (outlives_connection, (script, outcome, verified)) in cases {
        let servers = drifted();
        servers.1.inner().outlives_connection = outlives_connection;
        servers.1.script(A, script.clone());
        let fleet = fake::fleet(&servers);
        let plan = plan(&fleet).await;
        let report = execute(&fleet, &plan, Switches::default(), &FakeJournal::default()).await;
        let first = report.scopes().next().unwrap();
        assert_eq!((first.outcome, first.verified), (outcome, verified), "{script:?}: {first:?}");
        assert_eq!(first.changes_done + first.changes_left, 2, "{script:?}");
        let second = report.scopes().nth(1).unwrap();
        let expected = if script == Script::Vanish { Outcome::Rejected } else { Outcome::Replicated };
        assert_eq!(second.outcome, expected, "{script:?}: the other scope goes on unless the server is gone");
        let written = servers.1.writes().iter().filter(|call| **call == format!("write {A}")).count();
        assert_eq!(written, 1, "{script:?}: never sent twice");
    }
}

/// What a writer said beforehand that it may not carry is told when it did not, and no failure; what
/// else is left of the scope is one.
#[tokio::test]
async fn what_was_uncertain_and_is_left_is_told_and_no_failure() {
    let lifetime = ItemKey::property("valid-lifetime");
    for (script, exit, facts) in [
        (
            Script::Obey,
            3,
            "verified but for what was not carried, saved, 1 of 2 changes made: the server did not carry valid-lifetime",
        ),
        (Script::Half, 3, "not verified"),
    ] {
        let servers = drifted();
        servers.1.inner().uncertain = [lifetime.clone()].into();
        // of the other scope nothing would be carried
        servers.1.inner().scopes.insert(B.parse().unwrap(), servers.0.inner().scopes[&B.parse().unwrap()].clone());
        servers.1.script(A, script.clone());
        let fleet = fake::fleet(&servers);
        let plan = plan(&fleet).await;
        assert_eq!(plan.to_json()["relationships"][0]["scopes"][0]["uncertain"], json!(["valid-lifetime"]));
        let report = execute(&fleet, &plan, Switches::default(), &FakeJournal::default()).await;
        assert_eq!(report.exit_status(), exit, "{script:?}");
        let shown = show::report(&report, &ScopeNames::default());
        let shown: Vec<String> = shown.iter().map(Line::text).collect();
        assert!(shown[1].contains(facts), "{shown:?}");
        let told = &report.to_json()["relationships"][0]["scopes"][0];
        assert_eq!(
            (&told["verified"], told.get("uncarried")),
            (&json!(false), (script == Script::Obey).then_some(&json!(true)))
        );
    }
}

#[tokio::test]
async fn a_scope_of_which_nothing_was_carried_is_not_called_replicated() {
    let servers = drifted();
    servers.1.inner().uncertain = [ItemKey::property("valid-lifetime")].into();
    let fleet = fake::fleet(&servers);
    let report = execute(&fleet, &plan(&fleet).await, Switches::default(), &FakeJournal::default()).await;
    let told: Vec<(Outcome, bool)> = report.scopes().map(|scope| (scope.outcome, scope.uncarried)).collect();
    assert_eq!(told, [(Outcome::Replicated, true), (Outcome::Rejected, false), (Outcome::Unchanged, false)]);
    let words = report.scopes().nth(1).unwrap().message.clone().unwrap();
    assert!(words.contains("did not carry valid-lifetime") && words.ends_with("nothing was written"), "{words}");
    assert_eq!(report.exit_status(), 3);
}

#[tokio::test]
async fn what_a_server_does_besides_is_in_the_preview_and_drift_afterwards() {
    let servers = drifted();
    servers.1.inner().side_effects = [ItemKey::property("made-by-itself")].into();
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet).await;
    let findings = plan.relationships[0].findings.iter().filter(|found| found.message.contains("made-by-itself"));
    assert_eq!(findings.map(|found| found.scopes.len()).collect::<Vec<_>>(), [1, 1]);
    assert!(plan.relationships[0].scopes.iter().all(|scope| scope.uncertain.is_empty()), "no change is marked");
    let report = execute(&fleet, &plan, Switches::default(), &FakeJournal::default()).await;
    let first = report.scopes().next().unwrap();
    assert_eq!((first.outcome, first.changes_left, first.residual.len()), (Outcome::Partial, 0, 1), "{first:?}");
    assert!(first.message.as_deref().unwrap().contains("differs in made-by-itself"), "{first:?}");
    assert_eq!(report.exit_status(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_written_is_read_back_although_the_operator_cancels_twice() {
    for (is_slow, outcome) in [(false, Outcome::Replicated), (true, Outcome::Unknown)] {
        let servers = drifted();
        servers.1.script(A, Script::Cancel);
        let fleet = fake::fleet(&servers);
        let plan = plan(&fleet).await;
        // from the last thing before the write
        let upon: fake::Happens = |inner, _| inner.is_slow = true;
        let journal = FakeJournal { upon: is_slow.then(|| (servers.1.clone(), upon)), ..FakeJournal::default() };
        let report = execute(&fleet, &plan, Switches::default(), &journal).await;
        let told: Vec<Outcome> = report.scopes().map(|scope| scope.outcome).collect();
        assert_eq!(told, [outcome, Outcome::Cancelled, Outcome::Unchanged], "{report:?}");
        let words = report.scopes().next().unwrap().message.clone().unwrap_or_default();
        assert_eq!(words.contains("not read back within 10 s"), is_slow, "{words}");
    }
}

/// The source does not answer what it is asked ahead, while the target is done with what was written.
#[tokio::test(start_paused = true)]
async fn a_look_ahead_without_an_answer_holds_up_nobody_who_cancels() {
    for is_hard in [false, true] {
        let servers = drifted();
        let fleet = fake::fleet(&servers);
        let plan = plan(&fleet).await;
        let upon: fake::Happens = |inner, _| inner.is_slow = true;
        let journal = FakeJournal { upon: Some((servers.0.clone(), upon)), ..FakeJournal::default() };
        let ctl = Control::free();
        let names = plan.relationships.iter().map(|r| r.name.clone()).collect();
        let force = Switches { force: true, ..Switches::default() };
        let approved = Questions::new(&plan.digest, names, "test", force, BTreeSet::new()).into_approved();
        let cancels = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            if is_hard { ctl.hard.cancel() } else { ctl.soft.cancel() }
        };
        let limit = Duration::from_secs(15);
        let run = tokio::time::timeout(limit, run::run(&fleet, &plan, approved, &journal, &ctl));
        let report = tokio::join!(run, cancels).0.unwrap();
        let told: Vec<Outcome> = report.scopes().map(|scope| scope.outcome).collect();
        assert_eq!(told, [Outcome::Replicated, Outcome::Cancelled, Outcome::Unchanged], "{report:?}");
        assert_eq!(servers.1.writes().contains(&"save".to_owned()), !is_hard, "a hard cancel ends before saving");
        let records = journal.records.lock().unwrap().clone();
        assert!(records.iter().filter(|record| record.starts_with("before")).count() == 1, "{records:?}");
    }
}

/// A server that is asked whether it still is terminated and does not answer holds up nobody either.
#[tokio::test(start_paused = true)]
async fn a_last_question_about_the_pair_ends_with_a_hard_cancel() {
    let servers = drifted();
    for server in [&servers.0, &servers.1] {
        server.inner().state = Some("terminated");
    }
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet).await;
    servers.1.script(A, Script::Cancel);
    servers.1.inner().is_mute = true;
    let journal = FakeJournal::default();
    let run = execute(&fleet, &plan, Switches::default(), &journal);
    let told = outcomes(&tokio::time::timeout(Duration::from_secs(15), run).await.unwrap());
    assert_eq!(told[..2], [(A.into(), Outcome::Replicated), (B.into(), Outcome::Cancelled)]);
}

#[tokio::test]
async fn what_cannot_be_stored_while_another_is_written_is_not_begun() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let journal = FakeJournal { fails_at: Some("before"), passes: 1.into(), ..FakeJournal::default() };
    let report = execute(&fleet, &plan(&fleet).await, Switches::default(), &journal).await;
    let told: Vec<Outcome> = report.scopes().map(|scope| scope.outcome).collect();
    assert_eq!(told, [Outcome::Replicated, Outcome::Rejected, Outcome::Unchanged], "{report:?}");
    let words = report.scopes().nth(1).unwrap().message.clone().unwrap_or_default();
    assert!(words.contains("nothing was written: no snapshot could be kept: no room"), "{words}");
    assert!(servers.1.writes().iter().all(|call| !call.contains(B)), "{:?}", servers.1.writes());
}

#[tokio::test]
async fn what_was_made_ready_and_not_begun_is_no_open_end() {
    let servers = drifted();
    servers.1.script(A, Script::CancelSoftly);
    let fleet = fake::fleet(&servers);
    let journal = FakeJournal::default();
    let report = execute(&fleet, &plan(&fleet).await, Switches::default(), &journal).await;
    let told: Vec<Outcome> = report.scopes().map(|scope| scope.outcome).collect();
    assert_eq!(told, [Outcome::Replicated, Outcome::Cancelled, Outcome::Unchanged], "{report:?}");
    let records = journal.records.lock().unwrap().clone();
    assert_eq!(records[1..5], ["before 1", "before 1", "after replicated", "after cancelled"], "{records:?}");
    assert!(servers.1.writes().iter().all(|call| !call.contains(B)), "{:?}", servers.1.writes());
}

#[tokio::test]
async fn running_and_not_saved_is_told() {
    let servers = drifted();
    servers.1.inner().save_fails = true;
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet).await;
    let report = execute(&fleet, &plan, Switches::default(), &FakeJournal::default()).await;
    assert_eq!(report.scopes().next().unwrap().saved, SavedState::NotSaved);
    assert_eq!(report.exit_status(), 3);
    assert!(report.relationships[0].remarks.iter().any(|remark| remark.contains("mend it")));
}

#[tokio::test]
async fn cancel_tells_every_scope() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet).await;
    let names = vec!["r".into()];
    let force = Switches { force: true, ..Switches::default() };
    let approved = Questions::new(&plan.digest, names, "test", force, BTreeSet::new()).into_approved();
    let ctl = Control::free();
    ctl.soft.cancel();
    let report = run::run(&fleet, &plan, approved, &FakeJournal::default(), &ctl).await;
    assert_eq!((report.counts().get(&Outcome::Cancelled), report.exit_status()), (Some(&2), 1));
    assert!(servers.1.writes().iter().all(|call| !call.starts_with("write")));
}

#[tokio::test]
async fn a_read_only_target_is_never_written_and_scopes_of_the_target_never_deleted() {
    let mut servers = drifted();
    servers.1.read_only = true;
    let fleet = fake::fleet(&servers);
    let plan_ = plan(&fleet).await;
    let report =
        execute(&fleet, &plan_, Switches { force: true, ..Switches::default() }, &FakeJournal::default()).await;
    assert_eq!(report.exit_status(), 1);
    assert!(servers.1.writes().is_empty());

    let servers = fake::pair(vec![fake::scope(A, &[])], vec![fake::scope(A, &[]), fake::scope(B, &[])]);
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet).await;
    let report = execute(&fleet, &plan, Switches { force: true, ..Switches::default() }, &FakeJournal::default()).await;
    assert_eq!(outcomes(&report), [(A.into(), Outcome::Unchanged), (B.into(), Outcome::Skipped)]);
    assert_eq!(report.exit_status(), 0, "scopes that only the target has do not count");
    assert!(servers.1.inner().scopes.contains_key(&B.parse().unwrap()));
}

#[tokio::test]
async fn two_runs_on_one_pair_do_not_mix() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet).await;
    let (journal_a, journal_b) = (FakeJournal::default(), FakeJournal::default());
    let (first, second) = tokio::join!(
        execute(&fleet, &plan, Switches::default(), &journal_a),
        execute(&fleet, &plan, Switches::default(), &journal_b),
    );
    let replicated = |report: &RunReport| report.counts().get(&Outcome::Replicated).copied();
    assert_eq!((replicated(&first), replicated(&second)), (Some(2), None), "the second finds that all has moved");
}

#[test]
fn values_that_both_sides_inherit_are_no_drift() {
    use scopesync::engine::drift;
    use scopesync::model::{ItemKey, Level, Origin};
    let with = |value: u32, origin: Origin, parent: u32| {
        let mut scope = fake::scope(A, &[("valid-lifetime", json!(value))]);
        let key = ItemKey::property("valid-lifetime");
        if let Some(item) = scope.items.get_mut(&key) {
            item.fields.values_mut().for_each(|v| v.origin = origin.clone());
        }
        let inherited = Value { origin: Origin::Inherited(Level::Global), ..Value::own(json!(parent)) };
        scope.parents = std::sync::Arc::new([(key, inherited)].into());
        scope
    };
    let inherited = || Origin::Inherited(Level::Global);
    let changes = |a: &_, b: &_| drift::compare(a, b);
    assert!(changes(&with(1, inherited(), 1), &with(2, inherited(), 2)).is_empty());
    assert_eq!(changes(&with(1, Origin::Own, 9), &with(2, inherited(), 2)).len(), 1);
    // inherited on the source, explicit on the target: dropped where the parent gives the same ...
    let dropped = changes(&with(1, inherited(), 1), &with(5, Origin::Own, 1));
    assert!(!dropped[0].becomes_explicit && dropped[0].wanted.is_none());
    // ... else written
    assert!(changes(&with(1, inherited(), 1), &with(5, Origin::Own, 2))[0].becomes_explicit);
}

#[tokio::test]
async fn what_a_rule_ignores_is_not_created_either() {
    use scopesync::engine::ignore::IgnoreRule;
    use scopesync::model::ItemKey;
    let properties = [("id", json!(1)), ("relay", json!("10.0.0.2")), ("valid-lifetime", json!(3600))];
    let servers = fake::pair(vec![fake::scope(A, &properties)], vec![]);
    let mut fleet = fake::fleet(&servers);
    let rule = IgnoreRule { section: None, item: Some("relay".into()), field: None, reason: "local".into() };
    fleet.ignore = vec![rule];
    let plan = plan(&fleet).await;
    assert_eq!(plan.changes_to_write(), 2);
    let report = execute(&fleet, &plan, Switches::default(), &FakeJournal::default()).await;
    assert_eq!(report.exit_status(), 0, "{report:?}");
    let created = servers.1.inner().scopes[&A.parse().unwrap()].clone();
    assert!(!created.items.contains_key(&ItemKey::property("relay")));
    assert!(created.items.contains_key(&ItemKey::property("valid-lifetime")));
}

#[tokio::test]
async fn what_was_not_saved_is_saved_by_the_next_run_even_with_nothing_else_to_do() {
    let servers = drifted();
    servers.1.inner().save_fails = true;
    let fleet = fake::fleet(&servers);
    let journal = FakeJournal::default();
    let force = Switches { force: true, ..Switches::default() };
    assert_eq!(execute(&fleet, &plan(&fleet).await, force, &journal).await.exit_status(), 3);
    let again = plan(&fleet).await;
    assert_eq!(again.scopes_to_write(), 0);
    assert_eq!(execute(&fleet, &again, force, &journal).await.exit_status(), 3, "still not saved");
    servers.1.inner().save_fails = false;
    let report = execute(&fleet, &again, force, &journal).await;
    assert_eq!(report.exit_status(), 0, "{report:?}");
    assert!(report.relationships[0].remarks[0].contains("saved now"));
    let saves = || servers.1.writes().iter().filter(|call| *call == "save").count();
    let before = saves();
    execute(&fleet, &again, force, &journal).await;
    assert_eq!(saves(), before, "saved once is enough");
}

#[tokio::test]
async fn a_scope_that_the_target_lost_is_told_and_the_loss_is_not_saved() {
    let servers = drifted();
    servers.1.script(A, Script::Lose);
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet).await;
    let report = execute(&fleet, &plan, Switches::default(), &FakeJournal::default()).await;
    let lost = report.scopes().next().unwrap();
    let words = lost.message.as_deref().unwrap();
    assert!(
        lost.gone && words.contains("LACKS") && words.ends_with(": replicate again, or add it by hand"),
        "{lost:?}"
    );
    assert_eq!(report.exit_status(), 3);
    assert!(!servers.1.writes().contains(&"save".to_owned()), "{:?}", servers.1.writes());
    assert!(report.relationships[0].remarks.iter().any(|remark| remark.contains("not saved on purpose")));
}

#[tokio::test]
async fn a_loss_that_an_earlier_run_did_not_save_is_not_saved_by_one_that_leaves_it_as_it_is() {
    let servers = fake::pair(vec![fake::scope(A, &[]), fake::scope(B, &[])], vec![fake::scope(A, &[])]);
    let refusal = Refusal { name: "id-taken", message: "taken".into(), hint: String::new(), overridable: false };
    servers.1.inner().refusals.insert(B.parse().unwrap(), vec![refusal]);
    let fleet = fake::fleet(&servers);
    let journal = FakeJournal::default();
    journal.unsaved.lock().unwrap().insert("two".into());
    let mut plan = plan(&fleet).await;
    plan.relationships[0].unsaved = Some(Unsaved::Running);
    assert!(plan.scopes_to_write() == 0 && !plan.only_saves(&plan.relationships[0]));
    let force = Switches { force: true, ..Switches::default() };
    let report = execute(&fleet, &plan, force, &journal).await;
    assert!(!servers.1.writes().contains(&"save".to_owned()), "{:?}", servers.1.writes());
    let told = &report.relationships[0];
    assert!(told.unsaved && told.remarks.iter().any(|text| text.contains("lacks 10.0.1.0/24")), "{told:?}");
    assert_eq!(journal.unsaved.lock().unwrap().len(), 1, "the next run knows");
    plan.relationships[0].unsaved = Some(Unsaved::Broken);
    assert!(plan.only_saves(&plan.relationships[0]), "a broken file has nothing to lose");
    assert!(plan.relationships[0].left_over().contains("FILE IS BROKEN, do not restart it"));
}

/// A pair whose target has lost A in a run that wrote B, too, and may not have it again for now.
async fn after_a_loss() -> (FakeServer, FakeServer, FakeJournal) {
    let servers = drifted();
    servers.1.script(A, Script::Lose);
    let fleet = fake::fleet(&servers);
    let journal = FakeJournal::default();
    execute(&fleet, &plan(&fleet).await, Switches::default(), &journal).await;
    assert_eq!(*journal.lost.lock().unwrap(), [A.parse().unwrap()].into());
    let refusal = Refusal { name: "id-taken", message: "taken".into(), hint: String::new(), overridable: false };
    servers.1.inner().refusals.insert(A.parse().unwrap(), vec![refusal]);
    servers.1.inner().scripts.clear();
    (servers.0, servers.1, journal)
}

fn saves(server: &FakeServer) -> usize {
    server.writes().iter().filter(|call| *call == "save").count()
}

#[tokio::test]
async fn a_loss_is_not_saved_by_a_later_run_that_writes_other_scopes() {
    let (one, two, journal) = after_a_loss().await;
    let servers = (one, two);
    let fleet = fake::fleet(&servers);
    for writes in [true, false] {
        if writes {
            servers.0.meddle(B, |scope| fake::reserve(scope, "10.0.1.9", "02:00:00:00:00:09"));
        }
        let plan = plan(&fleet).await.kept_by(&journal);
        assert_eq!(plan.scopes_to_write(), usize::from(writes));
        let told = "not saved on purpose: the target lacks 10.0.0.0/24 since an earlier run";
        let beforehand = show::plan(&plan, &ScopeNames::default()).iter().map(Line::text).collect::<String>();
        assert!(beforehand.contains(told) && beforehand.contains("replicate that, too"), "{beforehand}");
        assert!(!plan.only_saves(&plan.relationships[0]));
        let report = execute(&fleet, &plan, Switches::default(), &journal).await;
        let b = report.scopes().nth(1).unwrap();
        let expected = match writes {
            true => (Outcome::Replicated, SavedState::NotSaved),
            false => (Outcome::Unchanged, SavedState::NotApplicable),
        };
        assert_eq!((b.outcome, b.saved, report.exit_status()), (expected.0, expected.1, 3));
        let remarks = &report.relationships[0].remarks;
        assert!(
            remarks.iter().any(|text| text.contains("running but not saved") && text.contains(told)),
            "{remarks:?}"
        );
        assert_eq!(saves(&servers.1), 0, "{:?}", servers.1.writes());
        assert_eq!(journal.lost.lock().unwrap().len(), 1, "the next run knows");
    }
    // the operator knows better: it is gone for good
    servers.0.meddle(B, |scope| fake::reserve(scope, "10.0.1.8", "02:00:00:00:00:08"));
    let without = plan(&fleet).await.kept_by(&journal);
    assert!(without.overridable().contains("lost-scopes"), "{:?}", without.overridable());
    let without = without.with_overrides(["lost-scopes".to_owned()].into());
    let beforehand = show::plan(&without, &ScopeNames::default()).iter().map(Line::text).collect::<String>();
    assert!(beforehand.contains("SAVED WITHOUT 10.0.0.0/24"), "{beforehand}");
    let (marked, known) = (journal.unsaved.lock().unwrap().clone(), journal.lost.lock().unwrap().clone());
    execute(&fleet, &without, Switches::default(), &journal).await;
    assert_eq!((saves(&servers.1), journal.lost.lock().unwrap().len()), (1, 0));
    (*journal.unsaved.lock().unwrap(), *journal.lost.lock().unwrap()) = (marked, known);

    let nothing = plan(&fleet).await;
    servers.1.inner().gone = true;
    let report = execute(&fleet, &nothing, Switches::default(), &journal).await;
    let remarks = report.relationships[0].remarks.join(" ");
    assert!(remarks.contains("lacked 10.0.0.0/24") && remarks.contains("could not be read: no answer"), "{remarks}");
}

#[tokio::test]
async fn what_was_lost_is_saved_once_it_is_back() {
    for by_hand in [false, true] {
        let (one, two, journal) = after_a_loss().await;
        let servers = (one, two);
        let fleet = fake::fleet(&servers);
        servers.0.meddle(B, |scope| fake::reserve(scope, "10.0.1.9", "02:00:00:00:00:09"));
        if by_hand {
            let a = servers.0.inner().scopes[&A.parse().unwrap()].clone();
            servers.1.inner().scopes.insert(a.id, a);
        } else {
            servers.1.inner().refusals.clear();
        }
        let plan = plan(&fleet).await.kept_by(&journal);
        assert_eq!(
            (plan.scopes_to_write(), plan.told_of_saving(&plan.relationships[0])),
            (2 - usize::from(by_hand), None)
        );
        let report = execute(&fleet, &plan, Switches::default(), &journal).await;
        assert_eq!((report.exit_status(), saves(&servers.1)), (0, 1), "{report:?}");
        assert!(journal.lost.lock().unwrap().is_empty() && journal.unsaved.lock().unwrap().is_empty());
    }
}

/// What came back and could not be saved is no loss any more; a file that is broken has none to fear.
#[tokio::test]
async fn a_loss_is_forgotten_when_it_is_over() {
    for is_broken in [false, true] {
        let (one, two, journal) = after_a_loss().await;
        let servers = (one, two);
        let fleet = fake::fleet(&servers);
        let journal = FakeJournal { broken: is_broken, ..journal };
        if !is_broken {
            servers.1.inner().refusals.clear();
            servers.1.inner().save_fails = true;
        }
        let plan = plan(&fleet).await.kept_by(&journal);
        assert_eq!(plan.only_saves(&plan.relationships[0]), is_broken);
        execute(&fleet, &plan, Switches::default(), &journal).await;
        assert!(saves(&servers.1) == 1 && journal.lost.lock().unwrap().is_empty());
        assert_eq!(journal.unsaved.lock().unwrap().is_empty(), is_broken);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_looked_at_long_before_its_turn_is_looked_at_again() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    // the first takes its time to be read back, and the second changes meanwhile
    let changes: fake::Happens = |inner, stored| {
        if stored == 2 {
            inner.lingers = Some((A.parse().unwrap(), |inner| {
                let scope = fake::scope(B, &[("id", json!(2)), ("valid-lifetime", json!(7))]);
                inner.scopes.insert(scope.id, scope);
            }));
        }
    };
    let journal = FakeJournal { upon: Some((servers.1.clone(), changes)), ..FakeJournal::default() };
    let report = execute(&fleet, &plan(&fleet).await, Switches::default(), &journal).await;
    let told: Vec<Outcome> = report.scopes().map(|scope| scope.outcome).collect();
    assert_eq!(told, [Outcome::Replicated, Outcome::Rejected, Outcome::Unchanged], "{report:?}");
    let records = journal.records.lock().unwrap().clone();
    assert_eq!(records[1..5], ["before 1", "before 1", "after replicated", "after rejected"], "{records:?}");
    assert!(servers.1.writes().iter().all(|call| !call.contains(B)), "{:?}", servers.1.writes());
}

#[tokio::test]
async fn a_plan_that_is_refused_keeps_what_is_said_of_an_unsaved_target_beside_it() {
    let same = || vec![fake::scope(A, &[("id", json!(1))])];
    let calm = fake::pair(same(), same());
    let mut other = drifted();
    (other.0.name, other.0.partner) = ("three".into(), "four");
    (other.1.name, other.1.partner) = ("four".into(), "three");
    calm.1.inner().save_fails = true;
    let servers = [&calm.0, &calm.1, &other.0, &other.1];
    let fleet = Fleet::new(servers.map(|server| std::sync::Arc::new(server.clone()) as _).to_vec());
    let ctl = Control::free();
    let survey = fleet.survey(&ctl).await;
    let picked = select::select(&survey, &Selection::All, &[]).unwrap();
    let plan = Plan::make(&fleet, &survey, &picked, BTreeSet::new(), &ctl).await;
    other.1.meddle(A, |scope| fake::reserve(scope, "10.0.0.9", "02:00:00:00:00:09"));
    let journal = FakeJournal::default();
    journal.unsaved.lock().unwrap().insert("two".into());
    let report = execute(&fleet, &plan, Switches { force: true, ..Switches::default() }, &journal).await;
    assert_eq!(report.counts().get(&Outcome::Rejected), Some(&2), "the other pair has moved");
    assert!(report.relationships.iter().any(|relationship| relationship.unsaved), "{report:?}");
    assert_eq!(report.exit_status(), 3);
}

#[tokio::test]
async fn a_run_that_writes_no_scope_tells_that_its_target_is_still_not_saved() {
    for (broken, words) in [(false, "two is still not saved"), (true, "DO NOT RESTART two: its file is still broken")] {
        let servers = drifted();
        let fleet = fake::fleet(&servers);
        let plan = plan(&fleet).await;
        let journal = FakeJournal { broken, ..FakeJournal::default() };
        journal.unsaved.lock().unwrap().insert("two".into());
        let mut questions = Questions::new(
            &plan.digest,
            plan.relationships.iter().map(|r| r.name.clone()).collect(),
            "test",
            Switches::default(),
            BTreeSet::new(),
        );
        questions.answer(Answer::Yes);
        let ctl = Control::free();
        ctl.soft.cancel();
        let report = run::run(&fleet, &plan, questions.into_approved(), &journal, &ctl).await;
        assert_eq!(report.counts().get(&Outcome::Cancelled), Some(&2), "{report:?}");
        let told = &report.relationships[0];
        assert!(told.unsaved && told.remarks.iter().any(|text| text.contains(words)), "{told:?}");
        assert_eq!((report.exit_status(), journal.unsaved.lock().unwrap().len()), (3, 1));
    }
}

/// Those of the pair that `drifted` gives, where writing to the second interrupts its service.
fn interrupting() -> (FakeServer, FakeServer) {
    let servers = drifted();
    servers.1.inner().interrupts = true;
    servers
}

#[tokio::test]
async fn what_interrupts_service_is_gated_by_what_both_sides_say_of_themselves() {
    type Bend = fn(&(FakeServer, FakeServer));
    let cases: [(&str, bool, Bend); 5] = [
        ("state-not-normal", true, |pair| pair.1.inner().state = Some("waiting")),
        ("state-not-normal", true, |pair| pair.0.inner().state = Some("partner-down")),
        ("partner-terminated", false, |pair| pair.0.inner().state = Some("terminated")),
        ("clocks-apart", true, |pair| {
            pair.0.inner().clock = Some(-20);
            pair.1.inner().clock = Some(11);
        }),
        ("partner-unreachable", true, |pair| pair.0.inner().deaf = true),
    ];
    for (name, overridable, bend) in cases {
        // it came after the preview
        let servers = interrupting();
        let fleet = fake::fleet(&servers);
        let before = plan(&fleet).await;
        assert!(before.relationships[0].refusals.is_empty(), "{:?}", before.relationships[0].refusals);
        bend(&servers);
        let report = execute(&fleet, &before, Switches::default(), &FakeJournal::default()).await;
        assert_eq!(report.counts().get(&Outcome::Rejected), Some(&2), "{name}");
        assert!(report.scopes().any(|scope| scope.message.as_deref().is_some_and(|m| m.contains(name))), "{report:?}");
        assert!(!servers.1.writes().iter().any(|call| call.starts_with("write")), "{name}");
        if name == "partner-unreachable" {
            continue;
        }
        // and it is in the next one, where its name lifts it
        let refused = plan(&fleet).await;
        let found: Vec<_> = refused.relationships[0].refusals.iter().map(|r| (r.name, r.overridable)).collect();
        assert_eq!((found, refused.scopes_to_write()), (vec![(name, overridable)], 0));
        assert!(refused.is_blocked_anywhere());
        let lifted = refused.with_overrides([name.to_owned()].into());
        assert_eq!(lifted.scopes_to_write(), if overridable { 2 } else { 0 }, "{name}");
        let report = execute(&fleet, &lifted, Switches::default(), &FakeJournal::default()).await;
        let replicated = report.counts().get(&Outcome::Replicated).copied().unwrap_or(0);
        assert_eq!(replicated, if overridable { 2 } else { 0 }, "{name}: {report:?}");
    }
    // a writer that interrupts nobody is not gated
    let servers = drifted();
    servers.0.inner().state = Some("terminated");
    assert_eq!(plan(&fake::fleet(&servers)).await.scopes_to_write(), 2);
}

#[tokio::test]
async fn a_hub_is_written_once_for_all_its_relationships() {
    let scope = |id, lifetime: u32| fake::scope(id, &[("id", json!(1)), ("valid-lifetime", json!(lifetime))]);
    let (mut east, mut hub) = fake::pair(vec![scope(A, 1)], vec![scope(A, 2), scope(B, 2), scope(C, 2)]);
    (east.name, east.partner) = ("east".into(), "hub");
    let mut west = fake::pair(vec![scope(B, 1), scope(C, 2)], vec![]).0;
    (west.name, west.partner) = ("west".into(), "hub");
    (hub.name, hub.partner, hub.more, hub.batch) = ("hub".into(), "east", vec!["west"], Batch::WholeServer);
    let spokes = [(A, "east"), (B, "west"), (C, "west")].map(|(id, partner)| (id.parse().unwrap(), partner));
    hub.inner().spokes = spokes.into();
    hub.inner().interrupts = true;
    let fleet = Fleet::new([&hub, &east, &west].map(|server| std::sync::Arc::new(server.clone()) as _).to_vec());
    let ctl = Control::free();
    let plan = || async {
        let survey = fleet.survey(&ctl).await;
        let sources = ["east".into(), "west".into()];
        let picked = select::select(&survey, &Selection::All, &sources).unwrap();
        Plan::make(&fleet, &survey, &picked, BTreeSet::new(), &ctl).await
    };
    // one partner that is not well holds up both
    west.inner().state = Some("waiting");
    let blocked = plan().await;
    assert_eq!((blocked.relationships.len(), blocked.scopes_to_write()), (2, 0));
    west.inner().state = None;
    let journal = FakeJournal::default();
    let force = Switches { force: true, ..Switches::default() };
    let report = execute(&fleet, &plan().await, force, &journal).await;
    let told: Vec<_> = report.relationships.iter().map(|r| (r.source.as_str(), r.scopes.len())).collect();
    assert_eq!(told, [("east", 1), ("west", 2)]);
    assert_eq!(report.exit_status(), 0, "{report:?}");
    let writes = hub.writes();
    assert!(writes.contains(&"write 2 at once".to_owned()), "{writes:?}");
    assert_eq!(writes.iter().filter(|call| *call == "prepare" || *call == "save").count(), 1, "{writes:?}");
    let before = journal.records.lock().unwrap().iter().filter(|record| record.starts_with("before 1")).count();
    assert_eq!(before, 2, "each relationship has a record of its own");

    for id in [A, B] {
        hub.meddle(id, |scope| fake::reserve(scope, "10.0.0.9", "02:00:00:00:00:09"));
    }
    let journal = FakeJournal { fails_at: Some("before"), passes: 1.into(), ..FakeJournal::default() };
    let report = execute(&fleet, &plan().await, force, &journal).await;
    assert_eq!(report.counts().get(&Outcome::Rejected), Some(&2), "{report:?}");
    let records = journal.records.lock().unwrap();
    let records: Vec<&str> = records.iter().filter_map(|record| record.split(" run").next()).skip(1).collect();
    assert_eq!(
        records[..3],
        ["before 1", "before 1", "after rejected"],
        "what was stored first is not left without an outcome"
    );
}

/// Two runs of one program that want one server: the second one says for which it waits, and can be
/// cancelled meanwhile.
#[tokio::test]
async fn a_run_that_waits_for_another_one_says_so_and_can_be_cancelled() {
    let fleet = fake::fleet(&drifted());
    let (one, two) = (ServerName::from("one"), ServerName::from("two"));
    let first = fleet.hold(&[&one, &two], "r1", &Control::free()).await.unwrap();
    let (progress, mut told) = Progress::channel();
    let ctl = Control { progress, ..Control::free() };
    let wanted = [&two];
    let mut second = std::pin::pin!(fleet.hold(&wanted, "r2", &ctl));
    tokio::select! {
        _ = &mut second => panic!("both have it"),
        told = told.wait_for(|status| status.waiting.is_some()) => {
            assert_eq!(told.unwrap().waiting.as_ref().and_then(|waiting| waiting.run.as_deref()), Some("r1"));
        }
    }
    drop(first);
    let held = second.await.unwrap();
    assert_eq!(told.borrow().waiting, None);

    let ctl = Control::free();
    ctl.soft.cancel();
    let error = fleet.hold(&[&two], "r3", &ctl).await.unwrap_err();
    assert_eq!(
        (error.kind, error.what.as_str()),
        (ErrorKind::Cancelled, "cancelled while run r2 was using the server")
    );
    drop(held);
    fleet.hold(&[&two], "r4", &Control::free()).await.unwrap();
}
