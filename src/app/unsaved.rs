//! What earlier runs left amiss with the files of servers, as the history remembers it: nothing that is read from a
//! server tells of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::plan::{LOST, left_unsaved};
use crate::engine::port::{Journal, Unsaved};
use crate::engine::survey::Relationship;
use crate::model::{ScopeId, ServerName};

use super::action::Action;
use super::pick;
use super::state::AppState;

/// What is amiss with a server's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amiss {
    /// How.
    pub unsaved: Unsaved,
    /// The scopes that the server had lost, which is why it was not saved.
    pub lost: BTreeSet<ScopeId>,
}

/// The servers of which something is known to be amiss.
pub type LeftOver = BTreeMap<ServerName, Amiss>;

/// What the history knows of these servers.
pub fn of(servers: Vec<ServerName>, journal: &dyn Journal) -> LeftOver {
    let amiss = |server: ServerName| {
        let unsaved = journal.unsaved(&server)?;
        let lost = journal.lost(&server);
        Some((server, Amiss { unsaved, lost }))
    };
    servers.into_iter().filter_map(amiss).collect()
}

impl Amiss {
    /// It in a word, for the title.
    pub fn word(&self) -> &'static str {
        match self.unsaved {
            Unsaved::Running => "NOT SAVED",
            Unsaved::Broken => "FILE IS BROKEN",
        }
    }
}

/// What is amiss with the file of a server, and what to do.
pub fn words(state: &AppState, server: &ServerName) -> Option<String> {
    let Amiss { unsaved, lost } = state.left_over.get(server)?;
    let key = state.key(Action::Preview);
    Some(match (unsaved, left_unsaved(lost)) {
        (Unsaved::Broken, _) => {
            format!("its FILE IS BROKEN, do not restart it: {key} on the relationship has it written anew")
        }
        (Unsaved::Running, Some(lost)) => format!("NOT SAVED: {lost}; {LOST}"),
        (Unsaved::Running, None) => format!(
            "NOT SAVED: what an earlier run changed is running, and a restart loses it: {key} on the relationship \
             saves it"
        ),
    })
}

/// The target of a relationship, where it is not saved.
pub fn target<'a>(state: &'a AppState, relationship: &'a Relationship) -> Option<&'a ServerName> {
    pick::directed(state, relationship)[1].server().filter(|server| state.left_over.contains_key(*server))
}
