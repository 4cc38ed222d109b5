//! One element of a `reservations` list.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Map, Value as Json};

use super::canonical;
use crate::model::{Canonical, Foreign, IdentifierKind, Item, Origin, ReservationKey, Value};

/// Reads a list of reservations in its order, each with its key.
///
/// # Errors
/// Names two reservations that nothing tells apart, and one without client or address.
pub(in super::super) fn list(hosts: &[Json]) -> Result<Vec<(ReservationKey, Item)>, Foreign> {
    let items = hosts.iter().map(fields).collect::<Result<Vec<_>, _>>()?;
    let mut per_address: BTreeMap<Ipv4Addr, u32> = BTreeMap::new();
    for item in &items {
        if let Some(address) = address(item) {
            *per_address.entry(address).or_default() += 1;
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        let client = client(&item);
        let key = match (address(&item), client) {
            (Some(address), Some((kind, id))) if per_address.get(&address).is_some_and(|n| *n > 1) => {
                ReservationKey::Shared(address, kind, id)
            }
            (Some(address), _) => ReservationKey::Address(address),
            (None, Some((kind, id))) => ReservationKey::Client(kind, id),
            (None, None) => return Err("a reservation without a client".into()),
        };
        if !seen.insert(key.clone()) {
            return Err(format!("two reservations for {key}").into());
        }
        found.push((key, item));
    }
    Ok(found)
}

fn address(item: &Item) -> Option<Ipv4Addr> {
    match &item.fields.get("ip-address")?.canonical {
        Canonical::Text(text) => text.raw().parse().ok(),
        _ => None,
    }
}

fn client(item: &Item) -> Option<(IdentifierKind, Foreign)> {
    IdentifierKind::ALL.into_iter().find_map(|kind| match &item.fields.get(kind.word())?.canonical {
        Canonical::Text(id) => Some((kind, id.clone())),
        _ => None,
    })
}

/// The fields of a reservation; its options are items of their own.
pub(in super::super) fn fields(host: &Json) -> Result<Item, Foreign> {
    let object = host.as_object().ok_or_else(|| Foreign::from("a reservation that is no object"))?;
    let mut item = Item::default();
    for (name, raw) in object {
        if let Some(canonical) = field(name, raw) {
            item.fields.insert(name.as_str().into(), Value { canonical, raw: raw.clone(), origin: Origin::Own });
        }
    }
    if let Some(context) = canonical::user_context(object) {
        let canonical = Canonical::from_json(&context);
        item.fields.insert("user-context".into(), Value { canonical, raw: context, origin: Origin::Own });
    }
    Ok(item)
}

fn field(name: &str, raw: &Json) -> Option<Canonical> {
    if let (Some(kind), Json::String(text)) = (IdentifierKind::ALL.into_iter().find(|k| k.word() == name), raw) {
        return Some(Canonical::Text(canonical::identifier(kind, text)));
    }
    match (name, raw) {
        ("option-data" | "user-context" | "comment", _) | (_, Json::Null) => None,
        ("hostname" | "server-hostname" | "boot-file-name", Json::String(text)) if text.is_empty() => None,
        ("next-server", Json::String(text)) if text == "0.0.0.0" => None,
        ("client-classes", Json::Array(list)) if list.is_empty() => None,
        ("ip-address", Json::String(text)) => {
            let address: Option<Ipv4Addr> = text.trim().parse().ok();
            Some(Canonical::text(address.map_or_else(|| text.clone(), |address| address.to_string())))
        }
        _ => Some(Canonical::from_json(raw)),
    }
}

/// Changes a reservation into what is wanted, leaving alone what is already so.
pub(super) fn patch(object: &mut Map<String, Json>, was: &Item, want: &Item) {
    super::render::patch_fields(object, was, want);
}

/// A new reservation, its client first.
pub(super) fn write(item: &Item) -> Map<String, Json> {
    let mut object = Map::new();
    let first = IdentifierKind::ALL.map(IdentifierKind::word).into_iter().chain(["ip-address", "hostname"]);
    for name in first {
        if let Some(value) = item.fields.get(name) {
            object.insert(name.to_owned(), value.raw.clone());
        }
    }
    for (name, value) in &item.fields {
        if !object.contains_key(name.raw()) {
            object.insert(name.raw().to_owned(), value.raw.clone());
        }
    }
    object
}
