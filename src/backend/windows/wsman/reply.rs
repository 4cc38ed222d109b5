//! SOAP envelopes as they come back. Names are matched without their namespaces: servers differ in
//! them, and some put elements into the wrong one.

use roxmltree::{Document, Node, ParsingOptions};

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

/// The body of the reply to a message: the children of its first element by name, or a fault.
///
/// # Errors
/// When it is no SOAP envelope, or the reply to another message.
pub(super) fn read(text: &str, message: &str) -> Result<Result<Instance, Raised>, Error> {
    let garbled = |what: String| Error::new(ErrorKind::Garbled, what);
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
        // a void body is that of Release
        None => body
            .children()
            .find(Node::is_element)
            .map_or_else(|| Ok(Instance::default()), |node| instance(node, 0))
            .map(Ok),
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
    let mut instance = Instance { class: Some(class_of(node).into()), ..Instance::default() };
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
