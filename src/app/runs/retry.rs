//! What a run or job left undone, to be planned once more.

use std::collections::BTreeSet;

use super::super::detached::{DetachedJob, Undone};
use super::super::state::AppState;
use super::{Ended, Kind};
use crate::engine::outcome::{RelationshipRun, RunReport};
use crate::engine::plan::{LeftItem, LeftOut, PlannedRelationship};
use crate::engine::select::Pick;
use crate::model::{Foreign, ScopeId};
use crate::show::plural;

/// What is to be tried again.
pub struct Retry {
    /// Exactly the scopes that failed, were cancelled, are unknown or not saved, in the direction of the run.
    pub picks: Vec<Pick>,
    /// What was left out of them before stays left out.
    pub left_out: LeftOut,
    /// The same in words.
    pub picked: String,
}

impl Retry {
    fn new(picks: Vec<Pick>, left_out: LeftOut, of: &str) -> Result<Self, String> {
        let left_out: LeftOut = left_out
            .into_iter()
            .filter(|item| {
                let is_of = |pick: &Pick| pick.name == item.relationship;
                picks.iter().any(|pick| is_of(pick) && pick.scopes.iter().flatten().any(|id| *id == item.scope))
            })
            .collect();
        let count = picks.iter().flat_map(|pick| pick.scopes.iter().flatten()).count();
        if count == 0 {
            return Err("nothing of this run failed, was cancelled, is unknown or not saved".into());
        }
        let left = match left_out.len() {
            0 => String::new(),
            count => format!(", {} left out as before", plural(count, "change")),
        };
        let scopes = plural(count, "scope");
        let picked =
            format!("{scopes} of {of} not done, unknown or not saved: both servers are read again first{left}");
        Ok(Retry { picks, left_out, picked })
    }
}

/// What the highlighted run or job left undone; `Err` tells why there is nothing to try again.
pub fn retry(state: &AppState) -> Result<Retry, String> {
    if let Some(job) = state.runs.current_job() {
        return of_job(state, job);
    }
    let run = state.runs.current().ok_or("there is no run")?;
    match run.kind {
        Kind::Replication => {}
        Kind::Undo => return Err("an undo is planned anew from the history".into()),
        Kind::Reset => return Err("a reset is planned anew from the list, where the relationship is terminated".into()),
    }
    if let Some(job) = run.handed_to {
        return Err(format!("job {job} does what it left undone"));
    }
    let (plan, _) = run.approved.as_ref().ok_or("nothing is known of its plan")?;
    let left: Vec<BTreeSet<ScopeId>> = match &run.result {
        None => return Err("this run is still under way".into()),
        Some(Ok(Ended::Replicated(report))) => left(report),
        // what it did is unknown in all of its scopes
        Some(Err(_)) => {
            let of = |at| run.route(at).map(|route| route.scopes.clone()).unwrap_or_default();
            (0..plan.relationships.len()).map(of).collect()
        }
        Some(Ok(Ended::Reset(_))) => Vec::new(),
    };
    let picks = plan.relationships.iter().zip(left).filter(|(_, scopes)| !scopes.is_empty());
    let picks = picks.map(|(planned, scopes)| pick(state, planned, scopes)).collect::<Result<_, _>>()?;
    Retry::new(picks, plan.left_out(), &run.title())
}

/// The same from what is kept of a job's run.
fn of_job(state: &AppState, job: &DetachedJob) -> Result<Retry, String> {
    if !job.state.is_over() {
        return Err("this job is still under way".into());
    }
    let nothing = "nothing is kept of what became of its scopes: what it left undone stands in the list as drift";
    let undone = job.undone.as_ref().ok_or(nothing)?;
    let picks = undone.iter().map(|told| pick_of_job(state, told)).collect::<Result<_, _>>()?;
    let left_out = undone.iter().flat_map(|told| {
        told.left_out.iter().map(|(scope, item)| LeftItem {
            relationship: told.name.clone(),
            target: told.target.clone(),
            scope: *scope,
            item: item.clone(),
        })
    });
    Retry::new(picks, left_out.collect(), &format!("job {}", job.id))
}

fn pick_of_job(state: &AppState, told: &Undone) -> Result<Pick, String> {
    let Undone { name, source, target, scopes, .. } = told;
    let relationship = state.relationship(name).ok_or_else(|| format!("{name} is not listed here"))?;
    let [first, second] = relationship.members.each_ref().map(|member| member.shown());
    let source_member = match () {
        () if (&first, &second) == (source, target) => 0,
        () if (&second, &first) == (source, target) => 1,
        () => {
            let why = "an undo is planned anew from the history, what else it left undone from the list";
            return Err(format!("{name} is not replicated from {source} to {target} here: {why}"));
        }
    };
    is_free(state, name, scopes)?;
    Pick::of(relationship, source_member, Some(scopes.clone()))
}

/// The scopes that failed, were cancelled, are unknown or not saved, by relationship of the plan: the report tells of each.
fn left(report: &RunReport) -> Vec<BTreeSet<ScopeId>> {
    let of = |told: &RelationshipRun| {
        let left = told.scopes.iter().filter(|scope| scope.is_to_retry());
        let left: BTreeSet<ScopeId> = left.map(|scope| scope.id).collect();
        // a run that only had to save, and could not, has written no scope
        match told.unsaved && left.is_empty() {
            true => told.scopes.iter().map(|scope| scope.id).collect(),
            false => left,
        }
    };
    report.relationships.iter().map(of).collect()
}

fn pick(state: &AppState, planned: &PlannedRelationship, scopes: BTreeSet<ScopeId>) -> Result<Pick, String> {
    let mut servers = planned.servers().cloned();
    let (Some(source), Some(target)) = (servers.next(), servers.next()) else {
        return Err(format!("{} is no longer between two servers of the configuration", planned.name));
    };
    is_free(state, &planned.name, &scopes)?;
    Ok(Pick { name: planned.name.clone(), source, target, scopes: Some(scopes) })
}

fn is_free(state: &AppState, name: &Foreign, scopes: &BTreeSet<ScopeId>) -> Result<(), String> {
    match state.in_flight(name).find(|id| scopes.contains(id)) {
        Some(id) => Err(format!("{} is being replicated", state.names.name(id))),
        None => Ok(()),
    }
}
