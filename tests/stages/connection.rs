//! The connection is cut before and after the effect of each single request.

use std::collections::BTreeSet;

use crate::common::pair::{PairOptions, Side};
use crate::common::proxy::{Fault, Point};
use crate::upset::{REPLICATE, Upset, WHOLE, Way};

/// Each kind of request of the subnet-command writer, in few scopes.
pub fn every_kind() -> PairOptions {
    let drift = [
        "lifetime:0",
        "reservation-hostname:0",
        "reservation-missing:1",
        "reservation-extra:1",
        "reservation-changed:2",
        "subnet-missing:3",
        "subnet-id:4",
    ];
    PairOptions { subnets: 6, reservations: 12, ..PairOptions::with_drift(&drift) }
}

/// Requests that change something.
fn writes(command: &str) -> bool {
    ["-add", "-update", "-del", "-write", "-set", "-reload"].iter().any(|end| command.ends_with(end))
}

/// Where to cut, of all requests of one server's course: at every write, before and after its
/// effect, and once at each read that follows upon another command than an earlier one did.
pub fn points(course: &[String]) -> Vec<(usize, bool)> {
    let (mut points, mut seen) = (Vec::new(), BTreeSet::new());
    for (at, command) in course.iter().enumerate() {
        if writes(command) {
            points.extend([(at, false), (at, true)]);
        } else if seen.insert((at.checked_sub(1).map(|before| &course[before]), command)) {
            points.push((at, at % 2 == 0));
        }
    }
    points
}

/// Cuts everywhere, each time in a run of its own; both servers are there all the time, so
/// that everything can be found out. `suffer`: how many scopes one cut may keep from being written.
fn cut_everywhere(upset: &Upset, sides: &[Side], suffer: usize) {
    let clean = upset.bench.run(REPLICATE).expect_code(0);
    let scopes = upset.is_true(&clean, "nothing cut").len();
    let courses = Side::BOTH.map(|side| upset.proxy(side).passed());
    for &side in sides {
        for (at, after) in points(&courses[side as usize]) {
            let course = &courses[side as usize];
            let command = &course[at];
            // by its name: how often a target that comes back is looked at is chance
            let nth = course[..=at].iter().filter(|passed| *passed == command).count();
            let point = if after { Point::after(command) } else { Point::before(command) }.nth(nth);
            let when = format!("{side:?}: cut {} request {at}, {command}", if after { "after" } else { "before" });
            upset.restore();
            upset.proxy(side).upset(point, Fault::Cut);
            let run = upset.bench.run(REPLICATE);
            let outcomes = upset.is_true(&run, &when);
            let count = |words: &[&str]| outcomes.values().filter(|outcome| words.contains(&outcome.as_str())).count();
            let good = count(&["replicated", "unchanged"]);
            let found_out = count(&["unknown"]) == 0 && (run.code == Some(1) || good + suffer >= scopes);
            assert!(found_out, "{when}: {outcomes:?}\n{}", run.stderr);
            let name = if side == Side::A { "kea-1" } else { "kea-2" };
            let named = run.stderr.contains(name) && run.stderr.contains(command);
            assert!(named || run.code == Some(0), "{when}\n{}", run.stderr);
            let sent = upset.proxy(Side::B).passed();
            for command in sent.iter().filter(|command| writes(command)) {
                let allowed = courses[1].iter().filter(|passed| *passed == command).count();
                let times = upset.proxy(Side::B).times(command);
                assert!(times <= allowed, "{when}: {command} {times} times instead of {allowed}\n{sent:?}");
            }
            let looks = ["status-get", "ha-heartbeat"].contains(&command.as_str());
            assert!(upset.proxy(side).calm() || looks, "{when}: it never came to that");
            if writes(command) {
                upset.ready();
                upset.bench.run(REPLICATE).expect_code(0);
                assert_eq!((upset.now(), upset.on_disk()), (upset.want.clone(), upset.want.clone()), "{when}");
            }
        }
    }
}

#[test]
fn a_connection_cut_at_any_request_leaves_a_true_report() {
    let Some(upset) = Upset::up(Way::Socket, every_kind(), "") else { return };
    cut_everywhere(&upset, &Side::BOTH, 1);
}

#[test]
fn so_does_one_cut_while_the_whole_configuration_is_replaced() {
    let Some(upset) = Upset::up(Way::Http, every_kind(), WHOLE) else { return };
    // the source is asked nothing else by this writer
    cut_everywhere(&upset, &[Side::B], 5);
}
