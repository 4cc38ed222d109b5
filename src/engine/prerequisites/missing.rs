//! What a scope needs and the target lacks. What the target does not tell may be there.

use crate::engine::drift;
use crate::engine::port::{Refusal, Work};
use crate::model::{Canonical, Context, DefinitionKind, Foreign, Item, ItemKey, KeyName, Need, Scope};

/// Why the target would refuse this scope: what it needs is not there. A missing client class of Kea
/// is no refusal, for the target takes the scope without it; that is a finding.
pub fn missing(want: &Scope, target: &Context) -> Vec<Refusal> {
    let refuse = |name, message: String, hint: &str| Refusal { name, message, hint: hint.into(), overridable: false };
    let lacks = |kind, name: &Foreign| !target.unread.contains_key(&kind) && target.get(kind, name).is_none();
    want.needs
        .iter()
        .filter_map(|need| match need {
            Need::OptionDefinition(space, code) => {
                let name = Foreign::from(format!("{}/{code}", space.raw()));
                lacks(DefinitionKind::OptionDefinition, &name).then(|| {
                    refuse(
                        "option-definition-missing",
                        format!("the target has no definition of option {name}"),
                        "add the definition to the target's configuration first; scopesync never writes it",
                    )
                })
            }
            Need::Network(name) => {
                let wanted = want.network() == Some(name);
                (wanted && lacks(DefinitionKind::Network, name)).then(|| {
                    refuse(
                        "network-missing",
                        format!("the target has no shared network {name}"),
                        "add the shared network to the target's configuration first; scopesync never writes it",
                    )
                })
            }
            Need::Class(_) | Need::VendorClass(_) | Need::UserClass(_) => None,
        })
        .collect()
}

/// The same of vendor and user classes, which a Windows server wants to have where an option or a policy
/// that is written names them.
pub fn missing_classes(work: &Work, target: &Context) -> Vec<Refusal> {
    let Some(want) = &work.want else { return Vec::new() };
    let written = written(work, want);
    let refuse = |kind: DefinitionKind, class: &Foreign| {
        let lacks = !target.unread.contains_key(&kind) && target.get(kind, class).is_none();
        let used = || written.iter().any(|key| want.items.get(key).is_some_and(|item| names_class(key, item, class)));
        (lacks && used()).then(|| Refusal {
            name: "class-missing",
            message: format!("the target has no {} {class}", kind.words()),
            hint: "create the class on the target first; scopesync never writes it".to_owned(),
            overridable: false,
        })
    };
    let missing = want.needs.iter().filter_map(|need| match need {
        Need::VendorClass(class) => refuse(DefinitionKind::VendorClass, class),
        Need::UserClass(class) => refuse(DefinitionKind::UserClass, class),
        Need::OptionDefinition(..) | Need::Network(_) | Need::Class(_) => None,
    });
    missing.collect()
}

/// Why a Windows server would refuse an option that is written (20103): the servers define it as of different
/// types. `contexts` are of source and target.
pub fn other_types(work: &Work, contexts: [&Context; 2]) -> Vec<Refusal> {
    let Some(want) = &work.want else { return Vec::new() };
    let written = written(work, want);
    let refuse = |space: &Foreign, code: u32| {
        let name = Foreign::from(format!("{}/{code}", space.raw()));
        let [ours, theirs] =
            contexts.map(|context| context.get(DefinitionKind::OptionDefinition, &name)?.fields.get("type"));
        let (ours, theirs) = ours.zip(theirs).filter(|(ours, theirs)| ours != theirs)?;
        let is_it = |key: &ItemKey| matches!(&key.name, KeyName::Option(o) if o.space == *space && o.code == code);
        written.iter().any(is_it).then(|| Refusal {
            name: "option-type-differs",
            message: format!("option {name} is of another type on the target: source {ours}, target {theirs}"),
            hint: "make both definitions the same first; scopesync never writes them".to_owned(),
            overridable: false,
        })
    };
    let differing = want.needs.iter().filter_map(|need| match need {
        Need::OptionDefinition(space, code) => refuse(space, *code),
        _ => None,
    });
    differing.collect()
}

/// What comes to the target, with what belongs to it.
fn written(work: &Work, want: &Scope) -> Vec<ItemKey> {
    let coming = work.changes.iter().filter(|change| change.wanted.is_some()).map(|change| &change.key);
    coming.flat_map(|key| std::iter::once(key.clone()).chain(drift::owned_by(want, key))).collect()
}

fn names_class(key: &ItemKey, item: &Item, class: &Foreign) -> bool {
    fn says(value: &Canonical, class: &Foreign) -> bool {
        match value {
            Canonical::Text(text) => text.raw().trim_end_matches('*') == class.raw(),
            Canonical::List(list) => list.iter().any(|value| says(value, class)),
            Canonical::Map(map) => map.values().any(|value| says(value, class)),
            _ => false,
        }
    }
    match &key.name {
        KeyName::Option(option) => option.space == *class || option.tags.contains(class),
        _ => ["vendor-class", "user-class"]
            .iter()
            .any(|field| item.fields.get(*field).is_some_and(|value| says(&value.canonical, class))),
    }
}
