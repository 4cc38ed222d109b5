//! Names and scope ids of the command line become relationships, directions and scopes.

use super::args;
use super::powershell::{self, Spelling};
use crate::engine::compare::{self, RelationshipDrift};
use crate::engine::fleet::Fleet;
use crate::engine::select::{Picked, Selection, select};
use crate::engine::survey::{Member, Presence, ServerReport, Survey};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::ServerName;

/// What the arguments pick, with each of `sources` as a source. Everything that they name is
/// checked first.
///
/// With names and scope ids both, the scopes must be in the relationships.
///
/// # Errors
/// The first thing that was named and is not there; two sources that are partners.
pub fn choose(fleet: &Fleet, survey: &Survey, asked: &args::Selection, sources: &[&str]) -> Result<Vec<Picked>> {
    let known = |text| fleet.resolve(text).or_else(|error| survey.called(text).cloned().ok_or(error));
    let sources: Vec<ServerName> = sources.iter().map(|text| known(text)).collect::<Result<_>>()?;
    let names = names(survey, asked);
    let by_name = match names.as_slice() {
        [] => None,
        _ => Some(select(survey, &Selection::Relationships(names), &sources)?),
    };
    let by_scope = match asked.scope_ids.as_slice() {
        [] => None,
        ids => Some(select(survey, &Selection::Scopes(ids.to_vec()), &sources)?),
    };
    match (by_name, by_scope) {
        (None, None) => select(survey, &Selection::All, &sources),
        (Some(picked), None) | (None, Some(picked)) => Ok(picked),
        (Some(named), Some(scopes)) => both(asked, &named, scopes),
    }
}

/// The names of relationships. The cmdlet's come as comma lists, and a name may have commas.
fn names(survey: &Survey, asked: &args::Selection) -> Vec<String> {
    let known = |name: &str| survey.relationships.iter().any(|r| r.name.raw().eq_ignore_ascii_case(name));
    match asked.spelling {
        Spelling::Cmdlet if !asked.from_stdin => {
            asked.names.iter().flat_map(|list| powershell::values(list, &known)).collect()
        }
        _ => asked.names.clone(),
    }
}

fn both(asked: &args::Selection, named: &[Picked], mut scopes: Vec<Picked>) -> Result<Vec<Picked>> {
    scopes.retain(|pick| named.iter().any(|name| name.relationship == pick.relationship));
    for selector in &asked.scope_ids {
        let found = scopes.iter().flat_map(|pick| pick.scopes.iter().flatten()).any(|id| selector.matches(*id));
        if !found {
            let names = asked.names.join(", ");
            return Err(Error::new(ErrorKind::Selection, format!("scope {selector} is not in {names:?}"))
                .hint("leave the names out: a scope belongs to one relationship"));
        }
    }
    Ok(scopes)
}

/// The drift of what was picked, with nothing of the scopes that were not.
pub fn drift(fleet: &Fleet, survey: &Survey, pick: &Picked) -> RelationshipDrift {
    let relationship = &survey.relationships[pick.relationship];
    compare::relationship(survey, relationship, pick.source_member, &fleet.ignore).only(|id| pick.contains(id))
}

/// Why something that the arguments ask for could not be read, one reason each.
pub fn unread(survey: &Survey, picked: &[Picked], asked: &args::Selection, sources: &[&str]) -> Vec<String> {
    let relationships = picked.iter().map(|pick| pick.relationship);
    // A selection by scope id would have failed for a scope that cannot even be named.
    if !asked.scope_ids.is_empty() {
        return sorted(absent(survey, relationships, false).collect());
    }
    unread_of(survey, relationships, asked.names.is_empty() && sources.is_empty())
}

/// Why something of these relationships, or of `everything`, could not be read, one reason each.
pub fn unread_of(survey: &Survey, relationships: impl Iterator<Item = usize> + Clone, everything: bool) -> Vec<String> {
    let mut reasons: Vec<String> = absent(survey, relationships.clone(), everything).collect();
    let members: Vec<&ServerName> =
        relationships.flat_map(|at| &survey.relationships[at].members).filter_map(|member| member.server()).collect();
    // Without any restriction every server may have relationships of its own.
    for server in survey.servers.iter().filter(|server| everything || members.contains(&&server.name)) {
        match &server.outcome {
            Some(Err(error)) if everything => reasons.push(error.with_hint()),
            Some(Ok(reading)) => {
                reasons.extend(reading.nameless().map(|reason| format!("{}: {reason}", server.name)));
            }
            _ => {}
        }
    }
    sorted(reasons)
}

/// Where `each` server is told of, no member is that may be one of them.
fn absent(survey: &Survey, relationships: impl Iterator<Item = usize>, each: bool) -> impl Iterator<Item = String> {
    let members = relationships.flat_map(|at| &survey.relationships[at].members);
    let members = members.filter(move |member| !each || !matches!(member.presence, Presence::Unsure(_)));
    members.flat_map(move |member| why(survey, member))
}

/// Why a member was not read, with the reason of each server that may be it.
fn why(survey: &Survey, member: &Member) -> Vec<String> {
    let told = member.absent();
    match &member.presence {
        Presence::Failed(name, _) => {
            let failure = survey.server(name).and_then(ServerReport::failure).map(Error::with_hint);
            failure.or(told).into_iter().collect()
        }
        Presence::Unsure(reason) => {
            let failures = survey.servers.iter().filter_map(ServerReport::failure);
            let others = failures.filter(|error| !reason.contains(&error.to_string())).map(Error::with_hint);
            told.into_iter().chain(others).collect()
        }
        _ => told.into_iter().collect(),
    }
}

fn sorted(mut reasons: Vec<String>) -> Vec<String> {
    reasons.sort();
    reasons.dedup();
    reasons
}
