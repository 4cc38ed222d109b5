//! From arguments, environment and files to servers that can be asked.

use std::sync::Arc;

use super::Failure;
use super::args::Global;
use super::configuration;
use super::console::Console;
use super::replicate::AtTerminal;
use crate::backend::connect;
use crate::config::{Config, Located, LogConfig, ThemeChoice, process_env};
use crate::demo;
use crate::detached::Origin;
use crate::engine::fleet::Fleet;
use crate::history::History;
use crate::log::{self, LogGuard, Recent};
use crate::show::{is_unicode_readable, show_ascii_alone};
use crate::state::{StateError, StateFolder};
use crate::ui::{Glyphs, Theme};

/// The threads on which servers are asked.
///
/// # Errors
/// The system gives none.
pub(super) fn threads() -> Result<tokio::runtime::Runtime, Failure> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    threads.map_err(|error| Failure::new(format!("no threads to work with: {error}")))
}

/// Where past runs and jobs are kept: those of the demo by themselves.
///
/// # Errors
/// [`StateError::Nowhere`] for a user without a home folder.
pub(super) fn kept(global: &Global) -> Result<StateFolder, StateError> {
    let state = StateFolder::locate(&process_env);
    if global.demo { state.map(|state| state.of_demo()) } else { state }
}

/// What every command starts from.
pub(super) struct Start {
    /// What the search for a configuration ended with.
    pub located: Located,
    /// What it says; on the demo pair, of these servers.
    pub config: Option<Config>,
    pub state: Result<StateFolder, StateError>,
    /// Where past runs and jobs are kept.
    kept: Result<StateFolder, StateError>,
    /// The log ends when this is dropped.
    pub _log: LogGuard,
    log: LogConfig,
    /// What the operator should know, not said yet.
    pub warnings: Vec<String>,
    /// The servers are the demo pair.
    demo: bool,
    /// The demo goes by the defaults rather than by what is wrong.
    optional: bool,
    read_only: bool,
}

impl Start {
    /// Reads the configuration and starts the log.
    ///
    /// # Errors
    /// The configuration is wrong, or there is no place for the demo pair.
    pub fn new(global: &Global) -> Result<Self, Failure> {
        let (located, unused) = configuration::find(global)?;
        let config = match &located {
            Located::Found { config, .. } => Some((**config).clone()),
            Located::NotFound { .. } => None,
        };
        let config = match global.demo {
            true => Some(demo::config(&StateFolder::locate(&process_env)?, config.unwrap_or_default())?),
            false => config,
        };
        let nothing = LogConfig::default();
        let of_file = config.as_ref().map_or(&nothing, |config| &config.log);
        let (settings, complaint) = log::settle(global.log.as_deref(), &process_env, of_file);
        let mut warnings: Vec<String> = unused.into_iter().collect();
        if let (Located::Found { path, .. }, Some(config)) = (&located, &config) {
            warnings.extend(config.warnings.iter().map(|warning| format!("{}:{warning}", path.display())));
        }
        warnings.extend(complaint.iter().map(ToString::to_string));
        let (guard, complaint) = log::start(&settings, StateFolder::locate(&process_env));
        warnings.extend(complaint.iter().map(ToString::to_string));
        // Only what needs the folder fails without it.
        let (state, kept) = (StateFolder::locate(&process_env), kept(global));
        let (demo, read_only, optional) = (global.demo, global.read_only, configuration::is_optional(global));
        Ok(Start { located, config, state, kept, _log: guard, log: settings, warnings, demo, optional, read_only })
    }

    /// The servers; `None` without a configuration.
    ///
    /// # Errors
    /// A server that this build cannot reach.
    pub fn fleet(&self) -> Result<Option<Fleet>, Failure> {
        let mut fleet = self.config.as_ref().map(|config| connect::fleet(config, self.read_only)).transpose()?;
        fleet.iter_mut().for_each(|fleet| fleet.read_only = self.read_only);
        Ok(fleet)
    }

    /// The servers for a command that cannot do without.
    ///
    /// # Errors
    /// There is no configuration, or no server in it.
    pub fn servers(&self) -> Result<Fleet, Failure> {
        let searched = match &self.located {
            Located::NotFound { searched } => searched.as_slice(),
            Located::Found { .. } => &[],
        };
        let fleet = self.fleet()?.ok_or_else(|| Failure::no_configuration(searched))?;
        match (&self.located, fleet.servers().is_empty()) {
            (Located::Found { path, .. }, true) => {
                Err(Failure::new(format!("the configuration {} lists no server", path.display()))
                    .hint("add a [[server]] for each partner"))
            }
            _ => Ok(fleet),
        }
    }

    /// What a job needs to reach the same servers; `None` without a configuration.
    ///
    /// # Errors
    /// There is no state folder for it.
    pub fn origin(&self) -> Result<Option<Origin>, Failure> {
        let Some(config) = &self.config else { return Ok(None) };
        let state = match &self.state {
            Ok(state) => state.clone(),
            Err(error) => return Err(Failure::new(error.to_string())),
        };
        let file = match &self.located {
            Located::Found { path, text, .. } => Some((path.clone(), text.clone())),
            Located::NotFound { .. } => None,
        };
        let (demo, read_only, log) = (self.demo, self.read_only, self.log.clone());
        Ok(Some(Origin { config: config.clone(), demo, file, read_only, state, log }))
    }

    /// The history, within the configuration's limits.
    pub fn history(&self) -> History {
        History::of(&self.kept).within(self.config.as_ref().map(|config| config.history).unwrap_or_default())
    }

    /// The newest messages of the log.
    pub fn recent(&self) -> Recent {
        self._log.recent.clone()
    }

    /// Who answers at the terminal.
    pub fn operator(&self) -> AtTerminal {
        let screen = self.config.as_ref().map(|config| config.screen.clone()).unwrap_or_default();
        AtTerminal::new(screen.type_name_above)
    }

    /// Says what the operator should know.
    pub fn warn(&mut self, console: &mut Console) {
        self.warnings.drain(..).for_each(|text| console.warning(text));
    }

    /// What the interactive program starts from.
    ///
    /// # Errors
    /// A server that this build cannot reach, or no place for the state folder.
    pub fn interactive(mut self) -> Result<(crate::runtime::Start, LogGuard), Failure> {
        let fleet = self.fleet()?.map(Arc::new);
        let origin = self.origin()?;
        let mut screen = self.config.as_ref().map(|config| config.screen.clone()).unwrap_or_default();
        let env = |name: &str| process_env(name).map(|value| value.to_string_lossy().into_owned());
        // who wants signs beyond ASCII has a terminal that shows them
        show_ascii_alone(screen.glyphs != Some(Glyphs::UNICODE) && !is_unicode_readable(env));
        let theme = match Theme::chosen(&screen, env) {
            Err(error) if self.optional => {
                self.warnings.push(configuration::unused(&error));
                screen.theme = ThemeChoice::default();
                Theme::chosen(&screen, env)?
            }
            theme => theme?,
        };
        let start = crate::runtime::Start {
            fleet,
            demo: self.demo,
            located: Some(self.located),
            read_only: self.read_only,
            theme,
            screen,
            keymap: self.config.as_ref().map(|config| config.keymap.clone()).unwrap_or_default(),
            kept: self.config.as_ref().map(|config| config.history).unwrap_or_default(),
            state: self.state?,
            origin,
            recent: self._log.recent.clone(),
            warnings: std::mem::take(&mut self.warnings),
        };
        Ok((start, self._log))
    }
}
