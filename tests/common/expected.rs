//! What every kind of drift that `kea-pair` injects must be found as.

use std::collections::BTreeSet;

use serde_json::Value;

use super::pair::InjectedDrift;

/// Drift in a scope: kind and the changes on the target, `{p}` for the scope's first three
/// numbers. Each is `CHANGE SECTION KIND NAME of OWNER`.
pub const IN_SCOPES: &[(&str, &[&str])] = &[
    ("pool-range", &["delete ranges range {p}.192-{p}.218 of scope", "create ranges range {p}.192-{p}.223 of scope"]),
    ("pool-class", &["update policies policy client-classes of range {p}.224-{p}.254"]),
    ("pool-missing", &["create ranges range {p}.224-{p}.254 of scope"]),
    ("pool-extra", &["delete ranges range {p}.174-{p}.180 of scope"]),
    ("pool-option", &["delete options option dhcp4/7 of range {p}.192-{p}.223"]),
    ("option-value", &["update options option dhcp4/3 of scope"]),
    ("option-missing", &["create options option dhcp4/15 of scope"]),
    ("option-extra", &["delete options option dhcp4/42 of scope"]),
    ("lifetime", &["update properties property valid-lifetime of scope"]),
    ("comment", &["update properties property user-context of scope"]),
    ("hidden-text", &["update properties property user-context of scope"]),
    ("relay", &["update properties property relay of scope"]),
    ("subnet-class", &["delete policies policy client-classes of scope"]),
    ("reservation-missing", &["create reservations reservation {p}.10 of scope"]),
    ("reservation-extra", &["delete reservations reservation {p}.190 of scope"]),
    (
        "reservation-changed",
        &["delete reservations reservation {p}.189 of scope", "create reservations reservation {p}.13 of scope"],
    ),
    ("reservation-client", &["update reservations reservation {p}.10 of scope"]),
    ("reservation-hostname", &["update reservations reservation {p}.10 of scope"]),
    ("reservation-option", &["delete options option dhcp4/7 of reservation {p}.10"]),
    ("reservation-class", &["update reservations reservation {p}.10 of scope"]),
    ("subnet-id", &["update properties property id of scope"]),
    ("network-member", &["create properties property shared-network of scope"]),
    ("order", &[]),
];

/// Scopes that only one side has: kind, and how such a scope stands.
pub const WHOLE_SCOPES: &[(&str, &str)] = &[("subnet-missing", "only_on_source"), ("subnet-extra", "only_on_target")];

/// Drift outside the scopes, which no replication brings: kind, and the finding's severity,
/// kind, side, a part of its message and a part of its cure.
pub const OUTSIDE: &[(&str, [&str; 5])] = &[
    ("class-def", ["critical", "class-differs", "both", "client class voip differs: test: source", "make both sides"]),
    (
        "class-missing",
        ["warning", "class-missing", "target", "client class pxe is missing", "add it to the configuration of kea-2"],
    ),
    ("global-option", ["critical", "global-differs", "both", "global option domain-name-servers", "make both sides"]),
    (
        "global-value",
        ["warning", "global-differs", "both", "global value renew-timer differs: source 1000", "make both sides"],
    ),
    (
        "reservation-mode",
        [
            "critical",
            "reservation-mode",
            "both",
            "reservations-in-subnet differs",
            "make both sides' configurations agree",
        ],
    ),
    (
        "optdef-missing",
        [
            "critical",
            "option-definition",
            "target",
            "option definition site-code",
            "add it to the configuration of kea-2",
        ],
    ),
    ("ha-parameter", ["warning", "failover-differs", "both", "max-ack-delay", "make both sides' configurations agree"]),
    (
        "network-option",
        [
            "warning",
            "network-differs",
            "both",
            "shared network floor-1 differs: option time-servers",
            "make both sides",
        ],
    ),
    (
        "network-missing",
        [
            "critical",
            "network-missing",
            "target",
            "shared network floor-1 is missing",
            "add it to the configuration of kea-2",
        ],
    ),
];

/// Kinds with a test of their own.
pub const ELSEWHERE: &[&str] = &["option43", "demo"];

/// The changes that must be found for this drift, seen from the primary or the other side.
pub fn changes(drift: &InjectedDrift, reversed: bool) -> Option<BTreeSet<String>> {
    changes_of(IN_SCOPES, drift, reversed)
}

/// The same by a table like [`IN_SCOPES`].
pub fn changes_of(table: &[(&str, &[&str])], drift: &InjectedDrift, reversed: bool) -> Option<BTreeSet<String>> {
    let (_, changes) = table.iter().find(|(kind, _)| *kind == drift.kind)?;
    let scope = drift.scope.as_deref().expect("drift in a scope names it");
    let (prefix, _) = scope.rsplit_once('.').expect("a prefix");
    let flip = |line: String| match (reversed, line.split_once(' ')) {
        (true, Some(("create", rest))) => format!("delete {rest}"),
        (true, Some(("delete", rest))) => format!("create {rest}"),
        _ => line,
    };
    Some(changes.iter().map(|line| flip(line.replace("{p}", prefix))).collect())
}

/// How a scope that only one side has stands, seen from the primary or the other side.
pub fn one_sided(drift: &InjectedDrift, reversed: bool) -> Option<&'static str> {
    let (_, state) = WHOLE_SCOPES.iter().find(|(kind, _)| *kind == drift.kind)?;
    Some(match (reversed, *state) {
        (true, "only_on_source") => "only_on_target",
        (true, "only_on_target") => "only_on_source",
        (_, state) => state,
    })
}

/// The changes of a scope in the drift report, in the words of [`IN_SCOPES`].
pub fn shown_changes(scope: &Value) -> BTreeSet<String> {
    let word = |value: &Value| value.as_str().expect("text").to_owned();
    let changes = scope["changes"].as_array().expect("changes");
    let line = |change: &Value| {
        let key = &change["key"];
        let parts = [&change["change"], &change["section"], &key["kind"], &key["name"]].map(word);
        format!("{} of {}", parts.join(" "), word(&key["owner"]))
    };
    changes.iter().map(line).collect()
}

/// The finding that this drift must be found as.
#[track_caller]
pub fn finding<'a>(kind: &str, findings: &'a Value) -> &'a Value {
    let (_, [severity, finding, side, message, cure]) =
        OUTSIDE.iter().find(|(known, _)| *known == kind).unwrap_or_else(|| panic!("{kind} is not in the table"));
    let has = |found: &Value, key: &str, part: &str| found[key].as_str().is_some_and(|text| text.contains(part));
    let fits = |found: &&Value| {
        found["severity"] == *severity
            && found["kind"] == *finding
            && found["side"] == *side
            && has(found, "message", message)
            && has(found, "hint", cure)
    };
    let all = findings.as_array().expect("findings");
    all.iter().find(fits).unwrap_or_else(|| panic!("no finding for {kind} among {all:#?}"))
}
