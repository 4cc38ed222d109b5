"""PS_DhcpServerv4FailoverReplication: scopes of this server in place of the partner's.

The provider reads here and writes there, by the caller's leave; nothing of it is atomic. What Microsoft has
not published is a switch of the server's `replication`:

    state, delay, superscope, dns    whether these are copied (true)
    missing                          a scope that the partner lacks: "create" or "error"
    unforced                         without Force: "refuse" or "go"
    after_failure                    the scopes behind one that fails: "go" or "stop"
    outside_normal                   in another state than Normal: "go" or "refuse"
"""
import copy

from dhcp_errors import DhcpError
from dhcp_read import missing, scope_of
from dhcp_write import definition_of, need_classes

SWITCHES = {"state": True, "delay": True, "superscope": True, "dns": True, "missing": "create", "unforced": "refuse",
            "after_failure": "go", "outside_normal": "go"}
KEPT = {"state": "State", "delay": "Delay", "superscope": "SuperscopeName"}


def relationship_of(server, scope_id):
    scope_of(server, scope_id)
    for row in server.state["relationships"]:
        if scope_id in row["ScopeId"]:
            return row
    raise missing("failover relationship of scope %s" % scope_id, server, "DHCP 20116")


def replicate(server, scope_ids, inputs, caller):
    """The scopes that were replicated, in order."""
    if not inputs.get("Force") and server.replication["unforced"] == "refuse":
        raise DhcpError("WIN32 1223", "The operation was not confirmed.", "InvalidArgument")
    done, failure = [], None
    for scope_id in scope_ids:
        try:
            row = relationship_of(server, scope_id)
            if row["State"] != "Normal" and server.replication["outside_normal"] == "refuse":
                raise DhcpError("DHCP 20120", "The relationship %s is not in the state NORMAL." % row["Name"])
            partner = server.hop(row["PartnerServer"], caller)
            scope = copy.deepcopy(server.state["scopes"][scope_id])
            if not server.replication["dns"]:
                del scope["dns"]
            for switch, name in KEPT.items():
                if not server.replication[switch]:
                    del scope["properties"][name]
            partner("receive", scope_id, scope, row["Name"], server.replication["missing"])
            done.append(scope_id)
        except DhcpError as e:
            failure = failure or e
            if server.replication["after_failure"] == "stop":
                break
    if failure:
        raise failure
    return done


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


def receive(server, scope_id, scope, relationship, where_missing):
    """What the partner makes of a scope that comes."""
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
    scope["properties"] = dict((have or {}).get("properties", {}), **scope["properties"])
    scope.setdefault("dns", (have or {}).get("dns"))
    scope["in_use"] = (have or {}).get("in_use", 0)
    server.state["scopes"][scope_id] = scope
    for row in server.state["relationships"]:
        if row["Name"] == relationship and scope_id not in row["ScopeId"]:
            row["ScopeId"].append(scope_id)


REPLICATION = {"DhcpServerv4FailoverReplication.InvokeByScopeId": by_scope, "DhcpServerv4FailoverReplication.InvokeByName": by_name}
