use std::convert::Infallible;

use super::*;

const LONG: Duration = Duration::from_secs(20);

fn workers() -> Workers {
    Workers::start().unwrap()
}

async fn next<E: Send + 'static>(jobs: &mut Jobs<E>) -> JobEvent<E> {
    tokio::time::timeout(LONG, jobs.next()).await.expect("a job should say something")
}

fn reason<E: fmt::Debug>(event: JobEvent<E>) -> String {
    match event {
        JobEvent::Finished(_, Ended::Failed { reason }) => reason,
        other => panic!("not a failed job: {other:?}"),
    }
}

#[test]
fn a_job_ends_after_everything_that_it_said() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::new(&workers);
        let id = jobs.spawn(Job::droppable("read"), |control| async move {
            for number in 0..5000 {
                control.send(number).await;
            }
            control.progress_of(1, 7000);
            control.progress_of(2, 8000);
            control.progress_of(1, 7001);
            Ok::<_, Infallible>(9000)
        });
        assert_eq!(jobs.running().count(), 1);
        let waited = jobs.wait_all(LONG).await;
        assert!(waited.running.is_empty());
        let (sent, late): (Vec<_>, Vec<_>) =
            waited.events.into_iter().partition(|event| matches!(event, JobEvent::Event(_, number) if *number < 5000));
        assert_eq!(sent, (0..5000).map(|number| JobEvent::Event(id, number)).collect::<Vec<_>>());
        let last = JobEvent::Finished(id, Ended::Done(9000));
        assert_eq!(late.last(), Some(&last));
        assert!(late.contains(&JobEvent::Event(id, 7001)), "{late:?}");
        assert!(late.contains(&JobEvent::Event(id, 8000)), "{late:?}");
    });
}

#[test]
fn a_panic_is_a_failed_job_and_the_others_go_on() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::<u32>::new(&workers);
        let broken = jobs.spawn(Job::droppable("broken"), |_| async move {
            if true {
                panic!("boom {}", 42);
            }
            Ok::<_, Infallible>(0)
        });
        let event = next(&mut jobs).await;
        assert!(matches!(event, JobEvent::Finished(id, _) if id == broken));
        assert!(reason(event).contains("boom 42"));
        jobs.spawn(Job::droppable("fine"), |_| async move { Ok::<_, Infallible>(1) });
        assert!(matches!(next(&mut jobs).await, JobEvent::Finished(_, Ended::Done(1))));
        assert_eq!(jobs.running().count(), 0);
    });
}

#[test]
fn a_panic_before_the_first_step_is_a_failed_job() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::<u32>::new(&workers);
        jobs.spawn(Job::droppable("broken"), |control| {
            assert_eq!(control.id(), JobId(0), "early");
            async move { Ok::<_, Infallible>(0) }
        });
        assert!(reason(next(&mut jobs).await).contains("early"));
    });
}

#[test]
fn a_failure_keeps_its_words() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::<u32>::new(&workers);
        jobs.spawn(Job::droppable("read"), |_| async move { Err("kea-1 is not reachable") });
        assert_eq!(reason(next(&mut jobs).await), "kea-1 is not reachable");
    });
}

#[test]
fn an_aborted_job_is_reported() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::<u32>::new(&workers);
        let id = jobs.spawn(Job::droppable("stuck"), |_| std::future::pending::<Result<u32, Infallible>>());
        jobs.abort(id);
        assert_eq!(reason(next(&mut jobs).await), "stopped before it was finished");
        assert_eq!(jobs.cancel(id), None);
    });
}

#[test]
fn cancelling_goes_one_step_further_each_time() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::new(&workers);
        let id = jobs.spawn(Job::must_finish("run"), |control| async move {
            control.soft().cancelled().await;
            assert!(!control.hard().is_cancelled());
            control.send("after this scope").await;
            control.hard().cancelled().await;
            Ok::<_, Infallible>("after this request")
        });
        assert!(jobs.must_wait());
        assert_eq!(jobs.cancel(id), Some(Cancelled::Soft));
        assert_eq!(next(&mut jobs).await, JobEvent::Event(id, "after this scope"));
        assert_eq!(jobs.running().next().unwrap().cancelled, Some(Cancelled::Soft));
        assert_eq!(jobs.cancel(id), Some(Cancelled::Hard));
        let end = JobEvent::Finished(id, Ended::Done("after this request"));
        assert_eq!(next(&mut jobs).await, end);
        assert!(!jobs.must_wait());
    });
}

#[test]
fn stopping_drops_readers_and_lets_writers_finish() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::new(&workers);
        let reader = jobs.spawn(Job::droppable("read"), |_| std::future::pending::<Result<&str, Infallible>>());
        let writer = jobs.spawn(Job::must_finish("run"), |control| async move {
            control.soft().cancelled().await;
            Ok::<_, Infallible>("finished in order")
        });
        jobs.stop_all();
        let waited = jobs.wait_all(LONG).await;
        assert!(waited.running.is_empty());
        assert!(waited.events.contains(&JobEvent::Finished(writer, Ended::Done("finished in order"))));
        let stopped =
            |event: &JobEvent<_>| matches!(event, JobEvent::Finished(id, Ended::Failed { .. }) if *id == reader);
        assert!(waited.events.iter().any(stopped));
    });
}

#[test]
fn waiting_ends_at_its_deadline_and_names_who_is_late() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::<u32>::new(&workers);
        jobs.spawn(Job::droppable("slow"), |_| std::future::pending::<Result<u32, Infallible>>());
        let waited = jobs.wait_all(Duration::from_millis(20)).await;
        assert_eq!(waited.running[0].title, "slow");
        assert!(waited.events.is_empty());
    });
}

/// Style anchors: one million progress events must neither hold up the job nor the screen.
#[test]
fn a_flood_of_progress_is_coalesced_and_its_last_state_arrives() {
    const FLOOD: u64 = 1_000_000;
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::new(&workers);
        let started = Instant::now();
        let id = jobs.spawn(Job::must_finish("run"), |control| async move {
            for number in 1..=FLOOD {
                control.progress(number);
            }
            Ok::<_, Infallible>(0)
        });
        let mut seen = Vec::new();
        let mut busy = Duration::ZERO;
        let end = loop {
            let event = next(&mut jobs).await;
            let received = Instant::now();
            match event {
                JobEvent::Event(_, number) => seen.push(number),
                JobEvent::Finished(ended, how) => break (ended, how),
            }
            busy += received.elapsed();
        };
        let allowed = started.elapsed().as_millis() / PROGRESS_INTERVAL.as_millis() + 2;
        assert_eq!(end, (id, Ended::Done(0)));
        assert_eq!(seen.last(), Some(&FLOOD), "the last state is the right one");
        assert!(seen.is_sorted(), "{seen:?}");
        assert!(seen.len() as u128 <= allowed, "{} events, {allowed} allowed", seen.len());
        assert!(busy < Duration::from_millis(50), "{busy:?}");
    });
}

#[test]
fn a_job_ends_although_nobody_listens() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::new(&workers);
        let (ended, end) = tokio::sync::oneshot::channel();
        jobs.spawn(Job::must_finish("run"), |control| async move {
            for number in 0..1_000_000_u64 {
                control.progress_of(number % 100, number);
            }
            // Received by nobody: the screen is not looking.
            let _ = ended.send(());
            Ok::<_, Infallible>(0)
        });
        tokio::time::timeout(LONG, end).await.expect("the job should end").unwrap();
        drop(jobs);
    });
}

#[test]
fn a_job_that_waits_for_room_goes_on_when_the_screen_is_gone() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::new(&workers);
        let (ended, end) = tokio::sync::oneshot::channel();
        jobs.spawn(Job::must_finish("run"), |control| async move {
            for number in 0..10 * CAPACITY {
                control.send(number).await;
            }
            let _ = ended.send(());
            Ok::<_, Infallible>(0)
        });
        let _ = next(&mut jobs).await;
        drop(jobs);
        tokio::time::timeout(LONG, end).await.expect("the job should end").unwrap();
    });
}

#[test]
fn nothing_is_lost_when_waiting_is_given_up() {
    let workers = workers();
    workers.block_on(async {
        let mut jobs = Jobs::new(&workers);
        jobs.spawn(Job::droppable("read"), |control| async move {
            for number in 0..3 {
                control.progress(number);
                tokio::time::sleep(PROGRESS_INTERVAL).await;
            }
            control.soft().cancelled().await;
            Ok::<_, Infallible>(0)
        });
        // As a select loop does, with other events coming much more often than progress.
        let deadline = Instant::now() + LONG;
        let mut last = None;
        while last != Some(2) {
            assert!(Instant::now() < deadline, "last seen: {last:?}");
            if let Ok(JobEvent::Event(_, number)) = tokio::time::timeout(Duration::from_millis(3), jobs.next()).await {
                last = Some(number);
            }
        }
    });
}

#[test]
fn the_end_of_the_workers_does_not_hang_on_blocking_work() {
    let workers = workers();
    let started = Instant::now();
    let (release, blocked) = std::sync::mpsc::sync_channel::<()>(1);
    workers.block_on(async {
        let (begun, begin) = tokio::sync::oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let _ = begun.send(());
            let _ = blocked.recv_timeout(LONG);
        });
        begin.await.unwrap();
    });
    drop(workers);
    assert!(started.elapsed() < LONG / 2);
    drop(release);
}

#[test]
fn the_end_of_the_workers_waits_for_what_has_to_finish() {
    let workers = workers();
    let finished = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut jobs = Jobs::new(&workers);
    jobs.spawn(Job::must_finish("run"), {
        let finished = Arc::clone(&finished);
        |control| async move {
            control.soft().cancelled().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            finished.store(true, std::sync::atomic::Ordering::SeqCst);
            Ok::<_, Infallible>(0)
        }
    });
    jobs.spawn(Job::droppable("read"), |_| std::future::pending::<Result<i32, Infallible>>());
    drop(jobs);
    drop(workers);
    assert!(finished.load(std::sync::atomic::Ordering::SeqCst));
}

#[test]
fn on_the_operators_word_what_hangs_is_left_at_once() {
    let workers = workers();
    let mut jobs = Jobs::new(&workers);
    let (begun, begin) = std::sync::mpsc::sync_channel(1);
    let (release, released) = std::sync::mpsc::sync_channel::<()>(1);
    jobs.spawn(Job::must_finish("waits for an answer"), |_| std::future::pending::<Result<i32, Infallible>>());
    jobs.spawn(Job::must_finish("stands still"), move |_| async move {
        // Heeds neither its control nor being dropped.
        begun.send(()).unwrap();
        let _ = released.recv();
        Ok::<_, Infallible>(0)
    });
    begin.recv().unwrap();
    let left = std::time::Instant::now();
    jobs.abandon_all();
    drop(jobs);
    drop(workers);
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    drop(release);
}
