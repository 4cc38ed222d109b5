//! The left pane: relationships with mode, both states and drift, then servers in none.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::compared::Compared;
use crate::app::drawn::Window;
use crate::app::pick;
use crate::app::state::{AppState, LeftKey, Pane};
use crate::engine::survey::{Member, Presence, Relationship};
use crate::model::{Condition, Mode};

/// Lines of one entry: in a narrow pane the mode has a line of its own.
fn lines(width: u16) -> u16 {
    if width < 34 { 5 } else { 4 }
}

/// Draws the pane.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> Window {
    let focused = state.focus == Pane::Relationships;
    let filter = &state.left_list.filter;
    let title = if filter.is_empty() { "relationships".into() } else { format!("relationships /{filter}") };
    let room = pane::divide(frame, theme, area);
    let inside = pane::head(frame, theme, room, &title, focused);
    let lines = lines(inside.width);
    let height = usize::from((inside.height / lines).max(1));
    let top = state.left_list.window(&state.left, height);
    let rows = lines.saturating_mul(u16::try_from(height).unwrap_or(u16::MAX));
    let area = Rect { height: rows.min(inside.height), ..inside };
    let window = Window { top, height, len: state.left.len(), area };
    pane::extent(frame, theme, room, window);
    let cursor = state.left_list.position(&state.left);
    let mut y = inside.y;
    for (at, key) in state.left.iter().enumerate().skip(top).take(height) {
        let entry = Rect { y, height: lines.min(inside.bottom().saturating_sub(y)), ..inside };
        match key {
            LeftKey::Relationship(name) => {
                if let Some(found) = state.relationship(name) {
                    relationship(state, theme, frame, entry, found);
                }
            }
            LeftKey::Server(_) => server(state, theme, frame, entry, key),
        }
        if cursor == Some(at) {
            text::put(frame, entry.x, entry.y, 1, ">", theme.heading);
            pane::shade(
                frame,
                Rect { height: 1, ..entry },
                entry.y,
                if focused { theme.cursor } else { theme.resting },
            );
        }
        y += lines;
    }
    if state.left.is_empty() {
        let text = if filter.is_empty() { "no server is configured" } else { "nothing fits the filter" };
        text::put(frame, inside.x + 1, inside.y, inside.width, text, theme.quiet);
    }
    window
}

fn line(theme: &Theme, frame: &mut Frame<'_>, area: Rect, row: u16, indent: u16, line: &str, style: Style) {
    if row < area.height {
        let room = area.width.saturating_sub(indent);
        let line = text::fit(line, usize::from(room), theme.glyphs.more);
        text::put(frame, area.x + indent, area.y + row, room, &line, style);
    }
}

fn relationship(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, found: &Relationship) {
    let mode = found.mode.to_string();
    let mut row = 0;
    if lines(area.width) == 4 {
        line(theme, frame, area, 0, 2, &format!("{}  {mode}", found.name), theme.heading);
    } else {
        line(theme, frame, area, 0, 2, &found.name.to_string(), theme.heading);
        line(theme, frame, area, 1, 2, &mode, Style::new());
        row = 1;
    }
    let [source, target] = pick::directed(state, found);
    let side = |side: &Member| (member(state, side, &found.mode), member_style(state, theme, found, side));
    let (words, style) = side(source);
    line(theme, frame, area, row + 1, 5, &words, style);
    line(theme, frame, area, row + 2, 2, theme.glyphs.arrow, theme.heading);
    let (words, style) = side(target);
    line(theme, frame, area, row + 2, 5, &words, style);
    let (words, style) = drift(state, theme, found);
    line(theme, frame, area, row + 3, 2, &words, style);
}

/// A side in words: which server, and its state or why there is none.
fn member(state: &AppState, member: &Member, mode: &Mode) -> String {
    let mut name = member.shown();
    if let Some(word) = caveat(state, member) {
        name.push_str(&format!(" ({word})"));
    }
    match &member.presence {
        Presence::Read(_) => match &member.state {
            Some(state) => format!("{name} {}", state.explained(mode)),
            None => format!("{name} (no state)"),
        },
        Presence::Unpaired(_) => format!("{name} has no such relationship"),
        Presence::Pending(_) => format!("{name} being read"),
        Presence::Failed(_, reason) => format!("{name} not read: {reason}"),
        Presence::NotConfigured(reason) => format!("{name} not there: {reason}"),
        Presence::Unsure(reason) => format!("{name} not known: {reason}"),
    }
}

fn caveat(state: &AppState, member: &Member) -> Option<&'static str> {
    state.survey.server(member.server()?)?.caveat_word()
}

fn member_style(app: &AppState, theme: &Theme, found: &Relationship, member: &Member) -> Style {
    match (&member.presence, &member.state) {
        (Presence::Pending(_), _) => theme.quiet,
        (Presence::Failed(..) | Presence::Unpaired(_) | Presence::NotConfigured(_) | Presence::Unsure(_), _) => {
            theme.bad
        }
        (Presence::Read(_), Some(state)) => match state.condition(&found.mode) {
            Condition::Normal if caveat(app, member).is_some() => theme.warning,
            Condition::Normal => Style::new(),
            Condition::Terminated | Condition::CommunicationRecovery => theme.bad,
            _ => theme.warning,
        },
        _ => Style::new(),
    }
}

/// How much a relationship has drifted, in words.
fn drift(state: &AppState, theme: &Theme, found: &Relationship) -> (String, Style) {
    if found.unsupported.is_some() {
        return ("not supported".into(), theme.quiet);
    }
    let relation = state.relations.get(&found.name);
    let Some(compared) = relation.and_then(|relation| relation.compared.as_ref()) else {
        return ("checking".into(), theme.quiet);
    };
    let sum = &compared.summary;
    if state.is_stale(found) || (compared.pending && sum.checking == sum.scopes) {
        return (format!("checking {} scopes", sum.scopes), theme.quiet);
    }
    counted(theme, compared)
}

fn counted(theme: &Theme, compared: &Compared) -> (String, Style) {
    let sum = &compared.summary;
    let drifted = sum.drifted + sum.only_on_source + sum.only_on_target;
    let [create, update, delete] = compared.counts;
    let mut parts = Vec::new();
    if compared.pending {
        parts.push(format!("checking {} of {}", sum.checking, sum.scopes));
    }
    if compared.is_all_left_out() {
        parts.push(format!("{drifted}/{} drifted, f: why", sum.scopes));
    } else if drifted > 0 {
        parts.push(format!("{drifted}/{} drifted +{create} ~{update} -{delete}", sum.scopes));
    }
    if sum.unknown > 0 {
        parts.push(format!("{} unknown", sum.unknown));
    }
    if compared.critical > 0 {
        parts.push(format!("{} critical", compared.critical));
    }
    let style = match compared.pending && parts.len() == 1 {
        true => theme.quiet,
        false if sum.unknown > 0 || compared.critical > 0 => theme.bad,
        false => theme.warning,
    };
    if parts.is_empty() {
        // Nothing that was compared differs; without a single scope there is nothing to be in sync.
        return match (sum.scopes, compared.drift.findings.iter().any(|f| f.kind == crate::model::FindingKind::Partner))
        {
            (_, true) => ("unknown".into(), theme.bad),
            (0, false) => ("no scopes".into(), theme.quiet),
            (scopes, false) => (format!("in sync, {scopes} scopes"), theme.good),
        };
    }
    // The sign is for narrow windows, where the count of findings is cut off.
    let sign = if compared.critical > 0 { "! " } else { "" };
    (format!("{sign}{}", parts.join(", ")), style)
}

fn server(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, key: &LeftKey) {
    let LeftKey::Server(name) = key else { return };
    let Some(report) = state.survey.server(name) else { return };
    line(theme, frame, area, 0, 2, &format!("server {name}"), theme.heading);
    match report.caveat_word() {
        Some(word) => line(theme, frame, area, 1, 4, &format!("{word} {}", report.place), theme.warning),
        None => line(theme, frame, area, 1, 4, &report.place, theme.quiet),
    }
    let (words, style) = match &report.outcome {
        _ if state.reading.contains_key(name) => ("being read".to_owned(), theme.quiet),
        None => ("not read yet".to_owned(), theme.quiet),
        Some(Ok(reading)) => (format!("in no relationship, {} scopes", reading.scopes.len()), theme.warning),
        Some(Err(error)) => {
            let width = usize::from(area.width.saturating_sub(4));
            for (row, text) in (2u16..).zip(text::wrap(&format!("not read: {}", error.what), width)).take(2) {
                line(theme, frame, area, row, 4, &text, theme.bad);
            }
            return;
        }
    };
    line(theme, frame, area, 2, 4, &words, style);
}
