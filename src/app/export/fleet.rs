//! The list of relationships and scopes, as it is filtered and sorted, folded or not.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Cell, Sheet, Table};
use crate::app::compared::{Compared, counts_of};
use crate::app::copy::relationship_words;
use crate::app::filter::Filter;
use crate::app::filter::fleet::Said;
use crate::app::fleet::relation::{Relation, UNTOLD};
use crate::app::pick;
use crate::app::state::AppState;
use crate::config::Grouping;
use crate::engine::survey::Relationship;
use crate::model::{DriftState, ScopeId};
use crate::show::{ScopeNames, plural, state_words};

const COLUMNS: &[&str] = &[
    "row",
    "relationship",
    "mode",
    "source",
    "source_state",
    "target",
    "target_state",
    "scope",
    "name",
    "drift",
    "reason",
    "create",
    "update",
    "delete",
    "used_percent",
    "marked",
];

/// Of these the columns from the relationship to the target's state.
const SHARED: usize = 6;

/// What is kept of a relationship to write its rows without the screen.
struct Group {
    shared: [Cell; SHARED],
    drift: String,
    compared: Option<Arc<Compared>>,
    known: Known,
    marks: BTreeSet<ScopeId>,
    used: Vec<u8>,
}

/// Of when the comparison is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Now,
    /// Of before: its servers are being read or compared again.
    Before,
    /// Of the other direction: it says nothing.
    OtherWay,
}

/// A row: a relationship, a scope of one by its place in the drift, or a server.
enum Row {
    Head(usize),
    Scope(usize, u32),
    Server(Vec<Cell>),
}

/// The list, taken from the screen without its texts.
pub(super) fn sheet(state: &AppState) -> Sheet {
    let filter = Filter::fleet(&state.tree.filter, &state.survey);
    let order = &state.tree.order;
    let known: Vec<(&Relationship, &Relation)> =
        order.iter().filter_map(|name| Some((state.relationship(name)?, state.relations.get(name)?))).collect();
    let groups: Vec<Group> = known.iter().map(|(found, relation)| group(state, found, relation)).collect();
    let fits = |found: &Relationship, relation: &Relation| Said::of(found, relation.compared.as_deref()).fits(&filter);
    let shown = |at: u32, relation: &Relation| relation.is_shown(at as usize);
    let mut rows = Vec::new();
    if state.tree.grouping == Grouping::None {
        let places: Vec<Option<usize>> =
            order.iter().map(|name| known.iter().position(|(found, _)| found.name == *name)).collect();
        let place = |number: u32| places.get(number as usize).copied().flatten();
        let all = state.tree.all.iter().filter_map(|(number, at)| Some((place(*number)?, *at)));
        rows.extend(all.filter(|(group, at)| shown(*at, known[*group].1)).map(|(group, at)| Row::Scope(group, at)));
    }
    for (group, (found, relation)) in known.iter().enumerate() {
        let listed = relation.order.iter().copied().filter(|at| shown(*at, relation));
        match state.tree.grouping {
            Grouping::None if relation.compared.is_some() => {}
            _ if !fits(found, relation) && relation.shown().next().is_none() => {}
            Grouping::None => rows.push(Row::Head(group)),
            _ => {
                rows.push(Row::Head(group));
                rows.extend(listed.map(|at| Row::Scope(group, at)));
            }
        }
    }
    let in_one = |name| known.iter().any(|(found, _)| found.member_index(name).is_some());
    let servers = state.survey.servers.iter().filter(|server| !in_one(&server.name) && filter.server(server));
    rows.extend(servers.map(|server| {
        let drift = match &server.outcome {
            None => "being read",
            Some(Ok(_)) => "in no relationship",
            Some(Err(_)) => "unknown",
        };
        let reason = server.failure().map(ToString::to_string);
        let mut cells: Vec<Cell> = vec![Cell::Nothing; COLUMNS.len()];
        let said = [(0, "server".into()), (3, server.name.as_str().into()), (9, drift.into()), (10, reason.into())];
        said.into_iter().for_each(|(at, cell)| cells[at] = cell);
        Row::Server(cells)
    }));
    let names = state.names.clone();
    let filtered = if state.tree.filter.trim().is_empty() { "" } else { " that the filter leaves" };
    let words = format!("{} of the list{filtered}", plural(rows.len(), "line"));
    Sheet::of(words, "list", state.clock, move || table(&groups, rows, &names))
}

fn group(state: &AppState, found: &Relationship, relation: &Relation) -> Group {
    let source = state.source_member(found);
    let [from, to] = pick::directed(state, found).map(crate::engine::survey::Member::shown);
    let said = |member| Cell::from(state_words(found, member));
    Group {
        shared: [
            found.name.to_string().into(),
            found.mode.to_string().into(),
            from.into(),
            said(source),
            to.into(),
            said(1 - source),
        ],
        drift: relationship_words(state, found, relation),
        compared: relation.compared.clone(),
        known: match () {
            () if relation.turned => Known::OtherWay,
            () if state.is_stale(found) => Known::Before,
            () => Known::Now,
        },
        marks: relation.marks.clone(),
        used: relation.used.clone(),
    }
}

fn table(groups: &[Group], rows: Vec<Row>, names: &ScopeNames) -> Table {
    let rows = rows.into_iter().filter_map(|row| match row {
        Row::Server(cells) => Some(cells),
        Row::Head(at) => Some(head(groups.get(at)?)),
        Row::Scope(group, at) => scope(groups.get(group)?, at as usize, names),
    });
    Table { what: "list", columns: COLUMNS, rows: rows.collect() }
}

fn head(group: &Group) -> Vec<Cell> {
    let counts = group.compared.as_ref().filter(|_| group.known != Known::OtherWay).map(|compared| compared.counts);
    let count = |at: usize| Cell::from(counts.map(|counts| counts[at]));
    let own = [Cell::Nothing, Cell::Nothing, group.drift.as_str().into(), Cell::Nothing, count(0), count(1), count(2)];
    let marked = if group.marks.is_empty() { Cell::Nothing } else { group.marks.len().into() };
    row("relationship", group, own, [Cell::Nothing, marked])
}

fn scope(group: &Group, at: usize, names: &ScopeNames) -> Option<Vec<Cell>> {
    let compared = group.compared.as_ref()?;
    let scope = compared.drift.scopes.get(at)?;
    let is_told = group.known != Known::OtherWay;
    let counts = counts_of(scope).map(|count| Cell::from((is_told && scope.can_replicate()).then_some(count)));
    let [create, update, delete] = counts;
    let reason = scope.reason.clone().or_else(|| compared.refused.get(&scope.id).cloned()).filter(|_| is_told);
    let reason =
        reason.or_else(|| (group.known == Known::Before).then(|| "as it was known last: being checked".into()));
    let drift = if is_told { &scope.state } else { &DriftState::Checking }.words();
    let name = scope.name.as_ref().map(ToString::to_string);
    let own = [names.name(scope.id).into(), name.into(), drift.into(), reason.into(), create, update, delete];
    let used = group.used.get(at).filter(|used| **used != UNTOLD).map(|used| usize::from(*used));
    let marked = if group.marks.contains(&scope.id) { 1usize.into() } else { Cell::Nothing };
    Some(row("scope", group, own, [used.into(), marked]))
}

fn row(kind: &str, group: &Group, own: [Cell; 7], last: [Cell; 2]) -> Vec<Cell> {
    std::iter::once(kind.into()).chain(group.shared.iter().cloned()).chain(own).chain(last).collect()
}
