//! Policies: conditions on clients, and what those clients get.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::super::cim::Policy;
use super::{Told, bare, canonical, interval, named, others, text, word};
use crate::model::{Canonical, Field, Foreign, Item, ItemKey, KeyName, Kind, Need, Origin, Owner, Scope, Value};

pub(super) fn insert(told: &Told, scope: &mut Scope) {
    for policy in &told.policies {
        let name = KeyName::Name(policy.name.clone());
        let item = Item { fields: fields(policy).collect(), rank: policy.processing_order.map(u32::from), label: None };
        scope.items.insert(ItemKey { owner: Owner::Scope, kind: Kind::Policy, name }, item);
        scope.needs.extend(names(&policy.vendor_class).map(Need::VendorClass));
        scope.needs.extend(names(&policy.user_class).map(Need::UserClass));
    }
    for range in &told.policy_ranges {
        let (owner, name) = (Owner::Policy(range.name.clone()), KeyName::Range(range.start_range, range.end_range));
        scope.items.insert(ItemKey { owner, kind: Kind::Range, name }, bare(&range.extra));
    }
}

/// What a policy says, but for its place among the others.
pub(in super::super) fn fields(policy: &Policy) -> impl Iterator<Item = (Field, Value)> {
    let hex = |told: &[Foreign]| condition(told, canonical::hardware);
    let names = |told: &[Foreign]| condition(told, str::to_owned);
    let fields = [
        ("description", text(&policy.description)),
        ("enabled", Some(Value::own(policy.enabled.unwrap_or(true).into()))),
        ("condition", word(&policy.condition)),
        ("vendor-class", names(&policy.vendor_class)),
        ("user-class", names(&policy.user_class)),
        ("mac-address", hex(&policy.mac_address)),
        ("client-id", hex(&policy.client_id)),
        ("relay-agent", hex(&policy.relay_agent)),
        ("circuit-id", hex(&policy.circuit_id)),
        ("remote-id", hex(&policy.remote_id)),
        ("subscriber-id", hex(&policy.subscriber_id)),
        // names of hosts compare without case
        ("fqdn", condition(&policy.fqdn, str::to_lowercase)),
        ("lease-duration", policy.lease_duration.map(interval)),
    ];
    named(fields).chain(others(&policy.extra).collect::<Vec<_>>())
}

const COMPARATORS: [&str; 4] = ["eq", "ne", "isl", "insl"];

/// The comparator that a word is, in lower case.
fn comparator(word: &Foreign) -> Option<&'static str> {
    COMPARATORS.into_iter().find(|known| known.eq_ignore_ascii_case(word.raw().trim()))
}

/// Sets by comparator: a comparator, its values, and maybe another comparator with its values.
/// Without a comparator before them the values are compared as they stand.
fn condition(told: &[Foreign], normal: impl Fn(&str) -> String) -> Option<Value> {
    let raw = json!(told.iter().map(Foreign::raw).collect::<Vec<_>>());
    let first = comparator(told.first()?);
    let Some(mut now) = first else {
        return Some(Value::own(raw));
    };
    let mut sets: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for word in told {
        match comparator(word) {
            Some(comparator) => {
                now = comparator;
                sets.entry(now).or_default();
            }
            // a single label, or none, needs no value and has a blank one
            None if word.raw().trim().is_empty() => {}
            None => drop(sets.entry(now).or_default().insert(normal(word.raw()))),
        }
    }
    let list = |set: BTreeSet<String>| Canonical::List(set.into_iter().map(Canonical::text).collect());
    let canonical = Canonical::Map(sets.into_iter().map(|(comparator, set)| (comparator.into(), list(set))).collect());
    Some(Value { canonical, raw, origin: Origin::Own })
}

/// The classes that a condition names; an asterisk behind a name stands for more of what clients send.
fn names(told: &[Foreign]) -> impl Iterator<Item = Foreign> {
    let bare = |word: &Foreign| Foreign::from(word.raw().trim_end_matches('*'));
    told.iter().filter(|word| comparator(word).is_none()).map(bare).filter(|name| !name.raw().is_empty())
}
