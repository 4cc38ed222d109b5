//! What the operator types, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::signals::Signals;

/// The operator's lines. One thread reads them for all who ask: a read that waits for a line cannot be called back, and
/// of two that wait the first one would take what is meant for the second.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// What they are read from, where standard input holds something else.
    pub(super) device: Option<&'static str>,
    desk: Arc<Desk>,
    has_reader: bool,
}

/// Where the reader and those who ask meet.
#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// A line is to be read. It stays wanted when a signal has ended the question: then it is for the next one.
    is_wanted: bool,
    /// What was read and nobody has taken.
    line: Option<io::Result<String>>,
    /// How many have asked.
    asked: u64,
    /// The last one of them whom a signal has interrupted.
    interrupted: u64,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `found` gives something.
    fn wait<T>(&self, mut found: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut state = self.lock();
        loop {
            if let Some(found) = found(&mut state) {
                return found;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn read(&self, mut source: Option<impl BufRead>) {
        loop {
            self.wait(|state| state.is_wanted.then_some(()));
            let mut line = String::new();
            let read = match &mut source {
                Some(device) => device.read_line(&mut line),
                None => io::stdin().lock().read_line(&mut line),
            };
            self.change(|state| {
                state.is_wanted = false;
                state.line = Some(read.map(|_| line));
            });
        }
    }
}

impl Lines {
    /// The next line; empty at the end of the input.
    ///
    /// # Errors
    /// It cannot be read; [`io::ErrorKind::Interrupted`] after a signal. One that asks for the program's end is left to
    /// whoever listens next.
    pub(super) fn next(&mut self, mut signals: Signals) -> io::Result<String> {
        self.start()?;
        let mut question = 0;
        self.desk.change(|state| {
            state.is_wanted |= state.line.is_none();
            state.asked += 1;
            question = state.asked;
        });
        let desk = Arc::clone(&self.desk);
        let watch = tokio::spawn(async move {
            signals.heard().await;
            desk.change(|state| state.interrupted = question);
        });
        let line = self.desk.wait(|state| match state.interrupted == question {
            true => Some(Err(io::ErrorKind::Interrupted.into())),
            false => state.line.take(),
        });
        watch.abort();
        // Where the line came first the signal is for whoever listens next.
        if line.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            Signals::take_work();
        }
        line
    }

    /// Drops what was typed and not asked for.
    pub(super) fn forget(&self) {
        forget_typed(self.device);
        self.desk.lock().line = None;
    }

    /// Has the lines read from now on, until the program ends.
    fn start(&mut self) -> io::Result<()> {
        if self.has_reader {
            return Ok(());
        }
        let source = self.device.map(File::open).transpose()?.map(BufReader::new);
        let desk = Arc::clone(&self.desk);
        std::thread::Builder::new().name("lines".into()).spawn(move || desk.read(source))?;
        self.has_reader = true;
        Ok(())
    }
}

#[cfg(unix)]
fn forget_typed(device: Option<&'static str>) {
    use rustix::termios::{QueueSelector, tcflush};
    // Without a terminal there is nothing typed.
    let _ = match device.map(File::open) {
        Some(Ok(device)) => tcflush(device, QueueSelector::IFlush),
        Some(Err(_)) => Ok(()),
        None => tcflush(io::stdin(), QueueSelector::IFlush),
    };
}

#[cfg(not(unix))]
fn forget_typed(_device: Option<&'static str>) {}
