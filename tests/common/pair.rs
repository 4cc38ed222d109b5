//! A pair of real Kea servers, brought up by `tests/peers/kea-pair` in a folder of its own.
//!
//! [`Pair::up`] gives `None`, and says so on standard error, where the Kea asked for is not
//! there; with `CI` set that is a failure instead. Run `tests/run` to have everything.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Which Kea to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// The newest that Debian has, unpacked into the folder that `SCOPESYNC_TEST_KEA` names.
    #[default]
    Newest,
    /// The one that is installed.
    Installed,
}

/// The HA mode of the pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    LoadBalancing,
    HotStandby,
}

impl Mode {
    /// As Kea spells it; also the HA state of a server in service.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::LoadBalancing => "load-balancing",
            Mode::HotStandby => "hot-standby",
        }
    }
}

/// One of the servers: `A` is the primary and holds the intended configuration. With spokes
/// `A` is the hub, which is the standby of both `B` and `C`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    A,
    B,
    C,
}

impl Side {
    /// The two of a pair.
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    pub(super) fn letter(self) -> &'static str {
        match self {
            Side::A => "a",
            Side::B => "b",
            Side::C => "c",
        }
    }
}

/// How the pair is brought up. Fields mean what the options of `kea-pair up` mean.
#[derive(Clone, Debug)]
pub struct PairOptions {
    pub version: Version,
    /// Another version for server b.
    pub version_b: Option<Version>,
    pub mode: Mode,
    /// Server a is the hub of two spokes, in hot-standby mode.
    pub hub: bool,
    pub subnets: u32,
    pub reservations: u32,
    /// `KIND[:INDEX]` or `demo`; see `kea-pair kinds`.
    pub drift: Vec<String>,
    pub leases: u32,
    /// Also answer DHCP, for [`super::traffic::Traffic`].
    pub dhcp: bool,
    /// Milliseconds; Kea is in service after about six of them.
    pub heartbeat: u32,
    /// Hooks that are not loaded.
    pub no_hook: Vec<String>,
    /// The servers may not write their configuration files: config-write fails.
    pub no_write: bool,
    /// The folder that the pair's own folder is made in; that of temporary files where none is given.
    pub inside: Option<PathBuf>,
    /// Further arguments, for example `--auth USER:PASSWORD`.
    pub more: Vec<String>,
}

impl Default for PairOptions {
    fn default() -> Self {
        PairOptions {
            version: Version::Newest,
            version_b: None,
            mode: Mode::LoadBalancing,
            hub: false,
            subnets: 10,
            reservations: 20,
            drift: Vec::new(),
            leases: 0,
            dhcp: false,
            heartbeat: 150,
            no_hook: Vec::new(),
            no_write: false,
            inside: None,
            more: Vec::new(),
        }
    }
}

impl PairOptions {
    /// The defaults with this drift.
    pub fn with_drift<S: AsRef<str>>(drift: &[S]) -> Self {
        PairOptions { drift: drift.iter().map(|kind| kind.as_ref().to_owned()).collect(), ..PairOptions::default() }
    }

    fn arguments(&self) -> Result<Vec<String>, String> {
        let mut arguments = vec![
            format!("--mode={}", self.mode.as_str()),
            format!("--subnets={}", self.subnets),
            format!("--reservations={}", self.reservations),
            format!("--leases={}", self.leases),
            format!("--heartbeat={}", self.heartbeat),
        ];
        if let Some(dir) = find_kea(self.version)? {
            arguments.push(format!("--version-dir={}", dir.display()));
        }
        if let Some(version) = self.version_b {
            let dir = find_kea(version)?.unwrap_or_else(|| "installed".into());
            arguments.push(format!("--version-dir-b={}", dir.display()));
        }
        if self.hub {
            arguments.push("--hub=2".to_owned());
        }
        arguments.extend(self.drift.iter().map(|kind| format!("--drift={kind}")));
        arguments.extend(self.no_hook.iter().map(|hook| format!("--no-hook={hook}")));
        for (wanted, flag) in [(self.dhcp, "--dhcp"), (self.no_write, "--no-write")] {
            if wanted {
                arguments.push(flag.to_owned());
            }
        }
        arguments.extend(self.more.iter().cloned());
        Ok(arguments)
    }
}

/// One difference that `kea-pair` put between the servers; the expected result of a test.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct InjectedDrift {
    pub kind: String,
    /// The letter of the server that was changed.
    pub server: String,
    /// `10.0.0.0/24`; none where the drift is not about one scope.
    pub scope: Option<String>,
    pub id: Option<u32>,
    pub detail: String,
}

/// What `pair.json` says of one server.
#[derive(Clone, Debug, Deserialize)]
pub struct PairServer {
    /// Its name in its first relationship.
    pub name: String,
    /// Its name in each of its relationships.
    pub names: Vec<String>,
    pub role: String,
    pub socket: PathBuf,
    pub config: PathBuf,
    pub log: PathBuf,
    pub http: String,
    pub http_kind: String,
    pub user: Option<String>,
    pub password: Option<String>,
    pub ca_cert: Option<PathBuf>,
    pub hooks: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Info {
    version: String,
    drift: Vec<InjectedDrift>,
    servers: BTreeMap<String, PairServer>,
}

impl Info {
    fn server(&self, side: Side) -> &PairServer {
        self.servers.get(side.letter()).unwrap_or_else(|| panic!("there is no server {side:?}"))
    }
}

/// The two configuration files of a pair that does not run; gone when dropped.
pub struct PairFiles {
    _dir: TempDir,
    /// In the order of the sides.
    pub paths: [PathBuf; 2],
    /// What was put between them: the oracle.
    pub drift: Vec<InjectedDrift>,
}

impl PairFiles {
    /// Writes what [`Pair::up`] would start from.
    pub fn write(options: &PairOptions) -> Option<PairFiles> {
        let (dir, info) = prepare("write", options)?;
        let paths = Side::BOTH.map(|side| info.server(side).config.clone());
        Some(PairFiles { _dir: dir, paths, drift: info.drift })
    }
}

/// Runs `kea-pair up` or `write` in a folder of its own.
fn prepare(action: &str, options: &PairOptions) -> Option<(TempDir, Info)> {
    let arguments = match options.arguments() {
        Ok(arguments) => arguments,
        Err(reason) => return skipped(&reason),
    };
    let inside = options.inside.clone().unwrap_or_else(std::env::temp_dir);
    let dir = TempDir::with_prefix_in("kea-", inside).expect("a temporary folder");
    let output = kea_pair(action, dir.path(), &arguments);
    let info = serde_json::from_slice::<Info>(&output.stdout)
        .unwrap_or_else(|error| panic!("kea-pair {action}: {error}\n{}", String::from_utf8_lossy(&output.stderr)));
    Some((dir, info))
}

/// A running pair; brought down when dropped.
pub struct Pair {
    dir: TempDir,
    info: Info,
    /// What was put between the servers: the oracle.
    pub drift: Vec<InjectedDrift>,
    pub mode: Mode,
}

impl Pair {
    /// Brings a pair up, with both servers in service.
    pub fn up(options: PairOptions) -> Option<Pair> {
        let mode = if options.hub { Mode::HotStandby } else { options.mode };
        let options = PairOptions { mode, ..options };
        let (dir, info) = prepare("up", &options)?;
        Some(Pair { dir, drift: info.drift.clone(), info, mode: options.mode })
    }

    /// The folder that everything of the pair is in; `pair.json` describes it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// `3.0.4`
    pub fn version(&self) -> &str {
        &self.info.version
    }

    pub fn server(&self, side: Side) -> &PairServer {
        self.info.server(side)
    }

    /// All servers that there are.
    pub fn sides(&self) -> impl Iterator<Item = Side> {
        [Side::A, Side::B, Side::C].into_iter().filter(|side| self.info.servers.contains_key(side.letter()))
    }

    pub fn socket(&self, side: Side) -> &Path {
        &self.server(side).socket
    }

    pub fn config_path(&self, side: Side) -> &Path {
        &self.server(side).config
    }

    /// The configuration file as it is on disk.
    pub fn config_on_disk(&self, side: Side) -> Value {
        let text = std::fs::read(self.config_path(side)).expect("the configuration file");
        serde_json::from_slice(&text).expect("JSON in the configuration file")
    }

    /// Sends one command and gives the whole answer, whatever its result is.
    pub fn cmd(&self, side: Side, name: &str, arguments: Value) -> Value {
        let answer = ask(self.socket(side), name, arguments);
        answer.unwrap_or_else(|error| panic!("{name} to {}: {error}", self.server(side).name))
    }

    /// Sends one command that must succeed and gives the answer's arguments.
    pub fn ok(&self, side: Side, name: &str, arguments: Value) -> Value {
        let mut answer = self.cmd(side, name, arguments);
        assert_eq!(answer["result"], 0, "{name} to {}: {answer}", self.server(side).name);
        answer["arguments"].take()
    }

    /// The running configuration, `Dhcp4` and all below it.
    pub fn config(&self, side: Side) -> Value {
        self.ok(side, "config-get", Value::Null)["Dhcp4"].take()
    }

    /// The subnet as `config-get` shows it, reservations and all, in or outside a shared network.
    pub fn subnet(&self, side: Side, prefix: &str) -> Option<Value> {
        subnets(&self.config(side)).into_iter().find(|subnet| subnet["subnet"] == prefix)
    }

    /// Kea's own hash of the running configuration. Needs Kea 2.4.
    pub fn config_hash(&self, side: Side) -> String {
        let arguments = self.ok(side, "config-hash-get", Value::Null);
        arguments["hash"].as_str().expect("a hash").to_owned()
    }

    pub fn config_hashes(&self) -> [String; 2] {
        Side::BOTH.map(|side| self.config_hash(side))
    }

    /// The server's own HA state, or none where it does not answer. A hub: in its first
    /// relationship.
    pub fn ha_state(&self, side: Side) -> Option<String> {
        self.ha_states(side).into_iter().next()
    }

    /// The server's own HA states, one for each relationship; none where it does not answer.
    pub fn ha_states(&self, side: Side) -> Vec<String> {
        let Ok(answer) = ask(self.socket(side), "status-get", Value::Null) else { return Vec::new() };
        let all = answer["arguments"]["high-availability"].as_array().into_iter().flatten();
        all.filter_map(|one| Some(one["ha-servers"]["local"]["state"].as_str()?.to_owned())).collect()
    }

    pub fn in_service(&self) -> bool {
        let wanted = |side| {
            let states = self.ha_states(side);
            !states.is_empty() && states.iter().all(|state| state == self.mode.as_str())
        };
        self.sides().all(wanted)
    }

    /// Ends the server in order.
    pub fn stop(&self, side: Side) {
        self.manage("stop", side);
    }

    /// SIGKILL.
    pub fn kill(&self, side: Side) {
        self.manage("kill", side);
    }

    /// Starts a stopped or killed server, from its file. Does not wait for the pair.
    pub fn start(&self, side: Side) {
        self.manage("start", side);
    }

    /// SIGSTOP: connections are accepted, nothing is answered.
    pub fn freeze(&self, side: Side) {
        self.signal(side, rustix::process::Signal::STOP);
    }

    pub fn thaw(&self, side: Side) {
        self.signal(side, rustix::process::Signal::CONT);
    }

    /// SIGKILL for kea-dhcp4 alone: its control agent, where there is one, lives on.
    pub fn crash(&self, side: Side) {
        self.signal(side, rustix::process::Signal::KILL);
    }

    /// At once: what a test holds up for it may be waited for with little patience.
    fn signal(&self, side: Side, signal: rustix::process::Signal) {
        let info = std::fs::read(self.dir().join("pair.json")).expect("pair.json");
        let info: Value = serde_json::from_slice(&info).expect("JSON");
        let pid = info["servers"][side.letter()]["pids"]["dhcp4"]["pid"].as_i64().expect("a process");
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("the server runs");
    }

    /// Lets clients take leases in a scope in which one server refuses the other's, until the
    /// relationship gives up. Needs `dhcp` and drift of the kind `subnet-missing` or `subnet-id`.
    /// Gives the servers' states: both `terminated`; with Kea 2.2 in load-balancing mode one is in
    /// `communication-recovery`, until its next heartbeat (2.2 in hot-standby mode goes on).
    pub fn terminate(&self) -> [String; 2] {
        let output = kea_pair("terminate", self.dir(), &[]);
        let states: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        Side::BOTH.map(|side| states[side.letter()].as_str().expect("a state").to_owned())
    }

    /// Waits until all servers are in service.
    pub fn wait_in_service(&self) {
        wait_for("all servers in service", Duration::from_secs(60), || self.in_service());
    }

    fn manage(&self, action: &str, side: Side) {
        let output = kea_pair(action, self.dir(), &[side.letter().to_owned()]);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kea-pair {action} {}: {complaint}", side.letter());
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for side in self.sides() {
                let log = std::fs::read_to_string(&self.server(side).log).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(8).collect();
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                eprintln!("last of {}'s log:\n{}", self.server(side).name, tail.join("\n"));
            }
        }
        kea_pair("down", self.dir(), &[]);
    }
}

/// Asks the newest Kea whether it takes a configuration file; the error is what Kea says.
/// `None`: there is no such Kea here.
pub fn kea_takes(file: &Path) -> Option<Result<(), String>> {
    let version_dir = match find_kea(Version::Newest) {
        Ok(dir) => dir,
        Err(reason) => return skipped(&reason),
    };
    let arguments = version_dir.map(|dir| format!("--version-dir={}", dir.display()));
    let arguments: Vec<String> = arguments.into_iter().collect();
    let output = kea_pair("check", file, &arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}

/// A program that judges the file of a pair as `kea-dhcp4 -t` of the newest Kea does;
/// `None`: there is no such Kea.
pub fn kea_check(folder: &Path) -> Option<PathBuf> {
    let version_dir = find_kea(Version::Newest).ok()?;
    let version = version_dir.map(|dir| format!("--version-dir='{}'", dir.display())).unwrap_or_default();
    let script = format!(
        "#!/bin/sh\n\
         KEA_CONTROL_SOCKET_DIR=$(dirname \"$2\"); KEA_LOG_FILE_DIR=$KEA_CONTROL_SOCKET_DIR\n\
         KEA_DHCP_DATA_DIR=$KEA_CONTROL_SOCKET_DIR; export KEA_CONTROL_SOCKET_DIR KEA_LOG_FILE_DIR KEA_DHCP_DATA_DIR\n\
         exec '{}' check \"$2\" {version} >&2\n",
        peer("kea-pair").display()
    );
    let path = folder.join("kea-dhcp4-check");
    std::fs::write(&path, script).expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("an executable script");
    Some(path)
}

/// Asks the newest Kea whether it takes the file of a pair. `None`: there is no such Kea here.
pub fn kea_takes_pair_file(file: &Path) -> Option<Result<(), String>> {
    let folder = TempDir::with_prefix("check-").expect("a temporary folder");
    let output = Command::new(kea_check(folder.path())?).arg("-t").arg(file).output().expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}

/// Every kind of drift that `kea-pair` knows.
pub fn kinds() -> Vec<String> {
    let output = Command::new(peer("kea-pair")).arg("kinds").output().expect("tests/peers/kea-pair runs");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// All subnets of a configuration, in and outside shared networks.
pub fn subnets(config: &Value) -> Vec<Value> {
    let inside = config["shared-networks"].as_array().into_iter().flatten();
    std::iter::once(config).chain(inside).filter_map(|home| home["subnet4"].as_array()).flatten().cloned().collect()
}

/// Waits for a condition; fails when the deadline passes.
#[track_caller]
pub fn wait_for(what: &str, patience: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < deadline, "waited {patience:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One command over a UNIX socket. Written without the program's own code on purpose.
fn ask(socket: &Path, name: &str, arguments: Value) -> std::io::Result<Value> {
    let mut request = json!({ "command": name });
    if !arguments.is_null() {
        request["arguments"] = arguments;
    }
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(request.to_string().as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(serde_json::from_slice(&answer)?)
}

pub(super) fn peer(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(program)
}

fn kea_pair(action: &str, place: &Path, arguments: &[String]) -> Output {
    let mut command = Command::new(peer("kea-pair"));
    command.arg(action).arg(place).args(arguments);
    command.output().expect("tests/peers/kea-pair runs (needs python3)")
}

/// The folder of an unpacked Kea, none for the installed one, or why there is none.
fn find_kea(version: Version) -> Result<Option<PathBuf>, String> {
    match version {
        Version::Newest => {
            let dir = std::env::var_os("SCOPESYNC_TEST_KEA").map(PathBuf::from);
            let cached = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/kea-newest");
            let dir = dir.unwrap_or(cached);
            if dir.join("usr/sbin/kea-dhcp4").exists() {
                Ok(Some(dir))
            } else {
                Err(format!("no Kea in {} (tests/run obtains one)", dir.display()))
            }
        }
        Version::Installed => {
            if Path::new("/usr/sbin/kea-dhcp4").exists() {
                Ok(None)
            } else {
                Err("no Kea is installed (tests/run installs it)".to_owned())
            }
        }
    }
}

/// Says aloud that a test does not run; where nothing may be skipped it fails.
pub fn skipped<T>(reason: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "nothing may be skipped here: {reason}");
    // Past the test harness's capture: a skipped test must be seen.
    let _ = writeln!(std::io::stderr().lock(), "SKIPPED: {reason}");
    None
}
