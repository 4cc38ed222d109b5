//! Two configurations of one scope become ordered changes.

use std::collections::{BTreeMap, BTreeSet};

use super::port::Levels;
use crate::model::{
    Canonical, Change, ChangeKind, Field, FieldChange, IdentifierKind, Item, ItemKey, KeyName, Kind, Level, Origin,
    Scope, Value,
};

/// What must happen on the target so that its scope equals the source's, in the order
/// in which it is shown: by section, then by key.
///
/// One walk over two sorted maps. A value that both sides inherit is no drift,
/// whatever it is: the parents' difference is a finding of its own.
pub fn compare(source: &Scope, target: &Scope) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut ranks = Vec::new();
    let mut ours = source.items.iter().peekable();
    let mut theirs = target.items.iter().peekable();
    loop {
        use std::cmp::Ordering;
        let order = match (ours.peek(), theirs.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let change = match order {
            Ordering::Less => ours.next().and_then(|(key, item)| only_on_source(key, item)),
            Ordering::Greater => theirs.next().and_then(|(key, item)| only_on_target(key, item)),
            Ordering::Equal => match (ours.next(), theirs.next()) {
                (Some((key, a)), Some((_, b))) => {
                    ranks.extend(a.rank.zip(b.rank));
                    update(key, a, b, target)
                }
                _ => None,
            },
        };
        changes.extend(change);
    }
    if is_one_order(ranks) {
        for change in changes.iter_mut().filter(|change| change.change == ChangeKind::Update) {
            change.fields.retain(|field| !is_rank(&field.field));
        }
        changes.retain(|change| change.change != ChangeKind::Update || !change.fields.is_empty());
    }
    let mut changes = arranged(changes);
    mark_moves(&mut changes, source, target);
    changes
}

/// Whether what both sides have stands in one order on both, whatever the numbers: what one side has alone moves
/// all that is behind it, and gaps mean nothing.
fn is_one_order(mut ranks: Vec<(u32, u32)>) -> bool {
    ranks.sort_unstable();
    ranks.is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1)
}

/// The field that tells an item's place among its kind.
pub fn is_rank(field: &Field) -> bool {
    field.raw() == RANK
}

const RANK: &str = "rank";

/// Every item of a scope that the target lacks, as creations. `parents` are the values
/// that the scope would inherit on the target: what the source inherits and they do not
/// give is created too, and becomes explicit.
pub fn create_all(source: &Scope, parents: &BTreeMap<ItemKey, Value>) -> Vec<Change> {
    let changes: Vec<Change> = source
        .items
        .iter()
        .filter(|(key, _)| !goes_without_saying(key))
        .filter_map(|(key, item)| {
            let parent = parents.get(key);
            let implied = item.value().is_some_and(|value| is_implied(value, parent));
            let explicit = item.is_inherited() && !implied && !gives_the_same(parent, item);
            let change = one_sided(key, item, ChangeKind::Create);
            (explicit || !item.is_inherited()).then_some(Change { becomes_explicit: explicit, ..change })
        })
        .collect();
    arranged(changes)
}

fn gives_the_same(parent: Option<&Value>, item: &Item) -> bool {
    parent.map(|value| &value.canonical) == item.value().map(|value| &value.canonical)
}

/// A default that no level gives but the scope's own values imply, as the lifetime implies
/// its bounds: the target's own values will imply it there.
fn is_implied(value: &Value, parent: Option<&Value>) -> bool {
    value.origin == Origin::Inherited(Level::Default) && parent.is_none()
}

/// Every item of a scope that only the target has, for showing what is there.
pub fn target_only(target: &Scope) -> Vec<Change> {
    let told = target.items.iter().filter(|(key, _)| !goes_without_saying(key));
    let changes: Vec<Change> = told.filter_map(|(key, item)| only_on_target(key, item)).collect();
    arranged(changes)
}

/// A whole scope of a relationship belongs to that relationship.
fn goes_without_saying(key: &ItemKey) -> bool {
    *key == ItemKey::relationship()
}

/// Inherited on the source and unsaid on the target is a difference of the parents.
fn only_on_source(key: &ItemKey, item: &Item) -> Option<Change> {
    (!item.is_inherited()).then(|| one_sided(key, item, ChangeKind::Create))
}

fn only_on_target(key: &ItemKey, item: &Item) -> Option<Change> {
    (!item.is_inherited()).then(|| one_sided(key, item, ChangeKind::Delete))
}

fn one_sided(key: &ItemKey, item: &Item, change: ChangeKind) -> Change {
    let side = |keep: bool, value: &Value| keep.then(|| value.clone());
    Change {
        key: key.clone(),
        change,
        label: item.label.clone(),
        fields: item
            .fields
            .iter()
            .map(|(field, value)| FieldChange {
                field: field.clone(),
                source: side(change == ChangeKind::Create, value),
                target: side(change == ChangeKind::Delete, value),
            })
            .collect(),
        wanted: (change == ChangeKind::Create).then(|| item.clone()),
        moved: None,
        becomes_explicit: false,
    }
}

fn update(key: &ItemKey, source: &Item, target: &Item, scope: &Scope) -> Option<Change> {
    let same = |a: &Value, b: &Value| a.canonical == b.canonical || (a.is_inherited() && b.is_inherited());
    // most items are the same
    if source.rank == target.rank
        && source.fields.len() == target.fields.len()
        && source.fields.iter().zip(&target.fields).all(|((a, ours), (b, theirs))| a == b && same(ours, theirs))
    {
        return None;
    }
    let mut fields = Vec::new();
    let names: BTreeSet<_> = source.fields.keys().chain(target.fields.keys()).collect();
    for name in names {
        let (ours, theirs) = (source.fields.get(name), target.fields.get(name));
        if !ours.zip(theirs).is_some_and(|(a, b)| same(a, b)) {
            fields.push(FieldChange { field: name.clone(), source: ours.cloned(), target: theirs.cloned() });
        }
    }
    // order counts only where the item carries a rank
    if source.rank != target.rank && source.rank.is_some() && target.rank.is_some() {
        let rank = |item: &Item| item.rank.map(|rank| Value::own(serde_json::Value::from(rank)));
        fields.push(FieldChange { field: RANK.into(), source: rank(source), target: rank(target) });
    }
    if fields.is_empty() {
        return None;
    }
    let parent = scope.parents.get(key);
    let implied = source.value().is_some_and(|value| is_implied(value, parent));
    let becomes_explicit = source.is_inherited() && !implied && !gives_the_same(parent, source);
    let gone = source.is_inherited() && !becomes_explicit;
    Some(Change {
        key: key.clone(),
        // the key is dropped on the target and its parent gives the same value: still an
        // update in the operator's eyes, for the value changes and does not vanish
        change: ChangeKind::Update,
        label: source.label.clone().or_else(|| target.label.clone()),
        fields,
        wanted: (!gone).then(|| source.clone()),
        moved: None,
        becomes_explicit,
    })
}

/// Changes as they are shown: what goes with its owner folded into it, by section, then by key.
fn arranged(mut changes: Vec<Change>) -> Vec<Change> {
    fold_into_owners(&mut changes);
    changes.sort_by(|a, b| (a.section(), &a.key).cmp(&(b.section(), &b.key)));
    changes
}

/// The options of a reservation or range that is created or deleted go with it: one
/// change, not two. Their fields appear under the owner's.
fn fold_into_owners(changes: &mut Vec<Change>) {
    let owners: BTreeMap<crate::model::Owner, (usize, ChangeKind)> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| change.change != ChangeKind::Update)
        .filter_map(|(at, change)| Some((owner_named(&change.key)?, (at, change.change))))
        .collect();
    let mut folded: Vec<(usize, FieldChange)> = Vec::new();
    let mut kept = Vec::new();
    for (at, change) in changes.drain(..).enumerate() {
        match owners.get(&change.key.owner) {
            Some(&(owner, kind)) if kind == change.change => {
                let what = change.label.as_ref().map_or_else(|| change.key.name.to_string(), |l| l.raw().to_owned());
                if change.fields.is_empty() {
                    folded.push((owner, bare_field(&change)));
                }
                for field in change.fields {
                    let name = format!("{} {what} {}", change.key.kind.word(), field.field.raw());
                    folded.push((owner, FieldChange { field: name.into(), ..field }));
                }
            }
            _ => kept.push((at, change)),
        }
    }
    for (owner, field) in folded {
        if let Ok(place) = kept.binary_search_by_key(&owner, |(at, _)| *at) {
            kept[place].1.fields.push(field);
        }
    }
    changes.extend(kept.into_iter().map(|(_, change)| change));
}

/// What is all in its key, such as the range of a policy, as a field of its owner.
fn bare_field(change: &Change) -> FieldChange {
    let side = |kind| (change.change == kind).then(|| Value::own(change.key.name.to_string().into()));
    FieldChange {
        field: change.key.kind.word().into(),
        source: side(ChangeKind::Create),
        target: side(ChangeKind::Delete),
    }
}

/// The owner that an item itself is: of options, ranges and settings.
pub fn owner_named(key: &ItemKey) -> Option<crate::model::Owner> {
    use crate::model::Owner;
    match (&key.kind, &key.name) {
        (Kind::Range, KeyName::Range(first, last)) => Some(Owner::Range(*first, *last)),
        (Kind::Reservation, KeyName::Reservation(key)) => Some(Owner::Reservation(key.clone())),
        (Kind::Policy, KeyName::Name(name)) if key.owner == Owner::Scope => Some(Owner::Policy(name.clone())),
        _ => None,
    }
}

/// A deletion and a creation for one client are one move.
fn mark_moves(changes: &mut [Change], source: &Scope, target: &Scope) {
    let clients =
        |kind: ChangeKind, scope: &Scope, changes: &[Change]| -> BTreeMap<(IdentifierKind, Canonical), usize> {
            changes
                .iter()
                .enumerate()
                .filter(|(_, change)| change.change == kind && change.key.kind == Kind::Reservation)
                .filter_map(|(at, change)| Some((client(scope.items.get(&change.key)?)?, at)))
                .collect()
        };
    let created = clients(ChangeKind::Create, source, changes);
    let deleted = clients(ChangeKind::Delete, target, changes);
    for (client, &to) in &created {
        if let Some(&from) = deleted.get(client) {
            changes[to].moved = Some(changes[from].key.clone());
            changes[from].moved = Some(changes[to].key.clone());
        }
    }
}

/// The client of a reservation: the first identifier that it has.
pub fn client(reservation: &Item) -> Option<(IdentifierKind, Canonical)> {
    IdentifierKind::ALL.into_iter().find_map(|kind| {
        let value = reservation.fields.get(kind.word())?;
        Some((kind, value.canonical.clone()))
    })
}

/// The target's scope with changes from the source applied: what a write shall bring about.
///
/// `before` is `None` for a scope that the target lacks. `levels` are the target's: a change
/// of shared network changes what the scope inherits.
pub fn want(source: &Scope, before: Option<&Scope>, changes: &[Change], levels: &dyn Levels) -> Scope {
    let Some(before) = before else { return create(source, changes, levels) };
    let mut want = before.clone();
    want.needs = source.needs.union(&before.needs).cloned().collect();
    let membership = ItemKey::property("shared-network");
    if let Some(change) = changes.iter().find(|change| change.key == membership) {
        apply(&mut want, source, change);
        want.parents = levels.parents(want.network());
    }
    let moves = want.network() != before.network();
    keep_what_was_inherited(&mut want, source, moves);
    for change in changes {
        apply(&mut want, source, change);
    }
    place_created(&mut want, source, changes);
    inherit(&mut want);
    want
}

/// What is created where order means something stands right behind what it follows on the source; the others
/// keep their order, and all are counted anew. Where these change places, all have the source's.
fn place_created(want: &mut Scope, source: &Scope, changes: &[Change]) {
    let moves = changes.iter().any(|change| change.fields.iter().any(|field| is_rank(&field.field)));
    let is_ranked = |change: &&Change| change.wanted.as_ref().is_some_and(|item| item.rank.is_some());
    let created: BTreeSet<&ItemKey> = changes
        .iter()
        .filter(|change| change.change == ChangeKind::Create)
        .filter(is_ranked)
        .map(|change| &change.key)
        .collect();
    if moves || created.is_empty() {
        return;
    }
    let theirs = in_order(source);
    let mut order = in_order(want);
    order.retain(|key| !created.contains(key));
    for (at, key) in theirs.iter().enumerate().filter(|(_, key)| created.contains(key)) {
        let followed = theirs[..at].iter().rev().find_map(|before| order.iter().position(|other| other == before));
        order.insert(followed.map_or(0, |at| at + 1), key.clone());
    }
    for (key, rank) in order.iter().zip(1..) {
        if let Some(item) = want.items.get_mut(key) {
            item.rank = Some(rank);
        }
    }
}

/// The keys of what has a place among its kind, in that order.
fn in_order(scope: &Scope) -> Vec<ItemKey> {
    let ranked = scope.items.iter().filter_map(|(key, item)| Some((item.rank?, key)));
    ranked.collect::<BTreeSet<_>>().into_iter().map(|(_, key)| key.clone()).collect()
}

/// What is inherited may change with the shared network, and what is implied with other
/// values of the scope: what the source sets and the target so far merely got must be set
/// now, though it does not differ.
fn keep_what_was_inherited(want: &mut Scope, source: &Scope, moves: bool) {
    let Scope { items, parents, .. } = want;
    for (key, item) in items.iter_mut().filter(|(_, item)| item.is_inherited()) {
        let may_change = moves || item.value().is_some_and(|value| is_implied(value, parents.get(key)));
        let own = source.items.get(key).filter(|own| may_change && !own.is_inherited());
        if let (Some(own), Some(got)) = (own.and_then(Item::value), item.value())
            && own.canonical == got.canonical
        {
            *item = Item::single(own.clone());
        }
    }
}

/// What no change brings, because a rule ignores it, is not created either. The number by
/// which servers know the scope and its relationship are part of its identity and always
/// come along.
fn create(source: &Scope, changes: &[Change], levels: &dyn Levels) -> Scope {
    let mut want = source.clone();
    want.parents = levels.parents(source.network());
    let mut brought: BTreeSet<ItemKey> = changes.iter().map(|change| change.key.clone()).collect();
    brought.extend(changes.iter().flat_map(|change| owned_by(source, &change.key)));
    brought.extend([ItemKey::property("id"), ItemKey::relationship()]);
    want.items.retain(|key, item| item.is_inherited() || brought.contains(key));
    for (key, item) in &mut want.items {
        for value in item.fields.values_mut().filter(|value| value.is_inherited()) {
            match want.parents.get(key) {
                Some(parent) if parent.canonical == value.canonical => *value = parent.clone(),
                parent if is_implied(value, parent) => {}
                _ => value.origin = Origin::Own,
            }
        }
    }
    want
}

/// What the scope does not set follows its parents, also when these have changed.
fn inherit(want: &mut Scope) {
    let parents = want.parents.clone();
    want.items.retain(|key, item| !item.is_inherited() || parents.contains_key(key));
    for (key, parent) in parents.iter() {
        match want.items.get(key) {
            Some(item) if !item.is_inherited() => {}
            _ => {
                want.items.insert(key.clone(), Item::single(parent.clone()));
            }
        }
    }
}

fn apply(want: &mut Scope, source: &Scope, change: &Change) {
    match change.change {
        ChangeKind::Delete => {
            want.items.remove(&change.key);
            for key in owned_by(want, &change.key) {
                want.items.remove(&key);
            }
            // what the level above gives takes its place
            if let Some(parent) = want.parents.get(&change.key) {
                want.items.insert(change.key.clone(), Item::single(parent.clone()));
            }
        }
        ChangeKind::Create => {
            for key in std::iter::once(change.key.clone()).chain(owned_by(source, &change.key)) {
                if let Some(item) = source.items.get(&key) {
                    want.items.insert(key, item.clone());
                }
            }
        }
        ChangeKind::Update => update_item(want, source, change),
    }
}

fn update_item(want: &mut Scope, source: &Scope, change: &Change) {
    let Some(from) = source.items.get(&change.key) else {
        return;
    };
    let parent = want.parents.get(&change.key).cloned();
    let Some(item) = want.items.get_mut(&change.key) else {
        return;
    };
    for field in &change.fields {
        if is_rank(&field.field) {
            item.rank = from.rank;
            continue;
        }
        match &field.source {
            None => {
                item.fields.remove(&field.field);
            }
            Some(value) if is_implied(value, parent.as_ref()) => {
                item.fields.remove(&field.field);
            }
            Some(value) => {
                let mut value = value.clone();
                if value.is_inherited() {
                    value = match &parent {
                        Some(parent) if parent.canonical == value.canonical => parent.clone(),
                        _ => Value { origin: Origin::Own, ..value },
                    };
                }
                item.fields.insert(field.field.clone(), value);
            }
        }
    }
    item.label.clone_from(&from.label);
    if item.fields.is_empty() && change.key.kind == Kind::Property {
        want.items.remove(&change.key);
    }
}

/// What belongs to the reservation, range or policy of this key.
pub fn owned_by(scope: &Scope, key: &ItemKey) -> Vec<ItemKey> {
    let Some(owner) = owner_named(key) else { return Vec::new() };
    // keys are sorted by their owner first: what it owns stands together
    let first = ItemKey { owner, kind: Kind::Property, name: KeyName::Name("".into()) };
    let owned = scope.items.range(first.clone()..).map(|(key, _)| key);
    owned.take_while(|key| key.owner == first.owner).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Complete, Owner};

    /// A scope with policies that have these numbers.
    fn scope(policies: &[(&str, u32)]) -> Scope {
        let item = |&(name, rank): &(&str, u32)| {
            let key = ItemKey { owner: Owner::Scope, kind: Kind::Policy, name: KeyName::Name(name.into()) };
            (key, Item { rank: Some(rank), ..Item::single(Value::own(name.into())) })
        };
        Scope {
            id: "10.0.0.0/24".parse().unwrap(),
            name: None,
            native: Arc::default(),
            items: policies.iter().map(item).collect(),
            parents: Arc::default(),
            needs: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            complete: Complete::Whole,
        }
    }

    #[derive(Debug)]
    struct Nothing;

    impl Levels for Nothing {
        fn parents(&self, _network: Option<&crate::model::Foreign>) -> Arc<BTreeMap<ItemKey, Value>> {
            Arc::default()
        }

        fn revive(
            &self,
            _network: Option<&crate::model::Foreign>,
            _native: &serde_json::Value,
        ) -> Result<Scope, crate::model::Foreign> {
            Err("nothing".into())
        }
    }

    #[test]
    fn policies_differ_by_their_order_not_by_their_numbers() {
        for (source, target, told, wanted) in [
            // one more in the middle, one less in front, gaps
            (&[("a", 1), ("n", 2), ("b", 3)][..], &[("a", 1), ("b", 2)][..], "create n", "a n b"),
            (&[("b", 1), ("c", 2)], &[("a", 1), ("b", 2), ("c", 3)], "delete a", "b c"),
            (&[("a", 1), ("b", 3)], &[("a", 1), ("b", 2)], "", "a b"),
            (&[("n", 1), ("a", 2), ("m", 3)], &[("a", 1), ("x", 2)], "create m, create n, delete x", "n a m"),
            // another order
            (&[("a", 2), ("b", 1)], &[("a", 1), ("b", 2)], "update a, update b", "b a"),
            (
                &[("c", 1), ("n", 2), ("a", 3), ("b", 4)],
                &[("a", 1), ("b", 2), ("c", 3)],
                "update a, update b, update c, create n",
                "c n a b",
            ),
        ] {
            let (source, target) = (scope(source), scope(target));
            let changes = compare(&source, &target);
            let shown: Vec<String> =
                changes.iter().map(|change| format!("{} {}", change.change.word(), change.key.name)).collect();
            assert_eq!(shown.join(", "), told);
            let want = want(&source, Some(&target), &changes, &Nothing);
            let order: Vec<String> = in_order(&want).iter().map(|key| key.name.to_string()).collect();
            assert_eq!(order.join(" "), wanted, "{told}");
            assert_eq!(compare(&source, &want), [], "{told}");
            // what is left out moves nothing that is brought
            let some: Vec<Change> = changes.into_iter().filter(|change| change.change != ChangeKind::Delete).collect();
            let left = compare(&source, &super::want(&source, Some(&target), &some, &Nothing));
            assert!(left.iter().all(|change| change.change == ChangeKind::Delete), "{told}: {left:?}");
        }
    }
}
