//! What can be wrong with a file, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::Foreign;

/// A file, line and column; both counted from 1, the column in bytes as Kea counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, by the name that it was opened with.
    pub path: PathBuf,
    /// The line.
    pub line: usize,
    /// The byte in the line.
    pub column: usize,
}

impl Place {
    pub(crate) fn of(path: &Path, text: &[u8], offset: usize) -> Place {
        let before = &text[..offset.min(text.len())];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        Place {
            path: path.to_owned(),
            line: before.iter().filter(|b| **b == b'\n').count() + 1,
            column: before.len() - line_start + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name of an include is text of the file: cleaned like all of it.
        let path = Foreign::from(self.path.to_string_lossy().into_owned());
        write!(f, "{path}:{}:{}", self.line, self.column)
    }
}

/// The first thing in a file that Kea would refuse, or that a limit forbids.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct SyntaxError {
    /// Where.
    pub place: Place,
    /// What.
    pub problem: Problem,
}

/// What is wrong. The messages never quote a value: it may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A byte with which nothing begins.
    #[error("{} cannot stand here{}", byte(*.0), if *.0 == 0xef { " (save the file without a byte order mark)" } else { "" })]
    Character(u8),
    /// Something else had to come.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What may stand here.
        expected: &'static str,
        /// What stands here.
        found: &'static str,
    },
    /// `,` with nothing before it.
    #[error("a comma must follow an element; Kea takes extra commas after one only")]
    LeadingComma,
    /// A string without its closing quote.
    #[error("the string that begins here is not closed")]
    OpenString,
    /// A newline, tab or the like in a string.
    #[error("{} in a string must be written as an escape", byte(*.0))]
    Control(u8),
    /// A backslash with something that Kea does not know after it.
    #[error("bad escape in a string: Kea knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four hexadecimal digits")]
    Escape,
    /// `\u0100` and above.
    #[error("Kea supports \\u escapes up to \\u00ff only; type the character itself")]
    WideEscape,
    /// Digits that make no number, or one out of range.
    #[error("Kea cannot hold this number: integers have 64 bits with a sign, others must be finite")]
    Number,
    /// `True` and the like.
    #[error("true, false and null are written in lower case")]
    KeywordCase,
    /// The same key twice in one object.
    #[error("the key \"{key}\" stands in this object already, at line {line} column {column} of {file}")]
    DuplicateKey {
        /// The key.
        key: Foreign,
        /// The file of the first one.
        file: Foreign,
        /// Its line.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// `/*` without `*/`.
    #[error("the comment that begins here is not closed in this file")]
    OpenComment,
    /// `<?` with something else than an include.
    #[error("a directive must read <?include \"FILE\"?>")]
    Directive,
    /// An include that cannot be read.
    #[error("cannot include \"{name}\": {message}")]
    Include {
        /// The name in the directive.
        name: Foreign,
        /// Why not.
        message: String,
        /// There is no such file.
        missing: bool,
    },
    /// Includes that include each other, or a chain of them that is too long.
    #[error("too many includes: Kea takes a chain of 11 files, and this program 10000 files in all")]
    TooManyIncludes,
    /// Objects and arrays too deep.
    #[error("more than 200 objects and arrays are open here")]
    TooDeep,
    /// A text of 4 GiB or more.
    #[error("the file is too big")]
    TooBig,
}

fn byte(b: u8) -> String {
    match b {
        b'\n' => "a newline".to_owned(),
        b'\t' => "a tab".to_owned(),
        b'\r' => "a carriage return".to_owned(),
        0x21..=0x7e => format!("\"{}\"", char::from(b)),
        _ => format!("the byte 0x{b:02x}"),
    }
}
