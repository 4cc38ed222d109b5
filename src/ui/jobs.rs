//! The jobs: a gauge for each run, then the scopes of the one that is chosen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text, title};
use crate::app::detached::DetachedJob;
use crate::app::drawn::Window;
use crate::app::drift::change_line;
use crate::app::list;
use crate::app::runs::{self, Cancelled, Ended, Entry, Kind, Route, Run, RunRow};
use crate::app::state::{AppState, Tone};
use crate::engine::outcome::Outcome;
use crate::engine::progress::Stage;
use crate::engine::reset::Fate;
use crate::show::{ScopeNames, plural};

/// Columns of a gauge.
const GAUGE: usize = 20;

/// Draws the jobs over the lists. `None` where there are none.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> Option<Window> {
    let inside = pane::head(frame, theme, area, "jobs", true);
    let all = state.runs.entries();
    let shown = state.runs.shown();
    let Some(at) = all.iter().position(|entry| Some(*entry) == shown) else {
        text::put(frame, inside.x + 1, inside.y, inside.width, "no run in this session yet, and no job", theme.quiet);
        return None;
    };
    // Newest first; two lines each.
    let room = usize::from((inside.height / 5).max(1)).min(all.len());
    let first = list::window(0, all.len() - 1 - at, all.len(), room);
    let mut y = inside.y;
    for entry in all.iter().rev().skip(first).take(room) {
        let area = Rect { y, height: 2, ..inside };
        let chosen = Some(*entry) == shown;
        match entry {
            Entry::Run(ticket) => {
                if let Some(run) = state.runs.all.iter().find(|run| run.ticket == *ticket) {
                    gauge(state, theme, frame, area, run, chosen);
                }
            }
            Entry::Job(id) => {
                if let Some(job) = state.runs.jobs.iter().find(|job| job.id == *id) {
                    let (tone, words) = job.standing();
                    let head = format!("job {id} of {}: {}", job.who, job.title);
                    bar(theme, frame, area, (&head, chosen), job.ratio(), (tone, &words));
                }
            }
        }
        y += 2;
    }
    let below = Rect { y, height: inside.bottom().saturating_sub(y), ..inside };
    let (title, scroll, lines) = match (state.runs.current(), state.runs.current_job()) {
        (Some(run), _) => {
            let lines = run.rows().into_iter().filter_map(|row| line(theme, &state.names, run, row)).collect();
            (if run.kind == Kind::Reset { "servers" } else { "scopes" }, run.scroll, lines)
        }
        (None, Some(job)) => ("what it told", state.runs.job_scroll, told(theme, job, below.width)),
        (None, None) => return None,
    };
    let list = pane::head(frame, theme, below, title, false);
    let height = usize::from(list.height.max(1));
    let top = scroll.top.min(lines.len().saturating_sub(height));
    let window = Window { top, height, len: lines.len(), area: list };
    pane::extent(frame, theme, below, window);
    for ((style, line), y) in lines.iter().skip(top).zip(list.top()..list.bottom()) {
        let line = text::fit(line, usize::from(list.width.saturating_sub(1)), theme.glyphs.more);
        text::put(frame, list.x + 1, y, list.width.saturating_sub(1), &line, *style);
    }
    Some(window)
}

/// What a job told at its end, or what it does.
fn told(theme: &Theme, job: &DetachedJob, width: u16) -> Vec<(Style, String)> {
    let doing = job.progress.as_ref().filter(|_| !job.state.is_over()).map(|progress| progress.doing.clone());
    let width = usize::from(width.saturating_sub(2));
    let lines = doing.iter().chain(&job.told).flat_map(|line| text::wrap(line, width));
    let mut lines: Vec<(Style, String)> = lines.map(|line| (Style::new(), line)).collect();
    if lines.is_empty() {
        lines.push((theme.quiet, job.state.word().to_owned()));
    }
    lines
}

fn gauge(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, run: &Run, chosen: bool) {
    let route = |route: &Route| match run.kind {
        Kind::Replication | Kind::Undo => {
            format!("{}: {} {} {}", route.name, route.source, theme.glyphs.arrow, route.target)
        }
        Kind::Reset => format!("{}: reset of {} and {}", route.name, route.source, route.target),
    };
    let routes: Vec<String> = run.routes.iter().map(route).collect();
    let (tone, words) = standing(state, run);
    bar(theme, frame, area, (&routes.join(", "), chosen), run.ratio(state.clock), (tone, &words));
}

fn bar(
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    (head, chosen): (&str, bool),
    ratio: f64,
    (tone, words): (Tone, &str),
) {
    let sign = if chosen { ">" } else { " " };
    let head = format!("{sign} {head}");
    let head = text::fit(&head, usize::from(area.width), theme.glyphs.more);
    text::put(frame, area.x, area.y, area.width, &head, if chosen { theme.heading } else { Style::new() });
    let done = ((ratio * GAUGE as f64) as usize).min(GAUGE);
    let bar = format!("{}{}", theme.glyphs.full.repeat(done), theme.glyphs.empty.repeat(GAUGE - done));
    let y = area.y + 1;
    let x = text::put(frame, area.x + 2, y, area.width.saturating_sub(2), &format!("[{bar}] "), Style::new());
    let room = area.right().saturating_sub(x);
    text::put(frame, x, y, room, &text::fit(words, usize::from(room), theme.glyphs.more), title::style(theme, tone));
}

/// How a run stands, in words.
fn standing(state: &AppState, run: &Run) -> (Tone, String) {
    match &run.result {
        Some(Ok(report)) => report.summary(),
        Some(Err(reason)) => (Tone::Bad, format!("failed: {reason}")),
        None if run.kind == Kind::Reset => {
            let words = run.status.waiting.as_ref().map_or("beginning", |waiting| waiting.for_what.as_str());
            match run.cancelled {
                None => (Tone::Plain, words.to_owned()),
                Some(_) => (Tone::Warning, format!("no longer waiting, {words}")),
            }
        }
        None => {
            let status = &run.status;
            let mut words = format!(
                "{:.0} %, {} of {} scopes",
                run.ratio(state.clock) * 100.0,
                status.scopes_done,
                status.scopes_total
            );
            words.push_str(&format!(", {} of {} changes", status.changes_done, status.changes_total));
            if let Some((rate, left)) = status.rate(state.clock) {
                let digits = usize::from(rate < 10.0);
                words.push_str(&format!(", {rate:.digits$}/s, {} left", time(left)));
            }
            if status.current.is_none() {
                words.push_str(", making sure that nothing has moved since the preview");
            }
            if let Some(waiting) = &status.waiting {
                words.push_str(&format!(", {}", waiting.for_what));
            }
            let tone = match run.cancelled {
                None => Tone::Plain,
                Some(step) => {
                    let how = if step == Cancelled::Soft { "scope" } else { "request" };
                    words = format!("cancelling after the {how} in flight, {words}");
                    Tone::Warning
                }
            };
            (tone, words)
        }
    }
}

fn time(seconds: f64) -> String {
    // Beyond a day nobody believes it.
    let seconds = seconds.clamp(0.0, 86_400.0) as u64;
    if seconds >= 60 { format!("{} min {} s", seconds / 60, seconds % 60) } else { format!("{seconds} s") }
}

fn line(theme: &Theme, names: &ScopeNames, run: &Run, row: RunRow) -> Option<(Style, String)> {
    let ended = run.result.as_ref().and_then(|result| result.as_ref().ok());
    let report = ended.and_then(|ended| if let Ended::Replicated(report) = ended { Some(report) } else { None });
    let reset = ended.and_then(|ended| if let Ended::Reset(report) = ended { Some(report) } else { None });
    let width = names.width();
    let relationship = |at: usize| report?.relationships.get(at);
    Some(match row {
        RunRow::Relationship(at) => {
            let told = relationship(at)?;
            let caveats = told.caveats.iter().map(|caveat| format!("; {caveat}")).collect::<String>();
            let arrow = theme.glyphs.arrow;
            (theme.heading, format!("{}: {} {arrow} {}{caveats}", told.name, told.source, told.target))
        }
        RunRow::Remark(at, remark) => (theme.warning, format!("  {}", relationship(at)?.remarks.get(remark)?)),
        RunRow::StillTerminated(at, line) => {
            let told = relationship(at)?;
            let left = told.still_terminated.as_ref()?;
            match line {
                0 => (theme.bad, format!("  still terminated: {}; H resets both servers", left.servers.join(", "))),
                1 => (theme.warning, format!("    cost: {}", left.reset.cost)),
                n => (Style::new(), format!("    {}. {}", n - 1, left.reset.steps.get(n - 2)?)),
            }
        }
        RunRow::Server(at) => {
            let (side, mode) = (reset?.sides.get(at)?, &reset?.mode);
            let style = match side.fate {
                Fate::InService => theme.good,
                Fate::NotReset => theme.warning,
                Fate::NotInService | Fate::Unknown => theme.bad,
            };
            (style, format!("  {} {}", side.server, side.words(mode)))
        }
        RunRow::ResetRemark(at) => (theme.warning, format!("  {}", reset?.remarks.get(at)?)),
        RunRow::Waiting => {
            let waiting = run.status.waiting.as_ref()?;
            let rule =
                waiting.expected.map(|expected| format!("; takes about {:.0} s as a rule", expected.as_secs_f64()));
            (theme.heading, format!("  {}{}", waiting.for_what, rule.unwrap_or_default()))
        }
        RunRow::Scope(at, scope) => {
            let scope = relationship(at)?.scopes.get(scope)?;
            let style = match scope.outcome {
                _ if scope.is_good() => theme.good,
                Outcome::Rejected | Outcome::Unknown => theme.bad,
                _ => theme.warning,
            };
            (style, format!("  {:<width$} {}", names.name(scope.id), runs::outcome_words(scope)))
        }
        RunRow::Shared(at, reason) => {
            let (message, count) = relationship(at)?.shared().into_iter().nth(reason)?;
            (theme.bad, format!("  {} {}: {message}", plural(count, "scope"), Outcome::Rejected.word()))
        }
        RunRow::Message(at, scope) => {
            (Style::new(), format!("      {}", relationship(at)?.scopes.get(scope)?.message.as_ref()?))
        }
        RunRow::Residual(at, scope, change) => {
            let change = relationship(at)?.scopes.get(scope)?.residual.get(change)?;
            (theme.warning, format!("      still differs: {}", change_line(change)))
        }
        RunRow::Stage(at) => {
            let (_, id, stage) = run.status.stages.get(at)?;
            let style = match stage {
                Stage::Waiting => theme.quiet,
                Stage::Done => theme.good,
                _ => theme.heading,
            };
            (style, format!("  {:<width$} {}", names.name(*id), stage.word()))
        }
        RunRow::Failed => {
            let reason = run.result.as_ref()?.as_ref().err()?;
            (theme.bad, format!("  {reason}; what was done is unknown until it is read back"))
        }
    })
}
