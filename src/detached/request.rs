//! What a job is told, through a pipe: it may hold passwords, and is wiped from memory.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::{LogConfig, LogLevel, LogTarget};
use crate::engine::approval::Carried;
use crate::engine::plan::LeftOut;
use crate::history::Who;
use crate::model::{Foreign, ScopeId, ServerName};

/// The version of the program: another one may mean something else by the same words.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// No request is larger, in bytes: a million scopes with their fingerprints.
const LARGEST: u64 = 1 << 30;

/// Everything that the job needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub version: String,
    pub title: String,
    /// Who asked.
    pub who: Who,
    /// The state folder, absolute.
    pub state: PathBuf,
    pub log: Log,
    /// The servers are the demo pair of the state folder.
    pub demo: bool,
    /// What the configuration says; without a file nothing.
    pub config: Option<File>,
    /// No server is ever a target.
    pub read_only: bool,
    /// Highest number of targets written side by side.
    pub throttle_limit: usize,
    /// The servers that the job deals with.
    pub servers: BTreeSet<ServerName>,
    /// Their passwords, as far as they have one.
    pub passwords: Vec<(ServerName, Sealed)>,
    pub picks: Vec<Pick>,
    /// The run that is undone; a replication without one.
    pub undoes: Option<String>,
    pub overrides: BTreeSet<String>,
    pub left_out: LeftOut,
    pub approved: Vec<Carried>,
    /// What was asked for, in the front end's words.
    pub asked: serde_json::Value,
}

/// A configuration: this text, which was read from this file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct File {
    pub path: PathBuf,
    pub text: Sealed,
}

/// A relationship, its direction, and which of its scopes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pick {
    pub relationship: Foreign,
    /// Both servers, source first, as they are shown.
    pub sides: [String; 2],
    pub scopes: BTreeSet<ScopeId>,
}

/// Where and how much to log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Log {
    /// `off`, `auto` or a file.
    target: PathBuf,
    level: String,
}

impl Log {
    pub(super) fn of(config: &LogConfig) -> Self {
        let target = match &config.target {
            LogTarget::Off => "off".into(),
            LogTarget::StateFolder => "auto".into(),
            LogTarget::File(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
        };
        Log { target, level: config.level.name().to_owned() }
    }

    pub(super) fn config(&self) -> LogConfig {
        LogConfig {
            target: LogTarget::from_setting(&self.target),
            level: LogLevel::from_name(&self.level).unwrap_or_default(),
        }
    }
}

/// Text that nothing shows; it is written out for the pipe alone.
pub(super) struct Sealed(pub SecretString);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Sealed;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Sealed, E> {
                Ok(Sealed(SecretString::from(text)))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl Request {
    /// Writes it to the pipe.
    ///
    /// # Errors
    /// The job no longer reads, or a path is no text.
    pub(super) fn write(&self, mut pipe: impl Write) -> io::Result<()> {
        // counted first: a text that grows leaves copies of itself behind
        let mut size = Counter(0);
        serde_json::to_writer(&mut size, self)?;
        let mut text = Zeroizing::new(Vec::with_capacity(size.0));
        serde_json::to_writer(&mut *text, self)?;
        pipe.write_all(&(size.0 as u64).to_be_bytes())?;
        pipe.write_all(&text)?;
        pipe.flush()
    }

    /// Reads it from the pipe.
    ///
    /// # Errors
    /// It is none, or that of a program of another version. What stands in it is not told.
    pub(super) fn read(mut pipe: impl Read) -> io::Result<Self> {
        let mut size = [0; 8];
        pipe.read_exact(&mut size)?;
        let size = u64::from_be_bytes(size);
        let too_large = || io::Error::new(io::ErrorKind::InvalidData, "it is too large");
        let size = usize::try_from(size).ok().filter(|_| size <= LARGEST).ok_or_else(too_large)?;
        let mut text = Zeroizing::new(vec![0; size]);
        pipe.read_exact(&mut text)?;
        let request: Result<Request, _> = serde_json::from_slice(&text);
        let request = request.map_err(|error| {
            let place = format!("it is no request: line {}, column {}", error.line(), error.column());
            io::Error::new(io::ErrorKind::InvalidData, place)
        })?;
        match request.version == VERSION {
            true => Ok(request),
            false => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it is of version {:?}, and this program is {VERSION}: start it again", request.version),
            )),
        }
    }
}

struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::FrontEnd;

    fn request() -> Request {
        Request {
            version: VERSION.into(),
            title: "scopesync replicate".into(),
            who: Who::of_process(FrontEnd::CommandLine),
            state: "/s".into(),
            log: Log::of(&LogConfig { target: LogTarget::Off, level: LogLevel::Trace }),
            demo: false,
            config: Some(File { path: "/c".into(), text: Sealed("pass\n\"word\"".to_owned().into()) }),
            read_only: false,
            throttle_limit: 0,
            servers: BTreeSet::new(),
            passwords: vec![("kea-1".into(), Sealed("t\\iger".to_owned().into()))],
            picks: Vec::new(),
            undoes: None,
            overrides: BTreeSet::new(),
            left_out: LeftOut::new(),
            approved: Vec::new(),
            asked: serde_json::Value::Null,
        }
    }

    #[test]
    fn it_comes_out_of_the_pipe_as_it_went_in_and_shows_no_secret() {
        let mut pipe = Vec::new();
        request().write(&mut pipe).unwrap();
        let read = Request::read(pipe.as_slice()).unwrap();
        assert_eq!(read.passwords[0].1.0.expose_secret(), "t\\iger");
        assert_eq!(read.config.as_ref().unwrap().text.0.expose_secret(), "pass\n\"word\"");
        assert_eq!(read.log.config(), LogConfig { target: LogTarget::Off, level: LogLevel::Trace });
        assert!(!format!("{read:?}").contains("iger") && !format!("{read:?}").contains("word\""), "{read:?}");
    }

    #[test]
    fn what_is_no_request_is_told_without_what_was_there() {
        let mut pipe = Vec::new();
        request().write(&mut pipe).unwrap();
        assert!(Request::read(&pipe[..pipe.len() - 1]).is_err(), "cut short");
        assert!(Request::read(&[255; 20][..]).unwrap_err().to_string().contains("too large"));
        let mut other = request();
        other.version = "0.0.0".into();
        pipe.clear();
        other.write(&mut pipe).unwrap();
        assert!(Request::read(pipe.as_slice()).unwrap_err().to_string().contains("of version \"0.0.0\""));
        let mut pipe = 8_u64.to_be_bytes().to_vec();
        pipe.extend(b"\"tiger\" ");
        let error = Request::read(pipe.as_slice()).unwrap_err().to_string();
        assert!(error.contains("no request") && !error.contains("tiger"), "{error}");
    }
}
