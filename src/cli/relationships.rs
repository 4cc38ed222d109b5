//! `scopesync relationships`

use serde::Serialize;

use super::console::Console;
use super::reading::survey;
use super::table::Table;
use super::{Failure, args};
use crate::engine::compare;
use crate::engine::fleet::Fleet;
use crate::engine::survey::{Member, Relationship, ServerReport, Survey};
use crate::engine::trouble::{Trouble, TroubleReport};
use crate::model::{Condition, Contact, Foreign, State};
use crate::show::{self, Line, Role, ScopeNames};

/// The schema of the list's JSON.
pub const SCHEMA: &str = "scopesync.relationships/1";

/// Lists the relationships and returns the exit status: 0, or 3 if a server could not be read.
///
/// # Errors
/// No server could be read, or two entries reach one server.
pub async fn run(fleet: &Fleet, asked: &args::Relationships, console: &mut Console) -> Result<u8, Failure> {
    let survey = survey(fleet, console).await?;
    if asked.json {
        console.json(&Document::new(fleet, &survey));
    } else {
        show_text(fleet, &survey, console);
    }
    Ok(if survey.servers.iter().all(|server| server.reading().is_some()) { 0 } else { 3 })
}

/// That a relationship no longer works as one, and the drift that did it.
fn trouble(fleet: &Fleet, survey: &Survey, relationship: &Relationship) -> Option<Trouble> {
    // only then is it worth a comparison
    relationship.trouble()?;
    compare::relationship(survey, relationship, 0, &fleet.ignore).trouble
}

fn show_text(fleet: &Fleet, survey: &Survey, console: &mut Console) {
    if survey.relationships.is_empty() {
        console.note("none of the servers is in a failover relationship");
    } else {
        let mut table = Table::new(["NAME", "MODE", "SERVER", "ROLE", "STATE", "SCOPES"]);
        for relationship in &survey.relationships {
            for (at, member) in relationship.members.iter().enumerate() {
                let first = |text: String| if at == 0 { text } else { " ".into() };
                table.row([
                    (Role::Title, first(relationship.name.to_string())),
                    (Role::Plain, first(relationship.mode.to_string())),
                    (Role::Plain, member.shown()),
                    (Role::Plain, member.peer.role.to_string()),
                    state(relationship, at),
                    (Role::Plain, scopes(survey, relationship, at).map(|n| n.to_string()).unwrap_or_default()),
                ]);
            }
        }
        console.lines(&table.lines());
    }
    for relationship in &survey.relationships {
        let reasons =
            relationship.unsupported.iter().cloned().chain(relationship.members.iter().filter_map(Member::absent));
        for reason in reasons {
            let line = Line::of(0, Role::Title, format!("{}: ", relationship.name));
            console.line(&line.with(Role::Warning, reason));
        }
        if let Some(trouble) = trouble(fleet, survey, relationship) {
            console.line(&Line::of(0, Role::Title, format!("{}:", relationship.name)));
            let names = ScopeNames::of(survey);
            console
                .lines(&show::finding(&trouble.finding(), &names).into_iter().map(|l| l.deeper(2)).collect::<Vec<_>>());
        }
    }
    let in_one = |report: &ServerReport| survey.relationships.iter().any(|r| r.member_index(&report.name).is_some());
    for server in &survey.servers {
        match &server.outcome {
            // the reason stands with its relationships
            Some(Err(error)) if in_one(server) => {
                let line = |hint| Line::of(0, Role::Title, format!("{}: ", server.name)).with(Role::Muted, hint);
                error.hint.iter().for_each(|hint| console.line(&line(format!("hint: {hint}"))));
            }
            Some(Err(error)) => console.warning(format_args!("not read: {}", error.with_hint())),
            _ if in_one(server) => {}
            _ => console.note(format_args!("{} is in no failover relationship", server.name)),
        }
    }
}

fn state(relationship: &Relationship, member: usize) -> (Role, String) {
    let state = relationship.members[member].state.as_ref();
    let role = match state.map(|state| state.condition(&relationship.mode)) {
        Some(Condition::Normal) => Role::Good,
        Some(Condition::Terminated | Condition::CommunicationRecovery) => Role::Critical,
        _ => Role::Warning,
    };
    (role, show::state_words(relationship, member).unwrap_or_default())
}

/// How many scopes a member has in the relationship; `None` when it was not read.
fn scopes(survey: &Survey, relationship: &Relationship, member: usize) -> Option<usize> {
    let reading = survey.member_reading(relationship, member)?;
    Some(reading.scopes.values().filter(|entry| relationship.holds(member, entry)).count())
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    servers: Vec<ServerLine<'a>>,
    relationships: Vec<RelationshipLine<'a>>,
}

#[derive(Serialize)]
struct ServerLine<'a> {
    name: &'a str,
    place: &'a str,
    reachable: bool,
    reason: Option<String>,
    version: Option<&'a Foreign>,
    caveat: Option<&'static str>,
    read_only: bool,
}

#[derive(Serialize)]
struct RelationshipLine<'a> {
    name: &'a Foreign,
    mode: String,
    supported: bool,
    reason: Option<&'a str>,
    trouble: Option<TroubleReport>,
    members: Vec<MemberLine<'a>>,
}

#[derive(Serialize)]
struct MemberLine<'a> {
    server: Option<&'a str>,
    peer: &'a Foreign,
    role: String,
    state: Option<&'a State>,
    condition: Option<Condition>,
    contact: Option<&'a Contact>,
    heard: Option<&'a State>,
    scopes: Option<usize>,
    reason: Option<String>,
}

impl<'a> Document<'a> {
    fn new(fleet: &Fleet, survey: &'a Survey) -> Self {
        let server = |report: &'a ServerReport| ServerLine {
            name: report.name.as_str(),
            place: &report.place,
            reachable: report.reading().is_some(),
            reason: report.failure().map(ToString::to_string),
            version: report.reading().and_then(|reading| reading.version.as_ref()),
            caveat: report.caveat,
            read_only: report.read_only,
        };
        let member = |relationship: &'a Relationship, at: usize| {
            let member = &relationship.members[at];
            MemberLine {
                server: member.server().map(|name| name.as_str()),
                peer: &member.peer.name,
                role: member.peer.role.to_string(),
                state: member.state.as_ref(),
                condition: member.state.as_ref().map(|state| state.condition(&relationship.mode)),
                contact: member.membership.as_ref().and_then(|membership| membership.contact.as_ref()),
                heard: member.heard.as_ref(),
                scopes: scopes(survey, relationship, at),
                reason: member.absent(),
            }
        };
        Document {
            schema: SCHEMA,
            servers: survey.servers.iter().map(server).collect(),
            relationships: survey
                .relationships
                .iter()
                .map(|relationship| RelationshipLine {
                    name: &relationship.name,
                    mode: relationship.mode.to_string(),
                    supported: relationship.unsupported.is_none(),
                    reason: relationship.unsupported.as_deref(),
                    trouble: trouble(fleet, survey, relationship).as_ref().map(Trouble::report),
                    members: vec![member(relationship, 0), member(relationship, 1)],
                })
                .collect(),
        }
    }
}
