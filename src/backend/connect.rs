//! A server entry of the configuration becomes an adapter.

#[cfg(feature = "kea")]
use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "kea")]
use super::exchange::Limits;
#[cfg(feature = "kea")]
use super::kea::file::{self, Check};
#[cfg(feature = "kea")]
use super::kea::file_server::{FilePolicy, FileServer};
#[cfg(feature = "kea")]
use super::kea::http::Http;
#[cfg(feature = "kea")]
use super::kea::live::{LiveServer, Policy, WriterChoice};
#[cfg(feature = "kea")]
use super::kea::socket::Socket;
#[cfg(feature = "kea")]
use super::kea::transport::Transport;
use crate::config::{Config, Endpoint, ServerEntry};
#[cfg(feature = "kea")]
use crate::config::{FileCheck, SavePolicy, WriterPolicy};
use crate::engine::Result;
use crate::engine::fleet::Fleet;
use crate::engine::port::Server;
use crate::engine::survey::RelationshipName;
use crate::engine::{Error, ErrorKind};
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
        Endpoint::KeaSocket(path) => Ok(Arc::new(kea_live(entry, Socket::new(path, limits(entry)), read_only))),
        Endpoint::KeaUrl(web) => {
            let http = Http::new((**web).clone(), limits(entry));
            Ok(Arc::new(kea_live(entry, http, read_only)))
        }
        Endpoint::KeaFile(path) => Ok(Arc::new(kea_file(entry, path, read_only))),
        Endpoint::Windows(_) => Err(no_adapter(entry, "Windows DHCP")),
    }
    #[cfg(not(feature = "kea"))]
    match &entry.endpoint {
        Endpoint::KeaSocket(_) | Endpoint::KeaFile(_) | Endpoint::KeaUrl(_) => {
            let _ = read_only;
            Err(no_adapter(entry, "Kea"))
        }
        Endpoint::Windows(_) => Err(no_adapter(entry, "Windows DHCP")),
    }
}

#[cfg(feature = "kea")]
fn limits(entry: &ServerEntry) -> Limits {
    Limits {
        connect: entry.timeouts.connect,
        read: entry.timeouts.read,
        write: entry.timeouts.write,
        answer: usize::try_from(entry.max_answer.0).unwrap_or(usize::MAX),
    }
}

#[cfg(feature = "kea")]
fn kea_live(entry: &ServerEntry, transport: impl Into<Transport>, read_only: bool) -> LiveServer {
    let policy = Policy {
        read_only: read_only || entry.read_only,
        save: entry.save == SavePolicy::ConfigWrite,
        writer: match entry.writer {
            WriterPolicy::Auto => WriterChoice::Auto,
            WriterPolicy::Commands => WriterChoice::Commands,
            WriterPolicy::WholeConfiguration => WriterChoice::WholeConfiguration,
        },
    };
    LiveServer::new(ServerName::from(entry.name.as_str()), transport, policy)
}

#[cfg(feature = "kea")]
fn kea_file(entry: &ServerEntry, path: &Path, read_only: bool) -> FileServer {
    let check = match &entry.check {
        FileCheck::WhenPresent(name) => Check::WhenPresent(name.clone()),
        FileCheck::Always(path) => Check::Always(path.clone()),
        FileCheck::Off => Check::Off,
    };
    let policy = FilePolicy {
        read_only: read_only || entry.read_only,
        limits: file::Limits { max_bytes: entry.max_answer.0, ..file::Limits::default() },
        options: file::Options { check, check_limit: entry.timeouts.write },
    };
    FileServer::new(ServerName::from(entry.name.as_str()), path, policy)
}

fn no_adapter(entry: &ServerEntry, family: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this program was built without {family}"))
        .on(&ServerName::from(entry.name.as_str()))
}
