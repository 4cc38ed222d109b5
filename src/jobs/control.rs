//! A job's side: being cancelled, saying something.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{JobEvent, JobId};

/// Handed to every job. Clones belong to the same job.
pub struct JobControl<E> {
    id: JobId,
    soft: CancellationToken,
    hard: CancellationToken,
    send: mpsc::Sender<JobEvent<E>>,
    slots: Arc<Slots<E>>,
}

impl<E> Clone for JobControl<E> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            soft: self.soft.clone(),
            hard: self.hard.clone(),
            send: self.send.clone(),
            slots: Arc::clone(&self.slots),
        }
    }
}

impl<E> JobControl<E> {
    pub(super) fn new(
        id: JobId,
        soft: CancellationToken,
        hard: CancellationToken,
        send: mpsc::Sender<JobEvent<E>>,
        slots: Arc<Slots<E>>,
    ) -> Self {
        Self { id, soft, hard, send, slots }
    }

    /// The job that this belongs to.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Cancelled when the job should end after the piece of work in flight.
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when the job should end after the request in flight.
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// Says something that must not be lost. Waits while the screen is far behind; when there
    /// is no screen any more, it is forgotten.
    pub async fn send(&self, event: E) {
        let _ = self.send.send(JobEvent::Event(self.id, event)).await;
    }

    /// Says how far the job is, in place of whatever was said so before and not seen yet.
    /// Never waits; may be called as often as something happens.
    pub fn progress(&self, event: E) {
        self.progress_of(0, event);
    }

    /// As [`JobControl::progress`], with a slot for each `part` of the job: an event takes the
    /// place only of an earlier one of the same part.
    pub fn progress_of(&self, part: u64, event: E) {
        self.slots.put(self.id, part, event);
    }
}

/// The newest progress of each part of each job that runs.
pub(super) struct Slots<E> {
    jobs: Mutex<BTreeMap<JobId, BTreeMap<u64, E>>>,
    filled: Notify,
}

impl<E> Default for Slots<E> {
    fn default() -> Self {
        Self { jobs: Mutex::default(), filled: Notify::new() }
    }
}

impl<E> Slots<E> {
    fn jobs(&self) -> MutexGuard<'_, BTreeMap<JobId, BTreeMap<u64, E>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self, id: JobId) {
        self.jobs().insert(id, BTreeMap::new());
    }

    fn put(&self, id: JobId, part: u64, event: E) {
        let old = match self.jobs().get_mut(&id) {
            Some(parts) => parts.insert(part, event),
            // The job has ended; a task that it left behind has nothing to say.
            None => return,
        };
        if old.is_none() {
            self.filled.notify_one();
        }
    }

    /// Ends a job: what was not seen yet.
    pub(super) fn close(&self, id: JobId) -> impl Iterator<Item = E> + use<E> {
        self.jobs().remove(&id).unwrap_or_default().into_values()
    }

    pub(super) fn take_all(&self) -> Vec<(JobId, E)> {
        let mut jobs = self.jobs();
        let parts =
            jobs.iter_mut().flat_map(|(id, parts)| std::mem::take(parts).into_values().map(|event| (*id, event)));
        parts.collect()
    }

    fn is_empty(&self) -> bool {
        self.jobs().values().all(BTreeMap::is_empty)
    }

    /// Returns when there is something to take, but not before `due`.
    pub(super) async fn filled(&self, due: Instant) {
        while self.is_empty() {
            self.filled.notified().await;
        }
        tokio::time::sleep_until(due).await;
    }
}
