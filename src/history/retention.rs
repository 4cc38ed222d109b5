//! What is no longer kept: the oldest runs, once there are too many, too old or too large.
//!
//! Always kept are the newest snapshot of each scope of each target, with its run, and runs
//! that were interrupted and wait for somebody.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;

use super::audit::Event;
use super::jobs::lock;
use super::store::is_there;
use super::{FILE, History};
use crate::config::HistoryConfig;
use crate::engine::Result;

/// So many runs go at a time: others may write in between.
const AT_A_TIME: i64 = 100;

/// So many times at most after one run: what is left then goes after the next.
const TIMES: u32 = 50;

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// Of a run: nobody works on it, and it waits for nobody.
const IS_OVER: &str = "(ended IS NOT NULL OR settled IS NOT NULL)";

/// Of a snapshot: it is not the newest of its scope.
const HAS_NEWER: &str = "EXISTS (SELECT 1 FROM snapshot n WHERE n.target = snapshot.target AND n.scope = \
                         snapshot.scope AND n.run > snapshot.run)";

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Whole runs.
    pub runs: usize,
    /// Snapshots of scopes that have a newer one, those of whole runs among them.
    pub snapshots: usize,
    /// Jobs that are over.
    pub jobs: usize,
}

impl History {
    /// Drops what is beyond the limits, and gives its room back to the disk.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn drop_old(&self) -> Result<Dropped> {
        let mut dropped = Dropped { jobs: self.drop_old_jobs()?, ..Dropped::default() };
        for _ in 0..TIMES {
            let limits = self.limits;
            let now = jiff::Timestamp::now().as_microsecond();
            let Some(border) = self.write(|transaction| border(transaction, limits, now))? else { break };
            let gone = self.write(|transaction| drop_until(transaction, border))?;
            dropped.runs += gone.runs;
            dropped.snapshots += gone.snapshots;
        }
        if dropped != Dropped::default() {
            let Dropped { runs, snapshots, jobs } = dropped;
            tracing::info!(runs, snapshots, jobs, "{FILE}: dropped the oldest, by the limits in [history]");
            self.audit(&[Event::of("pruned", None, json!({ "runs": runs, "snapshots": snapshots, "jobs": jobs }))])?;
            self.shrink()?;
        }
        Ok(dropped)
    }

    /// What [`History::drop_old`] would drop now.
    ///
    /// # Errors
    /// The store cannot be written, which trying it out takes.
    pub fn would_drop(&self) -> Result<Dropped> {
        let mut dropped = Dropped::default();
        if !is_there(&self.path()?)? {
            return Ok(dropped);
        }
        let (limits, now) = (self.limits, jiff::Timestamp::now().as_microsecond());
        let jobs = self.old_jobs()?;
        self.write(|transaction| {
            transaction.execute_batch("SAVEPOINT look")?;
            dropped.jobs = drop_jobs(transaction, &jobs)?;
            for _ in 0..TIMES {
                let Some(border) = border(transaction, limits, now)? else { break };
                let gone = drop_until(transaction, border)?;
                dropped.runs += gone.runs;
                dropped.snapshots += gone.snapshots;
            }
            transaction.execute_batch("ROLLBACK TO look; RELEASE look")
        })?;
        Ok(dropped)
    }

    /// Before the runs: what jobs take up must not cost a run.
    fn drop_old_jobs(&self) -> Result<usize> {
        let jobs = self.old_jobs()?;
        if jobs.is_empty() {
            return Ok(0);
        }
        let dropped = self.write(|transaction| drop_jobs(transaction, &jobs))?;
        let locks = self.locks()?;
        jobs.iter().for_each(|job| locks.forget(&lock(*job)));
        Ok(dropped)
    }

    /// Jobs beyond the limits that are over, also those whose process could not say so.
    fn old_jobs(&self) -> Result<Vec<i64>> {
        let (limits, now) = (self.limits, jiff::Timestamp::now().as_microsecond());
        let beyond = self.read(|connection| {
            let borders = [
                JOBS.by_count(connection, limits)?,
                JOBS.by_age(connection, limits, now)?,
                by_job_size(connection, limits)?,
            ];
            let mut statement =
                connection.prepare_cached("SELECT id, ended IS NOT NULL FROM job WHERE id <= ?1 ORDER BY id")?;
            let border = borders.into_iter().flatten().max();
            statement.query_map([border], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let mut old = Vec::new();
        for (id, has_ended) in beyond.unwrap_or_default() {
            if has_ended || self.job(id).is_ok_and(|job| job.state.is_over()) {
                old.push(id);
            }
        }
        Ok(old)
    }

    /// Gives free room back to the disk.
    fn shrink(&self) -> Result<()> {
        let store = self.store();
        let Some(store) = store.as_ref() else { return Ok(()) };
        let done = (|| {
            // a step of this statement frees one page
            let mut vacuum = store.connection.prepare("PRAGMA incremental_vacuum")?;
            let mut steps = vacuum.query([])?;
            while steps.next()?.is_some() {}
            store.connection.pragma(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
        })();
        done.map_err(|error| store.failure(error))
    }
}

/// The newest run to be dropped now, and all before it; `None` when nothing is beyond the limits.
fn border(connection: &Connection, limits: HistoryConfig, now: i64) -> rusqlite::Result<Option<i64>> {
    let old = [RUNS.by_count(connection, limits)?, RUNS.by_age(connection, limits, now)?].into_iter().flatten().max();
    let (beyond, at_most) = match (old, by_size(connection, limits)?) {
        (Some(old), _) => (old, AT_A_TIME),
        (None, Some(runs)) => (i64::MAX, runs.clamp(1, AT_A_TIME)),
        (None, None) => return Ok(None),
    };
    // a run of which nothing may go does not count, nor does the newest
    let sql = format!(
        "SELECT max(seq) FROM (SELECT seq FROM run WHERE {IS_OVER} AND seq <= ?1 AND seq < (SELECT max(seq) FROM run) \
         AND (NOT EXISTS (SELECT 1 FROM snapshot WHERE run = run.seq) OR EXISTS (SELECT 1 FROM snapshot WHERE run = \
         run.seq AND {HAS_NEWER})) ORDER BY seq LIMIT ?2)"
    );
    connection.query_row(&sql, params![beyond, at_most], |row| row.get(0))
}

/// Rows that go by their number and their age.
struct Rows {
    table: &'static str,
    /// Their order.
    key: &'static str,
    /// When they began.
    began: &'static str,
}

const RUNS: Rows = Rows { table: "run", key: "seq", began: "started" };
const JOBS: Rows = Rows { table: "job", key: "id", began: "created" };

impl Rows {
    /// The newest row that has enough rows after it.
    fn by_count(&self, connection: &Connection, limits: HistoryConfig) -> rusqlite::Result<Option<i64>> {
        let Rows { table, key, .. } = self;
        if limits.keep_runs == 0 {
            return Ok(None);
        }
        let sql = format!("SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1 OFFSET ?1");
        connection.query_row(&sql, [limits.keep_runs], |row| row.get(0)).optional()
    }

    /// The newest row that is too old. A clock that jumps ahead for one of them makes nothing old:
    /// time is also told by the one before.
    fn by_age(&self, connection: &Connection, limits: HistoryConfig, now: i64) -> rusqlite::Result<Option<i64>> {
        let Rows { table, key, began } = self;
        let sql = format!("SELECT {began} FROM {table} ORDER BY {key} DESC LIMIT 1 OFFSET 1");
        let before: Option<i64> = connection.query_row(&sql, [], |row| row.get(0)).optional()?;
        let (Some(before), 1..) = (before, limits.keep_days) else { return Ok(None) };
        let oldest = now.min(before) - i64::from(limits.keep_days) * MICROSECONDS_A_DAY;
        let sql = format!("SELECT max({key}) FROM {table} WHERE {began} < ?1");
        connection.query_row(&sql, [oldest], |row| row.get(0))
    }
}

/// The newest job with so much in the newer ones that it is a tenth of all that may be kept: the
/// rest is for runs.
fn by_job_size(connection: &Connection, limits: HistoryConfig) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT max(id) FROM (SELECT id, sum(coalesce(octet_length(report), 0) + coalesce(octet_length(progress), 0)) \
               OVER (ORDER BY id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newer FROM job) WHERE newer > ?1";
    connection.query_row(sql, [i64::try_from(limits.keep_size.0 / 10).unwrap_or(i64::MAX)], |row| row.get(0))
}

fn drop_jobs(connection: &Connection, jobs: &[i64]) -> rusqlite::Result<usize> {
    let mut delete = connection.prepare_cached("DELETE FROM job WHERE id = ?1")?;
    jobs.iter().try_fold(0, |dropped, job| Ok(dropped + delete.execute([job])?))
}

/// About how many runs are too many for the size; `None` when the store is small enough.
fn by_size(connection: &Connection, limits: HistoryConfig) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM \
               pragma_freelist_count), (SELECT page_size FROM pragma_page_size), (SELECT count(*) FROM run)";
    let (pages, page, runs): (i64, i64, i64) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let beyond = pages - i64::try_from(limits.keep_size.0).unwrap_or(i64::MAX) / page;
    Ok((beyond > 0).then(|| runs.saturating_mul(beyond) / pages))
}

/// Drops runs up to this one: snapshots that have a newer one of their scope, and runs without any.
fn drop_until(connection: &Connection, border: i64) -> rusqlite::Result<Dropped> {
    let snapshots = connection.execute(
        &format!(
            "DELETE FROM snapshot WHERE run IN (SELECT seq FROM run WHERE seq <= ?1 AND {IS_OVER}) AND {HAS_NEWER}"
        ),
        [border],
    )?;
    let runs = connection.execute(
        &format!(
            "DELETE FROM run WHERE seq <= ?1 AND {IS_OVER} AND NOT EXISTS (SELECT 1 FROM snapshot WHERE run = run.seq)"
        ),
        [border],
    )?;
    Ok(Dropped { runs, snapshots, jobs: 0 })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, place, site, start, work};
    use super::super::{JobState, NewJob, RunFilter, StateFolder};
    use super::*;
    use crate::config::ByteSize;
    use crate::engine::port::{Journal, RunStart};

    const NO_LIMITS: HistoryConfig = HistoryConfig {
        keep_days: 0,
        keep_runs: 0,
        keep_size: ByteSize(u64::MAX),
        audit_size: ByteSize(u64::MAX),
        audit_files: 0,
    };

    fn begin(history: &History, run: &str, scopes: &[&str], size: usize) {
        history.begin(&start(run)).unwrap();
        let works: Vec<_> = scopes.iter().map(|id| work(id, Some(json!({"text": "x".repeat(size)})))).collect();
        history.before(&place(run), &works).unwrap();
    }

    fn done(history: &History, run: &str, scopes: &[&str], size: usize) {
        begin(history, run, scopes, size);
        history.end(run, &json!({})).unwrap();
        history.tidy();
    }

    /// Runs with their scopes, the oldest first.
    fn kept(history: &History) -> Vec<String> {
        let runs = history.runs(&RunFilter::default()).unwrap();
        let told = runs.iter().rev().map(|run| {
            let scopes = history.snapshots(run, None).unwrap();
            scopes.iter().fold(run.id.clone(), |told, one| format!("{told} {}", one.scope.network))
        });
        told.collect()
    }

    #[test]
    fn the_newest_of_a_scope_and_what_waits_for_somebody_stay_whatever_the_limits() {
        let (_folder, history) = site();
        let history = history.within(HistoryConfig { keep_runs: 2, ..NO_LIMITS });
        done(&history, "both", &["10.0.0.0/24", "10.0.1.0/24"], 9);
        begin(&history, "interrupted", &["10.0.0.0/24"], 9);
        done(&history, "empty", &[], 9);
        done(&history, "old", &["10.0.0.0/24"], 9);
        done(&history, "new", &["10.0.0.0/24"], 9);
        assert_eq!(kept(&history), ["both 10.0.1.0", "interrupted 10.0.0.0", "old 10.0.0.0", "new 10.0.0.0"]);
        assert_eq!(history.check().unwrap(), Vec::<String>::new());
        assert_eq!(history.drop_old().unwrap(), Dropped::default(), "and that is all");
    }

    #[test]
    fn old_runs_go_and_a_clock_that_jumps_makes_none_old() {
        let (folder, history) = site();
        let limits = HistoryConfig { keep_days: 30, ..NO_LIMITS };
        let history = history.within(limits);
        let now = jiff::Timestamp::now();
        for (run, days) in [("ancient", 100), ("recent", 20), ("today", 0)] {
            let started = now - jiff::SignedDuration::from_hours(24 * days);
            history.begin(&RunStart { started, ..start(run) }).unwrap();
            history.end(run, &json!({})).unwrap();
            history.tidy();
        }
        assert_eq!(kept(&history), ["recent", "today"]);
        let in_ten_years = now.as_microsecond() + 3650 * MICROSECONDS_A_DAY;
        assert_eq!(history.would_drop().unwrap(), Dropped::default());
        let shorter = open(&folder).within(HistoryConfig { keep_runs: 1, ..NO_LIMITS });
        for _ in 0..2 {
            assert_eq!(
                shorter.would_drop().unwrap(),
                Dropped { runs: 1, ..Dropped::default() },
                "trying it out drops nothing"
            );
        }
        let border = open(&folder).read(|connection| border(connection, limits, in_ten_years)).unwrap();
        assert_eq!(border, Some(None));
    }

    #[test]
    fn jobs_that_are_over_go_by_the_same_limits_and_leave_the_runs_their_room() {
        let (folder, history) = site();
        let job = |size: usize, is_over: bool| {
            let job = history.create_job(&NewJob { title: "replicate".into() }).unwrap();
            let report = json!({"exit_status": 0, "output": [], "messages": ["x".repeat(size)], "run": null});
            if is_over {
                history.finish_job(job, JobState::Completed, Some(&report)).unwrap();
            }
            job
        };
        let within = |limits| open(&folder).within(limits);
        let left = || history.jobs(9).unwrap().iter().map(|job| job.id).collect::<Vec<_>>();
        job(9, true);
        let starting = job(9, false);
        let killed = job(9, false);
        let long_ago = jiff::Timestamp::now().as_microsecond() - MICROSECONDS_A_DAY;
        history.write(|store| store.execute("UPDATE job SET created = ?2 WHERE id = ?1", [killed, long_ago])).unwrap();
        assert_eq!(history.job(killed).unwrap().state, JobState::Failed);
        let (old, new) = (job(9, true), job(9, true));
        let by_count = within(HistoryConfig { keep_runs: 2, ..NO_LIMITS });
        assert_eq!(by_count.would_drop().unwrap(), Dropped { jobs: 2, ..Dropped::default() });
        assert_eq!((by_count.drop_old().unwrap().jobs, left()), (2, vec![new, old, starting]));

        (0..40).for_each(|at| done(&history, &format!("r{at:02}"), &["10.0.0.0/24"], 500));
        let large = [job(2 << 20, true), job(2 << 20, true)];
        let by_size = within(HistoryConfig { keep_size: ByteSize(3 << 20), ..NO_LIMITS });
        assert_eq!(by_size.drop_old().unwrap(), Dropped { jobs: 3, ..Dropped::default() }, "no run");
        assert_eq!(left(), [large[1], starting]);
    }

    #[test]
    fn a_job_leaves_its_runs_report_to_the_run() {
        let (_folder, history) = site();
        let report = |run: &serde_json::Value| json!({"exit_status": 0, "output": [], "messages": [], "run": run});
        let of_run = json!({"run": "r1", "summary": {}});
        let jobs = ["r1", "gone"].map(|run| {
            let job = history.create_job(&NewJob { title: "replicate".into() }).unwrap();
            history.job_progress(job, Some(run), &json!({})).unwrap();
            job
        });
        history.begin(&start("r1")).unwrap();
        history.end("r1", &of_run).unwrap();
        for job in jobs {
            history.finish_job(job, JobState::Completed, Some(&report(&of_run))).unwrap();
            assert_eq!(history.job(job).unwrap().report.unwrap(), report(&of_run));
        }
        let kept = jobs.map(|job| history.job_report(job).unwrap().unwrap().get("run").cloned());
        assert_eq!(kept, [None, Some(of_run)]);
        assert!(history.jobs(9).unwrap().iter().all(|job| job.report.is_none()));
        assert_eq!(history.jobs(1).unwrap().len(), 1);
        assert_eq!(
            history.jobs_of(&["r1", "r2"]).unwrap().into_iter().collect::<Vec<_>>(),
            [("r1".to_owned(), jobs[0])]
        );
    }

    #[test]
    fn a_job_that_never_began_has_failed_also_where_the_clock_was_set_back() {
        let (_folder, history) = site();
        let job = history.create_job(&NewJob { title: "replicate".into() }).unwrap();
        assert_eq!(history.job(job).unwrap().state, JobState::NotStarted);
        let ahead = jiff::Timestamp::now().as_microsecond() + MICROSECONDS_A_DAY;
        history.write(|store| store.execute("UPDATE job SET created = ?1", [ahead])).unwrap();
        assert_eq!(history.job(job).unwrap().state, JobState::Failed);
    }

    #[test]
    fn a_store_that_is_too_large_shrinks() {
        let (folder, history) = site();
        let size = || std::fs::metadata(history.path().unwrap()).unwrap().len();
        let history_of = |limits| History::new(&StateFolder::at(folder.path().join("state"))).within(limits);
        let unlimited = history_of(NO_LIMITS);
        for at in 0..40 {
            done(&unlimited, &format!("r{at:02}"), &["10.0.0.0/24"], 50_000);
        }
        unlimited.shrink().unwrap();
        assert!(size() > 40 * 50_000);
        let limit = 512 << 10;
        done(&history_of(HistoryConfig { keep_size: ByteSize(limit), ..NO_LIMITS }), "last", &["10.0.0.0/24"], 50_000);
        let kept = kept(&history);
        assert!(size() <= limit && kept.len() > 4, "{} {kept:?}", size());
        assert_eq!(kept.last().unwrap(), "last 10.0.0.0");
    }
}
