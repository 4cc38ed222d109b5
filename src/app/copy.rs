//! What can be taken to the terminal's clipboard from where the cursor stands.
//!
//! Nothing that leaves moves a cursor, turns a line round or cannot be seen; and a command line
//! means the same to the shell that it is pasted into, whatever a server calls its things.

pub mod command;
pub mod document;

use super::action::{Action, Place};
use super::drift;
use super::fleet::relation::Relation;
use super::history::destroyed;
use super::log::LogView;
use super::pick;
use super::runs::Ended;
use super::state::{AppState, View};
use crate::engine::compare::ScopeDrift;
use crate::engine::survey::Relationship;
use crate::log::Message;
use crate::model::{DriftState, Foreign, is_harmful};
use crate::show::{self, Line, plural};
use document::Document;
use drift::DriftRow;

/// Bytes of the largest text that is copied: with more of them the control sequence becomes longer
/// than the 100 000 bytes that common terminals and multiplexers take.
pub const MOST: usize = 74_994;

/// What can be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// One thing that the highlighted line says.
    Cell(usize),
    /// All that it says.
    Row,
    /// The lines of the marked scopes.
    Marked,
    /// All about it, as text.
    Text,
    /// The drift, as `scopesync.drift/1`.
    Json,
    /// The command line that does the same.
    Command,
    /// PowerShell's that does the same.
    Cmdlet,
}

/// A line of the menu.
#[derive(Clone, Debug)]
pub struct Offer {
    /// What it copies.
    pub what: What,
    /// That in words, safe to show.
    pub words: String,
    /// Why it cannot.
    pub can: Result<(), String>,
}

/// What can be copied here, the cells of the line first.
pub fn offers(state: &AppState) -> Vec<Offer> {
    let offer = |what, words: &str, can| Offer { what, words: words.to_owned(), can };
    let cells = cells(state).into_iter().enumerate();
    let cells = cells.map(|(at, (name, text))| offer(What::Cell(at), &format!("{name}: {text}"), Ok(())));
    let mut offers: Vec<Offer> = cells.collect();
    let place = state.beneath();
    if place != Place::Detail {
        let nothing = || "there is nothing here".to_owned();
        offers.push(offer(What::Row, "the whole line", row(state).map(drop).ok_or_else(nothing)));
    }
    match place {
        Place::Relationships | Place::Scopes | Place::Drift => {
            let marked = state.marked();
            let can = if marked > 0 { Ok(()) } else { Err("nothing is marked".to_owned()) };
            offers.push(offer(What::Marked, &format!("the lines of {}", plural(marked, "marked scope")), can));
            let can = document::can(state);
            offers.push(offer(What::Text, "the drift as text", can.clone()));
            offers.push(offer(What::Json, "the drift as JSON (scopesync.drift/1)", can));
            let can = pick::pickable(state);
            offers.push(offer(What::Command, "the command line that replicates this", can.clone()));
            let can = can.and_then(|()| command::cmdlet_can(state));
            offers.push(offer(What::Cmdlet, "the same for PowerShell on Windows", can));
        }
        Place::Detail => offers.push(offer(What::Text, "this text", Ok(()))),
        Place::Log => offers.push(offer(What::Text, "all messages that are shown", Ok(()))),
        Place::Jobs => {
            offers.push(offer(What::Text, "all of its outcomes", report(state).map(drop)));
            offers.push(offer(What::Command, "the command line that does the same", command::planned(state).map(drop)));
        }
        Place::Preview => {
            let words = "the command line that does what is previewed";
            offers.push(offer(What::Command, words, command::planned(state).map(drop)));
        }
        Place::PastRun => {
            offers.push(offer(What::Text, "what the run destroyed in the scope", past_scope(state).map(drop)));
            offers.push(offer(What::Command, "the command line that undoes the run", command::undo(state).map(drop)));
        }
        Place::History => {
            offers.push(offer(What::Command, "the command line that undoes the run", command::undo(state).map(drop)));
        }
        _ => {}
    }
    offers
}

/// What is copied, with what it is in words.
///
/// # Errors
/// In words: there is nothing, or too much of it.
pub fn take(state: &AppState, what: What) -> Result<(String, String), String> {
    let offer = offers(state).into_iter().find(|offer| offer.what == what).ok_or("there is no such thing here")?;
    offer.can?;
    let text = match what {
        What::Cell(at) => cells(state).into_iter().nth(at).map(|(_, text)| text),
        What::Row => row(state),
        What::Marked => Some(marked(state)),
        What::Text => Some(text(state)?),
        What::Json => Some(Document::of(state)?.json()?),
        What::Command if matches!(state.beneath(), Place::History | Place::PastRun) => Some(command::undo(state)?),
        What::Command if matches!(state.beneath(), Place::Jobs | Place::Preview) => Some(command::planned(state)?),
        What::Command => Some(command::ours(state)?),
        What::Cmdlet => Some(command::cmdlet(state)?),
    };
    let text = harmless(text.unwrap_or_default().trim_end().to_owned());
    match text.len() {
        0 => Err("there is nothing here".to_owned()),
        1..=MOST => Ok((offer.words, text)),
        many => Err(format!(
            "{} are too many for a terminal's clipboard: {} exports to a file instead",
            plural(many, "byte"),
            state.key(Action::Export)
        )),
    }
}

/// What is shown is clean already; this is for what somebody forgets.
fn harmless(text: String) -> String {
    let is_line = |c: char| c != '\n' && is_harmful(c);
    match text.contains(is_line) {
        true => text.split('\n').map(Foreign::cleaned).collect::<Vec<_>>().join("\n"),
        false => text,
    }
}

/// What the highlighted line says, each with its name.
fn cells(state: &AppState) -> Vec<(&'static str, String)> {
    let mut cells = match state.beneath() {
        Place::Relationships | Place::Scopes => listed(state),
        Place::Drift => drifting(state),
        Place::History => past_run(state),
        Place::PastRun => match past_scope(state) {
            Ok(scope) => vec![("scope", scope.name.clone()), ("server", scope.target.to_string())],
            Err(_) => past_run(state),
        },
        _ => Vec::new(),
    };
    cells.retain(|(_, text)| !text.is_empty());
    cells
}

fn listed(state: &AppState) -> Vec<(&'static str, String)> {
    let Some((relationship, _)) = state.current() else {
        let server = state.current_server().and_then(|name| state.survey.server(name));
        let Some(server) = server else { return Vec::new() };
        let version = server.reading().and_then(|reading| reading.version.as_ref());
        let version = version.map(ToString::to_string).unwrap_or_default();
        return vec![("server", server.name.to_string()), ("place", server.place.clone()), ("version", version)];
    };
    let scope = state.current_scope();
    let name = scope.and_then(|scope| scope.name.as_ref()).map(ToString::to_string);
    let [source, target] = pick::directed(state, relationship).map(crate::engine::survey::Member::shown);
    vec![
        ("scope", scope.map(|scope| state.names.name(scope.id)).unwrap_or_default()),
        ("name", name.unwrap_or_default()),
        ("relationship", relationship.name.to_string()),
        ("source", source),
        ("target", target),
        ("drift", scope.map(drift::state_words).unwrap_or_default()),
        ("reason", scope.and_then(|scope| scope.reason.clone()).unwrap_or_default()),
    ]
}

fn drifting(state: &AppState) -> Vec<(&'static str, String)> {
    let pane = &state.drift;
    match pane.current() {
        Some(DriftRow::Item(at)) => pane.item(at).map(|item| vec![("item", item.title())]).unwrap_or_default(),
        Some(DriftRow::Field(at, field)) => {
            let Some((name, sides)) = drift::sides(pane, at, field) else { return Vec::new() };
            let [source, target] = sides.map(|side| side.map(|side| side.text).unwrap_or_default());
            let item = pane.item(at).map(|item| item.title()).unwrap_or_default();
            vec![("source", source), ("target", target), ("field", name.to_string()), ("item", item)]
        }
        Some(DriftRow::Finding(at) | DriftRow::Beside(at)) => {
            let findings = pane.subject.as_ref().map_or(&[][..], |subject| &subject.compared.drift.findings);
            let finding = findings.get(at);
            finding
                .map(|found| vec![("finding", found.message.clone()), ("hint", one_line(&found.hint))])
                .unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

fn past_run(state: &AppState) -> Vec<(&'static str, String)> {
    let run = state.history.subject();
    run.map(|run| vec![("run", run.id.clone()), ("by", run.who.clone()), ("servers", run.route("→"))])
        .unwrap_or_default()
}

fn past_scope(state: &AppState) -> Result<&super::history::PastScope, String> {
    let opened = state.history.opened.as_ref();
    opened.and_then(|opened| opened.current()).ok_or_else(|| "there is no scope here".to_owned())
}

/// All that the highlighted line says.
fn row(state: &AppState) -> Option<String> {
    match state.beneath() {
        Place::Relationships | Place::Scopes => match (state.current(), state.current_scope()) {
            (Some((relationship, _)), Some(scope)) => Some(scope_row(state, relationship, scope)),
            (Some((relationship, relation)), None) => Some(relationship_row(state, relationship, relation)),
            (None, _) => Some(listed(state).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("  ")),
        },
        Place::Drift => {
            let row = state.drift.current()?;
            let DriftRow::Field(at, field) = row else {
                return drift::line(state, row).map(|(_, text)| text.trim().to_owned());
            };
            drift::field_line(&state.drift, at, field)
        }
        Place::Jobs => {
            let run = state.runs.current();
            let run = run.map(|run| match &run.result {
                Some(Ok(ended)) => format!("{}: {}", run.title(), ended.summary(&state.key(Action::Reset)).1),
                Some(Err(reason)) => format!("{}: {reason}", run.title()),
                None => format!("{}: under way", run.title()),
            });
            run.or_else(|| state.runs.current_job().map(|job| format!("{}: {}", job.title, job.words().1)))
        }
        Place::PastRun if past_scope(state).is_ok() => {
            let scope = past_scope(state).ok()?;
            let message = scope.message.iter().map(|message| format!(": {message}")).collect::<String>();
            Some(format!("{} on {}: {}{message}", scope.name, scope.target, scope.standing()))
        }
        Place::Log => state.log.as_ref()?.current().map(|message| log_line(state, message)),
        Place::History | Place::PastRun => {
            let run = state.history.subject()?;
            let words = [run.called(&state.setting.zone()), run.kind_word().to_owned(), run.route("→")];
            let words = words.into_iter().chain([run.count_words()]).chain(run.marks());
            Some(words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    }
}

/// The address comes first: no spreadsheet takes that for a formula.
fn scope_row(state: &AppState, relationship: &Relationship, scope: &ScopeDrift) -> String {
    let [source, target] = pick::directed(state, relationship).map(crate::engine::survey::Member::shown);
    let words = show::scope_drift(scope, &state.names).text();
    format!("{}  ({}: {source} → {target})", words.trim_end(), relationship.name)
}

/// A relationship in one line, with how much it has drifted.
fn relationship_row(state: &AppState, relationship: &Relationship, relation: &Relation) -> String {
    let title = show::relationship_title(relationship, state.source_member(relationship)).text();
    format!("{title}  {}", relationship_words(state, relationship, relation))
}

/// How much a relationship has drifted, as it was known last.
pub fn relationship_words(state: &AppState, relationship: &Relationship, relation: &Relation) -> String {
    match (&relation.compared, &relationship.unsupported) {
        (_, Some(reason)) => format!("not supported: {reason}"),
        (Some(_), None) if relation.turned => DriftState::Checking.words().to_owned(),
        (Some(compared), None) if state.is_stale(relationship) && !compared.pending => {
            format!("{}: {}", DriftState::Checking.words(), drift::summary_words(compared))
        }
        (Some(compared), None) => drift::summary_words(compared),
        (None, None) => "not compared yet".to_owned(),
    }
}

/// The marked scopes, one a line, as they are listed.
fn marked(state: &AppState) -> String {
    let mut lines = Vec::new();
    for name in &state.tree.order {
        let (Some(relationship), Some(relation)) = (state.relationship(name), state.relations.get(name)) else {
            continue;
        };
        let Some(compared) = &relation.compared else { continue };
        let scopes = relation.order.iter().filter_map(|at| compared.drift.scopes.get(*at as usize));
        let scopes = scopes.filter(|scope| relation.marks.contains(&scope.id));
        lines.extend(scopes.map(|scope| scope_row(state, relationship, scope)));
    }
    lines.join("\n")
}

fn text(state: &AppState) -> Result<String, String> {
    Ok(match (state.beneath(), &state.view) {
        (Place::Detail, View::Detail(detail)) => detail.paragraphs.join("\n").trim_end().to_owned(),
        (Place::Log, _) => {
            let shown = state.log.iter().flat_map(LogView::shown);
            shown.map(|message| log_line(state, message)).collect::<Vec<_>>().join("\n")
        }
        (Place::Jobs, _) => joined(report(state)?),
        (Place::PastRun, _) => {
            destroyed(past_scope(state)?).into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n")
        }
        _ => joined(Document::of(state)?.lines()?),
    })
}

/// The outcomes of the run that is shown.
fn report(state: &AppState) -> Result<Vec<Line>, String> {
    let Some(run) = state.runs.current() else { return Err("the job's own history has its outcomes".to_owned()) };
    match &run.result {
        Some(Ok(Ended::Replicated(report))) => Ok(show::report(report, &state.names)),
        Some(Ok(Ended::Reset(report))) => Ok(show::reset_report(report)),
        Some(Err(reason)) => Err(reason.clone()),
        None => Err("the run has not ended".to_owned()),
    }
}

fn log_line(state: &AppState, message: &Message) -> String {
    let at = message.at.to_zoned(state.setting.zone()).strftime("%F %H:%M:%S");
    format!("{at} {} {}: {}", message.level.name(), message.target, message.text)
}

/// Lines as a text.
pub fn joined(lines: Vec<Line>) -> String {
    let lines: Vec<String> = lines.iter().map(|line| line.text().trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

fn one_line(text: &str) -> String {
    text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}
