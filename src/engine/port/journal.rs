//! What a run leaves behind: who holds its servers, what it was asked, and what it overwrites.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Unsaved, Work};
use crate::engine::approval::Consent;
use crate::engine::outcome::Outcome;
use crate::engine::{Error, Result};
use crate::model::{Foreign, Scope, ScopeId, ServerName};

/// Something held for one run; let go when dropped, and by the operating system when the
/// process ends, however it does.
pub type Held = Box<dyn Send>;

/// Whether a server could be held.
pub enum Hold {
    /// It is held until this is dropped.
    Mine(Held),
    /// Another run holds it.
    Other(Owner),
    /// Nobody can hold it, and nobody does: there is no place for locks.
    Nowhere(Error),
}

/// The run that holds a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The run's name; empty where it could not be learnt.
    pub run: String,
    /// Who started it.
    pub user: String,
    /// The machine that it runs on.
    pub host: String,
    /// Its process.
    pub process: u32,
    /// When it took the server.
    pub since: jiff::Timestamp,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.run.is_empty() {
            return f.write_str("another run");
        }
        // a file said so that others than this program may have written
        let [run, user, host] = [&self.run, &self.user, &self.host].map(|text| Foreign::from(text.as_str()));
        let since = self.since.to_zoned(jiff::tz::TimeZone::system());
        write!(f, "run {run} of {user} on {host}, process {}, since {}", self.process, since.strftime("%F %T"))
    }
}

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Copies scopes from one server to another.
    Replication,
    /// Brings back what another run overwrote.
    Undo {
        /// That run.
        of: String,
    },
    /// Begins relationships anew.
    Reset,
    /// Tries on a scope what its servers do, and brings both sides back.
    Verification,
}

impl RunKind {
    /// Its word in records and lists.
    pub fn word(&self) -> &'static str {
        match self {
            RunKind::Replication => "replication",
            RunKind::Undo { .. } => "undo",
            RunKind::Reset => "reset",
            RunKind::Verification => "verification",
        }
    }

    /// The run that it undoes.
    pub fn undone(&self) -> Option<&str> {
        match self {
            RunKind::Undo { of } => Some(of),
            RunKind::Replication | RunKind::Reset | RunKind::Verification => None,
        }
    }
}

/// What a server is to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerRole {
    /// It is copied from.
    Source,
    /// It is overwritten.
    Target,
    /// Its relationship is reset.
    Member,
}

/// A server of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RunServer {
    /// What it is to the run.
    pub role: ServerRole,
    /// Its name in the configuration.
    pub name: ServerName,
    /// What tells it from every other, as it reported it.
    pub identity: Option<Foreign>,
}

/// The operator's yes to one relationship's part of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The relationship.
    pub relationship: Foreign,
    /// Who said yes.
    pub by: String,
    /// What was said.
    pub answer: Consent,
}

/// A run as it begins.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// Its name.
    pub run: String,
    /// When it began.
    pub started: jiff::Timestamp,
    /// What it does.
    pub kind: RunKind,
    /// What was asked for, in the front end's words; `null` where nobody said.
    pub asked: serde_json::Value,
    /// The refusals that the operator overrode, by name.
    pub overrides: BTreeSet<String>,
    /// Who said yes to which part of it.
    pub approvals: Vec<Approval>,
    /// The plan that it executes.
    pub plan: serde_json::Value,
    /// Its servers.
    pub servers: BTreeSet<RunServer>,
}

/// Where in a run scopes are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The run's name.
    pub run: String,
    /// The server that is written.
    pub target: ServerName,
    /// What tells it from every other, as it reported it.
    pub identity: Option<Foreign>,
    /// The relationship that is replicated.
    pub relationship: Foreign,
}

/// What reading back showed.
#[derive(Clone, Debug)]
pub enum ReadBack {
    /// It could not be read.
    Unread,
    /// The scope is not there.
    Missing,
    /// The scope as it is now.
    There {
        /// The scope.
        scope: Scope,
        /// Its fingerprint.
        fingerprint: String,
    },
}

/// What became of one scope.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Which scope.
    pub id: ScopeId,
    /// Its outcome.
    pub outcome: Outcome,
    /// The outcome with its reasons, for people and programs.
    pub record: serde_json::Value,
    /// How it is now.
    pub after: ReadBack,
}

/// Keeps the target's scopes as they were, durably, before they are overwritten, and what
/// became of them.
pub trait Journal: Send + Sync {
    /// Whether a run could be kept as things stand; asked before the operator is.
    ///
    /// # Errors
    /// Why nothing can be kept, and what to do about it.
    fn ready(&self) -> Result<()> {
        Ok(())
    }

    /// Takes a name for a run that lives until what is returned is dropped; `None` when
    /// another run has that name.
    fn enter(&self, _run: &str) -> Result<Option<Held>> {
        Ok(Some(Box::new(())))
    }

    /// Holds a server, by what tells it from every other, for this run against all other runs
    /// that keep this journal, in whatever process.
    fn hold(&self, _server: &str, _run: &str) -> Result<Hold> {
        Ok(Hold::Mine(Box::new(())))
    }

    /// Opens the record of a run. Nothing is written to a server before this has succeeded.
    fn begin(&self, start: &RunStart) -> Result<()>;

    /// Stores scopes as they are, durably, before the first byte of their write.
    fn before(&self, place: &Place, work: &[Arc<Work>]) -> Result<()>;

    /// Stores what became of them.
    fn after(&self, place: &Place, kept: &[Kept]) -> Result<()>;

    /// Closes the record of a run with its report.
    fn end(&self, run: &str, report: &serde_json::Value) -> Result<()>;

    /// Drops what is kept beyond its limits. Takes its time: once a run's report is out.
    fn tidy(&self) {}

    /// Takes note of the report of a run that was approved and had nothing to write, and so was
    /// never begun: what it found in step needs no interrupted run to wait for it.
    fn unwritten(&self, _report: &serde_json::Value) -> Result<()> {
        Ok(())
    }

    /// The interrupted runs that wrote to this target and wait, the newest first.
    fn interrupted_on(&self, _target: &ServerName) -> Vec<String> {
        Vec::new()
    }

    /// Tells of a run that was asked for and ends before it has begun: declined, refused or
    /// cancelled. Nothing was written.
    fn not_begun(&self, _start: &RunStart, _report: &serde_json::Value) -> Result<()> {
        Ok(())
    }

    /// What an earlier run left amiss with the file of this target.
    fn unsaved(&self, target: &ServerName) -> Option<Unsaved>;

    /// Remembers that, durably; `None` when all is well again, and then nothing is lost either.
    fn remember_unsaved(&self, target: &ServerName, unsaved: Option<Unsaved>) -> Result<()>;

    /// The scopes that this target has lost by earlier runs and its file may still have.
    fn lost(&self, target: &ServerName) -> BTreeSet<ScopeId>;

    /// Remembers them, durably, in place of those that were remembered before.
    fn remember_lost(&self, target: &ServerName, lost: &BTreeSet<ScopeId>) -> Result<()>;
}
