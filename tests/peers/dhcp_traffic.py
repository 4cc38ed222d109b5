#!/usr/bin/env python3
"""Count the DHCP clients that a pair leaves without an answer.

Sends relayed DISCOVERs (one new client each) to both servers of a pair made by
`kea-pair up DIR --dhcp ...` and counts the clients that neither server answers.
Loopback only; Python 3.7+. Answers come to the pair's own client port, so that
the traffic of several pairs does not mix (pairs without one: UDP port 67, root).

    dhcp_traffic.py DIR/pair.json --seconds 20 [--rate 50] [--scope 10.0.0.1] [--started FILE] [--stop FILE]

--scope is the relay address, i.e. any address of the scope to ask for. --started
names a file that is created when the first answers have arrived; --stop one that
ends the traffic as soon as it exists. Prints JSON:

    {"sent": 1000, "answered": 1000, "unanswered": 0, "longest_gap": 0.05,
     "by_server": {"a": 507, "b": 493}}

longest_gap: seconds between the first and the last of the longest unbroken run
of unanswered clients.
"""
import argparse
import json
import pathlib
import socket
import struct
import time

DISCOVER, OFFER, REQUEST = 1, 2, 3
COOKIE = b"\x63\x82\x53\x63"


def message(number, relay, kind, more=()):
    """A packet of client `number`, as a relay with this address passes it on."""
    mac = b"\x02\x01" + struct.pack("!I", number * 2654435761 % 2**32)
    head = struct.pack("!BBBBIHH4s4s4s4s16s192s", 1, 1, 6, 1, number, 5, 0, b"", b"", b"",
                       socket.inet_aton(relay), mac + bytes(10), b"")
    told = bytes([53, 1, kind, 55, 2, 1, 3]) + b"".join(bytes([code, len(data)]) + data for code, data in more)
    return (head + COOKIE + told + b"\xff").ljust(300, b"\0")


def options(packet):
    """The options of a packet by code; options that go on in a second one do not matter here."""
    found, at = {}, 240
    while at + 1 < len(packet) and packet[at] != 255:
        if packet[at] == 0:
            at += 1
            continue
        length = packet[at + 1]
        found[packet[at]] = packet[at + 2:at + 2 + length]
        at += 2 + length
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pair")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--scope", default="10.0.0.1")
    parser.add_argument("--started")
    parser.add_argument("--stop", type=pathlib.Path)
    args = parser.parse_args()
    with open(args.pair) as file:
        pair = json.load(file)
    ports = {server["dhcp_port"]: side for side, server in pair["servers"].items()}

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", pair["servers"]["a"].get("dhcp_client_port", 67)))
    sent, answers, by_server = [], {}, dict.fromkeys(pair["servers"], 0)
    start = time.monotonic()
    end = start + args.seconds

    def receive(until):
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return
            sock.settimeout(left)
            try:
                data, peer = sock.recvfrom(2048)
            except (socket.timeout, BlockingIOError):
                return
            if len(data) > 240 and peer[1] in ports:
                answers[struct.unpack("!I", data[4:8])[0]] = True
                by_server[ports[peer[1]]] += 1
                if args.started and len(answers) == 10:
                    pathlib.Path(args.started).touch()

    while time.monotonic() < end and not (args.stop and args.stop.exists()):
        packet = message(len(sent), args.scope, DISCOVER)
        sent.append(time.monotonic() - start)
        for port in ports:
            sock.sendto(packet, ("127.0.0.1", port))
        receive(start + len(sent) / args.rate)
    # on a busy machine an answer may take its time
    patience = time.monotonic() + 3.0
    while len(answers) < len(sent) and time.monotonic() < patience:
        receive(time.monotonic() + 0.1)

    longest, first = 0.0, None
    for number, moment in enumerate(sent):
        if number in answers:
            first = None
            continue
        first = moment if first is None else first
        longest = max(longest, moment - first)
    print(json.dumps({"sent": len(sent), "answered": len(answers), "unanswered": len(sent) - len(answers),
                      "longest_gap": round(longest, 3), "by_server": by_server}))


if __name__ == "__main__":
    main()
