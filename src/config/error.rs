//! What can be wrong with a configuration.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// Why there is no configuration to work with. The texts are for the operator,
/// may have several lines, and hold no control characters of the file.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file that was asked for by name is not there.
    #[error("there is no configuration file {}, which {asked_by} asks for", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The argument or environment variable.
        asked_by: &'static str,
    },
    /// A file is there and cannot be read.
    #[error("cannot read the {what} file {}: {source}", .path.display())]
    Unreadable {
        /// What stands in it: a configuration, or a theme.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file was read and says something that it must not.
    #[error("{}", listing(.what, .path, .problems))]
    Invalid {
        /// What stands in it: a configuration, or a theme.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Everything that is wrong, in the order of the file; never empty.
        problems: Vec<Problem>,
    },
}

/// One mistake in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

fn listing(what: &str, path: &std::path::Path, problems: &[Problem]) -> String {
    let path = path.display();
    let lines: Vec<String> = problems.iter().map(|problem| format!("{path}:{problem}")).collect();
    match lines.as_slice() {
        [only] => only.clone(),
        many => format!("the {what} has {} mistakes:\n{}", many.len(), many.join("\n")),
    }
}
