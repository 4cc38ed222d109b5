//! Proves who we are to a server, and seals what is said afterwards: SPNEGO, Kerberos and NTLM as
//! WS-Management carries them over HTTP (MS-WSMV 2.2.9.1, RFC 4559).

mod bindings;
mod credssp;
#[cfg(all(feature = "gss", unix))]
mod gss;
mod identity;
mod kdc;
mod native;

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use super::access::{Access, Scheme};
use super::explain;
use crate::backend::web::Address;
use crate::engine::{Error, ErrorKind, Result};

/// A security context with a server, seen from our side.
#[async_trait]
pub trait SecurityContext: Send {
    /// Takes what the server said, nothing at first, and gives what it is to be told.
    ///
    /// # Errors
    /// The server, or the key distribution centre, is not content with us, or we not with it.
    async fn step(&mut self, token: &[u8]) -> std::result::Result<Step, Failure>;

    /// Seals a message: the mechanism's header and the encrypted data. Messages are opened in the
    /// order in which they were sealed.
    ///
    /// # Errors
    /// The context is not complete.
    fn wrap(&mut self, plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>)>;

    /// Opens what the server sealed.
    ///
    /// # Errors
    /// [`ErrorKind::Garbled`]: it is not sealed, was changed, or is not the next message. The
    /// context is of no more use.
    fn unwrap(&mut self, header: &[u8], data: &[u8]) -> Result<Vec<u8>>;

    /// Whether the server was told enough to judge the password: a no may then be one to that.
    fn has_shown_password(&self) -> bool {
        false
    }

    /// The authentication scheme of HTTP that carries its tokens.
    fn scheme(&self) -> HttpScheme;

    /// The mechanism that was agreed upon, in words.
    fn mechanism(&self) -> String;

    /// Why it is not Kerberos, where that would have been preferred.
    fn no_kerberos(&self) -> Option<&NoKerberos> {
        None
    }
}

/// Why Kerberos cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoKerberos {
    /// In words.
    pub why: String,
    /// What lets it be had; `None` for accounts of a machine, of which it knows nothing.
    pub cure: Option<&'static str>,
}

/// What a step gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// For the server.
    pub token: Option<Vec<u8>>,
    /// Both sides have proved what they have to, as far as can be told from here.
    pub is_complete: bool,
}

/// Why there is no context.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In words.
    pub error: Error,
    /// What did not work.
    pub about: About,
}

/// A part of the way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A connection, and what is said over it.
    Reach,
    /// That we are who we say we are, or that the server is.
    Proof,
    /// User and password were looked at and not taken: trying them again may lock the account.
    Password,
}

impl Failure {
    /// The server cannot be talked to.
    pub fn of_reach(error: Error) -> Self {
        Failure { error, about: About::Reach }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, about: About::Proof }
    }
}

/// An authentication scheme of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpScheme {
    /// SPNEGO, or the bare tokens of NTLM.
    Negotiate,
    /// The bare tokens of Kerberos.
    Kerberos,
    /// TLS with CredSSP in it.
    CredSsp,
}

impl HttpScheme {
    /// Its word in header fields.
    pub fn word(self) -> &'static str {
        match self {
            HttpScheme::Negotiate => "Negotiate",
            HttpScheme::Kerberos => "Kerberos",
            HttpScheme::CredSsp => "CredSSP",
        }
    }

    /// The name of the protocol in bodies that are sealed (MS-WSMV 2.2.9.1.1.2.1).
    pub fn protocol(self) -> &'static str {
        match self {
            HttpScheme::Negotiate => "application/HTTP-SPNEGO-session-encrypted",
            HttpScheme::Kerberos => "application/HTTP-Kerberos-session-encrypted",
            HttpScheme::CredSsp => "application/HTTP-CredSSP-session-encrypted",
        }
    }
}

/// Begins a context with the server. `certificate` is the one that it showed over TLS; without
/// one, the context will seal. `patience` is for each answer of a key distribution centre.
///
/// # Errors
/// The configuration asks for what cannot be.
pub fn begin(
    access: &Access,
    password: &SecretString,
    certificate: Option<&[u8]>,
    patience: Duration,
) -> Result<Box<dyn SecurityContext>> {
    let Address::Net { host, .. } = &access.web.address else {
        return Err(Error::new(ErrorKind::Local, "a Windows server is reached over a network only"));
    };
    #[cfg(all(feature = "gss", unix))]
    if access.web.login.is_none() && access.scheme.is_of_ticket_cache() {
        let bindings = certificate.filter(|_| access.channel_bindings).map(bindings::data);
        return gss::Tickets::begin(access.scheme, access.service.word(), host, bindings);
    }
    let user = access.web.login.as_ref().map(|login| login.user.as_str()).unwrap_or_default();
    let setting = native::Setting {
        target: format!("{}/{host}", access.service.word()),
        seals: certificate.is_none(),
        bindings: certificate.filter(|_| access.channel_bindings).map(bindings::of),
        patience,
        who: explain::who(access),
    };
    let kerberos = identity::kerberos(user, host, access.kdc.as_deref());
    match (access.scheme, kerberos) {
        (Scheme::Negotiate, Ok(client)) => native::negotiate(Ok((client, identity::ntlm(user)?)), password, setting),
        (Scheme::Negotiate, Err(none)) => native::negotiate(Err((none, identity::ntlm(user)?)), password, setting),
        (Scheme::Kerberos, Ok(client)) => native::kerberos(client, password, setting),
        (Scheme::Kerberos, Err(none)) => Err(Error::new(ErrorKind::Local, format!("no Kerberos: {}", none.why))
            .hint("write user = \"NAME@REALM\" and the server's full name; auth = \"negotiate\" would use NTLM here")),
        (Scheme::Ntlm, _) => native::ntlm(identity::ntlm(user)?, password, setting),
        (Scheme::CredSsp, _) => Ok(Box::new(credssp::CredSsp::new(identity::ntlm(user)?, password, setting)?)),
        (Scheme::Basic, _) => Err(Error::new(ErrorKind::Unsupported, "Basic has no context")),
    }
}
