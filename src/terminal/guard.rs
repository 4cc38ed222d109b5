//! Taking the terminal over and giving it back exactly once, also from a panic.

use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::thread::{self, ThreadId};

use crossterm::QueueableCommand;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};

use super::mouse::Mouse;
use super::{Error, Stream};

/// The thread that draws, while the terminal is ours.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);

/// Whether the terminal reports the mouse while it is ours.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// The title of the window is ours: it was given one of our own.
static TITLED: AtomicBool = AtomicBool::new(false);

/// Puts the title on the terminal's stack and takes it from there (XTWINOPS 22 and 23). Terminals
/// without one ignore both.
const KEEP_TITLE: &[u8] = b"\x1b[22;0t";
const GIVE_TITLE_BACK: &[u8] = b"\x1b[23;0t";

fn owner() -> MutexGuard<'static, Option<ThreadId>> {
    OWNER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the terminal for the calling thread.
pub(super) fn enter() -> Result<(), Error> {
    missing_terminal().map_or(Ok(()), |stream| Err(Error::NotATerminal(stream)))?;
    install_panic_hook();
    take()
}

/// Takes it once more. When it is ours still, sets its modes again: a shell that stopped and
/// continued us has set its own in between.
pub(super) fn reenter() -> Result<(), Error> {
    // It was one when we entered; a terminal that hung up is none any more.
    if missing_terminal().is_some() {
        return Err(Error::Gone(io::ErrorKind::UnexpectedEof.into()));
    }
    take()
}

fn take() -> Result<(), Error> {
    let mut owner = owner();
    if owner.is_some() {
        disable_raw_mode().map_err(|error| Error::new("restore the mode of", error))?;
    }
    enable_raw_mode().map_err(|error| Error::new("set the mode of", error))?;
    // From here on there is something to give back, whatever fails.
    *owner = Some(thread::current().id());
    drop(owner);
    say_hello().map_err(|error| {
        let _ = restore();
        Error::new("write to", error)
    })
}

/// Gives the terminal back if it is ours; does nothing the second time.
pub(super) fn restore() -> Result<(), Error> {
    give_back(owner())
}

fn give_back(mut owner: MutexGuard<'_, Option<ThreadId>>) -> Result<(), Error> {
    if owner.take().is_none() {
        return Ok(());
    }
    let goodbye = say_goodbye().map_err(|error| Error::new("write to", error));
    let mode = restore_mode().map_err(|error| Error::new("restore the mode of", error));
    goodbye.and(mode)
}

/// Lets the terminal report the mouse, or leaves the mouse to it.
pub(super) fn use_mouse(on: bool) -> Result<(), Error> {
    MOUSE.store(on, Ordering::Relaxed);
    let mut bytes = Vec::new();
    let queued = bytes.queue(Mouse(on)).map(drop);
    queued.and_then(|()| write_out(&bytes)).map_err(|error| Error::new("write to", error))
}

/// Gives the window this title, and keeps the one before until the terminal is given back.
/// Nothing for terminals that would show it as text.
pub(super) fn entitle(title: &str) -> io::Result<()> {
    if !has_title(&std::env::var("TERM").unwrap_or_default()) {
        return Ok(());
    }
    let mut bytes = Vec::new();
    if !TITLED.swap(true, Ordering::Relaxed) {
        bytes.extend_from_slice(KEEP_TITLE);
    }
    bytes.queue(SetTitle(title))?;
    write_out(&bytes)
}

/// Rings the bell.
pub(super) fn ring() -> io::Result<()> {
    write_out(b"\x07")
}

/// Consoles and serial terminals have no window, and some of them show the title itself.
fn has_title(term: &str) -> bool {
    !["linux", "dumb", "vt", "cons", "ansi"].iter().any(|kind| term.starts_with(kind))
}

fn say_hello() -> io::Result<()> {
    let mut hello = Vec::new();
    hello.queue(EnterAlternateScreen)?.queue(EnableBracketedPaste)?.queue(Hide)?;
    if MOUSE.load(Ordering::Relaxed) {
        hello.queue(Mouse(true))?;
    }
    write_out(&hello)
}

fn say_goodbye() -> io::Result<()> {
    let mut goodbye = Vec::new();
    if MOUSE.load(Ordering::Relaxed) {
        goodbye.queue(Mouse(false))?;
    }
    if TITLED.swap(false, Ordering::Relaxed) {
        // where there is no stack, an empty title is better than an old one
        goodbye.queue(SetTitle(""))?.extend_from_slice(GIVE_TITLE_BACK);
    }
    goodbye
        // A frame may have been cut off in the middle.
        .queue(EndSynchronizedUpdate)?
        .queue(ResetColor)?
        .queue(DisableBracketedPaste)?
        .queue(LeaveAlternateScreen)?
        .queue(Show)?;
    write_out(&goodbye)
}

fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = super::screen::sink()?;
    out.write_all(bytes)?;
    out.flush()
}

fn restore_mode() -> io::Result<()> {
    #[cfg(unix)]
    {
        // A program in the background that changes the mode of the terminal is stopped for it,
        // and its shell has set its own mode already.
        if !in_foreground() {
            return Ok(());
        }
        // Keys meant for us must not become commands of the shell.
        let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
    }
    disable_raw_mode()
}

#[cfg(unix)]
fn in_foreground() -> bool {
    // Without a controlling terminal there is no such thing as the background.
    rustix::termios::tcgetpgrp(io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
        || rustix::termios::tcgetsid(io::stdin()).is_err()
}

/// The modes of the terminal before it is given to another program, which may die without giving them back.
#[cfg(unix)]
pub struct Modes(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Modes {
    /// As they are now.
    pub fn keep() -> Self {
        Modes(rustix::termios::tcgetattr(io::stdin()).ok())
    }

    /// Brings them back, where the terminal is ours to do so.
    pub fn bring_back(self) {
        if let Some(modes) = self.0.filter(|_| in_foreground()) {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &modes);
        }
    }
}

/// The modes of a console, which is brought back as a whole when it is entered again.
#[cfg(not(unix))]
pub struct Modes;

#[cfg(not(unix))]
impl Modes {
    /// As they are now.
    pub fn keep() -> Self {
        Modes
    }

    /// Nothing is left to do.
    pub fn bring_back(self) {}
}

/// Whether whoever has the terminal now takes its keys one by one, not as lines.
pub fn takes_single_keys() -> bool {
    #[cfg(unix)]
    {
        let modes = rustix::termios::tcgetattr(io::stdin());
        modes.is_ok_and(|modes| !modes.local_modes.contains(rustix::termios::LocalModes::ICANON))
    }
    // of the console itself; elsewhere this asks for what we have set ourselves
    #[cfg(not(unix))]
    crossterm::terminal::is_raw_mode_enabled().unwrap_or(false)
}

fn missing_terminal() -> Option<Stream> {
    use std::io::IsTerminal;
    if !io::stdin().is_terminal() {
        Some(Stream::Input)
    } else if !io::stdout().is_terminal() {
        Some(Stream::Output)
    } else {
        None
    }
}

/// Installed once and for good: a hook cannot be removed by a thread that panics.
fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| on_panic(panic, &before)));
    });
}

/// Only a panic of the drawing thread ends the screen. A job's panic becomes a failed job;
/// restoring for it would leave a live screen on a terminal that is deaf to keys.
fn on_panic(panic: &PanicHookInfo<'_>, before: &dyn Fn(&PanicHookInfo<'_>)) {
    let thread = thread::current();
    tracing::error!(
        thread = thread.name().unwrap_or("unnamed"),
        backtrace = %std::backtrace::Backtrace::capture(),
        "{panic}"
    );
    let owner = match OWNER.try_lock() {
        Ok(owner) => owner,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        // Somebody is just entering or leaving, which ends in a defined state without us.
        Err(TryLockError::WouldBlock) => return,
    };
    match *owner {
        Some(id) if id == thread.id() => {
            let _ = give_back(owner);
            before(panic);
        }
        Some(_) => {}
        None => {
            drop(owner);
            before(panic);
        }
    }
}
