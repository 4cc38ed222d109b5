//! The connection is cut before and after the effect of each single request.

use std::collections::BTreeSet;

use crate::common::bench::Form;
use crate::common::pair::{PairOptions, Side};
use crate::common::proxy::{Fault, Point};
use crate::upset::{REPLICATE, Upset};

/// Each kind of request of the subnet-command writer, in few scopes.
fn every_kind() -> PairOptions {
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
    ["-add", "-update", "-del", "-write"].iter().any(|end| command.ends_with(end))
}

/// Where to cut, of all requests of one server's course: at every write, before and after its
/// effect, and once at each read that follows upon another command than an earlier one did.
fn points(course: &[String]) -> Vec<(usize, bool)> {
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

#[test]
fn a_connection_cut_at_any_request_leaves_a_true_report() {
    let Some(upset) = Upset::up(Form::LoadBalancing, every_kind(), "") else { return };
    let clean = upset.bench.run(REPLICATE).expect_code(0);
    upset.is_true(&clean, "nothing cut");
    let courses = Side::BOTH.map(|side| upset.proxy(side).passed());
    for side in Side::BOTH {
        let course = &courses[side as usize];
        let allowed = |command: &String| courses[1].iter().filter(|passed| *passed == command).count();
        for (at, after) in points(course) {
            let command = &course[at];
            let when = format!("{side:?}: cut {} request {at}, {command}", if after { "after" } else { "before" });
            upset.restore();
            upset.proxies.iter().for_each(|proxy| _ = proxy.calm());
            upset.proxy(side).upset(Point::request(at + 1, after), Fault::Cut);
            let run = upset.bench.run(REPLICATE);
            let outcomes = upset.is_true(&run, &when);
            // both servers are there all the time: everything can be found out, and one scope suffers at most
            let unsaid = outcomes.values().filter(|outcome| *outcome == "unknown").count();
            let good = outcomes.values().filter(|outcome| ["replicated", "unchanged"].contains(&outcome.as_str()));
            assert!(unsaid == 0 && (run.code == Some(1) || good.count() >= 5), "{when}: {outcomes:?}\n{}", run.stderr);
            let name = if side == Side::A { "kea-1" } else { "kea-2" };
            let named = run.stderr.contains(name) && run.stderr.contains(command);
            assert!(named || run.code == Some(0), "{when}\n{}", run.stderr);
            let sent = upset.proxy(Side::B).passed();
            let twice = sent.iter().find(|sent| writes(sent) && upset.proxy(Side::B).times(sent) > allowed(sent));
            assert_eq!(twice, None, "{when}\n{course:?}\n{sent:?}");
            if writes(command) {
                upset.bench.run(REPLICATE).expect_code(0);
                assert_eq!((upset.now(), upset.on_disk()), (upset.want.clone(), upset.want.clone()), "{when}");
            }
            assert!(upset.proxy(side).calm(), "{when}: it never came to that");
        }
    }
}
