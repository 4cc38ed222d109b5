//! Small boxes over the lists.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::state::AppState;

/// While a plan is being made.
pub(super) fn planning(picked: &str, theme: &Theme, frame: &mut Frame<'_>, body: Rect) {
    let width = body.width.saturating_sub(4).min(76);
    let mut lines = text::wrap(picked, usize::from(width.saturating_sub(4)));
    lines.push("Reading both partners and making the plan. Nothing is written yet.".into());
    lines.push("Esc gives up".into());
    fill(theme, frame, body, width, "planning", &lines);
}

/// The question whether to end while a run is under way.
pub(super) fn quitting(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, body: Rect) {
    let titles: Vec<String> = state.running().map(|run| run.title()).collect();
    let width = body.width.saturating_sub(4).min(76);
    let mut lines =
        text::wrap(&format!("Still replicating: {}", titles.join("; ")), usize::from(width.saturating_sub(4)));
    lines.extend(
        [
            "",
            "n  stay (also Esc, Enter)",
            "w  quit when it has ended",
            "c  cancel after the scope in flight, then quit",
        ]
        .map(str::to_owned),
    );
    fill(theme, frame, body, width, "a run is under way", &lines);
}

fn fill(theme: &Theme, frame: &mut Frame<'_>, body: Rect, width: u16, title: &str, lines: &[String]) {
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inside = pane::popup(frame, theme, body, width, height, title);
    for (line, y) in lines.iter().zip(inside.top()..inside.bottom()) {
        text::put(frame, inside.x, y, inside.width, line, Style::new());
    }
}
