//! ISC Kea: live servers over the control channel, and configuration files.

pub mod config;
pub mod dialect;
pub mod file;
pub mod subnet;
