//! What carries commands to a Kea server: its UNIX socket, or HTTP.

use bytes::Bytes;

use super::socket::Socket;
use crate::backend::exchange::{Broken, Effect, Limits};

/// The way to one server. Cheap to clone: all clones share their connections.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Its UNIX control socket.
    Socket(Socket),
}

impl Transport {
    /// Where it leads, for messages.
    pub fn place(&self) -> String {
        match self {
            Transport::Socket(socket) => socket.path().display().to_string(),
        }
    }

    /// What it is limited to.
    pub fn limits(&self) -> &Limits {
        match self {
            Transport::Socket(socket) => socket.limits(),
        }
    }

    /// The services that a request must name; none where it goes straight to its server.
    pub(super) fn service(&self) -> &'static [&'static str] {
        match self {
            Transport::Socket(_) => &[],
        }
    }

    /// Sends one request and gives the one answer to it.
    ///
    /// # Errors
    /// When no complete answer came in time, with whether the request had gone out.
    pub(super) async fn exchange(&self, request: Vec<u8>, effect: Effect) -> Result<Bytes, Broken> {
        match self {
            Transport::Socket(socket) => socket.exchange(&request, socket.limits().patience(effect)).await,
        }
    }
}

impl From<Socket> for Transport {
    fn from(socket: Socket) -> Self {
        Transport::Socket(socket)
    }
}
