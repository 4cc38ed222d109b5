//! Everything that comes from outside, in the order in which it matters.

use crossterm::event::{KeyEvent, MouseEvent};

use super::input::Input;
use super::signals::Signals;
use super::{Error, Exit, Size};

/// Something that happened outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key was pressed. Releases are dropped; of a key that is held down only movement and
    /// deleting arrive again, as `KeyEventKind::Repeat` where the terminal tells the two apart.
    Key(KeyEvent),
    /// A button or the wheel of the mouse, while it is used.
    Mouse(MouseEvent),
    /// Text was pasted, line ends as the terminal sent them. Never to be taken for keys.
    Paste(String),
    /// The window has another size. Drawing finds the size by itself.
    Resize(Size),
    /// The program was stopped and goes on: call [`Screen::reenter`](super::Screen::reenter).
    Resumed,
    /// The program has to end.
    Exit(Exit),
}

/// Keys, pastes, sizes and signals.
pub struct Events {
    signals: Signals,
    /// `None` while another program reads the keys.
    input: Option<Input>,
}

impl Events {
    /// Starts to listen. The terminal has to be entered already, and to be called on a runtime.
    ///
    /// # Errors
    /// The system's, when a signal cannot be watched or no thread be started.
    pub fn listen() -> Result<Self, Error> {
        let listen =
            || -> std::io::Result<Self> { Ok(Self { signals: Signals::listen()?, input: Some(Input::start()?) }) };
        listen().map_err(|error| Error::new("listen to", error))
    }

    /// Leaves the keys to another program; signals go on to be heard. What was typed before is lost.
    pub async fn pause(&mut self) {
        if let Some(input) = self.input.take() {
            input.stop().await;
        }
    }

    /// Listens to the keys again.
    ///
    /// # Errors
    /// As [`Events::listen`].
    pub fn resume(&mut self) -> Result<(), Error> {
        self.input = Some(Input::start().map_err(|error| Error::new("listen to", error))?);
        Ok(())
    }

    /// The next event, signals and the hang-up before keys. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Event {
        let input = async {
            match &mut self.input {
                Some(input) => input.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            event = self.signals.next() => event,
            event = input => event.unwrap_or(Event::Exit(Exit::Gone)),
        }
    }

    /// A key or paste that is there already, to take many before drawing once.
    pub fn ready(&mut self) -> Option<Event> {
        self.input.as_mut()?.ready()
    }
}
