//! `scopesync recover`
//!
//! Reads the servers of interrupted runs and tells how far each came; then finishes one, undoes
//! it, or leaves it as it is. What is written is a plan like any other.

use serde_json::json;

use super::Failure;
use super::args::{Recover, Way};
use super::console::Console;
use super::course::{Course, End, no_answer};
use super::history::has_latest;
use super::reading::{survey, waiting};
use super::replicate::Ask;
use crate::engine::approval::Manner;
use crate::engine::fleet::Fleet;
use crate::engine::plan::Plan;
use crate::engine::port::{Control, RunKind};
use crate::engine::recovery::{self, Standing, Told};
use crate::engine::survey::Survey;
use crate::history::{History, RunRecord, Settlement};
use crate::show::{self, Line, Role, ScopeNames};

/// Tells interrupted runs and does about them what is asked; returns the exit status.
///
/// # Errors
/// There is no such run, or it does not wait; refused or failed before anything was written.
pub async fn run(
    fleet: &Fleet,
    asked: &Recover,
    history: &History,
    by: &str,
    ask: &mut dyn Ask,
    console: &mut Console,
) -> Result<u8, Failure> {
    let runs = chosen(history, asked)?;
    check(asked, &runs, console)?;
    if runs.is_empty() {
        console.note("no interrupted run waits");
    }
    let mut session = Session { fleet, asked, history, by, ask, console };
    let (mut status, mut documents) = (0, Vec::new());
    for record in &runs {
        let told = session.tell(record).await?;
        let way = match asked.way() {
            Some(way) => Some(way),
            None if asked.asking.json => {
                documents.push(document(record, &told));
                None
            }
            None => session.choose(&told)?,
        };
        status = status.max(match way {
            Some(way) => session.go(record, &told, way).await?,
            None if told.counts().contains_key(&Standing::Unknown) => 3,
            None => 0,
        });
    }
    if asked.asking.json && asked.way().is_none() {
        session.console.json(&json!({ "schema": recovery::SCHEMA, "runs": documents }));
    }
    Ok(status)
}

/// The runs in question, the oldest first.
fn chosen(history: &History, asked: &Recover) -> Result<Vec<RunRecord>, Failure> {
    let mut runs = history.interrupted()?;
    if let Some(name) = &asked.run {
        has_latest(history, name)?;
        let wanted = history.run(name)?;
        runs.retain(|run| run.id == wanted.id);
        if runs.is_empty() {
            let settled = wanted.settled.map(|settled| format!("it was {} by {}", settled.how.words(), settled.by));
            let reason = match (wanted.ended, settled) {
                (Some(_), _) => "it has ended by itself".to_owned(),
                (None, Some(settled)) => settled,
                (None, None) => "it is still going on".to_owned(),
            };
            return Err(Failure::new(format!("run {} does not wait: {reason}", wanted.id)));
        }
    }
    runs.reverse();
    Ok(runs)
}

/// What can be said before any server is asked.
fn check(asked: &Recover, runs: &[RunRecord], console: &Console) -> Result<(), Failure> {
    let Some(way) = asked.way() else { return Ok(()) };
    if let [_, _, ..] = runs {
        let names: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        return Err(Failure::new("several interrupted runs wait: say which one is meant").hint(names.join(", ")));
    }
    let asks = asked.asking.manner() == Manner::Ask && (way != Way::Leave);
    if asks && !console.can_ask() {
        return Err(Failure::new("without a terminal nobody can be asked")
            .hint("--force goes on without asking, --what-if only shows the plan"));
    }
    Ok(())
}

struct Session<'a> {
    fleet: &'a Fleet,
    asked: &'a Recover,
    history: &'a History,
    by: &'a str,
    ask: &'a mut dyn Ask,
    console: &'a mut Console,
}

impl Session<'_> {
    async fn tell(&mut self, record: &RunRecord) -> Result<Told, Failure> {
        let interrupted = self.history.interrupted_run(record)?;
        let control = Control::free();
        let told = interrupted.tell(self.fleet, self.history, &control);
        let told = waiting(self.console, format!("reading the servers of run {}", record.id), told).await?;
        let names = ScopeNames::of_ids(told.scopes().map(|scope| scope.id));
        let lines = show::recovery(&show::interrupted(record), &told, &names);
        // the result itself, unless something is done about it
        match self.asked.way().is_none() && !self.asked.asking.json {
            true => self.console.lines(&lines),
            false => lines.iter().for_each(|line| self.console.aside(line)),
        }
        Ok(told)
    }

    fn choose(&mut self, told: &Told) -> Result<Option<Way>, Failure> {
        if !self.console.can_ask() {
            self.console.note("nothing was done: choose with --finish, --undo or --leave");
            return Ok(None);
        }
        self.console.flush();
        self.ask.choose(&told.run, self.console).map_err(|error| no_answer(&error, "written"))
    }

    async fn go(&mut self, record: &RunRecord, told: &Told, way: Way) -> Result<u8, Failure> {
        if way == Way::Leave {
            return self.without_writing(record, told, Settlement::Left);
        }
        if record.kind == RunKind::Reset {
            return Err(Failure::new(format!("run {} was a reset: there is nothing to {}", told.run, verb(way)))
                .hint("look at the relationship, reset it again where it is terminated (ha-reset), then --leave"));
        }
        if way == Way::Undo && told.is_untouched() {
            self.console.note(format_args!("run {} has written nothing: there is nothing to undo", told.run));
            return self.without_writing(record, told, Settlement::Undone);
        }
        let survey = survey(self.fleet, self.console).await?;
        let plan = self.plan(told, way, &survey).await?;
        let Session { fleet, asked, history, by, .. } = *self;
        let mut course = Course {
            fleet,
            asking: &asked.asking,
            journal: history,
            by,
            ask: &mut *self.ask,
            console: &mut *self.console,
        };
        let plan = course.complete(plan, asked.told())?;
        let refused = "nothing was written: all of it is refused";
        let end = course.carry_out(plan, &ScopeNames::of(&survey), refused, None).await?;
        let status = end.status();
        let (End::Ran(plan, report), 0) = (end, status) else { return Ok(status) };
        match self.history.settle_for(&plan, &report, self.by)? {
            Some(how) => self.settled(told, how),
            None => {
                let coming: Vec<String> = told.may_come().map(|scope| scope.id.to_string()).collect();
                let why = match coming.is_empty() {
                    true => "not all of its scopes are known; --leave when you have seen to them".to_owned(),
                    false => format!(
                        "the server may still come to write {}; `scopesync recover {}` looks again, --leave when it \
                         has come to rest",
                        coming.join(", "),
                        told.run
                    ),
                };
                self.console.warning(format_args!("the run still waits: {why}"));
                return Ok(3);
            }
        }
        Ok(0)
    }

    async fn plan(&mut self, told: &Told, way: Way, survey: &Survey) -> Result<Plan, Failure> {
        let overrides = self.asked.asking.overridden();
        let control = Control::free();
        if way == Way::Undo {
            let undo = told.undo()?;
            let plan = undo.plan(self.fleet, survey, overrides, &control);
            return waiting(self.console, "planning".into(), plan).await;
        }
        let undone = self.history.undone(&told.kind)?;
        let plan = told.finish_plan(undone, self.fleet, survey, overrides, &control);
        Ok(waiting(self.console, "planning".into(), plan).await??)
    }

    fn without_writing(&mut self, record: &RunRecord, told: &Told, how: Settlement) -> Result<u8, Failure> {
        let what_if = self.asked.asking.manner() == Manner::ShowOnly;
        match what_if {
            true => self.console.note(format_args!("what if: run {} would no longer be told of", told.run)),
            false => {
                self.history.settle(&told.run, how, self.by, None)?;
                self.settled(told, how);
            }
        }
        if self.asked.asking.json {
            self.console.json(&json!({ "schema": recovery::SCHEMA, "runs": [document(record, told)] }));
        }
        Ok(0)
    }

    fn settled(&mut self, told: &Told, how: Settlement) {
        self.console.aside(&Line::of(0, Role::Good, format!("run {} is settled: {}", told.run, how.words())));
    }
}

fn verb(way: Way) -> &'static str {
    match way {
        Way::Finish => "finish",
        Way::Undo => "undo",
        Way::Leave => "leave",
    }
}

fn document(record: &RunRecord, told: &Told) -> serde_json::Value {
    let mut document = told.to_json();
    document["started"] = record.started.to_string().into();
    document
}

/// Says of every interrupted run with one of these servers that it waits.
pub fn warn(fleet: &Fleet, history: &History, console: &mut Console) {
    let runs = history.interrupted().unwrap_or_else(|error| {
        tracing::warn!(%error, "whether a run was interrupted cannot be told");
        Vec::new()
    });
    let ours = |run: &&RunRecord| run.servers.iter().any(|one| fleet.server(&one.name).is_some());
    for run in runs.iter().filter(ours) {
        console.warning(format_args!(
            "{}, was interrupted: `scopesync recover` tells how far it came, and finishes or undoes it",
            show::interrupted(run)
        ));
    }
}
