//! From a plan that was approved to a job that carries it out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::JobReport;
use super::process;
use super::request::{self, Log, Pick, Request, Sealed};
use crate::config::{Config, LogConfig, ServerEntry};
use crate::engine::approval::{Approved, Carried};
use crate::engine::plan::{Plan, PlannedRelationship};
use crate::engine::{Error, ErrorKind, Result};
use crate::history::{History, NewJob};
use crate::model::{ScopeId, ServerName};
use crate::secret::{Inline, Secret};
use crate::state::StateFolder;

/// Where a front end has its servers from: what a job needs to reach the very same.
#[derive(Clone, Debug)]
pub struct Origin {
    /// What the configuration says. Passwords that were got for it are not got again.
    pub config: Config,
    /// The servers are the demo pair.
    pub demo: bool,
    /// The file and its text; `None` where the demo pair has none.
    pub file: Option<(PathBuf, Inline)>,
    /// No server is ever a target.
    pub read_only: bool,
    /// The state folder.
    pub state: StateFolder,
    /// Where and how much to log.
    pub log: LogConfig,
}

/// What is to be done.
pub struct Order<'a> {
    /// The plan that the operator saw.
    pub plan: &'a Plan,
    /// What was approved of it.
    pub approved: &'a [Approved],
    /// Scopes that are no longer to be written, by their relationship's place in the plan: done by now.
    pub done: &'a BTreeSet<(usize, ScopeId)>,
    /// Highest number of targets written side by side; 0 leaves it to us.
    pub throttle_limit: usize,
    /// What was asked for, in one line without secrets, for lists of jobs.
    pub title: String,
}

impl Origin {
    /// Starts a job and returns its number once its process has taken it over. From then on it
    /// does not depend on this process, nor on its terminal. Needs a tokio runtime.
    ///
    /// # Errors
    /// It could not be started. Nothing was written; where it has a number already, the job is
    /// failed with this reason.
    pub async fn start(&self, history: &History, order: Order<'_>) -> Result<i64> {
        let request = self.request(history, &order).await?;
        let job = history.create_job(&NewJob { title: order.title.clone() })?;
        let secrets = self.secret_variables();
        let started = tokio::task::spawn_blocking(move || process::start(job, &request, &secrets));
        let started = started.await.map_err(|error| local(error.to_string()).into()).flatten();
        let Err(silent) = started else { return Ok(job) };
        match history.give_up_job(job, &JobReport::failed(&silent.error).to_json()) {
            // only its answer was lost: it may be in the middle of a write, and is not killed
            Ok(false) => {
                tracing::warn!(job, error = %silent.error, "the job has begun all the same");
                silent.leave();
                return Ok(job);
            }
            Ok(true) => {}
            Err(error) => tracing::warn!(%error, job, "how the job failed is not in the history"),
        }
        Err(silent.end())
    }

    async fn request(&self, history: &History, order: &Order<'_>) -> Result<Request> {
        let plan = order.plan;
        let mut approved = Carried::all(plan, order.approved);
        for (carried, at) in approved.iter_mut().zip(order.approved.iter().map(Approved::relationship)) {
            carried.retain(|id| !order.done.contains(&(at, id)));
        }
        let servers = self.involved(plan);
        let absolute = |path: &Path| std::path::absolute(path).map_err(|error| local(error.to_string()));
        Ok(Request {
            version: request::VERSION.into(),
            title: order.title.clone(),
            who: history.who().clone(),
            state: absolute(self.state.root())?,
            log: Log::of(&self.log),
            demo: self.demo,
            config: match &self.file {
                None => None,
                Some((path, text)) => Some(request::File { path: absolute(path)?, text: Sealed(text.expose().into()) }),
            },
            read_only: self.read_only,
            throttle_limit: order.throttle_limit,
            passwords: self.passwords(&servers).await,
            servers,
            picks: plan.relationships.iter().enumerate().map(|(at, planned)| pick(at, planned, order.done)).collect(),
            undoes: plan.undoes().map(str::to_owned),
            overrides: plan.overrides.clone(),
            left_out: plan.left_out(),
            approved,
            asked: plan.asked.clone(),
        })
    }

    /// The servers that the plan deals with, and those that are asked before it is written.
    fn involved(&self, plan: &Plan) -> BTreeSet<ServerName> {
        if plan.undoes().is_some() {
            // its source is no server, and the partners are told of what comes back
            return self.config.servers.iter().map(|entry| ServerName::from(entry.name.as_str())).collect();
        }
        let of = |planned: &PlannedRelationship| {
            let partners = planned.partners.iter().filter_map(|partner| partner.server.clone());
            let shown = [&planned.source, &planned.target].map(|name| ServerName::from(name.as_str()));
            planned.servers().cloned().chain(partners).chain(shown).collect::<Vec<_>>()
        };
        let named = plan.relationships.iter().flat_map(of);
        named.filter(|name| self.config.server(name.as_str()).is_some()).collect()
    }

    /// The passwords that are not in the configuration's text. One that cannot be had is left
    /// out: the job says so where it needs it.
    async fn passwords(&self, servers: &BTreeSet<ServerName>) -> Vec<(ServerName, Sealed)> {
        let mut passwords = Vec::new();
        for name in servers {
            let Some(entry) = self.config.server(name.as_str()) else { continue };
            #[cfg(feature = "web")]
            if let Some(login) = login(entry).filter(|login| !matches!(login.password.from(), Secret::Inline(_))) {
                match login.password.get().await {
                    Ok(password) => passwords.push((name.clone(), Sealed(password))),
                    Err(error) => tracing::warn!(server = %name, %error, "a job gets no password for it"),
                }
            }
            #[cfg(not(feature = "web"))]
            let _ = (entry, &mut passwords);
        }
        passwords
    }

    /// The environment variables that hold passwords; those of servers that the demo leaves aside, too.
    pub fn secret_variables(&self) -> Vec<String> {
        let file = self.file.as_ref().filter(|_| self.demo);
        let aside = file.and_then(|(path, text)| Config::parse(text.expose(), path).ok());
        let servers = self.config.servers.iter().chain(aside.iter().flat_map(|aside| &aside.servers));
        let from = servers.filter_map(login).map(|login| login.password.from());
        let names = from.filter_map(|from| match from {
            Secret::Env(name) => Some(name.clone()),
            _ => None,
        });
        names.collect()
    }
}

pub(super) fn login(entry: &ServerEntry) -> Option<&crate::backend::web::Login> {
    entry.endpoint.web()?.login.as_ref()
}

fn pick(at: usize, planned: &PlannedRelationship, done: &BTreeSet<(usize, ScopeId)>) -> Pick {
    let scopes = planned.scopes.iter().map(|scope| scope.id).chain(planned.in_sync.iter().copied());
    Pick {
        relationship: planned.name.clone(),
        sides: [planned.source.clone(), planned.target.clone()],
        scopes: scopes.filter(|id| !done.contains(&(at, *id))).collect(),
    }
}

fn local(what: String) -> Error {
    Error::new(ErrorKind::Local, what)
}
