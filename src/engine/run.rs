//! Executes an approved plan: check, journal, write, settle, read back, classify, save.
//!
//! Before the first write every scope of the plan is compared with what the plan was
//! computed from, and any that moved refuses the whole plan; later only itself. One
//! failing scope leaves the others going. Nothing is written before the journal has
//! stored what is there.

mod aftermath;
mod again;
mod check;
mod classify;
mod losses;
mod target;
mod without;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream;

use super::approval::{Approved, NO_SNAPSHOT};
use super::fleet::Fleet;
use super::outcome::{Outcome, RelationshipRun, RunReport, SavedState, ScopeRun};
use super::plan::{Plan, PlannedRelationship, PlannedScope};
use super::port::{Approval, Control, Held, Hold, Journal, RunKind, RunServer, RunStart, Saved, ServerRole, Unsaved};
use super::progress::{Stage, Waiting};
use super::reset::StillTerminated;
use super::{Error, ErrorKind, fingerprint};
use crate::model::{DriftState, Foreign, ScopeId, ServerName};

pub(super) use without::Optional;

/// How many targets are written side by side when nobody says.
const TARGETS_AT_ONCE: usize = 4;

/// How long to wait until looking again whether another process has finished its run.
const OTHER_RUN: Duration = Duration::from_millis(100);

/// Runs the approved relationships of a plan and tells what became of every scope.
///
/// Never fails as a whole: each scope has its outcome. `journal` must be durable: where it
/// cannot store, nothing is written unless the plan overrides [`NO_SNAPSHOT`].
pub async fn run(
    fleet: &Fleet,
    plan: &Plan,
    approved: Vec<Approved>,
    journal: &dyn Journal,
    ctl: &Control,
) -> RunReport {
    let started = jiff::Timestamp::now();
    let journal = &Optional::new(journal, plan.overrides.contains(NO_SNAPSHOT));
    let (run, alive) = enter(journal, started);
    let approved: BTreeMap<usize, Approved> = approved
        .into_iter()
        .filter(|approval| approval.plan() == plan.digest)
        .map(|approval| (approval.relationship(), approval))
        .collect();
    begin_progress(plan, &approved, started, ctl);

    let concerned = || approved.keys().filter_map(|at| plan.relationships.get(*at));
    let held: Vec<&ServerName> = concerned().flat_map(PlannedRelationship::servers).collect();
    let guards = fleet.hold(&held, &run, ctl).await;
    let others = match (&alive, &guards) {
        (Ok(_), Ok(_)) => hold(concerned().flat_map(PlannedRelationship::identified), journal, &run, ctl).await,
        (Err(error), _) | (_, Err(error)) => Err(error.clone()),
    };
    let (mut begun, mut saved) = (false, false);
    let mut written = match others {
        Ok(others) => {
            let mut written = save_left_over(fleet, plan, &approved, journal, ctl).await;
            saved = !written.is_empty();
            written.extend(match prepare(fleet, plan, &approved, journal, (&run, started), ctl).await {
                Ok(checked) => {
                    begun = !checked.is_empty();
                    write(fleet, plan, &approved, checked, journal, &run, ctl).await
                }
                Err(error) => refuse_all(plan, &approved, &error),
            });
            // while nobody else writes, who would say so for as long as that takes
            note_unsaved(plan, &approved, journal, &mut written);
            drop(others);
            written
        }
        Err(error) => refuse_all(plan, &approved, &error),
    };
    drop(guards);
    for (at, part) in &mut written {
        part.still_terminated = match plan.relationships.get(*at) {
            Some(planned) => aftermath::still_terminated(fleet, planned, ctl).await,
            None => None,
        };
        part.remarks.extend(journal.remark());
    }

    let relationships = plan
        .relationships
        .iter()
        .enumerate()
        .map(|(at, planned)| complete(plan, planned, approved.contains_key(&at), written.remove(&at)))
        .collect();
    let report = RunReport { run, begun, relationships, started, ended: jiff::Timestamp::now() };
    for caveat in report.relationships.iter().flat_map(|relationship| &relationship.caveats) {
        tracing::warn!(run = report.run, "{caveat}");
    }
    let told = match begun {
        true => journal.end(&report.run, &report.to_json()),
        false if plan.scopes_to_write() > 0 || saved => {
            journal.not_begun(&start(plan, &approved, (&report.run, started), &[]), &report.to_json())
        }
        false => Ok(()),
    };
    let found = if begun || approved.is_empty() { Ok(()) } else { journal.unwritten(&report.to_json()) };
    for error in [told, found].into_iter().filter_map(Result::err) {
        tracing::warn!(run = report.run, %error, "the history could not store how the run ended");
    }
    drop(alive);
    match report.ended_well() {
        true => tracing::info!(run = report.run, outcomes = ?report.counts(), "run ended"),
        false => tracing::warn!(run = report.run, outcomes = ?report.counts(), "run ended, not all of it well"),
    }
    report
}

/// Takes a name that no other run has.
pub(super) fn enter(journal: &dyn Journal, started: jiff::Timestamp) -> (String, Result<Held, Error>) {
    loop {
        let run = run_id(started);
        match journal.enter(&run).transpose() {
            Some(entered) => return (run, entered),
            None => tracing::info!(run, "the name is taken: another one is tried"),
        }
    }
}

/// Holds all servers of the run against runs of other processes; waits for those. Always
/// taken in one order, so that two runs cannot wait for each other. What another run has
/// changed meanwhile is noticed afterwards, as every change since the plan is.
pub(super) async fn hold<'a>(
    servers: impl Iterator<Item = (&'a ServerName, Option<&'a Foreign>)>,
    journal: &dyn Journal,
    run: &str,
    ctl: &Control,
) -> Result<Vec<Held>, Error> {
    let servers: BTreeMap<&str, &ServerName> =
        servers.map(|(name, identity)| (identity.map_or(name.as_str(), Foreign::raw), name)).collect();
    let mut held = Vec::new();
    for (identity, name) in servers {
        loop {
            match journal.hold(identity, run)? {
                Hold::Mine(one) => break held.push(one),
                Hold::Nowhere(error) => return Err(error),
                Hold::Other(owner) if ctl.is_cancelled() => {
                    let what = format!("cancelled while {owner} was using the server");
                    return Err(Error::new(ErrorKind::Cancelled, what).on(name));
                }
                Hold::Other(owner) => {
                    let for_what = format!("waiting for {name}, used by {owner}");
                    let other = Some(Foreign::cleaned(&owner.run)).filter(|run| !run.is_empty());
                    ctl.progress.update(|status| {
                        status.current = Some((name.clone(), None, Stage::Waiting));
                        status.waiting = Some(Waiting { for_what, expected: None, run: other });
                    });
                    tokio::time::sleep(OTHER_RUN).await;
                }
            }
        }
    }
    ctl.progress.update(|status| {
        (status.waiting, status.current, status.started) = (None, None, jiff::Timestamp::now());
    });
    Ok(held)
}

/// Saves targets that an earlier run left running but not saved and that have nothing
/// else to be written now; the others are saved after their scopes.
async fn save_left_over(
    fleet: &Fleet,
    plan: &Plan,
    approved: &BTreeMap<usize, Approved>,
    journal: &dyn Journal,
    ctl: &Control,
) -> BTreeMap<usize, Part> {
    let mut parts = BTreeMap::new();
    for (at, approval) in approved {
        let Some(planned) = plan.relationships.get(*at).filter(|planned| planned.blocked.is_none()) else { continue };
        let Some(target) = planned.target_server(fleet) else { continue };
        let nothing_else = planned.to_write(&plan.overrides).next().is_none();
        let Some(amiss) = journal.unsaved(target.name()).filter(|_| nothing_else && !target.read_only()) else {
            continue;
        };
        let mut part = Part::default();
        let reason = match losses::reason_not_to_save(&**target, journal, &plan.overrides, ctl).await {
            None => planned.reason_not_to_save(amiss),
            reason => reason,
        };
        let writer = match reason {
            Some(reason) => Err(reason.on(target.name())),
            None => target.writer(ctl).await,
        };
        let saved = match writer {
            Ok(writer) => {
                let writer = again::of_run(writer, plan.undoes());
                // a file that is broken already has nothing to lose
                if amiss == Unsaved::Running {
                    part.remarks.extend(target::prepare(&*writer, approval, ctl).await);
                }
                writer.save(ctl).await
            }
            Err(error) => Saved::NotSaved(error),
        };
        target::remember(journal, target.name(), &saved, &mut part);
        if !part.unsaved {
            part.remarks.push(format!("{}: what an earlier run changed is saved now", target.name()));
        }
        parts.insert(*at, part);
    }
    parts
}

/// A target that an earlier run left unsaved, and this one has not saved either, is told of, once.
fn note_unsaved(
    plan: &Plan,
    approved: &BTreeMap<usize, Approved>,
    journal: &dyn Journal,
    parts: &mut BTreeMap<usize, Part>,
) {
    let target = |at: &usize| Some(&plan.relationships.get(*at)?.route.as_ref()?.target);
    // what was to be saved now tells for itself how that went
    let tells = |part: &Part| part.unsaved || part.scopes.iter().any(|scope| scope.saved != SavedState::NotApplicable);
    let mut told: BTreeSet<&ServerName> =
        parts.iter().filter(|(_, part)| tells(part)).filter_map(|(at, _)| target(at)).collect();
    for (at, target) in approved.keys().filter_map(|at| Some((*at, target(at)?))) {
        let Some(amiss) = journal.unsaved(target).filter(|_| told.insert(target)) else { continue };
        let part = parts.entry(at).or_default();
        part.unsaved = true;
        part.remarks.push(match amiss {
            Unsaved::Running => format!("{target} is still not saved: a restart loses what an earlier run changed"),
            Unsaved::Broken => format!("DO NOT RESTART {target}: its file is still broken"),
        });
    }
}

/// What a target's part of the run came to: outcomes of the scopes that were to be written.
#[derive(Default)]
struct Part {
    scopes: Vec<ScopeRun>,
    remarks: Vec<String>,
    unsaved: bool,
    still_terminated: Option<StillTerminated>,
}

/// A name for the run that sorts by time: `20261121T203500Z-1f3a09c7`. Operators and scripts start several
/// runs a second: the tail is drawn by lot.
pub(super) fn run_id(at: jiff::Timestamp) -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let lot = RandomState::new().hash_one((at.as_nanosecond(), std::process::id()));
    format!("{}-{}", at.strftime("%Y%m%dT%H%M%SZ"), fingerprint::hex(&lot.to_be_bytes()[..4]))
}

fn begin_progress(plan: &Plan, approved: &BTreeMap<usize, Approved>, started: jiff::Timestamp, ctl: &Control) {
    let mut stages = Vec::new();
    let mut changes = 0;
    for at in approved.keys() {
        for scope in plan.relationships.get(*at).into_iter().flat_map(|r| r.to_write(&plan.overrides)) {
            stages.push((*at, scope.id, Stage::Waiting));
            changes += scope.changes.len();
        }
    }
    ctl.progress.update(|status| {
        status.scopes_total = stages.len();
        status.changes_total = changes;
        status.stages = Arc::new(stages);
        status.started = started;
    });
}

/// Looks at every relationship before the first write, then opens the journal.
async fn prepare(
    fleet: &Fleet,
    plan: &Plan,
    approved: &BTreeMap<usize, Approved>,
    journal: &dyn Journal,
    (run, started): (&str, jiff::Timestamp),
    ctl: &Control,
) -> Result<BTreeMap<usize, check::Checked>, Error> {
    let mut checks: Vec<BoxFuture<'_, Result<(usize, check::Checked), Error>>> = Vec::new();
    let begins = |planned: &&PlannedRelationship| planned.to_write(&plan.overrides).next().is_some();
    // what one writer finds moved cannot refuse what another has written
    let is_alone = approved.keys().filter_map(|at| plan.relationships.get(*at)).filter(begins).count() == 1;
    for (at, approval) in approved {
        let Some(planned) = plan.relationships.get(*at) else { continue };
        if planned.is_open(&plan.overrides) {
            approval.fits(planned)?;
        }
        if begins(&planned) {
            let leave = move || is_alone && begin_ahead(planned, plan, approval, ctl);
            let check = check::unmoved(fleet, planned, &plan.overrides, leave, ctl);
            checks.push(Box::pin(async move { check.await.map(|checked| (*at, checked)) }));
        }
    }
    let checked: BTreeMap<usize, check::Checked> = join_all(checks).await.into_iter().collect::<Result<_, _>>()?;
    if !checked.is_empty() {
        let written: Vec<usize> = checked.keys().copied().collect();
        journal.begin(&start(plan, approved, (run, started), &written))?;
        ctl.progress.update(|status| status.run = Some(run.to_owned()));
    }
    Ok(checked)
}

/// Lets the writer begin; whether it looks at the target by itself.
fn begin_ahead(planned: &PlannedRelationship, plan: &Plan, approval: &Approved, ctl: &Control) -> bool {
    let (Some(writer), Some(mark)) = (&planned.writer, &planned.pulses[1]) else { return false };
    let work: Vec<_> = planned.to_write(&plan.overrides).filter_map(|scope| scope.work.clone()).collect();
    writer.begin_ahead(&work, mark, approval, ctl)
}

/// What there is to tell of a run when it begins, or instead; `written` are the relationships that
/// it writes.
fn start(
    plan: &Plan,
    approved: &BTreeMap<usize, Approved>,
    (run, started): (&str, jiff::Timestamp),
    written: &[usize],
) -> RunStart {
    RunStart {
        run: run.to_owned(),
        started,
        kind: plan.undoes().map_or(RunKind::Replication, |of| RunKind::Undo { of: of.to_owned() }),
        asked: plan.asked.clone(),
        overrides: plan.overrides.clone(),
        approvals: approved.values().filter_map(|approval| told(plan, approval)).collect(),
        plan: plan.to_json(),
        servers: written.iter().filter_map(|at| plan.relationships.get(*at)).flat_map(servers).collect(),
    }
}

/// Tells the journal of a plan that does not come to a run: all of it was declined, or nothing of
/// it may be written.
pub fn not_begun(plan: &Plan, journal: &dyn Journal) {
    let now = jiff::Timestamp::now();
    let run = run_id(now);
    let relationships = plan.relationships.iter().map(|planned| complete(plan, planned, false, None)).collect();
    let report = RunReport { run, begun: false, relationships, started: now, ended: now };
    let start = start(plan, &BTreeMap::new(), (&report.run, now), &[]);
    if let Err(error) = journal.not_begun(&start, &report.to_json()) {
        tracing::warn!(%error, "the history could not be told what was declined or refused");
    }
}

fn told(plan: &Plan, approval: &Approved) -> Option<Approval> {
    let relationship = plan.relationships.get(approval.relationship())?.name.clone();
    Some(Approval { relationship, by: approval.by().to_owned(), answer: approval.consent() })
}

fn servers(planned: &PlannedRelationship) -> impl Iterator<Item = RunServer> {
    let target = planned.route.as_ref().map(|route| &route.target);
    planned.identified().map(move |(name, identity)| RunServer {
        role: if Some(name) == target { ServerRole::Target } else { ServerRole::Source },
        name: name.clone(),
        identity: identity.cloned(),
    })
}

/// Writes target by target, side by side up to the throttle limit; what goes to one
/// target goes one relationship after the other.
async fn write(
    fleet: &Fleet,
    plan: &Plan,
    approved: &BTreeMap<usize, Approved>,
    mut checked: BTreeMap<usize, check::Checked>,
    journal: &dyn Journal,
    run: &str,
    ctl: &Control,
) -> BTreeMap<usize, Part> {
    let run = target::Run { id: run, undoes: plan.undoes(), fleet, overrides: &plan.overrides, journal, ctl };
    let mut targets: BTreeMap<&ServerName, Vec<target::Task>> = BTreeMap::new();
    for (at, approval) in approved {
        let (Some(planned), Some(checked)) = (plan.relationships.get(*at), checked.remove(at)) else { continue };
        if let Some(route) = &planned.route {
            targets.entry(&route.target).or_default().push(target::Task { at: *at, planned, approval, checked });
        }
    }
    let limit = if fleet.throttle_limit == 0 { TARGETS_AT_ONCE } else { fleet.throttle_limit };
    let mut writes: Vec<BoxFuture<'_, Vec<(usize, Part)>>> = Vec::new();
    for tasks in targets.into_values() {
        writes.push(Box::pin(one_target(run, tasks)));
    }
    let mut pending = stream::iter(writes).buffer_unordered(limit);
    let mut written = BTreeMap::new();
    while let Some(parts) = pending.next().await {
        written.extend(parts);
    }
    written
}

async fn one_target(run: target::Run<'_>, tasks: Vec<target::Task<'_>>) -> Vec<(usize, Part)> {
    let mut parts = Vec::new();
    for delivery in target::Delivery::all(run, tasks) {
        parts.extend(delivery.execute().await);
    }
    parts
}

fn refuse_all(plan: &Plan, approved: &BTreeMap<usize, Approved>, error: &Error) -> BTreeMap<usize, Part> {
    let message = describe(error);
    // what was cancelled is left for another time, and nobody's failure
    let outcome = if error.kind == ErrorKind::Cancelled { Outcome::Cancelled } else { Outcome::Rejected };
    approved
        .keys()
        .filter_map(|at| {
            let planned = plan.relationships.get(*at)?;
            let reject = |scope: &PlannedScope| {
                let text = format!("nothing was written: {message}");
                ScopeRun::untouched(scope.id, outcome, scope.changes.len(), Some(text))
            };
            let scopes: Vec<ScopeRun> = planned.to_write(&plan.overrides).map(reject).collect();
            // with nothing to write there is nothing to refuse: what was saved for it stands
            (!scopes.is_empty()).then(|| (*at, Part { scopes, ..Part::default() }))
        })
        .collect()
}

/// Adds the scopes that were not part of the writing.
fn complete(plan: &Plan, planned: &PlannedRelationship, approved: bool, part: Option<Part>) -> RelationshipRun {
    let mut part = part.unwrap_or_default();
    let done: BTreeSet<ScopeId> = part.scopes.iter().map(|scope| scope.id).collect();
    let left = planned.scopes.iter().filter(|scope| !done.contains(&scope.id));
    part.scopes.extend(left.map(|scope| untouched(plan, planned, scope, approved)));
    let left_out = planned.scopes.iter().filter(|scope| !scope.left_out.is_empty());
    let left_out: BTreeMap<ScopeId, &PlannedScope> = left_out.map(|scope| (scope.id, scope)).collect();
    for scope in part.scopes.iter_mut().filter(|_| !left_out.is_empty()) {
        if let Some(planned) = left_out.get(&scope.id) {
            scope.left_out.clone_from(&planned.left_out);
        }
    }
    let unchanged = |id: &_| ScopeRun::untouched(*id, Outcome::Unchanged, 0, None);
    part.scopes.extend(planned.in_sync.iter().map(unchanged));
    part.scopes.sort_by_key(|scope| scope.id);
    RelationshipRun {
        name: planned.name.clone(),
        source: planned.source.clone(),
        target: planned.target.clone(),
        caveats: planned.caveats().map(|finding| finding.message.clone()).collect(),
        scopes: part.scopes,
        remarks: part.remarks,
        unsaved: part.unsaved,
        still_terminated: part.still_terminated,
    }
}

fn untouched(plan: &Plan, planned: &PlannedRelationship, scope: &PlannedScope, approved: bool) -> ScopeRun {
    let left = scope.changes.len();
    if scope.is_left_out() {
        let run = ScopeRun::untouched(scope.id, Outcome::Skipped, 0, Some("left out".to_owned()));
        return ScopeRun { counts: false, ..run };
    }
    let refusal = planned.standing(&plan.overrides).chain(scope.standing_refusals(&plan.overrides)).next();
    let (outcome, message) = match (&scope.state, refusal) {
        (DriftState::OnlyOnTarget, _) if scope.work.is_none() => {
            let text = "only on the target: never deleted by a replication".to_owned();
            let run = ScopeRun::untouched(scope.id, Outcome::Skipped, 0, Some(text));
            return ScopeRun { counts: false, ..run };
        }
        (DriftState::Unknown, None) => (Outcome::Skipped, scope.reason.clone().unwrap_or_else(|| "unknown".into())),
        (_, Some(refusal)) => (Outcome::Rejected, format!("{}: {} ({})", refusal.name, refusal.message, refusal.hint)),
        _ if !approved => (Outcome::Skipped, "declined".into()),
        _ => (Outcome::Rejected, "the approval was for another plan".into()),
    };
    ScopeRun::untouched(scope.id, outcome, left, Some(message))
}

/// An error with what to do about it, on one line.
fn describe(error: &Error) -> String {
    error.with_hint()
}
