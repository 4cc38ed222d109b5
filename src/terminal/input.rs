//! The thread that reads the terminal.
//!
//! It also watches for the hang-up: `poll` reports that without being asked, on the terminal
//! that is read and on the one that is written to. A terminal that hung up is never read
//! again, since its end of file would come back as fast as a processor can ask for it.

use std::io;
use std::thread;

use tokio::sync::mpsc::Sender;

use super::Event;
#[cfg(not(unix))]
use super::Exit;

/// The reading thread; it ends when this is dropped.
#[cfg(unix)]
pub(super) struct Input {
    /// Closing this end is a hang-up of the thread's end.
    _stop: io::PipeWriter,
}

/// Starts the thread.
#[cfg(unix)]
pub(super) fn start(events: Sender<Event>) -> io::Result<Input> {
    use std::fs::File;
    use std::os::fd::AsFd;
    let (stopped, stop) = io::pipe()?;
    let keyboard = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let picture = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    thread::Builder::new()
        .name("keyboard".to_owned())
        .spawn(move || unix::read(&keyboard, &picture, &stopped, &events))?;
    Ok(Input { _stop: stop })
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, PipeReader, Read};
    use std::os::fd::AsFd;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use tokio::sync::mpsc::Sender;

    use super::super::keys::Parser;
    use super::super::{Event, Exit};

    /// After this a lone Escape is the key and not the start of a sequence: longer than a
    /// sequence is torn apart on a slow line, shorter than anybody notices.
    const ESCAPE_TIME: Timespec = Timespec { tv_sec: 0, tv_nsec: 30_000_000 };

    enum Wake {
        Bytes,
        Silence,
        Gone,
        Stop,
    }

    pub(super) fn read(mut keyboard: &File, picture: &File, stopped: &PipeReader, events: &Sender<Event>) {
        let mut parser = Parser::default();
        let mut buffer = [0; 4096];
        loop {
            let found = match wait(keyboard, picture, stopped, parser.is_waiting()) {
                Ok(Wake::Bytes) => match keyboard.read(&mut buffer) {
                    Ok(0) => return gone(events, "end of file"),
                    Ok(count) => parser.feed(&buffer[..count]),
                    Err(error) if is_transient(&error) => continue,
                    Err(error) => return gone(events, error),
                },
                Ok(Wake::Silence) => parser.silence(),
                Ok(Wake::Gone) => return gone(events, "hang-up"),
                Ok(Wake::Stop) => return,
                Err(error) => return gone(events, error),
            };
            for event in found {
                if events.blocking_send(event).is_err() {
                    return;
                }
            }
        }
    }

    fn wait(keyboard: impl AsFd, picture: impl AsFd, stopped: impl AsFd, waiting: bool) -> io::Result<Wake> {
        let over = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        let mut watched = [
            PollFd::new(&keyboard, PollFlags::IN),
            PollFd::new(&picture, PollFlags::empty()),
            PollFd::new(&stopped, PollFlags::empty()),
        ];
        loop {
            match poll(&mut watched, waiting.then_some(&ESCAPE_TIME)) {
                Ok(0) => return Ok(Wake::Silence),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let [keyboard, picture, stopped] = watched.each_ref().map(PollFd::revents);
            return Ok(if stopped.intersects(over) {
                Wake::Stop
            } else if keyboard.intersects(over) || picture.intersects(over) {
                Wake::Gone
            } else {
                Wake::Bytes
            });
        }
    }

    fn is_transient(error: &io::Error) -> bool {
        matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
    }

    fn gone(events: &Sender<Event>, why: impl std::fmt::Display) {
        tracing::info!("the terminal is gone: {why}");
        // Nobody listens any more: then somebody has decided to end already.
        let _ = events.blocking_send(Event::Exit(Exit::Gone));
    }
}

/// The reading thread; it ends with the program.
#[cfg(not(unix))]
pub(super) struct Input;

/// Starts the thread.
#[cfg(not(unix))]
pub(super) fn start(events: Sender<Event>) -> io::Result<Input> {
    thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
        loop {
            let event = match crossterm::event::read() {
                Ok(crossterm::event::Event::Key(key)) if accepts(&key) => Event::Key(key),
                Ok(crossterm::event::Event::Paste(text)) => Event::Paste(text),
                Ok(crossterm::event::Event::Resize(columns, rows)) => {
                    Event::Resize(super::Size::from_claim(columns, rows))
                }
                Ok(_) => continue,
                Err(_) => Event::Exit(Exit::Gone),
            };
            let last = event == Event::Exit(Exit::Gone);
            if events.blocking_send(event).is_err() || last {
                return;
            }
        }
    })?;
    Ok(Input)
}

/// Presses, and repeats where holding the key down can only move or delete.
pub(super) fn accepts(key: &crossterm::event::KeyEvent) -> bool {
    use crossterm::event::{KeyCode, KeyEventKind};
    match key.kind {
        KeyEventKind::Press => true,
        KeyEventKind::Release => false,
        KeyEventKind::Repeat => matches!(
            key.code,
            KeyCode::Up
                | KeyCode::Down
                | KeyCode::Left
                | KeyCode::Right
                | KeyCode::PageUp
                | KeyCode::PageDown
                | KeyCode::Home
                | KeyCode::End
                | KeyCode::Backspace
                | KeyCode::Delete
        ),
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

    use super::*;

    #[test]
    fn only_movement_repeats_and_nothing_happens_on_release() {
        let key = |code, kind| KeyEvent::new_with_kind(code, KeyModifiers::NONE, kind);
        assert!(accepts(&key(KeyCode::Enter, KeyEventKind::Press)));
        assert!(!accepts(&key(KeyCode::Enter, KeyEventKind::Repeat)));
        assert!(!accepts(&key(KeyCode::Char('y'), KeyEventKind::Repeat)));
        assert!(accepts(&key(KeyCode::Down, KeyEventKind::Repeat)));
        assert!(!accepts(&key(KeyCode::Down, KeyEventKind::Release)));
    }
}
