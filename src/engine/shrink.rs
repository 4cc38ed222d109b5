//! Addresses that a scope no longer hands out once it is written, and the clients that have them.

use std::net::Ipv4Addr;

use super::drift;
use super::port::{Refusal, Work};
use crate::model::{Change, IdentifierKind, ItemKey, KeyName, Kind, Owner, ReservationKey, Scope};

/// How many addresses or items a message names.
const NAMED: usize = 3;

/// A client that has an address.
pub struct Holder {
    /// Its address.
    pub address: Ipv4Addr,
    /// What the server knows of it: octets in hex, with anything or nothing between them.
    pub known_by: Vec<(IdentifierKind, String)>,
}

/// Addresses that the target's scope hands out now and will not: its ranges without its exclusions.
pub struct Lost<'a> {
    want: Option<&'a Scope>,
    /// Its ranges alone lose none of them.
    is_excluded: bool,
    /// Sorted; wide numbers, so that one past the end is one.
    intervals: Vec<(u64, u64)>,
}

impl<'a> Lost<'a> {
    /// Those that the work takes away: all where it deletes the scope.
    pub fn by(work: &'a Work) -> Self {
        let is_any = |change: &Change| is_of(&change.key, Kind::Range) || is_of(&change.key, Kind::Exclusion);
        let changes_any = work.changes.iter().any(is_any);
        let (intervals, is_excluded) = match (&work.before, &work.want) {
            (None, _) => (Vec::new(), false),
            (Some(_), None) => (vec![(0, u64::from(u32::MAX))], false),
            (Some(before), Some(want)) if changes_any => {
                let by_ranges = without(intervals(before, Kind::Range), &intervals(want, Kind::Range));
                (without(handed_out(before), &handed_out(want)), by_ranges.is_empty())
            }
            (Some(_), Some(_)) => (Vec::new(), false),
        };
        Lost { want: work.want.as_ref(), is_excluded, intervals }
    }

    /// Whether no client can lose its address.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// The refusal `shrink-leases`, where clients have such addresses: `held` are the clients with
    /// a lease, `None` where the target does not list them, which `why` may explain.
    pub fn refusal(&self, held: Option<Vec<Holder>>, why: &str) -> Option<Refusal> {
        let happens = match self.want {
            None => "the scope is deleted on the target",
            Some(_) if self.is_excluded => "addresses are excluded on the target",
            Some(_) => "ranges shrink on the target",
        };
        let refuse = |message: String| {
            let hint = "their clients lose these addresses at the next renewal; override it by this name if that is \
                        meant";
            Some(Refusal { name: "shrink-leases", message, hint: hint.to_owned(), overridable: true })
        };
        let Some(held) = held else {
            return refuse(format!("{happens}, and the target cannot list its leases{why}"));
        };
        let is_lost = |address: Ipv4Addr| {
            let number = u64::from(u32::from(address));
            self.intervals.iter().any(|(first, last)| (*first..=*last).contains(&number))
        };
        let lost = held.iter().filter(|holder| is_lost(holder.address) && !self.is_kept_for(holder));
        let mut hit: Vec<Ipv4Addr> = lost.map(|holder| holder.address).collect();
        hit.sort();
        let what = match hit.as_slice() {
            [] => return None,
            [only] => format!("1 lease ({only})"),
            several => format!("{} leases ({})", several.len(), names(several)),
        };
        refuse(format!("{happens} under {what}"))
    }

    /// Whether a reservation keeps the address for the client that has it, as far as the server tells who
    /// that is.
    fn is_kept_for(&self, holder: &Holder) -> bool {
        let items = self.want.into_iter().flat_map(|want| &want.items);
        items.filter(|(key, _)| reserved_address(key) == Some(holder.address)).any(|(_, reservation)| {
            let reserved = drift::client(reservation);
            reserved.is_none_or(|(kind, client)| {
                let known = holder.known_by.iter().find(|(known, told)| *known == kind && !told.is_empty());
                known.is_none_or(|(_, told)| bare(told).eq(bare(&client.to_line())))
            })
        })
    }
}

/// An identifier without what separates its octets.
fn bare(told: &str) -> impl Iterator<Item = char> {
    let told = told.strip_prefix("0x").unwrap_or(told);
    told.chars().filter(char::is_ascii_alphanumeric).map(|digit| digit.to_ascii_lowercase())
}

fn reserved_address(key: &ItemKey) -> Option<Ipv4Addr> {
    match &key.name {
        KeyName::Reservation(ReservationKey::Address(address) | ReservationKey::Shared(address, ..)) => Some(*address),
        _ => None,
    }
}

fn handed_out(scope: &Scope) -> Vec<(u64, u64)> {
    without(intervals(scope, Kind::Range), &intervals(scope, Kind::Exclusion))
}

/// What is left of intervals where these sorted ones are taken out.
fn without(all: Vec<(u64, u64)>, taken: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut left = Vec::new();
    for (first, last) in all {
        let mut next = first;
        for &(start, end) in taken.iter().filter(|(start, end)| *end >= first && *start <= last) {
            if start > next {
                left.push((next, start - 1));
            }
            next = next.max(end + 1);
        }
        if next <= last {
            left.push((next, last));
        }
    }
    left
}

/// The ranges or exclusions of a scope, not those of its policies, as sorted intervals.
fn intervals(scope: &Scope, kind: Kind) -> Vec<(u64, u64)> {
    let number = |address: Ipv4Addr| u64::from(u32::from(address));
    let interval = |key: &ItemKey| match key.name {
        KeyName::Range(first, last) if is_of(key, kind) => Some((number(first), number(last))),
        _ => None,
    };
    let mut intervals: Vec<(u64, u64)> = scope.items.keys().filter_map(interval).collect();
    intervals.sort_unstable();
    intervals
}

fn is_of(key: &ItemKey, kind: Kind) -> bool {
    key.owner == Owner::Scope && key.kind == kind
}

/// The first few of them, in words.
pub fn names<T: ToString>(all: &[T]) -> String {
    let some: Vec<String> = all.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if all.len() > NAMED { ", ..." } else { "" };
    format!("{}{more}", some.join(", "))
}
