//! Asking the terminal for buttons and the wheel, and for nothing else: crossterm's own command
//! asks for every movement as well, which would flood a slow line.

use std::fmt;

use crossterm::Command;

/// Lets the terminal report the mouse (`true`), or leaves the mouse to it.
pub(super) struct Mouse(pub(super) bool);

impl Command for Mouse {
    /// Modes 1000 (buttons) and 1006 (places beyond column 223), as in xterm's control sequences.
    fn write_ansi(&self, f: &mut impl fmt::Write) -> fmt::Result {
        f.write_str(if self.0 { "\x1b[?1000h\x1b[?1006h" } else { "\x1b[?1006l\x1b[?1000l" })
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> std::io::Result<()> {
        use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
        if self.0 { EnableMouseCapture.execute_winapi() } else { DisableMouseCapture.execute_winapi() }
    }

    // The console reports the mouse as it does keys, not by sequences.
    #[cfg(windows)]
    fn is_ansi_code_supported(&self) -> bool {
        false
    }
}
