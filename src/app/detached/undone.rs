//! What a job that is over has left undone, from the report that is kept of its run.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::engine::outcome::{Outcome, SavedState};
use crate::model::{Foreign, ItemKey, Owner, ScopeId};

/// What is left undone in one relationship.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The relationship.
    pub name: Foreign,
    /// The server that was copied from, as it was shown.
    pub source: String,
    /// The server that was to be written, as it was shown.
    pub target: String,
    /// The scopes that failed, were cancelled, are unknown or not saved.
    pub scopes: BTreeSet<ScopeId>,
    /// What was left out of them on purpose: the items' keys, as they are displayed.
    pub left_out: BTreeSet<(ScopeId, String)>,
}

/// As much of `scopesync.run/1` as is of interest here.
#[derive(Deserialize)]
struct Report {
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct Relationship {
    name: Foreign,
    source: String,
    target: String,
    scopes: Vec<Scope>,
}

#[derive(Deserialize)]
struct Scope {
    scope_id: std::net::Ipv4Addr,
    prefix_length: u8,
    outcome: Outcome,
    verified: Option<bool>,
    #[serde(default)]
    uncarried: bool,
    #[serde(default)]
    saved: Option<SavedState>,
    #[serde(default)]
    left_out: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    key: Key,
}

#[derive(Deserialize)]
struct Key {
    owner: String,
    kind: String,
    name: String,
}

impl Key {
    fn words(&self) -> String {
        let owner = (self.owner != Owner::Scope.to_string()).then_some(&self.owner as &dyn std::fmt::Display);
        ItemKey::words(owner, &self.kind, &self.name)
    }
}

impl Undone {
    /// What is left undone, by relationship; `None` where the report is no longer kept.
    pub fn of(report: &Value) -> Option<Vec<Undone>> {
        let report = Report::deserialize(report).ok()?;
        let of_relationship = |told: Relationship| {
            let (mut scopes, mut left_out) = (BTreeSet::new(), BTreeSet::new());
            let is_to_retry = |scope: &&Scope| {
                scope.outcome.is_to_retry(scope.verified, scope.uncarried)
                    || scope.saved.is_some_and(SavedState::is_to_retry)
            };
            for scope in told.scopes.iter().filter(is_to_retry) {
                let id = ScopeId { network: scope.scope_id, prefix_length: scope.prefix_length };
                scopes.insert(id);
                left_out.extend(scope.left_out.iter().map(|change| (id, change.key.words())));
            }
            Undone { name: told.name, source: told.source, target: told.target, scopes, left_out }
        };
        Some(report.relationships.into_iter().map(of_relationship).filter(|told| !told.scopes.is_empty()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::outcome::{RelationshipRun, RunReport, ScopeRun};
    use crate::model::{Change, ChangeKind};

    #[test]
    fn it_is_read_from_the_report_as_it_is_kept() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let id = |text: &str| text.parse::<ScopeId>().unwrap();
        let scope = |text, outcome| ScopeRun::untouched(id(text), outcome, 1, None);
        let key = ItemKey::property("valid-lifetime");
        let left_out = Change {
            key: key.clone(),
            change: ChangeKind::Delete,
            fields: Vec::new(),
            wanted: None,
            label: None,
            moved: None,
            becomes_explicit: false,
        };
        let partial = ScopeRun { left_out: vec![left_out], ..scope("10.0.2.0/23", Outcome::Partial) };
        let unsaved = ScopeRun { saved: SavedState::NotSaved, ..scope("10.0.4.0/24", Outcome::Replicated) };
        let told = RelationshipRun {
            name: "pair".into(),
            source: "one".into(),
            target: "two".into(),
            caveats: Vec::new(),
            scopes: vec![scope("10.0.1.0/24", Outcome::Replicated), partial, unsaved],
            remarks: Vec::new(),
            unsaved: false,
            still_terminated: None,
        };
        let report = RunReport { run: "r".into(), begun: true, relationships: vec![told], started: now, ended: now };
        let undone = Undone::of(&report.to_json()).unwrap();
        let wanted = Undone {
            name: "pair".into(),
            source: "one".into(),
            target: "two".into(),
            scopes: [id("10.0.2.0/23"), id("10.0.4.0/24")].into(),
            left_out: [(id("10.0.2.0/23"), key.to_string())].into(),
        };
        assert_eq!(undone, [wanted]);
        assert_eq!(Undone::of(&Value::Null), None);
    }
}
