//! Writing scopes with the commands of Kea's subnet_cmds and host_cmds hooks.
//!
//! They change the running server at once, touch no failover state and lose no client.

pub(super) mod intent;
pub(super) mod refusals;
mod session;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::OnceCell;

use self::intent::Intent;
use self::session::Session;
use super::{BROUGHT_BACK, Known, LiveServer};
use crate::backend::kea::subnet;
use crate::engine::approval::Approved;
use crate::engine::port::{Abilities, Assessment, Batch, Control, Done, Gate, Grain, Refusal, Saved, Work, Writer};
use crate::engine::{Error, ErrorKind, Result, drift};
use crate::model::{ItemKey, Scope, ScopeId};

/// The commands without which there is no such writer.
pub(super) const NEEDED: [&str; 12] = [
    "subnet4-list",
    "subnet4-get",
    "subnet4-add",
    "subnet4-update",
    "subnet4-del",
    "network4-subnet-add",
    "network4-subnet-del",
    "reservation-get",
    "reservation-get-all",
    "reservation-add",
    "reservation-update",
    "reservation-del",
];

/// Writes single items of single scopes to one running server.
pub(super) struct KeaWriter {
    server: LiveServer,
    /// Set once the server has said again who it is.
    same: OnceCell<()>,
}

impl KeaWriter {
    pub(super) fn new(server: LiveServer) -> Self {
        KeaWriter { server, same: OnceCell::new() }
    }

    async fn write_one(&self, work: &Work, ok: &Approved, ctl: &Control) -> Done {
        match self.ready(work, ok, ctl).await {
            Err(error) if error.kind == ErrorKind::Cancelled => Done::Cancelled,
            Err(error) => Done::Rejected(self.server.on(error).scope(work.id)),
            Ok(intent) => {
                let done = Session::new(self.server.channel(), work.id, &ctl.hard).write(&intent).await;
                if intent.old_id != intent.new_id || intent::moves_network(work) {
                    self.server.forget_listing();
                }
                done
            }
        }
    }

    /// The last look before the first request: that it changes what was planned.
    async fn ready(&self, work: &Work, ok: &Approved, ctl: &Control) -> Result<Intent> {
        if self.server.policy().read_only {
            return Err(Error::new(ErrorKind::Safety, "the server is read-only"));
        }
        self.same.get_or_try_init(|| self.server.is_the_same(ctl)).await?;
        let known = self.server.known(ctl).await?;
        let intent = Intent::new(work, &known.surroundings)?;
        for refusal in refusals::by_leases(&self.server, &known, work, ctl).await? {
            if !ok.overrides(refusal.name) {
                return Err(refusal.into_error());
            }
        }
        self.guard(work, &intent, &known, ctl).await?;
        Ok(intent)
    }

    /// Numbers and prefixes are as planned: `subnet4-update` goes by the number alone and
    /// would give another scope this one's prefix. And so is the subnet itself: what somebody
    /// changed in it a moment ago would be overwritten.
    async fn guard(&self, work: &Work, intent: &Intent, known: &Known, ctl: &Control) -> Result<()> {
        let moved = |what: String| {
            Error::new(ErrorKind::Moved, what).hint("somebody changed it since the preview: make a new preview")
        };
        if let Some(old) = intent.old_id {
            let subnet = self.server.subnet(old, ctl).await?;
            let Some(subnet) = subnet.filter(|subnet| super::reread::prefix(subnet) == Some(intent.scope)) else {
                return Err(moved(format!("the scope no longer has id {old} on the target")));
            };
            if work.before.as_ref().is_some_and(|before| differs(before, &subnet, known)) {
                return Err(moved("the scope has changed on the target a moment ago".to_owned()));
            }
        } else if self.server.list(ctl).await?.iter().any(|listed| listed.scope() == Some(intent.scope)) {
            return Err(moved("the scope is on the target by now".to_owned()));
        }
        if let Some(new) = intent.new_id.filter(|new| intent.old_id != Some(*new))
            && let Some(subnet) = self.server.subnet(new, ctl).await?
        {
            let holder = super::reread::prefix(&subnet).map_or_else(|| "another scope".to_owned(), |id| id.to_string());
            return Err(moved(format!("id {new} belongs to {holder} on the target")));
        }
        Ok(())
    }
}

#[async_trait]
impl Writer for KeaWriter {
    fn abilities(&self) -> Abilities {
        Abilities {
            name: "Kea subnet and host commands",
            grain: Grain::Item,
            batch: Batch::One,
            creates_scope: true,
            deletes_scope: true,
            interrupts_service: false,
            outlives_connection: false,
            brings_back: BROUGHT_BACK.to_owned(),
        }
    }

    async fn assess(&self, work: &[Arc<Work>], ctl: &Control) -> Result<Assessment> {
        let known = self.server.known(ctl).await?;
        let listed = self.server.list(ctl).await?;
        let mut found: BTreeMap<_, Vec<Refusal>> = BTreeMap::new();
        for (at, one) in work.iter().enumerate() {
            let mut refusals = refusals::by_configuration(one, &work[..at], &known, &listed);
            refusals.extend(refusals::by_leases(&self.server, &known, one, ctl).await?);
            if !refusals.is_empty() {
                found.insert(one.id, refusals);
            }
        }
        let cost_to_service = cost_to_service(work, &found);
        let cost_to_configuration = self.server.cost_of_saving(&known).to_owned();
        Ok(Assessment { cost_to_service, cost_to_configuration, refusals: found, ..Assessment::default() })
    }

    /// Keeps the running configuration of before the run in a file beside the server's own,
    /// in Kea's flat form.
    async fn prepare(&self, _ok: &Approved, ctl: &Control) -> Result<()> {
        self.server.keep_before(ctl).await
    }

    async fn write(&self, work: &[Arc<Work>], ok: &Approved, _gate: &dyn Gate, ctl: &Control) -> Vec<Done> {
        let mut outcomes = Vec::with_capacity(work.len());
        for one in work {
            outcomes.push(if ctl.is_cancelled() { Done::Cancelled } else { self.write_one(one, ok, ctl).await });
        }
        outcomes
    }

    /// The target never stopped serving.
    async fn settle(&self, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    fn needs_saving(&self) -> bool {
        self.server.policy().save
    }

    async fn save(&self, _ctl: &Control) -> Saved {
        self.server.save_running().await
    }
}

/// Whether a subnet, of which the server shows neither reservations nor network here, is
/// another one than it was.
fn differs(before: &Scope, subnet: &Value, known: &Known) -> bool {
    let shown = |key: &ItemKey| key.in_reservation().is_none() && *key != intent::network_key();
    let now = subnet::reopen(subnet, &[], before.network(), &known.surroundings);
    now.is_ok_and(|now| drift::compare(before, &now).iter().any(|change| shown(&change.key)))
}

/// Only scopes that are written cost anything; those that the operator may override are told apart.
fn cost_to_service(work: &[Arc<Work>], refusals: &BTreeMap<ScopeId, Vec<Refusal>>) -> String {
    let against = |work: &Work| refusals.get(&work.id).map_or(&[][..], Vec::as_slice);
    let renumbered = || work.iter().filter(|work| intent::renumbers(work));
    let certain = renumbered().filter(|work| against(work).is_empty()).count();
    let possible =
        renumbered().filter(|work| against(work).iter().all(|refusal| refusal.overridable)).count() - certain;
    let absent = |count: usize| match count {
        1 => "one scope is absent for a moment while its id changes".to_owned(),
        n => format!("{n} scopes are absent, each for a moment, while their ids change"),
    };
    let more = if certain > 0 { "in addition " } else { "" };
    let overridden = match possible {
        0 => String::new(),
        n => format!("; if overridden, {more}{}", absent(n)),
    };
    match certain {
        0 => format!("none: no client waits{overridden}"),
        n => format!("{}; no other client waits{overridden}", absent(n)),
    }
}
