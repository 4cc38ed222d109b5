//! The preview of a replication. Deletions come first, by name.

use std::collections::BTreeSet;

use super::changes::by_section;
use super::{Alike, Counts, Line, Role, ScopeNames, change, finding, marked_change, numbered, plural};
use crate::engine::plan::{Plan, PlannedRelationship, PlannedScope};
use crate::engine::port::Refusal;
use crate::model::{Change, ChangeKind, DriftState, ItemKey};

/// The whole plan, relationship by relationship.
pub fn plan(plan: &Plan, names: &ScopeNames) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, relationship) in plan.relationships.iter().enumerate() {
        if !lines.is_empty() {
            lines.push(Line::new(0));
        }
        let is_as_before =
            plan.relationships[..at].iter().any(|r| r.blocked.is_some() && r.blocked == relationship.blocked);
        let saving = (plan.told_of_saving(relationship), plan.cost_to_configuration(relationship));
        lines.extend(planned_relationship(relationship, (is_as_before, saving), &plan.overrides, names));
    }
    lines
}

/// One relationship's part: what it is and costs, deletions, every change, refusals, findings. `is_as_before`: it is
/// blocked as one that was told before.
fn planned_relationship(
    planned: &PlannedRelationship,
    (is_as_before, (saving, cost)): (bool, (Option<String>, &str)),
    overrides: &BTreeSet<String>,
    names: &ScopeNames,
) -> Vec<Line> {
    let mut lines = vec![
        Line::of(0, Role::Title, planned.name.to_string())
            .with(Role::Muted, format!("  {}  ", planned.mode))
            .with(Role::Title, format!("{} → {}", planned.source, planned.target)),
    ];
    let open = planned.is_open(overrides);
    // What is blocked is shown all the same: it is why somebody would lift the block.
    let writing: Vec<&PlannedScope> = match open {
        true => planned.to_write(overrides).collect(),
        false => planned.scopes.iter().filter(|scope| scope.work.is_some()).collect(),
    };
    // they belong to the servers' names above them
    let mut body: Vec<Line> = planned.caveats().map(|found| Line::of(0, Role::Warning, &found.message)).collect();
    for refusal in planned.against() {
        if is_as_before && Some(refusal) == planned.blocked.as_ref() {
            body.push(Line::of(0, Role::Critical, format!("nothing can be written: {}, as above", refusal.name)));
            continue;
        }
        match refusal.stands(overrides) {
            true => body.extend(refused(refusal, "nothing can be written", overrides)),
            false => body.push(overridden(refusal)),
        }
    }
    body.extend(saving.map(|text| Line::of(0, Role::Warning, text)));
    if open || !writing.is_empty() {
        body.extend(totals(planned, open, &writing, cost));
    }
    body.extend(deletions(planned, open, &writing, names));
    for scope in &writing {
        let number = |key: Option<&ItemKey>| names.number(&planned.name, scope.id, key);
        body.push(
            scope_title(scope, open, names)
                .behind(number(None))
                .with(Role::Plain, format!("  {}", Counts::of(&scope.changes))),
        );
        for refusal in &scope.refusals {
            let told = match refusal.stands(overrides) {
                true => refused(refusal, "", overrides),
                false => vec![overridden(refusal)],
            };
            body.extend(told.into_iter().map(|line| line.deeper(2)));
        }
        body.extend(since(scope).into_iter().map(|line| line.deeper(2)));
        body.extend(scope.otherwise.as_ref().map(|way| written_by(way.writer, &way.reason).deeper(2)));
        let told = |one: &Change| numbered(marked_change(one, &scope.uncertain), number(Some(&one.key)));
        body.extend(by_section(&scope.changes, told).into_iter().map(|line| line.deeper(2)));
        body.extend(left_out(planned, scope, names).into_iter().map(|line| line.deeper(2)));
    }
    for scope in planned.scopes.iter().filter(|scope| scope.is_left_out()) {
        body.push(scope_title(scope, true, names).behind(names.number(&planned.name, scope.id, None)));
        body.extend(left_out(planned, scope, names).into_iter().map(|line| line.deeper(2)));
    }
    let left: Vec<&PlannedScope> = planned
        .scopes
        .iter()
        .filter(|scope| open && !scope.will_be_written(overrides) && !scope.is_left_out())
        .collect();
    let unrefused = left.iter().filter(|scope| scope.standing_refusals(overrides).next().is_none());
    let mut alike = Alike::of(unrefused.map(|scope| (scope.id, &scope.state, scope.reason.as_deref())));
    for scope in left {
        let told = match scope.standing_refusals(overrides).next() {
            Some(_) => None,
            None => alike.lines(&scope.state, scope.reason.as_deref(), names),
        };
        body.extend(told.unwrap_or_else(|| not_written(scope, overrides, names)));
    }
    let others = planned.findings.iter().filter(|found| !found.kind.is_caveat());
    body.extend(others.flat_map(|found| finding(found, names)));
    lines.extend(body.into_iter().map(|line| line.deeper(2)));
    lines
}

fn totals(planned: &PlannedRelationship, open: bool, writing: &[&PlannedScope], saving: &str) -> Vec<Line> {
    let in_sync = match planned.in_sync.len() {
        0 => String::new(),
        n => format!("; {n} in sync"),
    };
    if writing.is_empty() {
        return vec![Line::of(0, Role::Plain, format!("nothing to write{in_sync}"))];
    }
    let counts = Counts::of(writing.iter().flat_map(|scope| &scope.changes));
    let text = format!(
        "{} {} be written on {}: {}{in_sync}",
        plural(writing.len(), "scope"),
        if open { "will" } else { "would" },
        planned.target,
        counts.words()
    );
    let mut lines = vec![Line::of(0, Role::Plain, text)];
    let cost = |what: &str, text: &str| {
        (!text.is_empty()).then(|| Line::of(0, Role::Muted, format!("{what}: ")).with(Role::Plain, text))
    };
    lines.extend(planned.writer_name.map(|name| written_by(name, &planned.writer_reason)));
    lines.extend(cost("cost to service", &planned.cost_to_service));
    lines.extend(cost("cost to configuration", saving));
    lines
}

pub(super) fn written_by(writer: &str, reason: &str) -> Line {
    let line = Line::of(0, Role::Muted, "written by: ").with(Role::Plain, writer);
    if reason.is_empty() { line } else { line.with(Role::Muted, format!(" ({reason})")) }
}

fn deletions(planned: &PlannedRelationship, open: bool, writing: &[&PlannedScope], names: &ScopeNames) -> Vec<Line> {
    let whole = writing.iter().filter(|scope| scope.is_deletion());
    let mut lines: Vec<Line> = whole
        .map(|scope| {
            let line = Line::of(2, Role::Title, names.name(scope.id)).with(Role::Delete, "  - delete  the whole scope");
            line.with(Role::Plain, scope.name.as_ref().map(|name| format!("  {name}")).unwrap_or_default())
        })
        .collect();
    let scopes = lines.len();
    let with_scopes = writing.iter().filter(|scope| scope.is_deletion()).map(|scope| scope.changes.len()).sum();
    for scope in writing.iter().filter(|scope| !scope.is_deletion()) {
        for gone in scope.changes.iter().filter(|change| change.change == ChangeKind::Delete) {
            let line = marked_change(gone, &scope.uncertain).into_iter().next().unwrap_or_default();
            let section = Line::of(2, Role::Title, names.name(scope.id))
                .with(Role::Muted, format!("  {} ", gone.section().word()));
            lines.push(Line { spans: section.spans.into_iter().chain(line.spans).collect(), ..section });
        }
    }
    if !lines.is_empty() {
        let lead = if open { "" } else { "would be " };
        let what = deleted(lines.len() - scopes, scopes, with_scopes);
        let title = format!("{lead}deleted on {}: {what}", planned.target);
        lines.insert(0, Line::of(0, Role::Delete, title));
    }
    lines
}

/// What is deleted: single items, and scopes with so many items in them. The sum comes first, as the totals and the
/// questions tell it.
pub fn deleted(items: usize, scopes: usize, with_scopes: usize) -> String {
    match scopes {
        0 => plural(items, "item"),
        scopes => {
            format!("{}, {with_scopes} of them with {}", plural(items + with_scopes, "item"), plural(scopes, "scope"))
        }
    }
}

fn scope_title(scope: &PlannedScope, open: bool, names: &ScopeNames) -> Line {
    let mut line = Line::of(0, Role::Title, names.name(scope.id));
    if let Some(name) = &scope.name {
        line = line.with(Role::Plain, format!("  {name}"));
    }
    match scope.state {
        _ if scope.is_left_out() => line,
        DriftState::OnlyOnSource => line.with(Role::Create, if open { "  created" } else { "  would be created" }),
        _ if scope.is_deletion() => line.with(Role::Delete, if open { "  deleted" } else { "  would be deleted" }),
        _ => line,
    }
}

/// What of a scope stays as it is because it was left out.
fn left_out(planned: &PlannedRelationship, scope: &PlannedScope, names: &ScopeNames) -> Vec<Line> {
    if scope.left_out.is_empty() {
        return Vec::new();
    }
    let title = Line::of(0, Role::Muted, "left out, not written:");
    let told = |one: &Change| numbered(change(one), names.number(&planned.name, scope.id, Some(&one.key)));
    std::iter::once(title).chain(by_section(&scope.left_out, told).into_iter().map(|line| line.deeper(2))).collect()
}

/// A scope that differs and will not be written.
fn not_written(scope: &PlannedScope, overrides: &BTreeSet<String>, names: &ScopeNames) -> Vec<Line> {
    let line = scope_title(scope, true, names);
    let refusals: Vec<&Refusal> = scope.standing_refusals(overrides).collect();
    if !refusals.is_empty() {
        let mut lines = vec![line.with(Role::Critical, "  refused")];
        lines.extend(refusals.iter().flat_map(|refusal| refused(refusal, "", overrides)).map(|line| line.deeper(2)));
        lines.extend(since(scope).into_iter().map(|line| line.deeper(2)));
        return lines;
    }
    vec![match scope.state {
        DriftState::OnlyOnTarget => line.with(Role::Warning, "  only on target: left as it is"),
        _ => {
            let reason = scope.reason.clone().unwrap_or_else(|| scope.state.words().to_owned());
            line.with(Role::Critical, "  unknown").with(Role::Plain, format!(": {reason}"))
        }
    }]
}

/// What has happened to a scope since the run that is undone: before it, after it and now.
fn since(scope: &PlannedScope) -> Vec<Line> {
    let Some(since) = &scope.since else { return Vec::new() };
    let mut lines = Vec::new();
    for item in &since.items {
        let [then, after, now] = item.values(since);
        let line = Line::of(2, Role::Plain, item.name());
        lines.push(match [&then, &after, &now].iter().any(|text| text.contains(", ")) {
            false => line.with(Role::Plain, format!(": then {then}, after the run {after}, now {now}")),
            true => line.with(Role::Plain, ":"),
        });
        if [&then, &after, &now].iter().any(|text| text.contains(", ")) {
            let sides = [("then           ", then), ("after the run  ", after), ("now            ", now)];
            lines.extend(sides.map(|(side, text)| Line::of(6, Role::Muted, side).with(Role::Plain, text)));
        }
    }
    lines
}

fn refused(refusal: &Refusal, what: &str, overrides: &BTreeSet<String>) -> Vec<Line> {
    let lead = if what.is_empty() { String::new() } else { format!("{what}: ") };
    let mut lines =
        vec![Line::of(0, Role::Critical, format!("{lead}{}: ", refusal.name)).with(Role::Plain, &refusal.message)];
    if !refusal.hint.is_empty() {
        lines.push(Line::of(2, Role::Muted, format!("hint: {}", refusal.hint)));
    }
    if refusal.overridable && !overrides.contains(refusal.name) {
        lines.push(Line::of(2, Role::Muted, format!("can be overridden by its name, {}", refusal.name)));
    }
    lines
}

/// A refusal that does not stop a scope from being written has been overridden.
fn overridden(refusal: &Refusal) -> Line {
    Line::of(0, Role::Warning, format!("overridden, {}: ", refusal.name)).with(Role::Plain, &refusal.message)
}
