//! A server entry of the configuration becomes an adapter.

#[cfg(feature = "kea")]
use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "kea")]
use super::kea::live::{LiveServer, Policy};
#[cfg(feature = "kea")]
use super::kea::socket::{Limits, Socket};
#[cfg(feature = "kea")]
use crate::config::SavePolicy;
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
    #[cfg(feature = "kea")]
    match &entry.endpoint {
        Endpoint::KeaSocket(path) => Ok(Arc::new(kea_socket(entry, path, read_only))),
        Endpoint::KeaFile(_) => Err(no_adapter(entry, "Kea files")),
    }
    #[cfg(not(feature = "kea"))]
    match &entry.endpoint {
        Endpoint::KeaSocket(_) | Endpoint::KeaFile(_) => {
            let _ = read_only;
            Err(no_adapter(entry, "Kea"))
        }
    }
}

#[cfg(feature = "kea")]
fn kea_socket(entry: &ServerEntry, path: &Path, read_only: bool) -> LiveServer {
    let limits = Limits {
        connect: entry.timeouts.connect,
        read: entry.timeouts.read,
        write: entry.timeouts.write,
        answer: usize::try_from(entry.max_answer.0).unwrap_or(usize::MAX),
    };
    let policy = Policy { read_only: read_only || entry.read_only, save: entry.save == SavePolicy::ConfigWrite };
    LiveServer::new(ServerName::from(entry.name.as_str()), Socket::new(path, limits), policy)
}

fn no_adapter(entry: &ServerEntry, family: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this program was built without {family}"))
        .on(&ServerName::from(entry.name.as_str()))
}
