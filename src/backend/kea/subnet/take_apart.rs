//! A Kea subnet becomes the items of a scope.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::super::config::{BOUNDS, Surroundings};
use super::canonical::{self, RESTRICTIONS};
use super::words::in_new_words;
use super::{option, reservation};
use crate::model::{
    Complete, Foreign, Item, ItemKey, KeyName, Kind, Level, Need, Origin, Owner, Scope, ScopeId, Value,
};

/// Keys that name devices of the machine; they are nobody else's business.
pub(in super::super) fn is_local(key: &str) -> bool {
    key == "interface" || key.starts_with("4o6-interface")
}

/// Keys of a subnet that are no properties but become other items, or the scope itself.
pub(super) fn is_structure(key: &str) -> bool {
    matches!(key, "subnet" | "pools" | "option-data" | "reservations" | "user-context" | "comment")
        || RESTRICTIONS.iter().flatten().any(|word| *word == key)
}

/// The scope that a prefix names, without the bits beyond it.
pub(in super::super) fn scope_id(prefix: &str) -> Option<ScopeId> {
    let id: ScopeId = prefix.trim().parse().ok()?;
    ScopeId::new((u32::from(id.network) & id.mask()).into(), id.prefix_length)
}

/// Takes a subnet apart.
pub(super) fn scope(native: Json, network: Option<&Foreign>, around: &Surroundings) -> Result<Scope, Foreign> {
    let object = native.as_object().ok_or_else(|| Foreign::from("a subnet that is no object"))?;
    let prefix = object.get("subnet").and_then(Json::as_str).ok_or_else(|| Foreign::from("a subnet without prefix"))?;
    let id = scope_id(prefix).ok_or_else(|| Foreign::from(format!("the prefix \"{prefix}\" is none")))?;
    let mut parts = Parts { around, items: BTreeMap::new(), needs: BTreeSet::new(), unreadable: BTreeSet::new() };
    parts.properties(object, network);
    parts.restrictions(object, &Owner::Scope);
    parts.options(object, &Owner::Scope)?;
    parts.pools(object)?;
    parts.reservations(object)?;
    let parents = around.parents(network);
    parts.inherit(parents);
    let context = canonical::user_context(object);
    let name = ["comment", "name"].iter().find_map(|key| context.as_ref()?.get(key)?.as_str()).map(Foreign::from);
    let Parts { items, needs, unreadable, .. } = parts;
    Ok(Scope {
        id,
        name: name.filter(|name| !name.raw().is_empty()),
        items,
        parents: Arc::clone(parents),
        needs,
        unreadable,
        complete: Complete::Whole,
        native: Arc::new(native),
    })
}

struct Parts<'a> {
    around: &'a Surroundings,
    items: BTreeMap<ItemKey, Item>,
    needs: BTreeSet<Need>,
    unreadable: BTreeSet<ItemKey>,
}

impl Parts<'_> {
    fn properties(&mut self, object: &Map<String, Json>, network: Option<&Foreign>) {
        for (name, raw) in in_new_words(object).iter() {
            if is_structure(name) || is_local(name) {
                continue;
            }
            if let Some(canonical) = canonical::property(name, raw) {
                self.property(name, Value { canonical, raw: raw.clone(), origin: Origin::Own });
            }
        }
        if let Some(context) = canonical::scope_context(object) {
            self.property("user-context", Value::own(context));
        }
        if let Some(key) = self.around.belonging(canonical::relationship_name(object), network).key() {
            self.items.insert(ItemKey::relationship(), Item::single(Value::own(key.raw().into())));
        }
        if let Some(network) = network {
            self.property("shared-network", Value::own(network.raw().into()));
            self.needs.insert(Need::Network(network.clone()));
        }
    }

    fn property(&mut self, name: &str, value: Value) {
        self.items.insert(ItemKey::property(name), Item::single(value));
    }

    /// Says of each property whether a level above gives it, and adds those that only a
    /// level above gives: so it does not matter whether the subnet repeats them.
    fn inherit(&mut self, given: &BTreeMap<ItemKey, Value>) {
        for (key, parent) in given.iter() {
            match self.items.get_mut(key).and_then(|item| item.fields.get_mut("value")) {
                None => {
                    self.items.insert(key.clone(), Item::single(parent.clone()));
                }
                Some(value) if value.canonical == parent.canonical => value.origin = parent.origin.clone(),
                Some(_) => {}
            }
        }
        let lifetime = self.items.get(&ItemKey::property("valid-lifetime")).and_then(Item::value).cloned();
        for bound in BOUNDS {
            let key = ItemKey::property(bound);
            let Some(lifetime) = lifetime.as_ref().filter(|_| !given.contains_key(&key)) else { continue };
            // where nobody gives a bound, it is the lifetime itself
            let own = self.items.get(&key).and_then(Item::value);
            if own.is_none_or(|own| own.canonical == lifetime.canonical) {
                let implied = Value { origin: Origin::Inherited(Level::Default), ..lifetime.clone() };
                self.items.insert(key, Item::single(implied));
            }
        }
    }

    fn restrictions(&mut self, object: &Map<String, Json>, owner: &Owner) {
        for words in RESTRICTIONS {
            let Some((names, canonical)) = canonical::restriction(object, words) else { continue };
            self.needs.extend(names.iter().map(|name| Need::Class(name.as_str().into())));
            let value = Value { canonical, raw: names.into(), origin: Origin::Own };
            self.items.insert(restriction_key(owner, words), Item::single(value));
        }
    }

    fn options(&mut self, object: &Map<String, Json>, owner: &Owner) -> Result<(), Foreign> {
        for option in option::list(object.get("option-data"), self.around)? {
            let key = option.item_key(owner);
            if option.needs_definition {
                self.needs.insert(Need::OptionDefinition(option.key.space.clone(), option.key.code));
            }
            self.needs.extend(option.key.tags.iter().cloned().map(Need::Class));
            if option.is_hidden() {
                self.unreadable.insert(key.clone());
            }
            self.items.insert(key, option.item);
        }
        Ok(())
    }

    fn pools(&mut self, object: &Map<String, Json>) -> Result<(), Foreign> {
        for json in object.get("pools").and_then(Json::as_array).into_iter().flatten() {
            let pool = json.as_object().ok_or_else(|| Foreign::from("a pool that is no object"))?;
            let (first, last) = pool_range(pool)?;
            let owner = Owner::Range(first, last);
            if self.items.insert(ItemKey::range(first, last), pool_fields(pool)).is_some() {
                return Err(format!("two pools for {first}-{last}").into());
            }
            self.restrictions(pool, &owner);
            self.options(pool, &owner)?;
        }
        Ok(())
    }

    fn reservations(&mut self, object: &Map<String, Json>) -> Result<(), Foreign> {
        let Some(hosts) = object.get("reservations").and_then(Json::as_array) else {
            return Ok(());
        };
        for (host, (key, item)) in hosts.iter().zip(reservation::list(hosts)?) {
            let owner = Owner::Reservation(key.clone());
            if let Some(host) = host.as_object() {
                let classes = host.get("client-classes").map(canonical::class_names).unwrap_or_default();
                self.needs.extend(classes.into_iter().map(|name| Need::Class(name.into())));
                self.options(host, &owner)?;
            }
            self.items.insert(ItemKey::reservation(key), item);
        }
        Ok(())
    }
}

/// The key of a class restriction: named by its new word.
pub(super) fn restriction_key(owner: &Owner, words: [&str; 2]) -> ItemKey {
    ItemKey { owner: owner.clone(), kind: Kind::Policy, name: KeyName::Name(words[1].into()) }
}

/// The addresses of a pool.
pub(super) fn pool_range(pool: &Map<String, Json>) -> Result<(Ipv4Addr, Ipv4Addr), Foreign> {
    let text = pool.get("pool").and_then(Json::as_str).unwrap_or_default();
    canonical::range(text).ok_or_else(|| Foreign::from(format!("the pool \"{text}\" is no range of addresses")))
}

/// What a pool says beyond its addresses, options and classes.
pub(super) fn pool_fields(pool: &Map<String, Json>) -> Item {
    let mut item = Item::default();
    for (name, raw) in pool {
        if name == "pool" || is_structure(name) {
            continue;
        }
        if let Some(canonical) = canonical::property(name, raw) {
            item.fields.insert(name.as_str().into(), Value { canonical, raw: raw.clone(), origin: Origin::Own });
        }
    }
    if let Some(context) = canonical::user_context(pool) {
        item.fields.insert("user-context".into(), Value::own(context));
    }
    item
}
