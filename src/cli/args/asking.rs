//! What every command that may write is told about asking, and about what it prints.

use std::collections::BTreeSet;

use clap::Args;

use crate::engine::approval::{Manner, Switches};

/// How the operator wants to be asked, and answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Asking {
    /// Do not ask
    ///
    /// Refusals for safety stand all the same; see --override.
    #[arg(long)]
    pub force: bool,
    /// Ask, even with --force
    #[arg(long)]
    pub confirm: bool,
    /// Only show what would be done; nothing is written or sent, whatever else is given
    #[arg(long)]
    pub what_if: bool,
    /// Go on in spite of the refusal of this name, as it is shown; can be repeated
    #[arg(long = "override", value_name = "NAME")]
    pub overrides: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Asking {
    /// The switches of approval.
    pub fn switches(&self) -> Switches {
        Switches { what_if: self.what_if, confirm: self.confirm, force: self.force }
    }

    /// What the switches come to.
    pub fn manner(&self) -> Manner {
        self.switches().manner()
    }

    /// Names of refusals that do not hold.
    pub fn overridden(&self) -> BTreeSet<String> {
        self.overrides.iter().cloned().collect()
    }
}
