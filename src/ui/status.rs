//! The last lines: the answer to the last key, and the keys that work here.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, text, title};
use crate::app::action::{Action, Verb};
use crate::app::available::available;
use crate::app::filter;
use crate::app::keymap::Sequence;
use crate::app::state::{AppState, View};
use crate::engine::approval::Manner;

/// Hints take at most so many lines.
const MOST: u16 = 2;

/// How many lines the status needs at this width.
pub(super) fn height(state: &AppState, width: u16) -> u16 {
    1 + lines(&hints(state, width), width).min(MOST)
}

/// How many lines these hints take.
fn lines(hints: &[Hint], width: u16) -> u16 {
    let (mut lines, mut used) = (1, 1);
    for (key, verb) in hints {
        let wide = wide(key, verb.hint);
        if used + wide > width {
            lines += 1;
            used = 1;
        }
        used += wide;
    }
    lines
}

/// Draws the lines.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    message(state, theme, frame, area);
    let mut x = area.x + 1;
    let mut y = area.y + 1;
    if state.filtering {
        return hint(theme, frame, area, y, "Enter keeps the filter  Esc takes it away  Ctrl-u empties it");
    }
    if state.is_typing() {
        return hint(theme, frame, area, y, "Enter takes what is typed  Esc leaves  Ctrl-u empties it");
    }
    for (key, verb) in hints(state, area.width) {
        let wide = wide(&key, verb.hint);
        if x + wide > area.right() {
            x = area.x + 1;
            y += 1;
        }
        if y >= area.bottom() {
            return;
        }
        let can = available(state, verb.action).is_ok();
        let (keys, words) = if can { (theme.key, Style::new()) } else { (theme.unavailable, theme.unavailable) };
        let room = area.right().saturating_sub(x);
        let next = text::put(frame, x, y, room, &key, keys);
        let room = area.right().saturating_sub(next);
        text::put(frame, next, y, room, &format!(" {}", verb.hint), words);
        x += wide;
    }
}

/// What is seldom needed is offered where it is; and where it is refused, nothing is
/// asked that could be answered.
fn deserves_a_hint(state: &AppState, verb: &Verb) -> bool {
    match (verb.action, &state.view) {
        (Action::Reset | Action::Finish | Action::LeaveRun, _) => available(state, verb.action).is_ok(),
        // the question says how it is answered
        (Action::Yes | Action::No, View::Reset(_)) => false,
        (Action::Yes | Action::YesToAll | Action::No | Action::NoToAll, View::Preview(preview)) => {
            preview.may_ask() && preview.asking().is_none()
        }
        (Action::AsJob, View::Preview(preview)) => preview.may_ask(),
        (Action::LeaveOut, View::Preview(preview)) => {
            preview.manner == Manner::ShowOnly || preview.may_ask() || !preview.left_out.is_empty()
        }
        (Action::Override, View::Preview(preview)) => preview.may_ask() || preview.next_overrides().is_some(),
        _ => true,
    }
}

/// A key, and what it does.
type Hint = (String, &'static Verb);

/// The hints, as many as there is room for.
fn hints(state: &AppState, width: u16) -> Vec<Hint> {
    let is_typing = state.filtering || state.is_typing();
    let hints = (!is_typing).then(|| state.setting.keymap.hints(state.place()));
    // What is typed there means itself.
    let typed = |keys: &Sequence| keys.keys().first().is_some_and(|key| key.typed().is_some());
    let is_commanding = state.is_commanding();
    let hints = hints.into_iter().flatten().filter(move |(keys, _)| !is_commanding || !typed(keys));
    let deserved = hints.filter(|(_, verb)| deserves_a_hint(state, verb));
    let mut all: Vec<Hint> = deserved.map(|(keys, verb)| (keys.to_string(), verb)).collect();
    let needed: Vec<Hint> = all.iter().filter(|(_, verb)| !gives_way(verb.action)).cloned().collect();
    let room = lines(&needed, width).min(MOST);
    while lines(&all, width) > room {
        let Some(last) = all.iter().rposition(|(_, verb)| gives_way(verb.action)) else { break };
        all.remove(last);
    }
    all
}

/// What can be done in many places, and is told of where that takes no line more.
fn gives_way(action: Action) -> bool {
    matches!(action, Action::Copy | Action::Export | Action::Log)
}

fn wide(key: &str, word: &str) -> u16 {
    u16::try_from(text::width(key) + 1 + text::width(word) + 2).unwrap_or(u16::MAX)
}

fn hint(theme: &Theme, frame: &mut Frame<'_>, area: Rect, y: u16, line: &str) {
    text::put(frame, area.x + 1, y, area.width.saturating_sub(1), line, theme.key);
}

fn message(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width.saturating_sub(1));
    if state.filtering {
        return filter(state, theme, frame, area);
    }
    let (line, style) = if let Some(begun) = &state.begun {
        let goes_on = state.setting.keymap.begun(begun.place, &begun.keys);
        let words: Vec<String> = goes_on.map(|(keys, verb)| format!("{keys} {}", verb.name)).collect();
        (format!("{begun} ... {}", words.join(", ")), theme.heading)
    } else if let Some((tone, text)) = &state.message {
        (text.clone(), title::style(theme, *tone))
    } else {
        // while the banner tells of it, once is enough
        let waiting = state.interrupted.first().filter(|_| state.notices.is_empty()).map(|run| {
            let more = state.interrupted.len() - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!(
                "INTERRUPTED{more}, waits to be settled ({}): {}",
                state.key(Action::History),
                run.called(&state.setting.zone())
            )
        });
        let style = if waiting.is_some() { theme.bad } else { Style::new() };
        (waiting.unwrap_or_default(), style)
    };
    let line = text::fit(&line, width, theme.glyphs.more);
    text::put(frame, area.x + 1, area.y, area.width.saturating_sub(1), &line, style);
}

/// The filter as far as it is typed, and beside it what is wrong with it.
fn filter(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let (typed, filter) = filter::focused(state);
    let x = text::put(
        frame,
        area.x + 1,
        area.y,
        area.width.saturating_sub(1),
        &format!("filter: /{typed}_"),
        theme.heading,
    );
    let (beside, style) = match filter.faults.first() {
        Some(fault) => (fault.to_string(), theme.warning),
        None if typed.is_empty() => (format!("words, or {}; - before one: not", filter::keys(state)), theme.quiet),
        None => return,
    };
    let room = area.right().saturating_sub(x + 2);
    text::put(frame, x + 2, area.y, room, &text::fit(&beside, usize::from(room), theme.glyphs.more), style);
}
