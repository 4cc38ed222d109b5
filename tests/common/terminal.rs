//! A program in a pseudo-terminal: keys in, a screen out, signals and hang-ups on demand.
//!
//! Nothing here sleeps: a thread reads what the program writes and wakes whoever waits. The
//! terminal is silent, that is, it answers no question that a program asks it.

mod keys;
mod view;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, kill_process};
use rustix::pty::OpenptFlags;
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

use super::program::Home;
use keys::key;

pub use rustix::process::Signal;
pub use view::{CellStyle, View};

/// Longer than anything takes on a busy machine; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

/// A program to be started in a terminal.
pub struct Start {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    home: Option<PathBuf>,
    columns: u16,
    rows: u16,
    controlling: bool,
    input: Option<Stdio>,
    output: Option<Stdio>,
}

impl Start {
    /// The real program.
    pub fn scopesync() -> Self {
        Self::program(env!("CARGO_BIN_EXE_scopesync"))
    }

    /// Any program.
    pub fn program(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            home: None,
            columns: 100,
            rows: 30,
            controlling: true,
            input: None,
            output: None,
        }
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the program's otherwise nearly empty environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Takes configuration and folders from a home that is there already.
    pub fn home(mut self, home: &Home) -> Self {
        self.home = Some(home.path().to_owned());
        home.environment().into_iter().fold(self, |start, (name, path)| start.env(name, path))
    }

    /// The size of the terminal: columns, rows.
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        (self.columns, self.rows) = (columns, rows);
        self
    }

    /// The terminal does not control the program: no signal when it hangs up.
    pub fn without_signals_from_terminal(mut self) -> Self {
        self.controlling = false;
        self
    }

    /// Takes standard input from somewhere else.
    pub fn input(mut self, input: impl Into<Stdio>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Sends standard output somewhere else.
    pub fn output(mut self, output: impl Into<Stdio>) -> Self {
        self.output = Some(output.into());
        self
    }

    /// Starts it; without [`Start::home`] in an empty home of its own.
    pub fn start(self) -> Terminal {
        let own = tempfile::tempdir().expect("a folder for the program's home");
        let home = self.home.as_deref().unwrap_or(own.path());
        let (master, slave) = open(self.columns, self.rows).expect("a pseudo-terminal");
        let modes_before = tcgetattr(&slave).expect("the modes of the terminal");
        let end = || Stdio::from(slave.try_clone().expect("another end of the terminal"));
        // Makes the program the leader of a session, which only a process itself can do.
        let mut command = Command::new("setsid");
        if self.controlling {
            command.arg("--ctty");
        }
        let child = command
            .arg(&self.program)
            .args(&self.args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env("HOME", home)
            .envs(private_folders(home))
            .envs(self.env)
            .current_dir(home)
            .stdin(self.input.unwrap_or_else(end))
            .stdout(self.output.unwrap_or_else(end))
            .stderr(end())
            .spawn()
            .expect("setsid (util-linux) should start the program");
        Terminal::attach(child, master, slave, modes_before, own, (self.columns, self.rows))
    }
}

/// The folders that a program finds below its home.
fn private_folders(home: &Path) -> [(&'static str, PathBuf); 4] {
    [
        ("XDG_CONFIG_HOME", home.join("config")),
        ("XDG_STATE_HOME", home.join("state")),
        ("XDG_CACHE_HOME", home.join("cache")),
        ("XDG_DATA_HOME", home.join("data")),
    ]
}

fn open(columns: u16, rows: u16) -> io::Result<(File, File)> {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    resize(&master, columns, rows)?;
    let name = rustix::pty::ptsname(&master, Vec::new())?;
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let path = Path::new(OsStr::from_bytes(name.as_bytes()));
    let slave = rustix::fs::open(path, flags, rustix::fs::Mode::empty())?;
    Ok((File::from(master), File::from(slave)))
}

fn resize(master: impl AsFd, columns: u16, rows: u16) -> io::Result<()> {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(master, size)?)
}

/// What the threads tell the test.
struct State {
    emulator: vt100::Parser,
    bytes: Vec<u8>,
    /// In the middle of a synchronized update, which a terminal shows only when it is whole.
    updating: bool,
    closed: bool,
    status: Option<ExitStatus>,
}

impl State {
    fn take(&mut self, bytes: &[u8]) {
        const BEGIN: &[u8] = b"\x1b[?2026h";
        const END: &[u8] = b"\x1b[?2026l";
        // A sequence may be torn between two reads.
        let from = self.bytes.len().saturating_sub(BEGIN.len() - 1);
        self.bytes.extend_from_slice(bytes);
        let last = self.bytes[from..].windows(BEGIN.len()).rev().find(|it| *it == BEGIN || *it == END);
        self.updating = last.map_or(self.updating, |last| last == BEGIN);
        self.emulator.process(bytes);
    }
}

#[derive(Clone)]
struct Shared(Arc<(Mutex<State>, Condvar)>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().expect("no thread of the terminal should panic")
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.0.1.notify_all();
    }

    /// Waits until `done` gives something, or for so long.
    fn wait<T>(&self, patience: Duration, mut done: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            if let Some(found) = done(&state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.0.1.wait_timeout(state, left).expect("as in lock").0;
        }
    }
}

/// A point in what the program wrote.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

/// A running program and its terminal.
pub struct Terminal {
    pid: Pid,
    master: Option<File>,
    /// Kept open so that the modes can be asked for when the program has ended.
    slave: Option<File>,
    modes_before: Termios,
    /// Only kept: it is removed when dropped.
    _home: tempfile::TempDir,
    shared: Shared,
    reader: Option<(JoinHandle<()>, PipeWriter)>,
    waiter: Option<JoinHandle<()>>,
}

impl Terminal {
    fn attach(
        mut child: Child,
        master: File,
        slave: File,
        modes_before: Termios,
        home: tempfile::TempDir,
        (columns, rows): (u16, u16),
    ) -> Self {
        let pid = Pid::from_child(&child);
        let state = State {
            emulator: vt100::Parser::new(size(rows), size(columns), 0),
            bytes: Vec::new(),
            updating: false,
            closed: false,
            status: None,
        };
        let shared = Shared(Arc::new((Mutex::new(state), Condvar::new())));
        let waiter = std::thread::spawn({
            let shared = shared.clone();
            move || {
                let status = child.wait().expect("the program is our child");
                shared.change(|state| state.status = Some(status));
            }
        });
        let (stopped, stop) = io::pipe().expect("a pipe");
        let reader = std::thread::spawn({
            let shared = shared.clone();
            let master = master.try_clone().expect("another end of the terminal");
            move || read(&master, &stopped, &shared)
        });
        Self {
            pid,
            master: Some(master),
            slave: Some(slave),
            modes_before,
            _home: home,
            shared,
            reader: Some((reader, stop)),
            waiter: Some(waiter),
        }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get() as u32
    }

    /// Waits until the screen is as wanted; panics with the screen when it never is.
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&View) -> bool) -> View {
        let found = self.shared.wait(DEADLINE, |state| {
            if state.updating {
                return None;
            }
            let view = View::of(state);
            wanted(&view).then_some(view)
        });
        found.unwrap_or_else(|| panic!("no {what} after {DEADLINE:?} on this screen:\n{}", self.view()))
    }

    /// Waits until a text is on the screen.
    pub fn wait_for_text(&self, text: &str) -> View {
        self.wait_for(&format!("{text:?}"), |view| view.contains(text))
    }

    /// The screen as it is.
    pub fn view(&self) -> View {
        View::of(&self.shared.lock())
    }

    /// Presses keys by name, separated by spaces: `j Down Ctrl-c Alt-x Enter Space`.
    pub fn keys(&mut self, names: &str) {
        let bytes: Vec<u8> = names.split_whitespace().flat_map(key).collect();
        self.write(&bytes);
    }

    /// Types a text, one key after the other.
    pub fn type_text(&mut self, text: &str) {
        self.write(text.as_bytes());
    }

    /// Pastes a text.
    pub fn paste(&mut self, text: &str) {
        assert!(self.view().bracketed_paste(), "the program wants no pastes");
        self.write(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) {
        let master = self.master.as_mut().expect("the terminal is gone");
        master.write_all(bytes).expect("the terminal should take keys");
    }

    /// Gives the terminal another size, which the program is told by a signal.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        // The emulator first: what the program draws for the new size must fit.
        self.shared.change(|state| {
            state.emulator.screen_mut().set_size(size(rows), size(columns));
        });
        let master = self.master.as_ref().expect("the terminal is gone");
        resize(master, columns, rows).expect("the terminal should take a size");
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        // Under the lock: once the status is known, the number may belong to somebody else.
        let state = self.shared.lock();
        assert_eq!(state.status, None, "the program has ended already");
        kill_process(self.pid, signal).expect("the program is our child");
    }

    /// Takes the terminal away, as a closed window or a dropped connection does.
    pub fn hang_up(&mut self) {
        if let Some((reader, stop)) = self.reader.take() {
            drop(stop);
            reader.join().expect("the reading thread should end");
        }
        self.slave = None;
        self.master = None;
    }

    /// A mark at what the program wrote so far.
    pub fn mark(&self) -> Mark {
        Mark(self.shared.lock().bytes.len())
    }

    /// Everything that the program wrote since.
    pub fn since(&self, mark: Mark) -> Vec<u8> {
        self.shared.lock().bytes[mark.0..].to_vec()
    }

    /// Everything that the program wrote since the mark, up to the end of an update; panics
    /// when there is nothing for too long.
    pub fn wait_for_output(&self, mark: Mark) -> Vec<u8> {
        let found =
            self.shared.wait(DEADLINE, |state| (state.bytes.len() > mark.0).then(|| state.bytes[mark.0..].to_vec()));
        found.unwrap_or_else(|| panic!("no output on this screen:\n{}", self.view()))
    }

    /// Waits until the program has sent this, which is not for the screen: a title for example.
    pub fn wait_for_bytes(&self, text: &str) {
        let is_sent = |state: &State| state.bytes.windows(text.len()).any(|bytes| bytes == text.as_bytes());
        let found = self.shared.wait(DEADLINE, |state| is_sent(state).then_some(()));
        assert!(found.is_some(), "{text:?} was not sent; the screen:\n{}", self.view());
    }

    /// Whether the program writes nothing for so long.
    pub fn is_quiet_for(&self, time: Duration) -> bool {
        let Mark(now) = self.mark();
        self.shared.wait(time, |state| (state.bytes.len() > now).then_some(())).is_none()
    }

    /// Processor time that the program has used so far.
    pub fn processor_time(&self) -> Duration {
        processor_time(&self.pid().to_string())
    }

    /// Waits for the program's end; what it wrote is complete then.
    pub fn wait_for_end(&mut self) -> End {
        let status = self.shared.wait(DEADLINE, |state| state.status);
        let Some(status) = status else {
            panic!("the program does not end; its screen:\n{}", self.view());
        };
        let modes_restored =
            self.slave.as_ref().map(|slave| same(&self.modes_before, &tcgetattr(slave).expect("modes")));
        // Without our own end the reader comes to an end as well, unless something that the
        // program left behind still has the terminal.
        self.slave = None;
        let drained = self.reader.is_none() || self.shared.wait(DEADLINE, |state| state.closed.then_some(())).is_some();
        assert!(drained, "the program left somebody behind on its terminal:\n{}", self.view());
        End { status, modes_restored, view: self.view() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        {
            let state = self.shared.lock();
            if state.status.is_none() {
                let _ = kill_process(self.pid, Signal::KILL);
            }
        }
        self.hang_up();
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
    }
}

/// Processor time that a process has used so far: a number, or `self`.
pub fn processor_time(pid: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running process");
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<u64>().expect("a number of ticks");
    let (user, system) = (ticks(11), ticks(12));
    Duration::from_millis((user + system) * 1000 / rustix::param::clock_ticks_per_second())
}

fn read(mut master: &File, stopped: &io::PipeReader, shared: &Shared) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let mut watched = [PollFd::new(&master, PollFlags::IN), PollFd::new(stopped, PollFlags::empty())];
        match poll(&mut watched, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => panic!("cannot watch the terminal: {error}"),
            Ok(_) if !watched[1].revents().is_empty() => return,
            Ok(_) => {}
        }
        match master.read(&mut buffer) {
            Ok(count) if count > 0 => shared.change(|state| state.take(&buffer[..count])),
            // The last one who had the terminal has closed it.
            _ => return shared.change(|state| state.closed = true),
        }
    }
}

fn size(cells: u16) -> std::num::NonZeroU16 {
    // A program may be told of no cells at all; an emulator has at least one.
    std::num::NonZeroU16::new(cells).unwrap_or(std::num::NonZeroU16::MIN)
}

fn same(one: &Termios, other: &Termios) -> bool {
    one.input_modes == other.input_modes
        && one.output_modes == other.output_modes
        && one.local_modes == other.local_modes
        && one.control_modes == other.control_modes
}

/// How a program ended.
#[derive(Debug)]
pub struct End {
    /// Its exit status.
    pub status: ExitStatus,
    /// Whether the modes of the terminal are what they were; nothing after a hang-up.
    pub modes_restored: Option<bool>,
    /// What it left on the screen.
    pub view: View,
}

impl End {
    /// The exit code; nothing when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Panics unless the terminal is as it was before the program.
    pub fn assert_restored(&self) {
        let view = &self.view;
        assert!(!view.alternate_screen(), "still on the alternate screen:\n{view}");
        assert!(view.cursor_visible(), "the cursor is still hidden:\n{view}");
        assert!(!view.bracketed_paste(), "bracketed paste is still on:\n{view}");
        assert!(!view.reports_mouse(), "the mouse is still reported:\n{view}");
        assert_eq!(self.modes_restored, Some(true), "the terminal is still in raw mode:\n{view}");
    }
}
