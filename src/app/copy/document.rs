//! The drift of what the cursor stands on, for other programs and other people.

use std::sync::Arc;

use crate::app::compared::Compared;
use crate::app::drift::{described, values};
use crate::app::export::{Cell, Table};
use crate::app::state::AppState;
use crate::engine::compare::{RelationshipDrift, ScopeDrift, Summary};
use crate::engine::report::DriftReport;
use crate::engine::survey::{Member, Relationship, Survey};
use crate::model::{DriftState, ScopeId};
use crate::show::{self, Line, ScopeNames};

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

/// The drift of a scope or of a relationship, apart from the screen.
pub struct Document {
    survey: Arc<Survey>,
    compared: Arc<Compared>,
    /// The relationship's place in the survey.
    at: usize,
    /// The member that is its source.
    source: usize,
    /// The scope that is meant; `None` for all.
    scope: Option<ScopeId>,
    names: ScopeNames,
    clock: jiff::Timestamp,
}

impl Document {
    /// The drift of what the cursor stands on.
    ///
    /// # Errors
    /// In words: there is none.
    pub fn of(state: &AppState) -> Result<Self, String> {
        can(state)?;
        let known = state.current().and_then(|(found, relation)| {
            let at = state.survey.relationships.iter().position(|other| other.name == found.name)?;
            Some((at, state.source_member(found), Arc::clone(relation.compared.as_ref()?)))
        });
        let (at, source, compared) = known.ok_or("there is no relationship here")?;
        Ok(Document {
            survey: Arc::clone(&state.survey),
            compared,
            at,
            source,
            scope: state.current_scope().filter(|_| !state.about_relationship).map(|scope| scope.id),
            names: state.names.clone(),
            clock: state.clock,
        })
    }

    /// What it is the drift of: in words, and for the name of a file.
    pub fn called(&self) -> (String, String) {
        let name = &self.compared.drift.name;
        match self.scope {
            Some(id) => (format!("scope {}", self.names.name(id)), self.names.name(id).replace('/', "-")),
            None => (name.to_string(), name.to_string()),
        }
    }

    fn relationship(&self) -> Result<&Relationship, String> {
        self.survey.relationships.get(self.at).ok_or_else(|| "the relationship is gone".to_owned())
    }

    fn scopes(&self) -> impl Iterator<Item = &ScopeDrift> {
        let meant = |scope: &&ScopeDrift| self.scope.is_none_or(|id| id == scope.id);
        self.compared.drift.scopes.iter().filter(meant)
    }

    fn drift(&self) -> RelationshipDrift {
        let whole = &self.compared.drift;
        let drift = RelationshipDrift {
            name: whole.name.clone(),
            source: whole.source.clone(),
            target: whole.target.clone(),
            findings: whole.findings.clone(),
            trouble: whole.trouble.clone(),
            scopes: self.scopes().cloned().collect(),
        };
        match self.scope {
            Some(id) => drift.only(|other| other == id),
            None => drift,
        }
    }

    /// The drift as the command line tells it.
    ///
    /// # Errors
    /// In words: the relationship is gone.
    pub fn lines(&self) -> Result<Vec<Line>, String> {
        let drift = self.drift();
        let mut lines = vec![show::relationship_title(self.relationship()?, self.source)];
        lines.extend(show::relationship_drift(&drift, &self.names).into_iter().map(|line| line.deeper(2)));
        match (self.scope, drift.scopes.as_slice()) {
            (Some(_), [only]) if only.state == DriftState::InSync => {
                lines.push(show::scope_drift(only, &self.names).deeper(2));
            }
            (Some(_), _) => {}
            (None, scopes) => lines.push(show::summary(&Summary::of(scopes)).deeper(2)),
        }
        Ok(lines)
    }

    /// The drift as `scopesync.drift/1`, with the servers of the relationship alone.
    ///
    /// # Errors
    /// In words: the relationship is gone.
    pub fn json(&self) -> Result<String, String> {
        let servers: Vec<_> = self.relationship()?.members.iter().filter_map(Member::server).collect();
        let readings = servers.iter().filter_map(|name| self.survey.server(name)?.reading());
        let read_at = readings.map(|reading| reading.at).min().unwrap_or(self.clock);
        let drifts = [(self.at, self.source, self.drift())];
        let report = DriftReport::new(&self.survey, &drifts, read_at)
            .about(|name| servers.iter().any(|server| server.as_str() == name));
        let mut text = Vec::new();
        show::json::write(&mut text, &report, true).map_err(|error| error.to_string())?;
        String::from_utf8(text).map_err(|error| error.to_string())
    }

    /// A row for each field that differs, and one for each scope that tells of none.
    pub fn table(&self) -> Table {
        let mut rows = Vec::new();
        for scope in self.scopes() {
            let lead = || {
                let name = scope.name.as_ref().map(ToString::to_string);
                let standing = (scope.state.words(), scope.reason.clone());
                [self.names.name(scope.id).into(), name.into(), standing.0.into(), standing.1.into()]
            };
            for change in &scope.changes {
                let what = || -> [Cell; 3] {
                    // what only the target has is listed as if it were deleted, and is not
                    let word = if scope.state == DriftState::OnlyOnTarget { "kept" } else { change.change.word() };
                    [change.section().word().into(), described(change).into(), word.into()]
                };
                if change.fields.is_empty() {
                    rows.push(
                        lead().into_iter().chain(what()).chain([Cell::Nothing, Cell::Nothing, Cell::Nothing]).collect(),
                    );
                }
                for field in &change.fields {
                    let (source, target) = values(field);
                    let both = [field.field.to_string(), source, target].map(Cell::from);
                    rows.push(lead().into_iter().chain(what()).chain(both).collect());
                }
            }
            if scope.changes.is_empty() {
                rows.push(lead().into_iter().chain(std::iter::repeat_n(Cell::Nothing, 6)).collect());
            }
        }
        const COLUMNS: &[&str] =
            &["scope", "name", "drift", "reason", "section", "item", "change", "field", "source", "target"];
        Table { what: "drift", columns: COLUMNS, rows }
    }
}
