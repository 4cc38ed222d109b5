//! What carries SOAP envelopes to a server and back.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::backend::exchange::{Broken, Effect};

/// The answer to one envelope. Never formatted: it may hold what is nobody's business.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status. A fault of SOAP comes with 500, mostly.
    pub status: u16,
    /// The envelope, decrypted and decoded from UTF-8 or UTF-16; empty where there is none.
    pub text: String,
    /// The server's clock as its HTTP header `Date` tells it.
    pub date: Option<Timestamp>,
}

/// Authenticated ways to one WS-Management service.
#[async_trait]
pub trait Wire: Send + Sync {
    /// Sends one SOAP envelope and gives the whole answer, whatever its status is. May open and
    /// authenticate a connection first. An envelope that only reads may be sent a second time
    /// when its connection breaks; one that writes never is.
    ///
    /// # Errors
    /// When no complete answer came in time, with whether the request may have been carried out;
    /// when the server did not take us for who we say we are.
    async fn exchange(&self, envelope: &str, effect: Effect) -> Result<Answer, Broken>;

    /// How we proved who we are on the connection used last, in words such as `Negotiate (Kerberos)`;
    /// `None` before there was one.
    fn scheme_used(&self) -> Option<String>;
}
