//! The last lines: the answer to the last key, and the keys that work here.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, text, title};
use crate::app::action::{Action, Place, Verb};
use crate::app::available::available;
use crate::app::filter::{self, Typed};
use crate::app::keymap::Sequence;
use crate::app::state::{AppState, View};
use crate::engine::approval::Manner;

/// Hints take at most so many lines.
const MOST: u16 = 2;

/// Columns between two hints.
const GAP: u16 = 2;

/// A message takes at most so many lines, and in windows lower than this one less.
const MOST_OF_MESSAGE: u16 = 3;
const LOW: u16 = 15;

/// How many lines the hints take with the first line of the message, and how many more the message takes.
pub(super) fn heights(state: &AppState, theme: &Theme, area: Rect) -> [u16; 2] {
    let hints = 1 + lines(&hints(state, area.width), area.width).min(MOST);
    let (lines, _) = message_lines(state, theme, area);
    [hints, u16::try_from(lines.len().saturating_sub(1)).unwrap_or(0)]
}

/// How many lines these hints take.
fn lines<'a>(hints: impl IntoIterator<Item = &'a Hint>, width: u16) -> u16 {
    let (mut lines, mut used) = (1, 1);
    for (key, verb) in hints {
        let wide = wide(key, verb.hint);
        if used + wide.saturating_sub(GAP) > width {
            lines += 1;
            used = 1;
        }
        used += wide;
    }
    lines
}

/// Draws the lines.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let mut x = area.x + 1;
    let mut y = area.y + message(state, theme, frame, area);
    if state.filtering {
        let words = format!("Enter keeps the {}  Esc drops it  Ctrl-u empties it", Typed::at(state).word());
        return hint(theme, frame, area, y, &words);
    }
    if state.is_typing() {
        return hint(theme, frame, area, y, "Enter takes what is typed  Esc leaves  Ctrl-u empties it");
    }
    for (key, verb) in hints(state, area.width) {
        let wide = wide(&key, verb.hint);
        if x + wide.saturating_sub(GAP) > area.right() {
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
        (Action::Reset | Action::Finish | Action::LeaveRun | Action::OnlyFailed, _) => {
            available(state, verb.action).is_ok()
        }
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
    let (last, mut all): (Vec<Hint>, Vec<Hint>) =
        deserved.map(|(keys, verb)| (keys.to_string(), verb)).partition(|(_, verb)| is_last(verb.action));
    all.extend(last);
    loop {
        let needed = lines(all.iter().filter(|(_, verb)| !gives_way(verb)), width);
        if lines(&all, width) <= needed.min(MOST) {
            return all;
        }
        let first_to_go = all.iter().rposition(|(_, verb)| gives_way(verb));
        let general = || all.iter().rposition(|(_, verb)| is_general(verb.action));
        let next = || all.iter().rposition(|(_, verb)| !is_last(verb.action) && !is_switch(verb.action));
        let any = || all.iter().rposition(|(_, verb)| !is_last(verb.action));
        let Some(gone) = first_to_go.or_else(general).or_else(next).or_else(any) else { return all };
        all.remove(gone);
    }
}

/// What is not about what the cursor stands on.
fn is_general(action: Action) -> bool {
    matches!(action, Action::Reload | Action::History | Action::Jobs)
}

/// What decides whether anything is written and asked.
fn is_switch(action: Action) -> bool {
    matches!(action, Action::WhatIf | Action::Force)
}

/// What leads to all the rest, and out: it stands at the end, and stays.
fn is_last(action: Action) -> bool {
    matches!(action, Action::Help | Action::Palette | Action::Quit)
}

/// What can be done in many places, and is told of where that takes no line more.
fn gives_way(verb: &Verb) -> bool {
    matches!(verb.action, Action::Copy | Action::Export | Action::Log) || verb.name == "search"
}

fn wide(key: &str, word: &str) -> u16 {
    u16::try_from(text::width(key) + 1 + text::width(word)).unwrap_or(u16::MAX).saturating_add(GAP)
}

fn hint(theme: &Theme, frame: &mut Frame<'_>, area: Rect, y: u16, line: &str) {
    text::put(frame, area.x + 1, y, area.width.saturating_sub(1), line, theme.key);
}

/// Draws the message; returns how many lines it takes.
fn message(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> u16 {
    let (lines, style) = message_lines(state, theme, frame.area());
    if state.filtering {
        filter(state, theme, frame, area, lines.len() > 1);
    }
    for (line, y) in lines.iter().zip(area.top()..area.bottom()).filter(|(line, _)| !line.is_empty()) {
        text::put(frame, area.x + 1, y, area.width.saturating_sub(1), line, style);
    }
    u16::try_from(lines.len()).unwrap_or(1).max(1)
}

/// The message in as many lines as it needs, of those that there are for it in a window of this size.
fn message_lines(state: &AppState, theme: &Theme, window: Rect) -> (Vec<String>, Style) {
    if state.filtering {
        let first = std::iter::once(String::new());
        return (first.chain(fault_lines(state, theme, window.width.saturating_sub(1))).collect(), theme.warning);
    }
    // what stands there all the time takes no more room than is there anyway
    let most = match state.message.is_some() || state.begun.is_some() {
        true if window.height < LOW => MOST_OF_MESSAGE - 1,
        true => MOST_OF_MESSAGE,
        false => 1,
    };
    let (line, style) = words(state, theme);
    (text::wrap_at_most(&line, usize::from(window.width.saturating_sub(1)), most.into(), theme.glyphs.more), style)
}

/// What there is to say.
fn words(state: &AppState, theme: &Theme) -> (String, Style) {
    if let Some(begun) = &state.begun {
        let goes_on = state.setting.keymap.begun(begun.place, &begun.keys);
        let words: Vec<String> = goes_on.map(|(keys, verb)| format!("{keys} {}", verb.name)).collect();
        (format!("{begun} ... {}", words.join(", ")), theme.heading)
    } else if let Some((tone, text)) = &state.message {
        (text.clone(), title::style(theme, *tone))
    } else {
        // while the banner tells of it, once is enough; the history has it in its list, and its key leads out of there
        let is_told = !state.notices.is_empty() || matches!(state.beneath(), Place::History | Place::PastRun);
        let waiting = state.interrupted.first().filter(|_| !is_told).map(|run| {
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
    }
}

/// What is wrong with the filter, in lines below it where there is no room for it beside.
fn fault_lines(state: &AppState, theme: &Theme, columns: u16) -> Vec<String> {
    let (typed, filter) = filter::focused(state);
    let Some(fault) = filter.faults.first().map(ToString::to_string) else { return Vec::new() };
    let columns = usize::from(columns);
    let beside = text::typed(&format!("{}: /", Typed::at(state).word()), typed, columns);
    match text::width(&beside) + usize::from(GAP) + text::width(&fault) <= columns {
        true => Vec::new(),
        false => text::wrap_at_most(&fault, columns, MOST_OF_MESSAGE.into(), theme.glyphs.more),
    }
}

/// The filter or search as far as it is typed, and beside it what is wrong with it, unless that stands below, or what
/// it finds.
fn filter(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, is_told_below: bool) {
    let (typed, filter) = filter::focused(state);
    let room = area.width.saturating_sub(1);
    let line = text::typed(&format!("{}: /", Typed::at(state).word()), typed, usize::from(room));
    let x = text::put(frame, area.x + 1, area.y, room, &line, theme.heading);
    let (beside, style) = match filter.faults.first() {
        Some(_) if is_told_below => return,
        Some(fault) => (fault.to_string(), theme.warning),
        None if typed.is_empty() => (filter::syntax(state), theme.quiet),
        None => match found(state) {
            Some(found) => (found, theme.quiet),
            None => return,
        },
    };
    let room = area.right().saturating_sub(x + GAP);
    text::put(frame, x + GAP, area.y, room, &text::fit(&beside, usize::from(room), theme.glyphs.more), style);
}

/// How much is found of what is searched for.
fn found(state: &AppState) -> Option<String> {
    match (Typed::at(state), &state.view) {
        (Typed::Drift, _) => {
            let pane = &state.drift;
            Some(pane.search.count(pane.scroll.position(pane.rows.len())))
        }
        (Typed::Preview, View::Preview(preview)) => {
            Some(preview.search.count(preview.scroll.position(preview.rows.len())))
        }
        _ => None,
    }
}
