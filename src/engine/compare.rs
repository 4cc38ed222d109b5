//! Two readings become the drift of a relationship.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::ignore::{self, IgnoreRule, Ignored};
use super::port::{Entry, Reading};
use super::survey::{Relationship, Survey};
use super::threads::side_by_side;
use super::trouble::Trouble;
use super::{crossed, drift, membership, prerequisites};
use crate::model::{
    Change, ChangeKind, Complete, DriftState, Finding, FindingKind, FindingSide, Foreign, ItemKey, Scope, ScopeId,
    ServerName, Severity,
};

/// One scope's drift.
#[derive(Clone, Debug, PartialEq)]
pub struct ScopeDrift {
    /// Which scope.
    pub id: ScopeId,
    /// Its name, from the source if it has it.
    pub name: Option<Foreign>,
    /// The numbers by which source and target know it.
    pub server_ids: [Option<u32>; 2],
    /// How it stands.
    pub state: DriftState,
    /// Why, for `Unknown`; safe to show.
    pub reason: Option<String>,
    /// What must happen on the target; for a scope that only the target has, what is there.
    pub changes: Vec<Change>,
    /// A server does not reveal some value, and that leaves the drift unknown.
    pub hides: bool,
    /// Differences that a rule of the configuration ignores.
    pub ignored: Ignored,
}

impl ScopeDrift {
    /// A scope of which nothing is known but that it is there.
    fn unknown(id: ScopeId, reason: Option<String>) -> Self {
        ScopeDrift {
            id,
            name: None,
            server_ids: [None, None],
            state: DriftState::Unknown,
            reason,
            changes: Vec::new(),
            hides: false,
            ignored: Ignored::new(),
        }
    }

    /// How many changes of this kind.
    pub fn count(&self, kind: ChangeKind) -> usize {
        self.changes.iter().filter(|change| change.change == kind).count()
    }

    /// Whether a replication has something to do for it.
    pub fn can_replicate(&self) -> bool {
        matches!(self.state, DriftState::Drifted | DriftState::OnlyOnSource)
    }
}

/// The drift of one relationship in one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct RelationshipDrift {
    /// The relationship's name.
    pub name: Foreign,
    /// The server that is copied from; its name in the relationship where it is not configured.
    pub source: String,
    /// The server that is overwritten.
    pub target: String,
    /// What lies outside the scopes, worst first.
    pub findings: Vec<Finding>,
    /// That the pair no longer works as one.
    pub trouble: Option<Trouble>,
    /// All scopes, by address.
    pub scopes: Vec<ScopeDrift>,
}

impl RelationshipDrift {
    /// Leaves out scopes that are not meant, and findings that touch only such.
    pub fn only(mut self, meant: impl Fn(ScopeId) -> bool) -> Self {
        self.scopes.retain(|scope| meant(scope.id));
        self.findings.retain_mut(|finding| {
            if finding.kind.is_of_all() {
                return true;
            }
            let general = finding.scopes.is_empty();
            finding.scopes.retain(|id| meant(*id));
            general || !finding.scopes.is_empty()
        });
        self
    }
}

/// How many scopes stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// All scopes.
    pub scopes: usize,
    /// Scopes without drift.
    pub in_sync: usize,
    /// Scopes that differ.
    pub drifted: usize,
    /// Scopes that the target lacks.
    pub only_on_source: usize,
    /// Scopes that the source lacks.
    pub only_on_target: usize,
    /// Scopes that could not be read or compared.
    pub unknown: usize,
    /// Scopes that are still being read; none in a report, which is made of whole readings.
    #[serde(skip)]
    pub checking: usize,
    /// Changes that a replication would make.
    pub changes: usize,
    /// Differences that rules of the configuration ignore.
    pub ignored: usize,
}

impl Summary {
    /// Counts scopes.
    pub fn of<'a>(scopes: impl IntoIterator<Item = &'a ScopeDrift>) -> Self {
        let mut sum = Summary::default();
        for scope in scopes {
            sum.scopes += 1;
            sum.ignored += scope.ignored.values().sum::<usize>();
            match scope.state {
                DriftState::InSync => sum.in_sync += 1,
                DriftState::Drifted => sum.drifted += 1,
                DriftState::OnlyOnSource => sum.only_on_source += 1,
                DriftState::OnlyOnTarget => sum.only_on_target += 1,
                DriftState::Unknown => sum.unknown += 1,
                DriftState::Checking => sum.checking += 1,
            }
            if scope.can_replicate() {
                sum.changes += scope.changes.len();
            }
        }
        sum
    }

    /// Adds what other scopes come to.
    pub fn add(&mut self, other: &Summary) {
        let Summary { scopes, in_sync, drifted, only_on_source, only_on_target, unknown, checking, changes, ignored } =
            other;
        self.scopes += scopes;
        self.in_sync += in_sync;
        self.drifted += drifted;
        self.only_on_source += only_on_source;
        self.only_on_target += only_on_target;
        self.unknown += unknown;
        self.checking += checking;
        self.changes += changes;
        self.ignored += ignored;
    }

    /// How many scopes nothing can be said of.
    pub fn untold(&self) -> usize {
        self.unknown + self.checking
    }

    /// Whether anything differs.
    pub fn has_drift(&self) -> bool {
        self.drifted + self.only_on_source + self.only_on_target > 0
    }
}

/// Compares the sides of a relationship, from the member `source_member` to the other.
pub fn relationship(
    survey: &Survey,
    relationship: &Relationship,
    source_member: usize,
    rules: &[IgnoreRule],
) -> RelationshipDrift {
    relationship_and(survey, relationship, source_member, rules, &|_, _| None::<()>).0
}

/// The same, with what `made` makes of each scope that was opened: opening it once more would
/// cost as much as comparing it. `made` gets both sides, source first.
pub(super) fn relationship_and<R: Send>(
    survey: &Survey,
    relationship: &Relationship,
    source_member: usize,
    rules: &[IgnoreRule],
    made: &(impl Fn(&ScopeDrift, [Option<Scope>; 2]) -> Option<R> + Sync),
) -> (RelationshipDrift, BTreeMap<ScopeId, R>) {
    let (source, target) = (&relationship.members[source_member], &relationship.members[1 - source_member]);
    let mut result = RelationshipDrift {
        name: relationship.name.clone(),
        source: source.shown(),
        target: target.shown(),
        findings: Vec::new(),
        trouble: None,
        scopes: Vec::new(),
    };
    let readings = [source_member, 1 - source_member].map(|at| survey.member_reading(relationship, at));
    let reason = relationship.unsupported.clone().or_else(|| source.absent()).or_else(|| target.absent());
    if let (Some(source), Some(target), None) = (readings[0], readings[1], &reason) {
        let scopes = Sides { relationship, source_member, source, target, rules };
        let all_made;
        (result.scopes, all_made) = scopes.compare(made);
        result.findings = prerequisites::findings(relationship, source_member, source, target);
        result.findings.extend(membership::findings(survey, relationship, source_member));
        let is_named = relationship.is_named();
        result.findings.extend(scope_findings(&result.scopes, &result.source, &result.target, is_named));
        result.trouble = Trouble::of(relationship, source_member, &result.scopes);
        result.findings.extend(result.trouble.as_ref().map(Trouble::finding));
        result.findings.extend(unsafe_ways(survey, relationship, source_member));
        result.findings.extend(crossed::finding(survey, relationship, source_member));
        result.findings.extend(prerequisites::ailments(relationship, source_member, readings));
        result.findings.extend(nameless(relationship, source_member, readings));
        result.findings.sort_by(|a, b| (a.severity, a.kind, &a.message).cmp(&(b.severity, b.kind, &b.message)));
        return (result, all_made);
    }
    let reason = reason.unwrap_or_else(|| "not read".into());
    result.scopes = unknown_scopes(survey, relationship, source_member, &reason);
    result.findings.push(absence(survey, relationship, source_member, &reason));
    if relationship.unsupported.is_none() {
        result.trouble = Trouble::of(relationship, source_member, &result.scopes);
        result.findings.splice(0..0, result.trouble.as_ref().map(Trouble::finding));
        result.findings.extend(prerequisites::states(relationship, source_member));
        result.findings.extend(prerequisites::ailments(relationship, source_member, readings));
    }
    result.findings.extend(unsafe_ways(survey, relationship, source_member));
    result.findings.extend(crossed::finding(survey, relationship, source_member));
    result.findings.extend(nameless(relationship, source_member, readings));
    (result, BTreeMap::new())
}

/// Scopes that could not be understood so far that nobody knows which they are: they are in no list.
fn nameless(
    relationship: &Relationship,
    source_member: usize,
    readings: [Option<&std::sync::Arc<Reading>>; 2],
) -> Vec<Finding> {
    let sides = [(FindingSide::Source, source_member), (FindingSide::Target, 1 - source_member)];
    let told = sides.into_iter().zip(readings).flat_map(|((side, member), reading)| {
        let reasons = reading.into_iter().flat_map(|reading| reading.nameless());
        reasons.map(move |reason| (side, format!("{}: {reason}", relationship.members[member].shown())))
    });
    told.map(|(side, message)| Finding {
        severity: Severity::Warning,
        kind: FindingKind::Unreadable,
        side,
        scopes: Vec::new(),
        message,
        hint: "a scope that only the other server lists may be there: its drift is unknown".to_owned(),
    })
    .collect()
}

/// What the operator allowed and should not forget.
fn unsafe_ways(survey: &Survey, relationship: &Relationship, source_member: usize) -> Vec<Finding> {
    let sides = [(FindingSide::Source, source_member), (FindingSide::Target, 1 - source_member)];
    sides.into_iter().filter_map(|(side, at)| unsafe_way(survey, relationship.members[at].server()?, side)).collect()
}

/// The same of one server.
pub(super) fn unsafe_way(survey: &Survey, server: &ServerName, side: FindingSide) -> Option<Finding> {
    Some(Finding {
        severity: Severity::Warning,
        kind: FindingKind::UnsafeWay,
        side,
        scopes: Vec::new(),
        message: format!("{server}: {}", survey.server(server)?.caveat?),
        hint: "its entry in the configuration allows it".to_owned(),
    })
}

struct Sides<'a> {
    relationship: &'a Relationship,
    source_member: usize,
    source: &'a Reading,
    target: &'a Reading,
    rules: &'a [IgnoreRule],
}

impl Sides<'_> {
    fn compare<R: Send>(
        &self,
        made: &(impl Fn(&ScopeDrift, [Option<Scope>; 2]) -> Option<R> + Sync),
    ) -> (Vec<ScopeDrift>, BTreeMap<ScopeId, R>) {
        let held = |reading: &Reading, member: usize| -> BTreeSet<ScopeId> {
            let member_of = |entry: &&Entry| self.relationship.holds(member, entry);
            reading.scopes.values().filter(member_of).map(|entry| entry.id).collect()
        };
        let ours = held(self.source, self.source_member);
        let theirs = held(self.target, 1 - self.source_member);
        let all: Vec<ScopeId> = ours.union(&theirs).copied().collect();
        let all_made = Mutex::new(BTreeMap::new());
        let mut scopes = side_by_side(&all, MANY, |id| {
            let (scope, made) = self.scope(*id, made);
            if let Some(made) = made {
                all_made.lock().unwrap_or_else(PoisonError::into_inner).insert(*id, made);
            }
            scope
        });
        for (side, reading) in self.readings() {
            scopes.extend(reading.unreadable.iter().filter_map(|(id, reason)| {
                let unknown = |id| ScopeDrift::unknown(id, Some(self.not_understood(side, reason)));
                id.filter(|id| !ours.contains(id) && !theirs.contains(id)).map(unknown)
            }));
        }
        scopes.sort_by_key(|scope| scope.id);
        scopes.dedup_by_key(|scope| scope.id);
        (scopes, all_made.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn scope<R>(
        &self,
        id: ScopeId,
        made: &impl Fn(&ScopeDrift, [Option<Scope>; 2]) -> Option<R>,
    ) -> (ScopeDrift, Option<R>) {
        let entries = self.readings().map(|(_, reading)| reading.scopes.get(&id));
        let mut result = ScopeDrift {
            name: entries.into_iter().flatten().find_map(|entry| entry.name.clone()),
            server_ids: entries.map(|entry| entry?.server_id),
            ..ScopeDrift::unknown(id, None)
        };
        // A scope that one side could not list is unknown, never missing.
        for ((side, reading), entry) in self.readings().into_iter().zip(entries) {
            let may_be_it = |bad: Option<ScopeId>| bad == Some(id) || (bad.is_none() && entry.is_none());
            if let Some((_, reason)) = reading.unreadable.iter().find(|(bad, _)| may_be_it(*bad)) {
                return (ScopeDrift { reason: Some(self.not_understood(side, reason)), ..result }, None);
            }
        }
        let complete = entries.map(|entry| entry.map_or(Complete::Whole, |entry| entry.raw.complete()));
        for ((side, _), complete) in self.readings().into_iter().zip(&complete) {
            if let Complete::Failed(reason) = complete {
                let reason = format!("{}'s scope could not be read as a whole: {reason}", self.server(side));
                return (ScopeDrift { reason: Some(reason), ..result }, None);
            }
        }
        if complete.iter().any(|complete| *complete != Complete::Whole) {
            return (ScopeDrift { state: DriftState::Checking, ..result }, None);
        }
        let opened = match entries {
            [Some(a), Some(b)] if same(a, b) => {
                result.state = DriftState::InSync;
                return (result, None);
            }
            entries => entries.map(|entry| entry.map(Entry::open).transpose()),
        };
        let opened = match opened {
            [Ok(a), Ok(b)] => [a, b],
            [Err(reason), _] => {
                result.reason = Some(self.not_understood(FindingSide::Source, &reason));
                return (result, None);
            }
            [_, Err(reason)] => {
                result.reason = Some(self.not_understood(FindingSide::Target, &reason));
                return (result, None);
            }
        };
        match &opened {
            [Some(a), Some(b)] => compare_opened(&mut result, a, b, self.rules),
            [Some(a), None] => {
                let changes = drift::create_all(a, &self.target.levels.parents(a.network()));
                (result.changes, result.ignored) = ignore::apply(self.rules, changes);
                result.state = DriftState::OnlyOnSource;
            }
            [None, Some(b)] => {
                (result.state, result.changes) = (DriftState::OnlyOnTarget, drift::target_only(b));
            }
            [None, None] => result.reason = Some("neither side has it".into()),
        }
        let made = made(&result, opened);
        (result, made)
    }

    fn readings(&self) -> [(FindingSide, &Reading); 2] {
        [(FindingSide::Source, self.source), (FindingSide::Target, self.target)]
    }

    fn server(&self, side: FindingSide) -> String {
        let member = if side == FindingSide::Source { self.source_member } else { 1 - self.source_member };
        self.relationship.members[member].shown()
    }

    fn not_understood(&self, side: FindingSide, reason: &Foreign) -> String {
        format!("{}'s scope could not be understood: {reason}", self.server(side))
    }
}

/// From this many scopes on, a second thread is worth its while.
const MANY: usize = 256;

fn compare_opened(result: &mut ScopeDrift, source: &Scope, target: &Scope, rules: &[IgnoreRule]) {
    (result.changes, result.ignored) = ignore::apply(rules, drift::compare(source, target));
    if !result.changes.is_empty() {
        result.state = DriftState::Drifted;
        return;
    }
    let hidden: Vec<String> = source.unreadable.union(&target.unreadable).map(ToString::to_string).collect();
    if hidden.is_empty() {
        result.state = DriftState::InSync;
    } else {
        result.hides = true;
        result.reason = Some(format!("the server does not reveal {}", hidden.join(", ")));
    }
}

/// Equal text in the same place has nothing to compare, unless a value may hide in it.
fn same(a: &Entry, b: &Entry) -> bool {
    let same_place = a.raw.placement() == b.raw.placement() && a.belongs.key() == b.belongs.key();
    a.raw.text() == b.raw.text() && same_place && !a.raw.may_hide()
}

/// The scopes of those that were read, and of those that cannot be read now the ones they had before.
fn unknown_scopes(survey: &Survey, relationship: &Relationship, source_member: usize, reason: &str) -> Vec<ScopeDrift> {
    let mut scopes = Vec::new();
    for member in [source_member, 1 - source_member] {
        let report = relationship.members[member].server().and_then(|server| survey.server(server));
        let Some(report) = report else { continue };
        let read = report.reading().map(|reading| (reading, relationship.members[member].membership.is_some()));
        let Some((reading, true)) = read.or(report.last.as_ref().map(|last| (last, true))) else { continue };
        for entry in reading.scopes.values().filter(|entry| relationship.lists(entry)) {
            scopes.push(ScopeDrift {
                name: entry.name.clone(),
                server_ids: [entry.server_id, None],
                ..ScopeDrift::unknown(entry.id, Some(reason.to_owned()))
            });
        }
    }
    scopes.sort_by_key(|scope| scope.id);
    scopes.dedup_by_key(|scope| scope.id);
    scopes.shrink_to_fit();
    scopes
}

fn absence(survey: &Survey, relationship: &Relationship, source_member: usize, reason: &str) -> Finding {
    let unsupported = relationship.unsupported.is_some();
    let [source, target] = [source_member, 1 - source_member].map(|at| &relationship.members[at]);
    let (source_absent, target_absent) = (source.absent().is_some(), target.absent().is_some());
    Finding {
        severity: Severity::Warning,
        kind: if unsupported { FindingKind::NotSupported } else { FindingKind::Partner },
        side: match (source_absent, target_absent) {
            (true, false) => FindingSide::Source,
            (false, true) => FindingSide::Target,
            _ => FindingSide::Both,
        },
        scopes: Vec::new(),
        message: reason.to_owned(),
        hint: if unsupported {
            "nothing is compared or replicated here".into()
        } else {
            let absent = if source_absent { source } else { target };
            survey.cure(absent, "drift is unknown until both partners can be read")
        },
    }
}

/// The two findings that can bring a whole relationship down, and hidden values.
fn scope_findings(scopes: &[ScopeDrift], source: &str, target: &str, is_named: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut collect = |kind, side, severity, scopes: Vec<ScopeId>, message: &str, hint: &str| {
        if !scopes.is_empty() {
            found.push(Finding { severity, kind, side, scopes, message: message.into(), hint: hint.into() });
        }
    };
    let ids = |state: &DriftState| -> Vec<ScopeId> {
        scopes.iter().filter(|scope| scope.state == *state).map(|scope| scope.id).collect()
    };
    let danger = match is_named {
        true => "its clients get no answer while only the server that lacks it is there",
        false => {
            "each lease in it is refused by the partner and its client gets no answer; \
             after some of them the whole relationship terminates"
        }
    };
    // where a relationship lists its scopes, they are created by being added to it
    let add = |server: &str| {
        format!(
            "on {server}, take them out of the relationship and add them again (Remove- and \
             Add-DhcpServerv4FailoverScope): that creates them on its partner"
        )
    };
    let (replicate, copy) = match is_named {
        true => (add(source), add(target)),
        false => ("replicate them".to_owned(), "swap source and target to copy them".to_owned()),
    };
    collect(
        FindingKind::ScopeOnOneSide,
        FindingSide::Target,
        Severity::Critical,
        ids(&DriftState::OnlyOnSource),
        &format!("scopes missing on {target}: {danger}"),
        &replicate,
    );
    collect(
        FindingKind::ScopeOnOneSide,
        FindingSide::Source,
        Severity::Critical,
        ids(&DriftState::OnlyOnTarget),
        &format!("scopes missing on {source}, only on {target}: {danger}"),
        &format!("never deleted by a replication: {copy}, or delete them on {target} yourself"),
    );
    let renumbered = scopes
        .iter()
        .filter(|s| s.changes.iter().any(|c| c.key == ItemKey::property("id") && c.change == ChangeKind::Update))
        .map(|scope| scope.id)
        .collect();
    collect(
        FindingKind::ScopeIdDiffers,
        FindingSide::Both,
        Severity::Critical,
        renumbered,
        &format!("scopes with another id on {target} than on {source}: {danger}"),
        &format!("replicate them: {target} gets the id of {source}"),
    );
    let hidden = scopes.iter().filter(|scope| scope.hides).map(|scope| scope.id).collect();
    collect(
        FindingKind::Unreadable,
        FindingSide::Both,
        Severity::Warning,
        hidden,
        "option values that the server does not reveal: they cannot be compared, and writing the scope would wipe them",
        prerequisites::REVEAL,
    );
    found
}
