//! One scope's configuration on one server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Foreign, Item, ItemKey, Kind, ScopeId, Value};

/// How much of a scope has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complete {
    /// All of it. Only such a scope may be planned.
    Whole,
    /// Some kinds are still to come.
    Pending(BTreeSet<Kind>),
    /// A part could not be read, for this reason.
    Failed(Foreign),
}

impl Complete {
    /// Why it is not whole; `None` where it is.
    pub fn lack(&self) -> Option<Foreign> {
        match self {
            Complete::Whole => None,
            Complete::Pending(_) => Some("it is still being read".into()),
            Complete::Failed(reason) => Some(reason.clone()),
        }
    }
}

/// Something outside the scope that it depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A client class, by name.
    Class(Foreign),
    /// A vendor class, by name.
    VendorClass(Foreign),
    /// A user class, by name.
    UserClass(Foreign),
    /// An option definition, by space and code.
    OptionDefinition(Foreign, u32),
    /// A shared network, by name.
    Network(Foreign),
}

/// One scope's configuration as one server has it, taken apart into items.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Its network address and prefix length.
    pub id: ScopeId,
    /// A name for people, where the server knows one.
    pub name: Option<Foreign>,
    /// The object as the server sent it, for writing it back without loss.
    pub native: Arc<serde_json::Value>,
    /// Its items.
    pub items: BTreeMap<ItemKey, Item>,
    /// What each property would be if the scope did not set it: from its shared
    /// network, the server's global values, or the server's defaults.
    pub parents: Arc<BTreeMap<ItemKey, Value>>,
    /// What it depends on outside itself.
    pub needs: BTreeSet<Need>,
    /// Items whose value the server does not reveal and would lose on a write.
    pub unreadable: BTreeSet<ItemKey>,
    /// How much has been read.
    pub complete: Complete,
}

impl Scope {
    /// The number by which Kea knows the scope, where there is one.
    pub fn server_id(&self) -> Option<u32> {
        let number = self.items.get(&ItemKey::property("id"))?.value()?.raw.as_u64()?;
        u32::try_from(number).ok()
    }

    /// The shared network that the scope is in.
    pub fn network(&self) -> Option<&Foreign> {
        match &self.items.get(&ItemKey::property("shared-network"))?.value()?.canonical {
            super::Canonical::Text(name) => Some(name),
            _ => None,
        }
    }
}
