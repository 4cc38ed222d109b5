//! The list's cursor, window, and what the operator has chosen of it.

use std::collections::BTreeMap;

use super::rows::{Row, RowKey, Rows};
use super::sort::Sort;
use crate::app::list::window;
use crate::config::{Grouping, ScreenConfig};
use crate::model::Foreign;

/// The list of the whole fleet.
pub struct Tree {
    /// Its lines.
    pub rows: Rows,
    /// By what it is sorted.
    pub sort: Sort,
    /// What scopes are listed under.
    pub grouping: Grouping,
    /// What it is filtered by; empty for all.
    pub filter: String,
    /// The operator has pressed a key: what is listed stays where it is.
    pub touched: bool,
    /// Where a range of lines begins that is to be marked; it ends at the cursor.
    pub range: Option<RowKey>,
    /// Sorted now, lines would stand in another order.
    pub is_outdated: bool,
    /// Marked scopes that the filter hides.
    pub hidden_marks: usize,
    /// How often the operator has set or taken marks.
    pub(super) markings: u64,
    /// The first line shown, as drawn last.
    pub top: usize,
    /// Lines shown, as drawn last.
    pub height: usize,
    /// The relationships in the order in which they are listed.
    pub(in crate::app) order: Vec<Foreign>,
    /// All scopes in one list: of which of these relationships, and where in its drift.
    pub(in crate::app) all: Vec<(u32, u32)>,
    /// What was opened or closed by hand.
    pub(super) opened: BTreeMap<RowKey, bool>,
    /// What the cursor stands on; it may not be listed just now.
    cursor: Option<RowKey>,
    /// Its line.
    at: usize,
}

impl Tree {
    /// As the configuration wants it.
    pub fn new(screen: &ScreenConfig) -> Self {
        Tree {
            rows: Rows::default(),
            sort: Sort { column: screen.sort, reversed: false },
            grouping: screen.grouping,
            filter: String::new(),
            touched: false,
            range: None,
            is_outdated: false,
            hidden_marks: 0,
            markings: 0,
            top: 0,
            height: 0,
            order: Vec::new(),
            all: Vec::new(),
            opened: BTreeMap::new(),
            cursor: None,
            at: 0,
        }
    }

    /// The line of the cursor; `None` when nothing is listed.
    pub fn position(&self) -> Option<usize> {
        (self.at < self.rows.len()).then_some(self.at)
    }

    /// What the cursor stands on.
    pub fn row(&self) -> Option<Row> {
        self.rows.rows.get(self.at).copied()
    }

    /// The same, by what it is.
    pub fn key(&self) -> Option<RowKey> {
        self.rows.key(self.at)
    }

    /// Puts the cursor on a line, or on the last one.
    pub fn go(&mut self, at: usize) {
        self.at = at.min(self.rows.len().saturating_sub(1));
        self.cursor = self.key();
    }

    /// Puts the cursor on this, wherever it comes to stand.
    pub fn seek(&mut self, key: RowKey) {
        self.cursor = Some(key);
        self.settle();
    }

    /// Takes other lines. The cursor stays on what it stands on, and that on its line of the window.
    pub(super) fn take(&mut self, rows: Rows) {
        let above = self.at.saturating_sub(self.top);
        self.rows = rows;
        if self.touched {
            self.settle();
        } else {
            // Nobody has chosen anything yet: the first relationship that is found.
            let is_one = |row: &Row| matches!(self.rows.node(*row), Some(node) if node.key.relationship.is_some());
            self.go(self.rows.rows.iter().position(is_one).unwrap_or(0));
        }
        self.top = self.at.saturating_sub(above);
    }

    fn settle(&mut self) {
        let Some(key) = &self.cursor else { return self.go(self.at) };
        self.at = self.rows.find(key).unwrap_or_else(|| self.rows.instead(key, self.at));
    }

    /// The first line to show in a window of this height.
    pub fn window(&self, height: usize) -> usize {
        window(self.top, self.at, self.rows.len(), height)
    }

    /// The lines of the range that is being marked, the cursor's among them.
    pub fn range(&self) -> Option<std::ops::RangeInclusive<usize>> {
        let from = self.rows.find(self.range.as_ref()?)?;
        Some(from.min(self.at)..=from.max(self.at))
    }

    /// Whether what is under a relationship or server is listed. The only relationship is open
    /// from the start, of several none.
    pub fn is_open(&self, key: &RowKey) -> bool {
        let at_first = match (&key.relationship, self.grouping) {
            (None, _) => true,
            (Some(_), _) => self.order.len() == 1,
        };
        self.opened.get(key).copied().unwrap_or(at_first)
    }
}
