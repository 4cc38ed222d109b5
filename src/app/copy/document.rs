//! The drift of what the cursor stands on, for other programs and other people.

use crate::app::state::AppState;
use crate::engine::compare::{RelationshipDrift, Summary};
use crate::engine::report::DriftReport;
use crate::engine::survey::Member;
use crate::model::{DriftState, ScopeId};
use crate::show::{self, Line};

/// Whether there is a drift here; `Err` tells why not.
pub fn can(state: &AppState) -> Result<(), String> {
    let Some((relationship, relation)) = state.current() else { return Err("there is no relationship here".into()) };
    if let Some(reason) = &relationship.unsupported {
        return Err(reason.clone());
    }
    match &relation.compared {
        Some(compared) if !state.is_stale(relationship) && !compared.pending => Ok(()),
        _ => Err(format!("{} is still being read", relationship.name)),
    }
}

/// The scope that the drift is of; `None` for the whole relationship.
pub fn scope(state: &AppState) -> Option<ScopeId> {
    state.current_scope().filter(|_| !state.about_relationship).map(|scope| scope.id)
}

/// The relationship's place in the survey, the member that is its source, and the drift.
fn drift(state: &AppState) -> Result<(usize, usize, RelationshipDrift), String> {
    can(state)?;
    let known = state.current().and_then(|(found, relation)| {
        let at = state.survey.relationships.iter().position(|other| other.name == found.name)?;
        Some((at, state.source_member(found), relation.compared.as_ref()?))
    });
    let (at, source, compared) = known.ok_or("there is no relationship here")?;
    let whole = &compared.drift;
    let drift = match scope(state) {
        None => whole.clone(),
        Some(id) => RelationshipDrift {
            name: whole.name.clone(),
            source: whole.source.clone(),
            target: whole.target.clone(),
            findings: whole.findings.clone(),
            trouble: whole.trouble.clone(),
            scopes: compared.scope(id).cloned().into_iter().collect(),
        }
        .only(|other| other == id),
    };
    Ok((at, source, drift))
}

/// The drift as the command line tells it.
///
/// # Errors
/// In words: there is none here.
pub fn lines(state: &AppState) -> Result<Vec<Line>, String> {
    let (at, source, drift) = drift(state)?;
    let found = state.survey.relationships.get(at).ok_or("there is no relationship here")?;
    let mut lines = vec![show::relationship_title(found, source)];
    lines.extend(show::relationship_drift(&drift, &state.names).into_iter().map(|line| line.deeper(2)));
    match (scope(state), drift.scopes.as_slice()) {
        (Some(_), [only]) if only.state == DriftState::InSync => {
            lines.push(show::scope_drift(only, &state.names).deeper(2));
        }
        (Some(_), _) => {}
        (None, scopes) => lines.push(show::summary(&Summary::of(scopes)).deeper(2)),
    }
    Ok(lines)
}

/// The drift as `scopesync.drift/1`, with the servers of the relationship alone.
///
/// # Errors
/// In words: there is none here.
pub fn json(state: &AppState) -> Result<String, String> {
    let drift = drift(state)?;
    let found = state.survey.relationships.get(drift.0).ok_or("there is no relationship here")?;
    let servers: Vec<_> = found.members.iter().filter_map(Member::server).collect();
    let readings = servers.iter().filter_map(|name| state.survey.server(name)?.reading());
    let read_at = readings.map(|reading| reading.at).min().unwrap_or(state.clock);
    let drifts = [drift];
    let report =
        DriftReport::new(&state.survey, &drifts, read_at).about(|name| servers.iter().any(|s| s.as_str() == name));
    let mut text = Vec::new();
    show::json::write(&mut text, &report, true).map_err(|error| error.to_string())?;
    let text = String::from_utf8(text).map_err(|error| error.to_string())?;
    Ok(text.trim_end().to_owned())
}
