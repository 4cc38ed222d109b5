//! What `update` wants done, and what is heard of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::approval::Approved;
use crate::engine::fleet::Fleet;
use crate::engine::outcome::RunReport;
use crate::engine::plan::{LeftOut, Plan};
use crate::engine::port::{Reading, Utilisation};
use crate::engine::progress::Status;
use crate::engine::reset::{ResetPlan, ResetReport};
use crate::engine::select::Pick;
use crate::engine::survey::Survey;
use crate::engine::{Error, Result};
use crate::model::{Foreign, ScopeId, ServerName};

use super::compared::Compared;
use super::detached::DetachedJob;
use super::drift::aligned::Left;
use super::export::Export;
use super::history::{Page, PastRun, RunDetail};
use super::preview::SaveAs;
use super::unsaved::LeftOver;

/// Names one piece of work given away; never used twice. News of work that nobody waits
/// for any more is recognised by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Something that has to happen outside of [`AppState`](super::state::AppState).
pub enum Effect {
    /// Read a server.
    Read(Ticket, ServerName),
    /// Ask a server whether anything has moved since this reading, and read what has; a server
    /// that has no mark to tell it by only where that is wanted.
    Watch(Ticket, ServerName, Option<Arc<Reading>>, bool),
    /// Read these scopes before others, the first before all, wherever a server is being read.
    LookAt(Arc<[ScopeId]>),
    /// Ask a server how many addresses are in use.
    Utilisation(Ticket, ServerName),
    /// Compare the sides of a relationship, given by its place in the survey, from this member.
    Compare(Ticket, Arc<Survey>, usize, usize),
    /// Open a scope on both sides of a relationship, given as for a comparison, and tell what a
    /// replication leaves as it is.
    Open(Ticket, Arc<Survey>, usize, usize, ScopeId),
    /// The same, as two texts for a program that compares them.
    Texts(Ticket, Arc<Survey>, usize, usize, ScopeId),
    /// Give the terminal to the program that compares two texts, until it ends.
    View(Ticket, Arc<Texts>, Vec<String>),
    /// Read what was picked again where it has moved, and make a plan.
    Plan(Ticket, Arc<Survey>, Vec<Pick>),
    /// The same once more for what a run left undone, less these items: its servers are read again in any case.
    Retry(Ticket, Arc<Survey>, Vec<Pick>, LeftOut),
    /// Make the same plan with these refusals overridden.
    Override(Ticket, Arc<Plan>, BTreeSet<String>),
    /// Make the same plan anew without these items.
    LeaveOut(Ticket, Arc<Plan>, LeftOut),
    /// Save a plan to a file.
    SavePlan(Ticket, Arc<Plan>, SaveAs),
    /// Read what is kept of a run, and plan back to the snapshot of this scope of this server, or to all.
    PlanUndo(Ticket, Arc<Survey>, String, Option<(ServerName, ScopeId)>),
    /// Read the servers of an interrupted run, and plan what it had not come to.
    PlanFinish(Ticket, String),
    /// Read the servers of an interrupted run, and tell how far it came.
    Tell(Ticket, String),
    /// Let an interrupted run be as it is, and list those that still wait.
    LeaveRun(Ticket, String),
    /// List kept runs before this one, or the newest, of which this text is a part.
    Runs(Ticket, Option<i64>, String),
    /// List the runs that were interrupted and wait.
    Interrupted(Ticket),
    /// Look up what is known to be amiss with the files of these servers.
    Unsaved(Ticket, Vec<ServerName>),
    /// Read the scopes of a kept run.
    OpenRun(Ticket, String),
    /// Read both servers of the relationship of this name, and plan its reset.
    PlanReset(Ticket, Arc<Survey>, Foreign),
    /// Reset both servers of a relationship.
    Reset(Ticket, Arc<ResetPlan>, Approved),
    /// Write. There is no other way to a write, and `Approved` is made by the engine alone.
    Run(Ticket, Arc<Plan>, Vec<Approved>),
    /// Give what was approved, less these scopes by their relationship's place in the plan, to a
    /// job of this title.
    StartJob(Ticket, Arc<Plan>, Vec<Approved>, BTreeSet<(usize, ScopeId)>, String),
    /// List the jobs.
    Jobs(Ticket),
    /// Ask a job to end, once more, and list the jobs.
    CancelJob(Ticket, i64),
    /// Take down that all of a plan was declined.
    Declined(Arc<Plan>),
    /// Take down that a reset was declined.
    DeclinedReset(Arc<ResetPlan>),
    /// Cancel a run: after the scope in flight; the second time after the request in flight.
    Cancel(Ticket),
    /// Drop work whose result nobody wants.
    Abandon(Ticket),
    /// Open the demo.
    OpenDemo(Ticket),
    /// Write what was on the screen to a file.
    Export(Ticket, Export),
    /// Tell the messages of our own log from this number on.
    ReadLog(u64),
    /// Send this to the terminal's clipboard.
    Copy(String),
    /// Stop the program as shells do.
    Suspend,
    /// Take the mouse, or leave it to the terminal
    Mouse(bool),
    /// Draw everything anew.
    Repaint,
    /// Ring the terminal's bell.
    Bell,
    /// End the program.
    Quit,
    /// End the program at once, and leave behind what is under way.
    Leave,
}

/// How far an interrupted run came in one scope; safe to show.
#[derive(Clone, Debug)]
pub struct ToldScope {
    /// Which scope.
    pub id: ScopeId,
    /// The server that was to be written.
    pub target: ServerName,
    /// The relationship.
    pub relationship: Foreign,
    /// Everything planned is there.
    pub is_done: bool,
    /// How it stands.
    pub words: String,
    /// Why it is told so.
    pub message: Option<String>,
}

/// What one server said when it was read.
pub type ReadOutcome = Result<Arc<Reading>>;

/// A scope on both sides as text; source first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// Whose they are, for the names of files: the scope and the server, cleaned.
    pub names: [String; 2],
    /// The texts, safe to show.
    pub texts: [String; 2],
}

/// What is heard of work given away.
pub enum News {
    /// A scope was opened: what a replication leaves as it is.
    Opened(Arc<[Left]>),
    /// A scope was opened as text.
    Texts(Arc<Texts>),
    /// The program that compares two texts has ended.
    Viewed,
    /// A server was read, or could not be.
    Read(ServerName, ReadOutcome),
    /// A server was asked whether anything has moved: `None` if nothing has. How long it is busy
    /// with that each time that nothing has.
    Watched(ServerName, Option<ReadOutcome>, Duration),
    /// A server is being read, and so much of it is known.
    Part(ServerName, Arc<Reading>),
    /// Addresses in use, by scope.
    Utilisation(ServerName, Option<BTreeMap<ScopeId, Utilisation>>),
    /// A relationship was compared.
    Compared(Arc<Compared>),
    /// A plan was made, from these readings.
    Planned(Arc<Plan>, Vec<(ServerName, ReadOutcome)>),
    /// A plan was saved to this file.
    PlanSaved(String),
    /// A reset was planned, from these readings.
    ResetPlanned(Arc<ResetPlan>, Vec<(ServerName, ReadOutcome)>),
    /// A reset has ended.
    ResetEnded(Arc<ResetReport>),
    /// A plan could not be made.
    NotPlanned(Error),
    /// Kept runs.
    Runs(Page),
    /// The runs that were interrupted and wait, the newest first.
    Interrupted(Vec<PastRun>),
    /// What is amiss with the files of servers.
    Unsaved(LeftOver),
    /// The scopes of a kept run.
    RunOpened(Arc<RunDetail>),
    /// How far an interrupted run came, and what its servers say besides.
    Told(String, Vec<ToldScope>, Vec<String>),
    /// A job of this number has taken over.
    JobStarted(i64),
    /// The jobs, the oldest first.
    Jobs(Vec<DetachedJob>),
    /// How far a run is.
    Status(Status),
    /// What was on the screen is in this file.
    Exported(String),
    /// A run has ended.
    RunEnded(Arc<RunReport>),
    /// The demo was opened.
    Demo(Arc<Fleet>),
    /// The work failed for a reason of its own; safe to show.
    Failed(String),
}
