//! Going on where nothing can be kept, by the operator's explicit word.

use std::sync::{Arc, Mutex, PoisonError};

use super::describe;
use crate::engine::approval::NO_SNAPSHOT;
use crate::engine::plan::{Plan, PlannedRelationship};
use crate::engine::port::{Held, Hold, Journal, Kept, Place, Refusal, RunStart, Unsaved, Work};
use crate::engine::{Error, Result};
use crate::model::ServerName;

impl Plan {
    /// The plan with what stands against it where nothing that it overwrites could be kept.
    pub fn kept_by(mut self, journal: &dyn Journal) -> Plan {
        let writes = |planned: &PlannedRelationship| planned.scopes.iter().any(|scope| scope.work.is_some());
        if !self.relationships.iter().any(writes) {
            return self;
        }
        let Err(error) = journal.ready() else { return self };
        let refusal = Refusal {
            name: NO_SNAPSHOT,
            message: error.to_string(),
            hint: error.hint.unwrap_or_default(),
            overridable: true,
        };
        for planned in self.relationships.iter_mut().filter(|planned| writes(planned)) {
            planned.refusals.push(refusal.clone());
        }
        let overrides = self.overrides.clone();
        self.with_overrides(overrides)
    }
}

/// A journal whose failures stop a run, unless the operator said that they shall not.
pub(in crate::engine) struct Optional<'a> {
    journal: &'a dyn Journal,
    overridden: bool,
    lost: Mutex<Option<String>>,
}

impl<'a> Optional<'a> {
    pub(in crate::engine) fn new(journal: &'a dyn Journal, overridden: bool) -> Self {
        Optional { journal, overridden, lost: Mutex::default() }
    }

    /// What the operator should know of a run that went on without.
    pub(in crate::engine) fn remark(&self) -> Option<String> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(format!("{NO_SNAPSHOT}: not all of this run is in the history, and it may not be undone: {lost}"))
    }

    fn or_without<T>(&self, result: Result<T>, without: impl FnOnce() -> T) -> Result<T> {
        result.or_else(|error| if self.overridden { Ok(self.go_on(&error, without())) } else { Err(error) })
    }

    fn go_on<T>(&self, error: &Error, value: T) -> T {
        tracing::warn!(%error, "{NO_SNAPSHOT}: the run goes on without the history");
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| describe(error));
        value
    }
}

impl Journal for Optional<'_> {
    fn ready(&self) -> Result<()> {
        self.or_without(self.journal.ready(), || ())
    }

    fn enter(&self, run: &str) -> Result<Option<Held>> {
        self.or_without(self.journal.enter(run), || Some(Box::new(())))
    }

    fn hold(&self, server: &str, run: &str) -> Result<Hold> {
        self.or_without(self.journal.hold(server, run), || Hold::Mine(Box::new(())))
    }

    fn begin(&self, start: &RunStart) -> Result<()> {
        self.or_without(self.journal.begin(start), || ())
    }

    fn before(&self, place: &Place, work: &[Arc<Work>]) -> Result<()> {
        self.or_without(self.journal.before(place, work), || ())
    }

    fn after(&self, place: &Place, kept: &[Kept]) -> Result<()> {
        self.or_without(self.journal.after(place, kept), || ())
    }

    fn end(&self, run: &str, report: &serde_json::Value) -> Result<()> {
        self.or_without(self.journal.end(run, report), || ())
    }

    fn interrupted_on(&self, target: &ServerName) -> Vec<String> {
        self.journal.interrupted_on(target)
    }

    fn not_begun(&self, start: &RunStart, report: &serde_json::Value) -> Result<()> {
        self.or_without(self.journal.not_begun(start, report), || ())
    }

    fn unsaved(&self, target: &ServerName) -> Option<Unsaved> {
        self.journal.unsaved(target)
    }

    fn remember_unsaved(&self, target: &ServerName, unsaved: Option<Unsaved>) -> Result<()> {
        self.or_without(self.journal.remember_unsaved(target, unsaved), || ())
    }
}
