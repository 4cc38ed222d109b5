//! `scopesync history`
//!
//! All but `prune` read, make nothing, and need neither servers nor a configuration.

mod document;

use super::console::Console;
use super::start::{self, Start};
use super::table::Table;
use super::{Failure, args};
use crate::history::{History, RunFilter, RunRecord, RunState, Story};
use crate::model::Foreign;
use crate::show::{self, Line, Role, plural};
use args::{HistoryCommand, ListRuns};
use document::Depth;

/// Does what is asked with the history, and returns the exit status.
///
/// # Errors
/// There is no such run, or the history cannot be read or is damaged.
pub fn run(asked: &args::History, global: &args::Global, console: &mut Console) -> Result<u8, Failure> {
    let reading = || History::of(&start::kept(global));
    match &asked.command {
        None => list(&reading(), &asked.list, console)?,
        Some(HistoryCommand::Show { run, json: false }) => {
            console.lines(&show::run_story(&story(&reading(), run)?));
        }
        Some(HistoryCommand::Show { run, json: true }) => {
            console.json(&document::story(&story(&reading(), run)?, Depth::Shown));
        }
        Some(HistoryCommand::Check) => check(&reading(), console)?,
        Some(HistoryCommand::Prune { what_if }) => {
            let mut start = Start::new(global)?;
            start.warn(console);
            prune(&start.history(), *what_if, console)?;
        }
        Some(HistoryCommand::Export { run }) => {
            console.json(&document::story(&story(&reading(), run)?, Depth::Everything))
        }
    }
    Ok(0)
}

fn story(history: &History, run: &str) -> Result<Story, Failure> {
    has_latest(history, run)?;
    Ok(history.story(run)?)
}

/// That no run is called `latest` would be no answer to who asks for the newest one where there is none at all.
pub(super) fn has_latest(history: &History, run: &str) -> Result<(), Failure> {
    if run == "latest" && history.runs(&RunFilter { limit: 1, ..RunFilter::default() })?.is_empty() {
        return Err(
            Failure::new("the history holds no run yet").hint("every replication, undo and reset from now on is kept")
        );
    }
    Ok(())
}

fn list(history: &History, asked: &ListRuns, console: &mut Console) -> Result<(), Failure> {
    let filter = RunFilter {
        limit: asked.limit.saturating_add(1),
        server: asked.server.clone(),
        scope: asked.scope_id,
        since: asked.since,
        ..RunFilter::default()
    };
    let mut runs = history.runs(&filter)?;
    let more = runs.len() > asked.limit;
    runs.truncate(asked.limit);
    let runs: Vec<(RunRecord, RunState)> =
        runs.into_iter().map(|run| (history.state(&run), run)).map(|(state, run)| (run, state)).collect();
    if asked.json {
        console.json(&document::list(&runs));
        return Ok(());
    }
    if runs.is_empty() {
        let is_narrowed = asked.server.is_some() || asked.scope_id.is_some() || asked.since.is_some();
        console.note(match is_narrowed {
            true => "no run that is kept fits: leave out --server, --scope-id or --since",
            false => "the history holds no run: every replication, undo and reset from now on is kept",
        });
        return Ok(());
    }
    let mut table = Table::new(["RUN", "BEGAN", "BY", "WHAT", "SERVERS", "OUTCOME"]);
    for (run, state) in &runs {
        table.row([
            (Role::Title, run.id.to_string()),
            (Role::Plain, show::local_time(run.started)),
            (Role::Plain, run.who.person()),
            (Role::Plain, show::run_kind(&run.kind)),
            (Role::Plain, show::run_servers(run)),
            show::run_outcome(run, *state),
        ]);
    }
    console.lines(&table.lines());
    if more {
        console.note(format_args!("older runs are left out: --limit {} shows more", asked.limit.saturating_mul(4)));
    }
    Ok(())
}

fn check(history: &History, console: &mut Console) -> Result<(), Failure> {
    let wrong = history.check()?;
    if wrong.is_empty() {
        console.line(&Line::of(0, Role::Good, "the history is undamaged"));
        return Ok(());
    }
    for line in &wrong {
        console.line(&Line::of(0, Role::Critical, Foreign::cleaned(line.as_str())));
    }
    Err(Failure::new(format!("the history {} is damaged", history.path()?.display()))
        .hint("export what can still be read, then move the file away: a new one is begun with the next run"))
}

fn prune(history: &History, what_if: bool, console: &mut Console) -> Result<(), Failure> {
    let (dropped, done) = match what_if {
        true => (history.would_drop()?, "would be dropped; what if: nothing was"),
        false => (history.drop_old()?, "dropped"),
    };
    let mut counts = format!("{}, {}", plural(dropped.runs, "run"), plural(dropped.snapshots, "snapshot"));
    if dropped.jobs > 0 {
        counts.push_str(&format!(", {}", plural(dropped.jobs, "job")));
    }
    console.line(&Line::of(0, Role::Plain, format!("{counts} {done}")));
    Ok(())
}
