//! A small model of the service: what it takes, what it refuses, and what is there afterwards.

use std::net::Ipv4Addr;

use serde_json::{Map, Value as Json, json};

use super::super::call::Call;
use crate::backend::windows::cim::{CONDITIONS, Data, DnsSetting, Level, OptionValue, Policy, filled};
use crate::backend::windows::scope::Told;
use crate::model::Foreign;

pub(super) struct Service {
    told: Told,
    /// The scope's own, where it has one.
    dns: Option<Json>,
    server_dns: Json,
}

type Taken = Result<(), String>;

fn demand(is_so: bool, why: &str) -> Taken {
    if is_so { Ok(()) } else { Err(why.to_owned()) }
}

fn overlap(one: (Ipv4Addr, Ipv4Addr), other: (Ipv4Addr, Ipv4Addr)) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}

/// What is said takes the place of what is there; what is not said stays.
fn merge<T: serde::Serialize + serde::de::DeserializeOwned>(old: &mut T, new: &T) {
    let said = |value: &Json| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
    let mut all = as_map(old);
    all.extend(as_map(new).into_iter().filter(|(_, value)| said(value)));
    *old = serde_json::from_value(Json::Object(all)).unwrap();
}

fn as_map(value: &impl serde::Serialize) -> Map<String, Json> {
    serde_json::to_value(value).unwrap().as_object().unwrap().clone()
}

fn same_option(one: &OptionValue, other: &OptionValue) -> bool {
    let key = |option: &OptionValue| {
        let class = |class: &Option<Foreign>| filled(class).cloned();
        (option.option_id, class(&option.vendor_class), class(&option.user_class), class(&option.policy_name))
    };
    key(one) == key(other)
}

fn bits(setting: &Json) -> u32 {
    let updates = match setting["DynamicUpdates"].as_str().unwrap() {
        "Always" => 0x11,
        "OnClientRequest" => 0x01,
        _ => 0,
    };
    let flags = [
        ("UpdateDnsRRForOlderClients", 0x02),
        ("DeleteDnsRROnLeaseExpiry", 0x04),
        ("NameProtection", 0x20),
        ("DisableDnsPtrRRUpdate", 0x40),
    ];
    flags.iter().filter(|(name, _)| setting[name] == true).fold(updates, |bits, (_, flag)| bits | flag)
}

pub(super) fn dns_option(bits: u32, policy: &str) -> Json {
    let mut option = super::option(81, &[&bits.to_string()], "", "", policy);
    option["Type"] = "DWord".into();
    option
}

impl Service {
    pub(super) fn new(told: &Json, server_dns: &Json) -> Self {
        let told: Told = serde_json::from_value(told.clone()).unwrap();
        let is_own = told.options.iter().any(|option| option.option_id == 81 && filled(&option.policy_name).is_none());
        let dns = is_own.then(|| serde_json::to_value(&told.dns_setting).unwrap());
        Service { told, dns, server_dns: server_dns.clone() }
    }

    /// What it tells of its scope now.
    pub(super) fn told(&self) -> Json {
        let mut told = self.told.clone();
        let setting = self.dns.as_ref().unwrap_or(&self.server_dns);
        told.dns_setting = Some(serde_json::from_value(setting.clone()).unwrap());
        told.options.retain(|option| option.option_id != 81 || filled(&option.policy_name).is_some());
        told.options.extend(self.dns.as_ref().map(|dns| serde_json::from_value(dns_option(bits(dns), "")).unwrap()));
        serde_json::to_value(told).unwrap()
    }

    pub(super) fn take(&mut self, call: &Call) -> Taken {
        let scope = (self.told.scope.start_range, self.told.scope.end_range);
        let within = |first: Ipv4Addr, last: Ipv4Addr| first >= scope.0 && last <= scope.1;
        match call {
            Call::SetScope(new) => {
                let fixed = as_map(&self.told.scope);
                let mut said = as_map(&**new);
                for name in ["ScopeId", "SubnetMask", "StartRange", "EndRange"] {
                    said.insert(name.to_owned(), fixed[name].clone());
                }
                let state = said["State"].as_str().map(|state| state.replace("InActive", "Inactive"));
                demand(!matches!(said["State"].as_str(), Some("Inactive")), "the documents say InActive")?;
                said.insert("State".to_owned(), json!(state));
                merge(&mut self.told.scope, &serde_json::from_value(Json::Object(said)).unwrap());
            }
            Call::SetRange(new) => {
                let ranges = &self.told.policy_ranges;
                let cut = ranges.iter().any(|r| r.start_range < new.start_range || r.end_range > new.end_range);
                demand(!cut, "20112")?;
                (self.told.scope.start_range, self.told.scope.end_range) = (new.start_range, new.end_range);
            }
            Call::LeaveSuperscope(name, _) => {
                demand(self.told.scope.superscope_name.as_ref() == Some(name), "in no such superscope")?;
                self.told.scope.superscope_name = None;
            }
            Call::AddExclusion(new) => {
                demand(within(new.start_range, new.end_range), "20023")?;
                let all = &mut self.told.exclusions;
                let taken =
                    all.iter().any(|old| overlap((old.start_range, old.end_range), (new.start_range, new.end_range)));
                demand(!taken, "20021")?;
                all.push(new.clone());
            }
            Call::RemoveExclusion(old) => {
                let count = self.told.exclusions.len();
                self.told.exclusions.retain(|one| (one.start_range, one.end_range) != (old.start_range, old.end_range));
                demand(self.told.exclusions.len() + 1 == count, "20006")?;
            }
            Call::AddReservation(new) => {
                let taken = |old: &crate::backend::windows::cim::Reservation| {
                    old.ip_address == new.ip_address || old.client_id == new.client_id
                };
                demand(!self.told.reservations.iter().any(taken), "20022")?;
                demand(!new.client_id.raw().is_empty(), "87")?;
                self.told.reservations.push(new.clone());
            }
            Call::SetReservation(new) => {
                let moves = |client: &Foreign| !client.raw().is_empty() && *client == new.client_id;
                let others = self.told.reservations.iter().filter(|old| old.ip_address != new.ip_address);
                demand(!others.into_iter().any(|old| moves(&old.client_id)), "20022")?;
                let found = self.told.reservations.iter_mut().find(|old| old.ip_address == new.ip_address);
                let old = found.ok_or("20018")?;
                let client = if new.client_id.raw().is_empty() { &old.client_id } else { &new.client_id };
                merge(old, &crate::backend::windows::cim::Reservation { client_id: client.clone(), ..new.clone() });
            }
            Call::RemoveReservation(address) => {
                let count = self.told.reservations.len();
                self.told.reservations.retain(|old| old.ip_address != *address);
                self.told.reservation_options.remove(address);
                demand(self.told.reservations.len() + 1 == count, "20018")?;
            }
            Call::AddPolicy(new) => {
                demand(!self.told.policies.iter().any(|old| old.name == new.name), "20105")?;
                self.put(new, new.processing_order)?;
            }
            Call::SetPolicy(new) => {
                let mut old = self.policy(&new.name)?.clone();
                let place = old.processing_order;
                merge(&mut old, new);
                self.told.policies.retain(|other| other.name != new.name);
                self.put(&old, new.processing_order.or(place))?;
            }
            Call::RemovePolicy(_, name) => {
                self.policy(name)?;
                self.told.policies.retain(|old| old.name != *name);
                self.told.policy_ranges.retain(|old| old.name != *name);
                self.told.options.retain(|old| old.policy_name.as_ref() != Some(name));
                self.number();
            }
            Call::AddPolicyRange(new) => {
                demand(self.policy(&new.name)?.fqdn.is_empty(), "20135")?;
                demand(within(new.start_range, new.end_range), "20107")?;
                let mut all = self.told.policy_ranges.iter();
                let taken = all.any(|old| overlap((old.start_range, old.end_range), (new.start_range, new.end_range)));
                demand(!taken, "20106")?;
                self.told.policy_ranges.push(new.clone());
            }
            Call::RemovePolicyRange(old) => {
                let count = self.told.policy_ranges.len();
                self.told.policy_ranges.retain(|one| one != old);
                demand(self.told.policy_ranges.len() + 1 == count, "20107")?;
            }
            Call::SetOption(level, value) => {
                let new = OptionValue { policy_name: policy_of(level), kind: Some("String".into()), ..value.clone() };
                let options = self.options(level)?;
                options.retain(|old| !same_option(old, &new));
                options.push(new);
            }
            Call::RemoveOption(Level::Scope(_), value) if value.option_id == 81 => {
                demand(self.dns.take().is_some(), "20010")?;
            }
            Call::RemoveOption(level, value) => {
                let gone = OptionValue { policy_name: policy_of(level), ..value.clone() };
                let options = self.options(level)?;
                let count = options.len();
                options.retain(|old| !same_option(old, &gone));
                demand(options.len() + 1 == count, "20010")?;
            }
            Call::SetDns(level, setting) => self.set_dns(level, setting)?,
        }
        Ok(())
    }

    fn set_dns(&mut self, level: &Level, setting: &DnsSetting) -> Taken {
        let mut effective: DnsSetting =
            serde_json::from_value(self.dns.as_ref().unwrap_or(&self.server_dns).clone()).unwrap();
        merge(&mut effective, setting);
        let effective = serde_json::to_value(&effective).unwrap();
        if let Level::Scope(_) = level {
            self.dns = Some(effective);
            return Ok(());
        }
        let policy = policy_of(level);
        let new: OptionValue =
            serde_json::from_value(dns_option(bits(&effective), policy.as_ref().map_or("", Foreign::raw))).unwrap();
        let options = self.options(level)?;
        options.retain(|old| !same_option(old, &new));
        options.push(new);
        Ok(())
    }

    fn options(&mut self, level: &Level) -> Result<&mut Vec<OptionValue>, String> {
        match level {
            Level::Reservation(address) => {
                demand(self.told.reservations.iter().any(|one| one.ip_address == *address), "20018")?;
                Ok(self.told.reservation_options.entry(*address).or_default())
            }
            Level::Policy { name, .. } => self.policy(name).map(drop).map(|()| &mut self.told.options),
            Level::Server | Level::Scope(_) => Ok(&mut self.told.options),
        }
    }

    fn policy(&self, name: &Foreign) -> Result<&Policy, String> {
        self.told.policies.iter().find(|policy| policy.name == *name).ok_or_else(|| "20111".to_owned())
    }

    /// At its place, or last; the others move.
    fn put(&mut self, policy: &Policy, order: Option<u16>) -> Taken {
        let last = self.told.policies.len() + 1;
        let order = order.map_or(last, usize::from);
        demand((1..=last).contains(&order), "20110")?;
        let inputs = policy.inputs();
        demand(inputs.only(&CONDITIONS) != Data::inputs(&no_conditions()).only(&CONDITIONS), "20109")?;
        let has_ranges = self.told.policy_ranges.iter().any(|range| range.name == policy.name);
        demand(policy.fqdn.is_empty() || !has_ranges, "20135")?;
        self.told.policies.insert(order - 1, policy.clone());
        self.number();
        Ok(())
    }

    fn number(&mut self) {
        for (at, policy) in self.told.policies.iter_mut().enumerate() {
            policy.processing_order = u16::try_from(at + 1).ok();
        }
    }
}

fn no_conditions() -> Policy {
    serde_json::from_value(super::policy("", 1, json!({}))).unwrap()
}

fn policy_of(level: &Level) -> Option<Foreign> {
    match level {
        Level::Policy { name, .. } => Some(name.clone()),
        _ => None,
    }
}
