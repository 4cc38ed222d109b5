//! Runs of the past: one line for each, and the whole story of one.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::plan::written_by;
use super::{Line, Role, ScopeNames, plural};
use crate::engine::outcome::{Outcome, SavedState, counts_in_words};
use crate::engine::port::{Approval, RunKind};
use crate::history::{Carried, RunRecord, RunState, Snapshot, Story, Taken};
use crate::model::{ChangeKind, Foreign, ScopeId};

/// A time on this machine's clock: `2026-11-21 20:35:00`.
pub fn local_time(time: jiff::Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%F %T").to_string()
}

/// What a run did: `replication`, `undo of 20261121T203500Z-1f3a09c7`, `reset`.
pub fn run_kind(kind: &RunKind) -> String {
    match kind {
        RunKind::Undo { of } => format!("undo of {}", Foreign::from(of.as_str())),
        kind => kind.word().to_owned(),
    }
}

/// Its servers: `kea-1 → kea-2`, for a reset `kea-1, kea-2`.
pub fn run_servers(run: &RunRecord) -> String {
    use crate::engine::port::ServerRole::{Member, Source, Target};
    let named = |role| {
        let servers = run.servers.iter().filter(|server| server.role == role);
        servers.map(|server| Foreign::cleaned(server.name.as_str())).collect::<Vec<_>>().join(", ")
    };
    match (named(Source), named(Target)) {
        (_, target) if target.is_empty() => named(Member),
        (source, target) if source.is_empty() => format!("→ {target}"),
        (source, target) => format!("{source} → {target}"),
    }
}

/// What became of it: `1 rejected, 3 replicated; undone by …`.
pub fn run_outcome(run: &RunRecord, state: RunState) -> (Role, String) {
    let told = run.summary.iter().filter(|(word, _)| *word != "scopes");
    let counts = counts_in_words(told.map(|(word, count)| (word.as_str(), *count)));
    let good = run.summary.iter().all(|(word, count)| {
        *count == 0 || matches!(word.as_str(), "scopes" | "unchanged" | "replicated" | "in service")
    });
    let is_untouched =
        run.summary.iter().all(|(word, count)| *count == 0 || matches!(word.as_str(), "scopes" | "unchanged"));
    let (role, text) = match state {
        RunState::Running => (Role::Warning, "running".to_owned()),
        RunState::Interrupted => (Role::Critical, "INTERRUPTED".to_owned()),
        RunState::Settled => {
            let how = run.settled.as_ref().map_or("seen to", |settled| settled.how.words());
            (Role::Warning, format!("interrupted, {how}"))
        }
        RunState::Ended if is_untouched && run.kind == RunKind::Verification => {
            (Role::Good, "both sides are as they were".to_owned())
        }
        RunState::Ended if good => (Role::Good, counts.join(", ")),
        RunState::Ended => (Role::Warning, counts.join(", ")),
    };
    match &run.undone_by {
        Some(by) => {
            let role = if by.taken == Taken::All { Role::Muted } else { Role::Warning };
            (role, format!("{text}; {}", by.words()))
        }
        None => (role, text),
    }
}

/// Everything about a run but the scopes' own words.
pub fn run_story(story: &Story) -> Vec<Line> {
    let mut lines = head(story);
    let report: Report =
        story.documents.report.as_ref().and_then(|json| Report::deserialize(json).ok()).unwrap_or_default();
    let named = report.relationships.iter().flat_map(|part| &part.scopes).filter_map(ScopeTold::id);
    let plan = PlanTold::deserialize(&story.documents.plan).unwrap_or_default();
    let names = ScopeNames::of_ids(story.snapshots.iter().map(|snapshot| snapshot.scope).chain(named));
    for server in &report.servers {
        let facts = [Some(server.outcome.replace('_', " ")), server.seconds.map(|after| format!("after {after} s"))];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        lines.push(
            Line::of(2, Role::Title, server.server.to_string()).with(Role::Plain, format!("  {}", facts.join(" "))),
        );
        lines.extend(server.message.iter().map(|text| Line::of(4, Role::Plain, text.to_string())));
    }
    for part in &report.relationships {
        lines.push(place(&part.name, Some(&part.source), &part.target));
        let planned = plan.part(&part.name, part.target.raw());
        lines.extend(planned.and_then(|planned| planned.way.line()).map(|line| line.deeper(2)));
        for scope in part.scopes.iter().filter(|scope| scope.outcome != Some(Outcome::Unchanged)) {
            let Some(id) = scope.id() else { continue };
            let kept = |snapshot: &&Snapshot| snapshot.scope == id && snapshot.target.as_str() == part.target.raw();
            lines.push(told(&names.name(id), scope).deeper(2));
            let otherwise = planned.and_then(|planned| planned.scopes.iter().find(|one| one.is(scope)));
            lines.extend(otherwise.and_then(|one| one.way.line()).map(|line| line.deeper(4)));
            lines.extend(story.snapshots.iter().find(kept).into_iter().flat_map(snapshot).map(|line| line.deeper(4)));
        }
        lines.extend(part.remarks.iter().map(|remark| Line::of(2, Role::Warning, remark.to_string())));
    }
    if story.documents.report.is_none() {
        lines.extend(without_report(story, &plan, &names));
    }
    lines.extend(report.remarks.iter().map(|remark| Line::of(0, Role::Warning, remark.to_string())));
    lines
}

fn head(story: &Story) -> Vec<Line> {
    let run = &story.run;
    let fact = |name: &str, text: String| Line::of(2, Role::Muted, format!("{name:<11}")).with(Role::Plain, text);
    let (role, outcome) = run_outcome(run, story.state);
    let title = Line::of(0, Role::Title, format!("run {}", Foreign::from(run.id.as_str())));
    let mut lines = vec![
        title.with(Role::Plain, format!("  {}  {}", run_kind(&run.kind), run_servers(run))),
        fact("outcome", String::new()).with(role, outcome),
        fact("began", local_time(run.started)),
    ];
    lines.extend(run.ended.map(|ended| fact("ended", local_time(ended))));
    lines.push(fact("by", run.who.to_string()));
    let who = &run.who;
    lines.push(fact("with", format!("scopesync {}, {}, process {}", who.version, who.front_end.words(), who.process)));
    lines.extend(asked(&story.documents.asked).map(|text| fact("asked", text)));
    for approval in &story.documents.approvals {
        lines.push(fact("approved", approved(approval)));
    }
    if !run.overrides.is_empty() {
        let names: Vec<String> = run.overrides.iter().map(|name| Foreign::cleaned(name.as_str())).collect();
        lines.push(fact("overrode", names.join(", ")));
    }
    if let Some(digest) = story.documents.plan.get("digest").and_then(Value::as_str) {
        lines.push(fact("plan", Foreign::cleaned(digest)));
    }
    lines
}

fn approved(Approval { relationship, by, answer }: &Approval) -> String {
    format!("{relationship}: {}, by {}", answer.words(), Foreign::from(by.as_str()))
}

/// What was asked for, as a command line or as the screen had it.
fn asked(asked: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(Foreign::cleaned);
    match (asked.get("command"), asked.get("screen")) {
        (Some(command), _) => {
            let words = asked.get("arguments").and_then(Value::as_array).into_iter().flatten().filter_map(text);
            Some(text(command).into_iter().chain(words).collect::<Vec<_>>().join(" "))
        }
        (None, Some(screen)) => Some(format!("on the screen: {}", text(screen)?)),
        (None, None) => None,
    }
}

fn place(relationship: &Foreign, source: Option<&Foreign>, target: &Foreign) -> Line {
    let way = match source {
        Some(source) => format!("  {source} → {target}"),
        None => format!("  → {target}"),
    };
    Line::of(0, Role::Title, relationship.to_string()).with(Role::Plain, way)
}

/// What a run kept that did not come to its report.
fn without_report(story: &Story, plan: &PlanTold, names: &ScopeNames) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut places: BTreeMap<(&str, &str), Vec<&Snapshot>> = BTreeMap::new();
    for snapshot in &story.snapshots {
        places.entry((snapshot.target.as_str(), snapshot.relationship.raw())).or_default().push(snapshot);
    }
    for ((target, relationship), snapshots) in places {
        lines.push(place(&relationship.into(), None, &target.into()));
        let way = plan.part(&relationship.into(), target).and_then(|planned| planned.way.line());
        lines.extend(way.map(|line| line.deeper(2)));
        for kept in snapshots {
            let line = Line::of(2, Role::Title, names.name(kept.scope));
            lines.push(match &kept.end {
                Some(end) => line.with(Role::Plain, format!("  {}", Foreign::from(end.outcome.as_str()))),
                None => line.with(Role::Critical, "  what became of it is not known"),
            });
            lines.extend(snapshot(kept).into_iter().map(|line| line.deeper(4)));
        }
    }
    lines
}

fn told(name: &str, scope: &ScopeTold) -> Line {
    let word = scope.outcome.map_or("unknown", Outcome::word);
    let role = match scope.outcome {
        Some(Outcome::Replicated) if scope.verified == Some(true) => Role::Good,
        Some(Outcome::Skipped | Outcome::Cancelled) => Role::Warning,
        _ => Role::Critical,
    };
    let mut facts = Vec::new();
    facts.extend(scope.verified.map(|verified| if verified { "verified" } else { "not verified" }));
    let is_known = scope.outcome != Some(Outcome::Unknown);
    facts.extend(scope.saved.map(|saved| saved.words_of(is_known)).filter(|words| !words.is_empty()));
    let line = Line::of(0, Role::Title, name).with(role, format!("  {word}"));
    let line = if facts.is_empty() { line } else { line.with(Role::Plain, format!(", {}", facts.join(", "))) };
    match &scope.message {
        Some(message) => line.with(Role::Plain, format!(": {message}")),
        None => line,
    }
}

/// What a write destroyed in a scope, what it left and lost, and the fingerprints before and after.
pub fn snapshot(snapshot: &Snapshot) -> Vec<Line> {
    let outcome = snapshot.end.as_ref().map(|end| end.outcome.as_str());
    let heading = match outcome {
        Some("replicated") => "destroyed:",
        Some("rejected" | "cancelled") => "would have destroyed:",
        _ => "to be destroyed, not all of it may be done:",
    };
    let Carried { made, left, lost, besides, uncarried } = snapshot.carried();
    let mut lines = vec![Line::of(0, Role::Muted, heading)];
    if snapshot.native.is_none() {
        lines = vec![Line::of(0, Role::Muted, "the scope was not there before")];
    } else {
        lines.extend(destroyed(&made).into_iter().map(|line| line.deeper(2)));
    }
    let not_made = if uncarried { "not carried:" } else { "not done:" };
    for (heading, changes, line) in [
        (not_made, &left, ChangeTold::left as fn(&ChangeTold) -> Line),
        ("lost besides:", &lost, ChangeTold::lost),
        ("differs besides:", &besides, ChangeTold::left),
    ] {
        let changes = read(changes);
        if !changes.is_empty() {
            lines.push(Line::of(0, Role::Muted, heading));
            lines.extend(changes.iter().map(|change| line(change).deeper(2)));
        }
    }
    let print = |print: &Option<String>| print.clone().unwrap_or_else(|| "not there".to_owned());
    let after = match &snapshot.end {
        None => "not known".to_owned(),
        Some(end) if !end.was_read => "not read".to_owned(),
        Some(end) => print(&end.fingerprint),
    };
    let source = snapshot.before.source.as_ref().map(|source| format!("source {source}, ")).unwrap_or_default();
    let prints = format!("{source}target before {}, after {after}", print(&snapshot.before.target));
    lines.push(Line::of(0, Role::Muted, "fingerprints: ").with(Role::Plain, prints));
    lines
}

/// The changes of a plan as they are kept, for what they destroy: items with their values, then
/// old values with those that take their place; of what is created only the number.
fn destroyed(changes: &[Value]) -> Vec<Line> {
    let mut changes = read(changes);
    changes.sort_by_key(|change| std::cmp::Reverse(change.change));
    let created = changes.iter().filter(|change| change.change == ChangeKind::Create).count();
    let mut lines: Vec<Line> =
        changes.iter().filter(|change| change.change != ChangeKind::Create).map(ChangeTold::line).collect();
    if lines.is_empty() {
        lines.push(Line::of(0, Role::Muted, "nothing"));
    }
    if created > 0 {
        lines.push(Line::of(0, Role::Create, format!("+ {} created", plural(created, "item"))));
    }
    lines
}

fn read(changes: &[Value]) -> Vec<ChangeTold> {
    changes.iter().filter_map(|change| ChangeTold::deserialize(change).ok()).collect()
}

/// A run's plan as it is kept, for who wrote.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PlanTold {
    relationships: Vec<PlannedPart>,
}

#[derive(Deserialize)]
struct PlannedPart {
    name: Foreign,
    target: Foreign,
    #[serde(flatten)]
    way: WayTold,
    #[serde(default)]
    scopes: Vec<PlannedTold>,
}

#[derive(Deserialize)]
struct PlannedTold {
    scope_id: String,
    prefix_length: u8,
    #[serde(flatten)]
    way: WayTold,
}

#[derive(Deserialize)]
struct WayTold {
    writer: Option<Foreign>,
    writer_reason: Option<Foreign>,
}

impl PlanTold {
    fn part(&self, name: &Foreign, target: &str) -> Option<&PlannedPart> {
        self.relationships.iter().find(|part| part.name == *name && part.target.raw() == target)
    }
}

impl PlannedTold {
    fn is(&self, scope: &ScopeTold) -> bool {
        (&self.scope_id, self.prefix_length) == (&scope.scope_id, scope.prefix_length)
    }
}

impl WayTold {
    fn line(&self) -> Option<Line> {
        let reason = self.writer_reason.as_ref().map(ToString::to_string).unwrap_or_default();
        self.writer.as_ref().map(|writer| written_by(&writer.to_string(), &reason))
    }
}

/// A run's report as it is kept; of any kind and version, so nothing in it must be there.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Report {
    relationships: Vec<Part>,
    servers: Vec<ServerTold>,
    remarks: Vec<Foreign>,
}

#[derive(Deserialize)]
struct Part {
    name: Foreign,
    source: Foreign,
    target: Foreign,
    #[serde(default)]
    scopes: Vec<ScopeTold>,
    #[serde(default)]
    remarks: Vec<Foreign>,
}

#[derive(Deserialize)]
struct ScopeTold {
    scope_id: String,
    prefix_length: u8,
    outcome: Option<Outcome>,
    saved: Option<SavedState>,
    verified: Option<bool>,
    message: Option<Foreign>,
}

impl ScopeTold {
    fn id(&self) -> Option<ScopeId> {
        let network = self.scope_id.split('/').next()?;
        format!("{network}/{}", self.prefix_length).parse().ok()
    }
}

#[derive(Deserialize)]
struct ServerTold {
    server: Foreign,
    outcome: String,
    seconds: Option<f64>,
    message: Option<Foreign>,
}

#[derive(Deserialize)]
struct ChangeTold {
    key: KeyTold,
    change: ChangeKind,
    label: Option<Foreign>,
    #[serde(default)]
    fields: Vec<FieldTold>,
}

#[derive(Deserialize)]
struct KeyTold {
    owner: Foreign,
    name: Foreign,
}

#[derive(Deserialize)]
struct FieldTold {
    field: Foreign,
    source: Option<Foreign>,
    target: Option<Foreign>,
}

impl ChangeTold {
    fn line(&self) -> Line {
        let values = self.fields.iter().map(|field| field.words(self.change)).collect();
        self.told(Role::from(self.change), self.change.sign(), values)
    }

    /// The same of what is as it was.
    fn left(&self) -> Line {
        let values = self.fields.iter().map(|field| field.left(self.change)).collect();
        self.told(Role::Warning, self.change.sign(), values)
    }

    /// What the target had and has no more.
    fn lost(&self) -> Line {
        let values = self.fields.iter().map(FieldTold::had).collect();
        self.told(Role::Critical, ChangeKind::Delete.sign(), values)
    }

    fn told(&self, role: Role, sign: char, values: Vec<String>) -> Line {
        let KeyTold { owner, name } = &self.key;
        let title = match &self.label {
            Some(label) => format!("{label} ({name})"),
            None => name.to_string(),
        };
        let owned = if owner.raw() == "scope" { String::new() } else { format!(" of {owner}") };
        let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
        Line::of(0, role, format!("{sign} ")).with(Role::Plain, format!("{title}{owned}{values}"))
    }
}

impl FieldTold {
    fn words(&self, change: ChangeKind) -> String {
        let (name, source, target) = self.parts();
        match change {
            ChangeKind::Update => format!("{name}was {target}, became {source}"),
            _ => format!("{name}{target}"),
        }
    }

    fn left(&self, change: ChangeKind) -> String {
        let (name, source, target) = self.parts();
        match change {
            ChangeKind::Update => format!("{name}is {target}, not {source}"),
            ChangeKind::Create => format!("{name}{source}"),
            ChangeKind::Delete => format!("{name}{target}"),
        }
    }

    fn had(&self) -> String {
        let (name, source, target) = self.parts();
        format!("{name}{}", if self.target.is_some() { target } else { source })
    }

    /// Its name where that says something, the source's value and the target's.
    fn parts(&self) -> (String, String, String) {
        let shown = |value: &Option<Foreign>| match value.as_ref().map(ToString::to_string) {
            None => "not set".to_owned(),
            Some(text) if text.is_empty() => "empty".to_owned(),
            Some(text) => text,
        };
        let name = if self.field.raw() == "value" { String::new() } else { format!("{} ", self.field) };
        (name, shown(&self.source), shown(&self.target))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::history::{FrontEnd, Who};

    #[test]
    fn a_verification_that_left_everything_as_it_was_says_so() {
        let now = jiff::Timestamp::now();
        let mut run = RunRecord {
            seq: 1,
            id: "run".into(),
            kind: RunKind::Verification,
            undone_by: None,
            started: now,
            ended: Some(now),
            settled: None,
            who: Who::of_process(FrontEnd::CommandLine),
            overrides: Vec::new(),
            summary: BTreeMap::from([("scopes".to_owned(), 2), ("unchanged".to_owned(), 2)]),
            servers: Vec::new(),
        };
        let words = |run: &RunRecord| run_outcome(run, RunState::Ended);
        assert_eq!(words(&run), (Role::Good, "both sides are as they were".to_owned()));
        run.summary.insert("partial".to_owned(), 1);
        assert_eq!(words(&run), (Role::Warning, "1 partial, 2 unchanged".to_owned()));
        run.summary.insert("replicated".to_owned(), 3);
        run.summary.insert("unknown".to_owned(), 1);
        assert_eq!(words(&run).1, "1 unknown, 1 partial, 3 replicated, 2 unchanged");
        run.kind = RunKind::Replication;
        run.summary.retain(|word, _| matches!(word.as_str(), "scopes" | "unchanged"));
        assert_eq!(words(&run), (Role::Good, "2 unchanged".to_owned()));
    }

    #[test]
    fn what_was_not_carried_is_not_told_as_destroyed() {
        let field = |name: &str| json!({ "field": name, "source": "a", "target": "b" });
        let change = |word: &str, name: &str, fields: &[Value]| json!({ "key": { "owner": "scope", "name": name }, "change": word, "fields": fields });
        let record = json!({ "uncarried": true, "residual": [
            change("update", "settings", &[field("state")]),
            change("create", "Phones", &[]),
        ] });
        let planned = [change("update", "settings", &[field("name"), field("state")])];
        let snapshot = Snapshot::sample(&planned, record);
        let lines: Vec<String> = super::snapshot(&snapshot).iter().map(Line::text).collect();
        let told = lines.join("\n");
        assert!(told.starts_with("destroyed:\n  ~ settings: name was b, became a\nnot carried:\n"), "{told}");
        assert!(told.contains("  ~ settings: state is b, not a\nlost besides:\n  - Phones\n"), "{told}");
    }
}
