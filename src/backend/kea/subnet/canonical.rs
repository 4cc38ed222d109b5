//! Kea's many spellings of one value become one.

use std::net::Ipv4Addr;

use serde_json::{Map, Value as Json};

use super::super::config::Shape;
use crate::model::{Canonical, Foreign, IdentifierKind};

/// Bytes written as hexadecimal digits: plain, with `0x`, in groups with colons or
/// blanks (or dashes, as other programs write them), or as `'text'`.
pub(in super::super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if let Some(quoted) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return (!quoted.is_empty()).then(|| quoted.as_bytes().to_vec());
    }
    let mut digits = String::with_capacity(text.len());
    if text.contains([':', ' ', '-']) {
        for group in text.split([':', ' ', '-']).filter(|group| !group.is_empty()) {
            if group.len() % 2 == 1 {
                digits.push('0');
            }
            digits.push_str(group);
        }
    } else {
        let plain = text.strip_prefix("0x").unwrap_or(text);
        if plain.len() % 2 == 1 {
            digits.push('0');
        }
        digits.push_str(plain);
    }
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            std::str::from_utf8(pair).ok().filter(|p| p.len() == 2).and_then(|p| u8::from_str_radix(p, 16).ok())
        })
        .collect()
}

/// Bytes as Kea shows them: upper-case digits without separators.
fn upper_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The one spelling of a client's identifier: a MAC address in lower case with colons,
/// everything else as upper-case digits; what is neither stays as it is.
pub(super) fn identifier(kind: IdentifierKind, text: &str) -> Foreign {
    if kind == IdentifierKind::HwAddress && is_plain_mac(text.as_bytes()) {
        return text.into();
    }
    match bytes(text) {
        Some(bytes) if kind == IdentifierKind::HwAddress => {
            let groups: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            groups.join(":").into()
        }
        Some(bytes) => upper_hex(&bytes).into(),
        None => text.into(),
    }
}

/// A MAC address as running servers show it, and so most of them.
fn is_plain_mac(text: &[u8]) -> bool {
    text.len() == 17
        && text.iter().enumerate().all(|(at, byte)| match at % 3 {
            2 => *byte == b':',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// The one spelling of an option's data.
pub(super) fn option_data(text: &str, shape: Option<Shape>, csv: bool) -> Foreign {
    let hex = || bytes(text).map_or_else(|| text.into(), |bytes| upper_hex(&bytes).into());
    match shape {
        _ if !csv => hex(),
        Some(Shape::Hex) => hex(),
        Some(Shape::List) => between_commas(text).into(),
        Some(Shape::Text) | None => text.into(),
    }
}

/// Blanks around the values of a list do not count; a comma behind a backslash is no separator.
fn between_commas(text: &str) -> String {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            ',' if !escaped => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => escaped = false,
        }
    }
    parts.push(text[start..].trim());
    parts.join(", ")
}

/// The context that goes with an object, with a `comment` folded into it, in raw form;
/// `None` when there is nothing in it.
pub(in super::super) fn user_context(object: &Map<String, Json>) -> Option<Json> {
    let mut context = match object.get("user-context") {
        Some(Json::Object(map)) => map.clone(),
        Some(Json::Null) | None => Map::new(),
        Some(other) => return Some(other.clone()),
    };
    if let Some(comment) = object.get("comment") {
        context.entry("comment").or_insert_with(|| comment.clone());
    }
    (!context.is_empty()).then_some(Json::Object(context))
}

/// The key by which the context of a subnet or network names its relationship, on a server
/// with several: the name of any of the servers in it.
pub(super) const RELATIONSHIP: &str = "ha-server-name";

/// The context of a subnet or network without the name of its relationship. That name is
/// no text of the operator's: it has its meaning on its own server, and there alone.
pub(in super::super) fn scope_context(object: &Map<String, Json>) -> Option<Json> {
    let mut context = user_context(object)?;
    if let Json::Object(map) = &mut context {
        map.shift_remove(RELATIONSHIP);
        if map.is_empty() {
            return None;
        }
    }
    Some(context)
}

/// The name of its relationship in the context of a subnet or network.
pub(in super::super) fn relationship_name(object: &Map<String, Json>) -> Option<&str> {
    object.get("user-context")?.get(RELATIONSHIP)?.as_str().filter(|name| !name.is_empty())
}

/// The one form of a property of a subnet, network or pool; `None` when it says nothing.
pub(in super::super) fn property(name: &str, value: &Json) -> Option<Canonical> {
    match (name, value) {
        (_, Json::Null) => None,
        ("relay", Json::Object(relay)) => Some(relay_addresses(relay)),
        ("4o6-subnet", Json::String(text)) if text.is_empty() => None,
        ("pool-id", Json::Number(number)) if number.as_u64() == Some(0) => None,
        ("user-context" | "metadata", Json::Object(map)) if map.is_empty() => None,
        _ => Some(Canonical::from_json(value)),
    }
}

/// Relay agents are a set; older servers knew only one.
fn relay_addresses(relay: &Map<String, Json>) -> Canonical {
    let mut rest: std::collections::BTreeMap<Foreign, Canonical> = relay
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "ip-address" | "ip-addresses"))
        .map(|(key, value)| (Foreign::from(key.as_str()), Canonical::from_json(value)))
        .collect();
    let several = relay.get("ip-addresses").and_then(Json::as_array).into_iter().flatten();
    let one = relay.get("ip-address").into_iter().filter(|one| one.as_str() != Some("0.0.0.0"));
    let mut addresses: Vec<Canonical> = several.chain(one).map(Canonical::from_json).collect();
    addresses.sort();
    addresses.dedup();
    rest.insert("ip-addresses".into(), Canonical::List(addresses));
    Canonical::Map(rest)
}

/// The class restrictions of a subnet or pool: each with its old and its new word.
pub(in super::super) const RESTRICTIONS: [[&str; 2]; 2] =
    [["client-class", "client-classes"], ["require-client-classes", "evaluate-additional-classes"]];

/// The names of a class restriction, from one word or a list.
pub(in super::super) fn class_names(value: &Json) -> Vec<String> {
    match value {
        Json::String(one) if !one.is_empty() => vec![one.clone()],
        Json::Array(list) => list.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The classes that a restriction names, and the list that is compared: who may use a
/// pool is a set, additional classes are evaluated in order.
pub(in super::super) fn restriction(object: &Map<String, Json>, words: [&str; 2]) -> Option<(Vec<String>, Canonical)> {
    let names: Vec<String> = words.iter().filter_map(|word| object.get(*word)).flat_map(class_names).collect();
    if names.is_empty() {
        return None;
    }
    let mut compared = names.clone();
    if words[1] == "client-classes" {
        compared.sort();
        compared.dedup();
    }
    let list = Canonical::List(compared.iter().map(|name| Canonical::text(name.as_str())).collect());
    Some((names, list))
}

/// The first and last address of a pool: `a - b`, `a-b` or a prefix.
pub(in super::super) fn range(text: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    if let Some((address, length)) = text.split_once('/') {
        let address: Ipv4Addr = address.trim().parse().ok()?;
        let length: u32 = length.trim().parse().ok().filter(|length| *length <= 32)?;
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        let first = u32::from(address) & mask;
        return Some((first.into(), (first | !mask).into()));
    }
    let (first, last) = text.split_once('-')?;
    let (first, last): (Ipv4Addr, Ipv4Addr) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_one_spelling() {
        use IdentifierKind::{CircuitId, ClientId, Duid, HwAddress};
        for text in ["02:00:0A:00:00:01", "2:0:a:0:0:1", "02-00-0a-00-00-01", "02000a000001", "0x02000A000001"] {
            assert_eq!(identifier(HwAddress, text).raw(), "02:00:0a:00:00:01", "{text}");
        }
        assert_eq!(identifier(ClientId, "'abc'").raw(), "616263");
        assert_eq!(identifier(CircuitId, "61:62:63").raw(), "616263");
        assert_eq!(identifier(Duid, "61 62 63").raw(), "616263");
        assert_eq!(identifier(Duid, "grün").raw(), "grün");
    }

    #[test]
    fn option_data_by_shape() {
        let data = |text, shape, csv| option_data(text, shape, csv).raw().to_owned();
        assert_eq!(data("10.0.0.2,10.0.0.1 ,  10.0.0.3", Some(Shape::List), true), "10.0.0.2, 10.0.0.1, 10.0.0.3");
        assert_eq!(data(r"a\, b,c", Some(Shape::List), true), r"a\, b, c");
        assert_eq!(data("a,b", Some(Shape::Text), true), "a,b");
        assert_eq!(data("c0:00:02:01", Some(Shape::List), false), "C0000201");
        assert_eq!(data("c0000201", Some(Shape::Hex), true), "C0000201");
        assert_eq!(data("zz", None, false), "zz");
    }

    #[test]
    fn ranges() {
        let shown = |text| range(text).map(|(a, b)| format!("{a}-{b}"));
        assert_eq!(shown("10.0.0.192 - 10.0.0.223").as_deref(), Some("10.0.0.192-10.0.0.223"));
        assert_eq!(shown("10.0.0.192/27"), shown("10.0.0.192-10.0.0.223"));
        for bad in ["", "10.0.0.9", "10.0.0.9-10.0.0.1", "10.0.0.0/33", "a-b"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }
}
