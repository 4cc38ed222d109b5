//! Reservations that a server keeps in a database: read and compared, never written.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::backend::kea::command::{Channel, Commands, provider};
use crate::backend::kea::config::KeaConfig;
use crate::backend::kea::subnet::KeaScope;
use crate::engine::port::{Control, Entry};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::IdentifierKind;

/// Reservations in one answer.
const PAGE: u32 = 5000;

/// Reservations by the number of their subnet.
pub(super) type Hosts = BTreeMap<u32, Vec<Value>>;

/// All reservations that are not in the configuration, from `reservation-get-page`.
pub(super) async fn stored(channel: &Channel, commands: &Commands, ctl: &Control) -> Result<Hosts> {
    #[derive(Deserialize)]
    struct Page {
        hosts: Vec<Value>,
        next: Option<Next>,
    }
    #[derive(Clone, Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Next {
        from: u64,
        source_index: u64,
    }
    const COMMAND: &str = "reservation-get-page";
    if !commands.has(COMMAND) {
        return Err(Error::new(ErrorKind::Unsupported, format!("the server lacks {COMMAND}")).hint(provider(COMMAND)));
    }
    let mut found = Hosts::new();
    // source 0 is the configuration, which was read already
    let mut next = Next { from: 0, source_index: 1 };
    loop {
        let arguments = json!({ "limit": PAGE, "from": next.from, "source-index": next.source_index });
        let answer = channel.ask(COMMAND, Some(&arguments), ctl).await?;
        let Some(page) = answer.found::<Page>().map_err(|error| error.on(channel.server()))? else {
            return Ok(found);
        };
        for host in page.hosts {
            let subnet = host.get("subnet-id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
            if let Some(subnet) = subnet {
                found.entry(subnet).or_default().push(host);
            }
        }
        match page.next {
            Some(further) if further != next => next = further,
            _ => return Ok(found),
        }
    }
}

/// Puts them among the reservations of their scopes.
pub(super) fn merge(config: &mut KeaConfig, mut hosts: Hosts) {
    let surroundings = config.surroundings.clone();
    let mut pack = config.text.alike();
    for entry in config.scopes.values_mut() {
        let Some(hosts) = entry.server_id.and_then(|id| hosts.remove(&id)) else { continue };
        if let Some(text) = with_hosts(entry, hosts) {
            let network = entry.raw.placement().cloned();
            entry.raw = Arc::new(KeaScope { text: pack(&text), network, surroundings: surroundings.clone() });
        }
    }
}

fn with_hosts(entry: &Entry, hosts: Vec<Value>) -> Option<Vec<u8>> {
    let mut subnet: Value = serde_json::from_slice(&entry.raw.text()).ok()?;
    let own = subnet.as_object_mut()?.entry("reservations").or_insert_with(|| json!([]));
    own.as_array_mut()?.extend(hosts.into_iter().map(|mut host| {
        if let Some(host) = host.as_object_mut() {
            host.shift_remove("subnet-id");
        }
        host
    }));
    drop_repeated(own.as_array_mut()?);
    serde_json::to_vec(&subnet).ok()
}

/// Of several reservations for one client Kea takes the first: the configuration's before
/// the database's.
pub(super) fn drop_repeated(hosts: &mut Vec<Value>) {
    let mut seen = std::collections::BTreeSet::new();
    hosts.retain(|host| {
        let client = IdentifierKind::ALL
            .into_iter()
            .find_map(|kind| Some((kind, host.get(kind.word())?.as_str()?.to_ascii_lowercase())));
        client.is_none_or(|client| seen.insert(client))
    });
}
