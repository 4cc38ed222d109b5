//! What several behaviour tests share: real Kea pairs, look-alikes of Windows servers, traffic, and the program itself.
// No test file uses all of it; and a helper of a test may fail as a test may.
#![allow(dead_code, unused_imports, clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

pub mod bench;
#[cfg(unix)]
pub mod disk;
pub mod expected;
pub mod fake;
#[cfg(unix)]
pub mod faults;
pub mod kdc;
#[cfg(all(feature = "kea", feature = "program"))]
pub mod library;
pub mod pair;
pub mod program;
#[cfg(unix)]
pub mod proxy;
pub mod report;
pub mod screen;
#[cfg(unix)]
pub mod terminal;
pub mod traffic;
#[cfg(feature = "web")]
pub mod web;
pub mod windows;
#[cfg(unix)]
pub mod windows_bench;
pub mod windows_expected;
