//! What the first version kept: a file for each run, and one for each target that is not saved.

use std::io;
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::engine::fingerprint::hex;
use crate::engine::port::Unsaved;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::ServerName;

/// In the mark of a target whose file is incomplete; that of another one is empty.
const BROKEN: &[u8] = b"broken\n";

/// The folder.
fn folder(root: &Path) -> PathBuf {
    root.join("journal")
}

fn mark(root: &Path, target: &ServerName) -> PathBuf {
    // a name may hold what a file name cannot
    folder(root).join(format!("unsaved-{}", hex(&sha2::Sha256::digest(target.as_str().as_bytes())[..8])))
}

/// What the first version left amiss with the file of this target.
pub(super) fn unsaved(root: &Path, target: &ServerName) -> Option<Unsaved> {
    match std::fs::read(mark(root, target)) {
        Ok(mark) if mark == BROKEN => Some(Unsaved::Broken),
        Ok(_) => Some(Unsaved::Running),
        Err(error) if is_absence(&error) => None,
        Err(error) => {
            tracing::warn!(%error, %target, "whether the first version left a target unsaved cannot be told");
            None
        }
    }
}

/// The store knows better from now on.
pub(super) fn forget(root: &Path, target: &ServerName) -> Result<()> {
    let path = mark(root, target);
    match std::fs::remove_file(&path) {
        Err(error) if !is_absence(&error) => Err(Error::new(ErrorKind::Local, format!("{}: {error}", path.display()))),
        _ => Ok(()),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The records of runs of the first version, the oldest first.
pub(super) fn journals(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(root)).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    found.sort();
    found
}
