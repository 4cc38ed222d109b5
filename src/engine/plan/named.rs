//! Items of a plan as the operator names them on a command line: `10.0.0.0:reservations/10.0.0.9`.

use std::fmt;
use std::str::FromStr;

use super::{LeftItem, LeftOut, Plan, PlannedRelationship, PlannedScope};
use crate::engine::select::ScopeSelector;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Change, Foreign, ItemKey, Owner, ScopeId, ScopeIdError, Section};

/// One item of a scope, or all of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedItem {
    /// The scope.
    pub scope: ScopeSelector,
    /// The item's section and name, as `scopesync.drift/1` has them, and ` of ` its owner where that is not the
    /// scope; `None` for the whole scope.
    pub item: Option<(Section, String)>,
}

/// Why a text names no item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamedItemError {
    /// It does not begin with a scope.
    #[error(transparent)]
    Scope(#[from] ScopeIdError),
    /// Behind the scope there is no section and name.
    #[error("behind the scope comes SECTION/NAME, and SECTION is one of {}", sections())]
    Section,
}

fn sections() -> String {
    Section::ALL.map(Section::word).join(", ")
}

impl FromStr for NamedItem {
    type Err = NamedItemError;

    fn from_str(text: &str) -> std::result::Result<Self, NamedItemError> {
        let Some((scope, item)) = text.split_once(':') else {
            return Ok(NamedItem { scope: text.parse()?, item: None });
        };
        let scope = scope.parse()?;
        let (word, name) = item.split_once('/').ok_or(NamedItemError::Section)?;
        let section = Section::ALL.into_iter().find(|section| section.word() == word).ok_or(NamedItemError::Section)?;
        Ok(NamedItem { scope, item: Some((section, name.to_owned())) })
    }
}

impl fmt::Display for NamedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.item {
            Some((section, name)) => write!(f, "{}:{}/{name}", self.scope, section.word()),
            None => write!(f, "{}", self.scope),
        }
    }
}

/// The name of an item within its section.
fn name(key: &ItemKey) -> String {
    match &key.owner {
        Owner::Scope => key.name.to_string(),
        owner => format!("{} of {owner}", key.name),
    }
}

impl NamedItem {
    /// This item of a scope.
    pub fn of(scope: ScopeId, key: &ItemKey) -> Self {
        NamedItem { scope: scope.into(), item: Some((key.section(), name(key))) }
    }

    /// All of a scope.
    pub fn whole(scope: ScopeId) -> Self {
        NamedItem { scope: scope.into(), item: None }
    }

    fn fits(&self, key: &ItemKey) -> bool {
        self.item.as_ref().is_none_or(|(section, wanted)| *section == key.section() && *wanted == name(key))
    }
}

fn all(scope: &PlannedScope) -> impl Iterator<Item = &Change> {
    scope.changes.iter().chain(&scope.left_out)
}

impl Plan {
    /// What is to be left out of it, by these names.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`]: a name that fits no change of the plan, or one that cannot be left out by itself.
    pub fn named(&self, wanted: &[NamedItem]) -> Result<LeftOut> {
        let mut left_out = LeftOut::new();
        for named in wanted {
            let found = self.find(named)?;
            if found.is_empty() {
                let what = format!("nothing of this plan is called {}", Foreign::cleaned(&named.to_string()));
                return Err(Error::new(ErrorKind::Selection, what).hint(self.nearest(named)));
            }
            left_out.extend(found);
        }
        Ok(left_out)
    }

    fn find(&self, named: &NamedItem) -> Result<LeftOut> {
        let mut found = LeftOut::new();
        for (planned, scope) in self.scopes_of(named) {
            for change in all(scope).filter(|change| named.fits(&change.key)) {
                let reason = named.item.as_ref().and_then(|_| planned.cannot_leave_out(scope, &change.key));
                if let Some(reason) = reason {
                    let what = format!("{} cannot be left out: {reason}", change.key);
                    return Err(Error::new(ErrorKind::Selection, what).scope(scope.id));
                }
                found.insert(LeftItem::new(planned, scope.id, &change.key));
            }
        }
        Ok(found)
    }

    fn scopes_of(&self, named: &NamedItem) -> impl Iterator<Item = (&PlannedRelationship, &PlannedScope)> {
        let all =
            self.relationships.iter().flat_map(|planned| planned.scopes.iter().map(move |scope| (planned, scope)));
        all.filter(move |(_, scope)| named.scope.matches(scope.id))
    }

    /// What there is in place of a name that fits nothing.
    fn nearest(&self, named: &NamedItem) -> String {
        let changes = || self.scopes_of(named).flat_map(|(_, scope)| all(scope));
        let names: Vec<String> =
            changes().map(|change| format!("{}/{}", change.section().word(), name(&change.key))).collect();
        let blocked = self.relationships.iter().find_map(|planned| planned.blocked.as_ref());
        match names.len() {
            0 if blocked.is_some() => blocked.map(|refusal| refusal.message.clone()).unwrap_or_default(),
            0 => format!("{} is not written by it: `scopesync drift --json` tells what differs", named.scope),
            1..=8 => format!("of {} there is: {}", named.scope, names.join(", ")),
            _ => format!("of {} there is: {}, ...", named.scope, names[..8].join(", ")),
        }
    }

    /// What is left out of it, as [`Plan::named`] takes it.
    pub fn left_out_by_name(&self) -> Vec<NamedItem> {
        let of_scope = |scope: &PlannedScope| -> Vec<NamedItem> {
            match scope.is_left_out() {
                true => vec![NamedItem::whole(scope.id)],
                false => scope.left_out.iter().map(|change| NamedItem::of(scope.id, &change.key)).collect(),
            }
        };
        self.relationships.iter().flat_map(|planned| planned.scopes.iter().flat_map(of_scope)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_read_as_it_is_shown() {
        for text in [
            "10.0.0.0",
            "10.0.0.0/24",
            "10.0.0.0:reservations/10.0.0.9",
            "10.0.0.0/24:options/dhcp4/3 of range 10.0.0.10-10.0.0.99",
            "10.0.0.0:reservations/hw-address 02:00:00:00:00:09",
        ] {
            assert_eq!(text.parse::<NamedItem>().unwrap().to_string(), text);
        }
        for (wrong, words) in [
            ("ten", "ten"),
            (":reservations/1", "\"\""),
            ("10.0.0.0:", "SECTION/NAME"),
            ("10.0.0.0:reservation/10.0.0.9", "ranges, exclusions, reservations"),
            ("10.0.0.0:reservations", "SECTION/NAME"),
        ] {
            let told = wrong.parse::<NamedItem>().unwrap_err().to_string();
            assert!(told.contains(words), "{wrong}: {told}");
        }
    }
}
