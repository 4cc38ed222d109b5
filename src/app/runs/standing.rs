//! How runs and jobs stand, in a word and in a line.

use std::collections::BTreeSet;

use super::super::detached::DetachedJob;
use super::super::state::Tone;
use super::{Ended, Entry, Run, Runs};
use crate::engine::outcome::{Outcome, RunReport, SavedState, ScopeRun};
use crate::engine::reset::{Fate, ResetReport};
use crate::history::JobState;
use crate::show::{self, plural};

/// How a run or job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Another run comes first, or no process has taken it yet.
    Queued,
    /// Under way.
    Running,
    /// It ends early, as the operator wants.
    Cancelling,
    /// Nothing is left to do or to worry about.
    Done,
    /// Not all of it was done, or not as planned.
    Partial,
    /// Nothing of it was done.
    Failed,
    /// Of some of it nobody knows whether it was done.
    Unknown,
    /// It ended early; what it had begun went well.
    Cancelled,
}

impl Standing {
    /// The longest of its words.
    pub const WIDTH: usize = 10;

    /// The word for screens.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Queued => "queued",
            Standing::Running => "running",
            Standing::Cancelling => "cancelling",
            Standing::Done => "done",
            Standing::Partial => "partial",
            Standing::Failed => "failed",
            Standing::Unknown => "unknown",
            Standing::Cancelled => "cancelled",
        }
    }

    /// How good it is.
    pub fn tone(self) -> Tone {
        match self {
            Standing::Queued | Standing::Running => Tone::Plain,
            Standing::Done => Tone::Good,
            Standing::Cancelling | Standing::Partial | Standing::Cancelled => Tone::Warning,
            Standing::Failed | Standing::Unknown => Tone::Bad,
        }
    }
}

impl Run {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        match &self.result {
            None if self.cancelled.is_some() => Standing::Cancelling,
            None if self.waits_for().is_some() => Standing::Queued,
            None => Standing::Running,
            Some(Ok(Ended::Replicated(report))) => replicated(report),
            Some(Ok(Ended::Reset(report))) => reset(report),
            Some(Err(_)) => Standing::Unknown,
        }
    }

    /// The name of the run that has to end first.
    pub fn waits_for(&self) -> Option<&str> {
        let waiting = self.status.waiting.as_ref().filter(|_| self.result.is_none())?;
        waiting.run.as_deref()
    }

    /// Changes per second so far and seconds left; `None` where nothing is written, and where it ends before all is.
    pub fn rate(&self, now: jiff::Timestamp) -> Option<(f64, f64)> {
        let goes_on = self.result.is_none() && self.waits_for().is_none() && self.cancelled.is_none();
        if goes_on { self.status.rate(now) } else { None }
    }

    /// Who is waited for, where nothing has moved for long or the run is to end.
    pub fn awaited(&self, now: jiff::Timestamp) -> Option<String> {
        if self.cancelled.is_none() && self.status.still_for(now).is_none() {
            return None;
        }
        show::awaited(&self.status)
    }
}

fn replicated(report: &RunReport) -> Standing {
    let has = |outcome| report.scopes().any(|scope| scope.outcome == outcome);
    let is_left = report.relationships.iter().any(|told| told.unsaved || told.still_terminated.is_some());
    match () {
        () if has(Outcome::Unknown) => Standing::Unknown,
        () if report.scopes().all(ScopeRun::is_good) => {
            if is_left {
                Standing::Partial
            } else {
                Standing::Done
            }
        }
        () if report.scopes().any(ScopeRun::has_failed) => match report.wrote() {
            true => Standing::Partial,
            false => Standing::Failed,
        },
        () if has(Outcome::Cancelled) => Standing::Cancelled,
        () => Standing::Partial,
    }
}

fn reset(report: &ResetReport) -> Standing {
    let has = |fate| report.sides.iter().any(|side| side.fate == fate);
    match () {
        () if report.is_good() => Standing::Done,
        () if has(Fate::Unknown) => Standing::Unknown,
        () if has(Fate::InService) || has(Fate::NotInService) => Standing::Partial,
        () => Standing::Failed,
    }
}

impl DetachedJob {
    /// How it stands, in the words of runs.
    pub fn standing(&self) -> Standing {
        match (self.state, self.exit_status) {
            (JobState::NotStarted, _) => Standing::Queued,
            (JobState::Running, _) if self.cancel > 0 => Standing::Cancelling,
            (JobState::Running, _) => Standing::Running,
            (JobState::Stopped, _) => Standing::Cancelled,
            (JobState::Completed, Some(0)) => Standing::Done,
            (JobState::Completed, Some(3)) => Standing::Partial,
            (JobState::Completed | JobState::Failed, _) => Standing::Failed,
        }
    }
}

impl Runs {
    /// What the run that is queued waits for, in words: by the relationships of a run of this
    /// session, else by the run's name.
    pub fn queue_words(&self, run: &Run) -> Option<String> {
        let name = run.waits_for()?;
        let server = run.status.current.as_ref().map(|(server, ..)| server);
        let others = || self.all.iter().filter(|other| other.result.is_none() && other.ticket != run.ticket);
        // the journal names a run only when it has looked at its servers
        let unnamed = |other: &&Run| {
            let holds = other.routes.iter().any(|route| route.servers.iter().any(|held| Some(held) == server));
            other.status.run.is_none() && other.waits_for().is_none() && holds
        };
        let found = others().find(|other| other.status.run.as_deref() == Some(name));
        let called = found.or_else(|| others().find(unnamed)).map_or_else(|| name.to_owned(), Run::title);
        Some(format!("waits for run {called}"))
    }

    /// How the run or job stands.
    pub fn standing(&self, entry: Entry) -> Option<Standing> {
        match entry {
            Entry::Run(ticket) => self.all.iter().find(|run| run.ticket == ticket).map(Run::standing),
            Entry::Job(id) => self.jobs.iter().find(|job| job.id == id).map(DetachedJob::standing),
        }
    }
}

/// A run's result in one line, and how good it is; `reset` is the key that resets servers. First what
/// cannot wait and the worst outcomes: a window of 80 columns shows little more.
pub fn summary(report: &RunReport, reset: &str) -> (Tone, String) {
    let unsaved = report.scopes().filter(|scope| scope.saved == SavedState::NotSaved).count();
    let broken: BTreeSet<&str> = report
        .relationships
        .iter()
        .filter(|told| told.scopes.iter().any(|scope| scope.saved == SavedState::Broken))
        .map(|told| told.target.as_str())
        .collect();
    let broken = broken.into_iter().collect::<Vec<_>>().join(", ");
    let reload = report.scopes().filter(|scope| scope.saved == SavedState::NeedsReload).count();
    let residual = report.scopes().filter(|scope| scope.verified == Some(false) && !scope.uncarried).count();
    // of what an earlier run left there no scope of this one tells
    let still: Vec<&str> = report
        .relationships
        .iter()
        .filter(|told| told.unsaved && !told.scopes.iter().any(|scope| scope.saved.is_to_retry()))
        .map(|told| told.target.as_str())
        .collect();
    let left = report.relationships.iter().find_map(|relationship| relationship.still_terminated.as_ref());
    let counts = report.counts_in_words();
    let counts = if counts.is_empty() { "no scopes".to_owned() } else { counts.join(", ") };
    let some = |count: usize, words: String| (count > 0).then_some(words);
    let parts = [
        (!broken.is_empty()).then(|| format!("FILE IS BROKEN: do not restart {broken}")),
        left.map(|_| format!("STILL TERMINATED, {reset} resets both servers")),
        some(unsaved, format!("{unsaved} running but not saved")),
        some(still.len(), format!("STILL NOT SAVED: {}", still.join(", "))),
        Some(counts),
        some(residual, format!("{residual} not as planned after reading back")),
        some(reload, format!("{reload} saved, not running until the server reloads")),
        left.map(|left| format!("the reset: {}", left.reset.cost)),
    ];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let tone = match report.exit_status() {
        0 if left.is_none() => Tone::Good,
        _ if !broken.is_empty() => Tone::Bad,
        _ if report.scopes().any(|scope| matches!(scope.outcome, Outcome::Rejected | Outcome::Unknown)) => Tone::Bad,
        _ => Tone::Warning,
    };
    (tone, text)
}

/// A scope's outcome in words.
pub fn outcome_words(scope: &ScopeRun) -> String {
    let mut words = scope.outcome.word().to_owned();
    match (scope.changes_done, scope.changes_left) {
        (0, 0) => {}
        (done, 0) => words.push_str(&format!(", {}", plural(done, "change"))),
        (done, left) => words.push_str(&format!(", {done} of {} changes", done + left)),
    }
    if !scope.left_out.is_empty() {
        words.push_str(&format!(", {} left out", scope.left_out.len()));
    }
    match scope.verified {
        Some(true) => words.push_str(", verified"),
        Some(false) if scope.uncarried => words.push_str(", verified but for what was not carried"),
        Some(false) => words.push_str(", residual drift"),
        None => {}
    }
    if !scope.saved_words().is_empty() {
        words.push_str(", ");
        words.push_str(scope.saved_words());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::outcome::RelationshipRun;
    use crate::engine::reset::{Outlook, StillTerminated};

    fn told(target: &str, scopes: &[(Outcome, SavedState)]) -> RelationshipRun {
        let scope = |(at, (outcome, saved)): (usize, &(Outcome, SavedState))| ScopeRun {
            saved: *saved,
            verified: (*outcome == Outcome::Replicated).then_some(true),
            ..ScopeRun::untouched(format!("10.0.{at}.0/24").parse().unwrap(), *outcome, 0, None)
        };
        RelationshipRun {
            name: "a".into(),
            source: "one".to_owned(),
            target: target.to_owned(),
            caveats: Vec::new(),
            scopes: scopes.iter().enumerate().map(scope).collect(),
            remarks: Vec::new(),
            unsaved: false,
            still_terminated: None,
        }
    }

    fn line(relationships: Vec<RelationshipRun>) -> String {
        let now = jiff::Timestamp::UNIX_EPOCH;
        summary(&RunReport { run: "r".to_owned(), begun: true, relationships, started: now, ended: now }, "H").1
    }

    #[test]
    fn the_worst_of_a_run_comes_first() {
        use Outcome::{Partial, Rejected, Replicated, Unknown};
        use SavedState::{Broken, NeedsReload, NotApplicable, NotSaved};
        let mixed = [(Replicated, NotSaved), (Rejected, NotApplicable), (Unknown, NotApplicable), (Partial, NotSaved)];
        let text = line(vec![told("two", &mixed)]);
        assert_eq!(text, "2 running but not saved; 1 unknown, 1 partial, 1 rejected, 1 replicated");
        let text = line(vec![told("two", &[(Replicated, NotSaved)]), told("four", &[(Replicated, Broken)])]);
        assert_eq!(text, "FILE IS BROKEN: do not restart four; 1 running but not saved; 2 replicated");
        let text = line(vec![RelationshipRun { unsaved: true, ..told("two", &[(Outcome::Unchanged, NotApplicable)]) }]);
        assert_eq!(text, "STILL NOT SAVED: two; 1 unchanged");
        let reset = Outlook { cost: "no DHCP".to_owned(), steps: Vec::new() };
        let left = Some(StillTerminated { servers: Vec::new(), reset });
        let text = line(vec![RelationshipRun { still_terminated: left, ..told("two", &mixed[1..2]) }]);
        assert_eq!(text, "STILL TERMINATED, H resets both servers; 1 rejected; the reset: no DHCP");
        assert_eq!(
            line(vec![told("two", &[(Replicated, NeedsReload)])]),
            "1 replicated; 1 saved, not running until the server reloads"
        );
    }
}
