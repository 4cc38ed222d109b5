//! `scopesync replicate`
//!
//! Read, select, plan, show, ask, run: the first four change nothing, and what they end
//! with is exit status 1.

mod ask;
mod handover;
mod typed;
pub(super) mod watch;

use super::console::Console;
use super::course::{Course, End};
use super::reading::{survey, waiting};
use super::{Failure, args, select};
use crate::engine::approval::Manner;
use crate::engine::fleet::Fleet;
use crate::engine::plan::Plan;
use crate::engine::port::{Control, Journal};
use crate::engine::recovery;
use crate::show::ScopeNames;

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
    let mut plan =
        waiting(console, "planning".into(), Plan::make(fleet, &survey, &picked, overrides, &control)).await?;
    if !asked.leave_out.is_empty() {
        let left_out = plan.named(&asked.leave_out)?;
        plan = plan.leaving_out(fleet, &left_out, &control).await;
    }
    plan = recovery::note(plan, journal);
    let mut course = Course { fleet, asking: &asked.asking, journal, by, ask, console };
    plan = course.complete(plan, asked.told())?;
    let unread = select::unread(&survey, &picked, &asked.selection, &asked.sources());
    // what blocks a relationship is told with the plan
    let blocks: Vec<&str> =
        plan.relationships.iter().filter_map(|r| Some(r.blocked.as_ref()?.message.as_str())).collect();
    for reason in unread.iter().filter(|reason| !blocks.iter().any(|told| reason.starts_with(told))) {
        course.console.warning(format_args!("not read: {reason}"));
    }
    let refused = "nothing was written: everything that differs is refused or could not be read";
    let end = course.carry_out(plan, &ScopeNames::of(&survey), refused, handover).await?;
    let status = match end {
        End::Shown { .. } if !unread.is_empty() => 3,
        _ => end.status(),
    };
    // nobody waits until the memory of thousands of scopes is given back piece by piece
    tokio::task::spawn_blocking(move || drop((survey, end)));
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
