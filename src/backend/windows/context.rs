//! What surrounds the scopes of a Windows server: definitions, classes, and what holds for the
//! whole server. No replication of scopes brings any of it.

use std::collections::BTreeMap;

use super::cim::{Class, DnsSetting, Filter, FilterList, OptionDefinition, OptionValue, Policy, ServerVersion, filled};
use super::scope::{dns_values, hardware, is_own_dns, option_value, policy_fields, space};
use crate::model::{Canonical, Context, Definition, DefinitionKind, Foreign, Release};

/// Kinds that a Windows server has besides the parameters of its relationships.
const KINDS: [DefinitionKind; 7] = [
    DefinitionKind::OptionDefinition,
    DefinitionKind::VendorClass,
    DefinitionKind::UserClass,
    DefinitionKind::ServerOption,
    DefinitionKind::ServerPolicy,
    DefinitionKind::ServerSetting,
    DefinitionKind::Filter,
];

/// A context of which nothing is known yet.
pub(super) fn unread() -> Context {
    Context { unread: KINDS.into_iter().map(|kind| (kind, None)).collect(), ..Context::default() }
}

/// What a server tells goes in; what it refuses to tell stays unread, with the reason.
#[derive(Debug, Default)]
pub(super) struct Collected {
    context: Context,
    policy_options: Vec<OptionValue>,
}

impl Collected {
    /// These kinds could not be read.
    pub(super) fn missing(&mut self, kinds: &[DefinitionKind], reason: &Foreign) {
        for kind in kinds {
            self.context.unread.insert(*kind, Some(reason.clone()));
        }
    }

    pub(super) fn definitions(&mut self, told: &[OptionDefinition]) {
        for definition in told {
            let fields = [
                ("type", filled(&definition.kind).map(|kind| Canonical::text(kind.raw().to_ascii_lowercase()))),
                ("multi-valued", Some(Canonical::Bool(definition.multi_valued.unwrap_or(false)))),
            ];
            let name = coded(&definition.vendor_class, definition.option_id);
            self.set(DefinitionKind::OptionDefinition, name, fields, definition.name.clone());
        }
    }

    pub(super) fn classes(&mut self, told: &[Class]) {
        for class in told {
            let is_vendor = class.kind.raw().trim().eq_ignore_ascii_case("Vendor");
            let kind = if is_vendor { DefinitionKind::VendorClass } else { DefinitionKind::UserClass };
            let data = filled(&class.data).map(|data| Canonical::text(class_data(data.raw())));
            self.set(kind, class.name.clone(), [("data", data)], None);
        }
    }

    /// Options of server policies are told with their policies; the server's DNS setting in words.
    pub(super) fn options(&mut self, told: Vec<OptionValue>) {
        for option in told.into_iter().filter(|option| !is_own_dns(option)) {
            if filled(&option.policy_name).is_some() {
                self.policy_options.push(option);
                continue;
            }
            let value = option_value(&option).canonical;
            let name = Foreign::from(with_class(&option));
            self.set(DefinitionKind::ServerOption, name, [("value", Some(value))], option.name);
        }
    }

    pub(super) fn policies(&mut self, told: &[Policy]) {
        for policy in told {
            let mut fields: BTreeMap<Foreign, Canonical> =
                policy_fields(policy).map(|(name, value)| (name, value.canonical)).collect();
            let order = policy.processing_order.map(|order| Canonical::Integer(order.into()));
            fields.extend(order.map(|order| ("processing-order".into(), order)));
            let definition = Definition { fields, label: None };
            self.context.definitions.insert((DefinitionKind::ServerPolicy, policy.name.clone()), definition);
        }
    }

    pub(super) fn filters(&mut self, told: &[Filter]) {
        for filter in told {
            let list = filter.list.raw().trim().to_ascii_lowercase();
            let name = format!("{list}/{}", hardware(filter.mac_address.raw()));
            self.set(DefinitionKind::Filter, name.into(), [], filled(&filter.description).cloned());
        }
    }

    pub(super) fn filter_list(&mut self, told: &FilterList) {
        for (name, in_force) in [("allow list in force", told.allow), ("deny list in force", told.deny)] {
            self.setting(name, Canonical::Bool(in_force.unwrap_or(false)));
        }
    }

    pub(super) fn dns(&mut self, told: &DnsSetting) {
        for (name, value) in dns_values(told) {
            self.setting(&format!("DNS {}", name.raw()), value.canonical);
        }
    }

    pub(super) fn version(&mut self, told: &ServerVersion) {
        self.context.release = Some(Release { major: told.major, minor: told.minor });
    }

    /// The version could not be read. It has no kind of its own: a newer server's settings are
    /// the first that an older one may lack.
    pub(super) fn no_version(&mut self, reason: &Foreign) {
        self.missing(&[DefinitionKind::ServerSetting], &format!("its version: {reason}").into());
    }

    /// The context, with what belongs together put together. Policies are known with their
    /// options, or not at all.
    pub(super) fn finish(mut self) -> Context {
        for option in self.policy_options {
            let Some(name) = filled(&option.policy_name) else { continue };
            let policy = self.context.definitions.entry((DefinitionKind::ServerPolicy, name.clone()));
            let fields = &mut policy.or_insert_with(|| Definition { fields: BTreeMap::new(), label: None }).fields;
            fields.insert(format!("option {}", with_class(&option)).into(), option_value(&option).canonical);
        }
        if self.context.unread.contains_key(&DefinitionKind::ServerPolicy) {
            self.context.definitions.retain(|(kind, _), _| *kind != DefinitionKind::ServerPolicy);
        }
        self.context
    }

    fn setting(&mut self, name: &str, value: Canonical) {
        self.set(DefinitionKind::ServerSetting, name.into(), [("value", Some(value))], None);
    }

    fn set<const N: usize>(
        &mut self,
        kind: DefinitionKind,
        name: Foreign,
        fields: [(&str, Option<Canonical>); N],
        label: Option<Foreign>,
    ) {
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect();
        self.context.definitions.insert((kind, name), Definition { fields, label });
    }
}

/// A version in the words of its product.
pub(super) fn product(told: &ServerVersion) -> Foreign {
    let ServerVersion { major, minor, .. } = told;
    let name = match (major, minor) {
        (6, 2) => "Windows Server 2012",
        (6, 3) => "Windows Server 2012 R2",
        (10, 0) => "Windows Server 2016 or later",
        _ => "Windows Server",
    };
    format!("{name} ({major}.{minor})").into()
}

/// Definitions and options go by `space/code`.
fn coded(vendor_class: &Option<Foreign>, code: u32) -> Foreign {
    format!("{}/{code}", space(vendor_class).raw()).into()
}

fn with_class(option: &OptionValue) -> String {
    let name = coded(&option.vendor_class, option.option_id);
    match filled(&option.user_class) {
        Some(class) => format!("{}, {}", name.raw(), class.raw()),
        None => name.raw().to_owned(),
    }
}

/// What clients send, as text where it is text: servers tell it as hex or as text.
fn class_data(told: &str) -> String {
    let bare = told.trim();
    let Some(digits) = bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")) else { return told.to_owned() };
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let octets: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(octet).collect();
    match octets.map(String::from_utf8) {
        Some(Ok(text)) if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() || c == ' ') => text,
        _ => format!("0x{}", digits.to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(id: u32, class: &str, policy: &str) -> OptionValue {
        let told = serde_json::json!({"OptionId": id, "Value": ["5"], "UserClass": class, "PolicyName": policy});
        serde_json::from_value(told).unwrap()
    }

    #[test]
    fn policies_are_known_with_their_options_or_not_at_all() {
        use DefinitionKind::{ServerPolicy, ServerSetting};
        let of = |refused: bool| {
            let mut told = Collected::default();
            told.options(vec![option(6, "", "P")]);
            if refused {
                told.missing(&[ServerPolicy], &"no".into());
            }
            told.finish()
        };
        assert!(of(false).get(ServerPolicy, &"P".into()).is_some());
        assert!(of(true).definitions.is_empty());
        let mut told = Collected::default();
        told.no_version(&"no".into());
        assert!(told.finish().unread[&ServerSetting].as_ref().is_some_and(|why| why.raw() == "its version: no"));
    }

    #[test]
    fn only_the_servers_own_dns_setting_is_told_in_words() {
        let mut told = Collected::default();
        told.options(vec![option(81, "", ""), option(81, "Kiosks", ""), option(81, "", "P")]);
        let names: Vec<String> = told.finish().definitions.keys().map(|(_, name)| name.to_string()).collect();
        assert_eq!(names, ["dhcp4/81, Kiosks", "P"]);
    }

    #[test]
    fn class_data_is_one_as_hex_and_as_text() {
        assert_eq!(class_data("0x4D53465420352E30"), "MSFT 5.0");
        assert_eq!(class_data("MSFT 5.0"), "MSFT 5.0");
        assert_eq!(class_data("0x00FF"), "0x00ff");
        assert_eq!(class_data("0x4"), "0x4");
        assert_eq!(class_data("0xé"), "0xé");
    }
}
