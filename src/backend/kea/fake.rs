//! A tiny control socket for tests: answers as it is told to.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

/// An answer for each request; `None` hangs up.
pub(crate) type Script = Box<dyn FnMut(&Value) -> Option<Value> + Send>;

/// What the fake does with each request.
pub(crate) enum Play {
    /// Sends this and closes.
    Answer(Vec<u8>),
    /// Sends without end.
    Endless,
    /// Takes the request and says nothing.
    Silent,
    /// Sends a byte now and then.
    Trickle,
    /// Closes at once.
    HangUp,
    /// Answers by the request.
    Script(Script),
}

/// A control socket in a folder of its own.
pub(crate) struct Fake {
    folder: TempDir,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Fake {
    /// Listens until the test's process ends.
    pub(crate) fn play(play: Play) -> Fake {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        std::thread::spawn(move || serve(&listener, play, &seen));
        Fake { folder, requests }
    }

    /// Answers each request by a function; `None` hangs up.
    pub(crate) fn script(script: impl FnMut(&Value) -> Option<Value> + Send + 'static) -> Fake {
        Fake::play(Play::Script(Box::new(script)))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// The requests so far, in order.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }

    /// The commands so far, in order.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.requests().iter().map(|request| request["command"].as_str().unwrap_or("?").to_owned()).collect()
    }
}

fn serve(listener: &UnixListener, mut play: Play, seen: &Mutex<Vec<Value>>) {
    let mut held = Vec::new();
    while let Ok((mut stream, _)) = listener.accept() {
        if let Play::HangUp = play {
            continue;
        }
        let Some(request) = read_request(&mut stream) else { continue };
        seen.lock().unwrap().push(request.clone());
        match &mut play {
            Play::Answer(bytes) => drop(stream.write_all(bytes)),
            Play::Endless => while stream.write_all(&[b' '; 4096]).is_ok() {},
            Play::Trickle => {
                while stream.write_all(b" ").is_ok() {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            }
            Play::Silent => held.push(stream),
            Play::Script(script) => {
                if let Some(answer) = script(&request) {
                    drop(stream.write_all(answer.to_string().as_bytes()));
                }
            }
            Play::HangUp => {}
        }
    }
}

/// A request ends where its JSON does: the client keeps the connection open.
fn read_request(stream: &mut UnixStream) -> Option<Value> {
    let mut text = Vec::new();
    let mut piece = [0; 65536];
    loop {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(n) => text.extend_from_slice(&piece[..n]),
        }
        if let Ok(request) = serde_json::from_slice(&text) {
            return Some(request);
        }
    }
}
