//! The newest messages of our own log on the screen.

use std::time::{Duration, Instant};

use super::filter::Filter;
use super::list::Scroll;
use crate::config::LogLevel;
use crate::log::{Message, RECENT};

/// While it is looked at, new messages are asked for so often.
pub const PACE: Duration = Duration::from_secs(1);

/// The log as it is looked at. While the cursor is on the newest message it follows.
pub struct LogView {
    /// The messages, oldest first.
    messages: Vec<Message>,
    /// Those of them that level and filter leave, by place.
    shown: Vec<usize>,
    /// The least important kind that is shown.
    pub level: LogLevel,
    /// What messages are filtered by, as it was typed.
    pub filter: String,
    /// The cursor, among those that are shown.
    pub scroll: Scroll,
    /// When more was asked for.
    pub asked: Option<Instant>,
}

impl Default for LogView {
    fn default() -> Self {
        let (messages, shown, filter) = (Vec::new(), Vec::new(), String::new());
        LogView { messages, shown, level: LogLevel::Info, filter, scroll: Scroll::default(), asked: None }
    }
}

impl LogView {
    /// The number of the next message.
    pub fn next(&self) -> u64 {
        self.messages.last().map_or(0, |last| last.seq + 1)
    }

    /// How many are shown.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// How many there are of any level.
    pub fn all(&self) -> usize {
        self.messages.len()
    }

    /// One of those that are shown.
    pub fn get(&self, at: usize) -> Option<&Message> {
        self.messages.get(*self.shown.get(at)?)
    }

    /// Those that are shown, oldest first.
    pub fn shown(&self) -> impl Iterator<Item = &Message> {
        self.shown.iter().filter_map(|at| self.messages.get(*at))
    }

    /// The highlighted one.
    pub fn current(&self) -> Option<&Message> {
        self.get(self.scroll.position(self.len()))
    }

    /// Whether the cursor goes along with new messages.
    pub fn follows(&self) -> bool {
        self.scroll.cursor + 1 >= self.len()
    }

    /// Takes new messages.
    pub fn take(&mut self, messages: Vec<Message>) {
        if messages.is_empty() {
            return;
        }
        let (next, follows, seq) = (self.next(), self.follows(), self.looked_at());
        self.messages.extend(messages.into_iter().filter(|message| message.seq >= next));
        let oldest = self.messages.len().saturating_sub(RECENT);
        self.messages.drain(..oldest);
        self.list(seq);
        if follows {
            self.scroll.cursor = self.len().saturating_sub(1);
        }
    }

    /// Shows what matters at least so much. The cursor stays on its message, or near it.
    pub fn choose(&mut self, level: LogLevel) {
        self.level = level;
        self.list(self.looked_at());
    }

    /// Changes the filter. The cursor stays on its message, or near it.
    pub fn change_filter(&mut self, change: impl FnOnce(&mut String)) {
        let (seq, follows) = (self.looked_at(), self.follows());
        change(&mut self.filter);
        self.list(seq);
        if follows {
            self.scroll.cursor = self.len().saturating_sub(1);
        }
    }

    fn looked_at(&self) -> u64 {
        self.current().map_or(0, |message| message.seq)
    }

    /// Lists anew what level and filter leave, with the cursor on this message or the one before it.
    fn list(&mut self, seq: u64) {
        let (level, filter) = (self.level, Filter::messages(&self.filter));
        let fits = |message: &Message| message.level <= level && filter.message(message);
        let places = self.messages.iter().enumerate().filter(|(_, message)| fits(message));
        self.shown = places.map(|(at, _)| at).collect();
        self.scroll.cursor = self.shown().take_while(|message| message.seq <= seq).count().saturating_sub(1);
    }

    /// Moves the cursor.
    pub fn step(&mut self, by: isize) {
        self.scroll.step(by, self.shown.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: u64, level: LogLevel) -> Message {
        Message { seq, at: jiff::Timestamp::UNIX_EPOCH, level, target: "scopesync".into(), text: format!("m{seq}") }
    }

    fn current(view: &LogView) -> u64 {
        view.current().unwrap().seq
    }

    #[test]
    fn it_follows_until_the_cursor_leaves_the_end_and_stays_on_its_message() {
        let mut view = LogView::default();
        let level = |n: u64| if n.is_multiple_of(10) { LogLevel::Warn } else { LogLevel::Info };
        view.take((0..100).map(|n| message(n, level(n))).collect());
        assert_eq!((view.next(), current(&view), view.follows()), (100, 99, true));
        view.step(-9);
        view.take(vec![message(99, LogLevel::Info), message(100, LogLevel::Debug), message(101, LogLevel::Info)]);
        assert_eq!((current(&view), view.len(), view.all()), (90, 101, 102), "nothing twice, and no debug");
        view.choose(LogLevel::Warn);
        assert_eq!((current(&view), view.len()), (90, 10));
        view.choose(LogLevel::Debug);
        assert_eq!(current(&view), 90);
        view.change_filter(|filter| filter.push_str("m9 -m99"));
        assert_eq!((current(&view), view.len()), (90, 10), "counts are those of the filter");
        view.change_filter(String::clear);
        view.step(isize::MAX / 2);
        view.take((102..3000).map(|n| message(n, LogLevel::Info)).collect());
        assert_eq!((view.all(), current(&view)), (RECENT, 2999));
        view.step(-9);
        view.take((3000..3500).map(|n| message(n, LogLevel::Info)).collect());
        assert_eq!((view.all(), current(&view)), (RECENT, 2990), "old ones make room, the cursor stays");
    }
}
