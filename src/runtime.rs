//! The loop that joins terminal, app, jobs and ui.

use std::sync::Arc;

use crate::config::Located;
use crate::engine::fleet::Fleet;
use crate::engine::{Error, ErrorKind};
use crate::state::StateFolder;

/// What the interactive program starts from.
pub struct Start {
    /// The servers; `None` opens the start page, which lists the paths of `located` and
    /// offers the demo (`crate::demo`).
    pub fleet: Option<Arc<Fleet>>,
    /// What the search for a configuration ended with; not asked for under `demo`.
    pub located: Option<Located>,
    /// The servers are the demo pair.
    pub demo: bool,
    /// No server is ever a target.
    pub read_only: bool,
    /// Where the journal and the demo pair are kept.
    pub state: StateFolder,
    /// What the operator should know, such as that no log is written.
    pub warnings: Vec<String>,
}

/// Runs the interactive program until the operator leaves it. Takes the calling thread for the
/// screen and makes threads of its own for the jobs.
///
/// # Errors
/// The terminal cannot be taken, or was lost.
pub fn run(start: Start) -> Result<(), Error> {
    let _ = start;
    Err(Error::new(ErrorKind::Unsupported, "the interactive program is not there yet"))
}
