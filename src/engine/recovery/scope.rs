//! One scope: what was there, what was to come, and what is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::record::Planned;
use super::{Standing, ToldScope};
use crate::engine::outcome::SavedState;
use crate::engine::port::Reading;
use crate::engine::report::ChangeReport;
use crate::engine::undo::{Left, Past, Words};
use crate::engine::{drift, fingerprint};
use crate::model::{Kind, Scope};

/// Tells one scope by what its target says. `is_kept`: what was not stored was not written.
pub(super) fn told(
    planned: &Planned,
    past: Option<&Past>,
    reading: &std::result::Result<&Reading, String>,
    is_kept: bool,
) -> ToldScope {
    let told = ToldScope {
        id: planned.id,
        standing: Standing::Unknown,
        begun: past.is_some(),
        changes_done: 0,
        changes_left: planned.changes.len(),
        message: None,
        later: past.and_then(|past| past.later.clone()),
        saved: SavedState::NotApplicable,
        found: None,
        is_read: false,
        may_go_on: false,
    };
    let now = reading.clone().and_then(|reading| Ok((reading, opened(planned, reading)?)));
    let (reading, now) = match now {
        Ok(now) => now,
        Err(reason) => return ToldScope { message: Some(reason), ..told },
    };
    let told = ToldScope { is_read: true, ..told };
    let fingerprint = now.as_ref().map(|scope| fingerprint::of(scope, &reading.context));
    let found = || Some(left(now.as_ref(), fingerprint.as_ref()));
    if fingerprint == planned.expect.target {
        let message = past.is_none().then(|| "the run had not come to it".to_owned());
        return ToldScope { standing: Standing::NotDone, message, found: found(), ..told };
    }
    let Some(past) = past else {
        let (standing, text) = match is_kept {
            true => (Standing::NotDone, "the run had not come to it; it has changed since the run's plan was made"),
            false => (Standing::Unknown, "it has changed, and no snapshot was kept that would tell by whom"),
        };
        return ToldScope { standing, message: Some(text.to_owned()), ..told };
    };
    let revive = |words: &Words| reading.levels.revive(words.network.as_ref(), &words.native);
    let before = match past.before.as_ref().map(revive).transpose() {
        Ok(before) => before,
        Err(reason) => {
            let text = format!("what was stored of it could not be understood: {reason}");
            return ToldScope { message: Some(text), ..told };
        }
    };
    let progress = match (&before, &now) {
        (Some(_), None) => return without_scope(planned, told, found()),
        (Some(before), Some(now)) => Progress::of(planned, &drift::compare(now, before)),
        (None, Some(now)) => Progress::of(planned, &drift::create_all(now, &reading.levels.parents(now.network()))),
        // its fingerprint was that of a scope that is not there either
        (None, None) => Progress::default(),
    };
    let found = if progress.others == 0 { found() } else { None };
    progress.told(ToldScope { found, ..told })
}

/// The scope as it is; `None` where the target has none.
fn opened(planned: &Planned, reading: &Reading) -> std::result::Result<Option<Scope>, String> {
    if let Some(entry) = reading.scopes.get(&planned.id) {
        return entry.open().map(Some).map_err(|reason| reason.to_string());
    }
    match reading.unreadable.iter().find(|(id, _)| id.is_none_or(|id| id == planned.id)) {
        Some((_, reason)) => Err(reason.to_string()),
        None => Ok(None),
    }
}

fn left(now: Option<&Scope>, fingerprint: Option<&String>) -> Left {
    match now.zip(fingerprint) {
        None => Left::Missing,
        Some((scope, fingerprint)) => Left::There {
            words: Words { network: scope.network().cloned(), native: scope.native.clone() },
            fingerprint: fingerprint.clone(),
        },
    }
}

/// It was there before and is not there now.
fn without_scope(planned: &Planned, told: ToldScope, found: Option<Left>) -> ToldScope {
    if planned.deletes() {
        let all = planned.changes.len();
        return ToldScope { standing: Standing::Done, changes_done: all, changes_left: 0, found, ..told };
    }
    let text = "the target LACKS this scope now, and had it before the run";
    ToldScope { standing: Standing::Partial, message: Some(text.to_owned()), found, ..told }
}

/// How far the changes of a scope have come.
#[derive(Debug, Default)]
struct Progress {
    done: usize,
    left: usize,
    /// Planned items that are neither as they were nor as they shall be, what a scope or an item that
    /// is put in anew has not got back yet, and places in an order that these have left: steps on the way.
    between: usize,
    /// Items that the plan has nothing to do with and that are not as they were.
    others: usize,
}

impl Progress {
    /// `since`: what has changed since the run stored the scope.
    fn of(planned: &Planned, since: &[crate::model::Change]) -> Self {
        let since = since.iter().filter_map(|change| serde_json::to_value(ChangeReport::new(change)).ok());
        let mut since: BTreeMap<String, Value> = since.map(|change| (key(&change), change)).collect();
        let mut progress = Progress::default();
        for wanted in &planned.changes {
            match since.remove(&key(wanted)) {
                Some(made) if is_same(wanted, &made) => progress.done += 1,
                made => {
                    progress.left += 1;
                    progress.between += usize::from(made.is_some());
                }
            }
        }
        // a scope gets another number by being taken out and put in again piece by piece
        let anew = planned.changes.iter().any(|change| change["key"]["name"] == "id" && change["change"] == "update");
        let owners: BTreeSet<String> = planned.changes.iter().filter_map(|change| as_owner(&change["key"])).collect();
        let moves_policies = planned.changes.iter().any(|change| change["key"]["kind"] == Kind::Policy.word());
        for change in since.values() {
            let is_missing = change["change"] == "delete"
                && (anew || change["key"]["owner"].as_str().is_some_and(|owner| owners.contains(owner)));
            match is_missing || moves_policies && is_another_rank(change) {
                true => progress.between += 1,
                false => progress.others += 1,
            }
        }
        progress
    }

    fn told(self, told: ToldScope) -> ToldScope {
        let Progress { done, left, between, others } = self;
        let standing = match (left, done + between) {
            (0, _) if between == 0 => Standing::Done,
            (_, 0) if others > 0 => Standing::Unknown,
            (_, 0) => Standing::NotDone,
            _ => Standing::Partial,
        };
        let message = match (standing, others) {
            (_, 0) => None,
            (Standing::Unknown, n) => {
                Some(format!("nothing of the plan is there, and {} in another way than planned", differ(n)))
            }
            (_, n) => Some(format!("besides, {} that the run had nothing to do with", differ(n))),
        };
        ToldScope { standing, changes_done: done, changes_left: left, message, ..told }
    }
}

fn differ(items: usize) -> String {
    match items {
        1 => "1 item has changed".to_owned(),
        n => format!("{n} items have changed"),
    }
}

fn key(change: &Value) -> String {
    change["key"].to_string()
}

/// An item of the scope by the name under which other items belong to it.
fn as_owner(key: &Value) -> Option<String> {
    let (kind, name) = key["kind"].as_str().zip(key["name"].as_str())?;
    (key["owner"] == "scope").then(|| format!("{kind} {name}"))
}

/// Whether it is a policy that has another place among all of them, and nothing else.
fn is_another_rank(change: &Value) -> bool {
    let fields = change["fields"].as_array().map_or(&[][..], Vec::as_slice);
    change["change"] == "update"
        && change["key"]["kind"] == Kind::Policy.word()
        && !fields.is_empty()
        && fields.iter().all(|field| field["field"] == "rank")
}

/// Whether what was made is what was wanted: the same fields with the source's values.
fn is_same(wanted: &Value, made: &Value) -> bool {
    let fields = |change: &Value| -> BTreeMap<String, Value> {
        let fields = change["fields"].as_array().into_iter().flatten();
        fields.map(|field| (field["field"].to_string(), field["source"].clone())).collect()
    };
    wanted["change"] == made["change"] && fields(wanted) == fields(made)
}
