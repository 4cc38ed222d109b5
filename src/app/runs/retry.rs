//! What a run left undone, to be planned once more.

use std::collections::BTreeSet;

use super::super::state::AppState;
use super::{Ended, Kind, Run};
use crate::engine::outcome::RunReport;
use crate::engine::plan::PlannedRelationship;
use crate::engine::select::Pick;
use crate::model::ScopeId;
use crate::show::plural;

/// What is to be tried again.
pub struct Retry {
    /// Exactly the scopes that failed or are unknown, in the direction of the run.
    pub picks: Vec<Pick>,
    /// The same in words.
    pub picked: String,
}

/// What the highlighted run left undone; `Err` tells why there is nothing to try again.
pub fn retry(state: &AppState) -> Result<Retry, String> {
    if let Some(job) = state.runs.current_job() {
        return Err(match job.state.is_over() {
            true => "a job is tried again from the list: what it left undone stands there as drift".into(),
            false => "this job is still under way".into(),
        });
    }
    let run = state.runs.current().ok_or("there is no run")?;
    match run.kind {
        Kind::Replication => {}
        Kind::Undo => return Err("an undo is planned anew from the history".into()),
        Kind::Reset => return Err("a reset is planned anew from the list, where the relationship is terminated".into()),
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
    let picks: Vec<Pick> = plan
        .relationships
        .iter()
        .zip(left)
        .filter(|(_, scopes)| !scopes.is_empty())
        .map(|(planned, scopes)| pick(state, planned, scopes))
        .collect::<Result<_, _>>()?;
    let scopes = || picks.iter().flat_map(|pick| pick.scopes.iter().flatten());
    match scopes().count() {
        0 => Err("nothing of this run failed or is unknown".into()),
        count => Ok(Retry { picked: words(run, count), picks }),
    }
}

fn words(run: &Run, count: usize) -> String {
    let failed = if count == 1 { "that failed or is unknown" } else { "that failed or are unknown" };
    format!("{} of {} {failed}: both servers are read again first", plural(count, "scope"), run.title())
}

/// The scopes that failed or are unknown, by relationship of the plan: the report tells of each.
fn left(report: &RunReport) -> Vec<BTreeSet<ScopeId>> {
    let scopes = report
        .relationships
        .iter()
        .map(|told| told.scopes.iter().filter(|scope| scope.is_to_retry()).map(|scope| scope.id).collect());
    scopes.collect()
}

fn pick(state: &AppState, planned: &PlannedRelationship, scopes: BTreeSet<ScopeId>) -> Result<Pick, String> {
    let mut servers = planned.servers().cloned();
    let (Some(source), Some(target)) = (servers.next(), servers.next()) else {
        return Err(format!("{} is no longer between two servers of the configuration", planned.name));
    };
    if let Some(id) = state.in_flight(&planned.name).find(|id| scopes.contains(id)) {
        return Err(format!("{} is being replicated", state.names.name(id)));
    }
    Ok(Pick { name: planned.name.clone(), source, target, scopes: Some(scopes) })
}
