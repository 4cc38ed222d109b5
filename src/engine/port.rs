//! What a family of DHCP servers implements: reading, writing, and keeping a journal.

mod doubts;
mod journal;
mod writing;

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

pub use super::check::{Point, Topic, Verdict};
pub use super::progress::{Attention, Control};
use super::{Error, ErrorKind, Result};
use crate::model::{
    Belonging, Complete, Context, Foreign, ItemKey, Membership, Need, Scope, ScopeId, ServerName, Value,
};
pub use doubts::Doubts;
pub use journal::{
    Approval, Held, Hold, Journal, Kept, Owner, Place, ReadBack, RunKind, RunServer, RunStart, ServerRole,
};
pub use writing::{
    Abilities, Assessment, Batch, Done, Fingerprints, Gate, Grain, Refusal, Saved, Unsaved, Way, Work, Writer,
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
    fn text(&self) -> Cow<'_, [u8]>;
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

/// One DHCP server that we can reach. A family finds its own servers by their type; the engine never asks.
#[async_trait]
pub trait Server: Any + Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &ServerName;

    /// Where it is reached, for messages: a path or an address.
    fn place(&self) -> String;

    /// Other names by which the operator may address it: host, address, name in its relationship.
    fn addresses(&self) -> Vec<String>;

    /// The name by which the tools of Windows address it; `None` for what they do not know.
    fn computer_name(&self) -> Option<String> {
        None
    }

    /// What makes the way to it unsafe, by the operator's own word: shown wherever the server
    /// is. One word, a colon, and what it means.
    fn caveat(&self) -> Option<&'static str> {
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

    /// How scopes come to this server, where [`writer`](Self::writer) alone does not tell: in words.
    fn ways(&self) -> Option<&'static str> {
        None
    }

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
