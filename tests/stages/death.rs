//! A server ends or hangs at each stage of a run. The program itself does in `recovery.rs`.

use std::time::{Duration, Instant};

use crate::common::pair::{PairOptions, Side};
use crate::common::program::{Finished, NAMES};
use crate::common::proxy::Point;
use crate::upset::{REPLICATE, Upset, WHOLE, Way, finish, saved};

const IMPATIENT: &str = "connect_timeout = 1\nread_timeout = 1\nwrite_timeout = 1";

fn two_lifetimes() -> PairOptions {
    PairOptions { subnets: 4, reservations: 4, ..PairOptions::with_drift(&["lifetime:0", "lifetime:2"]) }
}

/// The boundaries of a run by subnet commands, as the target sees them. A server
/// that is not there from the start is in `faults.rs`.
fn by_commands() -> Vec<(&'static str, Point)> {
    vec![
        ("checking", Point::before("config-hash-get")),
        ("keeping what ran before", Point::before("config-write")),
        ("checking the scope", Point::before("subnet4-get")),
        ("writing", Point::before("subnet4-update")),
        ("written", Point::after("subnet4-update")),
        ("verifying", Point::before("reservation-get-all").nth(3)),
        ("writing the second scope", Point::before("subnet4-update").nth(2)),
        ("saving", Point::before("config-write").nth(2)),
    ]
}

/// The same of a run that replaces the configuration; an undisturbed one tells where it settles.
fn by_configuration(upset: &Upset) -> Vec<(&'static str, Point)> {
    upset.bench.run(REPLICATE).expect_code(0);
    let course = upset.proxy(Side::B).passed();
    let set = course.iter().position(|command| command == "config-set").expect("it is set");
    let states: Vec<usize> = (set..course.len()).filter(|at| course[*at] == "status-get").collect();
    vec![
        ("tested", Point::after("config-test")),
        ("setting", Point::before("config-set")),
        ("set", Point::after("config-set")),
        // the first look is at what became of it
        ("settling", Point::request(states[1] + 1, false)),
        ("saving", Point::before("config-write").nth(2)),
    ]
}

/// What the run told, against the file that the target has come back from.
#[track_caller]
pub fn agrees_with_the_file(upset: &Upset, run: &Finished, when: &str) {
    let told = format!("{when}: {:?}\n{}\n{}", run.code, run.stdout, run.stderr);
    assert!(run.code == Some(1) || run.code == Some(3), "{told}");
    assert!(run.stderr.contains("kea-2: "), "{told}");
    let disk = upset.on_disk();
    if run.code == Some(1) {
        assert_eq!(disk, upset.before, "{told}");
        return;
    }
    let mut document = run.json();
    for scope in document["relationships"][0]["scopes"].as_array_mut().expect("scopes") {
        let id = format!("{}/{}", scope["scope_id"].as_str().expect("an id"), scope["prefix_length"]);
        let is = &disk[&id];
        match (scope["outcome"].as_str().expect("an outcome"), scope["saved"].as_str().expect("a word")) {
            ("unchanged", _) | (_, "saved") => assert_eq!(*is, upset.want[&id], "{told}"),
            ("rejected", "not_applicable") => assert_eq!(*is, upset.before[&id], "{told}"),
            // whether the file has it is not known where the answer was lost
            ("replicated" | "unknown", "not_saved") => {}
            other => panic!("{other:?}: {told}"),
        }
    }
}

/// What the source is asked in a run by subnet commands.
fn of_the_source() -> Vec<(&'static str, Point)> {
    vec![
        ("checking", Point::before("config-hash-get")),
        ("checking the first scope", Point::before("subnet4-list")),
        ("checking the second scope", Point::before("subnet4-get").nth(3)),
    ]
}

/// Lets one run come to a point, ends or hangs a server there, and gives what the run told.
fn disturb(upset: &Upset, side: Side, point: Point, hang: bool) -> (Finished, Duration) {
    upset.restore();
    let gate = upset.proxy(side).pause(point);
    let child = upset.start();
    gate.reached();
    if hang {
        upset.pair().freeze(side);
    } else {
        upset.pair().kill(side);
        upset.proxy(side).refuse();
    }
    let began = Instant::now();
    gate.open();
    let run = finish(child);
    let took = began.elapsed();
    let name = NAMES[side as usize];
    assert!(run.code == Some(1) || run.code == Some(3), "{:?}\n{}", run.code, run.stderr);
    assert!(run.stderr.contains(&format!("{name}: ")), "{}", run.stderr);
    // one time-out, or two, and never one for each scope
    assert!(took < Duration::from_secs(10), "{took:?}\n{}", run.stderr);
    for (write, most) in [("subnet4-update", 2), ("config-set", 1)] {
        let times = upset.proxy(Side::B).times(write);
        assert!(times <= most, "{write} {times} times\n{}", run.stderr);
    }
    (run, took)
}

/// The next run finishes what the disturbed one began.
pub fn finishes(upset: &Upset, stage: &str) {
    upset.ready();
    upset.bench.run(REPLICATE).expect_code(0);
    assert_eq!((upset.now(), upset.on_disk()), (upset.want.clone(), upset.want.clone()), "{stage}");
}

fn kill_at(upset: &Upset, side: Side, points: Vec<(&'static str, Point)>) {
    for (stage, point) in points {
        let (run, took) = disturb(upset, side, point, false);
        if side == Side::A {
            upset.is_true(&run, stage);
        }
        upset.pair().start(side);
        upset.ready();
        upset.proxy(side).listen();
        if side == Side::B {
            agrees_with_the_file(upset, &run, stage);
        }
        eprintln!("{side:?} killed at {stage}: {:?} {took:?}\n{}", run.code, run.stderr);
        finishes(upset, stage);
    }
}

fn freeze_at(upset: &Upset, side: Side, points: Vec<(&'static str, Point)>) {
    for (stage, point) in points {
        let (run, took) = disturb(upset, side, point, true);
        upset.pair().thaw(side);
        eprintln!("{side:?} frozen at {stage}: {:?} {took:?}\n{}", run.code, run.stderr);
        // what was sent is carried out now, before this is answered
        upset.is_true(&run, stage);
        assert!(run.stderr.contains("within 1s"), "{stage}: {}", run.stderr);
        finishes(upset, stage);
    }
}

#[test]
fn a_server_killed_at_any_stage_is_told_and_the_next_run_finishes() {
    let Some(upset) = Upset::up(Way::Socket, two_lifetimes(), "") else { return };
    kill_at(&upset, Side::B, by_commands());
    kill_at(&upset, Side::A, of_the_source());
}

#[test]
fn so_is_one_killed_while_its_configuration_is_replaced() {
    let Some(upset) = Upset::up(Way::Socket, two_lifetimes(), WHOLE) else { return };
    kill_at(&upset, Side::B, by_configuration(&upset));
}

#[test]
fn a_server_frozen_at_any_stage_is_told_in_time_and_the_next_run_finishes() {
    let Some(upset) = Upset::up(Way::Http, two_lifetimes(), IMPATIENT) else { return };
    freeze_at(&upset, Side::B, by_commands());
    freeze_at(&upset, Side::A, of_the_source());
}

#[test]
fn so_is_one_frozen_while_its_configuration_is_replaced() {
    let Some(upset) = Upset::up(Way::Socket, two_lifetimes(), &format!("{WHOLE}\n{IMPATIENT}")) else { return };
    freeze_at(&upset, Side::B, by_configuration(&upset));
}

#[test]
fn a_partner_that_stops_while_the_target_waits_for_it_is_told() {
    let Some(upset) = Upset::up(Way::Socket, two_lifetimes(), WHOLE) else { return };
    let gate = upset.proxy(Side::B).pause(Point::after("config-set"));
    let child = upset.start();
    gate.reached();
    upset.pair().kill(Side::A);
    gate.open();
    let began = Instant::now();
    let run = finish(child).expect_code(3);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}\n{}", began.elapsed(), run.stderr);
    let outcomes = upset.is_true(&run, "the partner stopped");
    assert!(outcomes.values().all(|outcome| ["replicated", "unchanged"].contains(&outcome.as_str())), "{outcomes:?}");
    assert_eq!((upset.on_disk(), saved(&run).as_str()), (upset.want.clone(), "saved"), "{}", run.stderr);
    assert!(run.stderr.contains("kea-2") && run.stderr.contains("serves all clients alone"), "{}", run.stderr);
    upset.pair().start(Side::A);
    upset.ready();
    upset.bench.run("drift").expect_code(0);
}
