//! The calls that change something. None asks back: whoever calls one has been confirmed to.
//!
//! Properties that are `None` in what they are given stay as they are.

use std::net::Ipv4Addr;

use super::{
    Data, Dhcp, DnsSetting, ExclusionRange, Level, OptionValue, Policy, PolicyRange, Reservation, Result, Scope,
};
use crate::backend::exchange::Effect;
use crate::backend::windows::wsman::{Failure, Inputs, Property, Scalar, Value};
use crate::engine::{Error, ErrorKind};
use crate::model::Foreign;

/// What a change of a scope may say, but for its range.
const SCOPE: [&str; 11] = [
    "ScopeId",
    "Name",
    "Description",
    "State",
    "Type",
    "LeaseDuration",
    "SuperscopeName",
    "MaxBootpClients",
    "ActivatePolicies",
    "Delay",
    "NapEnable",
];
const RANGE: [&str; 3] = ["ScopeId", "StartRange", "EndRange"];
const RESERVATION: [&str; 5] = ["IPAddress", "ClientId", "Name", "Description", "Type"];
const POLICY: [&str; 7] =
    ["Name", "ScopeId", "Description", "Enabled", "Condition", "ProcessingOrder", "LeaseDuration"];
/// Properties of a policy that hold its conditions.
pub const CONDITIONS: [&str; 9] = [
    "VendorClass",
    "UserClass",
    "MacAddress",
    "ClientId",
    "RelayAgent",
    "CircuitId",
    "RemoteId",
    "SubscriberId",
    "Fqdn",
];

impl Dhcp {
    /// Creates a scope. It cannot tell the scope's id: the server makes that of range and mask.
    ///
    /// # Errors
    /// As all calls here: no answer or a refusal; in doubt where the server may have done it.
    pub async fn add_scope(&self, scope: &Scope) -> Result<()> {
        let mut names = SCOPE.to_vec();
        names.extend(["NapProfile", "StartRange", "EndRange", "SubnetMask"]);
        names.retain(|name| *name != "ScopeId");
        self.write("PS_DhcpServerv4Scope", "Add", scope.inputs().only(&names)).await
    }

    /// Changes a scope's properties, all but its mask and its range.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn set_scope(&self, scope: &Scope) -> Result<()> {
        let names = [&SCOPE[..], &["NapProfile"]].concat();
        self.write("PS_DhcpServerv4Scope", "SetByWithoutRange", scope.inputs().only(&names)).await
    }

    /// Changes a scope's range alone.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn set_scope_range(&self, scope: &Scope) -> Result<()> {
        self.write("PS_DhcpServerv4Scope", "SetByWithRange", scope.inputs().only(&RANGE)).await
    }

    /// Takes a scope out of its superscope, which goes with its last scope.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn leave_superscope(&self, superscope: &Foreign, scope: Ipv4Addr) -> Result<()> {
        let inputs = Inputs::default().with("SuperscopeName", superscope).with("ScopeId", &vec![scope]);
        self.write("PS_DhcpServerv4Superscope", "Remove", inputs).await
    }

    /// Removes a scope, also one with leases.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn remove_scope(&self, scope: Ipv4Addr) -> Result<()> {
        self.write("PS_DhcpServerv4Scope", "Remove", forced().with("ScopeId", &vec![scope])).await
    }

    /// Excludes a range.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn add_exclusion(&self, range: &ExclusionRange) -> Result<()> {
        self.write("PS_DhcpServerv4ExclusionRange", "Add", range.inputs()).await
    }

    /// No longer excludes a range.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn remove_exclusion(&self, range: &ExclusionRange) -> Result<()> {
        self.write("PS_DhcpServerv4ExclusionRange", "Remove", range.inputs()).await
    }

    /// Keeps an address for a client.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn add_reservation(&self, reservation: &Reservation) -> Result<()> {
        let inputs = reservation.inputs().only(&[&["ScopeId"], &RESERVATION[..]].concat());
        self.write("PS_DhcpServerv4Reservation", "Add", inputs).await
    }

    /// Changes what is kept under an address; an empty client identifier stands for the one that it has.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn set_reservation(&self, reservation: &Reservation) -> Result<()> {
        let keeps_client = reservation.client_id.raw().is_empty();
        let names = RESERVATION.into_iter().filter(|name| !(keeps_client && *name == "ClientId"));
        let inputs = reservation.inputs().only(&names.collect::<Vec<_>>());
        self.write("PS_DhcpServerv4Reservation", "Set", inputs).await
    }

    /// No longer keeps an address.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn remove_reservation(&self, address: Ipv4Addr) -> Result<()> {
        let inputs = Inputs::default().with("IPAddress", &vec![address]);
        self.write("PS_DhcpServerv4Reservation", "RemoveByIPAddress", inputs).await
    }

    /// Sets the value of an option, which must be defined. That its DNS servers can be reached is not asked for.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn set_option_value(&self, level: &Level, value: &OptionValue) -> Result<()> {
        let told = value.inputs().only(&["OptionId", "Value", "VendorClass", "UserClass"]);
        self.write("PS_DhcpServerv4OptionValue", "SetByOptionId", forced().and(level.inputs("ReservedIP")).and(told))
            .await
    }

    /// Removes the value of an option, of the same class, from a level.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn remove_option_value(&self, level: &Level, value: &OptionValue) -> Result<()> {
        let told = value.inputs().only(&["OptionId", "VendorClass", "UserClass"]);
        self.write("PS_DhcpServerv4OptionValue", "Remove", level.inputs("ReservedIP").and(told)).await
    }

    /// Creates a policy.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn add_policy(&self, policy: &Policy) -> Result<()> {
        self.write("PS_DhcpServerv4Policy", "Add", policy.inputs().only(&[&POLICY[..], &CONDITIONS].concat())).await
    }

    /// Changes a policy. Conditions that are empty stay as they are: to drop one, create the policy anew.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn set_policy(&self, policy: &Policy) -> Result<()> {
        self.write("PS_DhcpServerv4Policy", "Set", policy.inputs().only(&[&POLICY[..], &CONDITIONS].concat())).await
    }

    /// Removes a policy of a scope, or of the server.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn remove_policy(&self, scope: Option<Ipv4Addr>, name: &Foreign) -> Result<()> {
        let inputs = Inputs::default().with("Name", &vec![name.clone()]).with("ScopeId", &scope);
        self.write("PS_DhcpServerv4Policy", "Remove", inputs).await
    }

    /// Lets a policy hand out a range.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn add_policy_range(&self, range: &PolicyRange) -> Result<()> {
        self.write("PS_DhcpServerv4PolicyIPRange", "Add", range.inputs()).await
    }

    /// No longer lets a policy hand out a range.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn remove_policy_range(&self, range: &PolicyRange) -> Result<()> {
        self.write("PS_DhcpServerv4PolicyIPRange", "Remove", range.inputs()).await
    }

    /// Removes a vendor or user class of the server.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn remove_class(&self, name: &Foreign, kind: &str) -> Result<()> {
        let kind = Foreign::from(kind);
        let inputs = Inputs::default().with("Name", &vec![name.clone()]).with("Type", &kind);
        self.write("PS_DhcpServerv4Class", "Remove", inputs).await
    }

    /// Gives a level a DNS setting of its own.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn set_dns_setting(&self, level: &Level, setting: &DnsSetting) -> Result<()> {
        self.write("PS_DhcpServerv4DnsSetting", "Set", level.inputs("IPAddress").and(setting.inputs())).await
    }

    /// Overwrites these scopes on the partner of their relationship, and gives what the server says
    /// of it. It is not done in one: a failure may leave the partner partly changed.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`]; when no scope is named.
    pub async fn invoke_by_scope_id(&self, force: bool, scopes: &[Ipv4Addr]) -> Result<Vec<Foreign>> {
        Ok(scope_texts(self.replicate("InvokeByScopeId", "ScopeId", force, scopes.to_vec()).await?))
    }

    /// As [`Dhcp::invoke_by_scope_id`], and gives the output as it came: what form it has is not published.
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`].
    pub async fn replicate_one(&self, force: bool, scope: Ipv4Addr) -> Result<Vec<Value>> {
        self.replicate("InvokeByScopeId", "ScopeId", force, vec![scope]).await
    }

    /// Overwrites all scopes of these relationships on their partners, as [`Dhcp::invoke_by_scope_id`].
    ///
    /// # Errors
    /// As [`Dhcp::add_scope`]; when no relationship is named.
    pub async fn invoke_by_name(&self, force: bool, relationships: &[Foreign]) -> Result<Vec<Foreign>> {
        if let Some(blank) = relationships.iter().find(|name| name.raw().trim().is_empty()) {
            let what = format!("a relationship was to be replicated by the name {}", blank.escaped());
            return Err(Error::new(ErrorKind::Safety, what).into());
        }
        Ok(scope_texts(self.replicate("InvokeByName", "Name", force, relationships.to_vec()).await?))
    }

    /// An empty list is not sent, and one that is not sent means all that the server has.
    async fn replicate<T: Scalar>(
        &self,
        method: &str,
        name: &'static str,
        force: bool,
        which: Vec<T>,
    ) -> Result<Vec<Value>> {
        const CLASS: &str = "PS_DhcpServerv4FailoverReplication";
        if which.is_empty() {
            let what = format!("{CLASS}.{method} was to be called without a name: that would replicate everything");
            return Err(Error::new(ErrorKind::Safety, what).into());
        }
        let inputs = Inputs::default().with("Force", &force).with(name, &which);
        let partner = Some("the partner of the relationship");
        // each of them may take as long as a write does
        let effect = Effect::WritesMany(u32::try_from(which.len()).unwrap_or(u32::MAX));
        self.call(CLASS, method, inputs, effect, partner).await.map_err(Failure::in_parts)
    }

    async fn write(&self, class: &str, method: &str, inputs: Inputs) -> Result<()> {
        self.call(class, method, inputs, Effect::Writes, None).await.map(drop)
    }
}

/// The scopes that a replication tells of: plain text as documented, or instances that name them.
fn scope_texts(told: Vec<Value>) -> Vec<Foreign> {
    let texts = |value| match value {
        Value::Text(text) => vec![text],
        Value::Instance(instance) => Property::read(instance.get("ScopeId")).unwrap_or_default(),
    };
    told.into_iter().flat_map(texts).collect()
}

/// The provider asks back unless it is told not to.
fn forced() -> Inputs {
    Inputs::default().with("Force", &true)
}
