//! A pair of look-alikes of Windows DHCP servers, brought up by `tests/peers/windows-pair`.
//!
//! [`WindowsPair::up`] gives `None`, and says so on standard error, where Python lacks the packages
//! of `tests/peers/requirements.txt`; with `CI` set that is a failure instead. Run `tests/run` to
//! have everything.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::pair::{InjectedDrift, Side, peer, skipped};

/// How the pair is brought up. Fields mean what the options of `windows-pair` mean.
#[derive(Clone, Debug)]
pub struct WindowsOptions {
    pub scopes: u32,
    /// In all.
    pub reservations: u32,
    /// `KIND[:INDEX]`; see `windows-pair --kinds`.
    pub drift: Vec<String>,
    /// Of `negotiate`, `kerberos`, `credssp` and `basic`.
    pub auth: &'static str,
    /// HTTPS, by a throw-away authority.
    pub tls: bool,
    /// What both servers do differently from others.
    pub quirks: Vec<&'static str>,
    /// Further arguments, for example `--delay 20`.
    pub more: Vec<String>,
    /// Further variables, for example those of [`super::kdc::Kdc`].
    pub environment: Vec<(&'static str, PathBuf)>,
}

impl Default for WindowsOptions {
    fn default() -> Self {
        WindowsOptions {
            scopes: 10,
            reservations: 20,
            drift: Vec::new(),
            auth: "negotiate",
            tls: false,
            quirks: Vec::new(),
            more: Vec::new(),
            environment: Vec::new(),
        }
    }
}

impl WindowsOptions {
    /// The defaults with this drift.
    pub fn with_drift<S: AsRef<str>>(drift: &[S]) -> Self {
        let drift = drift.iter().map(|kind| kind.as_ref().to_owned()).collect();
        WindowsOptions { drift, ..WindowsOptions::default() }
    }

    /// Adds arguments.
    pub fn more(mut self, more: &[&str]) -> Self {
        self.more.extend(more.iter().map(|&argument| argument.to_owned()));
        self
    }

    fn arguments(&self, folder: &Path) -> Vec<String> {
        let mut arguments = vec![
            format!("--scopes={}", self.scopes),
            format!("--reservations={}", self.reservations),
            format!("--auth={}", self.auth),
            format!("--dir={}", folder.display()),
        ];
        arguments.extend(self.drift.iter().map(|kind| format!("--drift={kind}")));
        arguments.extend(self.quirks.iter().map(|quirk| format!("--quirk={quirk}")));
        arguments.extend(self.tls.then(|| "--tls".to_owned()));
        arguments.extend(self.more.iter().cloned());
        arguments
    }
}

/// One of the servers.
#[derive(Clone, Debug, Deserialize)]
pub struct WindowsServer {
    /// Its name as its partner and its relationships have it: `dhcp1`.
    pub name: String,
    /// `dhcp1.contoso.com`
    pub fqdn: String,
    /// Its address as its relationships have it; it is not reached there.
    pub address: String,
    /// Its listener's port at `localhost`.
    pub port: u16,
    pub url: String,
    record: PathBuf,
}

#[derive(Deserialize)]
struct Info {
    servers: BTreeMap<String, WindowsServer>,
    user: String,
    password: String,
    ca_cert: Option<PathBuf>,
    certificate: Option<PathBuf>,
    drift: Vec<InjectedDrift>,
}

/// One HTTP request as it came.
#[derive(Clone, Debug, Deserialize)]
pub struct WindowsCall {
    /// When it came; sorts as text.
    pub time: String,
    /// Which connection it came on.
    pub conn: String,
    /// `PS_DhcpServerv4Scope`; none where it called no method.
    #[serde(default)]
    pub cls: Option<String>,
    #[serde(default)]
    pub method: Option<String>,
    #[serde(default)]
    pub inputs: Value,
    /// `negotiate/ntlm`
    #[serde(default)]
    pub auth: Option<String>,
    #[serde(default)]
    pub encrypted: bool,
    /// The HTTP status; none where it was cut.
    #[serde(default)]
    pub status: Option<u16>,
    /// Why the credentials were not taken.
    #[serde(default)]
    pub refused: Option<String>,
    #[serde(default)]
    pub fault: Option<Value>,
    /// The SOAP, where it is recorded.
    #[serde(default)]
    pub soap: Option<String>,
}

impl WindowsCall {
    /// `DhcpServerv4Scope.Get`
    pub fn name(&self) -> Option<String> {
        Some(format!("{}.{}", self.cls.as_deref()?.strip_prefix("PS_")?, self.method.as_deref()?))
    }

    /// Whether it called a method that changes something.
    pub fn writes(&self) -> bool {
        self.cls.is_some() && self.method.as_deref().is_some_and(|method| !method.starts_with("Get"))
    }
}

/// A running pair; gone when dropped.
pub struct WindowsPair {
    dir: TempDir,
    info: Info,
    process: Child,
    steering: Mutex<(Option<ChildStdin>, BufReader<ChildStdout>)>,
    /// What was put between the servers: the oracle.
    pub drift: Vec<InjectedDrift>,
}

impl WindowsPair {
    /// Brings a pair up, with both servers listening.
    pub fn up(options: WindowsOptions) -> Option<WindowsPair> {
        let dir = TempDir::with_prefix("windows-").expect("a temporary folder");
        let mut command = Command::new(python());
        command.arg(peer("windows-pair")).args(options.arguments(dir.path())).envs(options.environment.clone());
        let log = std::fs::File::create(dir.path().join("log")).expect("a log");
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut process = match pipes.spawn() {
            Ok(process) => process,
            Err(error) => return skipped(&format!("no Python for a pair of Windows servers: {error}")),
        };
        let mut answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut first = String::new();
        answers.read_line(&mut first).expect("UTF-8 from windows-pair");
        let Ok(info) = serde_json::from_str::<Info>(&first) else {
            let _ = process.wait();
            let complaint = std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
            assert!(complaint.contains("ModuleNotFoundError"), "windows-pair: {first}{complaint}");
            let last = complaint.lines().last().unwrap_or_default();
            return skipped(&format!("no pair of Windows servers: {last} (tests/run installs it)"));
        };
        let steering = Mutex::new((process.stdin.take(), answers));
        Some(WindowsPair { dir, drift: info.drift.clone(), info, process, steering })
    }

    /// The folder with the records and certificates.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn server(&self, side: Side) -> &WindowsServer {
        &self.info.servers[side.letter()]
    }

    pub fn port(&self, side: Side) -> u16 {
        self.server(side).port
    }

    /// `CONTOSO\alice`
    pub fn user(&self) -> &str {
        &self.info.user
    }

    pub fn password(&self) -> &str {
        &self.info.password
    }

    /// The certificate of the throw-away authority, with TLS.
    pub fn ca_cert(&self) -> Option<&Path> {
        self.info.ca_cert.as_deref()
    }

    /// The servers' own certificate, with TLS.
    pub fn certificate(&self) -> Option<&Path> {
        self.info.certificate.as_deref()
    }

    /// A configuration with both servers by their names; the password is in a file beside it.
    /// `lines` are added to both entries.
    pub fn config(&self, lines: &str) -> String {
        Side::BOTH.map(|side| self.entry(side, lines)).concat()
    }

    /// The entry of one server, with these lines too.
    pub fn entry(&self, side: Side, lines: &str) -> String {
        let server = self.server(side);
        let file = self.dir().join("password");
        std::fs::write(&file, format!("{}\n", self.password())).expect("a password file");
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&file, mode).expect("a private file");
        }
        let mut entry = format!(
            "[[server]]\nname = {:?}\nkind = \"windows\"\nhost = \"localhost\"\nport = {}\ntls = {}\nuser = {:?}\n\
             password_file = {:?}\n",
            server.name,
            server.port,
            self.ca_cert().is_some(),
            self.user(),
            file.display().to_string(),
        );
        if let Some(ca) = self.ca_cert() {
            let _ = writeln!(entry, "tls_ca = {:?}", ca.display().to_string());
        }
        entry + lines + "\n"
    }

    /// What calls do from now on, in place of the rules that there were; see `windows-pair --help`.
    pub fn rules(&self, side: Side, rules: Value) {
        self.steer(side, json!({"do": "rules", "rules": rules}));
    }

    /// Sets values such as `delay` in seconds, `second_hop`, `reachable`.
    pub fn set(&self, side: Side, values: Value) {
        self.steer(side, json!({"do": "set", "values": values}));
    }

    /// Its configuration as it is.
    pub fn state(&self, side: Side) -> Value {
        self.steer(side, json!({"do": "state"}))
    }

    /// Puts another configuration in its place.
    pub fn set_state(&self, side: Side, state: &Value) {
        self.steer(side, json!({"do": "set_state", "state": state}));
    }

    /// Calls a method, as somebody at the server's console would.
    pub fn by_hand(&self, side: Side, class: &str, method: &str, inputs: Value) -> Value {
        self.steer(side, json!({"do": "run", "class": class, "method": method, "inputs": inputs}))
    }

    /// How often each method was called so far: `PS_DhcpServerv4Scope.Get`.
    pub fn counts(&self, side: Side) -> BTreeMap<String, u64> {
        serde_json::from_value(self.steer(side, json!({"do": "calls"}))).expect("numbers")
    }

    /// How many methods were called so far.
    pub fn call_count(&self, side: Side) -> u64 {
        self.counts(side).values().sum()
    }

    /// How many calls wait until there are other rules.
    pub fn held(&self, side: Side) -> u64 {
        self.steer(side, json!({"do": "held"})).as_u64().expect("a number")
    }

    /// How many of them were answered side by side at most.
    pub fn most_at_once(&self, side: Side) -> u64 {
        self.steer(side, json!({"do": "most_at_once"})).as_u64().expect("a number")
    }

    /// Every HTTP request so far, in the order of their answers.
    pub fn calls(&self, side: Side) -> Vec<WindowsCall> {
        let text = std::fs::read_to_string(&self.server(side).record).unwrap_or_default();
        // the last line may still be on its way
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).expect("a call")).collect()
    }

    /// Refuses connections, and drops those that there are.
    pub fn stop(&self, side: Side) {
        self.steer(side, json!({"do": "stop"}));
    }

    /// Listens again.
    pub fn start(&self, side: Side) {
        self.steer(side, json!({"do": "start"}));
    }

    #[track_caller]
    fn steer(&self, side: Side, mut line: Value) -> Value {
        line["server"] = side.letter().into();
        let mut steering = self.steering.lock().expect("no test failed meanwhile");
        writeln!(steering.0.as_mut().expect("not yet dropped"), "{line}").expect("windows-pair runs");
        let mut answer = String::new();
        steering.1.read_line(&mut answer).expect("an answer");
        let mut answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert!(answer.get("ok").is_some(), "windows-pair: {line}: {answer}");
        answer["ok"].take()
    }
}

impl Drop for WindowsPair {
    fn drop(&mut self) {
        // it ends with what steers it
        if let Ok(steering) = self.steering.get_mut() {
            steering.0.take();
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline && matches!(self.process.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("windows-pair: {}", std::fs::read_to_string(self.dir().join("log")).unwrap_or_default());
        }
    }
}

/// Every kind of drift that `windows-pair` knows; `None` where it does not run.
pub fn kinds() -> Option<Vec<String>> {
    let output = Command::new(python()).arg(peer("windows-pair")).arg("--kinds").output().ok()?;
    let kinds: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    if kinds.is_empty() { skipped("windows-pair does not run (tests/run installs what it needs)") } else { Some(kinds) }
}

/// The Python that `tests/run` put the packages into, else the system's.
fn python() -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/python/bin/python3");
    if ours.exists() { ours } else { "python3".into() }
}
