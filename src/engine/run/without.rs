//! Going on where nothing can be kept, by the operator's explicit word.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::describe;
use crate::engine::approval::NO_SNAPSHOT;
use crate::engine::plan::{Plan, PlannedRelationship};
use crate::engine::port::{Held, Hold, Journal, Kept, Place, Refusal, RunStart, Unsaved, Work};
use crate::engine::{Error, Result};
use crate::model::{ScopeId, ServerName};

impl Plan {
    /// The plan with what stands against it where nothing that it overwrites could be kept, and with what earlier
    /// runs left unsaved.
    pub fn kept_by(mut self, journal: &dyn Journal) -> Plan {
        self.note_left_over(journal);
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
        // never past another run: only where there is no place for locks
        match self.journal.hold(server, run)? {
            Hold::Nowhere(error) if self.overridden => Ok(Hold::Mine(self.go_on(&error, Box::new(())))),
            hold => Ok(hold),
        }
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

    fn unwritten(&self, report: &serde_json::Value) -> Result<()> {
        self.or_without(self.journal.unwritten(report), || ())
    }

    fn unsaved(&self, target: &ServerName) -> Option<Unsaved> {
        self.journal.unsaved(target)
    }

    fn remember_unsaved(&self, target: &ServerName, unsaved: Option<Unsaved>) -> Result<()> {
        self.or_without(self.journal.remember_unsaved(target, unsaved), || ())
    }

    fn lost(&self, target: &ServerName) -> BTreeSet<ScopeId> {
        self.journal.lost(target)
    }

    fn remember_lost(&self, target: &ServerName, lost: &BTreeSet<ScopeId>) -> Result<()> {
        self.or_without(self.journal.remember_lost(target, lost), || ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ErrorKind;
    use crate::engine::port::Owner;

    /// Has nothing but what it says of who holds servers.
    struct Holder(fn() -> Result<Hold>);

    impl Journal for Holder {
        fn hold(&self, _server: &str, _run: &str) -> Result<Hold> {
            (self.0)()
        }
        fn begin(&self, _start: &RunStart) -> Result<()> {
            Ok(())
        }
        fn before(&self, _place: &Place, _work: &[Arc<Work>]) -> Result<()> {
            Ok(())
        }
        fn after(&self, _place: &Place, _kept: &[Kept]) -> Result<()> {
            Ok(())
        }
        fn end(&self, _run: &str, _report: &serde_json::Value) -> Result<()> {
            Ok(())
        }
        fn unsaved(&self, _target: &ServerName) -> Option<Unsaved> {
            None
        }
        fn remember_unsaved(&self, _target: &ServerName, _unsaved: Option<Unsaved>) -> Result<()> {
            Ok(())
        }
        fn lost(&self, _target: &ServerName) -> BTreeSet<ScopeId> {
            BTreeSet::new()
        }
        fn remember_lost(&self, _target: &ServerName, _lost: &BTreeSet<ScopeId>) -> Result<()> {
            Ok(())
        }
    }

    fn full() -> Error {
        Error::new(ErrorKind::Local, "no space")
    }

    #[test]
    fn the_override_leads_past_no_other_run() {
        let hold = |holder, overridden| Optional::new(&Holder(holder), overridden).hold("server", "r1");
        assert!(matches!(hold(|| Ok(Hold::Other(Owner::default())), true), Ok(Hold::Other(_))));
        assert!(hold(|| Err(full()), true).is_err(), "a lock that is there and cannot be asked may be held");
        assert!(matches!(hold(|| Ok(Hold::Nowhere(full())), true), Ok(Hold::Mine(_))));
        assert!(matches!(hold(|| Ok(Hold::Nowhere(full())), false), Ok(Hold::Nowhere(_))));
    }
}
