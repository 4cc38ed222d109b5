//! The arguments of `scopesync undo`.

use clap::Args;

use super::asking::Asking;
use crate::engine::select::ScopeSelector;

/// `scopesync undo`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Undo {
    /// The run: its name, the beginning of it, or `latest`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Only these scopes of it, by network address such as 10.0.0.0
    ///
    /// With a prefix length, 10.0.0.0/24, where a server has two scopes on one
    /// address. Several are separated by commas, or the argument is repeated.
    #[arg(long = "scope-id", value_name = "ID", value_delimiter = ',')]
    pub scope_ids: Vec<ScopeSelector>,
    /// How to ask, and to answer.
    #[command(flatten)]
    pub asking: Asking,
    /// Ask, then undo in a job that outlives this command and its terminal; see `scopesync jobs`
    #[arg(long)]
    pub as_job: bool,
}

/// Shown below the long help.
pub(super) const NOTES: &str = "\
Every run stores the scopes that it overwrites. An undo plans back to them:
scopes that the run changed become what they were, scopes that it created are
deleted. It is shown and asked about like a replication, changes only the server
that the run wrote to, and can itself be undone.

A scope that has changed since the run is refused (changed-since-run), and shown
as it was before the run, after it and now; overridden by that name, it goes
back to what it was before the run. Undo later runs first.

Examples:
  scopesync undo latest --what-if
  scopesync undo 20261121T203500Z-1f3a09c7 --scope-id 10.0.0.0

Exit status:
  0  every scope is as it was before the run, verified and saved; with
     --what-if: shown
  1  refused, failed or interrupted before anything was written; a run or scope
     that is not there
  3  some scope is not undone, verified or saved, or was declined; with
     --what-if: some of it is refused or unknown";
