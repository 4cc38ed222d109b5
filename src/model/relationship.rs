//! Failover relationships as one server tells of them.

mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::Foreign;

pub use state::{Condition, State};

/// The name of a server: that of its entry in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(Arc<str>);

impl ServerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ServerName {
    fn from(name: &str) -> Self {
        ServerName(name.into())
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for ServerName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for ServerName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| ServerName::from(name.as_str()))
    }
}

/// Which side of a replication something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The server that is copied from.
    Source,
    /// The server that is overwritten.
    Target,
}

/// How the partners share the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Both answer, each its half of the clients.
    LoadBalancing,
    /// The primary answers; the standby takes over.
    HotStandby,
    /// The primary answers; backups only receive leases. Not supported.
    PassiveBackup,
    /// A mode that we do not know. Not supported.
    Other(Foreign),
}

impl Mode {
    /// The server's own word for it.
    pub fn from_word(word: &str) -> Self {
        match word {
            "load-balancing" | "LoadBalance" => Mode::LoadBalancing,
            "hot-standby" | "HotStandby" => Mode::HotStandby,
            "passive-backup" => Mode::PassiveBackup,
            other => Mode::Other(other.into()),
        }
    }

    /// Whether scopes can be replicated in this mode.
    pub fn is_supported(&self) -> bool {
        matches!(self, Mode::LoadBalancing | Mode::HotStandby)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::LoadBalancing => f.pad("load-balancing"),
            Mode::HotStandby => f.pad("hot-standby"),
            Mode::PassiveBackup => f.pad("passive-backup"),
            Mode::Other(word) => word.fmt(f),
        }
    }
}

/// What a server is in its relationship.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// First of the pair.
    Primary,
    /// Second of a load-balancing pair.
    Secondary,
    /// The one that answers, of a hot-standby pair in which either may have come first.
    Active,
    /// Second of a hot-standby pair.
    Standby,
    /// Receives leases only; no member of the pair.
    Backup,
    /// A role that we do not know.
    Other(Foreign),
}

impl Role {
    /// The server's own word for it.
    pub fn from_word(word: &str) -> Self {
        match word {
            "primary" | "PrimaryServer" => Role::Primary,
            "secondary" | "SecondaryServer" => Role::Secondary,
            "Active" => Role::Active,
            "standby" | "Standby" => Role::Standby,
            "backup" => Role::Backup,
            other => Role::Other(other.into()),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Primary => f.pad("primary"),
            Role::Secondary => f.pad("secondary"),
            Role::Active => f.pad("active"),
            Role::Standby => f.pad("standby"),
            Role::Backup => f.pad("backup"),
            Role::Other(word) => word.fmt(f),
        }
    }
}

/// One server of a relationship, as the relationship's parameters name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name in the relationship.
    pub name: Foreign,
    /// Where its partner reaches it.
    pub url: Foreign,
    /// What else it is called: short and full names, addresses. Empty where the name alone says
    /// who it is.
    pub aliases: Vec<Foreign>,
    /// What it is in the pair.
    pub role: Role,
}

impl Peer {
    /// The host at which its partner reaches it; `None` where its URL names none.
    pub fn host(&self) -> Option<&str> {
        let (_, rest) = self.url.raw().split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
        let host = match authority.strip_prefix('[') {
            Some(address) => address.split(']').next()?,
            None => authority.split(':').next()?,
        };
        Some(host).filter(|host| !host.is_empty())
    }

    /// Everything that it is called.
    pub fn names(&self) -> impl Iterator<Item = &Foreign> {
        std::iter::once(&self.name).chain(&self.aliases)
    }
}

/// How long the members wait for each other, and how much drift they bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two signs of life; a server that comes back takes about three of them.
    pub heartbeat: Duration,
    /// A partner that is silent for so long is given up.
    pub response_limit: Duration,
    /// How long fetching the partner's leases may take.
    pub sync_limit: Duration,
    /// After lease updates for so many clients were refused the relationship ends; 0 for
    /// never. `None` for servers that know no such limit.
    pub rejected_limit: Option<u64>,
}

impl Default for Timing {
    /// Kea's defaults.
    fn default() -> Self {
        Timing {
            heartbeat: Duration::from_secs(10),
            response_limit: Duration::from_secs(60),
            sync_limit: Duration::from_secs(60),
            rejected_limit: None,
        }
    }
}

/// What a server tells of its connection with its partner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Whether it ever heard of its partner since it started.
    pub in_touch: bool,
    /// It has given up hearing of its partner.
    pub interrupted: Option<bool>,
    /// Seconds since it last heard of its partner.
    pub age: Option<u64>,
    /// Clients that its partner seems not to answer.
    pub unacked_clients: Option<u64>,
}

/// Which relationship of its server a scope belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Belonging {
    /// This one, by its [`Membership::key`].
    To(Foreign),
    /// None, for it names none and its server has none or several.
    Nobody,
    /// None, for it names this, which is in no relationship of its server.
    Unknown(Foreign),
}

impl Belonging {
    /// The key of the relationship.
    pub fn key(&self) -> Option<&Foreign> {
        match self {
            Belonging::To(key) => Some(key),
            Belonging::Nobody | Belonging::Unknown(_) => None,
        }
    }
}

/// A relationship as one of its servers tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The relationship's own name, where relationships have one that both servers know, as on
    /// Windows; `None` where it is recognised by the names of its peers, as in Kea.
    pub name: Option<Foreign>,
    /// How the partners share the work.
    pub mode: Mode,
    /// Which of the peers this server is.
    pub this_server: Foreign,
    /// All servers of the relationship, primary first.
    pub peers: Vec<Peer>,
    /// Its own state; `None` for files and servers that do not tell.
    pub state: Option<State>,
    /// What it last heard of its partner.
    pub partner_state: Option<State>,
    /// Seconds between both clocks, where the server tells.
    pub clock_skew: Option<i64>,
    /// How it stands with its partner, where the server tells.
    pub contact: Option<Contact>,
    /// How long the members wait for each other.
    pub timing: Timing,
}

impl Membership {
    /// What names the relationship alike on all of its servers, and no other relationship of the
    /// same server: its own name, else all of their names in it.
    pub fn key(&self) -> Foreign {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let mut names: Vec<&str> = self.peers.iter().map(|peer| peer.name.raw()).collect();
        names.sort_unstable();
        names.join(" and ").into()
    }

    /// The two members proper, without backup servers, primary first.
    pub fn pair(&self) -> Option<(&Peer, &Peer)> {
        let mut members = self.peers.iter().filter(|peer| peer.role != Role::Backup);
        match (members.next(), members.next(), members.next()) {
            (Some(first), Some(second), None) => Some((first, second)),
            _ => None,
        }
    }
}
