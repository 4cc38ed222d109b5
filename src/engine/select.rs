//! Relationship names, scope ids or nothing become a set of scopes, as the cmdlet defines it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::str::FromStr;

use super::survey::{Relationship, ServerReport, Survey};
use super::{Error, ErrorKind, Result};
use crate::model::{Foreign, ScopeId, ScopeIdError, ServerName};

/// A scope as the operator names it: an address, with `/len` where two scopes share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScopeSelector {
    /// The network address.
    pub network: Ipv4Addr,
    /// The prefix length, when given.
    pub prefix_length: Option<u8>,
}

impl ScopeSelector {
    /// Whether it names this scope.
    pub fn matches(&self, id: ScopeId) -> bool {
        self.network == id.network && self.prefix_length.is_none_or(|length| length == id.prefix_length)
    }
}

impl FromStr for ScopeSelector {
    type Err = ScopeIdError;

    fn from_str(text: &str) -> std::result::Result<Self, ScopeIdError> {
        if text.contains('/') {
            let id: ScopeId = text.parse()?;
            return Ok(ScopeSelector { network: id.network, prefix_length: Some(id.prefix_length) });
        }
        let network = text.trim().parse().map_err(|_| ScopeIdError(text.escape_debug().to_string()))?;
        Ok(ScopeSelector { network, prefix_length: None })
    }
}

impl std::fmt::Display for ScopeSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.prefix_length {
            Some(length) => write!(f, "{}/{length}", self.network),
            None => write!(f, "{}", self.network),
        }
    }
}

impl From<ScopeId> for ScopeSelector {
    fn from(id: ScopeId) -> Self {
        ScopeSelector { network: id.network, prefix_length: Some(id.prefix_length) }
    }
}

/// What the operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All scopes of all relationships of the source.
    All,
    /// All scopes of the relationships of these names.
    Relationships(Vec<String>),
    /// These scopes, whichever relationship they are in.
    Scopes(Vec<ScopeSelector>),
}

/// A relationship, the direction, and which of its scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// Its place in [`Survey::relationships`].
    pub relationship: usize,
    /// The member that is copied from.
    pub source_member: usize,
    /// Which scopes; `None` for all.
    pub scopes: Option<BTreeSet<ScopeId>>,
}

impl Picked {
    /// The server that is copied from, when it is in the configuration.
    pub fn source<'a>(&self, survey: &'a Survey) -> Option<&'a ServerName> {
        survey.relationships[self.relationship].members[self.source_member].server()
    }

    /// Whether it holds this scope.
    pub fn contains(&self, id: ScopeId) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&id))
    }
}

/// What was picked, by names that hold when the servers are read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The relationship's name.
    pub name: Foreign,
    /// The server that is copied from.
    pub source: ServerName,
    /// The server that is overwritten.
    pub target: ServerName,
    /// Which scopes; `None` for all.
    pub scopes: Option<BTreeSet<ScopeId>>,
}

impl Pick {
    /// Scopes of a relationship, from this member to the other one.
    ///
    /// # Errors
    /// In words: a member is no server of the configuration.
    pub fn of(
        relationship: &Relationship,
        source_member: usize,
        scopes: Option<BTreeSet<ScopeId>>,
    ) -> std::result::Result<Self, String> {
        // That a partner is away just now is for the plan to find out: it reads again.
        let server = |at: usize| {
            let member = &relationship.members[at];
            let absent = || format!("{}: {}", member.shown(), member.absent().unwrap_or_default());
            member.server().cloned().ok_or_else(absent)
        };
        let (source, target) = (server(source_member)?, server(1 - source_member)?);
        Ok(Pick { name: relationship.name.clone(), source, target, scopes })
    }

    /// The same in what the servers say now; `None` if they have no such relationship any more.
    pub fn find(&self, survey: &Survey) -> Option<Picked> {
        let (relationship, source_member) = survey.between(&self.source, &self.target, &self.name)?;
        Some(Picked { relationship, source_member, scopes: self.scopes.clone() })
    }
}

/// Resolves a selection. `sources` are the servers that are addressed, each the source of
/// its own relationships; without any, every relationship is looked at from its primary.
///
/// # Errors
/// Everything named is checked first: two sources that are partners, a relationship that
/// no source has, a source that has none of what is named, a scope that is in no
/// relationship, or an address that two scopes share, is an error that names it, and
/// nothing is selected.
pub fn select(survey: &Survey, selection: &Selection, sources: &[ServerName]) -> Result<Vec<Picked>> {
    let mut candidates = Vec::new();
    for (relationship, found) in survey.relationships.iter().enumerate() {
        let addressed: Vec<usize> = match sources {
            [] => vec![0],
            _ => (0..2).filter(|at| found.members[*at].server().is_some_and(|name| sources.contains(name))).collect(),
        };
        match addressed.as_slice() {
            [source_member] => {
                candidates.push(Picked { relationship, source_member: *source_member, scopes: None });
            }
            [] => {}
            _ => return Err(partners(found)),
        }
    }
    let has = |picked: &[Picked], source: &ServerName| picked.iter().any(|pick| pick.source(survey) == Some(source));
    if let Some(source) = sources.iter().find(|source| !has(&candidates, source)) {
        return Err(no_relationship(survey, Some(source)));
    }
    if candidates.is_empty() {
        return Err(no_relationship(survey, None));
    }
    let picked = match selection {
        Selection::All => candidates,
        Selection::Relationships(names) => by_name(survey, names, &candidates)?,
        Selection::Scopes(ids) => by_scope(survey, ids, candidates, sources)?,
    };
    match sources.iter().find(|source| !has(&picked, source)) {
        Some(source) => Err(Error::new(ErrorKind::Selection, format!("{source} has nothing of what is named"))
            .hint(format!("leave {source} out of the sources"))),
        None => Ok(picked),
    }
}

/// Two sources that are partners: each would overwrite the other.
fn partners(relationship: &Relationship) -> Error {
    let [one, other] = relationship.members.each_ref().map(super::survey::Member::shown);
    let what = format!("{one} and {other} are partners in {}: one must be the target", relationship.name);
    Error::new(ErrorKind::Selection, what).hint("name only the one that is copied from")
}

fn no_relationship(survey: &Survey, source: Option<&ServerName>) -> Error {
    if let Some(error) = survey.none_read() {
        return error;
    }
    let unread: Vec<String> = survey.servers.iter().filter_map(|s| Some(s.failure()?.to_string())).collect();
    let (what, kind) = match source.and_then(|name| survey.server(name)).and_then(|s| s.outcome.as_ref()) {
        Some(Err(error)) => (format!("{error}"), error.kind),
        _ => match source {
            Some(server) => (format!("{server} is in no failover relationship"), ErrorKind::Selection),
            None => ("no server of the configuration is in a failover relationship".into(), ErrorKind::Selection),
        },
    };
    let error = Error::new(kind, what);
    match unread.is_empty() {
        true => {
            error.hint("a relationship needs the high-availability hook on both servers of Kea, or failover on Windows")
        }
        false => error.hint(format!("not read: {}", unread.join("; "))),
    }
}

fn by_name(survey: &Survey, names: &[String], candidates: &[Picked]) -> Result<Vec<Picked>> {
    let name_of = |picked: &Picked| survey.relationships[picked.relationship].name.raw();
    let mut picked: Vec<Picked> = Vec::new();
    for name in names {
        let exact = candidates.iter().find(|candidate| name_of(candidate) == name);
        let found = exact.or_else(|| candidates.iter().find(|c| name_of(c).eq_ignore_ascii_case(name)));
        let Some(found) = found else {
            let known: Vec<String> =
                candidates.iter().map(|c| survey.relationships[c.relationship].name.to_string()).collect();
            return Err(Error::new(ErrorKind::Selection, format!("no failover relationship is called {name:?}"))
                .hint(format!("there is: {}", known.join(", "))));
        };
        if !picked.contains(found) {
            picked.push(found.clone());
        }
    }
    Ok(picked)
}

fn by_scope(
    survey: &Survey,
    selectors: &[ScopeSelector],
    mut candidates: Vec<Picked>,
    sources: &[ServerName],
) -> Result<Vec<Picked>> {
    let held: Vec<BTreeSet<ScopeId>> =
        candidates.iter().map(|candidate| scopes_of(survey, &survey.relationships[candidate.relationship])).collect();
    for selector in selectors {
        let matching: BTreeSet<ScopeId> = held.iter().flatten().copied().filter(|id| selector.matches(*id)).collect();
        if matching.len() > 1 {
            let all: Vec<String> = matching.iter().map(ToString::to_string).collect();
            return Err(Error::new(ErrorKind::Selection, format!("{selector} means several scopes"))
                .hint(format!("write one of {}", all.join(", "))));
        }
        let Some(&id) = matching.first() else { return Err(not_found(survey, *selector, sources)) };
        for (candidate, _) in candidates.iter_mut().zip(&held).filter(|(_, held)| held.contains(&id)) {
            candidate.scopes.get_or_insert_default().insert(id);
        }
    }
    candidates.retain(|candidate| candidate.scopes.is_some());
    Ok(candidates)
}

/// The scopes that either side has in this relationship.
fn scopes_of(survey: &Survey, relationship: &Relationship) -> BTreeSet<ScopeId> {
    (0..2)
        .filter_map(|member| Some((member, survey.member_reading(relationship, member)?)))
        .flat_map(|(member, reading)| {
            let entries = reading.scopes.values().filter(move |entry| relationship.holds(member, entry));
            entries.map(|entry| entry.id).chain(reading.unreadable.iter().filter_map(|(id, _)| *id))
        })
        .collect()
}

fn not_found(survey: &Survey, selector: ScopeSelector, sources: &[ServerName]) -> Error {
    let on: Vec<&str> = survey
        .servers
        .iter()
        .filter(|server| server.reading().is_some_and(|r| r.scopes.keys().any(|id| selector.matches(*id))))
        .map(|server| server.name.as_str())
        .collect();
    let unread: Vec<&str> = survey.servers.iter().filter(|s| s.reading().is_none()).map(|s| s.name.as_str()).collect();
    let within: BTreeSet<ScopeId> = survey
        .servers
        .iter()
        .filter_map(ServerReport::reading)
        .flat_map(|reading| reading.scopes.keys().copied())
        .filter(|id| id.contains(selector.network))
        .collect();
    let elsewhere = !sources.is_empty() && !sources.iter().any(|source| on.contains(&source.as_str()));
    let error = match (on.is_empty(), elsewhere) {
        (true, _) if !within.is_empty() => {
            let ids: Vec<String> = within.iter().map(ToString::to_string).collect();
            let what = format!("there is no scope {selector}: that address lies in scope {}", ids.join(" and "));
            return Error::new(ErrorKind::Selection, what).hint("a scope is named by its network address");
        }
        (true, _) => Error::new(ErrorKind::Selection, format!("there is no scope {selector}")),
        (false, true) => {
            let sources: Vec<&str> = sources.iter().map(ServerName::as_str).collect();
            let what = format!("scope {selector} is in no failover relationship of {}", sources.join(", "));
            Error::new(ErrorKind::Selection, what)
        }
        (false, false) => Error::new(ErrorKind::Selection, format!("scope {selector} is in no failover relationship")),
    };
    match (on.is_empty(), unread.is_empty()) {
        (_, false) => error.hint(format!("not read: {}", unread.join(", "))),
        (true, true) => error.hint("scopesync scopes lists the scopes that there are"),
        (false, true) => error.hint(format!("it is on {}", on.join(", "))),
    }
}
