//! What drawing tells back: windows, which only it knows the size and the place of.

use ratatui::layout::Rect;

/// The lines of a list that were shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first line.
    pub top: usize,
    /// How many lines there is room for.
    pub height: usize,
    /// How many lines there are.
    pub len: usize,
    /// Where they stand, all of `height`: for a list, so that a click finds its line.
    pub area: Rect,
}

impl Window {
    /// The line at this place of the screen, where there is one. Lines may be several rows high.
    pub fn line_at(&self, x: u16, y: u16) -> Option<usize> {
        let rows = usize::from(self.area.height).checked_div(self.height).filter(|rows| *rows > 0)?;
        let inside = self.area.contains((x, y).into());
        let line = self.top + usize::from(y.saturating_sub(self.area.y)) / rows;
        (inside && line < self.len.min(self.top + self.height)).then_some(line)
    }
}

/// A frame that was drawn. `None` for what was not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// The window has no room for anything.
    pub too_small: bool,
    /// The list of relationships and scopes.
    pub fleet: Option<Window>,
    /// The drift pane.
    pub drift: Option<Window>,
    /// The whole text of a change or finding.
    pub detail: Option<Window>,
    /// The preview.
    pub preview: Option<Window>,
    /// The reset of a relationship.
    pub reset: Option<Window>,
    /// The list of the run that is shown.
    pub jobs: Option<Window>,
    /// The list of past runs.
    pub history: Option<Window>,
    /// The scopes of a past run.
    pub past_scopes: Option<Window>,
    /// What it destroyed in one of them.
    pub destroyed: Option<Window>,
    /// The log.
    pub log: Option<Window>,
    /// The entries of the palette.
    pub palette: Option<Window>,
    /// The help.
    pub help: Option<Window>,
}
