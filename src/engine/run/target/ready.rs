//! What comes before a write: the last look at its scopes, and their snapshots.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::check::{self, Side};
use super::super::describe;
use super::{Course, Delivery, Entry, Told, all, gone, prepare, record, untouched};
use crate::engine::outcome::Outcome;
use crate::engine::port::{Kept, Place, ReadBack, Work};
use crate::engine::progress::Stage;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Scope, ScopeId};

/// A batch of which nothing is written yet.
pub(super) struct Ready {
    /// What is as planned, and stored.
    pub(super) entries: Vec<Entry>,
    /// What has moved.
    pub(super) moved: Vec<Told>,
    /// Where it is stored.
    pub(super) places: Vec<(usize, Place)>,
    /// When it was looked at.
    looked: Instant,
}

/// A batch of which nothing can be written.
pub(super) struct Halt {
    /// What that means for each of its scopes.
    pub(super) told: Vec<Told>,
    /// What ends the whole delivery.
    pub(super) lost: Option<Error>,
}

pub(super) type Looked = std::result::Result<Ready, Halt>;

/// What was looked at longer ago is looked at once more before it is written.
const FRESH: Duration = Duration::from_millis(500);

impl Delivery<'_> {
    /// Looks at a batch and stores it. The server keeps its old state once, before that look, as it
    /// takes its time, and after another one, as nothing is kept where nothing is to be written. A
    /// writer of whole servers does the same by itself.
    pub(super) async fn ready(&self, batch: &[Entry], course: &mut Course) -> Looked {
        self.tell(batch, Stage::Checking);
        let looked = self.looked(batch, course).await;
        let (entries, moved) = looked.map_err(|error| unread(batch, error))?;
        let expecting = if entries.is_empty() { Ok(()) } else { self.expect_to_save(course) };
        match expecting {
            Ok(()) => self.stored(entries, moved, Instant::now()),
            Err(error) => Err(unstored(&entries, moved, error)),
        }
    }

    /// The same for a batch after one that was written, while that one is read back. Once the operator cancels it
    /// has no turn, and nobody waits for it.
    pub(super) async fn ahead(&self, batch: &[Entry]) -> Looked {
        self.tell_beside(batch, Stage::Checking);
        let looked = Instant::now();
        let unmoved = tokio::select! {
            biased;
            unmoved = self.unmoved(batch) => unmoved,
            () = self.run.ctl.soft.cancelled() => Err(given_up()),
        };
        let (entries, moved) = unmoved.map_err(|error| unread(batch, error))?;
        self.stored(entries, moved, looked)
    }

    /// Looks once more at what waited for long, such as for a batch before it that took its time to be read back.
    pub(super) async fn fresh(&self, ready: Ready) -> Looked {
        if ready.entries.is_empty() || ready.looked.elapsed() < FRESH {
            return Ok(ready);
        }
        self.tell(&ready.entries, Stage::Checking);
        let Ready { mut entries, mut moved, places, .. } = ready;
        let looked = Instant::now();
        match self.unmoved(&entries).await {
            Ok((still, since)) => {
                entries.retain(|(_, work)| since.iter().any(|(_, told)| told.id == work.id));
                self.withdraw(&entries, &places, Outcome::Rejected, "it moved before it was written");
                moved.extend(since);
                Ok(Ready { entries: still, moved, places, looked })
            }
            Err(error) => {
                self.withdraw(&entries, &places, outcome_of(&error), &nothing_written(&error));
                let halt = unread(&entries, error);
                moved.extend(halt.told);
                Err(Halt { told: moved, lost: halt.lost })
            }
        }
    }

    async fn looked(&self, batch: &[Entry], course: &mut Course) -> Result<(Vec<Entry>, Vec<Told>)> {
        let (entries, mut moved) = self.unmoved(batch).await?;
        if entries.is_empty() || self.is_for_all() || std::mem::replace(&mut course.prepared, true) {
            return Ok((entries, moved));
        }
        course.remarks.extend(prepare(&*self.writer, self.tasks[0].approval, self.run.ctl).await);
        let (entries, later) = self.unmoved(&entries).await?;
        moved.extend(later);
        Ok((entries, moved))
    }

    /// Splits a batch into what is still as planned, and outcomes for what has moved. It only reads, and ends at once
    /// when the operator ends all: a server that does not answer holds nobody up.
    pub(super) async fn unmoved(&self, batch: &[Entry]) -> Result<(Vec<Entry>, Vec<Told>)> {
        // its writer looks at the target once more, and nothing else of this run came between
        if self.is_for_all() && self.tasks.iter().all(|task| task.checked.is_fresh()) {
            return Ok((batch.to_vec(), Vec::new()));
        }
        let ids: Vec<ScopeId> = batch.iter().map(|(_, work)| work.id).collect();
        let ctl = self.run.ctl;
        let theirs = self.target.reread(&ids, ctl);
        let ours = futures_util::future::try_join_all(self.tasks.iter().enumerate().map(|(number, task)| {
            let ids: Vec<ScopeId> = batch.iter().filter(|(of, _)| *of == number).map(|(_, work)| work.id).collect();
            async move {
                match &task.checked.source {
                    Some(source) => source.reread(&ids, ctl).await.map(Some),
                    None => Ok(None),
                }
            }
        }));
        let (ours, theirs) = tokio::select! {
            biased;
            () = ctl.hard.cancelled() => return Err(given_up()),
            both = async { tokio::join!(ours, theirs) } => both,
        };
        let (ours, theirs) = (ours?, theirs?);
        let (mut unmoved, mut moved) = (Vec::new(), Vec::new());
        for (task, planned) in batch {
            let [source, target] = &self.tasks[*task].checked.contexts;
            let look = |side, scopes: &BTreeMap<ScopeId, Option<Scope>>, context| {
                check::unchanged(planned, side, scopes.get(&planned.id).and_then(Option::as_ref), context)
            };
            let ours = ours[*task].as_ref().map_or(Ok(()), |ours| look(Side::Source, ours, source));
            match ours.and_then(|()| look(Side::Target, &theirs, target)) {
                Ok(()) => unmoved.push((*task, planned.clone())),
                Err(error) => {
                    moved.push((*task, untouched(planned, Outcome::Rejected, nothing_written(&error))));
                }
            }
        }
        Ok((unmoved, moved))
    }

    /// Stores the scopes as they are, relationship by relationship.
    fn store(&self, entries: &[Entry]) -> Result<Vec<(usize, Place)>> {
        let mut places = Vec::new();
        for (number, task) in self.tasks.iter().enumerate() {
            let work: Vec<Arc<Work>> =
                entries.iter().filter(|(of, _)| *of == number).map(|(_, work)| work.clone()).collect();
            if !work.is_empty() {
                let place = Place {
                    run: self.run.id.to_owned(),
                    target: self.target.name().clone(),
                    identity: task.planned.identities[1].clone(),
                    relationship: task.planned.name.clone(),
                };
                if let Err(error) = self.run.journal.before(&place, &work) {
                    // those of other relationships that could be
                    self.withdraw(entries, &places, Outcome::Rejected, &nothing_written(&error));
                    return Err(error);
                }
                places.push((number, place));
            }
        }
        Ok(places)
    }

    /// Says of what is stored that it is not written after all.
    pub(super) fn withdraw(&self, entries: &[Entry], places: &[(usize, Place)], outcome: Outcome, text: &str) {
        let kept = |work: &Work| {
            let told = untouched(work, outcome, text.to_owned());
            // as it was found a moment ago
            let after = match (&work.before, &work.expect.target) {
                (Some(scope), Some(fingerprint)) => {
                    ReadBack::There { scope: scope.clone(), fingerprint: fingerprint.clone() }
                }
                _ => ReadBack::Missing,
            };
            Kept { id: work.id, outcome: told.outcome, record: record(&told), after }
        };
        for (number, place) in places {
            let kept: Vec<Kept> = entries.iter().filter(|(of, _)| of == number).map(|(_, work)| kept(work)).collect();
            if let Err(error) = self.run.journal.after(place, &kept) {
                tracing::warn!(%error, "the history could not store that nothing was written");
            }
        }
    }

    fn stored(&self, entries: Vec<Entry>, moved: Vec<Told>, looked: Instant) -> Looked {
        if !entries.is_empty() {
            self.tell(&entries, Stage::Journal);
        }
        // in this order: what is stored and has no outcome is taken for written
        match self.store(&entries) {
            Ok(places) => Ok(Ready { entries, moved, places, looked }),
            Err(error) => Err(unstored(&entries, moved, error)),
        }
    }
}

fn unread(batch: &[Entry], error: Error) -> Halt {
    Halt { told: all(batch, outcome_of(&error), &nothing_written(&error)), lost: gone(error) }
}

/// What was cancelled is left for another time, and nobody's failure.
fn outcome_of(error: &Error) -> Outcome {
    if error.kind == ErrorKind::Cancelled { Outcome::Cancelled } else { Outcome::Rejected }
}

fn given_up() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled while it was looked at")
}

fn unstored(entries: &[Entry], moved: Vec<Told>, error: Error) -> Halt {
    let text = format!("nothing was written: no snapshot could be kept: {}", describe(&error));
    let told = moved.into_iter().chain(all(entries, Outcome::Rejected, &text)).collect();
    Halt { told, lost: Some(error) }
}

fn nothing_written(error: &Error) -> String {
    format!("nothing was written: {}", describe(error))
}
