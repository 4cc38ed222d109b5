//! The newest messages of our own log.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, pane, text};
use crate::app::drawn::{Starts, Window};
use crate::app::filter::Filter;
use crate::app::list::window_of;
use crate::app::log::LogView;
use crate::app::state::AppState;
use crate::config::LogLevel;
use crate::log::Message;

/// Columns of time and level.
const LEAD: usize = "00:00:00 error ".len();

/// Lines of the longest message that is shown; copying gives all of it.
const TALLEST: usize = 6;

/// Draws the log over the lists.
pub(super) fn draw(state: &AppState, log: &LogView, theme: &Theme, frame: &mut Frame<'_>, area: Rect) -> Window {
    let follows = if log.follows() { ", following" } else { "" };
    let filter = match log.filter.as_str() {
        "" => String::new(),
        text => format!("{}: ", Filter::messages(text).title(text)),
    };
    let title = format!("log: {filter}{} of {}, {} and worse{follows}", log.len(), log.all(), log.level.name());
    let list = pane::head(frame, theme, area, &title, true);
    let width = usize::from(list.width).saturating_sub(LEAD + 2);
    let lines = |at: usize| log.get(at).map(|message| wrapped(message, width)).unwrap_or_default();
    let (height, cursor) = (usize::from(list.height), log.scroll.position(log.len()));
    let top = window_of(log.scroll.top, cursor, log.len(), height, |at| lines(at).len());
    let (mut y, mut at, mut starts) = (list.y, top, Starts::default());
    while y < list.bottom() && at < log.len() {
        let Some(message) = log.get(at) else { break };
        starts.mark(y - list.y);
        for (number, line) in lines(at).iter().enumerate() {
            if y >= list.bottom() {
                break;
            }
            if number == 0 {
                let time = message.at.to_zoned(state.setting.zone()).strftime("%H:%M:%S").to_string();
                let x = text::put(frame, list.x + 1, y, list.width, &time, theme.quiet);
                text::put(frame, x + 1, y, list.width, message.level.name(), style(theme, message.level));
            }
            let x = list.x + 1 + u16::try_from(LEAD).unwrap_or(0);
            text::put(frame, x, y, list.right().saturating_sub(x), line, Style::new());
            if at == cursor {
                pane::shade(frame, list, y, theme.cursor);
            }
            y += 1;
        }
        at += 1;
    }
    if log.is_empty() {
        text::put(frame, list.x + 1, list.y, list.width, "no such message so far", theme.quiet);
    }
    // what follows is not drawn
    if y < list.bottom() {
        starts.mark(y - list.y);
    }
    let window = Window { top, height: at.saturating_sub(top).max(1), len: log.len(), area: list, starts };
    pane::extent(frame, theme, Rect { height: 1, ..area }, window);
    window
}

fn wrapped(message: &Message, width: usize) -> Vec<String> {
    let target = message.target.strip_prefix("scopesync::").unwrap_or(&message.target);
    let mut lines = text::wrap(&format!("{target}: {}", message.text), width);
    lines.truncate(TALLEST);
    lines
}

fn style(theme: &Theme, level: LogLevel) -> Style {
    match level {
        LogLevel::Error => theme.bad,
        LogLevel::Warn => theme.warning,
        LogLevel::Info => Style::new(),
        LogLevel::Debug | LogLevel::Trace => theme.quiet,
    }
}
