//! The program as lines in a terminal: what is left out, and what a signal ends.

use super::*;

fn lines(home: &Home, args: &[&str]) -> Terminal {
    let terminal = Start::scopesync().args(args.to_vec()).home(home).size(140, 200).start();
    wait_for_prompt(&terminal, "scopesync>");
    terminal
}

/// Waits until a line is wanted: the last one is the prompt.
#[track_caller]
fn wait_for_prompt(terminal: &Terminal, prompt: &str) -> View {
    terminal.wait_for(&format!("prompt {prompt:?}"), |view| {
        view.text().lines().rfind(|line| !line.is_empty()).is_some_and(|line| line.trim_end().ends_with(prompt))
    })
}

/// A scope stays out of the replication with what comes to differ in it after it was left out.
#[test]
fn a_scope_that_is_left_out_stays_out_with_what_comes_later() {
    let home = Home::new();
    let mut terminal = lines(&home, &["--demo", "--plain"]);
    // what is left out of it by itself goes with it
    terminal.type_text("leave 1.23.2\r");
    wait_for_prompt(&terminal, "scopesync 1 change LEFT OUT>");
    terminal.type_text("leave 1.23 1.2.1\r");
    let view = wait_for_prompt(&terminal, "scopesync 1 scope and 1 change LEFT OUT>");
    assert!(view.contains("10.22.12.0  all of the scope, and what comes to differ in it"), "{view}");
    assert!(view.contains("1 scope and 1 change left out of the next replication"), "{view}");
    terminal.type_text("leave 1.23.3\r");
    terminal.wait_for_text("10.22.12.0 is left out as a whole: no change of it goes by itself");
    let source = home.state().join("demo").join("berlin.conf");
    let text = std::fs::read_to_string(&source).unwrap();
    let subnet = "\"subnet\": \"10.22.12.0/26\",";
    assert_eq!(text.matches(subnet).count(), 1);
    let changed = text.replacen(subnet, &format!("{subnet} \"min-valid-lifetime\": 60,"), 1);
    std::fs::write(&source, changed).unwrap();
    terminal.type_text("leave 1.2.1\rreplicate 1.2 1.23\r");
    let view = terminal.wait_for_text("overwriting hamburg: 1 to update?");
    assert!(view.contains("min-valid-lifetime"), "it is told among what is left out: {view}");
    terminal.wait_for_text("(default is \"N\")");
    terminal.type_text("y\r");
    terminal.wait_for_text("1 replicated");
    // it held for that one
    wait_for_prompt(&terminal, "scopesync>");
    terminal.type_text("leave 1.23\r");
    wait_for_prompt(&terminal, "scopesync 1 scope LEFT OUT>");
    terminal.type_text("leave 10.22.12.0\r");
    terminal.wait_for_text("brought back:");
    wait_for_prompt(&terminal, "scopesync>");
    terminal.type_text("q\r");
    assert_eq!(terminal.wait_for_end().status.code(), Some(1), "a leave was refused");
    let drift = home.run(&["--demo", "drift", "--scope-id", "10.22.12.0", "--json"]).expect_code(2).json();
    let changes = drift["relationships"][0]["scopes"][0]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 4, "{changes:#?}");
}

/// What is typed after a question that was interrupted is the next command, all of it.
#[test]
fn the_line_after_an_interrupted_question_is_taken() {
    let home = Home::new();
    let mut terminal = lines(&home, &["--demo", "--plain"]);
    for times in 1..=2 {
        terminal.type_text("replicate 1.2\r");
        terminal.wait_for("the question", |view| view.text().matches("(default is \"N\")").count() == times);
        terminal.write(b"\x03");
        terminal
            .wait_for("the end of it", |view| view.text().matches("interrupted: nothing was written").count() == times);
        wait_for_prompt(&terminal, "scopesync>");
    }
    terminal.type_text("force on\r");
    wait_for_prompt(&terminal, "scopesync FORCE, replicate does not ask>");
    terminal.type_text("force off\r");
    wait_for_prompt(&terminal, "scopesync>");
    assert_eq!(home.demo_runs(), 0);
    terminal.write(b"\x03");
    let end = terminal.wait_for_end();
    assert!(end.view.contains("interrupted: the session ends"), "{}", end.view);
    assert_eq!(end.status.code(), Some(1), "a replication was interrupted");
}

/// Ctrl-C gives a reading up, and nothing that was set is lost by it.
#[test]
fn a_reading_is_given_up_and_the_session_goes_on() {
    let Some(pair) = Pair::up(PairOptions::with_drift(&["lifetime:1", "lifetime:2"])) else { return };
    let home = Home::of(&pair);
    let mut terminal = lines(&home, &["--plain"]);
    terminal.type_text("swap 1\rleave 1.3\r");
    wait_for_prompt(&terminal, "scopesync 1 scope LEFT OUT>");
    pair.freeze(Side::B);
    for (times, command) in (1..).zip(["reload", "replicate 1.2", "list used:>0", "relationships"]) {
        terminal.type_text(&format!("{command}\r"));
        terminal.wait_for("the reading", |view| {
            view.text().lines().rfind(|line| !line.is_empty()).is_some_and(|line| line.starts_with("reading "))
        });
        terminal.write(b"\x03");
        terminal.wait_for("the end of it", |view| {
            let told = |line: &&str| line.contains("given up: reading ") && line.ends_with("; the list is as it was");
            view.text().lines().filter(told).count() == times
        });
        wait_for_prompt(&terminal, "scopesync 1 scope LEFT OUT>");
    }
    pair.thaw(Side::B);
    terminal.type_text("preview 1.2-3\r");
    let view = terminal.wait_for_text("what if: nothing was written");
    assert!(view.contains(&format!("{} → {}", NAMES[1], NAMES[0])), "{view}");
    wait_for_prompt(&terminal, "scopesync 1 scope LEFT OUT>");
    terminal.signal(Signal::TERM);
    let end = terminal.wait_for_end();
    assert!(end.view.contains("interrupted: the session ends"), "{}", end.view);
    assert_eq!(end.status.code(), Some(0), "{}", end.view);
}

/// To be told to end is not to be told to give something up.
#[test]
fn told_to_end_while_it_reads_the_session_ends() {
    let Some(pair) = Pair::up(PairOptions::default()) else { return };
    let home = Home::of(&pair);
    let mut terminal = lines(&home, &["--plain"]);
    pair.freeze(Side::B);
    terminal.type_text("reload\r");
    terminal.wait_for("the reading", |view| view.text().matches("reading 2 servers").count() == 2);
    terminal.signal(Signal::TERM);
    let end = terminal.wait_for_end();
    assert!(end.view.contains("interrupted: the session ends"), "{}", end.view);
    pair.thaw(Side::B);
}
