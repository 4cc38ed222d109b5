//! What stands where in the text of a configuration, and where two of them differ; pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::compose::{member, members, prefix};
use crate::backend::kea::config::{Broken, Scanner};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, ScopeId};

/// Where everything of a configuration stands.
#[derive(Debug, Default)]
pub(super) struct Outline<'a> {
    globals: BTreeMap<&'a [u8], &'a [u8]>,
    networks: BTreeMap<Foreign, BTreeMap<&'a [u8], &'a [u8]>>,
    subnets: BTreeMap<ScopeId, (&'a [u8], Option<Foreign>)>,
    /// Subnets and networks that nothing names.
    others: Vec<&'a [u8]>,
}

impl<'a> Outline<'a> {
    /// One walk over the text.
    ///
    /// # Errors
    /// When it is no configuration.
    pub(super) fn read(text: &'a [u8]) -> std::result::Result<Self, Broken> {
        let mut outline = Outline::default();
        Scanner::new(text).object::<Broken>(|key, at| match key {
            b"subnet4" if at.peek() == Some(b'[') => outline.list(at, None),
            b"shared-networks" if at.peek() == Some(b'[') => at.list(|at| outline.network(at)),
            _ => {
                let span = at.value()?;
                outline.globals.insert(key, at.slice(&span));
                Ok(())
            }
        })?;
        Ok(outline)
    }

    fn network(&mut self, at: &mut Scanner<'a>) -> std::result::Result<(), Broken> {
        let (mut members, text) = members(at)?;
        let name = member(&members, b"name").and_then(|name| serde_json::from_slice::<String>(name).ok());
        let Some(name) = name.map(Foreign::from) else {
            self.others.push(text);
            return Ok(());
        };
        let is_list = |(key, value): &mut (&[u8], &[u8])| *key == b"subnet4" && value.first() == Some(&b'[');
        for (_, list) in members.extract_if(.., is_list) {
            self.list(&mut Scanner::new(list), Some(&name))?;
        }
        self.networks.insert(name, members.into_iter().collect());
        Ok(())
    }

    fn list(&mut self, at: &mut Scanner<'a>, network: Option<&Foreign>) -> std::result::Result<(), Broken> {
        at.list(|at| {
            let (members, text) = members(at)?;
            match prefix(&members) {
                Some(id) => drop(self.subnets.insert(id, (text, network.cloned()))),
                None => self.others.push(text),
            }
            Ok(())
        })
    }

    /// The subnet of a scope, with its shared network.
    ///
    /// # Errors
    /// When its text is no JSON.
    pub(super) fn subnet(&self, id: ScopeId) -> Result<Option<(Value, Option<Foreign>)>> {
        let Some((text, network)) = self.subnets.get(&id) else { return Ok(None) };
        let subnet = serde_json::from_slice(text)
            .map_err(|error| Error::new(ErrorKind::Garbled, format!("the scope could not be understood: {error}")))?;
        Ok(Some((subnet, network.clone())))
    }

    /// The text of a global value.
    pub(super) fn global(&self, name: &str) -> Option<&'a [u8]> {
        self.globals.get(name.as_bytes()).copied()
    }

    /// All subnets with their shared networks.
    pub(super) fn subnets(&self) -> impl Iterator<Item = (ScopeId, &'a [u8], Option<&Foreign>)> {
        self.subnets.iter().map(|(id, (text, network))| (*id, *text, network.as_ref()))
    }

    /// The first thing outside of these scopes that differs, named; `None` when nothing does.
    pub(super) fn differs(&self, other: &Outline<'_>, but: &BTreeSet<ScopeId>) -> Option<String> {
        let global = || Some(format!("global value {}", key_that_differs(&self.globals, &other.globals)?));
        let networks = || {
            let names: BTreeSet<_> = self.networks.keys().chain(other.networks.keys()).collect();
            let empty = BTreeMap::new();
            names.into_iter().find_map(|name| {
                let (ours, theirs) = (self.networks.get(name), other.networks.get(name));
                let key = key_that_differs(ours.unwrap_or(&empty), theirs.unwrap_or(&empty))?;
                Some(format!("{key} of shared network {name}"))
            })
        };
        let subnets = || {
            let ids: BTreeSet<_> = self.subnets.keys().chain(other.subnets.keys()).collect();
            let differs = |id: &&ScopeId| match (self.subnets.get(*id), other.subnets.get(*id)) {
                (Some((a, in_a)), Some((b, in_b))) => in_a != in_b || !same(a, b),
                _ => true,
            };
            let id = ids.into_iter().filter(|id| !but.contains(*id)).find(differs)?;
            Some(format!("scope {id}"))
        };
        let others = || (self.others.len() != other.others.len()).then(|| "a subnet without prefix".to_owned());
        global().or_else(networks).or_else(subnets).or_else(others)
    }
}

fn key_that_differs(ours: &BTreeMap<&[u8], &[u8]>, theirs: &BTreeMap<&[u8], &[u8]>) -> Option<Foreign> {
    let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).copied().collect();
    let differs = |key: &&[u8]| match (ours.get(key), theirs.get(key)) {
        (Some(a), Some(b)) => !same(a, b),
        _ => true,
    };
    keys.into_iter().find(differs).map(|key| String::from_utf8_lossy(key).into_owned().into())
}

fn same(a: &[u8], b: &[u8]) -> bool {
    let value = |text| serde_json::from_slice::<Value>(text).ok();
    a == b || value(a).zip(value(b)).is_some_and(|(a, b)| a == b)
}
