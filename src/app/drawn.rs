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
    /// Where they stand: for a list, so that a click finds its line.
    pub area: Rect,
    /// Where lines begin that may be several rows high.
    pub starts: Starts,
}

impl Window {
    /// The line at this place of the screen, where there is one.
    pub fn line_at(&self, x: u16, y: u16) -> Option<usize> {
        if !self.area.contains((x, y).into()) {
            return None;
        }
        let row = y - self.area.y;
        let line = self.top + self.starts.line(row).unwrap_or(usize::from(row));
        (line < self.len).then_some(line)
    }
}

/// Which rows of a window begin a line, from its first row on; none are told where each does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Starts([u128; 2]);

impl Starts {
    /// A line begins in this row. No window is so high that what is beyond the 256th row could be missed.
    pub fn mark(&mut self, row: u16) {
        if let Some(bits) = self.0.get_mut(usize::from(row / 128)) {
            *bits |= 1 << (row % 128);
        }
    }

    /// The line of a row, counted from the first; `None` where each row is one.
    fn line(&self, row: u16) -> Option<usize> {
        let up_to = |at: usize, bits: &u128| match usize::from(row).checked_sub(at * 128) {
            Some(rest @ 0..127) => bits & ((1 << (rest + 1)) - 1),
            Some(_) => *bits,
            None => 0,
        };
        if *self == Starts::default() {
            return None;
        }
        let begun: u32 = self.0.iter().enumerate().map(|(at, bits)| up_to(at, bits).count_ones()).sum();
        Some((begun as usize).saturating_sub(1))
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
    /// All of that, where it stands beside the list or below it.
    pub beside: Option<Rect>,
    /// The whole text of a change or finding.
    pub detail: Option<Window>,
    /// The preview.
    pub preview: Option<Window>,
    /// The reset of a relationship.
    pub reset: Option<Window>,
    /// The list of runs and jobs, the newest first.
    pub runs: Option<Window>,
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
    /// The menu of what can be copied.
    pub copy: Option<Window>,
    /// The entries of the palette.
    pub palette: Option<Window>,
    /// The help.
    pub help: Option<Window>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_belongs_to_the_line_that_begins_in_it_or_above() {
        let area = Rect { x: 2, y: 5, width: 10, height: 200 };
        let mut window = Window { top: 7, height: 3, len: 10, area, starts: Starts::default() };
        let at = |window: &Window, rows: &[u16]| rows.iter().map(|row| window.line_at(3, 5 + row)).collect::<Vec<_>>();
        assert_eq!(at(&window, &[0, 2, 3, 200]), [Some(7), Some(9), None, None]);
        for row in [0, 2, 127] {
            window.starts.mark(row);
        }
        assert_eq!(at(&window, &[0, 1, 2, 126, 127, 128, 199]), [7, 7, 8, 8, 9, 9, 9].map(Some));
        window.starts.mark(150);
        assert_eq!(at(&window, &[149, 150]), [Some(9), None]);
        assert_eq!((window.line_at(1, 5), window.line_at(3, 4)), (None, None));
    }
}
