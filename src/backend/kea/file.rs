//! A Kea configuration file: read with everything that it includes, and replaced whole.
//!
//! A replacement is written beside the file, tested by Kea, given the owner, mode and
//! extended attributes of the old one, flushed, and renamed over it: at every moment
//! the name leads to a whole file. Nothing is written if the file or one of its
//! includes is not, byte for byte, what was read.
//!
//! Everything here blocks.

mod check;
mod error;
mod keep;
mod replace;
mod subnets;

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

pub use check::{Check, Checked};
pub use error::FileError;
pub use replace::{Options, Replaced};
pub use subnets::SubnetPlace;

use super::dialect::{self, Document, LoadError, Problem, SyntaxError};
use crate::model::Foreign;

/// What may be read.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of the file and its includes together.
    pub max_bytes: u64,
    /// Where includes with a relative name are searched; the first folder that has
    /// all of them. Empty: the root folder, then the folder of the file.
    ///
    /// Kea searches in its own working folder only, which no file tells. Service
    /// managers start it in the root folder; by hand it is most often started beside
    /// the file.
    pub include_folders: Vec<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_bytes: 256 << 20, include_folders: Vec::new() }
    }
}

/// SHA-256 of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileDigest([u8; 32]);

impl FileDigest {
    fn of(bytes: &[u8]) -> Self {
        FileDigest(Sha256::digest(bytes).into())
    }

    /// The digest in hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// Which file on disk was read, and its state then.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Symbolic links resolved.
    pub path: PathBuf,
    /// The bytes.
    pub digest: FileDigest,
    /// When they were last written, where the file system tells.
    pub modified: Option<SystemTime>,
    /// Device and inode; `None` where there are none.
    pub inode: Option<(u64, u64)>,
}

/// A configuration file as it was when it was read, with what it was read as.
#[derive(Debug)]
pub struct ConfigFile<Content = Document> {
    /// The name that it was asked for by.
    path: PathBuf,
    stamp: Stamp,
    includes: Vec<Stamp>,
    working_folder: PathBuf,
    max_bytes: u64,
    content: Content,
}

impl ConfigFile {
    /// Reads a file and everything that it includes, to be edited.
    ///
    /// # Errors
    /// [`FileError`] if something cannot be read, is no regular file, is too big,
    /// or is not what Kea would take.
    pub fn read(path: impl Into<PathBuf>, limits: &Limits) -> Result<ConfigFile, FileError> {
        ConfigFile::read_as(path.into(), limits, |path, text, loader| {
            dialect::parse(path, text, |name| loader.load(name))
        })
    }

    /// What it says.
    pub fn document(&self) -> &Document {
        &self.content
    }
}

impl ConfigFile<Vec<u8>> {
    /// Reads a file and everything that it includes as JSON text.
    ///
    /// # Errors
    /// As [`ConfigFile::read`].
    pub fn read_json(path: impl Into<PathBuf>, limits: &Limits) -> Result<Self, FileError> {
        ConfigFile::read_as(path.into(), limits, |path, text, loader| {
            dialect::to_json(path, text, |name| loader.load(name))
        })
    }

    /// The file without its text, and the text.
    pub fn part(self) -> (ConfigFile<()>, Vec<u8>) {
        let ConfigFile { path, stamp, includes, working_folder, max_bytes, content } = self;
        (ConfigFile { path, stamp, includes, working_folder, max_bytes, content: () }, content)
    }
}

impl<Content> ConfigFile<Content> {
    fn read_as(
        path: PathBuf,
        limits: &Limits,
        read: impl Fn(&Path, Bytes, &mut Loader) -> Result<Content, SyntaxError>,
    ) -> Result<Self, FileError> {
        let (stamp, text) = read_whole(&path, limits.max_bytes)?;
        let text = Bytes::from(text);
        let own_folder = stamp.path.parent().map(Path::to_owned).unwrap_or_default();
        let folders = match limits.include_folders.as_slice() {
            [] => vec![PathBuf::from(std::path::MAIN_SEPARATOR_STR), own_folder],
            folders => folders.to_vec(),
        };
        let mut first_error = None;
        for working_folder in folders {
            let mut loader =
                Loader { folder: &working_folder, left: limits.max_bytes - text.len() as u64, read: Vec::new() };
            match read(&path, text.clone(), &mut loader) {
                Ok(content) => {
                    let includes = loader.read;
                    let max_bytes = limits.max_bytes;
                    return Ok(ConfigFile { path, stamp, includes, working_folder, max_bytes, content });
                }
                Err(error) => {
                    let elsewhere = matches!(error.problem, Problem::Include { missing: true, .. });
                    let first = first_error.get_or_insert(error);
                    if !elsewhere {
                        return Err(FileError::Syntax(first.clone()));
                    }
                }
            }
        }
        Err(first_error.map_or(FileError::NoFolder, FileError::Syntax))
    }

    /// The name that it was asked for by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which file it is, and its state when it was read.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// The same for every file that it includes, directly or not.
    pub fn includes(&self) -> &[Stamp] {
        &self.includes
    }

    /// Where the relative names of includes were found.
    pub fn working_folder(&self) -> &Path {
        &self.working_folder
    }

    /// Fails unless the file and all its includes are still what was read.
    ///
    /// # Errors
    /// [`FileError::Changed`], or [`FileError::Io`] if one cannot be read any more.
    pub fn check_unchanged(&self) -> Result<(), FileError> {
        let (now, _) = read_whole(&self.path, self.max_bytes)?;
        if now.path != self.stamp.path || now.digest != self.stamp.digest {
            return Err(FileError::Changed(shown(&self.path)));
        }
        for include in &self.includes {
            if read_whole(&include.path, self.max_bytes)?.0.digest != include.digest {
                return Err(FileError::Changed(shown(&include.path)));
            }
        }
        Ok(())
    }
}

/// Fetches includes as one Kea would that was started in a folder.
struct Loader<'a> {
    folder: &'a Path,
    left: u64,
    read: Vec<Stamp>,
}

impl Loader<'_> {
    fn load(&mut self, name: &[u8]) -> Result<Vec<u8>, LoadError> {
        let (stamp, text) = read_whole(&self.folder.join(dialect::path_of(name)), self.left).map_err(|error| {
            let missing = matches!(&error, FileError::Io { source, .. } if source.kind() == ErrorKind::NotFound);
            let hint = if missing { "; Kea searches relative names in its working folder" } else { "" };
            LoadError { message: format!("{error}{hint}"), missing }
        })?;
        self.left -= text.len() as u64;
        self.read.push(stamp);
        Ok(text)
    }
}

/// Reads a regular file of limited size.
fn read_whole(path: &Path, max_bytes: u64) -> Result<(Stamp, Vec<u8>), FileError> {
    let io = |doing, source| FileError::Io { path: shown(path), doing, source };
    let resolved = std::fs::canonicalize(path).map_err(|e| io("find", e))?;
    // Before opening: a pipe without a writer would block for ever.
    let is_file = std::fs::metadata(&resolved).map_err(|e| io("read", e))?.is_file();
    if !is_file {
        return Err(FileError::NotAFile(shown(path)));
    }
    let file = File::open(&resolved).map_err(|e| io("read", e))?;
    let metadata = file.metadata().map_err(|e| io("read", e))?;
    let mut text = Vec::with_capacity(metadata.len().min(max_bytes) as usize + 1);
    (&file).take(max_bytes.saturating_add(1)).read_to_end(&mut text).map_err(|e| io("read", e))?;
    if text.len() as u64 > max_bytes {
        return Err(FileError::TooBig { path: shown(path), max_bytes });
    }
    let stamp = Stamp {
        path: resolved,
        digest: FileDigest::of(&text),
        modified: metadata.modified().ok(),
        inode: keep::inode(&metadata),
    };
    Ok((stamp, text))
}

fn shown(path: &Path) -> Foreign {
    Foreign::from(path.to_string_lossy().into_owned())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
