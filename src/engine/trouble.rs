//! A pair that no longer works as one: the drift that brought it there, and the way out.
//!
//! A lease in a scope that the partner lacks, or knows by another id, is refused by the
//! partner, and the client gets no ACK. After `max-rejected-lease-updates` such clients Kea
//! ends the whole relationship (`terminated`), for every scope and until it is reset; Kea 2.2
//! takes the first one for a broken partner and goes into `communication-recovery`.

use std::time::Duration;

use serde::Serialize;

use super::compare::ScopeDrift;
use super::reset::Outlook;
use super::survey::{Member, Relationship};
use crate::model::{Condition, DriftState, Finding, FindingKind, FindingSide, Foreign, ScopeId, Severity};

/// Above this many seconds between their clocks the partners end the relationship.
pub const CLOCKS_APART: i64 = 60;

/// How many scopes are named before the rest is counted.
const NAMED: usize = 4;

/// What makes the partners refuse each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// One of them lacks scopes in which the other gives leases.
    Missing {
        /// Which one.
        server: String,
        /// On which side of the replication it is.
        side: FindingSide,
        /// The scopes, by address.
        scopes: Vec<ScopeId>,
    },
    /// Each knows the scopes by another id.
    OtherId(Vec<ScopeId>),
    /// Their clocks are so many seconds apart.
    Clocks(i64),
}

/// A relationship that is terminated or in communication recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The worse of what its members say of themselves.
    pub condition: Condition,
    /// The servers that say so.
    pub servers: Vec<String>,
    /// What both servers are called in the relationship.
    pub members: [Foreign; 2],
    /// What stands now and would bring it there again.
    pub causes: Vec<Cause>,
    /// Why there may be more causes: what could not be compared.
    pub unsure: Option<String>,
    /// The way out, in order.
    pub steps: Vec<String>,
    /// What the reset at its end means.
    pub reset: Outlook,
    rejected_limit: Option<u64>,
    silent: bool,
}

/// What of a comparison makes the partners refuse each other, whatever their states are.
pub fn causes(relationship: &Relationship, source_member: usize, scopes: &[ScopeDrift]) -> Vec<Cause> {
    let missing = |state: DriftState, side: FindingSide, member: usize| {
        let scopes: Vec<ScopeId> = scopes.iter().filter(|scope| scope.state == state).map(|scope| scope.id).collect();
        let server = relationship.members[member].shown();
        (!scopes.is_empty()).then_some(Cause::Missing { server, side, scopes })
    };
    // as the servers have them: no rule that ignores a difference changes what they refuse
    let other_id = |scope: &&ScopeDrift| matches!(scope.server_ids, [Some(ours), Some(theirs)] if ours != theirs);
    let other_id: Vec<ScopeId> = scopes.iter().filter(other_id).map(|scope| scope.id).collect();
    let apart = relationship.clock_skew.map(i64::abs).filter(|seconds| *seconds > CLOCKS_APART);
    [
        missing(DriftState::OnlyOnSource, FindingSide::Target, 1 - source_member),
        missing(DriftState::OnlyOnTarget, FindingSide::Source, source_member),
        (!other_id.is_empty()).then_some(Cause::OtherId(other_id)),
        apart.map(Cause::Clocks),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Trouble {
    /// The trouble of a relationship whose sides were compared; `None` where no member says
    /// of itself that it is in trouble.
    pub fn of(relationship: &Relationship, source_member: usize, scopes: &[ScopeDrift]) -> Option<Self> {
        let condition = relationship.trouble()?;
        let says_so = |member: &&Member| {
            member.state.as_ref().is_some_and(|state| state.condition(&relationship.mode) == condition)
        };
        let mut trouble = Trouble {
            condition,
            servers: relationship.members.iter().filter(says_so).map(Member::shown).collect(),
            members: relationship.members.each_ref().map(|member| member.peer.name.clone()),
            causes: causes(relationship, source_member, scopes),
            unsure: unsure(relationship, scopes),
            steps: Vec::new(),
            reset: Outlook::of(relationship),
            rejected_limit: relationship.memberships().find_map(|membership| membership.timing.rejected_limit),
            silent: relationship.memberships().any(|m| m.contact.as_ref().is_some_and(|c| c.interrupted == Some(true))),
        };
        trouble.steps = trouble.way_out(relationship, source_member);
        Some(trouble)
    }

    /// All scopes that are among the causes.
    pub fn scopes(&self) -> Vec<ScopeId> {
        let mut scopes: Vec<ScopeId> = self.causes.iter().flat_map(Cause::scopes).copied().collect();
        scopes.sort_unstable();
        scopes
    }

    /// What has happened and why, in sentences; safe to show.
    pub fn explanation(&self) -> String {
        let servers = self.servers.join(" and ");
        let (verb, each) = if self.servers.len() == 1 { ("is", "it") } else { ("are", "each") };
        let what = match self.condition {
            Condition::Terminated => format!(
                "{servers} {verb} terminated: {each} goes on answering clients, but failover has ended for every \
                 scope, and neither side learns of the other's leases"
            ),
            _ => format!(
                "{servers} {verb} in communication recovery: {each} goes on answering clients and keeps its lease \
                 updates for later{}",
                if self.silent { ", for it hears nothing of its partner" } else { "" }
            ),
        };
        let why = match (self.because(), &self.unsure) {
            (Some(causes), _) => format!(". The cause stands: {causes}"),
            (None, Some(_)) => String::new(),
            (None, None) => ". Nothing that was compared explains it now: it may have been repaired since".to_owned(),
        };
        let unsure = self.unsure.as_ref().map(|unsure| format!(". Not everything could be compared: {unsure}"));
        format!("{what}{why}{}", unsure.unwrap_or_default())
    }

    /// What stands, and what it does to clients.
    fn because(&self) -> Option<String> {
        let causes: Vec<String> = self.causes.iter().map(Cause::words).collect();
        if causes.is_empty() {
            return None;
        }
        let refused = self.causes.iter().any(|cause| !cause.scopes().is_empty());
        let end = match (self.condition, self.rejected_limit) {
            (Condition::Terminated, Some(limit)) if limit > 0 => {
                format!("; after {limit} such clients (max-rejected-lease-updates) both servers give up the whole pair")
            }
            (Condition::Terminated, _) => "; after some such clients both servers give up the whole pair".to_owned(),
            _ => "; the server takes the first such client for a broken partner, comes back with its next heartbeat \
                  and goes again with the next such client"
                .to_owned(),
        };
        let effect = "each lease given there is refused by the partner and its client gets no ACK";
        let effect = if refused { format!(": {effect}{end}") } else { String::new() };
        Some(format!("{}{effect}", causes.join(", ")))
    }

    fn way_out(&self, relationship: &Relationship, source_member: usize) -> Vec<String> {
        let [source, target] = [source_member, 1 - source_member].map(|member| relationship.members[member].shown());
        let mut steps: Vec<String> = self.causes.iter().map(|cause| cause.cure(&source, &target)).collect();
        let heartbeat = seconds(relationship.heartbeat());
        let drifted = self.causes.iter().any(|cause| !cause.scopes().is_empty());
        if self.condition == Condition::CommunicationRecovery {
            if drifted {
                steps.push(format!(
                    "single scopes can be written now, in any state (subnet commands); a target that is written as a \
                     whole as soon as both servers are normal again, with the next heartbeat ({heartbeat})"
                ));
            }
            steps.push(format!(
                "the server comes back by itself with its next heartbeat ({heartbeat}); reset both servers (ha-reset) \
                 only if it does not"
            ));
            return steps;
        }
        if drifted {
            steps.push(
                "single scopes can be written now, in any state (subnet commands); a target that is written as a \
                 whole has to wait: reset first in spite of the drift, and replicate at once"
                    .to_owned(),
            );
        }
        let lead = if steps.is_empty() { "" } else { "then " };
        steps.push(format!("{lead}reset both servers at once (ha-reset): {}", self.reset.cost));
        steps
    }

    /// The finding that stands for the whole relationship.
    pub fn finding(&self) -> Finding {
        let (kind, severity) = match self.condition {
            Condition::Terminated => (FindingKind::Terminated, Severity::Critical),
            // a network that fails for a moment heals by itself; drift does not
            _ if self.causes.is_empty() => (FindingKind::CommunicationRecovery, Severity::Warning),
            _ => (FindingKind::CommunicationRecovery, Severity::Critical),
        };
        Finding {
            severity,
            kind,
            side: FindingSide::Both,
            scopes: self.scopes(),
            message: self.explanation(),
            hint: numbered(&self.steps),
        }
    }

    /// The same for JSON.
    pub fn report(&self) -> TroubleReport {
        TroubleReport {
            condition: self.condition,
            servers: self.servers.clone(),
            causes: self.causes.iter().map(Cause::report).collect(),
            unsure: self.unsure.clone(),
            explanation: self.explanation(),
            steps: self.steps.clone(),
            reset: self.reset.clone(),
        }
    }
}

impl Cause {
    /// The scopes in which leases are refused.
    pub fn scopes(&self) -> &[ScopeId] {
        match self {
            Cause::Missing { scopes, .. } | Cause::OtherId(scopes) => scopes,
            Cause::Clocks(_) => &[],
        }
    }

    /// What stands, in a few words.
    pub fn words(&self) -> String {
        match self {
            Cause::Missing { server, scopes, .. } => format!("{server} lacks {}", named(scopes)),
            Cause::OtherId(scopes) => format!("the servers have different ids for {}", named(scopes)),
            Cause::Clocks(seconds) => {
                format!("the clocks are {seconds} s apart, above {CLOCKS_APART} s the servers give up the pair")
            }
        }
    }

    fn cure(&self, source: &str, target: &str) -> String {
        match self {
            Cause::Missing { side: FindingSide::Source, scopes, .. } => {
                let names = named(scopes);
                format!("copy {names} from {target} to {source} (swap source and target), or delete it on {target}")
            }
            Cause::Missing { scopes, .. } => format!("replicate {} from {source} to {target}", named(scopes)),
            Cause::OtherId(scopes) => {
                format!("replicate {} from {source}: {target} gets the id of {source}", named(scopes))
            }
            Cause::Clocks(_) => "set the clocks of both servers (NTP)".to_owned(),
        }
    }

    fn report(&self) -> CauseReport {
        let short = |scopes: &[ScopeId]| scopes.iter().map(ScopeId::short).collect();
        match self {
            Cause::Missing { server, scopes, .. } => {
                CauseReport::ScopesMissing { server: server.clone(), scopes: short(scopes) }
            }
            Cause::OtherId(scopes) => CauseReport::ScopeIdsDiffer { scopes: short(scopes) },
            Cause::Clocks(seconds) => CauseReport::ClocksApart { seconds: *seconds },
        }
    }
}

/// A relationship in trouble as JSON.
#[derive(Serialize)]
pub struct TroubleReport {
    condition: Condition,
    servers: Vec<String>,
    causes: Vec<CauseReport>,
    unsure: Option<String>,
    explanation: String,
    steps: Vec<String>,
    reset: Outlook,
}

#[derive(Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
enum CauseReport {
    ScopesMissing { server: String, scopes: Vec<String> },
    ScopeIdsDiffer { scopes: Vec<String> },
    ClocksApart { seconds: i64 },
}

fn unsure(relationship: &Relationship, scopes: &[ScopeDrift]) -> Option<String> {
    if let Some(reason) = relationship.members.iter().find_map(|member| member.absent()) {
        return Some(reason);
    }
    let unknown = scopes.iter().filter(|scope| matches!(scope.state, DriftState::Unknown | DriftState::Checking));
    match unknown.count() {
        0 => None,
        1 => Some("one scope is unknown".to_owned()),
        count => Some(format!("{count} scopes are unknown")),
    }
}

/// The first few, and how many more.
fn named(scopes: &[ScopeId]) -> String {
    let first: Vec<String> = scopes.iter().take(NAMED).map(ScopeId::short).collect();
    match scopes.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Steps, one a line; a single one needs no number.
fn numbered(steps: &[String]) -> String {
    match steps {
        [only] => only.clone(),
        _ => steps.iter().zip(1..).map(|(step, n)| format!("{n}. {step}")).collect::<Vec<_>>().join("\n"),
    }
}

/// `30 s`, `1.5 s`, `150 ms`.
pub fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return format!("{} ms", time.as_millis());
    }
    let tenths = (time.as_secs_f64() * 10.0).round() / 10.0;
    if tenths.fract() == 0.0 { format!("{tenths:.0} s") } else { format!("{tenths:.1} s") }
}

#[cfg(test)]
mod tests;
