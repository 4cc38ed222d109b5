//! What is told of runs: what was asked and approved, from which fingerprints, and what came of
//! it. Neither the scopes nor the values in them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::engine::port::RunStart;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    pub(super) kind: &'static str,
    pub(super) run: Option<String>,
    /// Whether the line says who did it; the lines after it then need not.
    pub(super) signed: bool,
    pub(super) more: Value,
}

impl Event {
    /// Something that somebody did.
    pub fn of(kind: &'static str, run: Option<&str>, more: Value) -> Self {
        Event { kind, run: run.map(ToOwned::to_owned), signed: true, more }
    }

    fn part(kind: &'static str, run: &str, more: Value) -> Self {
        Event { signed: false, ..Event::of(kind, Some(run), more) }
    }
}

/// A run begins: what was asked, and each scope that is to be written with its fingerprints.
pub fn begin(start: &RunStart) -> Vec<Event> {
    let approved: BTreeSet<&str> = start.approvals.iter().map(|approval| approval.relationship.raw()).collect();
    let relationships = parts(&start.plan, "relationships").iter();
    let overridden = |refusal: &Value| refusal["name"].as_str().is_some_and(|name| start.overrides.contains(name));
    let is_refused = |scope: &Value| parts(scope, "refusals").iter().any(|refusal| !overridden(refusal));
    let planned = relationships
        .filter(|relationship| relationship["name"].as_str().is_some_and(|name| approved.contains(name)))
        .flat_map(|relationship| parts(relationship, "scopes").iter().map(move |scope| (relationship, scope)))
        .filter(|(_, scope)| !scope["fingerprints"].is_null() && !is_refused(scope))
        .map(|(relationship, scope)| {
            let mut more = whose(relationship, scope);
            more.insert("fingerprints".into(), scope["fingerprints"].clone());
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for change in parts(scope, "changes").iter().filter_map(|change| change["change"].as_str()) {
                *counts.entry(change).or_default() += 1;
            }
            more.insert("changes".into(), json!(counts));
            Event::part("planned", &start.run, Value::Object(more))
        });
    std::iter::once(Event::of("begin", Some(&start.run), asked(start))).chain(planned).collect()
}

/// A run was asked for and ends before it has begun.
pub fn not_begun(start: &RunStart, report: &Value) -> Vec<Event> {
    let mut more = asked(start);
    more["remarks"] = remarks(report).into();
    std::iter::once(Event::of("not-begun", Some(&start.run), more)).chain(outcomes(&start.run, report)).collect()
}

/// A run ends: what became of each scope, or of each server of a reset.
pub fn end(run: &str, report: &Value) -> Vec<Event> {
    let more = json!({
        "started": report["started"],
        "ended": report["ended"],
        "summary": report["summary"],
        "remarks": remarks(report),
    });
    outcomes(run, report).chain([Event::of("end", Some(run), more)]).collect()
}

fn asked(start: &RunStart) -> Value {
    let servers: Vec<Value> = start
        .servers
        .iter()
        .map(|server| json!({ "role": server.role, "name": server.name, "identity": server.identity }))
        .collect();
    json!({
        "kind": start.kind.word(),
        "undo_of": start.kind.undone(),
        "asked": start.asked,
        "plan": start.plan["digest"],
        "servers": servers,
        "approvals": start.approvals,
        "overrides": start.overrides,
    })
}

fn outcomes(run: &str, report: &Value) -> impl Iterator<Item = Event> {
    let told = |from: &Value, names: &[&str]| -> Map<String, Value> {
        names.iter().filter_map(|name| Some(((*name).to_owned(), from.get(*name)?.clone()))).collect()
    };
    const OF_SCOPE: [&str; 6] = ["outcome", "changes_done", "changes_left", "saved", "verified", "message"];
    let scopes = parts(report, "relationships").iter().flat_map(move |relationship| {
        let written = parts(relationship, "scopes").iter().filter(|scope| scope["outcome"] != "unchanged");
        written.map(move |scope| {
            let mut more = whose(relationship, scope);
            more.extend(told(scope, &OF_SCOPE));
            more
        })
    });
    let servers =
        parts(report, "servers").iter().map(move |server| told(server, &["server", "outcome", "state", "message"]));
    let all: Vec<Event> = scopes.chain(servers).map(|more| Event::part("outcome", run, Value::Object(more))).collect();
    all.into_iter()
}

/// Where a scope is: relationship, target, address.
fn whose(relationship: &Value, scope: &Value) -> Map<String, Value> {
    let mut more = Map::new();
    more.insert("relationship".into(), relationship["name"].clone());
    more.insert("target".into(), relationship["target"].clone());
    more.insert("scope_id".into(), scope["scope_id"].clone());
    more.insert("prefix_length".into(), scope["prefix_length"].clone());
    more
}

fn remarks(report: &Value) -> Vec<Value> {
    let of_relationships =
        parts(report, "relationships").iter().flat_map(|relationship| parts(relationship, "remarks"));
    parts(report, "remarks").iter().chain(of_relationships).cloned().collect()
}

fn parts<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::approval::Consent;
    use crate::engine::port::{Approval, RunKind};
    use crate::model::Foreign;

    fn start() -> RunStart {
        let scope = |id: &str, prints: Value, refused: &[&str]| {
            let refusals: Vec<Value> = refused.iter().map(|name| json!({ "name": name })).collect();
            let changes =
                json!([{ "change": "delete", "fields": [{ "target": "secret-value" }] }, { "change": "delete" }]);
            json!({ "scope_id": id, "prefix_length": 24, "fingerprints": prints, "changes": changes, "refusals": refusals })
        };
        let prints = json!({ "source": "a", "target": "b" });
        let scopes = [
            scope("10.0.0.0", prints.clone(), &["clocks-apart"]),
            scope("10.0.1.0", Value::Null, &[]),
            scope("10.0.2.0", prints, &["option-43"]),
        ];
        let relationship = |name: &str| json!({ "name": name, "target": "kea-2", "scopes": scopes });
        RunStart {
            run: "r".into(),
            started: jiff::Timestamp::UNIX_EPOCH,
            kind: RunKind::Undo { of: "q".into() },
            asked: json!({ "command": "undo" }),
            overrides: BTreeSet::from(["clocks-apart".to_owned()]),
            approvals: vec![Approval {
                relationship: Foreign::from("yes"),
                by: "alice".into(),
                answer: Consent::Forced,
            }],
            plan: json!({ "digest": "d", "relationships": [relationship("yes"), relationship("no")] }),
            servers: BTreeSet::new(),
        }
    }

    #[test]
    fn a_beginning_tells_what_is_planned_and_no_value() {
        let events = begin(&start());
        assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), ["begin", "planned"]);
        let [begin, planned] = [&events[0].more, &events[1].more];
        assert_eq!(
            (&begin["undo_of"], &begin["plan"], &begin["overrides"]),
            (&json!("q"), &json!("d"), &json!(["clocks-apart"]))
        );
        assert_eq!(begin["approvals"], json!([{ "relationship": "yes", "by": "alice", "answer": "forced" }]));
        assert_eq!((&planned["scope_id"], &planned["changes"]), (&json!("10.0.0.0"), &json!({ "delete": 2 })));
        assert!(!format!("{events:?}").contains("secret-value"));
    }

    #[test]
    fn an_end_tells_each_scope_and_each_server() {
        let scope = |id: &str, outcome: &str| json!({ "scope_id": id, "prefix_length": 24, "outcome": outcome, "saved": "saved", "residual": ["secret-value"] });
        let scopes = [scope("10.0.0.0", "replicated"), scope("10.0.1.0", "unchanged"), scope("10.0.2.0", "skipped")];
        let report = json!({
            "relationships": [{ "name": "one", "target": "kea-2", "scopes": scopes, "remarks": ["look"] }],
            "servers": [{ "server": "kea-1", "outcome": "in_service" }],
            "summary": { "replicated": 1 },
        });
        let events = end("r", &report);
        assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), ["outcome", "outcome", "outcome", "end"]);
        assert_eq!((&events[1].more["outcome"], &events[2].more["server"]), (&json!("skipped"), &json!("kea-1")));
        assert_eq!(events[3].more["remarks"], json!(["look"]));
        assert!(!format!("{events:?}").contains("secret-value"));
        let kinds: Vec<_> = not_begun(&start(), &report).iter().map(|event| event.kind).collect();
        assert_eq!(kinds, ["not-begun", "outcome", "outcome", "outcome"]);
    }
}
