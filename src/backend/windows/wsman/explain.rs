//! From a refusal to what an operator can do about it: decided on numbers, never on texts.

use super::fault::{Code, Fault, Raised, Stage};
use crate::backend::exchange::Effect;
use crate::backend::windows::cim::codes;
use crate::engine::{Error, ErrorKind};

const WMI_ACCESS_DENIED: u32 = 0x8004_1003;

/// Numbers of WinRM (MS-WSMV 2.2.9.1), WMI (MS-WMI 2.2.11) and Windows (MS-ERREF 2.2).
const NUMBERS: &[(Code, ErrorKind, &str)] = &[
    (Code::Hresult(0x8033_8000), ErrorKind::Unsupported, NO_ROLE),
    (Code::Hresult(0x8033_801a), ErrorKind::Unsupported, NO_ROLE),
    (Code::Hresult(0x8033_8029), ErrorKind::TimedOut, LATE),
    (Code::Hresult(0x8033_803f), ErrorKind::Refused, QUOTA),
    (Code::Hresult(0x8033_8047), ErrorKind::TooLarge, ENVELOPE),
    (Code::Hresult(0x8033_8048), ErrorKind::TooLarge, ENVELOPE),
    (Code::Hresult(0x8033_8049), ErrorKind::TooLarge, ENVELOPE),
    (Code::Hresult(0x8033_81a5), ErrorKind::Refused, QUOTA),
    (Code::Hresult(0x8033_81a6), ErrorKind::Refused, QUOTA),
    (Code::Hresult(0x8033_81a7), ErrorKind::Refused, QUOTA),
    (Code::Hresult(0x8033_81a8), ErrorKind::Refused, QUOTA),
    (Code::Hresult(0x8033_81e8), ErrorKind::Refused, QUOTA),
    (Code::Hresult(0x8004_100e), ErrorKind::Unsupported, NO_ROLE),
    (Code::Hresult(0x8004_1010), ErrorKind::Unsupported, NO_ROLE),
    (Code::Hresult(0x8004_1013), ErrorKind::Unsupported, NO_ROLE),
    (Code::Hresult(0x8004_102e), ErrorKind::Unsupported, OLD),
    (Code::Hresult(0x8004_102f), ErrorKind::Unsupported, OLD),
    (Code::Hresult(0x8004_1055), ErrorKind::Unsupported, OLD),
    (Code::Win32(1722), ErrorKind::Refused, NO_SERVICE),
    (Code::Win32(1753), ErrorKind::Refused, NO_SERVICE),
    (Code::Win32(1460), ErrorKind::TimedOut, LATE),
];

/// Faults of the standard without a number (DSP0226 "Faults").
const SUBCODES: &[(&str, ErrorKind, &str)] = &[
    ("EncodingLimit", ErrorKind::TooLarge, ENVELOPE),
    ("QuotaLimit", ErrorKind::Refused, QUOTA),
    ("Concurrency", ErrorKind::Refused, QUOTA),
    ("TimedOut", ErrorKind::TimedOut, LATE),
    ("DestinationUnreachable", ErrorKind::Unsupported, NO_ROLE),
    ("InvalidResourceURI", ErrorKind::Unsupported, NO_ROLE),
    ("ActionNotSupported", ErrorKind::Unsupported, OLD),
];

/// Standard statuses of CIM (DSP0223 "Status codes").
const STATUSES: &[(u32, ErrorKind, &str)] = &[
    (3, ErrorKind::Unsupported, NO_ROLE),
    (5, ErrorKind::Unsupported, NO_ROLE),
    (6, ErrorKind::Empty, "it may have been removed a moment ago: read again"),
    (7, ErrorKind::Unsupported, OLD),
    (12, ErrorKind::Unsupported, OLD),
    (16, ErrorKind::Unsupported, OLD),
    (17, ErrorKind::Unsupported, OLD),
    (27, ErrorKind::Refused, QUOTA),
];

const ENVELOPE: &str = "the answer does not fit into one envelope: raise max_envelope of this server in the \
                        configuration, and MaxEnvelopeSizekb of WinRM on the server where that is lower";
const QUOTA: &str = "WinRM has too much to do for this user or at all: wait a moment and try again; lower connections \
                     in the configuration where it happens often";
const NO_ROLE: &str = "does the host have the DHCP server role, or the DHCP tools of RSAT where it manages another \
                       server, and Windows Server 2012 or later?";
const OLD: &str = "this version of Windows does not have the method or one of its parameters";
const LATE: &str =
    "raise the timeout in the configuration, and MaxTimeoutms of WinRM on the server where that is lower";
const NO_SERVICE: &str = "does the service DHCPServer run there, and does a firewall let RPC through?";

/// Where somebody refused us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refuser {
    /// WinRM, before anything was looked at.
    Service,
    /// WMI, at the namespace.
    Namespace,
    /// The DHCP server of the host.
    Dhcp,
    /// The server to which the host went on, or the host at our login: it could not take that along.
    Beyond,
}

impl Fault {
    /// Who refused access, where access was refused.
    pub fn refuser(&self) -> Option<Refuser> {
        let Raised { subcode, code, cim_status, stage, .. } = &self.raised;
        let denied = match code {
            Some(Code::Hresult(WMI_ACCESS_DENIED)) => return Some(Refuser::Namespace),
            Some(code) => matches!(code, Code::Win32(5) | Code::Dhcp(20_121)),
            None => *cim_status == Some(2) || subcode.as_deref() == Some("AccessDenied"),
        };
        denied.then_some(match stage {
            Stage::Service => Refuser::Service,
            Stage::Namespace => Refuser::Namespace,
            Stage::Provider if self.beyond.is_some() => Refuser::Beyond,
            Stage::Provider => Refuser::Dhcp,
        })
    }

    /// The sort of failure, and what to do about it.
    fn explained(&self) -> (ErrorKind, Option<String>) {
        let Raised { subcode, code, cim_status, .. } = &self.raised;
        if let Some(refuser) = self.refuser() {
            return (ErrorKind::Refused, Some(self.access(refuser)));
        }
        let by_number = NUMBERS.iter().find(|(known, ..)| Some(known) == code.as_ref());
        let by_subcode = || SUBCODES.iter().find(|(known, ..)| Some(*known) == subcode.as_deref());
        let by_status = || STATUSES.iter().find(|(known, ..)| Some(known) == cim_status.as_ref());
        let found = match code {
            Some(Code::Dhcp(number)) => codes::of(*number).map(|code| (code.kind, code.hint)),
            _ => by_number.map(|(_, kind, hint)| (*kind, *hint)),
        };
        let found = found.or_else(|| by_status().map(|(_, kind, hint)| (*kind, *hint)));
        match found.or_else(|| by_subcode().map(|(_, kind, hint)| (*kind, *hint))) {
            Some((kind, hint)) => (kind, (!hint.is_empty()).then(|| hint.to_owned())),
            None => (ErrorKind::Refused, None),
        }
    }

    fn access(&self, refuser: Refuser) -> String {
        match refuser {
            Refuser::Service => "WinRM itself refused this user: make it a member of Administrators or of Remote \
                                 Management Users on the server"
                .to_owned(),
            Refuser::Namespace => "the namespace root/Microsoft/Windows/DHCP refused this user: make it a member of \
                                   Administrators, or give it Enable Account and Remote Enable there (wmimgmt.msc)"
                .to_owned(),
            Refuser::Dhcp => {
                "the DHCP server refused this user, past WinRM and WMI: make it a member of Administrators \
                              on the server; DHCP Administrators is not always enough"
                    .to_owned()
            }
            Refuser::Beyond => {
                let beyond = self.beyond.as_deref().unwrap_or("the other server");
                format!(
                    "{beyond} refused: the user lacks rights there, or the login could not be handed on (a second \
                     hop): NTLM and Basic never can, Kerberos needs delegation, CredSSP can"
                )
            }
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let (kind, hint) = fault.explained();
        let words = match fault.raised.code {
            Some(Code::Dhcp(number)) => codes::of(number).map(|code| code.words),
            _ => None,
        };
        let mut error = Error::new(
            kind,
            match words {
                Some(words) => format!("{words}: {fault}"),
                None => fault.to_string(),
            },
        );
        error.hint = hint;
        // the service gave up waiting, or on an answer that was too large: the method itself ran
        error.in_doubt = matches!(kind, ErrorKind::TimedOut | ErrorKind::TooLarge) && fault.effect == Effect::Writes;
        error
    }
}
