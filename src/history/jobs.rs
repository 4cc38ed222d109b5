//! Runs that were handed to a process of their own.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::History;
use super::audit::Event;
use super::read::{json, time};
use crate::engine::port::{Held, Hold};
use crate::engine::{Error, ErrorKind, Result};

/// For so long a job may be without a process: it is being started.
const STARTING: SignedDuration = SignedDuration::from_secs(90);

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
    /// Its report; `None` while there is none, and where its process ended without one.
    pub report: Option<Value>,
}

const JOB: &str = "SELECT id, created, ended, run, title, state, user, host, process, cancel, received, \
                   progress, report FROM job";

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
        self.audit(&[Event::of("job-started", None, json!({ "job": id, "title": job.title }))])?;
        Ok(id)
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
        let report = report.map(Value::to_string);
        self.write(|transaction| transaction.execute(sql, params![id, state.word(), now, report]))?;
        Ok(())
    }

    /// Remembers that the output of a job was received.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn receive_job(&self, id: i64) -> Result<()> {
        self.write(|transaction| transaction.execute("UPDATE job SET received = 1 WHERE id = ?1", [id]))?;
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
        let found: Vec<Job> = found.unwrap_or_default();
        found.into_iter().map(|job| self.with_its_process(job)).collect()
    }

    /// The job of this number.
    ///
    /// # Errors
    /// There is no such job, or the store cannot be read.
    pub fn job(&self, id: i64) -> Result<Job> {
        self.with_its_process(self.kept_job(id)?)
    }

    /// A job whose process is gone has failed, whatever is kept of it.
    fn with_its_process(&self, job: Job) -> Result<Job> {
        let starting = job.state == JobState::NotStarted && job.created.duration_until(Timestamp::now()) < STARTING;
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

/// What a job's process holds for as long as it lives.
fn lock(id: i64) -> String {
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
