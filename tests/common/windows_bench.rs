//! A pair of Windows servers with the program beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::expected::shown_changes;
use super::pair::{InjectedDrift, Side};
use super::program::{Finished, Home};
use super::report::scopes;
use super::terminal::{Start, Terminal};
use super::windows::{WindowsOptions, WindowsPair};
use super::windows_expected::{self as expected, IN_SCOPES};

/// A pair, and the program set up for it.
pub struct Bench {
    pub home: Home,
    pub pair: WindowsPair,
}

impl Bench {
    pub fn up(options: WindowsOptions) -> Option<Bench> {
        Bench::with(options, "")
    }

    /// With these lines in both entries of the configuration.
    pub fn with(options: WindowsOptions, lines: &str) -> Option<Bench> {
        let pair = WindowsPair::up(options)?;
        let home = Home::new();
        home.write_config(&pair.config(lines));
        Some(Bench { home, pair })
    }

    /// With both servers by the names that they have in their relationships, as a site would.
    pub fn named(options: WindowsOptions) -> Option<Bench> {
        let bench = Bench::up(options)?;
        let entry = |side| {
            let name = &bench.pair.server(side).fqdn;
            bench.pair.entry(side, &format!("computer_name = {name:?}"))
        };
        bench.home.write_config(&Side::BOTH.map(entry).concat());
        Some(bench)
    }

    pub fn run(&self, line: &str) -> Finished {
        self.home.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub fn json(&self, line: &str, code: i32) -> Value {
        self.run(&format!("{line} --json")).expect_code(code).json()
    }

    pub fn drift(&self, code: i32) -> Value {
        self.json("drift", code)
    }

    pub fn terminal(&self) -> Terminal {
        Start::scopesync().args(["--config".into(), self.home.config()]).home(&self.home).size(110, 30).start()
    }
}

pub fn few(drift: &[&str]) -> WindowsOptions {
    WindowsOptions { scopes: 6, reservations: 12, ..WindowsOptions::with_drift(drift) }
}

/// All kinds of drift in scopes, each in a scope of its own; three reservations a scope.
pub fn all_in_scopes() -> WindowsOptions {
    let drift: Vec<String> = IN_SCOPES.iter().enumerate().map(|(at, (kind, _))| format!("{kind}:{at}")).collect();
    let scopes = u32::try_from(IN_SCOPES.len()).expect("few") + 2;
    WindowsOptions { scopes, reservations: 3 * scopes, drift, ..WindowsOptions::default() }
}

/// Every injected drift is found as what it is, and nothing else is.
#[track_caller]
pub fn assert_found(drift: &[InjectedDrift], report: &Value, reversed: bool) {
    let scopes = scopes(report);
    let mut clean: BTreeSet<&String> = scopes.keys().collect();
    for one in drift {
        let id = one.scope.as_ref().expect("drift in a scope");
        let wanted = expected::changes(one, reversed).unwrap_or_else(|| panic!("{one:?} is in no table"));
        let scope = scopes.get(id).unwrap_or_else(|| panic!("{one:?}: the scope is not shown"));
        assert_eq!(shown_changes(scope), wanted, "{one:?}");
        if !wanted.is_empty() {
            assert_eq!(scope["drift"], "drifted", "{one:?}");
            clean.remove(id);
        }
        for change in scope["changes"].as_array().expect("changes").iter().filter(|c| c["change"] == "update") {
            let fields = change["fields"].as_array().expect("fields");
            assert!(!fields.is_empty() && fields.iter().all(|field| field["source"] != field["target"]), "{change:#}");
        }
    }
    for id in clean {
        assert_eq!((&scopes[id]["drift"], &scopes[id]["changes"]), (&"in_sync".into(), &json!([])), "{id}");
    }
}

/// A server's scopes by id, in a form in which order, letter case of what is hexadecimal, other words for
/// the same, leases and what is inherited do not count. Written without the program's own code on purpose.
pub fn plain_scopes(state: &Value) -> BTreeMap<String, Value> {
    let scopes = state["scopes"].as_object().expect("scopes").iter();
    scopes.map(|(id, scope)| (format!("{id}/24"), plain(scope.clone(), &state["dns"]))).collect()
}

fn plain(mut scope: Value, inherited: &Value) -> Value {
    let map = scope.as_object_mut().expect("a scope");
    map.retain(|key, _| key != "in_use" && key != "leases");
    let policies = map["policies"].as_array_mut().expect("policies");
    policies.sort_by_key(|policy| policy["ProcessingOrder"].as_u64());
    policies.iter_mut().enumerate().for_each(|(at, policy)| policy["ProcessingOrder"] = at.into());
    // option 81, by which policies and reservations tell their settings, does not have it
    let of_policies = map["policy_dns"].as_object_mut().expect("settings").values_mut();
    of_policies.for_each(|dns| dns["DnsSuffix"] = "".into());
    let dns = &mut map["dns"];
    if dns.is_null() {
        *dns = inherited.clone();
    }
    flatten(&mut scope);
    scope
}

/// What of a policy or a reservation is written in hexadecimal digits.
const HEXADECIMAL: [&str; 6] = ["MacAddress", "ClientId", "RelayAgent", "CircuitId", "RemoteId", "SubscriberId"];

fn flatten(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(flatten);
            list.sort_by_key(Value::to_string);
        }
        Value::Object(map) => {
            // what an option's definition gives it; whether a reservation is in use
            let is_option = map.contains_key("OptionId");
            map.retain(|key, _| !(is_option && (key == "Name" || key == "Type")) && key != "AddressState");
            map.sort_keys();
            for (key, inside) in map.iter_mut() {
                flatten_field(key, inside);
            }
        }
        _ => {}
    }
}

fn flatten_field(key: &str, value: &mut Value) {
    match value {
        Value::Null if key != "dns" => *value = "".into(),
        // the order of an option's values means something
        Value::Array(_) if key == "Value" => {}
        Value::Array(list) if list.first().is_some_and(Value::is_string) => *value = conditions(key, list),
        Value::String(text) if key == "State" || key == "Condition" => *text = text.to_lowercase(),
        Value::String(text) if HEXADECIMAL.contains(&key) => *text = hexadecimal(text),
        Value::Object(map) if map.contains_key("$interval") => *value = seconds(&map["$interval"]).into(),
        _ => flatten(value),
    }
}

fn hexadecimal(text: &str) -> String {
    text.replace('-', "").to_lowercase()
}

/// Each value with its comparator: `["EQ", "a", "b"]` and `["EQ", "b", "EQ", "a"]` are the same.
fn conditions(key: &str, list: &[Value]) -> Value {
    let (mut comparator, mut found) = ("", BTreeSet::new());
    for word in list.iter().filter_map(Value::as_str) {
        match word {
            "EQ" | "NE" | "Isl" | "Insl" => comparator = word,
            value if HEXADECIMAL.contains(&key) => _ = found.insert((comparator, hexadecimal(value))),
            value => _ = found.insert((comparator, value.to_owned())),
        }
    }
    json!(found)
}

/// Of `P8DT0H0M0S`.
fn seconds(interval: &Value) -> u64 {
    let text = interval.as_str().expect("an interval");
    let (mut number, mut all) = (0, 0);
    for letter in text.chars() {
        let unit = match letter {
            'D' => 86_400,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            digit => {
                number = digit.to_digit(10).map_or(0, |digit| number * 10 + u64::from(digit));
                continue;
            }
        };
        all += number * unit;
        number = 0;
    }
    all
}
