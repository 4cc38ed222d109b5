//! Scopes by the source's own replication to its partner (`InvokeByScopeId`): each is copied as a whole.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::busy;
use crate::engine::approval::Approved;
use crate::engine::port::{Control, Done, Doubts, Gate, Replicator, Work};
use crate::engine::{Error, ErrorKind, Result, drift};
use crate::model::{Foreign, ItemKey, KeyName, Kind, Membership, Owner, Scope, ScopeId, ServerName};

/// The properties that the documents of replication name; of the others nobody has published it.
const CARRIED: [&str; 4] = ["name", "description", "type", "lease-duration"];

/// A source that replicates scopes of a relationship to its partner.
pub(super) struct Native {
    pub(super) source: ServerName,
    pub(super) replicator: Arc<dyn Replicator>,
    pub(super) membership: Membership,
}

impl Native {
    /// What of a scope's changes the source is not known to carry to its partner.
    pub(super) fn uncertain(work: &Work) -> Doubts {
        let disabled: BTreeSet<&Foreign> =
            [&work.want, &work.before].into_iter().flatten().flat_map(disabled_policies).collect();
        let is_uncertain = |key: &ItemKey| match (&key.owner, key.kind, &key.name) {
            (_, Kind::DnsSetting, _) => true,
            (Owner::Scope, Kind::Property, KeyName::Name(name)) => !CARRIED.contains(&name.raw()),
            (Owner::Scope, Kind::Policy, KeyName::Name(name)) | (Owner::Policy(name), ..) => disabled.contains(name),
            _ => false,
        };
        let changed = work.changes.iter().map(|change| &change.key);
        // what belongs to an item that is created or deleted has no change of its own
        let owners: BTreeSet<Owner> = changed.clone().filter_map(drift::owner_named).collect();
        let items = [&work.want, &work.before].into_iter().flatten().flat_map(|scope| scope.items.keys());
        let owned = items.filter(|key| owners.contains(&key.owner));
        changed.chain(owned).filter(|key| is_uncertain(key)).cloned().collect()
    }

    /// Replicates these scopes in one call, and once more after a wait where the source replicates
    /// one of them for somebody else; one outcome for each, in order.
    pub(super) async fn write(&self, work: &[Arc<Work>], ok: &Approved, gate: &dyn Gate, ctl: &Control) -> Vec<Done> {
        let ids: Vec<ScopeId> = work.iter().map(|work| work.id).collect();
        let busy = match self.replicator.replicate(&self.membership, &ids, ok).await {
            Err(error) if error.kind == ErrorKind::Busy => error,
            told => return ids.iter().map(|id| became(*id, &told)).collect(),
        };
        if !busy::wait(&busy, &self.source, ctl).await {
            // it was asked, and scopes before the busy one may be done
            let busy = Error { what: format!("{}; cancelled before it was asked again", busy.what), ..busy };
            return vec![in_parts(busy); ids.len()];
        }
        let still = match gate.unmoved(&ids, ctl).await {
            Ok(still) => still,
            Err(error) => return vec![in_parts(error); ids.len()],
        };
        let again: Vec<ScopeId> = ids.iter().copied().filter(|id| still.contains(id)).collect();
        let told = match again.as_slice() {
            [] => Ok(Vec::new()),
            again => self.replicator.replicate(&self.membership, again, ok).await,
        };
        let told = told.map_err(|error| match error.kind {
            ErrorKind::Busy => Error { what: format!("{}; asked for twice", error.what), ..error },
            _ => error,
        });
        let moved = |id: ScopeId| {
            in_parts(Error {
                scope: Some(id),
                what: format!("{}, and it has changed meanwhile", busy.what),
                ..busy.clone()
            })
        };
        ids.iter().map(|id| if still.contains(id) { became(*id, &told) } else { moved(*id) }).collect()
    }
}

/// Whether a policy on either side is disabled: those may be left out, and so deleted.
pub(super) fn has_disabled_policy(work: &Work) -> bool {
    [&work.want, &work.before].into_iter().flatten().any(|scope| disabled_policies(scope).next().is_some())
}

/// The names of a scope's policies that are not in force.
fn disabled_policies(scope: &Scope) -> impl Iterator<Item = &Foreign> {
    scope.items.iter().filter_map(|(key, item)| match (&key.owner, key.kind, &key.name) {
        (Owner::Scope, Kind::Policy, KeyName::Name(name)) => {
            let is_off = item.fields.get("enabled").is_some_and(|value| value.raw == false);
            is_off.then_some(name)
        }
        _ => None,
    })
}

/// What a scope's write came to, by what the source says of the call.
fn became(id: ScopeId, told: &Result<Vec<Foreign>>) -> Done {
    match told {
        Ok(scopes) if leaves_out(scopes, id) => {
            let what = "the source says that it succeeded, and does not name the scope among those that it replicated";
            in_parts(Error::new(ErrorKind::Refused, what).scope(id))
        }
        Ok(_) => Done::Applied,
        Err(error) if !error.in_doubt => Done::Rejected(error.clone().scope(id)),
        Err(error) => match error.kind {
            // it said no, after it may have begun
            ErrorKind::Refused | ErrorKind::Busy | ErrorKind::Empty | ErrorKind::Unsupported => {
                in_parts(error.clone().scope(id))
            }
            _ => Done::Unknown(error.clone().scope(id)),
        },
    }
}

/// Nobody says how much of it was done: reading back tells.
fn in_parts(cause: Error) -> Done {
    Done::Partial { done: BTreeSet::new(), cause }
}

/// Whether it names scopes, and not this one. What names none, or in another way, says nothing.
fn leaves_out(told: &[Foreign], id: ScopeId) -> bool {
    let named: Vec<Ipv4Addr> = told.iter().filter_map(|text| text.raw().trim().parse().ok()).collect();
    !named.is_empty() && !named.contains(&id.network)
}
