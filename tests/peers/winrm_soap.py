"""WS-Management over SOAP: Identify, Invoke of static CIM methods, Enumerate with WQL.

Not a program: `windows-pair` beside this file uses it. Element order, fault codes and texts other
than the documented ones are guesses.
"""
import re
import time
import uuid
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from winrm_http import Cut, Literal
from winrm_methods import METHODS

S = "http://www.w3.org/2003/05/soap-envelope"
A = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
W = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
N = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
CIM = "http://schemas.dmtf.org/wbem/wscim/1/common"
IDENT = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
BINDING = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd"
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
DMTF = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"
DHCP = "root/microsoft/windows/dhcp"
HEADERS = set("To ResourceURI ReplyTo FaultTo From Action MessageID MaxEnvelopeSize Locale DataLocale SessionId OperationID "
              "SequenceId OperationTimeout SelectorSet OptionSet ActivityId".split())
DURATION = re.compile(r"-?P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
NUMBERS = {"u16": 0xFFFF, "u32": 0xFFFFFFFF}
# What real servers do differently from each other.
QUIRKS = {
    "lower-ns": "the namespace's path in lower case",
    "upper-bool": "TRUE and FALSE",
    "bare-time": "no element around intervals and times",
    "dcom-time": "intervals in 25 characters",
    "omi-output": "the output element without _OUTPUT, ReturnValue first, the action without Response",
    "wrapped": "cmdletOutput once, with elements of the class inside and no type",
    "bare-type": "xsi:type without _Type",
    "typed": "xsi:type beside plain values too",
    "absent-null": "no element for null",
    "no-return-value": "no ReturnValue",
    "utf16": "answers in UTF-16",
}


class SoapFault(Exception):
    """A fault of the protocol, or with `wmi` one of a CIM provider."""
    code, sender, detail, wmi, http = 1359, True, None, None, 500

    def __init__(self, subcode="w:InternalError", reason="provider failure", **more):
        super().__init__(reason)
        vars(self).update(subcode=subcode, reason=reason, **more)


q = "{{{}}}{}".format


def local(tag):
    return tag.rsplit("}", 1)[-1]


def find(table, name):
    return next((k for k in table if k.lower() == name.lower()), None)


def dcom_interval(text):
    """P8DT1H0M0S as 00000008010000.000000:000"""
    sizes = {"D": 86400, "H": 3600, "M": 60, "S": 1}
    seconds = sum(int(number) * sizes[unit] for number, unit in re.findall(r"(\d+)(?:\.\d+)?([DHMS])", text))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return "%08d%02d%02d%02d.000000:000" % (*divmod(hours, 24), minutes, seconds)


class Encoder:
    """CIM values as XML."""

    def __init__(self, quirks):
        self.quirks = quirks

    def value(self, prefix, name, value, uri_for, depth):
        tag = "%s:%s" % (prefix, name)
        if isinstance(value, list) and value:
            return "".join(self.value(prefix, name, v, uri_for, depth) for v in value)
        if value is None or value == []:
            return "" if "absent-null" in self.quirks else '<%s xsi:nil="true"/>' % tag
        kind, text = "cimString", None
        if isinstance(value, bool):
            kind, text = "cimBoolean", str(value).upper() if "upper-bool" in self.quirks else str(value).lower()
        elif isinstance(value, int):
            kind, text = "cimUnsignedInt", str(value)
        elif isinstance(value, dict) and "$class" in value:
            cls, sub = value["$class"], "p%d" % depth
            suffix = "" if "bare-type" in self.quirks else "_Type"
            return '<%s xmlns:%s="%s" xsi:type="%s:%s%s">%s</%s>' % (
                tag, sub, escape(uri_for(cls)), sub, cls, suffix, self.properties(sub, value["$value"], uri_for, depth + 1), tag)
        elif isinstance(value, dict):
            kind, text = next((k[1:].capitalize(), v) for k, v in value.items())
            if kind == "Interval" and "dcom-time" in self.quirks:
                text = dcom_interval(text)
            elif "bare-time" not in self.quirks:
                text = "<cim:%s>%s</cim:%s>" % (kind, escape(text), kind)
            return "<%s>%s</%s>" % (tag, text, tag)
        typed = ' xsi:type="cim:%s"' % kind if "typed" in self.quirks else ""
        return "<%s%s>%s</%s>" % (tag, typed, escape(str(value)) if text is None else text, tag)

    def properties(self, prefix, obj, uri_for, depth=1):
        return "".join(self.value(prefix, k, v, uri_for, depth) for k, v in obj.items() if not k.startswith("$"))

    def output(self, prefix, out, uri_for):
        """The out parameters of a method."""
        rows = out.get("cmdletOutput")
        if "wrapped" in self.quirks and isinstance(rows, list) and rows and isinstance(rows[0], dict):
            inside = "".join('<e:%s xmlns:e="%s">%s</e:%s>' % (
                r["$class"], escape(uri_for(r["$class"])), self.properties("e", r["$value"], uri_for), r["$class"]) for r in rows)
            rest = {k: v for k, v in out.items() if k != "cmdletOutput"}
            return "<%s:cmdletOutput>%s</%s:cmdletOutput>" % (prefix, inside, prefix) + self.properties(prefix, rest, uri_for)
        return self.properties(prefix, out, uri_for)


def envelope(action, relates, body):
    return ('<s:Envelope xml:lang="en-US" xmlns:s="%s" xmlns:a="%s" xmlns:w="%s"><s:Header><a:Action>%s</a:Action>'
            "<a:MessageID>uuid:%s</a:MessageID><a:To>%s/role/anonymous</a:To>%s</s:Header><s:Body>%s</s:Body></s:Envelope>"
            % (S, A, W, escape(action), str(uuid.uuid4()).upper(), A,
               "<a:RelatesTo>%s</a:RelatesTo>" % escape(relates) if relates else "", body))


def fault_xml(f, machine):
    detail = "<w:FaultDetail>%s%s</w:FaultDetail>" % (DETAIL, escape(f.detail)) if f.detail else ""
    if not f.wmi:
        detail += '<f:WSManFault xmlns:f="%s" Code="%d" Machine="%s"><f:Message>%s</f:Message></f:WSManFault>' % (
            FAULT, f.code, escape(machine), escape(f.reason))
    else:
        detail += ('<p:MSFT_WmiError b:IsCIM_Error="true" xmlns:b="%s" xmlns:p="%s" xmlns:cim="%s" xmlns:xsi="%s" '
                   'xsi:type="p:MSFT_WmiError_Type">%s</p:MSFT_WmiError>'
                   % (BINDING, DMTF + "MSFT_WmiError", CIM, XSI, Encoder(()).properties("p", f.wmi, DMTF.__add__)))
    return ('<s:Fault><s:Code><s:Value>s:%s</s:Value><s:Subcode><s:Value>%s</s:Value></s:Subcode></s:Code><s:Reason>'
            '<s:Text xml:lang="en-US">%s</s:Text></s:Reason><s:Detail>%s</s:Detail></s:Fault>'
            % ("Sender" if f.sender else "Receiver", f.subcode, escape(f.reason), detail))


class Service:
    """One server's WS-Management service, in front of `node`: its `machine`, `build`, `quirks`, `tables`
    (namespace -> class -> instances), `rules` and `call(cls, method, inputs, caller)`."""

    def __init__(self, node):
        self.node, self.contexts = node, {}

    def identify(self, known=True):
        version = self.node.build if known else "0.0.0"
        return ('<s:Envelope xml:lang="en-US" xmlns:s="%s"><s:Header/><s:Body><i:IdentifyResponse xmlns:i="%s"><i:ProtocolVersion>'
                "%s</i:ProtocolVersion><i:ProductVendor>Test Peer</i:ProductVendor><i:ProductVersion>OS: %s SP: 0.0 Stack: 3.0"
                "</i:ProductVersion></i:IdentifyResponse></s:Body></s:Envelope>" % (S, IDENT, W, version))

    def handle(self, text, log, caller):
        env = ET.fromstring(text)
        first = env.find(q(S, "Body") + "/*")
        if first is not None and first.tag == q(IDENT, "Identify"):
            log["action"] = "Identify"
            return 200, self.identify()
        try:
            head = {local(el.tag): el for el in env.findall(q(S, "Header") + "/*")}
            action, uri, selectors = self.check_header(head, log)
            if action.startswith(N + "/"):
                reply = self.enumeration(action, uri, first, log)
            else:
                reply = self.invoke(action, uri, selectors, first, log, caller)
            size = len(reply.encode())
            log["size"] = size
            if size > log["limit"]:
                raise SoapFault("w:EncodingLimit", "The WS-Management service cannot process the request. The computed response "
                                "packet size (%d) exceeds the maximum envelope size that is allowed (%d)." % (size, log["limit"]),
                                code=2150858824, detail="MaxEnvelopeSize")
            return 200, reply
        except SoapFault as f:
            log["fault"] = [f.subcode, f.reason]
            where = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault" if f.subcode.startswith("w:") else A + "/fault"
            return f.http, envelope(where, log.get("message_id"), fault_xml(f, self.node.machine))

    def check_header(self, head, log):
        text = {k: (el.text or "").strip() for k, el in head.items()}
        log.update(message_id=text.get("MessageID", ""), action=text.get("Action", ""), resource=text.get("ResourceURI", ""))
        must = {k for k, el in head.items() if el.get(q(S, "mustUnderstand"), "0") in ("true", "1")}
        reply = head["ReplyTo"].findtext(q(A, "Address"), "").strip() if "ReplyTo" in head else ""
        log["limit"] = min(int(text.get("MaxEnvelopeSize") or 1 << 40), log["limit"])
        timeout = text.get("OperationTimeout", "PT60S")
        for bad, subcode, reason, detail in (
                (must - HEADERS, "s:MustUnderstand", "a mandatory header is not understood", None),
                (must & {"Locale", "DataLocale"}, "w:UnsupportedFeature", "a locale must not be mandatory", "Locale"),
                (not (reply and log["action"] and text.get("To")), "a:MessageInformationHeaderRequired", "To, ReplyTo, Action", None),
                (reply != A + "/role/anonymous", "w:UnsupportedFeature", "only anonymous replies", "AddressingMode"),
                (not log["message_id"], "a:InvalidMessageInformationHeader", "MessageID is missing or empty", None),
                (log["limit"] < 8192, "w:EncodingLimit", "MaxEnvelopeSize below 8192", "MinimumEnvelopeLimit"),
                (not DURATION.fullmatch(timeout), "w:SchemaValidationError", "OperationTimeout", None)):
            if bad:
                raise SoapFault(subcode, reason, detail=detail)
        selectors = {s.get("Name", "").lower(): (s.text or "").strip() for s in head.get("SelectorSet", ())}
        return log["action"], log["resource"], selectors

    def resolve(self, uri, selectors):
        """The namespace in lower case, the class, and what makes URIs of classes."""
        if uri.lower().startswith(WMI):
            path, _, cls = uri[len(WMI):].rpartition("/")
            base = WMI + (path.lower() if "lower-ns" in self.node.quirks else path) + "/"
            if selectors:
                raise SoapFault("w:InvalidSelectors", "a static method takes no selectors", code=2150858843, detail="UnexpectedSelectors")
        elif uri.startswith(DMTF):
            path, cls, base = selectors.get("__cimnamespace", "root/hardware"), uri[len(DMTF):], DMTF
        else:
            path, cls, base = "", uri, ""
        return path.replace("\\", "/").lower(), cls, lambda c: base + c

    def no_resource(self, uri):
        return SoapFault("a:DestinationUnreachable", "The WS-Management service cannot process the request. The service cannot find "
                         "the resource identified by the resource URI and selectors: " + uri, code=2150858752, detail="InvalidResourceURI")

    def invoke(self, action, uri, selectors, body, log, caller):
        space, cls, uri_for = self.resolve(uri, selectors)
        cls = find(METHODS, cls) if space == DHCP else None
        if cls is None:
            raise self.no_resource(uri)
        method = find(METHODS[cls], action.rsplit("/", 1)[1])
        if action.rsplit("/", 1)[0].lower() != uri.lower() or not method:
            raise SoapFault("a:ActionNotSupported", "action %s is not supported" % action)
        if body is None or body.tag.lower() != q(uri, method + "_INPUT").lower():
            raise SoapFault("w:SchemaValidationError", "the body must be %s_INPUT in the class namespace" % method)
        given = {}
        for el in body:
            if not el.tag.lower().startswith("{%s}" % uri.lower()):
                raise SoapFault("w:SchemaValidationError", "parameter %s is in a wrong namespace" % el.tag)
            if el.get(q(XSI, "nil")) not in ("true", "1"):
                given.setdefault(local(el.tag), []).append(read_value(el))
        parameters, returns = METHODS[cls][method]
        inputs = typed(parameters, given)
        log.update(cls=cls, method=method, inputs={k: "*" if k == "SharedSecret" else v for k, v in inputs.items()})
        with self.node.answering():
            out = self.answer(cls, method, inputs, caller, log)
        kind = returns.rstrip("[]")
        if out is not None and kind != "string":
            rows = out if isinstance(out, list) else [out]
            out = [{"$class": kind, "$value": row} for row in rows]
        out = {} if out is None else {"cmdletOutput": out}
        if log.pop("return_value", 0) is not None and "no-return-value" not in self.node.quirks:
            out["ReturnValue"] = log.get("returned", 0)
        omi = "omi-output" in self.node.quirks
        if omi:
            out = dict(reversed(list(out.items())))
        tag = method if omi else method + "_OUTPUT"
        return envelope(uri_for(cls) + "/" + method + ("" if omi else "Response"), log["message_id"],
                        '<p:%s xmlns:xsi="%s" xmlns:p="%s" xmlns:cim="%s">%s</p:%s>'
                        % (tag, XSI, escape(uri_for(cls)), CIM, Encoder(self.node.quirks).output("p", out, uri_for), tag))

    def answer(self, cls, method, inputs, caller, log):
        """What the method gives, as the rules of the test have it."""
        if self.node.delay:
            time.sleep(self.node.delay)
        after = None
        for rule in self.node.rules_for(cls, method, inputs):
            do = rule["do"]
            log.setdefault("rules", []).append(do)
            if do == "delay":
                time.sleep(rule["seconds"])
            elif do == "hold":
                self.node.hold(rule["rules"])
            elif do == "hang":
                time.sleep(rule.get("seconds", 3600))
                raise Cut
            elif do == "cut-before":
                raise Cut
            elif do == "http":
                raise Literal(rule["status"], rule.get("body", ""))
            elif do == "fault":
                raise SoapFault(rule.get("subcode", "w:InternalError"), rule.get("reason", "a fault by the test"),
                                code=rule.get("code", 1359), detail=rule.get("detail"), wmi=rule.get("wmi"))
            elif do == "error":
                raise self.node.error(rule["code"], rule.get("message", "Failed, as the test has it."), rule.get("category"))
            elif do == "return":
                log["returned"] = rule["value"]
                return None
            elif do == "empty":
                return None
            elif do == "value":
                return rule["value"]
            else:
                after = do
        out = self.node.call(cls, method, inputs, caller)
        if after == "cut-after":
            raise Cut
        if after == "no-return-value":
            log["return_value"] = None
        return out

    def enumeration(self, action, uri, body, log):
        """Enumerate with a WQL filter, Pull and Release."""
        verb = local(action.replace("/", "}"))
        log["method"] = verb
        encoder = Encoder(self.node.quirks)
        if verb == "Enumerate":
            space, cls, uri_for = self.resolve(uri, {})
            tables = self.node.tables.get(space)
            wql = " ".join((body.findtext(q(W, "Filter")) or "SELECT * FROM " + cls).split())
            log["wql"] = wql
            found = re.fullmatch(r"(?i)select (.+) from (\w+)(?: where (\w+) ?= ?['\"](.*)['\"])?", wql)
            if tables is None or not found or find(tables, found[2]) is None:
                raise SoapFault("w:CannotProcessFilter", "The WS-Management service cannot process the request. The WQL query is "
                                "invalid or names no class of this namespace.", code=2150858778)
            cls = find(tables, found[2])
            rows = [r for r in tables[cls] if not found[3] or str(r.get(find(r, found[3]))).lower() == found[4].lower()]
            items = ['<p:%s xmlns:p="%s" xmlns:xsi="%s" xmlns:cim="%s" xsi:type="p:%s_Type">%s</p:%s>' % (
                cls, escape(uri_for(cls)), XSI, CIM, cls, encoder.properties("p", row, uri_for), cls) for row in rows]
            if body.find(q(W, "OptimizeEnumeration")) is None:
                limit = 0
            else:
                limit = int(body.findtext(q(W, "MaxElements")) or 1)
        else:
            context = (body.findtext(q(N, "EnumerationContext")) or "").strip()
            if context not in self.contexts:
                raise SoapFault("n:InvalidEnumerationContext", "no such context", code=2150858843)
            items = self.contexts.pop(context)
            if verb == "Release":
                return envelope(action + "Response", log["message_id"], "")
            limit = int(body.findtext(q(N, "MaxElements")) or 1)
        now, rest, context, end = items[:limit], items[limit:], "", ""
        if rest or verb == "Enumerate" and limit == 0:
            context = "uuid:" + str(uuid.uuid4()).upper()
            self.contexts[context] = rest
        else:
            end = "<w:EndOfSequence/>" if verb == "Enumerate" else "<n:EndOfSequence/>"
        prefix = "w" if verb == "Enumerate" else "n"
        listed = "<%s:Items>%s</%s:Items>" % (prefix, "".join(now), prefix) if limit else ""
        return envelope(action + "Response", log["message_id"],
                        '<n:%sResponse xmlns:n="%s"><n:EnumerationContext>%s</n:EnumerationContext>%s%s</n:%sResponse>'
                        % (verb, N, context, listed, end, verb))


def read_value(el):
    """Text, or {"$interval": ...}, {"$datetime": ...}."""
    if not len(el):
        return el.text or ""
    kind = local(el[0].tag)
    if el[0].tag in (q(CIM, "Interval"), q(CIM, "Datetime")):
        return {"$" + kind.lower(): (el[0].text or "").strip()}
    raise SoapFault("w:SchemaValidationError", "parameter %s holds an unexpected %s" % (local(el.tag), kind))


def typed(parameters, given):
    """The given values as what the method takes them for."""
    inputs = {}
    for name, values in given.items():
        known = find(parameters, name)
        kind = parameters[known] if known else ""
        scalar, converted = kind.rstrip("[]"), []
        for value in values:
            text = value.strip() if isinstance(value, str) else value
            if scalar == "s" and isinstance(value, str):
                converted.append(value)
            elif scalar == "b" and text in ("true", "false", "1", "0"):
                converted.append(text in ("true", "1"))
            elif scalar in NUMBERS and isinstance(text, str) and re.fullmatch(r"\d+", text) and int(text) <= NUMBERS[scalar]:
                converted.append(int(text))
            elif scalar == "dt" and isinstance(value, dict):
                converted.append(value)
            else:
                raise SoapFault("w:SchemaValidationError", "parameter %s does not fit type '%s'" % (name, kind))
        if len(values) > 1 and not kind.endswith("[]"):
            raise SoapFault("w:SchemaValidationError", "parameter %s is no array" % name)
        inputs[known] = converted if kind.endswith("[]") else converted[0]
    return inputs
