//! From [`AppState`] to a frame. Reads only; what drawing alone knows, such as the height of
//! a list, is returned.
//!
//! Of a list only the visible rows are built, so a frame costs the same whatever the length.

mod copy;
mod detail;
mod dialog;
mod drift;
mod fleet;
mod follow;
mod help;
mod history;
mod jobs;
mod log;
mod palette;
mod pane;
mod preview;
mod reset;
mod search;
mod start;
mod status;
mod text;
mod theme;
mod title;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;

use crate::app::action::Action;
use crate::app::state::{AppState, Pane, Quitting, View};

pub use crate::app::drawn::Drawn;
pub use follow::{Follower, REST};
pub use theme::{Glyphs, Theme};

/// Smaller windows show nothing but that they are too small.
pub const SMALLEST: (u16, u16) = (60, 12);

/// From this width on the drift stands beside the lists.
const WIDE: u16 = 160;

/// Draws the state.
pub fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>) -> Drawn {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(state, theme, frame, area);
        theme.paint(frame.buffer_mut());
        return Drawn { too_small: true, ..Drawn::default() };
    }
    let banner = title::banner_lines(state, theme, area);
    let [bottom, more] = status::heights(state, theme, area);
    let [head, news, whole, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::try_from(banner.len()).unwrap_or(0)),
        Constraint::Min(1),
        Constraint::Length(bottom),
    ])
    .areas(area);
    // a long message covers the last lines of what is above: nothing else of it moves
    let body = Rect { height: whole.height.saturating_sub(more), ..whole };
    let foot = Rect { y: body.bottom(), height: foot.height + whole.height - body.height, ..foot };
    title::draw(state, theme, frame, head);
    title::banner(state, theme, frame, news, &banner);
    status::draw(state, theme, frame, foot);
    let mut drawn = Drawn::default();
    if let Some(view) = &state.log {
        drawn.log = Some(log::draw(state, view, theme, frame, body));
    } else if state.fleet.is_none() {
        start::draw(state, theme, frame, body);
    } else {
        match &state.view {
            View::Preview(preview) => drawn.preview = Some(preview::draw(state, preview, theme, frame, body)),
            View::Jobs => jobs::draw(state, theme, frame, body, &mut drawn),
            _ if state.history.open => history::draw(state, theme, frame, body, &mut drawn),
            View::Browse | View::Detail(_) | View::Planning { .. } | View::Reset(_) => {
                browse(state, theme, frame, [whole, body], &mut drawn)
            }
        }
    }
    match &state.view {
        View::Detail(view) => drawn.detail = Some(detail::draw(view, theme, frame, body)),
        View::Planning { picked, waits_for, .. } => {
            dialog::planning(state, (picked, waits_for), theme, frame, body);
        }
        View::Reset(view) => drawn.reset = Some(reset::draw(state, view, theme, frame, body)),
        _ => {}
    }
    if let Some(asked) = &state.exporting {
        dialog::exporting(asked, theme, frame, body);
    }
    if let Some(cursor) = state.copying {
        drawn.copy = Some(copy::draw(state, cursor, theme, frame, body));
    }
    if let Some(palette) = &state.palette {
        drawn.palette = Some(palette::draw(state, palette, theme, frame, body));
    }
    if state.quitting == Some(Quitting::Asking) {
        dialog::quitting(state, theme, frame, body);
    }
    if let Some(view) = &state.help {
        drawn.help = Some(help::draw(state, view, theme, frame, body));
    }
    theme.paint(frame.buffer_mut());
    drawn
}

/// The list and the drift, in the room that is there without a long message, less what that covers.
fn browse(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, [whole, body]: [Rect; 2], drawn: &mut Drawn) {
    if state.drift.full {
        drawn.drift = Some(drift::draw(state, theme, frame, body, whole.height));
        return;
    }
    let [list, below] = panes(state, whole);
    let [list, drift] = [list, below].map(|pane| pane.intersection(body));
    let list = if drift.y == list.y { pane::divide(frame, theme, list) } else { list };
    drawn.fleet = Some(fleet::draw(state, theme, frame, list));
    drawn.beside = Some(drift);
    drawn.drift = Some(drift::draw(state, theme, frame, drift, below.height));
}

/// The places of list and drift: the drift below, or beside where there is room.
fn panes(state: &AppState, body: Rect) -> [Rect; 2] {
    if body.width >= WIDE {
        return Layout::horizontal([Constraint::Percentage(55), Constraint::Min(20)]).areas(body);
    }
    // The pane that is worked in gets the larger part.
    let share = if state.focus == Pane::Drift { 40 } else { 55 };
    Layout::vertical([Constraint::Percentage(share), Constraint::Min(4)]).areas(body)
}

fn too_small(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let lines = [
        format!("window too small: {}x{}", area.width, area.height),
        format!("{}x{} are needed", SMALLEST.0, SMALLEST.1),
        match state.running().count() {
            0 => format!("{} quits", state.key(Action::Quit)),
            runs => format!("runs under way: {runs}"),
        },
    ];
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        text::put(frame, area.x, y, area.width, line, if y == area.top() { theme.warning } else { Style::new() });
    }
}
