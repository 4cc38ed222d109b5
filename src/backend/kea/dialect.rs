//! Kea's dialect of JSON, read in full and edited in place.
//!
//! What Kea takes, measured with `kea-dhcp4 -t` of 2.2.0 and 3.0.4, which agree
//! in everything below:
//!
//! * Comments: `#` and `//` to the end of the line (a lone carriage return does not
//!   end it), `/* */` not nested. Between any two tokens, not inside a directive.
//! * Commas: any number of them after a member or element, also after the last one,
//!   also in the outermost object. None before the first one, none in an empty list.
//!   Each one too many is a warning in Kea's log.
//! * White space: blank, tab, carriage return, newline. No form feed, no byte order mark.
//! * `<?include "FILE"?>` wherever a token may stand: the text of FILE goes on in its
//!   place and ends between two tokens, so a part of an object may come from it.
//!   The name has no escapes. A relative one is searched in the working folder of the
//!   process, never beside the including file. At most 11 files deep.
//! * Strings are bytes, see [`text`]; newline and other control characters are refused,
//!   escapes are JSON's, but `\u` only up to `\u00ff`.
//! * Numbers: integers `-?[0-9]+` of 64 bits with a sign, leading zeros allowed;
//!   everything else with digits (`+1`, `.5`, `1.`, `1e5`) is floating point and must be finite.
//! * `true`, `false`, `null` in lower case only. A key given twice is refused.
//!
//! Bytes that are not UTF-8 are taken as they are, in comments and in strings: many
//! an old file has them.

pub mod edit;
mod error;
mod lexer;
mod parser;
pub mod print;
pub mod text;

use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;

pub use error::{Place, Problem, SyntaxError};
pub(crate) use lexer::path_of;

/// How many objects and arrays may be open at once.
///
/// Kea has no such limit; no configuration comes near it, and reading,
/// printing and dropping a tree of this depth fits every stack.
pub const MAX_DEPTH: usize = 200;

/// How many includes may be open at once (Kea's own limit).
pub const MAX_INCLUDE_DEPTH: usize = 11;

/// How many includes one document may have in all.
pub const MAX_INCLUDES: usize = 10_000;

/// Which text of a [`Document`]: 0 is the file itself, every include has a number
/// of its own, also where a file is included twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileIndex(u32);

impl FileIndex {
    /// The file itself.
    pub const MAIN: FileIndex = FileIndex(0);
}

/// A byte of one of a document's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The text.
    pub file: FileIndex,
    offset: u32,
}

impl Position {
    /// Bytes from the beginning of the text.
    pub fn offset(self) -> usize {
        self.offset as usize
    }
}

/// One of the texts that a document was read from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name as the directive or the caller gave it.
    pub path: PathBuf,
    /// The whole text.
    pub text: Bytes,
    /// The directive that includes it, and the byte after; `None` for the file itself.
    pub directive: Option<(Position, Position)>,
}

/// A file with everything that it includes.
#[derive(Clone, Debug)]
pub struct Document {
    sources: Vec<Source>,
    root: Node,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its first byte.
    pub start: Position,
    /// The byte after its last one; of another file than `start` where an include
    /// has only a part of the value.
    pub end: Position,
    /// A comma stands after the last element or member.
    pub trailing_comma: bool,
}

/// The value of a [`Node`].
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An integer of Kea's.
    Integer(i64),
    /// A finite floating point number.
    Float(f64),
    /// Text, see [`text`].
    String(String),
    /// An array.
    Array(Vec<Node>),
    /// An object; its keys differ.
    Object(Vec<(Key, Node)>),
}

/// The name of a member.
#[derive(Clone, Debug)]
pub struct Key {
    /// The name, see [`text`].
    pub text: String,
    /// Its opening quote.
    pub start: Position,
}

/// Reads a document; `load` fetches the text of an include by its name as written.
///
/// # Errors
/// The first thing that Kea would refuse, or that a limit forbids, with its place.
///
/// ```
/// # use scopesync::backend::kea::dialect;
/// let text = b"{ \"Dhcp4\": { \"valid-lifetime\": 4000, } } # ours".to_vec();
/// let document = dialect::parse("kea-dhcp4.conf", text, |_| Err("none".into()))?;
/// assert_eq!(document.root().to_json(), serde_json::json!({"Dhcp4": {"valid-lifetime": 4000}}));
/// # Ok::<(), dialect::SyntaxError>(())
/// ```
pub fn parse(
    path: impl Into<PathBuf>,
    text: impl Into<Bytes>,
    load: impl FnMut(&[u8]) -> Result<Vec<u8>, LoadError>,
) -> Result<Document, SyntaxError> {
    parser::parse(path.into(), text.into(), load)
}

/// The same as JSON text, for what is only read: the text of [`Node::to_json`] of the outermost
/// value, without the memory that a tree takes.
///
/// # Errors
/// As [`parse`].
pub fn to_json(
    path: impl Into<PathBuf>,
    text: impl Into<Bytes>,
    load: impl FnMut(&[u8]) -> Result<Vec<u8>, LoadError>,
) -> Result<Vec<u8>, SyntaxError> {
    parser::to_json(path.into(), text.into(), load)
}

/// Why an include could not be loaded.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct LoadError {
    /// What is wrong.
    pub message: String,
    /// There is no such file.
    pub missing: bool,
}

impl From<&str> for LoadError {
    fn from(message: &str) -> Self {
        LoadError { message: message.to_owned(), missing: false }
    }
}

impl Document {
    /// The outermost value.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The text of the file itself.
    pub fn text(&self) -> &[u8] {
        &self.source(FileIndex::MAIN).text
    }

    /// The file itself and its includes, in the order in which they were opened.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// One text.
    pub fn source(&self, file: FileIndex) -> &Source {
        &self.sources[file.0 as usize]
    }

    /// The include that holds a part of the value or the whole of it, if there is one.
    ///
    /// Such a value can be read; [`Document::edit`] changes those of its parts
    /// that stand in the file itself.
    pub fn include_of(&self, node: &Node) -> Option<&Source> {
        let inside = |p: Position| (p.file != FileIndex::MAIN).then(|| self.source(p.file));
        inside(node.start)
            .or_else(|| inside(node.end))
            .or_else(|| node.main_span().and_then(|span| self.include_within(&span)))
    }

    /// The first include whose directive stands in this part of the file itself.
    pub(crate) fn include_within(&self, span: &Range<usize>) -> Option<&Source> {
        self.sources
            .iter()
            .find(|s| s.directive.is_some_and(|(at, _)| at.file == FileIndex::MAIN && span.contains(&at.offset())))
    }

    /// Line and column of a byte, both counted from 1, the column in bytes as Kea counts it.
    pub fn place(&self, position: Position) -> Place {
        let source = self.source(position.file);
        Place::of(&source.path, &source.text, position.offset())
    }
}

impl Node {
    /// The bytes of the value, if it begins and ends in the file itself.
    pub fn main_span(&self) -> Option<Range<usize>> {
        (self.start.file == FileIndex::MAIN && self.end.file == FileIndex::MAIN)
            .then(|| self.start.offset()..self.end.offset())
    }

    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.members().iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    /// The elements; none if it is no array.
    pub fn elements(&self) -> &[Node] {
        match &self.value {
            Value::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The members in their order; none if it is no object.
    pub fn members(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// The value without its place.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Integer(i) => Json::from(*i),
            Value::Float(f) => Json::from(*f),
            Value::String(s) => Json::String(s.clone()),
            Value::Array(elements) => Json::Array(elements.iter().map(Node::to_json).collect()),
            Value::Object(members) => {
                Json::Object(members.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests;
