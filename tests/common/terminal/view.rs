//! What is on the screen.

use std::fmt;

use super::State;

/// A screen at one moment.
#[derive(Clone)]
pub struct View(vt100::Screen);

impl View {
    pub(super) fn of(state: &State) -> Self {
        Self(state.emulator.screen().clone())
    }

    /// The rows, without the blanks at their ends.
    pub fn text(&self) -> String {
        let (_, columns) = self.0.size();
        let rows: Vec<String> = self.0.rows(0, columns.get()).map(|row| row.trim_end().to_owned()).collect();
        rows.join("\n")
    }

    /// Whether a text is in one of the rows.
    pub fn contains(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// One row.
    pub fn row(&self, row: u16) -> String {
        self.text().lines().nth(row.into()).unwrap_or_default().to_owned()
    }

    /// Row and column where a text begins.
    pub fn find(&self, text: &str) -> Option<(u16, u16)> {
        let (rows, columns) = self.0.size();
        for row in 0..rows.get() {
            // By cells: a character may be several bytes, and two cells wide.
            let mut line = String::new();
            let mut starts = Vec::new();
            for column in 0..columns.get() {
                let Some(cell) = self.0.cell(row, column) else { continue };
                if cell.is_wide_continuation() {
                    continue;
                }
                starts.push((line.len(), column));
                line.push_str(if cell.has_contents() { cell.contents() } else { " " });
            }
            if let Some(at) = line.find(text) {
                let column = starts.iter().rev().find(|(start, _)| *start <= at)?.1;
                return Some((row, column));
            }
        }
        None
    }

    /// The character of a cell; nothing for the second half of a wide one.
    pub fn cell(&self, row: u16, column: u16) -> String {
        match self.0.cell(row, column) {
            Some(cell) if cell.is_wide_continuation() => String::new(),
            Some(cell) if cell.has_contents() => cell.contents().to_owned(),
            _ => " ".to_owned(),
        }
    }

    /// The style of a cell.
    pub fn style(&self, row: u16, column: u16) -> CellStyle {
        let cell = self.0.cell(row, column).expect("the cell should be on the screen");
        CellStyle {
            foreground: cell.fgcolor(),
            background: cell.bgcolor(),
            bold: cell.bold(),
            dim: cell.dim(),
            italic: cell.italic(),
            underlined: cell.underline(),
            reversed: cell.inverse(),
        }
    }

    /// The style of the first cell of a text.
    pub fn style_of(&self, text: &str) -> CellStyle {
        let Some((row, column)) = self.find(text) else {
            panic!("no {text:?} on this screen:\n{self}");
        };
        self.style(row, column)
    }

    /// Whether the cursor can be seen.
    pub fn cursor_visible(&self) -> bool {
        !self.0.hide_cursor()
    }

    /// Row and column of the cursor.
    pub fn cursor(&self) -> (u16, u16) {
        self.0.cursor_position()
    }

    /// Whether this is the alternate screen.
    pub fn alternate_screen(&self) -> bool {
        self.0.alternate_screen()
    }

    /// Whether pastes are told from keys.
    pub fn bracketed_paste(&self) -> bool {
        self.0.bracketed_paste()
    }

    /// Whether buttons of the mouse are reported.
    pub fn reports_mouse(&self) -> bool {
        self.0.mouse_protocol_mode() != vt100::MouseProtocolMode::None
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = self.0.size();
        writeln!(f, "{columns}x{rows}, alternate screen: {}", self.alternate_screen())?;
        for line in self.text().lines() {
            writeln!(f, "|{line}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellStyle {
    /// Colour of the character.
    pub foreground: vt100::Color,
    /// Colour behind it.
    pub background: vt100::Color,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underlined: bool,
    /// Colours swapped.
    pub reversed: bool,
}
