//! What goes to one target: batch after batch, of one relationship or of several at once.

mod ready;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use self::ready::{Looked, Ready};
use super::check::{self, Checked};
use super::{Part, again, classify, describe, losses};
use crate::engine::approval::Approved;
use crate::engine::fleet::Fleet;
use crate::engine::gate::{Gatekeeper, Partner};
use crate::engine::outcome::{Outcome, SavedState, ScopeRun};
use crate::engine::plan::PlannedRelationship;
use crate::engine::port::{
    Batch, Control, Done, Doubts, Gate, Journal, Kept, Place, ReadBack, Saved, Server, Unsaved, Work, Writer,
};
use crate::engine::progress::{Stage, Status};
use crate::engine::report::ChangeReport;
use crate::engine::{Error, ErrorKind, Result, fingerprint};
use crate::model::{Context, Scope, ScopeId, ServerName};

/// For so long what was written is read back after the operator has ended all else.
const LAST_LOOK: Duration = Duration::from_secs(10);

/// What holds for a run as a whole.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub id: &'a str,
    /// The run that is undone.
    pub undoes: Option<&'a str>,
    pub fleet: &'a Fleet,
    pub overrides: &'a BTreeSet<String>,
    pub journal: &'a dyn Journal,
    pub ctl: &'a Control,
}

/// What one relationship has to do on its target.
pub(super) struct Task<'a> {
    /// Its place in the plan.
    pub at: usize,
    pub planned: &'a PlannedRelationship,
    pub approval: &'a Approved,
    pub checked: Checked,
}

/// A scope that is to be written, with the number of its task.
type Entry = (usize, Arc<Work>);

/// What became of a scope, with the number of its task.
type Told = (usize, ScopeRun);

/// What is written to one target by one writer. A writer that writes the whole server at
/// once does so for all relationships of that server.
pub(super) struct Delivery<'a> {
    run: Run<'a>,
    writer: Arc<dyn Writer>,
    target: Arc<dyn Server>,
    /// Never empty.
    tasks: Vec<Task<'a>>,
}

impl<'a> Delivery<'a> {
    /// What has to be delivered for these tasks, which all have this target.
    pub(super) fn all(run: Run<'a>, tasks: Vec<Task<'a>>) -> Vec<Self> {
        let mut deliveries: Vec<Delivery<'a>> = Vec::new();
        for task in tasks {
            let Some(writer) = task.planned.writer.clone() else { continue };
            match deliveries.last_mut() {
                Some(before) if before.is_for_all() => before.tasks.push(task),
                _ => {
                    let writer = again::of_run(writer, run.undoes);
                    deliveries.push(Delivery { run, writer, target: task.checked.target.clone(), tasks: vec![task] });
                }
            }
        }
        deliveries
    }

    fn is_for_all(&self) -> bool {
        self.writer.abilities().batch == Batch::WholeServer
    }

    /// Writes every scope that is to be written, then saves; what became of each relationship,
    /// with its place in the plan.
    pub(super) async fn execute(self) -> Vec<(usize, Part)> {
        let (entries, repeated) = self.entries();
        let size = match self.writer.abilities().batch {
            Batch::One => 1,
            Batch::Many(most) => most.max(1),
            Batch::WholeServer => entries.len().max(1),
        };
        let mut parts: Vec<Part> = self.tasks.iter().map(|_| Part::default()).collect();
        let mut course = Course::default();
        let mut take = |told: Vec<Told>| {
            self.tell_done(&told);
            told.into_iter().for_each(|(task, scope)| parts[task].scopes.push(scope));
        };
        take(all(&repeated, Outcome::Rejected, "not begun: another relationship of this run writes the same scope"));
        let mut batches = entries.chunks(size).peekable();
        while let Some(batch) = batches.next() {
            let against = match &course.lost {
                Some(error) => Some((Outcome::Rejected, format!("not begun: {}", describe(error)))),
                None if self.run.ctl.is_cancelled() => {
                    Some((Outcome::Cancelled, "cancelled before its turn".to_owned()))
                }
                None => None,
            };
            take(match against {
                Some((outcome, text)) => {
                    if let Some(Ok(ready)) = course.ahead.take() {
                        self.withdraw(&ready.entries, &ready.places, outcome, &text);
                    }
                    all(batch, outcome, &text)
                }
                None => self.batch(batch, batches.peek().copied(), &mut course).await,
            });
        }
        if let Some(part) = parts.first_mut() {
            part.remarks = std::mem::take(&mut course.remarks);
        }
        self.save(&mut parts, course).await;
        self.tasks.iter().map(|task| task.at).zip(parts).collect()
    }

    /// The scopes to write, and those that another relationship writes already.
    fn entries(&self) -> (Vec<Entry>, Vec<Entry>) {
        let mut seen = BTreeSet::new();
        let works = |(number, task): (usize, &Task<'a>)| {
            let work = |scope: &crate::engine::plan::PlannedScope| Some((number, scope.work.clone()?));
            task.planned.to_write(self.run.overrides).filter_map(work).collect::<Vec<_>>()
        };
        self.tasks.iter().enumerate().flat_map(works).partition(|(_, work)| seen.insert(work.id))
    }

    /// Writes a batch, and makes the next one ready while it reads this one back.
    async fn batch(&self, batch: &[Entry], next: Option<&[Entry]>, course: &mut Course) -> Vec<Told> {
        let ctl = self.run.ctl;
        let ready = match course.ahead.take() {
            Some(Ok(ahead)) => self.fresh(ahead).await,
            Some(Err(halt)) => Err(halt),
            None => self.ready(batch, course).await,
        };
        let Ready { entries, moved: mut outcomes, places, .. } = match ready {
            Ok(ready) => ready,
            Err(halt) => {
                course.lost = halt.lost;
                return halt.told;
            }
        };
        if entries.is_empty() {
            return outcomes;
        }
        self.tell(&entries, Stage::Writing);
        let work: Vec<Arc<Work>> = entries.iter().map(|(_, work)| work.clone()).collect();
        let partners: Vec<Partner> = self.tasks.iter().flat_map(|task| task.planned.partners.clone()).collect();
        let keeper = Gatekeeper::new(self.run.fleet, self.target.clone(), &partners, self.run.overrides);
        let gate = LastLook { keeper, delivery: self, entries: &entries, found: OnceLock::new() };
        let done = self.writer.write(&work, self.tasks[0].approval, &gate, ctl).await;
        course.contexts = gate.found.into_inner();
        self.tell(&entries, Stage::Settling);
        let ids: Vec<ScopeId> = work.iter().map(|work| work.id).collect();
        let (settled, written) = match self.writer.seen(&ids) {
            // what was read already is judged while the target comes back
            Some(seen) => {
                let judged = async {
                    let written = self.conclude(&entries, done, Ok(seen), places, course);
                    (written, Instant::now())
                };
                let (settled, (written, since)) = tokio::join!(self.writer.settle(ctl), judged);
                self.waited(since);
                (settled, written)
            }
            None => {
                let since = Instant::now();
                let settled = self.writer.settle(ctl).await;
                self.waited(since);
                self.tell(&entries, Stage::Verifying);
                let judged = async {
                    let after = self.read_back(&ids).await;
                    self.conclude(&entries, done, after, places, course)
                };
                let ahead = async {
                    match next {
                        Some(next) => Some(self.ahead(next).await),
                        None => None,
                    }
                };
                // first its questions, so that the target answers while this keeps what it found
                let (ahead, written) = tokio::join!(ahead, judged);
                course.ahead = ahead;
                (settled, written)
            }
        };
        if let Err(error) = &settled {
            course.remarks.push(format!("the target is not back in service: {}", describe(error)));
        }
        outcomes.extend(written.into_iter().map(|(task, scope)| match &settled {
            Ok(()) => (task, scope),
            Err(_) => (task, add_message(scope, "the target is not back in service")),
        }));
        outcomes
    }

    /// For how long there was nothing to do but to wait for the target's service.
    fn waited(&self, since: Instant) {
        let seconds = since.elapsed().as_secs_f64();
        tracing::debug!(server = %self.target.name(), seconds, "settled");
    }

    /// What became of a write is read however often the operator cancels, but then not for long.
    async fn read_back(&self, ids: &[ScopeId]) -> Result<BTreeMap<ScopeId, Option<Scope>>> {
        let ctl = Control { progress: self.run.ctl.progress.clone(), ..Control::free() };
        let reading = async {
            match self.target.reread(ids, &ctl).await {
                // reading changes nothing: a connection that just broke must not leave the outcome unknown
                Err(error) if broke(&error) => self.target.reread(ids, &ctl).await,
                after => after,
            }
        };
        let given_up = async {
            self.run.ctl.hard.cancelled().await;
            tokio::time::sleep(LAST_LOOK).await;
        };
        tokio::select! {
            biased;
            after = reading => after,
            () = given_up => {
                let what = format!("cancelled, and not read back within {} s", LAST_LOOK.as_secs());
                Err(Error::new(ErrorKind::Cancelled, what).on(self.target.name()))
            }
        }
    }

    /// What the preview said that the writer may not carry, by task and scope.
    fn uncertain(&self) -> BTreeMap<(usize, ScopeId), &Doubts> {
        let of = |(number, task): (usize, &Task<'a>)| {
            let scopes = task.planned.scopes.iter().filter(|scope| !scope.uncertain.is_empty());
            scopes.map(move |scope| ((number, scope.id), &scope.uncertain)).collect::<Vec<_>>()
        };
        self.tasks.iter().enumerate().flat_map(of).collect()
    }

    /// What became of each scope, by what is there now; kept in the journal.
    fn conclude(
        &self,
        entries: &[Entry],
        done: Vec<Done>,
        mut after: Result<BTreeMap<ScopeId, Option<Scope>>>,
        places: Vec<(usize, Place)>,
        course: &mut Course,
    ) -> Vec<Told> {
        let unread = after.as_ref().err().cloned();
        if let Some(error) = &unread {
            course.lost = gone(error.clone());
        }
        let latest = course.contexts.clone();
        let target = |task: usize| &latest.as_ref().unwrap_or(&self.tasks[task].checked.contexts)[1];
        let (uncertain, nothing) = (self.uncertain(), Doubts::default());
        let abilities = self.writer.abilities();
        let mut done = done.into_iter();
        let missing = || Done::Unknown(Error::new(ErrorKind::Garbled, "the writer told nothing about it"));
        let mut judge = |(task, work): &Entry| {
            let mut unread = unread.clone();
            let after = match &mut after {
                Err(_) => ReadBack::Unread,
                Ok(scopes) => match scopes.remove(&work.id).flatten() {
                    Some(scope) => match scope.complete.lack() {
                        Some(lack) => {
                            unread = Some(Error::new(ErrorKind::Garbled, lack.to_string()).scope(work.id));
                            ReadBack::Unread
                        }
                        None => {
                            let fingerprint = fingerprint::of(&scope, target(*task));
                            ReadBack::There { scope, fingerprint }
                        }
                    },
                    None => ReadBack::Missing,
                },
            };
            let told = done.next().unwrap_or_else(missing);
            let uncertain = uncertain.get(&(*task, work.id)).copied().unwrap_or(&nothing);
            let told =
                classify::outcome(work, told, &after, unread.as_ref(), uncertain, &abilities, self.target.name());
            let kept = Kept { id: work.id, outcome: told.outcome, record: record(&told), after };
            ((*task, told), (*task, kept))
        };
        let (written, mut kept): (Vec<Told>, Vec<(usize, Kept)>) = entries.iter().map(&mut judge).unzip();
        self.note_losses(&written, &kept, course);
        for (task, place) in places {
            let kept: Vec<Kept> = kept.extract_if(.., |(of, _)| *of == task).map(|(_, kept)| kept).collect();
            if let Err(error) = self.run.journal.after(&place, &kept) {
                tracing::warn!(%error, "the history could not store the outcomes");
                course.remarks.push(format!("what became of some scopes is not in the history: {error}"));
            }
        }
        written
    }

    /// Whatever ends this program from here on, the next run knows which scopes the target's file must not lose.
    fn note_losses(&self, written: &[Told], kept: &[(usize, Kept)], course: &mut Course) {
        if !self.writer.needs_saving() {
            return;
        }
        let (journal, target) = (self.run.journal, self.target.name());
        let before = course.missing.get_or_insert_with(|| journal.lost(target));
        let mut lost = before.clone();
        for (_, kept) in kept.iter().filter(|(_, kept)| matches!(kept.after, ReadBack::There { .. })) {
            lost.remove(&kept.id);
        }
        lost.extend(written.iter().filter(|(_, scope)| scope.gone).map(|(_, scope)| scope.id));
        if lost == *before {
            return;
        }
        if let Err(error) = journal.remember_lost(target, &lost) {
            course.remarks.push(format!("what {target} has lost could not be stored: {}", describe(&error)));
        }
        course.missing = Some(lost);
    }

    /// Whatever ends this program from here on, the next run knows that the target is not saved.
    fn expect_to_save(&self, course: &mut Course) -> Result<()> {
        let (journal, target) = (self.run.journal, self.target.name());
        if course.before.is_none() && self.writer.needs_saving() {
            let before = journal.unsaved(target);
            journal.remember_unsaved(target, before.or(Some(Unsaved::Running)))?;
            course.before = Some(before);
        }
        Ok(())
    }

    async fn save(&self, parts: &mut [Part], course: Course) {
        let touched =
            |scope: &ScopeRun| matches!(scope.outcome, Outcome::Replicated | Outcome::Partial | Outcome::Unknown);
        let concerned: Vec<(usize, ScopeId)> = parts
            .iter()
            .zip(&self.tasks)
            .flat_map(|(part, task)| part.scopes.iter().filter(|s| touched(s)).map(|scope| (task.at, scope.id)))
            .collect();
        if concerned.is_empty() {
            if let (Some(before), Some(part)) = (course.before, parts.first_mut()) {
                tell_next_run(self.run.journal, self.target.name(), before, part);
            }
            return;
        }
        self.tell_stage(&concerned, Stage::Saving);
        let reason = match self.reason_not_to_save(parts, course.lost) {
            _ if !self.writer.needs_saving() => None,
            None => losses::reason_not_to_save(&*self.target, self.run.journal, self.run.overrides, self.run.ctl).await,
            reason => reason,
        };
        let saved = match reason {
            Some(reason) => {
                let reason = again::in_words(reason, self.run.undoes);
                Saved::NotSaved(reason.on(self.target.name()))
            }
            None => self.writer.save(self.run.ctl).await,
        };
        let mut remarks = self.writer.remarks();
        for part in parts.iter_mut().filter(|part| part.scopes.iter().any(touched)) {
            remember(self.run.journal, self.target.name(), &saved, part);
            for scope in part.scopes.iter_mut().filter(|scope| touched(scope)) {
                scope.saved = SavedState::from(&saved);
            }
            part.remarks.append(&mut remarks);
        }
        self.tell_stage(&concerned, Stage::Done);
    }

    fn reason_not_to_save(&self, parts: &[Part], lost: Option<Error>) -> Option<Error> {
        let scopes = parts.iter().flat_map(|part| &part.scopes);
        let gone: Vec<String> = scopes.filter(|scope| scope.gone).map(|scope| scope.id.to_string()).collect();
        if !gone.is_empty() {
            let text = format!("not saved on purpose: the target lacks {} now", gone.join(", "));
            return Some(Error::new(ErrorKind::Safety, text).hint(
                "replicate again to create it anew and save; until then a restart of the server brings the old \
                 configuration back",
            ));
        }
        if self.run.ctl.hard.is_cancelled() {
            return Some(
                Error::new(ErrorKind::Cancelled, "cancelled before saving")
                    .hint("replicate again to save, else a restart of the server loses the changes"),
            );
        }
        let lost = lost.filter(|error| error.server.as_ref() == Some(self.target.name()))?;
        let what = format!("it no longer answers: {}", lost.what);
        Some(Error { what, hint: None, ..lost }.hint(
            "when it does, replicate again: that saves; if it was restarted meanwhile, it runs what its file holds",
        ))
    }

    fn tell(&self, entries: &[Entry], stage: Stage) {
        tracing::debug!(server = %self.target.name(), scopes = entries.len(), "{}", stage.word());
        let scopes: Vec<_> = entries.iter().map(|(task, work)| (self.tasks[*task].at, work.id)).collect();
        self.tell_stage(&scopes, stage);
    }

    /// `scopes` are scopes with their relationship's place in the plan.
    fn tell_stage(&self, scopes: &[(usize, ScopeId)], stage: Stage) {
        self.run.ctl.progress.update(|status| {
            set_stage(status, scopes, stage);
            status.current = Some((self.target.name().clone(), scopes.first().map(|(_, id)| *id), stage));
        });
    }

    /// Scopes come to a stage while others are what is waited for.
    fn tell_beside(&self, entries: &[Entry], stage: Stage) {
        let scopes: Vec<_> = entries.iter().map(|(task, work)| (self.tasks[*task].at, work.id)).collect();
        self.run.ctl.progress.update(|status| set_stage(status, &scopes, stage));
    }

    fn tell_done(&self, told: &[Told]) {
        if told.is_empty() {
            return;
        }
        let scopes: Vec<_> = told.iter().map(|(task, scope)| (self.tasks[*task].at, scope.id)).collect();
        self.tell_stage(&scopes, Stage::Done);
        self.run.ctl.progress.update(|status| {
            let came = |scope: &ScopeRun| (scope.outcome, scope.message.as_deref().map(Arc::from));
            let outcomes = scopes.iter().zip(told).map(|(place, (_, scope))| (*place, came(scope)));
            Arc::make_mut(&mut status.outcomes).extend(outcomes);
            status.scopes_done += told.len();
            status.changes_done += told.iter().map(|(_, s)| s.changes_done + s.changes_left).sum::<usize>();
        });
    }
}

fn set_stage(status: &mut Status, scopes: &[(usize, ScopeId)], stage: Stage) {
    let moved: BTreeSet<&(usize, ScopeId)> = scopes.iter().collect();
    let stages = Arc::make_mut(&mut status.stages);
    for entry in stages.iter_mut().filter(|(at, id, _)| moved.contains(&(*at, *id))) {
        entry.2 = stage;
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
    /// The scopes that the journal takes the target to have lost, once it was asked.
    missing: Option<BTreeSet<ScopeId>>,
    remarks: Vec<String>,
    /// What surrounds the scopes of both sides, where that was read once more.
    contexts: Option<[Arc<Context>; 2]>,
    /// The next batch, where it was made ready already.
    ahead: Option<Looked>,
}

/// What stands before a write: the states of target and partners, and the plan as a whole where
/// the target was left to its writer.
struct LastLook<'a> {
    keeper: Gatekeeper<'a>,
    delivery: &'a Delivery<'a>,
    /// What is being written.
    entries: &'a [Entry],
    found: OnceLock<[Arc<Context>; 2]>,
}

#[async_trait]
impl Gate for LastLook<'_> {
    async fn ask(&self, ctl: &Control) -> Result<()> {
        self.keeper.ask(ctl).await
    }

    async fn moved(&self, ctl: &Control) -> Result<()> {
        let Delivery { run, tasks, .. } = self.delivery;
        for task in tasks.iter().filter(|task| task.checked.is_left_to_writer) {
            let checked = check::unmoved(run.fleet, task.planned, run.overrides, || false, ctl).await?;
            self.found.get_or_init(|| checked.contexts);
        }
        Ok(())
    }

    async fn unmoved(&self, ids: &[ScopeId], _ctl: &Control) -> Result<BTreeSet<ScopeId>> {
        let entries: Vec<Entry> = self.entries.iter().filter(|(_, work)| ids.contains(&work.id)).cloned().collect();
        let (still, _) = self.delivery.unmoved(&entries).await?;
        Ok(still.into_iter().map(|(_, work)| work.id).collect())
    }
}

/// Lets the server keep its old state; what is to be said where it could not.
pub(super) async fn prepare(writer: &dyn Writer, ok: &Approved, ctl: &Control) -> Option<String> {
    let error = writer.prepare(ok, ctl).await.err()?;
    Some(error.not_kept())
}

/// Takes down whether the target is saved, for this report and for the next run.
pub(super) fn remember(journal: &dyn Journal, target: &ServerName, saved: &Saved, part: &mut Part) {
    match saved {
        // of a server that no longer answers nobody knows what runs
        Saved::NotSaved(error) if is_gone(error) => part.remarks.push(format!("not saved: {}", describe(error))),
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
    is_gone(&error).then_some(error)
}

fn is_gone(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unreachable | ErrorKind::TimedOut)
}

/// Whether a second try at reading may do better, at once.
fn broke(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Garbled)
}

fn all(batch: &[Entry], outcome: Outcome, message: &str) -> Vec<Told> {
    batch.iter().map(|(task, work)| (*task, untouched(work, outcome, message.to_owned()))).collect()
}

fn untouched(work: &Work, outcome: Outcome, message: String) -> ScopeRun {
    ScopeRun::untouched(work.id, outcome, work.changes.len(), Some(message))
}

fn add_message(scope: ScopeRun, text: &str) -> ScopeRun {
    let message = Some(scope.message.map_or_else(|| text.to_owned(), |old| format!("{old}; {text}")));
    ScopeRun { message, verified: Some(false), uncarried: false, ..scope }
}

fn record(scope: &ScopeRun) -> serde_json::Value {
    serde_json::json!({
        "scope": scope.id.to_string(),
        "outcome": scope.outcome,
        "changes_done": scope.changes_done,
        "changes_left": scope.changes_left,
        "verified": scope.verified,
        "message": scope.message,
        "residual": scope.residual.iter().map(ChangeReport::new).collect::<Vec<_>>(),
        "uncarried": scope.uncarried,
    })
}
