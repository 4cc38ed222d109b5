//! What the program tells as JSON of scopes and relationships, for tests to look into.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The entries of this list, of all relationships.
pub fn all<'a>(report: &'a Value, key: &str) -> Vec<&'a Value> {
    let relationships = report["relationships"].as_array().expect("relationships").iter();
    relationships.flat_map(|relationship| relationship[key].as_array().expect("a list")).collect()
}

/// The scopes by prefix: `10.0.0.0/24`.
pub fn scopes(report: &Value) -> BTreeMap<String, &Value> {
    let id = |scope: &Value| format!("{}/{}", scope["scope_id"].as_str().expect("an id"), scope["prefix_length"]);
    all(report, "scopes").into_iter().map(|scope| (id(scope), scope)).collect()
}

/// How the scopes stand.
pub fn states(report: &Value) -> BTreeMap<String, String> {
    let state = |scope: &Value| scope["drift"].as_str().expect("a state").to_owned();
    scopes(report).into_iter().map(|(id, scope)| (id, state(scope))).collect()
}

/// What became of the scopes in a run.
pub fn outcomes(report: &Value) -> BTreeMap<String, &str> {
    scopes(report).into_iter().map(|(id, scope)| (id, text(scope, "outcome"))).collect()
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The findings as `severity kind side: message`, each once.
pub fn findings(report: &Value) -> BTreeSet<String> {
    let line = |found: &Value| {
        let [severity, kind, side, message] = ["severity", "kind", "side", "message"].map(|key| text(found, key));
        format!("{severity} {kind} {side}: {message}")
    };
    all(report, "findings").into_iter().map(line).collect()
}
