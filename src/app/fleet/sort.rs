//! In which order relationships and scopes are listed.

use super::facts::{Facts, Rank};
use super::relation::Relation;
use crate::app::compared::Compared;
use crate::app::state::AppState;
use crate::config::Column;
use crate::engine::survey::Relationship;

/// By what the list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: Column,
    /// The other way round.
    pub reversed: bool,
}

impl Sort {
    /// The scopes of a relationship in this order; equal ones by address, either way.
    pub fn scopes(self, relation: &Relation) -> Vec<u32> {
        let Some(compared) = &relation.compared else { return Vec::new() };
        let facts = &compared.sheet.facts;
        let keys: Vec<u64> = (0..facts.len()).map(|at| self.key(compared, &relation.used, at)).collect();
        by_keys(&keys)
    }

    /// The scopes of all relationships in one list: which relationship, and where in its drift.
    pub fn all(self, relations: &[Option<&Relation>]) -> Vec<(u32, u32)> {
        let mut places = Vec::new();
        let mut keys = Vec::new();
        for (number, relation) in (0u32..).zip(relations) {
            let Some((relation, compared)) =
                relation.and_then(|relation| Some((relation, relation.compared.as_ref()?)))
            else {
                continue;
            };
            for at in 0..compared.sheet.facts.len() {
                places.push((number, u32::try_from(at).unwrap_or(u32::MAX)));
                keys.push(match self.column {
                    // one relationship's addresses and names are already in order; of several they are not
                    Column::Scope => self.turned(address(compared, at)),
                    Column::Name => 0,
                    Column::Relationship | Column::Source | Column::Target => self.turned(number.into()),
                    _ => self.key(compared, &relation.used, at),
                });
            }
        }
        let mut order: Vec<(u32, u32)> =
            by_keys(&keys).into_iter().filter_map(|at| places.get(at as usize).copied()).collect();
        if self.column == Column::Name {
            let name = |(number, at): (u32, u32)| {
                let compared = relations.get(number as usize).copied().flatten()?.compared.as_ref()?;
                compared.drift.scopes.get(at as usize)?.name.as_ref()
            };
            order.sort_by(|a, b| {
                let ordering = (name(*a).is_none(), name(*a)).cmp(&(name(*b).is_none(), name(*b)));
                if self.reversed { ordering.reverse() } else { ordering }
            });
        }
        order
    }

    /// A relationship's place among others.
    pub fn relationship(self, state: &AppState, relationship: &Relationship) -> (u64, String) {
        let [source, target] = crate::app::pick::directed(state, relationship);
        let words = match self.column {
            Column::Name | Column::Relationship => relationship.name.to_string(),
            Column::Source => source.shown(),
            Column::Target => target.shown(),
            _ => String::new(),
        };
        let compared = state.relations.get(&relationship.name).and_then(|relation| relation.compared.as_ref());
        let counts = compared.map_or([0; 3], |compared| compared.counts);
        let key = match self.column {
            Column::Drift => severity(compared.map_or(Rank::Checking, |c| rank(c)), counts),
            Column::Create => most(counts[0]),
            Column::Update => most(counts[1]),
            Column::Delete => most(counts[2]),
            _ => 0,
        };
        (self.turned(key), words)
    }

    fn turned(self, key: u64) -> u64 {
        if self.reversed { !key } else { key }
    }

    fn key(self, compared: &Compared, used: &[u8], at: usize) -> u64 {
        let Some(Facts { rank, counts, by_name, .. }) = compared.sheet.facts.get(at) else { return u64::MAX };
        let counts = counts.map(|count| count as usize);
        self.turned(match self.column {
            Column::Scope => at as u64,
            Column::Name => u64::from(*by_name),
            Column::Relationship | Column::Source | Column::Target => 0,
            Column::Drift => severity(*rank, counts),
            Column::Create => most(counts[0]),
            Column::Update => most(counts[1]),
            Column::Delete => most(counts[2]),
            // the fullest first, and what is not known last
            Column::Used => used
                .get(at)
                .filter(|used| **used != super::relation::UNTOLD)
                .map_or(u64::MAX, |used| most(usize::from(*used))),
        })
    }
}

/// What most of is, first.
fn most(count: usize) -> u64 {
    u64::from(u32::MAX) - (count as u64).min(u64::from(u32::MAX))
}

/// The worst first, then what deletes most, then what changes most.
fn severity(rank: Rank, counts: [usize; 3]) -> u64 {
    const MANY: u64 = 0xff_ffff;
    let deletions = MANY - (counts[2] as u64).min(MANY);
    (rank as u64) << 56 | deletions << 32 | most(counts.iter().sum())
}

fn rank(compared: &Compared) -> Rank {
    let sum = &compared.summary;
    match () {
        () if compared.critical > 0 => Rank::Critical,
        () if sum.unknown > 0 || compared.is_unread() => Rank::Unknown,
        () if sum.only_on_source + sum.only_on_target > 0 => Rank::OneSided,
        () if sum.drifted > 0 => Rank::Drifted,
        () if compared.pending => Rank::Checking,
        () => Rank::InSync,
    }
}

fn address(compared: &Compared, at: usize) -> u64 {
    let Some(scope) = compared.drift.scopes.get(at) else { return u64::MAX };
    u64::from(u32::from(scope.id.network)) << 8 | u64::from(scope.id.prefix_length)
}

/// The places of these keys, the smallest first; equal ones stay as they are. By digits, which
/// takes a third of what comparing does; digits in which no two differ cost nothing.
fn by_keys(keys: &[u64]) -> Vec<u32> {
    const BITS: u32 = 11;
    const DIGITS: usize = 1 << BITS;
    let mut order: Vec<u32> = (0u32..).zip(keys).map(|(at, _)| at).collect();
    let mut next = vec![0; order.len()];
    let first = keys.first().copied().unwrap_or_default();
    let differing = keys.iter().fold(0, |differing, key| differing | (key ^ first));
    for shift in (0..u64::BITS).step_by(BITS as usize) {
        let digit = |key: u64| (key >> shift) as usize & (DIGITS - 1);
        if digit(differing) == 0 {
            continue;
        }
        let mut starts = [0u32; DIGITS + 1];
        keys.iter().for_each(|key| starts[digit(*key) + 1] += 1);
        for at in 1..DIGITS {
            starts[at] += starts[at - 1];
        }
        for at in &order {
            let start = &mut starts[digit(keys[*at as usize])];
            next[*start as usize] = *at;
            *start += 1;
        }
        std::mem::swap(&mut order, &mut next);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn sorts_as_comparing_does(keys in proptest::collection::vec(proptest::prelude::any::<u64>(), 0..300), few in 1u64..9) {
            for keys in [keys.clone(), keys.iter().map(|key| (key % few) << 40).collect()] {
                let mut expected: Vec<u32> = (0..u32::try_from(keys.len()).unwrap()).collect();
                expected.sort_by_key(|at| keys[*at as usize]);
                proptest::prop_assert_eq!(by_keys(&keys), expected);
            }
        }
    }

    #[test]
    fn the_worst_first_then_what_deletes_and_changes_most() {
        let order = [
            (Rank::Critical, [0, 0, 0]),
            (Rank::Unknown, [0, 0, 0]),
            (Rank::OneSided, [9, 0, 0]),
            (Rank::Drifted, [0, 0, 2]),
            (Rank::Drifted, [9, 0, 1]),
            (Rank::Drifted, [5, 5, 0]),
            (Rank::Drifted, [1, 0, 0]),
            (Rank::Checking, [0, 0, 0]),
            (Rank::InSync, [0, 0, 0]),
        ];
        assert!(order.map(|(rank, counts)| severity(rank, counts)).is_sorted());
    }
}
