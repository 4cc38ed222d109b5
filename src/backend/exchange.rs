//! One request and its answer, whatever carries them: how long, how much, and how it can fail.

use std::time::Duration;

use crate::engine::Error;

/// How long to wait for a server and how much to take from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until a command that only reads has been answered in full.
    pub read: Duration,
    /// Until a command that writes has been answered in full.
    pub write: Duration,
    /// Largest answer, in bytes.
    pub answer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(30),
            write: Duration::from_secs(120),
            answer: 256 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// How long a request of this effect may take.
    pub fn patience(&self, effect: Effect) -> Duration {
        match effect {
            Effect::Reads => self.read,
            Effect::Writes => self.write,
            Effect::WritesMany(pieces) => self.write.saturating_mul(pieces),
        }
    }
}

/// Whether a request changes something: only one that does not may be sent a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing.
    Reads,
    /// It may change something.
    Writes,
    /// It may change so many things, one after the other: each has the time of a write.
    WritesMany(u32),
}

impl Effect {
    /// Whether it may change something.
    pub fn writes(self) -> bool {
        self != Effect::Reads
    }
}

/// A request that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Why.
    pub error: Error,
    /// The whole request had gone out, so that the server may have carried it out.
    pub sent: bool,
}

impl Broken {
    /// It never reached the server.
    pub fn unsent(error: Error) -> Self {
        Broken { error, sent: false }
    }

    /// It may have been carried out.
    pub fn sent(error: Error) -> Self {
        Broken { error, sent: true }
    }
}
