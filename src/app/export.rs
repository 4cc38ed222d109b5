//! Files of what is on the screen, for spreadsheets and other programs.

mod fleet;
mod past;
mod table;

use std::path::PathBuf;

use jiff::Timestamp;

use super::action::Place;
use super::copy::document::Document;
use super::saving::{Saving, file_name, is_json, write_new};
use super::state::AppState;

pub use table::{Cell, Table, is_formula};

/// Makes the text of a file: as JSON, or else as CSV.
type Make = Box<dyn FnOnce(bool) -> Result<String, String> + Send>;

/// What can be exported from here.
pub struct Sheet {
    /// What it is, safe to show.
    pub words: String,
    /// The same for the name of a file.
    name: String,
    make: Make,
}

/// The question for the file.
pub struct Exporting {
    /// What is exported, safe to show.
    pub words: String,
    /// The file.
    pub saving: Saving,
}

/// A file that is to be written.
pub struct Export {
    path: PathBuf,
    make: Make,
}

impl Sheet {
    /// A sheet that is one table.
    fn of(words: String, name: &str, at: Timestamp, table: impl FnOnce() -> Table + Send + 'static) -> Self {
        let make = move |json| if json { table().json(at) } else { Ok(table().csv()) };
        Sheet { words, name: name.to_owned(), make: Box::new(make) }
    }

    /// The question for its file, with a name to begin with.
    pub fn ask(&self, now: Timestamp) -> Exporting {
        Exporting { words: self.words.clone(), saving: Saving::new(file_name(&self.name, "", now, "csv")) }
    }

    /// Exports it to this file.
    pub fn to(self, path: PathBuf) -> Export {
        Export { path, make: self.make }
    }
}

impl Export {
    /// Writes the file; returns its name, safe to show.
    ///
    /// # Errors
    /// In words: it is there already, or cannot be written.
    pub fn write(self) -> Result<String, String> {
        let text = (self.make)(is_json(&self.path))?;
        write_new(&self.path, &text)
    }
}

/// What can be exported from here.
///
/// # Errors
/// In words: there is nothing.
pub fn sheet(state: &AppState) -> Result<Sheet, String> {
    let at = state.clock;
    match state.beneath() {
        Place::Relationships | Place::Scopes => Ok(fleet::sheet(state)),
        Place::Drift => {
            let document = Document::of(state)?;
            let (about, name) = document.called();
            let make = move |json| if json { document.json() } else { Ok(document.table().csv()) };
            Ok(Sheet { words: format!("the drift of {about}"), name: format!("drift-{name}"), make: Box::new(make) })
        }
        Place::Jobs => past::runs(state),
        Place::History => past::history(state),
        Place::PastRun => past::run(state),
        Place::Log => {
            let messages: Vec<_> = state.log.iter().flat_map(|log| log.shown().cloned()).collect();
            let row = |message: crate::log::Message| {
                let cells = [message.at.to_string(), message.level.name().into(), message.target, message.text];
                cells.map(Cell::from).into()
            };
            Ok(Sheet::of("the messages that are shown".into(), "log", at, move || Table {
                what: "log",
                columns: &["at", "level", "part", "message"],
                rows: messages.into_iter().map(row).collect(),
            }))
        }
        _ => Err("there is nothing here to export".into()),
    }
}
