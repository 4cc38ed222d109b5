//! Why a command failed, and what to do about it.

use std::path::PathBuf;

use crate::config::ConfigError;
use crate::demo::DemoError;
use crate::engine;
use crate::runtime::RuntimeError;
use crate::state::StateError;

/// A command that ends with an error: exit status 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What happened; may have several lines; safe to show.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The operator has ended it, and nothing came of it.
    pub is_given_up: bool,
}

impl Failure {
    /// A failure without advice.
    pub fn new(message: impl Into<String>) -> Self {
        Failure { message: message.into(), hint: None, is_given_up: false }
    }

    /// What was waited for was given up.
    pub fn given_up(what: &str) -> Self {
        Failure { is_given_up: true, ..Failure::new(format!("given up: {what}")) }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// No configuration is there, and none was asked for.
    pub fn no_configuration(searched: &[PathBuf]) -> Self {
        let mut message = "there is no configuration file; looked for:".to_owned();
        for path in searched {
            message.push_str(&format!("\n  {}", path.display()));
        }
        Failure::new(message).hint(
            "list your servers in one of these files, or name another with --config or SCOPESYNC_CONFIG; \
             with --demo the same command works on the demo pair",
        )
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        Failure { hint: error.hint.clone(), ..Failure::new(error.to_string()) }
    }
}

impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        Failure::new(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Failure::new(error.to_string())
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Failure::new(error.to_string())
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        Failure::new(error.to_string())
    }
}
