//! The drift pane: a scope's items side by side, by section, or the findings of a relationship.

pub mod aligned;
mod concerns;
mod rows;
mod searched;
mod told;
pub mod whole;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::compare::ScopeDrift;
use crate::model::{ChangeKind, Field, Foreign, ItemKey, ScopeId, Section, Severity};
use crate::show::plural;

use super::compared::Compared;
use super::effect::Ticket;
use super::list::Scroll;
use super::search::Search;
use super::state::AppState;
use aligned::{Aligned, Left, Side};

pub use searched::{field_line, searched};
pub use told::told;
pub use words::{
    change_line, described, finding_line, left_out_line, member_words, severity_word, side_word, state_words,
    summary_words, values,
};

/// What the pane shows.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The comparison.
    pub compared: Arc<Compared>,
    /// The scope; `None` for the relationship itself.
    pub scope: Option<ScopeId>,
    /// Why nothing of the scope is carried, where that is known.
    pub refusal: Option<String>,
}

impl Subject {
    fn is(&self, other: &Subject) -> bool {
        Arc::ptr_eq(&self.compared, &other.compared) && self.scope == other.scope
    }

    /// Whether both show one thing, compared at whatever time.
    pub fn is_of(&self, other: &Subject) -> bool {
        let (ours, theirs) = (&self.compared.drift, &other.compared.drift);
        self.scope == other.scope && ours.name == theirs.name && ours.source == theirs.source
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

/// An item of the scope that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemAt {
    /// One that differs, by its place among the changes.
    Change(usize),
    /// One that a replication leaves as it is, by its place among those.
    Left(usize),
}

/// The heading of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionHead {
    /// Which one.
    pub section: Section,
    /// Creations, updates and deletions in it.
    pub counts: [usize; 3],
    /// Items in it that a replication leaves as they are, of those shown.
    pub left: usize,
    /// Its lines that are folded away.
    pub folded: Option<usize>,
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
    /// Why nothing of it is carried.
    Refused,
    /// A finding.
    Finding(usize),
    /// A finding of the item or section above it.
    Beside(usize),
    /// A section.
    Section(SectionHead),
    /// An item, and what a replication does to it.
    Item(ItemAt),
    /// A field of an item: both values.
    Field(ItemAt, usize),
    /// Why what a replication leaves as it is, is not shown.
    Unopened,
}

/// What a line is, however the lines move.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RowKey {
    Section(Section),
    Item(ItemKey),
    Field(ItemKey, Field),
    Row(DriftRow),
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
    /// Sections that are folded, of whatever scope.
    pub folded: BTreeSet<Section>,
    /// Those of them that are open as long as something in them is searched for.
    pub opened: BTreeSet<Section>,
    /// What is searched for.
    pub search: Search,
    /// It covers the lists.
    pub full: bool,
    /// Items that a replication leaves as they are, are shown as well.
    pub everything: bool,
    /// Those items.
    pub whole: Opened,
    /// The scope that is being opened, whether or not it is still the one that is shown.
    pub opening: Option<(Ticket, Subject)>,
    /// The comparison of both sides by another program that was asked for last.
    pub comparing: Option<Ticket>,
}

/// What a replication leaves as it is of the shown scope: known once the scope was opened.
#[derive(Debug, Default)]
pub enum Opened {
    /// Not asked for, or not known yet.
    #[default]
    NotYet,
    /// All of it.
    Left(Arc<[Left]>),
    /// Why it cannot be told.
    Failed(String),
}

impl DriftPane {
    /// What has to be opened for what is shown, and is not being opened yet.
    pub fn unopened(&self) -> Option<&Subject> {
        let is_needed = self.everything && matches!(self.whole, Opened::NotYet) && self.opening.is_none();
        self.subject.as_ref().filter(|subject| is_needed && subject.scope.is_some())
    }

    /// Takes what came of opening a scope, unless another one is shown by now.
    pub fn opened(&mut self, ticket: Ticket, opened: Opened) {
        let Some((_, subject)) = self.opening.take_if(|(opening, _)| *opening == ticket) else { return };
        if self.subject.as_ref().is_some_and(|shown| shown.is(&subject)) {
            let key = self.current().and_then(|row| self.key(row));
            self.whole = opened;
            self.search.unfolds = true;
            self.rebuild(key);
        }
    }

    /// Shows everything, or only what changes.
    pub fn show_everything(&mut self, everything: bool) {
        let key = self.current().and_then(|row| self.key(row));
        self.everything = everything;
        self.search.unfolds = true;
        self.rebuild(key);
    }

    /// Shows something, if it does not do so already.
    pub fn show(&mut self, subject: Option<Subject>) {
        let (same, of_one) = match (&self.subject, &subject) {
            (Some(old), Some(new)) => (old.is(new), old.is_of(new)),
            (None, None) => (true, true),
            _ => (false, false),
        };
        if same {
            return;
        }
        let key = self.current().filter(|_| of_one).and_then(|row| self.key(row));
        if !of_one {
            self.scroll = Scroll { height: self.scroll.height, ..Scroll::default() };
        }
        self.subject = subject;
        self.whole = Opened::NotYet;
        self.search.unfolds = true;
        self.rebuild(key);
    }

    /// The highlighted line.
    pub fn current(&self) -> Option<DriftRow> {
        self.rows.get(self.scroll.position(self.rows.len())).copied()
    }

    /// An item of the scope that is shown.
    pub fn item(&self, at: ItemAt) -> Option<Aligned<'_>> {
        match at {
            ItemAt::Change(at) => self.subject.as_ref()?.scope()?.changes.get(at).map(Aligned::Change),
            ItemAt::Left(at) => self.left().get(at).map(Aligned::Left),
        }
    }

    /// Items that a replication leaves as they are.
    fn left(&self) -> &[Left] {
        match &self.whole {
            Opened::Left(left) if self.everything => left,
            _ => &[],
        }
    }

    /// The next line of a change below the cursor, or above it.
    pub fn next_change(&self, down: bool) -> Option<usize> {
        let is_change = |row: &DriftRow| match row {
            DriftRow::Item(ItemAt::Change(_)) => true,
            DriftRow::Section(head) => head.folded.is_some() && head.counts.iter().sum::<usize>() > 0,
            _ => false,
        };
        let at = self.scroll.position(self.rows.len());
        match down {
            true => self.rows.iter().skip(at + 1).position(is_change).map(|step| at + 1 + step),
            false => self.rows.iter().take(at).rposition(is_change),
        }
    }

    /// The section that the highlighted line is in.
    pub fn section(&self) -> Option<Section> {
        self.section_of(self.scroll.position(self.rows.len()))
    }

    /// Folds a section, or opens it; the cursor stays in it.
    pub fn fold(&mut self, section: Section) {
        // what a search has opened stays folded for everything else
        if !self.opened.remove(&section) && !self.folded.remove(&section) {
            self.folded.insert(section);
        }
        self.rebuild(Some(RowKey::Section(section)));
    }

    /// Folds all sections; where all are, opens them.
    pub fn fold_all(&mut self) {
        let section = self.section().map(RowKey::Section);
        let is_open = self.rows.iter().any(|row| matches!(row, DriftRow::Section(head) if head.folded.is_none()));
        self.folded = if is_open { Section::ALL.into() } else { BTreeSet::new() };
        self.opened.clear();
        self.rebuild(section);
    }

    /// Whether there is any section.
    pub fn has_sections(&self) -> bool {
        self.rows.iter().any(|row| matches!(row, DriftRow::Section(_)))
    }

    /// Opens these of the folded sections as long as something is searched for, and no others.
    pub fn open_only(&mut self, opened: BTreeSet<Section>) {
        if opened != self.opened {
            let key = self.current().and_then(|row| self.key(row));
            self.opened = opened;
            self.rebuild(key);
        }
    }

    /// The section that a line is in.
    pub fn section_of(&self, at: usize) -> Option<Section> {
        self.rows.get(..=at)?.iter().rev().find_map(|row| match row {
            DriftRow::Section(head) => Some(head.section),
            _ => None,
        })
    }

    /// Makes the lines anew, with the cursor on what this was, and the lines about it where they were.
    fn rebuild(&mut self, key: Option<RowKey>) {
        let old = self.scroll.position(self.rows.len());
        self.rows = self.build();
        self.search.is_stale = true;
        let Some(key) = key else { return };
        let of_item = match &key {
            RowKey::Field(item, _) => Some(RowKey::Item(item.clone())),
            _ => None,
        };
        let found = std::iter::once(key)
            .chain(of_item)
            .find_map(|key| self.rows.iter().position(|row| self.key(*row).as_ref() == Some(&key)));
        if let Some(new) = found {
            self.scroll.cursor = new;
            self.scroll.top = (self.scroll.top + new).saturating_sub(old);
        }
    }

    fn key(&self, row: DriftRow) -> Option<RowKey> {
        Some(match row {
            DriftRow::Section(head) => RowKey::Section(head.section),
            DriftRow::Item(at) => RowKey::Item(self.item(at)?.key().clone()),
            DriftRow::Field(at, field) => {
                let item = self.item(at)?;
                RowKey::Field(item.key().clone(), item.fields().get(field)?.field.clone())
            }
            row => RowKey::Row(row),
        })
    }
}

/// Both values of a field as they are shown, source first.
pub fn sides(pane: &DriftPane, at: ItemAt, field: usize) -> Option<(Foreign, [Option<Side>; 2])> {
    let item = pane.item(at)?;
    let field = item.fields().get(field)?;
    Some((field.field.clone(), aligned::sides(item.key(), field, item.is_on_both())))
}

/// The text of a line, safe to show, and how to show it. Fields are left to the drawing, which knows
/// how much room both values have.
pub fn line(state: &AppState, row: DriftRow) -> Option<(Look, String)> {
    let pane = &state.drift;
    let subject = pane.subject.as_ref()?;
    let drift = &subject.compared.drift;
    let scope = subject.scope();
    let finding = |at: usize, indent: &str| {
        let finding = drift.findings.get(at)?;
        let look = if finding.severity == Severity::Critical { Look::Refusal } else { Look::Plain };
        Some((look, format!("{indent}{}", finding_line(finding))))
    };
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
        DriftRow::Refused => (Look::Refusal, format!("not carried: {}", subject.refusal.as_ref()?)),
        DriftRow::Finding(at) => finding(at, "")?,
        DriftRow::Beside(at) => finding(at, "      ")?,
        DriftRow::Section(head) => (Look::Heading, section_line(head)),
        DriftRow::Item(at) => {
            let item = pane.item(at)?;
            let (sign, told) = told(subject, &item);
            let look = match &item {
                Aligned::Change(change) if sign == change.change.sign() => match change.change {
                    ChangeKind::Create => Look::Create,
                    ChangeKind::Update => Look::Update,
                    ChangeKind::Delete => Look::Delete,
                },
                Aligned::Change(_) => Look::Plain,
                Aligned::Left(_) => Look::Quiet,
            };
            (look, format!("  {sign} {}  {told}", item.title()))
        }
        DriftRow::Unopened => match &pane.whole {
            Opened::Failed(reason) => (Look::Warning, format!("what is the same cannot be shown: {reason}")),
            _ => (Look::Quiet, "what is the same is being opened".to_owned()),
        },
        DriftRow::Field(..) => return None,
    })
}

fn section_line(head: SectionHead) -> String {
    let mut text = head.section.word().to_owned();
    for (sign, count) in ['+', '~', '-'].into_iter().zip(head.counts) {
        if count > 0 {
            text.push_str(&format!(" {sign}{count}"));
        }
    }
    if head.left > 0 {
        text.push_str(&format!(", {} left alone", plural(head.left, "item")));
    }
    if let Some(lines) = head.folded {
        text.push_str(&format!(" (folded: {})", plural(lines, "line")));
    }
    text
}
