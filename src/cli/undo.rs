//! `scopesync undo`
//!
//! The same way as a replication, with what a run overwrote in place of a source.

use super::Failure;
use super::args;
use super::console::Console;
use super::reading::{survey, waiting};
use super::replicate::{self, Ask, Handover};
use crate::engine::approval::Manner;
use crate::engine::fleet::Fleet;
use crate::engine::port::Control;
use crate::engine::recovery;
use crate::engine::run;
use crate::engine::undo::Undo;
use crate::history::{History, RunRecord};
use crate::show::{self, ScopeNames};

/// Brings back what a run overwrote, in a job of its own if there is a `handover`, and returns the
/// exit status. `ask` answers for the operator
/// whom `by` names.
///
/// # Errors
/// Refused or failed before anything was written.
pub async fn run(
    fleet: &Fleet,
    asked: &args::Undo,
    history: &History,
    handover: Option<Handover<'_>>,
    by: &str,
    ask: &mut dyn Ask,
    console: &mut Console,
) -> Result<u8, Failure> {
    if asked.asking.manner() == Manner::Ask && !console.can_ask() {
        return Err(Failure::new("without a terminal nobody can be asked")
            .hint("--force undoes without asking, --what-if only shows the plan"));
    }
    let record = history.run(&asked.run)?;
    has_ended(history, &record)?;
    let undo = Undo::new(&record.id, history.past_with_dropped(&record)?, &asked.scope_ids)?;
    let survey = survey(fleet, console).await?;
    let overrides = asked.asking.overridden();
    let control = Control::free();
    let mut plan = waiting(console, "planning".into(), undo.plan(fleet, &survey, overrides, &control)).await;
    plan = recovery::note(plan, history);
    if asked.asking.manner() != Manner::ShowOnly {
        plan = plan.kept_by(history);
    }
    plan.asked = asked.told();
    replicate::name_read_only_switch(fleet, &mut plan);
    replicate::known_overrides(&asked.asking.overrides, &plan)?;

    let names = ScopeNames::of(&survey);
    if asked.asking.manner() == Manner::ShowOnly {
        replicate::preview_only(asked.asking.json, &plan, &names, console);
        return Ok(if plan.is_blocked_anywhere() { 3 } else { 0 });
    }
    for line in show::plan(&plan, &names) {
        console.aside(&line);
    }
    if plan.scopes_to_write() == 0 && plan.is_blocked_anywhere() {
        run::not_begun(&plan, history);
        return Err(Failure::new(
            "nothing was written: everything that is to be undone is refused or could not be read",
        )
        .hint("the reasons stand above"));
    }
    let approved = replicate::approve(asked.asking.switches(), &plan, by, ask, console)
        .inspect_err(|_| run::not_begun(&plan, history))?;
    if let Some(handover) = handover.filter(|_| !approved.is_empty()) {
        return handover.start(fleet, asked.asking.json, &plan, &approved, console).await;
    }
    let report = replicate::execute(fleet, &plan, approved, history, console).await;
    replicate::finish(asked.asking.json, &plan, &report, &names, console);
    Ok(report.exit_status())
}

/// Of a run that has not come to its end nobody knows yet what it left.
fn has_ended(history: &History, record: &RunRecord) -> Result<(), Failure> {
    if record.ended.is_some() || record.settled.is_some() {
        return Ok(());
    }
    let id = &record.id;
    if history.interrupted()?.iter().any(|run| run.id == *id) {
        return Err(Failure::new(format!("run {id} was interrupted: how far it came must be found out first"))
            .hint(format!("`scopesync recover {id} --undo` reads its servers and undoes it")));
    }
    Err(Failure::new(format!("run {id} is still going on")).hint("wait for its end, or cancel it"))
}
