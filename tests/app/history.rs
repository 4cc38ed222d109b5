//! The history view: paging, filtering, looking into a run, and what waits to be settled.

use scopesync::app::action::Place;
use scopesync::app::history::{PAGE, PastRun};
use scopesync::engine::outcome::Outcome;
use scopesync::engine::undo::{Left, Words};

use super::*;
use crate::common::screen::Past;

fn with_past(past: Past) -> Program {
    let mut program = Program::start(Some(fake::fleet(&servers())), 80, 24);
    program.past = past;
    program.settle();
    program
}

#[test]
fn an_interrupted_run_is_told_of_until_it_is_settled() {
    let mut program = with_past(Past::sample());
    let text = program.text();
    assert!(text.contains("LOOK: a run was interrupted, U opens it: 2026-01-01 23:04, op on admin"), "{text}");
    assert!(!text.contains("INTERRUPTED"), "once is enough: {text}");
    program.press("U");
    assert_eq!(program.state.history.current().map(|run| run.seq), Some(2), "the cursor is on it");
    assert!(!program.text().contains("INTERRUPTED, waits"), "it is in the list, and U leaves:\n{}", program.text());
    program.press("Esc");
    assert!(!program.text().contains("LOOK"), "it was seen");
    assert!(program.text().contains("INTERRUPTED, waits"), "{}", program.text());
    program.past.runs.remove(0);
    program.press("R");
    assert!(!program.text().contains("INTERRUPTED"), "{}", program.text());
}

#[test]
fn only_pages_that_are_looked_at_are_read() {
    let run = Past::sample().runs.remove(2);
    let many = (0..10_000).rev().map(|seq| PastRun { seq, id: format!("run-{seq:05}"), ..run.clone() });
    let mut program = with_past(Past { runs: many.collect(), ..Past::default() });
    assert_eq!(program.past.pages, 0, "nobody has looked yet");
    program.press("U");
    assert_eq!((program.past.pages, program.state.history.runs.len()), (1, PAGE));
    assert!(program.text().contains("there are more"), "{}", program.text());
    program.press("End");
    assert_eq!(program.state.history.runs.len(), 2 * PAGE);
    assert_eq!(program.state.history.current().map(|run| run.seq), Some(9_800), "the last that was there");
    program.press("PgDn Home / r u n - 0 0 0 4 2 Enter");
    assert_eq!(program.state.history.runs.len(), 1, "the filter looks at all runs");
    assert!(program.text().contains("/run-00042"), "{}", program.text());
    program.press("Esc");
    assert_eq!(program.state.history.runs.len(), PAGE);
    program.press("Esc");
    assert_eq!(program.state.place(), Place::Relationships);
}

#[test]
fn no_run_is_missing_where_more_are_new_than_a_page_holds() {
    let run = Past::sample().runs.remove(2);
    let first = |many: i64| -> Vec<PastRun> {
        (0..many).rev().map(|seq| PastRun { seq, id: format!("run-{seq:05}"), ..run.clone() }).collect()
    };
    let mut program = with_past(Past { runs: first(10), ..Past::default() });
    program.press("U");
    program.past.runs = first(500);
    program.press("R End End End");
    let seqs: Vec<i64> = program.state.history.runs.iter().map(|run| run.seq).collect();
    assert_eq!(seqs, (0..500).rev().collect::<Vec<_>>());
}

#[test]
fn what_a_run_destroyed_stands_there_by_name_deletions_first() {
    let mut program = with_past(Past::sample());
    program.press("U Enter");
    let text = program.text();
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} is missing:\n{text}"));
    assert!(at("DELETED: 1 item") < at("- reservation 10.0.1.9"));
    assert!(at("- reservation 10.0.1.9") < at("was: hw-address 02:00:00:00:00:09, hostname printer"));
    assert!(at("hostname printer") < at("value: was 1800 | the run wrote 3600"));
    program.press("Down");
    let text = program.text();
    assert!(text.contains("10.0.1.0 done, 3 of 3 changes") && text.contains("10.0.3.0 partial, 1 of 2"), "{text}");
    assert!(text.contains("the run created it, an undo deletes it"), "{text}");
    program.press("Down u");
    assert!(message(&program.state).contains("nothing was written to 10.0.5.0"), "{}", message(&program.state));
    program.press("/ 1 0 . 0 . 3 Enter Enter Esc Esc");
    assert_eq!(program.state.place(), Place::PastRun, "Esc takes the filter away first");
    program.press("Esc");
    assert_eq!(program.state.place(), Place::History);
    program.press("U");
    assert_eq!(program.state.place(), Place::Relationships);
}

#[test]
fn an_interrupted_run_is_finished_undone_or_left() {
    let mut program = with_past(Past::sample());
    program.press("U Enter End");
    let text = program.text();
    assert!(text.contains("10.0.6.0 not done"), "also what it had not come to:\n{text}");
    assert!(text.contains("f finish") && text.contains("X leave it"), "{text}");
    program.type_keys("f");
    assert!(matches!(program.pending.back(), Some(Effect::PlanFinish(..))), "both servers are read, and a plan made");
    program.pending.clear();
    program.press("Esc");
    program.press("X Up X");
    assert!(message(&program.state).contains("X again"), "one key settles nothing: {}", message(&program.state));
    program.past.fails = Some("the disk is full".into());
    program.press("X");
    assert!(message(&program.state).contains("still waits: the disk is full"), "{}", message(&program.state));
    program.past.fails = None;
    program.press("X X");
    assert!(message(&program.state).contains("no longer waits"), "{}", message(&program.state));
    assert!(!program.text().contains("INTERRUPTED, waits"), "{}", program.text());
    assert!(program.text().contains("interrupted, settled"), "{}", program.text());
    program.press("f");
    assert!(message(&program.state).contains("it does not wait"), "{}", message(&program.state));
}

#[test]
fn an_interrupted_run_is_left_from_the_list_as_well() {
    let mut program = with_past(Past::sample());
    program.press("U");
    assert!(program.text().contains("X leaves it as it is"), "{}", program.text());
    program.press("X Down Up X");
    assert!(message(&program.state).contains("X again"), "one key settles nothing: {}", message(&program.state));
    program.press("X");
    assert!(message(&program.state).contains("no longer waits"), "{}", message(&program.state));
    program.press("Down X");
    assert!(message(&program.state).contains("it does not wait"), "{}", message(&program.state));
}

#[test]
fn a_history_that_cannot_be_read_says_so() {
    let mut program = with_past(Past { fails: Some("the history is damaged".into()), ..Past::default() });
    program.press("U");
    assert!(program.text().contains("the history is damaged (R tries again)"), "{}", program.text());
    program.past.fails = None;
    program.press("R");
    assert!(program.text().contains("no run was kept yet"), "{}", program.text());
}

#[test]
fn an_undo_is_previewed_asked_about_and_run_like_every_plan() {
    let servers = servers();
    let words = |id: &str, lifetime: u32| {
        let native = Arc::new(servers.1.keep(&numbered(id.parse().unwrap(), lifetime)));
        Words { network: None, native }
    };
    let past = |n: &str, then: u32, now: u32| scopesync::engine::undo::Past {
        target: "two".into(),
        identity: None,
        relationship: "one-two".into(),
        id: id(&format!("10.0.{n}.0/24")),
        outcome: Some(Outcome::Replicated),
        before: Some(words(n, then)),
        after: Left::There { words: words(n, now), fingerprint: "another one".into() },
        later: None,
        is_kept: true,
    };
    let left = vec![past("1", 900, 2700), past("2", 900, 2700)];
    let mut program = Program::start(Some(fake::fleet(&servers)), 100, 40);
    program.past = Past { left, ..Past::sample() };
    program.settle();
    program.press("U Down Down u");
    let text = program.text();
    assert!(text.contains("REFUSED 10.0.1.0, changed-since-run") && text.contains("[o: overrides it]"), "{text}");
    assert!(text.contains("then 900, after the run 2700, now 1800"), "{text}");
    program.press("o");
    let text = program.text();
    assert!(text.contains("overridden 10.0.1.0, changed-since-run"), "{text}");
    assert!(text.contains("two GOES BACK to what it was before run 20260101T210405Z-00000000"), "{text}");
    assert!(text.contains("in 2 scopes?"), "{text}");
    program.wait(300);
    program.press("n");
    assert_eq!(program.state.place(), Place::History, "back where it was asked from");
    program.press("Enter u o");
    assert!(program.text().contains("in 1 scope?"), "{}", program.text());
    program.wait(300);
    program.press("y");
    assert_eq!(program.asked.last().map(String::as_str), Some("run one-two"));
    assert!(program.text().contains("done: undo in one-two: 1 replicated"), "{}", program.text());
    assert_eq!(servers.1.inner().scopes[&id("10.0.1.0/24")].items.len(), numbered(1, 900).items.len());
}
