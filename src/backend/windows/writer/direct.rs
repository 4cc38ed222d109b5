//! Writing one change after the other, over the target's own connection: no second hop, and no scope
//! is created, for one that was created outside its relationship would hand out its partner's addresses.

mod call;
mod policies;
mod render;
mod reservations;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use self::steps::Step;
use crate::backend::windows::cim::{Dhcp, Lease};
use crate::backend::windows::server::{WindowsServer, unless_cancelled};
use crate::backend::windows::wsman::Failure;
use crate::engine::approval::Approved;
use crate::engine::port::{Control, Done, Refusal, Server as _, Work};
use crate::engine::shrink::{Lost, names};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, ItemKey};

/// How a scope comes to a partner that lacks it.
pub(super) const ADD_ANEW: &str = "on the source, take the scope out of the relationship and add it again (Remove- and \
                                   Add-DhcpServerv4FailoverScope): that creates it on the partner";

/// Writes scopes of one server by its own methods.
pub(super) struct Direct {
    server: WindowsServer,
}

/// The changes of which nobody knows beforehand whether the server takes them as they are meant.
pub(super) fn uncertain(work: &Work) -> BTreeSet<ItemKey> {
    steps::of(work).map(|steps| steps.uncertain).unwrap_or_default()
}

/// What clients feel of writing these scopes.
pub(super) fn cost_to_service<'a>(work: impl IntoIterator<Item = &'a Work>) -> String {
    let anew = |work: &Work| {
        let keys = steps::of(work).map(|steps| steps.anew).unwrap_or_default();
        let id = work.id.short();
        keys.into_iter().map(move |key| format!("{key} in {id}"))
    };
    let absent: Vec<String> = work.into_iter().flat_map(anew).collect();
    match absent.as_slice() {
        [] => "none: no client waits".to_owned(),
        some => format!("no client waits; absent for a moment, as no call changes them so: {}", names(some)),
    }
}

impl Direct {
    pub(super) fn new(server: WindowsServer) -> Self {
        Direct { server }
    }

    /// What stands against it; reads only.
    pub(super) async fn refusals(&self, work: &Work, ctl: &Control) -> Result<Vec<Refusal>> {
        let found = [membership(work), self.by_leases(work, ctl).await?];
        Ok(found.into_iter().flatten().collect())
    }

    /// Writes a scope. Each call is sent once; the first that fails without an explanation ends it.
    pub(super) async fn write(&self, work: &Work, ok: &Approved, ctl: &Control) -> Done {
        let here = |error: Error| self.server.on(error).scope(work.id);
        match self.ready(work, ok, ctl).await {
            Ok(steps) => carry_out(self.server.dhcp(), &steps, here, ctl).await,
            Err(error) if error.kind == ErrorKind::Cancelled => Done::Cancelled,
            Err(error) => Done::Rejected(here(error)),
        }
    }

    /// What is to be called, if nothing stands against it by now. The engine has read the scope again a
    /// moment ago; whether clients would lose their addresses only we know.
    async fn ready(&self, work: &Work, ok: &Approved, ctl: &Control) -> Result<Vec<Step>> {
        if self.server.read_only() {
            return Err(Error::new(ErrorKind::Safety, "the server is read-only"));
        }
        let steps = steps::of(work)?.steps;
        match self.by_leases(work, ctl).await? {
            Some(refusal) if !ok.overrides(refusal.name) => Err(refusal.into_error()),
            _ => Ok(steps),
        }
    }

    /// Why clients would lose their addresses, whoever writes it; reads only.
    pub(super) async fn by_leases(&self, work: &Work, ctl: &Control) -> Result<Option<Refusal>> {
        let lost = Lost::by(work);
        if lost.is_empty() || work.want.is_none() {
            return Ok(None);
        }
        let asked = unless_cancelled(self.server.dhcp().leases(work.id.network), ctl).await?;
        match asked {
            Ok(leases) => Ok(lost.refusal(Some(leases.iter().filter_map(held).collect()), "")),
            Err(Failure::Fault(fault)) => Ok(lost.refusal(None, &format!(" ({})", Error::from(*fault).what))),
            Err(Failure::Other(error)) if error.kind == ErrorKind::TooLarge => {
                Ok(lost.refusal(None, &format!(" ({})", error.what)))
            }
            Err(Failure::Other(error)) => Err(self.server.on(error).scope(work.id)),
        }
    }
}

/// Sends each call once. The first that fails without an explanation is the last.
/// `here` names the place in a failure.
async fn carry_out(dhcp: &Dhcp, steps: &[Step], here: impl Fn(Error) -> Error, ctl: &Control) -> Done {
    let mut done = BTreeSet::new();
    let mut has_changed = false;
    for step in steps {
        let cause = if ctl.hard.is_cancelled() {
            Error::new(ErrorKind::Cancelled, "cancelled in the middle of the scope")
        } else {
            match step.call.send(dhcp).await {
                Err(Failure::Fault(fault)) if step.may_be_refused && !Failure::Fault(fault.clone()).in_doubt() => {
                    let error = Error::from(*fault);
                    tracing::warn!(call = %step.call, %error, "refused, as it might be");
                    continue;
                }
                Err(failure) if !step.call.finds_it_gone(&failure) => {
                    let error = Error::from(failure);
                    Error { what: format!("{}: {}", step.call, error.what), ..error }
                }
                sent => {
                    has_changed |= sent.is_ok();
                    done.extend(step.items.iter().cloned());
                    continue;
                }
            }
        };
        let cause = here(cause);
        return match (cause.in_doubt, has_changed, cause.kind) {
            (true, ..) => Done::Unknown(cause),
            (false, true, _) => Done::Partial { done, cause },
            (false, false, ErrorKind::Cancelled) => Done::Cancelled,
            (false, false, _) => Done::Rejected(cause),
        };
    }
    Done::Applied
}

/// The address, where a client has it. A state that nobody knows is taken for one that does.
fn held(lease: &Lease) -> Option<Ipv4Addr> {
    const FREE: [&str; 4] = ["InactiveReservation", "Offered", "Declined", "Expired"];
    let state = lease.address_state.as_ref().map_or("", Foreign::raw).trim();
    (!FREE.iter().any(|free| free.eq_ignore_ascii_case(state))).then_some(lease.ip_address)
}

/// Scopes come and go with their relationship alone.
fn membership(work: &Work) -> Option<Refusal> {
    let (name, message, hint) = match (&work.before, &work.want) {
        (None, _) => (
            "cannot-create",
            "the target lacks the scope, and one that is created by itself would hand out its partner's addresses",
            ADD_ANEW,
        ),
        (Some(_), None) => (
            "cannot-delete",
            "the scope would be deleted, and its relationship with its partner stay",
            "on the partner, take the scope out of the relationship (Remove-DhcpServerv4FailoverScope): that deletes it \
             here",
        ),
        (Some(_), Some(_)) => return None,
    };
    Some(Refusal { name, message: message.to_owned(), hint: hint.to_owned(), overridable: false })
}
