"""The Kea programs, and the files that each server of a kea-pair starts from.

Not a program: `kea-pair` beside this file uses it.
"""
import glob
import hashlib
import json
import os
import random
import re
import shutil
import socket
import subprocess

from kea_config import die

# --------------------------------------------------------------------------
# The Kea binaries: installed, or unpacked (with their own C library) in a folder
# --------------------------------------------------------------------------
class Kea:
    def __init__(self, version_dir=None):
        self.root = os.path.abspath(version_dir) if version_dir else "/"
        self.dhcp4 = self._path("usr/sbin/kea-dhcp4")
        self.agent = self._path("usr/sbin/kea-ctrl-agent", required=False)
        hooks = glob.glob(os.path.join(self.root, "usr/lib/*/kea/hooks")) + \
            glob.glob(os.path.join(self.root, "usr/lib/kea/hooks"))
        if not hooks:
            die("no kea/hooks folder under %s" % self.root)
        self.hooks = hooks[0]
        self.prefix = []
        if version_dir:
            # An unpacked release brings its own loader and C library; using the
            # host's would fail on symbols newer than the host's.
            found = glob.glob(os.path.join(self.root, "usr/lib*/ld-linux-*.so.*")) + \
                glob.glob(os.path.join(self.root, "usr/lib/*/ld-linux-*.so.*"))
            libdirs = [d for d in glob.glob(os.path.join(self.root, "usr/lib/*-linux-gnu*")) if os.path.isdir(d)]
            libdirs.append(os.path.join(self.root, "usr/lib"))
            if found:
                self.prefix = [os.path.realpath(found[0]), "--library-path", ":".join(libdirs)]
        out = subprocess.run(self.prefix + [self.dhcp4, "-v"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, universal_newlines=True)
        m = re.search(r"(\d+)\.(\d+)\.(\d+)", out.stdout)
        if not m:
            die("cannot run %s: %s" % (self.dhcp4, out.stdout.strip()))
        self.version = m.group(0)
        self.v = tuple(int(x) for x in m.groups())

    def _path(self, rel, required=True):
        p = os.path.join(self.root, rel)
        if os.path.exists(p):
            return p
        if required:
            die("%s not found: apt-get install kea-dhcp4-server kea-ctrl-agent, or pass --version-dir" % p)
        return None

    def hook(self, name):
        p = os.path.join(self.hooks, "libdhcp_%s.so" % name)
        return p if os.path.exists(p) else None


# --------------------------------------------------------------------------
# Per-server files
# --------------------------------------------------------------------------
def topology(hub):
    """The relationships, each as (letter, name in it) of its primary and of the other server.
    A hub is the standby of all its spokes, as it is in practice."""
    if not hub:
        return [[("a", "server1"), ("b", "server2")]]
    spokes = "bcdefgh"[:hub]
    return [[(letter, "spoke-" + letter), ("a", "hub-" + letter)] for letter in spokes]


def free_ports(n):
    """Ports below the ephemeral range, drawn at random: the kernel gives them to
    nobody else, and pairs that start at the same moment hardly meet."""
    ports = []
    while len(ports) < n:
        port = random.randrange(12000, 32000)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(type=kind) as s:
                    s.bind(("127.0.0.1", port))
        except OSError:
            continue
        if port not in ports:
            ports.append(port)
    return ports


def sock_dir(d):
    """UNIX socket paths are limited to 107 bytes; fall back to a short folder."""
    if len(os.path.join(d, "a", "kea4.sock")) <= 100:
        return None
    root = "/run" if os.geteuid() == 0 else "/tmp"
    return root + "/kea-pair-" + hashlib.sha256(d.encode()).hexdigest()[:12]


def http_socket(port, args, d):
    h = {"socket-type": "http", "socket-address": "127.0.0.1", "socket-port": port}
    h.update(auth_tls(args, d))
    return h


def auth_tls(args, d):
    h = {}
    if args.auth:
        user, _, pw = args.auth.partition(":")
        h["authentication"] = {"type": "basic", "realm": "kea-pair",
                               "clients": [{"user": user, "password": pw}]}
    if args.tls:
        h.update({"trust-anchor": d + "/ca.pem", "cert-file": d + "/server.pem",
                  "key-file": d + "/server.key", "cert-required": False})
    return h


def make_certs(d):
    def run(*cmd):
        p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if p.returncode:
            die("openssl failed: %s" % p.stdout.decode())
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=kea-pair CA",
        "-keyout", d + "/ca.key", "-out", d + "/ca.pem")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
        "-keyout", d + "/server.key", "-out", d + "/server.csr")
    with open(d + "/san.cnf", "w") as f:
        f.write("subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n")
    run("openssl", "x509", "-req", "-in", d + "/server.csr", "-CA", d + "/ca.pem", "-CAkey", d + "/ca.key",
        "-CAcreateserial", "-days", "30", "-extfile", d + "/san.cnf", "-out", d + "/server.pem")


def write_json(path, obj):
    tmp = path + ".tmp"
    # Kea refuses \u escapes beyond 00ff: characters go as they are.
    text = json.dumps(obj, ensure_ascii=False)
    if len(text) < 1 << 18:                   # with indent the encoder is ten times slower
        text = json.dumps(obj, ensure_ascii=False, indent=1)
    with open(tmp, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(tmp, 0o640)
    os.replace(tmp, path)


def unconfined(kea, d):
    """Debian's AppArmor profiles attach to /usr/sbin/kea-* and would keep the
    servers out of DIR; copies of the programs are not confined."""
    try:
        with open("/sys/module/apparmor/parameters/enabled") as f:
            on = f.read().strip() == "Y"
    except OSError:
        on = False
    if kea.prefix or not (on or os.environ.get("KEA_PAIR_COPY")):
        return
    os.makedirs(os.path.join(d, "bin"), exist_ok=True)
    for name in ("dhcp4", "agent"):
        path = getattr(kea, name)
        if path:
            copied = os.path.join(d, "bin", os.path.basename(path))
            if not os.path.exists(copied):
                shutil.copy2(path, copied)
            setattr(kea, name, copied)


def ha_parameters(args, ports, side, relationships, more):
    """What the HA hook of one server is told: one entry for each of its relationships."""
    # The dedicated listener needs multi-threading, which 2.2 leaves off by default.
    threads = {"enable-multi-threading": True, "http-dedicated-listener": True,
               "http-listener-threads": 2, "http-client-threads": 2}
    if args.ha_via_agent:
        threads = {"enable-multi-threading": False}
    roles = ["primary", "secondary" if args.mode == "load-balancing" else "standby"]
    entries = []
    for number, members in enumerate(relationships):
        if side not in dict(members):
            continue
        peers = [{"name": name, "url": "http://127.0.0.1:%d/" % ports[s]["http" if args.ha_via_agent else number],
                  "role": role, "auto-failover": True} for (s, name), role in zip(members, roles)]
        entries.append({"this-server-name": dict(members)[side], "mode": args.mode,
                        "heartbeat-delay": args.heartbeat, "max-response-delay": args.heartbeat * 6,
                        "max-ack-delay": 5000, "max-unacked-clients": 0, "sync-timeout": 60000,
                        "multi-threading": threads, "peers": peers, **more})
    return entries


def hooks_libraries(kea, args, ha):
    hooks = []
    for name in ("lease_cmds", "stat_cmds", "host_cmds", "subnet_cmds", "class_cmds", "ha"):
        path = kea.hook(name)
        if path and name not in args.no_hook:
            hooks.append({"library": path})
            if name == "ha":
                hooks[-1]["parameters"] = {"high-availability": ha}
    return hooks


def kea_logger(kea, program, path):
    out = "output-options" if kea.v >= (2, 5, 0) else "output_options"
    return {"name": program, "severity": "INFO", out: [{"output": path, "flush": True}]}


def server_files(kea, args, d, side, ports, relationships, scopes):
    """Writes what one server starts from; returns its part of pair.json."""
    sd = os.path.join(d, side)
    os.makedirs(sd, mode=0o750, exist_ok=True)
    os.chmod(sd, 0o750)                      # 3.x refuses a control socket in a laxer folder
    short = sock_dir(d)
    sockdir = os.path.join(short, side) if short else sd
    os.makedirs(sockdir, mode=0o750, exist_ok=True)
    os.chmod(sockdir, 0o750)
    usock = os.path.join(sockdir, "kea4.sock")
    direct = args.control == "direct" or args.control == "auto" and kea.v >= (2, 7, 2)

    ha = ha_parameters(args, ports, side, relationships, scopes.pop("ha-parameters", {}))
    hooks = hooks_libraries(kea, args, ha)
    log = os.path.join(sd, "kea-dhcp4.log")
    conf = {"interfaces-config": {"interfaces": ["lo"], "dhcp-socket-type": "udp"} if args.dhcp else {"interfaces": []},
            "lease-database": {"type": "memfile", "persist": True, "lfc-interval": 0,
                               "name": os.path.join(sd, "kea-leases4.csv")},
            "multi-threading": {"enable-multi-threading": not args.ha_via_agent,
                                "thread-pool-size": 2, "packet-queue-size": 64},
            "hooks-libraries": hooks,
            "loggers": [kea_logger(kea, "kea-dhcp4", log)]}
    if kea.v >= (2, 7, 2):
        conf["control-sockets"] = [{"socket-type": "unix", "socket-name": usock}]
        if direct:
            conf["control-sockets"].append(http_socket(ports[side]["http"], args, d))
    else:
        conf["control-socket"] = {"socket-type": "unix", "socket-name": usock}
    conf.update(scopes)
    etc = os.path.join(sd, "etc") if args.no_write else sd
    os.makedirs(etc, exist_ok=True)
    cfile = os.path.join(etc, "kea-dhcp4.conf")
    write_json(cfile, {"Dhcp4": conf})
    if args.no_write:
        os.chmod(cfile, 0o444)
        os.chmod(etc, 0o555)

    afile = None
    if not direct:
        agent = {"http-host": "127.0.0.1", "http-port": ports[side]["http"],
                 "control-sockets": {"dhcp4": {"socket-type": "unix", "socket-name": usock}},
                 "loggers": [kea_logger(kea, "kea-ctrl-agent", os.path.join(sd, "kea-ctrl-agent.log"))]}
        agent.update(auth_tls(args, d))
        afile = os.path.join(sd, "kea-ctrl-agent.conf")
        write_json(afile, {"Control-agent": agent})

    user, _, pw = (args.auth or "").partition(":")
    own = [(entry, peer) for entry in ha for peer in entry["peers"] if peer["name"] == entry["this-server-name"]]
    return {"name": own[0][1]["name"], "role": own[0][1]["role"], "names": [peer["name"] for _, peer in own],
            "version": kea.version, "version_dir": kea.root if kea.prefix else None,
            "http": "%s://127.0.0.1:%d/" % ("https" if args.tls else "http", ports[side]["http"]),
            "http_kind": "direct" if direct else "agent",
            "user": user or None, "password": pw or None,
            "ca_cert": d + "/ca.pem" if args.tls else None,
            "socket": usock, "config": cfile, "agent_config": afile, "log": log,
            "ha_url": own[0][1]["url"],
            "dhcp_port": ports[side]["dhcp"], "dhcp_client_port": ports[side]["client"], "no_write": args.no_write,
            "hooks": [os.path.basename(h["library"]) for h in hooks],
            "pids": {}}
