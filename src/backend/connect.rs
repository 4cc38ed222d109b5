//! A server entry of the configuration becomes an adapter.

use std::sync::Arc;

use crate::config::{Config, Endpoint, ServerEntry};
use crate::engine::fleet::Fleet;
use crate::engine::port::Server;
use crate::engine::survey::RelationshipName;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::ServerName;

/// The servers of a configuration, with its names, rules and throttle limit. Nothing is
/// asked of any server yet. `read_only` makes all of them read-only.
///
/// # Errors
/// An entry of a kind that this build has no adapter for.
pub fn fleet(config: &Config, read_only: bool) -> Result<Fleet> {
    let servers = config.servers.iter().map(|entry| server(entry, read_only)).collect::<Result<Vec<_>>>()?;
    let mut fleet = Fleet::new(servers);
    fleet.names = config
        .relationships
        .iter()
        .map(|entry| RelationshipName {
            name: entry.name.clone(),
            servers: entry.servers.each_ref().map(|name| ServerName::from(name.as_str())),
        })
        .collect();
    fleet.ignore = config.ignore.clone();
    fleet.throttle_limit = usize::try_from(config.throttle_limit).unwrap_or(usize::MAX);
    Ok(fleet)
}

fn server(entry: &ServerEntry, read_only: bool) -> Result<Arc<dyn Server>> {
    let _ = read_only;
    match &entry.endpoint {
        Endpoint::KeaSocket(_) | Endpoint::KeaFile(_) => Err(no_adapter(entry, "Kea")),
    }
}

fn no_adapter(entry: &ServerEntry, family: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this program was built without {family}"))
        .on(&ServerName::from(entry.name.as_str()))
}
