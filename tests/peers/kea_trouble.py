"""Bringing a healthy kea-pair into the state that drift brings it into in production.

Not a program: `kea-pair terminate` uses it.

A scope that one server lacks, or knows by another id, makes it refuse the leases
that its partner gives there: the client gets no ACK. After ten such clients
(max-rejected-lease-updates) Kea 2.4 and later give up the whole relationship,
`terminated` on both servers, for all of its scopes, until both are reset. Kea 2.2
takes the first such refusal for a broken partner: in load-balancing mode the server
that was refused goes into communication-recovery and comes back with its next
heartbeat, so that a test that wants to meet it there needs a long --heartbeat.
In hot-standby mode Kea 2.2 has no such state and goes on.
"""
import os
import socket
import struct
import time

from dhcp_traffic import DISCOVER, OFFER, REQUEST, message, options
from kea_config import die
from kea_processes import ha_state

REFUSED = ("subnet-missing", "subnet-id")


def refused_scope(info):
    """The relay address of a scope in which one server refuses the other's leases."""
    for drift in info["drift"]:
        if drift["kind"] in REFUSED:
            network = drift["scope"].split("/")[0]
            return network.rpartition(".")[0] + ".1"
    die("no scope whose leases are refused: bring the pair up with --drift subnet-missing or --drift subnet-id, or give --scope")


def lease_clients(info, relay, done):
    """New clients take leases in the scope of this relay address until `done()`."""
    ports = [srv["dhcp_port"] for srv in info["servers"].values()]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.bind(("127.0.0.1", info["servers"]["a"]["dhcp_client_port"]))
        number = int.from_bytes(os.urandom(3), "big") << 8   # other clients at each call
        while not done():
            number += 1
            for port in ports:
                sock.sendto(message(number, relay, DISCOVER), ("127.0.0.1", port))
            sock.settimeout(0.05)
            try:
                while True:
                    data, peer = sock.recvfrom(2048)
                    told = options(data)
                    if told.get(53) == bytes([OFFER]):
                        (client,) = struct.unpack("!I", data[4:8])
                        wanted = [(50, data[16:20]), (54, told.get(54, b""))]
                        sock.sendto(message(client, relay, REQUEST, wanted), peer)
                        sock.settimeout(0.01)
            except (socket.timeout, BlockingIOError):
                pass


def bring_into_trouble(info, relay, timeout):
    """The states of the servers once the relationship is in trouble; None when it is not in time."""
    if info["version"].startswith("2.2") and info["mode"] == "hot-standby":
        die("Kea 2.2 in hot-standby mode does not give up a relationship")
    end = time.monotonic() + timeout
    seen = {}

    def in_trouble():
        seen.update({side: ha_state(srv) for side, srv in info["servers"].items()})
        states = list(seen.values())
        return "communication-recovery" in states or all(state == "terminated" for state in states)

    def done():
        return in_trouble() or time.monotonic() > end

    lease_clients(info, relay or refused_scope(info), done)
    return dict(seen) if in_trouble() else None
