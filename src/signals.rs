//! Signals to a program without a screen.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;

#[cfg(unix)]
use tokio::signal::unix::Signal;
#[cfg(not(unix))]
use tokio::signal::windows::CtrlC as Signal;

/// So many milliseconds at most until all who listen are told of a signal; less than one, unless the machine is busy.
const TELLING: usize = 50;

/// The signals that ask for an end. From here on they do not end the program by themselves:
/// it would leave a scope half written. One that comes while nobody listens, such as between an
/// answer and the run that it approves, is told to whoever listens next.
pub struct Signals {
    own: Vec<(Call, Signal)>,
    has_come: Option<Call>,
}

/// What a signal asks to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// What goes on: Ctrl-C.
    Work,
    /// The program.
    Program,
}

/// What came and was taken by nobody.
struct Untaken {
    /// Heard from the first listener on, to the program's end.
    heard: Vec<(Call, Signal)>,
    has_come: Option<Call>,
}

static UNTAKEN: Mutex<Untaken> = Mutex::new(Untaken { heard: Vec::new(), has_come: None });

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

    /// Waits for the next one, and leaves it to somebody else to [take](Signals::take). Nothing is lost when the future
    /// is dropped.
    pub async fn heard(&mut self) -> Call {
        match self.has_come {
            // it may have come a second time by this way
            Some(_) => self.has_come = self.has_come.max(have_come(&mut self.own)),
            None => self.has_come = Some(self.own_heard().await),
        }
        // Listeners are told one after the other: what is taken before it was told to all would be told once more.
        for _ in 0..TELLING {
            if untaken().has_come.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.has_come.take().unwrap_or(Call::Work)
    }

    async fn own_heard(&mut self) -> Call {
        let all = self.own.iter_mut().map(|(call, signal)| {
            Box::pin(async {
                signal.recv().await;
                *call
            })
        });
        if all.len() == 0 {
            return std::future::pending().await;
        }
        futures_util::future::select_all(all).await.0
    }

    /// Waits until what goes on is to be given up; forever where a signal ends the program by itself, as it does until
    /// somebody has listened. That the program is to end is left to whoever listens next.
    pub async fn give_up() {
        if untaken().heard.is_empty() {
            return std::future::pending().await;
        }
        Signals::listen().heard().await;
        Signals::take_work();
    }

    /// Nobody else is told any more of what has come.
    pub fn take() {
        untaken().has_come = None;
    }

    /// The same, unless the program is to end.
    pub fn take_work() {
        let mut untaken = untaken();
        untaken.has_come = untaken.has_come.filter(|call| *call == Call::Program);
    }
}

/// What nobody has taken by now.
fn untaken() -> MutexGuard<'static, Untaken> {
    let mut untaken = UNTAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    untaken.has_come = untaken.has_come.max(have_come(&mut untaken.heard));
    untaken
}

/// What has come since it was last looked at.
fn have_come(signals: &mut [(Call, Signal)]) -> Option<Call> {
    // each is to be looked at, and none to be put off because the task has had its time
    let has_come = |signal: &mut Signal| tokio::task::unconstrained(signal.recv()).now_or_never().is_some();
    signals.iter_mut().fold(None, |most, (call, signal)| if has_come(signal) { most.max(Some(*call)) } else { most })
}

#[cfg(unix)]
fn all() -> Vec<(Call, Signal)> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        (Call::Work, SignalKind::interrupt()),
        (Call::Program, SignalKind::terminate()),
        (Call::Program, SignalKind::hangup()),
    ];
    kinds.into_iter().filter_map(|(call, kind)| Some((call, signal(kind).ok()?))).collect()
}

#[cfg(not(unix))]
fn all() -> Vec<(Call, Signal)> {
    tokio::signal::windows::ctrl_c().into_iter().map(|signal| (Call::Work, signal)).collect()
}

#[cfg(all(test, unix))]
pub(crate) mod tests {
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

    #[tokio::test]
    async fn what_goes_on_is_given_up_and_the_end_of_the_program_is_left_to_the_next() {
        let _alone = ALONE.lock().await;
        drop(Signals::listen());
        for (signal, is_left) in [(Signal::INT, false), (Signal::HUP, true)] {
            assert!(kill_process(getpid(), signal).is_ok());
            assert!(timeout(SOON, Signals::give_up()).await.is_ok(), "{signal:?}");
            assert_eq!(comes().await, is_left, "{signal:?}");
        }
        assert!(timeout(SOON, Signals::give_up()).await.is_err());
    }
}
