//! DHCP clients that ask a pair for addresses while something else happens.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use super::pair::{Pair, peer, wait_for};

/// What became of the clients.
#[derive(Clone, Debug, Deserialize)]
pub struct Answers {
    pub sent: u32,
    pub answered: u32,
    /// Clients that neither server answered.
    pub unanswered: u32,
    /// Seconds of the longest unbroken run of such clients.
    pub longest_gap: f64,
}

/// Running traffic: about 50 new clients a second, each asking both servers.
pub struct Traffic {
    child: Option<Child>,
    _dir: TempDir,
    stop: PathBuf,
}

impl Traffic {
    /// Starts traffic for the scope of this address; returns when the first answers are there.
    /// The pair must have been brought up with `dhcp`. It ends by [`Traffic::finish`], or by
    /// itself after `limit`.
    pub fn start(pair: &Pair, scope: &str, limit: Duration) -> Traffic {
        let dir = TempDir::with_prefix("traffic-").expect("a temporary folder");
        let (started, stop) = (dir.path().join("started"), dir.path().join("stop"));
        let child = Command::new(peer("dhcp_traffic.py"))
            .arg(pair.dir().join("pair.json"))
            .args(["--scope", scope, "--seconds", &limit.as_secs_f64().to_string()])
            .arg("--started")
            .arg(&started)
            .arg("--stop")
            .arg(&stop)
            .stdout(Stdio::piped())
            .spawn()
            .expect("dhcp_traffic.py runs (needs python3)");
        let traffic = Traffic { child: Some(child), _dir: dir, stop };
        wait_for("the first DHCP answers", Duration::from_secs(20), || started.exists());
        traffic
    }

    /// Ends the traffic and counts.
    pub fn finish(self) -> Answers {
        std::fs::write(&self.stop, "").expect("the stop file");
        self.run_out()
    }

    /// Lets the traffic go on to its limit and counts.
    pub fn run_out(mut self) -> Answers {
        let child = self.child.take().expect("traffic runs until it is counted");
        let output = child.wait_with_output().expect("dhcp_traffic.py ends");
        serde_json::from_slice(&output.stdout).expect("the result of dhcp_traffic.py")
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
