//! Jobs of processes of their own: started, followed, cancelled, and given what a run leaves.

use scopesync::app::detached::{DetachedJob, Undone};
use scopesync::app::farewell::farewell;
use scopesync::engine::port::Owner;
use scopesync::history::JobState;
use scopesync::show::Progress;

use super::*;
use crate::common::screen::Past;

fn job(state: JobState) -> DetachedJob {
    let progress =
        Progress { scopes_total: 4, scopes_done: 1, doing: "two 10.0.2.0 writing".into(), ..Progress::default() };
    DetachedJob {
        id: 3,
        created: "2026-01-02T03:00:00Z".parse().unwrap(),
        title: "scopesync replicate one".into(),
        state,
        who: "op on admin".into(),
        cancel: 0,
        progress: Some(progress),
        told: if state.is_over() { vec!["4 replicated".into()] } else { Vec::new() },
        exit_status: state.is_over().then_some(0),
        undone: None,
    }
}

#[test]
fn jobs_of_others_are_listed_followed_and_cancelled_one_step_after_the_other() {
    let mut program = Program::start(Some(fake::fleet(&servers())), 100, 30);
    program.past = Past { jobs: vec![job(JobState::Running)], ..Past::default() };
    program.settle();
    assert!(program.text().contains("job 3 25 % (J)"), "{}", program.text());
    program.press("J");
    let text = program.text();
    assert!(text.contains("> 03:00:00 running    job 3: scopesync replicate one"), "{text}");
    assert!(text.contains("25 %, 1 of 4 scopes, two 10.0.2.0 writing"), "{text}");
    program.press("x");
    assert_eq!(program.asked, ["cancel job 3"]);
    assert!(message(&program.state).contains("x again: after the request"), "{}", message(&program.state));
    program.past.jobs = vec![job(JobState::Completed)];
    program.wait(1000);
    program.settle();
    let text = program.text();
    assert!(text.contains("] Completed: 4 replicated") && !text.contains("done: job 3"), "seen where it is:\n{text}");
    assert!(!text.contains("f only failed"), "there are no scopes to list:\n{text}");
    program.press("x");
    assert!(message(&program.state).contains("is over"), "{}", message(&program.state));
}

#[test]
fn a_second_cancel_goes_to_the_job_of_the_first_whatever_the_filter_leaves() {
    let (mut program, _servers) = ready();
    let numbered = |id: i64, cancel| DetachedJob { id, cancel, ..job(JobState::Running) };
    program.past.jobs = vec![numbered(3, 0), numbered(4, 0)];
    program.press("J / s t a t e : r u n n i n g Enter x");
    assert_eq!(program.asked, ["cancel job 4"]);
    // it is over, and another one began
    let over = DetachedJob { state: JobState::Stopped, ..numbered(4, 1) };
    program.past.jobs = vec![numbered(3, 0), over, numbered(5, 0)];
    program.wait(1000);
    program.settle();
    program.press("x");
    assert_eq!(program.asked, ["cancel job 4"], "{}", program.text());
    assert!(message(&program.state).contains("is over"), "{}", message(&program.state));
}

#[test]
fn what_was_under_the_cursor_when_the_filter_was_set_stays_until_the_cursor_leaves_it() {
    let (mut program, _servers) = ready();
    let numbered = |id: i64, state| DetachedJob { id, ..job(state) };
    program.past.jobs = vec![numbered(3, JobState::Running), numbered(4, JobState::Running)];
    program.press("J / s t a t e : r u n n i n g Enter");
    program.past.jobs[1] = numbered(4, JobState::Completed);
    program.past.jobs.push(numbered(5, JobState::Running));
    program.wait(1000);
    program.settle();
    assert_eq!(program.state.runs.current_job().map(|job| job.id), Some(4), "{}", program.text());
}

/// The newest is shown until another one is chosen; one that begins beside it is newer.
#[test]
fn a_second_cancel_goes_to_the_first_ones_although_another_began() {
    let (mut program, _servers) = ready();
    program.past.jobs = vec![job(JobState::Running)];
    program.press("J x");
    let newer = DetachedJob { id: 5, created: "2100-01-01T00:00:00Z".parse().unwrap(), ..job(JobState::Running) };
    program.past.jobs = vec![DetachedJob { cancel: 1, ..job(JobState::Running) }, newer.clone()];
    program.wait(1000);
    program.settle();
    assert_eq!(program.state.runs.entries().len(), 2, "{}", program.text());
    program.press("x");
    assert_eq!(program.asked, ["cancel job 3", "cancel job 3"], "{}", program.text());

    let (mut program, _servers) = ready();
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("y");
    let _run = super::running::hold_runs(&mut program);
    program.press("J x");
    program.past.jobs = vec![newer];
    program.wait(1000);
    program.settle();
    assert_eq!(program.state.runs.entries().len(), 2, "{}", program.text());
    program.press("x");
    assert_eq!(program.asked, ["run one-two", "cancel", "cancel"], "{}", program.text());
}

/// Nothing was under the cursor when the filter was set.
#[test]
fn a_second_cancel_goes_to_the_job_of_the_first_that_came_into_the_filter_later() {
    let (mut program, _servers) = ready();
    program.press("J / s t a t e : r u n n i n g Enter");
    assert_eq!(program.state.runs.shown(), None);
    let numbered = |id: i64, state, cancel| DetachedJob { id, cancel, ..job(state) };
    program.past.jobs = vec![numbered(4, JobState::Running, 0)];
    program.wait(5000);
    program.press("J J x");
    assert_eq!(program.asked, ["cancel job 4"], "{}", program.text());
    program.past.jobs = vec![numbered(4, JobState::Stopped, 1), numbered(5, JobState::Running, 0)];
    program.wait(1000);
    program.settle();
    program.press("x");
    assert_eq!(program.asked, ["cancel job 4"], "{}", program.text());
    assert!(message(&program.state).contains("is over"), "{}", message(&program.state));
}

#[test]
fn what_is_approved_as_a_job_runs_without_this_program() {
    let (mut program, servers) = ready();
    program.press("Enter a r J");
    assert!(program.text().contains("AS JOB: it outlives this program"), "{}", program.text());
    program.wait(300);
    program.press("y");
    assert_eq!(program.asked, ["job replicate one-two: one → two, 0 done"]);
    assert_eq!(servers.1.writes().len(), 0, "nothing is written from here");
    assert!(message(&program.state).contains("job 3 runs by itself"), "{}", message(&program.state));
    let told: Vec<String> = farewell(&program.state, |_| None).iter().map(|line| line.text()).collect();
    assert_eq!(told, ["job 3 runs on by itself: `scopesync jobs wait 3`"]);
    program.press("q");
    assert_eq!(program.asked.last().map(String::as_str), Some("quit"));
}

#[test]
fn the_terminals_title_tells_how_the_last_job_ended() {
    let (mut program, _servers) = ready();
    program.press("Enter a r J");
    program.wait(300);
    program.press("y");
    for (state, exit_status, title) in [
        (JobState::Running, None, "scopesync: 1 of 4 scopes"),
        (JobState::Stopped, Some(3), "scopesync: done, not all of it"),
        (JobState::Completed, Some(0), "scopesync: done"),
    ] {
        let created = "2100-01-01T00:00:00Z".parse().unwrap();
        program.state.runs.jobs = vec![DetachedJob { exit_status, created, ..job(state) }];
        assert_eq!(terminal_title(&program.state).as_deref(), Some(title));
    }
}

#[test]
fn a_job_that_cannot_be_started_writes_nothing_and_says_so() {
    let (mut program, _) = ready();
    program.past.fails = Some("no room".into());
    program.press("Enter a r J");
    program.wait(300);
    program.press("y");
    assert!(program.text().contains("LOOK: no job was started; nothing was written: no room"), "{}", program.text());
}

#[test]
fn a_job_that_cannot_be_started_gives_its_own_marks_back() {
    let (mut program, _servers) = ready();
    // of the marked scope, and then of the highlighted one, before anything is heard of the first
    program.press("Enter Space r J");
    program.wait(300);
    program.type_keys("y");
    let first = program.pending.pop_back().unwrap();
    program.wait(800);
    program.press("Down r J");
    program.wait(300);
    program.type_keys("y");
    let second = program.pending.pop_back().unwrap();
    assert!([&first, &second].iter().all(|job| matches!(job, Effect::StartJob(..))));
    assert!(marks(&program.state).is_empty());
    program.pending.push_back(second);
    program.settle();
    program.past.fails = Some("no room".into());
    program.pending.push_back(first);
    program.settle();
    assert_eq!(marks(&program.state), ["10.0.1.0"]);
}

/// A run under way that is handed over before its first scope.
fn cut_short(program: &mut Program) {
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("y");
    program.type_keys("q");
    program.draw();
    assert!(program.text().contains("j  hand over: quit after the scope in flight"), "{}", program.text());
    program.type_keys("j");
    assert_eq!(program.asked, ["run one-two", "cancel"]);
}

#[test]
fn on_quitting_a_job_does_the_scopes_that_are_left() {
    let (mut program, servers) = ready();
    cut_short(&mut program);
    program.cancelled = true;
    program.settle();
    let wrote = servers.1.writes().iter().filter(|call| call.starts_with("write")).count();
    assert_eq!(wrote, 0, "cancelled before the first scope");
    assert!(program.asked[2].starts_with("job the rest of run 20"), "{:?}", program.asked);
    assert!(program.asked[2].contains("4 scopes of one-two"), "{:?}", program.asked);
    assert_eq!(program.asked.last().map(String::as_str), Some("quit"));
    let told: Vec<String> = farewell(&program.state, |_| None).iter().map(|line| line.text()).collect();
    assert!(told.last().unwrap().contains("job 3 does the rest of it"), "{told:?}");
}

#[test]
fn a_run_that_waits_for_another_one_is_handed_over_whole() {
    let (mut program, servers) = ready();
    program.journal.held = Some(Owner { run: "of-another".into(), ..Owner::default() }).into();
    cut_short(&mut program);
    program.cancelled = true;
    program.settle();
    assert!(servers.1.writes().iter().all(|call| !call.starts_with("write")));
    assert!(program.asked[2].starts_with("job a run not begun here: 4 scopes of one-two"), "{:?}", program.asked);
    assert_eq!(program.asked.last().map(String::as_str), Some("quit"));
}

#[test]
fn the_preview_tells_of_an_interrupted_run_on_its_target() {
    let (mut program, _) = ready();
    program.journal.interrupted = vec!["r0".into()];
    program.press("Enter a r");
    assert!(program.text().contains("run r0 was interrupted while it wrote to two"), "{}", program.text());
}

#[test]
fn a_run_that_cannot_be_handed_over_is_told_and_the_program_stays() {
    let (mut program, _) = ready();
    cut_short(&mut program);
    program.cancelled = true;
    program.past.fails = Some("no room".into());
    program.settle();
    assert_ne!(program.asked.last().map(String::as_str), Some("quit"));
    assert!(program.text().contains("what was left stays cancelled: no room"), "{}", program.text());
}

#[test]
fn what_a_job_left_undone_is_planned_once_more() {
    let (mut program, _) = ready();
    let scope = id("10.0.1.0/24");
    let undone = Undone {
        name: "one-two".into(),
        source: "one".into(),
        target: "two".into(),
        scopes: [scope].into(),
        left_out: [(scope, "property valid-lifetime".to_owned())].into(),
    };
    let undo = Undone { source: "before run 2026".into(), ..undone.clone() };
    for (state, undone, reason) in [
        (JobState::Running, None, "this job is still under way"),
        (JobState::Failed, None, "nothing is kept of what became of its scopes"),
        (JobState::Failed, Some(vec![undo]), "an undo is planned anew from the history"),
        (JobState::Completed, Some(Vec::new()), "nothing of this run failed"),
    ] {
        program.past.jobs = vec![DetachedJob { undone: undone.map(Into::into), ..job(state) }];
        program.press("J r");
        assert!(message(&program.state).contains(reason), "{}", message(&program.state));
        program.press("J");
    }
    program.past.jobs = vec![DetachedJob { undone: Some([undone].into()), ..job(JobState::Failed) }];
    program.press("J");
    program.type_keys("r");
    program.draw();
    assert!(program.text().contains("1 scope of job 3 not done, unknown or not saved"), "{}", program.text());
    program.settle();
    let planned = &program.preview().unwrap().plan.relationships[0];
    let keys = |changes: &[scopesync::model::Change]| changes.iter().map(|c| c.key.to_string()).collect::<Vec<_>>();
    assert_eq!(planned.scopes.iter().map(|scope| scope.id).collect::<Vec<_>>(), [scope]);
    assert_eq!(keys(&planned.scopes[0].left_out), ["property valid-lifetime"]);
    assert_eq!(keys(&planned.scopes[0].changes), ["reservation 10.0.1.7"]);
}
