//! The one form in which values are compared that servers and people spell in several.

use crate::model::{Canonical, Foreign};

/// Octets in lower-case hex with hyphens; text that is none as it is.
pub(super) fn octets(text: &str) -> String {
    match digits(text) {
        Some(digits) if digits.len() % 2 == 0 => hyphenated(&digits),
        _ => text.to_owned(),
    }
}

/// The same where asterisks stand for the rest, as in the conditions of policies and in filters.
pub(in super::super) fn hardware(text: &str) -> String {
    let bare = text.trim();
    let (head, inner) = bare.strip_prefix('*').map_or(("", bare), |rest| ("*", rest));
    let (inner, tail) = inner.strip_suffix('*').map_or((inner, ""), |rest| (rest, "*"));
    match digits(inner) {
        Some(digits) => format!("{head}{}{tail}", hyphenated(&digits)),
        None => text.to_owned(),
    }
}

/// The hex digits in lower case, without what separates octets; `None` where there is anything else.
fn digits(text: &str) -> Option<String> {
    let bare = text.trim();
    let bare = bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")).unwrap_or(bare);
    let digits: String = bare.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let is_hex = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
    is_hex.then(|| digits.to_ascii_lowercase())
}

fn hyphenated(digits: &str) -> String {
    let octets: Vec<String> = digits.as_bytes().chunks(2).map(|octet| String::from_utf8_lossy(octet).into()).collect();
    octets.join("-")
}

/// The values of an option, by the type of its definition.
pub(super) fn option(values: &[Foreign], kind: &str) -> Vec<Canonical> {
    let kind = kind.trim().to_ascii_lowercase();
    if matches!(kind.as_str(), "binarydata" | "encapsulateddata") {
        // octets come one by one or all in one; only the digits count
        let octets: Option<String> = values.iter().map(|value| digits(value.raw()).map(whole_octets)).collect();
        if let Some(octets) = octets.filter(|octets| !octets.is_empty()) {
            return vec![Canonical::text(format!("0x{octets}"))];
        }
    }
    values.iter().map(|value| single(value, &kind)).collect()
}

/// An octet below 16 may come as one digit.
fn whole_octets(digits: String) -> String {
    if digits.len().is_multiple_of(2) { digits } else { format!("0{digits}") }
}

fn single(value: &Foreign, kind: &str) -> Canonical {
    let text = value.raw();
    let number = || {
        let bare = text.trim();
        match bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => bare.parse().ok(),
        }
    };
    let canonical = match kind {
        "byte" | "word" | "dword" | "dworddword" => number().map(|number| number.to_string()),
        "ipv4address" => text.trim().parse().ok().map(|address: std::net::Ipv4Addr| address.to_string()),
        _ => None,
    };
    canonical.map_or_else(|| Canonical::Text(value.clone()), Canonical::text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_have_one_spelling() {
        for spelt in ["AA-bb-0C", "aabb0c", "aa:bb:0c", "0xAABB0C", " aa-bb-0c "] {
            assert_eq!(octets(spelt), "aa-bb-0c", "{spelt}");
        }
        for kept in ["", "RAS", "aab", "lab printer"] {
            assert_eq!(octets(kept), kept);
        }
        assert_eq!(hardware("00155D*"), "00-15-5d*");
        assert_eq!(hardware("*0C-"), "*0c");
        assert_eq!(hardware("*"), "*");
        assert_eq!(hardware("Printers*"), "Printers*");
    }

    #[test]
    fn values_of_options_compare_by_their_type() {
        let all =
            |values: &[&str], kind: &str| option(&values.iter().map(|value| (*value).into()).collect::<Vec<_>>(), kind);
        let of = |value: &str, kind: &str| all(&[value], kind)[0].to_line();
        assert_eq!(of("0x0E10", "DWord"), of("3600", "DWORD"));
        assert_eq!(of("0x0A0B", "BinaryData"), of("0a0b", "BinaryData"));
        assert_eq!(all(&["0x0A", "0xB"], "EncapsulatedData"), all(&["0x0a0b"], "EncapsulatedData"));
        assert_eq!(all(&["0x0A", "none"], "BinaryData").len(), 2);
        assert_eq!(all(&["10", "11"], "Byte").len(), 2);
        assert_eq!(of("10.0.0.1 ", "IPv4Address"), "10.0.0.1");
        assert_ne!(of("A", "String"), of("a", "String"));
        assert_eq!(of("many", "Word"), "many");
    }
}
