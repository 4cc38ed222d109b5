//! One call of a reading.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::super::cim::{self, Dhcp, Level, OptionQuery};
use super::super::wsman::{Code, Failure};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Failover,
    /// All scopes, or these.
    Scopes(Vec<Ipv4Addr>),
    /// Asked only where all scopes do not fit into one answer: lists them in fewer bytes.
    Statistics,
    /// Of all scopes, or of these.
    Exclusions(Vec<Ipv4Addr>),
    ServerDns,
    Definitions,
    Classes,
    ServerOptions,
    ServerPolicies,
    Filters,
    FilterList,
    Version,
    Reservations(Ipv4Addr),
    Options(Ipv4Addr),
    Policies(Ipv4Addr),
    PolicyRanges(Ipv4Addr),
    Dns(Ipv4Addr),
    /// Of one reservation of a scope.
    ReservationOptions(Ipv4Addr, Ipv4Addr),
}

impl Call {
    /// The scope that it is about alone.
    pub(super) fn scope(&self) -> Option<Ipv4Addr> {
        match self {
            Call::Reservations(scope)
            | Call::Options(scope)
            | Call::Policies(scope)
            | Call::PolicyRanges(scope)
            | Call::Dns(scope)
            | Call::ReservationOptions(scope, _) => Some(*scope),
            _ => None,
        }
    }

    /// What it gives where this failure says that there is nothing to be listed: servers differ,
    /// some list nothing instead.
    pub(super) fn nothing(&self, failure: &Failure) -> Option<Given> {
        let (given, number) = match self {
            Call::Failover => (Given::Failover(Vec::new()), 20_115),
            Call::ServerOptions | Call::Options(_) | Call::ReservationOptions(..) => {
                (Given::Options(Vec::new()), 20_010)
            }
            Call::ServerPolicies | Call::Policies(_) => (Given::Policies(Vec::new()), 20_111),
            Call::PolicyRanges(_) => (Given::PolicyRanges(Vec::new()), 20_111),
            _ => return None,
        };
        (failure.code() == Some(Code::Dhcp(number))).then_some(given)
    }
}

/// What is given.
#[derive(Debug)]
pub(super) enum Given {
    Failover(Vec<cim::Failover>),
    Scopes(Vec<cim::Single<cim::Scope>>),
    Statistics(Vec<cim::ScopeStatistics>),
    Exclusions(Vec<cim::Single<cim::ExclusionRange>>),
    Dns(cim::DnsSetting),
    Definitions(Vec<cim::OptionDefinition>),
    Classes(Vec<cim::Class>),
    Options(Vec<cim::OptionValue>),
    Policies(Vec<cim::Policy>),
    PolicyRanges(Vec<cim::PolicyRange>),
    Filters(Vec<cim::Filter>),
    FilterList(cim::FilterList),
    Version(cim::ServerVersion),
    Reservations(Vec<cim::Reservation>),
}

/// How long a server that has too much to do is left alone before it is asked again.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Asks, and asks again where the server says that it has too much to do.
pub(super) async fn perform(dhcp: &Dhcp, call: Call) -> (Call, Result<Given, Failure>) {
    let mut pauses = PAUSES.into_iter();
    loop {
        let given = ask(dhcp, &call).await;
        match given.as_ref().err().filter(|failure| failure.is_busy()).and_then(|_| pauses.next()) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return (call, given),
        }
    }
}

async fn ask(dhcp: &Dhcp, call: &Call) -> Result<Given, Failure> {
    Ok(match call {
        Call::Failover => Given::Failover(dhcp.failover().await?),
        Call::Scopes(ids) => Given::Scopes(dhcp.scopes(ids).await?),
        Call::Statistics => Given::Statistics(dhcp.statistics().await?),
        Call::Exclusions(ids) => Given::Exclusions(dhcp.exclusions(ids).await?),
        Call::ServerDns => Given::Dns(dhcp.dns_setting(&Level::Server).await?),
        Call::Definitions => Given::Definitions(dhcp.option_definitions().await?),
        Call::Classes => Given::Classes(dhcp.classes().await?),
        Call::ServerOptions => Given::Options(options(dhcp, Level::Server).await?),
        Call::ServerPolicies => Given::Policies(dhcp.policies(None).await?),
        Call::Filters => Given::Filters(dhcp.filters().await?),
        Call::FilterList => Given::FilterList(dhcp.filter_list().await?),
        Call::Version => Given::Version(dhcp.version().await?),
        Call::Reservations(scope) => Given::Reservations(dhcp.reservations(*scope).await?),
        Call::Options(scope) => Given::Options(options(dhcp, Level::Scope(*scope)).await?),
        Call::Policies(scope) => Given::Policies(dhcp.policies(Some(*scope)).await?),
        Call::PolicyRanges(scope) => Given::PolicyRanges(dhcp.policy_ranges(*scope).await?),
        Call::Dns(scope) => Given::Dns(dhcp.dns_setting(&Level::Scope(*scope)).await?),
        Call::ReservationOptions(_, address) => Given::Options(options(dhcp, Level::Reservation(*address)).await?),
    })
}

/// With the classes' and policies' own, and their names.
async fn options(dhcp: &Dhcp, level: Level) -> Result<Vec<cim::OptionValue>, Failure> {
    dhcp.option_values(&OptionQuery { level, all: true, brief: false }).await
}
