//! The configuration file: which servers there are, and how to deal with them.
//!
//! [`locate`] finds the file, [`Config::parse`] reads it. Every key is listed
//! once, in [`keys`]; reading, the reference table and the test of
//! `config.example.toml` all go by that list. What is wrong with a file is
//! reported all at once, each problem with its line, column and cure.

pub mod keys;

mod error;
mod kea;
mod keymap;
mod locate;
mod parse;
mod read;
mod screen;
mod server;
mod size;
pub mod theme;
mod web;
mod windows;

use std::path::PathBuf;
use std::time::Duration;

use crate::app::keymap::Keymap;
use crate::backend::web::Web;
use crate::backend::windows::access::{Access, Replicating};

pub use crate::engine::ignore::IgnoreRule;
pub use error::{ConfigError, Problem};
pub use keymap::PRESETS;
pub use keys::reference;
pub use locate::{Env, Folders, Located, locate, process_env};
pub(crate) use read::nearest;
pub use screen::{Column, Grouping, ScreenConfig};
pub use size::ByteSize;
pub use theme::{THEMES, ThemeChoice, ThemeFile};

/// Everything that a configuration file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The servers, in the order of the file.
    pub servers: Vec<ServerEntry>,
    /// Names for discovered relationships.
    pub relationships: Vec<RelationshipEntry>,
    /// Differences that are neither drift nor written.
    pub ignore: Vec<IgnoreRule>,
    /// Highest number of targets written side by side; 0 leaves the choice to the program.
    pub throttle_limit: u32,
    /// How much of past runs is kept.
    pub history: HistoryConfig,
    /// How the interactive program looks and behaves.
    pub screen: ScreenConfig,
    /// The keys of the interactive program.
    pub keymap: Keymap,
    /// Where and how much to log.
    pub log: LogConfig,
    /// What is no mistake and what the operator should hear of at every start.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// The server entry of that name.
    pub fn server(&self, name: &str) -> Option<&ServerEntry> {
        self.servers.iter().find(|server| server.name == name)
    }

    /// The name that the file gives to the relationship of these two servers, in either order.
    pub fn relationship_name(&self, one: &str, other: &str) -> Option<&str> {
        self.relationships.iter().find(|entry| entry.joins(one, other)).map(|entry| entry.name.as_str())
    }
}

/// One `[[server]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEntry {
    /// The name by which the operator knows the server; unique in a file.
    pub name: String,
    /// How the server is reached.
    pub endpoint: Endpoint,
    /// Never a target; nothing lifts it.
    pub read_only: bool,
    /// How long to wait for the server.
    pub timeouts: Timeouts,
    /// What happens to a running configuration after a replication.
    pub save: SavePolicy,
    /// In which way scopes are written to it; for running servers only.
    pub writer: WriterPolicy,
    /// How scopes are written to it; for Windows servers only.
    pub replicating: Replicating,
    /// Largest answer, or file, that is taken from the server.
    pub max_answer: ByteSize,
    /// The test of a new file before it replaces the old one; for files only.
    pub check: FileCheck,
}

impl ServerEntry {
    /// An entry with every default.
    pub fn new(name: impl Into<String>, endpoint: Endpoint) -> Self {
        let timeouts = Timeouts::of(&endpoint);
        Self {
            name: name.into(),
            endpoint,
            read_only: false,
            timeouts,
            save: SavePolicy::default(),
            writer: WriterPolicy::default(),
            replicating: Replicating::default(),
            max_answer: DEFAULT_MAX_ANSWER,
            check: FileCheck::default(),
        }
    }
}

/// Answers up to 256 MiB: several times the configuration of 100 000 reservations.
pub const DEFAULT_MAX_ANSWER: ByteSize = ByteSize(256 * 1024 * 1024);

/// How a server is reached. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// The control socket of a running Kea.
    KeaSocket(PathBuf),
    /// A `kea-dhcp4.conf`; no running server is asked.
    KeaFile(PathBuf),
    /// A running Kea, or its control agent, over HTTP.
    KeaUrl(Box<Web>),
    /// A Windows DHCP server, over WS-Management.
    Windows(Box<Access>),
}

impl Endpoint {
    /// How it is reached over HTTP; `None` where it is reached otherwise.
    pub fn web(&self) -> Option<&Web> {
        match self {
            Self::KeaUrl(web) => Some(web),
            Self::Windows(access) => Some(&access.web),
            Self::KeaSocket(_) | Self::KeaFile(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn web_mut(&mut self) -> Option<&mut Web> {
        match self {
            Self::KeaUrl(web) => Some(web),
            Self::Windows(access) => Some(&mut access.web),
            Self::KeaSocket(_) | Self::KeaFile(_) => None,
        }
    }

    /// The socket, file or URL, for messages.
    pub fn place(&self) -> String {
        match self {
            Self::KeaSocket(path) | Self::KeaFile(path) => path.display().to_string(),
            Self::KeaUrl(web) => web.address.to_string(),
            Self::Windows(access) => access.web.address.to_string(),
        }
    }
}

/// How long to wait for one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until a command that only reads has been answered in full.
    pub read: Duration,
    /// Until a command that writes has been answered in full.
    pub write: Duration,
}

impl Default for Timeouts {
    /// Kea takes 5 s to list 100 000 reservations and 20 s to load them; a write
    /// whose answer is given up has an unknown outcome, so that limit is generous.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), read: Duration::from_secs(30), write: Duration::from_secs(120) }
    }
}

impl Timeouts {
    /// The defaults for a server that is reached like this. A control agent waits 60 s for its
    /// server and then says what is wrong, which is worth waiting for.
    pub fn of(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::KeaUrl(_) => Self { read: Duration::from_secs(75), ..Self::default() },
            // beyond the 60 s after which WinRM itself gives an operation up
            Endpoint::Windows(_) => Self { read: Duration::from_secs(75), ..Self::default() },
            Endpoint::KeaSocket(_) | Endpoint::KeaFile(_) => Self::default(),
        }
    }
}

/// Whether a running configuration is written to the server's own file afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SavePolicy {
    /// Kea's `config-write`.
    #[default]
    ConfigWrite,
    /// The operator saves in another way.
    Never,
}

/// In which way scopes are written to a running server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriterPolicy {
    /// By the commands for single scopes where the server has them, else by replacing its
    /// whole configuration.
    #[default]
    Auto,
    /// By the commands for single scopes, or not at all.
    Commands,
    /// By replacing its whole configuration.
    WholeConfiguration,
}

/// The test of a new file before it replaces the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileCheck {
    /// Run this program with `-t` if the search path has it, else go without.
    WhenPresent(String),
    /// Run exactly this program with `-t`; the write is refused where it is missing.
    Always(PathBuf),
    /// No test.
    Off,
}

impl Default for FileCheck {
    fn default() -> Self {
        Self::WhenPresent("kea-dhcp4".to_owned())
    }
}

/// One `[[relationship]]`: a name for what two servers have between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationshipEntry {
    /// The name; unique in a file.
    pub name: String,
    /// Names of the two server entries.
    pub servers: [String; 2],
}

impl RelationshipEntry {
    /// Whether the entry is about these two servers, in either order.
    pub fn joins(&self, one: &str, other: &str) -> bool {
        let [first, second] = &self.servers;
        (first == one && second == other) || (first == other && second == one)
    }
}

/// The `[history]` section: whatever is beyond any of the limits goes, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryConfig {
    /// Runs of the last so many days are kept; 0 for no limit.
    pub keep_days: u32,
    /// So many runs are kept; 0 for no limit.
    pub keep_runs: u32,
    /// So much of them is kept.
    pub keep_size: ByteSize,
    /// From this size on a file of the audit is set aside.
    pub audit_size: ByteSize,
    /// So many files of the audit that were set aside are kept; 0 for all.
    pub audit_files: u32,
}

impl Default for HistoryConfig {
    /// A snapshot of a large scope takes some tens of KiB: a run of 10 000 scopes about 100 MiB.
    fn default() -> Self {
        Self {
            keep_days: 400,
            keep_runs: 10_000,
            keep_size: ByteSize(2 << 30),
            audit_size: ByteSize(10 << 20),
            audit_files: 0,
        }
    }
}

/// The `[log]` section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogConfig {
    /// Where the log goes.
    pub target: LogTarget,
    /// The least important kind of message that is kept.
    pub level: LogLevel,
}

/// Where the log goes; never to the terminal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LogTarget {
    /// One file a day in the state folder, the last few days kept.
    #[default]
    StateFolder,
    /// This one file, appended to.
    File(PathBuf),
    /// No log.
    Off,
}

impl LogTarget {
    /// Reads what `--log`, `SCOPESYNC_LOG` and `log.file` accept: `off`, `auto`
    /// or a path. A relative path is returned as it is.
    pub fn from_setting(text: impl Into<PathBuf>) -> Self {
        let path = text.into();
        match path.to_str() {
            Some("off") => Self::Off,
            Some("auto" | "") => Self::StateFolder,
            _ => Self::File(path),
        }
    }
}

/// The least important kind of message that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs, reason = "the usual five names")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// The accepted names, most important first.
    pub const NAMES: &[&str] = &["error", "warn", "info", "debug", "trace"];

    /// Its name, one of [`Self::NAMES`].
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The level of one of [`Self::NAMES`].
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "error" => Self::Error,
            "warn" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
