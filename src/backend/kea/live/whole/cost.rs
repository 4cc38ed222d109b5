//! What replacing the configuration costs, in words, and how long to wait for its end.

use std::time::Duration;

use crate::backend::kea::live::Known;
use crate::engine::trouble::seconds;
use crate::model::{Membership, Mode, Role};

/// So many bytes of configuration Kea was seen to load in a second (2.2 and 3.0, one core).
const BYTES_A_SECOND: usize = 1_600_000;

/// What clients feel, and how long the end of it is waited for. `grace` is what is added to that.
pub(super) fn to_service(known: &Known, grace: Duration) -> String {
    let said: Vec<String> = known.memberships.iter().map(|one| waiting(one, known.memberships.len() > 1)).collect();
    let load = load(known.text.len());
    let loading = match load.as_secs() {
        0 => String::new(),
        n => format!("; to this come about {n} s in which the target loads {} scopes", known.scopes.len()),
    };
    let longest = known.memberships.iter().map(|one| one.timing.response_limit).max().unwrap_or_default();
    format!(
        "the target leaves service and comes back: {}{loading}; should its partner fail meanwhile, nobody is served for \
         {}. Its return is waited for, at most {}",
        said.join("; "),
        seconds(longest),
        seconds(limit(known, Duration::ZERO) + grace)
    )
}

/// Who waits, and how long: the target serves again when it has heard of its partner.
fn waiting(membership: &Membership, several: bool) -> String {
    let heartbeat = seconds(membership.timing.heartbeat);
    let who = match (&membership.mode, role(membership)) {
        (Mode::HotStandby, Some(Role::Standby)) => "no client waits, for its partner serves them".to_owned(),
        (Mode::HotStandby, _) => format!("all clients wait, for up to {heartbeat} (one heartbeat)"),
        _ => format!("half of the clients wait, for up to {heartbeat} (one heartbeat)"),
    };
    if several { format!("{}: {who}", membership.key()) } else { who }
}

fn role(membership: &Membership) -> Option<&Role> {
    membership.peers.iter().find(|peer| peer.name == membership.this_server).map(|peer| &peer.role)
}

/// How long it takes to load a configuration of so many bytes.
fn load(bytes: usize) -> Duration {
    Duration::from_secs((bytes / BYTES_A_SECOND) as u64)
}

/// How long the target may take to be back: three heartbeats and the fetching of leases in
/// its slowest relationship, one heartbeat more for each other one, the time after which a
/// silent partner is given up, and twice what loading took.
pub(super) fn limit(known: &Known, loading: Duration) -> Duration {
    let of = |one: &Membership| 3 * one.timing.heartbeat + one.timing.response_limit + one.timing.sync_limit;
    let slowest = known.memberships.iter().map(of).max().unwrap_or_default();
    let others = known.memberships.iter().skip(1).map(|one| one.timing.heartbeat).sum::<Duration>();
    slowest + others + 2 * loading.max(load(known.text.len()))
}
