//! One Kea subnet becomes a scope, and a scope becomes a Kea subnet.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::config::{How, Surroundings};
use super::packed::Packed;
use crate::engine::port::RawScope;
use crate::model::{Foreign, Need, ReservationKey, Scope};

pub(super) mod canonical;
pub(super) mod option;
mod render;
pub(super) mod reservation;
pub(super) mod take_apart;
#[cfg(test)]
mod tests;
pub(super) mod words;

/// A subnet as the server sent it.
#[derive(Debug)]
pub struct KeaScope {
    /// The text of the subnet object: a part of the whole configuration.
    pub text: Packed,
    /// The shared network that it stands in.
    pub network: Option<Foreign>,
    /// What stands above it.
    pub surroundings: Arc<Surroundings>,
}

impl RawScope for KeaScope {
    fn text(&self) -> Cow<'_, [u8]> {
        self.text.text().into()
    }

    fn placement(&self) -> Option<&Foreign> {
        self.network.as_ref()
    }

    fn may_need(&self, need: &Need) -> bool {
        let text = self.text.text();
        let quoted = |name: &Foreign| {
            let escaped = serde_json::to_string(name.raw()).unwrap_or_default();
            memchr::memmem::find(&text, escaped.as_bytes()).is_some()
        };
        match need {
            Need::Network(name) => self.network.as_ref() == Some(name),
            Need::Class(name) => quoted(name),
            Need::VendorClass(_) | Need::UserClass(_) => false,
            // a file may give only the name of an option
            Need::OptionDefinition(space, code) => {
                let named = self.surroundings.options.get(space, *code).is_some_and(|known| quoted(&known.name));
                named || memchr::memmem::find(&text, code.to_string().as_bytes()).is_some()
            }
        }
    }

    fn may_hide(&self) -> bool {
        can_hide(&self.surroundings) && may_say_43(&self.text.text())
    }

    fn open(&self) -> Result<Scope, Foreign> {
        read(&self.text.text(), self.network.as_ref(), &self.surroundings)
    }
}

/// Whether a subnet of this text holds a value that its server does not reveal.
///
/// # Errors
/// Says what could not be understood.
pub fn hides(text: &[u8], network: Option<&Foreign>, around: &Surroundings) -> Result<bool, Foreign> {
    // most have nothing of the kind, which is seen without taking them apart
    Ok(can_hide(around) && may_say_43(text) && !read(text, network, around)?.unreadable.is_empty())
}

fn read(text: &[u8], network: Option<&Foreign>, around: &Surroundings) -> Result<Scope, Foreign> {
    let native: Value = serde_json::from_slice(text).map_err(|error| Foreign::from(error.to_string()))?;
    take_apart::scope(native, network, around)
}

fn can_hide(around: &Surroundings) -> bool {
    around.how == How::Live && !around.options.keeps_option_43()
}

fn may_say_43(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"\"code\":").any(|at| is_43(text.get(at + 7..).unwrap_or_default()))
}

/// Whether the number that stands here is 43.
fn is_43(text: &[u8]) -> bool {
    let digits = text.trim_ascii_start().strip_prefix(b"43");
    digits.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_digit))
}

/// Takes a subnet apart into a scope.
///
/// # Errors
/// Says what could not be understood.
pub fn open(json: &Value, network: Option<&Foreign>, around: &Surroundings) -> Result<Scope, Foreign> {
    take_apart::scope(json.clone(), network, around)
}

/// Takes apart a subnet that was read without its reservations (`subnet4-get`) together
/// with what `reservation-get-all` gave.
///
/// # Errors
/// Says what could not be understood.
pub fn reopen(
    subnet: &Value,
    reservations: &[Value],
    network: Option<&Foreign>,
    around: &Surroundings,
) -> Result<Scope, Foreign> {
    let mut native = subnet.clone();
    if let Value::Object(object) = &mut native {
        let hosts = reservations.iter().cloned().map(|mut host| {
            if let Value::Object(host) = &mut host {
                host.shift_remove("subnet-id");
            }
            host
        });
        object.shift_remove("shared-network-name");
        object.insert("reservations".into(), hosts.collect());
    }
    take_apart::scope(native, network, around)
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
    /// Where among the keys of the subnet its reservations stood.
    place: Option<usize>,
}

impl Rendered {
    /// The subnet with its reservations in it, as configuration files have it.
    pub fn whole(self) -> Value {
        let mut whole = self.subnet;
        if let Value::Object(object) = &mut whole
            && (self.place.is_some() || !self.reservations.is_empty())
        {
            let place = self.place.unwrap_or(object.len()).min(object.len());
            let hosts = self.reservations.into_iter().map(|(_, host)| host).collect();
            object.shift_insert(place, "reservations".into(), hosts);
        }
        whole
    }
}

/// Puts a scope into the words of the server that `around` is read from: its native form,
/// changed only where its items say otherwise. Keys that nobody knows stay.
pub fn render(scope: &Scope, style: Style, around: &Surroundings) -> Rendered {
    render::scope(scope, style, around)
}

/// The same without its reservations, which are most of it, for where they stay as they are.
pub fn render_own(scope: &Scope, style: Style, around: &Surroundings) -> Value {
    render::own(scope, style, around)
}
