//! Writing scopes with the commands of Kea's subnet_cmds and host_cmds hooks.
//!
//! They change the running server at once, touch no failover state and lose no client.

mod intent;
mod refusals;
mod session;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::OnceCell;

use self::intent::Intent;
use self::session::Session;
use super::status::Status;
use super::{Known, LiveServer};
use crate::engine::approval::Approved;
use crate::engine::port::{Abilities, Assessment, Batch, Control, Done, Grain, Refusal, Saved, Work, Writer};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::ScopeId;

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

/// What the running configuration of before a run is kept as, beside the server's own file:
/// a name for each moment, so that a second try does not overwrite what the first one kept.
fn before_name(now: jiff::Timestamp) -> String {
    format!("scopesync-before-{}.conf", now.strftime("%Y%m%dT%H%M%S%.3fZ"))
}

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
            Ok(intent) => Session::new(self.server.channel(), work.id, &ctl.hard).write(&intent).await,
        }
    }

    /// The last look before the first request: that it changes what was planned.
    async fn ready(&self, work: &Work, ok: &Approved, ctl: &Control) -> Result<Intent> {
        if self.server.policy().read_only {
            return Err(Error::new(ErrorKind::Safety, "the server is read-only"));
        }
        self.same.get_or_try_init(|| self.is_the_same_server(ctl)).await?;
        let known = self.server.known(ctl).await?;
        let intent = Intent::new(work, &known.surroundings)?;
        self.guard(&intent, ctl).await?;
        for refusal in refusals::by_leases(&self.server, &known, work, ctl).await? {
            if !ok.overrides(refusal.name) {
                return Err(refused(refusal));
            }
        }
        Ok(intent)
    }

    /// Numbers and prefixes are as planned: `subnet4-update` goes by the number alone and
    /// would give another scope this one's prefix.
    async fn guard(&self, intent: &Intent, ctl: &Control) -> Result<()> {
        let moved = |what: String| {
            Error::new(ErrorKind::Moved, what).hint("somebody changed it since the preview: make a new preview")
        };
        if let Some(old) = intent.old_id {
            let subnet = self.server.subnet(old, ctl).await?;
            if subnet.as_ref().and_then(super::reread::prefix) != Some(intent.scope) {
                return Err(moved(format!("the scope no longer has id {old} on the target")));
            }
        } else if self.server.list(ctl).await?.iter().any(|listed| listed.scope() == Some(intent.scope)) {
            return Err(moved("the scope is on the target by now".to_owned()));
        }
        if intent.old_id != Some(intent.new_id)
            && let Some(subnet) = self.server.subnet(intent.new_id, ctl).await?
        {
            let holder = super::reread::prefix(&subnet).map_or_else(|| "another scope".to_owned(), |id| id.to_string());
            return Err(moved(format!("id {} belongs to {holder} on the target", intent.new_id)));
        }
        Ok(())
    }

    /// Another server may answer at the same place since the plan was made.
    async fn is_the_same_server(&self, ctl: &Control) -> Result<()> {
        let known = self.server.known(ctl).await?;
        if !known.commands.has("status-get") {
            return Ok(());
        }
        let status: Status = self.server.channel().ask("status-get", None, ctl).await?.given()?;
        let names: BTreeSet<_> = known.memberships.iter().map(|membership| &membership.this_server).collect();
        match status.own_names().iter().find(|name| !names.contains(name)) {
            None => Ok(()),
            Some(other) => {
                let names: Vec<String> = names.iter().map(ToString::to_string).collect();
                let what = format!("the server says that it is {other}; it was {} when it was read", names.join(", "));
                Err(Error::new(ErrorKind::Moved, what).hint("make a new preview"))
            }
        }
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
            deletes_scope: false,
        }
    }

    async fn assess(&self, work: &[Work], ctl: &Control) -> Result<Assessment> {
        let known = self.server.known(ctl).await?;
        let listed = self.server.list(ctl).await?;
        let mut found: BTreeMap<_, Vec<Refusal>> = BTreeMap::new();
        for one in work {
            let mut refusals = refusals::by_configuration(one, work, &known, &listed);
            refusals.extend(refusals::by_leases(&self.server, &known, one, ctl).await?);
            if !refusals.is_empty() {
                found.insert(one.id, refusals);
            }
        }
        let cost_to_service = cost_to_service(work, &found);
        let cost_to_configuration = cost_to_configuration(self.server.policy().save, keeps_before(&known)).to_owned();
        Ok(Assessment { cost_to_service, cost_to_configuration, refusals: found })
    }

    /// Keeps the running configuration of before the run in a file beside the server's own,
    /// in Kea's flat form.
    async fn prepare(&self, _ok: &Approved, ctl: &Control) -> Result<()> {
        let policy = self.server.policy();
        let known = self.server.known(ctl).await?;
        if !policy.save || policy.read_only || !keeps_before(&known) {
            return Ok(());
        }
        let name = before_name(jiff::Timestamp::now());
        let answer = self.server.channel().tell("config-write", Some(&json!({ "filename": name }))).await?;
        match answer.failure() {
            None => Ok(()),
            Some(error) => {
                let what = format!("the running configuration was not kept as {name}: {}", error.what);
                // what to do about it is said once a run, when saving fails too
                Err(self
                    .server
                    .on(Error { what, ..error }.hint("Kea must be allowed to write to the folder of its file")))
            }
        }
    }

    async fn write(&self, work: &[Work], ok: &Approved, ctl: &Control) -> Vec<Done> {
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

    async fn save(&self, _ctl: &Control) -> Saved {
        if !self.server.policy().save {
            return Saved::Never;
        }
        let answer = self.server.channel().tell("config-write", None).await;
        match answer.map(|answer| answer.failure()) {
            Ok(None) => Saved::Saved,
            Ok(Some(error)) => Saved::NotSaved(self.server.on(error.hint(WRITABLE))),
            Err(error) => Saved::NotSaved(error),
        }
    }
}

/// Only scopes that are written cost anything; those that the operator may override are told apart.
fn cost_to_service(work: &[Work], refusals: &BTreeMap<ScopeId, Vec<Refusal>>) -> String {
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

/// Only where Kea writes to no other folder than that of its file: that came after `config-hash-get`.
fn keeps_before(known: &Known) -> bool {
    known.commands.has("config-hash-get")
}

fn cost_to_configuration(saves: bool, keeps: bool) -> &'static str {
    match (saves, keeps) {
        (false, _) => "none: the configuration says never to save",
        (true, false) => {
            "saving rewrites the server's file in Kea's flat form, without its comments and includes, and makes \
             permanent whatever else was changed on the running server and not saved"
        }
        (true, true) => {
            "saving rewrites the server's file in Kea's flat form, without its comments and includes, and makes \
             permanent whatever else was changed on the running server and not saved; what runs before is kept beside \
             it as scopesync-before-<time>.conf, in the same flat form"
        }
    }
}

const WRITABLE: &str = "let user _kea own the file and its folder, allow \"/etc/kea/ rw,\" and \
    \"/etc/kea/** rw,\" in AppArmor (README, Troubleshooting), then send config-write";

fn refused(refusal: Refusal) -> Error {
    Error::new(ErrorKind::Safety, format!("{}: {}", refusal.name, refusal.message)).hint(refusal.hint)
}
