//! Signals: the reasons to end, the size, and being continued.

use std::io;

use super::Event;

/// The signals that concern the screen.
#[cfg(unix)]
pub(super) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    continued: tokio::signal::unix::Signal,
    resized: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            resized: signal(SignalKind::window_change())?,
        })
    }

    /// The next signal. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Event {
        use super::Exit;
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Event::Exit(Exit::Terminate),
            _ = self.hang_up.recv() => Event::Exit(Exit::HangUp),
            _ = self.interrupt.recv() => Event::Exit(Exit::Interrupt),
            _ = self.continued.recv() => Event::Resumed,
            _ = self.resized.recv() => match super::size() {
                Ok(size) => Event::Resize(size),
                Err(_) => Event::Exit(Exit::Gone),
            },
        }
    }
}

/// The console's control events.
#[cfg(windows)]
pub(super) struct Signals {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    logoff: tokio::signal::windows::CtrlLogoff,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::windows;
        Ok(Self {
            ctrl_c: windows::ctrl_c()?,
            ctrl_break: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            logoff: windows::ctrl_logoff()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

    /// The next control event. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Event {
        use super::Exit;
        Event::Exit(tokio::select! {
            biased;
            _ = self.shutdown.recv() => Exit::Terminate,
            _ = self.logoff.recv() => Exit::Terminate,
            _ = self.close.recv() => Exit::HangUp,
            _ = self.ctrl_break.recv() => Exit::Interrupt,
            _ = self.ctrl_c.recv() => Exit::Interrupt,
        })
    }
}
