//! The scopes of a run, and what it destroyed in them.

use crate::engine::outcome::{Outcome, SavedState};
use crate::model::{ChangeKind, Foreign, ScopeId, ServerName};
use crate::show::plural;

use super::super::drift::Look;
use super::change::PastChange;

/// The scopes of a run.
#[derive(Clone, Debug, Default)]
pub struct RunDetail {
    /// What else was told at its end.
    pub remarks: Vec<String>,
    /// Its scopes.
    pub scopes: Vec<PastScope>,
}

/// A scope of a run.
#[derive(Clone, Debug)]
pub struct PastScope {
    /// Which scope.
    pub id: ScopeId,
    /// How it is called on screens.
    pub name: String,
    /// The server that was written.
    pub target: ServerName,
    /// The relationship.
    pub relationship: Foreign,
    /// What became of it: the outcome's word; `None` when the run did not come to store that.
    pub outcome: Option<String>,
    /// How far an interrupted run came, told by reading, and whether it is done.
    pub told: Option<(String, bool)>,
    /// Whether it is in the server's file.
    pub saved: Option<SavedState>,
    /// Why it is as it is.
    pub message: Option<String>,
    /// What was there before; `None` for a scope that the run did not come to.
    pub kept: Option<Before>,
}

/// What was there before a run wrote a scope.
#[derive(Clone, Debug)]
pub struct Before {
    /// Whether the scope existed.
    pub existed: bool,
    /// Whether reading back showed that it is gone.
    pub gone: bool,
    /// What the run has changed, or was to change.
    pub changes: Vec<PastChange>,
    /// What it was to change, and the scope is in this as it was.
    pub left: Vec<PastChange>,
    /// What the scope had before and has lost, though it was to stay.
    pub lost: Vec<PastChange>,
    /// The writer was not known to carry what is left.
    pub uncarried: bool,
}

impl PastScope {
    /// Whether there is something to bring back.
    pub fn can_be_undone(&self) -> bool {
        let untouched = ["rejected", "skipped", "cancelled", "unchanged"];
        self.kept.is_some() && self.outcome.as_deref().is_none_or(|word| !untouched.contains(&word))
    }

    /// Everything that a filter looks at.
    pub fn words(&self) -> String {
        format!("{} {} {} {}", self.id, self.target, self.relationship, self.standing())
    }

    /// What became of it, and whether it is saved.
    pub fn standing(&self) -> String {
        let told = self.told.as_ref().map(|(words, _)| words.clone()).or_else(|| self.outcome.clone());
        let mut words = told.unwrap_or_else(|| "not known: the run was interrupted".to_owned());
        if let Some(saved) = self.saved.filter(|saved| *saved != SavedState::NotApplicable) {
            let saved = saved.words_of(self.outcome.as_deref() != Some(Outcome::Unknown.word()));
            words.extend((!saved.is_empty()).then(|| format!(", {saved}")));
        }
        words
    }

    /// How many items it created, updated and deleted.
    pub fn counts(&self) -> [usize; 3] {
        let of = |kind| self.changes().filter(|change| change.change == kind).count();
        [of(ChangeKind::Create), of(ChangeKind::Update), of(ChangeKind::Delete)]
    }

    fn changes(&self) -> impl Iterator<Item = &PastChange> {
        self.kept.iter().flat_map(|kept| &kept.changes)
    }
}

/// What a run destroyed in a scope, by name: deletions first, then old values, then what it
/// created and an undo would take away.
pub fn destroyed(scope: &PastScope) -> Vec<(Look, String)> {
    let mut lines = vec![(Look::Heading, format!("{} on {}: {}", scope.name, scope.target, scope.standing()))];
    lines.extend(scope.message.iter().map(|message| (Look::Warning, format!("  {message}"))));
    let Some(kept) = &scope.kept else {
        lines.push((Look::Quiet, "nothing was written to it: there is nothing to bring back".into()));
        return lines;
    };
    if !scope.can_be_undone() {
        lines.push((Look::Quiet, "nothing of this was written:".into()));
    }
    if !kept.existed {
        let gone = if kept.gone { "; it was not there when it was read back" } else { "" };
        lines.push((Look::Create, format!("the scope did not exist: the run created it, an undo deletes it{gone}")));
    }
    let of = |kind: ChangeKind| kept.changes.iter().filter(move |change| change.change == kind);
    let deleted = of(ChangeKind::Delete).count();
    if deleted > 0 {
        lines.push((Look::Heading, format!("DELETED: {}", plural(deleted, "item"))));
    }
    for change in of(ChangeKind::Delete) {
        lines.push((Look::Delete, format!("  - {}", change.described())));
        let was = change.fields.iter().map(|field| format!("{} {}", field.field, field.values().0));
        let was: Vec<String> = was.map(|was| was.strip_prefix("value ").map(str::to_owned).unwrap_or(was)).collect();
        if !was.is_empty() {
            lines.push((Look::Plain, format!("      was: {}", was.join(", "))));
        }
    }
    let updated = of(ChangeKind::Update).count();
    if updated > 0 {
        lines.push((Look::Heading, format!("OVERWRITTEN: {}", plural(updated, "item"))));
    }
    for change in of(ChangeKind::Update) {
        lines.push((Look::Update, format!("  ~ {}", change.described())));
        for field in &change.fields {
            let (was, wrote) = field.values();
            lines.push((Look::Plain, format!("      {}: was {was} | the run wrote {wrote}", field.field)));
        }
    }
    let created = of(ChangeKind::Create).count();
    if created > 0 && kept.existed {
        lines.push((Look::Heading, format!("created: {} (an undo deletes them)", plural(created, "item"))));
        lines.extend(of(ChangeKind::Create).map(|change| (Look::Create, format!("  + {}", change.described()))));
    }
    let not_made = if kept.uncarried { "NOT CARRIED" } else { "NOT DONE" };
    for (heading, changes) in [("LOST BESIDES", &kept.lost), (not_made, &kept.left)] {
        if !changes.is_empty() {
            lines.push((Look::Heading, format!("{heading}: {}", plural(changes.len(), "item"))));
            lines.extend(changes.iter().map(|change| (Look::Warning, format!("  {}", change.described()))));
        }
    }
    lines
}
