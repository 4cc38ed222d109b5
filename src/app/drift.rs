//! The drift pane: a scope's changes by section, or the findings of a relationship.

use std::sync::Arc;

use crate::engine::compare::ScopeDrift;
use crate::engine::prerequisites::visible_pair;
use crate::engine::survey::Presence;
use crate::model::{Change, ChangeKind, FieldChange, Finding, FindingSide, ScopeId, Section, Severity};
use crate::show::plural;

use super::compared::{Compared, counts_of};
use super::list::Scroll;
use super::state::AppState;

/// What the pane shows.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The comparison.
    pub compared: Arc<Compared>,
    /// The scope; `None` for the relationship itself.
    pub scope: Option<ScopeId>,
}

impl Subject {
    fn is(&self, other: &Subject) -> bool {
        Arc::ptr_eq(&self.compared, &other.compared) && self.scope == other.scope
    }

    /// The scope itself.
    pub fn scope(&self) -> Option<&ScopeDrift> {
        self.compared.scope(self.scope?)
    }
}

/// How a line is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it is.
    Plain,
    /// A heading.
    Heading,
    /// Of little weight.
    Quiet,
    /// Something is created.
    Create,
    /// Something is updated.
    Update,
    /// Something is deleted.
    Delete,
    /// Something stands against it.
    Refusal,
    /// Something that must not be overlooked.
    Warning,
}

/// A line of the pane: what to show, not how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriftRow {
    /// How many scopes of the relationship stand how.
    Summary,
    /// Scopes that differ and cannot be replicated, and why.
    LeftOut(usize),
    /// One side of the relationship, source first.
    Member(usize),
    /// Scopes of a server that are in no relationship.
    Unpaired(usize),
    /// How the scope stands, in words.
    State,
    /// Why it is unknown.
    Reason,
    /// A finding of the relationship.
    Finding(usize),
    /// A section with its counts.
    Section(Section, [usize; 3]),
    /// A change.
    Change(usize),
    /// A field of a change.
    Field(usize, usize),
}

/// The pane's lines and cursor.
#[derive(Default)]
pub struct DriftPane {
    /// What it shows.
    pub subject: Option<Subject>,
    /// Its lines.
    pub rows: Vec<DriftRow>,
    /// Its cursor.
    pub scroll: Scroll,
}

impl DriftPane {
    /// Shows something, if it does not do so already.
    pub fn show(&mut self, subject: Option<Subject>) {
        let same = match (&self.subject, &subject) {
            (Some(old), Some(new)) => old.is(new),
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        let scope = |subject: &Option<Subject>| {
            subject.as_ref().map(|s| (s.scope, s.compared.drift.name.clone(), s.compared.drift.source.clone()))
        };
        if scope(&self.subject) != scope(&subject) {
            self.scroll = Scroll { height: self.scroll.height, ..Scroll::default() };
        }
        self.rows = subject.as_ref().map(rows).unwrap_or_default();
        self.subject = subject;
    }

    /// The highlighted line.
    pub fn current(&self) -> Option<DriftRow> {
        self.rows.get(self.scroll.position(self.rows.len())).copied()
    }
}

fn rows(subject: &Subject) -> Vec<DriftRow> {
    let findings = subject.compared.drift.findings.iter().enumerate();
    let Some(id) = subject.scope else {
        let mut rows = vec![DriftRow::Summary];
        rows.extend((0..subject.compared.left_out.len()).map(DriftRow::LeftOut));
        rows.extend([DriftRow::Member(0), DriftRow::Member(1)]);
        rows.extend((0..subject.compared.unpaired.len()).map(DriftRow::Unpaired));
        rows.extend(findings.map(|(at, _)| DriftRow::Finding(at)));
        return rows;
    };
    let Some(scope) = subject.scope() else { return Vec::new() };
    let mut rows = vec![DriftRow::State];
    rows.extend(scope.reason.iter().map(|_| DriftRow::Reason));
    rows.extend(findings.filter(|(_, finding)| finding.scopes.contains(&id)).map(|(at, _)| DriftRow::Finding(at)));
    let mut section = None;
    for (at, change) in scope.changes.iter().enumerate() {
        if section != Some(change.section()) {
            section = Some(change.section());
            rows.push(DriftRow::Section(change.section(), section_counts(scope, change.section())));
        }
        rows.push(DriftRow::Change(at));
        rows.extend((0..change.fields.len()).map(|field| DriftRow::Field(at, field)));
    }
    rows
}

fn section_counts(scope: &ScopeDrift, section: Section) -> [usize; 3] {
    let of = |kind| scope.changes.iter().filter(|c| c.change == kind && c.section() == section).count();
    [of(ChangeKind::Create), of(ChangeKind::Update), of(ChangeKind::Delete)]
}

/// How a scope stands and what a replication would do, in words.
pub fn state_words(scope: &ScopeDrift) -> String {
    let [create, update, delete] = counts_of(scope);
    match scope.state {
        crate::model::DriftState::OnlyOnTarget => {
            format!("only on target: {} items, never deleted by a replication", scope.changes.len())
        }
        _ if scope.changes.is_empty() => scope.state.words().to_owned(),
        _ => {
            format!("{}: on the target {create} to create, {update} to update, {delete} to delete", scope.state.words())
        }
    }
}

/// A severity in words.
pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// Where a finding lies, in words.
pub fn side_word(side: FindingSide) -> &'static str {
    match side {
        FindingSide::Source => "source",
        FindingSide::Target => "target",
        FindingSide::Both => "both sides",
    }
}

/// A finding in one line.
pub fn finding_line(finding: &Finding) -> String {
    format!("{} ({}): {}", severity_word(finding.severity), side_word(finding.side), finding.message)
}

/// A change in one line, without its fields.
pub fn change_line(change: &Change) -> String {
    let mut line = format!("{} {} {}", change.change.sign(), change.change.word(), described(change));
    if change.becomes_explicit {
        line.push_str(" (inherited on the source, becomes explicit on the target)");
    }
    line
}

/// What a change is about: `reservation 10.0.0.10`, `option routers (dhcp4/3) of range …`.
pub fn described(change: &Change) -> String {
    let owner = match &change.key.owner {
        crate::model::Owner::Scope => String::new(),
        owner => format!(" of {owner}"),
    };
    let mut text = format!("{} {}{owner}", change.key.kind.word(), change.title());
    if let Some(other) = &change.moved {
        match change.change {
            ChangeKind::Delete => text.push_str(&format!(" (the client moves to {})", other.name)),
            _ => text.push_str(&format!(" (the client moves here from {})", other.name)),
        }
    }
    text
}

/// Both values of a field, source first, so that a difference can be seen.
pub fn values(field: &FieldChange) -> (String, String) {
    visible_pair(field.source.as_ref().map(|v| &v.canonical), field.target.as_ref().map(|v| &v.canonical))
}

/// How many scopes of a relationship stand how, in words.
pub fn summary_words(compared: &Compared) -> String {
    let sum = &compared.summary;
    if compared.pending && sum.checking == sum.scopes {
        return format!("{} scopes so far, still being read", sum.scopes);
    }
    let mut text = format!("{} scopes", sum.scopes);
    for (count, words) in [
        (sum.in_sync, "in sync"),
        (sum.drifted, "drifted"),
        (sum.only_on_source, "only on source"),
        (sum.only_on_target, "only on target"),
        (sum.unknown, "unknown"),
        (sum.checking, "still being read"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {words}"));
        }
    }
    let [create, update, delete] = compared.counts;
    if sum.changes > 0 {
        text.push_str(&format!("; to create {create}, to update {update}, to delete {delete}"));
    }
    text
}

/// How many scopes cannot be replicated for one reason.
pub fn left_out_line(subject: &Subject, at: usize) -> Option<String> {
    let (count, reason) = subject.compared.left_out.get(at)?;
    Some(format!("{} cannot be replicated: {reason}", plural(*count, "scope")))
}

/// A side of the relationship: which server, and how it is.
pub fn member_words(state: &AppState, subject: &Subject, side: usize) -> Option<(String, String)> {
    let relationship = state.relationship(&subject.compared.drift.name)?;
    let member = *super::pick::directed(state, relationship).get(side)?;
    let role = if side == 0 { "source" } else { "target" };
    let name = format!("{role} {} ({})", member.shown(), member.peer.role);
    let text = match (&member.absent(), member.state.as_ref().or(member.heard.as_ref())) {
        (Some(reason), Some(heard)) => format!("not read: {reason}; its partner says: {}", heard.0),
        (Some(reason), None) => format!("not read: {reason}"),
        (None, Some(own)) => own.explained(&relationship.mode),
        (None, None) if matches!(member.presence, Presence::Unpaired(_)) => "has no such relationship".into(),
        (None, None) => "tells no state".into(),
    };
    Some((name, text))
}

/// The text of a line, safe to show, and how to show it. Fields are left to the drawing,
/// which knows how much room both values have.
pub fn line(state: &AppState, subject: &Subject, row: DriftRow) -> Option<(Look, String)> {
    let drift = &subject.compared.drift;
    let scope = subject.scope();
    Some(match row {
        DriftRow::Summary => (Look::Heading, summary_words(&subject.compared)),
        DriftRow::LeftOut(at) => (Look::Plain, left_out_line(subject, at)?),
        DriftRow::Member(side) => {
            let (name, text) = member_words(state, subject, side)?;
            (Look::Plain, format!("{name}: {text}"))
        }
        DriftRow::Unpaired(at) => {
            let (server, count) = subject.compared.unpaired.get(at)?;
            (Look::Quiet, format!("{} of {server} in no relationship: not compared", plural(*count, "scope")))
        }
        DriftRow::State => (Look::Heading, state_words(scope?)),
        DriftRow::Reason => (Look::Refusal, scope?.reason.clone()?),
        DriftRow::Finding(at) => {
            let finding = drift.findings.get(at)?;
            let look = if finding.severity == Severity::Critical { Look::Refusal } else { Look::Plain };
            (look, finding_line(finding))
        }
        DriftRow::Section(section, [create, update, delete]) => {
            (Look::Heading, format!("{} (+{create} ~{update} -{delete})", section.word()))
        }
        DriftRow::Change(at) => {
            let change = scope?.changes.get(at)?;
            let look = match change.change {
                ChangeKind::Create => Look::Create,
                ChangeKind::Update => Look::Update,
                ChangeKind::Delete => Look::Delete,
            };
            (look, format!("  {}", change_line(change)))
        }
        DriftRow::Field(..) => return None,
    })
}
