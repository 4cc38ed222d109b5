//! From a plan to the end of its run: the same for a replication, an undo and a recovery.

use std::collections::BTreeSet;
use std::io;

use super::Failure;
use super::args::Asking;
use super::console::Console;
use super::replicate::{Ask, Handover, Question, watch};
use crate::engine::approval::{Answer, Approved, Manner, OVERRIDES, Questions};
use crate::engine::fleet::Fleet;
use crate::engine::outcome::{Outcome, RunReport};
use crate::engine::plan::{Plan, PlannedRelationship};
use crate::engine::port::{Control, Journal};
use crate::engine::progress::Progress;
use crate::engine::run;
use crate::show::{self, Line, Role, ScopeNames};

/// Who asked for a plan, and what it takes to carry it out.
pub(super) struct Course<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) asking: &'a Asking,
    pub(super) journal: &'a dyn Journal,
    /// The operator, for records.
    pub(super) by: &'a str,
    /// Answers for the operator.
    pub(super) ask: &'a mut dyn Ask,
    pub(super) console: &'a mut Console,
}

/// How it ended.
pub(super) enum End {
    /// It was only shown; whether some of it is blocked.
    Shown { blocked: bool },
    /// A job carries it out; the exit status.
    HandedOver(u8),
    /// It was run.
    Ran(Box<Plan>, RunReport),
}

impl End {
    /// The exit status.
    pub(super) fn status(&self) -> u8 {
        match self {
            End::Shown { blocked } => 3 * u8::from(*blocked),
            End::HandedOver(status) => *status,
            End::Ran(_, report) => report.exit_status(),
        }
    }
}

impl Course<'_> {
    /// The plan with what holds for every one: it is remembered unless it is only shown, and says
    /// what was asked for. `told` is that.
    ///
    /// # Errors
    /// An override that nothing is called.
    pub(super) fn complete(&self, mut plan: Plan, told: serde_json::Value) -> Result<Plan, Failure> {
        if self.asking.manner() != Manner::ShowOnly {
            plan = plan.kept_by(self.journal);
        }
        name_read_only_switch(self.fleet, &mut plan);
        plan.asked = told;
        known_overrides(&self.asking.overrides, &plan)?;
        Ok(plan)
    }

    /// Shows the plan, asks, and runs it, in a job of its own if there is a `handover`. Where
    /// nothing of it can be written, `refused` says so.
    ///
    /// # Errors
    /// Refused, declined or failed before anything was written.
    pub(super) async fn carry_out(
        &mut self,
        plan: Plan,
        names: &ScopeNames,
        refused: &str,
        handover: Option<Handover<'_>>,
    ) -> Result<End, Failure> {
        if self.asking.manner() == Manner::ShowOnly {
            preview_only(self.asking.json, &plan, names, self.console);
            return Ok(End::Shown { blocked: plan.is_blocked_anywhere() });
        }
        for line in show::plan(&plan, names) {
            self.console.aside(&line);
        }
        if plan.scopes_to_write() == 0 && plan.is_blocked_anywhere() {
            run::not_begun(&plan, self.journal);
            return Err(Failure::new(refused).hint("the reasons stand above"));
        }
        let approved = self.approve(&plan).inspect_err(|_| run::not_begun(&plan, self.journal))?;
        // where everything was declined there is nothing to hand over
        if let Some(handover) = handover.filter(|_| !approved.is_empty()) {
            let status = handover.start(self.fleet, self.asking.json, &plan, &approved, self.console).await?;
            return Ok(End::HandedOver(status));
        }
        let report = self.execute(&plan, approved).await;
        finish(self.asking.json, &plan, &report, names, self.console);
        self.console.flush();
        self.journal.tidy();
        Ok(End::Ran(Box::new(plan), report))
    }

    fn approve(&mut self, plan: &Plan) -> Result<Vec<Approved>, Failure> {
        let names = plan.relationships.iter().map(|relationship| relationship.name.clone()).collect();
        let mut questions =
            Questions::new(&plan.digest, names, self.by, self.asking.switches(), plan.overrides.clone());
        questions.ask_by_itself(plan.deleting(|count| self.ask.wants_name(count)));
        while let Some((at, _)) = questions.pending() {
            let answer = self.answer(plan, &plan.relationships[at]).map_err(|error| no_answer(&error, "written"))?;
            questions.answer(answer);
        }
        Ok(questions.into_approved())
    }

    /// The answer for one relationship. A yes to many deletions holds with its name alone.
    fn answer(&mut self, plan: &Plan, planned: &PlannedRelationship) -> io::Result<Answer> {
        let writing: Vec<_> = planned.to_write(&plan.overrides).collect();
        // Where no scope is written there is nothing to ask; what an earlier run left unsaved is saved.
        if writing.is_empty() {
            return Ok(Answer::Yes);
        }
        let answer = self.ask.ask(&Question::new(planned, &writing), self.console)?;
        let deletions = planned.deletions(&plan.overrides);
        let is_yes = matches!(answer, Answer::Yes | Answer::YesToAll);
        let is_confirmed = !is_yes
            || !self.ask.wants_name(deletions)
            || self.ask.is_named(&planned.name_to_type(), deletions, self.console)?;
        Ok(if is_confirmed { answer } else { Answer::No })
    }

    async fn execute(&mut self, plan: &Plan, approved: Vec<Approved>) -> RunReport {
        let (progress, status) = Progress::channel();
        let control = Control { progress, ..Control::free() };
        tokio::select! {
            // The watch first: it takes the signals over before anything is written.
            biased;
            never = watch::watch(status, &control, &watch::WRITING, self.console) => match never {},
            report = run::run(self.fleet, plan, approved, self.journal, &control) => report,
        }
    }
}

/// Says which of the two switches forbids to write.
fn name_read_only_switch(fleet: &Fleet, plan: &mut Plan) {
    let blocked = plan.relationships.iter_mut().filter_map(|planned| planned.blocked.as_mut());
    for refusal in blocked.filter(|refusal| refusal.name == "read-only") {
        refusal.hint = match fleet.read_only {
            true => "--read-only was given: leave it out to write".into(),
            false => "its entry in the configuration says read_only = true; nothing overrides it".into(),
        };
    }
}

/// A misspelt override must not look like one that does not apply.
fn known_overrides(overrides: &[String], plan: &Plan) -> Result<(), Failure> {
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

fn preview_only(json: bool, plan: &Plan, names: &ScopeNames, console: &mut Console) {
    if json {
        console.json(&plan.to_json());
    } else {
        console.lines(&show::plan(plan, names));
        let text = "what if: nothing was written";
        console.line(&Line::of(0, Role::Muted, text));
    }
}

/// The question could not be answered, so nothing was `done`: written, sent.
pub(super) fn no_answer(error: &io::Error, done: &str) -> Failure {
    match error.kind() {
        io::ErrorKind::Interrupted => Failure::new(format!("interrupted: nothing was {done}")),
        _ => Failure::new(format!("nothing was {done}: the answer cannot be read: {error}")),
    }
}

fn finish(json: bool, plan: &Plan, report: &RunReport, names: &ScopeNames, console: &mut Console) {
    if plan.scopes_to_write() == 0 {
        console.note(match plan.undoes() {
            None if !plan.left_out().is_empty() => "there is nothing to replicate but what is left out",
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
