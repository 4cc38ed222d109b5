//! A whole configuration with some of its scopes replaced; pure.
//!
//! `config-get` repeats in each subnet and network what it inherits. Sent back so, the
//! values would be pinned: the global value could be raised without reaching anybody. So
//! what merely repeats the level above is left out, for every scope; the server fills it
//! in again when it reads the configuration. Everything else goes back byte for byte.

use std::collections::BTreeMap;

use crate::backend::kea::config::{BOUNDS, Broken, Scanner, is_derived};
use crate::backend::kea::subnet::take_apart::scope_id;
use crate::model::{Foreign, ScopeId};

const SUBNETS: &[u8] = b"subnet4";
const NETWORKS: &[u8] = b"shared-networks";
const LIFETIME: &[u8] = b"valid-lifetime";

/// A scope as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The shared network that it shall be in.
    pub(super) network: Option<Foreign>,
    /// The text of its subnet, with its reservations.
    pub(super) text: String,
}

/// The scopes that are replaced, or taken out.
pub(super) type Replaced<'a> = BTreeMap<ScopeId, Option<&'a Wanted>>;

/// The text of the configuration with these scopes in place of its own, wherever those
/// stand; a scope that it lacks is added.
///
/// # Errors
/// When the text is no configuration.
pub(super) fn compose(base: &[u8], replaced: &Replaced<'_>) -> Result<Vec<u8>, Broken> {
    let (members, _) = members(&mut Scanner::new(base))?;
    let globals = Said::of(&members);
    let mut text = Vec::with_capacity(base.len());
    let mut out = Object::begin(&mut text);
    let mut listed = false;
    for (key, value) in members {
        match key {
            SUBNETS if value.first() == Some(&b'[') => {
                listed = true;
                subnets(Some(&mut Scanner::new(value)), out.key(key), &globals, None, replaced)?;
            }
            NETWORKS if value.first() == Some(&b'[') => {
                networks(&mut Scanner::new(value), out.key(key), &globals, replaced)?;
            }
            _ => out.member(key, value),
        }
    }
    if !listed {
        subnets(None, out.key(SUBNETS), &globals, None, replaced)?;
    }
    out.end();
    Ok(text)
}

/// What one level says of the values that the server copies into the levels below.
#[derive(Debug, Default)]
struct Said<'a>(BTreeMap<&'a [u8], &'a [u8]>);

impl<'a> Said<'a> {
    /// Of an object, with its place in the level above.
    fn of(members: &[Member<'a>]) -> Self {
        Said(members.iter().copied().filter(|(key, _)| std::str::from_utf8(key).is_ok_and(is_derived)).collect())
    }

    /// Whether an object below need not say this, because the server would fill in the same.
    fn implies(&self, key: &[u8], value: &[u8], own: &Said<'_>) -> bool {
        let Ok(name) = std::str::from_utf8(key) else { return false };
        match self.0.get(key) {
            _ if !is_derived(name) => false,
            Some(given) => same(given, value),
            // where nobody gives a bound, it is the lifetime itself
            None => BOUNDS.contains(&name) && own.0.get(LIFETIME).is_some_and(|lifetime| same(lifetime, value)),
        }
    }

    /// What an object below comes to say in all, without repeating what this level gives.
    fn and(&self, own: &Said<'a>) -> Said<'a> {
        let mut all: BTreeMap<_, _> = self.0.clone();
        all.extend(own.0.iter().filter(|(key, value)| !self.implies(key, value, own)));
        Said(all)
    }
}

/// Whether two values are the same; numbers of one server are printed alike, others may not be.
fn same(a: &[u8], b: &[u8]) -> bool {
    let value = |text| serde_json::from_slice::<serde_json::Value>(text).ok();
    a == b || value(a).zip(value(b)).is_some_and(|(a, b)| a == b)
}

/// The list of subnets that stands here, if one does, without those that are replaced,
/// and with those that shall be in this network.
fn subnets(
    at: Option<&mut Scanner<'_>>,
    out: &mut Vec<u8>,
    above: &Said<'_>,
    network: Option<&str>,
    replaced: &Replaced<'_>,
) -> Result<(), Broken> {
    let mut list = List::begin(out);
    if let Some(at) = at {
        at.list::<Broken>(|at| {
            let (subnet, _) = members(at)?;
            if !prefix(&subnet).is_some_and(|id| replaced.contains_key(&id)) {
                bare(&subnet, above, list.element());
            }
            Ok(())
        })?;
    }
    let here = |wanted: &&&Wanted| wanted.network.as_ref().map(Foreign::raw) == network;
    for wanted in replaced.values().flatten().filter(here) {
        bare(&members(&mut Scanner::new(wanted.text.as_bytes()))?.0, above, list.element());
    }
    list.end();
    Ok(())
}

fn networks(
    at: &mut Scanner<'_>,
    out: &mut Vec<u8>,
    globals: &Said<'_>,
    replaced: &Replaced<'_>,
) -> Result<(), Broken> {
    let mut list = List::begin(out);
    at.list(|at| network(at, globals, replaced, list.element()))?;
    list.end();
    Ok(())
}

fn network(at: &mut Scanner<'_>, globals: &Said<'_>, replaced: &Replaced<'_>, out: &mut Vec<u8>) -> Result<(), Broken> {
    let (members, _) = members(at)?;
    let own = Said::of(&members);
    let level = globals.and(&own);
    let name = member(&members, b"name").and_then(|name| serde_json::from_slice::<String>(name).ok());
    let mut object = Object::begin(out);
    let mut listed = false;
    for (key, value) in members {
        if key == SUBNETS && value.first() == Some(&b'[') {
            listed = true;
            subnets(Some(&mut Scanner::new(value)), object.key(key), &level, name.as_deref(), replaced)?;
        } else if !globals.implies(key, value, &own) {
            object.member(key, value);
        }
    }
    if !listed {
        subnets(None, object.key(SUBNETS), &level, name.as_deref(), replaced)?;
    }
    object.end();
    Ok(())
}

/// A subnet without what it merely repeats.
fn bare(subnet: &[Member<'_>], above: &Said<'_>, out: &mut Vec<u8>) {
    let own = Said::of(subnet);
    let mut object = Object::begin(out);
    for (key, value) in subnet {
        if !above.implies(key, value, &own) {
            object.member(key, value);
        }
    }
    object.end();
}

/// A key as it stands between its quotes, and the text of its value.
pub(super) type Member<'a> = (&'a [u8], &'a [u8]);

/// The members of the object that begins here, and the text of all of it.
pub(super) fn members<'a>(at: &mut Scanner<'a>) -> Result<(Vec<Member<'a>>, &'a [u8]), Broken> {
    let mut members = Vec::with_capacity(64);
    let span = at.object::<Broken>(|key, at| {
        let span = at.value()?;
        members.push((key, at.slice(&span)));
        Ok(())
    })?;
    Ok((members, at.slice(&span)))
}

/// The scope that a subnet is.
pub(super) fn prefix(subnet: &[Member<'_>]) -> Option<ScopeId> {
    let text = member(subnet, b"subnet").and_then(|text| serde_json::from_slice::<String>(text).ok());
    text.as_deref().and_then(scope_id)
}

/// The text of one value of an object; where its key stands twice, the later one counts.
pub(super) fn member<'a>(object: &[Member<'a>], wanted: &[u8]) -> Option<&'a [u8]> {
    object.iter().rev().find(|(key, _)| *key == wanted).map(|(_, value)| *value)
}

/// An object that is being written; keys come as they stand between their quotes.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Object<'o> {
    fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Object { out, empty: true }
    }

    /// Where the value of this key goes.
    fn key(&mut self, key: &[u8]) -> &mut Vec<u8> {
        if !std::mem::replace(&mut self.empty, false) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key);
        self.out.extend_from_slice(b"\":");
        self.out
    }

    fn member(&mut self, key: &[u8], value: &[u8]) {
        self.key(key).extend_from_slice(value);
    }

    fn end(self) {
        self.out.push(b'}');
    }
}

/// A list that is being written.
struct List<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> List<'o> {
    fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        List { out, empty: true }
    }

    /// Where the next element goes.
    fn element(&mut self) -> &mut Vec<u8> {
        if !std::mem::replace(&mut self.empty, false) {
            self.out.push(b',');
        }
        self.out
    }

    fn end(self) {
        self.out.push(b']');
    }
}
