//! `scopesync undo`
//!
//! The same way as a replication, with what a run overwrote in place of a source.

use super::Failure;
use super::args;
use super::console::Console;
use super::course::Course;
use super::history::has_latest;
use super::reading::{survey, waiting};
use super::replicate::{Ask, Handover};
use crate::engine::approval::Manner;
use crate::engine::fleet::Fleet;
use crate::engine::port::Control;
use crate::engine::recovery;
use crate::engine::undo::Undo;
use crate::history::{History, RunRecord};
use crate::show::ScopeNames;

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
    has_latest(history, &asked.run)?;
    let record = history.run(&asked.run)?;
    has_ended(history, &record)?;
    let undo = Undo::new(&record.id, history.past_with_dropped(&record)?, &asked.scope_ids)?;
    let survey = survey(fleet, console).await?;
    let overrides = asked.asking.overridden();
    let control = Control::free();
    let mut plan = waiting(console, "planning".into(), undo.plan(fleet, &survey, overrides, &control)).await?;
    plan = recovery::note(plan, history);
    let mut course = Course { fleet, asking: &asked.asking, journal: history, by, ask, console };
    let plan = course.complete(plan, asked.told())?;
    let refused = "nothing was written: everything that is to be undone is refused or could not be read";
    Ok(course.carry_out(plan, &ScopeNames::of(&survey), refused, handover).await?.status())
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
