//! Reservations, whose clients may change places.
//!
//! A client has one reservation in a scope. Where clients go round in a circle, no order of changes
//! keeps to that: one of them is removed and added again, with all that belongs to it.

use std::net::Ipv4Addr;

use serde_json::json;

use super::call::Call;
use super::render::{self, RESERVATION, Told};
use super::steps::{Layout, Phase};
use crate::backend::windows::cim::Reservation;
use crate::engine::{Result, drift};
use crate::model::{Canonical, Change, ChangeKind, Item, ItemKey, KeyName, ReservationKey, Scope};

impl Layout<'_> {
    /// Lays out the calls for reservations: each client is given up where it was before it is taken
    /// elsewhere.
    pub(super) fn reservations(&mut self, changes: &[&Change]) -> Result<()> {
        let mut updates = Vec::new();
        let mut creations = Vec::new();
        for change in changes {
            let KeyName::Reservation(ReservationKey::Address(address)) = &change.key.name else {
                self.uncertain.add(change.key.clone());
                continue;
            };
            match change.change {
                ChangeKind::Delete => {
                    let keys = self.gone_with(&change.key);
                    self.place(Phase::RemoveReservation, keys, Call::RemoveReservation(*address));
                }
                ChangeKind::Update if client(self.before, &change.key) == client(self.want, &change.key) => {
                    self.set(*address, &change.key)?;
                }
                ChangeKind::Update => updates.push((*address, &change.key)),
                ChangeKind::Create => creations.push((*address, &change.key)),
            }
        }
        while !updates.is_empty() {
            let is_free = |(_, key): &(Ipv4Addr, &ItemKey)| {
                let wanted = client(self.want, key);
                !updates.iter().any(|(_, other)| other != key && client(self.before, other) == wanted)
            };
            if updates.iter().any(is_free) {
                let (free, held): (Vec<_>, Vec<_>) = updates.iter().copied().partition(is_free);
                for (address, key) in free {
                    self.set(address, key)?;
                }
                updates = held;
            } else if let Some(at) =
                (0..updates.len()).min_by_key(|at| drift::owned_by(self.want, updates[*at].1).len())
            {
                let (address, key) = updates.remove(at);
                let gone = self.gone_with(key);
                self.place(Phase::Reservation, gone, Call::RemoveReservation(address));
                self.anew.insert(key.clone(), Vec::new());
                creations.push((address, key));
            }
        }
        for (address, key) in creations {
            let Some(wanted) = self.want.items.get(key) else { continue };
            let told = Told::differing(RESERVATION, None, wanted);
            self.uncertain.add_fields(key.clone(), told.doubtful.clone());
            let call = Call::AddReservation(self.reservation(address, told)?);
            self.place(Phase::Reservation, [key.clone()], call);
            if self.anew.contains_key(key) {
                self.again(key, Phase::Reservation)?;
            }
        }
        Ok(())
    }

    fn set(&mut self, address: Ipv4Addr, key: &ItemKey) -> Result<()> {
        let nothing = Item::default();
        let wanted = self.want.items.get(key).unwrap_or(&nothing);
        let told = Told::differing(RESERVATION, self.before.items.get(key), wanted);
        self.uncertain.add_fields(key.clone(), told.doubtful.clone());
        if !told.words.is_empty() {
            let call = Call::SetReservation(self.reservation(address, told)?);
            self.place(Phase::Reservation, [key.clone()], call);
        }
        Ok(())
    }

    fn reservation(&self, address: Ipv4Addr, mut told: Told) -> Result<Reservation> {
        // a client that stays is not sent
        told.words.entry("ClientId").or_insert_with(|| json!(""));
        render::instance(told.words, json!({"IPAddress": address, "ScopeId": self.scope}))
    }
}

fn client<'a>(scope: &'a Scope, key: &ItemKey) -> Option<&'a Canonical> {
    scope.items.get(key)?.fields.get("client-id").map(|value| &value.canonical)
}
