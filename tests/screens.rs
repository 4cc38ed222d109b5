//! What the screen looks like: text, and how each cell looks. And: it never breaks.

// Helpers of tests may fail as a test may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

#[path = "screens/drift.rs"]
mod drift;
#[path = "screens/keys.rs"]
mod keys;
#[path = "screens/search.rs"]
mod search;
#[path = "screens/views.rs"]
mod views;

use std::sync::Arc;
use std::time::Duration;

use common::fake::{self, FakeServer, Script, pair, reserve, scope};
use common::screen::{Past, Program, event_of};
use crossterm::event::{KeyCode, KeyEvent};
use proptest::prelude::*;
use ratatui::style::Color;
use scopesync::app::action::{Place, VERBS};
use scopesync::app::detached::DetachedJob;
use scopesync::app::state::Tone;
use scopesync::app::{Effect, Event, News};
use scopesync::config::{Column, Grouping, ScreenConfig, THEMES, ThemeChoice};
use scopesync::engine::approval::Manner;
use scopesync::engine::fleet::Fleet;
use scopesync::engine::outcome::Outcome;
use scopesync::engine::port::Way;
use scopesync::engine::progress::{Stage, Status, Waiting};
use scopesync::history::JobState;
use scopesync::model::{Finding, FindingKind, FindingSide, Foreign, ItemKey, Scope, Severity};
use scopesync::show::Progress;
use scopesync::ui::{Glyphs, Theme};
use serde_json::json;

fn numbered(n: u32, lifetime: u32, name: &str) -> Scope {
    let mut scope = scope(&format!("10.0.{n}.0/24"), &[("id", json!(n)), ("valid-lifetime", json!(lifetime))]);
    scope.name = Some(Foreign::from(name));
    scope
}

fn fleet() -> Fleet {
    let mut ours: Vec<Scope> = (1..=6).filter(|n| *n != 4).map(|n| numbered(n, 3600, "office")).collect();
    let mut theirs: Vec<Scope> =
        (1..=6).filter(|n| *n != 3).map(|n| numbered(n, if n == 1 { 1800 } else { 3600 }, "office")).collect();
    reserve(&mut ours[0], "10.0.1.7", "02:00:00:00:00:07");
    reserve(theirs.iter_mut().find(|s| s.id.short() == "10.0.5.0").unwrap(), "10.0.5.9", "02:00:00:00:00:09");
    fake::fleet(&pair(ours, theirs))
}

#[test]
fn the_lists() {
    let mut program = Program::ready(fleet(), 80, 24);
    insta::assert_snapshot!("relationships", program.picture());
    program.press("Enter Space Down");
    insta::assert_snapshot!("scopes", program.picture());
    program.press("Enter Down Down Enter");
    insta::assert_snapshot!("detail", program.picture());
}

#[test]
fn servers_that_cannot_be_read() {
    let servers = pair(vec![numbered(1, 3600, "x")], vec![numbered(1, 3600, "x")]);
    let mut program = Program::start(Some(fake::fleet(&servers)), 80, 24);
    insta::assert_snapshot!("reading", program.text());
    servers.0.inner().gone = true;
    servers.1.inner().gone = true;
    program.settle();
    insta::assert_snapshot!("unread", program.text());
}

#[test]
fn the_lists_in_a_wide_window() {
    let mut program = Program::ready(fleet(), 180, 20);
    program.press("Enter");
    insta::assert_snapshot!("wide", program.text());
}

/// Three relationships, one of them with a server that is down.
fn larger_fleet() -> Fleet {
    let scopes = |from: u32, drifting: u32| -> Vec<Scope> {
        (from..from + 12).map(|n| numbered(n, if n < drifting { 1800 } else { 3600 }, &format!("hall {n}"))).collect()
    };
    let named = [("berlin", "hamburg"), ("oslo", "bergen"), ("wien", "graz")];
    let servers = named.iter().zip([0, 20, 40]).flat_map(|((one, two), from)| {
        let (mut a, mut b) = pair(scopes(from, 0), scopes(from, from + from / 10));
        (a.name, a.partner) = ((*one).into(), two);
        (b.name, b.partner) = ((*two).into(), one);
        b.inner().gone = *two == "bergen";
        [a, b]
    });
    Fleet::new(servers.map(|server| std::sync::Arc::new(server) as _).collect())
}

#[test]
fn the_fleet() {
    let columns = ["name", "source", "target", "drift", "create", "update", "delete", "used"];
    let columns = Column::ALL.into_iter().filter(|column| columns.contains(&column.name())).collect();
    for (screen, keys, size, name) in [
        (ScreenConfig::default(), "", (80, 24), "fleet"),
        (ScreenConfig::default(), "Down Enter v Down Down", (60, 15), "fleet_narrow"),
        (
            ScreenConfig { grouping: Grouping::Server, ..ScreenConfig::default() },
            "End Enter",
            (120, 40),
            "fleet_servers",
        ),
        (
            ScreenConfig { grouping: Grouping::None, columns, ..ScreenConfig::default() },
            "A / \" h a l l Space 4 Enter",
            (200, 50),
            "fleet_flat",
        ),
    ] {
        let mut program = Program::with(screen, Some(larger_fleet()), size.0, size.1);
        program.settle();
        program.press(keys);
        insta::assert_snapshot!(name, program.picture());
    }
}

/// What has no room is told of, what matters most stands where it is not cut off, and a long message is read to its
/// end while nothing moves that it does not cover.
#[test]
fn small_windows_say_what_matters() {
    let columns = Column::ALL.into_iter().filter(|column| *column != Column::Scope).collect();
    let screen = ScreenConfig { columns, ..ScreenConfig::default() };
    let mut program = Program::with(screen, Some(larger_fleet()), 60, 15);
    program.settle();
    let line = |program: &Program, at: usize| program.text().lines().nth(at).unwrap_or_default().to_owned();
    assert!(line(&program, 2).ends_with(" +3"), "{}", program.text());
    let servers = pair(vec![numbered(1, 3600, "x")], vec![numbered(1, 1800, "x"), numbered(2, 1800, "x")]);
    servers.0.inner().state = Some("partner-down");
    servers.1.inner().state = Some("communication-recovery");
    for (width, words) in [
        (200, "one-two  one PARTNER-DOWN → two COMMUNICATION-RECOVERY  "),
        (80, "one-two  PARTNER-DOWN → COMMUNICATION-… 2 critical, 2/2 drifted -0 +0 ~1"),
        (60, "one-two  PARTNER-DOWN → COMM… 2 critical, 2/2 -0 +0 ~1"),
    ] {
        let mut program = Program::with(ScreenConfig::default(), Some(fake::fleet(&servers)), width, 15);
        program.settle();
        assert!(line(&program, 3).contains(words), "{words}:\n{}", program.text());
    }
    let mut program = Program::with(ScreenConfig::default(), Some(larger_fleet()), 60, 16);
    program.settle();
    program.press("Home Enter");
    let before = program.text();
    program.state.say(Tone::Bad, "this is a long message ".repeat(9));
    program.draw();
    let text = program.text();
    let same = |lines: usize| text.lines().take(lines).eq(before.lines().take(lines));
    assert!(same(10), "nothing moves:\n{before}\n{text}");
    assert_eq!(text.lines().filter(|line| line.contains("long")).count(), 3, "{text}");
    assert!(text.contains("…\n"), "and that it goes on is told: {text}");
    // why something cannot be done stands in full below the lines that have no room for it
    program.resize(60, 15);
    program.press("c End");
    let text = program.text();
    assert!(text.contains("Windows: 10.0.20.0 is     │") && text.contains("│ unknown: bergen: no answer  "), "{text}");
    program.press("Esc : y e s - t o");
    let text = program.text();
    assert!(text.contains("│ not now: a question is answered by its key alone: a "), "{text}");
}

#[test]
fn the_preview() {
    let mut program = Program::ready(fleet(), 80, 24);
    program.press("a r");
    insta::assert_snapshot!("preview_closed", program.picture());
    program.wait(300);
    insta::assert_snapshot!("preview_open", program.text());
}

#[test]
fn what_is_insecure_is_seen_everywhere() {
    let mut servers = pair(vec![numbered(1, 3600, "x")], vec![numbered(1, 1800, "x")]);
    servers.1.caveat = Some("insecure: its certificate is not verified");
    let mut program = Program::start(Some(fake::fleet(&servers)), 80, 24);
    let title = |program: &Program| program.text().lines().next().unwrap_or_default().to_owned();
    assert!(title(&program).contains("INSECURE: two"), "before anything was read");
    program.settle();
    insta::assert_snapshot!("insecure", program.picture());
    program.press("Enter a r");
    insta::assert_snapshot!("insecure_preview", program.text());
    program.wait(300);
    program.press("y");
    program.settle();
    program.press("J");
    assert!(title(&program).contains("INSECURE: two"));
    assert!(program.text().contains("two: insecure: its certificate is not verified"), "{}", program.text());
}

/// How and why it is written, which scopes otherwise, and what may not come along.
#[test]
fn a_writer_that_is_not_sure_says_so_in_the_preview() {
    let servers =
        pair((1..=2).map(|n| numbered(n, 3600, "x")).collect(), (1..=2).map(|n| numbered(n, 1800, "x")).collect());
    let way = |writer, reason: &str| Way { writer, reason: reason.to_owned() };
    {
        let mut target = servers.1.inner();
        target.way = Some(way("native replication", "auto: one gets through to its partner by itself"));
        target.otherwise =
            [("10.0.2.0/24".parse().unwrap(), way("direct calls", "something of it is left out"))].into();
        target.uncertain = [ItemKey::property("valid-lifetime")].into();
        let finding = |kind, message: &str, hint: &str| Finding {
            severity: Severity::Warning,
            kind,
            side: FindingSide::Target,
            scopes: Vec::new(),
            message: message.to_owned(),
            hint: hint.to_owned(),
        };
        target.findings = vec![
            finding(FindingKind::Unproven, "this was not yet seen on a real server", "try it on one scope"),
            finding(FindingKind::NoWayBack, "there is no way back", "replication = \"auto\""),
        ];
    }
    let mut program = Program::ready(fake::fleet(&servers), 80, 30);
    program.press("a r");
    insta::assert_snapshot!("preview_uncertain", program.picture());
    let plan = program.preview().expect("a preview").plan.clone();
    let lines = scopesync::show::plan(&plan, &scopesync::show::ScopeNames::default());
    let lines: Vec<String> = lines.iter().map(scopesync::show::Line::text).collect();
    insta::assert_snapshot!("plan_uncertain", lines.join("\n"));
}

/// A painted theme paints every cell, and the others none that the program does not colour.
#[test]
fn themes_paint_all_or_nothing() {
    for (at, (name, _)) in THEMES.iter().enumerate() {
        let mut program = Program::ready(fleet(), 80, 24);
        program.theme = Theme::of(&ThemeChoice::Own(at).read().unwrap(), Glyphs::UNICODE);
        for keys in ["Enter", "a r", "Esc ?"] {
            program.press(keys);
            program.draw();
            let cells = &program.buffer().content;
            let bare = cells.iter().filter(|cell| cell.fg == Color::Reset || cell.bg == Color::Reset).count();
            match *name {
                "terminal" => assert!(cells.iter().all(|cell| cell.bg == Color::Reset), "{keys}"),
                "monochrome" => assert_eq!(bare, cells.len(), "{keys}"),
                _ => assert_eq!(bare, 0, "{name} after {keys}"),
            }
        }
    }
    let mut program = Program::ready(fleet(), 80, 24);
    program.theme = Theme::of(&ThemeChoice::Own(1).read().unwrap(), Glyphs::UNICODE);
    program.press("a r");
    insta::assert_snapshot!("preview_light", program.picture());
}

#[test]
fn what_if_and_force_are_loud() {
    let mut program = Program::ready(fleet(), 80, 24);
    program.press("F W");
    insta::assert_snapshot!("flags", program.picture());
    program.press("a r");
    insta::assert_snapshot!("preview_what_if", program.text());
}

/// What decides about the next key, what is unsafe and what goes on are told in every window.
#[test]
fn nothing_of_the_title_that_matters_is_cut_off() {
    let mut servers = pair(vec![numbered(1, 3600, "x")], vec![numbered(1, 1800, "x")]);
    servers.1.caveat = Some("insecure: its certificate is not verified");
    let mut program = Program::ready(fake::fleet(&servers), 80, 24);
    program.press("Ctrl-r Enter a r");
    program.wait(300);
    program.type_keys("y F");
    let titles = |program: &mut Program| {
        [(100, 24), (80, 24), (60, 15)].map(|(columns, rows)| {
            program.resize(columns, rows);
            program.text().lines().next().unwrap_or_default().to_owned()
        })
    };
    let starts_with = |titles: [String; 3], wanted: [&str; 3]| {
        for (title, wanted) in titles.iter().zip(wanted) {
            assert!(title.starts_with(wanted), "{title}\n{wanted}");
        }
    };
    starts_with(
        titles(&mut program),
        [
            " scopesync   FORCE: r does not ask    INSECURE: two   running 0 % (J)  watching, read just now  ",
            " scopesync   FORCE: r does not ask    INSECURE: two   running 0 % (J)  watching",
            " scopesync   FORCE    INSECURE   running 0 % (J)  watching",
        ],
    );
    // WhatIf wins, so Force says no more than that it is on
    program.type_keys("W");
    starts_with(
        titles(&mut program),
        [
            " scopesync   FORCE    WHATIF: nothing is written    INSECURE: two   running 0 % (J)  watching  ",
            " scopesync   FORCE    WHATIF    INSECURE: two   running 0 % (J)  watching",
            " scopesync   FORCE    WHATIF    INSECURE   running 0 % (J)",
        ],
    );
}

#[test]
fn the_jobs() {
    let servers =
        pair((1..=4).map(|n| numbered(n, 3600, "x")).collect(), (1..=4).map(|n| numbered(n, 1800, "x")).collect());
    servers.1.script("10.0.2.0/24", Script::Refuse);
    servers.1.script("10.0.3.0/24", Script::Lie);
    servers.1.inner().save_fails = true;
    let mut program = Program::ready(fake::fleet(&servers), 100, 24);
    program.press("a r");
    program.wait(300);
    program.type_keys("y J");
    program.draw();
    insta::assert_snapshot!("jobs_running", program.text());
    program.settle();
    insta::assert_snapshot!("jobs", program.picture());
}

/// One that went wrong, one under way, one that waits for it; and two jobs.
#[test]
fn many_runs_and_jobs() {
    let servers =
        pair((1..=9).map(|n| numbered(n, 3600, "x")).collect(), (1..=9).map(|n| numbered(n, 1800, "x")).collect());
    servers.1.script("10.0.1.0/24", Script::Refuse);
    let mut program = Program::start(Some(fake::fleet(&servers)), 80, 24);
    program.past.jobs = [JobState::Running, JobState::Completed].into_iter().zip(3..).map(job).collect();
    program.settle();
    program.press("Enter Space r");
    program.wait(300);
    program.press("y");
    let mut tickets = Vec::new();
    for key in ["Down", "Down"] {
        program.press(&format!("{key} Space r"));
        program.wait(300);
        program.type_keys("y");
        // it stays under way
        program.pending.retain(|effect| !matches!(effect, Effect::Run(..)));
        tickets.extend(program.state.runs.all.last().map(|run| run.ticket));
    }
    let scopes = |n: u32| (1..=n).map(|n| format!("10.0.{n}.0/24").parse().unwrap());
    let stage = |(at, id)| {
        (
            0,
            id,
            if at < 2 {
                Stage::Done
            } else if at < 3 {
                Stage::Writing
            } else {
                Stage::Waiting
            },
        )
    };
    let reason = "two: scope 10.0.2.0/24: no, and that for a reason that takes more than the one line of a window of \
                  eighty columns to tell";
    let came = [(1, (Outcome::Replicated, None)), (2, (Outcome::Rejected, Some(reason.into())))];
    let under_way = Status {
        run: Some("r2".into()),
        scopes_total: 9,
        scopes_done: 2,
        changes_total: 40,
        changes_done: 10,
        current: Some(("two".into(), scopes(3).next_back(), Stage::Writing)),
        stages: Arc::new(scopes(9).enumerate().map(stage).collect()),
        outcomes: Arc::new(came.into_iter().map(|(n, came)| ((0, scopes(n).next_back().unwrap()), came)).collect()),
        started: program.state.clock - Duration::from_secs(4),
        ..Status::new()
    };
    let waiting = Waiting { for_what: "waiting for two".into(), expected: None, run: Some("r2".into()) };
    let queued = Status { scopes_total: 1, changes_total: 1, waiting: Some(waiting), ..Status::new() };
    program.event(Event::News(tickets[0], News::Status(under_way)));
    program.event(Event::News(tickets[1], News::Status(queued)));
    program.type_keys("J Tab");
    program.draw();
    insta::assert_snapshot!("jobs_many", program.picture());
    program.type_keys("f");
    program.resize(60, 15);
    insta::assert_snapshot!("jobs_small", program.text());
    program.resize(200, 50);
    program.type_keys("f End");
    program.draw();
    insta::assert_snapshot!("jobs_wide", program.text());
}

fn job((state, id): (JobState, i64)) -> DetachedJob {
    let progress =
        Progress { scopes_total: 4, scopes_done: 1, doing: "four 10.0.2.0 writing".into(), ..Progress::default() };
    DetachedJob {
        id,
        created: "2026-01-02T03:00:00Z".parse().unwrap(),
        title: "scopesync replicate three-four".into(),
        state,
        who: "op on admin".into(),
        cancel: 0,
        progress: Some(progress),
        told: if state.is_over() { vec!["1 rejected, 2 replicated".into()] } else { Vec::new() },
        exit_status: state.is_over().then_some(3),
        undone: None,
    }
}

#[test]
fn the_history() {
    let mut program = Program::start(Some(fleet()), 80, 24);
    program.past = Past::sample();
    program.settle();
    insta::assert_snapshot!("interrupted", program.picture());
    program.press("U");
    insta::assert_snapshot!("history", program.picture());
    program.press("Enter");
    insta::assert_snapshot!("past_run", program.picture());
    program.resize(120, 40);
    insta::assert_snapshot!("past_run_larger", program.picture());
    program.resize(200, 50);
    insta::assert_snapshot!("history_wide", program.text());
}

#[test]
fn a_window_that_is_too_small_says_so() {
    let mut program = Program::ready(fleet(), 50, 11);
    program.press("Enter");
    insta::assert_snapshot!("too_small", program.text());
}

#[test]
fn a_servers_text_cannot_disturb_the_screen() {
    let mut ours = numbered(1, 3600, "evil \u{202e}\u{1b}[2J\u{7}name");
    ours.items.insert(
        scopesync::model::ItemKey::property("x\u{1b}]0;t\u{7}"),
        scopesync::model::Item::single(scopesync::model::Value::own(json!("\u{202e}abc\r\n\u{200b}"))),
    );
    let mut program = Program::ready(fake::fleet(&pair(vec![ours], vec![numbered(1, 3600, "y")])), 120, 30);
    for keys in ["Enter", "Enter", "Down Down Enter", "Esc Esc", "r"] {
        program.press(keys);
        let bad =
            |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
        assert!(!program.text().chars().any(bad), "{}", program.text());
    }
    assert!(program.text().contains("\\u{202e}abc"), "{}", program.text());
}

/// One thing that happens to the program.
#[derive(Clone, Debug)]
enum Step {
    Key(usize, usize),
    Char(char),
    Paste(String),
    Happen,
    Wait(u64),
    Resize(u16, u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..VERBS.len(), 0usize..2).prop_map(|(verb, key)| Step::Key(verb, key)),
        3 => prop::sample::select(vec!['r', 'y', 'a', 'F', 'W', 'o', 'n']).prop_map(Step::Char),
        1 => any::<char>().prop_map(Step::Char),
        1 => "[yan/ ]{0,6}".prop_map(Step::Paste),
        4 => Just(Step::Happen),
        3 => prop::sample::select(vec![10u64, 100, 299, 301, 1000]).prop_map(Step::Wait),
        1 => (1u16..200, 1u16..60).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever is typed whenever: the program does not break, and it writes only after an
    /// answer to a question that was on the screen for 300 ms, or by what replicates under Force.
    #[test]
    fn nothing_is_written_without_an_answer_or_force(
        steps in prop::collection::vec(step(), 0..120),
        type_name_above in 0usize..2,
        world in 0..3,
    ) {
        let mut program = if world == 0 { Program::start(Some(fleet()), 100, 30) } else { keys::world(world == 2) };
        program.state.setting.screen.type_name_above = type_name_above;
        let mut judge = keys::Judge::default();
        for step in steps {
            let key = match &step {
                Step::Key(verb, key) => Some(event_of(VERBS[*verb].keys[key % VERBS[*verb].keys.len()])),
                Step::Char(c) => Some(KeyEvent::from(KeyCode::Char(*c))),
                _ => None,
            };
            let told = judge.watch(&mut program, key, |program| match (key, step.clone()) {
                (Some(key), _) => {
                    program.now += Duration::from_millis(50);
                    program.event(Event::Key(key));
                }
                (_, Step::Paste(text)) => program.event(Event::Paste(text)),
                (_, Step::Happen) => keys::happen(program),
                (_, Step::Wait(time)) => program.wait(time),
                (_, Step::Resize(columns, rows)) => program.resize(columns, rows),
                (None, Step::Key(..) | Step::Char(_)) => {}
            });
            prop_assert!(told.is_ok(), "{step:?}: {told:?}");
        }
        program.draw();
    }
}
