//! The list of the fleet: relationships with mode, both states and drift; their scopes; servers.

mod columns;
mod node;
mod scope;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::action::Action;
use crate::app::drawn::Window;
use crate::app::filter::Filter;
use crate::app::fleet::marks;
use crate::app::fleet::rows::Row;
use crate::app::pick;
use crate::app::state::{AppState, Pane};
use crate::config::Column;
use crate::model::Condition;
use crate::show::plural;
use columns::{MARGIN, Slot};

/// Draws the pane.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> Window {
    let focused = state.focus == Pane::List;
    let tree = &state.tree;
    let inside = pane::head(frame, theme, area, &title(state, theme), focused);
    let (slots, left_out) = columns::lay(state, inside);
    titles(state, theme, frame, inside, &slots);
    if left_out > 0 {
        let told = format!(" +{left_out}");
        let columns = u16::try_from(text::width(&told)).unwrap_or(0);
        text::put(frame, inside.right().saturating_sub(columns), inside.y, columns, &told, theme.quiet);
    }
    let inside = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    let height = usize::from(inside.height.max(1));
    let window = Window { top: tree.window(height), height, len: tree.rows.len(), area: inside, ..Window::default() };
    pane::extent(frame, theme, area, window);
    let range = tree.range();
    for ((at, row), y) in tree.rows.rows.iter().enumerate().skip(window.top).zip(inside.top()..inside.bottom()) {
        let line = Rect { y, height: 1, ..inside };
        let Some(node) = tree.rows.node(*row) else { continue };
        match row {
            Row::Node(_) => node::draw(state, theme, frame, line, &slots, node),
            Row::Scope { at, .. } => {
                let name = node.key.relationship.as_ref();
                let found = name.and_then(|name| Some((state.relationship(name)?, state.relations.get(name)?)));
                if let Some((relationship, relation)) = found {
                    scope::draw(state, theme, frame, line, &slots, (relationship, relation, *at as usize));
                }
            }
        }
        if range.as_ref().is_some_and(|range| range.contains(&at)) {
            text::put(frame, line.x + 2, y, 1, theme.glyphs.vertical, theme.heading);
            pane::shade(frame, line, y, theme.resting);
        }
        if tree.position() == Some(at) {
            text::put(frame, line.x, y, 1, ">", theme.heading);
            pane::shade(frame, line, y, if focused { theme.cursor } else { theme.resting });
        }
    }
    if tree.rows.is_empty() {
        let text = match tree.filter.is_empty() {
            true => "no server is configured".to_owned(),
            false => format!("nothing fits the filter ({} takes it away)", state.key(Action::Back)),
        };
        text::put(frame, inside.x + MARGIN, inside.y, inside.width, &text, theme.quiet);
    }
    window
}

/// What the keys would do something to, what must not be cut off first.
fn title(state: &AppState, theme: &Theme) -> String {
    let mut parts: Vec<String> = marks::words(state).into_iter().collect();
    if !state.tree.filter.is_empty() {
        parts.push(filter(state));
    }
    if let Some((relationship, _)) = state.current() {
        let [source, target] = pick::directed(state, relationship);
        parts.push(format!("{} {} {}", source.shown(), theme.glyphs.arrow, target.shown()));
        parts.extend(match relationship.trouble() {
            Some(Condition::Terminated) => Some("TERMINATED".to_owned()),
            Some(_) => Some("OUT OF TOUCH".to_owned()),
            None => None,
        });
    }
    if state.tree.is_outdated {
        parts.push(format!("order changed: {} sorts anew", state.key(Action::Sort)));
    }
    if parts.is_empty() { "fleet".to_owned() } else { parts.join(", ") }
}

/// The filter, and how many scopes it leaves.
fn filter(state: &AppState) -> String {
    let text = &state.tree.filter;
    let relations = || state.relations.values();
    let shown: usize = relations().map(|relation| relation.tally.scopes).sum();
    let all: usize = relations().filter_map(|r| r.compared.as_ref()).map(|compared| compared.summary.scopes).sum();
    let unjudged = match relations().map(|relation| relation.unjudged).sum() {
        0 => String::new(),
        count => format!(", use of {} not known", plural(count, "scope")),
    };
    format!("{}: {shown} of {}{unjudged}", Filter::fleet(text, &state.survey).title(text), plural(all, "scope"))
}

/// The titles of the columns, with a sign above the one that is sorted by.
fn titles(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, slots: &[Slot]) {
    let sort = state.tree.sort;
    for slot in slots {
        let sign = match (sort.column == slot.column, sort.reversed) {
            (false, _) => "",
            (true, false) => theme.glyphs.sorted,
            (true, true) => theme.glyphs.reversed,
        };
        let title = format!("{}{sign}", slot.column.name());
        let (x, width) = match slot.column {
            Column::Scope => (slot.x + MARGIN, slot.width - MARGIN),
            _ => (slot.x, slot.width),
        };
        let title = text::fit(&title, usize::from(width), theme.glyphs.more);
        let right = matches!(slot.column, Column::Create | Column::Update | Column::Delete);
        let x = if right { x + width.saturating_sub(u16::try_from(text::width(&title)).unwrap_or(width)) } else { x };
        text::put(frame, x, area.y, width, &title, theme.quiet);
    }
}

/// A count at the right of its column; nothing where there is none.
fn number(theme: &Theme, frame: &mut Frame<'_>, place: Rect, count: Option<usize>) {
    let Some(count) = count.filter(|count| *count > 0) else { return };
    let number = text::fit(&count.to_string(), usize::from(place.width), theme.glyphs.more).into_owned();
    let x = place.right().saturating_sub(u16::try_from(text::width(&number)).unwrap_or(place.width));
    text::put(frame, x, place.y, place.width, &number, Style::new());
}
