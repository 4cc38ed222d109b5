//! What `scopesync check` is told of verifying a pair of Windows servers.

use clap::Args;

use crate::engine::approval::Switches;
use crate::engine::select::ScopeSelector;

/// Verifying how a pair of Windows servers replicates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Verifying {
    /// Try on one scope how a pair of Windows servers replicates, and print a report
    ///
    /// Changes the scope on both servers, step by step, and puts it back after each: take
    /// one without clients that is in sync. Asks before each step: yes, yes to all, no, no
    /// to all, which ends it.
    #[arg(
        long = "verify-windows",
        value_name = "SCOPE",
        requires = "computer_name",
        conflicts_with_all = ["servers", "try_save"]
    )]
    pub scope: Option<ScopeSelector>,
    /// With --verify-windows: the source, which replicates to its partner
    #[arg(long, value_name = "SERVER", requires = "scope")]
    pub computer_name: Option<String>,
    /// With --verify-windows: take all steps without asking
    ///
    /// All but the one that turns the scope off for a moment: that needs a yes of its own.
    #[arg(long, requires = "scope")]
    pub force: bool,
    /// With --verify-windows: only list the steps; nothing is written
    #[arg(long, requires = "scope")]
    pub what_if: bool,
}

impl Verifying {
    /// The switches of approval.
    pub fn switches(&self) -> Switches {
        Switches { what_if: self.what_if, confirm: false, force: self.force }
    }
}
