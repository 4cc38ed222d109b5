//! Where a password comes from, and the password itself: shown by no formatter, wiped from memory.

#[cfg(feature = "web")]
mod obtain;

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

#[cfg(feature = "web")]
pub use obtain::Keeper;

/// Where a password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// An environment variable of this name.
    Env(String),
    /// A file: all of it but the newline at its end.
    File(PathBuf),
    /// What a program prints, without the newline at its end: the program and its arguments.
    Command(Vec<String>),
    /// It stands in the configuration file.
    Inline(Inline),
}

impl Secret {
    /// Where the password is from, in words.
    pub fn place(&self) -> String {
        match self {
            Secret::Env(name) => format!("the environment variable {name}"),
            Secret::File(path) => format!("the file {}", path.display()),
            // its arguments may be nobody else's business
            Secret::Command(words) => format!("what {} prints", words.first().map_or("a command", String::as_str)),
            Secret::Inline(_) => "the configuration file, where it stands in clear".to_owned(),
        }
    }
}

/// A password that stands in the configuration file.
#[derive(Clone)]
pub struct Inline(SecretString);

impl Inline {
    /// Keeps this text.
    pub fn new(text: impl Into<String>) -> Self {
        Inline(text.into().into())
    }
}

impl fmt::Debug for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl PartialEq for Inline {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for Inline {}
