use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::cim;
use super::*;
use crate::engine::drift;
use crate::model::OptionKey;

fn dns(updates: &str) -> Json {
    json!({"DynamicUpdates": updates, "DeleteDnsRROnLeaseExpiry": true, "UpdateDnsRRForOlderClients": false,
        "NameProtection": false, "DisableDnsPtrRRUpdate": false, "DnsSuffix": null})
}

fn around(updates: &str) -> Surroundings {
    let setting: cim::DnsSetting = serde_json::from_value(dns(updates)).unwrap();
    Surroundings::new(&setting)
}

fn option(id: u32, value: &[&str], more: Json) -> Json {
    let mut option = json!({"OptionId": id, "Name": format!("option {id}"), "Type": "String", "Value": value,
        "VendorClass": "", "UserClass": null, "PolicyName": ""});
    option.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    option
}

fn policy(name: &str, order: u16, more: Json) -> Json {
    let mut policy = json!({"Name": name, "ScopeId": "10.0.0.0", "Description": "", "Enabled": true, "Condition": "Or",
        "ProcessingOrder": order, "VendorClass": [], "UserClass": [], "MacAddress": [], "ClientId": [], "RelayAgent": [],
        "CircuitId": [], "RemoteId": [], "SubscriberId": [], "Fqdn": [], "LeaseDuration": null});
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    policy
}

fn native() -> Json {
    json!({
        "Scope": {"ScopeId": "10.0.0.0", "Name": "Büro", "Description": "", "SubnetMask": "255.255.255.0",
            "StartRange": "10.0.0.10", "EndRange": "10.0.0.200", "SuperscopeName": "", "LeaseDuration": "P8DT0H0M0S",
            "NapEnable": false, "NapProfile": null, "Delay": 0, "State": "Active", "Type": "Dhcp",
            "MaxBootpClients": 4_294_967_295_u32, "ActivatePolicies": true, "Future": "x"},
        "DnsSetting": dns("Always"),
        "Exclusions": [{"ScopeId": "10.0.0.0", "StartRange": "10.0.0.50", "EndRange": "10.0.0.59"}],
        "Policies": [policy("P", 1, json!({"MacAddress": ["EQ", "00155D*", "000569*"], "LeaseDuration": "P0DT1H0M0S"}))],
        "PolicyRanges": [{"Name": "P", "ScopeId": "10.0.0.0", "StartRange": "10.0.0.60", "EndRange": "10.0.0.69"}],
        "Options": [
            option(3, &["10.0.0.1", "10.0.0.2"], json!({"Type": "IPv4Address"})),
            option(51, &["691200"], json!({"Type": "DWord"})),
            option(51, &["3600"], json!({"Type": "DWord", "PolicyName": "P"})),
            option(1, &["a"], json!({"VendorClass": "Phones"})),
            option(1, &["b"], json!({"VendorClass": "Cameras"})),
            option(6, &["c"], json!({"UserClass": "Kiosks"})),
        ],
        "Reservations": [{"IPAddress": "10.0.0.20", "ScopeId": "10.0.0.0", "ClientId": "aa-bb-cc-dd-ee-ff", "Name": "",
            "Description": null, "Type": "Both", "AddressState": "InactiveReservation"}],
        "ReservationOptions": {"10.0.0.20": [option(12, &["printer"], json!({})), option(81, &["5"], json!({}))]},
    })
}

fn open(native: Json) -> Scope {
    take_apart(native, &around("OnClientRequest")).unwrap()
}

fn keys(scope: &Scope) -> Vec<String> {
    scope.items.keys().map(ToString::to_string).collect()
}

#[test]
fn a_scope_is_taken_apart() {
    let scope = open(native());
    assert_eq!((scope.id.to_string(), scope.name.as_ref().unwrap().raw()), ("10.0.0.0/24".into(), "Büro"));
    let found = keys(&scope);
    for key in [
        "property name",
        "property Future",
        "range 10.0.0.10-10.0.0.200",
        "exclusion 10.0.0.50-10.0.0.59",
        "reservation 10.0.0.20",
        "option dhcp4/3",
        "option Phones/1",
        "option Cameras/1",
        "option dhcp4/6 @Kiosks",
        "option dhcp4/12 of reservation 10.0.0.20",
        "dns-setting option-81 of reservation 10.0.0.20",
        "dns-setting dynamic-updates",
        "policy P",
        "range 10.0.0.60-10.0.0.69 of policy P",
    ] {
        assert!(found.contains(&key.to_owned()), "{key} in {found:?}");
    }
    // empty text says nothing; the lease is said by LeaseDuration, of the scope and of its policy
    assert!(!found.iter().any(|key| key.contains("description") || key.contains("dhcp4/51")), "{found:?}");
    assert_eq!(*scope.native, native());
    let value = |name: &str| scope.items[&ItemKey::property(name)].value().unwrap().canonical.to_string();
    assert_eq!([value("lease-duration"), value("max-bootp-clients")], ["8.00:00:00", "no limit"]);
    let needs = [
        Need::OptionDefinition("dhcp4".into(), 3),
        Need::OptionDefinition("Cameras".into(), 1),
        Need::VendorClass("Phones".into()),
        Need::UserClass("Kiosks".into()),
    ];
    assert!(needs.iter().all(|need| scope.needs.contains(need)), "{:?}", scope.needs);
}

#[test]
fn scopes_that_are_equal_in_other_words_have_no_drift() {
    let mut other = native();
    other["Scope"]["Description"] = Json::Null;
    other["Scope"]["SuperscopeName"] = Json::Null;
    for absent in ["MaxBootpClients", "Delay", "NapEnable", "NapProfile", "ActivatePolicies"] {
        other["Scope"].as_object_mut().unwrap().remove(absent);
    }
    other["Scope"]["State"] = "ACTIVE".into();
    other["Scope"]["LeaseDuration"] = "00000008000000.000000:000".into();
    other["Reservations"][0]["ClientId"] = "AABBCCDDEEFF".into();
    other["Reservations"][0]["AddressState"] = "ActiveReservation".into();
    other["Reservations"][0]["Type"] = "both".into();
    other["Policies"][0]["Condition"] = "OR".into();
    other["Policies"][0]["ProcessingOrder"] = 7.into();
    other["Policies"][0]["MacAddress"] = json!(["eq", "00-05-69*", "EQ", "00-15-5d*"]);
    other["DnsSetting"].as_object_mut().unwrap().remove("DisableDnsPtrRRUpdate");
    other["DnsSetting"]["DynamicUpdates"] = "always".into();
    other["Options"].as_array_mut().unwrap().reverse();
    other["Options"].as_array_mut().unwrap().retain(|option| option["OptionId"] != 51);
    let [ours, theirs] = [native(), other].map(open);
    assert_eq!(drift::compare(&ours, &theirs), []);
    assert_eq!(drift::compare(&theirs, &ours), []);
}

#[test]
fn what_means_something_else_differs() {
    let changed = |path: &str, value: Json| {
        let mut other = native();
        *other.pointer_mut(path).unwrap() = value;
        drift::compare(&open(native()), &open(other)).len()
    };
    for (path, value) in [
        ("/Scope/Name", json!("büro")),
        ("/Scope/State", json!("Inactive")),
        ("/Scope/LeaseDuration", json!("P49710DT6H28M15S")),
        ("/Scope/MaxBootpClients", json!(0)),
        ("/Scope/Future", json!("y")),
        ("/Reservations/0/ClientId", json!("aa-bb-cc-dd-ee-fe")),
        ("/Reservations/0/Description", json!(" ")),
        ("/Options/0/Value", json!(["10.0.0.2", "10.0.0.1"])),
        ("/Options/4/Value", json!(["a"])),
        ("/Policies/0/Enabled", json!(false)),
        ("/Policies/0/MacAddress", json!(["NE", "00155D*", "000569*"])),
        ("/Policies/0/LeaseDuration", Json::Null),
        ("/ReservationOptions/10.0.0.20/1/Value", json!(["4"])),
        ("/DnsSetting/NameProtection", json!(true)),
        ("/DnsSetting/DnsSuffix", json!("x.org")),
    ] {
        // a policy without a lease of its own tells option 51
        let expected = if path.ends_with("0/LeaseDuration") { 2 } else { 1 };
        assert_eq!(changed(path, value), expected, "{path}");
    }
    let mut newer = native();
    newer["DnsSetting"]["Future"] = "x".into();
    assert_eq!(drift::compare(&open(native()), &open(newer)).len(), 1, "a property that nobody knows");
    assert_eq!(changed("/Scope/EndRange", json!("10.0.0.201")), 2, "a range is in its key");
}

#[test]
fn a_dns_setting_that_is_the_servers_is_inherited() {
    let scope = |updates: &str, server: &str, own: bool| {
        let mut native = native();
        native["DnsSetting"] = dns(updates);
        if own {
            native["Options"].as_array_mut().unwrap().push(option(81, &["23"], json!({})));
        }
        take_apart(native, &around(server)).unwrap()
    };
    let inherits = |scope: &Scope| scope.items[&dns_key("dynamic-updates".into())].is_inherited();
    assert!(inherits(&scope("Always", "Always", false)));
    assert!(!inherits(&scope("Always", "Always", true)), "option 81 is there");
    assert!(!inherits(&scope("Always", "Never", false)));
    // the servers differ, and both scopes follow theirs
    assert_eq!(drift::compare(&scope("Always", "Always", false), &scope("Never", "Never", false)), []);
    let own = drift::compare(&scope("Always", "Always", false), &scope("Never", "Always", false));
    assert_eq!(own.len(), 1);
    let both = drift::compare(&scope("Always", "Never", false), &scope("Never", "Never", false));
    assert!(!both.is_empty());
}

#[test]
fn conditions_are_sets_by_comparator() {
    let of = |told: Json| {
        let mut other = native();
        other["Policies"][0]["UserClass"] = told;
        let scope = open(other);
        let key = ItemKey { owner: Owner::Scope, kind: Kind::Policy, name: KeyName::Name("P".into()) };
        scope.items[&key].fields.get("user-class").map(|value| value.canonical.to_json())
    };
    assert_eq!(of(json!(["NE", "B", "EQ", "A", "NE", "C", "B"])), Some(json!({"eq": ["A"], "ne": ["B", "C"]})));
    assert_eq!(of(json!(["Isl", ""])), of(json!(["isl"])));
    assert_eq!(of(json!(["A", "EQ", "B"])), Some(json!(["A", "EQ", "B"])), "no comparator first: as it stands");
    assert_eq!(of(json!([])), None);
}

#[test]
fn a_class_is_needed_without_the_asterisk_behind_it() {
    let mut other = native();
    other["Policies"][0]["VendorClass"] = json!(["EQ", "MSFT*", "*"]);
    let need = Need::VendorClass("MSFT".into());
    let text = serde_json::to_vec(&other).unwrap();
    let raw = WindowsScope { text, complete: Complete::Whole, around: Arc::new(around("Always")) };
    assert!(raw.may_need(&need) && raw.open().unwrap().needs.contains(&need));
    let odd =
        |need: &Need| matches!(need, Need::VendorClass(name) if name.raw().contains('*') || name.raw().is_empty());
    assert!(!open(other).needs.iter().any(odd));
}

#[test]
fn what_cannot_be_understood_is_said() {
    for (path, value, said) in [
        ("/Scope/SubnetMask", json!("255.0.255.0"), "has a hole"),
        ("/Scope/Delay", json!("soon"), "soon"),
        ("/Options/0/Value", json!(3), "invalid type"),
    ] {
        let mut other = native();
        *other.pointer_mut(path).unwrap() = value;
        let why = take_apart(other, &around("Always")).unwrap_err();
        assert!(why.raw().contains(said), "{path}: {why}");
    }
    let mut twice = native();
    let reservation = twice["Reservations"][0].clone();
    twice["Reservations"].as_array_mut().unwrap().push(reservation);
    assert!(take_apart(twice, &around("Always")).unwrap_err().raw().contains("two reservations of 10.0.0.20"));
}

#[test]
fn equal_options_of_one_place_are_numbered() {
    let mut other = native();
    other["Options"].as_array_mut().unwrap().push(option(3, &["10.0.0.9"], json!({})));
    let key = OptionKey { space: "dhcp4".into(), code: 3, tags: Vec::new(), nth: 1 };
    let key = ItemKey { owner: Owner::Scope, kind: Kind::Option, name: KeyName::Option(key) };
    assert!(open(other).items.contains_key(&key));
}

fn text() -> impl Strategy<Value = Json> {
    prop_oneof![Just(Json::Null), ".{0,12}".prop_map(Json::from)]
}

proptest! {
    /// What a server told is kept as it was, in whatever order it was told, and read from what is kept.
    #[test]
    fn nothing_is_lost_on_the_way(
        description in text(), client in "([0-9a-fA-F]{2}-?){1,20}", values in prop::collection::vec(".{0,8}", 0..4),
        extra in text(), order: u16, condition in prop::collection::vec("(EQ|NE|[0-9a-f*-]{0,8})", 0..5), reverse: bool,
    ) {
        let mut told = native();
        told["Scope"]["Description"] = description;
        told["Scope"]["Another"] = extra;
        told["Reservations"][0]["ClientId"] = client.to_uppercase().into();
        told["Options"][0]["Value"] = json!(values);
        told["Policies"][0]["ProcessingOrder"] = order.into();
        told["Policies"][0]["MacAddress"] = json!(condition);
        let whole: Told = serde_json::from_value(told.clone()).unwrap();
        prop_assert_eq!(serde_json::to_value(&whole).unwrap(), told.clone());
        let around = Arc::new(around("Never"));
        let raw = |told: Json| {
            let mut told: Told = serde_json::from_value(told).unwrap();
            told.arrange();
            WindowsScope { text: serde_json::to_vec(&told).unwrap(), complete: Complete::Whole, around: around.clone() }
        };
        let mut other = told.clone();
        if reverse {
            for list in ["Options", "Exclusions", "Reservations"] {
                other[list].as_array_mut().unwrap().reverse();
            }
            other["Reservations"][0]["ClientId"] = client.to_lowercase().into();
        }
        let [ours, theirs] = [raw(told), raw(other)].map(|raw| raw.open().unwrap());
        prop_assert_eq!(drift::compare(&ours, &theirs), vec![]);
        let revived = around.revive(None, &ours.native).unwrap();
        prop_assert_eq!(&revived.items, &ours.items);
        prop_assert_eq!(&revived.native, &ours.native);
    }
}
