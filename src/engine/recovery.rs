//! What an interrupted run left behind.
//!
//! A run whose process died has told nobody how far it had come. What it stored before each
//! write says what was there and what was to come; both servers say what is there now. From
//! these two alone every scope is told, and nothing is sent before that: then the operator
//! finishes the run with a plan like any other, undoes it, or leaves it as it is.

mod record;
mod remedy;
mod report;
mod scope;

use std::collections::BTreeMap;

use serde::Serialize;

use super::fleet::Fleet;
use super::outcome::SavedState;
use super::plan::{LeftOut, Plan};
use super::port::{Control, Journal, Reading, RunKind, Unsaved};
use super::select::Picked;
use super::survey::{Relationship, Survey};
use super::undo::{Left, Past};
use super::{Error, ErrorKind, Result};
use crate::model::{Condition, Finding, FindingKind, FindingSide, Foreign, ScopeId, ServerName, Severity};

pub use record::Interrupted;
pub use remedy::{Remedy, Settles};
pub use report::SCHEMA;

use record::Part;

/// How a scope of an interrupted run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Everything planned is there.
    Done,
    /// Nothing of it is there.
    NotDone,
    /// Some of it is there, or a step on the way to it.
    Partial,
    /// It could not be read, or differs in a way that the run does not explain.
    Unknown,
}

impl Standing {
    /// The words for screens.
    pub fn words(self) -> &'static str {
        match self {
            Standing::Done => "done",
            Standing::NotDone => "not done",
            Standing::Partial => "partial",
            Standing::Unknown => "unknown",
        }
    }
}

/// One scope of an interrupted run, as reading showed it.
#[derive(Clone, Debug)]
pub struct ToldScope {
    /// Which scope.
    pub id: ScopeId,
    /// How it stands.
    pub standing: Standing,
    /// The run had stored it, and was about to write it or had done so.
    pub begun: bool,
    /// Planned changes that the target has.
    pub changes_done: usize,
    /// Planned changes that it does not have.
    pub changes_left: usize,
    /// Why it is told so, and what else to know; safe to show.
    pub message: Option<String>,
    /// The last run that has written it since.
    pub later: Option<String>,
    /// Whether it will outlive a restart of the target.
    pub saved: SavedState,
    /// What is there now, where that is the run's work alone.
    found: Option<Left>,
    /// It could be read.
    is_read: bool,
    /// The target was asked to write it, has not answered, and may still do it.
    pub may_go_on: bool,
}

impl ToldScope {
    /// The same, where its target may still be writing it.
    fn under_way(self) -> Self {
        if self.standing == Standing::Done {
            return self;
        }
        let text = "it was being written when the run ended: it may still be carried out, look again";
        let message = Some(self.message.map_or_else(|| text.to_owned(), |old| format!("{old}; {text}")));
        ToldScope { may_go_on: true, message, ..self }
    }

    /// Whether finishing the run writes it.
    pub fn is_to_finish(&self) -> bool {
        matches!(self.standing, Standing::NotDone | Standing::Partial) && self.later.is_none()
    }
}

/// One relationship of an interrupted run, as reading showed it.
#[derive(Clone, Debug)]
pub struct ToldRelationship {
    /// Its name.
    pub name: Foreign,
    /// What was copied from, for screens.
    pub source: String,
    /// The server that was written.
    pub target: ServerName,
    /// What the operator should know of the target's service; safe to show.
    pub service: Vec<String>,
    /// The scopes that were to be written, by address.
    pub scopes: Vec<ToldScope>,
    from: Option<ServerName>,
}

/// What an interrupted run left behind, told by reading.
#[derive(Clone, Debug)]
pub struct Told {
    /// The run's name.
    pub run: String,
    /// What it did.
    pub kind: RunKind,
    /// When it was told.
    pub at: jiff::Timestamp,
    /// Its relationships.
    pub relationships: Vec<ToldRelationship>,
    past: Vec<Past>,
    left_out: LeftOut,
}

impl Interrupted {
    /// Reads the servers of the run, and no others, and tells each of its scopes. Sends
    /// nothing that changes anything.
    pub async fn tell(&self, fleet: &Fleet, journal: &dyn Journal, ctl: &Control) -> Told {
        let survey = fleet.survey_of(&self.servers(), ctl).await;
        let mut relationships = Vec::new();
        for part in &self.parts {
            relationships.push(self.part(part, fleet, &survey, journal, ctl).await);
        }
        Told {
            run: self.run.clone(),
            kind: self.kind.clone(),
            at: jiff::Timestamp::now(),
            relationships,
            past: self.past.clone(),
            left_out: self.left_out(),
        }
    }

    async fn part(
        &self,
        part: &Part,
        fleet: &Fleet,
        survey: &Survey,
        journal: &dyn Journal,
        ctl: &Control,
    ) -> ToldRelationship {
        let reading = self.reading(&part.target, survey);
        let mut scopes: Vec<ToldScope> = part
            .scopes
            .iter()
            .map(|planned| {
                let stored = |past: &&Past| past.target == part.target && past.id == planned.id;
                let past = self.past.iter().find(stored);
                let told = scope::told(planned, past, &reading, self.is_kept);
                if past.is_some_and(|past| part.is_under_way(past)) { told.under_way() } else { told }
            })
            .collect();
        let saved = saved(journal.unsaved(&part.target));
        for scope in scopes.iter_mut().filter(|scope| scope.changes_done > 0 || scope.standing == Standing::Partial) {
            scope.saved = saved;
        }
        let mut service = reading.as_ref().map_or_else(|_| Vec::new(), |reading| states(part, survey, reading));
        let in_doubt = |scope: &ToldScope| scope.begun && scope.standing != Standing::Done;
        if reading.is_ok() && scopes.iter().any(in_doubt) {
            service.extend(cut_short(part, fleet, ctl).await);
        }
        ToldRelationship {
            name: part.name.clone(),
            source: part.source.clone(),
            target: part.target.clone(),
            service,
            scopes,
            from: part.from.clone(),
        }
    }

    /// What the target says, if it is the server that the run wrote to.
    fn reading<'a>(&self, target: &ServerName, survey: &'a Survey) -> std::result::Result<&'a Reading, String> {
        let report = survey.server(target);
        let report = report.ok_or_else(|| format!("{target} is not in the configuration"))?;
        let reading = match &report.outcome {
            Some(Ok(reading)) => reading,
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err(format!("{target} was not read")),
        };
        match (self.identities.get(target), &reading.identity) {
            (Some(then), now) if now.as_ref() != Some(then) => {
                let now = now.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
                Err(format!("{target} is not the server that the run wrote to: that called itself {then}, this {now}"))
            }
            _ => Ok(reading),
        }
    }
}

fn saved(unsaved: Option<Unsaved>) -> SavedState {
    match unsaved {
        None => SavedState::Saved,
        Some(Unsaved::Running) => SavedState::NotSaved,
        Some(Unsaved::Broken) => SavedState::Broken,
    }
}

/// What the target's state means for its clients, where it is not normal.
fn states(part: &Part, survey: &Survey, reading: &Reading) -> Vec<String> {
    let target = &part.target;
    let of_target = |found: &&Relationship| found.member_index(target).is_some();
    let mut found = survey.relationships.iter().filter(of_target).peekable();
    if found.peek().is_none() {
        return vec![format!(
            "{target} tells of no relationship any more: it may have lost its failover; a restart or reload brings back \
             what its file holds"
        )];
    }
    let tell = |found: &Relationship| {
        let at = found.member_index(target)?;
        let state = found.members[at].state.as_ref()?;
        let what = match state.condition(&found.mode) {
            Condition::Normal => return None,
            Condition::ComingBack => "it answers no client as long as it waits for its partner",
            Condition::PartnerDown => "it serves all clients alone",
            Condition::Terminated => "it serves without its partner until both are reset (ha-reset)",
            Condition::CommunicationRecovery => "it serves, out of touch with its partner",
            Condition::Interrupted => "it serves its own share, and does not hear its partner",
            Condition::Maintenance
            | Condition::Conflict
            | Condition::Starting
            | Condition::Recovering
            | Condition::Other => "look whether it answers clients",
        };
        Some(format!("{target} is not back in service as a pair: its state in {} is {}: {what}", found.name, state.0))
    };
    let ailment = reading.health.ailment.iter().map(|ailment| format!("{target} {}: {}", ailment.what, ailment.cure));
    ailment.chain(found.filter_map(tell)).collect()
}

/// What the writer that was cut short may have left besides the scopes.
async fn cut_short(part: &Part, fleet: &Fleet, ctl: &Control) -> Vec<String> {
    let Some(server) = fleet.server(&part.target) else { return Vec::new() };
    match server.writer(ctl).await {
        Ok(writer) if part.writer.as_deref() == Some(writer.abilities().name) => {
            writer.cut_short(ctl).await.unwrap_or_else(|error| vec![error.to_string()])
        }
        _ => Vec::new(),
    }
}

impl Told {
    /// All scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &ToldScope> {
        self.relationships.iter().flat_map(|relationship| &relationship.scopes)
    }

    /// How many scopes stand how.
    pub fn counts(&self) -> BTreeMap<Standing, usize> {
        let mut counts = BTreeMap::new();
        for scope in self.scopes() {
            *counts.entry(scope.standing).or_default() += 1;
        }
        counts
    }

    /// Whether every scope could be read.
    pub fn is_read(&self) -> bool {
        self.scopes().all(|scope| scope.is_read)
    }

    /// The scopes that an undo finds as they were, and that their target may still come to write.
    pub fn may_come(&self) -> impl Iterator<Item = &ToldScope> {
        self.scopes().filter(|scope| scope.may_go_on && scope.standing == Standing::NotDone)
    }

    /// Whether the run had not come to any scope.
    pub fn is_untouched(&self) -> bool {
        self.is_read() && self.past.is_empty() && !self.counts().contains_key(&Standing::Unknown)
    }

    /// What an ordinary plan has to be made for to finish the run: the scopes that are not done
    /// or partial, from the same source to the same target; a relationship of which every scope
    /// is done with none, for saving it.
    ///
    /// # Errors
    /// A scope could not be read, or a relationship is not there any more; a run that is not
    /// finished in this way.
    pub fn finish(&self, survey: &Survey) -> Result<Vec<Picked>> {
        if self.kind != RunKind::Replication {
            return Err(Error::new(ErrorKind::Unsupported, format!("run {} was no replication", self.run)));
        }
        self.nothing_unread()?;
        self.relationships.iter().map(|part| part.picked(survey)).collect()
    }

    /// What the run has done, for undoing it. What reading showed to be the run's work alone
    /// has not changed since it.
    ///
    /// # Errors
    /// A scope could not be read.
    pub fn past(&self) -> Result<Vec<Past>> {
        let mut past = self.past.clone();
        self.add_found(&mut past)?;
        Ok(past)
    }

    /// Puts what reading showed into what a run did to the same scopes, as if it had left that.
    ///
    /// # Errors
    /// A scope could not be read.
    fn add_found(&self, past: &mut [Past]) -> Result<()> {
        self.nothing_unread()?;
        for part in &self.relationships {
            for scope in &part.scopes {
                let stored = |past: &&mut Past| past.target == part.target && past.id == scope.id;
                if let (Some(past), Some(found)) = (past.iter_mut().find(stored), &scope.found) {
                    past.after = found.clone();
                }
            }
        }
        Ok(())
    }

    fn nothing_unread(&self) -> Result<()> {
        let Some(unread) = self.scopes().find(|scope| !scope.is_read) else { return Ok(()) };
        let reason = unread.message.clone().unwrap_or_default();
        Err(Error::new(ErrorKind::Unreachable, format!("scope {} could not be read: {reason}", unread.id))
            .hint("nothing is sent for an interrupted run before all of its scopes are known"))
    }
}

impl ToldRelationship {
    fn picked(&self, survey: &Survey) -> Result<Picked> {
        let gone = || {
            Error::new(ErrorKind::Selection, format!("{} is in no relationship with {} now", self.target, self.source))
                .hint("look at both servers: the target may have lost its failover, which a reload of its file brings back")
        };
        let source = self.from.as_ref().ok_or_else(gone)?;
        let (relationship, source_member) = survey.between(source, &self.target, &self.name).ok_or_else(gone)?;
        let scopes = self.scopes.iter().filter(|scope| scope.is_to_finish()).map(|scope| scope.id).collect();
        Ok(Picked { relationship, source_member, scopes: Some(scopes) })
    }
}

/// The plan with a finding for each interrupted run that has written to one of its targets.
pub fn note(mut plan: Plan, journal: &dyn Journal) -> Plan {
    for planned in &mut plan.relationships {
        let Some(route) = &planned.route else { continue };
        let runs = journal.interrupted_on(&route.target);
        planned.findings.extend(runs.iter().map(|run| finding(run, &route.target)));
    }
    let overrides = plan.overrides.clone();
    plan.with_overrides(overrides)
}

fn finding(run: &str, target: &ServerName) -> Finding {
    Finding {
        severity: Severity::Warning,
        kind: FindingKind::InterruptedRun,
        side: FindingSide::Target,
        scopes: Vec::new(),
        message: format!("run {run} was interrupted while it wrote to {target}"),
        hint: format!(
            "`scopesync recover {run}` tells how far it came; it is settled once all of its scopes are brought in step"
        ),
    }
}
