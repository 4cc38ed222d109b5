//! Scopes that a server has in another relationship than its partner does, or in none.
//!
//! Of Kea only a server with several relationships, the hub of several partners, can have such: its
//! scopes name their relationship. On Windows each server lists the scopes of a relationship by
//! itself, and no replication moves a scope from one list to another.

use std::collections::{BTreeMap, BTreeSet};

use super::port::{Entry, Reading, Refusal};
use super::survey::{Presence, Relationship, Survey};
use crate::model::{Belonging, Finding, FindingKind, FindingSide, ScopeId, Severity};

/// How servers with lists of their own come to agree on the scopes of a relationship again.
pub(super) const RENEW: &str = "replicating does not change this: look at the relationship on both servers \
                                (Get-DhcpServerv4Failover), and remove and add it anew where it is right";

/// What of this a relationship shows, seen from the member `source_member`.
pub fn findings(survey: &Survey, relationship: &Relationship, source_member: usize) -> Vec<Finding> {
    let sides = [(FindingSide::Source, source_member), (FindingSide::Target, 1 - source_member)];
    let mut found = Vec::new();
    for (side, member) in sides {
        let readings = [member, 1 - member].map(|at| survey.member_reading(relationship, at));
        let [Some(own), Some(partner)] = readings else { continue };
        let strays = own.scopes.values().filter(|entry| {
            let other = partner.scopes.get(&entry.id);
            !relationship.holds(member, entry) && other.is_some_and(|other| relationship.holds(1 - member, other))
        });
        let names = [member, 1 - member].map(|at| relationship.members[at].shown());
        let is_named = relationship.is_named();
        found.extend(matches!(relationship.members[member].presence, Presence::Unpaired(_)).then(|| {
            let message = format!("{} has no relationship {}, though {} has", names[0], relationship.name, names[1]);
            critical(side, Vec::new(), format!("{message}: the two do not work as a pair"), RENEW.to_owned())
        }));
        found.extend(grouped(strays).into_iter().map(|(belongs, scopes)| match is_named {
            true => otherwise_listed(side, &belongs, scopes, &names),
            false => stray(side, &belongs, scopes, &names),
        }));
        if is_named {
            // a scope without failover is nothing unusual there
            continue;
        }
        let homeless = grouped(homeless(survey, relationship, member, own));
        found.extend(homeless.into_iter().map(|(belongs, scopes)| unclaimed(side, &belongs, scopes, &names[0])));
    }
    found
}

/// Why a scope that both have cannot be replicated in this relationship: the source does not
/// have it there.
pub fn refusal(relationship: &Relationship, source_member: usize, source: &Reading, id: ScopeId) -> Option<Refusal> {
    let entry = source.scopes.get(&id).filter(|entry| !relationship.holds(source_member, entry))?;
    let server = relationship.members[source_member].shown();
    let hint = match relationship.is_named() {
        true => format!("correct it on {server}: replicating does not change this"),
        false => format!(
            "swap source and target to put it into {} on {server}, or correct it on {server}",
            relationship.name
        ),
    };
    Some(Refusal {
        name: "other-relationship",
        message: format!("{server} has it {}", place(&entry.belongs, relationship.is_named())),
        hint,
        overridable: false,
    })
}

fn grouped<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeMap<Belonging, Vec<ScopeId>> {
    let mut groups: BTreeMap<Belonging, Vec<ScopeId>> = BTreeMap::new();
    for entry in entries {
        groups.entry(entry.belongs.clone()).or_default().push(entry.id);
    }
    groups
}

fn place(belongs: &Belonging, is_named: bool) -> String {
    match belongs {
        Belonging::To(key) => format!("in the relationship {}{key}", if is_named { "" } else { "of " }),
        Belonging::Nobody if is_named => "in no relationship".to_owned(),
        Belonging::Nobody => "in none of its relationships (none is named)".to_owned(),
        Belonging::Unknown(name) => format!("in none of its relationships ({name}, which is named, is in none)"),
    }
}

fn stray(side: FindingSide, belongs: &Belonging, scopes: Vec<ScopeId>, [server, partner]: &[String; 2]) -> Finding {
    let cure = match side {
        FindingSide::Source => "swap source and target to put them into this relationship",
        _ => "replicate them, which puts them into this relationship",
    };
    Finding {
        severity: Severity::Critical,
        kind: FindingKind::MembershipDiffers,
        side,
        scopes,
        message: format!(
            "scopes of this relationship on {partner} that {server} has {}: {server} answers no client in them when \
             it takes over from {partner}",
            place(belongs, false)
        ),
        hint: format!("{cure}; or, if they have moved, delete them on {partner}"),
    }
}

/// The same where each server lists the scopes of a relationship by itself.
fn otherwise_listed(
    side: FindingSide,
    belongs: &Belonging,
    scopes: Vec<ScopeId>,
    [server, partner]: &[String; 2],
) -> Finding {
    let message = format!(
        "scopes of this relationship on {partner} that {server} has {}: in them neither learns of the other's leases, \
         and an address may be given to two clients",
        place(belongs, true)
    );
    let hint = format!(
        "replicating does not change this: where {server} is wrong, delete them there, and on {partner} take them out of \
         the relationship and add them again (Remove- and Add-DhcpServerv4FailoverScope)"
    );
    critical(side, scopes, message, hint)
}

fn critical(side: FindingSide, scopes: Vec<ScopeId>, message: String, hint: String) -> Finding {
    let severity = Severity::Critical;
    Finding { severity, kind: FindingKind::MembershipDiffers, side, scopes, message, hint }
}

/// Scopes of a server that are in none of its relationships, and that none of its partners has
/// there. They are told of once, beside its first relationship.
fn homeless<'a>(
    survey: &'a Survey,
    relationship: &Relationship,
    member: usize,
    reading: &'a Reading,
) -> impl Iterator<Item = &'a Entry> {
    let server = relationship.members[member].server();
    let own: Vec<(&Relationship, usize)> =
        survey.relationships.iter().filter_map(|other| Some((other, other.member_index(server?)?))).collect();
    let is_first = own.first().is_some_and(|(first, _)| first.key == relationship.key);
    let claimed: BTreeSet<ScopeId> = own
        .iter()
        .filter_map(|(other, at)| Some((other, 1 - at, survey.member_reading(other, 1 - at)?)))
        .flat_map(|(other, at, reading)| reading.scopes.values().filter(move |entry| other.holds(at, entry)))
        .map(|entry| entry.id)
        .collect();
    let nowhere = move |entry: &&Entry| entry.belongs.key().is_none() && !claimed.contains(&entry.id);
    reading.scopes.values().filter(move |_| is_first).filter(nowhere)
}

fn unclaimed(side: FindingSide, belongs: &Belonging, scopes: Vec<ScopeId>, server: &str) -> Finding {
    Finding {
        severity: Severity::Warning,
        kind: FindingKind::MembershipDiffers,
        side,
        scopes,
        message: format!("scopes that {server} has {}: it answers no client in them", place(belongs, false)),
        hint: format!(
            "name in them the relationship that they belong to on {server}; until then they are compared with nobody"
        ),
    }
}
