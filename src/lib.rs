//! scopesync: see how the scopes of DHCP failover partners have drifted,
//! preview a replication, confirm it, and replicate.
//!
//! ```text
//! terminal, signals -> Event -> keymap -> Action -> update(AppState) -> Effect -> jobs -> engine -> backend
//!                         ^                              |                          |
//!                         |                              v                          v
//!                         |                     draw, only when dirty        progress events
//!                         +---------------- bounded channel, coalesced -----------+
//! ```
//!
//! * [`model`]: values only; no screen, no file format, no vendor.
//! * [`engine`]: servers in, drift and plans out; runs a plan that was approved.
//! * [`backend`]: the families of DHCP servers behind [`engine::port`].
//! * [`secret`]: passwords, and where they come from.
//! * `config`, `cli`: configuration and the command line.
//! * `detached`: runs that outlive the program that they were asked of.
//! * `app`, `ui`, `terminal`, `jobs`, `runtime`: the interactive program.

#[cfg(feature = "program")]
pub mod app;
pub mod backend;
#[cfg(feature = "program")]
pub mod cli;
#[cfg(feature = "program")]
pub mod config;
#[cfg(feature = "program")]
pub mod demo;
#[cfg(feature = "program")]
pub mod detached;
pub mod engine;
#[cfg(any(feature = "program", feature = "kea"))]
mod files;
#[cfg(feature = "program")]
pub mod history;
#[cfg(feature = "program")]
pub mod jobs;
#[cfg(feature = "program")]
pub mod log;
pub mod model;
#[cfg(feature = "program")]
pub mod runtime;
pub mod secret;
#[cfg(feature = "program")]
pub mod show;
#[cfg(feature = "program")]
pub mod signals;
#[cfg(feature = "program")]
pub mod state;
#[cfg(feature = "program")]
pub mod terminal;
#[cfg(feature = "program")]
pub mod ui;
