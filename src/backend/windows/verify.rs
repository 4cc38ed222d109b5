//! Finding out on a real pair what is not published about replication (MS-DHCPM has no call for it, and
//! the pages of `PS_DhcpServerv4FailoverReplication` leave it open), by trying it on one scope.
//!
//! A step makes one harmless change by the typed calls, has the source replicate, and reads both sides
//! back. Bringing them back to how they were is the engine's
//! ([`Verification::put_back`](crate::engine::verification::Verification::put_back)).

mod answer;
mod step;
mod trial;

use std::any::Any;
use std::time::Instant;

use serde::Deserialize as _;

pub use answer::{Advice, Answer, Call, NOT_TRIED, Report, SCHEMA, ServerLine, Verdict};
pub use step::Step;

use super::cim;
use super::replicator::{leads_there, partner};
use super::scope::Told;
use super::server::WindowsServer;
use super::wsman::{Code, Failure, Value};
use crate::engine::port::{Control, Server};
use crate::engine::progress::Waiting;
use crate::engine::verification::{Side, Subject, Verification};
use crate::engine::{Error, ErrorKind, Result, drift};
use crate::model::{Foreign, ItemKey, Scope};
use trial::Trial;

/// The server's own type.
///
/// # Errors
/// It is no Windows server.
fn windows(side: &Side) -> Result<&WindowsServer> {
    let found = (&*side.server as &dyn Any).downcast_ref::<WindowsServer>();
    let what = "this is no Windows server: only replications of these have anything that is not known";
    found.ok_or_else(|| Error::new(ErrorKind::Unsupported, what).on(side.server.name()))
}

/// Both servers, and what was found so far.
pub struct Walk<'a> {
    subject: &'a Subject,
    servers: [&'a WindowsServer; 2],
    told: Told,
    /// Clients that have an address of the scope, where the source tells.
    pub clients: Option<u64>,
    calls: Vec<Call>,
    hop: Hop,
    may_write: [Option<bool>; 2],
    /// A call of which nobody told what came of it, and that may still be carried out.
    pending: Option<&'static str>,
}

/// Whether the source gets through to the target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hop {
    Unasked,
    Through,
    Stopped,
    /// The target did not answer it.
    Away,
}

/// A step that came to no answer, and why.
struct Unanswered(String);

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Unanswered(error.with_hint())
    }
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Error::from(failure).into()
    }
}

/// What a step found: the answer, and what there is to say of it.
type Found = std::result::Result<(bool, String), Unanswered>;

impl<'a> Walk<'a> {
    /// A walk over this scope; reads only.
    ///
    /// # Errors
    /// They are no Windows servers.
    pub async fn new(subject: &'a Subject, ctl: &Control) -> Result<Self> {
        let [source, target] = &subject.sides;
        let servers = [windows(source)?, windows(target)?];
        let told = Told::deserialize(&*source.start.native)
            .map_err(|error| Error::new(ErrorKind::Garbled, error.to_string()).on(source.server.name()))?;
        let (calls, may_write) = (Vec::new(), [None; 2]);
        let mut walk =
            Walk { subject, servers, told, clients: None, calls, hop: Hop::Unasked, may_write, pending: None };
        walk.count_clients(ctl).await;
        Ok(walk)
    }

    /// What a step does, in one line.
    pub fn does(&self, step: Step) -> String {
        let [source, target] = self.servers.map(|server| server.name().to_string());
        step.does(&source, &target)
    }

    /// How both servers are reached, and what they say they are.
    pub async fn lines(&self) -> Vec<ServerLine> {
        let mut lines = Vec::new();
        for (side, server) in self.subject.sides.iter().zip(self.servers) {
            let client = server.dhcp().client();
            let system = client.identify().await.ok().and_then(|told| told.version);
            lines.push(ServerLine {
                server: server.name().to_string(),
                role: if lines.is_empty() { "source" } else { "target" },
                dhcp_version: side.version.as_ref().map(Foreign::to_string),
                system: system.map(|version| version.to_string()),
                scheme: client.scheme_used(),
                partner: partner(&side.membership).ok().map(|partner| partner.url.to_string()),
            });
        }
        lines
    }

    /// Takes one step. Whatever becomes of it, both sides have to be put back after it.
    pub async fn take(&mut self, step: Step, verification: &Verification<'_>, ctl: &Control) -> Answer {
        let waiting = Waiting { for_what: step.question().to_owned(), expected: None, run: None };
        ctl.progress.update(|status| status.waiting = Some(waiting));
        let began = Instant::now();
        let found = self.find_out(step, verification, ctl).await;
        let answer = Answer::new(step, found.map_err(|why| why.0), std::mem::take(&mut self.calls), began.elapsed());
        if answer.may_go_on() {
            self.pending = Some(step.question());
        }
        answer
    }

    /// What this scope, as it is now, has against a step, whatever the steps before it find.
    pub fn unfit(&self, step: Step) -> Option<String> {
        if !step.stops_service() {
            return step.changes_something().then(|| Trial::of(step, &self.told).err()).flatten();
        }
        let is_active = self.told.scope.state.as_ref().is_some_and(|state| state.raw().eq_ignore_ascii_case("Active"));
        match (is_active, self.clients) {
            (true, Some(0)) => None,
            (false, _) => Some("the scope is not active, and is not made so".to_owned()),
            (true, Some(clients)) => Some(format!("addresses of the scope are in use: {clients}")),
            (true, None) => Some("whether addresses of the scope are in use is not known".to_owned()),
        }
    }

    /// What an earlier answer, or the scope itself, has against a step. Reads only.
    pub async fn hindrance(&mut self, step: Step, ctl: &Control) -> Option<String> {
        let [source, target] = self.servers.map(Server::name);
        match self.hop {
            Hop::Stopped if step.replicates() => {
                return Some(format!("not asked: {source} does not get through to {target}"));
            }
            Hop::Away if step.replicates() => return Some(format!("not asked: {target} did not answer {source}")),
            _ => {}
        }
        if let Some(question) = self.pending.filter(|_| step.changes_something() || step.replicates()) {
            return Some(format!("not asked: a call of \"{question}\" may still be carried out, and would disturb it"));
        }
        let changed: &[usize] = match step {
            Step::SourceRight | Step::TargetRight | Step::SecondHop => &[],
            Step::Unchanged | Step::Exclusion | Step::Direct => &[1],
            _ => &[0, 1],
        };
        // nothing is changed that is not known to be put back
        if let Some(side) = changed.iter().find(|side| self.may_write[**side] != Some(true)) {
            let server = self.servers[*side].name();
            return Some(format!("not asked: it was not seen that {server} takes changes, and so could be put back"));
        }
        if step.stops_service() {
            self.count_clients(ctl).await;
        }
        self.unfit(step)
    }

    async fn count_clients(&mut self, ctl: &Control) {
        let used = self.servers[0].utilisation(ctl).await.ok().flatten();
        self.clients = used.and_then(|used| used.get(&self.subject.id).map(|scope| scope.assigned));
    }

    async fn find_out(&mut self, step: Step, verification: &Verification<'_>, ctl: &Control) -> Found {
        match step {
            Step::SourceRight => self.may_write(step, 0).await,
            Step::TargetRight => self.may_write(step, 1).await,
            Step::SecondHop => self.second_hop().await,
            Step::Unchanged => self.unchanged(verification).await,
            Step::Exclusion => self.overwritten(step, verification, ctl).await,
            Step::Direct => self.directly(verification, ctl).await,
            Step::Unforced => self.unforced(step, verification, ctl).await,
            Step::Description
            | Step::Delay
            | Step::Superscope
            | Step::DnsSetting
            | Step::DisabledPolicy
            | Step::State => self.carried(step, verification, ctl).await,
        }
    }

    async fn may_write(&mut self, step: Step, side: usize) -> Found {
        let done = self.change(side, &Trial::of(step, &self.told).map_err(Unanswered)?).await;
        let found = told_of(done, |()| "it took what it had already".to_owned())?;
        self.may_write[side] = Some(found.0);
        Ok(found)
    }

    async fn second_hop(&mut self) -> Found {
        let partner = partner(&self.subject.sides[0].membership)?.url.clone();
        let beyond = self.servers[0].dhcp().beyond(&partner);
        let done = self.called(0, format!("PS_DhcpServerVersion.Get of {partner}"), beyond.version()).await;
        self.hop = Hop::Away;
        if let Err(failure) = &done
            && is_away(failure)
        {
            // whether it would take us there is another question
            return Err(failure.clone().into());
        }
        let found = told_of(done, |version| format!("{partner} answers as {}.{}", version.major, version.minor))?;
        self.hop = if found.0 { Hop::Through } else { Hop::Stopped };
        Ok(found)
    }

    async fn unchanged(&mut self, verification: &Verification<'_>) -> Found {
        let done = self.replicate(true).await;
        let (yes, found) = told_of(done, |given| format!("it gives {given}"))?;
        let now = verification.look().await?;
        let moved = self.moved(&now);
        Ok(match moved.is_empty() {
            true => (yes, found),
            false => (false, format!("{found}; but afterwards {}", moved.join(", "))),
        })
    }

    async fn carried(&mut self, step: Step, verification: &Verification<'_>, ctl: &Control) -> Found {
        let trial = Trial::of(step, &self.told).map_err(Unanswered)?;
        self.change(0, &trial).await?;
        unless_stopped(ctl)?;
        let done = self.replicate(true).await;
        let now = verification.look().await?;
        self.arrived(&now, done)
    }

    async fn unforced(&mut self, step: Step, verification: &Verification<'_>, ctl: &Control) -> Found {
        let trial = Trial::of(step, &self.told).map_err(Unanswered)?;
        self.change(0, &trial).await?;
        unless_stopped(ctl)?;
        let done = self.replicate(false).await;
        let now = verification.look().await?;
        let said = match &done {
            Ok(_) => "it was taken".to_owned(),
            Err(failure) => Error::from(failure.clone()).to_string(),
        };
        let (carried, _) = self.arrived(&now, Ok(String::new()))?;
        if done.as_ref().is_err_and(|failure| !is_answer(failure)) {
            // no answer is no refusal
            return Err(Unanswered(said));
        }
        Ok(match (carried, &done) {
            (true, _) => (false, format!("{said}, and the change was carried")),
            (false, Ok(_)) => (true, "it says that it succeeded, and carries nothing".to_owned()),
            (false, Err(_)) => (true, said),
        })
    }

    /// Whether what the source has otherwise than before is on the target, too.
    fn arrived(&self, now: &[Scope; 2], done: cim::Result<String>) -> Found {
        let [source, target] = now;
        let changed = drift::compare(source, &self.subject.sides[0].start);
        if changed.is_empty() {
            let what = format!("{} took the change and does not show it", self.servers[0].name());
            return Err(Unanswered(what));
        }
        let left = drift::compare(source, target);
        let is_changed = |key: &ItemKey| changed.iter().any(|change| change.key == *key);
        let missing: Vec<String> =
            left.iter().filter(|one| is_changed(&one.key)).map(|change| change.title()).collect();
        let others: Vec<String> =
            left.iter().filter(|one| !is_changed(&one.key)).map(|change| change.title()).collect();
        let mut said = match (missing.is_empty(), &done) {
            (true, Ok(_)) => "carried".to_owned(),
            (true, Err(failure)) => format!("carried, although the call failed: {failure}"),
            (false, Ok(_)) => format!("left as they were: {}", missing.join(", ")),
            (false, Err(failure)) => return Err(failure.clone().into()),
        };
        if !others.is_empty() {
            said.push_str(&format!("; now different as well: {}", others.join(", ")));
        }
        Ok((missing.is_empty(), said))
    }

    /// Whether what only the target has goes.
    async fn overwritten(&mut self, step: Step, verification: &Verification<'_>, ctl: &Control) -> Found {
        let trial = Trial::of(step, &self.told).map_err(Unanswered)?;
        self.change(1, &trial).await?;
        unless_stopped(ctl)?;
        let done = self.replicate(true).await;
        let now = verification.look().await?;
        let left: Vec<String> = drift::compare(&now[0], &now[1]).iter().map(|change| change.title()).collect();
        match (left.is_empty(), done) {
            (true, Ok(_)) => Ok((true, "it is gone".to_owned())),
            (true, Err(failure)) => Ok((true, format!("it is gone, although the call failed: {failure}"))),
            (false, Ok(_)) => Ok((false, format!("still different: {}", left.join(", ")))),
            (false, Err(failure)) => Err(failure.into()),
        }
    }

    async fn directly(&mut self, verification: &Verification<'_>, ctl: &Control) -> Found {
        const CHANGES: [Step; 6] =
            [Step::Description, Step::Delay, Step::Superscope, Step::DnsSetting, Step::DisabledPolicy, Step::Exclusion];
        let mut before = verification.look_at(1).await?;
        let (mut taken, mut refused, mut unanswered) = (Vec::new(), Vec::new(), Vec::new());
        for step in CHANGES {
            unless_stopped(ctl)?;
            let Ok(trial) = Trial::of(step, &self.told) else { continue };
            let done = self.change(1, &trial).await;
            let now = verification.look_at(1).await?;
            let made: Vec<String> = drift::compare(&now, &before).iter().map(|change| change.title()).collect();
            match (made.is_empty(), done) {
                (false, Ok(())) => taken.extend(made),
                (_, Err(failure)) if !is_answer(&failure) => unanswered.push(format!("{}: {failure}", trial.call())),
                (_, Err(failure)) => refused.push(format!("{}: {failure}", trial.call())),
                (true, Ok(())) => refused.push(format!("{}: taken, and nothing is different", trial.call())),
            }
            before = now;
        }
        match (refused.is_empty(), unanswered.is_empty()) {
            (false, _) => Ok((false, refused.join("; "))),
            (true, false) => Err(Unanswered(unanswered.join("; "))),
            (true, true) => Ok((true, format!("taken: {}", taken.join(", ")))),
        }
    }

    /// Sides that are no longer as they were.
    fn moved(&self, now: &[Scope; 2]) -> Vec<String> {
        let sides = self.subject.sides.iter().zip(now).filter_map(|(side, now)| {
            let changes = drift::compare(now, &side.start);
            let titles: Vec<String> = changes.iter().map(|change| change.title()).collect();
            (!titles.is_empty()).then(|| format!("{} has another {}", side.server.name(), titles.join(", ")))
        });
        sides.collect()
    }

    async fn change(&mut self, side: usize, trial: &Trial) -> cim::Result<()> {
        let (server, scope) = (self.servers[side], self.subject.id.network);
        self.called(side, trial.call().to_owned(), trial.set(server, scope)).await
    }

    /// Has the source replicate, and gives what it gives. An answer that does not say what it came to is one
    /// all the same: that is read back.
    async fn replicate(&mut self, force: bool) -> cim::Result<String> {
        const CALL: &str = "PS_DhcpServerv4FailoverReplication.InvokeByScopeId";
        let (dhcp, scope) = (self.servers[0].dhcp(), self.subject.id);
        leads_there(dhcp, &self.subject.sides[0].membership, &[scope]).await?;
        let done = self.called(0, CALL.to_owned(), dhcp.replicate_one(force, scope.network)).await;
        let given = match done {
            Ok(values) => Ok(form(&values)),
            Err(Failure::Other(error)) if error.kind == ErrorKind::Garbled && error.in_doubt => {
                Ok(format!("an answer that is not understood ({})", error.what))
            }
            Err(failure) => Err(failure),
        };
        if let Some(call) = self.calls.last_mut() {
            call.output = given.as_ref().ok().cloned();
        }
        given
    }

    /// Takes note of a call.
    async fn called<T>(
        &mut self,
        side: usize,
        call: String,
        done: impl Future<Output = cim::Result<T>>,
    ) -> cim::Result<T> {
        let asked = Instant::now();
        let done = done.await;
        self.calls.push(Call::new(self.servers[side].name().to_string(), call, asked.elapsed(), done.as_ref().err()));
        done
    }
}

fn told_of<T>(done: cim::Result<T>, words: impl FnOnce(T) -> String) -> Found {
    match done {
        Ok(given) => Ok((true, words(given))),
        Err(failure) if is_answer(&failure) => Ok((false, Error::from(failure).with_hint())),
        Err(failure) => Err(failure.into()),
    }
}

/// A refusal is an answer. What is lost or garbled is none, nor is what ran out of time, ended on the way or had
/// too much to do.
fn is_answer(failure: &Failure) -> bool {
    const NONE: [ErrorKind; 4] = [ErrorKind::TimedOut, ErrorKind::Unreachable, ErrorKind::TooLarge, ErrorKind::Busy];
    let is_fault = matches!(failure, Failure::Fault(_));
    is_fault && !failure.is_busy() && !NONE.contains(&Error::from(failure.clone()).kind)
}

/// Whether a call that was to change something may be carried out later: no answer to it came, or its server
/// says that it ended on the way.
fn may_go_on(failure: &Failure) -> bool {
    let error = Error::from(failure.clone());
    let is_over = matches!(
        error.kind,
        ErrorKind::Refused
            | ErrorKind::Busy
            | ErrorKind::Empty
            | ErrorKind::Unsupported
            | ErrorKind::Garbled
            | ErrorKind::TooLarge
    );
    error.in_doubt && !is_over
}

/// The DHCP service there did not answer whoever asked, or its name leads nowhere.
fn is_away(failure: &Failure) -> bool {
    matches!(failure.code(), Some(Code::Dhcp(20_122..=20_124) | Code::Win32(1722 | 1753)))
}

fn unless_stopped(ctl: &Control) -> std::result::Result<(), Unanswered> {
    if ctl.is_cancelled() { Err(Unanswered("stopped by the operator".to_owned())) } else { Ok(()) }
}

/// How an output looks: nothing of it is needed, and nobody has told what it is.
fn form(values: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Text(text) => format!("the text {:?}", text.to_string()),
        Value::Instance(instance) => format!("an instance of {}", instance.class),
    };
    match values {
        [] => "no output".to_owned(),
        values => values.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}
