//! Resetting a relationship: both servers begin it anew, at once.
//!
//! A relationship that has terminated stays so, whatever is repaired, until both of its
//! servers are reset. One of them alone comes to nothing: it gives no DHCP while it looks for
//! a partner, and terminates again when it meets one that still is terminated.

mod report;
mod run;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub use report::{Fate, ResetReport, SideReset};
pub use run::{not_begun, run};

use super::fleet::Fleet;
use super::port::{Control, Journal, Refusal};
use super::survey::{Member, Relationship, Survey};
use super::trouble::{Cause, Trouble, TroubleReport, seconds};
use super::{compare, fingerprint, trouble};
use crate::model::{Foreign, Mode, ServerName, State};

/// The schema of a reset plan's JSON.
pub const SCHEMA: &str = "scopesync.reset-plan/1";

/// The names of all refusals that the operator may override, whether or not one stands.
pub const OVERRIDES: [&str; 3] = ["clocks-apart", "drift", "not-in-trouble"];

/// From the reset to service it takes about three heartbeats; so many are waited for.
const HEARTBEATS: u32 = 10;

/// One of the two servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetSide {
    /// Its name in the configuration, else in the relationship.
    pub shown: String,
    /// Its name in the configuration; `None` when it is not there.
    pub server: Option<ServerName>,
    /// Its own name in the relationship.
    pub this_server: Foreign,
    /// Its state, by its own word.
    pub state: Option<State>,
    /// Who it said it is.
    identity: Option<Foreign>,
}

/// What a reset of a relationship means, whether or not it may be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// What clients feel.
    pub cost: String,
    /// What happens, in order.
    pub steps: Vec<String>,
}

/// A relationship that a run has left terminated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StillTerminated {
    /// The servers that say so.
    pub servers: Vec<String>,
    /// What ends it.
    pub reset: Outlook,
}

/// What a reset will do, and what stands against it.
#[derive(Clone, Debug)]
pub struct ResetPlan {
    /// Digest of everything in it but the time.
    pub digest: String,
    /// When it was made.
    pub created_at: jiff::Timestamp,
    /// The relationship's name.
    pub name: Foreign,
    /// How the partners share the work.
    pub mode: Mode,
    /// Both servers, primary first.
    pub sides: [ResetSide; 2],
    /// That the pair no longer works as one, and why.
    pub trouble: Option<Trouble>,
    /// What it means for clients, step by step.
    pub outlook: Outlook,
    /// Why it must not be done as things stand.
    pub refusals: Vec<Refusal>,
    /// Refusals that the operator overrides, by name.
    pub overrides: BTreeSet<String>,
    /// What was asked for, in the front end's words, for the history; no part of what is done.
    pub asked: serde_json::Value,
    /// The longer of both heartbeats.
    pub heartbeat: Duration,
    /// How long both servers are waited for.
    pub limit: Duration,
}

impl ResetPlan {
    /// Computes the plan for a relationship of the survey. Reads only.
    pub async fn make(
        fleet: &Fleet,
        survey: &Survey,
        relationship: &Relationship,
        overrides: BTreeSet<String>,
        ctl: &Control,
    ) -> Self {
        let drift = compare::relationship(survey, relationship, 0, &fleet.ignore);
        let mut refusals = unfit(fleet, relationship);
        if refusals.is_empty() {
            refusals.extend(unable(fleet, relationship, ctl).await);
        }
        if refusals.is_empty() {
            refusals.extend(unwise(relationship, &trouble::causes(relationship, 0, &drift.scopes)));
        }
        let mut outlook = Outlook::of(relationship);
        outlook.cost.push_str(&others(survey, relationship));
        let mut plan = ResetPlan {
            digest: String::new(),
            created_at: jiff::Timestamp::now(),
            name: relationship.name.clone(),
            mode: relationship.mode.clone(),
            sides: relationship.members.each_ref().map(|member| side(survey, member)),
            trouble: drift.trouble,
            outlook,
            refusals,
            overrides,
            asked: serde_json::Value::Null,
            heartbeat: relationship.heartbeat(),
            limit: limit(relationship),
        };
        plan.digest = plan.compute_digest();
        plan
    }

    /// The plan with what stands against it where the reset could not be kept.
    pub fn kept_by(mut self, journal: &dyn Journal) -> Self {
        let Err(error) = journal.ready() else { return self };
        let hint = "make room or mend the permissions of the state folder; nothing overrides it";
        self.refusals.push(refuse("no-history", error.to_string(), hint));
        let overrides = self.overrides.clone();
        self.with_overrides(overrides)
    }

    /// The plan with these refusals overridden, and the digest that goes with it.
    pub fn with_overrides(mut self, overrides: BTreeSet<String>) -> Self {
        self.overrides = overrides;
        self.digest = self.compute_digest();
        self
    }

    /// The refusals that are not overridden.
    pub fn standing_refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.refusals.iter().filter(|refusal| !(refusal.overridable && self.overrides.contains(refusal.name)))
    }

    /// Whether it may be run, once it is approved.
    pub fn is_open(&self) -> bool {
        self.standing_refusals().next().is_none()
    }

    /// The refusals that could be overridden by name.
    pub fn overridable(&self) -> BTreeSet<&'static str> {
        self.refusals.iter().filter(|refusal| refusal.overridable).map(|refusal| refusal.name).collect()
    }

    /// The question, on one line.
    pub fn question(&self) -> String {
        format!(
            "Reset {} on {} and {} at once: {}?",
            self.name, self.sides[0].shown, self.sides[1].shown, self.outlook.cost
        )
    }

    /// The plan as JSON, schema `scopesync.reset-plan/1`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(PlanReport::new(self)).unwrap_or_default()
    }

    fn compute_digest(&self) -> String {
        let report = PlanReport { created_at: String::new(), digest: String::new(), ..PlanReport::new(self) };
        fingerprint::hex(&Sha256::digest(serde_json::to_vec(&report).unwrap_or_default())[..16])
    }
}

fn side(survey: &Survey, member: &Member) -> ResetSide {
    let reading = member.server().and_then(|server| survey.reading(server));
    ResetSide {
        shown: member.shown(),
        server: member.server().cloned(),
        this_server: member.peer.name.clone(),
        state: member.state.clone(),
        identity: reading.and_then(|reading| reading.identity.clone()),
    }
}

/// A server in several relationships is out of service for all of them.
fn others(survey: &Survey, relationship: &Relationship) -> String {
    let several = relationship.members.iter().filter_map(|member| {
        let others = survey.reading(member.server()?)?.health.memberships.len().checked_sub(1)?;
        let plural = if others == 1 { "" } else { "s" };
        let words = || format!("; {} is missed in {others} other relationship{plural} as long", member.shown());
        (others > 0).then(words)
    });
    several.collect()
}

/// How long both servers are waited for.
fn limit(relationship: &Relationship) -> Duration {
    let sync = relationship.memberships().map(|membership| membership.timing.sync_limit).max().unwrap_or_default();
    relationship.heartbeat() * HEARTBEATS + sync
}

impl Outlook {
    /// Of resetting both servers of this relationship at once.
    pub(super) fn of(relationship: &Relationship) -> Self {
        let [a, b] = relationship.members.each_ref().map(Member::shown);
        let (back, beat) = (seconds(relationship.heartbeat() * 3), seconds(relationship.heartbeat()));
        Outlook {
            cost: format!("no DHCP from {a} and {b} for about {back} (three heartbeats of {beat})"),
            steps: vec![
                format!("{a} and {b} get ha-reset at the same moment: from then on neither of them answers clients"),
                "each finds its partner again and fetches the leases that it missed".to_owned(),
                format!(
                    "both are in service again after about {back}; that is waited for, at most {}",
                    seconds(limit(relationship))
                ),
            ],
        }
    }
}

/// What nothing overrides, and nobody has to be asked for.
fn unfit(fleet: &Fleet, relationship: &Relationship) -> Vec<Refusal> {
    if let Some(reason) = &relationship.unsupported {
        return vec![refuse("not-supported", reason.clone(), "scopesync resets load-balancing and hot-standby pairs")];
    }
    let members = relationship.members.iter();
    members
        .filter_map(|member| {
            if let Some(reason) = member.absent() {
                let hint = "both servers must be reset at once, and their drift be known";
                return Some(refuse("not-read", reason, hint));
            }
            let server = fleet.server(member.server()?)?;
            if server.read_only() {
                let message = format!("{} is read-only", member.shown());
                let hint = "its entry in the configuration says so, or --read-only was given; nothing overrides it";
                return Some(refuse("read-only", message, hint));
            }
            let message = format!("{} tells no state of the relationship", member.shown());
            member.state.is_none().then(|| refuse("no-state", message, "only running servers can be reset"))
        })
        .collect()
}

/// Servers that cannot be reset.
async fn unable(fleet: &Fleet, relationship: &Relationship, ctl: &Control) -> Vec<Refusal> {
    let mut found = Vec::new();
    for server in relationship.members.iter().filter_map(|member| fleet.server(member.server()?)) {
        if let Err(error) = server.can_reset(ctl).await {
            let hint = error.hint.clone().unwrap_or_default();
            found.push(refuse("no-reset", error.to_string(), &hint));
        }
    }
    found
}

/// What the operator may override.
fn unwise(relationship: &Relationship, causes: &[Cause]) -> Vec<Refusal> {
    let mut found = Vec::new();
    let overridable = |name, message, hint: &str| Refusal { overridable: true, ..refuse(name, message, hint) };
    if relationship.trouble().is_none() {
        let state = |member: &Member| {
            let state = member.state.as_ref().map(|state| state.explained(&relationship.mode));
            format!("{} is {}", member.shown(), state.unwrap_or_default())
        };
        let [a, b] = relationship.members.each_ref().map(state);
        found.push(overridable(
            "not-in-trouble",
            format!("neither server is terminated: {a}, {b}"),
            "there is nothing to reset; servers that are coming back need time",
        ));
    }
    let (clocks, drift): (Vec<&Cause>, Vec<&Cause>) =
        causes.iter().partition(|cause| matches!(cause, Cause::Clocks(_)));
    let words = |causes: &[&Cause]| causes.iter().map(|cause| cause.words()).collect::<Vec<_>>().join(", ");
    if !drift.is_empty() {
        found.push(overridable(
            "drift",
            format!("it would terminate again: {}", words(&drift)),
            "replicate these scopes first; a target that is written as a whole takes them only after the reset: \
             override this then, and replicate at once",
        ));
    }
    if !clocks.is_empty() {
        found.push(overridable(
            "clocks-apart",
            format!("it would terminate again: {}", words(&clocks)),
            "set the clocks of both servers first (NTP)",
        ));
    }
    found
}

fn refuse(name: &'static str, message: String, hint: &str) -> Refusal {
    Refusal { name, message, hint: hint.to_owned(), overridable: false }
}

/// A plan as JSON.
#[derive(Serialize)]
struct PlanReport<'a> {
    schema: &'static str,
    digest: String,
    created_at: String,
    relationship: &'a Foreign,
    mode: String,
    servers: Vec<SideLine<'a>>,
    trouble: Option<TroubleReport>,
    cost: &'a str,
    steps: &'a [String],
    wait_at_most_seconds: f64,
    refusals: &'a [Refusal],
    overrides: &'a BTreeSet<String>,
}

#[derive(Serialize)]
struct SideLine<'a> {
    server: &'a str,
    state: Option<&'a State>,
}

impl<'a> PlanReport<'a> {
    fn new(plan: &'a ResetPlan) -> Self {
        let side = |side: &'a ResetSide| SideLine { server: &side.shown, state: side.state.as_ref() };
        PlanReport {
            schema: SCHEMA,
            digest: plan.digest.clone(),
            created_at: plan.created_at.to_string(),
            relationship: &plan.name,
            mode: plan.mode.to_string(),
            servers: plan.sides.iter().map(side).collect(),
            trouble: plan.trouble.as_ref().map(Trouble::report),
            cost: &plan.outlook.cost,
            steps: &plan.outlook.steps,
            wait_at_most_seconds: plan.limit.as_secs_f64(),
            refusals: &plan.refusals,
            overrides: &plan.overrides,
        }
    }
}
