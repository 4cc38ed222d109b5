//! The drift pane: a scope's items side by side, or the findings of the relationship.

mod sides;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::drawn::{Starts, Window};
use crate::app::drift::{self, DriftRow, Look, Subject};
use crate::app::list::window_of;
use crate::app::state::{AppState, Pane};
use sides::Columns;

/// Draws the pane.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> Window {
    let focused = state.focus == Pane::Drift;
    let drift = &state.drift;
    let inside = pane::head(frame, theme, area, &title(state), focused);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(1), ..inside };
    let Some(subject) = &drift.subject else {
        without_subject(state, frame, inside);
        return Window { height: usize::from(inside.height.max(1)), ..Window::default() };
    };
    let columns = Columns::of(inside);
    let inside = match subject.scope.filter(|_| drift.has_sections()) {
        Some(_) => columns.heads(theme, frame, inside, subject),
        None => inside,
    };
    let len = drift.rows.len();
    let height = usize::from(inside.height.max(1));
    let heights = |at: usize| drift.rows.get(at).map_or(1, |row| lines(state, columns, inside.width, *row));
    let top = window_of(drift.scroll.top, drift.scroll.position(len), len, height, heights);
    let cursor = drift.scroll.position(len);
    let (mut y, mut shown, mut is_tall, mut starts) = (inside.top(), 0, false, Starts::default());
    for (at, row) in drift.rows.iter().enumerate().skip(top) {
        let tall = u16::try_from(heights(at)).unwrap_or(1);
        if y + tall > inside.bottom() && y > inside.top() {
            break;
        }
        let area = Rect { y, height: tall.min(inside.bottom().saturating_sub(y)), ..inside };
        starts.mark(y - inside.top());
        one(state, theme, frame, area, columns, *row);
        if focused && at == cursor {
            (area.top()..area.bottom()).for_each(|y| pane::shade(frame, inside, y, theme.cursor));
        }
        (y, shown, is_tall) = (y + tall, shown + 1, is_tall || tall > 1);
        if y >= inside.bottom() {
            break;
        }
    }
    let height = if columns.are_beside() && !is_tall { height } else { shown.max(1) };
    // what follows is not drawn
    if y < inside.bottom() {
        starts.mark(y - inside.top());
    }
    let window = Window { top, height, len, area: inside, starts };
    pane::extent(frame, theme, area, window);
    window
}

/// How many lines a row takes.
fn lines(state: &AppState, columns: Columns, width: u16, row: DriftRow) -> usize {
    match row {
        DriftRow::Field(at, _) => columns.lines(state.drift.item(at).is_some_and(|item| item.is_on_both())),
        _ if is_whole(row) => drift::line(state, row).map_or(1, |(_, line)| text::wrap(&line, width.into()).len()),
        _ => 1,
    }
}

/// Whether a line is never cut off: without what stands at its end nobody knows what is wrong.
fn is_whole(row: DriftRow) -> bool {
    matches!(row, DriftRow::Reason | DriftRow::Refused | DriftRow::Member(_))
}

fn one(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, columns: Columns, row: DriftRow) {
    if let DriftRow::Field(at, field) = row {
        let pane = &state.drift;
        if let (Some(subject), Some(item), Some((name, values))) =
            (&pane.subject, pane.item(at), drift::sides(pane, at, field))
        {
            columns.field(theme, frame, area, (subject, &item), &name.to_string(), &values);
        }
        return;
    }
    let Some((look, line)) = drift::line(state, row) else { return };
    if is_whole(row) {
        for (line, y) in text::wrap(&line, area.width.into()).iter().zip(area.top()..area.bottom()) {
            text::put(frame, area.x, y, area.width, line, style(theme, look));
        }
        return;
    }
    let line = match row {
        DriftRow::Section(head) => {
            let sign = if head.folded.is_some() { theme.glyphs.folded } else { theme.glyphs.open };
            format!("{sign} {line}")
        }
        _ => line,
    };
    let line = text::fit(&line, usize::from(area.width), theme.glyphs.more);
    text::put(frame, area.x, area.y, area.width, &line, style(theme, look));
}

fn title(state: &AppState) -> String {
    match &state.drift.subject {
        Some(Subject { scope: Some(id), .. }) => format!("drift of {}", state.names.name(*id)),
        Some(Subject { scope: None, compared, .. }) => format!("findings of {}", compared.drift.name),
        None => "drift".into(),
    }
}

fn without_subject(state: &AppState, frame: &mut Frame<'_>, area: Rect) {
    let Some(name) = state.current_server() else { return };
    let Some(report) = state.survey.server(name) else { return };
    let lines = match &report.outcome {
        Some(Err(error)) => {
            let hint = error.hint.as_ref().map(|hint| format!("what to do: {hint}"));
            std::iter::once(error.to_string()).chain(hint).collect()
        }
        Some(Ok(_)) => vec![report.place.clone()],
        None => vec![format!("{}: being read", report.place)],
    };
    let width = usize::from(area.width.saturating_sub(1));
    let lines = lines.iter().flat_map(|line| text::wrap(line, width));
    for (line, y) in lines.zip(area.top()..area.bottom()) {
        text::put(frame, area.x, y, area.width, &line, Style::new());
    }
}

/// The style of a look.
pub(super) fn style(theme: &Theme, look: Look) -> Style {
    match look {
        Look::Plain => Style::new(),
        Look::Heading => theme.heading,
        Look::Quiet => theme.quiet,
        Look::Create => theme.create,
        Look::Update => theme.update,
        Look::Delete => theme.delete,
        Look::Refusal => theme.bad,
        Look::Warning => theme.warning,
    }
}
