//! Values of options, of a scope, its policies and its reservations.

use super::super::cim::{OptionValue, filled};
use super::{Told, canonical, others};
use crate::model::{
    Canonical, Foreign, Item, ItemKey, KeyName, Kind, Need, OptionKey, Origin, Owner, ReservationKey, Scope, Value,
};

/// The option space of options of no vendor class.
pub(in super::super) const DHCP4: &str = "dhcp4";
/// The option in which DNS settings are kept.
const DNS: u32 = 81;
/// The option that repeats a lease duration.
const LEASE: u32 = 51;

/// The vendor class of an option or definition, else the space of options of none.
pub(in super::super) fn space(vendor_class: &Option<Foreign>) -> Foreign {
    filled(vendor_class).cloned().unwrap_or_else(|| DHCP4.into())
}

/// Whether it is the DNS setting that the scope itself, or the server itself, has.
pub(in super::super) fn is_own_dns(option: &OptionValue) -> bool {
    is_plain(option, DNS) && filled(&option.policy_name).is_none()
}

/// The value of an option: its order is that of preference.
pub(in super::super) fn value(option: &OptionValue) -> Value {
    let kind = option.kind.as_ref().map_or("", Foreign::raw);
    Value {
        canonical: Canonical::List(canonical::option(&option.value, kind)),
        raw: option.value.iter().map(Foreign::raw).collect(),
        origin: Origin::Own,
    }
}

pub(super) fn insert(told: &Told, scope: &mut Scope) {
    for option in &told.options {
        let owner = filled(&option.policy_name).map_or(Owner::Scope, |name| Owner::Policy(name.clone()));
        if !repeats_a_lease(option, told) {
            one(owner, option, scope);
        }
    }
    for (address, options) in &told.reservation_options {
        for option in options {
            one(Owner::Reservation(ReservationKey::Address(*address)), option, scope);
        }
    }
}

/// LeaseDuration of the scope, or of its policy, says the same.
fn repeats_a_lease(option: &OptionValue, told: &Told) -> bool {
    let is_said = match filled(&option.policy_name) {
        None => told.scope.lease_duration.is_some(),
        Some(name) => told.policies.iter().any(|policy| policy.name == *name && policy.lease_duration.is_some()),
    };
    is_said && is_plain(option, LEASE)
}

fn is_plain(option: &OptionValue, code: u32) -> bool {
    option.option_id == code && filled(&option.vendor_class).is_none() && filled(&option.user_class).is_none()
}

fn one(owner: Owner, option: &OptionValue, scope: &mut Scope) {
    if is_plain(option, DNS) {
        // the scope's own is told in words
        if owner != Owner::Scope {
            let key = ItemKey { owner, kind: Kind::DnsSetting, name: KeyName::Name("option-81".into()) };
            scope.items.insert(key, Item::single(value(option)));
        }
        return;
    }
    let space = space(&option.vendor_class);
    scope.needs.insert(Need::OptionDefinition(space.clone(), option.option_id));
    scope.needs.extend(filled(&option.vendor_class).cloned().map(Need::VendorClass));
    scope.needs.extend(filled(&option.user_class).cloned().map(Need::UserClass));
    let tags = filled(&option.user_class).into_iter().cloned().collect();
    let item = Item {
        fields: std::iter::once(("value".into(), value(option))).chain(others(&option.extra)).collect(),
        rank: None,
        label: filled(&option.name).cloned(),
    };
    let mut name = OptionKey { space, code: option.option_id, tags, nth: 0 };
    let key =
        |name: &OptionKey| ItemKey { owner: owner.clone(), kind: Kind::Option, name: KeyName::Option(name.clone()) };
    while scope.items.contains_key(&key(&name)) {
        name.nth += 1;
    }
    scope.items.insert(key(&name), item);
}
