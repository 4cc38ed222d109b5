//! What became of a run.

use super::{Line, Role, ScopeNames, changes, plural, still_terminated};
use crate::engine::outcome::{Outcome, RunReport, ScopeRun};

/// Every scope of the run that was to be written, with its outcome; then what else to know.
pub fn report(report: &RunReport, names: &ScopeNames) -> Vec<Line> {
    let mut lines = Vec::new();
    for relationship in &report.relationships {
        lines.push(
            Line::of(0, Role::Title, relationship.name.to_string())
                .with(Role::Plain, format!("  {} → {}", relationship.source, relationship.target)),
        );
        lines.extend(relationship.caveats.iter().map(|caveat| Line::of(2, Role::Warning, caveat)));
        let shared = relationship.shared();
        lines.extend(shared.iter().map(|(message, count)| {
            let lead = format!("{} {}", plural(*count, "scope"), Outcome::Rejected.word());
            Line::of(2, Role::Critical, lead).with(Role::Plain, format!(": {message}"))
        }));
        for scope in relationship.scopes.iter().filter(|scope| scope.outcome != Outcome::Unchanged) {
            let is_shared = scope.refusal().is_some_and(|message| shared.contains_key(message));
            lines.push(outcome(scope, is_shared, names).deeper(2));
            if !scope.left_out.is_empty() && scope.outcome != Outcome::Skipped {
                lines.push(Line::of(4, Role::Muted, "left out, as it was before:"));
                lines.extend(changes(&scope.left_out).into_iter().map(|line| line.deeper(6)));
            }
            if !scope.residual.is_empty() {
                let (role, title) = match scope.uncarried {
                    true => (Role::Warning, "not carried:"),
                    false => (Role::Critical, "still different:"),
                };
                lines.push(Line::of(4, role, title));
                lines.extend(changes(&scope.residual).into_iter().map(|line| line.deeper(6)));
            }
        }
        lines.extend(relationship.remarks.iter().map(|remark| Line::of(2, Role::Warning, remark)));
        let left = relationship.still_terminated.iter();
        let left = left.flat_map(|left| still_terminated(&relationship.name.to_string(), left));
        lines.extend(left.map(|line| line.deeper(2)));
    }
    lines
}

/// Its message, unless it `is_shared` and told already.
fn outcome(scope: &ScopeRun, is_shared: bool, names: &ScopeNames) -> Line {
    let role = match (scope.outcome, scope.is_good()) {
        (Outcome::Skipped, true) => Role::Muted,
        (_, true) => Role::Good,
        (Outcome::Skipped | Outcome::Cancelled, false) => Role::Warning,
        (_, false) => Role::Critical,
    };
    let mut line = Line::of(0, Role::Title, names.name(scope.id)).with(role, format!("  {}", scope.outcome.word()));
    let mut facts = Vec::new();
    match scope.verified {
        Some(true) => facts.push("verified".to_owned()),
        Some(false) if scope.uncarried => facts.push("verified but for what was not carried".to_owned()),
        Some(false) => facts.push("not verified".to_owned()),
        None => {}
    }
    if !scope.saved_words().is_empty() {
        facts.push(scope.saved_words().to_owned());
    }
    let counted = !matches!(scope.outcome, Outcome::Skipped | Outcome::Unknown);
    if counted && scope.changes_left > 0 {
        let of = scope.changes_done + scope.changes_left;
        facts.push(format!("{} of {} made", scope.changes_done, plural(of, "change")));
    }
    if !facts.is_empty() {
        line = line.with(Role::Plain, format!(", {}", facts.join(", ")));
    }
    match scope.message.as_ref().filter(|_| !is_shared) {
        Some(message) => line.with(Role::Plain, format!(": {message}")),
        None => line,
    }
}

/// `run 20261121T203500Z-1f3a09c7: 1 rejected, 3 replicated, 39 unchanged`. A name that the history does not know is
/// not told: nobody could look it up.
pub fn report_summary(report: &RunReport) -> Line {
    let counts = report.counts_in_words();
    let role = if report.exit_status() == 0 { Role::Good } else { Role::Critical };
    let run = if report.begun { format!("run {}: ", report.run) } else { String::new() };
    Line::of(0, role, format!("{run}{}", counts.join(", ")))
}
