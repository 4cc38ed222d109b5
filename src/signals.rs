//! Signals to a program without a screen.

/// The signals that ask for an end. From here on they do not end the program by themselves:
/// it would leave a scope half written.
#[cfg(unix)]
pub struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    pub fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Signals(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        let all = self.0.iter_mut().map(|signal| Box::pin(signal.recv()));
        if all.len() == 0 {
            return std::future::pending().await;
        }
        futures_util::future::select_all(all).await;
    }
}

/// The signals that ask for an end.
#[cfg(not(unix))]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Listens from now on.
    pub fn listen() -> Self {
        Signals
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
