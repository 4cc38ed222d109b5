//! What was found and done, as JSON: `scopesync.drift/1` and the parts that plans share.

use serde::Serialize;

use super::compare::{RelationshipDrift, ScopeDrift, Summary};
use super::survey::{ServerReport, Survey};
use super::trouble::{Trouble, TroubleReport};
use crate::model::{Change, ChangeKind, DriftState, Finding, Foreign, ItemKey, Section, State};

/// The schema of the drift report's JSON.
pub const DRIFT_SCHEMA: &str = "scopesync.drift/1";

/// The drift of several relationships.
#[derive(Serialize)]
pub struct DriftReport<'a> {
    schema: &'static str,
    checked_at: String,
    servers: Vec<ServerLine<'a>>,
    relationships: Vec<RelationshipLine<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct ServerLine<'a> {
    name: &'a str,
    reachable: bool,
    reason: Option<String>,
    caveat: Option<&'static str>,
    version: Option<&'a Foreign>,
}

#[derive(Serialize)]
struct RelationshipLine<'a> {
    name: &'a Foreign,
    mode: String,
    source: SideLine<'a>,
    target: SideLine<'a>,
    trouble: Option<TroubleReport>,
    findings: Vec<FindingReport<'a>>,
    scopes: Vec<ScopeLine<'a>>,
}

#[derive(Serialize)]
struct SideLine<'a> {
    server: &'a str,
    state: Option<&'a State>,
}

#[derive(Serialize)]
struct ScopeLine<'a> {
    scope_id: String,
    prefix_length: u8,
    name: Option<&'a Foreign>,
    drift: &'a DriftState,
    reason: Option<&'a str>,
    ignored: usize,
    changes: Vec<ChangeReport<'a>>,
}

/// One change.
#[derive(Serialize)]
pub struct ChangeReport<'a> {
    section: Section,
    key: &'a ItemKey,
    item: String,
    change: ChangeKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a Foreign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    becomes_explicit: bool,
    fields: Vec<FieldReport<'a>>,
}

#[derive(Serialize)]
struct FieldReport<'a> {
    field: &'a Foreign,
    source: Option<String>,
    target: Option<String>,
}

/// One finding.
#[derive(Serialize)]
pub struct FindingReport<'a> {
    severity: crate::model::Severity,
    kind: crate::model::FindingKind,
    side: crate::model::FindingSide,
    scopes: Vec<String>,
    message: &'a str,
    hint: &'a str,
}

impl<'a> DriftReport<'a> {
    /// The report of these relationships: each drift with its place in the survey and
    /// the member that is its source.
    pub fn new(survey: &'a Survey, drifts: &'a [(usize, usize, RelationshipDrift)], at: jiff::Timestamp) -> Self {
        DriftReport {
            schema: DRIFT_SCHEMA,
            checked_at: at.to_string(),
            servers: survey.servers.iter().map(ServerLine::new).collect(),
            relationships: drifts
                .iter()
                .map(|(relationship, source, drift)| {
                    let found = &survey.relationships[*relationship];
                    RelationshipLine {
                        name: &drift.name,
                        mode: found.mode.to_string(),
                        source: SideLine { server: &drift.source, state: found.members[*source].state.as_ref() },
                        target: SideLine { server: &drift.target, state: found.members[1 - *source].state.as_ref() },
                        trouble: drift.trouble.as_ref().map(Trouble::report),
                        findings: drift.findings.iter().map(FindingReport::new).collect(),
                        scopes: drift.scopes.iter().map(ScopeLine::new).collect(),
                    }
                })
                .collect(),
            summary: Summary::of(drifts.iter().flat_map(|(_, _, drift)| &drift.scopes)),
        }
    }

    /// The same without the servers that are not meant.
    pub fn about(mut self, meant: impl Fn(&str) -> bool) -> Self {
        self.servers.retain(|server| meant(server.name));
        self
    }
}

impl<'a> ServerLine<'a> {
    fn new(report: &'a ServerReport) -> Self {
        ServerLine {
            name: report.name.as_str(),
            reachable: report.reading().is_some(),
            reason: report.failure().map(ToString::to_string),
            caveat: report.caveat,
            version: report.reading().and_then(|reading| reading.version.as_ref()),
        }
    }
}

impl<'a> ScopeLine<'a> {
    fn new(scope: &'a ScopeDrift) -> Self {
        ScopeLine {
            scope_id: scope.id.short(),
            prefix_length: scope.id.prefix_length,
            name: scope.name.as_ref(),
            drift: &scope.state,
            reason: scope.reason.as_deref(),
            ignored: scope.ignored.values().sum(),
            changes: scope.changes.iter().map(ChangeReport::new).collect(),
        }
    }
}

impl<'a> ChangeReport<'a> {
    /// One change for JSON. Values are raw text; anything but text is in JSON's own spelling.
    pub fn new(change: &'a Change) -> Self {
        let line = |value: &Option<crate::model::Value>| value.as_ref().map(|value| value.canonical.to_line());
        ChangeReport {
            section: change.section(),
            key: &change.key,
            item: change.key.name.to_string(),
            change: change.change,
            label: change.label.as_ref(),
            moved: change.moved.as_ref().map(|key| key.name.to_string()),
            becomes_explicit: change.becomes_explicit,
            fields: change
                .fields
                .iter()
                .map(|field| FieldReport {
                    field: &field.field,
                    source: line(&field.source),
                    target: line(&field.target),
                })
                .collect(),
        }
    }
}

impl<'a> FindingReport<'a> {
    /// One finding for JSON.
    pub fn new(finding: &'a Finding) -> Self {
        FindingReport {
            severity: finding.severity,
            kind: finding.kind,
            side: finding.side,
            scopes: finding.scopes.iter().map(|id| id.short()).collect(),
            message: &finding.message,
            hint: &finding.hint,
        }
    }
}
