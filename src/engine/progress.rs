//! How far something has come, told without ever holding it up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::outcome::Outcome;
use crate::model::{ScopeId, ServerName};

/// The stage that a run is in for a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Waiting for its turn.
    Waiting,
    /// Reading the scope again and comparing with the plan.
    Checking,
    /// Storing the target's scope as it is.
    Journal,
    /// Writing.
    Writing,
    /// Waiting until the target is back in its normal state.
    Settling,
    /// Reading back.
    Verifying,
    /// Saving the target's configuration.
    Saving,
    /// Done, one way or another.
    Done,
}

impl Stage {
    /// The word for screens.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Waiting => "waiting",
            Stage::Checking => "checking",
            Stage::Journal => "journal",
            Stage::Writing => "writing",
            Stage::Settling => "settling",
            Stage::Verifying => "verifying",
            Stage::Saving => "saving",
            Stage::Done => "done",
        }
    }
}

/// A wait for servers, with nothing to count.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// How those who are waited for stand, in words.
    pub for_what: String,
    /// How long it takes as a rule; `None` where nobody knows.
    pub expected: Option<Duration>,
    /// The run that has to end first; safe to show.
    pub run: Option<String>,
}

/// What became of a scope while its run goes on, and why; safe to show.
pub type Came = (Outcome, Option<Arc<str>>);

/// Where nothing has moved for longer than this, a rate says nothing of the time that is left.
const STILL: Duration = Duration::from_secs(10);

/// How long ago that was, where it is long.
pub fn still_since(moved: jiff::Timestamp, now: jiff::Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(moved)).ok().filter(|still| *still > STILL)
}

/// Where a run stands: totals, and what is going on right now.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The run's name in the history, once that has one: before the first write.
    pub run: Option<String>,
    /// Scopes planned.
    pub scopes_total: usize,
    /// Scopes with an outcome.
    pub scopes_done: usize,
    /// Changes planned.
    pub changes_total: usize,
    /// Changes written or given up.
    pub changes_done: usize,
    /// The server, scope and stage that moved last.
    pub current: Option<(ServerName, Option<ScopeId>, Stage)>,
    /// Each planned scope with its stage, in plan order, by relationship index.
    pub stages: Arc<Vec<(usize, ScopeId, Stage)>>,
    /// What became of those that are done, by relationship index.
    pub outcomes: Arc<BTreeMap<(usize, ScopeId), Came>>,
    /// What is waited for right now.
    pub waiting: Option<Waiting>,
    /// Servers that are asked whether anything has moved since the plan was made, and have not answered yet.
    pub asked: BTreeSet<ServerName>,
    /// When the run began, or had its servers for itself: what its rate counts from.
    pub started: jiff::Timestamp,
    /// So many seconds after that anything moved last.
    pub moved: u32,
}

impl Status {
    /// A run that has not begun.
    pub fn new() -> Self {
        Status {
            run: None,
            scopes_total: 0,
            scopes_done: 0,
            changes_total: 0,
            changes_done: 0,
            current: None,
            stages: Arc::default(),
            outcomes: Arc::default(),
            waiting: None,
            asked: BTreeSet::new(),
            started: jiff::Timestamp::now(),
            moved: 0,
        }
    }

    /// When anything moved last.
    pub fn moved_at(&self) -> jiff::Timestamp {
        self.started + Duration::from_secs(self.moved.into())
    }

    /// For how long nothing has moved, where that is long: a server hangs.
    pub fn still_for(&self, now: jiff::Timestamp) -> Option<Duration> {
        still_since(self.moved_at(), now)
    }

    /// What moves when something moves. Not a copy of it all: that would share its lists, which are changed in place.
    fn place(&self) -> impl PartialEq + use<> {
        (self.scopes_done, self.changes_done, self.asked.len(), self.current.clone(), self.waiting.clone())
    }

    /// Changes per second so far and seconds left at that rate; `None` before anything is done, and where nothing
    /// moves any more.
    pub fn rate(&self, now: jiff::Timestamp) -> Option<(f64, f64)> {
        let elapsed = now.duration_since(self.started).as_secs_f64();
        if self.changes_done == 0 || elapsed <= 0.0 || self.still_for(now).is_some() {
            return None;
        }
        let rate = self.changes_done as f64 / elapsed;
        Some((rate, self.changes_total.saturating_sub(self.changes_done) as f64 / rate))
    }
}

impl Default for Status {
    fn default() -> Self {
        Status::new()
    }
}

/// The telling end: the newest status replaces the one before, so a slow
/// listener sees fewer of them and holds nothing up.
#[derive(Clone, Debug)]
pub struct Progress(Arc<watch::Sender<Status>>);

impl Progress {
    /// Both ends.
    pub fn channel() -> (Progress, watch::Receiver<Status>) {
        let (sender, receiver) = watch::channel(Status::new());
        (Progress(Arc::new(sender)), receiver)
    }

    /// A telling end that nobody listens to.
    pub fn nobody() -> Progress {
        Progress::channel().0
    }

    /// Changes the status.
    pub fn update(&self, change: impl FnOnce(&mut Status)) {
        self.0.send_modify(|status| {
            let before = status.place();
            change(status);
            if status.place() != before {
                let seconds = jiff::Timestamp::now().duration_since(status.started).as_secs();
                status.moved = u32::try_from(seconds).unwrap_or(0);
            }
        });
    }
}

/// The scopes that somebody looks at right now, the most wanted first: what is read in many
/// steps begins with them. Set and read from any thread at any time.
#[derive(Clone, Debug)]
pub struct Attention(Arc<watch::Sender<Arc<[ScopeId]>>>);

impl Default for Attention {
    /// Nobody looks at anything.
    fn default() -> Self {
        Attention(Arc::new(watch::channel(Arc::from([])).0))
    }
}

impl Attention {
    /// Somebody looks at these now, and at nothing else.
    pub fn turn_to(&self, scopes: impl Into<Arc<[ScopeId]>>) {
        self.0.send_replace(scopes.into());
    }

    /// What is looked at now.
    pub fn scopes(&self) -> Arc<[ScopeId]> {
        self.0.borrow().clone()
    }
}

/// How a caller holds the reins of something that takes time.
#[derive(Clone, Debug)]
pub struct Control {
    /// End after the scope in flight.
    pub soft: CancellationToken,
    /// End after the request in flight.
    pub hard: CancellationToken,
    /// Where progress is told.
    pub progress: Progress,
}

impl Control {
    /// Reins that nobody holds.
    pub fn free() -> Self {
        Control { soft: CancellationToken::new(), hard: CancellationToken::new(), progress: Progress::nobody() }
    }

    /// Whether it should end as soon as a scope is complete.
    pub fn is_cancelled(&self) -> bool {
        self.soft.is_cancelled() || self.hard.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_left_where_nothing_moves() {
        let now = jiff::Timestamp::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut status = Status { changes_total: 40, changes_done: 10, started: now, ..Status::new() };
        assert_eq!((status.rate(at(5)), status.still_for(at(5))), (Some((2.0, 15.0)), None));
        assert_eq!((status.rate(at(12)), status.still_for(at(12))), (None, Some(Duration::from_secs(12))));
        status.moved = 8;
        assert!(status.rate(at(12)).is_some() && status.still_for(at(20)) == Some(Duration::from_secs(12)));
    }

    #[test]
    fn only_what_moves_is_taken_for_a_movement() {
        let (progress, status) = Progress::channel();
        progress.update(|status| {
            status.started = jiff::Timestamp::now() - Duration::from_secs(60);
            status.current = None;
        });
        assert_eq!(status.borrow().moved, 0, "it says the same once more");
        progress.update(|status| status.scopes_done = 1);
        assert!(status.borrow().moved >= 60);
    }
}
