//! One change or finding in full, for values that are longer than a line.

use crate::model::Finding;
use crate::show::ScopeNames;

use super::drift::aligned::{self, Aligned};
use super::drift::{self, Subject};
use super::list::Scroll;

/// A text over the lists.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// What it is about.
    pub title: String,
    /// Paragraphs; wrapped when they are drawn. Safe to show.
    pub paragraphs: Vec<String>,
    /// How far it is scrolled.
    pub scroll: Scroll,
}

impl Detail {
    /// An item with all its fields and both values.
    pub fn of_item(scope: String, subject: &Subject, item: &Aligned<'_>) -> Self {
        let drift = &subject.compared.drift;
        let (sign, told) = drift::told(subject, item);
        let title = format!("{sign} {} {}", item.key().kind.word(), item.title());
        let mut paragraphs = vec![title.trim_start().to_owned(), told, String::new()];
        for field in item.fields() {
            let sides = aligned::sides(item.key(), field, true).map(Option::unwrap_or_default);
            paragraphs.push(format!("{}", field.field));
            for (side, (role, server)) in sides.iter().zip([("source", &drift.source), ("target", &drift.target)]) {
                let from = if side.inherited { ", inherited" } else { "" };
                paragraphs.push(format!("  {role} {server}: {}{from}", side.words()));
            }
            paragraphs.push(String::new());
        }
        Detail { title: format!("scope {scope}"), paragraphs, ..Detail::default() }
    }

    /// A finding with its hint and the scopes that it touches.
    pub fn of_finding(finding: &Finding, names: &ScopeNames) -> Self {
        let mut paragraphs = vec![finding.message.clone(), String::new()];
        match finding.hint.split_once('\n') {
            None => paragraphs.push(format!("What to do: {}", finding.hint)),
            Some(_) => {
                paragraphs.push("What to do:".to_owned());
                paragraphs.extend(finding.hint.lines().map(|step| format!("  {step}")));
            }
        }
        if !finding.scopes.is_empty() {
            let ids: Vec<String> = finding.scopes.iter().map(|id| names.name(*id)).collect();
            paragraphs.push(String::new());
            paragraphs.push(format!("Scopes: {}", ids.join(", ")));
        }
        let title = format!("{}, {}", drift::severity_word(finding.severity), drift::side_word(finding.side));
        Detail { title, paragraphs, ..Detail::default() }
    }

    /// Any text.
    pub fn of_text(title: impl Into<String>, text: impl Into<String>) -> Self {
        Detail { title: title.into(), paragraphs: vec![text.into()], ..Detail::default() }
    }
}
