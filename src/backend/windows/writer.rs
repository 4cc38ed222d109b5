//! Writing to a Windows server: by its partner's own replication, or call by call over its own connection.

mod busy;
mod direct;
mod native;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

use self::direct::{Direct, Prospect};
use self::native::Native;
use super::access::Replication;
use super::server::WindowsServer;
use crate::engine::approval::Approved;
use crate::engine::port::{
    Abilities, Assessment, Batch, Control, Done, Gate, Grain, Refusal, Saved, Server as _, SourceSide, Way, Work,
    Writer,
};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{
    Change, ChangeKind, Finding, FindingKind, FindingSide, ItemKey, Kind, Owner, ScopeId, ServerName, Severity,
};

/// The names of both ways.
const NATIVE: &str = "Windows native";
const DIRECT: &str = "Windows direct";

/// Why a scope is written directly although its source gets through.
const LEFT_OUT: &str = "something of it is ignored or left out, and its source would bring the whole scope";
const NOT_ALL_CARRIED: &str = "its source is not known to carry all of its changes";
const DISABLED: &str = "a policy of it is disabled, and nobody knows what its source makes of those";

/// Writes scopes to one Windows server.
pub(super) struct WindowsWriter {
    target: WindowsServer,
    direct: Direct,
    /// The source that replicates by itself, where it may.
    native: Option<Native>,
    /// Why it may, or may not; empty where nobody was asked.
    reason: String,
    /// The source is to replicate by itself, and does not get through to the target.
    obstacle: Option<Error>,
}

/// Who writes a scope.
enum By {
    Native,
    /// We, for this reason, if it could be another one.
    Direct(&'static str),
    Nobody(Refusal),
}

impl WindowsWriter {
    /// What is written comes from no server.
    ///
    /// # Errors
    /// Only its partner may write to it.
    pub(super) fn alone(target: WindowsServer) -> Result<Self> {
        if target.replicating().by == Replication::Native {
            let what = "there is no way back: replication = \"native\" lets its partner alone write to it, which \
                        copies and takes nothing back";
            let error = Error::new(ErrorKind::Unsupported, what).hint("write replication = \"auto\" in its entry");
            return Err(target.on(error));
        }
        Ok(WindowsWriter::direct(target, String::new()))
    }

    /// What is written comes from this server. Reads only.
    ///
    /// # Errors
    /// The source is to replicate by itself, and cannot; the operator cancels.
    pub(super) async fn from(target: WindowsServer, source: SourceSide<'_>, ctl: &Control) -> Result<Self> {
        let native = source.server.replicator().map(|replicator| Native {
            source: source.server.name().clone(),
            replicator,
            membership: source.membership.clone(),
        });
        WindowsWriter::choose(target, native, ctl).await
    }

    async fn choose(target: WindowsServer, native: Option<Native>, ctl: &Control) -> Result<Self> {
        let by = target.replicating().by;
        if by == Replication::Direct {
            return Ok(WindowsWriter::direct(target, "replication = \"direct\"".to_owned()));
        }
        let Some(native) = native else {
            let what = "its partner replicates nothing by itself";
            return match by {
                Replication::Native => {
                    let error =
                        Error::new(ErrorKind::Unsupported, what).hint("write replication = \"auto\" in its entry");
                    Err(target.on(error))
                }
                _ => Ok(WindowsWriter::direct(target, format!("auto: {what}"))),
            };
        };
        let name = &native.source;
        let reached = native.replicator.reaches_partner(&native.membership, ctl).await;
        let (reason, obstacle) = match (by, reached) {
            (_, Err(error)) if error.kind == ErrorKind::Cancelled => return Err(error),
            (Replication::Native, reached) => ("replication = \"native\"".to_owned(), reached.err()),
            (_, Ok(())) => (format!("auto: {name} gets through to its partner by itself"), None),
            (_, Err(error)) => {
                let reason = format!("auto: {name} does not get through to its partner by itself: {}", error.what);
                return Ok(WindowsWriter::direct(target, reason));
            }
        };
        Ok(WindowsWriter { native: Some(native), obstacle, ..WindowsWriter::direct(target, reason) })
    }

    fn direct(target: WindowsServer, reason: String) -> Self {
        WindowsWriter { direct: Direct::new(target.clone()), target, native: None, reason, obstacle: None }
    }

    /// Always the same for the same work.
    fn by(&self, work: &Work) -> By {
        if self.native.is_none() {
            return By::Direct("");
        }
        // directly no scope is created
        let may_be_direct = self.target.replicating().by != Replication::Native && work.before.is_some();
        if work.leaves_out {
            return if may_be_direct { By::Direct(LEFT_OUT) } else { By::Nobody(whole_only(work)) };
        }
        let uncertain = Native::uncertain(work);
        if may_be_direct && work.changes.iter().any(|change| uncertain.covers(change)) {
            return By::Direct(NOT_ALL_CARRIED);
        }
        if may_be_direct && native::has_disabled_policy(work) {
            return By::Direct(DISABLED);
        }
        By::Native
    }

    fn is_native(&self, work: &Work) -> bool {
        matches!(self.by(work), By::Native)
    }

    /// Whether it may bring or take away what a level below the scope registers names by, of which only the option
    /// is read that holds the rest of it.
    fn may_touch_suffixes(&self, work: &Work) -> bool {
        let is_policy = |key: &ItemKey| key.owner == Owner::Scope && key.kind == Kind::Policy;
        let has_policies =
            || [&work.want, &work.before].into_iter().flatten().any(|scope| scope.items.keys().any(is_policy));
        let touches = |change: &Change| {
            change.key.kind == Kind::DnsSetting && change.key.owner != Owner::Scope
                || change.change == ChangeKind::Delete && is_policy(&change.key)
        };
        match self.by(work) {
            By::Native => has_policies(),
            By::Direct(_) => work.changes.iter().any(touches),
            By::Nobody(_) => false,
        }
    }

    /// What the operator should know of writing these scopes in this way.
    fn findings(&self, work: &[Arc<Work>]) -> Vec<Finding> {
        let target = self.target.name();
        let replicating = self.target.replicating();
        let mut found = Vec::new();
        if !replicating.is_verified {
            let message = "replication to Windows was not yet seen on a real Windows Server";
            let first = match replicating.by {
                Replication::Native => "with replication = \"auto\", which verifying needs to put things back, ",
                _ => "",
            };
            let hint = format!(
                "{first}try it on one scope (scopesync check --verify-windows SCOPE --computer-name SOURCE); once it \
                 worked, verified = true in the entry of {target} ends this warning"
            );
            found.push(finding(FindingKind::Unproven, Severity::Warning, Vec::new(), message, hint));
        }
        let unseen = work.iter().filter(|one| self.may_touch_suffixes(one)).map(|one| one.id).collect::<Vec<_>>();
        if !unseen.is_empty() {
            let message = "suffixes for DNS names that policies or reservations have of their own are not read: what \
                           becomes of these is not shown, and no undo brings them back";
            let hint = "Get-DhcpServerv4DnsSetting -ScopeId SCOPE -PolicyName POLICY shows them, on both servers";
            found.push(finding(FindingKind::NoWayBack, Severity::Info, unseen, message, hint));
        }
        let Some(Native { source, .. }) = &self.native else { return found };
        found.extend(self.obstacle.as_ref().map(|error| obstacle(source, error)));
        let natives: Vec<&Arc<Work>> = work.iter().filter(|one| self.is_native(one)).collect();
        let scopes = |which: &dyn Fn(&Work) -> bool| -> Vec<ScopeId> {
            natives.iter().filter(|one| which(one)).map(|one| one.id).collect()
        };
        let created = scopes(&|one| one.before.is_none());
        if !created.is_empty() {
            let message =
                format!("it is not known whether {source} creates scopes that {target} lacks: reading back will show");
            let hint = format!("if it does not: {}", direct::ADD_ANEW);
            found.push(finding(FindingKind::Unproven, Severity::Warning, created.clone(), message, hint));
        }
        let uncertain = scopes(&|one| !Native::uncertain(one).is_empty());
        if !uncertain.is_empty() {
            let message = format!(
                "it is not known whether {source} carries the changes that are marked: reading back will show, and \
                 what is left of them is no failure"
            );
            let hint = match uncertain.iter().all(|id| created.contains(id)) {
                true => String::new(),
                false => format!("replication = \"direct\" in the entry of {target} writes them one by one"),
            };
            found.push(finding(FindingKind::Unproven, Severity::Info, uncertain, message, hint));
        }
        let disabled = scopes(&native::has_disabled_policy);
        if !disabled.is_empty() {
            let message = format!(
                "it is not known what {source} makes of policies that are disabled: {target} may lose them, which \
                 reading back would show"
            );
            found.push(finding(
                FindingKind::Unproven,
                Severity::Warning,
                disabled,
                message,
                "replication = \"auto\" writes such scopes directly",
            ));
        }
        found.extend(no_way_back(replicating.by, &natives, created));
        found
    }
}

fn no_way_back(by: Replication, natives: &[&Arc<Work>], created: Vec<ScopeId>) -> Option<Finding> {
    const KIND: FindingKind = FindingKind::NoWayBack;
    if by == Replication::Native && !natives.is_empty() {
        let hint = "replication = \"auto\" lets an undo write directly; what is overwritten is stored in the history \
                    all the same";
        let message =
            "there is no way back: replication = \"native\" copies scopes, and an undo has no server to copy from";
        return Some(finding(KIND, Severity::Warning, Vec::new(), message, hint));
    }
    let message = "scopes that are created are not deleted by an undo";
    let hint = "taking them out of the relationship deletes them on the partner (on the source: \
                Remove-DhcpServerv4FailoverScope)";
    (!created.is_empty()).then(|| finding(KIND, Severity::Warning, created, message, hint))
}

fn finding(
    kind: FindingKind,
    severity: Severity,
    scopes: Vec<ScopeId>,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Finding {
    Finding { severity, kind, side: FindingSide::Target, scopes, message: message.into(), hint: hint.into() }
}

/// The probe asks for a version alone: the replication itself may still be let through.
fn obstacle(source: &ServerName, error: &Error) -> Finding {
    let message =
        format!("{source} does not get through to its partner by itself, and will probably be refused: {}", error.what);
    let hint = error.hint.clone().unwrap_or_default();
    Finding { side: FindingSide::Source, ..finding(FindingKind::Partner, Severity::Warning, Vec::new(), message, hint) }
}

/// The scope is copied as a whole or not at all.
fn whole_only(work: &Work) -> Refusal {
    let (name, message, hint) = match work.before {
        Some(_) => (
            "whole-scopes-only",
            "something of it is ignored or left out, and replication = \"native\" copies whole scopes",
            "replication = \"auto\" writes such scopes directly",
        ),
        None => (
            "cannot-create",
            "the target lacks the scope; its source would bring what is ignored or left out, too, and direct writing \
             creates no scope",
            direct::ADD_ANEW,
        ),
    };
    Refusal { name, message: message.to_owned(), hint: hint.to_owned(), overridable: false }
}

impl WindowsWriter {
    /// The source reaches past our own connection: what keeps us from writing keeps it, too.
    async fn natively(
        &self,
        native: &Native,
        work: &[Arc<Work>],
        ok: &Approved,
        gate: &dyn Gate,
        ctl: &Control,
    ) -> Vec<Done> {
        let mut stopped: BTreeMap<ScopeId, Done> = BTreeMap::new();
        for one in work {
            match self.ready(one, ok, ctl).await {
                Ok(()) => {}
                Err(error) if error.kind == ErrorKind::Cancelled => drop(stopped.insert(one.id, Done::Cancelled)),
                Err(error) => drop(stopped.insert(one.id, Done::Rejected(self.target.on(error).scope(one.id)))),
            }
        }
        let going: Vec<Arc<Work>> = work.iter().filter(|one| !stopped.contains_key(&one.id)).cloned().collect();
        let mut told = match going.is_empty() {
            true => Vec::new(),
            false => native.write(&going, ok, gate, ctl).await,
        }
        .into_iter();
        work.iter().filter_map(|one| stopped.remove(&one.id).or_else(|| told.next())).collect()
    }

    async fn ready(&self, work: &Work, ok: &Approved, ctl: &Control) -> Result<()> {
        if self.target.read_only() {
            return Err(Error::new(ErrorKind::Safety, "the server is read-only"));
        }
        match self.direct.by_leases(work, ctl).await? {
            Some(refusal) if !ok.overrides(refusal.name) => Err(refusal.into_error()),
            _ => Ok(()),
        }
    }

    async fn directly(&self, work: &Work, ok: &Approved, gate: &dyn Gate, ctl: &Control) -> Done {
        match self.by(work) {
            By::Nobody(refusal) => Done::Rejected(self.target.on(refusal.into_error()).scope(work.id)),
            _ => self.direct.write(work, ok, gate, ctl).await,
        }
    }
}

#[async_trait]
impl Writer for WindowsWriter {
    fn abilities(&self) -> Abilities {
        let replicating = self.target.replicating();
        let is_native = self.native.is_some();
        Abilities {
            name: if is_native { NATIVE } else { DIRECT },
            grain: if is_native && replicating.by == Replication::Native { Grain::Scope } else { Grain::Item },
            batch: if is_native { Batch::Many(replicating.at_once) } else { Batch::One },
            creates_scope: is_native,
            deletes_scope: false,
            interrupts_service: false,
            outlives_connection: true,
            brings_back: direct::ADD_ANEW.to_owned(),
        }
    }

    async fn assess(&self, work: &[Arc<Work>], ctl: &Control) -> Result<Assessment> {
        let mut assessment = Assessment {
            cost_to_configuration: "none: the server keeps what it accepts".to_owned(),
            findings: self.findings(work),
            ..Assessment::default()
        };
        let mut is_any_native = false;
        let mut absent = Vec::new();
        let mut doubtful = Vec::new();
        for one in work {
            let prospect = match self.by(one) {
                By::Native => {
                    is_any_native = true;
                    let refusals = self.direct.by_leases(one, ctl).await?.into_iter().collect();
                    Prospect { refusals, uncertain: Native::uncertain(one), ..Prospect::default() }
                }
                By::Direct(reason) => {
                    assessment.otherwise.insert(one.id, Way { writer: DIRECT, reason: reason.to_owned() });
                    let prospect = self.direct.assess(one, ctl).await?;
                    doubtful.extend((!prospect.uncertain.is_empty()).then_some(one.id));
                    prospect
                }
                By::Nobody(refusal) => Prospect { refusals: vec![refusal], ..Prospect::default() },
            };
            absent.extend(prospect.absent);
            assessment.uncertain.insert(one.id, prospect.uncertain);
            if !prospect.refusals.is_empty() {
                assessment.refusals.insert(one.id, prospect.refusals);
            }
        }
        if !doubtful.is_empty() {
            let target = self.target.name();
            let message = format!(
                "{target} may refuse or ignore the changes that are marked: reading back will show what is left"
            );
            assessment.findings.push(finding(FindingKind::Unproven, Severity::Info, doubtful, message, ""));
        }
        assessment.cost_to_service = direct::cost_to_service(&absent);
        let way = |writer, reason: String| Some(Way { writer, reason });
        assessment.way = match &self.native {
            Some(_) if is_any_native => way(NATIVE, self.reason.clone()),
            Some(_) if assessment.otherwise.is_empty() => way(NATIVE, self.reason.clone()),
            Some(_) => {
                let reasons: BTreeSet<String> = assessment.otherwise.values().map(|way| way.reason.clone()).collect();
                way(DIRECT, reasons.into_iter().collect::<Vec<_>>().join("; or "))
            }
            None => way(DIRECT, self.reason.clone()),
        };
        if !is_any_native {
            assessment.otherwise.clear();
        }
        Ok(assessment)
    }

    /// Windows keeps nothing of its own for a way back; the history does.
    async fn prepare(&self, _ok: &Approved, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    async fn write(&self, work: &[Arc<Work>], ok: &Approved, gate: &dyn Gate, ctl: &Control) -> Vec<Done> {
        let mut outcomes = Vec::with_capacity(work.len());
        // what the source is told at once stands next to each other, so that the order is kept
        for part in work.chunk_by(|one, next| self.is_native(one) && self.is_native(next)) {
            match (&self.native, part) {
                _ if ctl.is_cancelled() => outcomes.extend(part.iter().map(|_| Done::Cancelled)),
                (Some(native), [one, ..]) if self.is_native(one) => {
                    outcomes.extend(self.natively(native, part, ok, gate, ctl).await);
                }
                (_, part) => {
                    for one in part {
                        outcomes.push(self.directly(one, ok, gate, ctl).await);
                    }
                }
            }
        }
        outcomes
    }

    async fn settle(&self, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    /// What Windows accepts outlives a restart.
    fn needs_saving(&self) -> bool {
        false
    }

    async fn save(&self, _ctl: &Control) -> Saved {
        Saved::Saved
    }
}
