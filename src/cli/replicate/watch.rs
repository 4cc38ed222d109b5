//! The progress bar of a run, and the signals that cancel it.

use std::convert::Infallible;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch::Receiver;

use crate::cli::console::Console;
use crate::engine::port::Control;
use crate::engine::progress::Status;
use crate::show::{Line, Role};

const BAR: &str = "{bar:30} {pos}/{len} changes {per_sec} {eta} left  {msg}";

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
    let mut signals = Signals::listen();
    loop {
        tokio::select! {
            () = signals.next() => {
                let text = cancel(control, said);
                bar.0.suspend(|| console.aside(&Line::of(0, Role::Warning, text)));
            }
            changed = status.changed() => match changed {
                Ok(()) => bar.show(&status.borrow_and_update()),
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

/// Gone from the screen when dropped.
struct Bar(ProgressBar);

impl Bar {
    fn new(visible: bool) -> Self {
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

    fn show(&self, status: &Status) {
        if let Some(waiting) = &status.waiting {
            if let Ok(style) = ProgressStyle::with_template(WAIT) {
                self.0.set_style(style);
            }
            return self.0.set_message(match waiting.expected {
                Some(expected) => format!("of about {:.0} s: {}", expected.as_secs_f64(), waiting.for_what),
                None => waiting.for_what.clone(),
            });
        }
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            self.0.set_style(style.progress_chars("=> "));
        }
        self.0.set_length(status.changes_total as u64);
        self.0.set_position(status.changes_done as u64);
        let mut text = format!("{}/{} scopes", status.scopes_done, status.scopes_total);
        if let Some((server, scope, stage)) = &status.current {
            text.push_str(&format!(", {server}"));
            if let Some(scope) = scope {
                text.push_str(&format!(" {}", scope.short()));
            }
            text.push_str(&format!(" {}", stage.word()));
        }
        self.0.set_message(text);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The signals that ask for an end. From here on they do not end the program by themselves:
/// it would leave a scope half written.
#[cfg(unix)]
pub(super) struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Signals(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    pub(super) async fn next(&mut self) {
        let all = self.0.iter_mut().map(|signal| Box::pin(signal.recv()));
        if all.len() == 0 {
            return std::future::pending().await;
        }
        futures_util::future::select_all(all).await;
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> Self {
        Signals
    }

    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_time_is_harder() {
        let control = Control::free();
        cancel(&control, &WRITING);
        assert!(control.soft.is_cancelled() && !control.hard.is_cancelled());
        cancel(&control, &WRITING);
        assert!(control.hard.is_cancelled());
    }
}
