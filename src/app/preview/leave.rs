//! Leaving changes out of a plan, line by line.

use std::collections::BTreeSet;

use super::{Preview, Row};
use crate::app::drift;
use crate::engine::plan::{LeftItem, LeftOut, PlannedRelationship, PlannedScope, together};
use crate::model::{Change, ItemKey, ScopeId};

/// What a line is about: a change, or a whole scope.
struct Subject<'a> {
    planned: &'a PlannedRelationship,
    scope: &'a PlannedScope,
    change: Option<&'a Change>,
}

/// What keeps its place when the plan is made anew: a scope, its line among the deletions, or an item of it.
#[derive(PartialEq, Eq)]
pub(super) struct Anchor {
    target: String,
    scope: ScopeId,
    item: Option<ItemKey>,
    is_deletion: bool,
}

impl Preview {
    /// What would be left out after the highlighted line was left out, or brought back.
    ///
    /// # Errors
    /// In words: the line has nothing to leave out, or not by itself.
    pub fn toggled(&self) -> Result<LeftOut, String> {
        let row = self.rows.get(self.scroll.position(self.rows.len()));
        let subject = row.and_then(|row| self.subject(*row));
        let Some(Subject { planned, scope, change }) = subject else {
            return Err("there is no change on this line".into());
        };
        let all = || scope.changes.iter().chain(&scope.left_out);
        let keys: BTreeSet<ItemKey> = match change {
            Some(change) => match planned.cannot_leave_out(scope, &change.key) {
                Some(reason) => return Err(reason),
                None => together(all(), change),
            },
            None => all().map(|change| change.key.clone()).collect(),
        };
        let items: LeftOut = keys.iter().map(|key| LeftItem::new(planned, scope.id, key)).collect();
        Ok(match items.is_subset(&self.left_out) {
            true => self.left_out.difference(&items).cloned().collect(),
            false => self.left_out.union(&items).cloned().collect(),
        })
    }

    /// What the highlighted change takes with it when this is left out from now on, in words, if anything.
    pub fn toggled_together(&self, left_out: &LeftOut) -> Option<String> {
        let row = self.rows.get(self.scroll.position(self.rows.len()))?;
        let Subject { scope, change: Some(_), .. } = self.subject(*row)? else { return None };
        let items: BTreeSet<&str> = left_out.symmetric_difference(&self.left_out).map(|left| &*left.item).collect();
        let all = scope.changes.iter().chain(&scope.left_out);
        let words: Vec<String> =
            all.filter(|change| items.contains(&*change.key.to_string())).map(drift::change_line).collect();
        let done = if left_out.len() > self.left_out.len() { "left out" } else { "brought back" };
        (words.len() > 1).then(|| format!("{done} together, as neither goes without the other: {}", words.join("; ")))
    }

    /// Whether a change is left out, or will be as soon as the plan is made anew.
    pub(super) fn is_left_out(&self, planned: &PlannedRelationship, scope: &PlannedScope, key: &ItemKey) -> bool {
        !self.left_out.is_empty() && self.left_out.contains(&LeftItem::new(planned, scope.id, key))
    }

    /// The change that a line is about.
    pub(super) fn change_at(&self, row: Row) -> Option<&Change> {
        self.subject(row)?.change
    }

    fn subject(&self, row: Row) -> Option<Subject<'_>> {
        let (r, s, change) = match row {
            Row::Scope(r, s) | Row::DeleteScope(r, s) => (r, s, None),
            Row::Delete(r, s, c) | Row::Change(r, s, c) | Row::Field(r, s, c, _) => (r, s, Some((c, false))),
            Row::LeftOut(r, s, c) => (r, s, Some((c, true))),
            _ => return None,
        };
        let planned = self.plan.relationships.get(r)?;
        let scope = planned.scopes.get(s)?;
        let change = match change {
            Some((c, true)) => Some(scope.left_out.get(c)?),
            Some((c, false)) => Some(scope.changes.get(c)?),
            None => None,
        };
        Some(Subject { planned, scope, change })
    }

    /// What the cursor holds on to.
    pub(super) fn anchor(&self, at: usize) -> Option<Anchor> {
        let row = *self.rows.get(at)?;
        let Subject { planned, scope, change } = self.subject(row)?;
        let item = change.map(|change| change.key.clone());
        let is_deletion = matches!(row, Row::DeleteScope(..));
        Some(Anchor { target: planned.target.clone(), scope: scope.id, item, is_deletion })
    }

    /// The line of what the cursor held on to.
    pub(super) fn find(&self, anchor: &Anchor) -> Option<usize> {
        (0..self.rows.len()).find(|at| self.anchor(*at).as_ref() == Some(anchor))
    }
}
