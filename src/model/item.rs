//! The keyed objects that a scope is made of.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Fields, Foreign};

/// The parts of a scope as screens and JSON group them, in the order they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// Lifetimes, name, membership and every other plain value.
    Properties,
    /// Address ranges that are handed out.
    Ranges,
    /// Addresses held back from a range (Windows only).
    Exclusions,
    /// Addresses bound to a client.
    Reservations,
    /// Options of the scope, its ranges and its reservations.
    Options,
    /// Client classes and policies that restrict the scope or a range.
    Policies,
}

impl Section {
    /// Every section, in the order they are shown.
    pub const ALL: [Section; 6] = [
        Section::Properties,
        Section::Ranges,
        Section::Exclusions,
        Section::Reservations,
        Section::Options,
        Section::Policies,
    ];

    /// The word for screens and rules.
    pub const fn word(self) -> &'static str {
        match self {
            Section::Properties => "properties",
            Section::Ranges => "ranges",
            Section::Exclusions => "exclusions",
            Section::Reservations => "reservations",
            Section::Options => "options",
            Section::Policies => "policies",
        }
    }
}

/// What identifies a client in a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentifierKind {
    /// Hardware (MAC) address.
    HwAddress,
    /// Client identifier option.
    ClientId,
    /// DHCP unique identifier.
    Duid,
    /// Relay agent circuit id.
    CircuitId,
    /// Identifier made by an expression.
    FlexId,
}

impl IdentifierKind {
    /// Every kind, in the order in which a reservation is named by them.
    pub const ALL: [IdentifierKind; 5] = [
        IdentifierKind::HwAddress,
        IdentifierKind::ClientId,
        IdentifierKind::Duid,
        IdentifierKind::CircuitId,
        IdentifierKind::FlexId,
    ];

    /// The word for it, which is also Kea's name of the parameter.
    pub fn word(self) -> &'static str {
        match self {
            IdentifierKind::HwAddress => "hw-address",
            IdentifierKind::ClientId => "client-id",
            IdentifierKind::Duid => "duid",
            IdentifierKind::CircuitId => "circuit-id",
            IdentifierKind::FlexId => "flex-id",
        }
    }
}

/// What tells one reservation of a scope from another: its address, else its client.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReservationKey {
    /// The reserved address.
    Address(Ipv4Addr),
    /// One of several clients that share an address.
    Shared(Ipv4Addr, IdentifierKind, Foreign),
    /// A client without a reserved address.
    Client(IdentifierKind, Foreign),
}

impl fmt::Display for ReservationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReservationKey::Address(address) => f.pad(&address.to_string()),
            ReservationKey::Shared(address, kind, id) => f.pad(&format!("{address} {} {id}", kind.word())),
            ReservationKey::Client(kind, id) => f.pad(&format!("{} {id}", kind.word())),
        }
    }
}

/// What an item belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The scope itself.
    Scope,
    /// A range, by its first and last address.
    Range(Ipv4Addr, Ipv4Addr),
    /// A reservation.
    Reservation(ReservationKey),
    /// A policy, by name.
    Policy(Foreign),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Scope => f.pad("scope"),
            Owner::Range(first, last) => f.pad(&format!("range {first}-{last}")),
            Owner::Reservation(key) => f.pad(&format!("reservation {key}")),
            Owner::Policy(name) => f.pad(&format!("policy {name}")),
        }
    }
}

/// What sort of object an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One plain value of the scope; every property is an item of its own.
    Property,
    /// An address range.
    Range,
    /// An excluded range.
    Exclusion,
    /// A reservation.
    Reservation,
    /// An option value.
    Option,
    /// A class restriction or a policy.
    Policy,
    /// A dynamic DNS setting (Windows only).
    DnsSetting,
}

impl Kind {
    /// The word for screens and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Property => "property",
            Kind::Range => "range",
            Kind::Exclusion => "exclusion",
            Kind::Reservation => "reservation",
            Kind::Option => "option",
            Kind::Policy => "policy",
            Kind::DnsSetting => "dns-setting",
        }
    }
}

/// What tells one option from another within its owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OptionKey {
    /// Option space or vendor class.
    pub space: Foreign,
    /// Option code.
    pub code: u32,
    /// User class, or the class tags that the option is limited to.
    pub tags: Vec<Foreign>,
    /// 0 for the first of several with the same key.
    pub nth: u16,
}

impl fmt::Display for OptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}/{}", self.space, self.code);
        for tag in &self.tags {
            text.push_str(&format!(" @{tag}"));
        }
        if self.nth > 0 {
            text.push_str(&format!(" #{}", self.nth + 1));
        }
        f.pad(&text)
    }
}

/// The name of an item within its owner and kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyName {
    /// A property, a class restriction, a policy: by name.
    Name(Foreign),
    /// A range, by its first and last address.
    Range(Ipv4Addr, Ipv4Addr),
    /// A reservation.
    Reservation(ReservationKey),
    /// An option.
    Option(OptionKey),
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyName::Name(name) => name.fmt(f),
            KeyName::Range(first, last) => f.pad(&format!("{first}-{last}")),
            KeyName::Reservation(key) => key.fmt(f),
            KeyName::Option(key) => key.fmt(f),
        }
    }
}

/// The key of one item of a scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// What it belongs to.
    pub owner: Owner,
    /// What sort of object it is.
    pub kind: Kind,
    /// Its name there.
    pub name: KeyName,
}

impl ItemKey {
    /// The key of a property of the scope itself.
    pub fn property(name: impl Into<Foreign>) -> Self {
        ItemKey { owner: Owner::Scope, kind: Kind::Property, name: KeyName::Name(name.into()) }
    }

    /// The key of the property that says which relationship the scope belongs to.
    pub fn relationship() -> Self {
        ItemKey::property("relationship")
    }

    /// The key of a reservation of the scope.
    pub fn reservation(key: ReservationKey) -> Self {
        ItemKey { owner: Owner::Scope, kind: Kind::Reservation, name: KeyName::Reservation(key) }
    }

    /// The key of a range of the scope.
    pub fn range(first: Ipv4Addr, last: Ipv4Addr) -> Self {
        ItemKey { owner: Owner::Scope, kind: Kind::Range, name: KeyName::Range(first, last) }
    }

    /// The section that shows this item.
    pub fn section(&self) -> Section {
        match self.kind {
            Kind::Property | Kind::DnsSetting => Section::Properties,
            Kind::Range => Section::Ranges,
            Kind::Exclusion => Section::Exclusions,
            Kind::Reservation => Section::Reservations,
            Kind::Option => Section::Options,
            Kind::Policy => Section::Policies,
        }
    }

    /// The reservation that this item is or belongs to.
    pub fn in_reservation(&self) -> Option<&ReservationKey> {
        match (&self.owner, &self.name) {
            (Owner::Reservation(key), _) | (Owner::Scope, KeyName::Reservation(key)) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner: Option<&dyn fmt::Display> = match &self.owner {
            Owner::Scope => None,
            owner => Some(owner),
        };
        f.pad(&ItemKey::words(owner, self.kind.word(), &self.name))
    }
}

impl ItemKey {
    /// How a key is displayed, from its parts; no owner where that is the scope itself.
    pub fn words(owner: Option<&dyn fmt::Display>, kind: &str, name: &dyn fmt::Display) -> String {
        match owner {
            None => format!("{kind} {name}"),
            Some(owner) => format!("{kind} {name} of {owner}"),
        }
    }
}

/// Keys appear as `{"owner":"scope","kind":"reservation","name":"10.0.0.10"}`.
impl Serialize for ItemKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut key = serializer.serialize_struct("key", 3)?;
        key.serialize_field("owner", &self.owner.to_string())?;
        key.serialize_field("kind", self.kind.word())?;
        key.serialize_field("name", &self.name.to_string())?;
        key.end()
    }
}

/// A value in the one form in which both sides are compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Canonical {
    /// Nothing, said explicitly.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number, in its shortest decimal form.
    Decimal(String),
    /// Text.
    Text(Foreign),
    /// A list whose order means something, or a set that was sorted on reading.
    List(Vec<Canonical>),
    /// Named values.
    Map(BTreeMap<Foreign, Canonical>),
}

impl Canonical {
    /// Text as a value.
    pub fn text(text: impl Into<Foreign>) -> Self {
        Canonical::Text(text.into())
    }

    /// One line for JSON and for comparing in rules: text as it is, anything else as JSON. Raw.
    pub fn to_line(&self) -> String {
        match self {
            Canonical::Text(text) => text.raw().to_owned(),
            other => other.to_json().to_string(),
        }
    }

    /// The value as JSON. Raw.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Canonical::Null => Json::Null,
            Canonical::Bool(value) => Json::Bool(*value),
            Canonical::Integer(value) => Json::from(*value),
            Canonical::Decimal(text) => text.parse::<f64>().map_or_else(|_| Json::String(text.clone()), Json::from),
            Canonical::Text(text) => Json::String(text.raw().to_owned()),
            Canonical::List(list) => Json::Array(list.iter().map(Canonical::to_json).collect()),
            Canonical::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.raw().to_owned(), v.to_json())).collect()),
        }
    }

    /// The plain form of any JSON value: nothing sorted, nothing left out.
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Canonical::Null,
            Json::Bool(value) => Canonical::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Canonical::Integer(whole),
                // 3600.0 and 3600 are one number
                None => match number.as_f64() {
                    Some(x) if x.fract() == 0.0 && x.abs() < 9e15 => Canonical::Integer(x as i64),
                    _ => Canonical::Decimal(number.to_string()),
                },
            },
            Json::String(text) => Canonical::text(text.as_str()),
            Json::Array(list) => Canonical::List(list.iter().map(Canonical::from_json).collect()),
            Json::Object(map) => {
                Canonical::Map(map.iter().map(|(k, v)| (Foreign::from(k.as_str()), Canonical::from_json(v))).collect())
            }
        }
    }
}

/// As [`Canonical::to_json`], without building it.
impl Serialize for Canonical {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Canonical::Text(text) => serializer.serialize_str(text.raw()),
            Canonical::List(list) => serializer.collect_seq(list),
            Canonical::Map(map) => serializer.collect_map(map.iter().map(|(name, value)| (name.raw(), value))),
            other => other.to_json().serialize(serializer),
        }
    }
}

/// For the screen: cleaned, lists without brackets.
impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Canonical::Null => f.pad("null"),
            Canonical::Text(text) => text.fmt(f),
            Canonical::List(list) => {
                let parts: Vec<String> = list.iter().map(ToString::to_string).collect();
                f.pad(&parts.join(", "))
            }
            Canonical::Map(map) => {
                let parts: Vec<String> = map.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                f.pad(&parts.join(", "))
            }
            other => Foreign::from(other.to_line()).fmt(f),
        }
    }
}

/// The level above a scope from which it inherits a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// The shared network, by name.
    Network(Foreign),
    /// The server's global values.
    Global,
    /// What the server takes when nobody says anything.
    Default,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Set on the object itself.
    Own,
    /// Equal to what the level above gives.
    Inherited(Level),
}

/// One value: compared by its canonical form, written in its raw form.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// The form that is compared.
    pub canonical: Canonical,
    /// The form that is written, in the words of the server it came from.
    pub raw: serde_json::Value,
    /// Where it comes from.
    pub origin: Origin,
}

impl Value {
    /// A value set on the object itself, compared as it stands.
    pub fn own(raw: serde_json::Value) -> Self {
        Value { canonical: Canonical::from_json(&raw), raw, origin: Origin::Own }
    }

    /// Whether the level above gives it.
    pub fn is_inherited(&self) -> bool {
        matches!(self.origin, Origin::Inherited(_))
    }
}

/// The name of a field of an item; a property's only field is `value`.
pub type Field = Foreign;

/// Made once: every property of every scope has it.
static VALUE: LazyLock<Field> = LazyLock::new(|| "value".into());

/// One keyed object of a scope.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Item {
    /// Its fields. Fields at their default are left out, so that a default said
    /// and a default unsaid compare equal.
    pub fields: Fields,
    /// Place among its kind, where order means something.
    pub rank: Option<u32>,
    /// A readable name where the key alone says little: `routers` for option 3.
    pub label: Option<Foreign>,
}

impl Item {
    /// An item with the one field `value`.
    pub fn single(value: Value) -> Self {
        Item { fields: Fields::from([(VALUE.clone(), value)]), rank: None, label: None }
    }

    /// The one field `value` of a property.
    pub fn value(&self) -> Option<&Value> {
        self.fields.get("value")
    }

    /// Whether the level above gives all of it.
    pub fn is_inherited(&self) -> bool {
        !self.fields.is_empty() && self.fields.values().all(Value::is_inherited)
    }
}
