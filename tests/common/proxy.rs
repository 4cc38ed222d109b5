//! A proxy before a real server's control channel, in which things go wrong at a chosen
//! moment: the nth request of a command, before it reaches the server or after its effect.
//!
//! With it every boundary between two stages of a run is hit without sleeping.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long a test waits for its moment before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where in the traffic something goes wrong.
#[derive(Clone, Debug)]
pub struct Point {
    after: bool,
    /// None: any command.
    command: Option<String>,
    nth: usize,
}

impl Point {
    /// Before the next request of this command reaches the server.
    pub fn before(command: &str) -> Point {
        Point { after: false, command: Some(command.to_owned()), nth: 1 }
    }

    /// When the server has answered the next request of this command, and before its client knows.
    pub fn after(command: &str) -> Point {
        Point { after: true, ..Point::before(command) }
    }

    /// The nth request from now, whatever its command is; the first is 1.
    pub fn request(nth: usize, after: bool) -> Point {
        Point { after, command: None, nth }
    }

    /// Not the next request of the command but the nth.
    pub fn nth(self, nth: usize) -> Point {
        Point { nth, ..self }
    }
}

/// What goes wrong.
pub enum Fault {
    /// The connection ends without an answer.
    Cut,
    /// No answer comes while the client waits.
    Silence,
    /// The answer comes this much later.
    Late(Duration),
    /// The answer comes byte by byte, with this pause between two.
    Drip(Duration),
    /// The answer ends after so many bytes.
    Truncate(usize),
    /// Another answer than the server's.
    Instead(Value),
    /// Everything waits until the test lets it go on: see [`Proxy::pause`].
    Pause(SyncSender<()>, Receiver<bool>),
}

/// Opens when the traffic has come to a point, and holds it there.
pub struct Gate {
    reached: Receiver<()>,
    open: SyncSender<bool>,
}

impl Gate {
    /// Waits until the traffic is there.
    #[track_caller]
    pub fn reached(&self) {
        self.reached.recv_timeout(PATIENCE).expect("the traffic comes to the point");
    }

    /// Whether it comes to the point within this time.
    pub fn is_reached(&self, within: Duration) -> bool {
        self.reached.recv_timeout(within).is_ok()
    }

    /// Lets it go on.
    pub fn open(self) {
        let _ = self.open.send(true);
    }

    /// Lets what is held there go no further.
    pub fn drop_request(self) {
        let _ = self.open.send(false);
    }
}

struct Rule {
    point: Point,
    fault: Fault,
}

/// Stands between the program and one server; gone when dropped.
pub struct Proxy {
    folder: TempDir,
    /// Where it listens; the address counts over HTTP only.
    at: Mutex<Option<(SocketAddr, OwnedFd)>>,
    inner: Arc<Inner>,
}

struct Inner {
    to: Address,
    rules: Mutex<Vec<Rule>>,
    passed: Mutex<Vec<String>>,
    /// The last configuration that was set.
    set: Mutex<Option<Value>>,
}

#[derive(Clone, Debug)]
enum Address {
    Unix(PathBuf),
    Http(SocketAddr),
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Before a UNIX control socket.
    pub fn socket(to: &Path) -> Proxy {
        Proxy::new(Address::Unix(to.to_owned()))
    }

    /// Before an HTTP endpoint without TLS, `http://127.0.0.1:8000/`.
    pub fn http(to: &str) -> Proxy {
        let host = to.trim_start_matches("http://").trim_end_matches('/');
        Proxy::new(Address::Http(host.parse().expect("an address and a port")))
    }

    fn new(to: Address) -> Proxy {
        let folder = TempDir::with_prefix("proxy-").expect("a temporary folder");
        let inner = Arc::new(Inner { to, rules: Mutex::default(), passed: Mutex::default(), set: Mutex::default() });
        let proxy = Proxy { folder, at: Mutex::default(), inner };
        proxy.listen();
        proxy
    }

    /// The proxy's own control socket.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("kea.sock")
    }

    /// The proxy's own HTTP endpoint.
    pub fn url(&self) -> String {
        let at = held(&self.at).as_ref().map(|(at, _)| *at);
        format!("http://{}/", at.expect("it listens"))
    }

    /// Takes connections, again after [`Proxy::refuse`].
    pub fn listen(&self) {
        let none = SocketAddr::from(([127, 0, 0, 1], 0));
        let (at, listener) = match self.inner.to {
            Address::Unix(_) => {
                let _ = std::fs::remove_file(self.path());
                (none, Listener::Unix(UnixListener::bind(self.path()).expect("a socket")))
            }
            Address::Http(_) => {
                let at = held(&self.at).as_ref().map_or(none, |(at, _)| *at);
                let listener = TcpListener::bind(at).expect("a port");
                (listener.local_addr().expect("an address"), Listener::Http(listener))
            }
        };
        let handle = listener.handle().expect("a second handle");
        *held(&self.at) = Some((at, handle));
        let inner = self.inner.clone();
        std::thread::spawn(move || {
            while let Ok(connection) = listener.accept() {
                let inner = inner.clone();
                std::thread::spawn(move || inner.serve(connection));
            }
        });
    }

    /// Takes no connections any more, as a server that has died.
    pub fn refuse(&self) {
        if let Some((_, listener)) = &*held(&self.at) {
            let _ = rustix::net::shutdown(listener, rustix::net::Shutdown::Both);
        }
    }

    /// Lets something go wrong, once.
    pub fn upset(&self, point: Point, fault: Fault) {
        held(&self.inner.rules).push(Rule { point, fault });
    }

    /// Holds the traffic at a point; the test waits there, does what it wants and opens.
    pub fn pause(&self, point: Point) -> Gate {
        let ((reach, reached), (open, opened)) = (sync_channel(1), sync_channel(1));
        self.upset(point, Fault::Pause(reach, opened));
        Gate { reached, open }
    }

    /// Forgets what shall go wrong and what was passed on; tells whether everything that should did.
    pub fn calm(&self) -> bool {
        held(&self.inner.passed).clear();
        held(&self.inner.rules).drain(..).count() == 0
    }

    /// The commands that reached the server, in order.
    pub fn passed(&self) -> Vec<String> {
        held(&self.inner.passed).clone()
    }

    /// The arguments of the last `config-set` that reached the server.
    pub fn last_set(&self) -> Option<Value> {
        held(&self.inner.set).clone()
    }

    /// How often this command reached the server.
    pub fn times(&self, command: &str) -> usize {
        self.passed().iter().filter(|passed| *passed == command).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.refuse();
    }
}

enum Listener {
    Unix(UnixListener),
    Http(TcpListener),
}

impl Listener {
    fn handle(&self) -> io::Result<OwnedFd> {
        match self {
            Listener::Unix(listener) => listener.as_fd().try_clone_to_owned(),
            Listener::Http(listener) => listener.as_fd().try_clone_to_owned(),
        }
    }

    fn accept(&self) -> io::Result<Stream> {
        match self {
            Listener::Unix(listener) => listener.accept().map(|(stream, _)| Stream::Unix(stream)),
            Listener::Http(listener) => listener.accept().map(|(stream, _)| Stream::Http(stream)),
        }
    }
}

enum Stream {
    Unix(UnixStream),
    Http(TcpStream),
}

impl Stream {
    fn connect(to: &Address) -> io::Result<Stream> {
        match to {
            Address::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
            Address::Http(address) => TcpStream::connect(address).map(Stream::Http),
        }
    }

    /// One request; none when the client is gone. Over UNIX it ends where its JSON does.
    fn request(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self {
            Stream::Http(stream) => http_message(stream),
            Stream::Unix(stream) => {
                let (mut text, mut piece) = (Vec::new(), [0; 65536]);
                loop {
                    match stream.read(&mut piece)? {
                        0 => return Ok(None),
                        n => text.extend_from_slice(&piece[..n]),
                    }
                    if serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok() {
                        return Ok(Some(text));
                    }
                }
            }
        }
    }

    fn answer(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self {
            Stream::Http(stream) => http_message(stream),
            Stream::Unix(stream) => {
                let mut text = Vec::new();
                stream.read_to_end(&mut text)?;
                Ok((!text.is_empty()).then_some(text))
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.write_all(bytes),
            Stream::Http(stream) => stream.write_all(bytes),
        }
    }

    fn wait_for_end(&mut self) {
        let mut rest = Vec::new();
        let _ = match self {
            Stream::Unix(stream) => stream.read_to_end(&mut rest),
            Stream::Http(stream) => stream.read_to_end(&mut rest),
        };
    }

    fn end(&self) {
        let _ = match self {
            Stream::Unix(stream) => stream.shutdown(Shutdown::Both),
            Stream::Http(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

/// Head and body of a message that tells its length.
fn http_message(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut reader = BufReader::new(stream);
    let (mut message, mut length) = (Vec::new(), 0);
    loop {
        let start = message.len();
        if reader.read_until(b'\n', &mut message)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&message[start..]).to_ascii_lowercase();
        if let Some(told) = line.strip_prefix("content-length:") {
            length = told.trim().parse().map_err(io::Error::other)?;
        }
        if line.trim().is_empty() {
            let body = message.len();
            message.resize(body + length, 0);
            reader.read_exact(&mut message[body..])?;
            return Ok(Some(message));
        }
    }
}

fn body(message: &[u8]) -> &[u8] {
    let head = message.windows(4).position(|four| four == b"\r\n\r\n");
    if message.first() == Some(&b'{') { message } else { head.map_or(message, |at| &message[at + 4..]) }
}

fn command(request: &[u8]) -> String {
    let request: Value = serde_json::from_slice(body(request)).unwrap_or_default();
    request["command"].as_str().unwrap_or("?").to_owned()
}

impl Inner {
    /// All requests of one connection.
    fn serve(&self, mut client: Stream) {
        let mut server = None;
        loop {
            match self.one(&mut client, &mut server) {
                Ok(true) => {}
                Ok(false) | Err(_) => return client.end(),
            }
        }
    }

    /// One request and its answer; false when that was the last one.
    fn one(&self, client: &mut Stream, server: &mut Option<Stream>) -> io::Result<bool> {
        let Some(request) = client.request()? else { return Ok(false) };
        let command = command(&request);
        let (before, after) = self.faults(&command);
        if let Some(fault) = before
            && !hold(client, fault)?
        {
            return Ok(false);
        }
        let to = match server {
            Some(to) => to,
            None => server.insert(Stream::connect(&self.to)?),
        };
        if command == "config-set" {
            let request: Value = serde_json::from_slice(body(&request)).unwrap_or_default();
            *held(&self.set) = Some(request["arguments"].clone());
        }
        held(&self.passed).push(command);
        to.send(&request)?;
        let Some(answer) = to.answer()? else { return Ok(false) };
        match after {
            Some(Fault::Drip(pause)) => {
                for byte in answer {
                    client.send(&[byte])?;
                    std::thread::sleep(pause);
                }
            }
            Some(Fault::Truncate(length)) => {
                client.send(&answer[..length.min(answer.len())])?;
                return Ok(false);
            }
            after => {
                let goes_on = after.is_none_or(|fault| hold(client, fault).unwrap_or(false));
                if !goes_on {
                    return Ok(false);
                }
                client.send(&answer)?;
            }
        }
        Ok(matches!(client, Stream::Http(_)))
    }

    /// What shall go wrong with this request, before and after it.
    fn faults(&self, command: &str) -> (Option<Fault>, Option<Fault>) {
        let (mut before, mut after) = (None, None);
        let mut rules = held(&self.rules);
        let mut left = Vec::new();
        for mut rule in rules.drain(..) {
            if rule.point.command.as_deref().is_none_or(|wanted| wanted == command) {
                rule.point.nth -= 1;
            }
            match (rule.point.nth, rule.point.after) {
                (0, false) => before = Some(rule.fault),
                (0, true) => after = Some(rule.fault),
                _ => left.push(rule),
            }
        }
        *rules = left;
        (before, after)
    }
}

/// Faults that keep the traffic from going on; true when it may.
fn hold(client: &mut Stream, fault: Fault) -> io::Result<bool> {
    match fault {
        Fault::Late(pause) => {
            std::thread::sleep(pause);
            return Ok(true);
        }
        Fault::Silence => client.wait_for_end(),
        Fault::Instead(answer) => {
            let answer = answer.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            if let Stream::Http(_) = client {
                client.send(head.as_bytes())?;
            }
            client.send(answer.as_bytes())?;
        }
        Fault::Pause(reach, opened) => {
            let _ = reach.send(());
            return Ok(opened.recv().unwrap_or(true));
        }
        _ => {}
    }
    Ok(false)
}
