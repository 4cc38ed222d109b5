//! Which keys may confirm: only those typed after the question could be read.

use std::time::{Duration, Instant};

/// So long a question has to be on the screen before an answer counts.
pub const READING_TIME: Duration = Duration::from_millis(300);

/// So long after an answer the next one does not count: longer than it takes until a key
/// that is held down begins to repeat on common terminals.
const HELD_KEY: Duration = Duration::from_millis(700);

/// A key that follows another one faster than this was not typed.
const BURST: Duration = Duration::from_millis(15);

/// Whether a key came too fast after the last one to have been typed.
pub fn is_burst(now: Instant, last_key: Option<Instant>) -> bool {
    last_key.is_some_and(|last| now.duration_since(last) < BURST)
}

/// The state of one question.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gate {
    drawn: Option<Instant>,
    quiet_since: Option<Instant>,
    answered: Option<Instant>,
    open: bool,
}

impl Gate {
    /// The question is on the screen.
    pub fn drawn(&mut self, at: Instant) {
        self.drawn.get_or_insert(at);
    }

    /// The question is covered, or is another one.
    pub fn close(&mut self) {
        *self = Gate { answered: self.answered, ..Gate::default() };
    }

    /// The question was answered; the next one follows.
    pub fn answered(&mut self, at: Instant) {
        self.close();
        self.answered = Some(at);
    }

    /// A key came that does not just move about: while the gate is closed it stays so for
    /// as long again, so that a key that is held down never gets through.
    pub fn disturbed(&mut self, at: Instant) {
        self.open = false;
        self.quiet_since = Some(at);
    }

    /// When it would open if nothing more was typed.
    pub fn opens_at(&self) -> Option<Instant> {
        let from = self.drawn?.max(self.quiet_since.unwrap_or(self.drawn?));
        (!self.open).then(|| from + READING_TIME)
    }

    /// Everything typed so far was handled: opens if the time has come.
    pub fn tick(&mut self, now: Instant) {
        if self.opens_at().is_some_and(|at| now >= at) {
            self.open = true;
        }
    }

    /// Whether an answer counts, as far as is shown.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether an answer typed now counts, after another key at `last_key`.
    pub fn lets_through(&self, now: Instant, last_key: Option<Instant>) -> bool {
        self.open
            && !is_burst(now, last_key)
            && self.answered.is_none_or(|answered| now.duration_since(answered) >= HELD_KEY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn opens_after_the_reading_time_and_only_when_everything_typed_was_handled() {
        let start = Instant::now();
        let mut gate = Gate::default();
        gate.tick(start + ms(1000));
        assert!(!gate.is_open(), "not drawn yet");
        gate.drawn(start);
        gate.tick(start + ms(299));
        assert!(!gate.is_open());
        assert!(!gate.lets_through(start + ms(900), None), "typed before, handled late");
        gate.tick(start + ms(300));
        assert!(gate.lets_through(start + ms(300), None));
        assert!(!gate.lets_through(start + ms(310), Some(start + ms(305))), "pasted");
    }

    #[test]
    fn a_key_that_is_held_down_never_gets_through() {
        let start = Instant::now();
        for delay in [50, 250, 500, 660] {
            let mut gate = Gate::default();
            gate.answered(start);
            gate.drawn(start + ms(10));
            let mut last = start;
            for repeat in 0..100 {
                let now = start + ms(delay + repeat * 40);
                gate.tick(now);
                assert!(!gate.lets_through(now, Some(last)), "after {delay} ms, repeat {repeat}");
                gate.disturbed(now);
                last = now;
            }
        }
    }
}
