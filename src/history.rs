//! The history: what runs were asked, what they overwrote, and who holds which server.
//!
//! One SQLite store, `history.db` in the state folder, for every process of the user. Nothing is
//! made before something must be kept; who only reads finds an empty history.

mod audit;
mod carried;
mod hold;
mod jobs;
mod old;
mod past;
mod read;
mod recovery;
mod retention;
mod schema;
mod settle;
mod store;
mod story;
mod undone;
mod who;
mod write;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use carried::Carried;
pub use jobs::{Job, JobState, NewJob};
pub use read::{Documents, RunFilter, RunRecord, Snapshot, SnapshotEnd};
pub use retention::Dropped;
pub use settle::{Settled, Settlement};
pub use story::{RunState, Story};
pub use undone::{Taken, UndoneBy};
pub use who::{FrontEnd, Who};

use crate::config::HistoryConfig;
use crate::engine::{Error, ErrorKind, Result};
use crate::state::{StateError, StateFolder};
use audit::{Audit, Event};
use hold::Locks;
use store::Store;

/// The store's file in the state folder.
const FILE: &str = "history.db";

/// The history of this user's runs.
pub struct History {
    /// The state folder, or why there is none.
    root: Result<PathBuf>,
    who: Who,
    limits: HistoryConfig,
    /// For so long others may keep the store from us.
    patience: Duration,
    store: Mutex<Option<Store>>,
}

impl History {
    /// The history in this state folder; nothing is opened or made yet.
    pub fn new(state: &StateFolder) -> Self {
        History::at(Ok(state.root().to_owned()))
    }

    /// The history of a state folder that may not be there: then nothing can be kept.
    pub fn of(state: &std::result::Result<StateFolder, StateError>) -> Self {
        match state {
            Ok(state) => History::new(state),
            Err(error) => History::at(Err(Error::new(ErrorKind::Local, error.to_string()))),
        }
    }

    fn at(root: Result<PathBuf>) -> Self {
        let who = Who::of_process(FrontEnd::CommandLine);
        History { root, who, limits: HistoryConfig::default(), patience: store::PATIENCE, store: Mutex::default() }
    }

    /// The same history, kept within these limits.
    pub fn within(mut self, limits: HistoryConfig) -> Self {
        self.limits = limits;
        self
    }

    /// The same history, used otherwise than by one command.
    pub fn used_by(mut self, front_end: FrontEnd) -> Self {
        self.who.front_end = front_end;
        self
    }

    /// The same history, used by this process for somebody who asked another one and may be gone.
    pub fn on_behalf_of(mut self, who: Who) -> Self {
        let Who { process, since, .. } = self.who;
        self.who = Who { process, since, front_end: FrontEnd::Job, ..who };
        self
    }

    /// Who uses it.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// The store's file, which need not be there.
    ///
    /// # Errors
    /// There is no state folder.
    pub fn path(&self) -> Result<PathBuf> {
        self.root.clone().map(|root| root.join(FILE))
    }

    /// The files that the first version of the program kept runs in, the oldest first; the history
    /// does not know these.
    pub fn old_journals(&self) -> Vec<PathBuf> {
        self.root.as_ref().map(|root| old::journals(root)).unwrap_or_default()
    }

    /// Looks through the whole store, and tells what is wrong with it: nothing, as a rule.
    ///
    /// # Errors
    /// The store is so damaged that it cannot be opened.
    pub fn check(&self) -> Result<Vec<String>> {
        let found = self.read(|connection| {
            let mut wrong = Vec::new();
            connection.pragma_query(None, "integrity_check", |row| {
                wrong.push(row.get::<_, String>(0)?);
                Ok(())
            })?;
            wrong.retain(|line| line != "ok");
            connection.pragma_query(None, "foreign_key_check", |row| {
                wrong.push(format!("a row of {} belongs to no run", row.get::<_, String>(0)?));
                Ok(())
            })?;
            Ok(wrong)
        })?;
        Ok(found.unwrap_or_default())
    }

    fn store(&self) -> MutexGuard<'_, Option<Store>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to the audit, durably.
    fn audit(&self, events: &[Event]) -> Result<()> {
        self.on_audit(|audit| audit.append(&self.who, events))
    }

    fn on_audit(&self, act: impl FnOnce(&Audit) -> std::io::Result<()>) -> Result<()> {
        let state = StateFolder::at(self.root.clone()?);
        state.make().map_err(|error| Error::new(ErrorKind::Local, error.to_string()))?;
        let HistoryConfig { audit_size, audit_files, .. } = self.limits;
        let keep = audit::Keep { size: audit_size.0, files: NonZeroU32::new(audit_files) };
        let audit = Audit::new(state.root(), keep);
        act(&audit).map_err(|error| {
            Error::new(ErrorKind::Local, format!("the audit {} cannot be written: {error}", audit.path().display()))
                .hint("nothing is written to a server without it: make room or mend the folder's permissions")
        })
    }

    fn locks(&self) -> Result<Locks> {
        let root = self.root.clone()?;
        let folder = StateFolder::at(root).locks().map_err(|error| Error::new(ErrorKind::Local, error.to_string()))?;
        Ok(Locks::new(folder))
    }

    /// Asks the store; `None` where there is none.
    fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<Option<T>> {
        let mut store = self.store();
        if store.as_ref().is_none_or(|store| !store.is_in_place()) {
            // closed first: two at once on files that are no longer one store would spoil them
            *store = None;
            if let Ok(path) = self.path() {
                *store = Store::look(&path, self.patience)?;
            }
        }
        let Some(store) = store.as_ref() else { return Ok(None) };
        ask(&store.connection).map(Some).map_err(|error| store.failure(error))
    }

    /// Changes the store as a whole or not at all; it is on the disk when this returns. Opens the
    /// store anew where its file was replaced.
    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let mut store = self.store();
        if store.as_ref().is_none_or(|store| !store.writable || !store.is_in_place()) {
            let state = StateFolder::at(self.root.clone()?);
            state.make().map_err(|error| Error::new(ErrorKind::Local, error.to_string()))?;
            *store = None;
            *store = Some(Store::open(&self.path()?, self.patience)?);
        }
        commit(store.as_mut(), Lasting::Now, change)
    }

    /// Changes the store that the run has begun in: another one would not know it.
    fn write_on<T>(&self, lasting: Lasting, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let mut store = self.store();
        match store.as_ref() {
            Some(store) if store.writable && !store.is_in_place() => return Err(store.gone()),
            Some(store) if store.writable => {}
            _ => {
                *store = None;
                *store = Some(Store::open(&self.path()?, self.patience)?);
            }
        }
        commit(store.as_mut(), lasting, change)
    }
}

/// From when on a change of the store outlives a loss of power; it outlives the program at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lasting {
    /// Before anything else is done.
    Now,
    /// With the next change that lasts at once.
    WithNext,
}

fn commit<T>(
    store: Option<&mut Store>,
    lasting: Lasting,
    change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> Result<T> {
    let Some(store) = store else { return Err(Error::new(ErrorKind::Local, "the history is not open")) };
    let done = (|| {
        // of a write-ahead log, which every full commit writes out up to its end
        let synchronous = if lasting == Lasting::Now { "FULL" } else { "NORMAL" };
        store.connection.pragma_update(None, "synchronous", synchronous)?;
        let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = change(&transaction)?;
        transaction.commit()?;
        Ok(done)
    })();
    done.map_err(|error| match error {
        // it is not the store in which the run was begun
        rusqlite::Error::QueryReturnedNoRows => store.gone(),
        error => store.failure(error),
    })
}

#[cfg(test)]
mod tests;
