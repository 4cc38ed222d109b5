//! The loop that joins terminal, app, jobs and ui.
//!
//! Signals and the terminal's end come first, then keys, then news of jobs, then time.
//! Everything that is ready is taken before one frame is drawn, frames are drawn only when
//! something may have changed, and a frame that looks like the last one sends nothing.

mod perform;
mod viewer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::effect::{Texts, Ticket};
use crate::app::gate::{Gate, READING_TIME};
use crate::app::keymap::Keymap;
use crate::app::state::Tone;
use crate::app::{self, AppState, Effect, Event, Moment, Setting};
use crate::config::{HistoryConfig, Located, ScreenConfig};
use crate::demo;
use crate::detached::Origin;
use crate::engine::fleet::Fleet;
use crate::history::{FrontEnd, History};
use crate::jobs::{Jobs, Workers};
use crate::log::Recent;
use crate::state::StateFolder;
use crate::terminal::{self, Events, Exit, Screen};
use crate::ui::{Drawn, Follower, Theme};

use perform::Hands;

/// At least so long between two frames, which makes thirty a second at most: nobody sees more.
const FRAME: Duration = Duration::from_millis(34);

/// At least so long between two frames that show only how far something is.
const PROGRESS_FRAME: Duration = Duration::from_millis(100);

/// Taken at most before a frame is drawn, so that a flood cannot stop the drawing.
const BATCH: usize = 4096;

/// When the program is told to end, a run gets so long to end after the scope in flight.
const SOFT_ENDING: Duration = Duration::from_secs(3);

/// Then it gets so long to end after the request in flight, which is over by then, one way or
/// another.
const HARD_ENDING: Duration = Duration::from_secs(40);

/// What the interactive program starts from.
pub struct Start {
    /// The servers; `None` opens the start page, which lists the paths of `located` and
    /// offers the demo.
    pub fleet: Option<Arc<Fleet>>,
    /// What the search for a configuration ended with.
    pub located: Option<Located>,
    /// The servers are the demo pair.
    pub demo: bool,
    /// No server is ever a target.
    pub read_only: bool,
    /// Where the history is kept, and the demo pair with its own.
    pub state: StateFolder,
    /// How much of past runs is kept.
    pub kept: HistoryConfig,
    /// How the program looks and behaves.
    pub screen: ScreenConfig,
    /// How its parts look.
    pub theme: Theme,
    /// What the keys mean.
    pub keymap: Keymap,
    /// The newest messages of the log.
    pub recent: Recent,
    /// What a job needs to reach the same servers.
    pub origin: Option<Origin>,
    /// What the operator should know, such as that no log is written.
    pub warnings: Vec<String>,
}

/// Why the interactive program could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The terminal cannot be used.
    #[error(transparent)]
    Terminal(#[from] terminal::Error),
    /// No thread can be started.
    #[error("cannot start the threads that work in the background: {0}")]
    Threads(#[source] io::Error),
}

/// Runs the interactive program until the operator leaves it, or until it is told to end.
/// Takes the calling thread for the screen and makes threads of its own for the jobs.
///
/// # Errors
/// The terminal cannot be taken, or fails in another way than by going away.
pub fn run(start: Start) -> Result<Option<Exit>, RuntimeError> {
    let workers = Workers::start().map_err(RuntimeError::Threads)?;
    workers.block_on(async { Program::enter(start, &workers)?.run().await })
}

/// How soon a frame is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dirty {
    No,
    Progress,
    Now,
}

/// How the loop ends.
enum End {
    Quit,
    Leave,
    Told(Exit),
}

struct Program {
    state: AppState,
    theme: Theme,
    screen: Screen,
    events: Events,
    hands: Hands,
    /// Two texts that wait for the terminal, and the program that compares them.
    to_view: Option<(Ticket, Arc<Texts>, Vec<String>)>,
    recent: Recent,
    dirty: Dirty,
    drawn_at: Option<Instant>,
    follower: Follower,
    /// When the drift pane, which stayed behind the cursor, is drawn.
    follows_at: Option<Instant>,
    end: Option<End>,
}

impl Program {
    fn enter(start: Start, workers: &Workers) -> Result<Self, RuntimeError> {
        let kept = if start.demo { start.state.of_demo() } else { start.state.clone() };
        let history = Arc::new(History::new(&kept).within(start.kept).used_by(FrontEnd::Screen));
        let setting = Setting {
            config_name: config_name(&start),
            searched: match &start.located {
                Some(Located::NotFound { searched }) => searched.clone(),
                _ => Vec::new(),
            },
            config_file: start.located.as_ref().and_then(config_file),
            read_only: start.read_only,
            operator: history.who().person(),
            screen: start.screen,
            keymap: start.keymap,
            zone: Some(jiff::tz::TimeZone::system()),
        };
        let mut state = AppState::new(setting, start.fleet, Moment::now());
        if !start.warnings.is_empty() {
            state.say(Tone::Warning, start.warnings.join("; "));
        }
        let hands = Hands::new(Jobs::new(workers), history, start.state, start.origin, start.read_only);
        let (theme, recent) = (start.theme, start.recent);
        let mut screen = Screen::enter()?;
        if state.mouse {
            screen.use_mouse(true)?;
        }
        // The first frame comes before anything that could take time.
        let (mut drawn, mut follower) = (Drawn::default(), Follower::default());
        screen.draw(|frame| (drawn, _) = follower.draw(&state, &theme, frame, Instant::now()))?;
        state.drawn(&drawn, Instant::now());
        let events = Events::listen()?;
        Ok(Program {
            state,
            theme,
            screen,
            events,
            hands,
            to_view: None,
            recent,
            dirty: Dirty::No,
            drawn_at: None,
            follower,
            follows_at: None,
            end: None,
        })
    }

    async fn run(mut self) -> Result<Option<Exit>, RuntimeError> {
        let effects = app::start(&mut self.state);
        self.perform(effects);
        loop {
            let stepped = self.step().await;
            match (stepped, &self.end) {
                (Err(RuntimeError::Terminal(error)), _) if error.is_gone() => {
                    self.finish(true).await;
                    return Ok(Some(Exit::Gone));
                }
                (Err(error), _) => {
                    self.finish(true).await;
                    return Err(error);
                }
                (Ok(()), Some(End::Quit)) => {
                    self.finish(false).await;
                    return Ok(None);
                }
                (Ok(()), Some(End::Leave)) => {
                    self.leave();
                    return Ok(None);
                }
                (Ok(()), Some(End::Told(exit))) => {
                    let exit = *exit;
                    self.finish(exit == Exit::Gone).await;
                    return Ok(Some(exit));
                }
                (Ok(()), None) => {}
            }
        }
    }

    /// Draws if a frame is due, waits for something, takes all that is ready.
    async fn step(&mut self) -> Result<(), RuntimeError> {
        let due = self.due();
        if due.is_some_and(|due| Instant::now() >= due) {
            self.draw()?;
        }
        let wake = self.due().into_iter().chain(self.state.next_tick(Instant::now())).min();
        let timer = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            event = self.events.next() => self.on_terminal(event)?,
            event = self.hands.next() => self.on_job(event),
            () = timer => {
                self.dirty = self.dirty.max(Dirty::Progress);
            }
        }
        for _ in 0..BATCH {
            let Some(event) = self.events.ready() else { break };
            self.on_terminal(event)?;
        }
        for _ in 0..BATCH {
            let Some(event) = self.hands.ready() else { break };
            self.on_job(event);
        }
        if let Some((ticket, texts, command)) = self.to_view.take() {
            return self.give_away(ticket, &texts, &command).await;
        }
        // Keys that came meanwhile are older than what may be confirmed from here on.
        if let Some(event) = self.events.ready() {
            return self.on_terminal(event);
        }
        let was_open = self.may_confirm();
        self.update(Event::Tick);
        if self.may_confirm() != was_open {
            self.dirty = Dirty::Now;
        }
        Ok(())
    }

    fn may_confirm(&self) -> bool {
        self.state.gate().is_some_and(Gate::is_open)
    }

    fn due(&self) -> Option<Instant> {
        due(self.dirty, self.drawn_at, Instant::now()).into_iter().chain(self.follows_at).min()
    }

    fn draw(&mut self) -> Result<(), RuntimeError> {
        self.dirty = Dirty::No;
        let mut drawn = Drawn::default();
        let Program { state, theme, screen, follower, follows_at, .. } = self;
        screen.draw(|frame| (drawn, *follows_at) = follower.draw(state, theme, frame, Instant::now()))?;
        let now = Instant::now();
        self.drawn_at = Some(now);
        self.state.drawn(&drawn, now);
        if let Some(title) = app::runs::terminal_title(&self.state) {
            self.screen.entitle(&title)?;
        }
        Ok(())
    }

    fn on_terminal(&mut self, event: terminal::Event) -> Result<(), RuntimeError> {
        self.dirty = Dirty::Now;
        match event {
            terminal::Event::Key(key) => self.update(Event::Key(key)),
            terminal::Event::Mouse(mouse) => self.update(Event::Mouse(mouse)),
            terminal::Event::Paste(text) => self.update(Event::Paste(text)),
            terminal::Event::Resize(_) => {}
            terminal::Event::Resumed => {
                self.screen.reenter()?;
                self.update(Event::Resumed);
            }
            terminal::Event::Exit(exit) => self.end = Some(End::Told(exit)),
        }
        Ok(())
    }

    fn on_job(&mut self, event: Option<(app::Ticket, app::News)>) {
        let Some((ticket, news)) = event else { return };
        let progress = matches!(news, app::News::Status(_) | app::News::Part(..));
        self.dirty = self.dirty.max(if progress { Dirty::Progress } else { Dirty::Now });
        self.update(Event::News(ticket, news));
    }

    fn update(&mut self, event: Event) {
        let effects = app::update(&mut self.state, event, Moment::now());
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                // Leaving at once is not undone by an end that is less than that.
                Effect::Quit if matches!(self.end, Some(End::Leave)) => {}
                Effect::Quit => self.end = Some(End::Quit),
                Effect::Leave => self.end = Some(End::Leave),
                Effect::Suspend => {
                    if let Err(error) = self.screen.suspend() {
                        tracing::warn!("cannot be suspended: {error}");
                    }
                    self.dirty = Dirty::Now;
                    let effects = app::update(&mut self.state, Event::Resumed, Moment::now());
                    debug_assert!(effects.is_empty());
                }
                Effect::ReadLog(from) => {
                    let messages = Event::Logged(self.recent.since(from));
                    self.update(messages);
                    self.dirty = self.dirty.max(Dirty::Progress);
                }
                Effect::Copy(text) => {
                    if let Err(error) = self.screen.copy(&text) {
                        self.state.say(Tone::Warning, format!("not copied: {error}"));
                        self.dirty = Dirty::Now;
                    }
                }
                Effect::Mouse(on) => {
                    if let Err(error) = self.screen.use_mouse(on) {
                        tracing::warn!("the mouse cannot be taken or left: {error}");
                    }
                }
                Effect::Repaint => {
                    if let Err(error) = self.screen.repaint() {
                        tracing::warn!("cannot be drawn anew: {error}");
                    }
                    self.dirty = Dirty::Now;
                }
                Effect::View(ticket, texts, command) => self.to_view = Some((ticket, texts, command)),
                Effect::Bell => {
                    if let Err(error) = self.screen.ring() {
                        tracing::warn!("the bell cannot be rung: {error}");
                    }
                }
                effect => self.hands.perform(effect, self.state.fleet.as_ref()),
            }
        }
    }

    /// Gives the terminal back at once, lets runs under way end in order, and tells what
    /// became of those that the operator has not seen end well.
    async fn finish(&mut self, silent: bool) {
        let left = self.screen.leave();
        self.hands.stop();
        self.hands.taken_down().await;
        if self.hands.must_wait() {
            if !silent && left.is_ok() {
                say("a run is under way: waiting for the scope in flight");
            }
            self.wait(SOFT_ENDING).await;
            self.hands.stop();
            self.wait(HARD_ENDING).await;
        }
        self.tell();
        // What has not ended by now was told to be unknown.
        if self.hands.must_wait() {
            self.hands.leave();
        }
    }

    /// Leaves at once, and tells of which runs nobody knows what they wrote.
    fn leave(&mut self) {
        if let Err(error) = self.screen.leave() {
            tracing::warn!("the terminal could not be given back: {error}");
        }
        self.hands.leave();
        self.tell();
    }

    async fn wait(&mut self, patience: Duration) {
        for (ticket, news) in self.hands.wait(patience).await {
            // Nothing that it asks for is done any more.
            app::update(&mut self.state, Event::News(ticket, news), Moment::now());
        }
    }

    fn tell(&self) {
        for line in app::farewell::farewell(&self.state, |run| self.hands.run_name(run.ticket)) {
            let mut line = line.text();
            if self.state.setting.config_name == "demo" {
                line = demo::worded(&line).into_owned();
            }
            tracing::info!("{line}");
            print(&line);
        }
    }
}

/// When the next frame is to be drawn after one at `drawn_at`.
fn due(dirty: Dirty, drawn_at: Option<Instant>, now: Instant) -> Option<Instant> {
    let pause = match dirty {
        Dirty::No => return None,
        Dirty::Progress => PROGRESS_FRAME,
        Dirty::Now => FRAME,
    };
    Some(drawn_at.map_or(now, |at| at + pause))
}

/// The configuration file, by a name that means the same in every folder: command lines are pasted elsewhere.
fn config_file(located: &Located) -> Option<PathBuf> {
    match located {
        Located::Found { path, .. } => Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
        Located::NotFound { .. } => None,
    }
}

/// What the title calls the configuration.
fn config_name(start: &Start) -> String {
    match (&start.located, start.demo) {
        (_, true) => "demo".into(),
        (Some(Located::Found { path, .. }), _) => {
            crate::model::Foreign::from(path.to_string_lossy().as_ref()).to_string()
        }
        _ => "no configuration".into(),
    }
}

fn say(text: &str) {
    print(&format!("scopesync: {text}"));
}

fn print(line: &str) {
    use std::io::Write as _;
    // Whoever reads standard error may have gone.
    let _ = writeln!(io::stderr(), "{line}");
}

// The loop wakes for a gate when it opens, and a frame must not be later than that.
const _: () = assert!(READING_TIME.as_millis() > PROGRESS_FRAME.as_millis());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_found_again_from_another_folder() {
        let found = |path: &str| {
            let (config, text) = (Box::default(), crate::secret::Inline::new(String::new()));
            config_file(&Located::Found { path: path.into(), config, text })
        };
        let here = std::env::current_dir().unwrap();
        assert_eq!(found("sites/./berlin.toml"), Some(here.join("sites/berlin.toml")));
        assert_eq!(found("/etc/../c.toml"), Some("/etc/../c.toml".into()), "no link is resolved");
        assert_eq!(config_file(&Located::NotFound { searched: Vec::new() }), None);
    }

    #[test]
    fn frames_in_a_second_of_things_that_never_stop_coming() {
        for (dirty, frames) in [(Dirty::No, 0), (Dirty::Progress, 10), (Dirty::Now, 30)] {
            let began = Instant::now();
            let mut drawn = Vec::new();
            for now in (0..1000).map(|at| began + Duration::from_millis(at)) {
                if due(dirty, drawn.last().copied(), now).is_some_and(|due| now >= due) {
                    drawn.push(now);
                }
            }
            assert_eq!(drawn.len(), frames);
        }
    }
}
