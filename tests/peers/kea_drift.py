"""The drift that can be put between the servers of a kea-pair.

Not a program: `kea-pair` beside this file uses it, and `kea-pair kinds` lists
what is at the end.
"""
import collections

from kea_config import die, every, ip, number


# --------------------------------------------------------------------------
# Each kind changes one server's copy and returns what it did
# --------------------------------------------------------------------------
def find(cfg, plan, i):
    for s, home in every(cfg):
        if s["subnet"] == plan.prefix(i):
            return s, home
    die("drift: no subnet with index %d (left)" % i)


def a_reservation(cfg, plan, i, which):
    s, _ = find(cfg, plan, i)
    if not s["reservations"]:
        die("drift: subnet %d has no reservation (raise --reservations)" % i)
    return s["reservations"][which]


def network(cfg):
    if not cfg["shared-networks"]:
        die("drift: no shared network (needs --subnets 6 or more)")
    return cfg["shared-networks"][0]


# ranges -------------------------------------------------------------------
def d_pool_range(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    lo, hi = s["pools"][0]["pool"].split(" - ")
    end = ip(number(hi) - 5)
    s["pools"][0]["pool"] = "%s - %s" % (lo, end)
    return "first pool ends at %s instead of %s" % (end, hi)


def d_pool_missing(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    return "pool %s missing" % s["pools"].pop()["pool"]


def d_pool_extra(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    pool = "%s - %s" % (ip(plan.pools(i) - 18), ip(plan.pools(i) - 12))
    s["pools"].append({"pool": pool})
    return "extra pool %s" % pool


def d_pool_class(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    p = s["pools"][1]
    p.pop("client-class", None), p.pop("client-classes", None)
    p.update(plan.restrict("pxe"))
    return "second pool restricted to class pxe"


def d_pool_option(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s["pools"][0].setdefault("option-data", []).append({"name": "log-servers", "data": "192.0.2.77"})
    return "first pool has option log-servers"


# options ------------------------------------------------------------------
def d_option_value(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s["option-data"][0]["data"] = ip(plan.base(i) + 3)
    return "routers is %s" % ip(plan.base(i) + 3)


def d_option_missing(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    return "option %s missing" % s["option-data"].pop(1)["name"]


def d_option_extra(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s["option-data"].append({"name": "ntp-servers", "data": "192.0.2.99"})
    return "extra option ntp-servers"


def d_option43(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s["option-data"].append({"code": 43, "csv-format": False, "data": "0104C0000201"})
    return "extra option 43 in raw form, which config-get of 2.6 and 3.0 shows empty"


# properties ---------------------------------------------------------------
def d_lifetime(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s["valid-lifetime"] += 1234
    return "valid-lifetime %d" % s["valid-lifetime"]


def d_comment(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s["user-context"]["comment"] += " (edited)"
    return "user-context differs"


def d_hidden_text(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s["user-context"]["comment"] += "\u200b"
    return "user-context differs by a zero-width blank at its end"


def d_relay(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s["relay"] = {"ip-addresses": [ip(plan.base(i) + 7)]}
    return "relay address differs"


def d_subnet_class(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s.update(plan.restrict("voip"))
    return "subnet restricted to class voip"


# reservations -------------------------------------------------------------
def d_reservation_missing(cfg, plan, i):
    r = a_reservation(cfg, plan, i, 0)
    find(cfg, plan, i)[0]["reservations"].remove(r)
    return "reservation %s missing" % r["hw-address"]


def d_reservation_extra(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    address = ip(plan.pools(i) - 2)
    s["reservations"].append({"hw-address": "02:ff:ff:%02x:%02x:%02x" % (i >> 16 & 255, i >> 8 & 255, i & 255),
                              "ip-address": address, "hostname": "extra-%d" % i})
    return "extra reservation for %s" % address


def d_reservation_changed(cfg, plan, i):
    r = a_reservation(cfg, plan, i, -1)
    r["ip-address"] = ip(plan.pools(i) - 3)
    return "reservation %s has address %s" % (r["hw-address"], r["ip-address"])


def d_reservation_client(cfg, plan, i):
    r = a_reservation(cfg, plan, i, 0)
    old, r["hw-address"] = r["hw-address"], "02:fe:ff:%02x:%02x:%02x" % (i >> 16 & 255, i >> 8 & 255, i & 255)
    return "reservation of %s is for %s instead of %s" % (r["ip-address"], r["hw-address"], old)


def d_reservation_hostname(cfg, plan, i):
    r = a_reservation(cfg, plan, i, 0)
    r["hostname"] += "-old"
    return "reservation %s has hostname %s" % (r["hw-address"], r["hostname"])


def d_reservation_option(cfg, plan, i):
    r = a_reservation(cfg, plan, i, 0)
    r.setdefault("option-data", []).append({"name": "log-servers", "data": "192.0.2.78"})
    return "reservation %s has option log-servers" % r["hw-address"]


def d_reservation_class(cfg, plan, i):
    r = a_reservation(cfg, plan, i, 0)
    r["client-classes"] = ["pxe"]
    return "reservation %s has class pxe" % r["hw-address"]


# whole scopes and networks ------------------------------------------------
def d_subnet_missing(cfg, plan, i):
    s, home = find(cfg, plan, i)
    home.remove(s)
    return "subnet absent on b"


def extra_subnet(plan, i):
    return {"id": plan.n + 1000 + i, "subnet": "172.%d.%d.0/24" % (31 - (i >> 8 & 15), i & 255)}


def d_subnet_extra(cfg, plan, i):
    s = extra_subnet(plan, i)
    start = s["subnet"].rpartition(".")[0]
    s["pools"] = [{"pool": "%s.10 - %s.99" % (start, start)}]
    cfg["subnet4"].append(s)
    return "subnet %s exists on b only" % s["subnet"]


def d_subnet_id(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s["id"] = plan.n + 5000 + i
    return "same prefix, id %d" % s["id"]


def d_order(cfg, plan, i):
    s, _ = find(cfg, plan, i)
    s["reservations"].reverse(), s["pools"].reverse(), s["option-data"].reverse()
    return "lists in another order (no real drift)"


def d_network_member(cfg, plan, i):
    net = network(cfg)
    s = net["subnet4"].pop(0)
    cfg["subnet4"].append(s)
    return "subnet %s left shared network %s" % (s["subnet"], net["name"])


def d_network_option(cfg, plan, i):
    net = network(cfg)
    net["option-data"][0]["data"] = "192.0.2.124"
    return "option time-servers of shared network %s differs" % net["name"]


def d_network_missing(cfg, plan, i):
    net = network(cfg)
    cfg["shared-networks"].remove(net)
    cfg["subnet4"] += net["subnet4"]
    return "shared network %s absent on b, its subnets outside of any" % net["name"]


# what scopes depend on ----------------------------------------------------
def d_class_def(cfg, plan, i):
    cfg["client-classes"][0]["test"] = "substring(option[60].hex,0,4) == 'VoIP'"
    return "global class voip has another test"


def d_class_missing(cfg, plan, i):
    cfg["client-classes"] = [c for c in cfg["client-classes"] if c["name"] != "pxe"]
    return "global class pxe absent on b"


def d_global_option(cfg, plan, i):
    cfg["option-data"][0]["data"] = "192.0.2.53"
    return "global domain-name-servers differs"


def d_global_value(cfg, plan, i):
    cfg["renew-timer"] += 100
    return "global renew-timer, inherited by every scope, is %d" % cfg["renew-timer"]


def d_reservation_mode(cfg, plan, i):
    cfg["reservations-in-subnet"] = False
    return "global reservations-in-subnet is false: no reservation is matched"


def d_optdef_missing(cfg, plan, i):
    cfg["option-def"] = []
    for s, _ in every(cfg):
        s["option-data"] = [o for o in s["option-data"] if o.get("name") != "site-code"]
    return "option definition site-code (and its uses) absent on b"


def d_ha_parameter(cfg, plan, i):
    cfg["ha-parameters"] = {"max-ack-delay": 7000}
    return "HA parameter max-ack-delay is 7000 instead of 5000"


Drift = collections.namedtuple("Drift", "inject index scoped")
# kind -> what does it, default subnet index, is it about that one scope?
DRIFT = {
    "pool-range": Drift(d_pool_range, 0, True),
    "pool-class": Drift(d_pool_class, 1, True),
    "pool-missing": Drift(d_pool_missing, 2, True),
    "pool-extra": Drift(d_pool_extra, 3, True),
    "pool-option": Drift(d_pool_option, 4, True),
    "option-value": Drift(d_option_value, 2, True),
    "option-missing": Drift(d_option_missing, 0, True),
    "option-extra": Drift(d_option_extra, 1, True),
    "option43": Drift(d_option43, 0, True),
    "lifetime": Drift(d_lifetime, 6, True),
    "comment": Drift(d_comment, 3, True),
    "hidden-text": Drift(d_hidden_text, 2, True),
    "relay": Drift(d_relay, 4, True),
    "subnet-class": Drift(d_subnet_class, 5, True),
    "reservation-missing": Drift(d_reservation_missing, 3, True),
    "reservation-extra": Drift(d_reservation_extra, 5, True),
    "reservation-changed": Drift(d_reservation_changed, 4, True),
    "reservation-client": Drift(d_reservation_client, 0, True),
    "reservation-hostname": Drift(d_reservation_hostname, 1, True),
    "reservation-option": Drift(d_reservation_option, 2, True),
    "reservation-class": Drift(d_reservation_class, 6, True),
    "subnet-missing": Drift(d_subnet_missing, 7, True),
    "subnet-extra": Drift(d_subnet_extra, 0, True),
    "subnet-id": Drift(d_subnet_id, 5, True),
    "order": Drift(d_order, 0, True),
    "network-member": Drift(d_network_member, 0, False),
    "network-option": Drift(d_network_option, 0, False),
    "network-missing": Drift(d_network_missing, 0, False),
    "class-def": Drift(d_class_def, 0, False),
    "class-missing": Drift(d_class_missing, 0, False),
    "global-option": Drift(d_global_option, 0, False),
    "global-value": Drift(d_global_value, 0, False),
    "reservation-mode": Drift(d_reservation_mode, 0, False),
    "optdef-missing": Drift(d_optdef_missing, 0, False),
    "ha-parameter": Drift(d_ha_parameter, 0, False),
}
# what `--drift demo` injects: one of each of the eight scope kinds, on eight scopes
DEMO = ["pool-range:0", "pool-class:1", "option-value:2", "reservation-missing:3",
        "reservation-changed:4", "reservation-extra:5", "lifetime:6", "subnet-missing:7", "subnet-extra:0"]


def parse(specs, sides):
    """`KIND[:INDEX][@LETTER]` or `demo` -> (kind, index or None, letter)."""
    for spec in [one for spec in specs for one in (DEMO if spec == "demo" else [spec])]:
        what, _, side = spec.partition("@")
        kind, _, index = what.partition(":")
        if kind not in DRIFT:
            die("unknown drift kind %r (see kea-pair kinds)" % kind)
        index = int(index) if index else DRIFT[kind].index
        # with spokes a scope is on one of them
        side = side or sides[index % len(sides) if DRIFT[kind].scoped else 0]
        if side not in sides:
            die("drift %s: server %s is none of %s" % (spec, side, ", ".join(sides)))
        yield kind, index, side


def inject(configs, plans, specs):
    """Changes the servers' configurations (by letter); returns the list for pair.json."""
    done = []
    for kind, i, side in parse(specs, sorted(configs)):
        drift, cfg, plan = DRIFT[kind], configs[side], plans[side]
        if kind != "subnet-extra" and drift.scoped and i >= plan.n:
            die("drift %s: subnet index %d needs --subnets %d or more" % (kind, i, i + 1))
        entry = {"kind": kind, "server": side}
        if kind == "network-member":
            s = network(cfg)["subnet4"][0]
            entry.update(scope=s["subnet"], id=s["id"])
        try:
            entry["detail"] = drift.inject(cfg, plan, i)
        except (IndexError, KeyError):
            die("drift %s:%d does not go together with an earlier one on the same subnet" % (kind, i))
        if kind == "subnet-extra":
            extra = extra_subnet(plan, i)
            entry.update(scope=extra["subnet"], id=extra["id"])
        elif drift.scoped:
            entry.update(scope=plan.prefix(i), id=i + 1)
        done.append(entry)
    return done
