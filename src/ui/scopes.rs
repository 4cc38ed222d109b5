//! The right pane: the scopes of the highlighted relationship.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::compared::counts_of;
use crate::app::drawn::Window;
use crate::app::list::Lines;
use crate::app::pick;
use crate::app::state::{AppState, LeftKey, Pane, Relation};
use crate::engine::compare::ScopeDrift;
use crate::engine::survey::Relationship;
use crate::model::{Condition, DriftState};

/// Columns of the words for the drift, of the utilisation.
const DRIFT: u16 = 20;
const USED: u16 = 5;

/// Draws the pane. `None` where there is no list.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> Option<Window> {
    let focused = state.focus == Pane::Scopes;
    let Some((relationship, relation)) = state.current() else {
        let inside = pane::head(frame, theme, area, "scopes", focused);
        let text = match state.left_key() {
            Some(LeftKey::Server(server)) => match state.survey.server(server).and_then(|told| told.outcome.as_ref()) {
                None => format!("{server} is being read"),
                Some(Err(_)) => format!("{server} could not be read: its relationships are not known"),
                Some(Ok(_)) => format!("{server} is in no relationship"),
            },
            _ => String::new(),
        };
        let lines = text::wrap(&text, usize::from(inside.width.saturating_sub(2)));
        for (line, y) in lines.iter().zip(inside.top()..inside.bottom()) {
            text::put(frame, inside.x + 1, y, inside.width.saturating_sub(1), line, theme.quiet);
        }
        return None;
    };
    let inside = pane::head(frame, theme, area, &title(state, theme, relationship, relation), focused);
    let shown = relation.shown();
    let height = usize::from(inside.height.max(1));
    let top = relation.scopes.window(&shown, height);
    let window = Window { top, height, len: shown.len(), area: inside };
    pane::extent(frame, theme, area, window);
    let cursor = relation.scopes.position(&shown);
    let stale = state.is_stale(relationship);
    let told =
        relationship.members.iter().filter_map(|member| state.utilisation.get(member.server()?)).flatten().count() > 0;
    for (at, y) in (top..window.len.min(top + height)).zip(inside.top()..inside.bottom()) {
        let Some(scope) = shown.get(at) else { break };
        let look = Look { theme, stale, used: if told { USED } else { 0 } };
        row(state, look, frame, Rect { y, height: 1, ..inside }, relationship, relation, scope);
        if cursor == Some(at) {
            pane::shade(frame, inside, y, if focused { theme.cursor } else { theme.resting });
        }
    }
    if shown.is_empty() {
        let text = empty(state, relationship, relation);
        for (line, y) in
            text::wrap(&text, usize::from(inside.width.saturating_sub(2))).iter().zip(inside.top()..inside.bottom())
        {
            text::put(frame, inside.x + 1, y, inside.width.saturating_sub(1), line, theme.quiet);
        }
    }
    Some(window)
}

fn title(state: &AppState, theme: &Theme, relationship: &Relationship, relation: &Relation) -> String {
    let [source, target] = pick::directed(state, relationship);
    let mut title = format!("{} {} {}", source.shown(), theme.glyphs.arrow, target.shown());
    title.push_str(match relationship.trouble() {
        Some(Condition::Terminated) => ", TERMINATED",
        Some(_) => ", OUT OF TOUCH",
        None => "",
    });
    if !relation.marks.is_empty() {
        title.push_str(&format!(", {} marked", relation.marks.len()));
    }
    if !relation.scopes.filter.is_empty() {
        title.push_str(&format!(" /{}", relation.scopes.filter));
    }
    title
}

fn empty(state: &AppState, relationship: &Relationship, relation: &Relation) -> String {
    if relation.filtered.is_some() {
        return "no scope fits the filter (Esc takes it away)".into();
    }
    if let Some(reason) = &relationship.unsupported {
        return reason.clone();
    }
    match &relation.compared {
        Some(compared) if !compared.pending && !state.is_stale(relationship) => {
            match relationship.members.iter().find_map(|member| member.absent()) {
                Some(reason) => format!("unknown: {reason}"),
                None => "neither side has a scope in this relationship".into(),
            }
        }
        _ => "being read".into(),
    }
}

/// What holds for every row.
#[derive(Clone, Copy)]
struct Look<'a> {
    theme: &'a Theme,
    /// Nothing can be said about drift right now.
    stale: bool,
    /// Columns for the utilisation, where a server tells it.
    used: u16,
}

fn row(
    state: &AppState,
    look: Look<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    relationship: &Relationship,
    relation: &Relation,
    scope: &ScopeDrift,
) {
    let theme = look.theme;
    let y = area.y;
    let mark = if relation.marks.contains(&scope.id) { "* " } else { "  " };
    text::put(frame, area.x, y, 2, mark, theme.heading);
    let id = u16::try_from(state.names.width()).unwrap_or(u16::MAX);
    text::put(frame, area.x + 2, y, id, &state.names.name(scope.id), Style::new());
    let used = area.right().saturating_sub(look.used);
    let drift = used.saturating_sub(DRIFT);
    let name = area.x + 2 + id + 1;
    if let (Some(text), true) = (&scope.name, drift > name + 1) {
        let room = drift - name - 1;
        text::put(
            frame,
            name,
            y,
            room,
            &text::fit(&text.to_string(), usize::from(room), theme.glyphs.more),
            Style::new(),
        );
    }
    let (words, style) = words(theme, scope, look.stale);
    text::put(frame, drift, y, DRIFT, &words, style);
    if let Some(percent) = state.utilisation(relationship, scope).and_then(|used| percent(used.assigned, used.total)) {
        text::put(
            frame,
            used,
            y,
            USED,
            &format!("{percent:>3}%"),
            if percent >= 90 { theme.warning } else { theme.quiet },
        );
    }
}

/// How a scope stands: words first, then signs with counts.
fn words(theme: &Theme, scope: &ScopeDrift, stale: bool) -> (String, Style) {
    if stale {
        return (DriftState::Checking.words().to_owned(), theme.quiet);
    }
    let style = match scope.state {
        DriftState::Checking => theme.quiet,
        DriftState::InSync => theme.good,
        DriftState::Drifted => theme.warning,
        DriftState::OnlyOnSource | DriftState::OnlyOnTarget | DriftState::Unknown => theme.bad,
    };
    let mut words = scope.state.words().to_owned();
    if scope.can_replicate() {
        for (sign, count) in ['+', '~', '-'].into_iter().zip(counts_of(scope)) {
            if count > 0 {
                words.push_str(&format!(" {sign}{count}"));
            }
        }
    }
    (words, style)
}

/// Addresses in use of a hundred; a scope without any has no share.
fn percent(assigned: u64, total: u64) -> Option<u64> {
    (assigned.saturating_mul(100)).checked_div(total)
}
