//! The size of the terminal.

use std::io;

/// Used where the terminal does not know its size, as on many serial lines.
const FALLBACK: Size = Size { columns: 80, rows: 24 };

/// Nobody can read more; a terminal that claims it would cost gigabytes of cells.
const LARGEST: Size = Size { columns: 1024, rows: 512 };

/// Columns and rows of the terminal, in cells; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Cells in a row.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

impl Size {
    /// What we take the terminal's own claim for.
    pub(super) fn from_claim(columns: u16, rows: u16) -> Self {
        if columns == 0 || rows == 0 {
            return FALLBACK;
        }
        Self { columns: columns.min(LARGEST.columns), rows: rows.min(LARGEST.rows) }
    }
}

/// The present size of the terminal on standard output.
///
/// # Errors
/// The system's, when standard output is no terminal or is gone.
#[cfg(unix)]
pub fn size() -> io::Result<Size> {
    // Not crossterm's: that one starts another program when a terminal does not answer.
    let claim = rustix::termios::tcgetwinsize(io::stdout())?;
    Ok(Size::from_claim(claim.ws_col, claim.ws_row))
}

/// The present size of the console.
///
/// # Errors
/// The system's, when there is no console.
#[cfg(not(unix))]
pub fn size() -> io::Result<Size> {
    let (columns, rows) = crossterm::terminal::size()?;
    Ok(Size::from_claim(columns, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_can_always_be_drawn_on() {
        assert_eq!(Size::from_claim(0, 0), FALLBACK);
        assert_eq!(Size::from_claim(132, 0), FALLBACK);
        assert_eq!(Size::from_claim(1, 1), Size { columns: 1, rows: 1 });
        assert_eq!(Size::from_claim(u16::MAX, u16::MAX), LARGEST);
    }
}
