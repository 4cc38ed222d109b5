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
use crate::model::{Condition, Mode, ServerName};

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
        let part = text::fit(part, usize::from(room), theme.glyphs.more);
        x = text::put(frame, x, area.y, room, &part, *style);
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
    let [source, target] = pick::directed(state, found);
    let (name, mode) = (found.name.to_string(), format!("  {}", found.mode));
    let (from, to) = (member(state, source, &found.mode), member(state, target, &found.mode));
    let arrow = format!(" {} ", theme.glyphs.arrow);
    let end = slots.iter().find(|slot| is_of_drift(slot.column)).map_or(area.right(), |slot| slot.x.saturating_sub(1));
    // rather the end of the name is missed than how a server is
    let others = [sign, &from, &arrow, &to].map(text::width).iter().sum::<usize>() + 3;
    let room = usize::from(end.saturating_sub(area.x)).saturating_sub(others);
    let name = match [source, target].into_iter().all(|member| is_well(found, member)) {
        true => name.into(),
        false => text::fit(&name, room.max(SHORTEST_NAME), theme.glyphs.more),
    };
    let mut parts = vec![
        (sign, theme.heading),
        (" ", Style::new()),
        (&name, theme.heading),
        ("  ", Style::new()),
        (from.as_str(), member_style(state, theme, found, source)),
        (arrow.as_str(), theme.heading),
        (to.as_str(), member_style(state, theme, found, target)),
        (mode.as_str(), theme.quiet),
    ];
    let (words, style) = drift(state, theme, found);
    let drift = slots.iter().find(|slot| slot.column == Column::Drift);
    if drift.is_none() {
        parts.extend([("  ", Style::new()), (words.as_str(), style)]);
    }
    put_all(theme, frame, Rect { width: end.saturating_sub(area.x), ..area }, &parts);
    let relation = state.relations.get(&found.name).filter(|relation| relation.compared.is_some());
    for slot in slots {
        let place = Rect { x: slot.x, width: slot.width, ..area };
        let count = |at: usize| relation.filter(|relation| !relation.turned).map(|relation| relation.tally.counts[at]);
        match slot.column {
            Column::Drift => put_all(theme, frame, place, &[(&words, style)]),
            Column::Create => super::number(theme, frame, place, count(0)),
            Column::Update => super::number(theme, frame, place, count(1)),
            Column::Delete => super::number(theme, frame, place, count(2)),
            _ => {}
        }
    }
}

/// A side in short: which server, and its state where that is not the normal one, or why
/// there is none. The drift pane tells the rest.
fn member(state: &AppState, member: &Member, mode: &Mode) -> String {
    let mut name = member.shown();
    if let Some(word) = caveat(state, member) {
        name.push_str(&format!(" ({word})"));
    }
    match &member.presence {
        Presence::Read(_) => match &member.state {
            Some(state) if state.is_normal(mode) => name,
            Some(state) => format!("{name} {}", state.0.to_string().to_uppercase()),
            None => format!("{name} (no state)"),
        },
        Presence::Unpaired(_) => format!("{name} HAS NO SUCH RELATIONSHIP"),
        Presence::Pending(_) => format!("{name} being read"),
        Presence::Failed(..) => format!("{name} NOT READ"),
        Presence::NotConfigured(_) => format!("{name} NOT CONFIGURED"),
        Presence::Unsure(_) => format!("{name} NOT KNOWN"),
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

/// How much a relationship has drifted, in words.
fn drift(state: &AppState, theme: &Theme, found: &Relationship) -> (String, Style) {
    if found.unsupported.is_some() {
        return ("not supported".into(), theme.quiet);
    }
    let relation = state.relations.get(&found.name);
    let Some((relation, compared)) = relation.and_then(|relation| Some((relation, relation.compared.as_ref()?))) else {
        return ("checking".into(), theme.quiet);
    };
    let sum = &relation.tally;
    if relation.turned || (compared.pending && sum.checking == sum.scopes) {
        return (format!("checking {} scopes", sum.scopes), theme.quiet);
    }
    let (words, style) = counted(state, theme, compared, sum);
    match state.is_stale(found) {
        // as it was known last
        true if !compared.pending => (format!("checking: {words}"), theme.quiet),
        true => (words, theme.quiet),
        false => (words, style),
    }
}

/// What the scopes come to that are shown.
fn counted(state: &AppState, theme: &Theme, compared: &Compared, sum: &Tally) -> (String, Style) {
    let Tally { drifted, counts: [create, update, delete], .. } = *sum;
    let mut parts = Vec::new();
    if compared.pending {
        parts.push(format!("checking {} of {}", sum.checking, sum.scopes));
    }
    if drifted > 0 && sum.markable == 0 {
        parts.push(format!("{drifted}/{} drifted, {}: why", sum.scopes, state.key(Action::Findings)));
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
        return match (sum.scopes, compared.is_unread()) {
            (0, false) if !compared.drift.scopes.is_empty() => ("no scope fits".into(), theme.quiet),
            (_, true) => ("unknown".into(), theme.bad),
            (0, false) => ("no scopes".into(), theme.quiet),
            (scopes, false) => (format!("in sync, {scopes} scopes"), theme.good),
        };
    }
    // The sign is for narrow windows, where the count of findings is cut off.
    let sign = if compared.critical > 0 { "! " } else { "" };
    (format!("{sign}{}", parts.join(", ")), style)
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
