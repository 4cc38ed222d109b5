//! `scopesync jobs`

mod wait;

use serde_json::{Value, json};

use super::Failure;
use super::args::jobs::{Act, Jobs};
use super::console::Console;
use super::table::Table;
use crate::detached::JobReport;
use crate::history::{History, Job, JobState};
use crate::model::Foreign;
use crate::show::{Line, Progress, Role};

/// The schema of a job's JSON.
const SCHEMA: &str = "scopesync.job/1";

/// So many jobs are listed, and those that are not over.
const LISTED: usize = 1000;

/// The exit status that says that a job has not ended.
const NOT_ENDED: u8 = 4;

/// Lists jobs, or does with one what the arguments say, and returns the exit status.
///
/// # Errors
/// There is no such job, or the history cannot be read.
pub fn run(history: &History, asked: &Jobs, console: &mut Console) -> Result<u8, Failure> {
    match &asked.act {
        None => list(history, asked.json, console),
        Some(Act::Show { id, json }) => show(&history.job(*id)?, *json, console),
        Some(Act::Wait { ids, timeout }) => wait::wait(history, ids, *timeout, console),
        Some(Act::Cancel { id }) => cancel(history, *id, console),
        Some(Act::Receive { id, keep }) => receive(history, *id, *keep, console),
    }
}

fn list(history: &History, json: bool, console: &mut Console) -> Result<u8, Failure> {
    let jobs = history.jobs(LISTED)?;
    if jobs.len() >= LISTED {
        console.note(format_args!(
            "only the newest {LISTED} jobs are listed: `scopesync jobs show ID` has each other one"
        ));
    }
    if json {
        let jobs: Vec<Value> = jobs.iter().map(listed).collect();
        console.json(&json!({ "schema": "scopesync.jobs/1", "jobs": jobs }));
    } else if jobs.is_empty() {
        console.note("there are no jobs: `scopesync replicate --as-job` starts one");
    } else {
        console.lines(&table(&jobs));
    }
    Ok(0)
}

/// Jobs as PowerShell shows them.
pub fn table(jobs: &[Job]) -> Vec<Line> {
    let heading = ["Id", "Name", "PSJobTypeName", "State", "HasMoreData", "Location", "Command"];
    let mut table = Table::new(heading);
    for job in jobs {
        let plain = |text: String| (Role::Plain, text);
        let more = if has_more(job) { "True" } else { "False" };
        let state = match (job.state, job.state.is_over()) {
            (JobState::Failed, _) => Role::Critical,
            (JobState::Stopped, _) => Role::Warning,
            (_, true) => Role::Good,
            (_, false) => Role::Plain,
        };
        table.row([
            plain(job.id.to_string()),
            plain(name(job)),
            plain("BackgroundJob".into()),
            (state, job.state.word().into()),
            plain(more.into()),
            plain(Foreign::cleaned(&job.host)),
            plain(Foreign::cleaned(&job.title)),
        ]);
    }
    table.lines()
}

/// A job of the list: without its report, which may be large.
fn listed(job: &Job) -> Value {
    let mut document = document(job);
    document.as_object_mut().and_then(|fields| fields.remove("report"));
    document
}

/// One job as JSON, schema `scopesync.job/1`.
pub fn document(job: &Job) -> Value {
    json!({
        "schema": SCHEMA,
        "id": job.id,
        "name": name(job),
        "state": job.state.word(),
        "has_more_data": has_more(job),
        "command": job.title,
        "run": job.run,
        "user": job.user,
        "host": job.host,
        "process": job.process,
        "created": job.created,
        "ended": job.ended,
        "asked_to_end": job.cancel,
        "progress": job.progress,
        "report": job.report,
    })
}

fn name(job: &Job) -> String {
    format!("Job{}", job.id)
}

/// Whether something is to be received that was not.
fn has_more(job: &Job) -> bool {
    !job.received
}

fn show(job: &Job, json: bool, console: &mut Console) -> Result<u8, Failure> {
    if json {
        console.json(&document(job));
        return Ok(0);
    }
    let at = |at: jiff::Timestamp| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%F %T").to_string();
    let mut facts = vec![
        ("State", job.state.word().to_owned()),
        ("Command", job.title.clone()),
        ("Asked by", format!("{} on {}", job.user, job.host)),
        ("Created", at(job.created)),
    ];
    facts.extend(job.process.filter(|_| !job.state.is_over()).map(|process| ("Process", process.to_string())));
    facts.extend(job.ended.map(|ended| ("Ended", at(ended))));
    facts.extend(job.run.clone().map(|run| ("Run", run)));
    if let Some(progress) = progress(job).filter(|_| !job.state.is_over()) {
        let done = format!(
            "{}/{} scopes, {}/{} changes",
            progress.scopes_done, progress.scopes_total, progress.changes_done, progress.changes_total
        );
        facts.push((
            "Progress",
            if progress.scopes_total == 0 { progress.doing } else { format!("{done}, {}", progress.doing) },
        ));
    }
    console.line(&Line::of(0, Role::Title, name(job)));
    for (what, text) in facts {
        console.line(&Line::of(2, Role::Muted, format!("{what:<9} ")).with(Role::Plain, Foreign::cleaned(&text)));
    }
    for message in report(job).iter().flat_map(|report| &report.messages) {
        console.line(&Line::of(2, Role::Plain, Foreign::cleaned(message)));
    }
    Ok(0)
}

fn report(job: &Job) -> Option<JobReport> {
    match &job.report {
        Some(report) => JobReport::from_json(report),
        None => job.state.is_over().then(|| JobReport::lost(job.run.as_deref())),
    }
}

fn progress(job: &Job) -> Option<Progress> {
    job.progress.as_ref().and_then(|progress| serde_json::from_value(progress.clone()).ok())
}

/// The exit status of a job's run; `None` while it has none.
fn exit_status(job: &Job) -> Option<u8> {
    job.state.is_over().then(|| report(job).unwrap_or_default().exit_status)
}

fn cancel(history: &History, id: i64, console: &mut Console) -> Result<u8, Failure> {
    let job = history.job(id)?;
    if job.state.is_over() || !history.cancel_job(id)? {
        console.note(format_args!("job {id} has ended: {}", history.job(id)?.state.word()));
        return Ok(0);
    }
    console.note(match job.cancel {
        0 => format!("job {id} ends after the scope in flight; once more to end after the request in flight"),
        _ => format!("job {id} ends after the request in flight"),
    });
    Ok(0)
}

fn receive(history: &History, id: i64, keep: bool, console: &mut Console) -> Result<u8, Failure> {
    let job = history.job(id)?;
    let Some(status) = exit_status(&job) else {
        console.note(format_args!("job {id} has not ended yet: `scopesync jobs wait {id}` waits for it"));
        return Ok(NOT_ENDED);
    };
    if job.received {
        console
            .note(format_args!("what job {id} printed was received before: `scopesync jobs show {id}` has it still"));
        return Ok(status);
    }
    let report = report(&job).unwrap_or_default();
    report.messages.iter().for_each(|message| console.aside(&Line::of(0, Role::Plain, Foreign::cleaned(message))));
    report.output.iter().for_each(|line| console.line(&Line::of(0, Role::Plain, Foreign::cleaned(line))));
    if !keep {
        history.receive_job(id)?;
    }
    Ok(status)
}
