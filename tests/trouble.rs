//! Pairs in trouble: recognised, explained with their drift, and brought back.
// A test may fail as a test may.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::fake::{self, FakeJournal, FakeServer, OnReset, pair, scope};
use scopesync::engine::approval::{Approved, Questions, Switches};
use scopesync::engine::fleet::Fleet;
use scopesync::engine::port::{Control, Owner, RunKind};
use scopesync::engine::progress::Progress;
use scopesync::engine::reset::{self, Fate, ResetPlan, ResetReport};
use serde_json::json;

fn terminated() -> (FakeServer, FakeServer) {
    let same = || vec![scope("10.0.1.0/24", &[("id", json!(1))])];
    let servers = pair(same(), same());
    for server in [&servers.0, &servers.1] {
        server.inner().state = Some("terminated");
    }
    servers
}

async fn plan(fleet: &Fleet, overrides: &[&str]) -> ResetPlan {
    let survey = fleet.survey(&Control::free()).await;
    let overrides = overrides.iter().map(|name| (*name).to_owned()).collect();
    ResetPlan::make(fleet, &survey, &survey.relationships[0], overrides, &Control::free()).await
}

fn approve(plan: &ResetPlan) -> Approved {
    let switches = Switches { force: true, ..Switches::default() };
    let questions = Questions::new(&plan.digest, vec![plan.name.clone()], "op", switches, plan.overrides.clone());
    questions.into_approved().remove(0)
}

async fn run(servers: &(FakeServer, FakeServer), overrides: &[&str]) -> (ResetReport, FakeJournal) {
    let fleet = fake::fleet(servers);
    let plan = plan(&fleet, overrides).await;
    let journal = FakeJournal::default();
    let report = reset::run(&fleet, &plan, &approve(&plan), &journal, &Control::free()).await;
    (report, journal)
}

fn told(report: &ResetReport) -> Vec<(Fate, String)> {
    report.sides.iter().map(|side| (side.fate, side.words(&report.mode))).collect()
}

#[tokio::test]
async fn both_servers_are_reset_once_and_waited_for() {
    let servers = terminated();
    let (report, journal) = run(&servers, &[]).await;
    assert_eq!(report.exit_status(), 0, "{:?}", told(&report));
    assert!(report.sides.iter().all(|side| side.after.is_some()) && report.remarks.is_empty());
    assert_eq!((servers.0.writes(), servers.1.writes()), (vec!["reset one".to_owned()], vec!["reset two".to_owned()]));
    let kinds: Vec<String> =
        journal.records.lock().unwrap().iter().map(|text| text.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["begin", "end"]);
    let document = report.to_json();
    assert_eq!(document["schema"], "scopesync.reset/1");
    assert_eq!(document["servers"][1]["outcome"], "in_service");
}

#[tokio::test]
async fn a_refusal_leaves_the_other_server_without_a_partner_and_says_so() {
    let servers = terminated();
    servers.1.inner().on_reset = OnReset::Refuse;
    let (report, _) = run(&servers, &[]).await;
    let told = told(&report);
    assert_eq!(told[1].0, Fate::NotInService);
    assert!(told[1].1.contains("it refused the reset: no"), "{told:?}");
    assert_eq!(report.exit_status(), 3);
}

#[tokio::test]
async fn one_server_alone_waits_out_of_service_and_the_report_warns() {
    let servers = terminated();
    servers.0.inner().on_reset = OnReset::Obey;
    servers.1.inner().on_reset = OnReset::LoseRequest;
    let fleet = fake::fleet(&servers);
    let plan = plan(&fleet, &[]).await;
    // a partner that still is terminated is none: one stays in waiting
    let held = servers.0.clone();
    let holding = tokio::spawn(async move {
        loop {
            {
                let mut inner = held.inner();
                if inner.state == Some("waiting") {
                    inner.next_states = vec!["waiting"; 1000];
                }
            }
            tokio::task::yield_now().await;
        }
    });
    let report = reset::run(&fleet, &plan, &approve(&plan), &FakeJournal::default(), &Control::free()).await;
    holding.abort();
    let told = told(&report);
    assert_eq!((told[0].0, told[1].0), (Fate::NotInService, Fate::NotInService), "{told:?}");
    assert!(told[1].1.contains("its state does not show that it was reset"), "{told:?}");
    assert_eq!(report.remarks, ["one gives NO DHCP while two is not reset: reset both again at once"]);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_until_the_state_was_asked() {
    let servers = terminated();
    servers.1.inner().on_reset = OnReset::LoseAnswer;
    let (report, _) = run(&servers, &[]).await;
    let said = told(&report);
    assert_eq!((report.exit_status(), said[1].0), (0, Fate::InService));
    assert!(said[1].1.contains("its state shows that it was reset"), "{said:?}");

    let servers = terminated();
    servers.1.inner().on_reset = OnReset::Vanish;
    let (report, _) = run(&servers, &[]).await;
    let said = told(&report);
    assert_eq!((report.exit_status(), said[1].0), (3, Fate::Unknown));
    assert!(said[1].1.contains("whether it was reset is not known"), "{said:?}");
    assert!(said[1].1.contains("its state cannot be asked: no answer"), "{said:?}");
}

#[tokio::test]
async fn what_stands_against_a_reset_has_a_name() {
    let names = |plan: &ResetPlan| plan.refusals.iter().map(|r| (r.name, r.overridable)).collect::<Vec<_>>();
    let servers = terminated();
    let fleet = fake::fleet(&servers);
    assert_eq!(names(&plan(&fleet, &[]).await), []);

    servers.0.inner().scopes.insert("10.0.2.0/24".parse().unwrap(), scope("10.0.2.0/24", &[("id", json!(2))]));
    let drifted = plan(&fleet, &[]).await;
    assert_eq!(names(&drifted), [("drift", true)]);
    assert_eq!(drifted.refusals[0].message, "it would terminate again: two lacks 10.0.2.0");
    assert!(!drifted.is_open() && drifted.clone().with_overrides(BTreeSet::from(["drift".to_owned()])).is_open());

    for server in [&servers.0, &servers.1] {
        server.inner().state = None;
    }
    assert_eq!(names(&plan(&fleet, &[]).await), [("not-in-trouble", true), ("drift", true)]);

    let mut read_only = terminated();
    read_only.1.read_only = true;
    assert_eq!(names(&plan(&fake::fleet(&read_only), &[]).await), [("read-only", false)]);

    let unread = terminated();
    unread.1.inner().gone = true;
    assert_eq!(names(&plan(&fake::fleet(&unread), &[]).await), [("not-read", false)]);
}

#[tokio::test]
async fn nothing_is_sent_without_the_right_approval_or_a_journal_or_when_it_is_over() {
    let servers = terminated();
    let fleet = fake::fleet(&servers);
    let planned = plan(&fleet, &[]).await;
    let free = Control::free();
    let other = approve(&planned.clone().with_overrides(BTreeSet::from(["drift".to_owned()])));
    let report = reset::run(&fleet, &planned, &other, &FakeJournal::default(), &free).await;
    assert_eq!(
        (report.exit_status(), report.remarks.as_slice()),
        (1, ["nothing was sent: the approval was for another plan".to_owned()].as_slice())
    );

    let full = FakeJournal { fails_at: Some("begin"), ..FakeJournal::default() };
    let report = reset::run(&fleet, &planned, &approve(&planned), &full, &free).await;
    assert_eq!((report.exit_status(), report.remarks[0].as_str()), (1, "nothing was sent: no room"));

    let cancelled = Control::free();
    cancelled.soft.cancel();
    let report = reset::run(&fleet, &planned, &approve(&planned), &FakeJournal::default(), &cancelled).await;
    assert_eq!((report.exit_status(), report.remarks[0].as_str()), (1, "nothing was sent: cancelled"));

    let unkept = FakeJournal { fails_at: Some("ready"), ..FakeJournal::default() };
    let refused = planned.clone().kept_by(&unkept);
    let told: Vec<_> = refused.standing_refusals().map(|refusal| (refusal.name, refusal.message.as_str())).collect();
    assert_eq!((told, refused.digest == planned.digest), (vec![("no-history", "no room")], false));

    for server in [&servers.0, &servers.1] {
        server.inner().state = None;
    }
    let report = reset::run(&fleet, &planned, &approve(&planned), &FakeJournal::default(), &free).await;
    assert!(report.remarks[0].starts_with("nothing was sent: neither server is terminated any more"), "{report:?}");
    assert!(servers.0.writes().is_empty() && servers.1.writes().is_empty());
}

#[tokio::test]
async fn a_reset_waits_for_a_run_on_its_servers_and_says_for_whom() {
    let servers = terminated();
    let fleet = fake::fleet(&servers);
    let planned = plan(&fleet, &[]).await;
    let owner = Owner { run: "of-another".into(), user: "ann".into(), ..Owner::default() };
    let journal = FakeJournal { held: Some(owner).into(), ..FakeJournal::default() };
    for cancel in [true, false] {
        let (progress, mut status) = Progress::channel();
        let ctl = Control { progress, ..Control::free() };
        let approved = approve(&planned);
        let run = reset::run(&fleet, &planned, &approved, &journal, &ctl);
        let meanwhile = async {
            let waits = status.wait_for(|status| status.waiting.is_some());
            let status = tokio::time::timeout(Duration::from_secs(30), waits).await.unwrap().unwrap().clone();
            let told = status.waiting.unwrap().for_what;
            assert!(told.contains("used by run of-another of ann"), "{told}");
            assert!(servers.0.writes().is_empty() && servers.1.writes().is_empty());
            match cancel {
                true => ctl.soft.cancel(),
                false => *journal.held.lock().unwrap() = None,
            }
        };
        let (report, ()) = tokio::join!(run, meanwhile);
        assert_eq!(report.exit_status(), if cancel { 1 } else { 0 }, "{:?}", told(&report));
        if cancel {
            assert!(report.remarks[0].contains("cancelled while run of-another of ann"), "{:?}", report.remarks);
            assert!(servers.0.writes().is_empty() && servers.1.writes().is_empty());
        }
    }
}

mod on_screen {
    use super::*;
    use common::screen::Program;
    use scopesync::app::state::{Tone, View};
    use scopesync::show;

    fn message(program: &Program) -> String {
        program.state.message.as_ref().map(|(_, text)| text.clone()).unwrap_or_default()
    }

    fn banner(program: &Program) -> (Tone, String) {
        program.state.notices.line().expect("a banner")
    }

    /// A scope that `two` lacks, in a terminated pair.
    fn drifted() -> (FakeServer, FakeServer) {
        let servers = terminated();
        servers.0.inner().scopes.insert("10.0.2.0/24".parse().unwrap(), scope("10.0.2.0/24", &[("id", json!(2))]));
        servers
    }

    #[test]
    fn the_way_back_on_the_screen() {
        let servers = drifted();
        let mut program = Program::ready(fake::fleet(&servers), 100, 30);
        let text = program.text();
        assert!(text.contains("one TERMINATED → two TERMINATED") && text.contains("one → two, TERMINATED"), "{text}");
        assert!(text.contains("critical (both sides): one and two are terminated"), "{text}");
        program.press("f Down Down Down Enter");
        insta::assert_snapshot!("finding", program.text());
        program.press("Esc Esc Esc H");
        assert!(program.text().contains("REFUSED, drift"), "{}", program.text());
        assert!(!program.text().contains("y yes") && program.text().contains("o override"), "{}", program.text());
        program.wait(300);
        program.press("y");
        assert!(message(&program).contains("the reset is refused"), "{}", message(&program));
        program.press("Esc r");
        let text = program.text();
        assert!(text.contains("are terminated: each goes on") && text.contains("1. replicate 10.0.2.0"), "{text}");
        program.wait(300);
        program.press("y");
        let (tone, text) = banner(&program);
        let left = "one-two: STILL TERMINATED, H resets both servers; 1 replicated, 1 unchanged";
        assert!(tone == Tone::Warning && text.contains(left), "{text}");
        program.press("J");
        let text = program.text();
        assert!(text.contains("] STILL TERMINATED, H resets both servers; 1 replicated"), "{text}");
        assert!(text.contains("still terminated: one, two; H resets both servers"), "{text}");
        program.press("Esc H");
        insta::assert_snapshot!("reset_closed", program.picture());
        program.press("y");
        assert!(message(&program).contains("answers count 300 ms after"), "{}", message(&program));
        program.wait(300);
        assert!(program.text().contains("y yes   n no"), "{}", program.text());
        program.type_keys("y J");
        program.draw();
        assert!(program.text().contains("one-two: reset of one and two"), "{}", program.text());
        assert_eq!(program.asked.last().unwrap(), "reset one-two");
        program.settle();
        let text = program.text();
        assert!(text.contains("] one in service after") && program.state.notices.is_empty(), "{text}");
        program.press("l");
        let text = program.text();
        assert!(text.contains("] 1 replicated") && !text.to_lowercase().contains("still terminated"), "{text}");
        program.press("Esc H");
        assert!(message(&program).contains("H: one-two is not terminated"), "{}", message(&program));
        assert!(!program.text().contains("H reset"), "{}", program.text());
    }

    #[test]
    fn what_if_only_shows_and_force_still_asks() {
        let servers = terminated();
        let mut program = Program::ready(fake::fleet(&servers), 100, 30);
        program.press("W H");
        program.wait(300);
        assert!(program.text().contains("Nothing can be reset: WhatIf"), "{}", program.text());
        program.press("y Esc W F H");
        assert!(matches!(program.state.view, View::Reset(_)), "a reset is asked about under Force too");
        program.wait(300);
        program.press("n");
        assert_eq!(message(&program), "declined: nothing was reset");
        assert!(servers.0.writes().is_empty() && program.asked == ["declined"], "{:?}", program.asked);
    }

    #[test]
    fn an_override_asks_anew() {
        let servers = drifted();
        let mut program = Program::ready(fake::fleet(&servers), 100, 30);
        program.press("H o");
        assert!(program.text().contains("overridden, drift"), "{}", program.text());
        program.type_keys("y");
        assert!(program.asked.is_empty(), "the text is another one: it has to be read");
        program.wait(300);
        program.wait(300);
        program.press("y");
        assert_eq!(program.asked, ["reset one-two"]);
    }

    #[test]
    fn the_result_is_told_after_the_screen() {
        let servers = terminated();
        servers.1.inner().on_reset = OnReset::Refuse;
        let fleet = fake::fleet(&servers);
        let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let plan = threads.block_on(plan(&fleet, &[]));
        let report =
            threads.block_on(reset::run(&fleet, &plan, &approve(&plan), &FakeJournal::default(), &Control::free()));
        let lines: Vec<String> = show::reset_report(&report).iter().map(show::Line::text).collect();
        assert_eq!(lines[0], "one-two  reset");
        assert!(lines[2].starts_with("  two  NOT in service: terminated:"), "{lines:?}");
    }
}

/// On real servers.
#[cfg(all(unix, feature = "kea"))]
mod live {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use common::pair::{Mode, Pair, PairOptions, Side, Version, wait_for};
    use common::program::Home;
    use common::terminal::Start;

    const NAME: &str = "server1-server2";

    fn drifted(options: PairOptions) -> Option<Pair> {
        Pair::up(PairOptions { dhcp: true, drift: vec!["subnet-missing".into()], ..options })
    }

    fn states(pair: &Pair) -> Vec<String> {
        Side::BOTH.iter().filter_map(|side| pair.ha_state(*side)).collect()
    }

    #[test]
    fn a_terminated_pair_is_explained_repaired_and_brought_back() {
        let Some(pair) = drifted(PairOptions::default()) else { return };
        assert_eq!(pair.terminate(), ["terminated", "terminated"]);
        let missing = pair.drift[0].scope.clone().expect("a scope").replace("/24", "");
        let home = Home::of(&pair);

        let listed = home.run(&["relationships"]).expect_code(0).stdout;
        assert!(listed.contains("terminated: no lease updates until reset"), "{listed}");
        assert!(listed.contains(&format!("kea-2 lacks {missing}")), "{listed}");
        let document = home.run(&["relationships", "--json"]).expect_code(0).json();
        let trouble = &document["relationships"][0]["trouble"];
        assert_eq!(trouble["condition"], "terminated");
        assert_eq!(trouble["causes"], json!([{ "cause": "scopes-missing", "server": "kea-2", "scopes": [missing] }]));
        let document = home.run(&["drift", "--json"]).expect_code(2).json();
        let finding = &document["relationships"][0]["findings"][0];
        assert_eq!((&finding["kind"], &finding["severity"]), (&json!("terminated"), &json!("critical")));
        let message = finding["message"].as_str().expect("a message");
        assert!(message.contains("after 10 such clients (max-rejected-lease-updates)"), "{message}");

        let refused = home.run(&["ha-reset", NAME, "--force"]).expect_code(1).stderr;
        assert!(refused.contains("nothing was sent: drift: it would terminate again"), "{refused}");
        assert_eq!(states(&pair), ["terminated", "terminated"]);

        let written = home.run(&["replicate", "--computer-name", "kea-1", "--force"]).expect_code(0);
        assert_eq!(written.stdout.trim(), missing);
        assert!(written.stderr.contains("kea-1 and kea-2 are still terminated"), "{}", written.stderr);
        assert!(written.stderr.contains(&format!("next: scopesync ha-reset {NAME}")), "{}", written.stderr);
        assert!(written.stderr.contains("no DHCP from kea-1 and kea-2 for about 450 ms"), "{}", written.stderr);
        assert_eq!(states(&pair), ["terminated", "terminated"], "writing scopes moves no state");

        let document = home.run(&["ha-reset", NAME, "--force", "--json"]).expect_code(0).json();
        assert!(pair.in_service(), "{:?}", states(&pair));
        let seconds: Vec<f64> = document["servers"].as_array().expect("servers").iter().map(took).collect();
        // three heartbeats as a rule; a busy machine is slow
        assert!(seconds.iter().all(|took| (0.15..5.0).contains(took)), "{seconds:?}");
        let history = home.history();
        let kept = history.run("latest").expect("the reset");
        let documents = history.documents(&kept).expect("its documents");
        assert_eq!((kept.kind, &documents.plan["schema"]), (RunKind::Reset, &"scopesync.reset-plan/1".into()));
        let report = documents.report.expect("its report");
        assert_eq!((&report["servers"][0]["outcome"], documents.approvals.len()), (&"in_service".into(), 1));
        let again = home.run(&["ha-reset", NAME, "--force"]).expect_code(1).stderr;
        assert!(again.contains("not-in-trouble"), "{again}");
    }

    fn took(server: &Value) -> f64 {
        assert_eq!(server["outcome"], "in_service", "{server}");
        server["seconds"].as_f64().expect("seconds")
    }

    #[test]
    fn the_way_back_in_the_interactive_program() {
        let Some(pair) = drifted(PairOptions::default()) else { return };
        pair.terminate();
        let home = Home::of(&pair);
        let args = ["--config".into(), home.config().into_os_string()];
        let mut terminal = Start::scopesync().args(args).home(&home).size(120, 36).start();
        terminal.wait_for_text("1/10 drifted");
        terminal.wait_for_text("H reset");
        terminal.keys("a r");
        terminal.wait_for_text("y yes   a yes to all");
        terminal.keys("y");
        terminal.wait_for_text("STILL TERMINATED, H resets both servers");
        terminal.wait_for_text("1 critical");
        terminal.keys("H");
        terminal.wait_for_text("Cost: no DHCP from kea-1 and kea-2 for about 450 ms");
        terminal.wait_for_text("y yes   n no");
        terminal.keys("y");
        terminal.wait_for_text("done: reset of server1-server2: kea-1 in service after");
        let view = terminal.wait_for_text("in sync, 10 scopes");
        assert!(!view.contains("H reset") && pair.in_service(), "{view}");
        terminal.keys("q");
        let end = terminal.wait_for_end();
        end.assert_restored();
        assert_eq!(end.code(), Some(0));
    }

    /// Who can only be written as a whole is reset first, drift or not, and written at once.
    #[test]
    fn a_target_that_is_written_as_a_whole_is_reset_in_spite_of_the_drift() {
        let Some(pair) = drifted(PairOptions::default()) else { return };
        assert_eq!(pair.terminate(), ["terminated", "terminated"]);
        let home = Home::of(&pair);
        let config = std::fs::read_to_string(home.config()).expect("the configuration");
        home.write_config(&config.replace("kind = ", "writer = \"whole-configuration\"\nkind = "));
        let replicate = ["replicate", "--computer-name", "kea-1", "--force"];

        let before = pair.config_hashes();
        let refused = home.run(&replicate).expect_code(1);
        assert!(refused.stderr.contains("partner-terminated") && refused.stdout.is_empty(), "{}", refused.stderr);
        let way = home.run(&["drift", "--json"]).expect_code(2).json();
        let steps = way["relationships"][0]["trouble"]["steps"].to_string();
        assert!(steps.contains("reset first in spite of the drift, and replicate at once"), "{way:#}");
        assert_eq!((pair.config_hashes(), states(&pair)), (before, vec!["terminated".to_owned(); 2]));

        let reset = home.run(&["ha-reset", NAME, "--force", "--override", "drift"]).expect_code(0);
        assert!(reset.stderr.contains("overridden, drift") && pair.in_service(), "{}", reset.stderr);
        let written = home.run(&replicate).expect_code(0);
        assert_eq!(written.stdout.trim(), pair.drift[0].scope.as_deref().expect("a scope").trim_end_matches("/24"));
        assert!(!written.stderr.contains("still terminated"), "{}", written.stderr);
        assert!(pair.in_service(), "{:?}", states(&pair));
        home.run(&["drift"]).expect_code(0);
        assert!(home.run(&["relationships"]).expect_code(0).stdout.contains("load-balancing"));
    }

    /// Kea 2.2 takes a refused lease for a broken partner.
    #[test]
    fn communication_recovery_is_explained_and_passes() {
        let heartbeat = 4000;
        let options = PairOptions { version: Version::Installed, heartbeat, ..PairOptions::default() };
        let Some(pair) = drifted(options) else { return };
        let terminated = pair.terminate();
        assert!(terminated.contains(&"communication-recovery".to_owned()), "{terminated:?}");
        let home = Home::of(&pair);
        let document = home.run(&["drift", "--json"]).json();
        let finding = &document["relationships"][0]["findings"][0];
        assert_eq!((&finding["kind"], &finding["severity"]), (&json!("communication-recovery"), &json!("critical")));
        let message = finding["message"].as_str().expect("a message");
        assert!(message.contains("kea-2 lacks") && message.contains("for a broken partner"), "{message}");
        assert!(finding["hint"].as_str().expect("a hint").contains("with its next heartbeat (4 s)"), "{finding}");
        wait_for("the next heartbeat", Duration::from_secs(20), || pair.in_service());
    }

    /// A hub is in several relationships, and only the one that is meant begins anew.
    #[test]
    fn one_relationship_of_a_hub_is_reset() {
        let options = PairOptions { hub: true, mode: Mode::HotStandby, ..PairOptions::default() };
        let Some(pair) = Pair::up(options) else { return };
        let home = Home::new();
        let servers = [("hub", Side::A), ("berlin", Side::B), ("hamburg", Side::C)];
        let entry = |(name, side): (&str, Side)| {
            format!(
                "[[server]]\nname = \"{name}\"\nkind = \"kea\"\nsocket = {:?}\n",
                pair.socket(side).display().to_string()
            )
        };
        home.write_config(&servers.map(entry).join("\n"));
        let transitions = |name: &str| {
            let log = std::fs::read_to_string(&pair.server(Side::A).log).expect("the hub's log");
            log.lines().filter(|line| line.contains("HA_STATE_TRANSITION") && line.contains(name)).count()
        };
        let before = [transitions("hub-b"), transitions("hub-c")];
        let command = ["ha-reset", "spoke-c-hub-c", "--force", "--override", "not-in-trouble"];
        let ran = home.run(&command).expect_code(0);
        assert!(ran.stderr.contains("hub is missed in 1 other relationship as long"), "{}", ran.stderr);
        assert!(pair.in_service());
        assert_eq!(transitions("hub-b"), before[0], "the other relationship goes on");
        assert!(transitions("hub-c") > before[1]);
    }
}
