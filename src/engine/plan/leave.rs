//! What the operator leaves out of a plan.
//!
//! What is left out is neither among the changes of its scope nor in what is wanted of it, so no writer can bring
//! it. The plan is made anew from what it was made of: its digest, its work and what its writer says of that agree.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Plan, PlannedRelationship, PlannedScope};
use crate::engine::fleet::Fleet;
use crate::engine::port::{Control, Grain};
use crate::engine::select::Picked;
use crate::engine::survey::Survey;
use crate::engine::undo::Undo;
use crate::model::{Change, DriftState, Foreign, ItemKey, KeyName, Kind, ScopeId};

/// An item that is left out, in words that another process understands, too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeftItem {
    /// The relationship.
    pub relationship: Foreign,
    /// The server that would be overwritten.
    pub target: String,
    /// The scope.
    pub scope: ScopeId,
    /// The item's key, as it is displayed.
    pub item: String,
}

impl LeftItem {
    /// An item of a planned relationship.
    pub fn new(planned: &PlannedRelationship, scope: ScopeId, key: &ItemKey) -> Self {
        let (relationship, target) = (planned.name.clone(), planned.target.clone());
        LeftItem { relationship, target, scope, item: key.to_string() }
    }
}

/// Everything that is left out of a plan.
pub type LeftOut = BTreeSet<LeftItem>;

/// What is left out of one relationship.
pub(in crate::engine) struct Without<'a>(BTreeMap<ScopeId, BTreeSet<&'a str>>);

impl<'a> Without<'a> {
    pub(in crate::engine) fn of(left_out: &'a LeftOut, name: &Foreign, target: &str) -> Self {
        let mut left: BTreeMap<ScopeId, BTreeSet<&str>> = BTreeMap::new();
        for item in left_out.iter().filter(|item| item.relationship == *name && item.target == target) {
            left.entry(item.scope).or_default().insert(&item.item);
        }
        Without(left)
    }

    /// Whether anything of this scope is left out.
    pub(in crate::engine) fn has(&self, id: ScopeId) -> bool {
        self.0.contains_key(&id)
    }

    /// The changes of a scope that are made, and those that are left out.
    pub(in crate::engine) fn split(
        &self,
        id: ScopeId,
        state: &DriftState,
        changes: Vec<Change>,
    ) -> (Vec<Change>, Vec<Change>) {
        let Some(named) = self.0.get(&id) else { return (changes, Vec::new()) };
        let named = changes.iter().filter(|change| named.contains(&*change.key.to_string()));
        let mut left: BTreeSet<ItemKey> = named.flat_map(|change| together(changes.iter(), change)).collect();
        if left.len() < changes.len() {
            left.retain(|key| never_alone(state, key).is_none());
        }
        changes.into_iter().partition(|change| !left.contains(&change.key))
    }
}

/// What can only be left out together with this change, and the change itself: one half of a move would put a
/// client in two places, and one of two ranges that overlap would collide with the other.
pub fn together<'a>(changes: impl Iterator<Item = &'a Change>, change: &Change) -> BTreeSet<ItemKey> {
    let mut keys: BTreeSet<ItemKey> = std::iter::once(change.key.clone()).chain(change.moved.clone()).collect();
    let overlaps = |other: &&Change| {
        let same_list = (&other.key.owner, other.key.kind) == (&change.key.owner, change.key.kind);
        same_list && span(&other.key).zip(span(&change.key)).is_some_and(|(a, b)| a.0 <= b.1 && b.0 <= a.1)
    };
    keys.extend(changes.filter(overlaps).map(|other| other.key.clone()));
    keys
}

fn span(key: &ItemKey) -> Option<(Ipv4Addr, Ipv4Addr)> {
    match (key.kind, &key.name) {
        (Kind::Range | Kind::Exclusion, KeyName::Range(first, last)) => Some((*first, *last)),
        _ => None,
    }
}

/// Why an item cannot be left out while the rest of its scope is written.
fn never_alone(state: &DriftState, key: &ItemKey) -> Option<&'static str> {
    let is_identity = *key == ItemKey::property("id") || *key == ItemKey::relationship();
    match state {
        DriftState::OnlyOnTarget => Some("a scope is deleted as a whole or not at all"),
        DriftState::OnlyOnSource if is_identity => Some("a scope is created with its number and its relationship"),
        _ => None,
    }
}

impl PlannedRelationship {
    /// Why this item of a scope cannot be left out by itself, safe to show; a whole scope always can.
    pub fn cannot_leave_out(&self, scope: &PlannedScope, key: &ItemKey) -> Option<String> {
        let grain = self.writer.as_ref().map(|writer| writer.abilities().grain);
        if grain == Some(Grain::Scope) {
            let writer = self.writer_name.unwrap_or("its writer");
            return Some(format!("{writer} copies whole scopes: only all of a scope can be left out"));
        }
        never_alone(&scope.state, key).map(str::to_owned)
    }
}

/// What a plan was made of, to make it anew.
#[derive(Clone)]
pub(in crate::engine) enum Basis {
    Servers { survey: Arc<Survey>, picked: Vec<Picked> },
    Snapshot { survey: Arc<Survey>, undo: Undo },
}

impl Plan {
    /// What is left out of it.
    pub fn left_out(&self) -> LeftOut {
        let of_scope = |planned, scope: &PlannedScope| {
            scope.left_out.iter().map(|change| LeftItem::new(planned, scope.id, &change.key)).collect::<Vec<_>>()
        };
        self.relationships
            .iter()
            .flat_map(|planned| planned.scopes.iter().flat_map(move |scope| of_scope(planned, scope)))
            .collect()
    }

    /// The same plan without these items, and with those that it was made without before. No server is read again
    /// but for what the writers ask; what the journal has to say of it is to be noted anew.
    pub async fn leaving_out(&self, fleet: &Fleet, left_out: &LeftOut, ctl: &Control) -> Plan {
        let overrides = self.overrides.clone();
        let made = match &self.basis {
            Basis::Servers { survey, picked } => {
                Plan::make_without(fleet, Arc::clone(survey), picked.clone(), overrides, left_out, ctl).await
            }
            Basis::Snapshot { survey, undo } => {
                undo.plan_without(fleet, Arc::clone(survey), overrides, left_out, ctl).await
            }
        };
        Plan { asked: self.asked.clone(), settles: self.settles.clone(), ..made }
    }
}
