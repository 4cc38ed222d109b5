//! Sends the requests of one scope's work, in order, each once, and tells what came of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::intent::{Both, Host, Hosts, Intent, id_key, network_key};
use crate::backend::kea::command::{Channel, Code};
use crate::engine::port::Done;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{ItemKey, ScopeId};

/// The writing of one scope.
pub(super) struct Session<'a> {
    channel: &'a Channel,
    scope: ScopeId,
    hard: &'a CancellationToken,
    done: BTreeSet<ItemKey>,
    /// Something on the server is not as it was.
    touched: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(channel: &'a Channel, scope: ScopeId, hard: &'a CancellationToken) -> Self {
        Session { channel, scope, hard, done: BTreeSet::new(), touched: false }
    }

    /// Writes; the outcome says exactly which changes were made.
    pub(super) async fn write(mut self, intent: &Intent) -> Done {
        let result = match (intent.old_id, intent.new_id) {
            (None, None) => Ok(()),
            (None, Some(id)) => self.create(intent, id).await,
            (Some(old), None) => self.remove(intent, old).await,
            (Some(old), Some(new)) if old != new => self.renumber(intent, old, new).await,
            (Some(id), Some(_)) => self.change(intent, id).await,
        };
        match result {
            Ok(()) => Done::Applied,
            Err(error) if error.in_doubt => Done::Unknown(error),
            Err(cause) if self.touched => Done::Partial { done: self.done, cause },
            Err(error) if error.kind == ErrorKind::Cancelled => Done::Cancelled,
            Err(error) => Done::Rejected(error),
        }
    }

    async fn change(&mut self, intent: &Intent, id: u32) -> Result<()> {
        if intent.updates {
            self.may_stop()?;
            self.send("subnet4-update", json!({ "subnet4": [intent.subnet_as(id)] }), &intent.subnet_keys).await?;
        }
        if intent.old_network != intent.new_network {
            self.may_stop()?;
            self.change_network(intent, id).await?;
        }
        self.hosts(&intent.hosts, id).await
    }

    async fn create(&mut self, intent: &Intent, id: u32) -> Result<()> {
        self.may_stop()?;
        self.send("subnet4-add", json!({ "subnet4": [intent.subnet_as(id)] }), &intent.subnet_keys).await?;
        self.join(intent, id).await?;
        for host in &intent.all_wanted {
            self.may_stop()?;
            self.add(host, id).await?;
        }
        Ok(())
    }

    /// One request: its reservations and its place in a shared network go with it.
    async fn remove(&mut self, intent: &Intent, id: u32) -> Result<()> {
        self.may_stop()?;
        let hosts = intent.hosts.deletions.iter().chain(&intent.hosts.departures);
        let keys = intent.subnet_keys.iter().chain(hosts.flat_map(|host| &host.keys)).cloned().collect();
        self.send("subnet4-del", json!({ "id": id }), &keys).await
    }

    /// Kea cannot change a subnet's number: it is taken out and put in again. Its new form is
    /// tried under the old number first, so that taking it out is not the first thing that can
    /// fail; and once it is out, nothing stops the rest.
    async fn renumber(&mut self, intent: &Intent, old: u32, id: u32) -> Result<()> {
        self.may_stop()?;
        let keys: BTreeSet<ItemKey> = intent.subnet_keys.iter().filter(|key| **key != id_key()).cloned().collect();
        self.send("subnet4-update", json!({ "subnet4": [intent.subnet_as(old)] }), &keys).await?;
        self.may_stop()?;
        let taken = self.send("subnet4-del", json!({ "id": old }), &BTreeSet::new()).await;
        taken.map_err(|error| if error.in_doubt { may_lack(error) } else { error })?;
        let added = self.send("subnet4-add", json!({ "subnet4": [intent.subnet_as(id)] }), &intent.subnet_keys).await;
        if let Err(refused) = added {
            return Err(self.take_back(intent, old, refused).await);
        }
        // its reservations went with it: each that can come back does
        let mut first = self.join(intent, id).await.err();
        for host in &intent.all_wanted {
            if first.as_ref().is_some_and(|error| error.in_doubt) {
                break;
            }
            if let Err(error) = self.add(host, id).await {
                first.get_or_insert(error);
            }
        }
        match first {
            Some(error) => Err(error),
            None => {
                let gone = intent.hosts.deletions.iter().chain(&intent.hosts.departures);
                self.done.extend(gone.flat_map(|host| host.keys.iter().cloned()));
                Ok(())
            }
        }
    }

    /// Puts a scope back under its old number after the new one was refused.
    async fn take_back(&mut self, intent: &Intent, old: u32, refused: Error) -> Error {
        if refused.in_doubt {
            return may_lack(refused);
        }
        let again = json!({ "subnet4": [intent.subnet_as(old)] });
        if let Err(error) = self.send("subnet4-add", again, &BTreeSet::new()).await {
            let what = format!("{}; putting it back under id {old} failed too: {}", refused.what, error.what);
            let error = Error { what, in_doubt: error.in_doubt, ..refused };
            return if error.in_doubt { may_lack(error) } else { lacks(error) };
        }
        let mut outside = None;
        if let Some(network) = &intent.old_network {
            let arguments = json!({ "name": network.raw(), "id": old });
            outside = self.send("network4-subnet-add", arguments, &BTreeSet::new()).await.err();
        }
        let mut lost = 0;
        for host in &intent.all_before {
            let kept = self.add(&Host { keys: BTreeSet::new(), ..host.clone() }, old).await.is_ok();
            lost += usize::from(!kept);
        }
        let mut what = format!("{}; the scope was put back under id {old}", refused.what);
        if lost > 0 {
            what.push_str(&format!(", but {lost} of its reservations were not"));
        }
        if let Some(error) = &outside {
            what.push_str(&format!(", but not into its shared network: {}", error.what));
        }
        Error { what, in_doubt: outside.is_some_and(|error| error.in_doubt), ..refused }
    }

    async fn change_network(&mut self, intent: &Intent, id: u32) -> Result<()> {
        if let Some(old) = &intent.old_network {
            // on the way from one to another nothing is done yet
            let keys = if intent.new_network.is_none() { BTreeSet::from([network_key()]) } else { BTreeSet::new() };
            self.send("network4-subnet-del", json!({ "name": old.raw(), "id": id }), &keys).await?;
        }
        let Err(refused) = self.join(intent, id).await else { return Ok(()) };
        let Some(old) = intent.old_network.as_ref().filter(|_| !refused.in_doubt) else { return Err(refused) };
        let back = self.send("network4-subnet-add", json!({ "name": old.raw(), "id": id }), &BTreeSet::new()).await;
        let what = match &back {
            Ok(()) => format!("{}; the scope was put back into {old}", refused.what),
            Err(error) => format!("{}; putting it back into {old} failed too: {}", refused.what, error.what),
        };
        Err(Error { what, in_doubt: back.is_err_and(|error| error.in_doubt), ..refused })
    }

    async fn join(&mut self, intent: &Intent, id: u32) -> Result<()> {
        let Some(network) = &intent.new_network else { return Ok(()) };
        let arguments = json!({ "name": network.raw(), "id": id });
        self.send("network4-subnet-add", arguments, &BTreeSet::from([network_key()])).await
    }

    async fn hosts(&mut self, hosts: &Hosts, id: u32) -> Result<()> {
        for host in &hosts.deletions {
            self.may_stop()?;
            self.delete(host, id).await?;
        }
        for both in &hosts.updates {
            self.may_stop()?;
            self.update(both, id).await?;
        }
        if !(hosts.departures.is_empty() && hosts.arrivals.is_empty()) {
            self.may_stop()?;
            self.exchange(hosts, id).await?;
        }
        for host in &hosts.additions {
            self.may_stop()?;
            self.add(host, id).await?;
        }
        Ok(())
    }

    /// Moves and swaps: not stopped halfway, and what cannot be completed is put back.
    async fn exchange(&mut self, hosts: &Hosts, id: u32) -> Result<()> {
        let mut gone = Vec::new();
        let mut result = Ok(());
        for host in &hosts.departures {
            result = self.delete(host, id).await;
            if result.is_err() {
                break;
            }
            gone.push(host);
        }
        for host in &hosts.arrivals {
            if result.is_err() {
                break;
            }
            result = self.add(host, id).await;
        }
        let Err(refused) = result else { return Ok(()) };
        if refused.in_doubt {
            return Err(refused);
        }
        let mut back = 0;
        for host in &gone {
            // refused where its client or address is taken again: then its new form is there
            if self.add(&Host { keys: BTreeSet::new(), ..(*host).clone() }, id).await.is_ok() {
                back += 1;
                self.done.retain(|key| !host.keys.contains(key));
            }
        }
        let what = format!("{}; {back} of {} reservations that made room were put back", refused.what, gone.len());
        Err(Error { what, ..refused })
    }

    /// Kea takes the old reservation out before it puts the new one in, and leaves it out
    /// when the new one is refused: then it is put back.
    async fn update(&mut self, both: &Both, id: u32) -> Result<()> {
        let arguments = reservation(&both.new, id);
        let Err(refused) = self.send("reservation-update", arguments, &both.new.keys).await else { return Ok(()) };
        if refused.in_doubt || self.has(&both.old, id).await != Ok(false) {
            return Err(refused);
        }
        let what = match self.add(&Host { keys: BTreeSet::new(), ..both.old.clone() }, id).await {
            Ok(()) => format!("{}; the old reservation was put back", refused.what),
            Err(error) => {
                self.touched = true;
                format!("{}; the old reservation is gone and could not be put back: {}", refused.what, error.what)
            }
        };
        Err(Error { what, ..refused })
    }

    async fn add(&mut self, host: &Host, id: u32) -> Result<()> {
        self.send("reservation-add", reservation(host, id), &host.keys).await
    }

    async fn delete(&mut self, host: &Host, id: u32) -> Result<()> {
        let mut arguments = named(host, id);
        arguments["operation-target"] = "memory".into();
        match self.send("reservation-del", arguments, &host.keys).await {
            // gone already is as good as deleted
            Err(error) if error.kind == ErrorKind::Empty => {
                self.done.extend(host.keys.iter().cloned());
                Ok(())
            }
            result => result,
        }
    }

    /// Whether the server has a reservation for this client.
    async fn has(&self, host: &Host, id: u32) -> Result<bool> {
        let ctl = crate::engine::port::Control::free();
        let answer = self.channel.ask("reservation-get", Some(&named(host, id)), &ctl).await?;
        match answer.code {
            Code::Done => Ok(true),
            Code::Empty => Ok(false),
            _ => Err(answer.failure().unwrap_or_else(|| Error::new(ErrorKind::Garbled, "reservation-get"))),
        }
    }

    async fn send(&mut self, command: &'static str, arguments: Value, keys: &BTreeSet<ItemKey>) -> Result<()> {
        let about = |error: Error| error.on(self.channel.server()).scope(self.scope);
        let answer = self.channel.tell(command, Some(&arguments)).await.map_err(about)?;
        if let Some(error) = answer.failure() {
            return Err(about(error));
        }
        self.touched = true;
        self.done.extend(keys.iter().cloned());
        Ok(())
    }

    /// Between requests the operator may end it.
    fn may_stop(&self) -> Result<()> {
        if !self.hard.is_cancelled() {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Cancelled, "cancelled before everything was written");
        Err(error.on(self.channel.server()).scope(self.scope).hint("replicate again to complete it"))
    }
}

/// A scope was taken out, and is not there any more.
fn lacks(error: Error) -> Error {
    let what = format!("the target LACKS the scope now: {}", error.what);
    Error { what, ..error }.hint(PUT_BACK)
}

/// A scope was taken out, and whether it is there again is not known.
fn may_lack(error: Error) -> Error {
    let what = format!("the target may LACK the scope now: {}", error.what);
    Error { what, ..error }.hint(PUT_BACK)
}

const PUT_BACK: &str = "replicate again at once, which puts it in; or send config-reload to the target, \
    which goes back to all that is in its file";

/// Reservations in the configuration, not in a database.
fn reservation(host: &Host, id: u32) -> Value {
    let mut reservation = host.json.clone();
    if let Some(object) = reservation.as_object_mut() {
        object.insert("subnet-id".to_owned(), id.into());
    }
    json!({ "operation-target": "memory", "reservation": reservation })
}

fn named(host: &Host, id: u32) -> Value {
    let (kind, identifier) = &host.identifier;
    json!({ "subnet-id": id, "identifier-type": kind.word(), "identifier": identifier })
}
