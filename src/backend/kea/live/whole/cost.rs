//! What replacing the configuration costs, in words.

use crate::backend::kea::live::Known;

/// What clients feel.
pub(super) fn to_service(known: &Known) -> String {
    let _ = known;
    "the target is out of service for up to one heartbeat of its failover".to_owned()
}
