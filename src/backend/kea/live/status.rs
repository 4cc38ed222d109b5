//! The states of both sides of each relationship, from `status-get`.

use std::collections::BTreeSet;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{Known, LiveServer};
use crate::engine::port::{Ailment, Control, Health};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Contact, Foreign, Membership, State};

impl LiveServer {
    /// The relationships that the last reading told of, with their states as they are now.
    pub(super) async fn health_of(&self, known: &Known, ctl: &Control) -> Result<Health> {
        let mut health = Health { memberships: known.memberships.clone(), ..Health::default() };
        if known.commands.has("status-get") {
            let status: Status = self.channel().ask("status-get", None, ctl).await?.given().map_err(|e| self.on(e))?;
            merge(&mut health.memberships, &status);
            health.ailment = status.ailment().filter(|_| !known.survives_a_refusal());
        }
        if known.commands.has("ha-heartbeat") && !known.memberships.is_empty() {
            health.clock = self.clock(known, ctl).await?;
        }
        Ok(health)
    }

    /// Another server may answer at the same place since the plan was made.
    pub(super) async fn is_the_same(&self, ctl: &Control) -> Result<()> {
        let known = self.known(ctl).await?;
        if !known.commands.has("status-get") {
            return Ok(());
        }
        let status: Status = self.channel().ask("status-get", None, ctl).await?.given()?;
        let names: BTreeSet<_> = known.memberships.iter().map(|membership| &membership.this_server).collect();
        match status.own_names().iter().find(|name| !names.contains(name)) {
            None => Ok(()),
            Some(other) => {
                let names: Vec<String> = names.iter().map(ToString::to_string).collect();
                let what = format!("the server says that it is {other}; it was {} when it was read", names.join(", "));
                Err(Error::new(ErrorKind::Moved, what).hint("make a new preview"))
            }
        }
    }

    /// How many relationships the server has right now; `None` when it does not tell.
    pub(super) async fn failover_count(&self, ctl: &Control) -> Result<Option<usize>> {
        let known = self.known(ctl).await?;
        if !known.commands.has("status-get") {
            return Ok(None);
        }
        let status: Status = self.channel().ask("status-get", None, ctl).await?.given()?;
        Ok(Some(status.relationships.len()))
    }

    /// The server's clock less ours. All versions tell the time to a partner's heartbeat, and
    /// answering one changes nothing.
    async fn clock(&self, known: &Known, ctl: &Control) -> Result<Option<SignedDuration>> {
        #[derive(Deserialize)]
        struct Given {
            #[serde(rename = "date-time")]
            date_time: Option<String>,
        }
        // a server with several relationships wants to know which one is meant
        let name = known.memberships.first().filter(|_| known.memberships.len() > 1);
        let arguments = name.map(|membership| serde_json::json!({ "server-name": membership.this_server }));
        let asked = Timestamp::now();
        let answer = self.channel().ask("ha-heartbeat", arguments.as_ref(), ctl).await?;
        let middle = asked + Timestamp::now().duration_since(asked) / 2;
        let told = answer.given::<Given>().ok().and_then(|given| given.date_time);
        Ok(told.and_then(|text| rfc2822::parse(&text).ok()).map(|told| told.timestamp().duration_since(middle)))
    }
}

/// What `status-get` gives, as far as it is of use here. Fields came with versions:
/// names in 2.6, clocks in 3.0.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Status {
    pid: Option<u32>,
    #[serde(rename = "multi-threading-enabled", default)]
    has_threads: bool,
    #[serde(rename = "thread-pool-size")]
    threads: Option<u32>,
    #[serde(rename = "high-availability", default)]
    relationships: Vec<Relationship>,
}

#[derive(Debug, Deserialize)]
struct Relationship {
    #[serde(rename = "ha-servers", default)]
    servers: Servers,
}

#[derive(Debug, Default, Deserialize)]
struct Servers {
    #[serde(default)]
    local: Local,
    #[serde(default)]
    remote: Remote,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Local {
    state: Option<Foreign>,
    server_name: Option<Foreign>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Remote {
    last_state: Option<Foreign>,
    server_name: Option<Foreign>,
    clock_skew: Option<f64>,
    in_touch: Option<bool>,
    communication_interrupted: Option<bool>,
    age: Option<u64>,
    unacked_clients: Option<u64>,
}

impl Remote {
    /// A server that was never in touch tells zeros, which mean nothing.
    fn contact(&self) -> Option<Contact> {
        let in_touch = self.in_touch?;
        Some(Contact {
            in_touch,
            interrupted: self.communication_interrupted,
            age: self.age.filter(|_| in_touch),
            unacked_clients: self.unacked_clients,
        })
    }
}

/// Puts the states into the relationships that the configuration tells of.
pub(super) fn merge(memberships: &mut [Membership], status: &Status) {
    for (at, membership) in memberships.iter_mut().enumerate() {
        let named = status.relationships.iter().find(|told| told.servers.is_of(membership));
        // before 2.6 nobody is named: both lists are in the configuration's order
        let told = named.or_else(|| status.relationships.get(at).filter(|told| told.servers.is_nameless()));
        let Some(Relationship { servers }) = told else { continue };
        let state = |word: &Option<Foreign>| word.clone().filter(|word| !word.raw().is_empty()).map(State);
        membership.state = state(&servers.local.state);
        membership.partner_state = state(&servers.remote.last_state);
        membership.clock_skew = servers.remote.clock_skew.map(|seconds| seconds.round() as i64);
        membership.contact = servers.remote.contact();
    }
}

impl Servers {
    fn is_nameless(&self) -> bool {
        self.local.server_name.is_none()
    }

    fn is_of(&self, membership: &Membership) -> bool {
        let partner = |name: &Foreign| membership.peers.iter().any(|peer| peer.name == *name);
        self.local.server_name.as_ref() == Some(&membership.this_server)
            && self.remote.server_name.as_ref().is_none_or(partner)
    }
}

impl Status {
    /// Kea before 2.4 stops its threads to load a configuration, and leaves them stopped when it
    /// refuses that: no client is answered, and its failover goes no further in whatever state it
    /// was. Source: measured with 2.2.0; one without threads does not show it.
    fn ailment(&self) -> Option<Ailment> {
        (self.has_threads && self.threads == Some(0)).then(|| Ailment {
            what: "answers no client, whatever its state says: it has refused a config-set, which Kea before 2.4 does \
                   not get over"
                .to_owned(),
            cure: "make it load its file again (config-reload); what runs and was not saved is lost".to_owned(),
        })
    }

    /// The number of the server's process, as the server itself knows it.
    pub(super) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// The server's own names in its relationships, where it gives them.
    pub(super) fn own_names(&self) -> Vec<Foreign> {
        self.relationships.iter().filter_map(|told| told.servers.local.server_name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Mode, Peer, Role};

    fn membership(this: &str, partner: &str) -> Membership {
        let peer = |name: &str, role| Peer { name: name.into(), url: "".into(), aliases: Vec::new(), role };
        Membership {
            name: None,
            mode: Mode::HotStandby,
            this_server: this.into(),
            peers: vec![peer(this, Role::Primary), peer(partner, Role::Standby)],
            state: None,
            partner_state: None,
            clock_skew: None,
            contact: None,
            timing: Default::default(),
        }
    }

    fn states(memberships: &[Membership]) -> Vec<(Option<&str>, Option<&str>, Option<i64>)> {
        let word = |state: &'_ Option<State>| -> Option<&'static str> {
            state.as_ref().map(|state| -> &'static str { state.0.raw().to_owned().leak() })
        };
        memberships.iter().map(|m| (word(&m.state), word(&m.partner_state), m.clock_skew)).collect()
    }

    fn status(text: &str) -> Status {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn states_go_to_the_relationship_that_they_name() {
        let mut hub = [membership("hub-a", "spoke-a"), membership("hub-b", "spoke-b")];
        let told = status(
            r#"{"pid": 1, "high-availability": [
                {"ha-mode": "hot-standby", "ha-servers": {
                    "local": {"role": "primary", "state": "hot-standby", "server-name": "hub-b", "scopes": []},
                    "remote": {"server-name": "spoke-b", "last-state": "ready", "clock-skew": null, "age": 1}}},
                {"ha-mode": "hot-standby", "ha-servers": {
                    "local": {"state": "partner-down", "server-name": "hub-a"},
                    "remote": {"server-name": "spoke-a", "last-state": "", "clock-skew": -3}}}]}"#,
        );
        merge(&mut hub, &told);
        assert_eq!(states(&hub), [(Some("partner-down"), None, Some(-3)), (Some("hot-standby"), Some("ready"), None)]);
    }

    #[test]
    fn nameless_states_go_by_order() {
        let mut pair = [membership("a", "b")];
        merge(
            &mut pair,
            &status(
                r#"{"high-availability": [{"ha-servers": {
                    "local": {"state": "hot-standby"}, "remote": {"last-state": "hot-standby"}}}]}"#,
            ),
        );
        assert_eq!(states(&pair), [(Some("hot-standby"), Some("hot-standby"), None)]);
    }

    #[test]
    fn threads_that_stand_still_are_an_ailment() {
        let threads = |enabled: bool, size: &str| {
            status(&format!(r#"{{"multi-threading-enabled": {enabled}{size}}}"#)).ailment().is_some()
        };
        assert!(threads(true, r#", "thread-pool-size": 0"#));
        assert!(!threads(true, r#", "thread-pool-size": 2"#) && !threads(true, "") && !threads(false, ""));
    }

    #[test]
    fn a_server_that_tells_of_others_is_not_believed() {
        let mut pair = [membership("a", "b")];
        merge(
            &mut pair,
            &status(r#"{"high-availability": [{"ha-servers": {"local": {"state": "x", "server-name": "c"}}}]}"#),
        );
        merge(&mut pair, &status(r#"{"pid": 1}"#));
        assert_eq!(states(&pair), [(None, None, None)]);
    }
}
