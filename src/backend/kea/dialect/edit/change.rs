//! Edits gathered by the value that they change.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Edit, EditError, Step};
use crate::model::Foreign;

/// The edits of one value, gathered.
pub(super) enum Change<'a> {
    Set(&'a Json),
    Remove,
    Inside(Inside<'a>),
}

#[derive(Default)]
pub(super) struct Inside<'a> {
    pub(super) keys: Vec<(&'a str, Change<'a>)>,
    pub(super) indices: BTreeMap<usize, Change<'a>>,
    pub(super) appended: Vec<&'a Json>,
}

impl<'a> Change<'a> {
    pub(super) fn add(&mut self, edit: &'a Edit, depth: usize) -> Result<(), EditError> {
        let Change::Inside(inside) = self else { return Err(path_error(edit, "it is changed twice")) };
        let Some(step) = edit.at.get(depth) else {
            if !inside.is_empty() {
                return Err(path_error(edit, "it is changed twice"));
            }
            *self = edit.with.as_ref().map_or(Change::Remove, Change::Set);
            return Ok(());
        };
        let new = || Change::Inside(Inside::default());
        match step {
            Step::Append => match &edit.with {
                Some(value) if edit.at.len() == depth + 1 => {
                    inside.appended.push(value);
                    Ok(())
                }
                _ => Err(path_error(edit, "only a whole value can be appended")),
            },
            Step::Index(index) => inside.indices.entry(*index).or_insert_with(new).add(edit, depth + 1),
            Step::Key(key) => {
                let known = inside.keys.iter().position(|(k, _)| k == key);
                let at = known.unwrap_or_else(|| {
                    inside.keys.push((key, new()));
                    inside.keys.len() - 1
                });
                inside.keys[at].1.add(edit, depth + 1)
            }
        }
    }

    /// Makes the same change in a plain value.
    pub(super) fn apply(&self, value: &mut Json) {
        match self {
            Change::Set(new) => *value = (*new).clone(),
            Change::Remove => {}
            Change::Inside(inside) => inside.apply(value),
        }
    }
}

impl Inside<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.indices.is_empty() && self.appended.is_empty()
    }

    fn apply(&self, value: &mut Json) {
        if let Json::Object(members) = value {
            for (key, change) in &self.keys {
                match change {
                    Change::Remove => drop(members.shift_remove(*key)),
                    Change::Inside(inside) if !members.contains_key(*key) => {
                        members.insert((*key).to_owned(), inside.fresh());
                    }
                    change => change.apply(members.entry(*key).or_insert(Json::Null)),
                }
            }
        }
        if let Json::Array(elements) = value {
            for (index, change) in self.indices.iter().rev() {
                match change {
                    Change::Remove => drop(elements.remove(*index)),
                    change => change.apply(&mut elements[*index]),
                }
            }
            elements.extend(self.appended.iter().map(|v| (*v).clone()));
        }
    }

    /// The array that a missing member gets.
    pub(super) fn fresh(&self) -> Json {
        Json::Array(self.appended.iter().map(|v| (*v).clone()).collect())
    }
}

fn path_error(edit: &Edit, why: &'static str) -> EditError {
    let mut at = String::new();
    for step in &edit.at {
        match step {
            Step::Key(key) => at.extend(["/", key]),
            Step::Index(index) => at.push_str(&format!("/{index}")),
            Step::Append => at.push_str("/+"),
        }
    }
    EditError::Path { at: Foreign::from(at), why }
}
