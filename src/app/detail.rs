//! One change or finding in full, for values that are longer than a line.

use crate::model::{Change, Finding};
use crate::show::ScopeNames;

use super::drift;
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
    /// A change with all its fields and both values.
    pub fn of_change(scope: String, change: &Change, source: &str, target: &str) -> Self {
        let mut paragraphs = vec![drift::change_line(change), String::new()];
        for field in &change.fields {
            let (ours, theirs) = drift::values(field);
            paragraphs.push(format!("{}", field.field));
            paragraphs.push(format!("  source {source}: {ours}"));
            paragraphs.push(format!("  target {target}: {theirs}"));
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
