//! Some scopes read again, without the whole configuration where the server can.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Known, LiveServer, hosts};
use crate::backend::kea::subnet;
use crate::engine::port::Control;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, Scope, ScopeId};

/// Up to so many scopes are read one by one whatever the size of the configuration.
const FEW: usize = 8;
/// Beyond that: reading one scope costs about as much as so many within the whole configuration.
const WORTH: usize = 10;

/// A line of `subnet4-list`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Listed {
    /// The number by which the server knows it.
    pub(super) id: u32,
    /// Its prefix.
    pub(super) subnet: Foreign,
    /// The shared network that it is in.
    #[serde(rename = "shared-network-name", default)]
    pub(super) network: Option<Foreign>,
}

impl Listed {
    /// The line of a scope outside of any network.
    pub(super) fn new(id: u32, scope: ScopeId) -> Self {
        Listed { id, subnet: scope.to_string().into(), network: None }
    }

    /// Its prefix as a scope; `None` when it is none.
    pub(super) fn scope(&self) -> Option<ScopeId> {
        self.subnet.raw().parse().ok()
    }
}

/// Where all scopes stood a moment ago.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    at: Instant,
    listed: Arc<BTreeMap<ScopeId, Listed>>,
}

/// For so long a list of all scopes is used again. On a large server it costs more than reading the
/// scope itself, and a run wants it twice for each. Only their shared networks are
/// taken from it: whether a scope is there under its number is asked by itself each time.
const LATELY: Duration = Duration::from_secs(2);

impl LiveServer {
    pub(super) async fn read_again(&self, ids: &[ScopeId], ctl: &Control) -> Result<BTreeMap<ScopeId, Option<Scope>>> {
        if let Some(known) = self.last_known()
            && one_by_one(ids.len(), &known)
            && let Some(scopes) = self.each_again(ids, &known, ctl).await?
        {
            return Ok(scopes);
        }
        let config = self.configuration(ctl).await?.0.config;
        let open = |id: &ScopeId| match config.scopes.get(id) {
            Some(entry) => entry.raw.open().map(Some).map_err(|reason| self.not_understood(Some(*id), &reason)),
            // a scope that could not be listed is never taken for a missing one
            None => match config.unreadable.iter().find(|(bad, _)| bad.is_none_or(|bad| bad == *id)) {
                Some((bad, reason)) => Err(self.not_understood(*bad, reason)),
                None => Ok(None),
            },
        };
        ids.iter().map(|id| Ok((*id, open(id)?))).collect()
    }

    /// `None` when something moved while it was read.
    async fn each_again(
        &self,
        ids: &[ScopeId],
        known: &Known,
        ctl: &Control,
    ) -> Result<Option<BTreeMap<ScopeId, Option<Scope>>>> {
        let listed = self.listed_lately(ctl).await?;
        let mut scopes = BTreeMap::new();
        for id in ids {
            let scope = match listed.get(id) {
                None => None,
                Some(listed) => {
                    let (subnet, reservations) =
                        tokio::join!(self.subnet(listed.id, ctl), self.reservations(listed.id, ctl));
                    let Some(subnet) = subnet?.filter(|subnet| prefix(subnet) == Some(*id)) else { return Ok(None) };
                    // of a subnet that is gone Kea gives no reservations, and calls that an error
                    let reservations = reservations?;
                    let network = listed.network.as_ref();
                    let scope = subnet::reopen(&subnet, &reservations, network, &known.surroundings);
                    Some(scope.map_err(|reason| self.not_understood(Some(*id), &reason))?)
                }
            };
            scopes.insert(*id, scope);
        }
        Ok(Some(scopes))
    }

    async fn listed_lately(&self, ctl: &Control) -> Result<Arc<BTreeMap<ScopeId, Listed>>> {
        if let Some(listed) = self.listed_before() {
            return Ok(listed);
        }
        let at = Instant::now();
        let listed = self.list(ctl).await?.into_iter().filter_map(|listed| Some((listed.scope()?, listed)));
        let listed: Arc<BTreeMap<_, _>> = Arc::new(listed.collect());
        *self.listing() = Some(Listing { at, listed: listed.clone() });
        Ok(listed)
    }

    fn listed_before(&self) -> Option<Arc<BTreeMap<ScopeId, Listed>>> {
        let listing = self.listing();
        let last = listing.as_ref().filter(|last| last.at.elapsed() < LATELY)?;
        Some(last.listed.clone())
    }

    fn listing(&self) -> MutexGuard<'_, Option<Listing>> {
        self.0.listing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After a write that changes where scopes stand.
    pub(super) fn forget_listing(&self) {
        *self.listing() = None;
    }

    /// All subnets with their numbers and networks.
    pub(super) async fn list(&self, ctl: &Control) -> Result<Vec<Listed>> {
        #[derive(Deserialize)]
        struct Given {
            subnets: Vec<Listed>,
        }
        let given = self.channel().ask("subnet4-list", None, ctl).await?.found::<Given>();
        Ok(given.map_err(|error| self.on(error))?.map(|given| given.subnets).unwrap_or_default())
    }

    /// The subnet of this number, without its reservations.
    pub(super) async fn subnet(&self, id: u32, ctl: &Control) -> Result<Option<Value>> {
        #[derive(Deserialize)]
        struct Given {
            subnet4: Vec<Value>,
        }
        let given = self.channel().ask("subnet4-get", Some(&json!({ "id": id })), ctl).await?.found::<Given>();
        Ok(given.map_err(|error| self.on(error))?.and_then(|given| given.subnet4.into_iter().next()))
    }

    /// The reservations of a subnet, wherever the server keeps them.
    async fn reservations(&self, id: u32, ctl: &Control) -> Result<Vec<Value>> {
        #[derive(Deserialize)]
        struct Given {
            hosts: Vec<Value>,
        }
        let arguments = json!({ "subnet-id": id });
        let given = self.channel().ask("reservation-get-all", Some(&arguments), ctl).await?.found::<Given>();
        let mut hosts = given.map_err(|error| self.on(error))?.map(|given| given.hosts).unwrap_or_default();
        hosts::drop_repeated(&mut hosts);
        Ok(hosts)
    }

    fn not_understood(&self, id: Option<ScopeId>, reason: &Foreign) -> Error {
        let error = self.on(Error::new(ErrorKind::Garbled, format!("what was read could not be understood: {reason}")));
        match id {
            Some(id) => error.scope(id),
            None => error,
        }
    }
}

/// The prefix of a subnet.
pub(super) fn prefix(subnet: &Value) -> Option<ScopeId> {
    subnet.get("subnet")?.as_str()?.parse().ok()
}

fn one_by_one(scopes: usize, known: &Known) -> bool {
    let can = known.commands.lacks(&["subnet4-list", "subnet4-get", "reservation-get-all"]).is_empty();
    can && (scopes <= FEW || scopes * WORTH <= known.scopes.len())
}
