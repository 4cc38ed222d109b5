//! The newest messages of the log, kept in memory for the screen.

use std::collections::VecDeque;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::config::LogLevel;
use crate::model::Foreign;

/// So many messages are kept.
pub const KEPT: usize = 2000;

/// Characters of the longest text of a message that is kept.
const LONGEST: usize = 2000;

/// A message as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number; they are counted from 0.
    pub seq: u64,
    /// When it came.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the program that it came from.
    pub target: String,
    /// What it says, on one line, safe to show.
    pub text: String,
}

/// The newest messages; the oldest ones make room.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    messages: VecDeque<Message>,
    next: u64,
}

impl Recent {
    /// The messages from this number on, as far as they are kept.
    pub fn since(&self, seq: u64) -> Vec<Message> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = kept.messages.partition_point(|message| message.seq < seq);
        kept.messages.range(from..).cloned().collect()
    }

    fn push(&self, level: LogLevel, target: &str, text: String) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seq = kept.next;
        kept.next += 1;
        if kept.messages.len() == KEPT {
            kept.messages.pop_front();
        }
        kept.messages.push_back(Message { seq, at: Timestamp::now(), level, target: target.to_owned(), text });
    }
}

impl<S: Subscriber> Layer<S> for Recent {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let text: String = format!("{}{}", words.message, words.fields).chars().take(LONGEST).collect();
        let metadata = event.metadata();
        self.push(metadata.level().into(), metadata.target(), Foreign::cleaned(text.trim()));
    }
}

impl From<&tracing::Level> for LogLevel {
    fn from(level: &tracing::Level) -> Self {
        match *level {
            tracing::Level::ERROR => LogLevel::Error,
            tracing::Level::WARN => LogLevel::Warn,
            tracing::Level::INFO => LogLevel::Info,
            tracing::Level::DEBUG => LogLevel::Debug,
            tracing::Level::TRACE => LogLevel::Trace,
        }
    }
}

/// A message and its fields: `read server=kea-1`.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn the_newest_are_kept_clean_and_in_order() {
        let recent = Recent::default();
        let subscriber = tracing_subscriber::registry().with(recent.clone());
        tracing::subscriber::with_default(subscriber, || {
            for n in 0..KEPT {
                tracing::info!(n, "one");
            }
            tracing::error!(server = "kea\u{1b}[2J-1", "refused: {}", "a\u{202e}b\r\nc");
        });
        let all = recent.since(0);
        assert_eq!((all.len(), all[0].seq), (KEPT, 1));
        assert_eq!(all[0].text, "one n=1");
        let last = &recent.since(KEPT as u64)[..];
        assert_eq!(last.len(), 1);
        assert_eq!(last[0].level, LogLevel::Error);
        assert_eq!(last[0].text, "refused: a\\u{202e}b\\r\\nc server=kea\\u{1b}[2J-1");
        assert!(recent.since(KEPT as u64 + 1).is_empty());
    }
}
