//! The demo pair: two embedded Kea configuration files, copied into the state folder, where
//! they can be changed without harm.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::{Config, Endpoint, FileCheck, ServerEntry};
use crate::state::{StateError, StateFolder};

/// The servers, primary first, with their files as they come.
const SERVERS: [(&str, &str); 2] =
    [("berlin", include_str!("../assets/demo/berlin.conf")), ("hamburg", include_str!("../assets/demo/hamburg.conf"))];

/// Why there is no demo pair.
#[derive(Debug, Error)]
pub enum DemoError {
    /// There is no place for it.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of it cannot be written.
    #[error("cannot write the demo pair's file {}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

/// The configuration of the demo pair; all but the servers is as in `like`. Its files are made where
/// they are missing; what was changed in them stays.
///
/// # Errors
/// The files cannot be made.
pub fn config(state: &StateFolder, like: Config) -> Result<Config, DemoError> {
    let folder = state.demo()?;
    let mut servers = Vec::new();
    for (name, text) in SERVERS {
        let path = file(&folder, name);
        if !path.exists() {
            write(&path, text)?;
        }
        let mut entry = ServerEntry::new(name, Endpoint::KeaFile(path));
        // A Kea on this machine is another one, with other hooks; the demo needs none.
        entry.check = FileCheck::Off;
        servers.push(entry);
    }
    // what it says of servers and what joins them is not about these
    Ok(Config { servers, relationships: Vec::new(), warnings: Vec::new(), ..like })
}

/// Makes the demo pair anew, with all its drift, and returns its folder.
///
/// # Errors
/// The files cannot be written.
pub fn reset(state: &StateFolder) -> Result<PathBuf, DemoError> {
    let folder = state.demo()?;
    for (name, text) in SERVERS {
        write(&file(&folder, name), text)?;
    }
    Ok(folder)
}

/// A text for the operator, in which the commands to type are about the demo pair.
pub fn worded(text: &str) -> Cow<'_, str> {
    match text.contains(COMMAND) {
        true => text.replace(COMMAND, "`scopesync --demo ").into(),
        false => text.into(),
    }
}

/// How a command begins that a text tells to type.
const COMMAND: &str = "`scopesync ";

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.conf"))
}

/// Never leaves half a file behind: the next start would take it for one that was changed.
fn write(path: &Path, text: &str) -> Result<(), DemoError> {
    let part = path.with_extension("part");
    let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|source| {
        let _ = std::fs::remove_file(&part);
        DemoError::File { path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_on_first_use_kept_when_changed_and_made_anew_by_reset() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(folder.path());
        let config = config(&state, Config::default()).unwrap();
        let files: Vec<PathBuf> = config.servers.iter().map(|server| server.endpoint.place().into()).collect();
        let read = || files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect::<Vec<_>>();
        let fresh = read();
        assert!(fresh[0].contains("berlin") && fresh[0] != fresh[1]);

        std::fs::write(&files[1], "changed").unwrap();
        super::config(&state, Config::default()).unwrap();
        assert_eq!(read()[1], "changed");

        reset(&state).unwrap();
        assert_eq!(read(), fresh);
        assert_eq!(std::fs::read_dir(folder.path().join("demo")).unwrap().count(), 2);
    }

    #[test]
    fn all_but_what_is_about_servers_is_as_in_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let text = "throttle_limit = 3\n[screen]\ndiff = [\"vimdiff\"]\n[history]\nkeep_runs = 7\n[keys]\nhelp = \"F9\"\n\
                    [[ignore]]\nfield = \"comment\"\nreason = \"ours\"\n\
                    [[server]]\nname = \"one\"\nkind = \"kea\"\nurl = \"https://one.example:8000\"\nuser = \"u\"\n\
                    password = \"secret\"\n\
                    [[server]]\nname = \"two\"\nkind = \"kea\"\nfile = \"/two\"\n\
                    [[relationship]]\nname = \"both\"\nservers = [\"one\", \"two\"]\n";
        let like = Config::parse(text, Path::new("/c.toml")).unwrap();
        let config = config(&StateFolder::at(folder.path()), like.clone()).unwrap();
        assert_eq!(config.servers.iter().map(|server| &*server.name).collect::<Vec<_>>(), ["berlin", "hamburg"]);
        assert!(config.relationships.is_empty() && config.warnings.is_empty() && !like.warnings.is_empty());
        let back = Config { servers: like.servers.clone(), relationships: like.relationships.clone(), ..config };
        assert_eq!(Config { warnings: like.warnings.clone(), ..back }, like);
    }
}
