//! Background jobs: started by the screen's thread, run by the worker threads, reported back.
//!
//! Three things travel back, and none of them can stop a job from ending:
//!
//! * what must not be lost goes through a bounded channel ([`JobControl::send`] waits for room);
//! * progress goes into a slot where the newest wins ([`JobControl::progress`] never waits),
//!   and is handed out at most every [`PROGRESS_INTERVAL`];
//! * the end of every job arrives exactly once, after everything else of that job, also when
//!   the job panicked or was aborted.

mod control;
mod workers;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use control::JobControl;
use control::Slots;
use workers::Unfinished;
pub use workers::Workers;

/// Progress reaches the screen at most this often; it is for eyes.
pub const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Events that wait for the screen before their jobs have to.
const CAPACITY: usize = 1024;

/// Names one job of this program's life; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a job is called, and what the end of the program means to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    title: String,
    must_finish: bool,
}

impl Job {
    /// A job that may be dropped at any time, such as reading.
    pub fn droppable(title: impl Into<String>) -> Self {
        Self { title: title.into(), must_finish: false }
    }

    /// A job that has to come to an end of its own, such as writing.
    pub fn must_finish(title: impl Into<String>) -> Self {
        Self { title: title.into(), must_finish: true }
    }

    /// Whether the program must not end before it.
    pub fn is_must_finish(&self) -> bool {
        self.must_finish
    }
}

/// A job that has not ended, as far as the screen knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobInfo {
    /// The job.
    pub id: JobId,
    /// As given when it was started.
    pub title: String,
    /// Whether the program must not end before it.
    pub must_finish: bool,
    /// When it was started.
    pub started: Instant,
    /// How far it was cancelled.
    pub cancelled: Option<Cancelled>,
}

/// How far a job was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It ends after the piece of work in flight.
    Soft,
    /// It ends after the request in flight.
    Hard,
}

/// What a job says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEvent<E> {
    /// Something happened in a job, or this is its newest progress.
    Event(JobId, E),
    /// The job has ended; nothing more comes from it.
    Finished(JobId, Ended<E>),
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended<E> {
    /// It came to its end, with its result.
    Done(E),
    /// It did not: it failed, panicked or was aborted.
    Failed {
        /// For the reader of the screen. Not cleaned of what a server may have put into it.
        reason: String,
    },
}

/// What came while waiting for the jobs to end.
#[derive(Debug)]
pub struct Waited<E> {
    /// Everything that was said, in order.
    pub events: Vec<JobEvent<E>>,
    /// Jobs that had not ended in time.
    pub running: Vec<JobInfo>,
}

struct Running {
    info: JobInfo,
    soft: CancellationToken,
    hard: CancellationToken,
    abort: AbortHandle,
}

/// The jobs of the program and what they say.
///
/// Dropping this stops them all, as [`Jobs::stop_all`] does; [`Workers`] then waits for those
/// that have to finish. So a run ends in order even when the screen panics.
pub struct Jobs<E> {
    runtime: Handle,
    unfinished: Arc<Unfinished>,
    running: BTreeMap<JobId, Running>,
    next_id: u64,
    send: mpsc::Sender<JobEvent<E>>,
    receive: mpsc::Receiver<JobEvent<E>>,
    slots: Arc<Slots<E>>,
    progress: VecDeque<(JobId, E)>,
    progress_due: Instant,
}

impl<E: Send + 'static> Jobs<E> {
    /// No jobs yet.
    pub fn new(workers: &Workers) -> Self {
        let (send, receive) = mpsc::channel(CAPACITY);
        Self {
            runtime: workers.handle().clone(),
            unfinished: Arc::clone(workers.unfinished()),
            running: BTreeMap::new(),
            next_id: 1,
            send,
            receive,
            slots: Arc::default(),
            progress: VecDeque::new(),
            progress_due: Instant::now(),
        }
    }

    /// Starts a job. What `work` returns becomes the job's end; a failure is put into words
    /// with its `Display`.
    pub fn spawn<Work, Future, Failure>(&mut self, job: Job, work: Work) -> JobId
    where
        Work: FnOnce(JobControl<E>) -> Future + Send + 'static,
        Future: std::future::Future<Output = Result<E, Failure>> + Send + 'static,
        Failure: fmt::Display + Send + 'static,
    {
        let id = JobId(self.next_id);
        self.next_id += 1;
        let (soft, hard) = (CancellationToken::new(), CancellationToken::new());
        self.slots.open(id);
        let control = JobControl::new(id, soft.clone(), hard.clone(), self.send.clone(), Arc::clone(&self.slots));
        let finish = job.must_finish.then(|| self.unfinished.begin());
        let task = self.runtime.spawn(async move {
            let _finish = finish;
            work(control).await.map_err(|failure| failure.to_string())
        });
        let info =
            JobInfo { id, title: job.title, must_finish: job.must_finish, started: Instant::now(), cancelled: None };
        self.running.insert(id, Running { info, soft, hard, abort: task.abort_handle() });
        self.runtime.spawn(report_end(id, task, Arc::clone(&self.slots), self.send.clone()));
        id
    }

    /// The next thing that a job says; waits for ever while none does. Nothing is lost when
    /// the future is dropped.
    pub async fn next(&mut self) -> JobEvent<E> {
        loop {
            if let Some(event) = self.ready() {
                return event;
            }
            tokio::select! {
                biased;
                Some(event) = self.receive.recv() => return self.noted(event),
                () = self.slots.filled(self.progress_due) => self.take_progress(),
            }
        }
    }

    /// What a job has said already, to take many before drawing once.
    pub fn ready(&mut self) -> Option<JobEvent<E>> {
        if let Some((id, event)) = self.progress.pop_front() {
            return Some(JobEvent::Event(id, event));
        }
        let event = self.receive.try_recv().ok()?;
        Some(self.noted(event))
    }

    /// Waits until every job has ended, at most for `patience`, taking what they say: a job
    /// that waits for room in the channel could not end otherwise.
    pub async fn wait_all(&mut self, patience: Duration) -> Waited<E> {
        let deadline = Instant::now() + patience;
        let mut events = Vec::new();
        while !self.running.is_empty() {
            match tokio::time::timeout_at(deadline, self.next()).await {
                Ok(event) => events.push(event),
                Err(_) => break,
            }
        }
        Waited { events, running: self.running().cloned().collect() }
    }

    fn noted(&mut self, event: JobEvent<E>) -> JobEvent<E> {
        if let JobEvent::Finished(id, _) = &event {
            self.running.remove(id);
        }
        event
    }

    fn take_progress(&mut self) {
        self.progress.extend(self.slots.take_all());
        self.progress_due = Instant::now() + PROGRESS_INTERVAL;
    }
}

impl<E> Jobs<E> {
    /// Cancels a job: softly the first time, hard the second. Nothing for a job that ended.
    pub fn cancel(&mut self, id: JobId) -> Option<Cancelled> {
        let job = self.running.get_mut(&id)?;
        let step = match job.info.cancelled {
            None => Cancelled::Soft,
            Some(_) => Cancelled::Hard,
        };
        job.soft.cancel();
        if step == Cancelled::Hard {
            job.hard.cancel();
        }
        job.info.cancelled = Some(step);
        Some(step)
    }

    /// Drops a job at its next point of rest. It ends as failed.
    pub fn abort(&mut self, id: JobId) {
        if let Some(job) = self.running.get(&id) {
            job.abort.abort();
        }
    }

    /// Prepares the end of the program: drops the jobs that may be dropped, and cancels the
    /// others, one step further with each call.
    pub fn stop_all(&mut self) {
        let ids: Vec<(JobId, bool)> = self.running.values().map(|job| (job.info.id, job.info.must_finish)).collect();
        for (id, must_finish) in ids {
            if must_finish {
                self.cancel(id);
            } else {
                self.abort(id);
            }
        }
    }

    /// Drops all jobs at once, those that have to finish too, and lets the program end without
    /// waiting for them: only on the operator's word, for what they did is not known then.
    pub fn abandon_all(&mut self) {
        self.unfinished.abandon();
        self.running.values().for_each(|job| job.abort.abort());
    }

    /// The jobs whose end was not received yet, oldest first.
    pub fn running(&self) -> impl Iterator<Item = &JobInfo> {
        self.running.values().map(|job| &job.info)
    }

    /// Whether a job is under way that the program must not leave behind.
    pub fn must_wait(&self) -> bool {
        self.running().any(|job| job.must_finish)
    }
}

impl<E> Drop for Jobs<E> {
    fn drop(&mut self) {
        self.stop_all();
    }
}

/// Sees a job to its end, whatever end that is.
async fn report_end<E: Send + 'static>(
    id: JobId,
    task: JoinHandle<Result<E, String>>,
    slots: Arc<Slots<E>>,
    send: mpsc::Sender<JobEvent<E>>,
) {
    let ended = match task.await {
        Ok(Ok(event)) => Ended::Done(event),
        Ok(Err(reason)) => Ended::Failed { reason },
        Err(error) => Ended::Failed { reason: broken(error) },
    };
    // The last progress comes before the end, and none after it. When nobody receives any
    // more, there is nobody to tell.
    for event in slots.close(id) {
        let _ = send.send(JobEvent::Event(id, event)).await;
    }
    let _ = send.send(JobEvent::Finished(id, ended)).await;
}

fn broken(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => {
            let message = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("no message");
            format!("internal error: {message} (details are in the log)")
        }
        Err(_) => "stopped before it was finished".to_owned(),
    }
}

#[cfg(test)]
mod tests;
