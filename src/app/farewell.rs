//! What is said of the session's runs when the screen is gone.

use crate::show::{self, Line, Role};

use super::runs::{Ended, Kind, Run};
use super::state::AppState;

/// The runs that the operator should still hear of: all that did not end good, unless later ones have made that
/// good, and those whose end was never on the screen. `name` gives a run's name in the journal, where it has
/// one by now.
pub fn farewell(state: &AppState, name: impl Fn(&Run) -> Option<String>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, run) in state.runs.all.iter().enumerate() {
        let rest = run
            .handed_to
            .map(|job| Line::of(0, Role::Good, format!("job {job} does the rest of it: `scopesync jobs wait {job}`")));
        let called = || match name(run) {
            Some(name) => format!("run {name} ({})", run.title()),
            None => format!("the run of {}", run.title()),
        };
        match &run.result {
            Some(Ok(ended)) if run.seen && run.cancelled.is_none() && ended.is_good() => {}
            Some(_) if run.seen && run.is_made_good(&state.runs.all[at + 1..]) => {}
            Some(Ok(Ended::Reset(report))) => lines.extend(show::reset_report(report)),
            Some(Ok(Ended::Replicated(report))) => {
                lines.extend(show::report(report, &state.names));
                lines.push(show::report_summary(report));
            }
            Some(Err(reason)) => lines.push(Line::of(
                0,
                Role::Critical,
                format!("{} failed: {reason}; what it {} {}", called(), deed(run).0, deed(run).1),
            )),
            // The journal names a run before the first write.
            None => {
                let wrote = match name(run) {
                    Some(_) => format!("what it {} {}", deed(run).0, deed(run).1),
                    None => "it had not begun".to_owned(),
                };
                let text = format!("{} was left before it ended: {wrote}", called());
                lines.push(Line::of(0, Role::Critical, text));
            }
        }
        lines.extend(rest);
    }
    let handed = |id: &i64| state.runs.all.iter().any(|run| run.handed_to == Some(*id));
    let is_over = |id: &i64| state.runs.jobs.iter().any(|job| job.id == *id && job.state.is_over());
    for job in state.handing.started.iter().filter(|id| !handed(id) && !is_over(id)) {
        let text = format!("job {job} runs on by itself: `scopesync jobs wait {job}`");
        lines.push(Line::of(0, Role::Good, text));
    }
    lines
}

/// What a run does, and where to see what became of it.
fn deed(run: &Run) -> (&'static str, &'static str) {
    match run.kind {
        Kind::Replication | Kind::Undo => ("wrote is unknown.", HISTORY),
        Kind::Reset => ("reset is unknown.", "`scopesync relationships` shows the states of both servers."),
    }
}

const HISTORY: &str = "`scopesync drift` shows how the scopes are now; the history has them as they were.";
