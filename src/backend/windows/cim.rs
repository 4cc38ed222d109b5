//! The `PS_DhcpServerv4*` methods of `root/Microsoft/Windows/DHCP`, typed
//! (Microsoft's "DHCP Server PowerShell provider" reference).
//!
//! A reading call gives all that the server lists. A writing call gives nothing: what it came to is
//! read back. Where the server did not say what became of one, its failure is in doubt
//! ([`Failure::in_doubt`]).

pub mod codes;
mod data;
mod write;

use std::net::Ipv4Addr;

pub use data::{
    Class, Data, DnsSetting, ExclusionRange, Failover, Filter, FilterList, Lease, OptionDefinition, OptionValue,
    Policy, PolicyRange, Reservation, Scope, ScopeStatistics, ServerSetting, ServerVersion, filled,
};
pub use write::CONDITIONS;

use super::wsman::{Client, Failure, Inputs, Misfit, Value};
use crate::backend::exchange::Effect;
use crate::engine::{Error, ErrorKind};
use crate::model::Foreign;

const NAMESPACE: &str = "root/microsoft/windows/dhcp";

/// What a call gives.
pub type Result<T> = std::result::Result<T, Failure>;

/// One instance of a list.
pub type Single<T> = std::result::Result<T, Odd>;

/// An instance that is not what its class says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// The scope that it belongs to, where that can be told.
    pub scope: Option<Ipv4Addr>,
    /// That scope's mask, where it tells one.
    pub mask: Option<Ipv4Addr>,
    /// Why.
    pub misfit: Misfit,
}

impl Odd {
    /// That this call gave it.
    pub fn error(&self, call: &str) -> Error {
        Error::new(ErrorKind::Garbled, format!("{call}: {}", self.misfit))
    }
}

/// Where option values and DNS settings stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// Above all scopes.
    Server,
    /// A scope.
    Scope(Ipv4Addr),
    /// A policy of a scope, or of the server.
    Policy {
        /// `None` for a policy of the server.
        scope: Option<Ipv4Addr>,
        /// Its name.
        name: Foreign,
    },
    /// A reservation, by its address.
    Reservation(Ipv4Addr),
}

impl Level {
    /// The parameters that name it; `reservation` is what the method calls a reservation's address.
    fn inputs(&self, reservation: &'static str) -> Inputs {
        let inputs = Inputs::default();
        match self {
            Level::Server => inputs,
            Level::Scope(scope) => inputs.with("ScopeId", scope),
            Level::Policy { scope, name } => inputs.with("ScopeId", scope).with("PolicyName", name),
            Level::Reservation(address) => inputs.with(reservation, address),
        }
    }
}

/// Which option values are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionQuery {
    /// Where they stand.
    pub level: Level,
    /// Also those of vendor classes, user classes and policies.
    pub all: bool,
    /// Without the names of options, which is faster.
    pub brief: bool,
}

/// The DHCP server behind a WS-Management service.
#[derive(Clone)]
pub struct Dhcp {
    client: Client,
    computer: Option<Foreign>,
}

impl Dhcp {
    /// The DHCP server of the host itself, or of another that the host manages for us: then the
    /// host has to prove there who we are, which is the second hop.
    pub fn new(client: Client, computer: Option<String>) -> Self {
        Dhcp { client, computer: computer.map(Foreign::from) }
    }

    /// Another DHCP server, by way of the same host.
    pub fn beyond(&self, computer: &Foreign) -> Self {
        Dhcp { client: self.client.clone(), computer: Some(computer.clone()) }
    }

    /// The service that carries it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// All relationships.
    ///
    /// # Errors
    /// As all calls here: no answer, a refusal, or an answer that is not what the class says.
    pub async fn failover(&self) -> Result<Vec<Failover>> {
        let all = self.list("PS_DhcpServerv4Failover", "GetByName", Inputs::default()).await?;
        self.believed(all).await
    }

    /// These scopes, or all where none is named. One that cannot be understood does not stand in the way of
    /// the others.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn scopes(&self, ids: &[Ipv4Addr]) -> Result<Vec<Single<Scope>>> {
        let found = self.singly("PS_DhcpServerv4Scope", "Get", of_scopes(ids)).await?;
        self.believed(found).await
    }

    /// The exclusions of these scopes, or of all where none is named, each by itself.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn exclusions(&self, scopes: &[Ipv4Addr]) -> Result<Vec<Single<ExclusionRange>>> {
        self.singly("PS_DhcpServerv4ExclusionRange", "Get", of_scopes(scopes)).await
    }

    /// The reservations of a scope.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn reservations(&self, scope: Ipv4Addr) -> Result<Vec<Reservation>> {
        self.list("PS_DhcpServerv4Reservation", "GetByScopeId", Inputs::default().with("ScopeId", &scope)).await
    }

    /// Values of options.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn option_values(&self, query: &OptionQuery) -> Result<Vec<OptionValue>> {
        let inputs = query.level.inputs("ReservedIP").with("All", &set(query.all)).with("Brief", &set(query.brief));
        self.list("PS_DhcpServerv4OptionValue", "Get", inputs).await
    }

    /// The policies of a scope, or of the server.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn policies(&self, scope: Option<Ipv4Addr>) -> Result<Vec<Policy>> {
        self.list("PS_DhcpServerv4Policy", "Get", Inputs::default().with("ScopeId", &scope)).await
    }

    /// The ranges of all policies of a scope.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn policy_ranges(&self, scope: Ipv4Addr) -> Result<Vec<PolicyRange>> {
        self.list("PS_DhcpServerv4PolicyIPRange", "Get", Inputs::default().with("ScopeId", &scope)).await
    }

    /// The DNS setting in force at a level.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn dns_setting(&self, level: &Level) -> Result<DnsSetting> {
        self.one("PS_DhcpServerv4DnsSetting", level.inputs("IPAddress")).await
    }

    /// The definitions of all options, those of vendor classes too. Every server has some.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn option_definitions(&self) -> Result<Vec<OptionDefinition>> {
        const CLASS: &str = "PS_DhcpServerv4OptionDefinition";
        not_hollow(CLASS, self.list(CLASS, "Get", Inputs::default().with("All", &true)).await?)
    }

    /// All vendor and user classes. Every server has some.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn classes(&self) -> Result<Vec<Class>> {
        const CLASS: &str = "PS_DhcpServerv4Class";
        not_hollow(CLASS, self.list(CLASS, "Get", Inputs::default()).await?)
    }

    /// The filters of hardware addresses.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn filters(&self) -> Result<Vec<Filter>> {
        self.list("PS_DhcpServerv4Filter", "Get", Inputs::default()).await
    }

    /// Which of the lists of filters are in force.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn filter_list(&self) -> Result<FilterList> {
        self.one("PS_DhcpServerv4FilterList", Inputs::default()).await
    }

    /// The version of the server.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn version(&self) -> Result<ServerVersion> {
        self.one("PS_DhcpServerVersion", Inputs::default()).await
    }

    /// The settings of the whole server.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn setting(&self) -> Result<ServerSetting> {
        self.one("PS_DhcpServerSetting", Inputs::default()).await
    }

    /// The leases of a scope that have not run out, and its reservations.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn leases(&self, scope: Ipv4Addr) -> Result<Vec<Lease>> {
        self.list("PS_DhcpServerv4Lease", "GetByScopeId", Inputs::default().with("ScopeId", &scope)).await
    }

    /// How full all scopes are.
    ///
    /// # Errors
    /// As [`Dhcp::failover`].
    pub async fn statistics(&self) -> Result<Vec<ScopeStatistics>> {
        self.list("PS_DhcpServerv4ScopeStatistics", "Get", Inputs::default()).await
    }

    async fn list<T: Data>(&self, class: &str, method: &str, inputs: Inputs) -> Result<Vec<T>> {
        let found = self.singly(class, method, inputs).await?;
        found.into_iter().map(|single| single.map_err(|odd| odd.error(&format!("{class}.{method}")).into())).collect()
    }

    async fn singly<T: Data>(&self, class: &str, method: &str, inputs: Inputs) -> Result<Vec<Single<T>>> {
        let values = self.call(class, method, inputs, Effect::Reads, None).await?;
        let read = |value: &Value| match value {
            Value::Instance(instance) => T::read(instance).map_err(|misfit| {
                let address = |property| instance.read(T::CLASS, property).ok().flatten();
                Odd { scope: address("ScopeId"), mask: address("SubnetMask"), misfit }
            }),
            Value::Text(_) => {
                let misfit =
                    Misfit { class: T::CLASS, property: "cmdletOutput", why: "is text, not an instance".to_owned() };
                Err(Odd { scope: None, mask: None, misfit })
            }
        };
        Ok(values.iter().map(read).collect())
    }

    /// An empty list is believed only of a server whose results reach us at all.
    async fn believed<T>(&self, list: Vec<T>) -> Result<Vec<T>> {
        if list.is_empty() {
            self.version().await?;
        }
        Ok(list)
    }

    /// The one instance that `Get` of a class gives.
    async fn one<T: Data>(&self, class: &str, inputs: Inputs) -> Result<T> {
        let mut found = not_hollow(class, self.list(class, "Get", inputs).await?)?;
        match found.len() {
            1 => Ok(found.remove(0)),
            several => {
                Err(Error::new(ErrorKind::Garbled, format!("{class}.Get gave {several} instances, not one")).into())
            }
        }
    }

    /// Calls a method on the computer that the host manages for us, if it is another one. `beyond`:
    /// where the host goes on its own account.
    async fn call(
        &self,
        class: &str,
        method: &str,
        inputs: Inputs,
        effect: Effect,
        beyond: Option<&str>,
    ) -> Result<Vec<Value>> {
        let inputs = inputs.with("ComputerName", &self.computer);
        let beyond = beyond.map(str::to_owned).or_else(|| self.computer.as_ref().map(Foreign::to_string));
        let called = self.client.invoke(NAMESPACE, class, method, &inputs, effect).await;
        called.map_err(|failure| match beyond {
            Some(server) => failure.beyond(server),
            None => failure,
        })
    }
}

fn of_scopes(ids: &[Ipv4Addr]) -> Inputs {
    Inputs::default().with("ScopeId", &ids.to_vec())
}

/// A switch of a method: not set is not sent.
fn set(switch: bool) -> Option<bool> {
    switch.then_some(true)
}

/// Lists that no server has empty: one that is was lost on the way.
fn not_hollow<T>(class: &str, list: Vec<T>) -> Result<Vec<T>> {
    if list.is_empty() { Err(hollow(class)) } else { Ok(list) }
}

/// A call succeeded, and gave nothing of what must be there: for callers that know that something is.
pub fn hollow(class: &str) -> Failure {
    let what =
        format!("{class}: the server says that it succeeded, but gave nothing, although there must be something");
    let hint = "this version of Windows may hand out its results by another way (streamed), which is not supported: \
                please report it";
    Error::new(ErrorKind::Garbled, what).hint(hint).into()
}

#[cfg(test)]
mod tests;
