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
use std::time::Duration;

use self::call::Call;
use self::steps::{Step, Steps};
use super::busy;
use crate::backend::windows::cim::{Dhcp, Lease, Level, codes};
use crate::backend::windows::server::{WindowsServer, unless_cancelled};
use crate::backend::windows::wsman::{Code, Failure};
use crate::engine::approval::{Approved, RECREATION_LOSES};
use crate::engine::port::{Control, Done, Doubts, Gate, Refusal, Server as _, Work};
use crate::engine::shrink::{Holder, Lost, names};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, IdentifierKind, KeyName, ReservationKey, ServerName};

/// How a scope comes to a partner that lacks it.
pub(super) const ADD_ANEW: &str = "on the source, take the scope out of the relationship and add it again (Remove- and \
                                   Add-DhcpServerv4FailoverScope): that creates it on the partner";

/// A server that has too much to do is left alone for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes scopes of one server by its own methods.
pub(super) struct Direct {
    server: WindowsServer,
}

/// What writing a scope would come to.
#[derive(Default)]
pub(super) struct Prospect {
    /// What stands against it.
    pub(super) refusals: Vec<Refusal>,
    /// Of what nobody knows beforehand whether the server takes it as it is meant.
    pub(super) uncertain: Doubts,
    /// What is absent for a moment, in words.
    pub(super) absent: Vec<String>,
}

/// What clients feel of writing, where these are absent for a moment.
pub(super) fn cost_to_service(absent: &[String]) -> String {
    match absent {
        [] => "none: no client waits".to_owned(),
        some => format!("no client waits; absent for a moment, as no call changes them so: {}", names(some)),
    }
}

impl Direct {
    pub(super) fn new(server: WindowsServer) -> Self {
        Direct { server }
    }

    /// What it would come to; reads only.
    pub(super) async fn assess(&self, work: &Work, ctl: &Control) -> Result<Prospect> {
        if let Some(refusal) = membership(work) {
            return Ok(Prospect { refusals: vec![refusal], ..Prospect::default() });
        }
        let steps = match steps::of(work) {
            Ok(steps) => steps,
            Err(error) => return Ok(Prospect { refusals: vec![unwritable(error)], ..Prospect::default() }),
        };
        let id = work.id.short();
        Ok(Prospect {
            refusals: self.against(work, &steps, ctl).await?,
            absent: steps.anew.keys().map(|key| format!("{key} in {id}")).collect(),
            uncertain: steps.uncertain,
        })
    }

    /// What the target's leases and what it keeps besides the changes say against it; reads only.
    async fn against(&self, work: &Work, steps: &Steps, ctl: &Control) -> Result<Vec<Refusal>> {
        let found = [self.by_leases(work, ctl).await?, self.by_recreation(work, steps, ctl).await?];
        Ok(found.into_iter().flatten().collect())
    }

    /// Writes a scope. Each call is sent once, but where the server says that it did not even begin; the first
    /// that fails without an explanation ends it.
    pub(super) async fn write(&self, work: &Work, ok: &Approved, gate: &dyn Gate, ctl: &Control) -> Done {
        let here = |error: Error| self.server.on(error).scope(work.id);
        match self.ready(work, ok, ctl).await {
            Ok(steps) => {
                let again = Again { work, server: self.server.name(), gate, ctl };
                carry_out(self.server.dhcp(), &steps, here, &again).await
            }
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
        let steps = steps::of(work)?;
        let mut against = self.against(work, &steps, ctl).await?.into_iter();
        match against.find(|refusal| !(refusal.overridable && ok.overrides(refusal.name))) {
            Some(refusal) => Err(refusal.into_error()),
            None => Ok(steps.steps),
        }
    }

    /// Why clients would lose their addresses, whoever writes it; reads only.
    pub(super) async fn by_leases(&self, work: &Work, ctl: &Control) -> Result<Option<Refusal>> {
        let lost = Lost::by(work);
        if lost.is_empty() || work.want.is_none() {
            return Ok(None);
        }
        let asked = unless_cancelled(self.server.dhcp().leases(work.id.network), ctl).await?;
        Ok(match self.told(work, asked)? {
            Ok(leases) => lost.refusal(Some(leases.iter().filter_map(held).collect()), ""),
            Err(why) => lost.refusal(None, &format!(" ({why})")),
        })
    }

    /// What would be lost of something that is removed and added again. The suffix that its DNS names get is
    /// told by none of the options that are read.
    async fn by_recreation(&self, work: &Work, steps: &Steps, ctl: &Control) -> Result<Option<Refusal>> {
        let of_scope = work.before.as_ref().and_then(|scope| scope.native["DnsSetting"]["DnsSuffix"].as_str());
        let mut lost = Vec::new();
        for (key, unsayable) in &steps.anew {
            lost.extend(unsayable.iter().cloned());
            let level = match &key.name {
                KeyName::Reservation(ReservationKey::Address(address)) => Level::Reservation(*address),
                KeyName::Name(name) => Level::Policy { scope: Some(work.id.network), name: name.clone() },
                _ => continue,
            };
            let asked = unless_cancelled(self.server.dhcp().dns_setting(&level), ctl).await?;
            match self.told(work, asked)? {
                Ok(setting) => {
                    let suffix = setting.dns_suffix.as_ref().map_or("", Foreign::raw);
                    let is_own = suffix != of_scope.unwrap_or_default();
                    lost.extend(is_own.then(|| format!("DNS suffix \"{}\" of {key}", Foreign::from(suffix))));
                }
                Err(why) => lost.push(format!("DNS suffix of {key}, if it has one of its own: it is not told ({why})")),
            }
        }
        Ok((!lost.is_empty()).then(|| Refusal {
            name: RECREATION_LOSES,
            message: format!("what is removed and added again would lose: {}", lost.join(", ")),
            hint: "what is added again does not get it back: change the item by hand on the target, or override it by \
                   this name"
                .to_owned(),
            overridable: true,
        }))
    }

    /// What the server told, or why it told nothing that can be used.
    ///
    /// # Errors
    /// It could not be asked.
    fn told<T>(&self, work: &Work, asked: std::result::Result<T, Failure>) -> Result<std::result::Result<T, String>> {
        match asked {
            Ok(told) => Ok(Ok(told)),
            Err(Failure::Fault(fault)) => Ok(Err(Error::from(*fault).what)),
            Err(Failure::Other(error)) if matches!(error.kind, ErrorKind::TooLarge | ErrorKind::Garbled) => {
                Ok(Err(error.what))
            }
            Err(Failure::Other(error)) => Err(self.server.on(error).scope(work.id)),
        }
    }
}

/// How a call that the server did not begin with is sent once more.
struct Again<'a> {
    work: &'a Work,
    server: &'a ServerName,
    gate: &'a dyn Gate,
    ctl: &'a Control,
}

impl Again<'_> {
    /// Sends a call, and once more where the server had too much to do, or replicates the scope right now and
    /// the scope is untouched afterwards, by us too.
    async fn send(&self, call: &Call, dhcp: &Dhcp, has_changed: bool) -> std::result::Result<(), Failure> {
        let sent = call.send(dhcp).await;
        let Err(failure) = sent else { return sent };
        if failure.is_busy() {
            let paused = unless_cancelled(tokio::time::sleep(PAUSE), self.ctl).await;
            return if paused.is_ok() { call.send(dhcp).await } else { Err(failure) };
        }
        if has_changed || failure.code() != Some(Code::Dhcp(codes::SCOPE_SYNC_IN_PROGRESS)) {
            return Err(failure);
        }
        let busy = Error::from(failure);
        let told = |more: &str| Failure::Other(Error { what: format!("{}; {more}", busy.what), ..busy.clone() });
        if !busy::wait(&busy, self.server, self.ctl).await {
            return Err(told("cancelled before it was asked again"));
        }
        let still = self.gate.unmoved(&[self.work.id], self.ctl).await?;
        if !still.contains(&self.work.id) {
            return Err(told("and the scope has changed meanwhile"));
        }
        call.send(dhcp).await.map_err(|failure| match failure.code() {
            Some(Code::Dhcp(codes::SCOPE_SYNC_IN_PROGRESS)) => told("asked for twice"),
            _ => failure,
        })
    }
}

/// Sends one call after the other. The first that fails without an explanation is the last.
/// `here` names the place in a failure.
async fn carry_out(dhcp: &Dhcp, steps: &[Step], here: impl Fn(Error) -> Error, again: &Again<'_>) -> Done {
    let mut done = BTreeSet::new();
    let mut has_changed = false;
    let mut not_taken = Vec::new();
    for step in steps {
        let cause = if again.ctl.hard.is_cancelled() {
            Error::new(ErrorKind::Cancelled, "cancelled in the middle of the scope")
        } else {
            match again.send(&step.call, dhcp, has_changed).await {
                Err(failure) if step.may_be_refused && is_of_the_value(&failure) => {
                    let error = Error::from(failure);
                    tracing::warn!(call = %step.call, %error, "refused, as it might be");
                    not_taken.push(format!("{}: {}", step.call, error.what));
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
    match not_taken.is_empty() {
        true => Done::Applied,
        // all has been sent, and this much of it is not supported there
        false => Done::Partial { done, cause: here(Error::new(ErrorKind::Unsupported, not_taken.join("; "))) },
    }
}

/// Whether a refusal says that the server does not know such a value or property: WIN32 1, 50, 87 and 120
/// (MS-ERREF 2.2), and what WMI has for the same. Access that is denied, or anything else, is none of these.
fn is_of_the_value(failure: &Failure) -> bool {
    /// WBEM_E_NOT_SUPPORTED, WBEM_E_INVALID_PARAMETER, WBEM_E_INVALID_METHOD_PARAMETERS
    const OF_WMI: [u32; 3] = [0x8004_100c, 0x8004_1008, 0x8004_102f];
    match failure.code() {
        Some(Code::Win32(number)) => [1, 50, 87, 120].contains(&number),
        Some(Code::Hresult(number)) => OF_WMI.contains(&number),
        Some(Code::Dhcp(_)) | None => false,
    }
}

/// A value that its property does not take; the value is not shown.
fn unwritable(error: Error) -> Refusal {
    let hint = error.hint.unwrap_or_default();
    Refusal { name: "unwritable-value", message: error.what, hint, overridable: false }
}

/// The client that has the address, if one does. A state that nobody knows is taken for one in which it does.
fn held(lease: &Lease) -> Option<Holder> {
    const FREE: [&str; 4] = ["InactiveReservation", "Offered", "Declined", "Expired"];
    let state = lease.address_state.as_ref().map_or("", Foreign::raw).trim();
    let client = lease.client_id.iter().map(|client| (IdentifierKind::ClientId, client.raw().to_owned()));
    let holder = || Holder { address: lease.ip_address, known_by: client.collect() };
    (!FREE.iter().any(|free| free.eq_ignore_ascii_case(state))).then(holder)
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
