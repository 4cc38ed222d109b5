//! Kea's `Dhcp4` object becomes what the engine compares.
//!
//! The text of the subnets is not built into values here: each becomes a part of the packed
//! text, with the little that a list of scopes shows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::packed::Packed;
use super::subnet::KeaScope;
use super::subnet::take_apart::scope_id;
use crate::engine::port::Entry;
use crate::model::{Context, Foreign, Membership, ScopeId};

mod around;
mod options;
mod relationship;
mod scan;
mod surroundings;
#[cfg(test)]
mod tests;

pub use options::{DHCP4, Definitions, OptionDefinition, Shape, VENDOR};
pub use relationship::Homes;
pub use surroundings::{BOUNDS, Parents, Surroundings, Words, is_derived};

pub(super) use scan::{Broken, Scanner};

/// Where the text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A running server's `config-get`: every default is said, inherited values are flattened.
    Live,
    /// A configuration file: what nobody wrote is not there.
    File,
}

/// One server's configuration, taken apart.
#[derive(Clone, Debug)]
pub struct KeaConfig {
    /// Its text, without what is kept in databases. It carries passwords: it stays in memory.
    pub text: Packed,
    /// Its relationships; states are unknown here.
    pub memberships: Vec<Membership>,
    /// What tells this server from every other; `None` without a relationship.
    pub identity: Option<Foreign>,
    /// What surrounds its scopes.
    pub context: Arc<Context>,
    /// Its scopes.
    pub scopes: BTreeMap<ScopeId, Entry>,
    /// Scopes that could not be listed, with the reason.
    pub unreadable: Vec<(Option<ScopeId>, Foreign)>,
    /// What is needed to open a scope.
    pub surroundings: Arc<Surroundings>,
    /// Reservations are also kept in a database.
    pub hosts_database: bool,
    /// Configuration comes from a database.
    pub configuration_backend: bool,
}

/// Reads the JSON text of a `Dhcp4` object, which its receiver has found to be JSON.
///
/// # Errors
/// Says why the text is no Kea configuration.
pub fn read(dhcp4: &[u8], how: How) -> Result<KeaConfig, Foreign> {
    let found = find(dhcp4)?;
    let global = Value::Object(found.global);
    let list = |key: &str| global.get(key).unwrap_or(&Value::Null);
    let networks: BTreeMap<Foreign, Map<String, Value>> =
        found.networks.into_iter().filter_map(|(name, values)| Some((name?, values))).collect();
    let Value::Object(globals) = &global else { return Err("the configuration is no object".into()) };
    let definitions = Definitions::read(list("option-def"));
    let words = words(globals, &networks, found.new_words);
    let failover = relationship::read(list("hooks-libraries"));
    let homes = Homes::of(failover.iter().map(|failover| &failover.membership));
    let surroundings = Surroundings::new(how, words, definitions, globals, &networks).with_homes(homes);
    let surroundings = Arc::new(surroundings);
    let context = around::context(globals, &networks, &failover, &surroundings)?;
    let spans: Vec<Range<usize>> = found.subnets.iter().map(|subnet| subnet.span.clone()).collect();
    let (text, texts) = Packed::with_parts(dhcp4, &spans);
    let (scopes, unreadable) = entries(dhcp4, found.subnets.iter().zip(texts), &surroundings);
    let has_store = |wanted: fn(&crate::model::Store) -> bool| context.stores.iter().any(wanted);
    Ok(KeaConfig {
        text,
        memberships: failover.iter().map(|failover| failover.membership.clone()).collect(),
        identity: relationship::identity(&failover),
        hosts_database: has_store(|store| matches!(store, crate::model::Store::HostsDatabase(_))),
        configuration_backend: has_store(|store| matches!(store, crate::model::Store::ConfigurationBackend(_))),
        context: Arc::new(context),
        scopes,
        unreadable,
        surroundings,
    })
}

/// What one walk over the text finds.
#[derive(Default)]
struct Found {
    /// Everything but the subnets and networks.
    global: Map<String, Value>,
    /// The networks without their subnets.
    networks: Vec<(Option<Foreign>, Map<String, Value>)>,
    subnets: Vec<FoundSubnet>,
    /// A subnet uses the words that Kea has had since 2.7.5.
    new_words: bool,
}

/// Where a subnet stands, and the values that a list shows.
#[derive(Default)]
struct FoundSubnet {
    span: Range<usize>,
    network: Option<Foreign>,
    id: Range<usize>,
    prefix: Range<usize>,
    context: Range<usize>,
    comment: Range<usize>,
}

/// Why the walk ended.
struct Stop(Foreign);

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Stop(broken.to_string().into())
    }
}

fn find(text: &[u8]) -> Result<Found, Foreign> {
    let mut found = Found::default();
    let mut scanner = Scanner::new(text);
    let walked = scanner.object::<Stop>(|key, at| match key {
        b"subnet4" if at.peek() == Some(b'[') => at.list(|at| subnet(at, None, &mut found)),
        b"shared-networks" if at.peek() == Some(b'[') => at.list(|at| network(at, &mut found)),
        _ => {
            let span = at.value()?;
            found.global.insert(name_of(key), small(at.slice(&span))?);
            Ok(())
        }
    });
    match walked {
        Ok(_) => Ok(found),
        Err(Stop(reason)) => Err(reason),
    }
}

fn network(at: &mut Scanner<'_>, found: &mut Found) -> Result<(), Stop> {
    let mut values = Map::new();
    let first = found.subnets.len();
    at.object::<Stop>(|key, at| match key {
        b"subnet4" if at.peek() == Some(b'[') => at.list(|at| subnet(at, None, found)),
        _ => {
            let span = at.value()?;
            values.insert(name_of(key), small(at.slice(&span))?);
            Ok(())
        }
    })?;
    let name = values.get("name").and_then(Value::as_str).map(Foreign::from);
    for subnet in found.subnets.iter_mut().skip(first) {
        subnet.network.clone_from(&name);
    }
    found.networks.push((name, values));
    Ok(())
}

fn subnet(at: &mut Scanner<'_>, network: Option<Foreign>, found: &mut Found) -> Result<(), Stop> {
    let mut subnet = FoundSubnet { network, ..FoundSubnet::default() };
    let mut new_words = false;
    subnet.span = at.object::<Stop>(|key, at| {
        let span = at.value()?;
        match key {
            b"id" => subnet.id = span,
            b"subnet" => subnet.prefix = span,
            b"user-context" => subnet.context = span,
            b"comment" => subnet.comment = span,
            b"client-classes" | b"evaluate-additional-classes" => new_words = true,
            _ => {}
        }
        Ok(())
    })?;
    found.new_words |= new_words;
    found.subnets.push(subnet);
    Ok(())
}

fn name_of(key: &[u8]) -> String {
    let mut quoted = Vec::with_capacity(key.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(key);
    quoted.push(b'"');
    serde_json::from_slice(&quoted).unwrap_or_else(|_| String::from_utf8_lossy(key).into_owned())
}

fn small(text: &[u8]) -> Result<Value, Stop> {
    serde_json::from_slice(text).map_err(|error| Stop(error.to_string().into()))
}

/// Kea since 2.7.5 has `control-sockets`, and so have most of its files.
fn words(global: &Map<String, Value>, networks: &BTreeMap<Foreign, Map<String, Value>>, seen: bool) -> Words {
    let new = |object: &Map<String, Value>| {
        object.contains_key("evaluate-additional-classes") || object.contains_key("client-classes")
    };
    let is_new = seen || global.contains_key("control-sockets") || networks.values().any(new);
    if is_new { Words::New } else { Words::Old }
}

type Listed = (BTreeMap<ScopeId, Entry>, Vec<(Option<ScopeId>, Foreign)>);

fn entries<'a>(
    text: &[u8],
    subnets: impl ExactSizeIterator<Item = (&'a FoundSubnet, Packed)>,
    surroundings: &Arc<Surroundings>,
) -> Listed {
    let mut scopes = Vec::with_capacity(subnets.len());
    let mut unreadable = Vec::new();
    for (subnet, packed) in subnets {
        let slice = |span: &Range<usize>| text.get(span.clone()).unwrap_or_default();
        let prefix: Option<String> = serde_json::from_slice(slice(&subnet.prefix)).ok();
        let Some(id) = prefix.as_deref().and_then(scope_id) else {
            let what =
                prefix.map_or_else(|| "a subnet without prefix".to_owned(), |p| format!("the prefix \"{p}\" is none"));
            unreadable.push((None, what.into()));
            continue;
        };
        let context: Value = serde_json::from_slice(slice(&subnet.context)).unwrap_or_default();
        let comment: Option<String> = serde_json::from_slice(slice(&subnet.comment)).ok();
        let said = |key: &str| context.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let entry = Entry {
            id,
            server_id: serde_json::from_slice(slice(&subnet.id)).ok(),
            name: said("comment").or(comment.as_deref().filter(|c| !c.is_empty())).or(said("name")).map(Foreign::from),
            belongs: surroundings.belonging(said("ha-server-name"), subnet.network.as_ref()),
            raw: Arc::new(KeaScope {
                text: packed,
                network: subnet.network.clone(),
                surroundings: Arc::clone(surroundings),
            }),
        };
        scopes.push((id, entry));
    }
    scopes.sort_by_key(|(id, _)| *id);
    scopes.dedup_by(|(again, _), (id, _)| {
        let is_twice = again == id;
        if is_twice {
            unreadable.push((Some(*id), "the configuration has this subnet twice".into()));
        }
        is_twice
    });
    // made of all at once, the map has no gaps
    (scopes.into_iter().collect(), unreadable)
}
