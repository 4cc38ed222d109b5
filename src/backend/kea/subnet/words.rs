//! Words for properties that Kea has given up, and what it calls them now.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

/// Until Kea 2.4, true or false.
const USE_CONFLICT_RESOLUTION: &str = "ddns-use-conflict-resolution";
/// Since Kea 2.5, one of several words.
const CONFLICT_RESOLUTION: &str = "ddns-conflict-resolution-mode";
/// Until Kea 2.4; the flags that it stands for are known since 1.9 and never stand beside it.
const RESERVATION_MODE: &str = "reservation-mode";
const RESERVATION_FLAGS: [&str; 3] = ["reservations-global", "reservations-in-subnet", "reservations-out-of-pool"];

/// Which words a server has for what was renamed before the class restrictions were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Ddns {
    /// `ddns-use-conflict-resolution`.
    Old,
    /// `ddns-conflict-resolution-mode`.
    #[default]
    New,
}

impl Ddns {
    /// The words of a server with these objects in its configuration. A running one always
    /// says one of them.
    pub(in super::super) fn of<'a>(mut objects: impl Iterator<Item = &'a Map<String, Json>>) -> Ddns {
        if objects.any(|object| object.contains_key(USE_CONFLICT_RESOLUTION)) { Ddns::Old } else { Ddns::New }
    }
}

/// What a key that Kea has given up says in newer words; `None` for every other key.
fn newer(name: &str, value: &Json) -> Option<Vec<(&'static str, Json)>> {
    match (name, value) {
        (USE_CONFLICT_RESOLUTION, Json::Bool(check)) => {
            let mode = if *check { "check-with-dhcid" } else { "no-check-with-dhcid" };
            Some(vec![(CONFLICT_RESOLUTION, mode.into())])
        }
        (RESERVATION_MODE, Json::String(mode)) => {
            let flags: &[bool] = match mode.as_str() {
                "disabled" | "off" => &[false, false],
                "global" => &[true, false],
                "out-of-pool" => &[false, true, true],
                "all" => &[false, true, false],
                _ => return None,
            };
            Some(RESERVATION_FLAGS.into_iter().zip(flags.iter().map(|flag| Json::from(*flag))).collect())
        }
        _ => None,
    }
}

/// The object in newer words, each where its older one stood.
pub(in super::super) fn in_new_words(object: &Map<String, Json>) -> Cow<'_, Map<String, Json>> {
    if !object.iter().any(|(name, value)| newer(name, value).is_some()) {
        return Cow::Borrowed(object);
    }
    let mut new = Map::new();
    for (name, value) in object {
        match newer(name, value) {
            Some(said) => new.extend(said.into_iter().map(|(name, value)| (name.to_owned(), value))),
            None => drop(new.insert(name.clone(), value.clone())),
        }
    }
    Cow::Owned(new)
}

/// Puts a subnet in newer words into those of its server: as `native` had it where that still
/// says the same, and with the older word where the server knows no other.
pub(super) fn put_back(subnet: &mut Map<String, Json>, native: Option<&Map<String, Json>>, ddns: Ddns) {
    for (name, value) in native.into_iter().flatten() {
        let Some(said) = newer(name, value) else { continue };
        let family: &[&str] = if name == RESERVATION_MODE { &RESERVATION_FLAGS } else { &[CONFLICT_RESOLUTION] };
        let now = family.iter().filter_map(|key| Some((*key, subnet.get(*key)?.clone())));
        if !subnet.contains_key(name) && now.eq(said.iter().cloned()) {
            replace(subnet, family, name, value.clone());
        }
    }
    let mode = subnet.get(CONFLICT_RESOLUTION).and_then(Json::as_str).filter(|_| ddns == Ddns::Old);
    // the other modes are newer than their word: the server says what it thinks of them
    let check = match mode {
        Some("check-with-dhcid") => true,
        Some("no-check-with-dhcid") => false,
        _ => return,
    };
    replace(subnet, &[CONFLICT_RESOLUTION], USE_CONFLICT_RESOLUTION, check.into());
}

/// Puts one key where the first of several stood.
fn replace(subnet: &mut Map<String, Json>, family: &[&str], name: &str, value: Json) {
    let Some(place) = subnet.keys().position(|key| family.contains(&key.as_str())) else { return };
    for key in family {
        subnet.shift_remove(*key);
    }
    subnet.shift_insert(place, name.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(json: Json) -> Map<String, Json> {
        json.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn older_words_say_what_the_newer_ones_do() {
        let old = object(json!({"id": 1, "reservation-mode": "global", "ddns-use-conflict-resolution": false, "x": 2}));
        let new = in_new_words(&old).into_owned();
        let text = serde_json::to_string(&new).unwrap();
        assert_eq!(
            text,
            r#"{"id":1,"reservations-global":true,"reservations-in-subnet":false,"ddns-conflict-resolution-mode":"no-check-with-dhcid","x":2}"#
        );
        // what nobody changed is said as it was, key by key
        let mut back = new.clone();
        put_back(&mut back, Some(&old), Ddns::Old);
        assert_eq!(serde_json::to_string(&back).unwrap(), serde_json::to_string(&old).unwrap());
        // a flag more, and the mode cannot stand beside it
        let mut changed = new;
        changed.insert("reservations-out-of-pool".to_owned(), true.into());
        changed.insert("ddns-conflict-resolution-mode".to_owned(), "check-with-dhcid".into());
        put_back(&mut changed, Some(&old), Ddns::Old);
        assert!(!changed.contains_key("reservation-mode") && changed["reservations-global"] == true);
        assert_eq!(changed["ddns-use-conflict-resolution"], true);
    }

    #[test]
    fn only_a_server_that_has_the_older_word_gets_it() {
        let fresh = |mode: &str, ddns| {
            let mut subnet = object(json!({ "ddns-conflict-resolution-mode": mode }));
            put_back(&mut subnet, None, ddns);
            Json::Object(subnet)
        };
        assert_eq!(fresh("check-with-dhcid", Ddns::Old), json!({"ddns-use-conflict-resolution": true}));
        let newer = json!({"ddns-conflict-resolution-mode": "check-with-dhcid"});
        assert_eq!(fresh("check-with-dhcid", Ddns::New), newer);
        let unknown = json!({"ddns-conflict-resolution-mode": "check-exists-with-dhcid"});
        assert_eq!(fresh("check-exists-with-dhcid", Ddns::Old), unknown);
    }
}
