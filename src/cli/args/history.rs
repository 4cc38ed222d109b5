//! The arguments of `scopesync history`.

use clap::{Args, Subcommand};
use jiff::civil::DateTime;
use jiff::{Span, Timestamp, Zoned};

use crate::engine::select::ScopeSelector;

/// `scopesync history`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct History {
    /// What to do; without it runs are listed.
    #[command(subcommand)]
    pub command: Option<HistoryCommand>,
    /// Which runs are listed.
    #[command(flatten)]
    pub list: ListRuns,
}

/// Which runs are listed, and how.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ListRuns {
    /// So many runs at most, the newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Only runs with this server, by its name in the configuration
    #[arg(long, value_name = "SERVER")]
    pub server: Option<String>,
    /// Only runs that wrote this scope
    #[arg(long, value_name = "ID")]
    pub scope_id: Option<ScopeSelector>,
    /// Only runs that began since then: 2026-11-21, "2026-11-21 20:35", 12h, 7d
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<Timestamp>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What to do with the history.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum HistoryCommand {
    /// Show one run: who, what was asked, and what it destroyed, scope by scope
    Show {
        /// The run: its name, the beginning of it, or `latest`
        #[arg(value_name = "RUN")]
        run: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print all that is kept of one run as JSON, the scopes as they were included
    Export {
        /// The run: its name, the beginning of it, or `latest`
        #[arg(value_name = "RUN")]
        run: String,
    },
    /// Look through the whole history for damage
    Check,
    /// Drop now what is beyond the limits that the configuration sets for the history
    Prune {
        /// Only say what would be dropped
        #[arg(long)]
        what_if: bool,
    },
}

/// A moment: as a time, with or without an offset, or as how long ago.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let now = Zoned::now();
    let local = text.parse::<DateTime>().and_then(|time| time.to_zoned(now.time_zone().clone()));
    let moment = local.or_else(|_| now.checked_sub(text.parse::<Span>()?.abs()));
    let moment =
        moment.map_err(|_| "neither a time such as 2026-11-21 or \"2026-11-21 20:35\", nor as long ago as 12h or 7d");
    Ok(moment?.timestamp())
}

/// Shown below the long help.
pub(super) const NOTES: &str = "\
Every run that writes or resets is kept, with each scope of the target as it
was. A run is called by its name, by the beginning of its name, or latest.
Beside it stands what became of it; a run that was interrupted or that another
one has undone says so.

Listing, showing and exporting make nothing and work on a read-only folder.
What is printed by export has everything, the scopes in the server's words
too. prune applies the limits of the configuration now, as every run does at
its end; the newest snapshot of a scope is never dropped.

Examples:
  scopesync history
  scopesync history --server kea-2 --since 7d
  scopesync history show latest
  scopesync history export 20261121T203500Z-1f3a09c7 > run.json
  scopesync history prune --what-if

Exit status:
  0  done
  1  error: there is no such run, or the history cannot be read or is damaged";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(since("2026-11-21T20:35:00Z").unwrap().to_string(), "2026-11-21T20:35:00Z");
        let local = |text: &str| since(text).unwrap().to_zoned(jiff::tz::TimeZone::system());
        assert_eq!(local("2026-11-21 20:35").strftime("%F %T").to_string(), "2026-11-21 20:35:00");
        assert_eq!(local("2026-11-21").strftime("%F %T").to_string(), "2026-11-21 00:00:00");
        let now = Timestamp::now();
        let ago = |text: &str| now.duration_since(since(text).unwrap()).as_hours();
        assert!((11..=12).contains(&ago("12h")) && (166..=169).contains(&ago("7d")));
        assert!(since("yesterday").is_err());
    }
}
