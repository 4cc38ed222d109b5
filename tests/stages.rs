//! Something goes wrong at every boundary between two stages of a run, on real pairs: what
//! the program says of every scope is what the servers have, nothing is lost, nothing is sent
//! twice, and the next run finishes the work.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr)] // helpers of tests, and what they measure

mod common;

#[path = "stages/connection.rs"]
mod connection;
#[path = "stages/death.rs"]
mod death;
#[path = "stages/disk.rs"]
mod disk;
#[path = "stages/older.rs"]
mod older;
#[path = "stages/operators.rs"]
mod operators;
#[path = "stages/recovery.rs"]
mod recovery;
#[path = "stages/upset.rs"]
mod upset;
