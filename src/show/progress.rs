//! How far a run is, in words.

use serde::{Deserialize, Serialize};

use super::some;
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

/// Before the first write: that nothing has moved since the plan was made, and who has not said so yet. `None` for
/// a run that is further.
pub fn making_sure(status: &Status) -> Option<String> {
    let first = "making sure that nothing has moved since the preview";
    match status.asked.is_empty() {
        _ if status.current.is_some() || status.scopes_total == 0 => None,
        true => Some(first.to_owned()),
        false => Some(format!("{first}: waiting for {}", some(status.asked.iter()))),
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
            (None, None) => making_sure(status).unwrap_or_default(),
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
