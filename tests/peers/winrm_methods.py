"""The methods of the DHCP server's CIM provider, as Microsoft published them.

Types: s string, b boolean, u16 and u32 unsigned integers, dt datetime. The classes' names begin with `PS_`.
"""
import re

TEXT = """
DhcpServerv4Failover.AddByHotStandby(ComputerName:s Name:s PartnerServer:s ScopeId:s[] MaxClientLeadTime:dt
    AutoStateTransition:b StateSwitchInterval:dt Force:b SharedSecret:s PassThru:b ReservePercent:u32 ServerRole:s)
    DhcpServerv4Failover
DhcpServerv4Failover.AddByLoadBalance(ComputerName:s Name:s PartnerServer:s ScopeId:s[] MaxClientLeadTime:dt
    AutoStateTransition:b StateSwitchInterval:dt Force:b SharedSecret:s PassThru:b LoadBalancePercent:u32)
    DhcpServerv4Failover
DhcpServerv4Failover.GetByName(ComputerName:s Name:s[]) DhcpServerv4Failover[]
DhcpServerv4Failover.GetByScopeId(ComputerName:s ScopeId:s[]) DhcpServerv4Failover[]
DhcpServerv4Failover.Remove(Name:s[] Force:b PassThru:b ComputerName:s) DhcpServerv4Failover[]
DhcpServerv4Failover.Set(ComputerName:s Name:s AutoStateTransition:b MaxClientLeadTime:dt SharedSecret:s
    StateSwitchInterval:dt PartnerDown:b Force:b LoadBalancePercent:u32 ReservePercent:u32 PassThru:b Mode:s)
    DhcpServerv4Failover
DhcpServerv4FailoverReplication.InvokeByName(ComputerName:s Force:b Name:s[]) string[]
DhcpServerv4FailoverReplication.InvokeByScopeId(ComputerName:s Force:b ScopeId:s[]) string[]
DhcpServerv4FailoverScope.Add(Name:s ScopeId:s[] ComputerName:s PassThru:b) DhcpServerv4Failover
DhcpServerv4FailoverScope.Remove(ComputerName:s Name:s ScopeId:s[] Force:b PassThru:b) DhcpServerv4Failover
DhcpServerv4Scope.Add(ComputerName:s StartRange:s EndRange:s Name:s Description:s State:s SuperscopeName:s
    MaxBootpClients:u32 ActivatePolicies:b PassThru:b NapEnable:b NapProfile:s Delay:u16 LeaseDuration:dt SubnetMask:s
    Type:s) DhcpServerv4Scope
DhcpServerv4Scope.Get(ComputerName:s ScopeId:s[]) DhcpServerv4Scope[]
DhcpServerv4Scope.Remove(ScopeId:s[] Force:b Passthru:b ComputerName:s) DhcpServerv4Scope[]
DhcpServerv4Scope.SetByWithRange(ActivatePolicies:b PassThru:b ScopeId:s Name:s State:s LeaseDuration:dt Delay:u16
    NapEnable:b SuperscopeName:s MaxBootpClients:u32 NapProfile:s StartRange:s EndRange:s Description:s Type:s
    ComputerName:s) DhcpServerv4Scope
DhcpServerv4Scope.SetByWithoutRange(ActivatePolicies:b PassThru:b Type:s ScopeId:s Description:s LeaseDuration:dt
    Name:s NapEnable:b NapProfile:s Delay:u16 State:s SuperscopeName:s ComputerName:s MaxBootpClients:u32)
    DhcpServerv4Scope
DhcpServerv4ExclusionRange.Add(ComputerName:s ScopeId:s StartRange:s EndRange:s PassThru:b) DhcpServerv4ExclusionRange
DhcpServerv4ExclusionRange.Get(ComputerName:s ScopeId:s[]) DhcpServerv4ExclusionRange[]
DhcpServerv4ExclusionRange.Remove(ComputerName:s ScopeId:s StartRange:s EndRange:s Passthru:b)
    DhcpServerv4ExclusionRange[]
DhcpServerv4Reservation.Add(ComputerName:s ScopeId:s IPAddress:s ClientId:s Name:s Description:s Type:s PassThru:b)
    DhcpServerv4Reservation
DhcpServerv4Reservation.GetByClientId(ComputerName:s ClientId:s[] ScopeId:s) DhcpServerv4Reservation[]
DhcpServerv4Reservation.GetByIPAddress(IPAddress:s[] ComputerName:s) DhcpServerv4Reservation[]
DhcpServerv4Reservation.GetByScopeId(ScopeId:s ComputerName:s) DhcpServerv4Reservation[]
DhcpServerv4Reservation.RemoveByClientId(ScopeId:s ClientId:s[] ComputerName:s PassThru:b) DhcpServerv4Reservation[]
DhcpServerv4Reservation.RemoveByIPAddress(ComputerName:s IPAddress:s[] PassThru:b) DhcpServerv4Reservation[]
DhcpServerv4Reservation.RemoveByScopeId(ComputerName:s PassThru:b ScopeId:s) DhcpServerv4Reservation[]
DhcpServerv4Reservation.Set(ComputerName:s IPAddress:s ClientId:s Name:s Description:s Type:s PassThru:b)
    DhcpServerv4Reservation
DhcpServerv4OptionValue.Get(VendorClass:s ComputerName:s ScopeId:s ReservedIP:s OptionId:u32[] UserClass:s All:b
    Brief:b PolicyName:s) DhcpServerv4OptionValue[]
DhcpServerv4OptionValue.Remove(VendorClass:s ComputerName:s OptionId:u32[] UserClass:s ScopeId:s ReservedIP:s
    PassThru:b PolicyName:s) DhcpServerv4OptionValue[]
DhcpServerv4OptionValue.SetByCommonOptions(PolicyName:s PassThru:b Force:b DnsDomain:s DnsServer:s[] ReservedIP:s
    Router:s[] ScopeId:s UserClass:s WinsServer:s[] Wpad:s ComputerName:s) DhcpServerv4OptionValue[]
DhcpServerv4OptionValue.SetByOptionId(PolicyName:s PassThru:b Force:b VendorClass:s Value:s[] OptionId:u32
    ReservedIP:s ScopeId:s UserClass:s ComputerName:s) DhcpServerv4OptionValue
DhcpServerv4OptionDefinition.Add(ComputerName:s Name:s Description:s OptionId:u32 Type:s MultiValued:b VendorClass:s
    DefaultValue:s[] PassThru:b) DhcpServerv4OptionDefinition
DhcpServerv4OptionDefinition.Get(ComputerName:s OptionId:u32[] VendorClass:s All:b) DhcpServerv4OptionDefinition[]
DhcpServerv4OptionDefinition.Remove(ComputerName:s OptionId:u32[] VendorClass:s Passthru:b)
    DhcpServerv4OptionDefinition[]
DhcpServerv4OptionDefinition.Set(ComputerName:s OptionId:u32 Name:s Description:s VendorClass:s DefaultValue:s[]
    PassThru:b) DhcpServerv4OptionDefinition
DhcpServerv4Class.Add(Name:s Type:s Data:s Description:s ComputerName:s PassThru:b) DhcpServerv4Class
DhcpServerv4Class.Get(Name:s[] Type:s ComputerName:s) DhcpServerv4Class[]
DhcpServerv4Class.Remove(ComputerName:s Name:s[] Type:s PassThru:b) DhcpServerv4Class[]
DhcpServerv4Class.Set(Name:s Type:s Data:s Description:s ComputerName:s PassThru:b) DhcpServerv4Class
DhcpServerv4Policy.Add(ComputerName:s Name:s Condition:s Description:s ScopeId:s ProcessingOrder:u16 RelayAgent:s[]
    RemoteId:s[] SubscriberId:s[] PassThru:b LeaseDuration:dt Fqdn:s[] Enabled:b VendorClass:s[] UserClass:s[]
    MacAddress:s[] CircuitId:s[] ClientId:s[]) DhcpServerv4Policy
DhcpServerv4Policy.Get(ComputerName:s Name:s[] ScopeId:s) DhcpServerv4Policy[]
DhcpServerv4Policy.Remove(ComputerName:s PassThru:b Name:s[] ScopeId:s) DhcpServerv4Policy[]
DhcpServerv4Policy.Set(ComputerName:s Description:s Name:s ScopeId:s Enabled:b LeaseDuration:dt Fqdn:s[]
    MacAddress:s[] UserClass:s[] SubscriberId:s[] NewName:s ClientId:s[] PassThru:b ProcessingOrder:u16 RelayAgent:s[]
    RemoteId:s[] CircuitId:s[] Condition:s VendorClass:s[]) DhcpServerv4Policy
DhcpServerv4PolicyIPRange.Add(ComputerName:s Name:s ScopeId:s StartRange:s EndRange:s PassThru:b)
    DhcpServerv4PolicyIPRange
DhcpServerv4PolicyIPRange.Get(Name:s[] ScopeId:s ComputerName:s) DhcpServerv4PolicyIPRange[]
DhcpServerv4PolicyIPRange.Remove(Name:s ScopeId:s StartRange:s EndRange:s PassThru:b ComputerName:s)
    DhcpServerv4PolicyIPRange[]
DhcpServerv4DnsSetting.Get(IPAddress:s ScopeId:s ComputerName:s PolicyName:s) DhcpServerv4DnsSetting
DhcpServerv4DnsSetting.Set(ComputerName:s NameProtection:b UpdateDnsRRForOlderClients:b DeleteDnsRROnLeaseExpiry:b
    DynamicUpdates:s IPAddress:s ScopeId:s PassThru:b PolicyName:s DisableDnsPtrRRUpdate:b DnsSuffix:s)
    DhcpServerv4DnsSetting
DhcpServerv4ScopeStatistics.Get(ScopeId:s[] ComputerName:s Failover:b) DhcpServerv4ScopeStatistics[]
DhcpServerv4Superscope.Add(SuperscopeName:s ScopeId:s[] Force:b ComputerName:s PassThru:b) DhcpServerv4Superscope[]
DhcpServerv4Superscope.Get(SuperscopeName:s[] ComputerName:s) DhcpServerv4Superscope[]
DhcpServerv4Superscope.Remove(ComputerName:s SuperscopeName:s ScopeId:s[] Passthru:b) DhcpServerv4Superscope[]
DhcpServerv4Superscope.Rename(ComputerName:s Name:s NewName:s PassThru:b) DhcpServerv4Superscope
DhcpServerv4Lease.Add(IPAddress:s ScopeId:s ClientId:s AddressState:s HostName:s Description:s ComputerName:s
    PassThru:b DnsRR:s DnsRegistration:s ClientType:s LeaseExpiryTime:dt NapCapable:b NapStatus:s ProbationEnds:dt
    PolicyName:s) DhcpServerv4Lease
DhcpServerv4Lease.GetByBadLeases(ComputerName:s BadLeases:b ScopeId:s) DhcpServerv4Lease[]
DhcpServerv4Lease.GetByClientId(ComputerName:s ClientId:s[] ScopeId:s) DhcpServerv4Lease[]
DhcpServerv4Lease.GetByIPAddress(ComputerName:s IPAddress:s[]) DhcpServerv4Lease[]
DhcpServerv4Lease.GetByScopeId(ComputerName:s ScopeId:s AllLeases:b) DhcpServerv4Lease[]
DhcpServerv4Lease.RemoveByBadLeases(PassThru:b ComputerName:s BadLeases:b ScopeId:s) DhcpServerv4Lease[]
DhcpServerv4Lease.RemoveByClientId(PassThru:b ComputerName:s ClientId:s[] ScopeId:s) DhcpServerv4Lease[]
DhcpServerv4Lease.RemoveByIPAddress(PassThru:b ComputerName:s IPAddress:s[]) DhcpServerv4Lease[]
DhcpServerv4Lease.RemoveByScopeId(PassThru:b ComputerName:s ScopeId:s) DhcpServerv4Lease[]
DhcpServerVersion.Get(ComputerName:s) DhcpServerVersion
DhcpServerSetting.Get(ComputerName:s) DhcpServerSetting
DhcpServerSetting.Set(ConflictDetectionAttempts:u32 NpsUnreachableAction:s NapEnabled:b ComputerName:s
    ActivatePolicies:b PassThru:b) DhcpServerSetting
DhcpServerv4Filter.Add(ComputerName:s Description:s MacAddress:s[] List:s Force:b PassThru:b) DhcpServerv4Filter[]
DhcpServerv4Filter.Get(List:s ComputerName:s) DhcpServerv4Filter[]
DhcpServerv4Filter.Remove(ComputerName:s PassThru:b MacAddress:s[]) DhcpServerv4Filter[]
DhcpServerv4FilterList.Get(ComputerName:s) DhcpServerv4FilterList
DhcpServerv4FilterList.Set(ComputerName:s Allow:b Deny:b PassThru:b) DhcpServerv4FilterList
"""

# class -> method -> (parameter -> type, what comes back in cmdletOutput)
METHODS = {}
for cls, method, parameters, returns in re.findall(r"(\w+)\.(\w+)\(([^)]*)\)\s+(\S+)", TEXT):
    pairs = dict(pair.split(":") for pair in parameters.split())
    METHODS.setdefault("PS_" + cls, {})[method] = (pairs, returns)
