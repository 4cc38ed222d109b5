//! Order and grouping of calls; that they bring about what is wanted; what becomes of failures.

mod generated;
mod sent;
mod service;
mod table;

use serde_json::{Value as Json, json};

use super::steps::{self, Step, Steps};
use crate::backend::windows::cim;
use crate::backend::windows::scope::{Surroundings, take_apart};
use crate::engine::drift;
use crate::engine::port::{Fingerprints, Work};
use crate::model::Scope;

/// The DNS setting of a server.
fn dns(updates: &str) -> Json {
    json!({"DynamicUpdates": updates, "DeleteDnsRROnLeaseExpiry": true, "UpdateDnsRRForOlderClients": false,
        "NameProtection": false, "DisableDnsPtrRRUpdate": false, "DnsSuffix": ""})
}

fn around(dns: &Json) -> Surroundings {
    Surroundings::new(&serde_json::from_value::<cim::DnsSetting>(dns.clone()).unwrap())
}

fn option(id: u32, values: &[&str], vendor: &str, user: &str, policy: &str) -> Json {
    json!({"OptionId": id, "Name": format!("option {id}"), "Type": "String", "Value": values, "VendorClass": vendor,
        "UserClass": user, "PolicyName": policy})
}

fn policy(name: &str, order: usize, more: Json) -> Json {
    let mut policy = json!({"Name": name, "ScopeId": "10.0.0.0", "Description": "", "Enabled": true, "Condition": "Or",
        "ProcessingOrder": order, "VendorClass": [], "UserClass": [], "MacAddress": [], "ClientId": [], "RelayAgent": [],
        "CircuitId": [], "RemoteId": [], "SubscriberId": [], "Fqdn": [], "LeaseDuration": null});
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    policy
}

fn reservation(address: &str, client: &str, name: &str) -> Json {
    json!({"IPAddress": address, "ScopeId": "10.0.0.0", "ClientId": client, "Name": name, "Description": null,
        "Type": "Both", "AddressState": "InactiveReservation"})
}

fn range(first: &str, last: &str) -> Json {
    json!({"ScopeId": "10.0.0.0", "StartRange": first, "EndRange": last})
}

fn policy_range(name: &str, first: &str, last: &str) -> Json {
    json!({"Name": name, "ScopeId": "10.0.0.0", "StartRange": first, "EndRange": last})
}

/// What makes the target's scope the source's.
fn work(source: &Scope, target: &Scope, target_dns: &Json) -> Work {
    let changes = drift::compare(source, target);
    Work {
        id: target.id,
        want: Some(drift::want(source, Some(target), &changes, &around(target_dns))),
        before: Some(target.clone()),
        changes,
        expect: Fingerprints { source: None, target: None },
        leaves_out: false,
    }
}

fn open(told: &Json, dns: &Json) -> Scope {
    take_apart(told.clone(), &around(dns)).unwrap()
}

fn laid_out(source: &Json, target: &Json) -> Steps {
    let server = dns("OnClientRequest");
    steps::of(&work(&open(source, &server), &open(target, &server), &server)).unwrap()
}
