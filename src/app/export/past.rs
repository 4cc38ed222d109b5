//! Runs: those of this session, and those of the history.

use super::{Cell, Sheet, Table};
use crate::app::runs::{Ended, Entry, Kind, Run};
use crate::app::state::AppState;
use crate::show::plural;

/// The runs of this session with what became of each scope, and the jobs.
pub(super) fn runs(state: &AppState) -> Result<Sheet, String> {
    const COLUMNS: &[&str] = &[
        "run",
        "kind",
        "started",
        "ended",
        "relationship",
        "source",
        "target",
        "scope",
        "outcome",
        "changes_done",
        "changes_left",
        "saved",
        "message",
    ];
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let entries = state.runs.entries();
    for run in state.runs.all.iter().filter(|run| entries.contains(&Entry::Run(run.ticket))) {
        let lead = || -> Vec<Cell> { vec![name(run).into(), kind(run).into(), run.status.started.to_string().into()] };
        let ended = Cell::from(run.ended.map(|at| at.to_string()));
        let whole = |outcome: &str, message: Option<&str>| {
            let rest = [ended.clone(), run.title().into(), Cell::Nothing, Cell::Nothing, Cell::Nothing];
            let told = [outcome.into(), Cell::Nothing, Cell::Nothing, Cell::Nothing, Cell::from(message)];
            lead().into_iter().chain(rest).chain(told).collect()
        };
        match &run.result {
            None => rows.push(whole("under way", None)),
            Some(Err(reason)) => rows.push(whole("failed", Some(reason))),
            Some(Ok(ended @ Ended::Reset(_))) => rows.push(whole(&ended.summary("").1, None)),
            Some(Ok(Ended::Replicated(report))) => {
                for told in &report.relationships {
                    rows.extend(told.scopes.iter().map(|scope| {
                        let route = [told.name.to_string(), told.source.clone(), told.target.clone()].map(Cell::from);
                        let counts = [scope.changes_done, scope.changes_left].map(Cell::from);
                        let id = [state.names.name(scope.id).into(), scope.outcome.word().into()];
                        let last = [scope.saved_words().into(), Cell::from(scope.message.clone())];
                        let rest = std::iter::once(ended.clone()).chain(route).chain(id).chain(counts).chain(last);
                        lead().into_iter().chain(rest).collect()
                    }));
                }
            }
        }
    }
    let jobs = state.runs.jobs.iter().filter(|job| entries.contains(&Entry::Job(job.id)));
    rows.extend(jobs.map(|job| {
        let lead = [format!("job {}", job.id), "job".to_owned(), job.created.to_string()].map(Cell::from);
        let mut cells: Vec<Cell> = lead.into();
        cells.resize(COLUMNS.len(), Cell::Nothing);
        (cells[4], cells[8]) = (job.title.as_str().into(), job.words().1.into());
        cells
    }));
    if rows.is_empty() {
        return Err("there are no runs".to_owned());
    }
    let words = format!("the runs of this session and the jobs, {}", plural(rows.len(), "line"));
    Ok(Sheet::of(words, "runs", state.clock, move || Table { what: "runs", columns: COLUMNS, rows }))
}

fn name(run: &Run) -> String {
    match &run.result {
        Some(Ok(Ended::Replicated(report))) if report.begun => report.run.clone(),
        Some(Ok(Ended::Reset(report))) => report.run.clone(),
        _ => String::new(),
    }
}

fn kind(run: &Run) -> &'static str {
    match run.kind {
        Kind::Replication => "replication",
        Kind::Undo => "undo",
        Kind::Reset => "reset",
    }
}

/// The past runs that were read so far and that the filter leaves.
pub(super) fn history(state: &AppState) -> Result<Sheet, String> {
    const COLUMNS: &[&str] = &[
        "run",
        "kind",
        "started",
        "ended",
        "by",
        "from",
        "host",
        "sources",
        "targets",
        "scopes",
        "marks",
        "overrides",
        "version",
    ];
    let runs = state.history.runs.clone();
    if runs.is_empty() {
        return Err("there is no run here".to_owned());
    }
    let words = format!("{} of the history, those that were read so far", plural(runs.len(), "run"));
    Ok(Sheet::of(words, "history", state.clock, move || {
        let row = |run: &crate::app::history::PastRun| {
            let ended = run.ended.map(|at| at.to_string()).unwrap_or_default();
            let who = [run.who.clone(), run.from.clone().unwrap_or_default(), run.host.clone()];
            let route = [run.sources.join(", "), run.targets.join(", "), run.count_words()];
            let lead = [run.id.clone(), run.kind_word().to_owned(), run.started.to_string(), ended];
            let last = [run.marks().join(", "), run.overrides.join(", "), run.version.clone()];
            lead.into_iter().chain(who).chain(route).chain(last).map(Cell::from).collect()
        };
        Table { what: "history", columns: COLUMNS, rows: runs.iter().map(row).collect() }
    }))
}

/// The scopes of a past run that the filter leaves.
pub(super) fn run(state: &AppState) -> Result<Sheet, String> {
    const COLUMNS: &[&str] =
        &["run", "scope", "server", "relationship", "outcome", "create", "update", "delete", "message"];
    let opened = state.history.opened.as_ref().and_then(|opened| Some((opened, opened.detail()?)));
    let (opened, detail) = opened.ok_or("the run is being read")?;
    let rows = opened.shown.iter().filter_map(|at| detail.scopes.get(*at as usize)).map(|scope| {
        let words =
            [opened.run.id.clone(), scope.name.clone(), scope.target.to_string(), scope.relationship.to_string()];
        let told = std::iter::once(scope.standing().into()).chain(scope.counts().map(Cell::from));
        words.map(Cell::from).into_iter().chain(told).chain([Cell::from(scope.message.clone())]).collect()
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let words = format!("{} of the run {}", plural(rows.len(), "scope"), opened.run.id);
    Ok(Sheet::of(words, "run", state.clock, move || Table { what: "run", columns: COLUMNS, rows }))
}
