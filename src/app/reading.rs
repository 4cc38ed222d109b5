//! Reading and comparing in the background: what to start, and what to make of the news.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::fleet::Fleet;
use crate::engine::port::Reading;
use crate::engine::survey::{Relationship, ServerReport, Survey};
use crate::engine::{Error, ErrorKind};
use crate::model::{DriftState, Foreign, ScopeId, ServerName};
use crate::show::{self, ScopeNames, plural};

use super::compared::Compared;
use super::effect::{Effect, ReadOutcome, Ticket};
use super::filter::Filter;
use super::fleet;
use super::fleet::relation::Relation;
use super::fleet::rows::Row;
use super::state::{AppState, Moment, Tone};

/// Shows these servers from now on.
pub fn open(state: &mut AppState, fleet: Arc<Fleet>) {
    state.reports = fleet.unread();
    state.survey = Arc::new(Survey::new(state.reports.clone(), &fleet.names));
    state.fleet = Some(fleet);
    fleet::relist(state);
}

/// Reads all servers, each by its own job, so that lists fill while others are read.
pub fn read_all(state: &mut AppState) -> Vec<Effect> {
    let names = state.reports.iter().map(|report| report.name.clone()).collect();
    read(state, names)
}

/// Reads some servers again.
pub fn read(state: &mut AppState, servers: BTreeSet<ServerName>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for server in servers {
        let ticket = state.ticket();
        // An older reading of the same server would only hold up the new one.
        effects.extend(state.reading.insert(server.clone(), ticket).map(Effect::Abandon));
        effects.push(Effect::Read(ticket, server));
    }
    effects
}

/// Takes what a server said.
pub fn on_read(state: &mut AppState, ticket: Ticket, server: &ServerName, outcome: ReadOutcome) -> Vec<Effect> {
    if state.reading.get(server) != Some(&ticket) {
        return Vec::new();
    }
    state.reading.remove(server);
    let effects = merge(state, vec![(server.clone(), outcome)]);
    if state.tells_of_reading && state.reading.is_empty() {
        say_how_it_went(state);
    }
    effects
}

fn say_how_it_went(state: &mut AppState) {
    let all = plural(state.reports.len(), "server");
    let failed = state.reports.iter().filter(|report| report.failure().is_some()).map(|report| report.name.to_string());
    let failed: Vec<String> = failed.collect();
    match failed.len() {
        0 => state.say(Tone::Plain, format!("{all} read")),
        count => {
            let read = state.reports.len() - count;
            state.say(Tone::Warning, format!("{read} of {all} read; not read: {}", show::some(failed.into_iter())));
        }
    }
}

/// Takes what is known so far of a server that is being read. What was read as a whole before is
/// kept until it is so again.
pub fn on_part(
    state: &mut AppState,
    ticket: Ticket,
    server: &ServerName,
    reading: Arc<Reading>,
    now: Moment,
) -> Vec<Effect> {
    let known = state.reports.iter().find(|report| report.name == *server).and_then(ServerReport::reading);
    if state.reading.get(server) != Some(&ticket) || known.is_some_and(|known| known.is_whole()) {
        return Vec::new();
    }
    state.in_parts.insert(server.clone());
    for name in take(state, vec![(server.clone(), Ok(reading))]) {
        if let Some(relation) = state.relations.get_mut(&name) {
            relation.behind = true;
        }
    }
    catch_up(state, now)
}

/// Compares what parts of readings have come to, one comparison of a relationship at a time and
/// with pauses: there may be hundreds of parts of thousands of scopes.
pub fn catch_up(state: &mut AppState, now: Moment) -> Vec<Effect> {
    let is_due = |relation: &Relation| {
        relation.behind && relation.comparing.is_none() && relation.rests_until.is_none_or(|at| at <= now.at)
    };
    let due: Vec<Foreign> =
        state.relations.iter().filter(|(_, relation)| is_due(relation)).map(|(name, _)| name.clone()).collect();
    due.iter().filter_map(|name| ask(state, name)).collect()
}

/// A job that reads ended without an answer.
pub fn on_failed(state: &mut AppState, ticket: Ticket, reason: &str) -> Vec<Effect> {
    let server = state.reading.iter().find(|(_, reading)| **reading == ticket).map(|(server, _)| server.clone());
    if let Some(server) = server {
        let error = Error::new(ErrorKind::Garbled, reason).on(&server);
        return on_read(state, ticket, &server, Err(error));
    }
    if let Some(relation) = state.relations.values_mut().find(|relation| relation.comparing == Some(ticket)) {
        relation.comparing = None;
        let text = format!("could not be compared: {reason}");
        state.say(Tone::Bad, text);
    }
    Vec::new()
}

/// Puts readings in the place of older ones and compares what they touch.
pub fn merge(state: &mut AppState, readings: Vec<(ServerName, ReadOutcome)>) -> Vec<Effect> {
    let ends = |(server, outcome): &(_, ReadOutcome)| state.in_parts.remove(server) && outcome.is_ok();
    let in_parts = readings.iter().map(ends).fold(true, std::ops::BitAnd::bitand);
    let touched = take(state, readings);
    // the end of a reading whose parts are shown says nothing against them
    let compare = if in_parts { ask } else { compare };
    touched.iter().filter_map(|name| compare(state, name)).collect()
}

/// Takes a newer reading of a server; what is shown stays until it is compared.
pub fn refresh(state: &mut AppState, server: ServerName, outcome: ReadOutcome) -> Vec<Effect> {
    let touched = take(state, vec![(server, outcome)]);
    touched.iter().filter_map(|name| ask(state, name)).collect()
}

/// Puts readings in the place of older ones. Returns the relationships that they touch.
fn take(state: &mut AppState, readings: Vec<(ServerName, ReadOutcome)>) -> Vec<Foreign> {
    let Some(fleet) = state.fleet.clone() else { return Vec::new() };
    let mut touched = BTreeSet::new();
    for (server, outcome) in readings {
        if let Ok(reading) = &outcome {
            state.watch.heard(&server, reading.at);
        }
        if let Some(report) = state.reports.iter_mut().find(|report| report.name == server) {
            report.take(outcome);
            // what it is called, and by which way it is reached, is known once it has answered
            if let Some(found) = fleet.server(&server) {
                (report.addresses, report.caveat) = (found.addresses(), found.caveat());
            }
        }
        state.asked.remove(&server);
        touched.insert(server);
    }
    let old = std::mem::replace(&mut state.survey, Arc::new(Survey::new(state.reports.clone(), &fleet.names)));
    state.names = ScopeNames::of(&state.survey);
    fleet::relist(state);
    let before = |relationship: &Relationship| old.relationships.contains(relationship);
    state
        .survey
        .relationships
        .iter()
        .filter(|r| !before(r) || r.members.iter().filter_map(|m| m.server()).any(|s| touched.contains(s)))
        .map(|relationship| relationship.name.clone())
        .collect()
}

/// Compares a relationship in the direction that is chosen now; nothing is said of it until then.
pub fn compare(state: &mut AppState, name: &Foreign) -> Option<Effect> {
    let effect = ask(state, name)?;
    state.relations.get_mut(name)?.stale = true;
    Some(effect)
}

fn ask(state: &mut AppState, name: &Foreign) -> Option<Effect> {
    let at = state.survey.relationships.iter().position(|relationship| relationship.name == *name)?;
    let source = state.source_member(&state.survey.relationships[at]);
    let ticket = state.ticket();
    let relation = state.relations.get_mut(name)?;
    relation.comparing = Some(ticket);
    relation.behind = false;
    Some(Effect::Compare(ticket, state.survey.clone(), at, source))
}

/// Takes a comparison. Marks and cursor stay on their scopes; what is in sync or gone
/// needs no mark.
pub fn on_compared(state: &mut AppState, ticket: Ticket, compared: Arc<Compared>, now: Moment) {
    let Some((name, relation)) = state.relations.iter_mut().find(|(_, relation)| relation.comparing == Some(ticket))
    else {
        return;
    };
    let name = name.clone();
    // of what was on a server that cannot be read nobody knows that it is gone
    let is_unread = compared.is_unread();
    relation.comparing = None;
    relation.stale = false;
    relation.rests_until = Some(now.at + (compared.took * WORK_TO_REST).max(REST));
    relation.marks.retain(|id| {
        compared.pending
            || match compared.scope(*id) {
                Some(scope) => !matches!(scope.state, DriftState::InSync | DriftState::OnlyOnTarget),
                None => is_unread,
            }
    });
    fleet::compared(state, &name, compared);
}

/// Lets servers that are being read begin with what the operator sees: the highlighted scope,
/// then the page around it.
pub fn look(state: &mut AppState) -> Option<Effect> {
    if state.reading.is_empty() {
        return None;
    }
    let tree = &state.tree;
    let height = if tree.height == 0 { UNDRAWN_PAGE } else { tree.height };
    let top = tree.window(height);
    let id = |row: &Row| match row {
        Row::Scope { id, .. } => Some(*id),
        Row::Node(_) => None,
    };
    let highlighted = tree.row().as_ref().and_then(id);
    let page = tree.rows.rows.iter().skip(top).take(height).filter_map(id).filter(|id| Some(*id) != highlighted);
    let scopes: Arc<[ScopeId]> = highlighted.into_iter().chain(page).collect();
    if scopes == state.looked_at {
        return None;
    }
    state.looked_at = Arc::clone(&scopes);
    Some(Effect::LookAt(scopes))
}

/// A page of which it is not known yet how long it is.
const UNDRAWN_PAGE: usize = 40;

/// Between two comparisons of parts: so long at least, and so many times as long as one takes.
const REST: Duration = Duration::from_millis(200);
const WORK_TO_REST: u32 = 4;

/// Asks how full the scopes of the relationships that are shown are, or of all where the filter asks for that, once
/// after each reading.
pub fn ask_utilisation(state: &mut AppState) -> Vec<Effect> {
    let tree = &state.tree;
    let asks_for_all = !tree.filter.is_empty() && Filter::fleet(&tree.filter, &state.survey).asks_for_use();
    let rows = tree.rows.rows.iter().skip(tree.top).take(tree.height.max(1));
    let nodes: BTreeSet<&Foreign> = rows
        .chain(tree.row().as_ref())
        .filter_map(|row| tree.rows.node(*row).filter(|node| node.is_open)?.key.relationship.as_ref())
        .collect();
    let meant = state.survey.relationships.iter().filter(|found| asks_for_all || nodes.contains(&found.name));
    let servers: BTreeSet<ServerName> = meant
        .flat_map(|found| &found.members)
        .filter_map(|member| member.server())
        .filter(|server| state.survey.reading(server).is_some() && !state.asked.contains(*server))
        .filter(|server| !state.reading.contains_key(*server))
        .cloned()
        .collect();
    let mut effects = Vec::new();
    for server in servers {
        state.asked.insert(server.clone());
        effects.push(Effect::Utilisation(state.ticket(), server));
    }
    effects
}
