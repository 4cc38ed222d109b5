//! What became of a reset, side by side.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::engine::Error;
use crate::engine::trouble::seconds;
use crate::model::{Condition, Foreign, Mode, State};

/// The schema of a reset's JSON.
pub const SCHEMA: &str = "scopesync.reset/1";

/// What became of the request to one server.
#[derive(Clone, Debug)]
pub(super) enum Request {
    /// The server took it.
    Accepted,
    /// The server said no.
    Refused(Error),
    /// It never went out.
    NotSent(Error),
    /// It went out, and the answer was lost.
    Lost(Error),
}

/// How one server stands in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// In its normal state.
    InService,
    /// In another state.
    NotInService,
    /// It could not be asked.
    Unknown,
    /// Nothing was sent to it.
    NotReset,
}

impl Fate {
    /// The words for screens.
    pub fn words(self) -> &'static str {
        match self {
            Fate::InService => "in service",
            Fate::NotInService => "NOT in service",
            Fate::Unknown => "UNKNOWN",
            Fate::NotReset => "not reset",
        }
    }
}

/// What became of one server.
#[derive(Clone, Debug)]
pub struct SideReset {
    /// The server.
    pub server: String,
    /// How it stands in the end.
    pub fate: Fate,
    /// Its state in the end, by its own word.
    pub state: Option<State>,
    /// How long after the reset it was in service.
    pub after: Option<Duration>,
    /// What else is to be known of it; safe to show.
    pub message: Option<String>,
}

/// What became of a reset.
#[derive(Clone, Debug)]
pub struct ResetReport {
    /// Its name in the journal.
    pub run: String,
    /// The relationship.
    pub name: Foreign,
    /// How its partners share the work.
    pub mode: Mode,
    /// Both servers, primary first.
    pub sides: Vec<SideReset>,
    /// Why nothing was sent, or what to do next; safe to show.
    pub remarks: Vec<String>,
    /// When it began.
    pub started: jiff::Timestamp,
    /// When it ended.
    pub ended: jiff::Timestamp,
}

/// What was seen of one server, until its end can be told.
pub(super) struct Observed {
    pub sent: Request,
    /// What its state came to before.
    pub before: Condition,
    /// Its newest state, or why it could not be asked.
    pub now: Result<State, Error>,
    /// It was seen coming back.
    pub came_back: bool,
    pub after: Option<Duration>,
}

impl SideReset {
    /// Tells what became of a server from what was sent and what was seen of it.
    pub(super) fn of(server: &str, observed: Observed, mode: &Mode) -> Self {
        let Observed { sent, before, now, came_back, after } = observed;
        let condition = now.as_ref().ok().map(|state| state.condition(mode));
        let fate = match condition {
            Some(Condition::Normal) => Fate::InService,
            Some(_) if matches!(sent, Request::NotSent(_)) => Fate::NotReset,
            Some(_) => Fate::NotInService,
            None => Fate::Unknown,
        };
        // what it was before cannot tell a reset from none where that was no trouble
        let moved = came_back || (condition != Some(before) && condition.is_some());
        let request = match &sent {
            Request::Accepted => None,
            Request::Refused(error) => Some(format!("it refused the reset: {}", told(error))),
            Request::NotSent(error) => Some(format!("nothing was sent to it: {}", told(error))),
            Request::Lost(error) => Some(format!(
                "the answer to the reset was lost ({}); {}",
                error.what,
                match (moved, condition) {
                    (true, _) => "its state shows that it was reset",
                    (false, Some(_)) => "its state does not show that it was reset",
                    (false, None) => "whether it was reset is not known",
                }
            )),
        };
        let state = now.as_ref().err().map(|error| format!("its state cannot be asked: {}", error.what));
        let again =
            (condition == Some(Condition::Terminated) && came_back).then(|| "it has terminated again".to_owned());
        let parts: Vec<String> = [request, again, state].into_iter().flatten().collect();
        SideReset {
            server: server.to_owned(),
            fate,
            state: now.ok(),
            after: after.filter(|_| fate == Fate::InService),
            message: (!parts.is_empty()).then(|| parts.join("; ")),
        }
    }

    /// A server to which nothing was sent, for a reason that the report tells.
    pub(super) fn untouched(server: &str, state: Option<State>) -> Self {
        SideReset { server: server.to_owned(), fate: Fate::NotReset, state, after: None, message: None }
    }

    /// In words: `in service after 3.1 s`, `NOT in service: waiting: coming back, no DHCP yet`.
    pub fn words(&self, mode: &Mode) -> String {
        let mut words = self.fate.words().to_owned();
        match (self.after, &self.state) {
            (Some(after), _) => words.push_str(&format!(" after {}", seconds(after))),
            (None, Some(state)) if self.fate != Fate::InService => {
                words.push_str(&format!(": {}", state.explained(mode)));
            }
            _ => {}
        }
        match &self.message {
            Some(message) => format!("{words} ({message})"),
            None => words,
        }
    }
}

impl ResetReport {
    /// Whether both servers are in service.
    pub fn is_good(&self) -> bool {
        self.sides.iter().all(|side| side.fate == Fate::InService)
    }

    /// The exit status: 0 both in service, 1 nothing was sent, 3 otherwise.
    pub fn exit_status(&self) -> u8 {
        match (self.is_good(), self.sides.iter().all(|side| side.fate == Fate::NotReset)) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 3,
        }
    }

    /// How many servers came to which end.
    fn summary(&self) -> BTreeMap<&'static str, usize> {
        let mut summary = BTreeMap::new();
        for side in &self.sides {
            *summary.entry(side.fate.words()).or_default() += 1;
        }
        summary
    }

    /// The report as JSON, schema `scopesync.reset/1`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(Document {
            schema: SCHEMA,
            run: &self.run,
            relationship: &self.name,
            started: self.started.to_string(),
            ended: self.ended.to_string(),
            servers: self.sides.iter().map(SideReset::line).collect(),
            remarks: &self.remarks,
            summary: self.summary(),
        })
        .unwrap_or_default()
    }
}

impl SideReset {
    fn line(&self) -> SideLine<'_> {
        SideLine {
            server: &self.server,
            outcome: self.fate,
            state: self.state.as_ref(),
            seconds: self.after.map(|after| (after.as_secs_f64() * 100.0).round() / 100.0),
            message: self.message.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    run: &'a str,
    relationship: &'a Foreign,
    started: String,
    ended: String,
    servers: Vec<SideLine<'a>>,
    remarks: &'a [String],
    summary: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct SideLine<'a> {
    server: &'a str,
    outcome: Fate,
    state: Option<&'a State>,
    seconds: Option<f64>,
    message: Option<&'a str>,
}

fn told(error: &Error) -> String {
    match &error.hint {
        Some(hint) => format!("{} ({hint})", error.what),
        None => error.what.clone(),
    }
}
