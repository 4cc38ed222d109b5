//! Which scopes there are: in one answer, or in parts where they do not fit into one.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::super::super::cim::{self, Single};
use super::super::call::Call;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::Foreign;

/// Scopes asked for in one call where all are too many: about a sixth of what fits into an answer.
pub(super) const PART: usize = 100;

/// What was listed.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// As they were told.
    pub(super) scopes: Vec<Single<cim::Scope>>,
    /// The addresses of those, also of those that could not be understood.
    pub(super) named: BTreeSet<Ipv4Addr>,
    /// Addresses of which the server says that no such scope is there.
    pub(super) gone: BTreeSet<Ipv4Addr>,
    /// What keeps the list from being whole.
    pub(super) remark: Option<Foreign>,
}

#[derive(Debug)]
enum State {
    /// All in one answer, or what they are called; so many answers are waited for.
    Asking(usize),
    /// All were too many: these addresses are asked for once relationships are known, which
    /// may name more.
    Named(BTreeSet<Ipv4Addr>),
    Taken,
}

/// The list of scopes while it is made.
#[derive(Debug)]
pub(super) struct Listing {
    state: State,
    listed: Listed,
    calls: Vec<Call>,
    /// Members of relationships that are not in the list have been asked for by their addresses.
    has_asked_again: bool,
}

impl Default for Listing {
    fn default() -> Self {
        Listing { state: State::Asking(1), listed: Listed::default(), calls: Vec::new(), has_asked_again: false }
    }
}

impl Listing {
    /// Whether every answer is there, and has been taken.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Taken)
    }

    pub(super) fn given(&mut self, told: Vec<Single<cim::Scope>>) {
        let address = |single: &Single<cim::Scope>| match single {
            Ok(scope) => Some(scope.scope_id),
            Err(odd) => odd.scope,
        };
        self.listed.named.extend(told.iter().filter_map(address));
        self.listed.scopes.extend(told);
        self.answered(0);
    }

    /// A call for these failed: they are asked for in parts where that may help.
    pub(super) fn failed(&mut self, ids: Vec<Ipv4Addr>, error: Error) -> Result<()> {
        match (ids.as_slice(), error.kind) {
            ([], ErrorKind::TooLarge) => self.calls.push(Call::Statistics),
            ([only], ErrorKind::Empty) => {
                self.listed.gone.insert(*only);
                self.answered(0);
            }
            ([only], ErrorKind::TooLarge) => {
                self.remark(format!("scope {only}: {}", error.with_hint()));
                self.answered(0);
            }
            ([_, _, ..], ErrorKind::TooLarge | ErrorKind::Empty) => {
                let halves = halves(&ids);
                self.answered(halves.len());
                self.calls.extend(halves.map(Call::Scopes));
            }
            _ => return Err(error),
        }
        Ok(())
    }

    /// These are all scopes.
    pub(super) fn named(&mut self, scopes: impl Iterator<Item = Ipv4Addr>) {
        self.state = State::Named(scopes.collect());
    }

    /// Nobody tells all scopes: only those that relationships name can be asked for.
    pub(super) fn named_alone(&mut self, error: &Error) {
        self.remark(format!(
            "there are more scopes than fit into one answer, and only those in relationships were read: {}",
            error.with_hint()
        ));
        self.state = State::Named(BTreeSet::new());
    }

    /// What is to be asked now; `members` are the scopes that relationships name. Those of them
    /// that are not in the list are asked for by their addresses: the list may be wrong.
    pub(super) fn calls(&mut self, members: &BTreeSet<Ipv4Addr>) -> Vec<Call> {
        match &self.state {
            State::Named(named) => self.ask_for(named.union(members).copied().collect()),
            State::Asking(0) if !self.has_asked_again => {
                self.has_asked_again = true;
                let Listed { named, gone, .. } = &self.listed;
                self.ask_for(members.iter().filter(|id| !named.contains(id) && !gone.contains(id)).copied().collect());
            }
            _ => {}
        }
        std::mem::take(&mut self.calls)
    }

    fn ask_for(&mut self, ids: Vec<Ipv4Addr>) {
        self.state = State::Asking(ids.len().div_ceil(PART));
        self.calls.extend(ids.chunks(PART).map(|ids| Call::Scopes(ids.to_vec())));
    }

    /// The list, once it is there.
    pub(super) fn take(&mut self) -> Option<Listed> {
        matches!(self.state, State::Asking(0)).then(|| {
            self.state = State::Taken;
            std::mem::take(&mut self.listed)
        })
    }

    fn answered(&mut self, more: usize) {
        if let State::Asking(left) = &mut self.state {
            *left = *left + more - 1;
        }
    }

    fn remark(&mut self, remark: String) {
        self.listed.remark.get_or_insert(remark.into());
    }
}

/// Two halves of what was too much for one answer.
pub(super) fn halves(ids: &[Ipv4Addr]) -> [Vec<Ipv4Addr>; 2] {
    let (first, second) = ids.split_at(ids.len() / 2);
    [first.to_vec(), second.to_vec()]
}
