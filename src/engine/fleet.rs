//! All servers of the configuration, and one run at a time on each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::ignore::IgnoreRule;
use super::port::{Attention, Control, Reading, Server};
use super::progress::{Stage, Waiting};
use super::survey::{RelationshipName, ServerReport, Survey};
use super::{Error, ErrorKind, Result};
use crate::model::{Host, Kinship, ServerName, is_same_name};

/// How often a run that waits for another one looks which that is: the next in the queue comes after it.
const LOOK: Duration = Duration::from_millis(100);

/// The servers of the configuration with what holds for all of them.
pub struct Fleet {
    servers: Vec<Arc<dyn Server>>,
    locks: BTreeMap<ServerName, Arc<Mutex<()>>>,
    /// The run that held each server last.
    holders: RwLock<BTreeMap<ServerName, String>>,
    /// Names that the configuration gives to relationships.
    pub names: Vec<RelationshipName>,
    /// Differences that are meant to be.
    pub ignore: Vec<IgnoreRule>,
    /// How many targets are written side by side; 0 leaves it to us.
    pub throttle_limit: usize,
    /// The scopes that the operator looks at: servers that are read in parts begin with them.
    pub attention: Attention,
    /// All servers are read-only by the operator's word, whatever their entries say.
    pub read_only: bool,
}

impl Fleet {
    /// A fleet of these servers, in the configuration's order.
    pub fn new(servers: Vec<Arc<dyn Server>>) -> Self {
        for server in &servers {
            if let Some(caveat) = server.caveat() {
                tracing::warn!(server = %server.name(), "{caveat}");
            }
        }
        let locks = servers.iter().map(|server| (server.name().clone(), Arc::default())).collect();
        Fleet {
            servers,
            locks,
            holders: RwLock::default(),
            names: Vec::new(),
            ignore: Vec::new(),
            throttle_limit: 0,
            attention: Attention::default(),
            read_only: false,
        }
    }

    /// All servers, in the configuration's order.
    pub fn servers(&self) -> &[Arc<dyn Server>] {
        &self.servers
    }

    /// The server of this name.
    pub fn server(&self, name: &ServerName) -> Option<&Arc<dyn Server>> {
        self.servers.iter().find(|server| server.name() == name)
    }

    /// Holds these servers for the run of this name; waits for a run that holds one of them, and
    /// tells so. Always taken in one order, so that two runs cannot wait for each other.
    ///
    /// # Errors
    /// It was cancelled while it waited.
    pub async fn hold(&self, servers: &[&ServerName], run: &str, ctl: &Control) -> Result<Vec<OwnedMutexGuard<()>>> {
        let mut names = servers.to_vec();
        names.sort();
        names.dedup();
        let mut guards = Vec::new();
        for name in names {
            let Some(lock) = self.locks.get(name) else { continue };
            guards.push(match lock.clone().try_lock_owned() {
                Ok(guard) => guard,
                Err(_) => self.queue(name, lock, ctl).await?,
            });
            self.holders.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), run.to_owned());
        }
        Ok(guards)
    }

    /// Waits until the runs that came before have ended.
    async fn queue(&self, name: &ServerName, lock: &Arc<Mutex<()>>, ctl: &Control) -> Result<OwnedMutexGuard<()>> {
        let mut turn = pin!(lock.clone().lock_owned());
        loop {
            let holder = self.holders.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
            let by = holder.as_ref().map_or_else(|| "another run".to_owned(), |run| format!("run {run}"));
            let for_what = format!("waiting for {name}, used by {by}");
            ctl.progress.update(|status| {
                status.current = Some((name.clone(), None, Stage::Waiting));
                status.waiting = Some(Waiting { for_what, expected: None, run: holder });
            });
            tokio::select! {
                guard = &mut turn => {
                    ctl.progress.update(|status| status.waiting = None);
                    return Ok(guard);
                }
                () = ctl.soft.cancelled() => {
                    let what = format!("cancelled while {by} was using the server");
                    return Err(Error::new(ErrorKind::Cancelled, what).on(name));
                }
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// The reports before anything was read.
    pub fn unread(&self) -> Vec<ServerReport> {
        self.servers
            .iter()
            .map(|server| ServerReport {
                name: server.name().clone(),
                place: server.place(),
                addresses: server.addresses(),
                caveat: server.caveat(),
                read_only: server.read_only(),
                outcome: None,
                last: None,
            })
            .collect()
    }

    /// Reads one server.
    pub async fn read(&self, name: &ServerName, ctl: &Control) -> Result<Arc<Reading>> {
        let server = self.server(name).ok_or_else(|| unknown(name))?;
        server.read(ctl).await.map(Arc::new)
    }

    /// Reads one server, and hands out what is known of it so far as often as that is more.
    pub async fn read_in_parts(
        &self,
        name: &ServerName,
        part: &(dyn Fn(Arc<Reading>) + Send + Sync),
        ctl: &Control,
    ) -> Result<Arc<Reading>> {
        let server = self.server(name).ok_or_else(|| unknown(name))?;
        let part = |reading| part(Arc::new(reading));
        server.read_in_parts(&self.attention, &part, ctl).await.map(Arc::new)
    }

    /// Reads all servers side by side and merges what they tell.
    pub async fn survey(&self, ctl: &Control) -> Survey {
        self.survey_where(|_| true, ctl).await
    }

    /// The same with these servers alone; the others are as if they were still being read.
    pub async fn survey_of(&self, names: &BTreeSet<ServerName>, ctl: &Control) -> Survey {
        self.survey_where(|name| names.contains(name), ctl).await
    }

    async fn survey_where(&self, is_wanted: impl Fn(&ServerName) -> bool, ctl: &Control) -> Survey {
        let read = self
            .servers
            .iter()
            .map(|server| async { if is_wanted(server.name()) { Some(server.read(ctl).await) } else { None } });
        let outcomes = join_all(read).await;
        // afterwards: by which way a server is reached is known once it has answered
        let mut reports = self.unread();
        for (report, outcome) in reports.iter_mut().zip(outcomes) {
            report.outcome = outcome.map(|outcome| outcome.map(Arc::new));
        }
        Survey::new(reports, &self.names)
    }

    /// The server that this text means: an entry's name, else a host or address that exactly one
    /// entry has, else a short name that is the beginning of exactly one's full name.
    ///
    /// # Errors
    /// It means none, or several.
    pub fn resolve(&self, text: &str) -> Result<ServerName> {
        if let Some(server) = self.servers.iter().find(|server| server.name().as_str() == text) {
            return Ok(server.name().clone());
        }
        let same = |a: &str| is_same_name(a, text);
        let wholly = |server: &dyn Server| {
            same(server.name().as_str()) || server.addresses().iter().any(|address| same(address))
        };
        // never the other way round: a full name may be that of a host of the same name in another domain
        let shortly = |server: &dyn Server| {
            let host = Host::new(server.addresses().iter().map(String::as_str));
            !text.contains('.') && host.kinship(&Host::new([text])) == Kinship::Short
        };
        let all = |fits: &dyn Fn(&dyn Server) -> bool| -> Vec<&ServerName> {
            self.servers.iter().filter(|server| fits(server.as_ref())).map(|server| server.name()).collect()
        };
        let matching = Some(all(&wholly)).filter(|found| !found.is_empty()).unwrap_or_else(|| all(&shortly));
        match matching.as_slice() {
            [only] => Ok((*only).clone()),
            [] => Err(Error::new(ErrorKind::Selection, format!("no server is called {text:?}"))
                .hint(format!("the configuration has: {}", list(self.servers.iter().map(|s| s.name()))))),
            several => Err(Error::new(ErrorKind::Selection, format!("{text:?} means several servers"))
                .hint(format!("use one of the names {}", list(several.iter().copied())))),
        }
    }
}

fn unknown(name: &ServerName) -> Error {
    Error::new(ErrorKind::Selection, format!("no server is called {name}"))
}

fn list<'a>(names: impl Iterator<Item = &'a ServerName>) -> String {
    names.map(ServerName::as_str).collect::<Vec<_>>().join(", ")
}
