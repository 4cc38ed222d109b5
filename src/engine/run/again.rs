//! A writer of an undo: it writes as any other and never tells the operator to replicate.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::engine::approval::Approved;
use crate::engine::error::{AGAIN, undo_again};
use crate::engine::port::{Abilities, Assessment, Control, Done, Gate, Pulse, Saved, Work, Writer};
use crate::engine::{Error, Result};
use crate::model::{Scope, ScopeId};

/// The writer of a run: its hints are those of an undo where it `undoes` a run.
pub(super) fn of_run(writer: Arc<dyn Writer>, undoes: Option<&str>) -> Arc<dyn Writer> {
    match undoes {
        None => writer,
        Some(run) => Arc::new(OfUndo { writer, run: run.to_owned() }),
    }
}

/// An error of a run, which may undo another one.
pub(super) fn in_words(error: Error, undoes: Option<&str>) -> Error {
    match undoes {
        None => error,
        Some(run) => error.of_undo(run),
    }
}

struct OfUndo {
    writer: Arc<dyn Writer>,
    run: String,
}

impl OfUndo {
    fn error(&self, error: Error) -> Error {
        error.of_undo(&self.run)
    }

    fn done(&self, done: Done) -> Done {
        match done {
            Done::Partial { done, cause } => Done::Partial { done, cause: self.error(cause) },
            Done::Rejected(error) => Done::Rejected(self.error(error)),
            Done::Unknown(error) => Done::Unknown(self.error(error)),
            Done::Applied | Done::Cancelled => done,
        }
    }
}

#[async_trait]
impl Writer for OfUndo {
    fn abilities(&self) -> Abilities {
        let abilities = self.writer.abilities();
        Abilities { brings_back: abilities.brings_back.replace(AGAIN, &undo_again(&self.run)), ..abilities }
    }

    async fn assess(&self, work: &[Arc<Work>], ctl: &Control) -> Result<Assessment> {
        self.writer.assess(work, ctl).await
    }

    async fn prepare(&self, ok: &Approved, ctl: &Control) -> Result<()> {
        self.writer.prepare(ok, ctl).await.map_err(|error| self.error(error))
    }

    fn begin_ahead(&self, work: &[Arc<Work>], mark: &Pulse, ok: &Approved, ctl: &Control) -> bool {
        self.writer.begin_ahead(work, mark, ok, ctl)
    }

    async fn write(&self, work: &[Arc<Work>], ok: &Approved, gate: &dyn Gate, ctl: &Control) -> Vec<Done> {
        let done = self.writer.write(work, ok, gate, ctl).await;
        done.into_iter().map(|done| self.done(done)).collect()
    }

    async fn settle(&self, ctl: &Control) -> Result<()> {
        self.writer.settle(ctl).await.map_err(|error| self.error(error))
    }

    fn seen(&self, ids: &[ScopeId]) -> Option<BTreeMap<ScopeId, Option<Scope>>> {
        self.writer.seen(ids)
    }

    fn needs_saving(&self) -> bool {
        self.writer.needs_saving()
    }

    async fn save(&self, ctl: &Control) -> Saved {
        match self.writer.save(ctl).await {
            Saved::NotSaved(error) => Saved::NotSaved(self.error(error)),
            Saved::Broken(error) => Saved::Broken(self.error(error)),
            saved => saved,
        }
    }

    async fn cut_short(&self, ctl: &Control) -> Result<Vec<String>> {
        self.writer.cut_short(ctl).await
    }

    fn remarks(&self) -> Vec<String> {
        self.writer.remarks()
    }
}
