//! Scopes that a server has in another relationship than its partner does, or in none.
//!
//! Only a server with several relationships, the hub of several partners, can have such.

use std::collections::{BTreeMap, BTreeSet};

use super::port::{Entry, Reading, Refusal};
use super::survey::{Relationship, Survey};
use crate::model::{Belonging, Finding, FindingKind, FindingSide, ScopeId, Severity};

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
        found.extend(grouped(strays).into_iter().map(|(belongs, scopes)| stray(side, &belongs, scopes, &names)));
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
    Some(Refusal {
        name: "other-relationship",
        message: format!("{server} has it {}", place(&entry.belongs)),
        hint: format!(
            "swap source and target to put it into {} on {server}, or correct it on {server}",
            relationship.name
        ),
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

fn place(belongs: &Belonging) -> String {
    match belongs {
        Belonging::To(key) => format!("in the relationship of {key}"),
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
            place(belongs)
        ),
        hint: format!("{cure}; or, if they have moved, delete them on {partner}"),
    }
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
        message: format!("scopes that {server} has {}: it answers no client in them", place(belongs)),
        hint: format!(
            "name in them the relationship that they belong to on {server}; until then they are compared with nobody"
        ),
    }
}
