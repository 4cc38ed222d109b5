//! The adapter against a control socket that answers as no healthy Kea does, or with what
//! the test machines lack: a hosts database.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde_json::{Value, json};

use super::*;
use crate::backend::kea::fake::{Fake, Play};
use crate::backend::kea::socket::{Limits, Socket};
use crate::model::{ItemKey, ReservationKey};

fn server(fake: &Fake) -> LiveServer {
    let policy = Policy { read_only: false, save: true, ..Policy::default() };
    LiveServer::new("kea-1".into(), Socket::new(fake.path(), Limits::default()), policy)
}

fn ok(arguments: Value) -> Option<Value> {
    Some(json!({ "result": 0, "text": "fine", "arguments": arguments }))
}

#[tokio::test]
async fn a_server_that_talks_nonsense_is_named() {
    for nonsense in ["", "HTTP/1.1 400 Bad Request\r\n", "{\"result\": 0}", "[{\"result\": 0, \"arguments\": []}]"] {
        let fake = Fake::play(Play::Answer(nonsense.into()));
        let error = server(&fake).read(&Control::free()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Garbled, "{nonsense}: {error}");
        assert_eq!(error.server.unwrap().as_str(), "kea-1");
    }
}

#[tokio::test]
async fn what_is_wrong_comes_before_the_command() {
    let said = |error: Error| error.to_string();
    let policy = Policy { read_only: false, save: true, ..Policy::default() };
    let absent = LiveServer::new("kea-1".into(), Socket::new("/nonexistent/s", Limits::default()), policy);
    let error = said(absent.read(&Control::free()).await.unwrap_err());
    assert!(error.starts_with("kea-1: there is no control socket at /nonexistent/s"), "{error}");
    let fake = Fake::script(|_| None);
    let error = said(server(&fake).read(&Control::free()).await.unwrap_err());
    assert_eq!(error, "kea-1: the server closed the connection without an answer (list-commands)");
}

#[tokio::test]
async fn another_kind_of_kea_is_told_apart() {
    let fake = Fake::script(|request| match request["command"].as_str()? {
        "list-commands" => ok(json!(["config-get", "list-commands"])),
        _ => ok(json!({ "Dhcp6": { "subnet6": [] } })),
    });
    let error = server(&fake).read(&Control::free()).await.unwrap_err();
    assert!(error.what.contains("not that of a DHCPv4 server"), "{error}");
}

#[tokio::test]
async fn a_cancelled_reading_ends_at_once() {
    let fake = Fake::play(Play::Silent);
    let ctl = Control::free();
    ctl.hard.cancel();
    assert_eq!(server(&fake).read(&ctl).await.unwrap_err().kind, ErrorKind::Cancelled);
}

#[tokio::test]
async fn a_read_only_server_has_no_writer() {
    let fake = Fake::play(Play::HangUp);
    let policy = Policy { read_only: true, save: true, ..Policy::default() };
    let server = LiveServer::new("kea-1".into(), Socket::new(fake.path(), Limits::default()), policy);
    let Err(error) = server.writer(&Control::free()).await else { panic!("there is a writer") };
    assert_eq!(error.kind, ErrorKind::Safety);
    assert!(fake.requests().is_empty());
}

/// A server with one reservation in its configuration and more in a database, in two pages.
fn with_database(pages: bool) -> Fake {
    let host = |mac: &str, address: &str, subnet: u32| json!({ "hw-address": mac, "ip-address": address, "subnet-id": subnet });
    Fake::script(move |request| {
        let arguments = &request["arguments"];
        let (own, first, second) = (
            host("02:00:00:00:00:01", "10.0.0.1", 1),
            host("02:00:00:00:00:02", "10.0.0.2", 1),
            host("02:00:00:00:00:03", "10.0.0.3", 1),
        );
        match request["command"].as_str()? {
            "list-commands" => {
                let mut commands = vec!["config-get", "subnet4-list", "subnet4-get", "reservation-get-all"];
                commands.extend(pages.then_some("reservation-get-page"));
                ok(json!(commands))
            }
            "config-get" => ok(json!({ "Dhcp4": {
                "hosts-database": { "type": "mysql", "password": "secret" },
                "subnet4": [{ "id": 1, "subnet": "10.0.0.0/24", "reservations": [
                    { "hw-address": "02:00:00:00:00:01", "ip-address": "10.0.0.1" }] }] } })),
            "reservation-get-page" => match (&arguments["source-index"], &arguments["from"]) {
                (index, from) if index == 1 && from == 0 => {
                    // the configuration's own comes again, and one of a subnet that is not there
                    let hosts = [own, first, host("02:00:00:00:00:04", "10.9.0.4", 9)];
                    ok(json!({ "count": 3, "hosts": hosts, "next": { "from": 3, "source-index": 1 } }))
                }
                (index, from) if index == 1 && from == 3 => {
                    ok(json!({ "count": 1, "hosts": [second], "next": { "from": 4, "source-index": 1 } }))
                }
                _ => Some(json!({ "result": 3, "arguments": { "count": 0, "hosts": [] } })),
            },
            "reservation-get-all" => ok(json!({ "hosts": [own, first, second] })),
            "subnet4-list" => {
                ok(json!({ "subnets": [{ "id": 1, "subnet": "10.0.0.0/24", "shared-network-name": null }] }))
            }
            "subnet4-get" => ok(json!({ "subnet4": [{ "id": 1, "subnet": "10.0.0.0/24" }] })),
            _ => None,
        }
    })
}

fn reserved(scope: &Scope) -> Vec<String> {
    let addresses = scope.items.keys().filter_map(ItemKey::in_reservation);
    addresses.filter(|key| matches!(key, ReservationKey::Address(_))).map(ToString::to_string).collect()
}

#[tokio::test]
async fn reservations_in_a_database_are_compared() {
    let fake = with_database(true);
    let server = server(&fake);
    let reading = server.read(&Control::free()).await.unwrap();
    assert!(reading.unreadable.is_empty(), "{:?}", reading.unreadable);
    let scope = reading.scopes.values().next().unwrap().raw.open().unwrap();
    assert_eq!(reserved(&scope), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    let again = server.reread(&[scope.id], &Control::free()).await.unwrap();
    assert_eq!(again[&scope.id].as_ref().unwrap().items, scope.items);
}

#[tokio::test]
async fn a_database_that_cannot_be_read_is_remarked() {
    let fake = with_database(false);
    let reading = server(&fake).read(&Control::free()).await.unwrap();
    let [(None, remark)] = reading.unreadable.as_slice() else { panic!("{:?}", reading.unreadable) };
    assert!(remark.raw().contains("lacks reservation-get-page"), "{remark}");
    assert_eq!(reading.scopes.len(), 1);
}

#[tokio::test]
async fn a_scope_that_went_a_moment_ago_is_gone_and_no_failure() {
    let gone = Arc::new(AtomicBool::new(false));
    let behind = gone.clone();
    let fake = Fake::script(move |request| {
        let is_gone = behind.load(Relaxed);
        let subnet = json!({ "id": 1, "subnet": "10.0.0.0/24" });
        match request["command"].as_str()? {
            "list-commands" => ok(json!(["config-get", "subnet4-list", "subnet4-get", "reservation-get-all"])),
            "config-get" if is_gone => ok(json!({ "Dhcp4": { "subnet4": [] } })),
            "config-get" => ok(json!({ "Dhcp4": { "subnet4": [subnet] } })),
            "subnet4-list" => ok(json!({ "subnets": [subnet] })),
            // as Kea 3.0 says it
            "subnet4-get" if is_gone => Some(json!({ "result": 3, "text": "0 IPv4 subnets returned" })),
            "subnet4-get" => ok(json!({ "subnet4": [subnet] })),
            "reservation-get-all" if is_gone => {
                Some(json!({ "result": 1, "text": "IPv4 subnet with ID of '1' is not configured" }))
            }
            "reservation-get-all" => ok(json!({ "hosts": [] })),
            _ => None,
        }
    });
    let server = server(&fake);
    server.read(&Control::free()).await.unwrap();
    let id: ScopeId = "10.0.0.0/24".parse().unwrap();
    assert!(server.reread(&[id], &Control::free()).await.unwrap()[&id].is_some());
    gone.store(true, Relaxed);
    let again = server.reread(&[id], &Control::free()).await.unwrap();
    assert!(again[&id].is_none(), "within the time of the list");
}
