//! What was found, planned and done, in lines for any front end.
//!
//! A [`Line`] has roles, no colours: a screen turns them into its theme, the command line
//! into terminal codes or nothing. No role is needed to understand a line. All text is
//! clean: what a server sent was shown through [`Foreign`].

mod changes;
mod check;
mod drift;
mod finding;
mod history;
pub mod json;
mod locale;
mod plan;
mod progress;
mod readable;
mod recovery;
mod reset;
mod run;
mod words;
mod wrap;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::engine::survey::Survey;
use crate::model::{ChangeKind, DriftState, Foreign, ItemKey, ScopeId};

pub use changes::{Counts, change, changes, doubt, in_order, marked_change, there};
pub use check::points;
pub use drift::{relationship_drift, relationship_title, scope_drift, state_words, summary};
pub use finding::finding;
pub use history::{local_time, run_kind, run_outcome, run_servers, run_story, snapshot};
pub use locale::{in_ascii, is_unicode_readable, on_screen, show_ascii_alone};
pub use plan::{deleted, plan};
pub use progress::{Progress, awaited, making_sure, time};
pub use readable::meaning;
pub use recovery::{interrupted, recovery};
pub use reset::{reset_plan, reset_report, still_terminated};
pub use run::{report, report_summary};
pub use words::differing;
pub use wrap::{width, wrap};

/// What a piece of a line is, for colours and weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Nothing special.
    Plain,
    /// Names a relationship, a scope or a part.
    Title,
    /// Less important than what stands around it.
    Muted,
    /// Something is or will be created.
    Create,
    /// Something is or will be updated.
    Update,
    /// Something is or will be deleted.
    Delete,
    /// All is well.
    Good,
    /// Should be looked at.
    Warning,
    /// Clients are or will be served wrongly, or something failed.
    Critical,
}

impl From<ChangeKind> for Role {
    fn from(kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::Create => Role::Create,
            ChangeKind::Update => Role::Update,
            ChangeKind::Delete => Role::Delete,
        }
    }
}

/// One line: pieces with roles, and how far it is moved to the right.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Line {
    /// Columns.
    pub indent: usize,
    /// The pieces, from left to right, blanks included.
    pub spans: Vec<(Role, String)>,
}

impl Line {
    /// An empty line.
    pub fn new(indent: usize) -> Self {
        Line { indent, spans: Vec::new() }
    }

    /// A line of one piece.
    pub fn of(indent: usize, role: Role, text: impl Into<String>) -> Self {
        Line::new(indent).with(role, text)
    }

    /// The same behind a number, if there is one.
    fn behind(mut self, number: Option<(Role, String)>) -> Self {
        self.spans.splice(0..0, number);
        self
    }

    /// Adds a piece on the right.
    pub fn with(mut self, role: Role, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.spans.push((role, text));
        }
        self
    }

    /// Moves it further to the right.
    pub fn deeper(mut self, columns: usize) -> Self {
        self.indent += columns;
        self
    }

    /// The line without its roles.
    pub fn text(&self) -> String {
        let mut text = " ".repeat(self.indent);
        text.extend(self.spans.iter().map(|(_, piece)| piece.as_str()));
        text
    }
}

/// How scopes are called: by their address, with `/len` where a server has two on one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeNames {
    ambiguous: BTreeSet<Ipv4Addr>,
    numbers: BTreeMap<(Foreign, ScopeId), Numbers>,
}

/// The number of a scope in a list, and those of its changes behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    scope: String,
    changes: BTreeMap<ItemKey, usize>,
}

impl Numbers {
    /// The changes are numbered from 1 in this order.
    pub fn new(scope: String, changes: &[ItemKey]) -> Self {
        Numbers { scope, changes: changes.iter().cloned().zip(1..).collect() }
    }
}

impl ScopeNames {
    /// The names of a survey's scopes.
    pub fn of(survey: &Survey) -> Self {
        let readings = survey.servers.iter().filter_map(|server| server.reading());
        ScopeNames::of_ids(readings.flat_map(|reading| reading.scopes.keys().copied()))
    }

    /// The names of these scopes; one may come several times.
    pub fn of_ids(ids: impl IntoIterator<Item = ScopeId>) -> Self {
        let ids: BTreeSet<ScopeId> = ids.into_iter().collect();
        let neighbours = ids.iter().zip(ids.iter().skip(1));
        let ambiguous = neighbours.filter(|(a, b)| a.network == b.network).map(|(a, _)| a.network).collect();
        ScopeNames { ambiguous, numbers: BTreeMap::new() }
    }

    /// The same; scopes of relationships have numbers besides, by which the operator can name them and their changes.
    #[must_use]
    pub fn numbered(self, numbers: BTreeMap<(Foreign, ScopeId), Numbers>) -> Self {
        ScopeNames { numbers, ..self }
    }

    /// The number of a scope, or of a change of it, as the beginning of a line.
    fn number(&self, relationship: &Foreign, id: ScopeId, change: Option<&ItemKey>) -> Option<(Role, String)> {
        if self.numbers.is_empty() {
            return None;
        }
        let numbers = self.numbers.get(&(relationship.clone(), id))?;
        let text = match change {
            None => format!("{}  ", numbers.scope),
            Some(key) => format!("{}.{}  ", numbers.scope, numbers.changes.get(key)?),
        };
        Some((Role::Muted, text))
    }

    /// Columns of the longest name that there can be.
    pub fn width(&self) -> usize {
        if self.ambiguous.is_empty() { "255.255.255.255".len() } else { "255.255.255.255/32".len() }
    }

    /// What this scope is called.
    pub fn name(&self, id: ScopeId) -> String {
        if self.ambiguous.contains(&id.network) { id.to_string() } else { id.short() }
    }
}

/// The lines of a change behind its number, if it has one.
fn numbered(mut lines: Vec<Line>, number: Option<(Role, String)>) -> Vec<Line> {
    if let Some(first) = lines.first_mut() {
        *first = std::mem::take(first).behind(number);
    }
    lines
}

/// Scopes that are unknown for one and the same reason: told of once, with their number.
struct Alike<'a>(BTreeMap<&'a str, Vec<ScopeId>>);

impl<'a> Alike<'a> {
    fn of(scopes: impl Iterator<Item = (ScopeId, &'a DriftState, Option<&'a str>)>) -> Self {
        let mut alike: BTreeMap<&str, Vec<ScopeId>> = BTreeMap::new();
        for (id, _, reason) in scopes.filter(|(_, state, _)| **state == DriftState::Unknown) {
            alike.entry(reason.unwrap_or_default()).or_default().push(id);
        }
        alike.retain(|_, ids| ids.len() > 1);
        Alike(alike)
    }

    /// The lines for all scopes like this one, none once they are told; `None` for a scope
    /// that has no like.
    fn lines(&mut self, state: &DriftState, reason: Option<&str>, names: &ScopeNames) -> Option<Vec<Line>> {
        let reason = reason.unwrap_or_default();
        let ids = self.0.get_mut(reason).filter(|_| *state == DriftState::Unknown)?;
        let ids = std::mem::take(ids);
        if ids.is_empty() {
            return Some(Vec::new());
        }
        let line = Line::of(0, Role::Title, plural(ids.len(), "scope")).with(Role::Critical, "  unknown");
        let list = format!("scopes: {}", some(ids.iter().map(|id| names.name(*id))));
        Some(vec![line.with(Role::Plain, format!(": {reason}")), Line::of(2, Role::Muted, list)])
    }
}

/// `1 scope`, `2 scopes`.
pub fn plural(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// The first few of a list, and how many more there are.
pub(crate) fn some<T: std::fmt::Display>(all: impl IntoIterator<Item = T>) -> String {
    const FEW: usize = 8;
    let mut all = all.into_iter();
    let mut text = all.by_ref().take(FEW).map(|one| one.to_string()).collect::<Vec<_>>().join(", ");
    let rest = all.count();
    if rest > 0 {
        text.push_str(&format!(" and {rest} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_shown_where_the_address_says_too_little() {
        let id = |text: &str| text.parse::<ScopeId>().unwrap();
        let ids = [id("10.0.1.0/24"), id("10.0.0.0/24"), id("10.0.0.0/25"), id("10.0.1.0/24")];
        let names = ScopeNames::of_ids(ids);
        assert_eq!(ids.map(|id| names.name(id)), ["10.0.1.0", "10.0.0.0/24", "10.0.0.0/25", "10.0.1.0"]);
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        assert_eq!(some(1..=3), "1, 2, 3");
        assert_eq!(some(1..=10), "1, 2, 3, 4, 5, 6, 7, 8 and 2 more");
    }
}
