//! A running Kea server, reached over its control channel: a UNIX socket or HTTP.

mod examine;
mod hosts;
mod leases;
mod process;
mod read;
mod reread;
mod reset;
mod save;
mod status;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod whole;
mod writer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;

use self::read::FreshConfig;
use super::command::{Channel, Commands, provider};
use super::config::Surroundings;
use super::packed::Packed;
use super::transport::{Transport, Via};
use crate::engine::approval::Approved;
use crate::engine::port::{Control, Health, Point, Pulse, Reading, Server, Utilisation, Writer};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Context, Foreign, Membership, Scope, ScopeId, ServerName};

/// What the operator allows to be done with a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Never a target.
    pub read_only: bool,
    /// The running configuration is written to the server's file after a run.
    pub save: bool,
    /// In which way scopes are written.
    pub writer: WriterChoice,
}

/// How a scope comes back that was lost while it was replaced.
const BROUGHT_BACK: &str = "replicate again, which creates it anew, or let the server reload the configuration that \
                            it has saved";

/// In which way scopes are written to a running server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriterChoice {
    /// By the commands for single scopes where the server has them, else by replacing its configuration.
    #[default]
    Auto,
    /// By the commands for single scopes, or not at all.
    Commands,
    /// By replacing its whole configuration.
    WholeConfiguration,
}

/// A running Kea server. Cheap to clone: all clones are the same server.
#[derive(Clone, Debug)]
pub struct LiveServer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    channel: Channel,
    policy: Policy,
    known: Mutex<Option<Arc<Known>>>,
    kept: Mutex<save::Kept>,
    listing: Mutex<Option<reread::Listing>>,
}

/// What the last complete reading told, for reading single scopes again and for writing.
#[derive(Debug)]
struct Known {
    commands: Commands,
    memberships: Vec<Membership>,
    context: Arc<Context>,
    surroundings: Arc<Surroundings>,
    scopes: BTreeMap<ScopeId, Option<u32>>,
    hosts_database: bool,
    configuration_backend: bool,
    text: Packed,
    hash: Option<Foreign>,
    /// Where there are values that the server does not reveal, once somebody asked.
    hidden: OnceLock<Result<Vec<String>>>,
}

impl Known {
    /// Kea before 2.4 stops answering clients when it refuses a configuration.
    fn survives_a_refusal(&self) -> bool {
        self.commands.has("config-hash-get")
    }

    fn new(commands: Commands, fresh: &FreshConfig) -> Self {
        let FreshConfig { config, hash, .. } = fresh;
        Known {
            commands,
            text: config.text.clone(),
            hash: hash.clone(),
            hidden: OnceLock::new(),
            memberships: config.memberships.clone(),
            context: config.context.clone(),
            surroundings: config.surroundings.clone(),
            scopes: config.scopes.values().map(|entry| (entry.id, entry.server_id)).collect(),
            hosts_database: config.hosts_database,
            configuration_backend: config.configuration_backend,
        }
    }
}

impl LiveServer {
    /// The server of this name, reached by this way. Nothing is opened yet.
    pub fn new(name: ServerName, transport: impl Into<Transport>, policy: Policy) -> Self {
        LiveServer(Arc::new(Inner {
            channel: Channel::new(name, transport),
            policy,
            known: Mutex::new(None),
            kept: Mutex::default(),
            listing: Mutex::default(),
        }))
    }

    /// Who answers its commands: the server itself or a control agent.
    ///
    /// # Errors
    /// When it has to be asked and there is no answer.
    pub async fn via(&self, ctl: &Control) -> Result<Via> {
        self.channel().via(ctl).await
    }

    fn channel(&self) -> &Channel {
        &self.0.channel
    }

    fn policy(&self) -> Policy {
        self.0.policy
    }

    /// What the last reading told; `None` before the first.
    fn last_known(&self) -> Option<Arc<Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the last reading told; reads when there was none.
    async fn known(&self, ctl: &Control) -> Result<Arc<Known>> {
        match self.last_known() {
            Some(known) => Ok(known),
            None => Ok(self.configuration(ctl).await?.1),
        }
    }

    fn learn(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        *self.0.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        known
    }

    async fn commands(&self, ctl: &Control) -> Result<Commands> {
        self.channel()
            .ask("list-commands", None, ctl)
            .await?
            .given::<Vec<String>>()
            .map_err(|e| self.on(e))
            .map(|names| names.into_iter().collect())
    }

    fn on(&self, error: Error) -> Error {
        error.on(self.channel().server())
    }
}

#[async_trait]
impl Server for LiveServer {
    fn name(&self) -> &ServerName {
        self.channel().server()
    }

    fn place(&self) -> String {
        self.channel().transport().place()
    }

    fn caveat(&self) -> Option<&'static str> {
        self.channel().transport().caveat()
    }

    /// The host in its URL, and the names that it has in its relationships, once it was read.
    fn addresses(&self) -> Vec<String> {
        let host = self.channel().transport().host().map(str::to_owned);
        let known = self.last_known();
        let memberships = known.iter().flat_map(|known| &known.memberships);
        host.into_iter().chain(memberships.map(|membership| membership.this_server.raw().to_owned())).collect()
    }

    fn read_only(&self) -> bool {
        self.policy().read_only
    }

    async fn read(&self, ctl: &Control) -> Result<Reading> {
        self.read_all(ctl).await
    }

    async fn health(&self, ctl: &Control) -> Result<Health> {
        let known = self.known(ctl).await?;
        self.health_of(&known, ctl).await
    }

    /// Short, and needed to tell what became of a write: no cancel cuts it short.
    async fn reread(&self, ids: &[ScopeId], _ctl: &Control) -> Result<BTreeMap<ScopeId, Option<Scope>>> {
        self.read_again(ids, &Control::free()).await
    }

    async fn pulse(&self, ctl: &Control) -> Result<Option<Pulse>> {
        let commands = match self.last_known() {
            Some(known) => known.commands.clone(),
            None => self.commands(ctl).await?,
        };
        if !commands.has("config-hash-get") {
            return Ok(None);
        }
        #[derive(serde::Deserialize)]
        struct Given {
            hash: Foreign,
        }
        let given = self.channel().ask("config-hash-get", None, ctl).await?.given::<Given>();
        given.map(|given| Some(Pulse(given.hash))).map_err(|e| self.on(e))
    }

    async fn utilisation(&self, ctl: &Control) -> Result<Option<BTreeMap<ScopeId, Utilisation>>> {
        let known = self.known(ctl).await?;
        if !known.commands.has("stat-lease4-get") {
            return Ok(None);
        }
        let by_number = leases::utilisation(self.channel(), None, ctl).await?;
        let of = |(id, number): (&ScopeId, &Option<u32>)| Some((*id, *by_number.get(&(*number)?)?));
        Ok(Some(known.scopes.iter().filter_map(of).collect()))
    }

    async fn examine(&self, try_save: bool, ctl: &Control) -> Vec<Point> {
        self.look_closely(try_save, ctl).await
    }

    async fn writer(&self, ctl: &Control) -> Result<Arc<dyn Writer>> {
        if self.policy().read_only {
            return Err(self.on(Error::new(ErrorKind::Safety, "the server is read-only")
                .hint("its entry in the configuration says so, or --read-only was given; nothing overrides it")));
        }
        let commands = self.commands(ctl).await?;
        let lacks = |needed: &[&'static str]| commands.lacks(needed);
        self.known(ctl).await?;
        let by_commands = match self.policy().writer {
            WriterChoice::Auto => lacks(&writer::NEEDED).is_empty(),
            WriterChoice::Commands => true,
            WriterChoice::WholeConfiguration => false,
        };
        let missing = if by_commands { lacks(&writer::NEEDED) } else { lacks(&whole::NEEDED) };
        match missing.as_slice() {
            [] if by_commands => Ok(Arc::new(writer::KeaWriter::new(self.clone()))),
            [] => Ok(Arc::new(whole::WholeWriter::new(self.clone()))),
            missing => Err(self.on(no_writer(missing, by_commands))),
        }
    }

    async fn can_reset(&self, ctl: &Control) -> Result<()> {
        reset::is_possible(self, ctl).await
    }

    async fn reset(&self, this_server: &Foreign, ok: &Approved) -> Result<()> {
        reset::send(self, this_server, ok).await
    }
}

fn no_writer(missing: &[&'static str], by_commands: bool) -> Error {
    let lacks = format!("the server lacks {}", missing.join(", "));
    if !by_commands {
        return Error::new(ErrorKind::Unsupported, format!("{lacks}: its configuration cannot be replaced"))
            .hint("give the control socket of kea-dhcp4, not that of another program");
    }
    let mut hints: Vec<&str> = missing.iter().map(|command| provider(command)).collect();
    hints.dedup();
    Error::new(
        ErrorKind::Unsupported,
        format!("{lacks}: scopes are written with the commands of subnet_cmds and host_cmds"),
    )
    .hint(format!(
        "{}; Kea 3.0 has these hooks for everybody. Or let the whole configuration be replaced: writer = \"auto\"",
        hints.join(" and ")
    ))
}
