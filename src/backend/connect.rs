//! A server entry of the configuration becomes an adapter.

#[cfg(feature = "kea")]
use std::path::Path;
use std::sync::Arc;

#[cfg(any(feature = "kea", feature = "windows"))]
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
#[cfg(feature = "windows")]
use super::windows::server as windows;
use crate::config::{Config, Endpoint, ServerEntry};
#[cfg(feature = "kea")]
use crate::config::{FileCheck, SavePolicy, WriterPolicy};
use crate::engine::Result;
use crate::engine::fleet::Fleet;
use crate::engine::port::Server;
use crate::engine::survey::RelationshipName;
#[cfg(not(all(feature = "kea", feature = "windows")))]
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
    match &entry.endpoint {
        #[cfg(feature = "kea")]
        Endpoint::KeaSocket(path) => Ok(Arc::new(kea_live(entry, Socket::new(path, limits(entry)), read_only))),
        #[cfg(feature = "kea")]
        Endpoint::KeaUrl(web) => {
            let http = Http::new((**web).clone(), limits(entry));
            Ok(Arc::new(kea_live(entry, http, read_only)))
        }
        #[cfg(feature = "kea")]
        Endpoint::KeaFile(path) => Ok(Arc::new(kea_file(entry, path, read_only))),
        #[cfg(not(feature = "kea"))]
        Endpoint::KeaSocket(_) | Endpoint::KeaFile(_) | Endpoint::KeaUrl(_) => Err(no_adapter(entry, "Kea")),
        #[cfg(feature = "windows")]
        Endpoint::Windows(access) => {
            let policy = windows::Policy { read_only: read_only || entry.read_only };
            let name = ServerName::from(entry.name.as_str());
            Ok(Arc::new(windows::WindowsServer::new(name, (**access).clone(), limits(entry), policy)))
        }
        #[cfg(not(feature = "windows"))]
        Endpoint::Windows(_) => Err(no_adapter(entry, "Windows DHCP")),
    }
}

#[cfg(any(feature = "kea", feature = "windows"))]
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

#[cfg(not(all(feature = "kea", feature = "windows")))]
fn no_adapter(entry: &ServerEntry, family: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this program was built without {family}"))
        .on(&ServerName::from(entry.name.as_str()))
}
