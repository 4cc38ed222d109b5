//! One scope of a Windows server: what its server told becomes a scope of the model.

mod canonical;
mod options;
mod policies;
#[cfg(test)]
mod tests;
mod told;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::{Value as Json, json};

pub(super) use self::canonical::hardware;
pub(super) use self::options::value as option_value;
pub(super) use self::options::{DHCP4, is_own_dns, space};
pub(super) use self::policies::fields as policy_fields;
pub use self::told::Told;
pub(super) use self::told::id;
use super::cim;
use super::wsman::Interval;
use crate::engine::port::{Levels, RawScope};
use crate::model::{
    Canonical, Complete, Field, Foreign, Item, ItemKey, KeyName, Kind, Level, Need, Origin, Owner, ReservationKey,
    Scope, Value,
};

/// A scope as its server told it.
#[derive(Debug)]
pub struct WindowsScope {
    /// What was told so far, as JSON: [`Told`] in its order.
    pub text: Vec<u8>,
    /// How much of it that is.
    pub complete: Complete,
    /// What stands above it.
    pub around: Arc<Surroundings>,
}

impl RawScope for WindowsScope {
    fn text(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.text)
    }

    /// A superscope is a property of its scopes.
    fn placement(&self) -> Option<&Foreign> {
        None
    }

    fn complete(&self) -> Complete {
        self.complete.clone()
    }

    fn may_need(&self, need: &Need) -> bool {
        let said = |text: String| memchr::memmem::find(&self.text, text.as_bytes()).is_some();
        match need {
            Need::OptionDefinition(_, code) => said(format!("\"OptionId\":{code},")),
            // in a condition an asterisk may stand behind it
            Need::VendorClass(name) | Need::UserClass(name) => {
                said(serde_json::to_string(name.raw()).unwrap_or_default().trim_end_matches('"').to_owned())
            }
            Need::Class(_) | Need::Network(_) => false,
        }
    }

    fn may_hide(&self) -> bool {
        false
    }

    fn open(&self) -> Result<Scope, Foreign> {
        let native = serde_json::from_slice(&self.text).map_err(|error| Foreign::from(error.to_string()))?;
        let scope = take_apart(native, &self.around)?;
        Ok(Scope { complete: self.complete.clone(), ..scope })
    }
}

/// What stands above the scopes of a server: only its DNS settings are inherited as if they were
/// a scope's own.
#[derive(Debug, Default)]
pub struct Surroundings {
    parents: Arc<BTreeMap<ItemKey, Value>>,
}

impl Surroundings {
    /// Around the scopes of a server with this DNS setting.
    pub fn new(dns: &cim::DnsSetting) -> Self {
        let inherited = |(name, value): (Field, Value)| {
            (dns_key(name), Value { origin: Origin::Inherited(Level::Global), ..value })
        };
        Surroundings { parents: Arc::new(dns_values(dns).into_iter().map(inherited).collect()) }
    }
}

impl Levels for Surroundings {
    fn parents(&self, _network: Option<&Foreign>) -> Arc<BTreeMap<ItemKey, Value>> {
        self.parents.clone()
    }

    fn revive(&self, _network: Option<&Foreign>, native: &Json) -> Result<Scope, Foreign> {
        take_apart(native.clone(), self)
    }
}

/// Takes apart what a server told of a scope.
///
/// # Errors
/// Says what could not be understood.
pub fn take_apart(native: Json, around: &Surroundings) -> Result<Scope, Foreign> {
    let told = Told::deserialize(&native).map_err(|error| Foreign::from(error.to_string()))?;
    let mut scope = Scope {
        id: told.id()?,
        name: cim::filled(&told.scope.name).cloned(),
        native: Arc::new(native),
        items: BTreeMap::new(),
        parents: around.parents.clone(),
        needs: BTreeSet::new(),
        unreadable: BTreeSet::new(),
        complete: Complete::Whole,
    };
    properties(&told.scope, &mut scope);
    dns(&told, &mut scope);
    for range in &told.exclusions {
        let name = KeyName::Range(range.start_range, range.end_range);
        scope.items.insert(ItemKey { owner: Owner::Scope, kind: Kind::Exclusion, name }, bare(&range.extra));
    }
    for reservation in &told.reservations {
        let key = ReservationKey::Address(reservation.ip_address);
        if scope.items.insert(ItemKey::reservation(key), self::reservation(reservation)).is_some() {
            return Err(format!("it has two reservations of {}", reservation.ip_address).into());
        }
    }
    policies::insert(&told, &mut scope);
    options::insert(&told, &mut scope);
    Ok(scope)
}

/// Defaults are filled in, so that a server that does not tell one is not taken to differ.
fn properties(told: &cim::Scope, scope: &mut Scope) {
    let range = ItemKey::range(told.start_range, told.end_range);
    scope.items.insert(range, Item::default());
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            scope.items.insert(ItemKey::property(name), Item::single(value));
        }
    };
    set("name", text(&told.name));
    set("description", text(&told.description));
    set("state", word(&told.state));
    set("type", word(&told.kind));
    set("lease-duration", told.lease_duration.map(interval));
    set("superscope-name", text(&told.superscope_name));
    set("max-bootp-clients", Some(max_bootp_clients(told.max_bootp_clients)));
    set("activate-policies", Some(Value::own(told.activate_policies.unwrap_or(true).into())));
    set("delay", Some(Value::own(told.delay.unwrap_or(0).into())));
    set("nap-enable", Some(Value::own(told.nap_enable.unwrap_or(false).into())));
    set("nap-profile", text(&told.nap_profile));
    for (name, value) in others(&told.extra) {
        set(name.raw(), Some(value));
    }
}

fn max_bootp_clients(told: Option<u32>) -> Value {
    let raw = json!(told.unwrap_or(u32::MAX));
    match told {
        None | Some(u32::MAX) => Value { canonical: Canonical::text("no limit"), raw, origin: Origin::Own },
        Some(_) => Value::own(raw),
    }
}

/// AddressState is how it stands, not configuration.
fn reservation(told: &cim::Reservation) -> Item {
    let client =
        Value { canonical: Canonical::text(canonical::octets(told.client_id.raw())), ..raw_text(&told.client_id) };
    let fields = [
        ("client-id", Some(client)),
        ("name", text(&told.name)),
        ("description", text(&told.description)),
        ("type", word(&told.kind)),
    ];
    Item { fields: named(fields).chain(others(&told.extra)).collect(), ..Item::default() }
}

/// A scope without a setting of its own shows the server's. Where option 81, in which settings
/// are kept, is listed or any value differs, it has one of its own.
fn dns(told: &Told, scope: &mut Scope) {
    let Some(setting) = &told.dns_setting else { return };
    let values = dns_values(setting);
    let is_own = told.options.iter().any(is_own_dns)
        || values.iter().any(|(name, value)| {
            scope.parents.get(&dns_key(name.clone())).is_none_or(|parent| parent.canonical != value.canonical)
        });
    for (name, value) in values {
        let origin = if is_own { Origin::Own } else { Origin::Inherited(Level::Global) };
        scope.items.insert(dns_key(name), Item::single(Value { origin, ..value }));
    }
}

fn dns_key(name: Field) -> ItemKey {
    ItemKey { owner: Owner::Scope, kind: Kind::DnsSetting, name: KeyName::Name(name) }
}

/// A DNS setting's values. Those of Windows are always there: older servers do not tell the last two.
pub(super) fn dns_values(told: &cim::DnsSetting) -> Vec<(Field, Value)> {
    let flag = |told: Option<bool>, default: bool| Value::own(told.unwrap_or(default).into());
    let nothing = || Value::own("".into());
    let known = [
        ("dynamic-updates", word(&told.dynamic_updates).unwrap_or_else(nothing)),
        ("delete-dns-rr-on-lease-expiry", flag(told.delete_dns_rr_on_lease_expiry, true)),
        ("update-dns-rr-for-older-clients", flag(told.update_dns_rr_for_older_clients, false)),
        ("name-protection", flag(told.name_protection, false)),
        ("disable-dns-ptr-rr-update", flag(told.disable_dns_ptr_rr_update, false)),
        ("dns-suffix", text(&told.dns_suffix).unwrap_or_else(nothing)),
    ];
    known.into_iter().map(|(name, value)| (name.into(), value)).chain(others(&told.extra)).collect()
}

/// Text that says something: empty, null and missing are one.
fn text(told: &Option<Foreign>) -> Option<Value> {
    cim::filled(told).map(raw_text)
}

fn raw_text(told: &Foreign) -> Value {
    Value::own(told.raw().into())
}

/// Words of Windows, as its documents write them: servers write some in other cases.
const WORDS: [&str; 10] =
    ["Active", "Inactive", "Dhcp", "Bootp", "Both", "And", "Or", "Always", "Never", "OnClientRequest"];

/// One of a few words, which compare without case.
fn word(told: &Option<Foreign>) -> Option<Value> {
    let told = cim::filled(told)?;
    let bare = told.raw().trim();
    let known = WORDS.into_iter().find(|known| known.eq_ignore_ascii_case(bare));
    let canonical = known.map_or_else(|| bare.to_ascii_lowercase(), str::to_owned);
    Some(Value { canonical: Canonical::text(canonical), ..raw_text(told) })
}

/// As Windows' own tools show it: `8.00:00:00`.
fn interval(told: Interval) -> Value {
    Value { canonical: Canonical::text(told.to_string()), raw: told.duration().into(), origin: Origin::Own }
}

/// Properties that nobody knows, where they say something.
fn others(extra: &serde_json::Map<String, Json>) -> impl Iterator<Item = (Field, Value)> {
    let says = |value: &Json| !(value.is_null() || value.as_str() == Some(""));
    extra
        .iter()
        .filter(move |(_, value)| says(value))
        .map(|(name, value)| (name.as_str().into(), Value::own(value.clone())))
}

fn named<const N: usize>(fields: [(&'static str, Option<Value>); N]) -> impl Iterator<Item = (Field, Value)> {
    fields.into_iter().filter_map(|(name, value)| Some((name.into(), value?)))
}

/// An item that is all in its key.
fn bare(extra: &serde_json::Map<String, Json>) -> Item {
    Item { fields: others(extra).collect(), ..Item::default() }
}
