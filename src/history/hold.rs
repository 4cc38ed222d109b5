//! Who holds what, by locks on files: the operating system lets go of them when their process
//! ends, however it does. Beside each lock stands who holds it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::Digest as _;

use super::who::host;
use crate::engine::fingerprint::hex;
use crate::engine::port::{Hold, Owner};
use crate::engine::{Error, ErrorKind, Result};
use crate::files::private;

/// For so long a lock may be kept by somebody who only looks, or who has yet to say who it is.
const GLANCE: Duration = Duration::from_millis(100);

/// How soon to look again.
const PACE: Duration = Duration::from_millis(5);

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
        remove(&self.owner);
        self.done_with.iter().for_each(|lock| remove(lock));
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
        self.hold(&name, owner, false, File::try_lock)
    }

    /// Holds the name of a run that may be there already.
    pub(super) fn run(&self, owner: &Owner) -> Result<Hold> {
        self.hold(&run_name(&owner.run), owner, true, File::try_lock)
    }

    /// Whether a run of this name was begun on this machine and is not known to be over.
    pub(super) fn knows(&self, run: &str) -> bool {
        self.of_run(run).exists()
    }

    /// Whether the process of this run lives. One that cannot be looked at does: to take a run for
    /// interrupted is what cannot be taken back.
    pub(super) fn is_alive(&self, run: &str) -> bool {
        let path = self.of_run(run);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "whether a run goes on cannot be told");
                return true;
            }
        };
        // shared: several may look at once, and are not to take each other for the run
        match file.try_lock_shared() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => lives(&read_owner(&path.with_extension("owner"))),
        }
    }

    /// Removes what a run has left that is over and was killed; its name is never used again.
    pub(super) fn forget(&self, run: &str) {
        let lock = self.of_run(run);
        remove(&lock.with_extension("owner"));
        remove(&lock);
    }

    fn of_run(&self, run: &str) -> PathBuf {
        self.0.join(format!("{}.lock", run_name(run)))
    }

    fn hold(
        &self,
        name: &str,
        owner: &Owner,
        done_with: bool,
        try_lock: fn(&File) -> std::result::Result<(), TryLockError>,
    ) -> Result<Hold> {
        let lock = self.0.join(format!("{name}.lock"));
        let beside = lock.with_extension("owner");
        let file = match open(&lock) {
            Ok(file) => file,
            Err(error) if lock.try_exists().is_ok_and(|there| !there) => {
                return Ok(Hold::Nowhere(unusable(&lock, &error)));
            }
            Err(error) => return Err(unusable(&lock, &error)),
        };
        let patience = Instant::now() + GLANCE;
        loop {
            match try_lock(&file) {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    let other = read_owner(&beside);
                    if lives(&other) || Instant::now() >= patience {
                        return Ok(Hold::Other(other));
                    }
                    std::thread::sleep(PACE);
                }
                // a file system without locks: what its owner said of itself has to do
                Err(TryLockError::Error(error)) => {
                    let other = read_owner(&beside);
                    if lives(&other) {
                        return Ok(Hold::Other(other));
                    }
                    tracing::warn!(%error, path = %lock.display(), "runs of other processes are only told by what they wrote of themselves");
                    break;
                }
            }
        }
        // the lock is what counts: a disk that is full must not keep anybody from holding it
        if let Err(error) = tell(&beside, owner) {
            tracing::warn!(%error, path = %beside.display(), "others cannot be told who holds a lock");
        }
        Ok(Hold::Mine(Box::new(Guard { _file: file, owner: beside, done_with: done_with.then_some(lock) })))
    }
}

fn run_name(run: &str) -> String {
    format!("run-{run}")
}

/// A lock may be taken also by who may only read it.
fn open(lock: &Path) -> io::Result<File> {
    let open = private().write(true).create(true).truncate(false).open(lock);
    open.or_else(|error| File::open(lock).map_err(|_| error))
}

fn tell(path: &Path, owner: &Owner) -> io::Result<()> {
    let mut told = private().write(true).create(true).truncate(true).open(path)?;
    io::Write::write_all(&mut told, &serde_json::to_vec(owner)?)
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(%error, path = %path.display(), "a lock's file stays");
        }
        _ => {}
    }
}

/// Nobody in particular where it does not stand there, or not yet.
fn read_owner(path: &Path) -> Owner {
    std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Whether an owner's process is there; that of another machine is, for all that can be told here.
fn lives(owner: &Owner) -> bool {
    owner.process != 0 && (owner.host != host().to_string() || process_lives(owner.process))
}

#[cfg(unix)]
fn process_lives(process: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    // one that may not be asked is there
    process.is_some_and(|process| matches!(test_kill_process(process), Ok(()) | Err(rustix::io::Errno::PERM)))
}

/// Windows has locks on all its file systems.
#[cfg(not(unix))]
fn process_lives(_process: u32) -> bool {
    true
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Local, format!("the lock {} cannot be taken: {error}", path.display()))
        .hint("nothing is written to a server without it: make room or mend the folder's permissions")
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn owner(run: &str) -> Owner {
        let process = std::process::id();
        Owner { run: run.into(), host: host().to_string(), process, ..Owner::default() }
    }

    fn locks() -> (tempfile::TempDir, Locks) {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks::new(folder.path().to_owned());
        (folder, locks)
    }

    #[test]
    fn who_looks_is_not_taken_for_the_run() {
        let (folder, locks) = locks();
        let file = File::create(folder.path().join("run-r1.lock")).unwrap();
        file.try_lock_shared().unwrap();
        assert!(!locks.is_alive("r1"), "another one looks");
        std::thread::scope(|threads| {
            let held = threads.spawn(|| locks.run(&owner("r1")).unwrap());
            std::thread::sleep(PACE);
            drop(file);
            assert!(matches!(held.join().unwrap(), Hold::Mine(_)), "whoever looks is soon gone");
        });
    }

    #[test]
    fn a_lock_that_cannot_be_looked_at_is_not_free() {
        let (folder, locks) = locks();
        std::os::unix::fs::symlink("run-r1.lock", folder.path().join("run-r1.lock")).unwrap();
        assert!(locks.is_alive("r1") && !locks.is_alive("r2"));
    }

    #[test]
    fn where_files_cannot_be_locked_the_owner_who_lives_has_it() {
        let (folder, locks) = locks();
        let hold = |run| {
            let without = |_: &File| Err(TryLockError::Error(io::ErrorKind::Unsupported.into()));
            locks.hold("server", &owner(run), false, without).unwrap()
        };
        let Hold::Mine(held) = hold("r1") else { panic!("nobody has it") };
        assert!(matches!(hold("r2"), Hold::Other(other) if other.run == "r1"));
        drop(held);
        let elsewhere = Owner { host: "elsewhere".into(), process: u32::MAX, ..owner("r3") };
        tell(&folder.path().join("server.owner"), &elsewhere).unwrap();
        assert!(matches!(hold("r2"), Hold::Other(other) if other.run == "r3"), "nobody here knows of its process");
        tell(&folder.path().join("server.owner"), &Owner { process: i32::MAX as u32, ..owner("r4") }).unwrap();
        assert!(matches!(hold("r2"), Hold::Mine(_)), "its process is gone");
        assert!(lives(&Owner { process: 1, ..owner("another user's") }));
    }

    #[test]
    fn a_lock_is_held_also_where_nobody_can_be_told() {
        let (folder, locks) = locks();
        std::fs::create_dir(folder.path().join("run-r1.owner")).unwrap();
        let Hold::Mine(_held) = locks.run(&owner("r1")).unwrap() else { panic!("it is free") };
        assert!(matches!(locks.run(&owner("r1")).unwrap(), Hold::Other(_)));
        let nowhere = Locks::new(folder.path().join("gone"));
        assert!(matches!(nowhere.server("a", &owner("r2")).unwrap(), Hold::Nowhere(_)));
    }
}
