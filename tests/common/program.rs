//! The `scopesync` program with folders of its own, so that no test sees another's state.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use scopesync::history::{History, RunFilter};
use scopesync::state::StateFolder;
use serde_json::Value;
use tempfile::TempDir;

use super::pair::{Pair, Side};

/// Entries of the configuration that [`Home::write_config`] writes, in the order of the sides.
pub const NAMES: [&str; 2] = ["kea-1", "kea-2"];

/// A home, a configuration and a state folder; gone when dropped.
pub struct Home {
    dir: TempDir,
}

impl Default for Home {
    fn default() -> Self {
        Home::new()
    }
}

impl Home {
    pub fn new() -> Home {
        Home { dir: TempDir::with_prefix("scopesync-").expect("a temporary folder") }
    }

    /// A home whose configuration names both servers of the pair by their sockets.
    pub fn of(pair: &Pair) -> Home {
        let home = Home::new();
        home.write_config(&by_socket(pair));
        home
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn config(&self) -> PathBuf {
        self.path().join("config.toml")
    }

    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// What the program kept of its runs.
    pub fn history(&self) -> History {
        History::new(&StateFolder::at(self.state()))
    }

    /// How many runs are in the history.
    pub fn runs(&self) -> usize {
        self.history().runs(&RunFilter::default()).expect("the history").len()
    }

    /// How many runs are in the history of the demo.
    pub fn demo_runs(&self) -> usize {
        let history = History::new(&StateFolder::at(self.state()).of_demo());
        history.runs(&RunFilter::default()).expect("the history").len()
    }

    pub fn write_config(&self, text: &str) -> PathBuf {
        std::fs::write(self.config(), text).expect("config.toml");
        self.config()
    }

    /// The program with these folders, the home as working folder, and nothing inherited that
    /// could change what it does.
    pub fn scopesync<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scopesync"));
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command.env_remove("SCOPESYNC_LOG").env_remove("NO_COLOR").current_dir(self.path());
        command.args(arguments);
        command
    }

    /// The environment of [`Home::scopesync`], for tests that start the program otherwise.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HOME", self.path().to_owned()),
            ("XDG_CONFIG_HOME", self.path().join("xdg-config")),
            ("XDG_STATE_HOME", self.path().join("xdg-state")),
            ("XDG_DATA_HOME", self.path().join("xdg-data")),
            ("XDG_CACHE_HOME", self.path().join("xdg-cache")),
            ("SCOPESYNC_CONFIG", self.config()),
            ("SCOPESYNC_STATE", self.state()),
        ]
    }

    /// Runs the program to its end.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Finished {
        let output = self.scopesync(arguments).output().expect("scopesync runs");
        Finished::from(output)
    }

    /// Types these lines into a session of plain mode that has no terminal, and returns all that it says.
    pub fn in_lines(&self, lines: &str) -> String {
        use std::io::Write as _;
        let mut command = self.scopesync(&["--plain"]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut session = command.spawn().expect("scopesync runs");
        session.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
        let told = session.wait_with_output().expect("it ends");
        String::from_utf8([told.stdout, told.stderr].concat()).expect("UTF-8")
    }
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit status; none after a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
        }
    }
}

impl Finished {
    /// Fails, showing all that was printed, unless the program ended with this status.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Finished {
        assert_eq!(self.code, Some(code), "exit status\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in:\n{}\n{}", self.stdout, self.stderr))
    }
}

/// A configuration that names all servers of the pair by their sockets, the third as `kea-3`.
pub fn by_socket(pair: &Pair) -> String {
    servers("socket", pair.sides().map(|side| pair.socket(side)))
}

/// A configuration that names two servers by these control sockets.
pub fn by_sockets(sockets: [&Path; 2]) -> String {
    servers("socket", sockets)
}

/// A configuration that names two servers by these HTTP endpoints, which ask for nothing.
pub fn by_urls(urls: [&str; 2]) -> String {
    servers("url", urls.map(Path::new))
}

/// A configuration that names two Kea configuration files.
pub fn by_file(files: [&Path; 2]) -> String {
    servers("file", files)
}

/// A configuration that names both servers of the pair by their HTTP endpoints, with what they
/// ask for: the password is in a file of the folder.
pub fn by_http(pair: &Pair, folder: &Path) -> String {
    let entries = NAMES.iter().zip(Side::BOTH).map(|(name, side)| {
        let server = pair.server(side);
        let mut entry = format!("[[server]]\nname = \"{name}\"\nkind = \"kea\"\nurl = {:?}\n", server.http);
        if let (Some(user), Some(password)) = (&server.user, &server.password) {
            let file = folder.join(format!("password-of-{name}"));
            std::fs::write(&file, format!("{password}\n")).expect("a password file");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&file, mode).expect("a private file");
            entry.push_str(&format!("user = {user:?}\npassword_file = {:?}\n", file.display().to_string()));
        }
        if let Some(ca) = &server.ca_cert {
            entry.push_str(&format!("tls_ca = {:?}\n", ca.display().to_string()));
        }
        entry
    });
    entries.collect::<Vec<_>>().join("\n")
}

fn servers<'a>(key: &str, paths: impl IntoIterator<Item = &'a Path>) -> String {
    let entries = NAMES.into_iter().chain(["kea-3"]).zip(paths).map(|(name, path)| {
        format!("[[server]]\nname = \"{name}\"\nkind = \"kea\"\n{key} = {:?}\n", path.display().to_string())
    });
    entries.collect::<Vec<_>>().join("\n")
}
