//! Something goes wrong at each call of the writer that makes changes one by one: a refusal, or an answer
//! that is lost before or after the effect. Nothing is sent twice, and what is told is what the target has.

use serde_json::json;

use crate::common::pair::Side;
use crate::common::report::{scopes, text};
use crate::common::windows::WindowsOptions;
use crate::lab::{DIRECT, Lab, NATIVE, names};

/// Several changes of one scope, and scopes before and behind it.
const DRIFT: [&str; 8] = [
    "name:0",
    "name:2",
    "reservation-missing:2",
    "reservation-extra:2",
    "option-value:2",
    "exclusion-moved:2",
    "policy-missing:2",
    "name:4",
];

#[test]
fn a_change_that_fails_stops_its_scope_alone_and_nothing_is_sent_twice() {
    let options = WindowsOptions { scopes: 8, reservations: 8, ..WindowsOptions::with_drift(&DRIFT) };
    let Some(lab) = Lab::up(options) else { return };
    lab.restore(DIRECT);
    let mark = lab.mark(Side::B);
    let run = lab.replicate(Side::A, "nothing goes wrong").0.expect_code(0).json();
    let planned = scopes(&run)["10.0.2.0/24"]["changes_done"].as_u64();
    let course = names(&lab.writes_since(Side::B, mark));
    let own = course.len() - 2;
    assert!(own >= 8, "{course:#?}");
    let refusal = json!({"do": "error", "code": "DHCP 20023", "message": "Nein.", "category": "InvalidData"});
    let late = json!({"do": "fault", "code": 0x8033_8029_u32, "subcode": "w:TimedOut"});
    let actions = [
        refusal,
        json!({"do": "cut-before"}),
        json!({"do": "cut-after"}),
        json!({"do": "no-return-value"}),
        late,
        json!({"do": "http", "status": 502}),
    ];
    for at in 0..own {
        let action = &actions[at % actions.len()];
        let when = format!("{action} at call {} of {course:?}", at + 1);
        lab.restore(DIRECT);
        let mut rule = action.clone();
        rule.as_object_mut().expect("a rule").extend([
            ("writes".to_owned(), true.into()),
            ("skip".to_owned(), (at + 1).into()),
            ("times".to_owned(), 1.into()),
        ]);
        lab.bench.pair.rules(Side::B, json!([rule]));
        let mark = lab.mark(Side::B);
        let (run, outcomes) = lab.replicate(Side::A, &when);
        let run = run.expect_code(if outcomes["10.0.2.0/24"] == "replicated" { 0 } else { 3 });
        assert_eq!((&*outcomes["10.0.0.0/24"], &*outcomes["10.0.4.0/24"]), ("replicated", "replicated"), "{when}");
        let sent = names(&lab.writes_since(Side::B, mark));
        assert_eq!(sent[..at + 2], course[..at + 2], "{when}");
        assert_eq!(sent.len(), at + 3, "the scope ends there, and only the next one follows: {when}\n{sent:#?}");
        let report = run.json();
        let scope = scopes(&report)["10.0.2.0/24"].clone();
        let (done, left) = (scope["changes_done"].as_u64(), scope["changes_left"].as_u64());
        assert_eq!(done.zip(left).map(|(done, left)| done + left), planned, "{when}: {scope:#}");
        let words = text(&scope, "message");
        if text(action, "do") == "error" {
            assert!(words.contains("DHCP 20023") && words.contains("the range is none"), "{when}: {words}");
        } else {
            assert!(words.contains("what came of it was not told"), "{when}: {words}");
            let may_go_on = text(action, "do") != "no-return-value" && outcomes["10.0.2.0/24"] != "replicated";
            assert_eq!(words.contains("may still be carried out"), may_go_on, "{when}: {words}");
        }
        // and the next run finishes it
        if at % 3 == 0 {
            lab.bench.pair.rules(Side::B, json!([]));
            lab.replicate(Side::A, &when).0.expect_code(0);
            assert_eq!(lab.now(Side::A), lab.now(Side::B), "{when}");
        }
    }
}

/// What else stops one scope alone: no answer at all, a state, and another replication that does not end.
#[test]
fn one_scope_waits_is_refused_or_runs_out_of_time_and_the_others_go() {
    let options = WindowsOptions {
        scopes: 8,
        reservations: 8,
        ..WindowsOptions::with_drift(&["name:0", "name:2", "name:4", "name:6"])
    };
    let Some(lab) = Lab::up(options) else { return };
    lab.restore("replication = \"direct\"\nwrite_timeout = 2");
    let at = |scope: u32, rule: serde_json::Value| {
        let mut all = json!({"writes": true, "where": {"ScopeId": format!("10.0.{scope}.0")}});
        all.as_object_mut().expect("a rule").extend(rule.as_object().expect("more").clone());
        all
    };
    let refused = |scope, code: &str| at(scope, json!({"do": "error", "code": code, "message": "Nein."}));
    let silent = at(2, json!({"do": "hang"}));
    lab.bench.pair.rules(Side::B, json!([refused(0, "DHCP 20120"), silent, refused(4, "DHCP 20133")]));
    let mark = lab.mark(Side::B);
    let (run, outcomes) = lab.replicate(Side::A, "each of them another way");
    let report = run.expect_code(3).json();
    let told = [0, 2, 4, 6].map(|at| {
        let id = format!("10.0.{at}.0/24");
        (outcomes[&id].clone(), scopes(&report)[&id]["message"].to_string())
    });
    for ((outcome, message), (wanted, words)) in told.iter().zip([
        ("rejected", &["DHCP 20120", "state is not normal"][..]),
        ("unknown", &["what came of it was not told", "may still be carried out: look again"]),
        ("rejected", &["DHCP 20133", "asked for twice"]),
        ("replicated", &[]),
    ]) {
        assert!(outcome == wanted && words.iter().all(|words| message.contains(words)), "{outcome}: {message}");
    }
    assert_eq!(
        lab.writes_since(Side::B, mark).len(),
        4,
        "one of each, another of what was waited for, none that hangs"
    );
}

/// Clients hold leases of what a run would take away.
#[test]
fn addresses_that_clients_hold_are_not_taken_away_unasked() {
    let options = WindowsOptions { scopes: 4, reservations: 4, ..WindowsOptions::with_drift(&["range:0", "name:2"]) };
    let Some(lab) = Lab::up(options) else { return };
    lab.restore(DIRECT);
    // toward the first the range shrinks by one address; a lease that says nothing stops that scope alone
    let odd = json!({"class": "PS_DhcpServerv4Lease", "do": "value", "value": [{"IPAddress": "nowhere"}]});
    lab.bench.pair.rules(Side::A, json!([odd]));
    let run = lab.bench.run(&lab.command(Side::B, "")).expect_code(3);
    assert!(run.stderr.contains("shrink-leases") && run.stderr.contains("cannot list its leases"), "{}", run.stderr);
    assert_eq!(lab.now(Side::A)["10.0.2.0/24"], lab.origin(Side::B)["10.0.2.0/24"]);
    lab.restore(DIRECT);
    let lease = json!({"ScopeId": "10.0.0.0", "IPAddress": "10.0.0.200", "ClientId": "02-00-00-00-00-77"});
    lab.bench.pair.by_hand(Side::A, "PS_DhcpServerv4Lease", "Add", lease);
    let run = lab.bench.run(&lab.command(Side::B, "")).expect_code(3);
    assert!(run.stderr.contains("shrink-leases") && run.stderr.contains("10.0.0.200"), "{}", run.stderr);
    let left = lab.now(Side::A);
    assert_eq!(
        (&left["10.0.0.0/24"], &left["10.0.2.0/24"]),
        (&lab.origin(Side::A)["10.0.0.0/24"], &lab.origin(Side::B)["10.0.2.0/24"])
    );
    lab.bench.run(&lab.command(Side::B, "--override shrink-leases")).expect_code(0);
    assert_eq!(lab.now(Side::A), lab.origin(Side::B));
}

/// A condition that no call drops, on a policy with a suffix that is in none of its options.
#[test]
fn what_a_policy_would_lose_by_being_added_anew_is_asked_for() {
    let options = WindowsOptions { scopes: 4, reservations: 4, ..WindowsOptions::with_drift(&["name:2"]) };
    let Some(lab) = Lab::up(options) else { return };
    lab.restore(DIRECT);
    let policy = |more: serde_json::Value| {
        let mut inputs = json!({"ScopeId": "10.0.0.0", "Name": "Phones", "PolicyName": "Phones"});
        inputs.as_object_mut().expect("inputs").extend(more.as_object().expect("more").clone());
        inputs
    };
    let by_hand = |class: &str, inputs| lab.bench.pair.by_hand(Side::B, class, "Set", inputs);
    by_hand("PS_DhcpServerv4Policy", policy(json!({"ClientId": ["EQ", "01-02"]})));
    let mark = lab.mark(Side::B);
    let plan = lab.bench.run("replicate --computer-name dhcp1 --what-if").expect_code(0).stdout;
    assert!(plan.contains("absent for a moment") && !plan.contains("recreation-loses"), "{plan}");
    by_hand("PS_DhcpServerv4DnsSetting", policy(json!({"DnsSuffix": "phones.example"})));
    let run = lab.bench.run(&lab.command(Side::A, "")).expect_code(3);
    let words = ["recreation-loses", "DNS suffix \"phones.example\" of policy Phones"];
    assert!(words.iter().all(|word| run.stderr.contains(word)), "{}", run.stderr);
    assert_eq!(names(&lab.writes_since(Side::B, mark)), ["DhcpServerv4Scope.SetByWithoutRange"]);
    let mark = lab.mark(Side::B);
    lab.bench.run(&lab.command(Side::A, "--override recreation-loses")).expect_code(0);
    let calls = ["Policy.Remove", "Policy.Add", "PolicyIPRange.Add", "OptionValue.SetByOptionId"];
    assert_eq!(names(&lab.writes_since(Side::B, mark)), calls.map(|call| format!("DhcpServerv4{call}")));
    assert_eq!(lab.now(Side::B), lab.origin(Side::A));
}

/// A server refuses such an option in the middle of its scope: the preview does before.
#[test]
fn an_option_of_another_type_is_refused_before_anything_is_written() {
    let kinds = ["definition-type", "option-policy:0", "name:2"];
    let options = WindowsOptions { scopes: 4, reservations: 4, ..WindowsOptions::with_drift(&kinds) };
    let Some(lab) = Lab::up(options) else { return };
    for lines in [DIRECT, NATIVE] {
        lab.restore(lines);
        let before = lab.now(Side::B);
        let run = lab.bench.run(&lab.command(Side::A, "--scope-id 10.0.0.0")).expect_code(1);
        let words = ["option-type-differs", "option dhcp4/66", "source string, target binarydata"];
        assert!(words.iter().all(|word| run.stderr.contains(word)), "{}", run.stderr);
        assert_eq!(lab.now(Side::B), before);
    }
}
