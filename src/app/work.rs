//! What stands behind an effect: questions to the engine, without a screen and without jobs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::compared::Compared;
use super::drift::whole::Whole;
use super::effect::{Effect, News, ReadOutcome, Texts};
use crate::engine::fleet::Fleet;
use crate::engine::plan::{LeftOut, Plan};
use crate::engine::port::{Control, Journal, Reading};
use crate::engine::recovery;
use crate::engine::reset::{self, ResetPlan};
use crate::engine::run;
use crate::engine::select::{Pick, Picked};
use crate::engine::survey::{Relationship, Survey};
use crate::engine::undo::Undo;
use crate::engine::{Error, ErrorKind};
use crate::model::{Foreign, ScopeId, ServerName};

/// A reading younger than this is not repeated for a plan if the server's mark says that
/// nothing moved. Older ones are: states of relationships have no mark.
const FRESH: Duration = Duration::from_secs(20);

/// Does the work behind an effect, and says what came of it; `tell` hears what is known before
/// that, of which only the newest matters. Needs a tokio runtime.
///
/// # Errors
/// In words: the work failed for a reason of its own, or is none that can be done here.
pub async fn work(
    effect: Effect,
    fleet: Arc<Fleet>,
    journal: &dyn Journal,
    tell: &(dyn Fn(News) + Send + Sync),
    ctl: Control,
) -> Result<News, String> {
    match effect {
        Effect::Read(_, server) => {
            let part = |reading| tell(News::Part(server.clone(), reading));
            let outcome = fleet.read_in_parts(&server, &part, &ctl).await;
            Ok(News::Read(server, outcome))
        }
        Effect::Watch(_, server, reading, thoroughly) => {
            let (outcome, took) = moved(&fleet, &server, reading, thoroughly, &ctl).await;
            Ok(News::Watched(server, outcome, took))
        }
        Effect::Utilisation(_, server) => Ok(utilisation(&fleet, server, &ctl).await),
        Effect::Compare(_, survey, at, source) => {
            let compared = blocking(move || {
                let began = Instant::now();
                let relationship = survey.relationships.get(at)?;
                let compared = Compared::new(&survey, relationship, source, &fleet.ignore);
                Some(Compared { took: began.elapsed(), ..compared })
            });
            let compared = compared.await?.ok_or("the relationship is gone")?;
            Ok(News::Compared(Arc::new(compared)))
        }
        Effect::Open(_, survey, at, source, id) => {
            let left = blocking(move || open(&survey, at, source, id).map(|whole| whole.left(&fleet.ignore)));
            Ok(News::Opened(left.await??.into()))
        }
        Effect::Texts(_, survey, at, source, id) => {
            let texts = blocking(move || texts(&survey, at, source, id));
            Ok(News::Texts(Arc::new(texts.await??)))
        }
        Effect::Plan(_, survey, picks) => {
            let wanted = Wanted { picks: &picks, left_out: &LeftOut::new(), fresh_for: FRESH };
            Ok(plan(&fleet, &survey, wanted, journal, &ctl).await)
        }
        Effect::Retry(_, survey, picks, left_out) => {
            // what became of a write is read back, however young an older reading is
            let wanted = Wanted { picks: &picks, left_out: &left_out, fresh_for: Duration::ZERO };
            Ok(plan(&fleet, &survey, wanted, journal, &ctl).await)
        }
        Effect::Override(_, plan, overrides) => {
            let plan = blocking(move || Arc::unwrap_or_clone(plan).with_overrides(overrides)).await?;
            Ok(News::Planned(Arc::new(plan), Vec::new()))
        }
        Effect::LeaveOut(_, plan, left_out) => {
            let made = plan.leaving_out(&fleet, &left_out, &ctl).await;
            // an undo and the rest of a run are not told of interrupted runs, here as before
            let is_ordinary = plan.undoes().is_none() && plan.settles.is_none();
            let made = if is_ordinary { recovery::note(made, journal) } else { made };
            Ok(News::Planned(Arc::new(made.kept_by(journal)), Vec::new()))
        }
        Effect::SavePlan(_, plan, to) => blocking(move || to.write(&plan)).await?.map(News::PlanSaved),
        Effect::Export(_, export) => blocking(move || export.write()).await?.map(News::Exported),
        Effect::PlanReset(_, survey, name) => Ok(plan_reset(&fleet, &survey, &name, journal, &ctl).await),
        Effect::Reset(_, plan, approved) => {
            Ok(News::ResetEnded(Arc::new(reset::run(&fleet, &plan, &approved, journal, &ctl).await)))
        }
        Effect::Run(_, plan, approved) => {
            Ok(News::RunEnded(Arc::new(run::run(&fleet, &plan, approved, journal, &ctl).await)))
        }
        _ => Err("nothing that is done in the background".into()),
    }
}

/// What takes its time in computing must not hold up what waits for servers.
async fn blocking<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(compute).await.map_err(|error| error.to_string())
}

fn open(survey: &Survey, at: usize, source: usize, id: ScopeId) -> Result<Whole, String> {
    let relationship = survey.relationships.get(at).ok_or("the relationship is gone")?;
    Whole::open(survey, relationship, source, id)
}

fn texts(survey: &Survey, at: usize, source: usize, id: ScopeId) -> Result<Texts, String> {
    let whole = open(survey, at, source, id)?;
    let relationship = survey.relationships.get(at).ok_or("the relationship is gone")?;
    let name = |member: usize| format!("{} {id}", relationship.members[member].shown());
    Ok(Texts { names: [name(source), name(1 - source)], texts: whole.texts() })
}

/// What a server says now; `None` where that is what it said before. The mark tells of its
/// configuration, and its health of what has no mark. With it how long the server was busy with
/// what it is asked each time, not with being read.
async fn moved(
    fleet: &Fleet,
    server: &ServerName,
    reading: Option<Arc<Reading>>,
    thoroughly: bool,
    ctl: &Control,
) -> (Option<ReadOutcome>, Duration) {
    let began = Instant::now();
    let known = reading.filter(|reading| reading.is_whole());
    let (Some(found), Some(old)) = (fleet.server(server), known) else {
        return (Some(fleet.read(server, ctl).await), Duration::ZERO);
    };
    let is_as_it_was = match &old.pulse {
        None => !thoroughly,
        Some(mark) => match found.pulse(ctl).await {
            Ok(now) => now.as_ref() == Some(mark),
            // it was waited for as long as it may be: not once more
            Err(error) if matches!(error.kind, ErrorKind::TimedOut | ErrorKind::Unreachable) => {
                return (Some(Err(error)), Duration::ZERO);
            }
            Err(_) => false,
        },
    };
    let took = began.elapsed();
    if !is_as_it_was {
        return (Some(fleet.read(server, ctl).await), took);
    }
    match found.health(ctl).await {
        Ok(health) if health.memberships == old.health.memberships && health.ailment == old.health.ailment => {
            (None, began.elapsed())
        }
        // the scopes are what they were: only the states are new
        Ok(health) => (Some(Ok(Arc::new(Reading { health, ..Reading::clone(&old) }))), began.elapsed()),
        Err(error) => (Some(Err(error)), Duration::ZERO),
    }
}

/// Asks a server how many addresses are in use; that it does not tell is no failure.
async fn utilisation(fleet: &Fleet, server: ServerName, ctl: &Control) -> News {
    let used = match fleet.server(&server) {
        Some(found) => found.utilisation(ctl).await,
        None => Ok(None),
    };
    let used = used.unwrap_or_else(|error| {
        tracing::info!("no utilisation: {error}");
        None
    });
    News::Utilisation(server, used)
}

/// What a plan is to be made of.
struct Wanted<'a> {
    picks: &'a [Pick],
    left_out: &'a LeftOut,
    /// Readings as young as this are good enough.
    fresh_for: Duration,
}

/// Reads again what may have moved, so that the preview shows both servers as they are now.
async fn plan(fleet: &Fleet, survey: &Survey, wanted: Wanted<'_>, journal: &dyn Journal, ctl: &Control) -> News {
    let Wanted { picks, left_out, fresh_for } = wanted;
    let servers: BTreeSet<&ServerName> = picks.iter().flat_map(|pick| [&pick.source, &pick.target]).collect();
    let readings = join_all(servers.into_iter().map(|server| fresh(fleet, survey, server, fresh_for, ctl))).await;
    let readings: Vec<(ServerName, ReadOutcome)> = readings.into_iter().flatten().collect();
    let survey = again(fleet, survey, &readings);
    let picked: Result<Vec<Picked>, Error> = picks.iter().map(|pick| find(&survey, pick, &readings)).collect();
    match picked {
        Ok(picked) => {
            let plan = Plan::make_without(fleet, Arc::new(survey), picked, BTreeSet::new(), left_out, ctl).await;
            let mut plan = recovery::note(plan, journal).kept_by(journal);
            plan.asked = asked(picks.iter().map(words));
            News::Planned(Arc::new(plan), readings)
        }
        Err(error) => News::NotPlanned(error),
    }
}

/// What was asked for on the screen, for the history.
pub(super) fn asked(words: impl IntoIterator<Item = String>) -> serde_json::Value {
    serde_json::json!({ "screen": words.into_iter().collect::<Vec<_>>().join("; ") })
}

fn words(pick: &Pick) -> String {
    let scopes: Option<Vec<String>> = pick.scopes.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect());
    let what = scopes.map_or_else(|| "all scopes".to_owned(), |scopes| scopes.join(", "));
    format!("replicate {what} of {} from {} to {}", pick.name, pick.source, pick.target)
}

/// Plans back to what a run overwrote, on what its servers say now.
pub async fn plan_undo(
    fleet: &Fleet,
    survey: &Survey,
    run: &str,
    undo: Undo,
    journal: &dyn Journal,
    ctl: &Control,
) -> News {
    let mut servers = undo.targets();
    for relationship in &survey.relationships {
        // What the undo makes of the pair is told from the partner as it is now.
        if servers.iter().any(|server| relationship.member_index(server).is_some()) {
            servers.extend(relationship.members.iter().filter_map(|member| member.server().cloned()));
        }
    }
    let readings = join_all(servers.iter().map(|server| fresh(fleet, survey, server, FRESH, ctl))).await;
    let readings: Vec<(ServerName, ReadOutcome)> = readings.into_iter().flatten().collect();
    let survey = again(fleet, survey, &readings);
    let mut plan = undo.plan(fleet, &survey, BTreeSet::new(), ctl).await.kept_by(journal);
    plan.asked = asked([format!("undo {run}")]);
    News::Planned(Arc::new(plan), readings)
}

/// Plans on what both servers say now: their states have no mark by which an older reading
/// could be as good.
async fn plan_reset(fleet: &Fleet, survey: &Survey, name: &Foreign, journal: &dyn Journal, ctl: &Control) -> News {
    let gone = || Error::new(ErrorKind::Moved, format!("{name} is no relationship of these servers any more"));
    let Some(old) = survey.relationships.iter().find(|relationship| relationship.name == *name) else {
        return News::NotPlanned(gone());
    };
    let servers: Vec<&ServerName> = old.members.iter().filter_map(|member| member.server()).collect();
    let readings = join_all(servers.iter().map(|server| fleet.read(server, ctl))).await;
    let readings: Vec<(ServerName, ReadOutcome)> = servers.iter().copied().cloned().zip(readings).collect();
    let survey = again(fleet, survey, &readings);
    let is_same = |found: &&Relationship| servers.iter().all(|server| found.member_index(server).is_some());
    let Some(found) = survey.relationships.iter().find(is_same) else {
        let unread = readings.iter().find_map(|(_, outcome)| outcome.as_ref().err());
        return News::NotPlanned(unread.cloned().unwrap_or_else(gone));
    };
    let mut plan = ResetPlan::make(fleet, &survey, found, BTreeSet::new(), ctl).await.kept_by(journal);
    plan.asked = asked([format!("reset {name}")]);
    News::ResetPlanned(Arc::new(plan), readings)
}

/// What the servers say together, with these readings in place of older ones.
fn again(fleet: &Fleet, survey: &Survey, readings: &[(ServerName, ReadOutcome)]) -> Survey {
    let mut reports = survey.servers.clone();
    for (server, outcome) in readings {
        if let Some(report) = reports.iter_mut().find(|report| report.name == *server) {
            report.take(outcome.clone());
        }
    }
    Survey::new(reports, &fleet.names)
}

/// A new reading of a server; `None` where the one that we have is as good.
async fn fresh(
    fleet: &Fleet,
    survey: &Survey,
    server: &ServerName,
    fresh_for: Duration,
    ctl: &Control,
) -> Option<(ServerName, ReadOutcome)> {
    if let (Some(found), Some(old)) = (fleet.server(server), survey.reading(server))
        && is_younger(old, fresh_for)
        && old.is_whole()
        && let (Some(mark), Ok(Some(now))) = (&old.pulse, found.pulse(ctl).await)
        && *mark == now
    {
        return None;
    }
    Some((server.clone(), fleet.read(server, ctl).await))
}

fn is_younger(reading: &Reading, than: Duration) -> bool {
    let age = jiff::Timestamp::now().duration_since(reading.at);
    Duration::try_from(age).is_ok_and(|age| age < than)
}

/// The relationship that was picked, in what the servers say now.
fn find(survey: &Survey, pick: &Pick, readings: &[(ServerName, ReadOutcome)]) -> Result<Picked, Error> {
    pick.find(survey).ok_or_else(|| {
        let unread = readings.iter().find_map(|(_, outcome)| outcome.as_ref().err());
        unread.cloned().unwrap_or_else(|| {
            Error::new(ErrorKind::Moved, format!("{} is no relationship of these servers any more", pick.name))
                .hint("read all servers again")
        })
    })
}
