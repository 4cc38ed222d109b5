//! The text of each line of a preview.

use super::rows::{deletes, deletes_scope};
use super::{Preview, Row, standing};
use crate::app::drift::{self, Look};
use crate::engine::approval::Manner;
use crate::engine::plan::{Plan, PlannedRelationship, PlannedScope};
use crate::engine::port::{Grain, Unsaved};
use crate::model::{Change, ChangeKind, DriftState, Severity};
use crate::show::{self, Counts, ScopeNames, doubt, plural};

impl Preview {
    /// The text of a line, safe to show, and how to show it.
    pub fn line(&self, row: Row) -> (Look, String) {
        line(self, row).unwrap_or((Look::Plain, String::new()))
    }

    /// Which server overwrites which, in words that nobody overlooks.
    pub fn direction(&self, planned: &PlannedRelationship) -> String {
        let PlannedRelationship { source, target, .. } = planned;
        if self.manner != Manner::ShowOnly && self.plan.only_saves(planned) {
            return format!("{target} IS SAVED as it runs");
        }
        let will = self.manner != Manner::ShowOnly && planned.to_write(&self.plan.overrides).next().is_some();
        match (self.plan.undoes().is_some(), will) {
            (false, true) => format!("{source} OVERWRITES {target}"),
            (false, false) => format!("{source} WOULD OVERWRITE {target}"),
            (true, true) => format!("{target} GOES BACK to what it was {source}"),
            (true, false) => format!("{target} WOULD GO BACK to what it was {source}"),
        }
    }
}

fn line(preview: &Preview, row: Row) -> Option<(Look, String)> {
    let Preview { plan, names, .. } = preview;
    let relationship = |r: usize| plan.relationships.get(r);
    let scope = |r: usize, s: usize| relationship(r)?.scopes.get(s);
    let change = |r: usize, s: usize, c: usize| scope(r, s)?.changes.get(c);
    let is_left = |r: usize, s: usize, change: &Change| {
        let found = relationship(r).zip(scope(r, s));
        found.is_some_and(|(planned, scope)| preview.is_left_out(planned, scope, &change.key))
    };
    Some(match row {
        Row::Blank => (Look::Plain, String::new()),
        Row::Direction(r) => (Look::Heading, preview.direction(relationship(r)?)),
        Row::Relationship(r) => {
            let planned = relationship(r)?;
            let PlannedRelationship { name, mode, .. } = planned;
            let writer = planned.writer_name.map(|name| format!(", by {name}")).unwrap_or_default();
            (Look::Plain, format!("  relationship {name} ({mode}){writer}"))
        }
        Row::Saves(r) => {
            let planned = relationship(r)?;
            let look = if planned.unsaved == Some(Unsaved::Broken) { Look::Refusal } else { Look::Warning };
            (look, format!("  {}", plan.told_of_saving(planned)?))
        }
        Row::Reason(r) => (Look::Plain, format!("  {}", relationship(r)?.writer_reason)),
        Row::CostToService(r) => (Look::Plain, format!("  clients: {}", relationship(r)?.cost_to_service)),
        Row::CostToConfiguration(r) => {
            (Look::Plain, format!("  configuration: {}", plan.cost_to_configuration(relationship(r)?)))
        }
        Row::Against(r, at) => {
            let refusal = relationship(r)?.against().nth(at)?;
            let (word, how) = standing(refusal, &plan.overrides, &preview.ways, "BLOCKED");
            (Look::Refusal, format!("  {word}, {}: {}{how}", refusal.name, refusal.message))
        }
        Row::AgainstHint(r, at) => (Look::Quiet, format!("    {}", relationship(r)?.against().nth(at)?.hint)),
        Row::Deletions(r) => {
            let planned = relationship(r)?;
            let (scopes, others): (Vec<_>, Vec<_>) = planned
                .scopes
                .iter()
                .filter(|scope| deletes(plan, planned, scope))
                .partition(|scope| deletes_scope(scope));
            let scopes: Vec<_> = scopes.into_iter().filter(|scope| !scope.is_left_out()).collect();
            let with_scopes = scopes.iter().map(|scope| scope.changes.len()).sum();
            let items = others.iter().flat_map(|scope| &scope.changes);
            let items = items.filter(|change| change.change == ChangeKind::Delete).count();
            let count = match (scopes.len(), items) {
                (0, 0) => "nothing".to_owned(),
                (0, items) => items.to_string(),
                (scopes, items) => show::deleted(items, scopes, with_scopes),
            };
            let will = preview.manner != Manner::ShowOnly && planned.is_open(&plan.overrides);
            let word = if will { "DELETED" } else { "would be DELETED" };
            (Look::Heading, format!("  {word} on {}: {count}", planned.target))
        }
        Row::DeleteScope(r, s) => {
            let planned = scope(r, s)?;
            let name = planned.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            if planned.is_left_out() {
                let id = names.name(planned.id);
                return Some((Look::Quiet, format!("    . left out: delete the whole scope {id}{name}")));
            }
            (Look::Delete, format!("    - delete the whole scope {}{name}", names.name(planned.id)))
        }
        Row::Delete(r, s, c) | Row::Change(r, s, c) if is_left(r, s, change(r, s, c)?) => {
            left_out(names, scope(r, s)?, change(r, s, c)?)
        }
        Row::LeftOut(r, s, c) => {
            let item = scope(r, s)?.left_out.get(c)?;
            match is_left(r, s, item) {
                true => left_out(names, scope(r, s)?, item),
                false => (Look::Plain, format!("    {}", drift::change_line(item))),
            }
        }
        Row::Delete(r, s, c) => {
            let id = names.name(scope(r, s)?.id);
            let change = change(r, s, c)?;
            let mark = doubt(change, &scope(r, s)?.uncertain).unwrap_or_default();
            (Look::Delete, format!("    - delete {} in scope {id}{mark}{}", drift::described(change), lost(change)))
        }
        Row::Finding(r, f) => {
            let finding = relationship(r)?.findings.get(f)?;
            let look = match finding.kind {
                kind if kind.is_caveat() || kind.is_about_writing() => Look::Warning,
                kind if kind.is_of_all() || finding.severity == Severity::Critical => Look::Refusal,
                _ if finding.severity == Severity::Warning => Look::Warning,
                _ => Look::Quiet,
            };
            (look, format!("  {}", drift::finding_line(finding)))
        }
        Row::FindingStep(r, f, n) => {
            (Look::Plain, format!("    {}", relationship(r)?.findings.get(f)?.hint.lines().nth(n)?))
        }
        Row::Scope(r, s) => {
            let planned = scope(r, s)?;
            let name = planned.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            let what = match planned.state {
                _ if planned.is_left_out() => "left out, nothing of it is written".to_owned(),
                DriftState::OnlyOnSource => "whole scope is created on the target".to_owned(),
                _ if planned.is_deletion() => "whole scope is DELETED on the target".to_owned(),
                _ => Counts::of(&planned.changes).to_string(),
            };
            let refused = planned.standing_refusals(&plan.overrides).next().is_some();
            let refused = if refused { ", REFUSED: not written" } else { "" };
            let grain = relationship(r)?.writer.as_ref().map(|writer| writer.abilities().grain);
            let whole = if grain == Some(Grain::Scope) { ", only as a whole" } else { "" };
            (Look::Heading, format!("  scope {}{name}: {what}{refused}{whole}", names.name(planned.id)))
        }
        Row::Otherwise(r, s) => {
            let way = scope(r, s)?.otherwise.as_ref()?;
            (Look::Plain, format!("    by {}: {}", way.writer, way.reason))
        }
        Row::Ignored(r, s) => {
            let told = scope(r, s)?.ignored.iter().map(|(reason, count)| format!("{count} by rule: {reason}"));
            (Look::Quiet, format!("    not brought, ignored: {}", told.collect::<Vec<_>>().join("; ")))
        }
        Row::Refused(r) => {
            let refused = |scope: &&PlannedScope| scope.standing_refusals(&plan.overrides).next().is_some();
            let count = relationship(r)?.scopes.iter().filter(refused).count();
            (Look::Refusal, format!("  REFUSED, not written: {}", plural(count, "scope")))
        }
        Row::Refusal(r, s, at) => {
            let planned = scope(r, s)?;
            let refusal = planned.refusals.get(at)?;
            let (word, how) = standing(refusal, &plan.overrides, &preview.ways, "REFUSED");
            (
                Look::Refusal,
                format!("    {word} {}, {}: {}{how}", names.name(planned.id), refusal.name, refusal.message),
            )
        }
        Row::RefusalHint(r, s, at) => (Look::Quiet, format!("      {}", scope(r, s)?.refusals.get(at)?.hint)),
        Row::Since(r, s, at) => {
            let since = scope(r, s)?.since.as_ref()?;
            let item = since.items.get(at)?;
            let [then, after, now] = item.values(since);
            (Look::Plain, format!("      {}: then {then}, after the run {after}, now {now}", item.name()))
        }
        Row::Change(r, s, c) => {
            let change = change(r, s, c)?;
            let look = if change.change == ChangeKind::Create { Look::Create } else { Look::Update };
            let mark = doubt(change, &scope(r, s)?.uncertain).unwrap_or_default();
            (look, format!("    {}{mark}", drift::change_line(change)))
        }
        Row::Field(r, s, c, f) => (Look::Plain, field(change(r, s, c)?, f)?),
        Row::NotBrought(_) => (Look::Heading, "  NOT brought:".to_owned()),
        Row::Left(r, s) => (Look::Quiet, left(relationship(r)?, scope(r, s)?, names)),
        Row::InSync(r) => {
            (Look::Quiet, format!("  in sync, nothing to do: {}", plural(relationship(r)?.in_sync.len(), "scope")))
        }
        Row::Totals(r) => (Look::Heading, format!("  Plan: {}", totals(plan, std::slice::from_ref(relationship(r)?)))),
        Row::TotalsOfAll => {
            let all = plural(plan.relationships.len(), "relationship");
            (Look::Heading, format!("Plan for {all}: {}", totals(plan, &plan.relationships)))
        }
    })
}

fn field(change: &Change, at: usize) -> Option<String> {
    let field = change.fields.get(at)?;
    let (source, target) = drift::values(field);
    Some(match (change.change, &field.source) {
        (ChangeKind::Update, Some(_)) => format!("        {}: now {target}, will be {source}", field.field),
        (ChangeKind::Update, None) => format!("        {}: now {target}, will be removed", field.field),
        _ => format!("        {}: {source}", field.field),
    })
}

/// What goes with a deleted item: a reservation's client and host name, an option's value.
fn lost(change: &Change) -> String {
    let name = change.key.name.to_string();
    let fields = change.fields.iter().map(|field| (&field.field, drift::values(field).1));
    let fields = fields.filter(|(_, value)| *value != name).map(|(field, value)| format!("{field} {value}"));
    match fields.collect::<Vec<_>>().join(", ") {
        fields if fields.is_empty() => fields,
        fields => format!(": {fields}"),
    }
}

/// A change that stays undone.
fn left_out(names: &ScopeNames, scope: &PlannedScope, change: &Change) -> (Look, String) {
    let what = format!("{} {}", change.change.word(), drift::described(change));
    let place = match change.change {
        ChangeKind::Delete => format!(" in scope {}", names.name(scope.id)),
        _ => String::new(),
    };
    (Look::Quiet, format!("    . left out: {what}{place}"))
}

/// A scope that is not brought, and all others for the same reason.
fn left(planned: &PlannedRelationship, scope: &PlannedScope, names: &ScopeNames) -> String {
    let id = names.name(scope.id);
    let words = scope.state.words();
    match (&scope.state, &scope.reason) {
        (DriftState::OnlyOnTarget, _) => {
            format!("    scope {id}: only on the target, never deleted by a replication")
        }
        (DriftState::Unknown, Some(reason)) => {
            let is_alike = |other: &&PlannedScope| other.state == scope.state && other.reason == scope.reason;
            let alike = || planned.scopes.iter().filter(is_alike);
            match alike().count() {
                0 | 1 => format!("    scope {id}: {words}: {reason}"),
                many => {
                    let ids = show::some(alike().map(|other| names.name(other.id)));
                    format!("    {many} scopes {words}: {reason}: {ids}")
                }
            }
        }
        (_, Some(reason)) => format!("    scope {id}: {words}: {reason}"),
        (_, None) => format!("    scope {id}: {words}"),
    }
}

/// What these relationships of a plan come to: `3 to create, 1 to update in 2 scopes; 1 scope refused`.
pub fn totals(plan: &Plan, relationships: &[PlannedRelationship]) -> String {
    let written = || relationships.iter().flat_map(|planned| planned.to_write(&plan.overrides));
    let scopes = relationships.iter().flat_map(|planned| &planned.scopes);
    let (mut refused, mut unknown, mut left_out) = (0, 0, 0);
    for scope in scopes {
        refused += usize::from(scope.standing_refusals(&plan.overrides).next().is_some());
        unknown += usize::from(scope.state == DriftState::Unknown);
        left_out += scope.left_out.len();
    }
    let what = match written().count() {
        0 => "nothing to write".to_owned(),
        scopes => {
            let counts = Counts::of(written().flat_map(|scope| &scope.changes));
            format!("{} in {}", counts.words(), plural(scopes, "scope"))
        }
    };
    let blocked = relationships.iter().filter(|planned| !planned.is_open(&plan.overrides)).count();
    let blocked = (blocked > 0).then(|| format!("{} blocked", plural(blocked, "relationship")));
    let others = [(refused, "refused"), (unknown, "unknown")].into_iter().filter(|(count, _)| *count > 0);
    let others = others.map(|(count, word)| format!("{} {word}", plural(count, "scope")));
    let left_out = (left_out > 0).then(|| format!("{} left out", plural(left_out, "change")));
    std::iter::once(what).chain(left_out).chain(blocked).chain(others).collect::<Vec<_>>().join("; ")
}
