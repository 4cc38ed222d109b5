//! Marks: one scope, a range, all of a relationship, all that are shown; and what they stand for.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::Row;
use crate::app::compared::left_out_words;
use crate::app::state::{AppState, Tone};
use crate::model::{Foreign, ScopeId, ServerName};
use crate::show::plural;

/// Scopes that are meant by a key, of one relationship.
struct Meant {
    name: Foreign,
    /// Those that can be replicated.
    ids: BTreeSet<ScopeId>,
    /// How many of them are being replicated.
    busy: usize,
    /// How many cannot be, for each reason.
    left_out: Vec<(usize, String)>,
}

/// The scopes of a relationship that the filter leaves, and of them those at these places.
fn meant(state: &AppState, name: &Foreign, among: impl Fn(usize) -> bool) -> Option<Meant> {
    let relation = state.relations.get(name)?;
    let compared = relation.compared.as_ref()?;
    let in_flight: BTreeSet<ScopeId> = state.in_flight(name).collect();
    let scopes = || relation.shown().filter(|(at, _)| among(*at)).map(|(_, scope)| scope);
    let writable = scopes().filter(|scope| compared.can_be_written(scope)).map(|scope| scope.id);
    let (busy, ids): (BTreeSet<_>, BTreeSet<_>) = writable.partition(|id| in_flight.contains(id));
    Some(Meant { name: name.clone(), ids, busy: busy.len(), left_out: compared.left_out(scopes()) })
}

/// Marks the highlighted scope or takes its mark away; on a relationship: all of it; with a
/// range: all of that.
pub fn toggle(state: &mut AppState) {
    if state.tree.range.is_some() {
        return toggle_range(state);
    }
    let Some(scope) = state.current_scope() else { return toggle_relationship(state) };
    let id = scope.id;
    let compared = state.current().and_then(|(_, relation)| relation.compared.as_ref());
    let against = compared.and_then(|compared| compared.left_out(std::iter::once(scope)).pop());
    state.tree.markings += 1;
    let Some(relation) = state.current_mut() else { return };
    let is_new = !relation.marks.remove(&id) && relation.marks.insert(id);
    count_hidden(state);
    if let (true, Some((_, reason))) = (is_new, against) {
        state.say(Tone::Plain, format!("marked, and not replicated as it stands: {reason}"));
    }
}

/// Marks all of the relationship that can be replicated, or takes all these marks away.
pub fn toggle_relationship(state: &mut AppState) {
    let name = state.current().map(|(relationship, _)| relationship.name.clone());
    let meant = name.and_then(|name| meant(state, &name, |_| true));
    toggle_all(state, meant.into_iter().collect());
}

/// The same for all relationships.
pub fn toggle_shown(state: &mut AppState) {
    let meant = markable(state).filter_map(|name| meant(state, name, |_| true)).collect();
    toggle_all(state, meant);
}

fn toggle_range(state: &mut AppState) {
    let Some(range) = state.tree.range() else { return };
    let rows = state.tree.rows.rows.get(range).unwrap_or_default();
    let mut places: Vec<(&Foreign, BTreeSet<usize>)> = Vec::new();
    for row in rows {
        let Some(node) = state.tree.rows.node(*row) else { continue };
        let Some(name) = &node.key.relationship else { continue };
        let at = match row {
            Row::Scope { at, .. } => BTreeSet::from([*at as usize]),
            // what is closed counts with all that is in it
            Row::Node(_) if !node.is_open => (0..state.relations.get(name).map_or(0, |r| r.order.len())).collect(),
            Row::Node(_) => continue,
        };
        match places.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend(at),
            None => places.push((name, at)),
        }
    }
    let meant = places.into_iter().filter_map(|(name, at)| meant(state, name, |place| at.contains(&place))).collect();
    state.tree.range = None;
    toggle_all(state, meant);
}

fn toggle_all(state: &mut AppState, meant: Vec<Meant>) {
    let count: usize = meant.iter().map(|meant| meant.ids.len()).sum();
    let busy: usize = meant.iter().map(|meant| meant.busy).sum();
    let is_marked = |meant: &Meant| state.relations.get(&meant.name).is_some_and(|r| meant.ids.is_subset(&r.marks));
    let takes_away = count > 0 && meant.iter().all(is_marked);
    let filter = if state.tree.filter.trim().is_empty() { "" } else { " (of those that the filter shows)" };
    let many = meant.iter().filter(|meant| !meant.ids.is_empty()).count();
    let many = if many > 1 { format!(" in {many} relationships") } else { String::new() };
    state.tree.markings += 1;
    for meant in &meant {
        let Some(relation) = state.relations.get_mut(&meant.name) else { continue };
        match takes_away {
            true => relation.marks.retain(|id| !meant.ids.contains(id)),
            false => relation.marks.extend(&meant.ids),
        }
    }
    count_hidden(state);
    let text = if takes_away {
        format!("{} no longer marked{many}{filter}", plural(count, "scope"))
    } else {
        let busy = if busy > 0 { format!("; {busy} being replicated") } else { String::new() };
        let left_out = left_out_words(&together(meant.into_iter().flat_map(|meant| meant.left_out)));
        format!("{} marked{many}{filter}{left_out}{busy}", plural(count, "drifted scope"))
    };
    state.say(Tone::Plain, text);
}

fn together(left_out: impl Iterator<Item = (usize, String)>) -> Vec<(usize, String)> {
    let mut sums: Vec<(usize, String)> = Vec::new();
    for (count, reason) in left_out {
        match sums.iter_mut().find(|(_, known)| *known == reason) {
            Some((sum, _)) => *sum += count,
            None => sums.push((count, reason)),
        }
    }
    sums
}

/// Marks what is shown and not marked, and takes the marks of what is, also of what cannot be
/// replicated; hidden marks stay.
pub fn invert(state: &mut AppState) {
    let all: Vec<Meant> = markable(state).filter_map(|name| meant(state, name, |_| true)).collect();
    let mut meant: BTreeMap<Foreign, BTreeSet<ScopeId>> =
        all.into_iter().map(|meant| (meant.name, meant.ids)).collect();
    let (mut marked, mut unmarked) = (0, 0);
    state.tree.markings += 1;
    for (name, relation) in &mut state.relations {
        let is_marked = |id: &ScopeId| relation.marks.contains(id);
        let taken: BTreeSet<ScopeId> = relation.shown().map(|(_, scope)| scope.id).filter(is_marked).collect();
        let mut added = meant.remove(name).unwrap_or_default();
        added.retain(|id| !is_marked(id));
        (marked, unmarked) = (marked + added.len(), unmarked + taken.len());
        relation.marks.retain(|id| !taken.contains(id));
        relation.marks.append(&mut added);
    }
    count_hidden(state);
    state.say(Tone::Plain, format!("{} marked, {unmarked} no longer", plural(marked, "drifted scope")));
}

/// Takes all marks away.
pub fn clear(state: &mut AppState) {
    state.tree.markings += 1;
    state.relations.values_mut().for_each(|relation| relation.marks.clear());
    count_hidden(state);
    state.say(Tone::Plain, "no scope is marked");
}

/// The relationships of which scopes can be marked now, of those that the filter leaves.
pub fn markable(state: &AppState) -> impl Iterator<Item = &Foreign> {
    let has_some = |name: &&Foreign| {
        state.relationship(name).is_some_and(|found| found.unsupported.is_none())
            && state.relations.get(*name).is_some_and(|relation| !relation.turned && relation.tally.markable > 0)
    };
    state.tree.order.iter().filter(has_some)
}

/// Counts the marks that the filter hides.
pub fn count_hidden(state: &mut AppState) {
    let hidden = state.relations.values().filter(|relation| relation.fits.is_some() && !relation.marks.is_empty());
    state.tree.hidden_marks = hidden
        .map(|relation| {
            let shown = relation.shown().filter(|(_, scope)| relation.marks.contains(&scope.id)).count();
            relation.marks.len().saturating_sub(shown)
        })
        .sum();
}

/// What the marks stand for, where there are any.
pub fn words(state: &AppState) -> Option<String> {
    let marked = state.marked();
    let relationships = state.relations.values().filter(|relation| !relation.marks.is_empty()).count();
    let hidden = state.tree.hidden_marks;
    let many = if relationships > 1 { format!(" in {relationships} relationships") } else { String::new() };
    let hidden = if hidden > 0 { format!(", {hidden} not shown by the filter") } else { String::new() };
    (marked > 0).then(|| format!("{marked} marked{many}{hidden}"))
}

/// Marks that were taken away for a run.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// By relationship, with its source then.
    scopes: BTreeMap<Foreign, (Option<ServerName>, BTreeSet<ScopeId>)>,
    /// How often the operator had set or taken marks until then.
    markings: u64,
}

/// Takes the marks of these scopes away.
pub(in crate::app) fn take<'a>(
    state: &mut AppState,
    scopes: impl IntoIterator<Item = (&'a Foreign, &'a BTreeSet<ScopeId>)>,
) -> Marks {
    let mut taken = Marks { markings: state.tree.markings, ..Marks::default() };
    for (name, ids) in scopes {
        let Some(relation) = state.relations.get_mut(name) else { continue };
        let (gone, left) = std::mem::take(&mut relation.marks).into_iter().partition(|id| ids.contains(id));
        relation.marks = left;
        taken.scopes.insert(name.clone(), (relation.source.clone(), gone));
    }
    taken
}

/// Puts marks back, but for those of scopes that went `well`, and of what was turned round since. They win over
/// the highlight: with Force they would be written unasked, and beside newer marks unmeant. So none come back then.
pub(in crate::app) fn put_back(state: &mut AppState, taken: Marks, well: impl Fn(&Foreign, ScopeId) -> bool) {
    let switches = state.switches();
    let is_unasked = switches.force && !switches.what_if;
    if is_unasked || taken.markings != state.tree.markings {
        return;
    }
    for (name, (source, ids)) in taken.scopes {
        if let Some(relation) = state.relations.get_mut(&name).filter(|relation| relation.source == source) {
            relation.marks.extend(ids.into_iter().filter(|id| !well(&name, *id)));
        }
    }
    count_hidden(state);
}
