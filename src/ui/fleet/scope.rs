//! The line of a scope.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Theme, text};
use super::columns::{MARGIN, Slot, indent};
use crate::app::compared::counts_of;
use crate::app::fleet::relation::{Relation, UNTOLD};
use crate::app::pick;
use crate::app::state::AppState;
use crate::config::Column;
use crate::engine::compare::ScopeDrift;
use crate::engine::survey::Relationship;
use crate::model::DriftState;

/// Draws the line of the scope at this place of its relationship's drift.
pub(super) fn draw(
    state: &AppState,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    slots: &[Slot],
    (relationship, relation, at): (&Relationship, &Relation, usize),
) {
    let Some(scope) = relation.compared.as_ref().and_then(|compared| compared.drift.scopes.get(at)) else { return };
    if relation.marks.contains(&scope.id) {
        text::put(frame, area.x + 1, area.y, 1, "*", theme.heading);
    }
    if relation.news.contains_key(&scope.id) {
        text::put(frame, area.x + 2, area.y, 1, "!", theme.warning);
    }
    let stale = state.is_stale(relationship);
    for slot in slots {
        let place = Rect { x: slot.x, width: slot.width, ..area };
        let mut put = |words: &str, style: Style| {
            let words = text::fit(words, usize::from(slot.width), theme.glyphs.more);
            text::put(frame, slot.x, area.y, slot.width, &words, style);
        };
        let member = |at: usize| pick::directed(state, relationship)[at].shown();
        let count = |at: usize| (!stale && scope.can_replicate()).then(|| counts_of(scope)[at]);
        match slot.column {
            Column::Scope => {
                let x = area.x + MARGIN + indent(state.tree.grouping);
                text::put(frame, x, area.y, slot.width, &state.names.name(scope.id), Style::new());
            }
            Column::Name => put(&scope.name.as_ref().map(ToString::to_string).unwrap_or_default(), Style::new()),
            Column::Relationship => put(&relationship.name.to_string(), Style::new()),
            Column::Source => put(&member(0), Style::new()),
            Column::Target => put(&member(1), Style::new()),
            Column::Drift => {
                let (words, style) = words(theme, scope, stale);
                match relation.news.get(&scope.id) {
                    Some(since) => put(&format!("{}: {words}", since.word()), style),
                    None => put(&words, style),
                }
            }
            Column::Create => super::number(theme, frame, place, count(0)),
            Column::Update => super::number(theme, frame, place, count(1)),
            Column::Delete => super::number(theme, frame, place, count(2)),
            Column::Used => {
                if let Some(percent) = relation.used.get(at).filter(|percent| **percent != UNTOLD) {
                    put(&format!("{percent:>3}%"), if *percent >= 90 { theme.warning } else { theme.quiet });
                }
            }
        }
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
