//! The authenticated connections to one service. Each is owned by one task, which takes the next
//! envelope that waits, sends it and hands its answer back. Connections are opened as envelopes wait, and
//! closed before the server would close them.

mod account;
mod gate;
mod security;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use self::gate::Gate;
use super::access::Access;
use super::auth::{About, Failure};
use super::connection::{Connection, Unanswered, Used};
use super::explain;
use super::wire::{Answer, Wire};
use crate::backend::exchange::{Broken, Effect, Limits};
use crate::backend::http::Client;
use crate::engine::{Error, ErrorKind, Result};

/// A service closes connections on which nothing came for two minutes.
const KEPT: Duration = Duration::from_secs(90);
/// A write on a connection that is just being closed would leave its outcome open, for nothing.
const KEPT_FOR_WRITES: Duration = Duration::from_secs(20);
/// How much larger than asked for an answer may be: by UTF-16, and by what seals it.
const SLACK: usize = 4;

/// The connections to one service; see [`Access::connections`].
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    access: Access,
    client: Arc<Client>,
    jobs: Mutex<Jobs>,
    /// One permit for each job that waits.
    waiting: Semaphore,
    gate: Gate,
    /// How we proved who we are the last time.
    used: Mutex<Option<Used>>,
    /// What did not work when a connection was wanted; `None` after it did.
    failed: Mutex<Option<About>>,
}

#[derive(Default)]
struct Jobs {
    queue: VecDeque<Job>,
    /// Tasks, each with its connection.
    tasks: usize,
    /// Those of them that will take a job: they wait, or open their connection.
    free: usize,
}

/// An envelope that waits for its answer.
struct Job {
    envelope: String,
    effect: Effect,
    reply: oneshot::Sender<std::result::Result<Answer, Broken>>,
    /// It was sent before, on a connection that broke.
    is_again: bool,
}

impl Pool {
    /// What did not work when a connection was wanted last; `None` where it did.
    pub(super) fn failed(&self) -> Option<About> {
        *lock(&self.shared.failed)
    }

    /// The way to this service. Nothing is opened yet, and no file read.
    pub fn new(access: Access, limits: Limits) -> Self {
        let most = usize::try_from(access.max_envelope).unwrap_or(usize::MAX).saturating_mul(SLACK);
        let limits = Limits { answer: limits.answer.min(most), ..limits };
        let client = Arc::new(Client::new(access.web.clone(), limits, &explain::WORDS));
        let gate = Gate::new(&access);
        let shared = Shared {
            access,
            client,
            jobs: Mutex::default(),
            waiting: Semaphore::new(0),
            gate,
            used: Mutex::default(),
            failed: Mutex::default(),
        };
        Pool { shared: Arc::new(shared) }
    }
}

#[async_trait]
impl Wire for Pool {
    async fn exchange(&self, envelope: &str, effect: Effect) -> std::result::Result<Answer, Broken> {
        may_be_sent(envelope, &self.shared.access).map_err(Broken::unsent)?;
        let (reply, answer) = oneshot::channel();
        self.shared.add(Job { envelope: envelope.to_owned(), effect, reply, is_again: false });
        answer.await.unwrap_or_else(|_| Err(Broken::sent(lost_task())))
    }

    fn scheme_used(&self) -> Option<String> {
        lock(&self.shared.used).as_ref().map(|used| used.mechanism.clone())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // ends the tasks that wait
        self.shared.waiting.close();
    }
}

/// Refuses what would be unsafe, or no server would take.
fn may_be_sent(envelope: &str, access: &Access) -> Result<()> {
    let most = access.max_envelope;
    if usize::try_from(most).is_ok_and(|most| envelope.len() > most) {
        let what = format!("a request of {} bytes is larger than the envelope of {most} bytes", envelope.len());
        return Err(Error::new(ErrorKind::TooLarge, what)
            .hint("raise max_envelope of this server in the configuration, and MaxEnvelopeSizekb on the server"));
    }
    if access.scheme.hands_over_the_password() && !access.web.address.is_tls() {
        let what = format!("auth = {:?} hands over the password: it goes over https only", access.scheme.word());
        return Err(Error::new(ErrorKind::Safety, what)
            .hint("use the https listener of the server (tls = true), or auth = \"negotiate\""));
    }
    Ok(())
}

impl Shared {
    /// Lets a job wait, and starts a task for it where none will take it.
    fn add(self: &Arc<Self>, job: Job) {
        let mut jobs = lock(&self.jobs);
        match job.is_again {
            true => jobs.queue.push_front(job),
            false => jobs.queue.push_back(job),
        }
        self.waiting.add_permits(1);
        if jobs.free < jobs.queue.len() && jobs.tasks < self.access.connections.max(1) {
            jobs.tasks += 1;
            jobs.free += 1;
            let task = Task { shared: self.clone(), is_free: true, has_left: false, why: None };
            tokio::spawn(task.run());
        }
    }

    async fn open(&self) -> std::result::Result<Connection, Failure> {
        let opened = match self.client.hold().await {
            Ok(held) => self.gate.authenticate(held, &self.access, self.client.limits().connect).await,
            Err(error) => Err(Failure::of_reach(error)),
        };
        *lock(&self.failed) = opened.as_ref().err().map(|failure| failure.about);
        opened.inspect(|connection| *lock(&self.used) = Some(connection.used()))
    }
}

/// The task that owns a connection.
struct Task {
    shared: Arc<Shared>,
    /// It is counted among the free ones.
    is_free: bool,
    has_left: bool,
    /// Why it has no connection.
    why: Option<Error>,
}

impl Task {
    async fn run(mut self) {
        let mut connection = None;
        loop {
            let mut ready = match connection.take() {
                Some(ready) => ready,
                None => match self.shared.open().await {
                    Ok(ready) => ready,
                    Err(failure) => return self.why = Some(failure.error),
                },
            };
            let Some(job) = self.next().await else { return };
            // lets the runtime look whether the server has closed the connection
            tokio::task::yield_now().await;
            if !is_good_for(&mut ready, &job) {
                ready = match self.shared.open().await {
                    Ok(ready) => ready,
                    Err(failure) => {
                        let _ = job.reply.send(Err(Broken::unsent(failure.error.clone())));
                        return self.why = Some(failure.error);
                    }
                };
            }
            if self.serve(&mut ready, job).await {
                connection = Some(ready);
            } else if self.is_done() {
                return;
            }
        }
    }

    /// The next job; `None` where none came in time and the task is done.
    async fn next(&mut self) -> Option<Job> {
        loop {
            let waited = tokio::time::timeout(KEPT, self.shared.waiting.acquire()).await;
            // `None` after the time, an error when the pool is gone
            match waited.ok().map(|permit| permit.map(SemaphorePermit::forget)) {
                Some(Ok(())) => {}
                Some(Err(_)) => return None,
                None if self.is_done() => return None,
                None => continue,
            }
            let job = lock(&self.shared.jobs).queue.pop_front();
            if let Some(job) = job.filter(|job| !job.reply.is_closed()) {
                self.set_free(false);
                return Some(job);
            }
        }
    }

    /// Answers a job; whether the connection can be kept.
    async fn serve(&mut self, connection: &mut Connection, mut job: Job) -> bool {
        let outcome = tokio::select! {
            outcome = connection.exchange(&job.envelope, job.effect, &self.shared.access) => Some(outcome),
            // nobody waits any more: what was begun is not sent on
            () = job.reply.closed() => None,
        };
        self.set_free(true);
        let is_kept = matches!(outcome, Some(Ok(_)));
        match outcome {
            None => {}
            Some(Ok(answer)) => drop(job.reply.send(Ok(answer))),
            Some(Err(Unanswered { may_try_again: true, .. })) if !job.is_again => {
                self.shared.add(Job { is_again: true, ..job });
            }
            Some(Err(Unanswered { broken, .. })) => drop(job.reply.send(Err(broken))),
        }
        is_kept
    }

    /// Whether nothing waits; then the task has left.
    fn is_done(&mut self) -> bool {
        let shared = self.shared.clone();
        let mut jobs = lock(&shared.jobs);
        let is_done = jobs.queue.is_empty();
        if is_done {
            self.leave(&mut jobs);
        }
        is_done
    }

    fn leave(&mut self, jobs: &mut Jobs) {
        jobs.free -= usize::from(std::mem::take(&mut self.is_free));
        jobs.tasks -= usize::from(!std::mem::replace(&mut self.has_left, true));
    }

    fn set_free(&mut self, is_free: bool) {
        let mut jobs = lock(&self.shared.jobs);
        jobs.free = jobs.free + usize::from(is_free) - usize::from(self.is_free);
        self.is_free = is_free;
    }
}

impl Drop for Task {
    /// What still waits is left to those that have a connection; where nobody has, it is told why.
    fn drop(&mut self) {
        let shared = self.shared.clone();
        let mut jobs = lock(&shared.jobs);
        self.leave(&mut jobs);
        let address = &shared.access.web.address;
        if jobs.tasks > 0 {
            if let Some(why) = &self.why {
                tracing::warn!("one connection fewer to {address}: {}", why.with_hint());
            }
            return;
        }
        let left = std::mem::take(&mut jobs.queue);
        shared.waiting.forget_permits(left.len());
        drop(jobs);
        let why = self.why.take().unwrap_or_else(lost_task);
        for job in left {
            let _ = job.reply.send(Err(Broken::unsent(why.clone())));
        }
    }
}

/// Whether a job may go over a connection that was kept.
fn is_good_for(connection: &mut Connection, job: &Job) -> bool {
    let is_fresh = !connection.is_used();
    let is_young = job.effect == Effect::Reads || connection.idle() < KEPT_FOR_WRITES;
    connection.is_open() && is_young && (is_fresh || !job.is_again)
}

/// A task ended that should not have.
fn lost_task() -> Error {
    Error::new(ErrorKind::Local, "the task that owns the connection ended unexpectedly")
        .hint("see the log of scopesync")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
