//! The store's file: opened with care, and never written when it is no longer what was opened.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::schema;
use crate::engine::{Error, ErrorKind, Result};
use crate::files::{private, sync_folder};
use crate::state::{StateError, StateFolder};

/// For so long others may keep the store from us: many times as long as one of them has it for itself, which is
/// until a commit is on the disk. Several may come at the same moment, and nobody's turn is kept.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// How soon it is tried again where SQLite itself does not wait.
const PACE: Duration = Duration::from_millis(5);

/// What SQLite adds to the store's name: the store itself, and its companions while it is open.
#[cfg(unix)]
const ENDS: [&str; 3] = ["", "-wal", "-shm"];

/// An open store.
pub(super) struct Store {
    pub connection: Connection,
    pub writable: bool,
    path: PathBuf,
    opened: Marks,
    patience: Duration,
}

/// What tells the store's files from others of the same names.
type Marks = [Option<(u64, u64)>; 3];

impl Store {
    /// Opens the store for writing; makes it where there is none, and brings an older one to this
    /// program's version. The folder must be there.
    pub(super) fn open(path: &Path, patience: Duration) -> Result<Store> {
        make(path).map_err(|error| refused(path, &error.to_string()))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let mut connection = connect(path, flags, patience)?;
            let version = recognise(&connection, path)?;
            // only a store without tables takes this
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            if version < schema::VERSION {
                schema::migrate(&mut connection)?;
            }
            Ok(connection)
        };
        let connection = in_turn(open, patience).map_err(|problem: Problem| problem.told(path, patience))?;
        Ok(Store { connection, writable: true, path: path.to_owned(), opened: marks(path), patience })
    }

    /// Opens a store for reading; `None` where there is none.
    pub(super) fn look(path: &Path, patience: Duration) -> Result<Option<Store>> {
        if !is_there(path)? {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = |name: &Path, flags| {
            let connection = connect(name, flags, patience)?;
            let version = recognise(&connection, path)?;
            Ok((connection, version))
        };
        let opened = match (open(path, flags), frozen(path)) {
            // SQLite keeps books even of who reads: where it cannot, nobody writes either
            (Err(Problem::Sql(error)), Some(name)) if is_read_only(&error) => {
                open(&name, flags | OpenFlags::SQLITE_OPEN_URI)
            }
            (opened, _) => opened,
        };
        let (connection, version) = opened.map_err(|problem: Problem| problem.told(path, patience))?;
        if version < schema::VERSION {
            return Store::open(path, patience).map(Some);
        }
        Ok(Some(Store { connection, writable: false, path: path.to_owned(), opened: marks(path), patience }))
    }

    /// Whether the file of that name still is the one that was opened: what is written into a
    /// deleted file is lost.
    pub(super) fn is_in_place(&self) -> bool {
        marks(&self.path) == self.opened
    }

    /// What it means that the store failed so.
    pub(super) fn failure(&self, error: rusqlite::Error) -> Error {
        Problem::from(error).told(&self.path, self.patience)
    }

    /// The refusal to write into a file that is gone.
    pub(super) fn gone(&self) -> Error {
        refused(&self.path, "it was deleted or replaced while the program ran")
    }
}

/// SQLite waits for its turn, but not where waiting could block another for ever: two that make one store are told
/// at once that it is busy.
fn in_turn<T>(open: impl Fn() -> Answer<T>, patience: Duration) -> Answer<T> {
    let began = Instant::now();
    loop {
        match open() {
            Err(Problem::Sql(error)) if is_busy(&error) && began.elapsed() < patience => std::thread::sleep(PACE),
            answer => return answer,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

type Answer<T> = std::result::Result<T, Problem>;

/// What can be wrong with a store.
enum Problem {
    Sql(rusqlite::Error),
    Told(Error),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Problem::Sql(error)
    }
}

impl Problem {
    fn told(self, path: &Path, patience: Duration) -> Error {
        let error = match self {
            Problem::Told(error) => return error,
            Problem::Sql(error) => error,
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                refused(path, &format!("it is busy: others have kept it for more than {patience:?}"))
            }
            Some(ErrorCode::DiskFull) => refused(path, "No space left on the disk"),
            _ if is_read_only(&error) => refused(path, &format!("it may not be written: {error}")),
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                let hint = "move the file away to begin a new history; what is left of the old one stays in it";
                Error { hint: Some(hint.into()), ..refused(path, &format!("it is damaged: {error}")) }
            }
            _ => match path.parent().map(|folder| StateFolder::at(folder).try_out()) {
                // what stands behind an "I/O error"
                Some(Err(StateError::Unusable { source, .. })) => refused(path, &format!("{error}: {source}")),
                _ => refused(path, &error.to_string()),
            },
        }
    }
}

fn is_read_only(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen))
}

fn refused(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Local, format!("the history {} cannot be used: {why}", path.display()))
        .hint("nothing is written to a server without a snapshot: make room, mend the folder's permissions, or override no-snapshot")
}

/// Whether there is a store: one that cannot be looked at is not an empty history.
pub(super) fn is_there(path: &Path) -> Result<bool> {
    path.try_exists().map_err(|error| refused(path, &error.to_string()))
}

/// The store's name with one of its ends.
#[cfg(unix)]
fn file(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The store by a name that says that nobody writes it.
#[cfg(unix)]
fn frozen(path: &Path) -> Option<PathBuf> {
    let path = path.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Some(format!("file:{path}?immutable=1").into())
}

/// Windows has no folders in which a user may read files and not make any.
#[cfg(not(unix))]
fn frozen(_path: &Path) -> Option<PathBuf> {
    None
}

fn connect(path: &Path, flags: OpenFlags, patience: Duration) -> Answer<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// The version of the store, if it is one that this program may use.
fn recognise(connection: &Connection, path: &Path) -> Answer<u32> {
    let schema::Header { application, version, is_empty } = schema::header(connection)?;
    if !(is_empty && version == 0) && application != schema::APPLICATION {
        return Err(Problem::Told(refused(path, "it is another program's file")));
    }
    if version > schema::VERSION {
        let text = format!("it has version {version}, and this program knows versions up to {}", schema::VERSION);
        let hint = "a newer scopesync has written it: use that one, or another folder by SCOPESYNC_STATE";
        return Err(Problem::Told(Error { hint: Some(hint.into()), ..refused(path, &text) }));
    }
    Ok(version)
}

/// The file, for its owner alone; SQLite gives its companions the same mode.
fn make(path: &Path) -> io::Result<()> {
    match private().write(true).create_new(true).open(path) {
        Ok(file) => {
            file.sync_all()?;
            path.parent().map_or(Ok(()), sync_folder)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => tighten(path),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn tighten(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for end in ENDS {
        let name = file(path, end);
        let mode = match std::fs::metadata(&name) {
            Ok(metadata) => metadata.permissions().mode(),
            Err(_) if !end.is_empty() => continue,
            Err(error) => return Err(error),
        };
        if mode & 0o077 != 0 {
            std::fs::set_permissions(&name, std::fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn tighten(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn marks(path: &Path) -> Marks {
    use std::os::unix::fs::MetadataExt as _;
    ENDS.map(|end| std::fs::metadata(file(path, end)).ok().map(|metadata| (metadata.dev(), metadata.ino())))
}

/// Windows deletes and replaces no file that is open in this way.
#[cfg(not(unix))]
fn marks(_path: &Path) -> Marks {
    [None; 3]
}
