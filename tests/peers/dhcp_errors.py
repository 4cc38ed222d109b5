"""Errors of the DHCP server's CIM provider."""

CATEGORIES = {"ObjectNotFound": (6, 13), "ResourceExists": (11, 20), "PermissionDenied": (2, 18), "InvalidData": (1, 6),
              "InvalidArgument": (4, 5), "ConnectionError": (1, 8), "NotImplemented": (7, 12)}


class DhcpError(Exception):
    """A code such as `DHCP 20116`, `WIN32 5` or `HRESULT 0x80041024`, with its text and category."""

    def __init__(self, code, message, category=None):
        super().__init__(code, message, category)      # so that it survives the way from process to process
        self.code, self.message, self.category = code, message, category or "InvalidArgument"


def wmi_error(error):
    """The properties of the instance of MSFT_WmiError that says so."""
    source, number = error.code.split(" ")
    status, category = CATEGORIES.get(error.category, (1, 0))
    return {"CIMStatusCode": status, "CIMStatusCodeDescription": None, "ErrorSource": None, "ErrorSourceFormat": 0, "ErrorType": 4,
            "Message": error.message, "MessageArguments": None, "MessageID": error.code, "OtherErrorType": None,
            "OwningEntity": None, "PerceivedSeverity": 3, "ProbableCause": 0, "ProbableCauseDescription": None,
            "error_Category": category, "error_Code": int(number, 0), "error_Type": source, "error_WindowsErrorMessage": None}
