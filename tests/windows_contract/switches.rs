//! What Microsoft has not published of a replication: whatever a server does, the program says what came of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::common::pair::Side;
use crate::common::report::{all, scopes, text};
use crate::common::windows::WindowsOptions;
use crate::lab::{AUTO, DIRECT, Lab, NATIVE, REPLICATION, names};

fn few(drift: &[&str]) -> WindowsOptions {
    WindowsOptions { scopes: 8, reservations: 8, ..WindowsOptions::with_drift(drift) }
}

/// Each field alone in a scope, all of them in another; in scope 5 one that is always copied, beside a policy
/// that is disabled on both sides.
const FIELDS: [&str; 12] = [
    "state:0",
    "delay:1",
    "superscope:2",
    "dns-value:3",
    "policy-enabled:4",
    "name:5",
    "policy-enabled:5",
    "name:6",
    "state:6",
    "delay:6",
    "superscope:6",
    "dns-value:6",
];

#[test]
fn what_a_server_may_not_carry_is_told_before_and_after() {
    let Some(lab) = Lab::up(few(&FIELDS)) else { return };
    // of any three switches each combination
    for (at, combination) in (0..16_u8).filter(|combination| combination.count_ones() % 2 == 0).enumerate() {
        let carried = [0, 1, 2, 3].map(|at| combination & (1 << at) != 0);
        let [state, delay, superscope, dns] = carried;
        let policies = ["copy", "keep", "drop"][at % 3];
        let switches = json!({"state": state, "delay": delay, "superscope": superscope, "dns": dns, "disabled_policies": policies});
        let when = switches.to_string();
        lab.restore(NATIVE);
        disable(&lab);
        lab.bench.pair.set(Side::B, json!({"replication": switches}));
        if combination == 0 {
            let preview = lab.bench.run("replicate --computer-name dhcp2 --what-if").expect_code(0).stdout;
            assert_eq!(preview.matches("(not known to be carried)").count(), 9, "{preview}");
            for words in ["dhcp1 may lose them", "of their own are not read"] {
                assert!(preview.contains(words), "{words}: {preview}");
            }
        }
        let (run, outcomes) = lab.replicate(Side::B, &when);
        let report = run.json();
        let found = scopes(&report);
        let is_whole = |at: usize| found[&format!("10.0.{at}.0/24")]["verified"] == Value::Bool(true);
        assert_eq!([0, 1, 2, 3].map(is_whole), carried, "{when}\n{}", run.stderr);
        assert_eq!(is_whole(6), carried == [true; 4], "{when}");
        assert_eq!([is_whole(4), is_whole(5)], [policies == "copy", policies != "drop"], "{when}");
        // to lose a policy is more than not to have it changed
        let lost = [4, 5].map(|at| outcomes[&format!("10.0.{at}.0/24")] == "partial");
        assert_eq!(lost, [policies == "drop"; 2], "{when}: {outcomes:?}");
        let named = [4, 5].map(|at| format!("{}", found[&format!("10.0.{at}.0/24")]["message"]));
        assert_eq!(named.map(|message| message.contains("dhcp1 LOST policy Phones")), lost, "{when}\n{}", run.stderr);
        // where nothing of a scope is carried, it is not replicated
        let none = [0, 1, 2, 3, 4].map(|at| outcomes[&format!("10.0.{at}.0/24")] == "rejected");
        assert_eq!(none, [!state, !delay, !superscope, !dns, policies == "keep"], "{when}: {outcomes:?}");
        let is_all = policies == "copy" && carried == [true; 4];
        assert_eq!(run.code, Some(if is_all { 0 } else { 3 }), "{when}\n{}", run.stderr);
    }
    // by our own choice nothing hangs on what a server carries
    lab.restore(AUTO);
    disable(&lab);
    let nothing =
        json!({"state": false, "delay": false, "superscope": false, "dns": false, "disabled_policies": "drop"});
    lab.bench.pair.set(Side::B, json!({"replication": nothing}));
    let (run, _) = lab.replicate(Side::B, AUTO);
    let report = run.expect_code(0).json();
    let whole: Vec<bool> = scopes(&report).values().map(|scope| scope["verified"] == Value::Bool(true)).collect();
    assert_eq!(whole.iter().filter(|whole| !**whole).count(), 1, "7 is not written: {whole:?}");
    // and direct, it is all carried; so is what a native run has left
    lab.bench.home.write_config(&lab.bench.pair.config(DIRECT));
    lab.replicate(Side::B, DIRECT).0.expect_code(0);
    assert_eq!(lab.now(Side::A), lab.now(Side::B));
}

/// The policy that the second server has disabled, on the first one too.
fn disable(lab: &Lab) {
    let inputs = json!({"ScopeId": "10.0.5.0", "Name": "Phones", "Enabled": false});
    lab.bench.pair.by_hand(Side::A, "PS_DhcpServerv4Policy", "Set", inputs);
}

/// How a server may be, and what becomes of scopes 0, 2, 4 and 6, which are in one relationship.
struct Row {
    when: &'static str,
    lines: &'static str,
    switches: Value,
    rules: Value,
    outcomes: [&'static str; 4],
    /// How often the source was told to replicate.
    calls: usize,
    words: &'static [&'static str],
}

const ALL: [&str; 4] = ["replicated"; 4];
const TOGETHER: &str = "replication = \"native\"\nreplicate_at_once = 10";

impl Default for Row {
    fn default() -> Self {
        Row { when: "", lines: NATIVE, switches: json!({}), rules: json!([]), outcomes: ALL, calls: 4, words: &[] }
    }
}

/// Rules for the calls that replicate.
fn rule(what: Value) -> Value {
    let mut rule = json!({"method": "InvokeByScopeId"});
    rule.as_object_mut().expect("a rule").extend(what.as_object().expect("more").clone());
    json!([rule])
}

fn rows() -> Vec<Row> {
    let second = || json!({"ScopeId": "10.0.2.0"});
    vec![
        Row { when: "as documented", ..Row::default() },
        Row { when: "all at once", lines: TOGETHER, calls: 1, ..Row::default() },
        Row { when: "embedded", switches: json!({"output": "embedded"}), ..Row::default() },
        Row { when: "no output", switches: json!({"output": "empty"}), lines: TOGETHER, calls: 1, ..Row::default() },
        Row {
            when: "no return value",
            rules: rule(json!({"do": "no-return-value"})),
            words: &["no ReturnValue", "everything is there"],
            ..Row::default()
        },
        Row {
            when: "success, and nothing done",
            rules: rule(json!({"do": "empty", "where": second()})),
            outcomes: ["replicated", "rejected", "replicated", "replicated"],
            words: &["10.0.2.0", "as it was before"],
            ..Row::default()
        },
        Row {
            when: "one fails half-way",
            switches: json!({"half": ["10.0.2.0"]}),
            outcomes: ["replicated", "partial", "replicated", "replicated"],
            words: &["WIN32 1726"],
            ..Row::default()
        },
        Row {
            when: "one fails half-way, the others go on",
            lines: TOGETHER,
            switches: json!({"half": ["10.0.2.0"]}),
            outcomes: ["replicated", "partial", "replicated", "replicated"],
            calls: 1,
            words: &["WIN32 1726"],
            ..Row::default()
        },
        Row {
            when: "one fails half-way and stops the others",
            lines: TOGETHER,
            switches: json!({"half": ["10.0.2.0"], "after_failure": "stop"}),
            outcomes: ["replicated", "partial", "unknown", "unknown"],
            calls: 1,
            words: &["WIN32 1726", "may still be carried out"],
            ..Row::default()
        },
        Row {
            when: "one refused by number",
            rules: rule(json!({"do": "return", "value": 20_116, "where": second()})),
            outcomes: ["replicated", "rejected", "replicated", "replicated"],
            words: &["the scope is in no relationship", "DHCP 20116"],
            ..Row::default()
        },
        Row {
            when: "cut before the effect",
            rules: rule(json!({"do": "cut-before", "where": second()})),
            outcomes: ["replicated", "unknown", "replicated", "replicated"],
            words: &["nothing of it is there by now, but it may still be carried out"],
            ..Row::default()
        },
        Row {
            when: "cut after the effect",
            rules: rule(json!({"do": "cut-after", "where": second()})),
            words: &["everything is there"],
            ..Row::default()
        },
        Row {
            when: "no answer in time",
            lines: "replication = \"native\"\nwrite_timeout = 2",
            rules: rule(json!({"do": "hang", "where": second()})),
            outcomes: ["replicated", "unknown", "replicated", "replicated"],
            // the one without an answer is not on record
            calls: 3,
            words: &["no answer within 2s", "nothing of it is there by now, but it may still be carried out"],
            ..Row::default()
        },
        Row {
            when: "out of time by the server's own clock",
            rules: rule(json!({"do": "fault", "code": 0x8033_8029_u32, "subcode": "w:TimedOut", "where": second()})),
            outcomes: ["replicated", "unknown", "replicated", "replicated"],
            words: &["MaxTimeoutms", "nothing of it is there by now, but it may still be carried out"],
            ..Row::default()
        },
        Row {
            when: "a proxy gives up",
            rules: rule(json!({"do": "http", "status": 504, "where": second()})),
            outcomes: ["replicated", "unknown", "replicated", "replicated"],
            words: &["gave up (504)", "nothing of it is there by now, but it may still be carried out"],
            ..Row::default()
        },
        Row { when: "unforced goes", switches: json!({"unforced": "go"}), ..Row::default() },
        Row { when: "synchronising once", switches: json!({"syncing": 1}), calls: 5, ..Row::default() },
        Row {
            when: "synchronising on",
            switches: json!({"syncing": 2}),
            outcomes: ["rejected", "replicated", "replicated", "replicated"],
            calls: 5,
            words: &["is being replicated right now", "DHCP 20133", "asked for twice"],
            ..Row::default()
        },
    ]
}

#[test]
fn whatever_a_replication_does_the_outcome_is_what_came_of_it() {
    let drift = ["name:0", "name:2", "reservation-missing:2", "option-value:4", "name:6"];
    let Some(lab) = Lab::up(few(&drift)) else { return };
    for row in rows() {
        let when = row.when;
        lab.restore(row.lines);
        lab.bench.pair.set(Side::A, json!({"replication": row.switches}));
        lab.bench.pair.rules(Side::A, row.rules);
        let mark = lab.mark(Side::A);
        let (run, outcomes) = lab.replicate(Side::A, when);
        let ids = [0, 2, 4, 6].map(|at| format!("10.0.{at}.0/24"));
        assert_eq!(ids.each_ref().map(|id| outcomes[id].as_str()), row.outcomes, "{when}\n{}", run.stderr);
        assert_eq!(run.code, Some(if row.outcomes == ALL { 0 } else { 3 }), "{when}\n{}", run.stderr);
        let calls = lab.writes_since(Side::A, mark);
        assert_eq!(names(&calls), vec![REPLICATION; row.calls], "{when}");
        for words in row.words {
            assert!(run.stderr.contains(words), "{when}: {words}\n{}", run.stderr);
        }
        if row.outcomes == ALL {
            continue;
        }
        // the next run finishes what this one did not
        lab.bench.pair.rules(Side::A, json!([]));
        lab.bench.pair.set(Side::A, json!({"replication": {}}));
        lab.replicate(Side::A, when).0.expect_code(0);
        assert_eq!(lab.now(Side::A), lab.now(Side::B), "{when}");
    }
}

/// Servers outside of Normal, scopes that the partner lacks, and no way on from the source.
#[test]
fn where_a_native_replication_cannot_go_the_way_round_it_is_told() {
    let Some(lab) = Lab::up(few(&["name:0", "interrupted"])) else { return };
    for (switch, code) in [("go", 0), ("refuse", 1)] {
        lab.restore(NATIVE);
        lab.bench.pair.set(Side::B, json!({"replication": {"outside_normal": switch}}));
        let (run, _) = lab.replicate(Side::B, switch);
        let run = run.expect_code(code);
        let is_told = run.stderr.contains("DHCP 20120") && run.stderr.contains("wait until both servers are normal");
        assert_eq!(is_told, switch == "refuse", "{}", run.stderr);
    }
    // a login by NTLM cannot be handed on; or nobody hears the source there
    let hop = (json!({"second_hop": "ticket"}), ["second hop", "credssp", DIRECT]);
    let silent = (json!({"reachable": false}), ["the partner cannot be reached", "DHCP 20122", DIRECT]);
    for (values, words) in [hop, silent] {
        for (lines, code, writer) in [(NATIVE, 1, "native"), (AUTO, 0, "direct"), ("", 0, "direct")] {
            let when = format!("{values} {lines}");
            lab.restore(lines);
            lab.bench.pair.set(Side::A, values.clone());
            let mark = lab.mark(Side::A);
            let plan = lab.bench.run("replicate --computer-name dhcp1 --what-if --json").expect_code(0).json();
            assert!(text(&plan["relationships"][0], "writer").contains(writer), "{when}: {plan:#}");
            let told = plan.to_string();
            assert!(told.contains("does not get through to its partner"), "{when}: {told}");
            let run = lab.replicate(Side::A, &when).0.expect_code(code);
            if code == 1 {
                assert!(words.iter().all(|words| run.stderr.contains(words)), "{when}: {words:?}\n{}", run.stderr);
            }
            let calls = names(&lab.writes_since(Side::A, mark));
            assert_eq!(calls, vec![REPLICATION; usize::from(lines == NATIVE)], "{when}");
        }
    }
    lab.restore("");
    lab.replicate(Side::A, "auto, and it gets through").0.expect_code(0);
    assert!(lab.bench.pair.counts(Side::A).contains_key(&format!("PS_{REPLICATION}")));
}

#[test]
fn a_scope_that_the_target_lacks_is_created_by_its_partner_or_by_nobody() {
    let kinds = ["scope-missing:0", "scope-gone:2", "name:4"];
    let Some(lab) = Lab::up(few(&kinds)) else { return };
    let mut told = BTreeMap::new();
    for (lines, switch) in [(NATIVE, "create"), (NATIVE, "error"), (DIRECT, "create")] {
        lab.restore(lines);
        lab.bench.pair.set(Side::A, json!({"replication": {"missing": switch}}));
        let (run, outcomes) = lab.replicate(Side::A, switch);
        assert_eq!(outcomes["10.0.4.0/24"], "replicated", "{}", run.stderr);
        let missing = ["10.0.0.0/24", "10.0.2.0/24"].map(|id| outcomes[id].clone());
        let added = lab.bench.pair.counts(Side::B).keys().any(|name| name.contains("Scope.Add"));
        assert!(!added, "a scope is never created outside its relationship");
        if missing.iter().any(|outcome| outcome != "replicated") {
            assert!(run.stderr.contains("Add-DhcpServerv4FailoverScope"), "{lines} {switch}\n{}", run.stderr);
        }
        told.insert((lines, switch), missing);
    }
    assert_eq!(told[&(NATIVE, "error")], ["rejected"; 2], "{told:?}");
    assert!(told[&(DIRECT, "create")].iter().all(|outcome| outcome != "replicated"), "{told:?}");
    let report = lab.bench.run("drift --json").json();
    let found = all(&report, "findings").into_iter().filter(|found| text(found, "kind") == "scope-on-one-side");
    assert!(found.count() > 0, "it is still told");
}
