//! A change as a run's snapshot keeps it.

use serde::Deserialize;

use crate::model::{ChangeKind, Foreign, Section};

/// A change that a run made or was to make, as in `scopesync.plan/1`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PastChange {
    /// The section that shows it.
    pub section: Section,
    /// Which item.
    pub key: PastKey,
    /// What happened to it on the target.
    pub change: ChangeKind,
    /// A readable name where the key alone says little.
    pub label: Option<Foreign>,
    /// Where its client moved to or from.
    pub moved: Option<Foreign>,
    /// Its fields.
    #[serde(default)]
    pub fields: Vec<PastField>,
}

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PastKey {
    owner: Foreign,
    kind: Foreign,
    name: Foreign,
}

/// One field of an item: what was there, and what the run wrote.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PastField {
    /// Which field.
    pub field: Foreign,
    /// What the run wrote.
    #[serde(rename = "source")]
    pub wrote: Option<Foreign>,
    /// What was there.
    #[serde(rename = "target")]
    pub was: Option<Foreign>,
}

impl PastChange {
    /// What it is about: `reservation 10.0.0.10`, `option routers (dhcp4/3) of range …`.
    pub fn described(&self) -> String {
        let PastKey { owner, kind, name } = &self.key;
        let name = match &self.label {
            Some(label) => format!("{label} ({name})"),
            None => name.to_string(),
        };
        let owner = if owner.raw() == "scope" { String::new() } else { format!(" of {owner}") };
        let moved = match (&self.moved, self.change) {
            (None, _) => String::new(),
            (Some(other), ChangeKind::Delete) => format!(" (the client moved to {other})"),
            (Some(other), _) => format!(" (the client moved here from {other})"),
        };
        format!("{kind} {name}{owner}{moved}")
    }
}

impl PastField {
    /// What was there and what the run wrote, so that a difference can be seen.
    pub fn values(&self) -> (String, String) {
        let alone = |value: &Option<Foreign>| value.as_ref().map_or("(not set)".to_owned(), ToString::to_string);
        let (was, wrote) = match (&self.was, &self.wrote) {
            (Some(was), Some(wrote)) => Foreign::side_by_side(was, wrote),
            (was, wrote) => (alone(was), alone(wrote)),
        };
        let visible = |text: String| if text.is_empty() { "(empty)".to_owned() } else { text };
        (visible(was), visible(wrote))
    }
}
