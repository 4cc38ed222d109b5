//! What nobody knows beforehand to come to be.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Change, ChangeKind, Field, ItemKey};

/// The changes of a scope that the writer is not known to carry: items as a whole, or fields of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubts(BTreeMap<ItemKey, Doubt>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Doubt {
    Whole,
    Fields(BTreeSet<Field>),
}

impl Doubts {
    /// Doubts whether an item comes to be at all, and so all that it says.
    pub fn add(&mut self, key: ItemKey) {
        self.0.insert(key, Doubt::Whole);
    }

    /// Doubts these fields of an item that comes to be, or stays, with its others; none where there are none.
    pub fn add_fields(&mut self, key: ItemKey, fields: BTreeSet<Field>) {
        if fields.is_empty() {
            return;
        }
        if let Doubt::Fields(known) = self.0.entry(key).or_insert_with(|| Doubt::Fields(BTreeSet::new())) {
            known.extend(fields);
        }
    }

    /// Nothing is in doubt.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items of which something is in doubt.
    pub fn keys(&self) -> impl Iterator<Item = &ItemKey> {
        self.0.keys()
    }

    /// The fields of a change that are in doubt; `None` where nothing of it is.
    pub fn of<'a>(&self, change: &'a Change) -> Option<Vec<&'a Field>> {
        let fields = change.fields.iter().map(|field| &field.field);
        match self.0.get(&change.key)? {
            Doubt::Whole => Some(fields.collect()),
            Doubt::Fields(doubted) => Some(fields.filter(|field| doubted.contains(*field)).collect())
                .filter(|found: &Vec<_>| !found.is_empty()),
        }
    }

    /// Whether all that a change still has to do was in doubt. Fields are in doubt of what is there alone: that an
    /// item is missing, or stays, was not.
    pub fn covers(&self, rest: &Change) -> bool {
        match self.0.get(&rest.key) {
            None => false,
            Some(Doubt::Whole) => true,
            Some(Doubt::Fields(doubted)) => {
                rest.change == ChangeKind::Update && rest.fields.iter().all(|field| doubted.contains(&field.field))
            }
        }
    }

    /// Those of items that `is_listed`, and the other items.
    pub fn split(self, is_listed: impl Fn(&ItemKey) -> bool) -> (Doubts, BTreeSet<ItemKey>) {
        let (listed, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.0.into_iter().partition(|(key, _)| is_listed(key));
        (Doubts(listed), others.into_keys().collect())
    }
}

/// Items as a whole.
impl FromIterator<ItemKey> for Doubts {
    fn from_iter<T: IntoIterator<Item = ItemKey>>(keys: T) -> Self {
        Doubts(keys.into_iter().map(|key| (key, Doubt::Whole)).collect())
    }
}
