//! Items in the words of the CIM classes: what a call tells the server.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Canonical, Field, Foreign, Item, Value};

/// What fields are called in a class.
pub(super) type Names = [(&'static str, &'static str)];

pub(super) const PROPERTIES: &Names = &[
    ("name", "Name"),
    ("description", "Description"),
    ("state", "State"),
    ("type", "Type"),
    ("lease-duration", "LeaseDuration"),
    ("superscope-name", "SuperscopeName"),
    ("max-bootp-clients", "MaxBootpClients"),
    ("activate-policies", "ActivatePolicies"),
    ("delay", "Delay"),
    ("nap-enable", "NapEnable"),
    ("nap-profile", "NapProfile"),
];
pub(super) const DNS: &Names = &[
    ("dynamic-updates", "DynamicUpdates"),
    ("delete-dns-rr-on-lease-expiry", "DeleteDnsRROnLeaseExpiry"),
    ("update-dns-rr-for-older-clients", "UpdateDnsRRForOlderClients"),
    ("name-protection", "NameProtection"),
    ("disable-dns-ptr-rr-update", "DisableDnsPtrRRUpdate"),
    ("dns-suffix", "DnsSuffix"),
];
pub(super) const RESERVATION: &Names =
    &[("client-id", "ClientId"), ("name", "Name"), ("description", "Description"), ("type", "Type")];
pub(super) const POLICY: &Names = &[
    ("description", "Description"),
    ("enabled", "Enabled"),
    ("condition", "Condition"),
    ("vendor-class", "VendorClass"),
    ("user-class", "UserClass"),
    ("mac-address", "MacAddress"),
    ("client-id", "ClientId"),
    ("relay-agent", "RelayAgent"),
    ("circuit-id", "CircuitId"),
    ("remote-id", "RemoteId"),
    ("subscriber-id", "SubscriberId"),
    ("fqdn", "Fqdn"),
    ("lease-duration", "LeaseDuration"),
];

/// Of an option.
pub(super) const VALUE: &Names = &[("value", "Value")];

/// Free text: it is taken away by an empty one.
const TEXTS: [&str; 5] = ["name", "description", "superscope-name", "nap-profile", "dns-suffix"];

/// The name of a field in a class.
pub(super) fn wire(names: &Names, field: &Field) -> Option<&'static str> {
    names.iter().find(|(name, _)| *name == field.raw()).map(|(_, wire)| *wire)
}

/// The parameters of a call.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) words: Map<String, Json>,
    /// Fields whose text is to be empty, or that are to be unsaid: whether an empty text means that, and
    /// how else it could be said, is not documented.
    pub(super) doubtful: BTreeSet<Field>,
    /// Fields that nobody can take away by a call.
    pub(super) dropped: Vec<Field>,
}

impl Told {
    /// What differs between two items of one class, or all of one that is new.
    pub(super) fn differing(names: &Names, was: Option<&Item>, wanted: &Item) -> Self {
        let mut told = Told::default();
        let before = |field: &Field| was.and_then(|was| was.fields.get(field));
        for (field, value) in &wanted.fields {
            if before(field).is_none_or(|before| before.canonical != value.canonical) {
                told.say(names, field, Some(value));
            }
        }
        for field in was.iter().flat_map(|was| was.fields.keys()) {
            if !wanted.fields.contains_key(field) {
                told.say(names, field, None);
            }
        }
        told
    }

    /// Says what a field shall be; nothing for `None`.
    pub(super) fn say(&mut self, names: &Names, field: &Field, value: Option<&Value>) {
        match (wire(names, field), value) {
            // nobody knows whether and how a property that is not documented can be told
            (None, _) => drop(self.doubtful.insert(field.clone())),
            (Some(wire), Some(value)) => {
                self.words.insert(wire.to_owned(), word(wire, value));
                self.doubtful.extend((value.raw.as_str() == Some("")).then(|| field.clone()));
            }
            (Some(wire), None) if TEXTS.contains(&field.raw()) => {
                self.words.insert(wire.to_owned(), json!(""));
                self.doubtful.insert(field.clone());
            }
            (Some(_), None) => {
                self.dropped.push(field.clone());
                self.doubtful.insert(field.clone());
            }
        }
    }
}

/// As the source tells it, but for a word that servers tell in another form than methods are
/// documented to take.
fn word(wire: &str, value: &Value) -> Json {
    match wire {
        "State" if value.canonical == Canonical::text("Inactive") => json!("InActive"),
        _ => value.raw.clone(),
    }
}

/// An instance of a class with these properties.
///
/// # Errors
/// When a value does not fit its property, which is named.
pub(super) fn instance<T: DeserializeOwned>(mut words: Map<String, Json>, more: Json) -> Result<T> {
    if let Json::Object(more) = more {
        words.extend(more);
    }
    serde_json::from_value(Json::Object(words.clone())).map_err(|_| {
        // its own words quote the value
        let fits = |name: &String, instead: Json| {
            let mut others = words.clone();
            others.insert(name.clone(), instead);
            serde_json::from_value::<T>(Json::Object(others)).is_ok()
        };
        let property = words.keys().find(|name| fits(name, Json::Null) || fits(name, json!([])));
        let named =
            property.map_or_else(|| "of a property".to_owned(), |name| format!("of {}", Foreign::from(name.as_str())));
        Error::new(ErrorKind::Garbled, format!("the value to write {named} is not what the property takes"))
            .hint("look at it on the source; what is left out or ignored is not written")
    })
}

const DNS_ENABLED: u32 = 0x01;
const DNS_OLDER_CLIENTS: u32 = 0x02;
const DNS_DELETE: u32 = 0x04;
const DNS_ALWAYS: u32 = 0x10;
const DNS_NAME_PROTECTION: u32 = 0x20;
const DNS_NO_POINTERS: u32 = 0x40;
const DNS_ALL: u32 = DNS_ENABLED | DNS_OLDER_CLIENTS | DNS_DELETE | DNS_ALWAYS | DNS_NAME_PROTECTION | DNS_NO_POINTERS;

/// A DNS setting out of option 81, in whose bits servers keep it; `None` where other bits are set.
/// `knows_pointers`: the server is one of those that know `DisableDnsPtrRRUpdate`.
pub(super) fn dns_of_bits(item: &Item, knows_pointers: bool) -> Option<Map<String, Json>> {
    let Canonical::List(values) = &item.value()?.canonical else { return None };
    let [value] = values.as_slice() else { return None };
    let text = value.to_line();
    let bits = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => text.parse().ok()?,
    };
    let has = |flag: u32| bits & flag != 0;
    let updates = match (has(DNS_ENABLED), has(DNS_ALWAYS)) {
        (false, _) => "Never",
        (true, false) => "OnClientRequest",
        (true, true) => "Always",
    };
    let Json::Object(mut words) = json!({
        "DynamicUpdates": updates,
        "DeleteDnsRROnLeaseExpiry": has(DNS_DELETE),
        "UpdateDnsRRForOlderClients": has(DNS_OLDER_CLIENTS),
        "NameProtection": has(DNS_NAME_PROTECTION),
    }) else {
        return None;
    };
    if knows_pointers || has(DNS_NO_POINTERS) {
        words.insert("DisableDnsPtrRRUpdate".to_owned(), json!(has(DNS_NO_POINTERS)));
    }
    (bits & !DNS_ALL == 0).then_some(words)
}
