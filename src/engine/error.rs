//! What can go wrong, with the server and scope it happened on.

use std::fmt;

use crate::model::{ScopeId, ServerName};

/// What the engine and its adapters return.
pub type Result<T> = std::result::Result<T, Error>;

/// What hints call another try. Where that is an undo it is put in other words by [`Error::of_undo`]: to
/// replicate would overwrite what was just brought back.
pub const AGAIN: &str = "replicate again";

/// What another try of the undo of this run is called.
pub fn undo_again(run: &str) -> String {
    format!("undo again (scopesync undo {run})")
}

/// The sort of a failure: what a caller may decide on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No connection, or it broke before anything was answered.
    Unreachable,
    /// No answer within the time allowed.
    TimedOut,
    /// An answer that is not what the protocol says.
    Garbled,
    /// An answer above the configured limit.
    TooLarge,
    /// The server understood and said no.
    Refused,
    /// The server is at the same thing right now, for somebody else: it was not begun.
    Busy,
    /// The server does not have the command or ability.
    Unsupported,
    /// The asked-for object is not there.
    Empty,
    /// Something changed since the plan was made.
    Moved,
    /// The operator's selection or configuration names something that does not fit.
    Selection,
    /// A safety rule forbids it.
    Safety,
    /// Cancelled by the operator.
    Cancelled,
    /// A problem on this machine: files, folders, permissions.
    Local,
}

/// A failure: what, where, and what to do about it. Safe to show; never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// The sort of failure.
    pub kind: ErrorKind,
    /// The server that it happened on.
    pub server: Option<ServerName>,
    /// The scope that it is about.
    pub scope: Option<ScopeId>,
    /// What happened; safe to show.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// A request that changes something had been sent: its effect is not known.
    pub in_doubt: bool,
}

impl Error {
    /// A failure of this sort. `what` must be safe to show: server text goes in
    /// through [`crate::model::Foreign`]'s `Display`.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Error { kind, server: None, scope: None, what: what.into(), hint: None, in_doubt: false }
    }

    /// Names the server.
    pub fn on(mut self, server: &ServerName) -> Self {
        self.server.get_or_insert_with(|| server.clone());
        self
    }

    /// Names the scope.
    pub fn scope(mut self, id: ScopeId) -> Self {
        self.scope.get_or_insert(id);
        self
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The failure and what to do about it, on one line.
    pub fn with_hint(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{self} ({hint})"),
            None => self.to_string(),
        }
    }

    /// The same where it happened to the undo of this run.
    pub fn of_undo(self, run: &str) -> Self {
        Error { hint: self.hint.map(|hint| hint.replace(AGAIN, &undo_again(run))), ..self }
    }

    /// What to remark when it kept a server from keeping its old configuration.
    pub fn not_kept(&self) -> String {
        format!("the old configuration was not kept on the server: {}", self.with_hint())
    }

    /// Marks that a request which changes something had been sent.
    pub fn in_doubt(mut self) -> Self {
        self.in_doubt = true;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(server) = &self.server {
            write!(f, "{server}: ")?;
        }
        if let Some(scope) = &self.scope {
            write!(f, "scope {scope}: ")?;
        }
        f.write_str(&self.what)
    }
}
