//! The history: past runs, the scopes of one, and what it destroyed.

use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;

use super::{Theme, WIDE, drift, pane, text};
use crate::app::action::Action;
use crate::app::drawn::{Drawn, Window};
use crate::app::filter::Filter;
use crate::app::history::{Fate, HistoryView, Level, Older, Opened, PastRun, PastScope, destroyed, when};
use crate::app::state::AppState;
use crate::engine::port::RunKind;

/// Columns of the list where it stands beside a run.
const LIST: u16 = 96;

/// Draws the history in place of the lists.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, body: Rect, drawn: &mut Drawn) {
    let view = &state.history;
    if body.width >= WIDE {
        let [left, right] = Layout::horizontal([Constraint::Length(LIST), Constraint::Min(20)]).areas(body);
        drawn.history = Some(list(state, theme, frame, left, Rect { height: 0, ..left }));
        let right = Rect { x: right.x + 1, width: right.width.saturating_sub(1), ..right };
        match (&view.opened, view.current()) {
            (Some(opened), Some(run)) if opened.run.seq == run.seq || view.level > Level::Runs => {
                run_page(state, theme, frame, right, opened, drawn);
            }
            (_, Some(run)) => facts_pane(state, theme, frame, right, run),
            _ => {}
        }
        return;
    }
    match (&view.opened, view.level) {
        (Some(opened), Level::Scopes | Level::Destroyed) => run_page(state, theme, frame, body, opened, drawn),
        _ => {
            let lines = view.current().map_or(0, |run| facts(state, theme, run, body.width).len());
            let below = u16::try_from(lines + 1).unwrap_or(0).min(body.height / 2);
            let [top, bottom] = Layout::vertical([Constraint::Min(1), Constraint::Length(below)]).areas(body);
            drawn.history = Some(list(state, theme, frame, top, bottom));
        }
    }
}

/// The runs, and below them what the list has no room for of the highlighted one.
fn list(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, below: Rect) -> Window {
    let view = &state.history;
    let focused = view.level == Level::Runs;
    let text = &view.list.filter;
    let filter = if text.is_empty() { String::new() } else { format!(" {}", Filter::past_runs(text).title(text)) };
    let titles = pane::head(frame, theme, area, &format!("history{filter}"), focused);
    let inside = Rect { y: titles.y + 1, height: titles.height.saturating_sub(1), ..titles };
    let height = usize::from(inside.height.max(1));
    let top = view.list.window(&view.runs, height);
    let window = Window { top, height, len: view.runs.len(), area: inside, ..Window::default() };
    extent(theme, frame, area, view, window);
    let columns = Columns::of(state, theme, view.runs.iter().skip(top).take(height), inside);
    if !view.runs.is_empty() {
        columns.titles(theme, frame, titles.y);
    }
    for (run, y) in view.runs.iter().skip(top).zip(inside.top()..inside.bottom()) {
        columns.row(theme, frame, y, run);
        if view.current().is_some_and(|current| current.seq == run.seq) {
            text::put(frame, inside.x, y, 1, ">", theme.heading);
            pane::shade(frame, inside, y, if focused { theme.cursor } else { theme.resting });
        }
    }
    if view.runs.is_empty() {
        let (style, words) = nothing(state, theme);
        let lines = text::wrap(&words, usize::from(inside.width.saturating_sub(2)));
        for (line, y) in lines.iter().zip(inside.top()..inside.bottom()) {
            text::put(frame, inside.x + 1, y, inside.width.saturating_sub(1), line, style);
        }
    }
    if let (1.., Some(run)) = (below.height, view.current()) {
        facts_pane(state, theme, frame, below, run);
    }
    window
}

/// Which runs are shown; how many there are in all is not known before the last was read.
fn extent(theme: &Theme, frame: &mut Frame<'_>, head: Rect, view: &HistoryView, window: Window) {
    if view.older == Older::Nothing {
        return pane::extent(frame, theme, head, window);
    }
    if window.len > 0 {
        let last = (window.top + window.height).min(window.len);
        let label = format!(" {}-{last}, there are more ", window.top + 1);
        let width = u16::try_from(text::width(&label)).unwrap_or(0);
        text::put(frame, head.right().saturating_sub(width), head.y, width, &label, theme.quiet);
    }
}

fn nothing(state: &AppState, theme: &Theme) -> (Style, String) {
    let view = &state.history;
    match &view.older {
        Older::Unread | Older::Reading(_) | Older::Before(_) => (theme.quiet, "being read".into()),
        Older::Failed(reason) => (theme.bad, format!("{reason} ({} tries again)", state.key(Action::Reload))),
        Older::Nothing if !view.list.filter.is_empty() => {
            (theme.quiet, format!("no run fits the filter ({} takes it away)", state.key(Action::Back)))
        }
        Older::Nothing => (theme.quiet, "no run was kept yet: every run from now on is".into()),
    }
}

/// The columns of the list, each with its title; how a run ended takes the rest of the line.
struct Columns {
    area: Rect,
    zone: TimeZone,
    /// The time without the year, which all of them share.
    is_short: bool,
    widths: [u16; 4],
}

const TITLES: [&str; 5] = ["began", "who", "what", "servers", "how it ended"];

impl Columns {
    fn of<'a>(state: &AppState, theme: &Theme, runs: impl Iterator<Item = &'a PastRun> + Clone, area: Rect) -> Self {
        let zone = state.setting.zone();
        let year = |at: jiff::Timestamp| at.to_zoned(zone.clone()).year();
        let is_short = area.width < LIST && runs.clone().all(|run| year(run.started) == year(state.clock));
        let columns = Columns { area, zone: zone.clone(), is_short, widths: [0; 4] };
        let mut widths = TITLES.map(text::width);
        for run in runs {
            let words = columns.words(theme, run);
            widths.iter_mut().zip(&words).for_each(|(width, words)| *width = (*width).max(text::width(words)));
        }
        let most = [u16::MAX, area.width / 8, u16::MAX, area.width / 4];
        let widths = std::array::from_fn(|at| u16::try_from(widths[at]).unwrap_or(u16::MAX).min(most[at]));
        Columns { widths, ..columns }
    }

    fn words(&self, theme: &Theme, run: &PastRun) -> [String; 4] {
        let began = match self.is_short {
            true => run.started.to_zoned(self.zone.clone()).strftime("%m-%d %H:%M").to_string(),
            false => when(run.started, &self.zone),
        };
        [began, run.who.clone(), run.kind_word().to_owned(), run.route(theme.glyphs.arrow)]
    }

    fn titles(&self, theme: &Theme, frame: &mut Frame<'_>, y: u16) {
        let [first @ .., last] = TITLES;
        let x = self.put(theme, frame, y, &first, theme.quiet);
        text::put(frame, x, y, self.area.right().saturating_sub(x), last, theme.quiet);
    }

    fn row(&self, theme: &Theme, frame: &mut Frame<'_>, y: u16, run: &PastRun) {
        let mut x = self.put(theme, frame, y, &self.words(theme, run), Style::new());
        let good = run.counts.iter().all(|(word, _)| matches!(word.as_str(), "replicated" | "unchanged"));
        let fate = match run.fate {
            Fate::Interrupted => theme.bad,
            Fate::UnderWay => theme.warning,
            Fate::Ended | Fate::Settled => theme.quiet,
        };
        let ended =
            [(run.marks().join(", "), fate), (run.count_words(), if good { theme.good } else { theme.warning })];
        for (words, style) in ended.iter().filter(|(words, _)| !words.is_empty()) {
            let room = self.area.right().saturating_sub(x);
            x = text::put(frame, x, y, room, &text::fit(words, usize::from(room), theme.glyphs.more), *style) + 1;
        }
    }

    /// Writes the first columns; returns where the last one begins.
    fn put(&self, theme: &Theme, frame: &mut Frame<'_>, y: u16, words: &[impl AsRef<str>; 4], style: Style) -> u16 {
        let mut x = self.area.x + 2;
        for (words, width) in words.iter().zip(self.widths) {
            let room = self.area.right().saturating_sub(x).min(width);
            text::put(frame, x, y, room, &text::fit(words.as_ref(), usize::from(room), theme.glyphs.more), style);
            x = x.saturating_add(width + 1);
        }
        x
    }
}

/// What there is to say of a run as a whole.
fn facts(state: &AppState, theme: &Theme, run: &PastRun, width: u16) -> Vec<(Style, String)> {
    let zone = state.setting.zone();
    let what = match &run.kind {
        RunKind::Undo { of } => format!("undo of run {of}: {}", run.route(theme.glyphs.arrow)),
        _ => format!("{} {}", run.kind_word(), run.route(theme.glyphs.arrow)),
    };
    let at = |time: jiff::Timestamp| time.to_zoned(zone.clone()).strftime("%F %T").to_string();
    let ended = match (run.ended, run.fate) {
        (Some(ended), _) => {
            format!(" to {}", ended.to_zoned(zone.clone()).strftime("%T"))
        }
        (None, Fate::Interrupted | Fate::Settled) => ", and was interrupted".to_owned(),
        (None, _) => ", and is under way".to_owned(),
    };
    let mut lines = vec![(theme.heading, what)];
    let from = run.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
    let by = format!("{} on {}{from}, process {}, scopesync {}", run.who, run.host, run.process, run.version);
    lines.push((Style::new(), format!("{}{ended}; by {by}", at(run.started))));
    if !run.counts.is_empty() {
        lines.push((Style::new(), run.count_words()));
    }
    if run.fate == Fate::Interrupted {
        let [enter, finish] = [Action::Enter, Action::Finish].map(|action| state.key(action));
        let [undo, leave] = [Action::Undo, Action::LeaveRun].map(|action| state.key(action));
        let text = format!(
            "INTERRUPTED: its process is gone. {enter} reads both servers and tells how far it came; {finish} previews \
             the rest of it, {undo} the way back; {leave} leaves it as it is."
        );
        lines.push((theme.bad, text));
    }
    lines.extend(run.settled.iter().map(|settled| (theme.warning, format!("settled: {settled}"))));
    lines.extend(run.undone_by.iter().map(|by| (theme.warning, by.words())));
    if !run.overrides.is_empty() {
        lines.push((theme.warning, format!("overridden: {}", run.overrides.join(", "))));
    }
    let width = usize::from(width.saturating_sub(2));
    lines.into_iter().flat_map(|(style, line)| text::wrap(&line, width).into_iter().map(move |l| (style, l))).collect()
}

fn facts_pane(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, run: &PastRun) {
    let inside = pane::head(frame, theme, area, &format!("run {}", run.id), false);
    put_lines(frame, inside, &facts(state, theme, run, inside.width));
}

fn put_lines(frame: &mut Frame<'_>, area: Rect, lines: &[(Style, String)]) {
    for ((style, line), y) in lines.iter().zip(area.top()..area.bottom()) {
        text::put(frame, area.x + 1, y, area.width.saturating_sub(1), line, *style);
    }
}

/// One run: what is to be said of it, its scopes, and what it destroyed in the highlighted one.
fn run_page(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, opened: &Opened, drawn: &mut Drawn) {
    let head = pane::head(frame, theme, area, &format!("run {}", opened.run.id), false);
    let mut facts = facts(state, theme, &opened.run, area.width);
    let told = opened.detail().map_or(&[][..], |detail| &detail.remarks);
    let width = usize::from(area.width.saturating_sub(2));
    facts.extend(told.iter().flat_map(|line| text::wrap(line, width)).map(|line| (theme.warning, line)));
    facts.truncate(usize::from(head.height / 3));
    put_lines(frame, head, &facts);
    let used = u16::try_from(facts.len()).unwrap_or(0);
    let rest = Rect { y: head.y + used, height: head.height.saturating_sub(used), ..head };
    let count = u16::try_from(opened.shown.len().max(1)).unwrap_or(u16::MAX).saturating_add(1);
    let share = if state.history.level == Level::Destroyed { rest.height / 4 } else { rest.height / 2 };
    let [top, bottom] = Layout::vertical([Constraint::Length(count.min(share.max(3))), Constraint::Min(3)]).areas(rest);
    drawn.past_scopes = Some(scopes(state, theme, frame, top, opened));
    drawn.destroyed = Some(losses(state, theme, frame, bottom, opened));
}

fn scopes(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, opened: &Opened) -> Window {
    let focused = state.history.level == Level::Scopes;
    let text = &opened.scopes.filter;
    let filter = if text.is_empty() { String::new() } else { format!(" {}", Filter::past_scopes(text).title(text)) };
    let inside = pane::head(frame, theme, area, &format!("scopes{filter}"), focused);
    let height = usize::from(inside.height.max(1));
    let top = opened.scopes.window(&opened.shown, height);
    let window = Window { top, height, len: opened.shown.len(), area: inside, ..Window::default() };
    pane::extent(frame, theme, area, window);
    let Some(detail) = opened.detail() else {
        let (style, words) = match &opened.detail {
            Some(Err(reason)) => (theme.bad, reason.as_str()),
            _ => (theme.quiet, "being read"),
        };
        put_lines(frame, inside, &[(style, words.to_owned())]);
        return window;
    };
    let cursor = opened.scopes.position(&opened.shown);
    let several =
        detail.scopes.iter().any(|scope| Some(&scope.target) != detail.scopes.first().map(|first| &first.target));
    let width = detail.scopes.iter().map(|scope| text::width(&scope.name)).max().unwrap_or(0);
    for ((at, index), y) in opened.shown.iter().enumerate().skip(top).zip(inside.top()..inside.bottom()) {
        let Some(scope) = detail.scopes.get(*index as usize) else { continue };
        let target = if several { format!("{} ", scope.target) } else { String::new() };
        let sign = if cursor == Some(at) { ">" } else { " " };
        let line = format!("{sign} {:<width$} {target}{}{}", scope.name, scope.standing(), signs(scope));
        let line = text::fit(&line, usize::from(inside.width), theme.glyphs.more).into_owned();
        text::put(frame, inside.x, y, inside.width, &line, style(theme, scope));
        if cursor == Some(at) {
            pane::shade(frame, inside, y, if focused { theme.cursor } else { theme.resting });
        }
    }
    if opened.shown.is_empty() {
        let words = if filter.is_empty() { "it came to no scope" } else { "no scope fits the filter" };
        put_lines(frame, inside, &[(theme.quiet, words.to_owned())]);
    }
    window
}

/// `  +1 ~2 -3`.
fn signs(scope: &PastScope) -> String {
    let counts = ['+', '~', '-'].into_iter().zip(scope.counts()).filter(|(_, count)| *count > 0);
    let signs: Vec<String> = counts.map(|(sign, count)| format!("{sign}{count}")).collect();
    if signs.is_empty() { String::new() } else { format!("  {}", signs.join(" ")) }
}

fn style(theme: &Theme, scope: &PastScope) -> Style {
    if let Some((_, is_done)) = scope.told {
        return if is_done { theme.good } else { theme.bad };
    }
    match scope.outcome.as_deref() {
        Some("replicated" | "unchanged") => theme.good,
        Some("rejected" | "unknown") | None => theme.bad,
        _ => theme.warning,
    }
}

/// What the run destroyed in the highlighted scope. What is too long goes on below.
fn losses(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, opened: &Opened) -> Window {
    let focused = state.history.level == Level::Destroyed;
    let inside = pane::head(frame, theme, area, "what the run destroyed", focused);
    let width = usize::from(inside.width.saturating_sub(1));
    let lines = opened.current().map(destroyed).unwrap_or_default();
    let lines: Vec<(Style, String)> = lines
        .into_iter()
        .flat_map(|(look, line)| {
            text::wrap(&line, width).into_iter().map(move |line| (drift::style(theme, look), line))
        })
        .collect();
    let height = usize::from(inside.height.max(1));
    let top = opened.scroll.top.min(lines.len().saturating_sub(height));
    let window = Window { top, height, len: lines.len(), area: inside, ..Window::default() };
    pane::extent(frame, theme, area, window);
    put_lines(frame, inside, lines.get(top..).unwrap_or_default());
    window
}
