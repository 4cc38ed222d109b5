//! What differs: changes of items, findings outside the scopes.

use serde::{Deserialize, Serialize};

use super::{Field, Foreign, Item, ItemKey, ScopeId, Section, Value};

/// What must happen to an item on the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It is only on the source.
    Create,
    /// It is on both and differs.
    Update,
    /// It is only on the target.
    Delete,
}

impl ChangeKind {
    /// The sign that stands before it in lists.
    pub fn sign(self) -> char {
        match self {
            ChangeKind::Create => '+',
            ChangeKind::Update => '~',
            ChangeKind::Delete => '-',
        }
    }

    /// The word for screens and JSON.
    pub fn word(self) -> &'static str {
        match self {
            ChangeKind::Create => "create",
            ChangeKind::Update => "update",
            ChangeKind::Delete => "delete",
        }
    }
}

/// One field of a changed item: both values.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Which field; `value` for a property.
    pub field: Field,
    /// On the source; `None` when it is not there.
    pub source: Option<Value>,
    /// On the target; `None` when it is not there.
    pub target: Option<Value>,
}

/// One item that must be created, updated or deleted on the target.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which item.
    pub key: ItemKey,
    /// What happens to it on the target.
    pub change: ChangeKind,
    /// A readable name where the key alone says little.
    pub label: Option<Foreign>,
    /// The fields that differ; for a created or deleted item all of them.
    pub fields: Vec<FieldChange>,
    /// The item as the source has it; `None` for a deletion.
    pub wanted: Option<Item>,
    /// The same client's reservation at another address, for one half of a move.
    pub moved: Option<ItemKey>,
    /// The source inherits the value and the target's parents give another one, so
    /// the value is written on the target and becomes explicit there.
    pub becomes_explicit: bool,
}

impl Change {
    /// The section that shows it.
    pub fn section(&self) -> Section {
        self.key.section()
    }

    /// The item's name for people: `routers (dhcp4/3)`, `10.0.0.10`, `valid-lifetime`.
    pub fn title(&self) -> String {
        match &self.label {
            Some(label) => format!("{label} ({})", self.key.name),
            None => self.key.name.to_string(),
        }
    }
}

/// How a scope stands between the two servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftState {
    /// Not compared yet.
    Checking,
    /// Nothing to replicate.
    InSync,
    /// Something to replicate.
    Drifted,
    /// The target lacks it.
    OnlyOnSource,
    /// The source lacks it. Never deleted by a replication.
    OnlyOnTarget,
    /// Could not be read or compared; the reason stands beside it.
    Unknown,
}

impl DriftState {
    /// The words for screens.
    pub fn words(&self) -> &'static str {
        match self {
            DriftState::Checking => "checking",
            DriftState::InSync => "in sync",
            DriftState::Drifted => "drifted",
            DriftState::OnlyOnSource => "only on source",
            DriftState::OnlyOnTarget => "only on target",
            DriftState::Unknown => "unknown",
        }
    }
}

/// How much a finding matters. Critical counts as drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Clients are or will be served wrongly, or the relationship is in danger.
    Critical,
    /// Should be looked at.
    Warning,
    /// Good to know.
    Info,
}

/// Where a finding lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingSide {
    /// On the server that is copied from.
    Source,
    /// On the server that is overwritten.
    Target,
    /// Both differ from each other.
    Both,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// The relationship has ended until it is reset.
    Terminated,
    /// The partners are out of touch.
    CommunicationRecovery,
    /// A scope that a server has in another relationship, or in none.
    MembershipDiffers,
    /// A scope that only one side has.
    ScopeOnOneSide,
    /// Both servers have the scope under another number.
    ScopeIdDiffers,
    /// The way to a server is not safe, as its entry in the configuration allows.
    UnsafeWay,
    /// An entry of the configuration that reaches the partner of the server that it names.
    CrossedEntries,
    /// An option definition that one side lacks or has differently.
    OptionDefinition,
    /// A client class that one side lacks.
    ClassMissing,
    /// A client class that differs.
    ClassDiffers,
    /// A shared network that one side lacks.
    NetworkMissing,
    /// A shared network whose values differ.
    NetworkDiffers,
    /// A global value or option that differs.
    GlobalDiffers,
    /// Reservations are looked up differently.
    ReservationMode,
    /// One server is of an older release than its partner.
    OlderRelease,
    /// Parameters of the relationship disagree.
    FailoverDiffers,
    /// A value that the server does not reveal, or what else of it could not be read.
    Unreadable,
    /// Reservations are kept in a database.
    HostsDatabase,
    /// Configuration is kept in a database.
    ConfigurationBackend,
    /// The relationship is not in its normal state.
    State,
    /// The clocks of the partners are apart.
    ClockSkew,
    /// Replicating toward the primary of a hot-standby pair.
    TowardPrimary,
    /// The relationship or its mode is not supported.
    NotSupported,
    /// A partner that is not in the configuration or not reachable.
    Partner,
    /// An undo changes one server; its partner stays as it is.
    PartnerStays,
    /// An earlier run was interrupted while it wrote to the target.
    InterruptedRun,
    /// A way of writing that nobody has seen on real servers yet.
    Unproven,
    /// What a run overwrites cannot be brought back by an undo.
    NoWayBack,
}

impl FindingKind {
    /// Whether it belongs to the servers' names, wherever these stand.
    pub fn is_caveat(self) -> bool {
        matches!(self, FindingKind::UnsafeWay | FindingKind::CrossedEntries)
    }

    /// Whether it is about the way of writing, not about what is written.
    pub fn is_about_writing(self) -> bool {
        matches!(self, FindingKind::Unproven | FindingKind::NoWayBack)
    }

    /// Whether it concerns the whole relationship although it names scopes.
    pub fn is_of_all(self) -> bool {
        matches!(self, FindingKind::Terminated | FindingKind::CommunicationRecovery)
    }
}

/// Something outside the items of a scope that the operator should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub kind: FindingKind,
    /// Where it lies.
    pub side: FindingSide,
    /// The scopes that it touches; empty when it touches all or none in particular.
    pub scopes: Vec<ScopeId>,
    /// What was found; safe to show.
    pub message: String,
    /// What to do about it, several steps a line each; safe to show.
    pub hint: String,
}
