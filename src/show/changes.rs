//! Changes, grouped by section, with both values.

use std::fmt;

use super::{Line, Role};
use crate::engine::port::Doubts;
use crate::engine::prerequisites::visible_pair;
use crate::model::{Canonical, Change, ChangeKind, Field, FieldChange, Owner, Section};

/// How many changes of which kind: `+3 ~1 -2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be created.
    pub creates: usize,
    /// To be updated.
    pub updates: usize,
    /// To be deleted.
    pub deletes: usize,
}

impl Counts {
    /// Counts changes.
    pub fn of<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let mut counts = Counts::default();
        for change in changes {
            match change.change {
                ChangeKind::Create => counts.creates += 1,
                ChangeKind::Update => counts.updates += 1,
                ChangeKind::Delete => counts.deletes += 1,
            }
        }
        counts
    }

    /// `3 to create, 1 to update, 2 to delete`; kinds without any are left out.
    pub fn words(self) -> String {
        let kinds = [(self.creates, "create"), (self.updates, "update"), (self.deletes, "delete")];
        let words: Vec<String> =
            kinds.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} to {word}")).collect();
        if words.is_empty() { "nothing to change".into() } else { words.join(", ") }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [(self.creates, '+'), (self.updates, '~'), (self.deletes, '-')];
        let parts: Vec<String> = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, sign)| format!("{sign}{n}")).collect();
        f.pad(&parts.join(" "))
    }
}

/// Changes by section, each section under its name.
pub fn changes(changes: &[Change]) -> Vec<Line> {
    by_section(changes, change)
}

/// Changes in the order in which they are shown and numbered.
pub fn in_order(changes: &[Change]) -> impl Iterator<Item = &Change> {
    Section::ALL.into_iter().flat_map(|section| changes.iter().filter(move |change| change.section() == section))
}

/// What stands behind a change that the writer is not known to carry, or not in all its fields.
pub fn doubt(change: &Change, uncertain: &Doubts) -> Option<String> {
    const UNCERTAIN: &str = "not known to be carried";
    let fields = uncertain.of(change)?;
    Some(match fields.len() == change.fields.len() {
        true => format!(" ({UNCERTAIN})"),
        false => format!(" ({UNCERTAIN}: {})", fields.into_iter().map(Field::to_string).collect::<Vec<_>>().join(", ")),
    })
}

/// One change, marked where the writer is not known to carry it.
pub fn marked_change(change: &Change, uncertain: &Doubts) -> Vec<Line> {
    let mut lines = self::change(change);
    if let (Some(first), Some(mark)) = (lines.first_mut(), doubt(change, uncertain)) {
        first.spans.push((Role::Warning, mark));
    }
    lines
}

/// What is on the target alone: the same list, without the word that it will be deleted.
pub fn there(changes: &[Change]) -> Vec<Line> {
    by_section(changes, |change| {
        let line = Line::of(0, Role::Muted, "  there  ").with(Role::Plain, subject(change));
        vec![line.with(Role::Plain, one_sided(change))]
    })
}

/// Changes by section, each as it is shown by this.
pub(super) fn by_section(changes: &[Change], show: impl Fn(&Change) -> Vec<Line>) -> Vec<Line> {
    let mut lines = Vec::new();
    for section in Section::ALL {
        let mut of_section = changes.iter().filter(|change| change.section() == section).peekable();
        if of_section.peek().is_some() {
            lines.push(Line::of(0, Role::Title, section.word()));
            lines.extend(of_section.flat_map(&show).map(|line| line.deeper(2)));
        }
    }
    lines
}

/// One change: what happens to which item on the target, with both values.
pub fn change(change: &Change) -> Vec<Line> {
    let role = Role::from(change.change);
    let line = Line::of(0, role, format!("{} {}  ", change.change.sign(), change.change.word()))
        .with(Role::Plain, subject(change));
    let remark = remark(change);
    let mut lines = match (change.change, change.fields.as_slice()) {
        (ChangeKind::Update, [only]) if only.field.raw() == "value" => both(line, "", only),
        (ChangeKind::Update, [only]) => both(line, &format!(", {}", only.field), only),
        (ChangeKind::Update, fields) => {
            let field = |field: &FieldChange| both(Line::of(4, Role::Plain, ""), &field.field.to_string(), field);
            std::iter::once(line).chain(fields.iter().flat_map(field)).collect()
        }
        _ => vec![line.with(Role::Plain, one_sided(change))],
    };
    if let (Some(first), Some(remark)) = (lines.first_mut(), remark) {
        first.spans.push((Role::Muted, format!(" ({remark})")));
    }
    lines
}

/// The item, with its owner where that is not the scope.
fn subject(change: &Change) -> String {
    match &change.key.owner {
        Owner::Scope => change.title(),
        owner => format!("{} of {owner}", change.title()),
    }
}

fn remark(change: &Change) -> Option<String> {
    match (&change.moved, change.change) {
        (Some(other), ChangeKind::Create) => Some(format!("moved from {}", other.name)),
        (Some(other), _) => Some(format!("moved to {}", other.name)),
        (None, _) => change.becomes_explicit.then(|| "becomes explicit on the target".into()),
    }
}

/// Both values, below each other where one of them looks like several.
fn both(line: Line, name: &str, field: &FieldChange) -> Vec<Line> {
    let canonical = |value: &Option<crate::model::Value>| value.as_ref().map(|value| value.canonical.clone());
    let (source, target) = visible_pair(canonical(&field.source).as_ref(), canonical(&field.target).as_ref());
    let (source, target) = (visible(source), visible(target));
    if [&source, &target].iter().any(|text| text.contains(", ")) {
        let below = |side: &str, text: &str| Line::of(line.indent + 4, Role::Muted, side).with(Role::Plain, text);
        let values = [below("source ", &source), below("target ", &target)];
        return std::iter::once(line.with(Role::Plain, format!("{name}:"))).chain(values).collect();
    }
    vec![line.with(Role::Plain, format!("{name}: source {source}, target {target}"))]
}

/// An empty text would be a hole in the line.
fn visible(text: String) -> String {
    if text.is_empty() { "(empty)".into() } else { text }
}

/// The values of an item that only one side has.
fn one_sided(change: &Change) -> String {
    let value = |field: &FieldChange| {
        let value = field.source.as_ref().or(field.target.as_ref());
        visible(value.map(|value| shown(&value.canonical)).unwrap_or_default())
    };
    match change.fields.as_slice() {
        [] => String::new(),
        [only] if only.field.raw() == "value" => format!(": {}", value(only)),
        fields => {
            let fields: Vec<String> = fields.iter().map(|field| format!("{} {}", field.field, value(field))).collect();
            format!(": {}", fields.join(", "))
        }
    }
}

fn shown(value: &Canonical) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ItemKey, KeyName, Kind, OptionKey, ReservationKey, Value};

    fn field(name: &str, source: Option<&str>, target: Option<&str>) -> FieldChange {
        let value = |text: &str| Value::own(text.into());
        FieldChange { field: name.into(), source: source.map(value), target: target.map(value) }
    }

    fn make(key: ItemKey, kind: ChangeKind, fields: Vec<FieldChange>) -> Change {
        Change { key, change: kind, label: None, fields, wanted: None, moved: None, becomes_explicit: false }
    }

    fn texts(lines: &[Line]) -> Vec<String> {
        lines.iter().map(Line::text).collect()
    }

    fn reservation(address: &str) -> ItemKey {
        ItemKey::reservation(ReservationKey::Address(address.parse().unwrap()))
    }

    #[test]
    fn by_section_with_both_values() {
        let mut moved = make(reservation("10.0.0.12"), ChangeKind::Create, vec![field("hostname", Some("a"), None)]);
        moved.moved = Some(reservation("10.0.0.42"));
        let routers = OptionKey { space: "dhcp4".into(), code: 3, tags: Vec::new(), nth: 0 };
        let owner = Owner::Reservation(ReservationKey::Address("10.0.0.9".parse().unwrap()));
        let option = |owner| ItemKey { owner, kind: Kind::Option, name: KeyName::Option(routers.clone()) };
        let mut gone = make(option(owner), ChangeKind::Delete, vec![field("data", None, Some("10.0.0.1"))]);
        gone.label = Some("routers".into());
        let both = vec![field("data", Some("10.0.0.1, 10.0.0.3"), Some("10.0.0.2"))];
        let update = make(option(Owner::Scope), ChangeKind::Update, both);
        let update = Change { label: Some("routers".into()), ..update };
        let all = [
            moved,
            make(ItemKey::property("comment"), ChangeKind::Update, vec![field("value", Some("a "), Some("a"))]),
            update,
            gone,
            make(
                reservation("10.0.0.13"),
                ChangeKind::Update,
                vec![field("hostname", Some("x"), Some("y")), field("server", None, Some(""))],
            ),
        ];
        assert_eq!(
            texts(&changes(&all)),
            [
                "properties",
                "  ~ update  comment: source \"a \", target \"a\"",
                "reservations",
                "  + create  10.0.0.12: hostname a (moved from 10.0.0.42)",
                "  ~ update  10.0.0.13",
                "      hostname: source x, target y",
                "      server: source (not set), target (empty)",
                "options",
                "  ~ update  routers (dhcp4/3), data:",
                "      source 10.0.0.1, 10.0.0.3",
                "      target 10.0.0.2",
                "  - delete  routers (dhcp4/3) of reservation 10.0.0.9: data 10.0.0.1",
            ]
        );
        let order: Vec<usize> = in_order(&all).map(|one| all.iter().position(|other| one == other).unwrap()).collect();
        assert_eq!(order, [1, 0, 4, 2, 3]);
        assert_eq!(Counts::of(&all).to_string(), "+1 ~3 -1");
        assert_eq!(Counts::of(&all).words(), "1 to create, 3 to update, 1 to delete");
    }

    #[test]
    fn what_only_the_target_has_is_not_called_a_deletion() {
        let all = [make(reservation("10.0.0.13"), ChangeKind::Delete, vec![field("hostname", None, Some("x"))])];
        assert_eq!(texts(&there(&all)), ["reservations", "    there  10.0.0.13: hostname x"]);
    }

    #[test]
    fn a_servers_text_cannot_reach_the_terminal() {
        let change = make(
            ItemKey::property("a\u{1b}[2J"),
            ChangeKind::Update,
            vec![field("value", Some("\u{202e}x\u{7}"), Some("y\n"))],
        );
        let text = texts(&super::change(&change)).concat();
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
    }
}
