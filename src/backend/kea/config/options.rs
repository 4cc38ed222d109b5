//! The options that Kea knows by itself, and those that a configuration defines.
//!
//! Source of the numbers and names: Kea's table of standard DHCPv4 options, which follows
//! the IANA registry of BOOTP vendor extensions and DHCP options.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::Foreign;

/// The space of the options that a client asks for by number.
pub const DHCP4: &str = "dhcp4";
/// The space of the sub-options of option 43.
pub const VENDOR: &str = "vendor-encapsulated-options-space";

/// How an option's data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One text; every blank counts.
    Text,
    /// Values between commas; blanks around them do not count.
    List,
    /// Hexadecimal digits.
    Hex,
}

use Shape::{Hex, List, Text};

/// What is known of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionDefinition {
    /// Its name.
    pub name: Foreign,
    /// How its data is written.
    pub shape: Shape,
    /// Kea knows it without being told.
    pub standard: bool,
}

/// The options that one server's configuration defines.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    by_code: BTreeMap<(Foreign, u32), OptionDefinition>,
    by_name: BTreeMap<(Foreign, Foreign), u32>,
}

impl Definitions {
    /// Reads the list `option-def`; what is no definition is left out.
    pub fn read(list: &Value) -> Self {
        let mut found = Definitions::default();
        for definition in list.as_array().into_iter().flatten() {
            let text = |key: &str| definition.get(key).and_then(Value::as_str);
            let code = definition.get("code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
            if let (Some(name), Some(code)) = (text("name"), code) {
                let space = Foreign::from(text("space").unwrap_or(DHCP4));
                let array = definition.get("array").and_then(Value::as_bool).unwrap_or(false);
                let shape = match text("type") {
                    Some("string") if !array => Text,
                    Some("binary") => Hex,
                    _ => List,
                };
                let name = Foreign::from(name);
                found.by_name.insert((space.clone(), name.clone()), code);
                found.by_code.insert((space, code), OptionDefinition { name, shape, standard: false });
            }
        }
        found
    }

    /// What is known of an option; standard options cannot be defined anew, but for 43.
    pub fn get(&self, space: &Foreign, code: u32) -> Option<OptionDefinition> {
        standard(space.raw())
            .iter()
            .find(|row| row.0 == code)
            .map(|(_, name, shape)| OptionDefinition { name: (*name).into(), shape: *shape, standard: true })
            .or_else(|| self.by_code.get(&(space.clone(), code)).cloned())
            .or_else(|| {
                let last = space.raw() == DHCP4 && code == 43;
                last.then(|| OptionDefinition { name: OPTION_43.into(), shape: List, standard: true })
            })
    }

    /// The code of a named option.
    pub fn code(&self, space: &Foreign, name: &str) -> Option<u32> {
        standard(space.raw())
            .iter()
            .find(|row| row.1 == name)
            .map(|row| row.0)
            .or_else(|| self.by_name.get(&(space.clone(), name.into())).copied())
            .or_else(|| (space.raw() == DHCP4 && name == OPTION_43).then_some(43))
    }

    /// Whether raw data of option 43 is kept by an own definition of it.
    pub fn keeps_option_43(&self) -> bool {
        self.by_code.get(&(DHCP4.into(), 43)).is_some_and(|definition| definition.shape == Hex)
    }
}

const OPTION_43: &str = "vendor-encapsulated-options";

type Row = (u32, &'static str, Shape);

fn standard(space: &str) -> &'static [Row] {
    match space {
        DHCP4 => STANDARD,
        "dhcp-agent-options-space" => AGENT,
        "vendor-4491" => CABLE_LABS,
        _ => &[],
    }
}

#[rustfmt::skip]
const STANDARD: &[Row] = &[
    (1, "subnet-mask", List),
    (2, "time-offset", List),
    (3, "routers", List),
    (4, "time-servers", List),
    (5, "name-servers", List),
    (6, "domain-name-servers", List),
    (7, "log-servers", List),
    (8, "cookie-servers", List),
    (9, "lpr-servers", List),
    (10, "impress-servers", List),
    (11, "resource-location-servers", List),
    (12, "host-name", Text),
    (13, "boot-size", List),
    (14, "merit-dump", Text),
    (15, "domain-name", Text),
    (16, "swap-server", List),
    (17, "root-path", Text),
    (18, "extensions-path", Text),
    (19, "ip-forwarding", List),
    (20, "non-local-source-routing", List),
    (21, "policy-filter", List),
    (22, "max-dgram-reassembly", List),
    (23, "default-ip-ttl", List),
    (24, "path-mtu-aging-timeout", List),
    (25, "path-mtu-plateau-table", List),
    (26, "interface-mtu", List),
    (27, "all-subnets-local", List),
    (28, "broadcast-address", List),
    (29, "perform-mask-discovery", List),
    (30, "mask-supplier", List),
    (31, "router-discovery", List),
    (32, "router-solicitation-address", List),
    (33, "static-routes", List),
    (34, "trailer-encapsulation", List),
    (35, "arp-cache-timeout", List),
    (36, "ieee802-3-encapsulation", List),
    (37, "default-tcp-ttl", List),
    (38, "tcp-keepalive-interval", List),
    (39, "tcp-keepalive-garbage", List),
    (40, "nis-domain", Text),
    (41, "nis-servers", List),
    (42, "ntp-servers", List),
    (44, "netbios-name-servers", List),
    (45, "netbios-dd-server", List),
    (46, "netbios-node-type", List),
    (47, "netbios-scope", Text),
    (48, "font-servers", List),
    (49, "x-display-manager", List),
    (50, "dhcp-requested-address", List),
    (51, "dhcp-lease-time", List),
    (52, "dhcp-option-overload", List),
    (53, "dhcp-message-type", List),
    (54, "dhcp-server-identifier", List),
    (55, "dhcp-parameter-request-list", List),
    (56, "dhcp-message", Text),
    (57, "dhcp-max-message-size", List),
    (58, "dhcp-renewal-time", List),
    (59, "dhcp-rebinding-time", List),
    (60, "vendor-class-identifier", Text),
    (61, "dhcp-client-identifier", Hex),
    (62, "nwip-domain-name", Text),
    (63, "nwip-suboptions", Hex),
    (64, "nisplus-domain-name", Text),
    (65, "nisplus-servers", List),
    (66, "tftp-server-name", Text),
    (67, "boot-file-name", Text),
    (68, "mobile-ip-home-agent", List),
    (69, "smtp-server", List),
    (70, "pop-server", List),
    (71, "nntp-server", List),
    (72, "www-server", List),
    (73, "finger-server", List),
    (74, "irc-server", List),
    (75, "streettalk-server", List),
    (76, "streettalk-directory-assistance-server", List),
    (77, "user-class", Hex),
    (78, "slp-directory-agent", List),
    (79, "slp-service-scope", List),
    (81, "fqdn", List),
    (82, "dhcp-agent-options", List),
    (85, "nds-servers", List),
    (86, "nds-tree-name", Text),
    (87, "nds-context", Text),
    (88, "bcms-controller-names", List),
    (89, "bcms-controller-address", List),
    (90, "authenticate", Hex),
    (91, "client-last-transaction-time", List),
    (92, "associated-ip", List),
    (93, "client-system", List),
    (94, "client-ndi", List),
    (97, "uuid-guid", List),
    (98, "uap-servers", Text),
    (99, "geoconf-civic", Hex),
    (100, "pcode", Text),
    (101, "tcode", Text),
    (108, "v6-only-preferred", List),
    (112, "netinfo-server-address", List),
    (113, "netinfo-server-tag", Text),
    (114, "v4-captive-portal", Text),
    (116, "auto-config", List),
    (117, "name-service-search", List),
    (118, "subnet-selection", List),
    (119, "domain-search", List),
    (121, "classless-static-route", List),
    (122, "cablelabs-client-conf", List),
    (124, "vivco-suboptions", List),
    (125, "vivso-suboptions", List),
    (136, "pana-agent", List),
    (137, "v4-lost", List),
    (138, "capwap-ac-v4", List),
    (141, "sip-ua-cs-domains", List),
    (143, "v4-sztp-redirect", List),
    (146, "rdnss-selection", List),
    (151, "status-code", List),
    (152, "base-time", List),
    (153, "start-time-of-state", List),
    (154, "query-start-time", List),
    (155, "query-end-time", List),
    (156, "dhcp-state", List),
    (157, "data-source", List),
    (159, "v4-portparams", List),
    (162, "v4-dnr", List),
    (212, "option-6rd", List),
    (213, "v4-access-domain", List),
];

#[rustfmt::skip]
const AGENT: &[Row] = &[
    (1, "circuit-id", Hex),
    (2, "remote-id", Hex),
    (4, "docsis-device-class", List),
    (5, "link-selection", List),
    (6, "subscriber-id", Text),
    (7, "radius", Hex),
    (8, "auth", Hex),
    (9, "vendor-specific-info", Hex),
    (10, "relay-flags", List),
    (11, "server-id-override", List),
    (12, "relay-id", Hex),
    (13, "access-techno-type", List),
    (14, "access-network-name", Text),
    (15, "access-point-name", Text),
    (16, "access-point-bssid", Hex),
    (17, "operator-id", List),
    (18, "operator-realm", Text),
    (19, "relay-port", List),
    (151, "virtual-subnet-select", Hex),
    (152, "virtual-subnet-select-ctrl", List),
];

const CABLE_LABS: &[Row] = &[(1, "oro", List), (2, "tftp-servers", List)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_own_and_last_resort() {
        let own = Definitions::read(&serde_json::json!([
            {"name": "site-code", "code": 222, "type": "uint32"},
            {"name": "mine", "code": 43, "type": "binary", "space": "dhcp4"},
            {"name": "other-routers", "code": 3, "type": "string"},
            {"name": "x", "code": 1, "type": "string", "space": "acme"},
            "nonsense",
        ]));
        let dhcp4 = Foreign::from(DHCP4);
        let name = |d: &Definitions, code| d.get(&dhcp4, code).map(|d| d.name.raw().to_owned());
        assert_eq!(name(&own, 222).as_deref(), Some("site-code"));
        assert_eq!(name(&own, 3).as_deref(), Some("routers"));
        assert_eq!(name(&own, 43).as_deref(), Some("mine"));
        assert!(own.keeps_option_43());
        assert_eq!(own.code(&"acme".into(), "x"), Some(1));
        let none = Definitions::default();
        assert_eq!(name(&none, 43).as_deref(), Some(OPTION_43));
        assert!(!none.keeps_option_43());
        assert_eq!(none.code(&dhcp4, "domain-search"), Some(119));
        assert_eq!(none.get(&dhcp4, 222), None);
    }

    #[test]
    fn the_tables_are_sorted_and_unique() {
        for table in [STANDARD, AGENT, CABLE_LABS] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
