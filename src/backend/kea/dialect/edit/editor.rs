//! From wanted values to the bytes to replace.

use std::ops::Range;

use serde_json::Value as Json;

use super::super::print::Style;
use super::super::{Document, FileIndex, Node, Value};
use super::align::{self, Pair};
use super::change::{Change, Inside};
use super::layout::line_indent;
use super::list::{List, Slot};
use super::{EditError, Splice, same};
use crate::model::Foreign;

/// Walks the tree along the changes and collects splices.
pub(super) struct Editor<'a> {
    pub(super) document: &'a Document,
    pub(super) style: Style,
    pub(super) splices: Vec<Splice>,
}

impl<'a> Editor<'a> {
    pub(super) fn change(&mut self, node: &'a Node, change: &Change<'a>) -> Result<(), EditError> {
        match change {
            Change::Set(want) => self.rewrite(node, want),
            Change::Remove => Err(self.nowhere("the outermost value cannot be removed")),
            Change::Inside(inside) => self.change_inside(node, inside),
        }
    }

    fn change_inside(&mut self, node: &'a Node, inside: &Inside<'a>) -> Result<(), EditError> {
        if inside.is_empty() {
            return Ok(());
        }
        let mut fresh = Vec::new();
        let mut slots = Vec::new();
        match &node.value {
            Value::Object(members) if inside.indices.is_empty() && inside.appended.is_empty() => {
                for (index, (key, child)) in members.iter().enumerate() {
                    let change = inside.keys.iter().find(|(k, _)| *k == key.text);
                    if self.keep(child, change.map(|(_, c)| c))? {
                        slots.push(Slot::Old(index));
                    }
                }
                for (key, change) in inside.keys.iter().filter(|(key, _)| node.get(key).is_none()) {
                    match change {
                        Change::Set(value) => fresh.push((*key, (*value).clone())),
                        Change::Inside(inside) if inside.keys.is_empty() && inside.indices.is_empty() => {
                            fresh.push((*key, inside.fresh()));
                        }
                        _ => return Err(self.nowhere("there is no such member")),
                    }
                }
            }
            Value::Array(elements) if inside.keys.is_empty() => {
                if inside.indices.keys().any(|index| *index >= elements.len()) {
                    return Err(self.nowhere("there is no such element"));
                }
                for (index, child) in elements.iter().enumerate() {
                    if self.keep(child, inside.indices.get(&index))? {
                        slots.push(Slot::Old(index));
                    }
                }
                slots.extend(inside.appended.iter().map(|value| Slot::New(None, value)));
            }
            _ => return Err(self.nowhere("a key needs an object, a number an array")),
        }
        slots.extend(fresh.iter().map(|(key, value)| Slot::New(Some(key), value)));
        self.arrange(node, &slots)
    }

    /// Changes an item inside; false if it shall go.
    fn keep(&mut self, child: &'a Node, change: Option<&Change<'a>>) -> Result<bool, EditError> {
        match change {
            Some(Change::Remove) => return Ok(false),
            Some(change) => self.change(child, change)?,
            None => {}
        }
        Ok(true)
    }

    /// Makes a value another one and keeps what is equal in both.
    fn rewrite(&mut self, node: &'a Node, want: &'a Json) -> Result<(), EditError> {
        if same(node, want) {
            return Ok(());
        }
        match (&node.value, want) {
            (Value::Object(members), Json::Object(wanted)) => {
                let mut slots = Vec::new();
                for (index, (key, child)) in members.iter().enumerate() {
                    if let Some(want) = wanted.get(&key.text) {
                        self.rewrite(child, want)?;
                        slots.push(Slot::Old(index));
                    }
                }
                let added = wanted.iter().filter(|(key, _)| node.get(key).is_none());
                slots.extend(added.map(|(key, value)| Slot::New(Some(key), value)));
                self.arrange(node, &slots)
            }
            (Value::Array(elements), Json::Array(wanted)) => {
                let mut slots = Vec::new();
                for pair in align::align(elements, wanted) {
                    match pair {
                        Pair::Same(index) => slots.push(Slot::Old(index)),
                        Pair::Changed(index, want) => {
                            self.rewrite(&elements[index], want)?;
                            slots.push(Slot::Old(index));
                        }
                        Pair::New(value) => slots.push(Slot::New(None, value)),
                    }
                }
                self.arrange(node, &slots)
            }
            _ => {
                let range = self.whole(node)?;
                let indent = line_indent(self.document.text(), range.start);
                let text = self.style.pretty(want, &indent);
                self.splices.push(Splice { range, text });
                Ok(())
            }
        }
    }

    fn arrange(&mut self, node: &Node, slots: &[Slot]) -> Result<(), EditError> {
        let items = match &node.value {
            Value::Array(elements) => elements.iter().map(|e| e.main_span()).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| {
                    let end = value.main_span().map(|span| span.end).or_else(|| self.directive_end(value))?;
                    (key.start.file == FileIndex::MAIN).then(|| key.start.offset()..end)
                })
                .collect(),
            _ => Vec::new(),
        };
        let unchanged = slots.len() == items.len() && slots.iter().all(|s| matches!(s, Slot::Old(_)));
        if unchanged {
            return Ok(());
        }
        let span = node.main_span().ok_or_else(|| self.in_include(node))?;
        let list = List::new(self.document, &self.style, span.start + 1..span.end - 1, items, node.trailing_comma);
        let splices = list.arrange(slots)?;
        self.splices.extend(splices);
        Ok(())
    }

    /// Where the directive ends that brings the whole value.
    fn directive_end(&self, node: &Node) -> Option<usize> {
        let (start, end) = self.document.source(node.start.file).directive?;
        (node.start.file == node.end.file && start.file == FileIndex::MAIN).then(|| end.offset())
    }

    /// The bytes of a value that goes as a whole.
    fn whole(&self, node: &Node) -> Result<Range<usize>, EditError> {
        match (node.main_span(), self.document.include_of(node)) {
            (Some(span), None) => Ok(span),
            _ => Err(self.in_include(node)),
        }
    }

    fn in_include(&self, node: &Node) -> EditError {
        let Some(include) = self.document.include_of(node) else {
            return EditError::Tangled { near: self.document.place(node.start) };
        };
        let mut near = node.start;
        while let Some((at, _)) = self.document.source(near.file).directive {
            near = at;
        }
        EditError::Include {
            include: Foreign::from(include.path.to_string_lossy().into_owned()),
            near: self.document.place(near),
        }
    }

    fn nowhere(&self, why: &'static str) -> EditError {
        EditError::Path { at: Foreign::from("the wanted place"), why }
    }
}
