//! The preview: what a replication will do, and the question.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, drift, pane, text};
use crate::app::drawn::Window;
use crate::app::preview::Preview;
use crate::engine::approval::Manner;
use crate::show::plural;

/// Draws the preview over the lists.
pub(super) fn draw(preview: &Preview, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> Window {
    let inside = pane::head(frame, theme, area, &format!("preview: {}", preview.picked), true);
    let width = usize::from(inside.width.saturating_sub(2));
    let asked = question(preview, theme, width);
    let below = u16::try_from(asked.len()).unwrap_or(0).min(inside.height / 2) + 1;
    let list = Rect { height: inside.height.saturating_sub(below), ..inside };
    let height = usize::from(list.height.max(1));
    let len = preview.rows.len();
    let top = preview.scroll.top.min(len.saturating_sub(height));
    let window = Window { top, height, len };
    pane::extent(frame, theme, area, window);
    for (row, y) in preview.rows.iter().skip(top).zip(list.top()..list.bottom()) {
        let (look, line) = preview.line(*row, theme.glyphs.arrow);
        let line =
            text::fit(text::skip(&line, preview.shift), usize::from(list.width.saturating_sub(1)), theme.glyphs.more);
        text::put(frame, list.x + 1, y, list.width.saturating_sub(1), &line, drift::style(theme, look));
    }
    let rule = theme.glyphs.horizontal.repeat(usize::from(area.width));
    text::put(frame, area.x, list.bottom(), area.width, &rule, theme.quiet);
    for ((line, style), y) in asked.iter().zip(list.bottom() + 1..inside.bottom()) {
        text::put(frame, inside.x + 1, y, inside.width.saturating_sub(1), line, *style);
    }
    window
}

/// What can be answered, and how. The keys stand on a line of their own, never wrapped.
fn question(preview: &Preview, theme: &Theme, width: usize) -> Vec<(String, Style)> {
    let plan = &preview.plan;
    if preview.manner == Manner::ShowOnly {
        return vec![("Nothing can be written: WhatIf or read-only. Esc goes back.".into(), theme.flag)];
    }
    if preview.overriding.is_some() {
        return vec![("The plan is being made anew.".into(), theme.quiet)];
    }
    let Some((at, asked)) = preview.asking() else {
        return vec![("Nothing of this plan can be written. Esc goes back.".into(), theme.warning)];
    };
    let scopes = asked.to_write(&plan.overrides).count();
    let deletions = asked
        .to_write(&plan.overrides)
        .flat_map(|scope| &scope.changes)
        .filter(|change| change.change == crate::model::ChangeKind::Delete)
        .count();
    let place = match plan.relationships.len() {
        0 | 1 => String::new(),
        all => format!("({} of {all}) ", at + 1),
    };
    let words = format!(
        "{place}Replicate {}, {} {} {}: overwrite {} on {}, {}?",
        asked.name,
        asked.source,
        theme.glyphs.arrow,
        asked.target,
        plural(scopes, "scope"),
        asked.target,
        plural(deletions, "deletion")
    );
    let mut lines: Vec<_> = text::wrap(&words, width).into_iter().map(|line| (line, theme.heading)).collect();
    lines.push(if preview.gate.is_open() {
        ("y yes   a yes to all   n no   l no to all".into(), theme.heading)
    } else {
        ("n no   l no to all   (y and a count in a moment: read first)".into(), theme.quiet)
    });
    lines
}
