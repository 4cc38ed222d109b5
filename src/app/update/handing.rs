//! Jobs of processes of their own: starting them, following them, handing a run over to one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::super::action::Action;
use super::super::detached::DetachedJob;
use super::super::effect::{Effect, Ticket};
use super::super::fleet::marks;
use super::super::notice::Notice;
use super::super::reading;
use super::super::runs::{Cancelled, Ended, Entry, Kind, Run};
use super::super::state::{AppState, Moment, Quitting, Tone};
use super::{deciding, recalling, running};
use crate::engine::approval::Approved;
use crate::engine::outcome::{Outcome, RunReport};
use crate::engine::plan::{Plan, PlannedRelationship};
use crate::model::{Foreign, ScopeId};
use crate::show::plural;

/// Jobs that somebody looks at, or that are under way, are listed so often.
pub(in crate::app) const PACE: Duration = Duration::from_secs(1);

/// Lists the jobs.
pub(super) fn list(state: &mut AppState) -> Vec<Effect> {
    if state.handing.listing.is_some() {
        return Vec::new();
    }
    let ticket = state.ticket();
    state.handing.listing = Some(ticket);
    vec![Effect::Jobs(ticket)]
}

/// Lists them again when it is time to.
pub(super) fn poll(state: &mut AppState, now: Moment) -> Vec<Effect> {
    let is_due = state.handing.asked.is_none_or(|asked| now.at >= asked + PACE);
    if !is_due || !state.follows_jobs() {
        return Vec::new();
    }
    state.handing.asked = Some(now.at);
    list(state)
}

/// The jobs as they are now. One that is over has changed its servers.
pub(super) fn listed(state: &mut AppState, ticket: Ticket, jobs: Vec<DetachedJob>) -> Vec<Effect> {
    if state.handing.listing == Some(ticket) {
        state.handing.listing = None;
    }
    let was_open = |id: i64| state.runs.jobs.iter().any(|old| old.id == id && !old.state.is_over());
    let over = jobs.iter().find(|job| job.state.is_over() && was_open(job.id)).map(|job| (job.id, job.words()));
    state.runs.jobs = jobs;
    let Some((id, (tone, words))) = over else { return Vec::new() };
    let mut effects = reading::read_all(state);
    let text = format!("job {id}: {words} ({} shows more)", state.key(Action::Jobs));
    effects.extend(running::announce(state, Notice { tone, text, run: None }, Entry::Job(id)));
    effects.extend(recalling::refresh(state));
    effects
}

/// Gives what was approved to a job.
pub(super) fn start(state: &mut AppState, plan: Arc<Plan>, approved: Vec<Approved>) -> Vec<Effect> {
    let routes: Vec<String> = approved
        .iter()
        .filter_map(|approval| plan.relationships.get(approval.relationship()))
        .map(|planned| match plan.undoes() {
            Some(_) => format!("{} on {}", planned.name, planned.target),
            None => format!("{}: {} → {}", planned.name, planned.source, planned.target),
        })
        .collect();
    let ticket = state.ticket();
    state.handing.starting.insert(ticket, None);
    let planned = approved.iter().filter_map(|approval| plan.relationships.get(approval.relationship()));
    let scopes = |planned: &PlannedRelationship| planned.to_write(&plan.overrides).map(|scope| scope.id).collect();
    let given: Vec<(&Foreign, BTreeSet<ScopeId>)> = planned.map(|planned| (&planned.name, scopes(planned))).collect();
    let taken = marks::take(state, given.iter().map(|(name, ids)| (*name, ids)));
    state.handing.marks.insert(ticket, taken);
    deciding::leave(state);
    state.notices.forget_good();
    state.say(Tone::Plain, "starting a job");
    let what = plan.undoes().map_or_else(|| "replicate".to_owned(), |run| format!("undo run {run}:"));
    let title = format!("{what} {}", routes.join(", "));
    vec![Effect::StartJob(ticket, plan, approved, BTreeSet::new(), title)]
}

/// Cancels softly all that is under way; what is left then goes to jobs.
pub(super) fn hand_over(state: &mut AppState) -> Vec<Effect> {
    state.quitting = Some(Quitting::HandingOver);
    state.say(Tone::Plain, "handing over after the scope in flight, then quitting");
    let open = state.runs.all.iter_mut().filter(|run| run.result.is_none() && run.cancelled.is_none());
    open.map(|run| {
        run.cancelled = Some(Cancelled::Soft);
        Effect::Cancel(run.ticket)
    })
    .collect()
}

/// Whether all that is under way can be handed over.
pub(in crate::app) fn can_hand_over(state: &AppState) -> Result<(), String> {
    let open = |run: &Run| run.kind == Kind::Replication && run.approved.is_some();
    match state.running().all(|run| open(run) && run.cancelled != Some(Cancelled::Hard)) {
        true => Ok(()),
        false => Err("only a replication that was not cut short can be handed over".into()),
    }
}

/// A run has ended on its way to a job: what it did not come to is handed over.
pub(super) fn go_on(state: &mut AppState, run: Ticket) -> Vec<Effect> {
    if state.quitting != Some(Quitting::HandingOver) {
        return Vec::new();
    }
    let ticket = state.ticket();
    let Some(run) = state.runs.find(run) else { return Vec::new() };
    let (Some(Ok(Ended::Replicated(report))), Some((plan, approved))) = (&run.result, &run.approved) else {
        // Nobody knows what is left of it.
        state.quitting = None;
        return Vec::new();
    };
    let (done, left) = done(plan, report);
    if left == 0 {
        return Vec::new();
    }
    let rest = if report.begun { format!("the rest of run {}", report.run) } else { "a run not begun here".to_owned() };
    let title = format!("{rest}: {} of {}", plural(left, "scope"), run.title());
    let effect = Effect::StartJob(ticket, Arc::clone(plan), approved.clone(), done, title);
    state.handing.starting.insert(ticket, Some(run.ticket));
    vec![effect]
}

/// The scopes that are no longer to be written, and how many are.
fn done(plan: &Plan, report: &RunReport) -> (BTreeSet<(usize, ScopeId)>, usize) {
    let (mut done, mut left) = (BTreeSet::new(), 0);
    for told in &report.relationships {
        let same = |planned: &crate::engine::plan::PlannedRelationship| {
            (&planned.name, &planned.source, &planned.target) == (&told.name, &told.source, &told.target)
        };
        let Some(at) = plan.relationships.iter().position(same) else { continue };
        for scope in &told.scopes {
            if scope.outcome == Outcome::Cancelled {
                left += 1;
            } else {
                done.insert((at, scope.id));
            }
        }
    }
    (done, left)
}

/// A job has taken over.
pub(super) fn started(state: &mut AppState, ticket: Ticket, job: i64) -> Vec<Effect> {
    let Some(run) = state.handing.starting.remove(&ticket) else { return Vec::new() };
    state.handing.started.push(job);
    state.handing.marks.remove(&ticket);
    if let Some(run) = run.and_then(|run| state.runs.find(run)) {
        run.handed_to = Some(job);
    }
    let key = state.key(Action::Jobs);
    state.say(Tone::Good, format!("job {job} runs by itself, also without this program: {key} follows it"));
    // Older lists do not know it.
    state.handing.listing = None;
    list(state)
}

/// Whether a job that failed was one of these.
pub(super) fn failed(state: &mut AppState, ticket: Ticket, reason: &str) -> bool {
    if state.handing.listing == Some(ticket) {
        state.handing.listing = None;
        tracing::warn!("the jobs cannot be listed: {reason}");
        return true;
    }
    let Some(run) = state.handing.starting.remove(&ticket) else { return false };
    if let Some(marks) = state.handing.marks.remove(&ticket) {
        marks::put_back(state, marks, |_, _| false);
    }
    let left = if run.is_some() { "; what was left stays cancelled" } else { "; nothing was written" };
    state.quitting = None;
    let text = format!("no job was started{left}: {reason}");
    state.notices.clear();
    state.notices.tell(Notice { tone: Tone::Bad, text, run: None });
    true
}

/// Cancels the highlighted job one step further.
pub(super) fn cancel(state: &mut AppState) -> Option<Vec<Effect>> {
    let (id, further) = state.runs.current_job().map(|job| (job.id, job.cancel > 0))?;
    let text = match further {
        false => {
            let key = state.key(Action::Cancel);
            format!("job {id} ends after the scope in flight; {key} again: after the request in flight")
        }
        true => format!("job {id} ends after the request in flight"),
    };
    state.say(Tone::Warning, text);
    let ticket = state.ticket();
    state.handing.listing = Some(ticket);
    Some(vec![Effect::CancelJob(ticket, id)])
}

/// Whether nothing of this program is under way any more.
pub(super) fn is_idle(state: &AppState) -> bool {
    state.running().next().is_none() && state.handing.starting.is_empty()
}
