//! Finding out on one scope what servers do, with both of its sides brought back afterwards.
//!
//! What is tried is the affair of the servers' family. That nobody else writes meanwhile, that both
//! sides are kept before the first change, and that they are as they were in the end, is seen to here.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;

use super::approval::Approved;
use super::fleet::Fleet;
use super::outcome::{Outcome, RelationshipRun, RunReport, SavedState, ScopeRun};
use super::port::{
    Approval, Control, Done, Fingerprints, Held, Journal, Kept, Place, ReadBack, RunKind, RunServer, RunStart, Server,
    ServerRole, Work,
};
use super::report::ChangeReport;
use super::run::{enter, hold, run_id};
use super::select::Picked;
use super::survey::{Member, Survey};
use super::{Error, ErrorKind, Result, compare, crossed, drift, fingerprint};
use crate::model::{Change, Context, DriftState, Foreign, Membership, Scope, ScopeId};

/// One of the two servers.
pub struct Side {
    /// The server.
    pub server: Arc<dyn Server>,
    /// Its version, as it tells it.
    pub version: Option<Foreign>,
    /// The relationship, as it tells it.
    pub membership: Membership,
    /// Its scope before anything was tried.
    pub start: Scope,
    identity: Option<Foreign>,
    context: Arc<Context>,
}

impl Side {
    fn work(&self, before: &Scope, changes: Vec<Change>) -> Arc<Work> {
        let print = |scope| Some(fingerprint::of(scope, &self.context));
        Arc::new(Work {
            id: self.start.id,
            before: Some(before.clone()),
            want: Some(self.start.clone()),
            changes,
            expect: Fingerprints { source: print(&self.start), target: print(before) },
            leaves_out: false,
        })
    }
}

/// The scope that things are tried on.
pub struct Subject {
    /// Its relationship.
    pub relationship: Foreign,
    /// Which scope.
    pub id: ScopeId,
    /// Source first.
    pub sides: [Side; 2],
    /// Digest of all that makes it.
    pub digest: String,
    /// What was asked for, in the front end's words, for the history.
    pub asked: Value,
}

impl Subject {
    /// The scope that was picked: in sync, in a relationship that is normal on both sides, of servers
    /// that may be written to.
    ///
    /// # Errors
    /// What of that does not hold. Nothing overrides it.
    pub fn new(fleet: &Fleet, survey: &Survey, picked: &Picked, asked: Value) -> Result<Self> {
        let relationship = &survey.relationships[picked.relationship];
        let only = picked.scopes.as_ref().filter(|scopes| scopes.len() == 1).and_then(|scopes| scopes.first());
        let id = *only.ok_or_else(|| unfit("one scope is verified on, not several"))?;
        if let Some(reason) = &relationship.unsupported {
            return Err(unfit(reason));
        }
        if let Some(reason) = relationship.members.iter().find_map(Member::absent) {
            return Err(unfit(reason).hint("both servers must be read"));
        }
        if let Some(crossed) = crossed::finding(survey, relationship, picked.source_member) {
            return Err(unfit(crossed.message).hint(crossed.hint));
        }
        // rules that ignore differences keep no server from copying them
        let drift = compare::relationship(survey, relationship, picked.source_member, &[]);
        let drift = drift.scopes.into_iter().find(|scope| scope.id == id);
        match drift.map(|drift| (drift.state, drift.reason)) {
            Some((DriftState::InSync, _)) => {}
            Some((state, reason)) => {
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                let what = format!("the scope is {}{reason}, and must be in sync to begin with", state.words());
                return Err(unfit(what).scope(id).hint("replicate it first, or take another scope"));
            }
            None => return Err(unfit("the scope is not there on both sides").scope(id)),
        }
        let side = |member: &Member| {
            let server = member.server().and_then(|name| fleet.server(name));
            let reading = member.server().and_then(|name| survey.reading(name));
            let (Some(server), Some(reading), Some(membership)) = (server, reading, &member.membership) else {
                return Err(unfit(format!("{} was not read", member.shown())));
            };
            if server.read_only() {
                let hint = "its entry in the configuration says so, or --read-only was given; nothing overrides it";
                return Err(unfit("the server is read-only").on(server.name()).hint(hint));
            }
            if let Some(state) = member.state.as_ref().filter(|state| !state.is_normal(&relationship.mode)) {
                let state = state.explained(&relationship.mode);
                return Err(unfit(format!("its state is {state}, and must be normal")).on(server.name()));
            }
            let entry = reading.scopes.get(&id).ok_or_else(|| unfit("the scope is not there").on(server.name()))?;
            Ok(Side {
                server: server.clone(),
                version: reading.version.clone(),
                membership: membership.clone(),
                start: entry.open().map_err(|reason| unfit(reason.to_string()).on(server.name()).scope(id))?,
                identity: reading.identity.clone(),
                context: reading.context.clone(),
            })
        };
        let [first, second] = &relationship.members;
        let sides = match picked.source_member {
            0 => [side(first)?, side(second)?],
            _ => [side(second)?, side(first)?],
        };
        let subject = Subject { relationship: relationship.name.clone(), id, sides, digest: String::new(), asked };
        let digest = Sha256::digest(subject.to_json().to_string());
        Ok(Subject { digest: fingerprint::hex(&digest[..16]), ..subject })
    }

    /// Whether both sides could be put back.
    ///
    /// # Errors
    /// There is no way of writing to one of them by itself.
    pub async fn can_be_put_back(&self, ctl: &Control) -> Result<()> {
        for side in &self.sides {
            side.server.writer(ctl).await?;
        }
        Ok(())
    }

    fn to_json(&self) -> Value {
        let sides = self.sides.iter().map(
            |side| json!({ "server": side.server.name(), "fingerprint": fingerprint::of(&side.start, &side.context) }),
        );
        json!({
            "digest": self.digest,
            "relationship": self.relationship,
            "scope_id": self.id.short(),
            "prefix_length": self.id.prefix_length,
            "servers": sides.collect::<Vec<_>>(),
        })
    }

    fn start(&self, run: &str, at: jiff::Timestamp, approved: Option<&Approved>) -> RunStart {
        let approval = |approved: &Approved| Approval {
            relationship: self.relationship.clone(),
            by: approved.by().to_owned(),
            answer: approved.consent(),
        };
        let servers = self.sides.iter().map(|side| RunServer {
            role: ServerRole::Target,
            name: side.server.name().clone(),
            identity: side.identity.clone(),
        });
        RunStart {
            run: run.to_owned(),
            started: at,
            kind: RunKind::Verification,
            asked: self.asked.clone(),
            overrides: Default::default(),
            approvals: approved.map(approval).into_iter().collect(),
            plan: self.to_json(),
            servers: servers.collect(),
        }
    }

    /// Tells the journal that it was declined, or refused before anything was written.
    pub fn not_begun(&self, why: &str, journal: &dyn Journal) {
        let now = jiff::Timestamp::now();
        let run = run_id(now);
        let untouched = || ScopeRun::untouched(self.id, Outcome::Skipped, 0, Some(why.to_owned()));
        let report = self.report(&run, now, [untouched(), untouched()]);
        if let Err(error) = journal.not_begun(&self.start(&run, now, None), &report.to_json()) {
            tracing::warn!(%error, "the history could not be told what was declined or refused");
        }
    }

    fn report(&self, run: &str, started: jiff::Timestamp, ends: [ScopeRun; 2]) -> RunReport {
        let part = |(side, end): (&Side, ScopeRun)| RelationshipRun {
            name: self.relationship.clone(),
            source: "verification".to_owned(),
            target: side.server.name().to_string(),
            caveats: side.server.caveat().map(str::to_owned).into_iter().collect(),
            scopes: vec![end],
            remarks: Vec::new(),
            unsaved: false,
            still_terminated: None,
        };
        let relationships = self.sides.iter().zip(ends).map(part).collect();
        RunReport { run: run.to_owned(), begun: true, relationships, started, ended: jiff::Timestamp::now() }
    }
}

fn unfit(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Safety, what)
}

/// How a side stands beside how it was.
pub type Left = Result<Vec<Change>>;

/// Both servers held, and both sides kept. Whoever begins one ends it ([`Verification::end`]).
pub struct Verification<'a> {
    /// The scope.
    pub subject: &'a Subject,
    /// The run's name in the history.
    pub run: String,
    started: jiff::Timestamp,
    approved: Approved,
    journal: &'a dyn Journal,
    _held: (Held, Vec<OwnedMutexGuard<()>>, Vec<Held>),
}

impl<'a> Verification<'a> {
    /// Holds both servers, looks whether both sides still are as they were read, and keeps them.
    ///
    /// # Errors
    /// Why nothing may be written.
    pub async fn begin(
        fleet: &Fleet,
        subject: &'a Subject,
        approved: Approved,
        journal: &'a dyn Journal,
        ctl: &Control,
    ) -> Result<Self> {
        if approved.plan() != subject.digest {
            return Err(unfit("the approval was for another scope"));
        }
        let started = jiff::Timestamp::now();
        let (run, alive) = enter(journal, started);
        let names = subject.sides.each_ref().map(|side| side.server.name());
        let guards = fleet.hold(&names, &run, ctl).await?;
        let sides = subject.sides.iter().map(|side| (side.server.name(), side.identity.as_ref()));
        let held = (alive?, guards, hold(sides, journal, &run, ctl).await?);
        let start = subject.start(&run, started, Some(&approved));
        let verification = Verification { subject, run, started, approved, journal, _held: held };
        for (side, now) in verification.subject.sides.iter().zip(verification.look().await?) {
            if !drift::compare(&side.start, &now).is_empty() {
                return Err(Error::new(ErrorKind::Moved, "the scope has changed since it was read")
                    .on(side.server.name())
                    .scope(side.start.id));
            }
        }
        journal.begin(&start)?;
        for side in &verification.subject.sides {
            let work = side.work(&side.start, Vec::new());
            // nothing was written yet: what cannot be kept ends the run as it is
            if let Err(error) = journal.before(&verification.place(side), &[work]) {
                let _ = verification.end().await;
                return Err(error);
            }
        }
        Ok(verification)
    }

    fn place(&self, side: &Side) -> Place {
        Place {
            run: self.run.clone(),
            target: side.server.name().clone(),
            identity: side.identity.clone(),
            relationship: self.subject.relationship.clone(),
        }
    }

    /// The scope on both sides as it is now, source first.
    ///
    /// # Errors
    /// One of them could not be read as a whole, or is no longer there.
    pub async fn look(&self) -> Result<[Scope; 2]> {
        let [source, target] = &self.subject.sides;
        let (source, target) = tokio::join!(look_at(source), look_at(target));
        Ok([source?, target?])
    }

    /// The scope on one side as it is now.
    ///
    /// # Errors
    /// As [`Verification::look`].
    pub async fn look_at(&self, side: usize) -> Result<Scope> {
        look_at(&self.subject.sides[side]).await
    }

    /// Brings both sides back to how they were, whatever was asked to end meanwhile, and tells what
    /// is left of their changes; why, where one could not be brought back.
    pub async fn put_back(&self) -> [Left; 2] {
        let [source, target] = &self.subject.sides;
        // the source first: what is tried may make a server copy it once more
        [self.put_side_back(source).await, self.put_side_back(target).await]
    }

    async fn put_side_back(&self, side: &Side) -> Left {
        let now = look_at(side).await?;
        let changes = drift::compare(&side.start, &now);
        if changes.is_empty() {
            return Ok(changes);
        }
        let free = Control::free();
        let writer = side.server.writer(&free).await?;
        let done = writer.write(&[side.work(&now, changes)], &self.approved, &(), &free).await;
        let left = drift::compare(&side.start, &look_at(side).await?);
        match done.into_iter().next() {
            Some(Done::Partial { cause, .. } | Done::Rejected(cause) | Done::Unknown(cause)) if !left.is_empty() => {
                Err(cause.on(side.server.name()).scope(side.start.id))
            }
            _ => Ok(left),
        }
    }

    /// Looks how both sides stand beside how they were, and closes the record.
    pub async fn end(&self) -> [Left; 2] {
        let [source, target] = &self.subject.sides;
        let (source, target) = tokio::join!(self.close(source), self.close(target));
        let ends = [source.1, target.1];
        let report = self.subject.report(&self.run, self.started, ends);
        if let Err(error) = self.journal.end(&self.run, &report.to_json()) {
            tracing::warn!(run = self.run, %error, "the history could not store how the verification ended");
        }
        [source.0, target.0]
    }

    async fn close(&self, side: &Side) -> (Left, ScopeRun) {
        let now = look_at(side).await;
        let id = side.start.id;
        let (after, left) = match now {
            Ok(scope) => {
                let left = drift::compare(&side.start, &scope);
                let fingerprint = fingerprint::of(&scope, &side.context);
                (ReadBack::There { scope, fingerprint }, Ok(left))
            }
            Err(error) => (ReadBack::Unread, Err(error)),
        };
        let end = match &left {
            Ok(left) if left.is_empty() => ScopeRun::untouched(id, Outcome::Unchanged, 0, None),
            Ok(left) => {
                let message = "it is not as it was before the verification".to_owned();
                let run = ScopeRun::untouched(id, Outcome::Partial, left.len(), Some(message));
                ScopeRun { verified: Some(false), residual: left.clone(), saved: SavedState::NotApplicable, ..run }
            }
            Err(error) => ScopeRun::untouched(id, Outcome::Unknown, 0, Some(error.with_hint())),
        };
        let residual: Vec<ChangeReport<'_>> = end.residual.iter().map(ChangeReport::new).collect();
        let record = json!({ "outcome": end.outcome.word(), "message": end.message, "residual": residual });
        let kept = Kept { id, outcome: end.outcome, record, after };
        if let Err(error) = self.journal.after(&self.place(side), &[kept]) {
            tracing::warn!(run = self.run, %error, "the history could not store how the scope was left");
        }
        (left, end)
    }

    /// The right to write, for what is tried.
    pub fn approved(&self) -> &Approved {
        &self.approved
    }
}

async fn look_at(side: &Side) -> Result<Scope> {
    let id = side.start.id;
    let found = side.server.reread(&[id], &Control::free()).await?.remove(&id).flatten();
    let gone = || Error::new(ErrorKind::Empty, "the scope is not there any more");
    let placed = |error: Error| error.on(side.server.name()).scope(id);
    let scope = found.ok_or_else(|| placed(gone()))?;
    match scope.complete.lack() {
        None => Ok(scope),
        Some(lack) => Err(placed(Error::new(ErrorKind::Garbled, format!("it could not be read as a whole: {lack}")))),
    }
}
