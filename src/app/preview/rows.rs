//! The lines of a preview, in the order in which they are read: the direction, what is lost by it, what it costs,
//! what to know of it, what stands against it, every change, what does not come along, and the sum.

use std::collections::BTreeSet;

use crate::engine::plan::{Plan, PlannedRelationship, PlannedScope};
use crate::model::{ChangeKind, DriftState, Finding};

/// A line of the preview: what to show, not how. Numbers are places in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// An empty line.
    Blank,
    /// Which server overwrites which.
    Direction(usize),
    /// The relationship, and by which writer it is written.
    Relationship(usize),
    /// That the run saves what an earlier one left, or does not on purpose.
    Saves(usize),
    /// Why it is written in the way that the line above tells.
    Reason(usize),
    /// What clients feel.
    CostToService(usize),
    /// What happens to the configuration.
    CostToConfiguration(usize),
    /// What stands against all of the relationship, overridden or not.
    Against(usize, usize),
    /// What to do about it.
    AgainstHint(usize, usize),
    /// How many deletions follow.
    Deletions(usize),
    /// A whole scope that is deleted.
    DeleteScope(usize, usize),
    /// A deletion.
    Delete(usize, usize, usize),
    /// A finding.
    Finding(usize, usize),
    /// A step of the way out of it, where it concerns the whole relationship.
    FindingStep(usize, usize, usize),
    /// A scope with changes.
    Scope(usize, usize),
    /// That it is written in another way, and why.
    Otherwise(usize, usize),
    /// What rules of the configuration ignore in it.
    Ignored(usize, usize),
    /// A change that is left out.
    LeftOut(usize, usize, usize),
    /// How many scopes are refused.
    Refused(usize),
    /// A refusal of a scope.
    Refusal(usize, usize, usize),
    /// What to do about it.
    RefusalHint(usize, usize, usize),
    /// What has changed since the run that is undone.
    Since(usize, usize, usize),
    /// A creation or update.
    Change(usize, usize, usize),
    /// A field of it.
    Field(usize, usize, usize, usize),
    /// That what follows does not come along.
    NotBrought(usize),
    /// A scope that is not written, and why.
    Left(usize, usize),
    /// Scopes without drift.
    InSync(usize),
    /// What the relationship comes to.
    Totals(usize),
    /// What all relationships come to.
    TotalsOfAll,
}

/// The lines of a plan.
pub(super) fn rows(plan: &Plan) -> Vec<Row> {
    let mut rows = Vec::new();
    for (r, planned) in plan.relationships.iter().enumerate() {
        if r > 0 {
            rows.push(Row::Blank);
        }
        relationship(&mut rows, r, plan, planned);
    }
    if plan.relationships.len() > 1 {
        rows.extend([Row::Blank, Row::TotalsOfAll]);
    }
    rows
}

fn relationship<'p>(rows: &mut Vec<Row>, r: usize, plan: &Plan, planned: &'p PlannedRelationship) {
    rows.extend([Row::Direction(r), Row::Relationship(r)]);
    rows.extend(plan.told_of_saving(planned).map(|_| Row::Saves(r)));
    rows.extend((!planned.writer_reason.is_empty()).then_some(Row::Reason(r)));
    // they belong to the servers' names above them
    rows.extend(findings(r, planned, true));
    rows.extend((0..planned.against().count()).flat_map(|at| [Row::Against(r, at), Row::AgainstHint(r, at)]));
    deletions(rows, r, plan, planned);
    rows.extend((!planned.cost_to_service.is_empty()).then_some(Row::CostToService(r)));
    rows.extend((!planned.cost_to_configuration.is_empty()).then_some(Row::CostToConfiguration(r)));
    rows.extend(findings(r, planned, false));
    refusals(rows, r, plan, planned);
    let is_listed = |scope: &PlannedScope| scope.work.is_some() || scope.is_left_out();
    for (s, scope) in planned.scopes.iter().enumerate().filter(|(_, scope)| is_listed(scope)) {
        scope_rows(rows, r, s, scope);
    }
    let mut left = planned.scopes.iter().enumerate().filter(|(_, scope)| !is_listed(scope)).peekable();
    rows.extend(left.peek().map(|_| Row::NotBrought(r)));
    // thousands of scopes may be unknown for one reason: the first of them tells it for all
    let mut told = BTreeSet::new();
    let is_new = |(_, scope): &(usize, &'p PlannedScope)| match &scope.reason {
        Some(reason) if scope.state == DriftState::Unknown => told.insert(reason),
        _ => true,
    };
    rows.extend(left.filter(is_new).map(|(s, _)| Row::Left(r, s)));
    rows.extend((!planned.in_sync.is_empty()).then_some(Row::InSync(r)));
    rows.push(Row::Totals(r));
}

fn findings(r: usize, planned: &PlannedRelationship, caveats: bool) -> impl Iterator<Item = Row> {
    let all = planned.findings.iter().enumerate().filter(move |(_, found)| found.kind.is_caveat() == caveats);
    all.flat_map(move |(f, found)| {
        let steps = if shows_steps(found) { found.hint.lines().count() } else { 0 };
        std::iter::once(Row::Finding(r, f)).chain((0..steps).map(move |n| Row::FindingStep(r, f, n)))
    })
}

/// Whether the way out of a finding is shown here, too: it is about what will be written.
fn shows_steps(finding: &Finding) -> bool {
    finding.kind.is_of_all() || finding.kind.is_about_writing()
}

/// What stands against single scopes, overridden or not, before everything that is done.
fn refusals(rows: &mut Vec<Row>, r: usize, plan: &Plan, planned: &PlannedRelationship) {
    if planned.scopes.iter().any(|scope| scope.standing_refusals(&plan.overrides).next().is_some()) {
        rows.push(Row::Refused(r));
    }
    for (s, scope) in planned.scopes.iter().enumerate() {
        rows.extend((0..scope.refusals.len()).flat_map(|at| [Row::Refusal(r, s, at), Row::RefusalHint(r, s, at)]));
        rows.extend((0..scope.since.as_ref().map_or(0, |since| since.items.len())).map(|at| Row::Since(r, s, at)));
    }
}

/// Deletions by name. Those of a relationship of which nothing can be written are shown too:
/// the operator may want to know before clearing the way.
fn deletions(rows: &mut Vec<Row>, r: usize, plan: &Plan, planned: &PlannedRelationship) {
    let before = rows.len();
    rows.push(Row::Deletions(r));
    for (s, scope) in planned.scopes.iter().enumerate().filter(|(_, scope)| deletes(plan, planned, scope)) {
        if deletes_scope(scope) {
            rows.push(Row::DeleteScope(r, s));
            continue;
        }
        rows.extend(items(scope, true).map(|(c, is_left)| match is_left {
            true => Row::LeftOut(r, s, c),
            false => Row::Delete(r, s, c),
        }));
    }
    if rows.len() == before + 1 {
        rows.truncate(before);
    }
}

/// Whether the deletions of a scope are among those that are counted.
pub(super) fn deletes(plan: &Plan, planned: &PlannedRelationship, scope: &PlannedScope) -> bool {
    let is_open = planned.is_open(&plan.overrides);
    scope.is_left_out() || scope.work.is_some() && (!is_open || scope.will_be_written(&plan.overrides))
}

/// Whether the scope is deleted as a whole, or would be if it was not left out.
pub(super) fn deletes_scope(scope: &PlannedScope) -> bool {
    scope.is_deletion() || scope.is_left_out() && scope.state == DriftState::OnlyOnTarget
}

/// The deletions of a scope, or its other changes, by their places among those that are made or among those
/// that are left out: in one order, so that a line stays where it is when it is left out.
fn items(scope: &PlannedScope, deletions: bool) -> impl Iterator<Item = (usize, bool)> {
    let made = scope.changes.iter().enumerate().map(|(c, change)| (change, c, false));
    let left = scope.left_out.iter().enumerate().map(|(c, change)| (change, c, true));
    let mut all: Vec<_> =
        made.chain(left).filter(|(change, ..)| (change.change == ChangeKind::Delete) == deletions).collect();
    if !scope.left_out.is_empty() {
        all.sort_by_key(|(change, ..)| (change.section(), &change.key));
    }
    all.into_iter().map(|(_, c, is_left)| (c, is_left))
}

fn scope_rows(rows: &mut Vec<Row>, r: usize, s: usize, scope: &PlannedScope) {
    rows.push(Row::Scope(r, s));
    rows.extend(scope.otherwise.as_ref().map(|_| Row::Otherwise(r, s)));
    rows.extend((!scope.ignored.is_empty()).then_some(Row::Ignored(r, s)));
    if scope.is_deletion() {
        rows.extend((0..scope.changes.len()).map(|c| Row::Delete(r, s, c)));
        return;
    }
    for (c, is_left) in items(scope, false) {
        if is_left {
            rows.push(Row::LeftOut(r, s, c));
            continue;
        }
        rows.push(Row::Change(r, s, c));
        let fields = scope.changes.get(c).map_or(0, |change| change.fields.len());
        rows.extend((0..fields).map(|field| Row::Field(r, s, c, field)));
    }
}
