//! One Kea subnet becomes a scope, and a scope becomes a Kea subnet.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::config::Surroundings;
use crate::engine::port::RawScope;
use crate::model::{Foreign, Need, ReservationKey, Scope};

/// A subnet as the server sent it.
#[derive(Debug)]
pub struct KeaScope {
    /// The text of the subnet object: a slice of the whole answer.
    pub text: Bytes,
    /// The shared network that it stands in.
    pub network: Option<Foreign>,
    /// What stands above it.
    pub surroundings: Arc<Surroundings>,
}

impl RawScope for KeaScope {
    fn text(&self) -> &[u8] {
        &self.text
    }

    fn placement(&self) -> Option<&Foreign> {
        self.network.as_ref()
    }

    fn may_need(&self, _need: &Need) -> bool {
        true
    }

    fn may_hide(&self) -> bool {
        true
    }

    fn open(&self) -> Result<Scope, Foreign> {
        Err("not yet".into())
    }
}

/// Takes a subnet apart into a scope.
///
/// # Errors
/// Says what could not be understood.
pub fn open(_json: &Value, _network: Option<&Foreign>, _around: &Surroundings) -> Result<Scope, Foreign> {
    Err("not yet".into())
}

/// Takes apart a subnet that was read without its reservations (`subnet4-get`) together
/// with what `reservation-get-all` gave.
///
/// # Errors
/// Says what could not be understood.
pub fn reopen(
    _subnet: &Value,
    _reservations: &[Value],
    _network: Option<&Foreign>,
    _around: &Surroundings,
) -> Result<Scope, Foreign> {
    Err("not yet".into())
}

/// What a scope is rendered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it was read: values that the level above gives stay where they are said.
    Keep,
    /// For writing to the server that it was read from: inherited values are left out, so
    /// that the write does not pin them.
    Write,
    /// For creating it on another server: local devices are left out as well.
    Create,
}

/// A scope in Kea's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The subnet without its reservations.
    pub subnet: Value,
    /// Its reservations, in order.
    pub reservations: Vec<(ReservationKey, Value)>,
    /// The shared network that it belongs to.
    pub network: Option<Foreign>,
}

impl Rendered {
    /// The subnet with its reservations in it, as configuration files have it.
    pub fn whole(self) -> Value {
        self.subnet
    }
}

/// Puts a scope into the words of the server that `around` is read from.
pub fn render(scope: &Scope, _style: Style, _around: &Surroundings) -> Rendered {
    Rendered { subnet: (*scope.native).clone(), reservations: Vec::new(), network: scope.network().cloned() }
}
