//! `scopesync check --verify-windows`: what it finds out of look-alikes of Windows servers that answer
//! in different ways, and that it leaves both of them as they were.
#![cfg(all(unix, feature = "windows", feature = "program"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::pair::{Side, wait_for};
use common::program::{Finished, Home};
use common::terminal::Start;
use common::windows::{WindowsOptions, WindowsPair};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// In hot standby, with exclusions, reservations, policies and a DNS setting of its own.
const SCOPE: &str = "10.0.2.0";
/// What is changed is called so.
const NAME: &str = "scopesync verification";

struct Bench {
    home: Home,
    pair: WindowsPair,
    before: [Value; 2],
}

impl Bench {
    fn up(drift: &[&str]) -> Option<Bench> {
        let options = WindowsOptions { scopes: 6, reservations: 12, ..WindowsOptions::with_drift(drift) };
        let pair = WindowsPair::up(options)?;
        let home = Home::new();
        home.write_config(&pair.config(""));
        for side in Side::BOTH {
            let mut state = pair.state(side);
            state["scopes"][SCOPE]["in_use"] = 0.into();
            pair.set_state(side, &state);
            pair.set(side, json!({ "second_hop": "allow" }));
        }
        let before = Side::BOTH.map(|side| configuration(&pair, side));
        Some(Bench { home, pair, before })
    }

    fn run(&self, more: &str) -> Finished {
        let line = format!("check --verify-windows {SCOPE} --computer-name dhcp1 {more}");
        self.home.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    fn report(&self, code: i32) -> Value {
        self.run("--force --json").expect_code(code).json()
    }

    fn is_as_before(&self) -> bool {
        Side::BOTH.map(|side| configuration(&self.pair, side)) == self.before
    }

    #[track_caller]
    fn assert_as_before(&self) {
        let now = Side::BOTH.map(|side| configuration(&self.pair, side));
        for (before, now) in self.before.iter().zip(now) {
            assert_eq!(now["scopes"][SCOPE], before["scopes"][SCOPE]);
            assert_eq!(now, *before, "and nothing else has changed");
        }
    }

    /// Calls that change something, of both servers.
    fn writes(&self) -> usize {
        Side::BOTH.map(|side| self.pair.calls(side).iter().filter(|call| call.writes()).count()).iter().sum()
    }
}

/// All of a server but who uses its addresses.
fn configuration(pair: &WindowsPair, side: Side) -> Value {
    let mut state = pair.state(side);
    for scope in state["scopes"].as_object_mut().expect("scopes").values_mut() {
        scope.as_object_mut().expect("a scope").retain(|name, _| !matches!(name.as_str(), "in_use" | "leases"));
    }
    state
}

/// The verdict of every step.
fn verdicts(report: &Value) -> BTreeMap<&str, &str> {
    let steps = report["steps"].as_array().expect("steps").iter();
    steps.map(|step| (step["step"].as_str().expect("a step"), step["verdict"].as_str().expect("a verdict"))).collect()
}

fn found<'a>(report: &'a Value, step: &str) -> &'a str {
    let steps = report["steps"].as_array().expect("steps");
    let one = steps.iter().find(|one| one["step"] == step).expect("the step");
    one["found"].as_str().expect("what was found")
}

#[test]
fn a_pair_that_does_as_expected_is_verified_and_left_as_it_was() {
    let Some(bench) = Bench::up(&[]) else { return };
    let report = bench.report(0);
    assert_eq!(report["schema"], "scopesync.windows-verification/1");
    let verdicts = verdicts(&report);
    for (step, verdict) in &verdicts {
        // that one wants a yes of its own
        assert_eq!(*verdict, if *step == "state" { "left_out" } else { "expected" }, "{step}\n{report:#}");
    }
    assert_eq!(verdicts.len(), 13);
    assert_eq!(found(&report, "unchanged"), format!("it gives the text {SCOPE:?}"));
    assert_eq!(report["advice"]["replication"], "auto");
    assert_eq!((&report["advice"]["verified"], &report["as_before"]), (&json!(true), &json!(true)));
    let servers = report["servers"].as_array().expect("servers");
    assert!(
        servers.iter().all(|server| server["dhcp_version"].as_str().is_some_and(|told| told.contains("10.0"))
            && server["scheme"].is_string()),
        "{servers:?}"
    );
    bench.assert_as_before();

    let text = bench.run("--force").expect_code(0);
    let said = text.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["source dhcp1", "Both sides are as they were", "set verified = true in the entry of dhcp2"] {
        assert!(said.contains(words), "{words}:\n{}", text.stdout);
    }
    assert!(!text.stdout.contains(bench.pair.password()) && !report.to_string().contains(bench.pair.password()));
    bench.assert_as_before();
    // both runs are in the history, as what they were
    let history = bench.home.run(&["history"]).expect_code(0);
    assert_eq!(history.stdout.matches("verification").count(), 2, "{}", history.stdout);
}

#[test]
fn other_answers_are_told_and_make_another_advice() {
    let Some(bench) = Bench::up(&[]) else { return };
    let otherwise = json!({
        "state": false, "delay": false, "superscope": false, "dns": false, "disabled_policies": "drop", "unforced": "go",
        "output": "embedded",
    });
    bench.pair.set(Side::A, json!({ "replication": otherwise }));
    bench.pair.rules(Side::A, json!([{ "do": "no-return-value", "method": "InvokeByScopeId" }]));
    let report = bench.report(0);
    let no = ["delay", "disabled_policy", "dns_setting", "superscope", "unforced"];
    for (step, verdict) in verdicts(&report).into_iter().filter(|(step, _)| *step != "state") {
        assert_eq!(verdict, if no.contains(&step) { "otherwise" } else { "expected" }, "{step}\n{report:#}");
    }
    assert_eq!(found(&report, "delay"), "left as they were: delay");
    assert_eq!(report["advice"]["replication"], "direct");
    assert_eq!(report["advice"]["verified"], true);
    bench.assert_as_before();

    // that the target does not answer the source is no answer about the hop
    bench.pair.rules(Side::A, json!([]));
    bench.pair.set(Side::A, json!({ "reachable": false }));
    let report = bench.report(3);
    assert_eq!((verdicts(&report)["second_hop"], report["advice"]["verified"].as_bool()), ("unanswered", Some(false)));
    assert!(found(&report, "unchanged").contains("dhcp2 did not answer dhcp1"), "{report:#}");
    bench.pair.set(Side::A, json!({ "reachable": true }));

    // without the second hop nobody needs to know any of it
    bench.pair.set(Side::A, json!({ "second_hop": "deny" }));
    let report = bench.report(0);
    assert_eq!(verdicts(&report)["second_hop"], "otherwise");
    assert_eq!(verdicts(&report)["description"], "unanswered");
    assert_eq!((&report["advice"]["replication"], &report["advice"]["verified"]), (&json!("direct"), &json!(true)));
    bench.assert_as_before();

    // a scope that is off is never turned on, and none leaves its superscope
    bench.pair.set(Side::A, json!({ "second_hop": "allow" }));
    let off = |side| {
        let mut state = bench.pair.state(side);
        let properties = &mut state["scopes"][SCOPE]["properties"];
        (properties["State"], properties["SuperscopeName"]) = ("Inactive".into(), "Campus".into());
        bench.pair.set_state(side, &state);
        configuration(&bench.pair, side)
    };
    let before = Side::BOTH.map(off);
    let shown = bench.run("--what-if").expect_code(0).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "leaves open: is SuperscopeName carried; is State carried",
        "not on this scope: the scope stays in its superscope Campus",
        "not on this scope: the scope is not active",
    ] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    let report = bench.report(3);
    assert!(found(&report, "state").contains("not active"), "{report:#}");
    assert!(found(&report, "superscope").contains("stays in its superscope Campus"), "{report:#}");
    let calls = Side::BOTH.map(|side| bench.pair.calls(side)).concat();
    assert!(calls.iter().all(|call| !call.writes() || call.inputs.get("State").is_none()), "nobody set a state");
    assert!(Bench { before, ..bench }.is_as_before());
}

#[test]
fn a_step_that_fails_is_put_back_and_what_cannot_be_is_told() {
    let Some(bench) = Bench::up(&[]) else { return };
    // the replication of a changed description comes second
    let replicate =
        json!({ "class": "DhcpServerv4FailoverReplication", "method": "InvokeByScopeId", "skip": 1, "times": 1 });
    let with = |more: Value| {
        let mut rule = replicate.clone();
        rule.as_object_mut().expect("a rule").extend(more.as_object().expect("more").clone());
        json!([rule])
    };
    for (rule, verdict) in [
        (json!({ "do": "error", "code": "DHCP 20133", "message": "Busy" }), "unanswered"),
        (json!({ "do": "cut-after" }), "expected"),
    ] {
        bench.pair.rules(Side::A, with(rule.clone()));
        let report = bench.report(if verdict == "expected" { 0 } else { 3 });
        assert_eq!(verdicts(&report)["description"], verdict, "{rule}\n{report:#}");
        bench.assert_as_before();
        assert_eq!(report["may_still_be_carried_out"], json!([]), "{rule}");
    }
    // a call without an answer may come late: nothing is tried beside it, and nothing is called sure
    for rule in [json!({ "do": "cut-before" }), json!({ "do": "error", "code": "WIN32 1726", "message": "Lost" })] {
        bench.pair.rules(Side::A, with(rule.clone()));
        let run = bench.run("--force").expect_code(3);
        let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "as they were before, by the last look, which is NOT SURE",
            "InvokeByScopeId on dhcp1: it may still be carried out",
            "may still be carried out, and would disturb it",
            "scopesync undo ",
        ] {
            assert!(said.contains(words), "{rule}: {words}:\n{}", run.stdout);
        }
        bench.assert_as_before();
    }

    // the way back is shut on the target: for its own words of the description
    let own = &bench.before[1]["scopes"][SCOPE]["properties"]["Description"];
    let shut = json!([{ "do": "error", "code": "WIN32 5", "message": "No", "class": "DhcpServerv4Scope",
                        "where": { "Description": own }, "skip": 1 }]);
    bench.pair.rules(Side::A, json!([]));
    bench.pair.rules(Side::B, shut);
    let run = bench.run("--force").expect_code(3);
    assert!(run.stdout.contains("NOT AS IT WAS") && run.stdout.contains("description"), "{}", run.stdout);
    let undo = run.stdout.lines().find_map(|line| line.trim().strip_prefix("scopesync undo ")).expect("how to mend it");
    let undo = undo.split_whitespace().next().expect("a run");
    bench.pair.rules(Side::B, json!([]));
    bench.home.run(&["undo", undo, "--force"]).expect_code(0);
    bench.assert_as_before();
}

#[test]
fn once_the_relationship_leads_elsewhere_nothing_more_is_replicated() {
    let Some(bench) = Bench::up(&[]) else { return };
    bench.pair.rules(Side::A, json!([{ "do": "hold", "method": "InvokeByScopeId", "skip": 1 }]));
    let line = format!("check --verify-windows {SCOPE} --computer-name dhcp1 --force --json");
    let mut command = bench.home.scopesync(&line.split_whitespace().collect::<Vec<_>>());
    let pipes = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = pipes.spawn().expect("scopesync runs");
    let held = || bench.pair.held(Side::A) == 1;
    wait_for("the replication of the changed description", Duration::from_secs(20), held);
    let mut state = bench.pair.state(Side::A);
    state["relationships"][0]["PartnerServer"] = "dhcp9".into();
    bench.pair.set_state(Side::A, &state);
    bench.pair.rules(Side::A, json!([]));
    let report = Finished::from(child.wait_with_output().expect("an end")).expect_code(3).json();
    assert!(found(&report, "delay").contains("leads to dhcp9 now"), "{report:#}");
    let calls = bench.pair.calls(Side::A);
    let replications = calls.iter().filter(|call| call.name().is_some_and(|name| name.ends_with("InvokeByScopeId")));
    assert_eq!(replications.count(), 2, "those before");
}

#[test]
fn an_end_in_the_middle_leaves_nothing_behind() {
    let Some(bench) = Bench::up(&[]) else { return };
    let line = format!("check --verify-windows {SCOPE} --computer-name dhcp1 --force --json");
    let stopped = |signal: Signal| {
        bench.pair.rules(Side::A, json!([{ "do": "hold", "method": "InvokeByScopeId", "skip": 1 }]));
        let mut command = bench.home.scopesync(&line.split_whitespace().collect::<Vec<_>>());
        let pipes = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let child = pipes.spawn().expect("scopesync runs");
        wait_for("the replication of the changed description", Duration::from_secs(20), || {
            bench.pair.held(Side::A) == 1
        });
        kill_process(Pid::from_child(&child), signal).expect("a signal");
        if signal == Signal::INT {
            bench.pair.rules(Side::A, json!([]));
        }
        Finished::from(child.wait_with_output().expect("an end"))
    };
    let report = stopped(Signal::INT).expect_code(3).json();
    assert_eq!(verdicts(&report)["description"], "expected", "what was begun is ended");
    assert_eq!(found(&report, "delay"), "ended by the operator", "{report:#}");
    bench.assert_as_before();

    // nobody is left to put it back: the next one is told how
    assert_eq!(stopped(Signal::KILL).code, None);
    bench.pair.rules(Side::A, json!([]));
    let described = || bench.pair.state(Side::A)["scopes"][SCOPE]["properties"]["Description"].clone();
    assert_eq!(described(), NAME);
    wait_for("the end of the replication", Duration::from_secs(20), || {
        bench.pair.state(Side::B)["scopes"][SCOPE]["properties"]["Description"] == NAME
    });
    let told = bench.home.run(&["drift"]);
    assert!(told.stderr.contains("was interrupted: `scopesync recover`"), "{}", told.stderr);
    bench.home.run(&["recover", "--undo", "--force", "--override", "changed-since-run"]).expect_code(0);
    bench.assert_as_before();
}

#[test]
fn nothing_is_begun_where_it_would_do_harm_or_is_only_looked_at() {
    let Some(bench) = Bench::up(&["description:0"]) else { return };
    let shown = bench.run("--what-if").expect_code(0);
    assert!(shown.stdout.contains("13. ") && shown.stdout.contains("nothing was written"), "{}", shown.stdout);
    assert_eq!(bench.run("--what-if --json").expect_code(0).json()["what_if"], true);

    let refused = |line: &str, why: &str| {
        let run = bench.home.run(&line.split_whitespace().collect::<Vec<_>>()).expect_code(1);
        assert!(run.stderr.contains(why), "{why}:\n{}", run.stderr);
    };
    let all = "--computer-name dhcp1 --force";
    refused(&format!("check --verify-windows 10.0.0.0 {all}"), "must be in sync");
    refused(&format!("check --verify-windows {SCOPE} {all} --read-only"), "read-only");
    refused(&format!("check --verify-windows {SCOPE} --computer-name dhcp1"), "without a terminal");
    refused(&format!("check --verify-windows {SCOPE} --force"), "--computer-name");
    bench.home.write_config(&bench.pair.config("replication = \"native\""));
    refused(&format!("check --verify-windows {SCOPE} {all}"), "there is no way back");
    bench.home.write_config(&bench.pair.config(""));
    let mut state = bench.pair.state(Side::B);
    state["relationships"][0]["State"] = "CommunicationInterrupted".into();
    bench.pair.set_state(Side::B, &state);
    refused(&format!("check --verify-windows {SCOPE} {all}"), "must be normal");
    assert_eq!((bench.writes(), bench.home.runs()), (0, 0));
}

/// Answers questions at a terminal, and gives the exit status with the end of what was shown.
fn answer(bench: &Bench, answers: &[(&str, &str)]) -> (Option<i32>, String) {
    let line = format!("check --verify-windows {SCOPE} --computer-name dhcp1");
    let arguments = line.split_whitespace().map(str::to_owned);
    let mut terminal = Start::scopesync().args(arguments).home(&bench.home).size(200, 120).start();
    for (question, answer) in answers {
        // the question, and nothing of an answer yet
        terminal.wait_for(question, |view| {
            let text = view.text();
            text.rfind(question).is_some_and(|at| text[at..].trim_end().ends_with("(default is \"N\"):"))
        });
        terminal.type_text(&format!("{answer}\n"));
    }
    let end = terminal.wait_for_end();
    (end.code(), terminal.view().text())
}

#[test]
fn the_operator_is_asked_and_nothing_is_changed_that_was_not_seen_to_be_put_back() {
    let Some(bench) = Bench::up(&[]) else { return };
    const BEGIN: (&str, &str) = ("changing it on both and putting it back?", "y");
    let source = ("may we write to the source: sets the description", "y");
    let target = ("may we write to the target: sets the description", "n");
    let (code, end) = answer(&bench, &[BEGIN, source, target, ("does the source get through", "y")]);
    assert_eq!(code, Some(3));
    for words in ["left out    may we write to the target?", "not seen that dhcp2 takes changes", "as they were before"]
    {
        assert!(end.contains(words), "{words}:\n{end}");
    }
    assert_eq!(bench.writes(), 1, "what it had already");

    // a yes to all is none to a scope that is off
    let all = ("may we write to the source", "a");
    let (code, end) = answer(&bench, &[BEGIN, all, ("turns the scope off on dhcp1", "y")]);
    assert_eq!(code, Some(0), "{end}");
    assert!(end.contains("yes         is State carried?"), "{end}");
    bench.assert_as_before();
}
