//! Has anything moved since the plan was made?

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::fleet::Fleet;
use crate::engine::plan::PlannedRelationship;
use crate::engine::port::{Control, Fingerprints, Reading, Server};
use crate::engine::{Error, ErrorKind, Result, fingerprint};
use crate::model::{Context, Membership, Scope, ScopeId};

/// What a relationship's scopes are compared with from here on.
pub(super) struct Checked {
    /// The source.
    pub source: Arc<dyn Server>,
    /// The target.
    pub target: Arc<dyn Server>,
    /// What surrounds the scopes of both sides, source first.
    pub contexts: [Arc<Context>; 2],
    /// When both sides were found to be as planned.
    at: Instant,
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
/// they have such, else by reading everything again.
pub(super) async fn unmoved(
    fleet: &Fleet,
    planned: &PlannedRelationship,
    overrides: &BTreeSet<String>,
    ctl: &Control,
) -> Result<Checked> {
    let gone = || Error::new(ErrorKind::Selection, "a server of the plan is no longer in the configuration");
    let [source, target] = planned.servers.as_ref().ok_or_else(gone)?;
    let source = fleet.server(source).ok_or_else(gone)?.clone();
    let target = fleet.server(target).ok_or_else(gone)?.clone();
    if target.read_only() {
        return Err(Error::new(ErrorKind::Safety, "the server is read-only").on(target.name()));
    }
    let (ours, theirs) = tokio::join!(source.pulse(ctl), target.pulse(ctl));
    let pulses = [ours?, theirs?];
    if pulses.iter().all(Option::is_some) && pulses == planned.pulses {
        return Ok(Checked { source, target, contexts: planned.contexts.clone(), at: Instant::now() });
    }
    let (ours, theirs) = tokio::join!(source.read(ctl), target.read(ctl));
    let readings = [ours?, theirs?];
    for (side, server) in [&source, &target].into_iter().enumerate() {
        if planned.identities[side].is_some() && readings[side].identity != planned.identities[side] {
            return Err(Error::new(ErrorKind::Moved, "the server is not the one that the plan was made for")
                .on(server.name())
                .hint("look at the plan again"));
        }
    }
    let keys = |side: usize| readings[side].health.memberships.iter().map(Membership::key).collect::<BTreeSet<_>>();
    if planned.identities.iter().all(Option::is_some) && keys(0).is_disjoint(&keys(1)) {
        let what = format!("{} and {} no longer say that they are partners", source.name(), target.name());
        return Err(Error::new(ErrorKind::Moved, what).hint("look at the relationship on both servers"));
    }
    for scope in planned.to_write(overrides) {
        if let Some(work) = &scope.work {
            let sides = [opened(&readings[0], work.id)?, opened(&readings[1], work.id)?];
            let contexts = [&*readings[0].context, &*readings[1].context];
            compare(work.id, &work.expect, [sides[0].as_ref(), sides[1].as_ref()], contexts)?;
        }
    }
    let contexts = readings.map(|reading| reading.context);
    Ok(Checked { source, target, contexts, at: Instant::now() })
}

fn opened(reading: &Reading, id: ScopeId) -> Result<Option<Scope>> {
    let open = |reason| Error::new(ErrorKind::Garbled, format!("could not be understood: {reason}")).scope(id);
    reading.scopes.get(&id).map(|entry| entry.raw.open().map_err(open)).transpose()
}

/// Whether a scope of both sides, source first, still has the fingerprints of the plan.
pub(super) fn compare(
    id: ScopeId,
    expect: &Fingerprints,
    sides: [Option<&Scope>; 2],
    contexts: [&Context; 2],
) -> Result<()> {
    let now = |side: usize| sides[side].map(|scope| fingerprint::of(scope, contexts[side]));
    let side = match (now(0).as_ref() == Some(&expect.source), now(1) == expect.target) {
        (true, true) => return Ok(()),
        (false, _) => "source",
        (true, false) => "target",
    };
    Err(Error::new(ErrorKind::Moved, format!("the {side} has changed since the plan was made"))
        .scope(id)
        .hint("look at the plan again"))
}
