//! The page shown without a configuration.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, text};
use crate::app::action::Action;
use crate::app::state::{AppState, Demo};
use crate::model::Foreign;

/// An entry for each family of servers, side by side.
const ENTRIES: [(&str, &str); 6] = [
    ("[[server]]", "[[server]]"),
    ("name = \"kea-1\"", "name = \"dhcp1\""),
    ("kind = \"kea\"", "kind = \"windows\""),
    ("socket = \"/run/kea/kea4-ctrl-socket\"", "host = \"dhcp1.contoso.com\""),
    ("", "user = \"scopesync@contoso.com\""),
    ("", "password_env = \"DHCP_PASSWORD\""),
];

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
    ]);
    lines.extend(ENTRIES.map(|(kea, windows)| (format!("  {kea:<40}{windows}"), theme.quiet)));
    lines.push((String::new(), Style::new()));
    let demo = state.key(Action::Demo);
    lines.push(match &state.demo {
        Demo::Offered => (format!("{demo}  opens the demo pair: two sites, without any server"), theme.heading),
        Demo::Opening(_) => ("opening the demo pair".into(), theme.quiet),
        Demo::Failed(reason) => (format!("the demo could not be opened: {reason} ({demo} tries again)"), theme.bad),
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
