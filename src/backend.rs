//! The families of DHCP servers behind [`crate::engine::port`].

#[cfg(feature = "program")]
pub mod connect;
#[cfg(feature = "web")]
pub mod exchange;
#[cfg(feature = "web")]
pub mod http;
#[cfg(feature = "kea")]
pub mod kea;
pub mod web;
pub mod windows;
