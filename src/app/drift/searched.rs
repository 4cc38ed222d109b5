//! The lines of the pane as they are searched through.

use super::{Aligned, DriftPane, DriftRow, ItemAt, line, sides};
use crate::app::filter::Searched;
use crate::app::state::AppState;

/// A line as it is searched through.
pub fn searched(state: &AppState, row: DriftRow) -> Searched {
    let pane = &state.drift;
    let (text, at) = match row {
        DriftRow::Field(at, field) => (field_line(pane, at, field), Some(at)),
        DriftRow::Item(at) => (line(state, row).map(|(_, text)| text), Some(at)),
        row => (line(state, row).map(|(_, text)| text), None),
    };
    let item = at.and_then(|at| pane.item(at));
    Searched {
        text: text.unwrap_or_default(),
        section: match row {
            DriftRow::Section(head) => Some(head.section),
            _ => item.map(|item| item.key().section()),
        },
        change: item.and_then(|item| match item {
            Aligned::Change(change) => Some(change.change),
            Aligned::Left(_) => None,
        }),
    }
}

/// Both values of a field in one line.
pub fn field_line(pane: &DriftPane, at: ItemAt, field: usize) -> Option<String> {
    let (name, sides) = sides(pane, at, field)?;
    let [source, target] = sides.map(|side| side.map_or_else(|| "(none)".to_owned(), |side| side.words()));
    Some(format!("{name}: source {source} | target {target}"))
}
