//! What a family of DHCP servers implements: reading, writing, and keeping a journal.

mod journal;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

pub use super::check::{Point, Topic, Verdict};
pub use super::progress::{Attention, Control};
use super::{Error, ErrorKind, Result, drift};
use crate::model::{
    Belonging, Change, Complete, Context, Finding, Foreign, ItemKey, Membership, Need, Scope, ScopeId, ServerName,
    Value,
};
pub use journal::{
    Approval, Held, Hold, Journal, Kept, Owner, Place, ReadBack, RunKind, RunServer, RunStart, ServerRole,
};

/// A cheap mark that differs whenever the configuration differs, in the server's own terms.
/// Equal marks of one server prove that nothing moved; different ones prove nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse(pub Foreign);

/// A scope as its server sent it, not yet taken apart.
///
/// Most scopes of most pairs are equal text on both sides; only the others are opened.
pub trait RawScope: Send + Sync + std::fmt::Debug {
    /// Its text. Equal text on both sides means that there is nothing to compare.
    fn text(&self) -> &[u8];
    /// What stands outside the text but belongs to the scope, such as its shared network.
    fn placement(&self) -> Option<&Foreign>;
    /// How much of it has been read. Its text, its name and what it may need or hide are those
    /// of what is there so far; only a whole one is compared or written.
    fn complete(&self) -> Complete {
        Complete::Whole
    }
    /// Whether it may depend on this: a quick look that may err on the side of yes.
    fn may_need(&self, need: &Need) -> bool;
    /// Whether it may hold a value that the server does not reveal: then equal text
    /// proves nothing. A quick look that may err on the side of yes.
    fn may_hide(&self) -> bool;
    /// Takes it apart. `Err` tells why it could not be understood.
    fn open(&self) -> std::result::Result<Scope, Foreign>;
}

/// What stands above a server's scopes: what they inherit, and in which words they are said.
pub trait Levels: Send + Sync + std::fmt::Debug {
    /// The values that a scope in this shared network, or in none, would inherit.
    fn parents(&self, network: Option<&Foreign>) -> Arc<BTreeMap<ItemKey, Value>>;

    /// A scope that this server had in this shared network, or in none, from the words in which
    /// it said it ([`Scope::native`]); inheriting what is above it by now.
    ///
    /// # Errors
    /// What could not be understood.
    fn revive(&self, _network: Option<&Foreign>, _native: &serde_json::Value) -> std::result::Result<Scope, Foreign> {
        Err("scopes of this server cannot be brought back".into())
    }
}

/// Nothing is inherited.
impl Levels for () {
    fn parents(&self, _network: Option<&Foreign>) -> Arc<BTreeMap<ItemKey, Value>> {
        Arc::default()
    }
}

/// A scope in a reading: enough to list it, and the way to open it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its network address and prefix length.
    pub id: ScopeId,
    /// The number by which the server knows it.
    pub server_id: Option<u32>,
    /// A name for people.
    pub name: Option<Foreign>,
    /// The relationship that it belongs to.
    pub belongs: Belonging,
    /// The scope itself.
    pub raw: Arc<dyn RawScope>,
}

impl Entry {
    /// The scope, taken apart: what is compared, planned and written.
    ///
    /// # Errors
    /// Why it could not be understood, or was not read as a whole.
    pub fn open(&self) -> std::result::Result<Scope, Foreign> {
        if let Some(lack) = self.raw.complete().lack() {
            return Err(lack);
        }
        let scope = self.raw.open()?;
        match scope.complete.lack() {
            None => Ok(scope),
            Some(lack) => Err(lack),
        }
    }
}

/// How a server stands right now: asked in a moment, unlike its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Its relationships, with their states as it tells them.
    pub memberships: Vec<Membership>,
    /// Its clock less this machine's, where it tells the time; exact to about a second.
    pub clock: Option<jiff::SignedDuration>,
    /// What keeps it from serving although its states do not show it.
    pub ailment: Option<Ailment>,
}

impl Health {
    /// Whether its relationships have names that both servers know.
    pub fn is_named(&self) -> bool {
        self.memberships.iter().any(|membership| membership.name.is_some())
    }
}

/// Something wrong with a server that only its family of servers can tell; safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ailment {
    /// What is wrong, to be put behind the server's name.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

/// One server's configuration at one moment.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What tells this server from every other, as it reports it; `None` when it
    /// reports nothing that could. Two entries with one identity are an error.
    pub identity: Option<Foreign>,
    /// Its version.
    pub version: Option<Foreign>,
    /// Its relationships, and its clock.
    pub health: Health,
    /// What surrounds its scopes.
    pub context: Arc<Context>,
    /// What its scopes inherit.
    pub levels: Arc<dyn Levels>,
    /// Its scopes.
    pub scopes: Arc<BTreeMap<ScopeId, Entry>>,
    /// Scopes that could not even be listed, with the reason: shown as unknown.
    pub unreadable: Vec<(Option<ScopeId>, Foreign)>,
    /// A mark of the configuration that was read.
    pub pulse: Option<Pulse>,
    /// When it was read.
    pub at: jiff::Timestamp,
}

impl Reading {
    /// Why scopes could not be listed of which nobody can tell which they are.
    pub fn nameless(&self) -> impl Iterator<Item = &Foreign> {
        self.unreadable.iter().filter(|(id, _)| id.is_none()).map(|(_, reason)| reason)
    }

    /// Whether nothing more of it is to come.
    pub fn is_whole(&self) -> bool {
        self.scopes.values().all(|entry| !matches!(entry.raw.complete(), Complete::Pending(_)))
            && self.context.unread.values().all(Option::is_some)
    }
}

/// How many of a scope's addresses are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utilisation {
    /// Addresses in its ranges.
    pub total: u64,
    /// Addresses with a valid lease.
    pub assigned: u64,
    /// Addresses that clients declined.
    pub declined: u64,
}

/// One DHCP server that we can reach.
#[async_trait]
pub trait Server: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &ServerName;

    /// Where it is reached, for messages: a path or an address.
    fn place(&self) -> String;

    /// Other names by which the operator may address it: host, address, name in its relationship.
    fn addresses(&self) -> Vec<String>;

    /// What makes the way to it unsafe, by the operator's own word: shown wherever the server
    /// is. One word, a colon, and what it means.
    fn caveat(&self) -> Option<&'static str> {
        None
    }

    /// The server as its own type, for what only its own family does with it.
    fn itself(&self) -> Option<&(dyn std::any::Any + Send + Sync)> {
        None
    }

    /// Never a target, whatever else is asked.
    fn read_only(&self) -> bool;

    /// Reads everything.
    async fn read(&self, ctl: &Control) -> Result<Reading>;

    /// Reads everything, and hands out what is known so far, as often as more of it is known:
    /// each part takes the place of the one before, and the whole reading that of the last.
    ///
    /// Every part tells the relationships and lists all scopes, of which those that are not
    /// whole say so ([`RawScope::complete`]); what surrounds them may be unread
    /// ([`Context::unread`]). What does not move between two parts stays the same `Arc`. Scopes
    /// of `attention` are read before others.
    async fn read_in_parts(
        &self,
        _attention: &Attention,
        _part: &(dyn Fn(Reading) + Send + Sync),
        ctl: &Control,
    ) -> Result<Reading> {
        self.read(ctl).await
    }

    /// How it stands now. Servers that are no running ones have no state.
    async fn health(&self, ctl: &Control) -> Result<Health>;

    /// Reads some scopes again; `None` for a scope that is not there.
    async fn reread(&self, ids: &[ScopeId], ctl: &Control) -> Result<BTreeMap<ScopeId, Option<Scope>>>;

    /// A mark of the configuration as it is now; `None` when the server has none.
    async fn pulse(&self, ctl: &Control) -> Result<Option<Pulse>>;

    /// Addresses in use, by scope; `None` when the server does not tell.
    async fn utilisation(&self, ctl: &Control) -> Result<Option<BTreeMap<ScopeId, Utilisation>>>;

    /// What only its family knows of how it is reached, what it lacks and whether it can save,
    /// for a check. Where reach, TLS or authentication
    /// failed, nothing else is asked.
    ///
    /// Reads only, unless `try_save` lets the server write a trial copy of its configuration
    /// beside its file; a server that is read-only is never asked to.
    async fn examine(&self, _try_save: bool, _ctl: &Control) -> Vec<Point> {
        Vec::new()
    }

    /// The best way of writing to this server where nothing is copied from another one: for an
    /// undo, and for saving. `Err` says why there is none.
    async fn writer(&self, ctl: &Control) -> Result<Arc<dyn Writer>>;

    /// The best way of copying to this server from its partner; `Err` says why there is none.
    async fn writer_from(&self, _source: SourceSide<'_>, ctl: &Control) -> Result<Arc<dyn Writer>> {
        self.writer(ctl).await
    }

    /// The server as one that overwrites its partner itself when it is told to; `None` where
    /// it cannot.
    fn replicator(&self) -> Option<Arc<dyn Replicator>> {
        None
    }

    /// Whether this server can begin a relationship anew; `Err` says why it cannot. Reads only.
    async fn can_reset(&self, _ctl: &Control) -> Result<()> {
        Err(no_reset(self.name()))
    }

    /// Lets this server begin anew the relationship in which it is called `this_server`. It
    /// serves no client until it has found its partner. Sent once, and never cut short.
    ///
    /// # Errors
    /// In doubt when the request had gone out and its answer was lost.
    async fn reset(&self, _this_server: &Foreign, _ok: &super::approval::Approved) -> Result<()> {
        Err(no_reset(self.name()))
    }
}

/// What a writer may have to know of where its scopes come from.
#[derive(Clone, Copy)]
pub struct SourceSide<'a> {
    /// The server that is copied from.
    pub server: &'a Arc<dyn Server>,
    /// The relationship, as that server tells it.
    pub membership: &'a Membership,
}

/// A server that overwrites scopes of its partner with its own, by itself.
#[async_trait]
pub trait Replicator: Send + Sync {
    /// Whether it gets through to its partner of this relationship on its own account; reads only.
    ///
    /// # Errors
    /// Why it does not.
    async fn reaches_partner(&self, membership: &Membership, ctl: &Control) -> Result<()>;

    /// Overwrites these scopes of this relationship on its partner, in this order, and gives what
    /// the server says of it. Sent once, and never cut short. Not done in one: a failure may leave
    /// the partner partly changed.
    ///
    /// # Errors
    /// In doubt where it may be done, in part or as a whole. [`ErrorKind::Busy`] where the server
    /// replicates one of the scopes for somebody else; [`ErrorKind::Moved`], before anything is
    /// sent, where the relationship no longer leads to that partner or no longer has a scope.
    async fn replicate(
        &self,
        membership: &Membership,
        scopes: &[ScopeId],
        ok: &super::approval::Approved,
    ) -> Result<Vec<Foreign>>;
}

/// Servers that are no running ones have nothing to reset.
fn no_reset(server: &ServerName) -> Error {
    Error::new(ErrorKind::Unsupported, "a relationship cannot be reset here").on(server)
}

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
        Error::new(super::ErrorKind::Safety, format!("{}: {}", self.name, self.message)).hint(self.hint)
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
    /// Changes that the writer is not known to carry, by scope: what is left of these afterwards is
    /// told, and no failure.
    pub uncertain: BTreeMap<ScopeId, BTreeSet<ItemKey>>,
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
    async fn prepare(&self, ok: &super::approval::Approved, ctl: &Control) -> Result<()>;

    /// Begins with what [`Writer::write`] makes ready before it writes this work, while the engine
    /// still has other things to do; reads only, and comes to nothing where that write does not
    /// follow. `mark` is the target's from when the plan was made.
    ///
    /// Gives whether the write itself will notice, before it changes anything, that the target no
    /// longer is at that mark, and ask [`Gate::moved`] then.
    fn begin_ahead(&self, _work: &[Arc<Work>], _mark: &Pulse, _ok: &super::approval::Approved, _ctl: &Control) -> bool {
        false
    }

    /// Writes; one outcome for each scope, in order. Looks once more right before each
    /// write that it changes what was planned, and asks `gate` where it interrupts service.
    /// Nothing is ever sent twice.
    async fn write(
        &self,
        work: &[Arc<Work>],
        ok: &super::approval::Approved,
        gate: &dyn Gate,
        ctl: &Control,
    ) -> Vec<Done>;

    /// The items of these changes that it is not known to carry, as it told in [`Writer::assess`].
    fn uncertain(&self, _work: &Work) -> BTreeSet<ItemKey> {
        BTreeSet::new()
    }

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
