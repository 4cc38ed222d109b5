//! `scopesync scopes`

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde::Serialize;

use super::console::Console;
use super::reading::{survey, waiting};
use super::select::unread_of;
use super::table::Table;
use super::{Failure, args};
use crate::engine::fleet::Fleet;
use crate::engine::port::{Control, Entry, Utilisation};
use crate::engine::select::{Selection, select};
use crate::engine::survey::Survey;
use crate::model::{Complete, Foreign, ScopeId, ServerName};
use crate::show::{Role, ScopeNames};

/// The schema of the list's JSON.
pub const SCHEMA: &str = "scopesync.scopes/1";

/// Leases in use, by server and scope.
pub(super) type InUse = BTreeMap<ServerName, BTreeMap<ScopeId, Utilisation>>;

/// Lists scopes and returns the exit status: 0, or 3 if something could not be read.
///
/// # Errors
/// No server could be read, or a relationship that was named is not there.
pub async fn run(fleet: &Fleet, asked: &args::Scopes, console: &mut Console) -> Result<u8, Failure> {
    let survey = survey(fleet, console).await?;
    let wanted: BTreeSet<usize> = match asked.names.as_slice() {
        [] => (0..survey.relationships.len()).collect(),
        names => {
            let picked = select(&survey, &Selection::Relationships(names.to_vec()), &[])?;
            picked.into_iter().map(|pick| pick.relationship).collect()
        }
    };
    let in_use = waiting(console, "reading leases".into(), in_use(fleet, &survey)).await?;
    let mut found: Vec<Found> = wanted.iter().flat_map(|at| of_relationship(&survey, *at, &in_use)).collect();
    if asked.names.is_empty() {
        found.extend(unpaired(&survey, &in_use));
    }
    let unread = unread_of(&survey, wanted.iter().copied(), asked.names.is_empty());
    let unclear = found.iter().any(|scope| scope.reason.is_some());
    if asked.json {
        console.json(&Document { schema: SCHEMA, scopes: found });
    } else {
        if found.is_empty() && unread.is_empty() {
            console.note("there is no scope");
        }
        show_text(&survey, &found, console);
    }
    for reason in &unread {
        console.warning(format_args!("not read: {reason}"));
    }
    Ok(if unclear || !unread.is_empty() { 3 } else { 0 })
}

/// A server that does not tell is left out: the list stands without it.
pub(super) async fn in_use(fleet: &Fleet, survey: &Survey) -> InUse {
    let control = Control::free();
    let read = survey.servers.iter().filter(|report| report.reading().is_some());
    let asked = read.filter_map(|report| fleet.server(&report.name)).map(|server| async {
        match server.utilisation(&control).await {
            Ok(told) => Some((server.name().clone(), told?)),
            Err(error) => {
                tracing::info!(%error, "no utilisation");
                None
            }
        }
    });
    join_all(asked).await.into_iter().flatten().collect()
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    scopes: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    #[serde(skip)]
    id: ScopeId,
    scope_id: String,
    prefix_length: u8,
    name: Option<&'a Foreign>,
    relationship: Option<&'a Foreign>,
    servers: Vec<OnServer>,
    utilisation: Option<InUseLine>,
    reason: Option<String>,
}

/// `present` is `None` when the server was not read.
#[derive(Serialize)]
struct OnServer {
    server: String,
    present: Option<bool>,
}

#[derive(Serialize)]
struct InUseLine {
    server: String,
    total: u64,
    assigned: u64,
    declined: u64,
}

impl<'a> Found<'a> {
    fn new(id: ScopeId) -> Self {
        Found {
            id,
            scope_id: id.short(),
            prefix_length: id.prefix_length,
            name: None,
            relationship: None,
            servers: Vec::new(),
            utilisation: None,
            reason: None,
        }
    }

    /// What a server has of it. Partners know the same leases, so the first that tells is believed.
    fn add(&mut self, server: &ServerName, entry: &'a Entry, in_use: &InUse) {
        self.name = self.name.or(entry.name.as_ref());
        let told = in_use.get(server).and_then(|told| told.get(&entry.id));
        let line = told.map(|told| InUseLine {
            server: server.to_string(),
            total: told.total,
            assigned: told.assigned,
            declined: told.declined,
        });
        self.utilisation = self.utilisation.take().or(line);
        if let Complete::Failed(reason) = entry.raw.complete() {
            self.reason = Some(format!("{server}: {reason}"));
        }
    }

    fn presence(&self) -> (Role, String) {
        let on: Vec<&str> =
            self.servers.iter().filter(|s| s.present == Some(true)).map(|s| s.server.as_str()).collect();
        let unread = self.servers.iter().any(|server| server.present.is_none());
        match (&self.reason, unread) {
            (Some(reason), _) => (Role::Critical, format!("unknown: {reason}")),
            (None, true) => (Role::Warning, format!("{}, other side not read", on.join(" and "))),
            (None, false) if self.relationship.is_none() => (Role::Plain, on.join(" and ")),
            (None, false) if on.len() == self.servers.len() => (Role::Good, "both".into()),
            (None, false) => (Role::Warning, format!("only {}", on.join(" and "))),
        }
    }
}

fn of_relationship<'a>(survey: &'a Survey, at: usize, in_use: &InUse) -> Vec<Found<'a>> {
    let relationship = &survey.relationships[at];
    let mut found: BTreeMap<ScopeId, Found> = BTreeMap::new();
    for member in 0..2 {
        let Some(reading) = survey.member_reading(relationship, member) else { continue };
        let here = reading.scopes.values().filter(|entry| relationship.holds(member, entry)).map(|entry| entry.id);
        let unclear = reading.unreadable.iter().filter_map(|(id, _)| *id);
        for id in here.chain(unclear) {
            found.entry(id).or_insert_with(|| Found::new(id));
        }
    }
    for (id, scope) in &mut found {
        scope.relationship = Some(&relationship.name);
        for (at, member) in relationship.members.iter().enumerate() {
            let reading = survey.member_reading(relationship, at);
            let entry =
                reading.and_then(|reading| reading.scopes.get(id)).filter(|entry| relationship.holds(at, entry));
            scope.servers.push(OnServer { server: member.shown(), present: reading.map(|_| entry.is_some()) });
            if let (Some(entry), Some(server)) = (entry, member.server()) {
                scope.add(server, entry, in_use);
            }
            let unclear = reading.and_then(|reading| reading.unreadable.iter().find(|(bad, _)| *bad == Some(*id)));
            if let Some((_, reason)) = unclear {
                scope.reason = Some(format!("{}: {reason}", member.shown()));
            }
        }
    }
    found.into_values().collect()
}

/// Scopes that are in no relationship, also those that could not be understood.
fn unpaired<'a>(survey: &'a Survey, in_use: &InUse) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for server in &survey.servers {
        let Some(reading) = server.reading() else { continue };
        for id in survey.unpaired(&server.name) {
            let Some(entry) = reading.scopes.get(&id) else { continue };
            let mut scope = Found::new(id);
            scope.servers.push(OnServer { server: server.name.to_string(), present: Some(true) });
            scope.add(&server.name, entry, in_use);
            found.push(scope);
        }
        if survey.relationships.iter().any(|relationship| relationship.member_index(&server.name).is_some()) {
            continue;
        }
        for (id, reason) in &reading.unreadable {
            let Some(mut scope) = id.map(Found::new) else { continue };
            scope.servers.push(OnServer { server: server.name.to_string(), present: Some(true) });
            scope.reason = Some(format!("{}: {reason}", server.name));
            found.push(scope);
        }
    }
    found
}

fn show_text(survey: &Survey, found: &[Found], console: &mut Console) {
    if found.is_empty() {
        return;
    }
    let names = ScopeNames::of(survey);
    let mut table = Table::new(["SCOPE", "NAME", "RELATIONSHIP", "ON", "IN USE"]);
    for scope in found {
        table.row([
            (Role::Title, names.name(scope.id)),
            (Role::Plain, scope.name.map(ToString::to_string).unwrap_or_default()),
            (Role::Plain, scope.relationship.map_or_else(|| "none".into(), ToString::to_string)),
            scope.presence(),
            (Role::Plain, scope.utilisation.as_ref().map(in_use_words).unwrap_or_default()),
        ]);
    }
    console.lines(&table.lines());
    let told: BTreeSet<&str> =
        found.iter().filter_map(|scope| Some(scope.utilisation.as_ref()?.server.as_str())).collect();
    if !told.is_empty() {
        let told: Vec<&str> = told.into_iter().collect();
        console.note(format_args!("IN USE: leases as counted by {}", told.join(", ")));
    }
}

fn in_use_words(line: &InUseLine) -> String {
    let percent = line.assigned.saturating_mul(100).checked_div(line.total).unwrap_or(0);
    let declined = if line.declined > 0 { format!(", {} declined", line.declined) } else { String::new() };
    format!("{} of {} ({percent} %{declined})", line.assigned, line.total)
}
