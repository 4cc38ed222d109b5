//! One connection: requests one after the other, and how far each of them came.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::client::conn::http1::{self, Builder, SendRequest};
use hyper::header::HeaderMap;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout_at};

use super::Reply;
use super::connect::Stream;
use super::explain::rustls_error;
use crate::backend::exchange::Effect;

/// More header fields than any server needs.
const MOST_HEADERS: usize = 100;
/// Bytes of all header fields together.
const LARGEST_HEADER: usize = 64 * 1024;
/// The largest piece of memory that is reserved on a server's mere word.
const LARGEST_STEP: usize = 32 * 1024 * 1024;
/// The first byte of a TLS alert.
const TLS_ALERT: u8 = 0x15;

type Driver = http1::Connection<TokioIo<Counted>, Full<Bytes>>;

pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes; `None` once it has ended.
    driver: Option<Pin<Box<Driver>>>,
    wire: Arc<Wire>,
    last_used: Instant,
}

/// Why there is no answer, and how far the exchange came.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    /// Bytes of the answer's body that came.
    pub(super) came: usize,
    /// Something of an answer came.
    pub(super) answered: bool,
    /// What came first was TLS.
    pub(super) was_tls: bool,
    /// The whole request may have gone out. A part of one is never carried out.
    pub(super) sent: bool,
    /// Not a byte of the request went out.
    untouched: bool,
}

#[derive(Debug)]
pub(super) enum Cause {
    TimedOut,
    TooLarge,
    NoMemory,
    Broke(hyper::Error),
}

impl Failure {
    /// On a connection that had been kept: whether the request may be sent on another one.
    pub(super) fn may_try_again(&self, effect: Effect) -> bool {
        matches!(self.cause, Cause::Broke(_)) && !self.answered && (self.untouched || effect == Effect::Reads)
    }

    /// The server looked at the certificate that it was shown and ended the handshake: it
    /// cannot have read a request. In TLS 1.3 that is heard only afterwards.
    pub(super) fn is_refused_certificate(&self) -> bool {
        use rustls::AlertDescription as Alert;
        let Cause::Broke(error) = &self.cause else { return false };
        let Some(rustls::Error::AlertReceived(alert)) = rustls_error(error) else { return false };
        let of_handshake = [
            Alert::HandshakeFailure,
            Alert::NoCertificate,
            Alert::BadCertificate,
            Alert::UnsupportedCertificate,
            Alert::CertificateRevoked,
            Alert::CertificateExpired,
            Alert::CertificateUnknown,
            Alert::UnknownCA,
            Alert::AccessDenied,
            Alert::CertificateRequired,
            Alert::DecryptError,
        ];
        !self.answered && of_handshake.contains(alert)
    }
}

impl Connection {
    pub(super) async fn over(stream: Box<dyn Stream>) -> hyper::Result<Self> {
        let wire = Arc::new(Wire::default());
        let io = TokioIo::new(Counted { stream, wire: wire.clone() });
        let mut builder = Builder::new();
        builder.max_headers(MOST_HEADERS).max_header_size(LARGEST_HEADER);
        let (sender, driver) = builder.handshake(io).await?;
        Ok(Connection { sender, driver: Some(Box::pin(driver)), wire, last_used: Instant::now() })
    }

    /// Whether the server has left it open, as far as can be seen from here.
    pub(super) fn is_open(&mut self) -> bool {
        self.drive(std::future::pending::<()>()).now_or_never();
        self.driver.is_some() && self.sender.is_ready()
    }

    pub(super) fn idle(&self) -> Duration {
        self.last_used.elapsed()
    }

    /// Sends one request with a body of `length` bytes and reads its answer of at most `limit` bytes.
    /// After a failure the connection is of no more use.
    pub(super) async fn exchange(
        &mut self,
        request: hyper::Request<Full<Bytes>>,
        length: usize,
        limit: usize,
        deadline: Instant,
    ) -> Result<Reply, Failure> {
        let (written, read) = self.wire.moved();
        let mut body = Vec::new();
        let outcome = timeout_at(deadline, self.both_ways(request, limit, &mut body)).await;
        self.last_used = Instant::now();
        let (now_written, now_read) = self.wire.moved();
        match outcome.unwrap_or(Err(Cause::TimedOut)) {
            Ok((status, headers)) => Ok(Reply { status, headers, body: body.into() }),
            Err(cause) => Err(Failure {
                cause,
                came: body.len(),
                answered: now_read > read,
                was_tls: self.wire.first.load(Ordering::Relaxed) == TLS_ALERT,
                // its header goes before its body: so many bytes cannot be all of it
                sent: now_written - written > length as u64,
                untouched: now_written == written,
            }),
        }
    }

    async fn both_ways(
        &mut self,
        request: hyper::Request<Full<Bytes>>,
        limit: usize,
        body: &mut Vec<u8>,
    ) -> Result<(u16, HeaderMap), Cause> {
        let sending = self.sender.send_request(request);
        let (head, mut incoming) = self.drive(sending).await.map_err(Cause::Broke)?.into_parts();
        // a length that the server only says is not believed beyond a step
        let said = usize::try_from(incoming.size_hint().lower()).unwrap_or(usize::MAX);
        reserve(body, said.min(limit).min(LARGEST_STEP))?;
        while let Some(frame) = self.drive(incoming.frame()).await {
            let Ok(piece) = frame.map_err(Cause::Broke)?.into_data() else { continue };
            if piece.len() > limit - body.len() {
                return Err(Cause::TooLarge);
            }
            if piece.len() > body.capacity() - body.len() {
                reserve(body, body.capacity().clamp(piece.len(), LARGEST_STEP.max(piece.len())))?;
            }
            body.extend_from_slice(&piece);
        }
        Ok((head.status.as_u16(), head.headers))
    }

    /// Waits for something while the bytes move. Nothing moves at any other time, so that a
    /// request that was given up is not sent on.
    async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            match &mut self.driver {
                Some(driver) => match driver.as_mut().poll(context) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(_) => {
                        // why it ended is told to the work
                        self.driver = None;
                        work.as_mut().poll(context)
                    }
                },
                None => Poll::Pending,
            }
        })
        .await
    }
}

fn reserve(body: &mut Vec<u8>, more: usize) -> Result<(), Cause> {
    body.try_reserve_exact(more).map_err(|_| Cause::NoMemory)
}

/// What went over a connection so far.
#[derive(Debug, Default)]
struct Wire {
    written: AtomicU64,
    read: AtomicU64,
    /// The first byte that came.
    first: AtomicU8,
}

impl Wire {
    /// Bytes written and read.
    fn moved(&self) -> (u64, u64) {
        (self.written.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }
}

/// A stream whose bytes are counted.
struct Counted {
    stream: Box<dyn Stream>,
    wire: Arc<Wire>,
}

impl Counted {
    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = result {
            self.wire.written.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        result
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Some(first) = buf.filled().get(before) {
            let bytes = (buf.filled().len() - before) as u64;
            if self.wire.read.fetch_add(bytes, Ordering::Relaxed) == 0 {
                self.wire.first.store(*first, Ordering::Relaxed);
            }
        }
        result
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
