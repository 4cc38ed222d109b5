//! The line of a relationship, and that of a server.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Theme, text};
use super::columns::{MARGIN, Slot, is_of_drift};
use crate::app::action::Action;
use crate::app::compared::Compared;
use crate::app::filter::fleet::Tally;
use crate::app::fleet::rows::Node;
use crate::app::pick;
use crate::app::state::AppState;
use crate::config::Column;
use crate::engine::survey::{Member, Presence, Relationship};
use crate::model::{Condition, ServerName};

/// So much of a relationship's name is always shown, where there is room at all.
const SHORTEST_NAME: usize = 8;

/// Draws the line.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, slots: &[Slot], node: &Node) {
    let x = area.x + MARGIN + 2 * node.depth;
    match (&node.key.relationship, &node.key.server) {
        (Some(name), _) => {
            if let Some(found) = state.relationship(name) {
                let sign = if node.is_open { theme.glyphs.open } else { theme.glyphs.folded };
                relationship(
                    state,
                    theme,
                    frame,
                    Rect { x, width: area.right().saturating_sub(x), ..area },
                    slots,
                    sign,
                    found,
                );
            }
        }
        (None, Some(name)) => {
            server(state, theme, frame, Rect { x, width: area.right().saturating_sub(x), ..area }, name)
        }
        (None, None) => {}
    }
}

/// Writes parts of a line one behind the other; what has no room is cut off, and that is seen.
fn put_all(theme: &Theme, frame: &mut Frame<'_>, area: Rect, parts: &[(&str, Style)]) {
    let mut x = area.x;
    for (part, style) in parts {
        let room = area.right().saturating_sub(x);
        let shown = text::fit(part, usize::from(room), theme.glyphs.more);
        x = text::put(frame, x, area.y, room, &shown, *style);
        // a wide letter that has no room leaves a column: one sign is enough
        if *shown != **part {
            break;
        }
    }
}

fn relationship(
    state: &AppState,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    slots: &[Slot],
    sign: &str,
    found: &Relationship,
) {
    let end = slots.iter().find(|slot| is_of_drift(slot.column)).map_or(area.right(), |slot| slot.x.saturating_sub(1));
    let (ways, style) = drift(state, theme, found);
    let words = ways.first().map_or("", String::as_str);
    // without a column of its own it stands behind the servers
    let has_column = slots.iter().any(|slot| slot.column == Column::Drift);
    let behind = if has_column {
        String::new()
    } else {
        let room = usize::from(end.saturating_sub(area.x)).saturating_sub(text::width(sign) + 3);
        format!("  {}", fitting(&ways, room.saturating_sub(width(&self::title(state, theme, found, 0)))))
    };
    let room = usize::from(end.saturating_sub(area.x)).saturating_sub(text::width(sign) + 1 + text::width(&behind));
    let mut title = title(state, theme, found, room);
    // what the names leave free is for words that their column has no room for; the mode gives way to them
    let more = slots.iter().find(|slot| slot.column == Column::Drift && slot.x == end + 1);
    let more = more.map_or(0, |slot| text::width(words).saturating_sub(slot.width.into()));
    let mut taken = 0;
    if more > 0 {
        let narrow = self::title(state, theme, found, room.saturating_sub(more));
        let is_whole = |title: &Parts| title.first().is_some_and(|(name, _)| *name == found.name.to_string());
        if width(&narrow) + more <= room && is_whole(&narrow) {
            title = narrow;
        }
        taken = u16::try_from(more.min(room.saturating_sub(width(&title)))).unwrap_or(0);
    }
    let end = end - taken;
    let mut parts = vec![(sign, theme.heading), (" ", Style::new())];
    parts.extend(title.iter().map(|(part, style)| (part.as_str(), *style)));
    parts.push((&behind, style));
    put_all(theme, frame, Rect { width: end.saturating_sub(area.x), ..area }, &parts);
    let relation = state.relations.get(&found.name).filter(|relation| relation.compared.is_some());
    for slot in slots {
        let place = Rect { x: slot.x, width: slot.width, ..area };
        let wider = Rect { x: slot.x.saturating_sub(taken), width: slot.width + taken, ..area };
        let count = |at: usize| relation.filter(|relation| !relation.turned).map(|relation| relation.tally.counts[at]);
        match slot.column {
            Column::Drift => put_all(theme, frame, wider, &[(fitting(&ways, wider.width.into()), style)]),
            Column::Create => super::number(theme, frame, place, count(0)),
            Column::Update => super::number(theme, frame, place, count(1)),
            Column::Delete => super::number(theme, frame, place, count(2)),
            _ => {}
        }
    }
}

/// Parts of a line, and how they look.
type Parts = Vec<(String, Style)>;

fn width(parts: &Parts) -> usize {
    parts.iter().map(|(part, _)| text::width(part)).sum()
}

/// The name, both servers with their states, and the mode. Where there is no room for all of it, what is as it
/// should be gives way, then the mode, then the end of the name, then the names of servers that need a look: how these are
/// is told to the last.
fn title(state: &AppState, theme: &Theme, found: &Relationship, room: usize) -> Parts {
    let members = pick::directed(state, found);
    let name = found.name.to_string();
    let shown = |name: &str, terse: usize, mode: &str| -> Parts {
        let [from, to] =
            members.map(|side| (member(state, side, found, terse), member_style(state, theme, found, side)));
        let mut parts = vec![(name.to_owned(), theme.heading), ("  ".to_owned(), Style::new()), from];
        parts.extend([(format!(" {} ", theme.glyphs.arrow), theme.heading), to, (mode.to_owned(), theme.quiet)]);
        parts
    };
    let short = |terse: usize| {
        let others = width(&shown("", terse, ""));
        shown(&text::fit(&name, room.saturating_sub(others).max(SHORTEST_NAME), theme.glyphs.more), terse, "")
    };
    let mode = format!("  {}", found.mode);
    let mut ways = vec![shown(&name, 0, &mode), shown(&name, 1, &mode), shown(&name, 1, ""), short(1), short(2)];
    let fitting = ways.iter().position(|parts| width(parts) <= room).unwrap_or(ways.len() - 1);
    ways.swap_remove(fitting)
}

/// A side in short: which server, and its state where that is not the normal one, or why there is none. The drift
/// pane tells the rest. The terser, the less: 1 without what need not be looked at, 2 the state alone where it must.
fn member(state: &AppState, member: &Member, found: &Relationship, terse: usize) -> String {
    let mut name = member.shown();
    if let Some(word) = caveat(state, member) {
        name.push_str(&format!(" ({word})"));
    }
    let told = match &member.presence {
        Presence::Read(_) => match &member.state {
            Some(state) if state.is_normal(&found.mode) => String::new(),
            Some(state) => state.0.to_string().to_uppercase(),
            None => "(no state)".to_owned(),
        },
        Presence::Unpaired(_) => "HAS NO SUCH RELATIONSHIP".to_owned(),
        Presence::Pending(_) => "being read".to_owned(),
        Presence::Failed(..) | Presence::Unsure(_) => "NOT READ".to_owned(),
        Presence::NotConfigured(_) => "NOT CONFIGURED".to_owned(),
    };
    match (terse, is_well(found, member)) {
        _ if told.is_empty() => name,
        (1.., true) => name,
        (2.., false) => told,
        _ => format!("{name} {told}"),
    }
}

/// Whether nothing of how a server is needs a look.
fn is_well(found: &Relationship, member: &Member) -> bool {
    let is_normal = || member.state.as_ref().is_none_or(|state| state.is_normal(&found.mode));
    match member.presence {
        Presence::Read(_) => is_normal(),
        Presence::Pending(_) => true,
        _ => false,
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

/// The first that fits; the last one where none does.
fn fitting(ways: &[String], columns: usize) -> &str {
    let fits = |way: &&String| text::width(way) <= columns;
    ways.iter().find(fits).or(ways.last()).map_or("", String::as_str)
}

/// How much a relationship has drifted, in words: in full, then in ever less.
fn drift(state: &AppState, theme: &Theme, found: &Relationship) -> (Vec<String>, Style) {
    let only = |words: &str, style| (vec![words.to_owned()], style);
    if found.unsupported.is_some() {
        return only("not supported", theme.quiet);
    }
    let relation = state.relations.get(&found.name);
    let Some((relation, compared)) = relation.and_then(|relation| Some((relation, relation.compared.as_ref()?))) else {
        return only("checking", theme.quiet);
    };
    let sum = &relation.tally;
    if relation.turned || (compared.pending && sum.checking == sum.scopes) {
        return only(&format!("checking {} scopes", sum.scopes), theme.quiet);
    }
    let (ways, style) = counted(state, theme, compared, sum);
    match state.is_stale(found) {
        // as it was known last
        true if !compared.pending => (ways.iter().map(|words| format!("checking: {words}")).collect(), theme.quiet),
        true => (ways, theme.quiet),
        false => (ways, style),
    }
}

/// What the scopes come to that are shown.
fn counted(state: &AppState, theme: &Theme, compared: &Compared, sum: &Tally) -> (Vec<String>, Style) {
    let Tally { drifted, counts: [create, update, delete], .. } = *sum;
    let mut parts = Vec::new();
    if compared.pending {
        parts.push(format!("checking {} of {}", sum.checking, sum.scopes));
    }
    // what must not be cut off comes first
    for (count, word) in [(compared.critical, "critical"), (sum.unknown, "unknown")] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let troubles = parts.clone();
    if drifted > 0 && sum.markable == 0 {
        parts.push(format!("{drifted}/{} drifted, {}: why", sum.scopes, state.key(Action::Findings)));
    } else if drifted > 0 {
        parts.push(format!("{drifted}/{} drifted -{delete} +{create} ~{update}", sum.scopes));
    }
    let style = match compared.pending && parts.len() == 1 {
        true => theme.quiet,
        false if sum.unknown > 0 || compared.critical > 0 => theme.bad,
        false => theme.warning,
    };
    if parts.is_empty() {
        // Nothing that was compared differs; without a single scope there is nothing to be in sync.
        let (words, style) = match (sum.scopes, compared.is_unread()) {
            (0, false) if !compared.drift.scopes.is_empty() => ("no scope fits".to_owned(), theme.quiet),
            (_, true) => ("unknown".to_owned(), theme.bad),
            (0, false) => ("no scopes".to_owned(), theme.quiet),
            (scopes, false) => (format!("in sync, {scopes} scopes"), theme.good),
        };
        return (vec![words], style);
    }
    let mut ways = vec![parts.join(", ")];
    if drifted > 0 && sum.markable > 0 {
        // what destroys is never cut off, nor a number in two
        let shorter = |counts: String, first: bool| {
            let (before, after) = if first { (Some(counts), None) } else { (None, Some(counts)) };
            before.into_iter().chain(troubles.iter().cloned()).chain(after).collect::<Vec<_>>().join(", ")
        };
        ways.push(shorter(format!("{drifted}/{} -{delete} +{create} ~{update}", sum.scopes), false));
        ways.push(shorter(format!("-{delete} +{create} ~{update}"), false));
        ways.push(shorter(format!("-{delete}"), true));
    }
    (ways, style)
}

fn server(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect, name: &ServerName) {
    let Some(report) = state.survey.server(name) else { return };
    let title = format!("server {name}");
    let place = match report.caveat_word() {
        Some(word) => format!("  ({word}) {}", report.place),
        None => format!("  {}", report.place),
    };
    let many = state.survey.relationships.iter().filter(|found| found.member_index(name).is_some()).count();
    let (words, style) = match &report.outcome {
        _ if state.reading.contains_key(name) => ("being read".to_owned(), theme.quiet),
        None => ("not read yet".to_owned(), theme.quiet),
        Some(Ok(reading)) if many == 0 => {
            (format!("in no relationship, {} scopes", reading.scopes.len()), theme.warning)
        }
        Some(Ok(reading)) => (format!("{} scopes", reading.scopes.len()), Style::new()),
        Some(Err(error)) => (format!("not read: {}", error.what), theme.bad),
    };
    let place_style = if report.caveat.is_some() { theme.warning } else { theme.quiet };
    put_all(
        theme,
        frame,
        area,
        &[(&title, theme.heading), ("  ", Style::new()), (&words, style), (&place, place_style)],
    );
}
