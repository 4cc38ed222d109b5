//! Resetting a relationship: what it will do, and what became of it.

use super::{Line, Role};
use crate::engine::reset::{Fate, ResetPlan, ResetReport, StillTerminated};

/// What a reset will do: states, why, the steps, the cost, and what stands against it.
pub fn reset_plan(plan: &ResetPlan) -> Vec<Line> {
    let mut lines =
        vec![Line::of(0, Role::Title, plan.name.to_string()).with(Role::Muted, format!("  {}  reset", plan.mode))];
    for side in &plan.sides {
        let state = side.state.as_ref().map_or_else(|| "no state".to_owned(), |state| state.explained(&plan.mode));
        lines.push(Line::of(2, Role::Title, &side.shown).with(Role::Plain, format!("  {state}")));
    }
    lines.extend(plan.trouble.as_ref().map(|trouble| Line::of(2, Role::Plain, trouble.explanation())));
    lines.push(Line::of(2, Role::Warning, "cost to service: ").with(Role::Plain, &plan.outlook.cost));
    for (step, n) in plan.outlook.steps.iter().zip(1..) {
        lines.push(Line::of(2, Role::Muted, format!("{n}. ")).with(Role::Plain, step));
    }
    for refusal in &plan.refusals {
        if refusal.overridable && plan.overrides.contains(refusal.name) {
            let line = Line::of(2, Role::Warning, format!("overridden, {}: ", refusal.name));
            lines.push(line.with(Role::Plain, &refusal.message));
            continue;
        }
        let line = Line::of(2, Role::Critical, format!("refused, {}: ", refusal.name));
        lines.push(line.with(Role::Plain, &refusal.message));
        let hint = (!refusal.hint.is_empty()).then(|| format!("hint: {}", refusal.hint));
        let name = refusal.overridable.then(|| format!("can be overridden by its name, {}", refusal.name));
        lines.extend([hint, name].into_iter().flatten().map(|text| Line::of(4, Role::Muted, text)));
    }
    lines
}

/// That a run has left a relationship terminated, and what ends it.
pub fn still_terminated(name: &str, left: &StillTerminated) -> Vec<Line> {
    let verb = if left.servers.len() == 1 { "is" } else { "are" };
    let servers = left.servers.join(" and ");
    let text = format!("{servers} {verb} still terminated: replicating does not end that, resetting both servers does");
    let mut lines = vec![
        Line::of(0, Role::Critical, text),
        Line::of(2, Role::Warning, "cost to service: ").with(Role::Plain, &left.reset.cost),
    ];
    let steps = left.reset.steps.iter().zip(1..);
    lines.extend(steps.map(|(step, n)| Line::of(2, Role::Muted, format!("{n}. ")).with(Role::Plain, step)));
    let word = if name.contains([' ', '\'', '(']) { format!("{name:?}") } else { name.to_owned() };
    lines.push(Line::of(2, Role::Title, "next: ").with(Role::Plain, format!("scopesync ha-reset {word}")));
    lines
}

/// What became of both servers.
pub fn reset_report(report: &ResetReport) -> Vec<Line> {
    let mut lines = vec![Line::of(0, Role::Title, report.name.to_string()).with(Role::Plain, "  reset")];
    for side in &report.sides {
        let role = match side.fate {
            Fate::InService => Role::Good,
            Fate::NotReset => Role::Warning,
            Fate::NotInService | Fate::Unknown => Role::Critical,
        };
        lines.push(Line::of(2, Role::Title, &side.server).with(role, format!("  {}", side.words(&report.mode))));
    }
    lines.extend(report.remarks.iter().map(|remark| Line::of(2, Role::Warning, remark)));
    lines
}
