//! A Kea configuration file as a server: for sites that keep configuration in files, and
//! for looking at a pair that is not running.

mod examine;
mod layout;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use self::layout::Layout;
use super::config::{self, Broken, How, KeaConfig, Scanner};
use super::file::{ConfigFile, FileError, Limits, Options};
use crate::engine::port::{Control, Health, Point, Pulse, Reading, Server, Utilisation, Writer};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Scope, ScopeId, ServerName};

/// How a file is read and written.
#[derive(Clone, Debug, Default)]
pub struct FilePolicy {
    /// Never a target.
    pub read_only: bool,
    /// What may be read.
    pub limits: Limits,
    /// How it is replaced.
    pub options: Options,
}

/// A Kea configuration file. Cheap to clone: all clones are the same file.
#[derive(Clone, Debug)]
pub struct FileServer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: ServerName,
    path: PathBuf,
    policy: FilePolicy,
    last: Mutex<Last>,
}

/// What the last reading told.
#[derive(Debug, Default)]
struct Last {
    own_names: Vec<String>,
    file: Option<Arc<ConfigFile<()>>>,
}

/// The file as it is now.
struct Fresh {
    file: Arc<ConfigFile<()>>,
    config: KeaConfig,
}

/// The same, to be changed: what stands where.
struct Editable {
    file: ConfigFile,
    config: KeaConfig,
    layout: Layout,
}

impl FileServer {
    /// The server of this name whose configuration is this file. Nothing is opened yet.
    pub fn new(name: ServerName, path: impl Into<PathBuf>, policy: FilePolicy) -> Self {
        FileServer(Arc::new(Inner { name, path: path.into(), policy, last: Mutex::default() }))
    }

    fn path(&self) -> &Path {
        &self.0.path
    }

    fn policy(&self) -> &FilePolicy {
        &self.0.policy
    }

    /// Reads the file and everything that it includes, away from the threads that must not block.
    async fn fresh(&self) -> Result<Fresh> {
        let server = self.clone();
        let fresh = self.blocking(move || server.load()).await?;
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.own_names = fresh.config.memberships.iter().map(|m| m.this_server.raw().to_owned()).collect();
        last.file = Some(Arc::clone(&fresh.file));
        Ok(fresh)
    }

    /// The same, to be changed.
    async fn editable(&self) -> Result<Editable> {
        let server = self.clone();
        self.blocking(move || server.load_to_edit()).await
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result.map_err(|error| error.on(&self.0.name)),
            Err(broken) => {
                let what = format!("working on the file ended unexpectedly: {broken}");
                Err(Error::new(ErrorKind::Local, what).on(&self.0.name))
            }
        }
    }

    fn load(&self) -> Result<Fresh> {
        let file = ConfigFile::read_json(self.path(), &self.policy().limits).map_err(as_error)?;
        let (file, text) = file.part();
        let config = understood(dhcp4_of(&text).ok_or_else(no_dhcp4)?)?;
        Ok(Fresh { file: Arc::new(file), config })
    }

    fn load_to_edit(&self) -> Result<Editable> {
        let file = ConfigFile::read(self.path(), &self.policy().limits).map_err(as_error)?;
        let dhcp4 = file.document().root().get(DHCP4).ok_or_else(no_dhcp4)?;
        let config = understood(dhcp4.to_json().to_string().as_bytes())?;
        let layout = Layout::read(file.document(), dhcp4);
        Ok(Editable { file, config, layout })
    }

    fn last_file(&self) -> Option<Arc<ConfigFile<()>>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner).file.clone()
    }
}

const DHCP4: &str = "Dhcp4";

/// The text of the `Dhcp4` object in that of the file.
fn dhcp4_of(text: &[u8]) -> Option<&[u8]> {
    let mut found = None;
    let walked = Scanner::new(text).object::<Broken>(|key, at| {
        let span = at.value()?;
        if key == DHCP4.as_bytes() {
            found = Some(at.slice(&span));
        }
        Ok(())
    });
    walked.ok().and(found)
}

fn understood(dhcp4: &[u8]) -> Result<KeaConfig> {
    config::read(dhcp4, How::File)
        .map_err(|reason| no_kea(format!("the configuration could not be understood: {reason}")))
}

fn no_dhcp4() -> Error {
    no_kea("the file has no \"Dhcp4\"".into())
}

fn no_kea(what: String) -> Error {
    Error::new(ErrorKind::Garbled, what).hint("give the file of a kea-dhcp4 server, such as kea-dhcp4.conf")
}

/// The digests of the file and of everything that it includes.
fn pulse(file: &ConfigFile<()>) -> Pulse {
    let stamps = std::iter::once(file.stamp()).chain(file.includes());
    let digests: Vec<String> = stamps.map(|stamp| stamp.digest.hex()).collect();
    Pulse(digests.join(" ").into())
}

/// A failure in the engine's terms.
fn as_error(error: FileError) -> Error {
    let (kind, hint) = match &error {
        FileError::Changed(_) => (ErrorKind::Moved, "somebody changed it: make a new preview"),
        // no choice of scopes makes a file good that was refused before
        FileError::Refused { old_too: true, .. } | FileError::OldRefused { .. } => {
            let hint = "mend the file, or name in check the kea-dhcp4 of the version that will read it; check = \"off\" \
                        goes without a test";
            (ErrorKind::Safety, hint)
        }
        FileError::Refused { .. } => (ErrorKind::Refused, "mend what the test names, or leave that scope out"),
        FileError::Syntax(_) => (ErrorKind::Garbled, "Kea would refuse the file as well: mend it first"),
        FileError::TooBig { .. } => (ErrorKind::TooLarge, "raise the limit in the configuration, if the file is meant"),
        FileError::CheckTimeout { .. } => {
            (ErrorKind::TimedOut, "try the test by hand; set check = \"off\" to go without")
        }
        FileError::CheckMissing { .. } => {
            (ErrorKind::Local, "name a program that is installed in check, or set check = \"off\" to go without")
        }
        _ => (ErrorKind::Local, "look at the file's place, owner and mode"),
    };
    Error::new(kind, error.to_string()).hint(hint)
}

#[async_trait]
impl Server for FileServer {
    fn name(&self) -> &ServerName {
        &self.0.name
    }

    fn place(&self) -> String {
        self.path().display().to_string()
    }

    /// The names that the server has in its relationships, once the file was read.
    fn addresses(&self) -> Vec<String> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner).own_names.clone()
    }

    fn read_only(&self) -> bool {
        self.policy().read_only
    }

    /// A file tells neither version nor states.
    async fn read(&self, _ctl: &Control) -> Result<Reading> {
        let at = jiff::Timestamp::now();
        let Fresh { file, config, .. } = self.fresh().await?;
        Ok(Reading {
            identity: config.identity,
            version: None,
            health: Health { memberships: config.memberships, ..Health::default() },
            context: config.context,
            levels: config.surroundings,
            scopes: Arc::new(config.scopes),
            unreadable: config.unreadable,
            pulse: Some(pulse(&file)),
            at,
        })
    }

    /// A file names relationships, and is in no state.
    async fn health(&self, _ctl: &Control) -> Result<Health> {
        Ok(Health { memberships: self.fresh().await?.config.memberships, ..Health::default() })
    }

    async fn reread(&self, ids: &[ScopeId], _ctl: &Control) -> Result<BTreeMap<ScopeId, Option<Scope>>> {
        let config = self.fresh().await?.config;
        ids.iter()
            .map(|id| match config.scopes.get(id) {
                None => Ok((*id, None)),
                Some(entry) => match entry.raw.open() {
                    Ok(scope) => Ok((*id, Some(scope))),
                    Err(reason) => {
                        let what = format!("the scope could not be understood: {reason}");
                        Err(Error::new(ErrorKind::Garbled, what).on(&self.0.name).scope(*id))
                    }
                },
            })
            .collect()
    }

    async fn pulse(&self, _ctl: &Control) -> Result<Option<Pulse>> {
        if let Some(file) = self.last_file() {
            let (same, file) = self.blocking(move || Ok((file.check_unchanged().is_ok(), file))).await?;
            if same {
                return Ok(Some(pulse(&file)));
            }
        }
        Ok(Some(pulse(&self.fresh().await?.file)))
    }

    async fn utilisation(&self, _ctl: &Control) -> Result<Option<BTreeMap<ScopeId, Utilisation>>> {
        Ok(None)
    }

    async fn examine(&self, _try_save: bool, _ctl: &Control) -> Vec<Point> {
        self.look_closely().await
    }

    async fn writer(&self, _ctl: &Control) -> Result<Arc<dyn Writer>> {
        if self.policy().read_only {
            return Err(Error::new(ErrorKind::Safety, "the server is read-only")
                .on(&self.0.name)
                .hint("its entry in the configuration says so, or --read-only was given; nothing overrides it"));
        }
        Ok(Arc::new(writer::FileWriter::new(self.clone())))
    }
}
