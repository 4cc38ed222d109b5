//! Two operators at once: two runs, or a run and somebody who changes a server by hand.
//! Nobody's change is lost, and who comes too late is told.

use serde_json::{Value, json};

use crate::common::pair::{PairOptions, Side, wait_for};
use crate::common::program::Finished;
use crate::common::proxy::Point;
use crate::upset::{REPLICATE, Upset, WHOLE, Way, finish};

const BACK: &str = "replicate --computer-name kea-2 --force --json";

fn three_lifetimes() -> PairOptions {
    let drift = ["lifetime:0", "lifetime:1", "lifetime:2"];
    PairOptions { subnets: 5, reservations: 5, ..PairOptions::with_drift(&drift) }
}

/// Somebody changes a scope of the target: its lifetime, which takes all three values.
fn by_hand(upset: &Upset, scope: u32) -> impl Fn() + '_ {
    move || {
        let mut subnet = json!({"id": scope + 1, "subnet": format!("10.0.{scope}.0/24")});
        for key in ["valid-lifetime", "min-valid-lifetime", "max-valid-lifetime"] {
            subnet[key] = 7777.into();
        }
        upset.pair().ok(Side::B, "subnet4-delta-add", json!({ "subnet4": [subnet] }));
    }
}

/// A run during which something is done when the traffic to a server comes to a point.
fn meanwhile(upset: &Upset, side: Side, point: Point, act: impl Fn()) -> Finished {
    during(upset, REPLICATE, side, point, act)
}

fn during(upset: &Upset, command: &str, side: Side, point: Point, act: impl Fn()) -> Finished {
    upset.restore();
    let gate = upset.proxy(side).pause(point);
    let child = upset.start_as(command);
    gate.reached();
    act();
    gate.open();
    finish(child)
}

fn lifetime(upset: &Upset, scope: u32) -> Value {
    upset.now()[&format!("10.0.{scope}.0/24")]["valid-lifetime"].clone()
}

#[test]
fn two_runs_at_once_are_kept_apart_and_the_second_is_told() {
    let Some(upset) = Upset::up(Way::Socket, three_lifetimes(), "") else { return };
    let source = upset.bench.subnets(Side::A);
    for second in [REPLICATE, BACK] {
        upset.restore();
        let gate = upset.proxy(Side::B).pause(Point::before("subnet4-update"));
        let first = upset.start();
        gate.reached();
        let second = upset.start_as(second);
        // from here on its plan is of before the first run
        let times = |side| upset.proxy(side).times("ha-heartbeat");
        wait_for("both to have read", std::time::Duration::from_secs(30), || {
            times(Side::A) == 2 && times(Side::B) == 2
        });
        gate.open();
        let first = finish(first).expect_code(0);
        upset.is_true(&first, "the first of two runs");
        let second = finish(second).expect_code(1);
        assert!(second.stderr.contains("has changed since the plan was made"), "{}", second.stderr);
        assert_eq!((upset.now(), upset.bench.subnets(Side::A)), (source.clone(), source.clone()), "{}", second.stderr);
        assert_eq!(upset.proxy(Side::B).times("subnet4-update"), 3, "nothing was written twice");
        assert_eq!(upset.proxy(Side::A).times("subnet4-update"), 0);
    }
}

#[test]
fn what_somebody_changes_by_hand_meanwhile_is_kept() {
    let Some(upset) = Upset::up(Way::Http, three_lifetimes(), "") else { return };
    // before the first write the whole plan is refused
    let run = meanwhile(&upset, Side::B, Point::before("config-hash-get"), by_hand(&upset, 1)).expect_code(1);
    assert!(run.stderr.contains("10.0.1.0/24: the target has changed since the plan was made"), "{}", run.stderr);
    assert_eq!(lifetime(&upset, 1), 7777);
    assert_eq!(upset.proxy(Side::B).times("subnet4-update"), 0);
    // later this scope alone, up to the last look at it
    for (stage, point, words) in [
        ("the check of the scope", Point::before("subnet4-get").nth(5), "the target has changed since the plan"),
        ("the last look", Point::before("subnet4-get").nth(6), "has changed on the target a moment ago"),
    ] {
        let run = meanwhile(&upset, Side::B, point, by_hand(&upset, 1)).expect_code(3);
        let mut document = run.json();
        let scope = document["relationships"][0]["scopes"][1].take();
        assert_eq!(scope["outcome"], "rejected", "{stage}: {}", run.stderr);
        assert!(scope["message"].as_str().is_some_and(|message| message.contains(words)), "{stage}: {scope:#}");
        assert_eq!(
            (lifetime(&upset, 0), lifetime(&upset, 1), lifetime(&upset, 2)),
            (3600.into(), 7777.into(), 4800.into())
        );
    }
    // where nothing is left to write, the server keeps no copy of what ran before
    let only = format!("{REPLICATE} --scope-id 10.0.1.0");
    let first_look = Point::before("subnet4-list").nth(2);
    let run = during(&upset, &only, Side::B, first_look, by_hand(&upset, 1)).expect_code(1);
    assert!(run.stderr.contains("the target has changed since the plan"), "{}", run.stderr);
    assert_eq!((lifetime(&upset, 1), upset.proxy(Side::B).times("config-write")), (7777.into(), 0));
    // a scope that the plan does not touch
    let run = meanwhile(&upset, Side::B, Point::before("config-hash-get"), by_hand(&upset, 4)).expect_code(0);
    assert_eq!(lifetime(&upset, 4), 7777, "{}", run.stderr);
}

/// The target's configuration with changed parameters of its relationship.
fn renamed(upset: &Upset, change: impl Fn(&mut Value)) -> Value {
    let mut config = upset.pair().config(Side::B);
    let libraries = config["hooks-libraries"].as_array_mut().expect("hooks").iter_mut();
    libraries.filter_map(|library| library.pointer_mut("/parameters/high-availability/0")).for_each(change);
    json!({ "Dhcp4": config })
}

#[test]
fn failover_parameters_changed_meanwhile_are_noticed_where_they_matter() {
    let Some(upset) = Upset::up(Way::Socket, three_lifetimes(), "") else { return };
    let (own, partner) = (upset.pair().server(Side::B).name.clone(), upset.pair().server(Side::A).name.clone());
    let original = renamed(&upset, |_| {});
    let rename = |parameters: &mut Value, from: &str, to: &str| {
        for peer in parameters["peers"].as_array_mut().expect("peers") {
            if peer["name"] == from {
                peer["name"] = to.into();
            }
        }
        if parameters["this-server-name"] == from {
            parameters["this-server-name"] = to.into();
        }
    };
    let checking = || Point::before("config-hash-get");
    let writing = || Point::before("status-get").nth(2);
    for (point, changed, words) in [
        (checking(), renamed(&upset, |parameters| rename(parameters, &own, "other")), "is not the one that the plan"),
        (writing(), renamed(&upset, |parameters| rename(parameters, &own, "other")), "says that it is other"),
        (checking(), renamed(&upset, |parameters| rename(parameters, &partner, "else")), "no longer say that they are"),
        // what a write by commands costs does not hang on the heartbeat
        (checking(), renamed(&upset, |parameters| parameters["heartbeat-delay"] = 111.into()), ""),
    ] {
        let set = || drop(upset.pair().ok(Side::B, "config-set", changed.clone()));
        let run = meanwhile(&upset, Side::B, point, set);
        upset.is_true(&run, words);
        if words.is_empty() {
            assert_eq!(run.code, Some(0), "{}", run.stderr);
        } else {
            assert!(run.stderr.contains(words) && run.stderr.contains("kea-2"), "{words}\n{}", run.stderr);
            assert_eq!((run.code, upset.now()), (Some(1), upset.before.clone()), "{}", run.stderr);
        }
        upset.pair().ok(Side::B, "config-set", original.clone());
    }
}

#[test]
fn by_the_whole_configuration_nobody_is_overwritten_either() {
    let Some(upset) = Upset::up(Way::Socket, three_lifetimes(), WHOLE) else { return };
    // looked at last right before config-set, which is the first write: a scope that has moved until
    // then refuses the whole plan; another scope's change is taken into the new base
    for (point, scope, code) in [
        (Point::before("config-hash-get"), 1, 1),
        (Point::before("config-test"), 1, 1),
        (Point::before("config-test"), 4, 0),
        (Point::after("config-set"), 4, 0),
    ] {
        let when = format!("{point:?} scope {scope}");
        let run = meanwhile(&upset, Side::B, point, by_hand(&upset, scope));
        assert_eq!(lifetime(&upset, scope), 7777, "{when}\n{}", run.stderr);
        assert_eq!(run.code, Some(code), "{when}\n{}", run.stderr);
        assert!(upset.proxy(Side::B).times("config-set") <= 1, "{when}\n{}", run.stderr);
        if code == 0 {
            assert_eq!((lifetime(&upset, 0), lifetime(&upset, 2)), (3600.into(), 4800.into()), "{when}");
        }
    }
}
