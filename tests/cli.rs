//! The program itself on the command line: what needs no server, and the demo pair.

#![cfg(all(unix, feature = "kea"))]
// A helper of a test may fail as a test may.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::io::Read;
use std::process::Stdio;

use common::program::Home;

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
    for wanted in [".TH scopesync", "Exit status", "SCOPESYNC_STATE"] {
        assert!(page.contains(wanted), "{wanted}");
    }
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
