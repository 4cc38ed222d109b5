//! Runs under way and their ends, on the screen and after it.

use super::*;

fn farewell(state: &AppState) -> String {
    let name = |_: &Run| Some("20260102T030405Z-1f3a09c7".to_owned());
    scopesync::app::farewell::farewell(state, name).iter().map(|line| line.text() + "\n").collect()
}

#[test]
fn what_became_of_runs_is_told_when_the_screen_is_gone() {
    let (mut program, _) = ready();
    program.press("Enter a r");
    assert_eq!(farewell(&program.state), "", "nothing was run");
    program.wait(300);
    program.type_keys("y");
    let text = farewell(&program.state);
    assert!(text.contains("run 20260102T030405Z-1f3a09c7 (one-two) was left before it ended"), "{text}");
    assert!(text.contains("unknown") && text.contains("history"), "{text}");
    // Left at once when it ends: its end is on no frame.
    program.type_keys("q w");
    while program.happen() {}
    assert_eq!(program.asked.last().unwrap(), "quit");
    let text = farewell(&program.state);
    assert!(text.contains("10.0.5.0  replicated, verified, saved") && text.contains("4 replicated"), "{text}");
    program.draw();
    assert_eq!(farewell(&program.state), "", "it ended well, and that was seen");

    let (mut program, servers) = ready();
    servers.1.script("10.0.1.0/24", Script::Refuse);
    program.press("Enter a r");
    program.wait(300);
    program.press("y J");
    let text = farewell(&program.state);
    assert!(text.contains("10.0.1.0  rejected") && text.contains("1 rejected, 3 replicated"), "seen or not:\n{text}");
    for (script, is_mended) in [(Script::Half, false), (Script::Obey, true)] {
        servers.1.script("10.0.1.0/24", script);
        program.press("r");
        program.wait(1000);
        program.press("y J");
        let text = farewell(&program.state);
        assert_eq!(text.is_empty(), is_mended, "what a later run has done is not told:\n{text}");
    }
}

#[test]
fn each_relationship_is_asked_about() {
    let (mut program, servers) = two_pairs();
    program.press("Space Down Space r");
    assert!(program.text().contains("(1 of 2) one-two: one OVERWRITES two"), "{}", program.text());
    program.wait(300);
    program.press("n");
    assert!(program.text().contains("(2 of 2) three-four: three OVERWRITES four"), "{}", program.text());
    // The same key at once is a key that is held down.
    program.press("y");
    assert!(program.asked.is_empty());
    program.wait(800);
    program.press("y");
    assert_eq!(program.asked, ["run three-four"]);
    assert!(servers[1].writes().is_empty() && !servers[3].writes().is_empty());

    let (mut program, servers) = two_pairs();
    program.press("Space Down Space r");
    program.wait(300);
    program.press("a");
    assert_eq!(program.asked, ["run one-two three-four"]);
    assert!(!servers[1].writes().is_empty() && !servers[3].writes().is_empty());

    let (mut program, servers) = two_pairs();
    program.press("Space Down Space r");
    program.wait(300);
    program.press("y");
    program.wait(800);
    program.press("l");
    assert_eq!(program.asked, ["run one-two"]);
    assert!(servers[3].writes().is_empty());
}

#[test]
fn a_key_that_is_held_down_answers_one_question_only() {
    let (mut program, _) = two_pairs();
    program.press("Space Down Space r");
    program.wait(300);
    for _ in 0..100 {
        program.wait(30);
        program.event(Event::Key(event_of("y")));
        program.draw();
    }
    assert!(program.asked.is_empty(), "the second question stands");
    assert!(program.text().contains("(2 of 2)"), "{}", program.text());
}

#[test]
fn browsing_goes_on_during_a_run_which_can_be_cancelled() {
    let (mut program, _) = ready();
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("y");
    assert!(program.text().contains("one-two") && program.state.running().count() == 1);
    program.type_keys("End");
    assert_eq!(highlighted(&program.state), "10.0.10.0");
    program.type_keys("J x");
    assert_eq!(program.asked, ["run one-two", "cancel"]);
    program.type_keys("x");
    assert_eq!(program.asked, ["run one-two", "cancel", "cancel"]);
    program.draw();
    assert!(program.text().contains("cancelling after the request in flight"), "{}", program.text());
    program.settle();
    program.press("x");
    assert!(message(&program.state).contains("this run has ended"), "{}", message(&program.state));
}

#[test]
fn quitting_asks_while_a_run_is_under_way_and_stays_by_default() {
    let (mut program, _) = ready();
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("y");
    for stay in ["Enter", "Esc", "n"] {
        program.type_keys("q");
        assert_eq!(program.state.quitting, Some(Quitting::Asking));
        program.draw();
        assert!(program.text().contains("Still under way: one-two"), "{}", program.text());
        program.type_keys(stay);
        assert_eq!(program.state.quitting, None, "{stay}");
    }
    program.type_keys("Ctrl-c c");
    assert_eq!(program.asked, ["run one-two", "cancel"]);
    program.draw();
    assert!(program.text().contains("QUITTING when the run has ended"), "{}", program.text());
    program.type_keys("q c");
    assert_eq!(program.asked, ["run one-two", "cancel", "cancel"], "the second time further");
    program.type_keys("q");
    program.draw();
    let text = program.text();
    assert!(text.contains("waiting for the server's answer") && text.contains("l  leave now"), "{text}");
    program.type_keys("n q w");
    program.settle();
    assert_eq!(program.asked.last().unwrap(), "quit");

    let (mut program, _) = ready();
    program.press("q");
    assert_eq!(program.asked, ["quit"]);
}

#[test]
fn what_hangs_after_cancelling_twice_can_be_left() {
    let (mut program, _) = ready();
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("y q l");
    assert!(message(&program.state).contains("cancel first"), "{}", message(&program.state));
    program.type_keys("c q");
    program.draw();
    assert!(program.text().contains("c  cancel after the request in flight"), "{}", program.text());
    program.type_keys("l");
    assert_eq!(program.asked, ["run one-two", "cancel"]);
    program.type_keys("c q l");
    assert_eq!(program.asked, ["run one-two", "cancel", "cancel", "leave"]);
}

#[test]
fn scopes_that_are_being_replicated_are_neither_marked_nor_planned_again() {
    let (mut program, _) = ready();
    program.press("Enter Space Down Space r");
    program.wait(300);
    program.type_keys("y");
    assert!(marks(&program.state).is_empty(), "they go into the run");
    for key in ["Space", "r"] {
        program.type_keys(key);
        assert!(message(&program.state).contains("10.0.2.0"), "{}", message(&program.state));
        assert!(message(&program.state).contains("is being replicated"), "{}", message(&program.state));
    }
    program.type_keys("a");
    assert_eq!(marks(&program.state), ["10.0.3.0", "10.0.5.0"]);
    assert!(message(&program.state).contains("2 being replicated"), "{}", message(&program.state));
    program.type_keys("u Esc r");
    assert!(message(&program.state).contains("2 scopes of one-two"), "{}", message(&program.state));
    assert_eq!(program.asked, ["run one-two"]);
    program.settle();
    program.press("Enter Down Down Space");
    assert_eq!(marks(&program.state).len(), 1, "it has ended: {}", message(&program.state));
}

/// Takes the runs out of what is pending, so that other work can happen while they go on.
pub fn hold_runs(program: &mut Program) -> Vec<Effect> {
    let all = std::mem::take(&mut program.pending).into_iter();
    let (runs, rest): (Vec<_>, Vec<_>) = all.partition(|effect| matches!(effect, Effect::Run(..)));
    program.pending = rest.into();
    runs
}

#[test]
fn several_runs_go_on_at_once_and_one_that_waits_says_for_which() {
    let (mut program, _) = two_pairs();
    program.press("Enter Space r");
    program.wait(300);
    program.type_keys("y");
    let mut runs = hold_runs(&mut program);
    program.press("Down Space r");
    program.wait(300);
    program.type_keys("y");
    runs.extend(hold_runs(&mut program));
    let tickets: Vec<Ticket> = program.state.runs.all.iter().map(|run| run.ticket).collect();
    assert_eq!((tickets.len(), program.state.running().count()), (2, 2));
    let waiting = Waiting { for_what: "waiting for two".into(), expected: None, run: Some("r1".into()) };
    let current = Some(("two".into(), None, Stage::Waiting));
    let status = Status { scopes_total: 1, current, waiting: Some(waiting), ..Status::new() };
    program.event(Event::News(tickets[1], News::Status(status)));
    program.press("J");
    let text = program.text();
    assert!(text.contains("[jobs, 1 running, 1 queued]") && text.contains("waits for run one-two"), "{text}");
    assert_eq!(terminal_title(&program.state).as_deref(), Some("scopesync: 0 of 2 scopes"));
    program.type_keys("x");
    program.draw();
    assert!(
        program.text().contains("cancelling one-two: one → two  cancelling after the scope in flight, waits for run")
    );
    program.pending.extend(runs);
    program.settle();
    assert_eq!(program.state.running().count(), 0);
    assert_eq!(terminal_title(&program.state).as_deref(), Some("scopesync: done"));
    assert!(!program.asked.contains(&"bell".to_owned()));
}

#[test]
fn a_second_cancel_goes_to_the_run_of_the_first_whatever_the_filter_leaves() {
    for older in [false, true] {
        let (mut program, _) = two_pairs();
        program.press("Enter Space r");
        program.wait(300);
        program.type_keys("y");
        let _first = hold_runs(&mut program);
        program.press("Left Left Down Enter Space r");
        program.wait(300);
        program.type_keys("y");
        let _second = hold_runs(&mut program);
        program.press("J / s t a t e : r u n n i n g Enter");
        if older {
            program.state.runs.step(-1);
        }
        let shown = program.state.runs.shown();
        assert_eq!(program.state.runs.entries().len(), 2, "{}", program.text());
        program.press("x x");
        let cancelled: Vec<bool> = program.state.runs.all.iter().map(|run| run.cancelled.is_some()).collect();
        assert_eq!((cancelled, program.state.runs.shown()), (vec![older, !older], shown), "{}", program.text());
        // the cursor leaves it, and the filter drops it
        let ticket = program.state.runs.all[usize::from(!older)].ticket;
        program.state.runs.lay(ticket);
        program.state.runs.step(if older { 1 } else { -1 });
        assert_eq!(program.state.runs.entries().len(), 1, "{}", program.text());
    }
}

#[test]
fn no_time_left_is_told_where_nothing_moves_or_the_run_is_to_end() {
    let under_way = |program: &mut Program, seconds: u64| {
        let clock = program.state.clock;
        let status = Status {
            scopes_total: 4,
            scopes_done: 1,
            changes_total: 8,
            changes_done: 2,
            current: Some(("two".into(), Some(id("10.0.2.0/24")), Stage::Writing)),
            started: clock - Duration::from_secs(seconds),
            ..Status::new()
        };
        let ticket = program.state.runs.all[0].ticket;
        program.event(Event::News(ticket, News::Status(status)));
        program.draw();
    };
    let (mut program, _) = ready();
    program.press("Enter a r");
    program.wait(300);
    program.type_keys("y");
    let _runs = hold_runs(&mut program);
    program.type_keys("J");
    under_way(&mut program, 4);
    assert!(program.text().contains("2 of 8 changes, 0.5/s, 12 s left"), "{}", program.text());
    under_way(&mut program, 12);
    let text = program.text();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("25 %, nothing for 12 s, waiting for two, writing 10.0.2.0, 1 of 4 scopes"), "{text}");
    assert!(text.contains("25 %, nothing for 12 s") && !text.contains(" left"), "{text}");
    program.type_keys("x");
    under_way(&mut program, 4);
    let text = program.text();
    assert!(text.contains("cancelling after the scope in flight, 25 %") && !text.contains(" left"), "{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("2 of 8 changes, waiting for two, writing 10.0.2.0"), "{text}");
}

#[test]
fn what_failed_or_is_unknown_is_read_back_and_planned_once_more_and_asked_about() {
    let (mut program, servers) = ready();
    program.state.setting.screen.bell = true;
    assert_eq!(terminal_title(&program.state), None, "the title is left alone before the first run");
    servers.1.script("10.0.1.0/24", Script::Refuse);
    servers.1.script("10.0.2.0/24", Script::Vanish);
    program.press("Enter Space Down Space r");
    program.wait(300);
    program.press("y J");
    assert_eq!(program.asked, ["run one-two", "bell"]);
    assert_eq!(terminal_title(&program.state).as_deref(), Some("scopesync: done, 2 failed"));
    let text = program.text();
    assert!(text.contains("> 03:04:05 unknown    one-two: one → two"), "{text}");
    assert!(text.contains("10.0.1.0        rejected") && text.contains("10.0.2.0        unknown"), "{text}");

    // it was written, as reading back shows; what was refused is all that is left
    servers.1.inner().gone = false;
    servers.1.script("10.0.1.0/24", Script::Obey);
    let reads = |server: &FakeServer| server.inner().calls.iter().filter(|call| call.starts_with("read")).count();
    let before = reads(&servers.1);
    program.type_keys("F r");
    program.draw();
    assert!(program.text().contains("2 scopes of one-two not done, unknown or not saved"), "{}", program.text());
    program.settle();
    assert!(reads(&servers.1) > before);
    let preview = program.preview().expect("Force or not, it is asked about");
    let ids = |scopes: &mut dyn Iterator<Item = ScopeId>| scopes.map(|id| id.short()).collect::<Vec<_>>();
    let planned = &preview.plan.relationships[0];
    assert_eq!(ids(&mut planned.scopes.iter().map(|scope| scope.id)), ["10.0.1.0"]);
    assert_eq!(ids(&mut planned.in_sync.iter().copied()), ["10.0.2.0"]);
    program.wait(300);
    program.press("y");
    assert_eq!(program.asked, ["run one-two", "bell", "run one-two", "bell"]);
    assert!(matches!(program.state.view, View::Jobs), "back where it was asked for");
    assert_eq!(terminal_title(&program.state).as_deref(), Some("scopesync: done"));
    program.press("r");
    assert!(message(&program.state).contains("nothing of this run failed"), "{}", message(&program.state));
    program.press("f");
    assert!(program.text().contains("nothing has failed"), "{}", program.text());
    program.press("Right");
    let text = program.text();
    assert!(text.contains("only what is not done") && text.contains("10.0.1.0        rejected"), "{text}");
}

#[test]
fn what_runs_and_is_not_saved_is_saved_by_a_retry() {
    let (mut program, servers) = ready();
    servers.1.inner().save_fails = true;
    program.press("Enter Space r");
    program.wait(300);
    program.press("y");
    assert!(program.text().contains("LOOK: one-two: 1 running but not saved; 1 replicated"), "{}", program.text());
    assert_eq!(terminal_title(&program.state).as_deref(), Some("scopesync: done, 1 not saved"));
    // it cannot be saved now either, which is told, and can be tried once more
    for (fails, told) in [(true, "] STILL NOT SAVED: two; 1 unchanged"), (false, "] 1 unchanged")] {
        servers.1.inner().save_fails = fails;
        program.press(if fails { "J r" } else { "r" });
        let text = program.text();
        assert!(
            text.contains("two IS SAVED as it runs: nothing to write") && text.contains("running but not saved"),
            "{text}"
        );
        program.wait(300);
        program.press("y");
        assert!(program.text().contains(told), "{}", program.text());
        assert_eq!(farewell(&program.state).contains("not saved"), fails, "{}", farewell(&program.state));
    }
    let saves = servers.1.writes().iter().filter(|call| *call == "save").count();
    assert_eq!((saves, servers.1.writes().iter().filter(|call| call.starts_with("write")).count()), (3, 1));
    assert!(program.text().contains("two: what an earlier run changed is saved now"), "{}", program.text());
    program.press("r");
    assert!(message(&program.state).contains("nothing of this run failed"), "{}", message(&program.state));
}

#[test]
fn that_a_loss_is_not_saved_is_told_beforehand() {
    let (mut program, servers) = ready();
    program.journal.unsaved.lock().unwrap().insert("two".into());
    program.journal.lost.lock().unwrap().insert("10.9.9.0/24".parse().unwrap());
    program.press("Enter Space r");
    let text = program.text();
    assert!(text.contains("two: not saved on purpose: the target lacks 10.9.9.0/24 since an earlier run"), "{text}");
    program.wait(300);
    program.press("y");
    assert!(program.text().contains("1 running but not saved; 1 replicated"), "{}", program.text());
    assert!(!servers.1.writes().contains(&"save".to_owned()));
}

#[test]
fn a_notice_of_what_needs_a_look_is_not_covered_by_what_went_well() {
    let (mut program, servers) = two_pairs();
    servers[1].script("10.0.1.0/24", Script::Refuse);
    program.press("Enter Space Left Left Down Enter Space r");
    program.wait(300);
    program.press("y");
    program.wait(800);
    program.press("n");
    assert!(program.text().contains("LOOK: one-two: 1 rejected"), "{}", program.text());
    program.press("u Space r");
    program.wait(300);
    program.press("y ?");
    let text = program.text();
    assert!(
        text.contains("LOOK: one-two: 1 rejected") && text.contains("done: three-four"),
        "in the help too:\n{text}"
    );
}

#[test]
fn what_did_not_go_well_stays_marked() {
    let (mut program, servers) = ready();
    servers.1.script("10.0.1.0/24", Script::Refuse);
    program.press("Enter Space Down Space r");
    program.wait(300);
    program.press("y");
    assert_eq!(marks(&program.state), ["10.0.1.0"], "{}", program.text());
    // nor does a run that comes to nothing, or a job that cannot be started, take it
    program.cancelled = true;
    program.press("r");
    program.wait(300);
    program.press("y");
    assert_eq!(marks(&program.state), ["10.0.1.0"]);
    program.past.fails = Some("no room".into());
    program.press("r J");
    program.wait(300);
    program.press("y");
    assert!(program.text().contains("no job was started"), "{}", program.text());
    assert_eq!(marks(&program.state), ["10.0.1.0"]);
}

#[test]
fn no_mark_comes_back_that_would_be_written_unasked_or_unmeant() {
    // with Force the next key writes what is highlighted, and nothing else
    let (mut program, servers) = ready();
    servers.1.script("10.0.1.0/24", Script::Refuse);
    program.press("F Enter Space r");
    assert!(program.text().contains("1 rejected"), "{}", program.text());
    assert!(marks(&program.state).is_empty());
    program.press("Down r");
    let written = |server: &FakeServer, scope: &str| {
        server.writes().iter().filter(|call| call.starts_with("write") && call.contains(scope)).count()
    };
    assert_eq!((written(&servers.1, "10.0.1.0"), written(&servers.1, "10.0.2.0")), (1, 1), "{:?}", servers.1.writes());
    // nor do they come back beside what was marked meanwhile, or what was taken away
    for (keys, left) in [("Down Down Space", vec!["10.0.3.0"]), ("Down Down Space Space", vec![])] {
        let (mut program, servers) = ready();
        servers.1.script("10.0.1.0/24", Script::Refuse);
        program.press("Enter Space r");
        program.wait(300);
        program.type_keys("y");
        program.type_keys(keys);
        program.settle();
        assert_eq!(marks(&program.state), left, "{keys}");
    }
    // nor those of a job that cannot be started, with Force; WhatIf wins over Force
    for (keys, left) in [("F", vec![]), ("F W", vec!["10.0.1.0"])] {
        let (mut program, _servers) = ready();
        program.past.fails = Some("no room".into());
        program.press("Enter Space r J");
        program.wait(300);
        program.type_keys("y");
        program.type_keys(keys);
        program.settle();
        assert!(program.text().contains("no job was started"), "{}", program.text());
        assert_eq!(marks(&program.state), left, "{keys}");
    }
}

#[test]
fn who_declines_a_retry_is_back_where_it_was_asked_for() {
    let (mut program, servers) = ready();
    servers.1.script("10.0.1.0/24", Script::Refuse);
    program.press("Enter Space r");
    program.wait(300);
    program.press("y");
    program.press("J r");
    program.press("n");
    assert!(matches!(program.state.view, View::Jobs), "{}", program.text());
    program.type_keys("r");
    program.press("Esc");
    assert!(matches!(program.state.view, View::Jobs), "{}", program.text());
    program.press("J r");
    program.press("n");
    assert!(matches!(program.state.view, View::Browse), "{}", program.text());
}

#[test]
fn a_run_that_did_not_go_well_is_a_warning_in_the_log() {
    use scopesync::config::LogLevel;
    use tracing_subscriber::layer::SubscriberExt as _;

    // with one alone a place that another thread comes by first would be taken for one that nobody listens to
    let _other = tracing::Dispatch::new(tracing_subscriber::registry());
    for (script, is_cancelled, level) in [
        (Script::Obey, false, LogLevel::Info),
        (Script::Refuse, false, LogLevel::Warn),
        (Script::Half, false, LogLevel::Warn),
        (Script::Vanish, false, LogLevel::Warn),
        (Script::Obey, true, LogLevel::Warn),
    ] {
        let log = scopesync::log::Recent::default();
        let _kept = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
        let (mut program, servers) = ready();
        servers.1.script("10.0.1.0/24", script.clone());
        program.press("Enter Space r");
        program.wait(300);
        program.type_keys("y");
        program.cancelled = is_cancelled;
        program.settle();
        let ends: Vec<_> = log.since(0).into_iter().filter(|one| one.text.contains("run ended")).collect();
        assert_eq!(ends.iter().map(|one| one.level).collect::<Vec<_>>(), [level], "{script:?} {ends:?}");
        let on_screen =
            |one: &&scopesync::log::Message| one.target == "scopesync::screen" && one.text.contains("shows more");
        let told: Vec<_> = log.since(0).into_iter().filter(|one| on_screen(&one)).map(|one| one.level).collect();
        assert_eq!(told, [level], "{script:?} {:?}", log.since(0));
    }
}

#[test]
fn what_was_cancelled_is_done_by_a_retry() {
    let (mut program, servers) = ready();
    program.press("Enter a r");
    program.wait(300);
    program.cancelled = true;
    program.press("y J");
    let text = program.text();
    assert!(text.contains("[░░░░░░░░░░░░░░░░░░░░] 4 cancelled"), "the gauge tells what is done:\n{text}");
    program.press("f");
    assert!(program.text().contains("10.0.1.0        cancelled"), "what another try does:\n{}", program.text());
    program.press("f");
    program.cancelled = false;
    program.press("r");
    assert_eq!(program.preview().unwrap().plan.scopes_to_write(), 4);
    program.wait(300);
    program.press("y");
    let text = program.text();
    assert!(text.contains("[████████████████████] 4 replicated"), "{text}");
    assert_eq!(servers.1.writes().iter().filter(|call| call.starts_with("write")).count(), 4);
}

#[test]
fn what_an_earlier_session_left_unsaved_is_told_and_can_be_saved() {
    let (mut program, servers) = ready();
    servers.1.inner().save_fails = true;
    program.press("Enter a r");
    program.wait(300);
    program.press("y");
    assert!(program.text().contains(" NOT SAVED: two "), "{}", program.text());
    let journal = std::mem::take(&mut program.journal);

    let mut program = Program::start(Some(fake::fleet(&servers)), 80, 24);
    program.journal = journal;
    program.settle();
    let text = program.text();
    assert!(text.contains(" NOT SAVED: two "), "{text}");
    program.press("f z");
    assert!(program.text().contains("NOT SAVED: what an earlier run changed"), "{}", program.text());
    program.press("Esc Esc Down r");
    assert!(
        message(&program.state).contains("two is not saved: r on the line of one-two"),
        "{}",
        message(&program.state)
    );
    servers.1.inner().save_fails = false;
    program.press("Home r");
    let text = program.text();
    assert!(text.contains("two IS SAVED as it runs: nothing to write"), "{text}");
    program.wait(300);
    program.press("y");
    assert!(!program.text().contains("NOT SAVED"), "{}", program.text());
    program.press("r");
    assert!(message(&program.state).contains("nothing to replicate in one-two"), "{}", message(&program.state));

    program.journal.lost.lock().unwrap().insert("10.9.9.0/24".parse().unwrap());
    program.journal.unsaved.lock().unwrap().insert("two".into());
    program.press("R f z");
    assert!(program.text().contains("the server had lost 10.9.9.0/24"), "{}", program.text());
}

#[test]
fn what_is_not_saved_is_told_at_the_end_although_a_later_run_found_it_in_sync() {
    let (mut program, servers) = ready();
    servers.1.inner().save_fails = true;
    program.press("Enter Space r");
    program.wait(300);
    program.press("y");
    servers.1.inner().save_fails = false;
    // the first is in sync in this one, which comes to nothing and so saves nothing
    program.press("Left Left u r");
    let planned = &program.preview().unwrap().plan.relationships[0];
    assert!(planned.in_sync.contains(&id("10.0.1.0/24")), "{}", program.text());
    program.wait(300);
    program.cancelled = true;
    program.press("y J");
    assert!(program.text().contains("STILL NOT SAVED: two"), "{}", program.text());
    let text = farewell(&program.state);
    assert!(text.contains("10.0.1.0  replicated, verified, running, not saved"), "{text}");
    program.cancelled = false;
    program.press("r");
    program.wait(300);
    program.press("y");
    assert!(!farewell(&program.state).contains("not saved"), "{}", farewell(&program.state));
}

#[test]
fn what_is_seen_or_made_good_is_not_told_in_the_banner() {
    let replicated = |program: &mut Program, keys: &str| {
        program.press(keys);
        program.wait(300);
        program.press("y");
    };
    // where it ends before the eyes of the operator
    let (mut program, servers) = ready();
    servers.1.script("10.0.1.0/24", Script::Refuse);
    program.press("Enter Space r");
    program.wait(300);
    program.type_keys("y J");
    program.settle();
    let text = program.text();
    assert!(text.contains("] 1 rejected") && !text.contains("LOOK:"), "{text}");
    // covered, it is told, until the operator leaves the place where they saw it
    for leave in ["J", "Esc"] {
        replicated(&mut program, "r");
        program.state.notices.clear();
        program.press("r");
        program.wait(300);
        program.type_keys("y ?");
        program.settle();
        assert!(program.text().contains("LOOK: one-two: 1 rejected"), "{}", program.text());
        program.press("Esc");
        program.press(leave);
        assert!(!program.text().contains("LOOK:"), "{leave}\n{}", program.text());
        program.press("J");
    }
    program.press("J");
    // and where a later run does all of it
    replicated(&mut program, "r");
    assert!(program.text().contains("LOOK: one-two: 1 rejected"), "{}", program.text());
    servers.1.script("10.0.1.0/24", Script::Obey);
    replicated(&mut program, "r");
    let text = program.text();
    assert!(text.contains("done: one-two: 1 replicated") && !text.contains("LOOK:"), "{text}");
}
