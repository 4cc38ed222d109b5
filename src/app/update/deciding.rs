//! From `r` to a run: plan, preview, answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::Error;
use crate::engine::approval::{Answer, Approved, Manner, Switches};
use crate::engine::plan::Plan;
use crate::engine::select::Pick;
use crate::model::ServerName;

use super::super::action::Action;
use super::super::effect::{Effect, ReadOutcome, Ticket};
use super::super::entry::Typed;
use super::super::fleet::marks;
use super::super::gate;
use super::super::key::Key;
use super::super::pick;
use super::super::preview::{Naming, Preview, questions};
use super::super::reading;
use super::super::runs::{self, Kind, Retry, Run};
use super::super::saving::Saving;
use super::super::state::{AppState, Moment, Tone, View};
use super::handing;

/// Has a plan made for what is picked.
pub(super) fn plan(state: &mut AppState) -> Vec<Effect> {
    let Ok((picks, picked)) = pick::picks(state) else { return Vec::new() };
    let ticket = state.ticket();
    state.view = View::Planning { ticket, picked, waits_for: servers(&picks), asks: false, from_jobs: false };
    vec![Effect::Plan(ticket, state.survey.clone(), picks)]
}

/// Has a plan made for what the highlighted run left undone: read, shown and asked about, always.
pub(super) fn retry(state: &mut AppState) -> Vec<Effect> {
    let Ok(Retry { picks, left_out, picked }) = runs::retry(state) else { return Vec::new() };
    let ticket = state.ticket();
    state.view = View::Planning { ticket, picked, waits_for: servers(&picks), asks: true, from_jobs: true };
    vec![Effect::Retry(ticket, state.survey.clone(), picks, left_out)]
}

fn servers(picks: &[Pick]) -> String {
    let servers: BTreeSet<&ServerName> = picks.iter().flat_map(|pick| [&pick.source, &pick.target]).collect();
    servers.into_iter().map(ServerName::as_str).collect::<Vec<_>>().join(", ")
}

/// Leaves a plan for the view that it was asked for in.
pub(super) fn leave(state: &mut AppState) {
    let from_jobs = match &state.view {
        View::Planning { from_jobs, .. } => *from_jobs,
        View::Preview(preview) => preview.from_jobs,
        _ => false,
    };
    state.view = if from_jobs { View::Jobs } else { View::Browse };
}

/// Gives up making a plan.
pub(super) fn abandon(state: &mut AppState) -> Vec<Effect> {
    let View::Planning { ticket, .. } = state.view else { return Vec::new() };
    leave(state);
    state.say(Tone::Plain, "no plan was made; nothing was written");
    vec![Effect::Abandon(ticket)]
}

/// Whether a plan is expected from this work.
pub(super) fn is_waiting_for(state: &AppState, ticket: Ticket) -> bool {
    match &state.view {
        View::Planning { ticket: waiting, .. } => *waiting == ticket,
        View::Preview(preview) => preview.overriding == Some(ticket),
        _ => false,
    }
}

/// A plan stands: it is shown, or run at once where Force is on and something can be written.
pub(super) fn planned(
    state: &mut AppState,
    ticket: Ticket,
    plan: Arc<Plan>,
    readings: Vec<(ServerName, ReadOutcome)>,
    now: Moment,
) -> Vec<Effect> {
    let readings = readings.into_iter().filter(|(server, _)| !state.reading.contains_key(server)).collect();
    let mut effects = reading::merge(state, readings);
    if !is_waiting_for(state, ticket) {
        return effects;
    }
    let switches = state.switches();
    match &mut state.view {
        View::Preview(preview) => preview.replace(plan),
        View::Planning { picked, asks, from_jobs, .. } => {
            let (asks, from_jobs) = (*asks, *from_jobs);
            let picked = std::mem::take(picked);
            // What is refused stays unwritten and is told with the result, as on the command line.
            if !asks && switches.manner() == Manner::Go && plan.scopes_to_write() > 0 {
                let approved = questions(&plan, switches, &state.setting.operator).into_approved();
                effects.extend(run(state, plan, approved, now));
                return effects;
            }
            // Nothing can be written, and the operator has to see why; or it is asked about in any case.
            let switches = Switches { confirm: true, ..switches };
            let preview = Preview::new(plan, picked, switches, &state.setting, state.names.clone());
            let preview = preview.asked_for(from_jobs);
            state.filtering = false;
            state.view = View::Preview(Box::new(preview));
        }
        _ => {}
    }
    effects
}

/// No plan could be made.
pub(super) fn not_planned(state: &mut AppState, ticket: Ticket, error: &Error) -> Vec<Effect> {
    if !is_waiting_for(state, ticket) {
        return Vec::new();
    }
    let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    leave(state);
    state.say(Tone::Bad, format!("no plan could be made: {error}{hint}"));
    Vec::new()
}

/// Takes an answer to the preview.
pub(super) fn answer(state: &mut AppState, action: Action, now: Moment) -> Vec<Effect> {
    let View::Preview(preview) = &mut state.view else { return Vec::new() };
    let answer = match action {
        Action::Yes => Answer::Yes,
        Action::YesToAll => Answer::YesToAll,
        Action::NoToAll => Answer::NoToAll,
        _ => Answer::No,
    };
    if preview.asking().is_none() {
        // Nothing is asked: leaving is all that is left.
        let effects = preview.overriding.map(Effect::Abandon).into_iter().collect();
        leave(state);
        return effects;
    }
    if matches!(answer, Answer::Yes | Answer::YesToAll) && preview.deletions_to_name().is_some() {
        preview.naming = Some(Naming::new(answer));
        return Vec::new();
    }
    give(state, answer, now)
}

/// Gives an answer that counts.
fn give(state: &mut AppState, answer: Answer, now: Moment) -> Vec<Effect> {
    let View::Preview(preview) = &mut state.view else { return Vec::new() };
    match preview.answer(answer) {
        None => {
            preview.gate.answered(now.at);
            Vec::new()
        }
        Some(approved) if approved.is_empty() => {
            let declined = Effect::Declined(preview.plan.clone());
            leave(state);
            state.say(Tone::Plain, "declined: nothing was written");
            vec![declined]
        }
        Some(approved) => {
            let (plan, as_job) = (preview.plan.clone(), preview.as_job);
            if as_job { handing::start(state, plan, approved) } else { run(state, plan, approved, now) }
        }
    }
}

/// Leaves out what is highlighted, or brings it back: the plan is made anew.
pub(super) fn leave_out(state: &mut AppState) -> Vec<Effect> {
    let ticket = state.ticket();
    let View::Preview(preview) = &mut state.view else { return Vec::new() };
    let Ok(left_out) = preview.toggled() else { return Vec::new() };
    let together = preview.toggled_together(&left_out);
    let before = preview.overriding.replace(ticket);
    preview.left_out.clone_from(&left_out);
    preview.is_leaving_out = true;
    preview.gate.close();
    let plan = Arc::clone(&preview.plan);
    if let Some(words) = together {
        state.say(Tone::Plain, words);
    }
    before.map(Effect::Abandon).into_iter().chain([Effect::LeaveOut(ticket, plan, left_out)]).collect()
}

/// Asks for the name of a file for the plan.
pub(super) fn save_as(state: &mut AppState) -> Vec<Effect> {
    let clock = state.clock;
    if let View::Preview(preview) = &mut state.view {
        preview.saving = Some(Saving::new(preview.file_name(clock)));
    }
    Vec::new()
}

/// The plan is in this file.
pub(super) fn saved(state: &mut AppState, ticket: Ticket, file: &str) {
    if let View::Preview(preview) = &mut state.view
        && preview.saving.as_ref().is_some_and(|saving| saving.ticket == Some(ticket))
    {
        preview.saving = None;
        preview.gate.close();
    }
    state.say(Tone::Good, format!("the plan is saved in {file}"));
}

/// Whether this work was to save the plan, which it could not.
pub(super) fn not_saved(state: &mut AppState, ticket: Ticket, reason: &str) -> bool {
    let View::Preview(preview) = &mut state.view else { return false };
    let Some(saving) = preview.saving.as_mut().filter(|saving| saving.ticket == Some(ticket)) else { return false };
    saving.ticket = None;
    state.say(Tone::Bad, format!("the plan is not saved: {reason}"));
    true
}

/// Takes a key into the name of the file.
fn type_file(state: &mut AppState, key: Key) -> Vec<Effect> {
    let ticket = state.ticket();
    let View::Preview(preview) = &mut state.view else { return Vec::new() };
    let Some(saving) = preview.saving.as_mut().filter(|saving| saving.ticket.is_none()) else { return Vec::new() };
    match saving.entry.key(key) {
        Typed::Done => match preview.save_as() {
            Some(Ok(to)) => {
                preview.saving.iter_mut().for_each(|saving| saving.ticket = Some(ticket));
                vec![Effect::SavePlan(ticket, Arc::clone(&preview.plan), to)]
            }
            Some(Err(reason)) => {
                state.say(Tone::Warning, format!("the plan is not saved: {reason}"));
                Vec::new()
            }
            None => Vec::new(),
        },
        Typed::Left => {
            preview.saving = None;
            preview.gate.close();
            Vec::new()
        }
        Typed::More => Vec::new(),
    }
}

/// Takes a key into the line.
pub(super) fn type_key(state: &mut AppState, key: Key, now: Moment, last_key: Option<Instant>) -> Vec<Effect> {
    state.hush();
    let View::Preview(preview) = &mut state.view else { return Vec::new() };
    if preview.saving.is_some() {
        return type_file(state, key);
    }
    let Some(naming) = &mut preview.naming else { return Vec::new() };
    let (answer, typed) = (naming.answer, naming.key(key, gate::is_burst(now.at, last_key)));
    let is_typed = naming.is_typed();
    match typed {
        Typed::More => {}
        Typed::Left => preview.naming = None,
        Typed::Done if !preview.is_named() => {
            state.say(Tone::Warning, "that is not the name: nothing is confirmed; Esc leaves");
        }
        Typed::Done if !is_typed => {
            state.say(Tone::Warning, "pasted? Ctrl-u empties the line, then type the name");
        }
        Typed::Done if !preview.gate.lets_through(now.at, last_key) => {
            state.say(Tone::Warning, "read it once more, then press Enter again");
        }
        Typed::Done => return give(state, answer, now),
    }
    Vec::new()
}

/// Takes a pasted text: never as the name that confirms.
pub(super) fn paste(state: &mut AppState, text: &str) {
    if let View::Preview(preview) = &mut state.view
        && let Some(saving) = preview.saving.as_mut()
    {
        saving.entry.paste(text);
        return;
    }
    state.say(Tone::Warning, "a paste is not taken: the name has to be typed");
}

fn run(state: &mut AppState, plan: Arc<Plan>, approved: Vec<Approved>, now: Moment) -> Vec<Effect> {
    let ticket = state.ticket();
    let indexes: BTreeSet<usize> = approved.iter().map(Approved::relationship).collect();
    let mut run = Run::new(ticket, &plan, &indexes, now.clock);
    run.approved = Some((Arc::clone(&plan), approved.clone()));
    run.marks = marks::take(state, run.routes.iter().map(|route| (&route.name, &route.scopes)));
    // What needs a look stays until somebody looks.
    state.notices.forget_good();
    let doing = if run.kind == Kind::Undo { "" } else { "replicating " };
    state.say(Tone::Plain, format!("{doing}{}: {} shows how far it is", run.title(), state.key(Action::Jobs)));
    state.runs.begin(run);
    leave(state);
    vec![Effect::Run(ticket, plan, approved)]
}

/// Overrides one more refusal, or none again; the plan is made anew with its own digest.
pub(super) fn next_override(state: &mut AppState) -> Vec<Effect> {
    let ticket = state.ticket();
    let View::Preview(preview) = &mut state.view else { return Vec::new() };
    let Some(overrides) = preview.next_overrides() else { return Vec::new() };
    preview.overriding = Some(ticket);
    preview.gate.close();
    vec![Effect::Override(ticket, preview.plan.clone(), overrides)]
}
