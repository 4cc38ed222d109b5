//! The jobs: a list of all runs and jobs, and the one that is chosen with its scopes.

mod lines;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;

use super::{Theme, WIDE, pane, text, title};
use crate::app::action::Action;
use crate::app::detached::DetachedJob;
use crate::app::drawn::{Drawn, Window};
use crate::app::list;
use crate::app::runs::{Cancelled, Entry, Kind, Run, Standing};
use crate::app::state::{AppState, Tone};
use crate::show;

/// Columns of the gauge of the run that is shown, and of one in the list.
const GAUGE: usize = 20;
const SMALL_GAUGE: usize = 10;

/// Draws the jobs over the lists.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, drawn: &mut Drawn) {
    let entries = state.runs.entries();
    let Some(shown) = state.runs.shown() else {
        let inside = pane::head(frame, theme, area, "jobs", true);
        let words = match state.runs.filter_title() {
            None => "no run in this session yet, and no job".to_owned(),
            Some(filter) => {
                format!("no run or job fits the filter {filter} ({} takes it away)", state.key(Action::Back))
            }
        };
        text::put(frame, inside.x + 1, inside.y, inside.width, &words, theme.quiet);
        return;
    };
    let [all, one] = if area.width >= WIDE {
        let [left, right] = Layout::horizontal([Constraint::Percentage(45), Constraint::Min(20)]).areas(area);
        [pane::divide(frame, theme, left), right]
    } else {
        // A third for the list, and its rule.
        let most = usize::from((area.height / 3).max(2) - 1);
        let height = u16::try_from(entries.len().min(most) + 1).unwrap_or(u16::MAX);
        Layout::vertical([Constraint::Length(height), Constraint::Min(1)]).areas(area)
    };
    drawn.runs = Some(list(state, theme, frame, all, &entries, shown));
    drawn.jobs = match (state.runs.current(), state.runs.current_job()) {
        (Some(run), _) => Some(run_in_full(state, theme, frame, one, run)),
        (None, Some(job)) => Some(job_in_full(state, theme, frame, one, job)),
        (None, None) => None,
    };
}

/// One line each, the newest first.
fn list(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, entries: &[Entry], shown: Entry) -> Window {
    let counts = [Standing::Running, Standing::Cancelling, Standing::Queued].map(|standing| {
        let count = entries.iter().filter(|entry| state.runs.standing(**entry) == Some(standing)).count();
        (count > 0).then(|| format!(", {count} {}", standing.word()))
    });
    let filter = state.runs.filter_title().map(|filter| format!(" {filter}")).unwrap_or_default();
    let head = format!("jobs{filter}{}", counts.into_iter().flatten().collect::<String>());
    let inside = pane::head(frame, theme, area, &head, true);
    let at = entries.iter().rev().position(|entry| *entry == shown).unwrap_or(0);
    let room = usize::from(inside.height.max(1));
    let first = list::window(0, at, entries.len(), room);
    let window = Window { top: first, height: room, len: entries.len(), area: inside, ..Window::default() };
    pane::extent(frame, theme, area, window);
    let lines: Vec<Line> =
        entries.iter().rev().skip(first).take(room).filter_map(|entry| line(state, theme, *entry)).collect();
    let widest = |part: fn(&Line) -> &str| lines.iter().map(|line| text::width(part(line))).max().unwrap_or(0);
    let times = u16::try_from(widest(|line| &line.began)).unwrap_or(0);
    let room = usize::from(inside.width).saturating_sub(Standing::WIDTH + 6 + usize::from(times));
    let spare = room.saturating_sub(widest(|line| &line.words));
    let width = u16::try_from(widest(|line| &line.head).min(spare.max(room / 2))).unwrap_or(0);
    for ((number, line), y) in lines.iter().enumerate().zip(inside.top()..inside.bottom()) {
        let is_shown = first + number == at;
        let tone = title::style(theme, line.standing.tone());
        text::put(frame, inside.x, y, 1, if is_shown { ">" } else { " " }, theme.heading);
        text::put(frame, inside.x + 2, y, times, &line.began, theme.quiet);
        let mut x = inside.x + 3 + times;
        text::put(frame, x, y, inside.right().saturating_sub(x), line.standing.word(), tone);
        x += Standing::WIDTH as u16 + 1;
        let head = text::fit(&line.head, usize::from(width), theme.glyphs.more);
        text::put(frame, x, y, width, &head, if is_shown { theme.heading } else { Style::new() });
        x += width + 2;
        let room = inside.right().saturating_sub(x);
        text::put(frame, x, y, room, &text::fit(&line.words, usize::from(room), theme.glyphs.more), tone);
        if is_shown {
            pane::shade(frame, Rect { y, height: 1, ..inside }, y, theme.resting);
        }
    }
    window
}

/// A run or job in the list.
struct Line {
    /// When it began, in the operator's time: runs of one relationship look alike otherwise.
    began: String,
    standing: Standing,
    head: String,
    words: String,
}

fn line(state: &AppState, theme: &Theme, entry: Entry) -> Option<Line> {
    match entry {
        Entry::Run(ticket) => {
            let run = state.runs.all.iter().find(|run| run.ticket == ticket)?;
            let words = match &run.result {
                None if run.kind == Kind::Reset || run.waits_for().is_some() => standing(state, run).1,
                None => match (run.rate(state.clock), still(state, run)) {
                    (Some((_, left)), _) => {
                        small_gauge(theme, run.ratio(state.clock)) + &format!(", {} left", show::time(left))
                    }
                    // a narrow line has no room for both
                    (None, Some(still)) => format!("{:.0} %, {still}", run.ratio(state.clock) * 100.0),
                    (None, None) => small_gauge(theme, run.ratio(state.clock)),
                },
                Some(_) => standing(state, run).1,
            };
            Some(Line {
                began: began(state, run.began),
                standing: run.standing(),
                head: run.head(theme.glyphs.arrow),
                words,
            })
        }
        Entry::Job(id) => {
            let job = state.runs.jobs.iter().find(|job| job.id == id)?;
            let words = match job.standing() {
                Standing::Running => small_gauge(theme, job.ratio()),
                _ => job.outcome().map_or_else(|| job.words().1, str::to_owned),
            };
            // whose it is stands below
            let head = format!("job {id}: {}", theme.glyphs.arrows(&job.title));
            Some(Line { began: began(state, job.created), standing: job.standing(), head, words })
        }
    }
}

/// The time of day alone where it is that of the same day.
fn began(state: &AppState, at: jiff::Timestamp) -> String {
    let [at, now] = [at, state.clock].map(|time| time.to_zoned(state.setting.zone()));
    at.strftime(if at.date() == now.date() { "%H:%M:%S" } else { "%m-%d %H:%M" }).to_string()
}

fn small_gauge(theme: &Theme, ratio: f64) -> String {
    format!("[{}] {:.0} %", bar(theme, ratio, SMALL_GAUGE), ratio * 100.0)
}

fn bar(theme: &Theme, ratio: f64, columns: usize) -> String {
    let done = ((ratio * columns as f64) as usize).min(columns);
    format!("{}{}", theme.glyphs.full.repeat(done), theme.glyphs.empty.repeat(columns - done))
}

/// The gauge, if there is one, with how it stands, on two lines where it needs them; returns the room below.
fn gauge(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ratio: Option<f64>, (tone, words): (Tone, &str)) -> Rect {
    let bar = ratio.map(|ratio| format!("[{}] ", bar(theme, ratio, GAUGE))).unwrap_or_default();
    let x = text::put(frame, area.x + 1, area.y, area.width, &bar, Style::new());
    let room = usize::from(area.right().saturating_sub(x));
    // Small windows need the room for what is below.
    let lines = text::wrap_at_most(words, room, if area.height > 6 { 2 } else { 1 }, theme.glyphs.more);
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        text::put(frame, x, y, area.right().saturating_sub(x), line, title::style(theme, tone));
    }
    let used = u16::try_from(lines.len()).unwrap_or(1).min(area.height);
    Rect { y: area.y + used, height: area.height - used, ..area }
}

fn run_in_full(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, run: &Run) -> Window {
    let only = if state.runs.listed.only_failed && run.kind != Kind::Reset { ", only what is not done" } else { "" };
    let filter = if state.runs.filter.is_empty() { String::new() } else { format!(", /{}", state.runs.filter) };
    let inside = pane::head(frame, theme, area, &format!("{}{only}{filter}", run.head(theme.glyphs.arrow)), false);
    let (tone, words) = standing(state, run);
    let below = gauge(theme, frame, inside, Some(run.ratio(state.clock)), (tone, &words));
    let columns = usize::from(below.width.saturating_sub(2));
    let wrapped = |at: usize| match run.rows.get(at).and_then(|row| lines::line(state, theme, run, *row)) {
        Some((style, line)) if text::width(&line) > columns => (style, text::wrap(&line, columns)),
        Some((style, line)) => (style, vec![line]),
        None => (Style::new(), vec![String::new()]),
    };
    let (len, height) = (run.rows.len(), usize::from(below.height.max(1)));
    let top = run.scroll.top.min(len.saturating_sub(1));
    let top = list::window_of(top, top, len, height, |at| wrapped(at).1.len());
    let mut y = below.y;
    let mut shown = 0;
    while y < below.bottom() && top + shown < len {
        let (style, texts) = wrapped(top + shown);
        let is_whole = texts.len() <= usize::from(below.bottom() - y);
        for (line, y) in texts.iter().zip(y..below.bottom()) {
            text::put(frame, below.x + 1, y, below.width.saturating_sub(1), line, style);
        }
        y = y.saturating_add(u16::try_from(texts.len()).unwrap_or(u16::MAX));
        // One that is higher than the window is passed over in one step.
        shown += usize::from(is_whole || shown == 0);
    }
    let window = Window { top, height: shown.max(1), len, area: below, ..Window::default() };
    pane::extent(frame, theme, area, window);
    window
}

fn job_in_full(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, job: &DetachedJob) -> Window {
    let inside = pane::head(
        frame,
        theme,
        area,
        &format!("job {} of {}: {}", job.id, job.who, theme.glyphs.arrows(&job.title)),
        false,
    );
    let (tone, words) = job.words();
    let ratio = (!job.state.is_over() || job.standing() == Standing::Done).then(|| job.ratio());
    let below = gauge(theme, frame, inside, ratio, (tone, &words));
    let columns = usize::from(below.width.saturating_sub(2));
    let lines: Vec<String> = job.told.iter().flat_map(|line| text::wrap(&theme.glyphs.arrows(line), columns)).collect();
    let height = usize::from(below.height.max(1));
    let top = state.runs.job_scroll.top.min(lines.len().saturating_sub(height));
    let window = Window { top, height, len: lines.len(), area: below, ..Window::default() };
    pane::extent(frame, theme, area, window);
    for (line, y) in lines.iter().skip(top).zip(below.top()..below.bottom()) {
        text::put(frame, below.x + 1, y, below.width.saturating_sub(1), line, Style::new());
    }
    window
}

/// How a run stands, in words.
fn standing(state: &AppState, run: &Run) -> (Tone, String) {
    if let Some(ended) = &run.result {
        return match ended {
            Ok(report) => report.summary(&state.key(Action::Reset)),
            Err(reason) => (Tone::Bad, format!("failed: {reason}")),
        };
    }
    let queued = state.runs.queue_words(run);
    let mut words = match (&queued, run.kind) {
        (Some(words), _) => words.clone(),
        (None, Kind::Reset) => run.status.waiting.as_ref().map_or("beginning", |waiting| &waiting.for_what).to_owned(),
        (None, _) => progress(state, run),
    };
    match run.cancelled {
        None => return (Tone::Plain, words),
        Some(_) if run.kind == Kind::Reset => words = format!("no longer waiting, {words}"),
        Some(Cancelled::Soft) => words = format!("cancelling after the scope in flight, {words}"),
        Some(Cancelled::Hard) => words = format!("cancelling after the request in flight, {words}"),
    }
    (Tone::Warning, words)
}

/// How far a run under way is, how fast, and how long it takes on.
fn progress(state: &AppState, run: &Run) -> String {
    let status = &run.status;
    let percent = format!("{:.0} %", run.ratio(state.clock) * 100.0);
    let mut words = format!(
        "{} of {} scopes, {} of {} changes",
        status.scopes_done, status.scopes_total, status.changes_done, status.changes_total
    );
    if let Some((rate, left)) = run.rate(state.clock) {
        let digits = usize::from(rate < 10.0);
        words.push_str(&format!(", {rate:.digits$}/s, {} left", show::time(left)));
    }
    let waiting = status.waiting.as_ref().map(|waiting| waiting.for_what.clone());
    let awaited = || run.awaited(state.clock);
    let doing = waiting.or_else(|| show::making_sure(status)).or_else(awaited);
    let doing = doing.map(|doing| format!(", {doing}")).unwrap_or_default();
    match still(state, run) {
        None => format!("{percent}, {words}{doing}"),
        // what a window of 80 columns must not cut off
        Some(still) => format!("{percent}, {still}{doing}, {words}"),
    }
}

/// For how long nothing has moved; nothing where that is expected.
fn still(state: &AppState, run: &Run) -> Option<String> {
    show::Progress::from(&run.status).still(state.clock)
}
