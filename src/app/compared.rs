//! A relationship's drift with what the lists need of it, made in the background.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::engine::compare::{self, RelationshipDrift, ScopeDrift, Summary};
use crate::engine::ignore::IgnoreRule;
use crate::engine::survey::{Member, Presence, Relationship, Survey};
use crate::model::{Change, ChangeKind, DriftState, FindingKind, FindingSide, ItemKey, ScopeId, ServerName, Severity};

use super::fleet::facts::FactSheet;

/// Creations, updates and deletions.
pub type Counts = [usize; 3];

/// The drift of a relationship in one direction.
#[derive(Debug)]
pub struct Compared {
    /// The drift itself; scopes by address.
    pub drift: RelationshipDrift,
    /// How many scopes stand how.
    pub summary: Summary,
    /// Changes that a replication would make.
    pub counts: Counts,
    /// Critical findings.
    pub critical: usize,
    /// Scopes that the target is known to refuse, and why: it lacks what they need.
    pub refused: BTreeMap<ScopeId, String>,
    /// How many scopes differ and cannot be replicated, for each reason.
    pub left_out: Vec<(usize, String)>,
    /// What lists need of each scope.
    pub sheet: FactSheet,
    /// A partner is still being read: more is to come.
    pub pending: bool,
    /// How long the comparison took.
    pub took: Duration,
    /// Scopes of either server that are in no relationship at all, where there are any.
    pub unpaired: Vec<(ServerName, usize)>,
}

impl Compared {
    /// Compares; takes as long as opening every scope that differs.
    pub fn new(survey: &Survey, relationship: &Relationship, source: usize, rules: &[IgnoreRule]) -> Self {
        let mut drift = compare::relationship(survey, relationship, source, rules);
        let is_to_come = |member: &Member| match member.presence {
            Presence::Pending(_) => true,
            // one of those that have not answered yet may be it
            Presence::Unsure(_) => survey.servers.iter().any(|report| report.outcome.is_none()),
            _ => false,
        };
        let is_in_parts = |at| survey.member_reading(relationship, at).is_some_and(|reading| !reading.is_whole());
        let supported = relationship.unsupported.is_none();
        let awaited = supported && relationship.members.iter().any(is_to_come);
        let pending = awaited || supported && (0..relationship.members.len()).any(is_in_parts);
        if awaited {
            for scope in drift.scopes.iter_mut().filter(|scope| scope.state == DriftState::Unknown) {
                scope.state = DriftState::Checking;
                scope.reason = None;
            }
            drift.findings.retain(|finding| finding.kind != FindingKind::Partner);
        }
        let servers = relationship.members.iter().filter_map(|member| member.server());
        let unpaired = servers.map(|server| (server.clone(), survey.unpaired(server).len()));
        Compared { unpaired: unpaired.filter(|(_, count)| *count > 0).collect(), ..Self::of(drift, pending) }
    }

    /// Counts what a drift holds.
    pub fn of(drift: RelationshipDrift, pending: bool) -> Self {
        let mut counts = [0; 3];
        for scope in drift.scopes.iter().filter(|scope| scope.can_replicate()) {
            for (sum, count) in counts.iter_mut().zip(counts_of(scope)) {
                *sum += count;
            }
        }
        let refused = refused(&drift);
        Compared {
            summary: Summary::of(&drift.scopes),
            left_out: left_out(&refused, drift.scopes.iter()),
            counts,
            critical: drift.findings.iter().filter(|finding| finding.severity == Severity::Critical).count(),
            sheet: FactSheet::new(&drift, &refused),
            refused,
            pending,
            took: Duration::ZERO,
            unpaired: Vec::new(),
            drift,
        }
    }

    /// Whether a replication has something to do for a scope, and nothing is known against it.
    pub fn can_be_written(&self, scope: &ScopeDrift) -> bool {
        scope.can_replicate() && !self.refused.contains_key(&scope.id)
    }

    /// How many of these scopes differ and cannot be replicated, for each reason.
    pub fn left_out<'a>(&self, scopes: impl Iterator<Item = &'a ScopeDrift>) -> Vec<(usize, String)> {
        left_out(&self.refused, scopes)
    }

    /// Whether a partner could not be read: nothing is known then, whatever was read of the other.
    pub fn is_unread(&self) -> bool {
        self.drift.findings.iter().any(|finding| finding.kind == FindingKind::Partner)
    }

    /// Whether something differs and none of it can be replicated.
    pub fn is_all_left_out(&self) -> bool {
        let Summary { drifted, only_on_source, only_on_target, .. } = self.summary;
        let left_out: usize = self.left_out.iter().map(|(count, _)| count).sum();
        left_out > 0 && left_out == drifted + only_on_source + only_on_target
    }

    /// The scope of this id.
    pub fn scope(&self, id: ScopeId) -> Option<&ScopeDrift> {
        let at = self.drift.scopes.binary_search_by_key(&id, |scope| scope.id).ok()?;
        self.drift.scopes.get(at)
    }
}

/// The scopes that need an option definition or a shared network that the target lacks. The
/// plan knows of more refusals; for these nobody has to be asked.
fn refused(drift: &RelationshipDrift) -> BTreeMap<ScopeId, String> {
    let network = ItemKey::property("shared-network");
    let mut refused = BTreeMap::new();
    for finding in drift.findings.iter().filter(|finding| finding.side == FindingSide::Target) {
        let ids: BTreeSet<ScopeId> = finding.scopes.iter().copied().collect();
        for scope in drift.scopes.iter().filter(|scope| scope.can_replicate() && ids.contains(&scope.id)) {
            let is_refused = match finding.kind {
                FindingKind::OptionDefinition => true,
                FindingKind::NetworkMissing => scope.changes.iter().any(|change| change.key == network),
                _ => false,
            };
            if is_refused {
                refused.entry(scope.id).or_insert_with(|| finding.message.clone());
            }
        }
    }
    refused
}

/// Refusals first: of them nothing else tells.
fn left_out<'a>(
    refused: &BTreeMap<ScopeId, String>,
    scopes: impl Iterator<Item = &'a ScopeDrift>,
) -> Vec<(usize, String)> {
    let (mut refusals, mut only_on_target) = (BTreeMap::<&String, usize>::new(), 0);
    for scope in scopes {
        match refused.get(&scope.id) {
            Some(reason) => *refusals.entry(reason).or_default() += 1,
            None => only_on_target += usize::from(scope.state == DriftState::OnlyOnTarget),
        }
    }
    let refusals = refusals.into_iter().map(|(reason, count)| (count, reason.clone()));
    let kept = (only_on_target, "only on the target, never deleted by a replication".to_owned());
    refusals.chain(Some(kept).filter(|(count, _)| *count > 0)).collect()
}

/// The same in words, to be put behind others.
pub fn left_out_words(left_out: &[(usize, String)]) -> String {
    left_out.iter().map(|(count, reason)| format!("; {count} left out: {reason}")).collect()
}

/// A scope's creations, updates and deletions.
pub fn counts_of(scope: &ScopeDrift) -> Counts {
    count(&scope.changes)
}

/// How many of these changes are creations, updates and deletions.
pub fn count<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Counts {
    let mut counts = [0; 3];
    for change in changes {
        counts[match change.change {
            ChangeKind::Create => 0,
            ChangeKind::Update => 1,
            ChangeKind::Delete => 2,
        }] += 1;
    }
    counts
}
