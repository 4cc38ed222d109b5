//! Who holds what, by locks on files: the operating system lets go of them when their process
//! ends, however it does. Beside each lock stands who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::engine::fingerprint::hex;
use crate::engine::port::{Hold, Owner};
use crate::engine::{Error, ErrorKind, Result};

/// The folder of the locks.
pub(super) struct Locks(PathBuf);

/// A lock that is held.
struct Guard {
    /// Unlocked when closed; closed last.
    _file: File,
    owner: PathBuf,
    /// A lock's file that nobody will ask for again.
    done_with: Option<PathBuf>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        for path in [Some(&self.owner), self.done_with.as_ref()].into_iter().flatten() {
            if let Err(error) = std::fs::remove_file(path) {
                tracing::debug!(%error, path = %path.display(), "a lock's file stays");
            }
        }
    }
}

impl Locks {
    pub(super) fn new(folder: PathBuf) -> Self {
        Locks(folder)
    }

    /// Holds a server, by what tells it from every other.
    pub(super) fn server(&self, server: &str, owner: &Owner) -> Result<Hold> {
        // an identity may hold what a file name cannot
        let name = format!("server-{}", hex(&sha2::Sha256::digest(server.as_bytes())[..8]));
        self.hold(&name, owner, false)
    }

    /// Holds the name of a run that may be there already.
    pub(super) fn run(&self, owner: &Owner) -> Result<Hold> {
        self.hold(&run_name(&owner.run), owner, true)
    }

    /// Whether a run of this name was begun on this machine and is not known to be over.
    pub(super) fn knows(&self, run: &str) -> bool {
        self.0.join(format!("{}.lock", run_name(run))).exists()
    }

    /// Whether the process of this run lives.
    pub(super) fn is_alive(&self, run: &str) -> bool {
        let path = self.0.join(format!("{}.lock", run_name(run)));
        let Ok(file) = File::open(&path) else { return false };
        match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => lives(&read_owner(&path.with_extension("owner"))),
        }
    }

    fn hold(&self, name: &str, owner: &Owner, done_with: bool) -> Result<Hold> {
        let lock = self.0.join(format!("{name}.lock"));
        let beside = lock.with_extension("owner");
        let unusable = |error: io::Error| unusable(&lock, &error);
        let file = private().create(true).truncate(false).open(&lock).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Hold::Other(read_owner(&beside))),
            // a file system without locks: what is checked right before each write has to do
            Err(TryLockError::Error(error)) => {
                tracing::warn!(%error, path = %lock.display(), "runs of other processes cannot be kept apart");
            }
        }
        let text = serde_json::to_vec(owner).map_err(io::Error::from).map_err(unusable)?;
        let mut told = private().create(true).truncate(true).open(&beside).map_err(unusable)?;
        io::Write::write_all(&mut told, &text).map_err(unusable)?;
        Ok(Hold::Mine(Box::new(Guard { _file: file, owner: beside, done_with: done_with.then_some(lock) })))
    }
}

fn run_name(run: &str) -> String {
    format!("run-{run}")
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Nobody in particular where it does not stand there, or not yet.
fn read_owner(path: &Path) -> Owner {
    std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Whether a process of this machine is there.
#[cfg(unix)]
fn lives(owner: &Owner) -> bool {
    let process = i32::try_from(owner.process).ok().and_then(rustix::process::Pid::from_raw);
    process.is_some_and(|process| rustix::process::test_kill_process(process).is_ok())
}

/// Windows has locks on all its file systems.
#[cfg(not(unix))]
fn lives(_owner: &Owner) -> bool {
    true
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Local, format!("the lock {} cannot be taken: {error}", path.display()))
        .hint("nothing is written to a server without it: make room or mend the folder's permissions")
}
