//! The terminal: enter and leave, draw, keys, signals, hang-up.
//!
//! [`Screen`] owns the terminal while it lives and gives it back exactly once: when it is
//! left or dropped, and when the thread that owns it panics. [`Events`] is everything that
//! comes from outside: keys, pastes, sizes, and the reasons to end ([`Exit`]).
//!
//! ```no_run
//! # async fn example() -> Result<(), scopesync::terminal::Error> {
//! use scopesync::terminal::{Event, Events, Screen};
//!
//! let mut screen = Screen::enter()?;
//! let mut events = Events::listen()?;
//! loop {
//!     screen.draw(|frame| frame.render_widget("press a key", frame.area()))?;
//!     match events.next().await {
//!         Event::Key(_) | Event::Exit(_) => return screen.leave(),
//!         Event::Resumed => screen.reenter()?,
//!         Event::Mouse(_) | Event::Paste(_) | Event::Resize(_) => {}
//!     }
//! }
//! # }
//! ```

mod backend;
mod events;
mod guard;
mod input;
mod mouse;
mod paint;
mod screen;
mod scroll;
mod signals;
mod size;

use std::fmt;
use std::io;

pub use backend::{Out, Quiet};
pub use events::{Event, Events};
pub use guard::{Modes, takes_single_keys};
pub use screen::{Drawn, Screen};
pub use size::{Size, size};

/// Why the program has to end although nobody asked for it on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The signal TERM; on Windows the console's shutdown.
    Terminate,
    /// The signal INT; on Windows Ctrl-Break.
    Interrupt,
    /// The signal HUP; on Windows the console window was closed.
    HangUp,
    /// The terminal is gone: nothing can be shown any more, and nobody can press a key.
    Gone,
}

impl Exit {
    /// The exit status of the program that ends for this reason: 128 and the signal's number.
    pub fn status(self) -> u8 {
        match self {
            Exit::HangUp | Exit::Gone => 129,
            Exit::Interrupt => 130,
            Exit::Terminate => 143,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Exit::Terminate => "told to end (TERM)",
            Exit::Interrupt => "interrupted (INT)",
            Exit::HangUp => "hung up (HUP)",
            Exit::Gone => "the terminal is gone",
        })
    }
}

/// One of the program's standard streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stream::Input => "standard input",
            Stream::Output => "standard output",
        })
    }
}

/// What can go wrong with the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The screen needs a terminal for keys and for pictures.
    #[error(
        "{0} is not a terminal, and the screen needs one; \
         use the commands instead, for example `scopesync drift` (see `scopesync --help`)"
    )]
    NotATerminal(Stream),
    /// The terminal went away. To be treated as [`Exit::Gone`], not as a failure to report.
    #[error("the terminal is gone: {0}")]
    Gone(#[source] io::Error),
    /// The terminal refuses what we ask of it.
    #[error("cannot {doing} the terminal: {source}")]
    Io {
        /// What was being done, as in "cannot … the terminal".
        doing: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

impl Error {
    /// Whether the terminal is gone, which is a reason to leave in order.
    pub fn is_gone(&self) -> bool {
        matches!(self, Error::Gone(_))
    }

    fn new(doing: &'static str, source: io::Error) -> Self {
        if means_gone(&source) { Error::Gone(source) } else { Error::Io { doing, source } }
    }
}

/// Whether a failed read or write says that nobody is at the other end any more.
fn means_gone(error: &io::Error) -> bool {
    #[cfg(unix)]
    if let Some(code) = error.raw_os_error() {
        use rustix::io::Errno;
        // A terminal that was hung up answers EIO; ENXIO and ENODEV: its device was removed.
        return [Errno::IO, Errno::PIPE, Errno::NXIO, Errno::NODEV, Errno::BADF]
            .iter()
            .any(|gone| gone.raw_os_error() == code);
    }
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hung_up_terminal_is_gone_and_a_full_one_is_not() {
        let gone = Error::new("write to", io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(gone.is_gone());
        #[cfg(unix)]
        assert!(Error::new("write to", rustix::io::Errno::IO.into()).is_gone());
        let full = Error::new("write to", io::Error::from(io::ErrorKind::WouldBlock));
        assert!(!full.is_gone());
        assert!(full.to_string().starts_with("cannot write to the terminal: "), "{full}");
    }

    #[test]
    fn an_error_names_the_stream_and_the_way_out() {
        let text = Error::NotATerminal(Stream::Input).to_string();
        assert!(text.contains("standard input") && text.contains("scopesync drift"), "{text}");
    }
}
