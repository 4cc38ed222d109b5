//! Which columns there is room for, and where they stand.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use crate::app::fleet;
use crate::app::state::AppState;
use crate::config::{Column, Grouping};

/// Columns before the address: cursor, mark, a blank.
pub(super) const MARGIN: u16 = 3;

/// Narrower, the columns that take what room there is say nothing any more.
const NARROWEST_NAME: u16 = 8;
const NARROWEST_DRIFT: u16 = 20;
/// Wider, the words for the drift of a relationship leave room unused.
const WIDEST_DRIFT: u16 = 44;

/// A column of the list, and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) column: Column,
    pub(super) x: u16,
    pub(super) width: u16,
}

/// How far scopes are indented.
pub(super) fn indent(grouping: Grouping) -> u16 {
    match grouping {
        Grouping::Relationship => 2,
        Grouping::Server => 4,
        Grouping::None => 0,
    }
}

/// Whether it says something of relationships too: left of it, their names have all the room.
pub(super) fn is_of_drift(column: Column) -> bool {
    matches!(column, Column::Drift | Column::Create | Column::Update | Column::Delete | Column::Used)
}

/// Gives the columns their places. Those that have nothing to show anywhere give their room to others, and the
/// last ones are left out where there is no room: of these it is told how many.
pub(super) fn lay(state: &AppState, area: Rect) -> (Vec<Slot>, usize) {
    let mut columns = fleet::columns(state);
    columns.retain(|column| *column == state.tree.sort.column || !is_empty(state, *column));
    let wanted = columns.len();
    let mut least: Vec<u16> = columns.iter().map(|column| least_width(state, *column)).collect();
    let needed = |least: &[u16]| least.iter().map(|width| width + 1).sum::<u16>();
    while columns.len() > 1 && needed(&least) > area.width {
        columns.pop();
        least.pop();
    }
    let mut room = area.width.saturating_sub(needed(&least));
    let has_name = columns.contains(&Column::Name);
    if let Some(at) = columns.iter().position(|column| *column == Column::Drift) {
        let share = if has_name { room / 2 } else { room };
        let more = share.min(WIDEST_DRIFT - NARROWEST_DRIFT);
        least[at] += more;
        room -= more;
    }
    // without names the relationships' lines want it
    let widest = if has_name { Column::Name } else { Column::Scope };
    if let Some(at) = columns.iter().position(|column| *column == widest) {
        least[at] += room;
    }
    let mut x = area.x;
    let place = |(column, width): (Column, u16)| {
        let slot = Slot { column, x, width };
        x += width + 1;
        slot
    };
    let left_out = wanted - columns.len();
    (columns.into_iter().zip(least).map(place).collect(), left_out)
}

/// Whether a column shows nothing in any line, as far as is known.
fn is_empty(state: &AppState, column: Column) -> bool {
    let compared = || state.relations.values().map(|relation| relation.compared.as_ref());
    let none = |at: usize| compared().all(|known| known.is_some_and(|known| !known.pending && known.counts[at] == 0));
    match column {
        Column::Create => none(0),
        Column::Update => none(1),
        Column::Delete => none(2),
        Column::Used => state.utilisation.values().flatten().all(BTreeMap::is_empty),
        _ => false,
    }
}

fn least_width(state: &AppState, column: Column) -> u16 {
    let longest = |names: &mut dyn Iterator<Item = usize>, most: usize| {
        u16::try_from(names.max().unwrap_or(0).clamp(column.name().len() + 2, most)).unwrap_or(u16::MAX)
    };
    let relationships = &state.survey.relationships;
    match column {
        Column::Scope => MARGIN + indent(state.tree.grouping) + u16::try_from(state.names.width()).unwrap_or(u16::MAX),
        Column::Name => NARROWEST_NAME,
        Column::Drift => NARROWEST_DRIFT,
        Column::Relationship => longest(&mut relationships.iter().map(|found| found.name.raw().len()), 24),
        Column::Source | Column::Target => {
            let members = relationships.iter().flat_map(|found| &found.members);
            longest(&mut members.map(|member| member.shown().len()), 16)
        }
        Column::Create | Column::Update | Column::Delete => 8,
        Column::Used => 6,
    }
}
