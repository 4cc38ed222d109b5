//! Writing scopes by replacing the target's whole configuration, for servers that lack the
//! commands for single scopes.
//!
//! The base is the target's own configuration as it runs: only the chosen scopes are put in
//! place of its own. It is tested first, which is free; then the base is looked at once more;
//! then it is set, once. Setting it restarts the target's failover: see [`cost`].

mod aftermath;
mod compare;
mod compose;
mod cost;
mod hidden;
mod part;
mod rehearsal;
mod settle;
mod sift;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;
use tokio_util::task::AbortOnDropHandle;

use self::rehearsal::{Ready, Rehearsal};
use super::writer::refusals;
use super::{BROUGHT_BACK, Known, LiveServer};
use crate::backend::kea::command::{Answer, Arguments, ConfigAnswer};
use crate::engine::approval::Approved;
use crate::engine::port::{
    Abilities, Assessment, Batch, Control, Done, Entry, Gate, Grain, Pulse, Saved, Server, Work, Writer,
};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Membership, Scope, ScopeId};

/// The commands without which there is no such writer.
pub(super) const NEEDED: [&str; 4] = ["config-get", "config-test", "config-set", "config-reload"];

/// From this many scopes on, a second thread is worth its while.
const MANY: usize = 32;

/// How often the work begins anew because the configuration changed meanwhile.
const TRIES: usize = 3;

/// Writes scopes to one running server by replacing its configuration.
pub(super) struct WholeWriter {
    server: LiveServer,
    pace: Pace,
    course: Mutex<Course>,
    ahead: Mutex<Option<Ahead>>,
    /// Why the configuration of before the first write was not kept; set once it was tried.
    not_kept: OnceCell<Option<Error>>,
}

/// How long to wait between two looks.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// When an answer was lost, until the server is asked what became of it, and again
    /// until it is believed that nothing did.
    look: Duration,
    /// Between two looks at the states.
    poll: Duration,
    /// Added to what the relationships take at most to come back.
    grace: Duration,
    /// After so long without a connection nobody is taken to come back by itself.
    silence: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            look: Duration::from_secs(1),
            poll: Duration::from_millis(200),
            grace: Duration::from_secs(5),
            silence: Duration::from_secs(3),
        }
    }
}

/// All scopes of one reading, and those of them that were opened already.
#[derive(Debug)]
struct Scopes {
    listed: BTreeMap<ScopeId, Entry>,
    opened: BTreeMap<ScopeId, Scope>,
}

impl Scopes {
    /// The scope, or that there is none; `None` where it cannot be understood.
    fn take(&mut self, id: ScopeId) -> Option<Option<Scope>> {
        match self.listed.get(&id) {
            None => Some(None),
            Some(entry) => self.opened.remove(&id).or_else(|| entry.raw.open().ok()).map(Some),
        }
    }
}

/// What the writes of this writer have come to.
#[derive(Debug, Default)]
enum Course {
    /// No `config-set` was sent.
    #[default]
    Untouched,
    /// The target was interrupted: it runs what was planned, or else what is told here.
    Interrupted {
        /// Why what runs must not be saved.
        amiss: Option<Error>,
        /// It was waited for already, in vain.
        is_unread: bool,
        /// The scopes, as they were read last after it.
        seen: Option<Scopes>,
        /// What the target was before.
        base: Arc<Known>,
        /// How its relationships stood.
        before: Vec<Membership>,
        /// How long it took to load the configuration.
        loading: Duration,
    },
}

impl WholeWriter {
    pub(super) fn new(server: LiveServer) -> Self {
        WholeWriter {
            server,
            pace: Pace::default(),
            course: Mutex::default(),
            ahead: Mutex::default(),
            not_kept: OnceCell::new(),
        }
    }

    /// An error ends the work for all scopes that have no outcome in `told` yet.
    async fn carry_out(
        &self,
        work: &[Arc<Work>],
        told: &mut BTreeMap<ScopeId, Done>,
        ok: &Approved,
        gate: &dyn Gate,
        ctl: &Control,
    ) -> Result<()> {
        if self.server.policy().read_only {
            return Err(Error::new(ErrorKind::Safety, "the server is read-only"));
        }
        gate.ask(ctl).await?;
        let mut ahead = self.ahead().take().filter(|ahead| ahead.is_of(work));
        let mut base = match &ahead {
            Some(ahead) => ahead.base.clone(),
            None => self.server.known(ctl).await?,
        };
        for _ in 0..TRIES {
            // nobody but this writer has looked whether the target is as planned
            let is_unseen = ahead.is_some();
            let ready = match ahead.take() {
                Some(ahead) => ahead.ready.await.map_err(|broken| unexpected(&broken))??,
                None => {
                    let pending: Vec<_> = work.iter().filter(|work| !told.contains_key(&work.id)).cloned().collect();
                    self.rehearsal(base.clone(), false, ok, ctl).hold(&pending).await?
                }
            };
            if let Some(Ready { parts, text, told: refused }) = ready
                && !(is_unseen && !refused.is_empty() && !is_still(&self.server, &base, ctl).await?)
            {
                told.extend(refused);
                if parts.is_empty() {
                    return Ok(());
                }
                not_cancelled(ctl)?;
                // only now, as it is sure to be written, and before the last look, as it takes its time
                self.not_kept.get_or_init(async || self.server.keep_before(ctl).await.err()).await;
                self.server.is_the_same(ctl).await?;
                gate.ask(ctl).await?;
                let before = self.server.health_of(&base, ctl).await?.memberships;
                not_cancelled(ctl)?;
                if is_still(&self.server, &base, ctl).await? {
                    told.extend(self.set(&base, before, &parts, work, text).await);
                    return Ok(());
                }
            }
            if is_unseen {
                told.clear();
                gate.moved(ctl).await?;
            }
            base = self.server.configuration(ctl).await?.1;
        }
        Err(Error::new(ErrorKind::Moved, "the target's configuration keeps changing")
            .hint("find out who else writes to it, and make a new preview"))
    }

    fn rehearsal(&self, base: Arc<Known>, is_of_plan: bool, ok: &Approved, ctl: &Control) -> Rehearsal {
        Rehearsal { server: self.server.clone(), base, is_of_plan, ok: ok.clone(), ctl: ctl.clone() }
    }

    async fn send(&self, text: &Arguments) -> Result<Answer> {
        self.server.channel().tell_in_words("config-set", Some(text)).await
    }

    fn ahead(&self) -> std::sync::MutexGuard<'_, Option<Ahead>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn course(&self) -> std::sync::MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the target still runs this configuration.
async fn is_still(server: &LiveServer, base: &Known, ctl: &Control) -> Result<bool> {
    if base.hash.is_some() && base.commands.has("config-hash-get") {
        let pulse = server.pulse(ctl).await?;
        return Ok(pulse.map(|pulse| pulse.0) == base.hash);
    }
    let answer = server.channel().ask_raw("config-get", None, ctl).await?;
    Ok(base.text.is(&ConfigAnswer::read(&answer).map_err(|error| server.on(error))?.dhcp4))
}

/// A write that is being made ready before it is due. Dropped, nothing comes of it.
struct Ahead {
    work: Vec<Arc<Work>>,
    base: Arc<Known>,
    ready: AbortOnDropHandle<Result<Option<Ready>>>,
}

impl Ahead {
    fn is_of(&self, work: &[Arc<Work>]) -> bool {
        self.work.len() == work.len() && self.work.iter().zip(work).all(|(ours, theirs)| Arc::ptr_eq(ours, theirs))
    }
}

fn unexpected(broken: &tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Local, format!("making the write ready ended unexpectedly: {broken}"))
}

#[async_trait]
impl Writer for WholeWriter {
    fn abilities(&self) -> Abilities {
        Abilities {
            name: "Kea whole configuration",
            grain: Grain::Item,
            batch: Batch::WholeServer,
            creates_scope: true,
            deletes_scope: true,
            interrupts_service: true,
            outlives_connection: false,
            brings_back: BROUGHT_BACK.to_owned(),
        }
    }

    async fn assess(&self, work: &[Arc<Work>], ctl: &Control) -> Result<Assessment> {
        let known = self.server.known(ctl).await?;
        let listed = part::listed(&known);
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for one in work {
            let mut refusals = refusals::by_configuration(one, work, &known, &listed);
            refusals.extend(refusals::by_leases(&self.server, &known, one, ctl).await?);
            if !refusals.is_empty() {
                found.insert(one.id, refusals);
            }
        }
        Ok(Assessment {
            cost_to_service: cost::to_service(&known, self.pace.grace),
            cost_to_configuration: self.server.cost_of_saving(&known).to_owned(),
            against: hidden::refusal(&known).map_err(|error| self.server.on(error))?.into_iter().collect(),
            refusals: found,
            ..Assessment::default()
        })
    }

    async fn prepare(&self, _ok: &Approved, ctl: &Control) -> Result<()> {
        self.server.keep_before(ctl).await
    }

    /// Only of the configuration that was read last, and where its mark tells it from every other:
    /// that mark is asked for right before the write.
    fn begin_ahead(&self, work: &[Arc<Work>], mark: &Pulse, ok: &Approved, ctl: &Control) -> bool {
        let base = self.server.last_known().filter(|base| base.hash.as_ref() == Some(&mark.0));
        let Some(base) = base.filter(|base| base.commands.has("config-hash-get")) else { return false };
        let (rehearsal, its_work) = (self.rehearsal(base.clone(), true, ok, ctl), work.to_vec());
        let ready = tokio::spawn(async move { rehearsal.hold(&its_work).await });
        *self.ahead() = Some(Ahead { work: work.to_vec(), base, ready: AbortOnDropHandle::new(ready) });
        true
    }

    async fn write(&self, work: &[Arc<Work>], ok: &Approved, gate: &dyn Gate, ctl: &Control) -> Vec<Done> {
        let mut told = BTreeMap::new();
        let end = self.carry_out(work, &mut told, ok, gate, ctl).await.map_err(|error| self.server.on(error));
        let untold = || match &end {
            Err(error) if error.kind == ErrorKind::Cancelled => Done::Cancelled,
            Err(error) => Done::Rejected(error.clone()),
            Ok(()) => Done::Cancelled,
        };
        work.iter().map(|work| told.remove(&work.id).unwrap_or_else(untold)).collect()
    }

    async fn settle(&self, ctl: &Control) -> Result<()> {
        self.wait_for_service(ctl).await
    }

    fn needs_saving(&self) -> bool {
        self.server.policy().save
    }

    async fn cut_short(&self, ctl: &Control) -> Result<Vec<String>> {
        let known = self.server.known(ctl).await?;
        let server = self.server.channel().server();
        let mut told = Vec::new();
        if self.server.failover_count(ctl).await?.is_some_and(|count| count < known.memberships.len()) {
            told.push(format!(
                "{server} has lost its high-availability hook: let it reload its file (config-reload), which brings it \
                 back"
            ));
        }
        if !known.survives_a_refusal() {
            told.push(format!(
                "{server} runs a Kea that answers no client once it has refused a configuration, whatever its state \
                 says, and without threads does not show it: look whether clients get answers. Finishing the run sets a \
                 configuration anew, which ends it, and so does config-reload"
            ));
        }
        Ok(told)
    }

    fn seen(&self, ids: &[ScopeId]) -> Option<BTreeMap<ScopeId, Option<Scope>>> {
        let Course::Interrupted { seen, .. } = &mut *self.course() else { return None };
        let mut scopes = seen.take()?;
        // what cannot be opened is read once more, and its error told
        ids.iter().map(|id| Some((*id, scopes.take(*id)?))).collect()
    }

    fn remarks(&self) -> Vec<String> {
        self.not_kept.get().into_iter().flatten().map(Error::not_kept).collect()
    }

    async fn save(&self, _ctl: &Control) -> Saved {
        if let Course::Interrupted { amiss: Some(error), .. } = &*self.course() {
            return Saved::NotSaved(error.clone());
        }
        self.server.save_running().await
    }
}

fn not_cancelled(ctl: &Control) -> Result<()> {
    match ctl.is_cancelled() {
        true => Err(Error::new(ErrorKind::Cancelled, "cancelled before its turn")),
        false => Ok(()),
    }
}
