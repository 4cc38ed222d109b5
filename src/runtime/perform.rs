//! Effects become jobs; what jobs say becomes news.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::app::compared::Compared;
use crate::app::effect::{Effect, News, Pick, ReadOutcome, Ticket};
use crate::backend::connect;
use crate::engine::fleet::Fleet;
use crate::engine::plan::Plan;
use crate::engine::port::Reading;
use crate::engine::progress::{Control, Progress};
use crate::engine::run;
use crate::engine::select::Picked;
use crate::engine::survey::Survey;
use crate::engine::{Error, ErrorKind};
use crate::jobs::{Ended, Job, JobControl, JobEvent, JobId, Jobs, PROGRESS_INTERVAL};
use crate::model::{Foreign, ServerName};
use crate::state::StateFolder;

use super::journal::FolderJournal;

/// A reading younger than this is not repeated for a plan if the server's mark says that
/// nothing moved. Older ones are: states of relationships have no mark.
const FRESH: Duration = Duration::from_secs(20);

/// Does what the app asks for.
pub(super) struct Hands {
    jobs: Jobs<News>,
    by_ticket: BTreeMap<Ticket, JobId>,
    by_job: BTreeMap<JobId, Ticket>,
    journal: Arc<FolderJournal>,
    state: StateFolder,
    read_only: bool,
}

impl Hands {
    pub(super) fn new(jobs: Jobs<News>, state: StateFolder, read_only: bool, by: &str) -> Self {
        let journal = Arc::new(FolderJournal::new(state.clone(), by));
        Hands { jobs, by_ticket: BTreeMap::new(), by_job: BTreeMap::new(), journal, state, read_only }
    }

    /// The next that is heard; waits for ever while there is none.
    pub(super) async fn next(&mut self) -> Option<(Ticket, News)> {
        let event = self.jobs.next().await;
        self.heard(event)
    }

    /// What is heard already; the inner `None` is news that nobody waits for.
    pub(super) fn ready(&mut self) -> Option<Option<(Ticket, News)>> {
        let event = self.jobs.ready()?;
        Some(self.heard(event))
    }

    /// Stops what may be stopped, and cancels runs one step further.
    pub(super) fn stop(&mut self) {
        self.jobs.stop_all();
    }

    /// Whether a run is under way.
    pub(super) fn must_wait(&self) -> bool {
        self.jobs.must_wait()
    }

    /// Waits until all have ended.
    pub(super) async fn wait(&mut self, patience: Duration) {
        self.jobs.wait_all(patience).await;
    }

    fn heard(&mut self, event: JobEvent<News>) -> Option<(Ticket, News)> {
        match event {
            JobEvent::Event(id, news) => Some((*self.by_job.get(&id)?, news)),
            JobEvent::Finished(id, ended) => {
                let ticket = self.by_job.remove(&id)?;
                self.by_ticket.remove(&ticket);
                Some(match ended {
                    Ended::Done(news) => (ticket, news),
                    // A panic's message may hold what a server sent.
                    Ended::Failed { reason } => (ticket, News::Failed(Foreign::from(reason).to_string())),
                })
            }
        }
    }

    /// Starts the job for an effect; those that are for the screen are not for here.
    pub(super) fn perform(&mut self, effect: Effect, fleet: Option<&Arc<Fleet>>) {
        match (effect, fleet.cloned()) {
            (Effect::Cancel(ticket), _) => {
                self.by_ticket.get(&ticket).and_then(|id| self.jobs.cancel(*id));
            }
            (Effect::Abandon(ticket), _) => {
                if let Some(id) = self.by_ticket.get(&ticket) {
                    self.jobs.abort(*id);
                }
            }
            (Effect::OpenDemo(ticket), _) => self.open_demo(ticket),
            (effect, Some(fleet)) => self.work(effect, fleet),
            (_, None) => {}
        }
    }

    fn work(&mut self, effect: Effect, fleet: Arc<Fleet>) {
        match effect {
            Effect::Read(ticket, server) => {
                let job = Job::droppable(format!("read {server}"));
                self.spawn(ticket, job, move |job| async move {
                    let outcome = fleet.read(&server, &control(&job)).await;
                    Ok::<_, Infallible>(News::Read(server, outcome))
                });
            }
            Effect::Utilisation(ticket, server) => {
                let job = Job::droppable(format!("ask {server} for addresses in use"));
                self.spawn(ticket, job, move |job| utilisation(fleet, server, job));
            }
            Effect::Compare(ticket, survey, at, source) => {
                self.spawn(ticket, Job::droppable("compare"), move |_| compare(fleet, survey, at, source));
            }
            Effect::Plan(ticket, survey, picks) => {
                self.spawn(ticket, Job::droppable("plan"), move |job| plan(fleet, survey, picks, job));
            }
            Effect::Override(ticket, plan, overrides) => {
                self.spawn(ticket, Job::droppable("plan"), move |_| overridden(plan, overrides));
            }
            Effect::Run(ticket, plan, approved) => {
                let journal = Arc::clone(&self.journal);
                self.spawn(ticket, Job::must_finish("replicate"), move |job| async move {
                    let (progress, mut status) = Progress::channel();
                    let ctl = Control { soft: job.soft().clone(), hard: job.hard().clone(), progress };
                    let run = run::run(&fleet, &plan, approved, journal.as_ref(), &ctl);
                    let mut run = std::pin::pin!(run);
                    loop {
                        tokio::select! {
                            report = &mut run => return Ok::<_, Infallible>(News::RunEnded(Arc::new(report))),
                            () = async {
                                // Seldom enough that telling costs the run nothing.
                                tokio::time::sleep(PROGRESS_INTERVAL).await;
                                if status.changed().await.is_err() {
                                    std::future::pending::<()>().await;
                                }
                            } => job.progress(News::Status(status.borrow_and_update().clone())),
                        }
                    }
                });
            }
            Effect::Cancel(_)
            | Effect::Abandon(_)
            | Effect::OpenDemo(_)
            | Effect::Suspend
            | Effect::Repaint
            | Effect::Quit => {}
        }
    }

    fn open_demo(&mut self, ticket: Ticket) {
        let (state, read_only) = (self.state.clone(), self.read_only);
        self.spawn(ticket, Job::droppable("open the demo"), move |_| async move {
            let opened = tokio::task::spawn_blocking(move || {
                let config = crate::demo::config(&state).map_err(|error| error.to_string())?;
                connect::fleet(&config, read_only).map_err(|error| error.to_string())
            });
            match opened.await {
                Ok(fleet) => fleet.map(|fleet| News::Demo(Arc::new(fleet))),
                Err(error) => Err(error.to_string()),
            }
        });
    }

    fn spawn<Work, Future, Failure>(&mut self, ticket: Ticket, job: Job, work: Work)
    where
        Work: FnOnce(JobControl<News>) -> Future + Send + 'static,
        Future: std::future::Future<Output = Result<News, Failure>> + Send + 'static,
        Failure: std::fmt::Display + Send + 'static,
    {
        let id = self.jobs.spawn(job, work);
        self.by_ticket.insert(ticket, id);
        self.by_job.insert(id, ticket);
    }
}

fn control(job: &JobControl<News>) -> Control {
    Control { soft: job.soft().clone(), hard: job.hard().clone(), progress: Progress::nobody() }
}

async fn utilisation(fleet: Arc<Fleet>, server: ServerName, job: JobControl<News>) -> Result<News, Infallible> {
    let used = match fleet.server(&server) {
        Some(found) => found.utilisation(&control(&job)).await,
        None => Ok(None),
    };
    let used = used.unwrap_or_else(|error| {
        tracing::info!("no utilisation: {error}");
        None
    });
    Ok(News::Utilisation(server, used))
}

async fn compare(fleet: Arc<Fleet>, survey: Arc<Survey>, at: usize, source: usize) -> Result<News, String> {
    let compared = tokio::task::spawn_blocking(move || {
        let relationship = survey.relationships.get(at)?;
        Some(Compared::new(&survey, relationship, source, &fleet.ignore))
    });
    match compared.await {
        Ok(Some(compared)) => Ok(News::Compared(Arc::new(compared))),
        Ok(None) => Err("the relationship is gone".into()),
        Err(error) => Err(error.to_string()),
    }
}

async fn overridden(plan: Arc<Plan>, overrides: BTreeSet<String>) -> Result<News, String> {
    let made = tokio::task::spawn_blocking(move || Arc::unwrap_or_clone(plan).with_overrides(overrides));
    match made.await {
        Ok(plan) => Ok(News::Planned(Arc::new(plan), Vec::new())),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads again what may have moved, so that the preview shows both servers as they are now.
async fn plan(
    fleet: Arc<Fleet>,
    survey: Arc<Survey>,
    picks: Vec<Pick>,
    job: JobControl<News>,
) -> Result<News, Infallible> {
    let ctl = control(&job);
    let servers: BTreeSet<&ServerName> = picks.iter().flat_map(|pick| [&pick.source, &pick.target]).collect();
    let readings = join_all(servers.into_iter().map(|server| fresh(&fleet, &survey, server, &ctl))).await;
    let readings: Vec<(ServerName, ReadOutcome)> = readings.into_iter().flatten().collect();
    let mut reports = survey.servers.clone();
    for (server, outcome) in &readings {
        if let Some(report) = reports.iter_mut().find(|report| report.name == *server) {
            report.outcome = Some(outcome.clone());
        }
    }
    let survey = Survey::new(reports, &fleet.names);
    let picked: Result<Vec<Picked>, Error> = picks.iter().map(|pick| find(&survey, pick, &readings)).collect();
    Ok(match picked {
        Ok(picked) => {
            let plan = Plan::make(&fleet, &survey, &picked, BTreeSet::new(), &ctl).await;
            News::Planned(Arc::new(plan), readings)
        }
        Err(error) => News::NotPlanned(error),
    })
}

/// A new reading of a server; `None` where the one that we have is as good.
async fn fresh(
    fleet: &Fleet,
    survey: &Survey,
    server: &ServerName,
    ctl: &Control,
) -> Option<(ServerName, ReadOutcome)> {
    if let (Some(found), Some(old)) = (fleet.server(server), survey.reading(server))
        && is_young(old)
        && let (Some(mark), Ok(Some(now))) = (&old.pulse, found.pulse(ctl).await)
        && *mark == now
    {
        return None;
    }
    Some((server.clone(), fleet.read(server, ctl).await))
}

fn is_young(reading: &Reading) -> bool {
    let age = jiff::Timestamp::now().duration_since(reading.at);
    Duration::try_from(age).is_ok_and(|age| age < FRESH)
}

/// The relationship that was picked, in what the servers say now.
fn find(survey: &Survey, pick: &Pick, readings: &[(ServerName, ReadOutcome)]) -> Result<Picked, Error> {
    let found = survey.relationships.iter().enumerate().find_map(|(at, relationship)| {
        relationship.member_index(&pick.target)?;
        Some((at, relationship.member_index(&pick.source)?))
    });
    let Some((relationship, source_member)) = found else {
        let unread = readings.iter().find_map(|(_, outcome)| outcome.as_ref().err());
        return Err(unread.cloned().unwrap_or_else(|| {
            Error::new(ErrorKind::Moved, format!("{} is no relationship of these servers any more", pick.name))
                .hint("R reads everything again")
        }));
    };
    Ok(Picked { relationship, source_member, scopes: pick.scopes.clone() })
}
