//! The shared replication engine.
//!
//! A front end asks the engine; the engine never asks a front end except
//! through [`approval`]. The way of a replication:
//!
//! ```text
//! port::Server::read -> survey -> drift + prerequisites -> select -> plan -> approval -> run -> outcomes
//! ```

pub mod approval;
pub mod check;
pub mod compare;
mod crossed;
pub mod drift;
pub mod error;
pub mod fingerprint;
pub mod fleet;
pub mod gate;
pub mod ignore;
pub mod membership;
pub mod outcome;
pub mod plan;
pub mod port;
pub mod prerequisites;
pub mod progress;
pub mod recovery;
pub mod report;
pub mod reset;
pub mod run;
pub mod select;
pub mod shrink;
pub mod survey;
pub mod threads;
pub mod trouble;
pub mod undo;
pub mod verification;

pub use error::{Error, ErrorKind, Result};
