//! What is searched for, marked in the lines that were drawn.

use ratatui::Frame;
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;

use super::{Theme, text};
use crate::app::search::Search;

/// Marks the matches in the lines of one row, and the row itself by a sign in the column before it.
pub(super) fn mark(frame: &mut Frame<'_>, theme: &Theme, row: Rect, search: &Search) {
    let x = row.x.saturating_sub(1);
    if let Some(cell) = frame.buffer_mut().cell_mut(Position::new(x, row.y)) {
        cell.set_char('/').set_style(theme.heading);
    }
    let mut is_seen = false;
    for y in row.top()..row.bottom() {
        for wanted in search.texts() {
            is_seen |= mark_line(frame, theme, Rect { y, height: 1, ..row }, wanted);
        }
    }
    // what is cut off, broken in two or taken apart is not found in the cells: all of the row has it
    if !is_seen {
        let cells = (row.top()..row.bottom()).flat_map(|y| (row.left()..row.right()).map(move |x| (x, y)));
        for at in cells {
            let cell = frame.buffer_mut().cell_mut(Position::from(at));
            cell.filter(|cell| cell.symbol() != " ").into_iter().for_each(|cell| style(theme, cell));
        }
    }
}

/// Marks a text wherever it stands in a line of the screen, in whatever letters.
fn mark_line(frame: &mut Frame<'_>, theme: &Theme, line: Rect, wanted: &str) -> bool {
    let (mut shown, mut cells) = (String::new(), Vec::new());
    let mut x = line.left();
    while let Some(cell) = frame.buffer_mut().cell(Position::new(x, line.y)).filter(|_| x < line.right()) {
        cells.push((shown.len(), x));
        shown.push_str(&cell.symbol().to_lowercase());
        x += u16::try_from(text::width(cell.symbol()).max(1)).unwrap_or(1);
    }
    let found: Vec<_> = shown.match_indices(wanted).map(|(at, _)| at..at + wanted.len()).collect();
    for range in &found {
        for (_, x) in cells.iter().filter(|(at, _)| range.contains(at)) {
            let cell = frame.buffer_mut().cell_mut(Position::new(*x, line.y));
            cell.into_iter().for_each(|cell| style(theme, cell));
        }
    }
    !found.is_empty()
}

/// On a highlighted line what is found stands out by not being turned round.
fn style(theme: &Theme, cell: &mut Cell) {
    let is_turned = cell.modifier.contains(Modifier::REVERSED);
    cell.set_style(theme.found);
    if is_turned && theme.found.add_modifier.contains(Modifier::REVERSED) {
        cell.modifier.remove(Modifier::REVERSED);
    }
}
