//! The program itself on the command line: what needs no server, and the demo pair.

#![cfg(all(unix, feature = "kea"))]
// A helper of a test may fail as a test may.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use common::pair::wait_for;
use common::program::{Home, by_file};
use common::terminal::{Signal, Start, Terminal};
use serde_json::{Value, json};

/// The files of a home's demo pair, made.
fn demo_files(home: &Home) -> [PathBuf; 2] {
    home.run(&["demo", "reset"]).expect_code(0);
    ["berlin", "hamburg"].map(|name| home.state().join(format!("demo/{name}.conf")))
}

fn contents(files: &[PathBuf; 2]) -> [Vec<u8>; 2] {
    files.each_ref().map(|file| fs::read(file).unwrap())
}

/// The scopes of `tests/data/demo-drift.json` with their states.
fn demo_drift() -> Vec<(String, String)> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo-drift.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    document["scopes"].as_array().unwrap().iter().map(|scope| (text(&scope["scope"]), text(&scope["drift"]))).collect()
}

/// Scope ids that a run prints.
fn ids(output: &str) -> Vec<&str> {
    output.lines().collect()
}

#[test]
fn without_a_configuration_the_commands_say_where_they_looked_and_offer_the_demo() {
    let home = Home::new();
    for command in [["drift", "--json"], ["relationships", "--json"], ["scopes", "--json"], ["replicate", "--what-if"]]
    {
        let output = home.scopesync(&command).env_remove("SCOPESYNC_CONFIG").output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{complaint}");
        let first = home.path().join("xdg-config/scopesync/config.toml");
        assert!(complaint.starts_with("scopesync: error: there is no configuration file"), "{complaint}");
        assert!(complaint.contains(first.to_str().unwrap()) && complaint.contains("/etc/scopesync"), "{complaint}");
        assert!(complaint.contains("\nhint: ") && complaint.contains("--demo"), "{complaint}");
    }
}

#[test]
fn the_keys_in_force_are_told_without_asking_a_server() {
    let home = Home::new();
    let config = home.write_config("[keys]\npreset = 'vim'\nswap = ['F2', 'F3 s']\nforce = []\n");
    let keys = home.run(&["keys", "--config", config.to_str().unwrap()]).expect_code(0).stdout;
    let line = |action: &str| keys.lines().find(|line| line.split("  ").any(|cell| cell.trim() == action)).unwrap();
    assert!(line("swap").starts_with("F2  F3 s  ") && line("first").starts_with("g g  Home"), "{keys}");
    assert!(line("force").starts_with("- "), "{keys}");
    // on a terminal nothing is broken but by us
    let printed = Start::scopesync().args(["keys"]).home(&home).size(80, 400).start().wait_for_end().view.text();
    let at = |what: &str| printed.lines().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{printed}"));
    let mut of_swap = printed.lines().take(at("  what-if  ")).skip(at("  swap  ") + 1);
    assert!(of_swap.all(|line| line.starts_with(&" ".repeat(30))) && printed.contains("drift)"), "{printed}");
    assert_eq!(printed.lines().filter(|line| line.contains("  swap  ") && line.contains("exchange")).count(), 1);
    let json = home.run(&["keys", "--json"]).expect_code(0).json();
    assert_eq!(json["schema"], "scopesync.keys/1");
    let yes = json["actions"].as_array().unwrap().iter().find(|action| action["name"] == "yes").unwrap();
    assert_eq!((&yes["keys"][0], &yes["dangerous"]), (&Value::from("y"), &Value::from(true)));
    let config = home.write_config("[keys]\nswap = 'F2'\nforce = 'F2'\n");
    let refused = home.run(&["keys", "--config", config.to_str().unwrap()]).expect_code(1).stderr;
    assert!(refused.contains(":3:9: `F2` means") && refused.contains("the other one is at 2:8"), "{refused}");
}

#[test]
fn a_configuration_that_is_asked_for_must_be_there_and_right() {
    let home = Home::new();
    let ran = home.run(&["drift"]).expect_code(1);
    assert!(ran.stderr.contains("config.toml, which SCOPESYNC_CONFIG asks for"), "{}", ran.stderr);
    home.write_config("[[server]]\nname = \"a\"\nkind = \"kea\"\nsockt = \"/x\"\n");
    let ran = home.run(&["drift"]).expect_code(1);
    assert!(ran.stderr.contains("config.toml:4:1: ") && ran.stderr.contains("socket"), "{}", ran.stderr);
    home.write_config("");
    let ran = home.run(&["drift"]).expect_code(1);
    assert!(ran.stderr.contains("lists no server"), "{}", ran.stderr);
}

#[test]
fn manual_and_completions_need_nothing() {
    let home = Home::new();
    let page = home.run(&["man"]).expect_code(0).stdout;
    for wanted in
        [".TH scopesync", ".SH KEYS", "mark\\-all", ".SH EXIT STATUS\n.nf", "SCOPESYNC", "fBscopesync completions"]
    {
        assert!(page.contains(wanted), "{wanted}");
    }
    assert!(!page.contains("EXTRA") && !page.contains("(1)\n"), "{page}");
    let help = home.run(&["--help"]).expect_code(0).stdout;
    let listed = |command: &str| help.lines().any(|line| line.split_whitespace().next() == Some(command));
    assert!(listed("man") && listed("completions"), "{help}");
    assert!(home.run(&["completions", "zsh"]).expect_code(0).stdout.starts_with("#compdef scopesync"));
    assert!(!home.state().exists());
}

#[test]
fn a_mistake_in_the_arguments_is_no_drift() {
    let ran = Home::new().run(&["drift", "--jsn"]).expect_code(1);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("--json"), "{}", ran.stderr);
}

#[test]
fn a_log_that_cannot_be_written_is_told_and_stops_nothing() {
    let home = Home::new();
    home.write_config("");
    let ran = home.run(&["drift", "--log", "/nonexistent/log"]).expect_code(1);
    assert!(
        ran.stderr.starts_with("scopesync: warning: no log is written: cannot open /nonexistent/log"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let home = Home::new();
    let mut child = home.scopesync(&["man"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!((child.wait().unwrap().code(), complaint.as_str()), (Some(0), ""));
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let home = Home::new();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = |arguments: &[&str]| home.scopesync(arguments).stdout(full()).output().unwrap();
    let output = run(&["--demo", "drift"]);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint.contains("error: the result cannot be written: No space left"), "{complaint}");
    let output = run(&["--demo", "replicate", "--computer-name", "berlin", "--scope-id", "10.20.10.0", "--force"]);
    assert_eq!(output.status.code(), Some(3), "it was replicated");
}

#[test]
fn the_demo_pair_is_made_anew() {
    let home = Home::new();
    let ran = home.run(&["demo", "reset"]).expect_code(0);
    let folder = home.state().join("demo");
    assert!(ran.stdout.contains(folder.to_str().unwrap()), "{}", ran.stdout);
    let file = folder.join("hamburg.conf");
    let fresh = std::fs::read(&file).unwrap();
    std::fs::write(&file, "{}").unwrap();
    home.run(&["demo", "reset"]).expect_code(0);
    assert_eq!(std::fs::read(&file).unwrap(), fresh);
}

/// A configuration whose servers leave a trace when their passwords are asked for.
const WITH_SERVERS: &str = r#"
[[server]]
name = "one"
kind = "kea"
url = "https://192.0.2.1:8000"
user = "u"
password_command = ["touch", "was-asked"]
insecure = true
[[server]]
name = "two"
kind = "kea"
file = "/nonexistent/two.conf"
[[ignore]]
item = "renew-timer"
reason = "of another make"
[keys]
help = "F9"
"#;

#[test]
fn the_demo_goes_by_the_configuration_but_not_by_its_servers() {
    let home = Home::new();
    let keys_of_help = |arguments: &[&str]| {
        let ran = home.run(&[arguments, &["keys", "--json"]].concat()).expect_code(0);
        assert_eq!(ran.stderr, "");
        let keys = ran.json();
        let help = keys["actions"].as_array().unwrap().iter().find(|action| action["name"] == "help");
        help.unwrap()["keys"].clone()
    };
    let as_it_comes = keys_of_help(&["--demo"]);
    home.write_config(WITH_SERVERS);
    assert_ne!(as_it_comes, json!(["F9"]));
    assert_eq!(keys_of_help(&["--demo"]), json!(["F9"]), "found by the search");
    let other = home.path().join("other.toml");
    fs::write(&other, "[keys]\nhelp = \"F10\"\n").unwrap();
    assert_eq!(keys_of_help(&["--demo", "--config", "other.toml"]), json!(["F10"]), "named");

    let ran = home.run(&["--demo", "drift", "--scope-id", "10.22.12.0"]).expect_code(2);
    assert!(ran.stdout.contains("1 difference ignored: of another make (1)"), "{ran:?}");
    assert!(!ran.stderr.contains("warning"), "{ran:?}");
    let ran = home.run(&["--demo", "check", "--json"]).expect_code(0).json();
    let servers: Vec<_> = ran["servers"].as_array().unwrap().iter().map(|server| server["name"].clone()).collect();
    assert_eq!(servers, [json!("berlin"), json!("hamburg")]);
    assert_eq!(ran["configuration"]["path"], json!(home.config()));
    // a job of the demo knows no other servers either, and ignores the same
    let line = "--demo replicate --computer-name berlin --scope-id 10.22.12.0 --force --as-job";
    let mut line = line.split(' ').collect::<Vec<_>>();
    line.extend(["--override", "shrink-leases"]);
    home.run(&line).expect_code(0);
    home.run(&["--demo", "jobs", "wait", "1", "--timeout", "60"]).expect_code(0);
    let ran = home.run(&["--demo", "drift", "--scope-id", "10.22.12.0"]);
    assert!(ran.stdout.contains("1 difference ignored") && ran.stdout.contains("1 in sync"), "{ran:?}");
    assert!(!home.path().join("was-asked").exists(), "nobody asked for a password");
}

#[test]
fn a_broken_configuration_keeps_nobody_from_the_demo_unless_it_is_named() {
    let home = Home::new();
    let path = home.write_config("[keys]\nhelp = 3\n[nonsense]\n").display().to_string();
    for arguments in [&["relationships"][..], &["keys"], &["check"]] {
        let ran = home.run(&[&["--demo"], arguments].concat()).expect_code(0);
        let told = ran.stdout + &ran.stderr;
        // a table folds it
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("the demo goes by the defaults") && told.contains(&path), "{told}");
        assert!(told.contains("(and 1 mistake more)"), "{told}");
        let ran = home.run(&[&["--demo", "--config", path.as_str()], arguments].concat()).expect_code(1);
        let told = ran.stdout + &ran.stderr;
        assert!(told.contains(&path) && told.contains("nonsense"), "{told}");
    }
    let absent = ["--demo", "--config", "absent.toml", "relationships"];
    assert!(home.run(&absent).expect_code(1).stderr.contains("absent.toml"));
}

#[test]
fn the_drift_of_the_demo_pair_as_json() {
    let home = Home::new();
    let ran = home.run(&["--demo", "drift", "--json", "--computer-name", "berlin"]).expect_code(2);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    let document = ran.json();
    assert_eq!(document["schema"], "scopesync.drift/1");
    let relationship = &document["relationships"][0];
    assert_eq!(relationship["name"], "berlin-hamburg");
    assert_eq!(
        (&relationship["source"]["server"], &relationship["target"]["server"]),
        (&"berlin".into(), &"hamburg".into())
    );
    let found: Vec<(String, String)> = relationship["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|scope| scope["drift"] != "in_sync")
        .map(|scope| {
            let id = format!("{}/{}", scope["scope_id"].as_str().unwrap(), scope["prefix_length"]);
            (id, scope["drift"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(found, demo_drift());
    assert_eq!(document["summary"]["scopes"], 43);
    // The zero-width blank at the end of a comment.
    assert!(ran.stdout.contains("Terminal, weighbridges\\u200b"));
}

#[test]
fn lists_of_the_demo_pair() {
    let home = Home::new();
    let document = home.run(&["relationships", "--demo", "--json"]).expect_code(0).json();
    assert_eq!(document["schema"], "scopesync.relationships/1");
    assert_eq!(document["relationships"][0]["members"][1]["server"], "hamburg");
    let document = home.run(&["scopes", "--demo", "--json"]).expect_code(0).json();
    assert_eq!(document["schema"], "scopesync.scopes/1");
    assert_eq!(document["scopes"].as_array().unwrap().len(), 43);
}

#[test]
fn what_if_leaves_every_byte_and_keeps_nothing() {
    let home = Home::new();
    let files = demo_files(&home);
    let before = contents(&files);
    let common = ["--demo", "replicate", "--computer-name", "berlin", "--what-if", "--force"];
    // Two scopes are refused: their option has no definition on the target.
    let text = home.run(&common).expect_code(3);
    assert!(text.stdout.contains("option-definition-missing") && text.stdout.ends_with("nothing was written\n"));
    let plan = home.run(&[&common[..], &["--json"]].concat()).expect_code(3).json();
    assert_eq!(plan["schema"], "scopesync.plan/1");
    let one = [&common[..], &["--scope-id", "10.20.10.0"]].concat();
    let ran = home.run(&one).expect_code(0);
    assert!(ran.stdout.contains("1 scope will be written on hamburg") && ran.stderr.is_empty(), "{}", ran.stdout);
    assert!(contents(&files) == before);
    assert!(!home.state().join("history.db").exists() && !home.state().join("demo/history.db").exists());
}

#[test]
fn the_demo_and_servers_have_each_a_history_of_their_own() {
    let home = Home::new();
    let files = demo_files(&home).map(|file| {
        let copy = home.path().join(file.file_name().unwrap());
        fs::copy(file, &copy).unwrap();
        copy
    });
    home.write_config(&by_file([&files[0], &files[1]]).replace("kind = ", "check = \"off\"\nkind = "));
    let run = |line: &str| home.run(&line.split(' ').collect::<Vec<_>>());
    run("--demo replicate --computer-name berlin --scope-id 10.20.10.0 --force").expect_code(0);
    assert_eq!((home.demo_runs(), home.runs()), (1, 0));
    let none = run("undo latest --force").expect_code(1);
    assert!(none.stderr.contains("the history holds no run yet"), "{}", none.stderr);
    run("replicate --computer-name kea-1 --scope-id 10.20.11.0 --force").expect_code(0);
    run("replicate --computer-name kea-1 --scope-id 10.20.14.0 --force --as-job").expect_code(0);
    run("jobs wait 1 --timeout 60").expect_code(0);
    assert_eq!((home.demo_runs(), home.runs()), (1, 2));
    // each is told of its own, and is told how to ask for it
    let none = run("--demo jobs wait 1").expect_code(1);
    assert!(none.stderr.contains("there is no job 1") && none.stderr.contains("`scopesync --demo jobs`"), "{none:?}");
    let servers = |line: &str| run(line).expect_code(0).json()["runs"].to_string();
    assert!(servers("--demo history --json").contains("hamburg") && servers("history --json").contains("kea-2"));
    let undone = run("--demo undo latest --force").expect_code(0);
    assert_eq!(undone.stdout, "10.20.10.0\n", "{}", undone.stderr);
    assert_eq!((home.demo_runs(), home.runs()), (2, 2));
    assert!(fs::read_to_string(home.state().join("demo/audit.jsonl")).unwrap().contains("\"hamburg\""));
    assert!(!fs::read_to_string(home.state().join("audit.jsonl")).unwrap().contains("\"hamburg\""));
}

#[test]
fn force_replicates_the_demo_pair() {
    let home = Home::new();
    let files = demo_files(&home);
    let before = contents(&files);
    let ran = home.run(&["--demo", "replicate", "--computer-name", "berlin", "--force"]).expect_code(3);
    let done = ids(&ran.stdout);
    assert_eq!(done.len(), 14, "{}", ran.stderr);
    assert!(!done.contains(&"10.20.18.0") && !done.contains(&"10.42.99.0"));
    assert!(ran.stderr.contains("10.20.18.0  rejected"), "{}", ran.stderr);
    let after = contents(&files);
    assert!(after[0] == before[0] && after[1] != before[1]);
    assert_eq!((home.demo_runs(), home.runs()), (1, 0));

    let left = home.run(&["--demo", "drift", "--json"]).expect_code(2).json();
    assert_eq!((&left["summary"]["drifted"], &left["summary"]["only_on_target"]), (&2.into(), &1.into()));
    let again = ["--demo", "replicate", "--computer-name", "berlin", "--force", "--scope-id"];
    let ran = home.run(&[&again[..], &["10.20.10.0", "--json"]].concat()).expect_code(0);
    let run = ran.json();
    assert_eq!((&run["schema"], &run["summary"]["unchanged"]), (&"scopesync.run/1".into(), &1.into()));
    let refused = home.run(&[&again[..], &["10.20.18.0"]].concat()).expect_code(1);
    assert!(refused.stdout.is_empty() && refused.stderr.contains("nothing was written"), "{}", refused.stderr);
    assert!(contents(&files) == after);
}

#[test]
fn bad_selections_and_nobody_to_ask() {
    let home = Home::new();
    for (arguments, reason) in [
        (&["--force"][..], "--computer-name is missing"),
        (&["--computer-name", "berlin"], "without a terminal nobody can be asked"),
        (&["--computer-name", "bonn", "--what-if"], "the configuration has: berlin, hamburg"),
        (&["--computer-name", "berlin", "--what-if", "--scope-id", "10.9.9.0"], "10.9.9.0"),
        (&["--computer-name", "berlin", "--force", "Bonn"], "there is: berlin-hamburg"),
        (&["--computer-name", "berlin", "--force", "--read-only"], "hint: --read-only was given"),
    ] {
        let ran = home.run(&[&["--demo", "replicate"], arguments].concat()).expect_code(1);
        assert!(ran.stdout.is_empty() && ran.stderr.contains(reason), "{arguments:?}: {}", ran.stderr);
    }
}

/// `replicate` of one scope of the demo pair in a terminal, without `--force`.
fn asked(home: &Home) -> Terminal {
    let arguments = ["--demo", "replicate", "--computer-name", "berlin", "--scope-id", "10.20.10.0"];
    Start::scopesync().home(home).args(arguments).start()
}

const QUESTION: &str = "(default is \"N\"):";

#[test]
fn yes_at_the_terminal_replicates() {
    let home = Home::new();
    let files = demo_files(&home);
    let before = contents(&files);
    let mut terminal = asked(&home);
    terminal.wait_for_text(QUESTION);
    terminal.type_text("?\n");
    terminal.wait_for_text("L - Leave these scopes");
    terminal.wait_for("the question again", |view| view.text().matches(QUESTION).count() == 2);
    terminal.type_text("y\n");
    let end = terminal.wait_for_end();
    assert_eq!(end.status.code(), Some(0), "{}", end.view.text());
    assert!(end.view.contains("10.20.10.0  replicated, verified, saved"), "{}", end.view.text());
    assert!(contents(&files) != before);
}

#[test]
fn neither_enter_nor_what_was_typed_before_the_question_is_a_yes() {
    let home = Home::new();
    let files = demo_files(&home);
    let before = contents(&files);
    let mut terminal = asked(&home);
    terminal.type_text("y\ny\ny\n");
    terminal.wait_for_text(QUESTION);
    terminal.keys("Enter");
    let end = terminal.wait_for_end();
    assert_eq!(end.status.code(), Some(3), "{}", end.view.text());
    assert!(end.view.contains("declined"), "{}", end.view.text());
    assert!(contents(&files) == before);
}

#[test]
fn an_interrupt_at_the_question_ends_without_a_write() {
    let home = Home::new();
    let files = demo_files(&home);
    let before = contents(&files);
    let mut terminal = asked(&home);
    terminal.wait_for_text(QUESTION);
    terminal.keys("Ctrl-c");
    let end = terminal.wait_for_end();
    assert_eq!(end.status.code(), Some(1), "{}", end.view.text());
    assert!(end.view.contains("interrupted: nothing was written"), "{}", end.view.text());
    assert!(contents(&files) == before);
}

#[test]
fn signals_during_a_write_wait_for_its_end() {
    let home = Home::new();
    let files = demo_files(&home);
    // Kea's test of the new file holds the run up until the test has sent its signals.
    let [begun, go] = ["begun", "go"].map(|name| home.path().join(name));
    let check = home.path().join("check");
    let script = format!("#!/bin/sh\n: > {}\nuntil [ -e {} ]; do sleep 0.01; done\n", begun.display(), go.display());
    fs::write(&check, script).unwrap();
    fs::set_permissions(&check, fs::Permissions::from_mode(0o700)).unwrap();
    let config = by_file([&files[0], &files[1]]);
    home.write_config(&format!("{config}\ncheck = {:?}\n", check.display().to_string()));

    let arguments = ["replicate", "--computer-name", "kea-1", "--scope-id", "10.20.10.0,10.20.11.0", "--force"];
    let mut terminal = Start::scopesync().home(&home).args(arguments).size(160, 50).start();
    wait_for("the test of the new file", Duration::from_secs(20), || begun.exists());
    terminal.signal(Signal::TERM);
    terminal.wait_for_text("stopping after the scope in flight");
    terminal.keys("Ctrl-c");
    terminal.wait_for_text("stopping after the request in flight");
    fs::write(&go, "").unwrap();
    let end = terminal.wait_for_end();
    assert!(end.view.contains("10.20.10.0  replicated"), "{}", end.view.text());
    assert!(end.status.code().is_some(), "ended by a signal");
}
