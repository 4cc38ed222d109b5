//! What changes between the preview and the write is never overwritten: the plan is refused as
//! a whole before the first write, and a scope alone after it.
//!
//! On real pairs, through the library, as only there something can happen in between.
#![cfg(all(unix, feature = "kea", feature = "program"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::time::Duration;

use common::bench::{Bench, Form};
use common::library;
use common::pair::{Pair, PairOptions, Side};
use scopesync::engine::fleet::Fleet;
use scopesync::engine::outcome::{Outcome, RunReport};
use scopesync::engine::plan::Plan;
use scopesync::engine::port::Control;
use scopesync::engine::progress::Progress;
use scopesync::show::{self, ScopeNames};
use serde_json::json;

fn bench(form: Form, scopes: u32) -> Option<Bench> {
    // the last scope of all is the same on both sides
    let drift = (0..scopes - 1).map(|at| format!("lifetime:{at}")).collect();
    Bench::up(form, PairOptions { subnets: scopes, reservations: scopes, drift, ..PairOptions::default() })
}

fn live(bench: &Bench) -> &Pair {
    bench.pair().expect("a live pair")
}

async fn plan(fleet: &Fleet) -> Plan {
    library::plan_from(fleet, "kea-1").await
}

async fn execute(bench: &Bench, fleet: &Fleet, plan: &Plan, ctl: &Control) -> RunReport {
    library::execute(&bench.home, fleet, plan, ctl).await
}

/// Somebody else changes a scope: its lifetime, which takes all three values once they are pinned.
fn meddle(pair: &Pair, side: Side, at: u32) {
    let mut subnet = json!({"id": at + 1, "subnet": format!("10.0.{at}.0/24")});
    for key in ["valid-lifetime", "min-valid-lifetime", "max-valid-lifetime"] {
        subnet[key] = 7777.into();
    }
    pair.ok(side, "subnet4-delta-add", json!({ "subnet4": [subnet] }));
}

#[tokio::test]
async fn a_scope_that_moved_since_the_preview_refuses_the_whole_plan() {
    // of the target, a writer of whole configurations looks only once the run has begun
    for (lines, begun) in [("", 0), ("writer = \"whole-configuration\"", 1)] {
        let Some(bench) = bench(Form::LoadBalancing, 6) else { return };
        bench.configure(lines);
        let fleet = library::fleet(&bench.home);
        for (side, word) in [(Side::A, "source"), (Side::B, "target")] {
            let plan = plan(&fleet).await;
            assert_eq!(plan.scopes_to_write(), 5);
            meddle(live(&bench), side, 2);
            let before = bench.marks();
            let report = execute(&bench, &fleet, &plan, &Control::free()).await;
            assert_eq!(report.exit_status(), 1);
            let said: Vec<_> = report.scopes().filter(|scope| scope.outcome == Outcome::Rejected).collect();
            assert_eq!(said.len(), 5);
            for scope in said {
                let message = scope.message.as_deref().expect("a message");
                let expected = format!("10.0.2.0/24: the {word} has changed since the plan was made");
                assert!(message.contains(&expected), "{message}");
            }
            assert_eq!(bench.marks(), before, "nothing was written");
            assert_eq!(bench.home.runs(), if side == Side::A { 0 } else { begun }, "{lines} {word}");
        }
        // a scope that is not in the plan may move
        let plan = plan(&fleet).await;
        for side in Side::BOTH {
            meddle(live(&bench), side, 5);
        }
        let report = execute(&bench, &fleet, &plan, &Control::free()).await;
        assert_eq!((report.exit_status(), report.counts()[&Outcome::Replicated]), (0, 4), "{report:?}");
        bench.run("drift").expect_code(0);
    }
}

#[tokio::test]
async fn what_surrounds_a_scope_belongs_to_the_plan() {
    let Some(bench) = bench(Form::HotStandby, 6) else { return };
    let fleet = library::fleet(&bench.home);
    let plan = plan(&fleet).await;
    // scope 1 has a range that only this class may use
    let class = json!({"name": "voip", "test": "substring(option[60].hex,0,4) == 'OTHR'"});
    live(&bench).ok(Side::B, "class-update", json!({ "client-classes": [class] }));
    let before = bench.marks();
    let report = execute(&bench, &fleet, &plan, &Control::free()).await;
    assert_eq!(report.exit_status(), 1, "{report:?}");
    assert_eq!(bench.marks(), before);
}

#[tokio::test]
async fn a_file_that_changed_since_the_preview_is_left_alone() {
    let Some(bench) = bench(Form::Files, 6) else { return };
    let fleet = library::fleet(&bench.home);
    let path = bench.files().expect("files")[1].clone();
    let text = std::fs::read_to_string(&path).expect("the file");
    let edit = |from: &str, to: &str| std::fs::write(&path, text.replace(from, to)).expect("a change");
    let plan = plan(&fleet).await;
    edit("10.0.2.10", "10.0.2.99");
    let before = bench.marks();
    let report = execute(&bench, &fleet, &plan, &Control::free()).await;
    assert_eq!((report.exit_status(), bench.marks()), (1, before), "{report:?}");
    let told: String = show::report(&report, &ScopeNames::default()).iter().map(|line| line.text() + "\n").collect();
    assert!(told.contains("5 scopes rejected: nothing was written: scope 10.0.2.0/24"), "{told}");
    assert_eq!(told.matches("has changed since").count(), 1, "the reason is told once: {told}");

    // a change elsewhere in the file leaves the plan right, and is kept
    edit("10.0.5.10", "10.0.5.99");
    let report = execute(&bench, &fleet, &plan, &Control::free()).await;
    assert_eq!(report.exit_status(), 0, "{report:?}");
    assert!(bench.subnets(Side::B)["10.0.5.0/24"].to_string().contains("10.0.5.99"));
}

#[tokio::test]
async fn later_a_scope_that_moved_is_refused_alone() {
    let Some(bench) = bench(Form::LoadBalancing, 60) else { return };
    let fleet = library::fleet(&bench.home);
    let plan = plan(&fleet).await;
    let (progress, mut status) = Progress::channel();
    let ctl = Control { progress, ..Control::free() };
    // somebody changes the last scope of the plan when the first is done
    let meddling = async {
        let first_done = status.wait_for(|status| status.scopes_done > 0);
        tokio::time::timeout(Duration::from_secs(30), first_done).await.expect("in time").expect("a run");
        meddle(live(&bench), Side::B, 58);
    };
    let (report, ()) = tokio::join!(execute(&bench, &fleet, &plan, &ctl), meddling);
    assert_eq!(report.exit_status(), 3);
    let moved: Vec<_> = report
        .scopes()
        .filter(|scope| scope.outcome != Outcome::Replicated && scope.id.short() != "10.0.59.0")
        .collect();
    let [moved] = moved.as_slice() else { panic!("{moved:?}") };
    assert_eq!((moved.id.short().as_str(), moved.outcome), ("10.0.58.0", Outcome::Rejected));
    assert!(moved.message.as_deref().is_some_and(|message| message.contains("has changed since")), "{moved:?}");
    assert_eq!(live(&bench).subnet(Side::B, "10.0.58.0/24").expect("the scope")["valid-lifetime"], 7777);
}

#[tokio::test]
async fn a_cancelled_run_ends_after_the_scope_in_flight() {
    let Some(bench) = bench(Form::LoadBalancing, 60) else { return };
    let (before, want) = (bench.subnets(Side::B), bench.subnets(Side::A));
    let fleet = library::fleet(&bench.home);
    let plan = plan(&fleet).await;
    let (progress, mut status) = Progress::channel();
    let ctl = Control { progress, ..Control::free() };
    let cancelling = async {
        let some_done = status.wait_for(|status| status.scopes_done >= 3);
        tokio::time::timeout(Duration::from_secs(30), some_done).await.expect("in time").expect("a run");
        ctl.soft.cancel();
    };
    let (report, ()) = tokio::join!(execute(&bench, &fleet, &plan, &ctl), cancelling);
    assert_eq!(report.exit_status(), 3);
    let counts = report.counts();
    assert!(counts[&Outcome::Replicated] >= 3 && counts[&Outcome::Cancelled] >= 3, "{counts:?}");
    assert_eq!(counts.get(&Outcome::Partial), None);
    let now = bench.subnets(Side::B);
    for scope in report.scopes() {
        let id = scope.id.to_string();
        let expected = if scope.outcome == Outcome::Replicated { &want } else { &before };
        assert_eq!(now[&id], expected[&id], "{scope:?}");
    }
}
