//! The threads that read the terminal and watch it.
//!
//! crossterm takes the bytes apart, but it does not survive the end of a terminal: one that
//! hung up is at its end of file as often as it is asked, and crossterm asks until a key comes.
//! So the keyboard thread waits by itself, and calls crossterm only while there is something
//! to read. `poll` reports a hang-up without being asked, on the terminal that is read and on
//! the one that is written to; after it crossterm is not called again.
//!
//! That thread may still be inside crossterm when the terminal goes away: its standard input
//! blocks, so half a sequence keeps it in `read` until the rest comes. A second thread
//! therefore does nothing but watch, and the program leaves in order whatever the first is at.
//! The first is not kept busy either: crossterm's wait for more is a short one.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver};

use super::Event;
#[cfg(not(unix))]
use super::Size;

/// More keys than anybody types ahead; beyond it the terminal waits for us.
const CAPACITY: usize = 1024;

/// Of a paste no more than this is kept, in bytes; the screen has no field that takes as much.
const LONGEST_PASTE: usize = 1 << 20;

/// The threads are waited for at most so long.
const STOPPING: Duration = Duration::from_secs(1);

/// How long the thread looks before it asks whether it is to end: nothing wakes it.
#[cfg(not(unix))]
const GLANCE: Duration = Duration::from_millis(250);

/// The threads; they end when this is dropped, if they can.
pub(super) struct Input {
    keys: Receiver<Event>,
    #[cfg(unix)]
    gone: tokio_util::sync::CancellationToken,
    /// Closing this end is a hang-up of the threads' end.
    #[cfg(unix)]
    _stop: io::PipeWriter,
    #[cfg(not(unix))]
    _stop: tokio_util::sync::DropGuard,
}

impl Input {
    /// Starts the threads.
    #[cfg(unix)]
    pub(super) fn start() -> io::Result<Self> {
        use tokio_util::sync::CancellationToken;
        let (send, keys) = mpsc::channel(CAPACITY);
        // Does nothing yet but to set up crossterm's reader, and to say if that fails.
        crossterm::event::poll(Duration::ZERO)?;
        let (stopped, stop) = io::pipe()?;
        let ends = unix::Ends::take(stopped)?;
        let gone = CancellationToken::new();
        thread::Builder::new().name("terminal".to_owned()).spawn({
            let (ends, gone) = (ends.try_clone()?, gone.clone());
            move || unix::watch(&ends, &gone)
        })?;
        thread::Builder::new().name("keyboard".to_owned()).spawn(move || unix::read(&ends, &send))?;
        Ok(Self { keys, gone, _stop: stop })
    }

    /// Starts the thread, which ends with the program.
    #[cfg(not(unix))]
    pub(super) fn start() -> io::Result<Self> {
        let (send, keys) = mpsc::channel(CAPACITY);
        let stopped = tokio_util::sync::CancellationToken::new();
        let stop = stopped.clone().drop_guard();
        thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
            while !stopped.is_cancelled() {
                let event = match crossterm::event::poll(GLANCE) {
                    Ok(true) => crossterm::event::read(),
                    Ok(false) => continue,
                    Err(error) => Err(error),
                };
                let Ok(event) = event else { return };
                let event = match event {
                    crossterm::event::Event::Resize(columns, rows) => {
                        Some(Event::Resize(Size::from_claim(columns, rows)))
                    }
                    event => ours(event),
                };
                if event.is_some_and(|event| send.blocking_send(event).is_err()) {
                    return;
                }
            }
        })?;
        Ok(Self { keys, _stop: stop })
    }

    /// Ends the threads, and waits until no key is taken any more. One that is in the middle of a
    /// key may take the next one yet: nobody waits for that.
    pub(super) async fn stop(self) {
        let Self { mut keys, _stop: stop, .. } = self;
        drop(stop);
        let last = async { while keys.recv().await.is_some() {} };
        if tokio::time::timeout(STOPPING, last).await.is_err() {
            tracing::warn!("the keyboard is read on while another program has the terminal");
        }
    }

    /// The next event; nothing, now and ever after, when the terminal is gone. No event is
    /// lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Option<Event> {
        #[cfg(unix)]
        return tokio::select! {
            biased;
            () = self.gone.cancelled() => None,
            event = self.keys.recv() => event,
        };
        #[cfg(not(unix))]
        self.keys.recv().await
    }

    /// An event that is there already.
    pub(super) fn ready(&mut self) -> Option<Event> {
        self.keys.try_recv().ok()
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, PipeReader};
    use std::ops::ControlFlow;
    use std::os::fd::AsFd;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use tokio::sync::mpsc::Sender;
    use tokio_util::sync::CancellationToken;

    use super::super::Event;

    /// How long crossterm may wait for the next key of several. Not at all will not do: its
    /// reader looks at nothing, not even at keys that it has taken apart already, once the
    /// time is over. So long, too, it asks a terminal that hung up meanwhile.
    const PATIENCE: Duration = Duration::from_millis(20);

    /// When the machine is so busy that crossterm's time was over before it looked, keys lie
    /// in its queue that no wait of ours can see: after keys, look once more.
    const SECOND_LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

    /// What is waited for.
    pub(super) struct Ends {
        keyboard: File,
        picture: File,
        stopped: PipeReader,
    }

    impl Ends {
        pub(super) fn take(stopped: PipeReader) -> io::Result<Self> {
            let keyboard = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            let picture = File::from(io::stdout().as_fd().try_clone_to_owned()?);
            Ok(Self { keyboard, picture, stopped })
        }

        pub(super) fn try_clone(&self) -> io::Result<Self> {
            Ok(Self {
                keyboard: self.keyboard.try_clone()?,
                picture: self.picture.try_clone()?,
                stopped: self.stopped.try_clone()?,
            })
        }
    }

    enum Wake {
        Look,
        Gone,
        Stop,
    }

    /// Cancels `gone` when the terminal is.
    pub(super) fn watch(ends: &Ends, gone: &CancellationToken) {
        match wait(ends, PollFlags::empty(), None) {
            Ok(Wake::Stop) => return,
            Ok(Wake::Gone | Wake::Look) => tracing::info!("the terminal is gone: hang-up"),
            Err(error) => tracing::info!("the terminal is gone: it cannot be watched: {error}"),
        }
        gone.cancel();
    }

    /// Sends keys and pastes until the terminal is gone or nobody wants them.
    pub(super) fn read(ends: &Ends, events: &Sender<Event>) {
        let mut second_look = None;
        loop {
            match wait(ends, PollFlags::IN, second_look) {
                Ok(Wake::Look) => {}
                Ok(Wake::Gone | Wake::Stop) => return,
                Err(error) => return tracing::info!("the terminal is gone: it cannot be watched: {error}"),
            }
            second_look = match forward(events) {
                Ok(ControlFlow::Continue(some)) => some.then_some(&SECOND_LOOK),
                Ok(ControlFlow::Break(())) => return,
                Err(error) => return tracing::info!("the terminal is gone: it cannot be read: {error}"),
            };
        }
    }

    /// Sends what there is to read, and says whether there was anything.
    fn forward(events: &Sender<Event>) -> io::Result<ControlFlow<(), bool>> {
        let mut some = false;
        while crossterm::event::poll(PATIENCE)? {
            some = true;
            // Sizes come from the signal, which arrives also while no key is pressed.
            let Some(event) = super::ours(crossterm::event::read()?) else { continue };
            if events.blocking_send(event).is_err() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(some))
    }

    fn wait(ends: &Ends, keys: PollFlags, patience: Option<&Timespec>) -> io::Result<Wake> {
        let over = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        let mut watched = [
            PollFd::new(&ends.keyboard, keys),
            PollFd::new(&ends.picture, PollFlags::empty()),
            PollFd::new(&ends.stopped, PollFlags::empty()),
        ];
        loop {
            match poll(&mut watched, patience) {
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
                Wake::Look
            });
        }
    }
}

/// Keys and pastes that concern the screen.
fn ours(event: crossterm::event::Event) -> Option<Event> {
    match event {
        crossterm::event::Event::Key(key) => accepts(&key).then_some(Event::Key(key)),
        crossterm::event::Event::Mouse(mouse) => concerns(&mouse).then_some(Event::Mouse(mouse)),
        crossterm::event::Event::Paste(mut text) => {
            text.truncate(text.floor_char_boundary(LONGEST_PASTE));
            Some(Event::Paste(text))
        }
        _ => None,
    }
}

/// The left button and the wheel. Moving alone is nothing.
fn concerns(mouse: &crossterm::event::MouseEvent) -> bool {
    use MouseEventKind::{Down, ScrollDown, ScrollUp};
    use crossterm::event::{MouseButton, MouseEventKind};
    matches!(mouse.kind, Down(MouseButton::Left) | ScrollUp | ScrollDown)
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

    #[test]
    fn a_huge_paste_is_cut_between_characters() {
        let paste = |text: &str| ours(crossterm::event::Event::Paste(text.to_owned()));
        assert_eq!(paste("a\rb"), Some(Event::Paste("a\rb".to_owned())));
        let text = "ab".to_owned() + &"€".repeat(LONGEST_PASTE / 3);
        let kept = 2 + (LONGEST_PASTE - 2) / 3 * 3;
        assert_eq!(paste(&text), Some(Event::Paste(text[..kept].to_owned())));
    }

    #[test]
    fn sizes_and_focus_are_no_keys() {
        assert_eq!(ours(crossterm::event::Event::Resize(80, 24)), None);
        assert_eq!(ours(crossterm::event::Event::FocusLost), None);
    }
}
