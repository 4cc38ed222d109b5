//! A process of this program that belongs to no terminal and to no other process.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::Request;
use crate::engine::{Error, ErrorKind, Result};

/// The command by which a job's process is started; not for people.
pub const COMMAND: &str = "job-process";

/// A process that has not answered for so long has lost its answer, or never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// No answer is longer, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What the process says once it has read its request, on one line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer {
    /// From here on it goes on alone.
    Taken,
    /// It ends, for this reason and with this advice.
    Refused(String, Option<String>),
}

/// A process that does not say that it has taken its job; there may be none.
pub(super) struct Silent {
    pub(super) error: Error,
    child: Option<Child>,
}

impl From<Error> for Silent {
    fn from(error: Error) -> Self {
        Silent { error, child: None }
    }
}

impl Silent {
    /// It has taken the job all the same, and goes on.
    pub(super) fn leave(self) {
        if let Some(child) = self.child {
            reap(child);
        }
    }

    /// Ends what there is of it, and gives the reason.
    pub(super) fn end(self) -> Error {
        if let Some(mut child) = self.child {
            // it has ended, or does nothing that could be waited for
            let _ = child.kill();
            reap(child);
        }
        self.error
    }
}

/// Starts the process of a job, hands the request over, and waits until it has taken it.
pub(super) fn start(job: i64, request: &Request, secrets: &[String]) -> std::result::Result<(), Silent> {
    let program =
        std::env::current_exe().map_err(|error| cannot(format!("this program's file is unknown: {error}")))?;
    let mut command = Command::new(&program);
    command.arg(COMMAND).arg(job.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    for variable in secrets {
        command.env_remove(variable);
    }
    detach(&mut command);
    let spawned = command.spawn();
    let mut child = spawned.map_err(|error| {
        cannot(format!("{} cannot be started: {error}", program.display())).hint("was it replaced? start it again")
    })?;
    match converse(&mut child, request) {
        Ok(()) => {
            reap(child);
            Ok(())
        }
        Err(error) => Err(Silent { error, child: Some(child) }),
    }
}

/// Whoever runs on for long must not keep what is left of an ended process.
fn reap(mut child: Child) {
    let reaped = std::thread::Builder::new().name("job".into()).spawn(move || child.wait());
    if let Err(error) = reaped {
        tracing::debug!(%error, "nobody waits for the job's process");
    }
}

fn converse(child: &mut Child, request: &Request) -> Result<()> {
    let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(cannot("there is no pipe to it".into()));
    };
    // what it says is heard even where it does not read to the end
    let told = request.write(&mut to).and_then(|()| to.flush());
    drop(to);
    match (answer(from), told) {
        (Ok(Answer::Taken), _) => Ok(()),
        (Ok(Answer::Refused(what, hint)), _) => Err(Error { hint, ..cannot(what) }),
        (Err(_), Err(error)) => Err(cannot(format!("its process does not take the request: {error}"))),
        (Err(error), Ok(())) => Err(cannot(format!("its process does not answer: {error}"))),
    }
}

fn answer(from: impl Read + Send + 'static) -> io::Result<Answer> {
    let (sender, heard) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("job's answer".into()).spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(from.take(LONGEST)).read_line(&mut line);
        // nobody may wait any more
        let _ = sender.send(read.and_then(|_| serde_json::from_str(&line).map_err(io::Error::from)));
    })?;
    heard.recv_timeout(PATIENCE).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn cannot(what: String) -> Error {
    Error::new(ErrorKind::Local, format!("the job cannot be started: {what}"))
}

/// The process itself leaves the session, which only it can do; see [`on_its_own`].
#[cfg(unix)]
fn detach(command: &mut Command) {
    // nothing keeps a file system busy that somebody may want to unmount
    command.current_dir("/");
}

#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    const DETACHED_PROCESS: u32 = 0x0000_0008;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
}

/// Leaves the session of whoever started this process: no terminal ends or hangs it up any more.
#[cfg(unix)]
pub(super) fn on_its_own() {
    // who leads a session already, as under setsid(1), needs none
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "no session of its own");
    }
}

#[cfg(not(unix))]
pub(super) fn on_its_own() {}

/// Says what became of the request. Whoever asked may have gone.
pub(super) fn say(answer: &Answer) {
    let mut out = io::stdout().lock();
    let _ = serde_json::to_writer(&mut out, answer).map_err(io::Error::from).and_then(|()| out.write_all(b"\n"));
    let _ = out.flush();
}
