//! Windows DHCP servers: the `PS_DhcpServerv4*` methods of `root/Microsoft/Windows/DHCP`, called
//! over WS-Management (WinRM).
//!
//! From the wire up: `auth` proves who we are and seals what is said, `connection` and `pool` own the
//! authenticated connections ([`wire`]), `wsman` speaks SOAP over them, `cim` has the typed methods, and
//! `server` with what is below it turns what they tell into the engine's words.

pub mod access;
#[cfg(feature = "windows")]
mod auth;
#[cfg(feature = "windows")]
mod charset;
#[cfg(feature = "windows")]
pub mod cim;
#[cfg(feature = "windows")]
mod connection;
#[cfg(feature = "windows")]
mod context;
#[cfg(feature = "windows")]
mod examine;
#[cfg(feature = "windows")]
mod explain;
#[cfg(feature = "windows")]
mod measured;
#[cfg(feature = "windows")]
pub mod pool;
#[cfg(feature = "windows")]
mod read;
#[cfg(feature = "windows")]
mod relationship;
#[cfg(feature = "windows")]
mod replicator;
#[cfg(feature = "windows")]
mod scope;
#[cfg(feature = "windows")]
mod sealed;
#[cfg(feature = "windows")]
pub mod server;
#[cfg(feature = "windows")]
pub mod verify;
#[cfg(feature = "windows")]
pub mod wire;
#[cfg(feature = "windows")]
mod writer;
#[cfg(feature = "windows")]
pub mod wsman;
