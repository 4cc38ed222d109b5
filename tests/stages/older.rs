//! The same on the older Kea through its control agent: no mark of the configuration, and no
//! client is answered after a refused `config-set`.

use crate::common::pair::{PairOptions, Side, Version};
use crate::common::proxy::{Fault, Point};
use crate::death::{agrees_with_the_file, finishes};
use crate::upset::{REPLICATE, Upset, Way, finish};

#[test]
fn an_older_server_behind_its_agent_is_cut_off_and_dies() {
    let options = PairOptions {
        version: Version::Installed,
        subnets: 4,
        reservations: 4,
        ..PairOptions::with_drift(&["lifetime:0", "reservation-missing:1"])
    };
    let Some(upset) = Upset::up(Way::Http, options, "") else { return };
    for point in [
        Point::before("config-test"),
        Point::before("config-set"),
        Point::after("config-set"),
        Point::before("config-write"),
        Point::after("config-write"),
    ] {
        let when = format!("cut {point:?}");
        upset.restore();
        upset.proxy(Side::B).upset(point, Fault::Cut);
        let run = upset.bench.run(REPLICATE);
        let outcomes = upset.is_true(&run, &when);
        assert!(run.code == Some(1) || outcomes.values().all(|outcome| outcome != "unknown"), "{when}: {outcomes:?}");
        // once more where it is not known whether the server has refused it and fallen silent
        let sets = upset.proxy(Side::B).times("config-set");
        assert!(sets <= if when.contains("config-set") { 2 } else { 1 }, "{when}: {sets}\n{}", run.stderr);
        assert!(upset.proxy(Side::B).calm(), "{when}: it never came to that");
        finishes(&upset, &when);
    }
    for point in [Point::before("config-set"), Point::after("config-set")] {
        let when = format!("kea-dhcp4 ends {point:?}");
        upset.restore();
        let gate = upset.proxy(Side::B).pause(point);
        let child = upset.start();
        gate.reached();
        upset.pair().crash(Side::B);
        gate.open();
        let run = finish(child);
        assert!(run.stderr.contains("kea-dhcp4 behind it does not"), "{when}\n{}", run.stderr);
        upset.pair().start(Side::B);
        upset.ready();
        agrees_with_the_file(&upset, &run, &when);
        finishes(&upset, &when);
    }
}
