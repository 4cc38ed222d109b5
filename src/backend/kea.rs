//! ISC Kea: live servers over the control channel, and configuration files.

pub mod dialect;
pub mod file;
