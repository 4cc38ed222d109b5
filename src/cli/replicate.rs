//! `scopesync replicate`
//!
//! Read, select, plan, show, ask, run: the first four change nothing, and what they end
//! with is exit status 1.

mod ask;
mod handover;
pub(super) mod watch;

use std::collections::BTreeSet;
use std::io;

use super::console::Console;
use super::reading::{survey, waiting};
use super::{Failure, args, select};
use crate::engine::approval::{Answer, Approved, Manner, OVERRIDES, Questions, Switches};
use crate::engine::fleet::Fleet;
use crate::engine::outcome::{Outcome, RunReport};
use crate::engine::plan::Plan;
use crate::engine::port::{Control, Journal};
use crate::engine::progress::Progress;
use crate::engine::{recovery, run};
use crate::show::{self, Line, Role, ScopeNames};

pub use ask::{Ask, AtTerminal, Question};
pub use handover::Handover;

/// Replicates what the arguments pick, in a job of its own if there is a `handover`, and returns
/// the exit status. `ask` answers for the operator whom `by` names.
///
/// # Errors
/// Refused or failed before anything was written.
pub async fn run(
    fleet: &Fleet,
    asked: &args::Replicate,
    journal: &dyn Journal,
    handover: Option<Handover<'_>>,
    by: &str,
    ask: &mut dyn Ask,
    console: &mut Console,
) -> Result<u8, Failure> {
    check(fleet, asked, console)?;
    let survey = survey(fleet, console).await?;
    let picked = select::choose(fleet, &survey, &asked.selection, &asked.sources())?;
    let overrides = asked.asking.overridden();
    let control = Control::free();
    let mut plan = waiting(console, "planning".into(), Plan::make(fleet, &survey, &picked, overrides, &control)).await;
    plan = recovery::note(plan, journal);
    if asked.asking.manner() != Manner::ShowOnly {
        plan = plan.kept_by(journal);
    }
    name_read_only_switch(fleet, &mut plan);
    plan.asked = asked.told();
    known_overrides(&asked.asking.overrides, &plan)?;
    let unread = select::unread(&survey, &picked, &asked.selection, &asked.sources());
    for reason in &unread {
        console.warning(format_args!("not read: {reason}"));
    }

    let names = ScopeNames::of(&survey);
    if asked.asking.manner() == Manner::ShowOnly {
        preview_only(asked.asking.json, &plan, &names, console);
        return Ok(if plan.is_blocked_anywhere() || !unread.is_empty() { 3 } else { 0 });
    }
    for line in show::plan(&plan, &names) {
        console.aside(&line);
    }
    if plan.scopes_to_write() == 0 && plan.is_blocked_anywhere() {
        run::not_begun(&plan, journal);
        return Err(Failure::new("nothing was written: everything that differs is refused or could not be read")
            .hint("the reasons stand above"));
    }
    let approved =
        approve(asked.asking.switches(), &plan, by, ask, console).inspect_err(|_| run::not_begun(&plan, journal))?;
    // where everything was declined there is nothing to hand over
    if let Some(handover) = handover.filter(|_| !approved.is_empty()) {
        return handover.start(fleet, asked.asking.json, &plan, &approved, console).await;
    }
    let report = execute(fleet, &plan, approved, journal, console).await;
    finish(asked.asking.json, &plan, &report, &names, console);
    let status = report.exit_status();
    // nobody waits until the memory of thousands of scopes is given back piece by piece
    tokio::task::spawn_blocking(move || drop((survey, plan, report)));
    Ok(status)
}

/// What can be said before any server is asked.
fn check(fleet: &Fleet, asked: &args::Replicate, console: &Console) -> Result<(), Failure> {
    let spelled = |option| asked.selection.spelling.option(option);
    if asked.sources().is_empty() {
        let names: Vec<&str> = fleet.servers().iter().map(|server| server.name().as_str()).collect();
        let message = format!("{} is missing: which server is copied from?", spelled("--computer-name"));
        return Err(Failure::new(message)
            .hint(format!("the configuration has: {}; its partner will be overwritten", names.join(", "))));
    }
    if asked.asking.manner() == Manner::Ask && !console.can_ask() {
        let message = match asked.asking.confirm {
            true => format!("{} needs a terminal to ask on", spelled("--confirm")),
            false => "without a terminal nobody can be asked".into(),
        };
        let [force, what_if] = ["--force", "--what-if"].map(spelled);
        return Err(
            Failure::new(message).hint(format!("{force} replicates without asking, {what_if} only shows the plan"))
        );
    }
    Ok(())
}

/// Says which of the two switches forbids to write.
pub(super) fn name_read_only_switch(fleet: &Fleet, plan: &mut Plan) {
    let blocked = plan.relationships.iter_mut().filter_map(|planned| planned.blocked.as_mut());
    for refusal in blocked.filter(|refusal| refusal.name == "read-only") {
        refusal.hint = match fleet.read_only {
            true => "--read-only was given: leave it out to write".into(),
            false => "its entry in the configuration says read_only = true; nothing overrides it".into(),
        };
    }
}

/// A misspelt override must not look like one that does not apply.
pub(super) fn known_overrides(overrides: &[String], plan: &Plan) -> Result<(), Failure> {
    let known: BTreeSet<&str> = plan.overridable().into_iter().chain(OVERRIDES).collect();
    match overrides.iter().find(|name| !known.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = known.into_iter().collect();
            Err(Failure::new(format!("no refusal that can be overridden is called {name:?}"))
                .hint(format!("there is: {}", known.join(", "))))
        }
    }
}

pub(super) fn preview_only(json: bool, plan: &Plan, names: &ScopeNames, console: &mut Console) {
    if json {
        console.json(&plan.to_json());
    } else {
        console.lines(&show::plan(plan, names));
        let text = "what if: nothing was written";
        console.line(&Line::of(0, Role::Muted, text));
    }
}

pub(super) fn approve(
    switches: Switches,
    plan: &Plan,
    by: &str,
    ask: &mut dyn Ask,
    console: &mut Console,
) -> Result<Vec<Approved>, Failure> {
    let names = plan.relationships.iter().map(|relationship| relationship.name.clone()).collect();
    let mut questions = Questions::new(&plan.digest, names, by, switches, plan.overrides.clone());
    while let Some((at, _)) = questions.pending() {
        let relationship = &plan.relationships[at];
        let writing: Vec<_> = relationship.to_write(&plan.overrides).collect();
        // Where no scope is written there is nothing to ask; what an earlier run left unsaved is saved.
        let answer = match writing.as_slice() {
            [] => Answer::Yes,
            scopes => {
                ask.ask(&Question::new(relationship, scopes), console).map_err(|error| no_answer(&error, "written"))?
            }
        };
        questions.answer(answer);
    }
    Ok(questions.into_approved())
}

/// The question could not be answered, so nothing was `done`: written, sent.
pub(super) fn no_answer(error: &io::Error, done: &str) -> Failure {
    match error.kind() {
        io::ErrorKind::Interrupted => Failure::new(format!("interrupted: nothing was {done}")),
        _ => Failure::new(format!("nothing was {done}: the answer cannot be read: {error}")),
    }
}

pub(super) async fn execute(
    fleet: &Fleet,
    plan: &Plan,
    approved: Vec<Approved>,
    journal: &dyn Journal,
    console: &mut Console,
) -> RunReport {
    let (progress, status) = Progress::channel();
    let control = Control { progress, ..Control::free() };
    tokio::select! {
        // The watch first: it takes the signals over before anything is written.
        biased;
        never = watch::watch(status, &control, &watch::WRITING, console) => match never {},
        report = run::run(fleet, plan, approved, journal, &control) => report,
    }
}

pub(super) fn finish(json: bool, plan: &Plan, report: &RunReport, names: &ScopeNames, console: &mut Console) {
    if plan.scopes_to_write() == 0 {
        console.note(match plan.undoes() {
            None => "there is nothing to replicate: the target has everything that the source has",
            Some(_) => "there is nothing to undo: every scope is as it was before the run",
        });
        for remark in report.relationships.iter().flat_map(|relationship| &relationship.remarks) {
            console.note(remark);
        }
    } else {
        for line in show::report(report, names) {
            console.aside(&line);
        }
        console.aside(&show::report_summary(report));
    }
    if json {
        console.json(&report.to_json());
    } else {
        let replicated = report.scopes().filter(|scope| scope.outcome == Outcome::Replicated);
        for scope in replicated {
            console.line(&Line::of(0, Role::Plain, names.name(scope.id)));
        }
    }
}
