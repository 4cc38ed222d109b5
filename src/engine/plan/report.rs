//! A plan as JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Plan, PlannedRelationship, PlannedScope, SCHEMA};
use crate::engine::port::{Fingerprints, Refusal, Way};
use crate::engine::report::{ChangeReport, FindingReport};
use crate::engine::trouble::{Trouble, TroubleReport};
use crate::engine::undo::{Since, SinceReport};
use crate::model::{Change, DriftState, Foreign};

/// A plan as JSON.
#[derive(Serialize)]
pub(super) struct PlanReport<'a> {
    schema: &'static str,
    pub(super) digest: String,
    pub(super) created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<&'a str>,
    overrides: &'a BTreeSet<String>,
    relationships: Vec<RelationshipReport<'a>>,
    summary: PlanSummary,
}

#[derive(Serialize)]
struct RelationshipReport<'a> {
    name: &'a Foreign,
    mode: String,
    source: &'a str,
    target: &'a str,
    writer: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    writer_reason: &'a str,
    /// What was asked for may be carried out although the program is gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    outlives_connection: bool,
    cost_to_service: &'a str,
    cost_to_configuration: &'a str,
    blocked: Option<&'a Refusal>,
    refusals: &'a [Refusal],
    trouble: Option<TroubleReport>,
    findings: Vec<FindingReport<'a>>,
    scopes: Vec<ScopeReport<'a>>,
}

#[derive(Serialize)]
struct ScopeReport<'a> {
    scope_id: String,
    prefix_length: u8,
    name: Option<&'a Foreign>,
    drift: &'a DriftState,
    reason: Option<&'a str>,
    fingerprints: Option<&'a Fingerprints>,
    refusals: &'a [Refusal],
    /// Titles of changes that the writer is not known to carry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uncertain: Vec<String>,
    /// How it is written, where that is not as the relationship's others are.
    #[serde(flatten)]
    otherwise: Option<&'a Way>,
    /// The whole scope is deleted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<SinceReport<'a>>,
    changes: Vec<ChangeReport<'a>>,
    /// Changes that are not made because the operator left them out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<ChangeReport<'a>>,
    /// How many differences rules of the configuration ignore, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ignored: &'a BTreeMap<String, usize>,
}

#[derive(Serialize)]
struct PlanSummary {
    scopes: usize,
    changes: usize,
    blocked: usize,
    in_sync: usize,
}

impl<'a> PlanReport<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        let standing = |r: &PlannedRelationship, scope: &PlannedScope| {
            scope.work.is_some() && (!r.is_open(&plan.overrides) || !scope.will_be_written(&plan.overrides))
        };
        PlanReport {
            schema: SCHEMA,
            digest: plan.digest.clone(),
            created_at: plan.created_at.to_string(),
            undoes: plan.undoes(),
            overrides: &plan.overrides,
            relationships: plan.relationships.iter().map(|r| RelationshipReport::new(r, &plan.overrides)).collect(),
            summary: PlanSummary {
                scopes: plan.scopes_to_write(),
                changes: plan.changes_to_write(),
                blocked: plan.relationships.iter().map(|r| r.scopes.iter().filter(|s| standing(r, s)).count()).sum(),
                in_sync: plan.relationships.iter().map(|r| r.in_sync.len()).sum(),
            },
        }
    }
}

impl<'a> RelationshipReport<'a> {
    fn new(planned: &'a PlannedRelationship, overrides: &'a BTreeSet<String>) -> Self {
        RelationshipReport {
            name: &planned.name,
            mode: planned.mode.to_string(),
            source: &planned.source,
            target: &planned.target,
            writer: planned.writer_name,
            writer_reason: &planned.writer_reason,
            outlives_connection: planned.writer.as_ref().is_some_and(|writer| writer.abilities().outlives_connection),
            cost_to_service: &planned.cost_to_service,
            cost_to_configuration: &planned.cost_to_configuration,
            blocked: planned.standing(overrides).next(),
            refusals: &planned.refusals,
            trouble: planned.trouble.as_ref().map(Trouble::report),
            findings: planned.findings.iter().map(FindingReport::new).collect(),
            scopes: planned
                .scopes
                .iter()
                .map(|scope| ScopeReport {
                    scope_id: scope.id.short(),
                    prefix_length: scope.id.prefix_length,
                    name: scope.name.as_ref(),
                    drift: &scope.state,
                    reason: scope.reason.as_deref(),
                    fingerprints: scope.work.as_ref().map(|work| &work.expect),
                    refusals: &scope.refusals,
                    uncertain: scope.uncertain_changes().map(Change::title).collect(),
                    otherwise: scope.otherwise.as_ref(),
                    deleted: scope.is_deletion(),
                    since: scope.since.as_ref().map(Since::report),
                    changes: scope.changes.iter().map(ChangeReport::new).collect(),
                    left_out: scope.left_out.iter().map(ChangeReport::new).collect(),
                    ignored: &scope.ignored,
                })
                .collect(),
        }
    }
}
