//! What the window of the terminal is called: for whoever looks at something else meanwhile.

use super::super::state::AppState;
use super::{Ended, Run};
use crate::engine::outcome::ScopeRun;

/// The title of the terminal's window, of our own words alone; `None` before the first run.
pub fn terminal_title(state: &AppState) -> Option<String> {
    if !state.setting.screen.title {
        return None;
    }
    let runs = state.runs.all.get(state.runs.together..).unwrap_or_default();
    let mine = |id: &i64| state.handing.started.contains(id);
    let jobs = || state.runs.jobs.iter().filter(|job| mine(&job.id) && !job.state.is_over());
    let is_under_way = runs.iter().any(|run| run.result.is_none()) || jobs().next().is_some();
    if runs.is_empty() && !is_under_way {
        return None;
    }
    let words = if is_under_way {
        let scopes = runs.iter().map(|run| (run.status.scopes_done, run.status.scopes_total));
        let progress = jobs().filter_map(|job| job.progress.as_ref());
        let scopes = scopes.chain(progress.map(|progress| (progress.scopes_done, progress.scopes_total)));
        match scopes.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)) {
            (_, 0) => "waiting for servers".to_owned(),
            (done, all) => format!("{done} of {all} scopes"),
        }
    } else {
        match runs.iter().map(failures).sum::<usize>() {
            0 if runs
                .iter()
                .all(|run| run.result.as_ref().is_some_and(|ended| ended.as_ref().is_ok_and(Ended::is_good))) =>
            {
                "done".to_owned()
            }
            0 => "done, not all of it".to_owned(),
            failed => format!("done, {failed} failed"),
        }
    };
    Some(format!("scopesync: {words}"))
}

/// Scopes that failed; servers, where a run resets them.
fn failures(run: &Run) -> usize {
    match &run.result {
        None => 0,
        Some(Ok(Ended::Replicated(report))) => report.scopes().filter(|scope| ScopeRun::has_failed(scope)).count(),
        Some(Ok(Ended::Reset(report))) => usize::from(!report.is_good()),
        Some(Err(_)) => run.routes.iter().map(|route| route.scopes.len()).sum::<usize>().max(1),
    }
}
