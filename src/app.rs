//! Everything interactive that needs no terminal: events in, state and effects out.
//!
//! ```text
//! Event -> keymap -> Action -> update(AppState) -> Effect -> jobs -> News -> update(AppState)
//! ```
//!
//! [`update::update`] is a pure function of state, event and time, so every way through the
//! program can be tested without a terminal. All keys come from one table, [`action::VERBS`].

pub mod action;
pub mod available;
pub mod compared;
pub mod copy;
pub mod detached;
pub mod detail;
pub mod drawn;
pub mod drift;
pub mod effect;
pub mod entry;
pub mod export;
pub mod farewell;
pub mod filter;
pub mod fleet;
pub mod gate;
pub mod help;
pub mod history;
pub mod key;
pub mod keymap;
pub mod list;
pub mod log;
pub mod notice;
pub mod palette;
pub mod pick;
pub mod preview;
pub mod reading;
pub mod recall;
pub mod recover;
pub mod reset;
pub mod runs;
pub mod saving;
pub mod search;
pub mod state;
pub mod unsaved;
pub mod update;
pub mod watch;
pub mod work;

pub use effect::{Effect, News, Ticket};
pub use state::{AppState, Moment, Setting};
pub use update::{Event, start, update};
