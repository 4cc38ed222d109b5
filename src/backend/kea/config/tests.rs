//! What a configuration tells besides its scopes' items.

use serde_json::json;

use super::*;
use crate::model::{Belonging, DefinitionKind, Mode, Role, Store};

fn config(json: &Value, how: How) -> KeaConfig {
    read(&serde_json::to_vec(json).unwrap(), how).unwrap()
}

fn hook(this: &str, more: Value) -> Value {
    let mut parameters = json!({"this-server-name": this, "mode": "hot-standby", "peers": [
        {"name": "b", "url": "http://admin:hunter2@192.0.2.2:1/", "role": "standby", "basic-auth-password": "hunter2"},
        {"name": "c", "url": "http://192.0.2.3:1/", "role": "backup"},
        {"name": "a", "url": "http://192.0.2.1:1/", "role": "primary", "basic-auth-user": "hunter2"}]});
    parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"library": "libdhcp_ha.so", "parameters": {"high-availability": [parameters]}})
}

#[test]
fn relationships_and_identity_come_from_the_hook() {
    let of = |this: &str| config(&json!({"hooks-libraries": [{"library": "x.so"}, hook(this, json!({}))]}), How::File);
    let (a, b) = (of("a"), of("b"));
    let membership = &a.memberships[0];
    assert_eq!((&membership.mode, membership.key().raw()), (&Mode::HotStandby, "a and b and c"));
    let peers: Vec<_> = membership.peers.iter().map(|peer| (peer.name.raw(), &peer.role)).collect();
    assert_eq!(peers, [("a", &Role::Primary), ("b", &Role::Standby), ("c", &Role::Backup)]);
    assert_eq!(a.identity.unwrap().raw(), "a at http://192.0.2.1:1/");
    assert_eq!(b.identity.unwrap().raw(), "b at http://192.0.2.2:1/");
    assert_eq!(a.context, b.context);
    assert_eq!(config(&json!({}), How::File).identity, None);
}

#[test]
fn no_secret_gets_into_what_is_shown() {
    let with = json!({"hooks-libraries": [hook("a", json!({}))], "hosts-databases": [{"type": "mysql", "password": "hunter2"}],
        "config-control": {"config-databases": [{"type": "postgresql", "password": "hunter2"}]},
        "lease-database": {"type": "mysql", "password": "hunter2"},
        "control-sockets": [{"authentication": {"clients": [{"user": "x", "password": "hunter2"}]}}]});
    let config = config(&with, How::Live);
    let shown = format!("{:?} {:?} {:?}", config.context, config.memberships, config.identity);
    assert!(!shown.contains("hunter2"), "{shown}");
    let stores = [Store::HostsDatabase("mysql".into()), Store::ConfigurationBackend("postgresql".into())];
    assert_eq!(config.context.stores, stores);
    assert!(config.hosts_database && config.configuration_backend);
}

#[test]
fn a_server_with_several_relationships_names_them_in_its_scopes() {
    let mut both = hook("a", json!({}));
    let other = json!({"this-server-name": "z", "mode": "load-balancing", "peers": [
        {"name": "z", "url": "http://192.0.2.9:1/", "role": "primary"}, {"name": "y", "url": "u", "role": "secondary"}]});
    both["parameters"]["high-availability"].as_array_mut().unwrap().push(other);
    let config = config(
        &json!({"hooks-libraries": [both],
            "shared-networks": [{"subnet4": [{"id": 1, "subnet": "10.0.0.0/24"},
                {"id": 2, "subnet": "10.0.1.0/24", "user-context": {"ha-server-name": "y", "comment": "own"}}],
                "name": "floor", "user-context": {"ha-server-name": "b"}}],
            "subnet4": [{"id": 3, "subnet": "10.0.2.0/24", "comment": "c"},
                {"id": 4, "subnet": "10.0.3.0/24", "user-context": {"ha-server-name": "x"}}]}),
        How::File,
    );
    assert_eq!(config.identity.unwrap().raw(), "a at http://192.0.2.1:1/, z at http://192.0.2.9:1/");
    let told: Vec<_> = config.scopes.values().map(|e| (e.server_id, e.name.clone(), e.belongs.clone())).collect();
    let text = |text: &str| Some(Foreign::from(text));
    let to = |key: &str| Belonging::To(key.into());
    let expected = [
        (Some(1), None, to("a and b and c")),
        (Some(2), text("own"), to("y and z")),
        (Some(3), text("c"), Belonging::Nobody),
        (Some(4), None, Belonging::Unknown("x".into())),
    ];
    assert_eq!(told, expected);
    let network = |id: &str| config.scopes[&id.parse().unwrap()].raw.placement().cloned();
    assert_eq!((network("10.0.0.0/24"), network("10.0.2.0/24")), (text("floor"), None));
}

#[test]
fn defaults_said_and_unsaid_are_the_same() {
    let said = json!({"valid-lifetime": 7200, "next-server": "0.0.0.0", "t1-percent": 0.5, "echo-client-id": true,
        "reservations-in-subnet": true, "host-reservation-identifiers": ["hw-address", "duid", "circuit-id", "client-id"],
        "max-valid-lifetime": 7200, "reservations": [], "hosts-databases": [], "option-data": [],
        "loggers": [{"name": "x"}], "statistic-default-sample-age": 9, "hostname-char-set": "x", "server-tag": "me",
        "client-classes": [{"name": "voip", "test": "x", "next-server": "0.0.0.0", "option-data": [], "option-def": [],
            "boot-file-name": "", "server-hostname": "", "only-in-additional-list": false}],
        "option-def": [{"name": "o", "code": 222, "type": "uint8", "space": "dhcp4", "array": false, "record-types": "",
            "encapsulate": ""}],
        "shared-networks": [{"name": "n", "valid-lifetime": 7200, "relay": {"ip-addresses": []}, "interface": "eth0"}]});
    let unsaid = json!({"client-classes": [{"name": "voip", "test": "x"}], "shared-networks": [{"name": "n"}],
        "option-def": [{"name": "o", "code": 222, "type": "uint8"}], "reservation-mode": "all"});
    assert_eq!(config(&said, How::Live).context, config(&unsaid, How::File).context);
}

#[test]
fn what_surrounds_the_scopes_is_compared() {
    let definitions = |json: Value| config(&json, How::File).context.definitions.clone();
    let plain = definitions(json!({}));
    let changed = |json: Value| -> Vec<(DefinitionKind, String)> {
        let found = definitions(json);
        let differs = found.iter().filter(|(key, value)| plain.get(key) != Some(value));
        differs.map(|((kind, name), _)| (*kind, name.raw().to_owned())).collect()
    };
    let one = |kind, name: &str| vec![(kind, name.to_owned())];
    assert_eq!(changed(json!({"valid-lifetime": 3600})), one(DefinitionKind::Global, "valid-lifetime"));
    assert_eq!(changed(json!({"future-knob": [1]})), one(DefinitionKind::Global, "future-knob"));
    assert_eq!(
        changed(json!({"reservations-global": true})),
        one(DefinitionKind::ReservationMode, "reservations-global")
    );
    assert_eq!(
        changed(json!({"reservation-mode": "out-of-pool"})),
        one(DefinitionKind::ReservationMode, "reservations-out-of-pool")
    );
    assert_eq!(
        changed(json!({"host-reservation-identifiers": ["client-id", "hw-address"]})),
        one(DefinitionKind::ReservationMode, "host-reservation-identifiers")
    );
    assert_eq!(
        changed(json!({"reservations": [{"hw-address": "02:00:00:00:00:01", "hostname": "x"}]})),
        one(DefinitionKind::Global, "reservation hw-address 02:00:00:00:00:01")
    );
    assert_eq!(
        changed(json!({"option-data": [{"name": "routers", "data": "x"}]})),
        one(DefinitionKind::GlobalOption, "dhcp4/3")
    );
    let network = definitions(json!({"shared-networks": [{"name": "n", "valid-lifetime": 9, "min-valid-lifetime": 8,
        "option-data": [{"code": 4, "data": "192.0.2.1"}], "subnet4": []}]}));
    let fields: Vec<&str> = network[&(DefinitionKind::Network, "n".into())].fields.keys().map(Foreign::raw).collect();
    assert_eq!(fields, ["min-valid-lifetime", "option time-servers dhcp4/4", "valid-lifetime"]);
}

#[test]
fn failover_parameters_know_their_defaults_and_no_local_ones() {
    let parameters = |more: Value| config(&json!({"hooks-libraries": [hook("a", more)]}), How::File).context;
    assert_eq!(
        parameters(json!({})),
        parameters(json!({"heartbeat-delay": 10000, "delayed-updates-limit": 0,
        "trust-anchor": "/x", "multi-threading": {"http-client-threads": 4}}))
    );
    let slow = parameters(json!({"heartbeat-delay": 3000}));
    let name = "heartbeat-delay of a and b and c".into();
    assert_ne!(slow.get(DefinitionKind::Failover, &name), parameters(json!({})).get(DefinitionKind::Failover, &name));
    assert!(slow.get(DefinitionKind::Failover, &name).is_some());
}

#[test]
fn a_subnet_that_cannot_be_listed_is_told_and_hides_no_other() {
    let config = config(
        &json!({"subnet4": [{"subnet": "10.0.0.0/24"}, {"subnet": "nonsense"}, {"id": 4}, {"subnet": "10.0.0.9/24"}]}),
        How::File,
    );
    assert_eq!(config.scopes.len(), 1);
    let told: Vec<String> = config.unreadable.iter().map(|(id, why)| format!("{id:?} {why}")).collect();
    assert_eq!(told.len(), 3);
    assert!(told[0].contains("nonsense") && told[1].contains("without prefix"));
    assert!(told[2].contains("10.0.0.0") && told[2].contains("twice"));
}

#[test]
fn scopes_are_the_text_of_the_answer() {
    let text = br#" { "subnet4" : [ {"id": 1, "subnet":"10.0.0.0\/24" } ] , "valid-lifetime":1}"#;
    let config = read(text, How::Live).unwrap();
    let raw = config.scopes.values().next().unwrap().raw.text().into_owned();
    assert_eq!(*raw, *br#"{"id": 1, "subnet":"10.0.0.0\/24" }"#);
    assert_eq!(config.text.text(), text);
    for bad in ["", "[]", "{\"subnet4\": [{]}", "{\"a\": nul}", "{\"subnet4\": [7]}"] {
        assert!(read(bad.as_bytes(), How::Live).is_err(), "{bad}");
    }
}

#[test]
fn what_outside_the_scopes_is_not_revealed_is_told() {
    let raw =
        json!([{"code": 43, "csv-format": false, "data": "", "name": "vendor-encapsulated-options", "space": "dhcp4"}]);
    let json = json!({"option-data": raw, "client-classes": [{"name": "voip", "option-data": raw}, {"name": "other"}],
        "shared-networks": [{"name": "floor", "option-data": raw, "subnet4": []}]});
    let hidden: Vec<_> =
        config(&json, How::Live).context.hidden.iter().map(|(_, name)| name.raw().to_owned()).collect();
    assert_eq!(hidden, ["dhcp4/43", "voip", "floor"]);
    assert!(config(&json, How::File).context.hidden.is_empty(), "a file shows all that there is");
}
