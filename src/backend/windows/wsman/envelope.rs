//! SOAP envelopes as they are sent (MS-WSMV 2.2.4, DSP0226 "Addressing").

use std::fmt::Write as _;
use std::time::Duration;

use uuid::Uuid;

use super::value::{Inputs, Word};
use crate::engine::{Error, ErrorKind};

pub(super) const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
const WSMAN: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
const TRANSFER: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
const WMI: &str = "http://schemas.microsoft.com/wbem/wsman/1/wmi";
const WQL: &str = "http://schemas.microsoft.com/wbem/wsman/1/WQL";
/// Services look at the path alone, and behind a proxy or a tunnel no other part would be right.
const TO: &str = "http://windows-host:5985/wsman";
/// Items of an enumeration in one reply; the size of the envelope limits them further.
const BATCH: u32 = 100;

/// What is asked of a service.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask<'a> {
    Identify,
    /// A static method.
    Invoke {
        namespace: &'a str,
        class: &'a str,
        method: &'a str,
        inputs: &'a Inputs,
    },
    /// A query, with its first items in the reply.
    Enumerate {
        namespace: &'a str,
        wql: &'a str,
    },
    /// More items.
    Pull {
        namespace: &'a str,
        context: &'a str,
    },
    /// No more items.
    Release {
        namespace: &'a str,
        context: &'a str,
    },
}

impl Ask<'_> {
    fn resource(&self) -> Option<String> {
        match self {
            Ask::Identify => None,
            Ask::Invoke { namespace, class, .. } => Some(format!("{WMI}/{namespace}/{class}")),
            Ask::Enumerate { namespace, .. } | Ask::Pull { namespace, .. } | Ask::Release { namespace, .. } => {
                Some(format!("{WMI}/{namespace}/*"))
            }
        }
    }

    fn action(&self, resource: &str) -> String {
        match self {
            Ask::Identify => "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd/Identify".to_owned(),
            Ask::Invoke { method, .. } => format!("{resource}/{method}"),
            Ask::Enumerate { .. } => format!("{TRANSFER}/Enumerate"),
            Ask::Pull { .. } => format!("{TRANSFER}/Pull"),
            Ask::Release { .. } => format!("{TRANSFER}/Release"),
        }
    }

    fn body(&self, resource: &str) -> Result<String, Error> {
        Ok(match self {
            Ask::Identify => {
                r#"<i:Identify xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"/>"#.to_owned()
            }
            Ask::Invoke { method, inputs, .. } => invocation(resource, method, inputs)?,
            Ask::Enumerate { wql, .. } => format!(
                r#"<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>{BATCH}</w:MaxElements><w:Filter Dialect="{WQL}">{}</w:Filter></n:Enumerate>"#,
                escaped(wql)?
            ),
            Ask::Pull { context, .. } => format!(
                "<n:Pull><n:EnumerationContext>{}</n:EnumerationContext><n:MaxElements>{BATCH}</n:MaxElements></n:Pull>",
                escaped(context)?
            ),
            Ask::Release { context, .. } => {
                format!("<n:Release><n:EnumerationContext>{}</n:EnumerationContext></n:Release>", escaped(context)?)
            }
        })
    }
}

/// An array is its element repeated; a parameter that is not set has none.
fn invocation(resource: &str, method: &str, inputs: &Inputs) -> Result<String, Error> {
    let mut body =
        format!(r#"<m:{method}_INPUT xmlns:m="{resource}" xmlns:c="http://schemas.dmtf.org/wbem/wscim/1/common">"#);
    for (name, words) in &inputs.0 {
        for word in words {
            let value = match word {
                Word::Text(text) => {
                    escaped(text).map_err(|error| Error { what: format!("{name}: {error}"), ..error })?
                }
                Word::Interval(interval) => format!("<c:Interval>{}</c:Interval>", interval.duration()),
            };
            // writing to a string cannot fail
            let _ = write!(body, "<m:{name}>{value}</m:{name}>");
        }
    }
    let _ = write!(body, "</m:{method}_INPUT>");
    Ok(body)
}

/// An envelope, and the name by which its reply calls it.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) text: String,
    pub(super) message: String,
}

impl Envelope {
    /// Writes one. The reply shall have at most so many bytes, and come within the timeout.
    ///
    /// # Errors
    /// When a value holds a character that no XML can carry, or all of it is too long.
    pub(super) fn write(ask: Ask, max_envelope: u32, timeout: Duration) -> Result<Self, Error> {
        let resource = ask.resource();
        let target = resource.as_deref().unwrap_or_default();
        let (action, body) = (ask.action(target), ask.body(target)?);
        let message = format!("uuid:{:X}", Uuid::new_v4());
        let resource = resource
            .as_ref()
            .map_or_else(String::new, |uri| format!(r#"<w:ResourceURI s:mustUnderstand="true">{uri}</w:ResourceURI>"#));
        let text = format!(
            concat!(
                r#"<s:Envelope xmlns:s="{}" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="{}""#,
                r#" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd" xmlns:n="{}"><s:Header>"#,
                r#"<a:To>{}</a:To><a:ReplyTo><a:Address s:mustUnderstand="true">"#,
                r#"http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"#,
                r#"<a:Action s:mustUnderstand="true">{}</a:Action><a:MessageID>{}</a:MessageID>{}"#,
                r#"<w:MaxEnvelopeSize s:mustUnderstand="true">{}</w:MaxEnvelopeSize>"#,
                r#"<w:OperationTimeout>PT{:.3}S</w:OperationTimeout>"#,
                r#"<w:Locale xml:lang="en-US" s:mustUnderstand="false"/>"#,
                r#"<p:DataLocale xml:lang="en-US" s:mustUnderstand="false"/></s:Header>"#,
                r#"<s:Body>{}</s:Body></s:Envelope>"#,
            ),
            SOAP,
            WSMAN,
            TRANSFER,
            TO,
            action,
            message,
            resource,
            max_envelope,
            timeout.as_secs_f64(),
            body
        );
        if text.len() > max_envelope as usize {
            let what = format!("a request of {} bytes is larger than max_envelope, {max_envelope} bytes", text.len());
            return Err(Error::new(ErrorKind::TooLarge, what)
                .hint("take fewer scopes at once, or raise max_envelope here and MaxEnvelopeSizekb on the server"));
        }
        Ok(Envelope { text, message })
    }
}

/// Text between two tags. What a reader would normalise, such as line ends, goes as a reference.
///
/// # Errors
/// XML 1.0 has no way to say most control characters (XML 1.0 2.2): sent without them, the text would
/// be another one.
fn escaped(text: &str) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                let what = format!("a text has the character U+{:04X}, which cannot be sent to a server", u32::from(c));
                return Err(
                    Error::new(ErrorKind::Unsupported, what).hint("take it out of the text, on the server that has it")
                );
            }
            _ => out.push(c),
        }
    }
    Ok(out)
}
