//! What stands behind the effects of the history view: from the store to values for the screen.
//! Blocks while the disk is read.

mod jobs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::effect::{Effect, News};
use super::filter::Filter;
use super::history::{Before, Fate, PAGE, Page, PastChange, PastRun, PastScope, RunDetail};
use super::unsaved;
use crate::engine::Result;
use crate::engine::outcome::SavedState;
use crate::engine::port::ServerRole;
use crate::history::{Carried, History, RunFilter, RunRecord, Settlement, Snapshot};
use crate::model::{Foreign, ScopeId, ServerName};
use crate::show::ScopeNames;

pub use jobs::JobsOver;

/// A filter looks at so many runs before it tells what it has found.
const LOOKED_AT: usize = 10_000;

/// Does the work behind an effect of the history view. `over` is of the same history.
///
/// # Errors
/// In words: the store cannot be read, or the effect is none of the history's.
pub fn recall(
    effect: Effect,
    history: &History,
    over: &JobsOver,
    zone: &TimeZone,
) -> std::result::Result<News, String> {
    let news = match effect {
        Effect::Runs(_, before, filter) => page(history, before, &filter, zone).map(News::Runs),
        Effect::Interrupted(_) => interrupted(history).map(News::Interrupted),
        Effect::Jobs(_) => over.list(history).map(News::Jobs),
        Effect::CancelJob(_, job) => history.cancel_job(job).and_then(|_| over.list(history)).map(News::Jobs),
        Effect::LeaveRun(_, run) => history
            .settle(&run, Settlement::Left, &history.who().person(), None)
            .and_then(|()| interrupted(history))
            .map(News::Interrupted),
        Effect::Unsaved(_, servers) => Ok(News::Unsaved(unsaved::of(servers, history))),
        Effect::OpenRun(_, run) => detail(history, &run).map(|detail| News::RunOpened(Arc::new(detail))),
        _ => return Err("nothing that the history knows".into()),
    };
    news.map_err(|error| match &error.hint {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

fn page(history: &History, before: Option<i64>, filter: &str, zone: &TimeZone) -> Result<Page> {
    let filter = Filter::past_runs(filter);
    let chunk = if filter.terms.is_empty() { PAGE } else { PAGE * 10 };
    let dead = dead(history)?;
    let mut page = Page { next: before, ..Page::default() };
    let mut looked_at = 0;
    loop {
        let records = history.runs(&RunFilter { before: page.next, limit: chunk, ..RunFilter::default() })?;
        looked_at += records.len();
        page.next = records.last().map(|last| last.seq).filter(|_| records.len() == chunk);
        let jobs = history.jobs_of(&records.iter().map(|record| record.id.as_str()).collect::<Vec<_>>())?;
        for record in &records {
            let run = past_run(record, &dead, &jobs);
            if filter.past_run(&run, zone) {
                page.runs.push(run);
            }
        }
        if page.next.is_none() || page.runs.len() >= PAGE || looked_at >= LOOKED_AT {
            return Ok(page);
        }
    }
}

fn interrupted(history: &History) -> Result<Vec<PastRun>> {
    let records = history.interrupted()?;
    let dead = records.iter().map(|record| record.id.clone()).collect();
    Ok(records.iter().map(|record| past_run(record, &dead, &BTreeMap::new())).collect())
}

fn dead(history: &History) -> Result<BTreeSet<String>> {
    Ok(history.interrupted()?.into_iter().map(|record| record.id).collect())
}

fn past_run(record: &RunRecord, dead: &BTreeSet<String>, jobs: &BTreeMap<String, i64>) -> PastRun {
    let of_role = |roles: &[ServerRole]| -> Vec<String> {
        let servers = record.servers.iter().filter(|server| roles.contains(&server.role));
        servers.map(|server| Foreign::cleaned(server.name.as_str())).collect()
    };
    let counts = record.summary.iter().filter(|(word, count)| *word != "scopes" && **count > 0);
    PastRun {
        seq: record.seq,
        id: Foreign::cleaned(&record.id),
        kind: record.kind.clone(),
        fate: match record.ended {
            Some(_) => Fate::Ended,
            None if record.settled.is_some() => Fate::Settled,
            None if dead.contains(&record.id) => Fate::Interrupted,
            None => Fate::UnderWay,
        },
        started: record.started,
        ended: record.ended,
        who: record.who.person(),
        host: record.who.host.to_string(),
        from: record.who.from.as_ref().map(ToString::to_string),
        process: record.who.process,
        version: record.who.version.to_string(),
        overrides: record.overrides.iter().map(|name| Foreign::cleaned(name)).collect(),
        sources: of_role(&[ServerRole::Source]),
        targets: of_role(&[ServerRole::Target, ServerRole::Member]),
        counts: counts.map(|(word, count)| (Foreign::cleaned(word), *count)).collect(),
        undone_by: record.undone_by.clone(),
        settled: record.settled.as_ref().map(|settled| {
            let through =
                settled.run.as_ref().map(|run| format!(" by run {}", Foreign::cleaned(run))).unwrap_or_default();
            format!("{}{through}, {}", settled.how.words(), Foreign::cleaned(&settled.by))
        }),
        job: jobs.get(&record.id).copied(),
    }
}

/// A run's report, as far as it is shown.
#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct Relationship {
    name: Foreign,
    target: Foreign,
    #[serde(default)]
    scopes: Vec<Line>,
    #[serde(default)]
    remarks: Vec<Foreign>,
}

#[derive(Deserialize)]
struct Line {
    scope_id: String,
    prefix_length: u8,
    outcome: Foreign,
    saved: Option<SavedState>,
    message: Option<Foreign>,
}

fn detail(history: &History, run: &str) -> Result<RunDetail> {
    let record = history.run(run)?;
    let documents = history.documents(&record)?;
    let snapshots = history.snapshots(&record, None)?;
    let report: Option<Report> = documents.report.and_then(|report| serde_json::from_value(report).ok());
    let mut scopes: BTreeMap<(ServerName, ScopeId), PastScope> = BTreeMap::new();
    for snapshot in snapshots {
        scopes.insert((snapshot.target.clone(), snapshot.scope), kept(snapshot));
    }
    let mut remarks = Vec::new();
    for relationship in report.into_iter().flat_map(|report| report.relationships) {
        remarks.extend(relationship.remarks.iter().map(ToString::to_string));
        let target = ServerName::from(relationship.target.raw());
        for line in relationship.scopes {
            let Ok(id) = format!("{}/{}", line.scope_id, line.prefix_length).parse::<ScopeId>() else { continue };
            let told = scopes.entry((target.clone(), id)).or_insert_with(|| PastScope {
                id,
                name: String::new(),
                target: target.clone(),
                relationship: relationship.name.clone(),
                outcome: None,
                told: None,
                saved: None,
                message: None,
                kept: None,
            });
            told.outcome = Some(line.outcome.to_string());
            told.saved = line.saved;
            told.message = line.message.map(|message| message.to_string());
        }
    }
    let names = ScopeNames::of_ids(scopes.keys().map(|(_, id)| *id));
    let mut scopes: Vec<PastScope> = scopes.into_values().collect();
    scopes.iter_mut().for_each(|scope| scope.name = names.name(scope.id));
    Ok(RunDetail { remarks, scopes })
}

/// A scope as far as its snapshot knows it.
fn kept(snapshot: Snapshot) -> PastScope {
    let Carried { made, left, lost, uncarried, .. } = snapshot.carried();
    let [changes, left, lost] = [made, left, lost].map(|changes| {
        serde_json::from_value::<Vec<PastChange>>(changes.into()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the changes of a snapshot cannot be shown");
            Vec::new()
        })
    });
    let end = snapshot.end.as_ref();
    let message = end.and_then(|end| end.record.get("message")?.as_str().map(Foreign::cleaned));
    PastScope {
        id: snapshot.scope,
        name: String::new(),
        target: snapshot.target,
        relationship: snapshot.relationship,
        outcome: end.map(|end| Foreign::cleaned(&end.outcome)),
        told: None,
        saved: None,
        message,
        kept: Some(Before {
            existed: snapshot.before.target.is_some(),
            gone: end.is_some_and(|end| end.was_read && end.fingerprint.is_none()),
            changes,
            left,
            lost,
            uncarried,
        }),
    }
}
