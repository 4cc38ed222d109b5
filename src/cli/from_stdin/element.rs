//! One JSON value of the input, with everything left out that does not select.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::cli::args::Selection;
use crate::engine::select::ScopeSelector;
use crate::model::Foreign;

/// A JSON value.
#[derive(Debug, Default)]
pub(super) enum Element {
    /// What neither names nor holds anything.
    #[default]
    Nothing,
    Number(u64),
    Text(String),
    List(Vec<Element>),
    Object(Box<Properties>),
}

/// The properties of an object that mean something, whatever their letter case.
#[derive(Debug, Default)]
pub(super) struct Properties {
    name: Element,
    scope_id: Element,
    prefix_length: Element,
    /// Lists of objects: our own documents, and arrays as Windows PowerShell wraps them.
    lists: Vec<Element>,
    /// The text of an address that was an object.
    address: Element,
}

impl Properties {
    /// The place of a property; `None` when it means nothing.
    fn slot(&mut self, name: &str) -> Option<&mut Element> {
        let name: String = name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect();
        Some(match name.as_str() {
            "name" => &mut self.name,
            "scopeid" => &mut self.scope_id,
            "prefixlength" => &mut self.prefix_length,
            "ipaddresstostring" => &mut self.address,
            "scopes" | "relationships" | "value" => {
                self.lists.push(Element::Nothing);
                self.lists.last_mut()?
            }
            _ => return None,
        })
    }

    fn list(&self) -> Option<&Vec<Element>> {
        self.lists.iter().find_map(|element| match element {
            Element::List(list) => Some(list),
            _ => None,
        })
    }
}

impl Element {
    /// Adds what it means to the selection.
    ///
    /// # Errors
    /// It means nothing: why.
    pub(super) fn select(&self, selection: &mut Selection) -> Result<(), String> {
        match self {
            Element::List(elements) => elements.iter().try_for_each(|element| element.select(selection)),
            Element::Object(properties) => of_object(properties, selection),
            Element::Text(text) => Err(format!("{} is a text and no object", Foreign::from(text.as_str()).escaped())),
            Element::Number(_) | Element::Nothing => Err("it is no object".into()),
        }
    }

    /// The text of an address, whether it is a text or an object.
    fn address(&self) -> Option<&str> {
        match self {
            Element::Text(text) => Some(text),
            Element::Object(properties) => match &properties.address {
                Element::Text(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// The elements of a list, also of one that Windows PowerShell has wrapped.
    fn elements(&self) -> Option<&Vec<Element>> {
        match self {
            Element::List(list) => Some(list),
            Element::Object(properties) => properties.list(),
            _ => None,
        }
    }
}

/// A single scope id is that scope: a scope of Windows has a name as well. Else a list of
/// our own stands for what is in it, so that nothing comes along that was filtered out.
fn of_object(properties: &Properties, selection: &mut Selection) -> Result<(), String> {
    if let Some(address) = properties.scope_id.address() {
        selection.scope_ids.push(selector(address, &properties.prefix_length)?);
        return Ok(());
    }
    if let Some(list) = properties.list() {
        return list.iter().try_for_each(|element| element.select(selection));
    }
    if let Element::Text(name) = &properties.name {
        if name.is_empty() {
            return Err("its Name is empty".into());
        }
        if !selection.names.contains(name) {
            selection.names.push(name.clone());
        }
        return Ok(());
    }
    let Some(ids) = properties.scope_id.elements().filter(|ids| !ids.is_empty()) else {
        return Err("it has neither a ScopeId nor a Name".into());
    };
    for id in ids {
        let address = id.address().ok_or("a ScopeId in it is no text")?;
        selection.scope_ids.push(selector(address, &Element::Nothing)?);
    }
    Ok(())
}

fn selector(address: &str, prefix_length: &Element) -> Result<ScopeSelector, String> {
    let text = match prefix_length {
        Element::Number(length) if !address.contains('/') => format!("{address}/{length}"),
        _ => address.to_owned(),
    };
    text.parse().map_err(|error| format!("{error}"))
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor)
    }
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Element, E> {
        Ok(Element::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Element, E> {
        Ok(Element::Nothing)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Element, E> {
        Ok(Element::Nothing)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Element, E> {
        Ok(Element::Nothing)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Element, E> {
        Ok(Element::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Element, E> {
        Ok(Element::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Element, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Element::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Element, A::Error> {
        let mut properties = Box::<Properties>::default();
        while let Some(name) = object.next_key::<String>()? {
            match properties.slot(&name) {
                None => drop(object.next_value::<IgnoredAny>()?),
                Some(place @ Element::Nothing) => *place = object.next_value()?,
                Some(_) => {
                    let name = Foreign::from(name.as_str()).escaped();
                    return Err(A::Error::custom(format!("the property {name} is there twice")));
                }
            }
        }
        Ok(Element::Object(properties))
    }
}
