//! A wire that remembers how large the answers were.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::wire::{Answer, Wire};
use crate::backend::exchange::{Broken, Effect};

/// A wire that remembers how large the answers were.
pub(super) struct Measured {
    wire: Arc<dyn Wire>,
    largest: AtomicUsize,
}

impl Measured {
    pub(super) fn new(wire: Arc<dyn Wire>) -> Self {
        Measured { wire, largest: AtomicUsize::new(0) }
    }

    /// Bytes of the largest answer so far, as UTF-8.
    pub(super) fn largest(&self) -> usize {
        self.largest.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Wire for Measured {
    async fn exchange(&self, envelope: &str, effect: Effect) -> Result<Answer, Broken> {
        let answer = self.wire.exchange(envelope, effect).await?;
        self.largest.fetch_max(answer.text.len(), Ordering::Relaxed);
        Ok(answer)
    }

    fn scheme_used(&self) -> Option<String> {
        self.wire.scheme_used()
    }
}
