//! The mouse: the wheel scrolls, a click moves the cursor, a double click goes in. It never
//! answers a question.

use std::time::Duration;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::super::action::{Action, Place};
use super::super::drawn::Window;
use super::super::effect::Effect;
use super::super::fleet;
use super::super::history::Level;
use super::super::list::Scroll;
use super::super::state::{AppState, Click, Moment, Pane};
use super::browse;

/// A second click on the same line within this is one double click.
const DOUBLE: Duration = Duration::from_millis(400);

/// Lines that one notch of the wheel scrolls.
const NOTCH: usize = 3;

/// Takes what the mouse did.
pub(super) fn on_mouse(state: &mut AppState, event: MouseEvent, now: Moment) -> Vec<Effect> {
    let wheel = match event.kind {
        // What was on its way when it was turned off.
        _ if !state.mouse => return Vec::new(),
        MouseEventKind::ScrollUp => Action::Up,
        MouseEventKind::ScrollDown => Action::Down,
        MouseEventKind::Down(MouseButton::Left) => return click(state, event.column, event.row, now),
        _ => return Vec::new(),
    };
    point(state, event.column, event.row);
    (0..NOTCH).for_each(|_| browse::scroll(state, wheel));
    Vec::new()
}

/// Lets the keys go to what is under the pointer, and tells its line.
fn point(state: &mut AppState, x: u16, y: u16) -> Option<usize> {
    let drawn = state.drawn;
    let line = |window: Option<Window>| window?.line_at(x, y);
    let is_over = |window: Option<Window>| window.is_some_and(|window| window.area.contains((x, y).into()));
    match state.place() {
        Place::Palette => line(drawn.palette),
        Place::Relationships | Place::Scopes | Place::Drift if is_over(drawn.fleet) => {
            if state.focus != Pane::List {
                browse::to_list(state);
            }
            line(drawn.fleet)
        }
        Place::Relationships | Place::Scopes | Place::Drift if is_over(drawn.drift) => {
            state.focus = Pane::Drift;
            line(drawn.drift)
        }
        Place::History | Place::PastRun if is_over(drawn.history) => {
            state.history.level = Level::Runs;
            line(drawn.history)
        }
        Place::PastRun if is_over(drawn.past_scopes) => {
            state.history.level = Level::Scopes;
            line(drawn.past_scopes)
        }
        Place::PastRun if is_over(drawn.destroyed) => {
            state.history.level = Level::Destroyed;
            None
        }
        _ => None,
    }
}

fn click(state: &mut AppState, x: u16, y: u16, now: Moment) -> Vec<Effect> {
    let Some(line) = point(state, x, y) else { return Vec::new() };
    let place = state.place();
    let before = state.click.replace(Click { cell: (x, y), line, at: now.at });
    fleet::touch(state);
    let to = |scroll: &mut Scroll| scroll.cursor = line;
    match place {
        Place::Palette => state.palette.iter_mut().for_each(|palette| to(&mut palette.scroll)),
        Place::Drift => to(&mut state.drift.scroll),
        Place::History => state.history.list.go(&state.history.runs, line),
        Place::PastRun => {
            if let Some(opened) = &mut state.history.opened {
                opened.scopes.go(&opened.shown, line);
            }
        }
        _ => browse::go(state, line),
    }
    let is_double = before.is_some_and(|before| {
        before.line == line && before.cell == (x, y) && now.at.duration_since(before.at) <= DOUBLE
    });
    // An action is taken from the palette by its key alone: it may write.
    if !is_double || place == Place::Palette {
        return Vec::new();
    }
    state.click = None;
    state.message = None;
    match super::available(state, Action::Enter) {
        Ok(()) => super::act(state, Action::Enter, now),
        Err(_) => Vec::new(),
    }
}
