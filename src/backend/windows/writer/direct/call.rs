//! The calls that changes are made by, as values: their order can be looked at before one is sent.

use std::fmt;
use std::net::Ipv4Addr;

use crate::backend::windows::cim::{
    Dhcp, DnsSetting, ExclusionRange, Level, OptionValue, Policy, PolicyRange, Reservation, Result, Scope,
};
use crate::backend::windows::wsman::{Code, Failure, Stage};
use crate::model::Foreign;

/// One call that changes something.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    SetScope(Box<Scope>),
    SetRange(Box<Scope>),
    LeaveSuperscope(Foreign, Ipv4Addr),
    AddExclusion(ExclusionRange),
    RemoveExclusion(ExclusionRange),
    AddReservation(Reservation),
    SetReservation(Reservation),
    RemoveReservation(Ipv4Addr),
    AddPolicy(Box<Policy>),
    SetPolicy(Box<Policy>),
    RemovePolicy(Ipv4Addr, Foreign),
    AddPolicyRange(PolicyRange),
    RemovePolicyRange(PolicyRange),
    SetOption(Level, OptionValue),
    RemoveOption(Level, OptionValue),
    SetDns(Level, DnsSetting),
}

impl Call {
    /// Sends it, once.
    pub(super) async fn send(&self, dhcp: &Dhcp) -> Result<()> {
        match self {
            Call::SetScope(scope) => dhcp.set_scope(scope).await,
            Call::SetRange(scope) => dhcp.set_scope_range(scope).await,
            Call::LeaveSuperscope(name, scope) => dhcp.leave_superscope(name, *scope).await,
            Call::AddExclusion(range) => dhcp.add_exclusion(range).await,
            Call::RemoveExclusion(range) => dhcp.remove_exclusion(range).await,
            Call::AddReservation(reservation) => dhcp.add_reservation(reservation).await,
            Call::SetReservation(reservation) => dhcp.set_reservation(reservation).await,
            Call::RemoveReservation(address) => dhcp.remove_reservation(*address).await,
            Call::AddPolicy(policy) => dhcp.add_policy(policy).await,
            Call::SetPolicy(policy) => dhcp.set_policy(policy).await,
            Call::RemovePolicy(scope, name) => dhcp.remove_policy(Some(*scope), name).await,
            Call::AddPolicyRange(range) => dhcp.add_policy_range(range).await,
            Call::RemovePolicyRange(range) => dhcp.remove_policy_range(range).await,
            Call::SetOption(level, value) => dhcp.set_option_value(level, value).await,
            Call::RemoveOption(level, value) => dhcp.remove_option_value(level, value).await,
            Call::SetDns(level, setting) => dhcp.set_dns_setting(level, setting).await,
        }
    }

    /// Whether it was to remove something and failed because that is gone already.
    pub(super) fn finds_it_gone(&self, failure: &Failure) -> bool {
        let numbers: &[u32] = match self {
            Call::RemoveExclusion(_) => &[20_006],
            Call::RemoveReservation(_) => &[20_018],
            // an option may be gone with what it stands at
            Call::RemoveOption(..) => &[20_010, 20_018, 20_111],
            Call::RemovePolicy(..) => &[20_111],
            Call::RemovePolicyRange(_) => &[20_107, 20_111],
            Call::LeaveSuperscope(..) => &[],
            _ => return false,
        };
        let Failure::Fault(fault) = failure else { return false };
        // CIM_ERR_NOT_FOUND (DSP0223) of the method itself
        let is_not_found = fault.raised.cim_status == Some(6) && fault.raised.stage == Stage::Provider;
        is_not_found || matches!(fault.raised.code, Some(Code::Dhcp(number)) if numbers.contains(&number))
    }
}

/// What it does, for messages; safe to show.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::SetScope(_) => f.write_str("setting properties"),
            Call::SetRange(scope) => write!(f, "setting the range {}-{}", scope.start_range, scope.end_range),
            Call::LeaveSuperscope(name, _) => write!(f, "leaving the superscope {name}"),
            Call::AddExclusion(range) => write!(f, "excluding {}-{}", range.start_range, range.end_range),
            Call::RemoveExclusion(range) => {
                write!(f, "removing the exclusion {}-{}", range.start_range, range.end_range)
            }
            Call::AddReservation(reservation) => write!(f, "reserving {}", reservation.ip_address),
            Call::SetReservation(reservation) => write!(f, "setting the reservation {}", reservation.ip_address),
            Call::RemoveReservation(address) => write!(f, "removing the reservation {address}"),
            Call::AddPolicy(policy) => write!(f, "adding the policy {}", policy.name),
            Call::SetPolicy(policy) => write!(f, "setting the policy {}", policy.name),
            Call::RemovePolicy(_, name) => write!(f, "removing the policy {name}"),
            Call::AddPolicyRange(range) => {
                write!(f, "adding the range {}-{} to the policy {}", range.start_range, range.end_range, range.name)
            }
            Call::RemovePolicyRange(range) => {
                write!(f, "removing the range {}-{} from the policy {}", range.start_range, range.end_range, range.name)
            }
            Call::SetOption(level, value) => write!(f, "setting option {}{}", value.option_id, Of(level)),
            Call::RemoveOption(level, value) => write!(f, "removing option {}{}", value.option_id, Of(level)),
            Call::SetDns(level, _) => write!(f, "setting how DNS names are registered{}", Of(level)),
        }
    }
}

/// At which level, where that is none of the scope itself.
struct Of<'a>(&'a Level);

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Level::Server | Level::Scope(_) => Ok(()),
            Level::Policy { name, .. } => write!(f, " of the policy {name}"),
            Level::Reservation(address) => write!(f, " of the reservation {address}"),
        }
    }
}
