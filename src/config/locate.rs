//! Where the configuration file is.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};

use super::Config;
use super::error::{ConfigError, Problem};
use super::parse::CONFIGURATION;
use super::read::position;
use crate::secret::Inline;

/// Reads one environment variable.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The environment of this process, for [`locate`].
pub fn process_env(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Names the configuration file.
const VARIABLE: &str = "SCOPESYNC_CONFIG";
/// The configuration of the whole machine.
const SYSTEM_WIDE: &str = "/etc/scopesync/config.toml";

/// What the search for a configuration ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// The first file that is there.
    Found {
        /// The file.
        path: PathBuf,
        /// What it says.
        config: Box<Config>,
        /// Its text as it was read, for a process that shall go by the very same.
        text: Inline,
    },
    /// No file is there, and none was asked for.
    NotFound {
        /// Where one was looked for, in order.
        searched: Vec<PathBuf>,
    },
}

/// The folders of the platform that hold this program's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// For configurations, best first.
    pub config: Vec<PathBuf>,
    /// For what the program keeps; `None` for a user without a home folder.
    pub state: Option<PathBuf>,
}

impl Folders {
    /// Those of the current user.
    pub fn of_user() -> Self {
        let base = choose_base_strategy().ok();
        let config = base.as_ref().map(|base| base.config_dir().join("scopesync"));
        // Windows has no folder for states; the history should stay on the
        // machine, as the cache does there.
        let state = base.map(|base| base.state_dir().unwrap_or_else(|| base.cache_dir()));
        Self { config: config.into_iter().collect(), state: state.map(|folder| folder.join("scopesync")) }
    }

    fn config_files(&self) -> Vec<PathBuf> {
        let own = self.config.iter().map(|folder| folder.join("config.toml"));
        let everybody_s = cfg!(unix).then(|| PathBuf::from(SYSTEM_WIDE));
        own.chain(everybody_s).collect()
    }
}

/// Finds and reads the configuration: the file given on the command line, else
/// the one that `SCOPESYNC_CONFIG` names, else `config.toml` in the user's
/// configuration folder, else `/etc/scopesync/config.toml`.
///
/// # Errors
/// [`ConfigError`] if a file that was asked for is missing, or if the first
/// file that is there cannot be read or is wrong.
pub fn locate(argument: Option<&Path>, env: Env<'_>) -> Result<Located, ConfigError> {
    locate_in(argument, env, &Folders::of_user().config_files())
}

fn locate_in(argument: Option<&Path>, env: Env<'_>, files: &[PathBuf]) -> Result<Located, ConfigError> {
    let variable = env(VARIABLE).filter(|value| !value.is_empty());
    let asked = match (argument, variable) {
        (Some(path), _) => Some((path.to_owned(), "--config")),
        (None, Some(value)) => Some((PathBuf::from(value), VARIABLE)),
        (None, None) => None,
    };
    if let Some((path, asked_by)) = asked {
        return match read(&path)? {
            Some(read) => Ok(found(path, read)),
            None => Err(ConfigError::Missing { path, asked_by }),
        };
    }
    for path in files {
        if let Some(read) = read(path)? {
            return Ok(found(path.clone(), read));
        }
    }
    Ok(Located::NotFound { searched: files.to_vec() })
}

fn found(path: PathBuf, (config, text): (Config, Inline)) -> Located {
    Located::Found { path, config: Box::new(config), text }
}

/// `None` if there is no such file.
fn read(path: &Path) -> Result<Option<(Config, Inline)>, ConfigError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => {
            let path = path.to_owned();
            return Err(ConfigError::Unreadable { what: CONFIGURATION, path, source });
        }
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let lossy = String::from_utf8_lossy(error.as_bytes());
        let (line, column) = position(&lossy, good);
        ConfigError::Invalid {
            what: CONFIGURATION,
            path: path.to_owned(),
            problems: vec![Problem { line, column, message: "the file is not UTF-8 text from here on".to_owned() }],
        }
    })?;
    Config::parse(&text, path).map(|config| Some((config, Inline::new(text))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn no_env(_: &str) -> Option<OsString> {
        None
    }

    #[test]
    fn nothing_anywhere_lists_what_was_searched() {
        let folder = tempfile::tempdir().unwrap();
        let files = [folder.path().join("a.toml"), folder.path().join("b/c.toml")];
        let located = locate_in(None, &no_env, &files).unwrap();
        let searched = files.to_vec();
        assert_eq!(located, Located::NotFound { searched });
    }

    #[test]
    fn argument_then_environment_then_folders_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, limit: u32| {
            let path = folder.path().join(name);
            fs::write(&path, format!("throttle_limit = {limit}")).unwrap();
            path
        };
        let (given, named) = (file("given", 1), file("named", 2));
        let files = [folder.path().join("absent"), file("user", 3), file("system", 4)];
        let with_env = |name: &str| (name == "SCOPESYNC_CONFIG").then(|| named.clone().into_os_string());
        let limit = |argument, env| match locate_in(argument, env, &files).unwrap() {
            Located::Found { config, .. } => config.throttle_limit,
            Located::NotFound { .. } => panic!("a file is there"),
        };
        assert_eq!(limit(Some(given.as_path()), &with_env), 1);
        assert_eq!(limit(None, &with_env), 2);
        assert_eq!(limit(None, &no_env), 3);
        assert_eq!(limit(None, &|_| Some(OsString::new())), 3);
    }

    #[test]
    fn a_file_that_was_asked_for_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there");
        fs::write(&there, "").unwrap();
        let absent = folder.path().join("absent");
        let text = |argument: Option<&Path>, env: Env<'_>| {
            let error = locate_in(argument, env, std::slice::from_ref(&there)).unwrap_err();
            error.to_string().replace(&absent.display().to_string(), "F")
        };
        assert_eq!(text(Some(&absent), &no_env), "there is no configuration file F, which --config asks for");
        assert_eq!(
            text(None, &|_| Some(absent.clone().into_os_string())),
            "there is no configuration file F, which SCOPESYNC_CONFIG asks for"
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let files = [folder.path().to_owned(), folder.path().join("absent")];
        let error = locate_in(None, &no_env, &files).unwrap_err();
        assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
    }

    #[test]
    fn bytes_that_are_no_text_are_placed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, b"# fine\n# \xc3\xa4 \xff").unwrap();
        let error = locate_in(Some(&path), &no_env, &[]).unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(":2:5: the file is not UTF-8 text from here on"), "{text}");
    }
}
