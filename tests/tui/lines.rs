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
