//! What is said of the session's runs when the screen is gone.

use crate::engine::outcome::ScopeRun;
use crate::show::{self, Line, Role};

use super::runs::Run;
use super::state::AppState;

/// The runs that the operator should still hear of: all that did not end good, and those
/// whose end was never on the screen. `name` gives a run's name in the journal, where it has
/// one by now.
pub fn farewell(state: &AppState, name: impl Fn(&Run) -> Option<String>) -> Vec<Line> {
    let mut lines = Vec::new();
    for run in &state.runs.all {
        let called = || match name(run) {
            Some(name) => format!("run {name} ({})", run.title()),
            None => format!("the run of {}", run.title()),
        };
        match &run.result {
            Some(Ok(report)) => {
                if run.seen && run.cancelled.is_none() && report.scopes().all(ScopeRun::is_good) {
                    continue;
                }
                lines.extend(show::report(report, &state.names));
                lines.push(show::report_summary(report));
            }
            Some(Err(reason)) => lines.push(Line::of(
                0,
                Role::Critical,
                format!("{} failed: {reason}; what it wrote is unknown. {JOURNAL}", called()),
            )),
            // The journal names a run before the first write.
            None => {
                let wrote = match name(run) {
                    Some(_) => format!("what it wrote is unknown. {JOURNAL}"),
                    None => "it had not begun to write".to_owned(),
                };
                let text = format!("{} was left before it ended: {wrote}", called());
                lines.push(Line::of(0, Role::Critical, text));
            }
        }
    }
    lines
}

const JOURNAL: &str = "`scopesync drift` shows how the scopes are now; the journal has them as they were.";
