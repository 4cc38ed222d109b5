//! The preview: what a replication will do, and the question.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, drift, pane, text};
use crate::app::drawn::Window;
use crate::app::drift::Look;
use crate::app::preview::{Preview, Row};
use crate::engine::approval::Manner;
use crate::show::plural;

/// Draws the preview over the lists.
pub(super) fn draw(preview: &Preview, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> Window {
    let inside = pane::head(frame, theme, area, &format!("preview: {}", preview.picked), true);
    let width = usize::from(inside.width.saturating_sub(2));
    let asked = question(preview, theme, width);
    let below = u16::try_from(asked.len()).unwrap_or(0).min(inside.height / 2) + 1;
    let list = Rect { height: inside.height.saturating_sub(below), ..inside };
    let rows = Rows { preview, theme, list };
    let last = rows.last_top();
    let top = preview.scroll.top.min(last);
    let shown = rows.draw(frame, top);
    let len = preview.rows.len();
    // never more than fit at the end, so that paging reaches the end
    let window = Window { top, height: shown.min(len - last).max(1), len, area: list };
    pane::extent(frame, theme, area, window);
    let rule = theme.glyphs.horizontal.repeat(usize::from(area.width));
    text::put(frame, area.x, list.bottom(), area.width, &rule, theme.quiet);
    for ((line, style), y) in asked.iter().zip(list.bottom() + 1..inside.bottom()) {
        text::put(frame, inside.x + 1, y, inside.width.saturating_sub(1), line, *style);
    }
    window
}

/// The rows of the plan. Nothing of them is cut off: what is too long goes on below.
struct Rows<'a> {
    preview: &'a Preview,
    theme: &'a Theme,
    list: Rect,
}

impl Rows<'_> {
    fn lines(&self, row: Row) -> (Look, Vec<String>) {
        let (look, line) = self.preview.line(row, self.theme.glyphs.arrow);
        let width = usize::from(self.list.width.saturating_sub(1));
        if self.preview.shift > 0 {
            let line = text::fit(text::skip(&line, self.preview.shift), width, self.theme.glyphs.more);
            return (look, vec![line.into_owned()]);
        }
        (look, text::wrap(&line, width))
    }

    /// The first row of the last screenful.
    fn last_top(&self) -> usize {
        let mut room = usize::from(self.list.height.max(1));
        let rows = &self.preview.rows;
        let fits = |row: &&Row| {
            let (left, fits) = match room.checked_sub(self.lines(**row).1.len()) {
                Some(left) => (left, true),
                None => (0, false),
            };
            room = left;
            fits
        };
        let count = rows.iter().rev().take_while(fits).count();
        rows.len() - count.max(1).min(rows.len())
    }

    /// Draws from this row on; returns how many there was room for.
    fn draw(&self, frame: &mut Frame<'_>, top: usize) -> usize {
        let mut y = self.list.top();
        let mut shown = 0;
        for row in self.preview.rows.iter().skip(top) {
            let (look, lines) = self.lines(*row);
            for line in lines {
                if y >= self.list.bottom() {
                    return shown;
                }
                let columns = self.list.width.saturating_sub(1);
                text::put(frame, self.list.x + 1, y, columns, &line, drift::style(self.theme, look));
                y += 1;
            }
            shown += 1;
        }
        shown
    }
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
    let (scopes, deletions) = (plural(scopes, "scope"), plural(deletions, "deletion"));
    let words = match plan.undoes() {
        Some(run) => format!(
            "{place}Undo run {run} in {}: bring {scopes} of {} back to the snapshot from before it, {deletions}?",
            asked.name, asked.target
        ),
        None => format!(
            "{place}Replicate {}, {} {} {}: overwrite {scopes} on {}, {deletions}?",
            asked.name, asked.source, theme.glyphs.arrow, asked.target, asked.target
        ),
    };
    let mut lines: Vec<_> = text::wrap(&words, width).into_iter().map(|line| (line, theme.heading)).collect();
    if preview.as_job {
        let text = "AS JOB: it outlives this program and its terminal (J: runs here instead)";
        lines.push((text.into(), theme.flag));
    }
    lines.push(if preview.gate.is_open() {
        ("y yes   a yes to all   n no   l no to all".into(), theme.heading)
    } else {
        ("n no   l no to all   (y and a count in a moment: read first)".into(), theme.quiet)
    });
    lines
}
