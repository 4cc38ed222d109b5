//! Signals to a program without a screen.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;

#[cfg(unix)]
use tokio::signal::unix::Signal;
#[cfg(not(unix))]
use tokio::signal::windows::CtrlC as Signal;

/// The signals that ask for an end. From here on they do not end the program by themselves:
/// it would leave a scope half written. One that comes while nobody listens, such as between an
/// answer and the run that it approves, is told to whoever listens next.
pub struct Signals {
    own: Vec<Signal>,
    has_come: bool,
}

/// What came and was taken by nobody.
struct Untaken {
    /// Heard from the first listener on, to the program's end.
    heard: Vec<Signal>,
    has_come: bool,
}

static UNTAKEN: Mutex<Untaken> = Mutex::new(Untaken { heard: Vec::new(), has_come: false });

impl Signals {
    /// Listens from now on.
    pub fn listen() -> Self {
        let own = all();
        let mut untaken = untaken();
        if untaken.heard.is_empty() {
            untaken.heard = all();
        }
        Signals { own, has_come: untaken.has_come }
    }

    /// Waits for the next one, and takes it. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) {
        self.heard().await;
        Signals::take();
    }

    /// Waits for the next one, and leaves it to somebody else to [take](Signals::take).
    pub async fn heard(&mut self) {
        if std::mem::take(&mut self.has_come) {
            // it may have come a second time by this way
            have_come(&mut self.own);
            return;
        }
        let all = self.own.iter_mut().map(|signal| Box::pin(signal.recv()));
        if all.len() == 0 {
            return std::future::pending().await;
        }
        futures_util::future::select_all(all).await;
    }

    /// Nobody else is told any more of what has come.
    pub fn take() {
        untaken().has_come = false;
    }
}

/// What nobody has taken by now.
fn untaken() -> MutexGuard<'static, Untaken> {
    let mut untaken = UNTAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    untaken.has_come |= have_come(&mut untaken.heard);
    untaken
}

/// Whether any has come since it was last looked at.
fn have_come(signals: &mut [Signal]) -> bool {
    // each is to be looked at, and none to be put off because the task has had its time
    let has_come = |signal: &mut Signal| tokio::task::unconstrained(signal.recv()).now_or_never().is_some();
    signals.iter_mut().map(has_come).fold(false, |any, one| any | one)
}

#[cfg(unix)]
fn all() -> Vec<Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect()
}

#[cfg(not(unix))]
fn all() -> Vec<Signal> {
    tokio::signal::windows::ctrl_c().into_iter().collect()
}

#[cfg(all(test, unix))]
pub(crate) mod tests {
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};
    use tokio::time::{sleep, timeout};

    use super::*;

    /// Held by a test in which signals are listened to: they come to the whole process.
    pub(crate) static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

    const SOON: Duration = Duration::from_millis(200);

    async fn comes() -> bool {
        timeout(SOON, Signals::listen().next()).await.is_ok()
    }

    async fn send() {
        assert!(kill_process(getpid(), Signal::HUP).is_ok());
        sleep(SOON).await;
    }

    #[tokio::test]
    async fn what_comes_while_nobody_listens_is_told_once_to_who_does_next() {
        let _alone = ALONE.lock().await;
        drop(Signals::listen());
        send().await;
        assert_eq!((comes().await, comes().await), (true, false));
        // heard and not taken, such as when the answer came at the same time
        let mut first = Signals::listen();
        send().await;
        assert!(timeout(SOON, first.heard()).await.is_ok());
        drop(first);
        // not asked at all
        drop(Signals::listen());
        assert_eq!((comes().await, comes().await), (true, false));
        let mut listening = Signals::listen();
        send().await;
        assert!(timeout(SOON, listening.next()).await.is_ok());
        assert!(timeout(SOON, listening.next()).await.is_err() && !comes().await, "taken once");
    }
}
