"""A WinRM listener: HTTP, authentication and message encryption.

Authentication is pyspnego's: Negotiate (SPNEGO or raw NTLM), Kerberos, CredSSP; and Basic. Over
plain HTTP each SOAP body must be encrypted. Not a program: `windows-pair` beside this file uses it.
"""
import base64
import datetime
import functools
import http.server
import json
import re
import socket
import ssl
import struct
import sys
import threading
import time
import uuid
import xml.etree.ElementTree as ET

import spnego

PROTO = {"negotiate": "application/HTTP-SPNEGO-session-encrypted",
         "kerberos": "application/HTTP-Kerberos-session-encrypted",
         "credssp": "application/HTTP-CredSSP-session-encrypted"}
WHOLE, IN_PARTS = "multipart/encrypted", "multipart/x-multi-encrypted"
MARK = b"--Encrypted Boundary"
CHUNK = 16384                                # CredSSP: a pair of parts for so many bytes


class Drop(Exception):
    """A refusal below SOAP: HTTP status, note."""


class Cut(Exception):
    """The connection ends here, without an answer."""


class Literal(Exception):
    """This answer, whatever it is: HTTP status, body."""


class Settings:
    """What one listener insists on; every field can be given."""
    schemes = ("negotiate",)                 # of negotiate, kerberos, credssp, basic
    accounts = {}                            # "domain\\name" or "name", in lower case, to password
    spn_host = "localhost"
    certificate = key = None                 # PEM files: listen with TLS
    bindings = None                          # GssChannelBindings that are demanded over TLS
    allow_unencrypted = False
    max_envelope = 500 * 1024                # bytes, both ways
    record = None                            # file for JSON lines of what arrived
    record_text = False                      # with the SOAP itself
    clock_skew = 0                           # seconds that the header Date is ahead
    utf16 = False                            # answers in UTF-16, whatever the request came in
    idle = None                              # seconds after which an idle connection is closed

    def __init__(self, **given):
        vars(self).update(given)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version = "HTTP/1.1", "Microsoft-HTTPAPI/2.0", ""
    disable_nagle_algorithm, log_message = True, lambda *a: None
    rbufsize = wbufsize = 65536

    def setup(self):
        self.timeout = self.server.settings.idle
        super().setup()
        self.settings = self.server.settings
        self.ctx = self.scheme = None        # authentication belongs to this TCP connection
        self.conn_id, self.count, self.tls = uuid.uuid4().hex[:8], 0, isinstance(self.connection, ssl.SSLSocket)

    def date_time_string(self, timestamp=None):
        return super().date_time_string((timestamp or time.time()) + self.settings.clock_skew)

    def reply(self, status, *answer, **more):
        """Kept until the call is on record: who has the answer finds it there."""
        self.kept = functools.partial(self.send, status, *answer, **more)
        return status

    def send(self, status, body=b"", ctype=None, headers=()):
        self.send_response(status)
        for k, v in [*headers, *([("Content-Type", ctype)] if ctype else []), ("Content-Length", str(len(body)))]:
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def challenge(self, log, why):
        log["refused"], self.ctx = why, None
        offers = {"negotiate": "Negotiate", "kerberos": "Kerberos", "credssp": "CredSSP"}
        offers = [offers[name] for name in self.settings.schemes if name in offers]
        if "basic" in self.settings.schemes and (self.tls or self.settings.allow_unencrypted):
            offers.append('Basic realm="WSMAN"')
        return self.reply(401, headers=[("WWW-Authenticate", o) for o in offers])

    def do_POST(self):
        self.count += 1
        begun, self.kept = time.monotonic(), lambda: None
        shown = {k: v.split(" ")[0] if k.lower() == "authorization" else v for k, v in self.headers.items()}
        log = {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(), "conn": self.conn_id, "n": self.count,
               "tls": self.tls, "path": self.path, "headers": shown}
        try:
            log["status"] = self.serve(log)
        except Cut:
            log["cut"] = self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        except Literal as e:
            log["status"] = self.reply(e.args[0], e.args[1].encode(), "application/soap+xml;charset=UTF-8")
        except (Drop, ET.ParseError) as e:
            status, note = e.args if isinstance(e, Drop) else (400, "not XML")
            log.update(status=self.reply(status), error=note)
        finally:
            log["ms"] = round((time.monotonic() - begun) * 1000, 3)
            self.server.note(log)
        self.kept()

    def serve(self, log):
        settings, service = self.settings, self.server.service
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if len(raw) > settings.max_envelope:
            raise Drop(413, "request larger than MaxEnvelopeSizekb")
        if self.path.split("?")[0].lower() != "/wsman":
            raise Drop(404, "path")
        if self.headers.get("WSMANIDENTIFY", "").lower() == "unauthenticated":
            log["action"] = "Identify"
            return self.reply(200, service.identify(known=False).encode(), "application/soap+xml;charset=UTF-8")
        extra, refused = self.authenticate(log)
        if refused is not None:
            return refused
        ctype = self.headers.get("Content-Type", "")
        encrypted = log["encrypted"] = ctype.lower().startswith("multipart/")
        if not raw:  # a client that authenticates first and sends SOAP afterwards
            return self.reply(200, headers=extra)
        if encrypted:
            raw = self.open_multipart(ctype, raw, log)
        elif not self.tls and not settings.allow_unencrypted:
            raise Drop(500, "unencrypted SOAP refused")
        elif not ctype.lower().startswith("application/soap+xml"):
            raise Drop(415, "content type " + ctype)
        wide = raw[:2] in (b"\xff\xfe", b"<\0")
        text = raw.decode("utf-16" if raw[:1] == b"\xff" else "utf-16-le" if wide else "utf-8")
        if settings.record_text:
            log["soap"] = text
        log["limit"] = settings.max_envelope
        caller = {"scheme": log["auth"], "user": log["user"], "delegated": self.delegated()}
        status, answer = service.handle(text, log, caller)
        charset = "UTF-16" if wide or settings.utf16 else "UTF-8"
        data, kind = answer.encode(charset), "application/soap+xml;charset=" + charset
        if encrypted:
            data, kind = self.seal_multipart(data, charset)
        return self.reply(status, data, kind, extra)

    def authenticate(self, log):
        """Further headers of the answer; and the answer itself where it was given already."""
        settings = self.settings
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        scheme = scheme.lower()
        if scheme and scheme not in settings.schemes or scheme == "basic" and not (self.tls or settings.allow_unencrypted):
            return [], self.challenge(log, scheme + " is off")
        if scheme == "basic":
            user, _, password = base64.b64decode(token).decode().partition(":")
            if settings.accounts.get(user.lower()) != password:
                return [], self.challenge(log, "bad basic credentials")
            log.update(auth="basic", user=user)
            return [], None
        extra = []
        if scheme:
            if self.ctx is None or self.ctx.complete:
                bindings = settings.bindings if self.tls else None
                self.scheme, self.ctx = scheme, spnego.server(
                    hostname=settings.spn_host, service="HTTP", protocol=scheme, channel_bindings=bindings)
            try:
                out = self.ctx.step(base64.b64decode(token))
            except Exception as e:  # whatever is wrong with a token means access denied
                return [], self.challenge(log, "%s: %s" % (type(e).__name__, str(e).splitlines()[0] if str(e) else ""))
            word = "CredSSP" if scheme == "credssp" else scheme.capitalize()
            if out:
                extra = [("WWW-Authenticate", "%s %s" % (word, base64.b64encode(out).decode()))]
            if not self.ctx.complete:
                log["leg"] = scheme
                return [], self.reply(401, headers=extra)
        if self.ctx is None or not self.ctx.complete:
            return [], self.challenge(log, "no credentials on this connection")
        log.update(auth="%s/%s" % (self.scheme, self.ctx.negotiated_protocol), user=str(self.ctx.client_principal))
        return extra, None

    def delegated(self):
        """Whether the caller let us act for it towards others."""
        if self.ctx is None:
            return False
        return self.scheme == "credssp" or bool(self.ctx.context_attr & spnego.ContextReq.delegate)

    def open_multipart(self, ctype, raw, log):
        proto = PROTO.get(self.scheme, "?")
        kinds = (WHOLE, IN_PARTS) if self.scheme == "credssp" else (WHOLE,)
        wanted = ('protocol="%s"' % proto, 'boundary="Encrypted Boundary"')
        if ctype.partition(";")[0] not in kinds or not all(part in ctype for part in wanted):
            raise Drop(400, "content type parameters: " + ctype)
        head = re.compile(b"".join([
            MARK, rb"\r\n\tContent-Type: ", re.escape(proto.encode()),
            rb"\r\n\tOriginalContent: type=application/soap\+xml;charset=(?:UTF-8|UTF-16);Length=(\d+)\r\n",
            MARK, rb"\r\n\tContent-Type: application/octet-stream\r\n"]))
        end, found = MARK + b"--\r\n", list(head.finditer(raw))
        if not found or found[0].start() or not raw.endswith(end) or len(found) > 1 and self.scheme != "credssp":
            raise Drop(400, "multipart framing: %r" % raw[:200])
        ends = [m.start() for m in found[1:]] + [len(raw) - len(end)]
        plain, framing = b"", []
        for m, stop in zip(found, ends):
            size, = struct.unpack("<I", raw[m.end():m.end() + 4])
            body = raw[m.end() + 4:stop]
            framing.append({"header": size, "data": len(body) - size, "length": int(m[1])})
            try:
                part = self.ctx.unwrap_winrm(body[:size], body[size:])
                assert len(part) == int(m[1]), "Length says %s, got %d" % (m[1], len(part))
            except Exception as e:
                self.close_connection = True
                raise Drop(400, "cannot decrypt: %s" % e)
            plain += part
        log["framing"] = framing[0] if len(framing) == 1 else framing
        return plain

    def seal_multipart(self, plain, charset):
        proto, parts = PROTO[self.scheme], []
        step = CHUNK if self.scheme == "credssp" else max(len(plain), 1)
        for at in range(0, len(plain), step):
            head, data, padding = self.ctx.wrap_winrm(plain[at:at + step])
            first = "\r\n\tContent-Type: %s\r\n\tOriginalContent: type=application/soap+xml;charset=%s;Length=%d\r\n" % (
                proto, charset, len(plain[at:at + step]) + padding)
            parts += [MARK, first.encode(), MARK, b"\r\n\tContent-Type: application/octet-stream\r\n",
                      struct.pack("<I", len(head)), head, data]
        kind = IN_PARTS if len(plain) > step else WHOLE
        return b"".join(parts) + MARK + b"--\r\n", '%s;protocol="%s";boundary="Encrypted Boundary"' % (kind, proto)


class Listener(http.server.ThreadingHTTPServer):
    """One endpoint on 127.0.0.1; `service` has `identify(known)` and `handle(text, log, caller)`."""
    daemon_threads, request_queue_size = True, 64

    def __init__(self, settings, service, port=0):
        self.settings, self.service, self.lock = settings, service, threading.Lock()
        self.counter, self.open = None, set()
        super().__init__(("127.0.0.1", port), Handler)
        if settings.certificate:
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ctx.load_cert_chain(settings.certificate, settings.key)
            self.socket = ctx.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def server_bind(self):                   # without the look-up of our own name
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def get_request(self):
        request, address = super().get_request()
        with self.lock:
            self.open.add(request)
        return request, address

    def shutdown_request(self, request):
        with self.lock:
            self.open.discard(request)
        super().shutdown_request(request)

    def stop(self):
        """Refuses connections, and drops those that there are."""
        self.shutdown()
        self.server_close()
        with self.lock:
            for request in self.open:
                request.shutdown(socket.SHUT_RDWR)

    def note(self, log):
        with self.lock:
            if "method" in log and self.counter is not None:
                self.counter["%s.%s" % (log.get("cls", "WQL"), log["method"])] += 1
            if self.settings.record:
                with open(self.settings.record, "a", encoding="utf-8") as fh:
                    print(json.dumps(log), file=fh)

    def handle_error(self, request, client_address):
        return isinstance(sys.exc_info()[1], OSError) or super().handle_error(request, client_address)
