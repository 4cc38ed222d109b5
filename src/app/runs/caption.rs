//! What the window of the terminal is called: for whoever looks at something else meanwhile.

use super::super::detached::DetachedJob;
use super::super::state::AppState;
use super::{Ended, Run, Standing};
use crate::engine::outcome::{Outcome, ScopeRun};

/// The title of the terminal's window, of our own words alone; `None` before the first run.
pub fn terminal_title(state: &AppState) -> Option<String> {
    if !state.setting.screen.title {
        return None;
    }
    let runs = state.runs.all.get(state.runs.together..).unwrap_or_default();
    let mine = || state.runs.jobs.iter().filter(|job| state.handing.started.contains(&job.id));
    let jobs = || mine().filter(|job| !job.state.is_over());
    let is_under_way = runs.iter().any(|run| run.result.is_none()) || jobs().next().is_some();
    let words = if is_under_way {
        let scopes = runs.iter().map(|run| (run.status.scopes_done, run.status.scopes_total));
        let progress = jobs().filter_map(|job| job.progress.as_ref());
        let scopes = scopes.chain(progress.map(|progress| (progress.scopes_done, progress.scopes_total)));
        match scopes.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)) {
            (_, 0) => "waiting for servers".to_owned(),
            (done, all) => format!("{done} of {all} scopes"),
        }
    } else {
        // of what is over, the newest is of interest
        let last = mine().max_by_key(|job| job.created);
        let is_later = |job: &DetachedJob| runs.iter().all(|run| run.ended.is_some_and(|ended| ended < job.created));
        match last.filter(|job| is_later(job)) {
            Some(job) if job.standing() == Standing::Done => "done".to_owned(),
            Some(_) => NOT_ALL.to_owned(),
            None if runs.is_empty() => return None,
            None => ended(runs),
        }
    };
    Some(format!("scopesync: {words}"))
}

const NOT_ALL: &str = "done, not all of it";

/// What runs came to that have ended.
fn ended(runs: &[Run]) -> String {
    let is_good = |run: &Run| matches!(&run.result, Some(Ok(ended)) if ended.is_good());
    let [failed, unsaved] = [failures, unsaved].map(|count| runs.iter().map(count).sum::<usize>());
    let counts = [(failed, "failed"), (unsaved, "not saved")].into_iter().filter(|(count, _)| *count > 0);
    let counts: String = counts.map(|(count, word)| format!(", {count} {word}")).collect();
    match counts.is_empty() {
        true if runs.iter().all(is_good) => "done".to_owned(),
        true => NOT_ALL.to_owned(),
        false => format!("done{counts}"),
    }
}

/// Scopes that are as they shall be until the server restarts.
fn unsaved(run: &Run) -> usize {
    let Some(Ok(Ended::Replicated(report))) = &run.result else { return 0 };
    report.scopes().filter(|scope| is_only_unsaved(scope)).count()
}

fn is_only_unsaved(scope: &ScopeRun) -> bool {
    scope.outcome == Outcome::Replicated && scope.verified == Some(true) && scope.saved.is_to_retry()
}

/// Scopes that failed; servers, where a run resets them.
fn failures(run: &Run) -> usize {
    match &run.result {
        None => 0,
        Some(Ok(Ended::Replicated(report))) => {
            report.scopes().filter(|scope| scope.has_failed() && !is_only_unsaved(scope)).count()
        }
        Some(Ok(Ended::Reset(report))) => usize::from(!report.is_good()),
        Some(Err(_)) => run.routes.iter().map(|route| route.scopes.len()).sum::<usize>().max(1),
    }
}
