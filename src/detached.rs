//! Jobs: runs that outlive the program that they were asked of.
//!
//! What the operator has seen and approved goes through a pipe to a process of this same
//! program, which reads the servers and makes the plan anew, and writes only what it finds to be
//! what was approved. How it goes stands in the history, for whoever asks.
//!
//! ```text
//! plan, approvals -> Origin::start -> pipe -> carry_out: read, plan, compare, run
//!                                                 |  ^
//!                        history: progress, report v  | asked to end
//!                                    scopesync jobs, the interactive program
//! ```

mod carry_out;
mod conduct;
mod origin;
mod process;
mod report;
mod request;

pub use carry_out::carry_out;
pub use origin::{Order, Origin};
pub use process::COMMAND;
pub use report::JobReport;
