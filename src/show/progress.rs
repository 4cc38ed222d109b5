//! How far a run is, in words.

use serde::{Deserialize, Serialize};

use super::some;
use crate::engine::progress::{Stage, Status, still_since};

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
    /// When anything moved last; `None` where it is known how long nothing moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<jiff::Timestamp>,
}

impl Progress {
    /// Something that has no parts to count.
    pub fn waiting(doing: impl Into<String>) -> Self {
        Progress { waiting: true, doing: doing.into(), ..Progress::default() }
    }

    /// How far a run is right now: where nothing has moved for long, or it is to end, who is waited for.
    pub fn at(status: &Status, is_ending: bool, now: jiff::Timestamp) -> Self {
        let progress = Progress::from(status);
        let awaited = awaited(status).filter(|_| is_ending || status.still_for(now).is_some());
        match awaited {
            Some(doing) if !progress.waiting => Progress { doing, ..progress },
            _ => progress,
        }
    }

    /// For how long nothing has moved, where that is long and nobody expects it.
    pub fn still(&self, now: jiff::Timestamp) -> Option<String> {
        still_since(self.moved?, now).map(|still| format!("nothing for {}", time(still.as_secs_f64())))
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

/// Who is waited for by a run that does not move, or is to end; `None` before its first step.
pub fn awaited(status: &Status) -> Option<String> {
    match status.current.as_ref()? {
        (server, Some(scope), stage) if *stage != Stage::Done => {
            Some(format!("waiting for {server}, {} {}", stage.word(), scope.short()))
        }
        (server, ..) => Some(format!("waiting for {server}")),
    }
}

/// So many seconds, for people.
pub fn time(seconds: f64) -> String {
    // Beyond a day nobody believes it.
    let seconds = seconds.clamp(0.0, 86_400.0) as u64;
    if seconds >= 60 { format!("{} min {} s", seconds / 60, seconds % 60) } else { format!("{seconds} s") }
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
        let is_expected = status.waiting.as_ref().is_some_and(|waiting| waiting.expected.is_some());
        Progress {
            scopes_total: status.scopes_total,
            scopes_done: status.scopes_done,
            changes_total: status.changes_total,
            changes_done: status.changes_done,
            waiting: status.waiting.is_some(),
            doing,
            moved: (!is_expected).then(|| status.moved_at()),
        }
    }
}
