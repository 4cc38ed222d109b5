//! Windows DHCP servers: reading both, what has drifted between them, and what is said where one
//! refuses, lacks or breaks something. The servers are look-alikes of other making.
#![cfg(all(unix, feature = "windows", feature = "program"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::expected::shown_changes;
use common::kdc::Kdc;
use common::pair::{PairFiles, PairOptions, Side, wait_for};
use common::program::{Home, by_file};
use common::report::{all, findings, scopes, states, text};
use common::terminal::View;
use common::windows::{WindowsOptions, WindowsPair};
use common::windows_bench::{Bench, all_in_scopes, assert_found, few};
use common::windows_expected::{IN_SCOPES, MEMBERSHIP, OUTSIDE};
use serde_json::{Value, json};

#[test]
fn every_kind_of_drift_is_in_a_table() {
    let Some(kinds) = common::windows::kinds() else { return };
    let tables = IN_SCOPES.iter().map(|(kind, _)| *kind).chain(OUTSIDE.iter().map(|(kind, ..)| *kind));
    let ours: BTreeSet<&str> = tables.chain(MEMBERSHIP.iter().copied()).collect();
    assert_eq!(ours, kinds.iter().map(String::as_str).collect());
}

#[test]
fn drift_in_scopes_is_found_from_both_sides_with_few_calls() {
    let options = all_in_scopes();
    let scopes = options.scopes;
    let Some(bench) = Bench::up(options) else { return };
    let report = bench.drift(2);
    assert_found(&bench.pair.drift, &report, false);
    assert_eq!(findings(&report), BTreeSet::new());
    for side in Side::BOTH {
        let counts = bench.pair.counts(side);
        let state = bench.pair.state(side);
        let reservations = |scope: &Value| scope["reservations"].as_array().map_or(0, Vec::len);
        let reservations: usize = state["scopes"].as_object().expect("scopes").values().map(reservations).sum();
        let budget = u64::from(10 + 5 * scopes) + reservations as u64;
        assert!(counts.values().sum::<u64>() <= budget, "{side:?}: more than {budget}: {counts:?}");
        let writes = counts.keys().filter(|name| !name.contains(".Get")).count();
        assert_eq!(writes, 0, "{counts:?}");
    }
    let report = bench.json("drift --computer-name dhcp2", 2);
    assert_found(&bench.pair.drift, &report, true);
    assert!(
        findings(&report).iter().all(|found| found.starts_with("warning toward-primary")),
        "{:?}",
        findings(&report)
    );
    // what only the eye would not see is shown
    let report = bench.run("drift").expect_code(2).stdout;
    assert!(report.contains("\\u{200b}"), "{report}");
}

#[test]
fn what_no_replication_brings_is_found_with_its_cure() {
    let kinds: Vec<&str> = OUTSIDE.iter().map(|(kind, _)| *kind).filter(|kind| *kind != "older").collect();
    let Some(bench) = Bench::up(few(&kinds)) else { return };
    let report = bench.drift(2);
    let found = findings(&report);
    for (kind, wanted) in OUTSIDE.iter().filter(|(kind, _)| kinds.contains(kind)) {
        for line in *wanted {
            assert!(found.iter().any(|found| found.starts_with(line)), "{kind}: no {line:?} among {found:#?}");
        }
    }
    assert!(all(&report, "findings").iter().all(|found| !text(found, "hint").is_empty()));
    // what is inherited on both sides is one finding and no drift
    assert!(states(&report).values().all(|state| state == "in_sync"), "{:?}", states(&report));
    // a parameter is told with its own relationship
    let told = |name: &str| {
        let found = report["relationships"].as_array().expect("a list").iter();
        found
            .filter(|r| r["findings"].to_string().contains(name))
            .map(|r| text(r, "mode").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(told("maximum client lead time"), ["hot-standby"]);
    assert_eq!(told("primary's load balance percent"), ["load-balancing"]);
}

#[test]
fn relationships_are_recognised_by_short_name_full_name_and_address() {
    let Some(bench) = Bench::up(few(&[])) else { return };
    let report = bench.json("relationships", 0);
    let list = report["relationships"].as_array().expect("a list");
    let names: BTreeSet<&str> = list.iter().map(|relationship| text(relationship, "name")).collect();
    let known = ["dhcp1.contoso.com-192.0.2.11", "dhcp-master<-->dhcp-node", "dhcp1-dhcp2 load balance"];
    assert_eq!(names, BTreeSet::from(known));
    for relationship in list {
        let members: Vec<_> = relationship["members"]
            .as_array()
            .expect("members")
            .iter()
            .map(|m| (text(m, "server"), text(m, "state")))
            .collect();
        assert_eq!(members, [("dhcp1", "Normal"), ("dhcp2", "Normal")]);
    }
    let of = |name: &str| {
        list.iter()
            .find(|r| r["name"] == name)
            .map(|r| [&r["members"][0]["role"], &r["members"][1]["role"]].map(Value::to_string))
    };
    assert_eq!(of(known[0]), Some(["\"active\"", "\"standby\""].map(str::to_owned)));
    // a server by what its partner calls it
    let run = bench.run("drift --computer-name DHCP1.contoso.com").expect_code(0);
    assert!(run.stdout.contains("dhcp1 (Normal) → dhcp2 (Normal)"), "{}", run.stdout);
    bench.run("drift --computer-name dhcp1.fabrikam.com").expect_code(1);
    // a relationship is addressed by its name, whatever is in it
    let home = &bench.home;
    let run = home.run(&["drift", "--json", known[1]]).expect_code(0);
    assert_eq!(scopes(&run.json()).len(), 3);
}

#[test]
fn a_server_of_2012_is_read_and_found_older() {
    let options = few(&["older", "name:0"]).more(&["--quirk-b=2012"]);
    let Some(bench) = Bench::named(options) else { return };
    let report = bench.drift(2);
    // but for what it cannot have: a policy's lease
    for (id, scope) in scopes(&report) {
        let mut wanted = BTreeSet::new();
        if !["10.0.4.0/24", "10.0.5.0/24"].contains(&id.as_str()) {
            wanted.insert("update policies policy Kiosks of scope".to_owned());
        }
        if id == "10.0.0.0/24" {
            wanted.insert("update properties property name of scope".to_owned());
        }
        assert_eq!(shown_changes(scope), wanted, "{id}");
    }
    let found = findings(&report);
    assert!(found.iter().any(|found| found.contains("older") && found.contains("dhcp2")), "{found:#?}");
}

/// What servers do differently from each other is no drift, and drift is found all the same.
#[test]
fn quirks_of_servers_are_met_by_tolerance() {
    let alone =
        ["lower-ns", "upper-bool", "bare-time", "dcom-time", "omi-output", "wrapped", "utf16", "no-option-is-an-error"];
    let together = [vec!["typed", "absent-null", "no-return-value", "bare-type", "upper-bool", "dcom-time", "utf16"]];
    for quirks in alone.map(|quirk| vec![quirk]).into_iter().chain(together) {
        let mut options =
            few(&["lease-duration:0", "policy-lease:1", "dns-value:2", "equal-absent:3", "equal-spelling:4"]);
        options.more = quirks.iter().map(|quirk| format!("--quirk-b={quirk}")).collect();
        let Some(bench) = Bench::up(options) else { return };
        let report = bench.drift(2);
        assert_found(&bench.pair.drift, &report, false);
        assert_eq!(findings(&report), BTreeSet::new(), "{quirks:?}");
    }
}

#[test]
fn membership_that_differs_is_critical() {
    let kinds = [
        "scope-missing:0",
        "scope-gone:1",
        "scope-extra:2",
        "no-relationship:3",
        "not-a-member:4",
        "other-relationship:5",
    ];
    let Some(bench) = Bench::up(WindowsOptions { scopes: 8, ..few(&kinds) }) else { return };
    let report = bench.drift(2);
    let now = states(&report);
    assert_eq!((&*now["10.0.0.0/24"], &*now["10.0.1.0/24"]), ("only_on_source", "only_on_source"));
    assert_eq!(now["172.31.2.0/24"], "only_on_target");
    assert!(!now.contains_key("10.0.3.0/24"), "it is in no relationship");
    let touched = |kind: &str, severity: &str| -> BTreeSet<String> {
        let found = all(&report, "findings").into_iter().filter(|f| f["kind"] == kind && f["severity"] == severity);
        found
            .flat_map(|f| f["scopes"].as_array().expect("scopes"))
            .map(|id| id.as_str().expect("an id").to_owned())
            .collect()
    };
    let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(touched("membership-differs", "critical"), ids(&["10.0.4.0", "10.0.5.0"]));
    assert_eq!(touched("scope-on-one-side", "critical"), ids(&["10.0.0.0", "10.0.1.0", "172.31.2.0"]));
    let listed = bench.run("scopes").expect_code(0).stdout;
    assert!(listed.lines().any(|line| line.contains("10.0.3.0") && line.contains("none")), "{listed}");
}

/// A refusal is never taken for a scope, a reservation or a class that is not there.
#[test]
fn what_is_refused_is_unknown_with_its_reason() {
    let Some(bench) = Bench::named(few(&["name:0"])) else { return };
    let denied = |more: Value| {
        let mut rule =
            json!({"do": "error", "code": "WIN32 5", "message": "Access is denied.", "category": "PermissionDenied"});
        rule.as_object_mut().expect("a rule").extend(more.as_object().expect("more").clone());
        bench.pair.rules(Side::B, json!([rule]));
    };
    let unknown = |wanted: usize, words: &[&str]| {
        let report = bench.drift(3);
        let known = scopes(&report);
        let reasons: Vec<&str> =
            known.values().filter(|s| s["drift"] == "unknown").map(|s| text(s, "reason")).collect();
        assert_eq!((reasons.len(), known.len()), (wanted, 6), "{reasons:?}");
        for reason in reasons {
            assert!(words.iter().all(|word| reason.contains(word)), "{words:?} in {reason}");
        }
        let one_sided = known.values().any(|scope| text(scope, "drift").starts_with("only"));
        assert!(
            !one_sided && !findings(&report).iter().any(|found| found.contains("missing")),
            "{:#?}",
            findings(&report)
        );
    };
    denied(json!({}));
    unknown(6, &["dhcp2", "Access is denied", "WIN32 5"]);
    denied(json!({"class": "DhcpServerv4Scope"}));
    unknown(6, &["dhcp2", "WIN32 5"]);
    denied(json!({"class": "DhcpServerv4Failover"}));
    unknown(6, &["dhcp2", "WIN32 5"]);
    for class in ["Reservation", "Policy", "OptionValue", "DnsSetting"] {
        denied(json!({"class": format!("DhcpServerv4{class}"), "where": {"ScopeId": "10.0.1.0"}}));
        unknown(1, &["dhcp2", "WIN32 5"]);
    }
    denied(json!({"where": {"ReservedIP": "10.0.2.201"}}));
    unknown(1, &["dhcp2", "WIN32 5"]);
    // success, and an empty list that cannot be empty
    bench.pair.rules(Side::B, json!([{"do": "empty", "class": "DhcpServerv4Scope"}]));
    unknown(6, &["dhcp2"]);
    // an error told by the number alone
    bench.pair.rules(Side::B, json!([{"do": "return", "value": 1722, "where": {"ScopeId": "10.0.3.0"}}]));
    unknown(1, &["1722"]);
    // the answer is lost; the calls only read, and one that is lost once is asked again
    bench.pair.rules(Side::B, json!([{"do": "cut-after", "where": {"ScopeId": "10.0.4.0"}}]));
    unknown(1, &["dhcp2"]);
    bench.pair.rules(Side::B, json!([{"do": "cut-before", "skip": 9, "times": 1}]));
    assert_eq!(states(&bench.drift(2)).values().filter(|state| *state == "unknown").count(), 0);
    // too much to do: asked again later
    bench.pair.rules(Side::B, json!([{"do": "fault", "code": 2_150_859_174_u32, "reason": "quota", "times": 2}]));
    assert_eq!(bench.drift(2)["summary"]["unknown"], 0);
    // what surrounds the scopes is not missing because it was not told
    for class in ["Class", "OptionDefinition", "OptionValue", "Policy", "Filter"] {
        let rule = json!({"class": format!("DhcpServerv4{class}")});
        denied(rule);
        let report = bench.run("drift --json").json();
        let found = findings(&report);
        assert!(found.iter().all(|found| !found.contains("is missing")), "{class}: {found:#?}");
        assert!(report.to_string().contains("WIN32 5"), "{class}: the reason is told");
    }
    // and there was nothing amiss with the rest
    bench.pair.rules(Side::B, json!([]));
    assert_eq!(bench.drift(2)["summary"]["drifted"], 1);
}

#[test]
fn answers_that_do_not_fit_are_asked_for_in_parts_or_told() {
    let options = WindowsOptions { scopes: 40, reservations: 120, ..WindowsOptions::with_drift(&["name:7"]) };
    let Some(bench) = Bench::up(options.more(&["--max-envelope-kb=12"])) else { return };
    let report = bench.run("drift --json").json();
    let now = states(&report);
    assert_eq!((now.len(), now["10.0.7.0/24"].as_str()), (40, "drifted"));
    assert!(now.iter().all(|(id, state)| id == "10.0.7.0/24" || state == "in_sync"), "{now:?}");
}

#[test]
fn a_partner_without_an_entry_is_not_configured() {
    let Some(bench) = Bench::up(few(&[])) else { return };
    bench.home.write_config(&bench.pair.entry(Side::A, ""));
    let report = bench.json("relationships", 0);
    for relationship in report["relationships"].as_array().expect("a list") {
        let partner = &relationship["members"][1];
        assert_eq!(
            (text(&relationship["members"][0], "server"), &partner["server"]),
            ("dhcp1", &Value::Null),
            "{partner}"
        );
        assert!(text(partner, "reason").contains("add a [[server]]"), "{partner}");
    }
    let report = bench.drift(3);
    assert!(states(&report).values().all(|state| state == "unknown"));
}

#[test]
fn why_a_partner_could_not_be_read_is_told_wherever_it_is_missing() {
    let Some(bench) = Bench::up(few(&["name:0"])) else { return };
    bench.pair.stop(Side::B);
    let [one, two] = Side::BOTH.map(|side| bench.pair.entry(side, ""));
    const REASON: &str = "nobody listens at";
    for (entry, shown) in [("dhcp2", "not reached"), ("branch", "not read")] {
        let home = &bench.home;
        home.write_config(&(one.clone() + &two.replace("\"dhcp2\"", &format!("{entry:?}"))));
        let report = bench.json("relationships", 3);
        for relationship in report["relationships"].as_array().expect("a list") {
            let partner = relationship["members"].as_array().expect("members").iter().find(|m| m["server"] != "dhcp1");
            let reason = text(partner.expect("a partner"), "reason");
            assert!(reason.starts_with(&format!("{entry}: ")) && reason.contains(REASON), "{reason}");
        }
        let listed = bench.run("relationships").stdout;
        assert!(listed.contains(shown) && !listed.contains("not configured"), "{listed}");
        let run = bench.run("replicate --computer-name dhcp1 --what-if").expect_code(3);
        assert!(run.stdout.contains(REASON) && !run.stdout.contains("not configured"), "{}", run.stdout);
        // once, however many relationships the server is in
        let run = bench.run("drift").expect_code(3);
        assert_eq!((run.stderr.matches(REASON).count(), run.stdout.matches(REASON).count()), (1, 0), "{}", run.stderr);
        let named = run.stdout.matches(&format!("{entry} was not read")).count();
        assert!(named > 1 && !run.stdout.contains("not configured"), "{}", run.stdout);
        let check = bench.run("check --json").expect_code(3).json();
        let partner = check["relationships"][0]["points"][0].clone();
        assert!(text(&partner, "found").contains(REASON), "{partner}");
        let mut terminal = bench.terminal();
        terminal.wait_for("the reason", |view| view.contains("unknown") && view.contains(REASON));
        terminal.keys("q");
        terminal.wait_for_end();
    }
}

#[test]
fn entries_that_reach_each_other_s_servers_are_told_before_anything_is_written() {
    let Some(bench) = Bench::up(few(&["name:0"])) else { return };
    let [one, two] = Side::BOTH.map(|side| bench.pair.entry(side, ""));
    let crossed = one.replace("\"dhcp1\"", "\"dhcp2\"") + &two.replace("\"dhcp2\"", "\"dhcp1\"");
    bench.home.write_config(&crossed);
    let told = ["dhcp1 reached the server that calls itself dhcp2", "dhcp2 reached the server that calls itself dhcp1"];
    let found = findings(&bench.drift(2));
    let crossed = found.iter().filter(|found| told.iter().all(|told| found.contains(told)));
    assert!(crossed.clone().all(|found| found.starts_with("warning crossed-entries both: ")), "{found:#?}");
    assert_eq!(crossed.count(), 1, "{found:#?}");
    let plan = bench.run("replicate --computer-name dhcp1 --what-if").stdout;
    let before = plan.split("to write").next().unwrap_or_default();
    assert!(told.iter().all(|told| before.contains(told)), "{plan}");
    let forced = bench.run("replicate --computer-name dhcp1 --force").expect_code(1);
    assert!(forced.stderr.contains("crossed-entries"), "{}", forced.stderr);
    assert_eq!(states(&bench.drift(2))["10.0.0.0/24"], "drifted", "Force is no word for the other direction");
    let check = bench.run("check --json").json();
    for (server, told) in check["servers"].as_array().expect("servers").iter().zip(told.iter().rev()) {
        let points = server["points"].as_array().expect("points").iter();
        let point = points.clone().find(|point| point["name"] == "identity").expect("an identity");
        assert_eq!((&point["verdict"], text(point, "found").contains(told)), (&"warning".into(), true), "{point}");
    }
}

#[test]
fn computer_name_reaches_the_partner_through_the_first_where_the_login_is_handed_on() {
    let Some(bench) = Bench::up(few(&["name:0"])) else { return };
    let through =
        bench.pair.entry(Side::A, "").replace("\"dhcp1\"", "\"dhcp2\"") + "computer_name = \"dhcp2.contoso.com\"\n";
    bench.home.write_config(&(bench.pair.entry(Side::A, "") + &through));
    let report = bench.drift(3);
    let reason = all(&report, "scopes").first().map(|scope| text(scope, "reason")).unwrap_or_default();
    assert!(reason.contains("WIN32 5"), "NTLM cannot be handed on: {reason}");
    bench.pair.set(Side::A, json!({"second_hop": "allow"}));
    assert_eq!(states(&bench.drift(2))["10.0.0.0/24"], "drifted");
    assert_eq!(bench.pair.call_count(Side::B), 0, "nobody came to the partner itself");
}

/// The points of a server: what was found and what to do, by name.
fn points(report: &Value, server: usize) -> BTreeMap<String, String> {
    let points = report["servers"][server]["points"].as_array().expect("points").iter();
    let line = |point: &Value| format!("{}: {} {}", text(point, "verdict"), text(point, "found"), text(point, "hint"));
    points.map(|point| (text(point, "name").to_owned(), line(point))).collect()
}

#[track_caller]
fn assert_points(report: &Value, server: usize, wanted: &[(&str, &[&str])]) {
    let points = points(report, server);
    for (name, words) in wanted {
        let found = points.get(*name).unwrap_or_else(|| panic!("no {name} among {points:#?}"));
        assert!(words.iter().all(|word| found.contains(word)), "{name}: {words:?} in {found:?}");
    }
}

#[test]
fn check_tells_what_reading_needs_and_what_it_found() {
    let Some(bench) = Bench::up(few(&[]).more(&["--clock-skew=120"])) else { return };
    let report = bench.run("check --json").json();
    assert_points(
        &report,
        0,
        &[
            ("reach", &["ok"]),
            ("authentication", &["warning", "Negotiate (NTLM)", "full name of the domain CONTOSO", "NAME@DOMAIN"]),
            ("dhcp_role", &["ok", "DHCPServer"]),
            ("right_to_read", &["ok", "6 scopes"]),
            ("version", &["ok", "10.0"]),
            ("second_hop", &["warning", "WIN32 5", "NTLM"]),
            ("clock", &["ok"]),
            ("envelope", &["ok", "512000"]),
        ],
    );
    assert!(!points(&report, 0).contains_key("hosts_database"), "nothing is told of what only others have");
    let skew = points(&report, 1)["clock"].clone();
    assert!(
        skew.starts_with("warning") && ["118 s", "119 s", "120 s"].iter().any(|seconds| skew.contains(seconds)),
        "{skew}"
    );
    for side in Side::BOTH {
        let counts = bench.pair.counts(side);
        let writes = |name: &&String| !name.contains(".Get") && !name.starts_with("WQL");
        assert_eq!(counts.keys().filter(writes).count(), 0, "a check only reads: {counts:?}");
    }
    bench.pair.set(Side::A, json!({"second_hop": "allow"}));
    assert_points(&bench.run("check --json").json(), 0, &[("second_hop", &["ok"])]);
    // only a write can tell whether writes are let through, and this one changes nothing
    let before = bench.pair.state(Side::A);
    assert_points(&bench.run("check --json").json(), 0, &[("right_to_write", &["not_asked", "--try-save"])]);
    assert_points(&bench.run("check --json --try-save").json(), 0, &[("right_to_write", &["ok", "probably"])]);
    bench.pair.set(Side::A, json!({"rights": {"alice": "read"}}));
    assert_points(&bench.run("check --json --try-save").json(), 0, &[("right_to_write", &["warning", "WIN32 5"])]);
    assert_eq!(bench.pair.state(Side::A), before);
    // rights are told apart from reach
    bench.pair.set(Side::B, json!({"rights": {"alice": "none"}}));
    let failed: &[&str] = &["failed", "WIN32 5", "a member of DHCP Users"];
    assert_points(&bench.run("check --json").expect_code(3).json(), 1, &[("right_to_read", failed)]);
}

#[test]
fn check_tells_tls_and_why_a_login_was_not_taken() {
    let options = WindowsOptions { tls: true, auth: "negotiate,basic", ..few(&[]) };
    let Some(bench) = Bench::with(options.more(&["--cbt=strict"]), "") else { return };
    let report = bench.run("check --json").json();
    assert_points(
        &report,
        0,
        &[("tls", &["ok"]), ("authentication", &["warning", "Negotiate (NTLM)"]), ("right_to_read", &["ok"])],
    );
    // each by what does not work, and nothing of it is told of the way there
    let untrusted: String = bench
        .pair
        .config("")
        .lines()
        .filter(|line| !line.starts_with("tls_ca"))
        .map(|line| format!("{line}\n"))
        .collect();
    bench.home.write_config(&untrusted);
    let report = bench.run("check --json").expect_code(3).json();
    let wanted: [(&str, &[&str]); 3] =
        [("reach", &["ok"]), ("tls", &["failed", "not trusted", "tls_pin"]), ("authentication", &["not_asked"])];
    assert_points(&report, 0, &wanted);
    let lines = "auth = \"kerberos\"\nkdc = \"127.0.0.1:1\"";
    bench.home.write_config(&bench.pair.config(lines));
    let report = bench.run("check --json").expect_code(3).json();
    let wanted: [(&str, &[&str]); 3] =
        [("reach", &["ok"]), ("tls", &["ok"]), ("authentication", &["failed", "centre 127.0.0.1:1", "port 88"])];
    assert_points(&report, 0, &wanted);
    let basic = bench.pair.config("auth = \"basic\"");
    bench.home.write_config(&basic);
    assert_points(&bench.run("check --json").json(), 0, &[("authentication", &["ok", "Basic"])]);
    std::fs::write(bench.pair.dir().join("password"), "wrong\n").expect("a password file");
    let report = bench.run("check --json").expect_code(3).json();
    assert_points(&report, 0, &[("authentication", &["failed"])]);
    assert!(!points(&report, 0).contains_key("right_to_read"), "nothing is asked of whom we could not tell who we are");
}

#[test]
fn a_refused_password_is_told_once_with_what_to_do() {
    let Some(bench) = Bench::up(few(&[])) else { return };
    std::fs::write(bench.pair.dir().join("wrong"), "no\n").expect("a password file");
    let other = bench.pair.entry(Side::B, "").replace("/password\"", "/wrong\"");
    bench.home.write_config(&(bench.pair.entry(Side::A, "") + &other));
    let once =
        [r#"dhcp2: the user or the password is refused (user "CONTOSO\alice", password from"#, "is the password right"];
    for (more, code) in [("--what-if", 3), ("--force", 1)] {
        let run = bench.run(&format!("replicate --computer-name dhcp1 {more}")).expect_code(code);
        let told = run.stdout + &run.stderr;
        assert_eq!(once.map(|words| told.matches(words).count()), [1, 1], "{told}");
    }
    let run = bench.run("relationships").expect_code(3);
    assert_eq!(run.stdout.matches(once[1]).count(), 1, "{}", run.stdout);
}

#[test]
fn credssp_hands_the_login_on() {
    let options = WindowsOptions { tls: true, auth: "credssp", ..few(&["name:0"]) };
    let Some(bench) = Bench::with(options, "auth = \"credssp\"") else { return };
    assert_eq!(states(&bench.drift(2))["10.0.0.0/24"], "drifted");
    let report = bench.run("check --json").json();
    assert_points(&report, 0, &[("authentication", &["ok", "CredSSP"]), ("second_hop", &["ok"])]);
}

#[test]
fn kerberos_reads_and_a_login_that_is_not_handed_on_stays_here() {
    let Some(kdc) = Kdc::up() else { return };
    let (more, environment) = kdc.for_servers();
    let options = WindowsOptions { auth: "negotiate,kerberos", more, environment, ..few(&["name:0"]) };
    let Some(pair) = WindowsPair::up(options) else { return };
    let home = Home::new();
    for (auth, used) in [("kerberos", "kerberos/kerberos"), ("negotiate", "negotiate/kerberos")] {
        let lines = format!("auth = \"{auth}\"\nkdc = {:?}\n", kdc.address());
        let config = pair.config(&lines).replace(&format!("{:?}", pair.user()), &format!("{:?}", kdc.user()));
        home.write_config(&config);
        let report = home.run(&["drift", "--json"]).expect_code(2).json();
        assert_eq!(states(&report)["10.0.0.0/24"], "drifted", "{auth}");
        let calls = pair.calls(Side::B);
        let last = calls.iter().rev().find(|call| call.cls.is_some()).expect("a call");
        assert_eq!(last.auth.as_deref(), Some(used));
        assert!(last.encrypted, "over HTTP every body is sealed");
    }
}

/// Nothing but the scheme of the configuration, and nothing unsealed over plain HTTP.
#[test]
fn the_password_is_in_no_output_log_or_file() {
    const CANARY: &str = "c4n4ry-winrm";
    let user = format!("CONTOSO\\alice:{CANARY}");
    let options = few(&["name:0", "reservation-missing:1"]).more(&["--record-text", "--user", &user]);
    let Some(bench) = Bench::up(options) else { return };
    let clean = |what: &str, text: &[u8]| {
        let found = text.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{what} holds the password:\n{}", String::from_utf8_lossy(text));
    };
    let log = bench.home.path().join("log");
    for line in [
        "drift",
        "drift --json",
        "relationships",
        "scopes --json",
        "check",
        "check --json",
        "replicate --computer-name dhcp1 --what-if",
    ] {
        let mut command = bench.home.scopesync(&line.split(' ').collect::<Vec<_>>());
        let output = command.env("SCOPESYNC_LOG", &log).env("SCOPESYNC_LOG_LEVEL", "trace").output().expect("it runs");
        clean(line, &output.stdout);
        clean(line, &output.stderr);
    }
    std::fs::write(bench.pair.dir().join("password"), format!("{CANARY}-wrong\n")).expect("a password file");
    let output = bench.run("drift --json");
    clean("a refusal", output.stdout.as_bytes());
    clean("a refusal", output.stderr.as_bytes());
    clean("the log", &std::fs::read(&log).expect("the log"));
    for side in Side::BOTH {
        for call in bench.pair.calls(side) {
            clean("a call", call.soap.unwrap_or_default().as_bytes());
            assert!(call.encrypted || call.cls.is_none(), "unsealed: {:?}", call.method);
        }
    }
    let state = bench.home.state();
    for entry in std::fs::read_dir(&state).into_iter().flatten().flatten().filter(|entry| entry.path().is_file()) {
        clean("the state folder", &std::fs::read(entry.path()).expect("a file"));
    }
}

#[test]
fn a_fleet_of_kea_files_and_windows_servers_is_one_list() {
    let Some(bench) = Bench::up(few(&["name:0"])) else { return };
    let kea = PairOptions { subnets: 4, ..PairOptions::with_drift(&["lifetime:1"]) };
    let Some(files) = PairFiles::write(&kea) else { return };
    let config = by_file([&files.paths[0], &files.paths[1]]) + &bench.pair.config("");
    bench.home.write_config(&config);
    let report = bench.drift(2);
    assert_eq!((&report["summary"]["scopes"], &report["summary"]["drifted"]), (&10.into(), &2.into()));
    assert_eq!(report["relationships"].as_array().map(Vec::len), Some(4));
    assert_eq!(report["servers"].as_array().map(Vec::len), Some(4));
    // one family's trouble leaves the other alone
    bench.pair.stop(Side::B);
    let report = bench.drift(3);
    assert_eq!((&report["summary"]["drifted"], &report["summary"]["unknown"]), (&1.into(), &6.into()));
    let listed = bench.run("relationships").stdout;
    assert!(listed.contains("kea-1") && listed.contains("dhcp1"), "{listed}");
}

#[test]
fn the_screen_lists_scopes_first_and_checks_until_all_is_known() {
    let Some(bench) = Bench::up(few(&["name:0", "reservation-option:1"])) else { return };
    // only relationships and scopes are told
    let names =
        ["Reservation", "OptionValue", "OptionDefinition", "Policy", "PolicyIPRange", "DnsSetting", "ExclusionRange"];
    let names = names.into_iter().chain(["Class", "Filter", "FilterList"]).map(|name| format!("DhcpServerv4{name}"));
    let names = names.chain(["DhcpServerVersion".to_owned(), "DhcpServerSetting".to_owned()]);
    let hold: Vec<Value> = names.map(|class| json!({"do": "hold", "class": class})).collect();
    for side in Side::BOTH {
        bench.pair.rules(side, json!(hold));
    }
    let mut terminal = bench.terminal();
    terminal.wait_for_text("dhcp-master<-->dhcp-node");
    terminal.keys("Z");
    let view = terminal.wait_for("a scope to be checked", |view| view.contains("Floor 0") && view.contains("checking"));
    assert!(view.contains("10.0.1.0") && view.contains("10.0.4.0"), "{view}");
    for side in Side::BOTH {
        let mut trips: BTreeMap<String, usize> = BTreeMap::new();
        bench.pair.calls(side).into_iter().for_each(|call| *trips.entry(call.conn).or_default() += 1);
        assert!(trips.values().all(|trips| *trips <= 5), "the first scopes need more round trips: {trips:?}");
    }
    // all but the options of one reservation
    for side in Side::BOTH {
        bench.pair.rules(side, json!([{"do": "hold", "where": {"ReservedIP": "10.0.1.201"}}]));
    }
    let drifted = |view: &View| view.text().matches("1/3 drifted").count();
    terminal.wait_for("all but one", |view| view.contains("checking 1 of 3") && drifted(view) == 1);
    for side in Side::BOTH {
        bench.pair.rules(side, json!([]));
    }
    terminal.wait_for("all", |view| !view.contains("checking") && drifted(view) == 2);
    terminal.keys("q");
    let end = terminal.wait_for_end();
    end.assert_restored();
    assert_eq!(end.status.code(), Some(0), "{}", end.view);
}

/// So many calls go on side by side as the configuration says, and no more.
#[test]
fn calls_go_side_by_side() {
    for (lines, at_once) in [("", 4), ("connections = 2\n", 2)] {
        let options = WindowsOptions { scopes: 10, reservations: 20, ..WindowsOptions::default() };
        let Some(bench) = Bench::with(options, lines) else { return };
        for side in Side::BOTH {
            bench.pair.rules(side, json!([{"do": "hold", "class": "DhcpServerv4Reservation"}]));
        }
        std::thread::scope(|scope| {
            let report = scope.spawn(|| bench.drift(0));
            wait_for("a call on every connection", Duration::from_secs(60), || {
                Side::BOTH.iter().all(|side| bench.pair.most_at_once(*side) == at_once)
            });
            for side in Side::BOTH {
                bench.pair.rules(side, json!([]));
            }
            report.join().expect("a report");
        });
        assert_eq!(Side::BOTH.map(|side| bench.pair.most_at_once(side)), [at_once; 2]);
    }
}
