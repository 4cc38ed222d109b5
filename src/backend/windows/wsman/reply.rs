//! SOAP envelopes as they come back. Names are matched without their namespaces: servers differ in
//! them, and some put elements into the wrong one.

use roxmltree::{Document, Node, ParsingOptions};

use super::bounds;
use super::envelope::SOAP;
use super::fault::{self, Raised};
use super::value::{Instance, Value};
use crate::engine::{Error, ErrorKind};
use crate::model::Foreign;

const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Elements in one reply, far above what fits into any envelope that a server can be told to send.
const MOST_NODES: u32 = 4_000_000;
/// Instances within instances: the deepest in any reply is an error in an error.
const DEEPEST: usize = 16;
/// Properties of one instance: ten times those of the largest class.
const MOST_PROPERTIES: usize = 500;
/// What a datetime is wrapped in (DSP0230 8.2.9; MS-WSMV 2.2.4.3).
const WRAPPERS: [&str; 5] = ["Interval", "Datetime", "Date", "Time", "CIM_DateTime"];

/// The body of the reply to a message: the children of its first element by name, if it has one, or a fault.
///
/// # Errors
/// When it is no SOAP envelope, or the reply to another message.
pub(super) fn read(text: &str, message: &str) -> Result<Result<Option<Instance>, Raised>, Error> {
    let garbled = |what: String| Error::new(ErrorKind::Garbled, what);
    bounds::check(text).map_err(garbled)?;
    // a document type could declare entities: there is none in SOAP (SOAP 1.2 part 1, 5)
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| garbled(format!("the answer is not XML: {}", Foreign::from(error.to_string()))))?;
    let envelope = document.root_element();
    if !envelope.has_tag_name((SOAP, "Envelope")) {
        return Err(garbled("the answer is no SOAP 1.2 envelope".to_owned())
            .hint("is this the address of a WinRM listener, and not of a web server or a proxy?"));
    }
    let related = child(envelope, "Header").and_then(|header| child(header, "RelatesTo")).map(|node| text_of(node));
    if related.is_some_and(|related| !same_message(&related, message)) {
        return Err(garbled("the answer belongs to another request".to_owned())
            .hint("a proxy between mixes up connections: it must not share them"));
    }
    let body = child(envelope, "Body").ok_or_else(|| garbled("the answer has no SOAP body".to_owned()))?;
    match child(body, "Fault") {
        Some(node) => Ok(Err(fault::read(node))),
        None => body.children().find(Node::is_element).map(|node| instance(node, 0)).transpose().map(Ok),
    }
}

fn same_message(related: &str, message: &str) -> bool {
    let uuid = |name: &str| name.trim().rsplit(':').next().unwrap_or_default().to_ascii_uppercase();
    related.trim().is_empty() || uuid(related) == uuid(message)
}

/// The first child element of this name.
pub(super) fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

/// All text right within an element; comments and CDATA may have cut it.
pub(super) fn text_of(node: Node) -> String {
    node.children().filter(|child| child.is_text()).filter_map(|child| child.text()).collect()
}

/// An element with an element for each value of each property.
pub(super) fn instance(node: Node, depth: usize) -> Result<Instance, Error> {
    if depth > DEEPEST {
        return Err(Error::new(ErrorKind::Garbled, format!("the answer is nested deeper than {DEEPEST} instances")));
    }
    let mut instance = Instance { class: class_of(node).into(), ..Instance::default() };
    for child in node.children().filter(Node::is_element) {
        instance.add(child.tag_name().name(), value(child, depth + 1)?);
        if instance.properties.len() > MOST_PROPERTIES {
            let what = format!("an instance in the answer has more than {MOST_PROPERTIES} properties");
            return Err(Error::new(ErrorKind::Garbled, what));
        }
    }
    Ok(instance)
}

/// Null is `None`. An empty element is an empty text.
fn value(node: Node, depth: usize) -> Result<Option<Value>, Error> {
    if node
        .attribute((SCHEMA_INSTANCE, "nil"))
        .is_some_and(|nil| matches!(nil.trim(), "1") || nil.trim().eq_ignore_ascii_case("true"))
    {
        return Ok(None);
    }
    let mut elements = node.children().filter(Node::is_element);
    let text = match (elements.next(), elements.next()) {
        // a type alone does not make an instance: text may say that it is a cimString
        (None, _) if node.attribute((SCHEMA_INSTANCE, "type")).is_none_or(|of| !of.trim().ends_with("_Type")) => {
            text_of(node)
        }
        (Some(only), None) if WRAPPERS.contains(&only.tag_name().name()) && !has_elements(only) => text_of(only),
        _ => return instance(node, depth).map(Value::Instance).map(Some),
    };
    Ok(Some(Value::Text(text.into())))
}

fn has_elements(node: Node) -> bool {
    node.children().any(|child| child.is_element())
}

/// From `xsi:type="x:CLASS_Type"`, where prefix and ending may be missing; else the element's name.
fn class_of<'a>(node: Node<'a, '_>) -> &'a str {
    let Some(of) = node.attribute((SCHEMA_INSTANCE, "type")) else { return node.tag_name().name() };
    let local = of.trim().rsplit(':').next().unwrap_or_default();
    local.strip_suffix("_Type").unwrap_or(local)
}

#[cfg(test)]
mod tests {
    use super::super::fake::enveloped;
    use super::super::{Interval, Property, fault};
    use super::*;

    const MESSAGE: &str = "uuid:0F";

    fn told(body: &str) -> Instance {
        read(&enveloped("", body), MESSAGE).unwrap().unwrap().unwrap()
    }

    fn first(value: &str) -> Option<Value> {
        told(&format!("<M>{value}</M>")).properties.swap_remove(0).1.pop()
    }

    fn property<T: Property>(value: &str) -> Result<T, String> {
        T::read(told(&format!("<M>{value}</M>")).get("p"))
    }

    #[test]
    fn every_form_of_a_value_is_understood() {
        let text = |text: &str| Some(Value::Text(text.into()));
        for (form, value) in [
            ("<p>a &amp; <!-- cut --><![CDATA[<b>]]></p>", text("a & <b>")),
            ("<p/>", text("")),
            ("<p i:nil='true'/>", None),
            ("<p i:nil=' TRUE '/>", None),
            ("<p i:nil='1'/>", None),
            ("<p i:nil='false'>x</p>", text("x")),
            ("<p i:type='c:cimString'>x</p>", text("x")),
            ("<x:p xmlns:x='urn:other'> x </x:p>", text(" x ")),
            ("<p><c:Interval>P8DT0H0M0S</c:Interval></p>", text("P8DT0H0M0S")),
            ("<p>\n <c:Datetime>2024-02-29T13:05:06Z</c:Datetime>\n</p>", text("2024-02-29T13:05:06Z")),
            ("<p><CIM_DateTime>20240229130506.000000+000</CIM_DateTime></p>", text("20240229130506.000000+000")),
            ("<p i:type='x:A_Type'/>", Some(Value::Instance(Instance { class: "A".into(), properties: vec![] }))),
        ] {
            assert_eq!(first(form), value, "{form}");
        }
        for (form, truth) in
            [("TRUE", Ok(true)), (" 0 ", Ok(false)), ("yes", Err("is \"yes\", not a truth value".to_owned()))]
        {
            assert_eq!(property::<bool>(&format!("<p>{form}</p>")), truth);
        }
        assert_eq!(property::<u32>("<P> +4294967295\n</P>"), Ok(u32::MAX), "names compare without case");
        assert_eq!(property::<u16>("<p>65536</p>"), Err("is \"65536\", not a 16-bit number".to_owned()));
        assert_eq!(property::<u32>("<p i:nil='true'/>"), Err("is missing".to_owned()));
        assert_eq!(property::<Option<u32>>("<p></p>"), Ok(None), "blank is null where it is no text");
        assert_eq!(property::<Option<Foreign>>("<p></p>"), Ok(Some("".into())), "blank is a text");
        assert_eq!(property::<Option<Foreign>>("<p>a</p><p>b</p>"), Err("has 2 values, not one".to_owned()));
        assert_eq!(property::<Foreign>("<p><q/></p>"), Err("is an instance, not text".to_owned()));
        assert_eq!(property::<Vec<u32>>("<p>2</p><q/><p>1</p>"), Ok(vec![2, 1]));
        assert_eq!(property::<Vec<u32>>("<p i:nil='true'/>"), Ok(vec![]));
        assert_eq!(property::<Interval>("<p>00000000000140.000000:000</p>"), Ok(Interval { seconds: 100 }));
    }

    #[test]
    fn instances_say_their_class_and_may_nest() {
        let told = told(
            "<x:M xmlns:x='u'><x:out i:type='x:A_Type'><x:in i:type='B'><x:n>1</x:n></x:in><x:t>é</x:t></x:out><ReturnValue>0</ReturnValue></x:M>",
        );
        let [Value::Instance(a)] = told.get("out") else { panic!("{told:?}") };
        let [Value::Instance(b)] = a.get("in") else { panic!("{a:?}") };
        assert_eq!((a.class.raw(), b.class.raw()), ("A", "B"));
        assert_eq!(a.others(&["T"]), *serde_json::json!({"in": {"n": "1"}}).as_object().unwrap());
    }

    #[test]
    fn a_reply_must_be_ones_own() {
        let related = |name: &str| read(&enveloped(&format!("<a:RelatesTo>{name}</a:RelatesTo>"), "<M/>"), MESSAGE);
        for name in ["uuid:0F", " UUID:0f\n", "urn:uuid:0F", ""] {
            assert!(related(name).is_ok(), "{name}");
        }
        assert!(related("uuid:1F").unwrap_err().what.contains("another request"));
    }

    #[test]
    fn what_is_hostile_is_refused() {
        let deep = |n: usize| enveloped("", &format!("{}{}", "<a><b/>".repeat(n), "</a>".repeat(n)));
        let wide: String = (0..600).map(|n| format!("<p{n}/>")).collect();
        let laughs = "<!DOCTYPE s [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><s>&b;</s>".to_owned();
        for (text, why) in [
            (laughs, "not XML"),
            ("<!DOCTYPE s SYSTEM 'file:///etc/passwd'><s/>".to_owned(), "not XML"),
            (enveloped("", "<M><a>&undeclared;</a></M>"), "not XML"),
            ("\u{1b}[2J".to_owned(), "not XML"),
            ("<html/>".to_owned(), "no SOAP"),
            (enveloped("", "").replace("2003/05", "2001/12"), "no SOAP"),
            (format!("<s:Envelope xmlns:s='{SOAP}'/>"), "no SOAP body"),
            (deep(20), "nested deeper"),
            (deep(50_000), "nested deeper"),
            (enveloped("", &format!("<M>{wide}</M>")), "more than 500 properties"),
        ] {
            let error = read(&text, MESSAGE).unwrap_err();
            assert!(error.kind == ErrorKind::Garbled && error.what.contains(why), "{why}: {error}");
            assert!(!error.what.contains('\u{1b}'), "{error:?}");
        }
        assert_eq!(read(&enveloped("", ""), MESSAGE), Ok(Ok(None)));
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_the_reader_panic(junk in "(?s).*", tags in "(<[/!?]?[ab:]{0,3}[ />]{0,2}|&[a#;0-9]{0,4}|[\"'= ]){0,40}") {
            let _ = read(&junk, MESSAGE);
            let _ = read(&enveloped("", &tags), MESSAGE);
            let _ = read(&enveloped("", &format!("<s:Fault>{tags}</s:Fault>")), MESSAGE);
            let _ = fault::number(&junk);
        }
    }
}
