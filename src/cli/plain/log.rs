//! The newest messages of our own log, in lines.

use jiff::tz::TimeZone;

use crate::config::LogLevel;
use crate::log::{Message, Recent};
use crate::show::{Line, Role};

/// So many are told: a line that is spoken takes its time.
const TOLD: usize = 20;

/// The newest messages that matter at least so much, the newest last.
pub(super) fn lines(recent: &Recent, level: LogLevel) -> Vec<Line> {
    of(&recent.since(0), level, &TimeZone::system())
}

fn of(messages: &[Message], level: LogLevel, zone: &TimeZone) -> Vec<Line> {
    let fitting: Vec<&Message> = messages.iter().filter(|message| message.level <= level).collect();
    if fitting.is_empty() {
        return vec![Line::of(0, Role::Muted, "no such message so far")];
    }
    let newest = &fitting[fitting.len().saturating_sub(TOLD)..];
    let title = format!("log: {} of {}, {} and worse", newest.len(), messages.len(), level.name());
    let line = |message: &&Message| {
        let target = message.target.strip_prefix("scopesync::").unwrap_or(&message.target);
        let role = match message.level {
            LogLevel::Error => Role::Critical,
            LogLevel::Warn => Role::Warning,
            LogLevel::Info | LogLevel::Debug | LogLevel::Trace => Role::Plain,
        };
        let time = message.at.to_zoned(zone.clone()).strftime("%H:%M:%S ").to_string();
        let line = Line::of(2, Role::Muted, time).with(role, message.level.name());
        line.with(Role::Plain, format!(" {target}: {}", message.text))
    };
    std::iter::once(Line::of(0, Role::Title, title)).chain(newest.iter().map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_level_and_worse() {
        let message = |seq: u64| {
            let level = if seq.is_multiple_of(10) { LogLevel::Warn } else { LogLevel::Debug };
            let (at, target) = (jiff::Timestamp::UNIX_EPOCH, "scopesync::jobs".into());
            Message { seq, at, level, target, text: format!("m{seq}") }
        };
        let messages: Vec<Message> = (0..100).map(message).collect();
        let text = |level| of(&messages, level, &TimeZone::UTC).iter().map(Line::text).collect::<Vec<_>>();
        let warnings = text(LogLevel::Info);
        assert_eq!((warnings.len(), &*warnings[0]), (11, "log: 10 of 100, info and worse"));
        assert_eq!((&*warnings[1], &*warnings[10]), ("  00:00:00 warn jobs: m0", "  00:00:00 warn jobs: m90"));
        let all = text(LogLevel::Debug);
        assert_eq!((all.len(), &*all[20]), (21, "  00:00:00 debug jobs: m99"));
        assert_eq!(text(LogLevel::Error), ["no such message so far"]);
    }
}
