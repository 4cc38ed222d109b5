//! One run as a whole, and how a run stands now.

use std::path::Path;

use serde::Serialize;

use super::hold::Locks;
use super::{Documents, History, RunRecord, Snapshot};
use crate::engine::Result;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// It is going on.
    Running,
    /// Its process is gone, and nobody has seen to it yet.
    Interrupted,
    /// It was interrupted, and somebody has seen to it.
    Settled,
    /// It came to its end.
    Ended,
}

/// All that is kept of a run.
#[derive(Clone, Debug)]
pub struct Story {
    /// The run.
    pub run: RunRecord,
    /// How it stands.
    pub state: RunState,
    /// What was asked, planned and told.
    pub documents: Documents,
    /// The scopes that it was to write.
    pub snapshots: Vec<Snapshot>,
}

impl History {
    /// How a run stands now. Reads only.
    pub fn state(&self, run: &RunRecord) -> RunState {
        match (state_of(run), &self.root) {
            (Some(state), _) => state,
            (None, Ok(root)) if is_alive(root, &run.id) => RunState::Running,
            // its process may be gone because it has ended since it was read
            (None, _) => self.run(&run.id).ok().and_then(|now| state_of(&now)).unwrap_or(RunState::Interrupted),
        }
    }

    /// All that is kept of the run of this name, as [`History::run`] takes it.
    ///
    /// # Errors
    /// There is none, or there are several; or the store cannot be read.
    pub fn story(&self, name: &str) -> Result<Story> {
        let mut run = self.run(name)?;
        let state = self.state(&run);
        if state_of(&run).is_none() && state != RunState::Running {
            run = self.run(&run.id)?;
        }
        let (documents, snapshots) = (self.documents(&run)?, self.snapshots(&run, None)?);
        Ok(Story { state, documents, snapshots, run })
    }
}

/// What its record says; `None` when only its process can tell.
fn state_of(run: &RunRecord) -> Option<RunState> {
    match (&run.ended, &run.settled) {
        (Some(_), _) => Some(RunState::Ended),
        (None, Some(_)) => Some(RunState::Settled),
        (None, None) => None,
    }
}

/// Whoever only looks makes no folder for locks.
fn is_alive(root: &Path, run: &str) -> bool {
    Locks::new(root.join("locks")).is_alive(run)
}
