"""The methods that read, each a function of the server and the inputs."""
import ipaddress
import re

from dhcp_errors import DhcpError

UNLIMITED = 0xFFFFFFFF                       # seconds of a lease that does not end


def missing(what, server, code):
    return DhcpError(code, "Failed to get %s on DHCP server %s." % (what, server.state["name"]), "ObjectNotFound")


def scope_of(server, scope_id):
    found = server.state["scopes"].get(scope_id)
    if found is None:
        raise missing("scope %s" % scope_id, server, "DHCP 20005")
    return found


def need(inputs, name):
    if inputs.get(name) in (None, "", []):
        raise DhcpError("WIN32 87", "The parameter %s is missing." % name)
    return inputs[name]


def reservation_of(server, address):
    scopes = server.state["scopes"]
    likely = scopes.get(address.rpartition(".")[0] + ".0")    # its own scope, mostly: there may be thousands
    for scope in ([likely] if likely else []) + [scope for scope in scopes.values() if scope is not likely]:
        for reservation in scope["reservations"]:
            if reservation["IPAddress"] == address:
                return scope, reservation
    raise missing("reservation %s" % address, server, "DHCP 20018")


def shown_reservation(server, reservation):
    row = {k: v for k, v in reservation.items() if k not in ("options", "dns")}
    if "2012" in server.quirks:
        row.pop("AddressState", None)
    return row


# ---- failover -------------------------------------------------------------------------------
NEWER = {"relationship": ("PrimaryServerIP", "SecondaryServerIP", "PrimaryServerName", "SecondaryServerName", "ServerType"),
         "policy": ("Fqdn", "LeaseDuration"), "dns": ("DisableDnsPtrRRUpdate", "DnsSuffix")}


def as_old(server, kind, row):
    """Without what Windows Server 2012 does not know, where this is one."""
    return {k: v for k, v in row.items() if "2012" not in server.quirks or k not in NEWER[kind]}


def failover_by_name(server, inputs):
    rows = server.state["relationships"]
    names = inputs.get("Name")
    if names:
        rows = [row for row in rows if row["Name"].lower() in {name.lower() for name in names}]
        if not rows:
            raise missing("failover relationship %s" % names[0], server, "DHCP 20115")
    return [as_old(server, "relationship", row) for row in rows]


def failover_by_scope(server, inputs):
    found = []
    for scope_id in need(inputs, "ScopeId"):
        scope_of(server, scope_id)
        rows = [row for row in server.state["relationships"] if scope_id in row["ScopeId"]]
        if not rows:
            raise missing("failover relationship of scope %s" % scope_id, server, "DHCP 20116")
        found += [row for row in rows if row not in found]
    return [as_old(server, "relationship", row) for row in found]


# ---- scopes ---------------------------------------------------------------------------------
def chosen(server, inputs):
    wanted = inputs.get("ScopeId") or list(server.state["scopes"])
    return [(scope_id, scope_of(server, scope_id)) for scope_id in wanted]


def scopes(server, inputs):
    return [scope["properties"] for _, scope in chosen(server, inputs)]


def exclusions(server, inputs):
    return [dict(ScopeId=scope_id, **row) for scope_id, scope in chosen(server, inputs) for row in scope["exclusions"]]


def reservations(server, inputs):
    scope = scope_of(server, need(inputs, "ScopeId"))
    return [shown_reservation(server, row) for row in scope["reservations"]]


def reservations_by_address(server, inputs):
    found = [reservation_of(server, address)[1] for address in need(inputs, "IPAddress")]
    return [shown_reservation(server, row) for row in found]


def reservations_by_client(server, inputs):
    scope = scope_of(server, need(inputs, "ScopeId"))
    wanted = {client.lower() for client in need(inputs, "ClientId")}
    found = [row for row in scope["reservations"] if row["ClientId"].lower() in wanted]
    if not found:
        raise missing("reservation", server, "DHCP 20018")
    return [shown_reservation(server, row) for row in found]


def statistics(server, inputs):
    rows = []
    for scope_id, scope in chosen(server, inputs):
        row = scope["properties"]
        size = int(ipaddress.ip_address(row["EndRange"])) - int(ipaddress.ip_address(row["StartRange"])) + 1
        used, split = scope.get("in_use", 0), inputs.get("Failover", False)
        free = size - used
        rows.append({"ScopeId": scope_id, "AddressesFree": free, "AddressesInUse": used, "PendingOffers": 0,
                     "ReservedAddress": len(scope["reservations"]), "PercentageInUse": round(100 * used / size, 3),
                     "SuperscopeName": row["SuperscopeName"],
                     "AddressesFreeOnThisServer": free // 2 if split else None,
                     "AddressesFreeOnPartnerServer": free - free // 2 if split else None,
                     "AddressesInUseOnThisServer": used if split else None,
                     "AddressesInUseOnPartnerServer": 0 if split else None})
    return rows


# ---- leases ---------------------------------------------------------------------------------
IN_USE = ("Active", "ActiveReservation", "InactiveReservation")


def leases_of(scope):
    """The leases of a scope; a reserved address has one whether it is in use or not."""
    leased = scope.get("leases", [])
    held = {row["IPAddress"] for row in leased}
    reserved = [{"IPAddress": row["IPAddress"], "ScopeId": row["ScopeId"], "ClientId": row["ClientId"], "HostName": row["Name"],
                 "AddressState": row["AddressState"], "ClientType": "Dhcp"} for row in scope["reservations"]]
    return leased + [row for row in reserved if row["IPAddress"] not in held]


def leases(server, inputs):
    rows = leases_of(scope_of(server, need(inputs, "ScopeId")))
    return [row for row in rows if inputs.get("AllLeases") or row["AddressState"] in IN_USE]


def leases_by_address(server, inputs):
    wanted = need(inputs, "IPAddress")
    found = [row for scope in server.state["scopes"].values() for row in leases_of(scope) if row["IPAddress"] in wanted]
    if not found:
        raise missing("lease %s" % wanted[0], server, "DHCP 20013")
    return found


def superscopes(server, inputs):
    groups = {}
    for scope_id, scope in server.state["scopes"].items():
        groups.setdefault(scope["properties"]["SuperscopeName"] or "", []).append(scope_id)
    wanted = inputs.get("SuperscopeName")
    return [{"SuperscopeName": name, "ScopeId": ids} for name, ids in groups.items() if not wanted or name in wanted]


# ---- options --------------------------------------------------------------------------------
def seconds(interval):
    """The whole seconds of {"$interval": "P8DT0H0M0S"}."""
    parts = {unit: int(number) for number, unit in re.findall(r"(\d+)(?:\.\d+)?([DHMS])", interval["$interval"])}
    return sum(parts.get(unit, 0) * size for unit, size in (("D", 86400), ("H", 3600), ("M", 60), ("S", 1)))


def lease_option(interval, policy=""):
    return {"OptionId": 51, "Name": "Lease", "Type": "DWord", "Value": [str(seconds(interval))], "VendorClass": "",
            "UserClass": "", "PolicyName": policy}


def dns_option(dns, policy=""):
    """Option 81, in which the server keeps a level's own DNS settings."""
    bits = {"Always": 0x11, "OnClientRequest": 0x01, "Never": 0}[dns["DynamicUpdates"]]
    names = ("UpdateDnsRRForOlderClients", "DeleteDnsRROnLeaseExpiry", "NameProtection", "DisableDnsPtrRRUpdate")
    bits |= sum(flag for flag, name in zip((0x02, 0x04, 0x20, 0x40), names) if dns.get(name))
    return {"OptionId": 81, "Name": "DNS Update", "Type": "DWord", "Value": [str(bits)], "VendorClass": "", "UserClass": "",
            "PolicyName": policy}


def level_options(server, inputs):
    """All rows of the level that the inputs name, with those that repeat other settings."""
    address, scope_id = inputs.get("ReservedIP"), inputs.get("ScopeId")
    if address:
        _, level = reservation_of(server, address)
    else:
        level = scope_of(server, scope_id) if scope_id else server.state
    rows = list(level["options"])
    if not address and scope_id:
        rows.append(lease_option(level["properties"]["LeaseDuration"]))
        leases = [p for p in level["policies"] if p["LeaseDuration"] and "2012" not in server.quirks]
        rows += [lease_option(p["LeaseDuration"], p["Name"]) for p in leases]
    if (address or scope_id) and level["dns"]:
        rows.append(dns_option(level["dns"]))
    rows += [dns_option(dns, policy) for policy, dns in level.get("policy_dns", {}).items()]
    return sorted(rows, key=lambda row: row["OptionId"])


def option_values(server, inputs):
    vendor, user, policy = (inputs.get(name) or "" for name in ("VendorClass", "UserClass", "PolicyName"))
    if policy and (user or inputs.get("ReservedIP")):
        raise DhcpError("WIN32 87", "PolicyName goes with neither UserClass nor ReservedIP.")
    rows = level_options(server, inputs)
    if policy and policy not in {row["Name"] for row in policies(server, {"ScopeId": inputs.get("ScopeId")})}:
        raise missing("policy %s" % policy, server, "DHCP 20111")
    if not inputs.get("All"):
        rows = [row for row in rows if (row["VendorClass"], row["UserClass"], row["PolicyName"]) == (vendor, user, policy)]
    elif policy:
        rows = [row for row in rows if row["PolicyName"] == policy]
    elif "all-without-policies" in server.quirks:
        rows = [row for row in rows if not row["PolicyName"]]
    wanted = inputs.get("OptionId")
    if wanted:
        rows = [row for row in rows if row["OptionId"] in wanted]
    if not rows and (wanted or "no-option-is-an-error" in server.quirks):
        raise missing("option values", server, "DHCP 20010")
    if inputs.get("Brief"):
        rows = [dict(row, Name="") for row in rows]
    return rows


def option_definitions(server, inputs):
    vendor, wanted = inputs.get("VendorClass") or "", inputs.get("OptionId")
    rows = server.state["definitions"]
    if not inputs.get("All"):
        rows = [row for row in rows if row["VendorClass"] == vendor]
    return [row for row in rows if not wanted or row["OptionId"] in wanted]


# ---- policies -------------------------------------------------------------------------------
def policy_level(server, inputs):
    scope_id = inputs.get("ScopeId")
    return scope_of(server, scope_id) if scope_id else server.state


def policies(server, inputs):
    rows = policy_level(server, inputs)["policies"]
    names = inputs.get("Name")
    if names:
        rows = [row for row in rows if row["Name"].lower() in {name.lower() for name in names}]
        if not rows:
            raise missing("policy %s" % names[0], server, "DHCP 20111")
    return [as_old(server, "policy", row) for row in rows]


def policy_ranges(server, inputs):
    scope_id = need(inputs, "ScopeId")
    rows, names = scope_of(server, scope_id)["policy_ranges"], inputs.get("Name")
    return [dict(row, ScopeId=scope_id) for row in rows if not names or row["Name"] in names]


# ---- DNS settings, classes, and the rest ----------------------------------------------------
def dns_setting(server, inputs):
    """The setting in effect: a level that has none of its own shows the one above."""
    address, scope_id, policy = (inputs.get(name) for name in ("IPAddress", "ScopeId", "PolicyName"))
    levels = [server.state["dns"]]
    if address:
        scope, reservation = reservation_of(server, address)
        levels += [scope["dns"], reservation["dns"]]
    else:
        level = scope_of(server, scope_id) if scope_id else server.state
        levels.append(level["dns"])
        if policy:
            levels.append(level["policy_dns"].get(policy))
    return as_old(server, "dns", [level for level in levels if level][-1])


def classes(server, inputs):
    names, kind = inputs.get("Name"), inputs.get("Type")
    rows = [row for row in server.state["classes"] if not kind or row["Type"].lower() == kind.lower()]
    if names:
        rows = [row for row in rows if row["Name"] in names]
        if not rows:
            raise missing("class %s" % names[0], server, "DHCP 20044")
    return rows


def filters(server, inputs):
    kind = inputs.get("List")
    return [row for row in server.state["filters"] if not kind or row["List"].lower() == kind.lower()]


READING = {
    "DhcpServerVersion.Get": lambda server, inputs: server.state["version"],
    "DhcpServerSetting.Get": lambda server, inputs: server.state["setting"],
    "DhcpServerv4Failover.GetByName": failover_by_name,
    "DhcpServerv4Failover.GetByScopeId": failover_by_scope,
    "DhcpServerv4Scope.Get": scopes,
    "DhcpServerv4ExclusionRange.Get": exclusions,
    "DhcpServerv4Reservation.GetByScopeId": reservations,
    "DhcpServerv4Reservation.GetByIPAddress": reservations_by_address,
    "DhcpServerv4Reservation.GetByClientId": reservations_by_client,
    "DhcpServerv4OptionValue.Get": option_values,
    "DhcpServerv4OptionDefinition.Get": option_definitions,
    "DhcpServerv4Class.Get": classes,
    "DhcpServerv4Policy.Get": policies,
    "DhcpServerv4PolicyIPRange.Get": policy_ranges,
    "DhcpServerv4DnsSetting.Get": dns_setting,
    "DhcpServerv4ScopeStatistics.Get": statistics,
    "DhcpServerv4Lease.GetByScopeId": leases,
    "DhcpServerv4Lease.GetByIPAddress": leases_by_address,
    "DhcpServerv4Superscope.Get": superscopes,
    "DhcpServerv4Filter.Get": filters,
    "DhcpServerv4FilterList.Get": lambda server, inputs: server.state["filter_list"],
}
