//! The lines of the list: which relationships, servers and scopes stand where.

use super::relation::Relation;
use super::tree::Tree;
use crate::app::filter::Filter;
use crate::app::filter::fleet::Said;
use crate::app::state::AppState;
use crate::config::Grouping;
use crate::engine::survey::Relationship;
use crate::model::{Foreign, ScopeId, ServerName};

/// What a line stands for. Cursor and marks are held by it, never by a line number.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// The server that it is listed under, or that it is.
    pub server: Option<ServerName>,
    /// The relationship; `None` for a server.
    pub relationship: Option<Foreign>,
    /// The scope; `None` for a server or relationship.
    pub scope: Option<ScopeId>,
}

impl RowKey {
    /// The relationship or server that this is listed under, or itself.
    pub fn head(&self) -> RowKey {
        RowKey { scope: None, ..self.clone() }
    }
}

/// A relationship or a server, with what is listed under it.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub key: RowKey,
    /// How far it is indented.
    pub depth: u16,
    /// Whether what is under it is listed.
    pub is_open: bool,
    /// Its own line; `None` where only its scopes are listed.
    pub row: Option<usize>,
    /// The line behind its last scope.
    pub end: usize,
}

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A relationship or server, by its place among the nodes.
    Node(u32),
    /// A scope.
    Scope {
        /// Of which node.
        node: u32,
        /// Its place in the drift.
        at: u32,
        /// Which it is.
        id: ScopeId,
    },
}

/// All lines.
#[derive(Debug, Default)]
pub struct Rows {
    /// Relationships and servers.
    pub nodes: Vec<Node>,
    /// The lines.
    pub rows: Vec<Row>,
}

impl Rows {
    /// How many lines.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The node of a line: itself, or that of the scope.
    pub fn node(&self, row: Row) -> Option<&Node> {
        let (Row::Node(node) | Row::Scope { node, .. }) = row;
        self.nodes.get(node as usize)
    }

    /// What is on a line.
    pub fn key(&self, at: usize) -> Option<RowKey> {
        let row = *self.rows.get(at)?;
        let key = self.node(row)?.key.clone();
        match row {
            Row::Node(_) => Some(key),
            Row::Scope { id, .. } => Some(RowKey { scope: Some(id), ..key }),
        }
    }

    /// The line of this.
    pub fn find(&self, key: &RowKey) -> Option<usize> {
        let at = self.node_of(key)?;
        let node = self.nodes.get(at)?;
        let Some(wanted) = key.scope else { return node.row };
        let (from, to) = if node.row.is_some() { (node.row?, node.end) } else { (0, self.rows.len()) };
        let is_it = |row: &Row| matches!(row, Row::Scope { node, id, .. } if *id == wanted && *node as usize == at);
        self.rows.get(from..to)?.iter().position(is_it).map(|place| from + place)
    }

    /// Where to stand instead of what is not listed: near where it was, at what it was under.
    pub fn instead(&self, key: &RowKey, near: usize) -> usize {
        let near = near.min(self.rows.len().saturating_sub(1));
        match self.node_of(key).and_then(|at| self.nodes.get(at)) {
            Some(Node { row: Some(row), end, .. }) if key.scope.is_some() && *end > row + 1 => {
                near.clamp(row + 1, end - 1)
            }
            Some(Node { row: Some(row), .. }) => *row,
            _ => near,
        }
    }

    fn node_of(&self, key: &RowKey) -> Option<usize> {
        let is_it = |node: &Node| node.key.relationship == key.relationship && node.key.server == key.server;
        self.nodes.iter().position(is_it)
    }

    fn push_node(&mut self, key: RowKey, depth: u16, is_open: bool) -> u32 {
        let number = self.push_hidden(key, depth, is_open);
        if let Some(node) = self.nodes.last_mut() {
            (node.row, node.end) = (Some(self.rows.len()), self.rows.len() + 1);
        }
        self.rows.push(Row::Node(number));
        number
    }

    fn push_hidden(&mut self, key: RowKey, depth: u16, is_open: bool) -> u32 {
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(Node { key, depth, is_open, row: None, end: 0 });
        number
    }

    fn push_scopes(&mut self, node: u32, relation: &Relation) {
        let scopes = relation.compared.as_ref().map_or(&[][..], |compared| &compared.drift.scopes);
        let shown = relation.order.iter().filter(|at| relation.is_shown(**at as usize));
        let row = |at: &u32| Some(Row::Scope { node, at: *at, id: scopes.get(*at as usize)?.id });
        self.rows.extend(shown.filter_map(row));
        if let Some(node) = self.nodes.last_mut() {
            node.end = self.rows.len();
        }
    }
}

/// Lists what there is, as it is grouped, sorted and filtered.
pub fn build(state: &AppState) -> Rows {
    let filter = Filter::fleet(&state.tree.filter, &state.survey);
    let mut list = Listing { state, tree: &state.tree, filter, rows: Rows::default() };
    match state.tree.grouping {
        Grouping::Relationship => {
            state.tree.order.iter().for_each(|name| list.relationship(name, None));
            list.loners();
        }
        Grouping::Server => list.servers(),
        Grouping::None => {
            list.all();
            list.loners();
        }
    }
    list.rows
}

struct Listing<'a> {
    state: &'a AppState,
    tree: &'a Tree,
    filter: Filter,
    rows: Rows,
}

impl<'a> Listing<'a> {
    fn known(&self, name: &Foreign) -> Option<(&'a Relationship, &'a Relation)> {
        Some((self.state.relationship(name)?, self.state.relations.get(name)?))
    }

    /// Whether the filter leaves a relationship for its own sake.
    fn fits(&self, found: &Relationship, relation: &Relation) -> bool {
        Said::of(found, relation.compared.as_deref()).fits(&self.filter)
    }

    /// A relationship and its scopes, where the filter leaves any of it.
    fn relationship(&mut self, name: &Foreign, under: Option<&ServerName>) {
        let Some((found, relation)) = self.known(name) else { return };
        let itself = self.fits(found, relation);
        if !itself && relation.shown().next().is_none() {
            return;
        }
        let key = RowKey { server: under.cloned(), relationship: Some(name.clone()), scope: None };
        // what the filter has found is to be seen
        let is_open = self.tree.is_open(&key) || !itself;
        let node = self.rows.push_node(key, u16::from(under.is_some()), is_open);
        if is_open {
            self.rows.push_scopes(node, relation);
        }
    }

    /// All servers, each with its relationships.
    fn servers(&mut self) {
        for report in &self.state.survey.servers {
            let has =
                |name: &&Foreign| self.known(name).is_some_and(|(found, _)| found.member_index(&report.name).is_some());
            let own: Vec<&Foreign> = self.tree.order.iter().filter(has).collect();
            let key = RowKey { server: Some(report.name.clone()), ..RowKey::default() };
            let is_open = self.tree.is_open(&key);
            let before = (self.rows.nodes.len(), self.rows.rows.len());
            self.rows.push_node(key, 0, is_open);
            let listed = self.rows.rows.len();
            if is_open {
                own.into_iter().for_each(|name| self.relationship(name, Some(&report.name)));
            }
            if self.rows.rows.len() == listed && !self.filter.server(report) {
                self.rows.nodes.truncate(before.0);
                self.rows.rows.truncate(before.1);
            }
        }
    }

    /// The scopes of all relationships; and those relationships that none is known of.
    fn all(&mut self) {
        let mut relations = Vec::new();
        for name in &self.tree.order {
            self.rows.push_hidden(RowKey { relationship: Some(name.clone()), ..RowKey::default() }, 0, true);
            relations.push(self.known(name).map(|(_, relation)| relation));
        }
        for (node, at) in &self.tree.all {
            let Some(relation) = relations.get(*node as usize).copied().flatten() else { continue };
            let scope = relation.compared.as_ref().and_then(|compared| compared.drift.scopes.get(*at as usize));
            if let Some(scope) = scope.filter(|_| relation.is_shown(*at as usize)) {
                self.rows.rows.push(Row::Scope { node: *node, at: *at, id: scope.id });
            }
        }
        for (number, relation) in (0u32..).zip(relations) {
            let nothing = |relation: &&Relation| relation.compared.as_ref().is_none_or(|c| c.drift.scopes.is_empty());
            let Some(relation) = relation.filter(nothing) else { continue };
            let name = self.rows.nodes.get(number as usize).and_then(|node| node.key.relationship.as_ref());
            let listed = name.and_then(|name| self.state.relationship(name));
            if listed.is_some_and(|found| self.fits(found, relation))
                && let Some(node) = self.rows.nodes.get_mut(number as usize)
            {
                (node.row, node.end) = (Some(self.rows.rows.len()), self.rows.rows.len() + 1);
                self.rows.rows.push(Row::Node(number));
            }
        }
    }

    /// Servers in no relationship, as far as is known.
    fn loners(&mut self) {
        let survey = &self.state.survey;
        for report in &survey.servers {
            let in_one = survey.relationships.iter().any(|found| found.member_index(&report.name).is_some());
            if !in_one && self.filter.server(report) {
                self.rows.push_node(RowKey { server: Some(report.name.clone()), ..RowKey::default() }, 0, false);
            }
        }
    }
}
