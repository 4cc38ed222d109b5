//! Which elements of an array stay, change, go and come.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value as Json;

use super::super::{Node, Value};
use super::same;

/// What an element of the wanted array is made from. Elements without a pair go.
pub(super) enum Pair<'a> {
    /// The old element with this index, unchanged.
    Same(usize),
    /// The old element with this index, changed inside.
    Changed(usize, &'a Json),
    /// A new one.
    New(&'a Json),
}

/// Members by which two different objects are taken for the same thing.
const IDENTITY: [&str; 12] = [
    "id",
    "subnet",
    "pool",
    "ip-address",
    "hw-address",
    "client-id",
    "duid",
    "circuit-id",
    "flex-id",
    "code",
    "name",
    "library",
];

/// Pairs the elements in the wanted order. Old indices ascend, so nothing moves.
pub(super) fn align<'a>(old: &[Node], want: &'a [Json]) -> Vec<Pair<'a>> {
    let anchors = longest_ascending(&equal_elements(old, want));
    let mut pairs = Vec::with_capacity(want.len());
    let (mut old_from, mut want_from) = (0, 0);
    for (old_at, want_at) in
        anchors.into_iter().map(Some).chain([None]).map(|anchor| anchor.unwrap_or((old.len(), want.len())))
    {
        pair_run(&mut pairs, old, old_from..old_at, &want[want_from..want_at]);
        if old_at < old.len() {
            pairs.push(Pair::Same(old_at));
        }
        (old_from, want_from) = (old_at + 1, want_at + 1);
    }
    pairs
}

/// Pairs of equal elements as (old, wanted), ascending by wanted; none twice.
fn equal_elements(old: &[Node], want: &[Json]) -> Vec<(usize, usize)> {
    let mut by_hash: HashMap<u64, VecDeque<usize>> = HashMap::new();
    for (index, node) in old.iter().enumerate() {
        by_hash.entry(digest(&node.to_json())).or_default().push_back(index);
    }
    let mut pairs = Vec::new();
    for (at, value) in want.iter().enumerate() {
        let Some(candidates) = by_hash.get_mut(&digest(value)) else { continue };
        if candidates.front().is_some_and(|index| same(&old[*index], value)) {
            pairs.extend(candidates.pop_front().map(|index| (index, at)));
        }
    }
    pairs
}

/// The longest selection whose old indices ascend too (by patience sorting).
fn longest_ascending(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tops: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, (old, _)) in pairs.iter().enumerate() {
        let pile = tops.partition_point(|top| pairs[*top].0 < *old);
        before.push(pile.checked_sub(1).map(|left| tops[left]));
        if pile == tops.len() { tops.push(at) } else { tops[pile] = at }
    }
    let mut chosen = Vec::with_capacity(tops.len());
    let mut next = tops.last().copied();
    while let Some(at) = next {
        chosen.push(pairs[at]);
        next = before[at];
    }
    chosen.reverse();
    chosen
}

/// Between two anchors: a wanted element is made from the next old one with the same identity.
fn pair_run<'a>(pairs: &mut Vec<Pair<'a>>, old: &[Node], range: std::ops::Range<usize>, want: &'a [Json]) {
    let plain = |v: &Json| !v.is_object();
    if range.len() == want.len() && want.iter().all(plain) {
        pairs.extend(range.zip(want).map(|(index, want)| Pair::Changed(index, want)));
        return;
    }
    let mut known: HashMap<(&str, String), Vec<usize>> = HashMap::new();
    for index in range.clone() {
        for (key, child) in old[index].members() {
            if let Some(key) = identity(&key.text).filter(|_| !is_container(child)) {
                known.entry((key, child.to_json().to_string())).or_default().push(index);
            }
        }
    }
    let mut from = range.start;
    for value in want {
        let next = value.as_object().into_iter().flatten().filter_map(|(key, value)| {
            let indices = known.get(&(identity(key)?, value.to_string()))?;
            indices.get(indices.partition_point(|index| *index < from)).copied()
        });
        match next.min() {
            Some(index) => {
                pairs.push(Pair::Changed(index, value));
                from = index + 1;
            }
            None => pairs.push(Pair::New(value)),
        }
    }
}

fn identity(key: &str) -> Option<&'static str> {
    IDENTITY.into_iter().find(|k| *k == key)
}

fn is_container(node: &Node) -> bool {
    matches!(node.value, Value::Array(_) | Value::Object(_))
}

/// Equal values have equal digests, whatever the order of their members.
fn digest(value: &Json) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Json::Object(members) => {
            let sum = members.iter().fold(0u64, |sum, (key, value)| {
                let mut member = DefaultHasher::new();
                (key, digest(value)).hash(&mut member);
                sum.wrapping_add(member.finish())
            });
            (1u8, sum).hash(&mut hasher);
        }
        Json::Array(elements) => {
            (2u8, elements.len()).hash(&mut hasher);
            elements.iter().for_each(|e| digest(e).hash(&mut hasher));
        }
        plain => plain.hash(&mut hasher),
    }
    hasher.finish()
}
