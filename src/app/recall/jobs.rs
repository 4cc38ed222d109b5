//! The jobs as they are listed: read each second, those that are over only once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::super::detached::{DetachedJob, Undone};
use crate::detached::JobReport;
use crate::engine::Result;
use crate::history::{History, Job};
use crate::model::Foreign;

/// Jobs that are over are listed up to this number.
const JOBS: usize = 50;

/// The jobs of one history that are over, with what they came to: nothing more becomes of them.
#[derive(Default)]
pub struct JobsOver(Mutex<BTreeMap<i64, DetachedJob>>);

impl JobsOver {
    /// The newest jobs and all that are not over, the oldest first.
    pub(super) fn list(&self, history: &History) -> Result<Vec<DetachedJob>> {
        let jobs = history.jobs(JOBS)?.into_iter().rev();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = jobs.map(|job| match known.get(&job.id).filter(|old| old.created == job.created) {
            Some(old) => Ok((old.clone(), true)),
            None => listed(history, job),
        });
        let listed = listed.collect::<Result<Vec<(DetachedJob, bool)>>>()?;
        *known = listed.iter().filter(|(_, is_known)| *is_known).map(|(job, _)| (job.id, job.clone())).collect();
        Ok(listed.into_iter().map(|(job, _)| job).collect())
    }
}

/// A job as it is listed, and whether it is told in full: one whose process was killed has no report.
fn listed(history: &History, job: Job) -> Result<(DetachedJob, bool)> {
    let report = if job.state.is_over() { history.job_report(job.id)? } else { None };
    let mut report = report.as_ref().and_then(JobReport::from_json);
    // what a run came to stands in its own row, and may be long: of one that went well nothing is left
    if report.as_ref().is_some_and(|report| report.exit_status != 0 && report.run.is_null()) {
        report = history.job(job.id)?.report.as_ref().and_then(JobReport::from_json);
    }
    let undone = report.as_ref().and_then(|report| match report.exit_status {
        0 => Some(Vec::new()),
        _ => Undone::of(&report.run),
    });
    let is_told = report.is_some();
    let listed = DetachedJob {
        id: job.id,
        created: job.created,
        title: Foreign::cleaned(&job.title),
        state: job.state,
        who: format!("{} on {}", Foreign::cleaned(&job.user), Foreign::cleaned(&job.host)),
        cancel: job.cancel,
        progress: job.progress.and_then(|progress| serde_json::from_value(progress).ok()),
        exit_status: report.as_ref().map(|report| report.exit_status),
        undone: undone.map(Into::into),
        told: report.into_iter().flat_map(|report| report.messages).map(|line| Foreign::cleaned(&line)).collect(),
    };
    Ok((listed, is_told))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::engine::outcome::{Outcome, RelationshipRun, RunReport, ScopeRun};
    use crate::engine::port::{Journal as _, RunKind, RunStart};
    use crate::history::{JobState, NewJob};
    use crate::show::ScopeNames;
    use crate::state::StateFolder;

    fn report(run: &str, outcomes: &[Outcome]) -> RunReport {
        let now = jiff::Timestamp::now();
        let scope = |(at, outcome): (usize, &Outcome)| {
            let verified = (*outcome == Outcome::Replicated).then_some(true);
            let id = format!("10.0.{at}.0/24").parse().unwrap();
            ScopeRun { verified, ..ScopeRun::untouched(id, *outcome, 1, None) }
        };
        let told = RelationshipRun {
            name: "pair".into(),
            source: "one".into(),
            target: "two".into(),
            caveats: Vec::new(),
            scopes: outcomes.iter().enumerate().map(scope).collect(),
            remarks: Vec::new(),
            unsaved: false,
            still_terminated: None,
        };
        RunReport { run: run.into(), begun: true, relationships: vec![told], started: now, ended: now }
    }

    #[test]
    fn what_a_job_left_undone_is_read_from_its_run_once() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::new(&StateFolder::at(folder.path().join("state")));
        let over = |run: &str, state, outcomes: &[Outcome]| {
            let job = history.create_job(&NewJob { title: "replicate".into() }).unwrap();
            let start = RunStart {
                run: run.into(),
                started: jiff::Timestamp::now(),
                kind: RunKind::Replication,
                asked: json!({}),
                overrides: Default::default(),
                approvals: Vec::new(),
                plan: json!({}),
                servers: Default::default(),
            };
            history.begin(&start).unwrap();
            history.job_progress(job, Some(run), &json!({})).unwrap();
            let report = report(run, outcomes);
            history.end(run, &report.to_json()).unwrap();
            let names = ScopeNames::of_ids(report.scopes().map(|scope| scope.id));
            history.finish_job(job, state, Some(&JobReport::of(&report, &names).to_json())).unwrap();
            job
        };
        over("r1", JobState::Completed, &[Outcome::Replicated]);
        let stopped = over("r2", JobState::Stopped, &[Outcome::Replicated, Outcome::Rejected, Outcome::Cancelled]);
        let waits = history.create_job(&NewJob { title: "replicate".into() }).unwrap();

        let jobs = JobsOver::default();
        let listed = jobs.list(&history).unwrap();
        assert_eq!(listed.iter().map(|job| job.id).collect::<Vec<_>>(), [1, stopped, waits]);
        let left = |job: &DetachedJob| {
            let undone = job.undone.clone()?;
            Some(undone.iter().flat_map(|told| told.scopes.iter().map(|id| id.short())).collect::<Vec<_>>())
        };
        let wanted = Some(vec!["10.0.1.0".to_owned(), "10.0.2.0".to_owned()]);
        assert_eq!(listed.iter().map(left).collect::<Vec<_>>(), [Some(Vec::new()), wanted, None]);

        history.give_up_job(waits, &JobReport::broken("no room").to_json()).unwrap();
        let again = jobs.list(&history).unwrap();
        assert_eq!(again[2].state, JobState::Failed, "one that has changed is read again");
        let kept = |at: usize| again[at].undone.clone().unwrap();
        assert!(Arc::ptr_eq(&kept(1), &listed[1].undone.clone().unwrap()), "one that has not is not");
    }
}
