//! Which findings stand beside which items.

use crate::model::{Canonical, Finding, FindingKind, ItemKey, KeyName, Kind, ScopeId, Section};

use super::aligned::{Aligned, Why};

/// Whether a finding is about this item of a scope.
pub(super) fn concerns(finding: &Finding, scope: ScopeId, item: &Aligned<'_>) -> bool {
    let key = item.key();
    // what is inherited differs for all scopes, and is listed for none
    let is_general = finding.kind == FindingKind::GlobalDiffers && finding.scopes.is_empty();
    if !is_general && !finding.scopes.contains(&scope) {
        return false;
    }
    match finding.kind {
        FindingKind::ScopeIdDiffers => *key == ItemKey::property("id"),
        FindingKind::MembershipDiffers => *key == ItemKey::relationship(),
        FindingKind::NetworkMissing => *key == ItemKey::property("shared-network"),
        FindingKind::OptionDefinition => matches!(&key.name, KeyName::Option(_)) && names(finding, &option(key)),
        FindingKind::ClassMissing | FindingKind::ClassDiffers => classes(item).any(|class| names(finding, &class)),
        FindingKind::Unreadable => matches!(item, Aligned::Left(left) if left.why == Why::Hidden),
        FindingKind::GlobalDiffers | FindingKind::NetworkDiffers => {
            let follows = match item {
                Aligned::Change(change) => change.becomes_explicit || change.wanted.is_none(),
                Aligned::Left(left) => left.why == Why::Inherited,
            };
            follows && key.kind == Kind::Property && names(finding, &key.name.to_string())
        }
        _ => false,
    }
}

/// Whether a finding of the whole relationship is about the items of a section.
pub(super) fn of_section(finding: &Finding, section: Section) -> bool {
    let is_of_reservations = matches!(finding.kind, FindingKind::ReservationMode | FindingKind::HostsDatabase);
    is_of_reservations && section == Section::Reservations
}

/// The option as findings name it: without what limits it.
fn option(key: &ItemKey) -> String {
    match &key.name {
        KeyName::Option(option) => format!("{}/{}", option.space, option.code),
        name => name.to_string(),
    }
}

/// Names that an item may take from a class: what limits it, and what its values say.
fn classes(item: &Aligned<'_>) -> impl Iterator<Item = String> {
    let mut classes = Vec::new();
    if let KeyName::Option(option) = &item.key().name {
        classes.push(option.space.to_string());
        classes.extend(option.tags.iter().map(ToString::to_string));
    }
    let values = item.fields().iter().flat_map(|field| [&field.source, &field.target]).flatten();
    for value in values {
        texts(&value.canonical, &mut classes);
    }
    classes.into_iter()
}

fn texts(value: &Canonical, found: &mut Vec<String>) {
    match value {
        Canonical::Text(text) => found.push(text.to_string()),
        Canonical::List(list) => list.iter().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// Whether the words of a finding name this.
fn names(finding: &Finding, name: &str) -> bool {
    let ends = |at: usize| finding.message[at..].chars().next().is_none_or(|c| c == ' ' || c == ')' || c == ':');
    let begins = |at: usize| finding.message[..at].chars().next_back().is_some_and(|c| c == ' ' || c == '(');
    !name.is_empty() && finding.message.match_indices(name).any(|(at, _)| begins(at) && ends(at + name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::drift::aligned::Left;
    use crate::model::{FindingSide, OptionKey, Owner, Severity, Value};

    fn finding(kind: FindingKind, message: &str, scopes: &[ScopeId]) -> Finding {
        Finding {
            severity: Severity::Warning,
            kind,
            side: FindingSide::Target,
            scopes: scopes.to_vec(),
            message: message.to_owned(),
            hint: String::new(),
        }
    }

    fn left(key: ItemKey, value: &str, why: Why) -> Left {
        let value = Some(Value::own(value.into()));
        let field = crate::model::FieldChange { field: "value".into(), source: value.clone(), target: value };
        Left { key, label: None, fields: vec![field], why }
    }

    #[test]
    fn findings_stand_beside_what_they_name() {
        let id: ScopeId = "10.0.0.0/24".parse().unwrap();
        let name = KeyName::Option(OptionKey { space: "dhcp4".into(), code: 22, tags: Vec::new(), nth: 0 });
        let option = left(ItemKey { owner: Owner::Scope, kind: Kind::Option, name }, "x", Why::Same);
        let lifetime = |why| left(ItemKey::property("valid-lifetime"), "3600", why);
        let policy = left(ItemKey::property("client-classes"), "voip phones", Why::Same);
        for (kind, message, scopes, item, expected) in [
            (
                FindingKind::OptionDefinition,
                "option definition pxe (dhcp4/22) is missing on two",
                &[id][..],
                &option,
                true,
            ),
            (FindingKind::OptionDefinition, "option definition dhcp4/22 is missing on two", &[id], &option, true),
            (FindingKind::OptionDefinition, "option definition dhcp4/222 is missing on two", &[id], &option, false),
            (FindingKind::OptionDefinition, "option definition dhcp4/22 is missing on two", &[], &option, false),
            (FindingKind::ClassMissing, "client class voip phones is missing on two", &[id], &policy, true),
            (FindingKind::ClassMissing, "client class voip is missing on two", &[id], &policy, false),
            (
                FindingKind::GlobalDiffers,
                "global value valid-lifetime differs: source 1, target 2",
                &[],
                &lifetime(Why::Inherited),
                true,
            ),
            (FindingKind::GlobalDiffers, "global value valid-lifetime differs", &[], &lifetime(Why::Same), false),
            (FindingKind::ScopeIdDiffers, "scopes with another id", &[id], &lifetime(Why::Same), false),
            (FindingKind::ScopeIdDiffers, "another", &[id], &left(ItemKey::property("id"), "7", Why::Same), true),
        ] {
            let finding = finding(kind, message, scopes);
            assert_eq!(concerns(&finding, id, &Aligned::Left(item)), expected, "{message}");
        }
    }
}
