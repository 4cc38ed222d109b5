//! The threads that jobs run on.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

/// What has to finish gets so long when the program ends without having waited for it. A
/// request to a server is over by then, one way or another.
const FINISH: Duration = Duration::from_secs(30);

/// Blocking work of other jobs is left behind after this.
const PATIENCE: Duration = Duration::from_secs(1);

/// A runtime whose end neither hangs nor tears apart what has to finish, not even while a
/// panic unwinds.
pub struct Workers {
    runtime: Option<Runtime>,
    handle: Handle,
    unfinished: Arc<Unfinished>,
}

impl Workers {
    /// Starts the threads: at least two, so that one busy job does not stop the others.
    ///
    /// # Errors
    /// The system's, when no thread can be started.
    pub fn start() -> io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(2, |count| count.get().max(2));
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
        let handle = runtime.handle().clone();
        Ok(Self { runtime: Some(runtime), handle, unfinished: Arc::default() })
    }

    /// Where tasks are started that are no jobs.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs the screen's loop on the calling thread, which should be the main thread: jobs run
    /// on others, so that a panic here is told apart from a panic there.
    pub fn block_on<T>(&self, main: impl Future<Output = T>) -> T {
        self.handle.block_on(main)
    }

    pub(super) fn unfinished(&self) -> &Arc<Unfinished> {
        &self.unfinished
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if self.unfinished.is_abandoned() {
            tracing::warn!("left at once, whatever was under way");
            if let Some(runtime) = self.runtime.take() {
                runtime.shutdown_background();
            }
            return;
        }
        if !self.unfinished.wait(FINISH) {
            tracing::error!("ended although a job that had to finish had not");
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

/// Counts the jobs that have to finish.
#[derive(Default)]
pub(super) struct Unfinished {
    count: Mutex<usize>,
    fewer: Condvar,
    abandoned: AtomicBool,
}

impl Unfinished {
    /// One more, until the result is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Finish {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Finish(Arc::clone(self))
    }

    /// Nothing is waited for any more.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Waits until there are none; says whether that came true in time.
    fn wait(&self, patience: Duration) -> bool {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.fewer.wait_timeout_while(count, patience, |count| *count > 0);
        let (count, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *count == 0
    }
}

/// Held by a job that has to finish.
pub(super) struct Finish(Arc<Unfinished>);

impl Drop for Finish {
    fn drop(&mut self) {
        *self.0.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.fewer.notify_all();
    }
}
