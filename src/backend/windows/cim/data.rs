//! The data classes of `root/Microsoft/Windows/DHCP` (DhcpServerPSProvider, class version 1.0.0).

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::backend::windows::wsman::{Inputs, Instance, Interval, Misfit};
use crate::model::Foreign;

/// A class that methods give, and that is told to them property by property.
pub trait Data: Sized {
    /// The class's name.
    const CLASS: &'static str;

    /// Reads it from an instance.
    ///
    /// # Errors
    /// Names the property that is missing or is something else.
    fn read(instance: &Instance) -> Result<Self, Misfit>;

    /// All its properties as parameters.
    fn inputs(&self) -> Inputs;
}

/// A text that is not empty: servers say "none" by null and by an empty text alike.
pub fn filled(text: &Option<Foreign>) -> Option<&Foreign> {
    text.as_ref().filter(|text| !text.raw().is_empty())
}

/// One class a paragraph: its name, then each property with its type and its name on the wire.
/// Serialised it has the names of the wire, and holds all that the server told.
macro_rules! data_classes {
    ($($(#[$about:meta])* $class:literal = $name:ident {
        $($(#[$doc:meta])* $wire:literal = $field:ident: $type:ty,)+
    })+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$doc])* #[serde(rename = $wire)] pub $field: $type,)+
            /// Properties that the class is not documented to have.
            #[serde(flatten)]
            pub extra: Map<String, Json>,
        }

        impl Data for $name {
            const CLASS: &'static str = $class;

            fn read(instance: &Instance) -> Result<Self, Misfit> {
                Ok($name {
                    $($field: instance.read($class, $wire)?,)+
                    extra: instance.others(&[$($wire),+]),
                })
            }

            fn inputs(&self) -> Inputs {
                Inputs::default()$(.with($wire, &self.$field))+
            }
        }
    )+};
}

data_classes! {
    /// A failover relationship, as one of its servers tells it.
    "DhcpServerv4Failover" = Failover {
        /// Unique on both servers.
        "Name" = name: Foreign,
        /// As stored: a short name, a full one or an address.
        "PartnerServer" = partner_server: Foreign,
        /// `LoadBalance`, `HotStandby`.
        "Mode" = mode: Option<Foreign>,
        /// `Active`, `Standby`: of the server that was asked; null in load balance.
        "ServerRole" = server_role: Option<Foreign>,
        /// The share of the server that was asked; null in hot standby.
        "LoadBalancePercent" = load_balance_percent: Option<u32>,
        /// The share held for the standby; null in load balance.
        "ReservePercent" = reserve_percent: Option<u32>,
        /// The scopes that belong to it.
        "ScopeId" = scope_id: Vec<Ipv4Addr>,
        /// How far one server may extend a lease without its partner's word.
        "MaxClientLeadTime" = max_client_lead_time: Option<Interval>,
        /// Goes to partner down by itself.
        "AutoStateTransition" = auto_state_transition: Option<bool>,
        /// After so long; null where it does not.
        "StateSwitchInterval" = state_switch_interval: Option<Interval>,
        /// `Normal`, `CommunicationInterrupted`, `PartnerDown`...
        "State" = state: Option<Foreign>,
        /// Messages between the servers are signed.
        "EnableAuth" = enable_auth: Option<bool>,
        /// Address of the primary server; from Windows Server 2012 R2, as all below.
        "PrimaryServerIP" = primary_server_ip: Option<Foreign>,
        /// Address of the secondary server.
        "SecondaryServerIP" = secondary_server_ip: Option<Foreign>,
        /// Name of the primary server; its form may differ from that of the secondary's.
        "PrimaryServerName" = primary_server_name: Option<Foreign>,
        /// Name of the secondary server.
        "SecondaryServerName" = secondary_server_name: Option<Foreign>,
        /// `PrimaryServer`, `SecondaryServer`: the server that was asked.
        "ServerType" = server_type: Option<Foreign>,
    }

    /// A scope's own properties.
    "DhcpServerv4Scope" = Scope {
        /// Its network address.
        "ScopeId" = scope_id: Ipv4Addr,
        /// Its name.
        "Name" = name: Option<Foreign>,
        /// What people say about it.
        "Description" = description: Option<Foreign>,
        /// Fixed from its creation on.
        "SubnetMask" = subnet_mask: Ipv4Addr,
        /// First address of its one range.
        "StartRange" = start_range: Ipv4Addr,
        /// Last address of its one range.
        "EndRange" = end_range: Ipv4Addr,
        /// Empty in none.
        "SuperscopeName" = superscope_name: Option<Foreign>,
        /// How long clients keep an address.
        "LeaseDuration" = lease_duration: Option<Interval>,
        /// Network access protection, gone from Windows after 2012 R2.
        "NapEnable" = nap_enable: Option<bool>,
        /// Its profile.
        "NapProfile" = nap_profile: Option<Foreign>,
        /// Before an answer, in milliseconds; at most 1000.
        "Delay" = delay: Option<u16>,
        /// `Active`, `Inactive`, in any case.
        "State" = state: Option<Foreign>,
        /// `Dhcp`, `Bootp`, `Both`.
        "Type" = kind: Option<Foreign>,
        /// 4294967295 for no limit.
        "MaxBootpClients" = max_bootp_clients: Option<u32>,
        /// Policies are enforced in it.
        "ActivatePolicies" = activate_policies: Option<bool>,
    }

    /// Addresses of a scope that are never handed out.
    "DhcpServerv4ExclusionRange" = ExclusionRange {
        /// The scope.
        "ScopeId" = scope_id: Ipv4Addr,
        /// First address.
        "StartRange" = start_range: Ipv4Addr,
        /// Last address.
        "EndRange" = end_range: Ipv4Addr,
    }

    /// An address kept for one client.
    "DhcpServerv4Reservation" = Reservation {
        /// The address.
        "IPAddress" = ip_address: Ipv4Addr,
        /// The scope.
        "ScopeId" = scope_id: Ipv4Addr,
        /// Octets in hex with hyphens, mostly a MAC address.
        "ClientId" = client_id: Foreign,
        /// May be empty, or filled in by the server.
        "Name" = name: Option<Foreign>,
        /// What people say about it.
        "Description" = description: Option<Foreign>,
        /// `Dhcp`, `Bootp`, `Both`.
        "Type" = kind: Option<Foreign>,
        /// `ActiveReservation`, `InactiveReservation`: how it stands now, not configuration.
        "AddressState" = address_state: Option<Foreign>,
    }

    /// The value of an option at one level.
    "DhcpServerv4OptionValue" = OptionValue {
        /// Its code: several values of one code differ in class or policy.
        "OptionId" = option_id: u32,
        /// From its definition.
        "Name" = name: Option<Foreign>,
        /// `Byte`, `Word`, `DWord`, `DWordDWord`, `IPv4Address`, `String`, `BinaryData`, `EncapsulatedData`.
        "Type" = kind: Option<Foreign>,
        /// In the order in which clients get them.
        "Value" = value: Vec<Foreign>,
        /// Empty for none.
        "VendorClass" = vendor_class: Option<Foreign>,
        /// Empty for none.
        "UserClass" = user_class: Option<Foreign>,
        /// Empty for none.
        "PolicyName" = policy_name: Option<Foreign>,
    }

    /// What an option is.
    "DhcpServerv4OptionDefinition" = OptionDefinition {
        /// Its code: unique within its vendor class.
        "OptionId" = option_id: u32,
        /// Its name.
        "Name" = name: Option<Foreign>,
        /// What people say about it.
        "Description" = description: Option<Foreign>,
        /// Empty for none.
        "VendorClass" = vendor_class: Option<Foreign>,
        /// It takes several values.
        "MultiValued" = multi_valued: Option<bool>,
        /// As [`OptionValue::kind`].
        "Type" = kind: Option<Foreign>,
        /// What it is where nobody says.
        "DefaultValue" = default_value: Vec<Foreign>,
    }

    /// A vendor class or user class of the server.
    "DhcpServerv4Class" = Class {
        /// Its name, by which policies and options go.
        "Name" = name: Foreign,
        /// `Vendor`, `User`.
        "Type" = kind: Foreign,
        /// What clients send, as hex or as text.
        "Data" = data: Option<Foreign>,
        /// What people say about it.
        "Description" = description: Option<Foreign>,
    }

    /// A policy of a scope, or of the server. A condition is a comparator (`EQ`, `NE`; `Isl`, `Insl`
    /// for names), its values, and maybe another comparator with its values.
    "DhcpServerv4Policy" = Policy {
        /// Unique within its level.
        "Name" = name: Foreign,
        /// Null for one of the server.
        "ScopeId" = scope_id: Option<Ipv4Addr>,
        /// What people say about it.
        "Description" = description: Option<Foreign>,
        /// It is in force.
        "Enabled" = enabled: Option<bool>,
        /// `And`, `Or` between its conditions, in any case.
        "Condition" = condition: Option<Foreign>,
        /// Its rank within its level.
        "ProcessingOrder" = processing_order: Option<u16>,
        /// On names of vendor classes.
        "VendorClass" = vendor_class: Vec<Foreign>,
        /// On names of user classes.
        "UserClass" = user_class: Vec<Foreign>,
        /// On hardware addresses.
        "MacAddress" = mac_address: Vec<Foreign>,
        /// On client identifiers.
        "ClientId" = client_id: Vec<Foreign>,
        /// On the relay agent's information.
        "RelayAgent" = relay_agent: Vec<Foreign>,
        /// On the relay agent's circuit.
        "CircuitId" = circuit_id: Vec<Foreign>,
        /// On the relay agent's remote end.
        "RemoteId" = remote_id: Vec<Foreign>,
        /// On the subscriber.
        "SubscriberId" = subscriber_id: Vec<Foreign>,
        /// On the client's name; from Windows Server 2012 R2.
        "Fqdn" = fqdn: Vec<Foreign>,
        /// Null where the scope's holds; from Windows Server 2012 R2.
        "LeaseDuration" = lease_duration: Option<Interval>,
    }

    /// Addresses of a scope that one of its policies hands out.
    "DhcpServerv4PolicyIPRange" = PolicyRange {
        /// The policy.
        "Name" = name: Foreign,
        /// The scope.
        "ScopeId" = scope_id: Ipv4Addr,
        /// First address.
        "StartRange" = start_range: Ipv4Addr,
        /// Last address.
        "EndRange" = end_range: Ipv4Addr,
    }

    /// How names are registered, as it is in force at one level: where that has none of its own,
    /// the setting of the level above.
    "DhcpServerv4DnsSetting" = DnsSetting {
        /// `Always`, `Never`, `OnClientRequest`.
        "DynamicUpdates" = dynamic_updates: Option<Foreign>,
        /// Records go with the lease.
        "DeleteDnsRROnLeaseExpiry" = delete_dns_rr_on_lease_expiry: Option<bool>,
        /// Also for clients that do not ask.
        "UpdateDnsRRForOlderClients" = update_dns_rr_for_older_clients: Option<bool>,
        /// A name belongs to who had it first.
        "NameProtection" = name_protection: Option<bool>,
        /// No pointer records; from Windows Server 2012 R2.
        "DisableDnsPtrRRUpdate" = disable_dns_ptr_rr_update: Option<bool>,
        /// Put behind names; from Windows Server 2012 R2.
        "DnsSuffix" = dns_suffix: Option<Foreign>,
    }

    /// How full a scope is.
    "DhcpServerv4ScopeStatistics" = ScopeStatistics {
        /// The scope.
        "ScopeId" = scope_id: Ipv4Addr,
        /// Empty in none.
        "SuperscopeName" = superscope_name: Option<Foreign>,
        /// Addresses that can be handed out.
        "AddressesFree" = addresses_free: Option<u32>,
        /// Addresses with a lease.
        "AddressesInUse" = addresses_in_use: Option<u32>,
        /// Offered, not taken yet.
        "PendingOffers" = pending_offers: Option<u32>,
        /// Addresses with a reservation.
        "ReservedAddress" = reserved_address: Option<u32>,
        /// The server's own part, told of scopes of a relationship, as the three below.
        "AddressesFreeOnThisServer" = addresses_free_on_this_server: Option<u32>,
        /// The partner's part of the free ones.
        "AddressesFreeOnPartnerServer" = addresses_free_on_partner_server: Option<u32>,
        /// The server's own part of those in use.
        "AddressesInUseOnThisServer" = addresses_in_use_on_this_server: Option<u32>,
        /// The partner's part of those in use.
        "AddressesInUseOnPartnerServer" = addresses_in_use_on_partner_server: Option<u32>,
        /// Of all addresses, in percent.
        "PercentageInUse" = percentage_in_use: Option<f32>,
    }

    /// An address that a client has, or is kept for it.
    "DhcpServerv4Lease" = Lease {
        /// The address.
        "IPAddress" = ip_address: Ipv4Addr,
        /// `Active`, `ActiveReservation`, `InactiveReservation`, `Offered`, `Declined`, `Expired`.
        "AddressState" = address_state: Option<Foreign>,
        /// Who has it, as in reservations.
        "ClientId" = client_id: Option<Foreign>,
    }

    /// A hardware address that the server lets in or keeps out.
    "DhcpServerv4Filter" = Filter {
        /// `Allow`, `Deny`.
        "List" = list: Foreign,
        /// The address, maybe with `*`.
        "MacAddress" = mac_address: Foreign,
        /// What people say about it.
        "Description" = description: Option<Foreign>,
    }

    /// Which lists of hardware addresses are in force.
    "DhcpServerv4FilterList" = FilterList {
        /// The list of those let in.
        "Allow" = allow: Option<bool>,
        /// The list of those kept out.
        "Deny" = deny: Option<bool>,
    }

    /// The version of the DHCP server: 6.2 is Windows Server 2012, 6.3 is 2012 R2, 10.0 is 2016 and later.
    "DhcpServerVersion" = ServerVersion {
        /// Before the dot.
        "MajorVersion" = major: u32,
        /// Behind the dot.
        "MinorVersion" = minor: u32,
    }

    /// Settings of the whole server.
    "DhcpServerSetting" = ServerSetting {
        /// The server is a member of a domain.
        "IsDomainJoined" = is_domain_joined: Option<bool>,
        /// The domain lets it serve.
        "IsAuthorized" = is_authorized: Option<bool>,
        /// BOOTP clients get addresses from ranges.
        "DynamicBootp" = dynamic_bootp: Option<bool>,
        /// A restored database waits to be used.
        "RestoreStatus" = restore_status: Option<bool>,
        /// Network access protection.
        "NapEnabled" = nap_enabled: Option<bool>,
        /// Pings before an address is handed out.
        "ConflictDetectionAttempts" = conflict_detection_attempts: Option<u32>,
        /// `Full`, `Restricted`, `NoAccess`.
        "NpsUnreachableAction" = nps_unreachable_action: Option<Foreign>,
        /// Policies are enforced on the whole server.
        "ActivatePolicies" = activate_policies: Option<bool>,
    }
}
