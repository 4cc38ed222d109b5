//! One server by itself, and among the others.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Point, ServerCheck, Topic, Verdict};
use crate::engine::plan::{LOST, left_unsaved};
use crate::engine::port::{Control, Journal, Reading, Server, Unsaved};
use crate::engine::survey::{ServerReport, Survey};
use crate::engine::{Error, ErrorKind, Result, crossed, prerequisites};
use crate::model::{Membership, ScopeId};

/// A clock that is this far from ours is worth a look: partners complain of each other from here on.
const CLOCK: SignedDuration = SignedDuration::from_secs(30);

/// How many scopes a line names.
const NAMED: usize = 3;

/// Everything that the server itself tells. Once it does not answer, nothing more is asked.
pub(super) async fn look(
    server: &dyn Server,
    try_save: bool,
    journal: Option<&dyn Journal>,
    ctl: &Control,
) -> (ServerCheck, Result<Arc<Reading>>) {
    let mut points = server.examine(try_save, ctl).await;
    points.extend(journal.map(|journal| unsaved(server, journal)));
    let way = [Topic::Reach, Topic::Tls, Topic::Authentication];
    let failed = points.iter().find(|point| way.contains(&point.topic) && point.verdict == Verdict::Failed);
    let outcome = match failed {
        Some(point) => Err(unreached(server, point)),
        None => server.read(ctl).await.map(Arc::new),
    };
    match &outcome {
        Ok(reading) => {
            if !points.iter().any(|point| point.topic == Topic::Reach) {
                points.push(Point::ok(Topic::Reach, "answered"));
            }
            points.extend(version(reading));
            points.push(read(reading));
            // no server of Windows keeps its configuration elsewhere, or to itself
            if reading.context.release.is_none() {
                points.extend(stores(reading));
                points.push(hidden(reading));
            }
            points.extend(clock(reading));
            points.extend(reading.health.ailment.as_ref().map(|ailment| {
                Point::new(Topic::State, Verdict::Failed, format!("it {}", ailment.what)).hint(&ailment.cure)
            }));
            points.extend(writer(server, ctl).await);
        }
        Err(error) if failed.is_none() => points.push(Point::failed(Topic::Configuration, error)),
        Err(_) => {}
    }
    (ServerCheck { name: server.name().clone(), place: server.place(), points }, outcome)
}

fn unreached(server: &dyn Server, point: &Point) -> Error {
    let error = Error::new(ErrorKind::Unreachable, &point.found).on(server.name());
    match &point.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What is known of the server only beside the others: who it is, and with whom it is paired.
pub(super) fn compare(check: &mut ServerCheck, survey: &Survey) {
    let Some(report) = survey.server(&check.name) else { return };
    match &report.outcome {
        Some(Ok(reading)) => {
            check.points.extend(identity(report, reading));
            let memberships = &reading.health.memberships;
            check.points.extend(memberships.iter().map(member_of));
            if memberships.is_empty() {
                let point = Point::warning(Topic::Relationship, "the server is in no failover relationship");
                check.points.push(point.hint("its scopes have no partner to be compared with or copied to"));
            }
            check.points.extend(unpaired(&survey.unpaired(&check.name), memberships));
        }
        // only twins were read and have an error all the same
        Some(Err(error)) if error.kind == ErrorKind::Selection => {
            check.points.push(Point::failed(Topic::Identity, error));
        }
        _ => {}
    }
}

fn unsaved(server: &dyn Server, journal: &dyn Journal) -> Point {
    match journal.unsaved(server.name()) {
        None => Point::ok(Topic::Unsaved, "nothing is left from a run of this user on this machine"),
        Some(Unsaved::Running) => {
            if let Some(found) = left_unsaved(&journal.lost(server.name())) {
                return Point::warning(Topic::Unsaved, found).hint(LOST);
            }
            let found = "what an earlier run changed is running but not saved; a restart loses it";
            Point::warning(Topic::Unsaved, found)
                .hint("mend saving, then repeat what ran on it last (replicate, or undo): that saves")
        }
        Some(Unsaved::Broken) => {
            let found = "an earlier run could not save, and the server's file is incomplete: DO NOT RESTART IT";
            let point = Point::new(Topic::Unsaved, Verdict::Failed, found);
            point.hint("make room on its disk, then repeat what ran on it last (replicate, or undo): that saves")
        }
    }
}

fn version(reading: &Reading) -> Option<Point> {
    reading.version.as_ref().map(|version| Point::ok(Topic::Version, version.to_string()))
}

fn read(reading: &Reading) -> Point {
    let count = reading.scopes.len();
    let scopes = if count == 1 { "1 scope".to_owned() } else { format!("{count} scopes") };
    let Some((id, reason)) = reading.unreadable.first() else {
        return Point::ok(Topic::Configuration, format!("read: {scopes}"));
    };
    let first = id.map_or_else(|| reason.to_string(), |id| format!("scope {id}: {reason}"));
    let others = match reading.unreadable.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let found = format!("read: {scopes}, and not all could be understood: {first}{others}");
    Point::new(Topic::Configuration, Verdict::Failed, found).hint("scopes like that are shown as unknown")
}

fn identity(report: &ServerReport, reading: &Reading) -> Option<Point> {
    if let Some(reached) = crossed::reached(report) {
        let found = format!("the entry {} reached {reached}", report.name);
        return Some(Point::warning(Topic::Identity, found).hint(crossed::CURE));
    }
    reading.identity.as_ref().map(|identity| Point::ok(Topic::Identity, identity.to_string()))
}

fn member_of(membership: &Membership) -> Point {
    let partners: Vec<String> = membership
        .peers
        .iter()
        .filter(|peer| peer.name != membership.this_server)
        .map(|peer| format!("{} ({})", peer.name, peer.role))
        .collect();
    let role = membership.peers.iter().find(|peer| peer.name == membership.this_server).map(|peer| &peer.role);
    let role = role.map_or_else(|| "no peer".to_owned(), ToString::to_string);
    let found = format!("{}: {role}, with {}", membership.mode, partners.join(", "));
    match membership.pair() {
        Some(_) if membership.mode.is_supported() => Point::ok(Topic::Relationship, found),
        _ => Point::warning(Topic::Relationship, found).hint("only pairs are supported: it is shown and never written"),
    }
}

fn unpaired(scopes: &[ScopeId], memberships: &[Membership]) -> Option<Point> {
    let membership = memberships.first().filter(|_| !scopes.is_empty())?;
    let found = format!("scopes in none of its relationships: {}", some(scopes));
    // a relationship with a name of its own lists its scopes; else the scopes name it
    let cure = match membership.name {
        Some(_) => "add them to a relationship; until then they have no partner",
        None => "name the relationship in each of these scopes",
    };
    Some(Point::warning(Topic::Relationship, found).hint(cure))
}

fn stores(reading: &Reading) -> Vec<Point> {
    use crate::model::Store;
    let mut points: Vec<Point> = Vec::new();
    for (topic, is_meant, none) in [
        (Topic::HostsDatabase, (|store| matches!(store, Store::HostsDatabase(_))) as fn(&Store) -> bool, "none"),
        (Topic::ConfigurationBackend, |store| matches!(store, Store::ConfigurationBackend(_)), "none"),
    ] {
        let mut found =
            reading.context.stores.iter().filter(|store| is_meant(store)).map(prerequisites::store).peekable();
        if found.peek().is_none() {
            points.push(Point::ok(topic, none));
        }
        points.extend(found.map(|(message, hint)| Point::warning(topic, message).hint(hint)));
    }
    points
}

/// Values that the server keeps to itself: a write would empty them.
fn hidden(reading: &Reading) -> Point {
    let scopes = reading.scopes.values().filter(|entry| entry.raw.may_hide());
    let scopes: Vec<ScopeId> = scopes
        .filter(|entry| entry.open().is_ok_and(|scope| !scope.unreadable.is_empty()))
        .map(|entry| entry.id)
        .collect();
    let around = reading.context.hidden.iter().map(|(kind, name)| format!("{} {name}", kind.words()));
    let mut places: Vec<String> = around.collect();
    if !scopes.is_empty() {
        places.push(format!("scopes {}", some(&scopes)));
    }
    if places.is_empty() {
        return Point::ok(Topic::HiddenValues, "none");
    }
    let found =
        format!("the server does not reveal an option of {}: writing it there would wipe it", places.join(", "));
    Point::warning(Topic::HiddenValues, found).hint(prerequisites::REVEAL)
}

fn clock(reading: &Reading) -> Option<Point> {
    let ahead = reading.health.clock?;
    let seconds = ahead.as_secs().unsigned_abs();
    if ahead.abs() < CLOCK {
        let found = if seconds <= 1 { "as here".to_owned() } else { format!("{seconds} s {} ours", side(ahead)) };
        return Some(Point::ok(Topic::Clock, found));
    }
    let found = format!("{seconds} s {} the clock of this machine", side(ahead));
    Some(Point::warning(Topic::Clock, found).hint("set the clock of the one that is wrong (NTP)"))
}

fn side(ahead: SignedDuration) -> &'static str {
    if ahead.is_negative() { "behind" } else { "ahead of" }
}

/// The way of writing, or why there is none.
async fn writer(server: &dyn Server, ctl: &Control) -> Vec<Point> {
    let writer = match (server.writer(ctl).await, server.ways()) {
        (Ok(writer), _) => writer,
        (Err(_), Some(ways)) if !server.read_only() => return vec![Point::ok(Topic::Writer, ways)],
        (Err(error), _) => return vec![no_writer(server, &error)],
    };
    let name = server.ways().unwrap_or(writer.abilities().name);
    let mut points = vec![Point::ok(Topic::Writer, name)];
    match writer.assess(&[], ctl).await {
        Ok(assessment) => {
            points.push(Point::ok(Topic::CostToService, assessment.cost_to_service));
            points.push(Point::ok(Topic::CostToConfiguration, assessment.cost_to_configuration));
        }
        Err(error) => points.push(Point::failed(Topic::CostToService, &error)),
    }
    points
}

fn no_writer(server: &dyn Server, error: &Error) -> Point {
    if server.read_only() {
        return Point::ok(Topic::Writer, format!("none: {}", error.what));
    }
    // it can still be a source
    let point = Point::failed(Topic::Writer, error);
    Point { verdict: Verdict::Warning, found: format!("none: {}", point.found), ..point }
}

fn some<T: ToString>(all: &[T]) -> String {
    let named: Vec<String> = all.iter().take(NAMED).map(ToString::to_string).collect();
    let more = all.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", named.join(", "))
}
