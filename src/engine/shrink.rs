//! Addresses that a scope no longer hands out once it is written, and the clients that have them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::port::{Refusal, Work};
use crate::model::{ItemKey, KeyName, Kind, Owner, ReservationKey, Scope};

/// How many addresses or items a message names.
const NAMED: usize = 3;

/// Addresses that a range of the target's scope holds now and none will hold.
pub struct Lost<'a> {
    want: Option<&'a Scope>,
    /// Sorted; wide numbers, so that one past the end is one.
    intervals: Vec<(u64, u64)>,
}

impl<'a> Lost<'a> {
    /// Those that the work takes away: all where it deletes the scope.
    pub fn by(work: &'a Work) -> Self {
        let changes_ranges = work.changes.iter().any(|change| is_range(&change.key));
        let intervals = match (&work.before, &work.want) {
            (None, _) => Vec::new(),
            (Some(_), None) => vec![(0, u64::from(u32::MAX))],
            (Some(before), Some(want)) if changes_ranges => lost(before, want),
            (Some(_), Some(_)) => Vec::new(),
        };
        Lost { want: work.want.as_ref(), intervals }
    }

    /// Whether no client can lose its address.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// The refusal `shrink-leases`, where clients have such addresses: `held` are the addresses with
    /// a lease, `None` where the target does not list them, which `why` may explain.
    pub fn refusal(&self, held: Option<Vec<Ipv4Addr>>, why: &str) -> Option<Refusal> {
        let happens =
            if self.want.is_some() { "ranges shrink on the target" } else { "the scope is deleted on the target" };
        let refuse = |message: String| {
            let hint = "their clients lose these addresses at the next renewal; override it by this name if that is \
                        meant";
            Some(Refusal { name: "shrink-leases", message, hint: hint.to_owned(), overridable: true })
        };
        let Some(held) = held else {
            return refuse(format!("{happens}, and the target cannot list its leases{why}"));
        };
        let reserved: BTreeSet<Ipv4Addr> =
            self.want.iter().flat_map(|want| want.items.keys()).filter_map(reserved_address).collect();
        let is_lost = |address: &Ipv4Addr| {
            let number = u64::from(u32::from(*address));
            self.intervals.iter().any(|(first, last)| (*first..=*last).contains(&number))
        };
        let mut hit: Vec<Ipv4Addr> =
            held.into_iter().filter(|address| is_lost(address) && !reserved.contains(address)).collect();
        hit.sort();
        let what = match hit.as_slice() {
            [] => return None,
            [only] => format!("1 lease ({only})"),
            several => format!("{} leases ({})", several.len(), names(several)),
        };
        refuse(format!("{happens} under {what}"))
    }
}

fn reserved_address(key: &ItemKey) -> Option<Ipv4Addr> {
    match &key.name {
        KeyName::Reservation(ReservationKey::Address(address) | ReservationKey::Shared(address, ..)) => Some(*address),
        _ => None,
    }
}

fn lost(before: &Scope, want: &Scope) -> Vec<(u64, u64)> {
    let kept = ranges(want);
    let mut lost = Vec::new();
    for (first, last) in ranges(before) {
        let mut next = first;
        for &(start, end) in kept.iter().filter(|(start, end)| *end >= first && *start <= last) {
            if start > next {
                lost.push((next, start - 1));
            }
            next = next.max(end + 1);
        }
        if next <= last {
            lost.push((next, last));
        }
    }
    lost
}

/// The ranges of a scope, not those of its policies, as sorted intervals.
fn ranges(scope: &Scope) -> Vec<(u64, u64)> {
    let number = |address: Ipv4Addr| u64::from(u32::from(address));
    let range = |key: &ItemKey| match key.name {
        KeyName::Range(first, last) if is_range(key) => Some((number(first), number(last))),
        _ => None,
    };
    let mut ranges: Vec<(u64, u64)> = scope.items.keys().filter_map(range).collect();
    ranges.sort_unstable();
    ranges
}

fn is_range(key: &ItemKey) -> bool {
    key.owner == Owner::Scope && key.kind == Kind::Range
}

/// The first few of them, in words.
pub fn names<T: ToString>(all: &[T]) -> String {
    let some: Vec<String> = all.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if all.len() > NAMED { ", ..." } else { "" };
    format!("{}{more}", some.join(", "))
}
