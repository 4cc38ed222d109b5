//! Failover relationships from the parameters of the high-availability hook.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::model::{Belonging, Canonical, Foreign, Membership, Mode, Peer, Role, Timing};

/// One relationship as this server's parameters have it.
#[derive(Clone, Debug)]
pub(super) struct Failover {
    /// Who is in it; states are unknown here.
    pub membership: Membership,
    /// The parameters on which both sides should agree, with defaults filled in.
    pub parameters: BTreeMap<String, Canonical>,
}

/// Reads the list `hooks-libraries`; of all libraries only high availability is looked at.
pub(super) fn read(libraries: &Json) -> Vec<Failover> {
    let parameters = libraries.as_array().into_iter().flatten().filter_map(|library| library.get("parameters"));
    parameters
        .filter_map(|parameters| parameters.get("high-availability")?.as_array())
        .flatten()
        .filter_map(Json::as_object)
        .filter_map(one)
        .collect()
}

/// The relationships of one server, for telling to which of them a scope belongs.
#[derive(Clone, Debug, Default)]
pub struct Homes(Vec<Home>);

#[derive(Clone, Debug)]
struct Home {
    /// What names it alike on all servers.
    key: Foreign,
    /// What this server calls itself in it.
    this_server: Foreign,
    /// Everybody in it: each of these names means this relationship.
    names: Vec<Foreign>,
}

impl Homes {
    /// Of the server that has these memberships.
    pub fn of<'a>(memberships: impl IntoIterator<Item = &'a Membership>) -> Homes {
        let home = |membership: &Membership| Home {
            key: membership.key(),
            this_server: membership.this_server.clone(),
            names: membership.peers.iter().map(|peer| peer.name.clone()).collect(),
        };
        Homes(memberships.into_iter().map(home).collect())
    }

    /// The relationship of a scope that names this, or nothing. A server with one relationship
    /// does not look at the name; one with several answers no client in a scope whose name is
    /// missing or unknown, and takes the name of any server of the relationship.
    pub fn belonging(&self, named: Option<&str>) -> Belonging {
        match (self.0.as_slice(), named) {
            ([only], _) => Belonging::To(only.key.clone()),
            ([], _) | (_, None) => Belonging::Nobody,
            (several, Some(name)) => {
                let home = several.iter().find(|home| home.names.iter().any(|known| known.raw() == name));
                home.map_or_else(|| Belonging::Unknown(name.into()), |home| Belonging::To(home.key.clone()))
            }
        }
    }

    /// The name by which a scope of this server says that it belongs to a relationship. Any
    /// server's name would do: its own is the one that its administrator expects.
    pub fn name_for(&self, key: &Foreign) -> Option<&Foreign> {
        self.0.iter().find(|home| home.key == *key).map(|home| &home.this_server)
    }
}

/// What tells this server from every other: its name and its own URL in each relationship.
pub(super) fn identity(failover: &[Failover]) -> Option<Foreign> {
    let mut names: Vec<String> = failover
        .iter()
        .map(|failover| {
            let this = &failover.membership.this_server;
            let url =
                failover.membership.peers.iter().find(|peer| peer.name == *this).map_or("", |peer| peer.url.raw());
            format!("{} at {url}", this.raw())
        })
        .collect();
    names.sort();
    (!names.is_empty()).then(|| names.join(", ").into())
}

fn one(parameters: &Map<String, Json>) -> Option<Failover> {
    let text = |key: &str| parameters.get(key).and_then(Json::as_str);
    let mut peers: Vec<Peer> = parameters.get("peers").and_then(Json::as_array)?.iter().filter_map(peer).collect();
    peers.sort_by(|a, b| (&a.role, &a.name).cmp(&(&b.role, &b.name)));
    let membership = Membership {
        name: None,
        mode: Mode::from_word(text("mode")?),
        this_server: text("this-server-name")?.into(),
        peers,
        state: None,
        partner_state: None,
        clock_skew: None,
        contact: None,
        timing: timing(parameters),
    };
    Some(Failover { membership, parameters: agreed(parameters) })
}

/// Kea counts in milliseconds. A running server tells its defaults; what it does not tell, it
/// does not know.
fn timing(parameters: &Map<String, Json>) -> Timing {
    let told = |key: &str| parameters.get(key).and_then(Json::as_u64);
    let defaults = Timing::default();
    Timing {
        heartbeat: told("heartbeat-delay").map_or(defaults.heartbeat, Duration::from_millis),
        response_limit: told("max-response-delay").map_or(defaults.response_limit, Duration::from_millis),
        sync_limit: told("sync-timeout").map_or(defaults.sync_limit, Duration::from_millis),
        rejected_limit: told("max-rejected-lease-updates"),
    }
}

fn peer(json: &Json) -> Option<Peer> {
    let text = |key: &str| json.get(key).and_then(Json::as_str);
    Some(Peer {
        name: text("name")?.into(),
        url: without_user(text("url").unwrap_or_default()).into(),
        aliases: Vec::new(),
        role: Role::from_word(text("role").unwrap_or_default()),
    })
}

/// A URL without a user and password that somebody may have put into it.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest.get(..end).and_then(|host| host.rfind('@')).map_or(0, |at| at + 1);
    format!("{scheme}://{}", rest.get(host..).unwrap_or_default())
}

/// Defaults of the hook. Source: Kea's high-availability configuration parser.
fn defaults(mode: Option<&str>) -> [(&'static str, Json); 12] {
    let delayed = if mode == Some("load-balancing") { 100 } else { 0 };
    [
        ("delayed-updates-limit", delayed.into()),
        ("heartbeat-delay", 10_000.into()),
        ("max-ack-delay", 10_000.into()),
        ("max-response-delay", 60_000.into()),
        ("max-unacked-clients", 10.into()),
        ("max-rejected-lease-updates", 10.into()),
        ("require-client-certs", true.into()),
        ("send-lease-updates", true.into()),
        ("sync-leases", true.into()),
        ("sync-timeout", 60_000.into()),
        ("sync-page-limit", 10_000.into()),
        ("wait-backup-ack", false.into()),
    ]
}

/// What both sides should have alike. Secrets, files and the numbers of threads are each
/// machine's own; `restrict-commands` is another one's default in another version.
fn agreed(parameters: &Map<String, Json>) -> BTreeMap<String, Canonical> {
    let filled_in = defaults(parameters.get("mode").and_then(Json::as_str)).into_iter();
    let mut agreed: BTreeMap<String, Canonical> =
        filled_in.map(|(name, value)| (name.to_owned(), Canonical::from_json(&value))).collect();
    for (name, value) in parameters {
        match name.as_str() {
            "this-server-name" | "restrict-commands" | "trust-anchor" | "cert-file" | "key-file"
            | "multi-threading" | "user-context" | "comment" => {}
            "peers" => {
                for peer in value.as_array().into_iter().flatten() {
                    if let Some((name, fields)) = agreed_peer(peer) {
                        agreed.insert(format!("peer {name}"), fields);
                    }
                }
            }
            "state-machine" => {
                agreed.extend(pauses(value));
            }
            _ => {
                agreed.insert(name.clone(), Canonical::from_json(value));
            }
        }
    }
    agreed
}

fn agreed_peer(peer: &Json) -> Option<(String, Canonical)> {
    let object = peer.as_object()?;
    let name = object.get("name")?.as_str()?;
    let mut fields: BTreeMap<Foreign, Canonical> = BTreeMap::from([("auto-failover".into(), Canonical::Bool(true))]);
    for (key, value) in object {
        let value = match (key.as_str(), value) {
            ("role" | "auto-failover", value) => Canonical::from_json(value),
            ("url", Json::String(url)) => Canonical::text(without_user(url)),
            _ => continue,
        };
        fields.insert(key.as_str().into(), value);
    }
    Some((name.to_owned(), Canonical::Map(fields)))
}

/// States in which a server waits for the operator; never is the default.
fn pauses(machine: &Json) -> Vec<(String, Canonical)> {
    let states = machine.get("states").and_then(Json::as_array).into_iter().flatten();
    states
        .filter_map(|state| {
            let (name, pause) = (state.get("state")?.as_str()?, state.get("pause")?.as_str()?);
            (pause != "never").then(|| (format!("pause in {name}"), Canonical::text(pause)))
        })
        .collect()
}
