//! Jobs of processes of their own, as the jobs view lists them.

mod undone;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::history::JobState;
use crate::show::Progress;

use super::effect::Ticket;
use super::fleet::marks::Marks;
use super::state::Tone;

pub use undone::Undone;

/// A job, safe to show.
#[derive(Clone, Debug, PartialEq)]
pub struct DetachedJob {
    /// Its number.
    pub id: i64,
    /// When it was made.
    pub created: jiff::Timestamp,
    /// What it does.
    pub title: String,
    /// How it stands.
    pub state: JobState,
    /// Who made it, and where.
    pub who: String,
    /// How often it was asked to end.
    pub cancel: u32,
    /// How far it is.
    pub progress: Option<Progress>,
    /// What it told at its end.
    pub told: Vec<String>,
    /// Its exit status, once it is over.
    pub exit_status: Option<u8>,
    /// What it left undone, where that is kept.
    pub undone: Option<Arc<[Undone]>>,
}

impl DetachedJob {
    /// How far it is, from 0 to 1; of one that is over, how much of it is done is told in words alone.
    pub fn ratio(&self) -> f64 {
        let share = |done: usize, all: usize| (done as f64 / all as f64).clamp(0.0, 1.0);
        match &self.progress {
            _ if self.state.is_over() => 1.0,
            Some(Progress { changes_total, changes_done, .. }) if *changes_total > 0 => {
                share(*changes_done, *changes_total)
            }
            Some(Progress { scopes_total, scopes_done, .. }) if *scopes_total > 0 => share(*scopes_done, *scopes_total),
            _ => 0.0,
        }
    }

    /// What became of it, in a line; of its run no name, for which a narrow line has no room.
    pub fn outcome(&self) -> Option<&str> {
        let last = self.told.last().filter(|_| self.state.is_over())?;
        let named = last.strip_prefix("run ").and_then(|rest| rest.split_once(": "));
        let is_name = |name: &str| name.starts_with(|c: char| c.is_ascii_digit()) && !name.contains(' ');
        Some(named.filter(|(name, _)| is_name(name)).map_or(last.as_str(), |(_, outcome)| outcome))
    }

    /// How it stands, in words, and how good that is.
    pub fn words(&self) -> (Tone, String) {
        if self.state.is_over() {
            let tone = match (self.state, self.exit_status) {
                (JobState::Completed, Some(0)) => Tone::Good,
                (JobState::Failed, _) => Tone::Bad,
                _ => Tone::Warning,
            };
            let last = self.outcome().map(|last| format!(": {last}")).unwrap_or_default();
            return (tone, format!("{}{last}", self.state.word()));
        }
        let mut words = match &self.progress {
            None => self.state.word().to_owned(),
            Some(progress) => {
                let counts = format!(
                    "{:.0} %, {} of {} scopes",
                    self.ratio() * 100.0,
                    progress.scopes_done,
                    progress.scopes_total
                );
                let parts = [Some(counts).filter(|_| progress.scopes_total > 0), Some(progress.doing.clone())];
                parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
            }
        };
        match self.cancel {
            0 => return (Tone::Plain, words),
            1 => words.insert_str(0, "cancelling after the scope in flight, "),
            _ => words.insert_str(0, "cancelling after the request in flight, "),
        }
        (Tone::Warning, words)
    }
}

/// What is known of handing runs to processes of their own.
#[derive(Default)]
pub struct Handing {
    /// Jobs that are being started, with the run that each of them goes on with.
    pub starting: BTreeMap<Ticket, Option<Ticket>>,
    /// Jobs that were started from here.
    pub started: Vec<i64>,
    /// The marks that went into each of them.
    pub marks: BTreeMap<Ticket, Marks>,
    /// The jobs are being listed.
    pub listing: Option<Ticket>,
    /// When they were asked for last.
    pub asked: Option<Instant>,
}
