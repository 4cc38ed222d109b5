//! The page shown without a configuration.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, text};
use crate::app::state::{AppState, Demo};
use crate::model::Foreign;

/// Draws the page.
pub(super) fn draw(state: &AppState, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let mut lines: Vec<(String, Style)> = vec![
        (String::new(), Style::new()),
        ("There is no configuration yet.".into(), theme.heading),
        (String::new(), Style::new()),
        ("It was looked for here:".into(), Style::new()),
    ];
    // A path can hold anything.
    let paths = state.setting.searched.iter().map(|path| Foreign::from(path.to_string_lossy().as_ref()));
    lines.extend(paths.map(|path| (format!("  {path}"), Style::new())));
    lines.extend([
        (String::new(), Style::new()),
        ("Write one there, or give one with --config FILE:".into(), Style::new()),
        ("  [[server]]".into(), theme.quiet),
        ("  name = \"kea-1\"".into(), theme.quiet),
        ("  kind = \"kea\"".into(), theme.quiet),
        ("  socket = \"/run/kea/kea4-ctrl-socket\"".into(), theme.quiet),
        (String::new(), Style::new()),
    ]);
    lines.push(match &state.demo {
        Demo::Offered => ("d  opens the demo pair: two sites, without any server".into(), theme.heading),
        Demo::Opening(_) => ("opening the demo pair".into(), theme.quiet),
        Demo::Failed(reason) => (format!("the demo could not be opened: {reason} (d tries again)"), theme.bad),
    });
    let width = usize::from(area.width.saturating_sub(4));
    // The offer has to be seen, however small the window is.
    let hidden = lines.len().saturating_sub(usize::from(area.height));
    let kept = lines.iter().skip(hidden.min(lines.len().saturating_sub(1)));
    for ((line, style), y) in kept.zip(area.top()..area.bottom()) {
        text::put(
            frame,
            area.x + 2,
            y,
            area.width.saturating_sub(2),
            &text::fit(line, width, theme.glyphs.more),
            *style,
        );
    }
}
