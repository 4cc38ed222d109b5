//! Rules for differences that are meant to be.

use std::collections::BTreeMap;

use crate::model::{Change, ChangeKind, FieldChange, Foreign, Section};

/// One rule: what matches every part that it gives is no drift and is never written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreRule {
    /// Section; `None` for every one.
    pub section: Option<Section>,
    /// Pattern for the item's name, with `*`; `None` for every one.
    pub item: Option<String>,
    /// Pattern for the field's name, with `*`; `None` for every one.
    pub field: Option<String>,
    /// Why the difference is meant to be.
    pub reason: String,
}

impl IgnoreRule {
    fn matches_item(&self, change: &Change) -> bool {
        self.section.is_none_or(|section| section == change.section())
            && self.item.as_deref().is_none_or(|pattern| {
                let label = change.label.as_ref().map(|label| label.raw());
                matches(pattern, &change.key.name.to_string()) || label.is_some_and(|l| matches(pattern, l))
            })
    }
}

/// How many differences were ignored for each reason; reasons are safe to show.
pub type Ignored = BTreeMap<String, usize>;

/// Takes out of the changes what the rules ignore, and counts it. An update keeps the
/// fields that no rule names; a creation or deletion goes only as a whole, and only by a
/// rule that names no field.
pub fn apply(rules: &[IgnoreRule], changes: Vec<Change>) -> (Vec<Change>, Ignored) {
    let mut ignored = Ignored::new();
    if rules.is_empty() {
        return (changes, ignored);
    }
    let mut count = |rule: &IgnoreRule, _: &[FieldChange]| {
        *ignored.entry(Foreign::cleaned(rule.reason.as_str())).or_default() += 1;
    };
    let kept = changes.into_iter().filter_map(|change| keep(rules, change, &mut count)).collect();
    (kept, ignored)
}

/// What the rules ignore of these changes, each with the reason; of an update a change for each reason,
/// with the fields that are ignored for it. Reasons are safe to show.
pub fn ignored(rules: &[IgnoreRule], changes: &[Change]) -> Vec<(Change, String)> {
    let mut ignored = Vec::new();
    for change in changes {
        let mut parts: BTreeMap<String, Vec<FieldChange>> = BTreeMap::new();
        keep(rules, change.clone(), &mut |rule, fields| {
            parts.entry(Foreign::cleaned(&rule.reason)).or_default().extend_from_slice(fields);
        });
        ignored.extend(parts.into_iter().map(|(reason, fields)| (Change { fields, ..change.clone() }, reason)));
    }
    ignored
}

fn keep(
    rules: &[IgnoreRule],
    mut change: Change,
    ignore: &mut impl FnMut(&IgnoreRule, &[FieldChange]),
) -> Option<Change> {
    let rules: Vec<&IgnoreRule> = rules.iter().filter(|rule| rule.matches_item(&change)).collect();
    if let Some(rule) = rules.iter().find(|rule| rule.field.is_none()) {
        ignore(rule, &change.fields);
        return None;
    }
    if change.change != ChangeKind::Update {
        return Some(change);
    }
    change.fields.retain(|field| {
        let named = |rule: &&&IgnoreRule| rule.field.as_deref().is_some_and(|p| matches(p, field.field.raw()));
        let rule = rules.iter().find(named);
        rule.into_iter().for_each(|rule| ignore(rule, std::slice::from_ref(field)));
        rule.is_none()
    });
    (!change.fields.is_empty()).then_some(change)
}

/// Whether a text matches a pattern in which `*` stands for any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = pattern.rsplit_once('*').map(|(_, last)| last) else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    // the last part must stand at the end, wherever the search above met it first
    rest.is_empty() || text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("relay", "relay", true),
            ("relay", "relays", false),
            ("*", "", true),
            ("10.0.*", "10.0.3.4", true),
            ("*.img", "a.img.img", true),
            ("*.img", "a.img.x", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "acb", false),
            ("*a", "ba", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
