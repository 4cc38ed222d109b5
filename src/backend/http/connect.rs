//! Opens the stream to a server: TCP, TLS over it, or a UNIX socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Client, explain, tls};
use crate::backend::web::Address;
use crate::engine::{Error, ErrorKind, Result};

/// A stream in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The stream, and the certificate that the server proved to own.
pub(super) type Opened = (Box<dyn Stream>, Option<CertificateDer<'static>>);

pub(super) async fn open(client: &Client) -> Result<Opened> {
    match client.address() {
        Address::Unix(path) => Ok((unix(client, path).await?, None)),
        Address::Net { tls, host, port, .. } => {
            let tcp = dial(client, host, *port).await?;
            if *tls { secure(client, host, tcp).await } else { Ok((Box::new(tcp), None)) }
        }
    }
}

/// Tries each address of the host; one that does not answer leaves time for the next.
async fn dial(client: &Client, host: &str, port: u16) -> Result<TcpStream> {
    let found = tokio::net::lookup_host((host, port)).await.map(Iterator::collect::<Vec<SocketAddr>>);
    let addresses = found.map_err(|error| {
        Error::new(ErrorKind::Unreachable, format!("{host} has no address: {error}")).hint(format!(
            "is the name in {} right, and does the name service of this machine know it?",
            client.words.url
        ))
    })?;
    let share = client.limits().connect / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // small requests wait for nothing
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(explain::no_connection(&last, client))
}

async fn secure(client: &Client, host: &str, tcp: TcpStream) -> Result<Opened> {
    let web = &client.web;
    let config = client.tls.get_or_try_init(|| tls::config(&web.trust, web.identity.as_ref(), &client.seen)).await?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| {
        Error::new(ErrorKind::Local, format!("{host} is no name that a certificate could have"))
            .hint(format!("write another name or the address of the server in {}", client.words.url))
    })?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, tcp).await;
    let stream = stream.map_err(|error| explain::tls(&error, client))?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let shown = shown.map(|certificate| certificate.clone().into_owned());
    Ok((Box::new(stream), shown))
}

#[cfg(unix)]
async fn unix(client: &Client, path: &std::path::Path) -> Result<Box<dyn Stream>> {
    match tokio::net::UnixStream::connect(path).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(explain::no_connection(&error, client)),
    }
}

#[cfg(not(unix))]
async fn unix(_client: &Client, _path: &std::path::Path) -> Result<Box<dyn Stream>> {
    Err(Error::new(ErrorKind::Unsupported, "this platform has no UNIX sockets").hint("use http:// or https://"))
}
