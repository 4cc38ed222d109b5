//! Kea's control channel over HTTP: that of kea-dhcp4 itself (Kea 2.7.2 and later), or a
//! control agent in front of it.
//!
//! Both take one POST for each command and answer with a list, one entry for each service.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};

use super::command::{Answer, Code};
use super::transport::Via;
use crate::backend::exchange::{Broken, Effect, Limits};
use crate::backend::http::{BasicAuth, Client, Reply, Request, Words};
use crate::backend::web::{Address, Web};
use crate::engine::port::Point;
use crate::engine::{Error, ErrorKind};
use crate::model::Foreign;

/// What hints about the way to a Kea say.
const WORDS: Words = Words {
    url: "url",
    plain: "http:// in url",
    tls: "https:// in url",
    nobody_listens: "does the server run, and are address and port in url those of its HTTP control socket or of its \
                     control agent? Where they are an agent's, it may be the agent that is down",
    other_port: "is it the port of the server's control channel?",
    see_log: "see the server's log: it may have stopped",
    our_authority: "its authority must be in the server's trust-anchor",
    own_certificate: "openssl x509 -noout -fingerprint -sha256 -in its cert-file",
    largest: "max_answer",
};

/// A control agent gives its server so long, and this cannot be set.
pub const AGENT_PATIENCE: Duration = Duration::from_secs(60);
/// An agent's own failures are short; the answer of a server is not searched for them.
const LONGEST_FAILURE: usize = 4096;

/// The way to one server over HTTP. Cheap to clone: all clones share their connections.
#[derive(Clone, Debug)]
pub struct Http(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    auth: Option<BasicAuth>,
    caveat: Option<&'static str>,
    via: OnceLock<Via>,
}

impl Http {
    /// The server that is reached like this. Nothing is opened yet, and no password got.
    pub fn new(web: Web, limits: Limits) -> Self {
        let auth = web.login.as_ref().map(BasicAuth::new);
        let caveat = web.caveat();
        Http(Arc::new(Inner { client: Client::new(web, limits, &WORDS), auth, caveat, via: OnceLock::new() }))
    }

    /// What it is limited to.
    pub fn limits(&self) -> &Limits {
        self.0.client.limits()
    }

    /// Where it leads, and to what, as far as that is known.
    pub(super) fn place(&self) -> String {
        match self.via() {
            Some(Via::Agent) => format!("{} (control agent)", self.address()),
            _ => self.address().to_string(),
        }
    }

    pub(super) fn caveat(&self) -> Option<&'static str> {
        self.0.caveat
    }

    /// Which of the two it is, once that is known.
    pub(super) fn via(&self) -> Option<Via> {
        self.0.via.get().copied()
    }

    pub(super) fn found_out(&self, via: Via) {
        let _ = self.0.via.set(via);
    }

    /// How safe the way is, after something was asked; `refusal` is the server's no to who we are.
    pub(super) fn security(&self, refusal: Option<&Error>) -> [Point; 2] {
        self.0.client.security(refusal)
    }

    /// The name or address of the machine.
    pub(super) fn host(&self) -> Option<&str> {
        match self.address() {
            Address::Net { host, .. } => Some(host),
            Address::Unix(_) => None,
        }
    }

    fn address(&self) -> &Address {
        self.0.client.address()
    }

    /// Sends one request and gives the entry for its one service.
    pub(super) async fn exchange(&self, request: Vec<u8>, effect: Effect) -> Result<Bytes, Broken> {
        let mut headers = HeaderMap::new();
        // exactly so: with a charset Kea answers 400
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(auth) = &self.0.auth {
            headers.insert(header::AUTHORIZATION, auth.header().await.map_err(Broken::unsent)?);
        }
        let request = Request { headers, body: request.into(), effect };
        let reply = self.0.client.exchange(&request).await.map_err(|broken| self.with_agent_in_mind(broken, effect))?;
        if reply.status != 200 {
            return Err(self.refusal(&reply));
        }
        let Some(entry) = one_entry(&reply.body) else { return Err(Broken::sent(not_kea(&reply, self.address()))) };
        match self.agents_failure(&entry) {
            Some(broken) => Err(broken),
            None => Ok(entry),
        }
    }

    /// Our own time ran out before an agent's could: it would have told more.
    fn with_agent_in_mind(&self, mut broken: Broken, effect: Effect) -> Broken {
        let patience = self.limits().patience(effect);
        if broken.error.kind == ErrorKind::TimedOut && self.via() == Some(Via::Agent) && patience <= AGENT_PATIENCE {
            let key = match effect {
                Effect::Reads => "read_timeout",
                Effect::Writes | Effect::WritesMany(_) => "write_timeout",
            };
            broken.error.hint = Some(format!(
                "the control agent waits up to {AGENT_PATIENCE:?} for its server before it says what is wrong: give \
                 {key} more than that"
            ));
        }
        broken
    }

    /// What a status other than 200 means. Nothing was carried out, unless somebody between
    /// says so who need not know.
    fn refusal(&self, reply: &Reply) -> Broken {
        let address = self.address();
        let refused = |what: String| Error::new(ErrorKind::Refused, what);
        let strange = |what: String| Error::new(ErrorKind::Garbled, what);
        match reply.status {
            401 => Broken::unsent(self.not_authenticated(reply)),
            403 => Broken::unsent(
                refused(format!("{address} forbids it (403{})", said(reply)))
                    .hint("see what the server, or a proxy before it, allows this user to do"),
            ),
            400 => Broken::unsent(
                strange(format!("{address} does not take the request (400{})", said(reply)))
                    .hint("is it the port of kea-dhcp4's HTTP control socket, or of a control agent?"),
            ),
            413 => Broken::unsent(
                refused(format!("a proxy at {address} takes no request of this size (413)"))
                    .hint("raise its limit: nginx calls it client_max_body_size"),
            ),
            status @ 300..400 => {
                let to = reply.header(header::LOCATION).map(|to| format!(" to {}", Foreign::from(to)));
                Broken::unsent(
                    strange(format!("{address} redirects ({status}){}", to.unwrap_or_default()))
                        .hint("a redirect is never followed: write where Kea itself is reached in url"),
                )
            }
            status @ 400..500 => Broken::unsent(
                strange(format!("{address} knows nothing of Kea's commands ({status}{})", said(reply)))
                    .hint("are host, port and path in url those of Kea's HTTP control socket, or of a control agent?"),
            ),
            status @ (502..=504) => Broken::sent(
                Error::new(ErrorKind::Unreachable, format!("a proxy at {address} did not reach Kea ({status})"))
                    .hint("does Kea run behind it, and does the proxy wait long enough for its answer?"),
            ),
            status => Broken::sent(
                strange(format!("{address} failed ({status}{})", said(reply))).hint("see the log of the server there"),
            ),
        }
    }

    fn not_authenticated(&self, reply: &Reply) -> Error {
        let address = self.address();
        let realm = reply.header(header::WWW_AUTHENTICATE).and_then(realm);
        let realm = realm.map_or_else(String::new, |realm| format!(" (realm {})", Foreign::from(realm)));
        match &self.0.auth {
            Some(auth) => {
                // it may have been changed: the next request gets it anew
                auth.forget();
                let what = format!("{address} does not take user {:?} with this password{realm}", auth.user());
                Error::new(ErrorKind::Refused, what).hint("look at user and at where its password comes from")
            }
            None => Error::new(ErrorKind::Refused, format!("{address} demands a user and a password{realm}"))
                .hint("give user, and password_env, password_file or password_command, in its [[server]]"),
        }
    }

    /// The failure of an agent that did not bring an answer of its server.
    fn agents_failure(&self, entry: &Bytes) -> Option<Broken> {
        if entry.len() > LONGEST_FAILURE {
            return None;
        }
        let answer = Answer::read("", entry).ok().filter(|answer| answer.code == Code::Failed)?;
        let broken = agents_failure(answer.text.raw(), self.address())?;
        self.found_out(Via::Agent);
        Some(broken)
    }
}

/// What an agent says of its server, by its words; there is no code for it.
fn agents_failure(text: &str, address: &Address) -> Option<Broken> {
    let unreachable = |what: String| Error::new(ErrorKind::Unreachable, what);
    if text.starts_with("forwarding socket is not configured") {
        return Some(Broken::unsent(
            unreachable(format!("the control agent at {address} knows no kea-dhcp4"))
                .hint("give it control-sockets.dhcp4 with the path of kea-dhcp4's socket"),
        ));
    }
    if text.starts_with("internal server error") {
        return Some(Broken::sent(
            Error::new(
                ErrorKind::Garbled,
                format!("the control agent at {address} did not understand its server: {}", Foreign::from(text)),
            )
            .hint("see the logs of the agent and of kea-dhcp4"),
        ));
    }
    let (_, reason) = text.strip_prefix("unable to forward command to the ")?.split_once(": ")?;
    let reason = reason.strip_suffix(". The server is likely to be offline").unwrap_or(reason);
    let shown = Foreign::from(reason);
    Some(match reason {
        "Connection refused" | "No such file or directory" => Broken::unsent(
            unreachable(format!("the control agent at {address} runs, and kea-dhcp4 behind it does not ({shown})"))
                .hint("start kea-dhcp4 there; if it runs, the agent's control-sockets.dhcp4 names another socket"),
        ),
        "Permission denied" => Broken::unsent(
            unreachable(format!("the control agent at {address} may not open the socket of kea-dhcp4"))
                .hint("run the agent as a user who may, such as _kea"),
        ),
        "Operation canceled" => Broken::sent(
            Error::new(
                ErrorKind::TimedOut,
                format!("kea-dhcp4 behind the control agent at {address} did not answer within {AGENT_PATIENCE:?}"),
            )
            .hint(
                "it is frozen or busy; what takes longer cannot go through an agent: use its UNIX socket or, from \
                 Kea 3.0 on, its own HTTP control socket",
            ),
        ),
        _ => Broken::sent(
            unreachable(format!("the control agent at {address} lost its connection to kea-dhcp4: {shown}"))
                .hint("see the log of kea-dhcp4: it may have stopped"),
        ),
    })
}

/// The one entry of a list, without a copy and without looking through it; an object as it is.
/// `None`: neither.
fn one_entry(body: &Bytes) -> Option<Bytes> {
    let text = body.trim_ascii();
    match text.first()? {
        b'{' => Some(body.slice_ref(text)),
        b'[' => {
            let inner = text[1..].trim_ascii_start();
            let inner = inner.strip_suffix(b"]").unwrap_or(inner).trim_ascii_end();
            inner.starts_with(b"{").then(|| body.slice_ref(inner))
        }
        _ => None,
    }
}

fn not_kea(reply: &Reply, address: &Address) -> Error {
    let first = reply.body.trim_ascii().first();
    let what = match first {
        None => format!("{address} gives an empty answer"),
        Some(b'<') => format!("{address} gives a web page, not an answer of Kea"),
        Some(_) => format!("{address} gives something that is no answer of Kea"),
    };
    Error::new(ErrorKind::Garbled, what)
        .hint("is it the port of kea-dhcp4's HTTP control socket, or of a control agent?")
}

/// What the body says in Kea's form, for a message.
fn said(reply: &Reply) -> String {
    let text = one_entry(&reply.body).and_then(|entry| Answer::read("", &entry).ok()).map(|answer| answer.text);
    text.filter(|text| !text.raw().is_empty()).map_or_else(String::new, |text| format!(": {text}"))
}

/// The realm of a challenge (RFC 7235).
fn realm(challenge: &str) -> Option<&str> {
    let at = challenge.to_ascii_lowercase().find("realm=")?;
    let value = &challenge[at + "realm=".len()..];
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split([',', ' ']).next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &'static str) -> Option<Bytes> {
        one_entry(&Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn the_entry_of_a_list_is_found() {
        assert_eq!(entry(" [ { \"a\": [1] } ] \n").unwrap(), "{ \"a\": [1] }");
        assert_eq!(entry("{ \"result\": 401 }\n").unwrap(), "{ \"result\": 401 }");
        // a cut answer stays one that ends in the middle
        assert_eq!(entry("[ { \"a\": \"b").unwrap(), "{ \"a\": \"b");
        for none in ["", " ", "[]", "[ 1 ]", "<html>", "[[{}]]", "ok"] {
            assert_eq!(entry(none), None, "{none}");
        }
    }

    #[test]
    fn a_realm_is_found() {
        assert_eq!(realm("Basic realm=\"kea pair\", charset=\"UTF-8\""), Some("kea pair"));
        assert_eq!(realm("Basic Realm=plain, x"), Some("plain"));
        assert_eq!(realm("Negotiate"), None);
    }

    #[test]
    fn only_an_agent_that_lost_the_request_leaves_doubt() {
        let address = Address::parse("http://kea-1:8000").unwrap_or_else(|error| panic!("{error}"));
        let forward = |reason: &str| {
            let text =
                format!("unable to forward command to the dhcp4 service: {reason}. The server is likely to be offline");
            agents_failure(&text, &address).map(|broken| (broken.sent, broken.error.kind))
        };
        assert_eq!(forward("Connection refused"), Some((false, ErrorKind::Unreachable)));
        assert_eq!(forward("No such file or directory"), Some((false, ErrorKind::Unreachable)));
        assert_eq!(forward("Permission denied"), Some((false, ErrorKind::Unreachable)));
        assert_eq!(forward("Operation canceled"), Some((true, ErrorKind::TimedOut)));
        assert_eq!(forward("Connection reset by peer"), Some((true, ErrorKind::Unreachable)));
        assert_eq!(forward("End of file"), Some((true, ErrorKind::Unreachable)));
        assert_eq!(forward("something new"), Some((true, ErrorKind::Unreachable)));
        let of = |text: &str| agents_failure(text, &address).map(|broken| (broken.sent, broken.error.kind));
        let unknown = "forwarding socket is not configured for the server type dhcp4";
        assert_eq!(of(unknown), Some((false, ErrorKind::Unreachable)));
        assert_eq!(of("internal server error: empty response"), Some((true, ErrorKind::Garbled)));
        assert_eq!(of("unable to open file"), None);
    }
}
