//! An interrupted run as it was kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::engine::approval::NO_SNAPSHOT;
use crate::engine::plan::{LeftItem, LeftOut};
use crate::engine::port::{Approval, Fingerprints, RunKind, RunServer, ServerRole};
use crate::engine::undo::Past;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, Owner, ScopeId, ServerName};

/// A run that has begun and not ended, and whose process is gone.
#[derive(Clone, Debug)]
pub struct Interrupted {
    /// Its name.
    pub run: String,
    /// What it did.
    pub kind: RunKind,
    pub(super) parts: Vec<Part>,
    pub(super) past: Vec<Past>,
    pub(super) identities: BTreeMap<ServerName, Foreign>,
    /// What was not stored was not written.
    pub(super) is_kept: bool,
}

/// What was to be written to one target of one relationship.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub name: Foreign,
    pub source: String,
    /// The source, where it is a server.
    pub from: Option<ServerName>,
    pub target: ServerName,
    pub writer: Option<String>,
    /// The target goes on with what it was asked although the program is gone.
    pub outlives_connection: bool,
    pub scopes: Vec<Planned>,
}

/// What was to be done with one scope.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub id: ScopeId,
    pub expect: Fingerprints,
    /// As in `scopesync.plan/1`.
    pub changes: Vec<Value>,
    /// Keys of what was left out.
    left_out: Vec<String>,
}

impl Planned {
    /// Whether the scope was to be deleted.
    pub(super) fn deletes(&self) -> bool {
        self.expect.source.is_none()
    }
}

#[derive(Deserialize)]
struct PlanRecord {
    overrides: BTreeSet<String>,
    relationships: Vec<PartRecord>,
}

#[derive(Deserialize)]
struct PartRecord {
    name: Foreign,
    source: String,
    target: String,
    writer: Option<String>,
    #[serde(default)]
    outlives_connection: bool,
    blocked: Option<serde::de::IgnoredAny>,
    scopes: Vec<ScopeRecord>,
}

#[derive(Deserialize)]
struct ScopeRecord {
    scope_id: std::net::Ipv4Addr,
    prefix_length: u8,
    fingerprints: Option<Fingerprints>,
    refusals: Vec<RefusalRecord>,
    changes: Vec<Value>,
    #[serde(default)]
    left_out: Vec<LeftRecord>,
}

#[derive(Deserialize)]
struct LeftRecord {
    key: KeyRecord,
}

#[derive(Deserialize)]
struct KeyRecord {
    owner: String,
    kind: String,
    name: String,
}

impl KeyRecord {
    /// As [`ItemKey`] is displayed.
    fn text(&self) -> String {
        match self {
            KeyRecord { owner, kind, name } if *owner == Owner::Scope.to_string() => format!("{kind} {name}"),
            KeyRecord { owner, kind, name } => format!("{kind} {name} of {owner}"),
        }
    }
}

#[derive(Deserialize)]
struct RefusalRecord {
    name: String,
    overridable: bool,
}

impl Interrupted {
    /// A run from its record: its plan as in `scopesync.plan/1`, what was approved of it, its
    /// servers, and what it stored before it wrote.
    ///
    /// # Errors
    /// The plan is not one that this program understands.
    pub fn new(
        run: &str,
        kind: RunKind,
        plan: &Value,
        approvals: &[Approval],
        servers: &[RunServer],
        past: Vec<Past>,
    ) -> Result<Self> {
        // these have no plan of scopes
        let plan = match kind {
            RunKind::Reset | RunKind::Verification => {
                PlanRecord { overrides: BTreeSet::new(), relationships: Vec::new() }
            }
            _ => PlanRecord::deserialize(plan).map_err(|error| {
                Error::new(ErrorKind::Garbled, format!("the plan of run {run} could not be understood: {error}"))
            })?,
        };
        let source = |name: &str| servers.iter().any(|one| one.role == ServerRole::Source && one.name.as_str() == name);
        let approved = |part: &PartRecord| approvals.iter().any(|approval| approval.relationship == part.name);
        let to_write = plan.relationships.iter().filter(|part| part.blocked.is_none() && approved(part));
        let parts = to_write.map(|part| Part {
            name: part.name.clone(),
            source: part.source.clone(),
            from: source(&part.source).then(|| part.source.as_str().into()),
            target: part.target.as_str().into(),
            writer: part.writer.clone(),
            outlives_connection: part.outlives_connection,
            scopes: part.scopes.iter().filter_map(|scope| scope.planned(&plan.overrides)).collect(),
        });
        let identities = servers.iter().filter_map(|one| Some((one.name.clone(), one.identity.clone()?)));
        Ok(Interrupted {
            run: run.to_owned(),
            kind,
            parts: parts.filter(|part| !part.scopes.is_empty()).collect(),
            past,
            identities: identities.collect(),
            is_kept: !plan.overrides.contains(NO_SNAPSHOT),
        })
    }

    /// Its servers, sources and targets.
    pub fn servers(&self) -> BTreeSet<ServerName> {
        self.parts.iter().flat_map(|part| part.from.iter().chain([&part.target])).cloned().collect()
    }

    /// What was left out of it.
    pub(super) fn left_out(&self) -> LeftOut {
        let of_scope = |part: &Part, scope: &Planned| {
            let item = |item: &String| LeftItem {
                relationship: part.name.clone(),
                target: part.target.to_string(),
                scope: scope.id,
                item: item.clone(),
            };
            scope.left_out.iter().map(item).collect::<Vec<_>>()
        };
        self.parts.iter().flat_map(|part| part.scopes.iter().flat_map(move |scope| of_scope(part, scope))).collect()
    }

    /// The scopes that it was to write, by target; without those that it had not come to where
    /// only what it touched counts.
    pub fn scopes(&self, only_begun: bool) -> BTreeMap<ServerName, BTreeSet<ScopeId>> {
        let mut scopes: BTreeMap<ServerName, BTreeSet<ScopeId>> = BTreeMap::new();
        for part in &self.parts {
            let begun = |id: ScopeId| self.past.iter().any(|past| past.target == part.target && past.id == id);
            let ids = part.scopes.iter().map(|scope| scope.id).filter(|id| !only_begun || begun(*id));
            scopes.entry(part.target.clone()).or_default().extend(ids);
        }
        scopes
    }

    /// The scopes that their target may still be writing.
    pub fn under_way(&self) -> BTreeSet<(ServerName, ScopeId)> {
        let under_way = self.past.iter().filter(|past| self.parts.iter().any(|part| part.is_under_way(past)));
        under_way.map(|past| (past.target.clone(), past.id)).collect()
    }
}

impl Part {
    /// What the target was asked for and had not answered when the program ended: it may still carry that out.
    pub(super) fn is_under_way(&self, past: &Past) -> bool {
        self.outlives_connection
            && past.target == self.target
            && past.outcome.is_none()
            && past.later.is_none()
            && self.scopes.iter().any(|planned| planned.id == past.id)
    }
}

impl ScopeRecord {
    /// What was to be written; `None` where nothing was.
    fn planned(&self, overrides: &BTreeSet<String>) -> Option<Planned> {
        let expect = self.fingerprints.clone()?;
        if self.refusals.iter().any(|refusal| !(refusal.overridable && overrides.contains(&refusal.name))) {
            return None;
        }
        let id = ScopeId { network: self.scope_id, prefix_length: self.prefix_length };
        let left_out = self.left_out.iter().map(|left| left.key.text()).collect();
        Some(Planned { id, expect, changes: self.changes.clone(), left_out })
    }
}
