//! What was found, what it means for the program, and what to write into the configuration.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Step;
use crate::backend::windows::wsman::Failure;
use crate::engine::verification::{Left, Subject};

/// The schema of the report's JSON.
pub const SCHEMA: &str = "scopesync.windows-verification/1";

/// One call of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// The server that was asked.
    pub server: String,
    /// Such as `PS_DhcpServerv4Scope.SetByWithoutRange`.
    pub call: String,
    /// How long it took.
    pub seconds: f64,
    /// The number of its failure, such as `DHCP 20116`.
    pub code: Option<String>,
    /// Why it failed; safe to show.
    pub failure: Option<String>,
    /// The form of its output, where that is asked for.
    pub output: Option<String>,
    /// It was to change something, and may still do so: nobody told what came of it.
    pub may_go_on: bool,
}

impl Call {
    pub(super) fn new(server: String, call: String, took: Duration, failure: Option<&Failure>) -> Self {
        Call {
            server,
            call,
            seconds: seconds(took),
            code: failure.and_then(Failure::code).map(|code| code.to_string()),
            failure: failure.map(ToString::to_string),
            output: None,
            may_go_on: failure.is_some_and(super::may_go_on),
        }
    }
}

fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e3).round() / 1e3
}

/// What an answer is to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes.
    Expected,
    /// No, which the program knows how to deal with.
    Otherwise,
    /// No, and the program depends on a yes.
    Unexpected,
    /// There is no answer.
    Unanswered,
    /// The operator left it out.
    LeftOut,
}

impl Verdict {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Expected => "yes",
            Verdict::Otherwise => "no",
            Verdict::Unexpected => "NO",
            Verdict::Unanswered => "no answer",
            Verdict::LeftOut => "left out",
        }
    }
}

/// What a step found.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The step.
    pub step: Step,
    /// What it is to the program.
    pub verdict: Verdict,
    /// What was seen; safe to show.
    pub found: String,
    /// Its calls, in order.
    pub calls: Vec<Call>,
    /// How long all of it took, reading back included.
    pub took: Duration,
}

impl Answer {
    pub(super) fn new(step: Step, found: Result<(bool, String), String>, calls: Vec<Call>, took: Duration) -> Self {
        let (verdict, found) = match found {
            Ok((true, found)) => (Verdict::Expected, found),
            Ok((false, found)) if step.otherwise().is_some() => (Verdict::Otherwise, found),
            Ok((false, found)) => (Verdict::Unexpected, found),
            Err(why) => (Verdict::Unanswered, why),
        };
        Answer { step, verdict, found, calls, took }
    }

    /// A step that was not taken, by the operator's word.
    pub fn left_out(step: Step, why: impl Into<String>) -> Self {
        Answer { verdict: Verdict::LeftOut, ..Answer::not_asked(step, why.into()) }
    }

    /// A step that no sense is left in.
    pub fn not_asked(step: Step, why: String) -> Self {
        Answer::new(step, Err(why), Vec::new(), Duration::ZERO)
    }

    /// Whether a call of it, of which nobody knows what came of it, may be carried out later: reading back did
    /// not tell.
    pub fn may_go_on(&self) -> bool {
        self.verdict == Verdict::Unanswered && self.calls.iter().any(|call| call.may_go_on)
    }

    fn to_json(&self) -> Json {
        json!({
            "step": self.step,
            "question": self.step.question(),
            "verdict": self.verdict,
            "found": self.found,
            "seconds": seconds(self.took),
            "calls": self.calls,
        })
    }
}

/// One of the two servers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServerLine {
    /// Its name in the configuration.
    pub server: String,
    /// `source`, `target`.
    pub role: &'static str,
    /// The version of its DHCP server.
    pub dhcp_version: Option<String>,
    /// What its WinRM service says of its system.
    pub system: Option<String>,
    /// How we proved who we are.
    pub scheme: Option<String>,
    /// By which name it goes to its partner.
    pub partner: Option<String>,
}

/// What the answers come to for the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What `replication` of the target's entry should be; `None` where no way of writing works.
    pub replication: Option<&'static str>,
    /// All that the program depends on is as it expects.
    pub verified: bool,
    /// Why; safe to show.
    pub reason: String,
}

impl Advice {
    /// From the answers.
    pub fn of(answers: &[Answer]) -> Self {
        let verdict = |step| answers.iter().find(|answer| answer.step == step).map(|answer| answer.verdict);
        let yes = |step| verdict(step) == Some(Verdict::Expected);
        let direct = yes(Step::TargetRight) && yes(Step::Direct);
        let hops = verdict(Step::SecondHop);
        let native = yes(Step::SecondHop) && [Step::Unchanged, Step::Description, Step::Exclusion].into_iter().all(yes);
        let is_lost = |answer: &&Answer| answer.verdict == Verdict::Otherwise && answer.step.is_of_properties();
        let lost: Vec<&str> = answers.iter().filter(is_lost).map(|answer| answer.step.question()).collect();
        let (replication, reason) = match (native, direct) {
            (true, true) if lost.is_empty() => {
                (Some("auto"), "the source's own replication and direct writes both work".to_owned())
            }
            (true, true) => {
                (Some("direct"), format!("the source does not carry everything (no to: {})", lost.join("; ")))
            }
            (true, false) => (Some("native"), "the target did not take direct writes".to_owned()),
            (false, true) if hops == Some(Verdict::Otherwise) => {
                (Some("direct"), "the source does not get through to the target".to_owned())
            }
            (false, true) => (Some("direct"), "what the source replicates by itself is not proven here".to_owned()),
            (false, false) => (None, "no way of writing is proven here".to_owned()),
        };
        // whoever leaves the scope in service leaves one question open that the program needs no answer to
        let is_spared = |answer: &Answer| answer.step.stops_service() && answer.verdict == Verdict::LeftOut;
        let is_open = |answer: &Answer| {
            matches!(answer.verdict, Verdict::Unexpected | Verdict::Unanswered | Verdict::LeftOut)
                && !is_moot(answers, answer)
                && !is_spared(answer)
        };
        let open = answers.iter().filter(|answer| is_open(answer)).count();
        let verified = replication.is_some() && open == 0 && answers.len() == Step::ALL.len();
        Advice { replication, verified, reason }
    }
}

/// Where the source does not get through, its own replications need no answer.
fn is_moot(answers: &[Answer], answer: &Answer) -> bool {
    let is_stuck = |one: &Answer| one.step == Step::SecondHop && one.verdict == Verdict::Otherwise;
    answer.step.replicates() && answers.iter().any(is_stuck)
}

/// All that was found.
pub struct Report<'a> {
    /// The scope.
    pub subject: &'a Subject,
    /// The run's name in the history.
    pub run: &'a str,
    /// When it began.
    pub started: jiff::Timestamp,
    /// Both servers, source first.
    pub servers: Vec<ServerLine>,
    /// Clients that had an address of the scope.
    pub clients: Option<u64>,
    /// The answers, in the order of the steps.
    pub answers: Vec<Answer>,
    /// How both sides stand beside how they were, source first.
    pub left: [Left; 2],
}

impl Report<'_> {
    /// Both sides are as they were.
    pub fn is_as_before(&self) -> bool {
        self.left.iter().all(|left| left.as_ref().is_ok_and(Vec::is_empty))
    }

    /// What the answers come to.
    pub fn advice(&self) -> Advice {
        Advice::of(&self.answers)
    }

    /// Calls that may still be carried out, each with its server.
    pub fn pending(&self) -> Vec<String> {
        let calls = self.answers.iter().filter(|answer| answer.may_go_on()).flat_map(|answer| &answer.calls);
        calls.filter(|call| call.may_go_on).map(|call| format!("{} on {}", call.call, call.server)).collect()
    }

    /// What to do where a side is not as it was, or may not stay so; nothing else.
    pub fn mending(&self) -> Vec<String> {
        if self.is_as_before() && self.pending().is_empty() {
            return Vec::new();
        }
        let scope = self.subject.id.short();
        vec![
            format!("scopesync undo {}                  brings both sides back", self.run),
            format!("scopesync drift --scope-id {scope}   shows how they differ"),
        ]
    }

    /// The report as JSON.
    pub fn to_json(&self) -> Json {
        let side = |(line, left): (&ServerLine, &Left)| {
            let mut line = serde_json::to_value(line).unwrap_or_default();
            line["as_before"] = left.as_ref().map(Vec::is_empty).ok().into();
            line["left"] = match left {
                Ok(left) => left.iter().map(|change| change.title()).collect::<Vec<_>>().into(),
                Err(error) => vec![error.with_hint()].into(),
            };
            line
        };
        json!({
            "schema": SCHEMA,
            "program": env!("CARGO_PKG_VERSION"),
            "run": self.run,
            "started": self.started.to_string(),
            "relationship": self.subject.relationship,
            "scope_id": self.subject.id.short(),
            "prefix_length": self.subject.id.prefix_length,
            "servers": self.servers.iter().zip(&self.left).map(side).collect::<Vec<_>>(),
            "clients": self.clients,
            "steps": self.answers.iter().map(Answer::to_json).collect::<Vec<_>>(),
            "not_tried": NOT_TRIED,
            "as_before": self.is_as_before(),
            "may_still_be_carried_out": self.pending(),
            "advice": self.advice(),
            "mend": self.mending(),
        })
    }
}

/// Questions that one scope cannot answer without doing harm.
pub const NOT_TRIED: [&str; 5] = [
    "a scope that the target lacks: created or refused",
    "a replication outside the state Normal",
    "several scopes in one call, one of which fails",
    "direct calls for reservations, options, ranges and policies that are made anew",
    "a call whose answer is lost: the server may carry it out later",
];
