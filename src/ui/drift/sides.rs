//! Both values of a field: in two columns, or below each other where two have no room.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Theme, text};
use crate::app::drift::aligned::{Aligned, Side, Why};
use crate::app::drift::{Subject, told};
use crate::model::ChangeKind;

/// A pane narrower than this shows both values below each other.
const NARROW: u16 = 70;

/// Columns before the name of a field.
const INDENT: u16 = 6;

/// Between both values: a blank, a sign, a blank.
const GUTTER: u16 = 3;

/// Before a value that stands below another: which side it is of.
const ROLES: [&str; 2] = ["source ", "target "];

/// Where the parts of a line stand.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    /// Columns of the names.
    name: u16,
    /// Columns of each value; `None` where they stand below each other.
    value: Option<u16>,
}

impl Columns {
    /// The columns of a pane.
    pub(super) fn of(area: Rect) -> Self {
        let name = (area.width / 5).clamp(10, 24);
        let room = area.width.saturating_sub(INDENT + name + 1 + GUTTER);
        Columns { name, value: (area.width >= NARROW).then_some(room / 2) }
    }

    /// Whether both values stand beside each other, each field in one line.
    pub(super) fn are_beside(self) -> bool {
        self.value.is_some()
    }

    /// How many lines a field takes of an item that both sides have.
    pub(super) fn lines(self, is_on_both: bool) -> usize {
        if self.value.is_none() && is_on_both { 2 } else { 1 }
    }

    /// Says above the values whose they are; returns the room below.
    pub(super) fn heads(self, theme: &Theme, frame: &mut Frame<'_>, area: Rect, subject: &Subject) -> Rect {
        let Some(value) = self.value else { return area };
        let drift = &subject.compared.drift;
        let x = area.x + INDENT + self.name + 1;
        for (x, role, server) in [(x, ROLES[0], &drift.source), (x + value + GUTTER, ROLES[1], &drift.target)] {
            let server = format!("{role}{server}");
            let fitting = text::fit(&server, usize::from(value), theme.glyphs.more);
            text::put(frame, x, area.y, value, &fitting, theme.quiet);
        }
        Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
    }

    /// A field of an item, with both values.
    pub(super) fn field(
        self,
        theme: &Theme,
        frame: &mut Frame<'_>,
        area: Rect,
        (subject, item): (&Subject, &Aligned<'_>),
        name: &str,
        values: &[Option<Side>; 2],
    ) {
        let name = text::fit(name, usize::from(self.name), theme.glyphs.more);
        text::put(frame, area.x + INDENT, area.y, self.name, &name, theme.quiet);
        let x = area.x + INDENT + self.name + 1;
        let (sign, style) = match told(subject, item) {
            (' ', _) => (" ", Style::new()),
            _ => sign(theme, item, values),
        };
        let Some(width) = self.value else {
            let sides = ROLES.iter().zip(values).filter_map(|(role, side)| Some((role, side.as_ref()?)));
            for ((role, side), y) in sides.zip(area.top()..area.bottom()) {
                let x = text::put(frame, x, y, area.right().saturating_sub(x), role, theme.quiet);
                value(theme, frame, Rect { x, y, width: area.right().saturating_sub(x), height: 1 }, side, style);
            }
            return;
        };
        let middle = x + width;
        text::put(frame, middle + 1, area.y, 1, sign, style);
        for (side, x) in values.iter().zip([x, middle + GUTTER]) {
            if let Some(side) = side {
                value(theme, frame, Rect { x, width, height: 1, ..area }, side, style);
            }
        }
    }
}

/// What stands between both values, and how what differs is marked.
fn sign(theme: &Theme, item: &Aligned<'_>, values: &[Option<Side>; 2]) -> (&'static str, Style) {
    match (item, values) {
        (Aligned::Change(change), _) => match change.change {
            ChangeKind::Create => ("+", theme.create),
            ChangeKind::Update => ("~", theme.differs),
            ChangeKind::Delete => ("-", theme.delete),
        },
        (Aligned::Left(left), _) if left.why == Why::Same => ("=", Style::new()),
        (Aligned::Left(_), [Some(a), Some(b)]) if a.text == b.text => ("=", Style::new()),
        (Aligned::Left(_), _) => ("~", Style::new()),
    }
}

/// A value with what differs in it marked, cut off so that the first such word is seen.
fn value(theme: &Theme, frame: &mut Frame<'_>, area: Rect, side: &Side, marked: Style) {
    let whole = if side.differs.is_empty() { marked } else { Style::new() };
    let mut pieces: Vec<(String, Style)> = Vec::new();
    let mut at = 0;
    let mut before = 0;
    for part in &side.differs {
        pieces.push((side.text[at..part.start].to_owned(), whole));
        if at == 0 {
            before = text::width(&side.text[..part.start]);
        }
        pieces.push((format!("[{}]", &side.text[part.clone()]), marked));
        at = part.end;
    }
    pieces.push((side.text[at..].to_owned(), whole));
    let inherited = if side.inherited { ", inherited" } else { "" };
    match &side.meaning {
        Some(meaning) => pieces.push((format!(" ({meaning}{inherited})"), theme.quiet)),
        None if side.inherited => pieces.push((" (inherited)".to_owned(), theme.quiet)),
        None => {}
    }
    let room = usize::from(area.width);
    let wide: usize = pieces.iter().map(|(piece, _)| text::width(piece)).sum();
    // what differs must be seen: a beginning that both sides have alike goes first
    let mut skipped = if wide > room && before + SEEN > room { before.min(wide.saturating_sub(room)) } else { 0 };
    let mut x = area.x;
    if skipped > 0 {
        x = text::put(frame, x, area.y, area.width, theme.glyphs.more, theme.quiet);
        skipped += text::width(theme.glyphs.more);
    }
    for (piece, style) in pieces {
        let width = text::width(&piece);
        if skipped >= width {
            skipped -= width;
            continue;
        }
        let rest = text::skip(&piece, skipped);
        skipped = 0;
        let room = area.right().saturating_sub(x);
        let fitting = text::fit(rest, usize::from(room), theme.glyphs.more);
        let is_cut = fitting.len() != rest.len();
        x = text::put(frame, x, area.y, room, &fitting, style);
        if is_cut || x >= area.right() {
            break;
        }
    }
}

/// So many columns of the first word that differs are to be seen at least.
const SEEN: usize = 12;
