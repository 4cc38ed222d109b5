//! The drift of relationships and scopes.

use std::collections::BTreeMap;

use super::changes::by_section;
use super::{Alike, Counts, Line, Role, ScopeNames, change, finding, numbered, plural, there};
use crate::engine::compare::{RelationshipDrift, ScopeDrift, Summary};
use crate::engine::survey::{Presence, Relationship};
use crate::model::{DriftState, ItemKey};

/// A member's state in words; of one that was not read, what its partner last heard of it.
pub fn state_words(relationship: &Relationship, member: usize) -> Option<String> {
    let (this, partner) = (&relationship.members[member], &relationship.members[1 - member]);
    if let Some(state) = &this.state {
        return Some(state.explained(&relationship.mode));
    }
    let lead = match this.presence {
        Presence::Read(_) => return None,
        Presence::Unpaired(_) => return Some("has no such relationship".to_owned()),
        Presence::Pending(_) => "being read",
        Presence::Failed(..) => "not reached",
        Presence::NotConfigured(_) => "not configured",
        Presence::Unsure(_) => "not read",
    };
    let heard = this.heard.as_ref().map(|state| format!("; {} last heard: {}", partner.shown(), state.0));
    Some(format!("{lead}{}", heard.unwrap_or_default()))
}

/// `berlin-hamburg  load-balancing  berlin (load-balancing) → hamburg (not reached)`.
pub fn relationship_title(relationship: &Relationship, source_member: usize) -> Line {
    let [source, target] = [source_member, 1 - source_member].map(|at| {
        let name = relationship.members[at].shown();
        state_words(relationship, at).map_or_else(|| name.clone(), |words| format!("{name} ({words})"))
    });
    Line::of(0, Role::Title, relationship.name.to_string())
        .with(Role::Muted, format!("  {}  ", relationship.mode))
        .with(Role::Plain, format!("{source} → {target}"))
}

/// The findings of a relationship, then every scope that is not in sync.
pub fn relationship_drift(drift: &RelationshipDrift, names: &ScopeNames) -> Vec<Line> {
    let mut lines: Vec<Line> = drift.findings.iter().flat_map(|found| finding(found, names)).collect();
    let mut alike = Alike::of(drift.scopes.iter().map(|scope| (scope.id, &scope.state, scope.reason.as_deref())));
    for scope in drift.scopes.iter().filter(|scope| scope.state != DriftState::InSync) {
        if let Some(told) = alike.lines(&scope.state, scope.reason.as_deref(), names) {
            lines.extend(told);
            continue;
        }
        let number = |key: Option<&ItemKey>| names.number(&drift.name, scope.id, key);
        lines.push(scope_drift(scope, names).behind(number(None)));
        let below = match scope.state {
            DriftState::OnlyOnTarget => there(&scope.changes),
            _ => by_section(&scope.changes, |one| numbered(change(one), number(Some(&one.key)))),
        };
        lines.extend(below.into_iter().map(|line| line.deeper(2)));
    }
    lines.extend(ignored(drift));
    lines
}

/// `3 differences ignored: its own printer (2), legacy (1)`.
fn ignored(drift: &RelationshipDrift) -> Option<Line> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (reason, count) in drift.scopes.iter().flat_map(|scope| &scope.ignored) {
        *reasons.entry(reason).or_default() += count;
    }
    let count: usize = reasons.values().sum();
    let reasons: Vec<String> = reasons.into_iter().map(|(reason, count)| format!("{reason} ({count})")).collect();
    let text = format!("{} ignored: {}", plural(count, "difference"), reasons.join(", "));
    (count > 0).then(|| Line::of(0, Role::Muted, text))
}

/// One scope with its state in words: `10.0.0.0  Office  drifted  +1 ~2 -1`.
pub fn scope_drift(scope: &ScopeDrift, names: &ScopeNames) -> Line {
    let mut line = Line::of(0, Role::Title, names.name(scope.id));
    if let Some(name) = &scope.name {
        line = line.with(Role::Plain, format!("  {name}"));
    }
    let role = match scope.state {
        DriftState::InSync => Role::Good,
        DriftState::Checking => Role::Muted,
        DriftState::Drifted => Role::Update,
        DriftState::OnlyOnSource => Role::Create,
        DriftState::OnlyOnTarget => Role::Warning,
        DriftState::Unknown => Role::Critical,
    };
    line = line.with(role, format!("  {}", scope.state.words()));
    match (&scope.state, &scope.reason) {
        (DriftState::OnlyOnTarget, _) => line.with(Role::Muted, ": never deleted by a replication"),
        (_, Some(reason)) => line.with(Role::Plain, format!(": {reason}")),
        (_, None) => line.with(Role::Plain, format!("  {}", Counts::of(&scope.changes))),
    }
}

/// `43 scopes: 26 in sync, 15 drifted, 1 only on source, 1 only on target; 38 changes`.
pub fn summary(sum: &Summary) -> Line {
    let states = [
        (sum.in_sync, "in sync"),
        (sum.drifted, "drifted"),
        (sum.only_on_source, "only on source"),
        (sum.only_on_target, "only on target"),
        (sum.untold(), "unknown"),
    ];
    let states: Vec<String> = states.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let mut text = plural(sum.scopes, "scope");
    if !states.is_empty() {
        text.push_str(&format!(": {}", states.join(", ")));
    }
    if sum.changes > 0 {
        text.push_str(&format!("; {}", plural(sum.changes, "change")));
    }
    let role = match (sum.untold(), sum.has_drift()) {
        (0, false) => Role::Good,
        (0, true) => Role::Update,
        _ => Role::Critical,
    };
    Line::of(0, role, text)
}
