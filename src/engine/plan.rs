//! What a replication will do, computed from both sides.
//!
//! One definition for the screen, for JSON and for the journal: `scopesync.plan/1`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::compare::{self, ScopeDrift};
use super::fleet::Fleet;
use super::gate::{self, Partner};
use super::port::{Control, Fingerprints, Pulse, Reading, Refusal, Work, Writer};
use super::report::{ChangeReport, FindingReport};
use super::select::Picked;
use super::survey::{Relationship, Survey};
use super::trouble::{Trouble, TroubleReport};
use super::{drift, fingerprint, membership, prerequisites};
use crate::model::{Change, Context, DriftState, Finding, FindingKind, Foreign, Mode, ScopeId, ServerName};

/// The schema of a plan's JSON.
pub const SCHEMA: &str = "scopesync.plan/1";

/// One scope's part of a plan.
#[derive(Clone, Debug)]
pub struct PlannedScope {
    /// Which scope.
    pub id: ScopeId,
    /// A name for people.
    pub name: Option<Foreign>,
    /// How it stands.
    pub state: DriftState,
    /// Why it is unknown.
    pub reason: Option<String>,
    /// What happens on the target.
    pub changes: Vec<Change>,
    /// Why it must not be written as things stand.
    pub refusals: Vec<Refusal>,
    /// What the writer gets; `None` when nothing is to be written.
    pub work: Option<Arc<Work>>,
}

impl PlannedScope {
    /// Whether it will be written, given the refusals that the operator overrides.
    pub fn will_be_written(&self, overrides: &BTreeSet<String>) -> bool {
        self.work.is_some() && self.standing_refusals(overrides).next().is_none()
    }

    /// The refusals that are not overridden.
    pub fn standing_refusals<'a>(&'a self, overrides: &'a BTreeSet<String>) -> impl Iterator<Item = &'a Refusal> {
        self.refusals.iter().filter(|refusal| refusal.stands(overrides))
    }
}

/// One relationship's part of a plan: one source, one target.
#[derive(Clone)]
pub struct PlannedRelationship {
    /// Its name.
    pub name: Foreign,
    /// How the partners share the work.
    pub mode: Mode,
    /// The server that is copied from, as configured or as the relationship names it.
    pub source: String,
    /// The server that is overwritten.
    pub target: String,
    /// Both servers, source first; `None` when one of them is not configured.
    pub servers: Option<[ServerName; 2]>,
    /// The writer's name.
    pub writer_name: Option<&'static str>,
    /// What clients feel while it runs.
    pub cost_to_service: String,
    /// What happens to the configuration besides the changes.
    pub cost_to_configuration: String,
    /// What lies outside the scopes.
    pub findings: Vec<Finding>,
    /// That the pair no longer works as one.
    pub trouble: Option<Trouble>,
    /// Why nothing of this relationship can be written, whatever is overridden.
    pub blocked: Option<Refusal>,
    /// What stands against all of it.
    pub refusals: Vec<Refusal>,
    /// The scopes, by address: those that differ, and those that cannot be told.
    pub scopes: Vec<PlannedScope>,
    /// How many more selected scopes are in sync.
    pub in_sync: Vec<ScopeId>,
    /// The writer.
    pub writer: Option<Arc<dyn Writer>>,
    /// Marks of both sides, source first, when the plan was made.
    pub pulses: [Option<Pulse>; 2],
    /// Who both servers said they are, source first.
    pub identities: [Option<Foreign>; 2],
    /// What surrounds the scopes of both sides, source first.
    pub contexts: [Arc<Context>; 2],
    /// The target's partners, where writing interrupts its service.
    pub partners: Vec<Partner>,
}

impl PlannedRelationship {
    /// What makes the way to its servers unsafe.
    pub fn caveats(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.kind == FindingKind::UnsafeWay)
    }

    /// Everything that stands or stood against all of it, overridden or not.
    pub fn against(&self) -> impl Iterator<Item = &Refusal> {
        self.blocked.iter().chain(&self.refusals)
    }

    /// Why nothing of it will be written, given the refusals that the operator overrides.
    pub fn standing<'a>(&'a self, overrides: &'a BTreeSet<String>) -> impl Iterator<Item = &'a Refusal> {
        self.against().filter(|refusal| refusal.stands(overrides))
    }

    /// Whether scopes of it can be written, given the refusals that the operator overrides.
    pub fn is_open(&self, overrides: &BTreeSet<String>) -> bool {
        self.standing(overrides).next().is_none()
    }

    /// The scopes that will be written, given the refusals that the operator overrides.
    pub fn to_write<'a>(&'a self, overrides: &'a BTreeSet<String>) -> impl Iterator<Item = &'a PlannedScope> {
        let open = self.is_open(overrides);
        self.scopes.iter().filter(move |scope| open && scope.will_be_written(overrides))
    }
}

/// What a replication will do.
#[derive(Clone)]
pub struct Plan {
    /// Digest of everything in it but the time.
    pub digest: String,
    /// When it was made.
    pub created_at: jiff::Timestamp,
    /// Its relationships, in the order in which they are asked about.
    pub relationships: Vec<PlannedRelationship>,
    /// Refusals that the operator overrides, by name.
    pub overrides: BTreeSet<String>,
    /// What was asked for, in the front end's words, for the history; no part of what is done.
    pub asked: serde_json::Value,
}

impl Plan {
    /// Computes the plan for what was picked. Reads only.
    pub async fn make(
        fleet: &Fleet,
        survey: &Survey,
        picked: &[Picked],
        overrides: BTreeSet<String>,
        ctl: &Control,
    ) -> Plan {
        let mut relationships = Vec::new();
        for pick in picked {
            relationships.push(relationship(fleet, survey, pick, ctl).await);
        }
        let mut plan = Plan {
            digest: String::new(),
            created_at: jiff::Timestamp::now(),
            relationships,
            overrides,
            asked: serde_json::Value::Null,
        };
        plan.digest = plan.compute_digest();
        plan
    }

    /// The plan with these refusals overridden, and the digest that goes with it.
    pub fn with_overrides(mut self, overrides: BTreeSet<String>) -> Plan {
        self.overrides = overrides;
        self.digest = self.compute_digest();
        self
    }

    /// How many scopes will be written.
    pub fn scopes_to_write(&self) -> usize {
        self.relationships.iter().map(|r| r.to_write(&self.overrides).count()).sum()
    }

    /// How many changes will be made.
    pub fn changes_to_write(&self) -> usize {
        self.relationships.iter().flat_map(|r| r.to_write(&self.overrides)).map(|scope| scope.changes.len()).sum()
    }

    /// Whether something in it could not be read or must not be written.
    pub fn is_blocked_anywhere(&self) -> bool {
        self.relationships.iter().any(|relationship| {
            !relationship.is_open(&self.overrides)
                || relationship.scopes.iter().any(|scope| {
                    scope.state == DriftState::Unknown || scope.standing_refusals(&self.overrides).next().is_some()
                })
        })
    }

    /// Every refusal that could be overridden by name, each name once.
    pub fn overridable(&self) -> BTreeSet<&'static str> {
        self.relationships
            .iter()
            .flat_map(|r| r.scopes.iter().flat_map(|scope| &scope.refusals).chain(&r.refusals))
            .filter(|refusal| refusal.overridable)
            .map(|refusal| refusal.name)
            .collect()
    }

    /// The plan as JSON, schema `scopesync.plan/1`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(PlanReport::new(self)).unwrap_or_default()
    }

    fn compute_digest(&self) -> String {
        let mut json = PlanReport::new(self);
        json.created_at = String::new();
        json.digest = String::new();
        let text = serde_json::to_vec(&json).unwrap_or_default();
        fingerprint::hex(&Sha256::digest(&text)[..16])
    }
}

async fn relationship(fleet: &Fleet, survey: &Survey, pick: &Picked, ctl: &Control) -> PlannedRelationship {
    let found = &survey.relationships[pick.relationship];
    let drift = compare::relationship(survey, found, pick.source_member, &fleet.ignore).only(|id| pick.contains(id));
    let sides = [pick.source_member, 1 - pick.source_member];
    let readings = sides.map(|member| survey.member_reading(found, member));
    let mut planned = PlannedRelationship {
        name: found.name.clone(),
        mode: found.mode.clone(),
        source: drift.source,
        target: drift.target,
        servers: server_pair(found, sides),
        writer_name: None,
        cost_to_service: String::new(),
        cost_to_configuration: String::new(),
        findings: drift.findings,
        trouble: drift.trouble,
        blocked: None,
        refusals: Vec::new(),
        scopes: Vec::new(),
        in_sync: Vec::new(),
        writer: None,
        pulses: readings.map(|reading| reading?.pulse.clone()),
        identities: readings.map(|reading| reading?.identity.clone()),
        contexts: readings.map(|reading| reading.map(|r| r.context.clone()).unwrap_or_default()),
        partners: Vec::new(),
    };
    for scope in drift.scopes {
        if scope.state == DriftState::InSync {
            planned.in_sync.push(scope.id);
            continue;
        }
        let work = match readings {
            [Some(source), Some(target)] => work(&scope, source, target).map(Arc::new),
            _ => None,
        };
        let elsewhere = readings[0].and_then(|source| membership::refusal(found, pick.source_member, source, scope.id));
        planned.scopes.push(PlannedScope {
            id: scope.id,
            name: scope.name,
            state: scope.state,
            reason: scope.reason,
            changes: scope.changes,
            refusals: elsewhere.into_iter().collect(),
            work,
        });
    }
    planned.blocked = blocked(fleet, found, pick, &planned);
    if planned.blocked.is_none() && planned.scopes.iter().any(|scope| scope.work.is_some()) {
        assess(fleet, survey, &mut planned, ctl).await;
    }
    planned
}

fn server_pair(relationship: &Relationship, sides: [usize; 2]) -> Option<[ServerName; 2]> {
    let [source, target] = sides.map(|member| relationship.members[member].server().cloned());
    Some([source?, target?])
}

/// What is to be written for one scope; `None` when that is nothing.
fn work(scope: &ScopeDrift, source: &Reading, target: &Reading) -> Option<Work> {
    if !scope.can_replicate() {
        return None;
    }
    let ours = source.scopes.get(&scope.id)?.raw.open().ok()?;
    let before = match target.scopes.get(&scope.id) {
        Some(entry) => Some(entry.raw.open().ok()?),
        None => None,
    };
    Some(Work {
        id: scope.id,
        want: drift::want(&ours, before.as_ref(), &scope.changes, target.levels.as_ref()),
        changes: scope.changes.clone(),
        expect: Fingerprints {
            source: fingerprint::of(&ours, &source.context),
            target: before.as_ref().map(|before| fingerprint::of(before, &target.context)),
        },
        before,
    })
}

fn blocked(fleet: &Fleet, found: &Relationship, pick: &Picked, planned: &PlannedRelationship) -> Option<Refusal> {
    let refuse =
        |name, message: String, hint: &str| Some(Refusal { name, message, hint: hint.to_owned(), overridable: false });
    if let Some(reason) = &found.unsupported {
        return refuse("not-supported", reason.clone(), "scopesync replicates load-balancing and hot-standby pairs");
    }
    for member in [pick.source_member, 1 - pick.source_member] {
        if let Some(reason) = found.members[member].absent() {
            return refuse("not-read", reason, "both partners must be read before anything is written");
        }
    }
    let target = planned.servers.as_ref().and_then(|[_, target]| fleet.server(target));
    match target {
        Some(target) if target.read_only() => refuse(
            "read-only",
            format!("{} is read-only", planned.target),
            "its entry in the configuration says so, or --read-only was given; nothing overrides it",
        ),
        Some(_) => None,
        None => {
            refuse("not-read", format!("{} is not in the configuration", planned.target), "add a [[server]] for it")
        }
    }
}

/// Asks the target's best writer what the work costs and what stands against it.
async fn assess(fleet: &Fleet, survey: &Survey, planned: &mut PlannedRelationship, ctl: &Control) {
    let Some(target) = planned.servers.as_ref().and_then(|[_, target]| fleet.server(target)) else { return };
    let work: Vec<Arc<Work>> = planned.scopes.iter().filter_map(|scope| scope.work.clone()).collect();
    let assessed = async {
        let writer = target.writer(ctl).await?;
        let assessment = writer.assess(&work, ctl).await?;
        Ok::<_, super::Error>((writer, assessment))
    };
    match assessed.await {
        Ok((writer, mut assessment)) => {
            let abilities = writer.abilities();
            planned.writer_name = Some(abilities.name);
            planned.cost_to_service = assessment.cost_to_service;
            planned.cost_to_configuration = assessment.cost_to_configuration;
            planned.refusals = assessment.against;
            if let Some(reading) = survey.reading(target.name()).filter(|_| abilities.interrupts_service) {
                let partners = gate::partners(survey, target.name());
                planned.refusals.extend(gate::refusals(target.name(), &reading.health, &partners));
                planned.partners = partners.into_iter().map(|(partner, _)| partner).collect();
            }
            for scope in planned.scopes.iter_mut().filter(|scope| scope.work.is_some()) {
                scope.refusals.extend(assessment.refusals.remove(&scope.id).unwrap_or_default());
                let missing = scope.work.as_ref().map(|work| prerequisites::missing(&work.want, &planned.contexts[1]));
                for refusal in missing.into_iter().flatten() {
                    if !scope.refusals.iter().any(|known| known.name == refusal.name) {
                        scope.refusals.push(refusal);
                    }
                }
                if scope.state == DriftState::OnlyOnSource && !abilities.creates_scope {
                    scope.refusals.push(Refusal {
                        name: "cannot-create",
                        message: format!("{} cannot create a scope", abilities.name),
                        hint: "create the scope on the target yourself".into(),
                        overridable: false,
                    });
                }
            }
            planned.writer = Some(writer);
        }
        Err(error) => {
            planned.blocked = Some(Refusal {
                name: "no-writer",
                hint: error.hint.clone().unwrap_or_default(),
                message: error.to_string(),
                overridable: false,
            });
        }
    }
}

/// A plan as JSON.
#[derive(Serialize)]
struct PlanReport<'a> {
    schema: &'static str,
    digest: String,
    created_at: String,
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
    changes: Vec<ChangeReport<'a>>,
}

#[derive(Serialize)]
struct PlanSummary {
    scopes: usize,
    changes: usize,
    blocked: usize,
    in_sync: usize,
}

impl<'a> PlanReport<'a> {
    fn new(plan: &'a Plan) -> Self {
        let standing = |r: &PlannedRelationship, scope: &PlannedScope| {
            scope.work.is_some() && (!r.is_open(&plan.overrides) || !scope.will_be_written(&plan.overrides))
        };
        PlanReport {
            schema: SCHEMA,
            digest: plan.digest.clone(),
            created_at: plan.created_at.to_string(),
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
                    changes: scope.changes.iter().map(ChangeReport::new).collect(),
                })
                .collect(),
        }
    }
}
