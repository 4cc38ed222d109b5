//! What writes to a server: what it can, what it would cost, and what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

use super::{Control, Doubts, Pulse};
use crate::engine::{Error, ErrorKind, Result, approval, drift};
use crate::model::{Change, ChangeKind, Finding, ItemKey, Scope, ScopeId};

/// What a writer can write on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Whole scopes only.
    Scope,
    /// Single items.
    Item,
}

/// How many scopes go into one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// One scope a write.
    One,
    /// So many scopes a write, at most.
    Many(usize),
    /// All scopes of the target at once.
    WholeServer,
}

/// What a writer can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Its name on screens and in records.
    pub name: &'static str,
    /// What it can write on its own.
    pub grain: Grain,
    /// How many scopes go into one write.
    pub batch: Batch,
    /// It can create a scope that the target lacks.
    pub creates_scope: bool,
    /// It can delete a scope.
    pub deletes_scope: bool,
    /// A write interrupts the service of its target, and is gated by the states of all partners.
    pub interrupts_service: bool,
    /// Its server goes on with what it was asked although the connection breaks: that nothing of it is there
    /// yet does not mean that nothing will be.
    pub outlives_connection: bool,
    /// How a scope comes back that the target has lost; safe to show.
    pub brings_back: String,
}

/// The fingerprints that a plan was computed from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fingerprints {
    /// Of the source's scope; `None` where the source has none, and the target's is deleted.
    pub source: Option<String>,
    /// Of the target's scope; `None` when the target lacks it.
    pub target: Option<String>,
}

/// One scope's part of a run.
#[derive(Clone, Debug)]
pub struct Work {
    /// Which scope.
    pub id: ScopeId,
    /// The target's scope as it is; `None` when it must be created.
    pub before: Option<Scope>,
    /// The target's scope as it shall be; `None` when it must be deleted, which only the undo
    /// of the run that created it asks for.
    pub want: Option<Scope>,
    /// The changes from one to the other.
    pub changes: Vec<Change>,
    /// What the plan was computed from.
    pub expect: Fingerprints,
    /// Something of the source's scope is not to be brought: a rule ignores it, or it was left out.
    /// Whoever copies the scope as a whole would bring it.
    pub leaves_out: bool,
}

impl Work {
    /// What is still to be done where the target has this scope now.
    pub fn residual(&self, now: Option<&Scope>) -> Vec<Change> {
        match (&self.want, now) {
            (None, None) => Vec::new(),
            (None, Some(now)) => drift::target_only(now),
            (Some(_), None) => self.changes.clone(),
            (Some(want), Some(now)) => drift::compare(want, now),
        }
    }

    /// Whether it is among the changes, by itself or with what is created or deleted as a whole.
    pub fn lists(&self, key: &ItemKey) -> bool {
        self.changes.iter().any(|change| {
            change.key == *key
                || change.change != ChangeKind::Update && drift::owner_named(&change.key).as_ref() == Some(&key.owner)
        })
    }

    /// The number by which the server shall know the scope.
    pub fn wanted_id(&self) -> Option<u32> {
        self.want.as_ref().and_then(Scope::server_id)
    }
}

/// Why a scope must not be written as things stand. Each has its own name, by which
/// it is overridden where it can be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// Its name, such as `option-43`.
    pub name: &'static str,
    /// What is wrong; safe to show.
    pub message: String,
    /// How to make it safe.
    pub hint: String,
    /// Whether the operator may override it by name.
    pub overridable: bool,
}

impl Refusal {
    /// Whether it stands, given the refusals that the operator overrides.
    pub fn stands(&self, overrides: &BTreeSet<String>) -> bool {
        !(self.overridable && overrides.contains(self.name))
    }

    /// What a writer tells that finds it standing.
    pub fn into_error(self) -> Error {
        Error::new(ErrorKind::Safety, format!("{}: {}", self.name, self.message)).hint(self.hint)
    }
}

/// One of the ways in which a writer writes, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Way {
    /// Its name.
    pub writer: &'static str,
    /// Why it was chosen; safe to show.
    #[serde(rename = "writer_reason")]
    pub reason: String,
}

/// What a write would cost, found out by reading only.
#[derive(Clone, Debug, Default)]
pub struct Assessment {
    /// In which way the work is written, where the writer has several.
    pub way: Option<Way>,
    /// Scopes that are written in another way.
    pub otherwise: BTreeMap<ScopeId, Way>,
    /// What clients feel while it runs.
    pub cost_to_service: String,
    /// What happens to the configuration besides the changes.
    pub cost_to_configuration: String,
    /// What stands against all of it.
    pub against: Vec<Refusal>,
    /// Refusals by scope.
    pub refusals: BTreeMap<ScopeId, Vec<Refusal>>,
    /// What the writer is not known to carry, by scope: what is left of these changes afterwards is
    /// told, and no failure. What is no change here may come to differ, which the preview tells, and is
    /// drift like any other then.
    pub uncertain: BTreeMap<ScopeId, Doubts>,
    /// What else the operator should know of writing in this way.
    pub findings: Vec<Finding>,
}

/// What a writer asks right before it interrupts the service of its target.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Asks the target and its partners how they stand right now.
    ///
    /// # Errors
    /// What stands against the interruption and was not overridden.
    async fn ask(&self, ctl: &Control) -> Result<()>;

    /// Looks whether the plan still holds where the target's configuration is no longer the one that
    /// the writer took it for ([`Writer::begin_ahead`]) and nothing was written yet.
    ///
    /// # Errors
    /// What has changed since the plan was made.
    async fn moved(&self, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    /// Which of these scopes still are what the plan was made from, on both sides: for a writer that
    /// had to wait and begins once more.
    ///
    /// # Errors
    /// Why that could not be looked at.
    async fn unmoved(&self, ids: &[ScopeId], _ctl: &Control) -> Result<BTreeSet<ScopeId>> {
        Ok(ids.iter().copied().collect())
    }
}

/// Nothing stands against it.
#[async_trait]
impl Gate for () {
    async fn ask(&self, _ctl: &Control) -> Result<()> {
        Ok(())
    }
}

/// What became of one scope's write.
#[derive(Clone, Debug)]
pub enum Done {
    /// Everything was accepted.
    Applied,
    /// Some of it was accepted, then one request was refused.
    Partial {
        /// The items that were written; none where the server works in parts and does not tell which
        /// of them it has done.
        done: BTreeSet<ItemKey>,
        /// Why the rest was not.
        cause: Error,
    },
    /// Nothing was changed.
    Rejected(Error),
    /// An answer was lost: only reading back can tell.
    Unknown(Error),
    /// Not begun.
    Cancelled,
}

/// Whether what was applied will outlive a restart of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is in the server's file.
    Saved,
    /// Running but not saved, for this reason, with what to do about it.
    NotSaved(Error),
    /// Saving left the server's file incomplete: it must not be restarted until that is mended.
    Broken(Error),
    /// The configuration says never to save.
    Never,
    /// Saved, and not running until the server reloads.
    NeedsReload,
}

impl Saved {
    /// What is amiss with the server's file, for the runs to come.
    pub fn amiss(&self) -> Option<Unsaved> {
        match self {
            Saved::NotSaved(_) => Some(Unsaved::Running),
            Saved::Broken(_) => Some(Unsaved::Broken),
            Saved::Saved | Saved::Never | Saved::NeedsReload => None,
        }
    }
}

/// What is amiss with the file of a server that was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaved {
    /// It lacks what runs: a restart of the server loses that.
    Running,
    /// It is incomplete: the server would not come up again.
    Broken,
}

/// One way of writing to one server.
#[async_trait]
pub trait Writer: Send + Sync {
    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// What the work would cost and what stands against it; reads only.
    async fn assess(&self, work: &[Arc<Work>], ctl: &Control) -> Result<Assessment>;

    /// What can be kept of the old state on the server's side is kept. Called once, before the
    /// first write of a run or before what an earlier one left is saved; a writer of whole
    /// servers does it by itself in [`Writer::write`], once it knows that it will write. A failure
    /// is a remark, not an end.
    async fn prepare(&self, ok: &approval::Approved, ctl: &Control) -> Result<()>;

    /// Begins with what [`Writer::write`] makes ready before it writes this work, while the engine
    /// still has other things to do; reads only, and comes to nothing where that write does not
    /// follow. `mark` is the target's from when the plan was made.
    ///
    /// Gives whether the write itself will notice, before it changes anything, that the target no
    /// longer is at that mark, and ask [`Gate::moved`] then.
    fn begin_ahead(&self, _work: &[Arc<Work>], _mark: &Pulse, _ok: &approval::Approved, _ctl: &Control) -> bool {
        false
    }

    /// Writes; one outcome for each scope, in order. Looks once more right before each
    /// write that it changes what was planned, and asks `gate` where it interrupts service.
    /// Nothing is ever sent twice.
    async fn write(&self, work: &[Arc<Work>], ok: &approval::Approved, gate: &dyn Gate, ctl: &Control) -> Vec<Done>;

    /// Waits until the target serves again; at once where it never stopped.
    async fn settle(&self, ctl: &Control) -> Result<()>;

    /// The scopes as they were read after the last write, once, where the writer had to read
    /// them to know what became of it; `None` where it did not.
    fn seen(&self, _ids: &[ScopeId]) -> Option<BTreeMap<ScopeId, Option<Scope>>> {
        None
    }

    /// Whether what was written is lost at a restart until [`Writer::save`] has succeeded.
    fn needs_saving(&self) -> bool {
        true
    }

    /// Makes what runs outlive a restart.
    async fn save(&self, ctl: &Control) -> Saved;

    /// What a write of this kind that was cut short with its program may have done to the target
    /// besides its scopes; reads only. Safe to show.
    async fn cut_short(&self, _ctl: &Control) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// What else the operator should know of the writes so far.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }
}
