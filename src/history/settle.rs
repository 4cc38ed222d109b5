//! What was done about interrupted runs.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::History;
use super::audit::Event;
use crate::engine::{Error, ErrorKind, Result};

/// How an interrupted run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Settlement {
    /// The rest of it was written.
    Finished,
    /// It was taken back.
    Undone,
    /// The operator has left everything as it is.
    Left,
    /// Later runs have written all of its scopes.
    Replaced,
}

impl Settlement {
    /// The words for screens.
    pub fn words(self) -> &'static str {
        match self {
            Settlement::Finished => "finished",
            Settlement::Undone => "undone",
            Settlement::Left => "left as it was",
            Settlement::Replaced => "replaced by a later run",
        }
    }
}

/// What was done about an interrupted run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// What.
    pub how: Settlement,
    /// By which run, where one was needed.
    pub run: Option<String>,
    /// By whom.
    pub by: String,
    /// When.
    pub at: jiff::Timestamp,
}

impl History {
    /// Settles an interrupted run: it no longer waits, and its record says what was done about it
    /// and by whom; `through` is the run that did it.
    ///
    /// # Errors
    /// It does not wait: it is still going on, has ended by itself, or was settled before; or the
    /// store cannot be written.
    pub fn settle(&self, run: &str, how: Settlement, by: &str, through: Option<&str>) -> Result<()> {
        let waits = || Error::new(ErrorKind::Selection, format!("run {run} does not wait for anybody"));
        if self.locks()?.is_alive(run) {
            return Err(waits().hint("it is still going on"));
        }
        let settled =
            Settled { how, run: through.map(ToOwned::to_owned), by: by.to_owned(), at: jiff::Timestamp::now() };
        let told = serde_json::to_string(&settled).map_err(|error| Error::new(ErrorKind::Local, error.to_string()))?;
        // what a run did about another one was perhaps taken down as it ended, in fewer words
        let sql = "UPDATE run SET settled = ?2 WHERE id = ?1 AND ended IS NULL AND (settled IS NULL \
                   OR (settled ->> 'how' IN ('replaced', 'undone') AND settled ->> 'run' IS ?3))";
        let known = self.write(|transaction| transaction.execute(sql, params![run, told, through]))? == 1;
        if !known {
            return Err(waits().hint("`scopesync history show` tells how it ended"));
        }
        self.audit(&[Event::of("settled", Some(run), json!({ "how": how, "by": by, "through": through }))])?;
        self.locks()?.forget(run);
        tracing::info!(run, by, how = how.words(), through, "an interrupted run is settled");
        Ok(())
    }
}
