"""The methods that write, each a function of the server and the inputs; they give what PassThru shows."""
import copy
import ipaddress

from dhcp_errors import DhcpError
from dhcp_read import missing, need, policy_level, reservation_of, scope_of, shown_reservation
from windows_lab import CONDITIONS, interval, option, policy, reservation

SETTINGS = ("Name", "Description", "State", "SuperscopeName", "MaxBootpClients", "ActivatePolicies", "NapEnable", "NapProfile",
            "Delay", "LeaseDuration", "Type")
NOT_TAKEN = ("ComputerName", "PassThru", "Passthru", "Force")


def failed(what, server, code, category="InvalidData"):
    return DhcpError(code, "Failed to %s on DHCP server %s." % (what, server.state["name"]), category)


def number(address):
    try:
        return int(ipaddress.IPv4Address(address))
    except ValueError:
        raise DhcpError("WIN32 87", "%s is no address." % address) from None


def within(inner, outer):
    return number(outer["StartRange"]) <= number(inner["StartRange"]) <= number(inner["EndRange"]) <= number(outer["EndRange"])


def overlap(one, other):
    return number(one["StartRange"]) <= number(other["EndRange"]) and number(other["StartRange"]) <= number(one["EndRange"])


def given(inputs, names):
    return {name: inputs[name] for name in names if name in inputs}


def a_range(inputs):
    return {"StartRange": need(inputs, "StartRange"), "EndRange": need(inputs, "EndRange")}


# ---- scopes ---------------------------------------------------------------------------------
def check_scope(server, properties):
    if properties["Delay"] > 1000:
        raise failed("set the delay", server, "DHCP 20092")
    if number(properties["StartRange"]) > number(properties["EndRange"]):
        raise failed("set the range", server, "DHCP 20023")


def add_scope(server, inputs):
    new = a_range(inputs)
    net = ipaddress.ip_network("%s/%s" % (new["StartRange"], need(inputs, "SubnetMask")), strict=False)
    scope_id = str(net.network_address)
    if scope_id in server.state["scopes"]:
        raise failed("add scope %s" % scope_id, server, "DHCP 20052", "ResourceExists")
    properties = {"ScopeId": scope_id, "Name": need(inputs, "Name"), "Description": "", "SubnetMask": str(net.netmask), **new,
                  "SuperscopeName": "", "LeaseDuration": interval(8), "NapEnable": False, "NapProfile": "", "Delay": 0,
                  "State": "Active", "Type": "Dhcp", "MaxBootpClients": 0xFFFFFFFF, "ActivatePolicies": True}
    properties.update(given(inputs, SETTINGS))
    check_scope(server, properties)
    server.state["scopes"][scope_id] = {"properties": properties, "exclusions": [], "reservations": [], "options": [],
                                        "policies": [], "policy_ranges": [], "dns": None, "policy_dns": {}, "in_use": 0}
    return properties


def set_scope(server, inputs):
    scope = scope_of(server, need(inputs, "ScopeId"))
    wanted = dict(scope["properties"], **given(inputs, SETTINGS))
    check_scope(server, wanted)
    scope["properties"] = wanted
    return wanted


def set_scope_with_range(server, inputs):
    scope, new = scope_of(server, need(inputs, "ScopeId")), a_range(inputs)
    if not all(within(row, new) for row in scope["policy_ranges"]):
        raise failed("set the range of scope %s" % inputs["ScopeId"], server, "DHCP 20112")
    net = ipaddress.ip_network("%s/%s" % (inputs["ScopeId"], scope["properties"]["SubnetMask"]))
    if not all(ipaddress.ip_address(end) in net for end in new.values()):
        raise failed("set the range of scope %s" % inputs["ScopeId"], server, "DHCP 20023")
    wanted = dict(scope["properties"], **new)
    check_scope(server, wanted)
    scope["properties"] = wanted
    return set_scope(server, inputs)


def remove_scope(server, inputs):
    removed = []
    for scope_id in need(inputs, "ScopeId"):
        scope = scope_of(server, scope_id)
        if any(scope_id in row["ScopeId"] for row in server.state["relationships"]):
            raise failed("remove scope %s" % scope_id, server, "DHCP 20113")
        if scope["in_use"] and not inputs.get("Force"):
            raise failed("remove scope %s" % scope_id, server, "DHCP 20007")
        removed.append(server.state["scopes"].pop(scope_id)["properties"])
    return removed


def add_exclusion(server, inputs):
    scope, new = scope_of(server, need(inputs, "ScopeId")), a_range(inputs)
    if not within(new, scope["properties"]):
        raise failed("add the exclusion", server, "DHCP 20023")
    if any(overlap(new, row) for row in scope["exclusions"]):
        raise failed("add the exclusion", server, "DHCP 20021", "ResourceExists")
    scope["exclusions"].append(new)
    return dict(ScopeId=inputs["ScopeId"], **new)


def remove_exclusion(server, inputs):
    scope, old = scope_of(server, need(inputs, "ScopeId")), given(inputs, ("StartRange", "EndRange"))
    gone = [row for row in scope["exclusions"] if not old or row == old]
    if not gone:
        raise missing("the exclusion", server, "DHCP 20006")
    scope["exclusions"] = [row for row in scope["exclusions"] if row not in gone]
    return [dict(ScopeId=inputs["ScopeId"], **row) for row in gone]


# ---- reservations ---------------------------------------------------------------------------
def taken(scope, address, client, but=None):
    return any(row is not but and (row["IPAddress"] == address or row["ClientId"].lower() == client.lower())
               for row in scope["reservations"])


def add_reservation(server, inputs):
    scope_id, address, client = (need(inputs, name) for name in ("ScopeId", "IPAddress", "ClientId"))
    scope = scope_of(server, scope_id)
    if ipaddress.ip_address(address) not in ipaddress.ip_network("%s/%s" % (scope_id, scope["properties"]["SubnetMask"])):
        raise failed("reserve %s" % address, server, "DHCP 20023")
    if taken(scope, address, client):
        raise failed("reserve %s" % address, server, "DHCP 20022", "ResourceExists")
    row = reservation(scope_id, address, client.lower(), inputs.get("Name", ""), inputs.get("Description", ""),
                      inputs.get("Type", "Both"))
    scope["reservations"].append(row)
    return shown_reservation(server, row)


def set_reservation(server, inputs):
    scope, row = reservation_of(server, need(inputs, "IPAddress"))
    if "ClientId" in inputs and taken(scope, row["IPAddress"], inputs["ClientId"], but=row):
        raise failed("set reservation %s" % row["IPAddress"], server, "DHCP 20022", "ResourceExists")
    row.update(given(inputs, ("ClientId", "Name", "Description", "Type")))
    return shown_reservation(server, row)


def drop_reservations(server, scope, rows):
    scope["reservations"] = [row for row in scope["reservations"] if row not in rows]
    return [shown_reservation(server, row) for row in rows]


def remove_reservations(server, inputs):
    found = [reservation_of(server, address) for address in need(inputs, "IPAddress")]
    return [row for scope, gone in found for row in drop_reservations(server, scope, [gone])]


def remove_reservations_by_client(server, inputs):
    scope = scope_of(server, need(inputs, "ScopeId"))
    wanted = {client.lower() for client in need(inputs, "ClientId")}
    rows = [row for row in scope["reservations"] if row["ClientId"].lower() in wanted]
    if not rows:
        raise missing("the reservation", server, "DHCP 20018")
    return drop_reservations(server, scope, rows)


def remove_all_reservations(server, inputs):
    scope = scope_of(server, need(inputs, "ScopeId"))
    return drop_reservations(server, scope, list(scope["reservations"]))


def add_lease(server, inputs):
    scope = scope_of(server, need(inputs, "ScopeId"))
    row = {"IPAddress": need(inputs, "IPAddress"), "ScopeId": inputs["ScopeId"], "ClientId": need(inputs, "ClientId"),
           "HostName": inputs.get("HostName", ""), "AddressState": inputs.get("AddressState", "Active"), "ClientType": "Dhcp"}
    if not within(dict(StartRange=row["IPAddress"], EndRange=row["IPAddress"]), scope["properties"]):
        raise failed("add the lease", server, "DHCP 20023")
    scope["leases"] = [old for old in scope.get("leases", []) if old["IPAddress"] != row["IPAddress"]] + [row]
    return row


# ---- options --------------------------------------------------------------------------------
def option_level(server, inputs):
    address, scope_id = inputs.get("ReservedIP"), inputs.get("ScopeId")
    return reservation_of(server, address)[1] if address else scope_of(server, scope_id) if scope_id else server.state


def option_key(inputs, number):
    return (number, inputs.get("VendorClass") or "", inputs.get("UserClass") or "", inputs.get("PolicyName") or "")


def key_of(row):
    return (row["OptionId"], row["VendorClass"], row["UserClass"], row["PolicyName"])


def need_classes(server, vendor, user):
    known = {(row["Type"], row["Name"]) for row in server.state["classes"]}
    for kind, names in (("Vendor", vendor), ("User", user)):
        for name in names:
            if name and (kind, name) not in known:
                raise missing("class %s" % name, server, "DHCP 20044")


def definition_of(server, number, vendor):
    for row in server.state["definitions"]:
        if (row["OptionId"], row["VendorClass"]) == (number, vendor):
            return row
    raise missing("option %d" % number, server, "DHCP 20010")


def set_option(server, inputs):
    level, key = option_level(server, inputs), option_key(inputs, need(inputs, "OptionId"))
    wanted, vendor, user, name = key
    need_classes(server, [vendor], [user])
    if name and name not in {row["Name"] for row in level.get("policies", ())}:
        raise missing("policy %s" % name, server, "DHCP 20111")
    known, values = definition_of(server, wanted, vendor), inputs.get("Value", [])
    if len(values) > 1 and not known["MultiValued"]:
        raise failed("set option %d" % wanted, server, "WIN32 87")
    if known["Type"] == "IPv4Address":
        for value in values:
            number(value)
    if wanted == 6 and not inputs.get("Force"):
        raise failed("reach the DNS servers", server, "WIN32 9560")
    row = option(wanted, known["Name"], known["Type"], *values, vendor=vendor, user=user, policy=name)
    if wanted == 51 and "properties" in level and not (vendor or user):
        lease = {"$interval": "PT%dS" % int(values[0])}
        if name:
            next(p for p in level["policies"] if p["Name"] == name)["LeaseDuration"] = lease
        else:
            level["properties"]["LeaseDuration"] = lease
        return row
    level["options"] = [old for old in level["options"] if key_of(old) != key] + [row]
    return row


def remove_options(server, inputs):
    level, gone = option_level(server, inputs), []
    for wanted in need(inputs, "OptionId"):
        key = option_key(inputs, wanted)
        if wanted == 81:                     # the server keeps DNS settings there
            if key[3]:
                level["policy_dns"].pop(key[3], None)
            else:
                level["dns"] = None
            continue
        rows = [row for row in level["options"] if key_of(row) == key]
        if not rows:
            raise missing("option %d" % wanted, server, "DHCP 20010")
        level["options"] = [row for row in level["options"] if row not in rows]
        gone += rows
    return gone


def set_dns(server, inputs):
    address, scope_id, name = (inputs.get(key) for key in ("IPAddress", "ScopeId", "PolicyName"))
    level = reservation_of(server, address)[1] if address else scope_of(server, scope_id) if scope_id else server.state
    effective = server.carry_out("PS_DhcpServerv4DnsSetting", "Get", inputs)
    wanted = dict(effective, **given(inputs, list(effective)))
    if name:
        level["policy_dns"][name] = wanted
    else:
        level["dns"] = wanted
    return wanted


# ---- policies -------------------------------------------------------------------------------
def policy_of(server, inputs):
    name = need(inputs, "Name")
    for row in policy_level(server, inputs)["policies"]:
        if row["Name"].lower() == name.lower():
            return row
    raise missing("policy %s" % name, server, "DHCP 20111")


def put_in_order(rows, row, order):
    """The policy at its place; those behind it move."""
    others = sorted((other for other in rows if other is not row), key=lambda other: other["ProcessingOrder"])
    if not 1 <= order <= len(others) + 1:
        raise DhcpError("DHCP 20110", "The processing order %d is not possible." % order, "InvalidData")
    others.insert(order - 1, row)
    for at, other in enumerate(others):
        other["ProcessingOrder"] = at + 1
    rows[:] = others


def check_conditions(server, row, level):
    if not any(row[name] for name in CONDITIONS):
        raise failed("set policy %s" % row["Name"], server, "DHCP 20109")
    need_classes(server, *([value for value in row[name] or [] if value not in ("EQ", "NE")] for name in ("VendorClass", "UserClass")))
    if row["Fqdn"] and any(one["Name"] == row["Name"] for one in level.get("policy_ranges", ())):
        raise failed("set policy %s" % row["Name"], server, "DHCP 20135")


def add_policy(server, inputs):
    level, name = policy_level(server, inputs), need(inputs, "Name")
    if any(row["Name"].lower() == name.lower() for row in level["policies"]):
        raise failed("add policy %s" % name, server, "DHCP 20105", "ResourceExists")
    row = policy(name, inputs.get("ScopeId") or "", 0, inputs.get("Description", ""), inputs.get("Enabled", True),
                 need(inputs, "Condition").capitalize(), inputs.get("LeaseDuration"), **given(inputs, CONDITIONS))
    check_conditions(server, row, level)
    put_in_order(level["policies"], row, inputs.get("ProcessingOrder") or len(level["policies"]) + 1)
    return row


def set_policy(server, inputs):
    level, row = policy_level(server, inputs), policy_of(server, inputs)
    wanted = dict(row, **given(inputs, (*CONDITIONS, "Description", "Enabled", "Condition", "LeaseDuration")))
    check_conditions(server, wanted, level)
    row.update(wanted)
    if inputs.get("NewName"):
        row["Name"] = inputs["NewName"]
    if "ProcessingOrder" in inputs:
        put_in_order(level["policies"], row, inputs["ProcessingOrder"])
    return row


def remove_policies(server, inputs):
    level, gone = policy_level(server, inputs), []
    for name in need(inputs, "Name"):
        row = policy_of(server, dict(inputs, Name=name))
        level["policies"].remove(row)
        for rows, key in (("policy_ranges", "Name"), ("options", "PolicyName")):
            level[rows] = [other for other in level.get(rows, []) if other[key] != row["Name"]]
        level["policy_dns"].pop(row["Name"], None)
        gone.append(row)
    for at, row in enumerate(sorted(level["policies"], key=lambda row: row["ProcessingOrder"])):
        row["ProcessingOrder"] = at + 1
    return gone


def add_policy_range(server, inputs):
    scope, new, row = scope_of(server, need(inputs, "ScopeId")), a_range(inputs), policy_of(server, inputs)
    if row["Fqdn"]:
        raise failed("add the range", server, "DHCP 20135")
    if not within(new, scope["properties"]):
        raise failed("add the range", server, "DHCP 20107")
    if any(overlap(new, other) for other in scope["policy_ranges"]):
        raise failed("add the range", server, "DHCP 20106", "ResourceExists")
    new = dict(Name=row["Name"], **new)
    scope["policy_ranges"].append(new)
    return dict(new, ScopeId=inputs["ScopeId"])


def remove_policy_range(server, inputs):
    scope, old = scope_of(server, need(inputs, "ScopeId")), dict(Name=need(inputs, "Name"), **a_range(inputs))
    if old not in scope["policy_ranges"]:
        raise missing("the range of policy %s" % old["Name"], server, "DHCP 20107")
    scope["policy_ranges"].remove(old)
    return [dict(old, ScopeId=inputs["ScopeId"])]


# ---- superscopes ----------------------------------------------------------------------------
def leave_superscope(server, inputs):
    name, left = need(inputs, "SuperscopeName"), []
    for scope_id in inputs.get("ScopeId") or list(server.state["scopes"]):
        properties = scope_of(server, scope_id)["properties"]
        if properties["SuperscopeName"] == name:
            properties["SuperscopeName"] = ""
            left.append(scope_id)
    if not left:
        raise missing("superscope %s" % name, server, "DHCP 20005")
    return [{"SuperscopeName": name, "ScopeId": left}]


# ---- server level ---------------------------------------------------------------------------
def set_failover(server, inputs):
    name = need(inputs, "Name")
    for row in server.state["relationships"]:
        if row["Name"].lower() == name.lower():
            taken_over = ("AutoStateTransition", "MaxClientLeadTime", "StateSwitchInterval", "LoadBalancePercent", "ReservePercent", "Mode")
            row.update(given(inputs, taken_over))
            if inputs.get("PartnerDown"):
                row["State"] = "PartnerDown"
            return row
    raise missing("failover relationship %s" % name, server, "DHCP 20115")


def add_definition(server, inputs):
    vendor = inputs.get("VendorClass") or ""
    if any((row["OptionId"], row["VendorClass"]) == (need(inputs, "OptionId"), vendor) for row in server.state["definitions"]):
        raise failed("add option %d" % inputs["OptionId"], server, "DHCP 20009", "ResourceExists")
    row = {"Name": need(inputs, "Name"), "OptionId": inputs["OptionId"], "Type": need(inputs, "Type"), "VendorClass": vendor,
           "MultiValued": inputs.get("MultiValued", False), "Description": inputs.get("Description", ""),
           "DefaultValue": inputs.get("DefaultValue", [])}
    server.state["definitions"].append(row)
    return row


def add_class(server, inputs):
    if any((row["Name"], row["Type"]) == (need(inputs, "Name"), need(inputs, "Type")) for row in server.state["classes"]):
        raise failed("add class %s" % inputs["Name"], server, "DHCP 20045", "ResourceExists")
    row = {name: inputs.get(name, "") for name in ("Name", "Type", "Data", "Description")}
    server.state["classes"].append(row)
    return row


def remove_classes(server, inputs):
    kind, gone = need(inputs, "Type"), []
    for name in need(inputs, "Name"):
        rows = [row for row in server.state["classes"] if (row["Name"], row["Type"]) == (name, kind)]
        if not rows:
            raise missing("class %s" % name, server, "DHCP 20044")
        gone += rows
    server.state["classes"] = [row for row in server.state["classes"] if row not in gone]
    return gone


WRITING = {
    "DhcpServerv4Scope.Add": add_scope, "DhcpServerv4Scope.Remove": remove_scope,
    "DhcpServerv4Scope.SetByWithRange": set_scope_with_range, "DhcpServerv4Scope.SetByWithoutRange": set_scope,
    "DhcpServerv4ExclusionRange.Add": add_exclusion, "DhcpServerv4ExclusionRange.Remove": remove_exclusion,
    "DhcpServerv4Reservation.Add": add_reservation, "DhcpServerv4Reservation.Set": set_reservation,
    "DhcpServerv4Reservation.RemoveByIPAddress": remove_reservations,
    "DhcpServerv4Reservation.RemoveByClientId": remove_reservations_by_client,
    "DhcpServerv4Reservation.RemoveByScopeId": remove_all_reservations,
    "DhcpServerv4Lease.Add": add_lease,
    "DhcpServerv4OptionValue.SetByOptionId": set_option, "DhcpServerv4OptionValue.Remove": remove_options,
    "DhcpServerv4DnsSetting.Set": set_dns,
    "DhcpServerv4Policy.Add": add_policy, "DhcpServerv4Policy.Set": set_policy, "DhcpServerv4Policy.Remove": remove_policies,
    "DhcpServerv4PolicyIPRange.Add": add_policy_range, "DhcpServerv4PolicyIPRange.Remove": remove_policy_range,
    "DhcpServerv4Superscope.Remove": leave_superscope,
    "DhcpServerv4Failover.Set": set_failover, "DhcpServerv4OptionDefinition.Add": add_definition,
    "DhcpServerv4Class.Add": add_class, "DhcpServerv4Class.Remove": remove_classes,
}


def write(server, name, inputs):
    """Carries one out, wholly or not at all; its output is what PassThru asks for."""
    before = copy.deepcopy(server.state)
    try:
        out = WRITING[name](server, inputs)
    except Exception:
        server.state = before
        raise
    return copy.deepcopy(out) if inputs.get("PassThru") or inputs.get("Passthru") else None
