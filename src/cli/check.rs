//! `scopesync check`

mod file;

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use self::file::FileCheck;
use super::console::Console;
use super::reading::spinner;
use super::start::{self, Start};
use super::{Failure, args};
use crate::engine::check::{self, Asked, Point, RelationshipCheck, Report, ServerCheck, Topic, Verdict};
use crate::engine::fleet::Fleet;
use crate::engine::port::{Control, Journal};
use crate::model::{Foreign, ServerName, State};
use crate::show::{self, Line, Role, plural};

/// The schema of the check's JSON.
pub const SCHEMA: &str = "scopesync.check/1";

/// Tables are made to fit this.
const COLUMNS: usize = 80;

/// Checks the configuration file, then each server, and returns the exit status: 0 when
/// nothing failed, 1 when there are no servers to check, 3 when something failed.
///
/// # Errors
/// A server that is asked about is not in the configuration, or this build cannot reach it.
pub fn run(asked: &args::Check, global: &args::Global, console: &mut Console) -> Result<u8, Failure> {
    let mut file = file::check(global);
    if file.verdict() == Verdict::Failed {
        show(&file, None, asked.json, console);
        return Ok(1);
    }
    let mut start = Start::new(global)?;
    file.points.extend(start.warnings.drain(..).map(|text| Point::warning(Topic::Remark, text)));
    let fleet = start.servers()?;
    let asked_for = Asked { servers: names(asked, &fleet)?, try_save: asked.try_save };
    let history = start.history();
    let threads = start::threads()?;
    let report = threads.block_on(ask(&fleet, &asked_for, Some(&history), console));
    // a server that nobody waits for any more must not hold up the end
    threads.shutdown_background();
    show(&file, Some(&report), asked.json, console);
    Ok(if report.verdict() == Verdict::Failed { 3 } else { 0 })
}

fn names(asked: &args::Check, fleet: &Fleet) -> Result<Vec<ServerName>, Failure> {
    asked.servers.iter().map(|name| Ok(fleet.resolve(name)?)).collect()
}

/// Asks the servers, and says who is still awaited.
async fn ask(fleet: &Fleet, asked: &Asked, journal: Option<&dyn Journal>, console: &Console) -> Report {
    let all = fleet.servers().iter().map(|server| server.name().clone());
    let wanted = all.filter(|name| asked.servers.is_empty() || asked.servers.contains(name));
    let awaited = Mutex::new(wanted.collect::<Vec<_>>());
    let words = |awaited: &[ServerName]| match awaited {
        [only] => format!("checking {only}"),
        several => format!("checking {}", plural(several.len(), "server")),
    };
    let spinner = spinner(console, words(&awaited.lock().unwrap_or_else(PoisonError::into_inner)));
    let told = |done: &ServerName| {
        let mut awaited = awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.retain(|name| name != done);
        spinner.set_message(words(&awaited));
    };
    let report = check::check(fleet, asked, journal, &Control::free(), &told).await;
    spinner.finish_and_clear();
    report
}

fn show(file: &FileCheck, report: Option<&Report>, json: bool, console: &mut Console) {
    if json {
        console.json(&Document::new(file, report));
        return;
    }
    console.line(&Line::of(0, Role::Title, "configuration"));
    console.lines(&show::points(&file.points, COLUMNS));
    let Some(report) = report else { return };
    for ServerCheck { name, place, points } in &report.servers {
        console.line(&Line::of(0, Role::Title, name.to_string()).with(Role::Muted, format!("  {place}")));
        console.lines(&show::points(points, COLUMNS));
    }
    for RelationshipCheck { name, mode, points, .. } in &report.relationships {
        let title = Line::of(0, Role::Title, format!("relationship {name}"));
        console.line(&title.with(Role::Muted, format!("  {mode}")));
        console.lines(&show::points(points, COLUMNS));
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    /// The worst of all.
    verdict: Verdict,
    configuration: ConfigurationPart<'a>,
    servers: Vec<ServerPart<'a>>,
    relationships: Vec<RelationshipPart<'a>>,
}

#[derive(Serialize)]
struct ConfigurationPart<'a> {
    path: Option<String>,
    points: Vec<PointPart<'a>>,
}

#[derive(Serialize)]
struct ServerPart<'a> {
    name: &'a str,
    place: &'a str,
    points: Vec<PointPart<'a>>,
}

#[derive(Serialize)]
struct RelationshipPart<'a> {
    name: &'a Foreign,
    mode: String,
    members: Vec<MemberPart<'a>>,
    clock_skew: Option<i64>,
    points: Vec<PointPart<'a>>,
}

#[derive(Serialize)]
struct MemberPart<'a> {
    server: Option<&'a str>,
    peer: &'a Foreign,
    role: String,
    state: Option<&'a State>,
    heard: Option<&'a State>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct PointPart<'a> {
    name: &'static str,
    verdict: Verdict,
    found: &'a str,
    hint: Option<&'a str>,
}

impl<'a> Document<'a> {
    fn new(file: &'a FileCheck, report: Option<&'a Report>) -> Self {
        let server = |check: &'a ServerCheck| ServerPart {
            name: check.name.as_str(),
            place: &check.place,
            points: parts(&check.points),
        };
        let relationship = |check: &'a RelationshipCheck| RelationshipPart {
            name: &check.name,
            mode: check.mode.to_string(),
            members: check
                .members
                .iter()
                .map(|member| MemberPart {
                    server: member.server().map(ServerName::as_str),
                    peer: &member.peer.name,
                    role: member.peer.role.to_string(),
                    state: member.state.as_ref(),
                    heard: member.heard.as_ref(),
                    reason: member.absent(),
                })
                .collect(),
            clock_skew: check.clock_skew,
            points: parts(&check.points),
        };
        Document {
            schema: SCHEMA,
            verdict: report.map_or(Verdict::Ok, Report::verdict).max(file.verdict()),
            configuration: ConfigurationPart {
                path: file.path.as_ref().map(|path| path.display().to_string()),
                points: parts(&file.points),
            },
            servers: report.iter().flat_map(|report| &report.servers).map(server).collect(),
            relationships: report.iter().flat_map(|report| &report.relationships).map(relationship).collect(),
        }
    }
}

fn parts(points: &[Point]) -> Vec<PointPart<'_>> {
    points.iter().map(PointPart::from).collect()
}

impl<'a> From<&'a Point> for PointPart<'a> {
    fn from(point: &'a Point) -> Self {
        let Point { topic, verdict, found, hint } = point;
        PointPart { name: topic.key(), verdict: *verdict, found, hint: hint.as_deref() }
    }
}
