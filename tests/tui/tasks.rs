//! Whole tasks of an operator on a live pair, each seen to its end on the servers themselves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::common::bench::plain_subnets;
use crate::common::program::by_sockets;
use crate::common::proxy::{Point, Proxy};

/// The scopes of one side by prefix, asked of the server without the program's own code.
fn subnets(pair: &Pair, side: Side) -> BTreeMap<String, Value> {
    plain_subnets(&pair.config(side))
}

/// The scopes that differ.
fn differing(pair: &Pair) -> Vec<String> {
    let [source, target] = Side::BOTH.map(|side| subnets(pair, side));
    let all: std::collections::BTreeSet<&String> = source.keys().chain(target.keys()).collect();
    all.into_iter().filter(|prefix| source.get(*prefix) != target.get(*prefix)).cloned().collect()
}

/// What the pair was given as drift.
fn injected(pair: &Pair) -> Vec<String> {
    let mut scopes: Vec<String> = pair.drift.iter().filter_map(|drift| drift.scope.clone()).collect();
    scopes.dedup();
    scopes
}

/// A scope's lifetime as the server has it.
fn lifetime(pair: &Pair, side: Side, prefix: &str) -> Value {
    pair.subnet(side, prefix).expect("the scope")["valid-lifetime"].take()
}

/// Somebody else changes a scope's lifetime.
fn meddle(pair: &Pair, side: Side, at: u32, lifetime: u32) {
    let mut subnet = json!({"id": at + 1, "subnet": format!("10.0.{at}.0/24")});
    for key in ["valid-lifetime", "min-valid-lifetime", "max-valid-lifetime"] {
        subnet[key] = lifetime.into();
    }
    pair.ok(side, "subnet4-delta-add", json!({ "subnet4": [subnet] }));
}

fn open(home: &Home) -> Terminal {
    open_in(home, "C.UTF-8")
}

fn open_in(home: &Home, locale: &str) -> Terminal {
    let config = home.config().into_os_string();
    Start::scopesync().args(["--config".into(), config]).env("LANG", locale).home(home).size(120, 50).start()
}

/// Types what the filter shall say.
fn filter(terminal: &mut Terminal, text: &str) {
    terminal.keys("/");
    terminal.wait_for_text("filter: /");
    terminal.type_text(text);
    terminal.keys("Enter");
    terminal.wait_for_text(&format!("[/{text}"));
}

/// Saves the plan that is shown, and gives what is in the file.
fn save(terminal: &mut Terminal, home: &Home, name: &str) -> String {
    terminal.keys("w");
    terminal.wait_for_text("Save the plan to which file?");
    terminal.keys("Ctrl-u");
    terminal.type_text(name);
    terminal.keys("Enter");
    let path = home.path().join(name);
    terminal.wait_for_text(&format!("the plan is saved in {}", path.display()));
    std::fs::read_to_string(path).expect("the plan's file")
}

#[test]
fn what_a_filter_shows_is_replicated_less_what_is_left_out() {
    let drift = ["lifetime:0", "reservation-extra:1", "reservation-missing:2", "pool-range:2", "subnet-missing:3"];
    let Some(pair) = Pair::up(PairOptions::with_drift(&drift)) else { return };
    let home = Home::of(&pair);
    let hashes = pair.config_hashes();
    assert_eq!(differing(&pair), injected(&pair));
    // whose terminal is read as ASCII alone gets a server's names escaped, as in plain mode
    let mut terminal = open_in(&home, "C");
    let view = terminal.wait_for_text("4/10 drifted");
    assert!(view.contains(r"site 8, Z\u{fc}rich  ") && view.text().is_ascii(), "{view}");
    filter(&mut terminal, "drift:drifted -drift:only-on-source");
    terminal.wait_for("the three", |view| view.contains("10.0.2.0") && !view.contains("10.0.3.0"));
    terminal.keys("A");
    terminal.wait_for_text("[3 marked, /drift:");

    // what would be, less one deletion, taken away as a file in both forms
    terminal.keys("W r");
    terminal.wait_for_text("Nothing can be written: WhatIf is on");
    let leave_out = |terminal: &mut Terminal| {
        terminal.keys("Down Down Down Space");
        terminal.wait_for_text(". left out: delete reservation 10.0.1.190");
        terminal.wait_for_text("1 to delete in 2 scopes; 1 change left out")
    };
    leave_out(&mut terminal);
    let text = save(&mut terminal, &home, "plan.txt");
    assert!(text.starts_with("WHATIF: nothing is written\n") && text.contains("left out"), "{text}");
    let plan: Value = serde_json::from_str(&save(&mut terminal, &home, "plan.json")).expect("JSON");
    assert_eq!(plan["schema"], "scopesync.plan/1");
    assert!(text.contains(plan["digest"].as_str().expect("a digest")), "both are the same plan");
    terminal.keys("n");
    terminal.wait_for_text("3 marked");
    assert_eq!(pair.config_hashes(), hashes);

    terminal.keys("W r");
    terminal.wait_for_text(OPEN);
    leave_out(&mut terminal);
    terminal.wait_for_text(OPEN);
    terminal.keys("y");
    terminal.wait_for_text("2 replicated");
    terminal.wait_for("what is left", |view| view.contains("10.0.1.0") && !view.contains("10.0.2.0"));
    assert_eq!(differing(&pair), ["10.0.1.0/24", "10.0.3.0/24"]);
    terminal.keys("Esc");
    terminal.wait_for_text("2/10 drifted");
    terminal.keys("A r");
    terminal.wait_for_text(OPEN);
    terminal.keys("y");
    let view = terminal.wait_for_text("in sync, 10 scopes");
    assert!(view.text().is_ascii(), "{view}");
    ends_well(terminal);
    assert!(differing(&pair).is_empty(), "{:?}", differing(&pair));
}

/// And what was written the other way round reaches the server that was the source before.
#[test]
fn many_deletions_take_the_name_are_undone_by_a_job_and_the_direction_is_swapped() {
    let drift = ["reservation-extra:0", "reservation-extra:1", "lifetime:2"];
    let Some(pair) = Pair::up(PairOptions::with_drift(&drift)) else { return };
    let home = Home::new();
    home.write_config(&format!("{}\n[screen]\ntype_name_above = 1\n", by_socket(&pair)));
    let before = Side::BOTH.map(|side| subnets(&pair, side));
    let hashes = pair.config_hashes();
    let mut terminal = open(&home);
    terminal.wait_for_text("3/10 drifted");
    terminal.keys("a r");
    terminal.wait_for_text(OPEN);
    terminal.keys("y");
    terminal.wait_for_text("2 deletions: type the name, server1-server2, and Enter");
    type_by_hand(&mut terminal, "name: ", "server1");
    terminal.keys("Enter");
    terminal.wait_for_text("that is not the name: nothing is confirmed");
    assert_eq!(pair.config_hashes(), hashes);
    terminal.keys("Ctrl-u");
    terminal.wait_for_text("name: _");
    type_by_hand(&mut terminal, "name: ", "server1-server2");
    terminal.keys("Enter");
    terminal.wait_for_text("3 replicated");
    terminal.wait_for_text("in sync, 10 scopes");
    assert!(differing(&pair).is_empty(), "{:?}", differing(&pair));

    terminal.keys("U");
    terminal.wait_for_text("[history]");
    terminal.keys("u");
    terminal.wait_for_text("GOES BACK to what it was");
    terminal.keys("J");
    terminal.wait_for_text("AS JOB: it outlives this program");
    terminal.wait_for_text(OPEN);
    terminal.keys("y");
    terminal.wait_for_text("job 1: Completed");
    terminal.wait_for("the undo in the history", |view| view.contains("[history]") && view.contains("undone"));
    terminal.keys("U");
    terminal.wait_for_text("3/10 drifted");
    assert_eq!(Side::BOTH.map(|side| subnets(&pair, side)), before, "as before");

    terminal.keys("s");
    terminal.wait_for_text("kea-2 is now the source");
    filter(&mut terminal, "10.0.2.");
    terminal.keys("A r");
    terminal.wait_for_text("kea-2 OVERWRITES kea-1");
    terminal.wait_for_text(OPEN);
    terminal.keys("y");
    terminal.wait_for_text("1 replicated");
    ends_well(terminal);
    let [one, two] = Side::BOTH.map(|side| subnets(&pair, side));
    assert_eq!(two, before[1], "the source is left alone");
    let written: Vec<&String> = one.keys().filter(|prefix| one[*prefix] != before[0][*prefix]).collect();
    assert_eq!(written, ["10.0.2.0/24"]);
    assert_eq!(one["10.0.2.0/24"], before[1]["10.0.2.0/24"]);
}

#[test]
fn force_does_not_ask_and_what_is_changed_by_hand_is_told_by_the_watch() {
    let Some(pair) = Pair::up(PairOptions::with_drift(&["lifetime:0", "lifetime:1"])) else { return };
    let home = Home::of(&pair);
    let hashes = pair.config_hashes();
    let mut terminal = open(&home);
    terminal.wait_for_text("2/10 drifted");
    terminal.keys("F W");
    terminal.wait_for("both", |view| view.contains(" FORCE ") && view.contains(" WHATIF: "));
    filter(&mut terminal, "10.0.0.");
    terminal.keys("A r");
    terminal.wait_for_text("Nothing can be written: WhatIf is on");
    terminal.keys("n");
    terminal.wait_for_text("1 marked");
    assert_eq!(pair.config_hashes(), hashes);
    terminal.keys("W");
    terminal.wait_for("WhatIf off", |view| !view.contains(" WHATIF: "));
    let mark = terminal.mark();
    terminal.keys("r");
    terminal.wait_for_text("1 replicated");
    let drawn = String::from_utf8_lossy(&terminal.since(mark)).into_owned();
    assert!(!drawn.contains("OVERWRITES"), "no question was shown");
    assert_eq!(differing(&pair), ["10.0.1.0/24"]);
    terminal.keys("F Esc");
    terminal.wait_for_text("1/10 drifted");

    // the cursor on one scope, a mark on another, and a third is changed meanwhile
    terminal.keys("a Home End");
    terminal.wait_for_text("drift of 10.0.9.0");
    let stays = |view: &View| view.contains("[1 marked") && view.contains("drift of 10.0.9.0");
    meddle(&pair, Side::B, 5, 7777);
    terminal.keys("Ctrl-r");
    terminal.wait_for("the watch", |view| view.contains("watching") && view.contains("2/10 drifted") && stays(view));
    let view = terminal.wait_for_text("changed");
    let (row, _) = view.find("10.0.5.0").expect("the scope");
    assert!(view.row(row).contains("changed"), "{view}");
    meddle(&pair, Side::A, 5, 7777);
    // turned off and on it asks at once
    terminal.keys("Ctrl-r");
    terminal.wait_for_text("no longer watching");
    terminal.keys("Ctrl-r");
    terminal.wait_for("in sync again", |view| view.contains("1/10 drifted") && stays(view));
    ends_well(terminal);
    assert_eq!(differing(&pair), ["10.0.1.0/24"]);
}

#[test]
fn what_failed_is_retried_and_a_job_outlives_the_program() {
    let drift = ["lifetime:0", "lifetime:1", "lifetime:2"];
    let Some(pair) = Pair::up(PairOptions::with_drift(&drift)) else { return };
    let proxies = Side::BOTH.map(|side| Proxy::socket(pair.socket(side)));
    let home = Home::new();
    let sockets = proxies.each_ref().map(Proxy::path);
    home.write_config(&by_sockets(sockets.each_ref().map(PathBuf::as_path)));
    let target = &proxies[1];
    let mut terminal = open(&home);
    terminal.wait_for_text("3/10 drifted");
    terminal.keys("a r");
    terminal.wait_for_text(OPEN);
    let gate = target.pause(Point::after("subnet4-update"));
    terminal.keys("y");
    gate.reached();
    terminal.wait_for_bytes("\x1b]0;scopesync: 0 of 3 scopes\x07");
    meddle(&pair, Side::B, 2, 7777);
    gate.open();
    terminal.wait_for_text("1 rejected, 2 replicated");
    assert_eq!(lifetime(&pair, Side::B, "10.0.2.0/24"), 7777, "what somebody else has changed is left alone");
    terminal.keys("J f");
    terminal.wait_for_text("the target has changed since");
    terminal.keys("r");
    terminal.wait_for_text("not done, unknown or not saved: both servers are read again first");
    terminal.wait_for_text(OPEN);
    assert!(terminal.view().contains("now 7777"), "{}", terminal.view());
    terminal.keys("y");
    terminal.wait_for_text("1 replicated");
    terminal.keys("J");
    terminal.wait_for_text("in sync, 10 scopes");
    assert!(differing(&pair).is_empty(), "{:?}", differing(&pair));

    meddle(&pair, Side::B, 0, 8888);
    meddle(&pair, Side::B, 1, 8888);
    terminal.keys("R");
    terminal.wait_for_text("2/10 drifted");
    terminal.keys("a r");
    terminal.wait_for_text(OPEN);
    terminal.keys("J");
    terminal.wait_for_text("AS JOB: it outlives this program");
    let gate = target.pause(Point::before("subnet4-update"));
    terminal.wait_for_text(OPEN);
    terminal.keys("y");
    terminal.wait_for_text("job 1 runs by itself");
    gate.reached();
    ends_well(terminal);
    let mut terminal = open(&home);
    terminal.wait_for_text("job 1 0 %");
    terminal.keys("J");
    terminal.wait_for_text("running");
    gate.open();
    terminal.wait_for_text("2 replicated");
    assert!(differing(&pair).is_empty(), "{:?}", differing(&pair));
    terminal.keys("J");
    terminal.wait_for_text("in sync, 10 scopes");
    ends_well(terminal);
}
