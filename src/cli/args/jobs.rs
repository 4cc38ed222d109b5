//! The arguments of `scopesync jobs`.

use clap::{Args, Subcommand};

/// `scopesync jobs`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Jobs {
    /// What to do; without it all jobs are listed, the newest first.
    #[command(subcommand)]
    pub act: Option<Act>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What is done with a job.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Act {
    /// Show one job: who asked for it, how far it is, how it ended
    Show {
        /// The job's number
        #[arg(value_name = "ID")]
        id: i64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Wait until jobs have ended; Ctrl-C ends the waiting, not the jobs
    Wait {
        /// Numbers of jobs
        #[arg(value_name = "ID", required = true)]
        ids: Vec<i64>,
        /// Wait no longer than so many seconds
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<u32>,
    },
    /// Ask a job to end after the scope in flight; once more: after the request in flight
    Cancel {
        /// The job's number
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Print what a job that has ended would have printed: the scopes that it replicated
    ///
    /// Once only, as PowerShell's Receive-Job does; see --keep.
    Receive {
        /// The job's number
        #[arg(value_name = "ID")]
        id: i64,
        /// Leave it there for the next time
        #[arg(long)]
        keep: bool,
    },
}

/// Shown below the long help.
pub(super) const NOTES: &str = "\
`replicate --as-job` asks as ever, then hands the replication over to a process
of its own, which goes on when you log out, and prints the number of the job.
A job writes only what was approved: if a scope has changed since, nothing is
written.

States: NotStarted, Running, Completed (with exit status 0 or 3 of `replicate`),
Failed (nothing was written, or its process has ended), Stopped (it was asked to).

Examples:
  scopesync replicate --computer-name kea-1 --as-job
  scopesync jobs
  scopesync jobs wait 1 --timeout 60
  scopesync jobs receive 1

Exit status:
  0  listed, shown or asked to end
  1  error: there is no such job
  `wait` and `receive` end with the exit status of the replication, see
  `replicate`; of several jobs that differ, with 3. 4: a job has not ended yet.";
