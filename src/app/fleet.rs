//! The fleet in one list: relationships with their scopes, and servers in none. What is listed
//! how, and what the cursor stands on.
//!
//! ```text
//! comparison -> facts -> order (sort) -> what fits (filter) -> rows (group, fold) -> window
//! ```
//!
//! Each step is done again only when what is before it has changed; a frame looks at the rows
//! of its window alone.

pub mod facts;
pub mod marks;
pub mod relation;
pub mod rows;
pub mod sort;
pub mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Column, Grouping};
use crate::engine::compare::ScopeDrift;
use crate::engine::port::Utilisation;
use crate::engine::survey::Relationship;
use crate::model::{Foreign, ScopeId, ServerName};

use super::compared::Compared;
use super::filter::Filter;
use super::filter::fleet::Said;
use super::state::AppState;
use relation::{Relation, Used};
use rows::{Row, RowKey};

impl AppState {
    /// The relationship that the cursor stands on or in, with what the screen keeps of it.
    pub fn current(&self) -> Option<(&Relationship, &Relation)> {
        let name = self.current_name()?;
        Some((self.relationship(name)?, self.relations.get(name)?))
    }

    /// What the screen keeps of that relationship, to change it.
    pub fn current_mut(&mut self) -> Option<&mut Relation> {
        let name = self.current_name()?.clone();
        self.relations.get_mut(&name)
    }

    fn current_name(&self) -> Option<&Foreign> {
        self.tree.rows.node(self.tree.row()?)?.key.relationship.as_ref()
    }

    /// The scope that the cursor stands on.
    pub fn current_scope(&self) -> Option<&ScopeDrift> {
        let Row::Scope { at, .. } = self.tree.row()? else { return None };
        self.current()?.1.compared.as_ref()?.drift.scopes.get(at as usize)
    }

    /// The server that the cursor stands on.
    pub fn current_server(&self) -> Option<&ServerName> {
        let Row::Node(_) = self.tree.row()? else { return None };
        let key = &self.tree.rows.node(self.tree.row()?)?.key;
        key.server.as_ref().filter(|_| key.relationship.is_none())
    }
}

/// Lists what the servers tell, after that has changed.
pub fn relist(state: &mut AppState) {
    for relationship in &state.survey.relationships {
        state.relations.entry(relationship.name.clone()).or_default();
    }
    if !state.tree.touched {
        return sort(state);
    }
    let order = &mut state.tree.order;
    for found in &state.survey.relationships {
        if !order.contains(&found.name) {
            order.push(found.name.clone());
        }
    }
    filter(state);
}

/// Takes a comparison. What the operator looks at stays where it is.
pub fn compared(state: &mut AppState, name: &Foreign, compared: Arc<Compared>) {
    let looks_at = match state.tree.grouping {
        Grouping::None => true,
        _ => state.current().is_some_and(|(current, _)| current.name == *name),
    };
    let servers = servers(state, name);
    let told = servers.each_ref().map(|server| used(&state.utilisation, server.as_ref()));
    let Some(relation) = state.relations.get_mut(name) else { return };
    let resorts = !state.tree.touched || relation.resorts;
    let kept = looks_at && !resorts && relation.compared.is_some();
    relation.resorts &= compared.pending;
    let was_turned = std::mem::take(&mut relation.turned);
    if let (true, false, Some(old)) = (state.watch.on, was_turned, &relation.compared) {
        relation.news.take(old, &compared);
    }
    let moved = relation.compare(compared, told, state.tree.sort, kept);
    let len = relation.order.len();
    if resorts {
        sort_relationships(state);
    }
    match state.tree.order.iter().position(|known| known == name) {
        Some(number) if kept => carry(&mut state.tree.all, number, moved.as_deref(), len),
        _ => sort_all(state),
    }
    refit(state, name, &Filter::fleet(&state.tree.filter, &state.survey));
    rebuild(state);
}

/// Takes what a server tells of addresses in use.
pub fn utilised(state: &mut AppState, server: &ServerName) {
    let names = state.survey.relationships.iter().filter(|found| found.member_index(server).is_some());
    let names: Vec<Foreign> = names.map(|found| found.name.clone()).collect();
    for name in names {
        let servers = servers(state, &name);
        let told = servers.each_ref().map(|server| used(&state.utilisation, server.as_ref()));
        if let Some(relation) = state.relations.get_mut(&name) {
            relation.fill(told);
        }
    }
    if Filter::fleet(&state.tree.filter, &state.survey).asks_for_use() {
        filter(state);
    }
}

/// The servers of a relationship, source first.
fn servers(state: &AppState, name: &Foreign) -> [Option<ServerName>; 2] {
    match state.relationship(name) {
        Some(found) => super::pick::directed(state, found).map(|member| member.server().cloned()),
        None => [None, None],
    }
}

fn used<'a>(
    told: &'a BTreeMap<ServerName, Option<BTreeMap<ScopeId, Utilisation>>>,
    server: Option<&ServerName>,
) -> Used<'a> {
    told.get(server?)?.as_ref()
}

/// Sorts everything anew.
pub fn sort(state: &mut AppState) {
    let by = state.tree.sort;
    state.relations.values_mut().for_each(|relation| relation.sort(by));
    sort_relationships(state);
    sort_all(state);
    filter(state);
}

fn sort_relationships(state: &mut AppState) {
    state.tree.order = sorted_relationships(state);
}

fn sorted_relationships(state: &AppState) -> Vec<Foreign> {
    let mut order: Vec<&Relationship> = state.survey.relationships.iter().collect();
    order.sort_by_cached_key(|found| state.tree.sort.relationship(state, found));
    order.into_iter().map(|found| found.name.clone()).collect()
}

fn sort_all(state: &mut AppState) {
    if state.tree.grouping != Grouping::None {
        return state.tree.all.clear();
    }
    let relations: Vec<Option<&Relation>> = state.tree.order.iter().map(|name| state.relations.get(name)).collect();
    state.tree.all = state.tree.sort.all(&relations);
}

/// Puts the scopes of one relationship where they are now, new ones at the end.
fn carry(all: &mut Vec<(u32, u32)>, number: usize, moved: Option<&[Option<u32>]>, len: usize) {
    let Some(number) = u32::try_from(number).ok() else { return };
    let mut listed = vec![false; len];
    all.retain_mut(|(relation, at)| {
        if *relation != number {
            return true;
        }
        let now = moved.map_or(Some(*at), |moved| moved.get(*at as usize).copied().flatten());
        *at = now.unwrap_or_default();
        if let Some(listed) = now.and_then(|now| listed.get_mut(now as usize)) {
            *listed = true;
        }
        now.is_some()
    });
    all.extend((0u32..).zip(listed).filter(|(_, listed)| !listed).map(|(at, _)| (number, at)));
}

/// After the operator has changed the filter: an order of before is not kept any longer.
pub fn filtered(state: &mut AppState) {
    if state.tree.is_outdated { sort(state) } else { filter(state) }
}

/// Filters everything anew.
fn filter(state: &mut AppState) {
    let names: Vec<Foreign> = state.relations.keys().cloned().collect();
    let filter = Filter::fleet(&state.tree.filter, &state.survey);
    names.iter().for_each(|name| refit(state, name, &filter));
    rebuild(state);
}

fn refit(state: &mut AppState, name: &Foreign, filter: &Filter) {
    let Some(found) = state.survey.relationships.iter().find(|found| found.name == *name) else { return };
    if let Some(relation) = state.relations.get_mut(name) {
        relation.refilter(filter, &Said::of(found, relation.compared.as_deref()));
    }
}

/// Lists the lines anew, after something was opened, closed, sorted or filtered.
pub fn rebuild(state: &mut AppState) {
    let rows = rows::build(state);
    state.tree.take(rows);
    let moved = state.tree.touched && sorted_relationships(state) != state.tree.order;
    state.tree.is_outdated = moved || state.relations.values().any(|relation| relation.outdated);
    marks::count_hidden(state);
}

/// Has everything sorted anew as it is compared again.
pub fn resort_when_compared(state: &mut AppState) {
    state.relations.values_mut().for_each(|relation| relation.resorts = true);
}

/// Sorts by the next column that is shown; first by the same one, where the order is of before.
pub fn sort_by_next(state: &mut AppState) {
    if !state.tree.is_outdated {
        let columns = self::columns(state);
        let at = columns.iter().position(|column| *column == state.tree.sort.column).unwrap_or(columns.len() - 1);
        state.tree.sort = sort::Sort { column: columns[(at + 1) % columns.len()], reversed: false };
    }
    sort(state);
}

/// The columns that are wanted, the first one among them.
pub fn columns(state: &AppState) -> Vec<Column> {
    let wanted = &state.setting.screen.columns;
    let own = (state.tree.grouping == Grouping::None && !wanted.contains(&Column::Relationship))
        .then_some(Column::Relationship);
    std::iter::once(Column::Scope).chain(own).chain(wanted.iter().copied()).collect()
}

/// Lists scopes under something else.
pub fn group_by_next(state: &mut AppState) {
    let key = state.tree.key();
    let grouping = match state.tree.grouping {
        Grouping::Relationship => Grouping::Server,
        Grouping::Server => Grouping::None,
        Grouping::None => Grouping::Relationship,
    };
    state.tree.grouping = grouping;
    state.tree.range = None;
    sort(state);
    let Some(RowKey { relationship: Some(name), scope, .. }) = key else { return };
    let server = servers(state, &name).into_iter().flatten().next().filter(|_| grouping == Grouping::Server);
    let key = RowKey { server, relationship: Some(name), scope };
    if scope.is_some() {
        state.tree.opened.insert(key.head(), true);
        rebuild(state);
    }
    state.tree.seek(key);
}

/// What scopes are listed under, in words.
pub fn grouping_words(grouping: Grouping) -> &'static str {
    match grouping {
        Grouping::Relationship => "scopes by relationship",
        Grouping::Server => "scopes by server and relationship",
        Grouping::None => "all scopes in one list",
    }
}

/// The operator has pressed a key: what is listed stays where it is from now on.
pub fn touch(state: &mut AppState) {
    if std::mem::replace(&mut state.tree.touched, true) {
        return;
    }
    let open = state.tree.rows.nodes.iter().map(|node| (node.key.clone(), node.is_open));
    state.tree.opened.extend(open.collect::<Vec<_>>());
}

/// Opens or closes what the cursor stands on or in.
pub fn fold(state: &mut AppState, open: bool) {
    let Some(key) = state.tree.key().map(|key| key.head()) else { return };
    state.tree.opened.insert(key.clone(), open);
    rebuild(state);
    if !open {
        state.tree.seek(key);
    }
}

/// Whether what the cursor stands on or in is open.
pub fn is_open(state: &AppState) -> bool {
    state.tree.row().and_then(|row| state.tree.rows.node(row)).is_some_and(|node| node.is_open)
}

/// Closes all, or opens all where all are closed.
pub fn fold_all(state: &mut AppState) {
    let folds = |node: &&rows::Node| node.key.relationship.is_some() && node.row.is_some();
    let nodes = || state.tree.rows.nodes.iter().filter(folds);
    let open = !nodes().any(|node| node.is_open);
    let keys: Vec<RowKey> = nodes().map(|node| node.key.clone()).collect();
    state.tree.opened.extend(keys.into_iter().map(|key| (key, open)));
    rebuild(state);
    if let (false, Some(key)) = (open, state.tree.key()) {
        state.tree.seek(key.head());
    }
}

/// After the cursor has moved: what is no longer looked at need not stay where it was.
pub fn left(state: &mut AppState, from: Option<RowKey>) {
    let Some(name) = from.and_then(|key| key.relationship) else { return };
    let by = state.tree.sort;
    if state.tree.grouping == Grouping::None || state.current().is_some_and(|(current, _)| current.name == name) {
        return;
    }
    if let Some(relation) = state.relations.get_mut(&name).filter(|relation| relation.outdated) {
        relation.sort(by);
        rebuild(state);
    }
}
