//! All that a server told of one scope.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::super::cim::{
    DnsSetting, ExclusionRange, OptionValue, Policy, PolicyRange, Reservation, Scope as ScopeProperties,
};
use crate::model::{Foreign, ScopeId};

/// All that a server told of one scope: its objects with all their properties, by the names that
/// Windows gives them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Told {
    /// Its own properties.
    pub scope: ScopeProperties,
    /// How names are registered for its clients, wherever that is set.
    pub dns_setting: Option<DnsSetting>,
    /// Addresses that are never handed out.
    pub exclusions: Vec<ExclusionRange>,
    /// Its policies.
    pub policies: Vec<Policy>,
    /// Their ranges.
    pub policy_ranges: Vec<PolicyRange>,
    /// Options of the scope and of its policies.
    pub options: Vec<OptionValue>,
    /// Its reservations.
    pub reservations: Vec<Reservation>,
    /// Their options, of those that have some.
    pub reservation_options: BTreeMap<Ipv4Addr, Vec<OptionValue>>,
}

impl Told {
    /// Its properties alone.
    pub fn new(scope: ScopeProperties) -> Self {
        Told {
            scope,
            dns_setting: None,
            exclusions: Vec::new(),
            policies: Vec::new(),
            policy_ranges: Vec::new(),
            options: Vec::new(),
            reservations: Vec::new(),
            reservation_options: BTreeMap::new(),
        }
    }

    /// Which scope it is.
    ///
    /// # Errors
    /// When its mask is none.
    pub fn id(&self) -> Result<ScopeId, Foreign> {
        id(self.scope.scope_id, self.scope.subnet_mask)
    }

    /// In an order that does not hang on the one in which the server lists things.
    pub fn arrange(&mut self) {
        let place = |option: &OptionValue| {
            (option.policy_name.clone(), option.vendor_class.clone(), option.user_class.clone(), option.option_id)
        };
        self.exclusions.sort_by_key(|range| (range.start_range, range.end_range));
        self.policies.sort_by(|a, b| (a.processing_order, &a.name).cmp(&(b.processing_order, &b.name)));
        self.policy_ranges.sort_by(|a, b| (&a.name, a.start_range).cmp(&(&b.name, b.start_range)));
        self.options.sort_by_key(place);
        self.reservations.sort_by_key(|reservation| reservation.ip_address);
        self.reservation_options.values_mut().for_each(|options| options.sort_by_key(place));
        self.reservation_options.retain(|_, options| !options.is_empty());
    }
}

/// Which scope has this address and mask.
///
/// # Errors
/// When its mask is none.
pub(in super::super) fn id(address: Ipv4Addr, mask: Ipv4Addr) -> Result<ScopeId, Foreign> {
    let bits = u32::from(mask);
    let length = bits.leading_ones();
    let is_mask = bits.checked_shl(length).unwrap_or(0) == 0;
    let id = u8::try_from(length).ok().filter(|_| is_mask).and_then(|length| ScopeId::new(address, length));
    id.ok_or_else(|| format!("the mask {mask} of scope {address} has a hole").into())
}
