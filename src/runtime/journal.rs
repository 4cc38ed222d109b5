//! The journal of the interactive program: its folder is made when the first run needs it.

use std::sync::{Arc, OnceLock};

use crate::engine::port::{Held, Journal, Token, Unsaved, Work};
use crate::engine::{Error, ErrorKind, Result};
use crate::history::FileJournal;
use crate::model::ServerName;
use crate::state::StateFolder;

/// A journal in a state folder that need not be there yet.
pub(super) struct FolderJournal {
    state: StateFolder,
    by: String,
    journal: OnceLock<FileJournal>,
}

impl FolderJournal {
    pub(super) fn new(state: StateFolder, by: &str) -> Self {
        FolderJournal { state, by: by.to_owned(), journal: OnceLock::new() }
    }

    fn journal(&self) -> Result<&FileJournal> {
        if let Some(journal) = self.journal.get() {
            return Ok(journal);
        }
        let folder = self.state.journal().map_err(|error| {
            Error::new(ErrorKind::Local, error.to_string()).hint("nothing is written to a server without a journal")
        })?;
        Ok(self.journal.get_or_init(|| FileJournal::new(folder, &self.by)))
    }
}

impl Journal for FolderJournal {
    fn hold(&self, server: &str) -> Result<Option<Held>> {
        self.journal()?.hold(server)
    }

    fn begin(&self, run: &str, plan: &serde_json::Value) -> Result<()> {
        self.journal()?.begin(run, plan)
    }

    fn before(&self, run: &str, target: &ServerName, work: &[Arc<Work>]) -> Result<Token> {
        self.journal()?.before(run, target, work)
    }

    fn after(&self, token: Token, outcomes: &serde_json::Value) -> Result<()> {
        self.journal()?.after(token, outcomes)
    }

    fn unsaved(&self, target: &ServerName) -> Option<Unsaved> {
        self.journal().ok()?.unsaved(target)
    }

    fn remember_unsaved(&self, target: &ServerName, unsaved: Option<Unsaved>) -> Result<()> {
        self.journal()?.remember_unsaved(target, unsaved)
    }
}

/// The journal of one run, which learns the run's name from it.
pub(super) struct RunJournal {
    journal: Arc<FolderJournal>,
    name: Arc<OnceLock<String>>,
}

impl RunJournal {
    pub(super) fn new(journal: Arc<FolderJournal>, name: Arc<OnceLock<String>>) -> Self {
        RunJournal { journal, name }
    }
}

impl Journal for RunJournal {
    fn hold(&self, server: &str) -> Result<Option<Held>> {
        self.journal.hold(server)
    }

    fn begin(&self, run: &str, plan: &serde_json::Value) -> Result<()> {
        self.name.get_or_init(|| run.to_owned());
        self.journal.begin(run, plan)
    }

    fn before(&self, run: &str, target: &ServerName, work: &[Arc<Work>]) -> Result<Token> {
        self.journal.before(run, target, work)
    }

    fn after(&self, token: Token, outcomes: &serde_json::Value) -> Result<()> {
        self.journal.after(token, outcomes)
    }

    fn unsaved(&self, target: &ServerName) -> Option<Unsaved> {
        self.journal.unsaved(target)
    }

    fn remember_unsaved(&self, target: &ServerName, unsaved: Option<Unsaved>) -> Result<()> {
        self.journal.remember_unsaved(target, unsaved)
    }
}
