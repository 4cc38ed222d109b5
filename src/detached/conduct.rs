//! What ties a job to its place in the history: it says there how far it is, and hears whether it
//! is asked to end.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch::Receiver;

use super::JobReport;
use crate::engine::outcome::{Outcome, RunReport};
use crate::engine::port::{Control, Held};
use crate::engine::progress::{self, Status};
use crate::engine::{Error, ErrorKind, Result};
use crate::history::{History, JobState};
use crate::show::{Progress, ScopeNames};
use crate::signals::Signals;

/// So often it is told how far the job is, and looked whether it is asked to end.
const PACE: Duration = Duration::from_millis(250);

/// A job that is this process's, for as long as this lives.
pub(super) struct Conduct {
    history: Arc<History>,
    job: i64,
    _alive: Mutex<Held>,
}

/// How a job ended.
pub(super) struct Ended {
    pub state: JobState,
    pub report: JobReport,
}

impl Ended {
    pub(super) fn failed(error: &Error) -> Self {
        let state = if error.kind == ErrorKind::Cancelled { JobState::Stopped } else { JobState::Failed };
        Ended { state, report: JobReport::failed(error) }
    }

    fn of(report: &RunReport, names: &ScopeNames) -> Self {
        let stopped = report.scopes().any(|scope| scope.outcome == Outcome::Cancelled);
        let report = JobReport::of(report, names);
        let state = match report.exit_status {
            _ if stopped => JobState::Stopped,
            1 => JobState::Failed,
            _ => JobState::Completed,
        };
        Ended { state, report }
    }
}

impl Conduct {
    /// Takes a job that no process has taken.
    pub(super) fn take(history: History, job: i64) -> Result<Self> {
        let alive = history.take_job(job)?;
        Ok(Conduct { history: Arc::new(history), job, _alive: Mutex::new(alive) })
    }

    pub(super) fn job(&self) -> i64 {
        self.job
    }

    /// Where the job's run is kept.
    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// Does the work, and meanwhile keeps in touch with the history. A panic is a failed job.
    pub(super) async fn follow<W>(&self, work: impl FnOnce(Control) -> W) -> Ended
    where
        W: Future<Output = Result<(RunReport, ScopeNames)>>,
    {
        let (progress, status) = progress::Progress::channel();
        let control = Control { progress, ..Control::free() };
        let work = AssertUnwindSafe(work(control.clone())).catch_unwind();
        let done = tokio::select! {
            // first: a signal must not end the process in the middle of a write
            biased;
            never = self.keep_in_touch(status, &control) => match never {},
            done = work => done,
        };
        match done {
            Ok(Ok((report, names))) => Ended::of(&report, &names),
            Ok(Err(error)) => Ended::failed(&error),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("for no known reason");
                Ended { state: JobState::Failed, report: JobReport::broken(&format!("the job broke: {text}")) }
            }
        }
    }

    async fn keep_in_touch(&self, mut status: Receiver<Status>, control: &Control) -> Infallible {
        let mut signals = Signals::listen();
        let mut asked = 0;
        let mut named = status.clone();
        let mut is_named = false;
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = signals.next() => end(control),
                // at once: whoever finds the process dead looks for the run
                () = has_name(&mut named), if !is_named => {
                    is_named = true;
                    let now = status.borrow().clone();
                    self.tell(Progress::from(&now), now.run).await;
                }
                _ = pace.tick() => {
                    let moved = status.has_changed().unwrap_or(false);
                    let now = moved.then(|| status.borrow_and_update().clone());
                    let times = match now {
                        Some(now) => self.tell(Progress::from(&now), now.run).await,
                        None => self.on_disk(|history, job| history.job(job).map(|job| job.cancel)).await,
                    };
                    for _ in asked..times.unwrap_or(asked) {
                        end(control);
                    }
                    asked = asked.max(times.unwrap_or_default());
                }
            }
        }
    }

    /// Says how far the job is; how often it was asked to end by now, where that is known.
    pub(super) async fn tell(&self, progress: Progress, run: Option<String>) -> Option<u32> {
        let progress = serde_json::to_value(progress).unwrap_or_default();
        self.on_disk(move |history, job| history.job_progress(job, run.as_deref(), &progress)).await
    }

    /// A slow disk must not hold up the work. That it fails does not end the job: whether a run
    /// can be kept is seen by the run.
    async fn on_disk<T: Send + 'static>(
        &self,
        act: impl FnOnce(&History, i64) -> Result<T> + Send + 'static,
    ) -> Option<T> {
        let (history, job) = (Arc::clone(&self.history), self.job);
        let done = tokio::task::spawn_blocking(move || act(&history, job)).await.ok()?;
        done.inspect_err(|error| tracing::debug!(%error, job, "the job is not in touch with the history")).ok()
    }

    /// Closes the job.
    pub(super) fn close(&self, ended: &Ended) {
        let closed = self.history.finish_job(self.job, ended.state, Some(&ended.report.to_json()));
        if let Err(error) = closed {
            tracing::error!(%error, job = self.job, "how the job ended is not in the history");
        }
    }
}

/// Waits until the run has a name. Lends nothing: who looks at a status keeps it from being told.
async fn has_name(status: &mut Receiver<Status>) {
    if status.wait_for(|status| status.run.is_some()).await.is_err() {
        std::future::pending().await
    }
}

/// Softly the first time, hard the second.
fn end(control: &Control) {
    tracing::info!("asked to end");
    if control.soft.is_cancelled() {
        control.hard.cancel();
    }
    control.soft.cancel();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::outcome::{RelationshipRun, ScopeRun};

    #[test]
    fn a_job_that_was_cancelled_before_its_first_scope_is_stopped() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let report = |outcome| RunReport {
            run: "r".into(),
            begun: true,
            relationships: vec![RelationshipRun {
                name: "pair".into(),
                source: "one".into(),
                target: "two".into(),
                caveats: Vec::new(),
                scopes: vec![ScopeRun::untouched("10.0.0.0/24".parse().unwrap(), outcome, 1, None)],
                remarks: Vec::new(),
                unsaved: false,
                still_terminated: None,
            }],
            started: now,
            ended: now,
        };
        for (outcome, state) in [(Outcome::Cancelled, JobState::Stopped), (Outcome::Rejected, JobState::Failed)] {
            assert_eq!(Ended::of(&report(outcome), &ScopeNames::of_ids([])).state, state);
        }
    }
}
