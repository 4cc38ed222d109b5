//! DHCP clients that ask a pair for addresses while something else happens.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::pair::{Pair, Side, peer, wait_for};

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

/// What a server puts into option `code` of the OFFER to a client that asks for it, through a
/// relay with this address; none where the OFFER is without it. The pair must have been
/// brought up with `dhcp`. Written without the program's own code on purpose.
pub fn offered(pair: &Pair, side: Side, relay: Ipv4Addr, code: u8) -> Option<Vec<u8>> {
    let info = std::fs::read(pair.dir().join("pair.json")).expect("pair.json");
    let info: Value = serde_json::from_slice(&info).expect("JSON");
    let servers = &info["servers"];
    let port = |value: &Value| u16::try_from(value.as_u64().expect("a port")).expect("a port");
    let server = &servers[side.letter()];
    let socket = UdpSocket::bind(("127.0.0.1", port(&servers["a"]["dhcp_client_port"]))).expect("the client's port");
    socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a time-out");
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    // each server answers its own clients only: one of so many is
    for eight in 0..10 {
        for client in eight * 8..eight * 8 + 8 {
            let sent = discover([call, client], relay, code);
            socket.send_to(&sent, ("127.0.0.1", port(&server["dhcp_port"]))).expect("a DISCOVER goes out");
        }
        let mut answer = [0; 2048];
        while let Ok((length, _)) = socket.recv_from(&mut answer) {
            if length > 240 && answer[4..7] == [0x43, 0x43, call] {
                return option(&answer[240..length], code);
            }
        }
    }
    panic!("{side:?} answers none of 80 clients");
}

/// Late answers to an earlier call are told by it.
static CALLS: AtomicU8 = AtomicU8::new(0);

fn discover([call, client]: [u8; 2], relay: Ipv4Addr, code: u8) -> Vec<u8> {
    let mut packet = vec![0; 240];
    packet[..4].copy_from_slice(&[1, 1, 6, 1]);
    packet[4..8].copy_from_slice(&[0x43, 0x43, call, client]);
    packet[24..28].copy_from_slice(&relay.octets());
    packet[28..34].copy_from_slice(&[2, 0x43, 0, 0, call, client]);
    packet[236..240].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
    packet.extend([53, 1, 1, 55, 2, 1, code, 255]);
    packet.resize(300, 0);
    packet
}

fn option(mut options: &[u8], code: u8) -> Option<Vec<u8>> {
    loop {
        match *options {
            [0, ref rest @ ..] => options = rest,
            [255, ..] | [] | [_] => return None,
            [found, length, ref rest @ ..] => {
                let (value, rest) = rest.split_at(usize::from(length).min(rest.len()));
                if found == code {
                    return Some(value.to_vec());
                }
                options = rest;
            }
        }
    }
}
