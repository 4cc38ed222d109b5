//! The reset of a relationship: steps, cost and the question, over the lists.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, drift, pane, text};
use crate::app::action::Action;
use crate::app::drawn::Window;
use crate::app::reset::ResetView;
use crate::app::state::AppState;
use crate::engine::approval::Manner;

/// Draws the dialog: the text, and the question below it, which never scrolls away.
pub(super) fn draw(state: &AppState, view: &ResetView, theme: &Theme, frame: &mut Frame<'_>, body: Rect) -> Window {
    let width = body.width.saturating_sub(4).min(100);
    let room = usize::from(width.saturating_sub(4));
    let lines: Vec<(Style, String)> = view
        .lines(&state.setting.keymap)
        .into_iter()
        .flat_map(|(look, line)| {
            let style = drift::style(theme, look);
            text::wrap(&line, room).into_iter().map(move |line| (style, line))
        })
        .collect();
    let asked = question(state, view, theme, room);
    let height = u16::try_from(lines.len() + asked.len() + 3).unwrap_or(u16::MAX).min(body.height);
    let inside = pane::popup(frame, theme, body, width, height, "reset");
    let below = u16::try_from(asked.len()).unwrap_or(0).min(inside.height.saturating_sub(1));
    let height = usize::from(inside.height.saturating_sub(below + 1).max(1));
    let top = view.scroll.top.min(lines.len().saturating_sub(height));
    let bottom = inside.bottom().saturating_sub(below);
    for ((style, line), y) in lines.iter().skip(top).zip(inside.top()..bottom.saturating_sub(1)) {
        text::put(frame, inside.x, y, inside.width, line, *style);
    }
    if top + height < lines.len() {
        text::put(
            frame,
            inside.x,
            bottom.saturating_sub(1),
            inside.width,
            &format!("(more below: {})", state.key(Action::Down)),
            theme.quiet,
        );
    }
    for ((style, line), y) in asked.iter().zip(bottom..inside.bottom()) {
        text::put(frame, inside.x, y, inside.width, line, *style);
    }
    Window { top, height, len: lines.len(), area: inside, ..Window::default() }
}

/// What can be answered, and how.
fn question(state: &AppState, view: &ResetView, theme: &Theme, width: usize) -> Vec<(Style, String)> {
    let (yes, no) = (state.key(Action::Yes), state.key(Action::No));
    if view.manner == Manner::ShowOnly {
        return vec![(theme.flag, format!("Nothing can be reset: WhatIf or read-only. {no} goes back."))];
    }
    if !view.is_asking() {
        return vec![(theme.warning, format!("Refused as things stand. {no} goes back."))];
    }
    let [a, b] = &view.plan.sides;
    let words = format!("Reset {} and {} now, both at once?", a.shown, b.shown);
    let mut lines: Vec<_> = text::wrap(&words, width).into_iter().map(|line| (theme.heading, line)).collect();
    lines.push(if view.gate.is_open() {
        (theme.heading, format!("{yes} yes   {no} no"))
    } else {
        (theme.quiet, format!("{no} no   ({yes} counts in a moment: read first)"))
    });
    lines
}
