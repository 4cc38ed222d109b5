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
use super::super::state::{AppState, Click, Moment, Pane, View};
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
        // With the focus elsewhere the rest of a word would be taken for commands.
        _ if state.filtering || state.is_typing() => return Vec::new(),
        MouseEventKind::ScrollUp => Action::Up,
        MouseEventKind::ScrollDown => Action::Down,
        MouseEventKind::Down(MouseButton::Left) => return click(state, event.column, event.row, now),
        _ => return Vec::new(),
    };
    point(state, event.column, event.row);
    let is_over_runs = is_over(state.drawn.runs, event.column, event.row);
    match state.place() {
        Place::Jobs if is_over_runs => state.runs.step(if wheel == Action::Up { 1 } else { -1 }),
        _ => (0..NOTCH).for_each(|_| browse::scroll(state, wheel)),
    }
    Vec::new()
}

/// Lets the keys go to what is under the pointer, and tells its line.
fn point(state: &mut AppState, x: u16, y: u16) -> Option<usize> {
    let drawn = state.drawn;
    let line = |window: Option<Window>| window?.line_at(x, y);
    let is_over = |window| is_over(window, x, y);
    match state.place() {
        Place::Palette => line(drawn.palette),
        Place::Copy => line(drawn.copy),
        Place::Log => line(drawn.log),
        Place::Preview => line(drawn.preview),
        Place::Jobs => line(drawn.runs),
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

fn is_over(window: Option<Window>, x: u16, y: u16) -> bool {
    window.is_some_and(|window| window.area.contains((x, y).into()))
}

fn click(state: &mut AppState, x: u16, y: u16, now: Moment) -> Vec<Effect> {
    let Some(line) = point(state, x, y) else { return Vec::new() };
    let place = state.place();
    let before = state.click.replace(Click { cell: (x, y), line, at: now.at });
    fleet::touch(state);
    let to = |scroll: &mut Scroll| scroll.cursor = line;
    match place {
        Place::Palette => state.palette.iter_mut().for_each(|palette| to(&mut palette.scroll)),
        Place::Copy => state.copying = Some(line),
        Place::Log => state.log.iter_mut().for_each(|log| to(&mut log.scroll)),
        Place::Preview => {
            if let View::Preview(preview) = &mut state.view {
                to(&mut preview.scroll);
            }
        }
        Place::Jobs => state.runs.go(line),
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
    let enters = match place {
        Place::Copy => Action::CopyThis,
        Place::Relationships | Place::Scopes | Place::Drift | Place::History | Place::PastRun => Action::Enter,
        // What is answered or chosen there may write: that takes a key.
        _ => return Vec::new(),
    };
    if !is_double {
        return Vec::new();
    }
    state.click = None;
    state.hush();
    match super::available(state, enters) {
        Ok(()) => super::act(state, enters, now),
        Err(_) => Vec::new(),
    }
}
