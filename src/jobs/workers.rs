//! The threads that jobs run on.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

/// Blocking work that does not end by then is left behind when the program ends.
const PATIENCE: Duration = Duration::from_secs(2);

/// A runtime whose end never hangs, not even while a panic unwinds.
pub struct Workers(Option<Runtime>);

impl Workers {
    /// Starts the threads: at least two, so that one busy job does not stop the others.
    ///
    /// # Errors
    /// The system's, when no thread can be started.
    pub fn start() -> io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(2, |count| count.get().max(2));
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// For [`Jobs::new`](super::Jobs::new).
    ///
    /// # Panics
    /// Never: the runtime is there until this is dropped.
    pub fn handle(&self) -> Handle {
        self.runtime().handle().clone()
    }

    /// Runs the screen's loop on the calling thread, which should be the main thread: jobs run
    /// on others, so that a panic here is told apart from a panic there.
    pub fn block_on<T>(&self, main: impl Future<Output = T>) -> T {
        self.runtime().block_on(main)
    }

    fn runtime(&self) -> &Runtime {
        match &self.0 {
            Some(runtime) => runtime,
            None => unreachable!("taken by drop only"),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}
