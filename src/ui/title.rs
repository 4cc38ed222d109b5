//! The first line: what is shown, and what may be done to it.

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Theme;
use super::text;
use crate::app::action::Action;
use crate::app::state::{AppState, Quitting, Tone};
use crate::app::watch;
use crate::engine::survey::Survey;
use crate::show;

/// A part of the title: in full, in short where there is no room for all parts (they change places then), and how it
/// looks.
struct Part {
    long: String,
    short: String,
    style: Style,
}

impl Part {
    fn new(long: impl Into<String>, short: impl Into<String>, style: Style) -> Self {
        Part { long: long.into(), short: short.into(), style }
    }

    fn fixed(text: impl Into<String>, style: Style) -> Self {
        let text = text.into();
        Part { short: text.clone(), long: text, style }
    }
}

/// Between two parts, and before the first.
const GAP: usize = 2;

/// What runs came to takes at most so many lines, and in windows lower than this one.
const MOST_OF_BANNER: usize = 2;
const LOW: u16 = 20;

/// Draws the title. The name of the file gives way first, then the last parts say less; where one that came before
/// them has to say less too, what fits beside it is said in full again.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let mut parts = parts(state, theme);
    let room = usize::from(area.width.saturating_sub(1));
    let needed = |parts: &[Part]| parts.iter().map(|part| text::width(&part.long) + GAP).sum::<usize>();
    for at in (0..parts.len()).rev() {
        if needed(&parts) <= room + GAP {
            break;
        }
        let Part { long, short, .. } = &mut parts[at];
        std::mem::swap(long, short);
    }
    for at in 0..parts.len() {
        let part = &parts[at];
        let (shown, other) = (text::width(&part.long), text::width(&part.short));
        if other > shown && needed(&parts) + other - shown <= room + GAP {
            let Part { long, short, .. } = &mut parts[at];
            std::mem::swap(long, short);
        }
    }
    if state.setting.config_name != "demo" {
        parts.push(Part::fixed(&state.setting.config_name, Style::new()));
    }
    let mut x = area.x + 1;
    for part in parts {
        let left = area.right().saturating_sub(x);
        let shown = text::fit(&part.long, usize::from(left), theme.glyphs.more);
        x = text::put(frame, x, area.y, left, &shown, part.style);
        x = text::put(frame, x, area.y, area.right().saturating_sub(x), "  ", Style::new());
    }
}

/// What matters most first: it must not be cut off.
fn parts(state: &AppState, theme: &Theme) -> Vec<Part> {
    let mut parts = vec![Part::fixed("scopesync", theme.heading)];
    // what changes the meaning of keys
    if state.force && state.what_if {
        parts.push(Part::fixed(" FORCE ", theme.danger));
    } else if state.force {
        let words = format!(" FORCE: {} does not ask ", state.key(Action::Preview));
        parts.push(Part::new(words, " FORCE ", theme.danger));
    }
    if state.setting.read_only {
        parts.push(Part::fixed(" READ-ONLY ", theme.flag));
    } else if state.what_if {
        parts.push(Part::new(" WHATIF: nothing is written ", " WHATIF ", theme.flag));
    }
    let cautions = cautions(&state.survey).into_iter();
    parts.extend(cautions.map(|(word, names)| {
        Part::new(format!(" {word}: {} ", show::some(names.iter())), format!(" {word} "), theme.danger)
    }));
    let mut amiss: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (server, left) in &state.left_over {
        amiss.entry(left.word()).or_default().push(server.as_str());
    }
    parts.extend(amiss.into_iter().map(|(word, names)| {
        Part::new(format!(" {word}: {} ", show::some(names.iter())), format!(" {word} "), theme.danger)
    }));
    if state.setting.config_name == "demo" {
        parts.push(Part::fixed(" DEMO ", theme.flag));
    }
    match state.quitting {
        Some(Quitting::WhenIdle) => {
            parts.push(Part::new(" QUITTING when the run has ended ", " QUITTING ", theme.flag));
        }
        Some(Quitting::HandingOver) => {
            parts.push(Part::new(" HANDING OVER after the scope in flight ", " HANDING OVER ", theme.flag));
        }
        Some(Quitting::Asking) | None => {}
    }
    let jobs = state.key(Action::Jobs);
    let running = state.running().count();
    if let (1.., Some(run)) = (running, state.running().next()) {
        let more = if running > 1 { format!(" and {} more", running - 1) } else { String::new() };
        let percent = run.ratio(state.clock) * 100.0;
        parts.push(Part::fixed(format!("running {percent:.0} %{more} ({jobs})"), theme.warning));
    }
    if let Some(job) = state.runs.jobs.iter().find(|job| !job.state.is_over()) {
        parts.push(Part::fixed(format!("job {} {:.0} % ({jobs})", job.id, job.ratio() * 100.0), theme.warning));
    }
    parts.extend(watch::words(state).map(|[long, short]| Part::new(long, short, theme.quiet)));
    if state.mouse {
        parts.push(Part::fixed(" MOUSE ", theme.flag));
    }
    if !state.reading.is_empty() {
        let names: Vec<&str> = state.reading.keys().take(3).map(|server| server.as_str()).collect();
        let more = state.reading.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let words = format!("reading {}{more}{}", names.join(", "), theme.glyphs.more);
        parts.push(Part::new(words, format!("reading{}", theme.glyphs.more), theme.quiet));
    }
    parts
}

/// What makes the way to some servers unsafe, and to which: `INSECURE` and the servers' names.
fn cautions(survey: &Survey) -> BTreeMap<String, Vec<&str>> {
    let mut servers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for server in &survey.servers {
        if let Some(word) = server.caveat_word() {
            servers.entry(word.to_uppercase()).or_default().push(server.name.as_str());
        }
    }
    servers
}

/// The results of runs that were not seen yet, worst first: in two lines where one has no room for them.
pub(super) fn banner_lines(state: &AppState, theme: &Theme, window: Rect) -> Vec<String> {
    let Some((_, told)) = state.notices.line() else { return Vec::new() };
    let most = if window.height < LOW { 1 } else { MOST_OF_BANNER };
    text::wrap_at_most(&told, usize::from(window.width.saturating_sub(1)), most, theme.glyphs.more)
}

/// Draws them.
pub(super) fn banner(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, lines: &[String]) {
    let Some((tone, _)) = state.notices.line() else { return };
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        text::put(frame, area.x + 1, y, area.width.saturating_sub(1), line, style(theme, tone));
    }
}

/// The style of a tone.
pub(super) fn style(theme: &Theme, tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Good => theme.good,
        Tone::Warning => theme.warning,
        Tone::Bad => theme.bad,
    }
}
