//! How far an interrupted run came.

use super::{Line, Role, ScopeNames, plural, some};
use crate::engine::outcome::SavedState;
use crate::engine::recovery::{Standing, Told, ToldScope};
use crate::history::RunRecord;
use crate::model::ScopeId;

/// `run 20261121T203500Z-1f3a09c7 of ann on host …, begun 2026-11-21 20:35:00`.
pub fn interrupted(run: &RunRecord) -> String {
    let begun = run.started.to_zoned(jiff::tz::TimeZone::system());
    format!("run {} of {}, begun {}", run.id, run.who, begun.strftime("%F %T"))
}

/// Every scope of the run, and what else was told of its targets. `title` says which run it is.
pub fn recovery(title: &str, told: &Told, names: &ScopeNames) -> Vec<Line> {
    let mut lines = vec![Line::of(0, Role::Title, title)];
    if told.relationships.is_empty() {
        lines.push(Line::of(2, Role::Plain, "it had no scope to write"));
    }
    for part in &told.relationships {
        lines.push(
            Line::of(2, Role::Title, part.name.to_string())
                .with(Role::Plain, format!("  {} → {}", part.source, part.target)),
        );
        lines.extend(part.service.iter().map(|text| Line::of(4, Role::Warning, text)));
        // a run of thousands of scopes that ended early leaves most of them untouched
        let (untouched, told): (Vec<&ToldScope>, Vec<&ToldScope>) =
            part.scopes.iter().partition(|scope| scope.standing == Standing::NotDone && !scope.begun);
        lines.extend(told.into_iter().map(|scope| standing(scope, names).deeper(4)));
        if !untouched.is_empty() {
            let ids: Vec<ScopeId> = untouched.iter().map(|scope| scope.id).collect();
            let which = some(ids.iter().map(|id| names.name(*id)));
            let text = format!("{}, which the run had not come to: {which}", plural(ids.len(), "scope"));
            lines.push(Line::of(4, Role::Warning, Standing::NotDone.words()).with(Role::Plain, format!(": {text}")));
        }
    }
    let counts: Vec<String> = told.counts().iter().map(|(standing, n)| format!("{n} {}", standing.words())).collect();
    if !counts.is_empty() {
        lines.push(Line::of(2, Role::Plain, counts.join(", ")));
    }
    lines
}

fn standing(scope: &ToldScope, names: &ScopeNames) -> Line {
    let role = match scope.standing {
        Standing::Done => Role::Good,
        Standing::NotDone => Role::Warning,
        Standing::Partial | Standing::Unknown => Role::Critical,
    };
    let mut text = String::new();
    if scope.standing == Standing::Partial {
        let of = scope.changes_done + scope.changes_left;
        text.push_str(&format!(", {} of {} made", scope.changes_done, plural(of, "change")));
    }
    if scope.saved != SavedState::NotApplicable {
        // nobody saw it saved, which is not to say that it was not
        let words = if scope.saved == SavedState::NotSaved { "perhaps not saved" } else { scope.saved.words() };
        text.push_str(&format!(", {words}"));
    }
    if let Some(later) = &scope.later {
        text.push_str(&format!(", written since by run {later}"));
    }
    if let Some(message) = &scope.message {
        text.push_str(&format!(": {message}"));
    }
    Line::of(0, Role::Title, names.name(scope.id))
        .with(role, format!("  {}", scope.standing.words()))
        .with(Role::Plain, text)
}
