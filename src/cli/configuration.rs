//! Which configuration a command goes by.

use super::args::Global;
use crate::config::{ConfigError, Located, locate, process_env};
use crate::show::plural;

/// What the search for a configuration ended with, and what the operator should know of it. The demo goes by the same
/// file as everything else, but can do without: only what `--config` names can keep anybody from it.
///
/// # Errors
/// [`ConfigError`] as [`locate`] has it; for the demo only of a file that `--config` names.
pub(super) fn find(global: &Global) -> Result<(Located, Option<String>), ConfigError> {
    match locate(global.config.as_deref(), &process_env) {
        Err(error) if is_optional(global) => {
            let is_there = !matches!(error, ConfigError::Missing { .. });
            Ok((Located::NotFound { searched: Vec::new() }, is_there.then(|| unused(&error))))
        }
        found => Ok((found?, None)),
    }
}

/// Whether one that is broken is none.
pub(super) fn is_optional(global: &Global) -> bool {
    global.demo && global.config.is_none()
}

/// Why the demo goes by the defaults, on one line.
pub(super) fn unused(error: &ConfigError) -> String {
    let why = match error {
        ConfigError::Invalid { path, problems, .. } => {
            let first = problems.first().map(|first| format!("{}:{first}", path.display())).unwrap_or_default();
            match problems.len() {
                0 | 1 => first,
                several => format!("{first} (and {} more)", plural(several - 1, "mistake")),
            }
        }
        error => error.to_string(),
    };
    format!("the demo goes by the defaults: {why}")
}
