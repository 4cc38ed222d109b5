//! The line of a scope.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Theme, text};
use super::columns::{MARGIN, Slot, indent};
use crate::app::compared::counts_of;
use crate::app::fleet::facts::{Rank, state_words};
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
    let Some(compared) = &relation.compared else { return };
    let (Some(scope), Some(facts)) = (compared.drift.scopes.get(at), compared.sheet.facts.get(at)) else { return };
    if relation.marks.contains(&scope.id) {
        text::put(frame, area.x + 1, area.y, 1, "*", theme.heading);
    }
    if relation.news.of(scope.id).is_some() {
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
        let count = |at: usize| (!relation.turned && scope.can_replicate()).then(|| counts_of(scope)[at]);
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
                let (mut words, style) = match relation.turned {
                    true => (DriftState::Checking.words().to_owned(), theme.quiet),
                    false => words(theme, scope, facts.rank == Rank::Critical),
                };
                if let Some(since) = relation.news.of(scope.id) {
                    words = format!("{}: {words}", since.word());
                }
                // as it was known last
                match stale && !relation.turned && scope.state != DriftState::Checking {
                    true => put(&format!("? {words}"), theme.quiet),
                    false => put(&words, style),
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
fn words(theme: &Theme, scope: &ScopeDrift, is_critical: bool) -> (String, Style) {
    let style = match scope.state {
        _ if is_critical => theme.bad,
        DriftState::Checking => theme.quiet,
        DriftState::InSync => theme.good,
        DriftState::Drifted => theme.warning,
        DriftState::OnlyOnSource | DriftState::OnlyOnTarget | DriftState::Unknown => theme.bad,
    };
    let mut words = state_words(scope, is_critical);
    if scope.can_replicate() {
        let [create, update, delete] = counts_of(scope);
        // what destroys is cut off last, here as in the line of the relationship
        for (sign, count) in [('-', delete), ('+', create), ('~', update)] {
            if count > 0 {
                words.push_str(&format!(" {sign}{count}"));
            }
        }
    }
    (words, style)
}
