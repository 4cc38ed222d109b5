//! Kea's commands: a request, and the typed answer with its result code.
//!
//! The protocol is that of Kea's "Control Channel" (Kea Administrator Reference Manual,
//! "Management API").

use std::borrow::Cow;
use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::dialect::text;
use super::transport::{Transport, Via};
use crate::backend::exchange::{Broken, Effect};
use crate::engine::port::Control;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, ServerName};

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// 0: done.
    Done,
    /// 1: refused or failed.
    Failed,
    /// 2: the server does not know the command.
    Unsupported,
    /// 3: the asked-for object is not there.
    Empty,
    /// 4: against what the server knows.
    Conflict,
    /// 5: failed, and the old state could not be restored.
    Fatal,
    /// A code that we do not know.
    Other(i64),
}

impl From<i64> for Code {
    fn from(result: i64) -> Self {
        match result {
            0 => Code::Done,
            1 => Code::Failed,
            2 => Code::Unsupported,
            3 => Code::Empty,
            4 => Code::Conflict,
            5 => Code::Fatal,
            other => Code::Other(other),
        }
    }
}

/// The answer to a command.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The command that was answered.
    pub command: &'static str,
    /// What it came to.
    pub code: Code,
    /// What the server says about it.
    pub text: Foreign,
    /// What it gives: JSON text, a slice of the whole answer.
    pub arguments: Option<Bytes>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    result: i64,
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl Answer {
    /// Takes the text of an answer apart.
    ///
    /// # Errors
    /// When it is not what the protocol says.
    pub fn read(command: &'static str, answer: &Bytes) -> Result<Self> {
        let answer = &readable(answer);
        let wire: Wire = serde_json::from_slice(answer).map_err(|error| garbled(command, &error))?;
        Ok(Answer {
            command,
            code: wire.result.into(),
            text: wire.text.unwrap_or_default().into_owned().into(),
            arguments: wire.arguments.map(|raw| answer.slice_ref(raw.get().as_bytes())),
        })
    }

    /// Why the command was not done; `None` when it was.
    pub fn failure(&self) -> Option<Error> {
        let Answer { command, text, .. } = self;
        let said = if text.raw().is_empty() { "no reason was given".to_owned() } else { text.to_string() };
        let error = match self.code {
            Code::Done => return None,
            Code::Failed => Error::new(ErrorKind::Refused, format!("{command} was refused: {said}")),
            Code::Unsupported => Error::new(ErrorKind::Unsupported, format!("{command} is not supported: {said}"))
                .hint(provider(command)),
            Code::Empty => Error::new(ErrorKind::Empty, format!("{command} found nothing: {said}")),
            Code::Conflict => Error::new(ErrorKind::Refused, format!("{command} met a conflict: {said}")),
            Code::Fatal => {
                Error::new(ErrorKind::Refused, format!("{command} failed and could not be taken back: {said}"))
                    .hint("look at the server's log and state; config-reload goes back to its file")
            }
            Code::Other(code) => Error::new(ErrorKind::Refused, format!("{command} gave result {code}: {said}")),
        };
        Some(error)
    }

    /// What the command gave; an error unless it was done.
    ///
    /// # Errors
    /// By the result code, or when what it gave has another shape.
    pub fn given<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        match self.failure() {
            Some(error) => Err(error),
            None => serde_json::from_slice(self.arguments.as_deref().unwrap_or(b"null"))
                .map_err(|e| garbled(self.command, &e)),
        }
    }

    /// What the command gave; `None` when the asked-for object is not there.
    ///
    /// # Errors
    /// As [`Answer::given`].
    pub fn found<T: serde::de::DeserializeOwned>(&self) -> Result<Option<T>> {
        if self.code == Code::Empty { Ok(None) } else { self.given().map(Some) }
    }
}

/// What `config-get` gave.
#[derive(Clone, Debug)]
pub struct ConfigAnswer {
    /// The text of the `Dhcp4` object: a slice of the whole answer.
    pub dhcp4: Bytes,
    /// The server's own hash of it, from Kea 2.4.
    pub hash: Option<Foreign>,
}

impl ConfigAnswer {
    /// Finds the configuration in an answer of any size, in one pass.
    ///
    /// # Errors
    /// When the command failed or the answer holds no DHCPv4 configuration.
    pub fn read(answer: &Bytes) -> Result<Self> {
        #[derive(Deserialize)]
        struct Wire<'a> {
            result: i64,
            #[serde(borrow)]
            arguments: Option<Arguments<'a>>,
        }
        #[derive(Deserialize)]
        struct Arguments<'a> {
            #[serde(borrow, rename = "Dhcp4")]
            dhcp4: Option<&'a RawValue>,
            hash: Option<Cow<'a, str>>,
        }
        const COMMAND: &str = "config-get";
        let answer = &readable(answer);
        let wire: std::result::Result<Wire, _> = serde_json::from_slice(answer);
        let arguments = match wire {
            Ok(Wire { result: 0, arguments }) => arguments,
            Ok(_) => None,
            Err(error) => return Err(garbled(COMMAND, &error)),
        };
        if let Some(Arguments { dhcp4: Some(dhcp4), hash }) = arguments {
            let dhcp4 = answer.slice_ref(dhcp4.get().as_bytes());
            return Ok(ConfigAnswer { dhcp4, hash: hash.map(|hash| hash.into_owned().into()) });
        }
        Err(Answer::read(COMMAND, answer)?.failure().unwrap_or_else(|| {
            Error::new(ErrorKind::Garbled, "the configuration that config-get gave is not that of a DHCPv4 server")
                .hint("give the control socket of kea-dhcp4, not that of another program")
        }))
    }
}

/// The commands that a server has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands(BTreeSet<String>);

impl Commands {
    /// Whether it has this one.
    pub fn has(&self, command: &str) -> bool {
        self.0.contains(command)
    }

    /// Those of these that it lacks.
    pub fn lacks<'a>(&self, commands: &[&'a str]) -> Vec<&'a str> {
        commands.iter().copied().filter(|command| !self.has(command)).collect()
    }
}

impl FromIterator<String> for Commands {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Commands(names.into_iter().collect())
    }
}

/// Where a command comes from: what to load when it is missing.
pub fn provider(command: &str) -> &'static str {
    match command.split('-').next() {
        Some("subnet4" | "network4") => "load libdhcp_subnet_cmds.so on this server",
        Some("reservation") => "load libdhcp_host_cmds.so on this server",
        Some("stat") => "load libdhcp_stat_cmds.so on this server",
        Some("lease4") => "load libdhcp_lease_cmds.so on this server",
        _ => "this version of Kea does not have it",
    }
}

/// The way to one server: sends commands and reads their answers.
#[derive(Clone, Debug)]
pub struct Channel {
    server: ServerName,
    transport: Transport,
}

impl Channel {
    /// Commands for this server by this way.
    pub fn new(server: ServerName, transport: impl Into<Transport>) -> Self {
        Channel { server, transport: transport.into() }
    }

    /// The server that it leads to.
    pub fn server(&self) -> &ServerName {
        &self.server
    }

    /// What carries the commands.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Sends a command that changes nothing. A hard cancel ends the waiting.
    ///
    /// # Errors
    /// When there is no well-formed answer. A result code is no error here.
    pub async fn ask(&self, command: &'static str, arguments: Option<&Value>, ctl: &Control) -> Result<Answer> {
        let answer = self.ask_raw(command, arguments, ctl).await?;
        Answer::read(command, &answer).map_err(|error| error.on(&self.server))
    }

    /// Sends a command that changes nothing and yet takes as long as one that does.
    ///
    /// # Errors
    /// As [`Channel::ask`].
    pub async fn rehearse(&self, command: &'static str, arguments: &Arguments, ctl: &Control) -> Result<Answer> {
        let request = request(command, self.transport.service(), Some(arguments));
        let answer = self.ask_this(command, request, Effect::Writes, ctl).await?;
        Answer::read(command, &answer).map_err(|error| error.on(&self.server))
    }

    /// [`Channel::ask`], and the answer as it came.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask_raw(&self, command: &'static str, arguments: Option<&Value>, ctl: &Control) -> Result<Bytes> {
        let arguments = arguments.map(Arguments::of);
        let request = request(command, self.transport.service(), arguments.as_ref());
        self.ask_this(command, request, Effect::Reads, ctl).await
    }

    async fn ask_this(
        &self,
        command: &'static str,
        request: Vec<u8>,
        patience: Effect,
        ctl: &Control,
    ) -> Result<Bytes> {
        tokio::select! {
            biased;
            () = ctl.hard.cancelled() => {
                Err(Error::new(ErrorKind::Cancelled, format!("cancelled during {command}")).on(&self.server))
            }
            answer = self.transport.exchange(request, patience) => {
                answer.map_err(|broken| self.during(command, broken))
            }
        }
    }

    /// Who answers: found out once, by a question that names no service, which an agent
    /// answers for itself.
    ///
    /// # Errors
    /// When there is no well-formed answer.
    pub async fn via(&self, ctl: &Control) -> Result<Via> {
        if let Some(via) = self.transport.via() {
            return Ok(via);
        }
        const COMMAND: &str = "list-commands";
        let answer = self.ask_this(COMMAND, request(COMMAND, &[], None), Effect::Reads, ctl).await?;
        let given = Answer::read(COMMAND, &answer).and_then(|answer| answer.given::<Vec<String>>());
        let commands = given.map_err(|error| error.on(&self.server))?;
        let serves = commands.iter().any(|command| command == "dhcp-disable");
        let via = if serves { Via::Direct } else { Via::Agent };
        self.transport.found_out(via);
        Ok(via)
    }

    /// Sends a command that changes something, once. It is never cut short: until the
    /// answer or the time-out.
    ///
    /// # Errors
    /// When there is no well-formed answer; in doubt when the request had gone out.
    pub async fn tell(&self, command: &'static str, arguments: Option<&Value>) -> Result<Answer> {
        self.tell_in_words(command, arguments.map(Arguments::of).as_ref()).await
    }

    /// The same with arguments that are in words already.
    ///
    /// # Errors
    /// As [`Channel::tell`].
    pub async fn tell_in_words(&self, command: &'static str, arguments: Option<&Arguments>) -> Result<Answer> {
        let request = request(command, self.transport.service(), arguments);
        let answer = self.transport.exchange(request, Effect::Writes).await.map_err(|broken| {
            let sent = broken.sent;
            let error = self.during(command, broken);
            if sent { error.in_doubt() } else { error }
        })?;
        Answer::read(command, &answer).map_err(|error| error.on(&self.server).in_doubt())
    }

    /// Where no connection stood, the command has nothing to do with it and is not named.
    fn during(&self, command: &str, Broken { mut error, sent }: Broken) -> Error {
        if sent {
            error.what = format!("{} ({command})", error.what);
        }
        error.on(&self.server)
    }
}

/// The arguments of a command in the words in which they are sent: made once, sent as often as
/// it takes. They may carry passwords, and no formatter shows them.
#[derive(Clone)]
pub struct Arguments(Bytes);

impl Arguments {
    /// Puts arguments into words.
    pub fn of(arguments: &impl Serialize) -> Self {
        let mut text = Vec::with_capacity(256);
        let mut writer = serde_json::Serializer::with_formatter(&mut text, BytesAsEscapes);
        // writing to memory, and of values only: there is nothing that could fail
        let _ = arguments.serialize(&mut writer);
        Arguments(text.into())
    }
}

impl std::fmt::Debug for Arguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arguments({} bytes)", self.0.len())
    }
}

/// The text of a request.
fn request(command: &str, service: &[&str], arguments: Option<&Arguments>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Request<'a> {
        command: &'a str,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        service: &'a [&'a str],
    }
    let mut text = Vec::with_capacity(256 + arguments.map_or(0, |arguments| arguments.0.len()));
    let _ = serde_json::to_writer(&mut text, &Request { command, service });
    if let Some(Arguments(arguments)) = arguments {
        text.pop();
        text.extend_from_slice(b",\"arguments\":");
        text.extend_from_slice(arguments);
        text.push(b'}');
    }
    text
}

/// The text of an answer with letters where Kea escapes their bytes (`ü` arrives as `\u00c3\u00bc`).
fn readable(answer: &Bytes) -> Bytes {
    match text::from_answer(answer) {
        Cow::Borrowed(_) => answer.clone(),
        Cow::Owned(text) => text.into(),
    }
}

/// Kea takes letters as they are; a byte that was none goes back as the escape it came as.
struct BytesAsEscapes;

impl serde_json::ser::Formatter for BytesAsEscapes {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> std::io::Result<()>
    where
        W: ?Sized + std::io::Write,
    {
        let mut plain = 0;
        let characters = if text::may_hold_stand_ins(fragment) { fragment } else { "" };
        for (at, c) in characters.char_indices() {
            if let Some(byte) = text::stand_in(c) {
                writer.write_all(&fragment.as_bytes()[plain..at])?;
                write!(writer, "\\u{byte:04x}")?;
                plain = at + c.len_utf8();
            }
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }

    /// Outside of its strings, JSON text has no such byte.
    fn write_raw_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> std::io::Result<()>
    where
        W: ?Sized + std::io::Write,
    {
        self.write_string_fragment(writer, fragment)
    }
}

fn garbled(command: &str, error: &serde_json::Error) -> Error {
    let what = if error.is_eof() {
        format!("the answer to {command} ends in the middle")
    } else {
        format!("the answer to {command} is not what Kea's protocol says: {}", Foreign::from(error.to_string()))
    };
    Error::new(ErrorKind::Garbled, what).hint("is it the control channel of kea-dhcp4? its log may say more")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Result<Answer> {
        Answer::read("subnet4-get", &Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn each_result_code_is_a_case_of_its_own() {
        let cases = [
            (0, Code::Done, None),
            (1, Code::Failed, Some(ErrorKind::Refused)),
            (2, Code::Unsupported, Some(ErrorKind::Unsupported)),
            (3, Code::Empty, Some(ErrorKind::Empty)),
            (4, Code::Conflict, Some(ErrorKind::Refused)),
            (5, Code::Fatal, Some(ErrorKind::Refused)),
            (-7, Code::Other(-7), Some(ErrorKind::Refused)),
        ];
        for (result, code, kind) in cases {
            let text = format!("{{\"result\": {result}, \"text\": \"so\"}}");
            let answer = Answer::read("subnet4-get", &Bytes::from(text)).unwrap();
            assert_eq!(answer.code, code);
            assert_eq!(answer.failure().map(|error| error.kind), kind, "{result}");
        }
        let unknown = read(r#"{"result": 2}"#).unwrap().failure().unwrap();
        assert!(unknown.hint.unwrap().contains("subnet_cmds"));
    }

    #[test]
    fn text_of_the_server_is_shown_cleaned() {
        let error = read(r#"{"result": 1, "text": "bad\u001b[2J\u202evalue"}"#).unwrap().failure().unwrap();
        assert_eq!(error.what, "subnet4-get was refused: bad\\u{1b}[2J\\u{202e}value");
    }

    #[test]
    fn garbage_is_told_from_a_cut_answer() {
        let cut = read(r#"{"result": 0, "argum"#).unwrap_err();
        assert!(cut.kind == ErrorKind::Garbled && cut.what.contains("ends in the middle"), "{cut}");
        for text in ["<html>", "[]", "{}", "\"x\"", r#"{"result": "0"}"#, "\u{1}\u{2}", r#"{"result":0} {"result":0}"#]
        {
            let bad = read(text).unwrap_err();
            assert!(bad.kind == ErrorKind::Garbled && bad.what.contains("protocol"), "{text}: {bad}");
        }
        assert_eq!(
            Answer::read("x", &Bytes::from_static(b"{\"result\":0,\"text\":\"\xff\"}")).unwrap_err().kind,
            ErrorKind::Garbled
        );
    }

    #[test]
    fn the_configuration_is_found_without_a_copy() {
        let answer =
            Bytes::from_static(br#"{ "arguments": { "Dhcp4": { "subnet4": [ ] }, "hash": "AB" }, "result": 0 }"#);
        let config = ConfigAnswer::read(&answer).unwrap();
        assert_eq!(&config.dhcp4[..], br#"{ "subnet4": [ ] }"#);
        assert_eq!(config.dhcp4.as_ptr(), answer[26..].as_ptr());
        assert_eq!(config.hash, Some("AB".into()));
        let kind = |text: &'static [u8]| ConfigAnswer::read(&Bytes::from_static(text)).unwrap_err().kind;
        assert_eq!(kind(br#"{"result":0,"arguments":{"Dhcp6":{}}}"#), ErrorKind::Garbled);
        assert_eq!(kind(br#"{"result":1,"text":"no"}"#), ErrorKind::Refused);
        assert_eq!(kind(br#"{"result":0,"arguments":{"Dhcp4":{"a":1"#), ErrorKind::Garbled);
    }

    #[test]
    fn bytes_above_ascii_go_back_as_they_came() {
        let came = br#"{"result": 0, "arguments": {"comment": "Z\u00c3\u00bcrich \u00fc \"q\""}}"#;
        let came: Value = Answer::read("x", &Bytes::from_static(came)).unwrap().given().unwrap();
        assert_eq!(came, serde_json::json!({"comment": "Zürich \u{effc} \"q\""}));
        let text = String::from_utf8(request("x", &[], Some(&Arguments::of(&came)))).unwrap();
        assert_eq!(text, "{\"command\":\"x\",\"arguments\":{\"comment\":\"Zürich \\u00fc \\\"q\\\"\"}}");
        let text = String::from_utf8(request("x", &["dhcp4"], None)).unwrap();
        assert_eq!(text, r#"{"command":"x","service":["dhcp4"]}"#);
    }
}
