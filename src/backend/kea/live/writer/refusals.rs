//! What stands against a write, by name.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::intent::{moves_network, renumbers, sends_update};
use crate::backend::kea::live::reread::Listed;
use crate::backend::kea::live::{Known, LiveServer, leases};
use crate::engine::Result;
use crate::engine::port::{Control, Refusal, Work};
use crate::engine::shrink::{Lost, names};
use crate::model::{Canonical, DefinitionKind, Foreign, Item, ItemKey, KeyName, Need, ReservationKey, ScopeId};

/// What the configurations of both sides say against it. `by_then` is the work that is
/// done when this is; `listed` are the target's subnets.
pub(in super::super) fn by_configuration(
    work: &Work,
    by_then: &[Arc<Work>],
    known: &Known,
    listed: &[Listed],
) -> Vec<Refusal> {
    let checks = [
        configuration_backend(known),
        hosts_database(work, known),
        option_43(work),
        id_taken(work, by_then, listed),
        overlap(work, listed),
        option_definition_missing(work, known),
        network_missing(work, known),
    ];
    checks.into_iter().flatten().collect()
}

/// What the target's leases say against it; asks only where the work could hurt them.
pub(in super::super) async fn by_leases(
    server: &LiveServer,
    known: &Known,
    work: &Work,
    ctl: &Control,
) -> Result<Vec<Refusal>> {
    let mut found = Vec::new();
    let Some(before) = &work.before else { return Ok(found) };
    let Some(id) = before.server_id() else { return Ok(found) };
    if renumbers(work) {
        let held = if known.commands.has("stat-lease4-get") {
            let stats = leases::utilisation(server.channel(), Some(id), ctl).await?;
            Some(stats.get(&id).map_or(0, |stat| stat.assigned + stat.declined))
        } else if known.commands.has("lease4-get-all") {
            Some(leases::active(server.channel(), id, ctl).await?.len() as u64)
        } else {
            None
        };
        found.extend(renumber_leases(held));
    }
    let lost = Lost::by(work);
    if !lost.is_empty() {
        let held = if known.commands.has("lease4-get-all") {
            Some(leases::active(server.channel(), id, ctl).await?)
        } else {
            None
        };
        found.extend(lost.refusal(held, ""));
    }
    Ok(found)
}

fn refusal(name: &'static str, overridable: bool, message: String, hint: &str) -> Option<Refusal> {
    Some(Refusal { name, message, hint: hint.to_owned(), overridable })
}

fn renumber_leases(held: Option<u64>) -> Option<Refusal> {
    let message = match held {
        Some(0) => return None,
        Some(1) => "its id changes on the target, and 1 lease there is known by the old id".to_owned(),
        Some(n) => format!("its id changes on the target, and {n} leases there are known by the old id"),
        None => "its id changes on the target, and the target cannot tell whether there are leases".to_owned(),
    };
    let hint = "the leases stay behind under the old id; clients get theirs again when they renew, but an address may \
                be given twice meanwhile: wait for the leases to end, or override it by this name";
    refusal("renumber-leases", true, message, hint)
}

fn configuration_backend(known: &Known) -> Option<Refusal> {
    if !known.configuration_backend {
        return None;
    }
    let message = "the target takes its configuration from a database, which would overwrite the change".to_owned();
    refusal("configuration-backend", false, message, "make the change in the configuration backend")
}

/// Reservations of a scope that is made anew or renumbered are reservations that change.
fn hosts_database(work: &Work, known: &Known) -> Option<Refusal> {
    let touches = renumbers(work) || work.changes.iter().any(|change| change.key.in_reservation().is_some());
    if !known.hosts_database || !touches {
        return None;
    }
    let message = "reservations change, and the target keeps reservations in a database".to_owned();
    refusal("hosts-database", false, message, "change the reservations in the database, which both servers may share")
}

/// Values that a server does not reveal, in what would be written.
fn option_43(work: &Work) -> Option<Refusal> {
    let want = work.want.as_ref()?;
    let whole = renumbers(work) || work.before.is_none();
    let touched: BTreeSet<&ReservationKey> = work.changes.iter().filter_map(|c| c.key.in_reservation()).collect();
    let rewritten = |key: &&ItemKey| match key.in_reservation() {
        Some(owner) => whole || touched.contains(owner),
        None => whole || sends_update(work),
    };
    let hidden_before = work.before.iter().flat_map(|before| &before.unreadable);
    let hidden = hidden_before.chain(&want.unreadable).filter(rewritten);
    let copied = work.changes.iter().filter(|change| is_blank_43(&change.key, change.wanted.as_ref())).map(|c| &c.key);
    let keys: BTreeSet<String> = hidden.chain(copied).map(ToString::to_string).collect();
    if keys.is_empty() {
        return None;
    }
    let keys: Vec<String> = keys.into_iter().collect();
    let message = format!("the server does not reveal the value of {}, and this write would empty it", names(&keys));
    let hint = "give option 43 as sub-options of vendor-encapsulated-options-space, or define code 43 as type binary, \
                on both servers; or override it by this name and write the value again afterwards";
    refusal("option-43", true, message, hint)
}

fn is_blank_43(key: &ItemKey, wanted: Option<&Item>) -> bool {
    let is_43 = matches!(&key.name, KeyName::Option(option) if option.code == 43 && option.space.raw() == "dhcp4");
    let blank = |item: &Item| {
        let data = item.fields.get(&Foreign::from("data")).map(|value| &value.canonical);
        data.is_none_or(|data| *data == Canonical::text(""))
    };
    is_43 && wanted.is_some_and(blank)
}

/// Another scope of the target has the wanted number and keeps it.
fn id_taken(work: &Work, by_then: &[Arc<Work>], listed: &[Listed]) -> Option<Refusal> {
    let id = work.wanted_id()?;
    let holder = listed.iter().find(|listed| listed.id == id && listed.scope() != Some(work.id))?;
    let gives_way = by_then.iter().any(|other| Some(other.id) == holder.scope() && other.wanted_id() != Some(id));
    if gives_way {
        return None;
    }
    let message = format!("its id {id} belongs to {} on the target", holder.subnet);
    refusal("id-taken", false, message, "give one of the two scopes another id, on both servers")
}

/// Kea takes overlapping prefixes without a word.
fn overlap(work: &Work, listed: &[Listed]) -> Option<Refusal> {
    if work.before.is_some() {
        return None;
    }
    let overlaps = |other: &ScopeId| other.contains(work.id.network) || work.id.contains(other.network);
    let other = listed.iter().filter_map(Listed::scope).find(|other| *other != work.id && overlaps(other))?;
    let message = format!("it overlaps {other} on the target");
    refusal("overlap", false, message, "remove or change the other scope on the target first")
}

fn option_definition_missing(work: &Work, known: &Known) -> Option<Refusal> {
    let want = work.want.as_ref()?;
    // an option that nobody has a name for is raw bytes, and needs no definition
    let used = |space: &Foreign, code: u32| {
        want.items.iter().any(|(key, item)| match &key.name {
            KeyName::Option(option) => option.code == code && option.space == *space && item.label.is_some(),
            _ => false,
        })
    };
    let missing: Vec<String> = want
        .needs
        .iter()
        .filter_map(|need| match need {
            Need::OptionDefinition(space, code) => Some((space, *code)),
            _ => None,
        })
        .filter(|(space, code)| used(space, *code))
        .filter(|(space, code)| {
            let name = Foreign::from(format!("{}/{code}", space.raw()));
            known.context.get(DefinitionKind::OptionDefinition, &name).is_none()
        })
        .map(|(space, code)| format!("{space}/{code}"))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!("the target lacks the definition of option {}", names(&missing));
    refusal("option-definition-missing", false, message, "add the definition to the target's configuration first")
}

fn network_missing(work: &Work, known: &Known) -> Option<Refusal> {
    let network = work.want.as_ref()?.network()?;
    let joins = work.before.is_none() || moves_network(work) || renumbers(work);
    if !joins || known.context.get(DefinitionKind::Network, network).is_some() {
        return None;
    }
    let message = format!("the target lacks the shared network {network}");
    refusal("network-missing", false, message, "add the network to the target's configuration first")
}
