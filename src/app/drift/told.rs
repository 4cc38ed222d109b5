//! What a replication does to an item, in words.

use crate::model::{Change, ChangeKind, DriftState, FieldChange};

use super::Subject;
use super::aligned::{self, Aligned, Why};

/// The sign before an item, and what a replication does to it.
pub fn told(subject: &Subject, item: &Aligned<'_>) -> (char, String) {
    let change = match item {
        Aligned::Change(change) => *change,
        Aligned::Left(left) => return left_as_it_is(&left.why),
    };
    if subject.scope().is_some_and(|scope| scope.state == DriftState::OnlyOnTarget) {
        return (' ', "stays: a scope that only the target has is never deleted".to_owned());
    }
    let sign = change.change.sign();
    match subject.refusal {
        Some(_) => (sign, format!("stays, as the scope is refused; would be {}", what(change))),
        None => (sign, what(change)),
    }
}

fn left_as_it_is(why: &Why) -> (char, String) {
    match why {
        Why::Same => ('=', "the same".to_owned()),
        Why::Inherited => ('!', "not carried: inherited, each side from its own server".to_owned()),
        Why::Ignored(reason) => ('i', format!("ignored by rule: {reason}")),
        Why::Hidden => ('?', "unknown: the server does not reveal it".to_owned()),
    }
}

fn what(change: &Change) -> String {
    let mut text = match change.change {
        ChangeKind::Create => "created on the target".to_owned(),
        ChangeKind::Delete => "deleted from the target".to_owned(),
        ChangeKind::Update if change.wanted.is_none() => taken_back(change),
        ChangeKind::Update => overwritten(change),
    };
    if let Some(other) = &change.moved {
        text.push_str(&match change.change {
            ChangeKind::Delete => format!(", its client moves to {}", other.name),
            _ => format!(", its client moves here from {}", other.name),
        });
    }
    if change.becomes_explicit {
        text.push_str(", becomes explicit there (inherited on the source)");
    }
    text
}

/// The target's own value goes; what is above it gives the source's.
fn taken_back(change: &Change) -> String {
    let values: Vec<String> = change.fields.iter().map(|field| arrow(change, field)).collect();
    format!("taken away on the target, which then inherits it: {}", values.join("; "))
}

fn overwritten(change: &Change) -> String {
    let is_only_value = matches!(change.fields.as_slice(), [only] if only.field.raw() == "value");
    let told = change.fields.iter().map(|field| match is_only_value {
        true => arrow(change, field),
        false => format!("{} {}", field.field, arrow(change, field)),
    });
    format!("overwritten: {}", told.collect::<Vec<_>>().join("; "))
}

/// `1800 (30 minutes) → 3600 (1 hour)`: what the target has, and what it gets.
fn arrow(change: &Change, field: &FieldChange) -> String {
    let [source, target] = aligned::sides(&change.key, field, true).map(|side| side.unwrap_or_default().words());
    format!("{target} → {source}")
}
