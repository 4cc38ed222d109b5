//! A scope that is being read.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::cim;
use super::super::scope::{Surroundings, Told, WindowsScope};
use super::call::{Call, Given};
use crate::engine::port::Entry;
use crate::model::{Belonging, Complete, Foreign, Kind, ScopeId};

/// What a scope is put together from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Exclusions,
    /// Whether its DNS setting is its own hangs on the server's.
    ServerDns,
    Dns,
    Reservations,
    ReservationOptions,
    Options,
    Policies,
}

impl Part {
    const ALL: [Part; 7] = [
        Part::Exclusions,
        Part::ServerDns,
        Part::Dns,
        Part::Reservations,
        Part::ReservationOptions,
        Part::Options,
        Part::Policies,
    ];

    fn kind(self) -> Kind {
        match self {
            Part::Exclusions => Kind::Exclusion,
            Part::ServerDns | Part::Dns => Kind::DnsSetting,
            Part::Reservations => Kind::Reservation,
            Part::ReservationOptions | Part::Options => Kind::Option,
            Part::Policies => Kind::Policy,
        }
    }
}

/// A scope that is being read.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) id: ScopeId,
    pub(super) told: Told,
    missing: BTreeSet<Part>,
    failed: Option<Foreign>,
    /// What is asked of it next.
    todo: VecDeque<Call>,
    /// Reservations whose options are not in yet, asked for or not.
    reservations_left: usize,
    /// An entry made now would say something else than the one made last.
    pub(super) moved: bool,
}

impl Gathered {
    pub(super) fn new(id: ScopeId, scope: cim::Scope) -> Self {
        let address = scope.scope_id;
        let calls = [Call::Reservations(address), Call::Options(address), Call::Policies(address), Call::Dns(address)];
        Gathered {
            id,
            told: Told::new(scope),
            missing: Part::ALL.into(),
            failed: None,
            todo: calls.into(),
            reservations_left: 0,
            moved: true,
        }
    }

    /// The next call; options of reservations only in the last pass, and where somebody looks.
    pub(super) fn next(&mut self, with_last_pass: bool) -> Option<Call> {
        let is_last = |call: &Call| matches!(call, Call::ReservationOptions(..));
        self.todo.front().filter(|call| with_last_pass || !is_last(call))?;
        self.todo.pop_front()
    }

    pub(super) fn complete(&self) -> Complete {
        match (&self.failed, self.missing.is_empty()) {
            (Some(reason), _) => Complete::Failed(reason.clone()),
            (None, true) => Complete::Whole,
            (None, false) => Complete::Pending(self.missing.iter().map(|part| part.kind()).collect()),
        }
    }

    /// A part of it could not be read: nothing more is asked.
    pub(super) fn fail(&mut self, reason: &Foreign) {
        self.moved |= self.failed.is_none();
        self.failed.get_or_insert_with(|| reason.clone());
        self.todo.clear();
    }

    pub(super) fn has(&mut self, part: Part) {
        self.moved |= self.missing.remove(&part);
    }

    /// What a call for this scope alone gave. `true` where more is to be asked by now.
    pub(super) fn take(&mut self, call: &Call, given: Given) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let asked = self.todo.len();
        match (call, given) {
            (Call::Reservations(scope), Given::Reservations(told)) => {
                let options = |reservation: &cim::Reservation| Call::ReservationOptions(*scope, reservation.ip_address);
                self.reservations_left = told.len();
                self.todo.extend(told.iter().map(options));
                self.told.reservations = told;
                self.has(Part::Reservations);
                self.settle_reservations();
            }
            (Call::Options(_), Given::Options(told)) => {
                self.told.options = told;
                self.has(Part::Options);
            }
            (Call::Policies(scope), Given::Policies(told)) => {
                match told.is_empty() {
                    true => self.has(Part::Policies),
                    false => self.todo.push_front(Call::PolicyRanges(*scope)),
                }
                self.told.policies = told;
            }
            (Call::PolicyRanges(_), Given::PolicyRanges(told)) => {
                self.told.policy_ranges = told;
                self.has(Part::Policies);
            }
            (Call::Dns(_), Given::Dns(told)) => {
                self.told.dns_setting = Some(told);
                self.has(Part::Dns);
            }
            (Call::ReservationOptions(_, address), Given::Options(told)) => {
                self.told.reservation_options.insert(*address, told);
                self.reservations_left = self.reservations_left.saturating_sub(1);
                self.settle_reservations();
            }
            // a call gives what it is for
            _ => {}
        }
        self.todo.len() > asked
    }

    fn settle_reservations(&mut self) {
        if self.reservations_left == 0 {
            self.has(Part::ReservationOptions);
        }
    }

    /// As it is now, for a reading.
    pub(super) fn entry(&mut self, belongs: Belonging, around: &Arc<Surroundings>) -> Entry {
        self.moved = false;
        self.told.arrange();
        let (text, complete) = match serde_json::to_vec(&self.told) {
            Ok(text) => (text, self.complete()),
            Err(error) => (Vec::new(), Complete::Failed(error.to_string().into())),
        };
        Entry {
            id: self.id,
            server_id: None,
            name: cim::filled(&self.told.scope.name).cloned(),
            belongs,
            raw: Arc::new(WindowsScope { text, complete, around: around.clone() }),
        }
    }
}
