//! A digest of one scope on one side: its normalised items and what it depends on.

use std::io::Write as _;

use sha2::{Digest, Sha256};

use crate::model::{Canonical, Context, DefinitionKind, Need, Scope};

/// The version of the recipe below. Fingerprints of different versions never match.
const VERSION: &str = "1";

/// The fingerprint of a scope with the prerequisites that it uses, as hexadecimal text
/// with the recipe's version before it.
///
/// Normalised values go in, so two spellings of one configuration have one fingerprint;
/// inherited values go in with their origin, so a global change is noticed.
pub fn of(scope: &Scope, context: &Context) -> String {
    let mut digest = Recipe::default();
    digest.text(VERSION);
    digest.format(format_args!("{}", scope.id));
    for (key, item) in &scope.items {
        digest.format(format_args!("{key:?}"));
        digest.format(format_args!("{:?}", item.rank));
        for (field, value) in &item.fields {
            digest.text(field.raw());
            digest.value(&value.canonical);
            digest.text(if value.is_inherited() { "inherited" } else { "own" });
        }
    }
    for need in &scope.needs {
        let (kind, name) = match need {
            Need::Class(name) => (DefinitionKind::Class, name.clone()),
            Need::VendorClass(name) => (DefinitionKind::VendorClass, name.clone()),
            Need::UserClass(name) => (DefinitionKind::UserClass, name.clone()),
            Need::Network(name) => (DefinitionKind::Network, name.clone()),
            Need::OptionDefinition(space, code) => {
                (DefinitionKind::OptionDefinition, format!("{}/{code}", space.raw()).into())
            }
        };
        digest.format(format_args!("{kind:?} {}", name.raw()));
        for (field, value) in context.get(kind, &name).map(|d| &d.fields).into_iter().flatten() {
            digest.text(field.raw());
            digest.value(value);
        }
    }
    format!("{VERSION}:{}", hex(&digest.sum.finalize()[..16]))
}

/// Texts one after the other, each with its length before it. Thousands of scopes go through
/// here in a run, so nothing is allocated for each text.
#[derive(Default)]
struct Recipe {
    sum: Sha256,
    buffer: Vec<u8>,
}

impl Recipe {
    fn text(&mut self, text: &str) {
        self.sum.update((text.len() as u64).to_le_bytes());
        self.sum.update(text.as_bytes());
    }

    fn format(&mut self, text: std::fmt::Arguments<'_>) {
        self.buffer.clear();
        // writing to memory does not fail
        let _ = self.buffer.write_fmt(text);
        self.sum.update((self.buffer.len() as u64).to_le_bytes());
        self.sum.update(&self.buffer);
    }

    fn value(&mut self, value: &Canonical) {
        self.buffer.clear();
        let _ = serde_json::to_writer(&mut self.buffer, value);
        self.sum.update((self.buffer.len() as u64).to_le_bytes());
        self.sum.update(&self.buffer);
    }
}

/// Bytes as lower-case hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recipe as plainly as it can be said, for what has no needs.
    fn plainly(scope: &Scope) -> String {
        let mut texts = vec![VERSION.to_owned(), scope.id.to_string()];
        for (key, item) in &scope.items {
            texts.extend([format!("{key:?}"), format!("{:?}", item.rank)]);
            for (field, value) in &item.fields {
                let origin = if value.is_inherited() { "inherited" } else { "own" };
                texts.extend([field.raw().to_owned(), value.canonical.to_json().to_string(), origin.to_owned()]);
            }
        }
        let mut digest = Sha256::new();
        for text in texts {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
        format!("{VERSION}:{}", hex(&digest.finalize()[..16]))
    }

    /// The history and plans hold fingerprints: a new recipe needs a new version.
    #[test]
    fn the_recipe_is_that_of_its_version() {
        use crate::model::{Complete, Item, ItemKey, ReservationKey, Value};
        use serde_json::json;
        let own = |value| Item::single(Value::own(value));
        let items = [
            (ItemKey::property("valid-lifetime"), own(json!(3600))),
            (ItemKey::property("t1-percent"), own(json!(0.5))),
            (ItemKey::property("relay"), own(json!({"ip-addresses": ["10.0.0.1", null, true]}))),
            (ItemKey::reservation(ReservationKey::Address([10, 0, 0, 9].into())), own(json!("a \"b\" \u{fc}"))),
        ];
        let scope = Scope {
            id: "10.0.0.0/24".parse().unwrap(),
            name: None,
            native: Default::default(),
            items: items.into(),
            parents: Default::default(),
            needs: [Need::Class("voip".into())].into(),
            unreadable: Default::default(),
            complete: Complete::Whole,
        };
        assert_eq!(of(&scope, &Context::default()), "1:cd9e8ad08f719638a41423b1000f2759");
        let scope = Scope { needs: Default::default(), ..scope };
        assert_eq!(of(&scope, &Context::default()), plainly(&scope));
    }
}
