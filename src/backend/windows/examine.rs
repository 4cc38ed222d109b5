//! A close look at a Windows server, for a check: how it is reached, what answers there, and what
//! it lets us do.

use std::collections::BTreeMap;
use std::time::Instant;

use super::auth::About;
use super::cim::{Dhcp, Failover, codes};
use super::relationship;
use super::server::{WindowsServer, unless_cancelled};
use super::wsman::{Code, Failure, Identified, Instance, Property};
use crate::engine::port::{Control, Point, Server, Topic, Verdict};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::Foreign;

/// Answers above this part of the envelope are told of: servers count in their own encoding.
const TIGHT: usize = 2;

/// Every point; none after the server did not let us in.
pub(super) async fn look_closely(server: &WindowsServer, try_save: bool, ctl: &Control) -> Vec<Point> {
    let dhcp = server.dhcp();
    let asked = Instant::now();
    let identified = ask(dhcp.client().identify(), ctl).await;
    let took = asked.elapsed().as_secs_f64() * 1e3;
    let identified = match identified {
        Ok(identified) => identified,
        Err(error) => return not_let_in(server, &error),
    };
    let mut points = vec![Point::ok(Topic::Reach, format!("WinRM answers; the first round trip took {took:.0} ms"))];
    points.extend(server.pool().security());
    points.push(product(&identified));
    points.push(role(server, ctl).await);
    points.extend(hindrances(dhcp, ctl).await);
    let relationships = ask(dhcp.failover(), ctl).await;
    points.push(right_to_read(&relationships, dhcp, ctl).await);
    points.push(right_to_write(server, try_save, ctl).await);
    let relationships = relationships.unwrap_or_default();
    points.extend(second_hop(dhcp, &relationships, &server.here(), ctl).await);
    points.push(envelope(server));
    points
}

async fn ask<T>(call: impl Future<Output = std::result::Result<T, Failure>>, ctl: &Control) -> Result<T> {
    unless_cancelled(call, ctl).await?.map_err(Error::from)
}

/// Each failure by what did not work: the way, TLS, or the proof of who we are.
fn not_let_in(server: &WindowsServer, error: &Error) -> Vec<Point> {
    let untried = |point: Point| match point.topic == Topic::Tls && point.verdict != Verdict::Unknown {
        true => point,
        false => Point { verdict: Verdict::NotAsked, hint: None, ..point },
    };
    let connects = Point::ok(Topic::Reach, "it takes connections");
    let [tls, authentication] = server.pool().security();
    match server.pool().failed() {
        Some(About::Proof | About::Password) => vec![connects, tls, Point::failed(Topic::Authentication, error)],
        Some(About::Reach) if tls.verdict == Verdict::Failed => {
            vec![connects, Point::failed(Topic::Tls, error), untried(authentication)]
        }
        _ => vec![Point::failed(Topic::Reach, error), untried(tls), untried(authentication)],
    }
}

fn product(identified: &Identified) -> Point {
    let told: Vec<String> =
        [&identified.vendor, &identified.version].into_iter().flatten().map(ToString::to_string).collect();
    match told.is_empty() {
        true => Point::new(Topic::Product, Verdict::Unknown, "the service does not tell what it is"),
        false => Point::ok(Topic::Product, told.join(", ")),
    }
}

/// Whether the DHCP service runs on the host. Another server's role only its own host could tell.
async fn role(server: &WindowsServer, ctl: &Control) -> Point {
    if let Some(computer) = &server.access().computer {
        return Point::new(
            Topic::Role,
            Verdict::NotAsked,
            format!("the host manages {computer}, which is not asked itself"),
        );
    }
    const SERVICE: &str = "SELECT Name, State, StartMode FROM Win32_Service WHERE Name='DHCPServer'";
    let found = ask(server.dhcp().client().query("root/cimv2", SERVICE), ctl).await;
    match found.as_deref() {
        Ok([service, ..]) => service_point(service),
        Ok([]) => Point::new(Topic::Role, Verdict::Failed, "the host has no service DHCPServer")
            .hint("install the DHCP server role, or name the server that the host manages as computer_name"),
        Err(error) => {
            Point::new(Topic::Role, Verdict::Unknown, format!("its services could not be looked at: {error}"))
        }
    }
}

fn service_point(service: &Instance) -> Point {
    let text = |name| <Option<Foreign> as Property>::read(service.get(name)).ok().flatten();
    let start = text("StartMode").map(|mode| format!(", start mode {mode}")).unwrap_or_default();
    match text("State") {
        Some(state) if state.raw().eq_ignore_ascii_case("Running") => {
            Point::ok(Topic::Role, format!("the service DHCPServer runs{start}"))
        }
        state => {
            let state = state.map_or_else(|| "in an unknown state".to_owned(), |state| state.to_string());
            let found = format!("the service DHCPServer is {state}{start}");
            Point::new(Topic::Role, Verdict::Failed, found).hint("start it: Start-Service DHCPServer")
        }
    }
}

/// What keeps the whole server from serving as its scopes say. Who may not ask learns that elsewhere.
async fn hindrances(dhcp: &Dhcp, ctl: &Control) -> Vec<Point> {
    let Ok(setting) = ask(dhcp.setting(), ctl).await else { return Vec::new() };
    let mut points = Vec::new();
    if setting.is_domain_joined == Some(true) && setting.is_authorized == Some(false) {
        let found = "the domain has not authorized the server: it serves no client";
        points.push(Point::new(Topic::Role, Verdict::Failed, found).hint("authorize it: Add-DhcpServerInDC"));
    }
    if setting.activate_policies == Some(false) {
        let found = "no policy is in force on the whole server, whatever its scopes say";
        points.push(Point::warning(Topic::Role, found).hint("Set-DhcpServerSetting -ActivatePolicies $true"));
    }
    points
}

async fn right_to_read(relationships: &Result<Vec<Failover>>, dhcp: &Dhcp, ctl: &Control) -> Point {
    let relationships = match relationships {
        Ok(relationships) => relationships,
        Err(error) => return Point::failed(Topic::ReadRight, error),
    };
    match ask(dhcp.scopes(&[]), ctl).await {
        Ok(scopes) => {
            let found = format!("it lists {} relationships and {} scopes", relationships.len(), scopes.len());
            Point::ok(Topic::ReadRight, found)
        }
        Err(error) => Point::failed(Topic::ReadRight, &error),
    }
}

/// The name of a class that nobody has.
const NO_CLASS: &str = "scopesync-check-no-such-class";

/// Only a change that changes nothing can tell: the removal of a class that is not there.
async fn right_to_write(server: &WindowsServer, try_save: bool, ctl: &Control) -> Point {
    let not_asked = |why: &str| Point::new(Topic::WriteRight, Verdict::NotAsked, why);
    if server.read_only() {
        return not_asked("the server is read-only: nothing is ever written to it");
    }
    if !try_save {
        return not_asked("only a write can tell")
            .hint("--try-save asks the server to remove a user class that it does not have, which changes nothing");
    }
    let removed = match unless_cancelled(server.dhcp().remove_class(&NO_CLASS.into(), "User"), ctl).await {
        Ok(removed) => removed,
        Err(error) => return Point::failed(Topic::WriteRight, &error),
    };
    match removed {
        Ok(()) => Point::ok(Topic::WriteRight, "probably: it took the removal of a class that it does not have"),
        Err(failure) if failure.code() == Some(Code::Dhcp(codes::CLASS_NOT_FOUND)) => {
            let found =
                "probably: it looked for the class that it was to remove, which it does not have, instead of refusing";
            Point::ok(Topic::WriteRight, found)
        }
        Err(failure) => {
            let error = Error::from(failure);
            let point = Point::failed(Topic::WriteRight, &error);
            match error.kind {
                ErrorKind::Refused => Point { verdict: Verdict::Warning, ..point },
                // whoever may not write would have been told so first, as far as is known
                _ => Point { verdict: Verdict::Unknown, ..point },
            }
        }
    }
}

/// Whether the host can go on to the partners as us, which its own replication needs and this
/// program does not.
async fn second_hop(dhcp: &Dhcp, relationships: &[Failover], here: &[String], ctl: &Control) -> Vec<Point> {
    // relationships may call one partner by several names
    let partners: BTreeMap<Foreign, &Foreign> = relationships
        .iter()
        .map(|failover| (relationship::partner(failover, here).name, &failover.partner_server))
        .collect();
    let mut points = Vec::new();
    for partner in partners.into_values() {
        let beyond = dhcp.beyond(partner);
        points.push(match ask(beyond.version(), ctl).await {
            Ok(version) => {
                let found = format!("{partner} answers through it as {}.{}", version.major, version.minor);
                Point::ok(Topic::SecondHop, found)
            }
            Err(error) => {
                let point = Point::failed(Topic::SecondHop, &error);
                let why = "not needed for reading; only replications that the server does itself are refused then";
                let hint = point.hint.map_or_else(|| why.to_owned(), |hint| format!("{hint}; {why}"));
                let found = format!("{partner} does not answer through it: {}", point.found);
                Point::warning(Topic::SecondHop, found).hint(hint)
            }
        });
    }
    points
}

/// How near the answers come to the largest that may be sent.
fn envelope(server: &WindowsServer) -> Point {
    let (most, largest) = (server.access().max_envelope, server.wire().largest());
    let found = format!("{most} bytes are asked for; the largest answer so far has {largest}");
    match usize::try_from(most).is_ok_and(|most| largest > most / TIGHT) {
        false => Point::ok(Topic::Envelope, found),
        true => Point::warning(Topic::Envelope, found).hint(
            "an answer that does not fit is asked for in parts where it can be; else raise max_envelope in the \
             configuration, and MaxEnvelopeSizekb of WinRM on the server",
        ),
    }
}
