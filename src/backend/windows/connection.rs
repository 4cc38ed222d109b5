//! One connection to a WS-Management service with its security context: proof of who we are first,
//! then envelopes, one after the other. After a failure it is of no more use.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;

use super::access::{Access, Scheme};
use super::auth::{self, About, Failure, HttpScheme, NoKerberos, SecurityContext};
use super::charset::{self, Charset};
use super::explain;
use super::sealed;
use super::wire::Answer;
use crate::backend::exchange::{Broken, Effect};
use crate::backend::http::{BasicAuth, Held, Lost, Reply, Request};
use crate::backend::web::Login;
use crate::engine::{Error, ErrorKind, Result};

/// No scheme needs more; a server that goes on forever is stopped.
const MOST_LEGS: usize = 12;

/// An authenticated connection.
pub(super) struct Connection {
    held: Held,
    proof: Proof,
    /// What is said is sealed by the context: there is no TLS.
    seals: bool,
    is_used: bool,
}

/// How we prove who we are.
#[derive(Clone, Debug)]
pub(super) struct Used {
    /// In words.
    pub(super) mechanism: String,
    /// Why it is not Kerberos, where that would have been preferred.
    pub(super) no_kerberos: Option<NoKerberos>,
}

impl Used {
    fn of(context: &dyn SecurityContext) -> Self {
        Used { mechanism: context.mechanism(), no_kerberos: context.no_kerberos().cloned() }
    }

    fn basic() -> Self {
        Used { mechanism: "Basic".to_owned(), no_kerberos: None }
    }

    pub(super) fn is_kerberos(&self) -> bool {
        self.mechanism.trim_end_matches(')').ends_with("Kerberos")
    }
}

/// What a connection owes its rights to.
enum Proof {
    /// A context that belongs to the connection.
    Context(Box<dyn SecurityContext>),
    /// User and password, with every request.
    Basic(HeaderValue),
}

/// Why an envelope has no answer. The connection is of no more use.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) broken: Broken,
    /// On another connection it may well be answered; an envelope that reads may be sent there.
    pub(super) may_try_again: bool,
}

impl Unanswered {
    fn for_good(broken: Broken) -> Self {
        Unanswered { broken, may_try_again: false }
    }
}

impl Connection {
    /// Proves who we are on a connection that was just opened. Each answer has the time that
    /// reading has; `patience` is for each of a key distribution centre.
    ///
    /// # Errors
    /// The server does not take us for who we say we are, or does not prove who it is.
    pub(super) async fn authenticate(
        mut held: Held,
        access: &Access,
        password: &SecretString,
        patience: Duration,
    ) -> std::result::Result<Self, Failure> {
        let is_tls = access.web.address.is_tls();
        if access.scheme == Scheme::Basic {
            let header = basic(access).await?;
            let reply = leg(&mut held, header.clone()).await?;
            judge(&reply, access, &Used::basic())?;
            return Ok(Connection { held, proof: Proof::Basic(header), seals: false, is_used: false });
        }
        let certificate = held.certificate().map(<[u8]>::to_vec);
        let mut context = auth::begin(access, password, certificate.as_deref(), patience)?;
        prove(&mut held, context.as_mut(), access).await?;
        Ok(Connection { held, proof: Proof::Context(context), seals: !is_tls, is_used: false })
    }

    /// How we proved who we are.
    pub(super) fn used(&self) -> Used {
        match &self.proof {
            Proof::Context(context) => Used::of(context.as_ref()),
            Proof::Basic(_) => Used::basic(),
        }
    }

    /// Whether an envelope was sent on it.
    pub(super) fn is_used(&self) -> bool {
        self.is_used
    }

    /// Whether the server has left it open, as far as can be seen from here.
    pub(super) fn is_open(&mut self) -> bool {
        self.held.is_open()
    }

    /// Since when nothing was said on it.
    pub(super) fn idle(&self) -> Duration {
        self.held.idle()
    }

    /// Sends an envelope and gives its answer.
    ///
    /// # Errors
    /// No answer came, or one that cannot be trusted.
    pub(super) async fn exchange(
        &mut self,
        envelope: &str,
        effect: Effect,
        access: &Access,
    ) -> std::result::Result<Answer, Unanswered> {
        let request = self.request(envelope, effect).map_err(|error| Unanswered::for_good(Broken::unsent(error)))?;
        self.is_used = true;
        let reply = self.held.exchange(&request).await;
        let reply = reply.map_err(|Lost { broken, may_try_again }| Unanswered { broken, may_try_again })?;
        if reply.status == 401 {
            // it has forgotten us, and did not look at the envelope; unless somebody between says so
            let error = explain::refused(&reply, access, &self.used());
            let broken = Broken { error, sent: self.seals };
            return Err(Unanswered { broken, may_try_again: effect == Effect::Reads });
        }
        self.answer(&reply).map_err(|error| {
            // these are said before an envelope is looked at; where all has to be sealed, by anybody
            let sent = self.seals || !matches!(reply.status, 403 | 404 | 405 | 413);
            Unanswered::for_good(Broken { error, sent })
        })
    }

    fn request(&mut self, envelope: &str, effect: Effect) -> Result<Request> {
        let (kind, body) = match &mut self.proof {
            Proof::Context(context) if self.seals => {
                let protocol = context.scheme().protocol();
                let (header, data) = context.wrap(envelope.as_bytes())?;
                (sealed::content_type(protocol), sealed::write(protocol, envelope.len(), &header, &data))
            }
            _ => ("application/soap+xml;charset=UTF-8".to_owned(), envelope.as_bytes().to_vec()),
        };
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::try_from(kind).map_err(|_| Error::new(ErrorKind::Local, "no such content type"))?;
        headers.insert(header::CONTENT_TYPE, kind);
        if let Proof::Basic(value) = &self.proof {
            headers.insert(header::AUTHORIZATION, value.clone());
        }
        Ok(Request { headers, body: Bytes::from(body), effect })
    }

    fn answer(&mut self, reply: &Reply) -> Result<Answer> {
        let kind = reply.header(header::CONTENT_TYPE).unwrap_or_default();
        let text = if reply.body.is_empty() {
            return Err(explain::no_envelope(reply, self.seals));
        } else if sealed::is_sealed(kind) {
            self.open(&reply.body)?
        } else if self.seals {
            return Err(explain::unsealed(reply));
        } else {
            charset::decode(&reply.body, sealed::parameter(kind, "charset").and_then(Charset::read))
                .filter(|text| is_xml(text))
                .ok_or_else(|| explain::no_envelope(reply, false))?
        };
        let date = reply.header(header::DATE).and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        Ok(Answer { status: reply.status, text, date: date.map(|date| date.timestamp()) })
    }

    /// Opens a sealed body. All that is wrong with one means that it cannot be trusted.
    fn open(&mut self, body: &[u8]) -> Result<String> {
        let garbled =
            |what: &str| Error::new(ErrorKind::Garbled, format!("the server's sealed answer cannot be read: {what}"));
        let Proof::Context(context) = &mut self.proof else {
            return Err(garbled("nothing was agreed upon to seal it"));
        };
        let sealed = sealed::parse(body).map_err(garbled)?;
        let plain = context.unwrap(sealed.header, sealed.data)?;
        if plain.len() != sealed.length {
            return Err(garbled("it is not as long as it says"));
        }
        charset::decode(&plain, sealed.charset).ok_or_else(|| garbled("it is no text"))
    }
}

/// Sends and takes tokens until both sides are content.
async fn prove(
    held: &mut Held,
    context: &mut dyn SecurityContext,
    access: &Access,
) -> std::result::Result<(), Failure> {
    let word = context.scheme().word();
    let mut said = Vec::new();
    let mut is_accepted = false;
    // the no to what shows the password: what comes of it is a refusal, never to be tried again
    let mut no: Option<Reply> = None;
    for _ in 0..MOST_LEGS {
        let step = match (context.step(&said).await, &no) {
            (Ok(step), _) => step,
            // it has words of its own for what went wrong
            (Err(failure), Some(_)) if context.scheme() == HttpScheme::CredSsp => {
                return Err(Failure { about: About::Password, ..failure });
            }
            (Err(_), Some(no)) => return Err(refusal(no, access, context)),
            (Err(failure), None) => return Err(failure),
        };
        match step.token {
            Some(token) if !is_accepted => {
                let reply = leg(held, authorization(word, &token)?).await?;
                is_accepted = reply.status != 401;
                if is_accepted {
                    judge(&reply, access, &Used::of(context))?;
                }
                match token_of(&reply, word) {
                    _ if is_accepted && step.is_complete => return Ok(()),
                    Some(token) if is_accepted => said = token,
                    Some(token) if !step.is_complete => {
                        said = token;
                        no = Some(reply).filter(|_| context.has_shown_password());
                    }
                    None if is_accepted => return Err(explain::unproved().into()),
                    _ => return Err(refusal(&reply, access, context)),
                }
            }
            _ if step.is_complete && is_accepted => return Ok(()),
            _ => return Err(no.map_or_else(|| explain::unproved().into(), |no| refusal(&no, access, context))),
        }
    }
    Err(Error::new(ErrorKind::Garbled, format!("the server came to no end within {MOST_LEGS} steps of authentication"))
        .into())
}

/// Whether it may be an envelope; a page for people is none.
fn is_xml(text: &str) -> bool {
    let text = text.trim_start();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    text.starts_with('<') && !begins("<!doctype") && !begins("<html")
}

/// One request without a body, that carries who we are.
async fn leg(held: &mut Held, authorization: HeaderValue) -> std::result::Result<Reply, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, authorization);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/soap+xml;charset=UTF-8"));
    let request = Request { headers, body: Bytes::new(), effect: Effect::Reads };
    held.exchange(&request).await.map_err(|lost| Failure::of_reach(lost.broken.error))
}

/// A status that says that the request without a body came to the service: some find fault with it.
fn judge(reply: &Reply, access: &Access, used: &Used) -> std::result::Result<(), Failure> {
    match reply.status {
        200..=299 | 400 | 415 | 500 => Ok(()),
        401 => Err(Failure { error: explain::refused(reply, access, used), about: About::Password }),
        403 => Err(explain::status_alone(403).into()),
        status => Err(Failure::of_reach(explain::status_alone(status))),
    }
}

/// A no, which is one to the password only after that was shown.
fn refusal(reply: &Reply, access: &Access, context: &dyn SecurityContext) -> Failure {
    let error = explain::refused(reply, access, &Used::of(context));
    Failure { error, about: if context.has_shown_password() { About::Password } else { About::Proof } }
}

async fn basic(access: &Access) -> Result<HeaderValue> {
    let login = access.web.login.as_ref();
    let login = login.ok_or_else(|| Error::new(ErrorKind::Local, "Basic needs a user and a password"))?;
    // it knows accounts of the machine alone, by their mere names
    let user = login.user.strip_prefix(".\\").unwrap_or(&login.user).to_owned();
    BasicAuth::new(&Login { user, ..login.clone() }).header().await
}

fn authorization(word: &str, token: &[u8]) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("{word} {}", STANDARD.encode(token)))
        .map_err(|_| Error::new(ErrorKind::Local, "a token does not fit into a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The token behind this word; what is no token is as good as none.
fn token_of(reply: &Reply, word: &str) -> Option<Vec<u8>> {
    offers(reply).find_map(|offer| {
        let (name, token) = offer.split_once(' ')?;
        let token = name.eq_ignore_ascii_case(word).then(|| STANDARD.decode(token.trim()).ok())??;
        (!token.is_empty()).then_some(token)
    })
}

/// What the server offers: in several fields, or in one with commas between, as some proxies have it.
pub(super) fn offers(reply: &Reply) -> impl Iterator<Item = &str> {
    const NAME: HeaderName = header::WWW_AUTHENTICATE;
    let fields = reply.headers.get_all(NAME).into_iter().filter_map(|value| value.to_str().ok());
    fields.flat_map(|field| field.split(',')).map(str::trim).filter(|offer| !offer.is_empty())
}
