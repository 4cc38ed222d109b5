//! Faults (DSP0226 "Faults", MS-WSMV 2.2.9.1): what a service says it did not do, and why.

use std::fmt;

use roxmltree::Node;

use super::reply::{self, text_of};
use super::value::{Instance, Property};
use crate::backend::exchange::Effect;
use crate::model::Foreign;

/// The number of a failure, and whose number it is. The same failure comes as several numbers
/// (`5`, `0x80070005`): each has one form here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Of the DHCP server (MS-DHCPM 2.2.2).
    Dhcp(u32),
    /// Of Windows (MS-ERREF 2.2).
    Win32(u32),
    /// Of a component, such as WMI or WinRM (MS-ERREF 2.1).
    Hresult(u32),
}

impl Code {
    /// From a number that does not say whose it is.
    pub fn of(number: u32) -> Self {
        match number {
            20_000..=20_999 => Code::Dhcp(number),
            0..=0xffff => Code::Win32(number),
            // facility 7 is Windows
            0x8007_0000..=0x8007_ffff => Code::of(number & 0xffff),
            _ => Code::Hresult(number),
        }
    }

    /// From text such as `DHCP 20116`, `WIN32 5`, `HRESULT 0x80041003`.
    fn parse(text: &str) -> Option<Self> {
        text.split_whitespace().next_back().and_then(number).map(Code::of)
    }
}

/// As the cmdlets show it.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Code::Dhcp(number) => write!(f, "DHCP {number}"),
            Code::Win32(number) => write!(f, "WIN32 {number}"),
            Code::Hresult(number) => write!(f, "HRESULT 0x{number:08X}"),
        }
    }
}

/// Decimal, hexadecimal, or the negative decimal of a signed 32-bit number.
pub(super) fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok().or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned)),
    }
}

/// What a fault says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raised {
    /// The last subcode, without its prefix, such as `AccessDenied`.
    pub subcode: Option<String>,
    /// The text closest to the cause; empty where there is none.
    pub text: Foreign,
    /// The number closest to the cause.
    pub code: Option<Code>,
    /// The standard status of CIM (DSP0223 "Status codes").
    pub cim_status: Option<u32>,
    /// How far the call had come.
    pub stage: Stage,
}

/// Who of those that a call passes raised a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// WinRM, before anything was looked at.
    #[default]
    Service,
    /// WMI: the namespace, the class, the method.
    Namespace,
    /// The method itself.
    Provider,
}

/// A call that was answered by a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Fault {
    /// What was called, such as `PS_DhcpServerv4Scope.Get`.
    pub call: String,
    /// Whether it would have changed something.
    pub effect: Effect,
    /// The server to which the host had to go on for it, in words that are safe to show.
    pub beyond: Option<String>,
    /// It works in parts: where the method itself fails, some of them may be done.
    pub is_in_parts: bool,
    /// What the service says.
    pub raised: Raised,
}

impl Fault {
    fn message(&self) -> String {
        let Raised { text, code, subcode, .. } = &self.raised;
        let text = text.to_string();
        let mut message = format!(
            "{}: {}",
            self.call,
            if text.is_empty() { "no reason was given" } else { text.trim_end_matches('.') }
        );
        match (code, subcode) {
            (Some(code), _) => message.push_str(&format!(" ({code})")),
            (None, Some(subcode)) => message.push_str(&format!(" ({})", Foreign::from(subcode.as_str()))),
            (None, None) => {}
        }
        message
    }
}

/// Reads a fault's element.
pub(super) fn read(fault: Node) -> Raised {
    let below = |name: &'static str| fault.descendants().filter(move |node| node.tag_name().name() == name);
    let subcode = below("Subcode").filter_map(|node| reply::child(node, "Value")).next_back().map(text_of);
    let cim_error = fault.descendants().find(is_cim_error).and_then(|node| reply::instance(node, 0).ok());
    // from the outermost to the innermost
    let mut of_service =
        below("WSManFault").filter_map(|node| node.attribute("Code").and_then(number)).filter(|code| *code != 0);
    let mut raised = Raised {
        subcode: subcode.map(|name| name.trim().rsplit(':').next().unwrap_or_default().to_owned()),
        text: told(fault).into(),
        code: of_service.next_back().map(of_service_code),
        cim_status: None,
        stage: if below("ProviderFault").next().is_some() { Stage::Namespace } else { Stage::Service },
    };
    if let Some(error) = cim_error {
        let tagged = read_or_none::<Foreign>(&error, "MessageID");
        let numbered = read_or_none::<u32>(&error, "error_Code").filter(|code| *code != 0).map(Code::of);
        raised.cim_status = read_or_none(&error, "CIMStatusCode").filter(|status| *status != 0);
        let of_wmi = tagged.as_ref().is_some_and(|tag| tag.raw().trim_start().starts_with("HRESULT"));
        raised.stage = if of_wmi { Stage::Namespace } else { Stage::Provider };
        raised.code = tagged.and_then(|tag| Code::parse(tag.raw())).or(numbered).or(raised.code);
        let texts = ["Message", "error_WindowsErrorMessage"]
            .into_iter()
            .filter_map(|name| read_or_none::<Foreign>(&error, name));
        raised.text = texts.into_iter().find(|text| !text.raw().trim().is_empty()).unwrap_or(raised.text);
    }
    raised
}

/// A subclass of CIM_Error (DSP0228): from Windows, or from OMI.
fn is_cim_error(node: &Node) -> bool {
    matches!(node.tag_name().name(), "MSFT_WmiError" | "OMI_Error" | "CIM_Error")
        || node.attributes().any(|a| a.name() == "IsCIM_Error" && a.value().eq_ignore_ascii_case("true"))
}

/// What does not fit is as good as missing: there is a fault to tell.
fn read_or_none<T: super::value::Scalar>(error: &Instance, name: &str) -> Option<T> {
    <Option<T> as Property>::read(error.get(name)).ok().flatten()
}

/// Some numbers of WinRM come without their upper half (MS-WSMV 2.2.9.1).
fn of_service_code(number: u32) -> Code {
    match number {
        0x8000..=0x81ff => Code::Hresult(0x8033_0000 | number),
        _ => Code::of(number),
    }
}

/// The innermost text of the detail, which is closest to the cause; else the fault's reason.
fn told(fault: Node) -> String {
    let depth = |node: &Node| node.ancestors().count();
    let blank = |text: &String| !text.trim().is_empty();
    let details = fault.descendants().filter(|node| matches!(node.tag_name().name(), "Message" | "Description"));
    let deepest = details
        .map(|node| (depth(&node), text_of(node)))
        .filter(|(_, text)| blank(text))
        .max_by_key(|(depth, _)| *depth);
    let reason = || {
        let reason = reply::child(fault, "Reason")?;
        reply::child(reason, "Text").map(text_of)
    };
    deepest.map(|(_, text)| text).or_else(reason).unwrap_or_default().trim().to_owned()
}
