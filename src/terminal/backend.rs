//! The way of a frame to the terminal: nothing when nothing changed, otherwise one write.

use std::io::{self, Write};

use crossterm::QueueableCommand;
use crossterm::clipboard::CopyToClipboard;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::paint::{Shown, paint};
use super::scroll::Shadow;

/// Collects the bytes of a frame and writes them at once, as one synchronized update.
pub struct Out {
    frame: Vec<u8>,
    sink: Box<dyn Write + Send>,
    written: u64,
}

impl Out {
    /// An output that ends in `sink`.
    pub fn new(sink: Box<dyn Write + Send>) -> Self {
        Self { frame: Vec::new(), sink, written: 0 }
    }

    /// All bytes that reached the sink so far.
    pub fn written(&self) -> u64 {
        self.written
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.frame.is_empty() {
            self.frame.queue(BeginSynchronizedUpdate)?;
        }
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Flushing is left to [`Quiet::flush`]: crossterm flushes in the middle of a frame.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A ratatui backend that says nothing twice.
///
/// Crossterm's writes resets, the hidden cursor and its position with every frame, also with
/// an empty one, and asks the terminal where its cursor is: a question that a silent terminal
/// never answers. This one remembers, and writes cells in fewer bytes.
pub struct Quiet {
    out: Out,
    shown: Shown,
    shadow: Shadow,
    cursor: Option<Position>,
    cursor_shown: Option<bool>,
    size: fn() -> io::Result<super::Size>,
}

impl Quiet {
    pub(super) fn new(out: Out, size: fn() -> io::Result<super::Size>) -> Self {
        let mut shadow = Shadow::default();
        // what is taken is blank
        shadow.clear(size().ok().map(|size| Size::new(size.columns, size.rows)));
        Self { out, shown: Shown::default(), shadow, cursor: None, cursor_shown: None, size }
    }

    /// Forgets what the terminal is believed to show, after it was left and entered again.
    pub(super) fn forget(&mut self) {
        self.cursor = None;
        self.cursor_shown = None;
        self.shadow.clear(None);
        self.out.frame.clear();
    }

    pub(super) fn out(&self) -> &Out {
        &self.out
    }

    /// Sends a text to the terminal's clipboard, at once and behind whatever was drawn.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        self.out.queue(CopyToClipboard::to_clipboard_from(text))?;
        self.flush()
    }

    /// Crossterm's backend keeps no state, so it need not be kept either.
    fn crossterm(&mut self) -> CrosstermBackend<&mut Out> {
        CrosstermBackend::new(&mut self.out)
    }
}

impl Backend for Quiet {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let cells: Vec<_> = content.collect();
        if cells.is_empty() {
            return Ok(());
        }
        self.cursor = None;
        let Some((lines, left)) = self.shadow.take(&cells) else {
            return paint(&mut self.out, &mut self.shown, &cells);
        };
        lines.write(&mut self.out)?;
        self.shown.shift(&lines);
        let left: Vec<_> = left.iter().map(|(x, y, cell)| (*x, *y, cell)).collect();
        paint(&mut self.out, &mut self.shown, &left)
    }

    fn append_lines(&mut self, n: u16) -> io::Result<()> {
        self.cursor = None;
        self.shadow.clear(None);
        self.crossterm().append_lines(n)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown == Some(false) {
            return Ok(());
        }
        self.cursor_shown = Some(false);
        self.crossterm().hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown == Some(true) {
            return Ok(());
        }
        self.cursor_shown = Some(true);
        self.crossterm().show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or(Position::ORIGIN))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor == Some(position) {
            return Ok(());
        }
        self.cursor = Some(position);
        self.crossterm().set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        if clear_type == ClearType::All {
            self.shown.clear();
            self.shadow.clear(self.size().ok());
        }
        self.crossterm().clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        let size = (self.size)()?;
        Ok(Size::new(size.columns, size.rows))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::new(0, 0) })
    }

    fn flush(&mut self) -> io::Result<()> {
        let out = &mut self.out;
        if out.frame.is_empty() {
            return Ok(());
        }
        let mut frame = std::mem::take(&mut out.frame);
        frame.queue(EndSynchronizedUpdate)?;
        out.sink.write_all(&frame)?;
        out.sink.flush()?;
        out.written += frame.len() as u64;
        frame.clear();
        out.frame = frame;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use ratatui::Terminal;
    use ratatui::layout::Rect;

    use super::*;

    #[derive(Clone, Default)]
    struct Tape(Arc<Mutex<Vec<u8>>>);

    impl Tape {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }
    }

    impl Write for Tape {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn terminal() -> (Terminal<Quiet>, Tape) {
        let tape = Tape::default();
        let size = || Ok(super::super::Size { columns: 20, rows: 4 });
        let backend = Quiet::new(Out::new(Box::new(tape.clone())), size);
        (Terminal::new(backend).unwrap(), tape)
    }

    #[test]
    fn an_unchanged_frame_is_no_bytes() {
        let (mut terminal, tape) = terminal();
        terminal.draw(|frame| frame.render_widget("one", frame.area())).unwrap();
        assert!(tape.take().contains("one"));
        for _ in 0..100 {
            terminal.draw(|frame| frame.render_widget("one", frame.area())).unwrap();
        }
        assert_eq!(tape.take(), "");
    }

    #[test]
    fn an_unchanged_frame_with_a_cursor_is_no_bytes() {
        let (mut terminal, tape) = terminal();
        let mut draw = |text: &str| {
            terminal
                .draw(|frame| {
                    frame.render_widget(text, frame.area());
                    frame.set_cursor_position((3, 1));
                })
                .unwrap();
            tape.take()
        };
        assert!(draw("one").contains("\x1b[?25h"));
        assert_eq!(draw("one"), "");
        let changed = draw("two");
        assert!(changed.contains("\x1b[2;4H"), "the cursor is put back: {changed:?}");
        assert!(!changed.contains("\x1b[?25"), "shown already: {changed:?}");
    }

    #[test]
    fn a_frame_is_one_synchronized_update() {
        let (mut terminal, tape) = terminal();
        terminal.draw(|frame| frame.render_widget("one", frame.area())).unwrap();
        let bytes = tape.take();
        assert!(bytes.starts_with("\x1b[?2026h") && bytes.ends_with("\x1b[?2026l"), "{bytes:?}");
        assert_eq!(bytes.matches("\x1b[?2026").count(), 2, "{bytes:?}");
    }

    #[test]
    fn a_text_goes_to_the_clipboard_and_moves_nothing() {
        let (mut terminal, tape) = terminal();
        terminal.draw(|frame| frame.render_widget("one", frame.area())).unwrap();
        tape.take();
        terminal.backend_mut().copy("10.0.1.0").unwrap();
        assert_eq!(tape.take(), "\x1b[?2026h\x1b]52;c;MTAuMC4xLjA=\x1b\\\x1b[?2026l");
        terminal.draw(|frame| frame.render_widget("one", frame.area())).unwrap();
        assert_eq!(tape.take(), "");
    }

    #[test]
    fn nothing_is_ever_asked_of_the_terminal() {
        let (mut terminal, tape) = terminal();
        terminal.draw(|frame| frame.render_widget("one", frame.area())).unwrap();
        terminal.clear().unwrap();
        terminal.resize(Rect::new(0, 0, 10, 2)).unwrap();
        terminal.draw(|frame| frame.render_widget("one", frame.area())).unwrap();
        assert!(!tape.take().contains("\x1b[6n"));
    }
}
