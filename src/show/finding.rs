//! Findings, with what to do about them.

use super::{Line, Role, ScopeNames, some};
use crate::model::{Finding, FindingSide, Severity};

/// One finding and its cure.
pub fn finding(finding: &Finding, names: &ScopeNames) -> Vec<Line> {
    let (role, word) = match finding.severity {
        Severity::Critical => (Role::Critical, "critical"),
        Severity::Warning => (Role::Warning, "warning"),
        Severity::Info => (Role::Muted, "note"),
    };
    let side = match finding.side {
        FindingSide::Source => " (source)",
        FindingSide::Target => " (target)",
        FindingSide::Both => "",
    };
    let mut lines = vec![Line::of(0, role, format!("{word}{side}: ")).with(Role::Plain, &finding.message)];
    if !finding.scopes.is_empty() {
        lines.push(Line::of(
            2,
            Role::Muted,
            format!("scopes: {}", some(finding.scopes.iter().map(|id| names.name(*id)))),
        ));
    }
    for (at, step) in finding.hint.lines().enumerate() {
        let lead = if at == 0 { "hint: " } else { "      " };
        lines.push(Line::of(2, Role::Muted, format!("{lead}{step}")));
    }
    lines
}
