//! Back to what a run overwrote.
//!
//! An undo is a plan like any other: its source is what the run stored before it wrote, its
//! target the server that the run wrote to, and it is shown, asked about, run and stored as
//! every plan is. Two things are its own: it may delete a scope, where the run created it;
//! and a scope that has changed since the run is refused, with what it was before the run,
//! after it and now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::approval::CHANGED_SINCE_RUN;
use super::fleet::Fleet;
use super::ignore::Ignored;
use super::outcome::Outcome;
use super::plan::{self, Basis, LeftOut, Plan, PlannedRelationship, PlannedScope, Route, Source, Without};
use super::port::{Control, Doubts, Entry, Fingerprints, Reading, Refusal, Work};
use super::prerequisites::visible_pair;
use super::recovery::Settles;
use super::select::ScopeSelector;
use super::survey::{Relationship, Survey};
use super::{Error, ErrorKind, Result, compare, drift, fingerprint};
use crate::model::{
    Canonical, Change, DriftState, Finding, FindingKind, FindingSide, Foreign, ItemKey, Mode, Owner, Scope, ScopeId,
    ServerName, Severity, Value,
};

/// A scope in its server's own words, as it was stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    /// The shared network that it stood in.
    pub network: Option<Foreign>,
    /// [`Scope::native`].
    pub native: Arc<serde_json::Value>,
}

/// How a run left a scope.
#[derive(Clone, Debug, PartialEq)]
pub enum Left {
    /// It was not read back.
    Unknown,
    /// The scope is not there.
    Missing,
    /// The scope as it was read back.
    There {
        /// What it says.
        words: Words,
        /// Its fingerprint.
        fingerprint: String,
    },
}

/// What a run did to one scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// The server that it wrote to.
    pub target: ServerName,
    /// What told that server from every other, as it reported it.
    pub identity: Option<Foreign>,
    /// The relationship that was replicated.
    pub relationship: Foreign,
    /// Which scope.
    pub id: ScopeId,
    /// What became of it; `None` where the run ended before it could tell.
    pub outcome: Option<Outcome>,
    /// The scope before the run; `None` when there was none.
    pub before: Option<Words>,
    /// The scope after the run.
    pub after: Left,
    /// The last run after it that wrote the same scope, where one did.
    pub later: Option<String>,
    /// What it was is still kept; else the run is only known to have written it.
    pub is_kept: bool,
}

impl Past {
    /// Whether the run has changed the scope, or may have.
    fn is_touched(&self) -> bool {
        matches!(self.outcome, None | Some(Outcome::Replicated | Outcome::Partial | Outcome::Unknown))
    }
}

/// What is to be undone: scopes of one run.
#[derive(Clone, Debug)]
pub struct Undo {
    run: String,
    scopes: Vec<Past>,
    /// The interrupted run that waits no longer once all of this is undone.
    settles: Option<Settles>,
}

impl Undo {
    /// What this run has changed of these scopes; of all of its scopes where none is named.
    ///
    /// # Errors
    /// A scope that is named and that the run did not change, or of which it is no longer kept what
    /// it was, or that several servers have; a run that changed nothing.
    pub fn new(run: &str, past: Vec<Past>, named: &[ScopeSelector]) -> Result<Self> {
        let refuse = |what: String, hint: String| Err(Error::new(ErrorKind::Selection, what).hint(hint));
        let touched: Vec<&Past> = past.iter().filter(|past| past.is_touched()).collect();
        if touched.is_empty() {
            return refuse(format!("run {run} has changed no scope"), "there is nothing to undo".into());
        }
        for selector in named {
            let matching: Vec<&Past> = touched.iter().copied().filter(|past| selector.matches(past.id)).collect();
            match &matching[..] {
                [past] if past.is_kept => {}
                [past] => {
                    let what = format!("what scope {} was before run {run} is no longer kept", past.id);
                    return refuse(
                        what,
                        "its later snapshots are: undo a later run; [history] says how much is kept".into(),
                    );
                }
                [] => {
                    let hint = format!("it has changed {}", listed(&touched));
                    return refuse(format!("run {run} has not changed scope {selector}"), hint);
                }
                [first, rest @ ..] if rest.iter().all(|past| past.id == first.id) => {
                    let what =
                        format!("run {run} has changed scope {selector} on several servers: {}", places(&matching));
                    return refuse(
                        what,
                        "undo all of the run, or open it in the program and undo the scope of one".into(),
                    );
                }
                _ => {
                    let hint = format!("name one of {}", listed(&matching));
                    return refuse(format!("{selector} means several scopes of run {run}"), hint);
                }
            }
        }
        let is_named = |past: &Past| named.is_empty() || named.iter().any(|selector| selector.matches(past.id));
        let scopes = past.into_iter().filter(|past| past.is_touched() && is_named(past)).collect();
        Ok(Undo { run: run.to_owned(), scopes, settles: None })
    }

    /// The same, of an interrupted run that waits no longer then.
    pub(super) fn settling(self, settles: Settles) -> Self {
        Undo { settles: Some(settles), ..self }
    }

    /// Only these scopes of it, each on its server. Of an interrupted run that leaves something
    /// to be settled.
    pub fn only(mut self, picked: &BTreeSet<(ServerName, ScopeId)>) -> Self {
        self.scopes.retain(|past| picked.contains(&(past.target.clone(), past.id)));
        Undo { settles: None, ..self }
    }

    /// The servers that it writes to.
    pub fn targets(&self) -> BTreeSet<ServerName> {
        self.scopes.iter().map(|past| past.target.clone()).collect()
    }

    /// The plan that brings the scopes back. Reads only.
    pub async fn plan(&self, fleet: &Fleet, survey: &Survey, overrides: BTreeSet<String>, ctl: &Control) -> Plan {
        self.plan_without(fleet, Arc::new(survey.clone()), overrides, &LeftOut::new(), ctl).await
    }

    /// The same without what is left out.
    pub(super) async fn plan_without(
        &self,
        fleet: &Fleet,
        survey: Arc<Survey>,
        overrides: BTreeSet<String>,
        left_out: &LeftOut,
        ctl: &Control,
    ) -> Plan {
        let mut parts: BTreeMap<(&ServerName, &Foreign), Vec<&Past>> = BTreeMap::new();
        for past in &self.scopes {
            parts.entry((&past.target, &past.relationship)).or_default().push(past);
        }
        let mut relationships = Vec::new();
        for ((target, name), scopes) in parts {
            let without = Without::of(left_out, name, target.as_str());
            relationships.push(self.part(fleet, &survey, target, name, (&scopes, &without), ctl).await);
        }
        let basis = Basis::Snapshot { survey, undo: self.clone() };
        Plan { settles: self.settles.clone(), ..Plan::of(relationships, overrides, basis) }
    }

    /// What is to be undone on one server of one relationship.
    async fn part(
        &self,
        fleet: &Fleet,
        survey: &Survey,
        target: &ServerName,
        name: &Foreign,
        (scopes, without): (&[&Past], &Without<'_>),
        ctl: &Control,
    ) -> PlannedRelationship {
        let found = survey.relationships.iter().find(|r| r.name == *name && r.member_index(target).is_some());
        let mode = found.map_or_else(|| Mode::Other("no longer there".into()), |found| found.mode.clone());
        let source = format!("before run {}", self.run);
        let route = Route { source: Source::Snapshot(self.run.clone()), target: target.clone() };
        let mut planned = PlannedRelationship::new(name.clone(), mode, source, target.to_string(), Some(route));
        planned.findings.extend(compare::unsafe_way(survey, target, FindingSide::Target));
        planned.blocked = plan::no_target(fleet, &planned).or_else(|| not_the_same(survey, target, scopes));
        let Some(now) = survey.reading(target) else { return planned };
        planned.pulses[1].clone_from(&now.pulse);
        planned.identities[1].clone_from(&now.identity);
        planned.contexts[1] = now.context.clone();
        for past in scopes {
            match self.scope(past, now, without) {
                Some(scope) => planned.scopes.push(scope),
                None => planned.in_sync.push(past.id),
            }
        }
        // first what goes: its number may be needed by what comes back
        planned.scopes.sort_by_key(|scope| (!scope.is_deletion(), scope.id));
        planned.findings.extend(found.and_then(|found| partner_stays(survey, found, target, &planned.scopes)));
        if planned.blocked.is_none() && planned.scopes.iter().any(|scope| scope.work.is_some()) {
            plan::assess(fleet, survey, &mut planned, None, ctl).await;
        }
        planned
    }

    /// What is to be undone of one scope; `None` when that is nothing.
    fn scope(&self, past: &Past, target: &Reading, without: &Without<'_>) -> Option<PlannedScope> {
        let entry = target.scopes.get(&past.id);
        let mut planned = PlannedScope {
            id: past.id,
            name: entry.and_then(|entry| entry.name.clone()),
            state: DriftState::Unknown,
            reason: None,
            changes: Vec::new(),
            left_out: Vec::new(),
            ignored: Ignored::new(),
            refusals: Vec::new(),
            uncertain: Doubts::default(),
            otherwise: None,
            work: None,
            since: None,
        };
        if !past.is_kept {
            planned.reason = Some(format!("what it was before run {} is no longer kept", self.run));
            return Some(planned);
        }
        let three = match Three::open(past, target, entry) {
            Ok(three) => three,
            Err(reason) => {
                planned.reason = Some(reason);
                return Some(planned);
            }
        };
        (planned.state, planned.changes) = match (&three.then, &three.now) {
            (None, None) => return None,
            (Some(then), Some(now)) => (DriftState::Drifted, drift::compare(then, now)),
            (Some(then), None) => {
                let parents = target.levels.parents(then.network());
                (DriftState::OnlyOnSource, drift::create_all(then, &parents))
            }
            (None, Some(now)) => (DriftState::OnlyOnTarget, drift::target_only(now)),
        };
        if planned.changes.is_empty() && three.then.is_some() && three.now.is_some() {
            return None;
        }
        let expect = Fingerprints {
            source: three.then.as_ref().map(|then| fingerprint::of(then, &target.context)),
            target: three.now.as_ref().map(|now| fingerprint::of(now, &target.context)),
        };
        let as_left = match &past.after {
            Left::Unknown => None,
            Left::Missing => Some(None),
            Left::There { fingerprint, .. } => Some(Some(fingerprint)),
        };
        if as_left != Some(expect.target.as_ref()) {
            let since = three.since();
            planned.refusals.push(since.refusal(past, &self.run, three.now.is_some()));
            planned.since = Some(since);
        }
        if planned.name.is_none() {
            planned.name = three.then.as_ref().and_then(|then| then.name.clone());
        }
        (planned.changes, planned.left_out) =
            without.split(past.id, &planned.state, std::mem::take(&mut planned.changes));
        if planned.is_left_out() {
            planned.refusals.clear();
            return Some(planned);
        }
        let Three { then, now: before, .. } = three;
        let leaves_out = !planned.left_out.is_empty();
        let want = match (then, &before) {
            // made anew, it inherits what is above it now
            (Some(then), before) if before.is_none() || leaves_out => {
                Some(drift::want(&then, before.as_ref(), &planned.changes, target.levels.as_ref()))
            }
            (then, _) => then,
        };
        let changes = planned.changes.clone();
        planned.work = Some(Arc::new(Work { id: past.id, before, want, changes, expect, leaves_out }));
        Some(planned)
    }
}

fn listed(past: &[&Past]) -> String {
    let ids: BTreeSet<ScopeId> = past.iter().map(|past| past.id).collect();
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn places(past: &[&Past]) -> String {
    past.iter().map(|past| past.target.to_string()).collect::<Vec<_>>().join(", ")
}

/// A scope before the run, after it where that is known, and now.
struct Three {
    then: Option<Scope>,
    after: Option<Option<Scope>>,
    now: Option<Scope>,
}

impl Three {
    fn open(past: &Past, target: &Reading, entry: Option<&Entry>) -> std::result::Result<Self, String> {
        let unread = target.unreadable.iter().find(|(id, _)| id.is_none_or(|id| id == past.id));
        if let (None, Some((_, reason))) = (entry, unread) {
            return Err(reason.to_string());
        }
        let revive = |words: &Words| {
            let scope = target.levels.revive(words.network.as_ref(), &words.native);
            scope.map_err(|reason| format!("what was stored of it could not be understood: {reason}"))
        };
        let now = entry.map(|entry| entry.open().map_err(|reason| reason.to_string())).transpose()?;
        let after = match &past.after {
            Left::Unknown => None,
            Left::Missing => Some(None),
            Left::There { words, .. } => Some(Some(revive(words)?)),
        };
        let mut then = past.before.as_ref().map(revive).transpose()?;
        if let (Some(then), Some(Some(after)), Some(now)) = (&mut then, &after, &now) {
            keep_inheriting(then, after, now);
        }
        Ok(Three { then, after, now })
    }

    fn since(&self) -> Since {
        let nothing = Vec::new();
        let after = self.after.as_ref().map(Option::as_ref);
        // where nobody knows what the run left, what it had found is the next best
        let changes = match (after.unwrap_or(self.then.as_ref()), &self.now) {
            (Some(left), Some(now)) => drift::compare(left, now),
            _ => nothing,
        };
        let value = |scope: Option<&Scope>, key: &ItemKey, field: &Foreign| {
            Some(scope?.items.get(key)?.fields.get(field)?.clone())
        };
        let of = |change: &Change| {
            let fields: Vec<Foreign> = change.fields.iter().map(|field| field.field.clone()).collect();
            let [then, now] = [self.then.as_ref(), self.now.as_ref()];
            let item = |field: Foreign| SinceItem {
                key: change.key.clone(),
                title: change.title(),
                then: value(then, &change.key, &field),
                after: after.flatten().and_then(|after| value(Some(after), &change.key, &field)),
                now: value(now, &change.key, &field),
                field,
            };
            fields.into_iter().map(item).collect::<Vec<_>>()
        };
        Since { after_is_known: after.is_some(), items: changes.iter().flat_map(of).collect() }
    }
}

/// A value that the run left alone and that the scope inherits by now was inherited then:
/// what has changed is the level above, which an undo has nothing to do with.
fn keep_inheriting(then: &mut Scope, after: &Scope, now: &Scope) {
    for (key, item) in then.items.iter_mut().filter(|(_, item)| !item.is_inherited()) {
        let left_alone = after.items.get(key).is_some_and(|after| after.fields == item.fields && !after.is_inherited());
        if let Some(now) = now.items.get(key).filter(|now| left_alone && now.is_inherited()) {
            *item = now.clone();
        }
    }
}

/// What has happened to a scope since the run that is undone.
#[derive(Clone, Debug, PartialEq)]
pub struct Since {
    /// Whether the run could tell what it left.
    pub after_is_known: bool,
    /// What differs, item by item and field by field.
    pub items: Vec<SinceItem>,
}

/// A value that has changed since the run.
#[derive(Clone, Debug, PartialEq)]
pub struct SinceItem {
    /// Which item.
    pub key: ItemKey,
    /// Its name for people.
    pub title: String,
    /// Which field of it.
    pub field: Foreign,
    /// Before the run; `None` when it was not there.
    pub then: Option<Value>,
    /// After the run; `None` when it was not there, or when nobody knows.
    pub after: Option<Value>,
    /// Now; `None` when it is not there.
    pub now: Option<Value>,
}

impl SinceItem {
    /// The item and its field for people; safe to show.
    pub fn name(&self) -> String {
        let owner = match &self.key.owner {
            Owner::Scope => String::new(),
            owner => format!(" of {owner}"),
        };
        let field = if self.field.raw() == "value" { String::new() } else { format!(", {}", self.field) };
        format!("{}{owner}{field}", self.title)
    }

    /// Before the run, after it and now; safe to show, and told apart where they differ
    /// only in what cannot be seen.
    pub fn values(&self, since: &Since) -> [String; 3] {
        let canonical = |value: &Option<Value>| value.as_ref().map(|value| value.canonical.clone());
        let [then, after, now] = [&self.then, &self.after, &self.now].map(canonical);
        // escaped only beside what looks the same and is not
        let beside = |value: &Option<Canonical>, other: &Option<Canonical>| match value == other {
            true => visible_pair(value.as_ref(), None).0,
            false => visible_pair(value.as_ref(), other.as_ref()).0,
        };
        let known = since.after_is_known;
        let shown_after = if known { beside(&after, &now) } else { "(not known)".to_owned() };
        let shown_now = beside(&now, if known { &after } else { &then });
        [beside(&then, &now), shown_after, shown_now].map(|text| match text.is_empty() {
            true => "(empty)".to_owned(),
            false => text,
        })
    }
}

impl Since {
    fn refusal(&self, past: &Past, run: &str, is_there: bool) -> Refusal {
        let what = match (&past.after, is_there) {
            (Left::Unknown, _) => "what the run left there is not known".to_owned(),
            (Left::Missing, _) => "the run left no such scope, and now there is one".to_owned(),
            (Left::There { .. }, false) => "the scope is not there any more".to_owned(),
            (Left::There { .. }, true) if self.items.is_empty() => {
                "what it inherits or depends on has changed since the run".to_owned()
            }
            (Left::There { .. }, true) => "the scope has changed since the run".to_owned(),
        };
        let by = past.later.as_ref().map(|later| format!(" (run {later} wrote it later)")).unwrap_or_default();
        let hint = match &past.later {
            Some(later) => format!("undo run {later} first"),
            None => "look at what it is now".to_owned(),
        };
        Refusal {
            name: CHANGED_SINCE_RUN,
            message: format!("{what}{by}"),
            hint: format!(
                "{hint}; or override it by this name: everything of it goes back to what was before run {run}"
            ),
            overridable: true,
        }
    }

    /// For JSON. Values are raw text; anything but text is in JSON's own spelling.
    pub(super) fn report(&self) -> SinceReport<'_> {
        let line = |value: &Option<Value>| value.as_ref().map(|value| value.canonical.to_line());
        let items = self.items.iter().map(|item| ItemReport {
            key: &item.key,
            item: &item.title,
            field: &item.field,
            then: line(&item.then),
            after: line(&item.after),
            now: line(&item.now),
        });
        SinceReport { after_is_known: self.after_is_known, items: items.collect() }
    }
}

/// What has happened since, as JSON.
#[derive(Serialize)]
pub(super) struct SinceReport<'a> {
    after_is_known: bool,
    items: Vec<ItemReport<'a>>,
}

#[derive(Serialize)]
struct ItemReport<'a> {
    key: &'a ItemKey,
    item: &'a str,
    field: &'a Foreign,
    then: Option<String>,
    after: Option<String>,
    now: Option<String>,
}

/// A finding: what undoing on one server does to the pair.
fn partner_stays(
    survey: &Survey,
    found: &Relationship,
    target: &ServerName,
    scopes: &[PlannedScope],
) -> Option<Finding> {
    let at = 1 - found.member_index(target)?;
    let partner = found.members[at].shown();
    let differ = |reading: &Arc<Reading>| {
        let of = |scope: &PlannedScope| {
            let want = scope.work.as_ref()?.want.as_ref();
            let theirs = reading.scopes.get(&scope.id).map(|entry| entry.open()).transpose().ok()?;
            Some(match (want, theirs) {
                (None, None) => 0,
                (Some(want), Some(theirs)) => drift::compare(&theirs, want).len(),
                // item by item, as everything else of a plan is counted
                (Some(alone), None) => drift::target_only(alone).len(),
                (None, Some(alone)) => drift::target_only(&alone).len(),
            })
        };
        scopes.iter().filter_map(of).sum::<usize>()
    };
    let differs = match survey.member_reading(found, at).map(differ) {
        None => String::new(),
        Some(0) => format!(", and then {target} is like it"),
        Some(1) => format!(", and then {target} differs from it by 1 change"),
        Some(n) => format!(", and then {target} differs from it by {n} changes"),
    };
    Some(Finding {
        severity: Severity::Info,
        kind: FindingKind::PartnerStays,
        side: FindingSide::Target,
        scopes: scopes.iter().map(|scope| scope.id).collect(),
        message: format!("the undo changes {target} alone: {partner} stays as it is{differs}"),
        hint: format!("correct {partner} too, or the next replication from it brings back what is undone"),
    })
}

/// Why what answers by the target's name is not what the run wrote to.
fn not_the_same(survey: &Survey, target: &ServerName, scopes: &[&Past]) -> Option<Refusal> {
    let refuse =
        |name, message: String, hint: &str| Some(Refusal { name, message, hint: hint.into(), overridable: false });
    let report = survey.server(target);
    let Some(reading) = report.and_then(|report| report.reading()) else {
        let reason = report.and_then(|report| report.failure()).map(ToString::to_string);
        let reason = reason.unwrap_or_else(|| format!("{target} was not read"));
        return refuse("not-read", reason, "the server that was written must be read before anything is undone on it");
    };
    let other =
        scopes.iter().filter_map(|past| past.identity.as_ref()).find(|then| reading.identity.as_ref() != Some(then))?;
    let now = reading.identity.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    refuse(
        "another-server",
        format!("{target} is not the server that the run wrote to: that called itself {other}, this {now}"),
        "let the entry in the configuration reach that server again",
    )
}
