//! The screen: a ratatui terminal that can be left and entered again.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, Write};
#[cfg(unix)]
use std::time::Duration;

use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};

use super::backend::{Out, Quiet};
use super::{Error, guard, size};

/// Much longer than a stop signal takes to reach every thread.
#[cfg(unix)]
const STOPPING: Duration = Duration::from_millis(50);

/// The terminal while it is ours: alternate screen, raw mode, bracketed paste, hidden cursor.
///
/// To be kept by the thread that enters: its panic gives the terminal back before the message
/// is printed, a panic of any other thread does not touch the screen. Dropping it gives the
/// terminal back as well.
pub struct Screen {
    terminal: Terminal<Quiet>,
    title: Option<String>,
}

/// What drawing a frame came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The area that was drawn on.
    pub area: Rect,
    /// Bytes sent to the terminal; 0 when the frame looks like the one before.
    pub bytes: u64,
}

impl Screen {
    /// Takes the terminal on standard input and output.
    ///
    /// # Errors
    /// [`Error::NotATerminal`] when one of the two is something else; otherwise the terminal's.
    pub fn enter() -> Result<Self, Error> {
        guard::enter()?;
        Self::on_terminal().map_err(|error| {
            let _ = guard::restore();
            Error::new("draw on", error)
        })
    }

    fn on_terminal() -> io::Result<Self> {
        let out = Out::new(Box::new(sink()?));
        Ok(Self { terminal: Terminal::new(Quiet::new(out, size))?, title: None })
    }

    /// Draws a frame at the terminal's present size and sends what differs from the last one.
    ///
    /// # Errors
    /// [`Error::Gone`] when there is no terminal any more: the program has to end in order.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> Result<Drawn, Error> {
        let before = self.terminal.backend().out().written();
        let area = self.terminal.draw(render).map_err(|error| Error::new("draw on", error))?.area;
        let bytes = self.terminal.backend().out().written() - before;
        Ok(Drawn { area, bytes })
    }

    /// Hands a text to the terminal for the clipboard of whoever sits before it (OSC 52). A
    /// terminal that does not take it says nothing.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn copy(&mut self, text: &str) -> Result<(), Error> {
        self.terminal.backend_mut().copy(text).map_err(|error| Error::new("copy by", error))
    }

    /// Gives the terminal's window a title, until the terminal is given back. Nothing is sent when it
    /// has it already.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn entitle(&mut self, title: &str) -> Result<(), Error> {
        if self.title.as_deref() == Some(title) {
            return Ok(());
        }
        guard::entitle(title).map_err(|error| Error::new("name", error))?;
        self.title = Some(title.to_owned());
        Ok(())
    }

    /// Rings the terminal's bell.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn ring(&mut self) -> Result<(), Error> {
        guard::ring().map_err(|error| Error::new("ring", error))
    }

    /// Makes the next frame complete, for a terminal that shows something else than we think.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn repaint(&mut self) -> Result<(), Error> {
        self.terminal.backend_mut().forget();
        // Not `clear`: it wants to know where the cursor is.
        let mut repaint = || {
            let size = size()?;
            self.terminal.resize(Rect::new(0, 0, size.columns, size.rows))
        };
        repaint().map_err(|error| Error::new("draw on", error))
    }

    /// Lets the terminal report the mouse, or leaves the mouse to it. Holds until the terminal is
    /// left for good; coming back sets it again.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn use_mouse(&mut self, on: bool) -> Result<(), Error> {
        guard::use_mouse(on)
    }

    /// Gives the terminal back, and takes it again with [`Screen::reenter`]. Leaving twice is
    /// leaving once.
    ///
    /// # Errors
    /// The terminal's; nothing more can be done about it then.
    pub fn leave(&mut self) -> Result<(), Error> {
        self.title = None;
        guard::restore()
    }

    /// Takes the terminal again after [`Screen::leave`], or after something else used it, and
    /// makes the next frame complete.
    ///
    /// # Errors
    /// The terminal's.
    pub fn reenter(&mut self) -> Result<(), Error> {
        guard::reenter()?;
        self.repaint()
    }

    /// Stops the program as Ctrl-Z does elsewhere, and returns when it is continued.
    ///
    /// # Errors
    /// As [`Screen::leave`] and [`Screen::reenter`].
    #[cfg(unix)]
    pub fn suspend(&mut self) -> Result<(), Error> {
        self.leave()?;
        // The whole group: a script that started us has to stop as well.
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)
            .map_err(|error| Error::new("hand back", error.into()))?;
        // The signal may be on its way to another thread while this one goes on; it must not
        // take the terminal back before it is stopped. Where nobody could continue us, the
        // system does not stop us at all, so there is nothing better to wait for.
        std::thread::sleep(STOPPING);
        self.reenter()
    }

    /// There is no suspending here: does nothing.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub fn suspend(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // What could not be restored can neither be shown; the panic hook may have been first.
        let _ = guard::restore();
    }
}

/// Standard output without the line buffer of the standard library.
#[cfg(unix)]
pub(super) fn sink() -> io::Result<impl Write + Send + 'static> {
    use std::os::fd::AsFd;
    Ok(Patient(File::from(io::stdout().as_fd().try_clone_to_owned()?)))
}

/// Standard output: the console wants text, not bytes.
#[cfg(not(unix))]
pub(super) fn sink() -> io::Result<impl Write + Send + 'static> {
    Ok(io::stdout())
}

/// Waits where a terminal that somebody set to non-blocking says that it is full.
#[cfg(unix)]
struct Patient(File);

#[cfg(unix)]
impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None) {
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
