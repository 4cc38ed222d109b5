//! What a replication will do, computed from both sides.
//!
//! One definition for the screen, for JSON and for the journal: `scopesync.plan/1`.

mod amounts;
mod leave;
mod named;
mod report;
mod saving;

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub(super) use self::leave::{Basis, Without};
pub use self::leave::{LeftItem, LeftOut, together};
pub use self::named::{NamedItem, NamedItemError};
use self::report::PlanReport;
pub(super) use self::saving::not_saved_without;
pub use self::saving::{LOST, left_unsaved};
use super::approval::LOST_SCOPES;
use super::compare::{self, ScopeDrift};
use super::fleet::Fleet;
use super::gate::{self, Partner};
use super::ignore::Ignored;
use super::port::{
    Control, Doubts, Fingerprints, Pulse, Reading, Refusal, Server, SourceSide, Unsaved, Way, Work, Writer,
};
use super::recovery::Settles;
use super::select::Picked;
use super::survey::{Presence, Relationship, Survey};
use super::trouble::Trouble;
use super::undo::Since;
use super::{crossed, drift, fingerprint, membership, prerequisites};
use crate::model::{
    Change, Context, DriftState, Finding, FindingKind, FindingSide, Foreign, ItemKey, Mode, Scope, ScopeId, ServerName,
    Severity,
};

/// The schema of a plan's JSON.
pub const SCHEMA: &str = "scopesync.plan/1";

/// Where the wanted state of a plan comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A server, as it is.
    Server(ServerName),
    /// What this run overwrote on the target: the plan undoes it.
    Snapshot(String),
}

/// From where to where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What is copied from.
    pub source: Source,
    /// The server that is overwritten.
    pub target: ServerName,
}

impl Route {
    /// The server that is copied from, where one is.
    pub fn source_server(&self) -> Option<&ServerName> {
        match &self.source {
            Source::Server(name) => Some(name),
            Source::Snapshot(_) => None,
        }
    }
}

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
    /// What would happen and was left out.
    pub left_out: Vec<Change>,
    /// How many differences rules of the configuration ignore, by their reasons; safe to show.
    pub ignored: Ignored,
    /// Why it must not be written as things stand.
    pub refusals: Vec<Refusal>,
    /// What the writer is not known to carry of its changes; what is left of that is no failure.
    pub uncertain: Doubts,
    /// How it is written, where that is not as the others are.
    pub otherwise: Option<Way>,
    /// What the writer gets; `None` when nothing is to be written.
    pub work: Option<Arc<Work>>,
    /// What has happened to it since the run that is undone, where something has.
    pub since: Option<Since>,
}

impl PlannedScope {
    /// Whether it is to be deleted: only ever by the undo of the run that created it.
    pub fn is_deletion(&self) -> bool {
        self.work.as_ref().is_some_and(|work| work.want.is_none())
    }

    /// Whether it will be written, given the refusals that the operator overrides.
    pub fn will_be_written(&self, overrides: &BTreeSet<String>) -> bool {
        self.work.is_some() && self.standing_refusals(overrides).next().is_none()
    }

    /// Whether all of it was left out.
    pub fn is_left_out(&self) -> bool {
        self.work.is_none() && self.changes.is_empty() && !self.left_out.is_empty()
    }

    /// The changes of which the writer is not known to carry something.
    pub fn uncertain_changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| self.uncertain.of(change).is_some())
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
    /// The same as names of the configuration; `None` when one of them is not in it.
    pub route: Option<Route>,
    /// The writer's name.
    pub writer_name: Option<&'static str>,
    /// Why it is that writer, where there was a choice.
    pub writer_reason: String,
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
    /// What an earlier run left amiss with the target's file.
    pub unsaved: Option<Unsaved>,
    /// The scopes that the target lost by earlier runs, still lacks, and may still have in its file.
    pub lost: BTreeSet<ScopeId>,
    /// The writer.
    pub writer: Option<Arc<dyn Writer>>,
    /// Marks of both sides, source first, when the plan was made. A snapshot has none, and
    /// nothing else of what follows.
    pub pulses: [Option<Pulse>; 2],
    /// Who both servers said they are, source first.
    pub identities: [Option<Foreign>; 2],
    /// What surrounds the scopes of both sides, source first.
    pub contexts: [Arc<Context>; 2],
    /// The target's partners, where writing interrupts its service.
    pub partners: Vec<Partner>,
}

impl PlannedRelationship {
    /// A relationship's part in which nothing is planned yet.
    pub(super) fn new(name: Foreign, mode: Mode, source: String, target: String, route: Option<Route>) -> Self {
        PlannedRelationship {
            name,
            mode,
            source,
            target,
            route,
            writer_name: None,
            writer_reason: String::new(),
            cost_to_service: String::new(),
            cost_to_configuration: String::new(),
            findings: Vec::new(),
            trouble: None,
            blocked: None,
            refusals: Vec::new(),
            scopes: Vec::new(),
            in_sync: Vec::new(),
            unsaved: None,
            lost: BTreeSet::new(),
            writer: None,
            pulses: [None, None],
            identities: [None, None],
            contexts: Default::default(),
            partners: Vec::new(),
        }
    }

    /// Its servers, source first; none where one of them is not in the configuration.
    pub fn servers(&self) -> impl Iterator<Item = &ServerName> {
        self.identified().map(|(name, _)| name)
    }

    /// The same with who they said they are.
    pub fn identified(&self) -> impl Iterator<Item = (&ServerName, Option<&Foreign>)> {
        let named = |route| [Route::source_server(route), Some(&route.target)].into_iter().zip(&self.identities);
        let told = self.route.as_ref().map(named).into_iter().flatten();
        told.filter_map(|(name, identity)| Some((name?, identity.as_ref())))
    }

    /// The server that is overwritten, where it is in the configuration.
    pub fn target_server<'a>(&self, fleet: &'a Fleet) -> Option<&'a Arc<dyn Server>> {
        fleet.server(&self.route.as_ref()?.target)
    }

    /// What makes the way to its servers unsafe, or leads to others.
    pub fn caveats(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.kind.is_caveat())
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
    /// The interrupted run that waits no longer once all of it is written.
    pub settles: Option<Settles>,
    pub(super) basis: Basis,
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
        let survey = Arc::new(survey.clone());
        Plan::make_without(fleet, survey, picked.to_vec(), overrides, &LeftOut::new(), ctl).await
    }

    /// The same less these items.
    pub async fn make_without(
        fleet: &Fleet,
        survey: Arc<Survey>,
        picked: Vec<Picked>,
        overrides: BTreeSet<String>,
        left_out: &LeftOut,
        ctl: &Control,
    ) -> Plan {
        let mut relationships = Vec::new();
        for pick in &picked {
            relationships.push(relationship(fleet, &survey, pick, left_out, ctl).await);
        }
        Plan::of(relationships, overrides, Basis::Servers { survey, picked })
    }

    pub(super) fn of(relationships: Vec<PlannedRelationship>, overrides: BTreeSet<String>, basis: Basis) -> Plan {
        let mut plan = Plan {
            digest: String::new(),
            created_at: jiff::Timestamp::now(),
            relationships,
            overrides,
            asked: serde_json::Value::Null,
            settles: None,
            basis,
        };
        plan.digest = plan.compute_digest();
        plan
    }

    /// The run that it undoes; `None` for a replication.
    pub fn undoes(&self) -> Option<&str> {
        self.relationships.iter().find_map(|relationship| match &relationship.route.as_ref()?.source {
            Source::Snapshot(run) => Some(run.as_str()),
            Source::Server(_) => None,
        })
    }

    /// The plan with these refusals overridden, and the digest that goes with it.
    pub fn with_overrides(mut self, overrides: BTreeSet<String>) -> Plan {
        self.overrides = overrides;
        self.digest = self.compute_digest();
        self
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
            .chain(self.is_without_lost().then_some(LOST_SCOPES))
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

async fn relationship(
    fleet: &Fleet,
    survey: &Survey,
    pick: &Picked,
    left_out: &LeftOut,
    ctl: &Control,
) -> PlannedRelationship {
    let found = &survey.relationships[pick.relationship];
    let sides = [pick.source_member, 1 - pick.source_member];
    let readings = sides.map(|member| survey.member_reading(found, member));
    let without = Without::of(left_out, &found.name, &found.members[1 - pick.source_member].shown());
    let of_opened = |scope: &ScopeDrift, opened| match readings {
        [Some(source), Some(target)] if pick.contains(scope.id) => {
            // most scopes are written as they differ
            let kept = without.has(scope.id).then(|| without.split(scope.id, &scope.state, scope.changes.clone()).0);
            let changes = kept.as_ref().unwrap_or(&scope.changes);
            work(scope, changes, opened, source, target).map(Arc::new)
        }
        _ => None,
    };
    let (drift, mut works) = compare::relationship_and(survey, found, pick.source_member, &fleet.ignore, &of_opened);
    let drift = drift.only(|id| pick.contains(id));
    let mut planned = PlannedRelationship {
        findings: drift.findings,
        trouble: drift.trouble,
        pulses: readings.map(|reading| reading?.pulse.clone()),
        identities: readings.map(|reading| reading?.identity.clone()),
        contexts: readings.map(|reading| reading.map(|r| r.context.clone()).unwrap_or_default()),
        ..PlannedRelationship::new(
            found.name.clone(),
            found.mode.clone(),
            drift.source,
            drift.target,
            route(found, sides),
        )
    };
    let (in_sync, drifted): (Vec<_>, Vec<_>) =
        drift.scopes.into_iter().partition(|scope| scope.state == DriftState::InSync);
    planned.in_sync = in_sync.iter().map(|scope| scope.id).collect();
    for mut scope in drifted {
        if scope.state == DriftState::Checking {
            scope.state = DriftState::Unknown;
            scope.reason = Some("it is still being read: only what was read as a whole is written".to_owned());
        }
        let (changes, left_out) = match scope.can_replicate() {
            true => without.split(scope.id, &scope.state, scope.changes),
            false => (scope.changes, Vec::new()),
        };
        let work = works.remove(&scope.id);
        // what is not written is not refused
        let source = readings[0].filter(|_| work.is_some() || left_out.is_empty());
        let elsewhere = source.and_then(|source| membership::refusal(found, pick.source_member, source, scope.id));
        planned.scopes.push(PlannedScope {
            id: scope.id,
            name: scope.name,
            state: scope.state,
            reason: scope.reason,
            changes,
            left_out,
            ignored: scope.ignored,
            refusals: elsewhere.into_iter().collect(),
            uncertain: Doubts::default(),
            otherwise: None,
            work,
            since: None,
        });
    }
    planned.blocked = blocked(fleet, survey, pick, &planned);
    // said once is enough
    let is_told = |found: &Finding| planned.blocked.as_ref().is_some_and(|blocked| blocked.message == found.message);
    planned.findings.retain(|found| !is_told(found));
    if planned.blocked.is_none() && planned.scopes.iter().any(|scope| scope.work.is_some()) {
        let from = &found.members[pick.source_member];
        let server = from.server().and_then(|name| fleet.server(name));
        let source = server.zip(from.membership.as_ref()).map(|(server, membership)| SourceSide { server, membership });
        assess(fleet, survey, &mut planned, source, ctl).await;
        planned.refusals.extend(crossed::refusal(survey, found, pick.source_member));
    }
    planned
}

fn route(relationship: &Relationship, sides: [usize; 2]) -> Option<Route> {
    let [source, target] = sides.map(|member| relationship.members[member].server().cloned());
    Some(Route { source: Source::Server(source?), target: target? })
}

/// What is to be written for one scope, of which these changes are made; `None` when that is nothing.
fn work(
    scope: &ScopeDrift,
    changes: &[Change],
    opened: [Option<Scope>; 2],
    source: &Reading,
    target: &Reading,
) -> Option<Work> {
    let [Some(ours), before] = opened else { return None };
    let is_all_left_out = changes.is_empty() && !scope.changes.is_empty();
    if !scope.can_replicate() || is_all_left_out {
        return None;
    }
    Some(Work {
        id: scope.id,
        want: Some(drift::want(&ours, before.as_ref(), changes, target.levels.as_ref())),
        changes: changes.to_vec(),
        expect: Fingerprints {
            source: Some(fingerprint::of(&ours, &source.context)),
            target: before.as_ref().map(|before| fingerprint::of(before, &target.context)),
        },
        before,
        leaves_out: !scope.ignored.is_empty() || changes.len() < scope.changes.len(),
    })
}

fn blocked(fleet: &Fleet, survey: &Survey, pick: &Picked, planned: &PlannedRelationship) -> Option<Refusal> {
    let found = &survey.relationships[pick.relationship];
    if let Some(reason) = &found.unsupported {
        return refuse("not-supported", reason.clone(), "scopesync replicates load-balancing and hot-standby pairs");
    }
    for member in [pick.source_member, 1 - pick.source_member] {
        let member = &found.members[member];
        if let Some(reason) = member.absent() {
            let hint = survey.cure(member, "both partners must be read before anything is written");
            return refuse("not-read", reason, &hint);
        }
    }
    if let Some(member) = found.members.iter().find(|member| matches!(member.presence, Presence::Unpaired(_))) {
        return refuse("not-paired", format!("{} has no such relationship", member.shown()), membership::RENEW);
    }
    no_target(fleet, planned)
}

fn refuse(name: &'static str, message: String, hint: &str) -> Option<Refusal> {
    Some(Refusal { name, message, hint: hint.to_owned(), overridable: false })
}

/// Why the target cannot be one.
pub(super) fn no_target(fleet: &Fleet, planned: &PlannedRelationship) -> Option<Refusal> {
    match planned.target_server(fleet) {
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

/// What may come to differ by writing a scope, and is none of its changes.
fn side_effects(scope: ScopeId, besides: &BTreeSet<ItemKey>) -> Option<Finding> {
    let named: Vec<String> = besides.iter().map(ItemKey::to_string).collect();
    (!named.is_empty()).then(|| Finding {
        severity: Severity::Warning,
        kind: FindingKind::Unproven,
        side: FindingSide::Target,
        scopes: vec![scope],
        message: format!("the server may come to differ in what is not changed here: {}", named.join(", ")),
        hint: "reading back will show; what is different then is drift".to_owned(),
    })
}

/// Asks the target's best writer what the work costs and what stands against it. `source` is what is
/// copied from, where that is a server.
pub(super) async fn assess(
    fleet: &Fleet,
    survey: &Survey,
    planned: &mut PlannedRelationship,
    source: Option<SourceSide<'_>>,
    ctl: &Control,
) {
    let Some(target) = planned.target_server(fleet) else { return };
    let work: Vec<Arc<Work>> = planned.scopes.iter().filter_map(|scope| scope.work.clone()).collect();
    let is_named = survey.relationships.iter().any(|known| known.name == planned.name && known.is_named());
    let assessed = async {
        let writer = match source {
            Some(source) => target.writer_from(source, ctl).await?,
            None => target.writer(ctl).await?,
        };
        let assessment = writer.assess(&work, ctl).await?;
        Ok::<_, super::Error>((writer, assessment))
    };
    match assessed.await {
        Ok((writer, mut assessment)) => {
            let abilities = writer.abilities();
            let way = assessment.way.unwrap_or_else(|| Way { writer: abilities.name, reason: String::new() });
            (planned.writer_name, planned.writer_reason) = (Some(way.writer), way.reason);
            planned.cost_to_service = assessment.cost_to_service;
            planned.cost_to_configuration = assessment.cost_to_configuration;
            planned.refusals = assessment.against;
            planned.findings.extend(assessment.findings);
            if let Some(reading) = survey.reading(target.name()).filter(|_| abilities.interrupts_service) {
                let partners = gate::partners(survey, target.name());
                planned.refusals.extend(gate::refusals(target.name(), &reading.health, &partners));
                planned.partners = partners.into_iter().map(|(partner, _)| partner).collect();
            }
            for scope in planned.scopes.iter_mut().filter(|scope| scope.work.is_some()) {
                scope.refusals.extend(assessment.refusals.remove(&scope.id).unwrap_or_default());
                let work = scope.work.as_ref();
                let uncertain = assessment.uncertain.remove(&scope.id).unwrap_or_default();
                let (listed, besides) = uncertain.split(|key| work.is_some_and(|work| work.lists(key)));
                scope.uncertain = listed;
                planned.findings.extend(side_effects(scope.id, &besides));
                scope.otherwise = assessment.otherwise.remove(&scope.id);
                let want = work.and_then(|work| work.want.as_ref());
                let missing = want.map(|want| prerequisites::missing(want, &planned.contexts[1]));
                let classes = work.map(|work| prerequisites::missing_classes(work, &planned.contexts[1]));
                let [source, target] = [&*planned.contexts[0], &*planned.contexts[1]];
                let types = work.filter(|_| is_named).map(|work| prerequisites::other_types(work, [source, target]));
                for refusal in missing.into_iter().chain(classes).chain(types).flatten() {
                    if !scope.refusals.iter().any(|known| known.name == refusal.name) {
                        scope.refusals.push(refusal);
                    }
                }
                let lacks = scope.state == DriftState::OnlyOnSource && !abilities.creates_scope;
                let stays = scope.is_deletion() && !abilities.deletes_scope;
                for (cannot, name, verb) in [(lacks, "cannot-create", "create"), (stays, "cannot-delete", "delete")] {
                    // a writer that knows more of it has told it
                    if cannot && !scope.refusals.iter().any(|known| known.name == name) {
                        let message = format!("{} cannot {verb} a scope", abilities.name);
                        let hint = format!("{verb} the scope on the target yourself");
                        scope.refusals.extend(refuse(name, message, &hint));
                    }
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
