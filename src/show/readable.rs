//! What a value means, where its digits alone say little: durations in words, bytes as text or
//! addresses.

use std::net::Ipv4Addr;

use crate::model::{Canonical, Foreign, ItemKey, KeyName, Kind};

/// Properties in seconds.
const SECONDS: [&str; 8] = [
    "valid-lifetime",
    "min-valid-lifetime",
    "max-valid-lifetime",
    "renew-timer",
    "rebind-timer",
    "offer-lifetime",
    "cache-max-age",
    "hold-reclaimed-time",
];

/// Options in seconds, by code: RFC 2132 sections 3.4, 5.2, 6.2, 7.3, 9.2, 9.11 and 9.12, and RFC 8925.
const SECONDS_BY_CODE: [u32; 8] = [2, 24, 35, 38, 51, 58, 59, 108];

/// Options that are lists of addresses, by code: RFC 2132.
const ADDRESSES_BY_CODE: [u32; 28] =
    [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 28, 32, 41, 42, 44, 45, 48, 49, 50, 54, 65, 69, 70, 71, 72, 73, 74];

/// Options that are classless static routes: RFC 3442, and what Windows had before it.
const ROUTES_BY_CODE: [u32; 2] = [121, 249];

/// What a value of this field of an item means, to be put behind it in parentheses; safe to show.
///
/// ```
/// use scopesync::model::{Canonical, ItemKey};
/// use scopesync::show::meaning;
/// let lifetime = ItemKey::property("valid-lifetime");
/// assert_eq!(meaning(&lifetime, "value", &Canonical::Integer(86_400)).as_deref(), Some("1 day"));
/// ```
pub fn meaning(key: &ItemKey, field: &str, value: &Canonical) -> Option<String> {
    let name = match &key.name {
        KeyName::Name(name) if key.kind == Kind::Property => name.raw(),
        _ => field,
    };
    match value {
        Canonical::Integer(seconds) if SECONDS.contains(&name) => duration(*seconds),
        Canonical::Integer(time) if name == "delay" => Some(format!("{time} ms")),
        Canonical::Text(text) if name == "lease-duration" => duration(interval(text.raw())?),
        Canonical::Text(text) => of_text(code(key), field, text.raw()),
        Canonical::List(list) => match list.as_slice() {
            [Canonical::Text(only)] => of_text(code(key), field, only.raw()),
            _ => None,
        },
        _ => None,
    }
}

/// The code of an option that every client knows by its number.
fn code(key: &ItemKey) -> Option<u32> {
    match &key.name {
        KeyName::Option(option) if option.space.raw() == "dhcp4" => Some(option.code),
        _ => None,
    }
}

fn of_text(code: Option<u32>, field: &str, text: &str) -> Option<String> {
    // digits that begin with a zero are bytes
    let is_number = code.is_some_and(|code| SECONDS_BY_CODE.contains(&code)) && !text.starts_with('0');
    if let Some(seconds) = text.parse().ok().filter(|_| is_number) {
        return duration(seconds);
    }
    let is_identifier = ["client-id", "duid", "circuit-id", "flex-id"].contains(&field);
    if code.is_none() && !is_identifier && !text.starts_with("0x") {
        return None;
    }
    of_bytes(code, field, &bytes(text)?)
}

/// Seconds in words: `1 day`, `1 hour 30 minutes`; nothing for less than two minutes, which are
/// read as they stand.
fn duration(seconds: i64) -> Option<String> {
    const UNITS: [(i64, &str); 4] = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    if seconds == i64::from(u32::MAX) {
        return Some("without end".to_owned());
    }
    if seconds < 120 {
        return None;
    }
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, word) in UNITS {
        if rest >= unit {
            parts.push(super::plural(usize::try_from(rest / unit).unwrap_or(usize::MAX), word));
            rest %= unit;
        }
    }
    Some(parts.join(" "))
}

/// The seconds of a time as Windows' tools write it: `8.00:00:00`.
fn interval(text: &str) -> Option<i64> {
    let (days, clock) = text.split_once('.').unwrap_or(("0", text));
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = parts.as_slice() else { return None };
    let days: i64 = days.parse().ok().filter(|days| (0..1 << 32).contains(days))?;
    Some(days * 86_400 + hours * 3600 + minutes * 60 + seconds)
}

/// Bytes that are written as hexadecimal digits, with or without `0x` and what separates octets.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let bare = text.strip_prefix("0x").unwrap_or(text);
    let digits: String = bare.chars().filter(|c| !matches!(c, ':' | '-')).collect();
    let is_hex = !digits.is_empty() && digits.len().is_multiple_of(2) && digits.bytes().all(|c| c.is_ascii_hexdigit());
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if is_hex { digits.as_bytes().chunks(2).map(byte).collect() } else { None }
}

fn of_bytes(code: Option<u32>, field: &str, bytes: &[u8]) -> Option<String> {
    let is = |codes: &[u32]| code.is_some_and(|code| codes.contains(&code));
    if let (true, Ok(four)) = (is(&SECONDS_BY_CODE), <[u8; 4]>::try_from(bytes)) {
        return duration(u32::from_be_bytes(four).into());
    }
    if is(&ADDRESSES_BY_CODE) && bytes.len().is_multiple_of(4) {
        return Some(bytes.chunks_exact(4).filter_map(address).collect::<Vec<_>>().join(", "));
    }
    if is(&ROUTES_BY_CODE)
        && let Some(routes) = routes(bytes)
    {
        return Some(routes);
    }
    // RFC 2132 section 9.14: the type of the hardware, then its address; 1 is Ethernet
    if let ("client-id", [1, address @ ..]) = (field, bytes)
        && address.len() == 6
    {
        let octets: Vec<String> = address.iter().map(|octet| format!("{octet:02x}")).collect();
        return Some(format!("Ethernet {}", octets.join(":")));
    }
    let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let is_text = text.len() > 1 && text.iter().all(|byte| (b' '..=b'~').contains(byte));
    is_text.then(|| format!("\"{}\"", Foreign::cleaned(&String::from_utf8_lossy(text))))
}

fn address(four: &[u8]) -> Option<String> {
    Some(Ipv4Addr::from(<[u8; 4]>::try_from(four).ok()?).to_string())
}

/// Destinations and their routers: how many bits count, as many octets as those fill, a router.
fn routes(mut bytes: &[u8]) -> Option<String> {
    let mut routes = Vec::new();
    while let Some((bits, rest)) = bytes.split_first() {
        let octets = usize::from(bits.div_ceil(8));
        let (network, rest) = rest.split_at_checked(octets).filter(|_| *bits <= 32)?;
        let (router, rest) = rest.split_at_checked(4)?;
        let mut whole = [0; 4];
        whole[..octets].copy_from_slice(network);
        routes.push(format!("{}/{bits} via {}", Ipv4Addr::from(whole), address(router)?));
        bytes = rest;
    }
    (!routes.is_empty()).then(|| routes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{OptionKey, Owner, ReservationKey};

    fn option(code: u32, value: &str) -> Option<String> {
        let key = OptionKey { space: "dhcp4".into(), code, tags: Vec::new(), nth: 0 };
        let key = ItemKey { owner: Owner::Scope, kind: Kind::Option, name: KeyName::Option(key) };
        meaning(&key, "data", &Canonical::text(value))
    }

    #[test]
    fn durations_are_told_in_words() {
        let lifetime = |seconds| meaning(&ItemKey::property("valid-lifetime"), "value", &Canonical::Integer(seconds));
        for (seconds, words) in [
            (119, None),
            (1800, Some("30 minutes")),
            (5400, Some("1 hour 30 minutes")),
            (691_200, Some("8 days")),
            (4_294_967_295, Some("without end")),
        ] {
            assert_eq!(lifetime(seconds).as_deref(), words, "{seconds}");
        }
        assert_eq!(meaning(&ItemKey::property("id"), "value", &Canonical::Integer(86_400)), None);
        let windows = |text: &str| meaning(&ItemKey::property("lease-duration"), "value", &Canonical::text(text));
        assert_eq!(windows("8.00:00:00").as_deref(), Some("8 days"));
        assert_eq!(windows("01:30:00").as_deref(), Some("1 hour 30 minutes"));
        assert_eq!(windows("9999999999999999999.00:00:00"), None);
        assert_eq!(option(51, "86400").as_deref(), Some("1 day"));
        assert_eq!(option(51, "00015180").as_deref(), Some("1 day"));
    }

    #[test]
    fn bytes_are_told_as_what_they_are() {
        for (code, value, words) in [
            (3, "0A0000010A000002", Some("10.0.0.1, 10.0.0.2")),
            (3, "10.0.0.1", None),
            (66, "7466747000", Some("\"tftp\"")),
            (43, "0x0104", None),
            (43, "0x6c6162", Some("\"lab\"")),
            (121, "180A01020A0000010A000001", None),
            (121, "180A01020A000001080A0A000001", Some("10.1.2.0/24 via 10.0.0.1, 10.0.0.0/8 via 10.0.0.1")),
            (121, "FF", None),
        ] {
            assert_eq!(option(code, value).as_deref(), words, "{code} {value}");
        }
        let client = ItemKey::reservation(ReservationKey::Address([10, 0, 0, 9].into()));
        let of = |field, text: &str| meaning(&client, field, &Canonical::text(text));
        assert_eq!(of("client-id", "0102000A000001").as_deref(), Some("Ethernet 02:00:0a:00:00:01"));
        assert_eq!(of("flex-id", "616263").as_deref(), Some("\"abc\""));
        assert_eq!(of("hostname", "616263"), None);
    }
}
