//! Windows DHCP servers: reading both, and what has drifted between them.
#![cfg(all(unix, feature = "windows"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

use common::kdc::Kdc;
use common::pair::Side;
use common::windows::{WindowsOptions, WindowsPair};
use serde_json::json;

#[test]
fn the_pair_of_look_alikes_keeps_what_is_written_to_it() {
    let Some(pair) = WindowsPair::up(WindowsOptions::default()) else { return };
    let scopes = |side| pair.by_hand(side, "PS_DhcpServerv4Scope", "Get", json!({}));
    assert_eq!(scopes(Side::A), scopes(Side::B));
    assert_eq!(scopes(Side::A).as_array().map(Vec::len), Some(10));
}

#[test]
fn the_centre_gives_tickets_to_its_account() {
    let Some(kdc) = Kdc::up() else { return };
    let (more, environment) = kdc.for_servers();
    let options = WindowsOptions { auth: "negotiate,kerberos", more, environment, ..WindowsOptions::default() };
    let Some(pair) = WindowsPair::up(options) else { return };
    assert_eq!(pair.call_count(Side::A), 0);
}
