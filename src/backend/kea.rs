//! ISC Kea: live servers over the control channel, and configuration files.

pub mod command;
pub mod config;
pub mod dialect;
#[cfg(test)]
#[cfg(unix)]
pub(crate) mod fake;
pub mod file;
pub mod file_server;
pub mod http;
pub mod live;
pub mod packed;
pub mod socket;
pub mod subnet;
pub mod transport;
