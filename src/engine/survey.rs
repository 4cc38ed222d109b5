//! Servers in, relationships out: pairs merged from what both sides tell.

mod pair;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::port::{Entry, Reading};
use super::{Error, ErrorKind};
use crate::model::{
    Condition, Foreign, Host, Kinship, Membership, Mode, Peer, ScopeId, ServerName, State, is_same_name,
};

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
    /// What was read of it last, while it cannot be read: who it is and which scopes it had, and
    /// never how they are.
    pub last: Option<Arc<Reading>>,
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

    /// Why it could not be read.
    pub fn failure(&self) -> Option<&Error> {
        self.outcome.as_ref()?.as_ref().err()
    }

    /// What it tells of its relationships, or told when it was read last.
    pub fn memberships(&self) -> &[Membership] {
        let reading = self.reading().or(self.last.as_ref());
        reading.map_or(&[], |reading| &reading.health.memberships)
    }

    /// Puts an outcome in the place of the one before. Who a server is and which scopes it has stay
    /// known while it cannot be read.
    pub fn take(&mut self, outcome: Result<Arc<Reading>, Error>) {
        self.last = match outcome {
            Ok(_) => None,
            Err(_) => self.reading().cloned().or(self.last.take()),
        };
        self.outcome = Some(outcome);
    }
}

/// Why a member of a relationship is or is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It was read.
    Read(ServerName),
    /// It was read, and tells of no such relationship, though its partner does.
    Unpaired(ServerName),
    /// It is being read.
    Pending(ServerName),
    /// It is in the configuration and could not be read, for this reason.
    Failed(ServerName, String),
    /// No server of the configuration answers by its name; what to do about it.
    NotConfigured(String),
    /// None of those that were read is it, and others are left; why these were not read.
    Unsure(String),
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
            Presence::Read(name) | Presence::Unpaired(name) | Presence::Pending(name) | Presence::Failed(name, _) => {
                Some(name)
            }
            Presence::NotConfigured(_) | Presence::Unsure(_) => None,
        }
    }

    /// Why it was not read.
    pub fn absent(&self) -> Option<String> {
        match &self.presence {
            Presence::Read(_) | Presence::Unpaired(_) => None,
            Presence::Pending(name) => Some(format!("{name} is still being read")),
            Presence::Failed(_, reason) | Presence::NotConfigured(reason) | Presence::Unsure(reason) => {
                Some(reason.clone())
            }
        }
    }
}

/// A failover relationship, merged from both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relationship {
    /// Its name: from the configuration, else its own, else both peers' names, primary first.
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

    /// Whether the servers give it a name of its own, as those of Windows do. They then know
    /// nothing of refused lease updates, which end the relationships of others.
    pub fn is_named(&self) -> bool {
        self.memberships().any(|membership| membership.name.is_some())
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

    /// Whether a server that is in this relationship has this scope in it.
    pub fn lists(&self, entry: &Entry) -> bool {
        entry.belongs.key() == Some(&self.key)
    }

    /// Whether a scope belongs to this relationship on the side of a member.
    pub fn holds(&self, member: usize, entry: &Entry) -> bool {
        self.members[member].membership.is_some() && self.lists(entry)
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
        let relationships = pair::up(&servers, names);
        Survey { servers, relationships, twins }
    }

    /// The error that no server at all could be read, with each one's reason.
    pub fn none_read(&self) -> Option<Error> {
        let errors: Vec<&Error> = self.servers.iter().filter_map(ServerReport::failure).collect();
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

    /// The server that its partners know by this name; `None` for several.
    pub fn called(&self, text: &str) -> Option<&ServerName> {
        let sides =
            self.relationships.iter().flat_map(|r| [(&r.members[0], &r.members[1]), (&r.members[1], &r.members[0])]);
        let mut found = sides.filter_map(|(member, partner)| {
            let told = partner.membership.as_ref()?;
            let names = told.peers.iter().filter(|peer| peer.name != told.this_server).flat_map(Peer::names);
            member.server().filter(|_| names.into_iter().any(|name| is_same_name(name.raw(), text)))
        });
        let first = found.next()?;
        found.all(|other| other == first).then_some(first)
    }

    /// The reading of a server.
    pub fn reading(&self, name: &ServerName) -> Option<&Arc<Reading>> {
        self.server(name)?.reading()
    }

    /// The reading of a relationship's member.
    pub fn member_reading(&self, relationship: &Relationship, member: usize) -> Option<&Arc<Reading>> {
        self.reading(relationship.members[member].server()?)
    }

    /// What to do about a member that could not be read, before `or_else`.
    pub(super) fn cure(&self, member: &Member, or_else: &str) -> String {
        let error = || self.server(member.server()?)?.failure();
        match error().and_then(|error| error.hint.as_deref()) {
            Some(cure) => format!("{cure}; {or_else}"),
            None => or_else.to_owned(),
        }
    }

    /// The place of the relationship of these two servers, and which of its members the first of
    /// them is: that of this name; where it has none of its own, the only one will do.
    pub fn between(&self, source: &ServerName, target: &ServerName, name: &Foreign) -> Option<(usize, usize)> {
        let of = |(at, relationship): (usize, &Relationship)| {
            relationship.member_index(target)?;
            Some((at, relationship.member_index(source)?))
        };
        let all: Vec<(usize, usize)> = self.relationships.iter().enumerate().filter_map(of).collect();
        match all.as_slice() {
            [only] if !self.relationships[only.0].is_named() => Some(*only),
            _ => all.into_iter().find(|(at, _)| self.relationships[*at].name == *name),
        }
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
    for mut twins in seen.into_values() {
        let hosts: Vec<(usize, Host)> = twins.iter().map(|&at| (at, pair::all_names(&servers[at]))).collect();
        // what relationships with a name tell of their servers may be the same at two sites
        let may_be_one = |one: usize, other: usize| {
            let is_named = |at: usize| servers[at].reading().is_some_and(|reading| reading.health.is_named());
            !is_named(hosts[one].0) || hosts[one].1.kinship(&hosts[other].1) != Kinship::Apart
        };
        let places: Vec<usize> = (0..hosts.len())
            .filter(|&one| (0..hosts.len()).any(|other| one != other && may_be_one(one, other)))
            .collect();
        twins = places.into_iter().map(|place| hosts[place].0).collect();
        if twins.is_empty() {
            continue;
        }
        let names: Vec<String> = twins.iter().map(|&at| servers[at].name.to_string()).collect();
        let error = Error::new(
            ErrorKind::Selection,
            format!("{} say that they are the same server of the same relationship", names.join(" and ")),
        )
        .hint(twin_hint(servers, &twins));
        for at in twins {
            servers[at].outcome = Some(Err(error.clone().on(&servers[at].name)));
        }
        first.get_or_insert(error);
    }
    first
}

fn twin_hint(servers: &[ServerReport], twins: &[usize]) -> &'static str {
    let mut readings = twins.iter().filter_map(|&at| servers[at].reading());
    if readings.any(|reading| reading.health.is_named()) {
        return "leave one of the entries out";
    }
    "leave one of the entries out; if they are two servers, one of them carries its \
     partner's this-server-name, which breaks the relationship: put that right first"
}

#[cfg(test)]
mod tests;
