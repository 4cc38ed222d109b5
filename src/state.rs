//! The state folder: what the program keeps between runs.
//!
//! It holds the targets' scopes as they were, so only its owner may read it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::{Env, Folders};

/// Moves the state folder.
pub const VARIABLE: &str = "SCOPESYNC_STATE";

/// The part of the demo pair.
const DEMO: &str = "demo";

/// Why there is no state folder.
#[derive(Debug, Error)]
pub enum StateError {
    /// The user has no home folder to put it in.
    #[error("there is no home folder for the program's state: set {VARIABLE} to a folder")]
    Nowhere,
    /// It cannot be made or written.
    #[error(
        "the state folder {} cannot be used: {source}; mend it or set {VARIABLE} to another folder",
        .path.display()
    )]
    Unusable {
        /// The folder or the part of it that failed.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

/// The state folder. Its parts are made when they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFolder {
    root: PathBuf,
}

impl StateFolder {
    /// The folder that `SCOPESYNC_STATE` names, else the platform's; nothing is made yet.
    ///
    /// # Errors
    /// [`StateError::Nowhere`] for a user without a home folder.
    pub fn locate(env: Env<'_>) -> Result<Self, StateError> {
        let named = env(VARIABLE).filter(|value| !value.is_empty());
        let root = match named {
            Some(value) => std::path::absolute(&value)
                .map_err(|source| StateError::Unusable { path: PathBuf::from(value), source })?,
            None => Folders::of_user().state.ok_or(StateError::Nowhere)?,
        };
        Ok(Self { root })
    }

    /// A state folder at that place.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself; it may not be there yet.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the folder, and closes it to others: what it holds is for its owner alone.
    ///
    /// # Errors
    /// [`StateError::Unusable`] if it cannot be made, or if it is not the user's alone to close.
    pub fn make(&self) -> Result<(), StateError> {
        let made = make_private(&self.root).and_then(|()| close(&self.root));
        made.map_err(|source| StateError::Unusable { path: self.root.clone(), source })
    }

    /// The locks of runs and servers.
    ///
    /// # Errors
    /// [`StateError::Unusable`] if it cannot be made.
    pub fn locks(&self) -> Result<PathBuf, StateError> {
        let path = self.root.join("locks");
        make_private(&path).map_err(|source| StateError::Unusable { path: path.clone(), source })?;
        Ok(path)
    }

    /// Tries out whether the folder can be written.
    ///
    /// # Errors
    /// [`StateError::Unusable`] if it cannot, or if there is no room.
    pub fn try_out(&self) -> Result<(), StateError> {
        check_writable(&self.root).map_err(|source| StateError::Unusable { path: self.root.clone(), source })
    }

    /// The demo pair's files.
    ///
    /// # Errors
    /// [`StateError::Unusable`] if it cannot be made or written.
    pub fn demo(&self) -> Result<PathBuf, StateError> {
        self.part(DEMO)
    }

    /// What is kept of runs on the demo pair, with its files: they have nothing to do with any server.
    #[must_use]
    pub fn of_demo(&self) -> Self {
        Self::at(self.root.join(DEMO))
    }

    /// Texts that another program compares: not kept.
    ///
    /// # Errors
    /// [`StateError::Unusable`] if it cannot be made or written.
    pub fn comparisons(&self) -> Result<PathBuf, StateError> {
        self.part("compared")
    }

    /// The log files.
    ///
    /// # Errors
    /// [`StateError::Unusable`] if it cannot be made or written.
    pub fn logs(&self) -> Result<PathBuf, StateError> {
        self.part("logs")
    }

    fn part(&self, name: &str) -> Result<PathBuf, StateError> {
        let path = self.root.join(name);
        let unusable = |source| StateError::Unusable { path: path.clone(), source };
        make_private(&path).map_err(unusable)?;
        check_writable(&path).map_err(unusable)?;
        Ok(path)
    }
}

/// Makes the folder and what is missing above it, for the owner alone. A folder
/// that is there already keeps its mode.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Takes a folder from all others. One that all may write, such as `/tmp`, or that is another
/// user's, serves others too: that is not taken from them.
#[cfg(unix)]
fn close(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let metadata = std::fs::metadata(path)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    if mode & 0o002 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
        let text = format!("others use it as well (mode {mode:o}, owner {})", metadata.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    tracing::warn!(path = %path.display(), "the state folder was open to others (mode {mode:o}): it is closed now");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

/// Elsewhere a user's folders are closed to other users as they are made.
#[cfg(not(unix))]
fn close(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Tries it out: permissions alone do not tell of read-only and full file systems.
fn check_writable(path: &Path) -> io::Result<()> {
    let probe = path.join(format!(".probe-{}", std::process::id()));
    let written = std::fs::write(&probe, "probe");
    // a full disk leaves an empty file
    let removed = std::fs::remove_file(&probe);
    written.and(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn the_variable_moves_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let value = folder.path().join("s").into_os_string();
        let env = |name: &str| (name == VARIABLE).then(|| value.clone());
        let state = StateFolder::locate(&env).unwrap();
        assert_eq!(state.root(), folder.path().join("s"));
        assert!(!state.root().exists());
        let unset = StateFolder::locate(&|_| Some(OsString::new())).unwrap();
        assert!(unset.root().ends_with("scopesync"), "{unset:?}");
    }

    #[test]
    fn parts_are_made_on_demand_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(folder.path().join("a/b"));
        let locks = state.locks().unwrap();
        assert!(locks.is_dir());
        assert!(!state.root().join("demo").exists());
        assert!(state.demo().unwrap().is_dir());
        assert!(state.logs().unwrap().is_dir());
        assert_eq!(std::fs::read_dir(&locks).unwrap().count(), 0);
        #[cfg(unix)]
        for made in [state.root(), &locks] {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(made).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", made.display());
        }
    }

    #[test]
    fn an_unusable_folder_is_named_with_its_cure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = StateFolder::at(&file).locks().unwrap_err().to_string();
        let text = error.replace(&folder.path().display().to_string(), "F");
        assert_eq!(
            text,
            "the state folder F/file/locks cannot be used: Not a directory (os error 20); mend \
             it or set SCOPESYNC_STATE to another folder"
        );
    }
}
