//! The journal as files: one for each run, one JSON record a line.
//!
//! ```text
//! {"record":"run","schema":"scopesync.journal/1","run":"…","at":"…","by":"…","host":"…","plan":{…}}
//! {"record":"before","token":"…","at":"…","target":"…","scopes":[{"scope":"10.0.0.0/24","expect":{…},"native":{…}|null}]}
//! {"record":"after","token":"…","at":"…","outcomes":[…]}
//! ```
//!
//! `native` is the target's scope exactly as it was, in the server's own words; `null`
//! for a scope that the run creates. Every record is on the disk before a call returns.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use sha2::Digest as _;

use crate::engine::fingerprint::hex;
use crate::engine::port::{Held, Journal, Token, Unsaved, Work};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::ServerName;

/// The schema of the journal's files.
const SCHEMA: &str = "scopesync.journal/1";

/// In the mark of a target whose file is incomplete; that of another one is empty.
const BROKEN: &[u8] = b"broken\n";

/// A journal in a folder.
#[derive(Debug)]
pub struct FileJournal {
    folder: PathBuf,
    by: String,
    next: AtomicU32,
}

impl FileJournal {
    /// A journal in this folder, which must be there. `by` is who runs the program.
    pub fn new(folder: impl Into<PathBuf>, by: &str) -> Self {
        FileJournal { folder: folder.into(), by: by.to_owned(), next: AtomicU32::new(1) }
    }

    /// The file of a run.
    pub fn path(&self, run: &str) -> PathBuf {
        self.folder.join(format!("{run}.jsonl"))
    }

    /// The mark of a target that is not saved.
    fn mark(&self, target: &ServerName) -> PathBuf {
        // a name may hold what a file name cannot
        self.folder.join(format!("unsaved-{}", short_hash(target.as_str())))
    }

    fn append(&self, run: &str, record: &Value, create: bool) -> Result<()> {
        let path = self.path(run);
        append(&path, record, create).map_err(|error| unusable(&path, &error))
    }
}

fn short_hash(text: &str) -> String {
    hex(&sha2::Sha256::digest(text.as_bytes())[..8])
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Local, format!("the journal {} cannot be written: {error}", path.display()))
        .hint("nothing is written to a server without it: make room or mend the folder's permissions")
}

fn append(path: &Path, record: &Value, create: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(create);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // one write a record: a record is there as a whole, or its line is cut short
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()?;
    match path.parent() {
        Some(folder) if create => sync_folder(folder),
        _ => Ok(()),
    }
}

/// A new file's name is only durable when its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows keeps names durable by itself and cannot open folders as files.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

impl Journal for FileJournal {
    /// By a lock on a file, which the operating system lets go when its process ends, however it does.
    fn hold(&self, server: &str) -> Result<Option<Held>> {
        let path = self.folder.join(format!("held-{}", short_hash(server)));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| unusable(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            // a file system without locks: what is checked right before each write has to do
            Err(TryLockError::Error(error)) => {
                tracing::warn!(%error, path = %path.display(), "runs of other processes cannot be kept apart");
                Ok(Some(Box::new(file)))
            }
        }
    }

    fn begin(&self, run: &str, plan: &Value) -> Result<()> {
        let host = std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok();
        let record = json!({
            "record": "run", "schema": SCHEMA, "run": run, "at": now(), "by": self.by, "host": host, "plan": plan,
        });
        self.append(run, &record, true)
    }

    fn before(&self, run: &str, target: &ServerName, work: &[Arc<Work>]) -> Result<Token> {
        let token = format!("{run}#{}", self.next.fetch_add(1, Ordering::Relaxed));
        let scopes: Vec<Value> = work
            .iter()
            .map(|work| {
                let native = work.before.as_ref().map(|scope| scope.native.as_ref().clone());
                let network = work.before.as_ref().and_then(|scope| scope.network().map(|n| n.raw().to_owned()));
                json!({ "scope": work.id, "expect": work.expect, "network": network, "native": native })
            })
            .collect();
        let record = json!({ "record": "before", "token": token, "at": now(), "target": target, "scopes": scopes });
        self.append(run, &record, false)?;
        Ok(Token(token))
    }

    fn unsaved(&self, target: &ServerName) -> Option<Unsaved> {
        match std::fs::read(self.mark(target)) {
            Ok(mark) if mark == BROKEN => Some(Unsaved::Broken),
            Ok(_) => Some(Unsaved::Running),
            Err(_) => None,
        }
    }

    fn remember_unsaved(&self, target: &ServerName, unsaved: Option<Unsaved>) -> Result<()> {
        let path = self.mark(target);
        let mark = |text: &[u8]| {
            let mut file = File::create(&path)?;
            file.write_all(text)?;
            file.sync_all()?;
            sync_folder(&self.folder)
        };
        let done = match unsaved {
            Some(Unsaved::Running) => mark(b""),
            Some(Unsaved::Broken) => mark(BROKEN),
            None => std::fs::remove_file(&path),
        };
        match done {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::new(ErrorKind::Local, format!("{}: {error}", path.display())))
            }
            _ => Ok(()),
        }
    }

    fn after(&self, token: Token, outcomes: &Value) -> Result<()> {
        let run = token.0.split('#').next().unwrap_or_default().to_owned();
        let record = json!({ "record": "after", "token": token.0, "at": now(), "outcomes": outcomes });
        self.append(&run, &record, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_kept_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let journal = FileJournal::new(folder.path(), "operator");
        journal.begin("run-1", &json!({"digest": "d"})).unwrap();
        let token = journal.before("run-1", &ServerName::from("kea-2"), &[]).unwrap();
        journal.after(token, &json!([])).unwrap();
        assert!(journal.begin("run-1", &json!({})).is_err(), "a second run must not write into the first one's file");

        let text = std::fs::read_to_string(journal.path("run-1")).unwrap();
        let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<_> = records.iter().map(|record| record["record"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["run", "before", "after"]);
        assert_eq!(records[1]["token"], records[2]["token"]);
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let journal = FileJournal::new(folder.path().join("gone"), "operator");
        let error = journal.begin("run-1", &json!({})).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Local);
        assert!(error.to_string().contains("gone"), "{error}");
    }

    #[test]
    fn a_target_stays_unsaved_until_it_is_saved() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (ServerName::from("kea-1"), ServerName::from("a/b"));
        for amiss in [Unsaved::Running, Unsaved::Broken, Unsaved::Running] {
            FileJournal::new(folder.path(), "operator").remember_unsaved(&two, Some(amiss)).unwrap();
            let journal = FileJournal::new(folder.path(), "operator");
            assert_eq!((journal.unsaved(&one), journal.unsaved(&two)), (None, Some(amiss)));
        }
        let journal = FileJournal::new(folder.path(), "operator");
        journal.remember_unsaved(&two, None).unwrap();
        journal.remember_unsaved(&two, None).unwrap();
        assert_eq!(journal.unsaved(&two), None);
    }

    #[test]
    fn a_server_is_held_by_one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let journals = [FileJournal::new(folder.path(), "one"), FileJournal::new(folder.path(), "two")];
        let held = journals[0].hold("a at http://192.0.2.1/").unwrap();
        assert!(held.is_some());
        assert!(journals[1].hold("a at http://192.0.2.1/").unwrap().is_none());
        assert!(journals[1].hold("b at http://192.0.2.2/").unwrap().is_some());
        drop(held);
        assert!(journals[1].hold("a at http://192.0.2.1/").unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let journal = FileJournal::new(folder.path(), "operator");
        journal.begin("run-1", &json!({})).unwrap();
        let mode = std::fs::metadata(journal.path("run-1")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
