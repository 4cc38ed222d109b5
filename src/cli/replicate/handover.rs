//! `--as-job`: what was approved goes to a process of its own.

use std::collections::BTreeSet;

use crate::cli::Failure;
use crate::cli::console::Console;
use crate::cli::jobs;
use crate::detached::{Order, Origin};
use crate::engine::approval::Approved;
use crate::engine::fleet::Fleet;
use crate::engine::plan::Plan;
use crate::history::History;

/// What it takes to start a job.
pub struct Handover<'a> {
    /// Where the servers are from.
    pub origin: Origin,
    /// Where jobs are kept.
    pub history: &'a History,
}

impl Handover<'_> {
    /// Starts the job and prints it.
    pub(in crate::cli) async fn start(
        self,
        fleet: &Fleet,
        json: bool,
        plan: &Plan,
        approved: &[Approved],
        console: &mut Console,
    ) -> Result<u8, Failure> {
        let order = Order {
            plan,
            approved,
            done: &BTreeSet::new(),
            throttle_limit: fleet.throttle_limit,
            title: command_line(),
        };
        let id = self.origin.start(self.history, order).await?;
        let job = self.history.job(id)?;
        match json {
            true => console.json(&jobs::document(&job)),
            false => console.lines(&jobs::table(&[job])),
        }
        Ok(0)
    }
}

/// This command as it was written. No argument holds a secret.
fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    std::iter::once("scopesync".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}
