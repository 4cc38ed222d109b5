//! What is called for which difference, in which order, and what of it nobody can vouch for.

use super::*;

/// A scope with one of everything.
fn base() -> Json {
    json!({
        "Scope": {"ScopeId": "10.0.0.0", "Name": "Floor", "Description": "", "SubnetMask": "255.255.255.0",
            "StartRange": "10.0.0.20", "EndRange": "10.0.0.200", "SuperscopeName": "Campus",
            "LeaseDuration": "P8DT0H0M0S", "NapEnable": false, "NapProfile": null, "Delay": 0, "State": "Active",
            "Type": "Dhcp", "MaxBootpClients": u32::MAX, "ActivatePolicies": true},
        "DnsSetting": dns("OnClientRequest"),
        "Exclusions": [range("10.0.0.30", "10.0.0.39")],
        "Policies": [policy("A", 1, json!({"MacAddress": ["EQ", "00-01*"], "UserClass": ["NE", "K"]})),
            policy("B", 2, json!({"Fqdn": ["EQ", "h"]})), policy("C", 3, json!({"MacAddress": ["EQ", "00-03*"]}))],
        "PolicyRanges": [policy_range("A", "10.0.0.100", "10.0.0.109")],
        "Options": [option(3, &["10.0.0.1"], "", "", ""), option(1, &["x"], "Phones", "", ""),
            option(66, &["tftp"], "", "", "A")],
        "Reservations": [reservation("10.0.0.201", "01-01", "one"), reservation("10.0.0.202", "02-02", "two"),
            reservation("10.0.0.203", "03-03", "three")],
        "ReservationOptions": {"10.0.0.201": [option(12, &["one"], "", "", "")]},
    })
}

/// The base with other values at these places, `gone()` for an entry that is not there; `+` adds one.
pub(super) fn with(changes: &[(&str, Json)]) -> Json {
    let mut told = base();
    for (path, value) in changes {
        match path.rsplit_once("/+") {
            Some((list, _)) => told.pointer_mut(list).unwrap().as_array_mut().unwrap().push(value.clone()),
            None if value == "gone" => {
                let (list, at) = path.rsplit_once('/').unwrap();
                told.pointer_mut(list).unwrap().as_array_mut().unwrap().remove(at.parse().unwrap());
            }
            None => {
                let (owner, name) = path.rsplit_once('/').unwrap();
                let owner = told.pointer_mut(owner).unwrap();
                match name.parse::<usize>() {
                    Ok(at) if owner.is_array() => owner[at] = value.clone(),
                    _ => owner[name] = value.clone(),
                }
            }
        }
    }
    told
}

fn gone() -> Json {
    json!("gone")
}

/// What the source has besides the base or otherwise, the same of the target, the calls, and the items that
/// are uncertain, with the fields where it is not all of theirs that change.
type Row = (Vec<(&'static str, Json)>, Vec<(&'static str, Json)>, &'static [&'static str], &'static [&'static str]);

fn rows() -> Vec<Row> {
    let own_dns = |updates: &str| vec![("/DnsSetting", dns(updates)), ("/Options/+", service::dns_option(1, ""))];
    let client = |at: usize, client: &str| {
        (["/Reservations/0/ClientId", "/Reservations/1/ClientId", "/Reservations/2/ClientId"][at], json!(client))
    };
    vec![
        (vec![], vec![], &[], &[]),
        (
            vec![("/Scope/Name", json!("x")), ("/Scope/Delay", json!(5)), ("/Scope/Description", json!("d"))],
            vec![],
            &["setting properties"],
            &[],
        ),
        (
            vec![],
            vec![("/Scope/Description", json!("d")), ("/Scope/NapProfile", json!("n"))],
            &["setting properties", "setting properties"],
            &["property description", "property nap-profile"],
        ),
        (vec![("/Scope/SuperscopeName", json!(""))], vec![], &["leaving the superscope Campus"], &[]),
        (vec![("/Scope/SuperscopeName", json!("x"))], vec![], &["setting properties"], &[]),
        (vec![("/Scope/Future", json!("x"))], vec![], &[], &["property Future"]),
        // a scope that stops does so first, one that starts last
        (
            vec![
                ("/Scope/State", json!("Inactive")),
                ("/Scope/EndRange", json!("10.0.0.199")),
                ("/Exclusions/0", gone()),
            ],
            vec![],
            &[
                "setting properties",
                "removing the exclusion 10.0.0.30-10.0.0.39",
                "setting the range 10.0.0.20-10.0.0.199",
            ],
            &[],
        ),
        (
            vec![("/Exclusions/0", range("10.0.0.30", "10.0.0.40"))],
            vec![("/Scope/State", json!("Inactive"))],
            &["removing the exclusion 10.0.0.30-10.0.0.39", "excluding 10.0.0.30-10.0.0.40", "setting properties"],
            &[],
        ),
        (
            vec![
                ("/Scope/StartRange", json!("10.0.0.10")),
                ("/Exclusions/+", range("10.0.0.12", "10.0.0.13")),
                ("/PolicyRanges/0", policy_range("A", "10.0.0.15", "10.0.0.109")),
            ],
            vec![],
            &[
                "removing the range 10.0.0.100-10.0.0.109 from the policy A",
                "setting the range 10.0.0.10-10.0.0.200",
                "excluding 10.0.0.12-10.0.0.13",
                "adding the range 10.0.0.15-10.0.0.109 to the policy A",
            ],
            &[],
        ),
        (
            vec![
                ("/Options/0/Value", json!(["10.0.0.2"])),
                ("/Options/1", gone()),
                ("/Options/+", option(6, &["k"], "", "K", "")),
            ],
            vec![],
            &["removing option 1", "setting option 3", "setting option 6"],
            &["policy K"],
        ),
        (vec![("/Options/+", option(3, &["again"], "", "", ""))], vec![], &[], &["option dhcp4/3 #2"]),
        // a reservation with its options, and away with another
        (
            vec![
                ("/Reservations/0", gone()),
                ("/Reservations/+", reservation("10.0.0.204", "01-01", "")),
                ("/ReservationOptions", json!({"10.0.0.204": [option(12, &["four"], "", "", "")]})),
            ],
            vec![],
            &[
                "removing the reservation 10.0.0.201",
                "reserving 10.0.0.204",
                "setting option 12 of the reservation 10.0.0.204",
            ],
            &[],
        ),
        (
            vec![("/Reservations/0/Name", json!(""))],
            vec![],
            &["setting the reservation 10.0.0.201"],
            &["reservation 10.0.0.201"],
        ),
        (
            vec![("/Reservations/0/Name", json!("")), ("/Reservations/0/Description", json!("text"))],
            vec![],
            &["setting the reservation 10.0.0.201"],
            &["reservation 10.0.0.201 name"],
        ),
        // clients that move on, from the free end
        (
            vec![client(0, "02-02"), client(1, "03-03"), client(2, "04-04")],
            vec![],
            &[
                "setting the reservation 10.0.0.203",
                "setting the reservation 10.0.0.202",
                "setting the reservation 10.0.0.201",
            ],
            &[],
        ),
        // and in a circle
        (
            vec![client(0, "02-02"), client(1, "01-01")],
            vec![],
            &["removing the reservation 10.0.0.202", "setting the reservation 10.0.0.201", "reserving 10.0.0.202"],
            &[],
        ),
        // policies: one goes to the end, and the others only move up
        (
            vec![
                ("/Policies/0/ProcessingOrder", json!(3)),
                ("/Policies/1/ProcessingOrder", json!(1)),
                ("/Policies/2/ProcessingOrder", json!(2)),
            ],
            vec![],
            &["setting the policy A"],
            &["policy B", "policy C"],
        ),
        (
            vec![("/Policies/0", gone()), ("/PolicyRanges/0", gone()), ("/Options/2", gone())],
            vec![],
            &["removing the policy A"],
            &[],
        ),
        // of what changes besides its place nothing else is in doubt
        (
            vec![
                ("/Policies/0/ProcessingOrder", json!(3)),
                ("/Policies/1/ProcessingOrder", json!(1)),
                ("/Policies/1/Enabled", json!(false)),
                ("/Policies/2/ProcessingOrder", json!(2)),
            ],
            vec![],
            &["setting the policy B", "setting the policy A"],
            &["policy B rank", "policy C"],
        ),
        (
            vec![("/Policies/1/Enabled", json!(false)), ("/Policies/2/MacAddress", json!(["NE", "00-04*"]))],
            vec![],
            &["setting the policy B", "setting the policy C"],
            &[],
        ),
        // a condition cannot be dropped
        (
            vec![("/Policies/0/UserClass", json!([]))],
            vec![],
            &[
                "removing the policy A",
                "adding the policy A",
                "adding the range 10.0.0.100-10.0.0.109 to the policy A",
                "setting option 66 of the policy A",
            ],
            &[],
        ),
        // what is added anew comes last and in one go, and only what is in the way of others goes before it
        (
            vec![
                ("/Policies/0/UserClass", json!([])),
                ("/Policies/1", policy("D", 2, json!({"MacAddress": ["EQ", "00-04*"]}))),
                ("/PolicyRanges/0", policy_range("D", "10.0.0.105", "10.0.0.106")),
                ("/PolicyRanges/+", policy_range("A", "10.0.0.110", "10.0.0.119")),
                ("/Options/+", option(67, &["file"], "", "", "A")),
                ("/Options/+", service::dns_option(0x15, "A")),
            ],
            vec![("/PolicyRanges/+", policy_range("A", "10.0.0.120", "10.0.0.121"))],
            &[
                "removing the range 10.0.0.100-10.0.0.109 from the policy A",
                "removing the policy B",
                "adding the policy D",
                "adding the range 10.0.0.105-10.0.0.106 to the policy D",
                "removing the policy A",
                "adding the policy A",
                "adding the range 10.0.0.110-10.0.0.119 to the policy A",
                "setting option 66 of the policy A",
                "setting option 67 of the policy A",
                "setting how DNS names are registered of the policy A",
            ],
            &["dns-setting option-81 of policy A"],
        ),
        (own_dns("Never"), vec![], &["setting how DNS names are registered"], &[]),
        (own_dns("Never"), own_dns("Always"), &["setting how DNS names are registered"], &[]),
        (vec![], own_dns("Never"), &["removing option 81"], &["dns-setting dynamic-updates"]),
        (
            vec![("/Options/+", service::dns_option(0x15, "A"))],
            vec![("/ReservationOptions/10.0.0.201/+", service::dns_option(1, ""))],
            &[
                "removing option 81 of the reservation 10.0.0.201",
                "setting how DNS names are registered of the policy A",
            ],
            &["dns-setting option-81 of reservation 10.0.0.201", "dns-setting option-81 of policy A"],
        ),
        (vec![("/Options/+", service::dns_option(0x80, "A"))], vec![], &[], &["dns-setting option-81 of policy A"]),
        // a lease is said by its duration: what repeats it has no call
        (
            vec![("/Options/+", option(51, &["60"], "", "", "A"))],
            vec![("/Policies/0/LeaseDuration", json!("PT1H"))],
            &[
                "removing the policy A",
                "adding the policy A",
                "adding the range 10.0.0.100-10.0.0.109 to the policy A",
                "setting option 66 of the policy A",
            ],
            &["option dhcp4/51 of policy A"],
        ),
    ]
}

#[test]
fn calls_are_few_and_in_order() {
    for (ours, theirs, calls, uncertain) in rows() {
        let (source, target) = (with(&ours), with(&theirs));
        let Steps { steps, uncertain: doubts, .. } = laid_out(&source, &target);
        let sent: Vec<String> = steps.iter().map(|step| step.call.to_string()).collect();
        assert_eq!(sent, calls, "{ours:?} {theirs:?}");
        let server = dns("OnClientRequest");
        let changes = drift::compare(&open(&source, &server), &open(&target, &server));
        let doubted = doubts.keys().map(|key| {
            let change = changes.iter().find(|change| change.key == *key);
            let fields = change.and_then(|change| doubts.of(change).filter(|some| some.len() < change.fields.len()));
            fields.map_or_else(
                || key.to_string(),
                |some| some.iter().fold(key.to_string(), |key, field| format!("{key} {field}")),
            )
        });
        assert_eq!(doubted.collect::<Vec<_>>(), uncertain, "{ours:?} {theirs:?}");
    }
}
