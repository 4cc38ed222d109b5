//! `scopesync check --verify-windows`
//!
//! Read, show, ask, try, put back, report: a step at a time, and nothing is left behind.

mod lines;

use tokio::sync::watch::Receiver;

use super::Failure;
use super::args;
use super::console::Console;
use super::course::no_answer;
use super::reading::{survey, waiting};
use super::replicate::{Ask, Question, watch};
use crate::backend::windows::verify::{Answer, Report, Step, Walk};
use crate::engine::approval::{self, Approved, Manner, Questions};
use crate::engine::fleet::Fleet;
use crate::engine::port::{Control, Journal};
use crate::engine::progress::{Progress, Status};
use crate::engine::select::{Selection, select};
use crate::engine::verification::{Subject, Verification};
use crate::show::{Line, Role};

/// What is said when it is asked to end.
const ENDING: watch::Said =
    ["ending after this step: what it changes is put back first", "the scope is put back first: please wait"];

/// Walks the operator, whom `by` names and for whom `ask` answers, through what is not known of his
/// servers, and returns the exit status.
///
/// # Errors
/// Refused, declined or failed before anything was written.
pub async fn run(
    fleet: &Fleet,
    asked: &args::Check,
    journal: &dyn Journal,
    by: &str,
    ask: &mut dyn Ask,
    console: &mut Console,
) -> Result<u8, Failure> {
    let args::Verifying { scope: Some(scope), computer_name: Some(source), .. } = &asked.verifying else {
        return Err(Failure::new("which scope, and from which server?"));
    };
    let switches = asked.verifying.switches();
    if switches.manner() == Manner::Ask && !console.can_ask() {
        return Err(Failure::new("without a terminal nobody can be asked")
            .hint("--force takes all steps without asking, --what-if only lists them"));
    }
    let survey = survey(fleet, console).await?;
    let picked = select(&survey, &Selection::Scopes(vec![*scope]), &[fleet.resolve(source)?])?;
    let [picked] = &picked[..] else { return Err(Failure::new("one scope of one relationship is verified on")) };
    let subject = Subject::new(fleet, &survey, picked, asked.told())?;
    let (progress, status) = Progress::channel();
    let control = Control { progress, ..Control::free() };
    subject.can_be_put_back(&control).await?;
    let walk = waiting(console, "looking for clients".into(), Walk::new(&subject, &control)).await??;
    if switches.manner() == Manner::ShowOnly {
        show_only(asked.json, &walk, &subject, console);
        return Ok(0);
    }
    journal.ready()?;
    lines::intro(&walk, &subject).iter().for_each(|line| console.aside(line));
    let is_forced = switches.manner() == Manner::Go;
    let standing = is_forced.then_some(approval::Answer::YesToAll);
    let mut session = Session { walk, subject: &subject, control, status, ask, console, standing, is_forced };
    let began = session.begin(fleet, journal, by, switches).await;
    let verification = began.inspect_err(|failure| subject.not_begun(&failure.message, journal))?;
    let started = jiff::Timestamp::now();
    let answers = session.walk(&verification).await;
    let left = session.watched(verification.end()).await;
    let servers = session.walk.lines().await;
    let clients = session.walk.clients;
    let report = Report { subject: &subject, run: &verification.run, started, servers, clients, answers, left };
    match asked.json {
        true => console.json(&report.to_json()),
        false => console.lines(&lines::report(&report)),
    }
    console.flush();
    journal.tidy();
    Ok(if report.is_as_before() && report.advice().verified { 0 } else { 3 })
}

fn show_only(json: bool, walk: &Walk<'_>, subject: &Subject, console: &mut Console) {
    if json {
        console.json(&serde_json::json!({
            "schema": crate::backend::windows::verify::SCHEMA,
            "what_if": true,
            "relationship": subject.relationship,
            "scope_id": subject.id.short(),
            "prefix_length": subject.id.prefix_length,
            "clients": walk.clients,
            "steps": Step::ALL.map(|step| {
                let (question, does, unfit) = (step.question(), walk.does(step), walk.unfit(step));
                serde_json::json!({ "step": step, "question": question, "does": does, "hindrance": unfit })
            }),
        }));
        return;
    }
    console.lines(&lines::intro(walk, subject));
    for (step, n) in Step::ALL.into_iter().zip(1..) {
        console.lines(&lines::step(walk, step, n));
    }
    console.line(&Line::of(0, Role::Muted, "what if: nothing was written"));
}

/// A walk in course.
struct Session<'a> {
    walk: Walk<'a>,
    subject: &'a Subject,
    control: Control,
    status: Receiver<Status>,
    ask: &'a mut dyn Ask,
    console: &'a mut Console,
    /// The answer that holds for all further steps.
    standing: Option<approval::Answer>,
    /// Nobody is to be asked.
    is_forced: bool,
}

impl<'a> Session<'a> {
    /// Asks whether to begin at all.
    async fn begin(
        &mut self,
        fleet: &Fleet,
        journal: &'a dyn Journal,
        by: &str,
        switches: approval::Switches,
    ) -> Result<Verification<'a>, Failure> {
        let mut questions =
            Questions::new(&self.subject.digest, vec![self.subject.relationship.clone()], by, switches, [].into());
        while questions.pending().is_some() {
            let question = Question { text: lines::question(self.subject), help: HELP };
            let answer = self.ask.ask(&question, self.console).map_err(|error| no_answer(&error, "written"))?;
            if answer == approval::Answer::YesToAll {
                self.standing = Some(answer);
            }
            questions.answer(answer);
        }
        let approved: Option<Approved> = questions.into_approved().into_iter().next();
        let approved = approved.ok_or_else(|| Failure::new("declined: nothing was written"))?;
        let control = self.control.clone();
        Ok(self.watched(Verification::begin(fleet, self.subject, approved, journal, &control)).await?)
    }

    /// Every step, with an answer for each.
    async fn walk(&mut self, verification: &Verification<'a>) -> Vec<Answer> {
        let mut answers = Vec::new();
        let mut ended: Option<String> = None;
        for step in Step::ALL {
            let hindrance = match ended {
                Some(_) => None,
                None => self.walk.hindrance(step, &self.control).await,
            };
            let answer = match (&ended, hindrance) {
                (Some(why), _) => Answer::left_out(step, why),
                (None, Some(why)) if step.stops_service() => Answer::left_out(step, why),
                (None, Some(why)) => Answer::not_asked(step, why),
                (None, None) => match self.leave_out(step) {
                    Some(why) => Answer::left_out(step, why),
                    None => self.take(step, verification, &mut ended).await,
                },
            };
            if self.standing == Some(approval::Answer::NoToAll) || self.control.is_cancelled() {
                ended.get_or_insert_with(|| "ended by the operator".to_owned());
            }
            answers.push(answer);
        }
        answers
    }

    async fn take(&mut self, step: Step, verification: &Verification<'a>, ended: &mut Option<String>) -> Answer {
        let Session { walk, console, control, status, .. } = self;
        let work = async {
            let answer = walk.take(step, verification, control).await;
            (answer, verification.put_back().await)
        };
        let (answer, back) = watched(control, status, console, work).await;
        lines::answer(&answer).iter().for_each(|line| console.aside(line));
        // nothing is tried on what is no longer what was kept
        let stuck = back.iter().find_map(|left| match left {
            Ok(left) if left.is_empty() => None,
            Ok(left) => Some(left.iter().map(|change| change.title()).collect::<Vec<_>>().join(", ")),
            Err(error) => Some(error.with_hint()),
        });
        if let Some(why) = stuck {
            console.warning(format_args!("the scope could not be put back: {why}"));
            *ended = Some("the scope could not be put back".to_owned());
        }
        answer
    }

    /// Why a step is not taken.
    fn leave_out(&mut self, step: Step) -> Option<String> {
        match (step.stops_service(), self.standing) {
            (true, _) if self.is_forced => {
                return Some("it stops service for a moment, and nobody was asked".to_owned());
            }
            (false, Some(approval::Answer::YesToAll)) => return None,
            _ => {}
        }
        let question = Question { text: format!("{}: {}?", step.question(), self.walk.does(step)), help: HELP };
        match self.ask.ask(&question, self.console) {
            Ok(approval::Answer::Yes) => None,
            Ok(approval::Answer::YesToAll) => {
                self.standing = Some(approval::Answer::YesToAll);
                None
            }
            Ok(approval::Answer::No) => Some("left out by the operator".to_owned()),
            Ok(approval::Answer::NoToAll) => {
                self.standing = Some(approval::Answer::NoToAll);
                Some("ended by the operator".to_owned())
            }
            Err(error) => {
                self.standing = Some(approval::Answer::NoToAll);
                Some(format!("no answer: {error}"))
            }
        }
    }

    async fn watched<T>(&mut self, work: impl Future<Output = T>) -> T {
        watched(&self.control, &self.status, self.console, work).await
    }
}

/// Does it, and takes note of a wish to end, which ends nothing in the middle.
async fn watched<T>(
    control: &Control,
    status: &Receiver<Status>,
    console: &mut Console,
    work: impl Future<Output = T>,
) -> T {
    tokio::select! {
        biased;
        never = watch::watch(status.clone(), control, &ENDING, console) => match never {},
        done = work => done,
    }
}

const HELP: &str = "\
Y - Take this step, and put the scope back.
A - Take this step and all further ones; the one that stops service asks again.
N - Leave this step out.
L - Take no further step: the report tells what was found so far.";
