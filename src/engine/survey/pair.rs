//! What servers tell of their relationships, put together in pairs.
//!
//! Kea's servers agree on the names of both peers. A Windows server tells the relationship's
//! name and its partner by whatever name or address it was once given, so partners are
//! recognised by names and addresses: both ways, and never where these speak against it.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Member, Presence, Relationship, RelationshipName, ServerReport};
use crate::engine::Error;
use crate::model::{Foreign, Host, Kinship, Membership, Mode, Peer, Role, ServerName};

/// What one server tells of one relationship, or told before it could no longer be read.
struct Told<'a> {
    report: &'a ServerReport,
    membership: &'a Membership,
    clock: Option<SignedDuration>,
}

impl Told<'_> {
    fn server(&self) -> &ServerName {
        &self.report.name
    }

    /// Whether it tells it now.
    fn is_read(&self) -> bool {
        self.report.reading().is_some()
    }

    fn presence(&self) -> Presence {
        presence(self.report, Presence::Read)
    }

    /// All names of the server itself.
    fn own(&self) -> Host {
        let peers = self.membership.peers.iter();
        let own = peers.filter(|peer| peer.name == self.membership.this_server);
        Host::new(self.report.addresses.iter().map(String::as_str)).and(Host::told(own.flat_map(Peer::names)))
    }

    /// All names of its partner.
    fn partner(&self) -> Host {
        let peers = self.membership.peers.iter();
        Host::told(peers.filter(|peer| peer.name != self.membership.this_server).flat_map(Peer::names))
    }

    /// Whether its partner is this server, of which this is known.
    fn kinship(&self, report: &ServerReport, known: &Host) -> Kinship {
        let partner = self.partner();
        match partner.kinship(known) {
            // a short name is that of the teller's own domain
            Kinship::Short => partner.in_domain_of(&self.own()).kinship(known),
            Kinship::Untold => {
                partner.kinship(&Host::new([report.name.as_str()])).clamp(Kinship::Untold, Kinship::Short)
            }
            told => told,
        }
    }
}

/// All relationships of these servers, in the order of their first server.
pub(super) fn up(servers: &[ServerReport], names: &[RelationshipName]) -> Vec<Relationship> {
    let mut told: Vec<(usize, Told)> = servers
        .iter()
        .enumerate()
        .flat_map(|(at, report)| {
            let clock = report.reading().and_then(|reading| reading.health.clock);
            report.memberships().iter().map(move |membership| (at, Told { report, membership, clock }))
        })
        .collect();
    // what is told now comes before what was told once
    told.sort_by_key(|(_, told)| !told.is_read());
    let mut found = Vec::new();
    while !told.is_empty() {
        let (at, first) = told.remove(0);
        let second = partner_of(&first, &told, names).map(|at| told.remove(at));
        let place = second.as_ref().map_or(at, |(other, _)| at.min(*other));
        found.push((place, merge(&first, second.as_ref().map(|(_, second)| second), servers, names)));
    }
    found.sort_by_key(|(place, _)| *place);
    let mut relationships: Vec<Relationship> = found.into_iter().map(|(_, relationship)| relationship).collect();
    for name in names {
        match between(&relationships, name).as_slice() {
            [] => relationships.extend(unread(name, servers)),
            [only] => relationships[*only].name = name.name.as_str().into(),
            // several of one pair keep the names by which the servers tell them apart
            _ => {}
        }
    }
    tell_apart(&mut relationships);
    relationships
}

/// The places of the relationships of the two servers that have this name.
fn between(relationships: &[Relationship], name: &RelationshipName) -> Vec<usize> {
    let is_of = |relationship: &Relationship| name.servers.iter().all(|s| relationship.member_index(s).is_some());
    (0..relationships.len()).filter(|&at| is_of(&relationships[at])).collect()
}

/// The telling of the same relationship by its other server.
fn partner_of(first: &Told, told: &[(usize, Told)], names: &[RelationshipName]) -> Option<usize> {
    let score = |other: &Told| match (&first.membership.name, &other.membership.name) {
        _ if other.server() == first.server() => None,
        (None, None) => by_peers(first.membership, other.membership),
        (Some(ours), Some(theirs)) if ours == theirs => by_names(first, other, names),
        _ => None,
    };
    let scores = told.iter().enumerate().filter_map(|(at, (_, other))| Some(((score(other)?, other.is_read()), at)));
    let best = scores.clone().max_by_key(|(score, at)| (*score, usize::MAX - at))?;
    let rivals = scores.filter(|(score, _)| *score == best.0).count();
    (rivals == 1 || first.membership.name.is_none()).then_some(best.1)
}

/// Same names, the other identity; with several candidates the one with the most URLs in common.
fn by_peers(first: &Membership, other: &Membership) -> Option<usize> {
    let names = |m: &Membership| {
        let mut names: Vec<Foreign> = m.peers.iter().map(|peer| peer.name.clone()).collect();
        names.sort();
        names
    };
    let is_shared = |peer: &&Peer| first.peers.iter().any(|ours| ours.name == peer.name && ours.url == peer.url);
    let shared = other.peers.iter().filter(is_shared).count();
    (shared > 0 && names(other) == names(first) && other.this_server != first.this_server).then_some(shared)
}

/// Each says that the other is its partner, or the operator says it of both.
fn by_names(first: &Told, other: &Told, names: &[RelationshipName]) -> Option<usize> {
    if names.iter().any(|name| name.servers.contains(first.server()) && name.servers.contains(other.server())) {
        return Some(usize::MAX);
    }
    let ways = [first.kinship(other.report, &other.own()), other.kinship(first.report, &first.own())];
    let worth = |kinship| match kinship {
        Kinship::Apart => None,
        Kinship::Untold => Some(0),
        Kinship::Short => Some(1),
        Kinship::Same => Some(2),
    };
    let score = worth(ways[0])? + worth(ways[1])?;
    (score >= 2).then_some(score)
}

/// What a server tells now: of how it was before nothing is said.
fn now<'a, 't>(told: Option<&'a Told<'t>>) -> Option<&'a Told<'t>> {
    told.filter(|told| told.is_read())
}

/// Of a member that is this server, where one that was read is as told.
fn presence(report: &ServerReport, read: fn(ServerName) -> Presence) -> Presence {
    let name = report.name.clone();
    match &report.outcome {
        Some(Ok(_)) => read(name),
        Some(Err(error)) => Presence::Failed(name, error.to_string()),
        None => Presence::Pending(name),
    }
}

fn merge(first: &Told, second: Option<&Told>, servers: &[ServerReport], names: &[RelationshipName]) -> Relationship {
    let membership = first.membership;
    let Some((primary, other)) = membership.pair() else { return not_a_pair(first) };
    let member = |peer: &Peer| {
        let is_first = first.membership.this_server == peer.name;
        let (told, partner) = if is_first { (Some(first), second) } else { (second, Some(first)) };
        Member {
            peer: peer.clone(),
            presence: told.map_or_else(|| absent(first, peer, servers, names), Told::presence),
            state: now(told).and_then(|told| told.membership.state.clone()),
            heard: now(partner).and_then(|partner| partner.membership.partner_state.clone()),
            membership: now(told).map(|told| told.membership.clone()),
        }
    };
    let mut members = [member(primary), member(other)];
    if !members.iter().any(|member| matches!(member.peer.role, Role::Primary | Role::Active)) {
        // whoever is read first must not decide about it
        let place = |member: &Member| servers.iter().position(|report| Some(&report.name) == member.server());
        members.sort_by_key(|member| place(member).unwrap_or(usize::MAX));
    }
    let unsupported = match &membership.mode {
        Mode::LoadBalancing | Mode::HotStandby => None,
        Mode::PassiveBackup => {
            Some(format!("mode {} is not supported: its backups only receive leases", membership.mode))
        }
        Mode::Other(_) => Some(format!("mode {} is not supported", membership.mode)),
    };
    Relationship {
        name: match &membership.name {
            Some(name) => name.clone(),
            None => format!("{}-{}", primary.name.raw(), other.name.raw()).into(),
        },
        key: membership.key(),
        mode: membership.mode.clone(),
        members,
        clock_skew: clock_skew(first, second),
        unsupported,
    }
}

/// As a server tells it, else from what both said of the time.
fn clock_skew(first: &Told, second: Option<&Told>) -> Option<i64> {
    let told = [Some(first), second].into_iter().filter_map(now).find_map(|told| told.membership.clock_skew);
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
            presence: if here { told.presence() } else { Presence::NotConfigured("not a member of a pair".into()) },
            state: now(Some(told).filter(|_| here)).and_then(|told| told.membership.state.clone()),
            heard: None,
            membership: now(Some(told).filter(|_| here)).map(|_| membership.clone()),
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

/// Why a peer was not read, or is no peer by its own word.
fn absent(told: &Told, peer: &Peer, servers: &[ServerReport], names: &[RelationshipName]) -> Presence {
    // whoever told before of another relationship is not it
    let may_be = |server: &&ServerReport| server.reading().is_none() && server.memberships().is_empty();
    let silent: Vec<&ServerReport> = servers.iter().filter(may_be).collect();
    let recognised = match told.membership.name {
        Some(_) => recognised(told, servers, names),
        None => by_url_or_name(told, peer, &silent, servers, names),
    };
    let entry = recognised.or_else(|| by_elimination(told, servers, &silent, names));
    let title = match peer.host() {
        Some(_) => format!("{} ({})", peer.name, peer.url),
        None => peer.name.to_string(),
    };
    match entry {
        Some(report) => presence(report, Presence::Unpaired),
        None if silent.iter().any(|server| server.outcome.is_none()) => {
            Presence::Unsure(format!("no server has answered as {title} yet"))
        }
        None if silent.is_empty() => {
            Presence::NotConfigured(format!("no server of the configuration is {title}: {}", entry_for(told, peer)))
        }
        None => {
            let failures: Vec<&Error> = silent.iter().filter_map(|server| server.failure()).collect();
            Presence::Unsure(match failures.as_slice() {
                [only] => format!("{only}; it may be {title}"),
                // each of them has its reason, which its own line tells
                _ => {
                    let names: Vec<&str> = silent.iter().map(|server| server.name.as_str()).collect();
                    format!("none of {} was read, and one of them may be {title}", names.join(", "))
                }
            })
        }
    }
}

/// The entry of the configuration that is the partner: by names and addresses without doubt, else
/// by the operator's word, else, for one that was not read, by a short name or by the entry's own.
fn recognised<'a>(told: &Told, servers: &'a [ServerReport], names: &[RelationshipName]) -> Option<&'a ServerReport> {
    let others = || servers.iter().filter(|report| report.name != *told.server());
    let is_named = |report: &&ServerReport| {
        names.iter().any(|name| name.servers.contains(told.server()) && name.servers.contains(&report.name))
            && !has_another(report, told)
    };
    let known = |wanted: Kinship| -> Vec<&'a ServerReport> {
        others().filter(|report| told.kinship(report, &all_names(report)) == wanted).collect()
    };
    if let [only] = known(Kinship::Same).as_slice() {
        return Some(only);
    }
    let unread = |found: Vec<&'a ServerReport>| match found.as_slice() {
        [only] if only.reading().is_none() => Some(*only),
        _ => None,
    };
    let by_entry = || others().filter(|report| is_called_so(told, report)).collect();
    others().find(is_named).or_else(|| unread(known(Kinship::Short))).or_else(|| unread(by_entry()))
}

/// The server that was not read and is this peer of a relationship without a name: the only one at the
/// host where its partner reaches it, else the only one that is called so.
fn by_url_or_name<'a>(
    told: &Told,
    peer: &Peer,
    silent: &[&'a ServerReport],
    servers: &[ServerReport],
    names: &[RelationshipName],
) -> Option<&'a ServerReport> {
    let at_host = |peer: &Peer| Host::new(peer.host());
    let place = |report: &ServerReport| Host::new(report.addresses.iter().map(String::as_str));
    // a host of both partners, such as the loopback, tells nothing
    let mut own = told.membership.peers.iter().filter(|own| own.name == told.membership.this_server);
    let is_apart = own.any(|own| at_host(own).kinship(&at_host(peer)) == Kinship::Apart);
    let is_there = |report: &ServerReport| is_apart && at_host(peer).kinship(&place(report)) >= Kinship::Short;
    let others = servers.iter().filter(|report| report.name != *told.server());
    if let [only] = others.filter(|report| is_there(report)).collect::<Vec<_>>().as_slice() {
        return silent.iter().find(|report| report.name == only.name).copied();
    }
    // the operator's word comes before a likeness
    if names.iter().any(|name| name.servers.contains(told.server())) {
        return None;
    }
    // sites may call their servers alike
    let peers = servers.iter().flat_map(ServerReport::memberships).flat_map(|membership| &membership.peers);
    let name = Host::new([peer.name.raw()]);
    let is_called_so = |report: &&&ServerReport| {
        let entry = Host::new([report.name.as_str()]);
        name.kinship(&entry) >= Kinship::Short || name.kinship(&place(report)) >= Kinship::Short
    };
    match silent.iter().filter(is_called_so).collect::<Vec<_>>().as_slice() {
        [only] if !peers.into_iter().any(|other| other.name == peer.name && other.url != peer.url) => Some(only),
        _ => None,
    }
}

/// Whether the teller's partner is called as the entry is, whose host goes by another name: an
/// alias, or the mouth of a tunnel. A host of the entry's name has had its own say.
fn is_called_so(told: &Told, report: &ServerReport) -> bool {
    let entry = Host::new([report.name.as_str()]);
    told.partner().kinship(&entry) >= Kinship::Short && all_names(report).kinship(&entry) < Kinship::Short
}

/// Whether it has a relationship of another name with the teller: then the operator's word is about that.
fn has_another(report: &ServerReport, told: &Told) -> bool {
    let theirs: Vec<&Foreign> = report.memberships().iter().filter_map(|membership| membership.name.as_ref()).collect();
    let others = told.report.memberships().iter().filter_map(|membership| membership.name.as_ref());
    others.filter(|name| Some(*name) != told.membership.name.as_ref()).any(|name| theirs.contains(&name))
}

/// What an entry is called, by the configuration and by itself.
pub(super) fn all_names(report: &ServerReport) -> Host {
    let own = report.memberships().iter().flat_map(|m| m.peers.iter().filter(|peer| peer.name == m.this_server));
    Host::new(report.addresses.iter().map(String::as_str)).and(Host::told(own.flat_map(Peer::names)))
}

/// The server that was not read and can be nobody else: by the configuration's own name for the
/// pair, or because there are only two.
fn by_elimination<'a>(
    told: &Told,
    servers: &[ServerReport],
    silent: &[&'a ServerReport],
    names: &[RelationshipName],
) -> Option<&'a ServerReport> {
    let by_name = names
        .iter()
        .filter(|name| name.servers.contains(told.server()))
        .flat_map(|name| name.servers.iter())
        .find(|server| *server != told.server());
    let only = match silent {
        [only] if servers.len() == 2 => Some(&only.name),
        _ => None,
    };
    let name = by_name.or(only)?;
    let is_other = |report: &ServerReport| {
        told.membership.name.is_some() && told.kinship(report, &all_names(report)) == Kinship::Apart
    };
    silent.iter().find(|server| server.name == *name && !is_other(server)).copied()
}

/// What to write into the configuration for a partner that is not in it.
fn entry_for(told: &Told, peer: &Peer) -> String {
    if told.membership.name.is_none() {
        return "add a [[server]] for it".to_owned();
    }
    let is_full = |name: &&Foreign| name.raw().contains('.') && name.raw().parse::<std::net::IpAddr>().is_err();
    let host = peer.names().find(is_full).unwrap_or(&peer.name);
    format!(
        "add a [[server]] with host = \"{host}\"; if it is one of those that are there, name both in a [[relationship]]"
    )
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
