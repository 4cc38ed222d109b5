//! Writing a file whose name the operator types.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::effect::Ticket;
use super::entry::Entry;
use crate::files::private;
use crate::model::Foreign;

/// The question for the file.
pub struct Saving {
    /// Its name, as far as it is typed.
    pub entry: Entry,
    /// It is being written.
    pub ticket: Option<Ticket>,
}

impl Saving {
    /// Something to begin with.
    pub fn new(name: String) -> Self {
        Saving { entry: Entry::new(name), ticket: None }
    }
}

/// A name for a file in the working folder: `scopesync-plan-berlin-hamburg-20260102T030405Z.txt`.
pub fn file_name(what: &str, about: &str, now: jiff::Timestamp, ending: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let about: String = about.chars().take(60).map(plain).collect();
    let about = if about.is_empty() { about } else { format!("-{about}") };
    format!("scopesync-{what}{about}-{}.{ending}", now.strftime("%Y%m%dT%H%M%SZ"))
}

/// The file that is meant by what was typed: no shell stands between that expands `~/`.
///
/// # Errors
/// In words: nobody knows where that folder is.
pub fn path(typed: &str) -> Result<PathBuf, String> {
    let typed = typed.trim();
    let Some(after) = typed.strip_prefix('~') else { return Ok(PathBuf::from(typed)) };
    let is_separated = after.starts_with(std::path::is_separator);
    match std::env::home_dir().filter(|home| !home.as_os_str().is_empty()) {
        _ if !after.is_empty() && !is_separated => {
            let user = Foreign::cleaned(typed.split(std::path::is_separator).next().unwrap_or(typed));
            Err(format!("{user}: only ~/ is known, your own home folder: write the whole path, or ./~ for such a name"))
        }
        Some(home) => Ok(home.join(after.trim_start_matches(std::path::is_separator))),
        None => Err("~/ is not known, as there is no home folder: write the whole path".to_owned()),
    }
}

/// Whether the file is to be JSON, by its name.
pub fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"))
}

/// Writes a new file, for its owner alone; returns its name, safe to show.
///
/// # Errors
/// In words: it is there already, or cannot be written.
pub fn write_new(path: &Path, text: &str) -> Result<String, String> {
    let shown = Foreign::cleaned(&path.to_string_lossy());
    let written = private().write(true).create_new(true).open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    match written {
        // the working folder may be any: the whole name finds it again
        Ok(()) => Ok(std::path::absolute(path).map_or(shown, |whole| Foreign::cleaned(&whole.to_string_lossy()))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(format!("{shown} is there already: give another name"))
        }
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_folder_is_known_by_its_sign() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(path(" ~/plans/a b.txt "), Ok(home.join("plans/a b.txt")));
        for plain in ["a.txt", "/tmp/a.txt", "./~root", "a~/b", ""] {
            assert_eq!(path(plain), Ok(plain.into()));
        }
        let refused = path("~root/a.txt").unwrap_err();
        assert!(refused.starts_with("~root: only ~/ is known"), "{refused}");
    }
}
