//! Moving about, marking, swapping.

use std::collections::BTreeSet;

use super::super::action::{Action, Place};
use super::super::compared::{Compared, left_out_words};
use super::super::detail::Detail;
use super::super::drift::{DriftRow, Subject};
use super::super::effect::Effect;
use super::super::list::{Lines, Scroll};
use super::super::reading;
use super::super::state::{AppState, LeftKey, Pane, Tone, View};
use super::{filtering, recalling};
use crate::engine::survey::Relationship;
use crate::model::ScopeId;
use crate::show::plural;

/// Moves the cursor of whatever the keys go to.
pub(super) fn scroll(state: &mut AppState, action: Action) {
    match state.place() {
        Place::Relationships => {
            let by = distance(action, state.left_list.height);
            state.left_list.step(&state.left, by);
        }
        Place::Scopes => {
            let Some(relation) = state.current_mut() else { return };
            let by = distance(action, relation.scopes.height);
            let mut list = std::mem::take(&mut relation.scopes);
            list.step(&relation.shown(), by);
            relation.scopes = list;
        }
        Place::Drift => step(&mut state.drift.scroll, action, state.drift.rows.len()),
        Place::History | Place::PastRun => recalling::scroll(state, |height| distance(action, height)),
        Place::Help => {
            if let Some(help) = &mut state.help {
                help.pan(distance(action, help.height));
            }
        }
        _ => scroll_view(state, action),
    }
}

fn scroll_view(state: &mut AppState, action: Action) {
    match &mut state.view {
        View::Detail(detail) => {
            let by = distance(action, detail.scroll.height);
            detail.scroll.pan(by);
        }
        View::Preview(preview) => step(&mut preview.scroll, action, preview.rows.len()),
        View::Reset(reset) => reset.scroll.pan(distance(action, reset.scroll.height)),
        View::Jobs => {
            if let Some(scroll) = state.runs.scroll_mut() {
                scroll.pan(distance(action, scroll.height));
            }
        }
        View::Browse | View::Planning { .. } => {}
    }
}

fn step(scroll: &mut Scroll, action: Action, len: usize) {
    scroll.step(distance(action, scroll.height), len);
}

fn distance(action: Action, height: usize) -> isize {
    let page = isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
    match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        // Far enough for any list, and far from any overflow.
        Action::First => isize::MIN / 2,
        _ => isize::MAX / 2,
    }
}

/// Everything that concerns the three panes.
pub(super) fn act(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Enter => enter(state),
        Action::Back => return back(state),
        Action::In => pane(state, 1, false),
        Action::Out if state.place() == Place::Detail => state.view = View::Browse,
        Action::Out => pane(state, -1, false),
        Action::NextPane => pane(state, 1, true),
        Action::PreviousPane => pane(state, -1, true),
        Action::Findings => {
            state.focus = Pane::Drift;
            state.about_relationship = true;
        }
        Action::Filter => state.filtering = true,
        Action::Mark if state.focus == Pane::Scopes => mark(state),
        Action::Mark | Action::MarkAll => mark_all(state),
        Action::Unmark => {
            state.relations.values_mut().for_each(|relation| relation.marks.clear());
            state.say(Tone::Plain, "no scope is marked");
        }
        Action::Swap => return swap(state),
        _ => {}
    }
    Vec::new()
}

fn focus(state: &mut AppState, pane: Pane) {
    state.focus = pane;
    state.drift.full &= pane == Pane::Drift;
    match pane {
        Pane::Relationships => state.about_relationship = true,
        Pane::Scopes => state.about_relationship = false,
        Pane::Drift => {}
    }
}

fn pane(state: &mut AppState, by: isize, round: bool) {
    const PANES: [Pane; 3] = [Pane::Relationships, Pane::Scopes, Pane::Drift];
    let at = PANES.iter().position(|pane| *pane == state.focus).unwrap_or(0);
    let next = match (at.checked_add_signed(by), round) {
        (Some(next), _) if next < PANES.len() => next,
        (_, true) => (at + PANES.len()).saturating_add_signed(by) % PANES.len(),
        _ => return,
    };
    focus(state, PANES[next]);
}

fn enter(state: &mut AppState) {
    match state.focus {
        Pane::Relationships => match state.current() {
            Some((_, relation)) if relation.shown().is_empty() => focus(state, Pane::Drift),
            Some(_) => focus(state, Pane::Scopes),
            None => state.view = server_detail(state).map_or(View::Browse, View::Detail),
        },
        Pane::Scopes => focus(state, Pane::Drift),
        Pane::Drift => {
            if let Some(DriftRow::Section(head)) = state.drift.current() {
                state.drift.fold(head.section);
            } else if let Some(detail) = detail(state) {
                state.view = View::Detail(detail);
            }
        }
    }
}

fn back(state: &mut AppState) -> Vec<Effect> {
    if !matches!(state.view, View::Browse) {
        state.view = View::Browse;
        return Vec::new();
    }
    let filtered = match state.focus {
        Pane::Relationships => !state.left_list.filter.is_empty(),
        Pane::Scopes => state.current().is_some_and(|(_, relation)| !relation.scopes.filter.is_empty()),
        Pane::Drift => false,
    };
    if filtered {
        return filtering::change(state, String::clear);
    }
    match state.focus {
        Pane::Drift if state.drift.full => state.drift.full = false,
        Pane::Relationships => state.banner = None,
        Pane::Scopes => focus(state, Pane::Relationships),
        Pane::Drift if state.about_relationship => focus(state, Pane::Relationships),
        Pane::Drift => focus(state, Pane::Scopes),
    }
    Vec::new()
}

fn mark(state: &mut AppState) {
    let Some(relation) = state.current_mut() else { return };
    let Some(id) = relation.current().map(|scope| scope.id) else { return };
    if !relation.marks.remove(&id) {
        relation.marks.insert(id);
    }
}

fn mark_all(state: &mut AppState) {
    let Some((relationship, relation)) = state.current() else { return };
    let Some(compared) = relation.compared.clone() else { return };
    let in_flight: BTreeSet<ScopeId> = state.in_flight(&relationship.name).collect();
    let shown = relation.shown();
    let writable = shown.iter().filter(|scope| compared.can_be_written(scope)).map(|scope| scope.id);
    let (busy, ids): (BTreeSet<_>, BTreeSet<_>) = writable.partition(|id| in_flight.contains(id));
    let mut left_out = left_out_words(&compared.left_out(shown.iter()));
    if !busy.is_empty() {
        left_out.push_str(&format!("; {} being replicated", busy.len()));
    }
    let filter = if relation.filtered.is_some() { " (of those that the filter shows)" } else { "" };
    let Some(relation) = state.current_mut() else { return };
    let text = if !ids.is_empty() && ids.iter().all(|id| relation.marks.contains(id)) {
        relation.marks.retain(|id| !ids.contains(id));
        format!("{} no longer marked{filter}", plural(ids.len(), "scope"))
    } else {
        relation.marks.extend(&ids);
        format!("{} marked{filter}{left_out}", plural(ids.len(), "drifted scope"))
    };
    state.say(Tone::Plain, text);
}

fn swap(state: &mut AppState) -> Vec<Effect> {
    let Some((relationship, _)) = state.current() else { return Vec::new() };
    let name = relationship.name.clone();
    let [old, new] = super::super::pick::directed(state, relationship);
    let (Some(source), target) = (new.server().cloned(), old.shown()) else { return Vec::new() };
    let text = format!("{name}: {source} is now the source, {target} the target");
    let Some(relation) = state.relations.get_mut(&name) else { return Vec::new() };
    relation.source = Some(source);
    let marked = !relation.marks.is_empty();
    relation.marks.clear();
    state.say(Tone::Plain, if marked { format!("{text}; its marks are gone") } else { text });
    reading::compare(state, &name).into_iter().collect()
}

/// Lets the drift pane show what is highlighted.
pub(super) fn refresh_drift(state: &mut AppState) {
    let subject = state.current().and_then(|(relationship, relation)| {
        let compared = relation.compared.clone()?;
        let scope = if state.about_relationship { None } else { Some(relation.current()?.id) };
        let refusal = scope.and_then(|scope| refusal(state, relationship, &compared, scope));
        Some(Subject { compared, scope, refusal })
    });
    state.drift.show(subject);
}

/// Why nothing of a scope is carried.
fn refusal(state: &AppState, relationship: &Relationship, compared: &Compared, scope: ScopeId) -> Option<String> {
    if let Some(reason) = compared.refused.get(&scope) {
        return Some(reason.clone());
    }
    let target = super::super::pick::directed(state, relationship)[1].server()?;
    let is_read_only = state.survey.server(target)?.read_only;
    is_read_only.then(|| format!("{target} is read-only"))
}

fn detail(state: &AppState) -> Option<Detail> {
    let subject = state.drift.subject.as_ref()?;
    let drift = &subject.compared.drift;
    let scope = subject.scope();
    match state.drift.current()? {
        DriftRow::Finding(at) | DriftRow::Beside(at) => {
            drift.findings.get(at).map(|finding| Detail::of_finding(finding, &state.names))
        }
        DriftRow::Item(at) | DriftRow::Field(at, _) => {
            let item = state.drift.item(at)?;
            Some(Detail::of_item(state.names.name(scope?.id), subject, &item))
        }
        DriftRow::Refused => {
            let reason = format!("not carried: {}", subject.refusal.as_ref()?);
            Some(Detail::of_text(format!("scope {}", state.names.name(scope?.id)), reason))
        }
        DriftRow::Reason => {
            Some(Detail::of_text(format!("scope {}", state.names.name(scope?.id)), scope?.reason.clone()?))
        }
        DriftRow::Member(side) => {
            let (name, text) = super::super::drift::member_words(state, subject, side)?;
            Some(Detail::of_text(name, text))
        }
        DriftRow::Summary => {
            Some(Detail::of_text(drift.name.to_string(), super::super::drift::summary_words(&subject.compared)))
        }
        DriftRow::LeftOut(at) => {
            let text = super::super::drift::left_out_line(subject, at)?;
            Some(Detail::of_text(drift.name.to_string(), text))
        }
        DriftRow::Unpaired(_) | DriftRow::State | DriftRow::Section(_) | DriftRow::Opening => None,
    }
}

fn server_detail(state: &AppState) -> Option<Detail> {
    let LeftKey::Server(name) = state.left_key()? else { return None };
    let report = state.survey.server(name)?;
    let text = match &report.outcome {
        None => format!("{} is still being read", report.place),
        Some(Ok(_)) => format!("{}: in no failover relationship", report.place),
        Some(Err(error)) => match &error.hint {
            Some(hint) => format!("{error}\n\nWhat to do: {hint}"),
            None => error.to_string(),
        },
    };
    let mut detail = Detail::of_text(format!("server {name}"), "");
    detail.paragraphs = text.split('\n').map(str::to_owned).collect();
    Some(detail)
}
