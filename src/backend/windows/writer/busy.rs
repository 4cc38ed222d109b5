//! Waiting where a server replicates a scope for somebody else (DHCP 20133).

use std::time::Duration;

use crate::engine::Error;
use crate::engine::port::Control;
use crate::engine::progress::Waiting;
use crate::model::ServerName;

/// For so long another replication of a scope is waited for.
const OTHER_REPLICATION: Duration = Duration::from_secs(5);

/// Whether it waited to the end; there is no way to ask whether the other one is done.
pub(super) async fn wait(busy: &Error, server: &ServerName, ctl: &Control) -> bool {
    tracing::info!("waiting before asking once more: {busy}");
    let for_what = format!("waiting for another replication of the scope by {server}");
    let waiting = Waiting { for_what, expected: Some(OTHER_REPLICATION), run: None };
    ctl.progress.update(|status| status.waiting = Some(waiting));
    let waited = tokio::select! {
        () = tokio::time::sleep(OTHER_REPLICATION) => true,
        () = ctl.soft.cancelled() => false,
        () = ctl.hard.cancelled() => false,
    };
    ctl.progress.update(|status| status.waiting = None);
    waited
}
