//! Has anything moved since the plan was made?

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::fleet::Fleet;
use crate::engine::plan::PlannedRelationship;
use crate::engine::port::{Control, Pulse, Reading, Server, Work};
use crate::engine::{Error, ErrorKind, Result, fingerprint};
use crate::model::{Context, Membership, Scope, ScopeId};

/// What a relationship's scopes are compared with from here on.
pub(super) struct Checked {
    /// The source; `None` when it is a snapshot, which never moves.
    pub source: Option<Arc<dyn Server>>,
    /// The target.
    pub target: Arc<dyn Server>,
    /// What surrounds the scopes of both sides, source first.
    pub contexts: [Arc<Context>; 2],
    /// When both sides were found to be as planned.
    at: Instant,
    /// The target was not asked: its writer looks before it writes, and then the plan is looked at
    /// as a whole once more.
    pub is_left_to_writer: bool,
}

/// For so long nobody is taken to have changed anything after a check.
const FRESH: Duration = Duration::from_secs(10);

impl Checked {
    /// Whether both sides were checked just now.
    pub(super) fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH
    }
}

/// Whether both sides still are what the plan was computed from: by their marks where
/// they have such, else by reading everything again. Of a snapshot's plan only the target
/// is asked.
///
/// `leave` tells whether the target is left to its writer, which may be asked once it is known
/// that the target may be written at all.
pub(super) async fn unmoved(
    fleet: &Fleet,
    planned: &PlannedRelationship,
    overrides: &BTreeSet<String>,
    leave: impl FnOnce() -> bool,
    ctl: &Control,
) -> Result<Checked> {
    let gone = || Error::new(ErrorKind::Selection, "a server of the plan is no longer in the configuration");
    let route = planned.route.as_ref().ok_or_else(gone)?;
    let server = |name| fleet.server(name).cloned().ok_or_else(gone);
    let (source, target) = (route.source_server().map(server).transpose()?, server(&route.target)?);
    if target.read_only() {
        return Err(Error::new(ErrorKind::Safety, "the server is read-only").on(target.name()));
    }
    let sides = [source.as_ref(), Some(&target)];
    let is_left_to_writer = leave();
    let asked = [source.as_ref(), Some(&target).filter(|_| !is_left_to_writer)];
    let [ours, theirs] = asked.map(|server| async move {
        match server {
            Some(server) => asked_of(server, ctl, server.pulse(ctl)).await,
            None => Ok(None),
        }
    });
    let (ours, theirs) = tokio::join!(ours, theirs);
    let mut pulses = [ours?, theirs?];
    if is_left_to_writer {
        pulses[1].clone_from(&planned.pulses[1]);
    }
    let marked = |(pulse, server): (&Option<Pulse>, &Option<&Arc<dyn Server>>)| pulse.is_some() || server.is_none();
    if pulses.iter().zip(&sides).all(marked) && pulses == planned.pulses {
        return Ok(Checked {
            source,
            target,
            contexts: planned.contexts.clone(),
            at: Instant::now(),
            is_left_to_writer,
        });
    }
    let [ours, theirs] = sides.map(|server| async move {
        match server {
            Some(server) => asked_of(server, ctl, server.read(ctl)).await.map(Some),
            None => Ok(None),
        }
    });
    let (ours, theirs) = tokio::join!(ours, theirs);
    let readings = [ours?, theirs?];
    for ((server, reading), planned) in sides.iter().zip(&readings).zip(&planned.identities) {
        let (Some(server), Some(reading)) = (server, reading) else { continue };
        if planned.is_some() && reading.identity != *planned {
            return Err(Error::new(ErrorKind::Moved, "the server is not the one that the plan was made for")
                .on(server.name())
                .hint("look at the plan again"));
        }
    }
    if let (Some(source), [Some(ours), Some(theirs)]) = (&source, &readings) {
        let keys = |reading: &Reading| reading.health.memberships.iter().map(Membership::key).collect::<BTreeSet<_>>();
        if planned.identities.iter().all(Option::is_some) && keys(ours).is_disjoint(&keys(theirs)) {
            let what = format!("{} and {} no longer say that they are partners", source.name(), target.name());
            return Err(Error::new(ErrorKind::Moved, what).hint("look at the relationship on both servers"));
        }
    }
    for scope in planned.to_write(overrides) {
        if let Some(work) = &scope.work {
            for (at, reading) in readings.iter().enumerate() {
                let Some(reading) = reading else { continue };
                unchanged(work, Side::ALL[at], opened(reading, work.id)?.as_ref(), &reading.context)?;
            }
        }
    }
    let contexts = readings.map(|reading| reading.map(|reading| reading.context).unwrap_or_default());
    Ok(Checked { source, target, contexts, at: Instant::now(), is_left_to_writer: false })
}

/// The answer of a server, and until then that it is waited for.
async fn asked_of<T>(server: &Arc<dyn Server>, ctl: &Control, answer: impl Future<Output = T>) -> T {
    ctl.progress.update(|status| _ = status.asked.insert(server.name().clone()));
    let answer = answer.await;
    ctl.progress.update(|status| _ = status.asked.remove(server.name()));
    answer
}

fn opened(reading: &Reading, id: ScopeId) -> Result<Option<Scope>> {
    let open = |reason| Error::new(ErrorKind::Garbled, format!("could not be understood: {reason}")).scope(id);
    reading.scopes.get(&id).map(|entry| entry.open().map_err(open)).transpose()
}

/// One side of a plan.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Source,
    Target,
}

impl Side {
    const ALL: [Side; 2] = [Side::Source, Side::Target];
}

/// Whether a scope of one side still has the fingerprint of the plan.
pub(super) fn unchanged(work: &Work, side: Side, now: Option<&Scope>, context: &Context) -> Result<()> {
    let (expected, word) = match side {
        Side::Source => (&work.expect.source, "source"),
        Side::Target => (&work.expect.target, "target"),
    };
    if let Some(lack) = now.and_then(|scope| scope.complete.lack()) {
        return Err(Error::new(ErrorKind::Garbled, format!("the {word} could not be read as a whole: {lack}"))
            .scope(work.id)
            .hint("only what was read as a whole is written"));
    }
    if now.map(|scope| fingerprint::of(scope, context)) == *expected {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Moved, format!("the {word} has changed since the plan was made"))
        .scope(work.id)
        .hint("look at the plan again"))
}
