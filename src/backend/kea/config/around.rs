//! What surrounds the scopes: definitions, classes, networks and global values, each in
//! the one form in which both sides are compared.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::super::subnet::option::ReadOption;
use super::super::subnet::take_apart::is_local;
use super::super::subnet::words::in_new_words;
use super::super::subnet::{canonical, option, reservation};
use super::options::DHCP4;
use super::relationship::Failover;
use super::surroundings::{BOUNDS, DEFAULTS, Surroundings};
use crate::model::{
    CLASS_ORDER, Canonical, Context, Definition, DefinitionKind, Foreign, Item, ItemKey, Store, failover_parameter,
};

type Fields = BTreeMap<Foreign, Canonical>;

/// Takes the values of the `Dhcp4` object and of its networks.
pub(super) fn context(
    global: &Map<String, Json>,
    networks: &BTreeMap<Foreign, Map<String, Json>>,
    failover: &[Failover],
    around: &Surroundings,
) -> Result<Context, Foreign> {
    let mut found = Context::default();
    let mut add = |kind, name: Foreign, fields: Fields, label: Option<Foreign>| {
        found.definitions.insert((kind, name), Definition { fields, label });
    };
    for json in list(global, "option-def") {
        if let Some((key, label, fields)) = option_definition(json) {
            add(DefinitionKind::OptionDefinition, key, fields, Some(label));
        }
    }
    let mut order = Vec::new();
    for class in list(global, "client-classes").filter_map(Json::as_object) {
        let Some(name) = class.get("name").and_then(Json::as_str) else { continue };
        order.push(Canonical::text(name));
        add(DefinitionKind::Class, name.into(), self::class(class, around)?, None);
    }
    if order.len() > 1 {
        add(DefinitionKind::Global, CLASS_ORDER.into(), single(Canonical::List(order)), None);
    }
    for (name, network) in networks {
        add(DefinitionKind::Network, name.clone(), self::network(name, network, around)?, None);
    }
    for option in option::list(global.get("option-data"), around)? {
        let mut name = format!("{}/{}", option.key.space.raw(), option.key.code);
        if option.key.nth > 0 {
            name.push_str(&format!(" #{}", option.key.nth + 1));
        }
        add(DefinitionKind::GlobalOption, name.into(), plain(&option.item), option.item.label);
    }
    let newer = in_new_words(global);
    for (name, value) in globals(&newer) {
        add(DefinitionKind::Global, name.into(), single(value), None);
    }
    for (name, value) in modes(&newer) {
        add(DefinitionKind::ReservationMode, name.into(), single(value), None);
    }
    if let Some(hosts) = global.get("reservations").and_then(Json::as_array) {
        for (host, (key, item)) in hosts.iter().zip(reservation::list(hosts)?) {
            let mut fields = plain(&item);
            fields.extend(options(host.get("option-data"), around)?);
            add(DefinitionKind::Global, format!("reservation {key}").into(), fields, None);
        }
    }
    for failover in failover {
        let key = failover.membership.key();
        for (name, value) in &failover.parameters {
            add(DefinitionKind::Failover, failover_parameter(name, &key), single(value.clone()), None);
        }
    }
    found.stores = stores(global);
    found.hidden = hidden(global, networks, around)?;
    Ok(found)
}

/// Definitions that hold an option whose value a running server keeps to itself.
fn hidden(
    global: &Map<String, Json>,
    networks: &BTreeMap<Foreign, Map<String, Json>>,
    around: &Surroundings,
) -> Result<Vec<(DefinitionKind, Foreign)>, Foreign> {
    let mut found = Vec::new();
    for option in option::list(global.get("option-data"), around)?.iter().filter(|option| option.is_hidden()) {
        found.push((DefinitionKind::GlobalOption, format!("{}/{}", option.key.space.raw(), option.key.code).into()));
    }
    let classes = list(global, "client-classes").filter_map(Json::as_object).filter_map(|class| {
        let name = class.get("name")?.as_str()?;
        Some((DefinitionKind::Class, Foreign::from(name), class))
    });
    let networks = networks.iter().map(|(name, network)| (DefinitionKind::Network, name.clone(), network));
    for (kind, name, object) in classes.chain(networks) {
        if option::list(object.get("option-data"), around)?.iter().any(ReadOption::is_hidden) {
            found.push((kind, name));
        }
    }
    Ok(found)
}

fn list<'a>(object: &'a Map<String, Json>, key: &str) -> impl Iterator<Item = &'a Json> {
    object.get(key).and_then(Json::as_array).into_iter().flatten()
}

fn single(value: Canonical) -> Fields {
    BTreeMap::from([("value".into(), value)])
}

fn plain(item: &Item) -> Fields {
    item.fields.iter().map(|(name, value)| (name.clone(), value.canonical.clone())).collect()
}

/// A list of options as fields, one for each.
fn options(json: Option<&Json>, around: &Surroundings) -> Result<Fields, Foreign> {
    let mut fields = Fields::new();
    for option in option::list(json, around)? {
        let label = option.item.label.as_ref().map_or_else(String::new, |label| format!("{} ", label.raw()));
        let name = format!("option {label}{}", Foreign::from(option.key.to_string()).raw());
        fields.insert(name.into(), Canonical::Map(plain(&option.item)));
    }
    Ok(fields)
}

fn option_definition(json: &Json) -> Option<(Foreign, Foreign, Fields)> {
    let object = json.as_object()?;
    let text = |key: &str| object.get(key).and_then(Json::as_str).unwrap_or_default();
    let space = object.get("space").and_then(Json::as_str).unwrap_or(DHCP4);
    let key = format!("{space}/{}", object.get("code")?.as_u64()?);
    let types: Vec<&str> = text("record-types").split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    let fields = [
        ("name", Canonical::text(text("name"))),
        ("type", Canonical::text(text("type"))),
        ("array", Canonical::Bool(object.get("array").and_then(Json::as_bool).unwrap_or(false))),
        ("record-types", Canonical::text(types.join(", "))),
        ("encapsulate", Canonical::text(text("encapsulate"))),
    ];
    Some((key.into(), text("name").into(), fields.map(|(name, value)| (name.into(), value)).into()))
}

fn class(class: &Map<String, Json>, around: &Surroundings) -> Result<Fields, Foreign> {
    let mut fields = options(class.get("option-data"), around)?;
    for json in list(class, "option-def") {
        if let Some((key, _, definition)) = option_definition(json) {
            fields.insert(format!("option definition {}", key.raw()).into(), Canonical::Map(definition));
        }
    }
    let lifetime = class.get("valid-lifetime");
    for (name, value) in class {
        let name = match (name.as_str(), value) {
            ("name" | "option-data" | "option-def" | "user-context" | "comment", _) | (_, Json::Null) => continue,
            ("server-hostname" | "boot-file-name" | "test", Json::String(text)) if text.is_empty() => continue,
            ("next-server", Json::String(text)) if text == "0.0.0.0" => continue,
            ("only-if-required" | "only-in-additional-list", Json::Bool(false)) => continue,
            // the older word for the same
            ("only-if-required", _) => "only-in-additional-list",
            (name, value) if BOUNDS.contains(&name) && lifetime == Some(value) => continue,
            (name, _) => name,
        };
        fields.insert(name.into(), Canonical::from_json(value));
    }
    Ok(fields)
}

/// The network's own values: those that it does not merely repeat from the global ones.
fn network(name: &Foreign, network: &Map<String, Json>, around: &Surroundings) -> Result<Fields, Foreign> {
    let mut fields = options(network.get("option-data"), around)?;
    for words in canonical::RESTRICTIONS {
        if let Some((_, names)) = canonical::restriction(network, words) {
            fields.insert(words[1].into(), names);
        }
    }
    let (own, globals) = (around.parents(Some(name)), around.parents(None));
    for (name, value) in in_new_words(network).iter() {
        let restricts = canonical::RESTRICTIONS.iter().flatten().any(|word| word == name);
        let elsewhere = matches!(name.as_str(), "name" | "subnet4" | "option-data" | "user-context" | "comment");
        // a bound that a running server filled in is none
        let filled_in = BOUNDS.contains(&name.as_str()) && !own.contains_key(&ItemKey::property(name.as_str()));
        if restricts || elsewhere || is_local(name) || filled_in {
            continue;
        }
        let Some(value) = canonical::property(name, value) else { continue };
        if globals.get(&ItemKey::property(name.as_str())).is_none_or(|given| given.canonical != value) {
            fields.insert(name.as_str().into(), value);
        }
    }
    if let Some(context) = canonical::scope_context(network) {
        fields.insert("user-context".into(), Canonical::from_json(&context));
    }
    Ok(fields)
}

/// A server's own identity and housekeeping, and what is compared elsewhere: never global values.
fn is_no_global(name: &str) -> bool {
    MODES.iter().any(|(mode, _)| *mode == name)
        || name.starts_with("statistic-")
        || name.starts_with("hostname-char-")
        || matches!(
            name,
            "interfaces-config"
                | "control-socket"
                | "control-sockets"
                | "hooks-libraries"
                | "lease-database"
                | "hosts-database"
                | "hosts-databases"
                | "config-control"
                | "server-tag"
                | "loggers"
                | "multi-threading"
                | "dhcp-queue-control"
                | "dhcp-ddns"
                | "dhcp4o6-port"
                | "sanity-checks"
                | "expired-leases-processing"
                | "parked-packet-limit"
                | "option-def"
                | "option-data"
                | "client-classes"
                | "reservations"
                | "host-reservation-identifiers"
                | "subnet4"
                | "shared-networks"
                | "user-context"
                | "comment"
                | "hash"
                | "Logging"
        )
}

/// Global values, with Kea's defaults where nothing is said.
fn globals(global: &Map<String, Json>) -> BTreeMap<String, Canonical> {
    let more = [
        ("decline-probation-period", Json::from(86_400)),
        ("echo-client-id", true.into()),
        ("stash-agent-options", false.into()),
    ];
    let defaults = DEFAULTS.iter().filter_map(|(name, default)| Some((*name, default.json()?))).chain(more);
    let mut found: BTreeMap<String, Canonical> = defaults
        .filter(|(name, _)| !is_no_global(name))
        .map(|(name, value)| (name.to_owned(), Canonical::from_json(&value)))
        .collect();
    let lifetime = global.get("valid-lifetime");
    for (name, value) in global {
        let implied = BOUNDS.contains(&name.as_str()) && lifetime == Some(value);
        if is_no_global(name) || implied || value.is_null() {
            continue;
        }
        found.insert(name.clone(), Canonical::from_json(value));
    }
    found
}

/// How reservations are looked up, with Kea's defaults.
const MODES: &[(&str, bool)] = &[
    ("reservations-global", false),
    ("reservations-in-subnet", true),
    ("reservations-out-of-pool", false),
    ("reservations-lookup-first", false),
    ("early-global-reservations-lookup", false),
    ("ip-reservations-unique", true),
];

fn modes(global: &Map<String, Json>) -> BTreeMap<String, Canonical> {
    let mut found: BTreeMap<String, Canonical> =
        MODES.iter().map(|(name, default)| ((*name).to_owned(), Canonical::Bool(*default))).collect();
    for (name, _) in MODES {
        if let Some(value) = global.get(*name) {
            found.insert((*name).to_owned(), Canonical::from_json(value));
        }
    }
    let order = global.get("host-reservation-identifiers").map(canonical::class_names);
    let usual = || ["hw-address", "duid", "circuit-id", "client-id"].map(str::to_owned).to_vec();
    let order = order.unwrap_or_else(usual).into_iter().map(Canonical::text).collect();
    found.insert("host-reservation-identifiers".into(), Canonical::List(order));
    found
}

fn stores(global: &Map<String, Json>) -> Vec<Store> {
    let kind = |json: &Json| Foreign::from(json.get("type").and_then(Json::as_str).unwrap_or("unknown"));
    let mut found: Vec<Store> = global
        .get("hosts-database")
        .filter(|one| one.as_object().is_some_and(|one| !one.is_empty()))
        .into_iter()
        .chain(list(global, "hosts-databases"))
        .map(|json| Store::HostsDatabase(kind(json)))
        .collect();
    let backends = global.get("config-control").and_then(|control| control.get("config-databases"));
    let backends = backends.and_then(Json::as_array).into_iter().flatten();
    found.extend(backends.map(|json| Store::ConfigurationBackend(kind(json))));
    found.sort();
    found.dedup();
    found
}
