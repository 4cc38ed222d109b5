//! A web server that does as it is told, well or badly, with or without TLS; and the
//! certificates for it, of throw-away authorities.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// What is done with a request. After all but an answer the connection is closed.
#[derive(Clone)]
pub enum Play {
    /// Kea's answer: this, in a list of one; the connection stays open.
    Answer(Value),
    /// Another status, with header lines and a body; the connection stays open.
    Status(u16, &'static str, String),
    /// These bytes, whatever they are.
    Bytes(Vec<u8>),
    /// An answer without end.
    Endless,
    /// A byte now and then.
    Drip,
    /// Nothing, until the client goes.
    Silent,
    /// The end of the connection.
    HangUp,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `POST /path HTTP/1.1` and the header lines, names in lower case.
    pub head: String,
    pub body: Value,
    /// Which connection it came on, from 1.
    pub connection: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.split_once(": ").filter(|(key, _)| *key == name).map(|(_, value)| value))
    }

    pub fn command(&self) -> &str {
        self.body["command"].as_str().unwrap_or("?")
    }
}

type Script = Arc<dyn Fn(&Seen) -> Play + Send + Sync>;

/// A server that listens until the test's process ends.
pub struct WebServer {
    pub port: u16,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
}

impl WebServer {
    /// Plain HTTP.
    pub fn plain(script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> WebServer {
        Self::start(None, script)
    }

    /// HTTPS.
    pub fn tls(config: ServerConfig, script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> WebServer {
        Self::start(Some(Arc::new(config)), script)
    }

    fn start(tls: Option<Arc<ServerConfig>>, script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> WebServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = WebServer {
            port: listener.local_addr().unwrap().port(),
            scheme: if tls.is_some() { "https" } else { "http" },
            seen: Arc::default(),
            connections: Arc::default(),
            closed: Arc::default(),
        };
        let (seen, connections, closed) = (server.seen.clone(), server.connections.clone(), server.closed.clone());
        let script: Script = Arc::new(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = connections.fetch_add(1, Ordering::SeqCst) + 1;
                let (seen, script, tls, closed) = (seen.clone(), script.clone(), tls.clone(), closed.clone());
                std::thread::spawn(move || {
                    // a client that goes away is none of its business
                    let _ = match tls {
                        None => serve(stream, number, &seen, &script),
                        Some(tls) => {
                            let session = ServerConnection::new(tls).unwrap();
                            serve(StreamOwned::new(session, stream), number, &seen, &script)
                        }
                    };
                    closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    /// `https://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// The requests so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The commands so far, in order.
    pub fn commands(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.command().to_owned()).collect()
    }

    /// How many connections were closed from here.
    pub fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }

    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A TCP server that closes each connection after so many bytes came, without a word.
pub fn closes_after(bytes: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = io::copy(&mut Read::take(&stream, bytes as u64), &mut io::sink());
        }
    });
    port
}

/// The answer of a command that was done.
pub fn done(arguments: Value) -> Play {
    Play::Answer(json!({ "result": 0, "text": "fine", "arguments": arguments }))
}

fn serve<S: Stream>(mut stream: S, connection: usize, seen: &Mutex<Vec<Seen>>, script: &Script) -> io::Result<()> {
    loop {
        let Some(request) = receive(&mut stream, connection)? else {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
            return stream.close();
        };
        seen.lock().unwrap().push(request.clone());
        match script(&request) {
            Play::Answer(answer) => send(&mut stream, 200, "", &json!([answer]).to_string())?,
            Play::Status(status, headers, body) => send(&mut stream, status, headers, &body)?,
            Play::Bytes(bytes) => {
                stream.write_all(&bytes)?;
                return stream.close();
            }
            Play::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                loop {
                    stream.write_all(b"400\r\n")?;
                    stream.write_all(&[b' '; 0x400])?;
                    stream.write_all(b"\r\n")?;
                }
            }
            Play::Drip => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
                loop {
                    stream.write_all(b" ")?;
                    stream.flush()?;
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            Play::Silent => {
                let _ = stream.read(&mut [0]);
                return Ok(());
            }
            Play::HangUp => return stream.close(),
        }
    }
}

fn send(stream: &mut impl Write, status: u16, headers: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} Word\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    stream.write_all(answer.as_bytes())?;
    stream.flush()
}

/// A stream that can be closed in order.
trait Stream: Read + Write {
    fn close(&mut self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn close(&mut self) -> io::Result<()> {
        self.flush()
    }
}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn close(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()
    }
}

/// One request; `None` when the client has no more, or speaks something else.
fn receive(stream: &mut impl Read, connection: usize) -> io::Result<Option<Seen>> {
    let mut text = Vec::new();
    let mut piece = [0; 65536];
    let mut more = |text: &mut Vec<u8>| -> io::Result<bool> {
        let count = stream.read(&mut piece)?;
        text.extend_from_slice(&piece[..count]);
        Ok(count > 0)
    };
    let end = loop {
        if let Some(at) = text.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if !more(&mut text)? || !text[0].is_ascii_uppercase() {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&text[..end]).into_owned();
    let head: Vec<String> = head
        .lines()
        .map(|line| {
            line.split_once(": ").map_or(line.into(), |(key, value)| format!("{}: {value}", key.to_lowercase()))
        })
        .collect();
    let seen = Seen { head: head.join("\n"), body: Value::Null, connection };
    let length: usize = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while text.len() < end + 4 + length {
        if !more(&mut text)? {
            return Ok(None);
        }
    }
    let body = serde_json::from_slice(&text[end + 4..end + 4 + length]).unwrap_or(Value::Null);
    Ok(Some(Seen { body, ..seen }))
}

/// An authority, and the folder of what it issued; gone when dropped.
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, as a PEM file.
    pub pem: PathBuf,
    der: CertificateDer<'static>,
    /// Its own key, for servers that wrongly use its certificate.
    own: Issued,
}

/// A certificate with its key, as PEM files and as they are.
pub struct Issued {
    pub certificate: PathBuf,
    pub key: PathBuf,
    der: CertificateDer<'static>,
    secret: Vec<u8>,
}

impl Default for Authority {
    fn default() -> Self {
        Authority::new()
    }
}

impl Authority {
    /// One of a name of its own.
    pub fn new() -> Authority {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        Authority::named(&format!("throw-away authority {}", COUNT.fetch_add(1, Ordering::SeqCst)))
    }

    pub fn named(name: &str) -> Authority {
        let folder = TempDir::with_prefix("ca-").unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let own = Issued::write(folder.path(), "ca", certificate.der().clone(), &certificate.pem(), &key);
        let (pem, der) = (own.certificate.clone(), certificate.der().clone());
        Authority { folder, issuer: Issuer::new(params, key), pem, der, own }
    }

    /// A certificate for this name or address.
    pub fn issue(&self, name: &str) -> Issued {
        self.issue_until(name, 2100)
    }

    /// One that expires, or expired, with the beginning of this year.
    pub fn issue_until(&self, name: &str, year: i32) -> Issued {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued::write(
            self.folder.path(),
            &format!("{name}-{year}"),
            certificate.der().clone(),
            &certificate.pem(),
            &key,
        )
    }

    /// The authority's own certificate.
    pub fn own(&self) -> &Issued {
        &self.own
    }

    /// A server that shows this certificate and demands none.
    pub fn server(&self, shown: &Issued) -> ServerConfig {
        let versions = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        versions.with_no_client_auth().with_single_cert(vec![shown.der.clone()], shown.key()).unwrap()
    }

    /// A server that also demands a client's certificate from this authority.
    pub fn demanding_server(&self, shown: &Issued, version: &'static rustls::SupportedProtocolVersion) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
        let versions = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[version]).unwrap();
        let versions = versions.with_client_cert_verifier(verifier);
        versions.with_single_cert(vec![shown.der.clone()], shown.key()).unwrap()
    }
}

impl Issued {
    fn write(folder: &Path, name: &str, der: CertificateDer<'static>, pem: &str, key: &KeyPair) -> Issued {
        let path = |end: &str| folder.join(format!("{name}.{end}"));
        std::fs::write(path("pem"), pem).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        Issued { certificate: path("pem"), key: path("key"), der, secret: key.serialize_der() }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.secret.clone()).unwrap()
    }

    /// `sha256:HEX`
    pub fn pin(&self) -> String {
        let hex: String = Sha256::digest(&self.der).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
