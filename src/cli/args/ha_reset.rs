//! The arguments of `scopesync ha-reset`.

use clap::Args;

use super::asking::Asking;

/// `scopesync ha-reset`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct HaReset {
    /// The relationship
    #[arg(value_name = "RELATIONSHIP")]
    pub name: String,
    /// How to ask, and to answer.
    #[command(flatten)]
    pub asking: Asking,
}

/// Shown below the long help.
pub(super) const NOTES: &str = "\
Kea ends a relationship (state terminated) when the partners have refused each
other's leases too often: scopes that one of them lacks or knows by another id,
or clocks apart. Repairing that does not bring it back: both servers must be
reset, at the same time. That costs all clients about three heartbeats without
DHCP from either server, 30 seconds by default; it is shown and asked about
before. While the drift stands that would end the pair again it is refused:
replicate first.

Examples:
  scopesync ha-reset Berlin --what-if
  scopesync ha-reset Berlin

Exit status:
  0  both servers are in service; with --what-if: shown
  1  refused, failed, declined or interrupted before anything was sent
  3  a server is not in service, or its state is not known; with --what-if:
     refused";
