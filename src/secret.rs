//! Where a password comes from, and the password itself: shown by no formatter, wiped from memory.

#[cfg(feature = "web")]
mod obtain;

use std::fmt;
use std::path::PathBuf;
#[cfg(feature = "web")]
use std::sync::{Arc, Mutex};

use secrecy::{ExposeSecret, SecretString};
#[cfg(feature = "web")]
use tokio::sync::OnceCell;

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

/// A password and where it comes from. It is got once and kept until it is forgotten.
#[derive(Debug)]
pub struct Keeper {
    from: Secret,
    #[cfg(feature = "web")]
    kept: Mutex<Arc<OnceCell<SecretString>>>,
}

impl Keeper {
    /// Nothing is got yet.
    pub fn new(from: Secret) -> Self {
        Keeper {
            from,
            #[cfg(feature = "web")]
            kept: Mutex::default(),
        }
    }

    /// Where the password is from.
    pub fn from(&self) -> &Secret {
        &self.from
    }
}

impl PartialEq for Keeper {
    fn eq(&self, other: &Self) -> bool {
        self.from == other.from
    }
}

impl Eq for Keeper {}

/// Text of the configuration file that no formatter shows: a password, or all of it, as a
/// password may stand in it.
#[derive(Clone)]
pub struct Inline(SecretString);

impl Inline {
    /// Keeps this text.
    pub fn new(text: impl Into<String>) -> Self {
        Inline(text.into().into())
    }

    /// The text.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
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
