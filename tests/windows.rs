//! Windows DHCP servers: reading both, and what has drifted between them.
#![cfg(all(unix, feature = "windows"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

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
