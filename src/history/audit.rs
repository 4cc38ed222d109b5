//! The audit: who did what to which server, one JSON object a line, schema `scopesync.audit/1`.
//!
//! ```text
//! {"schema":"scopesync.audit/1","at":"2026-11-22T02:14:05Z","event":"begin","run":"…","who":{…},…}
//! ```
//!
//! Lines are only ever added, durably, and none is ever changed. A file that has grown to its
//! limit is set aside as `audit.1.jsonl`, the one before as `audit.2.jsonl`, and so on. Several
//! processes write side by side: a lock keeps their lines and the setting aside apart.

mod event;

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::who::Who;
use crate::files::{private, sync_folder};
pub(super) use event::{Event, begin, end, not_begun};

/// The schema of a line.
pub const SCHEMA: &str = "scopesync.audit/1";

/// How long another process may take to write its lines.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon to look again whether it has.
const PACE: Duration = Duration::from_millis(5);

/// How much of the audit is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Bytes from which on a file is set aside.
    pub size: u64,
    /// How many files that were set aside are kept; all without it.
    pub files: Option<NonZeroU32>,
}

/// The audit of a state folder, which must be there.
#[derive(Clone, Debug)]
pub struct Audit {
    folder: PathBuf,
    keep: Keep,
}

impl Audit {
    /// The audit of this folder; nothing is made yet.
    pub fn new(folder: impl Into<PathBuf>, keep: Keep) -> Self {
        Audit { folder: folder.into(), keep }
    }

    /// Makes sure that it can be written.
    ///
    /// # Errors
    /// It cannot.
    pub fn ready(&self) -> io::Result<()> {
        private().append(true).create(true).open(self.path()).map(drop)
    }

    /// The file that is written.
    pub fn path(&self) -> PathBuf {
        self.folder.join("audit.jsonl")
    }

    /// The file that was set aside so many times ago.
    fn aside(&self, number: u32) -> PathBuf {
        self.folder.join(format!("audit.{number}.jsonl"))
    }

    /// Adds what happened, all of it or nothing, and returns when it is on the disk.
    ///
    /// # Errors
    /// It could not be written; a line that is cut short may be left, which readers can tell.
    pub fn append(&self, who: &Who, events: &[Event]) -> io::Result<()> {
        let mut lines = Vec::new();
        for event in events {
            serde_json::to_writer(&mut lines, &line(who, event))?;
            lines.push(b'\n');
        }
        // kept until the end, let go when dropped
        let _lock = self.lock()?;
        let path = self.path();
        self.set_aside(&path)?;
        let is_new = !path.exists();
        let mut file = private().read(true).append(true).create(true).open(&path)?;
        if ends_amid_a_line(&mut file)? {
            lines.insert(0, b'\n');
        }
        file.write_all(&lines)?;
        file.sync_all()?;
        if is_new { sync_folder(&self.folder) } else { Ok(()) }
    }

    /// By a file of its own, which is never set aside.
    fn lock(&self) -> io::Result<File> {
        let file = private().write(true).create(true).truncate(false).open(self.folder.join("audit.lock"))?;
        let patience = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < patience => std::thread::sleep(PACE),
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "another process keeps it locked"));
                }
                // a file system without locks: what is appended in one write stays whole even so
                Err(TryLockError::Error(error)) => {
                    tracing::warn!(%error, "the audit cannot be locked");
                    return Ok(file);
                }
            }
        }
    }

    /// Each file moves one number up, as far as the first number that is free: none is overwritten.
    fn set_aside(&self, path: &Path) -> io::Result<()> {
        if !std::fs::metadata(path).is_ok_and(|file| file.len() >= self.keep.size) {
            return Ok(());
        }
        let taken = (1..).take_while(|number| self.aside(*number).exists()).last().unwrap_or(0);
        for number in (1..=taken).rev() {
            std::fs::rename(self.aside(number), self.aside(number + 1))?;
        }
        std::fs::rename(path, self.aside(1))?;
        if let Some(kept) = self.keep.files {
            let over = (kept.get() + 1..).map(|number| self.aside(number)).take_while(|path| path.exists());
            over.into_iter().try_for_each(std::fs::remove_file)?;
        }
        sync_folder(&self.folder)
    }
}

fn line(who: &Who, event: &Event) -> Value {
    let mut line = Map::new();
    line.insert("schema".into(), SCHEMA.into());
    line.insert("at".into(), jiff::Timestamp::now().to_string().into());
    line.insert("event".into(), event.kind.into());
    line.extend(event.run.iter().map(|run| ("run".to_owned(), Value::from(run.as_str()))));
    line.extend(event.signed.then(|| ("who".to_owned(), serde_json::to_value(who).unwrap_or_default())));
    line.extend(event.more.as_object().cloned().unwrap_or_default());
    Value::Object(line)
}

/// A power cut or a full disk may have left half a line: the next one must not be joined to it.
fn ends_amid_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::who::FrontEnd;
    use super::*;

    const ALL: Keep = Keep { size: u64::MAX, files: None };

    fn who() -> Who {
        Who::of_process(FrontEnd::CommandLine)
    }

    fn event(number: usize) -> Event {
        Event::of("begin", Some(&format!("run-{number}")), json!({ "n": number }))
    }

    fn lines(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn lines_are_added_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::new(folder.path(), ALL);
        audit.append(&who(), &[event(1), event(2)]).unwrap();
        audit.append(&who(), &[Event::of("note", None, json!({}))]).unwrap();
        let lines = lines(&audit.path());
        let facts: Vec<_> = lines.iter().map(|line| (line["event"].as_str().unwrap(), line["run"].as_str())).collect();
        assert_eq!(facts, [("begin", Some("run-1")), ("begin", Some("run-2")), ("note", None)]);
        assert!(lines.iter().all(|line| line["schema"] == SCHEMA && line["who"]["process"] == std::process::id()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(audit.path()).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_line_cut_short_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::new(folder.path(), ALL);
        std::fs::write(audit.path(), "{\"schema\":\"scope").unwrap();
        audit.append(&who(), &[event(1)]).unwrap();
        let text = std::fs::read_to_string(audit.path()).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!((text.lines().count(), &last["run"]), (2, &json!("run-1")));
    }

    #[test]
    fn files_are_set_aside_and_only_dropped_when_told_to() {
        for (files, left) in [(None, 5), (NonZeroU32::new(2), 3)] {
            let folder = tempfile::tempdir().unwrap();
            let audit = Audit::new(folder.path(), Keep { size: 1, files });
            (0..5).for_each(|number| audit.append(&who(), &[event(number)]).unwrap());
            assert_eq!(lines(&audit.path())[0]["n"], 4);
            let there = (1..).map(|number| audit.aside(number)).take_while(|path| path.exists());
            let older: Vec<_> = there.map(|path| lines(&path)[0]["n"].as_u64().unwrap()).collect();
            assert_eq!(older, (5 - left..4).rev().collect::<Vec<u64>>());
        }
    }

    #[test]
    fn a_gap_among_the_files_that_were_set_aside_loses_none() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::new(folder.path(), Keep { size: 1, files: None });
        for number in [1, 2, 4] {
            std::fs::write(audit.aside(number), format!("{number}\n")).unwrap();
        }
        std::fs::write(audit.path(), "0\n").unwrap();
        audit.append(&who(), &[event(9)]).unwrap();
        let texts = [1, 2, 3, 4].map(|number| std::fs::read_to_string(audit.aside(number)).unwrap());
        assert_eq!(texts, ["0\n", "1\n", "2\n", "4\n"]);
    }

    #[test]
    fn many_writers_lose_no_line_while_files_are_set_aside() {
        const WRITERS: usize = 4;
        const LINES: usize = 25;
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::new(folder.path(), Keep { size: 4000, files: None });
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let audit = audit.clone();
                scope.spawn(move || {
                    (0..LINES).for_each(|at| audit.append(&who(), &[event(writer * LINES + at)]).unwrap());
                });
            }
        });
        let aside = (1..).map(|number| audit.aside(number)).take_while(|path| path.exists());
        let files: Vec<PathBuf> = aside.chain([audit.path()]).collect();
        assert!(files.len() > 3, "{files:?}");
        let mut seen: Vec<u64> = files.iter().flat_map(|path| lines(path)).map(|l| l["n"].as_u64().unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..(WRITERS * LINES) as u64).collect::<Vec<_>>());
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Audit::new(folder.path().join("gone"), ALL).append(&who(), &[event(1)]).is_err());
    }
}
