//! A new text takes the place of a file.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::check::{self, Check, Checked};
use super::{ConfigFile, FileDigest, FileError, keep, shown};
use crate::files::sync_folder;

/// How a file is replaced.
#[derive(Clone, Debug)]
pub struct Options {
    /// Kea's own test.
    pub check: Check,
    /// The time that the test has.
    pub check_limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options { check: Check::default(), check_limit: Duration::from_secs(60) }
    }
}

/// A file was replaced.
#[derive(Debug)]
pub struct Replaced {
    /// The digest of the new bytes.
    pub digest: FileDigest,
    /// Who tested it.
    pub checked: Checked,
    /// Why a power cut right now might bring the old file back, if it might.
    pub not_flushed: Option<std::io::Error>,
}

impl<Content> ConfigFile<Content> {
    /// Whether this user may write the file, and new files beside it.
    pub fn may_replace(&self) -> [bool; 2] {
        let file = &self.stamp.path;
        [file.as_path(), file.parent().unwrap_or(Path::new("."))].map(keep::may_write)
    }

    /// Tests the file as it stands, by what will test a new one.
    ///
    /// # Errors
    /// It is refused, or the program that was asked for is not there: nothing will be written.
    pub fn test(&self, options: &Options) -> Result<Checked, FileError> {
        match check::tester(&options.check, check::find)? {
            Ok(program) => check::check_old(program, &self.stamp.path, self.working_folder(), options.check_limit),
            Err(untested) => Ok(untested),
        }
    }

    /// Puts a new text in the place of what was read.
    ///
    /// Owner, mode and extended attributes stay; symbolic links are followed and stay.
    /// Nothing but the file is left behind, whatever happens.
    ///
    /// # Errors
    /// [`FileError`]; the file is as it was then.
    pub fn replace(&self, text: &[u8], options: &Options) -> Result<Replaced, FileError> {
        self.check_unchanged()?;
        let old = &self.stamp.path;
        if !keep::may_write(old) {
            return Err(FileError::ReadOnly(shown(old)));
        }
        let tester = check::tester(&options.check, check::find)?;
        let folder = old.parent().unwrap_or(Path::new("."));
        let io = |doing| move |source| FileError::Io { path: shown(old), doing, source };
        // In the same folder: a rename works, and Kea's security profile lets it be read.
        // Only for our eyes until it has the owner and mode of the old one.
        let name = old.file_name().unwrap_or_default().to_string_lossy();
        let mut new = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".new")
            .tempfile_in(folder)
            .map_err(io("write a new file beside"))?;
        keep::copy(old, new.as_file())?;
        new.write_all(text).and_then(|()| new.as_file().sync_all()).map_err(io("write a new file beside"))?;
        let checked = check::check(tester, old, new.path(), self.working_folder(), options.check_limit)?;
        self.check_unchanged()?;
        new.persist(old).map_err(|error| io("replace")(error.error))?;
        let not_flushed = sync_folder(folder).err();
        Ok(Replaced { digest: FileDigest::of(text), checked, not_flushed })
    }
}
