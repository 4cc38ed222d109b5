//! What is new or has changed of scopes, until the operator has looked at it.

use std::collections::BTreeMap;

use crate::app::compared::Compared;
use crate::engine::compare::ScopeDrift;
use crate::model::{Change, DriftState, ScopeId};

/// What has become of a scope since it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It was not there.
    New,
    /// Its drift was another one.
    Changed,
}

impl Since {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Since::New => "new",
            Since::Changed => "changed",
        }
    }
}

/// What has become of the scopes of a relationship since the operator looked at them.
#[derive(Debug, Default)]
pub struct Noted {
    notes: BTreeMap<ScopeId, Note>,
    /// Scopes that a run of this program has written since they were known last, and whether they are as it planned.
    ours: BTreeMap<ScopeId, bool>,
    /// All scopes were known once: one that nothing is known of is new.
    is_complete: bool,
}

/// How a scope was when it was known and looked at last.
#[derive(Debug)]
struct Note {
    /// `None` where it was not there.
    was: Option<(DriftState, Vec<Change>)>,
    /// What to tell of it; nothing while nobody knows how it stands.
    since: Option<Since>,
}

impl Noted {
    /// What to tell of a scope.
    pub fn of(&self, id: ScopeId) -> Option<Since> {
        self.notes.get(&id)?.since
    }

    /// How many scopes there is something to tell of.
    pub fn count(&self) -> usize {
        self.notes.values().filter(|note| note.since.is_some()).count()
    }

    /// What there was to tell of a scope was seen.
    pub(super) fn seen(&mut self, id: ScopeId) {
        self.notes.remove(&id);
    }

    /// What there was to tell of all scopes was seen; returns of how many.
    pub(super) fn all_seen(&mut self) -> usize {
        let count = self.count();
        self.notes.retain(|_, note| note.since.is_none());
        count
    }

    /// A run of this program has written a scope: what it brought is no news.
    pub fn wrote(&mut self, id: ScopeId, as_planned: bool) {
        self.ours.insert(id, as_planned);
    }

    /// Forgets everything: what comes next is the first that is known.
    pub fn forget(&mut self) {
        *self = Noted::default();
    }

    /// Compares what is known now with what was known last, in the same direction. That nobody
    /// knows how a scope stands, or whether it is there, is no change.
    pub fn take(&mut self, old: &Compared, new: &Compared) {
        let is_open = |compared: &Compared| compared.pending || compared.is_unread();
        self.is_complete |= !is_open(old);
        let mut before = old.drift.scopes.iter().peekable();
        for scope in &new.drift.scopes {
            while let Some(gone) = before.next_if(|other| other.id < scope.id) {
                self.remember(old, gone);
            }
            let was = before.next_if(|other| other.id == scope.id);
            if new.pending || !is_known(scope) {
                match was {
                    Some(was) => self.remember(old, was),
                    None if self.is_complete => self.keep(scope.id, None),
                    None => {}
                }
                continue;
            }
            self.judge(was.map(|was| (was, !old.pending && is_known(was))), scope);
        }
        before.for_each(|gone| self.remember(old, gone));
        if !is_open(new) {
            self.notes.retain(|id, _| new.scope(*id).is_some());
            self.is_complete = true;
        }
    }

    /// Keeps how a scope was, until it is known again how it stands.
    fn remember(&mut self, old: &Compared, was: &ScopeDrift) {
        if !old.pending && is_known(was) {
            self.keep(was.id, Some(was));
        } else if let Some(note) = self.notes.get_mut(&was.id) {
            note.since = None;
        }
    }

    fn keep(&mut self, id: ScopeId, was: Option<&ScopeDrift>) {
        let note = self.notes.entry(id).or_insert_with(|| Note { was: was.map(standing), since: None });
        note.since = None;
    }

    /// Tells a scope that is known from how it was; of that it is told whether it was known.
    fn judge(&mut self, was: Option<(&ScopeDrift, bool)>, scope: &ScopeDrift) {
        if self.is_ours(was.map(|(was, _)| was), scope) {
            self.notes.remove(&scope.id);
            return;
        }
        let is_same =
            |(state, changes): (&DriftState, &Vec<Change>)| *state == scope.state && *changes == scope.changes;
        match (self.notes.get_mut(&scope.id), was) {
            (Some(Note { was: Some((state, changes)), .. }), _) if is_same((state, changes)) => {
                self.notes.remove(&scope.id);
            }
            (Some(note), _) => note.since = Some(if note.was.is_some() { Since::Changed } else { Since::New }),
            (None, Some((was, true))) if !is_same((&was.state, &was.changes)) => {
                self.notes.insert(scope.id, Note { was: Some(standing(was)), since: Some(Since::Changed) });
            }
            (None, None) if self.is_complete => {
                self.notes.insert(scope.id, Note { was: None, since: Some(Since::New) });
            }
            (None, _) => {}
        }
    }

    /// Whether a scope is other than it was by nothing but what a run of this program brought: what differs now and
    /// did not before came from somebody else.
    fn is_ours(&mut self, was: Option<&ScopeDrift>, scope: &ScopeDrift) -> bool {
        let Some(as_planned) = self.ours.remove(&scope.id) else { return false };
        let noted = self.notes.get(&scope.id).and_then(|note| note.was.as_ref()).map(|(_, changes)| changes);
        let mut before = noted.or(was.map(|was| &was.changes)).into_iter().flatten();
        as_planned || scope.changes.iter().all(|change| before.any(|old| old == change))
    }
}

fn standing(scope: &ScopeDrift) -> (DriftState, Vec<Change>) {
    (scope.state.clone(), scope.changes.clone())
}

fn is_known(scope: &ScopeDrift) -> bool {
    !matches!(scope.state, DriftState::Unknown | DriftState::Checking)
}
