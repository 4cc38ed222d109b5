//! How far a run is, in words.

use serde::{Deserialize, Serialize};

use crate::engine::progress::Status;

/// How far a run is, for any front end, also one of another process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Scopes to be written.
    pub scopes_total: usize,
    /// Scopes with an outcome.
    pub scopes_done: usize,
    /// Changes to be made.
    pub changes_total: usize,
    /// Changes made or given up.
    pub changes_done: usize,
    /// Something is waited for, and there is nothing to count.
    pub waiting: bool,
    /// What goes on right now.
    pub doing: String,
}

impl Progress {
    /// Something that has no parts to count.
    pub fn waiting(doing: impl Into<String>) -> Self {
        Progress { waiting: true, doing: doing.into(), ..Progress::default() }
    }
}

impl From<&Status> for Progress {
    fn from(status: &Status) -> Self {
        let doing = match (&status.waiting, &status.current) {
            (Some(waiting), _) => {
                let about = waiting.expected.map(|expected| format!("of about {:.0} s: ", expected.as_secs_f64()));
                format!("{}{}", about.unwrap_or_default(), waiting.for_what)
            }
            (None, Some((server, Some(scope), stage))) => format!("{server} {} {}", scope.short(), stage.word()),
            (None, Some((server, None, stage))) => format!("{server} {}", stage.word()),
            (None, None) => String::new(),
        };
        Progress {
            scopes_total: status.scopes_total,
            scopes_done: status.scopes_done,
            changes_total: status.changes_total,
            changes_done: status.changes_done,
            waiting: status.waiting.is_some(),
            doing,
        }
    }
}
