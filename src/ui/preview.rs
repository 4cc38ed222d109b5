//! The preview: what a replication will do, and the question.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, drift, pane, search, text};
use crate::app::action::Action;
use crate::app::drawn::{Starts, Window};
use crate::app::drift::Look;
use crate::app::preview::{Naming, Preview, Row, totals};
use crate::app::saving::Saving;
use crate::app::state::AppState;
use crate::engine::approval::Manner;
use crate::engine::plan::PlannedRelationship;
use crate::show::plural;

/// Draws the preview over the lists.
pub(super) fn draw(state: &AppState, preview: &Preview, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> Window {
    let flag = match preview.manner {
        Manner::ShowOnly if preview.read_only => "READ-ONLY ",
        Manner::ShowOnly => "WHATIF ",
        Manner::Ask | Manner::Go => "",
    };
    // what is searched for must not be cut off first
    let search = preview.search.title(preview.scroll.position(preview.rows.len()));
    let search = search.map(|search| format!("{search}, ")).unwrap_or_default();
    let inside = pane::head(frame, theme, area, &format!("{flag}preview: {search}{}", preview.picked), true);
    let width = usize::from(inside.width.saturating_sub(2));
    let asked = match &preview.saving {
        Some(saving) => file_name(saving, theme, width),
        None => question(state, preview, theme, width),
    };
    let below = u16::try_from(asked.len()).unwrap_or(0).min(inside.height / 2) + 1;
    let list = Rect { height: inside.height.saturating_sub(below), ..inside };
    let rows = Rows { preview, theme, list };
    let last = rows.last_top();
    let top = rows.top().min(last);
    let (shown, starts) = rows.draw(frame, top);
    let len = preview.rows.len();
    // never more than fit at the end, so that paging reaches the end
    let window = Window { top, height: shown.min(len - last).max(1), len, area: list, starts };
    pane::extent(frame, theme, area, window);
    let rule = theme.glyphs.horizontal.repeat(usize::from(area.width));
    text::put(frame, area.x, list.bottom(), area.width, &rule, theme.quiet);
    // the keys stand last: where there is no room, the words before them give way
    let skipped = asked.len().saturating_sub(usize::from(below) - 1);
    for ((line, style), y) in asked.iter().skip(skipped).zip(list.bottom() + 1..inside.bottom()) {
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
        let (look, line) = self.preview.line(row);
        let width = usize::from(self.list.width.saturating_sub(1));
        if self.preview.shift > 0 {
            let line = text::fit(text::skip(&line, self.preview.shift), width, self.theme.glyphs.more);
            return (look, vec![line.into_owned()]);
        }
        (look, text::wrap(&line, width))
    }

    /// How many of these rows, taken in this order, there is room for; at least one.
    fn fitting<'r>(&self, rows: impl Iterator<Item = &'r Row>) -> usize {
        let mut room = usize::from(self.list.height.max(1));
        let fits = |row: &&Row| {
            let (left, fits) = match room.checked_sub(self.lines(**row).1.len()) {
                Some(left) => (left, true),
                None => (0, false),
            };
            room = left;
            fits
        };
        rows.take_while(fits).count().max(1)
    }

    /// The first row of the last screenful.
    fn last_top(&self) -> usize {
        let rows = &self.preview.rows;
        rows.len() - self.fitting(rows.iter().rev()).min(rows.len())
    }

    /// The first row to show so that the cursor is seen.
    fn top(&self) -> usize {
        let (scroll, rows) = (&self.preview.scroll, &self.preview.rows);
        let cursor = scroll.position(rows.len());
        let lowest = (cursor + 1).saturating_sub(self.fitting(rows.iter().take(cursor + 1).rev()));
        scroll.top.clamp(lowest, cursor)
    }

    /// Draws from this row on; returns how many there was room for, and where each begins.
    fn draw(&self, frame: &mut Frame<'_>, top: usize) -> (usize, Starts) {
        let (mut y, mut starts) = (self.list.top(), Starts::default());
        let cursor = self.preview.scroll.position(self.preview.rows.len());
        for (at, row) in self.preview.rows.iter().enumerate().skip(top) {
            let (look, lines) = self.lines(*row);
            let first = y;
            if y < self.list.bottom() {
                starts.mark(y - self.list.top());
            }
            let is_whole = usize::from(self.list.bottom() - y) >= lines.len();
            for (line, _) in lines.iter().zip(y..self.list.bottom()) {
                let columns = self.list.width.saturating_sub(1);
                text::put(frame, self.list.x + 1, y, columns, line, drift::style(self.theme, look));
                if at == cursor {
                    pane::shade(frame, self.list, y, self.theme.cursor);
                }
                y += 1;
            }
            if self.preview.search.has(at) {
                let row = Rect { x: self.list.x + 1, y: first, width: self.list.width - 1, height: y - first };
                search::mark(frame, self.theme, row, &self.preview.search);
            }
            if !is_whole {
                return (at - top, starts);
            }
        }
        // below the last row there is nothing to point at
        if y < self.list.bottom() {
            starts.mark(y - self.list.top());
        }
        (self.preview.rows.len() - top, starts)
    }
}

/// A line below the plan, and how it looks.
type Styled = (String, Style);

/// What can be answered, and how. The keys stand on a line of their own, never wrapped.
fn question(state: &AppState, preview: &Preview, theme: &Theme, width: usize) -> Vec<Styled> {
    let plan = &preview.plan;
    let wrapped = |words: &str, style| text::wrap(words, width).into_iter().map(move |line| (line, style));
    if preview.manner == Manner::ShowOnly {
        let back = state.key(Action::No);
        let why = match preview.read_only {
            true => format!("everything is read-only. {back} goes back."),
            false => format!("WhatIf is on. {back} goes back, {} then turns it off.", state.key(Action::WhatIf)),
        };
        let sum = wrapped(&totals(plan, &plan.relationships), theme.heading);
        return sum.chain(wrapped(&format!("Nothing can be written: {why}"), theme.flag)).collect();
    }
    if preview.overriding.is_some() {
        return vec![("The plan is being made anew.".into(), theme.quiet)];
    }
    let Some((at, asked)) = preview.asking() else {
        return vec![(
            format!("Nothing of this plan can be written. {} goes back.", state.key(Action::No)),
            theme.warning,
        )];
    };
    // of one relationship the plan tells the name
    let place = match plan.relationships.len() {
        0 | 1 => String::new(),
        all => format!("({} of {all}) {}: ", at + 1, asked.name),
    };
    let words = format!("{place}{}: {}?", preview.direction(asked), totals(plan, std::slice::from_ref(asked)));
    let mut lines: Vec<_> = wrapped(&words, theme.heading).collect();
    if preview.as_job {
        let key = state.key(Action::AsJob);
        lines.push((
            format!("AS JOB: it outlives this program and its terminal ({key}: runs here instead)"),
            theme.flag,
        ));
    }
    lines.extend(match &preview.naming {
        Some(naming) => typing(preview, naming, asked, theme, width),
        None => vec![keys(state, preview, theme)],
    });
    lines
}

fn keys(state: &AppState, preview: &Preview, theme: &Theme) -> Styled {
    let [yes, all, no, none] =
        [Action::Yes, Action::YesToAll, Action::No, Action::NoToAll].map(|action| state.key(action));
    let by_name = preview.deletions_to_name().map_or("", |_| "   (then the name is asked for)");
    match preview.gate.is_open() {
        true => (format!("{yes} yes   {all} yes to all   {no} no   {none} no to all{by_name}"), theme.heading),
        false => (format!("{no} no   {none} no to all   ({yes} and {all} count in a moment: read first)"), theme.quiet),
    }
}

/// The name that has to be typed, and what is typed of it.
fn typing(preview: &Preview, naming: &Naming, asked: &PlannedRelationship, theme: &Theme, width: usize) -> Vec<Styled> {
    let deletions = plural(asked.deletions(&preview.plan.overrides), "deletion");
    let words = format!("{deletions}: type the name, {}, and Enter. Esc leaves.", asked.name_to_type());
    let mut lines: Vec<Styled> = text::wrap(&words, width).into_iter().map(|line| (line, theme.warning)).collect();
    lines.push((text::typed("name: ", naming.entry.text(), width), theme.heading));
    lines
}

/// The file that the plan is saved to.
fn file_name(saving: &Saving, theme: &Theme, width: usize) -> Vec<Styled> {
    let words = match saving.ticket {
        Some(_) => "The plan is being saved.",
        None => "Save the plan to which file? A name that ends in .json makes it scopesync.plan/1, any other text.",
    };
    let mut lines: Vec<Styled> = text::wrap(words, width).into_iter().map(|line| (line, theme.heading)).collect();
    lines.push((text::typed("file: ", saving.entry.text(), width), theme.heading));
    lines
}
