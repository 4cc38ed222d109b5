//! Small boxes over the lists.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::action::Action;
use crate::app::available::available;
use crate::app::runs::{Cancelled, Kind};
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
        text::wrap(&format!("Still under way: {}", titles.join("; ")), usize::from(width.saturating_sub(4)));
    let room = usize::from(width.saturating_sub(4));
    let step = state.running().map(|run| run.cancelled).min().flatten();
    let resets = state.running().all(|run| run.kind == Kind::Reset);
    let (waiting, key, choice) = match step {
        None if resets => ("", 'c', "quit without waiting for the servers: what was sent cannot be taken back"),
        None => ("", 'c', "cancel after the scope in flight, then quit"),
        Some(Cancelled::Soft) => {
            ("It is cancelled: waiting for the scope in flight.", 'c', "cancel after the request in flight, then quit")
        }
        Some(Cancelled::Hard) => (
            "It is cancelled: waiting for the server's answer to the request in flight.",
            'l',
            "leave now: what was written stays unknown; the history has the scopes as they were",
        ),
    };
    if !waiting.is_empty() {
        lines.extend(text::wrap(waiting, room));
    }
    lines.extend(["", "n  stay (also Esc, Enter)", "w  quit when it has ended"].map(str::to_owned));
    if available(state, Action::HandOver).is_ok() {
        let offer = "hand over: quit after the scope in flight; a job that outlives this terminal does the rest";
        let offer = text::wrap(offer, room.saturating_sub(3)).into_iter().enumerate();
        lines.extend(offer.map(|(at, line)| format!("{}  {line}", if at == 0 { 'j' } else { ' ' })));
    }
    let choice = text::wrap(choice, room.saturating_sub(3)).into_iter().enumerate();
    lines.extend(choice.map(|(at, line)| format!("{}  {line}", if at == 0 { key } else { ' ' })));
    fill(theme, frame, body, width, "a run is under way", &lines);
}

fn fill(theme: &Theme, frame: &mut Frame<'_>, body: Rect, width: u16, title: &str, lines: &[String]) {
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inside = pane::popup(frame, theme, body, width, height, title);
    for (line, y) in lines.iter().zip(inside.top()..inside.bottom()) {
        text::put(frame, inside.x, y, inside.width, line, Style::new());
    }
}
