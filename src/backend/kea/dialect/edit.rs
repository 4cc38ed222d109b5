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
mod change;
mod editor;
mod gap;
mod layout;
mod list;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use serde_json::Value as Json;

use super::error::{Place, SyntaxError};
use super::lexer::path_of;
use super::print::Style;
use super::{Document, FileIndex, Node, Value, parse};
use crate::model::Foreign;
use change::{Change, Inside};
use editor::Editor;

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
        let includes: BTreeMap<&PathBuf, &Bytes> = self.sources()[1..].iter().map(|s| (&s.path, &s.text)).collect();
        let name = self.sources()[0].path.clone();
        let read = parse(name, text.to_vec(), |name| {
            includes.get(&path_of(name)).map(|text| text.to_vec()).ok_or_else(|| "it was not read before".into())
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
                .then(|| layout::indent_of(text, first.offset()))?
                .filter(|indent| !indent.is_empty())
        };
        let root = self.root();
        // Some files do not indent the outermost object: look one level deeper then.
        let unit = indented(root).or_else(|| root.members().first().and_then(|(_, node)| indented(node)));
        let crlf = text.iter().position(|b| *b == b'\n').is_some_and(|at| at > 0 && text[at - 1] == b'\r');
        Style { unit: unit.unwrap_or_else(|| Style::default().unit), newline: if crlf { "\r\n" } else { "\n" } }
    }
}

/// Bytes of the file itself and what comes in their place.
#[derive(Debug)]
struct Splice {
    range: Range<usize>,
    text: String,
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
