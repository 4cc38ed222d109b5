//! What surrounds the scopes of a server: definitions, classes, networks, global values.

use std::collections::BTreeMap;
use std::fmt;

use super::{Canonical, Foreign};

/// What sort of thing a definition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefinitionKind {
    /// An option definition; named `space/code`.
    OptionDefinition,
    /// A client class.
    Class,
    /// A shared network.
    Network,
    /// A global value that scopes inherit or that changes answers.
    Global,
    /// A global option; named `space/code`.
    GlobalOption,
    /// How reservations are looked up.
    ReservationMode,
    /// A vendor class of a server that tells them from user classes.
    VendorClass,
    /// A user class of such a server.
    UserClass,
    /// An option that holds for the whole server; named `space/code`, with `, user class` behind
    /// where there is one.
    ServerOption,
    /// A policy of the whole server.
    ServerPolicy,
    /// A setting of the whole server, such as its DNS settings.
    ServerSetting,
    /// A client that is let in or kept out by its hardware address; named `list/address`.
    Filter,
    /// A parameter of a failover relationship on which both sides should agree; named by
    /// [`failover_parameter`].
    Failover,
}

impl DefinitionKind {
    /// The words for messages.
    pub fn words(self) -> &'static str {
        match self {
            DefinitionKind::OptionDefinition => "option definition",
            DefinitionKind::Class => "client class",
            DefinitionKind::Network => "shared network",
            DefinitionKind::Global => "global value",
            DefinitionKind::GlobalOption => "global option",
            DefinitionKind::ReservationMode => "reservation mode",
            DefinitionKind::VendorClass => "vendor class",
            DefinitionKind::UserClass => "user class",
            DefinitionKind::ServerOption => "server option",
            DefinitionKind::ServerPolicy => "server policy",
            DefinitionKind::ServerSetting => "server setting",
            DefinitionKind::Filter => "filter",
            DefinitionKind::Failover => "failover parameter",
        }
    }
}

/// The name of the [`DefinitionKind::Global`] that lists the client classes in their order.
pub const CLASS_ORDER: &str = "order of client classes";

/// The name of a [`DefinitionKind::Failover`]: the parameter, and the relationship by its
/// [`Membership::key`](super::Membership::key).
pub fn failover_parameter(parameter: &str, relationship: &Foreign) -> Foreign {
    format!("{parameter} of {}", relationship.raw()).into()
}

/// One thing outside the scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its fields in canonical form.
    pub fields: BTreeMap<Foreign, Canonical>,
    /// A readable name where the key alone says little.
    pub label: Option<Foreign>,
}

/// A place outside the configuration where a server keeps some of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Store {
    /// Reservations live in a database of this type.
    HostsDatabase(Foreign),
    /// Configuration comes from a database of this type.
    ConfigurationBackend(Foreign),
}

/// A server's release, to be compared with another of the same family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// The first number.
    pub major: u32,
    /// The second.
    pub minor: u32,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What surrounds the scopes of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Definitions by kind and name.
    pub definitions: BTreeMap<(DefinitionKind, Foreign), Definition>,
    /// Databases that hold a part of the configuration.
    pub stores: Vec<Store>,
    /// Definitions with an option whose value the server does not reveal.
    pub hidden: Vec<(DefinitionKind, Foreign)>,
    /// Kinds of which not everything is known, so that what seems to be missing may be there:
    /// with the reason where they could not be read, without one while they are being read.
    pub unread: BTreeMap<DefinitionKind, Option<Foreign>>,
    /// The release, where an older target may lose what a newer source has.
    pub release: Option<Release>,
}

impl Context {
    /// The definition of this kind and name.
    pub fn get(&self, kind: DefinitionKind, name: &Foreign) -> Option<&Definition> {
        self.definitions.get(&(kind, name.clone()))
    }
}
