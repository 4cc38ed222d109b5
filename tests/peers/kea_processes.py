"""Starting, stopping and asking the servers of a kea-pair.

Not a program: `kea-pair` beside this file uses it.
"""
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time

from kea_config import die


def start_time(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return None


def zombie(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def alive(p):
    """A pid only counts as ours when its start time is the recorded one."""
    return bool(p) and start_time(p["pid"]) == p["start"] and not zombie(p["pid"])


def obey_file_modes():
    """Takes root's power over file modes from the process about to be started, so
    that a read-only configuration is read-only for it as it is for Debian's _kea."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 3):             # CAP_DAC_OVERRIDE, CAP_FOWNER
            if libc.prctl(24, capability, 0, 0, 0):   # PR_CAPBSET_DROP
                raise OSError(ctypes.get_errno(), "cannot drop a capability (--no-write)")


def spawn(kea, info, side, d, what):
    srv = info["servers"][side]
    sd = os.path.join(d, side)
    env = dict(os.environ)
    env.update({"KEA_LOCKFILE_DIR": sd, "KEA_PIDFILE_DIR": sd, "KEA_DHCP_DATA_DIR": sd, "KEA_LOG_FILE_DIR": sd,
                "KEA_CONTROL_SOCKET_DIR": os.path.dirname(srv["socket"]), "KEA_HOOKS_PATH": kea.hooks,
                # answers go back to the sender, never to a relay address from the test plan
                "KEA_TEST_SEND_RESPONSES_TO_SOURCE": "ENABLED"})
    if what == "dhcp4":
        cmd = kea.prefix + [kea.dhcp4, "-c", srv["config"], "-p", str(srv["dhcp_port"]),
                            "-P", str(srv["dhcp_client_port"])]
    else:
        if not kea.agent:
            die("this Kea has no kea-ctrl-agent; use --control direct")
        cmd = kea.prefix + [kea.agent, "-c", srv["agent_config"]]
    if info.get("netns"):
        cmd = ["ip", "netns", "exec", info["netns"]] + cmd
    with open(os.path.join(sd, "%s.out" % what), "ab") as out:
        p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=sd,
                             env=env, start_new_session=True,
                             preexec_fn=obey_file_modes if srv.get("no_write") else None)
    srv["pids"][what] = {"pid": p.pid, "start": start_time(p.pid)}
    return p


def stop_proc(p, timeout=10):
    if not alive(p):
        return
    for sig, wait in ((signal.SIGCONT, 0), (signal.SIGTERM, timeout), (signal.SIGKILL, 5)):
        try:
            os.kill(p["pid"], sig)
        except ProcessLookupError:
            return
        end = time.time() + wait
        while wait and time.time() < end:
            try:
                os.waitpid(p["pid"], os.WNOHANG)
            except ChildProcessError:
                pass
            if not alive(p):
                return
            time.sleep(0.05)


def unix_cmd(path, command, arguments=None, timeout=120):
    req = {"command": command}
    if arguments is not None:
        req["arguments"] = arguments
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(path)
    s.sendall(json.dumps(req, ensure_ascii=False).encode())
    buf = bytearray()
    while True:
        chunk = s.recv(1 << 20)
        if not chunk:
            break
        buf += chunk
    s.close()
    return json.loads(buf.decode())


def relationships(srv):
    """What a server says of each of its relationships: own name, own state, what it thinks of
    the partner's; or the reason why it says nothing, as text."""
    try:
        answer = unix_cmd(srv["socket"], "status-get", timeout=5)
        both = [entry["ha-servers"] for entry in answer["arguments"]["high-availability"]]
        return [{"name": ha["local"].get("server-name", srv["name"]), "state": ha["local"]["state"],
                 "partner": ha["remote"].get("last-state") or None} for ha in both]
    except (OSError, ValueError, KeyError, IndexError) as e:
        return "%s: %s" % (type(e).__name__, e)


def ha_state(srv):
    """The server's own state, those of several relationships with commas; None without answer."""
    told = relationships(srv)
    states = [] if isinstance(told, str) else [one["state"] for one in told]
    return ", ".join(states if len(set(states)) > 1 else states[:1]) or None


def tail(path, n=15):
    try:
        with open(path, errors="replace") as f:
            return "".join(f.readlines()[-n:])
    except OSError:
        return ""


def listening(info, side):
    """Is the HTTP endpoint open?  (Looked up in /proc, which works across --netns.)"""
    srv = info["servers"][side]
    port = int(srv["http"].rstrip("/").rsplit(":", 1)[1])
    try:
        with open("/proc/%d/net/tcp" % srv["pids"]["dhcp4"]["pid"]) as f:
            return any(line.split()[1].endswith(":%04X" % port) and line.split()[3] == "0A" for line in f)
    except (OSError, KeyError, IndexError):
        return False


def wait_for(info, d, timeout):
    end = time.time() + timeout
    want = info["mode"]
    servers = info["servers"]

    def well(side):
        told = relationships(servers[side])
        return not isinstance(told, str) and listening(info, side) and \
            all(one["state"] == one["partner"] == want for one in told)

    while time.time() < end:
        if all(well(side) for side in servers):
            return True
        for s in servers:
            for what, p in servers[s]["pids"].items():
                if not alive(p):
                    sys.stderr.write(tail(os.path.join(d, s, "kea-%s.log" % ("dhcp4" if what == "dhcp4" else "ctrl-agent"))))
                    sys.stderr.write(tail(os.path.join(d, s, what + ".out")))
                    die("%s of server %s exited" % (what, s), 3)
        time.sleep(0.02)
    sys.stderr.write("kea-pair: states %s\n" % json.dumps({s: relationships(srv) for s, srv in servers.items()}))
    for srv in servers.values():
        sys.stderr.write(tail(srv["log"]))
    return False
