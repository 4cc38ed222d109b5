//! A configuration file, and what a real Kea makes of it: the same scopes with the same
//! surroundings, however the file spells them.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used)] // helpers of tests

mod common;

use common::pair::{Pair, PairOptions, Side, Version};
use scopesync::backend::kea::config::{self, How, KeaConfig};
use scopesync::backend::kea::dialect;
use scopesync::backend::kea::subnet::{self, Style};
use scopesync::engine::drift;
use scopesync::model::Scope;
use serde_json::{Value, json};

/// Spellings that every version takes; comments, as only files may have them.
fn odd(version: Version, dhcp4: &mut Value) {
    let new = version == Version::Newest;
    dhcp4["min-valid-lifetime"] = json!(1000);
    dhcp4["max-valid-lifetime"] = json!(9000);
    dhcp4["next-server"] = json!("192.0.2.1");
    dhcp4["shared-networks"] = json!([
        {"name": "n1", "valid-lifetime": 5000, "relay": {"ip-addresses": ["192.0.2.200"]}, "next-server": "192.0.2.7",
         "t1-percent": 0.4, "client-class": "voip", "renew-timer": 777, "comment": "of the network", "subnet4": [
            {"id": 100, "subnet": "172.16.0.0/24"},
            {"id": 101, "subnet": "172.16.1.0/24", "valid-lifetime": 4200, "min-valid-lifetime": 4200,
             "relay": {"ip-addresses": ["192.0.2.202", "192.0.2.201"]}},
            {"id": 102, "subnet": "172.16.2.0/24", "next-server": "192.0.2.7", "max-valid-lifetime": 8000,
             "calculate-tee-times": true, "cache-max-age": 5}]},
        {"name": "n2", "min-valid-lifetime": 4000, "subnet4": [
            {"id": 103, "subnet": "172.16.3.0/24", "comment": "hello", "user-context": {"a": {"b": 1}}}]},
    ]);
    let mut options = json!([
        {"name": "routers", "data": "10.0.0.1,10.0.0.2 ,  10.0.0.3"}, {"code": 222, "data": "7"},
        {"name": "domain-search", "data": "a.org,b.org", "always-send": true},
        {"code": 230, "data": "0x0a0b", "csv-format": false}, {"code": 231, "data": "'abc'", "csv-format": false},
        {"code": 61, "data": "010203"}, {"space": "vendor-4491", "name": "tftp-servers", "data": "10.0.0.5"},
    ]);
    let mut pool = json!({"pool": "10.0.0.10 - 10.0.0.20", "client-class": "pxe", "require-client-classes": ["voip"],
        "comment": "of the pool", "option-data": [{"name": "vendor-encapsulated-options"},
            {"code": 2, "space": "vendor-encapsulated-options-space", "data": "0a0b", "csv-format": false}]});
    if new {
        pool["pool-id"] = json!(4);
        pool["ddns-send-updates"] = json!(false);
        let more = json!([{"name": "ntp-servers", "never-send": true},
            {"code": 15, "data": "c1.org", "client-classes": ["voip"]},
            {"code": 15, "data": "c2.org", "client-classes": ["pxe"], "comment": "of the option"},
            {"name": "classless-static-route", "data": "10.0.0.0/8 - 10.0.0.1, 0.0.0.0/0 - 10.0.0.2"}]);
        options.as_array_mut().expect("a list").extend(more.as_array().expect("a list").clone());
    }
    dhcp4["subnet4"] = json!([{
        "id": 1, "subnet": "10.0.0.0/24", "client-class": "voip", "require-client-classes": ["pxe"],
        "4o6-interface-id": "x", "4o6-subnet": "2001:db8::/64", "reservations-global": true,
        "reservations-in-subnet": false, "authoritative": true, "match-client-id": false, "store-extended-info": true,
        "hostname-char-set": "[^A-Z]", "option-data": options, "pools": [pool, {"pool": "10.0.0.128/26"}],
        "reservations": [
            {"hw-address": "2:0:0A:0:0:1", "ip-address": "10.0.0.5", "hostname": "Foo.Bar", "comment": "of the host"},
            {"client-id": "'abc'", "ip-address": "10.0.0.6"}, {"client-id": "01:0A:0b", "hostname": "d", "client-classes": ["voip", "pxe"]},
            {"duid": "01:02:03:0a", "hostname": "e", "next-server": "192.0.2.3", "boot-file-name": "x"}, {"circuit-id": "0a0b0c", "hostname": "c"},
            {"flex-id": "'s0mEVaLue'", "option-data": [{"name": "host-name", "data": "x"}]},
            {"hw-address": "020000000009", "ip-address": "10.0.0.9", "server-hostname": "s"}],
    }]);
}

fn read(dhcp4: &Value, how: How) -> KeaConfig {
    config::read(&serde_json::to_vec(dhcp4).expect("JSON"), how).expect("a configuration")
}

fn scopes(config: &KeaConfig) -> Vec<Scope> {
    config.scopes.values().map(|entry| entry.raw.open().expect("a scope")).collect()
}

fn in_sync(a: &KeaConfig, b: &KeaConfig) {
    let (a, b) = (scopes(a), scopes(b));
    assert_eq!(a.iter().map(|scope| scope.id).collect::<Vec<_>>(), b.iter().map(|scope| scope.id).collect::<Vec<_>>());
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(drift::compare(a, b), [], "{}", a.id);
        assert_eq!(drift::compare(b, a), [], "{}", a.id);
    }
}

fn pair_of_oddities(version: Version) -> Option<(Pair, Value)> {
    let pair = Pair::up(PairOptions { version, subnets: 2, reservations: 0, ..PairOptions::default() })?;
    let text = std::fs::read(pair.config_path(Side::A)).expect("the file");
    let parsed = dialect::parse("kea-dhcp4.conf", text, |_| Err("no include".into())).expect("Kea's dialect");
    let mut file = parsed.root().to_json();
    odd(version, &mut file["Dhcp4"]);
    std::fs::write(pair.config_path(Side::A), file.to_string()).expect("the file is written");
    pair.ok(Side::A, "config-reload", Value::Null);
    Some((pair, file["Dhcp4"].take()))
}

fn a_file_equals_its_running_server(version: Version) {
    let Some((pair, file)) = pair_of_oddities(version) else { return };
    let (live, file) = (read(&pair.config(Side::A), How::Live), read(&file, How::File));
    assert_eq!(scopes(&live).len(), 5);
    in_sync(&live, &file);
    assert_eq!(live.identity, file.identity);
    let same = |(key, told): &(&_, &_)| file.context.definitions.get(*key) != Some(*told);
    let differs: Vec<_> = live.context.definitions.iter().filter(same).collect();
    assert!(differs.is_empty(), "{differs:#?}");
    assert_eq!(live.context.definitions.len(), file.context.definitions.len());
}

#[test]
fn a_file_equals_its_running_server_of_the_newest_version() {
    a_file_equals_its_running_server(Version::Newest);
}

#[test]
fn a_file_equals_its_running_server_of_an_old_version() {
    a_file_equals_its_running_server(Version::Installed);
}

#[test]
fn writing_back_what_was_read_changes_nothing() {
    let Some((pair, _)) = pair_of_oddities(Version::Newest) else { return };
    let before = read(&pair.config(Side::A), How::Live);
    for scope in scopes(&before) {
        let written = subnet::render(&scope, Style::Write, &before.surroundings).subnet;
        pair.ok(Side::A, "subnet4-update", json!({"subnet4": [written]}));
        let id = json!({"id": scope.server_id()});
        let subnet = pair.ok(Side::A, "subnet4-get", id)["subnet4"][0].take();
        let hosts = pair.cmd(Side::A, "reservation-get-all", json!({"subnet-id": scope.server_id()}));
        let hosts = hosts["arguments"]["hosts"].as_array().cloned().unwrap_or_default();
        let again = subnet::reopen(&subnet, &hosts, scope.network(), &before.surroundings).expect("a scope");
        assert_eq!(again.items, scope.items, "{}", scope.id);
    }
    let after = read(&pair.config(Side::A), How::Live);
    in_sync(&before, &after);
    assert_eq!(before.context, after.context);
}
