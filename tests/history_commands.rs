//! `scopesync history` and the audit: what runs leave behind on the demo pair, and how it is read again.

#![cfg(feature = "kea")]
#![allow(clippy::expect_used)] // helpers of tests

mod common;

use std::collections::BTreeMap;

use common::program::{Finished, Home};
use serde_json::{Value, json};

fn run(home: &Home, line: &str) -> Finished {
    home.run(&line.split_whitespace().collect::<Vec<_>>())
}

/// A home in which one scope of the demo pair was overwritten, one was created, and a third was refused.
fn replicated() -> Home {
    let home = Home::new();
    let line = "--demo replicate --computer-name berlin --scope-id 10.20.14.0,10.41.13.0,10.20.18.0 --force";
    let mut command = home.scopesync(&line.split(' ').collect::<Vec<_>>());
    let output = command.env("SSH_CONNECTION", "192.0.2.7 50022 192.0.2.1 22").output().expect("it runs");
    Finished::from(output).expect_code(3);
    home
}

fn audit(home: &Home) -> Vec<Value> {
    let text = std::fs::read_to_string(home.state().join("demo/audit.jsonl")).expect("an audit");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The only run that the history lists.
#[track_caller]
fn only_run(home: &Home) -> String {
    let listed = run(home, "--demo history --json").expect_code(0).json();
    let runs = listed["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 1, "{listed}");
    runs[0]["run"].as_str().expect("a name").to_owned()
}

#[test]
fn a_run_is_listed_and_shown_with_what_it_destroyed() {
    let home = replicated();
    let id = only_run(&home);
    let list = run(&home, "--demo history").expect_code(0).stdout;
    let row = list.lines().nth(1).expect("a row");
    for part in [id.as_str(), "replication", "hamburg", "1 rejected, 2 replicated"] {
        assert!(row.contains(part), "{part:?} is not in {row}");
    }
    // by its name, the beginning of it, or as the latest
    let shown = run(&home, "--demo history show latest").expect_code(0).stdout;
    for name in [id.as_str(), &id[..id.len() - 2]] {
        assert_eq!(run(&home, &format!("--demo history show {name}")).expect_code(0).stdout, shown);
    }
    for part in [
        "from 192.0.2.7",
        "asked      replicate --scope-id 10.20.14.0 --scope-id 10.41.13.0 --scope-id 10.20.18.0 --computer-name berlin --force",
        "approved   berlin-hamburg: without asking, by ",
        "  10.20.14.0  replicated, verified, saved",
        "      - 10.20.14.31: hostname prt-a-loan, hw-address 3c:d9:2b:1f:00:99, ip-address 10.20.14.31",
        "      + 3 items created",
        "  10.20.18.0  rejected: option-definition-missing",
        "    the scope was not there before",
        "  written by: ",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    let failed = run(&home, &format!("--demo history show {}x", &id[..id.len() - 1])).expect_code(1);
    assert!(failed.stderr.contains(&format!("did you mean {id}?")), "{}", failed.stderr);
}

#[test]
fn what_is_exported_has_the_scopes_in_the_servers_words_and_what_is_shown_has_not() {
    let home = replicated();
    let shown = run(&home, "--demo history show latest --json").expect_code(0).json();
    let exported = run(&home, "--demo history export latest").expect_code(0).json();
    assert_eq!((&shown["schema"], &exported["schema"]), (&json!("scopesync.history/1"), &json!("scopesync.history/1")));
    let [shown, exported] = [&shown["runs"][0], &exported["runs"][0]];
    assert_eq!(shown["who"]["from"], "192.0.2.7");
    assert_eq!((&shown["plan"], &exported["plan"]["schema"]), (&Value::Null, &json!("scopesync.plan/1")));
    let [overwritten, created] = [0, 1].map(|at| &exported["snapshots"][at]);
    assert_eq!((&overwritten["existed"], &created["existed"]), (&json!(true), &json!(false)));
    assert_eq!(overwritten["before"]["subnet"], "10.20.14.0/24");
    assert!(
        overwritten["before"].to_string().contains("prt-a-loan")
            && !overwritten["after"].to_string().contains("prt-a-loan")
    );
    assert_eq!((&created["before"], &created["after"]["subnet"]), (&Value::Null, &json!("10.41.13.0/24")));
    assert!(shown["snapshots"][0].get("before").is_none());
    assert_eq!(shown["snapshots"][0]["fingerprints"], overwritten["fingerprints"]);
}

#[test]
fn runs_are_found_by_server_scope_and_time() {
    let home = replicated();
    run(&home, "--demo replicate --computer-name berlin --scope-id 10.20.11.0 --force").expect_code(0);
    let found = |line: &str| {
        let listed = run(&home, &format!("--demo history --json {line}")).expect_code(0).json();
        listed["runs"].as_array().expect("runs").len()
    };
    for (line, count) in [
        ("", 2),
        ("--limit 1", 1),
        ("--server hamburg", 2),
        ("--server elsewhere", 0),
        ("--scope-id 10.20.14.0", 1),
        ("--scope-id 10.20.11.0/24", 1),
        ("--scope-id 10.20.11.0/25", 0),
        ("--scope-id 10.20.18.0", 0),
        ("--since 1h", 2),
        ("--since 2999-01-01", 0),
    ] {
        assert_eq!(found(line), count, "{line:?}");
    }
    let cut = run(&home, "--demo history --limit 1").expect_code(0);
    assert!(cut.stderr.contains("older runs are left out"), "{}", cut.stderr);
    run(&home, "--demo history --since yesterday").expect_code(1);
}

#[test]
fn what_is_beyond_the_limits_is_told_then_dropped_and_the_rest_is_undamaged() {
    let home = replicated();
    for _ in 0..2 {
        run(&home, "--demo undo latest --force").expect_code(0);
    }
    // so far the limits were the default ones; with these only the newest of each scope is left
    home.write_config("[history]\nkeep_runs = 1\n");
    let dropped = |line: &str| run(&home, line).expect_code(0).stdout;
    let would = dropped("--demo history prune --what-if");
    assert!(would.starts_with("2 runs, 4 snapshots would be dropped"), "{would}");
    assert_eq!(dropped("--demo history prune"), "2 runs, 4 snapshots dropped\n");
    assert_eq!(dropped("--demo history prune"), "0 runs, 0 snapshots dropped\n");
    only_run(&home);
    assert_eq!(audit(&home).last().map(|line| line["event"].clone()), Some(json!("pruned")));
    assert_eq!(run(&home, "--demo history check").expect_code(0).stdout, "the history is undamaged\n");

    let store = home.state().join("demo/history.db");
    let mut bytes = std::fs::read(&store).expect("the store");
    bytes[4096..8192].fill(0xaa);
    std::fs::write(&store, bytes).expect("a damaged store");
    let failed = run(&home, "--demo history check").expect_code(1);
    assert!(failed.stderr.contains("damaged"), "{}", failed.stderr);
}

#[test]
fn reading_makes_nothing() {
    let home = Home::new();
    assert!(run(&home, "--demo history").expect_code(0).stderr.contains("holds no run"));
    run(&home, "--demo history show latest").expect_code(1);
    assert!(!home.state().exists());
}

#[test]
fn the_audit_tells_who_asked_for_what_and_what_came_of_it() {
    let home = replicated();
    // nothing but what is refused
    run(&home, "--demo replicate --computer-name berlin --scope-id 10.20.18.0 --force --override option-43")
        .expect_code(1);
    let lines = audit(&home);
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    let run = ["begin", "planned", "planned", "outcome", "outcome", "outcome", "end"];
    assert_eq!(kinds, [run.as_slice(), &["not-begun", "outcome"]].concat());
    assert!(lines.iter().all(|line| line["schema"] == "scopesync.audit/1"));
    let begin = &lines[0];
    assert_eq!((&begin["who"]["from"], &begin["asked"]["command"]), (&json!("192.0.2.7"), &json!("replicate")));
    assert_eq!(begin["approvals"][0]["answer"], "forced");
    let prints = &lines[1]["fingerprints"];
    assert!(prints["source"].is_string() && prints["target"].is_string(), "{prints}");
    let outcomes: BTreeMap<_, _> =
        lines[3..6].iter().map(|line| (line["scope_id"].as_str(), &line["outcome"])).collect();
    let expected = [("10.20.14.0", "replicated"), ("10.20.18.0", "rejected"), ("10.41.13.0", "replicated")];
    let expected: Vec<_> = expected.iter().map(|(id, outcome)| (Some(*id), json!(outcome))).collect();
    assert!(outcomes.into_iter().eq(expected.iter().map(|(id, outcome)| (*id, outcome))), "{lines:?}");
    assert_eq!(lines[7]["overrides"], json!(["option-43"]));
    let text = lines.iter().map(Value::to_string).collect::<String>();
    assert!(!text.contains("prt-a-loan"), "values of scopes are none of the audit's business");
}

#[test]
fn nothing_is_written_where_the_audit_cannot_be() {
    let home = Home::new();
    std::fs::create_dir_all(home.state().join("demo/audit.jsonl")).expect("a folder in its place");
    let line = "--demo replicate --computer-name berlin --scope-id 10.20.14.0 --force";
    let failed = run(&home, line).expect_code(1);
    assert!(failed.stderr.contains("audit.jsonl cannot be written"), "{}", failed.stderr);
    let drift = || run(&home, "--demo drift --computer-name berlin --scope-id 10.20.14.0").stdout;
    assert!(drift().contains("1 drifted"));
    // unless the operator says so
    run(&home, &format!("{line} --override no-snapshot")).expect_code(0);
    assert!(drift().contains("1 scope: 1 in sync"));
}
