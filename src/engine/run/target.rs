//! One relationship's part of a run: batch after batch to one target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check::{self, Checked};
use super::{Part, classify, describe};
use crate::engine::approval::Approved;
use crate::engine::outcome::{Outcome, SavedState, ScopeRun};
use crate::engine::plan::PlannedRelationship;
use crate::engine::port::{Batch, Control, Done, Journal, Saved, Unsaved, Work, Writer};
use crate::engine::progress::Stage;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Scope, ScopeId, ServerName};

/// What one relationship has to do on its target.
pub(super) struct Task<'a> {
    /// Its place in the plan.
    pub at: usize,
    pub planned: &'a PlannedRelationship,
    pub overrides: &'a BTreeSet<String>,
    pub approval: &'a Approved,
    pub writer: Arc<dyn Writer>,
    pub checked: Checked,
}

impl Task<'_> {
    /// Writes every scope that is to be written, then saves.
    pub(super) async fn execute(self, journal: &dyn Journal, run: &str, ctl: &Control) -> Part {
        let work: Vec<Work> =
            self.planned.to_write(self.overrides).filter_map(|scope| scope.work.as_deref().cloned()).collect();
        let mut part = Part::default();
        let size = match self.writer.abilities().batch {
            Batch::One => 1,
            Batch::WholeServer => work.len().max(1),
        };
        let mut course = Course::default();
        for batch in work.chunks(size) {
            let outcomes = match &course.lost {
                Some(error) => all(batch, Outcome::Rejected, &format!("not begun: {}", describe(error))),
                None if ctl.is_cancelled() => all(batch, Outcome::Cancelled, "cancelled before its turn"),
                None => self.batch(batch, journal, run, &mut course, ctl).await,
            };
            self.tell_done(&outcomes, ctl);
            part.scopes.extend(outcomes);
        }
        part.remarks = std::mem::take(&mut course.remarks);
        self.save(&mut part, course, journal, ctl).await;
        part
    }

    async fn batch(
        &self,
        batch: &[Work],
        journal: &dyn Journal,
        run: &str,
        course: &mut Course,
        ctl: &Control,
    ) -> Vec<ScopeRun> {
        self.tell(batch, Stage::Checking, ctl);
        // first, as it takes its time: after the check nothing stands before the write that can wait
        self.prepare(course, ctl).await;
        let (work, mut outcomes) = match self.unmoved(batch, ctl).await {
            Ok(sorted) => sorted,
            Err(error) => {
                let outcomes = all(batch, Outcome::Rejected, &format!("nothing was written: {}", describe(&error)));
                course.lost = gone(error);
                return outcomes;
            }
        };
        if work.is_empty() {
            return outcomes;
        }
        self.tell(&work, Stage::Journal, ctl);
        let kept = journal.before(run, self.checked.target.name(), &work);
        let token = match kept.and_then(|token| self.expect_to_save(course, journal).map(|()| token)) {
            Ok(token) => token,
            Err(error) => {
                let text = format!("nothing was written: the journal could not be kept: {}", describe(&error));
                outcomes.extend(all(&work, Outcome::Rejected, &text));
                course.lost = Some(error);
                return outcomes;
            }
        };
        self.tell(&work, Stage::Writing, ctl);
        let done = self.writer.write(&work, self.approval, ctl).await;
        self.tell(&work, Stage::Settling, ctl);
        let settled = self.writer.settle(ctl).await;
        self.tell(&work, Stage::Verifying, ctl);
        let written = self.read_back(&work, done, &mut course.lost, ctl).await;
        let record: Vec<_> = written.iter().map(record).collect();
        if let Err(error) = journal.after(token, &serde_json::Value::Array(record)) {
            tracing::warn!(%error, "the journal could not store the outcomes");
            course.remarks.push(format!("what became of some scopes is not in the journal: {error}"));
        }
        outcomes.extend(written.into_iter().map(|scope| match &settled {
            Ok(()) => scope,
            Err(error) => add_message(scope, &format!("the target did not come back to normal: {}", describe(error))),
        }));
        outcomes
    }

    /// Splits a batch into what is still as planned, and outcomes for what has moved.
    async fn unmoved(&self, batch: &[Work], ctl: &Control) -> Result<(Vec<Work>, Vec<ScopeRun>)> {
        let ids: Vec<ScopeId> = batch.iter().map(|work| work.id).collect();
        let (ours, theirs) = tokio::join!(self.checked.source.reread(&ids, ctl), self.checked.target.reread(&ids, ctl));
        let (ours, theirs) = (ours?, theirs?);
        let contexts = [&*self.checked.contexts[0], &*self.checked.contexts[1]];
        let side = |scopes: &BTreeMap<ScopeId, Option<Scope>>, id| scopes.get(&id).cloned().flatten();
        let (mut work, mut moved) = (Vec::new(), Vec::new());
        for planned in batch {
            let now = [side(&ours, planned.id), side(&theirs, planned.id)];
            match check::compare(planned.id, &planned.expect, [now[0].as_ref(), now[1].as_ref()], contexts) {
                Ok(()) => work.push(planned.clone()),
                Err(error) => {
                    let text = format!("nothing was written: {}", describe(&error));
                    moved.push(untouched(planned, Outcome::Rejected, text));
                }
            }
        }
        Ok((work, moved))
    }

    async fn read_back(
        &self,
        work: &[Work],
        done: Vec<Done>,
        lost: &mut Option<Error>,
        ctl: &Control,
    ) -> Vec<ScopeRun> {
        let ids: Vec<ScopeId> = work.iter().map(|work| work.id).collect();
        let mut after = self.checked.target.reread(&ids, ctl).await;
        // reading changes nothing: a connection that just broke must not leave the outcome unknown
        if after.as_ref().is_err_and(broke) {
            after = self.checked.target.reread(&ids, ctl).await;
        }
        if let Err(error) = &after {
            *lost = gone(error.clone());
        }
        let mut done = done.into_iter();
        work.iter()
            .map(|work| {
                let missing = || Done::Unknown(Error::new(ErrorKind::Garbled, "the writer told nothing about it"));
                let after = after.as_ref().map(|scopes| scopes.get(&work.id).cloned().flatten());
                classify::outcome(work, done.next().unwrap_or_else(missing), after, &self.checked.contexts[1])
            })
            .collect()
    }

    /// Whatever ends this program from here on, the next run knows that the target is not saved.
    fn expect_to_save(&self, course: &mut Course, journal: &dyn Journal) -> Result<()> {
        let target = self.checked.target.name();
        if course.before.is_none() && self.writer.needs_saving() {
            let before = journal.unsaved(target);
            journal.remember_unsaved(target, before.or(Some(Unsaved::Running)))?;
            course.before = Some(before);
        }
        Ok(())
    }

    /// Lets the server keep its old state once, right before the first write of the run.
    async fn prepare(&self, course: &mut Course, ctl: &Control) {
        if std::mem::replace(&mut course.prepared, true) {
            return;
        }
        course.remarks.extend(prepare(&*self.writer, self.approval, ctl).await);
    }

    async fn save(&self, part: &mut Part, course: Course, journal: &dyn Journal, ctl: &Control) {
        let touched =
            |scope: &ScopeRun| matches!(scope.outcome, Outcome::Replicated | Outcome::Partial | Outcome::Unknown);
        if !part.scopes.iter().any(touched) {
            if let Some(before) = course.before {
                tell_next_run(journal, self.checked.target.name(), before, part);
            }
            return;
        }
        let ids: Vec<ScopeId> = part.scopes.iter().filter(|scope| touched(scope)).map(|scope| scope.id).collect();
        self.tell_stage(&ids, Stage::Saving, ctl);
        let saved = match self.reason_not_to_save(part, course.lost, ctl) {
            Some(reason) => Saved::NotSaved(reason.on(self.checked.target.name())),
            None => self.writer.save(ctl).await,
        };
        remember(journal, self.checked.target.name(), &saved, part);
        for scope in part.scopes.iter_mut().filter(|scope| touched(scope)) {
            scope.saved = SavedState::from(&saved);
        }
        part.remarks.extend(self.writer.remarks());
        self.tell_stage(&ids, Stage::Done, ctl);
    }

    fn reason_not_to_save(&self, part: &Part, lost: Option<Error>, ctl: &Control) -> Option<Error> {
        let gone: Vec<String> =
            part.scopes.iter().filter(|scope| scope.gone).map(|scope| scope.id.to_string()).collect();
        if !gone.is_empty() {
            let text = format!("not saved on purpose: the target lacks {} now", gone.join(", "));
            return Some(Error::new(ErrorKind::Safety, text).hint(
                "replicate again to create it anew and save; until then a restart of the server brings the old \
                 configuration back",
            ));
        }
        if ctl.hard.is_cancelled() {
            return Some(
                Error::new(ErrorKind::Cancelled, "cancelled before saving")
                    .hint("replicate again to save, else a restart of the server loses the changes"),
            );
        }
        lost.filter(|error| error.server.as_ref() == Some(self.checked.target.name()))
    }

    fn tell(&self, work: &[Work], stage: Stage, ctl: &Control) {
        let ids: Vec<ScopeId> = work.iter().map(|work| work.id).collect();
        self.tell_stage(&ids, stage, ctl);
    }

    fn tell_stage(&self, ids: &[ScopeId], stage: Stage, ctl: &Control) {
        let moved: BTreeSet<&ScopeId> = ids.iter().collect();
        ctl.progress.update(|status| {
            let stages = Arc::make_mut(&mut status.stages);
            for entry in stages.iter_mut().filter(|(at, id, _)| *at == self.at && moved.contains(id)) {
                entry.2 = stage;
            }
            status.current = Some((self.checked.target.name().clone(), ids.first().copied(), stage));
        });
    }

    fn tell_done(&self, outcomes: &[ScopeRun], ctl: &Control) {
        let ids: Vec<ScopeId> = outcomes.iter().map(|scope| scope.id).collect();
        self.tell_stage(&ids, Stage::Done, ctl);
        ctl.progress.update(|status| {
            status.scopes_done += outcomes.len();
            status.changes_done += outcomes.iter().map(|scope| scope.changes_done + scope.changes_left).sum::<usize>();
        });
    }
}

/// How a target's part is going.
#[derive(Default)]
struct Course {
    /// A server stopped answering, or the journal cannot be kept: nothing more is begun.
    lost: Option<Error>,
    prepared: bool,
    /// What the journal said of the target's file before the first write, once that was replaced.
    before: Option<Option<Unsaved>>,
    remarks: Vec<String>,
}

/// Lets the server keep its old state; what is to be said where it could not.
pub(super) async fn prepare(writer: &dyn Writer, ok: &Approved, ctl: &Control) -> Option<String> {
    let error = writer.prepare(ok, ctl).await.err()?;
    Some(format!("the old configuration was not kept on the server: {}", describe(&error)))
}

/// Takes down whether the target is saved, for this report and for the next run.
pub(super) fn remember(journal: &dyn Journal, target: &ServerName, saved: &Saved, part: &mut Part) {
    match saved {
        Saved::NotSaved(error) => part.remarks.push(format!("running but not saved: {}", describe(error))),
        Saved::Broken(error) => part.remarks.push(format!("DO NOT RESTART {target}: {}", describe(error))),
        Saved::Saved | Saved::Never | Saved::NeedsReload => {}
    }
    part.unsaved = saved.amiss().is_some();
    // a broken file stays broken until it is written in full
    let broken = journal.unsaved(target).filter(|amiss| part.unsaved && *amiss == Unsaved::Broken);
    tell_next_run(journal, target, broken.or(saved.amiss()), part);
}

fn tell_next_run(journal: &dyn Journal, target: &ServerName, amiss: Option<Unsaved>, part: &mut Part) {
    if let Err(error) = journal.remember_unsaved(target, amiss) {
        part.remarks.push(format!("whether {target} is saved could not be stored: {}", describe(&error)));
    }
}

/// A server that does not answer would make every further scope wait for its time-out.
fn gone(error: Error) -> Option<Error> {
    matches!(error.kind, ErrorKind::Unreachable | ErrorKind::TimedOut).then_some(error)
}

/// Whether a second try at reading may do better, at once.
fn broke(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Garbled)
}

fn all(batch: &[Work], outcome: Outcome, message: &str) -> Vec<ScopeRun> {
    batch.iter().map(|work| untouched(work, outcome, message.to_owned())).collect()
}

fn untouched(work: &Work, outcome: Outcome, message: String) -> ScopeRun {
    ScopeRun::untouched(work.id, outcome, work.changes.len(), Some(message))
}

fn add_message(scope: ScopeRun, text: &str) -> ScopeRun {
    let message = Some(scope.message.map_or_else(|| text.to_owned(), |old| format!("{old}; {text}")));
    ScopeRun { message, verified: Some(false), ..scope }
}

fn record(scope: &ScopeRun) -> serde_json::Value {
    serde_json::json!({
        "scope": scope.id.to_string(),
        "outcome": scope.outcome,
        "changes_done": scope.changes_done,
        "changes_left": scope.changes_left,
        "verified": scope.verified,
        "message": scope.message,
    })
}
