"""The scopes that a kea-pair serves.

Not a program: `kea-pair` beside this file uses it.
"""
import copy
import sys


def die(msg, code=1):
    sys.stderr.write("kea-pair: %s\n" % msg)
    sys.exit(code)


def ip(n):
    return "%d.%d.%d.%d" % (n >> 24 & 255, n >> 16 & 255, n >> 8 & 255, n & 255)


def number(address):
    a, b, c, d = (int(x) for x in address.split("."))
    return a << 24 | b << 16 | c << 8 | d


# --------------------------------------------------------------------------
# The configuration both servers should have
# --------------------------------------------------------------------------
class Plan:
    """Address plan: subnet i is 10.0.0.0/8 cut into equal pieces.  The lower
    part of each piece holds reservations, the upper quarter the pools."""

    def __init__(self, subnets, reservations, kea_v):
        self.n = subnets
        self.per = [reservations // subnets + (1 if i < reservations % subnets else 0)
                    for i in range(subnets)] if subnets else []
        need = (max(self.per) if self.per else 0) + 40
        self.bits = 8
        while (1 << self.bits) * 3 // 4 < need + 16:
            self.bits += 1
        if subnets << self.bits > 1 << 24:
            die("%d subnets with %d reservations do not fit into 10.0.0.0/8" % (subnets, reservations))
        self.v = kea_v

    def base(self, i):
        return (10 << 24) + (i << self.bits)

    def pools(self, i):
        """First address of the pools of subnet i; the 20 below it are never reserved."""
        return self.base(i) + (1 << self.bits) * 3 // 4

    def prefix(self, i):
        return "%s/%d" % (ip(self.base(i)), 32 - self.bits)

    def mac(self, i, k):
        return "02:%02x:%02x:%02x:%02x:%02x" % (i >> 16 & 255, i >> 8 & 255, i & 255, k >> 8 & 255, k & 255)

    def restrict(self, cls):
        return {"client-classes": [cls]} if self.v >= (2, 7, 5) else {"client-class": cls}

    def subnet(self, i):
        b, size = self.base(i), 1 << self.bits
        p1, p2, p3 = self.pools(i), b + size * 7 // 8, b + size - 2
        s = {"id": i + 1, "subnet": self.prefix(i),
             "valid-lifetime": 3600 + 600 * (i % 3),
             "option-data": [{"name": "routers", "data": ip(b + 1)},
                             {"name": "domain-name", "data": "net%d.example.org" % i}],
             "pools": [{"pool": "%s - %s" % (ip(p1), ip(p2 - 1))}],
             "reservations": [],
             # Kea stores bytes and answers each byte of such text as an escape of its own
             "user-context": {"comment": ("site %d" if i % 10 != 8 else "site %d, Zürich") % i}}
        pool2 = {"pool": "%s - %s" % (ip(p2), ip(p3))}
        if i % 3 == 1:
            pool2.update(self.restrict("voip"))
            pool2["option-data"] = [{"name": "tftp-server-name", "data": "tftp%d.example.org" % i}]
        s["pools"].append(pool2)
        if i % 5 == 2:
            s["relay"] = {"ip-addresses": [ip(b + 2)]}
        if i % 4 == 3:
            s["option-data"].append({"name": "site-code", "space": "dhcp4", "data": str(1000 + i)})
        for k in range(self.per[i] if i < len(self.per) else 0):
            r = {"hw-address": self.mac(i, k), "ip-address": ip(b + 10 + k), "hostname": "h%d-%d" % (i, k)}
            if k % 10 == 3:
                r["option-data"] = [{"name": "boot-file-name", "data": "boot-%d.img" % k}]
            if k % 10 == 6:
                r["client-classes"] = ["voip"]
            s["reservations"].append(r)
        return s

    def config(self):
        subs = [self.subnet(i) for i in range(self.n)]
        shared = []
        if self.n >= 6:                      # the last two subnets share a link
            shared = [{"name": "floor-1", "subnet4": subs[-2:],
                       "option-data": [{"name": "time-servers", "data": "192.0.2.123"}]}]
            subs = subs[:-2]
        return {
            "valid-lifetime": 4000, "renew-timer": 1000, "rebind-timer": 2000,
            "option-def": [{"name": "site-code", "code": 222, "type": "uint32", "space": "dhcp4"}],
            "client-classes": [
                {"name": "voip", "test": "substring(option[60].hex,0,4) == 'VOIP'",
                 "option-data": [{"name": "tftp-server-name", "data": "tftp.example.org"}]},
                {"name": "pxe", "test": "substring(option[60].hex,0,9) == 'PXEClient'",
                 "next-server": "192.0.2.10", "boot-file-name": "pxelinux.0"}],
            "option-data": [{"name": "domain-name-servers", "data": "192.0.2.53, 192.0.2.54"}],
            "shared-networks": shared,
            "subnet4": subs}


def every(cfg):
    for s in cfg["subnet4"]:
        yield s, cfg["subnet4"]
    for net in cfg["shared-networks"]:
        for s in net["subnet4"]:
            yield s, net["subnet4"]


# --------------------------------------------------------------------------
# Hub and spokes: scope i belongs to relationship i modulo their number
# --------------------------------------------------------------------------
def hub_config(config, names):
    """What the hub has: every scope and network names its relationship, by this server's
    name in it. All scopes of a network belong to one."""
    hub = copy.deepcopy(config)
    for s in hub["subnet4"]:
        s["user-context"]["ha-server-name"] = names[(s["id"] - 1) % len(names)]
    for net in hub["shared-networks"]:
        net["user-context"] = {"ha-server-name": names[(net["subnet4"][0]["id"] - 1) % len(names)]}
    return hub


def spoke_config(config, number, count):
    """What spoke `number` has: the scopes of its relationship, which it need not name."""
    spoke = copy.deepcopy(config)
    spoke["subnet4"] = [s for s in spoke["subnet4"] if (s["id"] - 1) % count == number]
    spoke["shared-networks"] = [net for net in spoke["shared-networks"]
                                if (net["subnet4"][0]["id"] - 1) % count == number]
    return spoke
