//! The history as JSON, schema `scopesync.history/1`: the same for a list, for one run, and for
//! all that is kept of it; what is deeper only has more.

use serde::Serialize;
use serde_json::Value;

use crate::engine::port::{Approval, Fingerprints, RunServer};
use crate::history::{RunRecord, RunState, Snapshot, SnapshotEnd, Story, Taken, Who};
use crate::model::Foreign;

/// The schema of the document.
const SCHEMA: &str = "scopesync.history/1";

/// How much is told of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// What people are shown.
    Shown,
    /// All that is kept: the plan, and the scopes in the server's words.
    Everything,
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    schema: &'static str,
    runs: Vec<RunLine<'a>>,
}

#[derive(Serialize)]
struct RunLine<'a> {
    run: &'a str,
    kind: &'static str,
    undo_of: Option<&'a str>,
    undone_by: Option<&'a str>,
    /// How much of it that took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    undone: Option<Taken>,
    state: RunState,
    started: String,
    ended: Option<String>,
    who: &'a Who,
    servers: &'a [RunServer],
    overrides: &'a [String],
    summary: &'a std::collections::BTreeMap<String, u64>,
    #[serde(flatten)]
    details: Option<Details<'a>>,
}

#[derive(Serialize)]
struct Details<'a> {
    asked: &'a Value,
    approvals: &'a [Approval],
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a Value>,
    report: Option<&'a Value>,
    snapshots: Vec<SnapshotLine<'a>>,
}

#[derive(Serialize)]
struct SnapshotLine<'a> {
    scope_id: String,
    prefix_length: u8,
    target: &'a str,
    identity: Option<&'a Foreign>,
    relationship: &'a Foreign,
    existed: bool,
    fingerprints: PrintsLine<'a>,
    changes: &'a Value,
    outcome: Option<&'a Value>,
    #[serde(flatten)]
    words: Option<Words<'a>>,
}

#[derive(Serialize)]
struct PrintsLine<'a> {
    source: Option<&'a str>,
    before: Option<&'a str>,
    after: Option<&'a str>,
}

/// The scope in the server's words, and the shared network around it.
#[derive(Serialize)]
struct Words<'a> {
    before: Option<&'a Value>,
    network_before: Option<&'a Foreign>,
    after: Option<&'a Value>,
    network_after: Option<&'a Foreign>,
    after_was_read: bool,
}

/// Some runs, in short.
pub(super) fn list(runs: &[(RunRecord, RunState)]) -> Document<'_> {
    Document { schema: SCHEMA, runs: runs.iter().map(|(run, state)| RunLine::new(run, *state, None)).collect() }
}

/// One run.
pub(super) fn story(story: &Story, depth: Depth) -> Document<'_> {
    let everything = depth == Depth::Everything;
    let details = Details {
        asked: &story.documents.asked,
        approvals: &story.documents.approvals,
        plan: everything.then_some(&story.documents.plan),
        report: story.documents.report.as_ref(),
        snapshots: story.snapshots.iter().map(|snapshot| SnapshotLine::new(snapshot, everything)).collect(),
    };
    Document { schema: SCHEMA, runs: vec![RunLine::new(&story.run, story.state, Some(details))] }
}

impl<'a> RunLine<'a> {
    fn new(run: &'a RunRecord, state: RunState, details: Option<Details<'a>>) -> Self {
        RunLine {
            run: &run.id,
            kind: run.kind.word(),
            undo_of: run.kind.undone(),
            undone_by: run.undone_by.as_ref().map(|by| by.run.as_str()),
            undone: run.undone_by.as_ref().map(|by| by.taken),
            state,
            started: run.started.to_string(),
            ended: run.ended.map(|ended| ended.to_string()),
            who: &run.who,
            servers: &run.servers,
            overrides: &run.overrides,
            summary: &run.summary,
            details,
        }
    }
}

impl<'a> SnapshotLine<'a> {
    fn new(snapshot: &'a Snapshot, words: bool) -> Self {
        let Fingerprints { source, target: before } = &snapshot.before;
        let end = snapshot.end.as_ref();
        SnapshotLine {
            scope_id: snapshot.scope.short(),
            prefix_length: snapshot.scope.prefix_length,
            target: snapshot.target.as_str(),
            identity: snapshot.identity.as_ref(),
            relationship: &snapshot.relationship,
            existed: snapshot.native.is_some(),
            fingerprints: PrintsLine {
                source: source.as_deref(),
                before: before.as_deref(),
                after: end.and_then(|end| end.fingerprint.as_deref()),
            },
            changes: &snapshot.changes,
            outcome: end.map(|end| &end.record),
            words: words.then(|| Words {
                before: snapshot.native.as_ref(),
                network_before: snapshot.network.as_ref(),
                after: end.and_then(|end: &SnapshotEnd| end.native.as_ref()),
                network_after: end.and_then(|end| end.network.as_ref()),
                after_was_read: end.is_some_and(|end| end.was_read),
            }),
        }
    }
}
