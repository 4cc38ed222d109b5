//! SOAP envelopes as they are sent (MS-WSMV 2.2.4, DSP0226 "Addressing").

use std::fmt::Write as _;
use std::time::Duration;

use uuid::Uuid;

use super::value::{Inputs, Word};
use crate::engine::{Error, ErrorKind};

pub(super) const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
const WSMAN: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
const MICROSOFT: &str = "http://schemas.microsoft.com/wbem/wsman/1";
const ENUMERATION: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
const IDENTITY: &str = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
const CIM: &str = "http://schemas.dmtf.org/wbem/wscim/1/common";
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
    /// What it is sent to, and which action that shall take; none for the question what the service is.
    fn target(&self) -> Option<(String, String)> {
        let of_enumeration = |namespace: &str, action: &str| {
            Some((format!("{MICROSOFT}/wmi/{namespace}/*"), format!("{ENUMERATION}/{action}")))
        };
        match self {
            Ask::Identify => None,
            Ask::Invoke { namespace, class, method, .. } => {
                let resource = format!("{MICROSOFT}/wmi/{namespace}/{class}");
                let action = format!("{resource}/{method}");
                Some((resource, action))
            }
            Ask::Enumerate { namespace, .. } => of_enumeration(namespace, "Enumerate"),
            Ask::Pull { namespace, .. } => of_enumeration(namespace, "Pull"),
            Ask::Release { namespace, .. } => of_enumeration(namespace, "Release"),
        }
    }

    fn body(&self) -> Result<String, Error> {
        let context = |context: &str| -> Result<String, Error> {
            Ok(format!("<n:EnumerationContext>{}</n:EnumerationContext>", escaped(context)?))
        };
        Ok(match self {
            Ask::Identify => format!("<i:Identify xmlns:i='{IDENTITY}'/>"),
            Ask::Invoke { namespace, class, method, inputs } => {
                let parameters = parameters(inputs)?;
                format!(
                    "<m:{method}_INPUT xmlns:m='{MICROSOFT}/wmi/{namespace}/{class}' xmlns:c='{CIM}'>{parameters}\
                     </m:{method}_INPUT>"
                )
            }
            Ask::Enumerate { wql, .. } => format!(
                "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>{BATCH}</w:MaxElements>\
                 <w:Filter Dialect='{MICROSOFT}/WQL'>{}</w:Filter></n:Enumerate>",
                escaped(wql)?
            ),
            Ask::Pull { context: last, .. } => {
                format!("<n:Pull>{}<n:MaxElements>{BATCH}</n:MaxElements></n:Pull>", context(last)?)
            }
            Ask::Release { context: last, .. } => format!("<n:Release>{}</n:Release>", context(last)?),
        })
    }
}

/// An array is its element repeated; a parameter that is not set has none.
fn parameters(inputs: &Inputs) -> Result<String, Error> {
    let mut all = String::new();
    for (name, words) in &inputs.0 {
        for word in words {
            let value = match word {
                Word::Text(text) => {
                    escaped(text).map_err(|error| Error { what: format!("{name}: {}", error.what), ..error })?
                }
                Word::Interval(interval) => format!("<c:Interval>{}</c:Interval>", interval.duration()),
            };
            // writing to a string cannot fail
            let _ = write!(all, "<m:{name}>{value}</m:{name}>");
        }
    }
    Ok(all)
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
    /// When a value holds a character that no XML can carry.
    pub(super) fn write(ask: Ask, max_envelope: u32, timeout: Duration) -> Result<Self, Error> {
        let message = format!("uuid:{:X}", Uuid::new_v4());
        let seconds = timeout.as_secs_f64();
        // DSP0226 13: who asks what a service is cannot know yet which headers it takes
        let header = ask.target().map_or_else(String::new, |(resource, action)| {
            format!(
                "<a:To>{TO}</a:To>\
                 <a:ReplyTo><a:Address s:mustUnderstand='true'>{ADDRESSING}/role/anonymous</a:Address></a:ReplyTo>\
                 <a:Action s:mustUnderstand='true'>{action}</a:Action>\
                 <a:MessageID>{message}</a:MessageID>\
                 <w:ResourceURI s:mustUnderstand='true'>{resource}</w:ResourceURI>\
                 <w:MaxEnvelopeSize s:mustUnderstand='true'>{max_envelope}</w:MaxEnvelopeSize>\
                 <w:OperationTimeout>PT{seconds:.3}S</w:OperationTimeout>\
                 <w:Locale xml:lang='en-US' s:mustUnderstand='false'/>\
                 <p:DataLocale xml:lang='en-US' s:mustUnderstand='false'/>"
            )
        });
        let text = format!(
            "<s:Envelope xmlns:s='{SOAP}' xmlns:a='{ADDRESSING}' xmlns:w='{WSMAN}' xmlns:p='{MICROSOFT}/wsman.xsd' \
             xmlns:n='{ENUMERATION}'><s:Header>{header}</s:Header><s:Body>{}</s:Body></s:Envelope>",
            ask.body()?
        );
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

#[cfg(test)]
mod tests {
    use super::super::Interval;
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn invocation(inputs: &Inputs) -> Ask<'_> {
        Ask::Invoke { namespace: "root/x", class: "PS_C", method: "Get", inputs }
    }

    #[test]
    fn an_invocation_is_what_services_want() {
        let inputs = Inputs::default()
            .with("ScopeId", &vec!["a".into(), crate::model::Foreign::from("<b>\r\n")])
            .with("None", &None::<bool>)
            .with("Force", &true)
            .with("LeaseDuration", &Interval { seconds: 90_061 });
        let Envelope { text, message } = Envelope::write(invocation(&inputs), 512_000, LONG).unwrap();
        for part in [
            "<a:Action s:mustUnderstand='true'>http://schemas.microsoft.com/wbem/wsman/1/wmi/root/x/PS_C/Get</a:Action>",
            "<w:ResourceURI s:mustUnderstand='true'>http://schemas.microsoft.com/wbem/wsman/1/wmi/root/x/PS_C</w:ResourceURI>",
            "<w:MaxEnvelopeSize s:mustUnderstand='true'>512000</w:MaxEnvelopeSize>",
            "<w:OperationTimeout>PT60.000S</w:OperationTimeout>",
            "/role/anonymous</a:Address>",
            "xmlns:m='http://schemas.microsoft.com/wbem/wsman/1/wmi/root/x/PS_C'",
            "<m:ScopeId>a</m:ScopeId><m:ScopeId>&lt;b&gt;&#13;&#10;</m:ScopeId><m:Force>true</m:Force>\
             <m:LeaseDuration><c:Interval>P1DT1H1M1S</c:Interval></m:LeaseDuration></m:Get_INPUT>",
            &format!("<a:MessageID>{message}</a:MessageID>"),
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(message, format!("uuid:{}", message[5..].to_ascii_uppercase()));
        assert!(roxmltree::Document::parse(&text).is_ok(), "{text}");
    }

    #[test]
    fn what_no_envelope_can_carry_is_refused() {
        let inputs = Inputs::default().with("Name", &crate::model::Foreign::from("a\u{b}b"));
        let error = Envelope::write(invocation(&inputs), 8192, LONG).unwrap_err();
        assert_eq!(error.what, "Name: a text has the character U+000B, which cannot be sent to a server");
    }

    proptest::proptest! {
        #[test]
        fn any_text_survives_its_way(text in "(?s).*") {
            let bad = text.chars().any(|c| matches!(c, '\u{fffe}' | '\u{ffff}') || (c < ' ' && !"\t\r\n".contains(c)));
            match escaped(&text) {
                Err(_) => proptest::prop_assert!(bad),
                Ok(safe) => {
                    let sent = format!("<t>{safe}</t>");
                    let read = roxmltree::Document::parse(&sent).unwrap();
                    proptest::prop_assert!(!bad && read.root_element().text().unwrap_or_default() == text);
                }
            }
        }
    }
}
