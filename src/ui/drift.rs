//! The drift pane: a scope's items side by side, or the findings of the relationship.

mod sides;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, search, text};
use crate::app::drawn::{Starts, Window};
use crate::app::drift::{self, DriftRow, Look, Subject};
use crate::app::list::window_of;
use crate::app::state::{self, AppState};
use sides::Columns;

/// Draws the pane; `whole` is its height where no long message covers the end of it.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, whole: u16) -> Window {
    let focused = state.focus == state::Pane::Drift;
    let drift = &state.drift;
    let inside = pane::head(frame, theme, area, &title(state), focused);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(1), ..inside };
    let Some(subject) = &drift.subject else {
        without_subject(state, frame, inside);
        return Window { height: usize::from(inside.height.max(1)), ..Window::default() };
    };
    let columns = Columns::of(inside);
    let inside = match subject.scope.filter(|_| drift.has_sections()) {
        Some(_) => columns.heads(theme, frame, inside, subject),
        None => inside,
    };
    let len = drift.rows.len();
    let height = usize::from(inside.height.max(1));
    let pane = Pane { state, theme, columns, width: inside.width.into(), rooms: Vec::new() };
    let pane = pane.with_room(usize::from(whole.saturating_sub(inside.y - area.y)));
    let heights = |at: usize| pane.height(at);
    let top = window_of(drift.scroll.top, drift.scroll.position(len), len, height, heights);
    let cursor = drift.scroll.position(len);
    let (mut y, mut shown, mut is_tall, mut starts) = (inside.top(), 0, false, Starts::default());
    for (at, row) in drift.rows.iter().enumerate().skip(top) {
        let tall = u16::try_from(heights(at)).unwrap_or(1);
        if y + tall > inside.bottom() && y > inside.top() {
            break;
        }
        let area = Rect { y, height: tall.min(inside.bottom().saturating_sub(y)), ..inside };
        starts.mark(y - inside.top());
        pane.draw(frame, area, at, *row);
        if focused && at == cursor {
            (area.top()..area.bottom()).for_each(|y| pane::shade(frame, inside, y, theme.cursor));
        }
        if drift.search.has(at) {
            search::mark(frame, theme, area, &drift.search);
        }
        (y, shown, is_tall) = (y + tall, shown + 1, is_tall || tall > 1);
        if y >= inside.bottom() {
            break;
        }
    }
    let height = if columns.are_beside() && !is_tall { height } else { shown.max(1) };
    // what follows is not drawn
    if y < inside.bottom() {
        starts.mark(y - inside.top());
    }
    let window = Window { top, height, len, area: inside, starts };
    pane::extent(frame, theme, area, window);
    window
}

/// How much room there is for what is not a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Room {
    /// Each line is cut off at the end of the pane, but for those that have to be read.
    Scarce,
    /// All of each line.
    Enough,
    /// What to do about findings as well.
    Ample,
}

/// How the rows are drawn.
struct Pane<'a> {
    state: &'a AppState,
    theme: &'a Theme,
    columns: Columns,
    width: usize,
    /// What there is room for of each row; none for all that are cut off.
    rooms: Vec<Room>,
}

impl Pane<'_> {
    /// The same with as much of the rows as so many lines have room for: all of each line comes before what to do,
    /// and the first rows, which matter most, before the others.
    fn with_room(mut self, height: usize) -> Self {
        let rows = &self.state.drift.rows;
        // a row has one line at least
        if rows.len() > height {
            return self;
        }
        self.rooms = vec![Room::Scarce; rows.len()];
        let mut heights: Vec<usize> = (0..rows.len()).map(|at| self.height(at)).collect();
        let Some(mut spare) = height.checked_sub(heights.iter().sum()) else { return self };
        for room in [Room::Enough, Room::Ample] {
            for (at, lines) in heights.iter_mut().enumerate() {
                let before = std::mem::replace(&mut self.rooms[at], room);
                let more = self.height(at).saturating_sub(*lines);
                match spare.checked_sub(more) {
                    Some(left) => (spare, *lines) = (left, *lines + more),
                    None => self.rooms[at] = before,
                }
            }
        }
        self
    }

    /// How many lines a row takes.
    fn height(&self, at: usize) -> usize {
        match self.state.drift.rows.get(at) {
            None => 1,
            Some(DriftRow::Field(at, _)) => {
                self.columns.lines(self.state.drift.item(*at).is_some_and(|item| item.is_on_both()))
            }
            Some(row) if self.is_cut(at, *row) => 1,
            Some(row) => self.lines(at, *row).len().max(1),
        }
    }

    fn room(&self, at: usize) -> Room {
        self.rooms.get(at).copied().unwrap_or(Room::Scarce)
    }

    /// Whether a row may be cut off. Of some nobody knows what is wrong without what stands at their end.
    fn is_cut(&self, at: usize, row: DriftRow) -> bool {
        let is_whole = matches!(row, DriftRow::Reason | DriftRow::Refused | DriftRow::Member(_));
        matches!(row, DriftRow::Section(_)) || self.room(at) == Room::Scarce && !is_whole
    }

    /// The lines of a row that is no field.
    fn lines(&self, at: usize, row: DriftRow) -> Vec<(String, Style)> {
        let Some((look, line)) = drift::line(self.state, row) else { return Vec::new() };
        let (glyphs, style) = (&self.theme.glyphs, style(self.theme, look));
        let line = match row {
            DriftRow::Section(head) => {
                format!("{} {line}", if head.folded.is_some() { glyphs.folded } else { glyphs.open })
            }
            _ => glyphs.arrows(&line).into_owned(),
        };
        if self.is_cut(at, row) {
            return vec![(text::fit(&line, self.width, glyphs.more).into_owned(), style)];
        }
        if text::width(&line) <= self.width && self.hint(at, row).is_none() {
            return vec![(line, style)];
        }
        let wrapped = |line: &str, style| text::wrap(line, self.width).into_iter().map(move |line| (line, style));
        let mut lines: Vec<_> = wrapped(&line, style).collect();
        if let Some(hint) = self.hint(at, row) {
            let indent = if matches!(row, DriftRow::Beside(_)) { "        " } else { "  " };
            let lead = ["what to do: "].into_iter().chain(std::iter::repeat("  "));
            let steps = hint.lines().zip(lead).map(|(step, lead)| format!("{indent}{lead}{step}"));
            lines.extend(steps.flat_map(|step| wrapped(&step, self.theme.quiet)));
        }
        lines
    }

    /// What to do about a finding, where there is room for it.
    fn hint(&self, at: usize, row: DriftRow) -> Option<&str> {
        let (DriftRow::Finding(number) | DriftRow::Beside(number)) = row else { return None };
        if self.room(at) < Room::Ample {
            return None;
        }
        let finding = self.state.drift.subject.as_ref()?.compared.drift.findings.get(number)?;
        Some(&finding.hint)
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, number: usize, row: DriftRow) {
        let pane = &self.state.drift;
        if let DriftRow::Field(at, field) = row {
            if let (Some(subject), Some(item), Some((name, values))) =
                (&pane.subject, pane.item(at), drift::sides(pane, at, field))
            {
                self.columns.field(self.theme, frame, area, (subject, &item), &name.to_string(), &values);
            }
            return;
        }
        for ((line, style), y) in self.lines(number, row).iter().zip(area.top()..area.bottom()) {
            text::put(frame, area.x, y, area.width, line, *style);
        }
    }
}

fn title(state: &AppState) -> String {
    let pane = &state.drift;
    let about = match &pane.subject {
        Some(Subject { scope: Some(id), .. }) => format!("drift of {}", state.names.name(*id)),
        Some(Subject { scope: None, compared, .. }) => format!("findings of {}", compared.drift.name),
        None => "drift".into(),
    };
    let search = pane.search.title(pane.scroll.position(pane.rows.len()));
    search.map_or(about.clone(), |search| format!("{about}, {search}"))
}

fn without_subject(state: &AppState, frame: &mut Frame<'_>, area: Rect) {
    let Some(name) = state.current_server() else { return };
    let Some(report) = state.survey.server(name) else { return };
    let lines = match &report.outcome {
        Some(Err(error)) => {
            let hint = error.hint.as_ref().map(|hint| format!("what to do: {hint}"));
            std::iter::once(error.to_string()).chain(hint).collect()
        }
        Some(Ok(_)) => vec![report.place.clone()],
        None => vec![format!("{}: being read", report.place)],
    };
    let width = usize::from(area.width.saturating_sub(1));
    let lines = lines.iter().flat_map(|line| text::wrap(line, width));
    for (line, y) in lines.zip(area.top()..area.bottom()) {
        text::put(frame, area.x, y, area.width, &line, Style::new());
    }
}

/// The style of a look.
pub(super) fn style(theme: &Theme, look: Look) -> Style {
    match look {
        Look::Plain => Style::new(),
        Look::Heading => theme.heading,
        Look::Quiet => theme.quiet,
        Look::Create => theme.create,
        Look::Update => theme.update,
        Look::Delete => theme.delete,
        Look::Refusal => theme.bad,
        Look::Warning => theme.warning,
    }
}
