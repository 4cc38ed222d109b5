//! Taking a run back: on servers in memory, on file pairs, and on running Keas.

#![cfg(feature = "kea")]
// Helpers of tests may fail as a test may.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

#[cfg(all(unix, feature = "program"))]
#[path = "undo/commands.rs"]
mod commands;
#[path = "undo/memory.rs"]
mod memory;
#[path = "undo/past.rs"]
mod past;
