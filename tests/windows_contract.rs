//! What is promised of every replication between Windows servers, by either writer: what the program says
//! of a scope is what the target has then, whatever the servers do of what Microsoft has not published,
//! whatever is lost on the way, and whoever else is at work; and there is a way back.
//!
//! The servers are look-alikes of other making, and are asked afterwards what they have.
#![cfg(all(unix, feature = "windows", feature = "program"))]
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests

mod common;

#[path = "windows_contract/death.rs"]
mod death;
#[path = "windows_contract/kinds.rs"]
mod kinds;
#[path = "windows_contract/lab.rs"]
mod lab;
#[path = "windows_contract/operators.rs"]
mod operators;
#[path = "windows_contract/picked.rs"]
mod picked;
#[path = "windows_contract/switches.rs"]
mod switches;
#[path = "windows_contract/trouble.rs"]
mod trouble;
