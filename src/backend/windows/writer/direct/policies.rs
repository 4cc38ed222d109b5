//! Policies, and the order in which a server goes through them.
//!
//! No call drops a condition or a lease duration of a policy: such a policy is removed and added again,
//! with all that belongs to it, when all else of the scope is done.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::call::Call;
use super::render::{self, POLICY, Told};
use super::steps::{Layout, Phase, policy_key};
use crate::backend::windows::cim::{CONDITIONS, Policy};
use crate::engine::{Result, drift};
use crate::model::{Change, ChangeKind, Field, Foreign, Item, ItemKey, KeyName, Kind, Owner, Scope};

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
        let is_anew = |name: &Foreign| told.get(name).is_some_and(|(_, anew)| *anew);
        let (anew, others): (Vec<Foreign>, Vec<Foreign>) = goal.iter().cloned().partition(is_anew);
        // what does not change must not need a call: better it than any number of others
        let worth = |name: &Foreign| {
            let key = policy_key(name.clone());
            let rank = |scope: &Scope| scope.items.get(&key).and_then(|item| item.rank);
            if rank(self.before) == rank(self.want) { goal.len() + 1 } else { 1 }
        };
        let kept: Vec<Foreign> = list.iter().filter(|name| !is_anew(name)).cloned().collect();
        let stays = best_in_order(&goal, &kept, worth);
        for name in &others {
            let is_there = list.contains(name);
            let rank = (!stays.contains(name)).then(|| put_behind(&mut list, &others, name));
            if let Some((told, _)) = told.get(name)
                && let Some(policy) = self.policy(name, told, rank)?
            {
                let call = if is_there { Call::SetPolicy(policy) } else { Call::AddPolicy(policy) };
                self.place(Phase::Policy, [policy_key(name.clone())], call);
            }
        }
        for name in &anew {
            let rank = put_behind(&mut list, &goal, name);
            if let Some((told, _)) = told.get(name)
                && let Some(policy) = self.policy(name, told, Some(rank))?
            {
                self.recreate(name, policy)?;
            }
        }
        self.doubt_ranks(&changed, &list, &stays);
        Ok(())
    }

    /// What a call says of a policy; nothing where there is nothing to say.
    fn policy(&self, name: &Foreign, told: &Told, rank: Option<usize>) -> Result<Option<Box<Policy>>> {
        let is_ranked = self.want.items.get(&policy_key(name.clone())).is_some_and(|item| item.rank.is_some());
        let rank = rank.filter(|_| is_ranked);
        if told.words.is_empty() && rank.is_none() {
            return Ok(None);
        }
        let mut more = json!({"Name": name, "ScopeId": self.scope, "ProcessingOrder": rank});
        for condition in CONDITIONS.iter().filter(|name| !told.words.contains_key(**name)) {
            more[*condition] = json!([]);
        }
        render::instance(told.words.clone(), more).map(|policy| Some(Box::new(policy)))
    }

    /// Removes a policy and adds it again with all that belongs to it, call by call: it is absent for as
    /// short as can be.
    fn recreate(&mut self, name: &Foreign, policy: Box<Policy>) -> Result<()> {
        let key = policy_key(name.clone());
        let mut gone = self.gone_with(&key);
        for range in gone.extract_if(.., |key| self.is_in_the_way(key)).collect::<Vec<_>>() {
            self.part(&range, self.before.items.get(&range), None)?;
        }
        self.place(Phase::Recreation, gone, Call::RemovePolicy(self.scope, name.clone()));
        self.place(Phase::Recreation, [key.clone()], Call::AddPolicy(policy));
        self.again(&key, Phase::Recreation)
    }

    /// Whether it is a range that does not fit what comes before its policy is removed: the scope's new
    /// range, or one that comes to another policy.
    fn is_in_the_way(&self, key: &ItemKey) -> bool {
        let KeyName::Range(first, last) = key.name else { return false };
        self.want.items.keys().any(|other| match (&other.owner, other.kind, &other.name) {
            (Owner::Scope, Kind::Range, KeyName::Range(start, end)) => first < *start || last > *end,
            (Owner::Policy(_), Kind::Range, KeyName::Range(start, end)) => {
                other.owner != key.owner && first <= *end && *start <= last
            }
            _ => false,
        })
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
        self.uncertain.add_fields(key.clone(), told.doubtful.clone());
        (told, anew)
    }

    /// How servers move the policies that nobody names is not documented; and no order has two policies
    /// at one place, or none.
    fn doubt_ranks(&mut self, changed: &BTreeMap<&ItemKey, &Change>, list: &[Foreign], stays: &BTreeSet<Foreign>) {
        for (key, change) in changed {
            let KeyName::Name(name) = &key.name else { continue };
            let ranks: BTreeSet<Field> =
                change.fields.iter().map(|field| field.field.clone()).filter(drift::is_rank).collect();
            let wanted = self.want.items.get(key).and_then(|item| item.rank);
            let place = list.iter().position(|other| other == name).and_then(|at| u32::try_from(at + 1).ok());
            if stays.contains(name) || place != wanted {
                self.uncertain.add_fields((*key).clone(), ranks);
            }
        }
    }
}

/// Moves a policy right behind the one that it follows in this order, or to the front; its rank by then.
fn put_behind(list: &mut Vec<Foreign>, order: &[Foreign], name: &Foreign) -> usize {
    list.retain(|other| other != name);
    let followed = order.iter().take_while(|other| *other != name).last();
    let at = followed.and_then(|followed| list.iter().position(|other| other == followed)).map_or(0, |at| at + 1);
    list.insert(at, name.clone());
    at + 1
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
