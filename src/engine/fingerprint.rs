//! A digest of one scope on one side: its normalised items and what it depends on.

use sha2::{Digest, Sha256};

use crate::model::{Context, DefinitionKind, Need, Scope};

/// The version of the recipe below. Fingerprints of different versions never match.
const VERSION: &str = "1";

/// The fingerprint of a scope with the prerequisites that it uses, as hexadecimal text
/// with the recipe's version before it.
///
/// Normalised values go in, so two spellings of one configuration have one fingerprint;
/// inherited values go in with their origin, so a global change is noticed.
pub fn of(scope: &Scope, context: &Context) -> String {
    let mut digest = Sha256::new();
    let mut feed = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    };
    feed(VERSION);
    feed(&scope.id.to_string());
    for (key, item) in &scope.items {
        feed(&format!("{key:?}"));
        feed(&format!("{:?}", item.rank));
        for (field, value) in &item.fields {
            feed(field.raw());
            feed(&value.canonical.to_json().to_string());
            feed(if value.is_inherited() { "inherited" } else { "own" });
        }
    }
    for need in &scope.needs {
        let (kind, name) = match need {
            Need::Class(name) => (DefinitionKind::Class, name.clone()),
            Need::Network(name) => (DefinitionKind::Network, name.clone()),
            Need::OptionDefinition(space, code) => {
                (DefinitionKind::OptionDefinition, format!("{}/{code}", space.raw()).into())
            }
        };
        feed(&format!("{kind:?} {}", name.raw()));
        for (field, value) in context.get(kind, &name).map(|d| &d.fields).into_iter().flatten() {
            feed(field.raw());
            feed(&value.to_json().to_string());
        }
    }
    format!("{VERSION}:{}", hex(&digest.finalize()[..16]))
}

/// Bytes as lower-case hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
