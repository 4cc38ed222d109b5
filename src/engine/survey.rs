//! Servers in, relationships out: pairs merged from what both sides tell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::port::{Entry, Health, Reading};
use super::{Error, ErrorKind};
use crate::model::{Condition, Foreign, Membership, Mode, Peer, Role, ScopeId, ServerName, State};

/// What is known of one server.
#[derive(Clone, Debug)]
pub struct ServerReport {
    /// Its name in the configuration.
    pub name: ServerName,
    /// Where it is reached.
    pub place: String,
    /// Other names by which it is known: host, addresses, name in its relationship.
    pub addresses: Vec<String>,
    /// What makes the way to it unsafe.
    pub caveat: Option<&'static str>,
    /// Never a target.
    pub read_only: bool,
    /// What was read; `None` while that is still going on.
    pub outcome: Option<Result<Arc<Reading>, Error>>,
}

impl ServerReport {
    /// What makes the way to it unsafe, in one word.
    pub fn caveat_word(&self) -> Option<&'static str> {
        self.caveat.map(|caveat| caveat.split(':').next().unwrap_or(caveat))
    }

    /// The reading, when there is one.
    pub fn reading(&self) -> Option<&Arc<Reading>> {
        self.outcome.as_ref()?.as_ref().ok()
    }
}

/// Why a member of a relationship is or is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It was read.
    Read(ServerName),
    /// It is being read.
    Pending(ServerName),
    /// It is in the configuration and could not be read, for this reason.
    Failed(ServerName, String),
    /// No server of the configuration answers by its name; what to do about it.
    NotConfigured(String),
}

/// One of the two servers of a relationship.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// How the relationship names it.
    pub peer: Peer,
    /// Whether and how we reach it.
    pub presence: Presence,
    /// Its state, by its own word alone.
    pub state: Option<State>,
    /// The state that its partner last heard of: how it was then, not how it is.
    pub heard: Option<State>,
    /// What it tells of the relationship, when it was read.
    pub membership: Option<Membership>,
}

impl Member {
    /// The server's name in the configuration, else in the relationship.
    pub fn shown(&self) -> String {
        self.server().map_or_else(|| self.peer.name.to_string(), ToString::to_string)
    }

    /// The server in the configuration.
    pub fn server(&self) -> Option<&ServerName> {
        match &self.presence {
            Presence::Read(name) | Presence::Pending(name) | Presence::Failed(name, _) => Some(name),
            Presence::NotConfigured(_) => None,
        }
    }

    /// Why it was not read.
    pub fn absent(&self) -> Option<String> {
        match &self.presence {
            Presence::Read(_) => None,
            Presence::Pending(name) => Some(format!("{name} is still being read")),
            Presence::Failed(_, reason) => Some(reason.clone()),
            Presence::NotConfigured(reason) => Some(reason.clone()),
        }
    }
}

/// A failover relationship, merged from both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relationship {
    /// Its name: from the configuration, else both peers' names, primary first.
    pub name: Foreign,
    /// What scopes belong to; see [`Membership::key`].
    pub key: Foreign,
    /// How the partners share the work.
    pub mode: Mode,
    /// Both members, primary first.
    pub members: [Member; 2],
    /// Seconds between both clocks, where they are known.
    pub clock_skew: Option<i64>,
    /// Why it cannot be replicated, when it cannot.
    pub unsupported: Option<String>,
}

impl Relationship {
    /// The index of the member that is this server.
    pub fn member_index(&self, server: &ServerName) -> Option<usize> {
        self.members.iter().position(|member| member.server() == Some(server))
    }

    /// Whether both sides are in their normal state, as far as they tell themselves.
    pub fn is_normal(&self) -> bool {
        self.members.iter().all(|m| m.state.as_ref().is_none_or(|state| state.is_normal(&self.mode)))
    }

    /// Whether it is terminated or in communication recovery: the worse of what its members
    /// say of themselves. What a partner last heard counts for nothing.
    pub fn trouble(&self) -> Option<Condition> {
        let said = |condition: &Condition| {
            let mut states = self.members.iter().filter_map(|member| member.state.as_ref());
            states.any(|state| state.condition(&self.mode) == *condition)
        };
        [Condition::Terminated, Condition::CommunicationRecovery].into_iter().find(said)
    }

    /// What its members tell of it, of those that were read.
    pub fn memberships(&self) -> impl Iterator<Item = &Membership> {
        self.members.iter().filter_map(|member| member.membership.as_ref())
    }

    /// The longer of both members' heartbeats.
    pub fn heartbeat(&self) -> Duration {
        self.memberships().map(|membership| membership.timing.heartbeat).max().unwrap_or_default()
    }

    /// Whether a scope belongs to this relationship on the side of a member.
    pub fn holds(&self, member: usize, entry: &Entry) -> bool {
        self.members[member].membership.is_some() && entry.belongs.key() == Some(&self.key)
    }
}

/// Another name for a discovered relationship.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationshipName {
    /// The name to show and accept.
    pub name: String,
    /// Both servers, by their names in the configuration.
    pub servers: [ServerName; 2],
}

/// Everything that is known of all servers.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The servers, in the configuration's order.
    pub servers: Vec<ServerReport>,
    /// The relationships, in the order of their first server.
    pub relationships: Vec<Relationship>,
    /// Two entries reach one server: nothing is sure before that is put right.
    pub twins: Option<Error>,
}

impl Survey {
    /// Merges what the servers told.
    pub fn new(mut servers: Vec<ServerReport>, names: &[RelationshipName]) -> Self {
        let twins = refuse_twins(&mut servers);
        let relationships = pair_up(&servers, names);
        Survey { servers, relationships, twins }
    }

    /// The error that no server at all could be read, with each one's reason.
    pub fn none_read(&self) -> Option<Error> {
        let errors: Vec<&Error> = self.servers.iter().filter_map(|s| s.outcome.as_ref()?.as_ref().err()).collect();
        let first = errors.first().filter(|_| errors.len() == self.servers.len())?;
        let reasons: Vec<String> = errors.iter().map(|error| format!("\n  {error}")).collect();
        let error = Error::new(first.kind, format!("no server could be read:{}", reasons.concat()));
        Some(match errors.iter().find_map(|error| error.hint.clone()) {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }

    /// The report of a server.
    pub fn server(&self, name: &ServerName) -> Option<&ServerReport> {
        self.servers.iter().find(|report| report.name == *name)
    }

    /// The reading of a server.
    pub fn reading(&self, name: &ServerName) -> Option<&Arc<Reading>> {
        self.server(name)?.reading()
    }

    /// The reading of a relationship's member.
    pub fn member_reading(&self, relationship: &Relationship, member: usize) -> Option<&Arc<Reading>> {
        self.reading(relationship.members[member].server()?)
    }

    /// Scopes of a server that are in no relationship.
    pub fn unpaired(&self, server: &ServerName) -> Vec<ScopeId> {
        let Some(reading) = self.reading(server) else {
            return Vec::new();
        };
        let homes: Vec<(&Relationship, usize)> =
            self.relationships.iter().filter_map(|r| Some((r, r.member_index(server)?))).collect();
        reading
            .scopes
            .values()
            .filter(|entry| !homes.iter().any(|(relationship, at)| relationship.holds(*at, entry)))
            .map(|entry| entry.id)
            .collect()
    }
}

/// Two entries that reach one server would let it be copied onto itself. Returns the first
/// such case; each entry's own report names it too.
fn refuse_twins(servers: &mut [ServerReport]) -> Option<Error> {
    let mut first = None;
    let mut seen: BTreeMap<Foreign, Vec<usize>> = BTreeMap::new();
    for (at, server) in servers.iter().enumerate() {
        if let Some(identity) = server.reading().and_then(|reading| reading.identity.clone()) {
            seen.entry(identity).or_default().push(at);
        }
    }
    for twins in seen.into_values().filter(|twins| twins.len() > 1) {
        let names: Vec<String> = twins.iter().map(|&at| servers[at].name.to_string()).collect();
        let error = Error::new(
            ErrorKind::Selection,
            format!("{} say that they are the same server of the same relationship", names.join(" and ")),
        )
        .hint(
            "leave one of the entries out; if they are two servers, one of them carries its \
             partner's this-server-name, which breaks the relationship: put that right first",
        );
        for at in twins {
            servers[at].outcome = Some(Err(error.clone().on(&servers[at].name)));
        }
        first.get_or_insert(error);
    }
    first
}

/// What one server tells of one relationship.
struct Told<'a> {
    server: &'a ServerName,
    membership: &'a Membership,
    clock: Option<SignedDuration>,
}

fn pair_up(servers: &[ServerReport], names: &[RelationshipName]) -> Vec<Relationship> {
    let mut told: Vec<Told> = servers
        .iter()
        .filter_map(|server| Some((server, server.reading()?)))
        .flat_map(|(server, reading)| {
            let Health { memberships, clock, .. } = &reading.health;
            memberships.iter().map(|membership| Told { server: &server.name, membership, clock: *clock })
        })
        .collect();
    let mut relationships = Vec::new();
    while !told.is_empty() {
        let first = told.remove(0);
        let second = partner_of(&first, &told).map(|at| told.remove(at));
        relationships.extend(merge(&first, second.as_ref(), servers, names));
    }
    for name in names {
        if !relationships.iter().any(|r: &Relationship| name.servers.iter().all(|s| r.member_index(s).is_some())) {
            relationships.extend(unread(name, servers));
        }
    }
    tell_apart(&mut relationships);
    relationships
}

/// The telling of the same relationship by its other server: same names, the other
/// identity; with several candidates the one with the most URLs in common.
fn partner_of(first: &Told, told: &[Told]) -> Option<usize> {
    let ours: Vec<&Peer> = first.membership.peers.iter().collect();
    let names = |m: &Membership| {
        let mut names: Vec<Foreign> = m.peers.iter().map(|peer| peer.name.clone()).collect();
        names.sort();
        names
    };
    let score = |other: &Told| {
        other.membership.peers.iter().filter(|p| ours.iter().any(|o| o.name == p.name && o.url == p.url)).count()
    };
    told.iter()
        .enumerate()
        .filter(|(_, other)| {
            other.server != first.server
                && names(other.membership) == names(first.membership)
                && other.membership.this_server != first.membership.this_server
                && score(other) > 0
        })
        .max_by_key(|(at, other)| (score(other), usize::MAX - at))
        .map(|(at, _)| at)
}

fn merge(
    first: &Told,
    second: Option<&Told>,
    servers: &[ServerReport],
    names: &[RelationshipName],
) -> Option<Relationship> {
    let membership = first.membership;
    let (primary, other) = match membership.pair() {
        Some((a, b)) => (a, b),
        None => return Some(not_a_pair(first)),
    };
    let member = |peer: &Peer| {
        let told = std::iter::once(first).chain(second).find(|told| told.membership.this_server == peer.name);
        let heard = std::iter::once(first)
            .chain(second)
            .find(|told| told.membership.this_server != peer.name)
            .and_then(|told| told.membership.partner_state.clone());
        Member {
            peer: peer.clone(),
            presence: match told {
                Some(told) => Presence::Read(told.server.clone()),
                None => absent(first, peer, servers, names),
            },
            state: told.and_then(|told| told.membership.state.clone()),
            heard,
            membership: told.map(|told| told.membership.clone()),
        }
    };
    let members = [member(primary), member(other)];
    let configured = members[0]
        .server()
        .zip(members[1].server())
        .and_then(|(a, b)| names.iter().find(|name| name.servers.contains(a) && name.servers.contains(b)));
    let name = match configured {
        Some(name) => Foreign::from(name.name.as_str()),
        None => Foreign::from(format!("{}-{}", primary.name.raw(), other.name.raw())),
    };
    let unsupported = (!membership.mode.is_supported())
        .then(|| format!("mode {} is not supported: its backups only receive leases", membership.mode));
    let clock_skew = clock_skew(first, second);
    Some(Relationship { name, key: membership.key(), mode: membership.mode.clone(), members, clock_skew, unsupported })
}

/// As a server tells it, else from what both said of the time.
fn clock_skew(first: &Told, second: Option<&Told>) -> Option<i64> {
    let told = [Some(first), second].into_iter().flatten().find_map(|told| told.membership.clock_skew);
    told.or_else(|| Some((first.clock? - second?.clock?).as_secs().abs()))
}

/// Passive-backup relationships and others without exactly two members.
fn not_a_pair(told: &Told) -> Relationship {
    let membership = told.membership;
    let backup = |at: usize| {
        membership.peers.get(at).cloned().unwrap_or_else(|| Peer {
            name: "(nobody)".into(),
            url: "".into(),
            aliases: Vec::new(),
            role: Role::Backup,
        })
    };
    let member = |peer: Peer| {
        let here = peer.name == membership.this_server;
        Member {
            presence: if here {
                Presence::Read(told.server.clone())
            } else {
                Presence::NotConfigured("not a member of a pair".into())
            },
            state: here.then(|| membership.state.clone()).flatten(),
            heard: None,
            membership: here.then(|| membership.clone()),
            peer,
        }
    };
    let names: Vec<&str> = membership.peers.iter().map(|peer| peer.name.raw()).collect();
    Relationship {
        name: names.join("-").into(),
        key: membership.key(),
        mode: membership.mode.clone(),
        members: [member(backup(0)), member(backup(1))],
        clock_skew: None,
        unsupported: Some(format!("mode {} is not supported: only pairs are", membership.mode)),
    }
}

/// Why a peer was not read. The configuration's own name for the pair says which entry it is.
fn absent(told: &Told, peer: &Peer, servers: &[ServerReport], names: &[RelationshipName]) -> Presence {
    let by_name = names
        .iter()
        .filter(|name| name.servers.contains(told.server))
        .flat_map(|name| name.servers.iter())
        .find(|server| *server != told.server);
    let silent: Vec<&ServerReport> = servers.iter().filter(|server| server.reading().is_none()).collect();
    let only = match silent.as_slice() {
        [only] if servers.len() == 2 => Some(&only.name),
        _ => None,
    };
    let entry = by_name.or(only).and_then(|name| silent.iter().find(|server| server.name == *name));
    match entry {
        Some(ServerReport { name, outcome: Some(Err(error)), .. }) => Presence::Failed(name.clone(), error.to_string()),
        Some(ServerReport { name, .. }) => Presence::Pending(name.clone()),
        None if silent.iter().any(|server| server.outcome.is_none()) => {
            Presence::NotConfigured(format!("no server has answered as {} yet", peer.name))
        }
        None if silent.is_empty() => {
            Presence::NotConfigured(format!("no server of the configuration is {}: add a [[server]] for it", peer.name))
        }
        None => {
            let names: Vec<&str> = silent.iter().map(|server| server.name.as_str()).collect();
            Presence::NotConfigured(format!("no server answered as {}; not read: {}", peer.name, names.join(", ")))
        }
    }
}

/// A relationship that the configuration names and nobody has told of.
fn unread(name: &RelationshipName, servers: &[ServerReport]) -> Option<Relationship> {
    let member = |server: &ServerName| {
        let report = servers.iter().find(|report| report.name == *server)?;
        let presence = match &report.outcome {
            None => Presence::Pending(server.clone()),
            Some(Err(error)) => Presence::Failed(server.clone(), error.to_string()),
            Some(Ok(_)) => Presence::Failed(
                server.clone(),
                format!("{server} tells of no relationship with {}", name.servers.iter().find(|s| *s != server)?),
            ),
        };
        let peer =
            Peer { name: server.as_str().into(), url: "".into(), aliases: Vec::new(), role: Role::Other("".into()) };
        Some(Member { peer, presence, state: None, heard: None, membership: None })
    };
    Some(Relationship {
        name: name.name.as_str().into(),
        key: name.name.as_str().into(),
        mode: Mode::Other("".into()),
        members: [member(&name.servers[0])?, member(&name.servers[1])?],
        clock_skew: None,
        unsupported: None,
    })
}

/// Equal names are told apart by their servers.
fn tell_apart(relationships: &mut [Relationship]) {
    let mut counts: BTreeMap<Foreign, usize> = BTreeMap::new();
    for relationship in relationships.iter() {
        *counts.entry(relationship.name.clone()).or_default() += 1;
    }
    for relationship in relationships.iter_mut().filter(|r| counts.get(&r.name).is_some_and(|n| *n > 1)) {
        let servers: Vec<String> = relationship.members.iter().map(Member::shown).collect();
        relationship.name = format!("{} ({})", relationship.name.raw(), servers.join(", ")).into();
    }
}
