//! The process of a job.

use secrecy::ExposeSecret as _;

use super::conduct::{Conduct, Ended};
use super::process::{Answer, on_its_own, say};
use super::request::{Pick, Request};
use crate::backend::connect;
use crate::backend::web::Login;
use crate::config::Config;
use crate::engine::approval::carry_over;
use crate::engine::fleet::Fleet;
use crate::engine::outcome::RunReport;
use crate::engine::plan::Plan;
use crate::engine::port::{Control, Journal as _};
use crate::engine::run;
use crate::engine::select::Picked;
use crate::engine::survey::{Member, Survey};
use crate::engine::undo::Undo;
use crate::engine::{Error, ErrorKind, Result};
use crate::history::History;
use crate::model::ServerName;
use crate::secret::{Inline, Secret};
use crate::show::{Progress, ScopeNames, plural};
use crate::state::StateFolder;
use crate::{demo, log};

/// Takes the request of this job from standard input, answers whether it could, and carries it
/// out. Returns the exit status, which nobody waits for.
pub fn carry_out(job: i64) -> u8 {
    on_its_own();
    let taken = take(job);
    match &taken {
        Ok(_) => say(&Answer::Taken),
        Err(error) => say(&Answer::Refused(error.to_string(), error.hint.clone())),
    }
    taken.map_or(1, |taken| taken.perform())
}

/// A job that is this process's.
struct Taken {
    request: Request,
    config: Config,
    conduct: Conduct,
    _log: log::LogGuard,
}

fn take(job: i64) -> Result<Taken> {
    let request = Request::read(std::io::stdin().lock())
        .map_err(|error| Error::new(ErrorKind::Local, format!("what it was told cannot be read: {error}")))?;
    let state = StateFolder::at(&request.state);
    let (log, warning) = log::start(&request.log.config(), Ok(state.clone()));
    if let Some(warning) = warning {
        tracing::warn!("{warning}");
    }
    let config = config(&request)?;
    let kept = if request.demo { state.of_demo() } else { state };
    let history = History::new(&kept).within(config.history).on_behalf_of(request.who.clone());
    let conduct = Conduct::take(history, job)?;
    tracing::info!(job, title = request.title, by = %request.who, "job begins");
    Ok(Taken { request, config, conduct, _log: log })
}

impl Taken {
    fn perform(&self) -> u8 {
        let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let ended = match threads {
            Ok(threads) => {
                let ended = threads.block_on(self.conduct.follow(|control| work(self, control)));
                // a read that nobody waits for any more must not hold up the end
                threads.shutdown_background();
                ended
            }
            Err(error) => Ended::failed(&Error::new(ErrorKind::Local, format!("no threads to work with: {error}"))),
        };
        let (job, state, status) = (self.conduct.job(), ended.state.word(), ended.report.exit_status);
        match status {
            0 => tracing::info!(job, state, status, "job ended"),
            _ => tracing::warn!(job, state, status, "job ended, not all of it well"),
        }
        self.conduct.close(&ended);
        self.conduct.history().tidy();
        ended.report.exit_status
    }
}

/// Reads, plans, and runs what of the plan is as it was approved.
async fn work(taken: &Taken, control: Control) -> Result<(RunReport, ScopeNames)> {
    let Taken { request, config, conduct, .. } = taken;
    let mut fleet = connect::fleet(config, request.read_only)?;
    fleet.read_only = request.read_only;
    fleet.throttle_limit = request.throttle_limit;
    let survey = read(&fleet, conduct, &control).await?;
    conduct.tell(Progress::waiting("planning"), None).await;
    let overrides = request.overrides.clone();
    let mut plan = match &request.undoes {
        Some(run) => undo(run, request, conduct.history())?.plan(&fleet, &survey, overrides, &control).await,
        None => {
            let picked = request.picks.iter().map(|pick| find(&survey, pick)).collect::<Result<Vec<Picked>>>()?;
            Plan::make(&fleet, &survey, &picked, overrides, &control).await
        }
    };
    if !request.left_out.is_empty() {
        plan = plan.leaving_out(&fleet, &request.left_out, &control).await;
    }
    plan.asked = request.asked.clone();
    unless_cancelled(&control)?;
    let (plan, approved) = carry_over(request.approved.clone(), plan.kept_by(conduct.history()));
    if plan.scopes_to_write() == 0 && plan.is_blocked_anywhere() {
        run::not_begun(&plan, conduct.history());
    }
    let report = run::run(&fleet, &plan, approved, conduct.history(), &control).await;
    Ok((report, ScopeNames::of(&survey)))
}

/// What is to be undone of this run.
fn undo(run: &str, request: &Request, history: &History) -> Result<Undo> {
    let record = history.run(run)?;
    let of_pick = |pick: &Pick| {
        let target = ServerName::from(pick.sides[1].as_str());
        pick.scopes.iter().map(|id| (target.clone(), *id)).collect::<Vec<_>>()
    };
    let picked = request.picks.iter().flat_map(of_pick).collect();
    Ok(Undo::new(&record.id, history.past_with_dropped(&record)?, &[])?.only(&picked))
}

async fn read(fleet: &Fleet, conduct: &Conduct, control: &Control) -> Result<Survey> {
    conduct.tell(Progress::waiting(format!("reading {}", plural(fleet.servers().len(), "server"))), None).await;
    let mut survey = fleet.survey(control).await;
    unless_cancelled(control)?;
    survey.twins.take().or_else(|| survey.none_read()).map_or(Ok(survey), Err)
}

fn unless_cancelled(control: &Control) -> Result<()> {
    match control.is_cancelled() {
        true => Err(Error::new(ErrorKind::Cancelled, "cancelled before anything was written")),
        false => Ok(()),
    }
}

/// The configuration that the operator's plan was made with, less the servers that it does not
/// deal with.
fn config(request: &Request) -> Result<Config> {
    let local = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Local, error.to_string());
    let said = request.config.as_ref().map(|file| Config::parse(file.text.0.expose_secret(), &file.path));
    let mut config = said.transpose().map_err(|error| local(&error))?.unwrap_or_default();
    if request.demo {
        config = demo::config(&StateFolder::at(&request.state), config).map_err(|error| local(&error))?;
    }
    config.servers.retain(|entry| request.servers.iter().any(|name| name.as_str() == entry.name));
    for entry in &mut config.servers {
        let password = request.passwords.iter().find(|(name, _)| name.as_str() == entry.name);
        let Some(web) = entry.endpoint.web_mut() else { continue };
        if let (Some((_, password)), Some(login)) = (password, &mut web.login) {
            *login = Login::new(&login.user, Secret::Inline(Inline::new(password.0.expose_secret())));
        }
    }
    Ok(config)
}

fn find(survey: &Survey, pick: &Pick) -> Result<Picked> {
    let direction = |sides: [String; 2]| match &pick.sides {
        wanted if *wanted == sides => Some(0),
        [source, target] if *source == sides[1] && *target == sides[0] => Some(1),
        _ => None,
    };
    let found = survey.relationships.iter().enumerate().find_map(|(at, found)| {
        let sides = found.members.each_ref().map(|member: &Member| member.shown().to_string());
        Some((at, direction(sides).filter(|_| found.name == pick.relationship)?))
    });
    let (relationship, source_member) = found.ok_or_else(|| {
        let [source, target] = &pick.sides;
        let what = format!("{} of {source} and {target} is no longer there", pick.relationship);
        Error::new(ErrorKind::Moved, what).hint("look at the plan again")
    })?;
    Ok(Picked { relationship, source_member, scopes: Some(pick.scopes.clone()) })
}
