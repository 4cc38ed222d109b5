//! Harmless changes of a scope, made of what it is.

use std::net::Ipv4Addr;

use super::Step;
use crate::backend::windows::cim::{self, DnsSetting, ExclusionRange, Level, Policy};
use crate::backend::windows::scope::Told;
use crate::backend::windows::server::WindowsServer;
use crate::model::Foreign;

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Trial {
    Scope(Box<cim::Scope>),
    Dns(DnsSetting),
    Policy(Box<Policy>),
    Exclusion(ExclusionRange),
}

/// What is named after us, so that nobody wonders where it came from if it should stay behind.
const NAME: &str = "scopesync verification";

impl Trial {
    /// The change that a step tries.
    ///
    /// # Errors
    /// Why this scope has no room for it.
    pub(super) fn of(step: Step, told: &Told) -> Result<Self, String> {
        let now = &told.scope;
        let only = unsaid(now);
        let change = |scope| Ok(Trial::Scope(Box::new(scope)));
        match step {
            Step::SourceRight | Step::TargetRight => {
                change(cim::Scope { description: Some(now.description.clone().unwrap_or_default()), ..only })
            }
            Step::Description | Step::Unforced => change(cim::Scope { description: Some(NAME.into()), ..only }),
            Step::Delay => {
                let delay = if now.delay == Some(7) { 8 } else { 7 };
                change(cim::Scope { delay: Some(delay), ..only })
            }
            Step::Superscope => match cim::filled(&now.superscope_name) {
                Some(name) => Err(format!("the scope stays in its superscope {name}: take one that is in none")),
                None => change(cim::Scope { superscope_name: Some(NAME.into()), ..only }),
            },
            // never the other way: it would begin to serve
            Step::State => change(cim::Scope { state: Some("InActive".into()), ..only }),
            Step::DnsSetting => {
                let setting = told.dns_setting.clone().ok_or("the server tells no DNS setting of the scope")?;
                let turned = !setting.delete_dns_rr_on_lease_expiry.unwrap_or(true);
                Ok(Trial::Dns(DnsSetting { delete_dns_rr_on_lease_expiry: Some(turned), ..setting }))
            }
            Step::DisabledPolicy => Ok(Trial::Policy(Box::new(policy(told)?))),
            Step::Exclusion => {
                let free = free_address(told).ok_or("every address of the scope is excluded or reserved")?;
                Ok(Trial::Exclusion(ExclusionRange {
                    scope_id: now.scope_id,
                    start_range: free,
                    end_range: free,
                    extra: Default::default(),
                }))
            }
            Step::SecondHop | Step::Unchanged | Step::Direct => Err("it changes nothing of its own".to_owned()),
        }
    }

    /// The call that makes it.
    pub(super) fn call(&self) -> &'static str {
        match self {
            Trial::Scope(_) => "PS_DhcpServerv4Scope.SetByWithoutRange",
            Trial::Dns(_) => "PS_DhcpServerv4DnsSetting.Set",
            Trial::Policy(_) => "PS_DhcpServerv4Policy.Add",
            Trial::Exclusion(_) => "PS_DhcpServerv4ExclusionRange.Add",
        }
    }

    /// Makes it.
    pub(super) async fn set(&self, server: &WindowsServer, scope: Ipv4Addr) -> cim::Result<()> {
        let dhcp = server.dhcp();
        match self {
            Trial::Scope(change) => dhcp.set_scope(change).await,
            Trial::Dns(setting) => dhcp.set_dns_setting(&Level::Scope(scope), setting).await,
            Trial::Policy(policy) => dhcp.add_policy(policy).await,
            Trial::Exclusion(range) => dhcp.add_exclusion(range).await,
        }
    }
}

/// The scope with nothing said of it.
fn unsaid(scope: &cim::Scope) -> cim::Scope {
    cim::Scope {
        name: None,
        description: None,
        superscope_name: None,
        lease_duration: None,
        nap_enable: None,
        nap_profile: None,
        delay: None,
        state: None,
        kind: None,
        max_bootp_clients: None,
        activate_policies: None,
        extra: Default::default(),
        ..*scope
    }
}

/// A policy that no client meets, behind all others.
fn policy(told: &Told) -> Result<Policy, String> {
    if told.policies.iter().any(|policy| policy.name.raw().eq_ignore_ascii_case(NAME)) {
        return Err(format!("the scope has a policy called {NAME:?} already"));
    }
    let last = told.policies.iter().filter_map(|policy| policy.processing_order).max().unwrap_or(0);
    let none = Vec::<Foreign>::new;
    Ok(Policy {
        name: NAME.into(),
        scope_id: Some(told.scope.scope_id),
        description: None,
        enabled: Some(false),
        condition: Some("Or".into()),
        processing_order: Some(last.saturating_add(1)),
        vendor_class: none(),
        user_class: none(),
        // locally administered: no maker's device has it
        mac_address: vec!["EQ".into(), "02-73-79-6E-63-00".into()],
        client_id: none(),
        relay_agent: none(),
        circuit_id: none(),
        remote_id: none(),
        subscriber_id: none(),
        fqdn: none(),
        lease_duration: None,
        extra: Default::default(),
    })
}

/// So many addresses are looked at for a free one.
const MOST: usize = 10_000;

/// The last address of the range that nothing is said of.
fn free_address(told: &Told) -> Option<Ipv4Addr> {
    let excluded = |address: Ipv4Addr| {
        told.exclusions.iter().any(|range| (range.start_range..=range.end_range).contains(&address))
            || told.policy_ranges.iter().any(|range| (range.start_range..=range.end_range).contains(&address))
    };
    let reserved = |address: Ipv4Addr| told.reservations.iter().any(|reservation| reservation.ip_address == address);
    let range = u32::from(told.scope.start_range)..=u32::from(told.scope.end_range);
    range.rev().take(MOST).map(Ipv4Addr::from).find(|address| !excluded(*address) && !reserved(*address))
}
