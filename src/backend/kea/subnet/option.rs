//! One element of an `option-data` list.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::super::config::{DHCP4, How, Surroundings, VENDOR};
use super::canonical;
use crate::model::{Canonical, Foreign, Item, ItemKey, KeyName, Kind, OptionKey, Origin, Owner, Value};

/// An option as the configuration has it.
pub(in super::super) struct ReadOption {
    /// Its key; several options may have the same but for `nth`.
    pub key: OptionKey,
    /// Its data and flags.
    pub item: Item,
    /// A server takes it only where it has a definition of it; raw bytes need none.
    pub needs_definition: bool,
    /// Data that a running server would have shown is not there.
    hidden: bool,
}

/// Reads a list of options in its order; equal keys are numbered.
///
/// # Errors
/// Names an option whose code cannot be told.
pub(in super::super) fn list(options: Option<&Json>, around: &Surroundings) -> Result<Vec<ReadOption>, Foreign> {
    let mut seen: BTreeMap<OptionKey, u16> = BTreeMap::new();
    let mut found = Vec::new();
    for json in options.and_then(Json::as_array).into_iter().flatten() {
        let mut option = one(json, around)?;
        let times = seen.entry(option.key.clone()).or_default();
        option.key.nth = *times;
        *times += 1;
        found.push(option);
    }
    let sub_options = found.iter().any(|option| option.key.space.raw() == VENDOR);
    for option in found.iter_mut().filter(|option| is_43(&option.key)) {
        option.hidden &= !sub_options && !around.options.keeps_option_43();
        // Kea before 2.6 shows the sub-options once more, as data
        if sub_options && around.how == How::Live {
            option.item.fields.retain(|field, _| !matches!(field.raw(), "data" | "csv-format"));
        }
    }
    Ok(found)
}

fn is_43(key: &OptionKey) -> bool {
    key.space.raw() == DHCP4 && key.code == 43
}

impl ReadOption {
    /// The server shows the option without the data that it sends to clients.
    pub(in super::super) fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// The key of the item, with its owner.
    pub(in super::super) fn item_key(&self, owner: &Owner) -> ItemKey {
        ItemKey { owner: owner.clone(), kind: Kind::Option, name: KeyName::Option(self.key.clone()) }
    }
}

fn one(json: &Json, around: &Surroundings) -> Result<ReadOption, Foreign> {
    let object = json.as_object().ok_or_else(|| Foreign::from("an option that is no object"))?;
    let text = |key: &str| object.get(key).and_then(Json::as_str);
    let space = Foreign::from(text("space").unwrap_or(DHCP4));
    let named = text("name").filter(|name| !name.is_empty());
    let code = match object.get("code").and_then(Json::as_u64).and_then(|code| u32::try_from(code).ok()) {
        Some(code) => code,
        None => named.and_then(|name| around.options.code(&space, name)).ok_or_else(|| {
            Foreign::from(format!("option \"{}\" of space \"{}\" has no definition", named.unwrap_or(""), space.raw()))
        })?,
    };
    let definition = around.options.get(&space, code);
    let mut tags: Vec<Foreign> = object
        .get("client-classes")
        .map(canonical::class_names)
        .unwrap_or_default()
        .into_iter()
        .map(Into::into)
        .collect();
    tags.sort();
    let csv = object.get("csv-format").and_then(Json::as_bool).unwrap_or(definition.is_some());
    let mut item = Item {
        label: named.map(Foreign::from).or_else(|| definition.as_ref().map(|definition| definition.name.clone())),
        ..Item::default()
    };
    let mut set = |name: &str, canonical: Canonical, raw: Json| {
        item.fields.insert(name.into(), Value { canonical, raw, origin: Origin::Own });
    };
    // without data, its format means nothing
    if let Some(data) = text("data").filter(|data| !data.is_empty()) {
        let shape = definition.as_ref().map(|definition| definition.shape);
        set("data", Canonical::Text(canonical::option_data(data, shape, csv)), data.into());
        if !csv {
            set("csv-format", Canonical::Bool(false), Json::Bool(false));
        }
    }
    if let Some(context) = canonical::user_context(object) {
        set("user-context", Canonical::from_json(&context), context);
    }
    for (name, value) in object {
        match (name.as_str(), value) {
            ("name" | "code" | "space" | "data" | "csv-format" | "client-classes" | "user-context" | "comment", _)
            | ("always-send" | "never-send", Json::Bool(false))
            | (_, Json::Null) => {}
            _ => set(name, Canonical::from_json(value), value.clone()),
        }
    }
    let key = OptionKey { space, code, tags, nth: 0 };
    let hidden = around.how == How::Live && is_43(&key) && text("data") == Some("");
    Ok(ReadOption {
        key,
        item,
        needs_definition: csv && definition.is_none_or(|definition| !definition.standard),
        hidden,
    })
}

/// A new element of an `option-data` list.
pub(super) fn write(key: &OptionKey, item: &Item, around: &Surroundings) -> Json {
    let mut object = Map::new();
    // a name must be the one that the server knows the option by
    if let Some(known) = around.options.get(&key.space, key.code) {
        object.insert("name".into(), known.name.raw().into());
    }
    object.insert("code".into(), key.code.into());
    object.insert("space".into(), key.space.raw().into());
    if !key.tags.is_empty() {
        let tags: Vec<Json> = key.tags.iter().map(|tag| tag.raw().into()).collect();
        object.insert("client-classes".into(), tags.into());
    }
    if !item.fields.contains_key("data") && !item.fields.contains_key("never-send") {
        object.insert("data".into(), "".into());
    }
    for (name, value) in &item.fields {
        object.insert(name.raw().into(), value.raw.clone());
    }
    Json::Object(object)
}

/// Changes an element of an `option-data` list into what is wanted, leaving alone what is
/// already so.
pub(super) fn patch(object: &mut Map<String, Json>, was: &Item, want: &Item) {
    super::render::patch_fields(object, was, want);
    let has = |item: &Item, field: &str| item.fields.contains_key(field);
    let (csv, said) = (!has(want, "csv-format"), object.get("csv-format").and_then(Json::as_bool));
    // unsaid, the format follows the definition on the server: said, it cannot be mistaken
    let unchanged = said.is_none() && has(was, "data") && csv != has(was, "csv-format");
    if has(want, "data") && said != Some(csv) && !unchanged {
        object.insert("csv-format".into(), csv.into());
    }
}
