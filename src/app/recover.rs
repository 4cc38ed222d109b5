//! Plans for runs that are over: back to what one overwrote, or on to what an interrupted one
//! had not come to. An interrupted run is told by reading its servers before anything else.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::effect::{News, ToldScope};
use super::work::{asked, plan_undo};
use crate::engine::fleet::Fleet;
use crate::engine::outcome::RunReport;
use crate::engine::plan::Plan;
use crate::engine::port::Control;
use crate::engine::recovery::{Standing, Told};
use crate::engine::survey::Survey;
use crate::engine::undo::Undo;
use crate::engine::{Error, ErrorKind, Result};
use crate::history::{History, RunRecord};
use crate::model::{ScopeId, ServerName};

/// Reads the servers of an interrupted run, and tells how far it came.
///
/// # Errors
/// It is no longer kept, or cannot be read.
pub async fn tell(history: Arc<History>, fleet: &Fleet, run: &str, ctl: &Control) -> Result<News> {
    let record = kept(&history, run).await?;
    let told = told(&history, &record, fleet, ctl).await?;
    let of_part = |part: &crate::engine::recovery::ToldRelationship| {
        let (target, relationship) = (part.target.clone(), part.name.clone());
        let scopes = part.scopes.iter().map(move |scope| {
            let mut words = format!("{}, {} of {} changes", scope.standing.words(), scope.changes_done, {
                scope.changes_done + scope.changes_left
            });
            words.extend(scope.later.iter().map(|later| format!(", written since by run {later}")));
            ToldScope {
                id: scope.id,
                target: target.clone(),
                relationship: relationship.clone(),
                is_done: scope.standing == Standing::Done,
                words,
                message: scope.message.clone(),
            }
        });
        scopes.collect::<Vec<_>>()
    };
    let service = told.relationships.iter().flat_map(|part| part.service.clone()).collect();
    Ok(News::Told(told.run.clone(), told.relationships.iter().flat_map(of_part).collect(), service))
}

/// Plans back to what a run overwrote: in all of its scopes, or in this one.
pub async fn undo(
    history: Arc<History>,
    fleet: &Fleet,
    survey: &Survey,
    run: &str,
    scope: Option<(ServerName, ScopeId)>,
    ctl: &Control,
) -> News {
    let undo = match back(&history, fleet, run, ctl).await {
        Ok(undo) => undo,
        Err(error) => return News::NotPlanned(error),
    };
    let undo = match scope {
        Some(scope) => undo.only(&BTreeSet::from([scope])),
        None => undo,
    };
    plan_undo(fleet, survey, run, undo, &*history, ctl).await
}

/// Plans what an interrupted run had not come to.
pub async fn finish(history: Arc<History>, fleet: &Fleet, run: &str, ctl: &Control) -> News {
    rest(&history, fleet, run, ctl).await.unwrap_or_else(News::NotPlanned)
}

/// Settles the interrupted run that this plan was made for, once all of the plan is written.
pub async fn settle(history: Arc<History>, plan: Arc<Plan>, report: Arc<RunReport>) {
    let settled = blocking(move || history.settle_for(&plan, &report, &history.who().person())).await;
    if let Err(error) = settled {
        tracing::warn!(%error, "an interrupted run that is brought in order still waits");
    }
}

async fn rest(history: &Arc<History>, fleet: &Fleet, run: &str, ctl: &Control) -> Result<News> {
    let record = kept(history, run).await?;
    let told = told(history, &record, fleet, ctl).await?;
    let survey = fleet.survey(ctl).await;
    let (store, kind) = (Arc::clone(history), told.kind.clone());
    let undone = blocking(move || store.undone(&kind)).await?;
    let mut plan = told.finish_plan(undone, fleet, &survey, BTreeSet::new(), ctl).await?;
    plan.asked = asked([format!("finish {run}")]);
    let readings = survey.servers.iter().filter_map(|server| Some((server.name.clone(), server.outcome.clone()?)));
    Ok(News::Planned(Arc::new(plan.kept_by(&**history)), readings.collect()))
}

async fn back(history: &Arc<History>, fleet: &Fleet, run: &str, ctl: &Control) -> Result<Undo> {
    let record = kept(history, run).await?;
    if record.ended.is_none() && record.settled.is_none() {
        return told(history, &record, fleet, ctl).await?.undo();
    }
    let store = Arc::clone(history);
    let past = blocking(move || store.past_with_dropped(&record)).await?;
    Undo::new(run, past, &[])
}

async fn told(history: &Arc<History>, record: &RunRecord, fleet: &Fleet, ctl: &Control) -> Result<Told> {
    let (store, record) = (Arc::clone(history), record.clone());
    let interrupted = blocking(move || store.interrupted_run(&record)).await?;
    Ok(interrupted.tell(fleet, &**history, ctl).await)
}

async fn kept(history: &Arc<History>, run: &str) -> Result<RunRecord> {
    let (history, run) = (Arc::clone(history), run.to_owned());
    blocking(move || history.run(&run)).await
}

/// The disk may take its time.
async fn blocking<T: Send + 'static>(ask: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let asked = tokio::task::spawn_blocking(ask).await;
    asked.unwrap_or_else(|error| Err(Error::new(ErrorKind::Local, error.to_string())))
}
