//! A scope as a whole, on both sides: also what a replication leaves as it is.

use std::collections::BTreeSet;

use crate::engine::drift;
use crate::engine::ignore::{self, IgnoreRule};
use crate::engine::survey::{Relationship, Survey};
use crate::model::{Change, ChangeKind, FieldChange, Item, ItemKey, Scope, ScopeId, Section};

use super::aligned::{self, Left, Why};

/// A scope of a relationship, opened on both sides; source first.
pub struct Whole {
    sides: [Option<Scope>; 2],
    changes: Vec<Change>,
}

impl Whole {
    /// Opens a scope of the readings of a survey; takes as long as opening it twice.
    ///
    /// # Errors
    /// Why a side cannot be opened, in words.
    pub fn open(survey: &Survey, relationship: &Relationship, source: usize, id: ScopeId) -> Result<Self, String> {
        let readings = [source, 1 - source].map(|member| survey.member_reading(relationship, member));
        let mut sides = [None, None];
        for ((side, reading), member) in sides.iter_mut().zip(readings).zip([source, 1 - source]) {
            let server = relationship.members[member].shown();
            let reading = reading.ok_or_else(|| format!("{server} is not read"))?;
            let entry = reading.scopes.get(&id).filter(|entry| relationship.holds(member, entry));
            let opened = entry.map(|entry| entry.open()).transpose();
            *side = opened.map_err(|reason| format!("{server}'s scope cannot be opened: {reason}"))?;
        }
        let changes = match &sides {
            [Some(ours), Some(theirs)] => drift::compare(ours, theirs),
            [Some(ours), None] => {
                let levels = readings[1].map(|reading| reading.levels.parents(ours.network()));
                drift::create_all(ours, &levels.unwrap_or_default())
            }
            [None, Some(theirs)] => drift::target_only(theirs),
            [None, None] => Vec::new(),
        };
        Ok(Whole { sides, changes })
    }

    /// The items that a replication leaves as they are, each with the reason.
    pub fn left(&self, rules: &[IgnoreRule]) -> Vec<Left> {
        let [source, target] = self.sides.each_ref().map(Option::as_ref);
        let mut known: BTreeSet<ItemKey> = self.changes.iter().map(|change| change.key.clone()).collect();
        for change in self.changes.iter().filter(|change| change.change != ChangeKind::Update) {
            // what goes with its owner is told with it
            known.extend([source, target].into_iter().flatten().flat_map(|scope| drift::owned_by(scope, &change.key)));
        }
        // a scope that is never deleted has nothing that a rule could keep
        let rules = if source.is_some() { rules } else { &[] };
        let ignored = ignore::ignored(rules, &self.changes).into_iter().map(|(change, reason)| Left {
            key: change.key,
            label: change.label,
            fields: change.fields,
            why: Why::Ignored(reason),
        });
        let mut left: Vec<Left> = ignored.collect();
        let keys: BTreeSet<&ItemKey> = [source, target].into_iter().flatten().flat_map(|s| s.items.keys()).collect();
        for key in keys.into_iter().filter(|key| !known.contains(*key)) {
            let items = [source, target].map(|scope| scope.and_then(|scope| scope.items.get(key)));
            let is_hidden = [source, target].into_iter().flatten().any(|scope| scope.unreadable.contains(key));
            // a whole scope of a relationship belongs to that relationship
            if *key != ItemKey::relationship() || items.iter().all(Option::is_some) {
                left.push(unchanged(key, items, is_hidden));
            }
        }
        left
    }

    /// Both sides as text, source first: each item with its values, safe to show.
    pub fn texts(&self) -> [String; 2] {
        self.sides.each_ref().map(|side| side.as_ref().map(text).unwrap_or_default())
    }
}

fn unchanged(key: &ItemKey, items: [Option<&Item>; 2], is_hidden: bool) -> Left {
    let names: BTreeSet<_> = items.into_iter().flatten().flat_map(|item| item.fields.keys()).collect();
    let fields = names.into_iter().map(|name| {
        let [source, target] = items.map(|item| item.and_then(|item| item.fields.get(name)).cloned());
        FieldChange { field: name.clone(), source, target }
    });
    let fields: Vec<FieldChange> = fields.collect();
    let same = |field: &FieldChange| {
        field.source.as_ref().map(|value| &value.canonical) == field.target.as_ref().map(|value| &value.canonical)
    };
    let why = match is_hidden {
        true => Why::Hidden,
        false if fields.iter().all(same) && items.iter().all(Option::is_some) => Why::Same,
        false => Why::Inherited,
    };
    let label = items.into_iter().flatten().find_map(|item| item.label.clone());
    Left { key: key.clone(), label, fields, why }
}

/// One line a value, so that a program that compares lines finds what differs.
fn text(scope: &Scope) -> String {
    let mut text = String::new();
    for section in Section::ALL {
        let items: Vec<_> = scope.items.iter().filter(|(key, _)| key.section() == section).collect();
        if items.is_empty() {
            continue;
        }
        text.push_str(&format!("[{}]\n", section.word()));
        for (key, item) in items {
            let title = aligned::title(key, item.label.as_ref());
            let values = item.fields.iter().map(|(field, value)| {
                let side = aligned::side(key, field, value);
                let from = if side.inherited { " (inherited)" } else { "" };
                (field.to_string(), format!("{}{from}", side.words()))
            });
            let values: Vec<(String, String)> = values.collect();
            match values.as_slice() {
                [(field, value)] if field == "value" => text.push_str(&format!("{title}: {value}\n")),
                values => {
                    text.push_str(&format!("{title}\n"));
                    values.iter().for_each(|(field, value)| text.push_str(&format!("    {field}: {value}\n")));
                }
            }
        }
        text.push('\n');
    }
    text
}
