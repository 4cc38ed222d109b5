//! Every kind of drift, there and back again, from both sides and by both writers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::common::expected::shown_changes;
use crate::common::pair::Side;
use crate::common::report::{all, scopes, text};
use crate::common::windows_bench::all_in_scopes;
use crate::common::windows_expected::changes;
use crate::lab::{AUTO, DIRECT, Lab, NATIVE, REPLICATION, names, other};

#[test]
fn direct_from_the_first() {
    there_and_back(DIRECT, Side::A);
}

#[test]
fn direct_from_the_second() {
    there_and_back(DIRECT, Side::B);
}

#[test]
fn native_from_the_first() {
    there_and_back(NATIVE, Side::A);
}

#[test]
fn native_from_the_second() {
    there_and_back(NATIVE, Side::B);
}

/// One for each change; what is created brings its own options and ranges along.
fn most_calls(planned: &Value, wanted: &Value) -> usize {
    let of = |list: &str, key: &str, name: &str| {
        wanted[list].as_array().into_iter().flatten().filter(|row| row[key] == name).count()
    };
    let parts = |change: &Value| {
        let name = text(&change["key"], "name");
        match (text(change, "change"), text(&change["key"], "kind")) {
            ("create", "policy") => of("policy_ranges", "Name", name) + of("options", "PolicyName", name),
            ("create", "reservation") => {
                let reserved = wanted["reservations"].as_array().into_iter().flatten();
                let options = |row: &Value| row["options"].as_array().map_or(0, Vec::len);
                reserved.filter(|row| row["IPAddress"] == name).map(options).sum()
            }
            _ => 0,
        }
    };
    planned["changes"].as_array().expect("changes").iter().map(|change| 1 + parts(change)).sum()
}

/// What drifts is found, shown, replicated by few calls, read back as equal, and undone.
fn there_and_back(writer: &str, source: Side) {
    let Some(lab) = Lab::up(all_in_scopes()) else { return };
    lab.restore(writer);
    let (pair, target) = (&lab.bench.pair, other(source));
    let name = &pair.server(source).name;
    // what if: the whole plan, and nothing happens
    let marks = Side::BOTH.map(|side| lab.mark(side));
    let plan = lab.bench.run(&format!("replicate --computer-name {name} --what-if --json")).expect_code(0).json();
    let planned = scopes(&plan);
    for drift in &pair.drift {
        let wanted = changes(drift, source == Side::B).expect("in a table");
        let found = planned.get(drift.scope.as_ref().expect("drift in a scope"));
        assert_eq!(found.map(|scope| shown_changes(scope)).unwrap_or_default(), wanted, "{drift:?}");
    }
    let drifted: BTreeSet<String> = planned.keys().cloned().collect();
    let summary = &plan["summary"];
    assert_eq!((&summary["scopes"], &summary["blocked"]), (&drifted.len().into(), &0.into()), "{plan:#}");
    let relationships = plan["relationships"].as_array().expect("relationships").iter();
    for planned in relationships.filter(|planned| planned["scopes"] != json!([])) {
        let wanted = if writer == NATIVE { "native" } else { "direct" };
        assert!(text(planned, "writer").contains(wanted), "{planned:#}");
    }
    assert!(all(&plan, "findings").iter().any(|found| found["kind"] == "unproven"), "{plan:#}");
    for side in Side::BOTH {
        assert_eq!(names(&lab.writes_since(side, marks[side as usize])), Vec::<String>::new());
    }

    let (run, outcomes) = lab.replicate(source, writer);
    let run = run.expect_code(0);
    let written = outcomes.values().filter(|outcome| *outcome == "replicated").count();
    assert_eq!(written, drifted.len(), "{outcomes:#?}\n{}", run.stderr);
    let calls = Side::BOTH.map(|side| lab.writes_since(side, marks[side as usize]));
    if writer == NATIVE {
        assert_eq!(names(&calls[target as usize]), Vec::<String>::new(), "the source alone writes to the target");
        let told = calls[source as usize].iter().map(|call| {
            assert_eq!((call.name().as_deref(), &call.inputs["Force"]), (Some(REPLICATION), &Value::Bool(true)));
            call.inputs["ScopeId"].clone()
        });
        let one_by_one: BTreeSet<String> = told.map(|ids| ids.to_string()).collect();
        assert_eq!(calls[source as usize].len(), drifted.len(), "one call a scope");
        assert_eq!(one_by_one, drifted.iter().map(|id| json!([id.replace("/24", "")]).to_string()).collect());
    } else {
        assert_eq!(names(&calls[source as usize]), Vec::<String>::new());
        let most: usize = scopes(&plan).iter().map(|(id, scope)| most_calls(scope, &lab.origin(source)[id])).sum();
        let calls = names(&calls[target as usize]);
        assert!(calls.len() <= most, "{} calls instead of {most}: {calls:#?}", calls.len());
    }
    let (again, outcomes) = lab.replicate(source, "again");
    again.expect_code(0);
    assert!(outcomes.values().all(|outcome| outcome == "unchanged"), "{outcomes:?}");
    assert_eq!((outcomes.len(), lab.bench.home.runs()), (lab.origin(source).len(), 1));

    // there is a way back, over the target's own connection, where that may be used
    let mark = lab.mark(source);
    if writer == NATIVE {
        let refused = lab.bench.run("undo latest --force").expect_code(1).stderr;
        assert!(refused.contains("there is no way back") && refused.contains("replication = \"auto\""), "{refused}");
        lab.bench.home.write_config(&pair.config(AUTO));
    }
    let undone = lab.bench.run("undo latest --force --json").expect_code(0);
    let (is, was) = (lab.now(target), lab.origin(target));
    for (id, scope) in &was {
        assert_eq!(is.get(id), Some(scope), "{id} is not as it was\n{}", undone.stderr);
    }
    assert_eq!(names(&lab.writes_since(source, mark)), Vec::<String>::new());
    assert_eq!(lab.now(source), lab.origin(source));
}
