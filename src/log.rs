//! The log: to a file, never to the terminal.
//!
//! A thread of its own writes, so a slow disk never holds up the screen; where
//! it cannot keep up, messages are dropped rather than kept in memory. The newest ones are kept
//! for the screen ([`Recent`]), whether or not they are written.

mod recent;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use thiserror::Error;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt};

use crate::config::{Env, LogConfig, LogLevel, LogTarget};
use crate::files;
use crate::state::{StateError, StateFolder};

pub use recent::{KEPT as RECENT, Message, Recent};

/// Log files of the state folder that are kept, the current one included.
const KEPT: usize = 7;
const PREFIX: &str = "scopesync.";
const SUFFIX: &str = ".log";

/// What to tell the operator about the log, once, before the screen is taken
/// over. The program goes on without a log.
#[derive(Debug, Error)]
pub enum LogWarning {
    /// `SCOPESYNC_LOG_LEVEL` is no level.
    #[error("SCOPESYNC_LOG_LEVEL is none of {}: using info", LogLevel::NAMES.join(", "))]
    Level,
    /// The folder of the log files cannot be used.
    #[error("no log is written: {0}")]
    Folder(#[from] StateError),
    /// The log file cannot be opened.
    #[error("no log is written: cannot open {}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

/// Where and how much is logged: arguments before environment before file.
///
/// `argument` is the value of `--log`.
pub fn settle(argument: Option<&Path>, env: Env<'_>, file: &LogConfig) -> (LogConfig, Option<LogWarning>) {
    let variable = |name: &str| env(name).filter(|value| !value.is_empty());
    let target = match (argument, variable("SCOPESYNC_LOG")) {
        (Some(path), _) => LogTarget::from_setting(path),
        (None, Some(value)) => LogTarget::from_setting(value),
        (None, None) => file.target.clone(),
    };
    let (level, warning) = match variable("SCOPESYNC_LOG_LEVEL") {
        None => (file.level, None),
        Some(value) => match value.to_str().and_then(LogLevel::from_name) {
            Some(level) => (level, None),
            None => (LogLevel::default(), Some(LogWarning::Level)),
        },
    };
    (LogConfig { target, level }, warning)
}

/// Keeps the log's thread going; what is still waiting is written when it is dropped.
#[derive(Debug)]
#[must_use = "the log ends when its guard is dropped"]
pub struct LogGuard {
    /// The newest messages.
    pub recent: Recent,
    _worker: Option<WorkerGuard>,
}

/// Starts the log for the whole process. It fails softly: with a warning, and
/// nothing written.
pub fn start(config: &LogConfig, state: Result<StateFolder, StateError>) -> (LogGuard, Option<LogWarning>) {
    let (opened, warning) = match open(config, state) {
        Ok(opened) => (opened, None),
        Err(warning) => (None, Some(warning)),
    };
    let recent = Recent::default();
    let (writer, _worker) = opened.unzip();
    // A process that has a subscriber already, as tests do, keeps it.
    let _ = tracing::subscriber::set_global_default(subscriber(recent.clone(), writer, config.level));
    (LogGuard { recent, _worker }, warning)
}

type Opened = (NonBlocking, WorkerGuard);

fn open(config: &LogConfig, state: Result<StateFolder, StateError>) -> Result<Option<Opened>, LogWarning> {
    let file_error = |path: &Path| {
        let path = path.to_owned();
        move |source| LogWarning::File { path, source }
    };
    Ok(match &config.target {
        LogTarget::Off => None,
        LogTarget::File(path) => {
            let file = append(path).map_err(file_error(path))?;
            Some(tracing_appender::non_blocking(Quiet(file)))
        }
        LogTarget::StateFolder => {
            let folder = state?.logs()?;
            let daily = Daily::new(&folder, today()).map_err(file_error(&folder))?;
            Some(tracing_appender::non_blocking(Quiet(daily)))
        }
    })
}

/// What is written is what the configuration wants; what is kept in memory goes down to what a
/// support case needs.
fn subscriber(recent: Recent, writer: Option<NonBlocking>, level: LogLevel) -> Box<dyn Subscriber + Send + Sync> {
    let kept = tracing_subscriber::registry().with(recent.with_filter(filter(level.max(LogLevel::Debug))));
    match writer {
        None => Box::new(kept),
        Some(writer) => {
            let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
            Box::new(kept.with(lines.log_internal_errors(false).with_filter(filter(level))))
        }
    }
}

fn filter(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // What libraries say below a warning is not ours to vouch for: it could
    // hold what travels on a connection. What does our cryptography says nothing at all: it tells
    // us, and has more to hide.
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("sspi", LevelFilter::OFF)
        .with_target(env!("CARGO_CRATE_NAME"), level)
}

/// Opens a file to append to; a new one is the owner's alone.
fn append(path: &Path) -> io::Result<File> {
    files::private().append(true).create(true).open(path)
}

fn today() -> Date {
    jiff::Zoned::now().date()
}

/// One file a day, the oldest removed. Unlike the appender of the library it
/// makes files that only the owner reads, and never prints.
struct Daily {
    folder: PathBuf,
    day: Date,
    file: File,
}

impl Daily {
    fn new(folder: &Path, day: Date) -> io::Result<Self> {
        let file = append(&folder.join(file_name(day)))?;
        prune(folder);
        Ok(Self { folder: folder.to_owned(), day, file })
    }

    /// Changes to the file of that day; if it cannot be opened, the old one is kept.
    fn turn_to(&mut self, day: Date) {
        if day == self.day {
            return;
        }
        self.day = day;
        if let Ok(file) = append(&self.folder.join(file_name(day))) {
            self.file = file;
            prune(&self.folder);
        }
    }
}

impl Write for Daily {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.turn_to(today());
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn file_name(day: Date) -> String {
    format!("{PREFIX}{day}{SUFFIX}")
}

fn day_of(name: &str) -> Option<Date> {
    name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// Removes all but the newest log files, and nothing that is not named like one.
fn prune(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut days: Vec<Date> = entries.filter_map(|entry| day_of(entry.ok()?.file_name().to_str()?)).collect();
    days.sort_unstable();
    days.reverse();
    for day in days.into_iter().skip(KEPT) {
        // Another process may have been quicker.
        let _ = std::fs::remove_file(folder.join(file_name(day)));
    }
}

/// A writer that never fails: the log's thread would report it on the terminal.
struct Quiet<W>(W);

impl<W: Write> Write for Quiet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
