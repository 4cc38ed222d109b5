//! The drift pane follows the list's cursor when that rests: over a slow line, what nobody stays to read would hold
//! up the keys behind it.
//!
//! Only the drawing waits. What keys act on is always what the cursor is on.

use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use super::{Drawn, Theme};
use crate::app::AppState;
use crate::app::action::Place;
use crate::app::drift::Subject;

/// So long after the last key the cursor rests: longer than between two keys of one that is held down.
pub const REST: Duration = Duration::from_millis(60);

/// The drift pane as it was drawn last.
#[derive(Default)]
pub struct Follower(Option<Kept>);

struct Kept {
    subject: Option<Subject>,
    area: Rect,
    cells: Vec<Cell>,
}

impl Follower {
    /// Draws the state as [`super::draw`] does, with the pane as it was while the cursor moves on; also returns when
    /// the pane is to follow then.
    pub fn draw(
        &mut self,
        state: &AppState,
        theme: &Theme,
        frame: &mut Frame<'_>,
        now: Instant,
    ) -> (Drawn, Option<Instant>) {
        let drawn = super::draw(state, theme, frame);
        let buffer = frame.buffer_mut();
        let follows_at = self.rests_at(state, now).filter(|_| self.hold(buffer, drawn.beside));
        if follows_at.is_none() {
            self.keep(buffer, drawn.beside, state);
        }
        (drawn, follows_at)
    }

    /// When the cursor rests that is moving from one thing to the next.
    fn rests_at(&self, state: &AppState, now: Instant) -> Option<Instant> {
        let kept = self.0.as_ref()?;
        let is_other = match (&kept.subject, &state.drift.subject) {
            (Some(kept), Some(shown)) => !kept.is_of(shown),
            (kept, shown) => kept.is_some() != shown.is_some(),
        };
        let rests_at = state.last_key? + REST;
        (is_other && is_listing(state) && now < rests_at).then_some(rests_at)
    }

    /// Lets the pane stay as it was drawn, where it has the same place; `false` otherwise.
    fn hold(&self, buffer: &mut Buffer, pane: Option<Rect>) -> bool {
        let Some(kept) = self.0.as_ref().filter(|kept| Some(kept.area) == pane) else { return false };
        for (place, cell) in kept.area.positions().zip(&kept.cells) {
            if let Some(new) = buffer.cell_mut(place) {
                new.clone_from(cell);
            }
        }
        true
    }

    fn keep(&mut self, buffer: &Buffer, pane: Option<Rect>, state: &AppState) {
        self.0 = pane.filter(|_| is_listing(state)).map(|area| Kept {
            subject: state.drift.subject.clone(),
            area,
            cells: area.positions().filter_map(|place| buffer.cell(place)).cloned().collect(),
        });
    }
}

/// Whether the keys move the list's cursor, and nothing covers the pane.
fn is_listing(state: &AppState) -> bool {
    matches!(state.place(), Place::Relationships | Place::Scopes)
}
