//! Entries of the configuration that reach the partner of the server that they name, as where two
//! ports or tunnels were exchanged: all that is said of the one is true of the other, and a
//! replication goes the other way round than it reads.

use std::net::IpAddr;

use super::approval::CROSSED_ENTRIES;
use super::port::Refusal;
use super::survey::{Relationship, ServerReport, Survey};
use crate::model::{Finding, FindingKind, FindingSide, Foreign, Host, Kinship, Membership, Severity, is_same_name};

/// What to do about it.
pub(super) const CURE: &str =
    "correct host, port or computer_name of the entry in the configuration, or its name, before anything is replicated";

/// What a server that is not the one that its entry names calls itself. Only where that is certain:
/// it is called like the partner that it tells of, and like nothing that it is itself.
pub(super) fn reached(report: &ServerReport) -> Option<String> {
    report.reading()?.health.memberships.iter().find_map(|membership| reached_in(report, membership))
}

fn reached_in(report: &ServerReport, membership: &Membership) -> Option<String> {
    // both may have one name, where it tells none of its own and was asked by its partner's
    let this = membership.peers.iter().position(|peer| peer.name == membership.this_server)?;
    let own = || membership.peers[this].names();
    let others = membership.peers.iter().enumerate().filter(|(at, _)| *at != this);
    let partner = Host::told(others.flat_map(|(_, peer)| peer.names()));
    let addresses = || report.addresses.iter().map(String::as_str);
    let is_name = |name: &&str| name.parse::<IpAddr>().is_err();
    let claimed = std::iter::once(report.name.as_str()).chain(addresses().filter(is_name)).find(|claimed| {
        let else_called = own().map(Foreign::raw).chain(addresses()).filter(|name| !is_same_name(name, claimed));
        let [itself, claimed] = [Host::new(else_called), Host::new([*claimed])];
        match partner.kinship(&claimed) {
            Kinship::Same => itself.kinship(&claimed) < Kinship::Short,
            Kinship::Short => itself.kinship(&claimed) == Kinship::Apart,
            Kinship::Untold | Kinship::Apart => false,
        }
    })?;
    // what it goes by for us alone is not what it calls itself
    let itself = own().find(|name| is_name(&name.raw()) && !is_same_name(name.raw(), claimed));
    Some(match itself {
        Some(itself) => format!("the server that calls itself {itself}"),
        None => format!("the partner of {}", Foreign::from(claimed)),
    })
}

/// Why nothing is written where that is so: Force alone is no word for the other direction.
pub(super) fn refusal(survey: &Survey, relationship: &Relationship, source_member: usize) -> Option<Refusal> {
    let Finding { message, hint, .. } = finding(survey, relationship, source_member)?;
    Some(Refusal { name: CROSSED_ENTRIES, message, hint, overridable: true })
}

/// What of this a relationship shows, seen from the member `source_member`.
pub(super) fn finding(survey: &Survey, relationship: &Relationship, source_member: usize) -> Option<Finding> {
    let reached = [source_member, 1 - source_member].map(|at| {
        let server = relationship.members[at].server()?;
        Some((server, reached(survey.server(server)?)?))
    });
    let (side, entries) = match &reached {
        [Some((source, one)), Some((target, other))] => (
            FindingSide::Both,
            format!("the entries are crossed: {source} reached {one}, and {target} reached {other}"),
        ),
        [Some((source, one)), None] => (FindingSide::Source, format!("the entry {source} reached {one}")),
        [None, Some((target, other))] => (FindingSide::Target, format!("the entry {target} reached {other}")),
        [None, None] => return None,
    };
    Some(Finding {
        severity: Severity::Warning,
        kind: FindingKind::CrossedEntries,
        side,
        scopes: Vec::new(),
        message: format!("{entries}: a replication goes the other way round than it reads"),
        hint: CURE.to_owned(),
    })
}
