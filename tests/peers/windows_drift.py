"""The drift that can be put between the servers of a windows-pair.

Not a program: `windows-pair` beside this file uses it, and `windows-pair --kinds` lists what is at the end.
Each kind changes server b's state, a few also what server a must have for it, and says what it did.
"""
import copy
import json
import sys

from windows_lab import BALANCE, STANDBY, CIMV2, a_class, definition, dns, interval, option, policy, reservation


class Place:
    """One scope on both servers."""

    def __init__(self, states, plan, i):
        self.a, self.b, self.plan, self.i, self.id = states["a"], states["b"], plan, i, plan.scope_id(i)
        if self.id not in self.a["scopes"] or self.id not in self.b["scopes"]:
            sys.exit("drift: scope %d is not there (any more)" % i)
        self.mine, self.theirs = self.a["scopes"][self.id], self.b["scopes"][self.id]
        self.properties = self.theirs["properties"]

    def at(self, last):
        return self.plan.at(self.i, last)

    def reserved(self, which=0):
        return self.theirs["reservations"][which]

    def option(self, number, **classes):
        wanted = option(number, "", "", **classes)
        keys = ("OptionId", "VendorClass", "UserClass", "PolicyName")
        return next(row for row in self.theirs["options"] if all(row[key] == wanted[key] for key in keys))

    def policy(self, name="Phones"):
        return next(row for row in self.theirs["policies"] if row["Name"] == name)


def prop(name, value):
    def change(place):
        place.properties[name] = value
        return "%s is %s" % (name, value)
    return change


# ---- scopes ---------------------------------------------------------------------------------
def d_description(place):
    place.mine["properties"]["Description"], place.properties["Description"] = "A text", "Another text"
    return "another description"


def d_superscope(place):
    place.mine["properties"]["SuperscopeName"], place.properties["SuperscopeName"] = "Campus", "Annexe"
    return "in another superscope"


def d_range(place):
    place.properties["EndRange"] = place.at(199)
    return "the range ends one address earlier"


def d_hidden_text(place):
    place.mine["properties"]["Description"], place.properties["Description"] = "A text", "A text\u200b"
    return "the description ends with a zero-width blank"


def d_exclusion_moved(place):
    place.theirs["exclusions"][0].update(StartRange=place.at(31), EndRange=place.at(40))
    return "the exclusion is moved by one"


def d_exclusion_missing(place):
    place.theirs["exclusions"].clear()
    return "no exclusion"


def d_exclusion_extra(place):
    place.theirs["exclusions"].append({"StartRange": place.at(50), "EndRange": place.at(50)})
    return "another exclusion, of one address"


# ---- reservations ---------------------------------------------------------------------------
def d_reservation_missing(place):
    return "no reservation %s" % place.theirs["reservations"].pop(0)["IPAddress"]


def d_reservation_extra(place):
    place.theirs["reservations"].append(reservation(place.id, place.at(19), "02-00-00-00-00-63", "forgotten"))
    return "a reservation on the partner only"


def d_reservation_client(place):
    place.reserved()["ClientId"] = "02-00-00-00-00-64"
    return "another client at the same address"


def d_reservation_long_client(place):
    place.reserved(2)["ClientId"] = place.reserved(2)["ClientId"][:-2] + "ff"
    return "a long identifier differs in its last octet"


def d_reservation_moved(place):
    place.reserved()["IPAddress"] = place.at(18)
    return "the same client at another address"


def d_reservation_field(name, value):
    def change(place):
        place.reserved()[name] = value
        return "a reservation's %s differs" % name
    return change


def d_reservation_description(place):
    place.mine["reservations"][0]["Description"], place.reserved()["Description"] = "Etage 2", "Étage 2"
    return "a reservation's description differs by an accent"


def d_reservation_option(place):
    place.reserved()["options"].append(option(67, "Bootfile Name", "String", "pxe.0"))
    return "an option on a reservation of the partner only"


def d_reservation_option_value(place):
    place.reserved()["options"][0]["Value"] = ["another"]
    return "an option of a reservation differs"


def d_reservation_dns(place):
    place.reserved()["dns"] = dns("Never")
    return "a reservation has DNS settings of its own"


# ---- options --------------------------------------------------------------------------------
def d_option_value(place):
    place.option(15)["Value"] = ["fabrikam.com"]
    return "another domain name"


def d_option_order(place):
    place.option(3)["Value"].reverse()
    return "the routers in another order"


def d_option_missing(place):
    place.theirs["options"].remove(place.option(6))
    return "no DNS servers"


def d_option_extra(place):
    place.theirs["options"].append(option(42, "NTP Servers", "IPv4Address", "192.0.2.99"))
    return "other time servers than the server's own"


def d_option_vendor(place):
    place.option(1, vendor="Access points")["Value"] = ["other.cfg"]
    return "of the same number in two vendor classes one differs"


def d_option_user(place):
    place.theirs["options"].remove(place.option(6, user="Kiosks"))
    return "no DNS servers of a user class"


def d_option_policy(place):
    place.option(66, policy="Phones")["Value"] = ["tftp.fabrikam.com"]
    return "an option that a policy gives differs"


# ---- policies -------------------------------------------------------------------------------
def d_policy_order(place):
    first, second = place.policy("Phones"), place.policy("Kiosks")
    first["ProcessingOrder"], second["ProcessingOrder"] = second["ProcessingOrder"], first["ProcessingOrder"]
    return "the policies are alike but for their order"


def d_policy_condition(place):
    place.policy()["MacAddress"] = ["EQ", "00-15-5D*", "00-05-6A*"]
    return "a policy is for other hardware"


def d_policy_enabled(place):
    place.policy()["Enabled"] = False
    return "a policy is disabled"


def d_policy_missing(place):
    place.theirs["policies"].remove(place.policy())
    place.policy("Kiosks")["ProcessingOrder"] = 1         # servers leave no gap
    place.theirs["policy_ranges"].clear()
    place.theirs["options"].remove(place.option(66, policy="Phones"))
    return "no policy Phones, with its range and option"


def d_policy_extra(place):
    place.theirs["policies"].append(policy("Guests", place.id, 3, Fqdn=["Isl", ""]))
    return "a policy on the partner only"


def d_policy_lease(place):
    place.policy("Kiosks")["LeaseDuration"] = interval(0, 1)
    return "a policy's lease is shorter"


def d_policy_range(place):
    place.theirs["policy_ranges"][0]["EndRange"] = place.at(118)
    return "a policy's range ends one address earlier"


def d_policy_dns(place):
    place.theirs["policy_dns"]["Phones"] = dns(suffix="phones.contoso.com")
    return "a policy has DNS settings of its own"


# ---- DNS settings ---------------------------------------------------------------------------
def d_dns_value(place):
    place.mine["dns"], place.theirs["dns"] = dns("Always"), dns("Always", delete=False)
    return "the scope's own DNS settings differ"


def d_dns_own(place):
    place.mine["dns"], place.theirs["dns"] = None, dns("Never")
    return "the partner has DNS settings of its own where the source inherits"


def d_dns_dropped(place):
    place.mine["dns"], place.theirs["dns"] = dns("Never"), None
    return "the partner inherits where the source has DNS settings of its own"


# ---- what is equal --------------------------------------------------------------------------
def q_client_case(place):
    for row in place.theirs["reservations"]:
        row["ClientId"] = row["ClientId"].upper()
    return "client identifiers in capitals"


def q_order(place):
    for rows in ("options", "reservations", "policies", "exclusions"):
        place.theirs[rows].reverse()
    return "lists that are sets in another order"


def q_conditions(place):
    place.policy()["MacAddress"] = ["EQ", "000569*", "EQ", "00155d*"]
    place.policy()["Condition"] = "OR"
    return "a condition in other words"


def q_absent(place):
    place.mine["properties"]["Description"], place.properties["Description"] = "", None
    place.properties["SuperscopeName"] = place.properties["SuperscopeName"] or None
    place.reserved()["Description"] = place.reserved()["Description"] or None
    return "absent where the source has empty text"


def q_spelling(place):
    place.mine["properties"]["State"], place.properties["State"] = "Inactive", "InActive"
    place.properties["LeaseDuration"] = {"$interval": "PT192H"}
    place.reserved()["AddressState"] = "ActiveReservation"
    return "the state and the lease in other words; a reservation in use"


# ---- membership -----------------------------------------------------------------------------
def member_lists(state):
    return {row["Name"]: row["ScopeId"] for row in state["relationships"]}


def leave(state, scope_id):
    for ids in member_lists(state).values():
        if scope_id in ids:
            ids.remove(scope_id)


def d_scope_missing(place):
    del place.b["scopes"][place.id]
    leave(place.b, place.id)
    return "the scope is on server a only"


def d_scope_gone(place):
    del place.b["scopes"][place.id]
    return "the scope is gone on server b, its relationship still names it"


def d_scope_extra(place):
    extra = copy.deepcopy(place.theirs)
    net = "172.31.%d." % place.i
    text = json.dumps(extra).replace(place.id[:-1], net)
    place.b["scopes"][net + "0"] = json.loads(text)
    member_lists(place.b)[STANDBY].append(net + "0")
    place.id = net + "0"
    return "a scope on server b only"


def d_no_relationship(place):
    leave(place.a, place.id)
    leave(place.b, place.id)
    return "the scope is in no relationship"


def d_not_a_member(place):
    leave(place.b, place.id)
    return "on server b the scope is in no relationship"


def d_other_relationship(place):
    lists = member_lists(place.b)
    other = BALANCE if place.id in lists[STANDBY] else STANDBY
    leave(place.b, place.id)
    lists[other].append(place.id)
    return "on server b the scope is in %s" % other


# ---- outside the scopes ---------------------------------------------------------------------
def o_server_option(b):
    b["options"][0]["Value"] = ["192.0.2.99"]
    return "another DNS server for all scopes"


def o_server_policy(b):
    b["policies"][0]["Enabled"] = False
    return "the server's policy Site is disabled"


def o_server_dns(b):
    b["dns"]["DynamicUpdates"] = "Always"
    return "other DNS settings, which most scopes inherit"


def o_definition_missing(b):
    b["definitions"] = [row for row in b["definitions"] if row["Name"] != "Vendor text"]
    return "no definition of option 1 of the class Access points"


def o_definition_type(b):
    next(row for row in b["definitions"] if row["OptionId"] == 66)["Type"] = "BinaryData"
    return "option 66 is of another type"


def o_class_missing(b):
    b["classes"] = [row for row in b["classes"] if row["Name"] != "Kiosks"]
    return "no user class Kiosks"


def o_class_data(b):
    next(row for row in b["classes"] if row["Name"] == "Phones")["Data"] = "phone.v2"
    return "the vendor class Phones is of other data"


def o_filter(b):
    b["filters"].append({"List": "Deny", "MacAddress": "02-00-00-00-00-02", "Description": ""})
    return "another filter"


def o_filter_list(b):
    b["filter_list"]["Deny"] = False
    return "the list of denied clients is off"


def o_lead_time(b):
    b["relationships"][0]["MaxClientLeadTime"] = interval(hours=2)
    return "another maximum client lead time"


def o_share(b):
    b["relationships"][1]["LoadBalancePercent"] = 60
    return "the shares of a load balance are more than the whole"


def o_older(b):
    b.update(build="6.2.9200", version={"MajorVersion": 6, "MinorVersion": 2})
    b["tables"][CIMV2]["Win32_OperatingSystem"][0].update(Caption="Microsoft Windows Server 2012", Version="6.2.9200", BuildNumber="9200")
    return "an older Windows"


def o_state(b):
    for row in b["relationships"]:
        row["State"] = "CommunicationInterrupted"
    return "the partner is not heard"


SCOPE = {
    "name": prop("Name", "Umbenannt é"), "description": d_description, "state": prop("State", "Inactive"),
    "type": prop("Type", "Both"), "lease-duration": prop("LeaseDuration", interval(2)), "delay": prop("Delay", 500),
    "unlimited-lease": prop("LeaseDuration", {"$interval": "P49710DT6H28M15S"}), "max-bootp": prop("MaxBootpClients", 100),
    "activate-policies": prop("ActivatePolicies", False), "superscope": d_superscope,
    "nap": prop("NapProfile", "quarantine"), "range": d_range, "hidden-text": d_hidden_text,
    "exclusion-moved": d_exclusion_moved, "exclusion-missing": d_exclusion_missing, "exclusion-extra": d_exclusion_extra,
    "reservation-missing": d_reservation_missing, "reservation-extra": d_reservation_extra,
    "reservation-client": d_reservation_client, "reservation-long-client": d_reservation_long_client,
    "reservation-moved": d_reservation_moved, "reservation-name": d_reservation_field("Name", "other"),
    "reservation-description": d_reservation_description, "reservation-type": d_reservation_field("Type", "Dhcp"),
    "reservation-option": d_reservation_option, "reservation-option-value": d_reservation_option_value,
    "reservation-dns": d_reservation_dns, "option-value": d_option_value, "option-order": d_option_order,
    "option-missing": d_option_missing, "option-extra": d_option_extra, "option-vendor": d_option_vendor,
    "option-user": d_option_user, "option-policy": d_option_policy, "policy-order": d_policy_order,
    "policy-condition": d_policy_condition, "policy-enabled": d_policy_enabled, "policy-missing": d_policy_missing,
    "policy-extra": d_policy_extra, "policy-lease": d_policy_lease, "policy-range": d_policy_range, "policy-dns": d_policy_dns,
    "dns-value": d_dns_value, "dns-own": d_dns_own, "dns-dropped": d_dns_dropped,
    "equal-client-case": q_client_case, "equal-order": q_order, "equal-conditions": q_conditions, "equal-absent": q_absent,
    "equal-spelling": q_spelling,
    "scope-missing": d_scope_missing, "scope-gone": d_scope_gone, "scope-extra": d_scope_extra,
    "no-relationship": d_no_relationship, "not-a-member": d_not_a_member, "other-relationship": d_other_relationship,
}
OUTSIDE = {
    "server-option": o_server_option, "server-policy": o_server_policy, "server-dns": o_server_dns,
    "definition-missing": o_definition_missing, "definition-type": o_definition_type, "class-missing": o_class_missing,
    "class-data": o_class_data, "filter": o_filter, "filter-list": o_filter_list, "lead-time": o_lead_time, "share": o_share,
    "older": o_older, "interrupted": o_state,
}


def kinds():
    return [*SCOPE, *OUTSIDE]


def inject(states, plan, wanted):
    """Puts the drift between the servers; gives what was done, for the tests to expect."""
    done = []
    for at, entry in enumerate(wanted):
        kind, _, index = entry.partition(":")
        if kind in OUTSIDE:
            scope, detail = None, OUTSIDE[kind](states["b"])
        elif kind in SCOPE:
            place = Place(states, plan, int(index) if index else at)
            detail = SCOPE[kind](place)
            scope = place.id + "/24"
        else:
            sys.exit("no such drift: %s; see --kinds" % kind)
        done.append({"kind": kind, "server": "b", "scope": scope, "id": None, "detail": detail})
    return done
