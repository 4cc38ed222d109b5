//! From `H` to a reset: plan, question, answer, end.

use std::sync::Arc;

use crate::engine::reset::{ResetPlan, ResetReport};
use crate::model::ServerName;

use super::super::action::Action;
use super::super::effect::{Effect, ReadOutcome, Ticket};
use super::super::reading;
use super::super::reset::ResetView;
use super::super::runs::{Ended, Run};
use super::super::state::{AppState, Moment, Tone, View};
use super::{deciding, running};

/// Has a reset planned for the highlighted relationship.
pub(super) fn plan(state: &mut AppState) -> Vec<Effect> {
    let Some((relationship, _)) = state.current() else { return Vec::new() };
    let name = relationship.name.clone();
    let ticket = state.ticket();
    state.view = View::Planning {
        ticket,
        picked: format!("reset of {name}"),
        waits_for: "both partners".to_owned(),
        asks: false,
        from_jobs: false,
    };
    vec![Effect::PlanReset(ticket, state.survey.clone(), name)]
}

/// A plan stands: it is shown and asked about.
pub(super) fn planned(
    state: &mut AppState,
    ticket: Ticket,
    plan: Arc<ResetPlan>,
    readings: Vec<(ServerName, ReadOutcome)>,
) -> Vec<Effect> {
    let readings = readings.into_iter().filter(|(server, _)| !state.reading.contains_key(server)).collect();
    let effects = reading::merge(state, readings);
    if deciding::is_waiting_for(state, ticket) {
        state.filtering = false;
        let view = ResetView::new(plan, state.switches(), &state.setting.operator);
        state.view = View::Reset(Box::new(view));
    }
    effects
}

/// Takes an answer, or an override.
pub(super) fn act(state: &mut AppState, action: Action, now: Moment) -> Vec<Effect> {
    let View::Reset(view) = &mut state.view else { return Vec::new() };
    match action {
        Action::Override => {
            view.next_override();
            return Vec::new();
        }
        Action::Yes => {}
        _ => {
            let declined = view.is_asking().then(|| Effect::DeclinedReset(Arc::clone(&view.plan)));
            state.view = View::Browse;
            if declined.is_some() {
                state.say(Tone::Plain, "declined: nothing was reset");
            }
            return declined.into_iter().collect();
        }
    }
    let (plan, approved) = (Arc::clone(&view.plan), view.approve());
    let Some(approved) = approved else { return Vec::new() };
    let ticket = state.ticket();
    let run = Run::of_reset(ticket, &plan, now.clock);
    // What needs a look stays until somebody looks.
    state.notices.forget_good();
    state.say(Tone::Plain, format!("{}: {} shows how far it is", run.title(), state.key(Action::Jobs)));
    state.runs.begin(run);
    state.view = View::Browse;
    vec![Effect::Reset(ticket, plan, approved)]
}

/// A reset has ended.
pub(super) fn ended(state: &mut AppState, ticket: Ticket, report: Arc<ResetReport>, now: Moment) -> Vec<Effect> {
    if report.is_good() {
        // that the pair stands still is of the past
        for run in state.runs.forget_termination(&report.name) {
            running::tell_anew(state, run);
        }
    }
    running::ended(state, ticket, Ok(Ended::Reset(report)), now)
}
