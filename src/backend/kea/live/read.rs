//! The whole reading of a server: its commands, version, configuration and states.

use std::sync::Arc;

use super::{Known, LiveServer, hosts};
use crate::backend::kea::command::ConfigAnswer;
use crate::backend::kea::config::{self, How, KeaConfig};
use crate::engine::port::{Control, Pulse, Reading};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::Foreign;

impl LiveServer {
    pub(super) async fn read_all(&self, ctl: &Control) -> Result<Reading> {
        let at = jiff::Timestamp::now();
        let (fresh, known) = self.configuration(ctl).await?;
        let FreshConfig { mut config, hash, remark, .. } = fresh;
        config.unreadable.extend(remark.map(|remark| (None, remark)));
        // small answers after the large one: a partner that just changed its state is seen
        let version = self.version(&known, ctl).await?;
        let health = self.health_of(&known, ctl).await?;
        Ok(Reading {
            identity: config.identity,
            version,
            health,
            context: config.context,
            levels: config.surroundings,
            scopes: Arc::new(config.scopes),
            unreadable: config.unreadable,
            pulse: known.commands.has("config-hash-get").then_some(hash).flatten().map(Pulse),
            at,
        })
    }

    /// The configuration as it is now; what it tells is kept.
    pub(super) async fn configuration(&self, ctl: &Control) -> Result<(FreshConfig, Arc<Known>)> {
        let commands = self.commands(ctl).await?;
        // good to know and not needed: what is wrong shows in the next answer, too
        let _ = self.channel().via(ctl).await;
        let answer = self.channel().ask_raw("config-get", None, ctl).await?;
        let parsed = tokio::task::spawn_blocking(move || {
            let ConfigAnswer { dhcp4, hash } = ConfigAnswer::read(&answer)?;
            let config = config::read(&dhcp4, How::Live).map_err(|reason| {
                Error::new(ErrorKind::Garbled, format!("the configuration could not be understood: {reason}"))
            })?;
            Ok(FreshConfig { config, hash, remark: None })
        });
        let mut fresh = match parsed.await {
            Ok(fresh) => fresh.map_err(|error| self.on(error))?,
            Err(broken) => {
                let what = format!("reading the configuration ended unexpectedly: {broken}");
                return Err(self.on(Error::new(ErrorKind::Local, what)));
            }
        };
        if fresh.config.hosts_database {
            match hosts::stored(self.channel(), &commands, ctl).await {
                Ok(hosts) => hosts::merge(&mut fresh.config, hosts),
                Err(error) if error.kind == ErrorKind::Cancelled => return Err(error),
                Err(error) => {
                    let what = format!("reservations in the database were not read: {}", error.what);
                    fresh.remark = Some(what.into());
                }
            }
        }
        let known = self.learn(Known::new(commands, &fresh));
        Ok((fresh, known))
    }

    async fn version(&self, known: &Known, ctl: &Control) -> Result<Option<Foreign>> {
        if !known.commands.has("version-get") {
            return Ok(None);
        }
        let answer = self.channel().ask("version-get", None, ctl).await?;
        match answer.failure() {
            Some(error) => Err(self.on(error)),
            None => Ok(Some(answer.text)),
        }
    }
}

/// A configuration that was just read.
#[derive(Debug)]
pub(super) struct FreshConfig {
    pub(super) config: KeaConfig,
    pub(super) hash: Option<Foreign>,
    /// What could not be read of what stands outside it.
    pub(super) remark: Option<Foreign>,
}
