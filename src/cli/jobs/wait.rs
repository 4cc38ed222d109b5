//! Waiting for jobs, with their progress where somebody watches.

use std::time::{Duration, Instant};

use super::{NOT_ENDED, exit_status, progress};
use crate::cli::Failure;
use crate::cli::console::Console;
use crate::cli::replicate::watch::Bar;
use crate::cli::start::threads;
use crate::history::{History, Job};
use crate::signals::Signals;

/// So often the history is looked at.
const PACE: Duration = Duration::from_millis(200);

/// Waits until all of these jobs have ended, and returns the exit status of their runs.
pub(super) fn wait(history: &History, ids: &[i64], timeout: Option<u32>, console: &mut Console) -> Result<u8, Failure> {
    // a number that is none is told before anything is waited for
    let mut jobs = read(history, ids)?;
    let until = timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
    let bar = Bar::new(console.is_watched());
    threads()?.block_on(async {
        let mut signals = Signals::listen();
        loop {
            let Some(open) = jobs.iter().find(|job| !job.state.is_over()) else { return Ok(together(&jobs)) };
            if let Some(progress) = progress(open) {
                bar.show(&progress, open.cancel > 0, jiff::Timestamp::now());
            }
            let rest = until.map_or(PACE, |until| until.saturating_duration_since(Instant::now()).min(PACE));
            let open = open.id;
            tokio::select! {
                biased;
                () = signals.next() => {
                    console.note(format_args!("no longer waiting: job {open} goes on"));
                    return Ok(NOT_ENDED);
                }
                () = tokio::time::sleep(rest) => {}
            }
            if rest.is_zero() {
                console.note(format_args!("job {open} has not ended yet"));
                return Ok(NOT_ENDED);
            }
            jobs = read(history, ids)?;
        }
    })
}

fn read(history: &History, ids: &[i64]) -> Result<Vec<Job>, Failure> {
    ids.iter().map(|id| history.job(*id).map_err(Failure::from)).collect()
}

/// One status for all: theirs, and 3 where they differ.
fn together(jobs: &[Job]) -> u8 {
    let statuses: Vec<u8> = jobs.iter().filter_map(exit_status).collect();
    match statuses.split_first() {
        None => 0,
        Some((first, rest)) if rest.iter().all(|status| status == first) => *first,
        Some(_) => 3,
    }
}
