//! A throw-away Kerberos key distribution centre, brought up by `tests/peers/kdc`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use tempfile::TempDir;

use super::pair::{peer, skipped};

/// A running centre; gone when dropped.
#[derive(Debug)]
pub struct Kdc {
    _dir: TempDir,
    process: Child,
    info: Info,
}

#[derive(Clone, Debug, Deserialize)]
struct Info {
    realm: String,
    kdc: String,
    user: String,
    password: String,
    keytab: PathBuf,
    krb5_conf: PathBuf,
}

impl Kdc {
    /// Brings one up with an account and the service `HTTP/localhost`. `None`, said aloud, where
    /// none is installed; with `CI` set that is a failure instead.
    pub fn up() -> Option<Kdc> {
        let dir = TempDir::with_prefix("kdc-").expect("a temporary folder");
        let log = std::fs::File::create(dir.path().join("log")).expect("a log");
        let mut command = Command::new(peer("kdc"));
        command.arg(dir.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().expect("tests/peers/kdc runs (needs python3)");
        let mut first = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut first).expect("UTF-8");
        let Ok(info) = serde_json::from_str(&first) else {
            let _ = process.wait();
            let complaint = std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
            assert!(complaint.starts_with("not installed"), "kdc: {first}{complaint}");
            return skipped(&format!("no Kerberos KDC: {} (tests/run installs it)", complaint.trim()));
        };
        Some(Kdc { _dir: dir, process, info })
    }

    /// `CONTOSO.COM`
    pub fn realm(&self) -> &str {
        &self.info.realm
    }

    /// `127.0.0.1:PORT`, over TCP.
    pub fn address(&self) -> &str {
        &self.info.kdc
    }

    /// `CONTOSO.COM\alice`: an account that must authenticate before it is given a ticket.
    pub fn user(&self) -> String {
        format!("{}\\{}", self.info.realm, self.info.user)
    }

    pub fn password(&self) -> &str {
        &self.info.password
    }

    /// What makes a pair of Windows servers take tickets of this centre: arguments and variables.
    pub fn for_servers(&self) -> (Vec<String>, Vec<(&'static str, PathBuf)>) {
        let keytab = format!("--keytab={}", self.info.keytab.display());
        (vec![keytab], vec![("KRB5_CONFIG", self.info.krb5_conf.clone())])
    }

    /// The configuration of the system's Kerberos, for clients that use it (`KRB5_CONFIG`).
    pub fn krb5_conf(&self) -> &PathBuf {
        &self.info.krb5_conf
    }
}

impl Drop for Kdc {
    fn drop(&mut self) {
        // it ends with its standard input
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
