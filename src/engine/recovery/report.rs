//! What was told, as JSON: `scopesync.recovery/1`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Standing, Told, ToldScope};
use crate::engine::outcome::SavedState;
use crate::model::Foreign;

/// The schema of the JSON.
pub const SCHEMA: &str = "scopesync.recovery/1";

#[derive(Serialize)]
struct Document<'a> {
    run: &'a str,
    kind: &'a crate::engine::port::RunKind,
    told_at: String,
    relationships: Vec<RelationshipLine<'a>>,
    summary: BTreeMap<Standing, usize>,
}

#[derive(Serialize)]
struct RelationshipLine<'a> {
    name: &'a Foreign,
    source: &'a str,
    target: &'a str,
    service: &'a [String],
    scopes: Vec<ScopeLine<'a>>,
}

#[derive(Serialize)]
struct ScopeLine<'a> {
    scope_id: String,
    prefix_length: u8,
    standing: Standing,
    begun: bool,
    changes_done: usize,
    changes_left: usize,
    saved: SavedState,
    written_since: Option<&'a str>,
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    may_go_on: bool,
}

impl Told {
    /// The run as a part of a document of schema `scopesync.recovery/1`.
    pub fn to_json(&self) -> serde_json::Value {
        let relationships = self.relationships.iter().map(|part| RelationshipLine {
            name: &part.name,
            source: &part.source,
            target: part.target.as_str(),
            service: &part.service,
            scopes: part.scopes.iter().map(ScopeLine::new).collect(),
        });
        let document = Document {
            run: &self.run,
            kind: &self.kind,
            told_at: self.at.to_string(),
            relationships: relationships.collect(),
            summary: self.counts(),
        };
        serde_json::to_value(document).unwrap_or_default()
    }
}

impl<'a> ScopeLine<'a> {
    fn new(scope: &'a ToldScope) -> Self {
        ScopeLine {
            scope_id: scope.id.short(),
            prefix_length: scope.id.prefix_length,
            standing: scope.standing,
            begun: scope.begun,
            changes_done: scope.changes_done,
            changes_left: scope.changes_left,
            saved: scope.saved,
            written_since: scope.later.as_deref(),
            message: scope.message.as_deref(),
            may_go_on: scope.may_go_on,
        }
    }
}
