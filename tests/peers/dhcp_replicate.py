"""PS_DhcpServerv4FailoverReplication: scopes of this server in place of the partner's.

The provider reads here and writes there, by the caller's leave; nothing of it is atomic. What Microsoft has
not published is a switch of the server's `replication`:

    state, delay, superscope, dns    whether these are copied (true)
    disabled_policies                "copy"; "drop": they are left out, so that the partner has none; "keep": there
                                     they stay as they are
    missing                          a scope that the partner lacks: "create" or "error"
    unforced                         without Force: "refuse" or "go"
    after_failure                    the scopes behind one that fails: "go" or "stop"
    outside_normal                   in another state than Normal: "go" or "refuse"
    syncing                          so many calls from now on find the scope being replicated already (0)
    half                             scopes that fail when no more than their properties are there ([])
    output                           what comes back: the scopes as "strings", "embedded" relationships, or "empty"
"""
import copy

from dhcp_errors import DhcpError
from dhcp_read import missing, scope_of
from dhcp_write import definition_of, need_classes

SWITCHES = {"state": True, "delay": True, "superscope": True, "dns": True, "disabled_policies": "copy", "missing": "create",
            "unforced": "refuse", "after_failure": "go", "outside_normal": "go", "syncing": 0, "half": [], "output": "strings"}
OF_POLICIES = (("policies", "Name"), ("policy_ranges", "Name"), ("options", "PolicyName"))
KEPT = {"state": "State", "delay": "Delay", "superscope": "SuperscopeName"}
FRESH = {"State": "Active", "Delay": 0, "SuperscopeName": ""}


def relationship_of(server, scope_id):
    scope_of(server, scope_id)
    for row in server.state["relationships"]:
        if scope_id in row["ScopeId"]:
            return row
    raise missing("failover relationship of scope %s" % scope_id, server, "DHCP 20116")


def is_syncing(server):
    with server.lock:
        found = server.replication["syncing"]
        server.replication["syncing"] = max(found - 1, 0)
    return found > 0


def copied(server, scope_id):
    """What goes over of a scope."""
    with server.lock:
        scope = copy.deepcopy(server.state["scopes"][scope_id])
    if not server.replication["dns"]:
        del scope["dns"]
    for switch, name in KEPT.items():
        if not server.replication[switch]:
            del scope["properties"][name]
    disabled = {row["Name"] for row in scope["policies"] if not row["Enabled"]}
    if server.replication["disabled_policies"] != "copy":
        for rows, key in OF_POLICIES:
            scope[rows] = [row for row in scope[rows] if row[key] not in disabled]
        scope["policy_dns"] = {name: row for name, row in scope["policy_dns"].items() if name not in disabled}
    scope["left_alone"] = disabled if server.replication["disabled_policies"] == "keep" else set()
    return scope


def keep_policies(scope, have, names):
    """Those of these names stay as the partner has them."""
    for rows, key in OF_POLICIES:
        scope[rows] += [row for row in have[rows] if row[key] in names]
    scope["policy_dns"].update({name: row for name, row in have["policy_dns"].items() if name in names})


def replicate(server, scope_ids, inputs, caller):
    """The scopes that were replicated, in order."""
    if not inputs.get("Force") and server.replication["unforced"] == "refuse":
        raise DhcpError("WIN32 1223", "The operation was not confirmed.", "InvalidArgument")
    if is_syncing(server):
        raise DhcpError("DHCP 20133", "The scope %s is being replicated." % scope_ids[:1])
    done, rows, failure = [], [], None
    for scope_id in scope_ids:
        try:
            row = relationship_of(server, scope_id)
            if row["State"] != "Normal" and server.replication["outside_normal"] == "refuse":
                raise DhcpError("DHCP 20120", "The relationship %s is not in the state NORMAL." % row["Name"])
            partner = server.hop(row["PartnerServer"], caller)
            half = scope_id in server.replication["half"]
            partner("receive", scope_id, copied(server, scope_id), row["Name"], server.replication["missing"], half)
            rows.append(row)
            done.append(scope_id)
        except DhcpError as e:
            failure = failure or e
            if server.replication["after_failure"] == "stop":
                break
    if failure:
        raise failure
    shown = {"strings": done, "empty": None, "embedded": [{"$class": "DhcpServerv4Failover", "$value": row} for row in rows]}
    return shown[server.replication["output"]]


def by_scope(server, inputs, caller):
    return replicate(server, inputs.get("ScopeId", []), inputs, caller)


def by_name(server, inputs, caller):
    """Without a name every scope of every relationship."""
    rows, names = server.state["relationships"], inputs.get("Name")
    if names:
        rows = [row for row in rows if row["Name"].lower() in {name.lower() for name in names}]
        if len(rows) < len(set(names)):
            raise missing("failover relationship", server, "DHCP 20115")
    return replicate(server, [scope_id for row in rows for scope_id in row["ScopeId"]], inputs, caller)


def receive(server, scope_id, scope, relationship, where_missing, half):
    """What the partner makes of a scope that comes, with `half` up to its properties."""
    have = server.state["scopes"].get(scope_id)
    if have is None and where_missing == "error":
        raise missing("scope %s" % scope_id, server, "DHCP 20005")
    levels = [scope, *scope["reservations"]]
    for row in [row for level in levels for row in level["options"]]:
        need_classes(server, [row["VendorClass"]], [row["UserClass"]])
        if definition_of(server, row["OptionId"], row["VendorClass"])["Type"] != row["Type"]:
            raise DhcpError("DHCP 20103", "Option %d is of another type on %s." % (row["OptionId"], server.state["name"]))
    for row in scope["policies"]:
        need_classes(server, *([v for v in row[k] or [] if v not in ("EQ", "NE")] for k in ("VendorClass", "UserClass")))
    scope["properties"] = dict((have or {}).get("properties", FRESH), **scope["properties"])
    if half and have:
        have["properties"] = scope["properties"]
        raise DhcpError("WIN32 1726", "The remote procedure call failed on %s." % server.state["name"], "ConnectionError")
    scope.setdefault("dns", (have or {}).get("dns"))
    left_alone = scope.pop("left_alone")
    if have:
        keep_policies(scope, have, left_alone)
    scope["in_use"], scope["leases"] = (have or {}).get("in_use", 0), (have or {}).get("leases", [])
    server.state["scopes"][scope_id] = scope
    for row in server.state["relationships"]:
        if row["Name"] == relationship and scope_id not in row["ScopeId"]:
            row["ScopeId"].append(scope_id)


REPLICATION = {"DhcpServerv4FailoverReplication.InvokeByScopeId": by_scope, "DhcpServerv4FailoverReplication.InvokeByName": by_name}
