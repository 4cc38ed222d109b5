//! The laws that reading and rendering keep, and single cases of normalising.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::super::config::{BOUNDS, How, Surroundings, Words, is_derived};
use super::*;
use crate::engine::drift::{compare, create_all, want};
use crate::model::{Change, ItemKey, Level, Origin};

mod relationship;

fn around(how: How, global: Json, network: Json) -> Surroundings {
    let object = |json: Json| json.as_object().cloned().unwrap_or_default();
    let networks = BTreeMap::from([(Foreign::from("floor"), object(network))]);
    let options =
        super::super::config::Definitions::read(&json!([{"name": "site-code", "code": 222, "type": "uint32"}]));
    Surroundings::new(how, Words::New, options, &object(global), &networks)
}

fn plain(how: How) -> Surroundings {
    around(how, json!({"valid-lifetime": 4000}), json!({}))
}

fn floor(inside: bool) -> Option<Foreign> {
    inside.then(|| "floor".into())
}

/// Some of the keys, each with one of its values.
fn some_of(keys: Vec<(&'static str, BoxedStrategy<Json>)>) -> BoxedStrategy<Map<String, Json>> {
    let members: Vec<_> = keys
        .into_iter()
        .map(|(key, value)| {
            prop::option::weighted(0.35, value).prop_map(move |value| value.map(|v| (key.to_owned(), v)))
        })
        .collect();
    members.prop_map(|members| members.into_iter().flatten().collect()).boxed()
}

fn one(values: &[Json]) -> BoxedStrategy<Json> {
    prop::sample::select(values.to_vec()).boxed()
}

fn lifetimes() -> Vec<(&'static str, BoxedStrategy<Json>)> {
    vec![
        ("valid-lifetime", one(&[json!(3600), json!(4000), json!(4200)])),
        ("min-valid-lifetime", one(&[json!(3600), json!(3000)])),
        ("max-valid-lifetime", one(&[json!(4200), json!(5000)])),
        ("renew-timer", one(&[json!(1000), json!(2000)])),
        ("next-server", one(&[json!("0.0.0.0"), json!("192.0.2.1"), json!("192.0.2.2")])),
        ("t1-percent", one(&[json!(0.5), json!(0.25)])),
        ("match-client-id", one(&[json!(true), json!(false)])),
        ("allocator", one(&[json!("iterative"), json!("random")])),
        ("ddns-use-conflict-resolution", one(&[json!(true), json!(false)])),
        ("relay", one(&[json!({"ip-addresses": []}), json!({"ip-addresses": ["192.0.2.9", "192.0.2.8"]})])),
    ]
}

fn globals() -> BoxedStrategy<Map<String, Json>> {
    some_of(lifetimes().into_iter().filter(|(key, _)| *key != "relay").collect())
}

fn options() -> BoxedStrategy<Json> {
    let known = one(&[
        json!({"name": "routers", "data": "10.0.0.1,10.0.0.2"}),
        json!({"code": 3, "space": "dhcp4", "csv-format": true, "data": "10.0.0.2, 10.0.0.1", "always-send": true}),
        json!({"code": 222, "data": "7", "name": "site-code", "never-send": false}),
        json!({"code": 61, "csv-format": false, "data": "c0000201", "strange": [1, {"a": null}]}),
        json!({"code": 15, "data": "example.org", "client-classes": ["voip", "b"]}),
        json!({"code": 15, "data": "example.com", "comment": "said", "name": "domain-name"}),
        json!({"code": 200, "data": "01 02"}),
        json!({"code": 12, "csv-format": false, "data": ""}),
        json!({"name": "host-name", "never-send": true}),
        json!({"code": 12, "data": "host"}),
        json!({"code": 12, "csv-format": false, "data": "686f"}),
    ]);
    prop::collection::vec(known, 0..4).prop_map(Json::from).boxed()
}

fn classes() -> Vec<(&'static str, BoxedStrategy<Json>)> {
    vec![
        ("client-classes", one(&[json!([]), json!(["voip"]), json!(["b", "a"]), json!(["a", "b"])])),
        ("require-client-classes", one(&[json!(["late"]), json!(["z", "late"])])),
        (
            "user-context",
            one(&[json!({}), json!({"comment": "east", "x": {"y": [1, 2.5]}}), json!({"ha-server-name": "n"})]),
        ),
        ("comment", one(&[json!("west"), json!("")])),
        ("option-data", options()),
        ("unknown-key", one(&[json!(null), json!(""), json!({"deep": [true]}), json!([3, 1, 2])])),
    ]
}

fn pools() -> BoxedStrategy<Json> {
    let pool = |text: &'static [&'static str]| {
        let names: Vec<Json> = text.iter().map(|t| json!(t)).collect();
        let mut keys = classes();
        keys.push(("pool-id", one(&[json!(0), json!(7)])));
        (one(&names), some_of(keys)).prop_map(|(text, mut pool)| {
            pool.insert("pool".into(), text);
            Json::Object(pool)
        })
    };
    let first = prop::option::of(pool(&["10.0.0.192/27", "10.0.0.192 - 10.0.0.223", "10.0.0.192-10.0.0.200"]));
    let second = prop::option::of(pool(&["10.0.0.240 - 10.0.0.250"]));
    (first, second).prop_map(|(a, b)| a.into_iter().chain(b).collect()).boxed()
}

fn reservations() -> BoxedStrategy<Json> {
    let client = one(&[
        json!({"hw-address": "02:00:00:00:00:0A"}),
        json!({"hw-address": "02-00-00-00-00-0b"}),
        json!({"client-id": "'abc'"}),
        json!({"client-id": "616263"}),
        json!({"duid": "0a:0b"}),
    ]);
    let rest = some_of(vec![
        ("ip-address", one(&[json!("10.0.0.10"), json!("10.0.0.11")])),
        ("hostname", one(&[json!(""), json!("h1"), json!("h2")])),
        ("client-classes", one(&[json!([]), json!(["voip", "a"])])),
        ("option-data", options()),
        ("next-server", one(&[json!("0.0.0.0"), json!("192.0.2.1")])),
        ("user-context", one(&[json!({"a": 1})])),
        ("strange", one(&[json!([1]), json!("x")])),
    ]);
    let host = (client, rest).prop_map(|(client, rest)| {
        let mut host = client.as_object().cloned().unwrap_or_default();
        host.extend(rest);
        Json::Object(host)
    });
    prop::collection::vec(host, 0..4).prop_map(Json::from).boxed()
}

fn subnet() -> BoxedStrategy<Json> {
    let mut keys = lifetimes();
    keys.extend(classes());
    keys.extend([
        ("id", one(&[json!(1), json!(2)])),
        ("reservation-mode", one(&[json!("global"), json!("all"), json!("strange")])),
        ("pools", pools()),
        ("reservations", reservations()),
        ("interface", one(&[json!("eth0"), json!("")])),
        ("4o6-subnet", one(&[json!(""), json!("2001:db8::/32")])),
        ("4o6-interface", one(&[json!("")])),
    ]);
    some_of(keys)
        .prop_map(|mut subnet| {
            subnet.insert("subnet".into(), json!("10.0.0.0/24"));
            Json::Object(subnet)
        })
        .boxed()
}

/// What a running server makes of a subnet that is sent to it alone: it copies global
/// values into it and fills in the bounds, and says so ever after.
fn flatten(subnet: &Json, around: &Surroundings) -> Json {
    let mut object = subnet.as_object().cloned().unwrap_or_default();
    for (key, value) in around.parents(None).iter() {
        let name = key.name.to_string();
        if is_derived(&name) {
            object.entry(name).or_insert_with(|| value.raw.clone());
        }
    }
    let lifetime = object.get("valid-lifetime").cloned();
    for bound in BOUNDS {
        if let Some(lifetime) = &lifetime {
            object.entry(bound).or_insert_with(|| lifetime.clone());
        }
    }
    Json::Object(object)
}

fn objects(a: Map<String, Json>, b: Map<String, Json>) -> (Json, Json) {
    (Json::Object(a), Json::Object(b))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_was_read_is_rendered_as_it_was(
        subnet in subnet(), global in globals(), network in some_of(lifetimes()), inside: bool, live: bool,
    ) {
        let (global, network) = objects(global, network);
        let around = around(if live { How::Live } else { How::File }, global, network);
        if let Ok(scope) = open(&subnet, floor(inside).as_ref(), &around) {
            prop_assert!(compare(&scope, &scope).is_empty());
            prop_assert_eq!(render(&scope, Style::Keep, &around).whole(), subnet);
        }
    }

    #[test]
    fn after_applying_there_is_no_drift_in_files(
        (a, b) in (subnet(), subnet()),
        (ga, na) in (globals(), some_of(lifetimes())),
        (gb, nb) in (globals(), some_of(lifetimes())),
        ia: bool, ib: bool,
    ) {
        let ((ga, na), (gb, nb)) = (objects(ga, na), objects(gb, nb));
        let (here, there) = (around(How::File, ga, na), around(How::File, gb, nb));
        let source = open(&a, floor(ia).as_ref(), &here);
        let target = open(&b, floor(ib).as_ref(), &there);
        if let (Ok(source), Ok(target)) = (source, target) {
            let wanted = want(&source, Some(&target), &compare(&source, &target), &there);
            let written = render(&wanted, Style::Keep, &there);
            let network = written.network.clone();
            let written = written.whole();
            let after = open(&written, network.as_ref(), &there).unwrap();
            prop_assert_eq!(compare(&source, &after), vec![], "{}", written);
        }
    }

    #[test]
    fn after_applying_there_is_no_drift_on_servers(
        (a, b) in (subnet(), subnet()),
        (ga, na) in (globals(), some_of(lifetimes())),
        (gb, nb) in (globals(), some_of(lifetimes())),
        ia: bool, ib: bool,
    ) {
        let ((ga, na), (gb, nb)) = (objects(ga, na), objects(gb, nb));
        // networks of a running server have the global values copied into them as well
        let full = |g: &Json, n: &Json| flatten(n, &around(How::Live, g.clone(), json!({})));
        let (na, nb) = (full(&ga, &na), full(&gb, &nb));
        let (here, there) = (around(How::Live, ga, na), around(How::Live, gb, nb));
        let source = open(&flatten(&a, &here), floor(ia).as_ref(), &here);
        let target = open(&flatten(&b, &there), floor(ib).as_ref(), &there);
        if let (Ok(source), Ok(target)) = (source, target) {
            let wanted = want(&source, Some(&target), &compare(&source, &target), &there);
            let written = render(&wanted, Style::Write, &there);
            let network = written.network.clone();
            let written = flatten(&written.whole(), &there);
            let after = open(&written, network.as_ref(), &there).unwrap();
            prop_assert_eq!(compare(&source, &after), vec![], "{}", written);
        }
    }

    #[test]
    fn what_was_created_has_no_drift(
        a in subnet(),
        (ga, na) in (globals(), some_of(lifetimes())),
        (gb, nb) in (globals(), some_of(lifetimes())),
        inside: bool,
        live: bool,
    ) {
        let how = if live { How::Live } else { How::File };
        let ((ga, na), (gb, nb)) = (objects(ga, na), objects(gb, nb));
        let (here, there) = (around(how, ga, na), around(how, gb, nb));
        if let Ok(source) = open(&a, floor(inside).as_ref(), &here) {
            let changes = create_all(&source, there.parents(source.network()));
            let written = render(&want(&source, None, &changes, &there), Style::Create, &there).whole();
            prop_assert!(written.get("interface").is_none());
            let written = if live { flatten(&written, &there) } else { written };
            let after = open(&written, floor(inside).as_ref(), &there).unwrap();
            prop_assert_eq!(compare(&source, &after), vec![], "{}", written);
        }
    }

    #[test]
    fn the_order_of_sets_does_not_matter(subnet in subnet(), live: bool) {
        let mut other = subnet.clone();
        for key in ["pools", "reservations"] {
            if let Some(list) = other.get_mut(key).and_then(Json::as_array_mut) {
                list.reverse();
            }
        }
        if let Some(relay) = other.pointer_mut("/relay/ip-addresses").and_then(Json::as_array_mut) {
            relay.reverse();
        }
        let around = plain(if live { How::Live } else { How::File });
        let (a, b) = (open(&subnet, None, &around), open(&other, None, &around));
        if let (Ok(a), Ok(b)) = (a, b) {
            prop_assert_eq!(compare(&a, &b), vec![]);
        }
    }
}

/// What a file says shortly, and what a running server makes of it.
fn file_and_live() -> (Json, Json) {
    let file = json!({
        "id": 7, "subnet": "10.0.0.0/24", "valid-lifetime": 3600, "comment": "site 7", "interface": "eth0",
        "option-data": [
            {"name": "routers", "data": "10.0.0.1,10.0.0.2"},
            {"code": 222, "data": "1007"},
            {"code": 200, "csv-format": false, "data": "0a:0b"},
        ],
        "pools": [
            {"pool": "10.0.0.224 - 10.0.0.254", "client-class": "voip", "require-client-classes": ["late"]},
            {"pool": "10.0.0.192 - 10.0.0.223"},
        ],
        "relay": {"ip-address": "10.0.0.2"},
        "reservations": [
            {"hw-address": "02-00-0A-00-00-01", "ip-address": "10.0.0.10", "hostname": "a"},
            {"client-id": "'abc'", "option-data": [{"name": "domain-name", "data": "x.org"}]},
        ],
    });
    let option = |code: u32, name: &str, data: &str, csv: bool| {
        json!({"always-send": false, "code": code, "csv-format": csv, "data": data, "name": name,
               "never-send": false, "space": "dhcp4"})
    };
    let live = json!({
        "4o6-interface": "", "4o6-interface-id": "", "4o6-subnet": "", "allocator": "iterative", "cache-threshold": 0.25,
        "calculate-tee-times": false, "id": 7, "max-valid-lifetime": 3600, "min-valid-lifetime": 3600,
        "interface": "eth1",
        "option-data": [
            option(3, "routers", "10.0.0.1,10.0.0.2", true),
            {"always-send": false, "code": 200, "csv-format": false, "data": "0A0B", "never-send": false, "space": "dhcp4"},
            option(222, "site-code", "1007", true),
        ],
        "pools": [
            {"option-data": [], "pool": "10.0.0.192/27"},
            {"client-classes": ["voip"], "evaluate-additional-classes": ["late"], "option-data": [],
             "pool": "10.0.0.224-10.0.0.254"},
        ],
        "relay": {"ip-addresses": ["10.0.0.2"]},
        "reservations": [
            {"boot-file-name": "", "client-classes": [], "client-id": "616263", "hostname": "", "next-server": "0.0.0.0",
             "option-data": [option(15, "domain-name", "x.org", true)], "server-hostname": ""},
            {"boot-file-name": "", "client-classes": [], "hostname": "a", "hw-address": "02:00:0a:00:00:01",
             "ip-address": "10.0.0.10", "next-server": "0.0.0.0", "option-data": [], "server-hostname": ""},
        ],
        "store-extended-info": false, "subnet": "10.0.0.0/24", "t1-percent": 0.5, "t2-percent": 0.875,
        "user-context": {"comment": "site 7"}, "valid-lifetime": 3600,
    });
    (file, live)
}

#[test]
fn a_file_equals_what_the_server_makes_of_it() {
    let (file, live) = file_and_live();
    let file = open(&file, None, &plain(How::File)).unwrap();
    let live = open(&live, None, &plain(How::Live)).unwrap();
    assert_eq!(compare(&file, &live), vec![]);
    assert_eq!(compare(&live, &file), vec![]);
    assert_eq!(live.name, Some("site 7".into()));
    assert_eq!(live.server_id(), Some(7));
    let needs: Vec<String> = live.needs.iter().map(|need| format!("{need:?}")).collect();
    // raw bytes need no definition
    let want = ["Class(\"late\")", "Class(\"voip\")", "OptionDefinition(\"dhcp4\", 222)"];
    assert_eq!(needs, want);
}

#[test]
fn order_counts_where_it_means_something() {
    let (file, _) = file_and_live();
    let around = plain(How::File);
    let mut other = file.clone();
    other["option-data"][0]["data"] = json!("10.0.0.2, 10.0.0.1");
    let (a, b) = (open(&file, None, &around).unwrap(), open(&other, None, &around).unwrap());
    let changes: Vec<String> = compare(&a, &b).iter().map(Change::title).collect();
    assert_eq!(changes, ["routers (dhcp4/3)"]);
}

#[test]
fn inherited_values_are_known_and_not_pinned() {
    let around =
        around(How::Live, json!({"valid-lifetime": 4000, "renew-timer": 900}), json!({"valid-lifetime": 5000}));
    let flat = json!({"id": 1, "subnet": "10.0.0.0/24", "valid-lifetime": 5000, "min-valid-lifetime": 5000,
                      "max-valid-lifetime": 5000, "renew-timer": 900, "rebind-timer": 7});
    let inside = open(&flat, Some(&"floor".into()), &around).unwrap();
    let origin = |scope: &Scope, name: &str| scope.items[&ItemKey::property(name)].value().unwrap().origin.clone();
    assert_eq!(origin(&inside, "valid-lifetime"), Origin::Inherited(Level::Network("floor".into())));
    assert_eq!(origin(&inside, "renew-timer"), Origin::Inherited(Level::Global));
    assert_eq!(origin(&inside, "rebind-timer"), Origin::Own);
    // sent alone, the subnet would get the global lifetime: the network's must be said
    let written = render(&inside, Style::Write, &around).subnet;
    assert_eq!(written, json!({"id": 1, "subnet": "10.0.0.0/24", "valid-lifetime": 5000, "rebind-timer": 7}));
    let outside = open(&flat, None, &around).unwrap();
    assert_eq!(origin(&outside, "valid-lifetime"), Origin::Own);
}

#[test]
fn a_raw_option_43_is_hidden_by_a_running_server_only() {
    let raw = |data: &str| {
        json!({"subnet": "10.0.0.0/24", "pools": [{"pool": "10.0.0.0/25", "option-data":
        [{"code": 43, "csv-format": false, "data": data, "space": "dhcp4"}]}]})
    };
    let hides = |json: &Json, how| {
        let around = plain(how);
        let raw = KeaScope {
            text: Packed::with_parts(serde_json::to_string(json).unwrap().replace("\":", "\": ").as_bytes(), &[]).0,
            network: None,
            surroundings: Arc::new(around),
        };
        let hidden = raw.open().unwrap().unreadable.len();
        assert!(raw.may_hide() || hidden == 0);
        hidden
    };
    assert_eq!(hides(&raw(""), How::Live), 1);
    assert_eq!(hides(&raw("0104"), How::Live), 0);
    assert_eq!(hides(&raw(""), How::File), 0);
    let mut spelled = raw("");
    let list = spelled["pools"][0]["option-data"].as_array_mut().unwrap();
    list.push(json!({"code": 1, "csv-format": false, "data": "01", "space": "vendor-encapsulated-options-space"}));
    assert_eq!(hides(&spelled, How::Live), 0);
    let never = KeaScope {
        text: Packed::with_parts(br#"{"option-data": [{"code": 430}, {"code": 4}, {"data": "43"}]}"#, &[]).0,
        network: None,
        surroundings: Arc::new(plain(How::Live)),
    };
    assert!(!never.may_hide());
}

#[test]
fn reservations_on_one_address_are_told_apart() {
    let host = |mac: &str| json!({"hw-address": mac, "ip-address": "10.0.0.9"});
    let with = |hosts: Json| json!({"subnet": "10.0.0.0/24", "reservations": hosts});
    let around = plain(How::File);
    let two = open(&with(json!([host("02:00:00:00:00:01"), host("02:00:00:00:00:02")])), None, &around).unwrap();
    let keys: Vec<String> =
        two.items.keys().filter(|k| k.in_reservation().is_some()).map(|k| k.name.to_string()).collect();
    assert_eq!(keys, ["10.0.0.9 hw-address 02:00:00:00:00:01", "10.0.0.9 hw-address 02:00:00:00:00:02"]);
    let same = open(&with(json!([host("02:00:00:00:00:01"), host("02-00-00-00-00-01")])), None, &around);
    assert!(same.unwrap_err().to_string().contains("two reservations"));
    let pools = json!({"subnet": "10.0.0.0/24", "pools": [{"pool": "10.0.0.0/25"}, {"pool": "10.0.0.0-10.0.0.127"}]});
    assert!(open(&pools, None, &around).unwrap_err().to_string().contains("two pools"));
}

#[test]
fn class_restrictions_keep_the_word_that_the_server_uses() {
    let old = json!({"subnet": "10.0.0.0/24", "pools": [{"pool": "10.0.0.0/25", "client-class": "a"}, {"pool": "10.0.0.128/25"}]});
    let new = json!({"subnet": "10.0.0.0/24", "client-classes": ["c"], "pools": [
        {"pool": "10.0.0.0/25", "client-classes": ["b"]}, {"pool": "10.0.0.128/25", "client-classes": ["a", "b"]}]});
    let here = Surroundings::new(How::File, Words::New, Default::default(), &Map::new(), &BTreeMap::new());
    let there = Surroundings::new(How::File, Words::Old, Default::default(), &Map::new(), &BTreeMap::new());
    let (source, target) = (open(&new, None, &here).unwrap(), open(&old, None, &there).unwrap());
    let written =
        render(&want(&source, Some(&target), &compare(&source, &target), &there), Style::Keep, &there).whole();
    assert_eq!(
        written,
        json!({"subnet": "10.0.0.0/24", "client-class": "c", "pools": [
        {"pool": "10.0.0.0/25", "client-class": "b"}, {"pool": "10.0.0.128/25", "client-classes": ["a", "b"]}]})
    );
}

#[test]
fn a_scope_that_is_created_is_in_the_words_of_its_server() {
    let around = |words, ddns: &str| {
        let global = json!({ ddns: Json::Null }).as_object().cloned().unwrap();
        Surroundings::new(How::Live, words, Default::default(), &global, &BTreeMap::new())
    };
    let new_server = around(Words::New, "ddns-conflict-resolution-mode");
    let old_server = around(Words::Old, "ddns-use-conflict-resolution");
    let option = |more: Json| {
        let mut option =
            json!({"name": "routers", "code": 3, "space": "dhcp4", "csv-format": true, "data": "10.0.0.1"});
        option.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        json!([option])
    };
    let new = json!({"subnet": "10.0.0.0/24", "client-classes": ["a"], "evaluate-additional-classes": ["b"],
        "ddns-conflict-resolution-mode": "no-check-with-dhcid", "option-data": option(json!({"never-send": false})),
        "pools": [{"pool": "10.0.0.0/25", "pool-id": 0, "client-classes": ["a"]}]});
    let old = json!({"subnet": "10.0.0.0/24", "client-class": "a", "require-client-classes": ["b"],
        "ddns-use-conflict-resolution": false, "option-data": option(json!({})),
        "pools": [{"pool": "10.0.0.0/25", "client-class": "a"}]});
    let created = |json: &Json, here: &Surroundings, there: &Surroundings| {
        let source = open(json, None, here).unwrap();
        let made = want(&source, None, &create_all(&source, there.parents(None)), there);
        render(&made, Style::Create, there).whole()
    };
    assert_eq!(created(&new, &new_server, &old_server), old);
    let mut back = new.clone();
    back["option-data"] = option(json!({}));
    back["pools"][0].as_object_mut().unwrap().remove("pool-id");
    assert_eq!(created(&old, &old_server, &new_server), back);
    assert_eq!(compare(&open(&new, None, &new_server).unwrap(), &open(&old, None, &old_server).unwrap()), vec![]);
}

#[test]
fn a_subnet_and_its_hosts_read_apart_are_the_subnet_whole() {
    let (_, live) = file_and_live();
    let mut subnet = live.clone();
    let mut hosts = subnet.as_object_mut().unwrap().remove("reservations").unwrap().as_array().unwrap().clone();
    hosts.iter_mut().for_each(|host| host["subnet-id"] = json!(7));
    hosts.reverse();
    let around = plain(How::Live);
    let whole = open(&live, None, &around).unwrap();
    assert_eq!(reopen(&subnet, &hosts, None, &around).unwrap().items, whole.items);
}
