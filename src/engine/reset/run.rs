//! Executes an approved reset: look once more, journal, reset both, wait, tell.

use std::time::{Duration, Instant};

use super::report::{Observed, Request};
use super::{Fate, ResetPlan, ResetReport, ResetSide, SideReset};
use crate::engine::approval::Approved;
use crate::engine::fleet::Fleet;
use crate::engine::port::{Approval, Control, Journal, RunKind, RunServer, RunStart, Server, ServerRole};
use crate::engine::progress::Waiting;
use crate::engine::run::{enter, hold, run_id};
use crate::engine::trouble::seconds;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Condition, ServerName, State};

/// A server that does not answer for so long is asked again, or given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Resets both servers of an approved plan and waits until they are in service, at most for the
/// plan's limit; a cancel ends the waiting, never a request.
///
/// Never fails as a whole: each server has its outcome. `journal` must be durable: where it
/// cannot store, nothing is sent.
pub async fn run(
    fleet: &Fleet,
    plan: &ResetPlan,
    approved: &Approved,
    journal: &dyn Journal,
    ctl: &Control,
) -> ResetReport {
    let started = jiff::Timestamp::now();
    let (run, alive) = enter(journal, started);
    let held: Vec<&ServerName> = plan.sides.iter().filter_map(|side| side.server.as_ref()).collect();
    let guards = fleet.hold(&held, &run, ctl).await;
    let reset = match (&alive, &guards) {
        (Ok(_), Ok(_)) => reset(fleet, plan, approved, journal, (&run, started), ctl).await,
        (Err(error), _) | (_, Err(error)) => Err(error.clone()),
    };
    let begun = reset.is_ok();
    let report = match reset {
        Ok(sides) => ResetReport {
            remarks: next(plan, &sides, ctl),
            run,
            name: plan.name.clone(),
            mode: plan.mode.clone(),
            sides,
            started,
            ended: jiff::Timestamp::now(),
        },
        Err(error) => {
            let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            untouched(plan, (run, started), format!("nothing was sent: {error}{hint}"))
        }
    };
    drop(guards);
    for side in &report.sides {
        let told = side.words(&plan.mode);
        let (run, by) = (&report.run, approved.by());
        match side.fate {
            Fate::InService => {
                tracing::info!(run, by, relationship = %plan.name, server = side.server, "ha-reset: {told}");
            }
            _ => tracing::warn!(run, by, relationship = %plan.name, server = side.server, "ha-reset: {told}"),
        }
    }
    let told = match begun {
        true => journal.end(&report.run, &report.to_json()),
        false => journal.not_begun(&start(plan, Some(approved), (&report.run, started)), &report.to_json()),
    };
    if let Err(error) = told {
        tracing::warn!(run = report.run, %error, "the history could not store how the reset ended");
    }
    report
}

/// Everything up to the first error before anything was sent.
async fn reset(
    fleet: &Fleet,
    plan: &ResetPlan,
    approved: &Approved,
    journal: &dyn Journal,
    (run, started): (&str, jiff::Timestamp),
    ctl: &Control,
) -> Result<Vec<SideReset>> {
    if approved.plan() != plan.digest {
        return Err(Error::new(ErrorKind::Safety, "the approval was for another plan"));
    }
    if let Some(refusal) = plan.standing_refusals().next() {
        return Err(
            Error::new(ErrorKind::Safety, format!("{}: {}", refusal.name, refusal.message)).hint(refusal.hint.clone())
        );
    }
    let sides = plan.sides.iter().filter_map(|side| Some((side.server.as_ref()?, side.identity.as_ref())));
    let _others = hold(sides, journal, run, ctl).await?;
    let watch = Watch { plan, servers: [server(fleet, &plan.sides[0])?, server(fleet, &plan.sides[1])?], ctl };
    let before = watch.unmoved(approved).await?;
    if ctl.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled, "cancelled"));
    }
    journal.begin(&start(plan, Some(approved), (run, started)))?;
    ctl.progress.update(|status| status.run = Some(run.to_owned()));
    Ok(watch.reset_both(before, approved).await)
}

/// What there is to tell of a reset when it begins, or instead.
fn start(plan: &ResetPlan, approved: Option<&Approved>, (run, started): (&str, jiff::Timestamp)) -> RunStart {
    let member = |side: &ResetSide| {
        Some(RunServer { role: ServerRole::Member, name: side.server.clone()?, identity: side.identity.clone() })
    };
    let told = |approved: &Approved| Approval {
        relationship: plan.name.clone(),
        by: approved.by().to_owned(),
        answer: approved.consent(),
    };
    RunStart {
        run: run.to_owned(),
        started,
        kind: RunKind::Reset,
        asked: plan.asked.clone(),
        overrides: plan.overrides.clone(),
        approvals: approved.map(told).into_iter().collect(),
        plan: plan.to_json(),
        servers: plan.sides.iter().filter_map(member).collect(),
    }
}

/// Tells the journal of a reset that was declined or refused before anything was sent.
pub fn not_begun(plan: &ResetPlan, why: &str, journal: &dyn Journal) {
    let now = jiff::Timestamp::now();
    let report = untouched(plan, (run_id(now), now), format!("nothing was sent: {why}"));
    if let Err(error) = journal.not_begun(&start(plan, None, (&report.run, now)), &report.to_json()) {
        tracing::warn!(%error, "the history could not be told what was declined or refused");
    }
}

fn untouched(plan: &ResetPlan, (run, started): (String, jiff::Timestamp), remark: String) -> ResetReport {
    let untouched = |side: &ResetSide| SideReset::untouched(&side.shown, side.state.clone());
    ResetReport {
        run,
        name: plan.name.clone(),
        mode: plan.mode.clone(),
        sides: plan.sides.iter().map(untouched).collect(),
        remarks: vec![remark],
        started,
        ended: jiff::Timestamp::now(),
    }
}

fn server<'a>(fleet: &'a Fleet, side: &ResetSide) -> Result<&'a dyn Server> {
    let found = side.server.as_ref().and_then(|name| fleet.server(name));
    let gone = || Error::new(ErrorKind::Selection, format!("{} is no longer in the configuration", side.shown));
    Ok(found.ok_or_else(gone)?.as_ref())
}

/// Both servers of one reset.
struct Watch<'a> {
    plan: &'a ResetPlan,
    servers: [&'a dyn Server; 2],
    ctl: &'a Control,
}

impl Watch<'_> {
    /// The last look before anything is sent: both answer, both are the servers of the plan,
    /// and there is still something to reset.
    async fn unmoved(&self, approved: &Approved) -> Result<[Condition; 2]> {
        let (a, b) = tokio::join!(self.state(0, self.ctl), self.state(1, self.ctl));
        let now = [a?, b?].map(|state| state.condition(&self.plan.mode));
        let trouble =
            |condition: &Condition| matches!(condition, Condition::Terminated | Condition::CommunicationRecovery);
        if now.iter().any(trouble) || approved.overrides("not-in-trouble") {
            return Ok(now);
        }
        Err(Error::new(ErrorKind::Moved, "neither server is terminated any more")
            .hint("somebody may have reset them meanwhile"))
    }

    /// The server's own word for its state right now.
    async fn state(&self, at: usize, ctl: &Control) -> Result<State> {
        let (server, side) = (self.servers[at], &self.plan.sides[at]);
        let asked = tokio::time::timeout(PATIENCE, server.health(ctl)).await;
        let silent = || Error::new(ErrorKind::TimedOut, format!("no answer within {}", seconds(PATIENCE)));
        let health = asked.map_err(|_| silent().on(server.name()))??;
        let told = health.memberships.into_iter().find(|told| told.this_server == side.this_server);
        told.and_then(|membership| membership.state).ok_or_else(|| {
            let what = format!("the server no longer tells of being {} in {}", side.this_server, self.plan.name);
            Error::new(ErrorKind::Moved, what).on(server.name())
        })
    }

    async fn reset_both(&self, before: [Condition; 2], approved: &Approved) -> Vec<SideReset> {
        self.tell(["resetting", "resetting"].map(str::to_owned));
        let request = |at: usize| async move {
            match self.servers[at].reset(&self.plan.sides[at].this_server, approved).await {
                Ok(()) => Request::Accepted,
                Err(error) if error.in_doubt => Request::Lost(error),
                Err(error) if error.kind == ErrorKind::Refused => Request::Refused(error),
                Err(error) => Request::NotSent(error),
            }
        };
        let began = Instant::now();
        let (a, b) = tokio::join!(request(0), request(1));
        let unasked = || Err(Error::new(ErrorKind::Unreachable, "it was not asked"));
        let observe = |sent, before| Observed { sent, before, now: unasked(), came_back: false, after: None };
        let mut observed = [observe(a, before[0]), observe(b, before[1])];
        self.wait(&mut observed, began).await;
        let names = self.plan.sides.each_ref().map(|side| side.shown.as_str());
        let ends = names.into_iter().zip(observed);
        ends.map(|(name, observed)| SideReset::of(name, observed, &self.plan.mode)).collect()
    }

    /// Asks both for their states until both are in service, or there is no hope of it.
    async fn wait(&self, observed: &mut [Observed; 2], began: Instant) {
        let soon = self.plan.heartbeat * 3 + Duration::from_secs(1);
        let both = observed.iter().all(|side| matches!(side.sent, Request::Accepted | Request::Lost(_)));
        // one alone finds no partner: there is nothing to wait for
        let limit = if both { self.plan.limit } else { soon };
        let pace = (self.plan.heartbeat / 10).clamp(Duration::from_millis(20), Duration::from_secs(1));
        // what was reset has to be looked at, whatever was cancelled
        let free = Control { progress: self.ctl.progress.clone(), ..Control::free() };
        loop {
            let (a, b) = tokio::join!(self.state(0, &free), self.state(1, &free));
            for (side, now) in observed.iter_mut().zip([a, b]) {
                self.note(side, now, began);
            }
            self.tell([0, 1].map(|at| match &observed[at].now {
                Ok(state) => state.0.to_string(),
                Err(_) => "no answer".to_owned(),
            }));
            let condition = |side: &Observed| side.now.as_ref().ok().map(|state| state.condition(&self.plan.mode));
            let back = observed.iter().all(|side| condition(side) == Some(Condition::Normal));
            let elapsed = began.elapsed();
            // nobody leaves this state by himself
            let stuck = observed.iter().any(|side| condition(side) == Some(Condition::Terminated)) && elapsed >= soon;
            if back || stuck || elapsed >= limit || self.ctl.is_cancelled() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(pace) => {}
                () = self.ctl.soft.cancelled() => {}
                () = self.ctl.hard.cancelled() => {}
            }
        }
    }

    fn note(&self, side: &mut Observed, now: Result<State>, began: Instant) {
        match now.as_ref().map(|state| state.condition(&self.plan.mode)) {
            Ok(Condition::Normal) => {
                side.after.get_or_insert_with(|| began.elapsed());
            }
            Ok(condition) => {
                side.after = None;
                side.came_back |= condition == Condition::ComingBack;
            }
            Err(_) => {}
        }
        side.now = now;
    }

    fn tell(&self, words: [String; 2]) {
        let parts: Vec<String> =
            self.plan.sides.iter().zip(words).map(|(side, word)| format!("{} {word}", side.shown)).collect();
        let expected = self.plan.heartbeat * 3;
        self.ctl.progress.update(|status| {
            status.waiting = Some(Waiting { for_what: parts.join(", "), expected: Some(expected), run: None })
        });
    }
}

/// What to do next where not all is well.
fn next(plan: &ResetPlan, sides: &[SideReset], ctl: &Control) -> Vec<String> {
    let is = |side: &SideReset, wanted: Condition| {
        side.state.as_ref().is_some_and(|state| state.condition(&plan.mode) == wanted)
    };
    let all = |wanted: Condition| sides.iter().all(|side| is(side, wanted));
    if all(Condition::Normal) {
        return Vec::new();
    }
    let mut remarks = Vec::new();
    if ctl.is_cancelled() {
        remarks.push("the waiting was cancelled, not the reset: look at both servers again in a moment".to_owned());
    } else if all(Condition::Terminated) {
        remarks.push("both servers are terminated again: repair what they differ in, then reset them again".to_owned());
    } else {
        for (side, partner) in sides.iter().zip(sides.iter().rev()) {
            if !is(side, Condition::ComingBack) {
                continue;
            }
            remarks.push(if is(partner, Condition::Terminated) || partner.state.is_none() {
                format!("{} gives NO DHCP while {} is not reset: reset both again at once", side.server, partner.server)
            } else {
                format!("{} gives no DHCP yet: look at both servers' states and logs", side.server)
            });
        }
    }
    remarks
}
