//! Values only: names, relationships, scopes, items, changes.
//!
//! Nothing here knows a screen, a file format or a vendor. Text that came from
//! a server is [`Foreign`]: compared raw, shown only cleaned.

mod change;
mod context;
mod fields;
mod host;
mod item;
mod relationship;
mod scope;
mod scope_id;
mod text;

pub use change::{Change, ChangeKind, DriftState, FieldChange, Finding, FindingKind, FindingSide, Severity};
pub use context::{CLASS_ORDER, Context, Definition, DefinitionKind, Release, Store, failover_parameter};
pub use fields::Fields;
pub use host::{Host, Kinship, is_same_name};
pub use item::{
    Canonical, Field, IdentifierKind, Item, ItemKey, KeyName, Kind, Level, OptionKey, Origin, Owner, ReservationKey,
    Section, Value,
};
pub use relationship::{Belonging, Condition, Contact, Membership, Mode, Peer, Role, ServerName, Side, State, Timing};
pub use scope::{Complete, Need, Scope};
pub use scope_id::{ScopeId, ScopeIdError};
pub use text::{Foreign, is_harmful};
