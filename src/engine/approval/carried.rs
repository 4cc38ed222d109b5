//! An approval that is carried over to another process, which makes the plan anew.
//!
//! It is good for exactly what the operator saw: the same servers, written in the same way, and
//! scopes with the same fingerprints and the same changes. Whatever else the new plan has is not
//! approved.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Approved, Consent};
use crate::engine::plan::{Plan, PlannedRelationship, PlannedScope};
use crate::engine::port::{Fingerprints, Refusal};
use crate::engine::report::ChangeReport;
use crate::engine::{Error, ErrorKind, Result, fingerprint};
use crate::model::{DriftState, Foreign, ScopeId};

/// The approval of one relationship's part of a plan, with what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    plan: String,
    by: String,
    consent: Consent,
    overrides: BTreeSet<String>,
    relationship: Foreign,
    source: String,
    target: String,
    identities: [Option<Foreign>; 2],
    writer: Option<String>,
    scopes: Vec<Seen>,
}

/// One scope as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    id: ScopeId,
    fingerprints: Fingerprints,
    /// Digest of its changes.
    changes: String,
}

impl Carried {
    /// The approvals of this plan, to be carried over. Those of other plans are left out, as they
    /// are by a run.
    pub fn all(plan: &Plan, approved: &[Approved]) -> Vec<Carried> {
        let of_plan = approved.iter().filter(|approval| approval.plan == plan.digest);
        of_plan.filter_map(|approval| Carried::of(plan, approval)).collect()
    }

    fn of(plan: &Plan, approval: &Approved) -> Option<Carried> {
        let planned = plan.relationships.get(approval.relationship)?;
        Some(Carried {
            plan: approval.plan.clone(),
            by: approval.by.clone(),
            consent: approval.consent,
            overrides: approval.overrides.clone(),
            relationship: planned.name.clone(),
            source: planned.source.clone(),
            target: planned.target.clone(),
            identities: planned.identities.clone(),
            writer: planned.writer_name.map(str::to_owned),
            scopes: planned.to_write(&plan.overrides).filter_map(Seen::of).collect(),
        })
    }

    /// The digest of the plan that was seen.
    pub fn plan(&self) -> &str {
        &self.plan
    }

    /// How many scopes were approved.
    pub fn scopes(&self) -> usize {
        self.scopes.len()
    }

    /// Leaves out what is done by now.
    pub fn retain(&mut self, keep: impl Fn(ScopeId) -> bool) {
        self.scopes.retain(|seen| keep(seen.id));
    }

    fn is_of(&self, planned: &PlannedRelationship) -> bool {
        (&self.relationship, &self.source, &self.target) == (&planned.name, &planned.source, &planned.target)
    }

    fn has(&self, id: ScopeId) -> bool {
        self.scopes.iter().any(|seen| seen.id == id)
    }

    /// Whether what will be written is what was seen.
    ///
    /// # Errors
    /// [`ErrorKind::Moved`] with the first difference.
    pub(in crate::engine) fn fits(&self, planned: &PlannedRelationship, overrides: &BTreeSet<String>) -> Result<()> {
        if planned.identities != self.identities {
            return Err(moved(format!("a server of {} is not the one that was approved", self.relationship)));
        }
        if planned.writer_name != self.writer.as_deref() {
            let way = |name: Option<&str>| name.unwrap_or("nothing").to_owned();
            let (was, is) = (way(self.writer.as_deref()), way(planned.writer_name));
            return Err(moved(format!("{} would be written by {is}, and {was} was approved", self.target)));
        }
        let scope = |id| planned.scopes.iter().find(|scope| scope.id == id);
        // one that is refused by now is not written, and tells why itself
        let refused = |scope: &PlannedScope| scope.standing_refusals(overrides).next().is_some();
        self.scopes.iter().try_for_each(|seen| match scope(seen.id) {
            Some(scope) if refused(scope) => Ok(()),
            scope => seen.fits(scope),
        })
    }
}

impl Seen {
    fn of(scope: &PlannedScope) -> Option<Seen> {
        let work = scope.work.as_ref()?;
        Some(Seen { id: scope.id, fingerprints: work.expect.clone(), changes: digest(scope) })
    }

    fn fits(&self, scope: Option<&PlannedScope>) -> Result<()> {
        let error = |what: String| moved(what).scope(self.id);
        let Some(scope) = scope else {
            return Err(error("it no longer differs as it did when it was approved".into()));
        };
        let Some(work) = &scope.work else {
            return Err(match (&scope.state, &scope.reason) {
                (DriftState::Unknown, Some(reason)) => error(format!("it can no longer be read: {reason}")),
                _ => error("it is no longer as it was when it was approved".into()),
            });
        };
        let side =
            match (work.expect.source == self.fingerprints.source, work.expect.target == self.fingerprints.target) {
                (true, true) if digest(scope) == self.changes => return Ok(()),
                (true, true) => return Err(error("other changes would be made than those that were approved".into())),
                (false, _) => "source",
                (true, false) => "target",
            };
        Err(error(format!("the {side} has changed since the plan was approved")))
    }
}

fn moved(what: String) -> Error {
    Error::new(ErrorKind::Moved, what).hint("look at the plan again")
}

fn digest(scope: &PlannedScope) -> String {
    let changes: Vec<ChangeReport<'_>> = scope.changes.iter().map(ChangeReport::new).collect();
    let text = serde_json::to_vec(&changes).unwrap_or_default();
    fingerprint::hex(&Sha256::digest(&text)[..16])
}

/// The right to write what was approved elsewhere, in this plan. Scopes that have come to differ
/// since are refused in it; whether the others are as they were is seen by the run before its
/// first write.
pub fn carry_over(carried: Vec<Carried>, plan: Plan) -> (Plan, Vec<Approved>) {
    let mut plan = plan;
    let overrides = plan.overrides.clone();
    for planned in &mut plan.relationships {
        let Some(approval) = carried.iter().find(|approval| approval.is_of(planned)) else { continue };
        for scope in planned.scopes.iter_mut().filter(|scope| scope.work.is_some() && !approval.has(scope.id)) {
            // what was refused before is told as before
            if scope.standing_refusals(&overrides).next().is_none() {
                scope.refusals.push(not_approved());
            }
        }
    }
    let plan = plan.with_overrides(overrides);
    let approve = |approval: Carried| {
        let relationship = plan.relationships.iter().position(|planned| approval.is_of(planned))?;
        Some(Approved {
            plan: plan.digest.clone(),
            relationship,
            by: approval.by.clone(),
            consent: approval.consent,
            overrides: approval.overrides.clone(),
            carried: Some(Arc::new(approval)),
        })
    };
    let approved =
        carried.into_iter().filter(|approval| approval.overrides == plan.overrides).filter_map(approve).collect();
    (plan, approved)
}

fn not_approved() -> Refusal {
    Refusal {
        name: "not-approved",
        message: "it was not part of what was approved".into(),
        hint: "replicate it by itself".into(),
        overridable: false,
    }
}
