//! The terminal given to a program that compares two texts, until it ends.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use crossterm::event::KeyCode;
use tokio::process::{Child, Command};
use tokio::time::{Duration, Instant};

use super::{Dirty, End, Program, RuntimeError};
use crate::app::effect::{Texts, Ticket};
use crate::app::{Event, News};
use crate::files::private;
use crate::terminal::{self, Exit};

/// So long after the program has ended the interrupt that ended it may still be on its way to us.
const ECHO: Duration = Duration::from_millis(100);

/// How often it is looked whether the program takes keys one by one. One that does so twice running has a screen of
/// its own, or waits for a key at the end of a page: what it left was read. One that prints and ends never does.
const LOOK: Duration = Duration::from_millis(100);

impl Program {
    /// Shows the texts in that program, then takes the terminal back. Jobs go on meanwhile, and so
    /// does what is heard of them.
    pub(super) async fn give_away(
        &mut self,
        ticket: Ticket,
        texts: &Texts,
        command: &[String],
    ) -> Result<(), RuntimeError> {
        let news = match self.show(texts, command).await? {
            Ok(()) => News::Viewed,
            Err(reason) => News::Failed(reason),
        };
        self.dirty = Dirty::Now;
        // what may be confirmed was covered
        self.update(Event::Resumed);
        self.update(Event::News(ticket, news));
        Ok(())
    }

    async fn show(&mut self, texts: &Texts, command: &[String]) -> Result<Result<(), String>, RuntimeError> {
        let Some((program, arguments)) = command.split_first() else { return Ok(Ok(())) };
        let (folder, secrets) = match self.hands.for_viewers() {
            Ok(found) => found,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let files = match Files::write(&folder, texts) {
            Ok(files) => files,
            Err(error) => return Ok(Err(format!("{} cannot be written: {error}", folder.display()))),
        };
        self.events.pause().await;
        self.screen.leave()?;
        let mut command = Command::new(program);
        command.args(arguments).args(&files.paths).kill_on_drop(true).stdin(Stdio::inherit());
        for variable in &secrets {
            command.env_remove(variable);
        }
        let modes = terminal::Modes::keep();
        let mut is_dialogue = false;
        let ended = match command.spawn() {
            Ok(child) => self.wait_for(child, &mut is_dialogue).await,
            Err(error) => Some(Err(error)),
        };
        modes.bring_back();
        drop(files);
        let Some(ended) = ended else { return Ok(Ok(())) };
        self.events.resume()?;
        // what it printed would be covered before anybody has read it
        if ended.is_ok() && !is_dialogue && !self.is_read().await {
            return Ok(Ok(()));
        }
        self.screen.reenter()?;
        // that texts differ is no failure, and each program has its own number for it
        Ok(ended
            .map(drop)
            .map_err(|error| format!("{program:?} cannot be run: {error}; it is set by diff in [screen]")))
    }

    /// Waits until Enter says that what stands on the terminal was read; `false` where this program
    /// is told to end before.
    async fn is_read(&mut self) -> bool {
        // a terminal that is gone is told below
        let _ = writeln!(io::stdout(), "scopesync: Enter goes back");
        loop {
            tokio::select! {
                biased;
                event = self.events.next() => match event {
                    // the terminal hands over whole lines now: any key before it comes with it
                    terminal::Event::Key(key) if key.code == KeyCode::Enter => return true,
                    // the one that ended the program may be heard only now
                    terminal::Event::Exit(Exit::Interrupt) => {}
                    terminal::Event::Exit(exit) => {
                        self.end = Some(End::Told(exit));
                        return false;
                    }
                    _ => {}
                },
                event = self.hands.next() => self.on_job(event),
            }
        }
    }

    /// Waits until the program ends, and notes whether it took keys one by one; `None` where this one is told to end
    /// before.
    async fn wait_for(&mut self, mut child: Child, is_dialogue: &mut bool) -> Option<io::Result<ExitStatus>> {
        let mut ended = None;
        let mut looks = tokio::time::interval(LOOK);
        let mut took_keys = false;
        let echo = tokio::time::sleep(Duration::MAX);
        tokio::pin!(echo);
        loop {
            tokio::select! {
                biased;
                event = self.events.next() => match event {
                    // meant for the program that has the terminal, which hears it as well
                    terminal::Event::Exit(Exit::Interrupt) => {}
                    terminal::Event::Exit(exit) => {
                        self.end = Some(End::Told(exit));
                        // it may have ended by itself for the same reason
                        let _ = child.kill().await;
                        return None;
                    }
                    _ => {}
                },
                status = child.wait(), if ended.is_none() => {
                    ended = Some(status);
                    echo.as_mut().reset(Instant::now() + ECHO);
                }
                () = &mut echo, if ended.is_some() => return ended,
                _ = looks.tick(), if ended.is_none() && !*is_dialogue => {
                    let takes_keys = terminal::takes_single_keys();
                    *is_dialogue = took_keys && takes_keys;
                    took_keys = takes_keys;
                }
                event = self.hands.next() => self.on_job(event),
            }
        }
    }
}

/// Both texts in files that are the owner's alone, for as long as this lives.
struct Files {
    paths: Vec<PathBuf>,
}

impl Files {
    fn write(folder: &Path, texts: &Texts) -> io::Result<Self> {
        let mut files = Files { paths: Vec::new() };
        for ((name, text), side) in texts.names.iter().zip(&texts.texts).zip(["source", "target"]) {
            let name: String =
                name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' }).collect();
            let path = folder.join(format!("{}-{side}-{name}.txt", std::process::id()));
            let mut file = private().write(true).create(true).truncate(true).open(&path)?;
            files.paths.push(path);
            file.write_all(text.as_bytes())?;
        }
        Ok(files)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for path in &self.paths {
            if let Err(error) = std::fs::remove_file(path) {
                tracing::warn!("{} is left behind: {error}", path.display());
            }
        }
    }
}
