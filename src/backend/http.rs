//! HTTP/1.1 to one server (RFC 9112), over TCP, TLS or a UNIX socket: requests that carry a
//! body, and their answers. Free of what the bodies mean.
//!
//! Connections are kept for the next request. What may have reached the server is never sent
//! again, but for a request that changes nothing whose kept connection turns out to be closed.

mod basic;
mod certificate;
mod connect;
mod connection;
mod explain;
mod held;
mod security;
mod tls;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use rustls::pki_types::CertificateDer;
use tokio::sync::OnceCell;
use tokio::time::Instant;

pub use self::basic::BasicAuth;
pub use self::certificate::{end_point, public_key};
use self::connection::{Connection, Failure};
pub use self::explain::Words;
pub use self::held::{Held, Lost};
pub use self::tls::any_owner;
use super::exchange::{Broken, Effect, Limits};
use super::web::{Address, Web};
use crate::engine::{Error, ErrorKind};

/// Connections that wait for the next request.
const MOST_KEPT: usize = 4;
/// Kea closes a connection on which nothing came for 30 s; other servers sooner.
const KEPT_FOR_READS: Duration = Duration::from_secs(20);
/// A write on a connection that is just being closed would leave its outcome open, for nothing.
const KEPT_FOR_WRITES: Duration = Duration::from_secs(2);

/// One request: always a POST, to the path of the server's address. Never formatted: what it
/// carries may hold secrets.
#[derive(Clone)]
pub struct Request {
    /// Its header fields, but for those that belong to the connection.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Whether it changes something.
    pub effect: Effect,
}

/// The whole answer to one request. Never formatted, for the same reason.
#[derive(Clone)]
pub struct Reply {
    /// Its status, such as 200.
    pub status: u16,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Reply {
    /// The text of a header field; `None` where it is absent or no text.
    pub fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The way to one server, with its kept connections.
pub struct Client {
    web: Web,
    limits: Limits,
    words: &'static Words,
    /// Built from its files when it is first needed.
    tls: OnceCell<Arc<rustls::ClientConfig>>,
    /// The certificate that the server showed last.
    seen: Arc<tls::LastSeen>,
    kept: Mutex<Vec<Connection>>,
}

impl Client {
    /// The way to this server. Nothing is opened yet, and no file read.
    pub fn new(web: Web, limits: Limits, words: &'static Words) -> Self {
        Client { web, limits, words, tls: OnceCell::new(), seen: Arc::default(), kept: Mutex::default() }
    }

    /// Where it leads.
    pub fn address(&self) -> &Address {
        &self.web.address
    }

    /// What it is limited to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sends a request and gives the whole answer, whatever its status is.
    ///
    /// # Errors
    /// When no complete answer came in time, with whether the request may have been carried out.
    pub async fn exchange(&self, request: &Request) -> Result<Reply, Broken> {
        let mut deadline = Instant::now() + self.limits.patience(request.effect);
        // lets the runtime look whether the server has closed a kept connection
        tokio::task::yield_now().await;
        if let Some(kept) = self.take_kept(request.effect) {
            match self.exchange_on(kept, request, deadline).await {
                Err(failure) if failure.may_try_again(request.effect) => {}
                outcome => return outcome.map_err(|failure| self.broken(failure, request, false)),
            }
        }
        let before = Instant::now();
        let (fresh, _) = self.open().await.map_err(Broken::unsent)?;
        deadline += before.elapsed();
        self.exchange_on(fresh, request, deadline).await.map_err(|failure| self.broken(failure, request, true))
    }

    async fn open(&self) -> Result<(Connection, Option<CertificateDer<'static>>), Error> {
        let open = async {
            let (stream, certificate) = connect::open(self).await?;
            let connection = Connection::over(stream).await;
            let connection = connection.map_err(|error| explain::handshake(&error, self))?;
            Ok((connection, certificate))
        };
        let patience = self.limits.connect;
        tokio::time::timeout(patience, open).await.unwrap_or_else(|_| {
            let what = format!("no connection to {} within {patience:?}", self.web.address);
            Err(Error::new(ErrorKind::TimedOut, what)
                .hint("nothing answers there: is the address right, the machine up, and no firewall between?"))
        })
    }

    async fn exchange_on(&self, mut on: Connection, request: &Request, deadline: Instant) -> Result<Reply, Failure> {
        let reply = on.exchange(self.wire_form(request), request.body.len(), self.limits.answer, deadline).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST_KEPT {
            kept.push(on);
        }
        Ok(reply)
    }

    /// A kept connection that is still open, the one used last first.
    fn take_kept(&self, effect: Effect) -> Option<Connection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain_mut(|connection| connection.is_open() && connection.idle() < KEPT_FOR_READS);
        match effect {
            effect if effect.writes() && kept.last()?.idle() >= KEPT_FOR_WRITES => None,
            _ => kept.pop(),
        }
    }

    fn wire_form(&self, request: &Request) -> hyper::Request<Full<Bytes>> {
        let (host, path) = match &self.web.address {
            Address::Unix(_) => ("localhost".to_owned(), "/"),
            Address::Net { tls, host, port, path } => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                let usual = if *tls { 443 } else { 80 };
                (if *port == usual { host } else { format!("{host}:{port}") }, path.as_str())
            }
        };
        let mut wire = hyper::Request::new(Full::new(request.body.clone()));
        *wire.method_mut() = hyper::Method::POST;
        // both were looked at when the address was read
        *wire.uri_mut() = path.parse().unwrap_or_default();
        *wire.headers_mut() = request.headers.clone();
        if let Ok(host) = HeaderValue::try_from(host) {
            wire.headers_mut().insert(header::HOST, host);
        }
        let agent = HeaderValue::from_static(concat!("scopesync/", env!("CARGO_PKG_VERSION")));
        wire.headers_mut().insert(header::USER_AGENT, agent);
        wire
    }

    fn broken(&self, failure: Failure, request: &Request, fresh: bool) -> Broken {
        let sent = failure.sent && !(fresh && failure.is_refused_certificate());
        Broken { error: explain::failure(&failure, self, request.effect), sent }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("web", &self.web).field("limits", &self.limits).finish_non_exhaustive()
    }
}
