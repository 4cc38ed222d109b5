//! Effects become jobs; what jobs say becomes news.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::app::effect::{Effect, News, Ticket};
use crate::app::recall::{JobsOver, recall};
use crate::app::recover;
use crate::app::work::work;
use crate::backend::connect;
use crate::config::{Config, LogConfig};
use crate::detached::{Order, Origin};
use crate::engine::fleet::Fleet;
use crate::engine::{Error, ErrorKind, reset, run};
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::engine::port::Journal as _;
use crate::engine::progress::{Control, Progress, Status};
use crate::history::{FrontEnd, History};
use crate::jobs::{Ended, Job, JobControl, JobEvent, JobId, Jobs, PROGRESS_INTERVAL};
use crate::model::Foreign;
use crate::state::{StateError, StateFolder};

/// Does what the app asks for.
pub(super) struct Hands {
    jobs: Jobs<News>,
    by_ticket: BTreeMap<Ticket, JobId>,
    by_job: BTreeMap<JobId, Ticket>,
    history: Arc<History>,
    /// Its jobs that are over.
    over: Arc<JobsOver>,
    /// How far runs are.
    runs: BTreeMap<Ticket, watch::Receiver<Status>>,
    state: StateFolder,
    origin: Option<Origin>,
    read_only: bool,
    /// What is being taken down: the program does not end before.
    being_written: JoinSet<()>,
}

impl Hands {
    pub(super) fn new(
        jobs: Jobs<News>,
        history: Arc<History>,
        state: StateFolder,
        origin: Option<Origin>,
        read_only: bool,
    ) -> Self {
        Hands {
            jobs,
            by_ticket: BTreeMap::new(),
            by_job: BTreeMap::new(),
            history,
            over: Arc::default(),
            runs: BTreeMap::new(),
            state,
            origin,
            read_only,
            being_written: JoinSet::new(),
        }
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

    /// Waits until all have ended, and returns what was heard meanwhile.
    pub(super) async fn wait(&mut self, patience: Duration) -> Vec<(Ticket, News)> {
        let waited = self.jobs.wait_all(patience).await;
        waited.events.into_iter().filter_map(|event| self.heard(event)).collect()
    }

    /// Drops whatever is under way, runs too: what these wrote is not known then.
    pub(super) fn leave(&mut self) {
        self.jobs.abandon_all();
    }

    /// Writes to the history, which may wait for the disk and for others.
    fn take_down(&mut self, write: impl FnOnce(&History) + Send + 'static) {
        let history = Arc::clone(&self.history);
        self.being_written.spawn_blocking(move || write(&history));
    }

    /// Waits until all that was to be taken down is.
    pub(super) async fn taken_down(&mut self) {
        while self.being_written.join_next().await.is_some() {}
    }

    /// Where texts are written that another program compares, and what of our environment it must not see.
    pub(super) fn for_viewers(&self) -> Result<(PathBuf, Vec<String>), StateError> {
        let secrets = self.origin.as_ref().map(Origin::secret_variables);
        Ok((self.state.comparisons()?, secrets.unwrap_or_default()))
    }

    /// A run's name in the history, once it has one.
    pub(super) fn run_name(&self, ticket: Ticket) -> Option<String> {
        self.runs.get(&ticket)?.borrow().run.clone()
    }

    fn heard(&mut self, event: JobEvent<News>) -> Option<(Ticket, News)> {
        let heard = self.told(event);
        if let Some((_, News::Demo(_))) = heard {
            self.turn_to_demo();
        }
        heard
    }

    /// Past runs and jobs are those of the demo from now on; what was asked of the others no longer matters.
    fn turn_to_demo(&mut self) {
        for (_, id) in std::mem::take(&mut self.by_ticket) {
            self.jobs.abort(id);
            self.by_job.remove(&id);
        }
        self.history = Arc::new(History::new(&self.state.of_demo()).used_by(FrontEnd::Screen));
        self.over = Arc::default();
    }

    fn told(&mut self, event: JobEvent<News>) -> Option<(Ticket, News)> {
        match event {
            JobEvent::Event(id, news) => Some((*self.by_job.get(&id)?, news)),
            JobEvent::Finished(id, ended) => {
                let ticket = self.by_job.remove(&id)?;
                self.by_ticket.remove(&ticket);
                Some(match ended {
                    Ended::Done(news) => (ticket, news),
                    // A panic's message may hold what a server sent.
                    Ended::Failed { reason } => (ticket, News::Failed(Foreign::cleaned(&reason))),
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
            (Effect::LookAt(scopes), Some(fleet)) => fleet.attention.turn_to(scopes),
            (Effect::OpenDemo(ticket), _) => self.open_demo(ticket),
            (Effect::Declined(plan), _) => self.take_down(move |history| run::not_begun(&plan, history)),
            (Effect::DeclinedReset(plan), _) => {
                self.take_down(move |history| reset::not_begun(&plan, "declined", history));
            }
            (effect @ (Effect::Runs(ticket, ..) | Effect::Interrupted(ticket) | Effect::OpenRun(ticket, _)), _) => {
                self.recall(ticket, effect);
            }
            (effect @ (Effect::Jobs(ticket) | Effect::CancelJob(ticket, _) | Effect::LeaveRun(ticket, _)), _)
            | (effect @ Effect::Unsaved(ticket, _), _) => {
                self.recall(ticket, effect);
            }
            (Effect::StartJob(ticket, plan, approved, done, title), Some(fleet)) => {
                let (origin, history) = (self.origin(), Arc::clone(&self.history));
                self.spawn(ticket, Job::must_finish("start a job"), move |_| async move {
                    let throttle_limit = fleet.throttle_limit;
                    let order = Order { plan: &plan, approved: &approved, done: &done, throttle_limit, title };
                    origin?.start(&history, order).await.map(News::JobStarted)
                });
            }
            (effect @ (Effect::PlanUndo(..) | Effect::PlanFinish(..) | Effect::Tell(..)), Some(fleet)) => {
                self.recover(effect, fleet);
            }
            (effect, Some(fleet)) => self.work(effect, fleet),
            (_, None) => {}
        }
    }

    fn work(&mut self, effect: Effect, fleet: Arc<Fleet>) {
        let (ticket, job) = match &effect {
            Effect::Watch(ticket, server, ..) => {
                (*ticket, Job::droppable(format!("ask {server} whether anything has moved")))
            }
            Effect::Read(ticket, server) => (*ticket, Job::droppable(format!("read {server}"))),
            Effect::Utilisation(ticket, server) => (*ticket, Job::droppable(format!("ask {server} for leases"))),
            Effect::Compare(ticket, ..) => (*ticket, Job::droppable("compare")),
            Effect::Open(ticket, ..) | Effect::Texts(ticket, ..) => (*ticket, Job::droppable("open a scope")),
            Effect::Plan(ticket, ..)
            | Effect::Retry(ticket, ..)
            | Effect::Override(ticket, ..)
            | Effect::LeaveOut(ticket, ..) => (*ticket, Job::droppable("plan")),
            Effect::SavePlan(ticket, ..) => (*ticket, Job::droppable("save a plan")),
            Effect::Export(ticket, _) => (*ticket, Job::droppable("export")),
            Effect::PlanReset(ticket, ..) => (*ticket, Job::droppable("plan a reset")),
            Effect::Reset(ticket, ..) => (*ticket, Job::must_finish("reset")),
            Effect::Run(ticket, ..) => (*ticket, Job::must_finish("replicate")),
            Effect::PlanUndo(..)
            | Effect::PlanFinish(..)
            | Effect::Tell(..)
            | Effect::LeaveRun(..)
            | Effect::StartJob(..)
            | Effect::Jobs(_)
            | Effect::CancelJob(..)
            | Effect::Runs(..)
            | Effect::Interrupted(_)
            | Effect::Unsaved(..)
            | Effect::OpenRun(..)
            | Effect::Declined(_)
            | Effect::DeclinedReset(_)
            | Effect::Cancel(_)
            | Effect::Abandon(_)
            | Effect::LookAt(_)
            | Effect::OpenDemo(_)
            | Effect::View(..)
            | Effect::ReadLog(_)
            | Effect::Copy(_)
            | Effect::Suspend
            | Effect::Repaint
            | Effect::Mouse(_)
            | Effect::Bell
            | Effect::Quit
            | Effect::Leave => return,
        };
        let (progress, mut status) = Progress::channel();
        if job.is_must_finish() {
            self.runs.insert(ticket, status.clone());
        }
        let history = Arc::clone(&self.history);
        self.spawn(ticket, job, move |job| async move {
            let ctl = Control { soft: job.soft().clone(), hard: job.hard().clone(), progress };
            let teller = job.clone();
            let tell = move |news| teller.progress(news);
            let plan = match &effect {
                Effect::Run(_, plan, _) => Some(Arc::clone(plan)),
                _ => None,
            };
            let done = async {
                let done = work(effect, fleet, &*history, &tell, ctl).await;
                if let (Some(plan), Ok(News::RunEnded(report))) = (plan, &done) {
                    recover::settle(Arc::clone(&history), plan, Arc::clone(report)).await;
                }
                if matches!(done, Ok(News::RunEnded(_) | News::ResetEnded(_))) {
                    // not waited for: the report goes first
                    tokio::task::spawn_blocking(move || history.tidy());
                }
                done
            };
            let mut work = std::pin::pin!(done);
            loop {
                let moved = async {
                    // Seldom enough that telling costs the work nothing.
                    tokio::time::sleep(PROGRESS_INTERVAL).await;
                    if status.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                tokio::select! {
                    done = &mut work => return done,
                    () = moved => job.progress(News::Status(status.borrow_and_update().clone())),
                }
            }
        });
    }

    /// Plans for a run that is over, or tells how far it came.
    fn recover(&mut self, effect: Effect, fleet: Arc<Fleet>) {
        let history = Arc::clone(&self.history);
        let (Effect::PlanUndo(ticket, ..) | Effect::PlanFinish(ticket, _) | Effect::Tell(ticket, _)) = &effect else {
            return;
        };
        self.spawn(*ticket, Job::droppable("look into a run"), move |job| async move {
            let ctl = Control { soft: job.soft().clone(), hard: job.hard().clone(), ..Control::free() };
            match effect {
                Effect::PlanUndo(_, survey, run, scope) => {
                    Ok(recover::undo(history, &fleet, &survey, &run, scope, &ctl).await)
                }
                Effect::PlanFinish(_, run) => Ok(recover::finish(history, &fleet, &run, &ctl).await),
                Effect::Tell(_, run) => recover::tell(history, &fleet, &run, &ctl).await,
                _ => Err(Error::new(ErrorKind::Local, "nothing that a run is asked for")),
            }
        });
    }

    /// What a job needs; without a configuration nothing but the demo pair can be open.
    fn origin(&self) -> crate::engine::Result<Origin> {
        if let Some(origin) = &self.origin {
            return Ok(origin.clone());
        }
        let config = crate::demo::config(&self.state, Config::default());
        let config = config.map_err(|error| Error::new(ErrorKind::Local, error.to_string()))?;
        let (state, log) = (self.state.clone(), LogConfig::default());
        Ok(Origin { config, demo: true, file: None, read_only: self.read_only, state, log })
    }

    /// Asks the store, which may wait for another process.
    fn recall(&mut self, ticket: Ticket, effect: Effect) {
        let (history, over) = (Arc::clone(&self.history), Arc::clone(&self.over));
        self.spawn(ticket, Job::droppable("read the history"), move |_| async move {
            let asked = tokio::task::spawn_blocking(move || recall(effect, &history, &over, &TimeZone::system()));
            asked.await.unwrap_or_else(|error| Err(error.to_string()))
        });
    }

    fn open_demo(&mut self, ticket: Ticket) {
        let (state, read_only) = (self.state.clone(), self.read_only);
        self.spawn(ticket, Job::droppable("open the demo"), move |_| async move {
            let opened = tokio::task::spawn_blocking(move || {
                let config = crate::demo::config(&state, Config::default()).map_err(|error| error.to_string())?;
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
