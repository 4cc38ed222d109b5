//! Policies, and the order in which a server goes through them.
//!
//! No call drops a condition or a lease duration of a policy: such a policy is removed and added again,
//! with all that belongs to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::call::Call;
use super::render::{self, POLICY, Told};
use super::steps::{Layout, Phase, policy_key};
use crate::backend::windows::cim::{CONDITIONS, Policy};
use crate::engine::Result;
use crate::model::{Change, ChangeKind, Foreign, Item, ItemKey, KeyName, Kind, Scope};

impl Layout<'_> {
    /// Lays out the calls for policies. Ranks are places in a list without gaps: a server moves the others
    /// when one is set, added or removed. Those that only move with others have no call of their own.
    pub(super) fn policies(&mut self, changes: &[&Change]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let changed: BTreeMap<&ItemKey, &Change> = changes.iter().map(|change| (&change.key, *change)).collect();
        let [mut list, goal] = [self.before, self.want].map(in_order);
        for (key, change) in &changed {
            if let (ChangeKind::Delete, KeyName::Name(name)) = (change.change, &key.name) {
                list.retain(|other| other != name);
                let keys = self.gone_with(key);
                self.place(Phase::RemovePolicy, keys, Call::RemovePolicy(self.scope, name.clone()));
            }
        }
        let told: BTreeMap<&Foreign, (Told, bool)> = goal
            .iter()
            .map(|name| {
                let key = policy_key(name.clone());
                (name, self.told(&key, changed.contains_key(&key)))
            })
            .collect();
        // their old ranges must be out of the way of all that comes, too
        for (name, _) in told.iter().filter(|(_, (_, anew))| *anew) {
            let key = policy_key((*name).clone());
            let gone = self.gone_with(&key);
            self.place(Phase::RemovePolicy, gone, Call::RemovePolicy(self.scope, (*name).clone()));
            self.anew.insert(key);
            list.retain(|other| other != *name);
        }
        // what does not change must not need a call: better it than any number of others
        let worth = |name: &Foreign| {
            let key = policy_key(name.clone());
            let rank = |scope: &Scope| scope.items.get(&key).and_then(|item| item.rank);
            if rank(self.before) == rank(self.want) { goal.len() + 1 } else { 1 }
        };
        let stays = best_in_order(&goal, &list, worth);
        for (at, name) in goal.iter().enumerate() {
            let Some((told, _)) = told.get(name) else { continue };
            let key = policy_key(name.clone());
            let is_there = list.contains(name);
            let moves = !stays.contains(name);
            if moves {
                list.retain(|other| other != name);
                let before = at.checked_sub(1).and_then(|before| list.iter().position(|other| *other == goal[before]));
                list.insert(before.map_or(0, |before| before + 1), name.clone());
            }
            let ranked = self.want.items.get(&key).is_some_and(|item| item.rank.is_some());
            let rank = list.iter().position(|other| other == name).map(|at| at + 1).filter(|_| moves && ranked);
            if told.words.is_empty() && rank.is_none() {
                continue;
            }
            let mut more = json!({"Name": name, "ScopeId": self.scope, "ProcessingOrder": rank});
            for condition in CONDITIONS.iter().filter(|name| !told.words.contains_key(**name)) {
                more[*condition] = json!([]);
            }
            let policy: Box<Policy> = Box::new(render::instance(told.words.clone(), more)?);
            let call = if is_there { Call::SetPolicy(policy) } else { Call::AddPolicy(policy) };
            self.place(Phase::Policy, [key.clone()], call);
        }
        self.doubt_ranks(&goal, &list, &stays);
        Ok(())
    }

    /// What a call has to tell of a policy, and whether it has to be added anew.
    fn told(&mut self, key: &ItemKey, is_changed: bool) -> (Told, bool) {
        let nothing = Item::default();
        let wanted = self.want.items.get(key).unwrap_or(&nothing);
        if !is_changed {
            return (Told::default(), false);
        }
        let was = self.before.items.get(key);
        let told = Told::differing(POLICY, was, wanted);
        let anew = was.is_some() && !told.dropped.is_empty();
        let told = if anew { Told::differing(POLICY, None, wanted) } else { told };
        self.doubt(key, told.is_uncertain);
        (told, anew)
    }

    /// How servers move the policies that nobody names is not documented; and no order has two policies
    /// at one place, or none.
    fn doubt_ranks(&mut self, goal: &[Foreign], list: &[Foreign], stays: &BTreeSet<Foreign>) {
        let moves = goal != in_order(self.before);
        for name in goal {
            let key = policy_key(name.clone());
            let rank = |scope: &Scope| scope.items.get(&key).and_then(|item| item.rank);
            let (was, wanted) = (rank(self.before), rank(self.want));
            let place = list.iter().position(|other| other == name).and_then(|at| u32::try_from(at + 1).ok());
            let is_elsewhere = place != wanted || stays.contains(name) && was != wanted;
            self.doubt(&key, moves && wanted.is_some() && is_elsewhere);
        }
    }
}

/// The names of a scope's policies, by rank.
fn in_order(scope: &Scope) -> Vec<Foreign> {
    let policies = scope.items.iter().filter_map(|(key, item)| match (&key.kind, &key.name) {
        (Kind::Policy, KeyName::Name(name)) => Some((item.rank.unwrap_or(u32::MAX), name.clone())),
        _ => None,
    });
    let sorted: BTreeSet<(u32, Foreign)> = policies.collect();
    sorted.into_iter().map(|(_, name)| name).collect()
}

/// Those of `goal` that stand in this order in `list` already and are worth most together: the others
/// move.
fn best_in_order(goal: &[Foreign], list: &[Foreign], worth: impl Fn(&Foreign) -> usize) -> BTreeSet<Foreign> {
    let places: Vec<(usize, &Foreign)> =
        goal.iter().filter_map(|name| Some((list.iter().position(|other| other == name)?, name))).collect();
    // for each as the last of them: what they are worth, and which one is before it
    let mut best: Vec<(usize, Option<usize>)> = Vec::new();
    for (at, (place, name)) in places.iter().enumerate() {
        let earlier = (0..at).filter(|before| places[*before].0 < *place);
        let before = earlier.max_by_key(|before| best[*before].0);
        best.push((worth(name) + before.map_or(0, |before| best[before].0), before));
    }
    let mut last = (0..best.len()).max_by_key(|at| best[*at].0);
    let mut stays = BTreeSet::new();
    while let Some(at) = last {
        stays.insert(places[at].1.clone());
        last = best[at].1;
    }
    stays
}
