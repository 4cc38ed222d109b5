//! A connection that one caller holds for itself, where what was said on it before matters:
//! authentication that belongs to the connection rather than to each request.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::time::Instant;

use super::connection::Connection;
use super::{Client, Reply, Request};
use crate::backend::exchange::Broken;
use crate::engine::Error;

/// One connection, held by one caller. Requests go over it one after the other.
pub struct Held {
    client: Arc<Client>,
    connection: Connection,
    certificate: Option<CertificateDer<'static>>,
    /// Something was answered on it.
    is_used: bool,
}

/// No answer came; the connection is of no more use.
#[derive(Debug)]
pub struct Lost {
    /// Why, and whether the request may have been carried out.
    pub broken: Broken,
    /// It looks as if the server had closed the connection before the request came, and the
    /// request may be sent on another one.
    pub may_try_again: bool,
}

impl Client {
    /// Opens a connection that is shared with no other request.
    ///
    /// # Errors
    /// It cannot be opened.
    pub async fn hold(self: &Arc<Self>) -> Result<Held, Error> {
        let (connection, certificate) = self.open().await?;
        Ok(Held { client: self.clone(), connection, certificate, is_used: false })
    }
}

impl Held {
    /// The certificate that the server proved to own, in DER; `None` without TLS.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Whether the server has left it open, as far as can be seen from here.
    pub fn is_open(&mut self) -> bool {
        self.connection.is_open()
    }

    /// Since when nothing was said on it.
    pub fn idle(&self) -> Duration {
        self.connection.idle()
    }

    /// Sends a request and gives the whole answer, whatever its status is.
    ///
    /// # Errors
    /// When no complete answer came in time.
    pub async fn exchange(&mut self, request: &Request) -> Result<Reply, Lost> {
        let Held { client, connection, is_used, .. } = self;
        let deadline = Instant::now() + client.limits.patience(request.effect);
        let wire_form = client.wire_form(request);
        let answer = connection.exchange(wire_form, request.body.len(), client.limits.answer, deadline).await;
        let was_used = std::mem::replace(is_used, true);
        answer.map_err(|failure| Lost {
            may_try_again: was_used && failure.may_try_again(request.effect),
            broken: client.broken(failure, request, !was_used),
        })
    }
}
