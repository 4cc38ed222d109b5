//! Whatever two scopes are like: the calls make one the other, nothing collides on the way, and no
//! change takes more than one call.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::call::Call;
use super::super::steps;
use super::service::{Service, dns_option};
use super::*;
use crate::backend::windows::cim::Level;
use crate::model::ItemKey;

/// Choices, one after the other.
struct Dice<'a>(std::slice::Iter<'a, u8>);

impl Dice<'_> {
    fn roll(&mut self, sides: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % sides
    }

    fn yes(&mut self) -> bool {
        self.roll(2) == 1
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len())].clone()
    }

    /// Some of them, in any order.
    fn some<T: Clone>(&mut self, all: &[T]) -> Vec<T> {
        let mut left = all.to_vec();
        let mut some = Vec::new();
        while !left.is_empty() && self.roll(4) > 0 {
            some.push(left.remove(self.roll(left.len())));
        }
        some
    }

    /// Ranges that lie within these bounds and apart from each other.
    fn ranges(&mut self, first: usize, last: usize) -> Vec<(usize, usize)> {
        let mut ranges = Vec::new();
        let mut next = first;
        while self.roll(3) > 0 {
            let start = next + self.roll(40);
            let end = start + self.roll(20);
            if end > last {
                break;
            }
            ranges.push((start, end));
            next = end + 1;
        }
        ranges
    }
}

fn at(last: usize) -> String {
    format!("10.0.0.{last}")
}

fn options(dice: &mut Dice, policy: &str) -> Vec<Json> {
    let vendors: &[&str] = if policy.is_empty() { &["", "Phones"] } else { &[""] };
    let mut all = Vec::new();
    for id in dice.some(&[3, 6, 66]) {
        for vendor in dice.some(vendors) {
            all.push(option(id, &[dice.of(&["a", "b"])], vendor, "", policy));
        }
    }
    if !policy.is_empty() && dice.roll(4) == 0 {
        all.push(dns_option(u32::try_from(dice.of(&[0, 1, 0x15, 0x47])).unwrap(), policy));
    }
    all
}

/// A scope as its server tells it.
fn scope(dice: &mut Dice, server_dns: &Json) -> Json {
    let (start, end) = (10 + dice.roll(60), 180 + dice.roll(60));
    let mut told = json!({
        "Scope": {"ScopeId": "10.0.0.0", "Name": dice.of(&["one", "two", ""]), "Description": dice.of(&["", "text"]),
            "SubnetMask": "255.255.255.0", "StartRange": at(start), "EndRange": at(end),
            "SuperscopeName": dice.of(&["", "Campus", "Annexe"]),
            "LeaseDuration": dice.of(&["P8DT0H0M0S", "P2DT0H0M0S"]), "NapEnable": dice.yes(),
            "NapProfile": dice.of(&["", "quarantine"]), "Delay": dice.roll(3), "State": dice.of(&["Active", "Inactive"]),
            "Type": dice.of(&["Dhcp", "Both"]), "MaxBootpClients": dice.of(&[u32::MAX, 7]),
            "ActivatePolicies": dice.yes()},
        "Exclusions": dice.ranges(start, end).into_iter().map(|(a, b)| range(&at(a), &at(b))).collect::<Vec<_>>(),
        "DnsSetting": server_dns, "Policies": [], "PolicyRanges": [], "Options": options(dice, ""), "Reservations": [],
        "ReservationOptions": {},
    });
    if dice.yes() {
        let mut own = dns(dice.of(&["Always", "Never", "OnClientRequest"]));
        own["NameProtection"] = dice.yes().into();
        own["DnsSuffix"] = dice.of(&["", "example.org"]).into();
        told["DnsSetting"] = own;
        told["Options"].as_array_mut().unwrap().push(dns_option(1, ""));
    }
    let clients = dice.some(&[1, 2, 3, 4, 5, 6]);
    for (place, client) in clients.into_iter().enumerate() {
        let address = at(240 + (place + dice.roll(2)) % 8);
        let reserved = told["Reservations"].as_array_mut().unwrap();
        if reserved.iter().all(|one| one["IPAddress"] != address.as_str()) {
            let client = format!("{client:02x}-0a");
            reserved.push(reservation(&address, &client, dice.of(&["", "printer"])));
            let mut options = options(dice, "");
            options.extend((dice.roll(5) == 0).then(|| dns_option(0, "")));
            told["ReservationOptions"][address] = options.into();
        }
    }
    let mut ranges = dice.ranges(start, end).into_iter();
    for (place, name) in dice.some(&["A", "B", "C", "D", "E"]).into_iter().enumerate() {
        let conditions = match dice.roll(4) {
            0 => json!({"Fqdn": ["EQ", "host"]}),
            1 => json!({"MacAddress": ["EQ", dice.of(&["00-01*", "00-02*"])]}),
            2 => json!({"MacAddress": ["EQ", "00-01*"], "VendorClass": ["NE", "Phones"]}),
            _ => json!({"UserClass": ["EQ", "Kiosks"], "LeaseDuration": dice.of(&["P1DT0H0M0S", "PT1H"])}),
        };
        let of_names = !conditions["Fqdn"].is_null();
        let mut policy = policy(name, place + 1, conditions);
        policy["Enabled"] = dice.yes().into();
        policy["Description"] = dice.of(&["", "text"]).into();
        told["Policies"].as_array_mut().unwrap().push(policy);
        if !of_names {
            let some = ranges.by_ref().take(dice.roll(3)).map(|(a, b)| policy_range(name, &at(a), &at(b)));
            told["PolicyRanges"].as_array_mut().unwrap().extend(some);
            told["Options"].as_array_mut().unwrap().extend(options(dice, name));
        }
    }
    told
}

/// The reservation or policy that a call is about.
fn subject(call: &Call) -> Option<String> {
    let of_level = |level: &Level| match level {
        Level::Policy { name, .. } => Some(name.raw().to_owned()),
        Level::Reservation(address) => Some(address.to_string()),
        _ => None,
    };
    match call {
        Call::AddReservation(one) | Call::SetReservation(one) => Some(one.ip_address.to_string()),
        Call::RemoveReservation(address) => Some(address.to_string()),
        Call::AddPolicy(one) | Call::SetPolicy(one) => Some(one.name.raw().to_owned()),
        Call::RemovePolicy(_, name) => Some(name.raw().to_owned()),
        Call::AddPolicyRange(one) | Call::RemovePolicyRange(one) => Some(one.name.raw().to_owned()),
        Call::SetOption(level, _) | Call::RemoveOption(level, _) | Call::SetDns(level, _) => of_level(level),
        _ => None,
    }
}

/// What is removed and added again, of which alone more is called than changes.
fn anew(steps: &[Step]) -> BTreeSet<Option<String>> {
    let all = |wanted: fn(&Call) -> bool| -> BTreeSet<Option<String>> {
        steps.iter().filter(|step| wanted(&step.call)).map(|step| subject(&step.call)).collect()
    };
    let added = all(|call| matches!(call, Call::AddReservation(_) | Call::AddPolicy(_)));
    let removed = all(|call| matches!(call, Call::RemoveReservation(_) | Call::RemovePolicy(..)));
    added.intersection(&removed).cloned().collect()
}

/// Items that only one of the scopes has, or that are not alike.
fn changed(source: &Scope, target: &Scope) -> BTreeSet<ItemKey> {
    let folded = drift::compare(source, target);
    let own = |change: &crate::model::Change| {
        [drift::owned_by(source, &change.key), drift::owned_by(target, &change.key)].concat()
    };
    let one_sided = |key: &ItemKey| !(source.items.contains_key(key) && target.items.contains_key(key));
    let parts = folded.iter().flat_map(own).filter(one_sided);
    folded.iter().map(|change| change.key.clone()).chain(parts).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn calls_make_one_scope_the_other(ours in prop::collection::vec(any::<u8>(), 160), theirs in prop::collection::vec(any::<u8>(), 160)) {
        let servers = [dns("OnClientRequest"), dns(if ours[0] % 2 == 0 { "Always" } else { "OnClientRequest" })];
        let told = [scope(&mut Dice(ours.iter()), &servers[0]), scope(&mut Dice(theirs.iter()), &servers[1])];
        let source = open(&told[0], &servers[0]);
        let target = open(&told[1], &servers[1]);
        let work = work(&source, &target, &servers[1]);
        let steps = steps::of(&work).unwrap().steps;
        let mut service = Service::new(&told[1], &servers[1]);
        let sent: Vec<String> = steps.iter().map(|step| step.call.to_string()).collect();
        for step in &steps {
            let taken = service.take(&step.call);
            prop_assert!(taken.is_ok(), "{}: {:?} in {sent:#?}", step.call, taken);
        }
        let now = open(&service.told(), &servers[1]);
        let left: Vec<String> = work.residual(Some(&now)).iter().map(|change| format!("{} {:?}", change.key, change.fields)).collect();
        prop_assert!(left.is_empty(), "{left:#?} is left after {sent:#?}");

        let changed = changed(&source, &target);
        let anew = anew(&steps);
        let mut carried = BTreeSet::new();
        for step in &steps {
            let is_extra = anew.contains(&subject(&step.call));
            prop_assert!(is_extra || !step.items.is_empty(), "{} carries nothing in {sent:#?}", step.call);
            for item in &step.items {
                prop_assert!(changed.contains(item), "{item} does not change");
                prop_assert!(carried.insert(item.clone()), "{item} has two calls in {sent:#?}");
            }
        }
        let most = changed.len() + steps.iter().filter(|step| anew.contains(&subject(&step.call))).count();
        prop_assert!(steps.len() <= most);
        // a policy that is made anew is whole again before anything else is called
        for (at, step) in steps.iter().enumerate().filter(|(_, step)| matches!(step.call, Call::RemovePolicy(..))) {
            let rest: Vec<bool> = steps[at..].iter().map(|other| subject(&other.call) == subject(&step.call)).collect();
            prop_assert!(rest.is_sorted_by(|one, next| one >= next), "{sent:#?}");
        }
        // a scope hands out addresses only when all else is done but for what may be refused
        let activates = |step: &Step| matches!(&step.call, Call::SetScope(scope) if scope.state == Some("Active".into()));
        prop_assert!(steps.iter().position(activates).is_none_or(|at| steps[at + 1..].iter().all(|step| step.may_be_refused)), "{sent:#?}");
        let stops = |step: &Step| matches!(&step.call, Call::SetScope(scope) if scope.state == Some("InActive".into()));
        prop_assert!(steps.iter().position(stops).is_none_or(|at| at <= 1), "{sent:#?}");
    }
}
