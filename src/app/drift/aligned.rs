//! One item of a scope on both sides, and both values of its fields as they are shown.

use std::ops::Range;

use crate::engine::prerequisites::visible_pair;
use crate::model::{Change, ChangeKind, Field, FieldChange, Foreign, ItemKey, Owner, Value};
use crate::show::{differing, meaning};

/// An item that a replication leaves as it is.
#[derive(Clone, Debug)]
pub struct Left {
    /// Which item.
    pub key: ItemKey,
    /// A readable name where the key alone says little.
    pub label: Option<Foreign>,
    /// Its fields, both values each.
    pub fields: Vec<FieldChange>,
    /// Why it is left.
    pub why: Why,
}

/// Why an item is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Both sides have it alike.
    Same,
    /// It differs, and both sides inherit it.
    Inherited,
    /// It differs, and a rule of the configuration ignores that, for this reason.
    Ignored(String),
    /// Its value is not revealed.
    Hidden,
}

/// An item of both sides.
#[derive(Clone, Copy, Debug)]
pub enum Aligned<'a> {
    /// One that differs.
    Change(&'a Change),
    /// One that a replication leaves as it is.
    Left(&'a Left),
}

impl<'a> Aligned<'a> {
    /// Which item.
    pub fn key(&self) -> &'a ItemKey {
        match self {
            Aligned::Change(change) => &change.key,
            Aligned::Left(left) => &left.key,
        }
    }

    /// The fields that are shown.
    pub fn fields(&self) -> &'a [FieldChange] {
        match self {
            Aligned::Change(change) => &change.fields,
            Aligned::Left(left) => &left.fields,
        }
    }

    /// The item's name for people, with its owner where that is not the scope; its section tells the kind.
    pub fn title(&self) -> String {
        title(
            self.key(),
            match self {
                Aligned::Change(change) => change.label.as_ref(),
                Aligned::Left(left) => left.label.as_ref(),
            },
        )
    }

    /// Whether both sides have it.
    pub fn is_on_both(&self) -> bool {
        match self {
            Aligned::Change(change) => change.change == ChangeKind::Update,
            Aligned::Left(left) => {
                let has = |side: fn(&FieldChange) -> bool| left.fields.iter().any(side);
                has(|field| field.source.is_some()) && has(|field| field.target.is_some())
            }
        }
    }
}

/// An item's name for people, with its owner where that is not the scope.
pub(super) fn title(key: &ItemKey, label: Option<&Foreign>) -> String {
    let name = match label {
        Some(label) => format!("{label} ({})", key.name),
        None => key.name.to_string(),
    };
    match &key.owner {
        Owner::Scope => name,
        owner => format!("{name} of {owner}"),
    }
}

/// A value as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// The value, safe to show.
    pub text: String,
    /// The words of it that the other side has not, in bytes; none where all of it differs.
    pub differs: Vec<Range<usize>>,
    /// What it means, where its digits say little.
    pub meaning: Option<String>,
    /// The level above gives it.
    pub inherited: bool,
}

impl Side {
    /// The value with its meaning, as one text.
    pub fn words(&self) -> String {
        match &self.meaning {
            Some(meaning) => format!("{} ({meaning})", self.text),
            None => self.text.clone(),
        }
    }
}

/// Both values of a field, source first. A side that has not the item at all is `None`.
pub fn sides(key: &ItemKey, field: &FieldChange, is_on_both: bool) -> [Option<Side>; 2] {
    let canonical = |value: &'_ Option<Value>| value.as_ref().map(|value| value.canonical.clone());
    let values = [canonical(&field.source), canonical(&field.target)];
    let (source, target) = match &values {
        [Some(a), Some(b)] if a == b => (a.to_string(), b.to_string()),
        [source, target] => visible_pair(source.as_ref(), target.as_ref()),
    };
    let mut differs = match &values {
        [Some(a), Some(b)] if a != b => differing(&source, &target),
        _ => [Vec::new(), Vec::new()],
    };
    for (text, parts) in [&source, &target].into_iter().zip(&mut differs) {
        if matches!(parts.as_slice(), [all] if *all == (0..text.len())) {
            parts.clear();
        }
    }
    let [ours, theirs] = differs;
    let shown = |text: String, differs, value: &Option<Value>| match value {
        Some(value) => Some(Side { differs, ..of_value(key, &field.field, value, text) }),
        None => is_on_both.then(|| Side { text, ..Side::default() }),
    };
    [shown(source, ours, &field.source), shown(target, theirs, &field.target)]
}

/// One value as it is shown, with nothing beside it.
pub(super) fn side(key: &ItemKey, field: &Field, value: &Value) -> Side {
    of_value(key, field, value, value.canonical.to_string())
}

fn of_value(key: &ItemKey, field: &Field, value: &Value, text: String) -> Side {
    Side {
        text: if text.is_empty() { "(empty)".to_owned() } else { text },
        differs: Vec::new(),
        meaning: meaning(key, field.raw(), &value.canonical),
        inherited: value.is_inherited(),
    }
}
