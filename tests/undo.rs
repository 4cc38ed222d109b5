//! Taking a run back: on servers in memory, on file pairs, and on running Keas.

// Helpers of tests may fail as a test may.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

#[path = "undo/memory.rs"]
mod memory;
#[path = "undo/past.rs"]
mod past;
