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

/// A run that is to end before all is written: nobody knows how long that takes.
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
    loop {
        tokio::select! {
            () = signals.next() => {
                let text = cancel(control, said);
                bar.0.suspend(|| console.aside(&Line::of(0, Role::Warning, text)));
                bar.show(&Progress::from(&*status.borrow()), true);
            }
            changed = status.changed() => match changed {
                Ok(()) => {
                    let progress = Progress::from(&*status.borrow_and_update());
                    bar.show(&progress, control.is_cancelled());
                    if console.is_in_lines() && let Some(text) = spoken.next(&progress, Instant::now()) {
                        console.aside(&Line::of(0, Role::Muted, text));
                    }
                }
                Err(_) => std::future::pending().await,
            },
        }
    }
}

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

/// What was said of a run that is told in lines.
#[derive(Default)]
struct Spoken {
    last: Option<Instant>,
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
        let doing = if progress.doing.is_empty() { String::new() } else { format!(": {}", progress.doing) };
        Some(match progress.waiting {
            true => format!("waiting{doing}"),
            false => format!("{} of {} scopes{doing}", progress.scopes_done, progress.scopes_total),
        })
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
    pub(in crate::cli) fn show(&self, progress: &Progress, is_ending: bool) {
        if let Ok(style) = ProgressStyle::with_template(template(progress, is_ending)) {
            self.0.set_style(style.progress_chars("=> "));
        }
        if progress.waiting {
            return self.0.set_message(progress.doing.clone());
        }
        self.0.set_length(progress.changes_total as u64);
        self.0.set_position(progress.changes_done as u64);
        let mut text = format!("{}/{} scopes", progress.scopes_done, progress.scopes_total);
        if !progress.doing.is_empty() {
            text.push_str(&format!(", {}", progress.doing));
        }
        self.0.set_message(text);
    }
}

fn template(progress: &Progress, is_ending: bool) -> &'static str {
    match is_ending {
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
