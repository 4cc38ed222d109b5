//! What every kind of drift that `windows-pair` injects must be found as.

use std::collections::BTreeSet;

use super::pair::InjectedDrift;

/// Drift in a scope: kind and the changes on the target, `{p}` for the scope's first three
/// numbers. Each is `CHANGE SECTION KIND NAME of OWNER`. What is equal has none.
pub const IN_SCOPES: &[(&str, &[&str])] = &[
    ("name", &["update properties property name of scope"]),
    ("description", &["update properties property description of scope"]),
    ("hidden-text", &["update properties property description of scope"]),
    ("state", &["update properties property state of scope"]),
    ("type", &["update properties property type of scope"]),
    ("lease-duration", &["update properties property lease-duration of scope"]),
    ("unlimited-lease", &["update properties property lease-duration of scope"]),
    ("delay", &["update properties property delay of scope"]),
    ("max-bootp", &["update properties property max-bootp-clients of scope"]),
    ("activate-policies", &["update properties property activate-policies of scope"]),
    ("superscope", &["update properties property superscope-name of scope"]),
    ("nap", &["delete properties property nap-profile of scope"]),
    ("range", &["delete ranges range {p}.20-{p}.199 of scope", "create ranges range {p}.20-{p}.200 of scope"]),
    (
        "exclusion-moved",
        &["delete exclusions exclusion {p}.31-{p}.40 of scope", "create exclusions exclusion {p}.30-{p}.39 of scope"],
    ),
    ("exclusion-missing", &["create exclusions exclusion {p}.30-{p}.39 of scope"]),
    ("exclusion-extra", &["delete exclusions exclusion {p}.50-{p}.50 of scope"]),
    ("reservation-missing", &["create reservations reservation {p}.201 of scope"]),
    ("reservation-extra", &["delete reservations reservation {p}.19 of scope"]),
    ("reservation-client", &["update reservations reservation {p}.201 of scope"]),
    ("reservation-long-client", &["update reservations reservation {p}.203 of scope"]),
    (
        "reservation-moved",
        &["delete reservations reservation {p}.18 of scope", "create reservations reservation {p}.201 of scope"],
    ),
    ("reservation-name", &["update reservations reservation {p}.201 of scope"]),
    ("reservation-description", &["update reservations reservation {p}.201 of scope"]),
    ("reservation-type", &["update reservations reservation {p}.201 of scope"]),
    ("reservation-option", &["delete options option dhcp4/67 of reservation {p}.201"]),
    ("reservation-option-value", &["update options option dhcp4/12 of reservation {p}.201"]),
    ("reservation-dns", &["delete properties dns-setting option-81 of reservation {p}.201"]),
    ("option-value", &["update options option dhcp4/15 of scope"]),
    ("option-order", &["update options option dhcp4/3 of scope"]),
    ("option-missing", &["create options option dhcp4/6 of scope"]),
    ("option-extra", &["delete options option dhcp4/42 of scope"]),
    ("option-vendor", &["update options option Access points/1 of scope"]),
    ("option-user", &["create options option dhcp4/6 @Kiosks of scope"]),
    ("option-policy", &["update options option dhcp4/66 of policy Phones"]),
    ("policy-order", &["update policies policy Kiosks of scope", "update policies policy Phones of scope"]),
    ("policy-condition", &["update policies policy Phones of scope"]),
    ("policy-enabled", &["update policies policy Phones of scope"]),
    ("policy-missing", &["create policies policy Phones of scope"]),
    ("policy-extra", &["delete policies policy Guests of scope"]),
    ("policy-lease", &["update policies policy Kiosks of scope"]),
    (
        "policy-range",
        &[
            "delete ranges range {p}.100-{p}.118 of policy Phones",
            "create ranges range {p}.100-{p}.119 of policy Phones",
        ],
    ),
    ("policy-dns", &["delete properties dns-setting option-81 of policy Phones"]),
    ("dns-value", &["update properties dns-setting delete-dns-rr-on-lease-expiry of scope"]),
    ("dns-own", &["update properties dns-setting dynamic-updates of scope"]),
    ("dns-dropped", &["update properties dns-setting dynamic-updates of scope"]),
    ("equal-client-case", &[]),
    ("equal-order", &[]),
    ("equal-conditions", &[]),
    ("equal-absent", &[]),
    ("equal-spelling", &[]),
];

/// The changes that must be found for this drift, seen from server a or from the other one.
pub fn changes(drift: &InjectedDrift, reversed: bool) -> Option<BTreeSet<String>> {
    super::expected::changes_of(IN_SCOPES, drift, reversed)
}

/// Drift outside the scopes, which no replication brings: kind, and what findings begin with.
pub const OUTSIDE: &[(&str, &[&str])] = &[
    ("server-option", &["critical global-differs both: server option DNS Servers (dhcp4/6) differs"]),
    ("server-policy", &["critical global-differs both: server policy Site differs: enabled"]),
    ("server-dns", &["warning global-differs both: server setting DNS dynamic-updates differs"]),
    (
        "definition-missing",
        &["critical option-definition target: option definition Vendor text (Access points/1) is missing on dhcp2"],
    ),
    (
        "definition-type",
        &["warning option-definition both: option definition Boot Server Host Name (dhcp4/66) differs"],
    ),
    ("class-missing", &["critical class-missing target: user class Kiosks is missing on dhcp2"]),
    ("class-data", &["critical class-differs both: vendor class Phones differs: data"]),
    ("filter", &["warning global-differs source: 1 filter is missing on dhcp1, only on dhcp2: deny/02-00-00-00-00-02"]),
    ("filter-list", &["warning global-differs both: server setting deny list in force differs"]),
    ("lead-time", &["warning failover-differs both: failover parameter maximum client lead time"]),
    ("share", &["warning failover-differs both: failover parameter primary's load balance percent"]),
    ("interrupted", &["warning state target: dhcp2 is in state CommunicationInterrupted"]),
    ("older", &[]),
];

/// Scopes that are missing, or in other relationships.
pub const MEMBERSHIP: &[&str] =
    &["scope-missing", "scope-gone", "scope-extra", "no-relationship", "not-a-member", "other-relationship"];
