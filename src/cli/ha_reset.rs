//! `scopesync ha-reset`
//!
//! Read, plan, show, ask, reset: only the last changes anything.

use super::Failure;
use super::args::HaReset;
use super::console::Console;
use super::course::no_answer;
use super::reading::{survey, waiting};
use super::replicate::{Ask, Question, watch};
use crate::engine::approval::{Approved, Manner, Questions};
use crate::engine::fleet::Fleet;
use crate::engine::port::{Control, Journal};
use crate::engine::progress::Progress;
use crate::engine::reset::{self, OVERRIDES, ResetPlan};
use crate::engine::select::{Selection, select};
use crate::show::{self, Line, Role};

/// Resets the relationship of this name, and returns the exit status. `ask` answers for the
/// operator whom `by` names.
///
/// # Errors
/// Refused, declined or failed before anything was sent.
pub async fn run(
    fleet: &Fleet,
    asked: &HaReset,
    journal: &dyn Journal,
    by: &str,
    ask: &mut dyn Ask,
    console: &mut Console,
) -> Result<u8, Failure> {
    check(asked, console)?;
    let survey = survey(fleet, console).await?;
    let picked = select(&survey, &Selection::Relationships(vec![asked.name.clone()]), &[])?;
    let found = picked.first().and_then(|pick| survey.relationships.get(pick.relationship));
    let found = found.ok_or_else(|| Failure::new(format!("no failover relationship is called {:?}", asked.name)))?;
    let overrides = asked.asking.overridden();
    let control = Control::free();
    let plan = waiting(console, "planning".into(), ResetPlan::make(fleet, &survey, found, overrides, &control)).await?;
    let mut plan = ResetPlan { asked: asked.told(), ..plan };
    if asked.asking.manner() == Manner::ShowOnly {
        show_only(asked, &plan, console);
        return Ok(if plan.is_open() { 0 } else { 3 });
    }
    plan = plan.kept_by(journal);
    show::reset_plan(&plan).iter().for_each(|line| console.aside(line));
    if let Some(refusal) = plan.standing_refusals().next() {
        let why = format!("{}: {}", refusal.name, refusal.message);
        reset::not_begun(&plan, &why, journal);
        return Err(Failure::new(format!("nothing was sent: {why}")).hint(refusal.hint.clone()));
    }
    let approved = approve(asked, &plan, by, ask, console)
        .inspect_err(|failure| reset::not_begun(&plan, &failure.message, journal))?;
    let (progress, status) = Progress::channel();
    let control = Control { progress, ..Control::free() };
    let report = tokio::select! {
        // The watch first: it takes the signals over before anything is sent.
        biased;
        never = watch::watch(status, &control, &watch::RESET, console) => match never {},
        report = reset::run(fleet, &plan, &approved, journal, &control) => report,
    };
    if asked.asking.json {
        console.json(&report.to_json());
    } else {
        console.lines(&show::reset_report(&report));
    }
    console.flush();
    journal.tidy();
    Ok(report.exit_status())
}

/// What can be said before any server is asked.
fn check(asked: &HaReset, console: &Console) -> Result<(), Failure> {
    if let Some(name) = asked.asking.overrides.iter().find(|name| !OVERRIDES.contains(&name.as_str())) {
        return Err(Failure::new(format!("no refusal that can be overridden is called {name:?}"))
            .hint(format!("there is: {}", OVERRIDES.join(", "))));
    }
    if asked.asking.manner() == Manner::Ask && !console.can_ask() {
        let message = match asked.asking.confirm {
            true => "--confirm needs a terminal to ask on",
            false => "without a terminal nobody can be asked",
        };
        return Err(Failure::new(message).hint("--force resets without asking, --what-if only shows what it does"));
    }
    Ok(())
}

fn show_only(asked: &HaReset, plan: &ResetPlan, console: &mut Console) {
    if asked.asking.json {
        console.json(&plan.to_json());
    } else {
        console.lines(&show::reset_plan(plan));
        console.line(&Line::of(0, Role::Muted, "what if: nothing was sent"));
    }
}

fn approve(
    asked: &HaReset,
    plan: &ResetPlan,
    by: &str,
    ask: &mut dyn Ask,
    console: &mut Console,
) -> Result<Approved, Failure> {
    let mut questions =
        Questions::new(&plan.digest, vec![plan.name.clone()], by, asked.asking.switches(), plan.overrides.clone());
    while questions.pending().is_some() {
        let question = Question { text: plan.question(), help: HELP };
        questions.answer(ask.ask(&question, console).map_err(|error| no_answer(&error, "sent"))?);
    }
    let approved = questions.into_approved().into_iter().next();
    approved.ok_or_else(|| Failure::new("declined: nothing was sent"))
}

const HELP: &str = "\
Y - Reset both servers of this relationship; A means the same.
N - Leave both as they are; L means the same.";
