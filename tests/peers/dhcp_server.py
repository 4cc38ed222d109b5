"""One Windows DHCP server: its state, who may ask it, and the partner behind it.

Not a program: `windows-pair` beside this file uses it. The state is plain JSON:

    name, fqdn, address, build, version, setting, classes, definitions, options, policies, dns, policy_dns,
    filters, filter_list, relationships, tables (namespace -> class -> instances)
    scopes: scope id -> properties, exclusions, reservations (each with options and dns), options, policies,
            policy_ranges, dns (none: inherited), policy_dns, in_use, leases (may be absent)
"""
import contextlib
import threading

from dhcp_errors import DhcpError, wmi_error
from dhcp_read import READING
from dhcp_replicate import REPLICATION, SWITCHES, receive
from dhcp_write import WRITING, write
from winrm_soap import SoapFault

READS = ("Get",)                             # what the names of reading methods begin with


class Server:
    """What `winrm_soap.Service` stands in front of."""

    def __init__(self, state, quirks=(), rights=None, second_hop="ticket", delay=0.0):
        self.state, self.quirks, self.rights = state, set(quirks), rights or {}
        self.second_hop, self.delay = second_hop, delay
        self.reachable = True                # its partner, by this one
        self.replication = {}                # what is not named of its switches is as they come
        self.partner = None                  # call(verb, *arguments) to the other server
        self.rules, self.lock = [], threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.at_once = self.most_at_once = 0  # calls that were being answered side by side
        self.held = 0                        # calls that wait for other rules

    machine = property(lambda self: self.state["fqdn"])
    build = property(lambda self: self.state["build"])
    tables = property(lambda self: self.state["tables"])

    @property
    def replication(self):
        return self.switches

    @replication.setter
    def replication(self, switches):
        if unknown := set(switches) - set(SWITCHES):
            raise ValueError("no switch of a replication: %s" % ", ".join(unknown))
        self.switches = dict(SWITCHES, **switches)

    def is_named(self, name):
        """Whether this is its own name, in any form."""
        own = {self.state["name"], self.state["fqdn"], self.state["address"], "localhost", "127.0.0.1", "."}
        return name.lower() in {known.lower() for known in own}

    # ---- rules: what the test has a call do -------------------------------------------------
    def rules_for(self, cls, method, inputs):
        """The rules that this call falls under, counted down."""
        found = []
        with self.lock:
            for rule in list(self.rules):
                wanted = [rule.get("class", cls) in (cls, cls[3:]), rule.get("method", method) == method]
                wanted.append(rule.get("writes", False) <= (not method.startswith(READS)))
                given = {k: v if isinstance(v, list) else [v] for k, v in inputs.items()}
                wanted += [value in given.get(name, ()) for name, value in rule.get("where", {}).items()]
                if not all(wanted):
                    continue
                if rule.get("skip", 0):      # not the first ones
                    rule["skip"] -= 1
                    continue
                found.append(dict(rule, rules=self.rules))
                if "times" in rule:
                    rule["times"] -= 1
                    if not rule["times"]:
                        self.rules.remove(rule)
        return found

    @contextlib.contextmanager
    def answering(self):
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            yield
        finally:
            with self.lock:
                self.at_once -= 1

    def set_rules(self, rules):
        with self.changed:
            self.rules = rules
            self.changed.notify_all()

    def hold(self, rules):
        """Until there are other rules than these."""
        with self.changed:
            self.held += 1
            self.changed.wait_for(lambda: self.rules is not rules, timeout=60)
            self.held -= 1

    @staticmethod
    def error(code, message, category=None):
        return wmi_fault(DhcpError(code, message, category))

    # ---- calls ------------------------------------------------------------------------------
    def call(self, cls, method, inputs, caller):
        """What the method gives: rows, a row, or None."""
        try:
            self.admit(method, caller, self.state["name"])
            computer = inputs.get("ComputerName")
            if computer and not self.is_named(computer):
                inputs = {k: v for k, v in inputs.items() if k != "ComputerName"}
                return self.hop(computer, caller)("carry_out", cls, method, inputs)
            return self.carry_out(cls, method, inputs, caller)
        except DhcpError as e:
            raise wmi_fault(e) from None

    def carry_out(self, cls, method, inputs, caller=None):
        """The call itself, here."""
        name = "%s.%s" % (cls[3:], method)
        if name in REPLICATION:              # the partner may be asking meanwhile: no lock
            return REPLICATION[name](self, inputs, caller)
        with self.lock:
            if name in READING:
                return READING[name](self, inputs)
            if name in WRITING:
                return write(self, name, inputs)
        raise DhcpError("HRESULT 0x80041024", "This server's look-alike has no %s.%s" % (cls, method), "NotImplemented")

    def receive(self, *scope):
        """A scope that the partner replicates."""
        with self.lock:
            receive(self, *scope)

    def admit(self, method, caller, name):
        user = (caller or {}).get("user", "")
        rights = self.rights.get(user.rpartition("\\")[2].partition("@")[0].lower(), "admin")
        if rights == "none" or rights == "read" and not method.startswith(READS):
            raise DhcpError("WIN32 5", "Access is denied on DHCP server %s." % name, "PermissionDenied")

    def hop(self, computer, caller):
        """The way to another server, on behalf of the caller."""
        known = self.partner("is_named", computer)
        if not known:
            raise DhcpError("DHCP 20124", "The DHCP server name %s could not be resolved." % computer, "ObjectNotFound")
        at_console = caller is None
        allowed = at_console or self.second_hop == "allow" or self.second_hop == "ticket" and caller["delegated"]
        if not allowed:
            raise DhcpError("WIN32 5", "Failed to reach DHCP server %s: access is denied." % computer, "PermissionDenied")
        if not self.reachable:
            raise DhcpError("DHCP 20122", "The DHCP server %s could not be reached." % computer, "ConnectionError")
        return self.partner


def wmi_fault(error):
    return SoapFault("w:InternalError", error.message, sender=False, wmi=wmi_error(error))
