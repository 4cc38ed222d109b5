//! What one scope's work comes to in Kea's commands; pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::backend::kea::config::Surroundings;
use crate::backend::kea::subnet::{self, Rendered, Style};
use crate::engine::port::Work;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, IdentifierKind, ItemKey, Kind, Owner, ReservationKey, Scope, ScopeId};

/// One reservation in Kea's words, with the changes that are done when it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Host {
    pub(super) keys: BTreeSet<ItemKey>,
    pub(super) identifier: (IdentifierKind, String),
    pub(super) json: Value,
}

/// A reservation on both sides: as it is and as it shall be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Both {
    pub(super) old: Host,
    pub(super) new: Host,
}

/// What becomes of the reservations, in an order in which none is in the way of another:
/// everything that goes is gone before anything comes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hosts {
    /// Only on the target.
    pub(super) deletions: Vec<Host>,
    /// Same client, same address, another value.
    pub(super) updates: Vec<Both>,
    /// What makes room within `arrivals`: moves, swaps, another client for an address.
    pub(super) departures: Vec<Host>,
    /// What takes the place of `departures`.
    pub(super) arrivals: Vec<Host>,
    /// Only on the source.
    pub(super) additions: Vec<Host>,
}

/// One scope's work.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) scope: ScopeId,
    /// The target's number for it; `None` when it must be created.
    pub(super) old_id: Option<u32>,
    /// The number that it shall have; `None` when it must be deleted.
    pub(super) new_id: Option<u32>,
    /// The subnet as it shall be, without reservations.
    pub(super) subnet: Value,
    /// Whether anything but its number, membership and reservations changes.
    pub(super) updates: bool,
    /// Changes that are done when the subnet is written.
    pub(super) subnet_keys: BTreeSet<ItemKey>,
    /// The shared network that it is in.
    pub(super) old_network: Option<Foreign>,
    /// The shared network that it shall be in.
    pub(super) new_network: Option<Foreign>,
    /// Its reservations.
    pub(super) hosts: Hosts,
    /// Every reservation as it is, for putting them back.
    pub(super) all_before: Vec<Host>,
    /// Every reservation as it shall be, for a scope that is made anew.
    pub(super) all_wanted: Vec<Host>,
}

impl Intent {
    pub(super) fn new(work: &Work, around: &Surroundings) -> Result<Self> {
        let style = if work.before.is_some() { Style::Write } else { Style::Create };
        let before = work.before.as_ref().map(|before| subnet::render(before, Style::Write, around));
        let wanted = work.want.as_ref().map(|want| subnet::render(want, style, around));
        let old_id = match &work.before {
            Some(before) => Some(before.server_id().ok_or_else(|| no_id("the target's"))?),
            None => None,
        };
        let new_id = match &work.want {
            Some(want) => Some(want.server_id().ok_or_else(|| no_id("the wanted"))?),
            None => None,
        };
        let hosts_before = before.as_ref().map(|before| all_hosts(work, before)).transpose()?.unwrap_or_default();
        let hosts_wanted = wanted.as_ref().map(|wanted| all_hosts(work, wanted)).transpose()?.unwrap_or_default();
        let plain = |hosts: &[(ReservationKey, Host)]| hosts.iter().map(|(_, host)| host.clone()).collect();
        Ok(Intent {
            scope: work.id,
            old_id,
            new_id,
            updates: sends_update(work),
            subnet_keys: work.changes.iter().map(|change| &change.key).filter(|key| in_subnet(key)).cloned().collect(),
            old_network: before.and_then(|before| before.network),
            hosts: sort_out(work, &hosts_before, &hosts_wanted),
            new_network: wanted.as_ref().and_then(|wanted| wanted.network.clone()),
            subnet: wanted.map(|wanted| wanted.subnet).unwrap_or_default(),
            all_before: plain(&hosts_before),
            all_wanted: plain(&hosts_wanted),
        })
    }

    /// The subnet as it shall be, under this number.
    pub(super) fn subnet_as(&self, id: u32) -> Value {
        let mut subnet = self.subnet.clone();
        if let Some(object) = subnet.as_object_mut() {
            object.insert("id".to_owned(), id.into());
            object.remove("reservations");
        }
        subnet
    }
}

/// Whether the scope gets another number.
pub(super) fn renumbers(work: &Work) -> bool {
    is_kept(work).is_some_and(|(before, want)| before.server_id() != want.server_id())
}

/// The scope as it is and as it shall be, where it is there before and after.
fn is_kept(work: &Work) -> Option<(&Scope, &Scope)> {
    work.before.as_ref().zip(work.want.as_ref())
}

/// Whether it goes into another shared network, or out of one.
pub(super) fn moves_network(work: &Work) -> bool {
    is_kept(work).is_some_and(|(before, want)| before.network() != want.network())
}

/// Whether `subnet4-update` must be sent. A scope that changes its shared network is written
/// too: values that it inherits may have been said in it, and would stay behind.
pub(super) fn sends_update(work: &Work) -> bool {
    let plain = |key: &ItemKey| in_subnet(key) && *key != id_key();
    is_kept(work).is_some() && (moves_network(work) || work.changes.iter().any(|change| plain(&change.key)))
}

pub(super) fn id_key() -> ItemKey {
    ItemKey::property("id")
}

pub(super) fn network_key() -> ItemKey {
    ItemKey::property("shared-network")
}

fn in_subnet(key: &ItemKey) -> bool {
    key.in_reservation().is_none() && *key != network_key()
}

fn no_id(whose: &str) -> Error {
    Error::new(ErrorKind::Local, format!("{whose} scope has no id"))
        .hint("give every subnet an id in its configuration")
}

fn all_hosts(work: &Work, rendered: &Rendered) -> Result<Vec<(ReservationKey, Host)>> {
    let host = |(key, json): &(ReservationKey, Value)| {
        let identifier = identifier(json).ok_or_else(|| {
            Error::new(ErrorKind::Local, format!("reservation {key} has no identifier that Kea knows"))
        })?;
        let mut json = json.clone();
        if let Some(object) = json.as_object_mut() {
            object.remove("subnet-id");
        }
        let owner = Owner::Reservation(key.clone());
        let own = |item: &&ItemKey| item.in_reservation() == Some(key) || item.owner == owner;
        let keys = work.changes.iter().map(|change| &change.key).filter(own).cloned().collect();
        Ok((key.clone(), Host { keys, identifier, json }))
    };
    rendered.reservations.iter().map(host).collect()
}

fn identifier(reservation: &Value) -> Option<(IdentifierKind, String)> {
    IdentifierKind::ALL.into_iter().find_map(|kind| {
        let value = reservation.get(kind.word())?.as_str()?;
        Some((kind, value.to_owned()))
    })
}

fn sort_out(work: &Work, before: &[(ReservationKey, Host)], wanted: &[(ReservationKey, Host)]) -> Hosts {
    fn find(hosts: &[(ReservationKey, Host)], key: &ReservationKey) -> Option<Host> {
        hosts.iter().find(|(own, _)| own == key).map(|(_, host)| host.clone())
    }
    let touched: BTreeSet<&ReservationKey> = work.changes.iter().filter_map(|c| c.key.in_reservation()).collect();
    let moved = |key: &ReservationKey| {
        let own = |change: &&crate::model::Change| {
            change.key.kind == Kind::Reservation && change.key.in_reservation() == Some(key)
        };
        work.changes.iter().find(own).is_some_and(|change| change.moved.is_some())
    };
    let mut hosts = Hosts::default();
    for key in touched {
        match (find(before, key), find(wanted, key)) {
            (Some(old), Some(new)) if stays_in_place(&old, &new) => hosts.updates.push(Both { old, new }),
            (Some(old), Some(new)) => {
                // done when the new one is there, not when the old one is gone
                hosts.departures.push(Host { keys: BTreeSet::new(), ..old });
                hosts.arrivals.push(new);
            }
            (Some(old), None) if moved(key) => hosts.departures.push(old),
            (Some(old), None) => hosts.deletions.push(old),
            (None, Some(new)) if moved(key) => hosts.arrivals.push(new),
            (None, Some(new)) => hosts.additions.push(new),
            (None, None) => {}
        }
    }
    hosts
}

/// `reservation-update` finds a reservation by its client and can change anything else; the
/// address too, but then it may collide.
fn stays_in_place(old: &Host, new: &Host) -> bool {
    let address = |host: &Host| host.json.get("ip-address").cloned();
    old.identifier == new.identifier && address(old) == address(new)
}
