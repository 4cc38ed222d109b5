//! From a refusal to what an operator can do about it: decided on numbers, never on texts.
//! What the DHCP server's own mean is in [`codes`].

use super::fault::{Code, Fault, Raised, Stage};
use crate::backend::exchange::Effect;
use crate::backend::windows::cim::codes;
use crate::engine::{Error, ErrorKind};

/// What is behind a refusal, but for those in [`codes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The class or its namespace is not there.
    NoRole,
    /// The method or a parameter is not there.
    Old,
    Late,
    Busy,
    /// An answer above the envelope.
    Envelope,
    Gone,
    /// What carried the call out ended before it had answered.
    Lost,
}

impl Cause {
    fn kind(self) -> ErrorKind {
        match self {
            Cause::NoRole | Cause::Old => ErrorKind::Unsupported,
            Cause::Late => ErrorKind::TimedOut,
            Cause::Busy => ErrorKind::Refused,
            Cause::Lost => ErrorKind::Unreachable,
            Cause::Envelope => ErrorKind::TooLarge,
            Cause::Gone => ErrorKind::Empty,
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Cause::NoRole => {
                "does the host have the DHCP server role, or the DHCP tools of RSAT where it manages another server, \
                 and Windows Server 2012 or later?"
            }
            Cause::Old => "this version of Windows does not have the method or one of its parameters",
            Cause::Late => {
                "raise the timeout in the configuration, and MaxTimeoutms of WinRM on the server where that is lower"
            }
            Cause::Busy => {
                "WinRM has too much to do for this user or at all: wait a moment and try again; lower connections in \
                 the configuration where it happens often"
            }
            Cause::Envelope => {
                "the answer does not fit into one envelope: raise max_envelope of this server in the configuration, \
                 and MaxEnvelopeSizekb of WinRM on the server where that is lower"
            }
            Cause::Gone => "it may have been removed a moment ago: read again",
            Cause::Lost => "the service, or what it calls, ended meanwhile: see the server's event log, and try again",
        }
    }

    /// By the number closest to the cause (MS-WSMV 2.2.9.1, MS-WMI 2.2.11, MS-ERREF).
    fn of_number(code: Code) -> Option<Self> {
        Some(match code {
            Code::Hresult(0x8033_8000 | 0x8033_801a | 0x8004_100e | 0x8004_1010 | 0x8004_1013) => Cause::NoRole,
            Code::Hresult(0x8004_102e | 0x8004_102f | 0x8004_1055) => Cause::Old,
            Code::Hresult(0x8033_8029) | Code::Win32(258 | 1460) => Cause::Late,
            // cancelled by its end, RPC failed midway, shutting down
            Code::Hresult(0x8004_1033) | Code::Win32(995 | 1726 | 1727) => Cause::Lost,
            Code::Hresult(0x8033_803f | 0x8033_81a5..=0x8033_81a8 | 0x8033_81e8) => Cause::Busy,
            Code::Hresult(0x8033_8047..=0x8033_8049) => Cause::Envelope,
            _ => return None,
        })
    }

    /// By the standard status of CIM (DSP0223 "Status codes").
    fn of_status(status: u32) -> Option<Self> {
        Some(match status {
            3 | 5 => Cause::NoRole,
            6 => Cause::Gone,
            7 | 12 | 16 | 17 => Cause::Old,
            27 => Cause::Busy,
            _ => return None,
        })
    }

    /// By the standard's fault (DSP0226 "Faults").
    fn of_subcode(subcode: &str) -> Option<Self> {
        Some(match subcode {
            "EncodingLimit" => Cause::Envelope,
            "QuotaLimit" | "Concurrency" => Cause::Busy,
            "TimedOut" => Cause::Late,
            "DestinationUnreachable" | "InvalidResourceURI" => Cause::NoRole,
            "ActionNotSupported" => Cause::Old,
            _ => return None,
        })
    }
}

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
            Some(Code::Hresult(0x8004_1003)) => return Some(Refuser::Namespace),
            Some(code) => matches!(code, Code::Win32(5) | Code::Dhcp(20_121)),
            None => *cim_status == Some(2) || subcode.as_deref() == Some("AccessDenied"),
        };
        denied.then_some(match stage {
            Stage::Service => Refuser::Service,
            // a namespace has a number of its own for it; this one may come from the other server
            Stage::Namespace | Stage::Provider if self.beyond.is_some() => Refuser::Beyond,
            Stage::Namespace => Refuser::Namespace,
            Stage::Provider => Refuser::Dhcp,
        })
    }

    /// Whether the host did not get through to the server to which it had to go on, or not as us.
    pub fn is_stopped_beyond(&self) -> bool {
        let is_beyond = self.beyond.is_some() && self.raised.stage != Stage::Service;
        // MS-ERREF 2.2: logon failures, no security context, wrong principal, no domain controller; RPC's
        let is_on_the_way = match self.raised.code {
            Some(Code::Dhcp(number)) => matches!(number, 20_122..=20_124),
            Some(Code::Win32(number)) => {
                matches!(number, 1311 | 1326..=1331 | 1355 | 1385 | 1396 | 1397 | 1722 | 1753 | 1825)
            }
            // SSPI's (MS-ERREF 2.1.1), of facility 9
            Some(Code::Hresult(number)) => number >> 16 == 0x8009,
            None => false,
        };
        is_beyond && (is_on_the_way || self.refuser() == Some(Refuser::Beyond))
    }

    /// Whether a method that does its work in parts had begun, as far as can be told.
    fn may_be_half_done(&self) -> bool {
        // WMI's own numbers (MS-WMI 2.2.11) are said before a method is called
        let is_of_wmi = matches!(self.raised.code, Some(Code::Hresult(0x8004_1000..=0x8004_1fff)));
        self.is_in_parts && self.raised.stage != Stage::Service && !is_of_wmi
    }

    fn cause(&self) -> Option<Cause> {
        let Raised { subcode, code, cim_status, .. } = &self.raised;
        let by_status = || cim_status.and_then(Cause::of_status);
        code.and_then(Cause::of_number).or_else(by_status).or_else(|| subcode.as_deref().and_then(Cause::of_subcode))
    }

    /// Whether the service had too much to do: nothing was done, and it can be asked again.
    pub fn is_busy(&self) -> bool {
        self.cause() == Some(Cause::Busy)
    }

    /// What to do about a refusal of access.
    fn access(&self, refuser: Refuser) -> String {
        match refuser {
            Refuser::Service => "WinRM itself refused this user: make it a member of Remote Management Users on the \
                                 server"
                .to_owned(),
            Refuser::Namespace => "the namespace root/Microsoft/Windows/DHCP refused this user: make it a member of \
                                   Remote Management Users on the server, and give that Enable Account and Remote \
                                   Enable there (wmimgmt.msc)"
                .to_owned(),
            Refuser::Dhcp => {
                let group = match self.effect {
                    Effect::Reads => "DHCP Users",
                    Effect::Writes | Effect::WritesMany(_) => "DHCP Administrators",
                };
                format!(
                    "the DHCP server refused this user, past WinRM and WMI: make it a member of {group} on the \
                     server; some servers let only Administrators through"
                )
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
        let known = fault.raised.code.and_then(codes::of);
        let (kind, hint) = match (fault.refuser(), known, fault.cause()) {
            (Some(refuser), ..) => (ErrorKind::Refused, fault.access(refuser)),
            (None, Some(known), _) => (known.kind, known.hint.to_owned()),
            (None, None, Some(cause)) => (cause.kind(), cause.hint().to_owned()),
            (None, None, None) => (ErrorKind::Refused, String::new()),
        };
        let what = known.map_or_else(|| fault.to_string(), |known| format!("{}: {fault}", known.words));
        Error {
            hint: (!hint.is_empty()).then_some(hint),
            // the service gave up waiting, or on an answer that was too large, or ended: the method itself ran
            in_doubt: fault.effect.writes()
                && (matches!(kind, ErrorKind::TimedOut | ErrorKind::TooLarge | ErrorKind::Unreachable)
                    || fault.may_be_half_done()),
            ..Error::new(kind, what)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use super::super::fake::{Fake, answer, enveloped};
    use super::super::{Failure, Inputs};
    use super::*;

    async fn refused(fault: &str, effect: Effect, beyond: Option<&str>) -> (Failure, Error) {
        let fake = Fake::answering([Ok(answer(500, &enveloped("", &format!("<s:Fault>{fault}</s:Fault>"))))]);
        let failure = fake.client().invoke("root/x", "PS_C", "Get", &Inputs::default(), effect).await.unwrap_err();
        let failure = beyond.into_iter().fold(failure, Failure::beyond);
        (failure.clone(), failure.into())
    }

    fn of_wmi(properties: &str) -> String {
        format!(
            "<s:Detail><x:MSFT_WmiError xmlns:x='u' i:type='x:MSFT_WmiError_Type'>{properties}</x:MSFT_WmiError></s:Detail>"
        )
    }

    fn of_winrm(code: &str) -> String {
        format!(
            "<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value> w:InternalError</s:Value></s:Subcode></s:Code>\
             <s:Reason><s:Text>outer</s:Text></s:Reason><s:Detail><f:WSManFault Code='{code}'><f:Message>why.\n</f:Message></f:WSManFault></s:Detail>"
        )
    }

    #[tokio::test]
    async fn the_innermost_text_and_number_are_told() {
        let nested = "<s:Reason><s:Text>outer</s:Text></s:Reason><s:Detail><w:FaultDetail>url</w:FaultDetail>\
             <f:WSManFault Code='2150858778'><f:Message>middle<f:ProviderFault provider='WMI'>\
             <f:WSManFault Code='2147749904'><f:Message>the class is not there</f:Message></f:WSManFault>\
             </f:ProviderFault></f:Message></f:WSManFault></s:Detail>";
        let extended = "<s:Detail><f:WSManFault Code='5'><f:Message><f:ProviderFault><f:ExtendedError>\
             <__ExtendedStatus><Description>no way</Description></__ExtendedStatus></f:ExtendedError></f:ProviderFault></f:Message></f:WSManFault></s:Detail>";
        for (fault, told) in [
            (nested.to_owned(), "PS_C.Get: the class is not there (HRESULT 0x80041010)"),
            (extended.to_owned(), "PS_C.Get: no way (WIN32 5)"),
            (of_winrm("-2144108503"), "PS_C.Get: why (HRESULT 0x80338029)"),
            (of_winrm("what"), "PS_C.Get: why (InternalError)"),
            (of_winrm("32768"), "PS_C.Get: why (HRESULT 0x80338000)"),
            ("<s:Reason><s:Text>\u{202e}only this</s:Text></s:Reason>".to_owned(), "PS_C.Get: \\u{202e}only this"),
            (String::new(), "PS_C.Get: no reason was given"),
            (
                of_wmi("<Message>m</Message><MessageID>HRESULT 0x80070005</MessageID><error_Code>7</error_Code>"),
                "PS_C.Get: m (WIN32 5)",
            ),
            (
                of_wmi(
                    "<Message/><error_WindowsErrorMessage>w</error_WindowsErrorMessage><error_Code>1722</error_Code>",
                ),
                "PS_C.Get: w (WIN32 1722)",
            ),
            (
                of_wmi("<Message>m</Message><CIMStatusCode>none</CIMStatusCode><MessageID>DHCP</MessageID>")
                    .replace("MSFT_Wmi", "OMI_"),
                "PS_C.Get: m",
            ),
        ] {
            let (failure, _) = refused(&fault, Effect::Reads, None).await;
            assert_eq!(failure.to_string(), told);
        }
    }

    #[tokio::test]
    async fn every_refusal_says_what_to_do() {
        let wmi = |id: &str, status: u32| {
            of_wmi(&format!("<MessageID>{id}</MessageID><CIMStatusCode>{status}</CIMStatusCode>"))
        };
        for (fault, kind, hint) in [
            (of_winrm("2150858824"), ErrorKind::TooLarge, "MaxEnvelopeSizekb"),
            (of_winrm("2150859174"), ErrorKind::Refused, "wait"),
            (of_winrm("2150858752"), ErrorKind::Unsupported, "DHCP server role"),
            (of_winrm("2147942405"), ErrorKind::Refused, "WinRM itself"),
            (of_winrm("2150858793"), ErrorKind::TimedOut, "MaxTimeoutms"),
            (wmi("WIN32 1726", 1), ErrorKind::Unreachable, "ended meanwhile"),
            (wmi("HRESULT 0x80041003", 2), ErrorKind::Refused, "the namespace root"),
            (wmi("WIN32 5", 2), ErrorKind::Refused, "the DHCP server refused"),
            (wmi("DHCP 20121", 2), ErrorKind::Refused, "the DHCP server refused"),
            (wmi("DHCP 20005", 6), ErrorKind::Empty, "read again"),
            (wmi("DHCP 20999", 6), ErrorKind::Empty, "read again"),
            (wmi("", 17), ErrorKind::Unsupported, "this version"),
            (
                of_wmi("<error_Code>2150859173</error_Code><CIMStatusCode>27</CIMStatusCode>"),
                ErrorKind::Refused,
                "wait",
            ),
            (
                "<s:Code><s:Subcode><s:Value>w:AccessDenied</s:Value></s:Subcode></s:Code>".to_owned(),
                ErrorKind::Refused,
                "WinRM itself",
            ),
            (
                "<s:Code><s:Subcode><s:Value>w:EncodingLimit</s:Value></s:Subcode></s:Code>".to_owned(),
                ErrorKind::TooLarge,
                "max_envelope",
            ),
        ] {
            let (failure, error) = refused(&fault, Effect::Reads, None).await;
            assert!(
                error.kind == kind && error.hint.as_deref().unwrap_or_default().contains(hint),
                "{failure:?} {error:?}"
            );
            assert!(!error.in_doubt);
            let in_doubt = matches!(kind, ErrorKind::TimedOut | ErrorKind::TooLarge | ErrorKind::Unreachable);
            assert_eq!(refused(&fault, Effect::Writes, None).await.1.in_doubt, in_doubt, "{fault}");
        }
        let (_, error) = refused(&wmi("DHCP 20116", 1), Effect::Reads, None).await;
        assert_eq!(error.what, "the scope is in no relationship: PS_C.Get: no reason was given (DHCP 20116)");
    }

    #[tokio::test]
    async fn a_second_hop_is_to_blame_only_behind_the_first() {
        let wmi = of_wmi("<MessageID>WIN32 5</MessageID>");
        let (_, error) = refused(&wmi, Effect::Reads, Some("dhcp2")).await;
        assert!(error.hint.as_deref().unwrap().starts_with("dhcp2 refused"), "{error:?}");
        let (_, error) = refused(&of_winrm("5"), Effect::Reads, Some("dhcp2")).await;
        assert!(error.hint.as_deref().unwrap().starts_with("WinRM itself"), "{error:?}");
        let of = async |id: &str, beyond| {
            let fault = of_wmi(&format!("<MessageID>HRESULT {id}</MessageID>"));
            refused(&fault, Effect::Reads, beyond).await.1.hint.unwrap()
        };
        assert!(of("0x80070005", Some("dhcp2")).await.starts_with("dhcp2 refused"));
        assert!(of("0x80070005", None).await.starts_with("the namespace"));
        assert!(of("0x80041003", Some("dhcp2")).await.starts_with("the namespace"));
    }

    #[tokio::test]
    async fn the_least_right_that_may_do_is_named_first() {
        let wmi = of_wmi("<MessageID>WIN32 5</MessageID>");
        for (effect, group) in
            [(Effect::Reads, "member of DHCP Users"), (Effect::Writes, "member of DHCP Administrators")]
        {
            let hint = refused(&wmi, effect, None).await.1.hint.unwrap();
            assert!(hint.find(group) < hint.find("only Administrators") && hint.contains(group), "{hint}");
        }
    }

    #[test]
    fn every_number_has_one_meaning() {
        let number = |known: &codes::Known| match known.code {
            Code::Win32(number) => (0, number),
            Code::Dhcp(number) => (1, number),
            Code::Hresult(number) => (2, number),
        };
        assert!(codes::CODES.is_sorted_by(|one, next| number(one) < number(next)));
    }

    /// Those that Microsoft has published for what we call (MS-DHCPM 2.2.2).
    const PUBLISHED: &[RangeInclusive<u32>] = &[
        20_004..=20_005,
        20_007..=20_007,
        20_009..=20_010,
        20_014..=20_014,
        20_018..=20_019,
        20_021..=20_023,
        20_044..=20_045,
        20_049..=20_049,
        20_052..=20_052,
        20_089..=20_089,
        20_092..=20_092,
        20_103..=20_137,
    ];

    #[tokio::test]
    async fn every_published_failure_has_words_and_a_hint_of_our_own() {
        let of_dhcp = PUBLISHED.iter().cloned().flatten().map(|number| (format!("DHCP {number}"), Code::Dhcp(number)));
        let of_windows = [5, 1722].map(|number| (format!("WIN32 {number}"), Code::Win32(number)));
        for (id, code) in of_dhcp.chain(of_windows) {
            let known = codes::of(code).unwrap_or_else(|| panic!("{id} has no words"));
            // the provider's own text is in the server's language
            let fault = of_wmi(&format!("<Message>Fehler beim Abrufen.</Message><MessageID>{id}</MessageID>"));
            let (failure, error) = refused(&fault, Effect::Writes, None).await;
            assert_eq!(failure.code(), Some(code));
            assert_eq!(error.what, format!("{}: PS_C.Get: Fehler beim Abrufen ({id})", known.words));
            assert_eq!((error.kind, error.in_doubt), (known.kind, false), "{id}");
            let hint = error.hint.unwrap_or_default();
            let is_told = match code {
                Code::Win32(5) | Code::Dhcp(20_121) => hint.contains("make it a member of DHCP Administrators"),
                _ => !hint.is_empty() && hint == known.hint,
            };
            assert!(is_told, "{id}: {hint:?}");
        }
    }
}
