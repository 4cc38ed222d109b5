//! CIM values as servers write them (DSP0230 "WS-CIM Mapping", MS-WSMV 2.2.4), read with the tolerance
//! that real servers need, and written in the one form that all of them take.

use std::net::Ipv4Addr;

use serde_json::Value as Json;

use super::Interval;
use crate::model::Foreign;

/// One value that is not null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, numbers, booleans; datetimes without what wraps them.
    Text(Foreign),
    /// An embedded instance.
    Instance(Instance),
}

impl Value {
    fn json(&self) -> Json {
        match self {
            Value::Text(text) => Json::String(text.raw().to_owned()),
            Value::Instance(instance) => {
                Json::Object(instance.properties.iter().map(|(name, values)| (name.clone(), json(values))).collect())
            }
        }
    }
}

/// Null, one value or an array: a reply cannot tell an array of one from a scalar.
fn json(values: &[Value]) -> Json {
    match values {
        [] => Json::Null,
        [one] => one.json(),
        several => several.iter().map(Value::json).collect(),
    }
}

/// An instance of a class: its properties by name, in the order of the reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// The class that it says it is of, else the name of its element.
    pub class: Foreign,
    /// Null is a property without values; a property not sent is not here.
    pub(super) properties: Vec<(String, Vec<Value>)>,
}

impl Instance {
    /// The values of a property: none where it is null or missing. Names compare without case.
    pub fn get(&self, name: &str) -> &[Value] {
        self.properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(&[], |(_, values)| values)
    }

    /// The values of all properties.
    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        self.properties.iter().flat_map(|(_, values)| values)
    }

    /// The same, taken out of it.
    pub(super) fn into_values(self) -> impl Iterator<Item = Value> {
        self.properties.into_iter().flat_map(|(_, values)| values)
    }

    /// Takes out the values of a property.
    pub(super) fn take(&mut self, name: &str) -> Vec<Value> {
        let found = self.properties.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, values)| std::mem::take(values)).unwrap_or_default()
    }

    /// Whether it says that it is of this class.
    pub(super) fn is_of(&self, class: &str) -> bool {
        self.class.raw().eq_ignore_ascii_case(class)
    }

    /// A property as this type.
    ///
    /// # Errors
    /// When it is something else, or missing where the type demands it. `class` is for the message.
    pub fn read<T: Property>(&self, class: &'static str, name: &'static str) -> Result<T, Misfit> {
        T::read(self.get(name)).map_err(|why| Misfit { class, property: name, why })
    }

    /// All properties but these, so that nothing that a server tells is lost.
    pub fn others(&self, known: &[&str]) -> serde_json::Map<String, Json> {
        let unknown = |name: &str| !known.iter().any(|known| known.eq_ignore_ascii_case(name));
        let others = self.properties.iter().filter(|(name, _)| unknown(name));
        others.map(|(name, values)| (name.clone(), json(values))).collect()
    }

    /// Adds a value to a property, or makes it null where there is none.
    pub(super) fn add(&mut self, name: &str, value: Option<Value>) {
        let place = self.properties.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.properties.push((name.to_owned(), Vec::new()));
            self.properties.len() - 1
        });
        self.properties[place].1.extend(value);
    }
}

/// A property that is not what its class says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{class}.{property} {why}")]
pub struct Misfit {
    /// The class of the documents, such as `DhcpServerv4Scope`.
    pub class: &'static str,
    /// The property.
    pub property: &'static str,
    /// Such as `is missing`; safe to show.
    pub why: String,
}

/// What one value says, for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Everything but datetimes.
    Text(String),
    /// Wrapped, so that it is not taken for text.
    Interval(Interval),
}

/// A single value of a CIM type.
pub trait Scalar: Sized {
    /// What it is called in messages.
    const WHAT: &'static str;
    /// Whether blank text means null, as everywhere but in text.
    const BLANK_IS_NULL: bool = true;

    /// Reads it; the text has no blanks around it, unless blank is no null.
    fn parse(text: &str) -> Option<Self>;

    /// Writes it.
    fn word(&self) -> Word;
}

impl Scalar for Foreign {
    const WHAT: &'static str = "text";
    const BLANK_IS_NULL: bool = false;

    fn parse(text: &str) -> Option<Self> {
        Some(text.into())
    }

    fn word(&self) -> Word {
        Word::Text(self.raw().to_owned())
    }
}

impl Scalar for bool {
    const WHAT: &'static str = "a truth value";

    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    fn word(&self) -> Word {
        Word::Text(self.to_string())
    }
}

impl Scalar for Interval {
    const WHAT: &'static str = "an interval";

    fn parse(text: &str) -> Option<Self> {
        Interval::parse(text)
    }

    fn word(&self) -> Word {
        Word::Interval(*self)
    }
}

macro_rules! by_its_text {
    ($($type:ty = $what:literal),+) => {$(
        impl Scalar for $type {
            const WHAT: &'static str = $what;

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn word(&self) -> Word {
                Word::Text(self.to_string())
            }
        }
    )+};
}

by_its_text!(u16 = "a 16-bit number", u32 = "a 32-bit number", f32 = "a number", Ipv4Addr = "an IPv4 address");

/// What a property can be: a value that must be there, one that may be null, or an array.
pub trait Property: Sized {
    /// Reads it from the values of a property.
    ///
    /// # Errors
    /// Why they do not fit, such as `is missing`; safe to show.
    fn read(values: &[Value]) -> Result<Self, String>;

    /// Writes it; null has no words.
    fn words(&self) -> Vec<Word>;
}

fn one<T: Scalar>(value: &Value) -> Result<Option<T>, String> {
    let Value::Text(text) = value else { return Err(format!("is an instance, not {}", T::WHAT)) };
    let bare = if T::BLANK_IS_NULL { text.raw().trim() } else { text.raw() };
    if bare.is_empty() && T::BLANK_IS_NULL {
        return Ok(None);
    }
    T::parse(bare).map(Some).ok_or_else(|| format!("is \"{text}\", not {}", T::WHAT))
}

impl<T: Scalar> Property for Option<T> {
    fn read(values: &[Value]) -> Result<Self, String> {
        match values {
            [] => Ok(None),
            [value] => one(value),
            _ => Err(format!("has {} values, not one", values.len())),
        }
    }

    fn words(&self) -> Vec<Word> {
        self.iter().map(Scalar::word).collect()
    }
}

impl<T: Scalar> Property for T {
    fn read(values: &[Value]) -> Result<Self, String> {
        <Option<T> as Property>::read(values)?.ok_or_else(|| "is missing".to_owned())
    }

    fn words(&self) -> Vec<Word> {
        vec![self.word()]
    }
}

impl<T: Scalar> Property for Vec<T> {
    fn read(values: &[Value]) -> Result<Self, String> {
        values.iter().filter_map(|value| one(value).transpose()).collect()
    }

    fn words(&self) -> Vec<Word> {
        self.iter().map(Scalar::word).collect()
    }
}

/// The parameters of a method, in the order in which they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs(pub(super) Vec<(&'static str, Vec<Word>)>);

impl Inputs {
    /// Adds a parameter. Null and an empty array are not sent.
    pub fn with(mut self, name: &'static str, value: &impl Property) -> Self {
        self.0.push((name, value.words()));
        self
    }

    /// Adds those of another.
    pub fn and(mut self, others: Inputs) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Only these parameters, in this order.
    pub fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| names.contains(name));
        self.0.sort_by_key(|(name, _)| names.iter().position(|wanted| wanted == name));
        self
    }
}
