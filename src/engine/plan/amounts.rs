//! How much a plan writes and takes away, and what confirms that much.

use std::collections::BTreeSet;

use super::{Plan, PlannedRelationship};
use crate::model::ChangeKind;

impl Plan {
    /// How many scopes will be written.
    pub fn scopes_to_write(&self) -> usize {
        self.relationships.iter().map(|r| r.to_write(&self.overrides).count()).sum()
    }

    /// How many changes will be made.
    pub fn changes_to_write(&self) -> usize {
        self.relationships.iter().flat_map(|r| r.to_write(&self.overrides)).map(|scope| scope.changes.len()).sum()
    }

    /// The relationships, by their places, that delete so many items as `is_many` tells.
    pub fn deleting(&self, is_many: impl Fn(usize) -> bool) -> BTreeSet<usize> {
        let all = self.relationships.iter().enumerate();
        all.filter(|(_, planned)| is_many(planned.deletions(&self.overrides))).map(|(at, _)| at).collect()
    }
}

impl PlannedRelationship {
    /// How many items will be deleted, given the refusals that the operator overrides.
    pub fn deletions(&self, overrides: &BTreeSet<String>) -> usize {
        let changes = self.to_write(overrides).flat_map(|scope| &scope.changes);
        changes.filter(|change| change.change == ChangeKind::Delete).count()
    }

    /// What is typed to confirm many of them, as it is shown: the relationship's name, or that of its target where
    /// the name is none to type.
    pub fn name_to_type(&self) -> String {
        let name = self.name.to_string();
        let name = name.trim();
        if name.is_empty() { self.target.clone() } else { name.to_owned() }
    }
}
