//! What carries commands to a Kea server: its UNIX socket, or HTTP.

use bytes::Bytes;

use super::http::Http;
use super::socket::Socket;
use crate::backend::exchange::{Broken, Effect, Limits};
use crate::engine::Error;
use crate::engine::port::Point;

/// The way to one server. Cheap to clone: all clones share their connections.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Its UNIX control socket.
    Socket(Socket),
    /// HTTP, to the server itself or to its control agent.
    Http(Http),
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The server, over its UNIX socket.
    Socket,
    /// The server, over HTTP.
    Direct,
    /// A control agent, over HTTP.
    Agent,
}

impl Via {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Via::Socket => "UNIX socket",
            Via::Direct => "direct HTTP",
            Via::Agent => "control agent",
        }
    }
}

impl Transport {
    /// Where it leads, for messages.
    pub fn place(&self) -> String {
        match self {
            Transport::Socket(socket) => socket.path().display().to_string(),
            Transport::Http(http) => http.place(),
        }
    }

    /// The machine that it leads to, where it is named.
    pub fn host(&self) -> Option<&str> {
        match self {
            Transport::Socket(_) => None,
            Transport::Http(http) => http.host(),
        }
    }

    /// What it is limited to.
    pub fn limits(&self) -> &Limits {
        match self {
            Transport::Socket(socket) => socket.limits(),
            Transport::Http(http) => http.limits(),
        }
    }

    /// Whether it is HTTP.
    pub(super) fn is_http(&self) -> bool {
        matches!(self, Transport::Http(_))
    }

    /// What makes it unsafe; `None` when nothing does.
    pub fn caveat(&self) -> Option<&'static str> {
        match self {
            Transport::Socket(_) => None,
            Transport::Http(http) => http.caveat(),
        }
    }

    /// Who answers, once that is known.
    pub fn via(&self) -> Option<Via> {
        match self {
            Transport::Socket(_) => Some(Via::Socket),
            Transport::Http(http) => http.via(),
        }
    }

    pub(super) fn found_out(&self, via: Via) {
        if let Transport::Http(http) = self {
            http.found_out(via);
        }
    }

    /// How safe the way is, after something was asked; nothing to tell of a socket, which its
    /// permissions guard. `refusal` is the server's no to who we are.
    pub(super) fn security(&self, refusal: Option<&Error>) -> Vec<Point> {
        match self {
            Transport::Socket(_) => Vec::new(),
            Transport::Http(http) => http.security(refusal).into(),
        }
    }

    /// The number of the process that answers, where the system tells.
    pub(super) async fn listener(&self) -> Option<u32> {
        match self {
            Transport::Socket(socket) => socket.listener().await,
            Transport::Http(_) => None,
        }
    }

    /// The services that a request must name; none where it goes straight to its server.
    pub(super) fn service(&self) -> &'static [&'static str] {
        match self {
            Transport::Socket(_) => &[],
            // without it a control agent answers, and obeys, itself
            Transport::Http(_) => &["dhcp4"],
        }
    }

    /// Sends one request and gives the one answer to it.
    ///
    /// # Errors
    /// When no complete answer came in time, with whether the request had gone out.
    pub(super) async fn exchange(&self, request: Vec<u8>, effect: Effect) -> Result<Bytes, Broken> {
        match self {
            Transport::Socket(socket) => socket.exchange(&request, socket.limits().patience(effect)).await,
            Transport::Http(http) => http.exchange(request, effect).await,
        }
    }
}

impl From<Socket> for Transport {
    fn from(socket: Socket) -> Self {
        Transport::Socket(socket)
    }
}

impl From<Http> for Transport {
    fn from(http: Http) -> Self {
        Transport::Http(http)
    }
}
