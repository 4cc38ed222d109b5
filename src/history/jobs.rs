//! Runs that were handed to a process of their own.

use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::Value;

use super::History;
use super::read::{json, time};
use crate::engine::{Error, ErrorKind, Result};

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// No process has taken it yet.
    Waiting,
    /// A process works on it.
    Running,
    /// It ended by itself, well or not.
    Done,
    /// It could not be done.
    Failed,
    /// It was asked to end, and did.
    Cancelled,
}

impl JobState {
    /// The word for screens and records.
    pub fn word(self) -> &'static str {
        match self {
            JobState::Waiting => "waiting",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }

    fn of(word: &str) -> Self {
        let all = [JobState::Waiting, JobState::Running, JobState::Done, JobState::Cancelled];
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
    pub created: jiff::Timestamp,
    /// When it ended.
    pub ended: Option<jiff::Timestamp>,
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
    /// How far it is, in the words of whoever works on it.
    pub progress: Option<Value>,
    /// Its report.
    pub report: Option<Value>,
}

const JOB: &str =
    "SELECT id, created, ended, run, title, state, user, host, process, cancel, progress, report FROM job";

impl History {
    /// Takes a job down, and returns its number.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn create_job(&self, job: &NewJob) -> Result<i64> {
        let now = jiff::Timestamp::now().as_microsecond();
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO job (created, title, state, user, host) VALUES (?1, ?2, 'waiting', ?3, ?4)",
                params![now, job.title, self.who.person(), self.who.host.raw()],
            )?;
            Ok(transaction.last_insert_rowid())
        })
    }

    /// Takes a waiting job for this process; whether it was there to be taken.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn claim_job(&self, id: i64) -> Result<bool> {
        let sql = "UPDATE job SET state = 'running', process = ?2 WHERE id = ?1 AND state = 'waiting'";
        self.write(|transaction| Ok(transaction.execute(sql, params![id, self.who.process])? == 1))
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
        self.write(|transaction| Ok(transaction.execute(sql, [id])? == 1))
    }

    /// Closes a job.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn finish_job(&self, id: i64, state: JobState, report: Option<&Value>) -> Result<()> {
        let now = jiff::Timestamp::now().as_microsecond();
        let sql = "UPDATE job SET state = ?2, ended = ?3, report = ?4 WHERE id = ?1";
        let report = report.map(Value::to_string);
        self.write(|transaction| transaction.execute(sql, params![id, state.word(), now, report]))?;
        Ok(())
    }

    /// All jobs, the newest first.
    ///
    /// # Errors
    /// The store is there and cannot be read.
    pub fn jobs(&self) -> Result<Vec<Job>> {
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{JOB} ORDER BY id DESC"))?;
            statement.query_map([], job)?.collect()
        })?;
        Ok(found.unwrap_or_default())
    }

    /// The job of this number.
    ///
    /// # Errors
    /// There is no such job, or the store cannot be read.
    pub fn job(&self, id: i64) -> Result<Job> {
        let found = self.read(|connection| {
            connection.prepare_cached(&format!("{JOB} WHERE id = ?1"))?.query_row([id], job).optional()
        })?;
        found.flatten().ok_or_else(|| unknown(id))
    }
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
        progress: json(row, 10)?,
        report: json(row, 11)?,
    })
}
