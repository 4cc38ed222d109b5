//! Small boxes over the lists.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::action::Action;
use crate::app::available::available;
use crate::app::export::Exporting;
use crate::app::keymap;
use crate::app::runs::{Cancelled, Kind};
use crate::app::state::AppState;

/// While a plan is being made.
pub(super) fn planning(
    state: &AppState,
    (picked, waits_for): (&str, &str),
    theme: &Theme,
    frame: &mut Frame<'_>,
    body: Rect,
) {
    let width = body.width.saturating_sub(4).min(76);
    let room = usize::from(width.saturating_sub(4));
    let mut lines = text::wrap(picked, room);
    let words = format!("Reading {waits_for} and making the plan. Nothing is written yet.");
    lines.extend(text::wrap(&words, room));
    lines.push(format!("{} gives up", state.key(Action::Abandon)));
    fill(theme, frame, body, width, "planning", &lines);
}

/// The question for the file to export to.
pub(super) fn exporting(exporting: &Exporting, theme: &Theme, frame: &mut Frame<'_>, body: Rect) {
    let width = body.width.saturating_sub(4).min(90);
    let room = usize::from(width.saturating_sub(4));
    let mut lines = text::wrap(&exporting.words, room);
    lines.extend(match exporting.saving.ticket {
        Some(_) => vec!["It is being written.".to_owned()],
        None => text::wrap("A name that ends in .json makes it JSON, any other CSV.", room),
    });
    lines.push(text::typed("file: ", exporting.saving.entry.text(), room));
    fill(theme, frame, body, width, "export", &lines);
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
    let (waiting, further, choice) = match step {
        None if resets => {
            ("", Action::QuitCancelling, "quit without waiting for the servers: what was sent cannot be taken back")
        }
        None => ("", Action::QuitCancelling, "cancel after the scope in flight, then quit"),
        Some(Cancelled::Soft) => {
            let waiting = "It is cancelled: waiting for the scope in flight.";
            (waiting, Action::QuitCancelling, "cancel after the request in flight, then quit")
        }
        Some(Cancelled::Hard) => (
            "It is cancelled: waiting for the server's answer to the request in flight.",
            Action::LeaveNow,
            "leave now: what was written stays unknown; the history has the scopes as they were",
        ),
    };
    if !waiting.is_empty() {
        lines.extend(text::wrap(waiting, room));
    }
    lines.push(String::new());
    let stay = keymap::named("stay").map(|verb| state.setting.keymap.words(verb)).unwrap_or_default();
    let also = stay.get(1..).filter(|others| !others.is_empty());
    let stay = also.map_or("stay".to_owned(), |others| format!("stay (also {})", others.join(", ")));
    let mut offers = vec![(Action::Stay, stay.as_str()), (Action::QuitAfterRuns, "quit when it has ended")];
    if available(state, Action::HandOver).is_ok() {
        let offer = "hand over: quit after the scope in flight; a job that outlives this terminal does the rest";
        offers.push((Action::HandOver, offer));
    }
    offers.push((further, choice));
    let keys: Vec<String> = offers.iter().map(|(action, _)| state.key(*action)).collect();
    let wide = keys.iter().map(|key| text::width(key)).max().unwrap_or(0);
    for (key, (_, offer)) in keys.iter().zip(offers) {
        let offer = text::wrap(offer, room.saturating_sub(wide + 2)).into_iter().enumerate();
        lines.extend(offer.map(|(at, line)| format!("{:<wide$}  {line}", if at == 0 { key.as_str() } else { "" })));
    }
    fill(theme, frame, body, width, "a run is under way", &lines);
}

fn fill(theme: &Theme, frame: &mut Frame<'_>, body: Rect, width: u16, title: &str, lines: &[String]) {
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inside = pane::popup(frame, theme, body, width, height, title);
    for (line, y) in lines.iter().zip(inside.top()..inside.bottom()) {
        text::put(frame, inside.x, y, inside.width, line, Style::new());
    }
}
