//! The log on the screen: opening it, following it, choosing the level.

use super::super::action::Action;
use super::super::effect::Effect;
use super::super::log::{LogView, PACE};
use super::super::state::{AppState, Moment, Tone};
use crate::config::LogLevel;

/// The levels that can be chosen, the most important first.
const LEVELS: [LogLevel; 4] = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug];

/// Opens the log or closes it, or shows more or less of it.
pub(super) fn act(state: &mut AppState, action: Action) -> Vec<Effect> {
    match (action, &mut state.log) {
        (Action::Log, log @ None) => {
            *log = Some(LogView::default());
            return vec![Effect::ReadLog(0)];
        }
        (Action::LogMore | Action::LogLess, Some(log)) => {
            let by = if action == Action::LogMore { 1 } else { -1 };
            if let Some(level) = beside(log.level, by) {
                log.choose(level);
                state.say(Tone::Plain, format!("the log: {}", words(level)));
            }
        }
        (Action::Back, Some(log)) if !log.filter.is_empty() => log.change_filter(String::clear),
        _ => state.log = None,
    }
    Vec::new()
}

/// Asks for new messages when it is time to.
pub(super) fn poll(state: &mut AppState, now: Moment) -> Option<Effect> {
    let log = state.log.as_mut()?;
    if log.asked.is_some_and(|asked| now.at < asked + PACE) {
        return None;
    }
    log.asked = Some(now.at);
    Some(Effect::ReadLog(log.next()))
}

/// Whether the level can be changed so; `Err` tells why not.
pub(in crate::app) fn can(state: &AppState, action: Action) -> Result<(), String> {
    let by = if action == Action::LogMore { 1 } else { -1 };
    let Some(log) = &state.log else { return Err("the log is not open".into()) };
    beside(log.level, by).map(drop).ok_or_else(|| format!("the log shows {} already", words(log.level)))
}

fn beside(level: LogLevel, by: isize) -> Option<LogLevel> {
    let at = LEVELS.iter().position(|other| *other == level)?;
    LEVELS.get(at.checked_add_signed(by)?).copied()
}

/// What a level leaves, in words.
pub(in crate::app) fn words(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "errors alone",
        LogLevel::Warn => "warnings and errors",
        LogLevel::Info => "information, warnings and errors",
        LogLevel::Debug | LogLevel::Trace => "everything",
    }
}
