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
            let policy = windows::Policy { read_only: read_only || entry.read_only, replicating: entry.replicating };
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

#[cfg(all(test, feature = "windows"))]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn windows_servers_are_called_by_every_name_that_is_one_server_s() {
        let entry = |name: &str, lines: &str| {
            format!(
                "[[server]]\nname = '{name}'\nkind = 'windows'\nuser = 'u@contoso.com'\npassword_env = 'X'\n{lines}\n"
            )
        };
        let text = entry("hq", "host = 'dhcp1.contoso.com'")
            + &entry("branch", "host = 'admin.contoso.com'\ncomputer_name = 'dhcp2.contoso.com'")
            + &entry("lab", "host = 'dhcp3'")
            + &entry("other", "host = 'dhcp1.fabrikam.com'\nread_only = true");
        let config = Config::parse(&text, Path::new("/etc/c.toml")).unwrap();
        let fleet = fleet(&config, false).unwrap();
        let called = |text: &str| fleet.resolve(text).map(|name| name.to_string());
        for (text, name) in [
            ("hq", "hq"),
            ("DHCP1.contoso.com.", "hq"),
            ("dhcp2.contoso.com", "branch"),
            ("Dhcp2", "branch"),
            ("dhcp3", "lab"),
            ("dhcp1.fabrikam.com", "other"),
        ] {
            assert_eq!(called(text).unwrap(), name, "{text}");
        }
        assert!(called("dhcp1").unwrap_err().to_string().contains("means several servers"));
        for text in ["dhcp2.fabrikam.com", "dhcp3.contoso.com", "admin", "contoso"] {
            assert!(called(text).is_err(), "{text}");
        }
        assert_eq!(
            fleet.servers().iter().map(|server| server.read_only()).collect::<Vec<_>>(),
            [false, false, false, true]
        );
    }
}
