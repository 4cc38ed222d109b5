//! Why a configuration file is not read or not written.

use std::time::Duration;

use super::super::dialect::SyntaxError;
use crate::model::Foreign;

/// A file that cannot be read, or a write that was refused before anything was changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refuses.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// The file.
        path: Foreign,
        /// What was tried.
        doing: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A folder, device or pipe.
    #[error("{0} is no regular file")]
    NotAFile(Foreign),
    /// More bytes than allowed, includes counted in.
    #[error("{path} is bigger than the limit of {max_bytes} bytes, includes counted in")]
    TooBig {
        /// The file.
        path: Foreign,
        /// The limit that was left for it.
        max_bytes: u64,
    },
    /// The text is nothing that Kea would take.
    #[error(transparent)]
    Syntax(SyntaxError),
    /// An empty list of folders for includes.
    #[error("no folder to search includes in")]
    NoFolder,
    /// Somebody else wrote the file or an include after it was read.
    #[error("{0} was changed since it was read; nothing was written: read again and look at the new differences")]
    Changed(Foreign),
    /// The owner or group cannot be given to the new file.
    #[error("cannot keep the owner {uid}:{gid} of {path}; nothing was written: run as root or as the owner")]
    Owner {
        /// The file.
        path: Foreign,
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// The mode or an extended attribute (an access list, say) cannot be given to the new file.
    #[error("cannot keep the {what} of {path}; nothing was written{}", .source.as_ref().map(|e| format!(": {e}")).unwrap_or_default())]
    Attribute {
        /// The file.
        path: Foreign,
        /// Which attribute.
        what: Foreign,
        /// The system's reason, if it gave one.
        source: Option<std::io::Error>,
    },
    /// The file may not be written, though its folder may.
    #[error("{0} is read-only; nothing was written")]
    ReadOnly(Foreign),
    /// Kea's own test refuses the new file.
    #[error(
        "{program} -t refuses the new {path}; nothing was written: {message}{}",
        if *.old_too { " (it refuses the file as it stands, too)" } else { "" }
    )]
    Refused {
        /// The file.
        path: Foreign,
        /// The program.
        program: Foreign,
        /// What it said.
        message: Foreign,
        /// It refuses the file as it stands, too.
        old_too: bool,
    },
    /// Kea's own test refuses the file as it stands.
    #[error("{program} -t refuses {path} as it stands: {message}")]
    OldRefused {
        /// The file.
        path: Foreign,
        /// The program.
        program: Foreign,
        /// What it said.
        message: Foreign,
    },
    /// Kea's own test did not end.
    #[error("{program} -t did not end within {} s; nothing was written", .limit.as_secs_f32())]
    CheckTimeout {
        /// The program.
        program: Foreign,
        /// The time it had.
        limit: Duration,
    },
    /// Kea's own test could not be started.
    #[error("cannot run {program} -t; nothing was written: {source}")]
    CheckMissing {
        /// The program.
        program: Foreign,
        /// The system's reason.
        source: std::io::Error,
    },
}
