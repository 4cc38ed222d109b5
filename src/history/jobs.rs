//! Runs that were handed to a process of their own.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::History;
use super::audit::Event;
use super::read::{json, time};
use crate::engine::port::{Held, Hold};
use crate::engine::{Error, ErrorKind, Result};

/// For so long a job may be without a process: it is being started.
const STARTING: SignedDuration = SignedDuration::from_secs(90);

/// In a job's report: that of its run. A run whose row holds it is asked for it.
const RUN: &str = "run";

/// How a job stands, in PowerShell's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// No process has taken it yet.
    NotStarted,
    /// A process works on it.
    Running,
    /// It ended by itself, well or not.
    Completed,
    /// Nothing could be written, or its process ended without a word.
    Failed,
    /// It was asked to end, and did.
    Stopped,
}

impl JobState {
    /// The word for screens and records.
    pub fn word(self) -> &'static str {
        match self {
            JobState::NotStarted => "NotStarted",
            JobState::Running => "Running",
            JobState::Completed => "Completed",
            JobState::Failed => "Failed",
            JobState::Stopped => "Stopped",
        }
    }

    /// Whether nothing more will come of it.
    pub fn is_over(self) -> bool {
        !matches!(self, JobState::NotStarted | JobState::Running)
    }

    fn of(word: &str) -> Self {
        let all = [JobState::NotStarted, JobState::Running, JobState::Completed, JobState::Stopped];
        all.into_iter().find(|state| state.word() == word).unwrap_or(JobState::Failed)
    }
}

/// A job to be done.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What it does, for lists.
    pub title: String,
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its number: 1, 2, 3….
    pub id: i64,
    /// When it was made.
    pub created: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The run that it became.
    pub run: Option<String>,
    /// What it does, for lists.
    pub title: String,
    /// How it stands.
    pub state: JobState,
    /// Who made it.
    pub user: String,
    /// The machine that it was made on.
    pub host: String,
    /// The process that works on it, once there is one.
    pub process: Option<u32>,
    /// How often it was asked to end: once after the scope in flight, twice after the request.
    pub cancel: u32,
    /// Whether its output was received.
    pub received: bool,
    /// How far it is, in the words of whoever works on it.
    pub progress: Option<Value>,
    /// Its report; `None` while there is none, where its process ended without one, and in lists.
    pub report: Option<Value>,
}

const JOB: &str = "SELECT id, created, ended, run, title, state, user, host, process, cancel, received, \
                   progress, report FROM job";

/// The same without its report, for lists.
const LISTED: &str = "SELECT id, created, ended, run, title, state, user, host, process, cancel, received, \
                      progress, NULL FROM job";

impl History {
    /// Takes a job down, and returns its number.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn create_job(&self, job: &NewJob) -> Result<i64> {
        let now = Timestamp::now().as_microsecond();
        let id = self.write(|transaction| {
            transaction.execute(
                "INSERT INTO job (created, title, state, user, host) VALUES (?1, ?2, 'NotStarted', ?3, ?4)",
                params![now, job.title, self.who.person(), self.who.host.raw()],
            )?;
            Ok(transaction.last_insert_rowid())
        })?;
        let audited = self.audit(&[Event::of("job-started", None, json!({ "job": id, "title": job.title }))]);
        if audited.is_err() {
            // nobody will ever take it
            self.write(|transaction| transaction.execute("DELETE FROM job WHERE id = ?1", [id]))?;
        }
        audited.map(|()| id)
    }

    /// Takes a job for this process, which works on it for as long as what is returned lives.
    ///
    /// # Errors
    /// It is another process's, or over; or the store cannot be written.
    pub fn take_job(&self, id: i64) -> Result<Held> {
        let held = match self.locks()?.run(&self.owner(&lock(id)))? {
            Hold::Mine(held) => held,
            Hold::Other(owner) => {
                return Err(Error::new(ErrorKind::Local, format!("job {id} belongs to process {}", owner.process)));
            }
            Hold::Nowhere(error) => return Err(error),
        };
        let sql = "UPDATE job SET state = 'Running', process = ?2 WHERE id = ?1 AND state = 'NotStarted'";
        match self.write(|transaction| transaction.execute(sql, params![id, self.who.process]))? {
            1 => Ok(held),
            _ => Err(Error::new(ErrorKind::Local, format!("job {id} is not there to be begun"))),
        }
    }

    /// Tells how far a job is, and the name of its run once it has one; how often it was asked to end
    /// by now.
    ///
    /// # Errors
    /// There is no such job, or the store cannot be written.
    pub fn job_progress(&self, id: i64, run: Option<&str>, progress: &Value) -> Result<u32> {
        let sql = "UPDATE job SET run = coalesce(?2, run), progress = ?3 WHERE id = ?1 RETURNING cancel";
        self.write(|transaction| {
            transaction.query_row(sql, params![id, run, progress.to_string()], |row| row.get(0)).optional()
        })?
        .ok_or_else(|| unknown(id))
    }

    /// Asks a job to end, once more; whether it was still to be asked.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn cancel_job(&self, id: i64) -> Result<bool> {
        let sql = "UPDATE job SET cancel = cancel + 1 WHERE id = ?1 AND ended IS NULL";
        let asked = self.write(|transaction| Ok(transaction.execute(sql, [id])? == 1))?;
        if asked {
            self.audit(&[Event::of("job-cancelled", None, json!({ "job": id }))])?;
        }
        Ok(asked)
    }

    /// Closes a job.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn finish_job(&self, id: i64, state: JobState, report: Option<&Value>) -> Result<()> {
        let now = Timestamp::now().as_microsecond();
        let sql = "UPDATE job SET state = ?2, ended = ?3, report = ?4 WHERE id = ?1";
        let mut report = report.cloned();
        self.write(|transaction| {
            if let Some(Value::Object(report)) = &mut report
                && report.get(RUN).is_some_and(|run| !run.is_null())
                && has_its_run(transaction, id)?
            {
                report.remove(RUN);
            }
            transaction.execute(sql, params![id, state.word(), now, report.as_ref().map(Value::to_string)])
        })?;
        Ok(())
    }

    /// Closes a job as failed, unless a process has taken it by now; whether none had. None can take
    /// it any more.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn give_up_job(&self, id: i64, report: &Value) -> Result<bool> {
        let now = Timestamp::now().as_microsecond();
        let sql = "UPDATE job SET state = 'Failed', ended = ?2, report = ?3 WHERE id = ?1 AND state = 'NotStarted'";
        self.write(|transaction| Ok(transaction.execute(sql, params![id, now, report.to_string()])? == 1))
    }

    /// Remembers that the output of a job was received.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn receive_job(&self, id: i64) -> Result<()> {
        self.write(|transaction| transaction.execute("UPDATE job SET received = 1 WHERE id = ?1", [id]))?;
        Ok(())
    }

    /// So many of the newest jobs, and all others that are not over; the newest first, without
    /// their reports.
    ///
    /// # Errors
    /// The store is there and cannot be read.
    pub fn jobs(&self, limit: usize) -> Result<Vec<Job>> {
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{LISTED} WHERE id IN (SELECT id FROM job ORDER BY id DESC LIMIT ?1) \
                 OR state IN ('NotStarted', 'Running') ORDER BY id DESC"
            ))?;
            statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], job)?.collect()
        })?;
        let found: Vec<Job> = found.unwrap_or_default();
        found.into_iter().map(|job| self.with_its_process(job)).collect()
    }

    /// The job of this number.
    ///
    /// # Errors
    /// There is no such job, or the store cannot be read.
    pub fn job(&self, id: i64) -> Result<Job> {
        let mut job = self.with_its_process(self.kept_job(id)?)?;
        if let (Some(Value::Object(report)), Some(run)) = (&mut job.report, &job.run)
            && !report.contains_key(RUN)
        {
            let of_run = self.read(|connection| {
                let mut statement = connection.prepare_cached("SELECT report FROM run WHERE id = ?1")?;
                statement.query_row([run], |row| json(row, 0)).optional()
            })?;
            report.insert(RUN.into(), of_run.flatten().flatten().unwrap_or_default());
        }
        Ok(job)
    }

    /// The report of a job, without that of its run.
    ///
    /// # Errors
    /// There is no such job, or the store cannot be read.
    pub fn job_report(&self, id: i64) -> Result<Option<Value>> {
        Ok(self.kept_job(id)?.report)
    }

    /// Which of these runs were jobs, by name.
    ///
    /// # Errors
    /// The store is there and cannot be read.
    pub fn jobs_of(&self, runs: &[&str]) -> Result<BTreeMap<String, i64>> {
        let found = self.read(|connection| {
            let sql = "SELECT run, id FROM job WHERE run IN (SELECT value FROM json_each(?1)) ORDER BY id";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_map([json!(runs).to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })?;
        Ok(found.unwrap_or_default())
    }

    /// A job whose process is gone has failed, whatever is kept of it.
    fn with_its_process(&self, job: Job) -> Result<Job> {
        // a clock that was set back must not let it start for ever
        let since = job.created.duration_until(Timestamp::now()).abs();
        let starting = job.state == JobState::NotStarted && since < STARTING;
        if job.state.is_over() || starting || self.locks()?.is_alive(&lock(job.id)) {
            return Ok(job);
        }
        // it may have ended as it should just now
        let job = self.kept_job(job.id)?;
        let state = if job.state.is_over() { job.state } else { JobState::Failed };
        Ok(Job { state, ..job })
    }

    fn kept_job(&self, id: i64) -> Result<Job> {
        let found = self.read(|connection| {
            connection.prepare_cached(&format!("{JOB} WHERE id = ?1"))?.query_row([id], job).optional()
        })?;
        found.flatten().ok_or_else(|| unknown(id))
    }
}

/// Whether the row of a job's run holds the run's report.
fn has_its_run(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM job JOIN run ON run.id = job.run WHERE job.id = ?1 AND run.report IS NOT NULL";
    connection.prepare_cached(sql)?.exists([id])
}

/// What a job's process holds for as long as it lives.
pub(super) fn lock(id: i64) -> String {
    format!("job-{id}")
}

fn unknown(id: i64) -> Error {
    Error::new(ErrorKind::Selection, format!("there is no job {id}")).hint("`scopesync jobs` lists all jobs")
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: row.get(0)?,
        created: time(row.get(1)?),
        ended: row.get::<_, Option<i64>>(2)?.map(time),
        run: row.get(3)?,
        title: row.get(4)?,
        state: JobState::of(row.get_ref(5)?.as_str()?),
        user: row.get(6)?,
        host: row.get(7)?,
        process: row.get(8)?,
        cancel: row.get(9)?,
        received: row.get(10)?,
        progress: json(row, 11)?,
        report: json(row, 12)?,
    })
}
