//! Real Kea servers over HTTP and TLS: the main road, an agent, and passwords that show up nowhere.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use std::path::Path;
use std::process::Command;

use common::pair::{Pair, PairOptions, PairServer, Side, Version};
use common::program::{Finished, Home};
use serde_json::Value;

/// Has every kind of letter that could be escaped, quoted or encoded on its way.
const CANARY: &str = "C4nary-\"s3cret\"\\'&%41+ :";
/// `scott:` and the canary as basic authentication sends it.
const ENCODED: &str = "c2NvdHQ6QzRuYXJ5LSJzM2NyZXQiXCcmJTQxKyA6";

fn secured(control: &str, version: Version, drift: &[&str]) -> Option<Pair> {
    let auth = format!("scott:{CANARY}");
    let more = ["--control", control, "--auth", &auth, "--tls"].map(str::to_owned).to_vec();
    Pair::up(PairOptions { version, more, ..PairOptions::with_drift(drift) })
}

/// `[[server]]` for each side, with lines of its own.
fn config(pair: &Pair, lines: [&str; 2]) -> String {
    let entry = |(side, lines): (Side, &str)| {
        let PairServer { name, http, .. } = pair.server(side);
        format!("[[server]]\nname = \"kea-{name}\"\nkind = \"kea\"\nurl = {http:?}\nuser = \"scott\"\n{lines}\n")
    };
    Side::BOTH.into_iter().zip(lines).map(entry).collect()
}

/// Runs the program with everything logged, and the password where one source looks for it.
fn run(home: &Home, line: &str) -> Finished {
    let mut command: Command = home.scopesync(&line.split_whitespace().collect::<Vec<_>>());
    command.env("SCOPESYNC_LOG_LEVEL", "trace").env("KEA_PASSWORD", CANARY);
    let finished = Finished::from(command.output().expect("scopesync runs"));
    for text in [&finished.stdout, &finished.stderr] {
        assert_hidden(text, line);
    }
    finished
}

/// Neither the password, nor any spelling of it, nor a piece of it.
#[track_caller]
fn assert_hidden(text: &str, place: &str) {
    for secret in ["s3cret", "C4nary", ENCODED, "c2NvdHQ6", "QzRuYXJ5"] {
        assert!(!text.contains(secret), "{secret} in {place}:\n{text}");
    }
}

/// All files below a folder with their texts.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

fn private(path: &Path, mode: u32, text: &str) {
    std::fs::write(path, text).expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, mode).expect("a private file");
}

#[test]
fn the_main_road_over_https_with_a_password_that_shows_up_nowhere() {
    const INSECURE: &str = "kea-server2: insecure: its certificate is not verified";
    let Some(pair) = secured("direct", Version::Newest, &["lifetime", "reservation-extra", "subnet-missing"]) else {
        return;
    };
    let home = Home::new();
    let ca = pair.server(Side::A).ca_cert.clone().expect("an authority");
    let by_ca = format!("tls_ca = {:?}", ca.display().to_string());
    private(&home.path().join("password"), 0o600, &format!("{CANARY}\n"));
    private(&home.path().join("show"), 0o700, "#!/bin/sh\necho s3cret >&2; printenv KEA_PASSWORD\n");
    home.write_config(&config(
        &pair,
        [&format!("password_env = \"KEA_PASSWORD\"\n{by_ca}"), "password_command = [\"./show\"]\ninsecure = true"],
    ));

    let found = run(&home, "drift --json").expect_code(2);
    assert!(found.stderr.contains(INSECURE), "{}", found.stderr);
    assert_eq!(found.json()["servers"][1]["caveat"], "insecure: its certificate is not verified");
    let before = pair.config_hashes();
    let plan = run(&home, "replicate --computer-name kea-server1 --what-if --json").expect_code(0).json();
    assert_eq!(pair.config_hashes(), before, "what-if only reads");
    let told = |document: &Value, list: &str, key: &str| {
        let all = document["relationships"][0][list].as_array().expect("a list").iter();
        all.map(|one| one.get(key).unwrap_or(one).as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert!(told(&plan, "findings", "message").contains(&INSECURE.to_owned()), "{plan:#}");
    let shown = run(&home, "replicate --computer-name kea-server1 --what-if").expect_code(0);
    assert!(shown.stdout.contains(INSECURE), "{}", shown.stdout);
    let report = run(&home, "replicate --computer-name kea-server1 --force --json").expect_code(0).json();
    assert_eq!(told(&report, "caveats", ""), [INSECURE]);
    assert_eq!(pair.config_hashes()[0], before[0], "the source is never written");
    let list = run(&home, "relationships --json").expect_code(0).json();
    assert!(list["servers"][0]["place"].as_str().is_some_and(|place| place.starts_with("https://127.0.0.1:")));

    // the other two sources, and a certificate that is pinned
    let shown = ca.with_file_name("server.pem");
    let openssl = ["x509", "-noout", "-fingerprint", "-sha256", "-in"];
    let pin = Command::new("openssl").args(openssl).arg(shown).output().expect("openssl runs").stdout;
    let pin = String::from_utf8(pin).expect("text");
    let inline = toml::Value::from(CANARY);
    home.write_config(&config(
        &pair,
        [
            &format!("password_file = \"password\"\ntls_pin = {:?}", pin.trim()),
            &format!("password = {inline}\n{by_ca}"),
        ],
    ));
    let clean = run(&home, "drift").expect_code(0);
    assert!(clean.stderr.contains("stands in this file in clear"), "{}", clean.stderr);

    // a password that is not taken is not shown either
    private(&home.path().join("password"), 0o644, "old s3cret\n");
    let refused = run(&home, "drift").expect_code(3);
    assert!(refused.stderr.contains("does not take user \"scott\" with this password (realm kea-pair)"));
    assert!(refused.stderr.contains("can be read by others (mode 0644)"), "{}", refused.stderr);

    let kept = files(&home.state());
    assert!(
        kept.iter().any(|(path, _)| path.ends_with("history.db")) && kept.iter().any(|(path, _)| path.contains("logs"))
    );
    for (path, text) in &kept {
        assert_hidden(text, path);
        let says = path.contains("logs") || path.ends_with(".json");
        assert!(!says || text.contains(INSECURE) || text.contains("insecure: its certificate"), "{path}: {text}");
    }
}

#[test]
fn an_agent_is_told_from_its_server() {
    let Some(pair) = secured("agent", Version::Installed, &["lifetime", "reservation-missing"]) else { return };
    let home = Home::new();
    let ca = pair.server(Side::A).ca_cert.clone().expect("an authority");
    let lines = format!("password_env = \"KEA_PASSWORD\"\ntls_ca = {:?}", ca.display().to_string());
    home.write_config(&config(&pair, [&lines, &lines]));
    // both are on one host, which therefore names neither
    let twice = run(&home, "drift --computer-name 127.0.0.1").expect_code(1);
    assert!(twice.stderr.contains("means several servers"), "{}", twice.stderr);
    let list = run(&home, "relationships --json").expect_code(0).json();
    for server in list["servers"].as_array().expect("servers") {
        assert!(server["place"].as_str().is_some_and(|place| place.ends_with(" (control agent)")), "{server}");
        assert_eq!(server["version"], pair.version());
    }
    let report = run(&home, "drift --json").expect_code(2).json();
    assert_eq!(report["summary"]["drifted"], 2, "{report:#}");

    run(&home, "replicate --computer-name kea-server1 --force").expect_code(0);
    run(&home, "drift").expect_code(0);

    // somebody else's config-set is refused: this Kea answers no client from then on, and says nothing
    let mut refused = pair.config(Side::B);
    refused["subnet4"][0]["pools"] = serde_json::json!([{"pool": "192.0.2.1-192.0.2.9"}]);
    assert_eq!(pair.cmd(Side::B, "config-set", serde_json::json!({ "Dhcp4": refused }))["result"], 1);
    let silent = "answers no client, whatever its state says";
    let told = run(&home, "check --json").expect_code(3).json();
    let points = told["servers"][1]["points"].as_array().expect("points");
    let point = points.iter().find(|point| point["name"] == "state").expect("what it does not say itself");
    assert_eq!(point["verdict"], "failed");
    assert!(point["found"].as_str().is_some_and(|found| found.contains(silent)), "{point}");
    assert!(point["hint"].as_str().is_some_and(|hint| hint.contains("config-reload")), "{point}");
    let told = run(&home, "drift --json").json();
    let finding = &told["relationships"][0]["findings"][0];
    assert_eq!((&finding["severity"], &finding["side"]), (&"critical".into(), &"target".into()), "{told:#}");
    assert!(finding["message"].as_str().is_some_and(|found| found.contains(silent)), "{finding}");
    pair.ok(Side::B, "config-reload", Value::Null);
    pair.wait_in_service();
    let healthy = run(&home, "check").expect_code(0);
    assert!(!healthy.stdout.contains(silent), "{}", healthy.stdout);

    // its server is dead, the agent is not
    pair.crash(Side::B);
    let half = run(&home, "relationships").expect_code(3);
    assert!(half.stdout.contains("runs, and kea-dhcp4 behind it does not"), "{}{}", half.stdout, half.stderr);
}
