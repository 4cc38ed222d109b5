//! What a run did, as an undo needs it.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use super::recovery::Line;
use super::{History, RunRecord, Snapshot, SnapshotEnd};
use crate::engine::Result;
use crate::engine::undo::{Left, Past, Words};
use crate::model::{Foreign, ServerName};

impl History {
    /// What a run did to each scope that it was to write.
    ///
    /// # Errors
    /// The store is there and cannot be read.
    pub fn past(&self, run: &RunRecord) -> Result<Vec<Past>> {
        let snapshots = self.snapshots(run, None)?;
        snapshots
            .into_iter()
            .map(|snapshot| Ok(Past { later: self.later(run, &snapshot)?, ..past(snapshot) }))
            .collect()
    }

    /// The same, with the scopes that the run has changed by its report and of which nothing else is
    /// kept.
    ///
    /// # Errors
    /// The store is there and cannot be read.
    pub fn past_with_dropped(&self, run: &RunRecord) -> Result<Vec<Past>> {
        let mut past = self.past(run)?;
        let told = self.documents(run)?.report.map(|report| touched(&report)).unwrap_or_default();
        for dropped in told {
            if !past.iter().any(|kept| (&kept.target, kept.id) == (&dropped.target, dropped.id)) {
                past.push(dropped);
            }
        }
        Ok(past)
    }

    /// The last run after this one that has changed the same scope, or may have.
    fn later(&self, run: &RunRecord, snapshot: &Snapshot) -> Result<Option<String>> {
        let later = self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT run.id FROM snapshot JOIN run ON run.seq = snapshot.run WHERE snapshot.target = ?1 \
                     AND snapshot.scope = ?2 AND snapshot.run > ?3 AND (snapshot.outcome IS NULL \
                     OR snapshot.outcome IN ('replicated', 'partial', 'unknown')) ORDER BY snapshot.run DESC LIMIT 1",
                )?
                .query_row(params![snapshot.target.as_str(), snapshot.scope.to_string(), run.seq], |row| row.get(0))
                .optional()
        })?;
        Ok(later.flatten())
    }
}

fn past(snapshot: Snapshot) -> Past {
    let words = |network: Option<Foreign>, native: Value| Words { network, native: Arc::new(native) };
    let outcome = snapshot.end.as_ref().map(|end| Value::String(end.outcome.clone()));
    Past {
        target: snapshot.target,
        identity: snapshot.identity,
        relationship: snapshot.relationship,
        id: snapshot.scope,
        outcome: outcome.and_then(|word| serde_json::from_value(word).ok()),
        before: snapshot.native.map(|native| words(snapshot.network, native)),
        after: match snapshot.end {
            Some(SnapshotEnd { native: Some(native), fingerprint: Some(fingerprint), network, .. }) => {
                Left::There { words: words(network, native), fingerprint }
            }
            Some(SnapshotEnd { was_read: true, native: None, .. }) => Left::Missing,
            _ => Left::Unknown,
        },
        later: None,
        is_kept: true,
    }
}

/// The scopes that a run has changed, by its report; nothing else of them is known.
fn touched(report: &Value) -> Vec<Past> {
    let mut touched = Vec::new();
    for part in super::recovery::parts(report) {
        let target = ServerName::from(part.target.as_str());
        let changed = |line: &&Line| matches!(line.outcome.as_str(), "replicated" | "partial" | "unknown");
        touched.extend(part.scopes.iter().filter(changed).map(|line| Past {
            target: target.clone(),
            identity: None,
            relationship: part.name.clone(),
            id: line.id(),
            outcome: serde_json::from_value(Value::String(line.outcome.clone())).ok(),
            before: None,
            after: Left::Unknown,
            later: None,
            is_kept: false,
        }));
    }
    touched
}
