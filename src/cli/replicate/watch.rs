//! The progress bar of a run, and the signals that cancel it.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch::Receiver;

use crate::cli::console::Console;
use crate::engine::port::Control;
use crate::engine::progress::Status;
use crate::show::{Line, Progress, Role};
use crate::signals::Signals;

const BAR: &str = "{bar:30} {pos}/{len} changes {per_sec} {eta} left  {msg}";

/// A run that is to end before all is written, or does not move: nobody knows how long that takes.
const ENDING: &str = "{bar:30} {pos}/{len} changes  {msg}";

/// A wait, where there is nothing to count.
const WAIT: &str = "{spinner} {elapsed} {msg}";

/// What is said when a run is asked to end: the first time, the second time.
pub(in crate::cli) type Said = [&'static str; 2];

/// Of a run that writes scopes.
pub(in crate::cli) const WRITING: Said = [
    "stopping after the scope in flight; once more to stop after the request in flight",
    "stopping after the request in flight",
];

/// Of a reset, which goes on by itself.
pub(in crate::cli) const RESET: Said =
    ["no longer waiting: what was sent cannot be taken back", "ending after the answer in flight"];

/// Shows how far a run has come, and cancels it when it is asked to: softly the first time,
/// hard the second. Dropped when the run is over.
pub(in crate::cli) async fn watch(
    mut status: Receiver<Status>,
    control: &Control,
    said: &Said,
    console: &mut Console,
) -> Infallible {
    let bar = Bar::new(console.is_watched());
    let mut spoken = Spoken::default();
    let mut signals = Signals::listen();
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let has_changed = tokio::select! {
            () = signals.next() => {
                let text = cancel(control, said);
                bar.0.suspend(|| console.aside(&Line::of(0, Role::Warning, text)));
                false
            }
            // a run that is over has nothing more to say; signals are heard all the same
            Ok(()) = status.changed() => true,
            _ = pace.tick() => false,
        };
        let now = jiff::Timestamp::now();
        let progress = Progress::at(&status.borrow_and_update(), control.is_cancelled(), now);
        bar.show(&progress, control.is_cancelled(), now);
        if console.is_in_lines() {
            let told = if has_changed { spoken.next(&progress, Instant::now()) } else { None };
            let told = told.or_else(|| spoken.still(&progress, now, Instant::now()));
            told.into_iter().for_each(|text| console.aside(&Line::of(0, Role::Muted, text)));
        }
    }
}

/// So often it is looked whether anything has moved.
const PACE: Duration = Duration::from_secs(1);

fn cancel(control: &Control, said: &Said) -> &'static str {
    let [first, second] = said;
    if control.soft.is_cancelled() {
        control.hard.cancel();
        return second;
    }
    control.soft.cancel();
    first
}

/// At least so long between two lines that say how far a run is: they are listened to.
const PAUSE: Duration = Duration::from_secs(2);

/// At least so long between two lines that say that nothing moves.
const LONG_PAUSE: Duration = Duration::from_secs(60);

/// What was said of a run that is told in lines.
#[derive(Default)]
struct Spoken {
    last: Option<Instant>,
    last_still: Option<Instant>,
    waits_for: Option<String>,
}

impl Spoken {
    /// What is to be said now. A wait is said once, however long it is.
    fn next(&mut self, progress: &Progress, now: Instant) -> Option<String> {
        let waits_for = progress.waiting.then(|| progress.doing.clone());
        let begins_to_wait = waits_for.is_some() && waits_for != self.waits_for;
        self.waits_for = waits_for;
        let is_due = !progress.waiting && self.last.is_none_or(|last| now.duration_since(last) >= PAUSE);
        if !begins_to_wait && !is_due {
            return None;
        }
        self.last = Some(now);
        Some(in_a_line(progress))
    }

    /// What is to be said where nothing has moved for long; of a wait that was said nothing.
    fn still(&mut self, progress: &Progress, clock: jiff::Timestamp, now: Instant) -> Option<String> {
        let Some(still) = progress.still(clock).filter(|_| !progress.waiting) else {
            self.last_still = None;
            return None;
        };
        if self.last_still.is_some_and(|last| now.duration_since(last) < LONG_PAUSE) {
            return None;
        }
        self.last_still = Some(now);
        Some(format!("{}, {still}", in_a_line(progress)))
    }
}

fn in_a_line(progress: &Progress) -> String {
    let doing = if progress.doing.is_empty() { String::new() } else { format!(": {}", progress.doing) };
    match progress.waiting {
        true => format!("waiting{doing}"),
        false => format!("{} of {} scopes{doing}", progress.scopes_done, progress.scopes_total),
    }
}

/// Gone from the screen when dropped.
pub(in crate::cli) struct Bar(ProgressBar);

impl Bar {
    /// A bar on standard error, drawn where somebody watches.
    pub(in crate::cli) fn new(visible: bool) -> Self {
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            bar.set_style(style.progress_chars("=> "));
        }
        if visible {
            bar.enable_steady_tick(Duration::from_millis(500));
        }
        Bar(bar)
    }

    /// Draws how far it is; `is_ending`: not all of it will be done.
    pub(in crate::cli) fn show(&self, progress: &Progress, is_ending: bool, now: jiff::Timestamp) {
        let still = progress.still(now);
        if let Ok(style) = ProgressStyle::with_template(template(progress, is_ending || still.is_some())) {
            self.0.set_style(style.progress_chars("=> "));
        }
        if !progress.waiting {
            self.0.set_length(progress.changes_total as u64);
            self.0.set_position(progress.changes_done as u64);
        }
        self.0.set_message(message(progress, still));
    }
}

/// What stands beside the bar, or in its place.
fn message(progress: &Progress, still: Option<String>) -> String {
    let count = (!progress.waiting).then(|| format!("{}/{} scopes", progress.scopes_done, progress.scopes_total));
    let doing = Some(progress.doing.clone()).filter(|doing| !doing.is_empty());
    count.into_iter().chain(doing).chain(still).collect::<Vec<_>>().join(", ")
}

/// `nobody_knows`: how long it takes on.
fn template(progress: &Progress, nobody_knows: bool) -> &'static str {
    match nobody_knows {
        _ if progress.waiting => WAIT,
        true => ENDING,
        false => BAR,
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_in_lines_comes_seldom_and_a_wait_once() {
        let mut spoken = Spoken::default();
        let now = Instant::now();
        let done = |scopes_done| Progress { scopes_total: 9, scopes_done, ..Progress::default() };
        assert_eq!(spoken.next(&done(1), now).as_deref(), Some("1 of 9 scopes"));
        assert_eq!(spoken.next(&done(2), now), None);
        let wait = Progress::waiting("HA normal");
        assert_eq!(spoken.next(&wait, now).as_deref(), Some("waiting: HA normal"));
        assert_eq!(spoken.next(&wait, now + PAUSE * 9), None);
        assert_eq!(spoken.next(&done(3), now + PAUSE).as_deref(), Some("3 of 9 scopes"));
    }

    /// A run that began to write to `two` and has moved last so long ago.
    fn status(now: jiff::Timestamp, ago: u64) -> Status {
        use crate::engine::progress::Stage;
        let current = Some(("two".into(), Some("10.0.0.0/24".parse().unwrap()), Stage::Writing));
        let started = now - Duration::from_secs(ago);
        Status { scopes_total: 9, scopes_done: 3, changes_total: 9, current, started, ..Status::new() }
    }

    #[test]
    fn a_run_in_which_nothing_moves_says_so_and_who_is_waited_for() {
        let now = jiff::Timestamp::now();
        let told = |ago, is_ending| {
            let progress = Progress::at(&status(now, ago), is_ending, now);
            message(&progress, progress.still(now))
        };
        assert_eq!(told(5, false), "3/9 scopes, two 10.0.0.0 writing");
        assert_eq!(told(5, true), "3/9 scopes, waiting for two, writing 10.0.0.0");
        assert_eq!(told(75, false), "3/9 scopes, waiting for two, writing 10.0.0.0, nothing for 1 min 15 s");
        // of another process, which said it when it moved
        let sent = serde_json::to_value(Progress::from(&status(now, 75))).unwrap();
        let sent: Progress = serde_json::from_value(sent).unwrap();
        assert_eq!(message(&sent, sent.still(now)), "3/9 scopes, two 10.0.0.0 writing, nothing for 1 min 15 s");
        // where the wait was told beforehand nothing is amiss
        let expected = Some(Duration::from_secs(60));
        let waiting = crate::engine::progress::Waiting { for_what: "HA normal".into(), expected, run: None };
        let progress = Progress::at(&Status { waiting: Some(waiting), ..status(now, 75) }, false, now);
        assert_eq!(message(&progress, progress.still(now)), "of about 60 s: HA normal");
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn it_is_told_that_nothing_moves_although_nothing_does() {
        let _alone = crate::signals::tests::ALONE.lock().await;
        let (progress, seen) = crate::engine::progress::Progress::channel();
        progress.update(|told| *told = status(jiff::Timestamp::now(), 75));
        progress.update(|told| told.moved = 0);
        let (told, paper) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut console = Console::new(Box::new(std::io::sink()), Box::new(paper), Default::default());
        console.speak_in_lines();
        let control = Control::free();
        let watched = tokio::time::timeout(PACE * 9, watch(seen, &control, &WRITING, &mut console)).await;
        assert!(watched.is_err());
        drop(console);
        let told = std::io::read_to_string(told).unwrap();
        assert_eq!(told.matches("nothing for 1 min 1").count(), 1, "{told}");
    }

    #[test]
    fn that_nothing_moves_is_said_in_lines_at_once_and_then_seldom() {
        let (clock, now) = (jiff::Timestamp::now(), Instant::now());
        let mut spoken = Spoken::default();
        let [moving, still] = [5, 15].map(|ago| Progress::at(&status(clock, ago), false, clock));
        assert_eq!(spoken.still(&moving, clock, now), None);
        let said = "3 of 9 scopes: waiting for two, writing 10.0.0.0, nothing for 15 s";
        for (progress, later, told) in [
            (&still, 0, Some(said)),
            (&still, 59, None),
            (&still, 60, Some(said)),
            (&moving, 61, None),
            (&still, 62, Some(said)),
        ] {
            let told_now = spoken.still(progress, clock, now + Duration::from_secs(later));
            assert_eq!(told_now.as_deref(), told, "{later} s later");
        }
    }

    #[test]
    fn no_time_left_is_told_of_a_run_that_is_to_end() {
        let progress = Progress { changes_total: 9, ..Progress::default() };
        assert!(template(&progress, false).contains("{eta}"));
        assert!(
            !template(&progress, true).contains("{eta}") && !template(&Progress::waiting(""), true).contains("{eta}")
        );
        assert!([BAR, ENDING, WAIT].iter().all(|template| ProgressStyle::with_template(template).is_ok()));
    }

    #[test]
    fn the_second_time_is_harder() {
        let control = Control::free();
        cancel(&control, &WRITING);
        assert!(control.soft.is_cancelled() && !control.hard.is_cancelled());
        cancel(&control, &WRITING);
        assert!(control.hard.is_cancelled());
    }
}
