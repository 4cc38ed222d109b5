//! Standard output and standard error: what goes where, and in which dress.
//!
//! A reader that has gone away (`| head`) is no error: what it no longer takes is dropped.
//! A result that could not be written for another reason, such as a full disk, is one.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use serde::Serialize;

use super::Failure;
use crate::demo;
use crate::show::json;
use crate::show::{Line, Role, in_ascii, is_unicode_readable};

/// What a stream can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dress {
    /// Somebody reads it as it comes.
    pub terminal: bool,
    /// Colours and weights are wanted.
    pub colour: bool,
    /// Characters beyond ASCII are readable.
    pub unicode: bool,
}

impl Dress {
    /// What the environment says of a stream.
    pub fn of(terminal: bool, env: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_none_or(|term| term == "dumb");
        Dress {
            terminal,
            colour: terminal && !dumb && set("NO_COLOR").is_none(),
            unicode: is_unicode_readable(|name| Some(env(name)?.to_string_lossy().into_owned())),
        }
    }
}

struct Stream {
    writer: Box<dyn Write + Send>,
    dress: Dress,
    /// Why something is missing from what was written.
    lost: Option<io::Error>,
    /// Commands that are told are about the demo pair.
    of_demo: bool,
}

/// Both streams of a command.
pub struct Console {
    out: Stream,
    err: Stream,
    input_is_terminal: bool,
    /// The terminal can do nothing but print.
    is_dumb: bool,
    /// Nothing is drawn that would have to be drawn over.
    in_lines: bool,
}

impl Console {
    /// The process's own.
    pub fn of_process() -> Self {
        let env = |name: &str| std::env::var_os(name);
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Console {
            out: Stream {
                dress: Dress::of(stdout.is_terminal(), &env),
                writer: Box::new(BufWriter::with_capacity(1 << 16, stdout)),
                lost: None,
                of_demo: false,
            },
            err: Stream {
                dress: Dress::of(stderr.is_terminal(), &env),
                writer: Box::new(stderr),
                lost: None,
                of_demo: false,
            },
            input_is_terminal: io::stdin().is_terminal(),
            is_dumb: env("TERM").is_some_and(|term| term == "dumb"),
            in_lines: false,
        }
    }

    /// Streams to somewhere else. `dress` is that of both.
    pub fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, dress: Dress) -> Self {
        let input_is_terminal = dress.terminal;
        Console {
            out: Stream { writer: out, dress, lost: None, of_demo: false },
            err: Stream { writer: err, dress, lost: None, of_demo: false },
            input_is_terminal,
            is_dumb: false,
            in_lines: false,
        }
    }

    /// Says whether a terminal gives the answers, where that is not standard input.
    pub fn answered_by_terminal(&mut self, is_terminal: bool) {
        self.input_is_terminal = is_terminal;
    }

    /// Whether somebody can be asked: the question is seen and the answer typed.
    pub fn can_ask(&self) -> bool {
        self.input_is_terminal && self.err.dress.terminal
    }

    /// Whether the terminal says of itself that it can do nothing but print.
    pub fn is_dumb(&self) -> bool {
        self.is_dumb
    }

    /// From now on a line is said once and stays: nothing moves, and nothing is told by a colour.
    pub fn speak_in_lines(&mut self) {
        self.in_lines = true;
        (self.out.dress.colour, self.err.dress.colour) = (false, false);
    }

    /// From now on commands that are told are about the demo pair.
    pub fn speak_of_demo(&mut self) {
        (self.out.of_demo, self.err.of_demo) = (true, true);
    }

    /// Whether what goes on is told in lines.
    pub fn is_in_lines(&self) -> bool {
        self.in_lines
    }

    /// Whether somebody sees standard error as it comes, and something may move on it.
    pub fn is_watched(&self) -> bool {
        self.err.dress.terminal && !self.in_lines
    }

    /// How wide the terminal is that the result goes to; `None` where it goes elsewhere.
    pub fn columns(&self) -> Option<usize> {
        let size = self.out.dress.terminal.then(crate::terminal::size)?;
        size.ok().map(|size| usize::from(size.columns))
    }

    /// A line of the result.
    pub fn line(&mut self, line: &Line) {
        self.out.line(line);
    }

    /// Lines of the result.
    pub fn lines(&mut self, lines: &[Line]) {
        lines.iter().for_each(|line| self.line(line));
    }

    /// The result as it is.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.write(bytes);
    }

    /// The result as JSON.
    pub fn json(&mut self, document: &impl Serialize) {
        let written = json::write(&mut self.out.writer, document, self.out.dress.terminal);
        self.out.note(written);
    }

    /// A line beside the result, on standard error.
    pub fn aside(&mut self, line: &Line) {
        self.err.line(line);
    }

    /// Text without a line end beside the result, for a question.
    pub fn prompt(&mut self, text: &str) {
        self.err.text(text);
        let _ = self.err.writer.flush();
    }

    /// Something to know, on standard error.
    pub fn note(&mut self, text: impl Display) {
        self.labelled(Role::Muted, "note", &text.to_string());
    }

    /// Something to look at, on standard error.
    pub fn warning(&mut self, text: impl Display) {
        self.labelled(Role::Warning, "warning", &text.to_string());
    }

    /// Why the command failed and what to do about it, on standard error.
    pub fn failure(&mut self, failure: &Failure) {
        self.flush();
        self.labelled(Role::Critical, "error", &failure.message);
        if let Some(hint) = &failure.hint {
            self.aside(&Line::of(0, Role::Muted, "hint: ").with(Role::Plain, hint));
        }
    }

    fn labelled(&mut self, role: Role, label: &str, text: &str) {
        self.aside(&Line::of(0, Role::Muted, "scopesync: ").with(role, format!("{label}: ")).with(Role::Plain, text));
    }

    /// Hands on what has gathered.
    pub fn flush(&mut self) {
        for stream in [&mut self.out, &mut self.err] {
            let flushed = stream.writer.flush();
            stream.note(flushed);
        }
    }

    /// Hands on the result to its end.
    ///
    /// # Errors
    /// A part of it could not be written, and not because its reader was gone.
    pub fn finish(&mut self) -> io::Result<()> {
        self.flush();
        self.out.lost.take().map_or(Ok(()), Err)
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Stream {
    fn line(&mut self, line: &Line) {
        let mut text = " ".repeat(line.indent);
        for (role, piece) in &line.spans {
            let code = if self.dress.colour { code(*role) } else { "" };
            if code.is_empty() {
                text.push_str(piece);
            } else {
                text.push_str(&format!("\u{1b}[{code}m{piece}\u{1b}[0m"));
            }
        }
        text.push('\n');
        self.text(&text);
    }

    fn text(&mut self, text: &str) {
        let text = if self.of_demo { demo::worded(text) } else { Cow::Borrowed(text) };
        let text = if self.dress.unicode { text } else { Cow::Owned(in_ascii(&text).into_owned()) };
        self.write(text.as_bytes());
    }

    fn write(&mut self, bytes: &[u8]) {
        let written = self.writer.write_all(bytes);
        self.note(written);
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.lost.get_or_insert(error);
        }
    }
}

/// The terminal's code for a role. Only the sixteen colours of the terminal's own theme.
fn code(role: Role) -> &'static str {
    match role {
        Role::Plain => "",
        Role::Title => "1",
        Role::Muted => "2",
        Role::Create | Role::Good => "32",
        Role::Update | Role::Warning => "33",
        Role::Delete => "31",
        Role::Critical => "1;31",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dress(terminal: bool, env: &[(&str, &str)]) -> Dress {
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Dress::of(terminal, &env)
    }

    #[test]
    fn colours_only_for_a_terminal_that_has_them() {
        assert!(dress(true, &[("TERM", "xterm")]).colour);
        for (terminal, env) in [
            (false, vec![("TERM", "xterm")]),
            (true, vec![]),
            (true, vec![("TERM", "dumb")]),
            (true, vec![("TERM", "xterm"), ("NO_COLOR", "1")]),
        ] {
            assert!(!dress(terminal, &env).colour, "{terminal} {env:?}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn the_locale_decides_on_signs() {
        assert!(dress(false, &[("LANG", "de_DE.UTF-8")]).unicode);
        assert!(!dress(false, &[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]).unicode);
    }

    /// Takes a few bytes, then is gone.
    struct Gone(usize);

    impl Write for Gone {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0 -= bytes.len().min(self.0);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_gone_is_no_error() {
        let mut console = Console::new(Box::new(Gone(3)), Box::new(Gone(3)), Dress::default());
        for _ in 0..10 {
            console.line(&Line::of(0, Role::Plain, "text"));
            console.json(&"text");
            console.warning("text");
        }
        console.finish().unwrap();
    }
}
