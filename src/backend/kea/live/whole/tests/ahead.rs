//! A write that is begun while it is still made sure that nothing has moved.

use super::*;

/// Says whether the plan still holds, and how often it was asked.
struct Plan {
    holds: bool,
    asked: std::sync::atomic::AtomicUsize,
}

#[async_trait]
impl Gate for Plan {
    async fn ask(&self, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    async fn moved(&self, _ctl: &Control) -> Result<()> {
        self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.holds.then_some(()).ok_or_else(|| Error::new(ErrorKind::Moved, "the target has changed"))
    }
}

/// Somebody changes a global value, and in some cases the number of a chosen scope, too.
#[tokio::test]
async fn what_was_begun_ahead_is_written_only_where_the_target_is_as_planned() {
    for (meddles, moves, holds) in
        [(false, false, false), (true, false, true), (true, false, false), (true, true, true), (true, true, false)]
    {
        let case = format!("{meddles} {moves} {holds}");
        let bench = Bench::new(Kea::new(base()), &rearranged()).await;
        let mark = Pulse(bench.server.last_known().unwrap().hash.clone().unwrap());
        if meddles {
            let mut kea = bench.kea.lock();
            kea.config["echo-client-id"] = json!(false);
            if moves {
                kea.config["subnet4"][0]["id"] = json!(9);
            }
            kea.config = mini::flat(&kea.config);
        }
        let moved = bench.kea.lock().config.clone();
        assert!(bench.writer.begin_ahead(&bench.work, &mark, &approved(&[]), &bench.ctl), "{case}");
        let plan = Plan { holds, asked: Default::default() };
        let done = bench.writer.write(&bench.work, &approved(&[]), &plan, &bench.ctl).await;
        assert_eq!(plan.asked.into_inner(), usize::from(meddles), "{case}");
        let applied = done.iter().filter(|done| matches!(done, Done::Applied)).count();
        if meddles && !holds {
            assert!(done.iter().all(|done| matches!(done, Done::Rejected(e) if e.kind == ErrorKind::Moved)), "{case}");
            assert_eq!((&bench.kea.lock().config, bench.sent(&["config-set"])), (&moved, vec![0]), "{case}");
        } else {
            assert_eq!(applied, if moves { 3 } else { 5 }, "{case}: {done:?}");
            assert_eq!(bench.sent(&["config-set"]), [1], "{case}");
            assert_eq!(bench.kea.lock().config.get("echo-client-id").is_some(), meddles, "{case}");
        }
    }
}

#[tokio::test]
async fn ahead_is_begun_only_what_the_write_can_trust() {
    let bench = Bench::new(Kea::new(base()), &rearranged()).await;
    assert!(!bench.writer.begin_ahead(&bench.work, &Pulse("another".into()), &approved(&[]), &bench.ctl));
    let mark = Pulse(bench.server.last_known().unwrap().hash.clone().unwrap());
    assert!(bench.writer.begin_ahead(&bench.work, &mark, &approved(&[]), &bench.ctl));
    // of other work than was asked for in the end nothing is written
    let some = &bench.work[2..3];
    let done = bench.writer.write(some, &approved(&[]), &(), &bench.ctl).await;
    assert!(matches!(done.as_slice(), [Done::Applied]), "{done:?}");
    assert_eq!(scope_of(&bench.kea.lock().config, "10.0.1.0/24")["id"], 1);

    let bench = Bench::new(Kea { hash: false, ..Kea::new(base()) }, &rearranged()).await;
    assert!(!bench.writer.begin_ahead(&bench.work, &mark, &approved(&[]), &bench.ctl), "it has no marks");
}
