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

/// Draws the title.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let mut x = area.x + 1;
    let mut put = |text: &str, style: Style| {
        let room = area.right().saturating_sub(x);
        x = text::put(frame, x, area.y, room, text, style);
        x = text::put(frame, x, area.y, area.right().saturating_sub(x), "  ", Style::new());
    };
    put("scopesync", theme.heading);
    // What changes the meaning of keys comes first: it must not be cut off.
    if state.force {
        put(&format!(" FORCE: {} does not ask ", state.key(Action::Preview)), theme.danger);
    }
    for caution in cautions(&state.survey) {
        put(&format!(" {caution} "), theme.danger);
    }
    if state.setting.read_only {
        put(" READ-ONLY ", theme.flag);
    } else if state.what_if {
        put(" WHATIF: nothing is written ", theme.flag);
    }
    if let Some(words) = watch::words(state) {
        put(&words, theme.quiet);
    }
    if state.mouse {
        put(" MOUSE ", theme.flag);
    }
    match state.quitting {
        Some(Quitting::WhenIdle) => put(" QUITTING when the run has ended ", theme.flag),
        Some(Quitting::HandingOver) => put(" HANDING OVER after the scope in flight ", theme.flag),
        Some(Quitting::Asking) | None => {}
    }
    if state.setting.config_name == "demo" {
        put(" DEMO ", theme.flag);
    } else {
        put(&state.setting.config_name, Style::new());
    }
    let jobs = state.key(Action::Jobs);
    let running = state.running().count();
    if let (1.., Some(run)) = (running, state.running().next()) {
        let more = if running > 1 { format!(" and {} more", running - 1) } else { String::new() };
        put(&format!("running {:.0} %{more} ({jobs})", run.ratio(state.clock) * 100.0), theme.warning);
    }
    if let Some(job) = state.runs.jobs.iter().find(|job| !job.state.is_over()) {
        put(&format!("job {} {:.0} % ({jobs})", job.id, job.ratio() * 100.0), theme.warning);
    }
    if !state.reading.is_empty() {
        let names: Vec<&str> = state.reading.keys().take(3).map(|server| server.as_str()).collect();
        let more = state.reading.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        put(&format!("reading {}{more}{}", names.join(", "), theme.glyphs.more), theme.quiet);
    }
}

/// What makes the way to some servers unsafe, and to which: `INSECURE: kea-1, kea-2`.
fn cautions(survey: &Survey) -> Vec<String> {
    let mut servers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for server in &survey.servers {
        if let Some(word) = server.caveat_word() {
            servers.entry(word.to_uppercase()).or_default().push(server.name.as_str());
        }
    }
    servers
        .into_iter()
        .map(|(word, names)| format!("{word}: {}", show::some(names.into_iter().map(str::to_owned))))
        .collect()
}

/// Draws the newest result of a run, where there is one.
pub(super) fn banner(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let Some((tone, text)) = state.notices.line().filter(|_| area.height > 0) else { return };
    let text = format!(" {text}");
    text::put(
        frame,
        area.x,
        area.y,
        area.width,
        &text::fit(&text, usize::from(area.width), theme.glyphs.more),
        style(theme, tone),
    );
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
