//! Secrets that can be recognised, in every place that one can come from: in no output, log,
//! plan, journal, error or screen is there any of them.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use common::program::{Home, NAMES, by_file};
use common::proxy::{Point, Proxy};
use common::terminal::Start;
use common::web::{Play, Seen, WebServer, done};
use serde_json::{Value, json};

/// What is looked for. Every secret of this test begins so, and nothing else does.
const CANARY: &str = "c4n4ry-";

fn canary(place: &str) -> String {
    format!("{CANARY}{place}")
}

/// Where the program's own passwords come from, for both servers.
const SOURCES: [[&str; 2]; 2] = [["env", "file"], ["command", "inline"]];

/// Fails where a secret is in the text, as it is or as basic authentication writes it.
#[track_caller]
fn assert_clean(what: &str, text: &[u8]) {
    // with the user's name before it, every password begins so in a header
    let in_header = base64::engine::general_purpose::STANDARD.encode(&format!("operator:{CANARY}")[..12]);
    for secret in [CANARY, &in_header] {
        let found = text.windows(secret.len()).position(|window| window == secret.as_bytes());
        if let Some(at) = found {
            let around = &text[at.saturating_sub(200)..text.len().min(at + 80)];
            panic!("{what} holds a secret:\n{}", String::from_utf8_lossy(around));
        }
    }
}

/// A server's configuration with a secret wherever Kea has one. With `databases` reservations
/// and the configuration itself come from databases, too: then nothing can be written.
fn configuration(at: usize, databases: bool) -> Value {
    let name = |at: usize| format!("server{}", at + 1);
    let peer = |of: usize| {
        json!({
            "name": name(of), "role": (["primary", "secondary"][of]), "auto-failover": true,
            "url": format!("http://operator:{}@127.0.0.1:{}/", canary("in-url"), 9001 + of),
            "basic-auth-user": "operator", "basic-auth-password": canary("peer"),
        })
    };
    let database = |place: &str| json!({ "type": "mysql", "name": "kea", "user": "kea", "password": canary(place) });
    let mut dhcp4 = json!({
        "valid-lifetime": 4000,
        "lease-database": database("lease-database"),
        "control-socket": { "socket-type": "unix", "socket-name": "/run/kea/kea4-ctrl-socket" },
        "control-sockets": [{
            "socket-type": "http",
            "authentication": {
                "type": "basic", "realm": "kea", "clients": [{ "user": "operator", "password": canary("client") }],
            },
        }],
        "hooks-libraries": [
            { "library": "libdhcp_ha.so", "parameters": { "high-availability": [{
                "this-server-name": name(at), "mode": "load-balancing", "heartbeat-delay": 1000,
                "peers": [peer(0), peer(1)],
            }] } },
            { "library": "libdhcp_legal_log.so", "parameters": database("hook") },
            { "library": "libdhcp_any.so", "parameters": { "secret": canary("any-hook") } },
        ],
        "loggers": [{ "name": "kea-dhcp4", "user-context": { "token": canary("logger") } }],
        "subnet4": [
            { "id": 1, "subnet": "10.0.0.0/24", "valid-lifetime": 3600 + at, "pools": [], "reservations": [] },
            { "id": 2, "subnet": "10.0.1.0/24", "valid-lifetime": 3600, "pools": [],
              "option-data": [{ "name": "routers", "code": 3, "space": "dhcp4", "data": format!("10.0.1.{}", 1 + at) }] },
        ],
    });
    if databases {
        dhcp4["hosts-databases"] = json!([database("hosts-databases")]);
        dhcp4["hosts-database"] = database("hosts-database");
        dhcp4["config-control"] = json!({ "config-databases": [database("config-control")] });
    }
    dhcp4
}

/// What a server does besides serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Serves,
    /// Refuses every new configuration.
    Refuses,
    /// Ends its answers in the middle of a secret.
    Cuts,
    /// Gives what is no configuration.
    Raves,
    /// Takes no password.
    Distrusts,
}

/// As much of a Kea without commands for scopes as a replication needs.
fn server(at: usize, databases: bool, mood: Mood) -> WebServer {
    let running = Arc::new(Mutex::new(configuration(at, databases)));
    WebServer::plain(move |seen| answer(seen, &mut running.lock().expect("the configuration"), mood))
}

fn answer(seen: &Seen, running: &mut Value, mood: Mood) -> Play {
    // a password that is never sent would be no test of where it must not be
    let sent = seen.header("authorization").and_then(|value| value.strip_prefix("Basic "));
    let sent = sent.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok()).unwrap_or_default();
    assert!(String::from_utf8_lossy(&sent).starts_with(&format!("operator:{CANARY}")), "who asks? {}", seen.head);
    let refused = |text: String| Play::Answer(json!({ "result": 1, "text": text }));
    let hash =
        |running: &Value| format!("{:064X}", running.to_string().len() + running.to_string().matches("3601").count());
    match (seen.command(), mood) {
        (_, Mood::Distrusts) => Play::Status(
            401,
            "WWW-Authenticate: Basic realm=\"kea\"\r\n",
            json!({ "result": 401, "text": "no" }).to_string(),
        ),
        ("list-commands", _) => done(json!([
            "config-get",
            "config-hash-get",
            "config-reload",
            "config-set",
            "config-test",
            "config-write",
            "dhcp-disable",
            "ha-heartbeat",
            "list-commands",
            "status-get",
            "version-get"
        ])),
        ("version-get", _) => {
            Play::Answer(json!({ "result": 0, "text": "2.6.3", "arguments": { "extended": "2.6.3" } }))
        }
        ("config-get", Mood::Cuts) => {
            let whole = json!([{ "result": 0, "arguments": { "Dhcp4": running } }]).to_string();
            let end = whole.find(CANARY).expect("a secret") + CANARY.len() + 3;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {end}\r\n\r\n");
            Play::Bytes([head.as_bytes(), &whole.as_bytes()[..end]].concat())
        }
        ("config-get", Mood::Raves) => {
            done(json!({ "Dhcp4": { "subnet4": canary("subnet4"), "hooks-libraries": canary("hooks"),
            "shared-networks": { "password": canary("networks") }, "option-def": [canary("definition")] } }))
        }
        ("config-get", _) => done(json!({ "Dhcp4": running, "hash": hash(running) })),
        ("config-hash-get", _) => done(json!({ "hash": hash(running) })),
        ("config-test", _) => done(json!({})),
        ("config-set", Mood::Refuses) => refused("the configuration is refused".to_owned()),
        ("config-set", _) => {
            *running = seen.body["arguments"]["Dhcp4"].clone();
            done(json!({ "hash": hash(running) }))
        }
        ("config-write", _) => {
            let size = running.to_string().len();
            done(json!({ "filename": "/etc/kea/kea-dhcp4.conf", "size": size }))
        }
        ("status-get", _) => {
            let state = json!({ "state": "load-balancing", "role": "primary" });
            let partner = json!({ "last-state": "load-balancing", "in-touch": true, "age": 0 });
            let servers = json!({ "local": state, "remote": partner });
            done(json!({ "pid": 1, "high-availability": [{ "ha-mode": "load-balancing", "ha-servers": servers }] }))
        }
        ("ha-heartbeat", _) => done(json!({ "state": "load-balancing", "date-time": "Sun, 22 Nov 2026 00:00:00 GMT" })),
        (other, _) => refused(format!("'{other}' command not supported")),
    }
}

/// The configuration for two servers, each with its password from elsewhere.
fn write_config(home: &Home, servers: &[WebServer; 2], sources: [&str; 2]) {
    let entry = |at: usize| {
        let password = canary(sources[at]);
        let key = match sources[at] {
            "env" => "password_env = \"SECRET\"".to_owned(),
            "inline" => format!("password = {password:?}"),
            source => {
                let path = home.path().join(source);
                fs::write(&path, format!("{password}\n")).expect("a password file");
                private(&path);
                match source {
                    "file" => format!("password_file = {:?}", path.display().to_string()),
                    _ => format!("password_command = [\"cat\", {:?}]", path.display().to_string()),
                }
            }
        };
        format!(
            "[[server]]\nname = {:?}\nkind = \"kea\"\nurl = {:?}\nuser = \"operator\"\n{key}\nwriter = \"whole-configuration\"\n\
             read_timeout = 5\n\n",
            NAMES[at],
            servers[at].url()
        )
    };
    private(&home.write_config(&[entry(0), entry(1)].concat()));
}

fn private(path: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(path, mode).expect("a private file");
}

/// Runs the program with a log of everything, and looks through all that it prints.
#[track_caller]
fn run(home: &Home, line: &str, code: i32) -> String {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let mut command = home.scopesync(&arguments);
    command
        .env("SECRET", canary("env"))
        .env("SCOPESYNC_LOG", home.path().join("log"))
        .env("SCOPESYNC_LOG_LEVEL", "trace");
    let output = command.output().expect("scopesync runs");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_clean(line, text.as_bytes());
    assert_eq!(output.status.code(), Some(code), "{line}\n{text}");
    text
}

/// Looks through the log and the state folder, and gives the number of files there.
#[track_caller]
fn assert_files_clean(home: &Home) -> usize {
    let log = home.path().join("log");
    assert_clean("the log", &fs::read(log).expect("the log"));
    let mut folders = vec![home.state()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            assert_clean(&path.display().to_string(), &fs::read(&path).expect("a file"));
            files += 1;
        }
    }
    files
}

const READERS: [&str; 11] = [
    "relationships",
    "relationships --json",
    "scopes",
    "scopes --json",
    "drift",
    "drift --json",
    "replicate --computer-name kea-1 --what-if",
    "replicate --computer-name kea-1 --what-if --json",
    "check",
    "check --json",
    "check --try-save",
];

#[test]
fn no_command_shows_logs_or_keeps_a_secret() {
    for sources in SOURCES {
        let home = Home::new();
        // with databases everything can be read, and nothing written
        let both = |databases| [0, 1].map(|at| server(at, databases, Mood::Serves));
        write_config(&home, &both(true), sources);
        let texts = READERS.map(|line| {
            // reservations in the databases cannot be read
            let code = if line.starts_with("relationships") { 0 } else { 3 };
            run(&home, line, code)
        });
        assert!(texts[8].contains("reservations are also kept in a mysql database"), "{}", texts[8]);
        let servers = both(false);
        write_config(&home, &servers, sources);
        run(&home, "Invoke-DhcpServerv4FailoverReplication -ComputerName kea-1 -WhatIf", 0);
        run(&home, "replicate --computer-name kea-1 --scope-id 10.0.0.0 --force --json", 0);
        run(&home, "replicate --computer-name kea-1 --force", 0);
        run(&home, "drift", 0);
        for line in ["history --json", "history show latest", "history export latest"] {
            run(&home, line, 0);
        }
        // the run did what it is tested for: it wrote all secrets back as they were
        let sent = servers[1].seen().into_iter().rfind(|seen| seen.command() == "config-set").expect("a config-set");
        assert_eq!(sent.body["arguments"]["Dhcp4"]["lease-database"]["password"], canary("lease-database"));
        assert_files_clean(&home);
        for kept in ["history.db", "audit.jsonl"] {
            let text = fs::read(home.state().join(kept)).expect(kept);
            assert!(
                text.windows(10).any(|part| part == b"10.0.1.0/2" || part == b"\"10.0.1.0\""),
                "{kept} has the scope"
            );
        }
        assert!(fs::metadata(home.path().join("log")).is_ok_and(|log| log.len() > 0), "there is a log");
    }
}

#[test]
fn a_job_gets_its_secrets_by_its_pipe_alone() {
    for sources in SOURCES {
        let home = Home::new();
        let servers = [0, 1].map(|at| server(at, false, Mood::Serves));
        write_config(&home, &servers, sources);
        let proxy = Proxy::http(&servers[1].url());
        let config = fs::read_to_string(home.config()).expect("the configuration");
        home.write_config(&config.replace(&servers[1].url(), &proxy.url()));
        let gate = proxy.pause(Point::before("config-set"));
        run(&home, "replicate --computer-name kea-1 --force --as-job", 0);
        gate.reached();
        let job: Value = serde_json::from_str(&run(&home, "jobs show 1 --json", 0)).expect("JSON");
        let told = |what: &str| fs::read(format!("/proc/{}/{what}", job["process"])).expect("the job's process");
        assert!(told("cmdline").ends_with(b"\0job-process\x001\0"), "{:?}", String::from_utf8_lossy(&told("cmdline")));
        let environment = told("environ");
        assert!(environment.windows(6).any(|window| window == b"\0HOME="), "there is an environment");
        let env = sources.contains(&"env");
        assert_ne!(env, environment.split(|byte| *byte == 0).any(|entry| entry.starts_with(b"SECRET=")));
        if env {
            assert_clean("its environment", &environment);
        }
        gate.open();
        run(&home, "jobs wait 1", 0);
        for line in ["jobs --json", "jobs show 1", "jobs show 1 --json", "jobs receive 1"] {
            run(&home, line, 0);
        }
        assert!(servers[1].commands().iter().any(|command| command == "config-set"));
        assert!(assert_files_clean(&home) > 0);
    }
}

#[test]
fn no_failure_tells_a_secret() {
    for mood in [Mood::Refuses, Mood::Cuts, Mood::Raves, Mood::Distrusts] {
        let home = Home::new();
        let servers = [server(0, false, Mood::Serves), server(1, false, mood)];
        write_config(&home, &servers, SOURCES[1]);
        for line in READERS {
            let arguments: Vec<&str> = line.split_whitespace().collect();
            let output = home.scopesync(&arguments).output().expect("scopesync runs");
            assert_clean(line, &[output.stdout, output.stderr].concat());
        }
        run(&home, "replicate --computer-name kea-1 --force", 1);
        assert_files_clean(&home);
    }
    // the configuration itself, with a mistake right beside each password
    for mistake in [
        "password = ",
        "pasword = ",
        "password_env = ",
        "password = [",
        "url = \"http://operator:",
        "user = \"operator\"\nhost = \"operator:",
        "user = 1\npassword = ",
    ] {
        let home = Home::new();
        for (kind, line) in [("kea", "drift"), ("kea", "check"), ("windows", "check --json")] {
            home.write_config(&format!("[[server]]\nname = \"a\"\nkind = {kind:?}\n{mistake}{}\n", canary("mistake")));
            let output = home.scopesync(&line.split_whitespace().collect::<Vec<_>>()).output().expect("scopesync runs");
            assert_eq!(output.status.code(), Some(1));
            assert_clean(&format!("{line} with {mistake}"), &[output.stdout, output.stderr].concat());
        }
    }
}

#[test]
fn no_file_of_a_server_gives_its_secrets_away() {
    let home = Home::new();
    let files = [0, 1].map(|at| {
        let path = home.path().join(format!("{at}.conf"));
        let text = json!({ "Dhcp4": configuration(at, false) });
        fs::write(&path, serde_json::to_string_pretty(&text).expect("JSON")).expect("a file");
        path
    });
    home.write_config(&by_file([&files[0], &files[1]]).replace("kind = ", "check = \"off\"\nkind = "));
    for line in READERS {
        run(&home, line, if line.starts_with("drift") { 2 } else { 0 });
    }
    run(&home, "replicate --computer-name kea-1 --force", 0);
    assert!(fs::read_to_string(&files[1]).is_ok_and(|text| text.contains(&canary("hook"))));
    // a mistake right behind a secret, in every way that the file can be garbled
    let good = fs::read_to_string(&files[1]).expect("the file");
    let secret = format!("\"{}\"", canary("lease-database"));
    for broken in
        ["\"c4n4ry-open", "c4n4ry-bare", "\"c4n4ry-a\" \"c4n4ry-b\"", "\"c4n4ry-\\x\"", "<?include \"c4n4ry-file\"?>"]
    {
        // what is no secret here is named: the file that is not there
        let is_name = broken.starts_with('<');
        fs::write(&files[1], good.replace(&secret, broken)).expect("the file");
        for line in ["drift", "check --json"].into_iter().filter(|_| !is_name) {
            run(&home, line, 3);
        }
    }
    assert_files_clean(&home);
}

#[test]
fn no_screen_shows_a_secret() {
    let home = Home::new();
    let servers = [0, 1].map(|at| server(at, false, Mood::Serves));
    write_config(&home, &servers, SOURCES[0]);
    let start = Start::scopesync().home(&home).env("SECRET", canary("env")).size(120, 40);
    let mut screen = start.env("SCOPESYNC_LOG", home.path().join("log")).env("SCOPESYNC_LOG_LEVEL", "trace").start();
    let from_the_start = screen.mark();
    screen.wait_for_text("2/2 drifted");
    screen.keys("Enter a");
    screen.wait_for_text("2 marked");
    screen.keys("r");
    screen.wait_for_text("y yes   a yes to all   n no");
    screen.keys("y");
    screen.wait_for_text("2 replicated");
    screen.keys("J");
    screen.wait_for_text("verified, saved");
    screen.keys("q");
    screen.wait_for_end();
    let drawn = screen.since(from_the_start);
    assert!(drawn.len() > 1000, "something was drawn");
    assert_clean("the screen", &drawn);
    assert!(assert_files_clean(&home) > 0);
}
