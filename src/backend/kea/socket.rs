//! The UNIX control socket: one connection for each request, read until the server closes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;

pub use crate::backend::exchange::{Broken, Limits};
use crate::engine::{Error, ErrorKind};

/// What the kernel takes as the address of a UNIX socket, less the closing zero.
const LONGEST_PATH: usize = 107;

/// The control socket of one server.
#[derive(Clone, Debug)]
pub struct Socket {
    path: PathBuf,
    limits: Limits,
}

impl Socket {
    /// The socket at this path. Nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>, limits: Limits) -> Self {
        Socket { path: path.into(), limits }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is limited to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sends one request and gives the whole answer. Tries once.
    ///
    /// # Errors
    /// When no complete answer came within `patience`, with whether the request had gone out.
    pub async fn exchange(&self, request: &[u8], patience: Duration) -> Result<Bytes, Broken> {
        let length = self.path.as_os_str().len();
        if length > LONGEST_PATH {
            return Err(Broken::unsent(
                Error::new(
                    ErrorKind::Local,
                    format!(
                        "the socket path {} has {length} bytes, and a UNIX socket takes at most {LONGEST_PATH}",
                        self.path.display()
                    ),
                )
                .hint("use a shorter path, such as a symbolic link to its folder"),
            ));
        }
        self.exchange_on_platform(request, patience).await
    }

    #[cfg(not(unix))]
    pub(super) async fn listener(&self) -> Option<u32> {
        None
    }

    #[cfg(not(unix))]
    async fn exchange_on_platform(&self, _request: &[u8], _patience: Duration) -> Result<Bytes, Broken> {
        Err(Broken::unsent(
            Error::new(ErrorKind::Unsupported, "this platform has no UNIX sockets")
                .hint("run scopesync on the Kea server or on another UNIX system"),
        ))
    }
}

#[cfg(unix)]
mod unix {
    use std::io::{self, ErrorKind as Io};
    use std::time::Duration;

    use bytes::Bytes;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;
    use tokio::time::{Instant, sleep, timeout_at};

    use super::{Broken, Socket};
    use crate::engine::{Error, ErrorKind};

    /// The first piece of memory for an answer; most are smaller.
    const FIRST: usize = 8 * 1024;
    /// Never reserve more than this at once.
    const LARGEST_STEP: usize = 32 * 1024 * 1024;

    impl Socket {
        /// The number of the process that listens, where the system tells. Sends nothing.
        pub(in super::super) async fn listener(&self) -> Option<u32> {
            let stream = self.connect().await.ok()?;
            stream.peer_cred().ok()?.pid()?.try_into().ok()
        }

        pub(super) async fn exchange_on_platform(&self, request: &[u8], patience: Duration) -> Result<Bytes, Broken> {
            let mut stream = self.connect().await.map_err(Broken::unsent)?;
            let deadline = Instant::now() + patience;
            // a request that did not go out in full is never carried out
            match timeout_at(deadline, stream.write_all(request)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(Broken::unsent(broke("while the request was sent", &error))),
                Err(_) => return Err(Broken::unsent(frozen(patience, 0))),
            }
            self.receive(stream, deadline, patience).await.map_err(Broken::sent)
        }

        async fn connect(&self) -> Result<UnixStream, Error> {
            let patience = self.limits.connect;
            let deadline = Instant::now() + patience;
            loop {
                match timeout_at(deadline, UnixStream::connect(&self.path)).await {
                    Ok(Ok(stream)) => return Ok(stream),
                    // the queue of waiting connections is full
                    Ok(Err(error)) if error.kind() == Io::WouldBlock && Instant::now() < deadline => {
                        sleep(Duration::from_millis(10)).await;
                    }
                    Ok(Err(error)) if error.kind() == Io::WouldBlock => return Err(self.no_connection(patience)),
                    Ok(Err(error)) => return Err(self.refused(&error)),
                    Err(_) => return Err(self.no_connection(patience)),
                }
            }
        }

        /// Reads into one growing piece of memory, which then is the answer: nothing is copied.
        async fn receive(&self, mut stream: UnixStream, deadline: Instant, patience: Duration) -> Result<Bytes, Error> {
            let limit = self.limits.answer;
            let mut answer: Vec<u8> = Vec::with_capacity(FIRST);
            loop {
                if answer.len() == answer.capacity() {
                    let more = answer.capacity().min(LARGEST_STEP);
                    answer.try_reserve_exact(more).map_err(|_| {
                        Error::new(ErrorKind::Local, format!("no memory for an answer over {} bytes", answer.len()))
                    })?;
                }
                match timeout_at(deadline, stream.read_buf(&mut answer)).await {
                    Ok(Ok(0)) if answer.is_empty() => {
                        return Err(Error::new(
                            ErrorKind::Garbled,
                            "the server closed the connection without an answer",
                        )
                        .hint("see its log: it may have stopped"));
                    }
                    Ok(Ok(0)) => return Ok(Bytes::from(answer)),
                    Ok(Ok(_)) if answer.len() > limit => {
                        return Err(Error::new(
                            ErrorKind::TooLarge,
                            format!("the answer is larger than the limit of {limit} bytes"),
                        )
                        .hint("raise max_answer of this server in the configuration, if that is right"));
                    }
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return Err(broke("while the answer was read", &error)),
                    Err(_) => return Err(frozen(patience, answer.len())),
                }
            }
        }

        fn no_connection(&self, patience: Duration) -> Error {
            Error::new(ErrorKind::TimedOut, format!("no connection to {} within {patience:?}", self.path.display()))
                .hint("the server takes no connections: it may be frozen or overloaded")
        }

        fn refused(&self, error: &io::Error) -> Error {
            let path = self.path.display();
            let (what, hint) = match error.kind() {
                Io::NotFound => (
                    format!("there is no control socket at {path}"),
                    "is kea-dhcp4 running, and does its control-socket name this path?",
                ),
                Io::PermissionDenied => (
                    format!("no permission to open the control socket {path}"),
                    "run as root or as a member of the group that owns the socket and its folder (on Debian: _kea)",
                ),
                Io::ConnectionRefused => (
                    format!("nobody listens on the control socket {path}"),
                    "kea-dhcp4 is not running: the socket was left behind",
                ),
                _ => (format!("no connection to {path}: {error}"), "is it the control socket of kea-dhcp4?"),
            };
            Error::new(ErrorKind::Unreachable, what).hint(hint)
        }
    }

    fn broke(when: &str, error: &io::Error) -> Error {
        Error::new(ErrorKind::Unreachable, format!("the connection broke {when}: {error}"))
            .hint("see the server's log: it may have stopped")
    }

    fn frozen(patience: Duration, came: usize) -> Error {
        let what = match came {
            0 => format!("no answer within {patience:?}"),
            came => format!("no complete answer within {patience:?}: {came} bytes came"),
        };
        Error::new(ErrorKind::TimedOut, what)
            .hint("the server is frozen or busy; longer time-outs can be given in the configuration")
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::backend::kea::fake::{Fake, Play};

    fn impatient(answer: usize) -> Limits {
        let short = Duration::from_millis(150);
        Limits { connect: short, read: short, write: short, answer }
    }

    async fn exchange(play: Play, answer: usize) -> Result<Bytes, Broken> {
        let fake = Fake::play(play);
        let limits = impatient(answer);
        Socket::new(fake.path(), limits).exchange(b"{\"command\": \"x\"}", limits.read).await
    }

    #[tokio::test]
    async fn a_large_answer_arrives_whole() {
        let long = vec![b'x'; 3_000_000];
        let answer = exchange(Play::Answer(long.clone()), 3_000_000).await.unwrap();
        assert_eq!(answer, long);
    }

    #[tokio::test]
    async fn an_answer_over_the_limit_is_given_up() {
        let broken = exchange(Play::Answer(vec![b'x'; 3_000_000]), 2_999_999).await.unwrap_err();
        assert_eq!((broken.error.kind, broken.sent), (ErrorKind::TooLarge, true));
        let broken = exchange(Play::Endless, 1_000_000).await.unwrap_err();
        assert_eq!((broken.error.kind, broken.sent), (ErrorKind::TooLarge, true));
    }

    #[tokio::test]
    async fn a_silent_server_times_out() {
        let broken = exchange(Play::Silent, 1000).await.unwrap_err();
        assert_eq!((broken.error.kind, broken.sent), (ErrorKind::TimedOut, true));
        assert_eq!(broken.error.what, "no answer within 150ms");
        let broken = exchange(Play::Trickle, 1000).await.unwrap_err();
        assert_eq!((broken.error.kind, broken.sent), (ErrorKind::TimedOut, true));
        assert!(broken.error.what.contains("bytes came"), "{}", broken.error.what);
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_has_not_answered() {
        let broken = exchange(Play::HangUp, 1000).await.unwrap_err();
        assert!(matches!(broken.error.kind, ErrorKind::Garbled | ErrorKind::Unreachable), "{broken:?}");
    }

    #[tokio::test]
    async fn what_is_wrong_with_the_socket_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let try_path = async |path: PathBuf| {
            let socket = Socket::new(path, impatient(1000));
            socket.exchange(b"{}", Duration::from_secs(1)).await.unwrap_err()
        };
        let missing = try_path(folder.path().join("none")).await;
        assert_eq!((missing.error.kind, missing.sent), (ErrorKind::Unreachable, false));
        assert!(missing.error.what.contains("there is no control socket at"), "{}", missing.error.what);
        let stale = folder.path().join("stale");
        drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
        let stale = try_path(stale).await;
        assert!(stale.error.what.contains("nobody listens"), "{}", stale.error.what);
        let long = try_path(folder.path().join("x".repeat(108))).await;
        assert_eq!(long.error.kind, ErrorKind::Local);
        assert!(long.error.what.contains("at most 107"), "{}", long.error.what);
    }

    #[tokio::test]
    async fn a_full_queue_of_connections_times_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full");
        let deaf = tokio::net::UnixSocket::new_stream().unwrap();
        deaf.bind(&path).unwrap();
        let _deaf = deaf.listen(1).unwrap();
        let mut held = Vec::new();
        while let Ok(stream) = tokio::net::UnixStream::connect(&path).await {
            held.push(stream);
        }
        let limits = impatient(1000);
        let broken = Socket::new(&path, limits).exchange(b"{}", limits.read).await.unwrap_err();
        assert_eq!(broken.error.kind, ErrorKind::TimedOut, "{broken:?}");
        assert!(!broken.sent);
    }
}
