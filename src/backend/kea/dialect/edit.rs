//! Changes in a file that leave every other byte as it is.
//!
//! The unit is the member or element: one that stays keeps its bytes and the
//! comments around it; one that changes is changed inside, down to the plain
//! values that differ; one that goes takes its comma along; one that comes is
//! printed with the indentation of its neighbours. Comments outside of a removed
//! value are never removed.
//!
//! Whatever the layout was, the new text is read back and compared with the
//! wanted value before it is handed out.

mod align;
mod list;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::error::{Place, SyntaxError};
use super::lexer::path_of;
use super::print::Style;
use super::{Document, FileIndex, Node, Value, parse};
use crate::model::Foreign;
use align::Pair;
use list::{List, Slot};

/// One step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A member of an object.
    Key(String),
    /// An element of an array, counted from 0 before any edit.
    Index(usize),
    /// A new element behind all others; only as the last step.
    Append,
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

/// One place of a document and what shall stand there.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The way from the outermost value. A last key that is missing is added;
    /// before an [`Step::Append`] it is added with an array.
    pub at: Vec<Step>,
    /// The new value; `None` removes the old one.
    pub with: Option<Json>,
}

/// Why a document cannot be edited so.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// A way that leads nowhere, or two edits of one value.
    #[error("nothing can be changed at {at}: {why}")]
    Path {
        /// The way.
        at: Foreign,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The value stands in an include, as a whole or in part.
    #[error("what must change near {near} stands in the included file {include}: change it there")]
    Include {
        /// The included file.
        include: Foreign,
        /// The place in the file itself.
        near: Place,
    },
    /// Something stands between two elements that is neither comma nor comment.
    #[error("the text near {near} is put together from several files in a way that cannot be edited")]
    Tangled {
        /// The place in the file itself.
        near: Place,
    },
    /// The new text does not read as wanted: the edit is given up.
    #[error("the edited text would not read back as wanted{}", .0.as_ref().map(|e| format!(": {e}")).unwrap_or_default())]
    Check(Option<SyntaxError>),
}

impl Document {
    /// The text of the file itself with all the edits made.
    ///
    /// Ways and positions mean the document as it is, so the order of the edits
    /// does not matter, except among those that append to one array.
    ///
    /// # Errors
    /// [`EditError`]; nothing is changed then.
    ///
    /// ```
    /// # use scopesync::backend::kea::dialect::{self, edit::Edit};
    /// let text = b"{ \"a\": [ 1, /* two */ 2 ] } # end".to_vec();
    /// let document = dialect::parse("f", text, |_| Err("none".into()))?;
    /// let edit = Edit { at: vec!["a".into(), 0.into()], with: None };
    /// assert_eq!(document.edit(&[edit])?, b"{ \"a\": [ /* two */ 2 ] } # end");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn edit(&self, edits: &[Edit]) -> Result<Vec<u8>, EditError> {
        let mut tree = Change::Inside(Inside::default());
        for edit in edits {
            tree.add(edit, 0)?;
        }
        let mut editor = Editor { document: self, style: self.style(), splices: Vec::new() };
        editor.change(self.root(), &tree)?;
        let text = splice(self.text(), editor.splices)?;
        let mut want = self.root().to_json();
        tree.apply(&mut want);
        self.check(&text, &want)?;
        Ok(text)
    }

    /// Reads the new text, with the includes as they were, and compares.
    fn check(&self, text: &[u8], want: &Json) -> Result<(), EditError> {
        let includes: BTreeMap<&PathBuf, &Vec<u8>> = self.sources()[1..].iter().map(|s| (&s.path, &s.text)).collect();
        let name = self.sources()[0].path.clone();
        let read = parse(name, text.to_vec(), |name| {
            includes.get(&path_of(name)).map(|text| (*text).clone()).ok_or_else(|| "it was not read before".into())
        });
        match read {
            Ok(read) if same(read.root(), want) => Ok(()),
            Ok(_) => Err(EditError::Check(None)),
            Err(error) => Err(EditError::Check(Some(error))),
        }
    }

    /// The indentation of the outermost object's first member, and the first line's end.
    fn style(&self) -> Style {
        let text = self.text();
        let indented = |node: &Node| {
            let first = node.members().first()?.0.start;
            (first.file == node.start.file && first.file == FileIndex::MAIN)
                .then(|| list::indent_of(text, first.offset()))?
                .filter(|indent| !indent.is_empty())
        };
        let root = self.root();
        // Some files do not indent the outermost object: look one level deeper then.
        let unit = indented(root).or_else(|| root.members().first().and_then(|(_, node)| indented(node)));
        let crlf = text.iter().position(|b| *b == b'\n').is_some_and(|at| at > 0 && text[at - 1] == b'\r');
        Style { unit: unit.unwrap_or_else(|| Style::default().unit), newline: if crlf { "\r\n" } else { "\n" } }
    }
}

/// The edits of one value, gathered.
enum Change<'a> {
    Set(&'a Json),
    Remove,
    Inside(Inside<'a>),
}

#[derive(Default)]
struct Inside<'a> {
    keys: Vec<(&'a str, Change<'a>)>,
    indices: BTreeMap<usize, Change<'a>>,
    appended: Vec<&'a Json>,
}

impl<'a> Change<'a> {
    fn add(&mut self, edit: &'a Edit, depth: usize) -> Result<(), EditError> {
        let Change::Inside(inside) = self else { return Err(path_error(edit, "it is changed twice")) };
        let Some(step) = edit.at.get(depth) else {
            if !inside.is_empty() {
                return Err(path_error(edit, "it is changed twice"));
            }
            *self = edit.with.as_ref().map_or(Change::Remove, Change::Set);
            return Ok(());
        };
        let new = || Change::Inside(Inside::default());
        match step {
            Step::Append => match &edit.with {
                Some(value) if edit.at.len() == depth + 1 => {
                    inside.appended.push(value);
                    Ok(())
                }
                _ => Err(path_error(edit, "only a whole value can be appended")),
            },
            Step::Index(index) => inside.indices.entry(*index).or_insert_with(new).add(edit, depth + 1),
            Step::Key(key) => {
                let known = inside.keys.iter().position(|(k, _)| k == key);
                let at = known.unwrap_or_else(|| {
                    inside.keys.push((key, new()));
                    inside.keys.len() - 1
                });
                inside.keys[at].1.add(edit, depth + 1)
            }
        }
    }

    /// Makes the same change in a plain value.
    fn apply(&self, value: &mut Json) {
        match self {
            Change::Set(new) => *value = (*new).clone(),
            Change::Remove => {}
            Change::Inside(inside) => inside.apply(value),
        }
    }
}

impl Inside<'_> {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.indices.is_empty() && self.appended.is_empty()
    }

    fn apply(&self, value: &mut Json) {
        if let Json::Object(members) = value {
            for (key, change) in &self.keys {
                match change {
                    Change::Remove => drop(members.shift_remove(*key)),
                    Change::Inside(inside) if !members.contains_key(*key) => {
                        members.insert((*key).to_owned(), inside.fresh());
                    }
                    change => change.apply(members.entry(*key).or_insert(Json::Null)),
                }
            }
        }
        if let Json::Array(elements) = value {
            for (index, change) in self.indices.iter().rev() {
                match change {
                    Change::Remove => drop(elements.remove(*index)),
                    change => change.apply(&mut elements[*index]),
                }
            }
            elements.extend(self.appended.iter().map(|v| (*v).clone()));
        }
    }

    /// The array that a missing member gets.
    fn fresh(&self) -> Json {
        Json::Array(self.appended.iter().map(|v| (*v).clone()).collect())
    }
}

fn path_error(edit: &Edit, why: &'static str) -> EditError {
    let mut at = String::new();
    for step in &edit.at {
        match step {
            Step::Key(key) => at.extend(["/", key]),
            Step::Index(index) => at.push_str(&format!("/{index}")),
            Step::Append => at.push_str("/+"),
        }
    }
    EditError::Path { at: Foreign::from(at), why }
}

/// Bytes of the file itself and what comes in their place.
#[derive(Debug)]
struct Splice {
    range: Range<usize>,
    text: String,
}

struct Editor<'a> {
    document: &'a Document,
    style: Style,
    splices: Vec<Splice>,
}

impl<'a> Editor<'a> {
    fn change(&mut self, node: &'a Node, change: &Change<'a>) -> Result<(), EditError> {
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
                let indent = list::line_indent(self.document.text(), range.start);
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

/// Whether a node has this value.
fn same(node: &Node, want: &Json) -> bool {
    match (&node.value, want) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(a), Json::Bool(b)) => a == b,
        (Value::String(a), Json::String(b)) => a == b,
        (Value::Integer(a), Json::Number(b)) => b.as_i64() == Some(*a),
        (Value::Float(a), Json::Number(b)) => b.is_f64() && b.as_f64() == Some(*a),
        (Value::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(&key.text).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

/// Puts the splices in; they never overlap.
fn splice(text: &[u8], mut splices: Vec<Splice>) -> Result<Vec<u8>, EditError> {
    // Stable: what goes in at one place stays in the order in which it was decided.
    splices.sort_by_key(|s| (s.range.start, s.range.end));
    let mut out = Vec::with_capacity(text.len() + splices.iter().map(|s| s.text.len()).sum::<usize>());
    let mut from = 0;
    for Splice { range, text: new } in splices {
        let between = text.get(from..range.start).ok_or(EditError::Check(None))?;
        out.extend_from_slice(between);
        out.extend_from_slice(new.as_bytes());
        from = range.end;
    }
    out.extend_from_slice(&text[from..]);
    Ok(out)
}

#[cfg(test)]
mod tests;
