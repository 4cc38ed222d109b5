//! The drift pane: changes by section with both values, or the findings of the relationship.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::drawn::Window;
use crate::app::drift::{self, DriftRow, Look, Subject};
use crate::app::state::{AppState, LeftKey, Pane};

/// Draws the pane.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> Window {
    let focused = state.focus == Pane::Drift;
    let drift = &state.drift;
    let inside = pane::head(frame, theme, area, &title(state), focused);
    let height = usize::from(inside.height.max(1));
    let len = drift.rows.len();
    let top = drift.scroll.window(len, height);
    let window = Window { top, height, len, area: inside };
    pane::extent(frame, theme, area, window);
    let Some(subject) = &drift.subject else {
        without_subject(state, frame, inside);
        return window;
    };
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(1), ..inside };
    for (row, y) in drift.rows.iter().skip(top).zip(inside.top()..inside.bottom()) {
        match row {
            DriftRow::Field(change, field) => values(theme, frame, inside, y, subject, *change, *field),
            row => {
                if let Some((look, line)) = drift::line(state, subject, *row) {
                    let line = text::fit(&line, usize::from(inside.width), theme.glyphs.more);
                    text::put(frame, inside.x, y, inside.width, &line, style(theme, look));
                }
            }
        }
    }
    if focused {
        let at = drift.scroll.position(len).saturating_sub(top);
        if let Some(y) = u16::try_from(at).ok().map(|at| inside.y + at).filter(|y| *y < inside.bottom() && len > 0) {
            pane::shade(frame, inside, y, theme.cursor);
        }
    }
    window
}

fn title(state: &AppState) -> String {
    match &state.drift.subject {
        Some(Subject { scope: Some(id), .. }) => format!("drift of {}", state.names.name(*id)),
        Some(Subject { scope: None, compared }) => format!("findings of {}", compared.drift.name),
        None => "drift".into(),
    }
}

fn without_subject(state: &AppState, frame: &mut Frame<'_>, area: Rect) {
    let Some(LeftKey::Server(name)) = state.left_key() else { return };
    let Some(report) = state.survey.server(name) else { return };
    let lines = match &report.outcome {
        Some(Err(error)) => {
            let hint = error.hint.as_ref().map(|hint| format!("what to do: {hint}"));
            std::iter::once(error.to_string()).chain(hint).collect()
        }
        Some(Ok(_)) => vec![format!("{}: in no failover relationship", report.place)],
        None => vec![format!("{}: being read", report.place)],
    };
    let width = usize::from(area.width.saturating_sub(2));
    let lines = lines.iter().flat_map(|line| text::wrap(line, width));
    for (line, y) in lines.zip(area.top()..area.bottom()) {
        text::put(frame, area.x + 1, y, area.width.saturating_sub(1), &line, Style::new());
    }
}

/// A field with both values, source first, as `source → target` everywhere else.
fn values(theme: &Theme, frame: &mut Frame<'_>, area: Rect, y: u16, subject: &Subject, change: usize, field: usize) {
    let Some(field) = subject.scope().and_then(|scope| scope.changes.get(change)?.fields.get(field)) else { return };
    let (source, target) = drift::values(field);
    let name = format!("      {}: ", field.field);
    let fixed = text::width(&name) + "source ".len() + " | target ".len();
    let room = usize::from(area.width).saturating_sub(fixed);
    let (a, b) = (text::width(&source), text::width(&target));
    // Each gets half, and what the other one leaves.
    let (for_a, for_b) = if a + b <= room { (a, b) } else { (a.min((room / 2).max(room.saturating_sub(b))), b) };
    let for_b = for_b.min(room.saturating_sub(for_a));
    let more = theme.glyphs.more;
    let mut x = area.x;
    for (part, style) in [
        (name.as_str(), Style::new()),
        ("source ", theme.quiet),
        (&text::fit(&source, for_a, more), Style::new()),
        (" | ", theme.quiet),
        ("target ", theme.quiet),
        (&text::fit(&target, for_b, more), Style::new()),
    ] {
        x = text::put(frame, x, y, area.right().saturating_sub(x), part, style);
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
