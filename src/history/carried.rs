//! What a write has changed of what was planned, by what reading back showed.

use serde_json::{Value, json};

use super::Snapshot;

/// The changes of a scope by what became of them, each as in `scopesync.plan/1`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carried {
    /// Planned, and not left: made, where anything was.
    pub made: Vec<Value>,
    /// Planned, and the target is in this as it was before.
    pub left: Vec<Value>,
    /// What the target had before and lacks now, though it was to stay.
    pub lost: Vec<Value>,
    /// What differs now, though it was not planned: from the target as it is to what it should be.
    pub besides: Vec<Value>,
    /// The writer was not known to carry any of what is left.
    pub uncarried: bool,
}

impl Snapshot {
    /// The planned changes and what else became of the scope. Of a record without what was left, all of
    /// them count as made.
    pub fn carried(&self) -> Carried {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let record = self.end.as_ref().map(|end| &end.record);
        let mut residual = record.map(|record| list(&record["residual"])).unwrap_or_default();
        let uncarried = record.is_some_and(|record| record["uncarried"] == true);
        let mut carried = Carried { uncarried, ..Carried::default() };
        let planned = list(&self.changes);
        for change in &planned {
            match residual.iter().position(|rest| rest["key"] == change["key"]).map(|at| residual.swap_remove(at)) {
                None => carried.made.push(change.clone()),
                Some(rest) => carried.part(change, rest),
            }
        }
        let owners: Vec<String> = planned.iter().filter(|change| change["change"] != "update").map(as_owner).collect();
        for rest in residual {
            let is_planned = rest["key"]["owner"].as_str().is_some_and(|owner| owners.iter().any(|one| one == owner));
            match (is_planned, rest["change"] == "create") {
                (true, _) => carried.left.push(rest),
                (false, true) => carried.lost.push(rest),
                (false, false) => carried.besides.push(rest),
            }
        }
        carried
    }
}

impl Carried {
    /// A planned change of which `rest` still is to be done.
    fn part(&mut self, planned: &Value, rest: Value) {
        match (planned["change"].as_str(), rest["change"].as_str()) {
            (Some("update"), Some("update")) => {
                let names: Vec<&Value> =
                    rest["fields"].as_array().into_iter().flatten().map(|field| &field["field"]).collect();
                let fields = planned["fields"].as_array().cloned().unwrap_or_default();
                let (left, made): (Vec<Value>, Vec<Value>) =
                    fields.into_iter().partition(|field| names.contains(&&field["field"]));
                for (list, fields) in [(&mut self.made, made), (&mut self.left, left)] {
                    if !fields.is_empty() {
                        let mut part = planned.clone();
                        part["fields"] = json!(fields);
                        list.push(part);
                    }
                }
            }
            (Some("update"), Some("create")) => self.lost.push(planned.clone()),
            (Some("create"), Some("update")) => {
                self.made.push(planned.clone());
                self.besides.push(rest);
            }
            _ => self.left.push(planned.clone()),
        }
    }
}

/// An item of the scope by the name under which other items belong to it.
fn as_owner(change: &Value) -> String {
    let word = |name: &str| change["key"][name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", word("kind"), word("name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(word: &str, name: &str, fields: &[&str]) -> Value {
        let fields: Vec<Value> = fields.iter().map(|field| json!({ "field": field })).collect();
        json!({ "key": { "owner": "scope", "kind": "policy", "name": name }, "change": word, "fields": fields })
    }

    #[test]
    fn what_was_left_or_lost_does_not_count_as_made() {
        let planned = [
            change("update", "settings", &["name", "state"]),
            change("delete", "stays", &["rank"]),
            change("delete", "gone", &[]),
            change("update", "recreated", &["rank"]),
        ];
        let residual = [
            change("update", "settings", &["state"]),
            planned[1].clone(),
            change("create", "recreated", &["rank"]),
            change("create", "Phones", &[]),
            change("delete", "stranger", &[]),
        ];
        let carried = Snapshot::sample(&planned, json!({ "residual": residual, "uncarried": true })).carried();
        assert_eq!(carried.made, [change("update", "settings", &["name"]), planned[2].clone()]);
        assert_eq!(carried.left, [change("update", "settings", &["state"]), planned[1].clone()]);
        assert_eq!(carried.lost, [planned[3].clone(), residual[3].clone()]);
        assert_eq!(carried.besides, [residual[4].clone()]);
        assert!(carried.uncarried);
    }

    #[test]
    fn a_record_that_does_not_tell_what_was_left_leaves_everything_made() {
        let planned = [change("delete", "gone", &[])];
        let carried = Snapshot::sample(&planned, json!({ "outcome": "replicated" })).carried();
        assert_eq!(carried, Carried { made: planned.to_vec(), ..Carried::default() });
    }
}
