//! The arguments of `scopesync recover`.

use clap::Args;

use super::asking::Asking;

/// `scopesync recover`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Recover {
    /// The interrupted run: its name or the beginning of it; without one all that wait
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Write the scopes that are not done or partial, then save
    #[arg(long, conflicts_with_all = ["undo", "leave"])]
    pub finish: bool,
    /// Take back what the run has written, then save
    #[arg(long, conflicts_with = "leave")]
    pub undo: bool,
    /// Leave everything as it is; the run is not told of any more
    #[arg(long, conflicts_with = "confirm")]
    pub leave: bool,
    /// How to ask, and to answer.
    #[command(flatten)]
    pub asking: Asking,
}

/// What is done about an interrupted run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The rest is written.
    Finish,
    /// What is there is taken back.
    Undo,
    /// Nothing, and it is no longer told of.
    Leave,
}

impl Recover {
    /// What the operator has chosen; `None` to be shown what there is first.
    pub fn way(&self) -> Option<Way> {
        match self {
            Recover { finish: true, .. } => Some(Way::Finish),
            Recover { undo: true, .. } => Some(Way::Undo),
            Recover { leave: true, .. } => Some(Way::Leave),
            _ => None,
        }
    }
}

/// Shown below the long help.
pub(super) const NOTES: &str = "\
A run is interrupted when its process dies: killed, or with its machine. Every
command says so until something is done about it. Both servers are read first,
and each scope is told:

  done      everything planned is there
  not done  nothing of it is there
  partial   some of it is there
  unknown   it could not be read, or differs in a way that the run does not
            explain

Nothing is written without that reading. Without a choice it is shown, and on
a terminal it is asked about. --finish makes a plan for the scopes that are not
done or partial, and --undo one that goes back to what the run had stored; both
are shown and asked about as any plan is. A replication that brings all scopes
of the run in step settles it too.

Examples:
  scopesync recover
  scopesync recover --json
  scopesync recover 20261121T203500Z-1f3a09c7 --finish --what-if
  scopesync recover --undo

Exit status:
  0  nothing waits any more; without a choice: told
  1  refused, failed or declined before anything was written
  3  something was not written, not saved or could not be read";
