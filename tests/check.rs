//! `scopesync check`: what it says of a file with mistakes, of files, of a running pair, and of
//! servers that are stopped, hang, cannot save, or are one and the same.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::bench::{Bench, Form};
use common::pair::{Mode, Pair, PairOptions, Side, Version};
use common::program::{Finished, Home, by_file, by_http, by_socket};
use common::terminal::Start;
use scopesync::engine::port::Journal as _;
use serde_json::{Value, json};

fn few(drift: &[&str]) -> PairOptions {
    PairOptions { subnets: 6, reservations: 6, ..PairOptions::with_drift(drift) }
}

/// A copy of what runs that a check had written.
fn trial(pair: &Pair, side: Side) -> PathBuf {
    pair.config_path(side).parent().expect("a folder").join("scopesync-check.conf")
}

/// The points of one part: name, verdict, what was found, what to do.
fn points(part: &Value) -> Vec<[String; 4]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let points = part["points"].as_array().expect("points").iter();
    points.map(|point| ["name", "verdict", "found", "hint"].map(|key| text(&point[key]))).collect()
}

/// What was found of one thing; there must be exactly one such point.
#[track_caller]
fn one(part: &Value, name: &str) -> [String; 3] {
    let mut found = points(part).into_iter().filter(|point| point[0] == name);
    let (Some([_, verdict, text, hint]), None) = (found.next(), found.next()) else {
        panic!("not exactly one {name} in {part:#}")
    };
    [verdict, text, hint]
}

#[track_caller]
fn assert_point(part: &Value, name: &str, verdict: &str, words: &[&str]) {
    let [was, found, hint] = one(part, name);
    assert_eq!(was, verdict, "{name}: {found} ({hint})");
    for word in words {
        assert!(found.contains(word) || hint.contains(word), "{name}: no {word:?} in: {found} ({hint})");
    }
}

/// Names and verdicts alone.
fn verdicts(document: &Value) -> Value {
    let part = |part: &Value| -> Value {
        let short = points(part).into_iter().map(|[name, verdict, ..]| Value::from(format!("{name}: {verdict}")));
        short.collect::<Vec<_>>().into()
    };
    let all = |key: &str| -> Value { document[key].as_array().expect("parts").iter().map(part).collect() };
    json!({
        "schema": document["schema"],
        "verdict": document["verdict"],
        "configuration": part(&document["configuration"]),
        "servers": all("servers"),
        "relationships": all("relationships"),
    })
}

/// Nothing is wider than a terminal.
#[track_caller]
fn assert_fits(run: &Finished) {
    let wide = run.stdout.lines().find(|line| line.chars().count() > 80);
    assert!(wide.is_none(), "wider than 80: {wide:?}");
}

/// A control socket that takes every request and never answers.
fn deaf(at: &Path) {
    let listener = UnixListener::bind(at).expect("a socket");
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            held.push(stream);
        }
    });
}

#[test]
fn every_mistake_of_the_file_is_told_with_its_line() {
    let home = Home::new();
    home.write_config("[[server]]\nname = \"a\"\nkind = \"kea\"\nsockt = \"/x\"\n\n[log]\nlevel = \"loud\"\n");
    let run = home.run(&["check", "--json"]).expect_code(1);
    let document = run.json();
    assert_eq!((&document["schema"], &document["verdict"]), (&"scopesync.check/1".into(), &"failed".into()));
    assert_eq!(document["configuration"]["path"], home.config().display().to_string());
    let mistakes: Vec<_> =
        points(&document["configuration"]).into_iter().filter(|point| point[0] == "mistake").collect();
    let lines: Vec<&str> = mistakes.iter().map(|point| point[2].split(',').next().unwrap_or_default()).collect();
    assert_eq!(lines, ["line 1", "line 4", "line 7"], "{mistakes:#?}");
    assert!(document["servers"].as_array().expect("a list").is_empty());

    let run = home.run(&["check"]).expect_code(1);
    assert!(run.stdout.contains("line 4, column 1: unknown key"), "{}", run.stdout);
    assert_fits(&run);

    // the demo can do without it, and says so
    let demo = home.run(&["--demo", "check", "--json"]).expect_code(0).json();
    assert_point(&demo["configuration"], "file", "ok", &["found cannot be used", "the demo pair, by the defaults"]);
    assert_point(&demo["configuration"], "remark", "warning", &["the demo goes by the defaults"]);

    home.write_config("[screen]\ntheme = \"mine.toml\"\n\n[[server]]\nname = \"a\"\nkind = \"kea\"\nfile = \"/x\"\n");
    let document = home.run(&["check", "--json"]).expect_code(3).json();
    assert_point(&document["configuration"], "mistake", "warning", &["theme", "mine.toml", "leave `theme` out"]);

    let run = home.scopesync(&["check", "--json"]).env_remove("SCOPESYNC_CONFIG").output().map(Finished::from);
    let none = run.expect("it runs").expect_code(1).json();
    assert_point(&none["configuration"], "file", "failed", &["xdg-config/scopesync/config.toml", "--demo"]);
}

#[test]
fn files_are_checked_without_any_server() {
    let Some(bench) = Bench::up(Form::Files, few(&[])) else { return };
    let config = bench.home.config();
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o664)).expect("a mode");
    let run = bench.run("check --json").expect_code(0);
    let document = run.json();
    assert_point(&document["configuration"], "file", "ok", &["config.toml, named by SCOPESYNC_CONFIG"]);
    assert_point(&document["configuration"], "permissions", "warning", &["mode 0664", "chmod go-w"]);
    assert_point(&document["servers"][0], "reach", "ok", &["a file, no running server"]);
    assert_point(&document["servers"][0], "test", "ok", &["kea-dhcp4-check"]);
    assert_point(&document["servers"][1], "saving", "ok", &["next reload"]);
    assert_point(&document["servers"][1], "writer", "ok", &["Kea file"]);
    insta::assert_json_snapshot!("check_files", verdicts(&document));
    assert_fits(&bench.run("check"));

    let files = bench.files().expect("files");
    let text = std::fs::read_to_string(&files[1]).expect("the file");
    std::fs::write(&files[1], text.replacen('}', "", 1)).expect("the file");
    let missing = files[0].with_extension("gone");
    bench.home.write_config(&by_file([&missing, &files[1]]));
    let document = bench.run("check --json").expect_code(3).json();
    assert_point(&document["servers"][0], "reach", "failed", &["kea-dhcp4.gone"]);
    assert_point(&document["servers"][1], "reach", "failed", &["kea-dhcp4.conf"]);
    bench.run("check nobody").expect_code(1);
}

#[test]
fn a_running_pair_is_looked_at_from_all_sides_and_nothing_is_written() {
    let Some(bench) = Bench::up(Form::HotStandby, few(&[])) else { return };
    let pair = bench.pair().expect("a live pair");
    let before = bench.marks();
    let document = bench.run("check --json").expect_code(0).json();
    let [one, two] = [&document["servers"][0], &document["servers"][1]];
    let process = std::fs::metadata(pair.config_path(Side::A)).expect("the file");
    assert!(process.is_file() && !trial(pair, Side::A).exists());
    assert_point(one, "reach", "ok", &["UNIX socket; a round trip took", " ms"]);
    assert_point(one, "version", "ok", &[pair.version()]);
    assert_point(one, "identity", "ok", &["server1 at http://127.0.0.1:"]);
    assert_point(two, "relationship", "ok", &["hot-standby: standby, with server1 (primary)"]);
    assert_point(one, "writer", "ok", &["subnet and host commands"]);
    assert_point(one, "saving", "ok", &["runs as root", &pair.config_path(Side::A).display().to_string()]);
    assert_eq!(document["relationships"][0]["members"][1]["state"], "hot-standby");
    insta::assert_json_snapshot!("check_pair", verdicts(&document));
    assert_fits(&bench.run("check"));

    // only one: what only its partner knows is not guessed
    let alone = bench.run("check kea-2 --json").expect_code(0).json();
    assert_eq!(alone["servers"].as_array().map(Vec::len), Some(1));
    assert_point(&alone["relationships"][0], "partner", "not_asked", &["kea-1"]);

    // never a write where the operator forbids it
    let document = bench.run("check --try-save --read-only --json").expect_code(0).json();
    assert_point(&document["servers"][0], "saving", "not_asked", &["read-only"]);
    assert!(!trial(pair, Side::A).exists());
    let document = bench.run("check --try-save kea-1 --json").expect_code(0).json();
    assert_point(&document["servers"][0], "saving", "ok", &["a trial copy was written", "remove "]);
    assert!(trial(pair, Side::A).exists() && !trial(pair, Side::B).exists());
    assert_eq!(bench.marks(), before);
}

#[test]
fn a_server_that_cannot_save_or_hides_or_lacks_something_is_told_of() {
    let options =
        PairOptions { no_write: true, no_hook: vec!["stat_cmds".into()], ..few(&["lifetime:0", "option43:1"]) };
    let Some(bench) = Bench::up(Form::LoadBalancing, options) else { return };
    let pair = bench.pair().expect("a live pair");
    let run = bench.run("check --json").expect_code(3);
    let [one, two] = [&run.json()["servers"][0], &run.json()["servers"][1]].map(Clone::clone);
    let file = pair.config_path(Side::B).display().to_string();
    assert_point(&two, "saving", "failed", &[&file, "mode 0", "Troubleshooting"]);
    assert_point(&one, "commands", "warning", &["stat-lease4-get", "libdhcp_stat_cmds.so"]);
    let hidden = [&one, &two].map(|server| self::one(server, "hidden_values"));
    assert!(hidden.iter().any(|[verdict, ..]| verdict == "warning"), "{hidden:?}");
    let tried = bench.run("check kea-2 --try-save --json").expect_code(3).json();
    assert_point(&tried["servers"][0], "saving", "failed", &["Unable to open file", "Troubleshooting"]);

    assert_point(&two, "unsaved", "ok", &[]);
    bench.run("replicate --computer-name kea-1 --scope-id 10.0.0.0 --force").expect_code(3);
    let document = bench.run("check --json").expect_code(3).json();
    assert_point(&document["servers"][1], "unsaved", "warning", &["a restart loses it", "replicate, or undo"]);
    assert_point(&document["servers"][0], "unsaved", "ok", &[]);
    let lost = ["10.0.9.0/24".parse().expect("a scope")].into();
    bench.home.history().remember_lost(&"kea-2".into(), &lost).expect("the history");
    let document = bench.run("check --json").expect_code(3).json();
    assert_point(&document["servers"][1], "unsaved", "warning", &["had lost 10.0.9.0/24", "replicate that, too"]);
    let run = bench.run("drift").expect_code(2);
    assert!(run.stderr.contains("kea-2: what an earlier run changed is running and not saved on purpose"), "{run:?}");
    assert_fits(&bench.run("check"));
}

#[test]
fn servers_that_are_silent_stopped_or_twins_hold_up_nobody() {
    let Some(bench) = Bench::up(Form::LoadBalancing, few(&[])) else { return };
    let pair = bench.pair().expect("a live pair");
    let (silent, way) = (bench.home.path().join("deaf.sock"), bench.home.path().join("way.sock"));
    deaf(&silent);
    common::faults::other_way(pair.socket(Side::A), &way);
    let entry = |name: &str, socket: &Path, more: &str| {
        format!("[[server]]\nname = \"{name}\"\nkind = \"kea\"\nsocket = {:?}\n{more}\n", socket.display().to_string())
    };
    let both = by_socket(pair);

    pair.stop(Side::B);
    bench.home.write_config(&format!("{both}{}", entry("kea-3", &silent, "read_timeout = 2")));
    let start = Instant::now();
    let document = bench.run("check --json").expect_code(3).json();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "held up for {took:?}");
    assert_point(&document["servers"][0], "reach", "ok", &[]);
    assert_point(&document["servers"][1], "reach", "failed", &["no control socket", "kea-dhcp4 running"]);
    assert_point(&document["servers"][2], "reach", "failed", &["no answer within 2s", "frozen"]);
    let partner = ["none of kea-2, kea-3 was read", "one of them may be server2"];
    assert_point(&document["relationships"][0], "partner", "warning", &partner);
    assert!(start.elapsed() >= Duration::from_secs(2), "the silent server was waited for");

    // on a terminal it is said who is waited for
    let mut terminal = Start::scopesync().home(&bench.home).args(["check"]).start();
    terminal.wait_for_text("checking kea-3");
    assert_eq!(terminal.wait_for_end().code(), Some(3));

    bench.home.write_config(&by_socket(pair).split("\n\n").next().map(|text| format!("{text}\n")).unwrap_or_default());
    let document = bench.run("check --json").expect_code(0).json();
    assert_point(&document["relationships"][0], "partner", "warning", &["server2", "add a [[server]] for it"]);

    bench.home.write_config(&[entry("one", pair.socket(Side::A), ""), entry("other", &way, "")].concat());
    let document = bench.run("check --json").expect_code(3).json();
    assert_point(&document["servers"][0], "identity", "failed", &["one and other", "same server"]);
    assert_point(&document["servers"][1], "identity", "failed", &["one and other", "same server"]);
}

#[test]
fn tls_and_authentication_are_told_and_no_password() {
    let more = ["--tls", "--auth", "operator:s3cr3t-pw"].map(str::to_owned).to_vec();
    let Some(pair) = Pair::up(PairOptions { more, ..few(&[]) }) else { return };
    let home = Home::new();
    let config = by_http(&pair, home.path());
    home.write_config(&config);
    let run = home.run(&["check", "--json"]).expect_code(0);
    let document = run.json();
    let one = &document["servers"][0];
    assert_point(one, "reach", "ok", &["direct HTTP; a round trip took"]);
    let ca = pair.server(Side::A).ca_cert.as_ref().expect("an authority").display().to_string();
    assert_point(one, "tls", "ok", &[&ca, "CN=", "sha256:", "until 20"]);
    assert_point(one, "authentication", "ok", &["basic, as \"operator\"", "the file", "password-of-kea-1"]);
    assert_point(one, "saving", "not_asked", &["not known here", "--try-save"]);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("s3cr3t-pw"));
    let [_, tls, _] = self::one(one, "tls");
    let pin = tls.split("sha256:").nth(1).and_then(|rest| rest.split(',').next()).expect("a pin").to_owned();

    // what the check shows can be written into the configuration
    let pinned = config
        .lines()
        .map(|line| if line.starts_with("tls_ca") { format!("tls_pin = \"sha256:{pin}\"") } else { line.into() });
    home.write_config(&pinned.collect::<Vec<_>>().join("\n"));
    let document = home.run(&["check", "kea-1", "--json"]).expect_code(0).json();
    assert_point(&document["servers"][0], "tls", "ok", &["pinned"]);
    let insecure = config.lines().map(|line| if line.starts_with("tls_ca") { "insecure = true" } else { line });
    home.write_config(&insecure.collect::<Vec<_>>().join("\n"));
    let document = home.run(&["check", "--json"]).expect_code(0).json();
    assert_point(&document["servers"][0], "tls", "warning", &["NOT verified", &format!("tls_pin = \"sha256:{pin}\"")]);

    // the system's authorities do not know it, and the password is another one
    let unknown = config.lines().filter(|line| !line.starts_with("tls_ca")).collect::<Vec<_>>().join("\n");
    home.write_config(&unknown);
    let document = home.run(&["check", "--json"]).expect_code(3).json();
    assert_point(&document["servers"][0], "tls", "failed", &["authorities of this machine", "not taken", &pin]);
    assert_point(&document["servers"][0], "reach", "failed", &["certificate"]);
    assert_point(&document["servers"][0], "authentication", "not_asked", &["operator"]);
    std::fs::write(home.path().join("password-of-kea-2"), "wr0ng").expect("a password file");
    home.write_config(&config);
    let run = home.run(&["check", "--json"]).expect_code(3);
    let document = run.json();
    assert_point(&document["servers"][1], "reach", "ok", &["it answers"]);
    assert_point(&document["servers"][1], "tls", "ok", &[]);
    assert_point(&document["servers"][1], "authentication", "failed", &["does not take user \"operator\""]);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("wr0ng"));
    assert_fits(&home.run(&["check"]));
}

#[test]
fn an_old_server_behind_its_agent_is_written_as_a_whole() {
    let options = PairOptions { version: Version::Installed, mode: Mode::HotStandby, ..few(&[]) };
    let Some(pair) = Pair::up(options) else { return };
    let home = Home::new();
    home.write_config(&by_http(&pair, home.path()));
    let document = home.run(&["check", "--json"]).expect_code(0).json();
    let two = &document["servers"][1];
    assert_point(two, "reach", "ok", &["control agent; a round trip took"]);
    assert_point(two, "tls", "ok", &["off"]);
    assert_point(two, "writer", "ok", &["whole configuration"]);
    assert_point(two, "cost_to_service", "ok", &["target"]);
    assert_point(two, "commands", "warning", &["subnet4-list and 11 more", "libdhcp_subnet_cmds.so"]);
    // its file is not known here, and this version takes whole paths only
    let document = home.run(&["check", "kea-2", "--try-save", "--json"]).expect_code(0).json();
    assert_point(&document["servers"][0], "saving", "not_asked", &["needs a whole path"]);
    home.write_config(&by_socket(&pair));
    let document = home.run(&["check", "kea-2", "--try-save", "--json"]).expect_code(0).json();
    let written = trial(&pair, Side::B);
    assert_point(&document["servers"][0], "saving", "ok", &[&written.display().to_string()]);
    assert!(written.exists());
}
