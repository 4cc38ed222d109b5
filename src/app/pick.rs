//! What `r` would replicate: the marked scopes, else what is highlighted.

use std::collections::BTreeSet;

use crate::engine::compare::ScopeDrift;
use crate::engine::select::Pick;
use crate::engine::survey::Relationship;
use crate::model::{DriftState, Foreign, ScopeId, ServerName};
use crate::show::plural;

use super::action::Action;
use super::state::AppState;
use super::unsaved;

/// Whether there is something to pick, without picking it: for every frame.
pub fn pickable(state: &AppState) -> Result<(), String> {
    if state.tree.range.is_some() {
        let (mark, back) = (state.key(Action::Mark), state.key(Action::Back));
        return Err(format!("a range is being marked: {mark} marks it, {back} gives it up"));
    }
    let marked = state
        .relations
        .iter()
        .find(|(name, relation)| !relation.marks.is_empty() && state.relationship(name).is_some());
    match marked {
        Some(_) => Ok(()),
        None => picks(state).map(drop),
    }
}

/// What was picked, with the words to say so; `Err` tells why there is nothing.
pub fn picks(state: &AppState) -> Result<(Vec<Pick>, String), String> {
    let marked: Vec<(&Foreign, &BTreeSet<ScopeId>)> = state
        .relations
        .iter()
        .filter(|(name, relation)| !relation.marks.is_empty() && state.relationship(name).is_some())
        .map(|(name, relation)| (name, &relation.marks))
        .collect();
    if !marked.is_empty() {
        let count: usize = marked.iter().map(|(_, marks)| marks.len()).sum();
        let picks: Result<Vec<Pick>, String> = marked
            .into_iter()
            .filter_map(|(name, marks)| Some(pick(state, state.relationship(name)?, Some(marks.clone()))))
            .collect();
        let plural = if count == 1 { "" } else { "s" };
        return Ok((picks?, format!("{count} marked scope{plural}")));
    }
    let Some((relationship, relation)) = state.current() else {
        return Err(match state.current_server() {
            Some(server) => server_words(server),
            None => "there is no relationship here".into(),
        });
    };
    let Some(scope) = state.current_scope().filter(|_| !state.about_relationship) else {
        let pick = pick(state, relationship, None)?;
        let in_flight = state.in_flight(&relationship.name).count();
        if in_flight > 0 {
            let scopes = plural(in_flight, "scope");
            return Err(format!(
                "{scopes} of {} being replicated: mark others, or wait for its end",
                relationship.name
            ));
        }
        let unsettled = state.is_stale(relationship) || relation.compared.as_ref().is_none_or(|c| c.pending);
        let changes = relation.compared.as_ref().map_or(0, |compared| {
            compared.summary.drifted + compared.summary.only_on_source + compared.summary.untold()
        });
        if !unsettled && changes == 0 {
            return match unsaved::target(state, relationship) {
                Some(target) => Ok((vec![pick], format!("{}: what runs on {target} is saved", relationship.name))),
                None => Err(format!("nothing to replicate in {}", relationship.name)),
            };
        }
        return Ok((vec![pick], format!("nothing is marked: all scopes of {}", relationship.name)));
    };
    if state.in_flight(&relationship.name).any(|id| id == scope.id) {
        return Err(format!("{} is being replicated", state.names.name(scope.id)));
    }
    let pick = pick(state, relationship, Some(BTreeSet::from([scope.id])))?;
    if !state.is_stale(relationship) {
        can_replicate(state, scope).map_err(|reason| match unsaved::target(state, relationship) {
            Some(target) => {
                let key = state.key(Action::Preview);
                format!("{reason}; {target} is not saved: {key} on the line of {} saves it", relationship.name)
            }
            None => reason,
        })?;
    }
    Ok((vec![pick], format!("nothing is marked: the highlighted scope {}", state.names.name(scope.id))))
}

fn pick(state: &AppState, relationship: &Relationship, scopes: Option<BTreeSet<ScopeId>>) -> Result<Pick, String> {
    match &relationship.unsupported {
        Some(reason) => Err(reason.clone()),
        None => Pick::of(relationship, state.source_member(relationship), scopes),
    }
}

/// Why there is nothing to replicate on the line of a server.
pub fn server_words(server: &ServerName) -> String {
    format!("{server} is a server: go to one of its relationships or scopes, if it has any")
}

/// Both members, source first.
pub fn directed<'a>(state: &AppState, relationship: &'a Relationship) -> [&'a crate::engine::survey::Member; 2] {
    let source = state.source_member(relationship);
    [&relationship.members[source], &relationship.members[1 - source]]
}

/// Whether a replication has something to do for a scope; `Err` tells why not.
pub fn can_replicate(state: &AppState, scope: &ScopeDrift) -> Result<(), String> {
    let id = state.names.name(scope.id);
    match scope.state {
        DriftState::Drifted | DriftState::OnlyOnSource => Ok(()),
        DriftState::InSync => Err(format!("{id} is in sync: nothing to replicate")),
        DriftState::OnlyOnTarget => {
            let swap = state.key(Action::Swap);
            Err(format!("{id} is only on the target: never deleted by a replication; {swap} swaps to copy it"))
        }
        DriftState::Checking => Err(format!("{id} is still being checked")),
        DriftState::Unknown => {
            let reason = scope.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            Err(format!("{id} is unknown{reason}"))
        }
    }
}
