//! What stands above a subnet: global values, networks, option definitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::super::subnet::words::{Ddns, in_new_words};
use super::super::subnet::{self, canonical};
use super::How;
use super::options::Definitions;
use super::relationship::Homes;
use crate::engine::port::Levels;
use crate::model::{Belonging, Canonical, Foreign, ItemKey, Level, Origin, Scope, Value};

/// What the levels above give, by property.
pub type Parents = BTreeMap<ItemKey, Value>;

/// Which words a server uses for class restrictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Words {
    /// `client-class` and `require-client-classes`, until Kea 2.7.
    #[default]
    Old,
    /// `client-classes` and `evaluate-additional-classes`, since Kea 2.7.5.
    New,
}

/// What is needed to open the scopes of one server.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Where the configuration was read from.
    pub how: How,
    /// Which words it uses for class restrictions.
    pub words: Words,
    /// Which words it uses for what was renamed earlier.
    pub(in super::super) ddns: Ddns,
    /// The options that it defines.
    pub options: Definitions,
    globals: Arc<Parents>,
    networks: BTreeMap<Foreign, Arc<Parents>>,
    homes: Homes,
    /// What networks name as the relationship of their scopes.
    named: BTreeMap<Foreign, String>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Surroundings::new(How::Live, Words::Old, Definitions::default(), &Map::new(), &BTreeMap::new())
    }
}

impl Surroundings {
    /// Takes the values of the `Dhcp4` object (without its lists) and of its networks.
    pub fn new(
        how: How,
        words: Words,
        options: Definitions,
        global: &Map<String, Json>,
        networks: &BTreeMap<Foreign, Map<String, Json>>,
    ) -> Self {
        let ddns = Ddns::of(std::iter::once(global).chain(networks.values()));
        let globals = Arc::new(from_global(&in_new_words(global)));
        let named = networks
            .iter()
            .filter_map(|(name, values)| Some((name.clone(), canonical::relationship_name(values)?.to_owned())));
        let named = named.collect();
        let networks = networks
            .iter()
            .map(|(name, values)| (name.clone(), Arc::new(from_network(how, name, &in_new_words(values), &globals))));
        Surroundings {
            how,
            words,
            ddns,
            options,
            networks: networks.collect(),
            globals,
            homes: Homes::default(),
            named,
        }
    }

    /// The same on a server with these relationships.
    pub fn with_homes(self, homes: Homes) -> Self {
        Surroundings { homes, ..self }
    }

    /// The relationship of a scope in this network, or in none, that names this, or nothing.
    pub fn belonging(&self, named: Option<&str>, network: Option<&Foreign>) -> Belonging {
        let of_network = || Some(self.named.get(network?)?.as_str());
        self.homes.belonging(named.or_else(of_network))
    }

    /// What a scope must name to belong to a relationship; `None` where this server has no such.
    pub fn name_for(&self, relationship: &Foreign) -> Option<&Foreign> {
        self.homes.name_for(relationship)
    }

    /// What a scope in this network, or in none, inherits.
    pub fn parents(&self, network: Option<&Foreign>) -> &Arc<Parents> {
        network.and_then(|name| self.networks.get(name)).unwrap_or(&self.globals)
    }

    /// Whether there is a network of this name.
    pub fn has_network(&self, name: &Foreign) -> bool {
        self.networks.contains_key(name)
    }
}

impl Levels for Surroundings {
    fn parents(&self, network: Option<&Foreign>) -> Arc<Parents> {
        Arc::clone(Surroundings::parents(self, network))
    }

    fn revive(&self, network: Option<&Foreign>, native: &Json) -> Result<Scope, Foreign> {
        subnet::open(native, network, self)
    }
}

/// What Kea takes when neither the subnet nor a level above says anything.
///
/// Source: the tables of defaults and of inherited parameters in Kea's parser (2.2 to 3.0).
pub(super) const DEFAULTS: &[(&str, Standard)] = &[
    ("valid-lifetime", Standard::Integer(7200)),
    ("match-client-id", Standard::Bool(true)),
    ("authoritative", Standard::Bool(false)),
    ("next-server", Standard::Text("0.0.0.0")),
    ("server-hostname", Standard::Text("")),
    ("boot-file-name", Standard::Text("")),
    ("reservations-global", Standard::Bool(false)),
    ("reservations-in-subnet", Standard::Bool(true)),
    ("reservations-out-of-pool", Standard::Bool(false)),
    ("calculate-tee-times", Standard::Bool(false)),
    ("t1-percent", Standard::Decimal("0.5")),
    ("t2-percent", Standard::Decimal("0.875")),
    ("ddns-send-updates", Standard::Bool(true)),
    ("ddns-override-no-update", Standard::Bool(false)),
    ("ddns-override-client-update", Standard::Bool(false)),
    ("ddns-replace-client-name", Standard::Text("never")),
    ("ddns-generated-prefix", Standard::Text("myhost")),
    ("ddns-qualifying-suffix", Standard::Text("")),
    ("ddns-update-on-renew", Standard::Bool(false)),
    ("ddns-conflict-resolution-mode", Standard::Text("check-with-dhcid")),
    ("hostname-char-set", Standard::Text("[^A-Za-z0-9.-]")),
    ("hostname-char-replacement", Standard::Text("")),
    ("store-extended-info", Standard::Bool(false)),
    ("cache-threshold", Standard::Decimal("0.25")),
    ("allocator", Standard::Text("iterative")),
    ("renew-timer", Standard::Nothing),
    ("rebind-timer", Standard::Nothing),
    ("cache-max-age", Standard::Nothing),
    ("offer-lifetime", Standard::Nothing),
    ("ddns-ttl-percent", Standard::Nothing),
    ("ddns-ttl", Standard::Nothing),
    ("ddns-ttl-min", Standard::Nothing),
    ("ddns-ttl-max", Standard::Nothing),
    ("adaptive-lease-time-threshold", Standard::Nothing),
];

/// A default value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Standard {
    Bool(bool),
    Integer(i64),
    /// In its decimal form.
    Decimal(&'static str),
    Text(&'static str),
    /// Without one, nothing is inherited.
    Nothing,
}

impl Standard {
    /// The default as Kea would write it.
    pub(super) fn json(self) -> Option<Json> {
        match self {
            Standard::Bool(value) => Some(value.into()),
            Standard::Integer(value) => Some(value.into()),
            Standard::Decimal(text) => text.parse::<f64>().ok().map(Json::from),
            Standard::Text(text) => Some(text.into()),
            Standard::Nothing => None,
        }
    }
}

/// The keys that a running server copies into its subnets when it reads its configuration.
///
/// A single subnet that is sent to it gets the *global* values of these where it says none,
/// whatever its network says.
pub fn is_derived(name: &str) -> bool {
    matches!(
        name,
        "rebind-timer"
            | "relay"
            | "renew-timer"
            | "valid-lifetime"
            | "min-valid-lifetime"
            | "max-valid-lifetime"
            | "calculate-tee-times"
            | "t1-percent"
            | "t2-percent"
            | "store-extended-info"
            | "cache-threshold"
            | "cache-max-age"
            | "allocator"
            | "offer-lifetime"
            | "adaptive-lease-time-threshold"
    )
}

/// The bounds of the lifetime: where nobody gives them, they are the lifetime itself.
pub const BOUNDS: [&str; 2] = ["min-valid-lifetime", "max-valid-lifetime"];

/// Names the comparison's form of a value that a level gives.
fn value(name: &str, raw: &Json, level: Level) -> Value {
    let canonical = canonical::property(name, raw).unwrap_or(Canonical::Null);
    Value { canonical, raw: raw.clone(), origin: Origin::Inherited(level) }
}

fn from_global(global: &Map<String, Json>) -> Parents {
    let mut parents = Parents::new();
    for (name, default) in DEFAULTS {
        let said = global.get(*name).map(|raw| value(name, raw, Level::Global));
        let given = said.or_else(|| default.json().map(|raw| value(name, &raw, Level::Default)));
        parents.extend(given.map(|given| (ItemKey::property(*name), given)));
    }
    for name in BOUNDS {
        let said = global.get(name).map(|raw| value(name, raw, Level::Global));
        parents.extend(said.map(|said| (ItemKey::property(name), said)));
    }
    let nobody = serde_json::json!({"ip-addresses": []});
    parents.insert(ItemKey::property("relay"), value("relay", &nobody, Level::Default));
    parents
}

fn from_network(how: How, name: &Foreign, network: &Map<String, Json>, globals: &Parents) -> Parents {
    let mut parents = globals.clone();
    for key in DEFAULTS.iter().map(|(key, _)| *key).chain(["relay"]) {
        if let Some(raw) = network.get(key) {
            let given = value(key, raw, Level::Network(name.clone()));
            let above = parents.entry(ItemKey::property(key)).or_insert_with(|| given.clone());
            if above.canonical != given.canonical {
                *above = given;
            }
        }
    }
    for bound in BOUNDS {
        let Some(raw) = network.get(bound) else { continue };
        let given = value(bound, raw, Level::Network(name.clone()));
        let key = ItemKey::property(bound);
        // A running server fills the bounds in: those that equal the lifetime are none,
        // unless a global one would show instead.
        let filled_in = how == How::Live && network.get("valid-lifetime") == Some(raw);
        match parents.get(&key).map(|above| above.canonical == given.canonical) {
            Some(true) => {}
            None if filled_in => {}
            _ => {
                parents.insert(key, given);
            }
        }
    }
    parents
}
