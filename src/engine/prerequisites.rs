//! What lies outside the scopes and no scope replication brings.

mod missing;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use missing::{missing, missing_classes, other_types};

use super::port::{Ailment, Reading};
use super::survey::Relationship;
use super::trouble::CLOCKS_APART;
use crate::model::{
    CLASS_ORDER, Canonical, Condition, Definition, DefinitionKind, Finding, FindingKind, FindingSide, Foreign, Mode,
    Need, Release, Role, ScopeId, Severity, Store, failover_parameter,
};

/// How a server is brought to reveal all values.
pub(super) const REVEAL: &str =
    "give option 43 as sub-options of vendor-encapsulated-options-space, or define code 43 as type binary";

/// Everything outside the scopes that the operator should know before replicating
/// from `source` to `target`, worst first.
pub fn findings(relationship: &Relationship, source_member: usize, source: &Reading, target: &Reading) -> Vec<Finding> {
    let mut found = definitions(relationship, source_member, source, target);
    found.extend(unread(relationship, source_member, [source, target]));
    found.extend(releases(relationship, source_member, [source, target]));
    found.extend(relationship_findings(relationship, source_member));
    found.extend(stores(FindingSide::Source, source));
    found.extend(stores(FindingSide::Target, target));
    found.sort_by(|a, b| (a.severity, a.kind, &a.message).cmp(&(b.severity, b.kind, &b.message)));
    found
}

fn definitions(relationship: &Relationship, source_member: usize, source: &Reading, target: &Reading) -> Vec<Finding> {
    let keys: BTreeSet<_> = source.context.definitions.keys().chain(target.context.definitions.keys()).collect();
    let names = [source_member, 1 - source_member].map(|member| relationship.members[member].shown());
    let mut found = Vec::new();
    let mut filters: BTreeMap<FindingSide, Vec<&Foreign>> = BTreeMap::new();
    for key in keys {
        let (kind, name) = key;
        // where one of them knows nothing of the relationship, that is told, not what it lacks
        let is_told = || relationship.memberships().count() == 2 && is_parameter_of(relationship, name);
        if *kind == DefinitionKind::Failover && !is_told() {
            continue;
        }
        let (ours, theirs) = (source.context.definitions.get(key), target.context.definitions.get(key));
        if ours.map(|d| &d.fields) == theirs.map(|d| &d.fields)
            || (name.raw() == CLASS_ORDER && same_order(ours, theirs))
        {
            continue;
        }
        let only_on = match (ours, theirs) {
            (Some(_), None) => Some((source_member, source)),
            (None, Some(_)) => Some((1 - source_member, target)),
            _ => None,
        };
        if only_on.is_some_and(|(member, reading)| is_elsewhere(relationship, member, reading, *kind, name)) {
            continue;
        }
        // what was not read may be there
        let lacking = if ours.is_none() { source } else { target };
        if only_on.is_some() && lacking.context.unread.contains_key(kind) {
            continue;
        }
        if *kind == DefinitionKind::Filter && only_on.is_some() {
            let side = if ours.is_none() { FindingSide::Source } else { FindingSide::Target };
            filters.entry(side).or_default().push(name);
            continue;
        }
        let scopes = match need(*kind, name) {
            Some(need) => users(relationship, source_member, source, &need),
            None => Vec::new(),
        };
        found.push(definition_finding(*kind, name, [ours, theirs], scopes, &names, relationship.is_named()));
    }
    found.extend(filters.into_iter().map(|(side, missing)| missing_filters(side, &missing, &names)));
    found
}

/// Whether it is one of this relationship and not of another of the same servers.
fn is_parameter_of(relationship: &Relationship, name: &Foreign) -> bool {
    let of = failover_parameter("", &relationship.key);
    name.raw().strip_suffix(of.raw()).is_some_and(|parameter| !parameter.contains(" of "))
}

/// All filters that one side lacks: there may be thousands.
fn missing_filters(side: FindingSide, missing: &[&Foreign], servers: &[String; 2]) -> Finding {
    let named: Vec<String> = missing.iter().take(NAMED).map(|name| name.to_string()).collect();
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let [source, target] = servers;
    let where_from = if side == FindingSide::Target { target.clone() } else { format!("{source}, only on {target}") };
    Finding {
        severity: Severity::Warning,
        kind: FindingKind::GlobalDiffers,
        side,
        scopes: Vec::new(),
        message: format!("{} missing on {where_from}: {}{more}", count(missing.len(), "filter"), named.join(", ")),
        hint: cure(DefinitionKind::Filter, side, servers, true),
    }
}

/// So many filters are named before the rest is counted.
const NAMED: usize = 3;

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { " is" } else { "s are" })
}

/// What a side keeps to itself: whether something is missing there is not known.
fn unread(relationship: &Relationship, source_member: usize, readings: [&Reading; 2]) -> Vec<Finding> {
    let mut found = Vec::new();
    let sides = [(FindingSide::Source, source_member), (FindingSide::Target, 1 - source_member)];
    for ((side, member), reading) in sides.into_iter().zip(readings) {
        let mut by_reason: BTreeMap<&Foreign, Vec<&str>> = BTreeMap::new();
        for (kind, reason) in &reading.context.unread {
            if let Some(reason) = reason {
                by_reason.entry(reason).or_default().push(kind.words());
            }
        }
        let server = relationship.members[member].shown();
        found.extend(by_reason.into_iter().map(|(reason, kinds)| Finding {
            severity: Severity::Warning,
            kind: FindingKind::Unreadable,
            side,
            scopes: Vec::new(),
            message: format!("not all of {server} could be read ({}): {reason}", kinds.join(", ")),
            hint: format!("whether {server} lacks something of the kind is not known"),
        }));
    }
    found
}

/// An older server cannot keep what only a newer one knows.
fn releases(relationship: &Relationship, source_member: usize, [source, target]: [&Reading; 2]) -> Option<Finding> {
    let (ours, theirs) = (source.context.release?, target.context.release?);
    let names = [source_member, 1 - source_member].map(|member| relationship.members[member].shown());
    let version = |reading: &Reading, release: Release| match &reading.version {
        Some(version) => version.to_string(),
        None => release.to_string(),
    };
    let (ours_told, theirs_told) = (version(source, ours), version(target, theirs));
    let (side, message) = match theirs.cmp(&ours) {
        Ordering::Equal => return None,
        Ordering::Less => (
            FindingSide::Target,
            format!(
                "{} ({theirs_told}) is older than {} ({ours_told}): what only the newer knows cannot be kept there",
                names[1], names[0]
            ),
        ),
        Ordering::Greater => {
            (FindingSide::Source, format!("{} ({ours_told}) is older than {} ({theirs_told})", names[0], names[1]))
        }
    };
    let newer = if side == FindingSide::Target { &names[0] } else { &names[1] };
    Some(Finding {
        severity: Severity::Warning,
        kind: FindingKind::OlderRelease,
        side,
        scopes: Vec::new(),
        message,
        hint: format!("make changes on the newer, {newer}, and replicate from it"),
    })
}

/// Whether what only this member has is there for another of its relationships.
fn is_elsewhere(
    relationship: &Relationship,
    member: usize,
    reading: &Reading,
    kind: DefinitionKind,
    name: &Foreign,
) -> bool {
    match kind {
        DefinitionKind::Network => {
            let mut inside = reading.scopes.values().filter(|entry| entry.raw.placement() == Some(name)).peekable();
            inside.peek().is_some() && inside.all(|entry| !relationship.holds(member, entry))
        }
        _ => false,
    }
}

/// Whether the classes that both sides have stand in one order. A class that only one side
/// has is a finding of its own.
fn same_order(ours: Option<&Definition>, theirs: Option<&Definition>) -> bool {
    let classes = |side: Option<&Definition>| match side.and_then(|d| d.fields.values().next()) {
        Some(Canonical::List(classes)) => classes.clone(),
        _ => Vec::new(),
    };
    let (ours, theirs) = (classes(ours), classes(theirs));
    ours.iter().filter(|class| theirs.contains(class)).eq(theirs.iter().filter(|class| ours.contains(class)))
}

fn need(kind: DefinitionKind, name: &Foreign) -> Option<Need> {
    match kind {
        DefinitionKind::Class => Some(Need::Class(name.clone())),
        DefinitionKind::VendorClass => Some(Need::VendorClass(name.clone())),
        DefinitionKind::UserClass => Some(Need::UserClass(name.clone())),
        DefinitionKind::Network => Some(Need::Network(name.clone())),
        DefinitionKind::OptionDefinition => {
            let (space, code) = name.raw().rsplit_once('/')?;
            Some(Need::OptionDefinition(space.into(), code.parse().ok()?))
        }
        _ => None,
    }
}

/// The source's scopes that depend on this.
fn users(relationship: &Relationship, member: usize, source: &Reading, need: &Need) -> Vec<ScopeId> {
    source
        .scopes
        .values()
        .filter(|entry| relationship.holds(member, entry) && entry.raw.may_need(need))
        .filter(|entry| entry.open().is_ok_and(|scope| scope.needs.contains(need)))
        .map(|entry| entry.id)
        .collect()
}

fn definition_finding(
    kind: DefinitionKind,
    name: &Foreign,
    [ours, theirs]: [Option<&Definition>; 2],
    scopes: Vec<ScopeId>,
    servers: &[String; 2],
    is_named: bool,
) -> Finding {
    let [source, target] = servers;
    let side = match (ours, theirs) {
        (Some(_), None) => FindingSide::Target,
        (None, Some(_)) => FindingSide::Source,
        _ => FindingSide::Both,
    };
    let label = ours.or(theirs).and_then(|d| d.label.as_ref());
    let title = match label {
        Some(label) => format!("{} {label} ({name})", kind.words()),
        None => format!("{} {name}", kind.words()),
    };
    let message = match side {
        FindingSide::Target => format!("{title} is missing on {target}"),
        FindingSide::Source => format!("{title} is missing on {source}, only on {target}"),
        FindingSide::Both => format!("{title} differs: {}", differences(ours, theirs)),
    };
    let used = !scopes.is_empty();
    let (finding, severity) = match (kind, side) {
        (DefinitionKind::OptionDefinition, FindingSide::Target) if used => {
            (FindingKind::OptionDefinition, Severity::Critical)
        }
        // the replication of such a scope is refused as a whole
        (DefinitionKind::OptionDefinition, FindingSide::Both) if used && is_named => {
            (FindingKind::OptionDefinition, Severity::Critical)
        }
        (DefinitionKind::OptionDefinition, _) => (FindingKind::OptionDefinition, Severity::Warning),
        (DefinitionKind::Class | DefinitionKind::VendorClass | DefinitionKind::UserClass, FindingSide::Both) => {
            (FindingKind::ClassDiffers, Severity::Critical)
        }
        (DefinitionKind::Class | DefinitionKind::VendorClass | DefinitionKind::UserClass, side) => {
            let refused = used && side == FindingSide::Target;
            (FindingKind::ClassMissing, if refused { Severity::Critical } else { Severity::Warning })
        }
        (DefinitionKind::Network, FindingSide::Both) => (FindingKind::NetworkDiffers, Severity::Warning),
        (DefinitionKind::Network, FindingSide::Target) if used => (FindingKind::NetworkMissing, Severity::Critical),
        (DefinitionKind::Network, _) => (FindingKind::NetworkMissing, Severity::Warning),
        (DefinitionKind::GlobalOption | DefinitionKind::ServerOption | DefinitionKind::ServerPolicy, _) => {
            (FindingKind::GlobalDiffers, Severity::Critical)
        }
        (DefinitionKind::Global | DefinitionKind::ServerSetting | DefinitionKind::Filter, _) => {
            (FindingKind::GlobalDiffers, Severity::Warning)
        }
        (DefinitionKind::ReservationMode, _) => (FindingKind::ReservationMode, Severity::Critical),
        (DefinitionKind::Failover, _) => (FindingKind::FailoverDiffers, Severity::Warning),
    };
    Finding { severity, kind: finding, side, scopes, message, hint: cure(kind, side, servers, is_named) }
}

/// The fields that differ, both values each.
fn differences(ours: Option<&Definition>, theirs: Option<&Definition>) -> String {
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return String::new();
    };
    let names: BTreeSet<_> = ours.fields.keys().chain(theirs.fields.keys()).collect();
    let parts: Vec<String> = names
        .into_iter()
        .filter(|name| ours.fields.get(*name) != theirs.fields.get(*name))
        .map(|name| {
            let (a, b) = visible_pair(ours.fields.get(name), theirs.fields.get(name));
            if name.raw() == "value" {
                format!("source {a}, target {b}")
            } else {
                format!("{name}: source {a}, target {b}")
            }
        })
        .collect();
    parts.join("; ")
}

/// Two values for the screen, escaped where they would look the same.
pub fn visible_pair(source: Option<&Canonical>, target: Option<&Canonical>) -> (String, String) {
    let line = |value: Option<&Canonical>| value.map(|value| Foreign::from(value.to_string()));
    let raw = |value: Option<&Canonical>| value.map(|value| Foreign::from(value.to_line()));
    match (line(source), line(target)) {
        (Some(a), Some(b)) => {
            let (shown_a, shown_b) = Foreign::side_by_side(&a, &b);
            if shown_a != shown_b {
                return (shown_a, shown_b);
            }
            match (raw(source), raw(target)) {
                (Some(a), Some(b)) => (a.escaped(), b.escaped()),
                _ => (shown_a, shown_b),
            }
        }
        (a, b) => {
            let word = |text: Option<Foreign>| text.map_or_else(|| "(not set)".to_owned(), |t| t.to_string());
            (word(a), word(b))
        }
    }
}

fn cure(kind: DefinitionKind, side: FindingSide, [source, target]: &[String; 2], is_named: bool) -> String {
    let place = match side {
        FindingSide::Target => format!("add it to the configuration of {target}"),
        FindingSide::Source => format!("remove it from {target}, or add it to {source}, if it is still meant"),
        FindingSide::Both => "make both sides' configurations agree".to_owned(),
    };
    let why = match kind {
        DefinitionKind::OptionDefinition if is_named && side == FindingSide::Both => {
            "scopes that use the option are refused where its type differs"
        }
        DefinitionKind::OptionDefinition => "scopes that use the option are refused without its definition",
        DefinitionKind::Class => "without the same class, restricted ranges are not used or serve other clients",
        DefinitionKind::Network => "scopes inherit the network's options and lifetimes",
        DefinitionKind::VendorClass | DefinitionKind::UserClass => {
            "options and policies that use the class are refused without it"
        }
        DefinitionKind::ServerPolicy | DefinitionKind::ServerSetting => "it holds for clients of every scope",
        DefinitionKind::Filter => "where the list is in use, a client is let in by one server and not by the other",
        DefinitionKind::Global | DefinitionKind::GlobalOption | DefinitionKind::ServerOption => {
            "every scope that does not set it inherits it"
        }
        DefinitionKind::ReservationMode => "reservations may be present and never matched",
        DefinitionKind::Failover => "both sides of a relationship should use the same parameters",
    };
    format!("{place}: {why}. scopesync never writes it")
}

/// Members that are not in their normal state, but for those in a [`super::trouble::Trouble`],
/// which has a finding of its own. Of one that was not read, what its partner last heard counts
/// only if it is a state that outlives the silence, and on that partner's side.
pub fn states(relationship: &Relationship, source_member: usize) -> Vec<Finding> {
    let side_of = |at: usize| if at == source_member { FindingSide::Source } else { FindingSide::Target };
    let mut found = Vec::new();
    for (at, member) in relationship.members.iter().enumerate() {
        if let Some(state) = &member.state {
            let told = match state.condition(&relationship.mode) {
                Condition::Normal | Condition::Terminated | Condition::CommunicationRecovery => None,
                condition => Some(condition),
            };
            found.extend(told.map(|condition| {
                let message = format!("{} is in state {}", member.shown(), state.explained(&relationship.mode));
                let finding = state_finding(side_of(at), message, condition);
                given_up(relationship, 1 - at).map_or(finding.clone(), |hint| Finding { hint, ..finding })
            }));
        }
        let heard = member.heard.as_ref().map(|state| (state, state.condition(&relationship.mode)));
        let lasting = heard.filter(|(_, told)| matches!(told, Condition::PartnerDown | Condition::Terminated));
        if let (Some(_), Some((state, condition))) = (member.absent(), lasting) {
            let partner = relationship.members[1 - at].shown();
            let message = format!("{partner} last heard of {}: {}", member.shown(), state.0);
            found.push(state_finding(side_of(1 - at), message, condition));
        }
    }
    found
}

/// What to do about a member that says that all is normal while its partner takes it for dead.
pub(super) fn given_up(relationship: &Relationship, at: usize) -> Option<String> {
    let condition = |at: usize| Some(relationship.members[at].state.as_ref()?.condition(&relationship.mode));
    let [ours, theirs] = [at, 1 - at].map(|at| relationship.members[at].shown());
    let differ = !relationship.is_named()
        && condition(at) == Some(Condition::Normal)
        && condition(1 - at) == Some(Condition::PartnerDown);
    differ.then(|| {
        format!(
            "{ours} says that all is normal, and {theirs} serves alone as it does not hear of it: where that lasts, \
             either the way between them is cut, or {ours} answers no client, as Kea before 2.4 does after a refused \
             config-set; config-reload mends that, and loses what is not saved"
        )
    })
}

/// Members that do not serve although their states do not show it; of those that were read.
pub(super) fn ailments(
    relationship: &Relationship,
    source_member: usize,
    readings: [Option<&Arc<Reading>>; 2],
) -> Vec<Finding> {
    let sides = [(FindingSide::Source, source_member), (FindingSide::Target, 1 - source_member)];
    let told =
        sides.into_iter().zip(readings).filter_map(|(side, reading)| Some((side, reading?.health.ailment.as_ref()?)));
    let finding = |((side, member), ailment): ((FindingSide, usize), &Ailment)| Finding {
        severity: Severity::Critical,
        kind: FindingKind::State,
        side,
        scopes: Vec::new(),
        message: format!("{} {}", relationship.members[member].shown(), ailment.what),
        hint: ailment.cure.clone(),
    };
    told.map(finding).collect()
}

fn relationship_findings(relationship: &Relationship, source_member: usize) -> Vec<Finding> {
    let mut found = states(relationship, source_member);
    found.extend(backups(relationship));
    found.extend(clocks(relationship));
    let target = &relationship.members[1 - source_member];
    if relationship.mode == Mode::HotStandby && matches!(target.peer.role, Role::Primary | Role::Active) {
        found.push(Finding {
            severity: Severity::Warning,
            kind: FindingKind::TowardPrimary,
            side: FindingSide::Target,
            scopes: Vec::new(),
            message: format!("the target {} is the {} of a hot-standby pair", target.shown(), target.peer.role),
            hint: format!(
                "changes are usually made on the {}: make sure that the standby has the right configuration",
                target.peer.role
            ),
        });
    }
    found
}

/// Clocks that are too far apart.
pub(super) fn clocks(relationship: &Relationship) -> Option<Finding> {
    let skew = relationship.clock_skew.filter(|skew| skew.abs() > 30)?;
    Some(Finding {
        severity: if skew.abs() > CLOCKS_APART { Severity::Critical } else { Severity::Warning },
        kind: FindingKind::ClockSkew,
        side: FindingSide::Both,
        scopes: Vec::new(),
        message: format!("the partners' clocks are {} s apart", skew.abs()),
        hint: match relationship.is_named() {
            true => "set the clocks (NTP): partners have to be within 60 s of each other".into(),
            false => "set the clocks (NTP): above 60 s the partners terminate the relationship".into(),
        },
    })
}

/// Backup servers are told of and otherwise left alone.
fn backups(relationship: &Relationship) -> Option<Finding> {
    let peers = relationship.members.iter().find_map(|member| Some(&member.membership.as_ref()?.peers))?;
    let names: Vec<String> =
        peers.iter().filter(|peer| peer.role == Role::Backup).map(|peer| peer.name.to_string()).collect();
    (!names.is_empty()).then(|| Finding {
        severity: Severity::Info,
        kind: FindingKind::NotSupported,
        side: FindingSide::Both,
        scopes: Vec::new(),
        message: format!("backup servers are not supported: {}", names.join(", ")),
        hint: "they only receive leases and are neither compared nor written".into(),
    })
}

fn state_finding(side: FindingSide, message: String, condition: Condition) -> Finding {
    let (severity, hint) = match condition {
        Condition::Terminated => (
            Severity::Critical,
            "lease updates have stopped; often scopes missing on one side or with another id are the cause: \
             repair the drift, then reset the relationship on both servers",
        ),
        Condition::PartnerDown => {
            (Severity::Warning, "the server serves all clients alone: find out why its partner is down")
        }
        Condition::Interrupted => (
            Severity::Warning,
            "find out why the partners do not hear each other (TCP port 647); a replication will probably \
             not reach its partner meanwhile",
        ),
        Condition::Conflict => (
            Severity::Critical,
            "both took the other for dead: let them settle it, and look at the network between them",
        ),
        Condition::Recovering => {
            (Severity::Warning, "wait: it takes up to the maximum client lead time until it serves again")
        }
        Condition::Maintenance => (Severity::Warning, "somebody asked for it: let the partners end it"),
        _ => (Severity::Warning, "wait until both sides are in their normal state"),
    };
    Finding { severity, kind: FindingKind::State, side, scopes: Vec::new(), message, hint: hint.into() }
}

fn stores(side: FindingSide, reading: &Reading) -> Vec<Finding> {
    let finding = |store: &Store| {
        let kind = match store {
            Store::HostsDatabase(_) => FindingKind::HostsDatabase,
            Store::ConfigurationBackend(_) => FindingKind::ConfigurationBackend,
        };
        let (message, hint) = self::store(store);
        Finding { severity: Severity::Warning, kind, side, scopes: Vec::new(), message, hint: hint.into() }
    };
    reading.context.stores.iter().map(finding).collect()
}

/// What a store means, and what to do about it.
pub(super) fn store(store: &Store) -> (String, &'static str) {
    match store {
        Store::HostsDatabase(of) => (
            format!("reservations are also kept in a {of} database"),
            "they are compared where the server lists them and never written: both servers may share them",
        ),
        Store::ConfigurationBackend(of) => (
            format!("the configuration comes from a {of} backend"),
            "change it there: what is written to the running server would be overwritten",
        ),
    }
}
