//! Files that are their owner's alone, and names that last.

use std::io;
use std::path::Path;

/// A file that is made by this is for its owner alone. Windows keeps the folders of a user from
/// other users.
#[cfg(feature = "program")]
pub(crate) fn private() -> std::fs::OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A new name of a file is only durable when its folder is.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Windows keeps names durable by itself and cannot open folders as files.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
