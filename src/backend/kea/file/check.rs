//! Kea's own test of a file: `kea-dhcp4 -t`.
//!
//! It reads the file as the server would and builds the whole configuration without
//! using it: syntax, subnets, pools, options, interfaces. Hook libraries are not
//! loaded. Exit status 0 means accepted; else the reason stands on standard error,
//! and in the log on standard output.

use std::env;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{FileError, shown};
use crate::model::Foreign;

/// Whether Kea tests a new file before it replaces the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// By this program, wherever it is installed. Where Kea's own is not, the file goes
    /// untested; any other was asked for by name, and the write is refused where it is missing.
    WhenPresent(String),
    /// By exactly this program; the write is refused where it is missing.
    Always(PathBuf),
    /// No test.
    Off,
}

/// The program that tests files unless another is asked for.
pub(in super::super) const USUAL: &str = "kea-dhcp4";

impl Default for Check {
    fn default() -> Self {
        Check::WhenPresent(USUAL.to_owned())
    }
}

/// Who tested a new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// This program accepted it.
    Accepted(PathBuf),
    /// The program is not installed.
    NotInstalled,
    /// The test is off.
    Off,
}

/// Bytes of a message that are shown.
const MESSAGE: u64 = 4096;

/// How often a running test is looked at.
const POLL: Duration = Duration::from_millis(5);

/// Tests the new text of a file in `new` by what [`tester`] gave, with includes relative to `folder`.
pub(super) fn check(
    tester: Result<PathBuf, Checked>,
    old: &Path,
    new: &Path,
    folder: &Path,
    limit: Duration,
) -> Result<Checked, FileError> {
    let program = match tester {
        Ok(program) => program,
        Err(untested) => return Ok(untested),
    };
    let Err(message) = run(&program, new, folder, limit)? else { return Ok(Checked::Accepted(program)) };
    // The name of the new file means nothing to the operator.
    let message = message.replace(&*new.to_string_lossy(), &old.to_string_lossy());
    let old_too = run(&program, old, folder, limit)?.is_err();
    Err(FileError::Refused { path: shown(old), program: shown(&program), message: Foreign::from(message), old_too })
}

/// Tests a file as it stands by this program.
pub(super) fn check_old(program: PathBuf, old: &Path, folder: &Path, limit: Duration) -> Result<Checked, FileError> {
    match run(&program, old, folder, limit)? {
        Ok(()) => Ok(Checked::Accepted(program)),
        Err(message) => {
            Err(FileError::OldRefused { path: shown(old), program: shown(&program), message: message.into() })
        }
    }
}

/// The program that tests, or why there is no test; an error where one was asked for that is
/// not there.
pub(super) fn tester(
    check: &Check,
    find: impl FnOnce(&str) -> Option<PathBuf>,
) -> Result<Result<PathBuf, Checked>, FileError> {
    let missing = |program: &Path| FileError::CheckMissing {
        program: shown(program),
        source: std::io::Error::new(std::io::ErrorKind::NotFound, "it is not installed"),
    };
    match check {
        Check::Off => Ok(Err(Checked::Off)),
        Check::Always(path) if !path.is_file() => Err(missing(path)),
        Check::Always(path) => Ok(Ok(path.clone())),
        Check::WhenPresent(name) => match find(name) {
            Some(path) => Ok(Ok(path)),
            None if name == USUAL => Ok(Err(Checked::NotInstalled)),
            None => Err(missing(Path::new(name))),
        },
    }
}

/// The program in the search path or where distributions and Kea's own build put servers.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(usual).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Runs a test to its end; the inner error is the program's message.
fn run(program: &Path, file: &Path, folder: &Path, limit: Duration) -> Result<Result<(), String>, FileError> {
    let failed = |source| FileError::CheckMissing { program: shown(program), source };
    // Files, not pipes: whatever it writes, nobody has to read along.
    let mut output = tempfile::tempfile().map_err(failed)?;
    let mut errors = tempfile::tempfile().map_err(failed)?;
    let mut command = Command::new(program);
    command.arg("-t").arg(file).current_dir(folder).stdin(Stdio::null());
    command.stdout(output.try_clone().map_err(failed)?).stderr(errors.try_clone().map_err(failed)?);
    // An interrupt from the terminal is for us: it must not end the test in the middle.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let status = wait(&mut command, limit).map_err(failed)?;
    let Some(status) = status else {
        return Err(FileError::CheckTimeout { program: shown(program), limit });
    };
    if status.success() {
        return Ok(Ok(()));
    }
    let message = [last_lines(&mut errors), last_lines(&mut output)].into_iter().find(|text| !text.is_empty());
    Ok(Err(message.unwrap_or_else(|| status.to_string())))
}

/// Waits for the end of a program; `None` if it had to be killed.
fn wait(command: &mut Command, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

fn last_lines(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let length = file.seek(std::io::SeekFrom::End(0)).unwrap_or(0);
    let start = std::io::SeekFrom::Start(length.saturating_sub(MESSAGE));
    if file.seek(start).and_then(|_| file.take(MESSAGE).read_to_end(&mut bytes)).is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}
