//! What is left out of a configuration is filled in again, whatever says what.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::compose::{Replaced, compose};
use super::mini::flat;

const KEYS: [&str; 4] = ["renew-timer", "valid-lifetime", "min-valid-lifetime", "max-valid-lifetime"];

/// A level that says some of the values: a bound on its right side of the lifetime.
fn level() -> impl Strategy<Value = Map<String, Value>> {
    let said = prop_oneof![2 => Just(None), 1 => (0..2u32).prop_map(Some)];
    proptest::collection::vec(said, KEYS.len()).prop_map(|said| {
        let value = |(key, n): (&str, Option<u32>)| {
            let base = if key.starts_with("min") {
                10
            } else if key.starts_with("max") {
                30
            } else {
                20
            };
            Some((key.to_owned(), json!(base + n?)))
        };
        KEYS.into_iter().zip(said).filter_map(value).collect()
    })
}

fn configuration() -> impl Strategy<Value = Value> {
    let subnets = || proptest::collection::vec(level(), 0..4);
    (level(), subnets(), level(), subnets()).prop_map(|(global, outside, network, inside)| {
        let mut id = 0;
        let mut subnets = |levels: Vec<Map<String, Value>>| -> Value {
            let subnet = |mut level: Map<String, Value>| {
                id += 1;
                level.insert("id".into(), json!(id));
                level.insert("subnet".into(), json!(format!("10.0.{id}.0/24")));
                Value::Object(level)
            };
            levels.into_iter().map(subnet).collect()
        };
        let mut config = Value::Object(global);
        config["subnet4"] = subnets(outside);
        let mut network = Value::Object(network);
        (network["name"], network["subnet4"]) = (json!("floor"), subnets(inside));
        config["shared-networks"] = json!([network]);
        config
    })
}

proptest! {
    #[test]
    fn what_is_left_out_is_filled_in_again(config in configuration()) {
        let shown = flat(&config);
        let bare = compose(shown.to_string().as_bytes(), &Replaced::new()).unwrap();
        let bare: Value = serde_json::from_slice(&bare).unwrap();
        prop_assert_eq!(flat(&bare), shown);
        // and nothing is said twice
        for subnet in bare["subnet4"].as_array().unwrap() {
            for key in KEYS {
                prop_assert!(subnet.get(key).is_none_or(|said| Some(said) != bare.get(key)), "{} in {}", key, subnet);
            }
        }
    }
}

#[test]
fn everything_else_goes_back_byte_for_byte() {
    let base = br#"{ "a": 1.50, "b": "\u00fc\\\"", "subnet4": [ { "id": 1, "subnet": "10.0.0.0/24", "x": 1e3 } ],
        "valid-lifetime": 7 }"#;
    let text = compose(base, &Replaced::new()).unwrap();
    let expected =
        r#"{"a":1.50,"b":"\u00fc\\\"","subnet4":[{"id":1,"subnet":"10.0.0.0/24","x":1e3}],"valid-lifetime":7}"#;
    assert_eq!(String::from_utf8(text).unwrap(), expected);
    assert_eq!(compose(b"{}", &Replaced::new()).unwrap(), br#"{"subnet4":[]}"#);
    assert!(compose(b"[]", &Replaced::new()).is_err() && compose(b"{\"a\":", &Replaced::new()).is_err());
}
