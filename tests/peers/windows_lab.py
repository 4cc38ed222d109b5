"""What a pair of Windows DHCP servers holds: two servers of one domain that agree.

Not a program: `windows-pair` beside this file uses it. Scopes are 10.N.I.0/24; scope i is in the
relationship i modulo 2, the first a hot standby and the second a load balance; a third relationship
is empty. The partners name each other in different ways.
"""
import copy

DOMAIN = "contoso.com"
NAMES = {"a": "dhcp1", "b": "dhcp2"}
ADDRESSES = {"a": "192.0.2.10", "b": "192.0.2.11"}
STANDBY, BALANCE, EMPTY = "dhcp1.contoso.com-192.0.2.11", "dhcp-master<-->dhcp-node", "dhcp1-dhcp2 load balance"
DHCP, CIMV2 = "root/microsoft/windows/dhcp", "root/cimv2"
CONDITIONS = ("VendorClass", "UserClass", "MacAddress", "ClientId", "Fqdn", "RelayAgent", "CircuitId", "RemoteId", "SubscriberId")


def interval(days=0, hours=0, minutes=0):
    return {"$interval": "P%dDT%dH%dM0S" % (days, hours, minutes)}


def option(number, name, kind, *values, vendor="", user="", policy=""):
    return {"OptionId": number, "Name": name, "Type": kind, "Value": list(values), "VendorClass": vendor, "UserClass": user,
            "PolicyName": policy}


def definition(number, name, kind, *default, vendor="", many=False, description=""):
    return {"Name": name, "OptionId": number, "Type": kind, "VendorClass": vendor, "MultiValued": many,
            "Description": description, "DefaultValue": list(default)}


def a_class(name, kind, data, description=""):
    return {"Name": name, "Type": kind, "Data": data, "Description": description}


def policy(name, scope_id, order, description="", enabled=True, condition="Or", lease=None, **conditions):
    row = {"Name": name, "ScopeId": scope_id, "Description": description, "Enabled": enabled, "Condition": condition,
           "ProcessingOrder": order}
    row.update({key: list(conditions.get(key, [])) or None for key in CONDITIONS})
    row["LeaseDuration"] = lease
    return row


def dns(updates="OnClientRequest", delete=True, older=False, protect=False, no_ptr=False, suffix=""):
    return {"DynamicUpdates": updates, "DeleteDnsRROnLeaseExpiry": delete, "UpdateDnsRRForOlderClients": older,
            "NameProtection": protect, "DisableDnsPtrRRUpdate": no_ptr, "DnsSuffix": suffix}


def reservation(scope_id, address, client, name="", description="", kind="Both"):
    return {"IPAddress": address, "ScopeId": scope_id, "ClientId": client, "Name": name, "Description": description,
            "Type": kind, "AddressState": "InactiveReservation", "options": [], "dns": None}


class Plan:
    """So many scopes, so many reservations in all."""

    def __init__(self, scopes, reservations):
        self.scopes, self.reservations = scopes, reservations

    @staticmethod
    def scope_id(i):
        return "10.%d.%d.0" % (i // 250, i % 250)

    @staticmethod
    def at(i, last):
        return "10.%d.%d.%d" % (i // 250, i % 250, last)

    def count(self, i):
        """Reservations of scope i."""
        return self.reservations // self.scopes + (i < self.reservations % self.scopes)

    def scope(self, i):
        here, at = self.scope_id(i), self.at
        name = "Büro %d 東" % i if i == 3 else "Floor %d" % i
        properties = {
            "ScopeId": here, "Name": name, "Description": "" if i % 3 == 1 else "Ordinary scope %d" % i,
            "SubnetMask": "255.255.255.0", "StartRange": at(i, 20), "EndRange": at(i, 200),
            "SuperscopeName": "Campus" if i % 5 == 4 else "", "LeaseDuration": interval(8), "NapEnable": False,
            "NapProfile": "", "Delay": 0, "State": "Active", "Type": "Dhcp", "MaxBootpClients": 0xFFFFFFFF,
            "ActivatePolicies": True}
        reserved = [reservation(here, at(i, 201 + n) if n < 50 else at(i, 20 + n - 50), self.client(i, n),
                                "host-%d-%d" % (i, n), "Printer" if n % 2 else "") for n in range(self.count(i))]
        if reserved:
            reserved[0]["options"].append(option(12, "Host Name", "String", "printer-%d" % i))
        options = [option(3, "Router", "IPv4Address", at(i, 1), at(i, 2)),
                   option(6, "DNS Servers", "IPv4Address", "192.0.2.53", "192.0.2.54"),
                   option(15, "DNS Domain Name", "String", DOMAIN),
                   # the same number in two vendor classes, and in none
                   option(1, "Vendor address", "IPv4Address", at(i, 5), vendor="Phones"),
                   option(1, "Vendor text", "String", "boot.cfg", vendor="Access points"),
                   option(6, "DNS Servers", "IPv4Address", "192.0.2.66", user="Kiosks")]
        policies, ranges = [], []
        if i + 2 < self.scopes:              # the last two have none
            policies = [policy("Phones", here, 1, "Telephones", MacAddress=["EQ", "00-15-5D*", "00-05-69*"]),
                        policy("Kiosks", here, 2, condition="And", lease=interval(0, 2), UserClass=["EQ", "Kiosks"],
                               VendorClass=["NE", "Access points"])]
            ranges = [{"Name": "Phones", "StartRange": at(i, 100), "EndRange": at(i, 119)}]
            options.append(option(66, "Boot Server Host Name", "String", "tftp." + DOMAIN, policy="Phones"))
        return {"properties": properties, "exclusions": [{"StartRange": at(i, 30), "EndRange": at(i, 39)}],
                "reservations": reserved, "options": options, "policies": policies, "policy_ranges": ranges,
                "dns": dns("Always") if i % 4 == 2 else None, "policy_dns": {}, "in_use": 7}

    @staticmethod
    def client(i, n):
        if n == 2:                           # an identifier that is no hardware address
            return "ff-00-01-00-01-2b-" + "-".join("%02x" % (i * 7 + at & 255) for at in range(14))
        return "00-15-5d-%02x-%02x-%02x" % (i // 256, i % 256, n)

    def server(self, side):
        """The state of one server."""
        other = "b" if side == "a" else "a"
        fqdn = {s: "%s.%s" % (NAMES[s], DOMAIN) for s in NAMES}
        scopes = {self.scope_id(i): self.scope(i) for i in range(self.scopes)}
        members = [[self.scope_id(i) for i in range(self.scopes) if i % 2 == n] for n in range(2)]

        def relation(name, partner, ids, **more):
            row = {"Name": name, "PartnerServer": partner, "Mode": "LoadBalance", "ServerRole": None, "LoadBalancePercent": None,
                   "ReservePercent": None, "ScopeId": ids, "MaxClientLeadTime": interval(hours=1), "AutoStateTransition": False,
                   "StateSwitchInterval": None, "State": "Normal", "EnableAuth": True, "PrimaryServerIP": ADDRESSES["a"],
                   "SecondaryServerIP": ADDRESSES["b"], "PrimaryServerName": NAMES["a"], "SecondaryServerName": fqdn["b"],
                   "ServerType": "PrimaryServer" if side == "a" else "SecondaryServer"}
            row.update(more)
            return row

        # the partner by its address on one side, by its name on the other
        relationships = [
            relation(STANDBY, ADDRESSES["b"] if side == "a" else fqdn["a"], members[0], Mode="HotStandby",
                     ServerRole="Active" if side == "a" else "Standby", ReservePercent=5, EnableAuth=False),
            relation(BALANCE, fqdn[other], members[1], LoadBalancePercent=60 if side == "a" else 40,
                     AutoStateTransition=True, StateSwitchInterval=interval(minutes=60)),
            relation(EMPTY, NAMES[other] if side == "a" else fqdn[other], [], LoadBalancePercent=50)]
        return {
            "name": NAMES[side], "fqdn": fqdn[side], "address": ADDRESSES[side], "build": "10.0.20348",
            "version": {"MajorVersion": 10, "MinorVersion": 0},
            "setting": {"IsDomainJoined": True, "IsAuthorized": True, "DynamicBootp": True, "RestoreStatus": False,
                        "NapEnabled": False, "ConflictDetectionAttempts": 0, "NpsUnreachableAction": "Full", "ActivatePolicies": True},
            "classes": copy.deepcopy(CLASSES), "definitions": copy.deepcopy(DEFINITIONS),
            "options": [option(6, "DNS Servers", "IPv4Address", "192.0.2.53"), option(42, "NTP Servers", "IPv4Address", "192.0.2.123")],
            "policies": [policy("Site", "", 1, "Everywhere", MacAddress=["EQ", "00-50-56*"])],
            "dns": dns(), "policy_dns": {},
            "filters": [{"List": "Deny", "MacAddress": "02-00-00-00-00-01", "Description": "Stolen"}],
            "filter_list": {"Allow": False, "Deny": True}, "relationships": relationships, "scopes": scopes,
            "tables": {CIMV2: {
                "Win32_Service": [{"Name": "DHCPServer", "DisplayName": "DHCP Server", "State": "Running", "Started": True, "StartMode": "Auto"},
                                  {"Name": "WinRM", "DisplayName": "Windows Remote Management", "State": "Running", "Started": True,
                                   "StartMode": "Auto"}],
                "Win32_ComputerSystem": [{"Name": NAMES[side].upper(), "DNSHostName": NAMES[side], "Domain": DOMAIN, "PartOfDomain": True}],
                "Win32_OperatingSystem": [{"Caption": "Microsoft Windows Server 2022 Standard", "CSName": NAMES[side].upper(),
                                           "Version": "10.0.20348", "BuildNumber": "20348", "OSLanguage": 1033}]}},
        }


CLASSES = [
    a_class("Microsoft Windows 2000 Options", "Vendor", "MSFT 5.0", "Microsoft vendor-specific options for Windows 2000"),
    a_class("Microsoft Windows 98 Options", "Vendor", "MSFT 98", "Microsoft vendor-specific options for Windows 98"),
    a_class("Microsoft Options", "Vendor", "MSFT", "Microsoft vendor-specific options applicable to all Windows"),
    a_class("Default Routing and Remote Access Class", "User", "RRAS.Microsoft", "User class for remote access clients"),
    a_class("Default BOOTP Class", "User", "BOOTP.Microsoft", "User class for BOOTP clients"),
    a_class("Phones", "Vendor", "phone.v1"), a_class("Access points", "Vendor", "ap.v1"), a_class("Kiosks", "User", "kiosk")]
DEFINITIONS = [
    definition(3, "Router", "IPv4Address", "0.0.0.0", many=True), definition(6, "DNS Servers", "IPv4Address", "0.0.0.0", many=True),
    definition(12, "Host Name", "String", ""), definition(15, "DNS Domain Name", "String", ""),
    definition(42, "NTP Servers", "IPv4Address", "0.0.0.0", many=True), definition(51, "Lease", "DWord", "0"),
    definition(66, "Boot Server Host Name", "String", ""), definition(67, "Bootfile Name", "String", ""),
    definition(160, "Provisioning", "String", "", description="Custom"),
    definition(1, "Vendor address", "IPv4Address", "0.0.0.0", vendor="Phones"),
    definition(1, "Vendor text", "String", "", vendor="Access points")]
