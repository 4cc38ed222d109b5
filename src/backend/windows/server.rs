//! A Windows DHCP server behind WS-Management.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join;

use super::access::{Access, Replicating, Replication};
use super::cim::Dhcp;
use super::measured::Measured;
use super::pool::Pool;
use super::read::{self, Plan, Wanted};
use super::relationship;
use super::writer::WindowsWriter;
use super::wsman::{Client, Failure};
use crate::backend::exchange::Limits;
use crate::engine::port::{
    Attention, Control, Health, Point, Pulse, Reading, Replicator, Server, SourceSide, Utilisation, Writer,
};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Scope, ScopeId, ServerName};

/// What the operator allows to be done with a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Never a target.
    pub read_only: bool,
    /// How it is written.
    pub replicating: Replicating,
}

/// A Windows DHCP server. Cheap to clone: all clones are the same server, over the same connections.
#[derive(Clone)]
pub struct WindowsServer(Arc<Inner>);

struct Inner {
    name: ServerName,
    access: Access,
    policy: Policy,
    pool: Arc<Pool>,
    wire: Arc<Measured>,
    dhcp: Dhcp,
    /// Its addresses, as this machine looks them up.
    addresses: OnceLock<Vec<String>>,
    known: Mutex<Known>,
}

/// What the last reading told.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The names that it has in its relationships.
    names: Vec<String>,
    ids: BTreeMap<Ipv4Addr, ScopeId>,
}

/// How long looking up a name may hold up a reading.
const LOOK_UP: Duration = Duration::from_secs(3);

impl WindowsServer {
    /// The server of this name, reached by this way. Nothing is opened yet.
    pub fn new(name: ServerName, access: Access, limits: Limits, policy: Policy) -> Self {
        let pool = Arc::new(Pool::new(access.clone(), limits));
        let wire = Arc::new(Measured::new(pool.clone()));
        let client = Client::new(wire.clone(), access.max_envelope, limits);
        WindowsServer(Arc::new(Inner {
            name,
            dhcp: Dhcp::new(client, access.computer.clone()),
            access,
            policy,
            pool,
            wire,
            addresses: OnceLock::new(),
            known: Mutex::default(),
        }))
    }

    pub(super) fn access(&self) -> &Access {
        &self.0.access
    }

    pub(super) fn replicating(&self) -> Replicating {
        self.0.policy.replicating
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.0.pool
    }

    pub(super) fn wire(&self) -> &Measured {
        &self.0.wire
    }

    pub(super) fn dhcp(&self) -> &Dhcp {
        &self.0.dhcp
    }

    /// All names by which it is known without asking it.
    pub(super) fn here(&self) -> Vec<String> {
        let looked_up = self.0.addresses.get().into_iter().flatten().cloned();
        std::iter::once(self.access().managed().to_owned()).chain(looked_up).collect()
    }

    /// Relationships may name servers by their addresses. Never fails: it goes along with a call
    /// that does, and ends with it.
    async fn look_up(&self) -> Result<()> {
        if self.0.addresses.get().is_some() {
            return Ok(());
        }
        let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((self.access().managed(), 0))).await;
        if let Ok(Ok(found)) = found {
            let addresses: BTreeSet<String> = found.map(|address| address.ip().to_string()).collect();
            let _ = self
                .0
                .addresses
                .set(addresses.into_iter().filter(|address| address != self.access().managed()).collect());
        }
        Ok(())
    }

    /// A name that cannot be looked up although its server answers is known to others alone:
    /// no later reading waits for it.
    fn no_more_look_ups(&self) {
        self.0.addresses.get_or_init(Vec::new);
    }

    fn known(&self) -> Known {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn(&self, reading: &Reading, ids: BTreeMap<Ipv4Addr, ScopeId>) {
        let here = reading
            .health
            .memberships
            .iter()
            .filter_map(|membership| membership.peers.iter().find(|peer| peer.name == membership.this_server));
        let names =
            here.flat_map(|peer| std::iter::once(&peer.name).chain(&peer.aliases)).map(|name| name.raw().to_owned());
        let known = Known { names: names.collect::<BTreeSet<_>>().into_iter().collect(), ids };
        *self.0.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    async fn drive(
        &self,
        plan: &mut Plan,
        attention: &Attention,
        part: &mut (dyn FnMut(&mut Plan) + Send),
        ctl: &Control,
    ) -> Result<()> {
        let at_once = self.access().connections;
        read::drive(self.dhcp(), at_once, plan, attention, part, ctl).await.map_err(|error| self.on(error))
    }

    async fn read_all(
        &self,
        attention: &Attention,
        part: Option<&(dyn Fn(Reading) + Send + Sync)>,
        ctl: &Control,
    ) -> Result<Reading> {
        let at = jiff::Timestamp::now();
        let mut plan = Plan::new(Wanted::Everything);
        let mut tell = |plan: &mut Plan| {
            if let Some(part) = part {
                part(plan.reading(&self.here(), self.dhcp().client().clock(), at));
            }
        };
        try_join(self.drive(&mut plan, attention, &mut tell, ctl), self.look_up()).await?;
        self.no_more_look_ups();
        let reading = plan.reading(&self.here(), self.dhcp().client().clock(), at);
        self.learn(&reading, plan.ids());
        Ok(reading)
    }

    fn may_be_target(&self) -> Result<&Self> {
        if self.read_only() {
            return Err(self.on(Error::new(ErrorKind::Safety, "the server is read-only")
                .hint("its entry in the configuration says so, or --read-only was given; nothing overrides it")));
        }
        Ok(self)
    }

    pub(super) fn on(&self, error: Error) -> Error {
        error.on(&self.0.name)
    }

    pub(super) fn failed(&self, failure: Failure) -> Error {
        self.on(failure.into())
    }
}

impl std::fmt::Debug for WindowsServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WindowsServer({} at {})", self.0.name, self.place())
    }
}

#[async_trait]
impl Server for WindowsServer {
    fn name(&self) -> &ServerName {
        &self.0.name
    }

    fn place(&self) -> String {
        let Access { web, computer, .. } = self.access();
        match computer {
            Some(computer) => format!("{computer}, by way of {}", web.address),
            None => web.address.to_string(),
        }
    }

    fn computer_name(&self) -> Option<String> {
        Some(self.access().managed().to_owned())
    }

    fn caveat(&self) -> Option<&'static str> {
        self.access().caveat()
    }

    fn addresses(&self) -> Vec<String> {
        self.here().into_iter().chain(self.known().names).collect()
    }

    fn read_only(&self) -> bool {
        self.0.policy.read_only
    }

    async fn read(&self, ctl: &Control) -> Result<Reading> {
        self.read_all(&Attention::default(), None, ctl).await
    }

    async fn read_in_parts(
        &self,
        attention: &Attention,
        part: &(dyn Fn(Reading) + Send + Sync),
        ctl: &Control,
    ) -> Result<Reading> {
        self.read_all(attention, Some(part), ctl).await
    }

    async fn health(&self, ctl: &Control) -> Result<Health> {
        let (told, ()) = try_join(unless_cancelled(self.dhcp().failover(), ctl), self.look_up())
            .await
            .map_err(|error| self.on(error))?;
        let told = told.map_err(|failure| self.failed(failure))?;
        self.no_more_look_ups();
        let memberships = relationship::memberships(&told, &self.here());
        Ok(Health { memberships, clock: self.dhcp().client().clock(), ailment: None })
    }

    async fn reread(&self, ids: &[ScopeId], ctl: &Control) -> Result<BTreeMap<ScopeId, Option<Scope>>> {
        let mut plan = Plan::new(Wanted::Scopes(ids.iter().copied().collect()));
        self.drive(&mut plan, &Attention::default(), &mut |_| {}, ctl).await?;
        plan.scopes(ids).map_err(|error| self.on(error))
    }

    /// Windows has no mark that moves whenever its configuration does.
    async fn pulse(&self, _ctl: &Control) -> Result<Option<Pulse>> {
        Ok(None)
    }

    async fn utilisation(&self, ctl: &Control) -> Result<Option<BTreeMap<ScopeId, Utilisation>>> {
        let told = unless_cancelled(self.dhcp().statistics(), ctl).await.map_err(|error| self.on(error))?;
        let told = told.map_err(|failure| self.failed(failure))?;
        let ids = self.known().ids;
        let of = told.iter().filter_map(|scope| {
            let (assigned, free) = (u64::from(scope.addresses_in_use?), u64::from(scope.addresses_free?));
            Some((*ids.get(&scope.scope_id)?, Utilisation { total: assigned + free, assigned, declined: 0 }))
        });
        Ok(Some(of.collect()))
    }

    async fn examine(&self, try_save: bool, ctl: &Control) -> Vec<Point> {
        super::examine::look_closely(self, try_save, ctl).await
    }

    fn replicator(&self) -> Option<Arc<dyn Replicator>> {
        Some(Arc::new(self.clone()))
    }

    fn ways(&self) -> Option<&'static str> {
        Some(match self.replicating().by {
            Replication::Auto => {
                "Windows native where its partner gets through to it, else Windows direct; undo by Windows direct"
            }
            Replication::Native => "Windows native alone; there is no undo",
            Replication::Direct => "Windows direct",
        })
    }

    async fn writer(&self, _ctl: &Control) -> Result<Arc<dyn Writer>> {
        Ok(Arc::new(WindowsWriter::alone(self.may_be_target()?.clone())?))
    }

    async fn writer_from(&self, source: SourceSide<'_>, ctl: &Control) -> Result<Arc<dyn Writer>> {
        Ok(Arc::new(WindowsWriter::from(self.may_be_target()?.clone(), source, ctl).await?))
    }
}

/// Gives a call up when the operator does.
pub(super) async fn unless_cancelled<T>(call: impl Future<Output = T>, ctl: &Control) -> Result<T> {
    tokio::select! {
        biased;
        () = ctl.hard.cancelled() => Err(Error::new(ErrorKind::Cancelled, "cancelled while the server was asked")),
        given = call => Ok(given),
    }
}
