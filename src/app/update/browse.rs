//! Moving about, marking, swapping.

use super::super::action::{Action, Place};
use super::super::compared::Compared;
use super::super::detail::Detail;
use super::super::drift::{DriftRow, Subject};
use super::super::effect::Effect;
use super::super::fleet::rows::Row;
use super::super::fleet::sort::Sort;
use super::super::fleet::{self, marks};
use super::super::list::Scroll;
use super::super::palette;
use super::super::reading;
use super::super::state::{AppState, Pane, Tone, View};
use super::{copying, filtering, recalling, running, searching};
use crate::engine::survey::Relationship;
use crate::model::ScopeId;

/// Moves the cursor of whatever the keys go to.
pub(super) fn scroll(state: &mut AppState, action: Action) {
    match state.place() {
        Place::Relationships | Place::Scopes => {
            let by = distance(action, state.tree.height);
            go(state, state.tree.position().unwrap_or(0).saturating_add_signed(by));
        }
        Place::Palette => {
            let len = state.palette.as_ref().map_or(0, |palette| palette::entries(state, &palette.typed).len());
            state.palette.iter_mut().for_each(|palette| step(&mut palette.scroll, action, len));
        }
        Place::Drift => step(&mut state.drift.scroll, action, state.drift.rows.len()),
        Place::History | Place::PastRun => recalling::scroll(state, |height| distance(action, height)),
        Place::Log => {
            if let Some(log) = &mut state.log {
                log.step(distance(action, log.scroll.height));
            }
        }
        Place::Copy => copying::scroll(state, distance(action, 10)),
        Place::Help => {
            if let Some(help) = &mut state.help {
                help.scroll.pan(distance(action, help.scroll.height));
            }
        }
        Place::Quitting => {}
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

/// Moves the cursor of the list to a line.
pub(super) fn go(state: &mut AppState, at: usize) {
    let from = state.tree.key();
    state.tree.go(at);
    state.about_relationship = false;
    fleet::left(state, from);
}

/// Everything that concerns the list and the drift.
pub(super) fn act(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Enter => enter(state),
        Action::Back => return back(state),
        Action::In => further_in(state),
        Action::Out if state.place() == Place::Detail => state.view = View::Browse,
        Action::Out => further_out(state),
        Action::NextPane | Action::PreviousPane if state.focus == Pane::List => state.focus = Pane::Drift,
        Action::NextPane | Action::PreviousPane => to_list(state),
        Action::Findings => {
            state.focus = Pane::Drift;
            state.about_relationship = true;
        }
        Action::Filter => state.filtering = true,
        Action::Sort => {
            fleet::sort_by_next(state);
            tell_order(state);
        }
        Action::Reverse => {
            state.tree.sort.reversed = !state.tree.sort.reversed;
            fleet::sort(state);
            tell_order(state);
        }
        Action::Group => {
            fleet::group_by_next(state);
            state.say(Tone::Plain, fleet::grouping_words(state.tree.grouping));
        }
        Action::Fold => fleet::fold(state, !fleet::is_open(state)),
        Action::FoldAll => fleet::fold_all(state),
        Action::Mark => marks::toggle(state),
        Action::MarkAll => marks::toggle_relationship(state),
        Action::MarkShown => marks::toggle_shown(state),
        Action::Invert => marks::invert(state),
        Action::Range => state.tree.range = if state.tree.range.is_some() { None } else { state.tree.key() },
        Action::Unmark => marks::clear(state),
        Action::Swap => return swap(state),
        _ => {}
    }
    Vec::new()
}

fn tell_order(state: &mut AppState) {
    let Sort { column, reversed } = state.tree.sort;
    let turned = if reversed { ", the other way round" } else { "" };
    state.say(Tone::Plain, format!("sorted by {}{turned}", column.name()));
}

pub(super) fn to_list(state: &mut AppState) {
    state.focus = Pane::List;
    state.drift.full = false;
    state.about_relationship = false;
}

fn enter(state: &mut AppState) {
    match (state.focus, state.tree.row()) {
        (Pane::Drift, _) => {
            if let Some(DriftRow::Section(head)) = state.drift.current() {
                state.drift.fold(head.section);
            } else if let Some(detail) = detail(state) {
                state.view = View::Detail(detail);
            }
        }
        (Pane::List, Some(Row::Node(_))) => {
            fleet::fold(state, true);
            if !to_first_below(state) {
                match server_detail(state) {
                    Some(detail) => state.view = View::Detail(detail),
                    None => state.focus = Pane::Drift,
                }
            }
        }
        (Pane::List, _) => state.focus = Pane::Drift,
    }
}

/// To the first line under the relationship or server; `false` where there is none.
fn to_first_below(state: &mut AppState) -> bool {
    let (Some(at), Some(key)) = (state.tree.position(), state.tree.key()) else { return false };
    let below = state.tree.rows.key(at + 1).filter(|below| match &key.relationship {
        Some(_) => below.head() == key,
        None => below.relationship.is_some() && below.server == key.server,
    });
    if below.is_some() {
        go(state, at + 1);
    }
    below.is_some()
}

fn further_in(state: &mut AppState) {
    match (state.focus, state.tree.row()) {
        (Pane::List, Some(Row::Node(_))) if !fleet::is_open(state) => {
            fleet::fold(state, true);
        }
        (Pane::List, Some(Row::Node(_))) if to_first_below(state) => {}
        _ => state.focus = Pane::Drift,
    }
}

fn further_out(state: &mut AppState) {
    match (state.focus, state.tree.row()) {
        (Pane::Drift, _) => to_list(state),
        (Pane::List, Some(Row::Scope { .. })) => to_head(state),
        (Pane::List, _) => fleet::fold(state, false),
    }
}

/// To the relationship of the highlighted scope, where that has a line.
fn to_head(state: &mut AppState) {
    let head = state.tree.key().and_then(|key| state.tree.rows.find(&key.head()));
    if let Some(at) = head {
        go(state, at);
    }
}

fn back(state: &mut AppState) -> Vec<Effect> {
    if matches!(state.view, View::Jobs) && !state.runs.filter.is_empty() {
        return filtering::change(state, String::clear);
    }
    match state.view {
        View::Browse => {}
        View::Jobs => {
            running::leave(state);
            return Vec::new();
        }
        _ => {
            state.view = View::Browse;
            return Vec::new();
        }
    }
    match (state.focus, state.tree.row()) {
        (Pane::Drift, _) if searching::clear(state) => {}
        (Pane::Drift, _) if state.drift.full => state.drift.full = false,
        (Pane::Drift, _) => to_list(state),
        _ if state.tree.range.is_some() => state.tree.range = None,
        _ if !state.tree.filter.is_empty() => return filtering::change(state, String::clear),
        (Pane::List, Some(Row::Scope { .. })) => to_head(state),
        (Pane::List, _) => state.notices.clear(),
    }
    Vec::new()
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
    relation.turned = true;
    relation.news.forget();
    marks::count_hidden(state);
    state.say(Tone::Plain, if marked { format!("{text}; its marks are gone") } else { text });
    reading::compare(state, &name).into_iter().collect()
}

/// Lets the drift pane show what is highlighted.
pub(super) fn refresh_drift(state: &mut AppState) {
    let subject = state.current().and_then(|(relationship, relation)| {
        let compared = relation.compared.clone()?;
        let scope = state.current_scope().filter(|_| !state.about_relationship).map(|scope| scope.id);
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
        DriftRow::Unpaired(_) | DriftRow::State | DriftRow::Section(_) | DriftRow::Unopened => None,
    }
}

fn server_detail(state: &AppState) -> Option<Detail> {
    let name = state.current_server()?;
    let report = state.survey.server(name)?;
    let text = match &report.outcome {
        None => format!("{} is still being read", report.place),
        Some(Ok(_)) if state.survey.relationships.iter().any(|found| found.member_index(name).is_some()) => {
            report.place.clone()
        }
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
